/* The third example of the specification: a datagram from frisky to vapor, with the library loaded
 * by dlopen. Prints the text, its length, the sender's address and its port. */
#include <acl_socket.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static acl_status (*make_socket)(const acl_make_socket_args *, acl_socket **);
static acl_status (*local_port)(acl_socket *, int32_t *);
static acl_status (*send_to)(acl_socket *, const void *, size_t, const acl_send_to_args *, size_t *);
static acl_status (*receive_from_extract)(acl_socket *, size_t, void **, acl_received *);
static acl_status (*close_socket)(acl_socket *, int32_t);
static acl_status (*free_socket)(acl_socket *);
static void (*free_buffer)(void *);
static const char *(*report)(void);

/* ISO C has no cast from an object pointer to a function pointer; POSIX says they are alike. */
static void find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    memcpy(function, &symbol, sizeof symbol);
}

static void check(acl_status status)
{
    if (status != ACL_SOCKET_OK) {
        fprintf(stderr, "%s\n", report());
        exit(1);
    }
}

int main(void)
{
    acl_socket *vapor, *frisky;
    int32_t port;
    size_t sent;
    void *text;
    acl_received received;
    void *library = dlopen("libacl_socket.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    find(library, "acl_make_socket", &make_socket);
    find(library, "acl_local_port", &local_port);
    find(library, "acl_send_to", &send_to);
    find(library, "acl_receive_from_extract", &receive_from_extract);
    find(library, "acl_close", &close_socket);
    find(library, "acl_free_socket", &free_socket);
    find(library, "acl_free_buffer", &free_buffer);
    find(library, "acl_stream_error_report", &report);

    check(make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args),
        .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1" }, &vapor));
    check(local_port(vapor, &port));
    check(make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args),
        .type = ACL_SOCKET_DATAGRAM }, &frisky));
    check(send_to(frisky, "foo-the-bar", 11, &(acl_send_to_args){ ACL_SOCKET_ARGS(acl_send_to_args),
        .remote_host = "localhost", .remote_port = port }, &sent));
    printf("%lu\n", (unsigned long)sent);

    check(receive_from_extract(vapor, 100, &text, &received));
    printf("\"%s\"\n", (char *)text);
    printf("%lu\n", (unsigned long)received.length);
    printf("%lu\n", (unsigned long)received.remote_host.ipv4);
    printf("%ld\n", (long)received.remote_port);

    free_buffer(text);
    check(close_socket(vapor, 0));
    check(close_socket(frisky, 0));
    check(free_socket(vapor));
    check(free_socket(frisky));
    dlclose(library);
    return 0;
}
