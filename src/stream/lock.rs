//! The lock of one direction of a stream. A holder that never unlocked, because it left the call
//! by `longjmp`, takes it over when it comes again.

use crate::sys;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicU32, Ordering};

/// One direction: at most one thread at a time is in it.
#[derive(Debug, Default)]
pub struct Direction<T> {
    owner: AtomicU32,
    waiting: AtomicU32,
    state: UnsafeCell<T>,
}

#[allow(unsafe_code)]
// SAFETY: the state is only reached through `with`, by the thread that owns the lock.
unsafe impl<T: Send> Sync for Direction<T> {}

/// A number for each thread, never 0 and the same in the child of a fork.
fn identity() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    thread_local! {
        static IDENTITY: Cell<u32> = const { Cell::new(0) };
    }
    if IDENTITY.get() == 0 {
        IDENTITY.set(NEXT.fetch_add(1, Ordering::Relaxed).max(1));
    }
    IDENTITY.get()
}

impl<T> Direction<T> {
    /// Runs `body` alone in this direction, after whoever is in it.
    pub fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        let me = identity();
        while let Err(owner) = self.take(me) {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            sys::wait_while(&self.owner, owner);
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        self.run(body)
    }

    /// The same, `None` where another thread is in it.
    pub fn try_with<R>(&self, body: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.take(identity()).is_ok().then(|| self.run(body))
    }

    fn take(&self, me: u32) -> Result<(), u32> {
        match self.owner.compare_exchange(0, me, Ordering::SeqCst, Ordering::SeqCst) {
            Err(owner) if owner != me => Err(owner),
            _ => Ok(()),
        }
    }

    fn run<R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        let _unlock = Unlock { owner: &self.owner, waiting: &self.waiting };
        #[allow(unsafe_code)]
        // SAFETY: this thread owns the lock. It can have owned it before only in a call that it
        // left without returning, whose borrow has ended with that call.
        let state = unsafe { &mut *self.state.get() };
        body(state)
    }
}

struct Unlock<'a> {
    owner: &'a AtomicU32,
    waiting: &'a AtomicU32,
}

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        self.owner.store(0, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) != 0 {
            sys::wake_one(self.owner);
        }
    }
}
