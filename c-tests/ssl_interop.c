/* SSL with others: the openssl command, curl, GnuTLS and Python, each as client and as server where it can be both. */
#include "secure.h"
#include <time.h>

enum { ROOM = 65536 };

/* 100 MB; less where everything is slow. */
static size_t body(void) { return (size_t)(getenv("ACL_TEST_SLOW") != NULL ? 4 : 100) << 20; }

/* Bytes that are echoed. */
static size_t some = 3 << 20;

static unsigned char value_at(size_t place) { return (unsigned char)(place * 7 + place / 4093 + place / 65521); }

static void fill(unsigned char *bytes, size_t place, size_t size)
{
    size_t i;
    for (i = 0; i < size; i++)
        bytes[i] = value_at(place + i);
}

static void compare(const unsigned char *bytes, size_t place, size_t size)
{
    static unsigned char wanted[ROOM];
    fill(wanted, place, size);
    if (memcmp(bytes, wanted, size) != 0)
        fail(__FILE__, __LINE__, "what came between byte %zu and %zu is not what was sent", place, place + size);
}

/* --- another program, its standard input and output here */

typedef struct { pid_t process; int in, out; } program;

static void run(program *it, const char *const argv[])
{
    int in[2], out[2];
    EQUAL(pipe2(in, O_CLOEXEC), 0);
    EQUAL(pipe2(out, O_CLOEXEC), 0);
    it->process = fork();
    if (it->process == 0) {
        char error[] = "/dev/null";
        int null = open(error, O_WRONLY);
        dup2(in[0], 0);
        dup2(out[1], 1);
        if (getenv("ACL_TEST_TELL") == NULL)
            dup2(null, 2);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    it->in = in[1];
    it->out = out[0];
}

#define RUN(program, ...) run(program, (const char *const[]){ __VA_ARGS__, NULL })

static int end(program *it)
{
    int status;
    if (it->in >= 0)
        close(it->in);
    close(it->out);
    CHECK(waitpid(it->process, &status, 0) == it->process);
    return status;
}

static void stop(program *it)
{
    kill(it->process, SIGTERM);
    end(it);
}

static void needs(const char *command)
{
    char look[128];
    snprintf(look, sizeof look, "command -v %s > /dev/null", command);
    if (system(look) != 0) {
        printf("# no %s\n", command);
        exit(SKIPPED);
    }
    pki("root.crt");
}

static const char *text_of(int number)
{
    static char texts[8][16];
    static int next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "%d", number);
    return text;
}

/* A port that was free a moment ago. */
static int free_port(void)
{
    int32_t port;
    done(listener(&port));
    return port;
}

/* Connects as soon as the program listens. */
static acl_socket *connect_to(int port, const ssl_args *args)
{
    acl_socket *plain = NULL, *stream;
    int tries;
    for (tries = 0; tries < 1000; tries++) {
        if (MAKE(&plain, .remote_host = "127.0.0.1", .remote_port = port) == ACL_SOCKET_OK)
            break;
        usleep(10000);
    }
    CHECK(plain != NULL);
    OK(acl_make_ssl_client_stream(plain, args, &stream));
    return stream;
}

/* --- our server, which sends back what it reads */

static void *echo(void *given)
{
    acl_socket *plain, *stream;
    char *bytes = malloc(ROOM);
    size_t length;
    acl_status status;
    OK(acl_accept_connection(given, ACL_SOCKET_WAIT, &plain));
    OK(acl_make_ssl_server_stream(plain, SERVER, &stream));
    while ((status = acl_read_vector(stream, bytes, ROOM, &length)) == ACL_SOCKET_OK) {
        OK(acl_write_vector(stream, bytes, length, NULL));
        OK(acl_force_output(stream));
    }
    CHECK(status == ACL_SOCKET_END_OF_FILE || status == ACL_SOCKET_SSL_TRUNCATED);
    OK(acl_close(stream, 0));
    OK(acl_free_socket(stream));
    free(bytes);
    return NULL;
}

static void *feed(void *given)
{
    unsigned char bytes[ROOM];
    size_t place, size;
    for (place = 0; place < some; place += size) {
        size = some - place < ROOM ? some - place : ROOM;
        fill(bytes, place, size);
        CHECK(write(*(int *)given, bytes, size) == (ssize_t)size);
    }
    return NULL;
}

static void expect_some(int fd)
{
    unsigned char bytes[ROOM];
    size_t place;
    ssize_t size;
    for (place = 0; place < some; place += (size_t)size) {
        size = read(fd, bytes, some - place < ROOM ? some - place : ROOM);
        CHECK(size > 0);
        compare(bytes, place, (size_t)size);
    }
}

/* The program pipes its standard input through our echo. */
#define ECHOES(port_text, ...) \
    do { pthread_t server_, feeder_; program it_; int32_t port_; \
        acl_socket *passive_ = listener(&port_); \
        const char *port_text = text_of(port_); \
        signal(SIGPIPE, SIG_IGN); \
        pthread_create(&server_, NULL, echo, passive_); \
        RUN(&it_, __VA_ARGS__); \
        pthread_create(&feeder_, NULL, feed, &it_.in); \
        expect_some(it_.out); \
        pthread_join(feeder_, NULL); \
        stop(&it_); \
        pthread_join(server_, NULL); \
        done(passive_); } while (0)

static const char *at(const char *port)
{
    static char text[64];
    snprintf(text, sizeof text, "localhost:%s", port);
    return text;
}

TEST(openssl_s_client)
{
    static const char *const versions[] = { "-tls1_2", "-tls1_3" };
    size_t i;
    needs("openssl");
    /* It does not read while it writes. */
    some = 60000;
    for (i = 0; i < ROWS(versions); i++)
        ECHOES(port, "openssl", "s_client", "-quiet", "-4", "-connect", at(port), "-CAfile", pki("root.crt"), "-verify_return_error",
            "-verify_hostname", "localhost", versions[i]);
}

TEST(gnutls_cli)
{
    needs("gnutls-cli");
    ECHOES(port, "gnutls-cli", "--logfile=/dev/null", "--x509cafile", pki("root.crt"), "-p", port, "localhost");
}

static const char python_client[] =
    "import ssl, socket, sys, threading\n"
    "c = ssl.create_default_context(cafile=sys.argv[1])\n"
    "s = c.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[2]))), server_hostname='localhost')\n"
    "def feed():\n"
    "    while True:\n"
    "        d = sys.stdin.buffer.read1(65536)\n"
    "        if not d: break\n"
    "        s.sendall(d)\n"
    "threading.Thread(target=feed, daemon=True).start()\n"
    "n = 0\n"
    "while n < int(sys.argv[3]):\n"
    "    d = s.recv(65536)\n"
    "    if not d: sys.exit(1)\n"
    "    n += len(d)\n"
    "    sys.stdout.buffer.write(d)\n"
    "    sys.stdout.buffer.flush()\n"
    "s.unwrap().close()\n";

TEST(python_as_client)
{
    needs("python3");
    ECHOES(port, "python3", "-c", python_client, pki("root.crt"), port, text_of((int)some));
}

/* --- our client, and servers that send something back */

static void *write_some(void *stream)
{
    unsigned char bytes[ROOM];
    size_t place, size;
    for (place = 0; place < some; place += size) {
        size = some - place < ROOM ? some - place : ROOM;
        fill(bytes, place, size);
        OK(acl_write_vector(stream, bytes, size, NULL));
    }
    OK(acl_force_output(stream));
    return NULL;
}

static void comes_back(acl_socket *stream)
{
    unsigned char bytes[ROOM];
    pthread_t writer;
    size_t place, length;
    pthread_create(&writer, NULL, write_some, stream);
    for (place = 0; place < some; place += length) {
        OK(acl_read_vector(stream, bytes, some - place < ROOM ? some - place : ROOM, &length));
        compare(bytes, place, length);
    }
    pthread_join(writer, NULL);
}

TEST(openssl_s_server)
{
    static const char *const versions[] = { "-tls1_2", "-tls1_3" };
    size_t i;
    needs("openssl");
    for (i = 0; i < ROWS(versions); i++) {
        acl_socket *stream;
        program server;
        int port = free_port();
        RUN(&server, "openssl", "s_server", "-quiet", "-rev", "-accept", text_of(port), "-cert", pki("server.crt"), "-cert_chain",
            pki("sub.crt"), "-key", pki("server.key"), versions[i]);
        stream = connect_to(port, CLIENT);
        send_text(stream, "forwards\n");
        LINE(stream, "sdrawrof");
        OK(acl_close(stream, 0));
        done(stream);
        /* One whose certificate is for another host. */
        stream = connect_to(port, SSL_ARGS(.ca_file = pki("root.crt"), .server_name = "other.example"));
        EQUAL(acl_ssl_do_handshake(stream), ACL_SOCKET_SSL_HOST_MISMATCH);
        done(stream);
        stop(&server);
    }
}

TEST(gnutls_serv)
{
    acl_socket *stream;
    program server;
    int port = free_port();
    needs("gnutls-serv");
    RUN(&server, "gnutls-serv", "--echo", "-q", "-p", text_of(port), "--x509certfile", pki("server.pem"), "--x509keyfile",
        pki("server.key"), "--disable-client-cert");
    stream = connect_to(port, CLIENT);
    send_text(stream, "there and back\n");
    LINE(stream, "there and back");
    OK(acl_close(stream, 0));
    done(stream);
    stop(&server);
}

static const char python_server[] =
    "import ssl, socket, sys\n"
    "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
    "c.load_cert_chain(sys.argv[1], sys.argv[2])\n"
    "l = socket.create_server(('127.0.0.1', int(sys.argv[3])))\n"
    "s = c.wrap_socket(l.accept()[0], server_side=True)\n"
    "import threading, queue\n"
    "q = queue.Queue()\n"
    "def back():\n"
    "    while True:\n"
    "        d = q.get()\n"
    "        if not d: break\n"
    "        s.sendall(d)\n"
    "t = threading.Thread(target=back)\n"
    "t.start()\n"
    "while True:\n"
    "    d = s.recv(65536)\n"
    "    q.put(d)\n"
    "    if not d: break\n"
    "t.join()\n";

TEST(python_as_server)
{
    acl_socket *stream;
    program server;
    int port = free_port();
    needs("python3");
    RUN(&server, "python3", "-c", python_server, pki("server.pem"), pki("server.key"), text_of(port));
    stream = connect_to(port, CLIENT);
    comes_back(stream);
    OK(acl_close(stream, 0));
    EQUAL(end(&server), 0);
    done(stream);
}

/* --- curl and bodies of 100 MB */

static acl_socket *accept_request(acl_socket *passive)
{
    acl_socket *plain, *stream;
    char line[1024];
    size_t length;
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &plain));
    OK(acl_make_ssl_server_stream(plain, SSL_ARGS(.certificate = pki("both.pem"), .alpn = "http/1.1"), &stream));
    OK(acl_set_eol_convention(stream, ACL_SOCKET_EOL_DOS));
    do
        OK(acl_read_line(stream, line, sizeof line, &length));
    while (length > 0);
    return stream;
}

static void *send_body(void *passive)
{
    static unsigned char bytes[3 * ROOM];
    acl_socket *stream = accept_request(passive);
    size_t place, size;
    OK(acl_format(stream, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nConnection: close\n\n"));
    OK(acl_force_output(stream));
    OK(acl_socket_control(stream, ARGS(acl_socket_control_args, .output_chunking = ACL_SOCKET_ON)));
    for (place = 0; place < body(); place += size) {
        size = body() - place < sizeof bytes ? body() - place : sizeof bytes;
        fill(bytes, place, size);
        OK(acl_write_vector(stream, bytes, size, NULL));
    }
    OK(acl_close(stream, 0));
    OK(acl_free_socket(stream));
    return NULL;
}

static const char *url(int port)
{
    static char text[64];
    snprintf(text, sizeof text, "https://localhost:%d/", port);
    return text;
}

TEST(curl_downloads_a_large_body)
{
    static unsigned char bytes[ROOM];
    program curl;
    pthread_t server;
    int32_t port;
    acl_socket *passive = listener(&port);
    size_t place = 0;
    ssize_t size;
    needs("curl");
    pthread_create(&server, NULL, send_body, passive);
    RUN(&curl, "curl", "-sS", "-4", "--noproxy", "*", "--cacert", pki("root.crt"), url(port));
    while ((size = read(curl.out, bytes, sizeof bytes)) > 0) {
        compare(bytes, place, (size_t)size);
        place += (size_t)size;
    }
    EQUAL(place, body());
    EQUAL(end(&curl), 0);
    pthread_join(server, NULL);
    done(passive);
}

static void *receive_body(void *passive)
{
    static unsigned char bytes[ROOM];
    acl_socket *stream = accept_request(passive);
    size_t place = 0, length;
    acl_status status;
    OK(acl_socket_control(stream, ARGS(acl_socket_control_args, .input_chunking = ACL_SOCKET_ON)));
    while ((status = acl_read_vector(stream, bytes, sizeof bytes, &length)) == ACL_SOCKET_OK) {
        compare(bytes, place, length);
        place += length;
    }
    EQUAL(status, ACL_SOCKET_END_OF_FILE);
    EQUAL(place, body());
    OK(acl_format(stream, "HTTP/1.1 200 OK\nContent-Length: 3\nConnection: close\n\nall"));
    OK(acl_close(stream, 0));
    OK(acl_free_socket(stream));
    return NULL;
}

TEST(curl_uploads_a_large_body)
{
    static unsigned char bytes[ROOM];
    program curl;
    pthread_t server;
    int32_t port;
    acl_socket *passive = listener(&port);
    size_t place, size;
    needs("curl");
    pthread_create(&server, NULL, receive_body, passive);
    RUN(&curl, "curl", "-sS", "-4", "--noproxy", "*", "--cacert", pki("root.crt"), "-H", "Expect:", "-H", "Transfer-Encoding: chunked",
        "-T", "-", url(port));
    for (place = 0; place < body(); place += size) {
        size_t gone = 0;
        size = body() - place < sizeof bytes ? body() - place : sizeof bytes;
        fill(bytes, place, size);
        while (gone < size) {
            ssize_t count = write(curl.in, bytes + gone, size - gone);
            CHECK(count > 0);
            gone += (size_t)count;
        }
    }
    close(curl.in);
    curl.in = -1;
    CHECK(read(curl.out, bytes, 4) == 3 && memcmp(bytes, "all", 3) == 0);
    EQUAL(end(&curl), 0);
    pthread_join(server, NULL);
    done(passive);
}

/* Both ends are ours, on the connection of one context each. */
static void *send_plainly(void *stream)
{
    static unsigned char bytes[ROOM];
    size_t place, size;
    for (place = 0; place < body(); place += size) {
        size = body() - place < sizeof bytes ? body() - place : sizeof bytes;
        fill(bytes, place, size);
        OK(acl_write_vector(stream, bytes, size, NULL));
    }
    OK(acl_close(stream, 0));
    return NULL;
}

TEST(a_large_body_between_two_of_ours)
{
    static unsigned char bytes[ROOM];
    pthread_t sender;
    ssl_pair pair;
    size_t place = 0, length;
    acl_status status;
    ssl_connection(&pair, CLIENT, SERVER);
    pthread_create(&sender, NULL, send_plainly, pair.server);
    while ((status = acl_read_vector(pair.client, bytes, sizeof bytes, &length)) == ACL_SOCKET_OK) {
        compare(bytes, place, length);
        place += length;
    }
    EQUAL(status, ACL_SOCKET_END_OF_FILE);
    EQUAL(place, body());
    pthread_join(sender, NULL);
    both_done(&pair);
}

/* A client of nothing newer than TLS 1.0, and one that trusts nobody we know. */
TEST(others_that_do_not_fit)
{
    pthread_t server;
    program client;
    ssl_pair pair;
    int32_t port;
    acl_socket *plain, *passive = listener(&port);
    needs("openssl");
    RUN(&client, "openssl", "s_client", "-quiet", "-4", "-connect", at(text_of(port)), "-tls1", "-cipher", "DEFAULT@SECLEVEL=0");
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &plain));
    OK(acl_make_ssl_server_stream(plain, SERVER, &pair.server));
    pthread_create(&server, NULL, server_handshake, &pair);
    pthread_join(server, NULL);
    EQUAL(pair.server_status, ACL_SOCKET_SSL_PROTOCOL_VERSION);
    done(pair.server);
    end(&client);
    RUN(&client, "openssl", "s_client", "-quiet", "-4", "-connect", at(text_of(port)), "-CAfile", pki("self.pem"), "-verify_return_error", "-tls1_2");
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &plain));
    OK(acl_make_ssl_server_stream(plain, SERVER, &pair.server));
    pthread_create(&server, NULL, server_handshake, &pair);
    pthread_join(server, NULL);
    EQUAL(pair.server_status, ACL_SOCKET_SSL_CERTIFICATE_REFUSED);
    done(pair.server);
    end(&client);
    done(passive);
}

MAIN(
    CASE(openssl_s_client),
    CASE(gnutls_cli),
    CASE(python_as_client),
    CASE(openssl_s_server),
    CASE(gnutls_serv),
    CASE(python_as_server),
    CASE(curl_downloads_a_large_body),
    CASE(curl_uploads_a_large_body),
    CASE(a_large_body_between_two_of_ours),
    CASE(others_that_do_not_fit)
)
