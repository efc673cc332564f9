/* System calls on blocking sockets, for the floors and for the peer. Each function inlined, each
 * with the same checks as the others: what it could not do is an error, a short transfer goes on. */
#ifndef RAW_H
#define RAW_H
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static inline struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline bool set_nodelay(int descriptor)
{
    int on = 1;
    return setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

/* Both ends use the same congestion control: pacing ones are slow and uneven on loopback. */
static inline bool set_congestion(int descriptor, const char *name)
{
    return name == NULL || setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0;
}

/* Closing such a socket leaves nothing behind that waits for a minute. */
static inline bool reset_when_closed(int descriptor)
{
    struct linger now = { 1, 0 };
    return setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0;
}

static inline int raw_connect(int port)
{
    struct sockaddr_in address = loopback(port);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0 || !set_nodelay(descriptor)) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

/* A listening socket at a port that the system chooses. Accepted sockets inherit TCP_NODELAY. */
static inline int raw_listen(int *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (!set_nodelay(descriptor) || bind(descriptor, (struct sockaddr *)&address, length) != 0 ||
        listen(descriptor, 4096) != 0 || getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) {
        close(descriptor);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return descriptor;
}

/* A datagram socket on loopback, and its port where that is asked for. */
static inline int raw_datagrams(int *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (bind(descriptor, (struct sockaddr *)&address, length) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) {
        close(descriptor);
        return -1;
    }
    if (port != NULL)
        *port = ntohs(address.sin_port);
    return descriptor;
}

static inline size_t descriptor_limit(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (size_t)limit.rlim_cur : 1024;
}

static inline bool send_all(int descriptor, const void *data, size_t size)
{
    const char *rest = data;
    while (size > 0) {
        ssize_t sent = send(descriptor, rest, size, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        rest += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* 0 at the end of file, -1 after a failure. */
static inline ssize_t receive_some(int descriptor, void *data, size_t size)
{
    ssize_t received;
    do
        received = recv(descriptor, data, size, 0);
    while (received < 0 && errno == EINTR);
    return received;
}

static inline bool receive_all(int descriptor, void *data, size_t size)
{
    char *rest = data;
    while (size > 0) {
        ssize_t received = receive_some(descriptor, rest, size);
        if (received <= 0)
            return false;
        rest += received;
        size -= (size_t)received;
    }
    return true;
}

#endif
