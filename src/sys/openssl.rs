//! Which OpenSSL the library runs with.

use std::ffi::CStr;

/// OpenSSL's own words for its version.
pub fn openssl_version() -> String {
    // SAFETY: OpenSSL answers a NUL-terminated text of static life, also before initialisation.
    let text = unsafe { CStr::from_ptr(openssl_sys::OpenSSL_version(openssl_sys::OPENSSL_VERSION)) };
    text.to_string_lossy().into_owned()
}
