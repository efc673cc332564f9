//! Section 10: SSL contexts, and the keywords that they have in common with streams.

use super::acl_status;
use super::arguments::{
    Keywords, bytes, choice, keywords, optional_bytes, optional_text, out, structs, tri_state,
};
use super::boundary::boundary;
use super::handle::{self, Held};
use super::ssl::{acl_make_ssl_stream_args, settings};
use crate::error::{Error, Identifier, Result};
use crate::ssl::{Context, Settings, Side, Source, Verify, Versions};
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

/// What many SSL streams share: certificates and the ways to verify. It is not changed once it is made, and
/// any number of threads may use it. The pointer is a checked handle.
pub struct acl_ssl_context {
    _private: [u8; 0],
}

/// Method: SSL 2, always refused with ACL_SOCKET_SSL_METHOD_UNSUPPORTED.
pub const ACL_SOCKET_SSLV2: i32 = 1;
/// Method: SSL 3, always refused with ACL_SOCKET_SSL_METHOD_UNSUPPORTED.
pub const ACL_SOCKET_SSLV3: i32 = 2;
/// Method: TLS 1.0. Broken by design: with it or TLS 1.1 in the method the weakest ciphers, keys and digests
/// of OpenSSL are let in as well, without which it could not work.
pub const ACL_SOCKET_TLSV1: i32 = 4;
/// Method: TLS 1.1, as TLS 1.0.
pub const ACL_SOCKET_TLSV1_1: i32 = 8;
/// Method: TLS 1.2.
pub const ACL_SOCKET_TLSV1_2: i32 = 16;
/// Method: TLS 1.3.
pub const ACL_SOCKET_TLSV1_3: i32 = 32;
/// Method: TLS 1.0 and all that are newer.
pub const ACL_SOCKET_TLSV1_PLUS: i32 = 60;
/// Method: TLS 1.1 and all that are newer.
pub const ACL_SOCKET_TLSV1_1_PLUS: i32 = 56;
/// Method: TLS 1.2 and all that are newer, which is the default.
pub const ACL_SOCKET_TLSV1_2_PLUS: i32 = 48;
/// Method: TLS 1.3 and all that will be newer.
pub const ACL_SOCKET_TLSV1_3_PLUS: i32 = 32;
/// Method: the best version in common, an old name of the default. No SSL 2 or SSL 3.
pub const ACL_SOCKET_SSLV23: i32 = 256;
/// Method: the same.
pub const ACL_SOCKET_SSLV3_PLUS: i32 = 512;

/// Verify: a server asks for no certificate. A client says ACL_SOCKET_INSECURE_VERIFY_NIL.
pub const ACL_SOCKET_VERIFY_NIL: i32 = -1;
/// Verify: a certificate that is shown must be good. Servers always show one.
pub const ACL_SOCKET_VERIFY_OPTIONAL: i32 = 1;
/// Verify: a certificate must be shown and be good.
pub const ACL_SOCKET_VERIFY_REQUIRED: i32 = 2;
/// Verify, for clients: the server may be anybody, such as who reads everything in between.
pub const ACL_SOCKET_INSECURE_VERIFY_NIL: i32 = -2;

/// CRL check: no certificate is looked up.
pub const ACL_SOCKET_CRL_NONE: i32 = 0;
/// CRL check: the peer's own certificate is looked up.
pub const ACL_SOCKET_CRL_PEER: i32 = 1;
/// CRL check: so are all of its chain but the root; there must be a list of each issuer.
pub const ACL_SOCKET_CRL_CHAIN: i32 = 2;

/// Keyword arguments of acl_make_ssl_client_context and acl_make_ssl_server_context. A text of PEM is given
/// by the name of its file, or in memory with its length; not both. All of it is read by the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_make_ssl_context_args {
    /// ACL_SOCKET_ARGS(acl_make_ssl_context_args).
    pub struct_size: usize,
    /// One of the methods, or several exact ones or-ed; TLS 1.2 and 1.3 where 0.
    pub method: i32,
    /// The certificate that this side shows, and behind it those that lead to the root. Servers need one.
    pub certificate: *const c_char,
    /// The same in memory.
    pub certificate_pem: *const c_void,
    /// Its length.
    pub certificate_pem_length: usize,
    /// The private key, where it is not in the text of the certificate.
    pub key: *const c_char,
    /// The same in memory.
    pub key_pem: *const c_void,
    /// Its length.
    pub key_pem_length: usize,
    /// The password of an encrypted key, wherever that is. Nothing ever asks the terminal.
    pub certificate_password: *const c_char,
    /// ACL_SOCKET_VERIFY_REQUIRED, ACL_SOCKET_VERIFY_OPTIONAL, of servers ACL_SOCKET_VERIFY_NIL, of clients
    /// ACL_SOCKET_INSECURE_VERIFY_NIL. Where 0, clients verify (required) and servers do not (nil).
    pub verify: i32,
    /// Intermediate certificates that a chain may have: 10 where 0, none where -1.
    pub max_depth: i32,
    /// Certificates that are trusted, in place of those of the system.
    pub ca_file: *const c_char,
    /// The same in memory.
    pub ca_pem: *const c_void,
    /// Its length.
    pub ca_pem_length: usize,
    /// A directory of such certificates by their hashes, as `openssl rehash` makes it; may be given beside
    /// ca_file.
    pub ca_directory: *const c_char,
    /// Ciphers up to TLS 1.2, as OpenSSL takes them; its own choice where NULL.
    pub ciphers: *const c_char,
    /// Ciphers of TLS 1.3, as OpenSSL takes them: "TLS_AES_128_GCM_SHA256:..."; its own choice where NULL.
    pub ciphersuites: *const c_char,
    /// ACL_SOCKET_CRL_NONE, ACL_SOCKET_CRL_PEER or ACL_SOCKET_CRL_CHAIN; the others need a list.
    pub crl_check: i32,
    /// Revocation lists.
    pub crl_file: *const c_char,
    /// The same in memory.
    pub crl_pem: *const c_void,
    /// Its length.
    pub crl_pem_length: usize,
    /// Tri-state, on: a server chooses the cipher by its own order.
    pub prefer_server_cipher_order: i32,
    /// Of servers: the names that the certificate is for, with commas between, as in "a.example,*.b.example"; the
    /// certificate itself says it where NULL. Only of meaning with contexts.
    pub server_name: *const c_char,
    /// Of servers: contexts with certificates for other names. A client that asks for one of them gets the
    /// first whose certificate is for it, with its ways to verify; who asks for none or another gets this
    /// context's.
    pub contexts: *const *mut acl_ssl_context,
    /// How many there are.
    pub context_count: usize,
    /// Application protocols (ALPN) in the order of preference, with commas between: "h2,http/1.1". A server that
    /// has some and shares none with a client that offers some ends the handshake.
    pub alpn: *const c_char,
    /// Tri-state, on: sessions may be resumed. A client keeps some for each server; one is kept only after the
    /// server was verified, and resumed only for the same name and the same ways to verify, as long as the
    /// certificates are valid that the server has shown.
    pub resume: i32,
    /// Tri-state, off: writes the keys of connections to the file that the environment variable SSLKEYLOGFILE
    /// names, for analysers. Who reads it can read the connections.
    pub key_log: i32,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_make_ssl_context_args {
    const NAME: &'static str = "acl_make_ssl_context_args";
}

pub(super) fn source<'a>(
    file: *const c_char,
    pem: *const c_void,
    length: usize,
    name: &str,
) -> Result<Option<Source<'a>>> {
    let file = optional_bytes(file);
    let memory = if pem.is_null() && length == 0 { None } else { Some(bytes(pem, length, name)?) };
    match (file, memory) {
        (None, None) => Ok(None),
        (Some([]), None) => Err(Error::argument(format!("taking an empty name for the {name} file"))),
        (Some(file), None) => Ok(Some(Source::File(file))),
        (None, Some(memory)) => Ok(Some(Source::Memory(memory))),
        (Some(_), Some(_)) => {
            Err(Error::argument(format!("taking the {name} both from a file and from memory")))
        }
    }
}

const EXACT: [i32; 4] = [ACL_SOCKET_TLSV1, ACL_SOCKET_TLSV1_1, ACL_SOCKET_TLSV1_2, ACL_SOCKET_TLSV1_3];

pub(super) fn versions(method: i32) -> Result<Option<Versions>> {
    match method {
        0 => return Ok(None),
        ACL_SOCKET_SSLV23 | ACL_SOCKET_SSLV3_PLUS => return Ok(Some(Versions::DEFAULT)),
        _ => {}
    }
    if method > 0 && method & (ACL_SOCKET_SSLV2 | ACL_SOCKET_SSLV3) != 0 {
        let action = format!("taking method {method:#x}, which has SSL 2 or SSL 3");
        return Err(Error::new(Identifier::SSL_METHOD_UNSUPPORTED, action));
    }
    if method & !ACL_SOCKET_TLSV1_PLUS != 0 {
        return Err(Error::argument(format!("taking {method} for method")));
    }
    Ok(Some(Versions(EXACT.map(|version| method & version != 0))))
}

pub(super) fn verify(value: i32, side: Side) -> Result<Option<Verify>> {
    match (value, side) {
        (ACL_SOCKET_VERIFY_NIL, Side::Client) => {
            let why = "for a client: to verify no server is ACL_SOCKET_INSECURE_VERIFY_NIL";
            Err(Error::argument(format!("taking ACL_SOCKET_VERIFY_NIL {why}")))
        }
        (ACL_SOCKET_INSECURE_VERIFY_NIL, Side::Client) | (ACL_SOCKET_VERIFY_NIL, Side::Server) => {
            Ok(Some(Verify::Nil))
        }
        (value, _) => choice(
            value,
            "verify",
            [
                (0, None),
                (ACL_SOCKET_VERIFY_OPTIONAL, Some(Verify::Optional)),
                (ACL_SOCKET_VERIFY_REQUIRED, Some(Verify::Required)),
            ],
        ),
    }
}

pub(super) fn max_depth(value: i32) -> Result<Option<i32>> {
    match value {
        0 => Ok(None),
        -1 => Ok(Some(0)),
        1..=1000 => Ok(Some(value)),
        _ => Err(Error::argument(format!("taking {value} for max_depth"))),
    }
}

/// The arguments of a stream that those of a context are.
fn as_of_stream(args: &acl_make_ssl_context_args) -> acl_make_ssl_stream_args {
    acl_make_ssl_stream_args {
        struct_size: args.struct_size,
        context: ptr::null_mut(),
        method: args.method,
        certificate: args.certificate,
        certificate_pem: args.certificate_pem,
        certificate_pem_length: args.certificate_pem_length,
        key: args.key,
        key_pem: args.key_pem,
        key_pem_length: args.key_pem_length,
        certificate_password: args.certificate_password,
        verify: args.verify,
        max_depth: args.max_depth,
        ca_file: args.ca_file,
        ca_pem: args.ca_pem,
        ca_pem_length: args.ca_pem_length,
        ca_directory: args.ca_directory,
        ciphers: args.ciphers,
        ciphersuites: args.ciphersuites,
        crl_check: args.crl_check,
        crl_file: args.crl_file,
        crl_pem: args.crl_pem,
        crl_pem_length: args.crl_pem_length,
        prefer_server_cipher_order: args.prefer_server_cipher_order,
        alpn: args.alpn,
        server_name: ptr::null(),
        insecure_any_host: 0,
        insecure_allow_truncation: 0,
    }
}

pub(super) fn context(handle: *mut acl_ssl_context, side: Side) -> Result<Held<Arc<Context>>> {
    let held = handle::also::<Arc<Context>>(handle.addr())?;
    if held.side() == side {
        return Ok(held);
    }
    let action = match side {
        Side::Client => "taking a context of servers for a client",
        Side::Server => "taking a context of clients for a server",
    };
    Err(Error::new(Identifier::WRONG_KIND, action))
}

fn make_context(args: *const acl_make_ssl_context_args, side: Side) -> Result<*mut acl_ssl_context> {
    let args = keywords(args)?;
    let others = structs(args.contexts.cast_mut(), args.context_count, "contexts")?;
    let server = side == Side::Server;
    let other = |handle: &*mut acl_ssl_context| context(*handle, side).map(|held| Arc::clone(&held));
    let settings = Settings {
        server_name: optional_text(args.server_name, "server_name")?,
        others: others.iter().map(other).collect::<Result<_>>()?,
        key_log: tri_state(args.key_log, "key_log")?.unwrap_or(false),
        resumes: tri_state(args.resume, "resume")?.unwrap_or(true),
        ..settings(&as_of_stream(&args), side)?
    };
    if !server && (settings.server_name.is_some() || !settings.others.is_empty()) {
        return Err(Error::argument("taking server_name or contexts for a context of clients"));
    }
    Ok(ptr::without_provenance_mut(handle::publish(Context::new(&settings)?)?))
}

/// Makes a context of clients. All files are read here, so that streams cost none of it.
/// @param args NULL for all defaults: the server is verified against the certificates of the system.
/// @param context where the handle is stored, NULL after a failure. Free it with acl_free_ssl_context.
/// @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT for arguments that are out of range, missing or contradict
/// each other; ACL_SOCKET_SSL_METHOD_UNSUPPORTED; ACL_SOCKET_SSL_INVALID_FILE with the errno where a file cannot
/// be read; ACL_SOCKET_SSL_WRONG_PASSWORD, ACL_SOCKET_SSL_KEY_MISMATCH; ACL_SOCKET_NO_BUFFER_SPACE.
/// Allegro: make-ssl-client-context.
#[unsafe(no_mangle)]
pub extern "C" fn acl_make_ssl_client_context(
    args: *const acl_make_ssl_context_args,
    context: *mut *mut acl_ssl_context,
) -> acl_status {
    boundary(|| {
        let place = out(context, "context")?;
        place.write(ptr::null_mut());
        place.write(make_context(args, Side::Client)?);
        Ok(())
    })
}

/// Makes a context of servers. All files are read here.
/// @param args with a certificate.
/// @param context where the handle is stored, NULL after a failure. Free it with acl_free_ssl_context.
/// @return as acl_make_ssl_client_context; ACL_SOCKET_INVALID_HANDLE and ACL_SOCKET_WRONG_KIND for contexts.
/// Allegro: make-ssl-server-context.
#[unsafe(no_mangle)]
pub extern "C" fn acl_make_ssl_server_context(
    args: *const acl_make_ssl_context_args,
    context: *mut *mut acl_ssl_context,
) -> acl_status {
    boundary(|| {
        let place = out(context, "context")?;
        place.write(ptr::null_mut());
        place.write(make_context(args, Side::Server)?);
        Ok(())
    })
}

/// Frees a context; NULL is a no-op. Streams and contexts that use it go on with it.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub extern "C" fn acl_free_ssl_context(context: *mut acl_ssl_context) -> acl_status {
    boundary(|| {
        if context.is_null() {
            return Ok(());
        }
        handle::release::<Arc<Context>>(context.addr())
    })
}
