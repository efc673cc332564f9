/* A reader, or a writer, leaves its calls thousands of times, and nothing of the stream is lost or repeated. */
#include "concurrent.h"

/* What was sent, and what was read. */
enum { MOST = 1 << 20 };
static char sent_bytes[MOST], read_bytes[MOST];
static size_t read_length;

static double duration(void) { return slowly() ? 1.5 : 2; }

/* Whether the thread sleeps at this moment; with `for_sure` waits until it does and goes on. */
static int sleeps_now(task *self, int for_sure)
{
    long times;
    if (for_sure && slowly())
        TASK_BLOCKS(self);
    return GET(self->id) != 0 && asleep(GET(self->id), &times);
}

static void taken(const void *data, size_t length)
{
    CHECK(read_length + length <= MOST);
    memcpy(read_bytes + read_length, data, length);
    read_length += length;
}

static acl_status read_line_of(task *self)
{
    return acl_read_line(self->socket, self->data, 1000, NULL);
}

/* The view is in data[0], its length in size. */
static acl_status peek_of(task *self)
{
    return acl_peek_input(self->socket, 1, self->data, &self->size);
}

/* Reads in one way after the other until the end of the file; `left` counts. */
static acl_status read_all(task *self)
{
    uint64_t state = 11;
    for (;;) {
        char line[1000];
        uint8_t byte;
        const void *view;
        task inner = { .socket = self->socket };
        acl_status status;
        int way = self->size == 1 ? 2 : (int)(chance(&state) % 3);
        if (way == 0) {
            inner.data = &byte;
            status = leavable(in_read_byte, &inner);
        } else if (way == 1) {
            inner.data = line;
            status = leavable(read_line_of, &inner);
        } else {
            inner.data = &view;
            status = leavable(peek_of, &inner);
        }
        if (status == LEFT) {
            ADD(self->left, 1);
            continue;
        }
        if (status != ACL_SOCKET_OK)
            return status;
        if (way == 0) {
            taken(&byte, 1);
        } else if (way == 1) {
            taken(line, strlen(line));
            taken("\n", 1);
        } else {
            size_t some = 1 + chance(&state) % inner.size;
            taken(view, some);
            OK(acl_consume_input(self->socket, some));
        }
    }
}

/* Letters, and a newline at the end and here and there. */
static size_t make_text(uint64_t *state, char *text)
{
    size_t length = 1 + chance(state) % 40, i;
    for (i = 0; i < length; i++)
        text[i] = chance(state) % 15 ? (char)('a' + chance(state) % 26) : '\n';
    return length;
}

static void all_was_read(size_t sent_length)
{
    size_t i;
    for (i = 0; i < sent_length && i < read_length; i++)
        if (sent_bytes[i] != read_bytes[i])
            fail(__FILE__, __LINE__, "of %zu bytes, %zu were read; wrong at %zu", sent_length, read_length, i);
    EQUAL(read_length, sent_length);
}

/* The reader leaves only when it has taken all there is and waits for more. */
TEST(leaving_while_nothing_comes)
{
    expect_signals();
    EACH_KIND {
        int raw, fd, waiting, leaves = 0;
        size_t sent_length = 0;
        uint64_t state = 5 + (uint64_t)kind;
        task reader;
        double limit = clock_now() + duration();
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        fd = fd_of(stream);
        read_length = 0;
        TASK_BEGINS(&reader, read_all, .socket = stream);
        while (leaves < rounds(3000, 30) && clock_now() < limit && sent_length < MOST - 100) {
            if (chance(&state) % 2) {
                size_t length = make_text(&state, sent_bytes + sent_length);
                put(raw, sent_bytes + sent_length, length);
                sent_length += length;
                continue;
            }
            do
                EQUAL(ioctl(fd, FIONREAD, &waiting), 0);
            while (waiting > 0 || !sleeps_now(&reader, 1));
            EQUAL(pthread_kill(reader.thread, SIGUSR1), 0);
            leaves++;
            COMES(GET(reader.left) == leaves, patience());
        }
        sent_bytes[sent_length] = '\n';
        put(raw, sent_bytes + sent_length++, 1);
        EQUAL(shutdown(raw, SHUT_WR), 0);
        TASK_ENDS(&reader, patience() + 1, ACL_SOCKET_END_OF_FILE);
        all_was_read(sent_length);
        printf("#   left %d times\n", leaves);
        done(stream);
        close(raw);
    }
}

/* Signals at random moments, each when the victim was just seen asleep. */
typedef struct { task *victim; int over; } hunt;

static acl_status hunt_down(task *self)
{
    hunt *at = self->data;
    uint64_t state = 17;
    while (!GET(at->over)) {
        if (sleeps_now(at->victim, 0))
            EQUAL(pthread_kill(at->victim->thread, SIGUSR1), 0);
        nap((long)(chance(&state) % 200));
    }
    return ACL_SOCKET_OK;
}

/* Data comes at any moment, also while the reader leaves. It takes only what it was shown. */
TEST(leaving_while_something_comes)
{
    expect_signals();
    OK(acl_set_non_local_exits(1));
    EQUAL(acl_get_non_local_exits(), 1);
    EACH_KIND {
        int raw;
        size_t sent_length = 0;
        uint64_t state = 5 + (uint64_t)kind;
        task reader, hunter;
        hunt at = { .victim = &reader };
        double limit = clock_now() + duration() / 2;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        read_length = 0;
        TASK_BEGINS(&reader, read_all, .socket = stream, .size = 1);
        TASK_BEGINS(&hunter, hunt_down, .data = &at);
        while (clock_now() < limit && sent_length < MOST - 100) {
            size_t length = make_text(&state, sent_bytes + sent_length);
            put(raw, sent_bytes + sent_length, length);
            sent_length += length;
            if (chance(&state) % 4)
                nap((long)(chance(&state) % 150));
        }
        SET(at.over, 1);
        TASK_ENDS(&hunter, patience(), ACL_SOCKET_OK);
        EQUAL(shutdown(raw, SHUT_WR), 0);
        TASK_ENDS(&reader, patience() + 1, ACL_SOCKET_END_OF_FILE);
        all_was_read(sent_length);
        printf("#   left %d times\n", reader.left);
        done(stream);
        close(raw);
    }
}

/* --- a writer, whose lines come whole and in order where it did not leave */

static acl_status write_line_of(task *self)
{
    return acl_write_line(self->socket, self->data, self->size);
}

static acl_status flush_of(task *self)
{
    return acl_force_output(self->socket);
}

static int writing_over;
static char line_written[3000];

/* "<number....>" */
static void make_numbered(task *self, unsigned number, uint64_t *state)
{
    self->data = line_written;
    self->size = (size_t)sprintf(line_written, "<%u", number);
    while (self->size < sizeof line_written - 2 && chance(state) % 1000)
        line_written[self->size++] = '.';
    line_written[self->size++] = '>';
}

static acl_status write_all(task *self)
{
    unsigned number;
    uint64_t state = 23;
    task inner = { .socket = self->socket };
    for (number = 0; !GET(writing_over); number++) {
        acl_status status;
        make_numbered(&inner, number, &state);
        status = leavable(write_line_of, &inner);
        if (status == ACL_SOCKET_OK && chance(&state) % 10 == 0)
            status = leavable(flush_of, &inner);
        if (status == LEFT)
            ADD(self->left, 1);
        else if (status != ACL_SOCKET_OK)
            return status;
    }
    make_numbered(&inner, number, &state);
    OK(write_line_of(&inner));
    OK(flush_of(&inner));
    self->size = number;
    return acl_shutdown(self->socket, ACL_SOCKET_OUTPUT);
}

/* The writer leaves when the peer has not read for a while. A line that was left may lack its end or not come at all, no
 * other one may. */
TEST(a_writer_leaves_while_nobody_reads)
{
    static char line[200000];
    int kind;
    expect_signals();
    for (kind = OVER_FILE; kind < KINDS; kind++) {
        acl_socket *from, *to;
        task writer;
        long last = -1, missing = 0, number;
        size_t length;
        int torn = 0, leaves = 0, lines = 0;
        uint64_t state = 5;
        double limit = clock_now() + duration() / 2;
        stream_pair(kind, NULL, &from, &to);
        SET(writing_over, 0);
        TASK_BEGINS(&writer, write_all, .socket = from);
        for (;;) {
            const char *opening;
            acl_status status;
            if (lines == 0 && clock_now() < limit) {
                TASK_BLOCKS(&writer);
                EQUAL(pthread_kill(writer.thread, SIGUSR1), 0);
                leaves++;
                COMES(GET(writer.left) == leaves, patience());
                lines = 1 + (int)(chance(&state) % 400);
            }
            if (clock_now() >= limit)
                SET(writing_over, 1);
            status = acl_read_line(to, line, sizeof line, &length);
            if (status == ACL_SOCKET_END_OF_FILE)
                break;
            EQUAL(status, ACL_SOCKET_OK);
            opening = strrchr(line, '<');
            CHECK(opening != NULL && line[length - 1] == '>');
            CHECK(sscanf(opening, "<%ld", &number) == 1);
            CHECK(number > last);
            torn += opening != line;
            missing += number - last - 1;
            last = number;
            lines -= lines > 0;
        }
        TASK_ENDS(&writer, patience(), ACL_SOCKET_OK);
        EQUAL(last, writer.size);
        CHECK(torn <= leaves && missing <= leaves);
        printf("#   left %d times; %d lines torn, %ld missing\n", leaves, torn, missing);
        done(from);
        done(to);
    }
}

/* The peer reads slowly. A line that was left may lack its end or not come at all, no other one may. */
TEST(a_writer_leaves_while_somebody_reads)
{
    static char line[200000];
    expect_signals();
    OK(acl_set_non_local_exits(1));
    EACH_KIND {
        acl_socket *from, *to;
        task writer, hunter;
        hunt at = { .victim = &writer };
        long last = -1, missing = 0, number;
        size_t length;
        acl_status status;
        int torn = 0, on = 1;
        uint64_t state = 5;
        double limit = clock_now() + duration() / 2;
        stream_pair(kind, NULL, &from, &to);
        EQUAL(setsockopt(fd_of(from), SOL_SOCKET, SO_SNDBUF, &on, sizeof on), 0);
        SET(writing_over, 0);
        TASK_BEGINS(&writer, write_all, .socket = from);
        TASK_BEGINS(&hunter, hunt_down, .data = &at);
        while ((status = acl_read_line(to, line, sizeof line, &length)) == ACL_SOCKET_OK) {
            const char *opening = strrchr(line, '<');
            CHECK(opening != NULL && line[length - 1] == '>');
            CHECK(sscanf(opening, "<%ld", &number) == 1);
            CHECK(number > last);
            torn += opening != line;
            missing += number - last - 1;
            last = number;
            if (clock_now() < limit) {
                if (chance(&state) % 50 == 0)
                    nap(2000);
            } else if (!GET(writing_over)) {
                SET(at.over, 1);
                TASK_ENDS(&hunter, patience(), ACL_SOCKET_OK);
                SET(writing_over, 1);
            }
        }
        EQUAL(status, ACL_SOCKET_END_OF_FILE);
        TASK_ENDS(&writer, patience(), ACL_SOCKET_OK);
        EQUAL(last, writer.size);
        CHECK(torn <= writer.left && missing <= writer.left);
        printf("#   left %d times; %d lines torn, %ld missing\n", writer.left, torn, missing);
        done(from);
        done(to);
    }
}

MAIN(CASE(leaving_while_nothing_comes), CASE(leaving_while_something_comes), CASE(a_writer_leaves_while_nobody_reads),
     CASE(a_writer_leaves_while_somebody_reads))
