//! send-to and receive-from.

use super::datagrams::Datagrams;
use super::make::name_for;
use super::{Direction, Host, Port, Socket};
use crate::address::IpAddress;
use crate::error::{Errno, Error, Identifier, Result};
use crate::names::Ipv6;
use crate::sys::{self, Fd, FileName, Name, Wait};

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
        let host = host.addresses(ipv6, scope_id)?.first().copied().or(saved.host);
        let port = port.number(false)?.or(saved.port);
        match (host, port) {
            (Some(host @ IpAddress::V6(_)), Some(_)) if self.family == super::Family::Ipv4 => {
                Err(Error::argument(format!(
                    "sending to the IPv6 address {host} on an IPv4 socket, which needs the ipv6 keyword"
                )))
            }
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

    /// send-to; without a destination the descriptor is connected.
    pub fn send_to(&self, bytes: &[u8], destination: Option<&Name>) -> Result<usize> {
        let action = || match destination {
            Some(Name::Internet(host, port)) => {
                format!("sending {} bytes to {host} port {port}", bytes.len())
            }
            Some(Name::File(file)) => {
                format!("sending {} bytes to {}", bytes.len(), String::from_utf8_lossy(file.bytes()))
            }
            None => format!("sending {} bytes on the {self}", bytes.len()),
        };
        let send = |fd, wait| match destination {
            Some(name) => sys::send_to(fd, bytes, name, wait),
            None => sys::send(fd, [bytes, &[], &[]], wait),
        };
        self.run_waiting(Direction::Output, send, action)
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
