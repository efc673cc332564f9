/* acl_socket_control: chunked output as it is on the wire. */
#include "chunks.h"

TEST(each_flush_is_a_chunk)
{
    int raw;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    OUTPUT_ON(stream);
    SENT(raw, "");
    FLUSHED(stream, raw, "");
    OK(acl_write_string(stream, "hello", 5));
    SENT(raw, "");
    FLUSHED(stream, raw, "5\r\nhello\r\n");
    COUNTED(acl_socket_bytes_written, stream, 10);
    FLUSHED(stream, raw, "");
    OK(acl_finish_output(stream));
    SENT(raw, "");
    OK(acl_write_vector(stream, "0123456789", 10, NULL));
    OK(acl_write_sequence(stream, "01234567890123456789", 20));
    OK(acl_write_byte(stream, 'x'));
    OK(acl_finish_output(stream));
    SENT(raw, "1f\r\n012345678901234567890123456789x\r\n");
    OK(acl_write_char(stream, 'y'));
    OUTPUT_ON(stream);
    OK(acl_write_line(stream, "z", 1));
    FLUSHED(stream, raw, "3\r\nyz\n\r\n");
    OK(acl_write_string(stream, "lost", 4));
    OK(acl_clear_output(stream));
    FLUSHED(stream, raw, "");
    OK(acl_write_string(stream, "kept", 4));
    FLUSHED(stream, raw, "4\r\nkept\r\n");
    gone(stream, raw);
}

TEST(what_is_buffered_goes_into_the_first_chunk)
{
    int raw;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    OK(acl_write_string(stream, "plain ", 6));
    OK(acl_force_output(stream));
    OK(acl_write_string(stream, "head ", 5));
    OUTPUT_ON(stream);
    SENT(raw, "plain ");
    OK(acl_write_string(stream, "body", 4));
    FLUSHED(stream, raw, "9\r\nhead body\r\n");
    gone(stream, raw);
}

TEST(the_end_marker)
{
    int raw;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    EQUAL(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON), ACL_SOCKET_INVALID_ARGUMENT);
    SENT(raw, "");
    OUTPUT_ON(stream);
    OK(acl_write_string(stream, "abc", 3));
    OK(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
    SENT(raw, "3\r\nabc\r\n0\r\n\r\n");
    COUNTED(acl_socket_bytes_written, stream, 13);
    EQUAL(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_write_string(stream, "plain", 5));
    FLUSHED(stream, raw, "plain");
    OUTPUT_ON(stream);
    OK(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
    SENT(raw, "0\r\n\r\n");
    OK(acl_write_string(stream, "de", 2));
    OK(CONTROL(stream, .output_chunking = ACL_SOCKET_ON, .output_chunking_eof = ACL_SOCKET_ON));
    SENT(raw, "2\r\nde\r\n0\r\n\r\n");
    OK(CONTROL(stream, .output_chunking = ACL_SOCKET_ON, .output_chunking_eof = ACL_SOCKET_ON));
    SENT(raw, "0\r\n\r\n");
    OK(acl_write_string(stream, "plain", 5));
    OK(acl_close(stream, 0));
    SENT(raw, "plain");
    gone(stream, raw);
}

TEST(switched_off_without_a_marker)
{
    int raw;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    OK(CONTROL(stream, .output_chunking = ACL_SOCKET_OFF));
    OUTPUT_ON(stream);
    OK(acl_write_string(stream, "ab", 2));
    OK(CONTROL(stream, .input_chunking = ACL_SOCKET_ON));
    OK(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_OFF));
    SENT(raw, "");
    OK(CONTROL(stream, .output_chunking = ACL_SOCKET_OFF));
    SENT(raw, "2\r\nab\r\n");
    OK(acl_write_string(stream, "cd", 2));
    FLUSHED(stream, raw, "cd");
    OK(acl_close(stream, 0));
    SENT(raw, "");
    gone(stream, raw);
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
        int raw;
        char byte;
        acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
        OUTPUT_ON(stream);
        OK(acl_write_string(stream, "x", 1));
        if (rows[i].flush)
            OK(acl_force_output(stream));
        if (rows[i].eof)
            OK(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        if (rows[i].abort == 2) {
            OK(acl_free_socket(stream));
        } else {
            OK(acl_close(stream, rows[i].abort));
            OK(acl_close(stream, 0));
            OK(acl_free_socket(stream));
        }
        SENT_BYTES(raw, rows[i].sent, strlen(rows[i].sent));
        EQUAL(recv(raw, &byte, 1, 0), 0);
        close(raw);
    }
}

TEST(characters_in_chunks)
{
    int raw;
    acl_socket *stream = STREAM(&raw, .external_format = "utf-16le", .eol_convention = ACL_SOCKET_EOL_DOS);
    OUTPUT_ON(stream);
    OK(acl_write_line(stream, "\xc3\xa9", 2));
    FLUSHED(stream, raw, "6\r\n\xe9\0\r\0\n\0\r\n");
    OK(acl_set_stream_external_format(stream, "iso-2022-jp"));
    OK(acl_write_string(stream, "\xe6\x97\xa5", 3));
    OK(acl_close(stream, 0));
    SENT(raw, "8\r\n\x1b$BF|\x1b(B\r\n0\r\n\r\n");
    gone(stream, raw);
}

static char received[3 << 20], decoded[3 << 20], block[1 << 20];

static void *receive_all(void *raw)
{
    static size_t total;
    ssize_t n;
    while ((n = recv(*(int *)raw, received + total, sizeof received - total, 0)) > 0)
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
    int raw, way;
    size_t length, taken;
    pthread_t thread;
    void *total;
    acl_socket *stream = STREAM(&raw, .external_format = "latin-1");
    fill_with(block, sizeof block, 0, 128);
    EQUAL(pthread_create(&thread, NULL, receive_all, &raw), 0);
    OUTPUT_ON(stream);
    for (way = 0; way < 2; way++) {
        OK(way ? acl_write_string(stream, block, sizeof block) : acl_write_vector(stream, block, sizeof block, &taken));
        OK(acl_write_byte(stream, 'x'));
    }
    EQUAL(taken, sizeof block);
    OK(acl_close(stream, 0));
    pthread_join(thread, &total);
    length = decode(received, received + *(size_t *)total);
    EQUAL(length, 2 * sizeof block + 2);
    CHECK(memcmp(decoded, block, sizeof block) == 0 && decoded[sizeof block] == 'x');
    CHECK(memcmp(decoded + sizeof block + 1, block, sizeof block) == 0 && decoded[length - 1] == 'x');
    gone(stream, raw);
}

TEST(refused_arguments_change_nothing)
{
    int raw;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    OUTPUT_ON(stream);
    OK(acl_write_string(stream, "ab", 2));
    EQUAL(acl_socket_control(stream, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONTROL(stream, .output_chunking = ACL_SOCKET_OFF, .output_chunking_eof = ACL_SOCKET_ON), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONTROL(stream, .output_chunking = ACL_SOCKET_OFF, .input_chunking = 2), ACL_SOCKET_INVALID_ARGUMENT);
    SENT(raw, "");
    FLUSHED(stream, raw, "2\r\nab\r\n");
    OK(acl_write_string(stream, "cd", 2));
    OK(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
    SENT(raw, "2\r\ncd\r\n0\r\n\r\n");
    gone(stream, raw);
}

TEST(arguments_of_control)
{
    int raw, pair[2];
    int32_t port, value;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw), *passive = listener(&port), *datagram;
    EQUAL(CONTROL(stream, .output_chunking = 2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONTROL(stream, .input_chunking = -2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONTROL(stream, .output_chunking_eof = 3), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONTROL(stream, .output_chunking = ACL_SOCKET_ON, .input_chunking = 2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_socket_control(stream, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(CONTROL(stream, .output_chunking = ACL_SOCKET_OFF, .output_chunking_eof = ACL_SOCKET_ON), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_write_string(stream, "plain", 5));
    FLUSHED(stream, raw, "plain");
    EQUAL(CONTROL(NULL, .output_chunking = ACL_SOCKET_ON), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(CONTROL(passive, .output_chunking = ACL_SOCKET_ON), ACL_SOCKET_WRONG_KIND);
    EQUAL(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    OK(acl_socket_from_os_fd(pair[0], NULL, &datagram));
    EQUAL(CONTROL(datagram, .input_chunking = ACL_SOCKET_ON), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_socket_chunking_end_of_file(stream, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_socket_chunking_end_of_file(NULL, &value), ACL_SOCKET_INVALID_HANDLE);
    OK(acl_close(stream, 0));
    EQUAL(CONTROL(stream, .output_chunking = ACL_SOCKET_ON), ACL_SOCKET_CLOSED);
    gone(datagram, pair[1]);
    gone(stream, raw);
    done(passive);
}

MAIN(CASE(each_flush_is_a_chunk), CASE(what_is_buffered_goes_into_the_first_chunk), CASE(the_end_marker),
     CASE(switched_off_without_a_marker), CASE(closing_sends_the_marker_unless_aborted), CASE(characters_in_chunks),
     CASE(a_big_body), CASE(refused_arguments_change_nothing), CASE(arguments_of_control))
