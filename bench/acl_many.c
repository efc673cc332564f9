/* The library through its functions for many datagrams in a call, each with memory of its own. */
#include "acl.h"
#include "raw.h"

#define OK(call) ((call) == ACL_SOCKET_OK)

enum { BATCH = 64, ROOM = 2048 };

struct datagrams {
    acl_socket *socket;
    acl_datagram out[BATCH], in[BATCH];
    char room[BATCH][ROOM];
};

static inline bool open_datagrams(struct datagrams *own, int port)
{
    int i;
    memset(own, 0, sizeof *own);
    for (i = 0; i < BATCH; i++) {
        own->out[i].buffer = text + LINE_LENGTH * (i * 7 % BATCH);
        own->in[i].buffer = own->room[i];
        own->in[i].size = ROOM;
    }
    return acl_open_datagrams(&own->socket, port);
}

static inline void close_datagrams(struct datagrams *own) { acl_end(own->socket); }

static inline bool send_batch(struct datagrams *own, size_t size)
{
    size_t sent;
    int i;
    for (i = 0; i < BATCH; i++)
        own->out[i].length = size;
    return OK(acl_send_to_many(own->socket, own->out, BATCH, NULL, &sent)) && sent == BATCH;
}

static inline int receive_batch(struct datagrams *own, size_t size)
{
    size_t count, i;
    if (!OK(acl_receive_from_many(own->socket, own->in, BATCH, &count)))
        return -1;
    for (i = 0; i < count; i++)
        if (own->in[i].message_length != size || memcmp(own->room[i], text, size) != 0)
            return -1;
    return (int)count;
}

#include "datagrams.h"

const struct contender acl_many = { "acl many", {
    [SEND_DATAGRAMS] = send_datagrams, [RECEIVE_DATAGRAMS] = receive_datagrams
} };
