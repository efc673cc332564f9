/* Datagrams sent and received many in a call. */
#include "datagrams.h"
#include <sys/time.h>

static void exchange(ends *it, int count, size_t at_once, size_t size)
{
    int from = 0;
    /* Few enough for the system to keep. */
    while (from < count) {
        int some = count - from < 8 ? count - from : 8;
        size_t sent = 777;
        OK(acl_send_to_many(it->sender, out + from, (size_t)some, NULL, &sent));
        EQUAL(sent, some);
        receive_all(it->receiver, from, from + some, at_once, size);
        from += some;
    }
}

TEST(of_one_length_behind_each_other_and_apart)
{
    int kind, i;
    for (kind = 0; kind < DATAGRAM_KINDS; kind++) {
        size_t at_once;
        ends it;
        open_ends(&it, kind);
        for (at_once = 1; at_once <= 64; at_once = at_once * 3 + 1) {
            for (i = 0; i < 200; i++)
                make_datagram(i, &sending[0][0] + 100 * i, 100);
            exchange(&it, 200, at_once, 200);
            for (i = 0; i < 200; i++)
                make_datagram(i, sending[(i * 7) % MOST], 100);
            exchange(&it, 200, at_once, 200);
        }
        close_ends(&it);
    }
}

TEST(of_any_length)
{
    static const size_t lengths[] = { 5, 5, 3, 5, 0, 0, 7, 7, 7, 1, 8, 1400, 1400, 1400, 12, 8999, 8999, 300, 0, 2 };
    enum { LENGTHS = sizeof lengths / sizeof *lengths };
    int kind, i;
    for (kind = 0; kind < DATAGRAM_KINDS; kind++) {
        ends it;
        open_ends(&it, kind);
        for (i = 0; i < 10 * LENGTHS; i++)
            make_datagram(i, sending[i], lengths[(i * i + i / LENGTHS) % LENGTHS]);
        exchange(&it, 10 * LENGTHS, 5, ROOM);
        exchange(&it, 10 * LENGTHS, 64, ROOM);
        /* The rest of what is longer than its room is lost, and nothing else. */
        exchange(&it, 10 * LENGTHS, 64, 6);
        exchange(&it, 10 * LENGTHS, 3, 1);
        close_ends(&it);
    }
}

TEST(each_to_an_address_of_its_own_and_back)
{
    enum { RECEIVERS = 3, COUNT = 30 };
    ends to[RECEIVERS];
    int32_t port;
    size_t count, i, r;
    for (r = 0; r < RECEIVERS; r++)
        open_ends(&to[r], IPV4);
    for (i = 0; i < COUNT; i++) {
        make_datagram((int)i, sending[i], 50);
        OK(acl_local_port(to[i / 4 % RECEIVERS].receiver, &port));
        if (i / 4 % RECEIVERS != 0) {
            OK(acl_dotted_to_ipaddr("127.0.0.1", 1, &out[i].remote_host));
            out[i].remote_port = port;
        }
    }
    OK(acl_send_to_many(to[0].sender, out, COUNT, NULL, &count));
    EQUAL(count, COUNT);
    OK(acl_local_port(to[0].sender, &port));
    for (r = 0; r < RECEIVERS; r++) {
        size_t came = 0, had = 0;
        for (i = 0; i < COUNT; i++)
            had += i / 4 % RECEIVERS == r;
        make_room(COUNT, ROOM);
        for (; came < had; came += count)
            OK(acl_receive_from_many(to[r].receiver, in + came, COUNT - came, &count));
        for (i = 0, came = 0; i < COUNT; i++)
            if (i / 4 % RECEIVERS == r) {
                EQUAL(in[came].remote_host.kind, ACL_SOCKET_IPV4);
                EQUAL(in[came].remote_host.ipv4, INADDR_LOOPBACK);
                EQUAL(in[came].remote_port, port);
                is_datagram((int)i, &in[came++], ROOM);
            }
        /* What was received is sent back as it is. */
        OK(acl_send_to_many(to[r].receiver, in, had, NULL, &count));
        EQUAL(count, had);
        make_room(COUNT, ROOM);
        for (came = 0; came < had; came += count)
            OK(acl_receive_from_many(to[0].sender, in + came, COUNT - came, &count));
    }
    for (r = 0; r < RECEIVERS; r++)
        close_ends(&to[r]);
}

TEST(file_names_of_senders)
{
    char own[120], names[2][112];
    size_t count;
    ends it;
    open_ends(&it, FILES);
    make_datagram(0, sending[0], 10);
    make_datagram(1, sending[1], 10);
    OK(acl_send_to_many(it.sender, out, 2, NULL, NULL));
    make_room(2, ROOM);
    in[0].remote_filename = names[0];
    OK(acl_receive_from_many(it.receiver, in, 2, &count));
    EQUAL(count, 2);
    OK(acl_local_filename(it.sender, own, sizeof own, NULL));
    TEXT(names[0], own);
    EQUAL(in[0].remote_host.kind, ACL_SOCKET_NO_ADDRESS);
    OK(acl_send_to_many(it.receiver, in, 1, NULL, &count));
    EQUAL(count, 1);
    OK(acl_receive_from_many(it.sender, in, 1, &count));
    is_datagram(0, &in[0], ROOM);
    OK(acl_dotted_to_ipaddr("127.0.0.1", 1, &out[1].remote_host));
    out[1].remote_port = 9;
    EQUAL(acl_send_to_many(it.sender, out, 2, NULL, &count), ACL_SOCKET_WRONG_KIND);
    EQUAL(count, 1);
    close_ends(&it);
}

/* --- failures */

TEST(those_before_one_that_cannot_be_sent_go)
{
    ends it;
    size_t sent;
    int i;
    open_ends(&it, IPV4);
    for (i = 0; i < 50; i++)
        make_datagram(i, sending[i], 10);
    out[40].buffer = NULL;
    EQUAL(acl_send_to_many(it.sender, out, 50, NULL, &sent), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(sent, 40);
    receive_all(it.receiver, 0, 40, 64, ROOM);
    out[40].buffer = sending[40];
    out[40].size = 9;
    EQUAL(acl_send_to_many(it.sender, out + 40, 1, NULL, &sent), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(sent, 0);
    out[40].size = 0;
    out[45].remote_host.kind = 5;
    EQUAL(acl_send_to_many(it.sender, out + 40, 10, NULL, &sent), ACL_SOCKET_INVALID_ADDRESS);
    EQUAL(sent, 5);
    out[45].remote_host.kind = ACL_SOCKET_IPV4;
    EQUAL(acl_send_to_many(it.sender, out + 45, 5, NULL, &sent), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(strstr(acl_stream_error_report(), "remote_port 0") != NULL);
    out[45].remote_host.kind = ACL_SOCKET_IPV6;
    out[45].remote_port = 9;
    EQUAL(acl_send_to_many(it.sender, out + 45, 5, NULL, &sent), ACL_SOCKET_INVALID_ARGUMENT);
    out[45].remote_host.kind = ACL_SOCKET_NO_ADDRESS;
    receive_all(it.receiver, 40, 45, 64, ROOM);
    /* One that is too long for the system. */
    {
        static char much[70000];
        out[46].buffer = much;
        out[46].length = sizeof much;
        EQUAL(acl_send_to_many(it.sender, out + 45, 5, NULL, &sent), ACL_SOCKET_UNKNOWN);
        EQUAL(acl_stream_error_code(), EMSGSIZE);
        EQUAL(sent, 1);
        CHECK(strstr(acl_stream_error_report(), "datagram 2 of 5") != NULL);
    }
    OK(acl_send_to_many(it.sender, out, 0, NULL, &sent));
    EQUAL(sent, 0);
    EQUAL(acl_receive_from_many(it.receiver, in, 0, &sent), ACL_SOCKET_INVALID_ARGUMENT);
    make_room(2, 0);
    EQUAL(acl_receive_from_many(it.receiver, in, 2, &sent), ACL_SOCKET_INVALID_ARGUMENT);
    /* A place without room ends the batch before it. */
    in[0].size = 100;
    OK(acl_receive_from_many(it.receiver, in, 2, &sent));
    EQUAL(sent, 1);
    is_datagram(45, &in[0], 100);
    EQUAL(acl_send_to_many(it.receiver, out, 1, NULL, &sent), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_close(it.sender, 0));
    EQUAL(acl_send_to_many(it.sender, out, 2, NULL, &sent), ACL_SOCKET_CLOSED);
    EQUAL(acl_receive_from_many(it.sender, in, 1, &sent), ACL_SOCKET_CLOSED);
    close_ends(&it);
}

TEST(nobody_there)
{
    acl_socket *adopted, *server;
    ends it;
    size_t count;
    int i;
    open_ends(&it, CONNECTED);
    done(it.receiver);
    for (i = 0; i < 4; i++)
        make_datagram(i, sending[i], 10);
    make_room(4, ROOM);
    OK(acl_send_to_many(it.sender, out, 4, NULL, &count));
    EQUAL(count, 4);
    EQUAL(acl_receive_from_many(it.sender, in, 4, &count), ACL_SOCKET_CONNECTION_REFUSED);
    EQUAL(acl_stream_error_code(), ECONNREFUSED);
    EQUAL(count, 0);
    OK(acl_send_to_many(it.sender, out, 1, NULL, &count));
    EQUAL(acl_send_to_many(it.sender, out, 4, NULL, &count), ACL_SOCKET_CONNECTION_REFUSED);
    EQUAL(count, 0);
    done(it.sender);
    connection(&adopted, &server);
    EQUAL(acl_send_to_many(server, out, 1, NULL, &count), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_receive_from_many(server, in, 1, &count), ACL_SOCKET_WRONG_KIND);
    done(adopted);
    done(server);
}

/* --- waiting */

TEST(time_outs_and_deadlines)
{
    int kind, i;
    for (kind = 0; kind < DATAGRAM_KINDS; kind++) {
        ends it;
        size_t count;
        open_ends(&it, kind);
        READ_TIMEOUT(it.receiver, SHORT);
        make_room(4, ROOM);
        READ_EXPIRES(acl_receive_from_many(it.receiver, in, 4, &count));
        EQUAL(count, 0);
        for (i = 0; i < 3; i++)
            make_datagram(i, sending[i], 10);
        OK(acl_send_to_many(it.sender, out, 3, NULL, NULL));
        receive_all(it.receiver, 0, 3, 4, ROOM);
        READ_TIMEOUT(it.receiver, -1);
        DEADLINE_EXPIRES(it.receiver, SHORT, acl_receive_from_many(it.receiver, in, 4, &count), ACL_SOCKET_READ_TIMEOUT);
        EXPIRES(acl_receive_from_many(it.receiver, in, 4, &count), ACL_SOCKET_READ_TIMEOUT, 0);
        OK(acl_send_to_many(it.sender, out, 3, NULL, NULL));
        receive_all(it.receiver, 0, 3, 4, ROOM);
        close_ends(&it);
    }
}

/* A receiver that reads nothing takes few datagrams of a file. */
TEST(how_many_went_before_the_time_was_over)
{
    ends it;
    size_t sent = 0, more;
    int i;
    open_ends(&it, FILES);
    for (i = 0; i < MOST; i++)
        make_datagram(i, sending[i], ROOM);
    WRITE_TIMEOUT(it.sender, SHORT);
    EQUAL(acl_send_to_many(it.sender, out, MOST, NULL, &sent), ACL_SOCKET_WRITE_TIMEOUT);
    CHECK(sent > 0 && sent < MOST);
    WRITE_EXPIRES(acl_send_to_many(it.sender, out + sent, 3, NULL, &more));
    EQUAL(more, 0);
    receive_all(it.receiver, 0, 5, 5, ROOM);
    OK(acl_send_to_many(it.sender, out + sent, 3, NULL, &more));
    EQUAL(more, 3);
    receive_all(it.receiver, 5, (int)sent + 3, 64, ROOM);
    WRITE_TIMEOUT(it.sender, -1);
    DEADLINE(it.sender, SHORT);
    EQUAL(acl_send_to_many(it.sender, out, MOST, NULL, &sent), ACL_SOCKET_WRITE_TIMEOUT);
    CHECK(sent > 0);
    receive_all(it.receiver, 0, (int)sent, 64, ROOM);
    close_ends(&it);
}

static sigjmp_buf outside;

static void leave(int number)
{
    (void)number;
    siglongjmp(outside, 1);
}

static void leave_soon(void)
{
    struct sigaction action = { .sa_handler = leave };
    struct itimerval time = { .it_value = { .tv_usec = 500 } };
    EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    EQUAL(setitimer(ITIMER_REAL, &time, NULL), 0);
}

TEST(left_by_longjmp)
{
    static int kind, round;
    static ends it;
    static size_t count;
    static volatile size_t seen;
    int i;
    for (kind = 0; kind < DATAGRAM_KINDS; kind++) {
        open_ends(&it, kind);
        READ_TIMEOUT(it.receiver, kind == IPV6 ? -1 : 20);
        for (round = 0; round < rounds(50, 10); round++) {
            make_room(10, ROOM);
            if (sigsetjmp(outside, 1) == 0) {
                leave_soon();
                acl_receive_from_many(it.receiver, in, 10, &count);
                fail(__FILE__, __LINE__, "it returned");
            }
            for (i = 0; i < 6; i++)
                make_datagram(i, sending[i], 20);
            OK(acl_send_to_many(it.sender, out, 6, NULL, &count));
            receive_all(it.receiver, 0, 6, 4, ROOM);
        }
        if (kind == FILES) {
            for (i = 0; i < MOST; i++)
                make_datagram(i, sending[i], ROOM);
            for (seen = 0; seen == 0;)
                if (sigsetjmp(outside, 1) == 0) {
                    count = 0;
                    leave_soon();
                    acl_send_to_many(it.sender, out, MOST, NULL, &count);
                    fail(__FILE__, __LINE__, "it returned");
                } else {
                    seen = 1;
                }
            /* What is told went; more may have. */
            receive_all(it.receiver, 0, (int)count, 64, ROOM);
        }
        /* The same calls from no deeper on the stack show that those before them have been left. */
        READ_TIMEOUT(it.receiver, 0.001);
        make_room(1, ROOM);
        for (i = 0; i < 2 * MOST && acl_receive_from_many(it.receiver, in, 1, &count) == ACL_SOCKET_OK; i++)
            continue;
        OK(acl_send_to_many(it.sender, out, 0, NULL, &count));
        close_ends(&it);
    }
}

MAIN(CASE(of_one_length_behind_each_other_and_apart), CASE(of_any_length),
    CASE(each_to_an_address_of_its_own_and_back), CASE(file_names_of_senders),
    CASE(those_before_one_that_cannot_be_sent_go), CASE(nobody_there), CASE(time_outs_and_deadlines),
    CASE(how_many_went_before_the_time_was_over), CASE(left_by_longjmp))
