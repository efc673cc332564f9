//! The stream that an active socket is: a buffer for each direction, bytes, characters and lines.
//! Buffers are taken at the first byte and given back when they are empty.

mod lock;

use crate::error::{Error, Identifier, Result};
use crate::socket::{Descriptor, Direction as Half, Format, Socket};
use crate::sys;
use lock::Direction;

/// Bytes of a buffer; measured as the knee of throughput, and a read or write of at least as many
/// bypasses it.
const BUFFER: usize = 64 * 1024;

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// The state of the stream.
#[derive(Debug, Default)]
pub struct Stream {
    input: Direction<Input>,
    output: Direction<Output>,
}

/// Bytes that were received and not yet read: those from `start` to `end`. A call may be left while
/// it waits in the kernel, so the buffer always says the truth before the system call.
#[derive(Debug, Default)]
struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// Bytes that were written and not yet sent: those from `sent`.
#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    sent: usize,
}

/// What became of reading a line.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Bytes stored, without the newline.
    pub length: usize,
    /// Whether the whole line is stored; otherwise reading again continues it.
    pub complete: bool,
}

impl Input {
    fn available(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes bytes that were available; an empty buffer is given back.
    fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start >= self.end {
            *self = Input::default();
        }
    }

    /// Adds what the next receive brings to the few bytes that may be there: 0 is the end of the
    /// stream.
    fn fill(&mut self, socket: &Socket) -> Result<usize> {
        if self.bytes.is_empty() {
            self.bytes = vec![0; BUFFER];
        }
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let received = receive(socket, self.bytes.get_mut(self.end..).unwrap_or_default());
        self.end += received.as_ref().copied().unwrap_or(0);
        if self.end == 0 {
            *self = Input::default();
        }
        received
    }
}

fn receive(socket: &Socket, room: &mut [u8]) -> Result<usize> {
    let action = || format!("reading from the {socket}");
    let descriptor: &Descriptor = socket.descriptor();
    let count = descriptor.run(|fd| sys::receive(fd, room), action)?;
    if count == 0 && descriptor.is_closed() {
        return Err(Error::new(Identifier::CLOSED, action()));
    }
    Ok(count)
}

fn end_of_file(socket: &Socket) -> Error {
    Error::new(Identifier::END_OF_FILE, format!("reading from the {socket}"))
}

fn send_all(socket: &Socket, bytes: &[u8], sent: &mut usize) -> Result<()> {
    let action = || format!("writing to the {socket}");
    let descriptor = socket.descriptor();
    while let Some(rest) = bytes.get(*sent..).filter(|rest| !rest.is_empty()) {
        *sent += descriptor.run(|fd| sys::send(fd, rest), action).map_err(|error| {
            let shut = error.code == libc::EPIPE && descriptor.is_shut(Half::Output);
            if shut { Error { identifier: Identifier::SHUTDOWN, ..error } } else { error }
        })?;
    }
    Ok(())
}

impl Output {
    /// Sends what is buffered; after a failure what has not gone stays.
    fn flush(&mut self, socket: &Socket) -> Result<()> {
        send_all(socket, &self.bytes, &mut self.sent)?;
        *self = Output::default();
        Ok(())
    }
}

impl Stream {
    /// A stream without buffers.
    pub fn new() -> Stream {
        Stream::default()
    }

    /// Flushes for a close. A thread that is still writing is woken by the close instead.
    pub(crate) fn flush_for_close(&self, socket: &Socket) -> Result<()> {
        self.output.try_with(|output| output.flush(socket)).unwrap_or(Ok(()))
    }
}

impl Socket {
    fn checked_stream(&self, characters: bool, doing: &str) -> Result<&Stream> {
        let stream = self.stream(doing)?;
        let refused = if characters { Format::Binary } else { Format::Text };
        let format = || Error::new(Identifier::WRONG_FORMAT, format!("{doing} the {self}"));
        if self.descriptor().is_closed() {
            return Err(Error::new(Identifier::CLOSED, format!("{doing} the {self}")));
        }
        if self.format() == refused { Err(format()) } else { Ok(stream) }
    }

    /// read-byte.
    pub fn read_byte(&self) -> Result<u8> {
        self.checked_stream(false, "reading a byte from")?.input.with(|input| {
            if input.available().is_empty() && input.fill(self)? == 0 {
                return Err(end_of_file(self));
            }
            let byte = input.available().first().copied().ok_or_else(|| end_of_file(self))?;
            input.consume(1);
            Ok(byte)
        })
    }

    /// read-char: the next character in UTF-8; malformed bytes read as U+FFFD.
    pub fn read_char(&self) -> Result<char> {
        self.checked_stream(true, "reading a character from")?.input.with(|input| {
            loop {
                let bytes = input.available().get(..4).unwrap_or(input.available());
                let (character, length) = match std::str::from_utf8(bytes) {
                    Ok(text) => (text.chars().next(), text.chars().next().map_or(0, char::len_utf8)),
                    Err(error) if error.valid_up_to() > 0 => {
                        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                        let first = String::from_utf8_lossy(valid).chars().next();
                        (first, first.map_or(0, char::len_utf8))
                    }
                    Err(error) => (error.error_len().map(|_| REPLACEMENT), error.error_len().unwrap_or(0)),
                };
                if let Some(character) = character {
                    input.consume(length);
                    return Ok(character);
                }
                if input.fill(self)? == 0 {
                    // A character cut off by the end of the stream is malformed too.
                    let cut_off = input.available().len();
                    input.consume(cut_off);
                    return if cut_off == 0 { Err(end_of_file(self)) } else { Ok(REPLACEMENT) };
                }
            }
        })
    }

    /// read-line into `buffer`: up to the next newline, which is taken and not stored.
    pub fn read_line(&self, buffer: &mut [u8]) -> Result<Line> {
        self.checked_stream(true, "reading a line from")?.input.with(|input| {
            let mut length = 0;
            loop {
                let room = buffer.get_mut(length..).unwrap_or_default();
                let available = input.available();
                // One more than there is room for: the newline may follow right behind.
                let window = available.get(..room.len() + 1).unwrap_or(available);
                let newline = memchr::memchr(b'\n', window);
                let count = newline.unwrap_or(window.len()).min(room.len());
                if let (Some(to), Some(from)) = (room.get_mut(..count), window.get(..count)) {
                    to.copy_from_slice(from);
                }
                length += count;
                let full = newline.is_none() && window.len() > count;
                input.consume(count + usize::from(newline.is_some()));
                if newline.is_some() || full {
                    return Ok(Line { length, complete: newline.is_some() });
                }
                if input.fill(self)? == 0 {
                    let ended = length == 0;
                    return if ended { Err(end_of_file(self)) } else { Ok(Line { length, complete: true }) };
                }
            }
        })
    }

    /// read-vector: waits for the first byte and takes what is there.
    pub fn read_vector(&self, buffer: &mut [u8]) -> Result<usize> {
        self.checked_stream(false, "reading bytes from")?.input.with(|input| {
            if input.available().is_empty() {
                if buffer.len() >= BUFFER {
                    let count = receive(self, buffer)?;
                    return if count == 0 { Err(end_of_file(self)) } else { Ok(count) };
                }
                if input.fill(self)? == 0 {
                    return Err(end_of_file(self));
                }
            }
            let count = buffer.len().min(input.available().len());
            if let (Some(to), Some(from)) = (buffer.get_mut(..count), input.available().get(..count)) {
                to.copy_from_slice(from);
            }
            input.consume(count);
            Ok(count)
        })
    }

    /// write-string: the text is UTF-8.
    pub fn write_string(&self, text: &[u8]) -> Result<()> {
        self.write(text, true, "writing a string to")
    }

    /// write-vector: bytes, as they are.
    pub fn write_vector(&self, bytes: &[u8]) -> Result<()> {
        self.write(bytes, false, "writing bytes to")
    }

    fn write(&self, bytes: &[u8], characters: bool, doing: &str) -> Result<()> {
        self.checked_stream(characters, doing)?.output.with(|output| {
            if output.bytes.len() + bytes.len() > BUFFER {
                output.flush(self)?;
            }
            if bytes.len() >= BUFFER {
                return send_all(self, bytes, &mut 0);
            }
            if output.bytes.capacity() == 0 && !bytes.is_empty() {
                output.bytes.reserve_exact(BUFFER);
            }
            output.bytes.extend_from_slice(bytes);
            Ok(())
        })
    }

    /// force-output: hands what is buffered to the kernel.
    pub fn force_output(&self) -> Result<()> {
        let doing = "forcing the output of";
        let stream = self.stream(doing)?;
        if self.descriptor().is_closed() {
            return Err(Error::new(Identifier::CLOSED, format!("{doing} the {self}")));
        }
        stream.output.with(|output| output.flush(self))
    }
}
