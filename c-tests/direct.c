/* What is in a buffer is read and written the short way: it must not be told from the long one, whoever changes, closes
 * or frees the stream meanwhile. */
#include "concurrent.h"
#include <malloc.h>
#include <sys/mman.h>

/* --- one thread */

TEST(a_buffered_byte_is_refused_where_bytes_are)
{
    uint32_t character;
    uint8_t byte;
    size_t count;
    int raw;
    acl_socket *stream = STREAM(&raw, .format = ACL_SOCKET_TEXT);
    DELIVER(stream, raw, "abc\n");
    OK(acl_read_char(stream, &character));
    EQUAL(acl_read_byte(stream, &byte), ACL_SOCKET_WRONG_FORMAT);
    EQUAL(acl_read_vector(stream, &byte, 1, &count), ACL_SOCKET_WRONG_FORMAT);
    EQUAL(acl_consume_input(stream, 1), ACL_SOCKET_WRONG_FORMAT);
    EQUAL(acl_consume_input(stream, 0), ACL_SOCKET_WRONG_FORMAT);
    OK(acl_read_char(stream, &character));
    EQUAL(character, 'b');
    OK(acl_write_char(stream, 'x'));
    EQUAL(acl_write_byte(stream, 'y'), ACL_SOCKET_WRONG_FORMAT);
    EQUAL(acl_write_vector(stream, "y", 0, NULL), ACL_SOCKET_WRONG_FORMAT);
    gone(stream, raw);
}

TEST(a_buffered_character_is_refused_where_characters_are)
{
    uint32_t character;
    char line[80];
    uint8_t byte;
    int raw;
    acl_socket *stream = STREAM(&raw, .format = ACL_SOCKET_BINARY);
    DELIVER(stream, raw, "abc\n");
    OK(acl_read_byte(stream, &byte));
    EQUAL(acl_read_char(stream, &character), ACL_SOCKET_WRONG_FORMAT);
    EQUAL(acl_read_line(stream, line, sizeof line, NULL), ACL_SOCKET_WRONG_FORMAT);
    OK(acl_write_byte(stream, 'x'));
    EQUAL(acl_write_char(stream, 'y'), ACL_SOCKET_WRONG_FORMAT);
    EQUAL(acl_write_string(stream, "", 0), ACL_SOCKET_WRONG_FORMAT);
    gone(stream, raw);
}

TEST(arguments_are_checked_while_bytes_are_there)
{
    char line[80];
    uint8_t byte;
    size_t count;
    int raw;
    acl_socket *stream = STREAM(&raw, .format = 0);
    DELIVER(stream, raw, "abcdef\n");
    OK(acl_read_byte(stream, &byte));
    EQUAL(acl_read_byte(stream, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_read_char(stream, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_read_line(stream, line, 4, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_read_line(stream, NULL, 80, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_read_sequence(stream, line, 2, 7, &count), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_read_vector(stream, line, 0, &count), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_consume_input(stream, 7), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_write_byte(stream, 'x'));
    EQUAL(acl_write_string(stream, NULL, 3), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_write_char(stream, 0xd800), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_read_line(stream, line, sizeof line, &count));
    TEXT(line, "bcdef");
    gone(stream, raw);
}

/* Only the last character can be put back, once, and not after bytes. */
TEST(characters_are_put_back_by_the_same_rules)
{
    uint32_t character;
    uint8_t byte;
    int raw;
    acl_socket *stream = STREAM(&raw, .format = 0);
    DELIVER(stream, raw, "ab\xc3\xa9" "cdefg");
    OK(acl_read_char(stream, &character));
    OK(acl_unread_char(stream, 'a'));
    EQUAL(acl_unread_char(stream, 'a'), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_read_char(stream, &character));
    OK(acl_read_char(stream, &character));
    EQUAL(acl_unread_char(stream, 'x'), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_unread_char(stream, 'b'));
    OK(acl_read_char(stream, &character));
    EQUAL(character, 'b');
    OK(acl_read_char(stream, &character));
    EQUAL(character, 0xe9);
    OK(acl_unread_char(stream, 0xe9));
    OK(acl_read_byte(stream, &byte));
    EQUAL(byte, 0xc3);
    OK(acl_read_byte(stream, &byte));
    OK(acl_read_char(stream, &character));
    OK(acl_peek_char(stream, &character));
    EQUAL(character, 'd');
    EQUAL(acl_unread_char(stream, 'c'), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_read_char(stream, &character));
    OK(acl_read_byte(stream, &byte));
    EQUAL(acl_unread_char(stream, 'd'), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_read_char(stream, &character));
    EQUAL(character, 'f');
    gone(stream, raw);
}

enum { STREAMS = 40 };

TEST(many_streams_are_read_by_turns)
{
    acl_socket *streams[STREAMS];
    int raw[STREAMS], i, turn;
    for (i = 0; i < STREAMS; i++) {
        char text[40];
        streams[i] = STREAM(&raw[i], .format = 0);
        snprintf(text, sizeof text, "%02d%02d%02d\n", i, i, i);
        deliver(streams[i], raw[i], text, strlen(text));
    }
    for (turn = 0; turn < 3; turn++)
        for (i = 0; i < STREAMS; i++) {
            char two[3] = "";
            size_t count;
            uint32_t character;
            OK(acl_read_vector(streams[i], two, 1, &count));
            OK(acl_read_char(streams[i], &character));
            two[1] = (char)character;
            EQUAL(atoi(two), i);
            OK(acl_write_byte(streams[i], (uint8_t)('a' + turn)));
        }
    for (i = 0; i < STREAMS; i++) {
        OK(acl_write_line(streams[i], "!", 1));
        OK(acl_force_output(streams[i]));
        expect(raw[i], BYTES("abc!\n"));
        gone(streams[i], raw[i]);
    }
}

TEST(a_new_line_is_begun_as_what_was_written_says)
{
    int32_t wrote;
    int raw;
    acl_socket *stream = STREAM(&raw, .format = 0);
    OK(acl_write_byte(stream, 'x'));
    OK(acl_write_byte(stream, 'y'));
    OK(acl_fresh_line(stream, &wrote));
    EQUAL(wrote, 1);
    OK(acl_write_string(stream, "z", 1));
    OK(acl_terpri(stream));
    OK(acl_fresh_line(stream, &wrote));
    EQUAL(wrote, 0);
    OK(acl_force_output(stream));
    expect(raw, BYTES("xy\nz\n"));
    gone(stream, raw);
}

TEST(a_child_reads_its_copy_of_the_buffer)
{
    uint8_t byte;
    int raw, status;
    pid_t child;
    acl_socket *stream = STREAM(&raw, .format = 0);
    DELIVER(stream, raw, "abc");
    OK(acl_read_byte(stream, &byte));
    OK(acl_write_byte(stream, 'p'));
    child = fork();
    if (child == 0) {
        OK(acl_read_byte(stream, &byte));
        EQUAL(byte, 'b');
        OK(acl_clear_output(stream));
        OK(acl_write_byte(stream, 'c'));
        OK(acl_force_output(stream));
        gone(stream, raw);
        _exit(0);
    }
    EQUAL(waitpid(child, &status, 0), child);
    EQUAL(status, 0);
    OK(acl_read_byte(stream, &byte));
    EQUAL(byte, 'b');
    OK(acl_force_output(stream));
    expect(raw, BYTES("cp"));
    gone(stream, raw);
}

/* --- several threads */

static void *other_convention(void *stream)
{
    OK(acl_set_eol_convention(stream, ACL_SOCKET_EOL_ANYNL_UNIX));
    return NULL;
}

static void *other_format(void *stream)
{
    OK(acl_set_stream_external_format(stream, "utf-16le"));
    return NULL;
}

static void elsewhere(void *(*body)(void *), acl_socket *stream)
{
    pthread_t thread;
    EQUAL(pthread_create(&thread, NULL, body, stream), 0);
    EQUAL(pthread_join(thread, NULL), 0);
}

TEST(what_another_thread_changes_counts_for_what_is_buffered)
{
    uint32_t character;
    char line[20];
    int raw;
    acl_socket *stream = STREAM(&raw, .format = 0);
    DELIVER(stream, raw, "one\r\ntwo\r\nx\0y\0");
    OK(acl_read_line(stream, line, sizeof line, NULL));
    TEXT(line, "one\r");
    OK(acl_write_char(stream, '1'));
    elsewhere(other_convention, stream);
    OK(acl_read_line(stream, line, sizeof line, NULL));
    TEXT(line, "two");
    OK(acl_write_char(stream, '2'));
    elsewhere(other_format, stream);
    OK(acl_read_char(stream, &character));
    EQUAL(character, 'x');
    OK(acl_read_char(stream, &character));
    EQUAL(character, 'y');
    OK(acl_write_char(stream, '3'));
    OK(acl_force_output(stream));
    expect(raw, BYTES("123\0"));
    gone(stream, raw);
}

static void *watch_it(void *stream)
{
    acl_wait_event event;
    acl_wait_set *set;
    size_t count;
    OK(acl_make_wait_set(&set));
    OK(acl_wait_set_watch(set, stream, ACL_SOCKET_IN, NULL));
    OK(acl_wait_for_io_available(set, 0, &event, 1, &count));
    EQUAL(count, 1);
    return set;
}

TEST(a_set_is_told_of_what_stays_after_each_byte)
{
    acl_wait_event event;
    pthread_t thread;
    void *set;
    size_t count;
    uint8_t byte;
    int raw, i;
    acl_socket *stream = STREAM(&raw, .format = 0);
    DELIVER(stream, raw, "abcd");
    OK(acl_read_byte(stream, &byte));
    EQUAL(pthread_create(&thread, NULL, watch_it, stream), 0);
    EQUAL(pthread_join(thread, &set), 0);
    for (i = 0; i < 3; i++) {
        OK(acl_wait_for_io_available(set, 0, &event, 1, &count));
        EQUAL(count, 1);
        OK(acl_read_byte(stream, &byte));
        EQUAL(byte, "bcd"[i]);
    }
    OK(acl_wait_for_io_available(set, 0, &event, 1, &count));
    EQUAL(count, 0);
    OK(acl_free_wait_set(set));
    gone(stream, raw);
}

static void *free_it(void *stream)
{
    OK(acl_free_socket(stream));
    return NULL;
}

TEST(nothing_is_read_after_another_thread_freed_it)
{
    uint8_t byte;
    int raw;
    acl_socket *stream = STREAM(&raw, .format = 0);
    DELIVER(stream, raw, "abc");
    OK(acl_read_byte(stream, &byte));
    OK(acl_write_byte(stream, 'x'));
    elsewhere(free_it, stream);
    EQUAL(acl_read_byte(stream, &byte), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_write_byte(stream, 'x'), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(close(raw), 0);
}

/* Reads and writes what is buffered until the stream has gone. */
static acl_status use_up(task *self)
{
    acl_status reading = ACL_SOCKET_OK, writing = ACL_SOCKET_OK;
    uint8_t byte = 0, next = 0;
    long count;
    for (count = 0; reading == ACL_SOCKET_OK && writing == ACL_SOCKET_OK && count < 60000; count++) {
        reading = acl_read_byte(self->socket, &byte);
        if (reading == ACL_SOCKET_OK && byte != next++)
            fail(__FILE__, __LINE__, "wrong byte");
        writing = acl_write_byte(self->socket, 'x');
        if (count == 100)
            SET(self->released, 1);
    }
    return reading == ACL_SOCKET_OK ? writing : reading;
}

TEST(a_stream_is_freed_while_it_is_used)
{
    static char bytes[60000];
    int i, turn, raw;
    for (i = 0; i < (int)sizeof bytes; i++)
        bytes[i] = (char)i;
    for (turn = 0; turn < rounds(300, 30); turn++) {
        acl_socket *stream = STREAM(&raw, .format = 0);
        task user;
        deliver(stream, raw, bytes, sizeof bytes);
        TASK_BEGINS(&user, use_up, .socket = stream);
        while (!GET(user.released))
            sched_yield();
        if (turn % 2)
            OK(acl_close(stream, 1));
        OK(acl_free_socket(stream));
        COMES(GET(user.ended), patience());
        EQUAL(pthread_join(user.thread, NULL), 0);
        CHECK(user.status == ACL_SOCKET_OK || user.status == ACL_SOCKET_CLOSED || user.status == ACL_SOCKET_INVALID_HANDLE);
        EQUAL(close(raw), 0);
    }
}

/* Two readers of bytes: each byte goes to one of them. */
static acl_status sum_up(task *self)
{
    uint8_t byte;
    acl_status status;
    while ((status = acl_read_byte(self->socket, &byte)) == ACL_SOCKET_OK)
        self->size += byte;
    return status;
}

/* A reader's memory cannot be written until the handler of the fault opens it, in the middle of a copy out of the
 * buffer: there the reader stays for a while. */
enum { WHOLE = 48 * 1024 };
static char *slow_memory;
static int in_the_middle;

static void open_slowly(int number)
{
    (void)number;
    SET(in_the_middle, 1);
    nap(30000);
    if (mprotect(slow_memory, WHOLE, PROT_READ | PROT_WRITE) != 0)
        abort();
}

static acl_status read_slowly(task *self)
{
    uint8_t byte;
    OK(acl_read_byte(self->socket, &byte));
    return acl_read_sequence(self->socket, slow_memory, WHOLE, 0, &self->size);
}

TEST(a_buffer_is_freed_only_behind_who_copies_out_of_it)
{
    static char sent[WHOLE + 1];
    char *others[8];
    int raw, waiting = 0, size = 1 << 20;
    size_t i;
    task reader;
    acl_socket *stream = STREAM(&raw, .format = 0);
    /* What is freed shall be what is allocated next. */
    mallopt(M_ARENA_MAX, 1);
    slow_memory = mmap(NULL, WHOLE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(slow_memory != MAP_FAILED);
    EQUAL(mprotect(slow_memory, 4096, PROT_READ | PROT_WRITE), 0);
    signal(SIGSEGV, open_slowly);
    memset(sent, 'x', sizeof sent);
    EQUAL(setsockopt(raw, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    put(raw, sent, sizeof sent);
    while (waiting < (int)sizeof sent)
        EQUAL(ioctl(fd_of(stream), FIONREAD, &waiting), 0);
    TASK_BEGINS(&reader, read_slowly, .socket = stream);
    COMES(GET(in_the_middle), patience());
    OK(acl_close(stream, ACL_SOCKET_ABORT));
    OK(acl_free_socket(stream));
    for (i = 0; i < ROWS(others); i++)
        memset(others[i] = malloc(65000), 'y', 65000);
    TASK_ENDS(&reader, patience(), ACL_SOCKET_OK);
    EQUAL(reader.size, WHOLE);
    for (i = 0; i < WHOLE && slow_memory[i] == 'x'; i++)
        continue;
    EQUAL(i, WHOLE);
    for (i = 0; i < ROWS(others); i++)
        free(others[i]);
    EQUAL(munmap(slow_memory, WHOLE), 0);
    close(raw);
}

TEST(each_byte_goes_to_one_reader)
{
    static char bytes[50000];
    size_t sum = 0;
    int i, turn, raw;
    for (i = 0; i < (int)sizeof bytes; i++)
        sum += (unsigned char)(bytes[i] = (char)(i % 251));
    for (turn = 0; turn < rounds(50, 5); turn++) {
        acl_socket *stream = STREAM(&raw, .format = 0);
        task one, other;
        deliver(stream, raw, bytes, sizeof bytes);
        end_input(stream, raw);
        TASK_BEGINS(&one, sum_up, .socket = stream);
        TASK_BEGINS(&other, sum_up, .socket = stream);
        TASK_ENDS(&one, 10 * patience(), ACL_SOCKET_END_OF_FILE);
        TASK_ENDS(&other, 10 * patience(), ACL_SOCKET_END_OF_FILE);
        EQUAL(one.size + other.size, sum);
        gone(stream, raw);
    }
}

/* More threads than have the short way. */
enum { THREADS = 400 };
static int all_there;

static acl_status read_own(task *self)
{
    uint8_t byte;
    int i;
    ADD(all_there, 1);
    COMES(GET(all_there) == (int)self->size, 20);
    for (i = 0; i < 6; i++) {
        OK(acl_read_byte(self->socket, &byte));
        EQUAL(byte, "abcdef"[i]);
        OK(acl_write_byte(self->socket, byte));
    }
    return acl_force_output(self->socket);
}

TEST(every_thread_reads_its_own_stream)
{
    static task tasks[THREADS];
    static int raw[THREADS];
    int i, count = rounds(THREADS, THREADS / 10);
    for (i = 0; i < count; i++) {
        acl_socket *stream = STREAM(&raw[i], .format = 0);
        DELIVER(stream, raw[i], "abcdef");
        TASK_BEGINS(&tasks[i], read_own, .socket = stream, .size = (size_t)count);
    }
    for (i = 0; i < count; i++) {
        TASK_ENDS(&tasks[i], 30, ACL_SOCKET_OK);
        expect(raw[i], BYTES("abcdef"));
        gone(tasks[i].socket, raw[i]);
    }
}

/* --- leaving */

static volatile sig_atomic_t leaving;
static int calm;

static void leave(int number)
{
    (void)number;
    if (leaving)
        siglongjmp(leave_to, 1);
}

static void *interrupt(void *argument)
{
    pthread_t target = *(pthread_t *)argument;
    while (!GET(all_there)) {
        if (!GET(calm))
            pthread_kill(target, SIGUSR1);
        nap(50);
    }
    return NULL;
}

/* Leaves reading from the buffer at any instant: of the bytes none is read twice, and nothing stays behind that keeps
 * another thread from closing. */
TEST(reading_from_the_buffer_is_left_at_any_instant)
{
    static char bytes[60000];
    struct sigaction action;
    pthread_t self = pthread_self(), thread;
    volatile int turn, next = 0, taken = 0;
    volatile long left = 0;
    acl_socket *volatile stream;
    int i, raw;
    for (i = 0; i < (int)sizeof bytes; i++)
        bytes[i] = (char)(i % 251);
    memset(&action, 0, sizeof action);
    action.sa_handler = leave;
    EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
    EQUAL(pthread_create(&thread, NULL, interrupt, &self), 0);
    for (turn = 0; turn < rounds(60, 6) || (left < 40 && turn < rounds(600, 6)); turn++) {
        uint8_t byte;
        stream = STREAM(&raw, .format = 0);
        deliver(stream, raw, bytes, sizeof bytes);
        /* The memory of the buffer is not to be left in the middle of malloc. */
        OK(acl_read_byte(stream, &byte));
        next = 1;
        taken = 0;
        while (stream != NULL && next < (int)sizeof bytes - 251) {
            if (sigsetjmp(leave_to, 1) == 0) {
                int ahead;
                leaving = 1;
                OK(acl_read_byte(stream, &byte));
                leaving = 0;
                /* Calls that were left may have taken their byte. */
                ahead = (byte + 251 - next % 251) % 251;
                if (ahead > taken)
                    fail(__FILE__, __LINE__, "%d instead of %d, after %d calls that were left", byte, next % 251, taken);
                next += ahead + 1;
                taken = 0;
                continue;
            }
            leaving = 0;
            left++;
            taken++;
            if (left % 8 == 0 && left <= 40) {
                /* The other one cannot know at once that this one is not inside any more. */
                SET(calm, 1);
                elsewhere(free_it, stream);
                SET(calm, 0);
                EQUAL(acl_read_byte(stream, &byte), ACL_SOCKET_INVALID_HANDLE);
                EQUAL(close(raw), 0);
                stream = NULL;
            }
        }
        if (stream != NULL)
            gone(stream, raw);
    }
    SET(all_there, 1);
    EQUAL(pthread_join(thread, NULL), 0);
    printf("# left %ld times\n", left);
    CHECK(slowly() || left > 0);
}

MAIN(
    CASE(a_buffered_byte_is_refused_where_bytes_are),
    CASE(a_buffered_character_is_refused_where_characters_are),
    CASE(arguments_are_checked_while_bytes_are_there),
    CASE(characters_are_put_back_by_the_same_rules),
    CASE(many_streams_are_read_by_turns),
    CASE(a_new_line_is_begun_as_what_was_written_says),
    CASE(a_child_reads_its_copy_of_the_buffer),
    CASE(what_another_thread_changes_counts_for_what_is_buffered),
    CASE(a_set_is_told_of_what_stays_after_each_byte),
    CASE(nothing_is_read_after_another_thread_freed_it),
    CASE(a_stream_is_freed_while_it_is_used),
    CASE(a_buffer_is_freed_only_behind_who_copies_out_of_it),
    CASE(each_byte_goes_to_one_reader),
    CASE(every_thread_reads_its_own_stream),
    CASE(reading_from_the_buffer_is_left_at_any_instant),
)
