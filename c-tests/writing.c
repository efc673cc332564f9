/* Writing bytes, characters, lines and formatted text, what is counted, and what each function answers on other kinds of
 * sockets and in other formats. flushing.c has when it is sent. */
#include "functions.h"

TEST(bytes)
{
    EACH_KIND {
        int raw, i;
        unsigned char all[256];
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < 256; i++) {
            all[i] = (unsigned char)i;
            OK(acl_write_byte(stream, all[i]));
        }
        nothing_at(raw);
        OK(acl_finish_output(stream));
        expect(raw, all, sizeof all);
        done(stream);
        expect_end(raw);
        close(raw);
    }
}

TEST(characters)
{
    static const uint32_t good[] = { 'a', 0, 0x7f, 0x80, 0xe9, 0x7ff, 0x800, 0x20ac, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000,
        0x1f600, 0x10ffff, '\n' };
    static const uint32_t bad[] = { 0xd800, 0xdbff, 0xdc00, 0xdfff, 0x110000, 0x7fffffff, 0xffffffff };
    EACH_KIND {
        int raw;
        size_t i;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < ROWS(good); i++) {
            OK(acl_write_char(stream, good[i]));
            EQUAL(acl_write_char(stream, bad[i % 7]), ACL_SOCKET_INVALID_ARGUMENT);
        }
        SENDS(stream, raw, "a\0\x7f\xc2\x80\xc3\xa9\xdf\xbf\xe0\xa0\x80\xe2\x82\xac\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd"
            "\xef\xbf\xbf\xf0\x90\x80\x80\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\n");
        done(stream);
        close(raw);
    }
}

TEST(texts)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(acl_write_string(stream, "a\0\xc3\xa9\r\n\xf0\x9f\x98\x80not this", 10));
        OK(acl_write_string(stream, "", 0));
        OK(acl_write_line(stream, "a line, not this", 6));
        OK(acl_write_line(stream, "", 0));
        OK(acl_write_line(stream, "b\0\xe2\x82\xac", 5));
        OK(acl_terpri(stream));
        OK(acl_terpri(stream));
        SENDS(stream, raw, "a\0\xc3\xa9\r\n\xf0\x9f\x98\x80" "a line\n\nb\0\xe2\x82\xac\n\n\n");
        done(stream);
        close(raw);
    }
}

TEST(text_that_is_not_utf_8_is_refused_whole)
{
    static const char *const bad[] = { "abc\xff", "\xc0\x80", "x\xed\xa0\x80", "\xf4\x90\x80\x80", "abc\xc3", "\xe2\x82",
        "\xf0\x9f\x98", "\x80", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xc3(", "ok\n\xf8\x88\x80\x80\x80" };
    static char much[300001];
    memset(much, 'm', sizeof much);
    much[sizeof much - 1] = '\xe2';
    EACH_KIND {
        int raw;
        size_t i;
        int32_t wrote = 7;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        for (i = 0; i < ROWS(bad); i++) {
            EQUAL(acl_write_string(stream, bad[i], strlen(bad[i])), ACL_SOCKET_INVALID_ARGUMENT);
            EQUAL(acl_write_line(stream, bad[i], strlen(bad[i])), ACL_SOCKET_INVALID_ARGUMENT);
        }
        EQUAL(acl_write_string(stream, much, sizeof much), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(acl_write_line(stream, much, sizeof much), ACL_SOCKET_INVALID_ARGUMENT);
        EQUAL(acl_write_string(stream, "\xe2\x82\xac", 2), ACL_SOCKET_INVALID_ARGUMENT);
        OK(acl_fresh_line(stream, &wrote));
        EQUAL(wrote, 0);
        OK(acl_force_output(stream));
        nothing_at(raw);
        OK(acl_write_string(stream, "\xc3\xa9!", 3));
        SENDS(stream, raw, "\xc3\xa9!");
        done(stream);
        close(raw);
    }
}

TEST(fresh_lines)
{
    EACH_KIND {
        int raw;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        FRESH(stream, 0);
        OK(acl_fresh_line(stream, NULL));
        OK(acl_force_output(stream));
        nothing_at(raw);
        OK(acl_write_string(stream, "text", 4));
        FRESH(stream, 1);
        FRESH(stream, 0);
        OK(acl_write_char(stream, 0xe9));
        OK(acl_fresh_line(stream, NULL));
        OK(acl_write_string(stream, "one\n", 4));
        FRESH(stream, 0);
        OK(acl_write_string(stream, "one\ntwo", 7));
        FRESH(stream, 1);
        OK(acl_write_line(stream, "three", 5));
        FRESH(stream, 0);
        OK(acl_write_char(stream, 'x'));
        OK(acl_terpri(stream));
        FRESH(stream, 0);
        OK(acl_format(stream, "%d", 4));
        OK(acl_force_output(stream));
        FRESH(stream, 1);
        OK(acl_write_string(stream, "", 0));
        FRESH(stream, 0);
        OK(acl_write_char(stream, '\n'));
        OK(acl_force_output(stream));
        FRESH(stream, 0);
        OK(acl_force_output(stream));
        EXPECT(raw, "text\n\xc3\xa9\none\none\ntwo\nthree\nx\n4\n\n");
        nothing_at(raw);
        done(stream);
        close(raw);
    }
}

TEST(formatted_text)
{
    EACH_KIND {
        int raw;
        static char wide[100001], line[100001];
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        OK(acl_format(stream, "%d\r\n", -42));
        OK(acl_format(stream, "100%% %s %c %x %5.2f|%%s", "\xc3\xa9", 'c', 255u, 1.5));
        OK(acl_format(stream, "%s", ""));
        SENDS(stream, raw, "-42\r\n100% \xc3\xa9 c ff  1.50|%s");
        EQUAL(acl_format(stream, "abc%s", "\xff"), ACL_SOCKET_INVALID_ARGUMENT);
        OK(acl_force_output(stream));
        nothing_at(raw);
        OK(acl_format(stream, "%100000d\n", 7));
        OK(acl_write_string(stream, ".", 1));
        memset(wide, ' ', sizeof wide);
        memcpy(wide + 99999, "7\n", 2);
        OK(acl_force_output(stream));
        expect(raw, wide, sizeof wide);
        EXPECT(raw, ".");
        memset(line, '%', sizeof line - 1);
        OK(acl_format(stream, "%s|%s", line, "end"));
        OK(acl_force_output(stream));
        expect(raw, line, sizeof line - 1);
        EXPECT(raw, "|end");
        done(stream);
        close(raw);
    }
}

TEST(counters)
{
    EACH_KIND {
        int raw;
        const void *data;
        size_t length;
        acl_socket *stream = stream_and_raw(kind, NULL, &raw);
        COUNTED(acl_socket_bytes_read, stream, 0);
        COUNTED(acl_socket_bytes_written, stream, 0);
        PUT(raw, "a\xc3\xa9\n\n");
        OK(acl_peek_input(stream, 5, &data, &length));
        COUNTED(acl_socket_bytes_read, stream, 5);
        CHARACTER(stream, 'a');
        OK(acl_unread_char(stream, 'a'));
        OK(acl_consume_input(stream, 5));
        COUNTED(acl_socket_bytes_read, stream, 5);
        OK(acl_write_string(stream, "\xc3\xa9\n", 3));
        COUNTED(acl_socket_bytes_written, stream, 0);
        OK(acl_force_output(stream));
        COUNTED(acl_socket_bytes_written, stream, 3);
        OK(acl_write_string(stream, "never", 5));
        OK(acl_clear_output(stream));
        OK(acl_force_output(stream));
        COUNTED(acl_socket_bytes_written, stream, 3);
        OK(acl_set_socket_bytes_read(stream, 1000));
        OK(acl_set_socket_bytes_written(stream, (uint64_t)1 << 40));
        COUNTED(acl_socket_bytes_read, stream, 1000);
        COUNTED(acl_socket_bytes_written, stream, 1LL << 40);
        PUT(raw, "12");
        OK(acl_peek_input(stream, 2, &data, &length));
        OK(acl_write_byte(stream, 'x'));
        OK(acl_finish_output(stream));
        COUNTED(acl_socket_bytes_read, stream, 1002);
        COUNTED(acl_socket_bytes_written, stream, (1LL << 40) + 1);
        OK(acl_set_socket_bytes_read(stream, 0));
        COUNTED(acl_socket_bytes_read, stream, 0);
        EXPECT(raw, "\xc3\xa9\nx");
        done(stream);
        close(raw);
    }
}

/* Every function that writes, and which formats have it. */
#define WRITING(name, call) static acl_status do_##name(acl_socket *s) { return call; }
WRITING(write_byte, acl_write_byte(s, 'x'))
WRITING(write_sequence, acl_write_sequence(s, "x", 1))
WRITING(write_vector, acl_write_vector(s, "x", 1, NULL))
WRITING(write_char, acl_write_char(s, 'x'))
WRITING(write_string, acl_write_string(s, "x", 1))
WRITING(write_line, acl_write_line(s, "x", 1))
WRITING(terpri, acl_terpri(s))
WRITING(fresh_line, acl_fresh_line(s, NULL))
WRITING(format, acl_format(s, "x"))
WRITING(force_output, acl_force_output(s))
WRITING(finish_output, acl_finish_output(s))
WRITING(clear_output, acl_clear_output(s))

#define ENTRY(name, works_on) { #name, do_##name, works_on, ACL_SOCKET_OK }
static const operation writings[] = {
    ENTRY(write_byte, ON_BYTES), ENTRY(write_sequence, ON_BYTES), ENTRY(write_vector, ON_BYTES),
    ENTRY(write_char, ON_CHARACTERS), ENTRY(write_string, ON_CHARACTERS), ENTRY(write_line, ON_CHARACTERS),
    ENTRY(terpri, ON_CHARACTERS), ENTRY(fresh_line, ON_CHARACTERS), ENTRY(format, ON_CHARACTERS),
    ENTRY(force_output, ON_BOTH), ENTRY(finish_output, ON_BOTH), ENTRY(clear_output, ON_BOTH),
};

TEST(each_format_refuses_the_other_functions)
{
    EACH_KIND {
        int32_t format;
        size_t i;
        for (format = ACL_SOCKET_MULTIVALENT; format <= ACL_SOCKET_BIVALENT; format++) {
            for (i = 0; i < ROWS(writings); i++) {
                int raw, nothing;
                acl_socket *stream = stream_and_raw(kind, FORM(.format = format), &raw);
                nothing = refused(&writings[i], stream, format);
                OK(acl_close(stream, 0));
                if (nothing)
                    expect_end(raw);
                OK(acl_free_socket(stream));
                close(raw);
            }
        }
    }
}

TEST(only_open_streams_are_written) { only_open_streams(writings, ROWS(writings)); }

MAIN(CASE(bytes), CASE(characters), CASE(texts), CASE(text_that_is_not_utf_8_is_refused_whole), CASE(fresh_lines),
     CASE(formatted_text), CASE(counters), CASE(each_format_refuses_the_other_functions),
     CASE(only_open_streams_are_written))
