/* The floor of the rows over SSL: bare OpenSSL on a blocking socket, verifying as the library does. */
#include "ssl.h"
#include <openssl/pem.h>

struct stream { int descriptor; SSL *ssl; };

static SSL_CTX *context;
static bool resumes;
static SSL_SESSION *session;

static inline const char *failure_text(void)
{
    static char reason[256];
    ERR_error_string_n(ERR_peek_error(), reason, sizeof reason);
    return reason;
}

static inline int descriptor_of(struct stream *stream) { return stream->descriptor; }

/* The newest session is the one that is resumed. */
static int keep(SSL *ssl, SSL_SESSION *fresh)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = fresh;
    return 1;
}

static bool prepare(void)
{
    BIO *certificate_text = BIO_new_mem_buf(ssl_certificate, -1);
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || X509_STORE_add_cert(SSL_CTX_get_cert_store(context), PEM_read_bio_X509(certificate_text, NULL, NULL, NULL)) != 1)
        return false;
    BIO_free(certificate_text);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    if (resumes) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, keep);
    }
    return true;
}

static inline bool open_descriptor(struct stream *stream, int descriptor)
{
    stream->descriptor = descriptor;
    return false;
}

static inline bool open_connection(struct stream *stream, int port)
{
    if (context == NULL && !prepare())
        return false;
    stream->descriptor = raw_connect(port);
    stream->ssl = SSL_new(context);
    if (resumes && session != NULL)
        SSL_set_session(stream->ssl, session);
    return stream->descriptor >= 0 && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(stream->ssl), "127.0.0.1") == 1 &&
        SSL_set_fd(stream->ssl, stream->descriptor) == 1 && SSL_connect(stream->ssl) == 1;
}

static inline void close_stream(struct stream *stream)
{
    SSL_shutdown(stream->ssl);
    SSL_free(stream->ssl);
    close(stream->descriptor);
}

static inline bool write_bytes(struct stream *stream, const void *data, size_t size) { return ssl_write_all(stream->ssl, data, size); }
static inline bool flush(struct stream *stream) { (void)stream; return true; }
static inline bool end_output(struct stream *stream) { return SSL_shutdown(stream->ssl) >= 0; }
static inline ssize_t read_some(struct stream *stream, void *data, size_t size) { return ssl_read_some(stream->ssl, data, size); }

static inline bool read_all(struct stream *stream, void *data, size_t size)
{
    char *rest = data;
    while (size > 0) {
        ssize_t length = read_some(stream, rest, size);
        if (length <= 0)
            return false;
        rest += length;
        size -= (size_t)length;
    }
    return true;
}

#define CONNECTS
#define TRANSFERS
#define SHAKES
#include "loops.h"

static void resumptions(struct run *run)
{
    resumes = true;
    handshakes(run);
}

const struct contender ssl_openssl = { "openssl", {
    [ROUND_TRIPS] = round_trips, [SEND] = send_loop, [RECEIVE_SOME] = receive_some_loop,
    [RECEIVE_ALL] = receive_all_loop, [HANDSHAKES] = handshakes,
    [RESUMPTIONS] = resumptions
} };
