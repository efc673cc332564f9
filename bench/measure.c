/* One measurement: a peer, a process that runs the loop, its clock, and what it answers. */
#include "bench.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double cpu_between(const struct rusage *from, const struct rusage *to)
{
    long seconds = to->ru_utime.tv_sec - from->ru_utime.tv_sec + to->ru_stime.tv_sec - from->ru_stime.tv_sec;
    long micros = to->ru_utime.tv_usec - from->ru_utime.tv_usec + to->ru_stime.tv_usec - from->ru_stime.tv_usec;
    return (double)seconds + (double)micros * 1e-6;
}

void start_clock(struct run *run, double operations)
{
    run->operations_before = operations;
    run->started = seconds_now();
    getrusage(RUSAGE_SELF, &run->usage_before);
}

void stop_clock(struct run *run, double operations)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    run->result->seconds += seconds_now() - run->started;
    run->result->cpu_seconds += cpu_between(&run->usage_before, &usage);
    run->result->operations += operations - run->operations_before;
}

bool keep_going(struct run *run, double operations)
{
    double now = seconds_now();
    if (run->until == 0)
        run->until = now + settings.seconds / 10;
    if (now < run->until)
        return true;
    if (run->measuring)
        return false;
    run->measuring = true;
    run->until = now + settings.seconds;
    start_clock(run, operations);
    return true;
}

/* From the page tables where the kernel tells, because its quick counters lag behind by pages. */
double resident_bytes(void)
{
    char line[256];
    long kilobytes = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    if (file == NULL)
        file = fopen("/proc/self/status", "r");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Rss: %ld", &kilobytes) == 1 || sscanf(line, "VmRSS: %ld", &kilobytes) == 1)
            break;
    fclose(file);
    return (double)kilobytes * 1024;
}

void settle_process(int cpu)
{
    cpu_set_t set;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(10 + (unsigned)(3 * settings.seconds));
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

void fail(struct run *run, const char *what, const char *why)
{
    snprintf(run->result->error, sizeof run->result->error, "%s: %s", what, why);
    _exit(1);
}

static bool give_up(struct result *result, const char *what)
{
    snprintf(result->error, sizeof result->error, "%s: %s", what, strerror(errno));
    return false;
}

bool measure(const struct workload *workload, const struct contender *contender, struct result *result)
{
    static struct result *shared;
    struct run run;
    pid_t process;
    int status;
    if (shared == NULL) {
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) {
            shared = NULL;
            return give_up(result, "mmap");
        }
    }
    memset(shared, 0, sizeof *shared);
    memset(&run, 0, sizeof run);
    run.piece = workload->piece;
    run.result = shared;
    if (!start_peer(workload->service, workload->unix_domain,
            workload->same_cpu ? settings.measured_cpu : settings.peer_cpu, &run.peer))
        return give_up(result, "starting the peer");
    process = fork();
    if (process == 0) {
        settle_process(settings.measured_cpu);
        contender->loops[workload->loop](&run);
        _exit(0);
    }
    if (run.peer.descriptor >= 0)
        close(run.peer.descriptor);
    if (process < 0) {
        stop_peer(&run.peer);
        return give_up(result, "fork");
    }
    while (waitpid(process, &status, 0) < 0 && errno == EINTR)
        ;
    stop_peer(&run.peer);
    *result = *shared;
    if (status != 0 && result->error[0] == '\0')
        snprintf(result->error, sizeof result->error, WIFSIGNALED(status) ? "ended by signal %d" : "exit status %d",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return result->error[0] == '\0';
}
