/* Datagrams that the system cuts off a message, or puts together to one. */
#include "datagrams.h"
#include "wait_sets.h"
#include <net/if.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/ioctl.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

/* --- what the system puts together */

static int raw_socket(acl_socket *to, int on, int option)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int32_t port;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (to != NULL) {
        OK(acl_local_port(to, &port));
        address.sin_port = htons((uint16_t)port);
        EQUAL(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    } else {
        EQUAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    }
    if (setsockopt(fd, IPPROTO_UDP, option, &on, sizeof on) != 0)
        exit(SKIPPED);
    return fd;
}

/* Datagrams `first` to before `end`, of 20 bytes, as one of the system's messages. */
static void send_together(int fd, int first, int end)
{
    int i;
    for (i = first; i < end; i++)
        make_datagram(i, &sending[0][0] + 20 * i, 20);
    EQUAL(send(fd, &sending[0][0] + 20 * first, (size_t)(20 * (end - first)), 0), 20 * (end - first));
}

static void receive_one(acl_socket *socket, int number)
{
    acl_received received;
    char room[100];
    OK(acl_receive_from(socket, room, sizeof room, &received));
    EQUAL(received.length, 20);
    EQUAL(received.message_length, 20);
    EQUAL(received.remote_host.ipv4, INADDR_LOOPBACK);
    CHECK(memcmp(room, out[number].buffer, 20) == 0);
}

TEST(those_of_one_length_leave_as_one)
{
    int fd = raw_socket(NULL, 1, UDP_GRO), i;
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    acl_socket *socket;
    static char room[65536];
    size_t sent;
    EQUAL(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    OK(MAKE(&socket, .type = ACL_SOCKET_DATAGRAM, .remote_host = "127.0.0.1", .remote_port = ntohs(address.sin_port)));
    for (i = 0; i < 100; i++)
        make_datagram(i, sending[i], i == 99 ? 7 : 30);
    OK(acl_send_to_many(socket, out, 100, NULL, &sent));
    EQUAL(sent, 100);
    EQUAL(recv(fd, room, sizeof room, 0), 64 * 30);
    EQUAL(recv(fd, room, sizeof room, 0), 35 * 30 + 7);
    /* A longer one, an empty one and one that goes elsewhere are not of them. */
    make_datagram(2, sending[2], 31);
    make_datagram(4, sending[4], 0);
    OK(acl_send_to_many(socket, out, 6, NULL, &sent));
    EQUAL(recv(fd, room, sizeof room, 0), 60);
    EQUAL(recv(fd, room, sizeof room, 0), 61);
    EQUAL(recv(fd, room, sizeof room, 0), 0);
    EQUAL(recv(fd, room, sizeof room, 0), 30);
    /* The longest message is shorter than so many of them. */
    for (i = 0; i < 9; i++)
        make_datagram(i, sending[i], 8000);
    OK(acl_send_to_many(socket, out, 9, NULL, &sent));
    EQUAL(recv(fd, room, sizeof room, 0), 64000);
    EQUAL(recv(fd, room, sizeof room, 0), 8000);
    close(fd);
    done(socket);
}

TEST(what_came_together_is_received_apart)
{
    ends it;
    int fd, first;
    size_t count;
    acl_wait_item item;
    acl_wait_set *set;
    acl_received received;
    void *data;
    open_ends(&it, IPV4);
    fd = raw_socket(it.receiver, 20, UDP_SEGMENT);
    set = make_set();
    OK(acl_wait_set_watch(set, it.receiver, ACL_SOCKET_IN, &it));
    for (first = 0; first < 4; first++) {
        item = (acl_wait_item){ .socket = it.receiver };
        send_together(fd, 0, 10);
        make_room(3, ROOM);
        OK(acl_receive_from_many(it.receiver, in, 3, &count));
        EQUAL(count, first == 0 ? count : 3);
        CHECK(count >= 1);
        receive_all(it.receiver, (int)count, 4, 1, ROOM);
        /* The system has nothing more, the library has. */
        OK(acl_wait_for_input_available(&item, 1, 5, &count));
        EQUAL(item.available, 1);
        ONE(set, it.receiver, ACL_SOCKET_IN, &it);
        receive_one(it.receiver, 4);
        OK(acl_receive_from_extract(it.receiver, 100, &data, &received));
        EQUAL(received.length, 20);
        CHECK(memcmp(data, out[5].buffer, 20) == 0);
        acl_free_buffer(data);
        ONE(set, it.receiver, ACL_SOCKET_IN, &it);
        receive_all(it.receiver, 6, 9, 1, 5);
        ONE(set, it.receiver, ACL_SOCKET_IN, &it);
        receive_one(it.receiver, 9);
        QUIET(set);
        OK(acl_wait_for_input_available(&item, 1, 0, &count));
        EQUAL(count, 0);
        /* What comes to be received one by one comes together from now on. */
        send_together(fd, 10, 13);
        ONE(set, it.receiver, ACL_SOCKET_IN, &it);
        receive_one(it.receiver, 10);
        receive_one(it.receiver, 11);
        receive_one(it.receiver, 12);
        QUIET(set);
    }
    OK(acl_free_wait_set(set));
    close(fd);
    close_ends(&it);
}

static acl_status in_receive_from_twice(task *self)
{
    receive_one(self->socket, 0);
    receive_one(self->socket, 1);
    return ACL_SOCKET_OK;
}

static acl_status in_receive_many(task *self)
{
    size_t count = 0;
    acl_datagram *place = self->data;
    acl_status status = acl_receive_from_many(self->socket, place, 1, &count);
    EQUAL(count, status == ACL_SOCKET_OK);
    return status;
}

/* Who has begun to receive one before another thread receives many gets one and not several. */
TEST(a_single_receiver_is_not_given_several)
{
    int round;
    for (round = 0; round < rounds(20, 4); round++) {
        task single, many;
        char room[100];
        acl_datagram place = { .buffer = room, .size = sizeof room };
        ends it;
        int fd, i;
        open_ends(&it, IPV4);
        fd = raw_socket(it.receiver, 20, UDP_SEGMENT);
        TASK_BEGINS(&single, in_receive_from_twice, .socket = it.receiver);
        TASK_BLOCKS(&single);
        TASK_BEGINS(&many, in_receive_many, .socket = it.receiver, .data = &place);
        TASK_BLOCKS(&many);
        /* All are the same, since nobody knows who gets which. */
        for (i = 0; i < 3; i++)
            make_datagram(i, &sending[0][0] + 20 * i, 20);
        for (i = 1; i < 3; i++)
            memcpy(out[i].buffer, out[0].buffer, 20);
        EQUAL(send(fd, &sending[0][0], 60, 0), 60);
        TASK_ENDS(&single, patience(), ACL_SOCKET_OK);
        TASK_ENDS(&many, patience(), ACL_SOCKET_OK);
        EQUAL(place.message_length, 20);
        close(fd);
        close_ends(&it);
    }
}

/* --- systems that cannot */

TEST(what_the_system_does_not_cut_up_goes_all_the_same)
{
    ends it;
    int i, on = 1;
    open_ends(&it, IPV4);
    /* It cannot cut up what has no checksum. */
    EQUAL(setsockopt(fd_of(it.sender), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
    for (i = 0; i < 100; i++)
        make_datagram(i, sending[i], 40);
    for (i = 0; i < 100; i += 20) {
        size_t sent;
        OK(acl_send_to_many(it.sender, out + i, 20, NULL, &sent));
        EQUAL(sent, 20);
        receive_all(it.receiver, i, i + 20, 16, ROOM);
    }
    close_ends(&it);
}

TEST(longer_ones_than_the_path_takes_are_sent_in_fragments)
{
    struct ifreq request;
    acl_socket *sender, *receiver;
    int32_t port;
    size_t sent;
    int fd, i;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 && unshare(CLONE_NEWNET) != 0)
        exit(SKIPPED);
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    request.ifr_mtu = 1500;
    if (ioctl(fd, SIOCSIFMTU, &request) != 0)
        exit(SKIPPED);
    request.ifr_flags = IFF_UP;
    EQUAL(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
    OK(MAKE(&receiver, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1", .read_timeout = 10));
    OK(acl_local_port(receiver, &port));
    OK(MAKE(&sender, .type = ACL_SOCKET_DATAGRAM, .remote_host = "127.0.0.1", .remote_port = port));
    for (i = 0; i < 40; i++)
        make_datagram(i, sending[i], i < 10 ? 1000 : i < 20 ? 2000 : i < 30 ? 1000 : 1473);
    OK(acl_send_to_many(sender, out, 40, NULL, &sent));
    EQUAL(sent, 40);
    receive_all(receiver, 0, 40, 64, ROOM);
    done(sender);
    done(receiver);
}

/* --- threads */

enum { THREADS = 4, EACH = 2000 };
static int seen_numbers[THREADS * EACH];

static acl_status receive_numbers(task *self)
{
    enum { PLACES = 20 };
    int numbers[PLACES];
    acl_datagram places[PLACES];
    acl_received received;
    acl_status status;
    size_t count, i;
    memset(places, 0, sizeof places);
    for (i = 0; i < PLACES; i++) {
        places[i].buffer = &numbers[i];
        places[i].size = sizeof *numbers;
    }
    for (;;) {
        count = 1;
        status = self->size ? acl_receive_from_many(self->socket, places, PLACES, &count)
            : acl_receive_from(self->socket, numbers, sizeof *numbers, &received);
        if (status != ACL_SOCKET_OK)
            return status;
        for (i = 0; i < count; i++) {
            EQUAL(self->size ? places[i].message_length : received.message_length, sizeof *numbers);
            CHECK(numbers[i] >= 0 && numbers[i] < THREADS * EACH);
            ADD(seen_numbers[numbers[i]], 1);
            ADD(*(int *)self->data, 1);
        }
    }
}

TEST(many_threads_receive_each_datagram_once)
{
    task tasks[THREADS];
    int came = 0, sent = 0, i, numbers[16];
    ends it;
    open_ends(&it, IPV4);
    READ_TIMEOUT(it.receiver, -1);
    for (i = 0; i < THREADS; i++)
        TASK_BEGINS(&tasks[i], receive_numbers, .socket = it.receiver, .data = &came, .size = i % 2 == 0);
    while (sent < THREADS * rounds(EACH, EACH / 10)) {
        for (i = 0; i < 16; i++) {
            numbers[i] = sent + i;
            memset(&out[i], 0, sizeof out[i]);
            out[i].buffer = &numbers[i];
            out[i].length = sizeof *numbers;
        }
        OK(acl_send_to_many(it.sender, out, 16, NULL, NULL));
        sent += 16;
        COMES(GET(came) > sent - 64, 10);
    }
    COMES(GET(came) == sent, 10);
    for (i = 0; i < sent; i++)
        EQUAL(GET(seen_numbers[i]), 1);
    OK(acl_close(it.receiver, 0));
    for (i = 0; i < THREADS; i++)
        TASK_ENDS(&tasks[i], patience(), ACL_SOCKET_CLOSED);
    close_ends(&it);
}

MAIN(CASE(those_of_one_length_leave_as_one), CASE(what_came_together_is_received_apart),
    CASE(a_single_receiver_is_not_given_several), CASE(what_the_system_does_not_cut_up_goes_all_the_same),
    CASE(longer_ones_than_the_path_takes_are_sent_in_fragments), CASE(many_threads_receive_each_datagram_once))
