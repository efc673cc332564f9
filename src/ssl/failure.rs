//! What OpenSSL says went wrong, read at once and on the thread where it did: the identifier, OpenSSL's
//! own words, and the code of the verification.

use super::ffi::{ERR_LIB_PEM, ERR_LIB_SSL, PEM_R_NO_START_LINE};
use crate::error::{Errno, Error, Identifier};
use openssl_sys as ffi;
use std::ffi::{CStr, c_char, c_int};
use std::ptr;

/// A failure before it is said what was being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which error it is.
    pub identifier: Identifier,
    /// The errno, or with an identifier of verification the code of `X509_V`.
    pub code: i32,
    /// OpenSSL's words, or this library's.
    pub text: String,
}

impl Failure {
    /// One that this library found itself.
    pub fn new(identifier: Identifier, text: impl Into<String>) -> Failure {
        Failure { identifier, code: 0, text: text.into() }
    }

    /// The error of an operation.
    pub fn during(&self, action: String) -> Error {
        let action = if self.text.is_empty() { action } else { format!("{action}: {}", self.text) };
        Error { identifier: self.identifier, code: self.code, action: action.into() }
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Failure {
        Failure { identifier: Identifier::of_errno(errno.0), code: errno.0, text: String::new() }
    }
}

/// An entry of OpenSSL's queue of errors.
#[derive(Debug)]
struct Entry {
    library: c_int,
    reason: c_int,
    text: String,
}

/// The whole queue of this thread, which is empty then.
#[derive(Debug)]
pub struct Queue(Vec<Entry>);

/// Forgets what others may have left in this thread's queue.
pub fn clear() {
    // SAFETY: takes nothing.
    unsafe { ffi::ERR_clear_error() };
}

/// OpenSSL's texts are static or stay until the next call that reads the queue.
pub fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: OpenSSL's texts end with a NUL.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

impl Queue {
    /// Takes it.
    pub fn take() -> Queue {
        let mut entries = Vec::new();
        loop {
            let (mut data, mut flags) = (ptr::null(), 0);
            let none = ptr::null_mut();
            // SAFETY: the places are this frame's; NULL is allowed for those not wanted.
            let code = unsafe {
                ffi::ERR_get_error_all(none, ptr::null_mut(), ptr::null_mut(), &raw mut data, &raw mut flags)
            };
            if code == 0 {
                return Queue(entries);
            }
            // SAFETY: takes a number; the text is static.
            let reason = text_of(unsafe { ffi::ERR_reason_error_string(code) });
            let data = if flags & ffi::ERR_TXT_STRING != 0 { text_of(data) } else { String::new() };
            // The number of an alert is told by its text already.
            let data = if data.starts_with("SSL alert number") { String::new() } else { data };
            let text = match (reason.is_empty(), data.is_empty()) {
                (true, _) => format!("error {code:#x} {data}"),
                (false, true) => reason,
                (false, false) => format!("{reason} ({data})"),
            };
            entries.push(Entry {
                library: ffi::ERR_GET_LIB(code) as c_int,
                reason: ffi::ERR_GET_REASON(code) as c_int,
                text,
            });
        }
    }

    /// All of OpenSSL's words, each once.
    pub fn text(&self) -> String {
        let mut texts: Vec<&str> = Vec::new();
        for entry in &self.0 {
            if !texts.contains(&entry.text.as_str()) {
                texts.push(&entry.text);
            }
        }
        texts.join("; ")
    }

    /// Whether there is nothing but the end of a PEM text.
    pub fn is_end_of_pem(&self) -> bool {
        self.0.iter().all(|entry| entry.library == ERR_LIB_PEM && entry.reason == PEM_R_NO_START_LINE)
    }

    fn has(&self, reason: c_int) -> bool {
        self.0.iter().any(|entry| entry.library == ERR_LIB_SSL && entry.reason == reason)
    }
}

/// Reasons of OpenSSL's SSL library; an alert of the peer is 1000 and its number.
const VERIFY_FAILED: c_int = 134;
const UNEXPECTED_EOF: c_int = 294;

const REASONS: &[(Identifier, &[c_int])] = &[
    // Unsupported protocol, no protocols available, too high, too low, wrong, that of a record; alert
    // protocol_version.
    (Identifier::SSL_PROTOCOL_VERSION, &[258, 191, 166, 396, 266, 267, 1070, 349]),
    // Did not return a certificate, alert certificate_required.
    (Identifier::SSL_CERTIFICATE_REQUIRED, &[199, 1116]),
    // Alerts: bad, unsupported, revoked, expired, unknown certificate; unknown CA.
    (Identifier::SSL_CERTIFICATE_REFUSED, &[1042, 1043, 1044, 1045, 1046, 1048]),
    // Here, and as an alert.
    (Identifier::SSL_NO_APPLICATION_PROTOCOL, &[235, 1120]),
    (Identifier::SSL_UNRECOGNIZED_NAME, &[1112]),
    // No shared cipher, no suitable signature algorithm, key share, groups; alerts handshake_failure and
    // insufficient_security.
    (Identifier::SSL_HANDSHAKE_FAILURE, &[193, 118, 101, 295, 1040, 1071]),
];

/// What the queue means; `plain` where what came is no SSL.
pub fn classify(queue: &Queue, verify_result: i32, shaking_hands: bool, plain: bool) -> Failure {
    if queue.has(VERIFY_FAILED) && verify_result != 0 {
        return verification(verify_result, "certificate verify failed");
    }
    if queue.has(UNEXPECTED_EOF) {
        return truncated(shaking_hands);
    }
    if plain {
        return Failure::new(Identifier::SSL_PLAIN_PEER, queue.text());
    }
    let known = REASONS.iter().find(|(_, reasons)| reasons.iter().any(|reason| queue.has(*reason)));
    let identifier = match known {
        Some((identifier, _)) => *identifier,
        None if shaking_hands => Identifier::SSL_HANDSHAKE_FAILURE,
        None => Identifier::SSL_ERROR,
    };
    Failure::new(identifier, queue.text())
}

/// The connection ended without the peer saying so.
pub fn truncated(shaking_hands: bool) -> Failure {
    if shaking_hands {
        let text = "the peer closed the connection in the middle of it";
        return Failure::new(Identifier::SSL_HANDSHAKE_FAILURE, text);
    }
    Failure::new(Identifier::SSL_TRUNCATED, "unexpected eof while reading")
}

/// Codes of verification and their identifiers; any other is that of an invalid certificate.
const VERIFICATION: &[(Identifier, &[i32])] = &[
    (Identifier::SSL_CERTIFICATE_EXPIRED, &[10]),
    (Identifier::SSL_CERTIFICATE_NOT_YET_VALID, &[9]),
    (Identifier::SSL_CERTIFICATE_SELF_SIGNED, &[18, 19]),
    (Identifier::SSL_UNKNOWN_ISSUER, &[2, 20, 21, 27, 33]),
    (Identifier::SSL_CERTIFICATE_REVOKED, &[23]),
    (Identifier::SSL_NO_CRL, &[3]),
    (Identifier::SSL_INVALID_CRL, &[5, 8, 11, 12, 15, 16, 35, 36, 44, 54]),
    (Identifier::SSL_HOST_MISMATCH, &[62, 63, 64]),
    (Identifier::SSL_CHAIN_TOO_LONG, &[22, 25]),
    (Identifier::SSL_WRONG_PURPOSE, &[24, 26, 28, 37]),
    (Identifier::SSL_WEAK_CERTIFICATE, &[66, 67, 68]),
];

/// A certificate that was not accepted.
pub fn verification(code: i32, text: &str) -> Failure {
    let known = VERIFICATION.iter().find(|(_, codes)| codes.contains(&code));
    let identifier = known.map_or(Identifier::SSL_CERTIFICATE_INVALID, |(identifier, _)| *identifier);
    Failure { identifier, code, text: format!("{text} ({})", text_of(verify_text(code))) }
}

/// OpenSSL's words for a code of verification, which are static.
pub fn verify_text(code: i32) -> *const c_char {
    // SAFETY: takes a number.
    unsafe { ffi::X509_verify_cert_error_string(code.into()) }
}
