//! Reading characters and text from the input buffer: external format, end-of-line convention, and
//! what is malformed.

use super::decode::{Step, Stop};
use super::input::{Input, Last, More};
use super::mode::{Eol, Malformed, Mode};
use super::transport::Transport;
use crate::error::{Error, Identifier, Result};
use crate::socket::Direction;
use crate::sys::{self, Wait};

pub const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Room for any character in UTF-8.
pub const CHARACTER: usize = 4;

/// How reading text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a newline or the last line of the file; reading a string, with the room filled.
    Complete,
    /// The room is full and the line goes on.
    Cut,
    /// There was nothing more, or less than was asked for.
    EndOfFile,
}

/// Text that is being stored: `length` says at any time how much.
pub struct Room<'a> {
    pub bytes: &'a mut [u8],
    pub length: &'a mut usize,
}

impl Room<'_> {
    pub fn rest(&mut self) -> &mut [u8] {
        self.bytes.get_mut(*self.length..).unwrap_or_default()
    }

    /// Stores a character if it fits.
    pub fn put(&mut self, character: char) -> bool {
        let room = self.rest();
        let fits = room.len() >= character.len_utf8();
        if fits {
            *self.length += character.encode_utf8(room).len();
        }
        fits
    }
}

impl Input {
    /// Bytes that are no character were taken: the character that stands for them.
    pub(super) fn malformed(&mut self, link: &impl Transport, mode: Mode, length: usize) -> Result<char> {
        if mode.malformed == Malformed::Replace {
            self.consume_character(REPLACEMENT, length);
            self.last.replaced = true;
            if !std::mem::take(&mut self.counted) {
                link.replaced(Direction::Input);
            }
            return Ok(REPLACEMENT);
        }
        let bytes: Vec<_> = self.content().iter().take(length).map(|byte| format!("{byte:02X}")).collect();
        self.consume_character(REPLACEMENT, length);
        self.last = Last::default();
        let (bytes, name) = (bytes.join(" "), mode.charset.name());
        let action = format!("reading {bytes}, which is malformed {name}, from the {}", link.describe());
        Err(Error::new(Identifier::DECODING_ERROR, action))
    }

    /// Reads the next character; `None` at the end of the file.
    pub fn read_char(&mut self, link: &impl Transport, mode: Mode, wait: Wait) -> Result<Option<char>> {
        if let Some(pending) = self.pending.take() {
            self.last = Last { character: Some(pending), copied: true, ..Last::default() };
            return Ok(Some(pending));
        }
        let mut at_end = false;
        loop {
            let shift = self.shift_for(mode.charset);
            match mode.charset.step(self.content(), shift, at_end) {
                Step::Character('\r', length) if mode.eol != Eol::Unix => {
                    if let Some(character) = self.carriage_return(link, mode, wait, length, at_end)? {
                        return Ok(Some(character));
                    }
                    at_end = false;
                }
                Step::Character(character, length) => {
                    self.consume_character(character, length);
                    return Ok(Some(character));
                }
                Step::Pair(first, second, length) => {
                    self.consume_character(first, length);
                    self.pending = Some(second);
                    return Ok(Some(first));
                }
                Step::Shift(to, length) => {
                    self.consume(length);
                    self.shift = to;
                }
                Step::Malformed(length) => return self.malformed(link, mode, length).map(Some),
                Step::Incomplete if at_end => return Ok(None),
                Step::Incomplete => at_end = self.more(link, wait)? == More::End,
            }
        }
    }

    /// A CR that is not just that. `None` where more has come to decide by.
    fn carriage_return(
        &mut self,
        link: &impl Transport,
        mode: Mode,
        wait: Wait,
        length: usize,
        at_end: bool,
    ) -> Result<Option<char>> {
        let newline = mode.charset.newline(self.shift);
        let next = self.content().get(length..).unwrap_or_default();
        let begins = next.iter().zip(newline).all(|(is, expected)| is == expected);
        let follows = begins && next.len() >= newline.len();
        let open = begins && !follows && !at_end;
        let character = match mode.eol {
            Eol::Dos if open => {
                if self.more(link, wait)? == More::Grew {
                    return Ok(None);
                }
                '\r'
            }
            Eol::Dos if !follows => '\r',
            _ => '\n',
        };
        let takes_next = follows && mode.eol != Eol::Mac;
        self.consume_character(character, length + if takes_next { newline.len() } else { 0 });
        if mode.eol.is_any() && open {
            self.swallow = newline;
        }
        Ok(Some(character))
    }

    /// Puts the last character back.
    pub fn unread_char(&mut self, character: char) -> bool {
        let Last { character: last, length, replaced, .. } = self.last;
        if last != Some(character) {
            return false;
        }
        self.counted = replaced && length > 0;
        if length == 0 {
            self.pending = Some(character);
            self.last = Last::default();
        } else {
            self.pending = None;
            self.put_back();
        }
        true
    }

    /// Decodes the first `count` bytes of the content into the room. Answers how many of them are
    /// left, and whether the room is full.
    pub(super) fn decode(
        &mut self,
        link: &impl Transport,
        mode: Mode,
        room: &mut Room<'_>,
        mut count: usize,
        at_end: bool,
    ) -> Result<(usize, bool)> {
        loop {
            let text = self.content().get(..count).unwrap_or_default();
            let done = mode.charset.decode(text, room.rest(), at_end);
            self.consume(done.read);
            *room.length += done.written;
            count -= done.read;
            match done.stop {
                Stop::Input => return Ok((count, false)),
                Stop::Full => return Ok((count, true)),
                Stop::Malformed(length) => {
                    // What follows the text decides how many bytes are malformed.
                    let length = match mode.charset.step(self.content(), 0, at_end) {
                        Step::Malformed(fewer) => fewer.min(length),
                        _ => length,
                    };
                    if mode.malformed == Malformed::Replace && room.rest().len() < REPLACEMENT.len_utf8() {
                        return Ok((count, true));
                    }
                    room.put(self.malformed(link, mode, length)?);
                    count -= length;
                }
            }
        }
    }

    /// Reads characters, as many as fit; where not `full`, what one receive brings.
    pub fn read_string(
        &mut self,
        link: &impl Transport,
        mode: Mode,
        room: &mut Room<'_>,
        full: bool,
    ) -> Result<Ending> {
        loop {
            if self.pending.is_none() && mode.charset.has_ascii() {
                let plain = match mode.eol {
                    Eol::Unix => self.content().len(),
                    _ => sys::position(b'\r', self.content()).unwrap_or(self.content().len()),
                };
                let at_end = plain < self.content().len();
                if plain > 0 && self.decode(link, mode, room, plain, at_end)?.1 {
                    return Ok(Ending::Complete);
                }
            }
            let wait = if full || *room.length == 0 { Wait::Yes } else { Wait::No };
            if wait == Wait::No && self.content().is_empty() && self.pending.is_none() {
                return Ok(Ending::Complete);
            }
            if room.rest().is_empty() {
                return Ok(Ending::Complete);
            }
            match self.read_char(link, mode, wait) {
                Ok(None) => return Ok(Ending::EndOfFile),
                Ok(Some(character)) if room.put(character) => {}
                Ok(Some(character)) => {
                    self.unread_char(character);
                    return Ok(Ending::Complete);
                }
                Err(error) if error.identifier == Identifier::WOULD_BLOCK => return Ok(Ending::Complete),
                Err(error) => return Err(error),
            }
        }
    }
}
