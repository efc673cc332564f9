/* Who the peer is: what a client and a server accept, refuse, and say about it. */
#include "secure.h"

#define CERTIFIED(name) SSL_ARGS(.certificate = pki(name ".pem"), .key = pki(name ".key"))
#define BOTH_CRLS .crl_file = pki("both.crl")

static void expect_report(const char *words, int code)
{
    if (strstr(acl_stream_error_report(), words) == NULL)
        fail(__FILE__, __LINE__, "no \"%s\" in %s", words, acl_stream_error_report());
    EQUAL(acl_stream_error_code(), code);
}

/* The server's certificate, the client's status, OpenSSL's words and number. */
TEST(a_server_that_is_not_the_right_one_is_refused)
{
    static const struct { const char *pem, *key; acl_status status; const char *words; int code; } rows[] = {
        { "expired.pem", "expired.key", ACL_SOCKET_SSL_CERTIFICATE_EXPIRED, "certificate has expired", 10 },
        { "future.pem", "future.key", ACL_SOCKET_SSL_CERTIFICATE_NOT_YET_VALID, "certificate is not yet valid", 9 },
        { "self.pem", "self.key", ACL_SOCKET_SSL_CERTIFICATE_SELF_SIGNED, "self-signed certificate", 18 },
        { "other.pem", "other.key", ACL_SOCKET_SSL_HOST_MISMATCH, "hostname mismatch", 62 },
        { "wildcard.pem", "wildcard.key", ACL_SOCKET_SSL_HOST_MISMATCH, "hostname mismatch", 62 },
        { "client.pem", "client.key", ACL_SOCKET_SSL_WRONG_PURPOSE, "purpose", 26 },
        /* Its intermediate was not sent. */
        { "server.crt", "server.key", ACL_SOCKET_SSL_UNKNOWN_ISSUER, "unable to get local issuer certificate", 20 },
    };
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        ssl_pair pair;
        int32_t code;
        const char *meaning;
        printf("# %s\n", rows[i].pem);
        begin_ssl(&pair, CLIENT, SSL_ARGS(.certificate = pki(rows[i].pem), .key = pki(rows[i].key)));
        OK(acl_get_ssl_verify_result(pair.client, &code, &meaning));
        EQUAL(code, 0);
        TEXT(meaning, "ok");
        shake_hands(&pair);
        EQUAL(pair.client_status, rows[i].status);
        expect_report(rows[i].words, rows[i].code);
        OK(acl_get_ssl_verify_result(pair.client, &code, &meaning));
        EQUAL(code, rows[i].code);
        CHECK(strstr(acl_stream_error_report(), meaning) != NULL);
        /* The server hears why, and it is told again. */
        EQUAL(pair.server_status, rows[i].status == ACL_SOCKET_SSL_HOST_MISMATCH ? pair.server_status : ACL_SOCKET_SSL_CERTIFICATE_REFUSED);
        EQUAL(acl_read_byte(pair.client, &(uint8_t){ 0 }), ACL_SOCKET_CLOSED);
        both_done(&pair);
    }
}

TEST(a_client_trusts_the_systems_certificates_unless_told)
{
    EQUAL(client_gets(SSL_ARGS(.server_name = "localhost"), SERVER), ACL_SOCKET_SSL_UNKNOWN_ISSUER);
    expect_report("(X509_V 20) occurred while shaking hands", 20);
    EQUAL(client_gets(NULL, CERTIFIED("self")), ACL_SOCKET_SSL_CERTIFICATE_SELF_SIGNED);
    EQUAL(client_gets(SSL_ARGS(.ca_file = pki("server.crt"), .server_name = "localhost"), SERVER),
        ACL_SOCKET_SSL_UNKNOWN_ISSUER);
}

/* By an environment variable that OpenSSL knows, the system's certificates are those. */
TEST(the_systems_certificates_can_be_named)
{
    setenv("SSL_CERT_FILE", pki("root.crt"), 1);
    OK(client_gets(SSL_ARGS(.server_name = "localhost"), SERVER));
}

/* What is connected to is what is checked: names and addresses, and a name that is given. */
TEST(the_host_is_the_one_that_was_connected_to)
{
    static const struct { const char *host, *name; acl_status status; } rows[] = {
        { "127.0.0.1", NULL, ACL_SOCKET_OK },
        { "localhost", NULL, ACL_SOCKET_OK },
        { "::ffff:127.0.0.1", NULL, ACL_SOCKET_OK },
        { "127.0.0.2", NULL, ACL_SOCKET_SSL_HOST_MISMATCH },
        { "127.0.0.2", "localhost", ACL_SOCKET_OK },
        { "127.0.0.1", "LocalHost", ACL_SOCKET_OK },
        { "127.0.0.1", "localhost.", ACL_SOCKET_OK },
        { "127.0.0.1", "127.0.0.1", ACL_SOCKET_OK },
        { "127.0.0.1", "::1", ACL_SOCKET_OK },
        { "localhost", "127.0.0.3", ACL_SOCKET_SSL_HOST_MISMATCH },
        { "localhost", "other.example", ACL_SOCKET_SSL_HOST_MISMATCH },
        { "127.0.0.1", "localhost.example", ACL_SOCKET_SSL_HOST_MISMATCH },
    };
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        acl_socket *passive, *client, *server;
        ssl_pair pair;
        int32_t port;
        printf("# %s %s\n", rows[i].host, rows[i].name != NULL ? rows[i].name : "");
        OK(MAKE(&passive, .connect = ACL_SOCKET_PASSIVE));
        OK(acl_local_port(passive, &port));
        OK(MAKE(&client, .remote_host = rows[i].host, .remote_port = port));
        OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &server));
        OK(acl_make_ssl_client_stream(client, SSL_ARGS(.ca_file = pki("root.crt"), .server_name = rows[i].name), &pair.client));
        OK(acl_make_ssl_server_stream(server, SERVER, &pair.server));
        shake_hands(&pair);
        EQUAL(pair.client_status, rows[i].status);
        if (rows[i].status == ACL_SOCKET_SSL_HOST_MISMATCH)
            CHECK(acl_stream_error_code() == 62 || acl_stream_error_code() == 64);
        both_done(&pair);
        done(passive);
    }
}

/* A host's name stays the one to be checked whichever of its addresses answers. */
TEST(the_host_is_checked_at_its_second_address_too)
{
    static const struct { int begun; const char *certificate; acl_status status; } rows[] = {
        { 0, "wildcard", ACL_SOCKET_OK },
        { 1, "wildcard", ACL_SOCKET_OK },
        { 0, "server", ACL_SOCKET_SSL_HOST_MISMATCH },
        { 1, "server", ACL_SOCKET_SSL_HOST_MISMATCH },
    };
    char hosts[] = "/tmp/acl-test-XXXXXX", certificate[32], key[32];
    int fd = mkstemp(hosts);
    size_t i;
    CHECK(dprintf(fd, "127.0.0.2 a.wild.example\n127.0.0.1 a.wild.example\n") > 0);
    close(fd);
    OK(acl_configure_dns(ARGS(acl_configure_dns_args, .hosts_file = hosts, .nameserver = "127.0.0.1#1")));
    OK(acl_set_dns_mode(ACL_SOCKET_ACLDNS));
    for (i = 0; i < ROWS(rows); i++) {
        acl_socket *passive, *client, *server;
        acl_make_socket_args to = { .struct_size = sizeof to, .remote_host = "a.wild.example" };
        ssl_pair pair;
        snprintf(certificate, sizeof certificate, "%s.pem", rows[i].certificate);
        snprintf(key, sizeof key, "%s.key", rows[i].certificate);
        OK(MAKE(&passive, .connect = ACL_SOCKET_PASSIVE, .local_host = "127.0.0.1"));
        OK(acl_local_port(passive, &to.remote_port));
        OK(rows[i].begun ? acl_begin_connect(&to, &client) : acl_make_socket(&to, &client));
        OK(acl_finish_connect(client, ACL_SOCKET_WAIT));
        OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &server));
        OK(acl_make_ssl_client_stream(client, SSL_ARGS(.ca_file = pki("root.crt")), &pair.client));
        OK(acl_make_ssl_server_stream(server, SSL_ARGS(.certificate = pki(certificate), .key = pki(key)), &pair.server));
        shake_hands(&pair);
        EQUAL(pair.client_status, rows[i].status);
        both_done(&pair);
        done(passive);
    }
    unlink(hosts);
}

TEST(a_wildcard_stands_for_one_label)
{
    static const struct { const char *name; acl_status status; } rows[] = {
        { "a.wild.example", ACL_SOCKET_OK },
        { "A.WILD.example.", ACL_SOCKET_OK },
        { "wild.example", ACL_SOCKET_SSL_HOST_MISMATCH },
        { "a.b.wild.example", ACL_SOCKET_SSL_HOST_MISMATCH },
        { "wildcard", ACL_SOCKET_SSL_HOST_MISMATCH },
    };
    size_t i;
    for (i = 0; i < ROWS(rows); i++)
        EQUAL(client_gets(SSL_ARGS(.ca_file = pki("root.crt"), .server_name = rows[i].name), CERTIFIED("wildcard")),
            rows[i].status);
}

TEST(a_name_that_would_not_be_checked_is_refused)
{
    static char longest[300];
    static const char *const names[] = { "", ".", "..", ".wild.example", "a..b", "a b", "host/x", "b\xc3\xbc" "cher.example", longest };
    acl_socket *client, *server, *none;
    size_t i;
    int pair[2];
    memset(longest, 'a', sizeof longest - 1);
    connection(&client, &server);
    for (i = 0; i < ROWS(names); i++) {
        EQUAL(acl_make_ssl_client_stream(client, SSL_ARGS(.ca_file = pki("root.crt"), .server_name = names[i]), &none),
            ACL_SOCKET_INVALID_ARGUMENT);
        CHECK(strstr(acl_stream_error_report(), "server_name") != NULL);
    }
    done(client);
    done(server);
    /* Nothing says which server this is. */
    EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    client = adopt(pair[0], NULL);
    EQUAL(acl_make_ssl_client_stream(client, SSL_ARGS(.ca_file = pki("root.crt")), &none), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(strstr(acl_stream_error_report(), "server_name") != NULL);
    done(client);
    close(pair[1]);
}

/* Opting out is said by name, and what was found can be asked for all the same. */
TEST(not_verifying_is_said_by_name)
{
    ssl_pair pair;
    int32_t code;
    acl_ssl_connection info;
    acl_socket *client, *server, *none;
    connection(&client, &server);
    EQUAL(acl_make_ssl_client_stream(client, SSL_ARGS(.verify = ACL_SOCKET_VERIFY_NIL), &none), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(strstr(acl_stream_error_report(), "ACL_SOCKET_INSECURE_VERIFY_NIL") != NULL);
    EQUAL(acl_make_ssl_server_stream(server, SSL_ARGS(.certificate = pki("both.pem"), .verify = ACL_SOCKET_INSECURE_VERIFY_NIL), &none),
        ACL_SOCKET_INVALID_ARGUMENT);
    done(client);
    done(server);
    ssl_connection(&pair, SSL_ARGS(.verify = ACL_SOCKET_INSECURE_VERIFY_NIL), CERTIFIED("self"));
    OK(acl_get_ssl_verify_result(pair.client, &code, NULL));
    EQUAL(code, 18);
    OK(acl_get_ssl_connection(pair.client, &info));
    EQUAL(info.verified, 0);
    talk(&pair);
    both_done(&pair);
    OK(client_gets(SSL_ARGS(.ca_file = pki("root.crt"), .server_name = "localhost", .insecure_any_host = ACL_SOCKET_ON), CERTIFIED("other")));
    EQUAL(client_gets(SSL_ARGS(.ca_file = pki("root.crt"), .insecure_any_host = ACL_SOCKET_ON), CERTIFIED("expired")),
        ACL_SOCKET_SSL_CERTIFICATE_EXPIRED);
    EQUAL(client_gets(SSL_ARGS(.ca_file = pki("root.crt"), .verify = ACL_SOCKET_VERIFY_OPTIONAL, .server_name = "localhost"), CERTIFIED("expired")),
        ACL_SOCKET_SSL_CERTIFICATE_EXPIRED);
}

TEST(trusted_certificates_come_from_files_memory_and_directories)
{
    size_t length;
    char *pem = contents(pki("root.crt"), &length);
    OK(client_gets(SSL_ARGS(.ca_pem = pem, .ca_pem_length = length), SERVER));
    OK(client_gets(SSL_ARGS(.ca_directory = pki("hashed")), SERVER));
    OK(client_gets(SSL_ARGS(.ca_directory = pki("hashed"), .ca_file = pki("self.pem")), SERVER));
    free(pem);
}

TEST(a_chain_may_have_so_many_intermediates)
{
    OK(client_gets(SSL_ARGS(.ca_file = pki("root.crt"), .max_depth = 1), SERVER));
    EQUAL(client_gets(SSL_ARGS(.ca_file = pki("root.crt"), .max_depth = -1), SERVER), ACL_SOCKET_SSL_CHAIN_TOO_LONG);
    expect_report("certificate chain too long", 22);
}

TEST(revoked_certificates_are_refused_where_lists_are_looked_into)
{
    const char *root = pki("root.crt");
    OK(client_gets(SSL_ARGS(.ca_file = root), CERTIFIED("revoked")));
    EQUAL(client_gets(SSL_ARGS(.ca_file = root, .crl_check = ACL_SOCKET_CRL_PEER, .crl_file = pki("sub.crl")), CERTIFIED("revoked")),
        ACL_SOCKET_SSL_CERTIFICATE_REVOKED);
    expect_report("certificate revoked", 23);
    EQUAL(client_gets(SSL_ARGS(.ca_file = root, .crl_check = ACL_SOCKET_CRL_CHAIN, BOTH_CRLS), CERTIFIED("revoked")),
        ACL_SOCKET_SSL_CERTIFICATE_REVOKED);
    OK(client_gets(SSL_ARGS(.ca_file = root, .crl_check = ACL_SOCKET_CRL_PEER, .crl_file = pki("sub.crl")), SERVER));
    OK(client_gets(SSL_ARGS(.ca_file = root, .crl_check = ACL_SOCKET_CRL_CHAIN, BOTH_CRLS), SERVER));
    OK(client_gets(SSL_ARGS(.ca_file = root, .crl_check = ACL_SOCKET_CRL_PEER, .crl_file = pki("empty.crl")), CERTIFIED("revoked")));
    /* The list of the root is missing, by which the intermediate would be looked up. */
    EQUAL(client_gets(SSL_ARGS(.ca_file = root, .crl_check = ACL_SOCKET_CRL_CHAIN, .crl_file = pki("sub.crl")), SERVER), ACL_SOCKET_SSL_NO_CRL);
    expect_report("unable to get certificate CRL", 3);
    EQUAL(client_gets(SSL_ARGS(.ca_file = root, .crl_check = ACL_SOCKET_CRL_PEER, .crl_file = pki("root.crl")), SERVER), ACL_SOCKET_SSL_NO_CRL);
    EQUAL(client_gets(SSL_ARGS(.ca_file = root, .crl_check = ACL_SOCKET_CRL_PEER, .crl_file = pki("old.crl")), SERVER), ACL_SOCKET_SSL_INVALID_CRL);
    expect_report("CRL has expired", 12);
}

TEST(revocation_lists_come_from_memory_too_and_trust_nobody)
{
    size_t length, more;
    char *lists = contents(pki("both.crl"), &length), *root = contents(pki("root.crt"), &more), *joined;
    EQUAL(client_gets(SSL_ARGS(.ca_file = pki("root.crt"), .crl_check = ACL_SOCKET_CRL_CHAIN, .crl_pem = lists,
        .crl_pem_length = length), CERTIFIED("revoked")), ACL_SOCKET_SSL_CERTIFICATE_REVOKED);
    joined = malloc(length + more);
    memcpy(joined, lists, length);
    memcpy(joined + length, root, more);
    EQUAL(client_gets(SSL_ARGS(.ca_file = pki("self.pem"), .crl_check = ACL_SOCKET_CRL_PEER, .crl_pem = joined,
        .crl_pem_length = length + more), SERVER), ACL_SOCKET_SSL_UNKNOWN_ISSUER);
    free(lists);
    free(root);
    free(joined);
}

TEST(a_server_asks_for_a_certificate_where_it_is_told)
{
    const char *root = pki("root.crt"), *pem = pki("server.pem"), *key = pki("server.key");
    const ssl_args *certified = SSL_ARGS(.ca_file = root, .certificate = pki("client.pem"), .key = pki("client.key"));
    const ssl_args *wrong = SSL_ARGS(.ca_file = root, .certificate = pki("self.pem"), .key = pki("self.key"));
    const ssl_args *optional = SSL_ARGS(.certificate = pem, .key = key, .ca_file = root, .verify = ACL_SOCKET_VERIFY_OPTIONAL);
    const ssl_args *required = SSL_ARGS(.certificate = pem, .key = key, .ca_file = root, .verify = ACL_SOCKET_VERIFY_REQUIRED);
    ssl_pair pair;
    acl_x509_certificate *certificate;
    acl_ssl_connection info;
    ssl_connection(&pair, certified, required);
    OK(acl_get_ssl_connection(pair.server, &info));
    EQUAL(info.verified, 1);
    OK(acl_get_ssl_peer_certificate(pair.server, &certificate));
    CHECK(certificate != NULL);
    OK(acl_free_x509_certificate(certificate));
    talk(&pair);
    both_done(&pair);

    ssl_connection(&pair, CLIENT, optional);
    OK(acl_get_ssl_connection(pair.server, &info));
    EQUAL(info.verified, 0);
    OK(acl_get_ssl_peer_certificate(pair.server, &certificate));
    CHECK(certificate == NULL);
    both_done(&pair);

    begin_ssl(&pair, wrong, optional);
    shake_hands(&pair);
    EQUAL(pair.server_status, ACL_SOCKET_SSL_CERTIFICATE_SELF_SIGNED);
    both_done(&pair);
    begin_ssl(&pair, CLIENT, required);
    shake_hands(&pair);
    EQUAL(pair.server_status, ACL_SOCKET_SSL_CERTIFICATE_REQUIRED);
    both_done(&pair);
    /* A server's own list of whom to trust does not come from the system. */
    begin_ssl(&pair, certified, SSL_ARGS(.certificate = pem, .key = key, .verify = ACL_SOCKET_VERIFY_REQUIRED));
    shake_hands(&pair);
    EQUAL(pair.server_status, ACL_SOCKET_SSL_UNKNOWN_ISSUER);
    both_done(&pair);
    begin_ssl(&pair, SSL_ARGS(.ca_file = root, .certificate = pki("revoked-client.pem"), .key = pki("revoked-client.key")),
        SSL_ARGS(.certificate = pem, .key = key, .ca_file = root, .verify = ACL_SOCKET_VERIFY_REQUIRED,
            .crl_check = ACL_SOCKET_CRL_PEER, .crl_file = pki("sub.crl")));
    shake_hands(&pair);
    EQUAL(pair.server_status, ACL_SOCKET_SSL_CERTIFICATE_REVOKED);
    both_done(&pair);
}

/* In TLS 1.3 the client's handshake is over before the server has looked at its certificate. */
TEST(the_client_hears_of_its_certificate_from_the_first_read)
{
    static const int32_t methods[] = { ACL_SOCKET_TLSV1_3, ACL_SOCKET_TLSV1_2 };
    const ssl_args *required = SSL_ARGS(.certificate = pki("server.pem"), .key = pki("server.key"), .ca_file = pki("root.crt"),
        .verify = ACL_SOCKET_VERIFY_REQUIRED);
    size_t i;
    for (i = 0; i < ROWS(methods); i++) {
        ssl_pair pair;
        acl_status refused = methods[i] == ACL_SOCKET_TLSV1_3 ? ACL_SOCKET_SSL_CERTIFICATE_REQUIRED : ACL_SOCKET_SSL_HANDSHAKE_FAILURE;
        begin_ssl(&pair, SSL_ARGS(.ca_file = pki("root.crt"), .method = methods[i]), required);
        shake_hands(&pair);
        if (methods[i] == ACL_SOCKET_TLSV1_3) {
            OK(pair.client_status);
            EQUAL(acl_read_byte(pair.client, &(uint8_t){ 0 }), refused);
            CHECK(strstr(acl_stream_error_report(), "certificate required") != NULL);
            EQUAL(acl_ssl_do_handshake(pair.client), refused);
        } else {
            EQUAL(pair.client_status, refused);
        }
        both_done(&pair);
        begin_ssl(&pair, SSL_ARGS(.ca_file = pki("root.crt"), .method = methods[i], .certificate = pki("self.pem"),
            .key = pki("self.key")), required);
        shake_hands(&pair);
        if (methods[i] == ACL_SOCKET_TLSV1_3)
            EQUAL(acl_read_byte(pair.client, &(uint8_t){ 0 }), ACL_SOCKET_SSL_CERTIFICATE_REFUSED);
        else
            EQUAL(pair.client_status, ACL_SOCKET_SSL_CERTIFICATE_REFUSED);
        both_done(&pair);
        /* Who writes first hears of it too, not only of a broken connection. */
        if (methods[i] == ACL_SOCKET_TLSV1_3) {
            acl_status status = ACL_SOCKET_OK;
            int tries;
            begin_ssl(&pair, SSL_ARGS(.ca_file = pki("root.crt")), required);
            shake_hands(&pair);
            OK(pair.client_status);
            for (tries = 0; tries < 1000 && status == ACL_SOCKET_OK; tries++) {
                OK(acl_write_string(pair.client, "GET /", 5));
                status = acl_force_output(pair.client);
                OK(acl_clear_output(pair.client));
            }
            EQUAL(status, ACL_SOCKET_SSL_CERTIFICATE_REQUIRED);
            both_done(&pair);
        }
    }
}

MAIN(
    CASE(a_server_that_is_not_the_right_one_is_refused),
    CASE(a_client_trusts_the_systems_certificates_unless_told),
    CASE(the_systems_certificates_can_be_named),
    CASE(the_host_is_the_one_that_was_connected_to),
    CASE(the_host_is_checked_at_its_second_address_too),
    CASE(a_wildcard_stands_for_one_label),
    CASE(a_name_that_would_not_be_checked_is_refused),
    CASE(not_verifying_is_said_by_name),
    CASE(trusted_certificates_come_from_files_memory_and_directories),
    CASE(a_chain_may_have_so_many_intermediates),
    CASE(revoked_certificates_are_refused_where_lists_are_looked_into),
    CASE(revocation_lists_come_from_memory_too_and_trust_nobody),
    CASE(a_server_asks_for_a_certificate_where_it_is_told),
    CASE(the_client_hears_of_its_certificate_from_the_first_read)
)
