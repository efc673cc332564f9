//! The certificates that are trusted: the caller's, or those of the system, which are read once.

use super::failure::{self, Queue};
use super::ffi as more;
use super::pem::{Owned, Pem};
use crate::error::{Errno, Error, Identifier, Result};
use once_cell::race::OnceBox;
use openssl_sys as ffi;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A store of trusted certificates and revocation lists.
pub struct Store(Owned<ffi::X509_STORE>);

// SAFETY: OpenSSL locks its stores.
unsafe impl Send for Store {}
// SAFETY: the same.
unsafe impl Sync for Store {}

static SYSTEM: OnceBox<Store> = OnceBox::new();

/// Where systems keep their certificates, for an OpenSSL that was built for another place.
const FILES: [&CStr; 5] = [
    c"/etc/ssl/certs/ca-certificates.crt",
    c"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    c"/etc/pki/tls/certs/ca-bundle.crt",
    c"/etc/ssl/ca-bundle.pem",
    c"/etc/ssl/cert.pem",
];

fn exists(path: &CStr) -> bool {
    Path::new(OsStr::from_bytes(path.to_bytes())).exists()
}

fn no_memory() -> Error {
    Error::new(Identifier::NO_BUFFER_SPACE, "making a store of certificates")
}

impl Store {
    /// An empty one.
    pub fn new() -> Result<Store> {
        // SAFETY: the new store is this value's.
        let store = unsafe { Owned::new(ffi::X509_STORE_new(), ffi::X509_STORE_free) };
        store.map(Store).ok_or_else(no_memory)
    }

    /// Gives a context this store, which both own then.
    ///
    /// # Safety
    /// The context is whole and nobody else uses it.
    pub unsafe fn give(&self, context: *mut ffi::SSL_CTX) {
        // SAFETY: the caller's; the call counts its reference.
        unsafe { more::SSL_CTX_set1_cert_store(context, self.0.pointer) };
    }

    /// That of the system.
    pub fn system() -> Result<&'static Store> {
        SYSTEM.get_or_try_init(|| {
            let store = Store::new()?;
            store.add_system();
            Ok(Box::new(store))
        })
    }

    /// Trusts the certificates of the system. It may have none: then nobody is trusted.
    pub fn add_system(&self) {
        let store = self.0.pointer;
        // SAFETY: the store is whole; the texts are OpenSSL's and static.
        unsafe {
            ffi::X509_STORE_set_default_paths(store);
            let named = [ffi::X509_get_default_cert_file_env(), ffi::X509_get_default_cert_dir_env()];
            let places = [ffi::X509_get_default_cert_file(), ffi::X509_get_default_cert_dir()];
            let is_set = |name: &*const _| {
                std::env::var_os(OsStr::from_bytes(CStr::from_ptr(*name).to_bytes())).is_some()
            };
            let is_there = |place: &*const _| exists(CStr::from_ptr(*place));
            if !named.iter().any(is_set)
                && !places.iter().any(is_there)
                && let Some(file) = FILES.iter().find(|file| exists(file))
            {
                more::X509_STORE_load_file(store, file.as_ptr());
            }
        }
        failure::clear();
    }

    /// Trusts the certificates of a text and takes its revocation lists. How many there were of each.
    pub fn add(&self, pem: &Pem<'_>, mut also: impl FnMut(*mut ffi::X509)) -> Result<(usize, usize)> {
        let (mut certificates, mut lists) = (0, 0);
        let store = self.0.pointer;
        pem.each(
            |certificate| {
                certificates += 1;
                also(certificate);
                // SAFETY: both are whole; the call counts its reference.
                unsafe { ffi::X509_STORE_add_cert(store, certificate) == 1 }
            },
            |list| {
                lists += 1;
                // SAFETY: as above.
                unsafe { more::X509_STORE_add_crl(store, list) == 1 }
            },
        )?;
        Ok((certificates, lists))
    }

    /// Takes the revocation lists of a text and trusts nothing else in it. How many there were.
    pub fn add_lists(&self, pem: &Pem<'_>) -> Result<usize> {
        let mut lists = 0;
        let store = self.0.pointer;
        pem.each(
            |_| true,
            |list| {
                lists += 1;
                // SAFETY: both are whole; the call counts its reference.
                unsafe { more::X509_STORE_add_crl(store, list) == 1 }
            },
        )?;
        Ok(lists)
    }

    /// Trusts the certificates of a directory, which are looked for by their hashes when they are
    /// wanted. OpenSSL does not mind one that is not there.
    pub fn add_directory(&self, path: &[u8]) -> Result<()> {
        let action = || format!("taking {} for ca_directory", String::from_utf8_lossy(path));
        let refused =
            |code| Error { identifier: Identifier::SSL_INVALID_FILE, code, action: action().into() };
        let listed = std::fs::read_dir(OsStr::from_bytes(path));
        listed.map_err(|error| refused(Errno::from(error).0))?;
        let name = CString::new(path).map_err(|_| refused(libc::EINVAL))?;
        failure::clear();
        // SAFETY: the store is whole, the text ends with a NUL.
        let added = unsafe { more::X509_STORE_load_path(self.0.pointer, name.as_ptr()) } == 1;
        let queue = Queue::take();
        let why = || format!("{}: {}", action(), queue.text());
        if added { Ok(()) } else { Err(Error::new(Identifier::SSL_INVALID_FILE, why())) }
    }
}
