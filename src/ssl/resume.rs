//! The sessions that a client keeps to resume them. One is kept only after the server was verified as the
//! connection wants it, is offered only to the same server under the same wishes, and not longer than
//! the certificates are good that the server showed: what was found then holds still.

use super::certificate::earliest_end;
use openssl_sys as ffi;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The server and all that a connection says differently from its context.
pub type Key = String;

/// Sessions that are kept for one server: each of TLS 1.3 is used once.
const FOR_ONE: usize = 4;
/// Servers that sessions are kept for.
const SERVERS: usize = 256;

#[derive(Debug)]
struct Kept {
    session: *mut ffi::SSL_SESSION,
    /// Seconds since 1970.
    until: i64,
}

// SAFETY: a session is counted by OpenSSL's own means and not changed.
unsafe impl Send for Kept {}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: this owns a reference.
        unsafe { ffi::SSL_SESSION_free(self.session) };
    }
}

/// The sessions of a context.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<Key, VecDeque<Kept>>>);

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl Sessions {
    fn kept(&self) -> MutexGuard<'_, HashMap<Key, VecDeque<Kept>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a session; false where it is not worth it.
    ///
    /// # Safety
    /// Inside of OpenSSL's callback; true takes the reference.
    pub unsafe fn keep(&self, key: &Key, ssl: *mut ffi::SSL, session: *mut ffi::SSL_SESSION) -> bool {
        // SAFETY: the caller's.
        let until = unsafe {
            let verifies = ffi::SSL_get_verify_mode(ssl) & ffi::SSL_VERIFY_PEER != 0;
            if verifies && ffi::SSL_get_verify_result(ssl) != 0 {
                return false;
            }
            let life = ffi::SSL_SESSION_get_time(session) + ffi::SSL_SESSION_get_timeout(session);
            if verifies { earliest_end(ssl).min(life) } else { life }
        };
        let mut kept = self.kept();
        if !kept.contains_key(key)
            && kept.len() >= SERVERS
            && let Some(any) = kept.keys().next().cloned()
        {
            kept.remove(&any);
        }
        let sessions = kept.entry(key.clone()).or_default();
        sessions.push_back(Kept { session, until });
        if sessions.len() > FOR_ONE {
            sessions.pop_front();
        }
        true
    }

    /// Has a new connection offer the newest session that is kept for it.
    ///
    /// # Safety
    /// The object is new and nobody else uses it.
    pub unsafe fn offer(&self, key: &Key, ssl: *mut ffi::SSL) {
        let mut kept = self.kept();
        let Some(sessions) = kept.get_mut(key) else { return };
        let now = now();
        sessions.retain(|kept| kept.until > now);
        let Some(newest) = sessions.pop_back() else { return };
        // SAFETY: the caller's; the call counts its reference.
        let once = unsafe {
            ffi::SSL_set_session(ssl, newest.session);
            ffi::SSL_SESSION_get_protocol_version(newest.session) == ffi::TLS1_3_VERSION
        };
        if !once {
            sessions.push_back(newest);
        }
    }
}
