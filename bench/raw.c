/* The floor of the workloads that a buffer does not help: bare system calls. */
#include "raw.h"

struct stream { int descriptor; };
struct listener { int descriptor; };

static inline const char *failure_text(void) { return strerror(errno); }
static inline int descriptor_of(struct stream *stream) { return stream->descriptor; }

static inline bool open_descriptor(struct stream *stream, int descriptor)
{
    stream->descriptor = descriptor;
    return true;
}

static inline bool open_connection(struct stream *stream, int port)
{
    return (stream->descriptor = raw_connect(port)) >= 0;
}

static inline void close_stream(struct stream *stream) { close(stream->descriptor); }

static inline bool write_bytes(struct stream *stream, const void *data, size_t size)
{
    return send_all(stream->descriptor, data, size);
}

static inline bool flush(struct stream *stream) { (void)stream; return true; }
static inline bool end_output(struct stream *stream) { return shutdown(stream->descriptor, SHUT_WR) == 0; }

static inline ssize_t read_some(struct stream *stream, void *data, size_t size)
{
    return receive_some(stream->descriptor, data, size);
}

static inline bool read_all(struct stream *stream, void *data, size_t size)
{
    return receive_all(stream->descriptor, data, size);
}

static inline bool open_listener(struct listener *listener, int *port)
{
    return (listener->descriptor = raw_listen(port)) >= 0;
}

static inline bool accept_stream(struct listener *listener, struct stream *stream)
{
    do
        stream->descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_CLOEXEC);
    while (stream->descriptor < 0 && errno == EINTR);
    return stream->descriptor >= 0;
}

static inline void close_listener(struct listener *listener) { close(listener->descriptor); }

static inline bool exchange_lines(struct stream *stream)
{
    char line[80];
    return read_all(stream, line, sizeof line) && write_bytes(stream, line, sizeof line);
}

#define CONNECTS
#define TRANSFERS
#define ACCEPTS
#include "loops.h"

const struct contender raw = { "raw", {
    [ROUND_TRIPS] = round_trips, [SEND] = send_loop, [RECEIVE_SOME] = receive_some_loop,
    [RECEIVE_ALL] = receive_all_loop, [CONNECT] = connect_loop, [ACCEPT] = accept_loop, [HOLD] = hold_connections
} };
