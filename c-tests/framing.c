/* The chunked coding: every valid framing gives its body, every other one an error, however bytes arrive and are read. */
#include "chunks.h"
#include "concurrent.h"
#include "functions.h"

/* Where a test of a table or of random numbers is. */
static char where[100];
#define HOLDS(condition) \
    do { if (!(condition)) fail(__FILE__, __LINE__, "%s: %s; last: %s", where, #condition, acl_stream_error_report()); } while (0)
#define FINE(call) HOLDS((call) == ACL_SOCKET_OK)

/* Bytes on their way to a stream: whole, or in segments of random size that arrive one at a time. */
typedef struct { int raw, fd, closes, read; const char *bytes; size_t length, segment; uint64_t random; pthread_t thread; } delivery;

static void *run(void *argument)
{
    delivery *d = argument;
    size_t at = 0, size;
    while (at < d->length) {
        int tries, unread = 1;
        size = d->length - at;
        if (d->segment > 0 && d->segment < size)
            size = d->segment;
        if (d->segment > 1 && size > 1)
            size = 1 + chance(&d->random) % size;
        put(d->raw, d->bytes + at, size);
        at += size;
        /* The reader may be done before all is read: no waiting for ever. */
        for (tries = 0; d->segment > 0 && !GET(d->read) && tries < 200 && ioctl(d->fd, FIONREAD, &unread) == 0 && unread > 0; tries++)
            sched_yield();
    }
    if (d->closes)
        shutdown(d->raw, SHUT_WR);
    return NULL;
}

/* A stream that characters and bytes are the same in, and that reads chunks. */
static acl_socket *begin(delivery *d, const char *bytes, size_t length, size_t segment, uint64_t random, int closes)
{
    acl_socket *stream = STREAM(&d->raw, .external_format = "latin-1");
    INPUT_ON(stream);
    d->fd = fd_of(stream), d->bytes = bytes, d->length = length, d->segment = segment, d->closes = closes;
    d->random = random, d->read = 0;
    EQUAL(pthread_create(&d->thread, NULL, run, d), 0);
    return stream;
}

/* What has not come yet comes without waiting for the reader. */
static void join(delivery *d)
{
    SET(d->read, 1);
    EQUAL(pthread_join(d->thread, NULL), 0);
}

static void end(delivery *d, acl_socket *stream)
{
    join(d);
    gone(stream, d->raw);
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

/* One call of a reading function; what it gave, without a newline, also where the status is that of an end or an error. */
static acl_status read_some(acl_socket *stream, int reader, char *to, size_t *got)
{
    static const size_t rooms[READERS] = { 1, 7, 5, 64, 64, 5, 5, 5, 9, 20, 9, 9 };
    char room[64];
    const char *data;
    acl_status status = read_by(reader, stream, room, rooms[reader], &data, got);
    if (reader >= TEXT_READERS)
        *got = narrow(data, *got, to);
    else
        memcpy(to, data, *got);
    return status;
}

/* Reads until something else than content is answered. A newline ends each line, so one may be there that the body has not. */
static acl_status read_all(acl_socket *stream, int reader, char *to, size_t *total)
{
    acl_status status;
    size_t got;
    *total = 0;
    do {
        status = read_some(stream, reader, to + *total, &got);
        *total += got;
        if (reader >= LINE_READERS && status == ACL_SOCKET_OK)
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
    { BYTES("000000000000000a\r\n0123456789\r\n0000000000000000\r\n\r\n"), "0123456789", "" },
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
    int reader;
    for (row = 0; row < ROWS(valid); row++) {
        for (reader = 0; reader < READERS; reader++) {
            delivery d;
            char framed[500], body[500], text[100];
            int32_t at_end = 7;
            acl_status status;
            acl_socket *stream;
            snprintf(where, sizeof where, "valid[%d], %s", (int)row, reader_name(reader));
            memcpy(framed, valid[row].bytes, valid[row].length);
            memcpy(framed + valid[row].length, "plain", 5);
            stream = begin(&d, framed, valid[row].length + 5, segment, row * READERS + (unsigned)reader, 0);
            status = read_all(stream, reader, body, &total);
            size = strlen(valid[row].body);
            if (total == size + 1 && reader >= LINE_READERS && (size == 0 || valid[row].body[size - 1] != '\n'))
                total--;
            HOLDS(status == ACL_SOCKET_END_OF_FILE);
            HOLDS(total == size && memcmp(body, valid[row].body, size) == 0);
            FINE(acl_socket_chunking_end_of_file(stream, &at_end));
            HOLDS(at_end == 1);
            HOLDS(read_all(stream, (reader + 1) % READERS, body, &total) == ACL_SOCKET_END_OF_FILE && total == 0);
            FINE(acl_socket_chunking_trailers(stream, text, sizeof text, NULL));
            HOLDS(valid[row].trailers == NULL || strcmp(text, valid[row].trailers) == 0);
            FINE(CONTROL(stream, .input_chunking = ACL_SOCKET_OFF));
            FINE(acl_read_sequence(stream, body, 5, 0, &total));
            HOLDS(memcmp(body, "plain", 5) == 0);
            end(&d, stream);
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
    { BYTES("00000000000000005\r\nhello\r\n0\r\n\r\n"), "", 0 },
    { BYTES("5\r\nhello\r\n00000000000000005\r\nhello\r\n0\r\n\r\n"), "hello", 0 },
    { BYTES("5\r\nhello\r\n00000000000000000\r\n\r\n"), "hello", 0 },
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
static void stays_broken(delivery *d, acl_socket *stream)
{
    char bytes[100];
    int reader;
    int32_t at_end = 7;
    size_t got;
    for (reader = 0; reader < READERS; reader++) {
        HOLDS(read_some(stream, reader, bytes, &got) == ACL_SOCKET_CHUNKING_ERROR);
        HOLDS(got == 0);
    }
    FINE(acl_socket_chunking_end_of_file(stream, &at_end));
    HOLDS(at_end == 0);
    HOLDS(acl_read_no_hang_p(stream) == 1);
    FINE(CONTROL(stream, .input_chunking = ACL_SOCKET_OFF));
    join(d);
    shutdown(d->raw, SHUT_WR);
    while (acl_read_vector(stream, bytes, sizeof bytes, &got) == ACL_SOCKET_OK)
        HOLDS(got > 0);
    HOLDS(acl_stream_error_identifier() == ACL_SOCKET_END_OF_FILE);
    gone(stream, d->raw);
}

static void every_broken_framing(size_t segment)
{
    size_t row, total, size;
    int reader;
    for (row = 0; row < ROWS(broken); row++) {
        for (reader = 0; reader < READERS; reader++) {
            delivery d;
            char body[500];
            acl_status status;
            acl_socket *stream;
            snprintf(where, sizeof where, "broken[%d], %s", (int)row, reader_name(reader));
            stream = begin(&d, broken[row].bytes, broken[row].length, segment, row, broken[row].closes);
            status = read_all(stream, reader, body, &total);
            size = strlen(broken[row].body);
            HOLDS(status == ACL_SOCKET_CHUNKING_ERROR);
            HOLDS(total == size && memcmp(body, broken[row].body, size) == 0);
            stays_broken(&d, stream);
        }
    }
}

TEST(broken_framings_whole) { every_broken_framing(0); }
TEST(broken_framings_byte_by_byte) { every_broken_framing(1); }

static char framed[40000];

static void within_limits(size_t length, size_t segment, acl_status should, size_t body, size_t trailers)
{
    static char text[20000];
    char hello[100];
    size_t total;
    delivery d;
    acl_socket *stream = begin(&d, framed, length, segment, 1, 0);
    HOLDS(read_all(stream, READ_VECTOR, hello, &total) == should);
    HOLDS(total == body);
    if (should == ACL_SOCKET_CHUNKING_ERROR) {
        stays_broken(&d, stream);
    } else {
        FINE(acl_socket_chunking_trailers(stream, text, sizeof text, &total));
        HOLDS(total == trailers);
        end(&d, stream);
    }
}

/* The limits hold without waiting for the end of what is too long; what is within them is read. */
TEST(limits_of_extensions_and_trailers)
{
    static const struct { const char *before; const char *repeated; int times; const char *after; acl_status status; } rows[] = {
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
    size_t row, length;
    for (row = 0; row < ROWS(rows); row++) {
        int i, before_trailers = rows[row].before[1] == '\r';
        snprintf(where, sizeof where, "limits[%d]", (int)row);
        length = (size_t)sprintf(framed, "%s", rows[row].before);
        for (i = 0; i < rows[row].times; i++)
            length += (size_t)sprintf(framed + length, "%s", rows[row].repeated);
        length += (size_t)sprintf(framed + length, "%s", rows[row].after);
        within_limits(length, 0, rows[row].status, before_trailers || rows[row].status == ACL_SOCKET_END_OF_FILE ? 5 : 0,
            before_trailers ? length - 15 : 0);
    }
}

/* "hello" and the size of an extension, all that is between size and CR LF, for two chunks and the last; the trailers' size. */
static const struct { size_t extensions[3], trailers; acl_status status; size_t body; } exact[] = {
    { { 4096, 0, 0 }, 0, ACL_SOCKET_END_OF_FILE, 10 },
    { { 4097, 0, 0 }, 0, ACL_SOCKET_CHUNKING_ERROR, 0 },
    { { 3000, 3000, 0 }, 0, ACL_SOCKET_END_OF_FILE, 10 },
    { { 4096, 4096, 4096 }, 0, ACL_SOCKET_END_OF_FILE, 10 },
    { { 4096, 4097, 0 }, 0, ACL_SOCKET_CHUNKING_ERROR, 5 },
    { { 0, 0, 4097 }, 0, ACL_SOCKET_CHUNKING_ERROR, 10 },
    { { 0, 0, 0 }, 16384, ACL_SOCKET_END_OF_FILE, 10 },
    { { 0, 0, 0 }, 16385, ACL_SOCKET_CHUNKING_ERROR, 10 },
    { { 4096, 4096, 4096 }, 16384, ACL_SOCKET_END_OF_FILE, 10 },
    { { 4096, 4096, 4096 }, 16385, ACL_SOCKET_CHUNKING_ERROR, 10 },
};

TEST(exact_limits)
{
    size_t row;
    int way;
    for (row = 0; row < ROWS(exact); row++) {
        for (way = 0; way < 4; way++) {
            char *at = framed;
            size_t left, line, segment = way % 2 ? 500 : 0, spaces = way / 2 ? 2000 : 0;
            int chunk;
            for (chunk = 0; chunk < 3; chunk++) {
                *at++ = chunk < 2 ? '5' : '0';
                left = exact[row].extensions[chunk];
                if (left > 0) {
                    memset(at, ' ', spaces);
                    memset(at + spaces, 'a', left - spaces);
                    at[spaces] = ';';
                }
                at += left;
                at += sprintf(at, chunk < 2 ? "\r\nhello\r\n" : "\r\n");
            }
            for (left = exact[row].trailers; left > 0; left -= line) {
                line = left > 200 ? 100 : left;
                memset(at, 'b', line);
                memcpy(at, "A:", 2);
                memcpy(at + line - 2, "\r\n", 2);
                at += line;
            }
            at += sprintf(at, "\r\n");
            snprintf(where, sizeof where, "exact[%d], %d spaces, segments of %d", (int)row, (int)spaces, (int)segment);
            within_limits((size_t)(at - framed), segment, exact[row].status, exact[row].body, exact[row].trailers);
        }
    }
}

/* Bodies of random bytes, framed, delivered and read at random. */
enum { LONGEST = 100000, BODIES = 3 };
static char bodies[BODIES][LONGEST], stuff[BODIES * 4 * LONGEST];

static size_t frame(const char *body, size_t length, size_t largest, char *to, uint64_t *random)
{
    static const char *extensions[] = { ";a", " ; b=c", ";d=\"\\\"; \"", "\t;\te", "", "", "", "" };
    size_t at = 0, n, extra = 0;
    do {
        const char *extension = extra < 3000 ? extensions[chance(random) % 8] : "";
        n = 1 + chance(random) % largest;
        if (n > length)
            n = length;
        extra += strlen(extension);
        at += (size_t)sprintf(to + at, chance(random) % 2 ? "%0*X%s\r\n" : "%0*x%s\r\n", (int)(chance(random) % 6),
            (unsigned)n, extension);
        memcpy(to + at, body, n);
        at += n;
        body += n, length -= n;
        while (n == 0 && chance(random) % 2)
            at += (size_t)sprintf(to + at, "Name: value\r\n");
        at += (size_t)sprintf(to + at, "\r\n");
    } while (n > 0);
    return at;
}

static void reads_body(acl_socket *stream, const char *body, size_t length, uint64_t *random)
{
    static char to[LONGEST];
    size_t at = 0, got;
    int continued = 0, reader = 0;
    acl_status status;
    do {
        reader = chance(random) % 4 ? reader : (int)(chance(random) % (READERS + 1));
        status = reader < READERS ? read_some(stream, reader, to, &got)
            : acl_read_sequence(stream, to, 1 + chance(random) % 70000, chance(random) % 2, &got);
        HOLDS(got <= length - at && memcmp(to, body + at, got) == 0);
        at += got;
        if (status == ACL_SOCKET_OK && (reader == READ_LINE || reader == READ_LINE_VIEW)) {
            HOLDS(at < length ? body[at] == '\n' : got > 0 || continued);
            at += at < length;
        } else if (status != ACL_SOCKET_END_OF_FILE) {
            HOLDS(got > 0 && (status == ACL_SOCKET_OK || status == ACL_SOCKET_BUFFER_TOO_SMALL));
        }
        continued = status == ACL_SOCKET_BUFFER_TOO_SMALL;
        if (status == ACL_SOCKET_OK && reader == READ_CHAR && chance(random) % 4 == 0) {
            FINE(acl_unread_char(stream, (unsigned char)*to));
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
        uint64_t random = seed;
        size_t lengths[BODIES], total = 0, j, segment;
        int count, b;
        delivery d;
        char plain[5];
        acl_socket *stream;
        snprintf(where, sizeof where, "seed %u", seed);
        count = 1 + (int)(chance(&random) % BODIES);
        for (b = 0; b < count; b++) {
            int large = chance(&random) % 8 == 0;
            unsigned newlines = 1 + chance(&random) % 100;
            lengths[b] = chance(&random) % (large ? LONGEST : 2000);
            for (j = 0; j < lengths[b]; j++)
                bodies[b][j] = chance(&random) % newlines ? (char)(chance(&random) >> 7) : '\n';
            total += frame(bodies[b], lengths[b], large ? 90000 : 1 + chance(&random) % 300, stuff + total, &random);
        }
        memcpy(stuff + total, "plain", 5);
        total += 5;
        segment = chance(&random) % 4 ? 1 + total / (1 + chance(&random) % 300) : 0;
        stream = begin(&d, stuff, total, segment, random, 1);
        for (b = 0; b < count; b++) {
            int32_t at_end = 7;
            FINE(CONTROL(stream, .input_chunking = ACL_SOCKET_ON));
            reads_body(stream, bodies[b], lengths[b], &random);
            FINE(acl_socket_chunking_end_of_file(stream, &at_end));
            HOLDS(at_end == 1);
        }
        FINE(CONTROL(stream, .input_chunking = ACL_SOCKET_OFF));
        FINE(acl_read_sequence(stream, plain, 5, 0, &total));
        HOLDS(memcmp(plain, "plain", 5) == 0);
        HOLDS(acl_read_sequence(stream, plain, 1, 0, &total) == ACL_SOCKET_END_OF_FILE);
        end(&d, stream);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    printf("# %u seeds\n", seed - 1);
}

MAIN(CASE(valid_framings_whole), CASE(valid_framings_byte_by_byte), CASE(valid_framings_in_segments),
     CASE(broken_framings_whole), CASE(broken_framings_byte_by_byte), CASE(limits_of_extensions_and_trailers),
     CASE(exact_limits), CASE(random_bodies))
