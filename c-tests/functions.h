/* Functions of streams in tables: those that read, called alike, and what any answers where it cannot work. */
#ifndef FUNCTIONS_H
#define FUNCTIONS_H
#include "texts.h"

/* Functions that give bytes, then those that give text, then those that end at a newline. */
enum { READ_BYTE, READ_VECTOR, READ_VECTOR_NO_HANG, READ_SEQUENCE, READ_SEQUENCE_PARTLY, PEEK_INPUT,
    READ_CHAR, READ_CHAR_NO_HANG, PEEK_CHAR, READ_STRING, READ_STRING_PARTLY,
    READ_LINE, READ_LINE_VIEW, READERS, TEXT_READERS = READ_CHAR, LINE_READERS = READ_LINE };

static inline const char *reader_name(int reader)
{
    static const char *const names[] = { "read_byte", "read_vector", "read_vector_no_hang", "read_sequence", "read_sequence, partly", "peek_input",
        "read_char", "read_char_no_hang", "peek_char", "read_string", "read_string, partly", "read_line", "read_line_view" };
    return names[reader];
}

/* Reads into a room of that size (a character takes 4), read_line_view in place. What came is at *data, a character in
 * UTF-8; what was only peeked at is taken, and what has not arrived is waited for. */
static inline acl_status read_by(int reader, acl_socket *stream, char *room, size_t size, const char **data, size_t *length)
{
    uint32_t character = 0;
    const void *input = NULL;
    acl_status status = ACL_SOCKET_OK;
    *data = room;
    *length = 0;
    switch (reader) {
    case READ_BYTE: status = acl_read_byte(stream, (uint8_t *)room); break;
    case READ_VECTOR: return acl_read_vector(stream, room, size, length);
    case READ_VECTOR_NO_HANG:
        while ((status = acl_read_vector_no_hang(stream, room, size, length)) == ACL_SOCKET_WOULD_BLOCK)
            await(fd_of(stream), POLLIN);
        return status;
    case READ_SEQUENCE: return acl_read_sequence(stream, room, size, 0, length);
    case READ_SEQUENCE_PARTLY: return acl_read_sequence(stream, room, size, 1, length);
    case PEEK_INPUT: status = acl_peek_input(stream, 1, &input, length); break;
    case READ_CHAR: status = acl_read_char(stream, &character); break;
    case READ_CHAR_NO_HANG:
        while ((status = acl_read_char_no_hang(stream, &character)) == ACL_SOCKET_WOULD_BLOCK)
            await(fd_of(stream), POLLIN);
        break;
    case PEEK_CHAR: status = acl_peek_char(stream, &character); break;
    case READ_STRING: return acl_read_string(stream, room, size, 0, length);
    case READ_STRING_PARTLY: return acl_read_string(stream, room, size, 1, length);
    case READ_LINE: return acl_read_line(stream, room, size, length);
    case READ_LINE_VIEW: return acl_read_line_view(stream, data, length);
    }
    if (status != ACL_SOCKET_OK)
        return status;
    if (reader == PEEK_CHAR)
        CHARACTER(stream, character);
    if (reader == READ_BYTE) {
        *length = 1;
    } else if (reader == PEEK_INPUT) {
        *length = *length < size ? *length : size;
        memcpy(room, input, *length);
        OK(acl_consume_input(stream, *length));
    } else {
        *length = encode_utf8(character, room);
    }
    return status;
}

/* A function as one that only answers; which streams have it, and what it answers at the end of their input. */
enum { ON_BYTES, ON_CHARACTERS, ON_BOTH };
typedef struct { const char *name; acl_status (*call)(acl_socket *); int works_on; acl_status at_end; } operation;

static inline void answers(const operation *of, acl_socket *socket, acl_status should, const char *where)
{
    acl_status is = of->call(socket);
    if (is != should)
        fail(__FILE__, __LINE__, "%s %s: %s, not %s", of->name, where, acl_status_name(is), acl_status_name(should));
}

/* Calls it on a stream of that format; whether it was, as it must be, refused there. */
static inline int refused(const operation *of, acl_socket *stream, int32_t format)
{
    static const char *const names[] = { "multivalent", "text", "binary", "bivalent" };
    int lacks = of->works_on == (format == ACL_SOCKET_TEXT ? ON_BYTES : format == ACL_SOCKET_BINARY ? ON_CHARACTERS : -1);
    answers(of, stream, lacks ? ACL_SOCKET_WRONG_FORMAT : ACL_SOCKET_OK, names[format]);
    return lacks;
}

/* On everything that is no open stream. */
static inline void only_open_streams(const operation *table, size_t count)
{
    acl_socket *passive, *datagram, *stream;
    int32_t port;
    int raw;
    size_t i;
    passive = listener(&port);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1", .remote_host = "127.0.0.1", .remote_port = port));
    stream = stream_and_raw(ADOPTED, NULL, &raw);
    PUT(raw, "abc\nabc\n");
    CHARACTER(stream, 'a');
    OK(acl_close(stream, 0));
    for (i = 0; i < count; i++) {
        answers(&table[i], passive, ACL_SOCKET_WRONG_KIND, "passive");
        answers(&table[i], datagram, ACL_SOCKET_WRONG_KIND, "datagram");
        answers(&table[i], stream, ACL_SOCKET_CLOSED, "closed");
        answers(&table[i], NULL, ACL_SOCKET_INVALID_HANDLE, "NULL");
    }
    OK(acl_free_socket(stream));
    for (i = 0; i < count; i++)
        answers(&table[i], stream, ACL_SOCKET_INVALID_HANDLE, "freed");
    close(raw);
    done(passive);
    done(datagram);
}
#endif
