//! Waiting: wait-for-input-available and wait-for-io-available.

use super::arguments::{give, out, places, seconds, structs};
use super::boundary::boundary;
use super::make_socket::acl_socket;
use super::{acl_status, handle};
use crate::error::{Error, Result};
use crate::socket::{Content, Event, FEW, Interest, Item, Socket, WaitSet, Watched, wait_for_few};
use std::cell::Cell;
use std::ffi::c_void;
use std::time::Duration;

/// A set of sockets and descriptors that are waited for together. The pointer is a checked handle.
pub struct acl_wait_set {
    _private: [u8; 0],
}

/// Waiting: there is input, a connection to accept, or the end of the file.
pub const ACL_SOCKET_IN: i32 = 1;
/// Waiting: the input has an error, which reading will tell.
pub const ACL_SOCKET_IN_ERROR: i32 = 2;
/// Waiting: there is room for output, or a connection that was begun has come about.
pub const ACL_SOCKET_OUT: i32 = 4;
/// Waiting: the output has an error.
pub const ACL_SOCKET_OUT_ERROR: i32 = 8;

/// One of those that acl_wait_for_input_available waits for. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_wait_item {
    /// A socket of any kind; or NULL:
    pub socket: *mut acl_socket,
    /// a descriptor of the caller's.
    pub os_fd: i32,
    /// Set to 1 where input is available, else to 0.
    pub available: i32,
}

/// Something that is ready. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_wait_event {
    /// The socket, NULL for a descriptor of the caller's.
    pub socket: *mut acl_socket,
    /// That descriptor, -1 for a socket.
    pub os_fd: i32,
    /// ACL_SOCKET_IN, ACL_SOCKET_IN_ERROR, ACL_SOCKET_OUT and ACL_SOCKET_OUT_ERROR, or-ed.
    pub status: i32,
    /// What was given when it was added.
    pub data: *mut c_void,
}

thread_local! {
    /// The set of this thread's present wait for many: where the thread leaves it by longjmp, its
    /// next one or its end frees it.
    static PRESENT: Present = const { Present(Cell::new(0)) };
}

/// Makes what a thread keeps.
pub(super) fn make_for_thread() {
    let _ = PRESENT.try_with(|_| ());
}

struct Present(Cell<usize>);

impl Present {
    fn free(&self) {
        if let set @ 1.. = self.0.take() {
            // Freed here alone: it cannot be invalid.
            let _ = handle::release::<WaitSet>(set);
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.free();
    }
}

fn content(number: usize) -> Content {
    match handle::also::<Socket>(number) {
        Ok(socket) if socket.look_for_content() => Content::Some,
        Ok(_) => Content::Empty,
        Err(_) => Content::Gone,
    }
}

fn wait_for_list(items: &mut [acl_wait_item], timeout: Option<Duration>) -> Result<usize> {
    for item in items.iter_mut() {
        item.available = 0;
        if item.socket.is_null() && item.os_fd < 0 {
            return Err(Error::argument(format!("waiting for the descriptor {}", item.os_fd)));
        }
    }
    if items.is_empty() {
        Ok(0)
    } else if items.len() <= FEW {
        few(items, timeout)
    } else {
        many(items, timeout)
    }
}

fn few(items: &mut [acl_wait_item], timeout: Option<Duration>) -> Result<usize> {
    let mut held = [const { None }; FEW];
    for (index, (item, place)) in items.iter().zip(&mut held).enumerate() {
        if !item.socket.is_null() {
            let number = item.socket.addr();
            *place = Some(if index == 0 { handle::get::<Socket>(number)? } else { handle::also(number)? });
        }
    }
    let mut list = [Item::Descriptor(-1); FEW];
    for ((place, item), socket) in list.iter_mut().zip(items.iter()).zip(&held) {
        *place = socket.as_ref().map_or(Item::Descriptor(item.os_fd), |socket| Item::Socket(socket));
    }
    let list = list.get(..items.len()).unwrap_or_default();
    wait_for_few(list, timeout, |index| {
        if let Some(item) = items.get_mut(index) {
            item.available = 1;
        }
    })
}

fn many(items: &mut [acl_wait_item], timeout: Option<Duration>) -> Result<usize> {
    PRESENT.with(Present::free);
    let number = handle::publish(WaitSet::new()?)?;
    PRESENT.with(|present| present.0.set(number));
    let waited = wait_in_set(number, items, timeout);
    PRESENT.with(Present::free);
    waited
}

const INPUT: Interest = Interest { input: true, output: false };

fn wait_in_set(number: usize, items: &mut [acl_wait_item], timeout: Option<Duration>) -> Result<usize> {
    let set = handle::get::<WaitSet>(number)?;
    let mut total = 0;
    for (index, item) in items.iter_mut().enumerate() {
        if item.socket.is_null() {
            set.watch_os_fd(item.os_fd, INPUT, index)?;
            continue;
        }
        let socket = handle::also::<Socket>(item.socket.addr())?;
        if socket.descriptor().is_closed() {
            item.available = 1;
            total += 1;
        } else {
            set.watch(&socket, item.socket.addr(), INPUT, index)?;
        }
    }
    let mut timeout = if total > 0 { Some(Duration::ZERO) } else { timeout };
    loop {
        let mut events = [None; 64];
        let count = set.wait(timeout, &mut events, content)?;
        for event in events.iter().take(count).flatten() {
            if let Some(item) = items.get_mut(event.data) {
                item.available = 1;
            }
            unwatch(&set, event.watched)?;
        }
        total += count;
        if count < events.len() {
            return Ok(total);
        }
        // There may be more of them.
        timeout = Some(Duration::ZERO);
    }
}

fn unwatch(set: &WaitSet, watched: Watched) -> Result<()> {
    match watched {
        Watched::Descriptor(number) => set.watch_os_fd(number, Interest::default(), 0),
        // One that was freed meanwhile is out.
        Watched::Socket(number) => match handle::also::<Socket>(number) {
            Ok(socket) => set.watch(&socket, number, Interest::default(), 0),
            Err(_) => Ok(()),
        },
    }
}

/// Waits until input is available on at least one of several sockets and descriptors: reading from a
/// stream, accepting on a passive socket and receiving from a datagram socket would not wait. Bytes that
/// are in a stream's buffer count, and so do the end of the file, errors and closed sockets. acl_close
/// of one of them by another thread ends the wait.
/// @param items, count the sockets and descriptors; available is set in each.
/// @param timeout seconds, fractions allowed; negative for ever.
/// @param available how many have input, 0 after the time; may be NULL.
/// @return ACL_SOCKET_OK, at once without items; ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT;
/// ACL_SOCKET_UNKNOWN with EBADF or EPERM for a descriptor that cannot be waited for, EMFILE.
/// Allegro: mp:wait-for-input-available.
#[unsafe(no_mangle)]
pub extern "C" fn acl_wait_for_input_available(
    items: *mut acl_wait_item,
    count: usize,
    timeout: f64,
    available: *mut usize,
) -> acl_status {
    boundary(|| {
        let timeout = seconds(timeout, "timeout")?;
        give(available, wait_for_list(structs(items, count, "items")?, timeout)?);
        Ok(())
    })
}

/// Makes a set to wait for many sockets and descriptors again and again: a wait costs by what is
/// ready, not by what is watched. It has two descriptors. After fork the child makes its own.
/// @param set where the handle is stored, NULL after a failure. Free it with acl_free_wait_set.
/// @return ACL_SOCKET_OK, ACL_SOCKET_UNKNOWN with EMFILE, ACL_SOCKET_NO_BUFFER_SPACE,
/// ACL_SOCKET_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn acl_make_wait_set(set: *mut *mut acl_wait_set) -> acl_status {
    boundary(|| {
        let place = out(set, "set")?;
        place.write(std::ptr::null_mut());
        place.write(std::ptr::without_provenance_mut(handle::publish(WaitSet::new()?)?));
        Ok(())
    })
}

/// Frees a set; NULL is a no-op. What was in it stays as it is. A thread that waits for it gets
/// ACL_SOCKET_CLOSED.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub extern "C" fn acl_free_wait_set(set: *mut acl_wait_set) -> acl_status {
    boundary(|| {
        if set.is_null() {
            return Ok(());
        }
        wait_set(set)?.close();
        handle::release::<WaitSet>(set.addr())
    })
}

fn wait_set(set: *mut acl_wait_set) -> Result<handle::Held<WaitSet>> {
    handle::get(set.addr())
}

fn interest(interest: i32) -> Result<Interest> {
    if interest & !(ACL_SOCKET_IN | ACL_SOCKET_OUT) != 0 {
        return Err(Error::argument(format!("taking {interest} for interest")));
    }
    Ok(Interest { input: interest & ACL_SOCKET_IN != 0, output: interest & ACL_SOCKET_OUT != 0 })
}

/// Watches a socket of any kind, or changes what is waited for. A socket may be in several sets.
/// @param interest ACL_SOCKET_IN, ACL_SOCKET_OUT or both; 0 to watch it no longer. A socket that is
/// closed while it is watched is reported once and then no longer watched; a freed one is not.
/// @param data comes back with each event.
/// @return ACL_SOCKET_OK, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE for the set or the socket,
/// ACL_SOCKET_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn acl_wait_set_watch(
    set: *mut acl_wait_set,
    sock: *mut acl_socket,
    interest: i32,
    data: *mut c_void,
) -> acl_status {
    boundary(|| {
        let set = wait_set(set)?;
        let sock_held = handle::also::<Socket>(sock.addr())?;
        set.watch(&sock_held, sock.addr(), self::interest(interest)?, data.expose_provenance())
    })
}

/// Watches a descriptor of the caller's, which the caller takes out before closing it.
/// @return as acl_wait_set_watch; ACL_SOCKET_UNKNOWN with EBADF, or with EPERM for one that cannot be
/// waited for, such as a file.
#[unsafe(no_mangle)]
pub extern "C" fn acl_wait_set_watch_os_fd(
    set: *mut acl_wait_set,
    os_fd: i32,
    interest: i32,
    data: *mut c_void,
) -> acl_status {
    boundary(|| {
        let set = wait_set(set)?;
        set.watch_os_fd(os_fd, self::interest(interest)?, data.expose_provenance())
    })
}

fn status(event: &Event) -> i32 {
    let flags = [
        (event.ready.input, ACL_SOCKET_IN),
        (event.failed.input, ACL_SOCKET_IN_ERROR),
        (event.ready.output, ACL_SOCKET_OUT),
        (event.failed.output, ACL_SOCKET_OUT_ERROR),
    ];
    flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag)
}

fn c_event(event: &Event) -> acl_wait_event {
    let (socket, os_fd) = match event.watched {
        Watched::Socket(handle) => (std::ptr::without_provenance_mut(handle), -1),
        Watched::Descriptor(number) => (std::ptr::null_mut(), number),
    };
    let data = std::ptr::with_exposed_provenance_mut(event.data);
    acl_wait_event { socket, os_fd, status: status(event), data }
}

/// Events that one call brings at the most.
const MOST_EVENTS: usize = 128;
const FEW_EVENTS: usize = 16;

/// Waits until something in a set is ready. What is ready and not used is reported again, also bytes
/// that are only in a stream's buffer; several threads may wait for one set.
/// @param timeout seconds, fractions allowed; negative for ever.
/// @param events, room where what is ready is stored, at least one; one call brings at most 128.
/// @param count how many there are; 0 after the time and after acl_wake_wait_set.
/// @return ACL_SOCKET_OK; ACL_SOCKET_CLOSED where another thread frees the set; ACL_SOCKET_INVALID_HANDLE,
/// ACL_SOCKET_INVALID_ARGUMENT. Allegro: mp:wait-for-io-available.
#[unsafe(no_mangle)]
pub extern "C" fn acl_wait_for_io_available(
    set: *mut acl_wait_set,
    timeout: f64,
    events: *mut acl_wait_event,
    room: usize,
    count: *mut usize,
) -> acl_status {
    boundary(|| {
        let place = out(count, "count")?;
        let set = wait_set(set)?;
        let timeout = seconds(timeout, "timeout")?;
        let room = places(events, room, "events")?;
        if room.is_empty() {
            return Err(Error::argument("waiting without room for events"));
        }
        // Who asks for few does not pay for many.
        let (mut few, mut many);
        let found = if room.len() <= FEW_EVENTS {
            few = [None; FEW_EVENTS];
            &mut few[..]
        } else {
            many = [None; MOST_EVENTS];
            &mut many[..]
        };
        let most = room.len().min(found.len());
        let found = found.get_mut(..most).unwrap_or_default();
        let number = set.wait(timeout, found, content)?;
        for (place, event) in room.iter_mut().zip(found.iter().take(number).flatten()) {
            place.write(c_event(event));
        }
        place.write(number);
        Ok(())
    })
}

/// Ends one wait for a set with no event: the present one, or the next. From any thread.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub extern "C" fn acl_wake_wait_set(set: *mut acl_wait_set) -> acl_status {
    boundary(|| {
        wait_set(set)?.wake();
        Ok(())
    })
}
