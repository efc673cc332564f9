//! What a socket knows of the wait sets that it is in: they are told when bytes stay in its buffer,
//! which the kernel does not know of, and when it is closed.

use super::Descriptor;
use super::wait_set::Shared;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The sets that watch a socket.
#[derive(Debug, Default)]
pub struct Watch {
    watched: AtomicBool,
    /// The sets have been told of content since they last found none.
    announced: AtomicBool,
    sets: Mutex<Vec<(Arc<Shared>, u64)>>,
}

impl Watch {
    fn sets(&self) -> MutexGuard<'_, Vec<(Arc<Shared>, u64)>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, set: &Arc<Shared>, key: u64) {
        let mut sets = self.sets();
        sets.retain(|(known, _)| !Arc::ptr_eq(known, set) && !known.is_closed());
        sets.push((Arc::clone(set), key));
        self.watched.store(true, Ordering::SeqCst);
    }

    pub(super) fn remove(&self, set: &Arc<Shared>) {
        let mut sets = self.sets();
        sets.retain(|(known, _)| !Arc::ptr_eq(known, set));
        self.watched.store(!sets.is_empty(), Ordering::SeqCst);
    }

    /// Whether any set watches it.
    #[inline]
    pub fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }

    /// Bytes stay in the buffer.
    #[inline]
    pub fn content(&self) {
        if self.watched.load(Ordering::Relaxed) && !self.announced.swap(true, Ordering::SeqCst) {
            self.announce();
        }
    }

    #[cold]
    fn announce(&self) {
        for (set, key) in self.sets().iter() {
            set.content(*key);
        }
    }

    /// A set is about to look whether there is content.
    pub(super) fn look(&self) {
        self.announced.store(false, Ordering::SeqCst);
    }

    /// There was content: the sets know.
    pub(super) fn keep_announced(&self) {
        self.announced.store(true, Ordering::SeqCst);
    }

    /// The descriptor is about to be closed. A duplicate of it in another process would keep the
    /// kernel watching, so it is taken out.
    pub(super) fn closing(&self, descriptor: &Descriptor) -> Vec<(Arc<Shared>, u64)> {
        if !self.watched.swap(false, Ordering::SeqCst) {
            return Vec::new();
        }
        let sets = std::mem::take(&mut *self.sets());
        for (set, _) in &sets {
            set.unwatch_descriptor(descriptor);
        }
        sets
    }
}
