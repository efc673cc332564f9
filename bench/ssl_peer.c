/* The peer of the rows over SSL: the services of counterpart.c over bare OpenSSL, with read-ahead. */
#include "ssl.h"
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <string.h>

char ssl_certificate[4096], ssl_key[4096];

static bool put_text(BIO *bio, char *text, size_t size)
{
    int length = BIO_read(bio, text, (int)size - 1);
    BIO_free(bio);
    return length > 0;
}

bool make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    BIO *certificate_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
    bool made;
    if (key == NULL || certificate == NULL || extension == NULL)
        return false;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)"bench", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    X509_add_ext(certificate, extension, -1);
    made = X509_sign(certificate, key, EVP_sha256()) != 0 && PEM_write_bio_X509(certificate_text, certificate) == 1 &&
        PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) == 1 &&
        put_text(certificate_text, ssl_certificate, sizeof ssl_certificate) && put_text(key_text, ssl_key, sizeof ssl_key);
    X509_EXTENSION_free(extension);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return made;
}

static SSL_CTX *server_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    BIO *certificate_text = BIO_new_mem_buf(ssl_certificate, -1), *key_text = BIO_new_mem_buf(ssl_key, -1);
    X509 *certificate = PEM_read_bio_X509(certificate_text, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);
    if (context == NULL || SSL_CTX_use_certificate(context, certificate) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
        _exit(1);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_num_tickets(context, 1);
    return context;
}

static SSL *accept_ssl(SSL_CTX *context, int descriptor)
{
    SSL *ssl = SSL_new(context);
    if (ssl == NULL || set_nodelay(descriptor) == false || SSL_set_fd(ssl, descriptor) != 1 || SSL_accept(ssl) != 1)
        _exit(1);
    return ssl;
}

static void sink(SSL *ssl)
{
    static char data[4 * PIECE];
    uint64_t total = 0;
    bool right = true;
    ssize_t received;
    while ((received = ssl_read_some(ssl, data, sizeof data)) > 0) {
        right = right && data[0] == text[total % LINE_LENGTH];
        total += (uint64_t)received;
    }
    if (received < 0 || !right)
        total = NOT_THE_TEXT;
    ssl_write_all(ssl, &total, sizeof total);
}

void serve_ssl(enum service service, int descriptor)
{
    static char data[PIECE];
    SSL_CTX *context = server_context();
    ssize_t received;
    SSL *ssl;
    signal(SIGPIPE, SIG_IGN);
    if (service != SERVE_SSL_SHAKING) {
        ssl = accept_ssl(context, descriptor);
        if (service == SERVE_SSL_SINK)
            sink(ssl);
        else if (service == SERVE_SSL_SOURCE)
            while (ssl_write_all(ssl, text, 16384 * (TEXT_LENGTH / 16384)))
                ;
        else
            while ((received = ssl_read_some(ssl, data, sizeof data)) > 0 && ssl_write_all(ssl, data, (size_t)received))
                ;
        return;
    }
    /* One byte each way, behind which a ticket has come. */
    for (;;) {
        int stream = accept(descriptor, NULL, NULL);
        if (stream < 0)
            _exit(1);
        ssl = accept_ssl(context, stream);
        if (!ssl_write_all(ssl, "x", 1))
            _exit(1);
        ssl_read_some(ssl, data, 1);
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(ssl);
        reset_when_closed(stream);
        close(stream);
    }
}
