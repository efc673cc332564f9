/* Reading characters, peeking at them and putting them back. */
#include "functions.h"

TEST(characters_of_every_length)
{
    EACH_KIND {
        int raw, i;
        uint32_t character;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        PUT(raw, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0\r\n\x7f\xc2\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf"
                 "\xff\xc0\xaf\xe2\x82z\xed\xa0\x80\xf0\x9f\x98");
        close(raw);
        CHARACTER(stream, 'a');
        CHARACTER(stream, 0xe9);
        CHARACTER(stream, 0x20ac);
        CHARACTER(stream, 0x1f600);
        CHARACTER(stream, 0);
        CHARACTER(stream, '\r');
        CHARACTER(stream, '\n');
        CHARACTER(stream, 0x7f);
        CHARACTER(stream, 0x80);
        CHARACTER(stream, 0xffff);
        CHARACTER(stream, 0x10ffff);
        for (i = 0; i < 4; i++)
            CHARACTER(stream, 0xfffd);
        CHARACTER(stream, 'z');
        for (i = 0; i < 4; i++)
            CHARACTER(stream, 0xfffd);
        for (i = 0; i < 3; i++)
            EQUAL(acl_read_char(stream, &character), ACL_SOCKET_END_OF_FILE);
        done(stream);
    }
}

TEST(characters_that_have_not_arrived_whole)
{
    EACH_KIND {
        int raw, i;
        uint32_t character;
        const char *face = "\xf0\x9f\x98\x80";
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        NOT_YET(stream);
        LISTENS(stream, 0);
        for (i = 0; i < 4; i++) {
            NOT_YET(stream);
            deliver(stream, raw, face + i, 1);
            LISTENS(stream, 1);
            EQUAL(acl_read_no_hang_p(stream), 1);
        }
        AT_ONCE(stream, 0x1f600);
        NOT_YET(stream);
        DELIVER(stream, raw, "\xc3");
        NOT_YET(stream);
        BYTE(stream, 0xc3);
        DELIVER(stream, raw, "\xff\xe2\x82");
        AT_ONCE(stream, 0xfffd);
        NOT_YET(stream);
        end_input(stream, raw);
        AT_ONCE(stream, 0xfffd);
        EQUAL(acl_read_char_no_hang(stream, &character), ACL_SOCKET_END_OF_FILE);
        close(raw);
        done(stream);
    }
}

TEST(a_character_is_put_back_once)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        EQUAL(acl_unread_char(stream, 'a'), ACL_SOCKET_INVALID_ARGUMENT);
        PUT(raw, "ab\xc3\xa9\xff\xe2\x82\xacz");
        end_input(stream, raw);
        EQUAL(acl_unread_char(stream, 'a'), ACL_SOCKET_INVALID_ARGUMENT);
        CHARACTER(stream, 'a');
        OK(acl_unread_char(stream, 'a'));
        EQUAL(acl_unread_char(stream, 'a'), ACL_SOCKET_INVALID_ARGUMENT);
        PEEKED(stream, 'a');
        CHARACTER(stream, 'a');
        EQUAL(acl_unread_char(stream, 'b'), ACL_SOCKET_INVALID_ARGUMENT);
        CHARACTER(stream, 'b');
        EQUAL(acl_unread_char(stream, 'a'), ACL_SOCKET_INVALID_ARGUMENT);
        CHARACTER(stream, 0xe9);
        OK(acl_unread_char(stream, 0xe9));
        BYTE(stream, 0xc3);
        BYTE(stream, 0xa9);
        EQUAL(acl_unread_char(stream, 0xe9), ACL_SOCKET_INVALID_ARGUMENT);
        CHARACTER(stream, 0xfffd);
        OK(acl_unread_char(stream, 0xfffd));
        BYTE(stream, 0xff);
        AT_ONCE(stream, 0x20ac);
        OK(acl_unread_char(stream, 0x20ac));
        AT_ONCE(stream, 0x20ac);
        CHARACTER(stream, 'z');
        OK(acl_unread_char(stream, 'z'));
        LISTENS(stream, 1);
        EQUAL(acl_read_no_hang_p(stream), 1);
        CHARACTER(stream, 'z');
        AT_END(stream);
        close(raw);
        done(stream);
    }
}

TEST(another_read_ends_the_chance_to_put_back)
{
    int raw, reader;
    char room[10];
    const char *data;
    size_t length;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    for (reader = 0; reader < READERS; reader++) {
        PUT(raw, "xabc\ndef");
        CHARACTER(stream, 'x');
        OK(read_by(reader, stream, room, 5, &data, &length));
        EQUAL(acl_unread_char(stream, 'x'), ACL_SOCKET_INVALID_ARGUMENT);
        OK(acl_clear_input(stream));
    }
    gone(stream, raw);
}

/* They may take more from the system, which must not lose the character before. */
TEST(questions_leave_the_chance_to_put_back)
{
    EACH_KIND {
        int raw, i;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < 3; i++) {
            PUT(raw, "\xe2\x82\xac");
            CHARACTER(stream, 0x20ac);
            LISTENS(stream, 0);
            EQUAL(acl_read_no_hang_p(stream), 0);
            DELIVER(stream, raw, "bc");
            EQUAL(acl_read_no_hang_p(stream), 1);
            LISTENS(stream, 1);
            OK(acl_unread_char(stream, 0x20ac));
            LISTENS(stream, 1);
            CHARACTER(stream, 0x20ac);
            BYTE(stream, 'b');
            BYTE(stream, 'c');
        }
        close(raw);
        done(stream);
    }
}

TEST(every_reader_sees_what_was_put_back)
{
    static const size_t lengths[READERS] = { 1, 5, 5, 5, 5, 5, 2, 2, 2, 4, 4, 2, 2 };
    int raw, reader;
    char room[10];
    const char *data;
    size_t length;
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    for (reader = 0; reader < READERS; reader++) {
        printf("# %s\n", reader_name(reader));
        PUT(raw, "\xc3\xa9\nabc");
        CHARACTER(stream, 0xe9);
        OK(acl_unread_char(stream, 0xe9));
        OK(read_by(reader, stream, room, 5, &data, &length));
        EQUAL(length, lengths[reader]);
        SAME(data, "\xc3\xa9\nab", length);
        OK(acl_clear_input(stream));
    }
    gone(stream, raw);
}

/* Three bytes each, so that some lie across any boundary between buffers. */
TEST(putting_back_across_buffers)
{
    static char much[300000];
    size_t i;
    for (i = 0; i < sizeof much; i += 3) {
        much[i] = '\xe2';
        much[i + 1] = (char)(0x80 + i / 3 % 64);
        much[i + 2] = (char)(0x80 + i / 192 % 64);
    }
    EACH_KIND {
        int raw;
        transfer sender;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        start(&sender, send_all, raw, much, sizeof much);
        for (i = 0; i < sizeof much; i += 3) {
            uint32_t should = (uint32_t)(0x2000 + i / 3 % 64 * 64 + i / 192 % 64);
            if (i % 2)
                PEEKED(stream, should);
            CHARACTER(stream, should);
            OK(acl_unread_char(stream, should));
            CHARACTER(stream, should);
        }
        EQUAL(acl_peek_char(stream, &(uint32_t){ 0 }), ACL_SOCKET_END_OF_FILE);
        finish(&sender, stream);
    }
}

TEST(peeking_at_a_character)
{
    EACH_KIND {
        int raw;
        uint32_t character;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        PUT(raw, "\xe2\x82\xac\xffq");
        end_input(stream, raw);
        PEEKED(stream, 0x20ac);
        PEEKED(stream, 0x20ac);
        BYTE(stream, 0xe2);
        PEEKED(stream, 0xfffd);
        CHARACTER(stream, 0xfffd);
        PEEKED(stream, 0xfffd);
        BYTE(stream, 0xac);
        PEEKED(stream, 0xfffd);
        BYTE(stream, 0xff);
        PEEKED(stream, 'q');
        AT_ONCE(stream, 'q');
        EQUAL(acl_peek_char(stream, &character), ACL_SOCKET_END_OF_FILE);
        EQUAL(acl_peek_char(stream, &character), ACL_SOCKET_END_OF_FILE);
        close(raw);
        done(stream);
    }
}

MAIN(CASE(characters_of_every_length), CASE(characters_that_have_not_arrived_whole), CASE(a_character_is_put_back_once),
     CASE(another_read_ends_the_chance_to_put_back), CASE(questions_leave_the_chance_to_put_back),
     CASE(every_reader_sees_what_was_put_back), CASE(putting_back_across_buffers), CASE(peeking_at_a_character))
