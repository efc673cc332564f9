//! Section 5.2: names of hosts and ports, over the resolver of the system.

use super::addresses::{acl_ipaddr, value};
use super::arguments::{self, Keywords, boolean, give_text, keywords, out, text};
use super::boundary::boundary;
use super::{acl_status, variables};
use crate::error::Result;
use crate::{address::IpAddress, names};
use std::ffi::c_char;

/// Keyword arguments of acl_lookup_hostname and acl_lookup_hostname_all.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_lookup_hostname_args {
    /// ACL_SOCKET_ARGS(acl_lookup_hostname_args).
    pub struct_size: usize,
    /// 1 to ask the system and not the cache. This version has no cache: every look-up asks.
    pub ignore_cache: i32,
    /// ACL_SOCKET_OMITTED (what acl_get_ipv6 says), ACL_SOCKET_OFF, ACL_SOCKET_ON or
    /// ACL_SOCKET_IPV6_ONLY.
    pub ipv6: i32,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_lookup_hostname_args {
    const NAME: &'static str = "acl_lookup_hostname_args";
}

fn lookup(host: *const c_char, args: *const acl_lookup_hostname_args) -> Result<Vec<IpAddress>> {
    let args = keywords(args)?;
    boolean(args.ignore_cache, "ignore_cache")?;
    names::lookup_hostname(text(host, "host")?, variables::ipv6(args.ipv6)?)
}

/// The address of a host given by its name or by a dotted address. May wait for the resolver.
/// @param args NULL for the defaults.
/// @return ACL_SOCKET_OK, ACL_SOCKET_HOST_NOT_FOUND, ACL_SOCKET_INVALID_ADDRESS (digits that are
/// no address), ACL_SOCKET_INVALID_ARGUMENT. Allegro: lookup-hostname.
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

/// The name of the host with that address. May wait for the resolver. Where no name is recorded the
/// answer is ACL_SOCKET_OK and an empty text, as Lisp answers nil.
/// @param buffer, size, length the room and the length of the text, as in the header's convention.
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_HOST_NOT_FOUND (the resolver
/// failed), ACL_SOCKET_INVALID_ADDRESS, ACL_SOCKET_INVALID_ARGUMENT. Allegro: ipaddr-to-hostname.
#[unsafe(no_mangle)]
pub extern "C" fn acl_ipaddr_to_hostname(
    address: *const acl_ipaddr,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        let name = names::ipaddr_to_hostname(value(address, "address")?)?.unwrap_or_default();
        give_text(name.as_bytes(), buffer, size, length)
    })
}

/// The number of a port.
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
