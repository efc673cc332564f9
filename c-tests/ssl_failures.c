/* A thousand connections over SSL, each of which ends in another way: nothing is left behind by any. Memory is looked
 * at here by its size, and by valgrind and AddressSanitizer where those run the tests. */
#include "secure.h"
#include <malloc.h>

/* One server: of others the client would keep sessions too. */
static acl_socket *passive;
static int32_t port;
static acl_ssl_context *client_contexts[4], *server_contexts[3];

static void make_contexts(void)
{
    const char *root = pki("root.crt");
    OK(acl_make_ssl_client_context(CONTEXT(.ca_file = root), &client_contexts[0]));
    OK(acl_make_ssl_client_context(CONTEXT(.ca_file = root, .certificate = pki("client.pem"), .key = pki("client.key"), .alpn = "h2"), &client_contexts[1]));
    OK(acl_make_ssl_client_context(CONTEXT(.ca_file = pki("self.pem")), &client_contexts[2]));
    OK(acl_make_ssl_client_context(CONTEXT(.ca_file = root, .crl_check = ACL_SOCKET_CRL_PEER, .crl_file = pki("sub.crl"),
        .method = ACL_SOCKET_TLSV1_2), &client_contexts[3]));
    OK(acl_make_ssl_server_context(CONTEXT(.certificate = pki("server.pem"), .key = pki("server.key")), &server_contexts[0]));
    OK(acl_make_ssl_server_context(CONTEXT(.certificate = pki("revoked.pem"), .key = pki("revoked.key"), .ca_file = root,
        .verify = ACL_SOCKET_VERIFY_REQUIRED), &server_contexts[1]));
    OK(acl_make_ssl_server_context(CONTEXT(.certificate = pki("server.pem"), .key = pki("server.key"), .alpn = "http/1.1",
        .contexts = server_contexts, .context_count = 2), &server_contexts[2]));
}

static void free_contexts(void)
{
    int i;
    for (i = 0; i < 4; i++)
        OK(acl_free_ssl_context(client_contexts[i]));
    for (i = 0; i < 3; i++)
        OK(acl_free_ssl_context(server_contexts[i]));
}

/* What cannot be made leaves the plain stream, which is closed. */
static void refuse(int round)
{
    const ssl_args *refused[] = {
        SSL_ARGS(.certificate = pki("server.pem"), .key = pki("client.key")), SSL_ARGS(.certificate = pki("junk.pem")),
        SSL_ARGS(.certificate = pki("encrypted.pem"), .certificate_password = "wrong"), SSL_ARGS(.ca_file = "/no/such/file"),
        SSL_ARGS(.ca_file = pki("root.crt"), .ciphers = "nothing"), SSL_ARGS(.method = ACL_SOCKET_SSLV3),
    };
    acl_socket *client, *server, *none;
    connection(&client, &server);
    CHECK(acl_make_ssl_client_stream(client, refused[round % ROWS(refused)], &none) != ACL_SOCKET_OK);
    CHECK(acl_make_ssl_server_stream(server, SSL_ARGS(.context = server_contexts[0], .ciphersuites = "nothing"), &none) != ACL_SOCKET_OK);
    done(client);
    done(server);
}

static void connect_and_end(int round)
{
    static const char *const names[] = { "localhost", NULL, "other.example" };
    acl_x509_certificate *certificate;
    acl_x509_pair *pairs;
    char *chain;
    ssl_pair pair;
    size_t count;
    int way = round / 36 % 4;
    acl_socket *plain_client, *plain_server;
    OK(MAKE(&plain_client, .remote_host = "127.0.0.1", .remote_port = port));
    OK(acl_accept_connection(passive, ACL_SOCKET_WAIT, &plain_server));
    OK(acl_make_ssl_client_stream(plain_client, SSL_ARGS(.context = client_contexts[round % 4], .server_name = names[round / 4 % 3]),
        &pair.client));
    OK(acl_make_ssl_server_stream(plain_server, SSL_ARGS(.context = server_contexts[round / 12 % 3]), &pair.server));
    if (way == 0) {
        /* Never begun by the server, or not ended. */
        heard(pair.client);
    } else {
        shake_hands(&pair);
        if (pair.client_status == ACL_SOCKET_OK && pair.server_status == ACL_SOCKET_OK) {
            talk(&pair);
            if (way > 1) {
                OK(acl_get_ssl_peer_certificate(pair.client, &certificate));
                OK(acl_x509_certificate_subject_alt_name(certificate, &pairs, &count));
                acl_free_buffer(pairs);
                OK(acl_get_ssl_peer_chain(pair.client, &chain, NULL));
                acl_free_buffer(chain);
                OK(acl_free_x509_certificate(certificate));
            }
            OK(acl_close(pair.client, way == 3));
            CHECK(acl_read_byte(pair.server, &(uint8_t){ 0 }) == (way == 3 ? ACL_SOCKET_SSL_TRUNCATED : ACL_SOCKET_END_OF_FILE));
        }
    }
    both_done(&pair);
}

TEST(a_thousand_connections_leave_nothing_behind)
{
    struct mallinfo2 before = mallinfo2(), after;
    int round;
    /* Valgrind takes a minute or two. */
    alarm(280);
    make_contexts();
    passive = listener(&port);
    for (round = 0; round < 1000; round++) {
        connect_and_end(round);
        if (round % 10 == 0)
            refuse(round);
        if (round == 432)
            before = mallinfo2();
    }
    after = mallinfo2();
    free_contexts();
    done(passive);
    printf("# in use: %zu, then %zu\n", before.uordblks, after.uordblks);
    CHECK(after.uordblks < before.uordblks + 100000);
}

MAIN(CASE(a_thousand_connections_leave_nothing_behind))
