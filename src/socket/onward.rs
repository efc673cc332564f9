//! The addresses that are left for a connection that was begun to a host by name: when one fails, the
//! same descriptor connects to the next, so that whoever waits for it goes on waiting.

use super::attempt::telling;
use super::connect::begun;
use crate::error::{Errno, Error};
use crate::sys::{self, Fd, Name};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// Where to go on.
#[derive(Debug)]
pub struct Onward {
    names: Vec<Name>,
    md5_key: Option<Box<[u8]>>,
    /// How many of them were tried.
    tried: AtomicUsize,
    /// The errno that tells the most, 0 for none.
    failure: AtomicI32,
}

impl Onward {
    /// These names, where there are any, after a failure with others.
    pub(super) fn new(
        names: Vec<Name>,
        md5_key: Option<&[u8]>,
        failure: Option<Error>,
    ) -> Option<Box<Onward>> {
        let failure = AtomicI32::new(failure.map_or(0, |error| error.code));
        let (md5_key, tried) = (md5_key.map(Into::into), AtomicUsize::new(0));
        (!names.is_empty()).then(|| Box::new(Onward { names, md5_key, tried, failure }))
    }

    /// The name that is tried now; `None` while that is the first of all.
    pub(super) fn name(&self) -> Option<&Name> {
        let tried = self.tried.load(Ordering::SeqCst);
        self.names.get(tried.checked_sub(1)?)
    }

    /// The errno that tells the most.
    pub(super) fn failure(&self) -> Errno {
        Errno(self.failure.load(Ordering::Relaxed))
    }

    /// Notes why the connection failed and begins the next: false where none is left. One thread at a
    /// time does so.
    pub(super) fn begin_next(&self, fd: Fd, mut failed: Errno) -> bool {
        loop {
            let noted = self.failure.load(Ordering::Relaxed);
            if noted == 0 || telling(noted) < telling(failed.0) {
                self.failure.store(failed.0, Ordering::Relaxed);
            }
            let tried = self.tried.load(Ordering::SeqCst);
            let Some(name) = self.names.get(tried) else { return false };
            self.tried.store(tried + 1, Ordering::SeqCst);
            match self.begin(fd, name) {
                Ok(()) => return true,
                Err(errno) => failed = errno,
            }
        }
    }

    fn begin(&self, fd: Fd, name: &Name) -> Result<(), Errno> {
        sys::disconnect(fd)?;
        if let (Some(key), Name::Internet(remote, _)) = (&self.md5_key, name) {
            sys::set_md5_key(fd, remote.canonical(), key)?;
        }
        begun(sys::begin_connect(fd, &name.address())).map(|_| ())
    }
}
