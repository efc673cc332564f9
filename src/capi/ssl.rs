//! Section 10: SSL streams.

use super::acl_status;
use super::arguments::{Keywords, choice, keywords, optional_bytes, optional_text, out, tri_state};
use super::boundary::boundary;
use super::handle;
use super::make_socket::{acl_socket, socket};
use super::ssl_contexts::{
    ACL_SOCKET_CRL_CHAIN, ACL_SOCKET_CRL_NONE, ACL_SOCKET_CRL_PEER, acl_ssl_context, context, max_depth,
    source, verify, versions,
};
use crate::error::{Error, Result};
use crate::socket::MakeSsl;
use crate::ssl::{Context, CrlCheck, Overrides, Settings, Side};
use std::ffi::{c_char, c_void};
use std::ptr;

/// Keyword arguments of acl_make_ssl_client_stream and acl_make_ssl_server_stream. With a context, method,
/// verify, max_depth, ciphers, ciphersuites and prefer_server_cipher_order are for this stream alone, and
/// what is read from files must not be given. Without one they make a context of one stream, whose files
/// are read each time.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_make_ssl_stream_args {
    /// ACL_SOCKET_ARGS(acl_make_ssl_stream_args).
    pub struct_size: usize,
    /// A context of the same side, or NULL. It may be freed while streams use it.
    pub context: *mut acl_ssl_context,
    /// As in acl_make_ssl_context_args.
    pub method: i32,
    /// As in acl_make_ssl_context_args.
    pub certificate: *const c_char,
    /// As in acl_make_ssl_context_args.
    pub certificate_pem: *const c_void,
    /// As in acl_make_ssl_context_args.
    pub certificate_pem_length: usize,
    /// As in acl_make_ssl_context_args.
    pub key: *const c_char,
    /// As in acl_make_ssl_context_args.
    pub key_pem: *const c_void,
    /// As in acl_make_ssl_context_args.
    pub key_pem_length: usize,
    /// As in acl_make_ssl_context_args.
    pub certificate_password: *const c_char,
    /// As in acl_make_ssl_context_args; the context's where 0.
    pub verify: i32,
    /// As in acl_make_ssl_context_args; the context's where 0.
    pub max_depth: i32,
    /// As in acl_make_ssl_context_args.
    pub ca_file: *const c_char,
    /// As in acl_make_ssl_context_args.
    pub ca_pem: *const c_void,
    /// As in acl_make_ssl_context_args.
    pub ca_pem_length: usize,
    /// As in acl_make_ssl_context_args.
    pub ca_directory: *const c_char,
    /// As in acl_make_ssl_context_args.
    pub ciphers: *const c_char,
    /// As in acl_make_ssl_context_args.
    pub ciphersuites: *const c_char,
    /// As in acl_make_ssl_context_args.
    pub crl_check: i32,
    /// As in acl_make_ssl_context_args.
    pub crl_file: *const c_char,
    /// As in acl_make_ssl_context_args.
    pub crl_pem: *const c_void,
    /// As in acl_make_ssl_context_args.
    pub crl_pem_length: usize,
    /// As in acl_make_ssl_context_args, for servers.
    pub prefer_server_cipher_order: i32,
    /// As in acl_make_ssl_context_args.
    pub alpn: *const c_char,
    /// Of clients: the host name or address of the server, which its certificate must be for; a name is also
    /// sent to it (SNI). Where NULL it is what acl_make_socket was given as remote_host or remote_ipaddr.
    pub server_name: *const c_char,
    /// Tri-state, off: of clients: the certificate must be good, but may be for any host.
    pub insecure_any_host: i32,
    /// Tri-state, off: the end of the connection without the peer's word is the end of the file, in place of
    /// ACL_SOCKET_SSL_TRUNCATED. For protocols that know by themselves whether all has come.
    pub insecure_allow_truncation: i32,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_make_ssl_stream_args {
    const NAME: &'static str = "acl_make_ssl_stream_args";
}

/// What a context and a stream have in common, as a stream names it.
fn overrides<'a>(args: &acl_make_ssl_stream_args, side: Side) -> Result<Overrides<'a>> {
    Ok(Overrides {
        versions: versions(args.method)?,
        ciphers: optional_text(args.ciphers, "ciphers")?,
        ciphersuites: optional_text(args.ciphersuites, "ciphersuites")?,
        verify: verify(args.verify, side)?,
        max_depth: max_depth(args.max_depth)?,
        prefer_server_cipher_order: tri_state(args.prefer_server_cipher_order, "prefer_server_cipher_order")?,
    })
}

pub(super) fn settings<'a>(args: &acl_make_ssl_stream_args, side: Side) -> Result<Settings<'a>> {
    let checks = [
        (ACL_SOCKET_CRL_NONE, CrlCheck::None),
        (ACL_SOCKET_CRL_PEER, CrlCheck::Peer),
        (ACL_SOCKET_CRL_CHAIN, CrlCheck::Chain),
    ];
    let settings = Settings {
        side,
        overrides: overrides(args, side)?,
        certificate: source(
            args.certificate,
            args.certificate_pem,
            args.certificate_pem_length,
            "certificate",
        )?,
        key: source(args.key, args.key_pem, args.key_pem_length, "key")?,
        password: optional_bytes(args.certificate_password),
        ca: source(args.ca_file, args.ca_pem, args.ca_pem_length, "ca")?,
        ca_directory: optional_bytes(args.ca_directory),
        crl: source(args.crl_file, args.crl_pem, args.crl_pem_length, "crl")?,
        crl_check: choice(args.crl_check, "crl_check", checks)?,
        alpn: optional_text(args.alpn, "alpn")?,
        server_name: None,
        others: Vec::new(),
        key_log: false,
        resumes: false,
    };
    let refuse = |given: bool, what: &str| if given { Err(Error::argument(what.to_owned())) } else { Ok(()) };
    let certified = settings.certificate.is_some();
    refuse(side == Side::Server && !certified, "making an SSL server without a certificate")?;
    refuse(settings.key.is_some() && !certified, "taking a key without a certificate")?;
    let unchecked = settings.crl.is_some() && settings.crl_check == CrlCheck::None;
    refuse(unchecked, "taking a revocation list without crl_check: nothing would look into it")?;
    Ok(settings)
}

fn make_stream(
    plain: *mut acl_socket,
    args: *const acl_make_ssl_stream_args,
    side: Side,
) -> Result<*mut acl_socket> {
    let sock = socket(plain)?;
    let args: acl_make_ssl_stream_args = keywords(args)?;
    let for_clients = !args.server_name.is_null() || args.insecure_any_host != 0;
    if side == Side::Server && for_clients {
        return Err(Error::argument("taking server_name or insecure_any_host for a server stream"));
    }
    let given = MakeSsl {
        overrides: overrides(&args, side)?,
        server_name: optional_text(args.server_name, "server_name")?,
        any_host: tri_state(args.insecure_any_host, "insecure_any_host")?.unwrap_or(false),
        allow_truncation: tri_state(args.insecure_allow_truncation, "insecure_allow_truncation")?
            .unwrap_or(false),
    };
    // The socket is the same, with another handle; nobody else then has one.
    let claim = || handle::renew::<crate::socket::Socket>(plain.addr());
    let handle = if args.context.is_null() {
        let context = Context::new(&settings(&args, side)?)?;
        sock.begin_ssl(&context, &MakeSsl { overrides: Overrides::default(), ..given }, claim)
    } else {
        let context = context(args.context, side)?;
        let of_context =
            [args.certificate, args.key, args.certificate_password, args.ca_file, args.ca_directory]
                .iter()
                .chain(&[args.crl_file, args.alpn])
                .any(|text| !text.is_null());
        let in_memory = [args.certificate_pem, args.key_pem, args.ca_pem, args.crl_pem];
        if of_context || in_memory.iter().any(|pem| !pem.is_null()) || args.crl_check != 0 {
            return Err(Error::argument(
                "taking with a context what the context has: certificate, key, \
                certificate_password, ca_file, ca_directory, crl_file, crl_check or alpn",
            ));
        }
        sock.begin_ssl(&context, &given, claim)
    };
    Ok(ptr::without_provenance_mut(handle?))
}

/// Makes a connected stream one over SSL, as the client. The handshake is done by the first operation that
/// reads or writes, or by acl_ssl_do_handshake: whatever is wrong with the server, that one says so. Unless
/// the arguments say otherwise the server must show a certificate that the system trusts, for the host that
/// was connected to; only TLS 1.2 and newer is spoken.
///
/// A stream over SSL is a stream like others: formats, lines, chunking, time-outs, wait sets, one reader and one
/// writer. Its format, external format and time-outs are those of the plain one; what was written is sent first,
/// and what came and was not read is taken for SSL. One thread with both ends of a connection deadlocks in the
/// handshake. Counts are of bytes within SSL. The
/// option nodelay is switched on; acl_set_socket_options can switch it off again. acl_close tells the peer that nothing more comes, with abort it
/// does not, and does not wait for its answer; acl_shutdown tells it too. Where the other side is a server
/// that refuses the client's certificate, in TLS 1.3 the first read says so, not the handshake.
/// After fork one of both processes may use the stream, and the child's acl_close tells the peer nothing.
/// @param plain the socket. After success its handle is gone, as if freed: using it is
/// ACL_SOCKET_INVALID_HANDLE. After a failure it is as it was.
/// @param args NULL for all defaults.
/// @param stream where the handle of the stream is stored, NULL after a failure; close it with acl_close and free
/// it with acl_free_socket. It closes the connection too.
/// @return ACL_SOCKET_OK; as acl_make_ssl_client_context for the arguments; ACL_SOCKET_INVALID_ARGUMENT also
/// with both a context and what belongs into one, without any name of the server, on a stream that is one over
/// SSL already or whose chunking is on; ACL_SOCKET_WRONG_KIND, ACL_SOCKET_CLOSED; ACL_SOCKET_WOULD_BLOCK while
/// another thread uses the plain stream or it is not connected; ACL_SOCKET_INVALID_HANDLE; the errors of
/// acl_force_output. The operations on it may answer ACL_SOCKET_SSL_ERROR and all that follow it.
/// Allegro: make-ssl-client-stream.
#[unsafe(no_mangle)]
pub extern "C" fn acl_make_ssl_client_stream(
    plain: *mut acl_socket,
    args: *const acl_make_ssl_stream_args,
    stream: *mut *mut acl_socket,
) -> acl_status {
    boundary(|| {
        let place = out(stream, "stream")?;
        place.write(ptr::null_mut());
        place.write(make_stream(plain, args, Side::Client)?);
        Ok(())
    })
}

/// Makes a connected stream one over SSL, as the server. As acl_make_ssl_client_stream but for who the
/// server is: a certificate is needed, from the context or here, and the client is not verified unless asked.
/// @param plain the socket, mostly from acl_accept_connection; after success its handle is gone.
/// @param args with a context or a certificate.
/// @param stream where the handle of the stream is stored, NULL after a failure.
/// @return as acl_make_ssl_client_stream. Allegro: make-ssl-server-stream.
#[unsafe(no_mangle)]
pub extern "C" fn acl_make_ssl_server_stream(
    plain: *mut acl_socket,
    args: *const acl_make_ssl_stream_args,
    stream: *mut *mut acl_socket,
) -> acl_status {
    boundary(|| {
        let place = out(stream, "stream")?;
        place.write(ptr::null_mut());
        place.write(make_stream(plain, args, Side::Server)?);
        Ok(())
    })
}

/// Does the handshake of a stream over SSL now, unless it is done. Its waits are limited by the read time-out,
/// and those for room by the write time-out.
/// @return ACL_SOCKET_OK; ACL_SOCKET_SSL_HANDSHAKE_FAILURE, ACL_SOCKET_SSL_PROTOCOL_VERSION,
/// ACL_SOCKET_SSL_PLAIN_PEER, ACL_SOCKET_SSL_CERTIFICATE_REFUSED, ACL_SOCKET_SSL_CERTIFICATE_EXPIRED,
/// ACL_SOCKET_SSL_CERTIFICATE_SELF_SIGNED, ACL_SOCKET_SSL_UNKNOWN_ISSUER, ACL_SOCKET_SSL_HOST_MISMATCH and the like;
/// ACL_SOCKET_READ_TIMEOUT, ACL_SOCKET_CONNECTION_RESET, ACL_SOCKET_CLOSED; ACL_SOCKET_WRONG_KIND on a plain
/// stream; ACL_SOCKET_INVALID_HANDLE. Allegro: ssl-do-handshake.
#[unsafe(no_mangle)]
pub extern "C" fn acl_ssl_do_handshake(stream: *mut acl_socket) -> acl_status {
    boundary(|| socket(stream)?.ssl_do_handshake())
}
