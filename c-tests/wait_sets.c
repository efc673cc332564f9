/* Wait sets: interest, events, levels, room, errors. */
#include "wait_sets.h"

static int first, second; /* their addresses are data */

TEST(watched_changed_and_no_longer_watched)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        acl_wait_set *set = make_set();
        QUIET(set);
        OK(acl_wait_set_watch(set, stream, IN, &first));
        QUIET(set);
        PUT(raw, "x");
        ONE(set, stream, IN, &first);
        OK(acl_wait_set_watch(set, stream, IN, &second));
        ONE(set, stream, IN, &second);
        OK(acl_wait_set_watch(set, stream, OUT, &first));
        ONE(set, stream, OUT, &first);
        OK(acl_wait_set_watch(set, stream, IN | OUT, NULL));
        ONE(set, stream, IN | OUT, NULL);
        BYTE(stream, 'x');
        ONE(set, stream, OUT, NULL);
        OK(acl_wait_set_watch(set, stream, 0, NULL));
        QUIET(set);
        PUT(raw, "y");
        QUIET(set);
        OK(acl_wait_set_watch(set, stream, IN, &second));
        ONE(set, stream, IN, &second);
        gone(stream, raw);
        OK(acl_free_wait_set(set));
    }
}

TEST(the_time_passes)
{
    static const double times[] = { 0, 0.000001, 0.0004, 0.0123, 0.3 };
    size_t i;
    source stream;
    acl_wait_set *set = make_set();
    open_source(&stream, OVER_TCP);
    OK(acl_wait_set_watch(set, stream.socket, IN, NULL));
    for (i = 0; i < sizeof times / sizeof *times; i++) {
        double begun = clock_now();
        WAITS(set, times[i], 0);
        CHECK(clock_now() - begun >= times[i] - 1e-6);
        CHECK(clock_now() - begun < times[i] + patience());
    }
    close_source(&stream);
    OK(acl_free_wait_set(set));
}

TEST(signals_change_nothing)
{
    source stream;
    storm signals;
    double begun;
    acl_wait_set *set = make_set();
    open_source(&stream, OVER_TCP);
    OK(acl_wait_set_watch(set, stream.socket, IN, NULL));
    storm_begins(&signals, 0, 0);
    begun = clock_now();
    WAITS(set, 0.4, 0);
    CHECK(clock_now() - begun >= 0.4 - 1e-6);
    CHECK(clock_now() - begun < 0.4 + patience());
    CHECK(interruptions > 10);
    storm_ends(&signals);
    feed(&stream, OVER_TCP);
    storm_begins(&signals, 0, 0);
    ONE(set, stream.socket, IN, NULL);
    storm_ends(&signals);
    close_source(&stream);
    OK(acl_free_wait_set(set));
}

TEST(what_is_not_read_is_reported_again)
{
    EACH_KIND {
        char line[20];
        const void *data;
        size_t length;
        uint32_t character;
        int raw, i;
        acl_wait_set *set = make_set();
        acl_socket *stream = watched(set, kind, IN, &first, &raw);
        DELIVER(stream, raw, "one\ntwo\n");
        for (i = 0; i < 3; i++)
            ONE(set, stream, IN, &first);
        OK(acl_peek_input(stream, 8, &data, &length));
        for (i = 0; i < 3; i++)
            ONE(set, stream, IN, &first);
        OK(acl_read_line(stream, line, sizeof line, NULL));
        for (i = 0; i < 3; i++)
            ONE(set, stream, IN, &first);
        OK(acl_wait_set_watch(set, stream, IN | OUT, &second));
        ONE(set, stream, IN | OUT, &second);
        OK(acl_wait_set_watch(set, stream, IN, &first));
        ONE(set, stream, IN, &first);
        OK(acl_read_line(stream, line, sizeof line, NULL));
        TEXT(line, "two");
        QUIET(set);
        DELIVER(stream, raw, "c");
        ONE(set, stream, IN, &first);
        OK(acl_read_char(stream, &character));
        QUIET(set);
        OK(acl_unread_char(stream, character));
        ONE(set, stream, IN, &first);
        CHARACTER(stream, 'c');
        QUIET(set);
        gone(stream, raw);
        OK(acl_free_wait_set(set));
    }
}

TEST(what_was_in_the_buffer_before_counts)
{
    EACH_KIND {
        int raw, i;
        int32_t ready;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        acl_wait_set *set = make_set();
        DELIVER(stream, raw, "ab");
        OK(acl_listen(stream, &ready));
        BYTE(stream, 'a');
        OK(acl_wait_set_watch(set, stream, IN, &first));
        for (i = 0; i < 3; i++)
            ONE(set, stream, IN, &first);
        OK(acl_wait_set_watch(set, stream, 0, NULL));
        QUIET(set);
        OK(acl_wait_set_watch(set, stream, OUT, NULL));
        ONE(set, stream, OUT, NULL);
        OK(acl_wait_set_watch(set, stream, IN, &second));
        ONE(set, stream, IN, &second);
        OK(acl_clear_input(stream));
        QUIET(set);
        gone(stream, raw);
        OK(acl_free_wait_set(set));
    }
}

TEST(with_little_room_nobody_starves)
{
    enum { COUNT = 14 };
    acl_socket *streams[COUNT];
    int raw[COUNT], seen[COUNT], room, i, call;
    const void *data;
    size_t length, count, at;
    acl_wait_set *set = make_set();
    for (i = 0; i < COUNT; i++) {
        streams[i] = stream_and_raw(i % KINDS, NULL, &raw[i]);
        OK(acl_wait_set_watch(set, streams[i], IN, &seen[i]));
        DELIVER(streams[i], raw[i], "x");
        if (i % 2)
            OK(acl_peek_input(streams[i], 1, &data, &length));
    }
    for (room = 1; room <= COUNT; room += 3) {
        memset(seen, 0, sizeof seen);
        /* Twice as many calls as a fair turn takes. */
        for (call = 0; call < 2 * (COUNT + room - 1) / room + 2; call++) {
            acl_wait_event few[COUNT + 1];
            memset(few, 0, sizeof few);
            OK(acl_wait_for_io_available(set, -1.0, few, (size_t)room, &count));
            EQUAL(count, room);
            CHECK(few[room].socket == NULL && few[room].status == 0);
            for (at = 0; at < count; at++) {
                int *mark = few[at].data;
                size_t earlier;
                CHECK(few[at].socket == streams[mark - seen]);
                EQUAL(few[at].status, IN);
                for (earlier = 0; earlier < at; earlier++)
                    CHECK(few[earlier].data != few[at].data);
                ++*mark;
            }
        }
        for (i = 0; i < COUNT; i++)
            CHECK(seen[i] > 0);
    }
    for (i = 0; i < COUNT; i++) {
        WAITS(set, 0.0, COUNT - i);
        BYTE(streams[i], 'x');
        WAITS(set, 0.0, COUNT - 1 - i);
    }
    for (i = 0; i < COUNT; i++) {
        done(streams[i]);
        close(raw[i]);
    }
    OK(acl_free_wait_set(set));
}

/* The system takes nothing more from this descriptor. */
static void fill_system(int fd)
{
    static const char zeros[65536];
    struct pollfd room = { .fd = fd, .events = POLLOUT };
    do
        while (send(fd, zeros, sizeof zeros, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
            continue;
    while (poll(&room, 1, 20) > 0);
}

static void take_all(int raw)
{
    static char room[65536];
    while (recv(raw, room, sizeof room, MSG_DONTWAIT) > 0)
        continue;
}

TEST(output_waits_for_the_peer)
{
    EACH_KIND {
        int raw, tries;
        acl_wait_set *set = make_set();
        acl_socket *stream = watched(set, kind, OUT, &first, &raw);
        ONE(set, stream, OUT, &first);
        ONE(set, stream, OUT, &first);
        fill_system(fd_of(stream));
        QUIET(set);
        OK(acl_wait_set_watch(set, stream, IN | OUT, &first));
        QUIET(set);
        DELIVER(stream, raw, "x");
        ONE(set, stream, IN, &first);
        BYTE(stream, 'x');
        QUIET(set);
        for (tries = 0, reported = 0; reported == 0; tries++) {
            CHECK(tries < 500);
            take_all(raw);
            OK(acl_wait_for_io_available(set, 0.02, events, 64, &reported));
        }
        EQUAL(reported, 1);
        EVENT(&events[0], stream, OUT, &first);
        gone(stream, raw);
        OK(acl_free_wait_set(set));
    }
}

TEST(every_kind_in_one_set)
{
    source sources[SOURCES];
    int kind, other;
    acl_wait_set *set = make_set();
    for (kind = 0; kind < SOURCES; kind++) {
        open_source(&sources[kind], kind);
        watch_source(set, &sources[kind], kind);
    }
    QUIET(set);
    for (kind = 0; kind < SOURCES; kind++) {
        int again;
        feed(&sources[kind], kind);
        for (again = 0; again < 2; again++) {
            WAITS(set, -1.0, 1);
            CHECK(events[0].socket == sources[kind].socket && events[0].data == &sources[kind]);
            EQUAL(events[0].os_fd, kind == PIPE ? sources[kind].os_fd : -1);
            EQUAL(events[0].status, IN);
        }
        drain(&sources[kind], kind);
        QUIET(set);
    }
    for (kind = 0; kind < SOURCES; kind++) {
        feed(&sources[kind], kind);
        WAITS(set, -1.0, kind + 1);
        for (other = 0; other <= kind; other++)
            CHECK(event_with(&sources[other]) != NULL);
    }
    for (kind = 0; kind < SOURCES; kind++)
        drain(&sources[kind], kind);
    OK(acl_wait_set_watch(set, sources[DATAGRAMS].socket, IN | OUT, NULL));
    ONE(set, sources[DATAGRAMS].socket, OUT, NULL);
    feed(&sources[DATAGRAMS], DATAGRAMS);
    ONE(set, sources[DATAGRAMS].socket, IN | OUT, NULL);
    OK(acl_wait_set_watch(set, sources[DATAGRAMS].socket, 0, NULL));
    OK(acl_wait_set_watch_os_fd(set, sources[PIPE].os_fd, 0, NULL));
    feed(&sources[PIPE], PIPE);
    QUIET(set);
    for (kind = 0; kind < SOURCES; kind++)
        close_source(&sources[kind]);
    OK(acl_free_wait_set(set));
}

#define OF_FD(fd_, bits, allowed, data_) \
    do { WAITS(set, -1.0, 1); \
        CHECK(events[0].socket == NULL && events[0].data == (data_)); \
        EQUAL(events[0].os_fd, fd_); \
        EQUAL(events[0].status & (bits), bits); \
        EQUAL(events[0].status & ~(allowed), 0); } while (0)

TEST(both_ends_of_a_pipe)
{
    int ends[2];
    acl_wait_set *set = make_set();
    EQUAL(pipe(ends), 0);
    OK(acl_wait_set_watch_os_fd(set, ends[1], OUT, &second));
    OF_FD(ends[1], OUT, OUT, &second);
    OK(acl_wait_set_watch_os_fd(set, ends[0], IN, &first));
    OF_FD(ends[1], OUT, OUT, &second);
    EQUAL(write(ends[1], "x", 1), 1);
    WAITS(set, -1.0, 2);
    EQUAL(event_with(&first)->os_fd, ends[0]);
    EQUAL(event_with(&second)->os_fd, ends[1]);
    OK(acl_wait_set_watch_os_fd(set, ends[0], 0, NULL));
    close(ends[0]);
    OF_FD(ends[1], OUT_ERROR, OUT | OUT_ERROR, &second);
    OK(acl_wait_set_watch_os_fd(set, ends[1], 0, NULL));
    close(ends[1]);
    EQUAL(pipe(ends), 0);
    OK(acl_wait_set_watch_os_fd(set, ends[0], IN, &first));
    QUIET(set);
    close(ends[1]);
    OF_FD(ends[0], IN, IN | IN_ERROR, &first);
    OK(acl_wait_set_watch_os_fd(set, ends[0], 0, NULL));
    close(ends[0]);
    OK(acl_free_wait_set(set));
}

TEST(the_end_of_the_input_is_input)
{
    EACH_KIND {
        int raw, i;
        uint8_t byte;
        acl_wait_set *set = make_set();
        acl_socket *stream = watched(set, kind, IN, &first, &raw);
        PUT(raw, "x");
        end_input(stream, raw);
        for (i = 0; i < 3; i++)
            ONE(set, stream, IN, &first);
        BYTE(stream, 'x');
        ONE(set, stream, IN, &first);
        EQUAL(acl_read_byte(stream, &byte), ACL_SOCKET_END_OF_FILE);
        ONE(set, stream, IN, &first);
        OK(acl_wait_set_watch(set, stream, IN | OUT, &first));
        ONE(set, stream, IN | OUT, &first);
        gone(stream, raw);
        OK(acl_free_wait_set(set));
    }
}

TEST(a_reset_is_an_error)
{
    EACH_KIND {
        int raw, interest;
        acl_wait_set *set = make_set();
        for (interest = IN; interest <= (IN | OUT); interest++) {
            acl_socket *stream;
            int errors = (interest & IN ? IN_ERROR : 0) | (interest & OUT ? OUT_ERROR : 0);
            if (interest & ~(IN | OUT))
                continue;
            stream = stream_and_raw(kind, NULL, &raw);
            OK(acl_wait_set_watch(set, stream, interest, &first));
            reset_by_peer(stream, raw);
            ONE_LIKE(set, stream, errors, errors | interest, &first);
            ONE_LIKE(set, stream, errors, errors | interest, &first);
            OK(acl_wait_set_watch(set, stream, 0, NULL));
            QUIET(set);
            done(stream);
        }
        OK(acl_free_wait_set(set));
    }
}

TEST(a_connection_that_is_being_made_is_output)
{
    int32_t port;
    acl_socket *pending, *server, *passive = listener(&port);
    acl_wait_set *set = make_set();
    OK(acl_begin_connect(ARGS(acl_make_socket_args, .remote_host = "127.0.0.1", .remote_port = port), &pending));
    OK(acl_wait_set_watch(set, pending, OUT, &first));
    ONE(set, pending, OUT, &first);
    OK(acl_finish_connect(pending, ACL_SOCKET_NO_WAIT));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &server));
    OK(acl_wait_set_watch(set, pending, IN, &second));
    OK(acl_write_byte(server, 'x'));
    OK(acl_force_output(server));
    ONE(set, pending, IN, &second);
    BYTE(pending, 'x');
    done(pending);
    done(server);
    done(passive);
    OK(acl_free_wait_set(set));
}

TEST(a_watched_socket_can_be_waited_for_otherwise)
{
    source stream;
    acl_wait_item item;
    size_t available;
    acl_wait_set *set = make_set();
    open_source(&stream, OVER_TCP);
    OK(acl_wait_set_watch(set, stream.socket, IN, &first));
    item = (acl_wait_item){ .socket = stream.socket };
    OK(acl_wait_for_input_available(&item, 1, 0.0, &available));
    EQUAL(available, 0);
    feed(&stream, OVER_TCP);
    OK(acl_wait_for_input_available(&item, 1, -1.0, &available));
    EQUAL(available, 1);
    ONE(set, stream.socket, IN, &first);
    drain(&stream, OVER_TCP);
    QUIET(set);
    close_source(&stream);
    OK(acl_free_wait_set(set));
}

TEST(a_socket_in_several_sets)
{
    source it;
    acl_wait_set *one = make_set(), *other = make_set();
    open_source(&it, OVER_FILE);
    feed(&it, OVER_FILE);
    OK(acl_wait_set_watch(one, it.socket, IN, &first));
    OK(acl_wait_set_watch(other, it.socket, IN, &second));
    ONE(one, it.socket, IN, &first);
    ONE(other, it.socket, IN, &second);
    OK(acl_wait_set_watch(one, it.socket, 0, NULL));
    QUIET(one);
    ONE(other, it.socket, IN, &second);
    OK(acl_free_wait_set(other));
    OK(acl_wait_set_watch(one, it.socket, IN, &first));
    ONE(one, it.socket, IN, &first);
    OK(acl_free_wait_set(one));
    close_source(&it);
}

TEST(what_cannot_be_watched)
{
    FILE *file = tmpfile();
    source it;
    acl_wait_set *set = make_set();
    open_source(&it, OVER_TCP);
    CHECK(file != NULL);
    EQUAL(acl_wait_set_watch_os_fd(set, fileno(file), IN, NULL), ACL_SOCKET_UNKNOWN);
    EQUAL(acl_stream_error_code(), EPERM);
    fclose(file);
    EQUAL(acl_wait_set_watch_os_fd(set, 1000000, IN, NULL), ACL_SOCKET_UNKNOWN);
    EQUAL(acl_stream_error_code(), EBADF);
    CHECK(acl_wait_set_watch_os_fd(set, -1, IN, NULL) != ACL_SOCKET_OK);
    OK(acl_close(it.socket, 0));
    EQUAL(acl_wait_set_watch(set, it.socket, IN, NULL), ACL_SOCKET_CLOSED);
    QUIET(set);
    close_source(&it);
    OK(acl_free_wait_set(set));
}

TEST(bad_handles_and_arguments)
{
    static const int32_t interests[] = { 2, 8, 16, IN | 2, OUT | 8, IN | 32, -1, INT32_MIN };
    source it;
    size_t i, count = 777;
    acl_wait_set *set = make_set(), *bad[4];
    open_source(&it, OVER_TCP);
    bad[0] = NULL;
    bad[1] = make_set();
    OK(acl_free_wait_set(bad[1]));
    bad[2] = (acl_wait_set *)it.socket;
    bad[3] = (acl_wait_set *)(uintptr_t)0x12345;
    for (i = 0; i < 4; i++) {
        EQUAL(acl_wait_set_watch(bad[i], it.socket, IN, NULL), ACL_SOCKET_INVALID_HANDLE);
        EQUAL(acl_wait_set_watch(bad[i], it.socket, 0, NULL), ACL_SOCKET_INVALID_HANDLE);
        EQUAL(acl_wait_set_watch_os_fd(bad[i], it.peer, IN, NULL), ACL_SOCKET_INVALID_HANDLE);
        EQUAL(acl_wait_for_io_available(bad[i], -1.0, events, 64, &count), ACL_SOCKET_INVALID_HANDLE);
        EQUAL(acl_wake_wait_set(bad[i]), ACL_SOCKET_INVALID_HANDLE);
        EQUAL(acl_free_wait_set(bad[i]), i == 0 ? ACL_SOCKET_OK : ACL_SOCKET_INVALID_HANDLE);
    }
    EQUAL(acl_wait_set_watch(set, NULL, IN, NULL), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_wait_set_watch(set, (acl_socket *)set, IN, NULL), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_close((acl_socket *)set, 0), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_free_socket((acl_socket *)set), ACL_SOCKET_INVALID_HANDLE);
    for (i = 0; i < sizeof interests / sizeof *interests; i++) {
        EQUAL(acl_wait_set_watch(set, it.socket, interests[i], NULL), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(acl_wait_set_watch_os_fd(set, it.peer, interests[i], NULL), ACL_SOCKET_INVALID_ARGUMENT);
    }
    EQUAL(acl_wait_for_io_available(set, 0.0, NULL, 64, &count), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_wait_for_io_available(set, 0.0, events, 0, &count), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_wait_for_io_available(set, 0.0, events, 64, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_make_wait_set(NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(count, 777);
    QUIET(set);
    close_source(&it);
    OK(acl_free_wait_set(set));
}

TEST(many_watched_and_few_active)
{
    enum { MOST = 1500, ACTIVE = 10 };
    static acl_socket *streams[MOST];
    static int raw[MOST];
    size_t allowed = allow_descriptors(2 * MOST + 100);
    int count = rounds(MOST, 150), i, round;
    acl_wait_set *set = make_set();
    if ((size_t)count * 2 + 100 > allowed)
        count = (int)(allowed - 100) / 2;
    for (i = 0; i < count; i++) {
        streams[i] = stream_and_raw(ADOPTED, NULL, &raw[i]);
        OK(acl_wait_set_watch(set, streams[i], IN, &raw[i]));
    }
    for (round = 0; round < rounds(100, 5); round++) {
        for (i = 0; i < ACTIVE; i++)
            PUT(raw[(i * (count / ACTIVE) + round) % count], "x");
        WAITS(set, -1.0, ACTIVE);
        for (i = 0; i < ACTIVE; i++) {
            int at = (i * (count / ACTIVE) + round) % count;
            acl_wait_event *event = event_with(&raw[at]);
            CHECK(event != NULL);
            EVENT(event, streams[at], IN, &raw[at]);
            BYTE(streams[at], 'x');
        }
        WAITS(set, 0.0, 0);
    }
    OK(acl_free_wait_set(set));
    for (i = 0; i < count; i++) {
        done(streams[i]);
        close(raw[i]);
    }
}

MAIN(CASE(watched_changed_and_no_longer_watched), CASE(the_time_passes), CASE(signals_change_nothing),
     CASE(what_is_not_read_is_reported_again), CASE(what_was_in_the_buffer_before_counts), CASE(with_little_room_nobody_starves),
     CASE(output_waits_for_the_peer), CASE(every_kind_in_one_set), CASE(both_ends_of_a_pipe), CASE(the_end_of_the_input_is_input),
     CASE(a_reset_is_an_error), CASE(a_connection_that_is_being_made_is_output),
     CASE(a_watched_socket_can_be_waited_for_otherwise), CASE(a_socket_in_several_sets), CASE(what_cannot_be_watched),
     CASE(bad_handles_and_arguments), CASE(many_watched_and_few_active))
