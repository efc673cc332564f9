//! Datagrams.

use super::acl_status;
use super::addresses::{ACL_SOCKET_NO_ADDRESS, acl_ipaddr, give_address};
use super::arguments::{
    self, Keywords, bytes, file_bytes, file_name, give, host, keywords, null, out, port, room, structs,
};
use super::boundary::boundary;
use super::make_socket::{acl_socket, set_scope_id, socket};
use super::variables;
use crate::error::{Error, Result};
use crate::names;
use crate::socket::{Arrival, Outgoing, Received, Socket, Target};
use crate::sys::{FileName, Name};
use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr;

/// A datagram that was received. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_received {
    /// Bytes stored.
    pub length: usize,
    /// Bytes the sender sent: where it is more than length, the rest is lost.
    pub message_length: usize,
    /// The sender's address; of kind ACL_SOCKET_NO_ADDRESS on file sockets.
    pub remote_host: acl_ipaddr,
    /// The sender's port; 0 on file sockets.
    pub remote_port: i32,
    /// The sender's file name, empty where it has none.
    pub remote_filename: [c_char; 112],
}

/// Keyword arguments of acl_send_to. What is not given is taken from what acl_make_socket was given.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_send_to_args {
    /// ACL_SOCKET_ARGS(acl_send_to_args).
    pub struct_size: usize,
    /// The host to send to: a name, or an address in dotted or colon hex form.
    pub remote_host: *const c_char,
    /// The same as an address; only one of both. Its scope_id is set where scope_id is given.
    pub remote_ipaddr: *mut acl_ipaddr,
    /// The port to send to, 1 to 65535.
    pub remote_port: i32,
    /// As in acl_make_socket_args.
    pub ipv6: i32,
    /// The same as the name of a service; only one of both.
    pub remote_port_name: *const c_char,
    /// The file to send to.
    pub remote_filename: *const c_char,
    /// The interface of an IPv6 remote host; where 0, that of the address itself.
    pub scope_id: u32,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_send_to_args {
    const NAME: &'static str = "acl_send_to_args";
}

fn destination(sock: &Socket, args: &acl_send_to_args) -> Result<Option<Name>> {
    names::forget_left();
    let host = host(args.remote_host, args.remote_ipaddr, "remote_host")?;
    let port = port(args.remote_port, args.remote_port_name, "remote_port")?;
    let file = file_name(args.remote_filename, "remote_filename")?;
    let ipv6 = variables::ipv6(args.ipv6)?;
    set_scope_id(args.remote_ipaddr, args.scope_id);
    let addressed = sock.is_internet() || args.remote_filename.is_null();
    match (addressed && file.is_none(), sock.is_internet()) {
        (true, true) => sock.internet_destination(host, port, ipv6, args.scope_id),
        (true, false) => {
            sock.internet_destination(host, port, ipv6, args.scope_id)?;
            sock.file_destination(None)
        }
        (false, _) => sock.file_destination(file),
    }
}

/// Sends a datagram.
/// @param buffer, size its bytes; it may be empty.
/// @param args where to, NULL for the defaults that acl_make_socket was given.
/// @param sent how many bytes went; may be NULL.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT (no destination among others),
/// ACL_SOCKET_WRITE_TIMEOUT,
/// ACL_SOCKET_WRONG_KIND, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE, the errors of looking names
/// up, ACL_SOCKET_CONNECTION_REFUSED and ACL_SOCKET_HOST_UNREACHABLE, ACL_SOCKET_UNKNOWN with
/// EMSGSIZE for a datagram that is too long. Allegro: send-to.
#[unsafe(no_mangle)]
pub extern "C" fn acl_send_to(
    sock: *mut acl_socket,
    buffer: *const c_void,
    size: usize,
    args: *const acl_send_to_args,
    sent: *mut usize,
) -> acl_status {
    boundary(|| {
        give(sent, 0);
        let sock = socket(sock)?;
        let bytes = bytes(buffer, size, "buffer")?;
        if args.is_null()
            && let saved @ Some(_) = sock.saved_address()
        {
            give(sent, sock.send_to(bytes, saved)?);
            return Ok(());
        }
        let destination = destination(&sock, &keywords(args)?)?.map(|name| name.address());
        give(sent, sock.send_to(bytes, destination.as_ref())?);
        Ok(())
    })
}

/// Receives a datagram into the caller's buffer, waiting for one.
/// @param size of the buffer, more than the longest message expected: the rest of a longer one is
/// lost, and message_length tells.
/// @param received what came and from whom. A message of 0 bytes is one too.
/// @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE,
/// ACL_SOCKET_INVALID_ARGUMENT, ACL_SOCKET_READ_TIMEOUT after the socket's read_timeout,
/// ACL_SOCKET_CONNECTION_REFUSED on a connected descriptor.
/// Allegro: receive-from with :buffer.
#[unsafe(no_mangle)]
pub extern "C" fn acl_receive_from(
    sock: *mut acl_socket,
    buffer: *mut c_void,
    size: usize,
    received: *mut acl_received,
) -> acl_status {
    boundary(|| {
        let place = out(received, "received")?;
        let sock = socket(sock)?;
        give_received(place, &sock.receive_from(room(buffer, size, "buffer")?)?);
        Ok(())
    })
}

/// Receives a datagram into memory that the library makes, of just its length.
/// @param size the longest message expected.
/// @param data the bytes and a NUL behind them, to be freed with acl_free_buffer; NULL after a
/// failure.
/// @return as acl_receive_from. Allegro: receive-from with :extract.
#[unsafe(no_mangle)]
pub extern "C" fn acl_receive_from_extract(
    sock: *mut acl_socket,
    size: usize,
    data: *mut *mut c_void,
    received: *mut acl_received,
) -> acl_status {
    boundary(|| {
        let data = out(data, "data")?;
        data.write(ptr::null_mut());
        let place = out(received, "received")?;
        let sock = socket(sock)?;
        // No datagram is longer than this, whatever the caller expects.
        const LONGEST: usize = 1 << 20;
        if size == 0 || isize::try_from(size).is_err() {
            return Err(Error::argument(format!("receiving a datagram of size {size}")));
        }
        let mut bytes = vec![0; size.min(LONGEST) + 1];
        let end = bytes.len() - 1;
        let arrived = sock.receive_from(bytes.get_mut(..end).unwrap_or_default())?;
        if let Some(nul) = bytes.get_mut(arrived.length) {
            *nul = 0;
        }
        bytes.truncate(arrived.length + 1);
        data.write(arguments::allocated(&bytes)?.cast());
        give_received(place, &arrived);
        Ok(())
    })
}

/// One of the datagrams of acl_send_to_many and acl_receive_from_many. What was received can be sent
/// back as it is. Clear a structure before setting its fields. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_datagram {
    /// The bytes to send, or the memory for those that come.
    pub buffer: *mut c_void,
    /// How much memory there is to receive into, at least 1. For sending it need not be given.
    pub size: usize,
    /// Bytes to send; or set to how many were stored.
    pub length: usize,
    /// Set to how many bytes the sender sent: where it is more than length, the rest is lost.
    pub message_length: usize,
    /// Where it goes, of kind ACL_SOCKET_NO_ADDRESS for where all of these go; or set to the sender's.
    pub remote_host: acl_ipaddr,
    /// The port there, 1 to 65535; or set to the sender's.
    pub remote_port: i32,
    /// For file sockets: the file to send to; or 112 bytes of room for the sender's file name. NULL
    /// where it goes where all go, or is not wanted.
    pub remote_filename: *mut c_char,
}

impl acl_datagram {
    fn has_target(&self) -> bool {
        self.remote_host.kind != ACL_SOCKET_NO_ADDRESS || !self.remote_filename.is_null()
    }

    #[inline]
    fn outgoing(&self) -> Result<Outgoing<'_>> {
        if self.size != 0 && self.length > self.size {
            let (length, size) = (self.length, self.size);
            return Err(Error::argument(format!("sending {length} bytes of a buffer of {size}")));
        }
        Ok(Outgoing { bytes: bytes(self.buffer, self.length, "buffer")?, to: self.target()? })
    }

    #[inline]
    fn target(&self) -> Result<Target<'_>> {
        if self.remote_host.kind != ACL_SOCKET_NO_ADDRESS {
            let port = u16::try_from(self.remote_port).ok().filter(|port| *port != 0);
            let refused = || format!("taking remote_port {}, which is not from 1 to 65535", self.remote_port);
            return Ok(Target::Internet(
                self.remote_host.value()?,
                port.ok_or_else(|| Error::argument(refused()))?,
            ));
        }
        if self.remote_filename.is_null() {
            return Ok(Target::Default);
        }
        // A sender without a name is stored as an empty one: it cannot be sent back to.
        let file = file_bytes(self.remote_filename, "remote_filename")?;
        Ok(file.map_or(Target::Default, Target::File))
    }

    fn put(&mut self, arrived: Arrival<'_>) {
        (self.length, self.message_length) = (arrived.length, arrived.message_length);
        (self.remote_host, self.remote_port) = (acl_ipaddr::default(), 0);
        match arrived.sender {
            Some(Name::Internet(address, port)) => {
                self.remote_host = acl_ipaddr::of(Some(*address));
                self.remote_port = i32::from(*port);
            }
            Some(Name::File(file)) => give(self.remote_filename.cast(), file_room(file)),
            None => give(self.remote_filename, 0),
        }
    }
}

/// A file name as the structs have it.
fn file_room(file: &FileName) -> [c_char; 112] {
    let mut room = [0; 112];
    for (to, from) in room.iter_mut().zip(file.bytes().iter().take(111)) {
        *to = from.cast_signed() as c_char;
    }
    room
}

/// Sends datagrams in their order, many in a system call. Those that follow each other with the same
/// destination and of one length, of which the last may be shorter, cost the least: where the system
/// can, up to 64 of them cross it as one (UDP segmentation offload), best where they lie behind each
/// other in memory too. Where it cannot, they go all the same.
/// @param datagrams, count the buffer and the length of each, and where it goes if elsewhere than
/// all. A destination is an address: names are looked up once, for args.
/// @param args where all go that do not say so themselves, as of acl_send_to; NULL for the defaults
/// that acl_make_socket was given.
/// @param sent how many went, from the first on; it is kept up to date while the call waits. After a
/// failure the error is that of datagrams[sent], which did not go; to go on, send the rest. May be NULL.
/// @return as acl_send_to, the report naming the datagram.
#[unsafe(no_mangle)]
pub extern "C" fn acl_send_to_many(
    sock: *mut acl_socket,
    datagrams: *const acl_datagram,
    count: usize,
    args: *const acl_send_to_args,
    sent: *mut usize,
) -> acl_status {
    boundary(|| {
        give(sent, 0);
        let sock = socket(sock)?;
        let datagrams: &[acl_datagram] = structs(datagrams.cast_mut(), count, "datagrams")?;
        let default = match datagrams.iter().all(acl_datagram::has_target) {
            true => None,
            false => destination(&sock, &keywords(args)?)?.map(|name| name.address()),
        };
        let one = |index| datagrams.get(index).map_or_else(|| Err(null("datagrams")), acl_datagram::outgoing);
        sock.send_to_many(count, one, default.as_ref(), |gone| give(sent, gone))
    })
}

/// Receives the datagrams that are there, at most count, waiting for the first only; many in a
/// system call. It never waits for the array to fill.
///
/// On an internet socket the first such call lets the system hand datagrams of one sender and one
/// length over as one (UDP receive offload), which the library takes apart again: here, in
/// acl_receive_from, and for the waiting functions, to which datagrams that came with others and were
/// not taken yet count as input. Who reads the descriptor otherwise, or in another process, would see
/// them undivided. Such a socket holds up to 1 MiB of memory until it is freed.
/// @param datagrams, count for each the buffer and the size; length, message_length and the sender
/// are set for those that came.
/// @param received how many came; 0 after a failure.
/// @return ACL_SOCKET_OK with at least one, else as acl_receive_from; ACL_SOCKET_INVALID_ARGUMENT
/// where count is 0 or the first datagram has no room.
#[unsafe(no_mangle)]
pub extern "C" fn acl_receive_from_many(
    sock: *mut acl_socket,
    datagrams: *mut acl_datagram,
    count: usize,
    received: *mut usize,
) -> acl_status {
    boundary(|| {
        let place = out(received, "received")?;
        place.write(0);
        let sock = socket(sock)?;
        if count == 0 {
            return Err(Error::argument("receiving datagrams into no datagram"));
        }
        let datagrams = Cell::from_mut(structs(datagrams, count, "datagrams")?).as_slice_of_cells();
        let one = |index: usize| datagrams.get(index).map(Cell::get).ok_or_else(|| null("datagrams"));
        let memory = |index| one(index).and_then(|it| room(it.buffer, it.size, "buffer"));
        let put = |index: usize, arrived: Arrival<'_>| {
            if let Some(cell) = datagrams.get(index) {
                let mut filled = cell.get();
                filled.put(arrived);
                cell.set(filled);
            }
        };
        place.write(sock.receive_from_many(count, memory, put)?);
        Ok(())
    })
}

fn give_received(place: &mut MaybeUninit<acl_received>, arrived: &Received) {
    let mut given = acl_received {
        length: arrived.length,
        message_length: arrived.message_length,
        remote_host: acl_ipaddr::default(),
        remote_port: 0,
        remote_filename: [0; 112],
    };
    match &arrived.sender {
        Some(Name::Internet(address, port)) => {
            give_address(&raw mut given.remote_host, Some(*address));
            given.remote_port = i32::from(*port);
        }
        Some(Name::File(file)) => given.remote_filename = file_room(file),
        None => {}
    }
    place.write(given);
}
