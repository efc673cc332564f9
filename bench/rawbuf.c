/* The floor of the buffered workloads: system calls and a hand-written buffer of 64 KiB each way,
 * inlined into the loops, with a hand-written decoder of the chunked coding on top. No library
 * behind a function call can be much faster. */
#include "raw.h"
#include "bench.h"
#include <stdlib.h>

enum { ROOM = 65536, DIRECT = ROOM / 2 };

struct stream {
    int descriptor;
    unsigned char *input, *output;
    size_t next, end;       /* what is left of the input */
    size_t pending;         /* what waits in the output */
    size_t chunk_left;
    bool in_chunks;         /* a chunk was begun: its CRLF comes before the next one */
};

static inline const char *failure_text(void) { return errno != 0 ? strerror(errno) : "end of file, or bad chunks"; }
static inline int descriptor_of(struct stream *stream) { return stream->descriptor; }

static inline bool open_descriptor(struct stream *stream, int descriptor)
{
    memset(stream, 0, sizeof *stream);
    stream->descriptor = descriptor;
    stream->input = malloc(ROOM);
    stream->output = malloc(ROOM);
    return descriptor >= 0 && stream->input != NULL && stream->output != NULL;
}

static inline bool open_connection(struct stream *stream, int port)
{
    return open_descriptor(stream, raw_connect(port));
}

static inline void close_stream(struct stream *stream)
{
    close(stream->descriptor);
    free(stream->input);
    free(stream->output);
}

/* --- writing */

static inline bool flush(struct stream *stream)
{
    size_t pending = stream->pending;
    stream->pending = 0;
    return pending == 0 || send_all(stream->descriptor, stream->output, pending);
}

static inline bool write_bytes(struct stream *stream, const void *data, size_t size)
{
    if (rarely(size >= DIRECT))
        return flush(stream) && send_all(stream->descriptor, data, size);
    if (rarely(size > ROOM - stream->pending) && !flush(stream))
        return false;
    memcpy(stream->output + stream->pending, data, size);
    stream->pending += size;
    return true;
}

static inline bool write_text(struct stream *stream, const char *data, size_t size)
{
    return write_bytes(stream, data, size);
}

static inline bool write_byte(struct stream *stream, unsigned char byte)
{
    if (rarely(stream->pending == ROOM) && !flush(stream))
        return false;
    stream->output[stream->pending++] = byte;
    return true;
}

static inline bool end_output(struct stream *stream) { return shutdown(stream->descriptor, SHUT_WR) == 0; }

/* --- reading */

static bool fill(struct stream *stream)
{
    ssize_t received = receive_some(stream->descriptor, stream->input, ROOM);
    stream->next = 0;
    stream->end = received > 0 ? (size_t)received : 0;
    return received > 0;
}

static inline ssize_t read_some(struct stream *stream, void *data, size_t size)
{
    size_t there = stream->end - stream->next;
    if (there == 0) {
        if (size >= DIRECT)
            return receive_some(stream->descriptor, data, size);
        if (!fill(stream))
            return -1;
        there = stream->end;
    }
    if (there > size)
        there = size;
    memcpy(data, stream->input + stream->next, there);
    stream->next += there;
    return (ssize_t)there;
}

static inline bool read_all(struct stream *stream, void *data, size_t size)
{
    char *rest = data;
    while (size > 0) {
        ssize_t length = read_some(stream, rest, size);
        if (length <= 0)
            return false;
        rest += length;
        size -= (size_t)length;
    }
    return true;
}

static inline int read_byte(struct stream *stream)
{
    if (rarely(stream->next == stream->end) && !fill(stream))
        return -1;
    return stream->input[stream->next++];
}

/* The line without its newline, with a NUL; NULL at the end of file or for a line that is too long. */
static inline const char *read_line(struct stream *stream, char *room, size_t size, size_t *length)
{
    size_t stored = 0;
    for (;;) {
        unsigned char *start = stream->input + stream->next, *newline;
        size_t there = stream->end - stream->next;
        newline = there > 0 ? memchr(start, '\n', there) : NULL;
        if (newline != NULL)
            there = (size_t)(newline - start);
        if (rarely(there >= size - stored))
            return NULL;
        memcpy(room + stored, start, there);
        stored += there;
        stream->next += there;
        if (newline != NULL) {
            stream->next++;
            room[stored] = '\0';
            *length = stored;
            return room;
        }
        if (!fill(stream))
            return NULL;
    }
}

/* --- the chunked coding */

static inline bool begin_chunks(struct stream *stream)
{
    stream->chunk_left = 0;
    stream->in_chunks = false;
    return true;
}

static inline int hex_value(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Reads the line before the next chunk; false at the last one too, which no workload reaches. */
static bool next_chunk(struct stream *stream)
{
    int byte, digits = 0;
    size_t size = 0;
    errno = 0;
    if (stream->in_chunks && (read_byte(stream) != '\r' || read_byte(stream) != '\n'))
        return false;
    while (hex_value(byte = read_byte(stream)) >= 0) {
        if (++digits > 15)
            return false;
        size = size * 16 + (size_t)hex_value(byte);
    }
    if (byte == ';')
        while (byte >= 0 && byte != '\r')
            byte = read_byte(stream);
    if (digits == 0 || byte != '\r' || read_byte(stream) != '\n')
        return false;
    stream->in_chunks = true;
    stream->chunk_left = size;
    return size > 0;
}

static inline bool read_chunked(struct stream *stream, void *data, size_t size)
{
    char *rest = data;
    while (size > 0) {
        ssize_t length;
        if (stream->chunk_left == 0 && !next_chunk(stream))
            return false;
        length = read_some(stream, rest, size < stream->chunk_left ? size : stream->chunk_left);
        if (length <= 0)
            return false;
        rest += length;
        size -= (size_t)length;
        stream->chunk_left -= (size_t)length;
    }
    return true;
}

static inline int read_chunked_byte(struct stream *stream)
{
    if (rarely(stream->chunk_left == 0) && !next_chunk(stream))
        return -1;
    stream->chunk_left--;
    return read_byte(stream);
}

#define CONNECTS
#define TRANSFERS
#define READS_LINES
#define READS_ITEMS
#define DECODES_CHARACTERS
#define READS_CHUNKS
#define WRITES_ITEMS
#include "loops.h"

const struct contender rawbuf = { "rawbuf", {
    [ROUND_TRIPS] = round_trips, [SEND] = send_loop, [RECEIVE_SOME] = receive_some_loop,
    [RECEIVE_ALL] = receive_all_loop, [READ_LINES] = read_lines, [READ_BYTES] = read_bytes,
    [READ_CHARACTERS] = read_characters, [WRITE_LINES] = write_lines, [WRITE_BYTES] = write_bytes_singly,
    [READ_CHUNKS] = read_chunks, [READ_CHUNK_BYTES] = read_chunk_bytes
} };
