/* The benchmark of the library against bare system calls: workloads, rounds, and the table. A ratio
 * is a measurement of the library over the mean of the two measurements of the floor around it. */
#include "bench.h"
#include "raw.h"
#include "ssl.h"
#include <acl_socket.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* What a row is, its goal and its floor: bench/README.md. */
static const struct workload workloads[] = {
    { "pp64s", ROUND_TRIPS, 64, &raw, &acl, SERVE_ECHO, false, true, 1.03, 0.97 },
    { "ux_pp64s", ROUND_TRIPS, 64, &raw, &acl, SERVE_ECHO, true, true, 1.03, 0 },
    { "send64k", SEND, PIECE, &raw, &acl, SERVE_SINK, false, false, 1.02, 0 },
    { "recv64k", RECEIVE_SOME, PIECE, &raw, &acl, SERVE_SOURCE, false, false, 1.02, 0 },
    { "ux_send64k", SEND, PIECE, &raw, &acl, SERVE_SINK, true, false, 1.03, 0 },
    { "ux_recv64k", RECEIVE_SOME, PIECE, &raw, &acl, SERVE_SOURCE, true, false, 1.03, 0 },
    { "send1k", SEND, 1024, &rawbuf, &acl, SERVE_SINK, false, false, 1.10, 0 },
    { "recv1k", RECEIVE_ALL, 1024, &rawbuf, &acl, SERVE_SOURCE, false, false, 1.10, 0 },
    { "ux_send1k", SEND, 1024, &rawbuf, &acl, SERVE_SINK, true, false, 1.03, 0 },
    { "lines", READ_LINES, LINE_LENGTH, &rawbuf, &acl, SERVE_SOURCE, false, false, 1.2, 0 },
    { "lines_place", READ_LINES, LINE_LENGTH, &rawbuf, &acl_in_place, SERVE_SOURCE, false, false, 1.05, 0 },
    { "getc", READ_BYTES, 1, &rawbuf, &acl, SERVE_SOURCE, false, false, 2.5, 0 },
    { "getc_place", READ_BYTES, 1, &rawbuf, &acl_in_place, SERVE_SOURCE, false, false, 1.1, 0 },
    { "rune", READ_CHARACTERS, 1, &rawbuf, &acl, SERVE_SOURCE, false, false, 3, 0 },
    { "rune_place", READ_CHARACTERS, 1, &rawbuf, &acl_in_place, SERVE_SOURCE, false, false, 1.1, 0 },
    { "wline", WRITE_LINES, LINE_LENGTH, &rawbuf, &acl, SERVE_SINK, false, false, 1.25, 0 },
    { "wline_place", WRITE_LINES, LINE_LENGTH, &rawbuf, &acl_in_place, SERVE_SINK, false, false, 1.1, 0 },
    { "putc", WRITE_BYTES, 1, &rawbuf, &acl, SERVE_SINK, false, false, 1.4, 0 },
    { "putc_place", WRITE_BYTES, 1, &rawbuf, &acl_in_place, SERVE_SINK, false, false, 1.1, 0 },
    { "chunkstream_seq", READ_CHUNKS, PIECE, &rawbuf, &acl, SERVE_CHUNKS, false, false, 1.10, 0 },
    { "chunkstream_byte", READ_CHUNK_BYTES, 1, &rawbuf, &acl, SERVE_CHUNKS, false, false, 3, 0 },
    { "chunk_dec4k", DECODE, 4096, &pico_decoder, &acl_decoder, SERVE_NOTHING, false, false, 0.91, 1.1 },
    { "chunk_dec64", DECODE, 64, &pico_decoder, &acl_decoder, SERVE_NOTHING, false, false, 0.87, 1.15 },
    { "chunk_dec1", DECODE, 1, &pico_decoder, &acl_decoder, SERVE_NOTHING, false, false, 0.83, 1.2 },
    { "conn", CONNECT, 0, &raw, &acl, SERVE_ACCEPTING, false, false, 1.05, 0 },
    { "acc", ACCEPT, 0, &raw, &acl, SERVE_CONNECTING, false, false, 1.05, 0 },
    { "udp_send", SEND_DATAGRAMS, 64, &raw_calls, &acl_calls, SERVE_DATAGRAM_SINK, false, false, 1.03, 0 },
    { "udp_recv", RECEIVE_DATAGRAMS, 64, &raw_calls, &acl_calls, SERVE_DATAGRAMS, false, false, 1.03, 0 },
    { "udp_pps", DATAGRAM_TRIPS, 64, &raw_calls, &acl_calls, SERVE_DATAGRAM_ECHO, false, true, 1.03, 0 },
    { "udp_send_many", SEND_DATAGRAMS, 64, &raw_calls, &acl_many, SERVE_DATAGRAM_SINK, false, false, 0.4, 2.9 },
    { "udp_recv_many", RECEIVE_DATAGRAMS, 64, &raw_calls, &acl_many, SERVE_DATAGRAMS, false, false, 0.1, 15 },
    { "send_file", SEND_FILE, 12 * TEXT_LENGTH, &raw_calls, &acl_calls, SERVE_SINK, false, false, 1.03, 0 },
    { "dparse", PARSE, 0, &raw_calls, &acl_calls, SERVE_NOTHING, false, false, 0.42, 2.4 },
    { "dformat", FORMAT, 0, &raw_calls, &acl_calls, SERVE_NOTHING, false, false, 0.034, 30 },
    { "wait10", WAIT_FOR_ONE, 10, &raw_calls, &acl_calls, SERVE_NOTHING, false, false, 1.15, 0 },
    { "wait1000", WAIT_FOR_ONE, 1000, &raw_calls, &acl_calls, SERVE_NOTHING, false, false, 1.15, 0 },
    { "wait_most", WAIT_FOR_ONE, 20000, &raw_calls, &acl_calls, SERVE_NOTHING, false, false, 1.15, 0 },
    { "check10", CHECK_HANDLES, 10, &raw_calls, &acl_calls, SERVE_NOTHING, false, false, 10, 0 },
    { "check1000", CHECK_HANDLES, 1000, &raw_calls, &acl_calls, SERVE_NOTHING, false, false, 10, 0 },
    { "check20000", CHECK_HANDLES, 20000, &raw_calls, &acl_calls, SERVE_NOTHING, false, false, 10, 0 },
    { "tls_pp64s", ROUND_TRIPS, 64, &ssl_openssl, &ssl_acl, SERVE_SSL_ECHO, false, true, 1.03, 0 },
    { "tls_send16k", SEND, 16384, &ssl_openssl, &ssl_acl, SERVE_SSL_SINK, false, false, 1.03, 0 },
    { "tls_recv16k", RECEIVE_SOME, 16384, &ssl_openssl, &ssl_acl, SERVE_SSL_SOURCE, false, false, 1.03, 0 },
    { "tls_send1k", SEND, 1024, &ssl_openssl, &ssl_acl, SERVE_SSL_SINK, false, false, 0.5, 5 },
    { "tls_hs", HANDSHAKES, 0, &ssl_openssl, &ssl_acl, SERVE_SSL_SHAKING, false, false, 1.03, 0.97 },
    { "tls_hsr", RESUMPTIONS, 0, &ssl_openssl, &ssl_acl, SERVE_SSL_SHAKING, false, false, 1.03, 0.97 },
    { "idle0", HOLD, 0, &raw, &acl, SERVE_CONNECTING, false, false, 200, 0 },
    { "idle1", HOLD, 1, &raw, &acl, SERVE_CONNECTING, false, false, 300, 0 },
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads, MOST_ROUNDS = 99 };

struct settings settings = { 0.2, 5, 2000, 0, 0, NULL };
char text[TEXT_LENGTH];
uint64_t line_sum;

/* --- figures */

struct figures { double value[MOST_ROUNDS + 1]; int count; };

static void note(struct figures *figures, double value) { figures->value[figures->count++] = value; }

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sorts the figures as well: the least is the first then, the most the last. */
static double median(struct figures *figures)
{
    int middle = figures->count / 2;
    qsort(figures->value, (size_t)figures->count, sizeof *figures->value, by_value);
    return figures->count % 2 != 0 ? figures->value[middle] : (figures->value[middle - 1] + figures->value[middle]) / 2;
}

/* CPU time per operation in ns, or resident bytes per connection. */
static double cost(const struct workload *workload, const struct result *result)
{
    return workload->loop == HOLD ? result->bytes : result->cpu_seconds * 1e9 / result->operations;
}

static double rate(const struct result *result) { return result->operations / result->seconds; }

/* --- the table */

static void print_heading(void)
{
    printf("%s\n%g s a measurement, %d rounds, congestion control %s, peer on CPU %d, measured on CPU %d\n\n",
        acl_get_socket_version(), settings.seconds, settings.rounds,
        settings.congestion != NULL ? settings.congestion : "as it is", settings.peer_cpu, settings.measured_cpu);
    printf("%-17s%-8s%10s  %9s %-17s%6s %10s %10s  %s\n", "workload", "floor", "goal", "cpu ratio", "[least..most]", "rate",
        "floor ns", "ours ns", "verdict");
}

static const char *cost_text(double value, char *room, size_t size)
{
    snprintf(room, size, "%.*f", value < 100 ? 2 : 0, value);
    return room;
}

static void print_row(const struct workload *workload, struct figures *floors, struct figures *ours,
    struct figures *ratios, struct figures *rates)
{
    double of_floor = median(floors), of_ours = median(ours), judged = of_ours;
    bool met = true;
    char goal[32], spread[40], floor_text[32], ours_text[32];
    printf("%-17s%-8s", workload->name, workload->floor->name);
    if (workload->loop == HOLD) {
        snprintf(goal, sizeof goal, "%g B", workload->goal);
        printf("%10s  %9s %-17s%6s %8.0f B %8.0f B", goal, "", "", "", of_floor, of_ours);
    } else {
        double of_rates = median(rates);
        judged = median(ratios);
        met = of_rates >= workload->rate_goal;
        snprintf(goal, sizeof goal, workload->rate_goal > 0 ? "%g/%g" : "%g", workload->goal, workload->rate_goal);
        snprintf(spread, sizeof spread, "[%.3f..%.3f]", ratios->value[0], ratios->value[ratios->count - 1]);
        printf("%10s  %9.3f %-17s%6.2f %10s %10s", goal, judged, spread, of_rates,
            cost_text(of_floor, floor_text, sizeof floor_text), cost_text(of_ours, ours_text, sizeof ours_text));
    }
    printf("  %s\n", met && judged <= workload->goal ? "met" : "missed");
    fflush(stdout);
}

/* --- rounds */

static bool measure_or_tell(const struct workload *workload, const struct contender *contender, struct result *result)
{
    if (measure(workload, contender, result))
        return true;
    printf("%-17s%-8sFAILED with %s: %s\n", workload->name, workload->floor->name, contender->name, result->error);
    fflush(stdout);
    return false;
}

static bool run_workload(const struct workload *workload)
{
    struct figures floors = { { 0 }, 0 }, ours = floors, ratios = floors, rates = floors;
    struct result before, between, after;
    int round;
    /* The first time finds everything cold and is forgotten. */
    if (!measure_or_tell(workload, workload->floor, &before) || !measure_or_tell(workload, workload->floor, &before))
        return false;
    note(&floors, cost(workload, &before));
    for (round = 0; round < settings.rounds; round++) {
        if (!measure_or_tell(workload, workload->ours, &between) || !measure_or_tell(workload, workload->floor, &after))
            return false;
        note(&floors, cost(workload, &after));
        note(&ours, cost(workload, &between));
        if (workload->loop != HOLD) {
            note(&ratios, 2 * cost(workload, &between) / (cost(workload, &before) + cost(workload, &after)));
            note(&rates, 2 * rate(&between) / (rate(&before) + rate(&after)));
        }
        before = after;
    }
    print_row(workload, &floors, &ours, &ratios, &rates);
    return true;
}

/* --- what the machine has, and the command line */

static void fill_text(void)
{
    int i;
    for (i = 0; i < TEXT_LENGTH; i++) {
        int column = i % LINE_LENGTH;
        text[i] = (char)(column == LINE_LENGTH - 1 ? '\n' : ' ' + (column * 7 + 33) % 95);
        if (i < LINE_LENGTH)
            line_sum += (unsigned char)text[i];
    }
}

/* The first two CPUs that this process may use, or one twice. */
static void choose_cpus(void)
{
    cpu_set_t set;
    int cpu, found = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    for (cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
        if (CPU_ISSET((size_t)cpu, &set)) {
            if (found++ == 0)
                settings.peer_cpu = cpu;
            settings.measured_cpu = cpu;
        }
}

/* Pacing as of bbr makes loopback slow and uneven; without privileges cubic may be forbidden. */
static void choose_congestion(void)
{
    static const char *const wanted[] = { "cubic", "reno" };
    int i, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (i = 0; i < 2 && descriptor >= 0 && settings.congestion == NULL; i++)
        if (set_congestion(descriptor, wanted[i]))
            settings.congestion = wanted[i];
    close(descriptor);
}

/* The memory workloads want many descriptors. */
static void choose_connections(void)
{
    enum { OTHERS = 64 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < (rlim_t)settings.connections + OTHERS)
        settings.connections = limit.rlim_cur > 2 * OTHERS ? (int)limit.rlim_cur - OTHERS : OTHERS;
}

static int usage(void)
{
    int i;
    fprintf(stderr, "usage: bench [-s SECONDS] [-r ROUNDS] [WORKLOAD...]\nworkloads:");
    for (i = 0; i < WORKLOADS; i++)
        fprintf(stderr, " %s", workloads[i].name);
    fprintf(stderr, "\n");
    return 2;
}

int main(int argc, char **argv)
{
    bool chosen[WORKLOADS] = { false }, well = true;
    int option, i;
    while ((option = getopt(argc, argv, "s:r:")) != -1) {
        if (option == 's')
            settings.seconds = atof(optarg);
        else if (option == 'r')
            settings.rounds = atoi(optarg);
        else
            return usage();
    }
    if (!(settings.seconds >= 0.01 && settings.seconds <= 60) || settings.rounds < 1 || settings.rounds > MOST_ROUNDS)
        return usage();
    for (i = optind; i < argc; i++) {
        int known;
        for (known = 0; known < WORKLOADS && strcmp(argv[i], workloads[known].name) != 0; known++)
            ;
        if (known == WORKLOADS)
            return usage();
        chosen[known] = true;
    }
    fill_text();
    if (!make_certificate()) {
        fprintf(stderr, "bench: no certificate could be made\n");
        return 1;
    }
    choose_cpus();
    choose_congestion();
    choose_connections();
    print_heading();
    fflush(stdout);
    for (i = 0; i < WORKLOADS; i++)
        if (optind == argc || chosen[i])
            well = run_workload(&workloads[i]) && well;
    return well ? 0 : 1;
}
