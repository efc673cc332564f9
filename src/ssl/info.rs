//! What both sides have agreed upon.

use super::certificate::Certificate;
use super::connection::Engine;
use super::failure::{self, text_of};
use super::ffi as more;
use super::pem::Owned;
use openssl_sys as ffi;
use std::ptr;

/// What is known of a connection after its handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Such as "TLSv1.3".
    pub version: String,
    /// OpenSSL's name of it.
    pub cipher: String,
    /// The application protocol, empty without one.
    pub alpn: String,
    /// The name that the client asked for, empty without one.
    pub server_name: String,
    /// Whether a session was resumed.
    pub resumed: bool,
    /// Whether the peer's certificate was verified and is good.
    pub verified: bool,
}

impl Engine {
    /// The information.
    pub fn info(&self) -> Info {
        let (mut start, mut length) = (ptr::null(), 0);
        let ssl = self.ssl();
        // SAFETY: the object is whole, and its texts stay while it is not used.
        unsafe {
            ffi::SSL_get0_alpn_selected(ssl, &raw mut start, &raw mut length);
            let alpn = if start.is_null() { &[] } else { std::slice::from_raw_parts(start, length as usize) };
            let verifies = ffi::SSL_get_verify_mode(ssl) & ffi::SSL_VERIFY_PEER != 0;
            Info {
                version: text_of(ffi::SSL_get_version(ssl)),
                cipher: text_of(ffi::SSL_CIPHER_get_name(ffi::SSL_get_current_cipher(ssl))),
                alpn: String::from_utf8_lossy(alpn).into_owned(),
                server_name: text_of(ffi::SSL_get_servername(ssl, more::TLSEXT_NAMETYPE_HOST_NAME)),
                resumed: ffi::SSL_session_reused(ssl) == 1,
                verified: verifies && self.verify_result() == 0 && self.peer_certificate().is_some(),
            }
        }
    }

    /// The code of `X509_V`; 0 also before the handshake and without a certificate.
    pub fn verify_result(&self) -> i32 {
        // SAFETY: the object is whole.
        unsafe { ffi::SSL_get_verify_result(self.ssl()) as i32 }
    }

    /// The peer's certificate, where it has shown one.
    pub fn peer_certificate(&self) -> Option<Certificate> {
        Certificate::of_peer(self.ssl())
    }

    /// The chain from the peer's certificate to the root that was trusted; what the peer sent, where the
    /// session was resumed or nothing was verified. In PEM.
    pub fn peer_chain(&self) -> Vec<u8> {
        // SAFETY: the object is whole, and its stacks stay while it is not used; what is made here is
        // this function's.
        unsafe {
            let good = self.verify_result() == 0;
            let verified = if good { ffi::SSL_get0_verified_chain(self.ssl()) } else { ptr::null_mut() };
            let sent = ffi::SSL_get_peer_cert_chain(self.ssl());
            let stack = if verified.is_null() { sent } else { verified }.cast::<ffi::OPENSSL_STACK>();
            let Some(bio) = Owned::new(ffi::BIO_new(ffi::BIO_s_mem()), ffi::BIO_free_all) else {
                return Vec::new();
            };
            let count = if stack.is_null() { 0 } else { ffi::OPENSSL_sk_num(stack) };
            for index in 0..count {
                ffi::PEM_write_bio_X509(bio.pointer, ffi::OPENSSL_sk_value(stack, index).cast());
            }
            failure::clear();
            let mut start = ptr::null_mut();
            let length = usize::try_from(ffi::BIO_get_mem_data(bio.pointer, &raw mut start)).unwrap_or(0);
            if start.is_null() {
                Vec::new()
            } else {
                std::slice::from_raw_parts(start.cast(), length).to_vec()
            }
        }
    }
}
