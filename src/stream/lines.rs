//! Reading lines. A line stays in the buffer until it is whole, so that a call that is left or
//! fails on the way loses nothing of it; only a line that is larger than the buffer is taken
//! piecewise.

use super::buffer::BUFFER;
use super::characters::{Ending, REPLACEMENT, Room};
use super::charset::Charset;
use super::decode::{Step, copy};
use super::input::{Input, More};
use super::mode::{Eol, Mode};
use super::transport::Transport;
use crate::error::Result;
use crate::sys::{self, Wait};
use std::ops::Range;

/// A line found in the content: where its text ends and where the next line begins.
#[derive(Clone, Copy)]
struct Found {
    text: usize,
    next: usize,
    /// A LF may follow that belongs to it.
    open: bool,
}

/// Looks for the end of the line in bytes where LF and CR are only themselves.
#[inline]
fn find(content: &[u8], searched: usize, eol: Eol) -> Option<Found> {
    let unseen = content.get(searched..).unwrap_or_default();
    if matches!(eol, Eol::Unix | Eol::Dos) {
        let newline = searched + sys::position(b'\n', unseen)?;
        let after_return =
            eol == Eol::Dos && content.get(..newline).is_some_and(|text| text.ends_with(b"\r"));
        return Some(Found { text: newline - usize::from(after_return), next: newline + 1, open: false });
    }
    let newline = sys::position(b'\n', unseen);
    let before = unseen.get(..newline.unwrap_or(unseen.len())).unwrap_or_default();
    let text = searched + sys::position(b'\r', before).or(newline)?;
    let pair = eol.is_any() && content.get(text) == Some(&b'\r');
    let next = content.get(text + 1);
    let both = pair && next == Some(&b'\n');
    Some(Found { text, next: text + 1 + usize::from(both), open: pair && next.is_none() })
}

/// How much text the beginning of a line is, measured once as it comes.
#[derive(Default)]
struct Measure {
    read: usize,
    text: usize,
}

impl Measure {
    /// Whether the text of these bytes is more than there is room for.
    fn exceeds(&mut self, charset: Charset, bytes: &[u8], room: usize) -> bool {
        // No byte becomes more than three.
        if bytes.len() > room || bytes.len().saturating_mul(3) <= room {
            return bytes.len() > room;
        }
        while self.text <= room {
            let (text, length) = match charset.step(bytes.get(self.read..).unwrap_or_default(), 0, false) {
                Step::Character(only, length) => (only.len_utf8(), length),
                Step::Pair(first, second, length) => (first.len_utf8() + second.len_utf8(), length),
                Step::Malformed(length) => (REPLACEMENT.len_utf8(), length),
                Step::Shift(..) | Step::Incomplete => return false,
            };
            self.text += text;
            self.read += length;
        }
        true
    }
}

impl Input {
    /// Reads a line into the room.
    pub fn read_line(&mut self, link: &impl Transport, mode: Mode, room: &mut Room<'_>) -> Result<Ending> {
        if !mode.charset.has_ascii() {
            return self.read_line_by_characters(link, mode, room);
        }
        if let Some(pending) = self.pending.take() {
            room.put(pending);
        }
        let mut searched = 0;
        let mut measure = Measure::default();
        loop {
            let content = self.content();
            let length = content.len();
            if let Some(found) = find(content, searched, mode.eol) {
                // Most lines are ASCII and fit.
                let text = content.get(..found.text).unwrap_or_default();
                if text.len() <= room.rest().len() && mode.charset.is_within_utf8() && text.is_ascii() {
                    copy(room.rest(), text, text.len());
                    *room.length += text.len();
                    self.end_line(mode, found.next, found);
                    return Ok(Ending::Complete);
                }
                return self.take_line(link, mode, room, found);
            }
            // A CR at the end may belong to a newline.
            let plain = length - usize::from(mode.eol == Eol::Dos && content.ends_with(b"\r"));
            let text = content.get(..plain).unwrap_or_default();
            searched = length;
            if measure.exceeds(mode.charset, text, room.rest().len()) || length >= BUFFER {
                let (left, full) = self.decode(link, mode, room, plain, false)?;
                if full {
                    return Ok(Ending::Cut);
                }
                searched = left + (length - plain);
                measure = Measure::default();
            }
            match self.more(link, Wait::Yes) {
                Ok(More::Grew | More::Full) => {}
                Ok(More::End) => return self.last_line(link, mode, room),
                Err(error) => {
                    if self.failed() {
                        // What came of the line is all that there will be.
                        self.last_line(link, mode, room)?;
                    }
                    return Err(error);
                }
            }
        }
    }

    fn take_line(
        &mut self,
        link: &impl Transport,
        mode: Mode,
        room: &mut Room<'_>,
        found: Found,
    ) -> Result<Ending> {
        let (left, full) = self.decode(link, mode, room, found.text, true)?;
        if full {
            return Ok(Ending::Cut);
        }
        self.end_line(mode, left + found.next - found.text, found);
        Ok(Ending::Complete)
    }

    /// Takes so many bytes, the last of which end a line.
    #[inline]
    fn end_line(&mut self, mode: Mode, count: usize, found: Found) {
        self.consume(count);
        if found.open {
            self.swallow = mode.charset.newline(self.shift);
        }
    }

    /// What the end of the file ends is a line, unless it is nothing.
    fn last_line(&mut self, link: &impl Transport, mode: Mode, room: &mut Room<'_>) -> Result<Ending> {
        let length = self.content().len();
        if length == 0 {
            return Ok(if *room.length == 0 { Ending::EndOfFile } else { Ending::Complete });
        }
        let (left, _) = self.decode(link, mode, room, length, true)?;
        Ok(if left > 0 { Ending::Cut } else { Ending::Complete })
    }

    fn read_line_by_characters(
        &mut self,
        link: &impl Transport,
        mode: Mode,
        room: &mut Room<'_>,
    ) -> Result<Ending> {
        loop {
            match self.read_char(link, mode, Wait::Yes)? {
                None if *room.length == 0 => return Ok(Ending::EndOfFile),
                None | Some('\n') => return Ok(Ending::Complete),
                Some(character) => {
                    if !room.put(character) {
                        self.unread_char(character);
                        return Ok(Ending::Cut);
                    }
                }
            }
        }
    }

    /// Reads a line where it stands: `None`, and nothing read, where its bytes are not UTF-8 already.
    /// What came of a line that is cut short by an error goes with the error.
    pub fn find_line(
        &mut self,
        link: &impl Transport,
        mode: Mode,
    ) -> Result<Option<(Range<usize>, Result<Ending>)>> {
        if !mode.charset.is_within_utf8() || self.pending.is_some() {
            return Ok(None);
        }
        let mut searched = 0;
        loop {
            if let Some(found) = find(self.content(), searched, mode.eol) {
                let Some(text) = self.text_at(mode.charset, found.text) else { return Ok(None) };
                self.end_line(mode, found.next, found);
                return Ok(Some((text, Ok(Ending::Complete))));
            }
            searched = self.content().len();
            let more = match self.more(link, Wait::Yes) {
                Ok(More::Grew) => continue,
                Ok(more) => more,
                Err(error) if self.failed() && !self.content().is_empty() => {
                    let length = self.content().len();
                    let Some(text) = self.text_at(mode.charset, length) else { return Ok(None) };
                    self.consume(length);
                    return Ok(Some((text, Err(error))));
                }
                Err(error) => return Err(error),
            };
            let length = self.content().len();
            if more == More::End && length == 0 {
                return Ok(Some((0..0, Ok(Ending::EndOfFile))));
            }
            let (length, ending) = match more {
                More::End => (length, Ending::Complete),
                _ => (self.whole_characters(mode.eol), Ending::Cut),
            };
            let Some(text) = self.text_at(mode.charset, length) else { return Ok(None) };
            self.consume(length);
            return Ok(Some((text, Ok(ending))));
        }
    }

    /// Bytes of the content without the beginning of a character or of a newline at its end.
    fn whole_characters(&self, eol: Eol) -> usize {
        let content = self.content();
        match std::str::from_utf8(content) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => content.len() - usize::from(eol == Eol::Dos && content.ends_with(b"\r")),
        }
    }

    /// The place of the first bytes of the content if they are text in UTF-8.
    fn text_at(&self, charset: Charset, length: usize) -> Option<Range<usize>> {
        let text = self.content().get(..length)?;
        let valid = text.is_ascii() || (charset == Charset::UTF_8 && std::str::from_utf8(text).is_ok());
        valid.then(|| self.place(length))
    }
}
