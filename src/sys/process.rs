//! What concerns the whole process: the barrier across its threads, forking, random bits.

use crate::sync::atomic::fence;
use std::sync::atomic::{AtomicBool, Ordering};

static BARRIER_ACROSS_THREADS: AtomicBool = AtomicBool::new(false);

/// Asks the kernel for barriers across threads. To be called before their first use; again does no
/// harm.
pub fn prepare_barriers() {
    // SAFETY: membarrier takes integers only.
    let registered =
        unsafe { libc::syscall(libc::SYS_membarrier, libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) };
    // A model cannot see the kernel's barrier: there both halves are fences.
    BARRIER_ACROSS_THREADS.store(registered == 0 && !cfg!(loom), Ordering::SeqCst);
}

/// The child of a fork runs `forget` from now on.
pub fn after_fork_in_child(forget: extern "C" fn()) {
    // SAFETY: the handler is a function that lives as long as this library, which is never unloaded.
    unsafe { libc::pthread_atfork(None, None, Some(forget)) };
}

/// Whether the cheap half costs nothing, because the kernel makes the costly one.
pub fn has_barrier() -> bool {
    BARRIER_ACROSS_THREADS.load(Ordering::Relaxed)
}

/// The cheap half of the barrier, on the path of every call: orders a store before a later load
/// as seen by a thread that runs `barrier_for_all`.
#[inline]
pub fn barrier_for_one() {
    if BARRIER_ACROSS_THREADS.load(Ordering::Relaxed) {
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// The costly half: after it, every other thread either sees what was stored before it or has had
/// its own earlier stores seen.
pub fn barrier_for_all() {
    fence(Ordering::SeqCst);
    if BARRIER_ACROSS_THREADS.load(Ordering::Relaxed) {
        // SAFETY: membarrier takes integers only.
        unsafe { libc::syscall(libc::SYS_membarrier, libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) };
    }
}

/// Random bits from the kernel, or bits of the clock where it has none to give yet.
pub fn random_bits() -> u64 {
    let mut bytes = [0u8; 8];
    // SAFETY: the pointer and the length describe `bytes`. A bare system call is no cancellation point.
    let got =
        unsafe { libc::syscall(libc::SYS_getrandom, bytes.as_mut_ptr(), bytes.len(), libc::GRND_NONBLOCK) };
    if usize::try_from(got) == Ok(bytes.len()) {
        return u64::from_ne_bytes(bytes);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |now| now.as_nanos() as u64) ^ (u64::from(std::process::id()) << 32)
}
