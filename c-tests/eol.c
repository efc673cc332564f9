/* Eol conventions: what newlines are read from and written as, in characters and not in bytes. */
#include "test.h"

#define ROWS(table) (sizeof table / sizeof *table)

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

/* A stream on one end of a pair; the other end stays a descriptor of the test. */
static acl_socket *stream(int *peer, const char *format, int32_t eol)
{
    int pair[2];
    acl_socket *socket;
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    OK(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .external_format = format, .eol_convention = eol),
        &socket));
    *peer = pair[1];
    return socket;
}

static void gone(acl_socket *socket, int peer)
{
    done(socket);
    close(peer);
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

static void arrive(int peer, const char *format, const char *text)
{
    char bytes[200];
    size_t size = encode(format, text, bytes);
    EQUAL(send(peer, bytes, size, MSG_NOSIGNAL), size);
}

/* What has been sent is this text in its format and no more. */
static void sent(int line, acl_socket *socket, int peer, const char *format, const char *text)
{
    char is[200], should[200];
    size_t size = encode(format, text, should);
    ssize_t got;
    OK(acl_force_output(socket));
    got = recv(peer, is, sizeof is, MSG_DONTWAIT);
    if (got < 0)
        got = 0;
    if ((size_t)got != size || memcmp(is, should, size) != 0)
        fail(__FILE__, line, "%d bytes \"%.*s\" were sent, not %d", (int)got, (int)got, is, (int)size);
}

#define SENT(socket, peer, format, text) sent(__LINE__, socket, peer, format, text)

TEST(newlines_in_characters)
{
    size_t r, f;
    int32_t eol;
    for (r = 0; r < ROWS(rows); r++) {
        for (f = 0; f < ROWS(formats); f++) {
            for (eol = 0; eol < 6; eol++) {
                int peer;
                uint32_t character;
                const char *text = reads_as(r, eol);
                acl_socket *socket = stream(&peer, formats[f], eol);
                printf("# row %d, %s, %s\n", (int)r, formats[f], names[eol]);
                arrive(peer, formats[f], rows[r].bytes);
                shutdown(peer, SHUT_WR);
                for (; *text; text++) {
                    OK(acl_peek_char(socket, &character));
                    EQUAL(character, *text);
                    OK(acl_read_char(socket, &character));
                    EQUAL(character, *text);
                    OK(acl_unread_char(socket, character));
                    OK(acl_read_char_no_hang(socket, &character));
                    EQUAL(character, *text);
                }
                EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_END_OF_FILE);
                EQUAL(acl_read_char(socket, &character), ACL_SOCKET_END_OF_FILE);
                gone(socket, peer);
            }
        }
    }
}

TEST(newlines_in_characters_byte_by_byte)
{
    size_t r, f, i;
    int32_t eol;
    for (r = 0; r < ROWS(rows); r++) {
        for (f = 0; f < ROWS(formats); f++) {
            for (eol = 0; eol < 6; eol++) {
                int peer;
                uint32_t character;
                char bytes[100];
                const char *text = reads_as(r, eol);
                size_t size = encode(formats[f], rows[r].bytes, bytes);
                acl_socket *socket = stream(&peer, formats[f], eol);
                printf("# row %d, %s, %s, byte by byte\n", (int)r, formats[f], names[eol]);
                for (i = 0; i < size; i++) {
                    EQUAL(send(peer, bytes + i, 1, MSG_NOSIGNAL), 1);
                    while (acl_read_char_no_hang(socket, &character) == ACL_SOCKET_OK)
                        EQUAL(character, *text++);
                    EQUAL(acl_stream_error_identifier(), ACL_SOCKET_WOULD_BLOCK);
                }
                shutdown(peer, SHUT_WR);
                while (acl_read_char(socket, &character) == ACL_SOCKET_OK)
                    EQUAL(character, *text++);
                EQUAL(acl_stream_error_identifier(), ACL_SOCKET_END_OF_FILE);
                EQUAL(*text, 0);
                gone(socket, peer);
            }
        }
    }
}

TEST(newlines_end_lines)
{
    size_t r, f;
    int32_t eol;
    for (r = 0; r < ROWS(rows); r++) {
        for (f = 0; f < ROWS(formats); f++) {
            for (eol = 0; eol < 12; eol++) {
                int peer;
                const char *text = reads_as(r, eol / 2), *view;
                char line[50];
                size_t length, size;
                acl_socket *socket = stream(&peer, formats[f], eol / 2);
                printf("# row %d, %s, %s, %s\n", (int)r, formats[f], names[eol / 2], eol % 2 ? "read_line_view" : "read_line");
                arrive(peer, formats[f], rows[r].bytes);
                shutdown(peer, SHUT_WR);
                for (view = line; *text; text += size + (text[size] == '\n')) {
                    size = strcspn(text, "\n");
                    OK(eol % 2 ? acl_read_line_view(socket, &view, &length) : acl_read_line(socket, line, sizeof line, &length));
                    EQUAL(length, size);
                    CHECK(memcmp(view, text, size) == 0);
                }
                EQUAL(acl_read_line(socket, line, sizeof line, &length), ACL_SOCKET_END_OF_FILE);
                EQUAL(acl_read_line_view(socket, &view, &length), ACL_SOCKET_END_OF_FILE);
                gone(socket, peer);
            }
        }
    }
}

TEST(newlines_in_strings)
{
    size_t r, f, length;
    int32_t eol;
    for (r = 0; r < ROWS(rows); r++) {
        for (f = 0; f < ROWS(formats); f++) {
            for (eol = 0; eol < 6; eol++) {
                int peer;
                char text[50];
                acl_socket *socket = stream(&peer, formats[f], eol);
                printf("# row %d, %s, %s, read_string\n", (int)r, formats[f], names[eol]);
                arrive(peer, formats[f], rows[r].bytes);
                shutdown(peer, SHUT_WR);
                EQUAL(acl_read_string(socket, text, sizeof text, 0, &length), ACL_SOCKET_END_OF_FILE);
                TEXT(text, reads_as(r, eol));
                gone(socket, peer);
            }
        }
    }
}

/* A reader of lines that waited for what follows a CR would wait for an answer to a question it has not asked. */
TEST(anynl_gives_a_newline_at_once)
{
    int32_t eol;
    size_t f;
    for (f = 0; f < ROWS(formats); f++) {
        for (eol = ACL_SOCKET_EOL_ANYNL_UNIX; eol <= ACL_SOCKET_EOL_ANYNL_MAC; eol++) {
            int peer;
            uint32_t character;
            int32_t ready;
            char line[20];
            const char *view;
            size_t length;
            acl_socket *socket = stream(&peer, formats[f], eol);
            arrive(peer, formats[f], "\r");
            OK(acl_read_char(socket, &character));
            EQUAL(character, '\n');
            EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
            arrive(peer, formats[f], "\n");
            EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
            OK(acl_listen(socket, &ready));
            EQUAL(ready, 0);
            arrive(peer, formats[f], "\na\r");
            OK(acl_read_char(socket, &character));
            EQUAL(character, '\n');
            OK(acl_read_line(socket, line, sizeof line, &length));
            TEXT(line, "a");
            arrive(peer, formats[f], "\nb\r");
            OK(acl_read_line(socket, line, sizeof line, &length));
            TEXT(line, "b");
            arrive(peer, formats[f], "\nc\r");
            OK(acl_read_line_view(socket, &view, &length));
            EQUAL(length, 1);
            EQUAL(*view, 'c');
            arrive(peer, formats[f], "\nd\r");
            OK(acl_read_string(socket, line, 7, 1, &length));
            TEXT(line, "d\n");
            arrive(peer, formats[f], "\n\r");
            OK(acl_peek_char(socket, &character));
            EQUAL(character, '\n');
            OK(acl_read_char(socket, &character));
            OK(acl_unread_char(socket, '\n'));
            arrive(peer, formats[f], "\ne\r");
            OK(acl_read_line(socket, line, sizeof line, &length));
            TEXT(line, "");
            OK(acl_read_line(socket, line, sizeof line, &length));
            TEXT(line, "e");
            arrive(peer, formats[f], "\n");
            shutdown(peer, SHUT_WR);
            EQUAL(acl_read_char(socket, &character), ACL_SOCKET_END_OF_FILE);
            gone(socket, peer);
        }
    }
}

TEST(bytes_behind_a_newline_do_not_begin_with_its_lf)
{
    int way;
    for (way = 0; way < 5; way++) {
        static const char *ways[] = { "read_byte", "read_vector", "read_sequence", "read_sequence, partial", "peek_input" };
        int peer;
        char bytes[10] = "";
        const void *view = bytes;
        size_t length = 1;
        uint32_t character;
        acl_socket *socket = stream(&peer, "utf-8", ACL_SOCKET_EOL_ANYNL_DOS);
        printf("# %s\n", ways[way]);
        arrive(peer, "utf-8", "\r");
        OK(acl_read_char(socket, &character));
        EQUAL(character, '\n');
        arrive(peer, "utf-8", "\n\nx");
        OK(way == 0 ? acl_read_byte(socket, (uint8_t *)bytes)
            : way == 1 ? acl_read_vector(socket, bytes, 1, &length)
            : way == 2 ? acl_read_sequence(socket, bytes, 1, 0, &length)
            : way == 3 ? acl_read_sequence(socket, bytes, 1, 1, &length)
            : acl_peek_input(socket, 2, &view, &length));
        EQUAL(*(const char *)view, '\n');
        EQUAL(length, way == 4 ? 2 : 1);
        if (way == 4)
            OK(acl_consume_input(socket, 1));
        OK(acl_read_char(socket, &character));
        EQUAL(character, 'x');
        gone(socket, peer);
    }
}

TEST(a_newline_that_is_put_back)
{
    int peer;
    uint32_t character;
    uint8_t byte;
    acl_socket *socket = stream(&peer, "utf-8", ACL_SOCKET_EOL_DOS);
    arrive(peer, "utf-8", "\r\n\r\nx");
    OK(acl_read_char(socket, &character));
    EQUAL(character, '\n');
    EQUAL(acl_unread_char(socket, '\r'), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_unread_char(socket, '\n'));
    OK(acl_read_char(socket, &character));
    EQUAL(character, '\n');
    OK(acl_read_char(socket, &character));
    OK(acl_unread_char(socket, '\n'));
    OK(acl_read_byte(socket, &byte));
    EQUAL(byte, 13);
    OK(acl_read_byte(socket, &byte));
    EQUAL(byte, 10);
    OK(acl_read_byte(socket, &byte));
    EQUAL(byte, 'x');
    gone(socket, peer);
}

TEST(dos_waits_for_what_follows_a_cr)
{
    int peer;
    uint8_t byte;
    uint32_t character;
    acl_socket *socket = stream(&peer, "utf-8", ACL_SOCKET_EOL_DOS);
    arrive(peer, "utf-8", "\r");
    EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
    arrive(peer, "utf-8", "\n");
    OK(acl_read_char_no_hang(socket, &character));
    EQUAL(character, '\n');
    arrive(peer, "utf-8", "\r");
    EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
    OK(acl_read_byte(socket, &byte));
    EQUAL(byte, 13);
    arrive(peer, "utf-8", "\r");
    EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_WOULD_BLOCK);
    shutdown(peer, SHUT_WR);
    OK(acl_read_char_no_hang(socket, &character));
    EQUAL(character, '\r');
    EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_END_OF_FILE);
    gone(socket, peer);
}

TEST(newlines_are_written)
{
    size_t f;
    int32_t eol, wrote;
    for (f = 0; f < ROWS(formats); f++) {
        for (eol = 0; eol < 6; eol++) {
            int peer;
            char should[20];
            const char *nl = written[eol];
            acl_socket *socket = stream(&peer, formats[f], eol);
            printf("# %s, %s, written\n", formats[f], names[eol]);
            OK(acl_write_char(socket, '\n'));
            SENT(socket, peer, formats[f], nl);
            OK(acl_terpri(socket));
            SENT(socket, peer, formats[f], nl);
            OK(acl_write_string(socket, "a\n\nb\rc\n", 7));
            snprintf(should, sizeof should, "a%s%sb\rc%s", nl, nl, nl);
            SENT(socket, peer, formats[f], should);
            OK(acl_write_string(socket, "\r\n", 2));
            snprintf(should, sizeof should, "\r%s", nl);
            SENT(socket, peer, formats[f], should);
            OK(acl_write_char(socket, '\r'));
            SENT(socket, peer, formats[f], "\r");
            OK(acl_terpri(socket));
            OK(acl_write_line(socket, "x\ny", 3));
            snprintf(should, sizeof should, "%sx%sy%s", nl, nl, nl);
            SENT(socket, peer, formats[f], should);
            OK(acl_write_line(socket, "", 0));
            SENT(socket, peer, formats[f], nl);
            wrote = 7;
            OK(acl_fresh_line(socket, &wrote));
            EQUAL(wrote, 0);
            OK(acl_write_char(socket, 'a'));
            OK(acl_fresh_line(socket, &wrote));
            EQUAL(wrote, 1);
            OK(acl_fresh_line(socket, &wrote));
            EQUAL(wrote, 0);
            snprintf(should, sizeof should, "a%s", nl);
            SENT(socket, peer, formats[f], should);
            OK(acl_write_string(socket, "b\nc", 3));
            OK(acl_fresh_line(socket, NULL));
            snprintf(should, sizeof should, "b%sc%s", nl, nl);
            SENT(socket, peer, formats[f], should);
            gone(socket, peer);
        }
    }
}

TEST(bytes_are_never_changed)
{
    int32_t eol;
    for (eol = 0; eol < 6; eol++) {
        int peer;
        uint8_t byte;
        char bytes[10];
        size_t length;
        acl_socket *socket = stream(&peer, "utf-8", eol);
        OK(acl_write_byte(socket, 10));
        OK(acl_write_byte(socket, 13));
        OK(acl_write_vector(socket, "\n\r\n", 3, &length));
        OK(acl_write_sequence(socket, "\n", 1));
        SENT(socket, peer, "utf-8", "\n\r\n\r\n\n");
        arrive(peer, "utf-8", "\r\n\r\n\r\r\n");
        OK(acl_read_byte(socket, &byte));
        EQUAL(byte, 13);
        OK(acl_read_byte(socket, &byte));
        EQUAL(byte, 10);
        OK(acl_read_vector(socket, bytes, 2, &length));
        EQUAL(length, 2);
        CHECK(memcmp(bytes, "\r\n", 2) == 0);
        OK(acl_read_sequence(socket, bytes, 3, 0, &length));
        CHECK(memcmp(bytes, "\r\r\n", 3) == 0);
        gone(socket, peer);
    }
}

TEST(conventions_are_set_and_asked)
{
    int peer;
    int32_t eol, is;
    char line[20];
    acl_socket *socket = stream(&peer, "utf-8", 0);
    OK(acl_eol_convention(socket, &is));
    EQUAL(is, ACL_SOCKET_EOL_UNIX);
    for (eol = 0; eol < 6; eol++) {
        OK(acl_set_eol_convention(socket, eol));
        OK(acl_eol_convention(socket, &is));
        EQUAL(is, eol);
    }
    EQUAL(acl_set_eol_convention(socket, 6), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_set_eol_convention(socket, -1), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_eol_convention(socket, &is));
    EQUAL(is, ACL_SOCKET_EOL_ANYNL_MAC);
    EQUAL(acl_eol_convention(socket, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_eol_convention(NULL, &is), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_set_eol_convention(NULL, 0), ACL_SOCKET_INVALID_HANDLE);
    arrive(peer, "utf-8", "a\r\nb\r\nc\rd\r\n");
    OK(acl_set_eol_convention(socket, ACL_SOCKET_EOL_DOS));
    OK(acl_read_line(socket, line, sizeof line, NULL));
    TEXT(line, "a");
    OK(acl_set_eol_convention(socket, ACL_SOCKET_EOL_UNIX));
    OK(acl_read_line(socket, line, sizeof line, NULL));
    TEXT(line, "b\r");
    OK(acl_set_eol_convention(socket, ACL_SOCKET_EOL_MAC));
    OK(acl_read_line(socket, line, sizeof line, NULL));
    TEXT(line, "c");
    OK(acl_set_eol_convention(socket, ACL_SOCKET_EOL_ANYNL_DOS));
    OK(acl_read_line(socket, line, sizeof line, NULL));
    TEXT(line, "d");
    OK(acl_terpri(socket));
    OK(acl_set_eol_convention(socket, ACL_SOCKET_EOL_UNIX));
    OK(acl_terpri(socket));
    OK(acl_set_eol_convention(socket, ACL_SOCKET_EOL_MAC));
    OK(acl_terpri(socket));
    SENT(socket, peer, "utf-8", "\r\n\n\r");
    gone(socket, peer);
}

MAIN(CASE(newlines_in_characters), CASE(newlines_in_characters_byte_by_byte), CASE(newlines_end_lines),
     CASE(newlines_in_strings), CASE(anynl_gives_a_newline_at_once), CASE(bytes_behind_a_newline_do_not_begin_with_its_lf),
     CASE(a_newline_that_is_put_back), CASE(dos_waits_for_what_follows_a_cr), CASE(newlines_are_written),
     CASE(bytes_are_never_changed), CASE(conventions_are_set_and_asked))
