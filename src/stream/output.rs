//! The output buffer: what was written and not yet sent. With chunking each flush is one chunk,
//! whose size line is put in front of the bytes where room is kept for it, so that it leaves in
//! one system call. A call may be left while it waits in the kernel: what has gone is taken off as
//! soon as the system call says so.

use super::buffer::{self, BUFFER, HEAD};
use super::chunks::{BODY_END, CHUNK_END, size_line};
use super::decode::copy;
use super::encode::Encoder;
use super::mode::Mode;
use super::transport::Transport;
use super::window::{Moved, View};
use crate::error::{Error, Identifier, Result};
use crate::socket::Format;
use crate::sys::{self, Note, Wait};

/// Bytes that are sent from where they are rather than copied behind what is buffered.
pub const DIRECT: usize = 16 * 1024;

/// The output buffer: `HEAD` bytes of room, then what was written.
#[derive(Debug)]
pub struct Output {
    pub(super) bytes: Vec<u8>,
    /// What has been sent ends here.
    pub(super) sent: usize,
    /// What is there ends a chunk and cannot grow.
    pub(super) sealed: bool,
    /// Bytes that the chunk lacks which is being sent: where its writer left the call by `longjmp`
    /// nobody knows how many the system took.
    pub(super) owed: u64,
    pub(super) note: Note,
    /// Bytes of the room behind what is there that a caller may have filled.
    shown: usize,
    pub(super) chunking: bool,
    /// The end of the body is at the end of what is there: with it chunking ends.
    ending: bool,
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
            note: Note::default(),
            shown: 0,
            chunking: false,
            ending: false,
            line_start: true,
            encoder: None,
        }
    }
}

impl Output {
    /// Takes over what was written through a window.
    pub(super) fn settle(&mut self, moved: Moved) {
        if moved.next <= self.bytes.len() {
            return;
        }
        self.shown = 0;
        #[allow(unsafe_code)]
        // SAFETY: the window was opened on the spare capacity, all of which up to there was written.
        unsafe {
            self.bytes.set_len(moved.next);
        }
        self.line_start = self.bytes.last() == Some(&b'\n');
    }

    /// What can be reached through a window: the rest of the room, for ASCII where it is written as it
    /// is.
    #[inline]
    pub(super) fn view(&mut self, mode: Mode, format: Format) -> Option<View> {
        let end = HEAD + BUFFER;
        if !self.has_room() || self.bytes.capacity() < end || self.encoder.is_some() {
            return None;
        }
        let next = self.bytes.len();
        let plain = mode.is_plain() && format != Format::Binary;
        Some(View {
            base: self.bytes.as_mut_ptr(),
            next,
            bytes_end: if format == Format::Text { next } else { end },
            characters_end: if plain { end } else { next },
            character_end: 0,
        })
    }

    pub(super) fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// Takes off what was sent in a call that was left. Of the caller's own bytes only it could know.
    #[inline]
    pub fn recover(&mut self, link: &impl Transport) {
        if self.note.is_open() {
            let count = link.recover_sent(&mut self.note);
            self.sent += count.min(self.unsent().len());
            if self.unsent().is_empty() {
                self.release();
            }
        }
    }

    /// Shows room for at least so many bytes, which a caller may fill; sends what is buffered where there
    /// is less.
    pub fn show_room(&mut self, link: &impl Transport, least: usize) -> Result<(*mut u8, usize)> {
        self.leave_shift(link)?;
        if !self.has_room_for(least) {
            self.flush(link)?;
        }
        if self.bytes.capacity() == 0 {
            self.begin_buffer();
        }
        self.shown = HEAD + BUFFER - self.bytes.len();
        let room = self.bytes.spare_capacity_mut();
        Ok((room.as_mut_ptr().cast(), self.shown))
    }

    /// Takes bytes of the room that was shown last and that the caller has filled; false where there
    /// are fewer.
    pub fn take_shown(&mut self, count: usize) -> bool {
        if count > std::mem::take(&mut self.shown) {
            return false;
        }
        #[allow(unsafe_code)]
        // SAFETY: the room was shown behind what is there now, and who fills it says how far.
        unsafe {
            self.bytes.set_len(self.bytes.len() + count);
        }
        if count > 0 {
            self.line_start = self.bytes.last() == Some(&b'\n');
        }
        true
    }

    /// Whatever else is done to the buffer takes the room back.
    #[inline]
    pub(super) fn forget_shown(&mut self) {
        self.shown = 0;
    }

    /// Whether another byte can be written without sending.
    pub fn has_room(&self) -> bool {
        !self.sealed && self.owed == 0 && self.bytes.len() < HEAD + BUFFER
    }

    /// Whether so many bytes can be.
    pub fn has_room_for(&self, count: usize) -> bool {
        self.has_room() && self.bytes.len().max(HEAD) + count <= HEAD + BUFFER
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
        self.check_owed(link)?;
        if self.sealed {
            self.send_buffered(link)?;
        }
        // Of bytes that go from where they are nobody knows where a call that is left was.
        if bytes.len() < DIRECT || sys::leaving_is_exact() {
            return bytes.chunks(BUFFER).try_for_each(|piece| {
                self.flush(link)?;
                self.append(piece);
                *taken += piece.len();
                Ok(())
            });
        }
        if self.chunking {
            return bytes.chunks(BUFFER).try_for_each(|piece| self.write_chunk(link, piece, taken));
        }
        while let Some(rest) = bytes.get(*taken..).filter(|rest| !rest.is_empty()) {
            let count = link.send(
                [self.bytes.get(self.sent..).unwrap_or_default(), rest, &[]],
                Wait::Yes,
                &mut self.note,
            )?;
            let buffered = count.min(self.unsent().len());
            self.sent += buffered;
            *taken += count - buffered;
            if self.unsent().is_empty() {
                self.release();
            }
        }
        link.finish(Wait::Yes)
    }

    /// Sends what is buffered and a piece of the caller's bytes as one chunk. What the system does
    /// not take of it goes to the buffer, so that the chunk is whole whatever becomes of it.
    fn write_chunk(&mut self, link: &impl Transport, piece: &[u8], taken: &mut usize) -> Result<()> {
        self.begin_chunk(piece.len());
        let mut done = 0;
        let sent = loop {
            let rest = piece.get(done..).unwrap_or_default();
            let count = match link.send(
                [self.bytes.get(self.sent..).unwrap_or_default(), rest, CHUNK_END],
                Wait::Yes,
                &mut self.note,
            ) {
                Ok(count) => count,
                failed => break failed.map(|_| ()),
            };
            let buffered = count.min(self.unsent().len());
            let direct = (count - buffered).min(rest.len());
            self.sent += buffered;
            self.owed -= direct as u64;
            done += direct;
            if done == piece.len() {
                let end = CHUNK_END.get(count - buffered - direct..).unwrap_or_default();
                self.keep_chunk_end(end);
                *taken += piece.len();
                return self.send_buffered_if_sealed(link);
            }
        };
        self.bytes.extend_from_slice(piece.get(done..).unwrap_or_default());
        self.bytes.extend_from_slice(CHUNK_END);
        (self.owed, self.sealed) = (0, true);
        *taken += piece.len();
        sent
    }

    /// All of a chunk has gone but these bytes of its end.
    pub(super) fn keep_chunk_end(&mut self, end: &[u8]) {
        self.release();
        self.owed = 0;
        if !end.is_empty() {
            self.begin_buffer();
            self.bytes.extend_from_slice(end);
            self.sealed = true;
        }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
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
    pub(super) fn begin_chunk(&mut self, more: usize) {
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

    pub(super) fn send_buffered_if_sealed(&mut self, link: &impl Transport) -> Result<()> {
        if self.sealed { self.send_buffered(link) } else { link.finish(Wait::Yes) }
    }

    /// Sends what is buffered as it stands.
    fn send_buffered(&mut self, link: &impl Transport) -> Result<()> {
        while !self.unsent().is_empty() {
            self.sent += link.send(
                [self.bytes.get(self.sent..).unwrap_or_default(), &[], &[]],
                Wait::Yes,
                &mut self.note,
            )?;
        }
        self.release();
        link.finish(Wait::Yes)
    }

    pub(super) fn release(&mut self) {
        buffer::give_back(&mut self.bytes);
        self.sent = HEAD;
        self.sealed = false;
        if std::mem::take(&mut self.ending) {
            self.chunking = false;
        }
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
        self.check_owed(link)?;
        self.seal();
        self.send_buffered(link)
    }

    /// Sends what goes without waiting, to make room. False where none was made.
    pub fn try_flush(&mut self, link: &impl Transport) -> Result<bool> {
        self.check_owed(link)?;
        self.seal();
        while !self.unsent().is_empty() {
            match link.send(
                [self.bytes.get(self.sent..).unwrap_or_default(), &[], &[]],
                Wait::No,
                &mut self.note,
            ) {
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

    /// Whether nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.unsent().is_empty() && self.owed == 0
    }

    /// Whether each flush is a chunk.
    pub fn is_chunking(&self) -> bool {
        self.chunking
    }

    /// Switches chunking. What is buffered goes into the first chunk, or into the last.
    pub fn set_chunking(&mut self, link: &impl Transport, on: bool) -> Result<()> {
        if self.chunking && !on {
            self.flush(link)?;
        }
        self.chunking = on;
        Ok(())
    }

    /// Sends what is buffered and the end of the body, and switches chunking off.
    pub fn end_chunks(&mut self, link: &impl Transport) -> Result<()> {
        self.check_owed(link)?;
        if !self.ending {
            self.seal();
            if self.bytes.capacity() == 0 {
                self.begin_buffer();
            }
            self.bytes.extend_from_slice(BODY_END);
            (self.sealed, self.ending) = (true, true);
        }
        self.send_buffered(link)
    }

    pub(super) fn check_owed(&self, link: &impl Transport) -> Result<()> {
        match self.owed {
            0 => Ok(()),
            owed => {
                let action = format!(
                    "writing behind a chunk whose writer left it with {owed} bytes to send to the {}",
                    link.describe()
                );
                Err(Error::new(Identifier::CHUNKING_ERROR, action))
            }
        }
    }
}
