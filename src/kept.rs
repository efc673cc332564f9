//! What a call owns while it waits, outside of its frames: a thread that leaves the call by `longjmp`
//! runs no destructor, so its next such call, or its end, drops what the call had.

#![allow(unsafe_code)]

use crate::hazard;
use std::cell::RefCell;

/// More than a frame must differ from a live one for `hazard` to tell them apart.
const FRAME: usize = 4096;

struct Entry {
    place: usize,
    value: *mut (),
    free: unsafe fn(*mut ()),
}

impl Drop for Entry {
    fn drop(&mut self) {
        // SAFETY: `value` came from a box of the type that `free` is for, and this is its only owner.
        unsafe { (self.free)(self.value) };
    }
}

thread_local! {
    static KEPT: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// Makes what a thread keeps.
pub fn make_for_thread() {
    let _ = KEPT.try_with(|_| ());
}

unsafe fn free<T>(value: *mut ()) {
    // SAFETY: the caller gives a box's pointer back.
    drop(unsafe { Box::from_raw(value.cast::<T>()) });
}

fn taken_out(from: impl FnOnce(&[Entry]) -> usize) {
    let out = KEPT.with_borrow_mut(|kept| {
        let from = from(kept).min(kept.len());
        kept.split_off(from)
    });
    // Dropped outside of the borrow.
    drop(out);
}

/// Drops what this thread had in calls that it has left.
pub fn forget_left() {
    taken_out(|kept| kept.iter().take_while(|entry| !hazard::has_returned(entry.place)).count());
}

struct Ending(usize);

impl Drop for Ending {
    fn drop(&mut self) {
        taken_out(|_| self.0);
    }
}

/// Runs a body with a value that is dropped behind it, or where the thread leaves the body by
/// `longjmp`, by its next call or its end.
#[inline(never)]
pub fn keep<T: 'static, R>(value: T, body: impl FnOnce(&mut T) -> R) -> R {
    forget_left();
    // The place is at the upper end of this, so that whatever the body calls is seen to be below it.
    let frame = std::hint::black_box([0u8; FRAME]);
    let place = std::hint::black_box(&frame).as_ptr_range().end.addr();
    let value = Box::into_raw(Box::new(value));
    let ending = Ending(KEPT.with_borrow_mut(|kept| {
        kept.push(Entry { place, value: value.cast(), free: free::<T> });
        kept.len() - 1
    }));
    // SAFETY: the box is freed by `ending` below, or when this frame is gone; nobody else uses it.
    let result = body(unsafe { &mut *value });
    drop(ending);
    std::hint::black_box(&frame);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn what_is_kept_is_dropped_behind_the_body_and_not_by_calls_within() {
        let value = Rc::new(());
        let alive = || Rc::strong_count(&value) - 1;
        let seen = keep(Rc::clone(&value), |_| {
            let inner = keep(Rc::clone(&value), |_| alive());
            (inner, alive())
        });
        assert_eq!((seen, alive()), ((2, 1), 0));
    }

    #[test]
    fn a_panic_drops_it_too() {
        let value = Rc::new(());
        let given = Rc::clone(&value);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            keep(given, |_| panic!("within"));
        }));
        assert!(panicked.is_err());
        assert_eq!(Rc::strong_count(&value), 1);
    }
}
