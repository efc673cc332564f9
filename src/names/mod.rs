//! Names of hosts and ports: looked up by this library's own resolver, by the C library, or by both.
//! Knows no socket.

pub mod dns;
mod hosts;
mod own;
mod services;
mod system;

use crate::address::{IpAddress, dotted_to_ipaddr};
use crate::error::{Error, Identifier, Result};
use crate::kept;
use crate::sys;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

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

/// How a name is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Which addresses are wanted.
    pub ipv6: Ipv6,
    /// Whether cached answers are passed over.
    pub ignore_cache: bool,
    /// When it must be over, on the clock of `sys::now`; the C library does not heed it.
    pub end: Option<u64>,
}

/// Who looks names up: `*dns-mode*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// This library.
    Acldns,
    /// The C library.
    Clib,
    /// This library, and where that fails the C library.
    Both,
}

const MODES: [Mode; 3] = [Mode::Acldns, Mode::Clib, Mode::Both];
static MODE: AtomicU8 = AtomicU8::new(2);
/// The mode is the C library's because no name server is known.
static WITHOUT_SERVERS: AtomicBool = AtomicBool::new(false);

/// Drops what this thread had in look-ups that it left by `longjmp`. To be called near the boundary: only
/// what lies deeper on the stack is known to be left.
pub fn forget_left() {
    kept::forget_left();
}

/// Who looks names up now.
pub fn mode() -> Mode {
    MODES.get(usize::from(MODE.load(Ordering::Relaxed))).copied().unwrap_or(Mode::Both)
}

/// Says who shall.
pub fn set_mode(mode: Mode) {
    WITHOUT_SERVERS.store(false, Ordering::Relaxed);
    MODE.store(MODES.iter().position(|known| *known == mode).unwrap_or(2) as u8, Ordering::Relaxed);
}

/// Name servers are known now: a mode that was changed for want of them is as it was.
pub fn servers_are_known() {
    if WITHOUT_SERVERS.load(Ordering::Relaxed) {
        set_mode(Mode::Both);
    }
}

/// The addresses of a host named by a name or by a dotted address; never empty.
pub fn lookup_hostname(host: &str, how: Lookup) -> Result<Vec<IpAddress>> {
    if let Some(address) = parse_dotted(host) {
        return Ok(vec![address]);
    }
    check_host_name(host)?;
    let mut addresses = by_mode(how, || own::addresses(host, how), || system::addresses(host, how.ipv6))?;
    addresses.sort_by_key(|address| matches!(address, IpAddress::V4(_)));
    Ok(addresses)
}

/// The name of the host with that address, `None` where none is recorded.
pub fn ipaddr_to_hostname(address: IpAddress, how: Lookup) -> Result<Option<String>> {
    let found = by_mode(how, || own::name(address, how), || system::name(address));
    found.map(Some).or_else(|error| if is_absent(&error) { Ok(None) } else { Err(error) })
}

fn is_absent(error: &Error) -> bool {
    [Identifier::HOST_NOT_FOUND, Identifier::NO_DATA].contains(&error.identifier)
}

/// Looks up here, in the C library, or there where it fails here.
fn by_mode<T>(how: Lookup, own: impl FnOnce() -> Result<T>, system: impl FnOnce() -> Result<T>) -> Result<T> {
    let mode = mode();
    if mode == Mode::Clib {
        return system();
    }
    let error = match own() {
        Err(error) if mode == Mode::Both => error,
        done => return done,
    };
    let nobody = error.identifier == Identifier::NO_NAMESERVER;
    if nobody {
        set_mode(Mode::Clib);
        WITHOUT_SERVERS.store(true, Ordering::Relaxed);
    }
    // The C library would ask the same servers for the same names, unless it has other sources; and
    // it knows no deadline.
    let asks = if is_absent(&error) { system::has_other_sources() } else { nobody || how.end.is_none() };
    match asks.then(system) {
        Some(Err(other)) if nobody || is_absent(&other) => Err(other),
        Some(Ok(found)) => Ok(found),
        _ => Err(error),
    }
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
    match sys::service_port(port, stream) {
        Ok(number) => Ok(number),
        Err(failure) => services::well_known(port, stream)
            .ok_or_else(|| system::error(failure, Identifier::PORT_NOT_FOUND, action())),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOW: Lookup = Lookup { ipv6: Ipv6::T, ignore_cache: false, end: None };

    #[test]
    fn texts_that_the_old_notations_would_read_as_numbers_are_refused() {
        for host in ["15190", "0x7f.1", "1.2.3.4.5", "010.1", "fe80::1::2", "127.1.", "0x7f000001"] {
            let error = lookup_hostname(host, HOW).unwrap_err();
            assert_eq!(error.identifier, Identifier::INVALID_ADDRESS, "{host}");
        }
    }

    #[test]
    fn texts_that_no_host_is_called_never_reach_the_resolver() {
        for host in ["", "two words", "a\tb", &"x".repeat(254)] {
            let error = lookup_hostname(host, HOW).unwrap_err();
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
