//! What can be said about a context or a connection, and setting it in OpenSSL.

use super::context::{Context, Side};
use super::failure::{self, Queue};
use super::ffi as more;
use super::verify::Verify;
use crate::error::{Error, Identifier, Result};
use openssl_sys as ffi;
use std::ffi::{CString, c_int};
use std::sync::Arc;

/// Where a PEM text is.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// In the file of that name.
    File(&'a [u8]),
    /// In memory.
    Memory(&'a [u8]),
}

/// Which certificates have to be looked up in revocation lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrlCheck {
    /// None.
    None,
    /// The peer's own.
    Peer,
    /// All of its chain.
    Chain,
}

/// Versions of the protocol: TLS 1.0 to 1.3, by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions(pub [bool; 4]);

impl Versions {
    /// Of both sides where nothing is said.
    pub const DEFAULT: Versions = Versions([false, false, true, true]);

    const NUMBERS: [c_int; 4] =
        [ffi::TLS1_VERSION, ffi::TLS1_1_VERSION, ffi::TLS1_2_VERSION, ffi::TLS1_3_VERSION];
    const OFF: [u64; 4] =
        [ffi::SSL_OP_NO_TLSv1, ffi::SSL_OP_NO_TLSv1_1, ffi::SSL_OP_NO_TLSv1_2, ffi::SSL_OP_NO_TLSv1_3];

    /// The lowest and the highest, and the options for the holes between them.
    fn range(self) -> Option<(c_int, c_int, u64)> {
        let on = || self.0.iter().zip(Self::NUMBERS).filter(|(on, _)| **on).map(|(_, number)| number);
        let holes = self.0.iter().zip(Self::OFF).filter(|(on, _)| !**on).fold(0, |all, (_, off)| all | off);
        Some((on().min()?, on().max()?, holes))
    }

    /// TLS 1.0 and 1.1 sign with SHA-1, which only the lowest security level allows.
    fn are_old(self) -> bool {
        self.0.iter().take(2).any(|on| *on)
    }
}

/// What a connection may say differently from its context; `None` is the context's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides<'a> {
    /// The versions.
    pub versions: Option<Versions>,
    /// The ciphers up to TLS 1.2.
    pub ciphers: Option<&'a str>,
    /// Those of TLS 1.3.
    pub ciphersuites: Option<&'a str>,
    /// Whether the peer is verified.
    pub verify: Option<Verify>,
    /// Intermediate certificates that a chain may have.
    pub max_depth: Option<i32>,
    /// Whether a server chooses by its own order.
    pub prefer_server_cipher_order: Option<bool>,
}

/// What a context is made of.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// Client or server.
    pub side: Side,
    /// What a connection may say differently.
    pub overrides: Overrides<'a>,
    /// The certificate, and behind it those that lead to the root.
    pub certificate: Option<Source<'a>>,
    /// Its key, where it is not with the certificate.
    pub key: Option<Source<'a>>,
    /// Of the key.
    pub password: Option<&'a [u8]>,
    /// Certificates that are trusted.
    pub ca: Option<Source<'a>>,
    /// A directory of such, by their hashes.
    pub ca_directory: Option<&'a [u8]>,
    /// Revocation lists.
    pub crl: Option<Source<'a>>,
    /// What is looked up in them.
    pub crl_check: CrlCheck,
    /// Application protocols in the order of preference, with commas between.
    pub alpn: Option<&'a str>,
    /// Of a server: the names that the certificate is for, with commas between; else it says so itself.
    pub server_name: Option<&'a str>,
    /// Of a server: contexts for other names.
    pub others: Vec<Arc<Context>>,
    /// Whether keys are written to the file of SSLKEYLOGFILE.
    pub key_log: bool,
    /// Whether sessions may be resumed.
    pub resumes: bool,
}

/// What the settings are set in.
#[derive(Clone, Copy)]
pub enum Target {
    Context(*mut ffi::SSL_CTX),
    Connection(*mut ffi::SSL),
}

fn text(value: &str, name: &str) -> Result<CString> {
    CString::new(value).map_err(|_| Error::argument(format!("taking {name} with a NUL in it")))
}

impl Overrides<'_> {
    /// Sets what is said. The security level is that of the system where no old version is asked for.
    ///
    /// # Safety
    /// The target is whole and nobody else uses it.
    pub unsafe fn apply(&self, target: Target, level: c_int) -> Result<()> {
        failure::clear();
        if let Some(versions) = self.versions {
            let none = || Error::new(Identifier::SSL_METHOD_UNSUPPORTED, "taking a method of no version");
            let (low, high, holes) = versions.range().ok_or_else(none)?;
            let level = if versions.are_old() { 0 } else { level };
            let all = Versions::OFF.iter().fold(0, |all, off| all | off);
            // SAFETY: the caller's.
            let set = unsafe {
                match target {
                    Target::Context(context) => {
                        ffi::SSL_CTX_set_security_level(context, level);
                        ffi::SSL_CTX_set_options(context, holes);
                        ffi::SSL_CTX_set_min_proto_version(context, low) == 1
                            && ffi::SSL_CTX_set_max_proto_version(context, high) == 1
                    }
                    Target::Connection(ssl) => {
                        ffi::SSL_set_security_level(ssl, level);
                        more::SSL_clear_options(ssl, all);
                        more::SSL_set_options(ssl, holes);
                        ffi::SSL_set_min_proto_version(ssl, low) == 1
                            && ffi::SSL_set_max_proto_version(ssl, high) == 1
                    }
                }
            };
            if !set {
                let action = "setting the method, which this OpenSSL does not have";
                return Err(Error::new(Identifier::SSL_METHOD_UNSUPPORTED, action));
            }
        }
        if let Some(ciphers) = self.ciphers {
            let list = text(ciphers, "ciphers")?;
            // SAFETY: the caller's; the text ends with a NUL.
            let set = unsafe {
                match target {
                    Target::Context(context) => ffi::SSL_CTX_set_cipher_list(context, list.as_ptr()),
                    Target::Connection(ssl) => ffi::SSL_set_cipher_list(ssl, list.as_ptr()),
                }
            };
            refused(set == 1, "ciphers", ciphers)?;
        }
        if let Some(suites) = self.ciphersuites {
            let list = text(suites, "ciphersuites")?;
            // SAFETY: the caller's; the text ends with a NUL.
            let set = unsafe {
                match target {
                    Target::Context(context) => ffi::SSL_CTX_set_ciphersuites(context, list.as_ptr()),
                    Target::Connection(ssl) => ffi::SSL_set_ciphersuites(ssl, list.as_ptr()),
                }
            };
            // OpenSSL takes none for a wish to have none.
            refused(set == 1 && !suites.is_empty(), "ciphersuites", suites)?;
        }
        // SAFETY: the caller's.
        unsafe { self.apply_policy(target) };
        Ok(())
    }

    /// # Safety
    /// As of `apply`.
    unsafe fn apply_policy(&self, target: Target) {
        let order = ffi::SSL_OP_CIPHER_SERVER_PREFERENCE | ffi::SSL_OP_PRIORITIZE_CHACHA;
        // SAFETY: the caller's.
        unsafe {
            match target {
                Target::Context(context) => {
                    if let Some(verify) = self.verify {
                        ffi::SSL_CTX_set_verify(context, verify.mode(), None);
                    }
                    if let Some(depth) = self.max_depth {
                        ffi::SSL_CTX_set_verify_depth(context, depth);
                    }
                    if self.prefer_server_cipher_order == Some(true) {
                        ffi::SSL_CTX_set_options(context, order);
                    }
                }
                Target::Connection(ssl) => {
                    if let Some(verify) = self.verify {
                        ffi::SSL_set_verify(ssl, verify.mode(), None);
                    }
                    if let Some(depth) = self.max_depth {
                        more::SSL_set_verify_depth(ssl, depth);
                    }
                    match self.prefer_server_cipher_order {
                        Some(true) => more::SSL_set_options(ssl, order),
                        Some(false) => more::SSL_clear_options(ssl, order),
                        None => 0,
                    };
                }
            }
        }
    }
}

fn refused(set: bool, name: &str, value: &str) -> Result<()> {
    let queue = Queue::take();
    if set {
        return Ok(());
    }
    let why = if queue.text().is_empty() { "it names none".into() } else { queue.text() };
    Err(Error::argument(format!("taking {value:?} for {name}: {why}")))
}
