/* A model of a stream that all functions for reading, in any order, must agree with. */
#include "texts.h"

/* The model: all bytes of a stream, how many were sent and how many are read. */
static struct {
    unsigned char data[4000];
    size_t total, sent, at;
    int ended, raw, kind;
    unsigned seed, step, choice;
    uint64_t state;
    acl_socket *stream;
} model;

#define AGREE(is, should) \
    do { long long is_ = (long long)(is), should_ = (long long)(should); \
        if (is_ != should_) fail(__FILE__, __LINE__, "seed %u step %u choice %u at %zu of %zu, %zu sent: %s is %lld, not %lld", \
            model.seed, model.step, model.choice, model.at, model.total, model.sent, #is, is_, should_); } while (0)

static unsigned below(unsigned limit)
{
    return chance(&model.state) % limit;
}

/* Sends until `upto` bytes have gone; past the last one, ends the input. */
static void supply(size_t upto)
{
    while (model.sent < upto && model.sent < model.total) {
        size_t part = 1 + below(1u << below(9));
        part = part < model.total - model.sent ? part : model.total - model.sent;
        put(model.raw, model.data + model.sent, part);
        model.sent += part;
    }
    if (upto > model.total && !model.ended) {
        EQUAL(shutdown(model.raw, SHUT_WR), 0);
        model.ended = 1;
    }
}

/* How many bytes have to be sent before the character there is known. */
static size_t known_at(size_t at)
{
    size_t have;
    uint32_t ignored;
    for (have = 1; have <= 4 && at + have <= model.total; have++)
        if (decode_utf8(model.data + at, have, 0, &ignored) > 0)
            return at + have;
    return model.total + 1;
}

/* What a text function reads into that much room (0: a line in place), once what it takes has been sent. */
static acl_status text_of_model(size_t room, int line, char *text, size_t *length, size_t *next)
{
    char one[4];
    uint32_t character = 0;
    for (*length = 0, *next = model.at;;) {
        size_t taken, size;
        if (!line && *length == room)
            return ACL_SOCKET_OK;
        supply(known_at(*next));
        taken = decode_utf8(model.data + *next, model.total - *next, 1, &character);
        if (taken == 0)
            return line && *length > 0 ? ACL_SOCKET_OK : ACL_SOCKET_END_OF_FILE;
        if (line && character == '\n') {
            *next += taken;
            return ACL_SOCKET_OK;
        }
        size = encode_utf8(character, one);
        if (room > 0 && *length + size > room)
            return line ? ACL_SOCKET_BUFFER_TOO_SMALL : ACL_SOCKET_OK;
        memcpy(text + *length, one, size);
        *length += size;
        *next += taken;
    }
}

static void read_characters(int peek, int hang)
{
    uint32_t is = 0xbad, should = 0xbad;
    acl_status status;
    size_t taken;
    if (hang)
        supply(known_at(model.at));
    taken = decode_utf8(model.data + model.at, model.sent - model.at, model.ended, &should);
    status = !hang ? acl_read_char_no_hang(model.stream, &is)
        : peek ? acl_peek_char(model.stream, &is) : acl_read_char(model.stream, &is);
    if (!hang && model.kind == OVER_TCP && status == ACL_SOCKET_WOULD_BLOCK)
        return; /* it may be on its way */
    AGREE(status, taken > 0 ? ACL_SOCKET_OK : model.ended ? ACL_SOCKET_END_OF_FILE : ACL_SOCKET_WOULD_BLOCK);
    if (taken == 0)
        return;
    AGREE(is, should);
    if (!peek && below(3) == 0) {
        AGREE(acl_unread_char(model.stream, is), ACL_SOCKET_OK);
        AGREE(acl_unread_char(model.stream, is), ACL_SOCKET_INVALID_ARGUMENT);
    } else if (!peek) {
        model.at += taken;
    }
}

static void read_texts(int line, int in_place)
{
    char should[12100], room[400];
    const char *is = room;
    size_t size = 5 + below(below(2) ? 8 : 300), length = 7777, wanted, next;
    acl_status status = text_of_model(in_place ? 0 : size - 1, line, should, &wanted, &next);
    AGREE(in_place ? acl_read_line_view(model.stream, &is, &length) : line ? acl_read_line(model.stream, room, size, &length)
        : acl_read_string(model.stream, room, size, 0, &length), status);
    if (status != ACL_SOCKET_END_OF_FILE || !line) {
        AGREE(length, wanted);
        AGREE(memcmp(is, should, wanted), 0);
        AGREE(in_place ? 0 : room[length], 0);
    }
    model.at = next;
}

/* A text of what is there is the beginning of what has been sent, whole characters and at least one. */
static void read_text_partly(void)
{
    char room[300], one[4];
    size_t size = 5 + below(200), length = 7777, checked = 0;
    acl_status status;
    supply(known_at(model.at));
    status = acl_read_string(model.stream, room, size, 1, &length);
    AGREE(status, model.at == model.total ? ACL_SOCKET_END_OF_FILE : ACL_SOCKET_OK);
    if (status != ACL_SOCKET_OK)
        return;
    AGREE(length > 0 && length < size, 1);
    AGREE(room[length], 0);
    while (checked < length) {
        uint32_t character = 0;
        size_t taken = decode_utf8(model.data + model.at, model.sent - model.at, model.ended, &character);
        AGREE(taken > 0, 1);
        taken = (model.at += taken, encode_utf8(character, one));
        AGREE(taken <= length - checked && memcmp(room + checked, one, taken) == 0, 1);
        checked += taken;
    }
}

static void read_bytes(unsigned how)
{
    unsigned char room[600];
    size_t size = 1 + below(below(2) ? 5 : sizeof room), length = 7777, left = model.total - model.at, consumed;
    const void *is = room;
    int whole = how == 0 || how == 3;
    acl_status status;
    supply(model.at + (whole ? size : 1));
    status = how == 0 ? acl_read_sequence(model.stream, room, size, 0, &length)
        : how == 1 ? acl_read_sequence(model.stream, room, size, 1, &length)
        : how == 2 ? acl_read_vector(model.stream, room, size, &length)
        : acl_peek_input(model.stream, size, &is, &length);
    AGREE(status, left == 0 || (how == 0 && left < size) ? ACL_SOCKET_END_OF_FILE : ACL_SOCKET_OK);
    if (left == 0)
        return;
    if (whole)
        AGREE(length >= (left < size ? left : size), 1);
    AGREE(length > 0 && length <= model.sent - model.at && (how == 3 || length <= size), 1);
    AGREE(memcmp(is, model.data + model.at, length), 0);
    consumed = how == 3 ? below((unsigned)length + 1) : length;
    if (how == 3) {
        AGREE(acl_consume_input(model.stream, model.total + 1), ACL_SOCKET_INVALID_ARGUMENT);
        AGREE(acl_consume_input(model.stream, consumed), ACL_SOCKET_OK);
    }
    model.at += consumed;
}

static void read_byte(void)
{
    uint8_t byte = 0;
    supply(model.at + 1);
    AGREE(acl_read_byte(model.stream, &byte), model.at == model.total ? ACL_SOCKET_END_OF_FILE : ACL_SOCKET_OK);
    if (model.at < model.total)
        AGREE(byte, model.data[model.at++]);
}

static void ask(void)
{
    int32_t ready = 7, there = model.sent > model.at;
    int32_t hangs_not = acl_read_no_hang_p(model.stream);
    AGREE(acl_listen(model.stream, &ready), ACL_SOCKET_OK);
    if (model.kind != OVER_TCP) {
        AGREE(hangs_not, there || model.ended);
        AGREE(ready, there);
    } else if (!there) {
        AGREE(ready, 0);
    }
}

static void fill_model(void)
{
    static const char *const pieces[] = { "\n", "\r\n", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "\xc0\x80",
        "\xe2\x82", "\xf0\x9f\x98", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xef\xbb\xbf", "\xe0\x80", "\xf0\x80", "\xc3", "word" };
    size_t limit = below(sizeof model.data - 4);
    model.total = 0;
    while (model.total < limit) {
        unsigned choice = below(32);
        if (choice < 16) {
            memcpy(model.data + model.total, pieces[choice], strlen(pieces[choice]));
            model.total += strlen(pieces[choice]);
        } else {
            model.data[model.total++] = (unsigned char)(choice == 16 ? below(256) : choice == 17 ? 0 : 'a' + choice % 26);
        }
    }
}

static void run_model(unsigned seed)
{
    unsigned after = 0;
    model.seed = seed;
    model.state = seed;
    model.stream = stream_and_raw(model.kind, NULL, &model.raw);
    model.sent = model.at = 0;
    model.ended = 0;
    fill_model();
    for (model.step = 0; after < 30; model.step++) {
        if (below(4) == 0)
            supply(model.at + below(60));
        after += model.at == model.total;
        model.choice = below(16);
        switch (model.choice) {
        case 0: case 1: read_byte(); break;
        case 2: case 3: read_characters(0, 1); break;
        case 4: read_characters(1, 1); break;
        case 5: case 6: read_characters(0, 0); break;
        case 7: case 8: read_texts(1, 0); break;
        case 9: read_texts(1, 1); break;
        case 10: read_texts(0, 0); break;
        case 11: read_text_partly(); break;
        case 12: case 13: case 14: read_bytes(model.choice - 12 + below(2)); break;
        case 15: ask(); break;
        }
    }
    close(model.raw);
    done(model.stream);
}

TEST(any_choice_of_functions_reads_the_same)
{
    EACH_KIND {
        struct timespec begin, now;
        unsigned seed = 0;
        model.kind = kind;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        do {
            run_model(seed++);
            clock_gettime(CLOCK_MONOTONIC, &now);
        } while (seed < 5 || now.tv_sec - begin.tv_sec + (now.tv_nsec - begin.tv_nsec) / 1e9 < 1);
        printf("# %u seeds\n", seed);
    }
}

MAIN(CASE(any_choice_of_functions_reads_the_same))
