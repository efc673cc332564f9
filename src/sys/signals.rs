//! The signals of a thread. Where handlers leave calls by `longjmp` and streams shall be exact for that,
//! they are held back while the state of a stream is moved, and come while the thread waits.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

static EXACT: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The mask that the thread had, while its signals are held back.
    static BEFORE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Whether streams are exact for threads that leave calls by `longjmp`.
#[inline]
pub fn leaving_is_exact() -> bool {
    EXACT.load(Ordering::Relaxed)
}

/// Says whether they shall be.
pub fn make_leaving_exact(on: bool) {
    EXACT.store(on, Ordering::Relaxed);
}

/// Whether the signals of this thread are held back.
#[inline]
pub fn are_held() -> bool {
    leaving_is_exact() && BEFORE.get().is_some()
}

/// The signal mask as the system call has it, which the C library's type is longer than.
pub(super) fn change_mask(how: libc::c_int, set: u64) -> u64 {
    let mut before = 0_u64;
    // SAFETY: the pointers describe masks of 8 bytes.
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set, &raw mut before, size_of::<u64>());
    }
    before
}

pub(super) const fn set_of(signal: libc::c_int) -> u64 {
    1 << (signal - 1)
}

/// Those that an instruction of the thread itself raises: the system ends a process that holds them back.
const OWN_FAULTS: u64 = set_of(libc::SIGSEGV)
    | set_of(libc::SIGBUS)
    | set_of(libc::SIGILL)
    | set_of(libc::SIGFPE)
    | set_of(libc::SIGTRAP)
    | set_of(libc::SIGSYS)
    | set_of(libc::SIGABRT);

/// The first of those that the C library uses itself, up to `SIGRTMIN`.
const FIRST_REAL_TIME: libc::c_int = 32;

fn all_that_can_be_held() -> u64 {
    let library = (FIRST_REAL_TIME..libc::SIGRTMIN()).map(set_of).fold(0, |all, one| all | one);
    !(OWN_FAULTS | library)
}

/// While this lives no signal handler runs in the thread, but in a wait.
pub struct Held(());

/// Holds the signals back, unless they are already, or nobody wants that.
#[inline]
pub fn hold() -> Option<Held> {
    if leaving_is_exact() { begin() } else { None }
}

#[cold]
fn begin() -> Option<Held> {
    let before = change_mask(libc::SIG_BLOCK, all_that_can_be_held());
    // Looked at only now, because a thread's first look may allocate.
    if BEFORE.get().is_some() {
        return None;
    }
    BEFORE.set(Some(before));
    Some(Held(()))
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(before) = BEFORE.take() {
            change_mask(libc::SIG_SETMASK, before);
        }
    }
}

/// Allocates memory: who leaves calls at any instant shall not leave one in which malloc has its lock.
pub fn not_left<T>(allocate: impl FnOnce() -> T) -> T {
    let _held = hold();
    allocate()
}

/// Waits in the system, with the signals that are held back let through: a handler may leave from here.
#[inline]
pub(super) fn let_through<T>(wait: impl FnOnce() -> T) -> T {
    if are_held() { let_all_through(wait) } else { wait() }
}

#[cold]
fn let_all_through<T>(wait: impl FnOnce() -> T) -> T {
    let Some(before) = BEFORE.take() else { return wait() };
    change_mask(libc::SIG_SETMASK, before);
    let done = wait();
    change_mask(libc::SIG_BLOCK, all_that_can_be_held());
    BEFORE.set(Some(before));
    done
}
