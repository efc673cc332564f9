/* The DNS client against name servers that lie, stammer or say nothing, and threads that ask together. */
#include "nameserver.h"
#include "timeouts.h"

#define ASK(name, response, ...) acl_dns_query(name, ARGS(acl_dns_query_args, __VA_ARGS__), response)

static const char *asked_address(acl_dns_response *response)
{
    static char text[64];
    const acl_dns_rr *rr;
    size_t count;
    OK(acl_dns_response_values(response, &rr, &count, NULL, NULL));
    EQUAL(count, 1);
    OK(acl_ipaddr_to_dotted(&rr->address, text, sizeof text, NULL));
    OK(acl_free_dns_response(response));
    return text;
}

static int from_elsewhere(const liar *it, const uint8_t *message, size_t length)
{
    int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    reply(it, other, message, length);
    return close(other);
}

/* Poison before the answer: wrong number, wrong name, wrong type, a query, from elsewhere, nothing. */
static void poison(liar *it)
{
    uint8_t message[700];
    size_t length = respond(it, message, 0, "6.6.6.6");
    message[1] ^= 1;
    reply(it, it->udp, message, length);
    message[1] ^= 1;
    message[13] ^= 1;
    reply(it, it->udp, message, length);
    message[13] ^= 1;
    message[question_end(it) - 3] ^= 1;
    reply(it, it->udp, message, length);
    message[question_end(it) - 3] ^= 1;
    message[question_end(it) - 1] ^= 1;
    reply(it, it->udp, message, length);
    message[question_end(it) - 1] ^= 1;
    message[2] &= 0x7f;
    reply(it, it->udp, message, length);
    message[2] |= 0x80;
    message[5] = 0;
    reply(it, it->udp, message, length);
    message[5] = 2;
    reply(it, it->udp, message, length);
    reply(it, it->udp, message, 0);
    reply(it, it->udp, message, 11);
    message[5] = 1;
    EQUAL(from_elsewhere(it, message, length), 0);
    reply(it, it->udp, message, respond(it, message, 0, "10.0.0.7"));
}

TEST(poison_is_passed_over)
{
    liars server;
    acl_dns_response *response;
    acl_ipaddr address;
    int round;
    liar_starts(&server, poison, NULL);
    ask_only(server.address);
    for (round = 0; round < 50; round++) {
        OK(ASK("host.example.test", &response, .ignore_cache = 1));
        TEXT(asked_address(response), "10.0.0.7");
    }
    OK(acl_lookup_hostname("host.example.test", NULL, &address));
    EQUAL(address.ipv4, 0x0a000007);
    liar_ends(&server);
}

static void only_poison(liar *it)
{
    uint8_t message[700];
    size_t length = respond(it, message, 0, "6.6.6.6");
    EQUAL(from_elsewhere(it, message, length), 0);
    message[0] ^= 1;
    reply(it, it->udp, message, length);
}

/* Guesses at the number, more often than anybody would by accident. */
static void guess(liar *it)
{
    uint8_t message[700];
    size_t length = respond(it, message, 0, "6.6.6.6");
    int i;
    for (i = 1; i < 60; i++) {
        message[0] = (uint8_t)(it->query[0] ^ i);
        reply(it, it->udp, message, length);
    }
    message[0] = it->query[0];
    reply(it, it->udp, message, length);
}

TEST(nothing_but_poison_is_no_answer)
{
    liars server;
    acl_dns_response *response;
    liar_starts(&server, only_poison, NULL);
    ask_only(server.address);
    EXPIRES(ASK("host.example.test", &response, .repeat = 2, .timeout = 0.1), ACL_SOCKET_NAMESERVER_TIMEOUT, 0.2);
    CHECK(response == NULL && GET(server.it.asked) == 2);
    liar_ends(&server);
    /* Who guesses is asked by TCP, where nobody can; nobody listens there. */
    liar_starts(&server, guess, NULL);
    ask_only(server.address);
    EQUAL(ASK("host.example.test", &response, .repeat = 1, .timeout = 5), ACL_SOCKET_CONNECTION_REFUSED);
    liar_ends(&server);
}

static void silent(liar *it) { (void)it; }

TEST(silence_ends_in_time)
{
    liars server;
    acl_dns_response *response;
    acl_ipaddr address;
    acl_socket *stream, *datagram;
    double from;
    int before;
    liar_starts(&server, silent, NULL);
    ask_only(server.address);
    before = open_descriptors();
    EXPIRES(ASK("a.test", &response, .repeat = 1, .timeout = 0.1), ACL_SOCKET_NAMESERVER_TIMEOUT, 0.1);
    EXPIRES(ASK("a.test", &response, .repeat = 3, .timeout = 0.05), ACL_SOCKET_NAMESERVER_TIMEOUT, 0.15);
    EXPIRES(ASK("a.test", &response, .repeat = 10, .timeout = 30, .deadline = 0.1), ACL_SOCKET_NAMESERVER_TIMEOUT, 0.1);
    EXPIRES(ASK("a.test", &response, .deadline = 1e-9), ACL_SOCKET_NAMESERVER_TIMEOUT, 0);
    EXPIRES(acl_lookup_hostname("a.test", ARGS(acl_lookup_hostname_args, .timeout = 0.1, .ipv6 = ACL_SOCKET_ON), &address),
        ACL_SOCKET_NAMESERVER_TIMEOUT, 0.1);
    /* One deadline for all names of the search list. */
    OK(acl_set_domain_search_list("b.test c.test d.test e.test"));
    EXPIRES(ASK("a", &response, .search = ACL_SOCKET_ON, .deadline = 0.1), ACL_SOCKET_NAMESERVER_TIMEOUT, 0.1);
    /* Connecting includes looking up; so does sending. */
    EXPIRES(MAKE(&stream, .remote_host = "a.test", .remote_port = 9, .connect_timeout = 0.1), ACL_SOCKET_CONNECT_TIMEOUT, 0.1);
    CHECK(stream == NULL && strstr(acl_stream_error_action(), "looking up the host \"a.test\"") != NULL);
    EXPIRES(acl_begin_connect(ARGS(acl_make_socket_args, .remote_host = "a.test", .remote_port = 9, .connect_timeout = 0.1),
        &stream), ACL_SOCKET_CONNECT_TIMEOUT, 0.1);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .write_timeout = 0.1));
    EXPIRES(acl_send_to(datagram, "x", 1, ARGS(acl_send_to_args, .remote_host = "a.test", .remote_port = 9), NULL),
        ACL_SOCKET_WRITE_TIMEOUT, 0.1);
    OK(acl_set_socket_deadline(datagram, 0.1));
    EXPIRES(acl_send_to(datagram, "x", 1, ARGS(acl_send_to_args, .remote_host = "a.test", .remote_port = 9), NULL),
        ACL_SOCKET_WRITE_TIMEOUT, 0.1);
    done(datagram);
    EQUAL(open_descriptors(), before);
    /* With both modes a time-out keeps the C library out of it. */
    OK(acl_set_dns_mode(ACL_SOCKET_ACLDNS | ACL_SOCKET_CLIB));
    from = clock_now();
    EQUAL(acl_lookup_hostname("a.test", ARGS(acl_lookup_hostname_args, .timeout = 0.1), &address), ACL_SOCKET_NAMESERVER_TIMEOUT);
    TOOK(from, 0.1);
    liar_ends(&server);
}

/* Answers for IPv4 when both have long been asked for, and says nothing of IPv6. */
static void half_deaf(liar *it)
{
    uint8_t message[700];
    if (it->query[question_end(it) - 3] != ACL_SOCKET_DNS_A)
        return;
    nap(50000);
    reply(it, it->udp, message, respond(it, message, 0, "10.0.0.15"));
}

TEST(one_family_does_not_wait_for_the_other)
{
    liars server;
    acl_ipaddr address;
    double from;
    int round;
    liar_starts(&server, half_deaf, NULL);
    ask_only(server.address);
    for (round = 0; round < 2; round++) {
        from = clock_now();
        OK(acl_lookup_hostname("a.test", ARGS(acl_lookup_hostname_args, .ipv6 = ACL_SOCKET_ON), &address));
        TOOK(from, 2);
        EQUAL(address.ipv4, 0x0a00000f);
    }
    liar_ends(&server);
}

static void fail_with(liar *it)
{
    uint8_t message[700];
    reply(it, it->udp, message, respond(it, message, GET(*(int *)it->data), NULL));
}

static void good(liar *it)
{
    uint8_t message[700];
    reply(it, it->udp, message, respond(it, message, 0, "10.0.0.8"));
}

TEST(the_next_server_is_asked)
{
    static const struct { int code; acl_status status; } codes[] = { { 2, ACL_SOCKET_NAMESERVER_INTERNAL_ERROR },
        { 5, ACL_SOCKET_NAMESERVER_REFUSED }, { 9, ACL_SOCKET_NAMESERVER_ERROR }, { 4, ACL_SOCKET_NAMESERVER_ERROR } };
    liars bad, well;
    acl_dns_response *response;
    acl_dns_nameserver *servers;
    char both[100];
    size_t i, count;
    int code, before;
    liar_starts(&bad, fail_with, &code);
    liar_starts(&well, good, NULL);
    snprintf(both, sizeof both, "%s,%s", bad.address, well.address);
    for (i = 0; i < sizeof codes / sizeof *codes; i++) {
        SET(code, codes[i].code);
        ask_only(both);
        OK(ASK("a.test", &response, .ignore_cache = 1));
        TEXT(asked_address(response), "10.0.0.8");
        EQUAL(ASK("a.test", &response, .nameserver = bad.address), codes[i].status);
        CHECK(strstr(acl_stream_error_report(), "127.0.0.1") != NULL);
    }
    /* A server that says no is not asked again in the same query, whatever repeat says. */
    SET(code, 2);
    before = GET(bad.it.asked);
    EQUAL(ASK("a.test", &response, .nameserver = bad.address, .repeat = 20), ACL_SOCKET_NAMESERVER_INTERNAL_ERROR);
    EQUAL(GET(bad.it.asked), before + 1);
    liar_ends(&bad);
    /* Nobody there any more, which the system tells at once. */
    EQUAL(ASK("a.test", &response, .nameserver = bad.address, .timeout = 20), ACL_SOCKET_CONNECTION_REFUSED);
    EQUAL(acl_stream_error_code(), ECONNREFUSED);
    OK(ASK("b.test", &response, 0));
    TEXT(asked_address(response), "10.0.0.8");
    /* One that is silent is asked behind the others from then on. */
    liar_starts(&bad, silent, NULL);
    snprintf(both, sizeof both, "%s %s", bad.address, well.address);
    ask_only(both);
    OK(ASK("c.test", &response, .timeout = 0.1));
    TEXT(asked_address(response), "10.0.0.8");
    EQUAL(GET(bad.it.asked), 1);
    OK(ASK("d.test", &response, .timeout = 20));
    TEXT(asked_address(response), "10.0.0.8");
    EQUAL(GET(bad.it.asked), 1);
    OK(acl_get_nameservers(&servers, &count));
    EQUAL(count, 2);
    EQUAL(servers[0].port, bad.port);
    CHECK(servers[0].sent == 1 && servers[0].received == 0 && servers[1].sent >= 2 && servers[1].received >= 2);
    acl_free_buffer(servers);
    liar_ends(&bad);
    liar_ends(&well);
}

/* Answers the second query only, and then the first too. */
static void late(liar *it)
{
    static liar first;
    if (GET(it->asked) == 1) {
        first = *it;
    } else {
        uint8_t message[700];
        reply(&first, it->udp, message, respond(&first, message, 0, "10.0.0.11"));
    }
}

TEST(a_late_answer_is_one)
{
    liars server;
    acl_dns_response *response;
    liar_starts(&server, late, NULL);
    ask_only(server.address);
    OK(ASK("a.test", &response, .repeat = 2, .timeout = 0.2));
    TEXT(asked_address(response), "10.0.0.11");
    EQUAL(GET(server.it.asked), 2);
    liar_ends(&server);
}

/* Knows no EDNS: its record is the one after the question. */
static void plain(liar *it)
{
    uint8_t message[700];
    int edns = it->length > question_end(it);
    size_t length = respond(it, message, edns ? 1 : 0, edns ? NULL : "10.0.0.12");
    if (edns)
        message[5] = 0;
    reply(it, it->udp, message, edns ? 12 : length);
}

/* The same, where such queries are lost. */
static void lossy(liar *it)
{
    if (it->length == question_end(it))
        plain(it);
}

static void malformed(liar *it)
{
    uint8_t message[700];
    size_t length = respond(it, message, 0, "10.0.0.13");
    reply(it, it->udp, message, length - 3);
}

static void referral(liar *it)
{
    uint8_t message[700];
    size_t length = respond(it, message, 0, NULL);
    message[3] = 0;
    reply(it, it->udp, message, length);
}

TEST(servers_of_old_and_broken_ones)
{
    liars server;
    acl_dns_response *response;
    liar_starts(&server, plain, NULL);
    OK(ASK("a.test", &response, .nameserver = server.address, .timeout = 20));
    TEXT(asked_address(response), "10.0.0.12");
    liar_ends(&server);
    liar_starts(&server, lossy, NULL);
    OK(ASK("a.test", &response, .nameserver = server.address, .timeout = 0.1));
    TEXT(asked_address(response), "10.0.0.12");
    liar_ends(&server);
    liar_starts(&server, malformed, NULL);
    EQUAL(ASK("a.test", &response, .nameserver = server.address, .timeout = 20), ACL_SOCKET_NAMESERVER_ERROR);
    CHECK(strstr(acl_stream_error_action(), "malformed") != NULL);
    liar_ends(&server);
    liar_starts(&server, referral, NULL);
    EQUAL(ASK("a.test", &response, .nameserver = server.address, .timeout = 20), ACL_SOCKET_NAMESERVER_REFUSED);
    liar_ends(&server);
}

/* Cuts off what it says by UDP; by TCP it says a byte at a time, as many of them as data tells. */
static void cut_off(liar *it)
{
    uint8_t message[700];
    size_t length = respond(it, message, 0, NULL);
    message[2] |= 2;
    reply(it, it->udp, message, length);
}

static acl_status trickle(task *self)
{
    const liars *server = self->data;
    uint8_t message[702];
    liar it = { 0 };
    size_t i, length;
    int fd = accept(server->it.tcp, NULL, NULL);
    CHECK(fd >= 0);
    EQUAL(recv(fd, message, 2, MSG_WAITALL), 2);
    it.length = (size_t)message[0] << 8 | message[1];
    CHECK(it.length < sizeof it.query);
    EQUAL(recv(fd, it.query, it.length, MSG_WAITALL), it.length);
    length = respond(&it, message + 2, 0, "10.0.0.14");
    message[0] = (uint8_t)(length >> 8);
    message[1] = (uint8_t)length;
    for (i = 0; i < length + 2 && i < self->size; i++) {
        if (send(fd, message + i, 1, MSG_NOSIGNAL) != 1)
            break;
        nap(2000);
    }
    /* Until the client goes, or at once where that is all. */
    if (self->size > 9999)
        recv(fd, message, 1, 0);
    close(fd);
    return ACL_SOCKET_OK;
}

TEST(tcp_a_byte_at_a_time)
{
    liars server;
    task talker;
    acl_dns_response *response;
    double from;
    liar_starts(&server, cut_off, NULL);
    EQUAL(listen(server.it.tcp, 5), 0);
    ask_only(server.address);
    TASK_BEGINS(&talker, trickle, .data = &server, .size = 1000);
    OK(ASK("a.test", &response, .timeout = 20));
    TEXT(asked_address(response), "10.0.0.14");
    TASK_ENDS(&talker, patience(), ACL_SOCKET_OK);
    /* The end in the middle. */
    TASK_BEGINS(&talker, trickle, .data = &server, .size = 20);
    EQUAL(ASK("a.test", &response, .timeout = 20, .ignore_cache = 1), ACL_SOCKET_CONNECTION_RESET);
    TASK_ENDS(&talker, patience(), ACL_SOCKET_OK);
    /* Progress does not prolong the deadline. */
    TASK_BEGINS(&talker, trickle, .data = &server, .size = 10000);
    from = clock_now();
    EQUAL(ASK("a.test", &response, .timeout = 20, .deadline = 0.02, .ignore_cache = 1), ACL_SOCKET_NAMESERVER_TIMEOUT);
    TOOK(from, 0.02);
    TASK_ENDS(&talker, patience(), ACL_SOCKET_OK);
    liar_ends(&server);
}

static acl_status ask_once(task *self)
{
    acl_dns_response *response;
    acl_status status = ASK("a.test", &response, .timeout = 20);
    acl_free_dns_response(response);
    (void)self;
    return status;
}

static acl_status connect_by_name(task *self)
{
    return MAKE(&self->socket, .remote_host = "a.test", .remote_port = 9);
}

/* A thread that leaves a look-up leaves no descriptor open for longer than until its next one. */
TEST(a_look_up_can_be_left)
{
    liars server, well;
    acl_dns_response *response;
    storm signals;
    int before, round;
    liar_starts(&server, silent, NULL);
    liar_starts(&well, good, NULL);
    ask_only(server.address);
    before = open_descriptors();
    for (round = 0; round < rounds(100, 10); round++) {
        task self = { .ended = 0 };
        storm_begins(&signals, 1, 0);
        EQUAL(leavable(round % 2 ? ask_once : connect_by_name, &self), LEFT);
        storm_ends(&signals);
        EQUAL(open_descriptors(), before + 1);
        if (round % 4 > 1) {
            OK(ASK("a.test", &response, .nameserver = well.address));
            OK(acl_free_dns_response(response));
            EQUAL(open_descriptors(), before);
        }
    }
    ask_only(well.address);
    OK(ASK("a.test", &response, 0));
    OK(acl_free_dns_response(response));
    EQUAL(open_descriptors(), before);
    liar_ends(&server);
    liar_ends(&well);
}

static acl_status leave_and_end(task *self)
{
    storm signals;
    storm_begins(&signals, 1, 0);
    EQUAL(leavable(ask_once, self), LEFT);
    storm_ends(&signals);
    return ACL_SOCKET_OK;
}

static acl_status interrupted(task *self)
{
    storm signals;
    acl_dns_response *response;
    storm_begins(&signals, 0, self->size ? SA_RESTART : 0);
    EXPIRES(ASK("a.test", &response, .repeat = 1, .timeout = 0.15), ACL_SOCKET_NAMESERVER_TIMEOUT, 0.15);
    CHECK(interruptions >= 10);
    storm_ends(&signals);
    return ACL_SOCKET_OK;
}

TEST(threads_that_end_and_signals)
{
    liars server;
    task self;
    int before, round;
    liar_starts(&server, silent, NULL);
    ask_only(server.address);
    before = open_descriptors();
    for (round = 0; round < 10; round++) {
        TASK_BEGINS(&self, leave_and_end, .size = 0);
        TASK_ENDS(&self, 20, ACL_SOCKET_OK);
        EQUAL(open_descriptors(), before);
    }
    for (round = 0; round < 2; round++) {
        TASK_BEGINS(&self, interrupted, .size = (size_t)round);
        TASK_ENDS(&self, 20, ACL_SOCKET_OK);
    }
    liar_ends(&server);
}

static int came_back;

/* Asks, reads files, connects and fails by TCP, while it is to be cancelled all the time. */
static void *ask_cancelled(void *argument)
{
    const liars *server = argument;
    acl_dns_response *response;
    acl_ipaddr address;
    acl_socket *stream;
    acl_status status;
    pthread_cancel(pthread_self());
    ask_only(server->address);
    acl_configure_dns(ARGS(acl_configure_dns_args, .hosts_file = "/etc/hosts", .automatic = 1));
    ask_only(server->address);
    status = ASK("a.test", &response, .timeout = 5);
    acl_lookup_hostname("b.test", ARGS(acl_lookup_hostname_args, .timeout = 5), &address);
    MAKE(&stream, .remote_host = "b.test", .remote_port = 9, .connect_timeout = 5);
    SET(came_back, status == ACL_SOCKET_CONNECTION_REFUSED ? 1 : -1);
    pthread_testcancel();
    return NULL;
}

TEST(a_look_up_is_no_cancellation_point)
{
    liars server;
    pthread_t thread;
    void *result;
    liar_starts(&server, cut_off, NULL);
    EQUAL(pthread_create(&thread, NULL, ask_cancelled, &server), 0);
    EQUAL(pthread_join(thread, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
    EQUAL(came_back, 1);
    liar_ends(&server);
}

static int wrong, stop;

static acl_status ask_for_a_while(task *self)
{
    acl_dns_response *response;
    (void)self;
    return ASK("a.test", &response, .repeat = 1, .timeout = 4);
}

static acl_status ask_again_and_again(task *self)
{
    unsigned number = 0;
    while (!GET(stop)) {
        char name[40];
        acl_ipaddr address;
        snprintf(name, sizeof name, "host%u.test", (number = number * 5 + 1 + (unsigned)self->size) % 40);
        if (acl_lookup_hostname(name, ARGS(acl_lookup_hostname_args, .timeout = 20), &address) != ACL_SOCKET_OK
            || address.ipv4 != 0x0a000008)
            ADD(wrong, 1);
    }
    return ACL_SOCKET_OK;
}

/* No thread waits for another one's look-up, and one may change what is configured meanwhile. */
TEST(threads_ask_together)
{
    liars server, dead;
    task threads[4], waiting;
    char both[100];
    double end;
    int i;
    liar_starts(&server, good, NULL);
    liar_starts(&dead, silent, NULL);
    ask_only(dead.address);
    TASK_BEGINS(&waiting, ask_for_a_while, .size = 0);
    TASK_BLOCKS(&waiting);
    snprintf(both, sizeof both, "%s %s", server.address, server.address);
    ask_only(server.address);
    for (i = 0; i < 4; i++)
        TASK_BEGINS(&threads[i], ask_again_and_again, .size = (size_t)i);
    end = clock_now() + 1;
    for (i = 0; clock_now() < end; i++) {
        OK(acl_configure_dns(ARGS(acl_configure_dns_args, .nameserver = i % 2 ? both : server.address, .rotate = ACL_SOCKET_ON)));
        OK(acl_set_domain_search_list(i % 3 ? "x.test" : ""));
        nap(500);
    }
    SET(stop, 1);
    for (i = 0; i < 4; i++)
        TASK_ENDS(&threads[i], 20, ACL_SOCKET_OK);
    EQUAL(wrong, 0);
    CHECK(!GET(waiting.ended));
    TASK_ENDS(&waiting, 30, ACL_SOCKET_NAMESERVER_TIMEOUT);
    liar_ends(&dead);
    liar_ends(&server);
}

MAIN(CASE(poison_is_passed_over), CASE(nothing_but_poison_is_no_answer), CASE(silence_ends_in_time), CASE(one_family_does_not_wait_for_the_other),
     CASE(the_next_server_is_asked), CASE(a_late_answer_is_one), CASE(servers_of_old_and_broken_ones),
     CASE(tcp_a_byte_at_a_time), CASE(a_look_up_can_be_left), CASE(threads_that_end_and_signals), CASE(a_look_up_is_no_cancellation_point), CASE(threads_ask_together))
