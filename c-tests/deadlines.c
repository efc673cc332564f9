/* Deadlines of every kind of socket; signals prolong neither them nor time-outs. */
#include "timeouts.h"

TEST(when_the_deadline_is_over_what_is_there_can_be_read)
{
    EACH_KIND {
        char text[10];
        uint8_t byte;
        size_t length;
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        DEADLINE(stream, 0);
        EXPIRES(acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT, 0);
        DELIVER(stream, raw, "ab");
        BYTE(stream, 'a');
        BYTE(stream, 'b');
        DELIVER(stream, raw, "line\nabc");
        OK(acl_read_line(stream, text, sizeof text, &length));
        TEXT(text, "line");
        EXPIRES(acl_read_sequence(stream, text, 6, 0, &length), ACL_SOCKET_READ_TIMEOUT, 0);
        EQUAL(length, 3);
        OK(acl_write_string(stream, "out", 3));
        OK(acl_force_output(stream));
        EXPECT(raw, "out");
        DEADLINE(stream, -1);
        waits(stream, raw);
        DEADLINE(stream, 0);
        DEADLINE(stream, INFINITY);
        waits(stream, raw);
        DEADLINE_EXPIRES(stream, SHORT, acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT);
        EXPIRES(acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT, 0);
        /* What comes first counts. */
        OK(CONTROL(stream, .read_timeout = SHORT));
        DEADLINE(stream, 10);
        READ_EXPIRES(acl_read_byte(stream, &byte));
        OK(CONTROL(stream, .read_timeout = 10));
        DEADLINE_EXPIRES(stream, SHORT, acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT);
        end_input(stream, raw);
        EQUAL(acl_read_byte(stream, &byte), ACL_SOCKET_END_OF_FILE);
        gone(stream, raw);
    }
}

TEST(progress_does_not_put_the_deadline_off)
{
    make_bytes();
    EACH_KIND {
        drip drops = { .count = 100000, .interval = 0.005 };
        acl_status status;
        uint8_t byte;
        size_t length;
        int raw;
        double from;
        task dripping;
        peer reader;
        acl_socket *stream = stream_and_raw(kind, NULL, &drops.raw);
        TASK_BEGINS(&dripping, drop, .data = &drops);
        BYTE(stream, 'd');
        from = clock_now();
        DEADLINE(stream, 0.1);
        while ((status = acl_read_byte(stream, &byte)) == ACL_SOCKET_OK)
            ;
        EQUAL(status, ACL_SOCKET_READ_TIMEOUT);
        TOOK(from, 0.1);
        DEADLINE(stream, ACL_SOCKET_NO_TIMEOUT);
        BYTE(stream, 'd');
        from = clock_now();
        DEADLINE(stream, 0.1);
        EQUAL(acl_read_sequence(stream, got, 100000, 0, &length), ACL_SOCKET_READ_TIMEOUT);
        TOOK(from, 0.1);
        CHECK(length > 0);
        done(stream);
        TASK_ENDS(&dripping, 20, ACL_SOCKET_OK);
        close(drops.raw);

        stream = narrow(kind, &raw);
        WRITE_TIMEOUT(stream, 10);
        peer_reads(&reader, raw, 0.02);
        from = clock_now();
        DEADLINE(stream, 0.1);
        EQUAL(acl_write_vector(stream, bytes, MUCH, &length), ACL_SOCKET_WRITE_TIMEOUT);
        TOOK(from, 0.1);
        DEADLINE(stream, ACL_SOCKET_NO_TIMEOUT);
        peer_got(&reader, stream, length);
    }
}

TEST(deadlines_of_other_sockets_and_of_writing)
{
    char buffer[10];
    int32_t port, udp;
    int raw;
    acl_received received;
    acl_socket *datagram, *client, *stream, *passive = listener(&port);
    DEADLINE_EXPIRES(passive, SHORT, acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream), ACL_SOCKET_READ_TIMEOUT);
    EXPIRES(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream), ACL_SOCKET_READ_TIMEOUT, 0);
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = port));
    await(fd_of(passive), POLLIN);
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream));
    waits(stream, fd_of(client));
    done(stream);
    done(client);
    done(passive);

    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1"));
    OK(acl_local_port(datagram, &udp));
    DEADLINE_EXPIRES(datagram, SHORT, acl_receive_from(datagram, buffer, sizeof buffer, &received), ACL_SOCKET_READ_TIMEOUT);
    EXPIRES(acl_receive_from(datagram, buffer, sizeof buffer, &received), ACL_SOCKET_READ_TIMEOUT, 0);
    OK(acl_send_to(datagram, "x", 1, ARGS(acl_send_to_args, .remote_host = "127.0.0.1", .remote_port = udp), NULL));
    await(fd_of(datagram), POLLIN);
    OK(acl_receive_from(datagram, buffer, sizeof buffer, &received));
    EQUAL(received.length, 1);
    done(datagram);

    stream = narrow(ADOPTED, &raw);
    fill_up(stream, SHORT);
    WRITE_TIMEOUT(stream, 10);
    DEADLINE_EXPIRES(stream, SHORT, acl_force_output(stream), ACL_SOCKET_WRITE_TIMEOUT);
    EXPIRES(acl_force_output(stream), ACL_SOCKET_WRITE_TIMEOUT, 0);
    EXPIRES(acl_close(stream, 0), ACL_SOCKET_WRITE_TIMEOUT, 0);
    gone(stream, raw);
}

/* --- signals */

TEST(signals_do_not_prolong_the_time)
{
    int round, raw;
    int32_t port;
    for (round = 0; round < 3; round++) {
        char buffer[10];
        acl_received received;
        storm signals;
        uint8_t byte;
        acl_socket *datagram, *stream = narrow(OVER_FILE, &raw), *passive = listener(&port), *none;
        OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1"));
        fill_up(stream, SHORT);
        WRITE_TIMEOUT(stream, ACL_SOCKET_NO_TIMEOUT);
        storm_begins(&signals, 0, round % 2 ? SA_RESTART : 0);
        /* By time-outs, then by deadlines. */
#define LIMITED(socket, call, answer) \
        EXPIRES((round < 2 ? CONTROL(socket, .read_timeout = 0.15, .write_timeout = 0.15) : acl_set_socket_deadline(socket, 0.15), \
            call), answer, 0.15)
        LIMITED(stream, acl_read_byte(stream, &byte), ACL_SOCKET_READ_TIMEOUT);
        LIMITED(stream, acl_force_output(stream), ACL_SOCKET_WRITE_TIMEOUT);
        LIMITED(passive, acl_accept_connection(passive, ACL_SOCKET_WAIT, &none), ACL_SOCKET_READ_TIMEOUT);
        LIMITED(datagram, acl_receive_from(datagram, buffer, sizeof buffer, &received), ACL_SOCKET_READ_TIMEOUT);
        CHECK(interruptions >= 10);
        storm_ends(&signals);
        done(stream);
        done(datagram);
        done(passive);
        close(raw);
    }
}

MAIN(CASE(when_the_deadline_is_over_what_is_there_can_be_read), CASE(progress_does_not_put_the_deadline_off),
     CASE(deadlines_of_other_sockets_and_of_writing), CASE(signals_do_not_prolong_the_time))
