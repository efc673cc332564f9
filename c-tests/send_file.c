/* Sending files, pipes and other descriptors on a stream. */
#include "timeouts.h"
#include <sys/mman.h>
#include <sys/time.h>

/* A file with the first so many of the bytes. */
static int file_of(size_t size)
{
    int file = memfd_create("file", MFD_CLOEXEC);
    CHECK(file >= 0);
    EQUAL(write(file, bytes, size), size);
    EQUAL(lseek(file, 0, SEEK_SET), 0);
    return file;
}

#define SENDS_FILE(stream, file, offset, count, should) \
    do { uint64_t sent_ = 777; \
        OK(acl_send_file(stream, file, offset, count, &sent_)); \
        EQUAL(sent_, should); } while (0)

TEST(from_anywhere_to_anywhere)
{
    enum { SIZE = 1000000 };
    int kind, exits;
    make_bytes();
    for (kind = 0; kind < KINDS; kind++)
        for (exits = 0; exits < 3; exits++) {
            int raw, file = file_of(SIZE);
            peer reader;
            uint64_t counted;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            /* By the system, through the buffer, and through it because of a deadline. */
            OK(acl_set_non_local_exits(exits == 1));
            if (exits == 2)
                DEADLINE(stream, 25);
            peer_reads(&reader, raw, 0);
            OK(acl_write_vector(stream, bytes, 10, NULL));
            SENDS_FILE(stream, file, 10, 20, 20);
            EQUAL(lseek(file, 0, SEEK_CUR), 0);
            SENDS_FILE(stream, file, 30, 0, 0);
            SENDS_FILE(stream, file, 30, ACL_SOCKET_TO_THE_END, SIZE - 30);
            EQUAL(lseek(file, 0, SEEK_CUR), 0);
            SENDS_FILE(stream, file, SIZE, ACL_SOCKET_TO_THE_END, 0);
            SENDS_FILE(stream, file, (uint64_t)SIZE + 5, 100, 0);
            SENDS_FILE(stream, file, SIZE - 5, 100, 5);
            EQUAL(lseek(file, 100, SEEK_SET), 100);
            SENDS_FILE(stream, file, ACL_SOCKET_FROM_HERE, 50, 50);
            EQUAL(lseek(file, 0, SEEK_CUR), 150);
            SENDS_FILE(stream, file, ACL_SOCKET_FROM_HERE, ACL_SOCKET_TO_THE_END, SIZE - 150);
            EQUAL(lseek(file, 0, SEEK_CUR), SIZE);
            OK(acl_socket_bytes_written(stream, &counted));
            EQUAL(counted, 2 * SIZE - 95);
            EQUAL(peer_ends(&reader, stream), 2 * SIZE - 95);
            SAME(got, bytes, SIZE);
            SAME(got + SIZE, bytes + SIZE - 5, 5);
            SAME(got + SIZE + 5, bytes + 100, SIZE - 100);
            close(file);
        }
    OK(acl_set_non_local_exits(0));
}

static acl_status feed_pipe(task *self)
{
    size_t from;
    for (from = 0; from < self->size; from += 5000) {
        size_t size = self->size - from < 5000 ? self->size - from : 5000;
        EQUAL(write(*(int *)self->data, bytes + from, size), size);
        if (from % 50000 == 0)
            nap(2000);
    }
    close(*(int *)self->data);
    return ACL_SOCKET_OK;
}

TEST(from_a_pipe)
{
    enum { SIZE = 500000 };
    int kind, whole;
    make_bytes();
    for (kind = 0; kind < KINDS; kind++)
        for (whole = 0; whole < 2; whole++) {
            int ends[2], raw;
            peer reader;
            task feeder;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            uint64_t sent;
            EQUAL(pipe(ends), 0);
            peer_reads(&reader, raw, 0);
            TASK_BEGINS(&feeder, feed_pipe, .data = &ends[1], .size = SIZE);
            if (!whole) {
                SENDS_FILE(stream, ends[0], ACL_SOCKET_FROM_HERE, 70001, 70001);
                EQUAL(acl_send_file(stream, ends[0], 1, 5, &sent), ACL_SOCKET_UNKNOWN);
                EQUAL(acl_stream_error_code(), ESPIPE);
                EQUAL(sent, 0);
            }
            SENDS_FILE(stream, ends[0], ACL_SOCKET_FROM_HERE, ACL_SOCKET_TO_THE_END, whole ? SIZE : SIZE - 70001);
            TASK_ENDS(&feeder, 10, ACL_SOCKET_OK);
            peer_got(&reader, stream, SIZE);
            close(ends[0]);
        }
}

static acl_status in_send_file(task *self)
{
    uint64_t sent = 777;
    acl_status status = acl_send_file(self->socket, *(int *)self->data, ACL_SOCKET_FROM_HERE, ACL_SOCKET_TO_THE_END, &sent);
    self->size = sent;
    return status;
}

TEST(what_comes_from_a_pipe_leaves_at_once)
{
    int ends[2], raw;
    char data[10];
    task sender;
    acl_socket *stream = STREAM(&raw, .eol_convention = 0);
    make_bytes();
    EQUAL(pipe(ends), 0);
    TASK_BEGINS(&sender, in_send_file, .socket = stream, .data = &ends[0]);
    TASK_BLOCKS(&sender);
    EQUAL(write(ends[1], bytes, 10), 10);
    await(raw, POLLIN);
    EQUAL(recv(raw, data, sizeof data, 0), 10);
    close(ends[1]);
    TASK_ENDS(&sender, patience(), ACL_SOCKET_OK);
    EQUAL(sender.size, 10);
    close(ends[0]);
    gone(stream, raw);
}

TEST(with_chunks)
{
    enum { SIZE = 100000 };
    int raw, file = file_of((make_bytes(), SIZE)), other_raw, i;
    task sender;
    acl_socket *stream = stream_and_raw(OVER_TCP, NULL, &raw), *reader = STREAM(&other_raw, .eol_convention = 0);
    size_t length, from = 0;
    static unsigned char body[SIZE + 10];
    INPUT_ON(reader);
    OUTPUT_ON(stream);
    OK(acl_write_vector(stream, bytes, 5, NULL));
    TASK_BEGINS(&sender, in_send_file, .socket = stream, .data = &file);
    /* What comes goes through a stream that reads chunks. */
    for (i = 0; from < SIZE + 5; i++) {
        ssize_t count = recv(raw, got, 10000, 0);
        size_t there = 1;
        CHECK(count > 0);
        put(other_raw, got, (size_t)count);
        while (from < SIZE + 5 && there > 0 && acl_read_no_hang_p(reader)) {
            OK(acl_read_vector(reader, body + from, sizeof body - from, &length));
            from += there = length;
        }
    }
    TASK_ENDS(&sender, 5, ACL_SOCKET_OK);
    EQUAL(sender.size, SIZE);
    SAME(body, bytes, 5);
    SAME(body + 5, bytes, SIZE);
    OK(acl_close(stream, 0));
    EQUAL(recv(raw, got, 100, 0), 5);
    CHECK(memcmp(got, "0\r\n\r\n", 5) == 0);
    close(file);
    gone(stream, raw);
    gone(reader, other_raw);
}

TEST(time_outs_tell_how_much_went)
{
    enum { SIZE = 2900000 };
    int kind, way;
    make_bytes();
    for (kind = 0; kind < KINDS; kind++)
        for (way = 0; way < 3; way++) {
            int raw, file = file_of(SIZE);
            peer reader;
            uint64_t sent = 777;
            acl_socket *stream = narrow(kind, &raw);
            OK(acl_set_non_local_exits(way == 1));
            if (way == 2) {
                WRITE_TIMEOUT(stream, -1);
                DEADLINE(stream, SHORT);
            }
            EQUAL(acl_send_file(stream, file, 0, ACL_SOCKET_TO_THE_END, &sent), ACL_SOCKET_WRITE_TIMEOUT);
            CHECK(sent > 0 && sent < SIZE);
            DEADLINE(stream, -1);
            WRITE_TIMEOUT(stream, -1);
            peer_reads(&reader, raw, 0);
            SENDS_FILE(stream, file, sent, ACL_SOCKET_TO_THE_END, SIZE - sent);
            peer_got(&reader, stream, SIZE);
            close(file);
        }
    OK(acl_set_non_local_exits(0));
}

/* What was read of a pipe cannot be read again: it stays in the buffer. */
TEST(a_time_out_loses_nothing_of_a_pipe)
{
    enum { SIZE = 2500000 };
    int ends[2], raw;
    peer reader;
    task feeder;
    uint64_t sent = 777;
    acl_socket *stream = narrow(OVER_TCP, &raw);
    make_bytes();
    EQUAL(pipe(ends), 0);
    TASK_BEGINS(&feeder, feed_pipe, .data = &ends[1], .size = SIZE);
    EQUAL(acl_send_file(stream, ends[0], ACL_SOCKET_FROM_HERE, ACL_SOCKET_TO_THE_END, &sent), ACL_SOCKET_WRITE_TIMEOUT);
    CHECK(sent > 0 && sent < SIZE);
    WRITE_TIMEOUT(stream, -1);
    peer_reads(&reader, raw, 0);
    SENDS_FILE(stream, ends[0], ACL_SOCKET_FROM_HERE, ACL_SOCKET_TO_THE_END, SIZE - sent);
    TASK_ENDS(&feeder, 10, ACL_SOCKET_OK);
    peer_got(&reader, stream, SIZE);
    close(ends[0]);
}

TEST(closing_and_deadlines_end_it)
{
    int ends[2], raw, what, file = file_of((make_bytes(), MUCH));
    EQUAL(pipe(ends), 0);
    for (what = 0; what < 3; what++) {
        task sender;
        acl_socket *stream = stream_and_raw(OVER_TCP, NULL, &raw);
        /* A pipe that has nothing; a peer that takes nothing; a deadline with the pipe. */
        if (what == 2) {
            DEADLINE_EXPIRES(stream, SHORT, acl_send_file(stream, ends[0], ACL_SOCKET_FROM_HERE, 5, NULL), ACL_SOCKET_WRITE_TIMEOUT);
        } else {
            OK(acl_set_socket_options(stream, ARGS(acl_set_socket_options_args, .send_buffer_size = 65536)));
            TASK_BEGINS(&sender, in_send_file, .socket = stream, .data = what == 0 ? &ends[0] : &file);
            TASK_BLOCKS(&sender);
            OK(acl_close(stream, ACL_SOCKET_ABORT));
            TASK_ENDS(&sender, patience(), ACL_SOCKET_CLOSED);
        }
        gone(stream, raw);
    }
    close(file);
    close(ends[0]);
    close(ends[1]);
}

static int pipes_broken;

static void on_sigpipe(int number)
{
    (void)number;
    pipes_broken++;
}

TEST(no_sigpipe)
{
    struct sigaction action = { .sa_handler = on_sigpipe };
    int raw, file = file_of((make_bytes(), 100000)), blocked;
    sigset_t pipe_set, before, pending;
    EQUAL(sigaction(SIGPIPE, &action, NULL), 0);
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    for (blocked = 0; blocked < 3; blocked++) {
        acl_socket *stream = STREAM(&raw, .eol_convention = 0);
        uint64_t sent = 777;
        if (blocked == 1)
            EQUAL(pthread_sigmask(SIG_BLOCK, &pipe_set, NULL), 0);
        if (blocked == 2)
            EQUAL(raise(SIGPIPE), 0);
        close(raw);
        EQUAL(acl_send_file(stream, file, 0, ACL_SOCKET_TO_THE_END, &sent), ACL_SOCKET_UNKNOWN);
        EQUAL(acl_stream_error_code(), EPIPE);
        EQUAL(sent, 0);
        EQUAL(pipes_broken, 0);
        /* The mask is as it was, and a signal that waited before waits on. */
        EQUAL(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
        EQUAL(sigismember(&before, SIGPIPE), blocked > 0);
        EQUAL(sigpending(&pending), 0);
        EQUAL(sigismember(&pending, SIGPIPE), blocked == 2);
        done(stream);
    }
    close(file);
}

TEST(what_cannot_be_sent)
{
    int raw, file = file_of((make_bytes(), 100)), closed;
    uint64_t sent = 777;
    acl_socket *stream = STREAM(&raw, .eol_convention = 0), *text = NULL;
    EQUAL(acl_send_file(stream, -1, 0, ACL_SOCKET_TO_THE_END, &sent), ACL_SOCKET_UNKNOWN);
    EQUAL(acl_stream_error_code(), EBADF);
    EQUAL(sent, 0);
    closed = open("/dev/null", O_WRONLY);
    EQUAL(acl_send_file(stream, closed, ACL_SOCKET_FROM_HERE, 10, &sent), ACL_SOCKET_UNKNOWN);
    EQUAL(acl_stream_error_code(), EBADF);
    close(closed);
    closed = open("/", O_RDONLY);
    EQUAL(acl_send_file(stream, closed, 0, 10, &sent), ACL_SOCKET_UNKNOWN);
    EQUAL(acl_stream_error_code(), EISDIR);
    close(closed);
    OK(acl_shutdown(stream, ACL_SOCKET_OUTPUT));
    EQUAL(acl_send_file(stream, file, 0, 10, &sent), ACL_SOCKET_SHUTDOWN);
    OK(acl_close(stream, 0));
    EQUAL(acl_send_file(stream, file, 0, 10, &sent), ACL_SOCKET_CLOSED);
    gone(stream, raw);
    OK(MAKE(&text, .type = ACL_SOCKET_DATAGRAM));
    EQUAL(acl_send_file(text, file, 0, 10, &sent), ACL_SOCKET_WRONG_KIND);
    done(text);
    close(file);
}

static sigjmp_buf outside;

static void leave(int number)
{
    (void)number;
    siglongjmp(outside, 1);
}

TEST(left_by_longjmp)
{
    static int way, raw, file, ends[2];
    static acl_socket *stream;
    static uint64_t sent;
    static peer reader;
    struct sigaction action = { .sa_handler = leave };
    struct itimerval time = { .it_value = { .tv_usec = 30000 } };
    size_t size;
    make_bytes();
    EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    EQUAL(pipe(ends), 0);
    for (way = 0; way < 3; way++) {
        stream = stream_and_raw(OVER_TCP, NULL, &raw);
        file = file_of(MUCH);
        sent = 0;
        OK(acl_set_socket_options(stream, ARGS(acl_set_socket_options_args, .send_buffer_size = 65536)));
        OK(acl_set_non_local_exits(way == 1));
        if (sigsetjmp(outside, 1) == 0) {
            EQUAL(setitimer(ITIMER_REAL, &time, NULL), 0);
            acl_send_file(stream, way == 2 ? ends[0] : file, ACL_SOCKET_FROM_HERE, ACL_SOCKET_TO_THE_END, &sent);
            fail(__FILE__, __LINE__, "it returned");
        }
        peer_reads(&reader, raw, 0);
        /* The file stands behind what was taken of it, and the stream can be used. */
        OK(acl_write_vector(stream, "end", 3, NULL));
        size = peer_ends(&reader, stream);
        CHECK(size >= sent + 3);
        SAME(got, bytes, size - 3);
        SAME(got + size - 3, "end", 3);
        close(file);
    }
    OK(acl_set_non_local_exits(0));
    close(ends[0]);
    close(ends[1]);
}

MAIN(CASE(from_anywhere_to_anywhere), CASE(from_a_pipe), CASE(what_comes_from_a_pipe_leaves_at_once), CASE(with_chunks),
    CASE(time_outs_tell_how_much_went), CASE(a_time_out_loses_nothing_of_a_pipe), CASE(closing_and_deadlines_end_it),
    CASE(no_sigpipe), CASE(what_cannot_be_sent), CASE(left_by_longjmp))
