/* Connecting to a host that has several addresses: all on the loopback, named by a hosts file. */
#include "places.h"
#include "timeouts.h"
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

static char hosts[40];

/* The host "many.test" has these addresses. */
static void many_is(const char *addresses)
{
    char copy[300], *word;
    FILE *file;
    if (*hosts != '\0')
        unlink(hosts);
    strcpy(hosts, "/tmp/acl-test-XXXXXX");
    close(mkstemp(hosts));
    CHECK((file = fopen(hosts, "w")) != NULL);
    strcpy(copy, addresses);
    for (word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        fprintf(file, "%s many.test\n", word);
    CHECK(fclose(file) == 0);
    OK(acl_configure_dns(ARGS(acl_configure_dns_args, .hosts_file = hosts, .nameserver = "127.0.0.1#1")));
    OK(acl_set_dns_mode(ACL_SOCKET_ACLDNS));
}

/* A listener at that address, at a port of the system's choice where it is 0. */
static int listens(const char *address, int32_t *port, int backlog)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons((uint16_t)*port) };
    socklen_t size = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EQUAL(inet_pton(AF_INET, address, &name.sin_addr), 1);
    EQUAL(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    EQUAL(listen(fd, backlog), 0);
    EQUAL(getsockname(fd, (struct sockaddr *)&name, &size), 0);
    *port = ntohs(name.sin_port);
    return fd;
}

/* One where new connections hang. */
typedef struct { int listening, filler; } jam;

static jam jammed(const char *address, int32_t port)
{
    struct sockaddr_in name = { .sin_family = AF_INET };
    struct tcp_info info;
    socklen_t size = sizeof info;
    int tries = 0;
    jam it = { listens(address, &port, 0), socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    name.sin_port = htons((uint16_t)port);
    EQUAL(inet_pton(AF_INET, address, &name.sin_addr), 1);
    EQUAL(connect(it.filler, (struct sockaddr *)&name, sizeof name), 0);
    while (getsockopt(it.listening, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_unacked <= info.tcpi_sacked) {
        if (tries++ == 5000)
            exit(SKIPPED);
        nap(1000);
    }
    return it;
}

static void cleared(jam it)
{
    close(it.listening);
    close(it.filler);
}

#define REACH(stream, number, ...) MAKE(stream, .remote_host = "many.test", .remote_port = (number), __VA_ARGS__)
#define BEGIN(stream, number, ...) \
    acl_begin_connect(ARGS(acl_make_socket_args, .remote_host = "many.test", .remote_port = (number), __VA_ARGS__), stream)

static void is_at(acl_socket *stream, const char *should)
{
    char text[64];
    acl_ipaddr address;
    OK(acl_remote_host(stream, &address));
    OK(acl_ipaddr_to_dotted(&address, text, sizeof text, NULL));
    TEXT(text, should);
}

static void works_at(acl_socket *stream, int listening, const char *should)
{
    is_at(stream, should);
    works(stream, accept(listening, NULL, NULL));
    done(stream);
}

TEST(the_next_address_is_tried)
{
    acl_socket *stream;
    int32_t port = 0;
    double from;
    int good = listens("127.0.0.3", &port, 5), before = open_descriptors(), i;
    many_is("127.0.0.2 127.0.0.3 127.0.0.4");
    for (i = 0; i < 20; i++) {
        from = clock_now();
        OK(REACH(&stream, port, .connect_timeout = i % 2 ? 20 : 0));
        TOOK(from, 0);
        works_at(stream, good, "127.0.0.3");
        EQUAL(open_descriptors(), before);
    }
    unlink(hosts);
    close(good);
}

TEST(one_that_hangs_is_not_waited_for)
{
    acl_socket *stream;
    int32_t port = 0;
    double from;
    int good = listens("127.0.0.4", &port, 5), before, i;
    jam hanging = jammed("127.0.0.2", port), too = jammed("127.0.0.3", port);
    many_is("127.0.0.2 127.0.0.3 127.0.0.4");
    before = open_descriptors();
    for (i = 0; i < 2; i++) {
        from = clock_now();
        OK(REACH(&stream, port, .connect_timeout = i ? 20 : 0));
        TOOK(from, 0.5);
        works_at(stream, good, "127.0.0.4");
        EQUAL(open_descriptors(), before);
    }
    /* One deadline for all. */
    EXPIRES(REACH(&stream, port, .connect_timeout = 0.1), ACL_SOCKET_CONNECT_TIMEOUT, 0.1);
    CHECK(stream == NULL && strstr(acl_stream_error_action(), "many.test") != NULL);
    close(good);
    many_is("127.0.0.2 127.0.0.4");
    EXPIRES(REACH(&stream, port, .connect_timeout = 0.4), ACL_SOCKET_CONNECT_TIMEOUT, 0.4);
    EQUAL(open_descriptors(), before - 1);
    unlink(hosts);
    cleared(hanging);
    cleared(too);
}

/* Makes room after a while. */
static acl_status makes_room(task *self)
{
    const jam *it = self->data;
    nap(300000);
    close(accept(it->listening, NULL, NULL));
    return ACL_SOCKET_OK;
}

TEST(the_first_one_may_still_win)
{
    acl_socket *stream;
    int32_t port = 0;
    jam hanging, too;
    task helper;
    close(listens("127.0.0.2", &port, 1));
    hanging = jammed("127.0.0.2", port);
    too = jammed("127.0.0.3", port);
    many_is("127.0.0.2 127.0.0.3");
    TASK_BEGINS(&helper, makes_room, .data = &hanging);
    OK(REACH(&stream, port, .connect_timeout = 25));
    works_at(stream, hanging.listening, "127.0.0.2");
    TASK_ENDS(&helper, patience(), ACL_SOCKET_OK);
    unlink(hosts);
    cleared(hanging);
    cleared(too);
}

TEST(the_most_telling_error)
{
    acl_socket *stream;
    struct ifreq loopback = { .ifr_flags = IFF_UP | IFF_RUNNING };
    int32_t port = 0;
    int fd;
    /* A network namespace of its own has no way but the loopback. */
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        exit(SKIPPED);
    strcpy(loopback.ifr_name, "lo");
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (ioctl(fd, SIOCSIFFLAGS, &loopback) != 0)
        exit(SKIPPED);
    close(fd);
    close(listens("127.0.0.2", &port, 1));
    many_is("10.0.0.1 127.0.0.2 10.0.0.2");
    EQUAL(REACH(&stream, port, 0), ACL_SOCKET_CONNECTION_REFUSED);
    EQUAL(acl_stream_error_code(), ECONNREFUSED);
    CHECK(strstr(acl_stream_error_action(), "connecting to 127.0.0.2 port") != NULL);
    EQUAL(BEGIN(&stream, port, 0), ACL_SOCKET_OK);
    EQUAL(acl_finish_connect(stream, ACL_SOCKET_WAIT), ACL_SOCKET_CONNECTION_REFUSED);
    done(stream);
    many_is("10.0.0.1 10.0.0.2");
    EQUAL(REACH(&stream, port, 0), ACL_SOCKET_HOST_UNREACHABLE);
    EQUAL(acl_stream_error_code(), ENETUNREACH);
    CHECK(strstr(acl_stream_error_action(), "10.0.0.1") != NULL);
    EQUAL(BEGIN(&stream, port, 0), ACL_SOCKET_HOST_UNREACHABLE);
    CHECK(stream == NULL);
    unlink(hosts);
}

TEST(families_take_turns)
{
    acl_socket *stream;
    int32_t port = 0;
    int good = listens("127.0.0.1", &port, 5);
    many_is("127.0.0.2 127.0.0.1 ::1");
    OK(REACH(&stream, port, .ipv6 = ACL_SOCKET_ON));
    works_at(stream, good, "::ffff:127.0.0.1");
    EQUAL(REACH(&stream, port, .ipv6 = ACL_SOCKET_IPV6_ONLY) != ACL_SOCKET_OK, 1);
    unlink(hosts);
    close(good);
}

TEST(a_local_port_is_for_one_at_a_time)
{
    acl_socket *stream;
    int32_t port = 0, local = 0, is;
    int good = listens("127.0.0.3", &port, 5);
    close(listens("127.0.0.1", &local, 1));
    many_is("127.0.0.2 127.0.0.3");
    OK(REACH(&stream, port, .local_host = "127.0.0.1", .local_port = local, .reuse_address = ACL_SOCKET_ON));
    OK(acl_local_port(stream, &is));
    EQUAL(is, local);
    works_at(stream, good, "127.0.0.3");
    unlink(hosts);
    close(good);
}

TEST(what_was_begun_goes_on_to_the_next)
{
    acl_socket *stream;
    acl_wait_set *set;
    acl_wait_event event;
    size_t count;
    int32_t port = 0, number, same, local, on = 0;
    socklen_t size = sizeof on;
    double limit;
    acl_status status;
    int good = listens("127.0.0.4", &port, 5), round, before = open_descriptors();
    many_is("127.0.0.2 127.0.0.3 127.0.0.4");
    for (round = 0; round < 20; round++) {
        OK(BEGIN(&stream, port, .nodelay = ACL_SOCKET_ON, .read_timeout = SHORT));
        OK(acl_socket_os_fd(stream, &number));
        if (round % 2) {
            OK(acl_finish_connect(stream, ACL_SOCKET_WAIT));
        } else {
            OK(acl_make_wait_set(&set));
            OK(acl_wait_set_watch(set, stream, ACL_SOCKET_OUT, NULL));
            limit = clock_now() + 20;
            while ((status = acl_finish_connect(stream, ACL_SOCKET_NO_WAIT)) == ACL_SOCKET_WOULD_BLOCK) {
                OK(acl_wait_for_io_available(set, 20, &event, 1, &count));
                CHECK(count == 1 && clock_now() < limit);
            }
            OK(status);
            OK(acl_free_wait_set(set));
        }
        /* The same descriptor, with all that was set. */
        OK(acl_socket_os_fd(stream, &same));
        EQUAL(same, number);
        OK(acl_local_port(stream, &local));
        CHECK(local > 0);
        EQUAL(getsockopt(number, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
        CHECK(on != 0);
        READ_EXPIRES(acl_read_byte(stream, (uint8_t *)&on));
        works_at(stream, good, "127.0.0.4");
        EQUAL(open_descriptors(), before);
    }
    close(good);
    OK(BEGIN(&stream, port, 0));
    EQUAL(acl_finish_connect(stream, ACL_SOCKET_WAIT), ACL_SOCKET_CONNECTION_REFUSED);
    EQUAL(acl_stream_error_code(), ECONNREFUSED);
    EQUAL(acl_finish_connect(stream, ACL_SOCKET_NO_WAIT), ACL_SOCKET_CONNECTION_REFUSED);
    done(stream);
    unlink(hosts);
}

TEST(what_was_begun_has_one_deadline)
{
    acl_socket *stream;
    int32_t port = 0;
    jam hanging;
    task finisher;
    close(listens("127.0.0.3", &port, 1));
    hanging = jammed("127.0.0.3", port);
    many_is("127.0.0.2 127.0.0.3 127.0.0.4");
    EXPIRES((BEGIN(&stream, port, .connect_timeout = 0.2), acl_finish_connect(stream, ACL_SOCKET_WAIT)),
        ACL_SOCKET_CONNECT_TIMEOUT, 0.2);
    done(stream);
    OK(BEGIN(&stream, port, 0));
    TASK_BEGINS(&finisher, in_finish_connect, .socket = stream);
    TASK_ASKS(&finisher);
    OK(acl_close(stream, 0));
    TASK_ENDS(&finisher, patience(), ACL_SOCKET_CLOSED);
    OK(acl_free_socket(stream));
    unlink(hosts);
    cleared(hanging);
}

static acl_status reach_hanging(task *self)
{
    return REACH(&self->socket, *(int32_t *)self->data, 0);
}

TEST(a_race_can_be_left)
{
    int32_t port = 0;
    jam hanging, too;
    int before, round;
    close(listens("127.0.0.2", &port, 1));
    hanging = jammed("127.0.0.2", port);
    too = jammed("127.0.0.3", port);
    many_is("127.0.0.2 127.0.0.3");
    before = open_descriptors();
    for (round = 0; round < rounds(40, 4); round++) {
        ACL_SOCKET_WITH_PENDING_CONNECT {
            storm signals;
            task self = { .data = &port };
            storm_begins(&signals, 1, 0);
            EQUAL(leavable(reach_hanging, &self), LEFT);
            storm_ends(&signals);
        }
        EQUAL(open_descriptors(), before);
    }
    unlink(hosts);
    cleared(hanging);
    cleared(too);
}

MAIN(CASE(the_next_address_is_tried), CASE(one_that_hangs_is_not_waited_for), CASE(the_first_one_may_still_win),
     CASE(the_most_telling_error), CASE(families_take_turns), CASE(a_local_port_is_for_one_at_a_time),
     CASE(what_was_begun_goes_on_to_the_next), CASE(what_was_begun_has_one_deadline), CASE(a_race_can_be_left))
