/* Time-outs and deadlines of streams, passive and datagram sockets. What has come or gone in part is neither lost nor
 * repeated; signals do not prolong the time. */
#include "chunks.h"
#include <math.h>
#include <stddef.h>
#include <sys/time.h>

#define SHORT 0.05
#define READ_TIMEOUT(socket, seconds) OK(CONTROL(socket, .read_timeout = (seconds)))
#define WRITE_TIMEOUT(socket, seconds) OK(CONTROL(socket, .write_timeout = (seconds)))
#define DEADLINE(socket, seconds) OK(acl_set_socket_deadline(socket, seconds))

static int slow(void)
{
    return getenv("ACL_TEST_SLOW") != NULL;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void nap(double seconds)
{
    struct timespec left = { .tv_sec = (time_t)seconds };
    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

/* --- a storm of signals */

static volatile sig_atomic_t interruptions;
static double storm_end;

static void interrupted(int number)
{
    (void)number;
    interruptions++;
    if (now() > storm_end)
        _exit(1);
}

static void storm(int flags)
{
    int interval = slow() ? 20000 : 1000;
    struct itimerval time = { .it_value.tv_usec = interval, .it_interval.tv_usec = interval };
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = interrupted;
    action.sa_flags = flags;
    interruptions = 0;
    storm_end = now() + 25;
    EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    EQUAL(setitimer(ITIMER_REAL, &time, NULL), 0);
}

static void calm(void)
{
    struct itimerval never = { .it_value.tv_usec = 0 };
    EQUAL(setitimer(ITIMER_REAL, &never, NULL), 0);
    CHECK(interruptions >= 10);
    signal(SIGALRM, SIG_DFL);
    alarm(30);
}

/* Threads of the test take no signals. */
static void quiet(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}

/* --- what takes how long */

static void took(int line, double from, double seconds)
{
    double time = now() - from, most = slow() ? 20 : interruptions ? 5 : seconds + 2;
    if (time < seconds - 0.01 || time > most)
        fail(__FILE__, line, "it took %g s, not %g", time, seconds);
}

#define EXPIRES(call, answer, seconds) \
    do { double from_ = now(); \
        EQUAL(call, answer); \
        EQUAL(acl_stream_error_identifier(), answer); \
        EQUAL(acl_stream_error_code(), 0); \
        took(__LINE__, from_, seconds); } while (0)
#define READ_EXPIRES(call) EXPIRES(call, ACL_SOCKET_READ_TIMEOUT, SHORT)
/* The deadline counts from before it is set. */
#define DEADLINE_EXPIRES(socket, seconds, call, answer) EXPIRES((acl_set_socket_deadline(socket, seconds), call), answer, seconds)
#define STORES(size, call) do { length = 7; READ_EXPIRES(call); EQUAL(length, size); } while (0)
#define WRITE_EXPIRES(call) EXPIRES(call, ACL_SOCKET_WRITE_TIMEOUT, SHORT)

typedef struct { int fd; double seconds; } later;

static void *send_later(void *argument)
{
    later *task = argument;
    quiet();
    nap(task->seconds);
    put(task->fd, "l", 1);
    return NULL;
}

/* A read waits for longer than the time-out that there is not. */
static void waits(acl_socket *stream, int peer)
{
    later task = { peer, 2 * SHORT };
    pthread_t thread;
    double from = now();
    EQUAL(pthread_create(&thread, NULL, send_later, &task), 0);
    BYTE(stream, 'l');
    took(__LINE__, from, task.seconds);
    EQUAL(pthread_join(thread, NULL), 0);
}

/* --- reading */

TEST(each_function_that_reads_expires)
{
    EACH_KIND {
        uint8_t byte;
        uint32_t character;
        char text[10];
        const char *line;
        const void *data;
        size_t length;
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        READ_TIMEOUT(stream, SHORT);
        READ_EXPIRES(acl_read_byte(stream, &byte));
        READ_EXPIRES(acl_read_char(stream, &character));
        READ_EXPIRES(acl_peek_char(stream, &character));
        STORES(0, acl_read_line(stream, text, sizeof text, &length));
        READ_EXPIRES(acl_read_line_view(stream, &line, &length));
        STORES(0, acl_read_string(stream, text, sizeof text, 0, &length));
        STORES(0, acl_read_string(stream, text, sizeof text, 1, &length));
        STORES(0, acl_read_sequence(stream, text, sizeof text, 0, &length));
        STORES(0, acl_read_sequence(stream, text, sizeof text, 1, &length));
        STORES(0, acl_read_vector(stream, text, sizeof text, &length));
        READ_EXPIRES(acl_peek_input(stream, 1, &data, &length));
        LISTENS(stream, 0);
        EQUAL(acl_read_no_hang_p(stream), 0);
        EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_WOULD_BLOCK);
        DELIVER(stream, raw, "ab");
        OK(acl_read_vector(stream, text, sizeof text, &length));
        EQUAL(length, 2);
        end_input(stream, raw);
        EQUAL(acl_read_byte(stream, &byte), ACL_SOCKET_END_OF_FILE);
        gone(stream, raw);
    }
}

TEST(what_has_come_in_part_is_kept)
{
    EACH_KIND {
        char text[20];
        const char *line;
        const void *data;
        size_t length;
        uint64_t all;
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        READ_TIMEOUT(stream, SHORT);
        DELIVER(stream, raw, "first ha");
        STORES(0, acl_read_line(stream, text, sizeof text, &length));
        READ_EXPIRES(acl_read_line_view(stream, &line, &length));
        DELIVER(stream, raw, "lf\nse");
        OK(acl_read_line(stream, text, sizeof text, &length));
        TEXT(text, "first half");
        READ_EXPIRES(acl_read_line_view(stream, &line, &length));
        DELIVER(stream, raw, "cond\n");
        OK(acl_read_line_view(stream, &line, &length));
        EQUAL(length, 6);
        SAME(line, "second", 6);

        DELIVER(stream, raw, "abc");
        STORES(3, acl_read_sequence(stream, text, 6, 0, &length));
        DELIVER(stream, raw, "de");
        STORES(2, acl_read_sequence(stream, text + 3, 3, 0, &length));
        DELIVER(stream, raw, "fg");
        OK(acl_read_sequence(stream, text + 5, 1, 0, &length));
        SAME(text, "abcdef", 6);
        BYTE(stream, 'g');

        DELIVER(stream, raw, "h\xc3\xa9l\xe2");
        STORES(4, acl_read_string(stream, text, sizeof text, 0, &length));
        TEXT(text, "h\xc3\xa9l");
        DELIVER(stream, raw, "\x82\xac!");
        OK(acl_read_string(stream, text, 5, 0, &length));
        TEXT(text, "\xe2\x82\xac!");

        DELIVER(stream, raw, "pee");
        READ_EXPIRES(acl_peek_input(stream, 4, &data, &length));
        OK(acl_peek_input(stream, 3, &data, &length));
        EQUAL(length, 3);
        DELIVER(stream, raw, "k");
        OK(acl_peek_input(stream, 4, &data, &length));
        EQUAL(length, 4);
        SAME(data, "peek", 4);
        OK(acl_socket_bytes_read(stream, &all));
        EQUAL(all, 8 + 5 + 5 + 7 + 8 + 4);
        gone(stream, raw);
    }
}

TEST(characters_cut_anywhere)
{
    static const struct { const char *format; int32_t eol; uint32_t character; const char *bytes; } all[] = {
        { "utf-8", ACL_SOCKET_EOL_UNIX, 0x1f600, "\xf0\x9f\x98\x80" },
        { "utf-16le", ACL_SOCKET_EOL_UNIX, 0x1f642, "\x3d\xd8\x42\xde" },
        { "shift_jis", ACL_SOCKET_EOL_UNIX, 0x3042, "\x82\xa0" },
        { "iso-2022-jp", ACL_SOCKET_EOL_UNIX, 0x3042, "\x1b$B$\"" },
        { "latin-1", ACL_SOCKET_EOL_DOS, '\n', "\r\n" },
    };
    EACH_KIND {
        size_t i, at;
        uint32_t character;
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        READ_TIMEOUT(stream, 0.01);
        for (i = 0; i < sizeof all / sizeof *all; i++) {
            OK(acl_set_stream_external_format(stream, all[i].format));
            OK(acl_set_eol_convention(stream, all[i].eol));
            for (at = 0; all[i].bytes[at + 1] != '\0'; at++) {
                deliver(stream, raw, all[i].bytes + at, 1);
                EXPIRES(acl_read_char(stream, &character), ACL_SOCKET_READ_TIMEOUT, 0.01);
                EXPIRES(acl_peek_char(stream, &character), ACL_SOCKET_READ_TIMEOUT, 0.01);
            }
            deliver(stream, raw, all[i].bytes + at, 1);
            PEEKED(stream, all[i].character);
            CHARACTER(stream, all[i].character);
        }
        gone(stream, raw);
    }
}

TEST(a_chunked_body_cut_anywhere)
{
    static const struct { const char *bytes; size_t stored; } parts[] = {
        { "5;name=\"v\"\r\n", 0 }, { "hello", 1 }, { "\r\n00a\r\n", 0 }, { "0123456789", 1 },
        { "\r\n0\r\nTrailer: x\r\n\r\n", 0 } };
    EACH_KIND {
        char body[50], trailers[50];
        size_t i, at, length, have = 0;
        int32_t ended;
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(CONTROL(stream, .input_chunking = ACL_SOCKET_ON, .read_timeout = 0.005));
        for (i = 0; i < 5; i++)
            for (at = 0; parts[i].bytes[at] != '\0'; at++) {
                deliver(stream, raw, parts[i].bytes + at, 1);
                if (i == 4 && parts[i].bytes[at + 1] == '\0')
                    break;
                EXPIRES(acl_read_sequence(stream, body + have, 50 - have, 0, &length), ACL_SOCKET_READ_TIMEOUT, 0.005);
                EQUAL(length, parts[i].stored);
                have += length;
            }
        EQUAL(acl_read_sequence(stream, body + have, 50 - have, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, 0);
        EQUAL(have, 15);
        SAME(body, "hello0123456789", 15);
        OK(acl_socket_chunking_end_of_file(stream, &ended));
        EQUAL(ended, 1);
        OK(acl_socket_chunking_trailers(stream, trailers, sizeof trailers, NULL));
        TEXT(trailers, "Trailer: x\r\n");
        /* A line with a character across the border of chunks. */
        OK(CONTROL(stream, .input_chunking = ACL_SOCKET_ON));
        DELIVER(stream, raw, "2\r\na\xc3\r");
        EXPIRES(acl_read_line(stream, body, sizeof body, NULL), ACL_SOCKET_READ_TIMEOUT, 0.005);
        DELIVER(stream, raw, "\n2\r\n\xa9\n\r\n0\r\n\r\nrest");
        OK(acl_read_line(stream, body, sizeof body, NULL));
        TEXT(body, "a\xc3\xa9");
        EQUAL(acl_read_line(stream, body, sizeof body, NULL), ACL_SOCKET_END_OF_FILE);
        OK(CONTROL(stream, .input_chunking = ACL_SOCKET_OFF));
        OK(acl_read_sequence(stream, body, 4, 0, &length));
        SAME(body, "rest", 4);
        gone(stream, raw);
    }
}

/* Sends a byte at a time, the last one a newline. */
typedef struct { int raw; int count; double interval; } drip;

static void *drop(void *argument)
{
    drip *task = argument;
    int i = 0;
    quiet();
    do
        nap(task->interval);
    while (++i <= task->count && send(task->raw, i == task->count ? "\n" : "d", 1, MSG_NOSIGNAL) == 1);
    return NULL;
}

/* A busy machine may fail to send in time once, but not each time. */
TEST(progress_of_reading_restarts_the_time)
{
    double scale = slow() ? 4 : 1;
    EACH_KIND {
        acl_status status;
        int tries = 0;
        drip task;
        do {
            char text[100];
            const void *data;
            size_t length;
            double from = now();
            pthread_t thread;
            acl_socket *stream = stream_and_raw(kind, NULL, &task.raw);
            READ_TIMEOUT(stream, 0.2 * scale);
            task.count = 25, task.interval = 0.02 * scale;
            EQUAL(pthread_create(&thread, NULL, drop, &task), 0);
            status = kind == OVER_TCP ? acl_read_sequence(stream, text, 25, 0, &length)
                : kind == OVER_FILE ? acl_read_line(stream, text, sizeof text, &length)
                : acl_peek_input(stream, 25, &data, &length);
            EQUAL(pthread_join(thread, NULL), 0);
            if (status == ACL_SOCKET_OK)
                CHECK(now() - from > 0.45 * scale && length == (kind == OVER_FILE ? 24 : 25));
            gone(stream, task.raw);
        } while (status == ACL_SOCKET_READ_TIMEOUT && ++tries < 5);
        OK(status);
    }
}

/* --- setting */

TEST(it_is_set_and_taken_away_on_a_live_stream)
{
    static const double none[] = { ACL_SOCKET_NO_TIMEOUT, -1e-9, INFINITY, 1e300, 1e10 };
    EACH_KIND {
        uint8_t byte;
        size_t i;
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        waits(stream, raw);
        for (i = 0; i < (kind == ADOPTED ? 5 : 2); i++) {
            READ_TIMEOUT(stream, SHORT);
            READ_EXPIRES(acl_read_byte(stream, &byte));
            OK(CONTROL(stream, .read_timeout = none[i]));
            waits(stream, raw);
        }
        READ_TIMEOUT(stream, SHORT);
        OK(CONTROL(stream, .read_timeout = 0, .write_timeout = 20));
        OK(CONTROL(stream, .input_chunking = ACL_SOCKET_OFF));
        READ_EXPIRES(acl_read_byte(stream, &byte));
        EQUAL(CONTROL(stream, .read_timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(CONTROL(stream, .write_timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
        READ_EXPIRES(acl_read_byte(stream, &byte));
        READ_TIMEOUT(stream, 1e-9);
        EXPIRES(acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT, 0);
        DELIVER(stream, raw, "x");
        BYTE(stream, 'x');
        READ_TIMEOUT(stream, 0.1);
        EXPIRES(acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT, 0.1);
        gone(stream, raw);
    }
}

/* A stream made with time-outs by a caller whose structure has that size, or the one of today. */
static acl_socket *made(int kind, size_t size_of_make, size_t size_of_adopt, double seconds, int *raw)
{
    acl_make_socket_args args = { .struct_size = size_of_make ? size_of_make : sizeof args };
    acl_socket_from_os_fd_args adopt_args = { .struct_size = size_of_adopt ? size_of_adopt : sizeof adopt_args };
    acl_socket *stream;
    meeting place;
    int pair[2];
    if (kind == ADOPTED) {
        EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        *raw = pair[1];
        adopt_args.read_timeout = adopt_args.write_timeout = seconds;
        OK(acl_socket_from_os_fd(pair[0], &adopt_args, &stream));
        return stream;
    }
    meet(&place, kind, NULL);
    args.address_family = kind == OVER_TCP ? ACL_SOCKET_INTERNET : ACL_SOCKET_FILE;
    args.remote_host = kind == OVER_TCP ? "127.0.0.1" : NULL;
    args.remote_port = place.port;
    args.remote_filename = kind == OVER_TCP ? NULL : place.file;
    args.read_timeout = args.write_timeout = seconds;
    OK(acl_make_socket(&args, &stream));
    *raw = accept(fd_of(place.passive), NULL, NULL);
    CHECK(*raw >= 0);
    part(&place);
    return stream;
}

TEST(it_is_set_by_keyword)
{
    EACH_KIND {
        uint8_t byte;
        acl_status status;
        int raw;
        acl_socket *stream = made(kind, 0, 0, SHORT, &raw);
        READ_EXPIRES(acl_read_byte(stream, &byte));
        while ((status = acl_write_byte(stream, 'x')) == ACL_SOCKET_OK)
            ;
        EQUAL(status, ACL_SOCKET_WRITE_TIMEOUT);
        gone(stream, raw);
        stream = made(kind, 0, 0, ACL_SOCKET_NO_TIMEOUT, &raw);
        waits(stream, raw);
        gone(stream, raw);
    }
}

TEST(it_is_not_read_behind_the_structures_of_older_callers)
{
    size_t make = offsetof(acl_make_socket_args, connect_timeout);
    size_t from_os_fd = offsetof(acl_socket_from_os_fd_args, read_timeout);
    acl_socket_control_args control = { .struct_size = offsetof(acl_socket_control_args, read_timeout) };
    EACH_KIND {
        int raw;
        acl_socket *stream = made(kind, make, from_os_fd, SHORT, &raw);
        waits(stream, raw);
        control.read_timeout = SHORT;
        OK(acl_socket_control(stream, &control));
        control.read_timeout = NAN;
        OK(acl_socket_control(stream, &control));
        waits(stream, raw);
        gone(stream, raw);
    }
}

TEST(what_is_no_number_is_refused)
{
    acl_socket *socket = (acl_socket *)1;
    int pair[2];
    EQUAL(MAKE(&socket, .connect = ACL_SOCKET_PASSIVE, .read_timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(socket == NULL);
    EQUAL(MAKE(&socket, .type = ACL_SOCKET_DATAGRAM, .write_timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    EQUAL(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .read_timeout = NAN), &socket),
        ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .write_timeout = NAN), &socket),
        ACL_SOCKET_INVALID_ARGUMENT);
    socket = adopt(pair[0], NULL);
    EQUAL(acl_set_socket_deadline(socket, NAN), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_set_socket_deadline(NULL, 1), ACL_SOCKET_INVALID_HANDLE);
    done(socket);
    close(pair[1]);
}

/* --- writing */

enum { MUCH = 3000000 };
static unsigned char bytes[MUCH];
static unsigned char got[2 * MUCH + 1];

static void make_bytes(void)
{
    fill_with(bytes, MUCH, 0, 256);
}

/* A stream whose output does not fit into what the system keeps for the peer. */
static acl_socket *narrow(int kind, int *raw)
{
    acl_socket *stream = stream_and_raw(kind, NULL, raw);
    OK(acl_set_socket_options(stream, ARGS(acl_set_socket_options_args, .send_buffer_size = 65536)));
    WRITE_TIMEOUT(stream, SHORT);
    return stream;
}

/* Fills the system's buffer and the stream's until they take no more for that time; how much they took. */
static size_t fill_up(acl_socket *stream, double quiet_time)
{
    size_t written, more;
    double last;
    EXPIRES(acl_write_vector(stream, bytes, MUCH, &written), ACL_SOCKET_WRITE_TIMEOUT, SHORT);
    last = now();
    /* TCP sends what is left of the window after some 0.2 s. */
    while (now() - last < quiet_time) {
        acl_status status = acl_write_vector(stream, bytes + written, 1, &more);
        EQUAL(status, more == 1 ? ACL_SOCKET_OK : ACL_SOCKET_WRITE_TIMEOUT);
        if (more == 1)
            last = now();
        written += more;
        CHECK(written < MUCH);
    }
    return written;
}

/* The peer reads all until the end, a block at a time, with pauses. */
typedef struct { pthread_t thread; int raw; double interval; size_t size; } peer;

static void *collect(void *argument)
{
    peer *task = argument;
    ssize_t count;
    quiet();
    while (task->size < 2 * MUCH && (count = recv(task->raw, got + task->size, 60000, 0)) > 0) {
        task->size += (size_t)count;
        if (task->interval > 0)
            nap(task->interval);
    }
    return NULL;
}

static void peer_reads(peer *task, int raw, double interval)
{
    memset(task, 0, sizeof *task);
    task->raw = raw;
    task->interval = interval;
    EQUAL(pthread_create(&task->thread, NULL, collect, task), 0);
}

/* Decodes the chunks in place. */
static size_t dechunked(size_t size)
{
    unsigned char *at = got, *end = got + size;
    size_t have = 0, length;
    *end = '\0';
    do {
        char *rest;
        length = strtoul((char *)at, &rest, 16);
        CHECK(rest != (char *)at && memcmp(rest, "\r\n", 2) == 0);
        at = (unsigned char *)rest + 2;
        CHECK(at + length + 2 <= end && memcmp(at + length, "\r\n", 2) == 0);
        memmove(got + have, at, length);
        have += length;
        at += length + 2;
    } while (length > 0);
    EQUAL(at - got, size);
    return have;
}

/* The peer has got the first bytes exactly once. */
static void peer_got(peer *task, size_t size, int chunked)
{
    EQUAL(pthread_join(task->thread, NULL), 0);
    close(task->raw);
    EQUAL(chunked ? dechunked(task->size) : task->size, size);
    SAME(got, bytes, size);
}

/* Waits where that is said, and again after each time-out. */
#define INSIST(call) \
    do { acl_status status_; \
        while ((status_ = (call)) == ACL_SOCKET_WRITE_TIMEOUT) ; \
        OK(status_); } while (0)

TEST(written_tells_where_to_go_on)
{
    int chunked;
    make_bytes();
    for (chunked = 0; chunked < 2; chunked++)
        EACH_KIND {
            uint64_t octets;
            size_t written, more;
            int raw;
            peer task;
            acl_socket *stream = narrow(kind, &raw);
            if (chunked)
                OK(CONTROL(stream, .output_chunking = ACL_SOCKET_ON));
            written = fill_up(stream, SHORT);
            if (kind != OVER_TCP)
                WRITE_EXPIRES(acl_force_output(stream));
            WRITE_EXPIRES(acl_write_vector(stream, bytes + written, MUCH - written, &more));
            written += more;
            peer_reads(&task, raw, 0);
            while (written < MUCH) {
                acl_status status = acl_write_vector(stream, bytes + written, MUCH - written, &more);
                CHECK(status == ACL_SOCKET_WRITE_TIMEOUT || (status == ACL_SOCKET_OK && more == MUCH - written));
                written += more;
            }
            INSIST(acl_force_output(stream));
            if (chunked)
                INSIST(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
            OK(acl_socket_bytes_written(stream, &octets));
            OK(acl_close(stream, 0));
            OK(acl_free_socket(stream));
            peer_got(&task, MUCH, chunked);
            EQUAL(octets, task.size);
        }
}

TEST(the_end_of_a_chunked_body_comes_once)
{
    make_bytes();
    EACH_KIND {
        size_t written;
        int raw;
        peer task;
        acl_socket *stream = narrow(kind, &raw);
        OK(CONTROL(stream, .output_chunking = ACL_SOCKET_ON));
        written = fill_up(stream, kind == OVER_TCP ? 0.6 : SHORT);
        WRITE_EXPIRES(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        WRITE_EXPIRES(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        peer_reads(&task, raw, 0);
        INSIST(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        OK(acl_close(stream, 0));
        OK(acl_free_socket(stream));
        peer_got(&task, written, 1);
    }
}

/* The same where just the end of the body has no room. */
TEST(the_end_of_a_chunked_body_alone_comes_once)
{
    make_bytes();
    EACH_KIND {
        size_t sent = 0;
        ssize_t count;
        int raw;
        peer task;
        acl_socket *stream = narrow(kind, &raw);
        OK(CONTROL(stream, .output_chunking = ACL_SOCKET_ON));
        while ((count = send(fd_of(stream), bytes + sent, 1000, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
            CHECK((sent += (size_t)count) < MUCH - 1000);
        if (kind != OVER_TCP) {
            WRITE_EXPIRES(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
            WRITE_EXPIRES(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        }
        peer_reads(&task, raw, 0);
        INSIST(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        EQUAL(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON), ACL_SOCKET_INVALID_ARGUMENT);
        OK(acl_close(stream, 0));
        OK(acl_free_socket(stream));
        memcpy(bytes + sent, "0\r\n\r\n", 5);
        peer_got(&task, sent + 5, 0);
    }
}

TEST(a_byte_or_character_that_expires_is_not_taken)
{
    size_t i;
    for (i = 0; i < MUCH; i++)
        bytes[i] = (unsigned char)('a' + i % 23);
    EACH_KIND {
        acl_status status;
        size_t written = 0, end;
        int raw;
        peer task;
        acl_socket *stream = narrow(kind, &raw);
#define NEXT (written % 2 ? acl_write_byte(stream, bytes[written]) : acl_write_char(stream, bytes[written]))
        while ((status = NEXT) == ACL_SOCKET_OK)
            written++;
        EQUAL(status, ACL_SOCKET_WRITE_TIMEOUT);
        if (kind != OVER_TCP)
            WRITE_EXPIRES(acl_close(stream, 0));
        while ((status = NEXT) == ACL_SOCKET_OK)
            written++;
        EQUAL(status, ACL_SOCKET_WRITE_TIMEOUT);
        peer_reads(&task, raw, 0);
        for (end = written + 1000; written < end; written++)
            INSIST(NEXT);
        INSIST(acl_close(stream, 0));
        OK(acl_free_socket(stream));
        peer_got(&task, end, 0);
    }
}

/* The call answers WRITE_TIMEOUT when all buffers are full. */
#define FILLS(call) \
    do { acl_status status_; \
        int calls_ = 0; \
        while ((status_ = (call)) == ACL_SOCKET_OK && calls_++ < 1000000) ; \
        EQUAL(status_, ACL_SOCKET_WRITE_TIMEOUT); \
        EQUAL(acl_stream_error_code(), 0); } while (0)

TEST(each_function_that_writes_expires)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = narrow(kind, &raw);
        fill_up(stream, kind == OVER_TCP ? 0.6 : SHORT);
        FILLS(acl_write_string(stream, "a text", 6));
        FILLS(acl_write_line(stream, "a line", 6));
        FILLS(acl_write_sequence(stream, "bytes", 5));
        FILLS(acl_format(stream, "%d", 12345));
        FILLS(acl_terpri(stream));
        WRITE_EXPIRES(acl_force_output(stream));
        WRITE_EXPIRES(acl_finish_output(stream));
        WRITE_EXPIRES(acl_close(stream, 0));
        WRITE_EXPIRES(acl_close(stream, 0));
        /* It still is open. */
        DELIVER(stream, raw, "x");
        BYTE(stream, 'x');
        OK(acl_close(stream, ACL_SOCKET_ABORT));
        OK(acl_close(stream, 0));
        OK(acl_free_socket(stream));
        close(raw);
    }
}

TEST(progress_of_writing_restarts_the_time)
{
    double scale = slow() ? 4 : 1;
    make_bytes();
    EACH_KIND {
        acl_status status;
        int raw, tries = 0;
        peer task;
        do {
            size_t written;
            acl_socket *stream = narrow(kind, &raw);
            WRITE_TIMEOUT(stream, 0.2 * scale);
            peer_reads(&task, raw, 0.01 * scale);
            status = acl_write_vector(stream, bytes, MUCH, &written);
            WRITE_TIMEOUT(stream, ACL_SOCKET_NO_TIMEOUT);
            OK(acl_close(stream, 0));
            OK(acl_free_socket(stream));
            peer_got(&task, written, 0);
        } while (status == ACL_SOCKET_WRITE_TIMEOUT && ++tries < 5);
        OK(status);
    }
}

static void *read_until_it_comes(void *argument)
{
    acl_socket *stream = argument;
    intptr_t expired = 0;
    acl_status status;
    uint8_t byte;
    quiet();
    while ((status = acl_read_byte(stream, &byte)) == ACL_SOCKET_READ_TIMEOUT)
        expired++;
    OK(status);
    EQUAL(byte, 'e');
    return (void *)expired;
}

TEST(a_reader_that_expires_does_not_disturb_the_writer)
{
    make_bytes();
    EACH_KIND {
        void *expired;
        size_t written;
        int raw;
        peer task;
        pthread_t reader;
        acl_socket *stream = narrow(kind, &raw);
        OK(CONTROL(stream, .read_timeout = 0.001, .write_timeout = ACL_SOCKET_NO_TIMEOUT));
        EQUAL(pthread_create(&reader, NULL, read_until_it_comes, stream), 0);
        peer_reads(&task, raw, 0.005);
        OK(acl_write_vector(stream, bytes, MUCH, &written));
        EQUAL(written, MUCH);
        OK(acl_force_output(stream));
        PUT(raw, "e");
        EQUAL(pthread_join(reader, &expired), 0);
        CHECK((intptr_t)expired > 0);
        done(stream);
        peer_got(&task, MUCH, 0);
    }
}

/* --- other sockets */

static void *connect_later(void *argument)
{
    meeting *place = argument;
    acl_socket *client;
    quiet();
    nap(2 * SHORT);
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = place->port));
    return client;
}

static void accepting_expires(acl_socket *passive)
{
    acl_socket *stream = (acl_socket *)1;
    READ_EXPIRES(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream));
    CHECK(stream == NULL);
    READ_EXPIRES(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream));
    EQUAL(acl_accept_connection(passive, ACL_SOCKET_NO_WAIT, &stream), ACL_SOCKET_WOULD_BLOCK);
}

TEST(accepting_expires_and_is_not_inherited)
{
    acl_socket *client, *stream, *passive;
    meeting place;
    pthread_t thread;
    void *later_client;
    int fd;
    meet(&place, OVER_FILE, NULL);
    READ_TIMEOUT(place.passive, SHORT);
    accepting_expires(place.passive);
    part(&place);
    meet(&place, OVER_TCP, NULL);
    OK(CONTROL(place.passive, .read_timeout = SHORT, .write_timeout = SHORT));
    accepting_expires(place.passive);
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = place.port));
    OK(acl_accept_connection(place.passive, ACL_SOCKET_WAIT, &stream));
    waits(stream, fd_of(client));
    done(stream);
    done(client);
    accepting_expires(place.passive);
    READ_TIMEOUT(place.passive, ACL_SOCKET_NO_TIMEOUT);
    EQUAL(pthread_create(&thread, NULL, connect_later, &place), 0);
    OK(acl_accept_connection(place.passive, ACL_SOCKET_WAIT, &stream));
    EQUAL(pthread_join(thread, &later_client), 0);
    done(stream);
    done(later_client);
    part(&place);
    OK(MAKE(&passive, .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1", .read_timeout = SHORT));
    accepting_expires(passive);
    done(passive);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    EQUAL(listen(fd, 5), 0);
    OK(acl_socket_from_os_fd(fd, ARGS(acl_socket_from_os_fd_args, .read_timeout = SHORT), &passive));
    accepting_expires(passive);
    done(passive);
}

static void receiving_expires(acl_socket *datagram)
{
    char buffer[10];
    acl_received received;
    void *data = buffer;
    READ_EXPIRES(acl_receive_from(datagram, buffer, sizeof buffer, &received));
    READ_EXPIRES(acl_receive_from_extract(datagram, sizeof buffer, &data, &received));
    CHECK(data == NULL);
}

TEST(datagrams_expire)
{
    char buffer[10], directory[] = "/tmp/acl-test-XXXXXX";
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    acl_socket *datagram;
    acl_received received;
    acl_status status;
    int32_t port;
    int raw, sent = 0, came = 0;
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1", .read_timeout = SHORT));
    receiving_expires(datagram);
    OK(acl_local_port(datagram, &port));
    OK(acl_send_to(datagram, "hello", 5, ARGS(acl_send_to_args, .remote_host = "127.0.0.1", .remote_port = port), NULL));
    await(fd_of(datagram), POLLIN);
    OK(acl_receive_from(datagram, buffer, sizeof buffer, &received));
    EQUAL(received.length, 5);
    READ_TIMEOUT(datagram, 1e-9);
    EXPIRES(acl_receive_from(datagram, buffer, sizeof buffer, &received), ACL_SOCKET_READ_TIMEOUT, 0);
    READ_TIMEOUT(datagram, SHORT);
    receiving_expires(datagram);
    done(datagram);

    CHECK(mkdtemp(directory) != NULL);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
    raw = socket(AF_UNIX, SOCK_DGRAM, 0);
    EQUAL(bind(raw, (struct sockaddr *)&address, sizeof address), 0);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .address_family = ACL_SOCKET_FILE, .remote_filename = address.sun_path,
        .write_timeout = SHORT));
    while ((status = acl_send_to(datagram, &sent, sizeof sent, NULL, NULL)) == ACL_SOCKET_OK)
        sent++;
    EQUAL(status, ACL_SOCKET_WRITE_TIMEOUT);
    WRITE_EXPIRES(acl_send_to(datagram, &sent, sizeof sent, NULL, NULL));
    for (; came < sent; came++) {
        int number;
        EQUAL(recv(raw, &number, sizeof number, MSG_DONTWAIT), sizeof number);
        EQUAL(number, came);
    }
    nothing_at(raw);
    OK(acl_send_to(datagram, "again", 5, NULL, NULL));
    EXPECT(raw, "again");
    done(datagram);
    close(raw);
    unlink(address.sun_path);
    EQUAL(rmdir(directory), 0);
}

TEST(chunking_is_for_streams)
{
    int32_t port, i;
    acl_socket *sockets[2];
    sockets[0] = listener(&port);
    OK(MAKE(&sockets[1], .type = ACL_SOCKET_DATAGRAM));
    for (i = 0; i < 2; i++) {
        OK(CONTROL(sockets[i], .read_timeout = 1, .write_timeout = 1));
        EQUAL(CONTROL(sockets[i], .input_chunking = ACL_SOCKET_ON), ACL_SOCKET_WRONG_KIND);
        EQUAL(CONTROL(sockets[i], .input_chunking = ACL_SOCKET_OFF, .read_timeout = 1), ACL_SOCKET_WRONG_KIND);
        EQUAL(CONTROL(sockets[i], .output_chunking = ACL_SOCKET_ON), ACL_SOCKET_WRONG_KIND);
        EQUAL(CONTROL(sockets[i], .output_chunking_eof = ACL_SOCKET_ON), ACL_SOCKET_WRONG_KIND);
        EQUAL(CONTROL(sockets[i], .read_timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
        done(sockets[i]);
    }
}

/* --- deadlines */

TEST(when_the_deadline_is_over_what_is_there_can_be_read)
{
    EACH_KIND {
        char text[10];
        uint8_t byte;
        size_t length;
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        DEADLINE(stream, 0);
        EXPIRES(acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT, 0);
        DELIVER(stream, raw, "ab");
        BYTE(stream, 'a');
        BYTE(stream, 'b');
        DELIVER(stream, raw, "line\nabc");
        OK(acl_read_line(stream, text, sizeof text, &length));
        TEXT(text, "line");
        EXPIRES(acl_read_sequence(stream, text, 6, 0, &length), ACL_SOCKET_READ_TIMEOUT, 0);
        EQUAL(length, 3);
        OK(acl_write_string(stream, "out", 3));
        OK(acl_force_output(stream));
        EXPECT(raw, "out");
        DEADLINE(stream, -1);
        waits(stream, raw);
        DEADLINE(stream, 0);
        DEADLINE(stream, INFINITY);
        waits(stream, raw);
        DEADLINE_EXPIRES(stream, SHORT, acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT);
        EXPIRES(acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT, 0);
        /* What comes first counts. */
        OK(CONTROL(stream, .read_timeout = SHORT));
        DEADLINE(stream, 10);
        READ_EXPIRES(acl_read_byte(stream, &byte));
        OK(CONTROL(stream, .read_timeout = 10));
        DEADLINE_EXPIRES(stream, SHORT, acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT);
        end_input(stream, raw);
        EQUAL(acl_read_byte(stream, &byte), ACL_SOCKET_END_OF_FILE);
        gone(stream, raw);
    }
}

TEST(progress_does_not_put_the_deadline_off)
{
    make_bytes();
    EACH_KIND {
        drip task = { .count = 100000, .interval = 0.005 };
        acl_status status;
        uint8_t byte;
        size_t length;
        int raw;
        double from;
        pthread_t thread;
        peer reader;
        acl_socket *stream = stream_and_raw(kind, NULL, &task.raw);
        EQUAL(pthread_create(&thread, NULL, drop, &task), 0);
        BYTE(stream, 'd');
        from = now();
        DEADLINE(stream, 0.2);
        while ((status = acl_read_byte(stream, &byte)) == ACL_SOCKET_OK)
            ;
        EQUAL(status, ACL_SOCKET_READ_TIMEOUT);
        took(__LINE__, from, 0.2);
        DEADLINE(stream, ACL_SOCKET_NO_TIMEOUT);
        BYTE(stream, 'd');
        from = now();
        DEADLINE(stream, 0.2);
        EQUAL(acl_read_sequence(stream, got, 100000, 0, &length), ACL_SOCKET_READ_TIMEOUT);
        took(__LINE__, from, 0.2);
        CHECK(length > 0);
        done(stream);
        EQUAL(pthread_join(thread, NULL), 0);
        close(task.raw);

        stream = narrow(kind, &raw);
        WRITE_TIMEOUT(stream, 10);
        peer_reads(&reader, raw, 0.02);
        from = now();
        DEADLINE(stream, 0.2);
        EQUAL(acl_write_vector(stream, bytes, MUCH, &length), ACL_SOCKET_WRITE_TIMEOUT);
        took(__LINE__, from, 0.2);
        DEADLINE(stream, ACL_SOCKET_NO_TIMEOUT);
        OK(acl_close(stream, 0));
        OK(acl_free_socket(stream));
        peer_got(&reader, length, 0);
    }
}

TEST(deadlines_of_other_sockets_and_of_writing)
{
    char buffer[10];
    int32_t port, udp;
    int raw;
    acl_received received;
    acl_socket *datagram, *client, *stream, *passive = listener(&port);
    DEADLINE_EXPIRES(passive, SHORT, acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream), ACL_SOCKET_READ_TIMEOUT);
    EXPIRES(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream), ACL_SOCKET_READ_TIMEOUT, 0);
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = port));
    await(fd_of(passive), POLLIN);
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream));
    waits(stream, fd_of(client));
    done(stream);
    done(client);
    done(passive);

    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1"));
    OK(acl_local_port(datagram, &udp));
    DEADLINE_EXPIRES(datagram, SHORT, acl_receive_from(datagram, buffer, sizeof buffer, &received), ACL_SOCKET_READ_TIMEOUT);
    EXPIRES(acl_receive_from(datagram, buffer, sizeof buffer, &received), ACL_SOCKET_READ_TIMEOUT, 0);
    OK(acl_send_to(datagram, "x", 1, ARGS(acl_send_to_args, .remote_host = "127.0.0.1", .remote_port = udp), NULL));
    await(fd_of(datagram), POLLIN);
    OK(acl_receive_from(datagram, buffer, sizeof buffer, &received));
    EQUAL(received.length, 1);
    done(datagram);

    stream = narrow(ADOPTED, &raw);
    fill_up(stream, SHORT);
    WRITE_TIMEOUT(stream, 10);
    DEADLINE_EXPIRES(stream, SHORT, acl_force_output(stream), ACL_SOCKET_WRITE_TIMEOUT);
    EXPIRES(acl_force_output(stream), ACL_SOCKET_WRITE_TIMEOUT, 0);
    EXPIRES(acl_close(stream, 0), ACL_SOCKET_WRITE_TIMEOUT, 0);
    gone(stream, raw);
}

/* --- signals */

TEST(signals_do_not_prolong_the_time)
{
    int round, raw;
    int32_t port;
    for (round = 0; round < 3; round++) {
        char buffer[10];
        acl_received received;
        uint8_t byte;
        acl_socket *datagram, *stream = narrow(OVER_FILE, &raw), *passive = listener(&port), *none;
        OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1"));
        fill_up(stream, SHORT);
        WRITE_TIMEOUT(stream, ACL_SOCKET_NO_TIMEOUT);
        storm(round % 2 ? SA_RESTART : 0);
        /* By time-outs, then by deadlines. */
#define LIMITED(socket, call, answer) \
        EXPIRES((round < 2 ? CONTROL(socket, .read_timeout = 0.3, .write_timeout = 0.3) : acl_set_socket_deadline(socket, 0.3), \
            call), answer, 0.3)
        LIMITED(stream, acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT);
        LIMITED(stream, acl_force_output(stream), ACL_SOCKET_WRITE_TIMEOUT);
        LIMITED(passive, acl_accept_connection(passive, ACL_SOCKET_WAIT, &none), ACL_SOCKET_READ_TIMEOUT);
        LIMITED(datagram, acl_receive_from(datagram, buffer, sizeof buffer, &received), ACL_SOCKET_READ_TIMEOUT);
        calm();
        done(stream);
        done(datagram);
        done(passive);
        close(raw);
    }
}

MAIN(CASE(each_function_that_reads_expires), CASE(what_has_come_in_part_is_kept), CASE(characters_cut_anywhere),
     CASE(a_chunked_body_cut_anywhere), CASE(progress_of_reading_restarts_the_time),
     CASE(it_is_set_and_taken_away_on_a_live_stream), CASE(it_is_set_by_keyword),
     CASE(it_is_not_read_behind_the_structures_of_older_callers), CASE(what_is_no_number_is_refused),
     CASE(written_tells_where_to_go_on), CASE(the_end_of_a_chunked_body_comes_once),
     CASE(the_end_of_a_chunked_body_alone_comes_once),
     CASE(a_byte_or_character_that_expires_is_not_taken), CASE(each_function_that_writes_expires),
     CASE(progress_of_writing_restarts_the_time), CASE(a_reader_that_expires_does_not_disturb_the_writer),
     CASE(accepting_expires_and_is_not_inherited), CASE(datagrams_expire), CASE(chunking_is_for_streams),
     CASE(when_the_deadline_is_over_what_is_there_can_be_read), CASE(progress_does_not_put_the_deadline_off),
     CASE(deadlines_of_other_sockets_and_of_writing), CASE(signals_do_not_prolong_the_time))
