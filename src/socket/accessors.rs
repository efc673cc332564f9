//! The accessors of the specification's second table. They answer after the close too.

use super::onward::Onward;
use super::{Family, Format, Role, Socket};
use crate::address::IpAddress;
use crate::error::Result;
use crate::sys::{self, Fd, Name};
use std::os::fd::RawFd;

/// One of the two ends of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// This one.
    Local,
    /// The peer, or where a datagram socket sends by default.
    Remote,
}

/// Whether reading from a descriptor of the caller's would not wait.
pub fn os_fd_read_no_hang_p(number: RawFd) -> bool {
    sys::is_readable(Fd(number))
}

impl Socket {
    /// Whether the address family is internet.
    pub fn is_internet(&self) -> bool {
        self.family != Family::File
    }

    /// Whether the type is stream.
    pub fn is_stream(&self) -> bool {
        !matches!(self.role, Role::Datagram(_))
    }

    /// Whether the socket waits for connections.
    pub fn is_passive(&self) -> bool {
        matches!(self.role, Role::Passive(_))
    }

    /// The format it was made with.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether it is an IPv6 socket.
    pub fn ipv6(&self) -> Result<bool> {
        match self.family {
            Family::File => Err(self.wrong_kind("asking the IP version of")),
            family => Ok(family == Family::Ipv6),
        }
    }

    /// The descriptor, for foreign code.
    pub fn os_fd(&self) -> Result<RawFd> {
        self.descriptor.run(|fd| Ok(fd.0), || format!("asking the descriptor of the {self}"))
    }

    /// The local name, asked from the system once: when it does not change any more.
    pub fn local_name(&self) -> Result<Option<&Name>> {
        if self.onward().is_some() && self.descriptor.is_connecting() {
            return Ok(None);
        }
        let action = || "asking the local name of a socket".to_string();
        let name = self.rare.local.get_or_try_init(|| self.descriptor.run(sys::local_name, action))?;
        Ok(name.as_ref())
    }

    /// The name of the peer, or of the saved destination.
    pub fn remote_name(&self) -> Option<&Name> {
        self.onward().and_then(Onward::name).or(self.remote.as_ref())
    }

    /// Where a connection that was begun may go on.
    pub(super) fn onward(&self) -> Option<&Onward> {
        self.rare.made().and_then(|rare| rare.onward.get())
    }

    /// The address of one end; `None` where that end has none.
    pub fn host(&self, end: End) -> Result<Option<IpAddress>> {
        let saved = if let Role::Datagram(own) = &self.role { own.saved.host() } else { None };
        Ok(match self.internet_end(end, "asking the host of")? {
            Some(Name::Internet(address, _)) => Some(*address),
            _ if end == End::Remote => saved,
            _ => None,
        })
    }

    /// The port of one end; `None` where that end has none.
    pub fn port(&self, end: End) -> Result<Option<u16>> {
        let saved = if let Role::Datagram(own) = &self.role { own.saved.port() } else { None };
        Ok(match self.internet_end(end, "asking the port of")? {
            Some(Name::Internet(_, port)) => Some(*port),
            _ if end == End::Remote => saved,
            _ => None,
        })
    }

    /// The file of one end; empty where that end has none.
    pub fn filename(&self, end: End) -> Result<&[u8]> {
        if self.is_internet() {
            return Err(self.wrong_kind("asking the file name of"));
        }
        let saved = match &self.role {
            Role::Datagram(own) if end == End::Remote => own.saved.file_name(),
            _ => None,
        };
        Ok(match (self.name_of(end)?, saved) {
            (Some(Name::File(file)), _) => file.bytes(),
            (_, Some(file)) => file.bytes(),
            _ => &[],
        })
    }

    fn internet_end(&self, end: End, doing: &str) -> Result<Option<&Name>> {
        if !self.is_internet() {
            return Err(self.wrong_kind(doing));
        }
        self.name_of(end)
    }

    fn name_of(&self, end: End) -> Result<Option<&Name>> {
        match end {
            End::Local => self.local_name(),
            End::Remote => Ok(self.remote_name()),
        }
    }
}
