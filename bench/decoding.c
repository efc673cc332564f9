/* The chunked coding in memory: the decoder of the library's streams, and picohttpparser. A body comes in slices, as if it
 * were received, and what was in its chunks is put together. */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline const char *failure_text(void) { return "no memory, or other bytes than were encoded"; }

enum { BODY = 1 << 20, SLICE = 65536 };

/* Of bench/chunks. */
size_t bench_decode(const char *encoded, size_t length, char *slice, char *out);

/* Of picohttpparser. */
struct phr_chunked_decoder { size_t bytes_left_in_chunk; char consume_trailer, hex_count, state; };
ssize_t phr_decode_chunked(struct phr_chunked_decoder *decoder, char *buffer, size_t *length);

static size_t decode_by_pico(const char *encoded, size_t length, char *slice, char *out)
{
    struct phr_chunked_decoder decoder = { 0, 1, 0, 0 };
    size_t taken, decoded = 0;
    ssize_t done = -2;
    for (taken = 0; taken < length && done == -2;) {
        size_t size = length - taken < SLICE ? length - taken : SLICE;
        memcpy(slice, encoded + taken, size);
        taken += size;
        done = phr_decode_chunked(&decoder, slice, &size);
        memcpy(out + decoded, slice, size);
        decoded += size;
    }
    return done >= 0 ? decoded : 0;
}

/* An operation is a chunk. */
static void decode_loop(struct run *run, size_t (*decode)(const char *, size_t, char *, char *))
{
    size_t chunk = run->piece, most = BODY / chunk * (chunk + 16) + 16, length = 0, place;
    char *body = malloc(BODY), *encoded = malloc(most), *slice = malloc(SLICE), *out = malloc(most);
    double decoded = 0;
    MUST(run, body != NULL && encoded != NULL && slice != NULL && out != NULL, "malloc");
    for (place = 0; place < BODY; place++)
        body[place] = text[place % TEXT_LENGTH];
    for (place = 0; place < BODY; place += chunk) {
        length += (size_t)sprintf(encoded + length, "%zx\r\n", chunk);
        memcpy(encoded + length, body + place, chunk);
        memcpy(encoded + length + chunk, "\r\n", 2);
        length += chunk + 2;
    }
    memcpy(encoded + length, "0\r\n\r\n", 5);
    length += 5;
    for (; keep_going(run, decoded); decoded += (double)(BODY / chunk))
        MUST(run, decode(encoded, length, slice, out) == BODY, "decoding");
    stop_clock(run, decoded);
    MUST(run, memcmp(out, body, BODY) == 0, "comparing what was decoded");
}

static void by_pico(struct run *run) { decode_loop(run, decode_by_pico); }
static void by_the_library(struct run *run) { decode_loop(run, bench_decode); }

const struct contender pico_decoder = { "pico", { [DECODE] = by_pico } };
const struct contender acl_decoder = { "acl", { [DECODE] = by_the_library } };
