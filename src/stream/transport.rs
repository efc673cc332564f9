//! What the stream moves its bytes over: a descriptor, and whatever is put on one later.

use super::Stream;
use super::counts::Count;
use crate::error::{Error, Identifier, Result};
use crate::socket::{Direction, Socket};
use crate::sys::{self, Wait};

/// A way for bytes to come and to go.
pub trait Transport {
    /// Receives at most so many bytes behind what `buffer` holds, into its spare capacity; 0 is the
    /// end of the file. Where waiting is not allowed and needed the error is `WOULD_BLOCK`.
    fn receive(&self, buffer: &mut Vec<u8>, most: usize, wait: Wait) -> Result<usize>;

    /// Receives into `first`, and what does not fit there into the spare capacity of `then`.
    fn receive_split(&self, first: &mut [u8], then: &mut Vec<u8>) -> Result<usize>;

    /// Sends the pieces in their order; fewer bytes may go.
    fn send(&self, pieces: [&[u8]; 3], wait: Wait) -> Result<usize>;

    /// Bytes that have arrived and were not received yet.
    fn arrived(&self) -> Result<usize>;

    /// What reports call it.
    fn describe(&self) -> String;

    /// A malformed sequence was read, or an unknown character written, as a replacement.
    fn replaced(&self, direction: Direction);
}

/// A socket and its stream.
pub struct Link<'a> {
    pub socket: &'a Socket,
    pub stream: &'a Stream,
}

impl Link<'_> {
    fn reading(&self) -> String {
        format!("reading from the {}", self.socket)
    }

    fn writing(&self) -> String {
        format!("writing to the {}", self.socket)
    }

    /// Counts what came; an end of file that this side's closing made is that closing.
    fn received(&self, received: Result<usize>) -> Result<usize> {
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
        let descriptor = self.socket.descriptor();
        self.received(descriptor.run(|fd| sys::receive(fd, buffer, most, wait), || self.reading()))
    }

    #[inline]
    fn receive_split(&self, first: &mut [u8], then: &mut Vec<u8>) -> Result<usize> {
        let descriptor = self.socket.descriptor();
        self.received(descriptor.run(|fd| sys::receive_split(fd, first, then), || self.reading()))
    }

    #[inline]
    fn send(&self, pieces: [&[u8]; 3], wait: Wait) -> Result<usize> {
        let descriptor = self.socket.descriptor();
        let sent = descriptor.run(|fd| sys::send(fd, pieces, wait), || self.writing());
        let count = sent.map_err(|error| {
            let shut = error.code == libc::EPIPE && descriptor.is_shut(Direction::Output);
            if shut { Error { identifier: Identifier::SHUTDOWN, ..error } } else { would_block(error) }
        })?;
        self.stream.counts.add(Count::Sent, count);
        Ok(count)
    }

    fn arrived(&self) -> Result<usize> {
        self.socket.descriptor().run(sys::arrived, || self.reading())
    }

    fn describe(&self) -> String {
        self.socket.to_string()
    }

    fn replaced(&self, direction: Direction) {
        let count = if direction == Direction::Input { Count::ReplacedInput } else { Count::ReplacedOutput };
        self.stream.counts.add(count, 1);
    }
}
