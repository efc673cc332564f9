//! Many datagrams in one call, and what a datagram socket keeps for that: whether the kernel cuts up
//! what is sent and puts together what comes, and what came together and is still to be read.

use super::datagram::copy;
use super::limits::{timed_out, wait_until};
use super::make::name_for;
use super::{Destination, Direction, Family, Role, Socket};
use crate::address::IpAddress;
use crate::error::{Error, Identifier, Result};
use crate::hazard;
use crate::stream::Turn;
use crate::sys::{self, Address, FileName, Inbox, Inflow, Name, Outbox, Ready};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// Nobody has asked yet whether the kernel cuts messages up.
const UNKNOWN: u32 = u32::MAX;

/// Datagrams are received one by one, each straight into the caller's memory.
const SINGLY: u8 = 0;
/// All receive through the inflow, so that the kernel may put datagrams together as soon as nobody
/// is inside of a call that began before.
const ABOUT_TO: u8 = 1;
/// The kernel puts them together, or has said that it does not.
const TOGETHER: u8 = 2;

/// What a datagram socket has beyond others.
#[derive(Debug)]
pub struct Datagrams {
    pub(super) saved: Destination,
    /// The same for the kernel, where nothing is missing.
    pub(super) saved_address: Option<Address>,
    /// The longest datagrams that the kernel cuts off a message, or `UNKNOWN`.
    longest_cut: AtomicU32,
    receiving: AtomicU8,
    inflow: Turn<Inflow>,
}

impl Role {
    pub(super) fn datagram(saved: Destination, family: Family) -> Role {
        let saved_address = saved.address(family);
        Role::Datagram(Box::new(Datagrams {
            saved,
            saved_address,
            longest_cut: AtomicU32::new(UNKNOWN),
            receiving: AtomicU8::new(SINGLY),
            inflow: Turn::default(),
        }))
    }
}

impl Datagrams {
    /// Whether datagrams must be received through the inflow. Asked from inside of the descriptor.
    #[inline]
    pub(super) fn is_gathering(&self) -> bool {
        self.receiving.load(Ordering::SeqCst) != SINGLY
    }

    /// Whether a datagram can be received that the kernel does not know of.
    pub(super) fn has_content(&self, descriptor: RawFd) -> bool {
        self.is_gathering() && self.inflow.try_with(descriptor, |inflow| inflow.has_more()).unwrap_or(false)
    }
}

/// Where one of many datagrams goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a> {
    /// Where all of them go that say nothing else.
    Default,
    /// To that port of a host.
    Internet(IpAddress, u16),
    /// To a file.
    File(&'a [u8]),
}

/// One of many datagrams to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Where it goes.
    pub to: Target<'a>,
}

impl Socket {
    pub(super) fn datagrams(&self, doing: &str) -> Result<&Datagrams> {
        match &self.role {
            Role::Datagram(own) => Ok(own),
            _ => Err(self.wrong_kind(doing)),
        }
    }

    /// Sends `count` datagrams in their order. `gone` is told how many went, each time that more did; an error is
    /// that of the next. `default` is the address of those that have none of their own, `None` where
    /// the descriptor is connected.
    pub fn send_to_many<'a>(
        &self,
        count: usize,
        datagram: impl Fn(usize) -> Result<Outgoing<'a>>,
        default: Option<&Address>,
        gone: impl Fn(usize),
    ) -> Result<()> {
        let own = self.datagrams("sending on")?;
        let mut outbox = Outbox::new();
        let mut at = 0;
        while at < count {
            outbox.clear();
            let longest = self.longest_cut(own, count - at)?;
            self.fill(&mut outbox, at..count, &datagram, default, longest)?;
            let action = || self.sending(at, count, &datagram);
            match self.run_waiting(Direction::Output, |fd, wait| outbox.send(fd, wait), action) {
                Ok(messages) => at += outbox.datagrams(messages),
                Err(error) => match outbox.first_run() {
                    Some(size) if own.cuts_no_more(size, error.code) => {}
                    _ => return Err(error),
                },
            }
            gone(at);
        }
        Ok(())
    }

    fn sending<'a>(
        &self,
        at: usize,
        count: usize,
        datagram: impl Fn(usize) -> Result<Outgoing<'a>>,
    ) -> String {
        let Ok(Outgoing { bytes, to }) = datagram(at) else { return format!("sending on the {self}") };
        let (size, number) = (bytes.len(), at + 1);
        let place = match to {
            Target::Default => format!("on the {self}"),
            Target::Internet(host, port) => format!("to {host} port {port}"),
            Target::File(file) => format!("to {}", String::from_utf8_lossy(file)),
        };
        format!("sending {size} bytes {place}, datagram {number} of {count}")
    }

    /// Takes as many of the datagrams as there is room for. The error of one that cannot be sent is
    /// answered when it is the first.
    fn fill<'a>(
        &self,
        outbox: &mut Outbox<'a>,
        range: std::ops::Range<usize>,
        datagram: &impl Fn(usize) -> Result<Outgoing<'a>>,
        default: Option<&Address>,
        longest: usize,
    ) -> Result<()> {
        let mut last = None;
        for index in range {
            let taken = datagram(index).and_then(|Outgoing { bytes, to }| {
                if last == Some(to) && outbox.join(bytes, longest) {
                    return Ok(true);
                }
                last = Some(to);
                Ok(match self.address(to)? {
                    Some(address) => outbox.push(bytes, Some(&address)),
                    None => outbox.push(bytes, default),
                })
            });
            match taken {
                Ok(true) => {}
                Err(error) if outbox.is_empty() => return Err(error),
                _ => break,
            }
        }
        Ok(())
    }

    /// `None` for the default.
    fn address(&self, to: Target<'_>) -> Result<Option<Address>> {
        match (to, self.is_internet()) {
            (Target::Default, _) => Ok(None),
            (Target::Internet(host @ IpAddress::V6(_), _), true) if self.family == Family::Ipv4 => {
                Err(Error::argument(format!(
                    "sending to the IPv6 address {host} on an IPv4 socket, which needs the ipv6 keyword"
                )))
            }
            (Target::Internet(host, port), true) => Ok(Some(name_for(self.family, host, port).address())),
            (Target::File(file), false) => match FileName::new(file) {
                Some(file) => Ok(Some(Name::File(file).address())),
                None => Err(Error::argument(format!("sending to a file name of {} bytes", file.len()))),
            },
            (Target::Internet(..), false) => Err(self.wrong_kind("sending to a host on")),
            (Target::File(_), true) => Err(self.wrong_kind("sending to a file on")),
        }
    }

    /// The longest datagrams that the kernel may be asked to cut off a message.
    fn longest_cut(&self, own: &Datagrams, count: usize) -> Result<usize> {
        if count < 2 || !self.is_internet() {
            return Ok(0);
        }
        let mut longest = own.longest_cut.load(Ordering::Relaxed);
        if longest == UNKNOWN {
            let cuts =
                self.descriptor.run(|fd| Ok(sys::cuts_messages(fd)), || format!("sending on the {self}"))?;
            longest = if cuts { u32::from(u16::MAX) } else { 0 };
            own.longest_cut.store(longest, Ordering::Relaxed);
        }
        Ok(longest as usize)
    }
}

impl Datagrams {
    /// Whether a message of datagrams of that size failed because the kernel cannot cut it up: then
    /// it is not asked to again.
    fn cuts_no_more(&self, size: usize, errno: i32) -> bool {
        let shorter = u32::try_from(size).unwrap_or(0).saturating_sub(1);
        let longest = match errno {
            // Longer than the path takes, while the fragments of one that is sent alone may pass.
            libc::EMSGSIZE => shorter,
            errno if sys::cannot_cut(errno) => 0,
            _ => return false,
        };
        self.longest_cut.fetch_min(longest, Ordering::Relaxed);
        true
    }
}

/// One of many datagrams that were received.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// How many bytes of it are in the caller's memory.
    pub length: usize,
    /// How long it was.
    pub message_length: usize,
    /// Its sender, where that has a name.
    pub sender: Option<&'a Name>,
}

impl Socket {
    /// Receives at most `count` datagrams, waiting for the first only: how many came. `room` is the
    /// memory for each, and `put` is told what came there.
    pub fn receive_from_many<'a>(
        &self,
        count: usize,
        room: impl Fn(usize) -> Result<&'a mut [u8]>,
        mut put: impl FnMut(usize, Arrival<'_>),
    ) -> Result<usize> {
        let own = self.datagrams("receiving datagrams from")?;
        room(0)?;
        if !self.is_internet() {
            return self.receive_into(count, room, put);
        }
        self.begin_gathering(own);
        self.receive_gathered(own, count, |index, bytes, sender| {
            let length = copy(room(index)?, bytes);
            put(index, Arrival { length, message_length: bytes.len(), sender });
            Ok(())
        })
    }

    fn receiving(&self) -> String {
        format!("receiving datagrams from the {self}")
    }

    fn receive_into<'a>(
        &self,
        count: usize,
        room: impl Fn(usize) -> Result<&'a mut [u8]>,
        mut put: impl FnMut(usize, Arrival<'_>),
    ) -> Result<usize> {
        let mut inbox = Inbox::new();
        let mut sizes = 0;
        while sizes < count && room(sizes).is_ok_and(|room| inbox.push(room)) {
            sizes += 1;
        }
        let action = || self.receiving();
        let came = self.run_patiently(|fd, wait| inbox.receive(fd, wait), action)?;
        if self.descriptor.is_closed() && inbox.arrived(0).0 == 0 {
            return Err(Error::new(Identifier::CLOSED, action()));
        }
        for index in 0..came {
            let (message_length, sender) = inbox.arrived(index);
            let length = message_length.min(room(index).map_or(0, |room| room.len()));
            put(index, Arrival { length, message_length, sender: sender.as_ref() });
        }
        Ok(came)
    }

    /// Asks the kernel to put datagrams together. A call that receives one by one and began before
    /// would take them for one, so the kernel is asked when no thread is inside of such a call.
    #[inline]
    fn begin_gathering(&self, own: &Datagrams) {
        if own.receiving.load(Ordering::Relaxed) != TOGETHER {
            self.try_to_gather(own);
        }
    }

    #[cold]
    fn try_to_gather(&self, own: &Datagrams) {
        let _ = own.receiving.compare_exchange(SINGLY, ABOUT_TO, Ordering::SeqCst, Ordering::SeqCst);
        if hazard::is_entered(self.descriptor.key()) {
            return;
        }
        // An older kernel goes on with one by one; a closed socket tells the next who asks.
        let _ = self.descriptor.run(sys::gather_received, || self.receiving());
        own.receiving.store(TOGETHER, Ordering::SeqCst);
    }

    /// Receives through the inflow. The lock is not held while this waits: a thread that has time
    /// left, or none, does not depend on another one's.
    pub(super) fn receive_gathered(
        &self,
        own: &Datagrams,
        most: usize,
        mut put: impl FnMut(usize, &[u8], Option<&Name>) -> Result<()>,
    ) -> Result<usize> {
        let action = || self.receiving();
        let mut end = None;
        loop {
            let taken = own.inflow.with(self.descriptor.number(), |inflow| {
                if !inflow.has_more() {
                    own.inflow.beat();
                    self.descriptor.run(|fd| inflow.receive(fd, most), action)?;
                }
                if self.descriptor.is_closed() {
                    inflow.clear();
                    return Err(Error::new(Identifier::CLOSED, action()));
                }
                let count = deliver(inflow, most, &mut put)?;
                if inflow.has_more() {
                    self.tell_of_content();
                }
                Ok(count)
            })?;
            if taken > 0 {
                return Ok(taken);
            }
            let end = *end.get_or_insert_with(|| self.rare.limits.end(Direction::Input));
            if !wait_until(&self.descriptor, Ready::Input, end, action)? {
                return Err(timed_out(Direction::Input, action()));
            }
        }
    }
}

fn deliver(
    inflow: &mut Inflow,
    most: usize,
    put: &mut impl FnMut(usize, &[u8], Option<&Name>) -> Result<()>,
) -> Result<usize> {
    let mut count = 0;
    while count < most
        && let Some(rest) = inflow.rest()
    {
        let mut used = 0;
        let mut refused = None;
        loop {
            let end = rest.bytes.len().min(used + rest.segment);
            match put(count, rest.bytes.get(used..end).unwrap_or_default(), rest.sender.as_ref()) {
                Ok(()) => (count, used) = (count + 1, end),
                Err(error) => refused = Some(error),
            }
            if refused.is_some() || count == most || used == rest.bytes.len() {
                break;
            }
        }
        if refused.is_none() || used > 0 {
            inflow.consume(used);
        }
        match refused {
            Some(error) if count == 0 => return Err(error),
            Some(_) => break,
            None => {}
        }
    }
    Ok(count)
}
