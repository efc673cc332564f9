/* What both contenders with the library share: opening, closing, and what went wrong. */
#ifndef ACL_H
#define ACL_H
#include "bench.h"
#include <acl_socket.h>

static inline const char *failure_text(void) { return acl_stream_error_report(); }

static inline bool acl_take_over(acl_socket **socket, int descriptor)
{
    return acl_socket_from_os_fd(descriptor, NULL, socket) == ACL_SOCKET_OK;
}

static inline bool acl_connect(acl_socket **socket, int port)
{
    return acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args),
        .remote_host = "127.0.0.1", .remote_port = port, .nodelay = ACL_SOCKET_ON }, socket) == ACL_SOCKET_OK;
}

static inline bool acl_open_datagrams(acl_socket **socket, int port)
{
    return acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args), .type = ACL_SOCKET_DATAGRAM,
        .local_host = "127.0.0.1", .remote_host = "127.0.0.1", .remote_port = port }, socket) == ACL_SOCKET_OK;
}

static inline void acl_end(acl_socket *socket)
{
    acl_close(socket, 0);
    acl_free_socket(socket);
}

static inline int acl_descriptor(acl_socket *socket)
{
    int32_t descriptor;
    return acl_socket_os_fd(socket, &descriptor) == ACL_SOCKET_OK ? descriptor : -1;
}

#endif
