//! Turns at an SSL object: one thread at a time enters it, for a step that never waits.
//!
//! A thread may leave a step by `longjmp`, though only out of a signal handler that came in the middle of
//! computing, which is held back where leaving is exact. What it leaves is nothing that OpenSSL could go on with: nobody enters it any more.

use crate::stream::{BETWEEN_LOOKS, Holder, HolderWatch, Seen};
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use crate::sys;
use std::cell::UnsafeCell;
use std::os::fd::RawFd;

/// What is entered by turns.
#[derive(Debug)]
pub struct Turn<T> {
    /// The number of the thread inside, with `CONTENDED` where others may wait; 0 for none.
    owner: AtomicU32,
    /// Changes at the beginning and at the end of each turn, so that who waits sees that they go on.
    turns: AtomicU32,
    place: AtomicUsize,
    broken: AtomicBool,
    inner: UnsafeCell<T>,
}

// SAFETY: the inner value is only reached through `with`, by the thread whose turn it is.
unsafe impl<T: Send> Sync for Turn<T> {}

/// Threads have smaller numbers.
const CONTENDED: u32 = 1 << 31;
/// Steps take microseconds: so often it is looked again before sleeping.
const SPINS: u32 = 64;

impl<T> Turn<T> {
    pub fn new(inner: T) -> Turn<T> {
        Turn {
            owner: AtomicU32::new(0),
            turns: AtomicU32::new(0),
            place: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            inner: UnsafeCell::new(inner),
        }
    }

    /// Whether a step was left in the middle.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }

    /// Runs a step alone; `None` where an earlier one was left in the middle.
    #[inline]
    pub fn with<R>(&self, descriptor: RawFd, step: impl FnOnce(&mut T) -> R) -> Option<R> {
        let me = sys::thread_id();
        let _held = sys::hold();
        if self.owner.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_err()
            && !self.wait(me, descriptor)
        {
            return None;
        }
        let leave = Leave { turn: self, me };
        self.place.store(std::ptr::from_ref(&leave).addr(), Ordering::Relaxed);
        self.count();
        // SAFETY: it is this thread's turn, and whose turn it was before has given it back.
        Some(step(unsafe { &mut *self.inner.get() }))
    }

    #[inline]
    fn count(&self) {
        self.turns.store(self.turns.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// The value when nobody else knows it any more.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    /// Waits for the turn; false where whoever has it will not give it back.
    #[cold]
    fn wait(&self, me: u32, descriptor: RawFd) -> bool {
        let mut watch = HolderWatch::of_computing();
        for round in 0.. {
            if self.is_broken() {
                return false;
            }
            let owner = self.owner.load(Ordering::Relaxed);
            let thread = owner & !CONTENDED;
            if thread == 0 {
                let mark = me | if round > SPINS { CONTENDED } else { 0 };
                if self.owner.compare_exchange(owner, mark, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    return true;
                }
            } else if thread == me {
                self.broken.store(true, Ordering::SeqCst);
            } else if round < SPINS {
                std::hint::spin_loop();
            } else {
                let marked = owner | CONTENDED;
                let still = self.owner.compare_exchange(owner, marked, Ordering::Relaxed, Ordering::Relaxed);
                if still.is_ok() {
                    sys::wait_while(&self.owner, marked, BETWEEN_LOOKS);
                }
                let holder = Holder {
                    thread,
                    turn: self.turns.load(Ordering::SeqCst),
                    place: self.place.load(Ordering::Relaxed),
                };
                // It may have given the turn back, and ended, before it was looked at.
                let stays = || {
                    self.owner.load(Ordering::SeqCst) & !CONTENDED == thread
                        && self.turns.load(Ordering::SeqCst) == holder.turn
                };
                if stays() && watch.look(holder, descriptor) == Seen::Left && stays() {
                    self.broken.store(true, Ordering::SeqCst);
                }
            }
        }
        false
    }
}

struct Leave<'a, T> {
    turn: &'a Turn<T>,
    me: u32,
}

impl<T> Drop for Leave<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.turn.count();
        let free = self.turn.owner.compare_exchange(self.me, 0, Ordering::Release, Ordering::Relaxed);
        if free.is_err() {
            self.turn.owner.store(0, Ordering::Release);
            sys::wake_one(&self.turn.owner);
        }
    }
}
