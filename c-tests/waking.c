/* acl_close wakes, from another thread, whoever waits in the socket, and its descriptor is nobody else's until then. */
#include "places.h"

enum { MUCH = 16 << 20 };
static char much[MUCH]; /* only read */

static acl_status in_accept(task *self)
{
    acl_socket *stream;
    acl_status status = acl_accept_connection(self->socket, ACL_SOCKET_WAIT, &stream);
    CHECK(stream == NULL);
    return status;
}

static acl_status in_read_char(task *self)
{
    uint32_t character;
    return acl_read_char(self->socket, &character);
}

static acl_status in_read_line(task *self)
{
    char line[100];
    return acl_read_line(self->socket, line, sizeof line, NULL);
}

static acl_status in_read_sequence(task *self)
{
    const size_t size = 4 << 20;
    char *room = malloc(size);
    size_t length;
    acl_status status = acl_read_sequence(self->socket, room, size, 0, &length);
    free(room);
    return status;
}

static acl_status in_peek_input(task *self)
{
    const void *data;
    size_t length;
    return acl_peek_input(self->socket, 1000, &data, &length);
}

static acl_status in_write_vector(task *self)
{
    size_t written = 0;
    acl_status status = acl_write_vector(self->socket, much, MUCH, &written);
    CHECK(written < MUCH);
    return status;
}

static acl_status in_force_output(task *self)
{
    acl_status status = ACL_SOCKET_OK;
    while (status == ACL_SOCKET_OK) {
        status = acl_write_string(self->socket, "0123456789", 10);
        if (status == ACL_SOCKET_OK)
            status = acl_force_output(self->socket);
    }
    return status;
}

static acl_status in_receive_from(task *self)
{
    char room[100];
    acl_received received;
    return acl_receive_from(self->socket, room, sizeof room, &received);
}

static acl_status in_receive_from_many(task *self)
{
    char room[2][100];
    acl_datagram places[] = { { .buffer = room[0], .size = 100 }, { .buffer = room[1], .size = 100 } };
    size_t count = 777;
    acl_status status = acl_receive_from_many(self->socket, places, 2, &count);
    EQUAL(count, 0);
    return status;
}

static acl_status in_receive_from_extract(task *self)
{
    void *data;
    acl_received received;
    acl_status status = acl_receive_from_extract(self->socket, 100, &data, &received);
    CHECK(data == NULL);
    return status;
}

static acl_status in_wait_for_input(task *self)
{
    acl_wait_item item = { .socket = self->socket };
    size_t available = 0;
    acl_status status = acl_wait_for_input_available(&item, 1, -1.0, &available);
    return status != ACL_SOCKET_OK ? status : item.available == 1 && available == 1 ? ACL_SOCKET_CLOSED : LEFT;
}

/* Limits that are far away make no difference. */
enum { NO_LIMIT, TIMEOUT, DEADLINE, BOTH, LIMITS };

static void limit(acl_socket *socket, int limits)
{
    if (limits & TIMEOUT)
        OK(acl_socket_control(socket, ARGS(acl_socket_control_args, .read_timeout = 25, .write_timeout = 25)));
    if (limits & DEADLINE)
        OK(acl_set_socket_deadline(socket, 25));
}

static void closing_wakes(acl_socket *socket, acl_status (*body)(task *), int limits, int aborted)
{
    task waiter;
    double begun;
    limit(socket, limits);
    TASK_BEGINS(&waiter, body, .socket = socket);
    TASK_BLOCKS(&waiter);
    begun = clock_now();
    OK(acl_close(socket, aborted));
    CHECK(clock_now() - begun < patience());
    TASK_ENDS(&waiter, patience(), ACL_SOCKET_CLOSED);
    CHECK(waiter.end - begun < patience());
    OK(acl_free_socket(socket));
}

TEST(readers_are_woken)
{
    static acl_status (*const bodies[])(task *) = {
        in_read_byte, in_read_char, in_read_line, in_read_sequence, in_peek_input, in_wait_for_input
    };
    size_t body;
    int limits, raw;
    EACH_KIND {
        for (body = 0; body < sizeof bodies / sizeof *bodies; body++) {
            for (limits = 0; limits < LIMITS; limits++) {
                acl_socket *stream = stream_and_raw(kind, NULL, &raw);
                if (bodies[body] == in_read_line || bodies[body] == in_read_sequence || bodies[body] == in_peek_input)
                    PUT(raw, "begun");
                closing_wakes(stream, bodies[body], limits, limits % 2 ? ACL_SOCKET_ABORT : 0);
                close(raw);
            }
        }
    }
}

TEST(writers_are_woken)
{
    int limits, raw;
    EACH_KIND {
        for (limits = 0; limits < LIMITS; limits++) {
            closing_wakes(stream_and_raw(kind, NULL, &raw), in_write_vector, limits, ACL_SOCKET_ABORT);
            close(raw);
            if (kind == ADOPTED) {
                closing_wakes(stream_and_raw(kind, NULL, &raw), in_force_output, limits, ACL_SOCKET_ABORT);
                close(raw);
            }
        }
    }
}

TEST(acceptors_are_woken)
{
    int limits, aborted;
    int32_t port;
    for (limits = 0; limits < LIMITS; limits++) {
        for (aborted = 0; aborted < 2; aborted++) {
            char directory[] = "/tmp/acl-test-XXXXXX", path[60];
            acl_socket *passive;
            closing_wakes(listener(&port), in_accept, limits, aborted);
            closing_wakes(listener(&port), in_wait_for_input, limits, aborted);
            CHECK(mkdtemp(directory) != NULL);
            snprintf(path, sizeof path, "%s/socket", directory);
            OK(MAKE(&passive, .connect = ACL_SOCKET_PASSIVE, .address_family = ACL_SOCKET_FILE, .local_filename = path));
            closing_wakes(passive, in_accept, limits, aborted);
            EQUAL(rmdir(directory), 0);
        }
    }
}

static acl_socket *datagrams(int internet)
{
    acl_socket *socket;
    OK(MAKE(&socket, .type = ACL_SOCKET_DATAGRAM, .address_family = internet ? ACL_SOCKET_INTERNET : ACL_SOCKET_FILE,
        .local_host = internet ? "127.0.0.1" : NULL));
    return socket;
}

TEST(receivers_are_woken)
{
    int limits, aborted, internet;
    for (limits = 0; limits < LIMITS; limits++) {
        for (aborted = 0; aborted < 2; aborted++) {
            for (internet = 0; internet < 2; internet++) {
                closing_wakes(datagrams(internet), in_receive_from, limits, aborted);
                closing_wakes(datagrams(internet), in_receive_from_extract, limits, aborted);
                closing_wakes(datagrams(internet), in_receive_from_many, limits, aborted);
                closing_wakes(datagrams(internet), in_wait_for_input, limits, aborted);
            }
        }
    }
}

TEST(connecting_ones_are_woken)
{
    int limits;
    place at;
    full_place(&at, OVER_TCP);
    for (limits = 0; limits < LIMITS; limits++) {
        acl_socket *pending;
        OK(begin(&at, limits & TIMEOUT ? 25 : 0, &pending));
        closing_wakes(pending, in_finish_connect, limits & DEADLINE, limits % 2 ? ACL_SOCKET_ABORT : 0);
    }
    close_place(&at);
}

/* Those who wait for their turn are woken too. */
TEST(all_who_wait_are_woken)
{
    enum { EACH = 3 };
    EACH_KIND {
        task readers[EACH], writers[EACH];
        int raw, i;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < EACH; i++) {
            TASK_BEGINS(&readers[i], i % 2 ? in_read_line : in_read_byte, .socket = stream);
            TASK_BEGINS(&writers[i], in_write_vector, .socket = stream);
        }
        for (i = 0; i < EACH; i++) {
            TASK_BLOCKS(&readers[i]);
            TASK_BLOCKS(&writers[i]);
        }
        OK(acl_close(stream, ACL_SOCKET_ABORT));
        for (i = 0; i < EACH; i++) {
            TASK_ENDS(&readers[i], patience(), ACL_SOCKET_CLOSED);
            TASK_ENDS(&writers[i], patience(), ACL_SOCKET_CLOSED);
        }
        OK(acl_free_socket(stream));
        close(raw);
    }
}

TEST(freeing_wakes_too)
{
    int i;
    int32_t port;
    for (i = 0; i < 4; i++) {
        int raw = -1;
        task waiter;
        acl_socket *socket = i == 0 ? listener(&port) : i == 1 ? datagrams(1) : stream_and_raw(OVER_TCP, NULL, &raw);
        TASK_BEGINS(&waiter, i == 0 ? in_accept : i == 1 ? in_receive_from : i == 2 ? in_read_byte : in_write_vector,
            .socket = socket);
        TASK_BLOCKS(&waiter);
        OK(acl_free_socket(socket));
        COMES(GET(waiter.ended), patience());
        EQUAL(pthread_join(waiter.thread, NULL), 0);
        CHECK(waiter.status == ACL_SOCKET_CLOSED || waiter.status == ACL_SOCKET_INVALID_HANDLE);
        if (raw >= 0)
            close(raw);
    }
}

/* --- the number of the descriptor */

static int over;

static acl_status read_own(task *self)
{
    acl_status status;
    uint8_t byte;
    while ((status = acl_read_byte(self->socket, &byte)) == ACL_SOCKET_OK)
        EQUAL(byte, 'm');
    return status;
}

static acl_status write_own(task *self)
{
    acl_status status;
    do {
        status = acl_write_byte(self->socket, 'w');
        if (status == ACL_SOCKET_OK)
            status = acl_force_output(self->socket);
    } while (status == ACL_SOCKET_OK);
    return status;
}

/* Opens descriptors with foreign bytes in them, and gets none from others. */
static acl_status take_numbers(task *self)
{
    char byte;
    (void)self;
    while (!GET(over)) {
        int pair[2];
        EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        EQUAL(send(pair[1], "F", 1, 0), 1);
        EQUAL(send(pair[0], "F", 1, 0), 1);
        sched_yield();
        EQUAL(recv(pair[0], &byte, 1, MSG_DONTWAIT), 1);
        EQUAL(recv(pair[1], &byte, 1, MSG_DONTWAIT), 1);
        EQUAL(recv(pair[0], &byte, 1, MSG_DONTWAIT), -1);
        EQUAL(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
        close(pair[0]);
        close(pair[1]);
    }
    return ACL_SOCKET_OK;
}

TEST(nobody_gets_the_number_while_it_is_waited_at)
{
    enum { TAKERS = 2 };
    task takers[TAKERS], reader, writer;
    int i, round, raw;
    double limit = clock_now() + 8;
    uint64_t state = 3;
    for (i = 0; i < TAKERS; i++)
        TASK_BEGINS(&takers[i], take_numbers, .socket = NULL);
    for (round = 0; round < rounds(600, 30) && clock_now() < limit; round++) {
        acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
        TASK_BEGINS(&reader, read_own, .socket = stream);
        TASK_BEGINS(&writer, write_own, .socket = stream);
        PUT(raw, "mmm");
        if (round % 20 == 0)
            TASK_BLOCKS(&reader);
        else
            nap((long)(chance(&state) % 300));
        send(raw, "mmm", 3, MSG_NOSIGNAL);
        OK(acl_close(stream, ACL_SOCKET_ABORT));
        TASK_ENDS(&reader, patience(), ACL_SOCKET_CLOSED);
        TASK_ENDS(&writer, patience(), ACL_SOCKET_CLOSED);
        OK(acl_free_socket(stream));
        close(raw);
    }
    SET(over, 1);
    for (i = 0; i < TAKERS; i++)
        TASK_ENDS(&takers[i], patience(), ACL_SOCKET_OK);
}

MAIN(CASE(readers_are_woken), CASE(writers_are_woken), CASE(acceptors_are_woken), CASE(receivers_are_woken),
     CASE(connecting_ones_are_woken), CASE(all_who_wait_are_woken), CASE(freeing_wakes_too),
     CASE(nobody_gets_the_number_while_it_is_waited_at))
