/* Texts: code points and their UTF-8, and how many a stream has replaced. */
#ifndef TEXTS_H
#define TEXTS_H
#include "streams.h"

/* The bytes of the first character, U+FFFD where they are malformed; 0 where it takes more than there are to tell. */
static inline size_t decode_utf8(const unsigned char *from, size_t have, int ended, uint32_t *character)
{
    unsigned low = 0x80, high = 0xbf;
    size_t length, i;
    uint32_t value;
    *character = have == 0 ? 0 : from[0] < 0x80 ? from[0] : 0xfffd;
    if (have == 0)
        return 0;
    if (from[0] < 0xc2 || from[0] > 0xf4)
        return 1;
    length = from[0] < 0xe0 ? 2 : from[0] < 0xf0 ? 3 : 4;
    value = from[0] & (0x7fu >> length);
    if (from[0] == 0xe0) low = 0xa0;
    if (from[0] == 0xed) high = 0x9f;
    if (from[0] == 0xf0) low = 0x90;
    if (from[0] == 0xf4) high = 0x8f;
    for (i = 1; i < length; i++, low = 0x80, high = 0xbf) {
        if (i == have)
            return ended ? i : 0;
        if (from[i] < low || from[i] > high)
            return i;
        value = value << 6 | (from[i] & 0x3f);
    }
    *character = value;
    return length;
}

static inline size_t encode_utf8(uint32_t character, char *to)
{
    size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4, i;
    static const unsigned leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (i = length; i-- > 0; character >>= 6)
        to[i] = (char)(i > 0 ? 0x80 | (character & 0x3f) : leads[length] | character);
    return length;
}

/* The first character of a text, and what is behind it. */
static inline const char *next_character(const char *text, uint32_t *character)
{
    return text + decode_utf8((const unsigned char *)text, strlen(text), 1, character);
}

static inline void append(char *text, uint32_t character)
{
    char *end = text + strlen(text);
    end[encode_utf8(character, end)] = 0;
}

static inline void counted(acl_socket *stream, uint64_t input, uint64_t output)
{
    uint64_t in = 99, out = 99;
    OK(acl_replacement_counts(stream, &in, &out));
    EQUAL(in, input);
    EQUAL(out, output);
}
#endif
