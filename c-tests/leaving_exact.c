/* A thread leaves its calls by longjmp at any instant, not only where they wait, and after acl_set_non_local_exits(1)
 * the stream goes on where it stood, byte by byte. */
#include "chunks.h"
#include "concurrent.h"
#include <sys/mman.h>
#include <sys/time.h>

enum { PIECE = 30000, MOST_SHOWN = 60000 };

static sigjmp_buf outside;
static volatile sig_atomic_t inside;

static void leave(int number)
{
    (void)number;
    if (inside) {
        inside = 0;
        siglongjmp(outside, 1);
    }
}

static unsigned char value_at(size_t place) { return (unsigned char)(place * 7 + place / 4093 + place / 65521); }

static void alarms(int how)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGALRM);
    EQUAL(pthread_sigmask(how, &signals, NULL), 0);
}

/* The next alarm comes in microseconds, mostly before the call can be done. */
static void set_alarm(uint64_t *state)
{
    long most = slowly() ? 5000 : 60;
    struct itimerval time = { { 0, 2000 }, { 0, 1 + (long)(chance(state) % (uint64_t)most) } };
    EQUAL(setitimer(ITIMER_REAL, &time, NULL), 0);
}

typedef struct { acl_socket *stream, *peer; int chunking; pthread_t thread; } talk;

/* The other end runs without the alarms. */
static void talk_begins(talk *it, int kind, int chunking, void *(*run)(void *))
{
    int raw;
    signal(SIGALRM, leave);
    OK(acl_set_non_local_exits(1));
    it->stream = stream_and_raw(kind, NULL, &raw);
    it->peer = adopt(raw, NULL);
    it->chunking = chunking;
    alarms(SIG_BLOCK);
    EQUAL(pthread_create(&it->thread, NULL, run, it), 0);
}

static void *write_for_ever(void *data)
{
    talk *it = data;
    static unsigned char bytes[PIECE];
    size_t place = 0, i;
    if (it->chunking)
        OK(CONTROL(it->peer, .output_chunking = ACL_SOCKET_ON));
    do {
        for (i = 0; i < PIECE; i++)
            bytes[i] = value_at(place + i);
        place += PIECE;
    } while (acl_write_vector(it->peer, bytes, PIECE, NULL) == ACL_SOCKET_OK);
    return NULL;
}

/* What it was shown is what came, however often it has left before it was shown it. */
static void read_leaving(int kind, int chunking)
{
    static talk it;
    static volatile size_t place;
    static volatile long left;
    static uint64_t state;
    static double limit;
    place = 0;
    left = 0;
    state = 3 + (uint64_t)kind;
    limit = clock_now() + 10;
    talk_begins(&it, kind, chunking, write_for_ever);
    if (chunking)
        OK(CONTROL(it.stream, .input_chunking = ACL_SOCKET_ON));
    while (left < rounds(2000, 50) && clock_now() < limit) {
        const void *shown;
        size_t length, i;
        if (sigsetjmp(outside, 1) != 0) {
            left++;
            continue;
        }
        set_alarm(&state);
        inside = 1;
        alarms(SIG_UNBLOCK);
        OK(acl_peek_input(it.stream, 1 + place % 3 * (MOST_SHOWN / 3), &shown, &length));
        inside = 0;
        alarms(SIG_BLOCK);
        for (i = 0; i < length; i++)
            if (((const unsigned char *)shown)[i] != value_at(place + i))
                fail(__FILE__, __LINE__, "byte %zu is not what was sent, after %ld were left", place + i, left);
        length = length < 12345 ? length : 12345;
        OK(acl_consume_input(it.stream, length));
        place += length;
    }
    printf("#   left %ld times, read %zu bytes\n", left, place);
    CHECK(left > 10 && place > 0);
    OK(acl_close(it.stream, 1));
    EQUAL(pthread_join(it.thread, NULL), 0);
    OK(acl_free_socket(it.stream));
    acl_close(it.peer, 1);
    acl_free_socket(it.peer);
}

static void *read_to_the_end(void *data)
{
    talk *it = data;
    static unsigned char bytes[PIECE];
    size_t place = 0, i, length;
    if (it->chunking)
        OK(CONTROL(it->peer, .input_chunking = ACL_SOCKET_ON));
    for (;;) {
        acl_status status = acl_read_vector(it->peer, bytes, PIECE, &length);
        for (i = 0; i < length; i++)
            if (bytes[i] != value_at(place + i))
                fail(__FILE__, __LINE__, "byte %zu is not what was written", place + i);
        place += length;
        if (status == ACL_SOCKET_END_OF_FILE)
            return (void *)place;
        OK(status);
    }
}

/* What is buffered goes once, however often its writer leaves while it goes. */
static void write_leaving(int kind, int chunking)
{
    static talk it;
    static volatile size_t place;
    static volatile long left;
    static uint64_t state;
    static unsigned char bytes[PIECE];
    static double limit;
    void *read;
    place = 0;
    left = 0;
    state = 3 + (uint64_t)kind;
    limit = clock_now() + 10;
    talk_begins(&it, kind, chunking, read_to_the_end);
    if (chunking)
        OK(CONTROL(it.stream, .output_chunking = ACL_SOCKET_ON));
    while (left < rounds(2000, 50) && clock_now() < limit) {
        size_t length = 1 + chance(&state) % PIECE, i;
        for (i = 0; i < length; i++)
            bytes[i] = value_at(place + i);
        OK(acl_write_sequence(it.stream, bytes, length));
        place += length;
        if (sigsetjmp(outside, 1) != 0)
            left++;
        set_alarm(&state);
        inside = 1;
        alarms(SIG_UNBLOCK);
        OK(acl_force_output(it.stream));
        inside = 0;
        alarms(SIG_BLOCK);
    }
    printf("#   left %ld times, wrote %zu bytes\n", left, place);
    CHECK(left > 10);
    if (chunking)
        OK(CONTROL(it.stream, .output_chunking_eof = ACL_SOCKET_ON));
    done(it.stream);
    EQUAL(pthread_join(it.thread, &read), 0);
    EQUAL((size_t)read, place);
    done(it.peer);
}

TEST(what_is_read_is_exact) { EACH_KIND read_leaving(kind, 0); }
TEST(what_is_read_in_chunks_is_exact) { EACH_KIND read_leaving(kind, 1); }
TEST(what_is_written_is_exact) { EACH_KIND write_leaving(kind, 0); }
TEST(what_is_written_in_chunks_is_exact) { EACH_KIND write_leaving(kind, 1); }

static int handled;

static void count(int number)
{
    (void)number;
    ADD(handled, 1);
}

static acl_status read_here(task *self)
{
    return acl_read_byte(self->socket, self->data);
}

/* Held back is only what comes while the stream is moved: a wait is interrupted as ever, goes on, and the mask of the
 * thread is afterwards what it was. */
TEST(signals_come_in_waits_and_the_mask_stays)
{
    int raw, signal_number;
    uint8_t byte = 0;
    task reader;
    sigset_t before, after;
    acl_socket *stream = STREAM(&raw, .format = 0);
    OK(acl_set_non_local_exits(1));
    signal(SIGUSR1, count);
    sigemptyset(&after);
    sigaddset(&after, SIGUSR2);
    EQUAL(pthread_sigmask(SIG_BLOCK, &after, NULL), 0);
    EQUAL(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
    TASK_BEGINS(&reader, read_here, .socket = stream, .data = &byte);
    TASK_BLOCKS(&reader);
    EQUAL(pthread_kill(reader.thread, SIGUSR1), 0);
    COMES(GET(handled) == 1, patience());
    put(raw, "xyz", 3);
    TASK_ENDS(&reader, patience(), ACL_SOCKET_OK);
    EQUAL(byte, 'x');
    OK(acl_read_byte(stream, &byte));
    OK(acl_write_byte(stream, byte));
    OK(acl_force_output(stream));
    EQUAL(pthread_sigmask(SIG_BLOCK, NULL, &after), 0);
    for (signal_number = 1; signal_number < 32; signal_number++)
        EQUAL(sigismember(&after, signal_number), sigismember(&before, signal_number));
    gone(stream, raw);
}

static char *page;

static void open_page(int number)
{
    (void)number;
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0)
        abort();
}

/* Collectors of garbage protect memory and open it when it is touched, which a reader may be the first to do. */
TEST(a_fault_in_the_callers_memory_reaches_its_handler)
{
    int raw;
    size_t length;
    uint8_t byte;
    acl_socket *stream = STREAM(&raw, .format = 0);
    OK(acl_set_non_local_exits(1));
    page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    signal(SIGSEGV, open_page);
    put(raw, "0123456789", 10);
    OK(acl_read_byte(stream, &byte));
    OK(acl_read_vector(stream, page, 4096, &length));
    EQUAL(length, 9);
    EQUAL(memcmp(page, "123456789", 9), 0);
    EQUAL(munmap(page, 4096), 0);
    gone(stream, raw);
}

MAIN(
    CASE(what_is_read_is_exact),
    CASE(what_is_read_in_chunks_is_exact),
    CASE(what_is_written_is_exact),
    CASE(what_is_written_in_chunks_is_exact),
    CASE(signals_come_in_waits_and_the_mask_stays),
    CASE(a_fault_in_the_callers_memory_reaches_its_handler))
