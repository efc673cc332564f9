/* The floor of datagrams, waiting, files and addresses: bare calls of the system and the C library. */
#include "raw.h"
#include "bench.h"
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>

static inline const char *failure_text(void) { return strerror(errno); }

/* --- datagrams */

enum { BATCH = 1 };

struct datagrams {
    int descriptor;
    struct sockaddr_in peer;
};

static inline bool open_datagrams(struct datagrams *own, int port)
{
    own->descriptor = raw_datagrams(NULL);
    own->peer = loopback(port);
    return own->descriptor >= 0;
}

static inline void close_datagrams(struct datagrams *own) { close(own->descriptor); }

static inline bool send_batch(struct datagrams *own, size_t size)
{
    return sendto(own->descriptor, text, size, MSG_NOSIGNAL, (struct sockaddr *)&own->peer, sizeof own->peer) ==
        (ssize_t)size;
}

static inline int receive_batch(struct datagrams *own, size_t size)
{
    char data[2048];
    struct sockaddr_in sender;
    socklen_t length = sizeof sender;
    ssize_t received;
    do
        received = recvfrom(own->descriptor, data, sizeof data, 0, (struct sockaddr *)&sender, &length);
    while (received < 0 && errno == EINTR);
    return received == (ssize_t)size && memcmp(data, text, size) == 0 ? 1 : -1;
}

/* --- waiting for one of many */

struct waiter { int epoll; };

static inline bool open_waiter(struct waiter *own, const int *descriptors, int count)
{
    int i;
    own->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (i = 0; i < count && own->epoll >= 0; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data = { .fd = descriptors[i] } };
        if (epoll_ctl(own->epoll, EPOLL_CTL_ADD, descriptors[i], &event) != 0)
            return false;
    }
    return own->epoll >= 0;
}

static inline bool wait_and_receive(struct waiter *own)
{
    struct epoll_event events[16];
    struct sockaddr_in sender;
    socklen_t length = sizeof sender;
    char data[16];
    return epoll_wait(own->epoll, events, 16, -1) == 1 &&
        recvfrom(events[0].data.fd, data, sizeof data, 0, (struct sockaddr *)&sender, &length) == 1;
}

static inline void close_waiter(struct waiter *own) { close(own->epoll); }

/* --- files */

struct stream { int descriptor; };

static inline int descriptor_of(struct stream *stream) { return stream->descriptor; }
static inline bool open_connection(struct stream *stream, int port) { return (stream->descriptor = raw_connect(port)) >= 0; }
static inline void close_stream(struct stream *stream) { close(stream->descriptor); }
static inline bool end_output(struct stream *stream) { return shutdown(stream->descriptor, SHUT_WR) == 0; }

static inline bool read_all(struct stream *stream, void *data, size_t size)
{
    return receive_all(stream->descriptor, data, size);
}

static inline bool send_whole_file(struct stream *stream, int file, size_t size)
{
    off_t offset = 0;
    while ((size_t)offset < size)
        if (sendfile(stream->descriptor, file, &offset, size - (size_t)offset) < 0 && errno != EINTR)
            return false;
    return true;
}

/* --- addresses */

static inline bool parse_address(const char *dotted, uint32_t *address)
{
    struct in_addr parsed;
    if (inet_pton(AF_INET, dotted, &parsed) != 1)
        return false;
    *address = ntohl(parsed.s_addr);
    return true;
}

static inline bool format_address(uint32_t address, char *room, size_t size)
{
    struct in_addr given = { htonl(address) };
    return inet_ntop(AF_INET, &given, room, (socklen_t)size) != NULL;
}

/* --- handles: objects behind pointers, each looked at by a function that is not inlined */

struct object { int open; char rest[316]; };
struct handles { struct object **objects; int count; };

static __attribute__((noinline)) int is_open(const struct object *object) { return object != NULL && object->open; }

static inline bool open_handles(struct handles *own, int count)
{
    own->objects = malloc(sizeof *own->objects * (size_t)count);
    for (own->count = 0; own->objects != NULL && own->count < count; own->count++) {
        struct object *object = own->objects[own->count] = calloc(1, sizeof *object);
        if (object == NULL)
            return false;
        object->open = 1;
    }
    return own->objects != NULL;
}

static inline bool check_handle(struct handles *own, int index)
{
    int open = is_open(own->objects[index]);
    __asm__ volatile("" : "+r"(open));
    return open != 0;
}

static inline void close_handles(struct handles *own)
{
    while (own->count > 0)
        free(own->objects[--own->count]);
    free(own->objects);
}

#include "calls.h"
#include "datagrams.h"

const struct contender raw_calls = { "raw", {
    [SEND_DATAGRAMS] = send_datagrams, [RECEIVE_DATAGRAMS] = receive_datagrams, [DATAGRAM_TRIPS] = datagram_trips,
    [WAIT_FOR_ONE] = wait_for_one, [SEND_FILE] = send_file_loop, [PARSE] = parse_addresses, [FORMAT] = format_addresses,
    [CHECK_HANDLES] = check_handles
} };
