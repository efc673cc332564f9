//! Certificates, keys and revocation lists out of PEM texts, be they in files or in memory.

use super::failure::{self, Queue};
use super::ffi as more;
use super::settings::Source;
use super::wire::guarded;
use crate::error::{Errno, Error, Identifier, Result};
use openssl_sys as ffi;
use std::borrow::Cow;
use std::ffi::{OsStr, c_char, c_int, c_void};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

/// More than any such file has: a device that never ends is none.
const LONGEST: u64 = 64 << 20;

/// A PEM text and how reports name it.
pub struct Pem<'a> {
    bytes: Cow<'a, [u8]>,
    /// Such as "the key of server.pem".
    pub what: String,
}

/// How OpenSSL asks for a password: with none nothing asks the terminal.
struct Password<'a> {
    given: Option<&'a [u8]>,
    asked: bool,
}

unsafe extern "C" fn give_password(room: *mut c_char, size: c_int, _: c_int, data: *mut c_void) -> c_int {
    guarded(-1, || {
        // SAFETY: the data is what was given with this function, for the time of that call.
        let Some(password) = (unsafe { data.cast::<Password<'_>>().as_mut() }) else { return -1 };
        password.asked = true;
        let Some(given) = password.given else { return -1 };
        let (Ok(length), Ok(size)) = (c_int::try_from(given.len()), usize::try_from(size)) else { return -1 };
        if given.len() > size {
            return -1;
        }
        // SAFETY: OpenSSL has room for `size` bytes.
        unsafe { ptr::copy_nonoverlapping(given.as_ptr(), room.cast(), given.len()) };
        length
    })
}

/// What OpenSSL made and this owns.
pub struct Owned<T> {
    pub pointer: *mut T,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes it over; `None` for NULL.
    ///
    /// # Safety
    /// Nobody else frees it, and that function does.
    pub unsafe fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Owned<T>> {
        (!pointer.is_null()).then_some(Owned { pointer, free })
    }

    /// Gives it up.
    pub fn release(self) -> *mut T {
        let pointer = self.pointer;
        std::mem::forget(self);
        pointer
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `new` says that this is how it is freed.
        unsafe { (self.free)(self.pointer) };
    }
}

/// Reads a file whole. Whatever is wrong with it is that of a file of SSL, with the errno.
fn file(name: &[u8], what: &str) -> Result<Vec<u8>> {
    let refused = |error: std::io::Error| {
        let errno = Errno::from(error);
        Error {
            identifier: Identifier::SSL_INVALID_FILE,
            code: errno.0,
            action: format!("reading {what}").into(),
        }
    };
    let opened = std::fs::File::open(OsStr::from_bytes(name)).map_err(refused)?;
    let mut bytes = Vec::new();
    opened.take(LONGEST).read_to_end(&mut bytes).map_err(refused)?;
    Ok(bytes)
}

impl<'a> Pem<'a> {
    /// Reads it.
    pub fn of(source: Source<'a>, name: &str) -> Result<Pem<'a>> {
        let what = match source {
            Source::File(file) => format!("the {name} file {}", String::from_utf8_lossy(file)),
            Source::Memory(bytes) => format!("the {name} of {} bytes in memory", bytes.len()),
        };
        let bytes = match source {
            Source::File(name) => Cow::Owned(file(name, &what)?),
            Source::Memory(bytes) => Cow::Borrowed(bytes),
        };
        Ok(Pem { bytes, what })
    }

    /// The error of something that is not in it or cannot be used.
    pub fn refuse(&self, doing: &str, queue: &Queue) -> Error {
        self.refuse_as(Identifier::SSL_INVALID_FILE, doing, &queue.text())
    }

    fn refuse_as(&self, identifier: Identifier, doing: &str, why: &str) -> Error {
        Error::new(identifier, format!("{doing} {}: {why}", self.what))
    }

    fn bio(&self) -> Result<Owned<ffi::BIO>> {
        failure::clear();
        let length = c_int::try_from(self.bytes.len()).unwrap_or(c_int::MAX);
        // SAFETY: the bytes outlive the BIO, which only reads them.
        let bio = unsafe {
            Owned::new(ffi::BIO_new_mem_buf(self.bytes.as_ptr().cast(), length), ffi::BIO_free_all)
        };
        bio.ok_or_else(|| Error::new(Identifier::NO_BUFFER_SPACE, format!("reading {}", self.what)))
    }

    /// Its certificates, in their order; none is an error.
    pub fn certificates(&self) -> Result<Vec<Owned<ffi::X509>>> {
        let bio = self.bio()?;
        let mut certificates = Vec::new();
        loop {
            let none = ptr::null_mut();
            // SAFETY: the BIO is whole; no password is ever wanted for a certificate, but the function
            // that has none keeps OpenSSL from asking the terminal.
            let found = unsafe {
                let found = ffi::PEM_read_bio_X509(bio.pointer, none, Some(give_password), ptr::null_mut());
                Owned::new(found, ffi::X509_free)
            };
            let queue = Queue::take();
            match found {
                Some(certificate) => certificates.push(certificate),
                None if !certificates.is_empty() && queue.is_end_of_pem() => return Ok(certificates),
                None => return Err(self.refuse("taking a certificate of", &queue)),
            }
        }
    }

    /// Its private key.
    pub fn key(&self, password: Option<&[u8]>) -> Result<Owned<ffi::EVP_PKEY>> {
        let bio = self.bio()?;
        let mut password = Password { given: password, asked: false };
        let data = (&raw mut password).cast();
        // SAFETY: the BIO is whole; the password outlives the call.
        let key = unsafe {
            let key = ffi::PEM_read_bio_PrivateKey(bio.pointer, ptr::null_mut(), Some(give_password), data);
            Owned::new(key, ffi::EVP_PKEY_free)
        };
        let queue = Queue::take();
        let doing = "taking a private key of";
        key.ok_or_else(|| match (password.asked, password.given) {
            (true, None) => self.refuse_as(Identifier::SSL_WRONG_PASSWORD, doing, "it wants a password"),
            (true, Some(_)) => self.refuse_as(Identifier::SSL_WRONG_PASSWORD, doing, &queue.text()),
            (false, _) => self.refuse(doing, &queue),
        })
    }

    /// Its certificates and revocation lists, in any order.
    pub fn each(
        &self,
        mut certificate: impl FnMut(*mut ffi::X509) -> bool,
        mut list: impl FnMut(*mut ffi::X509_CRL) -> bool,
    ) -> Result<()> {
        let bio = self.bio()?;
        // SAFETY: the BIO is whole; the stack and what is in it is this function's, which borrows it to
        // the callers.
        let taken = unsafe {
            let none = ptr::null_mut();
            let stack = more::PEM_X509_INFO_read_bio(bio.pointer, none, Some(give_password), ptr::null_mut());
            if stack.is_null() {
                return Err(self.refuse("reading", &Queue::take()));
            }
            let stack = stack.cast::<ffi::OPENSSL_STACK>();
            let mut taken = true;
            for index in 0..ffi::OPENSSL_sk_num(stack) {
                let info = ffi::OPENSSL_sk_value(stack, index).cast::<more::X509_INFO>();
                if let Some(info) = info.as_ref() {
                    taken &= info.x509.is_null() || certificate(info.x509);
                    taken &= info.crl.is_null() || list(info.crl);
                }
            }
            let free: unsafe extern "C" fn(*mut more::X509_INFO) = more::X509_INFO_free;
            let free: unsafe extern "C" fn(*mut c_void) = std::mem::transmute(free);
            ffi::OPENSSL_sk_pop_free(stack, Some(free));
            taken
        };
        let queue = Queue::take();
        if taken { Ok(()) } else { Err(self.refuse("reading", &queue)) }
    }
}
