/* Where connections go to, over TCP and over a file, and where they hang. */
#ifndef PLACES_H
#define PLACES_H
#include "concurrent.h"

#define EACH_PLACE for (int kind = OVER_TCP; kind <= OVER_FILE && told_kind(kind); kind++)

/* A listening descriptor. In a full one new connections hang. */
typedef struct { int kind, listening, filler; int32_t port; char directory[30], file[40]; } place;

static inline void bound(place *at, int kind)
{
    memset(at, 0, sizeof *at);
    at->kind = kind;
    at->filler = -1;
    if (kind == OVER_TCP) {
        struct sockaddr_in address = { .sin_family = AF_INET };
        socklen_t size = sizeof address;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EQUAL(bind(at->listening, (struct sockaddr *)&address, sizeof address), 0);
        EQUAL(getsockname(at->listening, (struct sockaddr *)&address, &size), 0);
        at->port = ntohs(address.sin_port);
    } else {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(at->directory, "/tmp/acl-test-XXXXXX");
        CHECK(mkdtemp(at->directory) != NULL);
        snprintf(at->file, sizeof at->file, "%s/socket", at->directory);
        strcpy(address.sun_path, at->file);
        at->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EQUAL(bind(at->listening, (struct sockaddr *)&address, sizeof address), 0);
    }
}

static inline void open_place(place *at, int kind, int backlog)
{
    bound(at, kind);
    EQUAL(listen(at->listening, backlog), 0);
}

static inline acl_make_socket_args to(const place *at, double timeout)
{
    acl_make_socket_args args = { ACL_SOCKET_ARGS(acl_make_socket_args), .connect_timeout = timeout };
    if (at->kind == OVER_TCP) {
        args.remote_host = "127.0.0.1";
        args.remote_port = at->port;
    } else {
        args.address_family = ACL_SOCKET_FILE;
        args.remote_filename = at->file;
    }
    return args;
}

static inline acl_status reach(const place *at, double timeout, acl_socket **stream)
{
    acl_make_socket_args args = to(at, timeout);
    return acl_make_socket(&args, stream);
}

static inline acl_status begin(const place *at, double timeout, acl_socket **pending)
{
    acl_make_socket_args args = to(at, timeout);
    return acl_begin_connect(&args, pending);
}

static inline int take(const place *at)
{
    int fd = accept(at->listening, NULL, NULL);
    CHECK(fd >= 0);
    return fd;
}

static inline void full_place(place *at, int kind)
{
    open_place(at, kind, 0);
    if (kind == OVER_TCP) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)at->port) };
        struct tcp_info info;
        socklen_t size = sizeof info;
        int tries = 0;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at->filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EQUAL(connect(at->filler, (struct sockaddr *)&address, sizeof address), 0);
        /* Of a listening socket these are how many wait to be accepted and how many may. */
        while (getsockopt(at->listening, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_unacked <= info.tcpi_sacked) {
            if (tries++ == 5000)
                _exit(SKIPPED);
            nap(1000);
        }
    } else {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(address.sun_path, at->file);
        at->filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EQUAL(connect(at->filler, (struct sockaddr *)&address, sizeof address), 0);
    }
}

static inline void close_place(place *at)
{
    close(at->listening);
    if (at->filler >= 0)
        close(at->filler);
    if (at->kind == OVER_FILE) {
        unlink(at->file);
        EQUAL(rmdir(at->directory), 0);
    }
}

/* Bytes go both ways; the peer is closed. */
static inline void works(acl_socket *stream, int peer)
{
    char text[5] = "";
    size_t length;
    OK(acl_write_string(stream, "ping", 4));
    OK(acl_force_output(stream));
    EQUAL(recv(peer, text, 4, MSG_WAITALL), 4);
    TEXT(text, "ping");
    EQUAL(send(peer, "pong", 4, MSG_NOSIGNAL), 4);
    OK(acl_read_sequence(stream, text, 4, 0, &length));
    TEXT(text, "pong");
    close(peer);
}
#endif
