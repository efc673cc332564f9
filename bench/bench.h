/* What the parts of the benchmark share: the workloads, a measurement of one of them, the peer that
 * it talks to, and the text that is sent. README.md tells how the parts work together. */
#ifndef BENCH_H
#define BENCH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define rarely(condition) __builtin_expect(!!(condition), 0)

/* --- the text: lines of 80 bytes, newline included, over and over */

enum { LINE_LENGTH = 80, PIECE = 65536, TEXT_LENGTH = 1024 * LINE_LENGTH };

/* TEXT_LENGTH bytes, so that PIECE bytes can be taken from each place of the first line. */
extern char text[TEXT_LENGTH];
/* The sum of the bytes of a line, a check on loops that take them one by one. */
extern uint64_t line_sum;

/* --- the peer, a process of its own in plain C */

enum service {
    SERVE_ECHO,         /* sends back what it reads */
    SERVE_SINK,         /* reads to the end of file, then sends how many bytes there were */
    SERVE_SOURCE,       /* sends the text without end */
    SERVE_CHUNKS,       /* sends it in the chunked coding, 4 KiB a chunk, without end */
    SERVE_ACCEPTING,    /* accepts and closes connections */
    SERVE_CONNECTING,   /* makes connections as a struct order says */
    SERVE_DATAGRAM_SINK,    /* answers a datagram of one byte by how many others there were */
    SERVE_DATAGRAMS,        /* sends the beginning of the text, in datagrams without end, to the first who calls */
    SERVE_DATAGRAM_ECHO,    /* sends back each datagram */
    SERVE_NOTHING,
    SERVE_SSL_ECHO, SERVE_SSL_SINK, SERVE_SSL_SOURCE,   /* the same over SSL */
    SERVE_SSL_SHAKING   /* shakes hands, sends a byte and waits for the end */
};

/* What SERVE_SINK answers when it read something else than the text. */
#define NOT_THE_TEXT UINT64_MAX

/* Sent on the control descriptor of SERVE_CONNECTING, answered by one byte: resets the connections
 * there are and makes `count` new ones, with lines != 0 sending a line on each and waiting for one. */
struct order { int port, count, lines; };

struct peer {
    pid_t process;
    int port;           /* of TCP and UDP services; 0 else */
    int descriptor;     /* an end of a Unix-domain pair, or the control descriptor; -1 else */
};

bool start_peer(enum service service, bool unix_domain, int cpu, struct peer *peer);
void stop_peer(struct peer *peer);

/* --- measurements */

struct settings {
    double seconds;             /* of one measurement */
    int rounds;
    int connections;            /* of the memory workloads */
    int peer_cpu, measured_cpu;
    const char *congestion;     /* congestion control of the bulk workloads, NULL for the default */
};
extern struct settings settings;

struct result {
    double operations, seconds, cpu_seconds;
    double bytes;               /* resident bytes per connection, of the memory workloads */
    char error[256];            /* empty when it went well */
};

/* One measurement, in the measured process. */
struct run {
    size_t piece;               /* bytes of an operation, lines exchanged on each connection, or sockets */
    struct peer peer;
    struct result *result;
    bool measuring;
    double until, started, operations_before;
    struct rusage usage_before;
};

/* Asked between batches with the operations done so far: false when the time is over. The first
 * tenth of the time warms up and does not count. */
bool keep_going(struct run *run, double operations);
/* Stops the clock; for loops that measure several stretches, start_clock begins the next one. */
void stop_clock(struct run *run, double operations);
void start_clock(struct run *run, double operations);
double seconds_now(void);
/* The resident memory of this process, in bytes. */
double resident_bytes(void);
/* Ends the measured process. */
void fail(struct run *run, const char *what, const char *why) __attribute__((noreturn));

#define MUST(run, condition, what) \
    do { if (rarely(!(condition))) fail(run, what, failure_text()); } while (0)

/* --- contenders and workloads */

enum loop {
    ROUND_TRIPS, SEND, RECEIVE_SOME, RECEIVE_ALL, READ_LINES, READ_BYTES, READ_CHARACTERS, WRITE_LINES,
    WRITE_BYTES, READ_CHUNKS, READ_CHUNK_BYTES, CONNECT, ACCEPT, HOLD, SEND_DATAGRAMS, RECEIVE_DATAGRAMS, DATAGRAM_TRIPS,
    WAIT_FOR_ONE, SEND_FILE, PARSE, FORMAT, DECODE, CHECK_HANDLES, HANDSHAKES,
    RESUMPTIONS, LOOPS
};

struct contender {
    const char *name;
    void (*loops[LOOPS])(struct run *run);
};
extern const struct contender raw, rawbuf, raw_calls, acl, acl_in_place, acl_calls, acl_many, ssl_openssl, ssl_acl;
extern const struct contender pico_decoder, acl_decoder;

struct workload {
    const char *name;
    enum loop loop;
    size_t piece;
    const struct contender *floor, *ours;
    enum service service;
    bool unix_domain, same_cpu;
    double goal;        /* the most: CPU time per operation over the floor's, or bytes */
    double rate_goal;   /* the least: rate over the floor's; 0 for none */
};

/* Runs a workload once, in a process of its own with a peer of its own. */
bool measure(const struct workload *workload, const struct contender *contender, struct result *result);

/* Pins this process to a CPU, and lets it end with its parent or when it takes far too long. */
void settle_process(int cpu);

#endif
