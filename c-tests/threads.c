/* Several threads use one socket: both directions at once, turns of readers and of writers, accepting, receiving. */
#include "concurrent.h"

/* --- both directions at once */

static inline unsigned char byte_at(size_t at, size_t seed)
{
    return (unsigned char)((at * 2654435761u + seed) >> 13 ^ at >> 21);
}

enum { PART = 65536 };

static acl_status write_pattern(task *self)
{
    unsigned char *part = malloc(PART);
    uint64_t state = (uintptr_t)self->data;
    size_t at = 0, i, size, written;
    acl_status status = ACL_SOCKET_OK;
    while (status == ACL_SOCKET_OK && at < self->size) {
        size = 1 + chance(&state) % (chance(&state) % 4 ? 3000 : PART);
        if (size > self->size - at)
            size = self->size - at;
        for (i = 0; i < size; i++)
            part[i] = byte_at(at + i, (uintptr_t)self->data);
        status = acl_write_vector(self->socket, part, size, &written);
        if (status == ACL_SOCKET_OK)
            EQUAL(written, size);
        at += size;
    }
    free(part);
    if (status == ACL_SOCKET_OK)
        status = acl_force_output(self->socket);
    return status == ACL_SOCKET_OK ? acl_shutdown(self->socket, ACL_SOCKET_OUTPUT) : status;
}

static acl_status read_pattern(task *self)
{
    unsigned char *part = malloc(PART);
    uint64_t state = (uintptr_t)self->data;
    size_t at = 0, i, length;
    acl_status status;
    do {
        size_t size = 1 + chance(&state) % PART;
        status = acl_read_sequence(self->socket, part, size, (int32_t)(chance(&state) % 2), &length);
        for (i = 0; i < length; i++)
            if (part[i] != byte_at(at + i, (uintptr_t)self->data))
                fail(__FILE__, __LINE__, "wrong byte at %zu", at + i);
        at += length;
    } while (status == ACL_SOCKET_OK);
    free(part);
    EQUAL(at, self->size);
    return status;
}

TEST(one_reads_while_another_writes)
{
    const size_t size = (size_t)rounds(20, 1) << 20;
    EACH_KIND {
        acl_socket *ends[2];
        task writers[2], readers[2];
        int i;
        stream_pair(kind, NULL, &ends[0], &ends[1]);
        for (i = 0; i < 2; i++) {
            TASK_BEGINS(&writers[i], write_pattern, .socket = ends[i], .size = size, .data = (void *)(uintptr_t)(i + 1));
            TASK_BEGINS(&readers[i], read_pattern, .socket = ends[i], .size = size, .data = (void *)(uintptr_t)(2 - i));
        }
        for (i = 0; i < 2; i++) {
            TASK_ENDS(&writers[i], 25, ACL_SOCKET_OK);
            TASK_ENDS(&readers[i], 25, ACL_SOCKET_END_OF_FILE);
        }
        for (i = 0; i < 2; i++)
            done(ends[i]);
    }
}

/* --- turns */

static uint32_t checksum(const char *text, size_t length)
{
    uint32_t sum = 2166136261u;
    while (length-- > 0)
        sum = (sum ^ (unsigned char)*text++) * 16777619u;
    return sum;
}

/* "source number letters checksum", without a newline. */
static size_t make_line(char *line, unsigned source, unsigned number, size_t letters)
{
    size_t length = (size_t)sprintf(line, "%u %u ", source, number), i;
    for (i = 0; i < letters; i++)
        line[length++] = (char)('a' + (number + i) % 26);
    return length + (size_t)sprintf(line + length, " %08x", (unsigned)checksum(line, length));
}

static void check_line(const char *line, size_t length, unsigned *source, unsigned *number)
{
    unsigned sum;
    if (length < 13 || sscanf(line, "%u %u ", source, number) != 2 || sscanf(line + length - 9, " %08x", &sum) != 1
        || sum != checksum(line, length - 9))
        fail(__FILE__, __LINE__, "a torn line: %.100s", line);
}

enum { LINES = 20000, LONGEST = 4000 };
static int lines_seen[LINES];

static acl_status read_lines(task *self)
{
    char line[LONGEST + 100];
    acl_status status;
    size_t length;
    while ((status = acl_read_line(self->socket, line, sizeof line, &length)) == ACL_SOCKET_OK) {
        unsigned source, number;
        check_line(line, length, &source, &number);
        CHECK(number < LINES);
        ADD(lines_seen[number], 1);
        self->size++;
    }
    return status;
}

TEST(readers_take_turns_by_lines)
{
    enum { READERS = 4 };
    const unsigned count = (unsigned)rounds(LINES, 400);
    EACH_KIND {
        static char text[1 << 20];
        char line[LONGEST + 100];
        task readers[READERS];
        uint64_t state = 7;
        size_t length = 0, read = 0, at;
        unsigned number;
        int raw, i;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        memset(lines_seen, 0, sizeof lines_seen);
        for (i = 0; i < READERS; i++)
            TASK_BEGINS(&readers[i], read_lines, .socket = stream);
        for (number = 0; number < count; number++) {
            size_t size = make_line(line, 0, number, chance(&state) % (chance(&state) % 20 ? 100 : LONGEST));
            memcpy(text + length, line, size);
            length += size;
            text[length++] = '\n';
            if (length < sizeof text - sizeof line - 1 && number + 1 < count)
                continue;
            for (at = 0; at < length; at += size) {
                size = 1 + chance(&state) % 5000;
                if (size > length - at)
                    size = length - at;
                put(raw, text + at, size);
            }
            length = 0;
        }
        EQUAL(shutdown(raw, SHUT_WR), 0);
        for (i = 0; i < READERS; i++) {
            TASK_ENDS(&readers[i], 20, ACL_SOCKET_END_OF_FILE);
            read += readers[i].size;
        }
        EQUAL(read, count);
        for (number = 0; number < count; number++)
            EQUAL(lines_seen[number], 1);
        done(stream);
        close(raw);
    }
}

enum { WRITERS = 4, LONG = 100000 };

static acl_status write_lines(task *self)
{
    char *line = malloc(LONG + 100);
    unsigned source = (unsigned)(uintptr_t)self->data, number;
    uint64_t state = source;
    acl_status status = ACL_SOCKET_OK;
    for (number = 0; number < self->size && status == ACL_SOCKET_OK; number++) {
        size_t length = make_line(line, source, number, chance(&state) % (chance(&state) % 50 ? 200 : LONG));
        status = acl_write_line(self->socket, line, length);
        if (status == ACL_SOCKET_OK && chance(&state) % 30 == 0)
            status = acl_force_output(self->socket);
    }
    free(line);
    return status == ACL_SOCKET_OK ? acl_force_output(self->socket) : status;
}

TEST(writers_take_turns_by_lines)
{
    const unsigned each = (unsigned)rounds(3000, 60);
    EACH_KIND {
        acl_socket *from, *to;
        task writers[WRITERS];
        unsigned next[WRITERS] = { 0 }, i;
        char *line = malloc(LONG + 100);
        stream_pair(kind, NULL, &from, &to);
        for (i = 0; i < WRITERS; i++)
            TASK_BEGINS(&writers[i], write_lines, .socket = from, .size = each, .data = (void *)(uintptr_t)i);
        for (i = 0; i < WRITERS * each; i++) {
            unsigned source, number;
            size_t length;
            OK(acl_read_line(to, line, LONG + 100, &length));
            check_line(line, length, &source, &number);
            CHECK(source < WRITERS);
            EQUAL(number, next[source]);
            next[source]++;
        }
        for (i = 0; i < WRITERS; i++)
            TASK_ENDS(&writers[i], 20, ACL_SOCKET_OK);
        OK(acl_close(from, 0));
        EQUAL(acl_read_line(to, line, LONG + 100, NULL), ACL_SOCKET_END_OF_FILE);
        OK(acl_free_socket(from));
        done(to);
        free(line);
    }
}

/* --- passive and datagram sockets */

static int accepted;

static acl_status accept_all(task *self)
{
    acl_socket *stream;
    acl_status status;
    while ((status = acl_accept_connection(self->socket, ACL_SOCKET_WAIT, &stream)) == ACL_SOCKET_OK) {
        BYTE(stream, 'x');
        OK(acl_write_byte(stream, 'y'));
        OK(acl_close(stream, 0));
        OK(acl_free_socket(stream));
        ADD(accepted, 1);
    }
    CHECK(stream == NULL);
    return status;
}

TEST(many_threads_accept)
{
    enum { THREADS = 8, BATCH = 20 };
    task acceptors[THREADS];
    acl_socket *streams[BATCH];
    int32_t port;
    int i, round, count = rounds(200, 40);
    acl_socket *passive = listener(&port);
    for (i = 0; i < THREADS; i++)
        TASK_BEGINS(&acceptors[i], accept_all, .socket = passive);
    for (round = 0; round < count / BATCH; round++) {
        for (i = 0; i < BATCH; i++) {
            OK(MAKE(&streams[i], .remote_host = "127.0.0.1", .remote_port = port));
            OK(acl_write_byte(streams[i], 'x'));
            OK(acl_force_output(streams[i]));
        }
        for (i = 0; i < BATCH; i++) {
            BYTE(streams[i], 'y');
            done(streams[i]);
        }
        if (round % 3 == 0)
            for (i = 0; i < THREADS; i++)
                TASK_BLOCKS(&acceptors[i]);
    }
    COMES(GET(accepted) == count, 20);
    for (i = 0; i < THREADS; i++)
        TASK_BLOCKS(&acceptors[i]);
    OK(acl_close(passive, 0));
    for (i = 0; i < THREADS; i++)
        TASK_ENDS(&acceptors[i], patience(), ACL_SOCKET_CLOSED);
    EQUAL(accepted, count);
    OK(acl_free_socket(passive));
}

static acl_status receive_all(task *self)
{
    int number;
    acl_received received;
    acl_status status;
    while ((status = acl_receive_from(self->socket, &number, sizeof number, &received)) == ACL_SOCKET_OK) {
        EQUAL(received.length, sizeof number);
        CHECK(number >= 0 && number < LINES);
        ADD(lines_seen[number], 1);
        ADD(accepted, 1);
    }
    return status;
}

TEST(many_threads_receive)
{
    enum { THREADS = 6 };
    task receivers[THREADS];
    int pair[2], i, count = rounds(LINES, 500);
    acl_socket *datagrams;
    EQUAL(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    datagrams = adopt(pair[0], NULL);
    for (i = 0; i < THREADS; i++)
        TASK_BEGINS(&receivers[i], receive_all, .socket = datagrams);
    for (i = 0; i < count; i++)
        put(pair[1], &i, sizeof i);
    COMES(GET(accepted) == count, 20);
    for (i = 0; i < THREADS; i++)
        TASK_BLOCKS(&receivers[i]);
    OK(acl_close(datagrams, 0));
    for (i = 0; i < THREADS; i++)
        TASK_ENDS(&receivers[i], patience(), ACL_SOCKET_CLOSED);
    for (i = 0; i < count; i++)
        EQUAL(lines_seen[i], 1);
    OK(acl_free_socket(datagrams));
    close(pair[1]);
}

/* --- threads that end */

static acl_status read_byte_and_exit(task *self)
{
    BYTE(self->socket, 'x');
    OK(acl_write_byte(self->socket, 'y'));
    OK(acl_force_output(self->socket));
    EQUAL(acl_close(NULL, 0), ACL_SOCKET_INVALID_HANDLE);
    SET(self->ended, 1);
    if (self->size)
        pthread_exit(NULL);
    return ACL_SOCKET_OK;
}

TEST(threads_that_end_leave_the_stream_to_others)
{
    EACH_KIND {
        int raw, i;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < rounds(300, 20); i++) {
            task user;
            TASK_BEGINS(&user, read_byte_and_exit, .socket = stream, .size = (size_t)i % 2);
            PUT(raw, "x");
            TASK_ENDS(&user, patience(), ACL_SOCKET_OK);
            EXPECT(raw, "y");
        }
        PUT(raw, "z");
        BYTE(stream, 'z');
        done(stream);
        close(raw);
    }
}

static acl_status read_two_bytes(task *self)
{
    acl_status status = in_read_byte(self);
    return status == ACL_SOCKET_OK ? in_read_byte(self) : status;
}

static void use_as_child(acl_socket *stream, acl_socket *other, int kind, int report)
{
    uint32_t character;
    alarm(15);
    OK(acl_write_string(stream, "from the child\n", 15));
    OK(acl_force_output(stream));
    EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_WOULD_BLOCK);
    CHARACTER(other, (uint32_t)'0' + (uint32_t)kind);
    OK(acl_close(other, 0));
    OK(acl_free_socket(other));
    OK(acl_close(stream, 0));
    EQUAL(acl_write_byte(stream, 'x'), ACL_SOCKET_CLOSED);
    OK(acl_free_socket(stream));
    EQUAL(acl_write_byte(stream, 'x'), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(write(report, "k", 1), 1);
    _exit(0);
}

/* The turn of that thread does not bind the child, in which it is not. The child tells by a byte that all is well: to
 * valgrind what the thread had is a leak. */
TEST(a_child_is_made_while_a_thread_reads)
{
    EACH_KIND {
        int raw, raw_other, status, round, report[2];
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (round = 0; round < rounds(10, 2); round++) {
            acl_socket *other = stream_and_raw((kind + 1) % KINDS, NULL, &raw_other);
            char byte = (char)('0' + kind);
            task reader;
            pid_t child;
            EQUAL(pipe(report), 0);
            TASK_BEGINS(&reader, round % 2 ? read_two_bytes : in_read_byte, .socket = stream);
            TASK_BLOCKS(&reader);
            child = fork();
            CHECK(child >= 0);
            if (child == 0)
                use_as_child(stream, other, kind, report[1]);
            close(report[1]);
            put(raw_other, &byte, 1);
            EQUAL(read(report[0], &byte, 1), 1);
            close(report[0]);
            EQUAL(waitpid(child, &status, 0), child);
            CHECK(WIFEXITED(status));
            EXPECT(raw, "from the child\n");
            TASK_BLOCKS(&reader);
            put(raw, "xy", round % 2 ? 2 : 1);
            TASK_ENDS(&reader, patience(), ACL_SOCKET_OK);
            OK(acl_write_byte(stream, 'p'));
            OK(acl_force_output(stream));
            EXPECT(raw, "p");
            done(other);
            close(raw_other);
        }
        done(stream);
        close(raw);
    }
}

MAIN(CASE(one_reads_while_another_writes), CASE(readers_take_turns_by_lines), CASE(writers_take_turns_by_lines),
     CASE(many_threads_accept), CASE(many_threads_receive), CASE(threads_that_end_leave_the_stream_to_others),
     CASE(a_child_is_made_while_a_thread_reads))
