//! Waiting for a word to change.

use super::signals::let_through;
use super::time::Time;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Sleeps while the word has that value, at most so long; may return early.
pub fn wait_while(word: &AtomicU32, value: u32, at_most: Duration) {
    let time = Time::of(at_most);
    let wait = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word and the time outlive the call.
    let_through(|| unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), wait, value, time.as_ptr()) });
}

/// Wakes one thread that sleeps on the word.
pub fn wake_one(word: &AtomicU32) {
    // SAFETY: the kernel only uses the address as a key.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1) };
}
