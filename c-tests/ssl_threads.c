/* SSL with threads: a reader and a writer at once, closing and leaving by longjmp; and what waits: time-outs, deadlines,
 * wait sets. */
#include "secure.h"
#include <setjmp.h>
#include <sys/time.h>
#include <ucontext.h>

enum { PIECE = 50000 };

/* More than the system's buffers hold; less where everything is slow. */
static size_t much(void) { return (size_t)(getenv("ACL_TEST_SLOW") != NULL ? 5 : 8) << 20; }

static unsigned char value_at(size_t place) { return (unsigned char)(place * 7 + place / 4093 + place / 65521); }

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *write_much(void *stream)
{
    static const size_t sizes[] = { 1, PIECE, 700, 16384, 65536, 3 };
    unsigned char *bytes = malloc(65536);
    size_t place = 0, turn = 0, i;
    while (place < much()) {
        size_t size = sizes[turn++ % ROWS(sizes)];
        size = size < much() - place ? size : much() - place;
        for (i = 0; i < size; i++)
            bytes[i] = value_at(place + i);
        OK(acl_write_vector(stream, bytes, size, NULL));
        place += size;
        if (turn % 5 == 0)
            OK(acl_force_output(stream));
    }
    OK(acl_force_output(stream));
    free(bytes);
    return NULL;
}

static void *read_much(void *stream)
{
    unsigned char *bytes = malloc(PIECE);
    size_t place = 0, i, length;
    while (place < much()) {
        OK(acl_read_vector(stream, bytes, PIECE, &length));
        for (i = 0; i < length; i++)
            if (bytes[i] != value_at(place + i))
                fail(__FILE__, __LINE__, "byte %zu is not what was sent", place + i);
        place += length;
    }
    EQUAL(place, much());
    free(bytes);
    return NULL;
}

/* Reader and writer of both ends begin before there is a handshake. */
TEST(a_reader_and_a_writer_at_each_end)
{
    static const int32_t methods[] = { ACL_SOCKET_TLSV1_3, ACL_SOCKET_TLSV1_2 };
    size_t i, j;
    for (i = 0; i < ROWS(methods); i++) {
        pthread_t threads[4];
        ssl_pair pair;
        begin_ssl(&pair, SSL_ARGS(.ca_file = pki("root.crt"), .method = methods[i]), SERVER);
        pthread_create(&threads[0], NULL, read_much, pair.client);
        pthread_create(&threads[1], NULL, read_much, pair.server);
        pthread_create(&threads[2], NULL, write_much, pair.client);
        pthread_create(&threads[3], NULL, write_much, pair.server);
        for (j = 0; j < 4; j++)
            EQUAL(pthread_join(threads[j], NULL), 0);
        both_done(&pair);
    }
}

static void *look_and_end(void *stream)
{
    acl_ssl_connection connection;
    int i;
    for (i = 0; i < 30; i++)
        OK(acl_get_ssl_connection(stream, &connection));
    return NULL;
}

/* A thread that has given its turn back and ended is not one that ended in the middle of it. */
TEST(threads_that_end_are_not_taken_for_gone)
{
    ssl_pair pair;
    int round, i;
    ssl_connection(&pair, CLIENT, SERVER);
    for (round = 0; round < (getenv("ACL_TEST_SLOW") != NULL ? 20 : 1500); round++) {
        pthread_t threads[6];
        for (i = 0; i < 6; i++)
            EQUAL(pthread_create(&threads[i], NULL, look_and_end, pair.client), 0);
        for (i = 0; i < 6; i++)
            EQUAL(pthread_join(threads[i], NULL), 0);
    }
    talk(&pair);
    both_done(&pair);
}

static void *read_line(void *stream)
{
    LINE(stream, "the answer");
    return NULL;
}

/* A reader is in the handshake, or waits behind it, when the writer comes: neither waits for the other. */
TEST(a_request_is_not_held_up_by_who_waits_for_its_answer)
{
    int round;
    for (round = 0; round < 40; round++) {
        pthread_t reader, server;
        ssl_pair pair;
        begin_ssl(&pair, SSL_ARGS(.ca_file = pki("root.crt"), .method = round % 2 ? ACL_SOCKET_TLSV1_2 : 0), SERVER);
        pthread_create(&reader, NULL, read_line, pair.client);
        if (round % 4 < 2)
            usleep(2000);
        pthread_create(&server, NULL, server_handshake, &pair);
        send_text(pair.client, "the request\n");
        pthread_join(server, NULL);
        LINE(pair.server, "the request");
        send_text(pair.server, "the answer\n");
        pthread_join(reader, NULL);
        both_done(&pair);
    }
}

typedef struct { acl_socket *stream; acl_status status; acl_status (*run)(acl_socket *); } waiter;

static acl_status reads(acl_socket *stream) { return acl_read_byte(stream, &(uint8_t){ 0 }); }

static acl_status writes(acl_socket *stream)
{
    static char piece[1 << 20];
    acl_status status = ACL_SOCKET_OK;
    while (status == ACL_SOCKET_OK)
        status = acl_write_vector(stream, piece, sizeof piece, NULL);
    return status;
}

static void *wait_in(void *given)
{
    waiter *it = given;
    it->status = it->run(it->stream);
    return NULL;
}

TEST(closing_wakes_who_waits)
{
    static acl_status (*const runs[])(acl_socket *) = { reads, writes, acl_ssl_do_handshake };
    size_t i;
    for (i = 0; i < ROWS(runs); i++) {
        pthread_t thread;
        ssl_pair pair;
        waiter it;
        begin_ssl(&pair, CLIENT, SERVER);
        if (i < 2) {
            shake_hands(&pair);
            OK(pair.client_status);
        }
        it = (waiter){ pair.client, ACL_SOCKET_OK, runs[i] };
        pthread_create(&thread, NULL, wait_in, &it);
        usleep(30000);
        OK(acl_close(pair.client, ACL_SOCKET_ABORT));
        pthread_join(thread, NULL);
        EQUAL(it.status, ACL_SOCKET_CLOSED);
        both_done(&pair);
    }
}

#define CONTROL(stream, ...) acl_socket_control(stream, ARGS(acl_socket_control_args, __VA_ARGS__))

#define EXPIRES(call, answer) \
    do { double from_ = seconds_now(); \
        EQUAL(call, answer); \
        CHECK(seconds_now() - from_ > 0.02); } while (0)

TEST(time_outs_and_deadlines_end_waiting)
{
    acl_socket *client, *silent, *stream;
    ssl_pair pair;
    int round;
    /* A peer that never answers. */
    connection(&client, &silent);
    OK(acl_make_ssl_client_stream(client, CLIENT, &stream));
    OK(CONTROL(stream, .read_timeout = 0.03));
    EXPIRES(acl_ssl_do_handshake(stream), ACL_SOCKET_READ_TIMEOUT);
    EXPIRES(acl_read_byte(stream, &(uint8_t){ 0 }), ACL_SOCKET_READ_TIMEOUT);
    OK(acl_write_string(stream, "x", 1));
    EXPIRES(acl_force_output(stream), ACL_SOCKET_WRITE_TIMEOUT);
    OK(CONTROL(stream, .read_timeout = -1, .write_timeout = 0.03));
    EXPIRES(acl_force_output(stream), ACL_SOCKET_WRITE_TIMEOUT);
    OK(acl_clear_output(stream));
    done(stream);
    done(silent);

    ssl_connection(&pair, CLIENT, SERVER);
    for (round = 0; round < 2; round++) {
        OK(CONTROL(pair.client, .read_timeout = 0.03));
        EXPIRES(acl_read_byte(pair.client, &(uint8_t){ 0 }), ACL_SOCKET_READ_TIMEOUT);
        OK(CONTROL(pair.client, .read_timeout = -1));
        OK(acl_set_socket_deadline(pair.client, 0.03));
        EXPIRES(acl_read_byte(pair.client, &(uint8_t){ 0 }), ACL_SOCKET_READ_TIMEOUT);
        EQUAL(acl_read_byte(pair.client, &(uint8_t){ 0 }), ACL_SOCKET_READ_TIMEOUT);
        OK(acl_set_socket_deadline(pair.client, -1));
        talk(&pair);
    }
    both_done(&pair);
}

/* What the write says it took, and what comes later, is all that arrives, once. */
TEST(after_a_write_time_out_nothing_is_lost_or_sent_twice)
{
    unsigned char *bytes = malloc(much());
    pthread_t reader;
    size_t place = 0, written;
    int expired = 0;
    ssl_pair pair;
    for (place = 0; place < much(); place++)
        bytes[place] = value_at(place);
    ssl_connection(&pair, CLIENT, SERVER);
    OK(CONTROL(pair.client, .write_timeout = 0.02));
    for (place = 0; place < much(); place += written) {
        acl_status status;
        size_t size = much() - place < 300000 ? much() - place : 300000;
        written = size;
        status = acl_write_vector(pair.client, bytes + place, size, &written);
        if (status == ACL_SOCKET_WRITE_TIMEOUT && ++expired == 3)
            pthread_create(&reader, NULL, read_much, pair.server);
        else if (status != ACL_SOCKET_WRITE_TIMEOUT)
            OK(status);
        CHECK(expired < 10000);
    }
    while ((written = (size_t)acl_force_output(pair.client)) == ACL_SOCKET_WRITE_TIMEOUT)
        ;
    OK((acl_status)written);
    CHECK(expired >= 3);
    EQUAL(pthread_join(reader, NULL), 0);
    CHECK(!heard(pair.server));
    both_done(&pair);
    free(bytes);
}

static size_t ready_of(acl_wait_set *set, double timeout)
{
    acl_wait_event events[4];
    size_t count;
    OK(acl_wait_for_io_available(set, timeout, events, 4, &count));
    return count;
}

static size_t available(acl_socket *stream, double timeout)
{
    acl_wait_item item = { stream, -1, 0 };
    size_t count;
    OK(acl_wait_for_input_available(&item, 1, timeout, &count));
    EQUAL(item.available, count);
    return count;
}

/* Waiting does the handshake, and reports what can be read, not tickets, parts of records or alerts. */
TEST(wait_sets_report_what_can_be_read)
{
    acl_ssl_context *context;
    acl_wait_set *set;
    ssl_pair pair;
    int round;
    OK(acl_make_ssl_server_context(CONTEXT(.certificate = pki("both.pem")), &context));
    OK(acl_make_wait_set(&set));
    begin_ssl(&pair, CLIENT, SSL_ARGS(.context = context));
    OK(acl_wait_set_watch(set, pair.server, ACL_SOCKET_IN, NULL));
    CHECK(!heard(pair.client));
    for (round = 0; round < 10; round++) {
        EQUAL(ready_of(set, 0.005), 0);
        EQUAL(available(pair.client, 0.005), 0);
    }
    /* The handshake is done, and the tickets have come. */
    send_text(pair.client, "one\ntwo\n");
    EQUAL(ready_of(set, 10), 1);
    EQUAL(available(pair.server, 10), 1);
    LINE(pair.server, "one");
    EQUAL(ready_of(set, 10), 1);
    EQUAL(ready_of(set, 10), 1);
    EQUAL(available(pair.server, 10), 1);
    LINE(pair.server, "two");
    EQUAL(ready_of(set, 0.01), 0);
    EQUAL(available(pair.server, 0.01), 0);
    EQUAL(acl_read_no_hang_p(pair.server), 0);
    /* Several records of which the kernel has none any more. */
    send_text(pair.client, "1\n");
    send_text(pair.client, "2\n");
    usleep(20000);
    LINE(pair.server, "1");
    EQUAL(ready_of(set, 10), 1);
    LINE(pair.server, "2");
    EQUAL(ready_of(set, 0.01), 0);
    /* The end is something to read. */
    OK(acl_close(pair.client, 0));
    EQUAL(ready_of(set, 10), 1);
    EQUAL(available(pair.server, 10), 1);
    EQUAL(reads(pair.server), ACL_SOCKET_END_OF_FILE);
    both_done(&pair);
    OK(acl_free_wait_set(set));
    OK(acl_free_ssl_context(context));
}

/* A set that watched the plain stream knows it no longer; the new one can be watched. */
TEST(a_set_does_not_know_the_stream_that_took_over)
{
    acl_socket *client, *server, *secure;
    acl_wait_set *set;
    connection(&client, &server);
    OK(acl_make_wait_set(&set));
    OK(acl_wait_set_watch(set, server, ACL_SOCKET_IN, NULL));
    OK(acl_make_ssl_server_stream(server, SERVER, &secure));
    send_text(client, "no record\n");
    EQUAL(ready_of(set, 0.01), 0);
    OK(acl_wait_set_watch(set, secure, ACL_SOCKET_IN, NULL));
    EQUAL(ready_of(set, 10), 1);
    EQUAL(reads(secure), ACL_SOCKET_SSL_PLAIN_PEER);
    done(secure);
    done(client);
    OK(acl_free_wait_set(set));
}

/* --- leaving by longjmp */

static sigjmp_buf outside;
static volatile sig_atomic_t anywhere;

/* Leaves where a wait was interrupted; elsewhere the thread may be in the middle of the C library, such as of malloc,
 * unless it was told that this cannot be. */
static void leave_a_wait(int number, siginfo_t *information, void *context)
{
#ifdef __x86_64__
    const ucontext_t *where = context;
    (void)number;
    (void)information;
    if (!anywhere && where->uc_mcontext.gregs[REG_RAX] != -EINTR)
        return;
#else
    (void)number;
    (void)information;
    (void)context;
#endif
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 0 } }, NULL);
    siglongjmp(outside, 1);
}

/* 0: not any more. */
static void leave_after(int microseconds)
{
    struct itimerval time = { { 0, microseconds != 0 ? 300 : 0 }, { 0, microseconds } };
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = leave_a_wait;
    action.sa_flags = SA_SIGINFO;
    EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    EQUAL(setitimer(ITIMER_REAL, &time, NULL), 0);
}

TEST(a_wait_is_left_and_the_stream_goes_on)
{
    static volatile int round;
    static ssl_pair pair;
    /* On a busy machine the time may be over before the wait has begun. */
    OK(acl_set_non_local_exits(1));
    begin_ssl(&pair, CLIENT, SERVER);
    /* Out of the handshake, whose other side has not begun. */
    for (round = 0; round < 20; round++)
        if (sigsetjmp(outside, 1) == 0) {
            leave_after(2000);
            reads(pair.client);
            fail(__FILE__, __LINE__, "the read returned: %s", acl_stream_error_report());
        }
    shake_hands(&pair);
    OK(pair.client_status);
    for (round = 0; round < 100; round++) {
        if (sigsetjmp(outside, 1) == 0) {
            leave_after(1000);
            reads(pair.client);
            fail(__FILE__, __LINE__, "the read returned: %s", acl_stream_error_report());
        }
        talk(&pair);
    }
    both_done(&pair);
}

static void *shake_elsewhere(void *stream)
{
    OK(acl_ssl_do_handshake(stream));
    LINE(stream, "from the server");
    return NULL;
}

/* Another thread goes on with the handshake that the first one has left. */
TEST(another_thread_goes_on_where_one_has_left)
{
    static ssl_pair pair;
    pthread_t client;
    OK(acl_set_non_local_exits(1));
    begin_ssl(&pair, CLIENT, SERVER);
    if (sigsetjmp(outside, 1) == 0) {
        leave_after(5000);
        reads(pair.client);
        fail(__FILE__, __LINE__, "the read returned: %s", acl_stream_error_report());
    }
    pthread_create(&client, NULL, shake_elsewhere, pair.client);
    OK(acl_ssl_do_handshake(pair.server));
    send_text(pair.server, "from the server\n");
    pthread_join(client, NULL);
    both_done(&pair);
}

static void *run_without_signals(void *(*run)(void *), void *stream, pthread_t *thread)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    EQUAL(pthread_create(thread, NULL, run, stream), 0);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    return NULL;
}

static void *write_slowly(void *stream)
{
    unsigned char bytes[5000];
    size_t place, i;
    for (place = 0; place < 400 * sizeof bytes; place += sizeof bytes) {
        for (i = 0; i < sizeof bytes; i++)
            bytes[i] = value_at(place + i);
        OK(acl_write_vector(stream, bytes, sizeof bytes, NULL));
        OK(acl_force_output(stream));
        usleep(500);
    }
    return NULL;
}

/* With the switch for it bytes that came are not lost and those that went are not sent again, whatever part of a record
 * was on its way. */
TEST(bytes_are_exact_for_who_leaves)
{
    static volatile size_t place, left;
    static ssl_pair pair;
    static pthread_t other;
    static unsigned char bytes[100000];
    size_t i;
    OK(acl_set_non_local_exits(1));
    anywhere = 1;
    ssl_connection(&pair, CLIENT, SERVER);
    run_without_signals(write_slowly, pair.server, &other);
    if (sigsetjmp(outside, 1) != 0)
        left++;
    while (place < 400 * 5000) {
        const void *data;
        size_t count;
        leave_after(200);
        OK(acl_peek_input(pair.client, 1, &data, &count));
        leave_after(0);
        for (i = 0; i < count; i++)
            if (((const unsigned char *)data)[i] != value_at(place + i))
                fail(__FILE__, __LINE__, "byte %zu is not what was sent", (size_t)place + i);
        OK(acl_consume_input(pair.client, count));
        place += count;
    }
    CHECK(left > 10);
    pthread_join(other, NULL);

    /* The other way: the peer begins to read late, so that the writer waits in the middle of records. */
    left = 0;
    place = 0;
    for (;;) {
        static size_t size;
        if (sigsetjmp(outside, 1) != 0 && ++left == 20)
            run_without_signals(read_much, pair.client, &other);
        /* What was in the buffer is sent; only then comes more. */
        leave_after(left < 20 ? 300 : 0);
        OK(acl_force_output(pair.server));
        if (place == much())
            break;
        leave_after(0);
        size = much() - place < 60000 ? much() - place : 60000;
        for (i = 0; i < size; i++)
            bytes[i] = value_at(place + i);
        OK(acl_write_sequence(pair.server, bytes, size));
        place += size;
    }
    leave_after(0);
    pthread_join(other, NULL);
    CHECK(!heard(pair.client));
    both_done(&pair);
}

MAIN(
    CASE(a_reader_and_a_writer_at_each_end),
    CASE(threads_that_end_are_not_taken_for_gone),
    CASE(a_request_is_not_held_up_by_who_waits_for_its_answer),
    CASE(closing_wakes_who_waits),
    CASE(time_outs_and_deadlines_end_waiting),
    CASE(after_a_write_time_out_nothing_is_lost_or_sent_twice),
    CASE(wait_sets_report_what_can_be_read),
    CASE(a_set_does_not_know_the_stream_that_took_over),
    CASE(a_wait_is_left_and_the_stream_goes_on),
    CASE(another_thread_goes_on_where_one_has_left),
    CASE(bytes_are_exact_for_who_leaves)
)
