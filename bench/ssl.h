/* What the rows over SSL share: the certificate of the peer, made once, and bare OpenSSL on a connected descriptor. */
#ifndef BENCH_SSL_H
#define BENCH_SSL_H
#include "bench.h"
#include "raw.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

/* PEM texts, of a certificate for 127.0.0.1 that signed itself. */
extern char ssl_certificate[4096], ssl_key[4096];

bool make_certificate(void);
void serve_ssl(enum service service, int descriptor);

static inline bool ssl_write_all(SSL *ssl, const void *data, size_t size)
{
    size_t written;
    return SSL_write_ex(ssl, data, size, &written) == 1 && written == size;
}

/* 0 at the end, -1 after a failure. */
static inline ssize_t ssl_read_some(SSL *ssl, void *data, size_t size)
{
    size_t length;
    if (SSL_read_ex(ssl, data, size, &length) == 1)
        return (ssize_t)length;
    return SSL_get_error(ssl, 0) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}
#endif
