//! Connections that a thread is making. What a thread that leaves by `longjmp` was connecting is
//! remembered for it, because none of its frames will close it.

use crate::address::IpAddress;
use crate::error::Error;
use crate::hazard;
use crate::names;
use crate::sys::Closing;
use std::cell::{Cell, RefCell};

/// A connection that a thread is making. It owns what the thread would leak by leaving.
pub(super) struct Attempt {
    place: usize,
    /// The last block that had begun.
    block: i32,
    /// Where to, in the order in which they are tried.
    pub addresses: Vec<IpAddress>,
    /// What was opened, in the order in which it was.
    pub descriptors: Vec<Option<Closing>>,
    /// The failure that tells the most.
    pub failure: Option<Error>,
}

thread_local! {
    static ATTEMPTS: RefCell<Vec<Attempt>> = const { RefCell::new(Vec::new()) };
    /// The blocks of with-pending-connect that this thread has begun, counted.
    static BLOCKS: Cell<i32> = const { Cell::new(0) };
}

/// Makes what a thread keeps.
pub fn make_for_thread() {
    let _ = ATTEMPTS.try_with(|_| ());
}

/// Forgets what this thread was making in calls that it has left, as far as it was begun in that
/// block or later.
pub(super) fn forget_left(block: i32) {
    names::forget_left();
    let left = ATTEMPTS.with_borrow_mut(|attempts| {
        let live = |attempt: &Attempt| attempt.block < block || !hazard::has_returned(attempt.place);
        let live = attempts.iter().take_while(|attempt| live(attempt)).count();
        attempts.split_off(live)
    });
    // Closed outside of the borrow.
    drop(left);
}

/// begin of with-pending-connect: a token for its end.
pub fn begin_pending_connect() -> i32 {
    forget_left(0);
    BLOCKS.set(BLOCKS.get().wrapping_add(1) & i32::MAX);
    BLOCKS.get()
}

/// end of with-pending-connect: what was begun since and left is closed.
pub fn end_pending_connect(token: i32) {
    forget_left(token);
}

/// The attempt of a call, which ends with it.
pub(super) struct Ending(usize);

impl Ending {
    /// Begins an attempt.
    pub fn begin(addresses: Vec<IpAddress>) -> Ending {
        forget_left(0);
        let place = hazard::place_on_stack();
        let (block, descriptors) = (BLOCKS.get(), Vec::with_capacity(addresses.len().max(1)));
        let attempt = Attempt { place, block, addresses, descriptors, failure: None };
        Ending(ATTEMPTS.with_borrow_mut(|attempts| {
            attempts.push(attempt);
            attempts.len() - 1
        }))
    }

    fn look<T>(&self, look: impl FnOnce(&mut Attempt) -> Option<T>) -> Option<T> {
        ATTEMPTS.with_borrow_mut(|attempts| attempts.get_mut(self.0).and_then(look))
    }

    /// How many addresses there are.
    pub fn count(&self) -> usize {
        self.look(|attempt| Some(attempt.addresses.len())).unwrap_or(0)
    }

    /// One of them.
    pub fn address(&self, index: usize) -> Option<IpAddress> {
        self.look(|attempt| attempt.addresses.get(index).copied())
    }

    /// Owns a descriptor: its number among them.
    pub fn own(&self, descriptor: Closing) -> usize {
        let owned = self.look(|attempt| {
            attempt.descriptors.push(Some(descriptor));
            Some(attempt.descriptors.len() - 1)
        });
        owned.unwrap_or(usize::MAX)
    }

    /// Gives a descriptor up.
    pub fn take(&self, number: usize) -> Option<Closing> {
        self.look(|attempt| attempt.descriptors.get_mut(number)?.take())
    }

    /// Notes a failure: of two the one that tells more stays, of equals the first.
    pub fn fail(&self, error: Error) {
        self.look(|attempt| {
            let noted = attempt.failure.as_ref().map(|failure| telling(failure.code));
            if noted.is_none_or(|noted| noted < telling(error.code)) {
                attempt.failure = Some(error);
            }
            Some(())
        });
    }

    /// The failure that tells the most.
    pub fn failure(&self) -> Option<Error> {
        self.look(|attempt| attempt.failure.take())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let ended = ATTEMPTS.with_borrow_mut(|attempts| attempts.split_off(self.0.min(attempts.len())));
        drop(ended);
    }
}

/// How much an errno tells of why a host cannot be reached: that a machine answered tells more than that
/// none did, and that more than that no way leads there.
pub(super) fn telling(errno: i32) -> u8 {
    match errno {
        libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM => 6,
        libc::ECONNREFUSED | libc::ECONNRESET => 5,
        libc::EACCES | libc::EPERM => 4,
        libc::ETIMEDOUT => 3,
        libc::EHOSTDOWN | libc::EHOSTUNREACH => 2,
        libc::ENETUNREACH | libc::ENETDOWN => 1,
        _ => 0,
    }
}
