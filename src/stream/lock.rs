//! The lock of one direction of a stream.
//!
//! It belongs to the first thread that takes it: that one enters and leaves by plain stores, until
//! another thread comes for the first time. From then on it is a lock like others, by exchanges.
//! The other one makes itself seen by a barrier across the threads of the process.
//!
//! A holder may never unlock, because it left its call by `longjmp` or ended. It takes the lock over
//! when it comes again; who waits for it looks whether it is still inside.
//!
//! The thread that it belongs to may reach the state through a window besides, without the lock.

use super::holder::{BETWEEN_LOOKS, Holder, Seen, Watch};
use super::window::{Moved, Side, View, Window};
use crate::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use crate::sys::{self, process};
use std::cell::UnsafeCell;
use std::os::fd::RawFd;

/// What a window looks into.
pub trait Windowed {
    const SIDE: Side;

    /// Takes over where the owner of the window came.
    fn settle(&mut self, moved: Moved);
}

/// One direction: at most one thread at a time is in it.
#[derive(Debug, Default)]
pub struct Direction<T> {
    /// The thread that the lock belongs to, 0 before the first, or one of the two below.
    belongs: AtomicU32,
    /// That thread's number while it is inside.
    busy: AtomicU32,
    /// The holder's number when the lock belongs to nobody, with its turn, and with `CONTENDED`
    /// where others may wait.
    owner: AtomicU32,
    /// Of the thread that the lock belongs to.
    own_mark: Mark,
    /// Of the holder when it belongs to nobody.
    mark: Mark,
    window: Window,
    state: UnsafeCell<T>,
}

/// What a holder leaves for those that wait for it. Only the holder writes it.
#[derive(Debug, Default)]
struct Mark {
    /// Changes when the lock is taken and whenever the holder goes into the system.
    turn: AtomicU32,
    /// Where on its stack the holder took it.
    place: AtomicUsize,
}

impl Mark {
    #[inline]
    fn beat(&self) {
        self.turn.store(self.turn.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    #[inline]
    fn set<P>(&self, place: &P) {
        self.place.store(std::ptr::from_ref(place).addr(), Ordering::Relaxed);
        self.beat();
    }

    fn holder(&self, thread: u32) -> Holder {
        Holder { thread, turn: self.turn.load(Ordering::Relaxed), place: self.place.load(Ordering::Relaxed) }
    }
}

#[allow(unsafe_code)]
// SAFETY: the state is only reached through `with`, by the thread that owns the lock.
unsafe impl<T: Send> Sync for Direction<T> {}

/// The bits of a thread's number, which the kernel keeps below 4194304.
const THREAD: u32 = (1 << TURN_SHIFT) - 1;
/// Above it a part of `turn`: who has seen that the holder has left takes the lock over from that
/// turn, and not from a later one of a holder that came back.
const TURN_SHIFT: u32 = 22;
const CONTENDED: u32 = 1 << 31;
/// The lock no longer belongs to a thread, which may not know it yet.
const GIVING_UP: u32 = u32::MAX - 1;
/// The lock belongs to nobody.
const NOBODY: u32 = u32::MAX;

impl<T: Windowed> Direction<T> {
    /// Runs `body` alone in this direction, after whoever is in it on that descriptor.
    #[inline]
    pub fn with<R>(&self, descriptor: RawFd, body: impl FnOnce(&mut T) -> R) -> R {
        let me = sys::thread_id();
        let own = self.enter_own(me);
        if !own {
            self.enter(me, descriptor, true);
        }
        self.run(me, own, body)
    }

    /// The same, `None` where another thread is in it and waits in the system.
    #[inline]
    pub fn try_with<R>(&self, descriptor: RawFd, body: impl FnOnce(&mut T) -> R) -> Option<R> {
        let me = sys::thread_id();
        let own = self.enter_own(me);
        (own || self.enter(me, descriptor, false)).then(|| self.run(me, own, body))
    }

    /// The same as `with` and, where not `patient`, `try_with`; if the lock belongs to this thread, it
    /// gets a window of what `view` then answers, where `allowed` says so afterwards as well.
    #[inline]
    pub fn with_window<R>(
        &self,
        descriptor: RawFd,
        patient: bool,
        key: usize,
        body: impl FnOnce(&mut T) -> R,
        view: impl FnOnce(&mut T) -> Option<View>,
        allowed: impl FnOnce() -> bool,
    ) -> Option<R> {
        let me = sys::thread_id();
        let own = self.enter_own(me);
        if !own && !self.enter(me, descriptor, patient) {
            return None;
        }
        Some(self.run(me, own, |state| {
            let done = body(state);
            if own && let Some(view) = view(state) {
                let belongs = || self.belongs.load(Ordering::Relaxed) == me;
                self.window.open(T::SIDE, key, view, || belongs() && allowed());
            }
            done
        }))
    }

    /// Closes the window from any thread, after what forbids to open it again has been stored.
    pub fn close_window(&self, descriptor: RawFd) {
        match self.belongs.load(Ordering::SeqCst) {
            // It was never opened; or who takes the lock away closes it.
            0 | GIVING_UP | NOBODY => return,
            thread if thread == sys::thread_id() => {}
            _ => process::barrier_for_all(),
        }
        self.window.close(T::SIDE, descriptor);
    }

    /// The holder goes into the system.
    #[inline]
    pub fn beat(&self) {
        self.own_mark.beat();
        self.mark.beat();
    }

    /// Enters where the lock belongs to this thread.
    #[inline]
    fn enter_own(&self, me: u32) -> bool {
        if self.belongs.load(Ordering::Relaxed) != me && !self.make_own(me) {
            return false;
        }
        self.busy.store(me, Ordering::Relaxed);
        process::barrier_for_one();
        if self.belongs.load(Ordering::Relaxed) == me {
            return true;
        }
        self.leave_own(me);
        false
    }

    /// The first thread takes the lock for its own.
    #[cold]
    fn make_own(&self, me: u32) -> bool {
        self.belongs.load(Ordering::Relaxed) == 0
            && self.belongs.compare_exchange(0, me, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    #[inline]
    fn leave_own(&self, me: u32) {
        self.busy.store(0, Ordering::Release);
        process::barrier_for_one();
        if self.belongs.load(Ordering::Relaxed) != me {
            sys::wake_one(&self.busy);
        }
    }

    /// Enters where the lock does not belong to this thread, which it then belongs to nobody for
    /// ever. Where not `patient` only while it cannot be told whether the holder is inside; false
    /// where it is.
    #[cold]
    fn enter(&self, me: u32, descriptor: RawFd, patient: bool) -> bool {
        self.take_from_thread(descriptor);
        if self.busy.load(Ordering::Relaxed) == me {
            // It has left a call from the time when the lock was its own.
            self.leave_own(me);
        }
        let mut watch = Watch::default();
        if !self.wait_for_owner(me, descriptor, patient, &mut watch) {
            return false;
        }
        // Before it goes into the system: who waits must not take it for gone.
        self.mark.set(&watch);
        // The thread that it belonged to may have been inside.
        if self.wait_for_former(me, descriptor, patient, &mut watch) {
            return true;
        }
        self.unlock(me);
        false
    }

    fn take_from_thread(&self, descriptor: RawFd) {
        loop {
            let belongs = self.belongs.load(Ordering::SeqCst);
            if belongs == NOBODY {
                return;
            }
            let given = self.belongs.compare_exchange(belongs, GIVING_UP, Ordering::SeqCst, Ordering::SeqCst);
            if given.is_ok() {
                break;
            }
        }
        // Now that thread either knows, or its being inside is known here.
        process::barrier_for_all();
        self.window.close(T::SIDE, descriptor);
        self.belongs.store(NOBODY, Ordering::SeqCst);
    }

    fn wait_for_owner(&self, me: u32, descriptor: RawFd, patient: bool, watch: &mut Watch) -> bool {
        let turn = (self.mark.turn.load(Ordering::Relaxed) << TURN_SHIFT) & !CONTENDED;
        if self.owner.compare_exchange(0, me | turn, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            return true;
        }
        let mut woken = false;
        loop {
            let owner = self.owner.load(Ordering::SeqCst);
            let seen = match owner & THREAD {
                0 => Seen::Left,
                thread if thread == me => Seen::Left,
                thread => watch.look(self.mark.holder(thread), descriptor),
            };
            let refused = seen == Seen::Inside && !patient;
            if refused && !woken {
                return false;
            }
            // Others may wait too, so that the lock stays marked.
            let next = match seen {
                Seen::Left if owner & THREAD == me => owner.wrapping_add(1 << TURN_SHIFT),
                Seen::Left => me | turn,
                _ => owner,
            } | CONTENDED;
            if self.owner.compare_exchange(owner, next, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                continue;
            }
            if seen == Seen::Left || refused {
                return !refused;
            }
            sys::wait_while(&self.owner, next, BETWEEN_LOOKS);
            woken = true;
        }
    }

    fn wait_for_former(&self, me: u32, descriptor: RawFd, patient: bool, watch: &mut Watch) -> bool {
        loop {
            let former = self.busy.load(Ordering::SeqCst);
            let seen = match former {
                0 => return true,
                thread if thread == me => Seen::Left,
                thread => watch.look(self.own_mark.holder(thread), descriptor),
            };
            self.mark.beat();
            match seen {
                Seen::Left => {
                    let _ = self.busy.compare_exchange(former, 0, Ordering::SeqCst, Ordering::SeqCst);
                }
                Seen::Inside if !patient => return false,
                _ => sys::wait_while(&self.busy, former, BETWEEN_LOOKS),
            }
        }
    }

    #[inline]
    fn unlock(&self, me: u32) {
        let mut owner = self.owner.load(Ordering::Relaxed);
        // A handler of a signal that came in here may have unlocked it already.
        while owner & THREAD == me {
            match self.owner.compare_exchange(owner, 0, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) if owner & CONTENDED != 0 => return sys::wake_one(&self.owner),
                Ok(_) => return,
                Err(now) => owner = now,
            }
        }
    }

    #[inline]
    fn run<R>(&self, me: u32, own: bool, body: impl FnOnce(&mut T) -> R) -> R {
        let _held = sys::hold();
        let leave = Leave { lock: self, me, own };
        if own { &self.own_mark } else { &self.mark }.set(&leave);
        #[allow(unsafe_code)]
        // SAFETY: this thread owns the lock. Whoever owned it before has unlocked it or has left
        // the call without returning, whose borrow has ended with that call.
        let state = unsafe { &mut *self.state.get() };
        if let Some(moved) = self.window.moved(T::SIDE) {
            state.settle(moved);
            self.window.forget();
        }
        body(state)
    }
}

struct Leave<'a, T: Windowed> {
    lock: &'a Direction<T>,
    me: u32,
    own: bool,
}

impl<T: Windowed> Drop for Leave<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // As by `longjmp`, which runs no destructor.
        #[cfg(loom)]
        if sys::model::leaves() {
            return;
        }
        if self.own {
            self.lock.leave_own(self.me);
        } else {
            self.lock.unlock(self.me);
        }
    }
}
