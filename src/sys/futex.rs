//! Waiting for a word to change.

use std::sync::atomic::AtomicU32;

/// Sleeps while the word has that value; may return early.
pub fn wait_while(word: &AtomicU32, value: u32) {
    // SAFETY: the word outlives the call; no time-out is given.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            value,
            std::ptr::null::<libc::timespec>(),
        )
    };
}

/// Wakes one thread that sleeps on the word.
pub fn wake_one(word: &AtomicU32) {
    // SAFETY: the kernel only uses the address as a key.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1) };
}
