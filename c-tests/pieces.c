/* Writing bytes that lie in several places. */
#include "timeouts.h"
#include <sys/time.h>

enum { PIECES = 300 };
static acl_piece pieces[PIECES];

/* Cuts the first `total` of the bytes into so many pieces, some of them empty. */
static void cut(size_t total, int count)
{
    size_t from = 0;
    int i;
    for (i = 0; i < count; i++) {
        size_t left = total - from, size = i == count - 1 ? left : i % 5 == 3 ? 0 : left / (size_t)(count - i) + (size_t)(i % 3);
        if (size > left)
            size = left;
        pieces[i] = (acl_piece){ size > 0 ? bytes + from : NULL, size };
        from += size;
    }
}

TEST(as_if_they_were_one)
{
    static const size_t totals[] = { 0, 1, 100, 16383, 16384, 65535, 65536, 70000, 1 << 20, MUCH - 5 };
    static const int counts[] = { 1, 2, 3, 62, 63, 64, 65, 130, PIECES };
    int kind, exits, t, c;
    make_bytes();
    for (kind = 0; kind < KINDS; kind++)
        for (exits = 0; exits < 2; exits++) {
            OK(acl_set_non_local_exits(exits));
            for (t = 0; t < (int)(sizeof totals / sizeof *totals); t++)
                for (c = t % 3; c < (int)(sizeof counts / sizeof *counts); c += 1 + exits * 3) {
                    peer reader;
                    int raw;
                    size_t written = 777;
                    uint64_t sent = 0;
                    acl_socket *stream = stream_and_raw(kind, NULL, &raw);
                    peer_reads(&reader, raw, 0);
                    /* What is buffered goes before them, and what is written later behind. */
                    OK(acl_write_vector(stream, bytes, 3, NULL));
                    cut(totals[t], counts[c]);
                    OK(acl_write_pieces(stream, pieces, (size_t)counts[c], &written));
                    EQUAL(written, totals[t]);
                    OK(acl_write_vector(stream, bytes, 2, NULL));
                    OK(acl_force_output(stream));
                    OK(acl_socket_bytes_written(stream, &sent));
                    EQUAL(sent, totals[t] + 5);
                    EQUAL(peer_ends(&reader, stream), totals[t] + 5);
                    SAME(got, bytes, 3);
                    SAME(got + 3, bytes, totals[t]);
                    SAME(got + 3 + totals[t], bytes, 2);
                }
        }
    OK(acl_set_non_local_exits(0));
}

/* The sizes of the chunks that came, in their order; the bytes are compared. */
static int chunk_sizes(size_t size, size_t *sizes, int most)
{
    size_t at = 0, checked = 0;
    int count = 0;
    while (at < size) {
        char *end;
        size_t length = strtoul((char *)got + at, &end, 16);
        CHECK(memcmp(end, "\r\n", 2) == 0);
        at = (size_t)(end + 2 - (char *)got);
        if (length == 0)
            break;
        CHECK(count < most);
        sizes[count++] = length;
        SAME(got + at, bytes + checked, length);
        at += length;
        checked += length;
        CHECK(memcmp(got + at, "\r\n", 2) == 0);
        at += 2;
    }
    return count;
}

TEST(as_one_chunk)
{
    static const size_t totals[] = { 10, 16000, 16384, 100000, 1 << 20, (1 << 20) + 1, 2500000 };
    int t, buffered;
    make_bytes();
    for (t = 0; t < (int)(sizeof totals / sizeof *totals); t++)
        for (buffered = 0; buffered < 2; buffered++) {
            size_t sizes[10], size, total = totals[t];
            int raw, count, i;
            peer reader;
            acl_socket *stream = STREAM(&raw, .eol_convention = 0);
            peer_reads(&reader, raw, 0);
            OUTPUT_ON(stream);
            if (buffered)
                OK(acl_write_vector(stream, bytes, 7, NULL));
            cut(total, 100);
            for (i = 0; i < 100; i++)
                if (buffered && pieces[i].buffer != NULL)
                    pieces[i].buffer = (const char *)pieces[i].buffer + 7;
            OK(acl_write_pieces(stream, pieces, 100, NULL));
            OK(acl_force_output(stream));
            size = peer_ends(&reader, stream);
            got[size] = '\0';
            count = chunk_sizes(size, sizes, 10);
            EQUAL(count, (total - 1) / (1 << 20) + 1);
            EQUAL(sizes[0], (total < 1 << 20 ? total : 1 << 20) + (size_t)(buffered ? 7 : 0));
        }
}

/* A peer that takes little: what was taken is told, and going on from there loses nothing. */
TEST(time_outs_lose_nothing)
{
    int kind, chunked;
    make_bytes();
    for (kind = 0; kind < KINDS; kind++)
        for (chunked = 0; chunked < 2; chunked++) {
            int raw;
            size_t written = 777, more, whole = 2000000, size, sizes[100];
            peer reader;
            acl_socket *stream = narrow(kind, &raw);
            if (chunked)
                OUTPUT_ON(stream);
            cut(whole, 50);
            EXPIRES(acl_write_pieces(stream, pieces, 50, &written), ACL_SOCKET_WRITE_TIMEOUT, SHORT);
            CHECK(written > 0 && written < whole);
            /* The rest of a chunk that was begun stays to be sent. */
            EQUAL(acl_force_output(stream), chunked ? ACL_SOCKET_WRITE_TIMEOUT : ACL_SOCKET_OK);
            WRITE_TIMEOUT(stream, -1);
            peer_reads(&reader, raw, 0);
            OK(acl_write_vector(stream, bytes + written, whole - written, &more));
            EQUAL(more, whole - written);
            size = peer_ends(&reader, stream);
            if (chunked) {
                got[size] = '\0';
                CHECK(chunk_sizes(size, sizes, 100) > 1);
            } else {
                EQUAL(size, whole);
                SAME(got, bytes, whole);
            }
        }
}

TEST(what_cannot_be_written)
{
    int raw;
    size_t written = 777;
    acl_socket *stream = STREAM(&raw, .eol_convention = 0);
    make_bytes();
    cut(100, 4);
    pieces[2].buffer = NULL;
    pieces[2].size = 1;
    EQUAL(acl_write_pieces(stream, pieces, 4, &written), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(written, 0);
    pieces[2] = (acl_piece){ bytes, (size_t)1 << 62 };
    pieces[3] = pieces[1] = pieces[0] = pieces[2];
    EQUAL(acl_write_pieces(stream, pieces, 4, &written), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_write_pieces(stream, NULL, 1, &written), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_write_pieces(stream, NULL, 0, &written));
    OK(acl_close(stream, 0));
    EQUAL(recv(raw, got, 10, 0), 0);
    EQUAL(acl_write_pieces(stream, pieces, 0, &written), ACL_SOCKET_CLOSED);
    gone(stream, raw);
    stream = STREAM(&raw, .eol_convention = 0);
    close(raw);
    cut(MUCH - 5, 100);
    EQUAL(acl_write_pieces(stream, pieces, 100, &written), ACL_SOCKET_UNKNOWN);
    EQUAL(acl_stream_error_code(), EPIPE);
    CHECK(written < MUCH - 5);
    done(stream);
}

MAIN(CASE(as_if_they_were_one), CASE(as_one_chunk), CASE(time_outs_lose_nothing), CASE(what_cannot_be_written))
