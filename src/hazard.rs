//! Hazard pointers: which objects each thread is inside of at this moment, so that what one thread
//! gives up (the memory of a freed socket, the number of a closed descriptor) is kept until the
//! last call that uses it has left.
//!
//! Entering writes two words of the thread's own record and costs no atomic read-modify-write.
//! A thread may leave a call by `longjmp` or by unwinding through it, so that the guard here never
//! runs: its frames are then recognised at its next call by their place on the stack. No lock is
//! held anywhere, and the child of a fork forgets the frames of the threads it does not have.

use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};
use crate::sync::{locals, statics};
use crate::sys::{Stack, process};
use std::cell::Cell;
use std::marker::PhantomData;

/// Objects one thread can be inside of at once, left-over frames included; more take a new record.
const FRAMES: usize = if cfg!(loom) { 2 } else { 16 };

/// The next call's frame is lower than a frame that is still live by at least this: a signal frame
/// lies between them. Less than any signal frame of the supported machines.
const SIGNAL_FRAME: usize = 1024;

/// The bit of a place that is not where its call began.
const INNER: usize = 1;

/// Places further apart than this are on different stacks and cannot be compared.
const ONE_STACK: usize = 64 << 20;

struct Frame {
    object: AtomicUsize,
    place: AtomicUsize,
}

/// A thread's record. Records are never freed, only handed to another thread.
struct Record {
    taken: AtomicBool,
    depth: AtomicUsize,
    frames: [Frame; FRAMES],
    next: Option<&'static Record>,
}

statics! {
    static RECORDS: AtomicPtr<Record> = AtomicPtr::new(std::ptr::null_mut());
    static RECORD_COUNT: AtomicUsize = AtomicUsize::new(0);
    static RETIRED: Stack<Retired> = Stack::new();
}

locals! {
    static RECORD: Cell<Option<&'static Record>> = const { Cell::new(None) };
    static AT_THREAD_EXIT: AtThreadExit = const { AtThreadExit };
}

/// Makes what a thread keeps.
pub fn make_for_thread() {
    if RECORD.get().is_none() {
        claim();
    }
}

struct Retired {
    object: usize,
    /// Kept for its destructor.
    _garbage: Box<dyn Send>,
}

/// Being inside of an object; dropping it leaves.
pub struct Inside {
    record: &'static Record,
    index: usize,
    /// Belongs to the thread that entered.
    _of_thread: PhantomData<*mut ()>,
}

/// Enters as the first object of a call from outside: frames of calls that were left without
/// returning are forgotten.
#[inline]
pub fn enter_from_outside(object: usize) -> Inside {
    let place = place_on_stack();
    let record = record();
    let mut depth = record.depth.load(Ordering::Relaxed);
    let mut within_left = false;
    while let Some(frame) = depth.checked_sub(1).and_then(|top| record.frames.get(top)) {
        let old = frame.place.load(Ordering::Relaxed);
        // What lies deeper in a call is left together with the call, however large its frames are.
        if !within_left && !is_left(old & !INNER, place) {
            break;
        }
        within_left = old & INNER != 0;
        depth -= 1;
    }
    // So many handlers inside of each other's calls there are not: these have been left.
    if depth + 1 >= FRAMES && FRAMES > 2 {
        depth = 0;
    }
    record.depth.store(depth, Ordering::Release);
    push(record, object, place & !INNER)
}

/// Enters another object in the same call.
#[inline]
pub fn enter(object: usize) -> Inside {
    push(record(), object, place_on_stack() | INNER)
}

#[inline]
fn push(record: &'static Record, object: usize, place: usize) -> Inside {
    let index = record.depth.load(Ordering::Relaxed);
    let Some(frame) = record.frames.get(index) else {
        return push(claim(), object, place);
    };
    // Whoever sees this object here shall see all that was done in the one that was here before.
    frame.object.store(object, Ordering::Release);
    frame.place.store(place, Ordering::Relaxed);
    record.depth.store(index + 1, Ordering::Release);
    process::barrier_for_one();
    Inside { record, index, _of_thread: PhantomData }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        self.record.depth.store(self.index, Ordering::Release);
        process::barrier_for_one();
        if !RETIRED.is_empty() {
            collect();
        }
    }
}

/// Drops `garbage`, which threads inside of `object` may still use: at once if there is none,
/// else when the last of them has left.
pub fn retire(object: usize, garbage: Box<dyn Send>) {
    if is_entered(object) {
        RETIRED.push(Retired { object, _garbage: garbage });
        collect();
    }
}

/// Whether any call is inside of `object` at this moment.
pub fn is_entered(object: usize) -> bool {
    let own = RECORD.get();
    let records = RECORD_COUNT.load(Ordering::SeqCst);
    if records == 1 && own.is_some() {
        fence(Ordering::SeqCst);
    } else {
        process::barrier_for_all();
    }
    let mut next = first_record();
    while let Some(record) = next {
        let depth = record.depth.load(Ordering::Acquire);
        let mut frames = record.frames.iter().take(depth);
        if frames.any(|frame| frame.object.load(Ordering::Acquire) == object) {
            return true;
        }
        next = record.next;
    }
    false
}

#[cold]
fn collect() {
    loop {
        let mut kept = Vec::new();
        for retired in RETIRED.take() {
            if is_entered(retired.object) {
                kept.push(retired.object);
                RETIRED.push(retired);
            }
        }
        // Whoever left while its object was off the stack saw nothing to collect.
        if kept.iter().all(|object| is_entered(*object)) {
            return;
        }
    }
}

#[inline]
fn record() -> &'static Record {
    RECORD.get().unwrap_or_else(claim)
}

#[cold]
fn claim() -> &'static Record {
    // To prepare twice does no harm; a `Once` that is left by `longjmp` would stop all others.
    statics! { static PREPARED: AtomicBool = AtomicBool::new(false); }
    if !PREPARED.load(Ordering::SeqCst) {
        process::prepare_barriers();
        process::after_fork_in_child(forget_other_threads);
        PREPARED.store(true, Ordering::SeqCst);
    }
    let record = take_free_record().unwrap_or_else(add_record);
    record.depth.store(0, Ordering::Release);
    RECORD.set(Some(record));
    // Fails only while the thread ends; the record then stays taken.
    let _ = AT_THREAD_EXIT.try_with(|_| ());
    fence(Ordering::SeqCst);
    record
}

fn take_free_record() -> Option<&'static Record> {
    let mut next = first_record();
    while let Some(record) = next {
        if !record.taken.load(Ordering::Relaxed) && !record.taken.swap(true, Ordering::SeqCst) {
            return Some(record);
        }
        next = record.next;
    }
    None
}

fn add_record() -> &'static Record {
    let frame = || Frame { object: AtomicUsize::new(0), place: AtomicUsize::new(0) };
    let record = Box::leak(Box::new(Record {
        taken: AtomicBool::new(true),
        depth: AtomicUsize::new(0),
        frames: std::array::from_fn(|_| frame()),
        next: None,
    }));
    loop {
        record.next = first_record();
        let head = record.next.map_or(std::ptr::null_mut(), |head| std::ptr::from_ref(head).cast_mut());
        let new = std::ptr::from_mut(record);
        if RECORDS.compare_exchange(head, new, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            RECORD_COUNT.fetch_add(1, Ordering::SeqCst);
            return record;
        }
    }
}

fn first_record() -> Option<&'static Record> {
    let head = RECORDS.load(Ordering::SeqCst);
    #[allow(unsafe_code)]
    // SAFETY: the list holds leaked boxes only, which are not changed but for their atomics once
    // they are in it.
    unsafe {
        head.as_ref()
    }
}

struct AtThreadExit;

impl Drop for AtThreadExit {
    fn drop(&mut self) {
        if let Some(record) = RECORD.take() {
            record.depth.store(0, Ordering::Release);
            record.taken.store(false, Ordering::SeqCst);
            process::barrier_for_one();
            // What calls kept that this thread has left.
            if !RETIRED.is_empty() {
                collect();
            }
        }
    }
}

/// The other threads do not exist in the child of a fork: neither do their calls.
extern "C" fn forget_other_threads() {
    crate::sys::forget_thread_id();
    let own = RECORD.get().map_or(std::ptr::null(), std::ptr::from_ref);
    let mut next = first_record();
    while let Some(record) = next {
        if !std::ptr::eq(record, own) {
            record.depth.store(0, Ordering::SeqCst);
            record.taken.store(false, Ordering::SeqCst);
        }
        next = record.next;
    }
}

/// Whether a frame at `old` cannot be live while this thread is at `place`.
#[inline]
fn is_left(old: usize, place: usize) -> bool {
    old <= place.saturating_add(SIGNAL_FRAME) && old.abs_diff(place) <= ONE_STACK
}

/// Whether this thread has left the call that noted this place.
pub fn has_returned(place: usize) -> bool {
    is_left(place, place_on_stack())
}

/// The caller's place on its stack.
#[inline]
pub fn place_on_stack() -> usize {
    let marker = 0u8;
    std::hint::black_box(&raw const marker).addr()
}
