/* Writing bytes, characters and lines; when they are sent, what closing does with them, what a gone peer and a full
 * buffer do, and what each function answers on other kinds of sockets and in other formats. */
#include "streams.h"

/* What is in the output buffer becomes just these bytes. */
#define SENDS(stream, raw, literal) \
    do { nothing_at(raw); OK(acl_force_output(stream)); EXPECT(raw, literal); nothing_at(raw); } while (0)

TEST(bytes)
{
    EACH_KIND {
        int raw, i;
        unsigned char all[256];
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < 256; i++) {
            all[i] = (unsigned char)i;
            OK(acl_write_byte(stream, all[i]));
        }
        nothing_at(raw);
        OK(acl_finish_output(stream));
        expect(raw, all, sizeof all);
        done(stream);
        expect_end(raw);
        close(raw);
    }
}

TEST(characters)
{
    static const uint32_t good[] = { 'a', 0, 0x7f, 0x80, 0xe9, 0x7ff, 0x800, 0x20ac, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000,
        0x1f600, 0x10ffff, '\n' };
    static const uint32_t bad[] = { 0xd800, 0xdbff, 0xdc00, 0xdfff, 0x110000, 0x7fffffff, 0xffffffff };
    EACH_KIND {
        int raw;
        size_t i;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < sizeof good / sizeof *good; i++) {
            OK(acl_write_char(stream, good[i]));
            EQUAL(acl_write_char(stream, bad[i % 7]), ACL_SOCKET_INVALID_ARGUMENT);
        }
        SENDS(stream, raw, "a\0\x7f\xc2\x80\xc3\xa9\xdf\xbf\xe0\xa0\x80\xe2\x82\xac\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd"
            "\xef\xbf\xbf\xf0\x90\x80\x80\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\n");
        done(stream);
        close(raw);
    }
}

TEST(texts)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(acl_write_string(stream, "a\0\xc3\xa9\r\n\xf0\x9f\x98\x80not this", 10));
        OK(acl_write_string(stream, "", 0));
        OK(acl_write_line(stream, "a line, not this", 6));
        OK(acl_write_line(stream, "", 0));
        OK(acl_write_line(stream, "b\0\xe2\x82\xac", 5));
        OK(acl_terpri(stream));
        OK(acl_terpri(stream));
        SENDS(stream, raw, "a\0\xc3\xa9\r\n\xf0\x9f\x98\x80" "a line\n\nb\0\xe2\x82\xac\n\n\n");
        done(stream);
        close(raw);
    }
}

TEST(text_that_is_not_utf_8_is_refused_whole)
{
    static const char *const bad[] = { "abc\xff", "\xc0\x80", "x\xed\xa0\x80", "\xf4\x90\x80\x80", "abc\xc3", "\xe2\x82",
        "\xf0\x9f\x98", "\x80", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xc3(", "ok\n\xf8\x88\x80\x80\x80" };
    static char much[300001];
    memset(much, 'm', sizeof much);
    much[sizeof much - 1] = '\xe2';
    EACH_KIND {
        int raw;
        size_t i;
        int32_t wrote = 7;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < sizeof bad / sizeof *bad; i++) {
            EQUAL(acl_write_string(stream, bad[i], strlen(bad[i])), ACL_SOCKET_INVALID_ARGUMENT);
            EQUAL(acl_write_line(stream, bad[i], strlen(bad[i])), ACL_SOCKET_INVALID_ARGUMENT);
        }
        EQUAL(acl_write_string(stream, much, sizeof much), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(acl_write_line(stream, much, sizeof much), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(acl_write_string(stream, "\xe2\x82\xac", 2), ACL_SOCKET_INVALID_ARGUMENT);
        OK(acl_fresh_line(stream, &wrote));
        EQUAL(wrote, 0);
        OK(acl_force_output(stream));
        nothing_at(raw);
        OK(acl_write_string(stream, "\xc3\xa9!", 3));
        SENDS(stream, raw, "\xc3\xa9!");
        done(stream);
        close(raw);
    }
}

#define FRESH(stream, should) \
    do { int32_t wrote_ = 7; OK(acl_fresh_line(stream, &wrote_)); EQUAL(wrote_, should); } while (0)

TEST(fresh_lines)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        FRESH(stream, 0);
        OK(acl_fresh_line(stream, NULL));
        OK(acl_force_output(stream));
        nothing_at(raw);
        OK(acl_write_string(stream, "text", 4));
        FRESH(stream, 1);
        FRESH(stream, 0);
        OK(acl_write_char(stream, 0xe9));
        OK(acl_fresh_line(stream, NULL));
        OK(acl_write_string(stream, "one\n", 4));
        FRESH(stream, 0);
        OK(acl_write_string(stream, "one\ntwo", 7));
        FRESH(stream, 1);
        OK(acl_write_line(stream, "three", 5));
        FRESH(stream, 0);
        OK(acl_write_char(stream, 'x'));
        OK(acl_terpri(stream));
        FRESH(stream, 0);
        OK(acl_format(stream, "%d", 4));
        OK(acl_force_output(stream));
        FRESH(stream, 1);
        OK(acl_write_string(stream, "", 0));
        FRESH(stream, 0);
        OK(acl_write_char(stream, '\n'));
        OK(acl_force_output(stream));
        FRESH(stream, 0);
        OK(acl_force_output(stream));
        EXPECT(raw, "text\n\xc3\xa9\none\none\ntwo\nthree\nx\n4\n\n");
        nothing_at(raw);
        done(stream);
        close(raw);
    }
}

enum { MUCH = 8 << 20 };
static char much[MUCH + 3 * 300000 + 100];

static void fill_much(void)
{
    uint64_t state = 3;
    size_t i;
    for (i = 0; i < sizeof much; i++)
        much[i] = (char)(' ' + chance(&state) % 90);
}

/* What is buffered goes before what is too big for the buffer. */
TEST(big_writes_keep_the_order)
{
    fill_much();
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
    fill_much();
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

static void gone(acl_status status)
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
        gone(acl_close(stream, 0));
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
    fill_much();
    EACH_KIND {
        int way;
        for (way = 0; way < 7; way++) {
            int raw;
            size_t written = sizeof much + 1;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            OK(acl_write_string(stream, "buffered", 8));
            reset_by_peer(stream, raw);
            switch (way) {
            case 0: gone(acl_force_output(stream)); break;
            case 1: gone(acl_finish_output(stream)); break;
            case 2: gone(acl_write_sequence(stream, much, MUCH)); break;
            case 3: gone(acl_write_string(stream, much, MUCH)); break;
            case 4: gone(acl_write_line(stream, much, MUCH)); break;
            case 5: gone(acl_format(stream, "%.*s", MUCH, much)); break;
            case 6:
                gone(acl_write_vector(stream, much, MUCH, &written));
                CHECK(written < MUCH);
                break;
            }
            done(stream);
        }
    }
}

TEST(output_that_was_shut_down)
{
    fill_much();
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
    fill_much();
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

TEST(formatted_text)
{
    EACH_KIND {
        int raw;
        static char wide[100001], line[100001];
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(acl_format(stream, "%d\r\n", -42));
        OK(acl_format(stream, "100%% %s %c %x %5.2f|%%s", "\xc3\xa9", 'c', 255u, 1.5));
        OK(acl_format(stream, "%s", ""));
        SENDS(stream, raw, "-42\r\n100% \xc3\xa9 c ff  1.50|%s");
        EQUAL(acl_format(stream, "abc%s", "\xff"), ACL_SOCKET_INVALID_ARGUMENT);
        OK(acl_force_output(stream));
        nothing_at(raw);
        OK(acl_format(stream, "%100000d\n", 7));
        OK(acl_write_string(stream, ".", 1));
        memset(wide, ' ', sizeof wide);
        memcpy(wide + 99999, "7\n", 2);
        OK(acl_force_output(stream));
        expect(raw, wide, sizeof wide);
        EXPECT(raw, ".");
        memset(line, '%', sizeof line - 1);
        OK(acl_format(stream, "%s|%s", line, "end"));
        OK(acl_force_output(stream));
        expect(raw, line, sizeof line - 1);
        EXPECT(raw, "|end");
        done(stream);
        close(raw);
    }
}

#define COUNTED(function, stream, should) \
    do { uint64_t count_ = 77; OK(function(stream, &count_)); EQUAL(count_, should); } while (0)

TEST(counters)
{
    EACH_KIND {
        int raw;
        const void *data;
        size_t length;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        COUNTED(acl_socket_bytes_read, stream, 0);
        COUNTED(acl_socket_bytes_written, stream, 0);
        PUT(raw, "a\xc3\xa9\n\n");
        OK(acl_peek_input(stream, 5, &data, &length));
        COUNTED(acl_socket_bytes_read, stream, 5);
        CHARACTER(stream, 'a');
        OK(acl_unread_char(stream, 'a'));
        OK(acl_consume_input(stream, 5));
        COUNTED(acl_socket_bytes_read, stream, 5);
        OK(acl_write_string(stream, "\xc3\xa9\n", 3));
        COUNTED(acl_socket_bytes_written, stream, 0);
        OK(acl_force_output(stream));
        COUNTED(acl_socket_bytes_written, stream, 3);
        OK(acl_write_string(stream, "never", 5));
        OK(acl_clear_output(stream));
        OK(acl_force_output(stream));
        COUNTED(acl_socket_bytes_written, stream, 3);
        OK(acl_set_socket_bytes_read(stream, 1000));
        OK(acl_set_socket_bytes_written(stream, (uint64_t)1 << 40));
        COUNTED(acl_socket_bytes_read, stream, 1000);
        COUNTED(acl_socket_bytes_written, stream, 1LL << 40);
        PUT(raw, "12");
        OK(acl_peek_input(stream, 2, &data, &length));
        OK(acl_write_byte(stream, 'x'));
        OK(acl_finish_output(stream));
        COUNTED(acl_socket_bytes_read, stream, 1002);
        COUNTED(acl_socket_bytes_written, stream, (1LL << 40) + 1);
        OK(acl_set_socket_bytes_read(stream, 0));
        COUNTED(acl_socket_bytes_read, stream, 0);
        EXPECT(raw, "\xc3\xa9\nx");
        done(stream);
        close(raw);
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
    fill_much();
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

/* Every function that writes, and which formats have it. */
#define WRITING(name, call) static acl_status do_##name(acl_socket *s) { return call; }
WRITING(write_byte, acl_write_byte(s, 'x'))
WRITING(write_sequence, acl_write_sequence(s, "x", 1))
WRITING(write_vector, acl_write_vector(s, "x", 1, NULL))
WRITING(write_char, acl_write_char(s, 'x'))
WRITING(write_string, acl_write_string(s, "x", 1))
WRITING(write_line, acl_write_line(s, "x", 1))
WRITING(terpri, acl_terpri(s))
WRITING(fresh_line, acl_fresh_line(s, NULL))
WRITING(format, acl_format(s, "x"))
WRITING(force_output, acl_force_output(s))
WRITING(finish_output, acl_finish_output(s))
WRITING(clear_output, acl_clear_output(s))

enum { BYTES, CHARACTERS, BOTH };
#define ENTRY(name, works_on) { #name, do_##name, works_on }
static const struct { const char *name; acl_status (*call)(acl_socket *); int works_on; } writings[] = {
    ENTRY(write_byte, BYTES), ENTRY(write_sequence, BYTES), ENTRY(write_vector, BYTES), ENTRY(write_char, CHARACTERS),
    ENTRY(write_string, CHARACTERS), ENTRY(write_line, CHARACTERS), ENTRY(terpri, CHARACTERS), ENTRY(fresh_line, CHARACTERS),
    ENTRY(format, CHARACTERS), ENTRY(force_output, BOTH), ENTRY(finish_output, BOTH), ENTRY(clear_output, BOTH),
};
enum { WRITINGS = sizeof writings / sizeof *writings };

static void answers(int i, acl_socket *socket, acl_status should, const char *where)
{
    acl_status is = writings[i].call(socket);
    if (is != should)
        fail(__FILE__, __LINE__, "%s %s: %s, not %s", writings[i].name, where, acl_status_name(is), acl_status_name(should));
}

TEST(each_format_refuses_the_other_functions)
{
    static const char *const names[] = { "multivalent", "text", "binary", "bivalent" };
    int32_t format;
    int i;
    EACH_KIND {
        for (format = ACL_SOCKET_MULTIVALENT; format <= ACL_SOCKET_BIVALENT; format++) {
            for (i = 0; i < WRITINGS; i++) {
                int raw, refused = writings[i].works_on == (format == ACL_SOCKET_TEXT ? BYTES
                    : format == ACL_SOCKET_BINARY ? CHARACTERS : -1);
                acl_socket *stream = stream_and_raw(kind, FORM(.format = format), &raw);
                answers(i, stream, refused ? ACL_SOCKET_WRONG_FORMAT : ACL_SOCKET_OK, names[format]);
                OK(acl_close(stream, 0));
                if (refused)
                    expect_end(raw);
                OK(acl_free_socket(stream));
                close(raw);
            }
        }
    }
}

TEST(only_open_streams_are_written)
{
    acl_socket *passive, *datagram, *stream;
    int32_t port;
    int raw, i;
    passive = listener(&port);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .remote_host = "127.0.0.1", .remote_port = port));
    stream = stream_and_raw(ADOPTED, NULL, &raw);
    OK(acl_close(stream, 0));
    for (i = 0; i < WRITINGS; i++) {
        answers(i, passive, ACL_SOCKET_WRONG_KIND, "passive");
        answers(i, datagram, ACL_SOCKET_WRONG_KIND, "datagram");
        answers(i, stream, ACL_SOCKET_CLOSED, "closed");
        answers(i, NULL, ACL_SOCKET_INVALID_HANDLE, "NULL");
    }
    OK(acl_free_socket(stream));
    for (i = 0; i < WRITINGS; i++)
        answers(i, stream, ACL_SOCKET_INVALID_HANDLE, "freed");
    close(raw);
    done(passive);
    done(datagram);
}

MAIN(CASE(bytes), CASE(characters), CASE(texts), CASE(text_that_is_not_utf_8_is_refused_whole), CASE(fresh_lines),
     CASE(big_writes_keep_the_order), CASE(sizes_around_any_buffer), CASE(nothing_is_sent_before_it_is_forced),
     CASE(cleared_output_never_arrives), CASE(closing_flushes_and_aborting_does_not),
     CASE(a_failed_flush_leaves_the_socket_open), CASE(every_way_to_send_notices_that_the_peer_is_gone),
     CASE(output_that_was_shut_down), CASE(whether_a_write_would_hang), CASE(formatted_text), CASE(counters),
     CASE(streams_of_the_library_at_both_ends), CASE(each_format_refuses_the_other_functions),
     CASE(only_open_streams_are_written))
