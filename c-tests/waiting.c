/* acl_wait_for_input_available: what counts, what ends a wait, what does not. */
#include "sources.h"
#include <math.h>

/* A wait for these items answers this number after no less and not much more than the time. */
#define WAITS(items, count, timeout, should) \
    do { size_t available_ = 777; \
        double begun_ = clock_now(), spent_; \
        OK(acl_wait_for_input_available(items, count, timeout, &available_)); \
        spent_ = clock_now() - begun_; \
        EQUAL(available_, should); \
        CHECK(spent_ >= ((should) != 0 || (timeout) < 0 ? 0 : (timeout) - 1e-6)); \
        CHECK(spent_ < ((should) != 0 ? 0 : (timeout)) + patience()); } while (0)

#define ITEM(from) (acl_wait_item){ .socket = (from).socket, .os_fd = (from).socket != NULL ? -1 : (from).os_fd, .available = 7 }

static void open_sources(source *sources, acl_wait_item *items)
{
    int kind;
    for (kind = 0; kind < SOURCES; kind++) {
        open_source(&sources[kind], kind);
        items[kind] = ITEM(sources[kind]);
    }
}

static void close_sources(source *sources)
{
    int kind;
    for (kind = 0; kind < SOURCES; kind++)
        close_source(&sources[kind]);
}

TEST(nothing_comes_and_the_time_passes)
{
    static const double times[] = { 0, 0.000001, 0.0004, 0.0123, 0.3 };
    source sources[SOURCES];
    acl_wait_item items[SOURCES];
    size_t i;
    int kind;
    open_sources(sources, items);
    for (i = 0; i < sizeof times / sizeof *times; i++) {
        for (kind = 0; kind < SOURCES; kind++)
            items[kind].available = 7;
        WAITS(items, SOURCES, times[i], 0);
        for (kind = 0; kind < SOURCES; kind++)
            EQUAL(items[kind].available, 0);
    }
    close_sources(sources);
}

TEST(each_kind_is_told_from_the_others)
{
    source sources[SOURCES];
    acl_wait_item items[SOURCES];
    int kind, other, again;
    open_sources(sources, items);
    for (kind = 0; kind < SOURCES; kind++) {
        feed(&sources[kind], kind);
        for (again = 0; again < 2; again++) {
            WAITS(items, SOURCES, again ? 0.0 : -1.0, 1);
            for (other = 0; other < SOURCES; other++)
                EQUAL(items[other].available, other == kind);
        }
        drain(&sources[kind], kind);
        WAITS(items, SOURCES, 0.0, 0);
    }
    for (kind = 0; kind < SOURCES; kind++) {
        WAITS(items, SOURCES, 10.0 * (kind != 0), kind);
        feed(&sources[kind], kind);
    }
    WAITS(items, SOURCES, -1.0, SOURCES);
    close_sources(sources);
}

TEST(the_same_one_may_come_twice)
{
    source stream, pipe;
    acl_wait_item items[4];
    open_source(&stream, OVER_TCP);
    open_source(&pipe, PIPE);
    items[0] = items[2] = ITEM(stream);
    items[1] = items[3] = ITEM(pipe);
    WAITS(items, 4, 0.0, 0);
    feed(&stream, OVER_TCP);
    WAITS(items, 4, 10.0, 2);
    CHECK(items[0].available && !items[1].available && items[2].available && !items[3].available);
    feed(&pipe, PIPE);
    WAITS(items, 4, 10.0, 4);
    close_source(&stream);
    close_source(&pipe);
}

TEST(what_is_in_the_buffer_counts)
{
    EACH_KIND {
        char line[20];
        const void *data;
        size_t length;
        int raw;
        uint32_t character;
        source idle;
        acl_wait_item items[2];
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        open_source(&idle, PIPE);
        items[0] = ITEM(idle);
        items[1] = (acl_wait_item){ .socket = stream, .os_fd = -1 };
        DELIVER(stream, raw, "one\ntwo\n");
        OK(acl_peek_input(stream, 8, &data, &length));
        WAITS(items, 2, -1.0, 1);
        OK(acl_read_line(stream, line, sizeof line, NULL));
        TEXT(line, "one");
        WAITS(items, 2, -1.0, 1);
        CHECK(!items[0].available && items[1].available);
        OK(acl_wait_for_input_available(items, 2, 0.0, NULL));
        CHECK(items[1].available);
        OK(acl_read_line(stream, line, sizeof line, NULL));
        TEXT(line, "two");
        WAITS(items, 2, 0.0, 0);
        DELIVER(stream, raw, "c");
        OK(acl_read_char(stream, &character));
        WAITS(items, 2, 0.01, 0);
        OK(acl_unread_char(stream, character));
        WAITS(items, 2, -1.0, 1);
        done(stream);
        close(raw);
        close_source(&idle);
    }
}

TEST(ends_errors_and_closed_sockets_count)
{
    enum { COUNT = 7 };
    acl_wait_item items[COUNT];
    acl_socket *sockets[COUNT];
    int raw[COUNT] = { -1, -1, -1, -1, -1, -1, -1 }, i;
    int32_t port;
    EACH_KIND {
        sockets[0] = stream_and_raw(kind, NULL, &raw[0]);
        end_input(sockets[0], raw[0]);
        sockets[1] = stream_and_raw(kind, NULL, &raw[1]);
        reset_by_peer(sockets[1], raw[1]);
        raw[1] = -1;
        sockets[2] = stream_and_raw(kind, NULL, &raw[2]);
        OK(acl_close(sockets[2], 0));
        sockets[3] = listener(&port);
        OK(acl_close(sockets[3], 0));
        OK(MAKE(&sockets[4], .type = ACL_SOCKET_DATAGRAM));
        OK(acl_close(sockets[4], ACL_SOCKET_ABORT));
        sockets[5] = stream_and_raw(kind, NULL, &raw[5]);
        close(raw[5]);
        raw[5] = -1;
        await(fd_of(sockets[5]), POLLIN);
        sockets[6] = stream_and_raw(kind, NULL, &raw[6]);
        for (i = 0; i < COUNT; i++) {
            items[i] = (acl_wait_item){ .socket = sockets[i], .available = 7 };
            WAITS(&items[i], 1, i < COUNT - 1 ? -1.0 : 0.0, i < COUNT - 1);
        }
        WAITS(items, COUNT, -1.0, COUNT - 1);
        EQUAL(items[COUNT - 1].available, 0);
        for (i = 0; i < COUNT; i++) {
            done(sockets[i]);
            if (raw[i] >= 0)
                close(raw[i]);
        }
    }
}

TEST(a_pipe_that_ended_counts)
{
    source pipe;
    acl_wait_item item;
    open_source(&pipe, PIPE);
    item = ITEM(pipe);
    WAITS(&item, 1, 0.0, 0);
    close(pipe.peer);
    pipe.peer = -1;
    WAITS(&item, 1, -1.0, 1);
    EQUAL(item.available, 1);
    close_source(&pipe);
}

TEST(nothing_to_wait_for_is_over_at_once)
{
    WAITS(NULL, 0, -1.0, 0);
    WAITS(NULL, 0, 0.0, 0);
    OK(acl_wait_for_input_available(NULL, 0, 5.0, NULL));
}

TEST(bad_arguments)
{
    source sources[SOURCES];
    acl_wait_item items[SOURCES];
    acl_socket *freed;
    acl_wait_set *set;
    size_t available = 777;
    int i;
    open_sources(sources, items);
    OK(MAKE(&freed, .type = ACL_SOCKET_DATAGRAM));
    OK(acl_free_socket(freed));
    OK(acl_make_wait_set(&set));
    for (i = 0; i < SOURCES; i++) {
        acl_wait_item kept = items[i];
        items[i].socket = freed;
        EQUAL(acl_wait_for_input_available(items, SOURCES, -1.0, &available), ACL_SOCKET_INVALID_HANDLE);
        items[i].socket = (acl_socket *)(uintptr_t)0x12345;
        EQUAL(acl_wait_for_input_available(items, SOURCES, -1.0, &available), ACL_SOCKET_INVALID_HANDLE);
        items[i].socket = (acl_socket *)set;
        EQUAL(acl_wait_for_input_available(items, SOURCES, 0.0, &available), ACL_SOCKET_INVALID_HANDLE);
        items[i] = kept;
    }
    EQUAL(available, 777);
    EQUAL(acl_wait_for_input_available(NULL, 1, 0.0, &available), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_wait_for_input_available(items, SOURCES, NAN, &available), ACL_SOCKET_INVALID_ARGUMENT);
    feed(&sources[OVER_TCP], OVER_TCP);
    WAITS(items, SOURCES, (double)INFINITY, 1);
    WAITS(items, SOURCES, (double)-INFINITY, 1);
    WAITS(items, SOURCES, 1e300, 1);
    close_sources(sources);
    OK(acl_free_wait_set(set));
}

/* A descriptor that is not open is an error, now or counted as one. */
TEST(descriptors_that_are_not_open)
{
    static const int32_t numbers[] = { 1000000, -1, INT32_MIN, INT32_MAX };
    size_t i, available;
    for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        acl_wait_item item = { .os_fd = numbers[i] };
        acl_status status = acl_wait_for_input_available(&item, 1, -1.0, &available);
        if (status == ACL_SOCKET_OK) {
            EQUAL(available, 1);
            EQUAL(item.available, 1);
        } else if (status == ACL_SOCKET_UNKNOWN) {
            EQUAL(acl_stream_error_code(), EBADF);
        } else {
            EQUAL(status, ACL_SOCKET_INVALID_ARGUMENT);
        }
    }
}

static acl_status wait_for_items(task *self)
{
    size_t available = 777;
    acl_status status = acl_wait_for_input_available(self->data, self->size, -1.0, &available);
    return status != ACL_SOCKET_OK ? status : available == 1 ? ACL_SOCKET_OK : LEFT;
}

TEST(another_thread_brings_input)
{
    source sources[SOURCES];
    acl_wait_item items[SOURCES];
    int kind, other;
    task waiter;
    open_sources(sources, items);
    for (kind = 0; kind < SOURCES; kind++) {
        TASK_BEGINS(&waiter, wait_for_items, .data = items, .size = SOURCES);
        TASK_BLOCKS(&waiter);
        feed(&sources[kind], kind);
        TASK_ENDS(&waiter, patience(), ACL_SOCKET_OK);
        for (other = 0; other < SOURCES; other++)
            EQUAL(items[other].available, other == kind);
        drain(&sources[kind], kind);
    }
    close_sources(sources);
}

TEST(another_thread_closes)
{
    int kind, other, abort;
    for (abort = 0; abort < 2; abort++) {
        for (kind = 0; kind < SOURCES; kind++) {
            source sources[SOURCES];
            acl_wait_item items[SOURCES];
            task waiter;
            if (kind == PIPE)
                continue;
            open_sources(sources, items);
            TASK_BEGINS(&waiter, wait_for_items, .data = items, .size = SOURCES);
            TASK_BLOCKS(&waiter);
            OK(acl_close(sources[kind].socket, abort));
            TASK_ENDS(&waiter, patience(), ACL_SOCKET_OK);
            for (other = 0; other < SOURCES; other++)
                EQUAL(items[other].available, other == kind);
            close_sources(sources);
        }
    }
}

/* Nor does a wait take the byte from the reader. */
TEST(a_reader_in_another_thread_is_not_waited_for)
{
    EACH_KIND {
        int raw;
        task reader;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        acl_wait_item item = { .socket = stream };
        TASK_BEGINS(&reader, in_read_byte, .socket = stream);
        TASK_BLOCKS(&reader);
        WAITS(&item, 1, 0.0, 0);
        WAITS(&item, 1, 0.05, 0);
        PUT(raw, "x");
        TASK_ENDS(&reader, patience(), ACL_SOCKET_OK);
        WAITS(&item, 1, 0.0, 0);
        done(stream);
        close(raw);
    }
}

TEST(several_threads_wait_for_the_same)
{
    enum { THREADS = 6 };
    source sources[SOURCES];
    acl_wait_item items[THREADS][SOURCES];
    task waiters[THREADS];
    int i;
    open_sources(sources, items[0]);
    for (i = 1; i < THREADS; i++)
        memcpy(items[i], items[0], sizeof items[0]);
    for (i = 0; i < THREADS; i++)
        TASK_BEGINS(&waiters[i], wait_for_items, .data = items[i], .size = SOURCES);
    for (i = 0; i < THREADS; i++)
        TASK_BLOCKS(&waiters[i]);
    feed(&sources[OVER_FILE], OVER_FILE);
    for (i = 0; i < THREADS; i++)
        TASK_ENDS(&waiters[i], patience(), ACL_SOCKET_OK);
    close_sources(sources);
}

TEST(signals_change_nothing)
{
    source sources[SOURCES];
    acl_wait_item items[SOURCES];
    storm signals;
    open_sources(sources, items);
    storm_begins(&signals, 0, 0);
    WAITS(items, SOURCES, 0.4, 0);
    CHECK(interruptions > 10);
    storm_ends(&signals);
    feed(&sources[PASSIVE], PASSIVE);
    storm_begins(&signals, 0, 0);
    WAITS(items, SOURCES, -1.0, 1);
    storm_ends(&signals);
    close_sources(sources);
}

static acl_status wait_and_leave(task *self)
{
    size_t available;
    return acl_wait_for_input_available(self->data, self->size, -1.0, &available);
}

TEST(a_wait_that_was_left_is_repeated)
{
    source sources[SOURCES];
    acl_wait_item items[SOURCES];
    task here = { .data = items, .size = SOURCES };
    storm signals;
    int i, kind;
    open_sources(sources, items);
    storm_begins(&signals, 1, 0);
    for (i = 0; i < rounds(500, 30); i++)
        EQUAL(leavable(wait_and_leave, &here), LEFT);
    storm_ends(&signals);
    for (kind = 0; kind < SOURCES; kind++) {
        feed(&sources[kind], kind);
        WAITS(items, SOURCES, -1.0, 1);
        EQUAL(items[kind].available, 1);
        drain(&sources[kind], kind);
    }
    close_sources(sources);
}

TEST(numbers_beyond_1024)
{
    enum { EXTRA = 1100 };
    static int extra[EXTRA];
    source sources[SOURCES];
    acl_wait_item items[SOURCES];
    int i, kind, last = 0, base = open("/dev/null", O_RDONLY);
    if (allow_descriptors(EXTRA + 100) < EXTRA + 100)
        exit(SKIPPED);
    for (i = 0; i < EXTRA; i++)
        CHECK((last = extra[i] = dup(base)) >= 0);
    CHECK(last > 1024);
    open_sources(sources, items);
    WAITS(items, SOURCES, 0.05, 0);
    for (kind = 0; kind < SOURCES; kind++) {
        CHECK(sources[kind].os_fd > 1024);
        feed(&sources[kind], kind);
        WAITS(items, SOURCES, 10.0, 1);
        EQUAL(items[kind].available, 1);
        drain(&sources[kind], kind);
    }
    close_sources(sources);
    for (i = 0; i < EXTRA; i++)
        close(extra[i]);
    close(base);
}

TEST(more_than_1024_at_once)
{
    enum { COUNT = 1100 };
    static acl_wait_item items[COUNT];
    source pipe;
    int i;
    if (allow_descriptors(COUNT + 100) < COUNT + 100)
        exit(SKIPPED);
    open_source(&pipe, PIPE);
    for (i = 0; i < COUNT; i++)
        CHECK((items[i].os_fd = dup(pipe.os_fd)) >= 0);
    WAITS(items, COUNT, 0.05, 0);
    feed(&pipe, PIPE);
    WAITS(items, COUNT, -1.0, COUNT);
    for (i = 0; i < COUNT; i++) {
        EQUAL(items[i].available, 1);
        close(items[i].os_fd);
    }
    close_source(&pipe);
}

MAIN(CASE(nothing_comes_and_the_time_passes), CASE(each_kind_is_told_from_the_others), CASE(the_same_one_may_come_twice),
     CASE(what_is_in_the_buffer_counts), CASE(ends_errors_and_closed_sockets_count), CASE(a_pipe_that_ended_counts),
     CASE(nothing_to_wait_for_is_over_at_once), CASE(bad_arguments), CASE(descriptors_that_are_not_open),
     CASE(another_thread_brings_input), CASE(another_thread_closes), CASE(a_reader_in_another_thread_is_not_waited_for),
     CASE(several_threads_wait_for_the_same), CASE(signals_change_nothing), CASE(a_wait_that_was_left_is_repeated),
     CASE(numbers_beyond_1024), CASE(more_than_1024_at_once))
