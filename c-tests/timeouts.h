/* Time-outs and deadlines: what takes how long, and streams whose peer is slow. */
#ifndef TIMEOUTS_H
#define TIMEOUTS_H
#include "chunks.h"
#include "concurrent.h"
#include <math.h>

#define SHORT 0.03
#define READ_TIMEOUT(socket, seconds) OK(CONTROL(socket, .read_timeout = (seconds)))
#define WRITE_TIMEOUT(socket, seconds) OK(CONTROL(socket, .write_timeout = (seconds)))
#define DEADLINE(socket, seconds) OK(acl_set_socket_deadline(socket, seconds))

/* --- what takes how long */

/* Signals that prolong it, of which a storm has enough for longer, are found too. */
static inline void took(const char *file, int line, double from, double seconds)
{
    double time = clock_now() - from;
    if (time < seconds - 0.01 || time > seconds + (slowly() ? 20 : 4))
        fail(file, line, "it took %g s, not %g", time, seconds);
}
#define TOOK(from, seconds) took(__FILE__, __LINE__, from, seconds)

#define EXPIRES(call, answer, seconds) \
    do { double from_ = clock_now(); \
        EQUAL(call, answer); \
        EQUAL(acl_stream_error_identifier(), answer); \
        EQUAL(acl_stream_error_code(), 0); \
        TOOK(from_, seconds); } while (0)
#define READ_EXPIRES(call) EXPIRES(call, ACL_SOCKET_READ_TIMEOUT, SHORT)
#define WRITE_EXPIRES(call) EXPIRES(call, ACL_SOCKET_WRITE_TIMEOUT, SHORT)
/* The deadline counts from before it is set. */
#define DEADLINE_EXPIRES(socket, seconds, call, answer) EXPIRES((acl_set_socket_deadline(socket, seconds), call), answer, seconds)

typedef struct { int fd; double seconds; } later;

static inline acl_status send_later(task *self)
{
    const later *it = self->data;
    nap((long)(1e6 * it->seconds));
    put(it->fd, "l", 1);
    return ACL_SOCKET_OK;
}

/* A read waits for as long as its peer sends nothing. */
static inline void waits_for(acl_socket *stream, int peer, double seconds)
{
    later it = { peer, seconds };
    task sender;
    double from = clock_now();
    TASK_BEGINS(&sender, send_later, .data = &it);
    BYTE(stream, 'l');
    TOOK(from, seconds);
    TASK_ENDS(&sender, patience(), ACL_SOCKET_OK);
}

/* It does so for longer than the time-out that there is not. */
static inline void waits(acl_socket *stream, int peer)
{
    waits_for(stream, peer, 2 * SHORT);
}

/* --- slow peers */

/* Sends a byte at a time, the last one a newline. */
typedef struct { int raw, count; double interval; } drip;

static inline acl_status drop(task *self)
{
    const drip *it = self->data;
    int i = 0;
    do
        nap((long)(1e6 * it->interval));
    while (++i <= it->count && send(it->raw, i == it->count ? "\n" : "d", 1, MSG_NOSIGNAL) == 1);
    return ACL_SOCKET_OK;
}

enum { MUCH = 3000000 };
static unsigned char bytes[MUCH];
static unsigned char got[2 * MUCH + 1];

static inline void make_bytes(void)
{
    fill_with(bytes, MUCH, 0, 256);
}

/* A stream whose output does not fit into what the system keeps for the peer. */
static inline acl_socket *narrow(int kind, int *raw)
{
    acl_socket *stream = stream_and_raw(kind, NULL, raw);
    OK(acl_set_socket_options(stream, ARGS(acl_set_socket_options_args, .send_buffer_size = 65536)));
    WRITE_TIMEOUT(stream, SHORT);
    return stream;
}

/* Fills the system's buffer and the stream's until they take no more for that time; how much they took. */
static inline size_t fill_up(acl_socket *stream, double quiet_time)
{
    size_t written, more;
    double last;
    EXPIRES(acl_write_vector(stream, bytes, MUCH, &written), ACL_SOCKET_WRITE_TIMEOUT, SHORT);
    last = clock_now();
    /* TCP sends what is left of the window after some 0.2 s. */
    while (clock_now() - last < quiet_time) {
        acl_status status = acl_write_vector(stream, bytes + written, 1, &more);
        EQUAL(status, more == 1 ? ACL_SOCKET_OK : ACL_SOCKET_WRITE_TIMEOUT);
        if (more == 1)
            last = clock_now();
        written += more;
        CHECK(written < MUCH);
    }
    return written;
}

/* The peer reads all until the end, a block at a time, with pauses. */
typedef struct { task task; int raw; double interval; size_t size; } peer;

static inline acl_status collect(task *self)
{
    peer *it = self->data;
    ssize_t count;
    while (it->size < 2 * MUCH && (count = recv(it->raw, got + it->size, 60000, 0)) > 0) {
        it->size += (size_t)count;
        if (it->interval > 0)
            nap((long)(1e6 * it->interval));
    }
    return ACL_SOCKET_OK;
}

static inline void peer_reads(peer *it, int raw, double interval)
{
    it->raw = raw;
    it->interval = interval;
    it->size = 0;
    TASK_BEGINS(&it->task, collect, .data = it);
}

/* Ends the stream, which has written all it will. How many bytes came, in `got`. */
static inline size_t peer_ends(peer *it, acl_socket *stream)
{
    OK(acl_close(stream, 0));
    OK(acl_free_socket(stream));
    TASK_ENDS(&it->task, 20, ACL_SOCKET_OK);
    EQUAL(close(it->raw), 0);
    return it->size;
}

/* The same, and the peer has got just so many of the first bytes. */
static inline void peer_got(peer *it, acl_socket *stream, size_t size)
{
    EQUAL(peer_ends(it, stream), size);
    SAME(got, bytes, size);
}
#endif
