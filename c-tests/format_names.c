/* External formats: their names, where they are given, inherited and changed. */
#include "streams.h"
#include <stddef.h>


static void expect_format(acl_socket *stream, const char *name)
{
    char is[50];
    size_t length;
    OK(acl_stream_external_format(stream, is, sizeof is, &length));
    TEXT(is, name);
    EQUAL(length, strlen(name));
}

TEST(names_of_formats)
{
    static const char *names[][2] = {
        { ":utf-8", "utf-8" }, { "UTF8", "utf-8" }, { ":UTF-8", "utf-8" }, { "latin1", "latin-1" }, { ":LATIN1", "latin-1" },
        { "ISO-8859-1", "latin-1" }, { "us-ascii", "ascii" }, { "ASCII", "ascii" },
        { "sjis", "shift_jis" }, { "Shift_JIS", "shift_jis" }, { "cp1251", "windows-1251" }, { "windows-1251", "windows-1251" },
        { "Windows-1252", "windows-1252" }, { "UTF-16", "utf-16" }, { "utf-16LE", "utf-16le" }, { "UTF-16BE", "utf-16be" },
        { ":KOI8-R", "koi8-r" }, { "EUC-JP", "euc-jp" }, { "gb2312", "gbk" }, { "ks_c_5601-1987", "euc-kr" },
        { "latin2", "iso-8859-2" },
    };
    static const char *canonical[] = {
        "utf-8", "latin-1", "ascii", "utf-16", "utf-16le", "utf-16be", "shift_jis", "euc-jp", "iso-2022-jp", "gbk", "gb18030",
        "big5", "euc-kr", "windows-1252", "windows-1251", "iso-8859-2", "iso-8859-15", "koi8-r",
    };
    static const char *unknown[] = { "", ":", "utf-9", "utf-8x", "::utf-8", "utf 8", "no such format", "\xff", NULL };
    int raw;
    size_t i, length = 0;
    char small[4];
    acl_socket *stream = stream_and_raw(ADOPTED, NULL, &raw);
    expect_format(stream, "utf-8");
    for (i = 0; i < ROWS(canonical); i++) {
        OK(acl_set_stream_external_format(stream, canonical[i]));
        expect_format(stream, canonical[i]);
    }
    for (i = 0; i < ROWS(names); i++) {
        printf("# %s\n", names[i][0]);
        OK(acl_set_stream_external_format(stream, names[i][0]));
        expect_format(stream, names[i][1]);
    }
    for (i = 0; i < ROWS(unknown); i++) {
        EQUAL(acl_set_stream_external_format(stream, unknown[i]), ACL_SOCKET_INVALID_ARGUMENT);
        expect_format(stream, "iso-8859-2");
    }
    EQUAL(acl_stream_external_format(stream, small, sizeof small, &length), ACL_SOCKET_BUFFER_TOO_SMALL);
    TEXT(small, "iso");
    EQUAL(length, 10);
    OK(acl_stream_external_format(stream, NULL, 0, &length));
    EQUAL(length, 10);
    EQUAL(acl_set_stream_external_format(NULL, "utf-8"), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_stream_external_format(NULL, small, sizeof small, NULL), ACL_SOCKET_INVALID_HANDLE);
    gone(stream, raw);
}

TEST(a_format_is_given_at_creation_and_inherited)
{
    acl_socket *passive, *client, *server;
    int32_t port, value;
    uint32_t character;
    OK(MAKE(&passive, .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1", .external_format = ":SJIS",
        .eol_convention = ACL_SOCKET_EOL_DOS, .malformed_policy = ACL_SOCKET_REFUSE));
    OK(acl_local_port(passive, &port));
    OK(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = port, .external_format = "shift_jis",
        .eol_convention = ACL_SOCKET_EOL_ANYNL_MAC));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &server));
    expect_format(client, "shift_jis");
    expect_format(server, "shift_jis");
    OK(acl_eol_convention(client, &value));
    EQUAL(value, ACL_SOCKET_EOL_ANYNL_MAC);
    OK(acl_eol_convention(server, &value));
    EQUAL(value, ACL_SOCKET_EOL_DOS);
    OK(acl_malformed_policy(client, &value));
    EQUAL(value, ACL_SOCKET_REPLACE);
    OK(acl_malformed_policy(server, &value));
    EQUAL(value, ACL_SOCKET_REFUSE);
    OK(acl_write_vector(client, "\xa0\x95\x5c", 3, NULL));
    OK(acl_force_output(client));
    EQUAL(acl_read_char(server, &character), ACL_SOCKET_DECODING_ERROR);
    CHARACTER(server, 0x8868);
    done(client);
    done(server);
    EQUAL(MAKE(&server, .connect = ACL_SOCKET_PASSIVE, .external_format = "utf-9"), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(server == NULL);
    EQUAL(MAKE(&server, .connect = ACL_SOCKET_PASSIVE, .eol_convention = 6), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(MAKE(&server, .connect = ACL_SOCKET_PASSIVE, .malformed_policy = 2), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(MAKE(&client, .remote_host = "127.0.0.1", .remote_port = port, .external_format = ""), ACL_SOCKET_INVALID_ARGUMENT);
    done(passive);
}

TEST(datagram_sockets_have_no_format)
{
    acl_socket *datagram;
    char text[20];
    int pair[2];
    EQUAL(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .external_format = "utf-8"), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(datagram == NULL);
    EQUAL(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .eol_convention = ACL_SOCKET_EOL_DOS), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .malformed_policy = ACL_SOCKET_REFUSE), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    EQUAL(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .external_format = "utf-8"), &datagram),
        ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_socket_from_os_fd(pair[0], NULL, &datagram));
    EQUAL(acl_set_stream_external_format(datagram, "latin-1"), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_stream_external_format(datagram, text, sizeof text, NULL), ACL_SOCKET_WRONG_KIND);
    gone(datagram, pair[1]);
}

TEST(callers_compiled_before_there_were_formats)
{
    acl_socket_from_os_fd_args args;
    acl_socket *stream;
    int pair[2];
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    memset(&args, 0xff, sizeof args);
    args.struct_size = offsetof(acl_socket_from_os_fd_args, external_format);
    args.format = ACL_SOCKET_TEXT;
    OK(acl_socket_from_os_fd(pair[0], &args, &stream));
    expect_format(stream, "utf-8");
    gone(stream, pair[1]);
}

TEST(a_format_changes_on_a_live_stream)
{
    int raw;
    acl_socket *stream = STREAM(&raw, .external_format = "utf-8", .malformed_policy = ACL_SOCKET_REFUSE);
    PUT(raw, "\xc3\xa9\n\xe9\n\xe9\0\n\0\xc3\xa9\n");
    READS_LINE(stream, "é");
    OK(acl_set_stream_external_format(stream, "latin-1"));
    READS_LINE(stream, "é");
    OK(acl_set_stream_external_format(stream, "utf-16le"));
    READS_LINE(stream, "é");
    EQUAL(acl_set_stream_external_format(stream, "utf-9"), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_set_stream_external_format(stream, "utf-8"));
    OK(acl_write_string(stream, "é", 2));
    OK(acl_set_stream_external_format(stream, "latin-1"));
    OK(acl_write_string(stream, "é", 2));
    OK(acl_set_stream_external_format(stream, "utf-16be"));
    OK(acl_write_string(stream, "é", 2));
    OK(acl_write_byte(stream, 0xff));
    FLUSHED(stream, raw, "\xc3\xa9\xe9\0\xe9\xff");
    OK(acl_set_stream_external_format(stream, "utf-8"));
    READS_LINE(stream, "é");
    gone(stream, raw);
}

TEST(binary_and_text_streams)
{
    int raw, pair[2];
    uint8_t byte;
    uint32_t character;
    acl_socket *stream;
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    raw = pair[1];
    OK(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .format = ACL_SOCKET_BINARY, .external_format = "big5"),
        &stream));
    expect_format(stream, "big5");
    OK(acl_set_stream_external_format(stream, "latin-1"));
    expect_format(stream, "latin-1");
    PUT(raw, "\xe9");
    EQUAL(acl_read_char(stream, &character), ACL_SOCKET_WRONG_FORMAT);
    EQUAL(acl_write_char(stream, 'a'), ACL_SOCKET_WRONG_FORMAT);
    BYTE(stream, 0xe9);
    gone(stream, raw);
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    raw = pair[1];
    OK(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .format = ACL_SOCKET_TEXT, .external_format = "big5"),
        &stream));
    PUT(raw, "\xa4\xa4");
    EQUAL(acl_read_byte(stream, &byte), ACL_SOCKET_WRONG_FORMAT);
    CHARACTER(stream, 0x4e2d);
    OK(acl_write_char(stream, 0x6587));
    FLUSHED(stream, raw, "\xa4\xe5");
    gone(stream, raw);
}

MAIN(CASE(names_of_formats), CASE(a_format_is_given_at_creation_and_inherited), CASE(datagram_sockets_have_no_format),
     CASE(callers_compiled_before_there_were_formats), CASE(a_format_changes_on_a_live_stream),
     CASE(binary_and_text_streams))
