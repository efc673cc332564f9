//! make-socket, and adopting a descriptor that was made elsewhere.

use super::attempt::forget_left;
use super::connect::connect_file;
use super::race::connect_internet;
use super::{Descriptor, Destination, Direction, Family, Format, Options, Role, Socket, Timeouts};
use crate::address::{IpAddress, Ipv6Address};
use crate::error::{Errno, Error, Identifier, Result};
use crate::late::Late;
use crate::names::{self, Ipv6, Lookup};
use crate::stream::{Mode, Stream};
use crate::sys::{self, Closing, Fd, FileName, Name};
use socket2::{Domain, Type};
use std::os::fd::RawFd;
use std::time::Duration;

/// A host as a caller names it.
#[derive(Clone, Copy, Debug)]
pub enum Host<'a> {
    /// Not given.
    Omitted,
    /// A host name, or an address in dotted or colon hex form.
    Named(&'a str),
    /// An address.
    Address(IpAddress),
}

/// A port as a caller names it.
#[derive(Clone, Copy, Debug)]
pub enum Port<'a> {
    /// Not given.
    Omitted,
    /// A number other than 0.
    Number(u16),
    /// The name of a service.
    Service(&'a str),
}

/// The files of a file socket, where the caller has them: a thread that leaves while it connects
/// leaves nothing behind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filenames<'a> {
    /// The file to bind to.
    pub local: Option<&'a [u8]>,
    /// The file to connect or send to.
    pub remote: Option<&'a [u8]>,
}

/// The keywords of make-socket.
#[derive(Clone, Debug)]
pub struct MakeSocket<'a> {
    /// Stream, as opposed to datagram.
    pub stream: bool,
    /// Internet, as opposed to file.
    pub internet: bool,
    /// Passive, as opposed to active.
    pub passive: bool,
    /// The format.
    pub format: Format,
    /// How the stream reads and writes characters, where that is said.
    pub mode: Option<Mode>,
    /// Where to connect or send to.
    pub remote: (Host<'a>, Port<'a>),
    /// Where to bind to.
    pub local: (Host<'a>, Port<'a>),
    /// The files of a file socket.
    pub files: Filenames<'a>,
    /// How many connections may wait to be accepted.
    pub backlog: i32,
    /// Options set before binding.
    pub options: Options,
    /// The value of the ipv6 keyword, or of the variable.
    pub ipv6: Ipv6,
    /// The interface of an IPv6 remote host.
    pub scope_id: u32,
    /// The key of RFC 2385 for the connection to the remote host.
    pub md5_key: Option<&'a [u8]>,
    /// How long connecting may take.
    pub connect_timeout: Option<Duration>,
    /// How long operations may wait.
    pub timeouts: Timeouts,
}

impl Port<'_> {
    /// The number, looked up for the protocol.
    pub fn number(self, stream: bool) -> Result<Option<u16>> {
        match self {
            Port::Omitted => Ok(None),
            Port::Number(number) => Ok(Some(number)),
            Port::Service(name) => names::lookup_port(name, stream).map(Some),
        }
    }
}

impl Host<'_> {
    /// The addresses, scoped, or none where no host is given; looked up until `end`.
    pub fn addresses(self, ipv6: Ipv6, scope_id: u32, end: Option<u64>) -> Result<Vec<IpAddress>> {
        let found = match self {
            Host::Omitted => Vec::new(),
            Host::Named(name) => names::lookup_hostname(name, Lookup { ipv6, ignore_cache: false, end })?,
            Host::Address(address) => vec![address],
        };
        Ok(found.into_iter().map(|address| scoped(address, scope_id)).collect())
    }

    /// The first of them.
    pub(super) fn first_address(
        self,
        ipv6: Ipv6,
        scope_id: u32,
        end: Option<u64>,
    ) -> Result<Option<IpAddress>> {
        match self {
            Host::Omitted => Ok(None),
            Host::Address(address) => Ok(Some(scoped(address, scope_id))),
            named => Ok(named.addresses(ipv6, scope_id, end)?.first().copied()),
        }
    }
}

fn scoped(address: IpAddress, scope_id: u32) -> IpAddress {
    match address {
        IpAddress::V6(v6) if scope_id != 0 => IpAddress::V6(Ipv6Address { scope_id, ..v6 }),
        address => address,
    }
}

impl Socket {
    /// make-socket.
    pub fn make(args: &MakeSocket<'_>) -> Result<Socket> {
        forget_left(0);
        let socket = match (args.internet, args.stream, args.passive) {
            (_, true, false) => Socket::make_active(args, true),
            (true, _, _) => bind_internet(args),
            (false, _, _) => make_file(args, true),
        }?;
        socket.set_timeouts(args.timeouts)?;
        Ok(socket)
    }

    /// An active stream, connected where that is waited for.
    pub(super) fn make_active(args: &MakeSocket<'_>, wait: bool) -> Result<Socket> {
        if args.internet { connect_internet(args, wait) } else { make_file(args, wait) }
    }

    /// Takes over a socket that was made elsewhere; on failure it stays the caller's.
    pub fn from_os_fd(
        number: RawFd,
        format: Format,
        mode: Option<Mode>,
        timeouts: Timeouts,
    ) -> Result<Socket> {
        let action = || format!("adopting the descriptor {number}");
        let fd = Fd(number);
        let nature = sys::nature(fd).map_err(|errno| errno.during(action()))?;
        let family = match nature.family {
            Some(Domain::IPV4) => Family::Ipv4,
            Some(Domain::IPV6) => Family::Ipv6,
            Some(_) => Family::File,
            None => return Err(Error::new(Identifier::NOT_SUPPORTED, action())),
        };
        if mode.is_some() && !nature.stream {
            return Err(Error::argument(format!("{} of datagrams with a way to read characters", action())));
        }
        let mode = mode.unwrap_or_default();
        let role = match (nature.stream, nature.passive) {
            (true, true) => Role::Passive(mode),
            (true, false) => {
                sys::set_nonblocking(fd, false).map_err(|errno| errno.during(action()))?;
                Role::Stream(Stream::new(mode))
            }
            (false, _) if nature.remote.is_some() => Role::datagram(Destination::connected(), family),
            (false, _) => Role::datagram(Destination::default(), family),
        };
        let owned = sys::adopt(fd).map_err(|errno| errno.during(action()))?;
        let mut socket = Socket::of(owned, family, format, role);
        // It has not been asked for yet.
        let _ = socket.rare.local.set(nature.local);
        socket.remote = nature.remote;
        // Its former owner's time-outs end with its ownership.
        for (direction, timeout) in [(Direction::Input, timeouts.read), (Direction::Output, timeouts.write)] {
            socket.set_timeout(direction, timeout)?;
        }
        Ok(socket)
    }

    pub(super) fn of(owned: Closing, family: Family, format: Format, role: Role) -> Socket {
        let descriptor = Descriptor::new(owned);
        Socket { descriptor, family, format, role, remote: None, rare: Late::default() }
    }
}

/// An IPv6 socket wherever the caller asks for one or an address is one.
pub(super) fn family(ipv6: Ipv6, addresses: [Option<IpAddress>; 2]) -> Family {
    let is_v6 = |address: &IpAddress| matches!(address, IpAddress::V6(_));
    if ipv6 != Ipv6::Nil || addresses.iter().flatten().any(is_v6) { Family::Ipv6 } else { Family::Ipv4 }
}

/// The name on a socket of that family: an IPv6 socket reaches IPv4 by mapped addresses.
pub(super) fn name_for(family: Family, address: IpAddress, port: u16) -> Name {
    match family {
        Family::Ipv6 => Name::Internet(IpAddress::V6(address.to_v6_mapped()), port),
        _ => Name::Internet(address, port),
    }
}

fn any(family: Family) -> IpAddress {
    match family {
        Family::Ipv6 => IpAddress::V6(Ipv6Address { octets: [0; 16], scope_id: 0 }),
        _ => IpAddress::V4(0),
    }
}

pub(super) fn new_socket(
    args: &MakeSocket<'_>,
    family: Family,
    action: impl Fn() -> String,
) -> Result<Closing> {
    let (domain, kind) = match (family, args.stream) {
        (Family::Ipv4, true) => (Domain::IPV4, Type::STREAM),
        (Family::Ipv4, false) => (Domain::IPV4, Type::DGRAM),
        (Family::Ipv6, true) => (Domain::IPV6, Type::STREAM),
        (Family::Ipv6, false) => (Domain::IPV6, Type::DGRAM),
        (Family::File, true) => (Domain::UNIX, Type::STREAM),
        (Family::File, false) => (Domain::UNIX, Type::DGRAM),
    };
    let owned = sys::socket(domain, kind).map_err(|errno| errno.during(action()))?;
    args.options.apply(owned.fd(), &action)?;
    if family == Family::Ipv6 {
        // Whatever the system's default is, an IPv6 socket of this library is a dual-stack one.
        let dual = sys::set_switch(owned.fd(), (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY), false);
        dual.map_err(|errno| errno.during(action()))?;
    }
    Ok(owned)
}

pub(super) fn md5(
    args: &MakeSocket<'_>,
    fd: Fd,
    remote: IpAddress,
    action: impl Fn() -> String,
) -> Result<()> {
    match args.md5_key {
        Some(key) => sys::set_md5_key(fd, remote, key).map_err(|errno| errno.during(action())),
        None => Ok(()),
    }
}

pub(super) fn local_address(args: &MakeSocket<'_>, end: Option<u64>) -> Result<Option<IpAddress>> {
    Ok(args.local.0.addresses(args.ipv6, 0, end)?.first().copied())
}

pub(super) fn bind(
    fd: Fd,
    family: Family,
    host: Option<IpAddress>,
    port: Option<u16>,
    what: &str,
) -> Result<()> {
    let name = name_for(family, host.unwrap_or(any(family)), port.unwrap_or(0));
    sys::bind(fd, &name).map_err(|errno| errno.during(creating(what, host, port)))
}

fn creating(what: &str, host: Option<IpAddress>, port: Option<u16>) -> String {
    let host = host.map_or("*".into(), |host| host.to_string());
    let port = port.map_or("\"(any)\"".into(), |port| port.to_string());
    format!("creating {what} on {host} port {port}")
}

fn bind_internet(args: &MakeSocket<'_>) -> Result<Socket> {
    let what = if args.stream { "a passive socket" } else { "a datagram socket" };
    let local = local_address(args, None)?;
    let port = args.local.1.number(args.stream)?;
    let destination = if args.stream {
        Destination::default()
    } else {
        let remote = args.remote.0.addresses(args.ipv6, args.scope_id, None)?.first().copied();
        Destination::internet(remote, args.remote.1.number(false)?)
    };
    let family = family(args.ipv6, [destination.host(), local]);
    let action = || creating(what, local, port);
    let owned = new_socket(args, family, action)?;
    let fd = owned.fd();
    bind(fd, family, local, port, what)?;
    if args.stream {
        sys::listen(fd, args.backlog).map_err(|errno| errno.during(action()))?;
        return Ok(Socket::of(owned, family, args.format, Role::Passive(args.mode.unwrap_or_default())));
    }
    Ok(Socket::of(owned, family, args.format, Role::datagram(destination, family)))
}

fn make_file(args: &MakeSocket<'_>, wait: bool) -> Result<Socket> {
    let Filenames { local, remote } = args.files;
    let shown = |name: Option<&[u8]>| match name {
        Some(name) => String::from_utf8_lossy(name).into_owned(),
        None => "\"(any)\"".into(),
    };
    let name = |bytes: &[u8]| {
        let refused =
            || Error::argument(format!("taking {:?} for a file name", String::from_utf8_lossy(bytes)));
        FileName::new(bytes).ok_or_else(refused)
    };
    let connects = args.stream && !args.passive;
    let missing = match (args.stream, args.passive) {
        (true, true) if local.is_none() => Some("making a passive file socket without local_filename"),
        (true, false) if remote.is_none() => Some("making an active file socket without remote_filename"),
        _ => None,
    };
    if let Some(missing) = missing {
        return Err(Error::argument(missing));
    }
    let action = || match (args.stream, args.passive) {
        (true, true) => format!("creating a passive socket on {}", shown(local)),
        (true, false) => format!("connecting to {}", shown(remote)),
        (false, _) => format!("creating a datagram socket on {}", shown(local)),
    };
    let during = |errno: Errno| errno.during(action());
    let owned = new_socket(args, Family::File, action)?;
    let fd = owned.fd();
    let mut made_file = None;
    if let Some(local) = local {
        let local = name(local)?;
        let path = local.path().to_owned();
        sys::bind(fd, &Name::File(local)).map_err(during)?;
        made_file = sys::file_identity(&path);
    }
    if connects && let Some(remote) = remote {
        let remote = || name(remote).map(Name::File);
        let socket = connect_file(args, owned, remote, wait)?;
        socket.remove_at_close(made_file);
        return Ok(socket);
    }
    let role = match args.stream {
        true => Role::Passive(args.mode.unwrap_or_default()),
        false => Role::datagram(Destination::file(remote.map(name).transpose()?), Family::File),
    };
    let socket = Socket::of(owned, Family::File, args.format, role);
    socket.remove_at_close(made_file);
    if args.stream {
        sys::listen(fd, args.backlog).map_err(during)?;
    }
    Ok(socket)
}
