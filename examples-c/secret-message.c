/* The second example of the specification: a message from frisky to vapor, both in one program. As
 * its text advises, the system chooses the port, and what was opened is closed. */
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

static void *frisky(void *port)
{
    acl_socket *s;
    check(acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args),
        .remote_host = "localhost", .remote_port = *(int32_t *)port }, &s));
    check(acl_write_string(s, "Secret-message\n", 15));
    check(acl_close(s, 0));
    check(acl_free_socket(s));
    return NULL;
}

int main(void)
{
    acl_socket *passive, *stream;
    int32_t port;
    char line[80];
    size_t length;
    pthread_t client;
    check(acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args),
        .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1" }, &passive));
    check(acl_local_port(passive, &port));
    if (pthread_create(&client, NULL, frisky, &port) != 0)
        return 1;

    check(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream));
    check(acl_read_line(stream, line, sizeof line, &length));
    printf("%s\n", line);

    pthread_join(client, NULL);
    check(acl_close(stream, 0));
    check(acl_close(passive, 0));
    check(acl_free_socket(stream));
    check(acl_free_socket(passive));
    return 0;
}
