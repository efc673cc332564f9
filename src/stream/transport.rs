//! What the stream moves its bytes over: a descriptor, and whatever is put on one later.

use super::counts::Count;
use super::mode::Mode;
use super::{Element, Stream};
use crate::error::{Errno, Error, Identifier, Result};
use crate::socket::{Direction, Socket};
use crate::ssl::RECORD;
use crate::sys::{self, Fd, Note, Wait};
use std::io::IoSlice;
use std::os::fd::RawFd;

/// Bytes that are sent without leaving a note at first.
const SMALL: usize = 4096;

/// A way for bytes to come and to go.
pub trait Transport {
    /// Receives at most so many bytes behind what `buffer` holds, into its spare capacity; 0 is the
    /// end of the file. Where waiting is not allowed and needed the error is `WOULD_BLOCK`.
    fn receive(&self, buffer: &mut Vec<u8>, most: usize, wait: Wait) -> Result<usize>;

    /// Receives into `first`, and what does not fit there into the spare capacity of `then`.
    fn receive_split(&self, first: &mut [u8], then: &mut Vec<u8>, wait: Wait) -> Result<usize>;

    /// Sends the pieces in their order; fewer bytes may go. A note tells of what went in a call that
    /// was left.
    fn send(&self, pieces: [&[u8]; 3], wait: Wait, note: &mut Note) -> Result<usize>;

    /// Sends from many places, of which none is empty, in their order; fewer bytes may go.
    fn send_gathered(&self, pieces: &[IoSlice<'_>], wait: Wait, note: &mut Note) -> Result<usize> {
        self.send(first_three(pieces), wait, note)
    }

    /// Sends from a file, from an offset or from where it stands, at most so many bytes: how many
    /// went, 0 at its end. `None` where they must come through the buffer.
    fn send_file(&self, _file: RawFd, _offset: Option<u64>, _most: u64) -> Result<Option<usize>> {
        Ok(None)
    }

    /// What went in a call that was left.
    fn recover_sent(&self, note: &mut Note) -> usize;

    /// Waits until what was sent has gone to the system.
    fn finish(&self, _wait: Wait) -> Result<()> {
        Ok(())
    }

    /// Whether receiving may find something that the system does not know of.
    fn holds(&self) -> bool {
        false
    }

    /// Bytes that have arrived and were not received yet.
    fn arrived(&self) -> Result<usize>;

    /// What reports call it.
    fn describe(&self) -> String;

    /// A malformed sequence was read, or an unknown character written, as a replacement.
    fn replaced(&self, direction: Direction);
}

fn first_three<'a>(pieces: &'a [IoSlice<'_>]) -> [&'a [u8]; 3] {
    [0, 1, 2].map(|index| pieces.get(index).map_or(&[][..], |piece| piece))
}

/// A socket and its stream.
pub struct Link<'a> {
    pub socket: &'a Socket,
    pub stream: &'a Stream,
    /// What is moved, if either.
    pub element: Option<Element>,
}

impl Link<'_> {
    /// The descriptor's number, for the locks.
    #[inline]
    pub fn number(&self) -> RawFd {
        self.socket.descriptor().number()
    }

    /// Whether a window may be open that was made for this mode.
    #[inline]
    pub fn allows_window(&self, mode: Mode) -> bool {
        self.socket.open_stream().is_some() && !self.socket.is_watched() && self.stream.mode() == mode
    }

    pub(super) fn reading(&self) -> String {
        format!("reading from the {}", self.socket)
    }

    pub(super) fn writing(&self) -> String {
        format!("writing to the {}", self.socket)
    }

    #[inline]
    pub(super) fn run(
        &self,
        direction: Direction,
        wait: Wait,
        mut operation: impl FnMut(Fd, Wait) -> std::result::Result<usize, Errno>,
        action: impl Fn() -> String,
    ) -> Result<usize> {
        if wait == Wait::No {
            return self.socket.descriptor().run(|fd| operation(fd, wait), action);
        }
        self.socket.run_waiting(direction, operation, action)
    }

    /// Counts what went; a pipe that this side's shutdown broke is that shutdown.
    #[inline]
    fn sent(&self, sent: Result<usize>) -> Result<usize> {
        let count = sent.map_err(|error| {
            let shut = error.code == libc::EPIPE && self.socket.descriptor().is_shut(Direction::Output);
            if shut { Error { identifier: Identifier::SHUTDOWN, ..error } } else { would_block(error) }
        })?;
        self.stream.counts.add(Count::Sent, count);
        Ok(count)
    }

    /// Counts what came; an end of file that this side's closing made is that closing.
    pub(super) fn received(&self, received: Result<usize>) -> Result<usize> {
        let count = received.map_err(would_block)?;
        if count == 0 && self.socket.descriptor().is_closed() {
            return Err(Error::new(Identifier::CLOSED, self.reading()));
        }
        self.stream.counts.add(Count::Received, count);
        Ok(count)
    }
}

fn would_block(error: Error) -> Error {
    if error.code == libc::EAGAIN {
        Error { identifier: Identifier::WOULD_BLOCK, code: 0, ..error }
    } else {
        error
    }
}

impl Transport for Link<'_> {
    #[inline]
    fn receive(&self, buffer: &mut Vec<u8>, most: usize, wait: Wait) -> Result<usize> {
        self.stream.input.beat();
        if let Some(secure) = self.stream.secure() {
            return self.receive_secure(secure, buffer, most, wait);
        }
        let receive = |fd, wait| sys::receive(fd, buffer, most, wait);
        self.received(self.run(Direction::Input, wait, receive, || self.reading()))
    }

    #[inline]
    fn receive_split(&self, first: &mut [u8], then: &mut Vec<u8>, wait: Wait) -> Result<usize> {
        self.stream.input.beat();
        if let Some(secure) = self.stream.secure() {
            return self.receive_secure_into(secure, first, wait);
        }
        let receive = |fd, wait| sys::receive_split(fd, first, then, wait);
        self.received(self.run(Direction::Input, wait, receive, || self.reading()))
    }

    #[inline]
    fn send(&self, pieces: [&[u8]; 3], wait: Wait, note: &mut Note) -> Result<usize> {
        self.stream.output.beat();
        if let Some(secure) = self.stream.secure() {
            return self.send_secure(secure, pieces, wait);
        }
        // What is small mostly goes at once, and only who waits can be left in the middle of it.
        let plain = pieces.iter().map(|piece| piece.len()).sum::<usize>() < SMALL || sys::are_held();
        let send = |fd, wait| {
            if plain {
                let sent = sys::send(fd, pieces, Wait::No);
                if sent != Err(Errno(libc::EAGAIN)) || wait == Wait::No {
                    return sent;
                }
            }
            sys::send_noted(fd, pieces, wait, note)
        };
        self.sent(self.run(Direction::Output, wait, send, || self.writing()))
    }

    fn send_gathered(&self, pieces: &[IoSlice<'_>], wait: Wait, note: &mut Note) -> Result<usize> {
        if let Some(secure) = self.stream.secure() {
            return self.send_secure(secure, first_three(pieces), wait);
        }
        self.stream.output.beat();
        let send = |fd, wait| sys::send_gathered_noted(fd, pieces, wait, note);
        self.sent(self.run(Direction::Output, wait, send, || self.writing()))
    }

    fn send_file(&self, file: RawFd, offset: Option<u64>, most: u64) -> Result<Option<usize>> {
        if sys::leaving_is_exact() || self.stream.secure().is_some() {
            return Ok(None);
        }
        self.stream.output.beat();
        // The system cannot be told not to wait.
        let send = |fd, wait| match wait {
            Wait::No => Ok(None),
            _ => sys::send_file(fd, file, offset, most, wait),
        };
        match self.socket.run_waiting(Direction::Output, send, || self.writing()) {
            Ok(None) => Ok(None),
            Ok(Some(count)) => self.sent(Ok(count)).map(Some),
            Err(error) => self.sent(Err(error)).map(Some),
        }
    }

    fn recover_sent(&self, note: &mut Note) -> usize {
        let count = note.take();
        self.stream.counts.add(Count::Sent, count);
        count
    }

    #[inline]
    fn finish(&self, wait: Wait) -> Result<()> {
        self.stream.secure().map_or(Ok(()), |secure| self.finish_secure(secure, wait))
    }

    #[inline]
    fn holds(&self) -> bool {
        self.stream.secure().is_some_and(|secure| secure.ssl.holds())
    }

    fn arrived(&self) -> Result<usize> {
        let arrived = self.socket.descriptor().run(sys::arrived, || self.reading())?;
        // Of what OpenSSL holds a record at the most is not read yet.
        Ok(if self.holds() { arrived + RECORD } else { arrived })
    }

    fn describe(&self) -> String {
        self.socket.to_string()
    }

    fn replaced(&self, direction: Direction) {
        let count = if direction == Direction::Input { Count::ReplacedInput } else { Count::ReplacedOutput };
        self.stream.counts.add(count, 1);
    }
}
