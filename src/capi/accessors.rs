//! The accessors of the second table of section 7.0. They answer after acl_close too, until the
//! handle is freed. A wrong kind of socket is ACL_SOCKET_WRONG_KIND.

use super::acl_status;
use super::addresses::acl_ipaddr;
use super::arguments::{choice, give_text, out};
use super::boundary::boundary;
use super::condition::c_string;
use super::make_socket::{
    ACL_SOCKET_ACTIVE, ACL_SOCKET_BINARY, ACL_SOCKET_BIVALENT, ACL_SOCKET_DATAGRAM, ACL_SOCKET_FILE,
    ACL_SOCKET_INTERNET, ACL_SOCKET_MULTIVALENT, ACL_SOCKET_PASSIVE, ACL_SOCKET_STREAM, ACL_SOCKET_TEXT,
    acl_socket, socket,
};
use crate::error::Result;
use crate::socket::{End, Format, Socket};
use std::ffi::c_char;

fn accessor<T>(
    sock: *mut acl_socket,
    value: *mut T,
    none: T,
    read: impl FnOnce(&Socket) -> Result<T>,
) -> acl_status {
    boundary(|| {
        let place = out(value, "value")?;
        place.write(none);
        place.write(read(&*socket(sock)?)?);
        Ok(())
    })
}

fn host(sock: &Socket, end: End) -> Result<acl_ipaddr> {
    Ok(acl_ipaddr::of(sock.host(end)?))
}

fn port(sock: &Socket, end: End) -> Result<i32> {
    Ok(sock.port(end)?.map_or(0, i32::from))
}

/// The address of the peer, or where a datagram socket sends by default; of kind
/// ACL_SOCKET_NO_ADDRESS where there is none.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT,
/// ACL_SOCKET_WRONG_KIND on a file socket. Allegro: remote-host.
#[unsafe(no_mangle)]
pub extern "C" fn acl_remote_host(sock: *mut acl_socket, value: *mut acl_ipaddr) -> acl_status {
    accessor(sock, value, acl_ipaddr::default(), |sock| host(sock, End::Remote))
}

/// The address the socket is bound to; 0.0.0.0 or :: for all of this machine.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT,
/// ACL_SOCKET_WRONG_KIND on a file socket. Allegro: local-host.
#[unsafe(no_mangle)]
pub extern "C" fn acl_local_host(sock: *mut acl_socket, value: *mut acl_ipaddr) -> acl_status {
    accessor(sock, value, acl_ipaddr::default(), |sock| host(sock, End::Local))
}

/// The port of the peer, or where a datagram socket sends by default; 0 where there is none.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT,
/// ACL_SOCKET_WRONG_KIND on a file socket. Allegro: remote-port.
#[unsafe(no_mangle)]
pub extern "C" fn acl_remote_port(sock: *mut acl_socket, value: *mut i32) -> acl_status {
    accessor(sock, value, 0, |sock| port(sock, End::Remote))
}

/// The port the socket is bound to.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT,
/// ACL_SOCKET_WRONG_KIND on a file socket. Allegro: local-port.
#[unsafe(no_mangle)]
pub extern "C" fn acl_local_port(sock: *mut acl_socket, value: *mut i32) -> acl_status {
    accessor(sock, value, 0, |sock| port(sock, End::Local))
}

/// The file of the peer, or where a datagram socket sends by default; empty where there is none.
/// @param buffer, size, length the room and the length of the text, as in the header's convention;
/// 109 bytes hold any.
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_WRONG_KIND on an internet socket,
/// ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT. Allegro: remote-filename.
#[unsafe(no_mangle)]
pub extern "C" fn acl_remote_filename(
    sock: *mut acl_socket,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| give_text(socket(sock)?.filename(End::Remote)?, buffer, size, length))
}

/// The file the socket is bound to; empty where there is none.
/// @param buffer, size, length the room and the length of the text, as in the header's convention;
/// 109 bytes hold any.
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_WRONG_KIND on an internet socket,
/// ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT. Allegro: local-filename.
#[unsafe(no_mangle)]
pub extern "C" fn acl_local_filename(
    sock: *mut acl_socket,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| give_text(socket(sock)?.filename(End::Local)?, buffer, size, length))
}

/// ACL_SOCKET_STREAM or ACL_SOCKET_DATAGRAM.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: socket-type.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_type(sock: *mut acl_socket, value: *mut i32) -> acl_status {
    accessor(sock, value, 0, |sock| {
        Ok(if sock.is_stream() { ACL_SOCKET_STREAM } else { ACL_SOCKET_DATAGRAM })
    })
}

/// ACL_SOCKET_INTERNET or ACL_SOCKET_FILE.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: socket-address-family.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_address_family(sock: *mut acl_socket, value: *mut i32) -> acl_status {
    accessor(sock, value, 0, |sock| {
        Ok(if sock.is_internet() { ACL_SOCKET_INTERNET } else { ACL_SOCKET_FILE })
    })
}

/// ACL_SOCKET_ACTIVE or ACL_SOCKET_PASSIVE; every datagram socket is active.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: socket-connect.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_connect(sock: *mut acl_socket, value: *mut i32) -> acl_status {
    accessor(sock, value, 0, |sock| {
        Ok(if sock.is_passive() { ACL_SOCKET_PASSIVE } else { ACL_SOCKET_ACTIVE })
    })
}

fn format(sock: &Socket) -> i32 {
    match sock.format() {
        Format::Multivalent => ACL_SOCKET_MULTIVALENT,
        Format::Text => ACL_SOCKET_TEXT,
        Format::Binary => ACL_SOCKET_BINARY,
        Format::Bivalent => ACL_SOCKET_BIVALENT,
    }
}

/// The format the socket was made with; an accepted one has that of its passive socket.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: socket-format.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_format(sock: *mut acl_socket, value: *mut i32) -> acl_status {
    accessor(sock, value, 0, |sock| Ok(format(sock)))
}

/// Does nothing to the socket, as in Allegro CL since 6.0: the format is chosen when it is made.
/// @param format one of the formats.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: set-socket-format.
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_socket_format(sock: *mut acl_socket, format: i32) -> acl_status {
    boundary(|| {
        let known = [ACL_SOCKET_MULTIVALENT, ACL_SOCKET_TEXT, ACL_SOCKET_BINARY, ACL_SOCKET_BIVALENT];
        choice(format, "format", known.map(|format| (format, ())))?;
        socket(sock).map(drop)
    })
}

/// 1 for an IPv6 socket, 0 for an IPv4 one.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT,
/// ACL_SOCKET_WRONG_KIND on a file socket. Allegro: ipv6.
#[unsafe(no_mangle)]
pub extern "C" fn acl_ipv6(sock: *mut acl_socket, value: *mut i32) -> acl_status {
    accessor(sock, value, 0, |sock| sock.ipv6().map(i32::from))
}

/// The printed representation of a socket, such as
/// #<multivalent stream socket connected from localhost/40226 to localhost/40225 @ #x71e5e09a>.
/// Looks host names up, which may take long, unless acl_set_print_hostname_in_stream(0).
/// @param buffer, size, length the room and the length of the text, as in the header's convention.
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_INVALID_HANDLE,
/// ACL_SOCKET_INVALID_ARGUMENT. Allegro: prin1-to-string.
#[unsafe(no_mangle)]
pub extern "C" fn acl_prin1_to_string(
    sock: *mut acl_socket,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        let text = format!("#<{} @ #x{:x}>", socket(sock)?.printed(), sock.addr());
        give_text(c_string(text).as_bytes(), buffer, size, length)
    })
}
