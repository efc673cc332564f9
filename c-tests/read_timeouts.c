/* Reading with a time-out: what has come in part is neither lost nor repeated. */
#include "timeouts.h"

#define STORES(size, call) do { length = 7; READ_EXPIRES(call); EQUAL(length, size); } while (0)

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

/* A busy machine may fail to send in time once, but not each time. */
TEST(progress_of_reading_restarts_the_time)
{
    double scale = slowly() ? 4 : 1;
    EACH_KIND {
        acl_status status;
        int tries = 0;
        drip drops;
        do {
            char text[100];
            const void *data;
            size_t length;
            double from = clock_now();
            task dripping;
            acl_socket *stream = stream_and_raw(kind, NULL, &drops.raw);
            READ_TIMEOUT(stream, 0.2 * scale);
            drops.count = 25, drops.interval = 0.02 * scale;
            TASK_BEGINS(&dripping, drop, .data = &drops);
            status = kind == OVER_TCP ? acl_read_sequence(stream, text, 25, 0, &length)
                : kind == OVER_FILE ? acl_read_line(stream, text, sizeof text, &length)
                : acl_peek_input(stream, 25, &data, &length);
            TASK_ENDS(&dripping, 20, ACL_SOCKET_OK);
            if (status == ACL_SOCKET_OK)
                CHECK(clock_now() - from > 0.45 * scale && length == (kind == OVER_FILE ? 24 : 25));
            gone(stream, drops.raw);
        } while (status == ACL_SOCKET_READ_TIMEOUT && ++tries < 5);
        OK(status);
    }
}

MAIN(CASE(each_function_that_reads_expires), CASE(what_has_come_in_part_is_kept), CASE(characters_cut_anywhere),
     CASE(a_chunked_body_cut_anywhere), CASE(progress_of_reading_restarts_the_time))
