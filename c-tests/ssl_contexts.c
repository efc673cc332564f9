/* Contexts: what they are made of, what a stream may say differently, versions and ciphers, application protocols,
 * certificates by name, sessions, the log of keys, and certificates as they are read. */
#include "secure.h"
#include <sys/stat.h>

static acl_ssl_context *client_context(const context_args *args)
{
    acl_ssl_context *context;
    OK(acl_make_ssl_client_context(args, &context));
    return context;
}

static acl_ssl_context *server_context(const context_args *args)
{
    acl_ssl_context *context;
    OK(acl_make_ssl_server_context(args, &context));
    return context;
}

static acl_status making(const context_args *args, int server)
{
    acl_ssl_context *context;
    acl_status status = server ? acl_make_ssl_server_context(args, &context) : acl_make_ssl_client_context(args, &context);
    EQUAL(context != NULL, status == ACL_SOCKET_OK);
    OK(acl_free_ssl_context(context));
    return status;
}

#define OF_SERVER .certificate = pki("server.pem"), .key = pki("server.key")
#define TRUSTING .ca_file = pki("root.crt")

/* Both ends of contexts; the client checks for localhost. */
static void pair_of(ssl_pair *pair, acl_ssl_context *client, acl_ssl_context *server, const char *name)
{
    ssl_connection(pair, SSL_ARGS(.context = client, .server_name = name), SSL_ARGS(.context = server));
}

static int resumed(acl_socket *stream)
{
    acl_ssl_connection info;
    OK(acl_get_ssl_connection(stream, &info));
    return info.resumed;
}

TEST(files_are_checked_when_a_context_is_made)
{
    static const struct { const char *certificate, *key, *password; acl_status status; const char *words; } rows[] = {
        { "server.pem", "server.key", NULL, ACL_SOCKET_OK, "" },
        { "both.pem", NULL, NULL, ACL_SOCKET_OK, "" },
        { "rsa.pem", "rsa.key", NULL, ACL_SOCKET_OK, "" },
        { "ed25519.pem", "ed25519.key", NULL, ACL_SOCKET_OK, "" },
        { "server.pem", "encrypted.key", "secret", ACL_SOCKET_OK, "" },
        { "encrypted.pem", NULL, "secret", ACL_SOCKET_OK, "" },
        { "server.pem", "encrypted.key", "wrong", ACL_SOCKET_SSL_WRONG_PASSWORD, "encrypted.key" },
        { "server.pem", "encrypted.key", "", ACL_SOCKET_SSL_WRONG_PASSWORD, "encrypted.key" },
        { "server.pem", "encrypted.key", NULL, ACL_SOCKET_SSL_WRONG_PASSWORD, "it wants a password" },
        { "encrypted.pem", NULL, NULL, ACL_SOCKET_SSL_WRONG_PASSWORD, "it wants a password" },
        { "server.pem", "client.key", NULL, ACL_SOCKET_SSL_KEY_MISMATCH, "key values mismatch" },
        { "server.pem", "rsa.key", NULL, ACL_SOCKET_SSL_KEY_MISMATCH, "key type mismatch" },
        { "server.pem", NULL, NULL, ACL_SOCKET_SSL_INVALID_FILE, "private key" },
        { "server.pem", "junk.pem", NULL, ACL_SOCKET_SSL_INVALID_FILE, "junk.pem" },
        { "junk.pem", NULL, NULL, ACL_SOCKET_SSL_INVALID_FILE, "no start line" },
        { "server.key", NULL, NULL, ACL_SOCKET_SSL_INVALID_FILE, "certificate" },
        { "nothing.pem", NULL, NULL, ACL_SOCKET_SSL_INVALID_FILE, "(errno 2)" },
        { "hashed", NULL, NULL, ACL_SOCKET_SSL_INVALID_FILE, "(errno 21)" },
    };
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        printf("# %s %s\n", rows[i].certificate, rows[i].key != NULL ? rows[i].key : "");
        EQUAL(making(CONTEXT(.certificate = pki(rows[i].certificate), .key = rows[i].key != NULL ? pki(rows[i].key) : NULL,
            .certificate_password = rows[i].password), 1), rows[i].status);
        if (rows[i].status != ACL_SOCKET_OK)
            CHECK(strstr(acl_stream_error_report(), rows[i].words) != NULL);
    }
    EQUAL(making(CONTEXT(.ca_file = pki("junk.pem")), 0), ACL_SOCKET_SSL_INVALID_FILE);
    EQUAL(making(CONTEXT(.ca_file = pki("nothing.pem")), 0), ACL_SOCKET_SSL_INVALID_FILE);
    EQUAL(making(CONTEXT(.ca_file = pki("sub.crl")), 0), ACL_SOCKET_SSL_INVALID_FILE);
    /* OpenSSL would not mind. */
    EQUAL(making(CONTEXT(.ca_directory = pki("nothing")), 0), ACL_SOCKET_SSL_INVALID_FILE);
    EQUAL(acl_stream_error_code(), ENOENT);
    EQUAL(making(CONTEXT(.ca_directory = pki("root.crt")), 0), ACL_SOCKET_SSL_INVALID_FILE);
    EQUAL(making(CONTEXT(TRUSTING, .crl_check = ACL_SOCKET_CRL_PEER, .crl_file = pki("root.crt")), 0), ACL_SOCKET_SSL_INVALID_FILE);
    EQUAL(making(CONTEXT(TRUSTING, .crl_check = ACL_SOCKET_CRL_PEER, .crl_file = pki("nothing")), 0), ACL_SOCKET_SSL_INVALID_FILE);
}

TEST(arguments_that_contradict_each_other_are_refused)
{
    char byte = 0;
    acl_ssl_context *client = client_context(NULL);
    EQUAL(making(NULL, 1), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.key = pki("server.key")), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.ca_file = ""), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(TRUSTING, .ca_pem = &byte, .ca_pem_length = 1), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.ca_pem_length = 1), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(TRUSTING, .crl_check = ACL_SOCKET_CRL_PEER), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(TRUSTING, .crl_file = pki("sub.crl")), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.crl_check = 3), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.verify = 7), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.max_depth = -2), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.server_name = "a"), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.alpn = "h2,,http/1.1"), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.ciphers = "NO-SUCH-CIPHER"), 0), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(strstr(acl_stream_error_report(), "NO-SUCH-CIPHER") != NULL);
    EQUAL(making(CONTEXT(.ciphersuites = "TLS_NOTHING"), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.ciphersuites = ""), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(OF_SERVER, .contexts = &client, .context_count = 1), 1), ACL_SOCKET_WRONG_KIND);
    OK(acl_free_ssl_context(client));
    EQUAL(making(CONTEXT(OF_SERVER, .contexts = &client, .context_count = 1), 1), ACL_SOCKET_INVALID_HANDLE);
}

/* A stream may say anew how it speaks and verifies, and not what was read from files. */
TEST(a_stream_of_a_context_says_some_things_differently)
{
    acl_ssl_context *client = client_context(CONTEXT(TRUSTING)), *server = server_context(CONTEXT(OF_SERVER, TRUSTING));
    const ssl_args *refused[] = {
        SSL_ARGS(.context = client, .certificate = "x"), SSL_ARGS(.context = client, .key = "x"),
        SSL_ARGS(.context = client, .certificate_password = "x"), SSL_ARGS(.context = client, .ca_file = "x"),
        SSL_ARGS(.context = client, .ca_directory = "x"), SSL_ARGS(.context = client, .crl_file = "x"),
        SSL_ARGS(.context = client, .crl_check = ACL_SOCKET_CRL_PEER), SSL_ARGS(.context = client, .ca_pem = "x", .ca_pem_length = 1),
        SSL_ARGS(.context = client, .method = -1), SSL_ARGS(.context = client, .verify = 5), SSL_ARGS(.context = client, .ciphers = "x"),
    };
    acl_socket *one, *other, *none;
    acl_ssl_connection info;
    ssl_pair pair;
    size_t i;
    connection(&one, &other);
    for (i = 0; i < ROWS(refused); i++)
        EQUAL(acl_make_ssl_client_stream(one, refused[i], &none), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_make_ssl_client_stream(one, SSL_ARGS(.context = server), &none), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_make_ssl_server_stream(one, SSL_ARGS(.context = client), &none), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_make_ssl_server_stream(one, SSL_ARGS(.context = server, .server_name = "a"), &none), ACL_SOCKET_INVALID_ARGUMENT);
    done(one);
    done(other);

    ssl_connection(&pair, SSL_ARGS(.context = client, .method = ACL_SOCKET_TLSV1_2, .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305"),
        SSL_ARGS(.context = server));
    OK(acl_get_ssl_connection(pair.server, &info));
    TEXT(info.version, "TLSv1.2");
    TEXT(info.cipher, "ECDHE-ECDSA-CHACHA20-POLY1305");
    both_done(&pair);
    ssl_connection(&pair, SSL_ARGS(.context = client), SSL_ARGS(.context = server, .ciphersuites = "TLS_AES_128_GCM_SHA256"));
    OK(acl_get_ssl_connection(pair.client, &info));
    TEXT(info.cipher, "TLS_AES_128_GCM_SHA256");
    both_done(&pair);
    begin_ssl(&pair, SSL_ARGS(.context = client), SSL_ARGS(.context = server, .verify = ACL_SOCKET_VERIFY_REQUIRED));
    shake_hands(&pair);
    EQUAL(pair.server_status, ACL_SOCKET_SSL_CERTIFICATE_REQUIRED);
    both_done(&pair);
    begin_ssl(&pair, SSL_ARGS(.context = client, .max_depth = -1), SSL_ARGS(.context = server));
    shake_hands(&pair);
    EQUAL(pair.client_status, ACL_SOCKET_SSL_CHAIN_TOO_LONG);
    both_done(&pair);
    ssl_connection(&pair, SSL_ARGS(.context = client, .server_name = "other.example", .verify = ACL_SOCKET_INSECURE_VERIFY_NIL),
        SSL_ARGS(.context = server));
    both_done(&pair);
    /* What uses a context keeps it. */
    begin_ssl(&pair, SSL_ARGS(.context = client), SSL_ARGS(.context = server));
    OK(acl_free_ssl_context(client));
    OK(acl_free_ssl_context(server));
    shake_hands(&pair);
    OK(pair.client_status);
    talk(&pair);
    both_done(&pair);
    EQUAL(acl_free_ssl_context(client), ACL_SOCKET_INVALID_HANDLE);
    OK(acl_free_ssl_context(NULL));
}

TEST(pem_texts_may_be_in_memory)
{
    size_t lengths[3];
    char *certificate = contents(pki("server.pem"), &lengths[0]), *key = contents(pki("encrypted.key"), &lengths[1]);
    char *root = contents(pki("root.crt"), &lengths[2]);
    OK(client_gets(SSL_ARGS(.ca_pem = root, .ca_pem_length = lengths[2]), SSL_ARGS(.certificate_pem = certificate,
        .certificate_pem_length = lengths[0], .key_pem = key, .key_pem_length = lengths[1], .certificate_password = "secret")));
    EQUAL(making(CONTEXT(.certificate_pem = certificate, .certificate_pem_length = 100), 1), ACL_SOCKET_SSL_INVALID_FILE);
    CHECK(strstr(acl_stream_error_report(), "in memory") != NULL);
    free(certificate);
    free(key);
    free(root);
}

/* What each method speaks with each other one: the highest in common. */
TEST(methods_are_what_they_say)
{
    static const struct { int32_t method; int low, high; } methods[] = {
        { 0, 2, 3 }, { ACL_SOCKET_TLSV1, 0, 0 }, { ACL_SOCKET_TLSV1_1, 1, 1 }, { ACL_SOCKET_TLSV1_2, 2, 2 }, { ACL_SOCKET_TLSV1_3, 3, 3 },
        { ACL_SOCKET_TLSV1_PLUS, 0, 3 }, { ACL_SOCKET_TLSV1_1_PLUS, 1, 3 }, { ACL_SOCKET_TLSV1_2_PLUS, 2, 3 },
        { ACL_SOCKET_TLSV1_3_PLUS, 3, 3 }, { ACL_SOCKET_SSLV23, 2, 3 }, { ACL_SOCKET_SSLV3_PLUS, 2, 3 },
        { ACL_SOCKET_TLSV1 | ACL_SOCKET_TLSV1_1, 0, 1 }, { ACL_SOCKET_TLSV1_1 | ACL_SOCKET_TLSV1_2, 1, 2 },
    };
    static const char *const names[] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };
    size_t i, j;
    for (i = 0; i < ROWS(methods); i++)
        for (j = 0; j < ROWS(methods); j++) {
            int low = methods[i].low > methods[j].low ? methods[i].low : methods[j].low;
            int high = methods[i].high < methods[j].high ? methods[i].high : methods[j].high;
            acl_ssl_connection info;
            ssl_pair pair;
            if (getenv("ACL_TEST_SLOW") != NULL && (i + j) % 4 != 0)
                continue;
            begin_ssl(&pair, SSL_ARGS(TRUSTING, .method = methods[i].method), SSL_ARGS(OF_SERVER, .method = methods[j].method));
            shake_hands(&pair);
            EQUAL(pair.client_status, low <= high ? ACL_SOCKET_OK : ACL_SOCKET_SSL_PROTOCOL_VERSION);
            if (low <= high) {
                OK(acl_get_ssl_connection(pair.client, &info));
                TEXT(info.version, names[high]);
            } else {
                EQUAL(pair.server_status, ACL_SOCKET_SSL_PROTOCOL_VERSION);
            }
            both_done(&pair);
        }
    /* One with a hole in it. */
    EQUAL(client_gets(SSL_ARGS(TRUSTING, .method = ACL_SOCKET_TLSV1_1 | ACL_SOCKET_TLSV1_3), SSL_ARGS(OF_SERVER, .method = ACL_SOCKET_TLSV1_2)),
        ACL_SOCKET_SSL_PROTOCOL_VERSION);
}

TEST(what_nothing_should_speak_is_refused_at_once)
{
    static const int32_t methods[] = { ACL_SOCKET_SSLV2, ACL_SOCKET_SSLV3, ACL_SOCKET_SSLV3 | ACL_SOCKET_TLSV1, ACL_SOCKET_SSLV2 | ACL_SOCKET_SSLV3 | ACL_SOCKET_TLSV1_3 };
    size_t i;
    for (i = 0; i < ROWS(methods); i++) {
        EQUAL(making(CONTEXT(.method = methods[i]), 0), ACL_SOCKET_SSL_METHOD_UNSUPPORTED);
        EQUAL(making(CONTEXT(OF_SERVER, .method = methods[i]), 1), ACL_SOCKET_SSL_METHOD_UNSUPPORTED);
    }
    EQUAL(making(CONTEXT(.method = 64), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.method = -1), 0), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(making(CONTEXT(.method = ACL_SOCKET_SSLV23 | ACL_SOCKET_TLSV1), 0), ACL_SOCKET_INVALID_ARGUMENT);
}

TEST(no_cipher_in_common_is_a_failed_handshake)
{
    ssl_pair pair;
    begin_ssl(&pair, SSL_ARGS(TRUSTING, .ciphersuites = "TLS_AES_128_GCM_SHA256", .method = ACL_SOCKET_TLSV1_3),
        SSL_ARGS(OF_SERVER, .ciphersuites = "TLS_AES_256_GCM_SHA384"));
    shake_hands(&pair);
    EQUAL(pair.client_status, ACL_SOCKET_SSL_HANDSHAKE_FAILURE);
    EQUAL(pair.server_status, ACL_SOCKET_SSL_HANDSHAKE_FAILURE);
    both_done(&pair);
}

TEST(a_server_chooses_the_cipher_unless_told_not_to)
{
    static const struct { int32_t prefer; const char *cipher; } rows[] = {
        { 0, "ECDHE-ECDSA-AES256-GCM-SHA384" }, { ACL_SOCKET_ON, "ECDHE-ECDSA-AES256-GCM-SHA384" },
        { ACL_SOCKET_OFF, "ECDHE-ECDSA-AES128-GCM-SHA256" },
    };
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        acl_ssl_connection info;
        ssl_pair pair;
        ssl_connection(&pair, SSL_ARGS(TRUSTING, .method = ACL_SOCKET_TLSV1_2, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"),
            SSL_ARGS(OF_SERVER, .prefer_server_cipher_order = rows[i].prefer,
                .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"));
        OK(acl_get_ssl_connection(pair.client, &info));
        TEXT(info.cipher, rows[i].cipher);
        both_done(&pair);
    }
}

TEST(an_application_protocol_is_agreed_upon)
{
    static const struct { const char *client, *server, *agreed; } rows[] = {
        { "h2,http/1.1", "http/1.1,h2", "http/1.1" }, { "h2, http/1.1", "h2", "h2" }, { "h2", NULL, "" }, { NULL, "h2", "" },
        { "h2", "http/1.1", NULL },
    };
    size_t i;
    for (i = 0; i < ROWS(rows); i++) {
        acl_ssl_connection info;
        ssl_pair pair;
        begin_ssl(&pair, SSL_ARGS(TRUSTING, .alpn = rows[i].client), SSL_ARGS(OF_SERVER, .alpn = rows[i].server));
        shake_hands(&pair);
        EQUAL(pair.client_status, rows[i].agreed != NULL ? ACL_SOCKET_OK : ACL_SOCKET_SSL_NO_APPLICATION_PROTOCOL);
        EQUAL(pair.server_status, pair.client_status);
        if (rows[i].agreed != NULL) {
            OK(acl_get_ssl_connection(pair.client, &info));
            TEXT(info.alpn, rows[i].agreed);
            OK(acl_get_ssl_connection(pair.server, &info));
            TEXT(info.alpn, rows[i].agreed);
        }
        both_done(&pair);
    }
}

TEST(a_server_has_certificates_for_several_names)
{
    acl_ssl_context *others[3], *server, *client = client_context(CONTEXT(TRUSTING));
    static const char *const names[] = { "localhost", "other.example", "OTHER.example.", "a.wild.example", "one.example", "x.two.example" };
    ssl_pair pair;
    size_t i;
    others[0] = server_context(CONTEXT(.certificate = pki("other.pem"), .key = pki("other.key")));
    others[1] = server_context(CONTEXT(.certificate = pki("wildcard.pem"), .key = pki("wildcard.key"), .server_name = "x.example, *.wild.example"));
    others[2] = server_context(CONTEXT(.certificate = pki("names.pem"), .key = pki("names.key")));
    server = server_context(CONTEXT(OF_SERVER, .contexts = others, .context_count = 3));
    for (i = 0; i < 3; i++)
        OK(acl_free_ssl_context(others[i]));
    for (i = 0; i < ROWS(names); i++) {
        pair_of(&pair, client, server, names[i]);
        both_done(&pair);
    }
    begin_ssl(&pair, SSL_ARGS(.context = client, .server_name = "unknown.example"), SSL_ARGS(.context = server));
    shake_hands(&pair);
    EQUAL(pair.client_status, ACL_SOCKET_SSL_HOST_MISMATCH);
    both_done(&pair);
    OK(acl_free_ssl_context(client));
    OK(acl_free_ssl_context(server));
}

/* The way to verify is that of the name that was asked for, and no session leads around it. */
TEST(a_name_has_its_own_way_to_verify)
{
    static const int32_t methods[] = { ACL_SOCKET_TLSV1_3, ACL_SOCKET_TLSV1_2 };
    size_t i;
    for (i = 0; i < ROWS(methods); i++) {
        acl_ssl_context *strict = server_context(CONTEXT(.certificate = pki("other.pem"), .key = pki("other.key"), TRUSTING,
            .verify = ACL_SOCKET_VERIFY_REQUIRED));
        acl_ssl_context *server = server_context(CONTEXT(OF_SERVER, .contexts = &strict, .context_count = 1));
        acl_ssl_context *client = client_context(CONTEXT(TRUSTING, .method = methods[i], .certificate = pki("client.pem"), .key = pki("client.key")));
        ssl_pair pair;
        acl_ssl_connection info;
        pair_of(&pair, client, server, "localhost");
        talk(&pair);
        OK(acl_get_ssl_connection(pair.server, &info));
        EQUAL(info.verified, 0);
        both_done(&pair);
        pair_of(&pair, client, server, "other.example");
        OK(acl_get_ssl_connection(pair.server, &info));
        EQUAL(info.verified, 1);
        EQUAL(info.resumed, 0);
        talk(&pair);
        both_done(&pair);
        pair_of(&pair, client, server, "other.example");
        OK(acl_get_ssl_connection(pair.server, &info));
        EQUAL(info.verified, 1);
        both_done(&pair);
        begin_ssl(&pair, SSL_ARGS(TRUSTING, .server_name = "other.example"), SSL_ARGS(.context = server));
        shake_hands(&pair);
        EQUAL(pair.server_status, ACL_SOCKET_SSL_CERTIFICATE_REQUIRED);
        both_done(&pair);
        OK(acl_free_ssl_context(strict));
        OK(acl_free_ssl_context(server));
        OK(acl_free_ssl_context(client));
    }
}

/* A client can only resume at the port where it got the session, so one passive socket is used. */
static void at(acl_socket *passive, int32_t port, const ssl_args *client, const ssl_args *server, ssl_pair *pair)
{
    acl_socket *one, *other;
    OK(MAKE(&one, .remote_host = "127.0.0.1", .remote_port = port));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &other));
    OK(acl_make_ssl_client_stream(one, client, &pair->client));
    OK(acl_make_ssl_server_stream(other, server, &pair->server));
    shake_hands(pair);
}

/* Whether a connection that ends well resumes a session. */
static int resumes(acl_socket *passive, int32_t port, const ssl_args *client, const ssl_args *server)
{
    ssl_pair pair;
    int was;
    at(passive, port, client, server, &pair);
    OK(pair.client_status);
    talk(&pair);
    was = resumed(pair.client);
    EQUAL(resumed(pair.server), was);
    OK(acl_close(pair.client, 0));
    both_done(&pair);
    return was;
}

TEST(sessions_are_resumed_and_never_around_verification)
{
    static const int32_t methods[] = { ACL_SOCKET_TLSV1_3, ACL_SOCKET_TLSV1_2 };
    size_t i;
    for (i = 0; i < ROWS(methods); i++) {
        int32_t port, other_port;
        acl_socket *passive = listener(&port), *elsewhere = listener(&other_port);
        acl_ssl_context *server = server_context(CONTEXT(OF_SERVER)), *client = client_context(CONTEXT(TRUSTING, .method = methods[i]));
        acl_ssl_context *never = client_context(CONTEXT(TRUSTING, .resume = ACL_SOCKET_OFF)), *fresh = server_context(CONTEXT(OF_SERVER, .resume = ACL_SOCKET_OFF));
        acl_ssl_connection info;
        ssl_pair pair;
        const ssl_args *of_server = SSL_ARGS(.context = server), *of_client = SSL_ARGS(.context = client);
        /* What was not verified is resumed by who does not verify. */
        EQUAL(resumes(passive, port, SSL_ARGS(.context = client, .verify = ACL_SOCKET_INSECURE_VERIFY_NIL), of_server), 0);
        EQUAL(resumes(passive, port, SSL_ARGS(.context = client, .verify = ACL_SOCKET_INSECURE_VERIFY_NIL), of_server), 1);
        EQUAL(resumes(passive, port, of_client, of_server), 0);
        EQUAL(resumes(passive, port, of_client, of_server), 1);
        EQUAL(resumes(passive, port, of_client, of_server), 1);
        at(passive, port, of_client, of_server, &pair);
        OK(acl_get_ssl_connection(pair.client, &info));
        EQUAL(info.resumed, 1);
        EQUAL(info.verified, 1);
        both_done(&pair);
        /* Another name, and another port: the certificate is looked at again. */
        EQUAL(resumes(passive, port, SSL_ARGS(.context = client, .server_name = "localhost"), of_server), 0);
        at(passive, port, SSL_ARGS(.context = client, .server_name = "other.example"), of_server, &pair);
        EQUAL(pair.client_status, ACL_SOCKET_SSL_HOST_MISMATCH);
        both_done(&pair);
        EQUAL(resumes(elsewhere, other_port, of_client, of_server), 0);
        EQUAL(resumes(passive, port, SSL_ARGS(.context = never), of_server), 0);
        EQUAL(resumes(passive, port, SSL_ARGS(.context = never), of_server), 0);
        EQUAL(resumes(passive, port, of_client, SSL_ARGS(.context = fresh)), 0);
        EQUAL(resumes(passive, port, of_client, SSL_ARGS(.context = fresh)), 0);
        OK(acl_free_ssl_context(server));
        OK(acl_free_ssl_context(client));
        OK(acl_free_ssl_context(never));
        OK(acl_free_ssl_context(fresh));
        done(passive);
        done(elsewhere);
    }
}

/* A server that verifies has a session-id context, without which OpenSSL would refuse to go on. */
TEST(sessions_of_verified_clients_are_resumed)
{
    static const int32_t methods[] = { ACL_SOCKET_TLSV1_3, ACL_SOCKET_TLSV1_2 };
    size_t i;
    for (i = 0; i < ROWS(methods); i++) {
        int32_t port;
        acl_socket *passive = listener(&port);
        acl_ssl_context *server = server_context(CONTEXT(OF_SERVER, TRUSTING, .verify = ACL_SOCKET_VERIFY_REQUIRED));
        acl_ssl_context *client = client_context(CONTEXT(TRUSTING, .method = methods[i], .certificate = pki("client.pem"), .key = pki("client.key")));
        acl_ssl_connection info;
        ssl_pair pair;
        EQUAL(resumes(passive, port, SSL_ARGS(.context = client), SSL_ARGS(.context = server)), 0);
        at(passive, port, SSL_ARGS(.context = client), SSL_ARGS(.context = server), &pair);
        OK(pair.client_status);
        OK(acl_get_ssl_connection(pair.server, &info));
        EQUAL(info.resumed, 1);
        EQUAL(info.verified, 1);
        both_done(&pair);
        OK(acl_free_ssl_context(server));
        OK(acl_free_ssl_context(client));
        done(passive);
    }
}

TEST(keys_are_logged_only_when_asked)
{
    char file[] = "/tmp/acl-keys-XXXXXX";
    acl_ssl_context *server = server_context(CONTEXT(OF_SERVER));
    acl_ssl_context *quiet = client_context(CONTEXT(TRUSTING)), *logging = client_context(CONTEXT(TRUSTING, .key_log = ACL_SOCKET_ON));
    struct stat state;
    ssl_pair pair;
    char *text;
    size_t length;
    int fd = mkstemp(file);
    CHECK(fd >= 0 && close(fd) == 0 && unlink(file) == 0);
    pair_of(&pair, logging, server, "localhost");
    both_done(&pair);
    setenv("SSLKEYLOGFILE", file, 1);
    pair_of(&pair, quiet, server, "localhost");
    both_done(&pair);
    CHECK(stat(file, &state) != 0);
    pair_of(&pair, logging, server, "localhost");
    both_done(&pair);
    CHECK(stat(file, &state) == 0 && (state.st_mode & 0777) == 0600);
    text = contents(file, &length);
    CHECK(strstr(text, "CLIENT_HANDSHAKE_TRAFFIC_SECRET ") != NULL);
    CHECK(text[length - 1] == '\n');
    free(text);
    unlink(file);
    OK(acl_free_ssl_context(server));
    OK(acl_free_ssl_context(quiet));
    OK(acl_free_ssl_context(logging));
}

static void expect_pairs(acl_x509_pair *pairs, size_t count, size_t wanted, const char *const (*rows)[2])
{
    size_t i;
    EQUAL(count, wanted);
    for (i = 0; i < count; i++) {
        TEXT(pairs[i].name, rows[i][0]);
        TEXT(pairs[i].value, rows[i][1]);
    }
    acl_free_buffer(pairs);
}

TEST(certificates_are_read)
{
    static const char *const subject[][2] = { { "C", "XX" }, { "O", "Test" }, { "OU", "One" }, { "OU", "Two" }, { "CN", "N\xc3\xa4me, with / and =" } };
    static const char *const issuer[][2] = { { "O", "Test" }, { "CN", "Test Intermediate" } };
    static const char *const names[][2] = { { "DNS", "one.example" }, { "DNS", "*.two.example" }, { "IP Address", "10.1.2.3" },
        { "IP Address", "2001:DB8:0:0:0:0:0:1" }, { "email", "a@b.example" }, { "URI", "https://c.example/" }, { "Registered ID", "1.2.3.4" } };
    static const char *const alone[][2] = { { "CN", "localhost" } };
    acl_x509_certificate *certificate;
    acl_x509_pair *pairs;
    char text[128], *chain;
    size_t count, length;
    int64_t before, after;
    int32_t version;
    ssl_pair pair;
    const char *place;
    ssl_connection(&pair, SSL_ARGS(TRUSTING, .server_name = "one.example"), SSL_ARGS(.certificate = pki("names.pem"), .key = pki("names.key")));
    OK(acl_get_ssl_peer_certificate(pair.client, &certificate));
    OK(acl_get_ssl_peer_chain(pair.client, &chain, &length));
    EQUAL(strlen(chain), length);
    for (count = 0, place = chain; (place = strstr(place, "BEGIN CERTIFICATE")) != NULL; place++)
        count++;
    /* With the root, which was not sent. */
    EQUAL(count, 3);
    acl_free_buffer(chain);
    both_done(&pair);
    OK(acl_x509_certificate_version(certificate, &version));
    EQUAL(version, 3);
    OK(acl_x509_certificate_subject(certificate, &pairs, &count));
    expect_pairs(pairs, count, ROWS(subject), subject);
    OK(acl_x509_certificate_issuer(certificate, &pairs, &count));
    expect_pairs(pairs, count, ROWS(issuer), issuer);
    OK(acl_x509_certificate_subject_alt_name(certificate, &pairs, &count));
    expect_pairs(pairs, count, ROWS(names), names);
    OK(acl_x509_certificate_not_before(certificate, &before));
    OK(acl_x509_certificate_not_after(certificate, &after));
    CHECK(before <= time(NULL) && after - before == 3650 * 86400LL);
    OK(acl_free_x509_certificate(certificate));
    EQUAL(acl_x509_certificate_version(certificate, &version), ACL_SOCKET_INVALID_HANDLE);

    ssl_connection(&pair, SSL_ARGS(.verify = ACL_SOCKET_INSECURE_VERIFY_NIL), SSL_ARGS(.certificate = pki("self.pem"), .key = pki("self.key")));
    OK(acl_get_ssl_peer_certificate(pair.client, &certificate));
    OK(acl_x509_certificate_serial_number(certificate, text, sizeof text, &length));
    TEXT(text, "123456789ABCDEF0123456789ABCDEF012345678");
    EQUAL(acl_x509_certificate_serial_number(certificate, text, 10, &length), ACL_SOCKET_BUFFER_TOO_SMALL);
    EQUAL(length, 40);
    OK(acl_x509_certificate_subject(certificate, &pairs, &count));
    expect_pairs(pairs, count, ROWS(alone), alone);
    OK(acl_free_x509_certificate(certificate));
    both_done(&pair);
    ssl_connection(&pair, SSL_ARGS(.verify = ACL_SOCKET_INSECURE_VERIFY_NIL), SSL_ARGS(.certificate = pki("expired.pem"), .key = pki("expired.key")));
    OK(acl_get_ssl_peer_certificate(pair.client, &certificate));
    OK(acl_x509_certificate_not_before(certificate, &before));
    OK(acl_x509_certificate_not_after(certificate, &after));
    EQUAL(before, 1577836800);
    EQUAL(after, 1609459200);
    OK(acl_free_x509_certificate(certificate));
    OK(acl_get_ssl_peer_certificate(pair.server, &certificate));
    CHECK(certificate == NULL);
    OK(acl_get_ssl_peer_chain(pair.server, &chain, NULL));
    TEXT(chain, "");
    acl_free_buffer(chain);
    both_done(&pair);
}

MAIN(
    CASE(files_are_checked_when_a_context_is_made),
    CASE(arguments_that_contradict_each_other_are_refused),
    CASE(a_stream_of_a_context_says_some_things_differently),
    CASE(pem_texts_may_be_in_memory),
    CASE(methods_are_what_they_say),
    CASE(what_nothing_should_speak_is_refused_at_once),
    CASE(no_cipher_in_common_is_a_failed_handshake),
    CASE(a_server_chooses_the_cipher_unless_told_not_to),
    CASE(an_application_protocol_is_agreed_upon),
    CASE(a_server_has_certificates_for_several_names),
    CASE(a_name_has_its_own_way_to_verify),
    CASE(sessions_are_resumed_and_never_around_verification),
    CASE(sessions_of_verified_clients_are_resumed),
    CASE(keys_are_logged_only_when_asked),
    CASE(certificates_are_read)
)
