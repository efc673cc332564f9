//! Section 5.1 and the functions on sockets: accepting, shutting down, options, the descriptor.

use super::addresses::acl_ipaddr;
use super::arguments::{Keywords, boolean, choice, host, keywords, null, optional_number, out, tri_state};
use super::boundary::boundary;
use super::make_socket::{acl_socket, md5_key, new_handle, socket};
use super::{acl_status, arguments};
use crate::error::Error;
use crate::names::Ipv6;
use crate::socket::{Direction, Options};
use std::ffi::{c_char, c_void};
use std::ptr;

/// Wait for a connection.
pub const ACL_SOCKET_WAIT: i32 = 1;
/// Do not wait.
pub const ACL_SOCKET_NO_WAIT: i32 = 0;
/// The half of a connection that is read.
pub const ACL_SOCKET_INPUT: i32 = 1;
/// The half of a connection that is written.
pub const ACL_SOCKET_OUTPUT: i32 = 2;

/// Accepts a connection. Any number of threads may accept on one passive socket.
/// @param passive a passive socket.
/// @param wait ACL_SOCKET_WAIT, or ACL_SOCKET_NO_WAIT to answer ACL_SOCKET_WOULD_BLOCK where none is
/// pending.
/// @param stream where the handle of the new active socket is stored, NULL without one.
/// @return ACL_SOCKET_OK, ACL_SOCKET_WOULD_BLOCK, ACL_SOCKET_READ_TIMEOUT after the passive socket's
/// read_timeout, ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE,
/// ACL_SOCKET_INVALID_ARGUMENT, ACL_SOCKET_UNKNOWN with EMFILE or ENFILE
/// when the descriptors are used up: the connection then stays pending, so wait before trying again.
/// Allegro: accept-connection.
#[unsafe(no_mangle)]
pub extern "C" fn acl_accept_connection(
    passive: *mut acl_socket,
    wait: i32,
    stream: *mut *mut acl_socket,
) -> acl_status {
    boundary(|| {
        let place = out(stream, "stream")?;
        place.write(ptr::null_mut());
        let wait = boolean(wait, "wait")?;
        place.write(new_handle(socket(passive)?.accept(wait)?)?);
        Ok(())
    })
}

/// Shuts one half of a connection down. Buffered output is not flushed: acl_force_output first.
/// When both halves are shut the descriptor is closed; acl_close is then legal and does nothing.
/// @param direction ACL_SOCKET_INPUT or ACL_SOCKET_OUTPUT.
/// @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE,
/// ACL_SOCKET_INVALID_ARGUMENT. Allegro: shutdown.
#[unsafe(no_mangle)]
pub extern "C" fn acl_shutdown(sock: *mut acl_socket, direction: i32) -> acl_status {
    boundary(|| {
        let halves = [(ACL_SOCKET_INPUT, Direction::Input), (ACL_SOCKET_OUTPUT, Direction::Output)];
        socket(sock)?.shutdown(choice(direction, "direction", halves)?)
    })
}

/// Keyword arguments of acl_set_socket_options. What is 0 stays as it is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_set_socket_options_args {
    /// ACL_SOCKET_ARGS(acl_set_socket_options_args).
    pub struct_size: usize,
    /// Tri-state: SO_REUSEADDR.
    pub reuse_address: i32,
    /// Tri-state: SO_BROADCAST.
    pub broadcast: i32,
    /// Tri-state: SO_KEEPALIVE.
    pub keepalive: i32,
    /// Tri-state: TCP_NODELAY.
    pub nodelay: i32,
    /// Tri-state: SO_OOBINLINE.
    pub oob_inline: i32,
    /// Bytes: SO_RCVBUF.
    pub receive_buffer_size: i32,
    /// Bytes: SO_SNDBUF.
    pub send_buffer_size: i32,
    /// Seconds of silence before the first probe.
    pub tcp_keepalive_idle_time: i32,
    /// Seconds between probes.
    pub tcp_keepalive_probe_interval: i32,
    /// Unanswered probes that end the connection.
    pub tcp_keepalive_max_probes: i32,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_set_socket_options_args {
    const NAME: &'static str = "acl_set_socket_options_args";
}

/// Changes options of a socket of any kind. All arguments are checked first; then the options are
/// set in the order of the struct up to the first that the system refuses.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_ARGUMENT,
/// or what the system says to an option that this kind of socket does not have
/// (ACL_SOCKET_UNKNOWN with EOPNOTSUPP, ACL_SOCKET_PROTOCOL_NOT_AVAILABLE).
/// Allegro: set-socket-options.
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_socket_options(
    sock: *mut acl_socket,
    args: *const acl_set_socket_options_args,
) -> acl_status {
    boundary(|| {
        let sock = socket(sock)?;
        if args.is_null() {
            return Err(null("args"));
        }
        let args = keywords(args)?;
        sock.set_options(&Options {
            reuse_address: tri_state(args.reuse_address, "reuse_address")?,
            broadcast: tri_state(args.broadcast, "broadcast")?,
            keepalive: tri_state(args.keepalive, "keepalive")?,
            nodelay: tri_state(args.nodelay, "nodelay")?,
            oob_inline: tri_state(args.oob_inline, "oob_inline")?,
            receive_buffer_size: optional_number(args.receive_buffer_size, "receive_buffer_size")?,
            send_buffer_size: optional_number(args.send_buffer_size, "send_buffer_size")?,
            tcp_keepalive_idle_time: optional_number(
                args.tcp_keepalive_idle_time,
                "tcp_keepalive_idle_time",
            )?,
            tcp_keepalive_probe_interval: optional_number(
                args.tcp_keepalive_probe_interval,
                "tcp_keepalive_probe_interval",
            )?,
            tcp_keepalive_max_probes: optional_number(
                args.tcp_keepalive_max_probes,
                "tcp_keepalive_max_probes",
            )?,
        })
    })
}

/// Sets the RFC 2385 key for connections that come from an address; call it for each peer.
/// @param sock a passive TCP socket.
/// @param remote_host the peer in dotted or colon hex form, or a host name; or NULL.
/// @param remote_ipaddr the same as an address; only one of both.
/// @param key, key_length 1 to 80 bytes.
/// @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_PROTOCOL_NOT_AVAILABLE where the kernel
/// has no such option, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: set-tcp-md5-sig.
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_tcp_md5_sig(
    sock: *mut acl_socket,
    remote_host: *const c_char,
    remote_ipaddr: *const acl_ipaddr,
    key: *const c_void,
    key_length: usize,
) -> acl_status {
    boundary(|| {
        let sock = socket(sock)?;
        let key = md5_key(key, key_length)?;
        let peer = host(remote_host, remote_ipaddr, "remote_host")?.addresses(Ipv6::T, 0, None)?;
        let missing = || Error::argument("setting an MD5 key without remote_host");
        sock.set_tcp_md5_sig(peer.first().copied().ok_or_else(missing)?, key)
    })
}

/// The descriptor of a socket, for foreign code. Using it bypasses the buffers: bytes may be in
/// the input buffer already, or wait in the output buffer. Do not close it.
/// @return ACL_SOCKET_OK, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: socket-os-fd.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_os_fd(sock: *mut acl_socket, os_fd: *mut i32) -> acl_status {
    boundary(|| {
        let place = arguments::out(os_fd, "os_fd")?;
        place.write(-1);
        place.write(socket(sock)?.os_fd()?);
        Ok(())
    })
}
