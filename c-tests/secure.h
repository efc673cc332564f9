/* Streams over SSL between two threads, or a thread and a raw peer, with the certificates of make-pki. */
#ifndef SECURE_H
#define SECURE_H
#include "streams.h"

typedef acl_make_ssl_stream_args ssl_args;
typedef acl_make_ssl_context_args context_args;
#define SSL_ARGS(...) ARGS(acl_make_ssl_stream_args, __VA_ARGS__)
#define CONTEXT(...) ARGS(acl_make_ssl_context_args, __VA_ARGS__)

/* The path of a file of make-pki; the test is skipped where there is none. Good for hundreds of calls. */
static inline const char *pki(const char *name)
{
    static char paths[512][256];
    static int next;
    const char *directory = getenv("ACL_TEST_PKI");
    char *path = paths[next++ % 512];
    if (directory == NULL || access(directory, R_OK) != 0) {
        printf("# no certificates: make-pki needs the openssl command\n");
        exit(SKIPPED);
    }
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

/* The whole of a file, with a NUL behind it, to be freed. */
static inline char *contents(const char *path, size_t *length)
{
    FILE *file = fopen(path, "r");
    char *text = malloc(1 << 20);
    CHECK(file != NULL && text != NULL);
    *length = fread(text, 1, (1 << 20) - 1, file);
    text[*length] = '\0';
    fclose(file);
    return text;
}

/* What most tests use: the server's certificate, and a client that trusts its root. */
#define SERVER SSL_ARGS(.certificate = pki("server.pem"), .key = pki("server.key"))
#define CLIENT SSL_ARGS(.ca_file = pki("root.crt"), .server_name = "localhost")

typedef struct { acl_socket *client, *server; acl_status client_status, server_status; } ssl_pair;

static inline void *server_handshake(void *given)
{
    ssl_pair *pair = given;
    pair->server_status = acl_ssl_do_handshake(pair->server);
    /* Who is waiting for more shall know. */
    if (pair->server_status != ACL_SOCKET_OK)
        acl_close(pair->server, ACL_SOCKET_ABORT);
    return NULL;
}

/* Both ends over SSL, before the handshake. */
static inline void begin_ssl(ssl_pair *pair, const ssl_args *client, const ssl_args *server)
{
    acl_socket *plain_client, *plain_server;
    connection(&plain_client, &plain_server);
    OK(acl_make_ssl_client_stream(plain_client, client, &pair->client));
    OK(acl_make_ssl_server_stream(plain_server, server, &pair->server));
}

/* The handshake of both ends; says what came of it. */
static inline void shake_hands(ssl_pair *pair)
{
    pthread_t thread;
    EQUAL(pthread_create(&thread, NULL, server_handshake, pair), 0);
    pair->client_status = acl_ssl_do_handshake(pair->client);
    if (pair->client_status != ACL_SOCKET_OK)
        acl_close(pair->client, ACL_SOCKET_ABORT);
    EQUAL(pthread_join(thread, NULL), 0);
}

static inline void ssl_connection(ssl_pair *pair, const ssl_args *client, const ssl_args *server)
{
    begin_ssl(pair, client, server);
    shake_hands(pair);
    OK(pair->client_status);
    OK(pair->server_status);
}

static inline void both_done(ssl_pair *pair)
{
    done(pair->client);
    done(pair->server);
}

/* What the client's handshake answers. */
static inline acl_status client_gets(const ssl_args *client, const ssl_args *server)
{
    ssl_pair pair;
    begin_ssl(&pair, client, server);
    shake_hands(&pair);
    both_done(&pair);
    return pair.client_status;
}

static inline void send_text(acl_socket *stream, const char *text)
{
    OK(acl_write_string(stream, text, strlen(text)));
    OK(acl_force_output(stream));
}

#define LINE(stream, should) \
    do { char line_[256]; size_t length_; \
        OK(acl_read_line(stream, line_, sizeof line_, &length_)); \
        TEXT(line_, should); } while (0)

/* Whether there is something to read, without waiting. */
static inline int heard(acl_socket *stream)
{
    int32_t ready;
    OK(acl_listen(stream, &ready));
    return ready;
}

/* Both directions work. */
static inline void talk(ssl_pair *pair)
{
    send_text(pair->client, "from the client\n");
    LINE(pair->server, "from the client");
    send_text(pair->server, "from the server\n");
    LINE(pair->client, "from the server");
}
#endif
