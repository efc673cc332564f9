//! The descriptor of a socket: open until it is closed, shut down by halves, and never reused
//! under a thread that is inside a call with it.

use crate::error::{Errno, Error, Identifier, Result};
use crate::hazard;
use crate::sync::atomic::{AtomicI32, AtomicU8, Ordering};
use crate::sys::{self, Closing, Fd};
use std::net::Shutdown;
use std::os::fd::RawFd;

const INPUT_SHUT: u8 = 1;
const OUTPUT_SHUT: u8 = 2;
const CLOSED: u8 = 4;
/// A connection that was begun and has not been finished.
const CONNECTING: u8 = 8;
/// There is a limit to how long operations may wait.
const LIMITED: u8 = 16;

/// A half of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What is read.
    Input,
    /// What is written.
    Output,
}

/// The descriptor.
#[derive(Debug)]
pub struct Descriptor {
    number: AtomicI32,
    state: AtomicU8,
}

impl Descriptor {
    pub(super) fn new(owned: Closing) -> Descriptor {
        Descriptor { number: AtomicI32::new(owned.release()), state: AtomicU8::new(0) }
    }

    /// Odd, so that it differs from the key of the object that the descriptor may stand first in.
    pub(super) fn key(&self) -> usize {
        std::ptr::from_ref(self).addr() | 1
    }

    fn has(&self, flag: u8) -> bool {
        self.state.load(Ordering::SeqCst) & flag != 0
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.has(CLOSED)
    }

    /// Whether the connection is still being made.
    pub fn is_connecting(&self) -> bool {
        self.has(CONNECTING)
    }

    pub(super) fn set_connecting(&self, on: bool) {
        self.set(CONNECTING, on);
    }

    /// Whether it is neither closed nor being connected.
    #[inline(always)]
    pub(super) fn is_usable(&self) -> bool {
        self.state.load(Ordering::SeqCst) & (CLOSED | CONNECTING) == 0
    }

    /// Whether there is a limit to how long operations may wait.
    #[inline]
    pub(super) fn is_limited(&self) -> bool {
        self.state.load(Ordering::Relaxed) & LIMITED != 0
    }

    pub(super) fn set_limited(&self, on: bool) {
        self.set(LIMITED, on);
    }

    fn set(&self, flag: u8, on: bool) {
        if on {
            self.state.fetch_or(flag, Ordering::SeqCst);
        } else {
            self.state.fetch_and(!flag, Ordering::SeqCst);
        }
    }

    /// The number, which another thread may be closing: for comparing only.
    pub fn number(&self) -> RawFd {
        self.number.load(Ordering::Relaxed)
    }

    /// Whether that half was shut down here.
    pub fn is_shut(&self, direction: Direction) -> bool {
        self.has(if direction == Direction::Input { INPUT_SHUT } else { OUTPUT_SHUT })
    }

    /// Runs an operation on the open descriptor. Whatever it fails with while another thread
    /// closes the socket is that closing.
    #[inline]
    pub fn run<T>(
        &self,
        operation: impl FnOnce(Fd) -> std::result::Result<T, Errno>,
        action: impl Fn() -> String,
    ) -> Result<T> {
        let _inside = hazard::enter(self.key());
        if self.is_closed() {
            return Err(Error::new(Identifier::CLOSED, action()));
        }
        operation(Fd(self.number.load(Ordering::Relaxed))).map_err(|errno| {
            if self.is_closed() { Error::new(Identifier::CLOSED, action()) } else { errno.during(action()) }
        })
    }

    /// Shuts one half down. True when that was the second one, and so closed the descriptor.
    pub(super) fn shut(&self, direction: Direction, action: impl Fn() -> String) -> Result<()> {
        let (flag, how) = match direction {
            Direction::Input => (INPUT_SHUT, Shutdown::Read),
            Direction::Output => (OUTPUT_SHUT, Shutdown::Write),
        };
        match self.run(|fd| sys::shutdown(fd, how), &action) {
            // The peer may have gone first: the half is as shut as it can be.
            Err(error) if error.code == libc::ENOTCONN => {}
            done => done?,
        }
        self.state.fetch_or(flag, Ordering::SeqCst);
        Ok(())
    }

    /// Closes it; false where it was closed already. Threads that wait in it are woken. The
    /// number is given back when the last of them has left; until then a dead socket stands there.
    pub(super) fn close(&self) -> bool {
        if self.state.fetch_or(CLOSED, Ordering::SeqCst) & CLOSED != 0 {
            return false;
        }
        let number: RawFd = self.number.load(Ordering::Relaxed);
        if hazard::is_entered(self.key()) {
            // Neither can fail in a way that leaves more to do: the shutdown wakes who waits, and
            // without a dead socket the old one stays, shut down, until they have left.
            let _ = sys::shutdown(Fd(number), Shutdown::Both);
            let _ = sys::replace_by_dead(Fd(number));
        }
        // The flag was set by this call alone, so the number is given up exactly once.
        hazard::retire(self.key(), Box::new(Closing::new(number)));
        true
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        self.close();
    }
}
