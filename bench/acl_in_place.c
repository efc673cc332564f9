/* The library through the functions that show its buffers: a line at a time, or a window that is
 * walked by code inlined here. */
#include "acl.h"
#include <string.h>

struct stream {
    acl_socket *socket;
    const unsigned char *next, *end;
    size_t window;
    unsigned char *room, *next_room, *end_of_room;
};

static inline int descriptor_of(struct stream *stream) { return acl_descriptor(stream->socket); }

static inline bool open_descriptor(struct stream *stream, int descriptor)
{
    *stream = (struct stream){ .next = NULL };
    return acl_take_over(&stream->socket, descriptor);
}

static inline bool open_connection(struct stream *stream, int port)
{
    *stream = (struct stream){ .next = NULL };
    return acl_connect(&stream->socket, port);
}

static inline void close_stream(struct stream *stream) { acl_end(stream->socket); }

static bool next_window(struct stream *stream)
{
    const void *data;
    if (stream->window > 0 && acl_consume_input(stream->socket, stream->window) != ACL_SOCKET_OK)
        return false;
    stream->window = 0;
    if (acl_peek_input(stream->socket, 1, &data, &stream->window) != ACL_SOCKET_OK)
        return false;
    stream->next = data;
    stream->end = stream->next + stream->window;
    return true;
}

static inline int read_byte(struct stream *stream)
{
    if (rarely(stream->next == stream->end) && !next_window(stream))
        return -1;
    return *stream->next++;
}

static bool commit_room(struct stream *stream)
{
    size_t count = (size_t)(stream->next_room - stream->room);
    stream->room = stream->next_room = stream->end_of_room = NULL;
    return count == 0 || acl_commit_output(stream->socket, count) == ACL_SOCKET_OK;
}

static bool next_room(struct stream *stream, size_t minimum)
{
    void *room;
    size_t size;
    if (!commit_room(stream) || acl_reserve_output(stream->socket, minimum, &room, &size) != ACL_SOCKET_OK)
        return false;
    stream->room = stream->next_room = room;
    stream->end_of_room = stream->room + size;
    return true;
}

static inline bool write_byte(struct stream *stream, unsigned char byte)
{
    if (rarely(stream->next_room == stream->end_of_room) && !next_room(stream, 1))
        return false;
    *stream->next_room++ = byte;
    return true;
}

static inline bool write_text(struct stream *stream, const void *data, size_t size)
{
    if (rarely((size_t)(stream->end_of_room - stream->next_room) < size) && !next_room(stream, size))
        return false;
    memcpy(stream->next_room, data, size);
    stream->next_room += size;
    return true;
}

static inline bool flush(struct stream *stream)
{
    return commit_room(stream) && acl_force_output(stream->socket) == ACL_SOCKET_OK;
}

static inline bool end_output(struct stream *stream)
{
    return acl_shutdown(stream->socket, ACL_SOCKET_OUTPUT) == ACL_SOCKET_OK;
}

static inline bool read_all(struct stream *stream, void *data, size_t size)
{
    size_t length;
    return acl_read_sequence(stream->socket, data, size, 0, &length) == ACL_SOCKET_OK;
}

static inline const char *read_line(struct stream *stream, char *room, size_t size, size_t *length)
{
    const char *line;
    (void)room;
    (void)size;
    return acl_read_line_view(stream->socket, &line, length) == ACL_SOCKET_OK ? line : NULL;
}

#define CONNECTS
#define READS_LINES
#define READS_ITEMS
#define DECODES_CHARACTERS
#define WRITES_ITEMS
#include "loops.h"

const struct contender acl_in_place = { "acl in place", {
    [READ_LINES] = read_lines, [READ_BYTES] = read_bytes, [READ_CHARACTERS] = read_characters,
    [WRITE_LINES] = write_lines, [WRITE_BYTES] = write_bytes_singly
} };
