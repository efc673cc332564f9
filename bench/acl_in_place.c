/* The library through the functions that show its input buffer: a line at a time, or a window that
 * is walked by code inlined here. */
#include "acl.h"

struct stream {
    acl_socket *socket;
    const unsigned char *next, *end;
    size_t window;
};

static inline int descriptor_of(struct stream *stream) { return acl_descriptor(stream->socket); }

static inline bool open_descriptor(struct stream *stream, int descriptor)
{
    stream->next = stream->end = NULL;
    stream->window = 0;
    return acl_take_over(&stream->socket, descriptor);
}

static inline bool open_connection(struct stream *stream, int port)
{
    stream->next = stream->end = NULL;
    stream->window = 0;
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
#include "loops.h"

const struct contender acl_in_place = { "acl in place", {
    [READ_LINES] = read_lines, [READ_BYTES] = read_bytes, [READ_CHARACTERS] = read_characters
} };
