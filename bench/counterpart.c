/* The peer of a measurement: a process of its own, in plain C, that answers one service and is
 * ended when the measurement is over. TCP on a port of loopback that the system chooses, or a
 * Unix-domain pair. */
#include "bench.h"
#include "raw.h"
#include <netinet/udp.h>
#include "ssl.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { CHUNK = 4096, OPEN_AT_ONCE = 64 };

static void echo(int stream)
{
    static char data[PIECE];
    ssize_t received;
    while ((received = receive_some(stream, data, sizeof data)) > 0 && send_all(stream, data, (size_t)received))
        ;
}

static void sink(int stream)
{
    static char data[4 * PIECE];
    uint64_t total = 0;
    bool right = true;
    ssize_t received;
    while ((received = receive_some(stream, data, sizeof data)) > 0) {
        uint64_t end = total + (uint64_t)received;
        right = right && data[0] == text[total % LINE_LENGTH] && data[received - 1] == text[(end - 1) % LINE_LENGTH];
        total = end;
    }
    if (received < 0 || !right)
        total = NOT_THE_TEXT;
    send_all(stream, &total, sizeof total);
}

static void source(int stream)
{
    while (send_all(stream, text, sizeof text))
        ;
}

static void source_of_chunks(int stream)
{
    static char coded[2 * TEXT_LENGTH];
    size_t length = 0, from;
    for (from = 0; from < TEXT_LENGTH; from += CHUNK) {
        length += (size_t)sprintf(coded + length, "%x\r\n", (unsigned)CHUNK);
        memcpy(coded + length, text + from, CHUNK);
        memcpy(coded + length + CHUNK, "\r\n", 2);
        length += CHUNK + 2;
    }
    while (send_all(stream, coded, length))
        ;
}

/* Closes a connection some time after it came, when the other end has closed it long ago, so that
 * neither end sleeps for the other and no port stays taken. */
static void accept_and_close(int passive)
{
    int open[OPEN_AT_ONCE], place = 0, i;
    for (i = 0; i < OPEN_AT_ONCE; i++)
        open[i] = -1;
    for (;; place = (place + 1) % OPEN_AT_ONCE) {
        int stream = accept(passive, NULL, NULL);
        char byte;
        if (stream < 0)
            exit(1);
        reset_when_closed(stream);
        if (open[place] >= 0) {
            receive_some(open[place], &byte, 1);
            close(open[place]);
        }
        open[place] = stream;
    }
}

static void make_connections(int control)
{
    struct order order;
    int *made = NULL, count = 0, i;
    while (receive_all(control, &order, sizeof order)) {
        char line[LINE_LENGTH];
        for (i = 0; i < count; i++)
            close(made[i]);
        free(made);
        made = malloc(sizeof *made * (size_t)(order.count + 1));
        for (count = 0; made != NULL && count < order.count; count++) {
            made[count] = raw_connect(order.port);
            if (made[count] < 0 || !reset_when_closed(made[count]))
                exit(1);
            if (order.lines && !(send_all(made[count], text, LINE_LENGTH) && receive_all(made[count], line, sizeof line)))
                exit(1);
        }
        if (!send_all(control, "", 1))
            break;
    }
}

/* --- datagrams */

/* How long the datagrams are that came together; all there is where only one came. */
static size_t each_of(struct msghdr *message, size_t all)
{
    struct cmsghdr *told = CMSG_FIRSTHDR(message);
    int each;
    if (told == NULL || told->cmsg_level != IPPROTO_UDP || told->cmsg_type != UDP_GRO)
        return all;
    memcpy(&each, CMSG_DATA(told), sizeof each);
    return each > 0 ? (size_t)each : all;
}

/* How many they are, each of which shall be the beginning of the text; 0 where one is not. */
static uint64_t count_datagrams(const char *data, size_t all, size_t each)
{
    size_t at;
    for (at = 0; at < all; at += each)
        if (memcmp(data + at, text, at + each < all ? each : all - at) != 0)
            return 0;
    return (all + each - 1) / each;
}

/* Takes together what was sent together, where the system can: it is not to be what a sender waits for. */
static void sink_of_datagrams(int descriptor)
{
    enum { AT_ONCE = 64 };
    static struct mmsghdr headers[AT_ONCE];
    static struct iovec vectors[AT_ONCE];
    static char data[AT_ONCE][PIECE], told[AT_ONCE][64];
    struct sockaddr_in senders[AT_ONCE];
    uint64_t total = 0;
    int count, i, on = 1;
    (void)setsockopt(descriptor, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    for (;;) {
        for (i = 0; i < AT_ONCE; i++) {
            vectors[i] = (struct iovec){ data[i], PIECE };
            headers[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1, .msg_name = &senders[i],
                .msg_namelen = sizeof *senders, .msg_control = told[i], .msg_controllen = sizeof told[i] };
        }
        count = recvmmsg(descriptor, headers, AT_ONCE, MSG_WAITFORONE, NULL);
        for (i = 0; i < count; i++) {
            size_t all = headers[i].msg_len;
            uint64_t good;
            if (all == 1) {
                sendto(descriptor, &total, sizeof total, 0, (struct sockaddr *)&senders[i], sizeof *senders);
                continue;
            }
            good = count_datagrams(data[i], all, each_of(&headers[i].msg_hdr, all));
            total = good == 0 || total == NOT_THE_TEXT ? NOT_THE_TEXT : total + good;
        }
    }
}

/* As fast as can be: the system cuts up what is sent at once, where it can. */
static void source_of_datagrams(int descriptor)
{
    enum { AT_ONCE = 64 };
    struct sockaddr_in caller;
    socklen_t length = sizeof caller;
    static char first[PIECE], many[PIECE];
    ssize_t size = recvfrom(descriptor, first, sizeof first, 0, (struct sockaddr *)&caller, &length);
    int each = (int)size, i;
    size_t whole = (size_t)size;
    if (size <= 0 || size > PIECE / AT_ONCE || connect(descriptor, (struct sockaddr *)&caller, length) != 0)
        return;
    for (i = 0; i < AT_ONCE; i++)
        memcpy(many + i * size, text, (size_t)size);
    if (setsockopt(descriptor, IPPROTO_UDP, UDP_SEGMENT, &each, sizeof each) == 0)
        whole *= AT_ONCE;
    for (;;)
        send(descriptor, many, whole, 0);
}

static void echo_datagrams(int descriptor)
{
    static char data[PIECE];
    struct sockaddr_in sender;
    for (;;) {
        socklen_t length = sizeof sender;
        ssize_t received = recvfrom(descriptor, data, sizeof data, 0, (struct sockaddr *)&sender, &length);
        if (received >= 0)
            sendto(descriptor, data, (size_t)received, 0, (struct sockaddr *)&sender, length);
    }
}

static void serve(enum service service, int descriptor)
{
    switch (service) {
    case SERVE_ECHO: echo(descriptor); break;
    case SERVE_SINK: sink(descriptor); break;
    case SERVE_SOURCE: source(descriptor); break;
    case SERVE_CHUNKS: source_of_chunks(descriptor); break;
    case SERVE_ACCEPTING: accept_and_close(descriptor); break;
    case SERVE_CONNECTING: make_connections(descriptor); break;
    case SERVE_DATAGRAM_SINK: sink_of_datagrams(descriptor); break;
    case SERVE_DATAGRAMS: source_of_datagrams(descriptor); break;
    case SERVE_DATAGRAM_ECHO: echo_datagrams(descriptor); break;
    case SERVE_NOTHING: pause(); break;
    default: serve_ssl(service, descriptor); break;
    }
}

/* The connection of the services that have but one. */
static int accept_one(int passive)
{
    int stream = accept(passive, NULL, NULL);
    close(passive);
    if (stream >= 0 && !set_congestion(stream, settings.congestion)) {
        close(stream);
        return -1;
    }
    return stream;
}

bool start_peer(enum service service, bool unix_domain, int cpu, struct peer *peer)
{
    bool pair = unix_domain || service == SERVE_CONNECTING || service == SERVE_NOTHING;
    bool datagrams = service == SERVE_DATAGRAM_SINK || service == SERVE_DATAGRAMS || service == SERVE_DATAGRAM_ECHO;
    int ends[2] = { -1, -1 };
    peer->port = 0;
    if (pair ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 : (ends[1] = datagrams ? raw_datagrams(&peer->port) : raw_listen(&peer->port)) < 0)
        return false;
    peer->descriptor = ends[0];
    peer->process = fork();
    if (peer->process == 0) {
        settle_process(cpu);
        if (pair)
            close(ends[0]);
        else if (service != SERVE_ACCEPTING && service != SERVE_SSL_SHAKING && !datagrams)
            ends[1] = accept_one(ends[1]);
        if (ends[1] >= 0)
            serve(service, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    if (peer->process < 0 && pair)
        close(ends[0]);
    return peer->process > 0;
}

void stop_peer(struct peer *peer)
{
    kill(peer->process, SIGKILL);
    waitpid(peer->process, NULL, 0);
}
