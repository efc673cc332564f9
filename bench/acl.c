/* The library through the functions of its public header that copy. */
#include "acl.h"

struct stream { acl_socket *socket; };
struct listener { acl_socket *socket; };

#define OK(call) ((call) == ACL_SOCKET_OK)

static inline int descriptor_of(struct stream *stream) { return acl_descriptor(stream->socket); }

static inline bool open_descriptor(struct stream *stream, int descriptor)
{
    return acl_take_over(&stream->socket, descriptor);
}

static inline bool open_connection(struct stream *stream, int port) { return acl_connect(&stream->socket, port); }
static inline void close_stream(struct stream *stream) { acl_end(stream->socket); }

static inline bool write_bytes(struct stream *stream, const void *data, size_t size)
{
    return OK(acl_write_sequence(stream->socket, data, size));
}

static inline bool write_text(struct stream *stream, const char *data, size_t size)
{
    return OK(acl_write_string(stream->socket, data, size));
}

static inline bool write_byte(struct stream *stream, unsigned char byte)
{
    return OK(acl_write_byte(stream->socket, byte));
}

static inline bool flush(struct stream *stream) { return OK(acl_force_output(stream->socket)); }
static inline bool end_output(struct stream *stream) { return OK(acl_shutdown(stream->socket, ACL_SOCKET_OUTPUT)); }

static inline ssize_t read_some(struct stream *stream, void *data, size_t size)
{
    size_t length;
    return OK(acl_read_vector(stream->socket, data, size, &length)) ? (ssize_t)length : -1;
}

static inline bool read_all(struct stream *stream, void *data, size_t size)
{
    size_t length;
    return OK(acl_read_sequence(stream->socket, data, size, 0, &length));
}

static inline int read_byte(struct stream *stream)
{
    uint8_t byte;
    return OK(acl_read_byte(stream->socket, &byte)) ? byte : -1;
}

static inline int read_character(struct stream *stream)
{
    uint32_t character;
    return OK(acl_read_char(stream->socket, &character)) ? (int)character : -1;
}

static inline const char *read_line(struct stream *stream, char *room, size_t size, size_t *length)
{
    return OK(acl_read_line(stream->socket, room, size, length)) ? room : NULL;
}

static inline bool begin_chunks(struct stream *stream)
{
    return OK(acl_socket_control(stream->socket,
        &(acl_socket_control_args){ ACL_SOCKET_ARGS(acl_socket_control_args), .input_chunking = ACL_SOCKET_ON }));
}

static inline bool read_chunked(struct stream *stream, void *data, size_t size) { return read_all(stream, data, size); }
static inline int read_chunked_byte(struct stream *stream) { return read_byte(stream); }

static inline bool open_listener(struct listener *listener, int *port)
{
    int32_t number;
    if (!OK(acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args), .connect = ACL_SOCKET_PASSIVE,
            .local_host = "127.0.0.1", .nodelay = ACL_SOCKET_ON }, &listener->socket)) ||
        !OK(acl_local_port(listener->socket, &number)))
        return false;
    *port = number;
    return true;
}

static inline bool accept_stream(struct listener *listener, struct stream *stream)
{
    return OK(acl_accept_connection(listener->socket, ACL_SOCKET_WAIT, &stream->socket));
}

static inline void close_listener(struct listener *listener) { acl_end(listener->socket); }

static inline bool exchange_lines(struct stream *stream)
{
    char line[LINE_LENGTH];
    size_t length;
    return OK(acl_read_line(stream->socket, line, sizeof line, &length)) &&
        OK(acl_write_string(stream->socket, text, LINE_LENGTH)) && flush(stream);
}

#define CONNECTS
#define TRANSFERS
#define READS_LINES
#define READS_ITEMS
#define READS_CHUNKS
#define WRITES_ITEMS
#define ACCEPTS
#include "loops.h"

const struct contender acl = { "acl", {
    [ROUND_TRIPS] = round_trips, [SEND] = send_loop, [RECEIVE_SOME] = receive_some_loop,
    [RECEIVE_ALL] = receive_all_loop, [READ_LINES] = read_lines, [READ_BYTES] = read_bytes,
    [READ_CHARACTERS] = read_characters, [WRITE_LINES] = write_lines, [WRITE_BYTES] = write_bytes_singly,
    [READ_CHUNKS] = read_chunks, [READ_CHUNK_BYTES] = read_chunk_bytes, [CONNECT] = connect_loop,
    [ACCEPT] = accept_loop, [HOLD] = hold_connections
} };
