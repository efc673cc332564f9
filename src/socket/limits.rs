//! How long operations on a socket may wait: a time for each wait, and a deadline for all of them.

use super::{Descriptor, Direction, Role, Socket};
use crate::error::{Errno, Error, Identifier, Result};
use crate::sys::{self, Fd, Ready, Wait};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

/// The limits, in nanoseconds; 0 is none.
#[derive(Debug, Default)]
pub struct Limits {
    read: AtomicU64,
    write: AtomicU64,
    /// On the clock that never goes back.
    deadline: AtomicU64,
    /// The same, for a connection that was begun.
    connect_end: AtomicU64,
    /// The errno that ended it.
    connect_failure: AtomicI32,
}

/// The time-outs of a socket that is made: `None` is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeouts {
    /// For each wait of reading, accepting and receiving.
    pub read: Option<Duration>,
    /// For each wait of writing and sending.
    pub write: Option<Duration>,
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// When so much time has passed from now.
pub fn after(time: Duration) -> u64 {
    sys::now().saturating_add(nanoseconds(time))
}

/// What is left until then, `None` when it is over.
pub fn left_until(end: u64) -> Option<Duration> {
    let left = end.saturating_sub(sys::now());
    (left > 0).then(|| Duration::from_nanos(left))
}

impl Limits {
    fn of(&self, direction: Direction) -> &AtomicU64 {
        if direction == Direction::Input { &self.read } else { &self.write }
    }

    /// When a wait that begins now must end; `None` for never.
    pub(super) fn end(&self, direction: Direction) -> Option<u64> {
        let timeout = self.of(direction).load(Ordering::Relaxed);
        let deadline = self.deadline.load(Ordering::Relaxed);
        let ends =
            [(timeout != 0).then(|| sys::now().saturating_add(timeout)), (deadline != 0).then_some(deadline)];
        ends.into_iter().flatten().min()
    }

    pub(super) fn connect_end(&self) -> Option<u64> {
        let end = self.connect_end.load(Ordering::Relaxed);
        (end != 0).then_some(end)
    }

    pub(super) fn set_connect_end(&self, end: Option<u64>) {
        self.connect_end.store(end.unwrap_or(0), Ordering::Relaxed);
    }

    /// 0 where it did not fail.
    pub(super) fn connect_failure(&self) -> i32 {
        self.connect_failure.load(Ordering::Relaxed)
    }

    pub(super) fn set_connect_failure(&self, errno: i32) {
        self.connect_failure.store(errno, Ordering::Relaxed);
    }

    fn any(&self) -> bool {
        [&self.read, &self.write, &self.deadline].iter().any(|limit| limit.load(Ordering::Relaxed) != 0)
    }
}

/// Between looks whether another thread has ended the handshake that it is doing.
const BETWEEN_TURNS: Duration = Duration::from_millis(2);

fn ready(direction: Direction) -> Ready {
    if direction == Direction::Input { Ready::Input } else { Ready::Output }
}

/// The error of a wait that was too long.
pub fn timed_out(direction: Direction, action: String) -> Error {
    let read = direction == Direction::Input;
    Error::new(if read { Identifier::READ_TIMEOUT } else { Identifier::WRITE_TIMEOUT }, action)
}

/// Waits until the descriptor is ready; false at the end of the time. Signals are not noticed.
pub fn wait_until(
    descriptor: &Descriptor,
    ready: Ready,
    end: Option<u64>,
    action: impl Fn() -> String,
) -> Result<bool> {
    loop {
        let left = end.map(|end| left_until(end).unwrap_or(Duration::ZERO));
        match descriptor.run(|fd| sys::wait_for(fd, ready, left), &action) {
            Err(error) if error.code == libc::EINTR => {}
            Ok(false) if left != Some(Duration::ZERO) => {}
            done => return done,
        }
    }
}

impl Socket {
    /// Runs an operation of the system that may wait, as long as the limits allow.
    #[inline]
    pub(crate) fn run_waiting<T>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(Fd, Wait) -> std::result::Result<T, Errno>,
        action: impl Fn() -> String,
    ) -> Result<T> {
        if self.descriptor.is_limited() || sys::are_held() {
            return self.run_limited(direction, operation, action);
        }
        self.descriptor.run(|fd| operation(fd, Wait::Yes), action)
    }

    /// Waits until the descriptor is ready, for an operation in a direction: as long as the limits of
    /// that one and of what is waited for allow.
    pub(crate) fn wait_ready(
        &self,
        direction: Direction,
        ready: Ready,
        action: impl Fn() -> String,
    ) -> Result<()> {
        let waits_for = if ready == Ready::Output { Direction::Output } else { Direction::Input };
        let ends = [self.rare.limits.end(direction), self.rare.limits.end(waits_for)];
        match wait_until(&self.descriptor, ready, ends.into_iter().flatten().min(), &action)? {
            true => Ok(()),
            false => Err(timed_out(direction, action())),
        }
    }

    /// Waits a short time for another thread to do something, as long as the limits allow.
    pub(crate) fn wait_a_little(&self, direction: Direction, action: impl Fn() -> String) -> Result<()> {
        if self.rare.limits.end(direction).is_some_and(|end| left_until(end).is_none()) {
            return Err(timed_out(direction, action()));
        }
        let sleep = |_| {
            sys::sleep(BETWEEN_TURNS);
            Ok(())
        };
        self.descriptor.run(sleep, action)
    }

    #[cold]
    fn run_limited<T>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(Fd, Wait) -> std::result::Result<T, Errno>,
        action: impl Fn() -> String,
    ) -> Result<T> {
        let end = self.rare.limits.end(direction);
        // The kernel's own time-out spares the call that asks whether there is something; a signal
        // would make it begin again, of a deadline it knows nothing, and it would hold signals back.
        let kernel_waits = self.rare.limits.deadline.load(Ordering::Relaxed) == 0
            && !matches!(self.role, Role::Passive(_))
            && !sys::are_held();
        if kernel_waits {
            match self.descriptor.run(|fd| operation(fd, Wait::Once), &action) {
                Err(error) if error.code == libc::EINTR => {}
                Err(error) if error.code == libc::EAGAIN && end.is_some() => {
                    return Err(timed_out(direction, action()));
                }
                done => return done,
            }
        }
        loop {
            match self.descriptor.run(|fd| operation(fd, Wait::No), &action) {
                Err(error) if error.code == libc::EAGAIN => {}
                done => return done,
            }
            if !wait_until(&self.descriptor, ready(direction), end, &action)? {
                return Err(timed_out(direction, action()));
            }
        }
    }

    /// Waits until a file can be read that is to be sent, until the deadline, or until the connection
    /// breaks.
    pub(crate) fn wait_for_source(&self, file: RawFd, action: impl Fn() -> String) -> Result<()> {
        loop {
            let end = Some(self.rare.limits.deadline.load(Ordering::Relaxed)).filter(|end| *end != 0);
            let left = end.map(|end| left_until(end).unwrap_or(Duration::ZERO));
            match self.descriptor.run(|fd| sys::wait_for_source(fd, file, left), &action) {
                Err(error) if error.code == libc::EINTR => {}
                Ok(false) if left == Some(Duration::ZERO) => {
                    return Err(timed_out(Direction::Output, action()));
                }
                Ok(false) => {}
                done => return done.map(|_| ()),
            }
        }
    }

    /// Sets how long one wait in a direction may last.
    pub fn set_timeout(&self, direction: Direction, timeout: Option<Duration>) -> Result<()> {
        let half = if direction == Direction::Input { "read" } else { "write" };
        let action = || format!("setting the {half} time-out of the {self}");
        self.descriptor.run(
            |fd| match self.role {
                // It polls between its attempts from now on.
                Role::Passive(_) if timeout.is_some() => sys::set_nonblocking(fd, true),
                Role::Passive(_) => Ok(()),
                _ => sys::set_timeout(fd, ready(direction), timeout),
            },
            action,
        )?;
        self.rare.limits.of(direction).store(timeout.map_or(0, nanoseconds), Ordering::Relaxed);
        self.descriptor.set_limited(self.rare.limits.any());
        Ok(())
    }

    /// Sets the time-outs of a new socket.
    pub(super) fn set_timeouts(&self, timeouts: Timeouts) -> Result<()> {
        for (direction, timeout) in [(Direction::Input, timeouts.read), (Direction::Output, timeouts.write)] {
            if timeout.is_some() {
                self.set_timeout(direction, timeout)?;
            }
        }
        Ok(())
    }

    /// Sets when all waits must end: so long from now, or never.
    pub fn set_deadline(&self, time: Option<Duration>) -> Result<()> {
        let action = || format!("setting the deadline of the {self}");
        let passive = matches!(self.role, Role::Passive(_));
        let prepare = |fd| if passive { sys::set_nonblocking(fd, true) } else { Ok(()) };
        self.descriptor.run(prepare, action)?;
        let end = time.map_or(0, |time| if time.is_zero() { 1 } else { after(time) });
        self.rare.limits.deadline.store(end, Ordering::Relaxed);
        self.descriptor.set_limited(self.rare.limits.any());
        Ok(())
    }
}
