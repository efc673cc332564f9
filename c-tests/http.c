/* Chunked coding against programs that others wrote: curl, Python's http.server and http.client. Large bodies are
 * 100 MB, or 5 MB where ACL_TEST_SLOW is set; they go through pipes and loopback and nowhere exist as a whole. */
#include "test.h"
#include <inttypes.h>
#include <spawn.h>

#define CONTROL(stream, setting) \
    OK(acl_socket_control(stream, ARGS(acl_socket_control_args, setting)))

static uint64_t large(void)
{
    return getenv("ACL_TEST_SLOW") != NULL ? 5000000 : 100000000;
}

/* --- the content of every body: records of pseudorandom bytes, each of which begins with its number */

enum { RECORD = 65521, BLOCK = 100000 };

static unsigned char record[RECORD];

static void make_record(void)
{
    uint32_t x = 1;
    int i;
    for (i = 0; i < RECORD; i++) {
        x = x * 1103515245u + 12345u;
        record[i] = (unsigned char)(x >> 16);
    }
}

static void pattern(unsigned char *to, uint64_t position, size_t size)
{
    while (size > 0) {
        size_t from = (size_t)(position % RECORD), count = RECORD - from < size ? RECORD - from : size, i;
        memcpy(to, record + from, count);
        for (i = from; i < 8 && i - from < count; i++)
            to[i - from] = (unsigned char)(position / RECORD >> (56 - 8 * i));
        to += count;
        position += count;
        size -= count;
    }
}

static void expect_pattern(const void *data, uint64_t position, size_t size)
{
    unsigned char block[BLOCK];
    CHECK(size <= sizeof block);
    pattern(block, position, size);
    if (memcmp(data, block, size) != 0)
        fail(__FILE__, __LINE__, "wrong bytes between %" PRIu64 " and %" PRIu64, position, position + size);
}

/* The same in Python: pieces(size) are of many lengths, and check() ends the program where data is wrong. */
#define PYTHON_PATTERN \
    "import itertools, sys\n" \
    "x, table = 1, bytearray()\n" \
    "for i in range(65521):\n" \
    "    x = x * 1103515245 + 12345 & 0xffffffff\n" \
    "    table.append(x >> 16 & 255)\n" \
    "table = bytes(table[8:])\n" \
    "def pattern(position, size):\n" \
    "    records = range(position // 65521, (position + size) // 65521 + 1)\n" \
    "    return b''.join(k.to_bytes(8, 'big') + table for k in records)[position % 65521:][:size]\n" \
    "def pieces(size):\n" \
    "    position = 0\n" \
    "    for length in itertools.cycle((1, 100, 65521, 4096, 200000)):\n" \
    "        if position == size:\n" \
    "            return\n" \
    "        piece = pattern(position, min(length, size - position))\n" \
    "        yield piece\n" \
    "        position += len(piece)\n" \
    "def check(data, position):\n" \
    "    if data != pattern(position, len(data)):\n" \
    "        sys.exit('wrong bytes between %d and %d' % (position, position + len(data)))\n"

/* --- child processes, with pipes from and to them */

typedef struct { pid_t pid; int in, out; } child;

/* Skips the test where there is no such program. */
static void need(const char *program)
{
    const char *path = getenv("PATH"), *end;
    char file[4096];
    for (; path != NULL; path = *end == '\0' ? NULL : end + 1) {
        end = path + strcspn(path, ":");
        if (snprintf(file, sizeof file, "%.*s/%s", (int)(end - path), path, program) < (int)sizeof file
            && access(file, X_OK) == 0)
            return;
    }
    exit(SKIPPED);
}

static child start(const char *const *arguments)
{
    child it;
    int in[2], out[2];
    posix_spawn_file_actions_t actions;
    EQUAL(pipe2(in, O_CLOEXEC), 0);
    EQUAL(pipe2(out, O_CLOEXEC), 0);
    EQUAL(posix_spawn_file_actions_init(&actions), 0);
    EQUAL(posix_spawn_file_actions_adddup2(&actions, in[0], 0), 0);
    EQUAL(posix_spawn_file_actions_adddup2(&actions, out[1], 1), 0);
    EQUAL(posix_spawnp(&it.pid, arguments[0], &actions, NULL, (char *const *)arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    it.in = in[1];
    it.out = out[0];
    return it;
}

static void feed_pattern(child *it, uint64_t size)
{
    unsigned char block[BLOCK];
    uint64_t position = 0;
    while (position < size) {
        size_t count = size - position < sizeof block ? (size_t)(size - position) : sizeof block, done = 0;
        pattern(block, position, count);
        while (done < count) {
            ssize_t written = write(it->in, block + done, count - done);
            CHECK(written > 0 || errno == EINTR);
            done += written > 0 ? (size_t)written : 0;
        }
        position += count;
    }
    close(it->in);
    it->in = -1;
}

/* What the child prints next is a body of this size. */
static void expect_body(child *it, uint64_t size)
{
    unsigned char block[BLOCK];
    uint64_t position = 0;
    while (position < size) {
        ssize_t count = read(it->out, block, size - position < sizeof block ? (size_t)(size - position) : sizeof block);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            fail(__FILE__, __LINE__, "the body ended after %" PRIu64 " of %" PRIu64 " bytes", position, size);
        expect_pattern(block, position, (size_t)count);
        position += (uint64_t)count;
    }
}

/* The child prints no more and ends; answers its exit status. */
static int exit_status(child *it)
{
    char byte;
    int status;
    if (it->in >= 0)
        close(it->in);
    EQUAL(read(it->out, &byte, 1), 0);
    close(it->out);
    EQUAL(waitpid(it->pid, &status, 0), it->pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* --- our half: bodies are written and read by all functions in turn */

static void send_body(acl_socket *stream, uint64_t size)
{
    static const size_t lengths[] = { 1, 777, BLOCK, 30000 };
    unsigned char block[BLOCK];
    uint64_t position = 0;
    unsigned turn;
    CONTROL(stream, .output_chunking = ACL_SOCKET_ON);
    for (turn = 0; position < size; turn++) {
        size_t count = lengths[turn % 4], done, taken;
        if (count > size - position)
            count = (size_t)(size - position);
        pattern(block, position, count);
        switch (turn % 4) {
        case 0:
            OK(acl_write_byte(stream, block[0]));
            break;
        case 1:
            OK(acl_write_sequence(stream, block, count));
            OK(acl_force_output(stream));
            OK(acl_force_output(stream));       /* an empty chunk would end the body */
            break;
        default:
            for (done = 0; done < count; done += taken) {
                taken = 0;
                OK(acl_write_vector(stream, block + done, count - done, &taken));
                CHECK(taken > 0 && taken <= count - done);
            }
        }
        position += count;
    }
}

static void end_body(acl_socket *stream)
{
    CONTROL(stream, .output_chunking_eof = ACL_SOCKET_ON);
}

static uint64_t receive_body(acl_socket *stream, const char *trailers)
{
    unsigned char block[65536];
    char text[100];
    uint64_t position = 0;
    acl_status status = ACL_SOCKET_OK;
    int32_t at_end;
    unsigned turn;
    CONTROL(stream, .input_chunking = ACL_SOCKET_ON);
    for (turn = 0; status == ACL_SOCKET_OK; turn++) {
        const void *data = block;
        size_t length = 0;
        switch (turn % 4) {
        case 0:
            status = acl_read_vector(stream, block, sizeof block, &length);
            CHECK(status != ACL_SOCKET_OK || length > 0);
            break;
        case 1:
            status = acl_read_byte(stream, block);
            length = status == ACL_SOCKET_OK;
            break;
        case 2:
            status = acl_read_sequence(stream, block, 50000, 0, &length);
            CHECK(status != ACL_SOCKET_OK || length == 50000);
            break;
        default:
            status = acl_peek_input(stream, 1000, &data, &length);
        }
        expect_pattern(data, position, length);
        position += length;
        if (turn % 4 == 3 && status == ACL_SOCKET_OK)
            OK(acl_consume_input(stream, length));
    }
    EQUAL(status, ACL_SOCKET_END_OF_FILE);
    EQUAL(acl_read_byte(stream, block), ACL_SOCKET_END_OF_FILE);
    OK(acl_socket_chunking_end_of_file(stream, &at_end));
    EQUAL(at_end, 1);
    OK(acl_socket_chunking_trailers(stream, text, sizeof text, NULL));
    TEXT(text, trailers);
    CONTROL(stream, .input_chunking = ACL_SOCKET_OFF);
    return position;
}

typedef struct { char first[200]; int chunked, expects_continue; } head;

/* Answers 0 where the other side has closed instead. */
static int read_head(acl_socket *stream, head *it)
{
    char line[1000];
    size_t length;
    acl_status status;
    it->chunked = it->expects_continue = 0;
    status = acl_read_line(stream, it->first, sizeof it->first, NULL);
    if (status == ACL_SOCKET_END_OF_FILE)
        return 0;
    OK(status);
    do {
        OK(acl_read_line(stream, line, sizeof line, &length));
        it->chunked |= strcasecmp(line, "Transfer-Encoding: chunked") == 0;
        it->expects_continue |= strcasecmp(line, "Expect: 100-continue") == 0;
    } while (length > 0);
    return 1;
}

static void write_text(acl_socket *stream, const char *text)
{
    OK(acl_write_string(stream, text, strlen(text)));
}

/* A server for one connection: the path of a request says how long the answer shall be, as in /100. */
typedef struct {
    acl_socket *passive;
    pthread_t thread;
    int32_t port;
    enum { MARK, CLOSE, ABORT } ending;         /* how the first body ends; but for MARK the connection ends with it */
    int requests, continued;
    uint64_t received;
} server;

static void *serve(void *argument)
{
    server *it = argument;
    acl_socket *stream;
    head request;
    OK(acl_accept_connection(it->passive, ACL_SOCKET_WAIT, &stream));
    while (read_head(stream, &request)) {
        const char *path = strchr(request.first, '/');
        CHECK(path != NULL && strcmp(strchr(path, ' '), " HTTP/1.1") == 0);
        it->requests++;
        if (request.expects_continue) {
            write_text(stream, "HTTP/1.1 100 Continue\n\n");
            OK(acl_force_output(stream));
            it->continued++;
        }
        if (request.chunked)
            it->received += receive_body(stream, "");
        write_text(stream, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n");
        OK(acl_force_output(stream));
        send_body(stream, strtoull(path + 1, NULL, 10));
        if (it->ending != MARK)
            break;
        end_body(stream);
    }
    if (it->ending == ABORT)
        OK(acl_force_output(stream));
    OK(acl_close(stream, it->ending == ABORT ? ACL_SOCKET_ABORT : 0));
    OK(acl_free_socket(stream));
    return NULL;
}

static void begin(server *it, int ending)
{
    make_record();
    memset(it, 0, sizeof *it);
    it->ending = ending;
    OK(MAKE(&it->passive, .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1", .nodelay = ACL_SOCKET_ON,
        .eol_convention = ACL_SOCKET_EOL_DOS));
    OK(acl_local_port(it->passive, &it->port));
    EQUAL(pthread_create(&it->thread, NULL, serve, it), 0);
}

/* The thread serves one connection only: so many requests have come over one. */
static void end(server *it, int requests)
{
    EQUAL(pthread_join(it->thread, NULL), 0);
    EQUAL(it->requests, requests);
    done(it->passive);
}

/* Valid until the fifth call after. */
static const char *url(const server *it, uint64_t size)
{
    static char texts[5][60];
    static int last;
    last = (last + 1) % 5;
    snprintf(texts[last], sizeof texts[last], "http://127.0.0.1:%d/%" PRIu64, (int)it->port, size);
    return texts[last];
}

/* --- curl */

#define CURL_OPTIONS "-sS", "-m", "28", "--noproxy", "*"
#define CURL(...) start((const char *const[]){ "curl", "-q", CURL_OPTIONS, __VA_ARGS__, NULL })

TEST(curl_gets_a_large_body)
{
    server here;
    child curl;
    need("curl");
    begin(&here, MARK);
    curl = CURL(url(&here, large()));
    expect_body(&curl, large());
    EQUAL(exit_status(&curl), 0);
    end(&here, 1);
}

TEST(curl_gets_several_bodies_over_one_connection)
{
    server here;
    child curl;
    need("curl");
    begin(&here, MARK);
    curl = CURL(url(&here, 0), url(&here, 1), url(&here, 1000000), url(&here, 0), url(&here, 70000));
    expect_body(&curl, 0);
    expect_body(&curl, 1);
    expect_body(&curl, 1000000);
    expect_body(&curl, 0);
    expect_body(&curl, 70000);
    EQUAL(exit_status(&curl), 0);
    end(&here, 5);
}

TEST(close_ends_a_body_for_curl)
{
    server here;
    child curl;
    need("curl");
    begin(&here, CLOSE);
    curl = CURL(url(&here, 1000000));
    expect_body(&curl, 1000000);
    EQUAL(exit_status(&curl), 0);
    end(&here, 1);
}

TEST(close_with_abort_leaves_a_body_without_end)
{
    server here;
    child curl;
    need("curl");
    begin(&here, ABORT);
    curl = CURL("--no-show-error", "-o", "/dev/null", url(&here, 1000000));
    CHECK(exit_status(&curl) != 0);
    end(&here, 1);
}

TEST(curl_uploads_a_large_body)
{
    server here;
    child curl;
    need("curl");
    begin(&here, MARK);
    /* Were it not told to continue, it would wait for most of the time there is. */
    curl = CURL("-T", "-", "-H", "Expect: 100-continue", "--expect100-timeout", "25", url(&here, 7));
    feed_pattern(&curl, large());
    expect_body(&curl, 7);
    EQUAL(exit_status(&curl), 0);
    end(&here, 1);
    EQUAL(here.continued, 1);
    EQUAL(here.received, large());
}

TEST(curl_posts_a_body_and_goes_on)
{
    server here;
    child curl;
    need("curl");
    begin(&here, MARK);
    curl = CURL("--data-binary", "@-", "-H", "Transfer-Encoding: chunked", url(&here, 70000),
        "--next", CURL_OPTIONS, url(&here, 3),
        "--next", CURL_OPTIONS, "-X", "POST", "-H", "Transfer-Encoding: chunked", "--data-binary", "", url(&here, 4));
    feed_pattern(&curl, 3000000);
    expect_body(&curl, 70000);
    expect_body(&curl, 3);
    expect_body(&curl, 4);
    EQUAL(exit_status(&curl), 0);
    end(&here, 3);
    EQUAL(here.received, 3000000);
}

/* --- Python's http.server; the coding of request bodies it leaves to the handler, which here is strict */

#define PYTHON(...) start((const char *const[]){ "python3", "-I", "-c", __VA_ARGS__, NULL })

static const char http_server[] = PYTHON_PATTERN
    "import http.server, re, socketserver\n"
    "class Handler(http.server.BaseHTTPRequestHandler):\n"
    "    protocol_version = 'HTTP/1.1'\n"
    "    disable_nagle_algorithm = True\n"
    "    def log_message(self, *arguments):\n"
    "        pass\n"
    "    def do_GET(self):\n"
    "        self.send_response(200)\n"
    "        self.send_header('Transfer-Encoding', 'chunked')\n"
    "        self.end_headers()\n"
    "        for piece in pieces(int(self.path[1:])):\n"
    "            self.wfile.write(b'%X;name=\"value\"\\r\\n%s\\r\\n' % (len(piece), piece))\n"
    "        self.wfile.write(b'0\\r\\nX-Trailer: yes\\r\\n\\r\\n')\n"
    "    def do_POST(self):\n"
    "        position, size = 0, None\n"
    "        while size != 0:\n"
    "            line = self.rfile.readline(100)\n"
    "            if not re.fullmatch(br'(0|[1-9a-f][0-9a-f]*)\\r\\n', line):\n"
    "                sys.exit('%r is no size of a chunk' % line)\n"
    "            size = int(line, 16)\n"
    "            data = self.rfile.read(size)\n"
    "            check(data, position)\n"
    "            position += size\n"
    "            if len(data) < size or self.rfile.read(2) != b'\\r\\n':\n"
    "                sys.exit('no CR LF after the chunk before %d' % position)\n"
    "        answer = b'%d\\n' % position\n"
    "        self.send_response(200)\n"
    "        self.send_header('Content-Length', str(len(answer)))\n"
    "        self.end_headers()\n"
    "        self.wfile.write(answer)\n"
    "class Server(socketserver.TCPServer):\n"
    "    def handle_error(self, request, address):\n"
    "        raise\n"
    "with Server(('127.0.0.1', 0), Handler) as server:\n"
    "    server.timeout = 60\n"
    "    print(server.server_address[1], flush=True)\n"
    "    server.handle_request()\n";

static void connect_to_python(child *python, acl_socket **stream)
{
    char text[20] = "";
    size_t length = 0;
    need("python3");
    make_record();
    *python = PYTHON(http_server);
    while (length + 1 < sizeof text && strchr(text, '\n') == NULL) {
        ssize_t count = read(python->out, text + length, sizeof text - 1 - length);
        CHECK(count > 0);
        length += (size_t)count;
        text[length] = '\0';
    }
    OK(MAKE(stream, .remote_host = "127.0.0.1", .remote_port = atoi(text), .nodelay = ACL_SOCKET_ON,
        .eol_convention = ACL_SOCKET_EOL_DOS));
}

static void ask(acl_socket *stream, uint64_t size)
{
    OK(acl_format(stream, "GET /%" PRIu64 " HTTP/1.1\nHost: localhost\n\n", size));
}

static void take(acl_socket *stream, uint64_t size)
{
    head answer;
    OK(acl_force_output(stream));
    CHECK(read_head(stream, &answer));
    TEXT(answer.first, "HTTP/1.1 200 OK");
    EQUAL(answer.chunked, 1);
    EQUAL(receive_body(stream, "X-Trailer: yes\r\n"), size);
}

static void get(acl_socket *stream, uint64_t size)
{
    ask(stream, size);
    take(stream, size);
}

static void post(acl_socket *stream, uint64_t size)
{
    head answer;
    char line[30];
    write_text(stream, "POST / HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n");
    OK(acl_force_output(stream));
    send_body(stream, size);
    end_body(stream);
    CHECK(read_head(stream, &answer));
    TEXT(answer.first, "HTTP/1.1 200 OK");
    EQUAL(answer.chunked, 0);
    OK(acl_read_line(stream, line, sizeof line, NULL));
    EQUAL(strtoll(line, NULL, 10), size);
}

TEST(large_body_from_http_server)
{
    child python;
    acl_socket *stream;
    connect_to_python(&python, &stream);
    get(stream, 0);
    get(stream, large());
    get(stream, 1);
    OK(acl_close(stream, 0));
    OK(acl_free_socket(stream));
    EQUAL(exit_status(&python), 0);
}

/* Bodies and heads stand close together in the input buffer. */
TEST(pipelined_answers_from_http_server)
{
    child python;
    acl_socket *stream;
    uint64_t size;
    connect_to_python(&python, &stream);
    for (size = 0; size < 200; size++)
        ask(stream, size);
    for (size = 0; size < 200; size++)
        take(stream, size);
    OK(acl_close(stream, 0));
    OK(acl_free_socket(stream));
    EQUAL(exit_status(&python), 0);
}

TEST(large_body_to_http_server)
{
    child python;
    acl_socket *stream;
    connect_to_python(&python, &stream);
    post(stream, 0);
    post(stream, large());
    get(stream, 70000);
    post(stream, 1);
    OK(acl_close(stream, 0));
    OK(acl_free_socket(stream));
    EQUAL(exit_status(&python), 0);
}

/* --- Python's http.client, which itself does the coding both ways */

static const char http_client[] = PYTHON_PATTERN
    "import http.client\n"
    "connection = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=60)\n"
    "def exchange(sent, answered):\n"
    "    connection.request('POST', '/%d' % answered, body=pieces(sent))\n"
    "    response = connection.getresponse()\n"
    "    if response.status != 200 or not response.chunked:\n"
    "        sys.exit('the answer is %d' % response.status)\n"
    "    position = 0\n"
    "    for data in iter(lambda: response.read(100003), b''):\n"
    "        check(data, position)\n"
    "        position += len(data)\n"
    "    if position != answered:\n"
    "        sys.exit('%d bytes instead of %d' % (position, answered))\n"
    "for sizes in sys.argv[2:]:\n"
    "    exchange(*map(int, sizes.split(',')))\n"
    "connection.close()\n";

TEST(large_bodies_from_and_to_http_client)
{
    server here;
    child python;
    char port[10], sizes[60];
    need("python3");
    begin(&here, MARK);
    snprintf(port, sizeof port, "%d", (int)here.port);
    snprintf(sizes, sizeof sizes, "%" PRIu64 ",%" PRIu64, large(), large());
    python = PYTHON(http_client, port, "0,0", sizes, "1,70000", "70000,1");
    EQUAL(exit_status(&python), 0);
    end(&here, 4);
    EQUAL(here.received, large() + 70001);
}

MAIN(
    CASE(curl_gets_a_large_body),
    CASE(curl_gets_several_bodies_over_one_connection),
    CASE(close_ends_a_body_for_curl),
    CASE(close_with_abort_leaves_a_body_without_end),
    CASE(curl_uploads_a_large_body),
    CASE(curl_posts_a_body_and_goes_on),
    CASE(large_body_from_http_server),
    CASE(pipelined_answers_from_http_server),
    CASE(large_body_to_http_server),
    CASE(large_bodies_from_and_to_http_client)
)
