/* A real name server on the loopback, and one of the test's own that says what servers do not. */
#ifndef NAMESERVER_H
#define NAMESERVER_H
#include "concurrent.h"
#include <sys/prctl.h>
#include <sys/stat.h>

/* --- NSD, with its zones in a directory of its own */

typedef struct { pid_t process; char directory[30], address[40]; int32_t port; } nameserver;

static inline void write_file(const char *directory, const char *name, const char *text)
{
    char path[80];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    CHECK((file = fopen(path, "w")) != NULL);
    CHECK(fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Sockets for UDP and TCP with one port of the loopback; the port. */
static inline int32_t bound_pair(int *udp, int *tcp)
{
    int tries;
    for (tries = 0; tries < 100; tries++) {
        struct sockaddr_in address = { .sin_family = AF_INET };
        socklen_t size = sizeof address;
        *udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        *tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EQUAL(bind(*udp, (struct sockaddr *)&address, sizeof address), 0);
        EQUAL(getsockname(*udp, (struct sockaddr *)&address, &size), 0);
        if (bind(*tcp, (struct sockaddr *)&address, sizeof address) == 0)
            return ntohs(address.sin_port);
        close(*udp);
        close(*tcp);
    }
    fail(__FILE__, __LINE__, "no port is free");
    return 0;
}

static const char *const zone_text =
    "$ORIGIN example.test.\n$TTL 300\n"
    "@ SOA ns.example.test. admin.example.test. 2026 3600 60 7200 2\n"
    "@ NS ns\n@ MX 20 second\n@ MX 10 mail\n@ CAA 0 issue \"ca.example.test\"\n"
    "@ TXT \"one string\" \"and \\\"another\\\"\" \"\"\n"
    "ns A 127.0.0.1\nmail A 10.0.0.25\nmail AAAA 2001:db8::25\nsecond A 10.0.0.26\n"
    "host A 10.0.0.1\nhost A 10.0.0.2\nhost AAAA 2001:db8::1\n"
    "four A 10.0.0.4\nsix AAAA 2001:db8::6\n"
    "alias CNAME alias2\nalias2 60 CNAME host\ndangling CNAME nothing\n"
    "circle1 CNAME circle2\ncircle2 CNAME circle1\n"
    "_ldap._tcp SRV 10 1 389 mail\n_ldap._tcp SRV 10 9 390 mail\n_ldap._tcp SRV 1 0 636 host\n"
    "short 1 A 10.0.0.9\nzero 0 A 10.0.0.10\n"
    "tlsa TYPE65280 \\# 3 616263\n"
    "in.sub A 10.0.1.1\nhost.sub A 10.0.1.2\nshadow.sub TXT \"no address here\"\nshadow A 10.0.1.3\n"
    "loop A 127.0.0.1\nloop AAAA ::1\n";

static const char *const reverse_text =
    "$ORIGIN 0.0.10.in-addr.arpa.\n$TTL 300\n"
    "@ SOA ns.example.test. admin.example.test. 2026 3600 60 7200 2\n@ NS ns.example.test.\n"
    "1 PTR host.example.test.\n1 PTR other.example.test.\n66 PTR \\$\\(reboot\\).example.test.\n";

static const char *const reverse6_text =
    "$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.\n$TTL 300\n"
    "@ SOA ns.example.test. admin.example.test. 2026 3600 60 7200 2\n@ NS ns.example.test.\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR six.example.test.\n";

static inline void write_zones(const nameserver *server)
{
    char text[16000];
    size_t length = 0;
    int i;
    write_file(server->directory, "example", zone_text);
    write_file(server->directory, "reverse", reverse_text);
    write_file(server->directory, "reverse6", reverse6_text);
    length += (size_t)snprintf(text + length, sizeof text - length,
        "$ORIGIN big.test.\n$TTL 300\n@ SOA ns admin 1 3600 60 7200 2\n@ NS ns\nns A 127.0.0.1\n");
    for (i = 0; i < 100; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "many A 10.9.%d.%d\n", i / 50, i % 50 + 1);
    for (i = 0; i < 40; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "text TXT \"%03d%0200d\"\n", i, i);
    write_file(server->directory, "big", text);
}

static inline const char *nsd_program(void)
{
    static const char *const places[] = { "/usr/sbin/nsd", "/usr/local/sbin/nsd", "/sbin/nsd" };
    size_t i;
    for (i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

/* Starts it with a port that was free a moment ago: false where it is not any more. */
static inline int server_starts_at(nameserver *server, const char *program)
{
    char text[2000];
    const char *d = server->directory;
    int udp, tcp;
    double limit = clock_now() + 20;
    server->port = bound_pair(&udp, &tcp);
    close(udp);
    close(tcp);
    snprintf(server->address, sizeof server->address, "127.0.0.1#%d", (int)server->port);
    snprintf(text, sizeof text,
        "server:\n ip-address: 127.0.0.1@%d\n username: \"\"\n zonesdir: \"%s\"\n database: \"\"\n pidfile: \"%s/pid\"\n"
        " xfrdfile: \"%s/xfrd\"\n xfrdir: \"%s\"\n zonelistfile: \"%s/list\"\n logfile: \"%s/log\"\n"
        " server-count: 1\n refuse-any: no\n hide-version: yes\n"
        "remote-control:\n control-enable: no\n"
        "zone:\n name: example.test\n zonefile: example\nzone:\n name: big.test\n zonefile: big\n"
        "zone:\n name: 0.0.10.in-addr.arpa\n zonefile: reverse\n"
        "zone:\n name: 8.b.d.0.1.0.0.2.ip6.arpa\n zonefile: reverse6\n"
        "zone:\n name: broken.test\n zonefile: not-there\n",
        (int)server->port, d, d, d, d, d, d);
    write_file(d, "conf", text);
    server->process = fork();
    if (server->process == 0) {
        char configuration[80];
        int null = open("/dev/null", O_RDWR);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(null, 1);
        dup2(null, 2);
        snprintf(configuration, sizeof configuration, "%s/conf", d);
        execl(program, "nsd", "-d", "-c", configuration, (char *)NULL);
        _exit(127);
    }
    for (;;) {
        acl_dns_response *response;
        acl_status status = acl_dns_query("example.test", ARGS(acl_dns_query_args, .type = ACL_SOCKET_DNS_SOA,
            .nameserver = server->address, .repeat = 1, .timeout = 0.5), &response);
        acl_free_dns_response(response);
        if (waitpid(server->process, NULL, WNOHANG) != 0)
            return 0;
        if (status == ACL_SOCKET_OK)
            return 1;
        if (clock_now() > limit)
            fail(__FILE__, __LINE__, "nsd does not start: see %s/log", d);
        nap(10000);
    }
}

static inline void server_starts(nameserver *server)
{
    const char *program = nsd_program();
    int tries;
    memset(server, 0, sizeof *server);
    if (program == NULL) {
        printf("# SKIP: no nsd, the name server\n");
        exit(SKIPPED);
    }
    strcpy(server->directory, "/tmp/acl-test-XXXXXX");
    CHECK(mkdtemp(server->directory) != NULL);
    write_zones(server);
    for (tries = 0; tries < 5; tries++)
        if (server_starts_at(server, program))
            return;
    fail(__FILE__, __LINE__, "nsd ends at once: see %s/log", server->directory);
}

static inline void server_ends(nameserver *server)
{
    char command[60];
    /* It ends its own children. */
    kill(server->process, SIGTERM);
    EQUAL(waitpid(server->process, NULL, 0), server->process);
    snprintf(command, sizeof command, "rm -r %s", server->directory);
    EQUAL(system(command), 0);
}

/* The configuration of a test: this server, no hosts file, no search list. */
static inline void ask_only(const char *address)
{
    OK(acl_configure_dns(ARGS(acl_configure_dns_args, .nameserver = address, .hosts_file = "", .search = "", .domain = "",
        .repeat = 2, .timeout = 5)));
    OK(acl_set_dns_mode(ACL_SOCKET_ACLDNS));
}

static inline uint64_t queries_sent(void)
{
    acl_dns_nameserver *servers;
    size_t count, i;
    uint64_t sum = 0;
    OK(acl_get_nameservers(&servers, &count));
    for (i = 0; i < count; i++)
        sum += servers[i].sent;
    acl_free_buffer(servers);
    return sum;
}

/* --- a server of the test's own */

typedef struct { int udp, tcp; struct sockaddr_in from; uint8_t query[600]; size_t length; void *data; int asked; } liar;
typedef struct liars {
    liar it;
    void (*answer)(liar *);
    int stop;
    int32_t port;
    char address[40];
    pthread_t thread;
} liars;

/* Where the question ends. */
static inline size_t question_end(const liar *it)
{
    size_t at = 12;
    while (at < it->length && it->query[at] != 0)
        at += it->query[at] + 1u;
    return at + 5;
}

/* A response to the query with one address: changed as wanted before it is sent. */
static inline size_t respond(const liar *it, uint8_t *message, int code, const char *address)
{
    size_t end = question_end(it);
    memcpy(message, it->query, end);
    message[2] = 0x81;
    message[3] = (uint8_t)(0x80 | code);
    memset(message + 6, 0, 6);
    if (address != NULL) {
        static const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4 };
        message[7] = 1;
        memcpy(message + end, record, sizeof record);
        EQUAL(inet_pton(AF_INET, address, message + end + sizeof record), 1);
        end += sizeof record + 4;
    }
    return end;
}

static inline void reply(const liar *it, int fd, const uint8_t *message, size_t length)
{
    sendto(fd, message, length, 0, (const struct sockaddr *)&it->from, sizeof it->from);
}

static inline void *run_liar(void *argument)
{
    liars *self = argument;
    liar *it = &self->it;
    while (!GET(self->stop)) {
        socklen_t size = sizeof it->from;
        ssize_t length = recvfrom(it->udp, it->query, sizeof it->query, 0, (struct sockaddr *)&it->from, &size);
        if (length < 17)
            continue;
        it->length = (size_t)length;
        ADD(it->asked, 1);
        self->answer(it);
    }
    return NULL;
}

static inline void liar_starts(liars *self, void (*answer)(liar *), void *data)
{
    struct timeval time = { 0, 20000 };
    memset(self, 0, sizeof *self);
    self->port = bound_pair(&self->it.udp, &self->it.tcp);
    self->it.data = data;
    self->answer = answer;
    EQUAL(setsockopt(self->it.udp, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
    snprintf(self->address, sizeof self->address, "127.0.0.1#%d", (int)self->port);
    EQUAL(pthread_create(&self->thread, NULL, run_liar, self), 0);
}

static inline void liar_ends(liars *self)
{
    SET(self->stop, 1);
    EQUAL(pthread_join(self->thread, NULL), 0);
    close(self->it.udp);
    close(self->it.tcp);
}
#endif
