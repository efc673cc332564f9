//! The chunked coding of HTTP/1.1, RFC 9112 section 7.1: reading its framing strictly, and the
//! words that frame what is written. A framing that two readers could understand differently is an
//! error, because that is what request smuggling is made of.

/// Bytes between the size of a chunk and the end of its line.
const MAX_EXTENSION: usize = 4096;
/// Bytes of the trailer section.
const MAX_TRAILERS: usize = 16384;
/// Digits of a chunk's size, leading zeros included.
const MAX_DIGITS: usize = 16;

/// What follows the data of a chunk.
pub const CHUNK_END: &[u8; 2] = b"\r\n";
/// What ends a chunked body that has no trailers.
pub const BODY_END: &[u8; 5] = b"0\r\n\r\n";

/// Bytes of a size that are looked at together.
const PLAIN: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Reading plain bytes: chunking is switched off.
    Off,
    OpenNewline,
    Size,
    /// Whitespace after the size, which only an extension may follow.
    BeforeExtension,
    Extension,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    LastLineFeed,
    Ended,
    Failed(&'static str),
}

/// Where the reader of a chunked body is.
#[derive(Debug)]
pub struct Chunks {
    state: State,
    /// The size being read, then the bytes of the chunk that are still to come.
    left: u64,
    /// Digits of the size, then bytes of the extensions.
    line: usize,
    trailers: Vec<u8>,
}

impl Chunks {
    /// At the beginning of a body. A LF may stand before it that belongs to the line above.
    pub fn new(newline_open: bool) -> Chunks {
        let state = if newline_open { State::OpenNewline } else { State::Size };
        Chunks { state, left: 0, line: 0, trailers: Vec::new() }
    }

    /// Goes back to plain bytes; the trailers stay.
    pub fn switch_off(&mut self) {
        self.state = State::Off;
    }

    /// Whether bytes are chunked here.
    pub fn is_on(&self) -> bool {
        self.state != State::Off
    }

    /// Bytes of the present chunk that are still to come.
    pub fn left(&self) -> u64 {
        if self.state == State::Data { self.left } else { 0 }
    }

    /// Whether the whole body has been read.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Why the framing was refused.
    pub fn failure(&self) -> Option<&'static str> {
        if let State::Failed(reason) = self.state { Some(reason) } else { None }
    }

    /// The connection has ended: within a body that is a failure.
    pub fn end_of_connection(&mut self) {
        self.state = State::Failed("the connection ended before the chunked body did");
    }

    /// The trailer section, its lines with their ends.
    pub fn trailers(&self) -> &[u8] {
        &self.trailers
    }

    /// Data of the present chunk was taken.
    pub fn took(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count as u64);
        if self.left == 0 {
            self.state = State::DataReturn;
        }
    }

    /// Reads framing up to the next data, the end of the body or a failure; answers how many bytes
    /// it took.
    #[inline]
    pub fn advance(&mut self, bytes: &[u8]) -> usize {
        match self.plain_size_line(bytes) {
            Some((size, taken)) => {
                (self.state, self.left) = (State::Data, size);
                taken
            }
            None => self.advance_by_steps(bytes),
        }
    }

    /// Most chunks begin with a few digits and nothing else, and end as they shall: the size of such a one,
    /// and the length of the line, with the end of the chunk before.
    #[inline]
    fn plain_size_line(&self, bytes: &[u8]) -> Option<(u64, usize)> {
        let line = match self.state {
            State::DataReturn => bytes.strip_prefix(CHUNK_END)?,
            State::Size if self.line == 0 => bytes,
            _ => return None,
        };
        let mut size = 0;
        for (length, byte) in line.first_chunk::<PLAIN>()?.iter().enumerate() {
            let Some(digit) = char::from(*byte).to_digit(16) else {
                let ended = *byte == b'\r' && line.get(length + 1) == Some(&b'\n') && size > 0;
                let taken = bytes.len() - line.len() + length + CHUNK_END.len();
                return ended.then_some((size, taken));
            };
            size = size << 4 | u64::from(digit);
        }
        None
    }

    #[cold]
    fn advance_by_steps(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for byte in bytes {
            if matches!(self.state, State::Off | State::Data | State::Ended | State::Failed(_)) {
                break;
            }
            self.state = self.step(*byte);
            taken += 1;
        }
        taken
    }

    #[inline]
    fn step(&mut self, byte: u8) -> State {
        match (self.state, byte) {
            (State::OpenNewline, b'\n') => State::Size,
            (State::OpenNewline, _) => {
                self.state = State::Size;
                self.step(byte)
            }
            (State::Size, b'0'..=b'9') => self.digit(byte - b'0'),
            (State::Size, b'a'..=b'f') => self.digit(byte - b'a' + 10),
            (State::Size, b'A'..=b'F') => self.digit(byte - b'A' + 10),
            (State::Size, b'\r' | b';' | b' ' | b'\t') if self.line == 0 => {
                State::Failed("a chunk without a size")
            }
            (State::Size | State::Extension, b'\r') => State::SizeLineFeed,
            (State::Size, b';' | b' ' | b'\t') => {
                self.line = 1;
                if byte == b';' { State::Extension } else { State::BeforeExtension }
            }
            (State::BeforeExtension, b' ' | b'\t') => self.extension(State::BeforeExtension),
            (State::BeforeExtension, b';') => self.extension(State::Extension),
            (State::Size | State::BeforeExtension, _) => State::Failed("a chunk size with a bad digit"),
            (State::Extension, b'\t' | b' '..=b'~' | 0x80..) => self.extension(State::Extension),
            (State::Extension, _) => State::Failed("a control character in a chunk extension"),
            (State::SizeLineFeed, b'\n') => {
                self.line = 0;
                if self.left == 0 { State::TrailerStart } else { State::Data }
            }
            (State::DataReturn, b'\r') => State::DataLineFeed,
            (State::DataLineFeed, b'\n') => State::Size,
            (State::DataReturn | State::DataLineFeed, _) => {
                State::Failed("no CR LF behind the data of a chunk")
            }
            (State::TrailerStart, b'\r') => State::LastLineFeed,
            (State::LastLineFeed, b'\n') => State::Ended,
            (State::TrailerStart | State::TrailerName, _) if is_token(byte) => {
                self.trailer(byte, State::TrailerName)
            }
            (State::TrailerName, b':') => self.trailer(byte, State::TrailerValue),
            (State::TrailerStart | State::TrailerName, _) => State::Failed("a malformed trailer line"),
            (State::TrailerValue, b'\r') => self.trailer(byte, State::TrailerLineFeed),
            (State::TrailerValue, b'\t' | b' '..=b'~' | 0x80..) => self.trailer(byte, State::TrailerValue),
            (State::TrailerValue, _) => State::Failed("a control character in a trailer line"),
            (State::TrailerLineFeed, b'\n') => self.trailer(byte, State::TrailerStart),
            (State::SizeLineFeed | State::TrailerLineFeed | State::LastLineFeed, _) => {
                State::Failed("a CR without a LF")
            }
            (state @ (State::Off | State::Data | State::Ended | State::Failed(_)), _) => state,
        }
    }

    fn digit(&mut self, digit: u8) -> State {
        self.line += 1;
        self.left = (self.left << 4) | u64::from(digit);
        let too_large = self.line > MAX_DIGITS || self.left > i64::MAX as u64;
        if too_large { State::Failed("a chunk size that is too large") } else { State::Size }
    }

    fn extension(&mut self, next: State) -> State {
        self.line += 1;
        if self.line > MAX_EXTENSION { State::Failed("a chunk extension that is too long") } else { next }
    }

    fn trailer(&mut self, byte: u8, next: State) -> State {
        self.trailers.push(byte);
        if self.trailers.len() > MAX_TRAILERS {
            State::Failed("a trailer section that is too long")
        } else {
            next
        }
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The line in front of a chunk of that size, at the end of the array, and its length.
pub fn size_line(size: u64) -> ([u8; 18], usize) {
    let mut line = [0; 18];
    let mut rest = size;
    let mut length = 0;
    for (place, end) in line.iter_mut().rev().zip(CHUNK_END.iter().rev()) {
        *place = *end;
        length += 1;
    }
    for place in line.iter_mut().rev().skip(length) {
        *place = b"0123456789abcdef".get((rest & 15) as usize).copied().unwrap_or_default();
        length += 1;
        rest >>= 4;
        if rest == 0 {
            break;
        }
    }
    (line, length)
}
