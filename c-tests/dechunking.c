/* Chunked input read by every function, switched on and off, across chunks of every size. */
#include "test.h"

#define BYTES(literal) literal, sizeof literal - 1
#define ROWS(table) (sizeof table / sizeof *table)
#define CONTROL(socket, ...) acl_socket_control(socket, ARGS(acl_socket_control_args, __VA_ARGS__))
#define INPUT_ON(socket) OK(CONTROL(socket, .input_chunking = ACL_SOCKET_ON))
#define INPUT_OFF(socket) OK(CONTROL(socket, .input_chunking = ACL_SOCKET_OFF))

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

static void arrive(int peer, const void *bytes, size_t length)
{
    EQUAL(send(peer, bytes, length, MSG_NOSIGNAL), length);
}

static int at_end(acl_socket *socket)
{
    int32_t value = 7;
    OK(acl_socket_chunking_end_of_file(socket, &value));
    return value;
}

/* The next bytes read are these. */
static void reads(int line, acl_socket *socket, const char *bytes, size_t length)
{
    char is[1000] = "";
    size_t got = 0;
    acl_status status = acl_read_sequence(socket, is, length, 0, &got);
    if (status != ACL_SOCKET_OK || got != length || memcmp(is, bytes, length) != 0)
        fail(__FILE__, line, "status %d: \"%.*s\" was read, not \"%.*s\"", (int)status, (int)got, is, (int)length, bytes);
}

#define READS(socket, literal) reads(__LINE__, socket, literal, sizeof literal - 1)

static void reads_line(int line, acl_socket *socket, const char *should)
{
    char is[200] = "";
    acl_status status = acl_read_line(socket, is, sizeof is, NULL);
    if (status != ACL_SOCKET_OK || strcmp(is, should) != 0)
        fail(__FILE__, line, "status %d: line \"%s\" was read, not \"%s\"", (int)status, is, should);
}

#define READS_LINE(socket, should) reads_line(__LINE__, socket, should)

/* Chunks of some size and the end of the body. */
static size_t in_chunks(const char *body, size_t length, size_t size, char *to)
{
    size_t at = 0, n;
    for (; length > 0; body += n, length -= n) {
        n = length < size ? length : size;
        at += (size_t)sprintf(to + at, "%x\r\n", (unsigned)n);
        memcpy(to + at, body, n);
        memcpy(to + at + n, "\r\n", 2);
        at += n + 2;
    }
    memcpy(to + at, "0\r\n\r\n", 5);
    return at + 5;
}

TEST(a_response_with_a_chunked_body)
{
    static const char response[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "4\r\na\xc3\xa9\r\r\n1\r\n\n\r\n4;x=\"\\\"\"\r\nline\r\n0\r\nX-Sum: 1\r\nX-End: 2\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    char text[50];
    size_t length;
    uint64_t count;
    uint8_t byte;
    int peer;
    acl_socket *socket = stream(&peer, "utf-8", ACL_SOCKET_EOL_DOS);
    arrive(peer, response, sizeof response - 1);
    READS_LINE(socket, "HTTP/1.1 200 OK");
    READS_LINE(socket, "Transfer-Encoding: chunked");
    READS_LINE(socket, "");
    OK(acl_socket_chunking_trailers(socket, text, sizeof text, &length));
    EQUAL(length, 0);
    INPUT_ON(socket);
    EQUAL(at_end(socket), 0);
    READS_LINE(socket, "a\xc3\xa9");
    EQUAL(at_end(socket), 0);
    READS_LINE(socket, "line");
    EQUAL(acl_read_line(socket, text, sizeof text, &length), ACL_SOCKET_END_OF_FILE);
    EQUAL(at_end(socket), 1);
    EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_END_OF_FILE);
    OK(acl_socket_chunking_trailers(socket, text, sizeof text, &length));
    TEXT(text, "X-Sum: 1\r\nX-End: 2\r\n");
    EQUAL(length, 20);
    EQUAL(acl_socket_chunking_trailers(socket, text, 6, &length), ACL_SOCKET_BUFFER_TOO_SMALL);
    TEXT(text, "X-Sum");
    EQUAL(length, 20);
    OK(acl_socket_chunking_trailers(socket, NULL, 0, &length));
    EQUAL(length, 20);
    INPUT_OFF(socket);
    READS_LINE(socket, "HTTP/1.1 204 No Content");
    READS_LINE(socket, "");
    OK(acl_socket_bytes_read(socket, &count));
    EQUAL(count, sizeof response - 1);
    shutdown(peer, SHUT_WR);
    EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_END_OF_FILE);
    gone(socket, peer);
}

TEST(a_real_end_of_file_is_no_end_of_chunks)
{
    int peer;
    uint8_t byte;
    acl_socket *socket = stream(&peer, NULL, 0);
    shutdown(peer, SHUT_WR);
    EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_END_OF_FILE);
    EQUAL(at_end(socket), 0);
    gone(socket, peer);
}

/* Every function answers as at the end of a file, again and again, though plain bytes are there. */
TEST(the_end_of_a_body_lasts)
{
    int peer, round;
    char text[20];
    const char *view;
    const void *data;
    size_t length;
    uint8_t byte;
    uint32_t character;
    int32_t ready;
    acl_socket *socket = stream(&peer, NULL, 0);
    arrive(peer, BYTES("5\r\nhello\r\n0\r\n\r\nplain"));
    INPUT_ON(socket);
    OK(acl_peek_input(socket, 100, &data, &length));
    EQUAL(length, 5);
    OK(acl_consume_input(socket, 5));
    for (round = 0; round < 2; round++) {
        EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_char(socket, &character), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_char_no_hang(socket, &character), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_peek_char(socket, &character), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_line(socket, text, sizeof text, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_line_view(socket, &view, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_string(socket, text, sizeof text, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_string(socket, text, sizeof text, 1, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_sequence(socket, text, 5, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, 0);
        EQUAL(acl_read_sequence(socket, text, 5, 1, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_vector(socket, text, 5, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_peek_input(socket, 1, &data, &length), ACL_SOCKET_END_OF_FILE);
        OK(acl_listen(socket, &ready));
        EQUAL(ready, 0);
        EQUAL(acl_read_no_hang_p(socket), 1);
        EQUAL(at_end(socket), 1);
    }
    INPUT_OFF(socket);
    OK(acl_listen(socket, &ready));
    EQUAL(ready, 1);
    READS(socket, "plain");
    EQUAL(acl_read_no_hang_p(socket), 0);
    gone(socket, peer);
}

TEST(bodies_one_after_another)
{
    int peer;
    char text[20] = "x";
    uint8_t byte;
    acl_socket *socket = stream(&peer, NULL, 0);
    arrive(peer, BYTES("5\r\nhello\r\n0\r\nA: b\r\n\r\n3\r\nabc\r\n0\r\n\r\n0\r\n\r\nplain2\r\nde\r\n0\r\n\r\n"));
    INPUT_ON(socket);
    READS(socket, "hello");
    EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_END_OF_FILE);
    INPUT_ON(socket);
    EQUAL(at_end(socket), 0);
    READS(socket, "abc");
    EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_END_OF_FILE);
    OK(acl_socket_chunking_trailers(socket, text, sizeof text, NULL));
    TEXT(text, "");
    INPUT_ON(socket);
    EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_END_OF_FILE);
    EQUAL(at_end(socket), 1);
    INPUT_OFF(socket);
    READS(socket, "plain");
    INPUT_ON(socket);
    READS(socket, "de");
    EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_END_OF_FILE);
    gone(socket, peer);
}

TEST(switched_off_within_a_chunk)
{
    int way;
    for (way = 0; way < 7; way++) {
        int peer, i;
        char bytes[10];
        const void *data;
        size_t length;
        uint32_t character;
        acl_socket *socket = stream(&peer, NULL, 0);
        arrive(peer, BYTES("2\r\nhe\r\n5;x\r\nllo w\r\n3\r\nabc\r\n0\r\n\r\n"));
        INPUT_ON(socket);
        for (i = 0; i < 4; i++) {
            OK(way == 0 ? acl_read_byte(socket, (uint8_t *)bytes)
                : way == 1 ? acl_read_vector(socket, bytes, 1, &length)
                : way == 2 ? acl_read_sequence(socket, bytes, 1, 0, &length)
                : way == 3 ? acl_read_char_no_hang(socket, &character)
                : way == 4 ? acl_peek_input(socket, 1, &data, &length)
                : way == 5 ? acl_peek_char(socket, &character)
                : acl_read_char(socket, &character));
            if (way == 4)
                OK(acl_consume_input(socket, 1));
            if (way == 5)
                OK(acl_read_char(socket, &character));
        }
        if (way == 6) {
            OK(acl_read_char(socket, &character));
            EQUAL(character, 'o');
            OK(acl_unread_char(socket, 'o'));
        }
        INPUT_OFF(socket);
        READS(socket, "o w\r\n3\r\nabc\r\n0\r\n\r\n");
        gone(socket, peer);
    }
}

static const struct { const char *format, *text, *bytes; size_t length; } split[] = {
    { "utf-8", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z\n\xc3\xa9\n",
      BYTES("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z\r\n\xc3\xa9\r\n") },
    { "utf-16le", "a\xe2\x82\xac\xf0\x9f\x98\x80\nz\n", BYTES("a\0\xac\x20\x3d\xd8\0\xde\r\0\n\0z\0\r\0\n\0") },
    { "utf-16", "a\xe2\x82\xac\n", BYTES("\xfe\xff\0a\x20\xac\0\r\0\n") },
    { "gb18030", "a\xc4\x80\xe4\xb8\xadz\n", BYTES("a\x81\x30\x8b\x38\xd6\xd0z\r\n") },
    { "iso-2022-jp", "a\xe6\x97\xa5\xe6\x9c\xacz\n\xe8\xaa\x9e\n", BYTES("a\x1b$BF|K\\\x1b(Bz\r\n\x1b$B8l\x1b(B\r\n") },
};

TEST(characters_and_lines_across_chunks)
{
    size_t i, size;
    int way;
    for (i = 0; i < ROWS(split); i++) {
        for (size = 1; size < 9; size++) {
            for (way = 0; way < 4; way++) {
                int peer;
                char framed[300], text[100] = "", piece[50];
                const char *view = piece;
                size_t length;
                acl_status status;
                acl_socket *socket = stream(&peer, split[i].format, ACL_SOCKET_EOL_DOS);
                printf("# %s, chunks of %d, way %d\n", split[i].format, (int)size, way);
                INPUT_ON(socket);
                arrive(peer, framed, in_chunks(split[i].bytes, split[i].length, size, framed));
                do {
                    length = 0;
                    status = way == 0 ? acl_read_line(socket, piece, sizeof piece, &length)
                        : way == 1 ? acl_read_line_view(socket, &view, &length)
                        : acl_read_string(socket, piece, way == 2 ? 5 : sizeof piece, way == 2, &length);
                    CHECK(strlen(text) + length < 50);
                    if (way < 2 && status == ACL_SOCKET_OK)
                        sprintf(text + strlen(text), "%.*s\n", (int)length, view);
                    else if (way >= 2)
                        strncat(text, piece, length);
                } while (status == ACL_SOCKET_OK);
                EQUAL(status, ACL_SOCKET_END_OF_FILE);
                TEXT(text, split[i].text);
                gone(socket, peer);
            }
        }
    }
}

TEST(contiguous_input_across_chunks)
{
    int peer;
    char framed[300];
    const void *data;
    size_t length;
    acl_socket *socket = stream(&peer, NULL, 0);
    INPUT_ON(socket);
    arrive(peer, framed, in_chunks("0123456789abcdefghij", 20, 1, framed));
    OK(acl_peek_input(socket, 12, &data, &length));
    CHECK(length >= 12 && length <= 20 && memcmp(data, "0123456789abcdefghij", length) == 0);
    OK(acl_consume_input(socket, 11));
    OK(acl_peek_input(socket, 100, &data, &length));
    EQUAL(length, 9);
    CHECK(memcmp(data, "bcdefghij", 9) == 0);
    EQUAL(acl_consume_input(socket, 10), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_consume_input(socket, 9));
    EQUAL(acl_peek_input(socket, 1, &data, &length), ACL_SOCKET_END_OF_FILE);
    gone(socket, peer);
}

TEST(a_character_put_back_across_chunks)
{
    int peer;
    uint32_t character;
    uint8_t byte;
    acl_socket *socket = stream(&peer, NULL, ACL_SOCKET_EOL_DOS);
    INPUT_ON(socket);
    arrive(peer, BYTES("1\r\n\xe2\r\n1\r\n\x82\r\n2\r\n\xac\r\r\n1\r\n\n\r\n0\r\n\r\n"));
    OK(acl_read_char(socket, &character));
    EQUAL(character, 0x20ac);
    OK(acl_unread_char(socket, 0x20ac));
    OK(acl_read_char(socket, &character));
    EQUAL(character, 0x20ac);
    OK(acl_unread_char(socket, 0x20ac));
    OK(acl_read_byte(socket, &byte));
    EQUAL(byte, 0xe2);
    READS(socket, "\x82\xac");
    OK(acl_read_char(socket, &character));
    EQUAL(character, '\n');
    OK(acl_unread_char(socket, '\n'));
    READS(socket, "\r\n");
    EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_END_OF_FILE);
    EQUAL(at_end(socket), 1);
    gone(socket, peer);
}

/* The end of the body is an end of file for characters and newlines too. */
TEST(characters_cut_off_by_the_end_of_the_body)
{
    int peer;
    uint32_t character;
    uint64_t count, none;
    acl_socket *socket = stream(&peer, NULL, ACL_SOCKET_EOL_DOS);
    arrive(peer, BYTES("3\r\na\xe2\x82\r\n0\r\n\r\n2\r\nb\r\r\n0\r\n\r\n\xac\n"));
    INPUT_ON(socket);
    OK(acl_read_char(socket, &character));
    EQUAL(character, 'a');
    OK(acl_read_char(socket, &character));
    EQUAL(character, 0xfffd);
    EQUAL(acl_read_char(socket, &character), ACL_SOCKET_END_OF_FILE);
    EQUAL(acl_read_char(socket, &character), ACL_SOCKET_END_OF_FILE);
    OK(acl_replacement_counts(socket, &count, &none));
    EQUAL(count, 1);
    INPUT_ON(socket);
    OK(acl_read_char(socket, &character));
    EQUAL(character, 'b');
    OK(acl_read_char(socket, &character));
    EQUAL(character, '\r');
    EQUAL(acl_read_char(socket, &character), ACL_SOCKET_END_OF_FILE);
    INPUT_OFF(socket);
    READS(socket, "\xac\n");
    gone(socket, peer);
}

/* The CR that ends the header gives its newline at once; its LF is of the header, not of the first chunk. */
TEST(a_lf_owed_to_the_header)
{
    int peer;
    uint8_t byte;
    acl_socket *socket = stream(&peer, NULL, ACL_SOCKET_EOL_ANYNL_DOS);
    arrive(peer, BYTES("A: b\r\n\r"));
    READS_LINE(socket, "A: b");
    READS_LINE(socket, "");
    INPUT_ON(socket);
    arrive(peer, BYTES("\n3\r\nabc\r\n0\r\n\r\n"));
    READS(socket, "abc");
    EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_END_OF_FILE);
    gone(socket, peer);
}

static char big[300000], back[400000];

static void *send_big(void *peer)
{
    static char framed[sizeof big + 100];
    size_t size = in_chunks(big, sizeof big, sizeof big, framed), at;
    ssize_t n;
    for (at = 0; at < size; at += (size_t)n) {
        n = send(*(int *)peer, framed + at, size - at, MSG_NOSIGNAL);
        CHECK(n > 0);
    }
    size = in_chunks(big, sizeof big, 100000, framed);
    for (at = 0; at < size; at += (size_t)n) {
        n = send(*(int *)peer, framed + at, size - at, MSG_NOSIGNAL);
        CHECK(n > 0);
    }
    CHECK(send(*(int *)peer, "plain", 5, MSG_NOSIGNAL) == 5);
    return NULL;
}

TEST(chunks_larger_than_any_buffer)
{
    int peer, body;
    size_t i, length;
    pthread_t thread;
    acl_socket *socket = stream(&peer, NULL, 0);
    for (i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 % 253);
    EQUAL(pthread_create(&thread, NULL, send_big, &peer), 0);
    for (body = 0; body < 2; body++) {
        memset(back, 'x', sizeof back);
        INPUT_ON(socket);
        OK(acl_read_sequence(socket, back, 200000, 0, &length));
        EQUAL(length, 200000);
        EQUAL(at_end(socket), 0);
        EQUAL(acl_read_sequence(socket, back + 200000, sizeof back - 200000, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, 100000);
        EQUAL(at_end(socket), 1);
        CHECK(memcmp(back, big, sizeof big) == 0 && back[sizeof big] == 'x');
        EQUAL(acl_read_sequence(socket, back, sizeof back, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, 0);
    }
    INPUT_OFF(socket);
    READS(socket, "plain");
    pthread_join(thread, NULL);
    gone(socket, peer);
}

MAIN(CASE(a_response_with_a_chunked_body), CASE(a_real_end_of_file_is_no_end_of_chunks), CASE(the_end_of_a_body_lasts),
     CASE(bodies_one_after_another), CASE(switched_off_within_a_chunk), CASE(characters_and_lines_across_chunks),
     CASE(contiguous_input_across_chunks), CASE(a_character_put_back_across_chunks),
     CASE(characters_cut_off_by_the_end_of_the_body), CASE(a_lf_owed_to_the_header), CASE(chunks_larger_than_any_buffer))
