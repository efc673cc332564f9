//! Connecting: at once, within a time, or begun and finished later.

use super::attempt::Ending;
use super::limits::{after, left_until, wait_until};
use super::{Family, Host, MakeSocket, Role, Socket};
use crate::error::{Errno, Error, Identifier, Result};
use crate::stream::Stream;
use crate::sys::{self, Address, Closing, Fd, Name, Ready};
use std::time::Duration;

/// How long to wait for a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Connected,
    Time(u64),
    Begun,
}

pub(super) fn until(wait: bool, end: Option<u64>) -> Until {
    match (wait, end) {
        (false, _) => Until::Begun,
        (true, None) => Until::Connected,
        (true, Some(end)) => Until::Time(end),
    }
}

/// Connects a descriptor. True where the connection still is being made.
pub(super) fn connect(fd: Fd, address: &Address, until: Until) -> std::result::Result<bool, Errno> {
    let internet = !address.is_file();
    match until {
        Until::Connected => sys::connect(fd, address).map(|()| false),
        Until::Begun => {
            sys::set_nonblocking(fd, true)?;
            let connecting = begun(sys::begin_connect(fd, address))?;
            if connecting { Ok(true) } else { sys::set_nonblocking(fd, false).map(|()| false) }
        }
        Until::Time(end) if internet => {
            sys::set_nonblocking(fd, true)?;
            if begun(sys::begin_connect(fd, address))? {
                wait_connected(fd, end)?;
            }
            sys::set_nonblocking(fd, false).map(|()| false)
        }
        // A file socket whose peer has no room cannot be waited for: the kernel's time-out is all.
        Until::Time(end) => loop {
            sys::set_timeout(fd, Ready::Output, Some(left_until(end).ok_or(Errno(TIMED_OUT))?))?;
            match sys::begin_connect(fd, address) {
                Err(Errno(libc::EINTR)) => {}
                Err(Errno(libc::EAGAIN)) => return Err(Errno(TIMED_OUT)),
                done => {
                    done?;
                    return sys::set_timeout(fd, Ready::Output, None).map(|()| false);
                }
            }
        },
    }
}

/// Not an errno of the system's: ETIMEDOUT is its own time-out.
pub(super) const TIMED_OUT: i32 = -1;

pub(super) fn begun(result: std::result::Result<(), Errno>) -> std::result::Result<bool, Errno> {
    match result {
        Ok(()) => Ok(false),
        Err(Errno(libc::EINPROGRESS | libc::EINTR | libc::EAGAIN)) => Ok(true),
        Err(errno) => Err(errno),
    }
}

fn wait_connected(fd: Fd, end: u64) -> std::result::Result<(), Errno> {
    loop {
        let left = left_until(end).ok_or(Errno(TIMED_OUT))?;
        match sys::wait_for(fd, Ready::Output, Some(left)) {
            Ok(true) => return sys::connected(fd),
            Ok(false) | Err(Errno(libc::EINTR)) => {}
            Err(errno) => return Err(errno),
        }
    }
}

pub(super) fn failure(errno: Errno, action: String) -> Error {
    match errno.0 {
        TIMED_OUT => Error::new(Identifier::CONNECT_TIMEOUT, action),
        _ => errno.during(action),
    }
}

pub(super) fn stream(args: &MakeSocket<'_>, descriptor: Closing, family: Family, name: Name) -> Socket {
    let stream = Stream::new(args.mode.unwrap_or_default());
    if let Host::Named(host) = args.remote.0 {
        stream.set_host(host);
    }
    let role = Role::Stream(stream);
    let mut socket = Socket::of(descriptor, family, args.format, role);
    socket.remote = Some(name);
    socket
}

/// Marks a socket whose connection is still being made.
pub(super) fn mark(socket: Socket, connecting: bool, end: Option<u64>) -> Socket {
    if connecting {
        socket.rare.limits.set_connect_end(end);
        socket.descriptor.set_connecting(true);
    }
    socket
}

/// Connects a file socket to a name, which is made again rather than kept by a frame that may be left.
pub(super) fn connect_file(
    args: &MakeSocket<'_>,
    descriptor: Closing,
    name: impl Fn() -> Result<Name>,
    wait: bool,
) -> Result<Socket> {
    let fd = descriptor.fd();
    let attempt = Ending::begin(Vec::new());
    let number = attempt.own(descriptor);
    let address = name()?.address();
    let end = args.connect_timeout.map(after);
    let outcome = connect(fd, &address, until(wait, end));
    let name = name()?;
    let connecting = outcome.map_err(|errno| failure(errno, format!("connecting to {}", shown(&name))))?;
    let missing = || Error::new(Identifier::INTERNAL, "connecting");
    let descriptor = attempt.take(number).ok_or_else(missing)?;
    Ok(mark(stream(args, descriptor, Family::File, name), connecting, end))
}

fn shown(name: &Name) -> String {
    match name {
        Name::File(file) => String::from_utf8_lossy(file.bytes()).into_owned(),
        Name::Internet(host, port) => format!("{host} port {port}"),
    }
}

impl Socket {
    /// Begins a connection.
    pub fn begin_connect(args: &MakeSocket<'_>) -> Result<Socket> {
        if !args.stream || args.passive {
            return Err(Error::argument("beginning to connect a socket that is not an active stream"));
        }
        let socket = Socket::make_active(args, false)?;
        socket.set_timeouts(args.timeouts)?;
        Ok(socket)
    }

    /// Ends a connection that was begun: waits for it, or answers `WOULD_BLOCK`.
    pub fn finish_connect(&self, wait: bool) -> Result<()> {
        let stream = self.stream("finishing the connection of")?;
        let action = || format!("finishing the connection of the {self}");
        if self.descriptor.is_closed() {
            return Err(Error::new(Identifier::CLOSED, action()));
        }
        if self.descriptor.is_connecting() {
            // One thread at a time: the system tells how it ended only once.
            let finished = stream.alone(self.descriptor.number(), wait, || self.finish_alone(wait, action));
            finished.unwrap_or_else(|| Err(Error::new(Identifier::WOULD_BLOCK, action())))?;
        }
        match self.rare.limits.connect_failure() {
            0 => Ok(()),
            errno => Err(failure(Errno(errno), action())),
        }
    }

    fn finish_alone(&self, wait: bool, action: impl Fn() -> String) -> Result<()> {
        if !self.descriptor.is_connecting() {
            return Ok(());
        }
        let end = if wait { self.rare.limits.connect_end() } else { Some(0) };
        let outcome = loop {
            let outcome = match (&self.remote, self.family) {
                (Some(name), Family::File) => self.connect_file_again(name, end, &action)?,
                _ if wait_until(&self.descriptor, Ready::Output, end, &action)? => {
                    self.descriptor.run(|fd| Ok(sys::connected(fd)), &action)?
                }
                _ => Err(Errno(TIMED_OUT)),
            };
            match (outcome, self.onward()) {
                (Err(errno), Some(onward)) if errno.0 != TIMED_OUT => {
                    if !self.descriptor.run(|fd| Ok(onward.begin_next(fd, errno)), &action)? {
                        break Err(onward.failure());
                    }
                }
                _ => break outcome,
            }
        };
        match outcome {
            Err(Errno(TIMED_OUT)) if !wait => return Err(Error::new(Identifier::WOULD_BLOCK, action())),
            Ok(()) => {
                self.descriptor.run(|fd| sys::set_nonblocking(fd, false), &action)?;
            }
            Err(errno) => self.rare.limits.set_connect_failure(errno.0),
        }
        self.descriptor.set_connecting(false);
        Ok(())
    }

    /// The peer has no room in its queue, which cannot be waited for: it is asked again.
    fn connect_file_again(
        &self,
        name: &Name,
        end: Option<u64>,
        action: impl Fn() -> String,
    ) -> Result<std::result::Result<(), Errno>> {
        let address = name.address();
        loop {
            let outcome = self.descriptor.run(|fd| Ok(sys::begin_connect(fd, &address)), &action)?;
            match outcome {
                Err(Errno(libc::EAGAIN)) => {}
                Err(Errno(libc::EISCONN)) => return Ok(Ok(())),
                outcome => return Ok(outcome),
            }
            match end.map(left_until) {
                Some(None) => return Ok(Err(Errno(TIMED_OUT))),
                Some(Some(left)) => sys::sleep(left.min(BETWEEN_QUESTIONS)),
                None => sys::sleep(BETWEEN_QUESTIONS),
            }
        }
    }
}

const BETWEEN_QUESTIONS: Duration = Duration::from_millis(2);
