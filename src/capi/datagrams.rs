//! Datagrams.

use super::acl_status;
use super::addresses::{acl_ipaddr, give_address};
use super::arguments::{self, Keywords, bytes, file_name, give, host, keywords, out, port, room};
use super::boundary::boundary;
use super::make_socket::{acl_socket, set_scope_id, socket};
use super::variables;
use crate::error::{Error, Result};
use crate::socket::{Received, Socket};
use crate::sys::Name;
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
        let destination = destination(&sock, &keywords(args)?)?;
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
        Some(Name::File(file)) => {
            for (to, from) in given.remote_filename.iter_mut().zip(file.bytes().iter().take(111)) {
                *to = from.cast_signed() as c_char;
            }
        }
        None => {}
    }
    place.write(given);
}
