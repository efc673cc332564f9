//! The kernel of the models: waiting for a word, what threads are doing, numbers of descriptors.

use super::Fd;
use crate::error::Errno;
use crate::hazard::place_on_stack;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::locals;
use crate::sync::model;
use loom::cell::UnsafeCell;
use loom::sync::{Condvar, Mutex, MutexGuard};
use loom::thread::{self, JoinHandle};
use std::cell::Cell;
use std::net::Shutdown;
use std::os::fd::RawFd;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

pub use super::threads::Doing;

/// loom's largest number, the model's own thread among them.
const THREADS: usize = loom::MAX_THREADS;
const NUMBERS: usize = 4;
const WORDS: usize = 2;
/// How often those that wait have to look at a thread that has left, until they believe it.
const LOOKS_ELSEWHERE: u32 = 3;
const LOOKS_AT_ENDED: u32 = 1;

locals! {
    static ID: Cell<u32> = const { Cell::new(1) };
    /// Above every place in its calls.
    static STACK: Cell<usize> = const { Cell::new(0) };
    static LEAVES: Cell<bool> = const { Cell::new(false) };
    /// How many of the time-outs this thread has had.
    static SEEN: Cell<u32> = const { Cell::new(0) };
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Runs,
    /// In a system call of the stream.
    Waits,
    /// In a system call of its own.
    IsElsewhere,
    HasEnded,
}

#[derive(Clone, Copy, Default)]
struct Thread {
    state: State,
    /// Above every place in its calls.
    stack: usize,
}

#[derive(Default)]
struct Kernel {
    threads: [Thread; THREADS],
    /// How often a sleep was ended, or kept from beginning, by the time.
    time_outs: u32,
    /// The words that are slept on, one for each of `AWAKE`.
    words: Vec<usize>,
}

struct Number {
    /// Read by operations and written by the give-back, which so has to come after them.
    used: UnsafeCell<()>,
    given_back: AtomicUsize,
}

loom::lazy_static! {
    static ref STARTED: AtomicUsize = AtomicUsize::new(1);
    static ref KERNEL: Mutex<Kernel> = Default::default();
    static ref AWAKE: [Condvar; WORDS] = Default::default();
    static ref DESCRIPTORS: [Number; NUMBERS] =
        std::array::from_fn(|_| Number { used: UnsafeCell::new(()), given_back: AtomicUsize::new(0) });
}

fn kernel() -> MutexGuard<'static, Kernel> {
    KERNEL.lock().unwrap()
}

// --- threads

/// Starts a thread that has a number.
pub fn spawn(body: impl FnOnce() + 'static) -> JoinHandle<()> {
    let id = STARTED.fetch_add(1, Ordering::Relaxed) as u32 + 1;
    model::spawn(move || {
        ID.set(id);
        STACK.set(place_on_stack());
        body();
    })
}

pub fn thread_id() -> u32 {
    ID.get()
}

pub fn forget_thread_id() {}

pub fn processor_time(_: u32) -> Option<u64> {
    None
}

pub fn doing(thread: u32) -> Doing {
    let Thread { state, stack } = kernel().threads[thread as usize - 1];
    match state {
        State::Runs => Doing::Running,
        State::Waits => Doing::Unknown,
        State::IsElsewhere => Doing::Waiting { call: libc::SYS_nanosleep, first: 0, stack },
        State::HasEnded => Doing::Ended,
    }
}

fn enter_state(state: State) -> MutexGuard<'static, Kernel> {
    let mut kernel = kernel();
    kernel.threads[thread_id() as usize - 1] = Thread { state, stack: STACK.get() };
    kernel
}

/// The others see this thread wait in a system call of the stream, until it says `is_back`.
pub fn waits() {
    drop(enter_state(State::Waits));
    thread::yield_now();
}

/// This thread runs, as at first.
pub fn is_back() {
    LEAVES.set(false);
    enter_state(State::Runs);
}

/// This thread leaves the calls that it is in: nothing of them runs any more.
pub fn leave() {
    LEAVES.set(true);
}

/// Whether it is leaving.
pub fn leaves() -> bool {
    LEAVES.get()
}

/// It has left and waits for something else.
pub fn is_elsewhere() {
    LEAVES.set(false);
    time_out(enter_state(State::IsElsewhere), LOOKS_ELSEWHERE);
    thread::yield_now();
}

/// It has left and ended.
pub fn has_ended() {
    time_out(enter_state(State::HasEnded), LOOKS_AT_ENDED);
}

// --- waiting for a word

/// Sleeps without a limit, so that a wake-up that gets lost is a deadlock: only what has no other
/// way to be known, that a thread has left, is seen when the time is over.
pub fn wait_while(word: &AtomicU32, value: u32, _: Duration) {
    let mut kernel = kernel();
    if kernel.time_outs == SEEN.get() && word.load(Ordering::SeqCst) == value {
        let place = std::ptr::from_ref(word).addr();
        let index = kernel.words.iter().position(|known| *known == place).unwrap_or_else(|| {
            kernel.words.push(place);
            kernel.words.len() - 1
        });
        kernel = AWAKE[index].wait(kernel).unwrap();
    }
    SEEN.set(kernel.time_outs.min(SEEN.get() + 1));
}

pub fn wake_one(word: &AtomicU32) {
    let kernel = kernel();
    let place = std::ptr::from_ref(word).addr();
    if let Some(index) = kernel.words.iter().position(|known| *known == place) {
        AWAKE[index].notify_one();
    }
}

fn time_out(mut kernel: MutexGuard<'static, Kernel>, times: u32) {
    kernel.time_outs += times;
    for awake in AWAKE.iter() {
        awake.notify_all();
    }
}

// --- descriptors

fn number(fd: Fd) -> &'static Number {
    let number = &DESCRIPTORS[fd.0 as usize];
    assert!(!is_given_back(fd), "a number is used that was given back");
    number
}

/// An operation on the descriptor.
pub fn operate(fd: Fd) {
    number(fd).used.with(|_| ());
}

pub fn shutdown(fd: Fd, _: Shutdown) -> Result<(), Errno> {
    operate(fd);
    Ok(())
}

pub fn replace_by_dead(fd: Fd) -> Result<(), Errno> {
    operate(fd);
    Ok(())
}

pub fn close(fd: RawFd) {
    let number = number(Fd(fd));
    number.used.with_mut(|_| ());
    number.given_back.fetch_add(1, Ordering::Relaxed);
}

/// Whether the number was given back.
pub fn is_given_back(fd: Fd) -> bool {
    DESCRIPTORS[fd.0 as usize].given_back.load(Ordering::Relaxed) != 0
}
