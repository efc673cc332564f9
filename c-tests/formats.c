/* External formats: texts written and read in many encodings, whole and byte by byte. */
#include "test.h"

#define BYTES(literal) literal, sizeof literal - 1
#define ROWS(table) (sizeof table / sizeof *table)

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

/* A stream on one end of a pair; the other end stays a descriptor of the test. */
static acl_socket *stream(int *peer, const char *format, int32_t policy)
{
    int pair[2];
    acl_socket *socket;
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    OK(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .external_format = format, .malformed_policy = policy),
        &socket));
    *peer = pair[1];
    return socket;
}

/* The same for a row of a table, which a failure is to name. */
static acl_socket *stream_for(int *peer, const char *format, const char *how)
{
    printf("# %s, %s\n", format, how);
    return stream(peer, format, ACL_SOCKET_REPLACE);
}

static void gone(acl_socket *socket, int peer)
{
    done(socket);
    close(peer);
}

static void arrive(int peer, const void *bytes, size_t length)
{
    EQUAL(send(peer, bytes, length, MSG_NOSIGNAL), length);
}

/* What has been sent is these bytes and no more. */
static void sent(int line, int peer, const char *bytes, size_t length)
{
    static char is[100000];
    size_t got = 0, i;
    ssize_t n;
    while ((n = recv(peer, is + got, sizeof is - got, MSG_DONTWAIT)) > 0)
        got += (size_t)n;
    for (i = 0; i < got && i < length; i++) {
        if (is[i] != bytes[i])
            fail(__FILE__, line, "byte %d is %02x, not %02x", (int)i, (unsigned char)is[i], (unsigned char)bytes[i]);
    }
    if (got != length)
        fail(__FILE__, line, "%d bytes were sent, not %d", (int)got, (int)length);
}

#define FLUSHED(socket, peer, literal) \
    do { OK(acl_force_output(socket)); sent(__LINE__, peer, literal, sizeof literal - 1); } while (0)

static const char *next_character(const char *text, uint32_t *character)
{
    const unsigned char *at = (const unsigned char *)text;
    int more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
    *character = more ? *at & (0x3f >> more) : *at;
    for (at++; more > 0; more--)
        *character = *character << 6 | (*at++ & 0x3f);
    return (const char *)at;
}

static void counted(acl_socket *socket, uint64_t input, uint64_t output)
{
    uint64_t in = 99, out = 99;
    OK(acl_replacement_counts(socket, &in, &out));
    EQUAL(in, input);
    EQUAL(out, output);
}

TEST(strings_are_written_in_their_format)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int peer;
        acl_socket *socket = stream_for(&peer, rows[i].format, "write_string");
        OK(acl_write_string(socket, rows[i].text, strlen(rows[i].text)));
        OK(acl_force_output(socket));
        sent(__LINE__, peer, rows[i].bytes, rows[i].length);
        counted(socket, 0, 0);
        gone(socket, peer);
    }
}

TEST(characters_are_written_in_their_format)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int peer;
        uint32_t character;
        const char *text = rows[i].text;
        acl_socket *socket = stream_for(&peer, rows[i].format, "write_char");
        while (*text) {
            text = next_character(text, &character);
            OK(acl_write_char(socket, character));
        }
        OK(acl_force_output(socket));
        sent(__LINE__, peer, rows[i].bytes, rows[i].length);
        counted(socket, 0, 0);
        gone(socket, peer);
    }
}

TEST(lines_are_written_in_their_format)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int peer;
        const char *newline = strchr(rows[i].text, '\n'), *second = newline + 1;
        acl_socket *socket = stream_for(&peer, rows[i].format, "write_line");
        OK(acl_write_line(socket, rows[i].text, (size_t)(newline - rows[i].text)));
        OK(acl_write_line(socket, second, strlen(second) - 1));
        OK(acl_force_output(socket));
        sent(__LINE__, peer, rows[i].bytes, rows[i].length);
        gone(socket, peer);
    }
}

TEST(characters_are_read_peeked_and_put_back)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int peer;
        uint32_t character, should;
        const char *text = rows[i].text;
        acl_socket *socket = stream_for(&peer, rows[i].format, "read_char");
        arrive(peer, rows[i].bytes, rows[i].length);
        shutdown(peer, SHUT_WR);
        while (*text) {
            text = next_character(text, &should);
            OK(acl_peek_char(socket, &character));
            EQUAL(character, should);
            OK(acl_peek_char(socket, &character));
            EQUAL(character, should);
            OK(acl_read_char(socket, &character));
            EQUAL(character, should);
            OK(acl_unread_char(socket, should));
            OK(acl_read_char_no_hang(socket, &character));
            EQUAL(character, should);
        }
        EQUAL(acl_peek_char(socket, &character), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_char(socket, &character), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_END_OF_FILE);
        counted(socket, 0, 0);
        gone(socket, peer);
    }
}

TEST(a_character_that_is_put_back_is_bytes_again)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int peer;
        unsigned char bytes[100];
        size_t length, first = (size_t)(rows[i].widths[0] - '0');
        uint32_t character;
        acl_socket *socket;
        if (strcmp(rows[i].format, "iso-2022-jp") == 0)
            continue; /* to which character an escape sequence belongs is not said */
        socket = stream_for(&peer, rows[i].format, "unread_char");
        arrive(peer, rows[i].bytes, rows[i].length);
        shutdown(peer, SHUT_WR);
        OK(acl_read_char(socket, &character));
        OK(acl_read_char(socket, &character));
        OK(acl_unread_char(socket, character));
        EQUAL(acl_unread_char(socket, character), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(acl_read_sequence(socket, bytes, sizeof bytes, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, rows[i].length - first);
        CHECK(memcmp(bytes, rows[i].bytes + first, length) == 0);
        gone(socket, peer);
    }
}

TEST(lines_are_read_as_utf_8)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int peer;
        char line[100];
        const char *view, *at = rows[i].text;
        size_t length, size;
        acl_socket *socket = stream_for(&peer, rows[i].format, "read_line");
        arrive(peer, rows[i].bytes, rows[i].length);
        arrive(peer, rows[i].bytes, rows[i].length);
        shutdown(peer, SHUT_WR);
        for (; *at; at += size + 1) {
            size = strcspn(at, "\n");
            OK(acl_read_line(socket, line, sizeof line, &length));
            EQUAL(length, size);
            EQUAL(strlen(line), size);
            CHECK(memcmp(line, at, size) == 0);
        }
        for (at = rows[i].text; *at; at += size + 1) {
            size = strcspn(at, "\n");
            OK(acl_read_line_view(socket, &view, &length));
            EQUAL(length, size);
            CHECK(memcmp(view, at, size) == 0);
        }
        EQUAL(acl_read_line(socket, line, sizeof line, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_line_view(socket, &view, &length), ACL_SOCKET_END_OF_FILE);
        counted(socket, 0, 0);
        gone(socket, peer);
    }
}

/* The text read by pieces of at most size - 1 bytes, none of which ends within a character. */
static void read_pieces(acl_socket *socket, const char *text, size_t size, int32_t partial)
{
    char piece[100];
    size_t length, total = 0;
    acl_status status;
    do {
        length = 0;
        memset(piece, 'x', sizeof piece);
        status = acl_read_string(socket, piece, size, partial, &length);
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
            int peer;
            acl_socket *socket = stream_for(&peer, rows[i].format, "read_string");
            arrive(peer, rows[i].bytes, rows[i].length);
            shutdown(peer, SHUT_WR);
            read_pieces(socket, rows[i].text, size, size % 2);
            gone(socket, peer);
        }
    }
}

TEST(a_character_is_there_when_its_last_byte_is)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int peer, width;
        uint32_t character, should;
        const char *text = rows[i].text, *widths = rows[i].widths, *bytes = rows[i].bytes;
        acl_socket *socket = stream_for(&peer, rows[i].format, "byte by byte");
        for (; *text; widths++) {
            text = next_character(text, &should);
            for (width = *widths - '0'; width > 0; width--) {
                EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
                arrive(peer, bytes++, 1);
            }
            OK(acl_read_char_no_hang(socket, &character));
            EQUAL(character, should);
        }
        EQUAL(bytes - rows[i].bytes, rows[i].length);
        EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
        gone(socket, peer);
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
        int pair[2];
        acl_socket *writer, *reader;
        printf("# %s\n", formats[f]);
        EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        OK(acl_socket_from_os_fd(pair[0], NULL, &writer));
        OK(acl_socket_from_os_fd(pair[1], NULL, &reader));
        OK(acl_set_stream_external_format(writer, formats[f]));
        OK(acl_set_stream_external_format(reader, formats[f]));
        OK(acl_write_string(writer, text, size));
        OK(acl_close(writer, 0));
        EQUAL(acl_read_string(reader, back, sizeof back, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, size);
        CHECK(memcmp(back, text, size) == 0);
        counted(reader, 0, 0);
        done(writer);
        done(reader);
    }
}

TEST(some_formats_read_more_than_they_write)
{
    static const struct { const char *format, *bytes; size_t length; const char *text; } more[] = {
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
        int peer;
        const char *text = more[i].text;
        uint32_t character, should;
        acl_socket *socket = stream_for(&peer, more[i].format, "whole");
        arrive(peer, more[i].bytes, more[i].length);
        shutdown(peer, SHUT_WR);
        read_pieces(socket, text, 100, 0);
        counted(socket, 0, 0);
        gone(socket, peer);
        socket = stream_for(&peer, more[i].format, "byte by byte");
        for (j = 0; j < more[i].length; j++) {
            arrive(peer, more[i].bytes + j, 1);
            while (acl_read_char_no_hang(socket, &character) == ACL_SOCKET_OK) {
                text = next_character(text, &should);
                EQUAL(character, should);
            }
            EQUAL(acl_stream_error_identifier(), ACL_SOCKET_WOULD_BLOCK);
        }
        EQUAL(*text, 0);
        gone(socket, peer);
    }
}

TEST(the_beginning_of_a_character_is_still_bytes)
{
    int peer;
    uint8_t byte;
    uint32_t character;
    acl_socket *socket = stream(&peer, "utf-8", ACL_SOCKET_REPLACE);
    arrive(peer, "\xe2\x82", 2);
    EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
    OK(acl_read_byte(socket, &byte));
    EQUAL(byte, 0xe2);
    OK(acl_read_byte(socket, &byte));
    EQUAL(byte, 0x82);
    arrive(peer, "\xc3", 1);
    EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
    OK(acl_set_stream_external_format(socket, "latin-1"));
    OK(acl_read_char(socket, &character));
    EQUAL(character, 0xc3);
    counted(socket, 0, 0);
    gone(socket, peer);
}

/* Both are called latin-1 by some: only in the true one every byte is its own code point. */
TEST(latin_1_is_not_windows_1252)
{
    int peer, byte;
    uint32_t character;
    unsigned char all[256];
    acl_socket *socket = stream(&peer, "latin-1", ACL_SOCKET_REFUSE);
    for (byte = 0; byte < 256; byte++) {
        all[byte] = (unsigned char)byte;
        OK(acl_write_char(socket, (uint32_t)byte));
    }
    OK(acl_force_output(socket));
    sent(__LINE__, peer, (char *)all, 256);
    arrive(peer, all, 256);
    for (byte = 0; byte < 256; byte++) {
        OK(acl_read_char(socket, &character));
        EQUAL(character, byte);
    }
    OK(acl_set_stream_external_format(socket, "windows-1252"));
    arrive(peer, "\x80\x81\x9f", 3);
    OK(acl_read_char(socket, &character));
    EQUAL(character, 0x20ac);
    OK(acl_read_char(socket, &character));
    EQUAL(character, 0x81);
    OK(acl_read_char(socket, &character));
    EQUAL(character, 0x178);
    gone(socket, peer);
}

TEST(a_shift_state_lasts_between_calls)
{
    int peer;
    acl_socket *socket = stream(&peer, "iso-2022-jp", ACL_SOCKET_REFUSE);
    OK(acl_write_string(socket, "日", 3));
    OK(acl_write_char(socket, 0x672c));
    OK(acl_write_line(socket, "語", 3));
    OK(acl_write_char(socket, 'a'));
    OK(acl_terpri(socket));
    FLUSHED(socket, peer, "\x1b$BF|K\\8l\x1b(B\na\n");
    OK(acl_write_string(socket, "日", 3));
    EQUAL(acl_write_string(socket, "a😀", 5), ACL_SOCKET_ENCODING_ERROR);
    EQUAL(acl_write_char(socket, 0x1f600), ACL_SOCKET_ENCODING_ERROR);
    EQUAL(acl_write_line(socket, "\n\n😀", 6), ACL_SOCKET_ENCODING_ERROR);
    OK(acl_write_string(socket, "本", 3));
    OK(acl_close(socket, 0));
    sent(__LINE__, peer, BYTES("\x1b$BF|K\\\x1b(B"));
    gone(socket, peer);
    socket = stream(&peer, "iso-2022-jp", ACL_SOCKET_REFUSE);
    EQUAL(acl_write_string(socket, "日😀", 7), ACL_SOCKET_ENCODING_ERROR);
    OK(acl_write_string(socket, "a", 1));
    OK(acl_close(socket, 0));
    sent(__LINE__, peer, "a", 1);
    gone(socket, peer);
}

MAIN(CASE(strings_are_written_in_their_format), CASE(characters_are_written_in_their_format),
     CASE(lines_are_written_in_their_format), CASE(characters_are_read_peeked_and_put_back),
     CASE(a_character_that_is_put_back_is_bytes_again), CASE(lines_are_read_as_utf_8), CASE(strings_are_read_as_utf_8),
     CASE(a_character_is_there_when_its_last_byte_is), CASE(long_texts), CASE(some_formats_read_more_than_they_write),
     CASE(the_beginning_of_a_character_is_still_bytes), CASE(latin_1_is_not_windows_1252),
     CASE(a_shift_state_lasts_between_calls))
