/* An HTTPS server and an HTTPS client, over streams of SSL. Without arguments both meet in one program, and curl
 * visits the server too:
 *
 *     https DIRECTORY                       a demonstration; certificates are made in DIRECTORY by the openssl command
 *     https HOST [PORT] [CA-FILE]           fetches https://HOST:PORT/, trusting the system or CA-FILE
 */
#include <acl_socket.h>
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

static void check(acl_status status)
{
    if (status != ACL_SOCKET_OK) {
        printf("https: %s\n", acl_stream_error_report());
        exit(1);
    }
}

/* --- the client */

static void fetch(const char *host, int port, const char *ca_file)
{
    acl_socket *plain, *stream;
    char line[512];
    size_t length;
    acl_status status;
    check(acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args), .remote_host = host,
        .remote_port = port, .connect_timeout = 10, .read_timeout = 10 }, &plain));
    /* From here on the server must be `host`, and somebody who is trusted must say so. */
    check(acl_make_ssl_client_stream(plain, &(acl_make_ssl_stream_args){ ACL_SOCKET_ARGS(acl_make_ssl_stream_args),
        .ca_file = ca_file, .alpn = "http/1.1" }, &stream));
    check(acl_set_eol_convention(stream, ACL_SOCKET_EOL_DOS));
    check(acl_format(stream, "GET / HTTP/1.1\nHost: %s\nConnection: close\n\n", host));
    check(acl_force_output(stream));
    while ((status = acl_read_line(stream, line, sizeof line, &length)) == ACL_SOCKET_OK && length > 0)
        if (strncmp(line, "HTTP/", 5) == 0)
            printf("%s\n", line);
    check(status);
    while ((status = acl_read_vector(stream, line, sizeof line, &length)) == ACL_SOCKET_OK)
        fwrite(line, 1, length, stdout);
    if (status != ACL_SOCKET_END_OF_FILE)
        check(status);
    check(acl_close(stream, 0));
    check(acl_free_socket(stream));
}

/* --- the server */

typedef struct { acl_socket *passive; acl_ssl_context *context; } server;

static acl_status answer(acl_socket *stream)
{
    acl_ssl_connection connection;
    char line[512];
    size_t length;
    acl_status status = acl_get_ssl_connection(stream, &connection);
    if (status == ACL_SOCKET_OK)
        status = acl_set_eol_convention(stream, ACL_SOCKET_EOL_ANYNL_UNIX);
    do
        if (status == ACL_SOCKET_OK)
            status = acl_read_line(stream, line, sizeof line, &length);
    while (status == ACL_SOCKET_OK && length > 0);
    if (status == ACL_SOCKET_OK)
        status = acl_format(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
            "Secret-message by %s\n",
            connection.version);
    return status == ACL_SOCKET_OK ? acl_close(stream, 0) : status;
}

static void *serve(void *given)
{
    server *it = given;
    acl_socket *plain, *stream;
    while (acl_accept_connection(it->passive, ACL_SOCKET_WAIT, &plain) == ACL_SOCKET_OK) {
        acl_status status = acl_make_ssl_server_stream(plain, &(acl_make_ssl_stream_args){
            ACL_SOCKET_ARGS(acl_make_ssl_stream_args), .context = it->context }, &stream);
        if (status != ACL_SOCKET_OK) {
            acl_free_socket(plain);
            continue;
        }
        if (answer(stream) != ACL_SOCKET_OK)
            printf("The server says: %s\n", acl_status_meaning(acl_stream_error_identifier()));
        acl_free_socket(stream);
    }
    return NULL;
}

/* --- the demonstration */

/* Answers 0, 1 when the program fails, -1 when there is none. */
static int run(char *const arguments[])
{
    pid_t child;
    int status, error = posix_spawnp(&child, arguments[0], NULL, NULL, arguments, environ);
    if (error != 0)
        return error == ENOENT ? -1 : 1;
    return waitpid(child, &status, 0) != child || status != 0;
}

static int demonstrate(char *directory)
{
    char certificate[400], key[400], url[64];
    char *make[] = { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2", "-keyout", key,
        "-out", certificate, NULL };
    char *visit[] = { "curl", "-q", "-sS", "--noproxy", "*", "--cacert", certificate, url, NULL };
    server it;
    acl_socket *plain, *stream;
    acl_status refused;
    pthread_t thread;
    int32_t port;
    snprintf(certificate, sizeof certificate, "%s/https.crt", directory);
    snprintf(key, sizeof key, "%s/https.key", directory);
    mkdir(directory, 0777);
    fflush(stdout);
    /* It tells of its progress there. */
    if (freopen("/dev/null", "w", stderr) == NULL || run(make) != 0) {
        puts("There is no openssl command to make a certificate.");
        return 0;
    }
    check(acl_make_ssl_server_context(&(acl_make_ssl_context_args){ ACL_SOCKET_ARGS(acl_make_ssl_context_args),
        .certificate = certificate, .key = key, .alpn = "http/1.1" }, &it.context));
    check(acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args), .connect = ACL_SOCKET_PASSIVE,
        .local_host = "127.0.0.1" }, &it.passive));
    check(acl_local_port(it.passive, &port));
    if (pthread_create(&thread, NULL, serve, &it) != 0)
        return 1;
    fetch("127.0.0.1", port, certificate);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", (int)port);
    fflush(stdout);
    if (run(visit) < 0)
        puts("There is no curl: visit it with a browser.");
    /* A client that trusts the system's certificates only. */
    check(acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args), .remote_host = "127.0.0.1",
        .remote_port = port }, &plain));
    check(acl_make_ssl_client_stream(plain, NULL, &stream));
    refused = acl_ssl_do_handshake(stream);
    acl_free_socket(stream);
    acl_close(it.passive, 0);
    pthread_join(thread, NULL);
    printf("The client says: %s\n", acl_status_meaning(refused));
    acl_free_socket(it.passive);
    acl_free_ssl_context(it.context);
    return 0;
}

int main(int argc, char **argv)
{
    char temporary[] = "/tmp/acl-https-XXXXXX", command[64];
    int failed;
    if (argc > 1 && strchr(argv[1], '/') == NULL) {
        fetch(argv[1], argc > 2 ? atoi(argv[2]) : 443, argc > 3 ? argv[3] : NULL);
        return 0;
    }
    if (argc > 1)
        return demonstrate(argv[1]);
    if (mkdtemp(temporary) == NULL)
        return 1;
    failed = demonstrate(temporary);
    snprintf(command, sizeof command, "rm -r %s", temporary);
    return system(command) != 0 || failed;
}
