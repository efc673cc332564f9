/* Datagrams, waiting, files, addresses and handles through the library. */
#include "acl.h"
#include "raw.h"
#include <stdlib.h>

#define OK(call) ((call) == ACL_SOCKET_OK)

/* --- datagrams, one in a call */

enum { BATCH = 1 };

struct datagrams { acl_socket *socket; };

static inline bool open_datagrams(struct datagrams *own, int port) { return acl_open_datagrams(&own->socket, port); }
static inline void close_datagrams(struct datagrams *own) { acl_end(own->socket); }

static inline bool send_batch(struct datagrams *own, size_t size)
{
    return OK(acl_send_to(own->socket, text, size, NULL, NULL));
}

static inline int receive_batch(struct datagrams *own, size_t size)
{
    char data[2048];
    acl_received received;
    return OK(acl_receive_from(own->socket, data, sizeof data, &received)) && received.length == size &&
        memcmp(data, text, size) == 0 ? 1 : -1;
}

/* --- waiting for one of many */

struct waiter {
    acl_wait_set *set;
    acl_socket **sockets;
    int count;
};

static inline bool open_waiter(struct waiter *own, const int *descriptors, int count)
{
    own->sockets = malloc(sizeof *own->sockets * (size_t)count);
    if (own->sockets == NULL || !OK(acl_make_wait_set(&own->set)))
        return false;
    for (own->count = 0; own->count < count; own->count++)
        if (!acl_take_over(&own->sockets[own->count], descriptors[own->count]) ||
            !OK(acl_wait_set_watch(own->set, own->sockets[own->count], ACL_SOCKET_IN, NULL)))
            return false;
    return true;
}

static inline bool wait_and_receive(struct waiter *own)
{
    acl_wait_event events[16];
    acl_received received;
    size_t count;
    char data[16];
    return OK(acl_wait_for_io_available(own->set, -1, events, 16, &count)) && count == 1 &&
        OK(acl_receive_from(events[0].socket, data, sizeof data, &received)) && received.length == 1;
}

static inline void close_waiter(struct waiter *own)
{
    while (own->count > 0)
        acl_end(own->sockets[--own->count]);
    acl_free_wait_set(own->set);
    free(own->sockets);
}

/* --- files */

struct stream { acl_socket *socket; };

static inline int descriptor_of(struct stream *stream) { return acl_descriptor(stream->socket); }
static inline bool open_connection(struct stream *stream, int port) { return acl_connect(&stream->socket, port); }
static inline void close_stream(struct stream *stream) { acl_end(stream->socket); }
static inline bool end_output(struct stream *stream) { return OK(acl_shutdown(stream->socket, ACL_SOCKET_OUTPUT)); }

static inline bool read_all(struct stream *stream, void *data, size_t size)
{
    size_t length;
    return OK(acl_read_sequence(stream->socket, data, size, 0, &length));
}

static inline bool send_whole_file(struct stream *stream, int file, size_t size)
{
    uint64_t sent;
    return OK(acl_send_file(stream->socket, file, 0, ACL_SOCKET_TO_THE_END, &sent)) && sent == size;
}

/* --- addresses */

static inline bool parse_address(const char *dotted, uint32_t *address)
{
    acl_ipaddr parsed;
    if (!OK(acl_dotted_to_ipaddr(dotted, 1, &parsed)))
        return false;
    *address = parsed.ipv4;
    return true;
}

static inline bool format_address(uint32_t address, char *room, size_t size)
{
    acl_ipaddr given;
    given.kind = ACL_SOCKET_IPV4;
    given.ipv4 = address;
    return OK(acl_ipaddr_to_dotted(&given, room, size, NULL));
}

/* --- handles */

struct handles {
    acl_socket **sockets;
    int count;
};

static inline bool open_handles(struct handles *own, int count)
{
    own->sockets = malloc(sizeof *own->sockets * (size_t)count);
    for (own->count = 0; own->sockets != NULL && own->count < count; own->count++)
        if (!acl_take_over(&own->sockets[own->count], socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)))
            return false;
    return own->sockets != NULL;
}

static inline bool check_handle(struct handles *own, int index)
{
    int32_t family;
    return OK(acl_socket_address_family(own->sockets[index], &family)) && family == ACL_SOCKET_FILE;
}

static inline void close_handles(struct handles *own)
{
    while (own->count > 0)
        acl_end(own->sockets[--own->count]);
    free(own->sockets);
}

#include "calls.h"
#include "datagrams.h"

const struct contender acl_calls = { "acl", {
    [SEND_DATAGRAMS] = send_datagrams, [RECEIVE_DATAGRAMS] = receive_datagrams, [DATAGRAM_TRIPS] = datagram_trips,
    [WAIT_FOR_ONE] = wait_for_one, [SEND_FILE] = send_file_loop, [PARSE] = parse_addresses, [FORMAT] = format_addresses,
    [CHECK_HANDLES] = check_handles
} };
