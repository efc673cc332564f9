/* Tasks: threads that block, are seen to block, leave by longjmp and end within a time. */
#ifndef CONCURRENT_H
#define CONCURRENT_H
#include "streams.h"
#include <setjmp.h>
#include <sys/syscall.h>

/* Valgrind and the sanitizers get less to do and more time for it. */
static inline int slowly(void) { return getenv("ACL_TEST_SLOW") != NULL; }
static inline int rounds(int many, int few) { return slowly() ? few : many; }
static inline double patience(void) { return slowly() ? 12 : 2; }

static inline double clock_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static inline void nap(long microseconds)
{
    struct timespec time = { microseconds / 1000000, microseconds % 1000000 * 1000 };
    while (nanosleep(&time, &time) != 0)
        continue;
}

/* Waits for a condition that another thread makes true. */
#define COMES(condition, seconds) \
    do { double limit_ = clock_now() + (seconds); \
        while (!(condition)) { \
            if (clock_now() > limit_) fail(__FILE__, __LINE__, "%s did not come in time", #condition); \
            nap(300); } } while (0)

typedef struct task {
    acl_status (*body)(struct task *);
    acl_socket *socket;
    void *data;
    size_t size;
    pthread_t thread;
    pid_t id;
    int ended, left, released;
    acl_status status;
    double end;
} task;

static inline void *run_task(void *argument)
{
    task *self = argument;
    SET(self->id, (pid_t)syscall(SYS_gettid));
    self->status = self->body(self);
    self->end = clock_now();
    SET(self->ended, 1);
    return NULL;
}

/* Starts body with these values of the task. */
#define TASK_BEGINS(self, function, ...) \
    do { *(self) = (task){ .body = (function), __VA_ARGS__ }; \
        EQUAL(pthread_create(&(self)->thread, NULL, run_task, self), 0); } while (0)

/* The task ends within the time and answers that. */
#define TASK_ENDS(self, seconds, should) \
    do { COMES(GET((self)->ended), seconds); \
        EQUAL(pthread_join((self)->thread, NULL), 0); \
        EQUAL((self)->status, should); } while (0)

/* Whether the thread sleeps in the kernel, and how often it fell asleep so far. */
static inline int asleep(pid_t id, long *times)
{
    char path[60], line[200], state = '?';
    FILE *file;
    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)id);
    file = fopen(path, "r");
    *times = -1;
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "State: %c", &state) != 1 && sscanf(line, "voluntary_ctxt_switches: %ld", times) == 1)
            break;
    fclose(file);
    return state == 'S';
}

/* Waits until the thread sleeps and goes on sleeping; to look around that often, in seconds, is allowed. */
static inline void until_blocked(const pid_t *id, const int *ended, double looks)
{
    double limit = clock_now() + 10, begun = 0, spent;
    long before = 0, times;
    for (;;) {
        if (GET(*ended))
            fail(__FILE__, __LINE__, "the thread ended instead of waiting");
        if (clock_now() > limit)
            fail(__FILE__, __LINE__, "the thread does not wait");
        nap(1000);
        spent = begun > 0 ? clock_now() - begun : 0;
        if (GET(*id) == 0 || !asleep(GET(*id), &times)) {
            begun = 0;
        } else if (begun > 0 && spent > (slowly() ? 0.02 : 0.004) && times - before <= 1 + (long)(spent / looks)) {
            return;
        } else if (begun <= 0 || spent > 0.1) {
            begun = clock_now();
            before = times;
        }
    }
}
#define TASK_BLOCKS(self) until_blocked(&(self)->id, &(self)->ended, 0.008)
/* The same where it asks the system every 2 ms whether a connection has been made. */
#define TASK_ASKS(self) until_blocked(&(self)->id, &(self)->ended, 0.0015)

/* What threads often do. The byte goes to data if there is one. */
static inline acl_status in_read_byte(task *self)
{
    uint8_t byte;
    return acl_read_byte(self->socket, self->data != NULL ? self->data : &byte);
}

static inline acl_status in_finish_connect(task *self)
{
    return acl_finish_connect(self->socket, ACL_SOCKET_WAIT);
}

/* SIGUSR1 counts, or leaves the call that allows it. */
static __thread sigjmp_buf leave_to;
static __thread volatile sig_atomic_t may_leave, interruptions;

static inline void on_signal(int number)
{
    (void)number;
    SET(interruptions, interruptions + 1);
    if (may_leave) {
        may_leave = 0;
        siglongjmp(leave_to, 1);
    }
}

static inline void expect_signals_with(int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = flags;
    EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
}

static inline void expect_signals(void) { expect_signals_with(0); }

#define LEFT -1000
/* What the call answers, LEFT when a signal left it. */
static inline acl_status leavable(acl_status (*call)(task *), task *self)
{
    acl_status status;
    if (sigsetjmp(leave_to, 1) != 0)
        return LEFT;
    may_leave = 1;
    status = call(self);
    may_leave = 0;
    return status;
}

/* The task, which is blocked in a leavable call, leaves it and says so in `left`. */
#define TASK_LEAVES(self) \
    do { TASK_BLOCKS(self); \
        EQUAL(pthread_kill((self)->thread, SIGUSR1), 0); \
        COMES(GET((self)->left), patience()); } while (0)

/* Signals that hit a thread all the time, every 200 microseconds and until a call that begins anew with each of them has
 * taken too long, or with `when_asleep` only while it sleeps. */
typedef struct { pthread_t thread, victim; pid_t id; int when_asleep, stop; } storm;

static inline void *run_storm(void *argument)
{
    storm *self = argument;
    double limit = clock_now() + (slowly() ? 25 : 8);
    long before = -1, times = -1;
    while (!GET(self->stop) && (self->when_asleep || clock_now() < limit)) {
        int steady = !self->when_asleep || (asleep(self->id, &times) && times == before);
        if (steady)
            pthread_kill(self->victim, SIGUSR1);
        before = steady || !self->when_asleep ? -1 : times;
        nap(200);
    }
    return NULL;
}

static inline void storm_begins(storm *self, int when_asleep, int flags)
{
    expect_signals_with(flags);
    SET(interruptions, 0);
    *self = (storm){ .victim = pthread_self(), .id = (pid_t)syscall(SYS_gettid), .when_asleep = when_asleep };
    EQUAL(pthread_create(&self->thread, NULL, run_storm, self), 0);
}

static inline void storm_ends(storm *self)
{
    SET(self->stop, 1);
    EQUAL(pthread_join(self->thread, NULL), 0);
}
#endif
