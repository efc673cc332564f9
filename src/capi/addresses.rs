//! Section 3.0 and 5.2: IP addresses.

use super::acl_status;
use super::arguments::{self, boolean, give, give_short_text, give_text, out, text, text_bytes};
use super::boundary::{answer, boundary, directly};
use crate::address::{self, IpAddress, Ipv6Address, ipaddr_to_dotted, parse_quad, quad_text};
use crate::error::{Error, Identifier, Result};
use crate::names::parse_dotted;
use crate::sys;
use std::ffi::{c_char, c_void};

/// No address: what a zeroed acl_ipaddr is.
pub const ACL_SOCKET_NO_ADDRESS: i32 = 0;
/// An IPv4 address.
pub const ACL_SOCKET_IPV4: i32 = 4;
/// An IPv6 address structure.
pub const ACL_SOCKET_IPV6: i32 = 6;

/// An IP address. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct acl_ipaddr {
    /// ACL_SOCKET_NO_ADDRESS, ACL_SOCKET_IPV4 or ACL_SOCKET_IPV6.
    pub kind: i32,
    /// An IPv4 address in host order: 192.132.95.84 is 3229900628.
    pub ipv4: u32,
    /// An IPv6 address, most significant octet first.
    pub ipv6: [u8; 16],
    /// The number of the interface that a scoped IPv6 address is meant on, 0 for none.
    pub scope_id: u32,
}

/// An interface of this machine. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_ip_interface {
    /// Its number, as a scope id.
    pub id: u32,
    /// Its name, NUL-terminated.
    pub name: [c_char; 16],
}

impl acl_ipaddr {
    pub(super) fn of(address: Option<IpAddress>) -> acl_ipaddr {
        let none = acl_ipaddr::default();
        match address {
            None => none,
            Some(IpAddress::V4(ipv4)) => acl_ipaddr { kind: ACL_SOCKET_IPV4, ipv4, ..none },
            Some(IpAddress::V6(v6)) => {
                acl_ipaddr { kind: ACL_SOCKET_IPV6, ipv6: v6.octets, scope_id: v6.scope_id, ..none }
            }
        }
    }

    pub(super) fn value(&self) -> Result<IpAddress> {
        match self.kind {
            ACL_SOCKET_IPV4 => Ok(IpAddress::V4(self.ipv4)),
            ACL_SOCKET_IPV6 => Ok(IpAddress::V6(Ipv6Address { octets: self.ipv6, scope_id: self.scope_id })),
            kind => Err(Error::new(
                Identifier::INVALID_ADDRESS,
                format!("taking an acl_ipaddr of kind {kind}, which is neither 4 nor 6"),
            )),
        }
    }
}

/// The address that a caller's struct holds.
pub(super) fn value(address: *const acl_ipaddr, name: &str) -> Result<IpAddress> {
    // SAFETY: a pointer that is not NULL is the caller's promise of an address.
    unsafe { address.as_ref() }.ok_or_else(|| arguments::null(name))?.value()
}

/// The same where it is an IPv4 address.
#[inline]
fn ipv4(address: *const acl_ipaddr) -> Option<u32> {
    // SAFETY: as in `value`.
    let address = unsafe { address.as_ref() }?;
    (address.kind == ACL_SOCKET_IPV4).then_some(address.ipv4)
}

/// A text that is a dotted quad, as most are.
#[inline]
fn quad_to_ipaddr(dotted: *const c_char, errorp: i32, address: *mut acl_ipaddr) -> Option<()> {
    let sound = matches!(errorp, 0 | 1) && !address.is_null();
    let ipv4 = parse_quad(text_bytes(dotted)?).filter(|_| sound)?;
    give(address, acl_ipaddr { kind: ACL_SOCKET_IPV4, ipv4, ..acl_ipaddr::default() });
    Some(())
}

/// An IPv4 address, where there is room for any.
#[inline]
fn quad_to_text(
    address: *const acl_ipaddr,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> Option<()> {
    give_short_text(quad_text(ipv4(address)?), buffer, size, length).then_some(())
}

/// The address that a text stands for: "192.132.95.84", the Berkeley forms "23.3" (23.0.0.3) and
/// "128.1.3" (128.1.0.3), or IPv6 colon hex, with a v4-mapped tail and %scope by number or by
/// interface name. Components are decimal; one with a leading zero is refused, because other
/// programs read it as octal. No name is looked up.
/// @param dotted the text.
/// @param errorp what an invalid text answers: 1 ACL_SOCKET_INVALID_ADDRESS; 0 ACL_SOCKET_OK and an
/// address of kind ACL_SOCKET_NO_ADDRESS, as Lisp answers nil.
/// @param address where the address is stored.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ADDRESS, ACL_SOCKET_INVALID_ARGUMENT (NULL, not UTF-8).
/// Allegro: dotted-to-ipaddr.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dotted_to_ipaddr(
    dotted: *const c_char,
    errorp: i32,
    address: *mut acl_ipaddr,
) -> acl_status {
    directly(
        || quad_to_ipaddr(dotted, errorp, address),
        move || {
            let place = out(address, "address")?;
            place.write(acl_ipaddr::default());
            let dotted = text(dotted, "dotted")?;
            let parsed = match boolean(errorp, "errorp")? {
                true => Some(arguments::address(dotted)?),
                false => parse_dotted(dotted),
            };
            place.write(acl_ipaddr::of(parsed));
            Ok(())
        },
    )
}

/// Whether a text is an IP address in one of the forms of acl_dotted_to_ipaddr.
/// @return 1 or 0; 0 for NULL. Allegro: dotted-address-p.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dotted_address_p(dotted: *const c_char) -> i32 {
    answer(0, || {
        let dotted = arguments::optional_text(dotted, "dotted").ok().flatten();
        i32::from(dotted.is_some_and(|text| parse_dotted(text).is_some()))
    })
}

/// The text of an address: "192.132.95.84", or RFC 5952 text with "%N" behind it where the scope
/// id is not 0. 57 bytes hold any.
/// @param buffer, size, length the room and the length of the text, as in the header's convention.
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_INVALID_ADDRESS,
/// ACL_SOCKET_INVALID_ARGUMENT. Allegro: ipaddr-to-dotted.
#[unsafe(no_mangle)]
pub extern "C" fn acl_ipaddr_to_dotted(
    address: *const acl_ipaddr,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    directly(
        || quad_to_text(address, buffer, size, length),
        move || {
            let dotted = ipaddr_to_dotted(&value(address, "address")?);
            give_text(dotted.as_bytes(), buffer, size, length)
        },
    )
}

/// The four numbers of an IPv4 address, most significant first.
/// @param values room for four numbers.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ADDRESS (also for an IPv6 address),
/// ACL_SOCKET_INVALID_ARGUMENT. Allegro: ipaddr-to-dotted with :values.
#[unsafe(no_mangle)]
pub extern "C" fn acl_ipaddr_to_dotted_values(address: *const acl_ipaddr, values: *mut i32) -> acl_status {
    boundary(|| {
        let address = value(address, "address")?;
        let place = out(values.cast::<[i32; 4]>(), "values")?;
        let octets = address.octets4().ok_or_else(|| {
            let action = format!("taking the four values of the IPv6 address {address}");
            Error::new(Identifier::INVALID_ADDRESS, action)
        })?;
        place.write(octets.map(i32::from));
        Ok(())
    })
}

/// Whether there is an address in the struct.
/// @return 1 or 0; 0 for NULL. Allegro: ipaddrp.
#[unsafe(no_mangle)]
pub extern "C" fn acl_ipaddrp(address: *const acl_ipaddr) -> i32 {
    answer(0, || i32::from(value(address, "address").is_ok()))
}

/// Whether there is an IPv6 address in the struct.
/// @return 1 or 0; 0 for NULL. Allegro: ipv6-address-p.
#[unsafe(no_mangle)]
pub extern "C" fn acl_ipv6_address_p(address: *const acl_ipaddr) -> i32 {
    answer(0, || i32::from(matches!(value(address, "address"), Ok(IpAddress::V6(_)))))
}

/// Whether two addresses are the same. An IPv4 address equals its v4-mapped IPv6 form, in which
/// a dual-stack socket shows it.
/// @param compare_scope_id 1 to compare scope ids too, 0 to ignore them.
/// @return 1 or 0; 0 where one is NULL or no address. Allegro: ipaddr-equalp.
#[unsafe(no_mangle)]
pub extern "C" fn acl_ipaddr_equalp(
    address1: *const acl_ipaddr,
    address2: *const acl_ipaddr,
    compare_scope_id: i32,
) -> i32 {
    answer(0, || {
        let values = (value(address1, "address1"), value(address2, "address2"));
        let (Ok(one), Ok(other)) = values else {
            return 0;
        };
        i32::from(address::ipaddr_equalp(one, other, compare_scope_id != 0))
    })
}

/// The interfaces of this machine.
/// @param interfaces an array to be freed with acl_free_buffer; NULL after a failure.
/// @param count how many.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT, ACL_SOCKET_NO_BUFFER_SPACE,
/// ACL_SOCKET_UNKNOWN. Allegro: get-ip-interfaces.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_ip_interfaces(
    interfaces: *mut *mut acl_ip_interface,
    count: *mut usize,
) -> acl_status {
    boundary(|| {
        let place = out(interfaces, "interfaces")?;
        place.write(std::ptr::null_mut());
        let room = out(count, "count")?;
        let found = sys::interfaces().map_err(|errno| errno.during("listing the interfaces"))?;
        let shown: Vec<_> = found.iter().map(interface).collect();
        place.write(arguments::allocated(&shown)?);
        room.write(shown.len());
        Ok(())
    })
}

fn interface(found: &sys::Interface) -> acl_ip_interface {
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().zip(found.name.to_bytes().iter().take(15)) {
        *to = from.cast_signed() as c_char;
    }
    acl_ip_interface { id: found.id, name }
}

/// Frees memory that a function of this library says is to be freed with it. It comes from malloc,
/// so free() does as well. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn acl_free_buffer(buffer: *mut c_void) {
    answer((), || {
        arguments::free_allocated(buffer);
    })
}

/// A result that only some callers want.
pub(super) fn give_address(place: *mut acl_ipaddr, address: Option<IpAddress>) {
    give(place, acl_ipaddr::of(address));
}
