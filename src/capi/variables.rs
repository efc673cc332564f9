//! Section 6.0: the variables, each one for the whole process.

use super::acl_status;
use super::arguments::{boolean, choice};
use super::boundary::{answer, boundary};
use super::make_socket::{ACL_SOCKET_IPV6_ONLY, ACL_SOCKET_OFF, ACL_SOCKET_OMITTED, ACL_SOCKET_ON};
use crate::error::Result;
use crate::names::Ipv6;
use crate::socket;
use crate::stream;
use std::ffi::{CString, c_char};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI32, Ordering};

static IPV6: AtomicI32 = AtomicI32::new(ACL_SOCKET_OFF);

/// The value of an ipv6 keyword: that of the variable where it is omitted.
pub(super) fn ipv6(keyword: i32) -> Result<Ipv6> {
    let value = if keyword == ACL_SOCKET_OMITTED { IPV6.load(Ordering::Relaxed) } else { keyword };
    choice(
        value,
        "ipv6",
        [(ACL_SOCKET_OFF, Ipv6::Nil), (ACL_SOCKET_ON, Ipv6::T), (ACL_SOCKET_IPV6_ONLY, Ipv6::Only)],
    )
}

/// The default of every ipv6 keyword: ACL_SOCKET_OFF (initially), ACL_SOCKET_ON or
/// ACL_SOCKET_IPV6_ONLY. Allegro: *ipv6*.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_ipv6() -> i32 {
    answer(ACL_SOCKET_OFF, || IPV6.load(Ordering::Relaxed))
}

/// Sets the default of every ipv6 keyword, for the whole process.
/// @param value ACL_SOCKET_OFF: IPv4, unless an IPv6 address is given; ACL_SOCKET_ON: IPv6 sockets
/// (which reach IPv4 too), IPv6 addresses preferred; ACL_SOCKET_IPV6_ONLY: look-ups find IPv6 only.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT. Allegro: (setf *ipv6*).
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_ipv6(value: i32) -> acl_status {
    boundary(|| {
        let known = [(ACL_SOCKET_OFF, ()), (ACL_SOCKET_ON, ()), (ACL_SOCKET_IPV6_ONLY, ())];
        choice(value, "ipv6", known)?;
        IPV6.store(value, Ordering::Relaxed);
        Ok(())
    })
}

/// Whether acl_prin1_to_string looks host names up, which can take long: 1 (initially) or 0.
/// Allegro: *print-hostname-in-stream*.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_print_hostname_in_stream() -> i32 {
    answer(1, || i32::from(socket::print_hostname_in_stream()))
}

/// Sets whether acl_prin1_to_string looks host names up, for the whole process.
/// @param value 1 or 0.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT. Allegro: (setf *print-hostname-in-stream*).
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_print_hostname_in_stream(value: i32) -> acl_status {
    boundary(|| {
        socket::set_print_hostname_in_stream(boolean(value, "print_hostname_in_stream")?);
        Ok(())
    })
}

/// Whether streams are exact for threads that leave calls by longjmp: 1 or 0 (initially).
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_non_local_exits() -> i32 {
    answer(0, || i32::from(stream::non_local_exits()))
}

/// Says whether threads of this process leave stream functions by longjmp out of signal handlers, as a
/// Lisp's with-timeout does. A thread may always leave so while it waits. But a handler can also come in the
/// middle of moving bytes: then bytes that arrived may be lost to the stream, bytes that were sent may be sent
/// again, and a chunked body may end in ACL_SOCKET_CHUNKING_ERROR. With 1 it cannot, and a stream goes on byte by
/// byte where it stood: signals are held back while it is moved and let through while the call waits, at two more
/// system calls for each call that finds nothing in the buffer, or no room. SIGSEGV and other faults of the
/// thread itself are never held back. A call that is left may have done its work or not: to know what was read,
/// look with acl_peek_input and take with acl_consume_input; to know what was written, keep the call that
/// fills the buffer from being left, and leave acl_force_output. To be set before streams are in use.
/// @param value 1 or 0.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_non_local_exits(value: i32) -> acl_status {
    boundary(|| {
        stream::set_non_local_exits(boolean(value, "non_local_exits")?);
        Ok(())
    })
}

static VERSION: LazyLock<CString> = LazyLock::new(|| {
    let openssl = crate::ssl::openssl_version();
    let text = format!("libacl_socket {} ({openssl})", env!("CARGO_PKG_VERSION"));
    CString::new(text).unwrap_or_default()
});

/// The version of the library and of the OpenSSL it runs with, to be quoted in questions; static.
/// Allegro: *socket-version*.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_socket_version() -> *const c_char {
    answer(c"".as_ptr(), || VERSION.as_ptr())
}

/// The version of the library as ACL_SOCKET_VERSION has it in the header: 0x00MMmmpp.
#[unsafe(no_mangle)]
pub extern "C" fn acl_library_version() -> u32 {
    answer(0, || {
        let parts = [
            env!("CARGO_PKG_VERSION_MAJOR"),
            env!("CARGO_PKG_VERSION_MINOR"),
            env!("CARGO_PKG_VERSION_PATCH"),
        ];
        parts.iter().fold(0, |number, part| number << 8 | part.parse::<u32>().unwrap_or(0))
    })
}
