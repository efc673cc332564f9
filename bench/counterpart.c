/* The peer of a measurement: a process of its own, in plain C, that answers one service and is
 * ended when the measurement is over. TCP on a port of loopback that the system chooses, or a
 * Unix-domain pair. */
#include "bench.h"
#include "raw.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

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

static void serve(enum service service, int descriptor)
{
    switch (service) {
    case SERVE_ECHO: echo(descriptor); break;
    case SERVE_SINK: sink(descriptor); break;
    case SERVE_SOURCE: source(descriptor); break;
    case SERVE_CHUNKS: source_of_chunks(descriptor); break;
    case SERVE_ACCEPTING: accept_and_close(descriptor); break;
    case SERVE_CONNECTING: make_connections(descriptor); break;
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
    bool pair = unix_domain || service == SERVE_CONNECTING;
    int ends[2] = { -1, -1 };
    peer->port = 0;
    if (pair ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 : (ends[1] = raw_listen(&peer->port)) < 0)
        return false;
    peer->descriptor = ends[0];
    peer->process = fork();
    if (peer->process == 0) {
        settle_process(cpu);
        if (pair)
            close(ends[0]);
        else if (service != SERVE_ACCEPTING)
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
