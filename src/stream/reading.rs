//! The reading functions of an active socket.

use super::characters::{Ending, Room};
use super::decode::copy;
use super::input::{Last, More};
use super::transport::{Link, Transport as _};
use super::{BUFFER, Element, Eol, Reading};
use crate::error::{Error, Identifier, Result};
use crate::socket::Socket;
use crate::sys::Wait;

impl Reading {
    /// Memory that only a view in place needed.
    fn forget_line(&mut self) {
        if self.line.capacity() > 0 {
            super::buffer::give_back(&mut self.line);
        }
    }
}

impl Link<'_> {
    /// Runs a function of the reader; whether bytes stay in the buffer.
    #[inline]
    fn run_reader<T>(
        &self,
        reading: &mut Reading,
        body: impl FnOnce(&mut Reading) -> Result<T>,
    ) -> (Result<T>, bool) {
        reading.input.recover();
        let done = body(reading);
        reading.input.release_if_empty();
        (done, reading.input.holds_something() || self.holds())
    }

    fn end_of_file(&self) -> Error {
        Error::new(Identifier::END_OF_FILE, format!("reading from the {}", self.socket))
    }

    fn would_block(&self) -> Error {
        Error::new(Identifier::WOULD_BLOCK, format!("reading from the {}", self.socket))
    }

    /// Runs a function of the reader, alone in its direction; `None` where another thread is in it and
    /// this one is not patient. What stays in the buffer can then be reached directly.
    #[inline]
    fn alone<T>(&self, patient: bool, body: impl FnOnce(&mut Reading) -> (T, bool)) -> Option<T> {
        let mode = self.stream.mode();
        let characters = self.element == Some(Element::Character);
        let (done, stays) = self.stream.input.with_window(
            self.number(),
            patient,
            self.stream.key(),
            body,
            |reading| reading.input.view(mode, self.socket.format(), characters),
            || self.allows_window(mode),
        )?;
        self.tell(stays);
        Some(done)
    }

    /// The same, waiting for other readers.
    #[inline]
    fn read<T>(&self, body: impl FnOnce(&mut Reading) -> Result<T>) -> Result<T> {
        let done = self.alone(true, |reading| self.run_reader(reading, body));
        done.unwrap_or_else(|| Err(self.would_block()))
    }

    /// Wait sets are told of bytes that stay in the buffer, outside of the lock.
    #[inline]
    fn tell(&self, stays: bool) {
        if stays {
            self.socket.tell_of_content();
        }
    }

    /// The same where nothing may be waited for: another thread that reads is not waited for.
    fn read_no_hang<T>(&self, body: impl FnOnce(&mut Reading) -> Result<T>) -> Result<T> {
        let done = self.alone(false, |reading| self.run_reader(reading, body));
        done.unwrap_or_else(|| Err(self.would_block()))
    }

    fn character(&self, reading: &mut Reading, wait: Wait) -> Result<char> {
        reading.forget_line();
        let mode = self.stream.mode();
        let input = &mut reading.input;
        // Most characters are this.
        let simple = input.content().first().copied().filter(|byte| byte.is_ascii());
        if let Some(byte) = simple
            && mode.charset.has_ascii()
            && (byte != b'\r' || mode.eol == Eol::Unix)
            && input.pending.is_none()
        {
            input.consume_character(byte.into(), 1);
            return Ok(byte.into());
        }
        input.read_char(self, mode, wait)?.ok_or_else(|| self.end_of_file())
    }

    fn line_in_place(&self, reading: &mut Reading) -> Result<(*const u8, usize, Result<Ending>)> {
        let mode = self.stream.mode();
        if let Some((place, ending)) = reading.input.find_line(self, mode)? {
            let line = reading.input.at(place);
            return Ok((line.as_ptr(), line.len(), ending));
        }
        let Reading { input, line } = reading;
        if line.is_empty() {
            *line = super::buffer::take();
            line.resize(BUFFER, 0);
        }
        let mut length = 0;
        let ending = input.read_line(self, mode, &mut Room { bytes: line, length: &mut length });
        Ok((line.as_ptr(), length, ending))
    }

    fn content(&self, reading: &mut Reading, wait: Wait) -> Result<More> {
        reading.forget_line();
        if reading.input.content().is_empty() { reading.input.more(self, wait) } else { Ok(More::Grew) }
    }
}

impl Socket {
    /// read-byte.
    #[inline]
    pub fn read_byte(&self) -> Result<u8> {
        let link = self.link(Some(Element::Byte), "reading a byte from")?;
        link.read(|reading| {
            if link.content(reading, Wait::Yes)? == More::End {
                return Err(link.end_of_file());
            }
            let byte = reading.input.content().first().copied();
            reading.input.consume(1);
            byte.ok_or_else(|| link.end_of_file())
        })
    }

    /// read-char.
    #[inline]
    pub fn read_char(&self) -> Result<char> {
        let link = self.link(Some(Element::Character), "reading a character from")?;
        link.read(|reading| link.character(reading, Wait::Yes))
    }

    /// read-char-no-hang.
    pub fn read_char_no_hang(&self) -> Result<char> {
        let link = self.link(Some(Element::Character), "reading a character from")?;
        link.read_no_hang(|reading| link.character(reading, Wait::No))
    }

    /// peek-char.
    pub fn peek_char(&self) -> Result<char> {
        let link = self.link(Some(Element::Character), "peeking at a character of")?;
        link.read(|reading| {
            let character = link.character(reading, Wait::Yes)?;
            reading.input.unread_char(character);
            Ok(character)
        })
    }

    /// unread-char.
    pub fn unread_char(&self, character: char) -> Result<()> {
        let doing = "unreading a character of";
        let link = self.link(Some(Element::Character), doing)?;
        link.read(|reading| {
            let last = reading.input.unread_char(character);
            let other = || Error::argument(format!("{doing} the {self}: {character:?} was not read last"));
            if last { Ok(()) } else { Err(other()) }
        })
    }

    /// read-line into `buffer`: up to the next newline, which is taken and not stored. `length`
    /// says how much is stored, also after an error.
    pub fn read_line(&self, buffer: &mut [u8], length: &mut usize) -> Result<Ending> {
        let link = self.link(Some(Element::Character), "reading a line from")?;
        link.read(|reading| {
            reading.forget_line();
            let room = &mut Room { bytes: buffer, length };
            reading.input.read_line(&link, link.stream.mode(), room)
        })
    }

    /// read-line where it stands: the bytes are good until the next read.
    pub fn read_line_view(&self) -> Result<(*const u8, usize, Result<Ending>)> {
        let link = self.link(Some(Element::Character), "reading a line from")?;
        // The buffer stays, though it may be empty now.
        let view = link.alone(true, |reading| {
            reading.input.recover();
            let view = link.line_in_place(reading);
            (view, reading.input.holds_something() || link.holds())
        });
        view.unwrap_or_else(|| Err(link.would_block()))
    }

    /// read-sequence into a string.
    pub fn read_string(&self, buffer: &mut [u8], full: bool, length: &mut usize) -> Result<Ending> {
        let link = self.link(Some(Element::Character), "reading a string from")?;
        link.read(|reading| {
            reading.forget_line();
            let room = &mut Room { bytes: buffer, length };
            reading.input.read_string(&link, link.stream.mode(), room, full)
        })
    }

    /// read-sequence into bytes, and where not `full` read-vector: waits for the first byte and
    /// takes what is there.
    pub fn read_bytes(&self, buffer: &mut [u8], full: bool, length: &mut usize) -> Result<()> {
        let link = self.link(Some(Element::Byte), "reading bytes from")?;
        link.read(|reading| {
            reading.forget_line();
            let end = reading.input.read_bytes(&link, buffer, full, Wait::Yes, length)?;
            if end { Err(link.end_of_file()) } else { Ok(()) }
        })
    }

    /// Takes what is there without waiting.
    pub fn read_bytes_no_hang(&self, buffer: &mut [u8], length: &mut usize) -> Result<()> {
        let link = self.link(Some(Element::Byte), "reading bytes from")?;
        link.read_no_hang(|reading| {
            reading.forget_line();
            let end = reading.input.read_bytes(&link, buffer, false, Wait::No, length)?;
            if end { Err(link.end_of_file()) } else { Ok(()) }
        })
    }

    /// listen: whether there is a byte to read without waiting.
    pub fn listen(&self) -> Result<bool> {
        let link = self.link(None, "listening to")?;
        match link.read_no_hang(|reading| link.content(reading, Wait::No)) {
            Ok(more) => Ok(more != More::End),
            Err(error) if error.identifier == Identifier::WOULD_BLOCK => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// read-no-hang-p: whether reading would not wait, be it for an error.
    pub fn read_no_hang_p(&self) -> bool {
        let Ok(link) = self.link(None, "listening to") else { return true };
        let content = link.read_no_hang(|reading| link.content(reading, Wait::No));
        !content.is_err_and(|error| error.identifier == Identifier::WOULD_BLOCK)
    }

    /// clear-input.
    pub fn clear_input(&self) -> Result<()> {
        let link = self.link(None, "clearing the input of")?;
        link.read(|reading| {
            reading.forget_line();
            reading.input.clear(&link)
        })
    }

    /// The content in place, when there are at least `minimum` bytes or the end is near. Good
    /// until the next read.
    pub fn peek_input(&self, minimum: usize) -> Result<(*const u8, usize)> {
        self.peek(minimum, BUFFER, |content| (content.as_ptr(), content.len()))
    }

    /// A copy of its beginning, which stays: how many bytes.
    pub fn peek_bytes(&self, minimum: usize, room: &mut [u8]) -> Result<usize> {
        self.peek(minimum, room.len(), |content| {
            let count = content.len().min(room.len());
            copy(room, content, count);
            count
        })
    }

    /// Shows the content to `hand_out`, when there are at least `minimum` bytes, at most `most`, or the
    /// end is near.
    fn peek<T>(&self, minimum: usize, most: usize, hand_out: impl FnOnce(&[u8]) -> T) -> Result<T> {
        let doing = "peeking at the input of";
        let link = self.link(Some(Element::Byte), doing)?;
        let most = most.min(BUFFER);
        if minimum > most {
            let action = format!("{doing} the {self}: {minimum} bytes are more than {most}");
            return Err(Error::argument(action));
        }
        link.read(|reading| {
            reading.forget_line();
            let input = &mut reading.input;
            input.last = Last::default();
            while input.content().len() < minimum.max(1) {
                if input.more(&link, Wait::Yes)? != More::Grew {
                    break;
                }
            }
            let content = input.content();
            if content.is_empty() { Err(link.end_of_file()) } else { Ok(hand_out(content)) }
        })
    }

    /// Takes bytes that `peek_input` showed.
    pub fn consume_input(&self, count: usize) -> Result<()> {
        let doing = "consuming the input of";
        let link = self.link(Some(Element::Byte), doing)?;
        link.read(|reading| {
            let there = reading.input.content().len();
            if count > there {
                let action = format!("{doing} the {self}: {count} bytes where {there} are there");
                return Err(Error::argument(action));
            }
            reading.input.consume(count);
            Ok(())
        })
    }

    /// Whether the end of a chunked body was reached and input chunking not switched since.
    pub fn chunking_end_of_file(&self) -> Result<bool> {
        let stream = self.stream("asking for the end of chunks of")?;
        // A thread that reads at this moment has not reached it.
        let ended = stream.input.try_with(self.descriptor().number(), |reading| {
            reading.input.chunks().is_some_and(|chunks| chunks.is_ended())
        });
        Ok(ended.unwrap_or(false))
    }

    /// The trailer section of the last chunked body, for `hand_out`.
    pub fn chunking_trailers<T>(&self, hand_out: impl FnOnce(&[u8]) -> T) -> Result<T> {
        let stream = self.stream("asking for the trailers of")?;
        Ok(stream.input.with(self.descriptor().number(), |reading| {
            let chunks = reading.input.chunks();
            hand_out(chunks.map_or(&[], |chunks| chunks.trailers()))
        }))
    }
}
