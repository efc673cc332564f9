//! Connecting to a host by name: its addresses are tried one behind the other, the next one when one
//! has failed or has not come about for a while (RFC 8305), and the first connection is the socket's.

use super::attempt::Ending;
use super::connect::{TIMED_OUT, begun, connect, failure, mark, stream, until};
use super::limits::{after, left_until};
use super::make::{bind, family, local_address, md5, name_for, new_socket};
use super::onward::Onward;
use super::{Family, Host, MakeSocket, Socket};
use crate::address::IpAddress;
use crate::error::{Errno, Error, Identifier, Result};
use crate::sys::{self, Address, Closing};

/// A connection that has not come about for so long is not waited for alone (RFC 8305 section 5).
const STAGGER: u64 = 250_000_000;

/// So many are made at once.
const LANES: usize = 8;

const IDLE: libc::pollfd = libc::pollfd { fd: -1, events: 0, revents: 0 };

/// Where to, and where from.
#[derive(Clone, Copy)]
struct Target<'a> {
    args: &'a MakeSocket<'a>,
    port: u16,
    local: Option<IpAddress>,
    local_port: Option<u16>,
    end: Option<u64>,
}

/// The error of looking a name up, which is that of connecting where its time is over.
fn late(error: Error, end: Option<u64>) -> Error {
    if end.is_some_and(|end| left_until(end).is_none()) {
        return Error::new(Identifier::CONNECT_TIMEOUT, error.action);
    }
    error
}

/// An active internet socket.
pub(super) fn connect_internet(args: &MakeSocket<'_>, wait: bool) -> Result<Socket> {
    let Some(port) = args.remote.1.number(true)? else {
        return Err(Error::argument("making an active socket without remote_port"));
    };
    let end = args.connect_timeout.map(after);
    let local_port = args.local.1.number(true)?;
    let local = local_address(args, end).map_err(|error| late(error, end))?;
    let remotes = args.remote.0.addresses(args.ipv6, args.scope_id, end);
    let remotes = interleaved(remotes.map_err(|error| late(error, end))?);
    let target = Target { args, port, local, local_port, end };
    let attempt = Ending::begin(remotes);
    match (attempt.count(), wait) {
        (0, _) => Err(Error::argument("making an active socket without remote_host")),
        (1, true) => target.alone(&attempt),
        (_, true) => target.race(&attempt),
        (_, false) => target.begin(&attempt),
    }
}

/// The addresses, now of the one family and now of the other, beginning with that of the first.
fn interleaved(addresses: Vec<IpAddress>) -> Vec<IpAddress> {
    if addresses.len() <= 2 {
        return addresses;
    }
    let is_v6 = |address: &IpAddress| matches!(address, IpAddress::V6(_));
    let first = addresses.first().is_some_and(is_v6);
    let (mut ones, mut others): (Vec<_>, Vec<_>) =
        addresses.into_iter().enumerate().partition(|(_, address)| is_v6(address) == first);
    let renumber = |list: &mut Vec<(usize, IpAddress)>, from| {
        list.iter_mut().enumerate().for_each(|(index, entry)| entry.0 = 2 * index + from);
    };
    renumber(&mut ones, 0);
    renumber(&mut others, 1);
    ones.append(&mut others);
    ones.sort_by_key(|(place, _)| *place);
    ones.into_iter().map(|(_, address)| address).collect()
}

impl Target<'_> {
    fn action(&self, remote: IpAddress) -> String {
        format!("connecting to {remote} port {}", self.port)
    }

    fn address(&self, family: Family, remote: IpAddress) -> Address {
        name_for(family, remote, self.port).address()
    }

    /// A socket that is ready to connect.
    fn open(&self, remote: IpAddress) -> Result<(Closing, Family)> {
        let action = || self.action(remote);
        let family = family(self.args.ipv6, [Some(remote), self.local]);
        let descriptor = new_socket(self.args, family, action)?;
        if self.local.is_some() || self.local_port.is_some() {
            bind(descriptor.fd(), family, self.local, self.local_port, "a local socket")?;
        }
        md5(self.args, descriptor.fd(), remote, action)?;
        Ok((descriptor, family))
    }

    /// The socket of a connection.
    fn won(&self, attempt: &Ending, number: usize, index: usize) -> Result<Socket> {
        let missing = || Error::new(Identifier::INTERNAL, "connecting");
        let remote = attempt.address(index).ok_or_else(missing)?;
        let descriptor = attempt.take(number).ok_or_else(missing)?;
        let family = family(self.args.ipv6, [Some(remote), self.local]);
        Ok(stream(self.args, descriptor, family, name_for(family, remote, self.port)))
    }

    /// The one address there is.
    fn alone(&self, attempt: &Ending) -> Result<Socket> {
        let remote = attempt.address(0).unwrap_or(IpAddress::V4(0));
        let (descriptor, family) = self.open(remote)?;
        let fd = descriptor.fd();
        let number = attempt.own(descriptor);
        let connected = connect(fd, &self.address(family, remote), until(true, self.end));
        connected.map_err(|errno| failure(errno, self.action(remote)))?;
        self.won(attempt, number, 0)
    }

    /// Begins with an address: the descriptor, its number, and whether it is still connecting; `None`
    /// where it fails at once.
    fn start(&self, attempt: &Ending, index: usize) -> Result<Option<(i32, usize, bool)>> {
        let Some(remote) = attempt.address(index) else { return Ok(None) };
        let (descriptor, family) = self.open(remote)?;
        let fd = descriptor.fd();
        let number = attempt.own(descriptor);
        let failed = |errno: Errno| errno.during(self.action(remote));
        sys::set_nonblocking(fd, true).map_err(failed)?;
        match begun(sys::begin_connect(fd, &self.address(family, remote))) {
            Ok(connecting) => Ok(Some((fd.0, number, connecting))),
            Err(errno) => {
                attempt.fail(failed(errno));
                drop(attempt.take(number));
                Ok(None)
            }
        }
    }

    /// Whoever comes first. Nothing that waits here owns anything: the attempt does.
    fn race(&self, attempt: &Ending) -> Result<Socket> {
        let (mut polls, mut runners) = ([IDLE; LANES], [(0, 0); LANES]);
        let (mut next, mut next_at) = (0, 0);
        let count = attempt.count();
        loop {
            let running = polls.iter().filter(|poll| poll.fd >= 0).count();
            let may_start = next < count && running < LANES;
            if may_start && (running == 0 || sys::now() >= next_at) {
                if let Some((fd, number, connecting)) = self.start(attempt, next)? {
                    if !connecting {
                        return self.finish(attempt, number, next);
                    }
                    let mut lanes = polls.iter_mut().zip(&mut runners);
                    if let Some((poll, runner)) = lanes.find(|(poll, _)| poll.fd < 0) {
                        *poll = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
                        *runner = (number, next);
                    }
                    // Two cannot have one local port.
                    let patience = if self.local_port.is_some() { u64::MAX } else { STAGGER };
                    next_at = sys::now().saturating_add(patience);
                }
                next += 1;
                continue;
            }
            if running == 0 {
                let nothing = || Error::new(Identifier::INTERNAL, "connecting");
                return Err(attempt.failure().unwrap_or_else(nothing));
            }
            let until = [self.end, (may_start && next_at < u64::MAX).then_some(next_at)];
            let left = until.into_iter().flatten().min().map(|end| left_until(end).unwrap_or_default());
            // After a signal, or a failure, what is not ready is waited for again.
            let _ = sys::poll_all(&mut polls, left);
            for (poll, runner) in polls.iter_mut().zip(&runners) {
                if poll.fd >= 0 && poll.revents != 0 {
                    match sys::connected(sys::Fd(poll.fd)) {
                        Ok(()) => return self.finish(attempt, runner.0, runner.1),
                        Err(errno) => {
                            let remote = attempt.address(runner.1).unwrap_or(IpAddress::V4(0));
                            attempt.fail(errno.during(self.action(remote)));
                            drop(attempt.take(runner.0));
                            (*poll, next_at) = (IDLE, 0);
                        }
                    }
                }
            }
            if self.end.is_some_and(|end| left_until(end).is_none()) {
                return Err(failure(Errno(TIMED_OUT), self.action_of_all(attempt)));
            }
        }
    }

    fn finish(&self, attempt: &Ending, number: usize, index: usize) -> Result<Socket> {
        let socket = self.won(attempt, number, index)?;
        let action = || "connecting".to_string();
        socket.descriptor.run(|fd| sys::set_nonblocking(fd, false), action)?;
        Ok(socket)
    }

    fn action_of_all(&self, attempt: &Ending) -> String {
        let (port, count) = (self.port, attempt.count());
        match self.args.remote.0 {
            Host::Named(name) => format!("connecting to {name} port {port}, at {count} addresses"),
            _ => format!("connecting to port {port} at {count} addresses"),
        }
    }

    /// Begins with the first address that does not fail at once; the others are for who finishes.
    fn begin(&self, attempt: &Ending) -> Result<Socket> {
        let count = attempt.count();
        for index in 0..count {
            let Some((_, number, connecting)) = self.start(attempt, index)? else { continue };
            if !connecting {
                return self.finish(attempt, number, index);
            }
            let socket = self.won(attempt, number, index)?;
            let rest = (index + 1..count).filter_map(|index| attempt.address(index));
            let rest = rest.map(|remote| name_for(socket.family, remote, self.port)).collect();
            if let Some(onward) = Onward::new(rest, self.args.md5_key, attempt.failure()) {
                // There is none yet.
                let _ = socket.rare.onward.set(onward);
            }
            return Ok(mark(socket, true, self.end));
        }
        let nothing = || Error::new(Identifier::INTERNAL, "connecting");
        Err(attempt.failure().unwrap_or_else(nothing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Ipv6Address;

    #[test]
    fn families_take_turns() {
        let v4 = IpAddress::V4;
        let v6 = |last| {
            let mut octets = [0; 16];
            octets[15] = last;
            IpAddress::V6(Ipv6Address { octets, scope_id: 0 })
        };
        let order = interleaved(vec![v6(1), v6(2), v6(3), v4(1), v4(2), v4(3), v4(4), v4(5)]);
        assert_eq!(order, [v6(1), v4(1), v6(2), v4(2), v6(3), v4(3), v4(4), v4(5)]);
        assert_eq!(interleaved(vec![v4(2), v6(2), v4(1)]), [v4(2), v6(2), v4(1)]);
        assert_eq!(interleaved(vec![]), []);
    }
}
