/* Reading bytes, whether there are any, input in place, everything mixed; what each function answers at the
 * end, after a reset, on other kinds of sockets and in other formats. characters.c and lines.c have the rest. */
#include "functions.h"

TEST(bytes)
{
    unsigned char all[256];
    int i;
    for (i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    EACH_KIND {
        int raw;
        uint8_t byte;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        put(raw, all, sizeof all);
        close(raw);
        for (i = 0; i < 256; i++)
            BYTE(stream, i);
        for (i = 0; i < 3; i++)
            EQUAL(acl_read_byte(stream, &byte), ACL_SOCKET_END_OF_FILE);
        done(stream);
    }
}

static unsigned char million[3000001];

TEST(full_sequences)
{
    static unsigned char room[1500000];
    fill_with(million, sizeof million, 0, 256);
    EACH_KIND {
        int raw;
        size_t length = 77;
        transfer sender;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(acl_read_sequence(stream, room, 0, 0, &length));
        EQUAL(length, 0);
        start(&sender, send_all, raw, million, sizeof million);
        BYTE(stream, million[0]);
        OK(acl_read_sequence(stream, room, sizeof room, 0, &length));
        EQUAL(length, sizeof room);
        SAME(room, million + 1, sizeof room);
        OK(acl_read_sequence(stream, room, 3, 0, &length));
        EQUAL(length, 3);
        SAME(room, million + 1500001, 3);
        length = 77;
        EQUAL(acl_read_sequence(stream, room, sizeof room, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, 1499997);
        SAME(room, million + 1500004, length);
        length = 77;
        EQUAL(acl_read_sequence(stream, room, 1, 0, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(length, 0);
        EQUAL(acl_read_sequence(stream, room, sizeof room, 0, &length), ACL_SOCKET_END_OF_FILE);
        finish(&sender, stream);
    }
}

TEST(a_sequence_that_ends_with_the_input_is_full)
{
    EACH_KIND {
        int raw;
        char room[10];
        size_t length = 77;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        PUT(raw, "abcdefgh");
        OK(acl_read_sequence(stream, room, 5, 0, &length));
        SAME(room, "abcde", 5);
        close(raw);
        OK(acl_read_sequence(stream, room, 3, 0, &length));
        EQUAL(length, 3);
        SAME(room, "fgh", 3);
        EQUAL(acl_read_sequence(stream, room, 3, 1, &length), ACL_SOCKET_END_OF_FILE);
        done(stream);
    }
}

/* Both functions wait for one byte and take what is there. */
static acl_status take(acl_socket *stream, int vector, void *room, size_t size, size_t *length)
{
    return vector ? acl_read_vector(stream, room, size, length) : acl_read_sequence(stream, room, size, 1, length);
}

TEST(what_is_there)
{
    static unsigned char room[100000];
    fill_with(million, sizeof million, 0, 256);
    EACH_KIND {
        int vector;
        for (vector = 0; vector < 2; vector++) {
            int raw;
            size_t length = 77, total = 0;
            transfer sender;
            acl_status status;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            OK(acl_read_sequence(stream, room, 0, 1, &length));
            EQUAL(length, 0);
            DELIVER(stream, raw, "hello");
            OK(take(stream, vector, room, 100, &length));
            EQUAL(length, 5);
            SAME(room, "hello", 5);
            DELIVER(stream, raw, "again");
            OK(take(stream, vector, room, 3, &length));
            EQUAL(length, 3);
            SAME(room, "aga", 3);
            OK(take(stream, vector, room, sizeof room, &length));
            EQUAL(length, 2);
            SAME(room, "in", 2);
            start(&sender, send_all, raw, million, sizeof million);
            while ((status = take(stream, vector, room, sizeof room - total % 99991, &length)) == ACL_SOCKET_OK) {
                CHECK(length > 0 && length <= sizeof room - total % 99991 && length <= sizeof million - total);
                SAME(room, million + total, length);
                total += length;
            }
            EQUAL(status, ACL_SOCKET_END_OF_FILE);
            EQUAL(total, sizeof million);
            EQUAL(take(stream, vector, room, 1, &length), ACL_SOCKET_END_OF_FILE);
            finish(&sender, stream);
        }
    }
}

/* Takes what is there and never waits; what is large goes straight to the buffer, be calls left or not. */
TEST(what_is_there_without_waiting)
{
    static unsigned char room[100000];
    fill_with(million, sizeof million, 0, 256);
    EACH_KIND {
        int exits;
        for (exits = 0; exits < 2; exits++) {
            int raw;
            size_t length = 77, total = 0;
            uint64_t count;
            transfer sender;
            acl_status status;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            OK(acl_set_non_local_exits(exits));
            EQUAL(acl_read_vector_no_hang(stream, room, sizeof room, &length), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(length, 0);
            EQUAL(acl_read_vector_no_hang(stream, room, 0, &length), ACL_SOCKET_INVALID_ARGUMENT);
            DELIVER(stream, raw, "hello");
            BYTE(stream, 'h');
            OK(acl_read_vector_no_hang(stream, room, 3, &length));
            EQUAL(length, 3);
            SAME(room, "ell", 3);
            OK(acl_read_vector_no_hang(stream, room, sizeof room, &length));
            EQUAL(length, 1);
            EQUAL(acl_read_vector_no_hang(stream, room, sizeof room, &length), ACL_SOCKET_WOULD_BLOCK);
            if (kind != OVER_TCP) {
                /* More than the stream's own buffer has room for. */
                deliver(stream, raw, million, 80000);
                OK(acl_read_vector_no_hang(stream, room, sizeof room, &length));
                EQUAL(length, 80000);
                SAME(room, million, 80000);
                OK(acl_set_socket_bytes_read(stream, 5));
            }
            start(&sender, send_all, raw, million, sizeof million);
            while ((status = acl_read_vector_no_hang(stream, room, sizeof room - total % 99991, &length)) != ACL_SOCKET_END_OF_FILE) {
                if (status == ACL_SOCKET_WOULD_BLOCK) {
                    EQUAL(length, 0);
                    await(fd_of(stream), POLLIN);
                    continue;
                }
                OK(status);
                CHECK(length > 0 && length <= sizeof room - total % 99991 && length <= sizeof million - total);
                SAME(room, million + total, length);
                total += length;
            }
            EQUAL(length, 0);
            EQUAL(total, sizeof million);
            OK(acl_socket_bytes_read(stream, &count));
            EQUAL(count, 5 + sizeof million);
            finish(&sender, stream);
        }
    }
    OK(acl_set_non_local_exits(0));
}

TEST(whether_a_read_would_hang)
{
    EACH_KIND {
        int raw, fd;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        fd = fd_of(stream);
        EQUAL(acl_read_no_hang_p(stream), 0);
        EQUAL(acl_os_fd_read_no_hang_p(fd), 0);
        LISTENS(stream, 0);
        DELIVER(stream, raw, "ab");
        EQUAL(acl_os_fd_read_no_hang_p(fd), 1);
        EQUAL(acl_read_no_hang_p(stream), 1);
        LISTENS(stream, 1);
        BYTE(stream, 'a');
        EQUAL(acl_read_no_hang_p(stream), 1);
        LISTENS(stream, 1);
        BYTE(stream, 'b');
        EQUAL(acl_read_no_hang_p(stream), 0);
        EQUAL(acl_os_fd_read_no_hang_p(fd), 0);
        LISTENS(stream, 0);
        end_input(stream, raw);
        EQUAL(acl_os_fd_read_no_hang_p(fd), 1);
        LISTENS(stream, 0);
        EQUAL(acl_read_no_hang_p(stream), 1);
        AT_END(stream);
        EQUAL(acl_read_no_hang_p(stream), 1);
        LISTENS(stream, 0);
        close(raw);
        OK(acl_close(stream, 0));
        EQUAL(acl_read_no_hang_p(stream), 1);
        OK(acl_free_socket(stream));
        EQUAL(acl_read_no_hang_p(stream), 1);
        EQUAL(acl_read_no_hang_p(NULL), 1);
    }
}

TEST(clearing_the_input)
{
    static char much[100000];
    memset(much, 'm', sizeof much);
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(acl_clear_input(stream));
        DELIVER(stream, raw, "abc\nd\xc3");
        BYTE(stream, 'a');
        OK(acl_clear_input(stream));
        LISTENS(stream, 0);
        DELIVER(stream, raw, "\xa9new");
        CHARACTER(stream, 0xfffd);
        CHARACTER(stream, 'n');
        OK(acl_unread_char(stream, 'n'));
        OK(acl_clear_input(stream));
        EQUAL(acl_read_no_hang_p(stream), 0);
        if (kind != OVER_TCP) {
            put(raw, much, sizeof much);
            OK(acl_clear_input(stream));
            LISTENS(stream, 0);
        }
        DELIVER(stream, raw, "x");
        BYTE(stream, 'x');
        DELIVER(stream, raw, "late");
        end_input(stream, raw);
        OK(acl_clear_input(stream));
        AT_END(stream);
        OK(acl_clear_input(stream));
        AT_END(stream);
        close(raw);
        done(stream);
    }
}

TEST(input_in_place)
{
    EACH_KIND {
        int raw;
        const void *data;
        size_t length;
        transfer sender;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        EQUAL(acl_consume_input(stream, 1), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(acl_peek_input(stream, 65537, &data, &length), ACL_SOCKET_INVALID_ARGUMENT);
        DELIVER(stream, raw, "abc");
        OK(acl_peek_input(stream, 0, &data, &length));
        EQUAL(length, 3);
        SAME(data, "abc", 3);
        EQUAL(acl_consume_input(stream, 4), ACL_SOCKET_INVALID_ARGUMENT);
        OK(acl_consume_input(stream, 0));
        OK(acl_consume_input(stream, 2));
        OK(acl_peek_input(stream, 1, &data, &length));
        EQUAL(length, 1);
        SAME(data, "c", 1);
        start(&sender, send_all, raw, "defg", 4);
        OK(acl_peek_input(stream, 5, &data, &length));
        EQUAL(length, 5);
        SAME(data, "cdefg", 5);
        OK(acl_peek_input(stream, 65536, &data, &length));
        EQUAL(length, 5);
        SAME(data, "cdefg", 5);
        EQUAL(acl_consume_input(stream, 6), ACL_SOCKET_INVALID_ARGUMENT);
        BYTE(stream, 'c');
        OK(acl_consume_input(stream, 3));
        OK(acl_peek_input(stream, 0, &data, &length));
        EQUAL(length, 1);
        SAME(data, "g", 1);
        OK(acl_consume_input(stream, 1));
        EQUAL(acl_peek_input(stream, 1, &data, &length), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_consume_input(stream, 1), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(acl_peek_input(stream, 0, &data, &length), ACL_SOCKET_END_OF_FILE);
        finish(&sender, stream);
    }
}

TEST(much_input_in_place)
{
    fill_with(million, sizeof million, 0, 256);
    EACH_KIND {
        int raw;
        const void *data;
        size_t length, total = 0;
        transfer sender;
        acl_status status;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        start(&sender, send_all, raw, million, sizeof million);
        while ((status = acl_peek_input(stream, 65536, &data, &length)) == ACL_SOCKET_OK) {
            CHECK(length <= sizeof million - total);
            CHECK(length >= 65536 || length == sizeof million - total);
            SAME(data, million + total, length);
            length = length > 65536 ? 65536 : length;
            length = length > 7919 ? length - total % 7919 : length;
            OK(acl_consume_input(stream, length));
            total += length;
        }
        EQUAL(status, ACL_SOCKET_END_OF_FILE);
        EQUAL(total, sizeof million);
        finish(&sender, stream);
    }
}

TEST(bytes_and_characters_mixed)
{
    EACH_KIND {
        int raw;
        char room[20];
        const char *view;
        const void *data;
        size_t length;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        DELIVER(stream, raw, "\xc3\xa9\x01\xe2\x82\xac" "first \xc3\xa9\nsecond\n\xf0\x9f\x98\x80\xc3\xa9xyz\xff\xe2\x82\xac\n"
                             "12345\xc3\xa9" "67890third\nend");
        CHARACTER(stream, 0xe9);
        BYTE(stream, 1);
        BYTE(stream, 0xe2);
        CHARACTER(stream, 0xfffd);
        CHARACTER(stream, 0xfffd);
        PEEKED(stream, 'f');
        OK(acl_peek_input(stream, 8, &data, &length));
        SAME(data, "first \xc3\xa9", 8);
        OK(acl_consume_input(stream, 1));
        OK(acl_read_line(stream, room, sizeof room, &length));
        TEXT(room, "irst \xc3\xa9");
        AT_ONCE(stream, 's');
        OK(acl_unread_char(stream, 's'));
        BYTE(stream, 's');
        OK(acl_read_line_view(stream, &view, &length));
        EQUAL(length, 5);
        SAME(view, "econd", 5);
        OK(acl_read_vector(stream, room, 2, &length));
        EQUAL(length, 2);
        SAME(room, "\xf0\x9f", 2);
        CHARACTER(stream, 0xfffd);
        CHARACTER(stream, 0xfffd);
        OK(acl_read_string(stream, room, 6, 0, &length));
        EQUAL(length, 5);
        TEXT(room, "\xc3\xa9xyz");
        LISTENS(stream, 1);
        OK(acl_read_sequence(stream, room, 2, 0, &length));
        SAME(room, "\xff\xe2", 2);
        OK(acl_read_line(stream, room, sizeof room, &length));
        TEXT(room, "\xef\xbf\xbd\xef\xbf\xbd");
        OK(acl_read_sequence(stream, room, 6, 1, &length));
        EQUAL(length, 6);
        SAME(room, "12345\xc3", 6);
        EQUAL(acl_read_line(stream, room, 9, &length), ACL_SOCKET_BUFFER_TOO_SMALL);
        TEXT(room, "\xef\xbf\xbd" "67890");
        BYTE(stream, 't');
        OK(acl_read_line(stream, room, 9, &length));
        TEXT(room, "hird");
        close(raw);
        CHARACTER(stream, 'e');
        OK(acl_read_line(stream, room, 9, &length));
        TEXT(room, "nd");
        EQUAL(acl_read_char(stream, &(uint32_t){ 0 }), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_read_no_hang_p(stream), 1);
        done(stream);
    }
}

/* Every function that reads: which formats have it, what it answers at the end of the input. */
#define READING(name, call) static acl_status do_##name(acl_socket *s) { return call; }
READING(read_byte, acl_read_byte(s, &(uint8_t){ 0 }))
READING(read_sequence, acl_read_sequence(s, (char[4]){ 0 }, 4, 0, &(size_t){ 0 }))
READING(read_sequence_partly, acl_read_sequence(s, (char[4]){ 0 }, 4, 1, &(size_t){ 0 }))
READING(read_vector, acl_read_vector(s, (char[4]){ 0 }, 4, &(size_t){ 0 }))
READING(read_vector_no_hang, acl_read_vector_no_hang(s, (char[4]){ 0 }, 4, &(size_t){ 0 }))
READING(peek_input, acl_peek_input(s, 4, &(const void *){ NULL }, &(size_t){ 0 }))
READING(consume_input, (do_peek_input(s), acl_consume_input(s, 1)))
READING(read_char, acl_read_char(s, &(uint32_t){ 0 }))
READING(read_char_no_hang, acl_read_char_no_hang(s, &(uint32_t){ 0 }))
READING(peek_char, acl_peek_char(s, &(uint32_t){ 0 }))
READING(unread_char, (do_read_char(s), acl_unread_char(s, 'a')))
READING(read_line, acl_read_line(s, (char[20]){ 0 }, 20, &(size_t){ 0 }))
READING(read_line_view, acl_read_line_view(s, &(const char *){ NULL }, &(size_t){ 0 }))
READING(read_string, acl_read_string(s, (char[5]){ 0 }, 5, 0, &(size_t){ 0 }))
READING(read_string_partly, acl_read_string(s, (char[5]){ 0 }, 5, 1, &(size_t){ 0 }))
READING(listen, acl_listen(s, &(int32_t){ 0 }))
READING(clear_input, acl_clear_input(s))

#define ENTRY(name, works_on, at_end) { #name, do_##name, works_on, at_end }
static const operation readings[] = {
    ENTRY(read_byte, ON_BYTES, ACL_SOCKET_END_OF_FILE), ENTRY(read_sequence, ON_BYTES, ACL_SOCKET_END_OF_FILE),
    ENTRY(read_sequence_partly, ON_BYTES, ACL_SOCKET_END_OF_FILE), ENTRY(read_vector, ON_BYTES, ACL_SOCKET_END_OF_FILE),
    ENTRY(read_vector_no_hang, ON_BYTES, ACL_SOCKET_END_OF_FILE),
    ENTRY(peek_input, ON_BYTES, ACL_SOCKET_END_OF_FILE), ENTRY(consume_input, ON_BYTES, ACL_SOCKET_INVALID_ARGUMENT),
    ENTRY(read_char, ON_CHARACTERS, ACL_SOCKET_END_OF_FILE), ENTRY(read_char_no_hang, ON_CHARACTERS, ACL_SOCKET_END_OF_FILE),
    ENTRY(peek_char, ON_CHARACTERS, ACL_SOCKET_END_OF_FILE), ENTRY(unread_char, ON_CHARACTERS, ACL_SOCKET_INVALID_ARGUMENT),
    ENTRY(read_line, ON_CHARACTERS, ACL_SOCKET_END_OF_FILE), ENTRY(read_line_view, ON_CHARACTERS, ACL_SOCKET_END_OF_FILE),
    ENTRY(read_string, ON_CHARACTERS, ACL_SOCKET_END_OF_FILE), ENTRY(read_string_partly, ON_CHARACTERS, ACL_SOCKET_END_OF_FILE),
    ENTRY(listen, ON_BOTH, ACL_SOCKET_OK), ENTRY(clear_input, ON_BOTH, ACL_SOCKET_OK),
};

TEST(each_format_refuses_the_other_functions)
{
    EACH_KIND {
        int32_t format;
        size_t i;
        for (format = ACL_SOCKET_MULTIVALENT; format <= ACL_SOCKET_BIVALENT; format++) {
            for (i = 0; i < ROWS(readings); i++) {
                int raw;
                acl_socket *stream = stream_and_raw(kind, FORM(.format = format), &raw);
                DELIVER(stream, raw, "abcdefgh\nabcdefgh\n");
                if (refused(&readings[i], stream, format)) {
                    if (format == ACL_SOCKET_TEXT)
                        CHARACTER(stream, 'a');
                    else
                        BYTE(stream, 'a');
                }
                close(raw);
                done(stream);
            }
        }
    }
}

TEST(the_end_stays_the_end)
{
    EACH_KIND {
        size_t first, i;
        for (first = 0; first < ROWS(readings); first++) {
            int raw;
            acl_socket *stream = stream_and_raw(kind, NULL, &raw);
            close(raw);
            await(fd_of(stream), POLLRDHUP);
            answers(&readings[first], stream, readings[first].at_end, "first at the end");
            for (i = 0; i < ROWS(readings); i++)
                answers(&readings[i], stream, readings[i].at_end, "at the end");
            done(stream);
        }
    }
}

/* It must not pass for the end afterwards, nor be taken by a predicate that asks the system. */
TEST(a_reset_is_not_the_end)
{
    EACH_KIND {
        size_t i;
        int predicate;
        for (i = 0; i < ROWS(readings); i++) {
            for (predicate = 0; predicate < 2; predicate++) {
                int raw;
                acl_socket *stream = stream_and_raw(kind, NULL, &raw);
                PUT(raw, "x");
                BYTE(stream, 'x');
                reset_by_peer(stream, raw);
                if (predicate)
                    EQUAL(acl_read_no_hang_p(stream), 1);
                if (readings[i].at_end == ACL_SOCKET_END_OF_FILE)
                    answers(&readings[i], stream, ACL_SOCKET_CONNECTION_RESET, "after a reset");
                else
                    readings[i].call(stream);
                EQUAL(acl_read_byte(stream, &(uint8_t){ 0 }), ACL_SOCKET_CONNECTION_RESET);
                EQUAL(acl_read_no_hang_p(stream), 1);
                done(stream);
            }
        }
    }
}

TEST(a_copy_of_the_input)
{
    EACH_KIND {
        char room[8];
        size_t length = 99;
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        DELIVER(stream, raw, "abcdef");
        OK(acl_peek_vector(stream, 6, room, 8, &length));
        EQUAL(length, 6);
        CHECK(memcmp(room, "abcdef", 6) == 0);
        OK(acl_peek_vector(stream, 0, room, 2, &length));
        EQUAL(length, 2);
        OK(acl_consume_input(stream, 2));
        BYTE(stream, 'c');
        EQUAL(acl_peek_vector(stream, 9, room, 8, &length), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(length, 0);
        EQUAL(acl_peek_vector(stream, 1, NULL, 8, &length), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(acl_peek_vector(stream, 0, room, 0, &length), ACL_SOCKET_INVALID_ARGUMENT);
        end_input(stream, raw);
        OK(acl_peek_vector(stream, 8, room, 8, &length));
        EQUAL(length, 3);
        OK(acl_consume_input(stream, 3));
        EQUAL(acl_peek_vector(stream, 1, room, 8, &length), ACL_SOCKET_END_OF_FILE);
        gone(stream, raw);
    }
}

TEST(only_open_streams_are_read) { only_open_streams(readings, ROWS(readings)); }

MAIN(CASE(bytes), CASE(full_sequences), CASE(a_sequence_that_ends_with_the_input_is_full), CASE(what_is_there), CASE(what_is_there_without_waiting),
     CASE(whether_a_read_would_hang), CASE(clearing_the_input), CASE(input_in_place), CASE(a_copy_of_the_input), CASE(much_input_in_place),
     CASE(bytes_and_characters_mixed), CASE(each_format_refuses_the_other_functions), CASE(the_end_stays_the_end),
     CASE(a_reset_is_not_the_end), CASE(only_open_streams_are_read))
