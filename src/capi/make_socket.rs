//! Section 4.0 and 5.1: making, closing and freeing sockets.

use super::addresses::acl_ipaddr;
use super::arguments::{
    Keywords, boolean, choice, file_bytes, host, keywords, optional_number, out, port, timeout, tri_state,
};
use super::boundary::{answer, boundary};
use super::formats::mode;
use super::{acl_status, handle, variables};
use crate::error::{Error, Result};
use crate::names;
use crate::socket::{
    Filenames, Format, Host, MakeSocket, Options, Port, Socket, Timeouts, begin_pending_connect,
    end_pending_connect,
};
use crate::sys::MAX_MD5_KEY;
use std::ffi::{c_char, c_void};
use std::ptr;

/// A socket. The pointer is a checked handle, never memory: anything else is answered with
/// ACL_SOCKET_INVALID_HANDLE.
pub struct acl_socket {
    _private: [u8; 0],
}

/// Type: TCP, or a Unix-domain stream.
pub const ACL_SOCKET_STREAM: i32 = 0;
/// Type: UDP, or Unix-domain datagrams.
pub const ACL_SOCKET_DATAGRAM: i32 = 1;
/// Address family: named by an IP address and a port.
pub const ACL_SOCKET_INTERNET: i32 = 0;
/// Address family: named by a file of this machine.
pub const ACL_SOCKET_FILE: i32 = 1;
/// Connect: reaches out to a passive socket.
pub const ACL_SOCKET_ACTIVE: i32 = 0;
/// Connect: waits for connections.
pub const ACL_SOCKET_PASSIVE: i32 = 1;
/// Format: characters and bytes, freely mixed.
pub const ACL_SOCKET_MULTIVALENT: i32 = 0;
/// Format: characters only.
pub const ACL_SOCKET_TEXT: i32 = 1;
/// Format: bytes only.
pub const ACL_SOCKET_BINARY: i32 = 2;
/// Format, for streams: characters and bytes, as before Allegro CL 6.0.
pub const ACL_SOCKET_BIVALENT: i32 = 3;
/// A keyword argument that is not given.
pub const ACL_SOCKET_OMITTED: i32 = 0;
/// A keyword argument that is true.
pub const ACL_SOCKET_ON: i32 = 1;
/// A keyword argument that is given as nil.
pub const ACL_SOCKET_OFF: i32 = -1;
/// The value of an ipv6 keyword that Lisp writes as the keyword ipv6.
pub const ACL_SOCKET_IPV6_ONLY: i32 = 2;

/// Keyword arguments of acl_make_socket. A zeroed field is the documented default. NULL pointers
/// and the number 0 are not given.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_make_socket_args {
    /// ACL_SOCKET_ARGS(acl_make_socket_args).
    pub struct_size: usize,
    /// ACL_SOCKET_STREAM or ACL_SOCKET_DATAGRAM.
    pub r#type: i32,
    /// ACL_SOCKET_MULTIVALENT, ACL_SOCKET_TEXT, ACL_SOCKET_BINARY or, for streams, ACL_SOCKET_BIVALENT.
    pub format: i32,
    /// ACL_SOCKET_INTERNET or ACL_SOCKET_FILE.
    pub address_family: i32,
    /// ACL_SOCKET_ACTIVE or ACL_SOCKET_PASSIVE; without meaning for datagrams.
    pub connect: i32,
    /// The host to connect to, or a datagram socket's default to send to: a host name or an
    /// address in dotted or colon hex form. Ignored by passive sockets.
    pub remote_host: *const c_char,
    /// The same as an address; only one of both. Its scope_id is set where scope_id is given.
    pub remote_ipaddr: *mut acl_ipaddr,
    /// The port to connect or send to, 1 to 65535.
    pub remote_port: i32,
    /// The same as the name of a service; only one of both.
    pub remote_port_name: *const c_char,
    /// The address of the interface to bind to; all of them where it is not given.
    pub local_host: *const c_char,
    /// The same as an address; only one of both.
    pub local_ipaddr: *const acl_ipaddr,
    /// The port to bind to; the system chooses one where it is not given. An active socket given
    /// a local host or port is bound before it connects.
    pub local_port: i32,
    /// The same as the name of a service; only one of both.
    pub local_port_name: *const c_char,
    /// The file to connect or send to, 1 to 107 bytes.
    pub remote_filename: *const c_char,
    /// The file to bind to, 1 to 107 bytes; it is made, and removed when the socket is closed by the
    /// process that made it.
    pub local_filename: *const c_char,
    /// How many connections may wait to be accepted; the most the system allows where not given.
    pub backlog: i32,
    /// Tri-state, off: lets a local port be bound while old connections of it linger.
    pub reuse_address: i32,
    /// Tri-state, off: lets a datagram socket send to a broadcast address.
    pub broadcast: i32,
    /// Tri-state, off: lets the system probe an idle peer.
    pub keepalive: i32,
    /// Tri-state, off: sends what is flushed at once, without waiting for the answer to what was
    /// sent before. Wanted by most protocols of requests and replies.
    pub nodelay: i32,
    /// ACL_SOCKET_OMITTED (what acl_get_ipv6 says), ACL_SOCKET_OFF, ACL_SOCKET_ON or
    /// ACL_SOCKET_IPV6_ONLY. An IPv6 socket is dual-stack: it shows IPv4 peers as v4-mapped.
    pub ipv6: i32,
    /// The interface of an IPv6 remote host; where 0, that of the address itself.
    pub scope_id: u32,
    /// The RFC 2385 key for the connection to the remote host (active sockets, Linux).
    pub tcp_md5_sig_key: *const c_void,
    /// Its length, 1 to 80 bytes.
    pub tcp_md5_sig_key_length: usize,
    /// For streams, and those that a passive socket accepts: a name as of
    /// acl_set_stream_external_format; utf-8 where not given.
    pub external_format: *const c_char,
    /// The same: ACL_SOCKET_EOL_UNIX and the like.
    pub eol_convention: i32,
    /// The same: ACL_SOCKET_REPLACE or ACL_SOCKET_REFUSE.
    pub malformed_policy: i32,
    /// Seconds that connecting may take, with looking the name up and for all its addresses together; no
    /// limit but the system's where 0 or negative. The C library's look-ups do not heed it: see
    /// acl_set_dns_mode.
    pub connect_timeout: f64,
    /// Seconds that one wait of reading, accepting or receiving may last, as of acl_socket_control; no
    /// limit where 0 or negative. Streams that a passive socket accepts do not inherit it.
    pub read_timeout: f64,
    /// The same of writing and sending.
    pub write_timeout: f64,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_make_socket_args {
    const NAME: &'static str = "acl_make_socket_args";
}

/// Keyword arguments of acl_socket_from_os_fd.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_socket_from_os_fd_args {
    /// ACL_SOCKET_ARGS(acl_socket_from_os_fd_args).
    pub struct_size: usize,
    /// As in acl_make_socket_args.
    pub format: i32,
    /// As in acl_make_socket_args.
    pub external_format: *const c_char,
    /// As in acl_make_socket_args.
    pub eol_convention: i32,
    /// As in acl_make_socket_args.
    pub malformed_policy: i32,
    /// As in acl_make_socket_args.
    pub read_timeout: f64,
    /// As in acl_make_socket_args.
    pub write_timeout: f64,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_socket_from_os_fd_args {
    const NAME: &'static str = "acl_socket_from_os_fd_args";
}

fn format(format: i32, stream: bool) -> Result<Format> {
    match choice(
        format,
        "format",
        [
            (ACL_SOCKET_MULTIVALENT, Format::Multivalent),
            (ACL_SOCKET_TEXT, Format::Text),
            (ACL_SOCKET_BINARY, Format::Binary),
            (ACL_SOCKET_BIVALENT, Format::Bivalent),
        ],
    )? {
        Format::Bivalent if !stream => Err(Error::argument("taking the bivalent format for datagrams")),
        format => Ok(format),
    }
}

fn refuse(given: bool, what: &str) -> Result<()> {
    if given { Err(Error::argument(format!("taking {what}"))) } else { Ok(()) }
}

fn given((host, port): &(Host<'_>, Port<'_>)) -> bool {
    !matches!((host, port), (Host::Omitted, Port::Omitted))
}

/// Writes the scope id into the caller's address, as the specification has it.
pub(super) fn set_scope_id(address: *mut acl_ipaddr, scope_id: u32) {
    // SAFETY: a pointer that is not NULL is the caller's promise of an address.
    if let Some(address) = unsafe { address.as_mut() }
        && scope_id != 0
    {
        address.scope_id = scope_id;
    }
}

/// A key of RFC 2385.
pub(super) fn md5_key<'a>(key: *const c_void, length: usize) -> Result<&'a [u8]> {
    let key = super::arguments::bytes(key, length, "tcp_md5_sig_key")?;
    let fits = (1..=MAX_MD5_KEY).contains(&key.len());
    refuse(!fits, &format!("an MD5 key of {} bytes; it must have 1 to {MAX_MD5_KEY}", key.len()))?;
    Ok(key)
}

fn timeouts(read: f64, write: f64) -> Result<Timeouts> {
    let (read, write) = (timeout(read, "read_timeout")?, timeout(write, "write_timeout")?);
    Ok(Timeouts { read: read.flatten(), write: write.flatten() })
}

fn make(args: &acl_make_socket_args, make: impl FnOnce(&MakeSocket<'_>) -> Result<Socket>) -> Result<Socket> {
    names::forget_left();
    let stream = choice(args.r#type, "type", [(ACL_SOCKET_STREAM, true), (ACL_SOCKET_DATAGRAM, false)])?;
    let families = [(ACL_SOCKET_INTERNET, true), (ACL_SOCKET_FILE, false)];
    let internet = choice(args.address_family, "address_family", families)?;
    let passive = choice(args.connect, "connect", [(ACL_SOCKET_ACTIVE, false), (ACL_SOCKET_PASSIVE, true)])?;
    let has_key = !args.tcp_md5_sig_key.is_null() || args.tcp_md5_sig_key_length != 0;
    let key = || md5_key(args.tcp_md5_sig_key, args.tcp_md5_sig_key_length);
    let wanted = MakeSocket {
        stream,
        internet,
        passive,
        format: format(args.format, stream)?,
        mode: mode(args.external_format, args.eol_convention, args.malformed_policy)?,
        remote: (
            host(args.remote_host, args.remote_ipaddr, "remote_host")?,
            port(args.remote_port, args.remote_port_name, "remote_port")?,
        ),
        local: (
            host(args.local_host, args.local_ipaddr, "local_host")?,
            port(args.local_port, args.local_port_name, "local_port")?,
        ),
        files: Filenames {
            local: file_bytes(args.local_filename, "local_filename")?,
            remote: file_bytes(args.remote_filename, "remote_filename")?,
        },
        backlog: optional_number(args.backlog, "backlog")?.unwrap_or(libc::SOMAXCONN),
        options: Options {
            reuse_address: tri_state(args.reuse_address, "reuse_address")?,
            broadcast: tri_state(args.broadcast, "broadcast")?,
            keepalive: tri_state(args.keepalive, "keepalive")?,
            nodelay: tri_state(args.nodelay, "nodelay")?,
            ..Options::default()
        },
        ipv6: variables::ipv6(args.ipv6)?,
        scope_id: args.scope_id,
        md5_key: has_key.then(key).transpose()?,
        connect_timeout: timeout(args.connect_timeout, "connect_timeout")?.flatten(),
        timeouts: timeouts(args.read_timeout, args.write_timeout)?,
    };
    let files = wanted.files.local.is_some() || wanted.files.remote.is_some();
    refuse(internet && files, "a file name for an internet socket")?;
    let addressed = given(&wanted.local) || given(&wanted.remote);
    refuse(!internet && addressed, "a host or port for a file socket")?;
    let key_fits = internet && stream && !passive;
    let characters = wanted.mode.is_some();
    refuse(characters && !stream, "an external format, eol convention or malformed policy for datagrams")?;
    refuse(has_key && !key_fits, "an MD5 key for a socket that is not an active TCP one")?;
    set_scope_id(args.remote_ipaddr, args.scope_id);
    make(&wanted)
}

/// Makes a socket. An active stream socket is connected when this returns, which may take minutes.
/// The addresses of a host name are tried in turn, IPv6 and IPv4 alternately: the next one as soon as one
/// has failed, or has not come about for 250 ms and goes on beside it (RFC 8305), unless a local port is
/// given. Where all fail, the error is that of the address that tells the most: a machine that refused
/// before one that did not answer, and that before one that no way leads to.
/// @param args NULL for all defaults.
/// @param socket where the new handle is stored, NULL after a failure. Close it with acl_close and
/// free it with acl_free_socket.
/// @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT for arguments that are out of range, missing
/// or contradict each other; ACL_SOCKET_INVALID_ADDRESS, ACL_SOCKET_HOST_NOT_FOUND,
/// ACL_SOCKET_PORT_NOT_FOUND and what else acl_lookup_hostname answers for names; ACL_SOCKET_ADDRESS_IN_USE, ACL_SOCKET_ADDRESS_NOT_AVAILABLE
/// for the local name; ACL_SOCKET_CONNECTION_REFUSED, ACL_SOCKET_CONNECTION_TIMED_OUT,
/// ACL_SOCKET_HOST_UNREACHABLE, ACL_SOCKET_NETWORK_DOWN and the like for the remote one;
/// ACL_SOCKET_CONNECT_TIMEOUT after connect_timeout;
/// ACL_SOCKET_PROTOCOL_NOT_AVAILABLE where the system has no MD5 signatures; ACL_SOCKET_UNKNOWN with
/// the errno for the rest, such as EMFILE. Allegro: make-socket.
#[unsafe(no_mangle)]
pub extern "C" fn acl_make_socket(
    args: *const acl_make_socket_args,
    socket: *mut *mut acl_socket,
) -> acl_status {
    boundary(|| {
        let place = out(socket, "socket")?;
        place.write(ptr::null_mut());
        place.write(new_handle(make(&keywords(args)?, Socket::make)?)?);
        Ok(())
    })
}

/// The handle of a new socket.
pub(super) fn new_handle(socket: Socket) -> Result<*mut acl_socket> {
    Ok(ptr::without_provenance_mut(handle::publish(socket)?))
}

/// Begins to connect without waiting for the connection. Only looking a name up is waited for.
/// @param args as of acl_make_socket, for an active stream socket. Where one of a name's addresses fails,
/// acl_finish_connect goes on with the next, in the same descriptor and with the same options. The time
/// of connect_timeout is for all of that.
/// @param pending where the new handle is stored, NULL after a failure. It can be waited for with
/// ACL_SOCKET_OUT, but reading and writing answer ACL_SOCKET_WOULD_BLOCK until acl_finish_connect. To give
/// it up, close and free it.
/// @return as acl_make_socket; ACL_SOCKET_INVALID_ARGUMENT for another kind of socket.
#[unsafe(no_mangle)]
pub extern "C" fn acl_begin_connect(
    args: *const acl_make_socket_args,
    pending: *mut *mut acl_socket,
) -> acl_status {
    boundary(|| {
        let place = out(pending, "pending")?;
        place.write(ptr::null_mut());
        place.write(new_handle(make(&keywords(args)?, Socket::begin_connect)?)?);
        Ok(())
    })
}

/// Finishes a connection that acl_begin_connect began.
/// @param wait ACL_SOCKET_WAIT, or ACL_SOCKET_NO_WAIT to answer ACL_SOCKET_WOULD_BLOCK while it is not there.
/// @return ACL_SOCKET_OK, also when it was finished before; ACL_SOCKET_WOULD_BLOCK; ACL_SOCKET_CONNECT_TIMEOUT,
/// ACL_SOCKET_CONNECTION_REFUSED and the like as of acl_make_socket, after which the socket is only to be
/// closed; ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn acl_finish_connect(sock: *mut acl_socket, wait: i32) -> acl_status {
    boundary(|| {
        let sock = socket(sock)?;
        sock.finish_connect(boolean(wait, "wait")?)
    })
}

/// Begins a block whose pending connections shall not outlive it, see ACL_SOCKET_WITH_PENDING_CONNECT.
/// @return a token for acl_end_pending_connect in the same thread. Allegro: with-pending-connect.
#[unsafe(no_mangle)]
pub extern "C" fn acl_begin_pending_connect() -> i32 {
    answer(0, begin_pending_connect)
}

/// Ends the block: a connection that acl_make_socket was making in it when the thread left by longjmp
/// is closed. One that was completed is untouched. Where this is not reached, the thread's next
/// acl_make_socket or acl_begin_pending_connect does it, or its end.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT for a negative token. Allegro: with-pending-connect.
#[unsafe(no_mangle)]
pub extern "C" fn acl_end_pending_connect(token: i32) -> acl_status {
    boundary(|| {
        if token < 0 {
            return Err(Error::argument(format!("taking {token} for a token")));
        }
        end_pending_connect(token);
        Ok(())
    })
}

/// Takes over a socket descriptor that was made elsewhere: inherited, passed, or by socket
/// activation. Type, family, connection and names are found out. The descriptor becomes
/// close-on-exec; an active stream's becomes blocking. From then on it is closed with the socket.
/// @param os_fd the descriptor; after a failure it still is the caller's.
/// @param args NULL for the defaults.
/// @return ACL_SOCKET_OK, ACL_SOCKET_NOT_SUPPORTED for another kind of socket than acl_make_socket
/// makes, ACL_SOCKET_UNKNOWN with EBADF or ENOTSOCK, ACL_SOCKET_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_from_os_fd(
    os_fd: i32,
    args: *const acl_socket_from_os_fd_args,
    socket: *mut *mut acl_socket,
) -> acl_status {
    boundary(|| {
        let place = out(socket, "socket")?;
        place.write(ptr::null_mut());
        if os_fd < 0 {
            return Err(Error::argument(format!("adopting the descriptor {os_fd}, which is negative")));
        }
        let args = keywords(args)?;
        let mode = mode(args.external_format, args.eol_convention, args.malformed_policy)?;
        let timeouts = timeouts(args.read_timeout, args.write_timeout)?;
        place.write(new_handle(Socket::from_os_fd(os_fd, format(args.format, true)?, mode, timeouts)?)?);
        Ok(())
    })
}

/// Do not flush: the last argument of acl_close.
pub const ACL_SOCKET_ABORT: i32 = 1;

/// Closes a socket. Buffered output is flushed first, unless abort is 1; when that fails the socket
/// stays open for a close with abort. Threads that wait in it are woken with ACL_SOCKET_CLOSED.
/// The handle stays valid, and the accessors answer, until acl_free_socket. Closing again does
/// nothing.
/// @param abort 0, or ACL_SOCKET_ABORT.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT, or the error of the
/// flush, such as ACL_SOCKET_WRITE_TIMEOUT. Allegro: close.
#[unsafe(no_mangle)]
pub extern "C" fn acl_close(socket: *mut acl_socket, abort: i32) -> acl_status {
    boundary(|| {
        let abort = boolean(abort, "abort")?;
        handle::get::<Socket>(socket.addr())?.close(abort)
    })
}

/// Frees a handle. A socket that is open is closed with abort: close it first to have its output
/// flushed. NULL is a no-op.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE when it is freed already or was never a handle.
#[unsafe(no_mangle)]
pub extern "C" fn acl_free_socket(socket: *mut acl_socket) -> acl_status {
    boundary(|| {
        if socket.is_null() {
            return Ok(());
        }
        // Closed while it can still be found, so that who waits in it is woken now.
        handle::get::<Socket>(socket.addr())?.close(true)?;
        handle::release::<Socket>(socket.addr())
    })
}

/// A socket for a call, from the handle that the caller gave.
pub(super) fn socket(socket: *const acl_socket) -> Result<handle::Held<Socket>> {
    handle::get(socket.addr())
}
