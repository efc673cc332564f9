//! A thread's first call. What the thread keeps is made here, with no signal handler running: the C library
//! allocates memory for it and takes locks meanwhile, which a thread that leaves by `longjmp` would hold for
//! ever, and its list of what to drop at the thread's end would be left half written. Whether a thread has made
//! it is in a table, because in a library that was opened at run time the first look at any thread local allocates.

use crate::sys;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The threads that have made it, by their pointers, as many as find a place: others make it again.
static MADE: [AtomicUsize; 256] = [const { AtomicUsize::new(0) }; 256];

thread_local! {
    static END: End = const { End };
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        let pointer = sys::thread_pointer();
        // Another thread may get the pointer.
        let _ = place(pointer).compare_exchange(pointer, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[inline]
fn place(pointer: usize) -> &'static AtomicUsize {
    let [first, ..] = &MADE;
    // The upper bits of the product depend on all of the pointer's.
    let index = (pointer as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
    MADE.get(index as usize).unwrap_or(first)
}

/// Has what this thread keeps made, where threads leave calls at any instant. A processor without
/// thread pointers has 0, which is there from the beginning.
#[inline]
pub fn prepare(make: impl FnOnce()) {
    if sys::leaving_is_exact() {
        let pointer = sys::thread_pointer();
        if place(pointer).load(Ordering::Relaxed) != pointer {
            make_all(pointer, make);
        }
    }
}

#[cold]
#[inline(never)]
fn make_all(pointer: usize, make: impl FnOnce()) {
    sys::not_left(|| {
        // Not any more where the thread ends.
        if END.try_with(|_| ()).is_ok() {
            make();
            place(pointer).store(pointer, Ordering::Relaxed);
        }
    });
}
