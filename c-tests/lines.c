/* Reading characters, putting them back, lines and texts; and a model of a stream that all functions for reading
 * must agree with. */
#include "streams.h"

TEST(characters_of_every_length)
{
    EACH_KIND {
        int raw, i;
        uint32_t character;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        PUT(raw, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0\r\n\x7f\xc2\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf"
                 "\xff\xc0\xaf\xe2\x82z\xed\xa0\x80\xf0\x9f\x98");
        close(raw);
        CHARACTER(stream, 'a');
        CHARACTER(stream, 0xe9);
        CHARACTER(stream, 0x20ac);
        CHARACTER(stream, 0x1f600);
        CHARACTER(stream, 0);
        CHARACTER(stream, '\r');
        CHARACTER(stream, '\n');
        CHARACTER(stream, 0x7f);
        CHARACTER(stream, 0x80);
        CHARACTER(stream, 0xffff);
        CHARACTER(stream, 0x10ffff);
        for (i = 0; i < 4; i++)
            CHARACTER(stream, 0xfffd);
        CHARACTER(stream, 'z');
        for (i = 0; i < 4; i++)
            CHARACTER(stream, 0xfffd);
        for (i = 0; i < 3; i++)
            EQUAL(acl_read_char(stream, &character), ACL_SOCKET_END_OF_FILE);
        done(stream);
    }
}

TEST(characters_that_have_not_arrived_whole)
{
    EACH_KIND {
        int raw, i;
        uint32_t character;
        const char *face = "\xf0\x9f\x98\x80";
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_WOULD_BLOCK);
        LISTENS(stream, 0);
        for (i = 0; i < 4; i++) {
            EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_WOULD_BLOCK);
            deliver(stream, raw, face + i, 1);
            LISTENS(stream, 1);
            EQUAL(acl_read_no_hang_p(stream), 1);
        }
        AT_ONCE(stream, 0x1f600);
        EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_WOULD_BLOCK);
        DELIVER(stream, raw, "\xc3");
        EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_WOULD_BLOCK);
        BYTE(stream, 0xc3);
        DELIVER(stream, raw, "\xff\xe2\x82");
        AT_ONCE(stream, 0xfffd);
        EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_WOULD_BLOCK);
        end_input(stream, raw);
        AT_ONCE(stream, 0xfffd);
        EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_END_OF_FILE);
        close(raw);
        done(stream);
    }
}

TEST(a_character_is_put_back_once)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        EQUAL(acl_unread_char(stream, 'a'), ACL_SOCKET_INVALID_ARGUMENT);
        PUT(raw, "ab\xc3\xa9\xff\xe2\x82\xacz");
        end_input(stream, raw);
        EQUAL(acl_unread_char(stream, 'a'), ACL_SOCKET_INVALID_ARGUMENT);
        CHARACTER(stream, 'a');
        OK(acl_unread_char(stream, 'a'));
        EQUAL(acl_unread_char(stream, 'a'), ACL_SOCKET_INVALID_ARGUMENT);
        PEEKED(stream, 'a');
        CHARACTER(stream, 'a');
        EQUAL(acl_unread_char(stream, 'b'), ACL_SOCKET_INVALID_ARGUMENT);
        CHARACTER(stream, 'b');
        EQUAL(acl_unread_char(stream, 'a'), ACL_SOCKET_INVALID_ARGUMENT);
        CHARACTER(stream, 0xe9);
        OK(acl_unread_char(stream, 0xe9));
        BYTE(stream, 0xc3);
        BYTE(stream, 0xa9);
        EQUAL(acl_unread_char(stream, 0xe9), ACL_SOCKET_INVALID_ARGUMENT);
        CHARACTER(stream, 0xfffd);
        OK(acl_unread_char(stream, 0xfffd));
        BYTE(stream, 0xff);
        AT_ONCE(stream, 0x20ac);
        OK(acl_unread_char(stream, 0x20ac));
        AT_ONCE(stream, 0x20ac);
        CHARACTER(stream, 'z');
        OK(acl_unread_char(stream, 'z'));
        LISTENS(stream, 1);
        EQUAL(acl_read_no_hang_p(stream), 1);
        CHARACTER(stream, 'z');
        EQUAL(acl_read_byte(stream, &(uint8_t){ 0 }), ACL_SOCKET_END_OF_FILE);
        close(raw);
        done(stream);
    }
}

TEST(another_read_ends_the_chance_to_put_back)
{
    int raw, i;
    char room[10];
    const char *view;
    const void *data;
    size_t length;
    uint8_t byte;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    for (i = 0; i < 8; i++) {
        PUT(raw, "xxy\n");
        CHARACTER(stream, 'x');
        switch (i) {
        case 0: OK(acl_read_byte(stream, &byte)); break;
        case 1: OK(acl_read_line(stream, room, sizeof room, &length)); break;
        case 2: OK(acl_read_line_view(stream, &view, &length)); break;
        case 3: OK(acl_read_string(stream, room, 5, 1, &length)); break;
        case 4: OK(acl_read_sequence(stream, room, 1, 0, &length)); break;
        case 5: OK(acl_read_sequence(stream, room, 1, 1, &length)); break;
        case 6: OK(acl_read_vector(stream, room, 1, &length)); break;
        case 7: OK(acl_peek_input(stream, 1, &data, &length)); OK(acl_consume_input(stream, 1)); break;
        }
        EQUAL(acl_unread_char(stream, 'x'), ACL_SOCKET_INVALID_ARGUMENT);
        OK(acl_clear_input(stream));
    }
    close(raw);
    done(stream);
}

/* They may take more from the system, which must not lose the character before. */
TEST(questions_leave_the_chance_to_put_back)
{
    EACH_KIND {
        int raw, i;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < 3; i++) {
            PUT(raw, "\xe2\x82\xac");
            CHARACTER(stream, 0x20ac);
            LISTENS(stream, 0);
            EQUAL(acl_read_no_hang_p(stream), 0);
            DELIVER(stream, raw, "bc");
            EQUAL(acl_read_no_hang_p(stream), 1);
            LISTENS(stream, 1);
            OK(acl_unread_char(stream, 0x20ac));
            LISTENS(stream, 1);
            CHARACTER(stream, 0x20ac);
            BYTE(stream, 'b');
            BYTE(stream, 'c');
        }
        close(raw);
        done(stream);
    }
}

TEST(every_reader_sees_what_was_put_back)
{
    int raw, i;
    char room[10];
    const char *view;
    const void *data;
    size_t length;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    for (i = 0; i < 7; i++) {
        PUT(raw, "\xc3\xa9\n");
        CHARACTER(stream, 0xe9);
        OK(acl_unread_char(stream, 0xe9));
        length = 77;
        switch (i) {
        case 0: OK(acl_read_line(stream, room, sizeof room, &length)); break;
        case 1: OK(acl_read_line_view(stream, &view, &length)); memcpy(room, view, 2); break;
        case 2: OK(acl_read_sequence(stream, room, 2, 0, &length)); break;
        case 3: OK(acl_read_sequence(stream, room, 2, 1, &length)); break;
        case 4: OK(acl_read_vector(stream, room, 2, &length)); break;
        case 5: OK(acl_peek_input(stream, 2, &data, &length)); memcpy(room, data, 2); length -= 1; break;
        case 6: OK(acl_read_string(stream, room, sizeof room, 1, &length)); length -= 1; break;
        }
        EQUAL(length, 2);
        SAME(room, "\xc3\xa9", 2);
        OK(acl_clear_input(stream));
    }
    close(raw);
    done(stream);
}

/* Three bytes each, so that some lie across any boundary between buffers. */
TEST(putting_back_across_buffers)
{
    static char much[300000];
    size_t i;
    for (i = 0; i < sizeof much; i += 3) {
        much[i] = '\xe2';
        much[i + 1] = (char)(0x80 + i / 3 % 64);
        much[i + 2] = (char)(0x80 + i / 192 % 64);
    }
    EACH_KIND {
        int raw;
        transfer sender;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        start(&sender, send_all, raw, much, sizeof much);
        for (i = 0; i < sizeof much; i += 3) {
            uint32_t should = (uint32_t)(0x2000 + i / 3 % 64 * 64 + i / 192 % 64);
            if (i % 2)
                PEEKED(stream, should);
            CHARACTER(stream, should);
            OK(acl_unread_char(stream, should));
            CHARACTER(stream, should);
        }
        EQUAL(acl_peek_char(stream, &(uint32_t){ 0 }), ACL_SOCKET_END_OF_FILE);
        finish(&sender, stream);
    }
}

TEST(peeking_at_a_character)
{
    EACH_KIND {
        int raw;
        uint32_t character;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        PUT(raw, "\xe2\x82\xac\xffq");
        end_input(stream, raw);
        PEEKED(stream, 0x20ac);
        PEEKED(stream, 0x20ac);
        BYTE(stream, 0xe2);
        PEEKED(stream, 0xfffd);
        CHARACTER(stream, 0xfffd);
        PEEKED(stream, 0xfffd);
        BYTE(stream, 0xac);
        PEEKED(stream, 0xfffd);
        BYTE(stream, 0xff);
        PEEKED(stream, 'q');
        AT_ONCE(stream, 'q');
        EQUAL(acl_peek_char(stream, &character), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_peek_char(stream, &character), ACL_SOCKET_END_OF_FILE);
        close(raw);
        done(stream);
    }
}

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
        for (r = 0; r < sizeof rooms / sizeof *rooms; r++) {
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

/* The model: all bytes of a stream, how many were sent and how many are read. */
static struct {
    unsigned char data[4000];
    size_t total, sent, at;
    int ended, raw, kind;
    unsigned seed, step, choice;
    uint64_t state;
    acl_socket *stream;
} model;

#define AGREE(is, should) \
    do { long long is_ = (long long)(is), should_ = (long long)(should); \
        if (is_ != should_) fail(__FILE__, __LINE__, "seed %u step %u choice %u at %zu of %zu, %zu sent: %s is %lld, not %lld", \
            model.seed, model.step, model.choice, model.at, model.total, model.sent, #is, is_, should_); } while (0)

static unsigned below(unsigned limit)
{
    return chance(&model.state) % limit;
}

/* The bytes of the first character, 0 where it takes more than there are to tell. */
static size_t decode(const unsigned char *from, size_t have, int ended, uint32_t *character)
{
    unsigned low = 0x80, high = 0xbf;
    size_t length, i;
    uint32_t value;
    if (have == 0)
        return 0;
    *character = from[0] < 0x80 ? from[0] : 0xfffd;
    if (from[0] < 0xc2 || from[0] > 0xf4)
        return 1;
    length = from[0] < 0xe0 ? 2 : from[0] < 0xf0 ? 3 : 4;
    value = from[0] & (0x7fu >> length);
    if (from[0] == 0xe0) low = 0xa0;
    if (from[0] == 0xed) high = 0x9f;
    if (from[0] == 0xf0) low = 0x90;
    if (from[0] == 0xf4) high = 0x8f;
    for (i = 1; i < length; i++, low = 0x80, high = 0xbf) {
        if (i == have)
            return ended ? i : 0;
        if (from[i] < low || from[i] > high)
            return i;
        value = value << 6 | (from[i] & 0x3f);
    }
    *character = value;
    return length;
}

static size_t encode(uint32_t character, char *to)
{
    size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4, i;
    static const unsigned leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (i = length; i-- > 0; character >>= 6)
        to[i] = (char)(i > 0 ? 0x80 | (character & 0x3f) : leads[length] | character);
    return length;
}

/* Sends until `upto` bytes have gone; past the last one, ends the input. */
static void supply(size_t upto)
{
    while (model.sent < upto && model.sent < model.total) {
        size_t part = 1 + below(1u << below(9));
        part = part < model.total - model.sent ? part : model.total - model.sent;
        put(model.raw, model.data + model.sent, part);
        model.sent += part;
    }
    if (upto > model.total && !model.ended) {
        EQUAL(shutdown(model.raw, SHUT_WR), 0);
        model.ended = 1;
    }
}

/* How many bytes have to be sent before the character there is known. */
static size_t known_at(size_t at)
{
    size_t have;
    uint32_t ignored;
    for (have = 1; have <= 4 && at + have <= model.total; have++)
        if (decode(model.data + at, have, 0, &ignored) > 0)
            return at + have;
    return model.total + 1;
}

/* What a text function reads into that much room (0: a line in place), once what it takes has been sent. */
static acl_status text_of_model(size_t room, int line, char *text, size_t *length, size_t *next)
{
    char one[4];
    uint32_t character = 0;
    for (*length = 0, *next = model.at;;) {
        size_t taken, size;
        if (!line && *length == room)
            return ACL_SOCKET_OK;
        supply(known_at(*next));
        taken = decode(model.data + *next, model.total - *next, 1, &character);
        if (taken == 0)
            return line && *length > 0 ? ACL_SOCKET_OK : ACL_SOCKET_END_OF_FILE;
        if (line && character == '\n') {
            *next += taken;
            return ACL_SOCKET_OK;
        }
        size = encode(character, one);
        if (room > 0 && *length + size > room)
            return line ? ACL_SOCKET_BUFFER_TOO_SMALL : ACL_SOCKET_OK;
        memcpy(text + *length, one, size);
        *length += size;
        *next += taken;
    }
}

static void read_characters(int peek, int hang)
{
    uint32_t is = 0xbad, should = 0xbad;
    acl_status status;
    size_t taken;
    if (hang)
        supply(known_at(model.at));
    taken = decode(model.data + model.at, model.sent - model.at, model.ended, &should);
    status = !hang ? acl_read_char_no_hang(model.stream, &is)
        : peek ? acl_peek_char(model.stream, &is) : acl_read_char(model.stream, &is);
    if (!hang && model.kind == OVER_TCP && status == ACL_SOCKET_WOULD_BLOCK)
        return; /* it may be on its way */
    AGREE(status, taken > 0 ? ACL_SOCKET_OK : model.ended ? ACL_SOCKET_END_OF_FILE : ACL_SOCKET_WOULD_BLOCK);
    if (taken == 0)
        return;
    AGREE(is, should);
    if (!peek && below(3) == 0) {
        AGREE(acl_unread_char(model.stream, is), ACL_SOCKET_OK);
        AGREE(acl_unread_char(model.stream, is), ACL_SOCKET_INVALID_ARGUMENT);
    } else if (!peek) {
        model.at += taken;
    }
}

static void read_texts(int line, int in_place)
{
    char should[12100], room[400];
    const char *is = room;
    size_t size = 5 + below(below(2) ? 8 : 300), length = 7777, wanted, next;
    acl_status status = text_of_model(in_place ? 0 : size - 1, line, should, &wanted, &next);
    AGREE(in_place ? acl_read_line_view(model.stream, &is, &length) : line ? acl_read_line(model.stream, room, size, &length)
        : acl_read_string(model.stream, room, size, 0, &length), status);
    if (status != ACL_SOCKET_END_OF_FILE || !line) {
        AGREE(length, wanted);
        AGREE(memcmp(is, should, wanted), 0);
        AGREE(in_place ? 0 : room[length], 0);
    }
    model.at = next;
}

/* A text of what is there is the beginning of what has been sent, whole characters and at least one. */
static void read_text_partly(void)
{
    char room[300], one[4];
    size_t size = 5 + below(200), length = 7777, checked = 0;
    acl_status status;
    supply(known_at(model.at));
    status = acl_read_string(model.stream, room, size, 1, &length);
    AGREE(status, model.at == model.total ? ACL_SOCKET_END_OF_FILE : ACL_SOCKET_OK);
    if (status != ACL_SOCKET_OK)
        return;
    AGREE(length > 0 && length < size, 1);
    AGREE(room[length], 0);
    while (checked < length) {
        uint32_t character = 0;
        size_t taken = decode(model.data + model.at, model.sent - model.at, model.ended, &character);
        AGREE(taken > 0, 1);
        taken = (model.at += taken, encode(character, one));
        AGREE(taken <= length - checked && memcmp(room + checked, one, taken) == 0, 1);
        checked += taken;
    }
}

static void read_bytes(unsigned how)
{
    unsigned char room[600];
    size_t size = 1 + below(below(2) ? 5 : sizeof room), length = 7777, left = model.total - model.at, consumed;
    const void *is = room;
    int whole = how == 0 || how == 3;
    acl_status status;
    supply(model.at + (whole ? size : 1));
    status = how == 0 ? acl_read_sequence(model.stream, room, size, 0, &length)
        : how == 1 ? acl_read_sequence(model.stream, room, size, 1, &length)
        : how == 2 ? acl_read_vector(model.stream, room, size, &length)
        : acl_peek_input(model.stream, size, &is, &length);
    AGREE(status, left == 0 || (how == 0 && left < size) ? ACL_SOCKET_END_OF_FILE : ACL_SOCKET_OK);
    if (left == 0)
        return;
    if (whole)
        AGREE(length >= (left < size ? left : size), 1);
    AGREE(length > 0 && length <= model.sent - model.at && (how == 3 || length <= size), 1);
    AGREE(memcmp(is, model.data + model.at, length), 0);
    consumed = how == 3 ? below((unsigned)length + 1) : length;
    if (how == 3) {
        AGREE(acl_consume_input(model.stream, model.total + 1), ACL_SOCKET_INVALID_ARGUMENT);
        AGREE(acl_consume_input(model.stream, consumed), ACL_SOCKET_OK);
    }
    model.at += consumed;
}

static void read_byte(void)
{
    uint8_t byte = 0;
    supply(model.at + 1);
    AGREE(acl_read_byte(model.stream, &byte), model.at == model.total ? ACL_SOCKET_END_OF_FILE : ACL_SOCKET_OK);
    if (model.at < model.total)
        AGREE(byte, model.data[model.at++]);
}

static void ask(void)
{
    int32_t ready = 7, there = model.sent > model.at;
    int32_t hangs_not = acl_read_no_hang_p(model.stream);
    AGREE(acl_listen(model.stream, &ready), ACL_SOCKET_OK);
    if (model.kind != OVER_TCP) {
        AGREE(hangs_not, there || model.ended);
        AGREE(ready, there);
    } else if (!there) {
        AGREE(ready, 0);
    }
}

static void fill_model(void)
{
    static const char *const pieces[] = { "\n", "\r\n", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "\xc0\x80",
        "\xe2\x82", "\xf0\x9f\x98", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xef\xbb\xbf", "\xe0\x80", "\xf0\x80", "\xc3", "word" };
    size_t limit = below(sizeof model.data - 4);
    model.total = 0;
    while (model.total < limit) {
        unsigned choice = below(32);
        if (choice < 16) {
            memcpy(model.data + model.total, pieces[choice], strlen(pieces[choice]));
            model.total += strlen(pieces[choice]);
        } else {
            model.data[model.total++] = (unsigned char)(choice == 16 ? below(256) : choice == 17 ? 0 : 'a' + choice % 26);
        }
    }
}

static void run_model(unsigned seed)
{
    unsigned after = 0;
    model.seed = seed;
    model.state = seed;
    model.stream = stream_and_raw(model.kind, NULL, &model.raw);
    model.sent = model.at = 0;
    model.ended = 0;
    fill_model();
    for (model.step = 0; after < 30; model.step++) {
        if (below(4) == 0)
            supply(model.at + below(60));
        after += model.at == model.total;
        model.choice = below(16);
        switch (model.choice) {
        case 0: case 1: read_byte(); break;
        case 2: case 3: read_characters(0, 1); break;
        case 4: read_characters(1, 1); break;
        case 5: case 6: read_characters(0, 0); break;
        case 7: case 8: read_texts(1, 0); break;
        case 9: read_texts(1, 1); break;
        case 10: read_texts(0, 0); break;
        case 11: read_text_partly(); break;
        case 12: case 13: case 14: read_bytes(model.choice - 12 + below(2)); break;
        case 15: ask(); break;
        }
    }
    close(model.raw);
    done(model.stream);
}

TEST(any_choice_of_functions_reads_the_same)
{
    EACH_KIND {
        struct timespec begin, now;
        unsigned seed = 0;
        model.kind = kind;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        do {
            run_model(seed++);
            clock_gettime(CLOCK_MONOTONIC, &now);
        } while (seed < 5 || now.tv_sec - begin.tv_sec + (now.tv_nsec - begin.tv_nsec) / 1e9 < 1);
        printf("# %u seeds\n", seed);
    }
}

MAIN(CASE(characters_of_every_length), CASE(characters_that_have_not_arrived_whole), CASE(a_character_is_put_back_once),
     CASE(another_read_ends_the_chance_to_put_back), CASE(questions_leave_the_chance_to_put_back),
     CASE(every_reader_sees_what_was_put_back), CASE(putting_back_across_buffers), CASE(peeking_at_a_character),
     CASE(lines), CASE(lines_in_parts),
     CASE(long_lines_into_a_buffer), CASE(lines_in_place), CASE(long_lines_in_place), CASE(full_strings),
     CASE(what_is_there_as_a_string), CASE(long_strings), CASE(any_choice_of_functions_reads_the_same))
