//! The output buffer: what was written and not yet sent. With chunking each flush is one chunk,
//! whose size line is put in front of the bytes where room is kept for it, so that it leaves in
//! one system call. A call may be left while it waits in the kernel: what has gone is taken off as
//! soon as the system call says so.

use super::buffer::{self, BUFFER, HEAD};
use super::chunks::{BODY_END, CHUNK_END, size_line};
use super::decode::copy;
use super::encode::Encoder;
use super::transport::Transport;
use crate::error::{Error, Identifier, Result};
use crate::sys::Wait;

/// Bytes that are sent from where they are rather than copied behind what is buffered.
const DIRECT: usize = 16 * 1024;

/// The output buffer: `HEAD` bytes of room, then what was written.
#[derive(Debug)]
pub struct Output {
    bytes: Vec<u8>,
    /// What has been sent ends here.
    sent: usize,
    /// What is there ends a chunk and cannot grow.
    sealed: bool,
    /// Bytes of the chunk that was begun last, which its writer still has to bring.
    owed: u64,
    chunking: bool,
    pub(super) line_start: bool,
    pub(super) encoder: Option<Encoder>,
}

impl Default for Output {
    fn default() -> Output {
        Output {
            bytes: Vec::new(),
            sent: HEAD,
            sealed: false,
            owed: 0,
            chunking: false,
            line_start: true,
            encoder: None,
        }
    }
}

impl Output {
    fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// Whether another byte can be written without sending.
    pub fn has_room(&self) -> bool {
        !self.sealed && self.owed == 0 && self.bytes.len() < HEAD + BUFFER
    }

    /// Writes bytes. `taken` says at any time how many of them need not be written again.
    #[inline]
    pub fn write(&mut self, link: &impl Transport, bytes: &[u8], taken: &mut usize) -> Result<()> {
        if self.has_room() && bytes.len() < BUFFER && self.bytes.len() + bytes.len() <= HEAD + BUFFER {
            self.append(bytes);
            *taken += bytes.len();
            return Ok(());
        }
        self.write_on(link, bytes, taken)
    }

    fn write_on(&mut self, link: &impl Transport, bytes: &[u8], taken: &mut usize) -> Result<()> {
        if self.sealed {
            self.send_buffered(link)?;
        }
        if self.owed == 0 && bytes.len() < DIRECT {
            self.flush(link)?;
            self.append(bytes);
            *taken += bytes.len();
            return Ok(());
        }
        while let Some(rest) = bytes.get(*taken..).filter(|rest| !rest.is_empty()) {
            if self.chunking && self.owed == 0 {
                self.send_buffered_if_sealed(link)?;
                self.begin_chunk(rest.len());
            }
            self.send_through(link, rest, taken)?;
        }
        self.send_buffered_if_sealed(link)
    }

    fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.bytes.capacity() == 0 {
            self.begin_buffer();
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn begin_buffer(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes = buffer::take();
        }
        self.bytes.clear();
        self.bytes.resize(HEAD, 0);
        self.sent = HEAD;
    }

    /// Announces a chunk of what is buffered and so many bytes more, which are owed from then on.
    fn begin_chunk(&mut self, more: usize) {
        if self.bytes.capacity() == 0 {
            self.begin_buffer();
        }
        self.put_size_line((self.unsent().len() + more) as u64);
        self.owed = more as u64;
    }

    fn put_size_line(&mut self, size: u64) {
        let (line, length) = size_line(size);
        let line = line.get(line.len() - length..).unwrap_or_default();
        self.sent -= length;
        if let Some(place) = self.bytes.get_mut(self.sent..) {
            copy(place, line, length);
        }
    }

    /// Sends once: what is buffered, the caller's bytes, and what ends the chunk if they fill it.
    fn send_through(&mut self, link: &impl Transport, rest: &[u8], taken: &mut usize) -> Result<()> {
        let through = if self.chunking { rest.get(..self.owed as usize).unwrap_or(rest) } else { rest };
        let ends = self.chunking && through.len() as u64 == self.owed;
        let end: &[u8] = if ends { CHUNK_END } else { &[] };
        let count = link.send([self.unsent(), through, end], Wait::Yes)?;
        let buffered = count.min(self.unsent().len());
        let direct = (count - buffered).min(through.len());
        *taken += direct;
        self.sent += buffered;
        if self.chunking {
            self.owed -= direct as u64;
        }
        if self.unsent().is_empty() {
            self.release();
            let end_sent = count - buffered - direct;
            if ends && self.owed == 0 && end_sent < end.len() {
                self.begin_buffer();
                self.bytes.extend(end.iter().skip(end_sent));
                self.sealed = true;
            }
        }
        Ok(())
    }

    fn send_buffered_if_sealed(&mut self, link: &impl Transport) -> Result<()> {
        if self.sealed { self.send_buffered(link) } else { Ok(()) }
    }

    /// Sends what is buffered as it stands.
    fn send_buffered(&mut self, link: &impl Transport) -> Result<()> {
        while !self.unsent().is_empty() {
            self.sent += link.send([self.unsent(), &[], &[]], Wait::Yes)?;
        }
        self.release();
        Ok(())
    }

    fn release(&mut self) {
        buffer::give_back(&mut self.bytes);
        self.sent = HEAD;
        self.sealed = false;
    }

    /// Makes a chunk of what is buffered.
    fn seal(&mut self) {
        if self.chunking && !self.sealed && self.owed == 0 && !self.unsent().is_empty() {
            self.put_size_line(self.unsent().len() as u64);
            self.bytes.extend_from_slice(CHUNK_END);
            self.sealed = true;
        }
    }

    /// Sends what is buffered; after a failure what has not gone stays.
    pub fn flush(&mut self, link: &impl Transport) -> Result<()> {
        self.seal();
        self.send_buffered(link)
    }

    /// Sends what goes without waiting, to make room. False where none was made.
    pub fn try_flush(&mut self, link: &impl Transport) -> Result<bool> {
        self.seal();
        while !self.unsent().is_empty() {
            match link.send([self.unsent(), &[], &[]], Wait::No) {
                Ok(count) => self.sent += count,
                Err(error) if error.identifier == Identifier::WOULD_BLOCK => break,
                Err(error) => return Err(error),
            }
        }
        if self.unsent().is_empty() {
            self.release();
        } else if !self.sealed && self.sent > HEAD {
            self.bytes.drain(HEAD..self.sent);
            self.sent = HEAD;
        }
        Ok(self.has_room())
    }

    /// Forgets what is buffered. The rest of a chunk that was begun stays: without it the peer
    /// would take what follows for the chunk's data.
    pub fn clear(&mut self) {
        if !self.sealed && self.owed == 0 {
            self.release();
        }
    }

    /// Whether each flush is a chunk.
    pub fn is_chunking(&self) -> bool {
        self.chunking
    }

    /// Switches chunking. What is buffered goes into the first chunk, or into the last.
    pub fn set_chunking(&mut self, link: &impl Transport, on: bool) -> Result<()> {
        if self.chunking && !on {
            self.check_owed(link)?;
            self.flush(link)?;
        }
        self.chunking = on;
        Ok(())
    }

    /// Sends what is buffered and the end of the body, and switches chunking off.
    pub fn end_chunks(&mut self, link: &impl Transport) -> Result<()> {
        self.check_owed(link)?;
        self.seal();
        if self.bytes.capacity() == 0 {
            self.begin_buffer();
        }
        self.bytes.extend_from_slice(BODY_END);
        self.sealed = true;
        self.chunking = false;
        self.send_buffered(link)
    }

    fn check_owed(&self, link: &impl Transport) -> Result<()> {
        match self.owed {
            0 => Ok(()),
            owed => {
                let action = format!("ending a chunk that lacks {owed} bytes on the {}", link.describe());
                Err(Error::new(Identifier::CHUNKING_ERROR, action))
            }
        }
    }
}
