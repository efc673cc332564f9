//! Models of handles. loom and `Life` refuse the use of an object that was freed, a second freeing,
//! and a freeing that does not come after the uses.

use super::handle::{self, Kind, publish};
use crate::sync::model::{explore, spawn};
use loom::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Outlives its object.
struct Life {
    /// Read by the uses and written by the end.
    used: UnsafeCell<()>,
    ended: AtomicBool,
}

// SAFETY: loom watches what its threads share.
unsafe impl Sync for Life {}

struct Object {
    /// The beginning of freed memory is overwritten: a use that is too late finds `life` behind it.
    _room: [usize; 8],
    name: usize,
    life: Arc<Life>,
}

impl Kind for Object {
    const MARK: usize = 0b0111;
    const NAME: &'static str = "model";
}

impl Drop for Object {
    fn drop(&mut self) {
        self.life.used.with_mut(|_| ());
        assert!(!self.life.ended.swap(true, Ordering::Relaxed), "an object is freed twice");
    }
}

/// A handle and what is known of its object.
#[derive(Clone)]
struct Made {
    handle: usize,
    name: usize,
    life: Arc<Life>,
}

fn make(name: usize) -> Made {
    let life = Arc::new(Life { used: UnsafeCell::new(()), ended: AtomicBool::new(false) });
    let handle = publish(Object { _room: [0; 8], name, life: life.clone() }).unwrap();
    Made { handle, name, life }
}

impl Made {
    /// Whether the handle was valid; then it stands for its own object, which lives.
    fn get(&self) -> bool {
        let Ok(held) = handle::get::<Object>(self.handle) else {
            return false;
        };
        assert!(!self.life.ended.load(Ordering::Relaxed), "an object is used that was freed");
        held.life.used.with(|_| ());
        assert_eq!(held.name, self.name, "the handle of another object");
        true
    }

    fn release(&self) -> bool {
        handle::release::<Object>(self.handle).is_ok()
    }

    /// Afterwards it is gone: the handle, and the object with nobody inside of it.
    fn assert_gone(&self) {
        assert!(!self.get());
        assert!(self.life.ended.load(Ordering::Relaxed), "an object was kept");
    }
}

/// Threads that run those bodies with the same handle; then it is gone.
fn model<const N: usize>(preemptions: usize, bodies: [fn(&Made); N]) {
    explore(preemptions, move || {
        let made = make(1);
        let threads = bodies.map(|body| {
            let made = made.clone();
            spawn(move || body(&made))
        });
        for thread in threads {
            thread.join().unwrap();
        }
        made.assert_gone();
    });
}

fn get(made: &Made) {
    made.get();
}

fn release(made: &Made) {
    assert!(made.release());
    assert!(!made.get());
}

#[test]
fn an_object_is_freed_after_its_last_use() {
    model(3, [release, get]);
    model(2, [release, get, get]);
}

#[test]
fn one_of_two_releases_frees() {
    explore(3, || {
        let made = make(1);
        let freed = Arc::new(AtomicUsize::new(0));
        let threads = [0, 1].map(|_| {
            let (made, freed) = (made.clone(), freed.clone());
            spawn(move || {
                freed.fetch_add(made.release().into(), Ordering::Relaxed);
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(freed.load(Ordering::Relaxed), 1);
        made.assert_gone();
    });
}

#[test]
fn the_next_object_of_a_slot_has_another_handle() {
    model(
        3,
        [
            |made| {
                release(made);
                let next = make(2);
                assert_ne!(next.handle, made.handle);
                assert!(next.get());
                assert!(next.release());
            },
            get,
        ],
    );
}

/// Slots are taken and given back by several threads at once: none is lost, none is had twice.
#[test]
fn objects_come_and_go() {
    explore(2, || {
        let made = make(1);
        let mine = made.clone();
        let threads = [
            spawn(move || {
                release(&mine);
                let own = make(2);
                assert!(own.get());
                release(&own);
            }),
            spawn(|| {
                let own = make(3);
                assert!(own.get());
                release(&own);
            }),
        ];
        for thread in threads {
            thread.join().unwrap();
        }
        made.assert_gone();
    });
}
