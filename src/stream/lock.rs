//! The lock of one direction of a stream.
//!
//! A holder may never unlock, because it left its call by `longjmp` or ended. It takes the lock over
//! when it comes again; another thread that waits for it looks in /proc whether the holder is still
//! inside: in a system call on the stream's descriptor, on the part of its stack where it took the
//! lock. Nothing of this costs the holder a system call.

use crate::sys::{self, Doing};
use std::cell::UnsafeCell;
use std::ffi::c_long;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// One direction: at most one thread at a time is in it.
#[derive(Debug, Default)]
pub struct Direction<T> {
    /// The holder's number, with `CONTENDED` where others may wait.
    owner: AtomicU32,
    /// Changes when the lock is taken and whenever the holder goes into the system.
    turn: AtomicU32,
    /// Where on its stack the holder took it.
    place: AtomicUsize,
    state: UnsafeCell<T>,
}

#[allow(unsafe_code)]
// SAFETY: the state is only reached through `with`, by the thread that owns the lock.
unsafe impl<T: Send> Sync for Direction<T> {}

const CONTENDED: u32 = 1 << 31;

/// How often a holder that seems to have left is looked at before that is believed, and how long
/// lies between. A holder between two system calls is there for microseconds only.
const LOOKS: u32 = 8;
const LONG_LOOKS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Processor time that nobody uses between two system calls.
const LONG: u64 = 100_000_000;

/// Places further apart than this are on different stacks.
const ONE_STACK: usize = 64 << 20;

/// System calls that a holder makes, and whether their first argument is the descriptor.
const CALLS: [(c_long, bool); 7] = [
    (libc::SYS_recvfrom, true),
    (libc::SYS_recvmsg, true),
    (libc::SYS_sendto, true),
    (libc::SYS_sendmsg, true),
    (libc::SYS_recvmmsg, true),
    (libc::SYS_sendmmsg, true),
    (libc::SYS_ppoll, false),
];

/// What a waiting thread has seen of the holder.
#[derive(Default)]
struct Watch {
    owner: u32,
    turn: u32,
    /// How often in a row it seemed to have left.
    away: u32,
    used: u64,
}

/// What can be said of the holder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// It waits in the system.
    Inside,
    /// It will not come back by itself.
    Left,
    /// It cannot be told yet.
    Unsure,
}

impl Watch {
    fn look(&mut self, owner: u32, turn: u32, place: usize, descriptor: RawFd) -> Holder {
        if (owner, turn) != (self.owner, self.turn) {
            *self = Watch { owner, turn, away: 0, used: sys::processor_time(owner).unwrap_or(0) };
        }
        match sys::doing(owner) {
            Doing::Ended => return Holder::Left,
            Doing::Unknown => return Holder::Inside,
            Doing::Running => {
                let used = sys::processor_time(owner).unwrap_or(0);
                self.away = if used.saturating_sub(self.used) > LONG { self.away + 1 } else { 0 };
            }
            Doing::Waiting { call, first, stack } => {
                let same_stack = stack.abs_diff(place) < ONE_STACK;
                if same_stack && stack > place {
                    return Holder::Left;
                }
                let named = |known: &(c_long, bool)| {
                    known.0 == call
                        && (!known.1 || i32::try_from(first).is_ok_and(|number| number == descriptor))
                };
                if same_stack && CALLS.iter().any(named) {
                    self.away = 0;
                    return Holder::Inside;
                }
                self.away += 1;
                // Allocating memory may wait there too, though not for long.
                if call == libc::SYS_futex && self.away < LONG_LOOKS {
                    return Holder::Unsure;
                }
            }
        }
        if self.away >= LOOKS { Holder::Left } else { Holder::Unsure }
    }
}

impl<T> Direction<T> {
    /// Runs `body` alone in this direction, after whoever is in it on that descriptor.
    #[inline]
    pub fn with<R>(&self, descriptor: RawFd, body: impl FnOnce(&mut T) -> R) -> R {
        let me = sys::thread_id();
        if self.take(me).is_err() {
            self.wait_for_turn(me, descriptor, true);
        }
        self.run(me, body)
    }

    /// The same, `None` where another thread is in it and waits in the system.
    #[inline]
    pub fn try_with<R>(&self, descriptor: RawFd, body: impl FnOnce(&mut T) -> R) -> Option<R> {
        let me = sys::thread_id();
        let taken = self.take(me).is_ok() || self.wait_for_turn(me, descriptor, false);
        taken.then(|| self.run(me, body))
    }

    /// The holder goes into the system.
    #[inline]
    pub fn beat(&self) {
        self.turn.store(self.turn.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    #[inline]
    fn take(&self, me: u32) -> Result<(), u32> {
        match self.owner.compare_exchange(0, me, Ordering::SeqCst, Ordering::SeqCst) {
            Err(owner) if owner & !CONTENDED != me => Err(owner),
            _ => Ok(()),
        }
    }

    /// Waits until the lock is taken; where not `patient` only while it cannot be told whether the
    /// holder is inside. False where it is.
    #[cold]
    fn wait_for_turn(&self, me: u32, descriptor: RawFd, patient: bool) -> bool {
        let mut watch = Watch::default();
        loop {
            let owner = self.owner.load(Ordering::SeqCst);
            let seen = match owner & !CONTENDED {
                0 => Holder::Left,
                holder if holder == me => Holder::Left,
                holder => {
                    let place = self.place.load(Ordering::Relaxed);
                    watch.look(holder, self.turn.load(Ordering::Relaxed), place, descriptor)
                }
            };
            if seen == Holder::Inside && !patient {
                return false;
            }
            // Others may wait too, so that the lock stays marked.
            let next = if seen == Holder::Left { me } else { owner } | CONTENDED;
            if self.owner.compare_exchange(owner, next, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                continue;
            }
            if seen == Holder::Left {
                return true;
            }
            sys::wait_while(&self.owner, next, BETWEEN_LOOKS);
        }
    }

    #[inline]
    fn run<R>(&self, me: u32, body: impl FnOnce(&mut T) -> R) -> R {
        let unlock = Unlock { owner: &self.owner, me };
        self.place.store(std::ptr::from_ref(&unlock).addr(), Ordering::Relaxed);
        self.beat();
        #[allow(unsafe_code)]
        // SAFETY: this thread owns the lock. Whoever owned it before has unlocked it or has left
        // the call without returning, whose borrow has ended with that call.
        let state = unsafe { &mut *self.state.get() };
        body(state)
    }
}

struct Unlock<'a> {
    owner: &'a AtomicU32,
    me: u32,
}

impl Drop for Unlock<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.owner.compare_exchange(self.me, 0, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            self.unlock_contended();
        }
    }
}

impl Unlock<'_> {
    #[cold]
    fn unlock_contended(&self) {
        let contended = self.me | CONTENDED;
        // A handler of a signal that came in here may have unlocked it already.
        if self.owner.compare_exchange(contended, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            sys::wake_one(self.owner);
        }
    }
}
