/* Wait sets: sockets that are closed, numbers used again, children, several threads, leaving. */
#include "wait_sets.h"

static int first, second; /* their addresses are data */

static int errors_of(int interest)
{
    return (interest & IN ? IN_ERROR : 0) | (interest & OUT ? OUT_ERROR : 0);
}

/* The closed socket is reported once and no more. */
#define REPORTED_ONCE(set, socket_, interest, data_) \
    do { ONE_LIKE(set, socket_, errors_of(interest), errors_of(interest) | (interest), data_); \
        QUIET(set); QUIET(set); } while (0)

TEST(closing_here_is_reported_once)
{
    static const int interests[] = { IN, OUT, IN | OUT };
    int kind, i, aborted;
    acl_wait_set *set = make_set();
    for (kind = 0; kind < PIPE; kind++) {
        for (i = 0; i < 3; i++) {
            for (aborted = 0; aborted < 2; aborted++) {
                source it;
                open_source(&it, kind);
                OK(acl_wait_set_watch(set, it.socket, interests[i], &first));
                if (interests[i] == IN)
                    QUIET(set);
                OK(acl_close(it.socket, aborted));
                REPORTED_ONCE(set, it.socket, interests[i], &first);
                EQUAL(acl_wait_set_watch(set, it.socket, IN, &first), ACL_SOCKET_CLOSED);
                QUIET(set);
                close_source(&it);
                QUIET(set);
            }
        }
    }
    OK(acl_free_wait_set(set));
}

TEST(closing_what_is_ready_is_reported_once)
{
    EACH_KIND {
        int raw;
        const void *data;
        size_t length;
        acl_wait_set *set = make_set();
        acl_socket *stream = watched(set, kind, IN, &first, &raw);
        DELIVER(stream, raw, "buffered");
        OK(acl_peek_input(stream, 8, &data, &length));
        PUT(raw, "more");
        ONE(set, stream, IN, &first);
        OK(acl_close(stream, 0));
        REPORTED_ONCE(set, stream, IN, &first);
        OK(acl_free_socket(stream));
        close(raw);
        OK(acl_free_wait_set(set));
    }
}

/* A waiting thread, the events of which are its own. */
typedef struct { acl_wait_set *set; double timeout; acl_wait_event events[4]; size_t count; } wait_of;

static acl_status wait_in(task *self)
{
    wait_of *wait = self->data;
    return acl_wait_for_io_available(wait->set, wait->timeout, wait->events, 4, &wait->count);
}

TEST(closing_elsewhere_ends_the_wait)
{
    int kind, aborted;
    acl_wait_set *set = make_set();
    for (kind = 0; kind < PIPE; kind++) {
        for (aborted = 0; aborted < 2; aborted++) {
            source it;
            task waiter;
            wait_of wait = { .set = set, .timeout = -1.0, .count = 777 };
            open_source(&it, kind);
            OK(acl_wait_set_watch(set, it.socket, IN, &first));
            TASK_BEGINS(&waiter, wait_in, .data = &wait);
            TASK_BLOCKS(&waiter);
            OK(acl_close(it.socket, aborted));
            TASK_ENDS(&waiter, patience(), ACL_SOCKET_OK);
            EQUAL(wait.count, 1);
            CHECK(wait.events[0].socket == it.socket && wait.events[0].data == &first);
            EQUAL(wait.events[0].status & IN_ERROR, IN_ERROR);
            QUIET(set);
            close_source(&it);
            QUIET(set);
        }
    }
    OK(acl_free_wait_set(set));
}

TEST(a_freed_handle_is_not_reported)
{
    int kind;
    acl_wait_set *set = make_set();
    for (kind = 0; kind < PIPE; kind++) {
        source it;
        open_source(&it, kind);
        OK(acl_wait_set_watch(set, it.socket, IN, &first));
        feed(&it, kind);
        close_source(&it);
        QUIET(set);
    }
    OK(acl_free_wait_set(set));
}

/* The next socket gets the number of the closed one. */
TEST(a_number_that_is_used_again)
{
    int round, kind, same = 0;
    acl_wait_set *set = make_set();
    for (round = 0; round < rounds(200, 20); round++) {
        acl_socket *old, *next;
        int raw_old, raw_next, number, freed = round % 2, watched = round / 2 % 2;
        kind = round % KINDS;
        old = stream_and_raw(kind, NULL, &raw_old);
        OK(acl_wait_set_watch(set, old, IN, &first));
        number = fd_of(old);
        if (round % 5 == 0)
            WAITS(set, 0.0, 0);
        OK(acl_close(old, 0));
        if (freed)
            OK(acl_free_socket(old));
        next = stream_and_raw(ADOPTED, NULL, &raw_next);
        same += number == fd_of(next);
        PUT(raw_next, "x");
        if (watched)
            OK(acl_wait_set_watch(set, next, IN, &second));
        WAITS(set, 10.0 * (watched || !freed), watched + !freed);
        if (!freed) {
            CHECK(event_with(&first) != NULL && event_with(&first)->socket == old);
            EQUAL(event_with(&first)->status & IN_ERROR, IN_ERROR);
        }
        if (watched) {
            CHECK(event_with(&second) != NULL);
            EVENT(event_with(&second), next, IN, &second);
            ONE(set, next, IN, &second);
            OK(acl_wait_set_watch(set, next, 0, NULL));
        }
        WAITS(set, 0.0, 0);
        BYTE(next, 'x');
        if (!freed)
            OK(acl_free_socket(old));
        done(next);
        close(raw_old);
        close(raw_next);
    }
    CHECK(same > 0);
    OK(acl_free_wait_set(set));
}

static double cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* A child that holds what this process has open until the descriptor is closed. */
static pid_t child_that_holds(int *hold)
{
    int ends[2];
    pid_t child;
    EQUAL(pipe(ends), 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        char byte;
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) != 0);
    }
    close(ends[0]);
    *hold = ends[1];
    return child;
}

TEST(a_child_keeps_a_closed_socket_open)
{
    EACH_KIND {
        int raw, raw_next, hold, status;
        double cpu;
        pid_t child;
        acl_socket *next, *stream = stream_and_raw(kind, NULL, &raw);
        acl_wait_set *set = make_set();
        OK(acl_wait_set_watch(set, stream, IN | OUT, &first));
        child = child_that_holds(&hold);
        PUT(raw, "for the child");
        OK(acl_close(stream, 0));
        REPORTED_ONCE(set, stream, IN | OUT, &first);
        send(raw, "more", 4, MSG_NOSIGNAL);
        cpu = cpu_seconds();
        WAITS(set, 0.3, 0);
        CHECK(slowly() || cpu_seconds() - cpu < 0.15);
        next = stream_and_raw(ADOPTED, NULL, &raw_next);
        OK(acl_wait_set_watch(set, next, IN, &second));
        QUIET(set);
        PUT(raw_next, "x");
        ONE(set, next, IN, &second);
        close(hold);
        EQUAL(waitpid(child, &status, 0), child);
        EQUAL(status, 0);
        ONE(set, next, IN, &second);
        OK(acl_free_socket(stream));
        done(next);
        close(raw);
        close(raw_next);
        OK(acl_free_wait_set(set));
    }
}

TEST(a_child_that_closes_takes_nothing_from_its_parent)
{
    EACH_KIND {
        int raw, status;
        pid_t child;
        acl_wait_set *set = make_set();
        acl_socket *stream = watched(set, kind, IN, &first, &raw);
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            OK(acl_close(stream, 0));
            OK(acl_free_socket(stream));
            _exit(0);
        }
        EQUAL(waitpid(child, &status, 0), child);
        EQUAL(status, 0);
        QUIET(set);
        PUT(raw, "x");
        ONE(set, stream, IN, &first);
        BYTE(stream, 'x');
        gone(stream, raw);
        OK(acl_free_wait_set(set));
    }
}

TEST(a_child_makes_its_own_set)
{
    int raw, status;
    pid_t child;
    acl_socket *stream = stream_and_raw(OVER_TCP, NULL, &raw);
    acl_wait_set *set = make_set();
    PUT(raw, "x");
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        acl_wait_set *own = make_set();
        OK(acl_wait_set_watch(own, stream, IN, &second));
        ONE(own, stream, IN, &second);
        OK(acl_free_wait_set(own));
        _exit(0);
    }
    EQUAL(waitpid(child, &status, 0), child);
    EQUAL(status, 0);
    OK(acl_wait_set_watch(set, stream, IN, &first));
    ONE(set, stream, IN, &first);
    gone(stream, raw);
    OK(acl_free_wait_set(set));
}

TEST(waking)
{
    source it;
    task waiter;
    double begun;
    wait_of wait = { .timeout = -1.0, .count = 777 };
    int i;
    acl_wait_set *set = make_set();
    wait.set = set;
    open_source(&it, OVER_TCP);
    OK(acl_wait_set_watch(set, it.socket, IN, &first));
    for (i = 0; i < rounds(100, 5); i++) {
        TASK_BEGINS(&waiter, wait_in, .data = &wait);
        if (i % 10 == 0)
            TASK_BLOCKS(&waiter);
        OK(acl_wake_wait_set(set));
        TASK_ENDS(&waiter, patience(), ACL_SOCKET_OK);
        EQUAL(wait.count, 0);
        OK(acl_wake_wait_set(set));
        WAITS(set, -1.0, 0);
    }
    begun = clock_now();
    WAITS(set, 0.05, 0);
    CHECK(clock_now() - begun >= 0.05 - 1e-6);
    feed(&it, OVER_TCP);
    ONE(set, it.socket, IN, &first);
    close_source(&it);
    OK(acl_free_wait_set(set));
}

TEST(freeing_wakes_who_waits)
{
    enum { THREADS = 3 };
    source it;
    task waiters[THREADS];
    wait_of waits[THREADS];
    int i;
    acl_wait_set *set = make_set();
    open_source(&it, OVER_FILE);
    OK(acl_wait_set_watch(set, it.socket, IN, &first));
    for (i = 0; i < THREADS; i++) {
        waits[i] = (wait_of){ .set = set, .timeout = i ? -1.0 : 25.0 };
        TASK_BEGINS(&waiters[i], wait_in, .data = &waits[i]);
    }
    for (i = 0; i < THREADS; i++)
        TASK_BLOCKS(&waiters[i]);
    OK(acl_free_wait_set(set));
    for (i = 0; i < THREADS; i++)
        TASK_ENDS(&waiters[i], patience(), ACL_SOCKET_CLOSED);
    EQUAL(acl_wake_wait_set(set), ACL_SOCKET_INVALID_HANDLE);
    set = make_set();
    OK(acl_wait_set_watch(set, it.socket, IN, &second));
    feed(&it, OVER_FILE);
    ONE(set, it.socket, IN, &second);
    close_source(&it);
    OK(acl_free_wait_set(set));
}

/* What another thread begins to watch, or has in its buffer, is reported to the one that waits. */
TEST(watching_while_another_thread_waits)
{
    int kind, buffered;
    acl_wait_set *set = make_set();
    for (kind = 0; kind < KINDS; kind++) {
        for (buffered = 0; buffered < 3; buffered++) {
            int raw;
            const void *data;
            size_t length;
            task waiter;
            wait_of wait = { .set = set, .timeout = -1.0 };
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            if (buffered == 2)
                OK(acl_wait_set_watch(set, stream, OUT, &second));
            DELIVER(stream, raw, "x");
            if (buffered > 0)
                OK(acl_peek_input(stream, 1, &data, &length));
            if (buffered == 2)
                OK(acl_wait_set_watch(set, stream, 0, NULL));
            TASK_BEGINS(&waiter, wait_in, .data = &wait);
            TASK_BLOCKS(&waiter);
            OK(acl_wait_set_watch(set, stream, IN, &first));
            TASK_ENDS(&waiter, patience(), ACL_SOCKET_OK);
            EQUAL(wait.count, 1);
            EVENT(&wait.events[0], stream, IN, &first);
            OK(acl_wait_set_watch(set, stream, 0, NULL));
            done(stream);
            close(raw);
        }
    }
    OK(acl_free_wait_set(set));
}

enum { SHARED = 8 };
typedef struct { acl_wait_set *set; acl_socket *streams[SHARED]; int taken, over; } shared_set;

static acl_status take_from_set(task *self)
{
    shared_set *shared = self->data;
    while (!GET(shared->over)) {
        acl_wait_event few[3];
        size_t count, i;
        acl_status status = acl_wait_for_io_available(shared->set, -1.0, few, 3, &count);
        if (status != ACL_SOCKET_OK)
            return status;
        for (i = 0; i < count; i++) {
            uint32_t character;
            CHECK(few[i].socket == *(acl_socket **)few[i].data);
            status = acl_read_char_no_hang(few[i].socket, &character);
            if (status == ACL_SOCKET_OK)
                ADD(shared->taken, 1);
            else
                EQUAL(status, ACL_SOCKET_WOULD_BLOCK);
        }
    }
    return ACL_SOCKET_OK;
}

TEST(two_threads_wait_in_one_set)
{
    shared_set shared = { .set = make_set() };
    int raw[SHARED], i, sent = rounds(3000, 100);
    task waiters[2];
    for (i = 0; i < SHARED; i++) {
        shared.streams[i] = stream_and_raw(i % KINDS, NULL, &raw[i]);
        OK(acl_wait_set_watch(shared.set, shared.streams[i], IN, &shared.streams[i]));
    }
    for (i = 0; i < 2; i++)
        TASK_BEGINS(&waiters[i], take_from_set, .data = &shared);
    for (i = 0; i < sent; i++) {
        PUT(raw[i % SHARED], "x");
        if (i % 100 == 99)
            COMES(GET(shared.taken) == i + 1, patience());
    }
    COMES(GET(shared.taken) == sent, patience());
    SET(shared.over, 1);
    COMES(acl_wake_wait_set(shared.set) == ACL_SOCKET_OK && GET(waiters[0].ended) && GET(waiters[1].ended), patience());
    for (i = 0; i < 2; i++)
        TASK_ENDS(&waiters[i], patience(), ACL_SOCKET_OK);
    EQUAL(GET(shared.taken), sent);
    OK(acl_free_wait_set(shared.set));
    for (i = 0; i < SHARED; i++) {
        done(shared.streams[i]);
        close(raw[i]);
    }
}

static acl_status wait_and_leave(task *self)
{
    SET(self->left, 0);
    return wait_in(self);
}

TEST(a_wait_that_was_left_is_repeated)
{
    source sources[SOURCES];
    storm signals;
    wait_of wait = { .set = make_set(), .timeout = -1.0 };
    task here = { .data = &wait }, waiter;
    int i, kind;
    for (kind = 0; kind < SOURCES; kind++) {
        open_source(&sources[kind], kind);
        watch_source(wait.set, &sources[kind], kind);
    }
    storm_begins(&signals, 1, 0);
    for (i = 0; i < rounds(500, 30); i++)
        EQUAL(leavable(wait_and_leave, &here), LEFT);
    storm_ends(&signals);
    QUIET(wait.set);
    for (kind = 0; kind < SOURCES; kind++) {
        TASK_BEGINS(&waiter, wait_in, .data = &wait);
        if (kind % 2)
            TASK_BLOCKS(&waiter);
        feed(&sources[kind], kind);
        TASK_ENDS(&waiter, patience(), ACL_SOCKET_OK);
        EQUAL(wait.count, 1);
        WAITS(wait.set, -1.0, 1);
        CHECK(events[0].data == &sources[kind]);
        drain(&sources[kind], kind);
    }
    for (kind = 0; kind < SOURCES; kind++)
        close_source(&sources[kind]);
    OK(acl_free_wait_set(wait.set));
}

MAIN(CASE(closing_here_is_reported_once), CASE(closing_what_is_ready_is_reported_once), CASE(closing_elsewhere_ends_the_wait),
     CASE(a_freed_handle_is_not_reported), CASE(a_number_that_is_used_again), CASE(a_child_keeps_a_closed_socket_open),
     CASE(a_child_that_closes_takes_nothing_from_its_parent), CASE(a_child_makes_its_own_set), CASE(waking),
     CASE(freeing_wakes_who_waits), CASE(watching_while_another_thread_waits), CASE(two_threads_wait_in_one_set),
     CASE(a_wait_that_was_left_is_repeated))
