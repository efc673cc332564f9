//! SSL: contexts, connections, verification and certificates, over OpenSSL 3. The only place that calls
//! OpenSSL, and with `sys` the only `unsafe` below `capi`.
//!
//! - `context` makes what many connections share, out of `settings`, the files of `pem`, the system's
//!   certificates of `trust`, the callbacks of `select` and the sessions of `resume`;
//! - `connection` is one of them: steps that never wait, taken by `turn`, over the BIO of `wire`;
//! - `verify` says who the peer must be; `failure` what went wrong;
//! - `certificate` reads certificates, `info` what was agreed upon.
//!
//! Nothing here waits or knows a socket: `stream::secure` does.

#![allow(unsafe_code)]

mod certificate;
mod connection;
mod context;
mod failure;
mod ffi;
mod info;
mod pem;
mod resume;
mod select;
mod settings;
mod trust;
mod turn;
mod verify;
mod wire;

pub use certificate::{Certificate, Pair};
pub use connection::{Engine, RECORD, Ssl, Step};
pub use context::{Context, Side};
pub use failure::Failure;
pub use info::Info;
pub use settings::{CrlCheck, Overrides, Settings, Source, Versions};
pub use verify::{Identity, Verify, Wishes};
pub use wire::AHEAD;

use std::ffi::CStr;

/// OpenSSL's own words for its version.
pub fn openssl_version() -> String {
    // SAFETY: OpenSSL answers a NUL-terminated text of static life, also before initialisation.
    let text = unsafe { CStr::from_ptr(openssl_sys::OpenSSL_version(openssl_sys::OPENSSL_VERSION)) };
    text.to_string_lossy().into_owned()
}

/// OpenSSL's words for a code of `X509_V`, which are static.
pub fn verify_text(code: i32) -> &'static CStr {
    let text = failure::verify_text(code);
    // SAFETY: OpenSSL's texts for these codes are static and end with a NUL.
    if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } }
}
