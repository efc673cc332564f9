/* The loops of datagrams. A contender defines struct datagrams and, inlined, open_datagrams,
 * close_datagrams, send_batch and receive_batch, which move BATCH datagrams or up to so many, and
 * includes this file. Each datagram is the beginning of a line of the text. */
#ifndef DATAGRAMS_H
#define DATAGRAMS_H
#include "bench.h"
#include "raw.h"
#include <poll.h>

enum { DATAGRAM_ROOM = 2048 };

/* Asks the peer what arrived, from a socket of its own: the one that was measured may be flooded. */
static void check_arrived(struct run *run)
{
    struct sockaddr_in peer = loopback(run->peer.port);
    int asking = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), i;
    uint64_t arrived = 0;
    for (i = 0; i < 100 && arrived == 0; i++) {
        struct pollfd poll_for = { asking, POLLIN, 0 };
        sendto(asking, "?", 1, 0, (struct sockaddr *)&peer, sizeof peer);
        if (poll(&poll_for, 1, 20) == 1 && recv(asking, &arrived, sizeof arrived, 0) != sizeof arrived)
            arrived = 0;
    }
    close(asking);
    if (arrived == 0 || arrived == NOT_THE_TEXT)
        fail(run, "sending", arrived == 0 ? "nothing arrived" : "other datagrams arrived than were sent");
}

static void send_datagrams(struct run *run)
{
    struct datagrams own;
    uint64_t total = 0;
    int i;
    MUST(run, open_datagrams(&own, run->peer.port), "opening");
    while (keep_going(run, (double)total))
        for (i = 0; i < 640 / BATCH; i++, total += BATCH)
            MUST(run, send_batch(&own, run->piece), "sending");
    stop_clock(run, (double)total);
    close_datagrams(&own);
    check_arrived(run);
}

static void receive_datagrams(struct run *run)
{
    struct datagrams own;
    uint64_t total = 0;
    int i, count;
    MUST(run, open_datagrams(&own, run->peer.port), "opening");
    /* From then on the peer sends to this socket, which must not wait if that was lost. */
    for (i = 0; i < 3; i++)
        MUST(run, send_batch(&own, run->piece), "calling the peer");
    while (keep_going(run, (double)total))
        for (i = 0; i < 640 / BATCH; i++, total += (uint64_t)count) {
            count = receive_batch(&own, run->piece);
            MUST(run, count > 0, "receiving");
        }
    stop_clock(run, (double)total);
    close_datagrams(&own);
}

static inline void datagram_trips(struct run *run)
{
    struct datagrams own;
    uint64_t trips = 0;
    int i;
    MUST(run, open_datagrams(&own, run->peer.port), "opening");
    while (keep_going(run, (double)trips))
        for (i = 0; i < 50; i++, trips++) {
            MUST(run, send_batch(&own, run->piece), "sending");
            MUST(run, receive_batch(&own, run->piece) == 1, "receiving");
        }
    stop_clock(run, (double)trips);
    close_datagrams(&own);
}

#endif
