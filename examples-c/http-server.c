/* An HTTP/1.1 server with a thread per connection: answers in chunked coding, persistent connections, request bodies
 * with a length or in chunks. The protocol's text goes as characters, bodies as bytes, through the same stream.
 *
 *     http-server PORT    serves on 127.0.0.1 until it is killed. To try it:
 *         curl http://127.0.0.1:PORT/
 *         curl -o file 'http://127.0.0.1:PORT/bytes?n=100000000'
 *         curl --data Secret-message http://127.0.0.1:PORT/echo
 *         curl -X POST -T file -H 'Transfer-Encoding: chunked' http://127.0.0.1:PORT/count
 *     http-server         serves on a free port, lets curl visit it, and ends */
#include <acl_socket.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(call) do { acl_status status_ = (call); if (status_ != ACL_SOCKET_OK) return status_; } while (0)
#define CONTROL(stream, setting) \
    acl_socket_control(stream, &(acl_socket_control_args){ ACL_SOCKET_ARGS(acl_socket_control_args), setting })

enum { LINE_SIZE = 8192, HEAD_SIZE = 65536, PART_SIZE = 16384 };

typedef struct {
    acl_socket *stream;
    int number, keep_alive, expects_continue, hosts;
    enum { NO_BODY, COUNTED, CHUNKED } body;
    uint64_t left;                              /* of a counted body */
    char method[16], path[512], *query;
} request;

/* The next part of the request's body; ACL_SOCKET_END_OF_FILE behind the last. */
static acl_status read_body(request *r, void *part, size_t *length)
{
    acl_status status;
    if (r->body == CHUNKED)
        return acl_read_vector(r->stream, part, PART_SIZE, length);
    if (r->left == 0)
        return ACL_SOCKET_END_OF_FILE;
    status = acl_read_sequence(r->stream, part, r->left < PART_SIZE ? (size_t)r->left : PART_SIZE, 0, length);
    r->left -= *length;
    return status == ACL_SOCKET_END_OF_FILE ? ACL_SOCKET_CONNECTION_ABORTED : status;
}

static acl_status front_page(request *r)
{
    return acl_format(r->stream, "<!DOCTYPE html>\n<title>Hello</title>\n<p>Request %d of its connection.\n",
        r->number);
}

/* The stream makes a chunk whenever its buffer is full. */
static acl_status bytes(request *r)
{
    char part[PART_SIZE];
    uint64_t left = strncmp(r->query, "n=", 2) == 0 ? strtoull(r->query + 2, NULL, 10) : 0;
    int i;
    for (i = 0; i < PART_SIZE; i++)
        part[i] = i % 64 == 63 ? '\n' : 'x';
    for (; left > sizeof part; left -= sizeof part)
        TRY(acl_write_sequence(r->stream, part, sizeof part));
    return acl_write_sequence(r->stream, part, (size_t)left);
}

/* Answers while the body still comes, so that it may be of any length. */
static acl_status echo(request *r)
{
    char part[PART_SIZE];
    size_t length = 0;
    acl_status status;
    while ((status = read_body(r, part, &length)) == ACL_SOCKET_OK) {
        TRY(acl_write_sequence(r->stream, part, length));
        TRY(acl_force_output(r->stream));
    }
    return status == ACL_SOCKET_END_OF_FILE ? ACL_SOCKET_OK : status;
}

static acl_status count(request *r)
{
    char part[PART_SIZE];
    size_t length = 0;
    uint64_t total = 0;
    acl_status status;
    while ((status = read_body(r, part, &length)) == ACL_SOCKET_OK)
        total += length;
    return status == ACL_SOCKET_END_OF_FILE ? acl_format(r->stream, "%" PRIu64 "\n", total) : status;
}

static const struct { const char *path, *method, *type; acl_status (*write_body)(request *); } pages[] = {
    { "/", "GET", "text/html", front_page }, { "/bytes", "GET", "application/octet-stream", bytes },
    { "/echo", "POST", "application/octet-stream", echo }, { "/count", "POST", "text/plain", count }
};
enum { PAGES = sizeof pages / sizeof *pages };

/* Takes a field of the head. Answers NULL, or what to refuse the request with: a server that guessed where a body
 * ends would take a part of it for the next request. */
static const char *take_field(request *r, char *name)
{
    char *value = name + strcspn(name, ": \t"), *end;
    if (value == name || *value != ':')
        return "400 Bad Request";
    *value++ = '\0';
    value += strspn(value, " \t");
    for (end = value + strlen(value); end > value && strchr(" \t", end[-1]) != NULL; )
        *--end = '\0';
    if (strcasecmp(name, "Content-Length") == 0) {
        size_t digits = strspn(value, "0123456789");
        if (r->body != NO_BODY || digits == 0 || digits > 18 || value[digits] != '\0')
            return "400 Bad Request";
        r->body = COUNTED;
        r->left = strtoull(value, NULL, 10);
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        if (r->body != NO_BODY || strcasecmp(value, "chunked") != 0)
            return r->body != NO_BODY ? "400 Bad Request" : "501 Not Implemented";
        r->body = CHUNKED;
    } else if (strcasecmp(name, "Connection") == 0 && strcasestr(value, "close") != NULL) {
        r->keep_alive = 0;
    } else if (strcasecmp(name, "Expect") == 0) {
        r->expects_continue = strcasecmp(value, "100-continue") == 0;
    } else if (strcasecmp(name, "Host") == 0) {
        r->hosts++;
    }
    return NULL;
}

/* Reads the head of a request; *refusal is set where it cannot be served. */
static acl_status read_head(request *r, const char **refusal)
{
    char line[LINE_SIZE], rest;
    size_t length = 0, total = 0;
    int first, minor;
    for (first = 1; *refusal == NULL; first = 0) {
        acl_status status = acl_read_line(r->stream, line, sizeof line, &length);
        if (status != ACL_SOCKET_OK && status != ACL_SOCKET_BUFFER_TOO_SMALL)
            return status;
        if (status == ACL_SOCKET_BUFFER_TOO_SMALL || (total += length + 2) > HEAD_SIZE)
            *refusal = first ? "414 URI Too Long" : "431 Request Header Fields Too Large";
        else if (strlen(line) != length || strchr(line, '\r') != NULL)
            *refusal = "400 Bad Request";
        else if (first && sscanf(line, "%15[A-Z] %511[^ ] HTTP/1.%1d%c", r->method, r->path, &minor, &rest) != 3)
            *refusal = "400 Bad Request";
        else if (first && minor == 0)
            *refusal = "505 HTTP Version Not Supported";        /* it has no chunks */
        else if (!first && length == 0)
            break;
        else if (!first)
            *refusal = take_field(r, line);
    }
    if (*refusal == NULL && r->hosts != 1)
        *refusal = "400 Bad Request";
    r->query = r->path + strcspn(r->path, "?");
    if (*r->query != '\0')
        *r->query++ = '\0';
    return ACL_SOCKET_OK;
}

/* Reads a request and answers it; ACL_SOCKET_END_OF_FILE when the client sends no more. */
static acl_status serve_request(request *r)
{
    const char *refusal = NULL, *method;
    int page;
    TRY(acl_set_eol_convention(r->stream, ACL_SOCKET_EOL_DOS));
    TRY(read_head(r, &refusal));
    method = strcmp(r->method, "HEAD") == 0 ? "GET" : r->method;
    for (page = 0; page < PAGES && strcmp(pages[page].path, r->path) != 0; page++) { }
    if (refusal == NULL && page == PAGES)
        refusal = "404 Not Found";
    else if (refusal == NULL && strcmp(method, pages[page].method) != 0)
        refusal = *pages[page].method == 'P' ? "405 Method Not Allowed\nAllow: POST"
            : "405 Method Not Allowed\nAllow: GET, HEAD";
    else if (refusal == NULL && r->body != NO_BODY && strcmp(method, "POST") != 0)
        refusal = "400 Bad Request";
    if (refusal != NULL) {
        r->keep_alive = 0;                      /* a body may follow that nobody reads */
        TRY(acl_format(r->stream, "HTTP/1.1 %s\nContent-Length: 0\nConnection: close\n\n", refusal));
        return acl_force_output(r->stream);
    }

    if (r->expects_continue)
        TRY(acl_format(r->stream, "HTTP/1.1 100 Continue\n\n"));
    TRY(acl_format(r->stream, "HTTP/1.1 200 OK\nContent-Type: %s\nTransfer-Encoding: chunked\n%s\n", pages[page].type,
        r->keep_alive ? "" : "Connection: close\n"));
    /* What still is in the buffer when chunking begins would go into the first chunk. */
    TRY(acl_force_output(r->stream));
    if (strcmp(r->method, "HEAD") == 0)
        return ACL_SOCKET_OK;
    TRY(acl_set_eol_convention(r->stream, ACL_SOCKET_EOL_UNIX));
    TRY(CONTROL(r->stream, .output_chunking = ACL_SOCKET_ON));
    if (r->body == CHUNKED)
        TRY(CONTROL(r->stream, .input_chunking = ACL_SOCKET_ON));
    TRY(pages[page].write_body(r));
    /* The next request begins behind the body; it may be in the buffer already. */
    if (r->body == CHUNKED)
        TRY(CONTROL(r->stream, .input_chunking = ACL_SOCKET_OFF));
    return CONTROL(r->stream, .output_chunking_eof = ACL_SOCKET_ON);
}

static void *serve_connection(void *stream)
{
    acl_status status = ACL_SOCKET_OK;
    int number = 0, keep_alive = 1;
    while (status == ACL_SOCKET_OK && keep_alive) {
        request r = { .stream = stream, .number = ++number, .keep_alive = 1 };
        status = serve_request(&r);
        keep_alive = r.keep_alive;
    }
    if (status == ACL_SOCKET_OK && acl_shutdown(stream, ACL_SOCKET_OUTPUT) == ACL_SOCKET_OK) {
        /* To close with input unread resets the connection, and the answer may be lost: take some of it first. */
        char part[PART_SIZE];
        size_t length;
        int i;
        for (i = 0; i < 1000 && acl_read_vector(stream, part, sizeof part, &length) == ACL_SOCKET_OK; i++) { }
    } else if (status != ACL_SOCKET_END_OF_FILE)
        fprintf(stderr, "http-server: %s\n", acl_stream_error_report());
    /* An orderly close would end the chunks, and an answer that broke off would look whole. */
    acl_close(stream, ACL_SOCKET_ABORT);
    acl_free_socket(stream);
    return NULL;
}

/* Returns when another thread closes the passive socket. */
static void *serve(void *passive)
{
    acl_socket *stream;
    pthread_t thread;
    acl_status status;
    while ((status = acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream)) != ACL_SOCKET_CLOSED) {
        if (status != ACL_SOCKET_OK) {          /* such as no descriptor left */
            fprintf(stderr, "http-server: %s\n", acl_stream_error_report());
            sleep(1);
        } else if (pthread_create(&thread, NULL, serve_connection, stream) == 0)
            pthread_detach(thread);
        else
            acl_free_socket(stream);
    }
    return NULL;
}

/* Runs curl. Answers 0, 1 when it fails, -1 when there is none. */
static int visit(char **arguments)
{
    pid_t child;
    int status, error = posix_spawnp(&child, "curl", NULL, NULL, arguments, environ);
    if (error != 0)
        return error == ENOENT ? -1 : 1;
    return waitpid(child, &status, 0) != child || status != 0;
}

int main(int argc, char **argv)
{
    acl_make_socket_args args = { ACL_SOCKET_ARGS(acl_make_socket_args), .connect = ACL_SOCKET_PASSIVE,
        .local_host = "127.0.0.1", .reuse_address = ACL_SOCKET_ON, .nodelay = ACL_SOCKET_ON };
    static const char *const paths[] = { "/", "/bytes?n=128", "/echo", "/count" };
    char url[4][60];
    char *get[] = { "curl", "-q", "-sS", "--noproxy", "*", url[0], url[1], NULL };
    char *post[] = { "curl", "-q", "-sS", "--noproxy", "*", "--data", "Secret-message\n",
        "-H", "Transfer-Encoding: chunked", url[2], url[3], NULL };
    acl_socket *passive;
    pthread_t server;
    int32_t port;
    int i, failed;
    if (argc > 1)
        args.local_port = atoi(argv[1]);
    if (acl_make_socket(&args, &passive) != ACL_SOCKET_OK || acl_local_port(passive, &port) != ACL_SOCKET_OK) {
        fprintf(stderr, "http-server: %s\n", acl_stream_error_report());
        return 1;
    }
    for (i = 0; i < 4; i++)
        snprintf(url[i], sizeof url[i], "http://127.0.0.1:%d%s", (int)port, paths[i]);
    if (argc > 1) {
        printf("%s\n", url[0]);
        fflush(stdout);
        serve(passive);
    }
    if (pthread_create(&server, NULL, serve, passive) != 0)
        return 1;
    failed = visit(get);
    if (failed == 0)
        failed = visit(post);
    if (failed < 0)
        puts("There is no curl: visit http-server PORT with a browser.");
    acl_close(passive, 0);                      /* ends serve */
    pthread_join(server, NULL);
    acl_free_socket(passive);
    return failed > 0;
}
