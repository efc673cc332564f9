//! Taking arguments in and handing results out: pointers are checked for NULL, texts for UTF-8,
//! structs for their size.

use super::acl_ipaddr;
use crate::address::IpAddress;
use crate::error::{Error, Identifier, Result};
use crate::names;
use crate::socket::{Host, Port};
use crate::sys::FileName;
use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::slice;
use std::time::Duration;

/// A struct of keyword arguments.
///
/// # Safety
/// `repr(C)`, first field a `usize` size, and valid with all bytes zero.
pub(super) unsafe trait Keywords: Copy {
    const NAME: &'static str;
}

/// Bytes a caller's struct may have at the most; more is no size but garbage.
const MAX_KEYWORDS: usize = 4096;

/// The keyword arguments: NULL is all defaults, a shorter struct is an older caller's, a longer
/// one is accepted if what this version does not know is zero.
pub(super) fn keywords<T: Keywords>(given: *const T) -> Result<T> {
    // SAFETY: the trait promises that zero is valid.
    let mut taken: T = unsafe { MaybeUninit::zeroed().assume_init() };
    if given.is_null() {
        return Ok(taken);
    }
    let name = T::NAME;
    // SAFETY: the caller's struct begins with its size.
    let size = unsafe { given.cast::<usize>().read() };
    if !(size_of::<usize>()..=MAX_KEYWORDS).contains(&size) {
        return Err(Error::argument(format!(
            "taking {name} with struct_size {size}: set it with ACL_SOCKET_ARGS({name})"
        )));
    }
    let known = size.min(size_of::<T>());
    // SAFETY: the caller says that its struct has `size` bytes; the copy fits into `taken`.
    let unknown = unsafe {
        (&raw mut taken).cast::<u8>().copy_from_nonoverlapping(given.cast(), known);
        slice::from_raw_parts(given.cast::<u8>().add(known), size - known)
    };
    if unknown.iter().any(|byte| *byte != 0) {
        return Err(Error::argument(format!(
            "taking {name} of {size} bytes, which sets fields that this version does not have"
        )));
    }
    Ok(taken)
}

/// A place for a result.
pub(super) fn out<'a, T>(place: *mut T, name: &str) -> Result<&'a mut MaybeUninit<T>> {
    // SAFETY: a pointer that is not NULL is the caller's promise of room for a `T`.
    unsafe { place.cast::<MaybeUninit<T>>().as_mut() }.ok_or_else(|| null(name))
}

/// The same where a NULL is nothing to report.
#[inline(always)]
pub(super) fn place<'a, T>(place: *mut T) -> Option<&'a mut MaybeUninit<T>> {
    // SAFETY: as in `out`.
    unsafe { place.cast::<MaybeUninit<T>>().as_mut() }
}

/// A result that the caller may not want.
pub(super) fn give<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: as in `out`.
        unsafe { place.write(value) };
    }
}

#[cold]
pub(super) fn null(name: &str) -> Error {
    Error::argument(format!("taking NULL for {name}"))
}

/// The bytes of a text that need not be UTF-8, `None` for NULL.
#[inline]
pub(super) fn text_bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: as in `optional_text`.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A text, `None` for NULL.
pub(super) fn optional_text<'a>(text: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: a pointer that is not NULL is the caller's promise of a NUL-terminated text that
    // stays as it is for the call.
    let text = unsafe { CStr::from_ptr(text) };
    let utf8 = text.to_str();
    utf8.map(Some).map_err(|_| Error::argument(format!("taking {name} {text:?}, which is not UTF-8")))
}

/// A text.
pub(super) fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    optional_text(text, name)?.ok_or_else(|| null(name))
}

/// The bytes of a text, `None` for NULL.
pub(super) fn optional_bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: as in `optional_text`.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A file name of a socket, `None` for NULL.
pub(super) fn file_name(text: *const c_char, name: &str) -> Result<Option<FileName>> {
    Ok(file_bytes(text, name)?.and_then(FileName::new))
}

/// Its bytes where they stand, which FileName takes.
pub(super) fn file_bytes<'a>(text: *const c_char, name: &str) -> Result<Option<&'a [u8]>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: as in `optional_text`.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    let max = crate::sys::MAX_FILE_NAME;
    let refused =
        || Error::argument(format!("taking {name} of {} bytes; it must have 1 to {max}", bytes.len()));
    if (1..=max).contains(&bytes.len()) { Ok(Some(bytes)) } else { Err(refused()) }
}

fn check_size(size: usize, name: &str) -> Result<()> {
    if isize::try_from(size).is_err() {
        return Err(Error::argument(format!("taking {name} {size}, which is more than memory has")));
    }
    Ok(())
}

/// Bytes to read from.
pub(super) fn bytes<'a>(start: *const c_void, size: usize, name: &str) -> Result<&'a [u8]> {
    check_size(size, "size")?;
    if size == 0 {
        return Ok(&[]);
    }
    if start.is_null() {
        return Err(null(name));
    }
    // SAFETY: the caller promises `size` bytes there, unchanged for the call.
    Ok(unsafe { slice::from_raw_parts(start.cast(), size) })
}

/// The same where what is no such place is nothing to report.
#[inline(always)]
pub(super) fn some_bytes<'a>(start: *const c_void, size: usize) -> Option<&'a [u8]> {
    let usable = !start.is_null() && isize::try_from(size).is_ok();
    // SAFETY: as in `bytes`.
    usable.then(|| unsafe { slice::from_raw_parts(start.cast(), size) })
}

/// A character by its code point.
pub(super) fn character(number: u32) -> Result<char> {
    char::from_u32(number).ok_or_else(|| Error::argument(format!("taking {number:#x} for a character")))
}

/// Room to write into, at least one byte.
pub(super) fn room<'a>(start: *mut c_void, size: usize, name: &str) -> Result<&'a mut [u8]> {
    check_size(size, "size")?;
    if size == 0 {
        return Err(Error::argument(format!("taking a {name} of size 0")));
    }
    if start.is_null() {
        return Err(null(name));
    }
    // SAFETY: the caller promises room for `size` bytes, which nobody else uses during the call.
    Ok(unsafe { slice::from_raw_parts_mut(start.cast(), size) })
}

/// The same where what is no such place, or has not `least` bytes, is nothing to report.
#[inline(always)]
pub(super) fn some_room<'a>(start: *mut c_void, size: usize, least: usize) -> Option<&'a mut [u8]> {
    let usable = !start.is_null() && size >= least && isize::try_from(size).is_ok();
    // SAFETY: as in `room`.
    usable.then(|| unsafe { slice::from_raw_parts_mut(start.cast(), size) })
}

/// Places of the caller's, none where there are none.
pub(super) fn places<'a, T>(start: *mut T, count: usize, name: &str) -> Result<&'a mut [MaybeUninit<T>]> {
    if count == 0 {
        return Ok(&mut []);
    }
    if start.is_null() {
        return Err(null(name));
    }
    check_size(count.saturating_mul(size_of::<T>()), name)?;
    // SAFETY: the caller promises room for so many, which nobody else uses during the call.
    Ok(unsafe { slice::from_raw_parts_mut(start.cast(), count) })
}

/// The caller's structs, which it has filled in.
pub(super) fn structs<'a, T>(start: *mut T, count: usize, name: &str) -> Result<&'a mut [T]> {
    let places: *mut [MaybeUninit<T>] = places(start, count, name)?;
    // SAFETY: the caller promises that it has written them.
    Ok(unsafe { &mut *(places as *mut [T]) })
}

/// Hands a text out by the convention of the header.
pub(super) fn give_text(value: &[u8], buffer: *mut c_char, size: usize, length: *mut usize) -> Result<()> {
    give(length, value.len());
    if buffer.is_null() && size == 0 {
        return Ok(());
    }
    let room = room(buffer.cast(), size, "buffer")?;
    let fits = value.len().min(room.len() - 1);
    for (to, from) in room.iter_mut().zip(value.iter().take(fits).chain(&[0])) {
        *to = *from;
    }
    if fits < value.len() {
        let (need, have) = (value.len() + 1, room.len());
        let action = format!("storing a text that takes {need} bytes in a buffer of {have}");
        return Err(Error::new(Identifier::BUFFER_TOO_SMALL, action));
    }
    Ok(())
}

/// The same for a text of at most 15 bytes, first byte lowest, where there is room for 16.
#[inline]
pub(super) fn give_short_text(
    (text, count): (u128, usize),
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> bool {
    if size < size_of::<u128>() || buffer.is_null() {
        return false;
    }
    let end = count & 15;
    // SAFETY: as in `room`; both places are within the first 16 bytes of it.
    unsafe {
        buffer.cast::<u128>().write_unaligned(text.to_le());
        buffer.add(end).write(0);
    }
    give(length, end);
    true
}

/// Memory from malloc for the caller to free, holding a copy of `values`; never NULL.
pub(super) fn allocated<T: Copy>(values: &[T]) -> Result<*mut T> {
    let size = size_of_val(values).max(1);
    // SAFETY: malloc takes a size; the copy fits into what it answers.
    unsafe {
        let memory: *mut T = libc::malloc(size).cast();
        if memory.is_null() {
            let action = format!("allocating {size} bytes");
            return Err(Error::new(Identifier::NO_BUFFER_SPACE, action));
        }
        memory.copy_from_nonoverlapping(values.as_ptr(), values.len());
        Ok(memory)
    }
}

/// Frees what `allocated` answered.
pub(super) fn free_allocated(memory: *mut c_void) {
    // SAFETY: the caller passes NULL or what `allocated` answered, once.
    unsafe { libc::free(memory) };
}

/// A tri-state: 0 omitted, 1 on, -1 off.
pub(super) fn tri_state(value: i32, name: &str) -> Result<Option<bool>> {
    choice(value, name, [(0, None), (1, Some(true)), (-1, Some(false))])
}

/// A boolean: 0 or 1.
pub(super) fn boolean(value: i32, name: &str) -> Result<bool> {
    choice(value, name, [(0, false), (1, true)])
}

/// One of several constants.
pub(super) fn choice<T: Copy, const N: usize>(value: i32, name: &str, known: [(i32, T); N]) -> Result<T> {
    let found = known.iter().find(|(number, _)| *number == value);
    let unknown = || Error::argument(format!("taking {value} for {name}"));
    found.map(|(_, meaning)| *meaning).ok_or_else(unknown)
}

/// A number that is given where it is not 0.
pub(super) fn optional_number(value: i32, name: &str) -> Result<Option<i32>> {
    match value {
        0 => Ok(None),
        1.. => Ok(Some(value)),
        _ => Err(Error::argument(format!("taking {value} for {name}, which is negative"))),
    }
}

/// A time in seconds, `None` for ever.
pub(super) fn seconds(value: f64, name: &str) -> Result<Option<Duration>> {
    if value.is_nan() {
        return Err(Error::argument(format!("taking NaN for {name}")));
    }
    // What is more than a duration holds is for ever.
    Ok(if value < 0.0 { None } else { Duration::try_from_secs_f64(value).ok() })
}

/// A time-out in seconds where it is not 0; negative takes one away.
pub(super) fn timeout(value: f64, name: &str) -> Result<Option<Option<Duration>>> {
    let time = seconds(value, name)?;
    // A time that is too short to count is over at once.
    let time = time.map(|time| time.max(Duration::from_nanos(1)));
    Ok((value != 0.0).then_some(time))
}

/// A host given by text or by address.
pub(super) fn host<'a>(text: *const c_char, address: *const acl_ipaddr, name: &str) -> Result<Host<'a>> {
    // SAFETY: a pointer that is not NULL is the caller's promise of an address.
    let address = unsafe { address.as_ref() };
    match (optional_text(text, name)?, address) {
        (None, None) => Ok(Host::Omitted),
        (Some(text), None) => Ok(Host::Named(text)),
        (None, Some(address)) => Ok(Host::Address(address.value()?)),
        (Some(_), Some(_)) => Err(Error::argument(format!("taking {name} both as a text and as an address"))),
    }
}

/// A port given by number or by service.
pub(super) fn port<'a>(number: i32, service: *const c_char, name: &str) -> Result<Port<'a>> {
    match (number, optional_text(service, name)?) {
        (0, None) => Ok(Port::Omitted),
        (0, Some(service)) => Ok(Port::Service(service)),
        (_, Some(_)) => Err(Error::argument(format!("taking {name} both as a number and as a service"))),
        (number, None) => u16::try_from(number)
            .map(Port::Number)
            .map_err(|_| Error::argument(format!("taking {name} {number}, which is not from 1 to 65535"))),
    }
}

/// A host that is given as an address or as a dotted text, never a name.
pub(super) fn address(text: &str) -> Result<IpAddress> {
    names::parse_dotted(text)
        .ok_or_else(|| Error::new(Identifier::INVALID_ADDRESS, format!("taking {text:?} for an IP address")))
}
