//! Section 8.0: the status that every function answers, and the slots of `socket-error`.

use super::boundary::answer;
use super::condition;
use crate::error::{self, Row};
use std::ffi::{CStr, CString, c_char};
use std::sync::LazyLock;

/// What a call answers: ACL_SOCKET_OK, or the identifier of what went wrong.
pub type acl_status = i32;

/// The call did what it says.
pub const ACL_SOCKET_OK: acl_status = 0;

/// The identifier of the last call of this thread that did not answer ACL_SOCKET_OK; 0 when there
/// was none. Allegro: stream-error-identifier.
#[unsafe(no_mangle)]
pub extern "C" fn acl_stream_error_identifier() -> acl_status {
    answer(0, condition::identifier)
}

/// The raw errno of the last failure of this thread, 0 where the system reported none; where a
/// certificate was not accepted (ACL_SOCKET_SSL_CERTIFICATE_INVALID to ACL_SOCKET_SSL_WEAK_CERTIFICATE)
/// OpenSSL's number of the reason, X509_V_ERR_... It does not depend on the C library's errno. Allegro: stream-error-code.
#[unsafe(no_mangle)]
pub extern "C" fn acl_stream_error_code() -> i32 {
    answer(0, condition::code)
}

/// What the last failed call of this thread was doing, such as "connecting to 10.0.0.1 port 80".
/// The text is valid until the next failure in this thread; never NULL.
/// Allegro: stream-error-action.
#[unsafe(no_mangle)]
pub extern "C" fn acl_stream_error_action() -> *const c_char {
    answer(c"".as_ptr(), condition::action)
}

/// The whole report of the last failure of this thread:
/// "Connection refused" (errno 111) occurred while connecting to 10.0.0.1 port 80.
/// The text is valid until the next failure in this thread; never NULL, empty when there was none.
#[unsafe(no_mangle)]
pub extern "C" fn acl_stream_error_report() -> *const c_char {
    answer(c"".as_ptr(), condition::report)
}

struct Texts {
    number: acl_status,
    name: CString,
    keyword: CString,
    meaning: CString,
}

static TEXTS: LazyLock<Vec<Texts>> = LazyLock::new(|| {
    let c = |text: &str| CString::new(text).unwrap_or_default();
    let texts = |row: &Row| Texts {
        number: row.number,
        name: c(row.name),
        keyword: c(row.keyword),
        meaning: c(row.meaning),
    };
    error::TABLE.iter().map(texts).collect()
});

fn lookup(status: acl_status, text: fn(&Texts) -> &CStr, ok: &'static CStr) -> *const c_char {
    if status == ACL_SOCKET_OK {
        return ok.as_ptr();
    }
    let row = TEXTS.iter().find(|row| row.number == status);
    row.map_or(std::ptr::null(), |row| text(row).as_ptr())
}

/// The C name of a status, such as "ACL_SOCKET_CONNECTION_REFUSED"; NULL for a number that is
/// none. Static: valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn acl_status_name(status: acl_status) -> *const c_char {
    answer(std::ptr::null(), || lookup(status, |row| &row.name, c"ACL_SOCKET_OK"))
}

/// The Lisp keyword of a status, such as ":connection-refused"; NULL for a number that is none,
/// ":ok" for ACL_SOCKET_OK. Static.
#[unsafe(no_mangle)]
pub extern "C" fn acl_status_keyword(status: acl_status) -> *const c_char {
    answer(std::ptr::null(), || lookup(status, |row| &row.keyword, c":ok"))
}

/// The meaning of a status, such as "Connection refused"; NULL for a number that is none. Static.
#[unsafe(no_mangle)]
pub extern "C" fn acl_status_meaning(status: acl_status) -> *const c_char {
    answer(std::ptr::null(), || lookup(status, |row| &row.meaning, c"No error"))
}
