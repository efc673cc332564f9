//! Models of the lock of a direction. loom refuses two threads in the state at once, a state that is
//! seen without what was done to it before, and threads that wait for ever.

use super::lock::{Direction, Windowed};
use super::window::{Moved, Side};
use crate::sync::model::explore;
use crate::sys::model::{has_ended, is_back, is_elsewhere, leave, spawn, waits};
use loom::cell::UnsafeCell;
use loom::thread::{JoinHandle, yield_now};
use std::ops::RangeInclusive;
use std::sync::Arc;

const DESCRIPTOR: i32 = 3;

/// Counts its turns.
#[derive(Default)]
struct State(UnsafeCell<u32>);

impl State {
    fn turn(&mut self) {
        // SAFETY: loom watches that no other thread is here.
        #[allow(unsafe_code)]
        self.0.with_mut(|turns| unsafe { *turns += 1 });
    }

    fn turns(&mut self) -> u32 {
        // SAFETY: as above.
        #[allow(unsafe_code)]
        self.0.with(|turns| unsafe { *turns })
    }
}

impl Windowed for State {
    const SIDE: Side = Side::Input;

    fn settle(&mut self, _: Moved) {}
}

type Lock = Arc<Direction<State>>;

fn take_turns(lock: &Lock, turns: u32) {
    for _ in 0..turns {
        lock.with(DESCRIPTOR, State::turn);
    }
}

fn leave_in_turn(lock: &Lock) {
    lock.with(DESCRIPTOR, |state| {
        state.turn();
        leave();
    });
}

/// A lock that belongs to the first thread that comes, and one that belongs to nobody any more.
fn locks() -> [fn() -> Lock; 2] {
    [Lock::default, || {
        let lock = Lock::default();
        lock.with(DESCRIPTOR, |_| ());
        let other = lock.clone();
        spawn(move || other.with(DESCRIPTOR, |_| ())).join().unwrap();
        lock
    }]
}

/// The threads run those bodies and take as many turns in all. A lock that belongs to one of three
/// threads has too many interleavings, and so have three threads with more than one preemption.
fn model<const N: usize>(preemptions: usize, turns: RangeInclusive<u32>, bodies: [fn(&Lock); N]) {
    let first = if N > 2 { 1 } else { 0 };
    for make in locks().into_iter().skip(first) {
        let turns = turns.clone();
        explore(preemptions, move || {
            let lock = make();
            let threads = bodies.map(|body| {
                let lock = lock.clone();
                spawn(move || body(&lock))
            });
            assert_turns(&lock, turns.clone(), threads);
        });
    }
}

/// When the threads have ended, so many turns were taken.
fn assert_turns<const N: usize>(lock: &Lock, turns: RangeInclusive<u32>, threads: [JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(turns.contains(&lock.with(DESCRIPTOR, State::turns)), "not as many turns");
}

#[test]
fn two_threads_take_turns() {
    model(2, 4..=4, [|lock| take_turns(lock, 2); 2]);
}

#[test]
fn three_threads_take_turns() {
    model(1, 3..=3, [|lock| take_turns(lock, 1); 3]);
}

#[test]
fn the_lock_of_an_ended_thread_is_taken_over() {
    let leaver = |lock: &Lock| {
        leave_in_turn(lock);
        has_ended();
    };
    model(2, 2..=2, [leaver, |lock| take_turns(lock, 1)]);
    model(1, 3..=3, [leaver, |lock| take_turns(lock, 1), |lock| take_turns(lock, 1)]);
}

#[test]
fn the_lock_of_a_thread_that_is_elsewhere_is_taken_over() {
    let leaver = |lock: &Lock| {
        leave_in_turn(lock);
        is_elsewhere();
    };
    model(2, 2..=2, [leaver, |lock| take_turns(lock, 1)]);
    model(1, 3..=3, [leaver, |lock| take_turns(lock, 1), |lock| take_turns(lock, 1)]);
}

#[test]
fn a_thread_takes_its_own_lock_over() {
    let leaver = |lock: &Lock| {
        leave_in_turn(lock);
        is_back();
        take_turns(lock, 1);
    };
    model(2, 3..=3, [leaver, |lock| take_turns(lock, 1)]);
}

/// While another one, which has seen that it is elsewhere, takes it over.
#[test]
fn a_thread_comes_back() {
    let leaver = |lock: &Lock| {
        leave_in_turn(lock);
        is_elsewhere();
        is_back();
        take_turns(lock, 1);
    };
    model(2, 3..=3, [leaver, |lock| take_turns(lock, 1)]);
}

#[test]
fn trying_takes_a_turn_or_none() {
    let waiter = |lock: &Lock| {
        lock.with(DESCRIPTOR, |state| {
            waits();
            state.turn();
            is_back();
        });
    };
    let trier = |lock: &Lock| {
        lock.try_with(DESCRIPTOR, State::turn);
    };
    model(2, 1..=2, [waiter, trier]);
}

/// A wake-up that comes to a thread that only tries is for all that wait.
#[test]
fn trying_takes_no_wake_up_away() {
    let bodies: [fn(&Lock); 2] = [
        |lock| {
            lock.try_with(DESCRIPTOR, State::turn);
        },
        |lock| take_turns(lock, 1),
    ];
    for make in locks() {
        explore(1, move || {
            let lock = make();
            let threads = lock.with(DESCRIPTOR, |state| {
                state.turn();
                bodies.map(|body| {
                    let lock = lock.clone();
                    let thread = spawn(move || body(&lock));
                    yield_now();
                    thread
                })
            });
            lock.with(DESCRIPTOR, |state| {
                waits();
                state.turn();
                is_back();
            });
            assert_turns(&lock, 3..=4, threads);
        });
    }
}
