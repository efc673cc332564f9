//! Section 5.2: names of hosts and ports.

use super::addresses::{acl_ipaddr, value};
use super::arguments::{self, Keywords, boolean, give_text, keywords, out, text, timeout};
use super::boundary::boundary;
use super::{acl_status, variables};
use crate::error::Result;
use crate::names::{self, Ipv6, Lookup};
use crate::{address::IpAddress, socket};
use std::ffi::c_char;

/// Keyword arguments of acl_lookup_hostname and acl_lookup_hostname_all.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_lookup_hostname_args {
    /// ACL_SOCKET_ARGS(acl_lookup_hostname_args).
    pub struct_size: usize,
    /// 1 to ask anew. The answer is kept for others all the same.
    pub ignore_cache: i32,
    /// ACL_SOCKET_OMITTED (what acl_get_ipv6 says), ACL_SOCKET_OFF, ACL_SOCKET_ON or
    /// ACL_SOCKET_IPV6_ONLY.
    pub ipv6: i32,
    /// Seconds that the look-up may take; 0 for what is configured, negative for the same. The C
    /// library does not heed it: see acl_set_dns_mode.
    pub timeout: f64,
}

/// Keyword arguments of acl_ipaddr_to_hostname.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_ipaddr_to_hostname_args {
    /// ACL_SOCKET_ARGS(acl_ipaddr_to_hostname_args).
    pub struct_size: usize,
    /// 1 to ask anew. The answer is kept for others all the same.
    pub ignore_cache: i32,
    /// As in acl_lookup_hostname_args.
    pub timeout: f64,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_ipaddr_to_hostname_args {
    const NAME: &'static str = "acl_ipaddr_to_hostname_args";
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_lookup_hostname_args {
    const NAME: &'static str = "acl_lookup_hostname_args";
}

/// When a look-up must be over, on the clock of the limits.
fn end(seconds: f64) -> Result<Option<u64>> {
    Ok(timeout(seconds, "timeout")?.flatten().map(socket::after))
}

fn lookup(host: *const c_char, args: *const acl_lookup_hostname_args) -> Result<Vec<IpAddress>> {
    names::forget_left();
    let args = keywords(args)?;
    let ignore_cache = boolean(args.ignore_cache, "ignore_cache")?;
    let end = end(args.timeout)?;
    let how = Lookup { ipv6: variables::ipv6(args.ipv6)?, ignore_cache, end };
    names::lookup_hostname(text(host, "host")?, how)
}

/// The address of a host given by its name or by a dotted address. Who is asked, and in what time, is
/// said at acl_set_dns_mode: at first the hosts file, then the name servers. Domains of the search list
/// are put behind names as the C library does it. Names that end in .localhost are this machine; those
/// that end in .onion or .invalid are not told to a name server. With ACL_SOCKET_ON both families are
/// asked for at once; where one is answered, the other is waited for 2 seconds at the most.
/// @param args NULL for the defaults.
/// @return ACL_SOCKET_OK; ACL_SOCKET_HOST_NOT_FOUND where there is no such name, ACL_SOCKET_NO_DATA where it
/// has no address of the wanted family; ACL_SOCKET_NAMESERVER_TIMEOUT and the other errors of
/// acl_dns_query where no name server told; ACL_SOCKET_INVALID_ADDRESS (digits that are no address),
/// ACL_SOCKET_INVALID_ARGUMENT. Allegro: lookup-hostname.
#[unsafe(no_mangle)]
pub extern "C" fn acl_lookup_hostname(
    host: *const c_char,
    args: *const acl_lookup_hostname_args,
    address: *mut acl_ipaddr,
) -> acl_status {
    boundary(|| {
        let place = out(address, "address")?;
        place.write(acl_ipaddr::default());
        place.write(acl_ipaddr::of(lookup(host, args)?.first().copied()));
        Ok(())
    })
}

/// All addresses of a host, with ACL_SOCKET_ON the IPv6 ones first.
/// @param addresses an array to be freed with acl_free_buffer; NULL after a failure.
/// @param count how many.
/// @return as acl_lookup_hostname. Allegro: lookup-hostname with :all.
#[unsafe(no_mangle)]
pub extern "C" fn acl_lookup_hostname_all(
    host: *const c_char,
    args: *const acl_lookup_hostname_args,
    addresses: *mut *mut acl_ipaddr,
    count: *mut usize,
) -> acl_status {
    boundary(|| {
        let place = out(addresses, "addresses")?;
        place.write(std::ptr::null_mut());
        let room = out(count, "count")?;
        let found = lookup(host, args)?;
        let found: Vec<_> = found.into_iter().map(|address| acl_ipaddr::of(Some(address))).collect();
        place.write(arguments::allocated(&found)?);
        room.write(found.len());
        Ok(())
    })
}

/// The name of the host with that address, looked up as by acl_lookup_hostname. Where no name is
/// recorded the answer is ACL_SOCKET_OK and an empty text, as Lisp answers nil; so it is where the name
/// has other characters than letters, digits, "-", "_" and ".". Whoever owns an address can record any
/// name for it.
/// @param args NULL for the defaults.
/// @param buffer, size, length the room and the length of the text, as in the header's convention.
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL; ACL_SOCKET_NAMESERVER_TIMEOUT and the other errors of
/// acl_dns_query where no name server told; ACL_SOCKET_INVALID_ADDRESS, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: ipaddr-to-hostname.
#[unsafe(no_mangle)]
pub extern "C" fn acl_ipaddr_to_hostname(
    address: *const acl_ipaddr,
    args: *const acl_ipaddr_to_hostname_args,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        names::forget_left();
        let args = keywords(args)?;
        let ignore_cache = boolean(args.ignore_cache, "ignore_cache")?;
        let how = Lookup { ipv6: Ipv6::T, ignore_cache, end: end(args.timeout)? };
        let name = names::ipaddr_to_hostname(value(address, "address")?, how)?.unwrap_or_default();
        give_text(name.as_bytes(), buffer, size, length)
    })
}

/// The number of a port: of the system's services, or where it does not know the name, of some 70 that
/// are known everywhere.
/// @param port the name of a service, or the digits of a number.
/// @param protocol "tcp" or "udp".
/// @return ACL_SOCKET_OK, ACL_SOCKET_PORT_NOT_FOUND, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: lookup-port.
#[unsafe(no_mangle)]
pub extern "C" fn acl_lookup_port(
    port: *const c_char,
    protocol: *const c_char,
    number: *mut i32,
) -> acl_status {
    boundary(|| {
        let place = out(number, "number")?;
        place.write(0);
        let stream = match text(protocol, "protocol")? {
            "tcp" => true,
            "udp" => false,
            other => {
                let action = format!("taking {other:?} for a protocol, which is neither tcp nor udp");
                return Err(crate::error::Error::argument(action));
            }
        };
        place.write(names::lookup_port(text(port, "port")?, stream)?.into());
        Ok(())
    })
}
