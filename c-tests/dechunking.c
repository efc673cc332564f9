/* Chunked input read by every function, switched on and off, across chunks of every size. */
#include "chunks.h"
#include "functions.h"

/* The next bytes read are these. */
static void next(int line, acl_socket *stream, const char *bytes, size_t length)
{
    char is[1000] = "";
    size_t got = 0;
    acl_status status = acl_read_sequence(stream, is, length, 0, &got);
    if (status != ACL_SOCKET_OK || got != length || memcmp(is, bytes, length) != 0)
        fail(__FILE__, line, "status %d: \"%.*s\" was read, not \"%.*s\"", (int)status, (int)got, is, (int)length, bytes);
}

#define NEXT(stream, literal) next(__LINE__, stream, BYTES(literal))

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
    int raw;
    acl_socket *stream = STREAM(&raw, .external_format = "utf-8", .eol_convention = ACL_SOCKET_EOL_DOS);
    put(raw, response, sizeof response - 1);
    READS_LINE(stream, "HTTP/1.1 200 OK");
    READS_LINE(stream, "Transfer-Encoding: chunked");
    READS_LINE(stream, "");
    OK(acl_socket_chunking_trailers(stream, text, sizeof text, &length));
    EQUAL(length, 0);
    INPUT_ON(stream);
    BODY_ENDED(stream, 0);
    READS_LINE(stream, "a\xc3\xa9");
    BODY_ENDED(stream, 0);
    READS_LINE(stream, "line");
    EQUAL(acl_read_line(stream, text, sizeof text, &length), ACL_SOCKET_END_OF_FILE);
    BODY_ENDED(stream, 1);
    AT_END(stream);
    OK(acl_socket_chunking_trailers(stream, text, sizeof text, &length));
    TEXT(text, "X-Sum: 1\r\nX-End: 2\r\n");
    EQUAL(length, 20);
    EQUAL(acl_socket_chunking_trailers(stream, text, 6, &length), ACL_SOCKET_BUFFER_TOO_SMALL);
    TEXT(text, "X-Sum");
    EQUAL(length, 20);
    OK(acl_socket_chunking_trailers(stream, NULL, 0, &length));
    EQUAL(length, 20);
    INPUT_OFF(stream);
    BODY_ENDED(stream, 0);
    READS_LINE(stream, "HTTP/1.1 204 No Content");
    READS_LINE(stream, "");
    COUNTED(acl_socket_bytes_read, stream, sizeof response - 1);
    shutdown(raw, SHUT_WR);
    AT_END(stream);
    BODY_ENDED(stream, 0);
    gone(stream, raw);
}

TEST(a_real_end_of_file_is_no_end_of_chunks)
{
    int raw;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    shutdown(raw, SHUT_WR);
    AT_END(stream);
    BODY_ENDED(stream, 0);
    gone(stream, raw);
}

/* Every function answers as at the end of a file, again and again, though plain bytes are there. */
TEST(the_end_of_a_body_lasts)
{
    int raw, round, reader;
    char room[20];
    const char *view;
    const void *data;
    size_t length;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    PUT(raw, "5\r\nhello\r\n0\r\n\r\nplain");
    INPUT_ON(stream);
    OK(acl_peek_input(stream, 100, &data, &length));
    EQUAL(length, 5);
    OK(acl_consume_input(stream, 5));
    for (round = 0; round < 2; round++) {
        for (reader = 0; reader < READERS; reader++) {
            EQUAL(read_by(reader, stream, room, sizeof room, &view, &length), ACL_SOCKET_END_OF_FILE);
            EQUAL(length, 0);
        }
        LISTENS(stream, 0);
        EQUAL(acl_read_no_hang_p(stream), 1);
        BODY_ENDED(stream, 1);
    }
    INPUT_OFF(stream);
    BODY_ENDED(stream, 0);
    LISTENS(stream, 1);
    NEXT(stream, "plain");
    EQUAL(acl_read_no_hang_p(stream), 0);
    gone(stream, raw);
}

TEST(bodies_one_after_another)
{
    int raw;
    char text[20] = "x";
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    PUT(raw, "5\r\nhello\r\n0\r\nA: b\r\n\r\n3\r\nabc\r\n0\r\n\r\n0\r\n\r\nplain2\r\nde\r\n0\r\n\r\n");
    INPUT_ON(stream);
    NEXT(stream, "hello");
    AT_END(stream);
    INPUT_ON(stream);
    BODY_ENDED(stream, 0);
    NEXT(stream, "abc");
    AT_END(stream);
    OK(acl_socket_chunking_trailers(stream, text, sizeof text, NULL));
    TEXT(text, "");
    INPUT_ON(stream);
    AT_END(stream);
    BODY_ENDED(stream, 1);
    INPUT_OFF(stream);
    NEXT(stream, "plain");
    INPUT_ON(stream);
    NEXT(stream, "de");
    AT_END(stream);
    gone(stream, raw);
}

TEST(switched_off_within_a_chunk)
{
    int reader, put_back;
    for (reader = 0; reader < READ_STRING; reader++) {
        for (put_back = 0; put_back < 2; put_back++) {
            int raw, i;
            char room[10];
            const char *data;
            size_t length;
            acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
            PUT(raw, "2\r\nhe\r\n5;x\r\nllo w\r\n3\r\nabc\r\n0\r\n\r\n");
            INPUT_ON(stream);
            for (i = 0; i < 4; i++) {
                OK(read_by(reader, stream, room, 1, &data, &length));
                EQUAL(length, 1);
                EQUAL(*data, "hell"[i]);
            }
            if (put_back) {
                CHARACTER(stream, 'o');
                OK(acl_unread_char(stream, 'o'));
            }
            INPUT_OFF(stream);
            BODY_ENDED(stream, 0);
            NEXT(stream, "o w\r\n3\r\nabc\r\n0\r\n\r\n");
            gone(stream, raw);
        }
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
    int reader;
    for (i = 0; i < ROWS(split); i++) {
        for (size = 1; size < 9; size++) {
            for (reader = READ_STRING; reader < READERS; reader++) {
                int raw;
                char framed[300], text[100] = "", room[50];
                const char *data;
                size_t length;
                acl_status status;
                acl_socket *stream = STREAM(&raw, .external_format = split[i].format, .eol_convention = ACL_SOCKET_EOL_DOS);
                printf("# %s, chunks of %d, %s\n", split[i].format, (int)size, reader_name(reader));
                INPUT_ON(stream);
                put(raw, framed, in_chunks(split[i].bytes, split[i].length, size, framed));
                do {
                    status = read_by(reader, stream, room, reader == READ_STRING_PARTLY ? 5 : sizeof room, &data, &length);
                    CHECK(strlen(text) + length < 50);
                    strncat(text, data, length);
                    if (reader >= LINE_READERS && status == ACL_SOCKET_OK)
                        strcat(text, "\n");
                } while (status == ACL_SOCKET_OK);
                EQUAL(status, ACL_SOCKET_END_OF_FILE);
                TEXT(text, split[i].text);
                gone(stream, raw);
            }
        }
    }
}

TEST(contiguous_input_across_chunks)
{
    int raw;
    char framed[300];
    const void *data;
    size_t length;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    INPUT_ON(stream);
    put(raw, framed, in_chunks("0123456789abcdefghij", 20, 1, framed));
    OK(acl_peek_input(stream, 12, &data, &length));
    CHECK(length >= 12 && length <= 20 && memcmp(data, "0123456789abcdefghij", length) == 0);
    OK(acl_consume_input(stream, 11));
    OK(acl_peek_input(stream, 100, &data, &length));
    EQUAL(length, 9);
    SAME(data, "bcdefghij", 9);
    EQUAL(acl_consume_input(stream, 10), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_consume_input(stream, 9));
    EQUAL(acl_peek_input(stream, 1, &data, &length), ACL_SOCKET_END_OF_FILE);
    gone(stream, raw);
}

TEST(a_character_put_back_across_chunks)
{
    int raw;
    acl_socket *stream = STREAM(&raw, .eol_convention = ACL_SOCKET_EOL_DOS);
    INPUT_ON(stream);
    PUT(raw, "1\r\n\xe2\r\n1\r\n\x82\r\n2\r\n\xac\r\r\n1\r\n\n\r\n0\r\n\r\n");
    CHARACTER(stream, 0x20ac);
    OK(acl_unread_char(stream, 0x20ac));
    CHARACTER(stream, 0x20ac);
    OK(acl_unread_char(stream, 0x20ac));
    BYTE(stream, 0xe2);
    NEXT(stream, "\x82\xac");
    CHARACTER(stream, '\n');
    OK(acl_unread_char(stream, '\n'));
    NEXT(stream, "\r\n");
    AT_END(stream);
    BODY_ENDED(stream, 1);
    gone(stream, raw);
}

/* The end of the body is an end of file for characters and newlines too. */
TEST(characters_cut_off_by_the_end_of_the_body)
{
    int raw;
    uint32_t character;
    acl_socket *stream = STREAM(&raw, .eol_convention = ACL_SOCKET_EOL_DOS);
    PUT(raw, "3\r\na\xe2\x82\r\n0\r\n\r\n2\r\nb\r\r\n0\r\n\r\n\xac\n");
    INPUT_ON(stream);
    CHARACTER(stream, 'a');
    CHARACTER(stream, 0xfffd);
    EQUAL(acl_read_char(stream, &character), ACL_SOCKET_END_OF_FILE);
    EQUAL(acl_read_char(stream, &character), ACL_SOCKET_END_OF_FILE);
    counted(stream, 1, 0);
    INPUT_ON(stream);
    CHARACTER(stream, 'b');
    CHARACTER(stream, '\r');
    EQUAL(acl_read_char(stream, &character), ACL_SOCKET_END_OF_FILE);
    INPUT_OFF(stream);
    NEXT(stream, "\xac\n");
    gone(stream, raw);
}

/* The CR that ends the header gives its newline at once; its LF is of the header, not of the first chunk. */
TEST(a_lf_owed_to_the_header)
{
    int raw;
    acl_socket *stream = STREAM(&raw, .eol_convention = ACL_SOCKET_EOL_ANYNL_DOS);
    PUT(raw, "A: b\r\n\r");
    READS_LINE(stream, "A: b");
    READS_LINE(stream, "");
    INPUT_ON(stream);
    PUT(raw, "\n3\r\nabc\r\n0\r\n\r\n");
    NEXT(stream, "abc");
    AT_END(stream);
    gone(stream, raw);
}

static char big[300000], back[400000], framed_twice[700000];

TEST(chunks_larger_than_any_buffer)
{
    int raw, body;
    size_t length;
    transfer sender;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    fill_with(big, sizeof big, 0, 256);
    length = in_chunks(big, sizeof big, sizeof big, framed_twice);
    length += in_chunks(big, sizeof big, 100000, framed_twice + length);
    memcpy(framed_twice + length, "plain", 5);
    start(&sender, send_all, raw, framed_twice, length + 5);
    for (body = 0; body < 2; body++) {
        memset(back, 'x', sizeof back);
        INPUT_ON(stream);
        OK(acl_read_sequence(stream, back, 200000, 0, &length));
        EQUAL(length, 200000);
        BODY_ENDED(stream, 0);
        EQUAL(acl_read_sequence(stream, back + 200000, sizeof back - 200000, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, 100000);
        BODY_ENDED(stream, 1);
        CHECK(memcmp(back, big, sizeof big) == 0 && back[sizeof big] == 'x');
        EQUAL(acl_read_sequence(stream, back, sizeof back, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, 0);
    }
    INPUT_OFF(stream);
    NEXT(stream, "plain");
    finish(&sender, stream);
}

MAIN(CASE(a_response_with_a_chunked_body), CASE(a_real_end_of_file_is_no_end_of_chunks), CASE(the_end_of_a_body_lasts),
     CASE(bodies_one_after_another), CASE(switched_off_within_a_chunk), CASE(characters_and_lines_across_chunks),
     CASE(contiguous_input_across_chunks), CASE(a_character_put_back_across_chunks),
     CASE(characters_cut_off_by_the_end_of_the_body), CASE(a_lf_owed_to_the_header), CASE(chunks_larger_than_any_buffer))
