/* How time-outs are set and taken away, and those of passive and datagram sockets. */
#include "timeouts.h"
#include <stddef.h>

/* --- setting */

TEST(it_is_set_and_taken_away_on_a_live_stream)
{
    static const double none[] = { ACL_SOCKET_NO_TIMEOUT, -1e-9, INFINITY, 1e300, 1e10 };
    EACH_KIND {
        uint8_t byte;
        size_t i;
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        waits(stream, raw);
        for (i = 0; i < (kind == ADOPTED ? 5 : 2); i++) {
            READ_TIMEOUT(stream, SHORT);
            READ_EXPIRES(acl_read_byte(stream, &byte));
            OK(CONTROL(stream, .read_timeout = none[i]));
            waits(stream, raw);
        }
        READ_TIMEOUT(stream, SHORT);
        OK(CONTROL(stream, .read_timeout = 0, .write_timeout = 20));
        OK(CONTROL(stream, .input_chunking = ACL_SOCKET_OFF));
        READ_EXPIRES(acl_read_byte(stream, &byte));
        EQUAL(CONTROL(stream, .read_timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(CONTROL(stream, .write_timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
        READ_EXPIRES(acl_read_byte(stream, &byte));
        READ_TIMEOUT(stream, 1e-9);
        EXPIRES(acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT, 0);
        DELIVER(stream, raw, "x");
        BYTE(stream, 'x');
        READ_TIMEOUT(stream, 0.1);
        EXPIRES(acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT, 0.1);
        gone(stream, raw);
    }
}

/* A stream made with time-outs by a caller whose structure has that size, or the one of today. */
static acl_socket *made(int kind, size_t size_of_make, size_t size_of_adopt, double seconds, int *raw)
{
    acl_make_socket_args args = { .struct_size = size_of_make ? size_of_make : sizeof args };
    acl_socket_from_os_fd_args adopt_args = { .struct_size = size_of_adopt ? size_of_adopt : sizeof adopt_args };
    acl_socket *stream;
    meeting place;
    int pair[2];
    if (kind == ADOPTED) {
        EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        *raw = pair[1];
        adopt_args.read_timeout = adopt_args.write_timeout = seconds;
        OK(acl_socket_from_os_fd(pair[0], &adopt_args, &stream));
        return stream;
    }
    meet(&place, kind, NULL);
    args.address_family = kind == OVER_TCP ? ACL_SOCKET_INTERNET : ACL_SOCKET_FILE;
    args.remote_host = kind == OVER_TCP ? "127.0.0.1" : NULL;
    args.remote_port = place.port;
    args.remote_filename = kind == OVER_TCP ? NULL : place.file;
    args.read_timeout = args.write_timeout = seconds;
    OK(acl_make_socket(&args, &stream));
    *raw = accept(fd_of(place.passive), NULL, NULL);
    CHECK(*raw >= 0);
    part(&place);
    return stream;
}

TEST(it_is_set_by_keyword)
{
    EACH_KIND {
        uint8_t byte;
        acl_status status;
        int raw;
        acl_socket *stream = made(kind, 0, 0, SHORT, &raw);
        READ_EXPIRES(acl_read_byte(stream, &byte));
        while ((status = acl_write_byte(stream, 'x')) == ACL_SOCKET_OK)
            ;
        EQUAL(status, ACL_SOCKET_WRITE_TIMEOUT);
        gone(stream, raw);
        stream = made(kind, 0, 0, ACL_SOCKET_NO_TIMEOUT, &raw);
        waits(stream, raw);
        gone(stream, raw);
    }
}

TEST(it_is_not_read_behind_the_structures_of_older_callers)
{
    size_t make = offsetof(acl_make_socket_args, connect_timeout);
    size_t from_os_fd = offsetof(acl_socket_from_os_fd_args, read_timeout);
    acl_socket_control_args control = { .struct_size = offsetof(acl_socket_control_args, read_timeout) };
    EACH_KIND {
        int raw;
        acl_socket *stream = made(kind, make, from_os_fd, SHORT, &raw);
        waits(stream, raw);
        control.read_timeout = SHORT;
        OK(acl_socket_control(stream, &control));
        control.read_timeout = NAN;
        OK(acl_socket_control(stream, &control));
        waits(stream, raw);
        gone(stream, raw);
    }
}

TEST(what_is_no_number_is_refused)
{
    acl_socket *socket = (acl_socket *)1;
    int pair[2];
    EQUAL(MAKE(&socket, .connect = ACL_SOCKET_PASSIVE, .read_timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(socket == NULL);
    EQUAL(MAKE(&socket, .type = ACL_SOCKET_DATAGRAM, .write_timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    EQUAL(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .read_timeout = NAN), &socket),
        ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .write_timeout = NAN), &socket),
        ACL_SOCKET_INVALID_ARGUMENT);
    socket = adopt(pair[0], NULL);
    EQUAL(acl_set_socket_deadline(socket, NAN), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_set_socket_deadline(NULL, 1), ACL_SOCKET_INVALID_HANDLE);
    done(socket);
    close(pair[1]);
}

/* --- other sockets */

static acl_status connect_later(task *self)
{
    const meeting *place = self->data;
    nap((long)(2e6 * SHORT));
    return MAKE(&self->socket, .remote_host = "127.0.0.1", .remote_port = place->port);
}

static void accepting_expires(acl_socket *passive)
{
    acl_socket *stream = (acl_socket *)1;
    READ_EXPIRES(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream));
    CHECK(stream == NULL);
    READ_EXPIRES(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream));
    EQUAL(acl_accept_connection(passive, ACL_SOCKET_NO_WAIT, &stream), ACL_SOCKET_WOULD_BLOCK);
}

TEST(accepting_expires_and_is_not_inherited)
{
    acl_socket *client, *stream, *passive;
    meeting place;
    task connecting;
    int fd;
    meet(&place, OVER_FILE, NULL);
    READ_TIMEOUT(place.passive, SHORT);
    accepting_expires(place.passive);
    part(&place);
    meet(&place, OVER_TCP, NULL);
    OK(CONTROL(place.passive, .read_timeout = SHORT, .write_timeout = SHORT));
    accepting_expires(place.passive);
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = place.port));
    OK(acl_accept_connection(place.passive, ACL_SOCKET_WAIT, &stream));
    waits(stream, fd_of(client));
    done(stream);
    done(client);
    accepting_expires(place.passive);
    READ_TIMEOUT(place.passive, ACL_SOCKET_NO_TIMEOUT);
    TASK_BEGINS(&connecting, connect_later, .data = &place);
    OK(acl_accept_connection(place.passive, ACL_SOCKET_WAIT, &stream));
    TASK_ENDS(&connecting, patience(), ACL_SOCKET_OK);
    done(stream);
    done(connecting.socket);
    part(&place);
    OK(MAKE(&passive, .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1", .read_timeout = SHORT));
    accepting_expires(passive);
    done(passive);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    EQUAL(listen(fd, 5), 0);
    OK(acl_socket_from_os_fd(fd, ARGS(acl_socket_from_os_fd_args, .read_timeout = SHORT), &passive));
    accepting_expires(passive);
    done(passive);
}

static void receiving_expires(acl_socket *datagram)
{
    char buffer[10];
    acl_received received;
    void *data = buffer;
    READ_EXPIRES(acl_receive_from(datagram, buffer, sizeof buffer, &received));
    READ_EXPIRES(acl_receive_from_extract(datagram, sizeof buffer, &data, &received));
    CHECK(data == NULL);
}

TEST(datagrams_expire)
{
    char buffer[10], directory[] = "/tmp/acl-test-XXXXXX";
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    acl_socket *datagram;
    acl_received received;
    acl_status status;
    int32_t port;
    int raw, sent = 0, came = 0;
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1", .read_timeout = SHORT));
    receiving_expires(datagram);
    OK(acl_local_port(datagram, &port));
    OK(acl_send_to(datagram, "hello", 5, ARGS(acl_send_to_args, .remote_host = "127.0.0.1", .remote_port = port), NULL));
    await(fd_of(datagram), POLLIN);
    OK(acl_receive_from(datagram, buffer, sizeof buffer, &received));
    EQUAL(received.length, 5);
    READ_TIMEOUT(datagram, 1e-9);
    EXPIRES(acl_receive_from(datagram, buffer, sizeof buffer, &received), ACL_SOCKET_READ_TIMEOUT, 0);
    READ_TIMEOUT(datagram, SHORT);
    receiving_expires(datagram);
    done(datagram);

    CHECK(mkdtemp(directory) != NULL);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
    raw = socket(AF_UNIX, SOCK_DGRAM, 0);
    EQUAL(bind(raw, (struct sockaddr *)&address, sizeof address), 0);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .address_family = ACL_SOCKET_FILE, .remote_filename = address.sun_path,
        .write_timeout = SHORT));
    while ((status = acl_send_to(datagram, &sent, sizeof sent, NULL, NULL)) == ACL_SOCKET_OK)
        sent++;
    EQUAL(status, ACL_SOCKET_WRITE_TIMEOUT);
    WRITE_EXPIRES(acl_send_to(datagram, &sent, sizeof sent, NULL, NULL));
    for (; came < sent; came++) {
        int number;
        EQUAL(recv(raw, &number, sizeof number, MSG_DONTWAIT), sizeof number);
        EQUAL(number, came);
    }
    nothing_at(raw);
    OK(acl_send_to(datagram, "again", 5, NULL, NULL));
    EXPECT(raw, "again");
    done(datagram);
    close(raw);
    unlink(address.sun_path);
    EQUAL(rmdir(directory), 0);
}

TEST(chunking_is_for_streams)
{
    int32_t port, i;
    acl_socket *sockets[2];
    sockets[0] = listener(&port);
    OK(MAKE(&sockets[1], .type = ACL_SOCKET_DATAGRAM));
    for (i = 0; i < 2; i++) {
        OK(CONTROL(sockets[i], .read_timeout = 1, .write_timeout = 1));
        EQUAL(CONTROL(sockets[i], .input_chunking = ACL_SOCKET_ON), ACL_SOCKET_WRONG_KIND);
        EQUAL(CONTROL(sockets[i], .input_chunking = ACL_SOCKET_OFF, .read_timeout = 1), ACL_SOCKET_WRONG_KIND);
        EQUAL(CONTROL(sockets[i], .output_chunking = ACL_SOCKET_ON), ACL_SOCKET_WRONG_KIND);
        EQUAL(CONTROL(sockets[i], .output_chunking_eof = ACL_SOCKET_ON), ACL_SOCKET_WRONG_KIND);
        EQUAL(CONTROL(sockets[i], .read_timeout = NAN), ACL_SOCKET_INVALID_ARGUMENT);
        done(sockets[i]);
    }
}

MAIN(CASE(it_is_set_and_taken_away_on_a_live_stream), CASE(it_is_set_by_keyword),
     CASE(it_is_not_read_behind_the_structures_of_older_callers), CASE(what_is_no_number_is_refused),
     CASE(accepting_expires_and_is_not_inherited), CASE(datagrams_expire), CASE(chunking_is_for_streams))
