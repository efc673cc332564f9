/* Stream and datagram sockets of both families: making, accepting, reading, writing, accessors. */
#include "test.h"

static char directory[] = "/tmp/acl-test-XXXXXX";

static const char *in_directory(const char *name)
{
    static char path[200];
    if (directory[strlen(directory) - 1] == 'X')
        CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

TEST(lines_characters_and_bytes_over_tcp)
{
    acl_socket *client, *server;
    char line[20];
    size_t length;
    uint32_t character;
    uint8_t byte;
    connection(&client, &server);
    OK(acl_write_vector(client, "Secret-message\n\n\xc3\xa9\xff" "x0123456789012345678901234\nlast", 50, NULL));
    OK(acl_close(client, 0));
    OK(acl_read_line(server, line, sizeof line, &length));
    TEXT(line, "Secret-message");
    EQUAL(length, 14);
    OK(acl_read_line(server, line, sizeof line, &length));
    EQUAL(length, 0);
    OK(acl_read_char(server, &character));
    EQUAL(character, 0xe9);
    OK(acl_read_char(server, &character));
    EQUAL(character, 0xfffd);
    OK(acl_read_byte(server, &byte));
    EQUAL(byte, 'x');
    EQUAL(acl_read_line(server, line, sizeof line, &length), ACL_SOCKET_BUFFER_TOO_SMALL);
    TEXT(line, "0123456789012345678");
    OK(acl_read_line(server, line, sizeof line, &length));
    TEXT(line, "901234");
    OK(acl_read_line(server, line, sizeof line, &length));
    TEXT(line, "last");
    EQUAL(acl_read_line(server, line, sizeof line, &length), ACL_SOCKET_END_OF_FILE);
    EQUAL(acl_read_byte(server, &byte), ACL_SOCKET_END_OF_FILE);
    EQUAL(acl_write_string(client, "x", 1), ACL_SOCKET_CLOSED);
    OK(acl_free_socket(client));
    done(server);
}

static void *write_much(void *client)
{
    static char block[100000];
    size_t i;
    for (i = 0; i < sizeof block; i++)
        block[i] = (char)(i % 251);
    OK(acl_write_vector(client, block, 10, NULL));
    OK(acl_write_vector(client, block + 10, sizeof block - 10, NULL));
    OK(acl_write_vector(client, block, 30000, NULL));
    OK(acl_close(client, 0));
    return NULL;
}

TEST(bytes_arrive_whole_and_in_order)
{
    acl_socket *client, *server;
    static unsigned char buffer[70000];
    size_t length, i, total = 0;
    pthread_t thread;
    acl_status status;
    connection(&client, &server);
    EQUAL(pthread_create(&thread, NULL, write_much, client), 0);
    while ((status = acl_read_vector(server, buffer, total % 3 ? 1000 : sizeof buffer, &length)) == ACL_SOCKET_OK) {
        for (i = 0; i < length; i++, total++)
            EQUAL(buffer[i], (total < 100000 ? total : total - 100000) % 251);
    }
    EQUAL(status, ACL_SOCKET_END_OF_FILE);
    EQUAL(total, 130000);
    pthread_join(thread, NULL);
    OK(acl_free_socket(client));
    done(server);
}

TEST(accept_without_waiting)
{
    acl_socket *client, *server, *passive;
    int32_t port, tries;
    acl_status status;
    passive = listener(&port);
    EQUAL(acl_accept_connection(passive, ACL_SOCKET_NO_WAIT, &server), ACL_SOCKET_WOULD_BLOCK);
    CHECK(server == NULL);
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = port));
    for (tries = 0; tries < 1000; tries++) {
        status = acl_accept_connection(passive, ACL_SOCKET_NO_WAIT, &server);
        if (status != ACL_SOCKET_WOULD_BLOCK)
            break;
        usleep(1000);
    }
    OK(status);
    done(client);
    done(server);
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = port));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &server));
    done(client);
    done(server);
    done(passive);
}

TEST(accessors_and_printing)
{
    acl_socket *client, *server;
    int32_t value, local, remote;
    char text[300], expected[300];
    acl_ipaddr host;
    connection(&client, &server);
    OK(acl_socket_type(client, &value));
    EQUAL(value, ACL_SOCKET_STREAM);
    OK(acl_socket_connect(client, &value));
    EQUAL(value, ACL_SOCKET_ACTIVE);
    OK(acl_socket_address_family(client, &value));
    EQUAL(value, ACL_SOCKET_INTERNET);
    OK(acl_socket_format(client, &value));
    EQUAL(value, ACL_SOCKET_MULTIVALENT);
    OK(acl_set_socket_format(client, ACL_SOCKET_TEXT));
    OK(acl_ipv6(client, &value));
    EQUAL(value, 0);
    OK(acl_remote_host(server, &host));
    EQUAL(host.ipv4, 0x7f000001);
    OK(acl_local_port(client, &local));
    OK(acl_remote_port(server, &remote));
    EQUAL(local, remote);
    OK(acl_remote_port(client, &remote));
    EQUAL(acl_local_filename(client, text, sizeof text, NULL), ACL_SOCKET_WRONG_KIND);
    OK(acl_set_print_hostname_in_stream(0));
    OK(acl_prin1_to_string(client, text, sizeof text, NULL));
    snprintf(expected, sizeof expected,
        "#<multivalent stream socket connected from 127.0.0.1/%d to 127.0.0.1/%d @ #x%llx>", (int)local, (int)remote,
        (unsigned long long)(uintptr_t)client);
    TEXT(text, expected);
    OK(acl_close(client, 0));
    OK(acl_local_port(client, &value));
    EQUAL(value, local);
    OK(acl_free_socket(client));
    done(server);
}

TEST(dual_stack)
{
    acl_socket *client, *server, *passive;
    int32_t port, value;
    acl_ipaddr host;
    acl_status status = MAKE(&passive, .connect = ACL_SOCKET_PASSIVE, .ipv6 = ACL_SOCKET_ON);
    if (status != ACL_SOCKET_OK && acl_stream_error_code() == EAFNOSUPPORT)
        exit(SKIPPED);
    OK(status);
    OK(acl_ipv6(passive, &value));
    EQUAL(value, 1);
    OK(acl_local_port(passive, &port));
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = port));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &server));
    OK(acl_remote_host(server, &host));
    EQUAL(host.kind, ACL_SOCKET_IPV6);
    EQUAL(host.ipv6[11], 0xff);
    done(client);
    done(server);
    OK(MAKE(&client, .remote_host = "::1", .remote_port = port));
    OK(acl_ipv6(client, &value));
    EQUAL(value, 1);
    done(client);
    done(passive);
}

TEST(bind_before_connect)
{
    acl_socket *client, *server, *passive, *reserved;
    int32_t port, local, seen;
    passive = listener(&port);
    OK(MAKE(&reserved, .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1"));
    OK(acl_local_port(reserved, &local));
    done(reserved);
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = port, .local_host = "127.0.0.1", .local_port = local,
        .reuse_address = ACL_SOCKET_ON, .nodelay = ACL_SOCKET_ON, .keepalive = ACL_SOCKET_ON));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &server));
    OK(acl_remote_port(server, &seen));
    EQUAL(seen, local);
    done(client);
    done(server);
    done(passive);
}

TEST(datagrams)
{
    acl_socket *vapor, *frisky, *saved;
    acl_received received;
    int32_t port, from;
    size_t sent;
    char buffer[100], small[3];
    void *data;
    OK(MAKE(&vapor, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1"));
    OK(MAKE(&frisky, .type = ACL_SOCKET_DATAGRAM));
    OK(acl_local_port(vapor, &port));
    OK(acl_local_port(frisky, &from));
    CHECK(from > 0);
    OK(acl_send_to(frisky, "foo-the-bar", 11, ARGS(acl_send_to_args, .remote_host = "127.1", .remote_port = port), &sent));
    EQUAL(sent, 11);
    OK(acl_receive_from_extract(vapor, 100, &data, &received));
    TEXT((char *)data, "foo-the-bar");
    EQUAL(received.length, 11);
    EQUAL(received.remote_host.ipv4, 0x7f000001);
    EQUAL(received.remote_port, from);
    acl_free_buffer(data);
    EQUAL(acl_send_to(frisky, "x", 1, NULL, &sent), ACL_SOCKET_INVALID_ARGUMENT);
    OK(MAKE(&saved, .type = ACL_SOCKET_DATAGRAM, .remote_host = "127.0.0.1", .remote_port = port));
    OK(acl_remote_port(saved, &from));
    EQUAL(from, port);
    OK(acl_send_to(saved, "", 0, NULL, &sent));
    OK(acl_receive_from(vapor, buffer, sizeof buffer, &received));
    EQUAL(received.length, 0);
    OK(acl_send_to(saved, "abcdef", 6, NULL, NULL));
    OK(acl_receive_from(vapor, small, sizeof small, &received));
    EQUAL(received.length, 3);
    EQUAL(received.message_length, 6);
    CHECK(memcmp(small, "abc", 3) == 0);
    {
        static char long_one[70000];
        EQUAL(acl_send_to(saved, long_one, sizeof long_one, NULL, &sent), ACL_SOCKET_UNKNOWN);
        EQUAL(acl_stream_error_code(), EMSGSIZE);
    }
    EQUAL(acl_write_string(saved, "x", 1), ACL_SOCKET_WRONG_KIND);
    done(vapor);
    done(frisky);
    done(saved);
}

TEST(file_streams)
{
    acl_socket *client, *server, *passive, *again;
    const char *path = in_directory("stream");
    char line[20], name[120];
    OK(MAKE(&passive, .address_family = ACL_SOCKET_FILE, .connect = ACL_SOCKET_PASSIVE, .local_filename = path));
    EQUAL(MAKE(&again, .address_family = ACL_SOCKET_FILE, .connect = ACL_SOCKET_PASSIVE, .local_filename = path),
        ACL_SOCKET_ADDRESS_IN_USE);
    OK(MAKE(&client, .address_family = ACL_SOCKET_FILE, .remote_filename = path));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &server));
    OK(acl_write_string(server, "hello\n", 6));
    OK(acl_force_output(server));
    OK(acl_read_line(client, line, sizeof line, NULL));
    TEXT(line, "hello");
    OK(acl_remote_filename(client, name, sizeof name, NULL));
    TEXT(name, path);
    OK(acl_local_filename(client, name, sizeof name, NULL));
    TEXT(name, "");
    EQUAL(acl_ipv6(client, &(int32_t){ 0 }), ACL_SOCKET_WRONG_KIND);
    done(client);
    done(server);
    EQUAL(access(path, F_OK), 0);
    done(passive);
    CHECK(access(path, F_OK) != 0);
    rmdir(directory);
}

TEST(file_datagrams)
{
    acl_socket *named, *nameless;
    acl_received received;
    char buffer[10];
    const char *path = in_directory("datagram");
    OK(MAKE(&named, .type = ACL_SOCKET_DATAGRAM, .address_family = ACL_SOCKET_FILE, .local_filename = path));
    OK(MAKE(&nameless, .type = ACL_SOCKET_DATAGRAM, .address_family = ACL_SOCKET_FILE));
    OK(acl_send_to(nameless, "hi", 2, ARGS(acl_send_to_args, .remote_filename = path), NULL));
    OK(acl_receive_from(named, buffer, sizeof buffer, &received));
    EQUAL(received.length, 2);
    TEXT(received.remote_filename, "");
    OK(acl_send_to(named, "me", 2, ARGS(acl_send_to_args, .remote_filename = path), NULL));
    OK(acl_receive_from(named, buffer, sizeof buffer, &received));
    TEXT(received.remote_filename, path);
    EQUAL(acl_send_to(nameless, "hi", 2, NULL, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_send_to(named, "hi", 2, ARGS(acl_send_to_args, .remote_host = "127.0.0.1", .remote_port = 9), NULL),
        ACL_SOCKET_WRONG_KIND);
    done(named);
    done(nameless);
    rmdir(directory);
}

TEST(adopted_descriptors)
{
    int pair[2], fd, flags;
    acl_socket *one, *other, *none;
    uint8_t byte;
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    OK(acl_socket_from_os_fd(pair[0], NULL, &one));
    OK(acl_socket_from_os_fd(pair[1], ARGS(acl_socket_from_os_fd_args, .format = ACL_SOCKET_TEXT), &other));
    OK(acl_socket_os_fd(one, &fd));
    EQUAL(fd, pair[0]);
    flags = fcntl(fd, F_GETFD);
    CHECK(flags & FD_CLOEXEC);
    OK(acl_write_vector(one, "x", 1, NULL));
    OK(acl_force_output(one));
    EQUAL(acl_read_byte(other, &byte), ACL_SOCKET_WRONG_FORMAT);
    done(one);
    done(other);
    EQUAL(acl_socket_os_fd(one, &fd), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    EQUAL(acl_socket_from_os_fd(pair[0], NULL, &none), ACL_SOCKET_NOT_SUPPORTED);
    close(pair[0]);
    close(pair[1]);
    EQUAL(pipe(pair), 0);
    EQUAL(acl_socket_from_os_fd(pair[0], NULL, &none), ACL_SOCKET_UNKNOWN);
    EQUAL(acl_stream_error_code(), ENOTSOCK);
    close(pair[0]);
    close(pair[1]);
    EQUAL(acl_socket_from_os_fd(pair[0], NULL, &none), ACL_SOCKET_UNKNOWN);
    EQUAL(acl_stream_error_code(), EBADF);
    EQUAL(acl_socket_from_os_fd(-1, NULL, &none), ACL_SOCKET_INVALID_ARGUMENT);
}

TEST(shutdown_by_halves)
{
    acl_socket *client, *server;
    uint8_t byte;
    int before, fd;
    connection(&client, &server);
    before = open_descriptors();
    EQUAL(acl_shutdown(client, 0), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_shutdown(client, ACL_SOCKET_OUTPUT));
    EQUAL(acl_read_byte(server, &byte), ACL_SOCKET_END_OF_FILE);
    OK(acl_write_vector(server, "y", 1, NULL));
    OK(acl_force_output(server));
    OK(acl_read_byte(client, &byte));
    EQUAL(byte, 'y');
    OK(acl_write_vector(client, "z", 1, NULL));
    EQUAL(acl_force_output(client), ACL_SOCKET_SHUTDOWN);
    EQUAL(acl_stream_error_code(), EPIPE);
    OK(acl_shutdown(client, ACL_SOCKET_INPUT));
    EQUAL(open_descriptors(), before - 1);
    EQUAL(acl_socket_os_fd(client, &fd), ACL_SOCKET_CLOSED);
    OK(acl_close(client, 0));
    OK(acl_free_socket(client));
    done(server);
}

static int option(acl_socket *socket, int level, int name)
{
    int fd, value = -1;
    socklen_t length = sizeof value;
    OK(acl_socket_os_fd(socket, &fd));
    EQUAL(getsockopt(fd, level, name, &value, &length), 0);
    return value;
}

#include <netinet/tcp.h>
TEST(options_change_only_what_is_given)
{
    acl_socket *client, *server, *file;
    int pair[2];
    connection(&client, &server);
    OK(acl_set_socket_options(client, ARGS(acl_set_socket_options_args, .nodelay = ACL_SOCKET_ON, .keepalive = ACL_SOCKET_ON,
        .tcp_keepalive_idle_time = 100, .tcp_keepalive_probe_interval = 10, .tcp_keepalive_max_probes = 3,
        .oob_inline = ACL_SOCKET_ON, .send_buffer_size = 20000, .receive_buffer_size = 30000)));
    CHECK(option(client, IPPROTO_TCP, TCP_NODELAY));
    EQUAL(option(client, IPPROTO_TCP, TCP_KEEPIDLE), 100);
    EQUAL(option(client, IPPROTO_TCP, TCP_KEEPINTVL), 10);
    EQUAL(option(client, IPPROTO_TCP, TCP_KEEPCNT), 3);
    EQUAL(option(client, SOL_SOCKET, SO_SNDBUF), 40000);
    EQUAL(option(client, SOL_SOCKET, SO_RCVBUF), 60000);
    OK(acl_set_socket_options(client, ARGS(acl_set_socket_options_args, .keepalive = ACL_SOCKET_OFF)));
    EQUAL(option(client, SOL_SOCKET, SO_KEEPALIVE), 0);
    CHECK(option(client, IPPROTO_TCP, TCP_NODELAY));
    CHECK(option(client, SOL_SOCKET, SO_OOBINLINE));
    EQUAL(acl_set_socket_options(client, ARGS(acl_set_socket_options_args, .nodelay = 2)), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_set_socket_options(client, ARGS(acl_set_socket_options_args, .send_buffer_size = -1)), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    close(pair[1]);
    OK(acl_socket_from_os_fd(pair[0], NULL, &file));
    EQUAL(acl_set_socket_options(file, ARGS(acl_set_socket_options_args, .nodelay = ACL_SOCKET_ON)), ACL_SOCKET_UNKNOWN);
    EQUAL(acl_stream_error_code(), EOPNOTSUPP);
    done(file);
    done(client);
    done(server);
}

TEST(md5_signatures)
{
    acl_socket *client, *server, *passive;
    int32_t port;
    char line[10];
    acl_status status;
    passive = listener(&port);
    status = acl_set_tcp_md5_sig(passive, "127.0.0.1", NULL, "secret", 6);
    if (status == ACL_SOCKET_PROTOCOL_NOT_AVAILABLE) {
        done(passive);
        exit(SKIPPED);
    }
    OK(status);
    EQUAL(acl_set_tcp_md5_sig(passive, "127.0.0.1", NULL, "", 0), ACL_SOCKET_INVALID_ARGUMENT);
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = port, .tcp_md5_sig_key = "secret", .tcp_md5_sig_key_length = 6));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &server));
    OK(acl_write_string(client, "signed\n", 7));
    OK(acl_force_output(client));
    OK(acl_read_line(server, line, sizeof line, NULL));
    TEXT(line, "signed");
    EQUAL(acl_set_tcp_md5_sig(client, "127.0.0.1", NULL, "secret", 6), ACL_SOCKET_WRONG_KIND);
    done(client);
    done(server);
    done(passive);
}

TEST(accessors_of_other_kinds)
{
    acl_socket *passive, *datagram;
    int32_t value;
    acl_ipaddr host;
    char text[200], name[100], expected[200];
    passive = listener(&value);
    OK(acl_set_print_hostname_in_stream(1));
    OK(acl_local_host(passive, &host));
    OK(acl_ipaddr_to_hostname(&host, NULL, name, sizeof name, NULL));
    OK(acl_prin1_to_string(passive, text, sizeof text, NULL));
    snprintf(expected, sizeof expected, "#<multivalent stream socket waiting for connection at %s/%d @ #x%llx>",
        name[0] ? name : "127.0.0.1", (int)value, (unsigned long long)(uintptr_t)passive);
    TEXT(text, expected);
    OK(acl_socket_connect(passive, &value));
    EQUAL(value, ACL_SOCKET_PASSIVE);
    OK(acl_remote_host(passive, &host));
    EQUAL(host.kind, ACL_SOCKET_NO_ADDRESS);
    OK(acl_remote_port(passive, &value));
    EQUAL(value, 0);
    EQUAL(acl_remote_filename(passive, text, sizeof text, NULL), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_shutdown(passive, ACL_SOCKET_INPUT), ACL_SOCKET_WRONG_KIND);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .format = ACL_SOCKET_BINARY));
    OK(acl_socket_connect(datagram, &value));
    EQUAL(value, ACL_SOCKET_ACTIVE);
    OK(acl_socket_type(datagram, &value));
    EQUAL(value, ACL_SOCKET_DATAGRAM);
    OK(acl_socket_format(datagram, &value));
    EQUAL(value, ACL_SOCKET_BINARY);
    OK(acl_local_port(datagram, &value));
    OK(acl_prin1_to_string(datagram, text, sizeof text, NULL));
    snprintf(expected, sizeof expected, "#<binary datagram socket waiting for connection at */%d @ ", (int)value);
    CHECK(strncmp(text, expected, strlen(expected)) == 0);
    done(passive);
    done(datagram);
}

TEST(scope_ids_are_written_into_the_address)
{
    acl_socket *socket;
    acl_ipaddr address, host;
    acl_status status;
    OK(acl_dotted_to_ipaddr("fe80::1", 1, &address));
    status = MAKE(&socket, .type = ACL_SOCKET_DATAGRAM, .remote_ipaddr = &address, .remote_port = 9, .scope_id = 1);
    if (status != ACL_SOCKET_OK && acl_stream_error_code() == EAFNOSUPPORT)
        exit(SKIPPED);
    OK(status);
    EQUAL(address.scope_id, 1);
    OK(acl_remote_host(socket, &host));
    EQUAL(host.scope_id, 1);
    OK(acl_dotted_to_ipaddr("fe80::2", 1, &address));
    acl_send_to(socket, "x", 1, ARGS(acl_send_to_args, .remote_ipaddr = &address, .scope_id = 1), NULL);
    EQUAL(address.scope_id, 1);
    done(socket);
}

TEST(ports_by_service_name)
{
    acl_socket *socket;
    int32_t port, saved;
    if (acl_lookup_port("chargen", "udp", &port) != ACL_SOCKET_OK)
        exit(SKIPPED);
    EQUAL(port, 19);
    OK(MAKE(&socket, .type = ACL_SOCKET_DATAGRAM, .remote_host = "127.0.0.1", .remote_port_name = "chargen"));
    OK(acl_remote_port(socket, &saved));
    EQUAL(saved, 19);
    done(socket);
}

TEST(an_adopted_listener_accepts)
{
    acl_socket *passive, *client, *server;
    int32_t port, value;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EQUAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    EQUAL(listen(fd, 5), 0);
    OK(acl_socket_from_os_fd(fd, NULL, &passive));
    OK(acl_socket_connect(passive, &value));
    EQUAL(value, ACL_SOCKET_PASSIVE);
    OK(acl_local_port(passive, &port));
    EQUAL(acl_accept_connection(passive, ACL_SOCKET_NO_WAIT, &server), ACL_SOCKET_WOULD_BLOCK);
    OK(MAKE(&client, .remote_host = "localhost", .remote_port = port));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &server));
    done(client);
    done(server);
    done(passive);
}

TEST(variables)
{
    uint32_t version = ACL_SOCKET_VERSION;
    acl_socket *socket;
    int32_t value;
    EQUAL(acl_get_ipv6(), ACL_SOCKET_OFF);
    OK(acl_set_ipv6(ACL_SOCKET_ON));
    EQUAL(acl_get_ipv6(), ACL_SOCKET_ON);
    if (MAKE(&socket, .type = ACL_SOCKET_DATAGRAM) == ACL_SOCKET_OK) {
        OK(acl_ipv6(socket, &value));
        EQUAL(value, 1);
        done(socket);
    }
    EQUAL(acl_set_ipv6(0), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_set_ipv6(ACL_SOCKET_OFF));
    EQUAL(acl_get_print_hostname_in_stream(), 1);
    EQUAL(acl_set_print_hostname_in_stream(2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_library_version(), version);
    CHECK(strstr(acl_get_socket_version(), ACL_SOCKET_VERSION_STRING) != NULL);
    CHECK(strstr(acl_get_socket_version(), "OpenSSL") != NULL);
}

MAIN(CASE(lines_characters_and_bytes_over_tcp), CASE(bytes_arrive_whole_and_in_order), CASE(accept_without_waiting),
     CASE(accessors_and_printing), CASE(dual_stack), CASE(bind_before_connect), CASE(datagrams), CASE(file_streams),
     CASE(file_datagrams), CASE(adopted_descriptors), CASE(shutdown_by_halves), CASE(options_change_only_what_is_given),
     CASE(md5_signatures), CASE(accessors_of_other_kinds), CASE(scope_ids_are_written_into_the_address),
     CASE(ports_by_service_name), CASE(an_adopted_listener_accepts), CASE(variables))
