//! A value that many threads read while any of them may put another one in its place. Neither waits
//! for the other: no lock is there that an interrupted thread, one that leaves by `longjmp`, or the
//! parent of a fork could keep.

#![allow(unsafe_code)]

use crate::hazard;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The place of a shared value.
pub struct Shared<T: Send + Sync + 'static> {
    /// From a box, or null. What finds leaks would not take the place within the `Arc` that
    /// `Arc::into_raw` answers for a reference to it.
    value: AtomicPtr<Arc<T>>,
}

impl<T: Send + Sync + 'static> Shared<T> {
    /// A place without a value.
    pub const fn empty() -> Shared<T> {
        Shared { value: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The value that is there now.
    pub fn get(&self) -> Option<Arc<T>> {
        self.look(|_, value| Arc::clone(value))
    }

    /// Looks at the value, which stays in memory meanwhile.
    fn look<R>(&self, look: impl FnOnce(*mut Arc<T>, &Arc<T>) -> R) -> Option<R> {
        loop {
            let value = self.value.load(Ordering::SeqCst);
            if value.is_null() {
                return None;
            }
            let _inside = hazard::enter(value.addr());
            if self.value.load(Ordering::SeqCst) == value {
                // SAFETY: the hazard pointer was set before the value was seen to be here still, so
                // that it is freed only after this guard has gone.
                return Some(look(value, unsafe { &*value }));
            }
        }
    }

    /// Puts a value there.
    pub fn set(&self, value: Option<Arc<T>>) {
        let new = value.map_or(ptr::null_mut(), |value| Box::into_raw(Box::new(value)));
        retire(self.value.swap(new, Ordering::SeqCst));
    }

    /// Puts a value there where `old` is there still: false where another thread was first.
    pub fn exchange(&self, old: Option<&Arc<T>>, value: Arc<T>) -> bool {
        let new = Box::into_raw(Box::new(value));
        let exchange = |from| self.value.compare_exchange(from, new, Ordering::SeqCst, Ordering::SeqCst);
        let done = match old {
            None => exchange(ptr::null_mut()),
            Some(old) => self
                .look(|place, value| if Arc::ptr_eq(value, old) { exchange(place) } else { Err(place) })
                .unwrap_or(Err(ptr::null_mut())),
        };
        match done {
            Ok(old) => retire(old),
            // SAFETY: nobody else has seen it.
            Err(_) => drop(unsafe { Box::from_raw(new) }),
        }
        done.is_ok()
    }
}

/// Frees a value that was taken out of its place.
fn retire<T: Send + Sync + 'static>(old: *mut Arc<T>) {
    if !old.is_null() {
        // SAFETY: whoever took the pointer out of the place, from `Box::into_raw`, owns it.
        hazard::retire(old.addr(), Box::new(unsafe { Box::from_raw(old) }));
    }
}

impl<T: Send + Sync + 'static> Drop for Shared<T> {
    fn drop(&mut self) {
        self.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize};

    static ALIVE: AtomicUsize = AtomicUsize::new(0);

    struct Counted(usize, usize);

    impl Counted {
        fn new(number: usize) -> Arc<Counted> {
            ALIVE.fetch_add(1, Ordering::SeqCst);
            Arc::new(Counted(number, !number))
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::SeqCst);
            self.1 = self.0;
        }
    }

    #[test]
    fn readers_see_whole_values_and_none_is_kept_or_freed_twice() {
        static PLACE: Shared<Counted> = Shared::empty();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !over.load(Ordering::SeqCst) {
                        if let Some(value) = PLACE.get() {
                            assert_eq!(value.0, !value.1);
                        }
                    }
                });
            }
            for number in 0..5000 {
                PLACE.set((number % 7 != 0).then(|| Counted::new(number)));
            }
            over.store(true, Ordering::SeqCst);
        });
        PLACE.set(None);
        assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn an_exchange_is_for_who_comes_first() {
        let place = Shared::empty();
        assert!(place.exchange(None, Arc::new(1)));
        let seen = place.get();
        assert!(!place.exchange(None, Arc::new(2)));
        assert!(place.exchange(seen.as_ref(), Arc::new(3)));
        assert!(!place.exchange(seen.as_ref(), Arc::new(4)));
        assert_eq!(place.get().as_deref(), Some(&3));
    }
}
