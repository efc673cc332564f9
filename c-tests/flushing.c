/* When output is sent and in what order, what closing does with it, and what a gone peer and a full buffer do. */
#include "streams.h"

TEST(nothing_is_sent_before_it_is_forced)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(acl_force_output(stream));
        OK(acl_finish_output(stream));
        nothing_at(raw);
        OK(acl_write_byte(stream, 'a'));
        OK(acl_write_char(stream, 'b'));
        OK(acl_write_string(stream, "cd", 2));
        OK(acl_write_sequence(stream, "ef", 2));
        OK(acl_write_vector(stream, "gh", 2, NULL));
        OK(acl_write_line(stream, "ij", 2));
        OK(acl_terpri(stream));
        OK(acl_format(stream, "%s", "kl"));
        SENDS(stream, raw, "abcdefghij\n\nkl");
        OK(acl_write_string(stream, "m", 1));
        nothing_at(raw);
        OK(acl_finish_output(stream));
        EXPECT(raw, "m");
        OK(acl_force_output(stream));
        nothing_at(raw);
        done(stream);
        close(raw);
    }
}

TEST(cleared_output_never_arrives)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(acl_clear_output(stream));
        OK(acl_write_string(stream, "sent\n", 5));
        OK(acl_force_output(stream));
        OK(acl_write_string(stream, "cleared\n", 8));
        OK(acl_clear_output(stream));
        OK(acl_force_output(stream));
        EXPECT(raw, "sent\n");
        nothing_at(raw);
        OK(acl_write_string(stream, "more", 4));
        OK(acl_force_output(stream));
        OK(acl_write_string(stream, "cleared", 7));
        OK(acl_clear_output(stream));
        OK(acl_clear_output(stream));
        OK(acl_close(stream, 0));
        EXPECT(raw, "more");
        expect_end(raw);
        OK(acl_free_socket(stream));
        close(raw);
    }
}

enum { MUCH = 8 << 20 };
static char much[MUCH + 3 * 300000 + 100];

/* What is buffered goes before what is too big for the buffer. */
TEST(big_writes_keep_the_order)
{
    fill_with(much, sizeof much, ' ', 90);
    EACH_KIND {
        int raw, i;
        size_t at = 0, written = 7;
        transfer receiver;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        start(&receiver, expect_all, raw, much, sizeof much);
        OK(acl_write_sequence(stream, much, 0));
        OK(acl_write_vector(stream, much, 0, &written));
        EQUAL(written, 0);
        OK(acl_write_sequence(stream, much, 10));
        OK(acl_write_sequence(stream, much + 10, MUCH));
        for (at = MUCH + 10; at < MUCH + 30; at++)
            OK(acl_write_byte(stream, (uint8_t)much[at]));
        for (i = 0; i < 3; i++) {
            if (i == 0)
                OK(acl_write_string(stream, much + at, 299990));
            if (i == 1)
                OK(acl_write_vector(stream, much + at, 299990, &written));
            if (i == 1)
                EQUAL(written, 299990);
            if (i == 2)
                OK(acl_format(stream, "%.*s", 299990, much + at));
            at += 299990;
            OK(acl_write_vector(stream, much + at, 10, &written));
            EQUAL(written, 10);
            at += 10;
        }
        OK(acl_write_vector(stream, much + at, sizeof much - at, NULL));
        OK(acl_close(stream, 0));
        finish(&receiver, stream);
    }
}

TEST(sizes_around_any_buffer)
{
    fill_with(much, sizeof much, ' ', 90);
    EACH_KIND {
        int raw, power, i;
        size_t at = 0, total = 0;
        transfer receiver;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (power = 8; power <= 17; power++)
            total += 9 * ((size_t)1 << power);
        start(&receiver, expect_all, raw, much, total);
        for (power = 8; power <= 17; power++) {
            for (i = -1; i <= 1; i++) {
                size_t size = ((size_t)1 << power) + (size_t)i;
                OK(acl_write_sequence(stream, much + at, size));
                OK(acl_write_string(stream, much + at + size, size));
                OK(acl_format(stream, "%.*s", (int)size, much + at + 2 * size));
                at += 3 * size;
            }
        }
        EQUAL(at, total);
        OK(acl_close(stream, 0));
        finish(&receiver, stream);
    }
}

TEST(closing_flushes_and_aborting_does_not)
{
    EACH_KIND {
        int way;
        for (way = 0; way < 3; way++) {
            int raw;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            OK(acl_write_string(stream, "before", 6));
            OK(acl_force_output(stream));
            OK(acl_write_string(stream, "last", 4));
            if (way == 0)
                OK(acl_close(stream, 0));
            if (way == 1)
                OK(acl_close(stream, ACL_SOCKET_ABORT));
            OK(acl_free_socket(stream));
            EXPECT(raw, "before");
            if (way == 0)
                EXPECT(raw, "last");
            expect_end(raw);
            close(raw);
        }
    }
}

static void peer_is_gone(acl_status status)
{
    if (status != ACL_SOCKET_CONNECTION_RESET) {
        EQUAL(status, ACL_SOCKET_UNKNOWN);
        EQUAL(acl_stream_error_code(), EPIPE);
    }
}

/* SIGPIPE would end the process. */
TEST(a_failed_flush_leaves_the_socket_open)
{
    EACH_KIND {
        int raw, fd;
        int32_t seen;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        fd = fd_of(stream);
        OK(acl_write_string(stream, "x", 1));
        reset_by_peer(stream, raw);
        peer_is_gone(acl_close(stream, 0));
        OK(acl_socket_os_fd(stream, &seen));
        EQUAL(seen, fd);
        CHECK(fcntl(fd, F_GETFD) >= 0);
        OK(acl_close(stream, ACL_SOCKET_ABORT));
        CHECK(fcntl(fd, F_GETFD) < 0);
        EQUAL(acl_socket_os_fd(stream, &seen), ACL_SOCKET_CLOSED);
        OK(acl_close(stream, 0));
        OK(acl_free_socket(stream));
    }
}

TEST(every_way_to_send_notices_that_the_peer_is_gone)
{
    fill_with(much, sizeof much, ' ', 90);
    EACH_KIND {
        int way;
        for (way = 0; way < 7; way++) {
            int raw;
            size_t written = sizeof much + 1;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            OK(acl_write_string(stream, "buffered", 8));
            reset_by_peer(stream, raw);
            switch (way) {
            case 0: peer_is_gone(acl_force_output(stream)); break;
            case 1: peer_is_gone(acl_finish_output(stream)); break;
            case 2: peer_is_gone(acl_write_sequence(stream, much, MUCH)); break;
            case 3: peer_is_gone(acl_write_string(stream, much, MUCH)); break;
            case 4: peer_is_gone(acl_write_line(stream, much, MUCH)); break;
            case 5: peer_is_gone(acl_format(stream, "%.*s", MUCH, much)); break;
            case 6:
                peer_is_gone(acl_write_vector(stream, much, MUCH, &written));
                CHECK(written < MUCH);
                break;
            }
            done(stream);
        }
    }
}

TEST(output_that_was_shut_down)
{
    fill_with(much, sizeof much, ' ', 90);
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(acl_write_string(stream, "never", 5));
        OK(acl_shutdown(stream, ACL_SOCKET_OUTPUT));
        expect_end(raw);
        EQUAL(acl_force_output(stream), ACL_SOCKET_SHUTDOWN);
        OK(acl_clear_output(stream));
        OK(acl_write_byte(stream, 'x'));
        EQUAL(acl_finish_output(stream), ACL_SOCKET_SHUTDOWN);
        EQUAL(acl_write_sequence(stream, much, MUCH), ACL_SOCKET_SHUTDOWN);
        PUT(raw, "y");
        BYTE(stream, 'y');
        close(raw);
        done(stream);
    }
}

static void *drain(void *argument)
{
    transfer *task = argument;
    static char room[65536];
    ssize_t count;
    while ((count = recv(task->raw, room, sizeof room, 0)) > 0)
        task->size += (size_t)count;
    EQUAL(count, 0);
    return NULL;
}

TEST(whether_a_write_would_hang)
{
    fill_with(much, sizeof much, ' ', 90);
    EQUAL(acl_write_no_hang_p(NULL), 1);
    EACH_KIND {
        int raw, fd, small = 4096;
        size_t filled = 0, buffered = 0;
        struct pollfd writable = { .events = POLLOUT };
        transfer reader;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        writable.fd = fd = fd_of(stream);
        EQUAL(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
        EQUAL(setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
        EQUAL(acl_write_no_hang_p(stream), 1);
        /* The system's part is filled past the library, so that only its own buffer is left. */
        do {
            ssize_t sent;
            while ((sent = send(fd, much, 1000, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
                filled += (size_t)sent;
            EQUAL(errno, EAGAIN);
        } while (poll(&writable, 1, 300) > 0);
        EQUAL(acl_write_no_hang_p(stream), 1);
        for (; buffered < MUCH && acl_write_no_hang_p(stream) == 1; buffered++)
            OK(acl_write_byte(stream, 'b'));
        CHECK(buffered > 0 && buffered < MUCH);
        EQUAL(acl_write_no_hang_p(stream), 0);
        start(&reader, drain, raw, NULL, 0);
        await(fd, POLLOUT);
        EQUAL(acl_write_no_hang_p(stream), 1);
        OK(acl_force_output(stream));
        EQUAL(acl_write_no_hang_p(stream), 1);
        OK(acl_close(stream, 0));
        EQUAL(acl_write_no_hang_p(stream), 1);
        EQUAL(pthread_join(reader.thread, NULL), 0);
        EQUAL(reader.size, filled + buffered);
        close(raw);
        OK(acl_free_socket(stream));
        EQUAL(acl_write_no_hang_p(stream), 1);
    }
}

static void *write_much(void *stream)
{
    OK(acl_write_sequence(stream, much, MUCH));
    OK(acl_write_line(stream, "end", 3));
    OK(acl_force_output(stream));
    return NULL;
}

TEST(streams_of_the_library_at_both_ends)
{
    static char room[MUCH];
    fill_with(much, sizeof much, ' ', 90);
    EACH_KIND {
        acl_socket *one, *other;
        size_t length = 0;
        pthread_t writers[2];
        int i;
        stream_pair(kind, FORM(.format = ACL_SOCKET_BIVALENT), &one, &other);
        OK(acl_write_line(one, "there", 5));
        OK(acl_force_output(one));
        OK(acl_read_line(other, room, 100, &length));
        TEXT(room, "there");
        OK(acl_format(other, "%s\n", "and back"));
        OK(acl_force_output(other));
        OK(acl_read_line(one, room, 100, &length));
        TEXT(room, "and back");
        EQUAL(pthread_create(&writers[0], NULL, write_much, one), 0);
        EQUAL(pthread_create(&writers[1], NULL, write_much, other), 0);
        for (i = 0; i < 2; i++) {
            OK(acl_read_sequence(i == 0 ? other : one, room, MUCH, 0, &length));
            EQUAL(length, MUCH);
            SAME(room, much, MUCH);
            OK(acl_read_line(i == 0 ? other : one, room, 100, &length));
            TEXT(room, "end");
        }
        for (i = 0; i < 2; i++)
            EQUAL(pthread_join(writers[i], NULL), 0);
        done(one);
        done(other);
    }
}

MAIN(CASE(nothing_is_sent_before_it_is_forced), CASE(cleared_output_never_arrives), CASE(big_writes_keep_the_order),
     CASE(sizes_around_any_buffer), CASE(closing_flushes_and_aborting_does_not),
     CASE(a_failed_flush_leaves_the_socket_open), CASE(every_way_to_send_notices_that_the_peer_is_gone),
     CASE(output_that_was_shut_down), CASE(whether_a_write_would_hang), CASE(streams_of_the_library_at_both_ends))
