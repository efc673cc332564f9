//! One try of one server: a socket of its own, so that the port is a fresh one that nobody can guess,
//! connected, so that the kernel drops what comes from elsewhere. Nothing here waits.

use super::config::Server;
use super::message::{Asked, Reply};
use crate::address::IpAddress;
use crate::error::Errno;
use crate::sys::{self, Closing, Name, Wait, process};
use socket2::{Domain, Type};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A datagram of more than this did not heed what the query said that we take.
const DATAGRAM: usize = 4096;

/// Somebody who sends so many wrong answers is guessing.
const GUESSES: u32 = 32;

/// A conversation with a server.
#[derive(Debug)]
pub struct Channel {
    fd: Closing,
    /// The server.
    pub server: Arc<Server>,
    /// Whether the query says that this resolver knows EDNS.
    pub edns: bool,
    id: u16,
    foreign: u32,
    stream: Option<Stream>,
}

/// What goes on over TCP: the length of each message stands before it.
#[derive(Debug)]
struct Stream {
    connecting: bool,
    out: Vec<u8>,
    sent: usize,
    into: Vec<u8>,
}

/// What has come of it.
#[derive(Debug)]
pub enum Progress {
    /// Nothing yet.
    Waits,
    /// A reply.
    Reply(Reply),
    /// Somebody guesses at answers.
    Guessed,
    /// The server cannot be reached.
    Failed(Errno),
}

impl Channel {
    /// Sends a query, by TCP where `stream`.
    pub fn open(server: &Arc<Server>, asked: &Asked, edns: bool, stream: bool) -> Result<Channel, Errno> {
        let domain = match server.address {
            IpAddress::V4(_) => Domain::IPV4,
            IpAddress::V6(_) => Domain::IPV6,
        };
        let fd = sys::socket(domain, if stream { Type::STREAM } else { Type::DGRAM })?;
        sys::set_nonblocking(fd.fd(), true)?;
        let id = process::random_bits() as u16;
        let query = asked.query(id, edns);
        let connected = sys::begin_connect(fd.fd(), &Name::Internet(server.address, server.port).address());
        let connecting = match connected {
            Err(Errno(libc::EINPROGRESS | libc::EINTR)) if stream => true,
            done => done.map(|()| false)?,
        };
        server.sent.fetch_add(1, Ordering::Relaxed);
        let mut channel = Channel { fd, server: Arc::clone(server), edns, id, foreign: 0, stream: None };
        if stream {
            let length = u16::try_from(query.len()).map_err(|_| Errno(libc::EMSGSIZE))?;
            let out = [&length.to_be_bytes()[..], &query].concat();
            channel.stream = Some(Stream { connecting, out, sent: 0, into: Vec::new() });
        } else {
            sys::send(channel.fd.fd(), [&query, &[], &[]], Wait::No)?;
        }
        Ok(channel)
    }

    /// What to wait for.
    pub fn poll(&self) -> libc::pollfd {
        let sending = self.stream.as_ref().is_some_and(|stream| stream.sent < stream.out.len());
        let events = if sending { libc::POLLOUT } else { libc::POLLIN };
        libc::pollfd { fd: self.fd.fd().0, events, revents: 0 }
    }

    /// Takes what is there.
    pub fn progress(&mut self, asked: &Asked) -> Progress {
        let progress =
            if self.stream.is_some() { self.stream_progress(asked) } else { self.datagrams(asked) };
        match progress {
            Ok(progress) => {
                if matches!(progress, Progress::Reply(_)) {
                    self.server.received.fetch_add(1, Ordering::Relaxed);
                }
                progress
            }
            Err(Errno(libc::EAGAIN)) => Progress::Waits,
            Err(errno) => Progress::Failed(errno),
        }
    }

    fn datagrams(&mut self, asked: &Asked) -> Result<Progress, Errno> {
        let mut buffer = [0; DATAGRAM];
        loop {
            let arrived = sys::receive_from(self.fd.fd(), &mut buffer, Wait::No)?;
            let bytes = buffer.get(..arrived.length).unwrap_or_default();
            match asked.read(self.id, bytes, false) {
                Reply::Foreign => self.foreign += 1,
                reply => return Ok(Progress::Reply(reply)),
            }
            if self.foreign >= GUESSES {
                return Ok(Progress::Guessed);
            }
        }
    }

    fn stream_progress(&mut self, asked: &Asked) -> Result<Progress, Errno> {
        let (fd, id) = (self.fd.fd(), self.id);
        let Some(stream) = &mut self.stream else { return Ok(Progress::Waits) };
        if stream.connecting {
            if !sys::wait_for(fd, sys::Ready::Output, Some(std::time::Duration::ZERO)).unwrap_or(false) {
                return Ok(Progress::Waits);
            }
            sys::connected(fd)?;
            stream.connecting = false;
        }
        while let Some(rest @ [_, ..]) = stream.out.get(stream.sent..) {
            stream.sent += sys::send(fd, [rest, &[], &[]], Wait::No)?;
        }
        loop {
            let length = stream.into.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)));
            let wanted = 2 + length.unwrap_or(0);
            if length.is_some() && stream.into.len() >= wanted {
                return Ok(Progress::Reply(
                    match asked.read(id, stream.into.get(2..wanted).unwrap_or_default(), true) {
                        // Nobody else can write to the connection.
                        Reply::Foreign => Reply::Malformed,
                        reply => reply,
                    },
                ));
            }
            let most = wanted - stream.into.len();
            stream.into.reserve(most);
            if sys::receive(fd, &mut stream.into, most, Wait::No)? == 0 {
                return Err(Errno(libc::ECONNRESET));
            }
        }
    }
}
