/* instructions FUNCTION: calls it as often as it prints, on bytes that are there already. `check` runs it
 * under callgrind, which counts what happens inside of the function. */
#include <acl_socket.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { LINE = 80, LINES = 600, BYTES = LINE * LINES, KIB = 1024 };

static acl_socket *stream, *datagrams;
static int peer;
static char text[BYTES];
static acl_ipaddr address;

static void must(bool done, const char *what)
{
    if (!done) {
        fprintf(stderr, "%s: %s\n", what, acl_stream_error_report());
        exit(1);
    }
}
#define OK(call) must((call) == ACL_SOCKET_OK, #call)

/* A stream to which all of the text has come. */
static void prepare(void)
{
    int pair[2], size = 1 << 20, i;
    for (i = 0; i < BYTES; i++)
        text[i] = i % LINE == LINE - 1 ? '\n' : 'x';
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    peer = pair[1];
    OK(acl_socket_from_os_fd(pair[0], NULL, &stream));
    must(send(peer, text, BYTES, MSG_NOSIGNAL) == BYTES, "send");
    OK(acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args), .type = ACL_SOCKET_DATAGRAM,
        .local_host = "127.0.0.1" }, &datagrams));
    OK(acl_dotted_to_ipaddr("127.0.0.1", 1, &address));
}

static void read_byte(int i) { uint8_t byte; (void)i; OK(acl_read_byte(stream, &byte)); }
static void read_char(int i) { uint32_t character; (void)i; OK(acl_read_char(stream, &character)); }
static void read_line(int i) { char line[200]; (void)i; OK(acl_read_line(stream, line, sizeof line, NULL)); }
static void write_byte(int i) { OK(acl_write_byte(stream, (uint8_t)i)); }
static void write_string(int i) { (void)i; OK(acl_write_string(stream, text, LINE)); }

static void read_line_view(int i)
{
    const char *line;
    size_t length;
    (void)i;
    OK(acl_read_line_view(stream, &line, &length));
}

static void read_vector(int i)
{
    char bytes[KIB];
    size_t length;
    (void)i;
    OK(acl_read_vector(stream, bytes, KIB, &length));
}

static void write_vector(int i)
{
    (void)i;
    OK(acl_write_vector(stream, text, KIB, NULL));
}

/* What is sent is taken out, so that nothing waits. */
static void force_output(int i)
{
    char answer[LINE];
    (void)i;
    OK(acl_write_string(stream, text, LINE));
    OK(acl_force_output(stream));
    must(recv(peer, answer, LINE, 0) == LINE, "recv");
}

static void send_to(int i)
{
    acl_received received;
    char bytes[80];
    size_t length;
    int32_t port;
    (void)i;
    OK(acl_local_port(datagrams, &port));
    OK(acl_send_to(datagrams, text, 64, &(acl_send_to_args){ ACL_SOCKET_ARGS(acl_send_to_args), .remote_ipaddr = &address,
        .remote_port = port }, &length));
    OK(acl_receive_from(datagrams, bytes, sizeof bytes, &received));
}

static void dotted_to_ipaddr(int i)
{
    acl_ipaddr parsed;
    (void)i;
    OK(acl_dotted_to_ipaddr("192.168.117.204", 1, &parsed));
}

static void address_family(int i)
{
    int32_t family;
    (void)i;
    OK(acl_socket_address_family(stream, &family));
}

static const struct { const char *name; void (*call)(int); int count; } functions[] = {
    { "acl_read_byte", read_byte, 20000 },
    { "acl_read_char", read_char, 20000 },
    { "acl_read_line", read_line, LINES },
    { "acl_read_line_view", read_line_view, LINES },
    { "acl_read_vector", read_vector, BYTES / KIB },
    { "acl_write_byte", write_byte, 20000 },
    { "acl_write_string", write_string, LINES },
    { "acl_write_vector", write_vector, BYTES / KIB },
    { "acl_force_output", force_output, 200 },
    { "acl_send_to", send_to, 200 },
    { "acl_receive_from", send_to, 200 },
    { "acl_dotted_to_ipaddr", dotted_to_ipaddr, 200 },
    { "acl_socket_address_family", address_family, 200 },
};

int main(int count, char **names)
{
    size_t i;
    int k;
    for (i = 0; i < sizeof functions / sizeof *functions; i++)
        if (count == 2 && strcmp(names[1], functions[i].name) == 0) {
            prepare();
            for (k = 0; k < functions[i].count; k++)
                functions[i].call(k);
            printf("%d\n", functions[i].count);
            acl_close(stream, 1);
            acl_close(datagrams, 1);
            return 0;
        }
    for (i = 0; count == 1 && i < sizeof functions / sizeof *functions; i++)
        printf("%s\n", functions[i].name);
    return count != 1;
}
