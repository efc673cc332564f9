//! Certificates for reading: versions, numbers, names and times out of X.509.

use super::ffi as more;
use super::pem::Owned;
use openssl_sys as ffi;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

/// A certificate.
pub struct Certificate(Owned<ffi::X509>);

// SAFETY: a certificate is counted by OpenSSL's own means and only read.
unsafe impl Send for Certificate {}
// SAFETY: the same.
unsafe impl Sync for Certificate {}

/// An attribute of a name and its value, or a kind of name and the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Such as "CN" or "DNS".
    pub name: String,
    /// In UTF-8, without NUL.
    pub value: String,
}

/// A NUL would end the text for a C program, which would then read another name than was signed.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// Seconds since 1970.
///
/// # Safety
/// The time is NULL or whole.
unsafe fn seconds(time: *const ffi::ASN1_TIME) -> Option<i64> {
    if time.is_null() {
        return None;
    }
    // SAFETY: the caller's; zero is valid for the place, which the first call fills and the second reads.
    unsafe {
        let mut parts: libc::tm = std::mem::zeroed();
        (more::ASN1_TIME_to_tm(time, &raw mut parts) == 1).then(|| libc::timegm(&raw mut parts))
    }
}

/// When the first of the certificates ends that the peer showed.
///
/// # Safety
/// The object is whole and inside of a call.
pub(super) unsafe fn earliest_end(ssl: *mut ffi::SSL) -> i64 {
    // SAFETY: the caller's; the stack stays while the object is not used.
    unsafe {
        let stack = ffi::SSL_get_peer_cert_chain(ssl).cast::<ffi::OPENSSL_STACK>();
        let count = if stack.is_null() { 0 } else { ffi::OPENSSL_sk_num(stack) };
        let ends = (0..count).filter_map(|index| {
            seconds(more::X509_get0_notAfter(ffi::OPENSSL_sk_value(stack, index).cast()))
        });
        ends.min().unwrap_or(0)
    }
}

/// # Safety
/// The text is NULL or one of ASN.1 that is whole.
unsafe fn utf8(text: *const ffi::ASN1_STRING) -> Option<String> {
    let mut start = ptr::null_mut();
    // SAFETY: the caller's; what OpenSSL makes is copied and freed.
    unsafe {
        let length = if text.is_null() { -1 } else { ffi::ASN1_STRING_to_UTF8(&raw mut start, text) };
        let length = usize::try_from(length).ok()?;
        let bytes = std::slice::from_raw_parts(start, length);
        let copy = without_nul(&String::from_utf8_lossy(bytes));
        ffi::OPENSSL_free(start.cast());
        Some(copy)
    }
}

/// # Safety
/// The object is NULL or whole.
unsafe fn object_name(object: *const ffi::ASN1_OBJECT) -> String {
    // SAFETY: the caller's; short names are static.
    unsafe {
        let kind = ffi::OBJ_obj2nid(object);
        let short = if kind == 0 { ptr::null() } else { ffi::OBJ_nid2sn(kind) };
        if !short.is_null() {
            return CStr::from_ptr(short).to_string_lossy().into_owned();
        }
        let mut text = [0 as c_char; 128];
        ffi::OBJ_obj2txt(text.as_mut_ptr(), text.len() as c_int, object, 1);
        CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
    }
}

/// # Safety
/// The name is NULL or whole.
unsafe fn attributes(name: *mut ffi::X509_NAME) -> Vec<Pair> {
    if name.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's; entries belong to the name.
    unsafe {
        (0..ffi::X509_NAME_entry_count(name))
            .map(|index| {
                let entry = ffi::X509_NAME_get_entry(name, index);
                let value = utf8(ffi::X509_NAME_ENTRY_get_data(entry)).unwrap_or_default();
                Pair { name: object_name(ffi::X509_NAME_ENTRY_get_object(entry)), value }
            })
            .collect()
    }
}

/// An address as OpenSSL writes it: IPv6 in full.
fn address(octets: &[u8]) -> String {
    match octets {
        [a, b, c, d] => format!("{a}.{b}.{c}.{d}"),
        _ if octets.len() == 16 => {
            let group = |pair: &[u8]| pair.iter().fold(0_u32, |all, octet| all << 8 | u32::from(*octet));
            octets.chunks(2).map(|pair| format!("{:X}", group(pair))).collect::<Vec<_>>().join(":")
        }
        _ => "<invalid>".into(),
    }
}

/// # Safety
/// The name is whole.
unsafe fn general_name(name: &ffi::GENERAL_NAME) -> Pair {
    let pair = |name: &str, value: String| Pair { name: name.into(), value };
    let kind = name.type_;
    // SAFETY: the caller's; the kind says what the pointer is.
    unsafe {
        let octets = || {
            let text = name.d.cast::<ffi::ASN1_STRING>();
            let length = usize::try_from(ffi::ASN1_STRING_length(text)).unwrap_or(0);
            std::slice::from_raw_parts(ffi::ASN1_STRING_get0_data(text), length)
        };
        let text = || without_nul(&String::from_utf8_lossy(octets()));
        match kind {
            1 => pair("email", text()),
            2 => pair("DNS", text()),
            4 => {
                let inner = attributes(name.d.cast());
                let value = inner.iter().map(|pair| format!("{}={}", pair.name, pair.value));
                pair("DirName", value.collect::<Vec<_>>().join(", "))
            }
            6 => pair("URI", text()),
            7 => pair("IP Address", address(octets())),
            8 => pair("Registered ID", object_name(name.d.cast())),
            _ => pair("othername", "<unsupported>".into()),
        }
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("serial_number", &self.serial_number()).finish()
    }
}

impl Certificate {
    /// The peer's, where it has shown one.
    pub(super) fn of_peer(ssl: *const ffi::SSL) -> Option<Certificate> {
        // SAFETY: OpenSSL's object is whole; the call counts its reference.
        unsafe { Owned::new(ffi::SSL_get1_peer_certificate(ssl), ffi::X509_free).map(Certificate) }
    }

    /// 1, 2 or 3.
    pub fn version(&self) -> i32 {
        // SAFETY: the certificate is whole. It counts from 0.
        unsafe { ffi::X509_get_version(self.0.pointer) as i32 + 1 }
    }

    /// In hexadecimal.
    pub fn serial_number(&self) -> String {
        // SAFETY: the certificate is whole; what OpenSSL makes is copied and freed.
        unsafe {
            let number = ffi::ASN1_INTEGER_to_BN(ffi::X509_get_serialNumber(self.0.pointer), ptr::null_mut());
            let text = ffi::BN_bn2hex(number);
            let copy = if text.is_null() { "" } else { CStr::from_ptr(text).to_str().unwrap_or_default() };
            let copy = copy.to_owned();
            ffi::OPENSSL_free(text.cast());
            ffi::BN_free(number);
            copy
        }
    }

    /// Who signed it.
    pub fn issuer(&self) -> Vec<Pair> {
        // SAFETY: the certificate is whole, and its names belong to it.
        unsafe { attributes(ffi::X509_get_issuer_name(self.0.pointer)) }
    }

    /// Whom it is for.
    pub fn subject(&self) -> Vec<Pair> {
        // SAFETY: as above.
        unsafe { attributes(ffi::X509_get_subject_name(self.0.pointer)) }
    }

    /// Since when it is good, in seconds since 1970.
    pub fn not_before(&self) -> Option<i64> {
        // SAFETY: the certificate is whole.
        unsafe { seconds(more::X509_get0_notBefore(self.0.pointer)) }
    }

    /// Until when.
    pub fn not_after(&self) -> Option<i64> {
        // SAFETY: the certificate is whole.
        unsafe { seconds(more::X509_get0_notAfter(self.0.pointer)) }
    }

    /// What else it is for.
    pub fn subject_alt_name(&self) -> Vec<Pair> {
        const SUBJECT_ALT_NAME: c_int = 85;
        unsafe extern "C" fn free(name: *mut c_void) {
            // SAFETY: OpenSSL gives the names of the stack below.
            unsafe { ffi::GENERAL_NAME_free(name.cast()) };
        }
        let none = ptr::null_mut();
        // SAFETY: the certificate is whole; the stack is this function's.
        unsafe {
            let stack = ffi::X509_get_ext_d2i(self.0.pointer, SUBJECT_ALT_NAME, none, ptr::null_mut());
            let stack = stack.cast::<ffi::OPENSSL_STACK>();
            if stack.is_null() {
                super::failure::clear();
                return Vec::new();
            }
            let name = |index| ffi::OPENSSL_sk_value(stack, index).cast::<ffi::GENERAL_NAME>().as_ref();
            let names =
                (0..ffi::OPENSSL_sk_num(stack)).filter_map(name).map(|name| general_name(name)).collect();
            ffi::OPENSSL_sk_pop_free(stack, Some(free));
            names
        }
    }
}
