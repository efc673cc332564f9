/* The chunked coding: every valid framing gives its body, every other one an error, however bytes arrive and are read. */
#include "test.h"
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>

#define BYTES(literal) literal, sizeof literal - 1
#define ROWS(table) (sizeof table / sizeof *table)
#define INPUT(socket, value) acl_socket_control(socket, ARGS(acl_socket_control_args, .input_chunking = (value)))

/* Where a test of a table or of random numbers is. */
static char where[100];
#define HOLDS(condition) \
    do { if (!(condition)) fail(__FILE__, __LINE__, "%s: %s; last: %s", where, #condition, acl_stream_error_report()); } while (0)
#define FINE(call) HOLDS((call) == ACL_SOCKET_OK)

/* Bytes on their way to a stream: whole, or in segments of random size that arrive one at a time. */
typedef struct { int peer, fd, closes; const char *bytes; size_t length, segment; unsigned random; pthread_t thread; } delivery;

static unsigned next_random(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void *deliver(void *argument)
{
    delivery *d = argument;
    size_t at = 0, size;
    while (at < d->length) {
        int tries, unread = 1;
        size = d->length - at;
        if (d->segment > 0 && d->segment < size)
            size = d->segment;
        if (d->segment > 1 && size > 1)
            size = 1 + next_random(&d->random) % size;
        if (send(d->peer, d->bytes + at, size, MSG_NOSIGNAL) != (ssize_t)size)
            fail(__FILE__, __LINE__, "%s: send: %s", where, strerror(errno));
        at += size;
        /* The reader may be done before all is read: no waiting for ever. */
        for (tries = 0; d->segment > 0 && tries < 200 && ioctl(d->fd, FIONREAD, &unread) == 0 && unread > 0; tries++)
            sched_yield();
    }
    if (d->closes)
        shutdown(d->peer, SHUT_WR);
    return NULL;
}

/* A stream that characters and bytes are the same in, and that reads chunks. */
static acl_socket *start(delivery *d, const char *bytes, size_t length, size_t segment, unsigned random, int closes)
{
    int pair[2];
    acl_socket *socket;
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    OK(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .external_format = "latin-1"), &socket));
    OK(INPUT(socket, ACL_SOCKET_ON));
    d->peer = pair[1], d->fd = pair[0], d->bytes = bytes, d->length = length, d->segment = segment, d->closes = closes;
    d->random = random ? random : 1;
    EQUAL(pthread_create(&d->thread, NULL, deliver, d), 0);
    return socket;
}

static void stop(delivery *d, acl_socket *socket)
{
    pthread_join(d->thread, NULL);
    done(socket);
    close(d->peer);
}

/* The bytes of characters below U+0100. */
static size_t narrow(const char *text, size_t length, char *to)
{
    size_t i, size = 0;
    for (i = 0; i < length; i++) {
        int two = (text[i] & 0xe0) == 0xc0;
        to[size++] = two ? (char)((text[i] & 3) << 6 | (text[i + 1] & 0x3f)) : text[i];
        i += two;
    }
    return size;
}

static const char *ways[] = {
    "read_byte", "read_char", "read_vector", "read_sequence", "read_sequence, partial", "peek_input", "read_char_no_hang",
    "read_string, partial", "read_string", "read_line", "read_line_view",
};
enum { LINES = 9, WAYS = 11 };

/* One call of a reading function; what it gave, without a newline, also where the status is that of an end or an error. */
static acl_status read_some(acl_socket *socket, int fd, int way, char *to, size_t *got)
{
    char text[64];
    const char *view = text;
    const void *data;
    uint32_t character = 0;
    struct pollfd input = { fd, POLLIN, 0 };
    acl_status status;
    size_t length = 0;
    *got = 0;
    switch (way) {
    case 0:
        status = acl_read_byte(socket, (uint8_t *)to);
        *got = status == ACL_SOCKET_OK;
        return status;
    case 1:
    case 6:
        while ((status = way == 1 ? acl_read_char(socket, &character) : acl_read_char_no_hang(socket, &character))
            == ACL_SOCKET_WOULD_BLOCK)
            poll(&input, 1, -1);
        *to = (char)character;
        *got = status == ACL_SOCKET_OK;
        return status;
    case 2:
        return acl_read_vector(socket, to, 7, got);
    case 3:
        return acl_read_sequence(socket, to, 5, 0, got);
    case 4:
        return acl_read_sequence(socket, to, 64, 1, got);
    case 5:
        status = acl_peek_input(socket, 1, &data, &length);
        if (status == ACL_SOCKET_OK) {
            *got = length < 64 ? length : 64;
            memcpy(to, data, *got);
            FINE(acl_consume_input(socket, *got));
        }
        return status;
    case 7:
    case 8:
        status = acl_read_string(socket, text, way == 7 ? 20 : 9, way == 7, &length);
        break;
    case 9:
        status = acl_read_line(socket, text, 9, &length);
        break;
    default:
        status = acl_read_line_view(socket, &view, &length);
    }
    *got = narrow(view, length, to);
    return status;
}

/* Reads until something else than content is answered. A newline ends each line, so one may be there that the body has not. */
static acl_status read_all(acl_socket *socket, int fd, int way, char *to, size_t *total)
{
    acl_status status;
    size_t got;
    *total = 0;
    do {
        status = read_some(socket, fd, way, to + *total, &got);
        *total += got;
        if (way >= LINES && status == ACL_SOCKET_OK)
            to[(*total)++] = '\n';
        HOLDS(*total < 400);
    } while (status == ACL_SOCKET_OK || status == ACL_SOCKET_BUFFER_TOO_SMALL);
    return status;
}

static const struct { const char *bytes; size_t length; const char *body, *trailers; } valid[] = {
    { BYTES("0\r\n\r\n"), "", "" },
    { BYTES("5\r\nhello\r\n0\r\n\r\n"), "hello", "" },
    { BYTES("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n"), "hello world", "" },
    { BYTES("A\r\n0123456789\r\n0\r\n\r\n"), "0123456789", "" },
    { BYTES("a\r\n0123456789\r\nb\r\n0123456789\n\r\n0\r\n\r\n"), "01234567890123456789\n", "" },
    { BYTES("1A\r\nabcdefghijklmnopqrstuvwxyz\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"),
      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", "" },
    { BYTES("0005\r\nhello\r\n000\r\n\r\n"), "hello", "" },
    { BYTES("000000000000000a\r\n0123456789\r\n0\r\n\r\n"), "0123456789", "" },
    { BYTES("1\r\na\r\n1\r\nb\r\n1\r\n\n\r\n1\r\nc\r\n0\r\n\r\n"), "ab\nc", "" },
    { BYTES("7\r\n0\r\n\r\n5\r\r\n3\r\n\n\r\n\r\n0\r\n\r\n"), "0\r\n\r\n5\r\n\r\n", "" },
    { BYTES("4\r\n\n\n\n\n\r\n0\r\n\r\n"), "\n\n\n\n", "" },
    { BYTES("5;name\r\nhello\r\n0;last\r\n\r\n"), "hello", "" },
    { BYTES("5;name=value;other=1\r\nhello\r\n0\r\n\r\n"), "hello", "" },
    { BYTES("5;a=\"x;y z\"\r\nhello\r\n0\r\n\r\n"), "hello", "" },
    { BYTES("5;a=\"\\\"\\\\\";b\r\nhello\r\n0\r\n\r\n"), "hello", "" },
    { BYTES("5;a=\"\xc3\xa9\t\"\r\nhello\r\n0\r\n\r\n"), "hello", "" },
    { BYTES("5 ;a=b\r\nhello\r\n0 ;c\r\n\r\n"), "hello", "" },
    { BYTES("5\t ; a = \"b\" ; c\r\nhello\r\n0\r\n\r\n"), "hello", "" },
    { BYTES("5\r\nhello\r\n0\r\nA: b\r\n\r\n"), "hello", "A: b\r\n" },
    { BYTES("0\r\nExpires: never\r\nX-Y: 1, \"2\"\r\n\r\n"), "", "Expires: never\r\nX-Y: 1, \"2\"\r\n" },
    { BYTES("5;x\r\nhello\r\n00;y=\"z\"\r\n!#$%&'*+-.^_`|~9: v: w\r\n\r\n"), "hello", "!#$%&'*+-.^_`|~9: v: w\r\n" },
    { BYTES("5\r\nhello\r\n0\r\nA:b\r\nC:\r\nD: \xe9\r\n\r\n"), "hello", NULL },
};

static void every_valid_framing(size_t segment)
{
    size_t row, total, size;
    int way;
    for (row = 0; row < ROWS(valid); row++) {
        for (way = 0; way < WAYS; way++) {
            delivery d;
            char framed[500], body[500], text[100];
            int32_t at_end = 7;
            acl_status status;
            acl_socket *socket;
            snprintf(where, sizeof where, "valid[%d], %s", (int)row, ways[way]);
            memcpy(framed, valid[row].bytes, valid[row].length);
            memcpy(framed + valid[row].length, "plain", 5);
            socket = start(&d, framed, valid[row].length + 5, segment, (unsigned)(row * WAYS) + (unsigned)way, 0);
            status = read_all(socket, d.fd, way, body, &total);
            size = strlen(valid[row].body);
            if (total == size + 1 && way >= LINES && (size == 0 || valid[row].body[size - 1] != '\n'))
                total--;
            HOLDS(status == ACL_SOCKET_END_OF_FILE);
            HOLDS(total == size && memcmp(body, valid[row].body, size) == 0);
            FINE(acl_socket_chunking_end_of_file(socket, &at_end));
            HOLDS(at_end == 1);
            HOLDS(read_all(socket, d.fd, (way + 1) % WAYS, body, &total) == ACL_SOCKET_END_OF_FILE && total == 0);
            FINE(acl_socket_chunking_trailers(socket, text, sizeof text, NULL));
            HOLDS(valid[row].trailers == NULL || strcmp(text, valid[row].trailers) == 0);
            FINE(INPUT(socket, ACL_SOCKET_OFF));
            FINE(acl_read_sequence(socket, body, 5, 0, &total));
            HOLDS(memcmp(body, "plain", 5) == 0);
            stop(&d, socket);
        }
    }
}

TEST(valid_framings_whole) { every_valid_framing(0); }
TEST(valid_framings_byte_by_byte) { every_valid_framing(1); }
TEST(valid_framings_in_segments) { every_valid_framing(5), every_valid_framing(20); }

/* What breaks the coding, the body before that, and whether the connection's end is the fault. */
static const struct { const char *bytes; size_t length; const char *body; int closes; } broken[] = {
    { BYTES("8000000000000000\r\nabc"), "", 0 },
    { BYTES("ffffffffffffffff\r\nabc"), "", 0 },
    { BYTES("10000000000000005\r\nhello\r\n"), "", 0 },
    { BYTES("5\r\nhello\r\nfffffffffffffffffffff\r\n"), "hello", 0 },
    { BYTES("\r\nhello\r\n"), "", 0 },
    { BYTES(";a\r\nhello\r\n"), "", 0 },
    { BYTES("5\r\nhello\r\n\r\n0\r\n\r\n"), "hello", 0 },
    { BYTES("g\r\n"), "", 0 },
    { BYTES("5g\r\nhello\r\n"), "", 0 },
    { BYTES("0x5\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("-1\r\na\r\n0\r\n\r\n"), "", 0 },
    { BYTES("+5\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES(" 5\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5 \r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("0 5\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("0 5;a\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5\nhello\n0\n\n"), "", 0 },
    { BYTES("5\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5\rhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5\r\rhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5\0\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5\r\nhello0\r\n\r\n"), "hello", 0 },
    { BYTES("5\r\nhelloX\r\n0\r\n\r\n"), "hello", 0 },
    { BYTES("5\r\nhelloXX0\r\n\r\n"), "hello", 0 },
    { BYTES("5\r\nhello\n0\r\n\r\n"), "hello", 0 },
    { BYTES("5\r\nhello\n\n0\r\n\r\n"), "hello", 0 },
    { BYTES("5\r\nhello\r0\r\n\r\n"), "hello", 0 },
    { BYTES("5\r\nhello\rX0\r\n\r\n"), "hello", 0 },
    { BYTES("5\r\nhello\r\r\n0\r\n\r\n"), "hello", 0 },
    { BYTES("5\r\nhello\r\n1\r\n!\r\ng"), "hello!", 0 },
    { BYTES("5;a=\0b\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5;a=\1\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5;a\x7f\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5;a\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5;a\rb\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5\r\nhello\r\n0\n\n"), "hello", 0 },
    { BYTES("0\r\n\n"), "", 0 },
    { BYTES("5\r\nhello\r\n0\r\n\rX"), "hello", 0 },
    { BYTES("0\r\nabc\r\n\r\n"), "", 0 },
    { BYTES("0\r\nA: b\r\nabc\r\n\r\n"), "", 0 },
    { BYTES("0\r\nA: b\r\n folded\r\n\r\n"), "", 0 },
    { BYTES("0\r\nA: b\r\n\tfolded\r\n\r\n"), "", 0 },
    { BYTES("0\r\n A: b\r\n\r\n"), "", 0 },
    { BYTES("5\r\nhello\r\n0\r\nA : b\r\n\r\n"), "hello", 0 },
    { BYTES("0\r\nA b: c\r\n\r\n"), "", 0 },
    { BYTES("0\r\n: b\r\n\r\n"), "", 0 },
    { BYTES("0\r\nA: b\n\r\n"), "", 0 },
    { BYTES("0\r\nA: b\rc\r\n\r\n"), "", 0 },
    { BYTES("0\r\nA: \0\r\n\r\n"), "", 0 },
    { BYTES("0\r\nA: \1\r\n\r\n"), "", 0 },
    { BYTES(""), "", 1 },
    { BYTES("5"), "", 1 },
    { BYTES("5;a"), "", 1 },
    { BYTES("5\r"), "", 1 },
    { BYTES("5\r\n"), "", 1 },
    { BYTES("5\r\nhel"), "hel", 1 },
    { BYTES("7fffffffffffffff\r\nhel"), "hel", 1 },
    { BYTES("5\r\nhello"), "hello", 1 },
    { BYTES("5\r\nhello\r"), "hello", 1 },
    { BYTES("5\r\nhello\r\n"), "hello", 1 },
    { BYTES("5\r\nhello\r\n0"), "hello", 1 },
    { BYTES("5\r\nhello\r\n0\r\n"), "hello", 1 },
    { BYTES("5\r\nhello\r\n0\r\n\r"), "hello", 1 },
    { BYTES("5\r\nhello\r\n0\r\nA: b"), "hello", 1 },
    { BYTES("5\r\nhello\r\n0\r\nA: b\r\n"), "hello", 1 },
    { BYTES("5\r\nhello\r\n0\r\nA: b\r\n\r"), "hello", 1 },
};

/* After an error: the same from every function until input chunking is switched, and nothing worse then. */
static void stays_broken(delivery *d, acl_socket *socket)
{
    char bytes[100];
    int way;
    int32_t at_end = 7;
    size_t got;
    for (way = 0; way < WAYS; way++) {
        HOLDS(read_some(socket, d->fd, way, bytes, &got) == ACL_SOCKET_CHUNKING_ERROR);
        HOLDS(got == 0);
    }
    FINE(acl_socket_chunking_end_of_file(socket, &at_end));
    HOLDS(at_end == 0);
    HOLDS(acl_read_no_hang_p(socket) == 1);
    FINE(INPUT(socket, ACL_SOCKET_OFF));
    pthread_join(d->thread, NULL);
    shutdown(d->peer, SHUT_WR);
    while (acl_read_vector(socket, bytes, sizeof bytes, &got) == ACL_SOCKET_OK)
        HOLDS(got > 0);
    HOLDS(acl_stream_error_identifier() == ACL_SOCKET_END_OF_FILE);
    done(socket);
    close(d->peer);
}

static void every_broken_framing(size_t segment)
{
    size_t row, total, size;
    int way;
    for (row = 0; row < ROWS(broken); row++) {
        for (way = 0; way < WAYS; way++) {
            delivery d;
            char body[500];
            acl_status status;
            acl_socket *socket;
            snprintf(where, sizeof where, "broken[%d], %s", (int)row, ways[way]);
            socket = start(&d, broken[row].bytes, broken[row].length, segment, (unsigned)row, broken[row].closes);
            status = read_all(socket, d.fd, way, body, &total);
            size = strlen(broken[row].body);
            HOLDS(status == ACL_SOCKET_CHUNKING_ERROR);
            /* Whether an error gives the line before it that no newline ended is not said. */
            HOLDS(total == size || (way >= LINES && total < size));
            HOLDS(memcmp(body, broken[row].body, total) == 0);
            stays_broken(&d, socket);
        }
    }
}

TEST(broken_framings_whole) { every_broken_framing(0); }
TEST(broken_framings_byte_by_byte) { every_broken_framing(1); }

/* The limits hold without waiting for the end of what is too long; what is within them is read. */
TEST(limits_of_extensions_and_trailers)
{
    static const struct { const char *before; const char *repeated; int times; const char *after; int32_t status; } rows[] = {
        { "5;", "a", 3500, "\r\nhello\r\n0\r\n\r\n", ACL_SOCKET_END_OF_FILE },
        { "5", ";ab=\"cd\"", 400, "\r\nhello\r\n0\r\n\r\n", ACL_SOCKET_END_OF_FILE },
        { "5;", "a", 5000, "", ACL_SOCKET_CHUNKING_ERROR },
        { "5", ";ab=\"cd\"", 600, "", ACL_SOCKET_CHUNKING_ERROR },
        { "5;a=\"", " ", 5000, "", ACL_SOCKET_CHUNKING_ERROR },
        { "5", " ", 5000, "", ACL_SOCKET_CHUNKING_ERROR },
        { "5\r\nhello\r\n0;", "a", 5000, "\r\n\r\n", ACL_SOCKET_CHUNKING_ERROR },
        { "5\r\nhello\r\n0\r\nA: ", "b", 15000, "\r\n\r\n", ACL_SOCKET_END_OF_FILE },
        { "5\r\nhello\r\n0\r\n", "Ab: cd\r\n", 1900, "\r\n", ACL_SOCKET_END_OF_FILE },
        { "5\r\nhello\r\n0\r\nA: ", "b", 17000, "", ACL_SOCKET_CHUNKING_ERROR },
        { "5\r\nhello\r\n0\r\n", "b", 17000, "", ACL_SOCKET_CHUNKING_ERROR },
        { "5\r\nhello\r\n0\r\n", "Ab: cd\r\n", 3000, "", ACL_SOCKET_CHUNKING_ERROR },
    };
    static char framed[30000], trailers[30000];
    size_t row, length, total;
    for (row = 0; row < ROWS(rows); row++) {
        delivery d;
        char body[100];
        int i;
        acl_socket *socket;
        snprintf(where, sizeof where, "limits[%d]", (int)row);
        length = (size_t)sprintf(framed, "%s", rows[row].before);
        for (i = 0; i < rows[row].times; i++)
            length += (size_t)sprintf(framed + length, "%s", rows[row].repeated);
        length += (size_t)sprintf(framed + length, "%s", rows[row].after);
        socket = start(&d, framed, length, 0, 1, 0);
        HOLDS(read_all(socket, d.fd, 2, body, &total) == rows[row].status);
        HOLDS(total == (rows[row].before[1] == '\r' || rows[row].status == ACL_SOCKET_END_OF_FILE ? 5 : 0));
        if (rows[row].status == ACL_SOCKET_CHUNKING_ERROR) {
            stays_broken(&d, socket);
        } else {
            FINE(acl_socket_chunking_trailers(socket, trailers, sizeof trailers, &total));
            HOLDS(total == (row < 2 ? 0 : length - 15));
            stop(&d, socket);
        }
    }
}

/* Bodies of random bytes, framed, delivered and read at random. */
enum { LONGEST = 100000, BODIES = 3 };
static char bodies[BODIES][LONGEST], stuff[BODIES * 4 * LONGEST];

static size_t frame(const char *body, size_t length, size_t largest, char *to, unsigned *random)
{
    static const char *extensions[] = { ";a", " ; b=c", ";d=\"\\\"; \"", "\t;\te", "", "", "", "" };
    size_t at = 0, n, extra = 0;
    do {
        const char *extension = extra < 3000 ? extensions[next_random(random) % 8] : "";
        n = 1 + next_random(random) % largest;
        if (n > length)
            n = length;
        extra += strlen(extension);
        at += (size_t)sprintf(to + at, next_random(random) % 2 ? "%0*X%s\r\n" : "%0*x%s\r\n", (int)(next_random(random) % 6),
            (unsigned)n, extension);
        memcpy(to + at, body, n);
        at += n;
        body += n, length -= n;
        while (n == 0 && next_random(random) % 2)
            at += (size_t)sprintf(to + at, "Name: value\r\n");
        at += (size_t)sprintf(to + at, "\r\n");
    } while (n > 0);
    return at;
}

static void reads_body(acl_socket *socket, int fd, const char *body, size_t length, unsigned *random)
{
    static char to[LONGEST];
    size_t at = 0, got;
    int continued = 0, way = 0;
    acl_status status;
    do {
        way = next_random(random) % 4 ? way : (int)(next_random(random) % (WAYS + 1));
        status = way < WAYS ? read_some(socket, fd, way, to, &got)
            : acl_read_sequence(socket, to, 1 + next_random(random) % 70000, next_random(random) % 2, &got);
        HOLDS(got <= length - at && memcmp(to, body + at, got) == 0);
        at += got;
        if (status == ACL_SOCKET_OK && (way == LINES || way == LINES + 1)) {
            HOLDS(at < length ? body[at] == '\n' : got > 0 || continued);
            at += at < length;
        } else if (status != ACL_SOCKET_END_OF_FILE) {
            HOLDS(got > 0 && (status == ACL_SOCKET_OK || status == ACL_SOCKET_BUFFER_TOO_SMALL));
        }
        continued = status == ACL_SOCKET_BUFFER_TOO_SMALL;
        if (status == ACL_SOCKET_OK && way == 1 && next_random(random) % 4 == 0) {
            FINE(acl_unread_char(socket, (unsigned char)*to));
            at--;
        }
    } while (status != ACL_SOCKET_END_OF_FILE);
    HOLDS(at == length);
}

TEST(random_bodies)
{
    unsigned seed;
    struct timespec begun, now;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (seed = 1, now = begun; now.tv_sec < begun.tv_sec + 3; seed++) {
        unsigned random = seed * 2654435761u | 1, i;
        size_t lengths[BODIES], total = 0, j, segment;
        int count, b;
        delivery d;
        char plain[5];
        acl_socket *socket;
        for (i = 0; i < 8; i++)
            next_random(&random);
        snprintf(where, sizeof where, "seed %u", seed);
        count = 1 + (int)(next_random(&random) % BODIES);
        for (b = 0; b < count; b++) {
            int large = next_random(&random) % 8 == 0;
            unsigned newlines = 1 + next_random(&random) % 100;
            lengths[b] = next_random(&random) % (large ? LONGEST : 2000);
            for (j = 0; j < lengths[b]; j++)
                bodies[b][j] = next_random(&random) % newlines ? (char)(next_random(&random) >> 7) : '\n';
            total += frame(bodies[b], lengths[b], large ? 90000 : 1 + next_random(&random) % 300, stuff + total, &random);
        }
        memcpy(stuff + total, "plain", 5);
        total += 5;
        segment = next_random(&random) % 4 ? 1 + total / (1 + next_random(&random) % 300) : 0;
        socket = start(&d, stuff, total, segment, random, 1);
        for (b = 0; b < count; b++) {
            int32_t at_end = 7;
            FINE(INPUT(socket, ACL_SOCKET_ON));
            reads_body(socket, d.fd, bodies[b], lengths[b], &random);
            FINE(acl_socket_chunking_end_of_file(socket, &at_end));
            HOLDS(at_end == 1);
        }
        FINE(INPUT(socket, ACL_SOCKET_OFF));
        FINE(acl_read_sequence(socket, plain, 5, 0, &total));
        HOLDS(memcmp(plain, "plain", 5) == 0);
        HOLDS(acl_read_sequence(socket, plain, 1, 0, &total) == ACL_SOCKET_END_OF_FILE);
        stop(&d, socket);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    printf("# %u seeds\n", seed - 1);
}

MAIN(CASE(valid_framings_whole), CASE(valid_framings_byte_by_byte), CASE(valid_framings_in_segments),
     CASE(broken_framings_whole), CASE(broken_framings_byte_by_byte), CASE(limits_of_extensions_and_trailers),
     CASE(random_bodies))
