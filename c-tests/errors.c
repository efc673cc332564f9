/* Errors that this machine can provoke for real, and bad input. */
#include "test.h"
#include <netinet/tcp.h>
#include <sched.h>

TEST(the_table_is_consistent)
{
#define ROW(number, name, keyword, meaning) \
    EQUAL(name, number); TEXT(acl_status_name(number), #name); TEXT(acl_status_keyword(number), keyword); \
    TEXT(acl_status_meaning(number), meaning);
    ACL_SOCKET_STATUS_MAP(ROW)
    TEXT(acl_status_name(ACL_SOCKET_OK), "ACL_SOCKET_OK");
    CHECK(acl_status_name(-1) == NULL && acl_status_keyword(99) == NULL && acl_status_meaning(100000) == NULL);
}

static void last_is(acl_status identifier, int code, const char *action)
{
    EQUAL(acl_stream_error_identifier(), identifier);
    EQUAL(acl_stream_error_code(), code);
    if (strstr(acl_stream_error_action(), action) == NULL)
        fail(__FILE__, __LINE__, "action \"%s\" lacks \"%s\"", acl_stream_error_action(), action);
}

TEST(refused)
{
    acl_socket *socket, *passive;
    int32_t port;
    char expected[200], action[100];
    passive = listener(&port);
    done(passive);
    EQUAL(MAKE(&socket, .remote_host = "127.0.0.1", .remote_port = port), ACL_SOCKET_CONNECTION_REFUSED);
    CHECK(socket == NULL);
    snprintf(action, sizeof action, "connecting to 127.0.0.1 port %d", (int)port);
    last_is(ACL_SOCKET_CONNECTION_REFUSED, ECONNREFUSED, action);
    snprintf(expected, sizeof expected, "\"Connection refused\" (errno 111) occurred while %s.", action);
    TEXT(acl_stream_error_report(), expected);
}

TEST(in_use_and_not_available)
{
    acl_socket *passive, *other;
    int32_t port;
    passive = listener(&port);
    EQUAL(MAKE(&other, .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1", .local_port = port), ACL_SOCKET_ADDRESS_IN_USE);
    last_is(ACL_SOCKET_ADDRESS_IN_USE, EADDRINUSE, "creating a passive socket on 127.0.0.1 port");
    EQUAL(MAKE(&other, .connect = ACL_SOCKET_PASSIVE, .local_host = "203.0.113.77"), ACL_SOCKET_ADDRESS_NOT_AVAILABLE);
    last_is(ACL_SOCKET_ADDRESS_NOT_AVAILABLE, EADDRNOTAVAIL, "203.0.113.77 port \"(any)\"");
    done(passive);
}

TEST(reset_by_peer_and_gone_peer)
{
    acl_socket *client, *server;
    struct linger now = { 1, 0 };
    int fd;
    uint8_t byte;
    acl_status status = ACL_SOCKET_OK;
    connection(&client, &server);
    OK(acl_socket_os_fd(server, &fd));
    EQUAL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    done(server);
    EQUAL(acl_read_byte(client, &byte), ACL_SOCKET_CONNECTION_RESET);
    last_is(ACL_SOCKET_CONNECTION_RESET, ECONNRESET, "reading from the multivalent stream socket");
    /* Writing to a peer that has gone raises no signal. */
    OK(acl_write_vector(client, "x", 1, NULL));
    status = acl_force_output(client);
    EQUAL(status, ACL_SOCKET_UNKNOWN);
    last_is(ACL_SOCKET_UNKNOWN, EPIPE, "writing to");
    /* What could not be flushed keeps the socket open for an abort. */
    EQUAL(acl_close(client, 0), ACL_SOCKET_UNKNOWN);
    OK(acl_socket_os_fd(client, &fd));
    done(client);
}

TEST(datagram_to_nobody_is_refused_on_a_connected_descriptor)
{
    acl_socket *adopted, *reserved;
    struct sockaddr_in address;
    acl_received received;
    int32_t port;
    char buffer[4];
    int fd;
    OK(MAKE(&reserved, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1"));
    OK(acl_local_port(reserved, &port));
    done(reserved);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EQUAL(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    OK(acl_socket_from_os_fd(fd, NULL, &adopted));
    OK(acl_send_to(adopted, "x", 1, NULL, NULL));
    EQUAL(acl_receive_from(adopted, buffer, sizeof buffer, &received), ACL_SOCKET_CONNECTION_REFUSED);
    done(adopted);
}

TEST(unreachable)
{
    acl_socket *socket;
    /* A network namespace of its own has a loopback interface that is down, and no route. */
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        exit(SKIPPED);
    EQUAL(MAKE(&socket, .remote_host = "127.0.0.1", .remote_port = 9), ACL_SOCKET_HOST_UNREACHABLE);
    last_is(ACL_SOCKET_HOST_UNREACHABLE, ENETUNREACH, "connecting to 127.0.0.1 port 9");
}

TEST(timed_out)
{
    static char block[1 << 20];
    acl_socket *client, *server;
    unsigned milliseconds = 200;
    int fd, i;
    acl_status status = ACL_SOCKET_OK;
    connection(&client, &server);
    OK(acl_socket_os_fd(client, &fd));
    EQUAL(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds), 0);
    for (i = 0; i < 200 && status == ACL_SOCKET_OK; i++)
        status = acl_write_vector(client, block, sizeof block, NULL);
    EQUAL(status, ACL_SOCKET_CONNECTION_TIMED_OUT);
    last_is(ACL_SOCKET_CONNECTION_TIMED_OUT, ETIMEDOUT, "writing to the multivalent stream socket");
    done(client);
    done(server);
}

TEST(aborted)
{
    acl_socket *client, *server;
    struct sockaddr none;
    uint8_t byte;
    int fd, repair = 1;
    connection(&client, &server);
    OK(acl_socket_os_fd(client, &fd));
    /* Disconnecting under repair is what aborts a connection on this side; it takes CAP_NET_ADMIN. */
    if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &repair, sizeof repair) != 0)
        exit(SKIPPED);
    memset(&none, 0, sizeof none);
    none.sa_family = AF_UNSPEC;
    EQUAL(connect(fd, &none, sizeof none), 0);
    repair = -1;
    EQUAL(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &repair, sizeof repair), 0);
    EQUAL(acl_read_byte(client, &byte), ACL_SOCKET_CONNECTION_ABORTED);
    last_is(ACL_SOCKET_CONNECTION_ABORTED, ECONNABORTED, "reading from the multivalent stream socket");
    done(client);
    done(server);
}

TEST(protocol_not_available)
{
    acl_socket *datagram;
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM));
    EQUAL(acl_set_socket_options(datagram, ARGS(acl_set_socket_options_args, .tcp_keepalive_idle_time = 10)),
        ACL_SOCKET_PROTOCOL_NOT_AVAILABLE);
    last_is(ACL_SOCKET_PROTOCOL_NOT_AVAILABLE, ENOPROTOOPT, "setting tcp_keepalive_idle_time to 10");
    done(datagram);
}

TEST(permission_is_an_unknown_error_with_its_errno)
{
    acl_socket *socket;
    OK(MAKE(&socket, .type = ACL_SOCKET_DATAGRAM));
    EQUAL(acl_send_to(socket, "x", 1, ARGS(acl_send_to_args, .remote_host = "127.255.255.255", .remote_port = 9), NULL),
        ACL_SOCKET_UNKNOWN);
    last_is(ACL_SOCKET_UNKNOWN, EACCES, "sending 1 bytes to 127.255.255.255 port 9");
    OK(acl_set_socket_options(socket, ARGS(acl_set_socket_options_args, .broadcast = ACL_SOCKET_ON)));
    OK(acl_send_to(socket, "x", 1, ARGS(acl_send_to_args, .remote_host = "127.255.255.255", .remote_port = 9), NULL));
    done(socket);
}

TEST(the_condition_is_of_the_thread)
{
    acl_socket *socket;
    EQUAL(acl_stream_error_identifier(), 0);
    TEXT(acl_stream_error_report(), "");
    EQUAL(acl_close(NULL, 0), ACL_SOCKET_INVALID_HANDLE);
    OK(MAKE(&socket, .type = ACL_SOCKET_DATAGRAM));
    EQUAL(acl_stream_error_identifier(), ACL_SOCKET_INVALID_HANDLE);
    done(socket);
}

TEST(bad_keywords)
{
    static char long_name[400], too_long[120];
    char garbage[sizeof(acl_make_socket_args) + 16];
    acl_make_socket_args args;
    acl_socket *s;
    const acl_status invalid = ACL_SOCKET_INVALID_ARGUMENT;
    memset(long_name, 'a', sizeof long_name - 1);
    memset(too_long, 'f', sizeof too_long - 1);
    EQUAL(MAKE(&s, .remote_host = "127.0.0.1", .remote_port = 65536), invalid);
    CHECK(strstr(acl_stream_error_action(), "65536") != NULL);
    EQUAL(MAKE(&s, .remote_host = "127.0.0.1", .remote_port = -1), invalid);
    EQUAL(MAKE(&s, .remote_host = "127.0.0.1"), invalid);
    EQUAL(MAKE(&s, .remote_port = 80), invalid);
    EQUAL(acl_make_socket(NULL, &s), invalid);
    EQUAL(MAKE(&s, .remote_host = "", .remote_port = 80), invalid);
    EQUAL(MAKE(&s, .remote_host = long_name, .remote_port = 80), invalid);
    EQUAL(MAKE(&s, .remote_host = "two words", .remote_port = 80), invalid);
    EQUAL(MAKE(&s, .remote_host = "\xff\xfe", .remote_port = 80), invalid);
    EQUAL(MAKE(&s, .remote_host = "127.0.0.1", .remote_port = 80, .remote_port_name = "http"), invalid);
    EQUAL(MAKE(&s, .remote_host = "127.0.0.1", .remote_port_name = "no such"), ACL_SOCKET_PORT_NOT_FOUND);
    EQUAL(MAKE(&s, .type = 2), invalid);
    EQUAL(MAKE(&s, .format = 4), invalid);
    EQUAL(MAKE(&s, .type = ACL_SOCKET_DATAGRAM, .format = ACL_SOCKET_BIVALENT), invalid);
    EQUAL(MAKE(&s, .address_family = -1), invalid);
    EQUAL(MAKE(&s, .connect = 7), invalid);
    EQUAL(MAKE(&s, .connect = ACL_SOCKET_PASSIVE, .backlog = -1), invalid);
    EQUAL(MAKE(&s, .connect = ACL_SOCKET_PASSIVE, .reuse_address = 5), invalid);
    EQUAL(MAKE(&s, .connect = ACL_SOCKET_PASSIVE, .ipv6 = 9), invalid);
    EQUAL(MAKE(&s, .connect = ACL_SOCKET_PASSIVE, .local_filename = "x"), invalid);
    EQUAL(MAKE(&s, .address_family = ACL_SOCKET_FILE), invalid);
    EQUAL(MAKE(&s, .address_family = ACL_SOCKET_FILE, .connect = ACL_SOCKET_PASSIVE), invalid);
    EQUAL(MAKE(&s, .address_family = ACL_SOCKET_FILE, .remote_filename = ""), invalid);
    EQUAL(MAKE(&s, .address_family = ACL_SOCKET_FILE, .remote_filename = too_long), invalid);
    EQUAL(MAKE(&s, .address_family = ACL_SOCKET_FILE, .remote_filename = "x", .remote_port = 1), invalid);
    EQUAL(MAKE(&s, .address_family = ACL_SOCKET_FILE, .connect = ACL_SOCKET_PASSIVE, .local_filename = "/tmp/acl-no-such/x"),
        ACL_SOCKET_UNKNOWN);
    EQUAL(acl_stream_error_code(), ENOENT);
    CHECK(s == NULL);
    memset(&args, 0, sizeof args);
    EQUAL(acl_make_socket(&args, &s), invalid);
    CHECK(strstr(acl_stream_error_report(), "ACL_SOCKET_ARGS") != NULL);
    args.struct_size = 1u << 20;
    EQUAL(acl_make_socket(&args, &s), invalid);
    memset(garbage, 0, sizeof garbage);
    args.struct_size = sizeof garbage;
    args.type = ACL_SOCKET_DATAGRAM;
    memcpy(garbage, &args, sizeof args);
    OK(acl_make_socket((acl_make_socket_args *)(void *)garbage, &s));
    done(s);
    garbage[sizeof garbage - 1] = 1;
    EQUAL(acl_make_socket((acl_make_socket_args *)(void *)garbage, &s), invalid);
    args.struct_size = offsetof(acl_make_socket_args, remote_host);
    args.remote_port = 99999;
    OK(acl_make_socket(&args, &s));
    done(s);
    EQUAL(MAKE(NULL, .type = ACL_SOCKET_DATAGRAM), invalid);
}

TEST(bad_sizes)
{
    acl_socket *socket;
    acl_received received;
    char buffer[8];
    size_t length;
    void *data;
    const acl_status invalid = ACL_SOCKET_INVALID_ARGUMENT;
    OK(MAKE(&socket, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1"));
    EQUAL(acl_receive_from(socket, buffer, 0, &received), invalid);
    EQUAL(acl_receive_from(socket, buffer, (size_t)-1, &received), invalid);
    EQUAL(acl_receive_from(socket, NULL, 8, &received), invalid);
    EQUAL(acl_receive_from_extract(socket, 0, &data, &received), invalid);
    EQUAL(acl_receive_from_extract(socket, (size_t)-1, &data, &received), invalid);
    EQUAL(acl_send_to(socket, buffer, (size_t)-1, NULL, &length), invalid);
    EQUAL(acl_send_to(socket, NULL, 1, NULL, &length), invalid);
    EQUAL(acl_close(socket, 2), invalid);
    EQUAL(acl_set_socket_options(socket, NULL), invalid);
    done(socket);
}

MAIN(CASE(unreachable), CASE(timed_out), CASE(aborted), CASE(protocol_not_available),
     CASE(permission_is_an_unknown_error_with_its_errno), CASE(the_table_is_consistent), CASE(refused), CASE(in_use_and_not_available), CASE(reset_by_peer_and_gone_peer),
     CASE(datagram_to_nobody_is_refused_on_a_connected_descriptor), CASE(the_condition_is_of_the_thread),
     CASE(bad_keywords), CASE(bad_sizes))
