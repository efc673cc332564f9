//! What a thread may reach of a stream's buffer without the lock, the table of handles and the
//! boundary: there a byte or a line costs a few instructions.
//!
//! Every thread has a seat, found by its thread pointer, with one window into an input buffer and
//! one into an output buffer. Only the thread that a direction belongs to (see `lock`) opens its
//! window, when it leaves the lock; it is closed when the lock is taken again. Another thread that
//! changes what the window was opened by, or frees the stream, closes it too: it takes the key away,
//! and after a barrier across the threads of the process the owner either sees that or is seen to
//! be inside and waited for.

use super::holder::{BETWEEN_LOOKS, Holder, Seen, Watch};
use crate::hazard;
use crate::sys::{self, process};
use std::cell::Cell;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU16, AtomicU32, AtomicUsize, Ordering, compiler_fence};

/// How many threads can have a window; others do without.
const SEATS: usize = 256;

/// How often a window is looked at at once until its owner has left it, which takes nanoseconds unless
/// it was interrupted.
const SPINS: u32 = 1000;

/// The position in a buffer, which the owner of the window moves.
#[derive(Debug, Default)]
pub struct Cursor {
    base: AtomicPtr<u8>,
    next: AtomicU32,
    /// Bytes may be moved up to here.
    bytes_end: AtomicU32,
    /// Bytes up to here may be moved as characters: in the input they are known to be ASCII.
    characters_end: AtomicU32,
    /// Behind the character that was read last and can be put back, or 0.
    character_end: AtomicU32,
}

/// What a window is opened for.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub base: *mut u8,
    pub next: usize,
    pub bytes_end: usize,
    pub characters_end: usize,
    pub character_end: usize,
}

/// Where its owner came.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    pub next: usize,
    pub character_end: usize,
}

/// Which of a thread's windows.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Input,
    Output,
}

/// A window as its owner has it.
struct Pane {
    /// Of the stream that it looks into, 0 while it is closed.
    key: AtomicUsize,
    /// Where on its stack the owner is inside, 0 while it is not.
    busy: AtomicUsize,
    cursor: AtomicPtr<Cursor>,
}

/// A thread's windows.
#[repr(align(64))]
struct Seat {
    /// The thread pointer of whose it is, 0 while it is free.
    pointer: AtomicUsize,
    thread: AtomicU32,
    input: Pane,
    output: Pane,
}

static TABLE: [Seat; SEATS] = [const { Seat::new() }; SEATS];

thread_local! {
    static AT_THREAD_EXIT: AtThreadExit = const { AtThreadExit(Cell::new(None)) };
}

/// Makes what a thread keeps.
pub(super) fn make_for_thread() {
    let _ = AT_THREAD_EXIT.try_with(|_| ());
}

struct AtThreadExit(Cell<Option<&'static Seat>>);

impl Drop for AtThreadExit {
    fn drop(&mut self) {
        if let Some(seat) = self.0.take() {
            seat.leave();
        }
    }
}

impl Pane {
    const fn new() -> Pane {
        Pane {
            key: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            cursor: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// A call that was left by `longjmp` is no longer inside; one that a signal handler interrupts is.
    #[inline]
    fn forget_left_call(&self) {
        let busy = self.busy.load(Ordering::Relaxed);
        if busy != 0 && hazard::has_returned(busy) {
            self.busy.store(0, Ordering::Relaxed);
        }
    }
}

impl Seat {
    const fn new() -> Seat {
        Seat {
            pointer: AtomicUsize::new(0),
            thread: AtomicU32::new(0),
            input: Pane::new(),
            output: Pane::new(),
        }
    }

    #[inline(always)]
    fn of(pointer: usize) -> &'static Seat {
        // The upper bits of the product depend on all of the pointer's.
        let index = (pointer as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
        let [first, ..] = &TABLE;
        TABLE.get(index as usize).unwrap_or(first)
    }

    #[inline(always)]
    fn pane(&self, side: Side) -> &Pane {
        match side {
            Side::Input => &self.input,
            Side::Output => &self.output,
        }
    }

    /// The seat of this thread, which is taken if it is free.
    #[inline]
    fn of_this_thread() -> Option<&'static Seat> {
        let pointer = sys::thread_pointer();
        let seat = Seat::of(pointer);
        (seat.pointer.load(Ordering::Relaxed) == pointer || seat.take(pointer)).then_some(seat)
    }

    #[cold]
    fn take(&'static self, pointer: usize) -> bool {
        // To prepare twice does no harm; a `Once` that is left by `longjmp` would stop all others.
        static PREPARED: AtomicBool = AtomicBool::new(false);
        if !PREPARED.swap(true, Ordering::SeqCst) {
            process::after_fork_in_child(forget_other_threads);
        }
        // A thread that is ending could not leave it any more.
        pointer != 0
            && process::has_barrier()
            && AT_THREAD_EXIT.try_with(|_| ()).is_ok()
            && self.pointer.compare_exchange(0, pointer, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            && AT_THREAD_EXIT.try_with(|seat| seat.0.set(Some(self))).is_ok()
    }

    fn index(&self) -> u16 {
        let offset = std::ptr::from_ref(self).addr() - TABLE.as_ptr().addr();
        (offset / size_of::<Seat>()) as u16
    }

    fn leave(&self) {
        for pane in [&self.input, &self.output] {
            pane.key.store(0, Ordering::SeqCst);
            pane.busy.store(0, Ordering::SeqCst);
        }
        self.pointer.store(0, Ordering::SeqCst);
    }
}

/// The other threads do not exist in the child of a fork.
extern "C" fn forget_other_threads() {
    let pointer = sys::thread_pointer();
    TABLE.iter().filter(|seat| seat.pointer.load(Ordering::SeqCst) != pointer).for_each(Seat::leave);
}

/// The window of one direction of a stream.
#[derive(Debug, Default)]
pub struct Window {
    cursor: Cursor,
    /// The owner's index in the table, and one more; 0 before it was ever opened.
    seat: AtomicU16,
}

/// To be called near the place on the stack where a window was used that did not reach.
#[inline]
pub(super) fn forget_left_calls() {
    let pointer = sys::thread_pointer();
    let seat = Seat::of(pointer);
    if seat.pointer.load(Ordering::Relaxed) == pointer {
        seat.input.forget_left_call();
        seat.output.forget_left_call();
    }
}

/// Runs `body` on the window of this thread that was opened with this key. It must not panic, and
/// what it moves past is between the cursor's `next` and one of its ends.
#[inline(always)]
pub(super) fn within<T>(side: Side, key: usize, body: impl FnOnce(&Cursor) -> Option<T>) -> Option<T> {
    let pointer = sys::thread_pointer();
    let seat = Seat::of(pointer);
    let pane = seat.pane(side);
    if key == 0 || seat.pointer.load(Ordering::Relaxed) != pointer {
        return None;
    }
    // A signal handler may do this inside of itself.
    let outer = pane.busy.load(Ordering::Relaxed);
    pane.busy.store(sys::stack_pointer(), Ordering::Relaxed);
    // Threads have seats only where there is a barrier across threads.
    compiler_fence(Ordering::SeqCst);
    let done = if pane.key.load(Ordering::Relaxed) == key {
        #[allow(unsafe_code)]
        // SAFETY: the cursor is in a stream, which is dropped only after its windows were closed, and
        // who closes this one waits until this thread is no longer inside.
        let cursor = unsafe { &*pane.cursor.load(Ordering::Relaxed) };
        body(cursor)
    } else {
        None
    };
    pane.busy.store(outer, Ordering::Release);
    done
}

impl Window {
    fn place(&self) -> *mut Cursor {
        std::ptr::from_ref(&self.cursor).cast_mut()
    }

    fn pane(&self, side: Side) -> Option<(&'static Seat, &'static Pane)> {
        let index = usize::from(self.seat.load(Ordering::Relaxed)).checked_sub(1)?;
        let seat = TABLE.get(index)?;
        Some((seat, seat.pane(side)))
    }

    /// Opens it for this thread, which holds the lock of the direction as its own, where `allowed`
    /// says so afterwards as well.
    #[inline]
    pub fn open(&self, side: Side, key: usize, view: View, allowed: impl FnOnce() -> bool) {
        let Some(seat) = Seat::of_this_thread() else { return };
        let pane = seat.pane(side);
        if pane.busy.load(Ordering::Relaxed) != 0 {
            // A signal handler runs inside of a call that still uses the window.
            return;
        }
        pane.key.store(0, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        seat.thread.store(sys::thread_id(), Ordering::Relaxed);
        self.seat.store(seat.index() + 1, Ordering::Relaxed);
        self.cursor.set(view);
        pane.cursor.store(self.place(), Ordering::Release);
        pane.key.store(key, Ordering::Release);
        process::barrier_for_one();
        if !allowed() {
            pane.key.store(0, Ordering::Relaxed);
        }
    }

    /// Closes it for who holds the lock, whose it is or was; where its owner came.
    #[inline]
    pub fn moved(&self, side: Side) -> Option<Moved> {
        if self.cursor.base.load(Ordering::Relaxed).is_null() {
            return None;
        }
        if let Some((_, pane)) = self.pane(side)
            && pane.key.load(Ordering::Relaxed) != 0
            && pane.cursor.load(Ordering::Relaxed) == self.place()
        {
            pane.key.store(0, Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
        }
        Some(Moved {
            next: self.cursor.next.load(Ordering::Relaxed) as usize,
            character_end: self.cursor.character_end.load(Ordering::Relaxed) as usize,
        })
    }

    /// Where its owner came has been taken over. Who leaves before this is taken over again.
    #[inline]
    pub fn forget(&self) {
        compiler_fence(Ordering::SeqCst);
        self.cursor.base.store(std::ptr::null_mut(), Ordering::Relaxed);
    }

    /// Closes it from any thread, after what forbids to open it again has been made known by a
    /// barrier. Waits until its owner is not inside.
    pub fn close(&self, side: Side, descriptor: RawFd) {
        let Some((seat, pane)) = self.pane(side) else { return };
        if pane.cursor.load(Ordering::SeqCst) != self.place() {
            return;
        }
        // The owner may be inside still, though another thread has taken the key away already.
        let key = pane.key.load(Ordering::SeqCst);
        let _ = pane.key.compare_exchange(key, 0, Ordering::SeqCst, Ordering::SeqCst);
        if seat.pointer.load(Ordering::SeqCst) == sys::thread_pointer() {
            return;
        }
        process::barrier_for_all();
        let mut watch = Watch::default();
        for _ in 0..SPINS {
            if pane.busy.load(Ordering::SeqCst) == 0 {
                return;
            }
            std::hint::spin_loop();
        }
        loop {
            let place = pane.busy.load(Ordering::SeqCst);
            let thread = seat.thread.load(Ordering::SeqCst);
            if place == 0 || watch.look(Holder { thread, turn: 0, place }, descriptor) == Seen::Left {
                return;
            }
            sys::sleep(BETWEEN_LOOKS);
        }
    }
}

#[allow(unsafe_code)]
impl Cursor {
    /// The content that can be read, as bytes or as characters.
    #[inline(always)]
    pub(super) fn content(&self, characters: bool) -> &[u8] {
        let (next, end) = (self.next.load(Ordering::Relaxed), self.end(characters));
        let base = self.base.load(Ordering::Relaxed);
        // SAFETY: the window was opened on bytes of a buffer up to its ends, which stays as it is until
        // the window is closed, and `next` never passes an end.
        unsafe { std::slice::from_raw_parts(base.add(next as usize), end.saturating_sub(next) as usize) }
    }

    /// How many bytes can be written.
    #[inline(always)]
    pub(super) fn room(&self, characters: bool) -> usize {
        self.end(characters).saturating_sub(self.next.load(Ordering::Relaxed)) as usize
    }

    /// Writes bytes that there is room for, and moves past them.
    #[inline(always)]
    pub(super) fn put(&self, bytes: &[u8]) {
        let next = self.next.load(Ordering::Relaxed);
        let base = self.base.load(Ordering::Relaxed);
        debug_assert!(bytes.len() <= self.room(false));
        // SAFETY: as in `content`; nobody else looks at what lies behind `next`.
        unsafe { base.add(next as usize).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.next.store(next + bytes.len() as u32, Ordering::Relaxed);
    }

    #[inline(always)]
    fn end(&self, characters: bool) -> u32 {
        if characters { &self.characters_end } else { &self.bytes_end }.load(Ordering::Relaxed)
    }

    /// Moves past so many bytes.
    #[inline(always)]
    pub(super) fn advance(&self, count: usize) {
        self.next.store(self.next.load(Ordering::Relaxed) + count as u32, Ordering::Relaxed);
    }

    /// The last byte moved past is a character that can be put back, or none is.
    #[inline(always)]
    pub(super) fn remember_character(&self, last: bool) {
        let end = if last { self.next.load(Ordering::Relaxed) } else { 0 };
        self.character_end.store(end, Ordering::Relaxed);
    }

    /// Moves back before the character that was read last, if it was this one.
    #[inline(always)]
    pub(super) fn put_back(&self, character: u8) -> bool {
        let next = self.next.load(Ordering::Relaxed);
        let base = self.base.load(Ordering::Relaxed);
        if next == 0 || self.character_end.load(Ordering::Relaxed) != next {
            return false;
        }
        // SAFETY: the byte before `next` was read from there.
        let same = unsafe { base.add(next as usize - 1).read() } == character;
        if same {
            self.next.store(next - 1, Ordering::Relaxed);
            self.character_end.store(0, Ordering::Relaxed);
        }
        same
    }

    #[inline]
    fn set(&self, view: View) {
        self.next.store(view.next as u32, Ordering::Relaxed);
        self.bytes_end.store(view.bytes_end as u32, Ordering::Relaxed);
        self.characters_end.store(view.characters_end as u32, Ordering::Relaxed);
        self.character_end.store(view.character_end as u32, Ordering::Relaxed);
        self.base.store(view.base, Ordering::Relaxed);
    }
}
