/* One of everything that input can be waited for at. */
#ifndef SOURCES_H
#define SOURCES_H
#include "concurrent.h"
#include <sys/resource.h>

/* The first ones are streams over TCP, over a file, and adopted. */
enum { PASSIVE = KINDS, DATAGRAMS, FILE_DATAGRAMS, PIPE, SOURCES };

typedef struct {
    acl_socket *socket; /* NULL for the pipe */
    int os_fd;          /* to be read, owned by the socket if there is one */
    int peer;
    char directory[40];
} source;

static inline void open_source(source *it, int kind)
{
    int ends[2];
    char path[60];
    *it = (source){ .peer = -1 };
    if (kind < KINDS) {
        it->socket = stream_and_raw(kind, NULL, &it->peer);
    } else if (kind == PASSIVE) {
        OK(MAKE(&it->socket, .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1"));
    } else if (kind == DATAGRAMS) {
        OK(MAKE(&it->socket, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1"));
        it->peer = socket(AF_INET, SOCK_DGRAM, 0);
    } else if (kind == FILE_DATAGRAMS) {
        strcpy(it->directory, "/tmp/acl-test-XXXXXX");
        CHECK(mkdtemp(it->directory) != NULL);
        snprintf(path, sizeof path, "%s/socket", it->directory);
        OK(MAKE(&it->socket, .type = ACL_SOCKET_DATAGRAM, .address_family = ACL_SOCKET_FILE, .local_filename = path));
        it->peer = socket(AF_UNIX, SOCK_DGRAM, 0);
    } else {
        EQUAL(pipe(ends), 0);
        it->os_fd = ends[0];
        it->peer = ends[1];
    }
    if (it->socket != NULL)
        it->os_fd = fd_of(it->socket);
}

static inline void address_of(int fd, struct sockaddr_storage *address, socklen_t *size)
{
    *size = sizeof *address;
    EQUAL(getsockname(fd, (struct sockaddr *)address, size), 0);
}

/* Something to read, which is there when this returns. */
static inline void feed(source *it, int kind)
{
    struct sockaddr_storage address;
    socklen_t size;
    if (kind < KINDS || kind == PIPE) {
        EQUAL(write(it->peer, "x", 1), 1);
    } else {
        address_of(it->os_fd, &address, &size);
        if (kind == PASSIVE) {
            it->peer = socket(AF_INET, SOCK_STREAM, 0);
            EQUAL(connect(it->peer, (struct sockaddr *)&address, size), 0);
        } else {
            EQUAL(sendto(it->peer, "x", 1, 0, (struct sockaddr *)&address, size), 1);
        }
    }
    await(it->os_fd, POLLIN);
}

/* Reads what was fed. */
static inline void drain(source *it, int kind)
{
    acl_socket *stream;
    acl_received received;
    char byte = 0;
    if (kind < KINDS) {
        BYTE(it->socket, 'x');
    } else if (kind == PIPE) {
        EQUAL(read(it->os_fd, &byte, 1), 1);
    } else if (kind == PASSIVE) {
        OK(acl_accept_connection(it->socket, ACL_SOCKET_NO_WAIT, &stream));
        done(stream);
        close(it->peer);
        it->peer = -1;
    } else {
        OK(acl_receive_from(it->socket, &byte, 1, &received));
    }
}

static inline void close_source(source *it)
{
    if (it->socket != NULL)
        done(it->socket);
    else
        close(it->os_fd);
    if (it->peer >= 0)
        close(it->peer);
    if (it->directory[0] != '\0')
        EQUAL(rmdir(it->directory), 0);
}

/* How many descriptors this process may have, after asking for so many. */
static inline size_t allow_descriptors(size_t wanted)
{
    struct rlimit limit;
    EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    return (size_t)limit.rlim_cur;
}
#endif
