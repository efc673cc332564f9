/* What is no text: malformed bytes read, characters written that a format lacks; replaced and counted, or refused. */
#include "functions.h"

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

/* A stream for a row of a table, which a failure is to name. */
static acl_socket *stream_for(int *raw, const row *of, int32_t policy, const char *how)
{
    size_t i;
    printf("# %s, %s:", of->format, how);
    for (i = 0; i < of->length; i++)
        printf(" %02x", (unsigned char)of->bytes[i]);
    printf("\n");
    return STREAM(raw, .external_format = of->format, .malformed_policy = policy);
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
static void ok_arrives(int raw, const row *behind)
{
    if (strcmp(behind->format, "utf-16be") == 0 || memcmp(behind->bytes, "\xfe\xff", 2) == 0)
        PUT(raw, "\0o\0k\0\n");
    else if (strncmp(behind->format, "utf-16", 6) == 0)
        PUT(raw, "o\0k\0\n\0");
    else
        PUT(raw, "ok\n");
}

TEST(malformed_characters_are_replaced_without_waiting)
{
    size_t i;
    int peeks;
    for (i = 0; i < 2 * ROWS(rows); i++) {
        int raw;
        uint32_t should;
        const row *of = &rows[i / 2];
        const char *text = of->text;
        acl_socket *stream = stream_for(&raw, of, ACL_SOCKET_REPLACE, i % 2 ? "peek_char" : "read_char");
        put(raw, of->bytes, of->length);
        while (*text) {
            text = next_character(text, &should);
            for (peeks = i % 2 ? 2 : 0; peeks > 0; peeks--)
                PEEKED(stream, should);
            CHARACTER(stream, should);
        }
        counted(stream, replacements(of->text), 0);
        NOT_YET(stream);
        gone(stream, raw);
    }
}

TEST(malformed_characters_byte_by_byte)
{
    size_t i, j;
    for (i = 0; i < ROWS(rows); i++) {
        int raw;
        uint32_t character;
        char text[100] = "";
        acl_socket *stream = stream_for(&raw, &rows[i], ACL_SOCKET_REPLACE, "byte by byte");
        for (j = 0; j < rows[i].length; j++) {
            put(raw, rows[i].bytes + j, 1);
            while (acl_read_char_no_hang(stream, &character) == ACL_SOCKET_OK)
                append(text, character);
            EQUAL(acl_stream_error_identifier(), ACL_SOCKET_WOULD_BLOCK);
        }
        TEXT(text, rows[i].text);
        ok_arrives(raw, &rows[i]);
        for (j = 0; j < 3; j++)
            CHARACTER(stream, "ok\n"[j]);
        counted(stream, replacements(rows[i].text), 0);
        gone(stream, raw);
    }
}

/* Under both policies; what a call that is refused gives counts too, as what came before. */
TEST(malformed_characters_in_lines_and_strings)
{
    size_t i;
    int reader, refuse;
    for (i = 0; i < ROWS(rows); i++) {
        for (reader = READ_STRING; reader < READERS; reader++) {
            for (refuse = 0; refuse < 2; refuse++) {
                int raw;
                char text[200] = "", should[100], room[50];
                const char *data;
                size_t length;
                acl_status status;
                acl_socket *stream = stream_for(&raw, &rows[i], refuse ? ACL_SOCKET_REFUSE : ACL_SOCKET_REPLACE,
                    reader_name(reader));
                put(raw, rows[i].bytes, rows[i].length);
                ok_arrives(raw, &rows[i]);
                end_input(stream, raw);
                do {
                    status = read_by(reader, stream, room, reader < LINE_READERS ? 5 : sizeof room, &data, &length);
                    CHECK(strlen(text) + length < 100);
                    strncat(text, data, length);
                    if (status == ACL_SOCKET_DECODING_ERROR)
                        strcat(text, R);
                    if (status == ACL_SOCKET_OK && reader >= LINE_READERS)
                        strcat(text, "\n");
                } while (status == ACL_SOCKET_OK || (refuse && status == ACL_SOCKET_DECODING_ERROR));
                EQUAL(status, ACL_SOCKET_END_OF_FILE);
                snprintf(should, sizeof should, "%sok\n", rows[i].text);
                TEXT(text, should);
                counted(stream, refuse ? 0 : replacements(rows[i].text), 0);
                gone(stream, raw);
            }
        }
    }
}

TEST(malformed_characters_are_refused_once_each)
{
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int raw, no_hang;
        for (no_hang = 0; no_hang < 2; no_hang++) {
            uint32_t character, should;
            const char *text = rows[i].text;
            acl_socket *stream = stream_for(&raw, &rows[i], ACL_SOCKET_REFUSE, no_hang ? "refused, no hang" : "refused");
            put(raw, rows[i].bytes, rows[i].length);
            while (*text) {
                acl_status status = no_hang ? acl_read_char_no_hang(stream, &character) : acl_read_char(stream, &character);
                text = next_character(text, &should);
                EQUAL(status, should == 0xfffd ? ACL_SOCKET_DECODING_ERROR : ACL_SOCKET_OK);
                EQUAL(should == 0xfffd ? should : character, should);
            }
            NOT_YET(stream);
            ok_arrives(raw, &rows[i]);
            CHARACTER(stream, 'o');
            counted(stream, 0, 0);
            gone(stream, raw);
        }
    }
}

TEST(a_line_with_refused_characters)
{
    static const row of = { "utf-8", BYTES("ab\xff\xff""c\nd\n\xc0"), "" };
    int raw;
    char line[20];
    size_t length;
    acl_socket *stream = stream_for(&raw, &of, ACL_SOCKET_REFUSE, "read_line");
    put(raw, of.bytes, of.length);
    EQUAL(acl_read_line(stream, line, sizeof line, &length), ACL_SOCKET_DECODING_ERROR);
    EQUAL(length, 2);
    TEXT(line, "ab");
    EQUAL(acl_read_line(stream, line, sizeof line, &length), ACL_SOCKET_DECODING_ERROR);
    EQUAL(length, 0);
    TEXT(line, "");
    READS_LINE(stream, "c");
    READS_LINE(stream, "d");
    counted(stream, 0, 0);
    OK(acl_set_malformed_policy(stream, ACL_SOCKET_REPLACE));
    PUT(raw, "\xffz");
    BYTE(stream, 0xc0);
    shutdown(raw, SHUT_WR);
    READS_LINE(stream, R "z");
    counted(stream, 1, 0);
    gone(stream, raw);
}

TEST(a_character_cut_off_is_malformed_once)
{
    size_t i;
    int reader, way;
    for (i = 0; i < ROWS(cut); i++) {
        for (reader = TEXT_READERS; reader < READERS; reader++) {
            for (way = 0; way < 4; way++) {
                int raw, refuse = way % 2, later = way / 2, refused = 0;
                char text[100] = "", room[50];
                const char *data;
                size_t length;
                uint32_t character;
                acl_status status;
                acl_socket *stream = stream_for(&raw, &cut[i], refuse ? ACL_SOCKET_REFUSE : ACL_SOCKET_REPLACE,
                    reader_name(reader));
                put(raw, cut[i].bytes, cut[i].length);
                if (later) {
                    while ((status = acl_read_char_no_hang(stream, &character)) == ACL_SOCKET_OK)
                        append(text, character);
                    EQUAL(status, ACL_SOCKET_WOULD_BLOCK);
                    EQUAL(strlen(text), strlen(cut[i].text) - 3);
                    counted(stream, 0, 0);
                }
                end_input(stream, raw);
                do {
                    status = read_by(reader, stream, room, sizeof room, &data, &length);
                    CHECK(strlen(text) + length < 50);
                    strncat(text, data, length);
                    if (status == ACL_SOCKET_DECODING_ERROR)
                        strcat(text, R), refused++;
                } while (status == ACL_SOCKET_OK || status == ACL_SOCKET_DECODING_ERROR);
                EQUAL(status, ACL_SOCKET_END_OF_FILE);
                TEXT(text, cut[i].text);
                EQUAL(refused, refuse);
                counted(stream, !refuse, 0);
                EQUAL(acl_read_char(stream, &character), ACL_SOCKET_END_OF_FILE);
                EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_END_OF_FILE);
                EQUAL(acl_read_line(stream, room, sizeof room, &length), ACL_SOCKET_END_OF_FILE);
                counted(stream, !refuse, 0);
                gone(stream, raw);
            }
        }
    }
}

TEST(policies)
{
    static const row of = { "utf-8", BYTES(""), "" };
    int raw;
    int32_t policy;
    acl_socket *stream = stream_for(&raw, &of, 0, "policies");
    OK(acl_malformed_policy(stream, &policy));
    EQUAL(policy, ACL_SOCKET_REPLACE);
    OK(acl_set_malformed_policy(stream, ACL_SOCKET_REFUSE));
    EQUAL(acl_set_malformed_policy(stream, 2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_set_malformed_policy(stream, -1), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_malformed_policy(stream, &policy));
    EQUAL(policy, ACL_SOCKET_REFUSE);
    EQUAL(acl_malformed_policy(stream, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_malformed_policy(NULL, &policy), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_set_malformed_policy(NULL, 0), ACL_SOCKET_INVALID_HANDLE);
    gone(stream, raw);
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
        int raw;
        uint32_t character;
        const char *text = lacking[i].text;
        const row of = { lacking[i].format, lacking[i].bytes, lacking[i].length, "" };
        acl_socket *stream = stream_for(&raw, &of, ACL_SOCKET_REPLACE, "lacking");
        OK(acl_write_string(stream, text, strlen(text)));
        OK(acl_force_output(stream));
        SENT_BYTES(raw, lacking[i].bytes, lacking[i].length);
        counted(stream, 0, lacking[i].count);
        while (*text) {
            text = next_character(text, &character);
            OK(acl_write_char(stream, character));
        }
        OK(acl_force_output(stream));
        SENT_BYTES(raw, lacking[i].bytes, lacking[i].length);
        counted(stream, 0, 2 * lacking[i].count);
        OK(acl_set_malformed_policy(stream, ACL_SOCKET_REFUSE));
        EQUAL(acl_write_string(stream, lacking[i].text, strlen(lacking[i].text)), ACL_SOCKET_ENCODING_ERROR);
        EQUAL(acl_write_line(stream, lacking[i].text, strlen(lacking[i].text)), ACL_SOCKET_ENCODING_ERROR);
        OK(acl_force_output(stream));
        SENT(raw, "");
        OK(acl_write_string(stream, "ok\n", 3));
        FLUSHED(stream, raw, "ok\n");
        counted(stream, 0, 2 * lacking[i].count);
        gone(stream, raw);
    }
}

TEST(a_long_text_is_refused_whole)
{
    static char text[100000];
    static const row of = { "latin-1", BYTES(""), "" };
    int raw;
    acl_socket *stream = stream_for(&raw, &of, ACL_SOCKET_REFUSE, "long");
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 3, "€", 3);
    OK(acl_write_string(stream, "before ", 7));
    EQUAL(acl_write_string(stream, text, sizeof text), ACL_SOCKET_ENCODING_ERROR);
    OK(acl_write_string(stream, "after", 5));
    FLUSHED(stream, raw, "before after");
    EQUAL(acl_write_string(stream, "ab\xe2\x82", 4), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_write_line(stream, "\xed\xa0\x80", 3), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_write_char(stream, 0xd800), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_write_char(stream, 0x110000), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_write_char(stream, 0xe9));
    FLUSHED(stream, raw, "\xe9");
    gone(stream, raw);
}

MAIN(CASE(malformed_characters_are_replaced_without_waiting), CASE(malformed_characters_byte_by_byte),
     CASE(malformed_characters_in_lines_and_strings), CASE(malformed_characters_are_refused_once_each),
     CASE(a_line_with_refused_characters), CASE(a_character_cut_off_is_malformed_once), CASE(policies),
     CASE(characters_that_a_format_lacks), CASE(a_long_text_is_refused_whole))
