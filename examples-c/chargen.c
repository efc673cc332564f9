/* The first example of the specification: connect to a socket that prints characters to whomever
 * connects, and print the first five. The server end stands in the same program. */
#include <acl_socket.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void check(acl_status status)
{
    if (status != ACL_SOCKET_OK) {
        fprintf(stderr, "%s\n", acl_stream_error_report());
        exit(1);
    }
}

/* RFC 864: lines of 72 printable characters, each line begins one character later. */
static void *chargen(void *passive)
{
    acl_socket *stream;
    char line[74];
    int i;
    check(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream));
    for (i = 0; i < 72; i++)
        line[i] = (char)(' ' + i);
    line[72] = '\r';
    line[73] = '\n';
    check(acl_write_string(stream, line, sizeof line));
    check(acl_close(stream, 0));
    check(acl_free_socket(stream));
    return NULL;
}

int main(void)
{
    acl_socket *passive, *s;
    int32_t port;
    uint32_t character;
    pthread_t server;
    int i;
    check(acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args),
        .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1" }, &passive));
    check(acl_local_port(passive, &port));
    if (pthread_create(&server, NULL, chargen, passive) != 0)
        return 1;

    check(acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args),
        .remote_host = "localhost", .remote_port = port }, &s));
    for (i = 0; i < 5; i++) {
        check(acl_read_char(s, &character));
        if (character == ' ')
            printf("#\\space\n");
        else
            printf("#\\%c\n", (int)character);
    }
    check(acl_close(s, 0));

    pthread_join(server, NULL);
    check(acl_close(passive, 0));
    check(acl_free_socket(s));
    check(acl_free_socket(passive));
    return 0;
}
