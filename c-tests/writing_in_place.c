/* Room of the output buffer that the caller fills: what it commits is written as by acl_write_vector. */
#include "streams.h"

static void *reserve(acl_socket *stream, size_t minimum, size_t *size)
{
    void *room;
    OK(acl_reserve_output(stream, minimum, &room, size));
    CHECK(room != NULL && *size >= minimum && *size >= 1);
    return room;
}

TEST(what_is_committed_is_written)
{
    EACH_KIND {
        size_t size;
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(acl_write_string(stream, "<", 1));
        memcpy(reserve(stream, 3, &size), "abcde", 5);
        OK(acl_commit_output(stream, 3));
        nothing_at(raw);
        memcpy(reserve(stream, 0, &size), "de", 2);
        OK(acl_commit_output(stream, 2));
        OK(acl_write_byte(stream, '>'));
        OK(acl_force_output(stream));
        expect(raw, BYTES("<abcde>"));
        reserve(stream, 10, &size);
        OK(acl_commit_output(stream, 0));
        OK(acl_force_output(stream));
        nothing_at(raw);
        gone(stream, raw);
    }
}

static void write_direct(acl_socket *stream) { OK(acl_write_byte(stream, 'x')); }
static void write_text(acl_socket *stream) { OK(acl_write_string(stream, "\xc3\xa9", 2)); }
static void write_line(acl_socket *stream) { OK(acl_terpri(stream)); }
static void force(acl_socket *stream) { OK(acl_force_output(stream)); }
static void clear(acl_socket *stream) { OK(acl_clear_output(stream)); }
static void commit(acl_socket *stream) { OK(acl_commit_output(stream, 1)); }

TEST(other_output_takes_the_room_back)
{
    static void (*const others[])(acl_socket *) = { write_direct, write_text, write_line, force, clear, commit };
    size_t size, i;
    for (i = 0; i < ROWS(others); i++) {
        int raw;
        acl_socket *stream = STREAM(&raw, .format = 0);
        *(char *)reserve(stream, 5, &size) = 'r';
        others[i](stream);
        EQUAL(acl_commit_output(stream, 1), ACL_SOCKET_INVALID_ARGUMENT);
        memcpy(reserve(stream, 5, &size), "again", 5);
        OK(acl_commit_output(stream, 5));
        gone(stream, raw);
    }
}

TEST(no_more_is_committed_than_was_shown)
{
    size_t size;
    int raw;
    acl_socket *stream = STREAM(&raw, .format = 0);
    EQUAL(acl_commit_output(stream, 1), ACL_SOCKET_INVALID_ARGUMENT);
    reserve(stream, 1, &size);
    EQUAL(size, 65536);
    EQUAL(acl_commit_output(stream, size + 1), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_commit_output(stream, 1), ACL_SOCKET_INVALID_ARGUMENT);
    memset(reserve(stream, 65536, &size), 'x', 65536);
    EQUAL(acl_commit_output(stream, SIZE_MAX), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_force_output(stream));
    nothing_at(raw);
    gone(stream, raw);
}

TEST(what_is_buffered_is_sent_to_make_room)
{
    static char much[65536];
    void *room;
    size_t size;
    int raw;
    acl_socket *stream = STREAM(&raw, .format = 0);
    memset(much, 'y', sizeof much);
    OK(acl_write_string(stream, "first", 5));
    room = reserve(stream, 65532, &size);
    EQUAL(size, 65536);
    expect(raw, BYTES("first"));
    memcpy(room, much, size);
    OK(acl_commit_output(stream, size));
    reserve(stream, 1, &size);
    expect(raw, much, sizeof much);
    EQUAL(acl_reserve_output(stream, 65537, &room, &size), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(room == NULL && size == 0);
    EQUAL(acl_reserve_output(stream, 1, NULL, &size), ACL_SOCKET_INVALID_ARGUMENT);
    gone(stream, raw);
}

TEST(a_chunk_is_filled_in_place)
{
    int32_t wrote;
    size_t size;
    int raw;
    acl_socket *stream = STREAM(&raw, .format = 0);
    OK(acl_socket_control(stream, ARGS(acl_socket_control_args, .output_chunking = ACL_SOCKET_ON)));
    memcpy(reserve(stream, 5, &size), "abcd\n", 5);
    OK(acl_commit_output(stream, 5));
    OK(acl_fresh_line(stream, &wrote));
    EQUAL(wrote, 0);
    OK(acl_force_output(stream));
    expect(raw, BYTES("5\r\nabcd\n\r\n"));
    gone(stream, raw);
}

TEST(only_bytes_are_written_in_place)
{
    void *room;
    size_t size;
    int raw;
    acl_socket *stream = STREAM(&raw, .format = ACL_SOCKET_TEXT);
    EQUAL(acl_reserve_output(stream, 1, &room, &size), ACL_SOCKET_WRONG_FORMAT);
    EQUAL(acl_commit_output(stream, 1), ACL_SOCKET_WRONG_FORMAT);
    OK(acl_close(stream, 0));
    EQUAL(acl_reserve_output(stream, 1, &room, &size), ACL_SOCKET_CLOSED);
    EQUAL(acl_commit_output(stream, 1), ACL_SOCKET_CLOSED);
    gone(stream, raw);
}

MAIN(
    CASE(what_is_committed_is_written),
    CASE(other_output_takes_the_room_back),
    CASE(no_more_is_committed_than_was_shown),
    CASE(what_is_buffered_is_sent_to_make_room),
    CASE(a_chunk_is_filled_in_place),
    CASE(only_bytes_are_written_in_place),
)
