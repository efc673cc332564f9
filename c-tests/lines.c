/* Reading lines and texts: into a buffer and in place, whole and in parts, and those that break off. */
#include "chunks.h"
#include "functions.h"

#define LINE(stream, room, status, should) \
    do { size_t length_ = 77; EQUAL(acl_read_line(stream, room, sizeof room, &length_), status); \
        EQUAL(length_, sizeof should - 1); SAME(room, should, sizeof should); } while (0)

TEST(lines)
{
    EACH_KIND {
        int raw, i;
        char room[5], wide[20];
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        PUT(raw, "abcd\n\xf0\x9f\x98\x80\n\n\na\0b\na\r\n\xff\xff\nplain\nlast");
        end_input(stream, raw);
        for (i = 0; i < 5; i++)
            EQUAL(acl_read_line(stream, room, (size_t)i, NULL), ACL_SOCKET_INVALID_ARGUMENT);
        LINE(stream, room, ACL_SOCKET_OK, "abcd");
        LINE(stream, room, ACL_SOCKET_OK, "\xf0\x9f\x98\x80");
        LINE(stream, room, ACL_SOCKET_OK, "");
        LINE(stream, room, ACL_SOCKET_OK, "");
        LINE(stream, room, ACL_SOCKET_OK, "a\0b");
        LINE(stream, room, ACL_SOCKET_OK, "a\r");
        LINE(stream, room, ACL_SOCKET_BUFFER_TOO_SMALL, "\xef\xbf\xbd");
        LINE(stream, room, ACL_SOCKET_OK, "\xef\xbf\xbd");
        OK(acl_read_line(stream, wide, sizeof wide, NULL));
        TEXT(wide, "plain");
        LINE(stream, room, ACL_SOCKET_OK, "last");
        for (i = 0; i < 3; i++)
            EQUAL(acl_read_line(stream, room, sizeof room, NULL), ACL_SOCKET_END_OF_FILE);
        close(raw);
        done(stream);
    }
}

TEST(lines_in_parts)
{
    EACH_KIND {
        int raw;
        char room[5];
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        PUT(raw, "a\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z\nabcdefgh\n\nabcdefgh");
        LINE(stream, room, ACL_SOCKET_BUFFER_TOO_SMALL, "a\xc3\xa9");
        LINE(stream, room, ACL_SOCKET_BUFFER_TOO_SMALL, "\xc3\xa9\xc3\xa9");
        LINE(stream, room, ACL_SOCKET_BUFFER_TOO_SMALL, "\xe2\x82\xac");
        LINE(stream, room, ACL_SOCKET_BUFFER_TOO_SMALL, "\xf0\x9f\x98\x80");
        LINE(stream, room, ACL_SOCKET_OK, "z");
        LINE(stream, room, ACL_SOCKET_BUFFER_TOO_SMALL, "abcd");
        LINE(stream, room, ACL_SOCKET_OK, "efgh");
        LINE(stream, room, ACL_SOCKET_OK, "");
        LINE(stream, room, ACL_SOCKET_BUFFER_TOO_SMALL, "abcd");
        close(raw);
        LINE(stream, room, ACL_SOCKET_OK, "efgh");
        EQUAL(acl_read_line(stream, room, sizeof room, NULL), ACL_SOCKET_END_OF_FILE);
        done(stream);
    }
}

static char long_lines[1000000], together[1000000];

/* Lines of 0, 60000, 65535, 65536, 65537, 200000 and 500000 bytes in characters of 1 and 3 bytes; gives the size. */
static size_t fill_long_lines(size_t *sizes, int *count)
{
    static const size_t wanted[] = { 0, 60000, 65535, 65536, 65537, 200000, 500000 };
    char *at = long_lines;
    for (*count = 0; *count < 7; ++*count) {
        size_t left = wanted[*count];
        sizes[*count] = left;
        for (; left > 0 && left % 3 != 0; left--)
            *at++ = 'x';
        for (; left > 0; left -= 3, at += 3)
            memcpy(at, left % 21 ? "\xe2\x82\xac" : "abc", 3);
        *at++ = '\n';
    }
    return (size_t)(at - long_lines);
}

TEST(long_lines_into_a_buffer)
{
    static const size_t rooms[] = { sizeof together, 1000, 65536, 100001 };
    size_t sizes[10], size, r;
    int count, i;
    size = fill_long_lines(sizes, &count);
    EACH_KIND {
        for (r = 0; r < ROWS(rooms); r++) {
            int raw;
            const char *line = long_lines;
            transfer sender;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            start(&sender, send_all, raw, long_lines, size);
            for (i = 0; i < count; i++) {
                size_t total = 0, length = 77;
                while (acl_read_line(stream, together + total, rooms[r], &length) != ACL_SOCKET_OK) {
                    EQUAL(acl_stream_error_identifier(), ACL_SOCKET_BUFFER_TOO_SMALL);
                    CHECK(length >= rooms[r] - 3 && length < rooms[r]);
                    total += length;
                    EQUAL(together[total], 0);
                    CHECK((line[total] & 0xc0) != 0x80);
                }
                EQUAL(total + length, sizes[i]);
                SAME(together, line, sizes[i]);
                line += sizes[i] + 1;
            }
            EQUAL(acl_read_line(stream, together, rooms[r], NULL), ACL_SOCKET_END_OF_FILE);
            finish(&sender, stream);
        }
    }
}

TEST(lines_in_place)
{
    static const struct { const char *text; size_t length; } wanted[] = {
        { "first", 5 }, { "", 0 }, { "a\0b", 3 }, { "\xc3\xa9\xef\xbf\xbd!", 6 }, { "a\r", 2 } };
    EACH_KIND {
        int raw, i;
        const char *line;
        size_t length;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        PUT(raw, "first\n\na\0b\n\xc3\xa9\xff!\na\r\nxtail\nlast");
        close(raw);
        for (i = 0; i < 5; i++) {
            OK(acl_read_line_view(stream, &line, &length));
            EQUAL(length, wanted[i].length);
            SAME(line, wanted[i].text, length);
        }
        CHARACTER(stream, 'x');
        OK(acl_read_line_view(stream, &line, &length));
        EQUAL(length, 4);
        SAME(line, "tail", 4);
        BYTE(stream, 'l');
        OK(acl_read_line_view(stream, &line, &length));
        EQUAL(length, 3);
        SAME(line, "ast", 3);
        for (i = 0; i < 3; i++)
            EQUAL(acl_read_line_view(stream, &line, &length), ACL_SOCKET_END_OF_FILE);
        done(stream);
    }
}

TEST(long_lines_in_place)
{
    size_t sizes[10], size;
    int count, i;
    size = fill_long_lines(sizes, &count);
    EACH_KIND {
        int raw;
        const char *line = long_lines, *view;
        transfer sender;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        start(&sender, send_all, raw, long_lines, size);
        for (i = 0; i < count; i++) {
            size_t total = 0, length = 77;
            acl_status status;
            while ((status = acl_read_line_view(stream, &view, &length)) == ACL_SOCKET_BUFFER_TOO_SMALL) {
                CHECK(sizes[i] > 60000);
                CHECK(length > 0 && length <= 65536 && length <= sizes[i] - total);
                SAME(view, line + total, length);
                total += length;
                CHECK((line[total] & 0xc0) != 0x80);
            }
            OK(status);
            EQUAL(total + length, sizes[i]);
            SAME(view, line + total, length);
            CHECK(sizes[i] <= 65536 || total > 0);
            line += sizes[i] + 1;
        }
        EQUAL(acl_read_line_view(stream, &view, &size), ACL_SOCKET_END_OF_FILE);
        size = (size_t)(line - long_lines);
        finish(&sender, stream);
    }
}

/* What came of the line, with that status; then the status alone. */
static void breaks_off(acl_socket *stream, int reader, acl_status status, const char *should)
{
    char room[50];
    const char *line;
    size_t length;
    int i;
    for (i = 0; i < 3; i++, should = "") {
        memset(room, 'x', sizeof room);
        EQUAL(read_by(reader, stream, room, sizeof room, &line, &length), status);
        EQUAL(length, strlen(should));
        SAME(line, should, length);
        if (reader == READ_LINE)
            EQUAL(room[length], 0);
    }
}

/* Whether it has been received before the reset or not. */
TEST(a_line_that_a_reset_breaks_off)
{
    static const char *const parts[] = { "un\xc3\xa9nded", "" };
    EACH_KIND {
        int way;
        for (way = 0; way < 8; way++) {
            int raw, reader = way % 2 ? READ_LINE : READ_LINE_VIEW;
            const char *part = parts[way / 2 % 2];
            char text[20];
            const void *data;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            snprintf(text, sizeof text, "whole\n%s", part);
            deliver(stream, raw, text, strlen(text));
            if (way / 4)
                OK(acl_peek_input(stream, strlen(text), &data, &(size_t){ 0 }));
            reset_by_peer(stream, raw);
            READS_LINE(stream, "whole");
            breaks_off(stream, reader, ACL_SOCKET_CONNECTION_RESET, part);
            done(stream);
        }
    }
}

TEST(a_line_that_broken_chunks_break_off)
{
    static const struct { const char *bytes, *part; int ends; } rows[] = {
        { "8\r\nwhole\nab\r\n3\r\nc\xc3\xa9\r\n!", "abc\xc3\xa9", 0 },
        { "8\r\nwhole\nab\r\n3\r\nc\xc3\xa9", "abc\xc3\xa9", 1 },
        { "8\r\nwhole\nab!!", "ab", 0 },
        { "ff\r\nwhole\nab", "ab", 1 },
        { "6\r\nwhole\n\r\n!", "", 0 },
    };
    EACH_KIND {
        size_t i;
        for (i = 0; i < 2 * ROWS(rows); i++) {
            int raw;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            put(raw, rows[i / 2].bytes, strlen(rows[i / 2].bytes));
            if (rows[i / 2].ends)
                end_input(stream, raw);
            INPUT_ON(stream);
            READS_LINE(stream, "whole");
            breaks_off(stream, i % 2 ? READ_LINE : READ_LINE_VIEW, ACL_SOCKET_CHUNKING_ERROR, rows[i / 2].part);
            gone(stream, raw);
        }
    }
}

TEST(a_long_line_that_breaks_off)
{
    static const char head[] = "186a0\r\n", bad[] = "\r\n!";
    static char framed[100000 + sizeof head + sizeof bad - 2];
    memcpy(framed, head, sizeof head - 1);
    memset(framed + sizeof head - 1, 'y', 100000);
    memcpy(framed + sizeof head - 1 + 100000, bad, sizeof bad - 1);
    EACH_KIND {
        int reader;
        for (reader = LINE_READERS; reader < READERS; reader++) {
            int raw;
            const char *line;
            size_t total = 0, length;
            acl_status status;
            transfer sender;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            INPUT_ON(stream);
            start(&sender, send_all, raw, framed, sizeof framed);
            do {
                status = read_by(reader, stream, together, 30000, &line, &length);
                CHECK(length <= 100000 - total);
                SAME(line, framed + sizeof head - 1, length);
                total += length;
            } while (status == ACL_SOCKET_BUFFER_TOO_SMALL);
            EQUAL(status, ACL_SOCKET_CHUNKING_ERROR);
            EQUAL(total, 100000);
            breaks_off(stream, reader, ACL_SOCKET_CHUNKING_ERROR, "");
            finish(&sender, stream);
        }
    }
}

#define STRING(stream, room, partly, status, should) \
    do { size_t length_ = 77; EQUAL(acl_read_string(stream, room, sizeof room, partly, &length_), status); \
        EQUAL(length_, sizeof should - 1); SAME(room, should, sizeof should); } while (0)

TEST(full_strings)
{
    EACH_KIND {
        int raw, i;
        char room[5];
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        PUT(raw, "a\nb\0");
        for (i = 0; i < 5; i++)
            EQUAL(acl_read_string(stream, room, (size_t)i, 0, &(size_t){ 0 }), ACL_SOCKET_INVALID_ARGUMENT);
        STRING(stream, room, 0, ACL_SOCKET_OK, "a\nb\0");
        PUT(raw, "abc\xc3\xa9\xf0\x9f\x98\x80\xffx");
        STRING(stream, room, 0, ACL_SOCKET_OK, "abc");
        STRING(stream, room, 0, ACL_SOCKET_OK, "\xc3\xa9");
        STRING(stream, room, 0, ACL_SOCKET_OK, "\xf0\x9f\x98\x80");
        STRING(stream, room, 0, ACL_SOCKET_OK, "\xef\xbf\xbdx");
        PUT(raw, "1234\xc3");
        close(raw);
        STRING(stream, room, 0, ACL_SOCKET_OK, "1234");
        STRING(stream, room, 0, ACL_SOCKET_END_OF_FILE, "\xef\xbf\xbd");
        STRING(stream, room, 0, ACL_SOCKET_END_OF_FILE, "");
        STRING(stream, room, 0, ACL_SOCKET_END_OF_FILE, "");
        done(stream);
    }
}

TEST(what_is_there_as_a_string)
{
    EACH_KIND {
        int raw, i;
        char room[20], small[5];
        size_t length;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < 5; i++)
            EQUAL(acl_read_string(stream, room, (size_t)i, 1, &length), ACL_SOCKET_INVALID_ARGUMENT);
        DELIVER(stream, raw, "ab\nc");
        STRING(stream, room, 1, ACL_SOCKET_OK, "ab\nc");
        DELIVER(stream, raw, "x\xe2\x82");
        STRING(stream, room, 1, ACL_SOCKET_OK, "x");
        PUT(raw, "\xac");
        STRING(stream, room, 1, ACL_SOCKET_OK, "\xe2\x82\xac");
        DELIVER(stream, raw, "abc\xc3\xa9");
        STRING(stream, small, 1, ACL_SOCKET_OK, "abc");
        STRING(stream, small, 1, ACL_SOCKET_OK, "\xc3\xa9");
        end_input(stream, raw);
        EQUAL(acl_read_string(stream, room, sizeof room, 1, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_string(stream, room, sizeof room, 1, &length), ACL_SOCKET_END_OF_FILE);
        close(raw);
        done(stream);
    }
}

TEST(long_strings)
{
    size_t sizes[10], size;
    int count, partly;
    size = fill_long_lines(sizes, &count);
    EACH_KIND {
        for (partly = 0; partly < 2; partly++) {
            int raw;
            size_t total = 0, length;
            acl_status status;
            transfer sender;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            start(&sender, send_all, raw, long_lines, size);
            while ((status = acl_read_string(stream, together, 100001, partly, &length)) == ACL_SOCKET_OK) {
                CHECK(length >= (partly ? 1 : 99998) && length <= 100000 && length <= size - total);
                SAME(together, long_lines + total, length);
                EQUAL(together[length], 0);
                total += length;
                CHECK((long_lines[total] & 0xc0) != 0x80);
            }
            EQUAL(status, ACL_SOCKET_END_OF_FILE);
            if (!partly) {
                SAME(together, long_lines + total, length);
                total += length;
            }
            EQUAL(total, size);
            finish(&sender, stream);
        }
    }
}

MAIN(CASE(lines), CASE(lines_in_parts), CASE(long_lines_into_a_buffer), CASE(lines_in_place), CASE(long_lines_in_place),
     CASE(a_line_that_a_reset_breaks_off), CASE(a_line_that_broken_chunks_break_off), CASE(a_long_line_that_breaks_off),
     CASE(full_strings), CASE(what_is_there_as_a_string), CASE(long_strings))
