//! IP addresses as values: parsing, printing and comparing them. Knows no socket and no resolver.

mod dotted;

#[cfg(test)]
mod tests;

use std::fmt;

pub use dotted::{DottedText, dotted_to_ipaddr, ipaddr_to_dotted, parse_quad, quad_text};

/// An IP address in the sense of section 3.0 of the specification: an unsigned 32-bit number in
/// host order, or an IPv6 address structure.
///
/// The derived equality compares representations, so `::ffff:127.0.0.1` differs from `127.0.0.1`
/// and scope ids count; [`ipaddr_equalp`] compares the addresses that are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpAddress {
    /// 192.132.95.84 is `V4(3229900628)`.
    V4(u32),
    /// An `ipv6-address` structure.
    V6(Ipv6Address),
}

/// The `ipv6-address` structure: sixteen octets in network order and the interface they are
/// meaningful on (0: none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ipv6Address {
    /// The address, most significant octet first.
    pub octets: [u8; 16],
    /// The interface number of a scoped address, 0 where there is none.
    pub scope_id: u32,
}

impl IpAddress {
    /// The four octets of an IPv4 address, leftmost first (`:values` of `ipaddr-to-dotted`); an
    /// IPv6 structure has none, not even a v4-mapped one.
    #[inline]
    pub fn octets4(self) -> Option<[u8; 4]> {
        match self {
            IpAddress::V4(number) => Some(number.to_be_bytes()),
            IpAddress::V6(_) => None,
        }
    }

    /// True of 0.0.0.0 and `::`, whatever the scope. `::ffff:0.0.0.0` is not the unspecified
    /// address (RFC 4291 section 2.5.2); [`canonical`](IpAddress::canonical) turns it into one.
    #[inline]
    pub fn is_unspecified(self) -> bool {
        match self {
            IpAddress::V4(number) => number == 0,
            IpAddress::V6(address) => address.octets == [0; 16],
        }
    }

    /// The address as an IPv6 socket takes it: IPv4 becomes `::ffff:a.b.c.d`, IPv6 is unchanged.
    #[inline]
    pub fn to_v6_mapped(self) -> Ipv6Address {
        match self {
            IpAddress::V4(number) => {
                let octets = (V4_MAPPED | u128::from(number)).to_be_bytes();
                Ipv6Address { octets, scope_id: 0 }
            }
            IpAddress::V6(address) => address,
        }
    }

    /// The IPv4 address where this is a v4-mapped one without scope, itself otherwise. A scope
    /// would be lost, so an address that has one stays as it is.
    #[inline]
    pub fn canonical(self) -> IpAddress {
        match self {
            IpAddress::V6(address) if address.scope_id == 0 => {
                v4_mapped(u128::from_be_bytes(address.octets)).map_or(self, IpAddress::V4)
            }
            _ => self,
        }
    }
}

/// The dotted text, as [`ipaddr_to_dotted`] makes it.
impl fmt::Display for IpAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(ipaddr_to_dotted(self).as_str())
    }
}

/// True when both are the same address: a v4-mapped address equals its IPv4 address, and scope
/// ids count only with `compare_scope_id` (that of an IPv4 address is 0).
#[inline]
pub fn ipaddr_equalp(a: IpAddress, b: IpAddress, compare_scope_id: bool) -> bool {
    let (a, b) = (a.to_v6_mapped(), b.to_v6_mapped());
    a.octets == b.octets && (!compare_scope_id || a.scope_id == b.scope_id)
}

/// The prefix `::ffff:0:0/96` of the v4-mapped addresses.
const V4_MAPPED: u128 = 0xffff_0000_0000;

/// The IPv4 address in a v4-mapped one.
#[inline]
fn v4_mapped(bits: u128) -> Option<u32> {
    u32::try_from(bits ^ V4_MAPPED).ok()
}
