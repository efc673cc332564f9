/* Writing with a time-out: what has gone in part is neither lost nor repeated. */
#include "timeouts.h"

/* Decodes the chunks in place. */
static size_t dechunked(size_t size)
{
    unsigned char *at = got, *end = got + size;
    size_t have = 0, length;
    *end = '\0';
    do {
        char *rest;
        length = strtoul((char *)at, &rest, 16);
        CHECK(rest != (char *)at && memcmp(rest, "\r\n", 2) == 0);
        at = (unsigned char *)rest + 2;
        CHECK(at + length + 2 <= end && memcmp(at + length, "\r\n", 2) == 0);
        memmove(got + have, at, length);
        have += length;
        at += length + 2;
    } while (length > 0);
    EQUAL(at - got, size);
    return have;
}

/* Waits where that is said, and again after each time-out. */
#define INSIST(call) \
    do { acl_status status_; \
        while ((status_ = (call)) == ACL_SOCKET_WRITE_TIMEOUT) ; \
        OK(status_); } while (0)

TEST(written_tells_where_to_go_on)
{
    int chunked;
    make_bytes();
    for (chunked = 0; chunked < 2; chunked++)
        EACH_KIND {
            uint64_t octets;
            size_t written, more;
            int raw;
            peer reader;
            acl_socket *stream = narrow(kind, &raw);
            if (chunked)
                OK(CONTROL(stream, .output_chunking = ACL_SOCKET_ON));
            written = fill_up(stream, SHORT);
            if (kind != OVER_TCP)
                WRITE_EXPIRES(acl_force_output(stream));
            WRITE_EXPIRES(acl_write_vector(stream, bytes + written, MUCH - written, &more));
            written += more;
            peer_reads(&reader, raw, 0);
            while (written < MUCH) {
                acl_status status = acl_write_vector(stream, bytes + written, MUCH - written, &more);
                CHECK(status == ACL_SOCKET_WRITE_TIMEOUT || (status == ACL_SOCKET_OK && more == MUCH - written));
                written += more;
            }
            INSIST(acl_force_output(stream));
            if (chunked)
                INSIST(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
            OK(acl_socket_bytes_written(stream, &octets));
            EQUAL(peer_ends(&reader, stream), octets);
            EQUAL(chunked ? dechunked(octets) : octets, MUCH);
            SAME(got, bytes, MUCH);
        }
}

TEST(the_end_of_a_chunked_body_comes_once)
{
    make_bytes();
    EACH_KIND {
        size_t written;
        int raw;
        peer reader;
        acl_socket *stream = narrow(kind, &raw);
        OK(CONTROL(stream, .output_chunking = ACL_SOCKET_ON));
        written = fill_up(stream, kind == OVER_TCP ? 0.6 : SHORT);
        WRITE_EXPIRES(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        WRITE_EXPIRES(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        peer_reads(&reader, raw, 0);
        INSIST(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        EQUAL(dechunked(peer_ends(&reader, stream)), written);
        SAME(got, bytes, written);
    }
}

/* The same where just the end of the body has no room. */
TEST(the_end_of_a_chunked_body_alone_comes_once)
{
    make_bytes();
    EACH_KIND {
        size_t sent = 0;
        ssize_t count;
        int raw;
        peer reader;
        acl_socket *stream = narrow(kind, &raw);
        OK(CONTROL(stream, .output_chunking = ACL_SOCKET_ON));
        while ((count = send(fd_of(stream), bytes + sent, 1000, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
            CHECK((sent += (size_t)count) < MUCH - 1000);
        if (kind != OVER_TCP) {
            WRITE_EXPIRES(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
            WRITE_EXPIRES(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        }
        peer_reads(&reader, raw, 0);
        INSIST(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON));
        EQUAL(CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON), ACL_SOCKET_INVALID_ARGUMENT);
        memcpy(bytes + sent, "0\r\n\r\n", 5);
        peer_got(&reader, stream, sent + 5);
    }
}

TEST(a_byte_or_character_that_expires_is_not_taken)
{
    size_t i;
    for (i = 0; i < MUCH; i++)
        bytes[i] = (unsigned char)('a' + i % 23);
    EACH_KIND {
        acl_status status;
        size_t written = 0, end;
        int raw;
        peer reader;
        acl_socket *stream = narrow(kind, &raw);
#define NEXT (written % 2 ? acl_write_byte(stream, bytes[written]) : acl_write_char(stream, bytes[written]))
        while ((status = NEXT) == ACL_SOCKET_OK)
            written++;
        EQUAL(status, ACL_SOCKET_WRITE_TIMEOUT);
        if (kind != OVER_TCP)
            WRITE_EXPIRES(acl_close(stream, 0));
        while ((status = NEXT) == ACL_SOCKET_OK)
            written++;
        EQUAL(status, ACL_SOCKET_WRITE_TIMEOUT);
        peer_reads(&reader, raw, 0);
        for (end = written + 1000; written < end; written++)
            INSIST(NEXT);
        INSIST(acl_close(stream, 0));
        peer_got(&reader, stream, end);
    }
}

/* The call answers WRITE_TIMEOUT when all buffers are full. */
#define FILLS(call) \
    do { acl_status status_; \
        int calls_ = 0; \
        while ((status_ = (call)) == ACL_SOCKET_OK && calls_++ < 1000000) ; \
        EQUAL(status_, ACL_SOCKET_WRITE_TIMEOUT); \
        EQUAL(acl_stream_error_code(), 0); } while (0)

TEST(each_function_that_writes_expires)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = narrow(kind, &raw);
        fill_up(stream, kind == OVER_TCP ? 0.6 : SHORT);
        FILLS(acl_write_string(stream, "a text", 6));
        FILLS(acl_write_line(stream, "a line", 6));
        FILLS(acl_write_sequence(stream, "bytes", 5));
        FILLS(acl_format(stream, "%d", 12345));
        FILLS(acl_terpri(stream));
        WRITE_EXPIRES(acl_force_output(stream));
        WRITE_EXPIRES(acl_finish_output(stream));
        WRITE_EXPIRES(acl_close(stream, 0));
        WRITE_EXPIRES(acl_close(stream, 0));
        /* It still is open. */
        DELIVER(stream, raw, "x");
        BYTE(stream, 'x');
        OK(acl_close(stream, ACL_SOCKET_ABORT));
        OK(acl_close(stream, 0));
        OK(acl_free_socket(stream));
        close(raw);
    }
}

TEST(progress_of_writing_restarts_the_time)
{
    double scale = slowly() ? 4 : 1;
    make_bytes();
    EACH_KIND {
        acl_status status;
        int raw, tries = 0;
        peer reader;
        do {
            size_t written;
            acl_socket *stream = narrow(kind, &raw);
            WRITE_TIMEOUT(stream, 0.2 * scale);
            peer_reads(&reader, raw, 0.01 * scale);
            status = acl_write_vector(stream, bytes, MUCH, &written);
            WRITE_TIMEOUT(stream, ACL_SOCKET_NO_TIMEOUT);
            peer_got(&reader, stream, written);
        } while (status == ACL_SOCKET_WRITE_TIMEOUT && ++tries < 5);
        OK(status);
    }
}

/* Counts in `size`. */
static acl_status read_until_it_comes(task *self)
{
    uint8_t byte;
    acl_status status;
    while ((status = acl_read_byte(self->socket, &byte)) == ACL_SOCKET_READ_TIMEOUT)
        self->size++;
    EQUAL(byte, 'e');
    return status;
}

TEST(a_reader_that_expires_does_not_disturb_the_writer)
{
    make_bytes();
    EACH_KIND {
        size_t written;
        int raw;
        peer reader;
        task reading;
        acl_socket *stream = narrow(kind, &raw);
        OK(CONTROL(stream, .read_timeout = 0.001, .write_timeout = ACL_SOCKET_NO_TIMEOUT));
        TASK_BEGINS(&reading, read_until_it_comes, .socket = stream);
        peer_reads(&reader, raw, 0.005);
        OK(acl_write_vector(stream, bytes, MUCH, &written));
        EQUAL(written, MUCH);
        OK(acl_force_output(stream));
        PUT(raw, "e");
        TASK_ENDS(&reading, patience(), ACL_SOCKET_OK);
        CHECK(reading.size > 0);
        OK(acl_close(stream, ACL_SOCKET_ABORT));
        peer_got(&reader, stream, MUCH);
    }
}

MAIN(CASE(written_tells_where_to_go_on), CASE(the_end_of_a_chunked_body_comes_once),
     CASE(the_end_of_a_chunked_body_alone_comes_once), CASE(a_byte_or_character_that_expires_is_not_taken),
     CASE(each_function_that_writes_expires), CASE(progress_of_writing_restarts_the_time),
     CASE(a_reader_that_expires_does_not_disturb_the_writer))
