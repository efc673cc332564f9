/* What is no text: malformed bytes read, characters written that a format lacks; replaced and counted, or refused. */
#include "test.h"

#define BYTES(literal) literal, sizeof literal - 1
#define ROWS(table) (sizeof table / sizeof *table)
#define R "\xef\xbf\xbd"

typedef struct { const char *format, *bytes; size_t length; const char *text; } row;

/* Malformed bytes that need none behind them to be known as such, and the text that they are read as. */
static const row rows[] = {
    { "utf-8", BYTES("\xff"), R },
    { "utf-8", BYTES("\x80"), R },
    { "utf-8", BYTES("\xbf\xbf"), R R },
    { "utf-8", BYTES("\xc0\x80"), R R },
    { "utf-8", BYTES("\xc1\xbf"), R R },
    { "utf-8", BYTES("\xe0\x80\x80"), R R R },
    { "utf-8", BYTES("\xe0\x9f\xbf"), R R R },
    { "utf-8", BYTES("\xf0\x80\x80\x80"), R R R R },
    { "utf-8", BYTES("\xf0\x8f\xbf\xbf"), R R R R },
    { "utf-8", BYTES("\xed\xa0\x80"), R R R },
    { "utf-8", BYTES("\xed\xbf\xbf"), R R R },
    { "utf-8", BYTES("\xed\xa0"), R R },
    { "utf-8", BYTES("\xf4\x90\x80\x80"), R R R R },
    { "utf-8", BYTES("\xf5\x80\x80\x80"), R R R R },
    { "utf-8", BYTES("\xf8\x88\x80\x80\x80"), R R R R R },
    { "utf-8", BYTES("\xc3""A"), R "A" },
    { "utf-8", BYTES("\xe2\x82""A"), R "A" },
    { "utf-8", BYTES("\xf0\x9f\x98""A"), R "A" },
    { "utf-8", BYTES("\xf0\x9f\x98\n"), R "\n" },
    { "utf-8", BYTES("\xe2\xe2\x82\xac"), R "€" },
    { "utf-8", BYTES("\xf0\x9f\x98\xc3\xa9"), R "é" },
    { "utf-8", BYTES("a\xf1\x80\x80\xe1\x80\xc2""b\x80""c\x80\xbf""d"), "a" R R R "b" R "c" R R "d" },
    { "ascii", BYTES("\x80"), R },
    { "ascii", BYTES("a\xc3\xa9\xff"), "a" R R R },
    { "shift_jis", BYTES("\xa0\xfd\xff"), R R R },
    { "shift_jis", BYTES("\x81 "), R " " },
    { "shift_jis", BYTES("\x81\xff"), R },
    { "shift_jis", BYTES("\x85@"), R "@" },
    { "shift_jis", BYTES("\x85\x9f"), R },
    { "euc-jp", BYTES("\x80\xff"), R R },
    { "euc-jp", BYTES("\xa4""A"), R "A" },
    { "euc-jp", BYTES("\x8f\xa2 "), R " " },
    { "euc-jp", BYTES("\x8e""A"), R "A" },
    { "iso-2022-jp", BYTES("\x80\x0e"), R R },
    { "iso-2022-jp", BYTES("\x1b$B\x80\x1b(B"), R },
    { "iso-2022-jp", BYTES("\x1b$BF\x1b(B"), R },
    { "gbk", BYTES("\xff\x81 "), R R " " },
    { "gb18030", BYTES("\xff"), R },
    { "gb18030", BYTES("\x81 "), R " " },
    { "gb18030", BYTES("\x81\xff"), R },
    { "gb18030", BYTES("\x81""0 "), R "0 " },
    { "gb18030", BYTES("\x81""0\x81 "), R "0" R " " },
    { "gb18030", BYTES("\xfe""0\x81""0A"), R "A" },
    { "big5", BYTES("\x80\xff"), R R },
    { "big5", BYTES("\x81 "), R " " },
    { "big5", BYTES("\x81@"), R "@" },
    { "big5", BYTES("\x81\xff"), R },
    { "euc-kr", BYTES("\x80\xff"), R R },
    { "euc-kr", BYTES("\x81 "), R " " },
    { "euc-kr", BYTES("\xc9\xa1"), R },
    { "euc-kr", BYTES("\xfe""A"), R "A" },
    { "windows-1253", BYTES("\xaa\xe1\xd2"), R "α" R },
    { "utf-16", BYTES("a\0\0\xdc"), "a" R },
    { "utf-16", BYTES("\xfe\xff\xdc\0\xd8\0\0a"), R R "a" },
    { "utf-16le", BYTES("\0\xdc"), R },
    { "utf-16le", BYTES("\0\xd8""A\0"), R "A" },
    { "utf-16le", BYTES("\0\xd8\0\xd8\0\xdc"), R "\xf0\x90\x80\x80" },
    { "utf-16be", BYTES("\xdc\0"), R },
    { "utf-16be", BYTES("\xd8\0\0A"), R "A" },
};

/* Characters that the end of the file cuts off. */
static const row cut[] = {
    { "utf-8", BYTES("\xc3"), R },
    { "utf-8", BYTES("ab\xe2\x82"), "ab" R },
    { "utf-8", BYTES("\xf0"), R },
    { "utf-8", BYTES("\xf0\x9f\x98"), R },
    { "utf-16", BYTES("\xff"), R },
    { "utf-16", BYTES("\xfe\xff\0"), R },
    { "utf-16le", BYTES("a\0b"), "a" R },
    { "utf-16le", BYTES("\x3d\xd8"), R },
    { "utf-16le", BYTES("\x3d\xd8\0"), R },
    { "utf-16be", BYTES("\xd8\x3d\xde"), R },
    { "shift_jis", BYTES("a\x81"), "a" R },
    { "euc-jp", BYTES("\xa4"), R },
    { "euc-jp", BYTES("\x8f\xa2"), R },
    { "iso-2022-jp", BYTES("\x1b$BF"), R },
    { "iso-2022-jp", BYTES("a\x1b"), "a" R },
    { "gbk", BYTES("\x81"), R },
    { "gb18030", BYTES("\x81"), R },
    { "gb18030", BYTES("\x81""0"), R },
    { "gb18030", BYTES("\x81""0\x81"), R },
    { "big5", BYTES("\xa4"), R },
    { "euc-kr", BYTES("\xc7"), R },
};

/* A stream on one end of a pair; the other end stays a descriptor of the test. The row is named for a failure. */
static acl_socket *stream_for(int *peer, const row *of, int32_t policy, const char *how)
{
    int pair[2];
    acl_socket *socket;
    size_t i;
    printf("# %s, %s:", of->format, how);
    for (i = 0; i < of->length; i++)
        printf(" %02x", (unsigned char)of->bytes[i]);
    printf("\n");
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    OK(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .external_format = of->format, .malformed_policy = policy),
        &socket));
    *peer = pair[1];
    return socket;
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

static uint64_t replacements(const char *text)
{
    uint64_t count = 0;
    while ((text = strstr(text, R)) != NULL) {
        text += 3;
        count++;
    }
    return count;
}

/* "ok" and a newline, which must arrive whole whatever was before. */
static void ok_arrives(int peer, const row *behind)
{
    if (strcmp(behind->format, "utf-16be") == 0 || memcmp(behind->bytes, "\xfe\xff", 2) == 0)
        arrive(peer, "\0o\0k\0\n", 6);
    else if (strncmp(behind->format, "utf-16", 6) == 0)
        arrive(peer, "o\0k\0\n\0", 6);
    else
        arrive(peer, "ok\n", 3);
}

/* Code points to UTF-8 behind a text. */
static void append(char *text, uint32_t character)
{
    char *at = text + strlen(text);
    int more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    *at++ = (char)(lead[more] | character >> (6 * more));
    while (more-- > 0)
        *at++ = (char)(0x80 | (character >> (6 * more) & 0x3f));
    *at = 0;
}

TEST(malformed_characters_are_replaced_without_waiting)
{
    size_t i;
    int peeks;
    for (i = 0; i < 2 * ROWS(rows); i++) {
        int peer;
        uint32_t character, should;
        const row *of = &rows[i / 2];
        const char *text = of->text;
        acl_socket *socket = stream_for(&peer, of, ACL_SOCKET_REPLACE, i % 2 ? "peek_char" : "read_char");
        arrive(peer, of->bytes, of->length);
        while (*text) {
            text = next_character(text, &should);
            for (peeks = i % 2 ? 2 : 0; peeks > 0; peeks--) {
                OK(acl_peek_char(socket, &character));
                EQUAL(character, should);
            }
            OK(acl_read_char(socket, &character));
            EQUAL(character, should);
        }
        counted(socket, replacements(of->text), 0);
        EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
        gone(socket, peer);
    }
}

TEST(malformed_characters_byte_by_byte)
{
    size_t i, j;
    for (i = 0; i < ROWS(rows); i++) {
        int peer;
        uint32_t character;
        char text[100] = "";
        acl_socket *socket = stream_for(&peer, &rows[i], ACL_SOCKET_REPLACE, "byte by byte");
        for (j = 0; j < rows[i].length; j++) {
            arrive(peer, rows[i].bytes + j, 1);
            while (acl_read_char_no_hang(socket, &character) == ACL_SOCKET_OK)
                append(text, character);
            EQUAL(acl_stream_error_identifier(), ACL_SOCKET_WOULD_BLOCK);
        }
        TEXT(text, rows[i].text);
        ok_arrives(peer, &rows[i]);
        for (j = 0; j < 3; j++) {
            OK(acl_read_char(socket, &character));
            EQUAL(character, "ok\n"[j]);
        }
        counted(socket, replacements(rows[i].text), 0);
        gone(socket, peer);
    }
}

/* Under both policies; what a call that is refused gives counts too, as what came before. */
TEST(malformed_characters_in_lines_and_strings)
{
    static const char *ways[] = { "read_line", "read_line_view", "read_string", "read_string, partial" };
    size_t i;
    int way;
    for (i = 0; i < ROWS(rows); i++) {
        for (way = 0; way < 8; way++) {
            int peer, kind = way / 2, refuse = way % 2;
            char text[200] = "", should[100], piece[50];
            const char *view = piece;
            size_t length;
            acl_status status;
            acl_socket *socket = stream_for(&peer, &rows[i], refuse ? ACL_SOCKET_REFUSE : ACL_SOCKET_REPLACE, ways[kind]);
            arrive(peer, rows[i].bytes, rows[i].length);
            ok_arrives(peer, &rows[i]);
            shutdown(peer, SHUT_WR);
            do {
                length = 0;
                status = kind == 0 ? acl_read_line(socket, piece, sizeof piece, &length)
                    : kind == 1 ? acl_read_line_view(socket, &view, &length)
                    : acl_read_string(socket, piece, 5, kind == 3, &length);
                CHECK(strlen(text) + length < 100);
                strncat(text, view, length);
                if (status == ACL_SOCKET_DECODING_ERROR)
                    strcat(text, R);
                if (status == ACL_SOCKET_OK && kind < 2)
                    strcat(text, "\n");
            } while (status == ACL_SOCKET_OK || (refuse && status == ACL_SOCKET_DECODING_ERROR));
            EQUAL(status, ACL_SOCKET_END_OF_FILE);
            snprintf(should, sizeof should, "%sok\n", rows[i].text);
            TEXT(text, should);
            counted(socket, refuse ? 0 : replacements(rows[i].text), 0);
            gone(socket, peer);
        }
    }
}

TEST(malformed_characters_are_refused_once_each)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int peer, no_hang;
        for (no_hang = 0; no_hang < 2; no_hang++) {
            uint32_t character, should;
            const char *text = rows[i].text;
            acl_socket *socket = stream_for(&peer, &rows[i], ACL_SOCKET_REFUSE, no_hang ? "refused, no hang" : "refused");
            arrive(peer, rows[i].bytes, rows[i].length);
            while (*text) {
                acl_status status = no_hang ? acl_read_char_no_hang(socket, &character) : acl_read_char(socket, &character);
                text = next_character(text, &should);
                EQUAL(status, should == 0xfffd ? ACL_SOCKET_DECODING_ERROR : ACL_SOCKET_OK);
                EQUAL(should == 0xfffd ? should : character, should);
            }
            EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
            ok_arrives(peer, &rows[i]);
            OK(acl_read_char(socket, &character));
            EQUAL(character, 'o');
            counted(socket, 0, 0);
            gone(socket, peer);
        }
    }
}

TEST(a_line_with_refused_characters)
{
    static const row of = { "utf-8", BYTES("ab\xff\xff""c\nd\n\xc0"), "" };
    int peer;
    char line[20];
    size_t length;
    uint8_t byte;
    acl_socket *socket = stream_for(&peer, &of, ACL_SOCKET_REFUSE, "read_line");
    arrive(peer, of.bytes, of.length);
    EQUAL(acl_read_line(socket, line, sizeof line, &length), ACL_SOCKET_DECODING_ERROR);
    EQUAL(length, 2);
    TEXT(line, "ab");
    EQUAL(acl_read_line(socket, line, sizeof line, &length), ACL_SOCKET_DECODING_ERROR);
    EQUAL(length, 0);
    TEXT(line, "");
    OK(acl_read_line(socket, line, sizeof line, &length));
    TEXT(line, "c");
    OK(acl_read_line(socket, line, sizeof line, &length));
    TEXT(line, "d");
    counted(socket, 0, 0);
    OK(acl_set_malformed_policy(socket, ACL_SOCKET_REPLACE));
    arrive(peer, "\xffz", 2);
    OK(acl_read_byte(socket, &byte));
    EQUAL(byte, 0xc0);
    shutdown(peer, SHUT_WR);
    OK(acl_read_line(socket, line, sizeof line, &length));
    TEXT(line, R "z");
    counted(socket, 1, 0);
    gone(socket, peer);
}

TEST(a_character_cut_off_is_malformed_once)
{
    size_t i;
    int way;
    for (i = 0; i < ROWS(cut); i++) {
        for (way = 0; way < 6; way++) {
            static const char *ways[] = {
                "cut, read_char", "cut, later", "cut, read_line", "cut, read_line_view", "cut, read_string", "cut, refused",
            };
            int peer, refused = 0;
            char text[100] = "", piece[50];
            const char *view = piece;
            size_t length = 0;
            uint32_t character;
            acl_status status;
            acl_socket *socket = stream_for(&peer, &cut[i], way == 5 ? ACL_SOCKET_REFUSE : ACL_SOCKET_REPLACE, ways[way]);
            arrive(peer, cut[i].bytes, cut[i].length);
            if (way == 1) {
                while ((status = acl_read_char_no_hang(socket, &character)) == ACL_SOCKET_OK)
                    append(text, character);
                EQUAL(status, ACL_SOCKET_WOULD_BLOCK);
                EQUAL(strlen(text), strlen(cut[i].text) - 3);
                counted(socket, 0, 0);
            }
            shutdown(peer, SHUT_WR);
            if (way == 2 || way == 3) {
                OK(way == 2 ? acl_read_line(socket, piece, sizeof piece, &length) : acl_read_line_view(socket, &view, &length));
                strncat(text, view, length);
            } else if (way == 4) {
                EQUAL(acl_read_string(socket, piece, sizeof piece, 0, &length), ACL_SOCKET_END_OF_FILE);
                strncat(text, piece, length);
            } else {
                while ((status = acl_read_char(socket, &character)) != ACL_SOCKET_END_OF_FILE) {
                    CHECK(strlen(text) < 50 && (status == ACL_SOCKET_OK || status == ACL_SOCKET_DECODING_ERROR));
                    if (status == ACL_SOCKET_DECODING_ERROR)
                        strcat(text, R), refused++;
                    else
                        append(text, character);
                }
            }
            TEXT(text, cut[i].text);
            EQUAL(refused, way == 5);
            counted(socket, way != 5, 0);
            EQUAL(acl_read_char(socket, &character), ACL_SOCKET_END_OF_FILE);
            EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_END_OF_FILE);
            EQUAL(acl_read_line(socket, piece, sizeof piece, &length), ACL_SOCKET_END_OF_FILE);
            counted(socket, way != 5, 0);
            gone(socket, peer);
        }
    }
}

TEST(policies)
{
    static const row of = { "utf-8", BYTES(""), "" };
    int peer;
    int32_t policy;
    acl_socket *socket = stream_for(&peer, &of, 0, "policies");
    OK(acl_malformed_policy(socket, &policy));
    EQUAL(policy, ACL_SOCKET_REPLACE);
    OK(acl_set_malformed_policy(socket, ACL_SOCKET_REFUSE));
    EQUAL(acl_set_malformed_policy(socket, 2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_set_malformed_policy(socket, -1), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_malformed_policy(socket, &policy));
    EQUAL(policy, ACL_SOCKET_REFUSE);
    EQUAL(acl_malformed_policy(socket, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_malformed_policy(NULL, &policy), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_set_malformed_policy(NULL, 0), ACL_SOCKET_INVALID_HANDLE);
    gone(socket, peer);
}

TEST(characters_that_a_format_lacks)
{
    static const struct { const char *format, *text, *bytes; size_t length; uint64_t count; } lacking[] = {
        { "latin-1", "a€é\n", BYTES("a?\xe9\n"), 1 },
        { "latin-1", "Āā\n", BYTES("??\n"), 2 },
        { "ascii", "aé日😀z\n", BYTES("a???z\n"), 3 },
        { "ascii", "\xc2\x80\n", BYTES("?\n"), 1 },
        { "shift_jis", "a😀é表\n", BYTES("a??\x95\\\n"), 2 },
        { "euc-jp", "😀\n", BYTES("?\n"), 1 },
        { "iso-2022-jp", "日😀本\n", BYTES("\x1b$BF|\x1b(B?\x1b$BK\\\x1b(B\n"), 1 },
        { "gbk", "中😀\n", BYTES("\xd6\xd0?\n"), 1 },
        { "big5", "😀中\n", BYTES("?\xa4\xa4\n"), 1 },
        { "euc-kr", "😀한\n", BYTES("?\xc7\xd1\n"), 1 },
        { "windows-1252", "\xc2\x80Ж\n", BYTES("??\n"), 2 },
        { "koi8-r", "é€Я\n", BYTES("??\xf1\n"), 2 },
        { "iso-8859-15", "¤\n", BYTES("?\n"), 1 },
    };
    size_t i;
    for (i = 0; i < ROWS(lacking); i++) {
        int peer;
        uint32_t character;
        const char *text = lacking[i].text;
        const row of = { lacking[i].format, lacking[i].bytes, lacking[i].length, "" };
        acl_socket *socket = stream_for(&peer, &of, ACL_SOCKET_REPLACE, "lacking");
        OK(acl_write_string(socket, text, strlen(text)));
        OK(acl_force_output(socket));
        sent(__LINE__, peer, lacking[i].bytes, lacking[i].length);
        counted(socket, 0, lacking[i].count);
        while (*text) {
            text = next_character(text, &character);
            OK(acl_write_char(socket, character));
        }
        OK(acl_force_output(socket));
        sent(__LINE__, peer, lacking[i].bytes, lacking[i].length);
        counted(socket, 0, 2 * lacking[i].count);
        OK(acl_set_malformed_policy(socket, ACL_SOCKET_REFUSE));
        EQUAL(acl_write_string(socket, lacking[i].text, strlen(lacking[i].text)), ACL_SOCKET_ENCODING_ERROR);
        EQUAL(acl_write_line(socket, lacking[i].text, strlen(lacking[i].text)), ACL_SOCKET_ENCODING_ERROR);
        OK(acl_force_output(socket));
        sent(__LINE__, peer, "", 0);
        OK(acl_write_string(socket, "ok\n", 3));
        FLUSHED(socket, peer, "ok\n");
        counted(socket, 0, 2 * lacking[i].count);
        gone(socket, peer);
    }
}

TEST(a_long_text_is_refused_whole)
{
    static char text[100000];
    static const row of = { "latin-1", BYTES(""), "" };
    int peer;
    acl_socket *socket = stream_for(&peer, &of, ACL_SOCKET_REFUSE, "long");
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 3, "€", 3);
    OK(acl_write_string(socket, "before ", 7));
    EQUAL(acl_write_string(socket, text, sizeof text), ACL_SOCKET_ENCODING_ERROR);
    OK(acl_write_string(socket, "after", 5));
    FLUSHED(socket, peer, "before after");
    EQUAL(acl_write_string(socket, "ab\xe2\x82", 4), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_write_line(socket, "\xed\xa0\x80", 3), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_write_char(socket, 0xd800), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_write_char(socket, 0x110000), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_write_char(socket, 0xe9));
    FLUSHED(socket, peer, "\xe9");
    gone(socket, peer);
}

MAIN(CASE(malformed_characters_are_replaced_without_waiting), CASE(malformed_characters_byte_by_byte),
     CASE(malformed_characters_in_lines_and_strings), CASE(malformed_characters_are_refused_once_each),
     CASE(a_line_with_refused_characters), CASE(a_character_cut_off_is_malformed_once), CASE(policies),
     CASE(characters_that_a_format_lacks), CASE(a_long_text_is_refused_whole))
