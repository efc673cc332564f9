/* External formats: their names, where they are given, inherited and changed. */
#include "test.h"
#include <stddef.h>

#define BYTES(literal) literal, sizeof literal - 1
#define ROWS(table) (sizeof table / sizeof *table)

/* A stream on one end of a pair; the other end stays a descriptor of the test. */
static acl_socket *stream(int *peer, const char *format, int32_t policy)
{
    int pair[2];
    acl_socket *socket;
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    OK(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .external_format = format, .malformed_policy = policy),
        &socket));
    *peer = pair[1];
    return socket;
}

static void gone(acl_socket *socket, int peer)
{
    done(socket);
    close(peer);
}

static void arrive(int peer, const void *bytes, size_t length)
{
    EQUAL(send(peer, bytes, length, MSG_NOSIGNAL), length);
}

/* What has been sent is these bytes and no more. */
static void sent(int line, int peer, const char *bytes, size_t length)
{
    static char is[100000];
    size_t got = 0, i;
    ssize_t n;
    while ((n = recv(peer, is + got, sizeof is - got, MSG_DONTWAIT)) > 0)
        got += (size_t)n;
    for (i = 0; i < got && i < length; i++) {
        if (is[i] != bytes[i])
            fail(__FILE__, line, "byte %d is %02x, not %02x", (int)i, (unsigned char)is[i], (unsigned char)bytes[i]);
    }
    if (got != length)
        fail(__FILE__, line, "%d bytes were sent, not %d", (int)got, (int)length);
}

#define FLUSHED(socket, peer, literal) \
    do { OK(acl_force_output(socket)); sent(__LINE__, peer, literal, sizeof literal - 1); } while (0)

static void expect_format(acl_socket *socket, const char *name)
{
    char is[50];
    size_t length;
    OK(acl_stream_external_format(socket, is, sizeof is, &length));
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
    int peer;
    size_t i, length = 0;
    char small[4];
    acl_socket *socket = stream(&peer, NULL, 0);
    expect_format(socket, "utf-8");
    for (i = 0; i < ROWS(canonical); i++) {
        OK(acl_set_stream_external_format(socket, canonical[i]));
        expect_format(socket, canonical[i]);
    }
    for (i = 0; i < ROWS(names); i++) {
        printf("# %s\n", names[i][0]);
        OK(acl_set_stream_external_format(socket, names[i][0]));
        expect_format(socket, names[i][1]);
    }
    for (i = 0; i < ROWS(unknown); i++) {
        EQUAL(acl_set_stream_external_format(socket, unknown[i]), ACL_SOCKET_INVALID_ARGUMENT);
        expect_format(socket, "iso-8859-2");
    }
    EQUAL(acl_stream_external_format(socket, small, sizeof small, &length), ACL_SOCKET_BUFFER_TOO_SMALL);
    TEXT(small, "iso");
    EQUAL(length, 10);
    OK(acl_stream_external_format(socket, NULL, 0, &length));
    EQUAL(length, 10);
    EQUAL(acl_set_stream_external_format(NULL, "utf-8"), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_stream_external_format(NULL, small, sizeof small, NULL), ACL_SOCKET_INVALID_HANDLE);
    gone(socket, peer);
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
    OK(acl_read_char(server, &character));
    EQUAL(character, 0x8868);
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
    acl_socket *socket;
    int pair[2];
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    memset(&args, 0xff, sizeof args);
    args.struct_size = offsetof(acl_socket_from_os_fd_args, external_format);
    args.format = ACL_SOCKET_TEXT;
    OK(acl_socket_from_os_fd(pair[0], &args, &socket));
    expect_format(socket, "utf-8");
    gone(socket, pair[1]);
}

TEST(a_format_changes_on_a_live_stream)
{
    int peer;
    char line[20];
    acl_socket *socket = stream(&peer, "utf-8", ACL_SOCKET_REFUSE);
    arrive(peer, BYTES("\xc3\xa9\n\xe9\n\xe9\0\n\0\xc3\xa9\n"));
    OK(acl_read_line(socket, line, sizeof line, NULL));
    TEXT(line, "é");
    OK(acl_set_stream_external_format(socket, "latin-1"));
    OK(acl_read_line(socket, line, sizeof line, NULL));
    TEXT(line, "é");
    OK(acl_set_stream_external_format(socket, "utf-16le"));
    OK(acl_read_line(socket, line, sizeof line, NULL));
    TEXT(line, "é");
    EQUAL(acl_set_stream_external_format(socket, "utf-9"), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_set_stream_external_format(socket, "utf-8"));
    OK(acl_write_string(socket, "é", 2));
    OK(acl_set_stream_external_format(socket, "latin-1"));
    OK(acl_write_string(socket, "é", 2));
    OK(acl_set_stream_external_format(socket, "utf-16be"));
    OK(acl_write_string(socket, "é", 2));
    OK(acl_write_byte(socket, 0xff));
    FLUSHED(socket, peer, "\xc3\xa9\xe9\0\xe9\xff");
    OK(acl_set_stream_external_format(socket, "utf-8"));
    OK(acl_read_line(socket, line, sizeof line, NULL));
    TEXT(line, "é");
    gone(socket, peer);
}

TEST(binary_and_text_streams)
{
    int peer, pair[2];
    uint8_t byte;
    uint32_t character;
    acl_socket *socket;
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    peer = pair[1];
    OK(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .format = ACL_SOCKET_BINARY, .external_format = "big5"),
        &socket));
    expect_format(socket, "big5");
    OK(acl_set_stream_external_format(socket, "latin-1"));
    expect_format(socket, "latin-1");
    arrive(peer, "\xe9", 1);
    EQUAL(acl_read_char(socket, &character), ACL_SOCKET_WRONG_FORMAT);
    EQUAL(acl_write_char(socket, 'a'), ACL_SOCKET_WRONG_FORMAT);
    OK(acl_read_byte(socket, &byte));
    EQUAL(byte, 0xe9);
    gone(socket, peer);
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    peer = pair[1];
    OK(acl_socket_from_os_fd(pair[0], ARGS(acl_socket_from_os_fd_args, .format = ACL_SOCKET_TEXT, .external_format = "big5"),
        &socket));
    arrive(peer, "\xa4\xa4", 2);
    EQUAL(acl_read_byte(socket, &byte), ACL_SOCKET_WRONG_FORMAT);
    OK(acl_read_char(socket, &character));
    EQUAL(character, 0x4e2d);
    OK(acl_write_char(socket, 0x6587));
    FLUSHED(socket, peer, "\xa4\xe5");
    gone(socket, peer);
}

MAIN(CASE(names_of_formats), CASE(a_format_is_given_at_creation_and_inherited), CASE(datagram_sockets_have_no_format),
     CASE(callers_compiled_before_there_were_formats), CASE(a_format_changes_on_a_live_stream),
     CASE(binary_and_text_streams))
