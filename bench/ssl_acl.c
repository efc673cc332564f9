/* The library's streams over SSL. */
#include "acl.h"
#include "ssl.h"

struct stream { acl_socket *socket; };

static acl_ssl_context *context;
static bool resumes;

#define OK(call) ((call) == ACL_SOCKET_OK)

static inline int descriptor_of(struct stream *stream) { return acl_descriptor(stream->socket); }

static inline bool open_descriptor(struct stream *stream, int descriptor)
{
    return acl_take_over(&stream->socket, descriptor);
}

static inline bool open_connection(struct stream *stream, int port)
{
    acl_socket *plain;
    if (context == NULL && !OK(acl_make_ssl_client_context(&(acl_make_ssl_context_args){ ACL_SOCKET_ARGS(acl_make_ssl_context_args),
            .ca_pem = ssl_certificate, .ca_pem_length = strlen(ssl_certificate), .resume = resumes ? ACL_SOCKET_ON : ACL_SOCKET_OFF }, &context)))
        return false;
    return acl_connect(&plain, port) && OK(acl_make_ssl_client_stream(plain, &(acl_make_ssl_stream_args){
        ACL_SOCKET_ARGS(acl_make_ssl_stream_args), .context = context }, &stream->socket)) && OK(acl_ssl_do_handshake(stream->socket));
}

static inline void close_stream(struct stream *stream) { acl_end(stream->socket); }

static inline bool write_bytes(struct stream *stream, const void *data, size_t size)
{
    return OK(acl_write_sequence(stream->socket, data, size));
}

static inline bool flush(struct stream *stream) { return OK(acl_force_output(stream->socket)); }
static inline bool end_output(struct stream *stream) { return OK(acl_shutdown(stream->socket, ACL_SOCKET_OUTPUT)); }

static inline ssize_t read_some(struct stream *stream, void *data, size_t size)
{
    size_t length;
    return OK(acl_read_vector(stream->socket, data, size, &length)) ? (ssize_t)length : -1;
}

static inline bool read_all(struct stream *stream, void *data, size_t size)
{
    size_t length;
    return OK(acl_read_sequence(stream->socket, data, size, 0, &length));
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

const struct contender ssl_acl = { "acl", {
    [ROUND_TRIPS] = round_trips, [SEND] = send_loop, [RECEIVE_SOME] = receive_some_loop,
    [RECEIVE_ALL] = receive_all_loop, [HANDSHAKES] = handshakes,
    [RESUMPTIONS] = resumptions
} };
