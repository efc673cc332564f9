/* External formats: texts written and read in many encodings, whole and byte by byte. */
#include "texts.h"

/* A text of two lines, one digit a character telling how many bytes it takes, and these bytes. */
typedef struct { const char *format, *text, *widths, *bytes; size_t length; } row;

static const row rows[] = {
    { "utf-8", "aé€日😀z\n\xf4\x8f\xbf\xbd\x7f\n", "1233411411",
      BYTES("a\xc3\xa9\xe2\x82\xac\xe6\x97\xa5\xf0\x9f\x98\x80z\n\xf4\x8f\xbf\xbd\x7f\n") },
    { "latin-1", "aéÿ\xc2\x80\xc2\x9f\xc2\xa0z\né\n", "1111111111",
      BYTES("a\xe9\xff\x80\x9f\xa0z\n\xe9\n") },
    { "ascii", "a~\x7fz\n{}\n", "11111111",
      BYTES("a~\x7fz\n{}\n") },
    { "utf-16", "aé€日😀z\nĀ\n", "222242222",
      BYTES("a\x00\xe9\x00\xac \xe5""e=\xd8\x00\xdez\x00\n\x00\x00\x01\n\x00") },
    { "utf-16le", "aé€日😀z\nĀ\n", "222242222",
      BYTES("a\x00\xe9\x00\xac \xe5""e=\xd8\x00\xdez\x00\n\x00\x00\x01\n\x00") },
    { "utf-16be", "aé€日😀z\nĀ\n", "222242222",
      BYTES("\x00""a\x00\xe9 \xac""e\xe5\xd8=\xde\x00\x00z\x00\n\x01\x00\x00\n") },
    { "shift_jis", "a表ソ能ｶﾅz\n①あ\n", "12221111221",
      BYTES("a\x95\x5c\x83\x5c\x94\x5c\xb6\xc5z\n\x87@\x82\xa0\n") },
    { "euc-jp", "a日本ｶ語z\nあ\n", "122221121",
      BYTES("a\xc6\xfc\xcb\xdc\x8e\xb6\xb8\xecz\n\xa4\xa2\n") },
    { "iso-2022-jp", "a日本z語\nテスト\n", "1524545224",
      BYTES("a\x1b$BF|K\x5c\x1b(Bz\x1b$B8l\x1b(B\n\x1b$B%F%9%H\x1b(B\n") },
    { "gbk", "a中文€z\n丂\n", "12211121",
      BYTES("a\xd6\xd0\xce\xc4\x80z\n\x81@\n") },
    { "gb18030", "a中€é😀z\nĀÿ\n", "1222411441",
      BYTES("a\xd6\xd0\xa2\xe3\xa8\xa6\x94""9\xfc""6z\n\x81""0\x8b""8\x81""0\x8b""7\n") },
    { "big5", "a中文€表z\n功\n", "122221121",
      BYTES("a\xa4\xa4\xa4\xe5\xa3\xe1\xaa\xedz\n\xa5\x5c\n") },
    { "euc-kr", "a한국똠€z\n어\n", "122221121",
      BYTES("a\xc7\xd1\xb1\xb9\x8c""c\xa2\xe6z\n\xbe\xee\n") },
    { "windows-1252", "a€é\xc2\x81ÿz\n“”\n", "1111111111",
      BYTES("a\x80\xe9\x81\xffz\n\x93\x94\n") },
    { "windows-1251", "aПривет€\xc2\x98z\nя\n", "1111111111111",
      BYTES("a\xcf\xf0\xe8\xe2\xe5\xf2\x88\x98z\n\xff\n") },
    { "iso-8859-2", "aŁódźz\n˙\n", "111111111",
      BYTES("a\xa3\xf3""d\xbcz\n\xff\n") },
    { "iso-8859-15", "a€Šœz\nŽ\n", "11111111",
      BYTES("a\xa4\xa6\xbdz\n\xb4\n") },
    { "koi8-r", "aПривет─z\nЪ\n", "111111111111",
      BYTES("a\xf0\xd2\xc9\xd7\xc5\xd4\x80z\n\xff\n") },
};

/* A stream for a row of a table, which a failure is to name. */
static acl_socket *stream_for(int *raw, const char *format, const char *how)
{
    printf("# %s, %s\n", format, how);
    return STREAM(raw, .external_format = format);
}

/* The same when these bytes, and the end, have arrived. */
static acl_socket *stream_of(int *raw, const char *format, const char *bytes, size_t length, const char *how)
{
    acl_socket *stream = stream_for(raw, format, how);
    put(*raw, bytes, length);
    end_input(stream, *raw);
    return stream;
}

/* What was written is the row. */
static void becomes(acl_socket *stream, int raw, const row *of)
{
    OK(acl_force_output(stream));
    SENT_BYTES(raw, of->bytes, of->length);
    counted(stream, 0, 0);
    gone(stream, raw);
}

TEST(strings_are_written_in_their_format)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int raw;
        acl_socket *stream = stream_for(&raw, rows[i].format, "write_string");
        OK(acl_write_string(stream, rows[i].text, strlen(rows[i].text)));
        becomes(stream, raw, &rows[i]);
    }
}

TEST(characters_are_written_in_their_format)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int raw;
        uint32_t character;
        const char *text = rows[i].text;
        acl_socket *stream = stream_for(&raw, rows[i].format, "write_char");
        while (*text) {
            text = next_character(text, &character);
            OK(acl_write_char(stream, character));
        }
        becomes(stream, raw, &rows[i]);
    }
}

TEST(lines_are_written_in_their_format)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int raw;
        const char *newline = strchr(rows[i].text, '\n'), *second = newline + 1;
        acl_socket *stream = stream_for(&raw, rows[i].format, "write_line");
        OK(acl_write_line(stream, rows[i].text, (size_t)(newline - rows[i].text)));
        OK(acl_write_line(stream, second, strlen(second) - 1));
        becomes(stream, raw, &rows[i]);
    }
}

TEST(characters_are_read_peeked_and_put_back)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int raw;
        uint32_t character, should;
        const char *text = rows[i].text;
        acl_socket *stream = stream_of(&raw, rows[i].format, rows[i].bytes, rows[i].length, "read_char");
        while (*text) {
            text = next_character(text, &should);
            PEEKED(stream, should);
            PEEKED(stream, should);
            CHARACTER(stream, should);
            OK(acl_unread_char(stream, should));
            AT_ONCE(stream, should);
        }
        EQUAL(acl_peek_char(stream, &character), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_char(stream, &character), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_END_OF_FILE);
        counted(stream, 0, 0);
        gone(stream, raw);
    }
}

TEST(a_character_that_is_put_back_is_bytes_again)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int raw;
        unsigned char bytes[100];
        size_t length, first = (size_t)(rows[i].widths[0] - '0');
        uint32_t character;
        acl_socket *stream;
        if (strcmp(rows[i].format, "iso-2022-jp") == 0)
            continue; /* to which character an escape sequence belongs is not said */
        stream = stream_of(&raw, rows[i].format, rows[i].bytes, rows[i].length, "unread_char");
        OK(acl_read_char(stream, &character));
        OK(acl_read_char(stream, &character));
        OK(acl_unread_char(stream, character));
        EQUAL(acl_unread_char(stream, character), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(acl_read_sequence(stream, bytes, sizeof bytes, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, rows[i].length - first);
        SAME(bytes, rows[i].bytes + first, length);
        gone(stream, raw);
    }
}

TEST(lines_are_read_as_utf_8)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int raw;
        char line[100];
        const char *view, *at = rows[i].text;
        size_t length, size;
        acl_socket *stream = stream_for(&raw, rows[i].format, "read_line");
        put(raw, rows[i].bytes, rows[i].length);
        put(raw, rows[i].bytes, rows[i].length);
        shutdown(raw, SHUT_WR);
        for (; *at; at += size + 1) {
            size = strcspn(at, "\n");
            OK(acl_read_line(stream, line, sizeof line, &length));
            EQUAL(length, size);
            EQUAL(strlen(line), size);
            SAME(line, at, size);
        }
        for (at = rows[i].text; *at; at += size + 1) {
            size = strcspn(at, "\n");
            OK(acl_read_line_view(stream, &view, &length));
            EQUAL(length, size);
            SAME(view, at, size);
        }
        EQUAL(acl_read_line(stream, line, sizeof line, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_line_view(stream, &view, &length), ACL_SOCKET_END_OF_FILE);
        counted(stream, 0, 0);
        gone(stream, raw);
    }
}

/* The text read by pieces of at most size - 1 bytes, none of which ends within a character. */
static void read_pieces(acl_socket *stream, const char *text, size_t size, int32_t partial)
{
    char piece[100];
    size_t length, total = 0;
    acl_status status;
    do {
        length = 0;
        memset(piece, 'x', sizeof piece);
        status = acl_read_string(stream, piece, size, partial, &length);
        CHECK(status == ACL_SOCKET_OK || status == ACL_SOCKET_END_OF_FILE);
        CHECK(length < size && piece[length] == 0 && total + length <= strlen(text));
        CHECK(memcmp(piece, text + total, length) == 0);
        total += length;
        CHECK((text[total] & 0xc0) != 0x80);
        CHECK(status != ACL_SOCKET_OK || (length > 0 && (partial || length + 4 >= size)));
    } while (status == ACL_SOCKET_OK);
    EQUAL(total, strlen(text));
}

TEST(strings_are_read_as_utf_8)
{
    size_t i, size;
    for (i = 0; i < ROWS(rows); i++) {
        for (size = 5; size <= 100; size = size == 12 ? 100 : size + 1) {
            int raw;
            acl_socket *stream = stream_of(&raw, rows[i].format, rows[i].bytes, rows[i].length, "read_string");
            read_pieces(stream, rows[i].text, size, size % 2);
            gone(stream, raw);
        }
    }
}

TEST(a_character_is_there_when_its_last_byte_is)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int raw, width;
        uint32_t should;
        const char *text = rows[i].text, *widths = rows[i].widths, *bytes = rows[i].bytes;
        acl_socket *stream = stream_for(&raw, rows[i].format, "byte by byte");
        for (; *text; widths++) {
            text = next_character(text, &should);
            for (width = *widths - '0'; width > 0; width--) {
                NOT_YET(stream);
                put(raw, bytes++, 1);
            }
            AT_ONCE(stream, should);
        }
        EQUAL(bytes - rows[i].bytes, rows[i].length);
        NOT_YET(stream);
        gone(stream, raw);
    }
}

/* Longer than any buffer, so that characters lie across the ends of buffers, at every offset. */
TEST(long_texts)
{
    static const char *formats[] = { "utf-8", "utf-16le", "gb18030", "iso-2022-jp" };
    static char text[40000], back[40000];
    size_t f, length, size = 0;
    while (size + 20 < sizeof text)
        size += (size_t)sprintf(text + size, size % 7 ? "\xe6\x97\xa5\xe6\x9c\xac" : "a\xd0\xaf");
    for (f = 0; f < ROWS(formats); f++) {
        acl_socket *writer, *reader;
        printf("# %s\n", formats[f]);
        stream_pair(ADOPTED, NULL, &writer, &reader);
        OK(acl_set_stream_external_format(writer, formats[f]));
        OK(acl_set_stream_external_format(reader, formats[f]));
        OK(acl_write_string(writer, text, size));
        OK(acl_close(writer, 0));
        EQUAL(acl_read_string(reader, back, sizeof back, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, size);
        SAME(back, text, size);
        counted(reader, 0, 0);
        done(writer);
        done(reader);
    }
}

TEST(some_formats_read_more_than_they_write)
{
    static const struct { const char *format, *bytes; size_t length; const char *text; } more[] = {
        { "utf-8", BYTES("\xef\xbb\xbf"), "\xef\xbb\xbf" },
        { "utf-8", BYTES("\xef\xbb\xbf""a\n\xef\xbb\xbf\n"), "\xef\xbb\xbf""a\n\xef\xbb\xbf\n" },
        { "euc-jp", BYTES("\x8f\xb0\xa1z"), "丂z" },
        { "shift_jis", BYTES("\x80\xfa\x40z"), "\xc2\x80ⅰz" },
        { "big5", BYTES("\x88\x62\x87\x40z"), "Ê\xcc\x84䏰z" },
        { "iso-2022-jp", BYTES("\x1b(J\\~\x1b(I1\x1b$@F|\x1b(Bz"), "¥‾ｱ日z" },
        { "gb18030", BYTES("\x80\x84\x31\xa4\x37z"), "€\xef\xbf\xbdz" },
        { "utf-16", BYTES("\xff\xfe""a\0\xac\x20"), "a€" },
        { "utf-16", BYTES("\xfe\xff\0a\x20\xac\xd8\x3d\xde\0"), "a€😀" },
        { "utf-16", BYTES("a\0\xff\xfe"), "a\xef\xbb\xbf" },
        { "utf-16", BYTES("\xff\xfe\xff\xfe""a\0"), "\xef\xbb\xbf""a" },
        { "utf-16", BYTES("\xff\xfe"), "" },
        { "utf-16", BYTES("\xfe\xff"), "" },
        { "utf-16le", BYTES("\xff\xfe""a\0"), "\xef\xbb\xbf""a" },
        { "utf-16le", BYTES("\xfe\xff""a\0"), "\xef\xbf\xbe""a" },
        { "utf-16be", BYTES("\xfe\xff\0a"), "\xef\xbb\xbf""a" },
        { "utf-16be", BYTES("\xff\xfe\0a"), "\xef\xbf\xbe""a" },
    };
    size_t i, j;
    for (i = 0; i < ROWS(more); i++) {
        int raw;
        const char *text = more[i].text;
        uint32_t character, should;
        acl_socket *stream = stream_of(&raw, more[i].format, more[i].bytes, more[i].length, "whole");
        read_pieces(stream, text, 100, 0);
        counted(stream, 0, 0);
        gone(stream, raw);
        stream = stream_for(&raw, more[i].format, "byte by byte");
        for (j = 0; j < more[i].length; j++) {
            put(raw, more[i].bytes + j, 1);
            while (acl_read_char_no_hang(stream, &character) == ACL_SOCKET_OK) {
                text = next_character(text, &should);
                EQUAL(character, should);
            }
            EQUAL(acl_stream_error_identifier(), ACL_SOCKET_WOULD_BLOCK);
        }
        EQUAL(*text, 0);
        gone(stream, raw);
    }
}

TEST(a_byte_order_mark_in_utf_8_is_a_character)
{
    int raw;
    const char *view;
    size_t length;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    PUT(raw, "\xef\xbb\xbf\xef\xbb\xbf" "a\n\xef\xbb\xbf" "b\n\xef\xbb\xbf\n");
    PEEKED(stream, 0xfeff);
    CHARACTER(stream, 0xfeff);
    OK(acl_unread_char(stream, 0xfeff));
    AT_ONCE(stream, 0xfeff);
    CHARACTER(stream, 0xfeff);
    CHARACTER(stream, 'a');
    CHARACTER(stream, '\n');
    READS_LINE(stream, "\xef\xbb\xbf" "b");
    OK(acl_read_line_view(stream, &view, &length));
    EQUAL(length, 3);
    SAME(view, "\xef\xbb\xbf", 3);
    counted(stream, 0, 0);
    gone(stream, raw);
}

TEST(the_beginning_of_a_character_is_still_bytes)
{
    int raw;
    acl_socket *stream = STREAM(&raw, .external_format = "utf-8");
    PUT(raw, "\xe2\x82");
    NOT_YET(stream);
    BYTE(stream, 0xe2);
    BYTE(stream, 0x82);
    PUT(raw, "\xc3");
    NOT_YET(stream);
    OK(acl_set_stream_external_format(stream, "latin-1"));
    CHARACTER(stream, 0xc3);
    counted(stream, 0, 0);
    gone(stream, raw);
}

/* Both are called latin-1 by some: only in the true one every byte is its own code point. */
TEST(latin_1_is_not_windows_1252)
{
    int raw, byte;
    unsigned char all[256];
    acl_socket *stream = STREAM(&raw, .external_format = "latin-1", .malformed_policy = ACL_SOCKET_REFUSE);
    for (byte = 0; byte < 256; byte++) {
        all[byte] = (unsigned char)byte;
        OK(acl_write_char(stream, (uint32_t)byte));
    }
    OK(acl_force_output(stream));
    SENT_BYTES(raw, (char *)all, 256);
    put(raw, all, 256);
    for (byte = 0; byte < 256; byte++)
        CHARACTER(stream, byte);
    OK(acl_set_stream_external_format(stream, "windows-1252"));
    PUT(raw, "\x80\x81\x9f");
    CHARACTER(stream, 0x20ac);
    CHARACTER(stream, 0x81);
    CHARACTER(stream, 0x178);
    gone(stream, raw);
}

TEST(a_shift_state_lasts_between_calls)
{
    int raw;
    acl_socket *stream = STREAM(&raw, .external_format = "iso-2022-jp", .malformed_policy = ACL_SOCKET_REFUSE);
    OK(acl_write_string(stream, "日", 3));
    OK(acl_write_char(stream, 0x672c));
    OK(acl_write_line(stream, "語", 3));
    OK(acl_write_char(stream, 'a'));
    OK(acl_terpri(stream));
    FLUSHED(stream, raw, "\x1b$BF|K\\8l\x1b(B\na\n");
    OK(acl_write_string(stream, "日", 3));
    EQUAL(acl_write_string(stream, "a😀", 5), ACL_SOCKET_ENCODING_ERROR);
    EQUAL(acl_write_char(stream, 0x1f600), ACL_SOCKET_ENCODING_ERROR);
    EQUAL(acl_write_line(stream, "\n\n😀", 6), ACL_SOCKET_ENCODING_ERROR);
    OK(acl_write_string(stream, "本", 3));
    OK(acl_close(stream, 0));
    SENT(raw, "\x1b$BF|K\\\x1b(B");
    gone(stream, raw);
    stream = STREAM(&raw, .external_format = "iso-2022-jp", .malformed_policy = ACL_SOCKET_REFUSE);
    EQUAL(acl_write_string(stream, "日😀", 7), ACL_SOCKET_ENCODING_ERROR);
    OK(acl_write_string(stream, "a", 1));
    OK(acl_close(stream, 0));
    SENT(raw, "a");
    gone(stream, raw);
}

MAIN(CASE(strings_are_written_in_their_format), CASE(characters_are_written_in_their_format),
     CASE(lines_are_written_in_their_format), CASE(characters_are_read_peeked_and_put_back),
     CASE(a_character_that_is_put_back_is_bytes_again), CASE(lines_are_read_as_utf_8), CASE(strings_are_read_as_utf_8),
     CASE(a_character_is_there_when_its_last_byte_is), CASE(long_texts), CASE(some_formats_read_more_than_they_write),
     CASE(a_byte_order_mark_in_utf_8_is_a_character), CASE(the_beginning_of_a_character_is_still_bytes),
     CASE(latin_1_is_not_windows_1252), CASE(a_shift_state_lasts_between_calls))
