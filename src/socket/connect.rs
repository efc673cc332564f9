//! Connecting: at once, within a time, or begun and finished later. What a thread that leaves by
//! `longjmp` was connecting is remembered for it, because none of its frames will close it.

use super::limits::{after, left_until, wait_until};
use super::make::{bind, family, local_address, md5, name_for, new_socket};
use super::{Family, Host, MakeSocket, Role, Socket};
use crate::address::IpAddress;
use crate::error::{Errno, Error, Identifier, Result};
use crate::hazard;
use crate::names;
use crate::stream::Stream;
use crate::sys::{self, Address, Closing, Fd, Name, Ready};
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// A connection that a thread is making. It owns what the thread would leak by leaving.
struct Attempt {
    place: usize,
    /// The last block that had begun.
    block: i32,
    descriptor: Option<Closing>,
    addresses: Vec<IpAddress>,
}

thread_local! {
    static ATTEMPTS: RefCell<Vec<Attempt>> = const { RefCell::new(Vec::new()) };
    /// The blocks of with-pending-connect that this thread has begun, counted.
    static BLOCKS: Cell<i32> = const { Cell::new(0) };
}

/// Forgets what this thread was making in calls that it has left, as far as it was begun in that
/// block or later.
pub(super) fn forget_left(block: i32) {
    names::forget_left();
    let left = ATTEMPTS.with_borrow_mut(|attempts| {
        let live = |attempt: &Attempt| attempt.block < block || !hazard::has_returned(attempt.place);
        let live = attempts.iter().take_while(|attempt| live(attempt)).count();
        attempts.split_off(live)
    });
    // Closed outside of the borrow.
    drop(left);
}

/// begin of with-pending-connect: a token for its end.
pub fn begin_pending_connect() -> i32 {
    forget_left(0);
    BLOCKS.set(BLOCKS.get().wrapping_add(1) & i32::MAX);
    BLOCKS.get()
}

/// end of with-pending-connect: what was begun since and left is closed.
pub fn end_pending_connect(token: i32) {
    forget_left(token);
}

impl Attempt {
    fn begin(addresses: Vec<IpAddress>) -> usize {
        forget_left(0);
        let place = hazard::place_on_stack();
        let attempt = Attempt { place, block: BLOCKS.get(), descriptor: None, addresses };
        ATTEMPTS.with_borrow_mut(|attempts| {
            attempts.push(attempt);
            attempts.len() - 1
        })
    }

    fn look<T>(index: usize, look: impl FnOnce(&mut Attempt) -> Option<T>) -> Option<T> {
        ATTEMPTS.with_borrow_mut(|attempts| attempts.get_mut(index).and_then(look))
    }

    fn end(index: usize) {
        let ended = ATTEMPTS.with_borrow_mut(|attempts| attempts.split_off(index.min(attempts.len())));
        drop(ended);
    }
}

/// Ends an attempt when its call returns.
struct Ending(usize);

impl Drop for Ending {
    fn drop(&mut self) {
        Attempt::end(self.0);
    }
}

/// How long to wait for a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Connected,
    Time(u64),
    Begun,
}

fn until(wait: bool, end: Option<u64>) -> Until {
    match (wait, end) {
        (false, _) => Until::Begun,
        (true, None) => Until::Connected,
        (true, Some(end)) => Until::Time(end),
    }
}

/// The error of looking a name up, which is that of connecting where its time is over.
fn late(error: Error, end: Option<u64>) -> Error {
    if end.is_some_and(|end| left_until(end).is_none()) {
        return Error::new(Identifier::CONNECT_TIMEOUT, error.action);
    }
    error
}

/// Connects a descriptor. True where the connection still is being made.
fn connect(fd: Fd, address: &Address, until: Until) -> std::result::Result<bool, Errno> {
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
const TIMED_OUT: i32 = -1;

fn begun(result: std::result::Result<(), Errno>) -> std::result::Result<bool, Errno> {
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

fn failure(errno: Errno, action: String) -> Error {
    match errno.0 {
        TIMED_OUT => Error::new(Identifier::CONNECT_TIMEOUT, action),
        _ => errno.during(action),
    }
}

fn stream(args: &MakeSocket<'_>, descriptor: Closing, family: Family, name: Name) -> Socket {
    let stream = Stream::new(args.mode.unwrap_or_default());
    if let Host::Named(host) = args.remote.0 {
        stream.set_host(host);
    }
    let role = Role::Stream(Box::new(stream));
    let mut socket = Socket::of(descriptor, family, args.format, role);
    socket.remote = Some(name);
    socket
}

/// Marks a socket whose connection is still being made.
fn mark(socket: Socket, connecting: bool, end: Option<u64>) -> Socket {
    if connecting {
        socket.limits.set_connect_end(end);
        socket.descriptor.set_connecting(true);
    }
    socket
}

/// An active internet socket; the addresses of a name are tried in turn.
pub(super) fn connect_internet(args: &MakeSocket<'_>, wait: bool) -> Result<Socket> {
    let Some(port) = args.remote.1.number(true)? else {
        return Err(Error::argument("making an active socket without remote_port"));
    };
    let end = args.connect_timeout.map(after);
    let until = until(wait, end);
    let local = local_address(args, end).map_err(|error| late(error, end))?;
    let local_port = args.local.1.number(true)?;
    let remotes = args.remote.0.addresses(args.ipv6, args.scope_id, end);
    let remotes = remotes.map_err(|error| late(error, end))?;
    let attempt = Ending(Attempt::begin(remotes));
    let mut failed = None;
    for index in 0.. {
        let Some(remote) = Attempt::look(attempt.0, |attempt| attempt.addresses.get(index).copied()) else {
            break;
        };
        let action = || format!("connecting to {remote} port {port}");
        let family = family(args.ipv6, [Some(remote), local]);
        let descriptor = new_socket(args, family, action)?;
        let fd = descriptor.fd();
        if local.is_some() || local_port.is_some() {
            bind(fd, family, local, local_port, "a local socket")?;
        }
        md5(args, fd, remote, action)?;
        Attempt::look(attempt.0, |attempt| attempt.descriptor.replace(descriptor));
        match connect(fd, &name_for(family, remote, port).address(), until) {
            Ok(connecting) => {
                let Some(descriptor) = Attempt::look(attempt.0, |attempt| attempt.descriptor.take()) else {
                    break;
                };
                let socket = stream(args, descriptor, family, name_for(family, remote, port));
                return Ok(mark(socket, connecting, end));
            }
            Err(errno) => failed = Some((errno, remote)),
        }
        if failed.is_some_and(|(errno, _)| errno.0 == TIMED_OUT) {
            break;
        }
    }
    match failed {
        Some((errno, remote)) => Err(failure(errno, format!("connecting to {remote} port {port}"))),
        None => Err(Error::argument("making an active socket without remote_host")),
    }
}

/// Connects a file socket to a name, which is made again rather than kept by a frame that may be left.
pub(super) fn connect_file(
    args: &MakeSocket<'_>,
    descriptor: Closing,
    name: impl Fn() -> Result<Name>,
    wait: bool,
) -> Result<Socket> {
    let fd = descriptor.fd();
    let attempt = Ending(Attempt::begin(Vec::new()));
    Attempt::look(attempt.0, |attempt| attempt.descriptor.replace(descriptor));
    let address = name()?.address();
    let end = args.connect_timeout.map(after);
    let outcome = connect(fd, &address, until(wait, end));
    let name = name()?;
    let connecting = outcome.map_err(|errno| failure(errno, format!("connecting to {}", shown(&name))))?;
    let missing = || Error::new(Identifier::INTERNAL, "connecting");
    let descriptor = Attempt::look(attempt.0, |attempt| attempt.descriptor.take()).ok_or_else(missing)?;
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
        match self.limits.connect_failure() {
            0 => Ok(()),
            errno => Err(failure(Errno(errno), action())),
        }
    }

    fn finish_alone(&self, wait: bool, action: impl Fn() -> String) -> Result<()> {
        if !self.descriptor.is_connecting() {
            return Ok(());
        }
        let end = if wait { self.limits.connect_end() } else { Some(0) };
        let outcome = match (&self.remote, self.family) {
            (Some(name), Family::File) => self.connect_file_again(name, end, &action)?,
            _ if wait_until(&self.descriptor, Ready::Output, end, &action)? => {
                self.descriptor.run(|fd| Ok(sys::connected(fd)), &action)?
            }
            _ => Err(Errno(TIMED_OUT)),
        };
        match outcome {
            Err(Errno(TIMED_OUT)) if !wait => return Err(Error::new(Identifier::WOULD_BLOCK, action())),
            Ok(()) => {
                self.descriptor.run(|fd| sys::set_nonblocking(fd, false), &action)?;
            }
            Err(errno) => self.limits.set_connect_failure(errno.0),
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
