//! send-to and receive-from.

use super::datagrams::Datagrams;
use super::limits::{left_until, timed_out};
use super::make::name_for;
use super::{Direction, Family, Host, Port, Role, Socket};
use crate::address::IpAddress;
use crate::error::{Errno, Error, Identifier, Result};
use crate::names::Ipv6;
use crate::sys::{self, Address, Fd, FileName, Name, Wait};

/// Where a datagram goes: what is missing is taken from the defaults saved by make-socket.
#[derive(Clone, Debug, Default)]
pub struct Destination {
    host: Option<IpAddress>,
    port: Option<u16>,
    file: Option<FileName>,
    connected: bool,
}

impl Destination {
    pub(super) fn internet(host: Option<IpAddress>, port: Option<u16>) -> Destination {
        Destination { host, port, ..Destination::default() }
    }

    pub(super) fn file(file: Option<FileName>) -> Destination {
        Destination { file, ..Destination::default() }
    }

    /// The peer that an adopted descriptor is connected to.
    pub(super) fn connected() -> Destination {
        Destination { connected: true, ..Destination::default() }
    }

    pub(super) fn host(&self) -> Option<IpAddress> {
        self.host
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.port
    }

    pub(super) fn file_name(&self) -> Option<&FileName> {
        self.file.as_ref()
    }

    /// For the kernel, where nothing is missing.
    pub(super) fn address(&self, family: Family) -> Option<Address> {
        match (self.host, self.port, &self.file) {
            (Some(IpAddress::V6(_)), ..) if family == Family::Ipv4 => None,
            (Some(host), Some(port), _) => Some(name_for(family, host, port).address()),
            (_, _, Some(file)) => Some(Name::File(file.clone()).address()),
            _ => None,
        }
    }
}

/// A datagram that was received.
#[derive(Debug)]
pub struct Received {
    /// How many bytes of it are in the buffer.
    pub length: usize,
    /// How long it was.
    pub message_length: usize,
    /// Its sender, where that has a name.
    pub sender: Option<Name>,
}

impl Socket {
    fn destination(&self, doing: &str) -> Result<&Destination> {
        Ok(&self.datagrams(doing)?.saved)
    }

    /// Where a datagram to that host and port goes.
    pub fn internet_destination(
        &self,
        host: Host<'_>,
        port: Port<'_>,
        ipv6: Ipv6,
        scope_id: u32,
    ) -> Result<Option<Name>> {
        let saved = self.destination("sending on")?;
        let given = matches!((&host, &port), (Host::Omitted, Port::Omitted));
        if given && saved.connected {
            return Ok(None);
        }
        if !self.is_internet() {
            return match given {
                true => Ok(None),
                false => Err(self.wrong_kind("sending to a host on")),
            };
        }
        // Sending includes looking the name up.
        let end = if let Host::Named(_) = host { self.rare.limits.end(Direction::Output) } else { None };
        let found = host.first_address(ipv6, scope_id, end).map_err(|error| match end.map(left_until) {
            Some(None) => timed_out(Direction::Output, error.action.into_owned()),
            _ => error,
        })?;
        let host = found.or(saved.host);
        let port = port.number(false)?.or(saved.port);
        match (host, port) {
            (Some(host @ IpAddress::V6(_)), Some(_)) if self.family == Family::Ipv4 => Err(Error::argument(
                format!("sending to the IPv6 address {host} on an IPv4 socket, which needs the ipv6 keyword"),
            )),
            (Some(host), Some(port)) => Ok(Some(name_for(self.family, host, port))),
            (None, _) => Err(Error::argument("sending a datagram without remote_host, here or saved")),
            (_, None) => Err(Error::argument("sending a datagram without remote_port, here or saved")),
        }
    }

    /// Where a datagram to that file goes.
    pub fn file_destination(&self, file: Option<FileName>) -> Result<Option<Name>> {
        let saved = self.destination("sending on")?;
        if self.is_internet() {
            return Err(self.wrong_kind("sending to a file on"));
        }
        match file.or_else(|| saved.file.clone()) {
            Some(file) => Ok(Some(Name::File(file))),
            None if saved.connected => Ok(None),
            None => Err(Error::argument("sending a datagram without remote_filename, here or saved")),
        }
    }

    /// Where a datagram goes that names no destination: to the saved one, where that is whole.
    #[inline]
    pub fn saved_address(&self) -> Option<&Address> {
        match &self.role {
            Role::Datagram(own) => own.saved_address.as_ref(),
            _ => None,
        }
    }

    /// send-to; without a destination the descriptor is connected.
    #[inline]
    pub fn send_to(&self, bytes: &[u8], destination: Option<&Address>) -> Result<usize> {
        let send = |fd, wait| match destination {
            Some(address) => sys::send_to(fd, bytes, address, wait),
            None => sys::send(fd, [bytes, &[], &[]], wait),
        };
        self.run_waiting(Direction::Output, send, || self.sending_to(bytes.len(), destination))
    }

    #[cold]
    fn sending_to(&self, count: usize, destination: Option<&Address>) -> String {
        match destination.and_then(Address::name) {
            Some(Name::Internet(host, port)) => format!("sending {count} bytes to {host} port {port}"),
            Some(Name::File(file)) => {
                format!("sending {count} bytes to {}", String::from_utf8_lossy(file.bytes()))
            }
            None => format!("sending {count} bytes on the {self}"),
        }
    }

    /// receive-from.
    pub fn receive_from(&self, buffer: &mut [u8]) -> Result<Received> {
        let own = self.datagrams("receiving a datagram from")?;
        let action = || format!("receiving a datagram from the {self}");
        let room = buffer.len();
        let receive = |fd, wait| match own.is_gathering() {
            true => Ok(None),
            false => sys::receive_from(fd, buffer, wait).map(Some),
        };
        let Some(arrived) = self.run_patiently(receive, action)? else {
            return self.receive_gathered_one(own, buffer);
        };
        if arrived.length == 0 && self.descriptor.is_closed() {
            return Err(Error::new(Identifier::CLOSED, action()));
        }
        let length = arrived.length.min(room);
        Ok(Received { length, message_length: arrived.length, sender: arrived.sender })
    }

    fn receive_gathered_one(&self, own: &Datagrams, buffer: &mut [u8]) -> Result<Received> {
        let mut received = Received { length: 0, message_length: 0, sender: None };
        self.receive_gathered(own, 1, |_, bytes, sender| {
            let length = copy(buffer, bytes);
            received = Received { length, message_length: bytes.len(), sender: sender.cloned() };
            Ok(())
        })?;
        Ok(received)
    }

    /// Receives, also from an adopted descriptor that does not wait by itself.
    pub(super) fn run_patiently<T>(
        &self,
        mut receive: impl FnMut(Fd, Wait) -> std::result::Result<T, Errno>,
        action: impl Fn() -> String,
    ) -> Result<T> {
        loop {
            match self.run_waiting(Direction::Input, &mut receive, &action) {
                Err(error) if error.code == libc::EAGAIN => {
                    self.descriptor.run(sys::wait_readable, &action)?;
                }
                done => return done,
            }
        }
    }
}

/// As many bytes as there is room for: how many.
pub(super) fn copy(room: &mut [u8], bytes: &[u8]) -> usize {
    let length = bytes.len().min(room.len());
    if let (Some(room), Some(bytes)) = (room.get_mut(..length), bytes.get(..length)) {
        room.copy_from_slice(bytes);
    }
    length
}
