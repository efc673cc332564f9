//! A context: what many connections share. It is made whole and never changed, so that any number of
//! threads may use it.

use super::connection::attach;
use super::failure::{self, Queue};
use super::ffi as more;
use super::pem::{Owned, Pem};
use super::resume::Sessions;
use super::select;
use super::settings::{CrlCheck, Overrides, Settings, Source, Target, Versions};
use super::trust::Store;
use super::verify::{Purpose, Verify};
use super::wire::Wire;
use crate::error::{Error, Identifier, Result};
use openssl_sys as ffi;
use std::ffi::{c_int, c_ulong};
use std::sync::Arc;

/// Client or server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Speaks first.
    Client,
    /// Shows a certificate.
    Server,
}

/// Intermediate certificates that a chain may have where nothing is said.
const DEPTH: i32 = 10;

/// The context.
#[derive(Debug)]
pub struct Context {
    context: *mut ffi::SSL_CTX,
    side: Side,
    /// The system's security level.
    level: c_int,
    pub(super) verify: Verify,
    pub(super) depth: i32,
    pub(super) crl_flags: c_ulong,
    /// Application protocols as they are sent.
    pub(super) alpn: Vec<u8>,
    pub(super) names: Vec<String>,
    pub(super) others: Vec<Arc<Context>>,
    pub(super) sessions: Option<Sessions>,
    /// Sessions of other certificates and other ways to verify are not resumed.
    pub(super) session_id: [u8; more::SSL_MAX_SID_CTX_LENGTH],
}

// SAFETY: OpenSSL's context is counted by its own means and not changed once it is made.
unsafe impl Send for Context {}
// SAFETY: the same.
unsafe impl Sync for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: this owns a reference.
        unsafe { ffi::SSL_CTX_free(self.context) };
    }
}

fn refused(doing: &str) -> Error {
    Error::new(Identifier::SSL_ERROR, format!("{doing}: {}", Queue::take().text()))
}

impl Context {
    /// Makes one: all files are read here.
    pub fn new(settings: &Settings<'_>) -> Result<Arc<Context>> {
        openssl_sys::init();
        failure::clear();
        let server = settings.side == Side::Server;
        let alpn = settings.alpn.map(select::protocols).transpose()?.unwrap_or_default();
        let names = settings.server_name.map(select::names).transpose()?.unwrap_or_default();
        // SAFETY: the methods are static.
        let context = unsafe {
            ffi::SSL_CTX_new(if server { ffi::TLS_server_method() } else { ffi::TLS_client_method() })
        };
        if context.is_null() {
            return Err(refused("making an SSL context"));
        }
        let said = settings.overrides;
        let verify = said.verify.unwrap_or(if server { Verify::Nil } else { Verify::Required });
        let overrides = Overrides {
            versions: Some(said.versions.unwrap_or(Versions::DEFAULT)),
            verify: Some(verify),
            max_depth: Some(said.max_depth.unwrap_or(DEPTH)),
            prefer_server_cipher_order: Some(said.prefer_server_cipher_order.unwrap_or(true)),
            ..said
        };
        // From here on it is freed with this.
        let mut made = Context {
            context,
            side: settings.side,
            // SAFETY: the context is whole.
            level: unsafe { ffi::SSL_CTX_get_security_level(context) },
            verify,
            depth: said.max_depth.unwrap_or(DEPTH),
            // CRL_CHECK_ALL alone checks nothing.
            crl_flags: match settings.crl_check {
                CrlCheck::None => 0,
                CrlCheck::Peer => more::CRL_CHECK,
                CrlCheck::Chain => more::CRL_CHECK | more::CRL_CHECK_ALL,
            },
            alpn,
            names,
            others: settings.others.clone(),
            sessions: (!server && settings.resumes).then(Sessions::default),
            session_id: [0; more::SSL_MAX_SID_CTX_LENGTH],
        };
        // SAFETY: the context is whole and known to nobody else.
        unsafe {
            ffi::SSL_CTX_set_mode(context, more::MODES);
            ffi::SSL_CTX_set_options(context, ffi::SSL_OP_NO_RENEGOTIATION | ffi::SSL_OP_NO_COMPRESSION);
            if server {
                // Clients keep their sessions themselves, in tickets: here each would take kilobytes.
                ffi::SSL_CTX_set_session_cache_mode(context, ffi::SSL_SESS_CACHE_OFF);
            }
            if server && !settings.resumes {
                ffi::SSL_CTX_set_options(context, ffi::SSL_OP_NO_TICKET);
                ffi::SSL_CTX_set_num_tickets(context, 0);
            }
            overrides.apply(Target::Context(context), made.level)?;
        }
        made.trust(settings)?;
        made.certify(settings)?;
        made.identify(settings);
        Ok(made.with_callbacks(settings))
    }

    /// Whom it trusts.
    fn trust(&self, settings: &Settings<'_>) -> Result<()> {
        let own = settings.ca.is_some() || settings.ca_directory.is_some() || settings.crl.is_some();
        let verifies_with_system = settings.side == Side::Client;
        if !own && settings.crl_check == CrlCheck::None {
            if verifies_with_system {
                // SAFETY: the context is whole and known to nobody else.
                unsafe { Store::system()?.give(self.context) };
            }
            return Ok(());
        }
        let store = Store::new()?;
        let mut lists = 0;
        if let Some(source) = settings.ca {
            let pem = Pem::of(source, "ca")?;
            let context = self.context;
            let (certificates, found) = store.add(&pem, |certificate| {
                if settings.side == Side::Server {
                    // SAFETY: both are whole; clients are told whom the server trusts.
                    unsafe { ffi::SSL_CTX_add_client_CA(context, certificate) };
                }
            })?;
            if certificates == 0 {
                return Err(Error::new(
                    Identifier::SSL_INVALID_FILE,
                    format!("finding a certificate in {}", pem.what),
                ));
            }
            lists += found;
        }
        if let Some(path) = settings.ca_directory {
            store.add_directory(path)?;
        }
        if settings.ca.is_none() && settings.ca_directory.is_none() && verifies_with_system {
            store.add_system();
        }
        if let Some(source) = settings.crl {
            let pem = Pem::of(source, "crl")?;
            let found = store.add_lists(&pem)?;
            if found == 0 {
                let action = format!("finding a revocation list in {}", pem.what);
                return Err(Error::new(Identifier::SSL_INVALID_FILE, action));
            }
            lists += found;
        }
        if self.crl_flags != 0 && lists == 0 {
            return Err(Error::argument("checking revocation lists without crl_file or crl_pem"));
        }
        // SAFETY: the context is whole and known to nobody else; its parameters belong to it.
        unsafe {
            store.give(self.context);
            ffi::X509_VERIFY_PARAM_set_flags(ffi::SSL_CTX_get0_param(self.context), self.crl_flags);
        }
        Ok(())
    }

    /// Its own certificate and key.
    fn certify(&self, settings: &Settings<'_>) -> Result<()> {
        let Some(source) = settings.certificate else { return Ok(()) };
        let pem = Pem::of(source, "certificate")?;
        let mut certificates = pem.certificates()?.into_iter();
        let doing = "using the certificate of";
        failure::clear();
        // There is one at least.
        let Some(leaf) = certificates.next() else { return Ok(()) };
        // SAFETY: both are whole; the call counts its reference.
        if unsafe { ffi::SSL_CTX_use_certificate(self.context, leaf.pointer) } != 1 {
            return Err(pem.refuse(doing, &Queue::take()));
        }
        for intermediate in certificates {
            // SAFETY: both are whole; the call takes the reference where it succeeds.
            if unsafe { ffi::SSL_CTX_add_extra_chain_cert(self.context, intermediate.pointer) } != 1 {
                return Err(pem.refuse(doing, &Queue::take()));
            }
            intermediate.release();
        }
        let key_pem = settings.key.map(|key| Pem::of(key, "key")).transpose()?;
        let key_pem = key_pem.as_ref().unwrap_or(&pem);
        let key = key_pem.key(settings.password)?;
        // SAFETY: both are whole; the second call counts its reference.
        let fits = unsafe {
            more::X509_check_private_key(leaf.pointer, key.pointer) == 1
                && ffi::SSL_CTX_use_PrivateKey(self.context, key.pointer) == 1
        };
        if !fits {
            let queue = Queue::take();
            let action = format!("using {} for {}: {}", key_pem.what, pem.what, queue.text());
            return Err(Error::new(Identifier::SSL_KEY_MISMATCH, action));
        }
        Ok(())
    }

    /// What sessions of this context are known by: the same in each process of a server.
    fn identify(&mut self, settings: &Settings<'_>) {
        let policy = format!(
            "{:?} {:?} {:?} {:?} {:?}",
            self.verify,
            self.depth,
            settings.crl_check,
            settings.ca_directory,
            settings.ca.map(|ca| match ca {
                Source::File(name) => name.to_vec(),
                Source::Memory(bytes) => bytes.to_vec(),
            })
        );
        let mut digest = [0_u8; more::SSL_MAX_SID_CTX_LENGTH];
        // SAFETY: SHA-256 writes 32 bytes; a context without a certificate has NULL for it.
        unsafe {
            let leaf = ffi::SSL_CTX_get0_certificate(self.context);
            if !leaf.is_null() {
                ffi::X509_digest(leaf, ffi::EVP_sha256(), digest.as_mut_ptr(), std::ptr::null_mut());
            }
            let text = [digest.as_slice(), policy.as_bytes()].concat();
            let (sha, none) = (ffi::EVP_sha256(), std::ptr::null_mut());
            more::EVP_Digest(
                text.as_ptr().cast(),
                text.len(),
                digest.as_mut_ptr(),
                std::ptr::null_mut(),
                sha,
                none,
            );
            ffi::SSL_CTX_set_session_id_context(self.context, digest.as_ptr(), digest.len() as u32);
        }
        self.session_id = digest;
    }

    fn with_callbacks(self, settings: &Settings<'_>) -> Arc<Context> {
        let context = Arc::new(self);
        // SAFETY: the OpenSSL context is whole; the callbacks are given the place of this one, which
        // lives as long as any connection of it.
        unsafe { select::install(&context, settings.key_log) };
        context
    }

    /// OpenSSL's context.
    pub(super) fn pointer(&self) -> *mut ffi::SSL_CTX {
        self.context
    }

    /// Client or server.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Whether its peers are verified.
    pub fn verify(&self) -> Verify {
        self.verify
    }

    /// Whether there is a certificate to show.
    pub fn has_certificate(&self) -> bool {
        // SAFETY: the context is whole.
        !unsafe { ffi::SSL_CTX_get0_certificate(self.context) }.is_null()
    }

    /// Whether its sessions are kept to be resumed.
    pub fn keeps_sessions(&self) -> bool {
        self.sessions.is_some()
    }

    /// What a connection may say differently.
    pub(super) fn apply(&self, ssl: *mut ffi::SSL, overrides: &Overrides<'_>) -> Result<()> {
        // SAFETY: the object is new.
        unsafe { overrides.apply(Target::Connection(ssl), self.level) }
    }

    /// A new object of this context over a wire, for that purpose.
    pub(super) fn new_ssl(
        &self,
        purpose: &Purpose,
        overrides: &Overrides<'_>,
        wire: *mut Wire,
    ) -> Result<*mut ffi::SSL> {
        failure::clear();
        // SAFETY: the context is whole; what is made here is this function's until it answers it. The
        // purpose outlives the object.
        unsafe {
            let ssl = Owned::new(ffi::SSL_new(self.context), ffi::SSL_free);
            let ssl = ssl.ok_or_else(|| refused("making an SSL connection"))?;
            self.apply(ssl.pointer, overrides)?;
            let place = std::ptr::from_ref(purpose).cast_mut().cast();
            let mut made = ffi::SSL_set_ex_data(ssl.pointer, 0, place) == 1 && attach(ssl.pointer, wire);
            if let Some(identity) = &purpose.identity {
                made = made && identity.apply(ssl.pointer, purpose.checks_identity);
            }
            if purpose.allows_truncation {
                more::SSL_set_options(ssl.pointer, ffi::SSL_OP_IGNORE_UNEXPECTED_EOF);
            }
            if !made {
                return Err(refused("preparing an SSL connection"));
            }
            match self.side {
                Side::Client => {
                    if let (Some(sessions), Some(key)) = (&self.sessions, &purpose.key) {
                        sessions.offer(key, ssl.pointer);
                    }
                    ffi::SSL_set_connect_state(ssl.pointer);
                }
                Side::Server => ffi::SSL_set_accept_state(ssl.pointer),
            }
            Ok(ssl.release())
        }
    }
}
