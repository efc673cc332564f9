//! Handles: numbers in the shape of pointers, never dereferenced. A handle holds a mark, its kind,
//! the index of a slot and the generation of the slot's use; slots live in memory that is never
//! given back, so that looking a handle up is an index, a load and a compare, and any bits at all
//! are answered with `INVALID_HANDLE`.

use crate::error::{Error, Identifier, Result};
use crate::hazard::{self, Inside};
use crate::socket::{Socket, WaitSet};
use crate::ssl::{Certificate, Context};
use crate::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{array, statics};
use crate::sys::process;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// What a handle can stand for.
pub(super) trait Kind: Send + Sync + 'static {
    /// The kind's bits, odd so that no aligned pointer is a handle.
    const MARK: usize;
    /// What the reports call it.
    const NAME: &'static str;

    /// It gets this handle.
    fn named(&self, _handle: usize) {}
}

impl Kind for Socket {
    const MARK: usize = 0b0011;
    const NAME: &'static str = "socket";

    fn named(&self, handle: usize) {
        self.set_key(handle);
    }
}

impl Kind for WaitSet {
    const MARK: usize = 0b0101;
    const NAME: &'static str = "wait set";
}

#[cfg(target_pointer_width = "64")]
const INDEX_BITS: u32 = if cfg!(loom) { 4 } else { 24 };
#[cfg(not(target_pointer_width = "64"))]
const INDEX_BITS: u32 = 16;
const MARK_BITS: u32 = 4;
const GENERATION_SHIFT: u32 = MARK_BITS + INDEX_BITS;
const INDICES: usize = 1 << INDEX_BITS;
const LAST_GENERATION: usize = usize::MAX >> GENERATION_SHIFT;
const FIRST_SEGMENT: usize = if cfg!(loom) { 2 } else { 64 };
const SEGMENTS: usize = (INDEX_BITS - FIRST_SEGMENT.ilog2()) as usize + 1;

struct Slot {
    /// The handle that is valid now, 0 for none.
    handle: AtomicUsize,
    object: AtomicPtr<()>,
    /// Written only by the thread that took the slot from the free ones.
    generation: AtomicUsize,
    next_free: AtomicU32,
}

statics! {
    static TABLE: [AtomicPtr<Slot>; SEGMENTS] = array![AtomicPtr::new(ptr::null_mut()); SEGMENTS];
    static USED: AtomicUsize = AtomicUsize::new(0);
    /// The first free slot's index plus one, below a count that makes each exchange unique.
    static FREE: AtomicU64 = AtomicU64::new(0);
}

/// The object of a valid handle, kept in memory while this lives.
pub(super) struct Held<T: Kind> {
    object: NonNull<T>,
    _inside: Inside,
}

impl<T: Kind> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the hazard pointer was set before the handle was seen to be valid, so that the
        // object is freed only after this guard has gone.
        unsafe { self.object.as_ref() }
    }
}

#[cold]
fn invalid<T: Kind>(handle: usize) -> Error {
    let what = T::NAME;
    let shown = if handle == 0 { "NULL".into() } else { format!("{handle:#x}") };
    // It was one: the slot has had that generation.
    let slot = slot((handle >> MARK_BITS) & (INDICES - 1));
    let last = slot.map_or(0, |slot| slot.generation.load(Ordering::Relaxed));
    let generation = handle >> GENERATION_SHIFT;
    let was = handle & ((1 << MARK_BITS) - 1) == T::MARK && generation > 0 && generation <= last;
    let why = if was { ", which was freed or taken over by an SSL stream" } else { "" };
    Error::new(Identifier::INVALID_HANDLE, format!("taking {shown} for the handle of a {what}{why}"))
}

/// The index of a segment, the first index in it, its length.
fn segment(index: usize) -> (usize, usize, usize) {
    let number = (index + FIRST_SEGMENT).ilog2() - FIRST_SEGMENT.ilog2();
    let length = FIRST_SEGMENT << number;
    (number as usize, length - FIRST_SEGMENT, length)
}

#[inline]
fn slot(index: usize) -> Option<&'static Slot> {
    let (number, first, _) = segment(index);
    let slots = NonNull::new(TABLE.get(number)?.load(Ordering::Acquire))?;
    // SAFETY: a segment that is there has its whole length, and is never freed.
    Some(unsafe { slots.add(index - first).as_ref() })
}

/// Looks a handle up as the first thing of a call.
#[inline(always)]
pub(super) fn get<T: Kind>(handle: usize) -> Result<Held<T>> {
    look_up(handle, hazard::enter_from_outside).ok_or_else(|| invalid::<T>(handle))
}

/// Looks another handle up in the same call.
pub(super) fn also<T: Kind>(handle: usize) -> Result<Held<T>> {
    look_up(handle, hazard::enter).ok_or_else(|| invalid::<T>(handle))
}

#[inline(always)]
fn look_up<T: Kind>(handle: usize, enter: impl FnOnce(usize) -> Inside) -> Option<Held<T>> {
    if handle & ((1 << MARK_BITS) - 1) != T::MARK {
        return None;
    }
    let slot = slot((handle >> MARK_BITS) & (INDICES - 1))?;
    if slot.handle.load(Ordering::Acquire) != handle {
        return None;
    }
    let object = slot.object.load(Ordering::Relaxed);
    let inside = enter(object.addr());
    let object = NonNull::new(object.cast())?;
    (slot.handle.load(Ordering::Acquire) == handle).then_some(Held { object, _inside: inside })
}

/// The handle of the next use of a slot that the caller took.
fn next_handle<T: Kind>(index: usize, slot: &Slot) -> usize {
    let generation = match slot.generation.load(Ordering::Relaxed) {
        // A start that differs between processes: a handle kept in a saved image is not valid again.
        0 => (process::random_bits() as usize % (LAST_GENERATION / 2)) + 1,
        last => last + 1,
    };
    slot.generation.store(generation, Ordering::Relaxed);
    (generation << GENERATION_SHIFT) | (index << MARK_BITS) | T::MARK
}

/// Gives an object a handle.
pub(super) fn publish<T: Kind>(object: T) -> Result<usize> {
    let full = || Error::new(Identifier::NO_BUFFER_SPACE, "making a handle: all are in use");
    let (index, slot) = take_free_slot().or_else(add_slot).ok_or_else(full)?;
    let handle = next_handle::<T>(index, slot);
    object.named(handle);
    slot.object.store(Box::into_raw(Box::new(object)).cast(), Ordering::Relaxed);
    slot.handle.store(handle, Ordering::Release);
    Ok(handle)
}

impl Kind for Arc<Context> {
    const MARK: usize = 0b0111;
    const NAME: &'static str = "SSL context";
}

impl Kind for Certificate {
    const MARK: usize = 0b1001;
    const NAME: &'static str = "certificate";
}

/// Gives the object of a handle a new one; the old one is as good as freed. What is inside of the
/// object stays inside.
pub(super) fn renew<T: Kind>(handle: usize) -> Result<usize> {
    let held = also::<T>(handle)?;
    let (old, new) = (slot((handle >> MARK_BITS) & (INDICES - 1)), take_free_slot().or_else(add_slot));
    let full = || Error::new(Identifier::NO_BUFFER_SPACE, "making a handle: all are in use");
    let (index, slot) = new.ok_or_else(full)?;
    let object = old.map_or(ptr::null_mut(), |old| old.object.load(Ordering::Relaxed));
    let mine =
        old.filter(|old| old.handle.compare_exchange(handle, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok());
    let Some(old) = mine else {
        give_back(index, slot);
        return Err(invalid::<T>(handle));
    };
    let new = next_handle::<T>(index, slot);
    held.named(new);
    slot.object.store(object, Ordering::Relaxed);
    slot.handle.store(new, Ordering::Release);
    if old.generation.load(Ordering::Relaxed) < LAST_GENERATION {
        give_back((handle >> MARK_BITS) & (INDICES - 1), old);
    }
    Ok(new)
}

/// Frees a handle: true for the one call that does. The object goes when nobody is inside of it.
pub(super) fn release<T: Kind>(handle: usize) -> Result<()> {
    drop(get::<T>(handle)?);
    let index = (handle >> MARK_BITS) & (INDICES - 1);
    let Some(slot) = slot(index) else {
        return Err(invalid::<T>(handle));
    };
    let object = slot.object.load(Ordering::Relaxed);
    if slot.handle.compare_exchange(handle, 0, Ordering::SeqCst, Ordering::SeqCst).is_err() {
        return Err(invalid::<T>(handle));
    }
    if slot.generation.load(Ordering::Relaxed) < LAST_GENERATION {
        give_back(index, slot);
    }
    // SAFETY: the exchange made this call the only one to free the object, which `publish` made
    // from a box of this type: the mark of the handle says so.
    let object = unsafe { Box::from_raw(object.cast::<T>()) };
    hazard::retire(ptr::from_ref(&*object).addr(), Box::new(Freed(object)));
    Ok(())
}

/// A freed object. Others may still look at it, so it is only touched to be dropped.
struct Freed<T: Kind>(#[allow(dead_code)] Box<T>);

fn take_free_slot() -> Option<(usize, &'static Slot)> {
    let mut free = FREE.load(Ordering::SeqCst);
    loop {
        let index = (free as u32).checked_sub(1)? as usize;
        let slot = slot(index)?;
        let next = u64::from(slot.next_free.load(Ordering::Relaxed));
        let taken = ((free >> 32).wrapping_add(1) << 32) | next;
        match FREE.compare_exchange_weak(free, taken, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => return Some((index, slot)),
            Err(now) => free = now,
        }
    }
}

fn give_back(index: usize, slot: &Slot) {
    let mut free = FREE.load(Ordering::SeqCst);
    loop {
        slot.next_free.store(free as u32, Ordering::Relaxed);
        let given = ((free >> 32).wrapping_add(1) << 32) | (index as u64 + 1);
        match FREE.compare_exchange_weak(free, given, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => return,
            Err(now) => free = now,
        }
    }
}

fn add_slot() -> Option<(usize, &'static Slot)> {
    let next = |used: usize| (used < INDICES).then_some(used + 1);
    let index = USED.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).ok()?;
    let (number, _, length) = segment(index);
    let place = TABLE.get(number)?;
    if place.load(Ordering::Acquire).is_null() {
        let empty = || Slot {
            handle: AtomicUsize::new(0),
            object: AtomicPtr::new(ptr::null_mut()),
            generation: AtomicUsize::new(0),
            next_free: AtomicU32::new(0),
        };
        let slots: Box<[Slot]> = std::iter::repeat_with(empty).take(length).collect();
        let slots: *mut [Slot] = Box::into_raw(slots);
        let raced = place.compare_exchange(ptr::null_mut(), slots.cast(), Ordering::SeqCst, Ordering::SeqCst);
        if raced.is_err() {
            // SAFETY: the exchange failed, so nobody else knows this box.
            drop(unsafe { Box::from_raw(slots) });
        }
    }
    Some((index, slot(index)?))
}
