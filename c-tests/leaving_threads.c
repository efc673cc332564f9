/* Threads that leave a read or a write by longjmp, and then come back, do something else or end; others get their turn. */
#include "concurrent.h"

/* --- what a thread does after it left */

enum { IN_PAUSE, IN_NANOSLEEP, IN_POLL, IN_CONDITION, IN_OTHER_READ, COMPUTING, ENDED, ELSEWHERE };
static const char *const places[] = {
    "in pause", "in nanosleep", "in poll", "at a condition", "in another read", "computing", "ended"
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void until_released(task *self)
{
    pthread_mutex_lock(&lock);
    while (!self->released)
        pthread_cond_wait(&condition, &lock);
    pthread_mutex_unlock(&lock);
}

static int is_released(task *self)
{
    int is;
    pthread_mutex_lock(&lock);
    is = self->released;
    pthread_mutex_unlock(&lock);
    return is;
}

static void read_elsewhere(task *self)
{
    uint8_t byte;
    int raw;
    task inner = { .socket = stream_and_raw(ADOPTED, NULL, &raw), .data = &byte };
    while (!is_released(self))
        EQUAL(leavable(in_read_byte, &inner), LEFT);
    done(inner.socket);
    close(raw);
}

static acl_status go_elsewhere(task *self)
{
    double busy = clock_now() + 0.3;
    struct timespec long_time = { 20, 0 };
    switch ((int)self->size) {
    case IN_PAUSE:
        while (!is_released(self))
            pause();
        break;
    case IN_NANOSLEEP:
        while (!is_released(self))
            nanosleep(&long_time, NULL);
        break;
    case IN_POLL:
        while (!is_released(self))
            poll(NULL, 0, 20000);
        break;
    case IN_OTHER_READ:
        read_elsewhere(self);
        break;
    case COMPUTING:
        while (clock_now() < busy)
            continue;
        until_released(self);
        break;
    case IN_CONDITION:
        until_released(self);
        break;
    }
    return LEFT;
}

/* Ends the task wherever it is. */
static void release(task *self)
{
    pthread_mutex_lock(&lock);
    self->released = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&lock);
    COMES(GET(self->ended) || pthread_kill(self->thread, SIGUSR1) != 0, 10);
    TASK_ENDS(self, 5, LEFT);
}

/* --- readers */

static acl_status read_line_of(task *self)
{
    return acl_read_line(self->socket, self->data, 200, NULL);
}

static acl_status read_and_leave(task *self)
{
    acl_status status = leavable(read_line_of, self);
    SET(self->left, status == LEFT);
    return status == LEFT ? go_elsewhere(self) : status;
}

/* Leaves as often as a signal comes, and reads again. */
static acl_status read_again(task *self)
{
    acl_status status;
    while ((status = leavable(read_line_of, self)) == LEFT)
        ADD(self->left, 1);
    return status;
}

static void until_taken(acl_socket *stream)
{
    int waiting = 1;
    while (ioctl(fd_of(stream), FIONREAD, &waiting) == 0 && waiting > 0)
        nap(100);
}

TEST(a_reader_comes_back)
{
    expect_signals();
    EACH_KIND {
        int raw, round, leave;
        char line[200];
        task reader;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (round = 0; round < rounds(20, 4); round++) {
            TASK_BEGINS(&reader, read_again, .socket = stream, .data = line);
            if (round % 2)
                PUT(raw, "half");
            until_taken(stream);
            for (leave = 1; leave <= 3; leave++) {
                TASK_BLOCKS(&reader);
                EQUAL(pthread_kill(reader.thread, SIGUSR1), 0);
                COMES(GET(reader.left) == leave, patience());
            }
            PUT(raw, " of it\n");
            TASK_ENDS(&reader, patience(), ACL_SOCKET_OK);
            TEXT(line, round % 2 ? "half of it" : " of it");
        }
        done(stream);
        close(raw);
    }
}

/* Another thread reads when the first one has left and is somewhere else. */
TEST(a_reader_goes_elsewhere)
{
    int place;
    expect_signals();
    for (place = 0; place < ELSEWHERE; place++) {
        int raw;
        char line[200], other_line[200];
        task reader, other;
        acl_socket *stream = stream_and_raw(place % KINDS, NULL, &raw);
        printf("# %s\n", places[place]);
        TASK_BEGINS(&reader, read_and_leave, .socket = stream, .data = line, .size = (size_t)place);
        PUT(raw, "half");
        until_taken(stream);
        TASK_LEAVES(&reader);
        TASK_BEGINS(&other, read_line_of, .socket = stream, .data = other_line);
        PUT(raw, " of it\n");
        TASK_ENDS(&other, patience() + 1, ACL_SOCKET_OK);
        TEXT(other_line, "half of it");
        PUT(raw, "next\n");
        READS_LINE(stream, "next");
        release(&reader);
        done(stream);
        close(raw);
    }
}

/* The same when others wait for their turn before. */
TEST(those_who_wait_to_read_get_their_turn)
{
    enum { OTHERS = 3 };
    int place;
    expect_signals();
    for (place = 0; place < ELSEWHERE; place++) {
        int raw, i, got;
        char line[200], lines[OTHERS][200];
        task reader, others[OTHERS];
        acl_socket *stream = stream_and_raw((place + 1) % KINDS, NULL, &raw);
        printf("# %s\n", places[place]);
        TASK_BEGINS(&reader, read_and_leave, .socket = stream, .data = line, .size = (size_t)place);
        PUT(raw, "half");
        until_taken(stream);
        TASK_BLOCKS(&reader);
        for (i = 0; i < OTHERS; i++)
            TASK_BEGINS(&others[i], read_line_of, .socket = stream, .data = lines[i]);
        for (i = 0; i < OTHERS; i++)
            TASK_BLOCKS(&others[i]);
        TASK_LEAVES(&reader);
        PUT(raw, " of it\n2\n3\n");
        for (i = 0, got = 0; i < OTHERS; i++) {
            TASK_ENDS(&others[i], patience() + 1, ACL_SOCKET_OK);
            got |= strcmp(lines[i], "half of it") == 0 ? 1 : strcmp(lines[i], "2") == 0 ? 2 : strcmp(lines[i], "3") == 0 ? 4 : 0;
        }
        EQUAL(got, 7);
        release(&reader);
        done(stream);
        close(raw);
    }
}

/* One after the other gets the turn and leaves it; the last one reads. */
TEST(all_leave_but_one)
{
    enum { THREADS = 4 };
    int raw, i;
    char lines[THREADS][200];
    task readers[THREADS];
    acl_socket *stream = stream_and_raw(OVER_TCP, NULL, &raw);
    expect_signals();
    for (i = 0; i < THREADS; i++) {
        TASK_BEGINS(&readers[i], i + 1 < THREADS ? read_and_leave : read_line_of, .socket = stream, .data = lines[i],
            .size = i % 2 ? IN_CONDITION : IN_PAUSE);
        TASK_BLOCKS(&readers[i]);
    }
    /* The second leaves while it waits for its turn, the others while they have it or wait for it. */
    TASK_LEAVES(&readers[1]);
    TASK_LEAVES(&readers[0]);
    TASK_LEAVES(&readers[2]);
    PUT(raw, "the line\n");
    TASK_ENDS(&readers[3], patience() + 1, ACL_SOCKET_OK);
    TEXT(lines[3], "the line");
    for (i = 0; i + 1 < THREADS; i++)
        release(&readers[i]);
    done(stream);
    close(raw);
}

TEST(one_who_left_waiting_for_its_turn_disturbs_nobody)
{
    expect_signals();
    EACH_KIND {
        int raw;
        char line[200], other_line[200];
        task reader, other;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        TASK_BEGINS(&reader, read_line_of, .socket = stream, .data = line);
        TASK_BLOCKS(&reader);
        TASK_BEGINS(&other, read_and_leave, .socket = stream, .data = other_line, .size = IN_CONDITION);
        TASK_LEAVES(&other);
        PUT(raw, "one\ntwo\n");
        TASK_ENDS(&reader, patience(), ACL_SOCKET_OK);
        TEXT(line, "one");
        READS_LINE(stream, "two");
        release(&other);
        done(stream);
        close(raw);
    }
}

/* One that has left does not keep others from closing, nor is it told of it. */
TEST(closing_after_a_reader_left)
{
    expect_signals();
    EACH_KIND {
        int raw;
        char line[200];
        task reader, other;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        TASK_BEGINS(&reader, read_and_leave, .socket = stream, .data = line, .size = IN_CONDITION);
        TASK_LEAVES(&reader);
        TASK_BEGINS(&other, read_line_of, .socket = stream, .data = line);
        TASK_BLOCKS(&other);
        OK(acl_close(stream, 0));
        TASK_ENDS(&other, patience(), ACL_SOCKET_CLOSED);
        OK(acl_free_socket(stream));
        release(&reader);
        expect_end(raw);
        close(raw);
    }
}

/* --- writers: the peer does not read until told; then it gets As, and Bs behind them */

enum { MUCH = 16 << 20, LITTLE = 100000 };
static char as[MUCH], bs[LITTLE]; /* set before the threads start */

typedef struct { int raw, begin; size_t as, bs; } peer;

static acl_status count_bytes(task *self)
{
    char room[65536];
    peer *at = self->data;
    size_t found = 0;
    ssize_t length, i;
    COMES(GET(at->begin), 20);
    while ((length = recv(at->raw, room, sizeof room, 0)) > 0) {
        for (i = 0; i < length; i++) {
            if (found == 0 && room[i] == 'A') {
                at->as++;
            } else {
                EQUAL(room[i], 'B');
                found++;
            }
        }
        SET(at->bs, found);
    }
    return ACL_SOCKET_OK;
}

static acl_status write_much(task *self)
{
    return acl_write_vector(self->socket, as, MUCH, NULL);
}

static acl_status write_little(task *self)
{
    acl_status status = acl_write_vector(self->socket, bs, LITTLE, NULL);
    return status == ACL_SOCKET_OK ? acl_force_output(self->socket) : status;
}

static acl_status write_and_leave(task *self)
{
    acl_status status = leavable(write_much, self);
    SET(self->left, status == LEFT);
    return status == LEFT ? go_elsewhere(self) : status;
}

static acl_status write_and_come_back(task *self)
{
    acl_status status = leavable(write_much, self);
    SET(self->left, status == LEFT);
    return status == LEFT ? write_little(self) : status;
}

static acl_socket *begin_writing(int kind, peer *at, task *reader)
{
    acl_socket *stream;
    memset(as, 'A', sizeof as);
    memset(bs, 'B', sizeof bs);
    memset(at, 0, sizeof *at);
    stream = stream_and_raw(kind, NULL, &at->raw);
    TASK_BEGINS(reader, count_bytes, .data = at);
    return stream;
}

static void end_writing(acl_socket *stream, peer *at, task *reader, size_t should)
{
    COMES(GET(at->bs) == should, patience() + 1);
    OK(acl_close(stream, 0));
    TASK_ENDS(reader, patience(), ACL_SOCKET_OK);
    EQUAL(at->bs, should);
    CHECK(at->as < MUCH);
    OK(acl_free_socket(stream));
    close(at->raw);
}

TEST(a_writer_comes_back)
{
    expect_signals();
    EACH_KIND {
        int round;
        for (round = 0; round < rounds(5, 1); round++) {
            peer at;
            task reader, writer;
            acl_socket *stream = begin_writing(kind, &at, &reader);
            TASK_BEGINS(&writer, write_and_come_back, .socket = stream);
            TASK_LEAVES(&writer);
            SET(at.begin, 1);
            TASK_ENDS(&writer, patience() + 1, ACL_SOCKET_OK);
            end_writing(stream, &at, &reader, LITTLE);
        }
    }
}

TEST(a_writer_goes_elsewhere)
{
    int place;
    expect_signals();
    for (place = 0; place < ELSEWHERE; place++) {
        peer at;
        task reader, writer, other;
        acl_socket *stream = begin_writing(place % KINDS, &at, &reader);
        printf("# %s\n", places[place]);
        TASK_BEGINS(&writer, write_and_leave, .socket = stream, .size = (size_t)place);
        TASK_LEAVES(&writer);
        TASK_BEGINS(&other, write_little, .socket = stream);
        SET(at.begin, 1);
        TASK_ENDS(&other, patience() + 1, ACL_SOCKET_OK);
        release(&writer);
        end_writing(stream, &at, &reader, LITTLE);
    }
}

TEST(those_who_wait_to_write_get_their_turn)
{
    enum { OTHERS = 3 };
    int place;
    expect_signals();
    for (place = 0; place < ELSEWHERE; place++) {
        int i;
        peer at;
        task reader, writer, others[OTHERS];
        acl_socket *stream = begin_writing((place + 1) % KINDS, &at, &reader);
        printf("# %s\n", places[place]);
        TASK_BEGINS(&writer, write_and_leave, .socket = stream, .size = (size_t)place);
        TASK_BLOCKS(&writer);
        for (i = 0; i < OTHERS; i++)
            TASK_BEGINS(&others[i], write_little, .socket = stream);
        for (i = 0; i < OTHERS; i++)
            TASK_BLOCKS(&others[i]);
        TASK_LEAVES(&writer);
        SET(at.begin, 1);
        for (i = 0; i < OTHERS; i++)
            TASK_ENDS(&others[i], patience() + 1, ACL_SOCKET_OK);
        release(&writer);
        end_writing(stream, &at, &reader, OTHERS * LITTLE);
    }
}

/* Who leaves a read does not disturb the writer, and the other way round. */
TEST(the_other_direction_goes_on)
{
    expect_signals();
    EACH_KIND {
        char line[200];
        peer at;
        task counter, reader, writer;
        acl_socket *stream = begin_writing(kind, &at, &counter);
        TASK_BEGINS(&reader, read_and_leave, .socket = stream, .data = line, .size = IN_CONDITION);
        TASK_BEGINS(&writer, write_and_come_back, .socket = stream);
        TASK_BLOCKS(&writer);
        TASK_LEAVES(&reader);
        PUT(at.raw, "a line\n");
        READS_LINE(stream, "a line");
        TASK_LEAVES(&writer);
        SET(at.begin, 1);
        TASK_ENDS(&writer, patience() + 1, ACL_SOCKET_OK);
        release(&reader);
        end_writing(stream, &at, &counter, LITTLE);
    }
}

/* --- cancellation */

static acl_status read_until_cancelled(task *self)
{
    acl_status status = in_read_byte(self);
    SET(self->ended, 1);
    pthread_testcancel();
    return status;
}

TEST(a_cancelled_reader_ends_behind_the_call)
{
    EACH_KIND {
        int raw, round;
        for (round = 0; round < rounds(5, 2); round++) {
            uint8_t byte;
            void *answer;
            task reader;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            TASK_BEGINS(&reader, read_until_cancelled, .socket = stream, .data = &byte);
            TASK_BLOCKS(&reader);
            EQUAL(pthread_cancel(reader.thread), 0);
            nap(20000);
            if (round % 2)
                PUT(raw, "x");
            else
                OK(acl_close(stream, 0));
            EQUAL(pthread_join(reader.thread, &answer), 0);
            CHECK(answer == PTHREAD_CANCELED || GET(reader.ended));
            if (round % 2) {
                PUT(raw, "y");
                OK(acl_read_byte(stream, &byte));
                CHECK(byte == 'x' || byte == 'y');
            }
            done(stream);
            close(raw);
        }
    }
}

MAIN(CASE(a_reader_comes_back), CASE(a_reader_goes_elsewhere), CASE(those_who_wait_to_read_get_their_turn),
     CASE(all_leave_but_one), CASE(one_who_left_waiting_for_its_turn_disturbs_nobody), CASE(closing_after_a_reader_left),
     CASE(a_writer_comes_back), CASE(a_writer_goes_elsewhere), CASE(those_who_wait_to_write_get_their_turn),
     CASE(the_other_direction_goes_on), CASE(a_cancelled_reader_ends_behind_the_call))
