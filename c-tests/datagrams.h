/* Datagram sockets of every kind, and datagrams whose bytes tell which they are. */
#ifndef DATAGRAMS_H
#define DATAGRAMS_H
#include "timeouts.h"

/* --- both ends, of every kind */

enum { IPV4, IPV6, DUAL, CONNECTED, FILES, DATAGRAM_KINDS };

typedef struct { acl_socket *sender, *receiver; char directory[40]; } ends;

static inline void open_ends(ends *it, int kind)
{
    memset(it, 0, sizeof *it);
    if (kind == FILES) {
        char one[60], other[60];
        strcpy(it->directory, "/tmp/acl-test-XXXXXX");
        CHECK(mkdtemp(it->directory) != NULL);
        snprintf(one, sizeof one, "%s/one", it->directory);
        snprintf(other, sizeof other, "%s/other", it->directory);
        OK(MAKE(&it->receiver, .type = ACL_SOCKET_DATAGRAM, .address_family = ACL_SOCKET_FILE, .local_filename = other));
        OK(MAKE(&it->sender, .type = ACL_SOCKET_DATAGRAM, .address_family = ACL_SOCKET_FILE, .local_filename = one,
            .remote_filename = other));
    } else {
        int32_t port, family = kind == IPV6 ? ACL_SOCKET_IPV6_ONLY : kind == DUAL ? ACL_SOCKET_ON : ACL_SOCKET_OFF;
        const char *host = kind == IPV6 ? "::1" : "127.0.0.1";
        OK(MAKE(&it->receiver, .type = ACL_SOCKET_DATAGRAM, .local_host = kind == DUAL ? NULL : host, .ipv6 = family));
        OK(acl_local_port(it->receiver, &port));
        if (kind == CONNECTED) {
            struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                .sin_addr = { htonl(INADDR_LOOPBACK) } };
            int fd = socket(AF_INET, SOCK_DGRAM, 0);
            EQUAL(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
            OK(acl_socket_from_os_fd(fd, NULL, &it->sender));
        } else {
            OK(MAKE(&it->sender, .type = ACL_SOCKET_DATAGRAM, .local_host = kind == DUAL ? NULL : host,
                .remote_host = host, .remote_port = port, .ipv6 = family));
        }
    }
    READ_TIMEOUT(it->receiver, 10);
}

static inline void close_ends(ends *it)
{
    done(it->sender);
    done(it->receiver);
    if (it->directory[0] != '\0')
        EQUAL(rmdir(it->directory), 0);
}

/* --- datagrams whose bytes tell which they are */

enum { MOST = 400, ROOM = 9000 };
static char sending[MOST][ROOM], receiving[MOST][ROOM];
static acl_datagram out[MOST], in[MOST];

static inline void make_datagram(int number, char *at, size_t length)
{
    size_t i;
    for (i = 0; i < length; i++)
        at[i] = (char)(number * 31 + (int)i);
    memset(&out[number], 0, sizeof out[number]);
    out[number].buffer = at;
    out[number].length = length;
}

static inline void make_room(size_t count, size_t size)
{
    size_t i;
    memset(in, 0x55, sizeof in);
    for (i = 0; i < count; i++) {
        memset(&in[i], 0, sizeof in[i]);
        in[i].buffer = receiving[i];
        in[i].size = size;
    }
}

static inline void is_datagram(int number, const acl_datagram *got_one, size_t size)
{
    size_t whole = out[number].length, stored = whole < size ? whole : size;
    EQUAL(got_one->message_length, whole);
    EQUAL(got_one->length, stored);
    CHECK(memcmp(got_one->buffer, out[number].buffer, stored) == 0);
}

/* Receives those from `first` on to before `end`, so many at a time. */
static inline void receive_all(acl_socket *socket, int first, int end, size_t at_once, size_t size)
{
    while (first < end) {
        size_t count = 777, i;
        make_room(at_once, size);
        OK(acl_receive_from_many(socket, in, at_once, &count));
        CHECK(count >= 1 && count <= at_once);
        for (i = 0; i < count; i++, first++)
            is_datagram(first, &in[i], size);
    }
    EQUAL(first, end);
}
#endif
