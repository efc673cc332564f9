//! What OpenSSL has and openssl-sys does not declare.

#![allow(non_snake_case, non_camel_case_types)]

use openssl_sys::{ASN1_TIME, BIO, EVP_PKEY, SSL, SSL_CTX, X509, X509_CRL, X509_STORE};
use std::ffi::{c_char, c_int, c_long, c_uchar, c_ulong, c_void};

pub type Password = Option<unsafe extern "C" fn(*mut c_char, c_int, c_int, *mut c_void) -> c_int>;

/// A certificate or a revocation list out of a PEM text.
#[repr(C)]
pub struct X509_INFO {
    pub x509: *mut X509,
    pub crl: *mut X509_CRL,
    pub x_pkey: *mut c_void,
    // The rest is of no interest here.
}

pub enum stack_st_X509_INFO {}

unsafe extern "C" {
    pub fn secure_getenv(name: *const c_char) -> *const c_char;
    pub fn BIO_get_new_index() -> c_int;
    pub fn SSL_free_buffers(ssl: *mut SSL) -> c_int;
    pub fn SSL_has_pending(ssl: *const SSL) -> c_int;
    pub fn SSL_set_options(ssl: *mut SSL, options: u64) -> u64;
    pub fn SSL_clear_options(ssl: *mut SSL, options: u64) -> u64;
    pub fn SSL_set_verify_depth(ssl: *mut SSL, depth: c_int);
    pub fn SSL_set_session_id_context(ssl: *mut SSL, id: *const c_uchar, length: u32) -> c_int;
    pub fn SSL_CTX_set1_cert_store(context: *mut SSL_CTX, store: *mut X509_STORE);
    pub fn X509_STORE_add_crl(store: *mut X509_STORE, crl: *mut X509_CRL) -> c_int;
    pub fn X509_STORE_load_file(store: *mut X509_STORE, file: *const c_char) -> c_int;
    pub fn X509_STORE_load_path(store: *mut X509_STORE, path: *const c_char) -> c_int;
    pub fn X509_check_private_key(certificate: *const X509, key: *const EVP_PKEY) -> c_int;
    pub fn X509_get0_notBefore(certificate: *const X509) -> *const ASN1_TIME;
    pub fn X509_get0_notAfter(certificate: *const X509) -> *const ASN1_TIME;
    pub fn ASN1_TIME_to_tm(time: *const ASN1_TIME, tm: *mut libc::tm) -> c_int;
    pub fn PEM_X509_INFO_read_bio(
        bio: *mut BIO,
        stack: *mut stack_st_X509_INFO,
        password: Password,
        data: *mut c_void,
    ) -> *mut stack_st_X509_INFO;
    pub fn EVP_Digest(
        data: *const c_void,
        count: usize,
        digest: *mut c_uchar,
        size: *mut u32,
        kind: *const openssl_sys::EVP_MD,
        engine: *mut c_void,
    ) -> c_int;
    pub fn X509_INFO_free(info: *mut X509_INFO);
}

pub const BIO_CTRL_EOF: c_int = 2;
pub const BIO_CTRL_FLUSH: c_int = 11;
pub const ERR_LIB_SSL: c_int = 20;
pub const ERR_LIB_PEM: c_int = 9;
pub const PEM_R_NO_START_LINE: c_int = 108;
pub const X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS: u32 = 4;
pub const TLSEXT_NAMETYPE_HOST_NAME: c_int = 0;
pub const TLSEXT_TYPE_SERVER_NAME: u32 = 0;
pub const SSL_MAX_SID_CTX_LENGTH: usize = 32;

/// Both of the flags of `X509_VERIFY_PARAM`, as its functions take them.
pub const CRL_CHECK: c_ulong = 0x4;
pub const CRL_CHECK_ALL: c_ulong = 0x8;

pub const MODES: c_long = openssl_sys::SSL_MODE_ENABLE_PARTIAL_WRITE
    | openssl_sys::SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    | openssl_sys::SSL_MODE_AUTO_RETRY;
