/* acl_socket_control: chunked output as it is on the wire. */
#include "test.h"

#define ROWS(table) (sizeof table / sizeof *table)
#define CONTROL(socket, ...) acl_socket_control(socket, ARGS(acl_socket_control_args, __VA_ARGS__))
#define OUTPUT_ON(socket) OK(CONTROL(socket, .output_chunking = ACL_SOCKET_ON))

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

static void sent(int line, int peer, const char *bytes, size_t length)
{
    char is[1000];
    ssize_t got = recv(peer, is, sizeof is, MSG_DONTWAIT);
    if (got < 0)
        got = 0;
    if ((size_t)got != length || memcmp(is, bytes, length) != 0)
        fail(__FILE__, line, "\"%.*s\" was sent, not \"%.*s\"", (int)got, is, (int)length, bytes);
}

/* What has been sent is these bytes and no more. */
#define SENT(peer, literal) sent(__LINE__, peer, literal, sizeof literal - 1)
#define FLUSHED(socket, peer, literal) do { OK(acl_force_output(socket)); SENT(peer, literal); } while (0)

TEST(each_flush_is_a_chunk)
{
    int peer;
    uint64_t count;
    acl_socket *socket = stream(&peer, NULL, 0);
    OUTPUT_ON(socket);
    SENT(peer, "");
    FLUSHED(socket, peer, "");
    OK(acl_write_string(socket, "hello", 5));
    SENT(peer, "");
    FLUSHED(socket, peer, "5\r\nhello\r\n");
    OK(acl_socket_bytes_written(socket, &count));
    EQUAL(count, 10);
    FLUSHED(socket, peer, "");
    OK(acl_finish_output(socket));
    SENT(peer, "");
    OK(acl_write_vector(socket, "0123456789", 10, NULL));
    OK(acl_write_sequence(socket, "01234567890123456789", 20));
    OK(acl_write_byte(socket, 'x'));
    OK(acl_finish_output(socket));
    SENT(peer, "1f\r\n012345678901234567890123456789x\r\n");
    OK(acl_write_char(socket, 'y'));
    OUTPUT_ON(socket);
    OK(acl_write_line(socket, "z", 1));
    FLUSHED(socket, peer, "3\r\nyz\n\r\n");
    OK(acl_write_string(socket, "lost", 4));
    OK(acl_clear_output(socket));
    FLUSHED(socket, peer, "");
    OK(acl_write_string(socket, "kept", 4));
    FLUSHED(socket, peer, "4\r\nkept\r\n");
    gone(socket, peer);
}

TEST(what_is_buffered_goes_into_the_first_chunk)
{
    int peer;
    acl_socket *socket = stream(&peer, NULL, 0);
    OK(acl_write_string(socket, "plain ", 6));
    OK(acl_force_output(socket));
    OK(acl_write_string(socket, "head ", 5));
    OUTPUT_ON(socket);
    SENT(peer, "plain ");
    OK(acl_write_string(socket, "body", 4));
    FLUSHED(socket, peer, "9\r\nhead body\r\n");
    gone(socket, peer);
}

TEST(the_end_marker)
{
    int peer;
    uint64_t count;
    acl_socket *socket = stream(&peer, NULL, 0);
    EQUAL(CONTROL(socket, .output_chunking_eof = ACL_SOCKET_ON), ACL_SOCKET_INVALID_ARGUMENT);
    SENT(peer, "");
    OUTPUT_ON(socket);
    OK(acl_write_string(socket, "abc", 3));
    OK(CONTROL(socket, .output_chunking_eof = ACL_SOCKET_ON));
    SENT(peer, "3\r\nabc\r\n0\r\n\r\n");
    OK(acl_socket_bytes_written(socket, &count));
    EQUAL(count, 13);
    EQUAL(CONTROL(socket, .output_chunking_eof = ACL_SOCKET_ON), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_write_string(socket, "plain", 5));
    FLUSHED(socket, peer, "plain");
    OUTPUT_ON(socket);
    OK(CONTROL(socket, .output_chunking_eof = ACL_SOCKET_ON));
    SENT(peer, "0\r\n\r\n");
    OK(acl_write_string(socket, "de", 2));
    OK(CONTROL(socket, .output_chunking = ACL_SOCKET_ON, .output_chunking_eof = ACL_SOCKET_ON));
    SENT(peer, "2\r\nde\r\n0\r\n\r\n");
    OK(CONTROL(socket, .output_chunking = ACL_SOCKET_ON, .output_chunking_eof = ACL_SOCKET_ON));
    SENT(peer, "0\r\n\r\n");
    OK(acl_write_string(socket, "plain", 5));
    OK(acl_close(socket, 0));
    SENT(peer, "plain");
    gone(socket, peer);
}

TEST(switched_off_without_a_marker)
{
    int peer;
    acl_socket *socket = stream(&peer, NULL, 0);
    OK(CONTROL(socket, .output_chunking = ACL_SOCKET_OFF));
    OUTPUT_ON(socket);
    OK(acl_write_string(socket, "ab", 2));
    OK(CONTROL(socket, .input_chunking = ACL_SOCKET_ON));
    OK(CONTROL(socket, .output_chunking_eof = ACL_SOCKET_OFF));
    SENT(peer, "");
    OK(CONTROL(socket, .output_chunking = ACL_SOCKET_OFF));
    SENT(peer, "2\r\nab\r\n");
    OK(acl_write_string(socket, "cd", 2));
    FLUSHED(socket, peer, "cd");
    OK(acl_close(socket, 0));
    SENT(peer, "");
    gone(socket, peer);
}

TEST(closing_sends_the_marker_unless_aborted)
{
    static const struct { int flush, eof, abort; const char *sent; } rows[] = {
        { 0, 0, 0, "1\r\nx\r\n0\r\n\r\n" },
        { 1, 0, 0, "1\r\nx\r\n0\r\n\r\n" },
        { 0, 1, 0, "1\r\nx\r\n0\r\n\r\n" },
        { 0, 0, ACL_SOCKET_ABORT, "" },
        { 1, 0, ACL_SOCKET_ABORT, "1\r\nx\r\n" },
        { 1, 0, 2, "1\r\nx\r\n" },
    };
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        int peer;
        char byte;
        acl_socket *socket = stream(&peer, NULL, 0);
        OUTPUT_ON(socket);
        OK(acl_write_string(socket, "x", 1));
        if (rows[i].flush)
            OK(acl_force_output(socket));
        if (rows[i].eof)
            OK(CONTROL(socket, .output_chunking_eof = ACL_SOCKET_ON));
        if (rows[i].abort == 2) {
            OK(acl_free_socket(socket));
        } else {
            OK(acl_close(socket, rows[i].abort));
            OK(acl_close(socket, 0));
            OK(acl_free_socket(socket));
        }
        sent(__LINE__, peer, rows[i].sent, strlen(rows[i].sent));
        EQUAL(recv(peer, &byte, 1, 0), 0);
        close(peer);
    }
}

TEST(characters_in_chunks)
{
    int peer;
    acl_socket *socket = stream(&peer, "utf-16le", ACL_SOCKET_EOL_DOS);
    OUTPUT_ON(socket);
    OK(acl_write_line(socket, "\xc3\xa9", 2));
    FLUSHED(socket, peer, "6\r\n\xe9\0\r\0\n\0\r\n");
    OK(acl_set_stream_external_format(socket, "iso-2022-jp"));
    OK(acl_write_string(socket, "\xe6\x97\xa5", 3));
    OK(acl_close(socket, 0));
    SENT(peer, "8\r\n\x1b$BF|\x1b(B\r\n0\r\n\r\n");
    gone(socket, peer);
}

static char received[3 << 20], decoded[3 << 20], block[1 << 20];

static void *receive_all(void *peer)
{
    static size_t total;
    ssize_t n;
    while ((n = recv(*(int *)peer, received + total, sizeof received - total, 0)) > 0)
        total += (size_t)n;
    return &total;
}

/* The body of strictly framed chunks that are all there is. */
static size_t decode(const char *at, const char *end)
{
    size_t total = 0, size;
    do {
        const char *digits = at;
        for (size = 0; at < end && strchr("0123456789abcdef", *at) != NULL && *at; at++)
            size = size * 16 + (size_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
        CHECK(at > digits && at - digits < 8 && (*digits != '0' || at == digits + 1));
        CHECK(end - at >= 2 && memcmp(at, "\r\n", 2) == 0);
        at += 2;
        CHECK((size_t)(end - at) >= size + 2 && memcmp(at + size, "\r\n", 2) == 0);
        memcpy(decoded + total, at, size);
        total += size;
        at += size + 2;
    } while (size > 0);
    CHECK(at == end);
    return total;
}

TEST(a_big_body)
{
    int peer, way;
    size_t i, length, taken;
    pthread_t thread;
    void *total;
    acl_socket *socket = stream(&peer, "latin-1", 0);
    for (i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 31 % 127);
    EQUAL(pthread_create(&thread, NULL, receive_all, &peer), 0);
    OUTPUT_ON(socket);
    for (way = 0; way < 2; way++) {
        OK(way ? acl_write_string(socket, block, sizeof block) : acl_write_vector(socket, block, sizeof block, &taken));
        OK(acl_write_byte(socket, 'x'));
    }
    EQUAL(taken, sizeof block);
    OK(acl_close(socket, 0));
    pthread_join(thread, &total);
    length = decode(received, received + *(size_t *)total);
    EQUAL(length, 2 * sizeof block + 2);
    CHECK(memcmp(decoded, block, sizeof block) == 0 && decoded[sizeof block] == 'x');
    CHECK(memcmp(decoded + sizeof block + 1, block, sizeof block) == 0 && decoded[length - 1] == 'x');
    gone(socket, peer);
}

TEST(arguments_of_control)
{
    int peer, pair[2];
    int32_t port, value;
    acl_socket *socket = stream(&peer, NULL, 0), *passive = listener(&port), *datagram;
    EQUAL(CONTROL(socket, .output_chunking = 2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONTROL(socket, .input_chunking = -2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONTROL(socket, .output_chunking_eof = 3), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONTROL(socket, .output_chunking = ACL_SOCKET_ON, .input_chunking = 2), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_write_string(socket, "plain", 5));
    FLUSHED(socket, peer, "plain");
    EQUAL(CONTROL(NULL, .output_chunking = ACL_SOCKET_ON), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(CONTROL(passive, .output_chunking = ACL_SOCKET_ON), ACL_SOCKET_WRONG_KIND);
    EQUAL(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    OK(acl_socket_from_os_fd(pair[0], NULL, &datagram));
    EQUAL(CONTROL(datagram, .input_chunking = ACL_SOCKET_ON), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_socket_chunking_end_of_file(socket, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_socket_chunking_end_of_file(NULL, &value), ACL_SOCKET_INVALID_HANDLE);
    OK(acl_close(socket, 0));
    EQUAL(CONTROL(socket, .output_chunking = ACL_SOCKET_ON), ACL_SOCKET_CLOSED);
    gone(datagram, pair[1]);
    gone(socket, peer);
    done(passive);
}

MAIN(CASE(each_flush_is_a_chunk), CASE(what_is_buffered_goes_into_the_first_chunk), CASE(the_end_marker),
     CASE(switched_off_without_a_marker), CASE(closing_sends_the_marker_unless_aborted), CASE(characters_in_chunks),
     CASE(a_big_body), CASE(arguments_of_control))
