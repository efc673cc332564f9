/* Eol conventions: what newlines are read from and written as, in characters and not in bytes. */
#include "functions.h"


static const char *names[] = { "unix", "dos", "mac", "anynl-unix", "anynl-dos", "anynl-mac" };
static const char *written[] = { "\n", "\r\n", "\r", "\n", "\r\n", "\r" };
static const char *formats[] = { "utf-8", "latin-1", "utf-16le" };

/* What arrives, and how it reads in unix, dos, mac and any of the anynl conventions. */
static const struct { const char *bytes, *as[4]; } rows[] = {
    { "", { "", "", "", "" } },
    { "a\nb", { "a\nb", "a\nb", "a\nb", "a\nb" } },
    { "a\r\nb", { "a\r\nb", "a\nb", "a\n\nb", "a\nb" } },
    { "a\rb", { "a\rb", "a\rb", "a\nb", "a\nb" } },
    { "a\r\r\nb", { "a\r\r\nb", "a\r\nb", "a\n\n\nb", "a\n\nb" } },
    { "a\n\rb", { "a\n\rb", "a\n\rb", "a\n\nb", "a\n\nb" } },
    { "a\r\n\nb", { "a\r\n\nb", "a\n\nb", "a\n\n\nb", "a\n\nb" } },
    { "a\n\r\nb", { "a\n\r\nb", "a\n\nb", "a\n\n\nb", "a\n\nb" } },
    { "a\r", { "a\r", "a\r", "a\n", "a\n" } },
    { "a\r\r", { "a\r\r", "a\r\r", "a\n\n", "a\n\n" } },
    { "a\n", { "a\n", "a\n", "a\n", "a\n" } },
    { "a\r\n", { "a\r\n", "a\n", "a\n\n", "a\n" } },
    { "\r", { "\r", "\r", "\n", "\n" } },
    { "\r\n\r\n", { "\r\n\r\n", "\n\n", "\n\n\n\n", "\n\n" } },
    { "\n\n\nb", { "\n\n\nb", "\n\n\nb", "\n\n\nb", "\n\n\nb" } },
    { "\r\r\rb", { "\r\r\rb", "\r\r\rb", "\n\n\nb", "\n\n\nb" } },
    { "a\r\nb\rc\nd\r\n", { "a\r\nb\rc\nd\r\n", "a\nb\rc\nd\n", "a\n\nb\nc\nd\n\n", "a\nb\nc\nd\n" } },
};

static const char *reads_as(size_t row, int32_t eol)
{
    return rows[row].as[eol > 3 ? 3 : eol];
}

/* Runs the statement behind it for each row, format and convention. */
#define EACH_ROW \
    for (size_t r = 0; r < ROWS(rows); r++) for (size_t f = 0; f < ROWS(formats); f++) for (int32_t eol = 0; eol < 6; eol++)

/* A stream for one of them, which a failure is to name. */
static acl_socket *stream_for(int *raw, size_t r, size_t f, int32_t eol, const char *how)
{
    printf("# row %d, %s, %s, %s\n", (int)r, formats[f], names[eol], how);
    return STREAM(raw, .external_format = formats[f], .eol_convention = eol);
}

/* ASCII text in one of the formats. */
static size_t encode(const char *format, const char *text, char *bytes)
{
    size_t size = 0;
    for (; *text; text++) {
        bytes[size++] = *text;
        if (strncmp(format, "utf-16", 6) == 0)
            bytes[size++] = 0;
    }
    return size;
}

static void put_text(int raw, const char *format, const char *text)
{
    char bytes[200];
    put(raw, bytes, encode(format, text, bytes));
}

/* What is written becomes this text in its format and no more. */
static void writes(int line, acl_socket *stream, int raw, const char *format, const char *text)
{
    char bytes[200];
    OK(acl_force_output(stream));
    sent(__FILE__, line, raw, bytes, encode(format, text, bytes));
}

#define WRITES(stream, raw, format, text) writes(__LINE__, stream, raw, format, text)

/* The same when all of the row has arrived. */
static acl_socket *stream_of(int *raw, size_t r, size_t f, int32_t eol, const char *how)
{
    acl_socket *stream = stream_for(raw, r, f, eol, how);
    put_text(*raw, formats[f], rows[r].bytes);
    end_input(stream, *raw);
    return stream;
}

TEST(newlines_in_characters)
{
    EACH_ROW {
        int raw;
        uint32_t character;
        const char *text = reads_as(r, eol);
        acl_socket *stream = stream_of(&raw, r, f, eol, "characters");
        for (; *text; text++) {
            PEEKED(stream, *text);
            CHARACTER(stream, *text);
            OK(acl_unread_char(stream, (uint32_t)*text));
            AT_ONCE(stream, *text);
        }
        EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_char(stream, &character), ACL_SOCKET_END_OF_FILE);
        gone(stream, raw);
    }
}

TEST(newlines_in_characters_byte_by_byte)
{
    EACH_ROW {
        int raw;
        uint32_t character;
        char bytes[100];
        const char *text = reads_as(r, eol);
        size_t i, size = encode(formats[f], rows[r].bytes, bytes);
        acl_socket *stream = stream_for(&raw, r, f, eol, "byte by byte");
        for (i = 0; i < size; i++) {
            put(raw, bytes + i, 1);
            while (acl_read_char_no_hang(stream, &character) == ACL_SOCKET_OK)
                EQUAL(character, *text++);
            EQUAL(acl_stream_error_identifier(), ACL_SOCKET_WOULD_BLOCK);
        }
        shutdown(raw, SHUT_WR);
        while (acl_read_char(stream, &character) == ACL_SOCKET_OK)
            EQUAL(character, *text++);
        EQUAL(acl_stream_error_identifier(), ACL_SOCKET_END_OF_FILE);
        EQUAL(*text, 0);
        gone(stream, raw);
    }
}

TEST(newlines_end_lines)
{
    EACH_ROW {
        int reader;
        for (reader = LINE_READERS; reader < READERS; reader++) {
            int raw;
            const char *text = reads_as(r, eol), *line;
            char room[50];
            size_t length, size;
            acl_socket *stream = stream_of(&raw, r, f, eol, reader_name(reader));
            for (; *text; text += size + (text[size] == '\n')) {
                size = strcspn(text, "\n");
                OK(read_by(reader, stream, room, sizeof room, &line, &length));
                EQUAL(length, size);
                SAME(line, text, size);
            }
            EQUAL(acl_read_line(stream, room, sizeof room, &length), ACL_SOCKET_END_OF_FILE);
            EQUAL(acl_read_line_view(stream, &line, &length), ACL_SOCKET_END_OF_FILE);
            gone(stream, raw);
        }
    }
}

TEST(newlines_in_strings)
{
    EACH_ROW {
        int raw;
        char text[50];
        acl_socket *stream = stream_of(&raw, r, f, eol, "read_string");
        EQUAL(acl_read_string(stream, text, sizeof text, 0, NULL), ACL_SOCKET_END_OF_FILE);
        TEXT(text, reads_as(r, eol));
        gone(stream, raw);
    }
}

/* A reader of lines that waited for what follows a CR would wait for an answer to a question it has not asked. */
TEST(anynl_gives_a_newline_at_once)
{
    int32_t eol;
    size_t f;
    for (f = 0; f < ROWS(formats); f++) {
        for (eol = ACL_SOCKET_EOL_ANYNL_UNIX; eol <= ACL_SOCKET_EOL_ANYNL_MAC; eol++) {
            int raw;
            uint32_t character;
            char line[20];
            const char *view;
            size_t length;
            acl_socket *stream = STREAM(&raw, .external_format = formats[f], .eol_convention = eol);
            put_text(raw, formats[f], "\r");
            CHARACTER(stream, '\n');
            NOT_YET(stream);
            put_text(raw, formats[f], "\n");
            NOT_YET(stream);
            LISTENS(stream, 0);
            put_text(raw, formats[f], "\na\r");
            CHARACTER(stream, '\n');
            READS_LINE(stream, "a");
            put_text(raw, formats[f], "\nb\r");
            READS_LINE(stream, "b");
            put_text(raw, formats[f], "\nc\r");
            OK(acl_read_line_view(stream, &view, &length));
            EQUAL(length, 1);
            EQUAL(*view, 'c');
            put_text(raw, formats[f], "\nd\r");
            OK(acl_read_string(stream, line, 7, 1, &length));
            TEXT(line, "d\n");
            put_text(raw, formats[f], "\n\r");
            PEEKED(stream, '\n');
            CHARACTER(stream, '\n');
            OK(acl_unread_char(stream, '\n'));
            put_text(raw, formats[f], "\ne\r");
            READS_LINE(stream, "");
            READS_LINE(stream, "e");
            put_text(raw, formats[f], "\n");
            shutdown(raw, SHUT_WR);
            EQUAL(acl_read_char(stream, &character), ACL_SOCKET_END_OF_FILE);
            gone(stream, raw);
        }
    }
}

TEST(bytes_behind_a_newline_do_not_begin_with_its_lf)
{
    int reader;
    for (reader = READ_BYTE; reader < TEXT_READERS; reader++) {
        int raw;
        char room[10];
        const char *bytes;
        const void *data;
        size_t length;
        acl_socket *stream = STREAM(&raw, .eol_convention = ACL_SOCKET_EOL_ANYNL_DOS);
        printf("# %s\n", reader_name(reader));
        PUT(raw, "\r");
        CHARACTER(stream, '\n');
        PUT(raw, "\n\nx");
        if (reader == PEEK_INPUT) {
            OK(acl_peek_input(stream, 2, &data, &length));
            EQUAL(length, 2);
            SAME(data, "\nx", 2);
        }
        OK(read_by(reader, stream, room, 1, &bytes, &length));
        EQUAL(length, 1);
        EQUAL(*bytes, '\n');
        CHARACTER(stream, 'x');
        gone(stream, raw);
    }
}

TEST(a_newline_that_is_put_back)
{
    int raw;
    acl_socket *stream = STREAM(&raw, .eol_convention = ACL_SOCKET_EOL_DOS);
    PUT(raw, "\r\n\r\nx");
    CHARACTER(stream, '\n');
    EQUAL(acl_unread_char(stream, '\r'), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_unread_char(stream, '\n'));
    CHARACTER(stream, '\n');
    CHARACTER(stream, '\n');
    OK(acl_unread_char(stream, '\n'));
    BYTE(stream, 13);
    BYTE(stream, 10);
    BYTE(stream, 'x');
    gone(stream, raw);
}

TEST(dos_waits_for_what_follows_a_cr)
{
    int raw;
    uint32_t character;
    acl_socket *stream = STREAM(&raw, .eol_convention = ACL_SOCKET_EOL_DOS);
    PUT(raw, "\r");
    NOT_YET(stream);
    PUT(raw, "\n");
    AT_ONCE(stream, '\n');
    PUT(raw, "\r");
    NOT_YET(stream);
    BYTE(stream, 13);
    PUT(raw, "\r");
    NOT_YET(stream);
    shutdown(raw, SHUT_WR);
    AT_ONCE(stream, '\r');
    EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_END_OF_FILE);
    gone(stream, raw);
}

TEST(newlines_are_written)
{
    size_t f;
    int32_t eol;
    for (f = 0; f < ROWS(formats); f++) {
        for (eol = 0; eol < 6; eol++) {
            int raw;
            char should[20];
            const char *nl = written[eol];
            acl_socket *stream = STREAM(&raw, .external_format = formats[f], .eol_convention = eol);
            printf("# %s, %s, written\n", formats[f], names[eol]);
            OK(acl_write_char(stream, '\n'));
            WRITES(stream, raw, formats[f], nl);
            OK(acl_terpri(stream));
            WRITES(stream, raw, formats[f], nl);
            OK(acl_write_string(stream, "a\n\nb\rc\n", 7));
            snprintf(should, sizeof should, "a%s%sb\rc%s", nl, nl, nl);
            WRITES(stream, raw, formats[f], should);
            OK(acl_write_string(stream, "\r\n", 2));
            snprintf(should, sizeof should, "\r%s", nl);
            WRITES(stream, raw, formats[f], should);
            OK(acl_write_char(stream, '\r'));
            WRITES(stream, raw, formats[f], "\r");
            OK(acl_terpri(stream));
            OK(acl_write_line(stream, "x\ny", 3));
            snprintf(should, sizeof should, "%sx%sy%s", nl, nl, nl);
            WRITES(stream, raw, formats[f], should);
            OK(acl_write_line(stream, "", 0));
            WRITES(stream, raw, formats[f], nl);
            FRESH(stream, 0);
            OK(acl_write_char(stream, 'a'));
            FRESH(stream, 1);
            FRESH(stream, 0);
            snprintf(should, sizeof should, "a%s", nl);
            WRITES(stream, raw, formats[f], should);
            OK(acl_write_string(stream, "b\nc", 3));
            OK(acl_fresh_line(stream, NULL));
            snprintf(should, sizeof should, "b%sc%s", nl, nl);
            WRITES(stream, raw, formats[f], should);
            gone(stream, raw);
        }
    }
}

TEST(bytes_are_never_changed)
{
    int32_t eol;
    for (eol = 0; eol < 6; eol++) {
        int raw;
        char bytes[10];
        size_t length;
        acl_socket *stream = STREAM(&raw, .eol_convention = eol);
        OK(acl_write_byte(stream, 10));
        OK(acl_write_byte(stream, 13));
        OK(acl_write_vector(stream, "\n\r\n", 3, &length));
        OK(acl_write_sequence(stream, "\n", 1));
        FLUSHED(stream, raw, "\n\r\n\r\n\n");
        PUT(raw, "\r\n\r\n\r\r\n");
        BYTE(stream, 13);
        BYTE(stream, 10);
        OK(acl_read_vector(stream, bytes, 2, &length));
        EQUAL(length, 2);
        SAME(bytes, "\r\n", 2);
        OK(acl_read_sequence(stream, bytes, 3, 0, &length));
        SAME(bytes, "\r\r\n", 3);
        gone(stream, raw);
    }
}

TEST(conventions_are_set_and_asked)
{
    int raw;
    int32_t eol, is;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    OK(acl_eol_convention(stream, &is));
    EQUAL(is, ACL_SOCKET_EOL_UNIX);
    for (eol = 0; eol < 6; eol++) {
        OK(acl_set_eol_convention(stream, eol));
        OK(acl_eol_convention(stream, &is));
        EQUAL(is, eol);
    }
    EQUAL(acl_set_eol_convention(stream, 6), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_set_eol_convention(stream, -1), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_eol_convention(stream, &is));
    EQUAL(is, ACL_SOCKET_EOL_ANYNL_MAC);
    EQUAL(acl_eol_convention(stream, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_eol_convention(NULL, &is), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_set_eol_convention(NULL, 0), ACL_SOCKET_INVALID_HANDLE);
    PUT(raw, "a\r\nb\r\nc\rd\r\n");
    OK(acl_set_eol_convention(stream, ACL_SOCKET_EOL_DOS));
    READS_LINE(stream, "a");
    OK(acl_set_eol_convention(stream, ACL_SOCKET_EOL_UNIX));
    READS_LINE(stream, "b\r");
    OK(acl_set_eol_convention(stream, ACL_SOCKET_EOL_MAC));
    READS_LINE(stream, "c");
    OK(acl_set_eol_convention(stream, ACL_SOCKET_EOL_ANYNL_DOS));
    READS_LINE(stream, "d");
    OK(acl_terpri(stream));
    OK(acl_set_eol_convention(stream, ACL_SOCKET_EOL_UNIX));
    OK(acl_terpri(stream));
    OK(acl_set_eol_convention(stream, ACL_SOCKET_EOL_MAC));
    OK(acl_terpri(stream));
    FLUSHED(stream, raw, "\r\n\n\r");
    gone(stream, raw);
}

MAIN(CASE(newlines_in_characters), CASE(newlines_in_characters_byte_by_byte), CASE(newlines_end_lines),
     CASE(newlines_in_strings), CASE(anynl_gives_a_newline_at_once), CASE(bytes_behind_a_newline_do_not_begin_with_its_lf),
     CASE(a_newline_that_is_put_back), CASE(dos_waits_for_what_follows_a_cr), CASE(newlines_are_written),
     CASE(bytes_are_never_changed), CASE(conventions_are_set_and_asked))
