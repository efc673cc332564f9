/* A stream over SSL is a stream: what is read and written, how it begins and how it ends. */
#include "secure.h"

static int waiting_bytes(int fd)
{
    int count = 0;
    EQUAL(ioctl(fd, FIONREAD, &count), 0);
    return count;
}

TEST(both_directions_and_the_information)
{
    ssl_pair pair;
    acl_ssl_connection info;
    ssl_connection(&pair, CLIENT, SERVER);
    talk(&pair);
    OK(acl_get_ssl_connection(pair.client, &info));
    TEXT(info.version, "TLSv1.3");
    CHECK(strncmp(info.cipher, "TLS_", 4) == 0);
    TEXT(info.alpn, "");
    TEXT(info.server_name, "localhost");
    EQUAL(info.resumed, 0);
    EQUAL(info.verified, 1);
    OK(acl_get_ssl_connection(pair.server, &info));
    EQUAL(info.verified, 0);
    TEXT(info.server_name, "localhost");
    OK(acl_close(pair.client, 0));
    EQUAL(acl_read_byte(pair.server, &(uint8_t){ 0 }), ACL_SOCKET_END_OF_FILE);
    both_done(&pair);
}

/* One thread for both ends: each looks without waiting, until the handshake is done. */
TEST(the_handshake_goes_on_without_waiting)
{
    ssl_pair pair;
    int rounds;
    begin_ssl(&pair, CLIENT, SERVER);
    OK(acl_write_string(pair.client, "hello\n", 6));
    for (rounds = 0; rounds < 20 && heard(pair.server) == 0; rounds++) {
        CHECK(heard(pair.client) == 0);
        if (rounds > 3)
            OK(acl_force_output(pair.client));
    }
    CHECK(rounds < 20);
    LINE(pair.server, "hello");
    both_done(&pair);
}

TEST(the_plain_handle_is_gone)
{
    ssl_pair pair;
    acl_socket *plain_client, *plain_server;
    connection(&plain_client, &plain_server);
    OK(acl_make_ssl_client_stream(plain_client, CLIENT, &pair.client));
    EQUAL(acl_write_byte(plain_client, 1), ACL_SOCKET_INVALID_HANDLE);
    CHECK(strstr(acl_stream_error_report(), "taken over by an SSL stream") != NULL);
    EQUAL(acl_close(plain_client, 0), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_free_socket(plain_client), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_make_ssl_client_stream(plain_client, CLIENT, &plain_client), ACL_SOCKET_INVALID_HANDLE);
    CHECK(plain_client == NULL);
    EQUAL(acl_make_ssl_client_stream(pair.client, CLIENT, &plain_client), ACL_SOCKET_INVALID_ARGUMENT);
    done(pair.client);
    done(plain_server);
}

TEST(after_a_failure_the_plain_stream_is_as_it_was)
{
    acl_socket *client, *server, *none;
    connection(&client, &server);
    EQUAL(acl_make_ssl_server_stream(server, NULL, &none), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_make_ssl_server_stream(server, SSL_ARGS(.certificate = "/no/such/file"), &none),
        ACL_SOCKET_SSL_INVALID_FILE);
    EQUAL(acl_stream_error_code(), ENOENT);
    CHECK(strstr(acl_stream_error_report(), "/no/such/file") != NULL);
    EQUAL(acl_make_ssl_client_stream(client, SSL_ARGS(.method = ACL_SOCKET_SSLV3), &none),
        ACL_SOCKET_SSL_METHOD_UNSUPPORTED);
    CHECK(none == NULL);
    send_text(client, "as it was\n");
    LINE(server, "as it was");
    done(client);
    done(server);
}

TEST(other_kinds_of_sockets_are_refused)
{
    acl_socket *passive, *none;
    int32_t port, code;
    passive = listener(&port);
    EQUAL(acl_make_ssl_client_stream(passive, CLIENT, &none), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_ssl_do_handshake(passive), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_get_ssl_verify_result(passive, &code, NULL), ACL_SOCKET_WRONG_KIND);
    done(passive);
}

/* The client says in plain words that SSL begins, and begins it in the same segment. */
TEST(ssl_begins_behind_a_plain_line)
{
    static const int32_t eols[] = { ACL_SOCKET_EOL_UNIX, ACL_SOCKET_EOL_DOS, ACL_SOCKET_EOL_ANYNL_UNIX };
    size_t i;
    for (i = 0; i < ROWS(eols); i++) {
        acl_socket *client, *server;
        ssl_pair pair;
        int rounds;
        stream_pair(OVER_TCP, FORM(.eol_convention = eols[i]), &client, &server);
        OK(acl_write_line(client, "STARTTLS", 8));
        OK(acl_make_ssl_client_stream(client, CLIENT, &pair.client));
        CHECK(heard(pair.client) == 0);
        /* Both are there when the server reads the line. */
        for (rounds = 0; rounds < 1000 && waiting_bytes(fd_of(server)) < 100; rounds++)
            usleep(1000);
        LINE(server, "STARTTLS");
        OK(acl_make_ssl_server_stream(server, SERVER, &pair.server));
        shake_hands(&pair);
        OK(pair.client_status);
        OK(pair.server_status);
        talk(&pair);
        both_done(&pair);
    }
}

/* What an attacker puts behind the plain line is not taken for what comes within SSL. */
TEST(plain_bytes_are_not_taken_for_secure_ones)
{
    acl_socket *client, *server, *secure;
    connection(&client, &server);
    send_text(client, "STARTTLS\nRCPT TO:<mallory>\n");
    LINE(server, "STARTTLS");
    OK(acl_make_ssl_server_stream(server, SERVER, &secure));
    EQUAL(acl_ssl_do_handshake(secure), ACL_SOCKET_SSL_PLAIN_PEER);
    EQUAL(acl_read_byte(secure, &(uint8_t){ 0 }), ACL_SOCKET_SSL_PLAIN_PEER);
    done(client);
    done(secure);
}

TEST(a_stream_that_is_in_the_middle_of_something_is_refused)
{
    acl_socket *client, *server, *none;
    connection(&client, &server);
    OK(acl_socket_control(client, ARGS(acl_socket_control_args, .output_chunking = ACL_SOCKET_ON)));
    EQUAL(acl_make_ssl_client_stream(client, CLIENT, &none), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_socket_control(client, ARGS(acl_socket_control_args, .output_chunking = ACL_SOCKET_OFF)));
    OK(acl_socket_control(client, ARGS(acl_socket_control_args, .input_chunking = ACL_SOCKET_ON)));
    EQUAL(acl_make_ssl_client_stream(client, CLIENT, &none), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_close(client, 0));
    EQUAL(acl_make_ssl_client_stream(client, CLIENT, &none), ACL_SOCKET_CLOSED);
    done(client);
    done(server);
}

TEST(formats_lines_chunks_and_counts)
{
    ssl_pair pair;
    uint64_t count;
    uint32_t character;
    char text[64];
    size_t length;
    ssl_connection(&pair, CLIENT, SERVER);
    OK(acl_set_eol_convention(pair.client, ACL_SOCKET_EOL_DOS));
    OK(acl_set_stream_external_format(pair.client, "latin-1"));
    OK(acl_set_stream_external_format(pair.server, "latin-1"));
    send_text(pair.client, "\xc3\xa4\n");
    OK(acl_socket_bytes_written(pair.client, &count));
    EQUAL(count, 3);
    OK(acl_read_char(pair.server, &character));
    EQUAL(character, 0xe4);
    OK(acl_unread_char(pair.server, character));
    LINE(pair.server, "\xc3\xa4\r");
    OK(acl_socket_bytes_read(pair.server, &count));
    EQUAL(count, 3);
    OK(acl_set_eol_convention(pair.client, ACL_SOCKET_EOL_UNIX));
    OK(acl_socket_control(pair.client, ARGS(acl_socket_control_args, .output_chunking = ACL_SOCKET_ON)));
    OK(acl_socket_control(pair.server, ARGS(acl_socket_control_args, .input_chunking = ACL_SOCKET_ON)));
    send_text(pair.client, "one ");
    send_text(pair.client, "two\n");
    OK(acl_socket_control(pair.client, ARGS(acl_socket_control_args, .output_chunking_eof = ACL_SOCKET_ON)));
    OK(acl_force_output(pair.client));
    EQUAL(acl_read_string(pair.server, text, sizeof text, 0, &length), ACL_SOCKET_END_OF_FILE);
    TEXT(text, "one two\n");
    both_done(&pair);
}

/* Every size around a record's, both the buffered and the direct way. */
TEST(all_sizes_come_through)
{
    static char sent[200000], got[200000];
    static const size_t sizes[] = { 1, 2, 4095, 4096, 4097, 16383, 16384, 16385, 32768, 65535, 65536, 65537, 199999 };
    ssl_pair pair;
    size_t i, length;
    int hang;
    for (i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 31 + i / 251);
    ssl_connection(&pair, CLIENT, SERVER);
    for (i = 0; i < ROWS(sizes); i++) {
        for (hang = 0; hang < 2; hang++) {
            size_t total = 0;
            OK(acl_write_vector(pair.client, sent, sizes[i], NULL));
            OK(acl_force_output(pair.client));
            memset(got, 0, sizeof got);
            if (hang)
                OK(acl_read_sequence(pair.server, got, total = sizes[i], 0, &length));
            while (total < sizes[i]) {
                acl_status status = acl_read_vector_no_hang(pair.server, got + total, sizes[i] - total, &length);
                if (status == ACL_SOCKET_WOULD_BLOCK)
                    await(fd_of(pair.server), POLLIN);
                else
                    OK(status);
                total += length;
            }
            CHECK(memcmp(sent, got, sizes[i]) == 0);
            CHECK(heard(pair.server) == 0);
        }
    }
    both_done(&pair);
}

TEST(an_end_without_notice_is_an_error_unless_that_is_wanted)
{
    ssl_pair pair;
    uint8_t byte;
    int allowed;
    for (allowed = 0; allowed <= 1; allowed++) {
        ssl_connection(&pair, SSL_ARGS(.ca_file = pki("root.crt"), .insecure_allow_truncation = allowed), SERVER);
        send_text(pair.server, "x");
        OK(acl_close(pair.server, ACL_SOCKET_ABORT));
        OK(acl_read_byte(pair.client, &byte));
        EQUAL(acl_read_byte(pair.client, &byte), allowed ? ACL_SOCKET_END_OF_FILE : ACL_SOCKET_SSL_TRUNCATED);
        EQUAL(acl_read_byte(pair.client, &byte), allowed ? ACL_SOCKET_END_OF_FILE : ACL_SOCKET_SSL_TRUNCATED);
        CHECK(acl_close(pair.client, 0) == ACL_SOCKET_OK);
        both_done(&pair);
    }
}

TEST(one_half_is_shut_and_the_other_goes_on)
{
    ssl_pair pair;
    uint8_t byte;
    ssl_connection(&pair, CLIENT, SERVER);
    send_text(pair.client, "all\n");
    OK(acl_shutdown(pair.client, ACL_SOCKET_OUTPUT));
    EQUAL(acl_write_string(pair.client, "x", 1), ACL_SOCKET_OK);
    EQUAL(acl_force_output(pair.client), ACL_SOCKET_SHUTDOWN);
    LINE(pair.server, "all");
    EQUAL(acl_read_byte(pair.server, &byte), ACL_SOCKET_END_OF_FILE);
    send_text(pair.server, "the answer\n");
    OK(acl_close(pair.server, 0));
    LINE(pair.client, "the answer");
    EQUAL(acl_read_byte(pair.client, &byte), ACL_SOCKET_END_OF_FILE);
    both_done(&pair);
}

/* SIGPIPE is at its default here: writing, shutting down and closing after a reset must not raise it. */
TEST(a_peer_that_is_gone_raises_no_signal)
{
    struct linger reset = { 1, 0 };
    ssl_pair pair;
    uint8_t byte;
    acl_status status = ACL_SOCKET_OK;
    int i;
    ssl_connection(&pair, CLIENT, SERVER);
    EQUAL(setsockopt(fd_of(pair.server), SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    OK(acl_close(pair.server, ACL_SOCKET_ABORT));
    for (i = 0; i < 1000 && status == ACL_SOCKET_OK; i++) {
        OK(acl_write_string(pair.client, "x", 1));
        status = acl_force_output(pair.client);
        OK(acl_clear_output(pair.client));
    }
    CHECK(status == ACL_SOCKET_CONNECTION_RESET || acl_stream_error_code() == EPIPE);
    status = acl_force_output(pair.client);
    OK(acl_write_string(pair.client, "x", 1));
    status = acl_force_output(pair.client);
    CHECK(status == ACL_SOCKET_CONNECTION_RESET || acl_stream_error_code() == EPIPE);
    CHECK(acl_read_byte(pair.client, &byte) != ACL_SOCKET_OK);
    OK(acl_clear_output(pair.client));
    OK(acl_shutdown(pair.client, ACL_SOCKET_OUTPUT));
    OK(acl_close(pair.client, 0));
    both_done(&pair);

    ssl_connection(&pair, CLIENT, SERVER);
    EQUAL(setsockopt(fd_of(pair.server), SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    OK(acl_close(pair.server, ACL_SOCKET_ABORT));
    for (i = 0; i < 1000 && !acl_read_no_hang_p(pair.client); i++)
        usleep(1000);
    OK(acl_close(pair.client, 0));
    both_done(&pair);
}

/* What the server sent before it went is read, though nothing can be sent to it any more. */
TEST(what_came_before_the_peer_went_is_read)
{
    ssl_pair pair;
    acl_status status = ACL_SOCKET_OK;
    int i;
    ssl_connection(&pair, CLIENT, SERVER);
    OK(acl_shutdown(pair.server, ACL_SOCKET_INPUT));
    send_text(pair.server, "413 too large\n");
    OK(acl_close(pair.server, 0));
    for (i = 0; i < 1000 && status == ACL_SOCKET_OK; i++) {
        OK(acl_write_string(pair.client, "body", 4));
        status = acl_force_output(pair.client);
        OK(acl_clear_output(pair.client));
    }
    CHECK(status != ACL_SOCKET_OK);
    LINE(pair.client, "413 too large");
    both_done(&pair);
}

TEST(the_printed_representation_names_the_side)
{
    char text[256];
    ssl_pair pair;
    OK(acl_set_print_hostname_in_stream(0));
    begin_ssl(&pair, CLIENT, SERVER);
    OK(acl_prin1_to_string(pair.client, text, sizeof text, NULL));
    CHECK(strstr(text, "#<multivalent SSL client stream socket connected from 127.0.0.1/") == text);
    OK(acl_prin1_to_string(pair.server, text, sizeof text, NULL));
    CHECK(strstr(text, "#<multivalent SSL server stream socket connected from 127.0.0.1/") == text);
    both_done(&pair);
}

TEST(a_stream_is_closed_without_ever_having_shaken_hands)
{
    ssl_pair pair;
    begin_ssl(&pair, CLIENT, SERVER);
    OK(acl_close(pair.client, 0));
    OK(acl_close(pair.server, 0));
    both_done(&pair);
}

/* The child of a fork tells the peer nothing: the connection is the parent's. */
TEST(a_child_that_closes_does_not_end_the_connection)
{
    ssl_pair pair;
    int status;
    pid_t child;
    ssl_connection(&pair, CLIENT, SERVER);
    child = fork();
    if (child == 0) {
        OK(acl_close(pair.client, 0));
        OK(acl_free_socket(pair.client));
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    talk(&pair);
    both_done(&pair);
}

MAIN(
    CASE(both_directions_and_the_information),
    CASE(the_handshake_goes_on_without_waiting),
    CASE(the_plain_handle_is_gone),
    CASE(after_a_failure_the_plain_stream_is_as_it_was),
    CASE(other_kinds_of_sockets_are_refused),
    CASE(ssl_begins_behind_a_plain_line),
    CASE(plain_bytes_are_not_taken_for_secure_ones),
    CASE(a_stream_that_is_in_the_middle_of_something_is_refused),
    CASE(formats_lines_chunks_and_counts),
    CASE(all_sizes_come_through),
    CASE(an_end_without_notice_is_an_error_unless_that_is_wanted),
    CASE(one_half_is_shut_and_the_other_goes_on),
    CASE(a_peer_that_is_gone_raises_no_signal),
    CASE(what_came_before_the_peer_went_is_read),
    CASE(the_printed_representation_names_the_side),
    CASE(a_stream_is_closed_without_ever_having_shaken_hands),
    CASE(a_child_that_closes_does_not_end_the_connection)
)
