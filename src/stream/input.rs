//! The input buffer: what was received and not yet read, freed of its chunked framing as far as it
//! is looked at. A call may be left while it waits in the kernel, so the buffer says the truth
//! before every system call, and nothing on the way there owns anything.

use super::buffer::{self, BUFFER};
use super::charset::Charset;
use super::chunks::Chunks;
use super::decode::{Shift, after_character, copy};
use super::mode::{Eol, Mode};
use super::transport::Transport;
use super::window::{Moved, View};
use crate::error::{Errno, Error, Identifier, Result};
use crate::socket::Format;
use crate::sys::{self, Wait};
use std::ops::Range;

/// A request for at least so many bytes of one chunk goes past the buffer.
const DIRECT_CHUNK: u64 = 16 * 1024;

/// Bytes that are looked at for ASCII at a time.
const ASCII_AHEAD: usize = 4096;

/// Bytes of a character that can be put back after the buffer has gone.
const KEPT: usize = 8;

/// How many bytes at the beginning are ASCII.
fn ascii_prefix(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks::<64>();
    let whole = blocks.iter().take_while(|block| block.is_ascii()).count();
    let next = blocks.get(whole).map_or(rest, |block| &block[..]);
    whole * 64 + next.iter().take_while(|byte| byte.is_ascii()).count()
}

/// What asking for more content brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// There is more of it.
    Grew,
    /// The end: of the connection or of the chunked body.
    End,
    /// The buffer is full.
    Full,
}

/// The character that was read last, to be put back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    pub character: Option<char>,
    /// Its bytes; a character without any was the second of a pair.
    pub length: usize,
    /// Whether they have been copied out of the buffer.
    pub copied: bool,
    /// Whether it stands for malformed bytes.
    pub replaced: bool,
}

/// The input buffer. `start..ready` is content; `raw..` is still framed by chunks; between them,
/// and before `start`, is what has been read.
#[derive(Debug, Default)]
pub struct Input {
    bytes: Vec<u8>,
    start: usize,
    ready: usize,
    raw: usize,
    /// From `start` to here all is ASCII, where this is behind `start`.
    ascii: usize,
    chunks: Option<Box<Chunks>>,
    /// The line feed that belongs to a newline which was read as soon as its CR was there.
    pub(super) swallow: &'static [u8],
    pub(super) last: Last,
    kept: [u8; KEPT],
    /// The second character of a pair.
    pub(super) pending: Option<char>,
    pub(super) shift: Shift,
    /// The errno that ended the connection: the system tells it once and then says end of file.
    broken: i32,
    /// The replacement that was put back has been counted.
    pub(super) counted: bool,
    shift_of: Option<Charset>,
}

impl Input {
    /// Gives up what a call had in its hands that was left in the middle of moving it, where leaving is
    /// not exact.
    #[inline]
    pub fn recover(&mut self) {
        if !(self.start <= self.ready && self.ready <= self.raw && self.raw <= self.bytes.len()) {
            self.bytes.clear();
            (self.start, self.ready, self.raw, self.ascii) = (0, 0, 0, 0);
            self.last = Last::default();
        }
    }

    /// Takes over what was read through a window.
    pub(super) fn settle(&mut self, moved: Moved) {
        if moved.next == self.start && moved.character_end == self.simple_character_end() {
            return;
        }
        self.start = moved.next;
        self.last = Last::default();
        self.counted = false;
        if moved.character_end == self.start {
            let byte = self.start.checked_sub(1).and_then(|at| self.bytes.get(at));
            self.last = Last { character: byte.map(|byte| (*byte).into()), length: 1, ..Last::default() };
        }
    }

    /// Where the last character ends, if it can be put back by going back one byte; else 0.
    fn simple_character_end(&self) -> usize {
        let Last { character, length, copied, .. } = self.last;
        let simple = character.is_some_and(|character| character.is_ascii()) && length == 1 && !copied;
        if simple { self.start } else { 0 }
    }

    /// What can be reached through a window: of bytes what is content, of characters the ASCII at its
    /// beginning, where newlines are only LF. How far that goes is found out for who reads characters.
    #[inline]
    pub(super) fn view(&mut self, mode: Mode, format: Format, characters: bool) -> Option<View> {
        if self.start >= self.ready || self.pending.is_some() || !self.swallow.is_empty() {
            return None;
        }
        let readable = format != Format::Binary
            && mode.eol == Eol::Unix
            && mode.charset.has_ascii()
            && !mode.charset.shifts();
        if readable && characters && self.ascii <= self.start {
            let ahead = self.content().get(..ASCII_AHEAD).unwrap_or(self.content());
            self.ascii = self.start + ascii_prefix(ahead);
        }
        Some(View {
            base: self.bytes.as_mut_ptr(),
            next: self.start,
            bytes_end: if format == Format::Text { self.start } else { self.ready },
            characters_end: if readable { self.ascii } else { self.start },
            character_end: self.simple_character_end(),
        })
    }

    /// What can be read now.
    #[inline]
    pub fn content(&self) -> &[u8] {
        self.bytes.get(self.start..self.ready).unwrap_or_default()
    }

    /// The place of the first bytes of the content, which they keep when they are taken.
    pub(super) fn place(&self, length: usize) -> Range<usize> {
        self.start..self.start + length
    }

    /// The bytes at a place.
    pub fn at(&self, place: Range<usize>) -> &[u8] {
        self.bytes.get(place).unwrap_or_default()
    }

    /// Takes content; what was the last character can no longer be put back.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.start += count.min(self.ready - self.start);
        self.last = Last::default();
        self.counted = false;
    }

    /// Takes the bytes of a character.
    #[inline]
    pub(super) fn consume_character(&mut self, character: char, length: usize) {
        self.start += length;
        self.shift = after_character(self.shift);
        self.last = Last { character: Some(character), length, ..Last::default() };
    }

    /// Puts the bytes of the last character back.
    pub(super) fn put_back(&mut self) {
        let Last { length, copied, .. } = std::mem::take(&mut self.last);
        self.swallow = &[];
        self.ascii = 0;
        let kept = self.kept.get(..length).unwrap_or_default();
        if copied && self.start < length {
            if self.bytes.capacity() == 0 {
                self.bytes = buffer::take();
            }
            self.bytes.splice(self.start..self.start, kept.iter().copied());
            self.ready += length;
            self.raw += length;
            return;
        }
        self.start -= length;
        if copied && let Some(place) = self.bytes.get_mut(self.start..) {
            copy(place, kept, length);
        }
    }

    /// Copies the last character before the buffer moves under it.
    fn copy_last(&mut self) {
        let Last { length, copied, .. } = self.last;
        if copied {
            return;
        }
        match self.start.checked_sub(length).and_then(|from| self.bytes.get(from..self.start)) {
            Some(bytes) if length <= KEPT => {
                copy(&mut self.kept, bytes, length);
                self.last.copied = true;
            }
            _ => self.last = Last::default(),
        }
    }

    /// The shift state for characters of that format.
    #[inline]
    pub(super) fn shift_for(&mut self, charset: Charset) -> Shift {
        if self.shift_of != Some(charset) {
            self.shift_of = Some(charset);
            self.shift = 0;
        }
        self.shift
    }

    /// Gives an empty buffer back.
    #[inline]
    pub fn release_if_empty(&mut self) {
        if self.start == self.ready && self.raw >= self.bytes.len() && self.bytes.capacity() != 0 {
            self.release();
        }
    }

    fn release(&mut self) {
        self.copy_last();
        buffer::give_back(&mut self.bytes);
        (self.start, self.ready, self.raw, self.ascii) = (0, 0, 0, 0);
    }

    /// Whether reading would not ask the system, because there is content or an end.
    pub fn has_content(&mut self, link: &impl Transport) -> bool {
        !self.content().is_empty()
            || self.pending.is_some()
            || self.failed()
            || (self.raw < self.bytes.len() && self.more_of_buffer(link))
            || self.chunks().is_some_and(|chunks| chunks.is_ended())
    }

    /// Whether there is content or an end now, for who cannot tell by asking the system.
    pub fn receives(&mut self, link: &impl Transport) -> bool {
        !self.more(link, Wait::No).is_err_and(|error| error.identifier == Identifier::WOULD_BLOCK)
    }

    /// Gives up what has not been read, all of which was received before another layer came between,
    /// with the line feed that may still come of a newline that was read.
    pub(super) fn give_up(&mut self, take: impl FnOnce(&[u8], &'static [u8])) {
        if !self.swallow.is_empty() && !self.content().is_empty() {
            self.swallowed();
        }
        let swallow = std::mem::take(&mut self.swallow);
        take(self.content(), swallow);
        (self.last, self.pending, self.shift_of) = (Last::default(), None, None);
        self.start = self.ready;
        self.release_if_empty();
    }

    fn more_of_buffer(&mut self, link: &impl Transport) -> bool {
        match self.unframe(link) {
            Ok(grew) => grew && (self.swallow.is_empty() || self.swallowed()) && !self.content().is_empty(),
            Err(_) => true,
        }
    }

    /// Whether bytes stay here that the system does not know of.
    #[inline]
    pub fn holds_something(&self) -> bool {
        self.start < self.bytes.len() || self.pending.is_some()
    }

    /// Gets more content behind what there is.
    pub fn more(&mut self, link: &impl Transport, wait: Wait) -> Result<More> {
        loop {
            let had = self.ready - self.start;
            if !self.unframe(link)? {
                match self.receive(link, wait)? {
                    More::Grew => continue,
                    end => return Ok(end),
                }
            }
            if (self.swallow.is_empty() || self.swallowed()) && self.ready - self.start > had {
                return Ok(More::Grew);
            }
        }
    }

    /// Frees what has been received of its framing up to the end of a chunk. False where nothing
    /// came of it.
    fn unframe(&mut self, link: &impl Transport) -> Result<bool> {
        let framed = self.bytes.get(self.raw..).unwrap_or_default();
        let Some(chunks) = self.chunks.as_mut().filter(|chunks| chunks.is_on()) else {
            let grew = !framed.is_empty();
            if grew && self.ready < self.raw {
                self.bytes.drain(self.ready..self.raw);
            }
            self.ready = self.bytes.len();
            self.raw = self.ready;
            return Ok(grew);
        };
        self.raw += chunks.advance(framed);
        if let Some(reason) = chunks.failure() {
            let action = format!("reading a chunked body with {reason} from the {}", link.describe());
            return Err(Error::new(Identifier::CHUNKING_ERROR, action));
        }
        let left = usize::try_from(chunks.left()).unwrap_or(usize::MAX);
        let count = left.min(self.bytes.len() - self.raw);
        if count == 0 {
            return Ok(false);
        }
        chunks.took(count);
        if self.start == self.ready {
            self.copy_last();
            (self.start, self.ready) = (self.raw, self.raw + count);
        } else {
            self.bytes.copy_within(self.raw..self.raw + count, self.ready);
            self.ready += count;
        }
        self.raw += count;
        Ok(true)
    }

    /// Receives what comes next. Nothing framed is there any more.
    fn receive(&mut self, link: &impl Transport, wait: Wait) -> Result<More> {
        if self.chunks.as_ref().is_some_and(|chunks| chunks.is_ended()) {
            self.swallow = &[];
            return Ok(More::End);
        }
        self.make_room();
        if self.bytes.len() >= BUFFER {
            return Ok(More::Full);
        }
        if self.broken != 0 {
            return Err(Errno(self.broken).during(format!("reading from the {}", link.describe())));
        }
        let most = BUFFER - self.bytes.len();
        let received = link.receive(&mut self.bytes, most, wait);
        if self.remember(received)? > 0 {
            return Ok(More::Grew);
        }
        self.swallow = &[];
        self.end_of_connection()
    }

    fn remember(&mut self, received: Result<usize>) -> Result<usize> {
        if let Err(error) = &received
            && [libc::ECONNRESET, libc::ETIMEDOUT, libc::ECONNABORTED, libc::ENETRESET].contains(&error.code)
        {
            self.broken = error.code;
        }
        received
    }

    /// Whether nothing will come any more, be it for an error.
    pub(super) fn failed(&self) -> bool {
        self.broken != 0 || self.chunks().is_some_and(|chunks| chunks.failure().is_some())
    }

    fn end_of_connection(&mut self) -> Result<More> {
        if let Some(chunks) = self.chunks.as_mut().filter(|chunks| chunks.is_on()) {
            chunks.end_of_connection();
            // Reported by looking at the framing again.
            return Ok(More::Grew);
        }
        Ok(More::End)
    }

    /// Puts the content at the beginning of a buffer.
    fn make_room(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes = buffer::take();
        }
        self.copy_last();
        self.bytes.truncate(self.ready);
        self.bytes.drain(..self.start);
        self.start = 0;
        self.ascii = 0;
        self.ready = self.bytes.len();
        self.raw = self.ready;
    }

    /// Takes the line feed that belongs to a newline read before. False while it may still come.
    fn swallowed(&mut self) -> bool {
        let content = self.bytes.get(self.start..self.ready).unwrap_or_default();
        let same = content.iter().zip(self.swallow).all(|(is, expected)| is == expected);
        if same && content.len() < self.swallow.len() {
            return false;
        }
        if same {
            self.start += self.swallow.len();
        }
        self.swallow = &[];
        true
    }

    /// Reads bytes, as many as there is room for, or where not `full` what one receive brings; where that is
    /// nothing and waiting is not allowed, `WOULD_BLOCK`. `length` says at any time how many are stored. True
    /// at the end of the file.
    pub fn read_bytes(
        &mut self,
        link: &impl Transport,
        out: &mut [u8],
        full: bool,
        wait: Wait,
        length: &mut usize,
    ) -> Result<bool> {
        loop {
            let room = out.get_mut(*length..).unwrap_or_default();
            let count = room.len().min(self.content().len());
            copy(room, self.content(), count);
            self.consume(count);
            *length += count;
            let room = out.get_mut(*length..).unwrap_or_default();
            if room.is_empty() || (!full && *length > 0) {
                return Ok(false);
            }
            let (more, direct) = self.receive_bytes(link, room, wait)?;
            *length += direct;
            if more == More::End {
                return Ok(true);
            }
        }
    }

    /// Gets more content: a large request goes straight to `room`.
    fn receive_bytes(&mut self, link: &impl Transport, room: &mut [u8], wait: Wait) -> Result<(More, usize)> {
        let left = self.chunks.as_ref().filter(|chunks| chunks.is_on()).map(|chunks| chunks.left());
        let large = match left {
            None => room.len() >= BUFFER || wait == Wait::No,
            Some(left) => left.min(room.len() as u64) >= DIRECT_CHUNK,
        };
        // What goes to the caller's memory is lost where the caller leaves, which who waits does.
        let large = large && (wait == Wait::No || !sys::leaving_is_exact());
        if !large || self.raw < self.bytes.len() || !self.swallow.is_empty() || self.broken != 0 {
            return Ok((self.more(link, wait)?, 0));
        }
        let limit = usize::try_from(left.unwrap_or(u64::MAX)).unwrap_or(usize::MAX).min(room.len());
        let room = room.get_mut(..limit).unwrap_or_default();
        if left.is_some() {
            // What follows the chunk comes in the same call.
            self.make_room();
        } else {
            self.release();
        }
        let received = link.receive_split(room, &mut self.bytes, wait);
        let count = self.remember(received)?;
        if count == 0 {
            return Ok((self.end_of_connection()?, 0));
        }
        let direct = count.min(limit);
        if let Some(chunks) = self.chunks.as_mut().filter(|chunks| chunks.is_on()) {
            chunks.took(direct);
        }
        Ok((More::Grew, direct))
    }

    /// Reads what has arrived and forgets it; what arrives meanwhile may stay.
    pub fn clear(&mut self, link: &impl Transport) -> Result<()> {
        let mut left = link.arrived()? + self.bytes.len();
        self.pending = None;
        self.swallow = &[];
        while left > 0 {
            left = left.saturating_sub(self.content().len());
            self.consume(self.content().len());
            match self.more(link, Wait::No) {
                Ok(More::Grew) => {}
                Ok(More::End | More::Full) => break,
                Err(error) if error.identifier == Identifier::WOULD_BLOCK => break,
                Err(error) => return Err(error),
            }
        }
        self.consume(self.content().len());
        Ok(())
    }

    /// Begins to read a chunked body, or goes back to plain bytes.
    pub fn set_chunking(&mut self, on: bool) {
        let newline_open = !std::mem::take(&mut self.swallow).is_empty();
        if on {
            self.chunks = Some(Box::new(Chunks::new(newline_open)));
        } else if let Some(chunks) = &mut self.chunks {
            chunks.switch_off();
        }
        self.reframe(on);
    }

    /// What is buffered belongs to the new way of reading.
    fn reframe(&mut self, on: bool) {
        self.ascii = 0;
        self.bytes.drain(self.ready..self.raw);
        self.raw = if on { self.start } else { self.bytes.len() };
        self.ready = if on { self.start } else { self.raw };
        self.last = Last::default();
    }

    /// The chunked body that is or was read.
    pub fn chunks(&self) -> Option<&Chunks> {
        self.chunks.as_deref()
    }
}
