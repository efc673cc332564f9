//! Who the peer must be.

use super::context::Context;
use super::ffi as more;
use super::resume::Key;
use super::settings::Overrides;
use crate::address::IpAddress;
use crate::error::{Error, Result};
use crate::names;
use openssl_sys as ffi;
use std::ffi::{CString, c_int};
use std::sync::Arc;

/// Whether the peer has to prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// No. A server asks for no certificate.
    Nil,
    /// If it shows a certificate, that must be good. A server's always is shown.
    Optional,
    /// Yes.
    Required,
}

impl Verify {
    pub(super) fn mode(self) -> c_int {
        match self {
            Verify::Nil => ffi::SSL_VERIFY_NONE,
            Verify::Optional => ffi::SSL_VERIFY_PEER,
            Verify::Required => ffi::SSL_VERIFY_PEER | ffi::SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        }
    }
}

/// The name or the address that a server's certificate must be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A host name, without the dot at its end.
    Name(String),
    /// An address of 4 or 16 octets.
    Address(Vec<u8>),
}

/// More than a name of the DNS has.
const LONGEST_NAME: usize = 253;

impl Identity {
    /// Of a host as it was named by the caller.
    pub fn of_text(text: &str, name: &str) -> Result<Identity> {
        let refused = |why: &str| Err(Error::argument(format!("taking {text:?} for {name}, which {why}")));
        if let Some(address) = names::parse_dotted(text) {
            return Ok(Identity::of_address(address));
        }
        let host = text.strip_suffix('.').unwrap_or(text);
        // OpenSSL takes an empty name for a wish not to check, and one with a dot in front for all below it.
        if host.split('.').any(str::is_empty) {
            return refused("has an empty part");
        }
        if host.len() > LONGEST_NAME {
            return refused("is too long for a host name");
        }
        if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
            return refused("is no host name in ASCII; other scripts are written as xn--...");
        }
        Ok(Identity::Name(host.to_ascii_lowercase()))
    }

    /// Of an address; one of IPv4 that is written as one of IPv6 is one of IPv4.
    pub fn of_address(address: IpAddress) -> Identity {
        const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        Identity::Address(match address {
            IpAddress::V4(number) => number.to_be_bytes().to_vec(),
            IpAddress::V6(v6) => v6.octets.strip_prefix(&MAPPED).unwrap_or(&v6.octets).to_vec(),
        })
    }

    /// Has OpenSSL check it, and a name be sent.
    ///
    /// # Safety
    /// `ssl` is whole and nobody else uses it.
    pub(super) unsafe fn apply(&self, ssl: *mut ffi::SSL, check: bool) -> bool {
        // SAFETY: the caller's; the parameters belong to the object.
        unsafe {
            let param = ffi::SSL_get0_param(ssl);
            match self {
                Identity::Name(name) => {
                    let Ok(text) = CString::new(name.as_str()) else { return false };
                    let sent = ffi::SSL_set_tlsext_host_name(ssl, text.as_ptr().cast_mut()) == 1;
                    if !check {
                        return sent;
                    }
                    ffi::X509_VERIFY_PARAM_set_hostflags(param, more::X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
                    sent && ffi::X509_VERIFY_PARAM_set1_host(param, text.as_ptr(), name.len()) == 1
                }
                Identity::Address(octets) if check => {
                    ffi::X509_VERIFY_PARAM_set1_ip(param, octets.as_ptr(), octets.len()) == 1
                }
                Identity::Address(_) => true,
            }
        }
    }
}

/// What a connection is for: what its callbacks and its end have to know.
#[derive(Debug)]
pub struct Purpose {
    /// Lives as long as the connection.
    pub(super) context: Arc<Context>,
    /// Where its sessions are kept.
    pub(super) key: Option<Key>,
    /// The server's.
    pub(super) identity: Option<Identity>,
    pub(super) checks_identity: bool,
    pub(super) overrides_verify: bool,
    pub(super) allows_truncation: bool,
}

/// What one connection of a context is to be.
#[derive(Clone, Debug, Default)]
pub struct Wishes<'a> {
    /// What it says differently.
    pub overrides: Overrides<'a>,
    /// Of a client: who the server is. Not given for a server.
    pub identity: Option<Identity>,
    /// Whether the certificate must be for that one.
    pub checks_identity: bool,
    /// Whether the end of the connection is taken for an end without a word of the peer.
    pub allows_truncation: bool,
    /// The address and port of the server, under which sessions are kept.
    pub server: String,
}

impl Purpose {
    pub(super) fn new(context: &Arc<Context>, wishes: &Wishes<'_>) -> Purpose {
        let Wishes { overrides, identity, checks_identity, allows_truncation, server } = wishes;
        let key = || format!("{server} {identity:?} {checks_identity} {overrides:?}");
        Purpose {
            context: Arc::clone(context),
            key: (context.sessions.is_some() && !server.is_empty()).then(key),
            identity: identity.clone(),
            checks_identity: *checks_identity,
            overrides_verify: overrides.verify.is_some(),
            allows_truncation: *allows_truncation,
        }
    }
}
