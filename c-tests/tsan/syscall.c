/* For ThreadSanitizer, which does not see bare system calls. Linked with --wrap=syscall.
 *
 * - A signal that came in one would be kept back until the next call that is seen, so that no handler could interrupt
 *   the call or leave it.
 * - The numbers of closed descriptors would seem to be still in use.
 * - Who reads in /proc that a thread is in a system call sees what that thread did before it, as the lock of a stream
 *   relies on.
 *
 * What the calls move is not told: a socket shall not stand in for synchronisation. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* Of the runtime. Any call between the two of futex is one that may wait. */
void __sanitizer_syscall_pre_impl_futex(long, long, long, long, long, long);
void __sanitizer_syscall_post_impl_futex(long, long, long, long, long, long, long);
void __sanitizer_syscall_pre_impl_close(long);
void __tsan_acquire(void *);
void __tsan_release(void *);

/* What stands for the thread of that number; that some share one does not matter much. */
static char threads[4096];
static __thread char *own;
/* The thread whose state this one is about to read. */
static __thread long looked_at;

static void *of_thread(long number)
{
    return &threads[number % (long)sizeof threads];
}

long __wrap_syscall(long number, ...)
{
    long given[6], result;
    va_list arguments;
    int i;
    va_start(arguments, number);
    for (i = 0; i < 6; i++)
        given[i] = va_arg(arguments, long);
    va_end(arguments);
    if (own == NULL)
        own = of_thread(__real_syscall(SYS_gettid));
    __tsan_release(own);
    if (number == SYS_close)
        __sanitizer_syscall_pre_impl_close(given[0]);
    __sanitizer_syscall_pre_impl_futex(0, 0, 0, 0, 0, 0);
    result = __real_syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
    __sanitizer_syscall_post_impl_futex(0, 0, 0, 0, 0, 0, 0);
    if (number == SYS_read && looked_at != 0)
        __tsan_acquire(of_thread(looked_at));
    looked_at = 0;
    if (number == SYS_openat && sscanf((const char *)given[1], "/proc/self/task/%ld/syscall", &looked_at) != 1)
        looked_at = 0;
    return result;
}
