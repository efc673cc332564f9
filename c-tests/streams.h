/* Connected streams of every kind, and what they read, send and are told. A raw peer is a plain descriptor that the
 * test closes. */
#ifndef STREAMS_H
#define STREAMS_H
#include "test.h"
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>

#define ROWS(table) (sizeof table / sizeof *table)
#define BYTES(literal) literal, sizeof literal - 1

enum { OVER_TCP, OVER_FILE, ADOPTED, KINDS };

static inline int told_kind(int kind)
{
    static const char *const names[] = { "over TCP", "over a file", "adopted" };
    return kind < KINDS && printf("# %s\n", names[kind]) > 0;
}

/* Runs the statement behind it for each kind of stream. */
#define EACH_KIND for (int kind = 0; told_kind(kind); kind++)

typedef struct { int32_t format; const char *external_format; int32_t eol_convention, malformed_policy; } stream_form;
#define FORM(...) (&(stream_form){ __VA_ARGS__ })
#define FILL(args, form) \
    do { if ((form) != NULL) { \
        (args).format = (form)->format; \
        (args).external_format = (form)->external_format; \
        (args).eol_convention = (form)->eol_convention; \
        (args).malformed_policy = (form)->malformed_policy; } } while (0)

/* A passive socket where streams of that kind meet; form NULL means all defaults. */
typedef struct { acl_socket *passive; int32_t port; char directory[30], file[40]; } meeting;

static inline void meet(meeting *place, int kind, const stream_form *form)
{
    acl_make_socket_args args = { ACL_SOCKET_ARGS(acl_make_socket_args), .connect = ACL_SOCKET_PASSIVE };
    memset(place, 0, sizeof *place);
    FILL(args, form);
    if (kind == OVER_TCP) {
        args.local_host = "127.0.0.1";
    } else {
        strcpy(place->directory, "/tmp/acl-test-XXXXXX");
        CHECK(mkdtemp(place->directory) != NULL);
        snprintf(place->file, sizeof place->file, "%s/socket", place->directory);
        args.address_family = ACL_SOCKET_FILE;
        args.local_filename = place->file;
    }
    OK(acl_make_socket(&args, &place->passive));
    if (kind == OVER_TCP)
        OK(acl_local_port(place->passive, &place->port));
}

static inline void part(meeting *place)
{
    done(place->passive);
    if (place->directory[0] != '\0')
        EQUAL(rmdir(place->directory), 0);
}

static inline acl_socket *adopt(int fd, const stream_form *form)
{
    acl_socket_from_os_fd_args args = { ACL_SOCKET_ARGS(acl_socket_from_os_fd_args), .format = 0 };
    acl_socket *stream;
    FILL(args, form);
    OK(acl_socket_from_os_fd(fd, &args, &stream));
    return stream;
}

/* Two streams: `one` by acl_make_socket, `other` by acl_accept_connection, or both adopted. */
static inline void stream_pair(int kind, const stream_form *form, acl_socket **one, acl_socket **other)
{
    acl_make_socket_args args = { ACL_SOCKET_ARGS(acl_make_socket_args), .remote_host = NULL };
    meeting place;
    int pair[2];
    if (kind == ADOPTED) {
        EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        *one = adopt(pair[0], form);
        *other = adopt(pair[1], form);
        return;
    }
    meet(&place, kind, form);
    FILL(args, form);
    if (kind == OVER_TCP) {
        args.remote_host = "127.0.0.1";
        args.remote_port = place.port;
    } else {
        args.address_family = ACL_SOCKET_FILE;
        args.remote_filename = place.file;
    }
    OK(acl_make_socket(&args, one));
    OK(acl_accept_connection(place.passive, ACL_SOCKET_WAIT, other));
    part(&place);
}

/* A stream, accepted or adopted, whose peer is the descriptor *raw. */
static inline acl_socket *stream_and_raw(int kind, const stream_form *form, int *raw)
{
    acl_socket *stream;
    meeting place;
    int pair[2], on = 1;
    if (kind == ADOPTED) {
        EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        *raw = pair[1];
        return adopt(pair[0], form);
    }
    meet(&place, kind, form);
    if (kind == OVER_TCP) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)place.port) };
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *raw = socket(AF_INET, SOCK_STREAM, 0);
        EQUAL(connect(*raw, (struct sockaddr *)&address, sizeof address), 0);
        EQUAL(setsockopt(*raw, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    } else {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(address.sun_path, place.file);
        *raw = socket(AF_UNIX, SOCK_STREAM, 0);
        EQUAL(connect(*raw, (struct sockaddr *)&address, sizeof address), 0);
    }
    OK(acl_accept_connection(place.passive, ACL_SOCKET_WAIT, &stream));
    part(&place);
    return stream;
}

/* The simplest one: STREAM(&raw, .external_format = "ascii"). */
#define STREAM(raw, ...) stream_and_raw(ADOPTED, FORM(__VA_ARGS__), raw)

static inline void gone(acl_socket *stream, int raw)
{
    done(stream);
    EQUAL(close(raw), 0);
}

static inline int fd_of(acl_socket *stream)
{
    int32_t fd;
    OK(acl_socket_os_fd(stream, &fd));
    return fd;
}

/* Sends bytes from the raw side. */
static inline void put(int raw, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(raw, at, size, MSG_NOSIGNAL);
        CHECK(sent > 0);
        at += sent;
        size -= (size_t)sent;
    }
}
#define PUT(raw, literal) put(raw, BYTES(literal))

/* The same, and waits until the system has all of it for the stream, which has read all before. */
static inline void deliver(acl_socket *stream, int raw, const void *data, size_t size)
{
    int waiting = 0;
    put(raw, data, size);
    while (ioctl(fd_of(stream), FIONREAD, &waiting) == 0 && (size_t)waiting < size)
        sched_yield();
}
#define DELIVER(stream, raw, literal) deliver(stream, raw, BYTES(literal))

/* Waits for an event of a descriptor. */
static inline void await(int fd, short events)
{
    struct pollfd wanted = { .fd = fd, .events = events };
    EQUAL(poll(&wanted, 1, 10000), 1);
}

/* The peer of the stream sends no more, and the system knows. */
static inline void end_input(acl_socket *stream, int raw)
{
    EQUAL(shutdown(raw, SHUT_WR), 0);
    await(fd_of(stream), POLLRDHUP);
}

/* The peer ends the connection without an orderly close; what it did not read does that over files. */
static inline void reset_by_peer(acl_socket *stream, int raw)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    EQUAL(send(fd_of(stream), "unread", 6, MSG_NOSIGNAL), 6);
    await(raw, POLLIN);
    EQUAL(setsockopt(raw, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    EQUAL(close(raw), 0);
    await(fd_of(stream), POLLRDHUP);
}

/* Nothing has arrived at the raw side. */
static inline void nothing_at(int raw)
{
    struct pollfd wanted = { .fd = raw, .events = POLLIN | POLLRDHUP };
    EQUAL(poll(&wanted, 1, 0), 0);
}

/* The next bytes that the raw side gets are these. */
static inline void expect(int raw, const void *data, size_t size)
{
    char *got = malloc(size + 1);
    size_t length = 0;
    while (length < size) {
        ssize_t count = recv(raw, got + length, size - length, 0);
        if (count <= 0)
            fail(__FILE__, __LINE__, "%zu of %zu bytes came", length, size);
        length += (size_t)count;
    }
    for (length = 0; length < size; length++)
        if (got[length] != ((const char *)data)[length])
            fail(__FILE__, __LINE__, "wrong byte %d at %zu of %zu", got[length], length, size);
    free(got);
}
#define EXPECT(raw, literal) expect(raw, BYTES(literal))

static inline void expect_end(int raw)
{
    char byte;
    EQUAL(recv(raw, &byte, 1, 0), 0);
}

/* What has been sent is these bytes and no more: not over TCP, where they may be on their way. */
static inline void sent(const char *file, int line, int raw, const char *bytes, size_t length)
{
    static char is[100000];
    size_t got = 0, same = 0;
    ssize_t count;
    while ((count = recv(raw, is + got, sizeof is - got, MSG_DONTWAIT)) > 0)
        got += (size_t)count;
    while (same < got && same < length && is[same] == bytes[same])
        same++;
    if (same < got || same < length)
        fail(file, line, "\"%.*s\" was sent, not \"%.*s\": %zu bytes, not %zu, wrong at %zu",
            got < 200 ? (int)got : 200, is, length < 200 ? (int)length : 200, bytes, got, length, same);
}
#define SENT_BYTES(raw, ...) sent(__FILE__, __LINE__, raw, __VA_ARGS__)
#define SENT(raw, literal) SENT_BYTES(raw, BYTES(literal))
#define FLUSHED(stream, raw, literal) do { OK(acl_force_output(stream)); SENT(raw, literal); } while (0)

/* The same over TCP too: what is in the output buffer becomes just these bytes. */
#define SENDS(stream, raw, literal) \
    do { nothing_at(raw); OK(acl_force_output(stream)); EXPECT(raw, literal); nothing_at(raw); } while (0)

/* A thread at the raw side that sends all of data and ends, or expects just that. */
typedef struct { pthread_t thread; int raw; const void *data; size_t size; } transfer;

static inline void *send_all(void *argument)
{
    transfer *task = argument;
    put(task->raw, task->data, task->size);
    EQUAL(shutdown(task->raw, SHUT_WR), 0);
    return NULL;
}

static inline void *expect_all(void *argument)
{
    transfer *task = argument;
    expect(task->raw, task->data, task->size);
    expect_end(task->raw);
    return NULL;
}

static inline void start(transfer *task, void *(*run)(void *), int raw, const void *data, size_t size)
{
    task->raw = raw;
    task->data = data;
    task->size = size;
    EQUAL(pthread_create(&task->thread, NULL, run, task), 0);
}

/* Ends the thread, the raw descriptor and the stream. */
static inline void finish(transfer *task, acl_socket *stream)
{
    EQUAL(pthread_join(task->thread, NULL), 0);
    EQUAL(close(task->raw), 0);
    done(stream);
}

/* What a stream reads next, and writes. */
#define READS(call, should) \
    do { uint32_t read_ = 0xbad; OK(call); EQUAL(read_, should); } while (0)
#define BYTE(stream, should) \
    do { uint8_t byte_ = 0xbd; OK(acl_read_byte(stream, &byte_)); EQUAL(byte_, should); } while (0)
#define CHARACTER(stream, should) READS(acl_read_char(stream, &read_), should)
#define AT_ONCE(stream, should) READS(acl_read_char_no_hang(stream, &read_), should)
#define NOT_YET(stream) EQUAL(acl_read_char_no_hang(stream, &(uint32_t){ 0 }), ACL_SOCKET_WOULD_BLOCK)
#define PEEKED(stream, should) READS(acl_peek_char(stream, &read_), should)
#define LISTENS(stream, should) \
    do { int32_t ready_ = 7; OK(acl_listen(stream, &ready_)); EQUAL(ready_, should); } while (0)
#define AT_END(stream) EQUAL(acl_read_byte(stream, &(uint8_t){ 0 }), ACL_SOCKET_END_OF_FILE)
#define READS_LINE(stream, should) \
    do { char line_[200]; size_t length_ = 777; OK(acl_read_line(stream, line_, sizeof line_, &length_)); \
        TEXT(line_, should); EQUAL(length_, strlen(should)); } while (0)
#define FRESH(stream, should) \
    do { int32_t wrote_ = 7; OK(acl_fresh_line(stream, &wrote_)); EQUAL(wrote_, should); } while (0)
#define COUNTED(function, stream, should) \
    do { uint64_t count_ = 77; OK(function(stream, &count_)); EQUAL(count_, should); } while (0)
#define SAME(is, should, size) EQUAL(memcmp(is, should, size), 0)

/* Pseudo-random numbers, the same ones everywhere. */
static inline uint32_t chance(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* The same bytes everywhere, from `first` on `choices` different ones. */
static inline void fill_with(void *to, size_t size, unsigned first, unsigned choices)
{
    uint64_t state = 5;
    size_t i;
    for (i = 0; i < size; i++)
        ((unsigned char *)to)[i] = (unsigned char)(first + chance(&state) % choices);
}
#endif
