/* The loops of all workloads, once. A contender defines struct stream and, inlined, the functions
 * that the loops call; then it says which of CONNECTS, TRANSFERS, READS_LINES, READS_ITEMS,
 * DECODES_CHARACTERS, WRITES_ITEMS, READS_CHUNKS, SHAKES and ACCEPTS it has and includes this file.
 * Every loop makes the same calls and the same checks for all contenders. */
#include "bench.h"
#include "raw.h"
#include <stdlib.h>

#ifdef CONNECTS
/* Also keeps the compiler from leaving out the work that the sum stands for. */
static inline void check_sum(struct run *run, uint64_t sum, uint64_t bytes)
{
    if (sum != bytes / LINE_LENGTH * line_sum)
        fail(run, "reading", "the bytes are not those that were sent");
}

static inline void open_peer(struct run *run, struct stream *stream)
{
    if (run->peer.port == 0)
        MUST(run, open_descriptor(stream, run->peer.descriptor), "taking over a descriptor");
    else {
        MUST(run, open_connection(stream, run->peer.port), "connecting");
        MUST(run, set_congestion(descriptor_of(stream), settings.congestion), "setting the congestion control");
    }
}
#endif

#ifdef TRANSFERS
static void round_trips(struct run *run)
{
    char answer[LINE_LENGTH];
    struct stream stream;
    uint64_t trips = 0;
    int i;
    open_peer(run, &stream);
    while (keep_going(run, (double)trips))
        for (i = 0; i < 50; i++, trips++) {
            MUST(run, write_bytes(&stream, text, run->piece) && flush(&stream), "writing");
            MUST(run, read_all(&stream, answer, run->piece), "reading");
            MUST(run, memcmp(answer, text, run->piece) == 0, "comparing");
        }
    stop_clock(run, (double)trips);
    close_stream(&stream);
}

/* Receiving waits for the first byte of each piece only, as recv does. */
static void receive_some_loop(struct run *run)
{
    static char data[PIECE];
    struct stream stream;
    uint64_t total = 0;
    int i;
    open_peer(run, &stream);
    while (keep_going(run, (double)total / (double)run->piece))
        for (i = 0; i < 4; i++) {
            ssize_t length = read_some(&stream, data, run->piece);
            MUST(run, length > 0, "reading");
            MUST(run, data[0] == text[total % LINE_LENGTH], "comparing");
            total += (uint64_t)length;
        }
    stop_clock(run, (double)total / (double)run->piece);
    close_stream(&stream);
}

static void receive_all_loop(struct run *run)
{
    static char data[PIECE];
    struct stream stream;
    uint64_t total = 0;
    size_t piece = run->piece, i;
    open_peer(run, &stream);
    while (keep_going(run, (double)total / (double)piece))
        for (i = 0; i < 4 * PIECE / piece; i++, total += piece) {
            MUST(run, read_all(&stream, data, piece), "reading");
            MUST(run, data[0] == text[total % LINE_LENGTH], "comparing");
        }
    stop_clock(run, (double)total / (double)piece);
    close_stream(&stream);
}
#endif

#ifdef SHAKES
/* Connecting included. The byte comes behind the ticket that the next one may resume by. */
static void handshakes(struct run *run)
{
    uint64_t shaken = 0;
    int i;
    while (keep_going(run, (double)shaken))
        for (i = 0; i < 4; i++, shaken++) {
            struct stream stream;
            char byte;
            MUST(run, open_connection(&stream, run->peer.port), "connecting");
            MUST(run, reset_when_closed(descriptor_of(&stream)), "preparing to close");
            MUST(run, read_all(&stream, &byte, 1), "reading");
            close_stream(&stream);
        }
    stop_clock(run, (double)shaken);
}
#endif

#if defined TRANSFERS || defined WRITES_ITEMS
/* The clock stops when the peer has told that everything arrived. */
static void finish_sending(struct run *run, struct stream *stream, uint64_t sent, double operations)
{
    uint64_t arrived;
    MUST(run, flush(stream) && end_output(stream), "ending the output");
    MUST(run, read_all(stream, &arrived, sizeof arrived), "reading the acknowledgement");
    stop_clock(run, operations);
    if (arrived != sent)
        fail(run, "writing", arrived == NOT_THE_TEXT ? "other bytes arrived than were sent" : "not everything arrived");
    close_stream(stream);
}
#endif

#ifdef TRANSFERS
static void send_loop(struct run *run)
{
    struct stream stream;
    uint64_t total = 0;
    size_t piece = run->piece, i;
    open_peer(run, &stream);
    while (keep_going(run, (double)total / (double)piece))
        for (i = 0; i < 4 * PIECE / piece; i++, total += piece)
            MUST(run, write_bytes(&stream, text + total % LINE_LENGTH, piece), "writing");
    finish_sending(run, &stream, total, (double)total / (double)piece);
}
#endif

#ifdef READS_LINES
static void read_lines(struct run *run)
{
    char room[4096];
    struct stream stream;
    uint64_t lines = 0;
    int i;
    open_peer(run, &stream);
    while (keep_going(run, (double)lines))
        for (i = 0; i < 1000; i++, lines++) {
            size_t length;
            const char *line = read_line(&stream, room, sizeof room, &length);
            MUST(run, line != NULL, "reading a line");
            MUST(run, length == LINE_LENGTH - 1 && line[length - 1] == text[LINE_LENGTH - 2], "comparing");
        }
    stop_clock(run, (double)lines);
    close_stream(&stream);
}
#endif

#ifdef DECODES_CHARACTERS
/* The rest of a character of UTF-8 whose first byte is not ASCII; -1 at the end of file. */
static int read_character_rest(struct stream *stream, int first)
{
    int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : 0;
    int character = first & (0x3f >> more);
    if (first < 0 || more == 0)
        return first < 0 ? -1 : 0xfffd;
    while (more-- > 0) {
        int next = read_byte(stream);
        if (next < 0)
            return -1;
        if ((next & 0xc0) != 0x80)
            return 0xfffd;
        character = character << 6 | (next & 0x3f);
    }
    return character;
}

static inline int read_character(struct stream *stream)
{
    int first = read_byte(stream);
    return first >= 0 && first < 0x80 ? first : read_character_rest(stream, first);
}
#endif

/* A loop that takes the text in items of a byte: `read` is the contender's function. */
#define LOOP_OVER_BYTES(run, prepare, read) \
    struct stream stream; \
    uint64_t bytes = 0, sum = 0; \
    int i; \
    open_peer(run, &stream); \
    prepare; \
    while (keep_going(run, (double)bytes)) { \
        for (i = 0; i < 200 * LINE_LENGTH; i++) { \
            int item = read(&stream); \
            MUST(run, item >= 0, "reading"); \
            sum += (unsigned)item; \
        } \
        bytes += 200 * LINE_LENGTH; \
    } \
    stop_clock(run, (double)bytes); \
    check_sum(run, sum, bytes); \
    close_stream(&stream)

#ifdef READS_ITEMS
static void read_bytes(struct run *run) { LOOP_OVER_BYTES(run, (void)0, read_byte); }
static void read_characters(struct run *run) { LOOP_OVER_BYTES(run, (void)0, read_character); }
#endif

#ifdef READS_CHUNKS
static void read_chunk_bytes(struct run *run)
{
    LOOP_OVER_BYTES(run, MUST(run, begin_chunks(&stream), "switching chunking on"), read_chunked_byte);
}

static void read_chunks(struct run *run)
{
    static char data[PIECE];
    struct stream stream;
    uint64_t total = 0;
    int i;
    open_peer(run, &stream);
    MUST(run, begin_chunks(&stream), "switching chunking on");
    while (keep_going(run, (double)total / PIECE))
        for (i = 0; i < 4; i++, total += PIECE) {
            MUST(run, read_chunked(&stream, data, PIECE), "reading");
            MUST(run, data[0] == text[total % LINE_LENGTH], "comparing");
            MUST(run, data[PIECE - 1] == text[(total + PIECE - 1) % LINE_LENGTH], "comparing");
        }
    stop_clock(run, (double)total / PIECE);
    close_stream(&stream);
}
#endif

#ifdef WRITES_ITEMS
static void write_lines(struct run *run)
{
    struct stream stream;
    uint64_t lines = 0;
    int i;
    open_peer(run, &stream);
    while (keep_going(run, (double)lines))
        for (i = 0; i < 1000; i++, lines++)
            MUST(run, write_text(&stream, text, LINE_LENGTH), "writing");
    finish_sending(run, &stream, lines * LINE_LENGTH, (double)lines);
}

static void write_bytes_singly(struct run *run)
{
    struct stream stream;
    uint64_t bytes = 0;
    int i;
    open_peer(run, &stream);
    while (keep_going(run, (double)bytes)) {
        for (i = 0; i < 200 * LINE_LENGTH; i++)
            MUST(run, write_byte(&stream, (unsigned char)text[i]), "writing");
        bytes += 200 * LINE_LENGTH;
    }
    finish_sending(run, &stream, bytes, (double)bytes);
}
#endif

#ifdef ACCEPTS
static void connect_loop(struct run *run)
{
    struct stream stream;
    uint64_t made = 0;
    int i;
    while (keep_going(run, (double)made))
        for (i = 0; i < 20; i++, made++) {
            MUST(run, open_connection(&stream, run->peer.port), "connecting");
            close_stream(&stream);
        }
    stop_clock(run, (double)made);
}

static void give_order(struct run *run, int port, int count, bool lines)
{
    struct order order = { port, count, lines };
    if (!send_all(run->peer.descriptor, &order, sizeof order))
        fail(run, "giving an order to the peer", strerror(errno));
}

static void await_order(struct run *run)
{
    char done;
    if (!receive_all(run->peer.descriptor, &done, 1))
        fail(run, "waiting for connections", "the peer could not make them");
}

/* The clock runs while connections that wait already are accepted, so that neither the peer's speed
 * nor sleeping for it counts. */
static void accept_loop(struct run *run)
{
    enum { BATCH = 100 };
    double until = seconds_now() + settings.seconds;
    struct listener listener;
    struct stream stream;
    bool warm = false;
    int port, i;
    MUST(run, open_listener(&listener, &port), "listening");
    do {
        give_order(run, port, BATCH, false);
        await_order(run);
        if (warm)
            start_clock(run, 0);
        for (i = 0; i < BATCH; i++) {
            MUST(run, accept_stream(&listener, &stream), "accepting");
            close_stream(&stream);
        }
        if (warm)
            stop_clock(run, BATCH);
        warm = true;
    } while (seconds_now() < until || run->result->operations == 0);
    close_listener(&listener);
}

static void hold_connections(struct run *run)
{
    struct listener listener;
    int port, count = settings.connections, i;
    struct stream *held = malloc(sizeof *held * (size_t)count), first;
    double before;
    MUST(run, held != NULL, "allocating");
    memset(held, 0xff, sizeof *held * (size_t)count);
    MUST(run, open_listener(&listener, &port), "listening");
    /* What the first connection needs once is not counted. */
    resident_bytes();
    give_order(run, port, 1, run->piece != 0);
    MUST(run, accept_stream(&listener, &first) && (run->piece == 0 || exchange_lines(&first)), "the first connection");
    await_order(run);
    before = resident_bytes();
    give_order(run, port, count, run->piece != 0);
    for (i = 0; i < count; i++) {
        MUST(run, accept_stream(&listener, &held[i]), "accepting");
        MUST(run, run->piece == 0 || exchange_lines(&held[i]), "exchanging lines");
    }
    await_order(run);
    run->result->bytes = (resident_bytes() - before) / count;
    give_order(run, port, 0, false);
    await_order(run);
    for (i = 0; i < count; i++)
        close_stream(&held[i]);
    close_stream(&first);
    close_listener(&listener);
    free(held);
}
#endif
