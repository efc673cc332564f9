//! OpenSSL's callbacks: the certificate by the name that a client asks for, the application protocol, the
//! sessions that a client may resume, the keys that are logged.

use super::context::{Context, Side};
use super::failure::text_of;
use super::ffi as more;
use super::verify::{Identity, Purpose};
use super::wire::guarded;
use crate::error::{Error, Result};
use openssl_sys as ffi;
use std::ffi::{CString, OsString, c_char, c_int, c_uchar, c_uint, c_void};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::ptr;
use std::sync::Arc;

/// Application protocols as they are sent: each behind its length.
pub fn protocols(list: &str) -> Result<Vec<u8>> {
    let mut wire = Vec::new();
    for name in list.split(',').map(str::trim) {
        let refused = || Error::argument(format!("taking {list:?} for alpn: a name has 1 to 255 bytes"));
        let length = u8::try_from(name.len()).ok().filter(|length| *length > 0).ok_or_else(refused)?;
        wire.push(length);
        wire.extend_from_slice(name.as_bytes());
    }
    let fits = u16::try_from(wire.len()).is_ok();
    if fits { Ok(wire) } else { Err(Error::argument("taking a list for alpn that is too long")) }
}

/// Host names that a certificate is for; a star stands for a first label.
pub fn names(list: &str) -> Result<Vec<String>> {
    let check = |name: &str| {
        let name = name.trim();
        let star = if name.starts_with("*.") { "*." } else { "" };
        match Identity::of_text(name.strip_prefix(star).unwrap_or(name), "server_name")? {
            Identity::Name(plain) => Ok(format!("{star}{plain}")),
            Identity::Address(_) => {
                Err(Error::argument(format!("taking {name:?} for server_name: clients name no addresses")))
            }
        }
    };
    list.split(',').map(check).collect()
}

impl Context {
    /// Whether its certificate is for that name.
    fn serves(&self, name: &str) -> bool {
        if !self.names.is_empty() {
            let behind_label = name.split_once('.').map(|(_, rest)| rest);
            return self.names.iter().any(|known| match known.strip_prefix("*.") {
                Some(rest) => behind_label == Some(rest),
                None => known == name,
            });
        }
        let Ok(text) = CString::new(name) else { return false };
        let flags = more::X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
        // SAFETY: the context is whole; a certificate that is NULL is not looked at.
        unsafe {
            let leaf = ffi::SSL_CTX_get0_certificate(self.pointer());
            !leaf.is_null()
                && ffi::X509_check_host(leaf, text.as_ptr(), name.len(), flags, ptr::null_mut()) == 1
        }
    }
}

/// Sets the callbacks of a new context.
///
/// # Safety
/// Nobody else uses the context yet.
pub unsafe fn install(context: &Arc<Context>, key_log: bool) {
    let (pointer, place) = (context.pointer(), Arc::as_ptr(context).cast_mut().cast::<c_void>());
    // SAFETY: the caller's; connections keep their context, so that the place is good whenever OpenSSL
    // calls.
    unsafe {
        match context.side() {
            Side::Client => {
                if !context.alpn.is_empty() {
                    ffi::SSL_CTX_set_alpn_protos(
                        pointer,
                        context.alpn.as_ptr(),
                        context.alpn.len() as c_uint,
                    );
                }
                let mode = match context.sessions {
                    Some(_) => ffi::SSL_SESS_CACHE_CLIENT | ffi::SSL_SESS_CACHE_NO_INTERNAL,
                    None => ffi::SSL_SESS_CACHE_OFF,
                };
                ffi::SSL_CTX_set_session_cache_mode(pointer, mode);
                ffi::SSL_CTX_sess_set_new_cb(pointer, Some(new_session));
            }
            Side::Server => {
                if !context.alpn.is_empty() {
                    ffi::SSL_CTX_set_alpn_select_cb__fixed_rust(pointer, Some(select_protocol), place);
                }
                if !context.others.is_empty() {
                    ffi::SSL_CTX_set_client_hello_cb(pointer, Some(client_hello), place);
                }
            }
        }
        if key_log {
            ffi::SSL_CTX_set_keylog_callback(pointer, Some(log_key));
        }
    }
}

/// # Safety
/// `place` is what `install` gave.
unsafe fn context<'a>(place: *mut c_void) -> Option<&'a Context> {
    // SAFETY: the connection that OpenSSL works at keeps its context.
    unsafe { place.cast::<Context>().as_ref() }
}

unsafe extern "C" fn select_protocol(
    _: *mut ffi::SSL,
    chosen: *mut *const c_uchar,
    chosen_length: *mut c_uchar,
    offered: *const c_uchar,
    length: c_uint,
    place: *mut c_void,
) -> c_int {
    const ALERT: c_int = 2;
    guarded(ALERT, || {
        // SAFETY: OpenSSL gives the list that the client offered and places for the answer.
        let (context, offered) =
            unsafe { (context(place), std::slice::from_raw_parts(offered, length as usize)) };
        let Some(context) = context else { return ALERT };
        for name in entries(&context.alpn) {
            if let Some(same) = entries(offered).find(|offered| *offered == name) {
                // SAFETY: as above; the answer is in the client's list.
                unsafe {
                    chosen.write(same.as_ptr());
                    chosen_length.write(same.len() as c_uchar);
                }
                return 0;
            }
        }
        ALERT
    })
}

/// The names of a list as it is sent.
fn entries(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = list.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        list = rest;
        Some(name)
    })
}

/// Before anything is chosen, and before a session could be resumed that another certificate or another
/// way to verify belongs to.
unsafe extern "C" fn client_hello(ssl: *mut ffi::SSL, _: *mut c_int, place: *mut c_void) -> c_int {
    guarded(1, || {
        let (mut start, mut length) = (ptr::null(), 0);
        // SAFETY: OpenSSL's object inside of its callback; the extension stays while it lasts.
        let (context, extension) = unsafe {
            let kind = more::TLSEXT_TYPE_SERVER_NAME;
            let there = ffi::SSL_client_hello_get0_ext(ssl, kind, &raw mut start, &raw mut length) == 1;
            (context(place), if there { std::slice::from_raw_parts(start, length) } else { &[] })
        };
        let name = extension.get(5..).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let Some(context) = context.filter(|context| !name.is_empty() && !context.serves(&name)) else {
            return 1;
        };
        let Some(other) = context.others.iter().find(|other| other.serves(&name)) else { return 1 };
        // SAFETY: as above; a purpose lives as long as its object.
        unsafe {
            ffi::SSL_set_SSL_CTX(ssl, other.pointer());
            more::SSL_set_session_id_context(ssl, other.session_id.as_ptr(), other.session_id.len() as u32);
            if !purpose(ssl).is_some_and(|purpose| purpose.overrides_verify) {
                ffi::SSL_set_verify(ssl, other.verify.mode(), None);
                more::SSL_set_verify_depth(ssl, other.depth);
            }
            ffi::X509_VERIFY_PARAM_set_flags(ffi::SSL_get0_param(ssl), other.crl_flags);
        }
        1
    })
}

/// # Safety
/// `ssl` is one of a context's `new_ssl`.
unsafe fn purpose<'a>(ssl: *const ffi::SSL) -> Option<&'a Purpose> {
    // SAFETY: the purpose was given to the object, which it outlives.
    unsafe { ffi::SSL_get_ex_data(ssl, 0).cast::<Purpose>().as_ref() }
}

/// 1 where the session's reference is taken.
unsafe extern "C" fn new_session(ssl: *mut ffi::SSL, session: *mut ffi::SSL_SESSION) -> c_int {
    guarded(0, || {
        // SAFETY: OpenSSL's object inside of its callback.
        let Some(purpose) = (unsafe { purpose(ssl) }) else { return 0 };
        let (Some(sessions), Some(key)) = (&purpose.context.sessions, &purpose.key) else { return 0 };
        // SAFETY: the same; where this answers 1 the session is this library's to free.
        unsafe { sessions.keep(key, ssl, session).into() }
    })
}

/// One line for each key, in one write, so that processes may share the file.
unsafe extern "C" fn log_key(_: *const ffi::SSL, line: *const c_char) {
    guarded((), || {
        // SAFETY: the name ends with a NUL; a value is copied at once.
        let name = unsafe { more::secure_getenv(c"SSLKEYLOGFILE".as_ptr()) };
        if name.is_null() {
            return;
        }
        // SAFETY: it ends with a NUL.
        let name = OsString::from_vec(unsafe { std::ffi::CStr::from_ptr(name) }.to_bytes().to_vec());
        let opened = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(name);
        if let Ok(mut file) = opened {
            // Nobody can be told of a line that is lost.
            let _ = file.write_all(format!("{}\n", text_of(line)).as_bytes());
        }
    });
}
