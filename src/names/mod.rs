//! Names of hosts and ports, over the resolver of the system. Knows no socket.

use crate::address::{IpAddress, dotted_to_ipaddr};
use crate::error::{Error, Identifier, Result};
use crate::sys::{self, Families, Lookup};

/// The value of the `ipv6` keyword and of `*ipv6*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv6 {
    /// `nil`: IPv4 only, unless an IPv6 address is given.
    Nil,
    /// `t`: IPv6 sockets, IPv6 addresses preferred.
    T,
    /// `:ipv6`: IPv6 only.
    Only,
}

const MAX_HOST_NAME: usize = 253;

/// The address of a text in dotted or colon hex form.
pub fn parse_dotted(text: &str) -> Option<IpAddress> {
    dotted_to_ipaddr(text.as_bytes(), sys::interface_index)
}

/// The addresses of a host named by a name or by a dotted address; never empty.
pub fn lookup_hostname(host: &str, ipv6: Ipv6) -> Result<Vec<IpAddress>> {
    if let Some(address) = parse_dotted(host) {
        return Ok(vec![address]);
    }
    check_host_name(host)?;
    let families = match ipv6 {
        Ipv6::Nil => Families::V4,
        Ipv6::T => Families::Both,
        Ipv6::Only => Families::V6,
    };
    let action = || format!("looking up the host {host:?}");
    let mut addresses = sys::host_addresses(host, families)
        .map_err(|failure| not_found(failure, Identifier::HOST_NOT_FOUND, action()))?;
    addresses.sort_by_key(|address| matches!(address, IpAddress::V4(_)));
    if addresses.is_empty() {
        return Err(Error::new(Identifier::HOST_NOT_FOUND, action()));
    }
    Ok(addresses)
}

/// The name of the host with that address, `None` where none is recorded.
pub fn ipaddr_to_hostname(address: IpAddress) -> Result<Option<String>> {
    sys::host_name(address).map_err(|failure| {
        let action = format!("looking up the name of the host {address}");
        not_found(failure, Identifier::HOST_NOT_FOUND, action)
    })
}

/// The number of a port named by a service, or by its own digits.
pub fn lookup_port(port: &str, stream: bool) -> Result<u16> {
    let protocol = if stream { "tcp" } else { "udp" };
    let action = || format!("looking up the port {port:?} for the protocol {protocol}");
    if port.bytes().all(|byte| byte.is_ascii_digit()) {
        return port.parse().map_err(|_| Error::new(Identifier::PORT_NOT_FOUND, action()));
    }
    let strange = |byte: u8| byte <= b' ' || byte == 0x7f;
    if port.len() > MAX_HOST_NAME || port.bytes().any(strange) {
        return Err(Error::new(Identifier::PORT_NOT_FOUND, action()));
    }
    sys::service_port(port, stream)
        .map_err(|failure| not_found(failure, Identifier::PORT_NOT_FOUND, action()))
}

/// Refuses what no host is called. A last label of digits would be read as a number in the old
/// notations of `inet_aton` (octal, hexadecimal, a bare 32-bit number), so that two programs could
/// take one text for two hosts.
fn check_host_name(host: &str) -> Result<()> {
    let refuse = |why: String| Err(Error::argument(why));
    if host.is_empty() {
        return refuse("taking an empty host name".into());
    }
    if host.len() > MAX_HOST_NAME {
        let length = host.len();
        return refuse(format!("taking a host name of {length} bytes, more than {MAX_HOST_NAME}"));
    }
    if host.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return refuse(format!("taking the host name {host:?}, which has a space or control character"));
    }
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if numeric || host.contains(':') {
        let action = format!("taking {host:?}, which is neither a host name nor an IP address");
        return Err(Error::new(Identifier::INVALID_ADDRESS, action));
    }
    Ok(())
}

fn not_found(failure: Lookup, identifier: Identifier, action: String) -> Error {
    match failure {
        Lookup::NotFound => Error::new(identifier, action),
        Lookup::System(errno) => errno.during(action),
        Lookup::Failed(reason) => Error::new(identifier, format!("{action} ({reason})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_the_old_notations_would_read_as_numbers_are_refused() {
        for host in ["15190", "0x7f.1", "1.2.3.4.5", "010.1", "fe80::1::2", "127.1.", "0x7f000001"] {
            let error = lookup_hostname(host, Ipv6::Nil).unwrap_err();
            assert_eq!(error.identifier, Identifier::INVALID_ADDRESS, "{host}");
        }
    }

    #[test]
    fn texts_that_no_host_is_called_never_reach_the_resolver() {
        for host in ["", "two words", "a\tb", &"x".repeat(254)] {
            let error = lookup_hostname(host, Ipv6::T).unwrap_err();
            assert_eq!(error.identifier, Identifier::INVALID_ARGUMENT, "{host:?}");
        }
    }

    #[test]
    fn a_port_is_a_service_or_its_digits() {
        assert_eq!(lookup_port("8080", true).unwrap(), 8080);
        for port in ["65536", "no such", "no-such-service"] {
            assert_eq!(lookup_port(port, true).unwrap_err().identifier, Identifier::PORT_NOT_FOUND);
        }
    }
}
