/* Connecting with a time limit, without waiting, and left by longjmp. */
#include "test.h"
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

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

/* --- a storm of signals */

static volatile sig_atomic_t interruptions;
static double storm_end;

static void count(int number)
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
    action.sa_handler = count;
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

#define EXPIRES(call, answer, seconds) \
    do { double from_ = now(), least_ = (seconds), most_ = slow() ? 20 : interruptions ? 5 : least_ + 2, time_; \
        EQUAL(call, answer); \
        EQUAL(acl_stream_error_identifier(), answer); \
        EQUAL(acl_stream_error_code(), 0); \
        time_ = now() - from_; \
        if (time_ < least_ - 0.01 || time_ > most_) \
            fail(__FILE__, __LINE__, "it took %g s, not %g", time_, least_); } while (0)

/* --- where connections go to */

enum { OVER_TCP, OVER_FILE, KINDS };
#define EACH_KIND for (int kind = 0; kind < KINDS && printf("# %s\n", kind == OVER_TCP ? "over TCP" : "over a file") > 0; kind++)

/* A listening descriptor. In a full one new connections hang. */
typedef struct { int kind, listening, filler; int32_t port; char directory[30], file[40]; } place;

static void bound(place *at, int kind)
{
    memset(at, 0, sizeof *at);
    at->kind = kind;
    at->filler = -1;
    if (kind == OVER_TCP) {
        struct sockaddr_in address = { .sin_family = AF_INET };
        socklen_t size = sizeof address;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EQUAL(bind(at->listening, (struct sockaddr *)&address, sizeof address), 0);
        EQUAL(getsockname(at->listening, (struct sockaddr *)&address, &size), 0);
        at->port = ntohs(address.sin_port);
    } else {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(at->directory, "/tmp/acl-test-XXXXXX");
        CHECK(mkdtemp(at->directory) != NULL);
        snprintf(at->file, sizeof at->file, "%s/socket", at->directory);
        strcpy(address.sun_path, at->file);
        at->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EQUAL(bind(at->listening, (struct sockaddr *)&address, sizeof address), 0);
    }
}

static void open_place(place *at, int kind, int backlog)
{
    bound(at, kind);
    EQUAL(listen(at->listening, backlog), 0);
}

static acl_make_socket_args to(const place *at, double timeout)
{
    acl_make_socket_args args = { ACL_SOCKET_ARGS(acl_make_socket_args), .connect_timeout = timeout };
    if (at->kind == OVER_TCP) {
        args.remote_host = "127.0.0.1";
        args.remote_port = at->port;
    } else {
        args.address_family = ACL_SOCKET_FILE;
        args.remote_filename = at->file;
    }
    return args;
}

static acl_status reach(const place *at, double timeout, acl_socket **stream)
{
    acl_make_socket_args args = to(at, timeout);
    return acl_make_socket(&args, stream);
}

static acl_status begin(const place *at, double timeout, acl_socket **pending)
{
    acl_make_socket_args args = to(at, timeout);
    return acl_begin_connect(&args, pending);
}

static int take(const place *at)
{
    int fd = accept(at->listening, NULL, NULL);
    CHECK(fd >= 0);
    return fd;
}

static void full_place(place *at, int kind)
{
    open_place(at, kind, 0);
    if (kind == OVER_TCP) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)at->port) };
        struct tcp_info info;
        socklen_t size = sizeof info;
        int tries = 0;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at->filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EQUAL(connect(at->filler, (struct sockaddr *)&address, sizeof address), 0);
        /* Of a listening socket these are how many wait to be accepted and how many may. */
        while (getsockopt(at->listening, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_unacked <= info.tcpi_sacked) {
            if (tries++ == 5000)
                _exit(SKIPPED);
            usleep(1000);
        }
    } else {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(address.sun_path, at->file);
        at->filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EQUAL(connect(at->filler, (struct sockaddr *)&address, sizeof address), 0);
    }
}

static void close_place(place *at)
{
    close(at->listening);
    if (at->filler >= 0)
        close(at->filler);
    if (at->kind == OVER_FILE) {
        unlink(at->file);
        EQUAL(rmdir(at->directory), 0);
    }
}

/* Bytes go both ways; the peer is closed. */
static void works(acl_socket *stream, int peer)
{
    char text[5] = "";
    size_t length;
    OK(acl_write_string(stream, "ping", 4));
    OK(acl_force_output(stream));
    EQUAL(recv(peer, text, 4, MSG_WAITALL), 4);
    TEXT(text, "ping");
    EQUAL(send(peer, "pong", 4, MSG_NOSIGNAL), 4);
    OK(acl_read_sequence(stream, text, 4, 0, &length));
    TEXT(text, "pong");
    close(peer);
}

/* --- connect_timeout */

TEST(connecting_expires)
{
    EACH_KIND {
        int before, round;
        place at;
        acl_socket *stream = (acl_socket *)1;
        full_place(&at, kind);
        before = open_descriptors();
        EXPIRES(reach(&at, 0.2, &stream), ACL_SOCKET_CONNECT_TIMEOUT, 0.2);
        CHECK(stream == NULL);
        EXPIRES(reach(&at, 1e-9, &stream), ACL_SOCKET_CONNECT_TIMEOUT, 0);
        for (round = 0; round < 20; round++)
            EXPIRES(reach(&at, 0.01, &stream), ACL_SOCKET_CONNECT_TIMEOUT, 0.01);
        EQUAL(open_descriptors(), before);
        for (round = 0; round < 2; round++) {
            storm(round ? SA_RESTART : 0);
            EXPIRES(reach(&at, 0.3, &stream), ACL_SOCKET_CONNECT_TIMEOUT, 0.3);
            calm();
        }
        EQUAL(open_descriptors(), before);
        close_place(&at);
    }
}

/* Makes room for the connection that hangs. */
static void *make_room(void *argument)
{
    place *at = argument;
    quiet();
    while (interruptions < 10)
        usleep(1000);
    close(take(at));
    return NULL;
}

TEST(interrupted_connecting_goes_on)
{
    static const double timeouts[] = { 0, 20 };
    EACH_KIND {
        int round;
        for (round = 0; round < 4; round++) {
            place at;
            pthread_t thread;
            acl_socket *stream;
            full_place(&at, kind);
            storm(round % 2 ? SA_RESTART : 0);
            EQUAL(pthread_create(&thread, NULL, make_room, &at), 0);
            OK(reach(&at, timeouts[round / 2], &stream));
            calm();
            EQUAL(pthread_join(thread, NULL), 0);
            works(stream, take(&at));
            done(stream);
            close_place(&at);
        }
    }
}

TEST(refused_is_refused)
{
    EACH_KIND {
        static const double timeouts[] = { 0, 5, ACL_SOCKET_NO_TIMEOUT };
        int i;
        place at;
        acl_socket *stream;
        bound(&at, kind);
        for (i = 0; i < 3; i++) {
            EQUAL(reach(&at, timeouts[i], &stream), ACL_SOCKET_CONNECTION_REFUSED);
            CHECK(stream == NULL);
            EQUAL(acl_stream_error_code(), ECONNREFUSED);
            if (begin(&at, timeouts[i], &stream) == ACL_SOCKET_OK) {
                EQUAL(acl_finish_connect(stream, ACL_SOCKET_WAIT), ACL_SOCKET_CONNECTION_REFUSED);
                EQUAL(acl_stream_error_code(), ECONNREFUSED);
                OK(acl_close(stream, 0));
                OK(acl_free_socket(stream));
            } else {
                EQUAL(acl_stream_error_identifier(), ACL_SOCKET_CONNECTION_REFUSED);
                CHECK(stream == NULL);
            }
        }
        close_place(&at);
    }
}

/* How the descriptor of a stream is set. */
typedef struct { long flags; struct timeval receive, send; } setting;

static setting setting_of(acl_socket *stream)
{
    setting is;
    socklen_t size = sizeof is.receive;
    int32_t fd;
    memset(&is, 0, sizeof is);
    OK(acl_socket_os_fd(stream, &fd));
    is.flags = fcntl(fd, F_GETFL);
    EQUAL(is.flags & O_NONBLOCK, 0);
    EQUAL(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &is.receive, &size), 0);
    EQUAL(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &is.send, &size), 0);
    return is;
}

static void *send_later(void *peer)
{
    quiet();
    usleep(600000);
    EQUAL(send(*(int *)peer, "l", 1, MSG_NOSIGNAL), 1);
    return NULL;
}

TEST(what_is_connected_is_like_any_stream)
{
    static const double timeouts[] = { 0.4, 5, INFINITY, 1e300, ACL_SOCKET_NO_TIMEOUT };
    EACH_KIND {
        int i, peer;
        place at;
        acl_socket *stream, *like;
        open_place(&at, kind, 20);
        OK(reach(&at, 0, &like));
        close(take(&at));
        for (i = 0; i < 5; i++) {
            setting is, should = setting_of(like);
            OK(reach(&at, timeouts[i], &stream));
            peer = take(&at);
            is = setting_of(stream);
            EQUAL(memcmp(&is, &should, sizeof is), 0);
            if (i == 0) {
                uint8_t byte;
                double from = now();
                pthread_t thread;
                EQUAL(pthread_create(&thread, NULL, send_later, &peer), 0);
                OK(acl_read_byte(stream, &byte));
                EQUAL(byte, 'l');
                CHECK(now() - from > 0.59);
                EQUAL(pthread_join(thread, NULL), 0);
            }
            works(stream, peer);
            done(stream);
            OK(begin(&at, timeouts[i], &stream));
            OK(acl_finish_connect(stream, ACL_SOCKET_WAIT));
            is = setting_of(stream);
            EQUAL(memcmp(&is, &should, sizeof is), 0);
            works(stream, take(&at));
            done(stream);
        }
        done(like);
        EQUAL(reach(&at, NAN, &stream), ACL_SOCKET_INVALID_ARGUMENT);
        CHECK(stream == NULL);
        EQUAL(begin(&at, NAN, &stream), ACL_SOCKET_INVALID_ARGUMENT);
        close_place(&at);
    }
}

/* --- acl_begin_connect, acl_finish_connect */

TEST(begun_and_finished)
{
    EACH_KIND {
        int round, tries;
        place at;
        acl_socket *pending;
        open_place(&at, kind, 20);
        for (round = 0; round < 20; round++) {
            acl_status status;
            OK(begin(&at, round % 3 ? 20 : 0, &pending));
            for (tries = 0; (status = acl_finish_connect(pending, round % 2)) == ACL_SOCKET_WOULD_BLOCK; tries++) {
                CHECK(round % 2 == ACL_SOCKET_NO_WAIT && tries < 10000);
                usleep(1000);
            }
            OK(status);
            OK(acl_finish_connect(pending, ACL_SOCKET_WAIT));
            OK(acl_finish_connect(pending, ACL_SOCKET_NO_WAIT));
            works(pending, take(&at));
            OK(acl_finish_connect(pending, ACL_SOCKET_WAIT));
            OK(acl_close(pending, 0));
            EQUAL(acl_finish_connect(pending, ACL_SOCKET_WAIT), ACL_SOCKET_CLOSED);
            OK(acl_free_socket(pending));
            EQUAL(acl_finish_connect(pending, ACL_SOCKET_WAIT), ACL_SOCKET_INVALID_HANDLE);
        }
        close_place(&at);
    }
}

TEST(begun_where_it_hangs)
{
    EACH_KIND {
        int before, round;
        uint8_t byte;
        uint32_t character;
        size_t length;
        char text[10];
        place at;
        acl_socket *pending;
        full_place(&at, kind);
        before = open_descriptors();
        OK(begin(&at, 0, &pending));
        for (round = 0; round < 3; round++) {
            EQUAL(acl_finish_connect(pending, ACL_SOCKET_NO_WAIT), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_read_byte(pending, &byte), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_read_char(pending, &character), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_read_line(pending, text, sizeof text, &length), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_read_vector(pending, text, sizeof text, &length), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_write_byte(pending, 'x'), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_write_string(pending, "x", 1), ACL_SOCKET_WOULD_BLOCK);
        }
        OK(acl_close(pending, 0));
        EQUAL(acl_finish_connect(pending, ACL_SOCKET_WAIT), ACL_SOCKET_CLOSED);
        OK(acl_free_socket(pending));
        EQUAL(open_descriptors(), before);
        OK(begin(&at, 0, &pending));
        OK(acl_free_socket(pending));
        EQUAL(open_descriptors(), before);

        EXPIRES((begin(&at, 0.1, &pending), acl_finish_connect(pending, ACL_SOCKET_WAIT)), ACL_SOCKET_CONNECT_TIMEOUT, 0.1);
        done(pending);
        for (round = 0; round < 2; round++) {
            storm(round ? SA_RESTART : 0);
            EXPIRES((begin(&at, 0.3, &pending), acl_finish_connect(pending, ACL_SOCKET_WAIT)), ACL_SOCKET_CONNECT_TIMEOUT, 0.3);
            calm();
            done(pending);
        }
        interruptions = 0;
        /* The time has passed already. */
        OK(begin(&at, 0.05, &pending));
        usleep(100000);
        EXPIRES(acl_finish_connect(pending, ACL_SOCKET_WAIT), ACL_SOCKET_CONNECT_TIMEOUT, 0);
        done(pending);
        EQUAL(open_descriptors(), before);
        /* There will be room. */
        OK(begin(&at, 20, &pending));
        close(take(&at));
        OK(acl_finish_connect(pending, ACL_SOCKET_WAIT));
        works(pending, take(&at));
        done(pending);
        close_place(&at);
    }
}

TEST(what_cannot_be_begun_or_finished)
{
    acl_socket *passive, *datagram, *pending = (acl_socket *)1;
    place at;
    int32_t port;
    passive = listener(&port);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM));
    EQUAL(acl_finish_connect(passive, ACL_SOCKET_NO_WAIT), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_finish_connect(datagram, ACL_SOCKET_WAIT), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_finish_connect(NULL, ACL_SOCKET_WAIT), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_begin_connect(ARGS(acl_make_socket_args, .connect = ACL_SOCKET_PASSIVE), &pending), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(pending == NULL);
    EQUAL(acl_begin_connect(ARGS(acl_make_socket_args, .type = ACL_SOCKET_DATAGRAM), &pending), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_begin_connect(ARGS(acl_make_socket_args, .remote_host = "127.0.0.1"), &pending), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_begin_connect(ARGS(acl_make_socket_args, .address_family = ACL_SOCKET_FILE), &pending),
        ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_begin_connect(NULL, &pending), ACL_SOCKET_INVALID_ARGUMENT);
    open_place(&at, OVER_TCP, 5);
    EQUAL(begin(&at, 0, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    OK(begin(&at, 0, &pending));
    EQUAL(acl_finish_connect(pending, 7), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_finish_connect(pending, ACL_SOCKET_WAIT));
    done(pending);
    close_place(&at);
    done(passive);
    done(datagram);
}

TEST(many_are_waited_for_together)
{
    enum { MANY = 8 };
    acl_socket *pending[MANY + 1];
    acl_wait_item items[MANY + 1];
    acl_wait_event events[MANY + 1];
    acl_wait_set *set;
    size_t i, count, available;
    uint8_t byte;
    int finished = 0, seen[MANY] = { 0 }, peer = -1;
    double end = now() + 20;
    place at, full;
    open_place(&at, OVER_TCP, MANY);
    full_place(&full, OVER_TCP);
    OK(acl_make_wait_set(&set));
    for (i = 0; i <= MANY; i++) {
        OK(begin(i < MANY ? &at : &full, 0, &pending[i]));
        OK(acl_wait_set_watch(set, pending[i], ACL_SOCKET_OUT, &pending[i]));
    }
    while (finished < MANY) {
        CHECK(now() < end);
        OK(acl_wait_for_io_available(set, 5, events, MANY + 1, &count));
        for (i = 0; i < count; i++) {
            size_t which = (size_t)((acl_socket **)events[i].data - pending);
            EQUAL(events[i].status, ACL_SOCKET_OUT);
            CHECK(events[i].socket == pending[which] && which < MANY && !seen[which]);
            OK(acl_finish_connect(pending[which], ACL_SOCKET_NO_WAIT));
            OK(acl_wait_set_watch(set, pending[which], 0, NULL));
            seen[which] = 1;
            finished++;
        }
    }
    OK(acl_wait_for_io_available(set, 0, events, MANY + 1, &count));
    EQUAL(count, 0);
    EQUAL(acl_finish_connect(pending[MANY], ACL_SOCKET_NO_WAIT), ACL_SOCKET_WOULD_BLOCK);
    OK(acl_free_wait_set(set));
    for (i = 0; i < MANY; i++)
        done(pending[i]);
    for (i = 0; i < MANY; i++)
        close(take(&at));

    /* Two and the one that hangs: the peer of the first speaks first. */
    for (i = 0; i < 2; i++) {
        OK(begin(&at, 0, &pending[i]));
        if (i == 0)
            peer = take(&at);
    }
    pending[2] = pending[MANY];
    memset(items, 0, sizeof items);
    for (i = 0; i < 3; i++)
        items[i].socket = pending[i];
    EQUAL(send(peer, "x", 1, MSG_NOSIGNAL), 1);
    OK(acl_wait_for_input_available(items, 3, 10, &available));
    EQUAL(available, 1);
    EQUAL(items[0].available, 1);
    EQUAL(items[1].available, 0);
    EQUAL(items[2].available, 0);
    OK(acl_finish_connect(pending[0], ACL_SOCKET_NO_WAIT));
    OK(acl_read_byte(pending[0], &byte));
    EQUAL(byte, 'x');
    works(pending[0], peer);
    for (i = 0; i < 3; i++)
        done(pending[i]);
    close_place(&at);
    close_place(&full);
}

/* Waits until the thread sleeps in a system call and goes on sleeping in it. */
static void until_it_waits(volatile pid_t *thread)
{
    char path[60], is[200], was[200] = "";
    int same = 0;
    while (same < (slow() ? 10 : 4)) {
        FILE *file;
        usleep(slow() ? 2000 : 300);
        snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)*thread);
        file = fopen(path, "r");
        if (file == NULL && *thread != 0)
            _exit(SKIPPED);
        if (file == NULL || fgets(is, sizeof is, file) == NULL)
            strcpy(is, "running");
        if (file != NULL)
            fclose(file);
        same = strncmp(is, "running", 7) != 0 && strcmp(is, was) == 0 ? same + 1 : 0;
        strcpy(was, is);
    }
}

typedef struct { pthread_t thread; acl_socket *pending; volatile pid_t id; } finishing;

static void *finish(void *argument)
{
    finishing *task = argument;
    quiet();
    task->id = (pid_t)syscall(SYS_gettid);
    return (void *)(intptr_t)acl_finish_connect(task->pending, ACL_SOCKET_WAIT);
}

TEST(close_ends_the_wait)
{
    static const double timeouts[] = { 0, 20 };
    EACH_KIND {
        int i;
        void *status;
        finishing task;
        place at;
        full_place(&at, kind);
        for (i = 0; i < 2; i++) {
            OK(begin(&at, timeouts[i], &task.pending));
            task.id = 0;
            EQUAL(pthread_create(&task.thread, NULL, finish, &task), 0);
            until_it_waits(&task.id);
            OK(acl_close(task.pending, 0));
            EQUAL(pthread_join(task.thread, &status), 0);
            EQUAL((intptr_t)status, ACL_SOCKET_CLOSED);
            OK(acl_free_socket(task.pending));
        }
        close_place(&at);
    }
}

/* --- leaving by longjmp */

static sigjmp_buf outside;
static pthread_t leaver, leaving;
static volatile pid_t leaving_id;

static void leave(int number)
{
    (void)number;
    siglongjmp(outside, 1);
}

static void *interrupt(void *unused)
{
    quiet();
    until_it_waits(&leaving_id);
    EQUAL(pthread_kill(leaving, SIGUSR1), 0);
    return unused;
}

/* This thread will leave where it waits for a connection. */
static void leave_soon(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = leave;
    EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
    leaving = pthread_self();
    leaving_id = (pid_t)syscall(SYS_gettid);
    EQUAL(pthread_create(&leaver, NULL, interrupt, NULL), 0);
}

static void leave_connecting(const place *at, double timeout)
{
    if (sigsetjmp(outside, 1) == 0) {
        acl_socket *stream;
        leave_soon();
        reach(at, timeout, &stream);
        fail(__FILE__, __LINE__, "it returned: %s", acl_stream_error_report());
    }
    EQUAL(pthread_join(leaver, NULL), 0);
}

/* The same from the block itself, whose end is not reached. */
static void leave_block(const place *at)
{
    if (sigsetjmp(outside, 1) == 0) {
        ACL_SOCKET_WITH_PENDING_CONNECT {
            ACL_SOCKET_WITH_PENDING_CONNECT {
                acl_socket *stream;
                leave_soon();
                reach(at, 0, &stream);
                fail(__FILE__, __LINE__, "it returned: %s", acl_stream_error_report());
            }
        }
    }
    EQUAL(pthread_join(leaver, NULL), 0);
}

TEST(the_block_closes_what_was_left)
{
    EACH_KIND {
        int before, round;
        place at;
        full_place(&at, kind);
        before = open_descriptors();
        for (round = 0; round < (slow() ? 20 : 200); round++) {
            ACL_SOCKET_WITH_PENDING_CONNECT
                leave_connecting(&at, round % 2 ? 20 : 0);
            EQUAL(open_descriptors(), before);
        }
        close_place(&at);
    }
}

TEST(blocks_nest)
{
    EACH_KIND {
        int before;
        place at, good;
        acl_socket *stream, *inner, *outer, *later;
        full_place(&at, kind);
        open_place(&good, kind, 5);
        before = open_descriptors();
        ACL_SOCKET_WITH_PENDING_CONNECT {
            OK(reach(&good, 5, &outer));
            leave_connecting(&at, 0);
            ACL_SOCKET_WITH_PENDING_CONNECT {
                OK(reach(&good, 0, &inner));
                leave_connecting(&at, 20);
                OK(begin(&at, 0, &later));
            }
            EQUAL(open_descriptors(), before + 3);
            leave_connecting(&at, 0);
        }
        EQUAL(open_descriptors(), before + 3);
        /* Completed ones, and those begun by acl_begin_connect, are untouched. */
        works(outer, take(&good));
        works(inner, take(&good));
        EQUAL(acl_finish_connect(later, ACL_SOCKET_NO_WAIT), ACL_SOCKET_WOULD_BLOCK);
        done(outer);
        done(inner);
        done(later);
        ACL_SOCKET_WITH_PENDING_CONNECT
            EQUAL(reach(&at, 0.01, &stream), ACL_SOCKET_CONNECT_TIMEOUT);
        EQUAL(open_descriptors(), before);
        close_place(&at);
        close_place(&good);
    }
}

TEST(what_no_block_closed_is_closed_later)
{
    EACH_KIND {
        int before, round;
        int32_t token;
        place at;
        acl_socket *datagram;
        full_place(&at, kind);
        before = open_descriptors();
        for (round = 0; round < (slow() ? 4 : 40); round++) {
            if (round % 2)
                leave_block(&at);
            else
                leave_connecting(&at, 0);
            if (round / 2 % 2) {
                token = acl_begin_pending_connect();
                EQUAL(open_descriptors(), before);
                OK(acl_end_pending_connect(token));
            } else {
                OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM));
                EQUAL(open_descriptors(), before + 1);
                done(datagram);
            }
            EQUAL(open_descriptors(), before);
        }
        close_place(&at);
    }
}

static void *leave_and_end(void *argument)
{
    leave_connecting(argument, 0);
    return NULL;
}

static void *leave_block_and_end(void *argument)
{
    leave_block(argument);
    return NULL;
}

TEST(a_thread_that_ends_leaves_nothing)
{
    EACH_KIND {
        int before, round;
        place at;
        full_place(&at, kind);
        before = open_descriptors();
        for (round = 0; round < (slow() ? 4 : 40); round++) {
            pthread_t thread;
            EQUAL(pthread_create(&thread, NULL, round % 2 ? leave_and_end : leave_block_and_end, &at), 0);
            EQUAL(pthread_join(thread, NULL), 0);
            EQUAL(open_descriptors(), before);
        }
        close_place(&at);
    }
}

TEST(the_functions_of_the_block)
{
    EACH_KIND {
        int before;
        int32_t token, inner;
        place at, good;
        acl_socket *stream;
        full_place(&at, kind);
        open_place(&good, kind, 5);
        before = open_descriptors();
        OK(reach(&good, 0, &stream));
        token = acl_begin_pending_connect();
        inner = acl_begin_pending_connect();
        leave_connecting(&at, 0);
        acl_end_pending_connect(0x12345678);
        acl_end_pending_connect(-1);
        acl_end_pending_connect(INT32_MIN);
        OK(acl_end_pending_connect(inner));
        EQUAL(open_descriptors(), before + 1);
        acl_end_pending_connect(inner);
        leave_connecting(&at, 0);
        OK(acl_end_pending_connect(token));
        EQUAL(open_descriptors(), before + 1);
        acl_end_pending_connect(token);
        acl_end_pending_connect(0);
        /* The outer one ends what is left of the inner one. */
        token = acl_begin_pending_connect();
        acl_begin_pending_connect();
        leave_connecting(&at, 0);
        OK(acl_end_pending_connect(token));
        EQUAL(open_descriptors(), before + 1);
        works(stream, take(&good));
        done(stream);
        close_place(&at);
        close_place(&good);
    }
}

typedef struct { place *at; volatile pid_t id; volatile int ended; } other;

static void *connect_beside(void *argument)
{
    other *task = argument;
    acl_socket *stream;
    quiet();
    task->id = (pid_t)syscall(SYS_gettid);
    EXPIRES(reach(task->at, 0.5, &stream), ACL_SOCKET_CONNECT_TIMEOUT, 0.5);
    task->ended = 1;
    return NULL;
}

TEST(a_block_is_for_its_own_thread)
{
    EACH_KIND {
        int before;
        place at;
        pthread_t thread;
        other task = { &at, 0, 0 };
        full_place(&at, kind);
        before = open_descriptors();
        EQUAL(pthread_create(&thread, NULL, connect_beside, &task), 0);
        until_it_waits(&task.id);
        while (!task.ended)
            ACL_SOCKET_WITH_PENDING_CONNECT
                leave_connecting(&at, 0);
        EQUAL(pthread_join(thread, NULL), 0);
        EQUAL(open_descriptors(), before);
        close_place(&at);
    }
}

static void leave_finishing(acl_socket *pending)
{
    if (sigsetjmp(outside, 1) == 0) {
        leave_soon();
        acl_finish_connect(pending, ACL_SOCKET_WAIT);
        fail(__FILE__, __LINE__, "it returned: %s", acl_stream_error_report());
    }
    EQUAL(pthread_join(leaver, NULL), 0);
}

TEST(finishing_can_be_left)
{
    EACH_KIND {
        acl_socket *pending;
        place at;
        full_place(&at, kind);
        OK(begin(&at, 0, &pending));
        leave_finishing(pending);
        EQUAL(acl_finish_connect(pending, ACL_SOCKET_NO_WAIT), ACL_SOCKET_WOULD_BLOCK);
        close(take(&at));
        OK(acl_finish_connect(pending, ACL_SOCKET_WAIT));
        works(pending, take(&at));
        done(pending);
        close_place(&at);
    }
}

MAIN(CASE(connecting_expires), CASE(interrupted_connecting_goes_on), CASE(refused_is_refused),
     CASE(what_is_connected_is_like_any_stream), CASE(begun_and_finished), CASE(begun_where_it_hangs),
     CASE(what_cannot_be_begun_or_finished), CASE(many_are_waited_for_together), CASE(close_ends_the_wait),
     CASE(the_block_closes_what_was_left), CASE(blocks_nest), CASE(what_no_block_closed_is_closed_later),
     CASE(a_thread_that_ends_leaves_nothing), CASE(the_functions_of_the_block), CASE(a_block_is_for_its_own_thread),
     CASE(finishing_can_be_left))
