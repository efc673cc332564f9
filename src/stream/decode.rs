//! From bytes to characters: one at a time, so that bytes and characters can be read by turns, and
//! in bulk. What is malformed is told by the rules of the WHATWG.

use super::charset::{Charset, Kind};
use encoding_rs as rs;
use encoding_rs::{DecoderResult, Encoding};

/// Room that encoding_rs needs to make progress in any format.
const ROOM: usize = 16;

/// What the decoder remembers between two characters: for UTF-16 the byte order once it is known,
/// for ISO-2022-JP the character set that was shifted to. 0 at the beginning.
pub type Shift = u8;

const LITTLE: Shift = 1;
pub(super) const BIG: Shift = 2;

/// The escape sequences of ISO-2022-JP, the first one of those that mean the same; a shift is an
/// index.
const ESCAPES: [(&[u8; 3], Shift); 5] =
    [(b"\x1b(B", 0), (b"\x1b(J", 1), (b"\x1b(I", 2), (b"\x1b$B", 3), (b"\x1b$@", 3)];
const AFTER_ESCAPE: Shift = 0x80;

/// The shift when a character has been read.
#[inline]
pub fn after_character(shift: Shift) -> Shift {
    shift & !AFTER_ESCAPE
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A character and its bytes.
    Character(char, usize),
    /// Two characters that share their bytes.
    Pair(char, char, usize),
    /// Bytes that are no character but change what follows.
    Shift(Shift, usize),
    /// Bytes that are none.
    Malformed(usize),
    /// More bytes are needed to tell.
    Incomplete,
}

/// Why decoding in bulk stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All bytes are taken, but for the beginning of a character.
    Input,
    /// The next character does not fit.
    Full,
    /// So many malformed bytes follow.
    Malformed(usize),
}

/// How far decoding in bulk came.
#[derive(Clone, Copy, Debug)]
pub struct Bulk {
    pub read: usize,
    pub written: usize,
    pub stop: Stop,
}

impl Charset {
    /// Reads the next character. `at_end` says that no more bytes will come.
    pub fn step(self, bytes: &[u8], shift: Shift, at_end: bool) -> Step {
        let step = match self.kind() {
            Kind::Utf8 => utf8(bytes),
            Kind::Latin1 => bytes.first().map_or(Step::Incomplete, |byte| Step::Character((*byte).into(), 1)),
            Kind::Ascii => match bytes.first() {
                None => Step::Incomplete,
                Some(byte) if byte.is_ascii() => Step::Character((*byte).into(), 1),
                Some(_) => Step::Malformed(1),
            },
            Kind::Utf16 => utf16_with_mark(bytes, shift),
            Kind::Utf16Le => utf16(bytes, u16::from_le_bytes),
            Kind::Utf16Be => utf16(bytes, u16::from_be_bytes),
            Kind::Legacy(_) if self.shifts() => iso_2022_jp(bytes, shift, at_end),
            Kind::Legacy(encoding) => legacy(encoding, &[], bytes, at_end),
        };
        match step {
            Step::Incomplete if at_end && !bytes.is_empty() => Step::Malformed(bytes.len()),
            step => step,
        }
    }

    /// Decodes as many characters as there are and fit, in UTF-8. For formats that have ASCII.
    pub fn decode(self, bytes: &[u8], out: &mut [u8], at_end: bool) -> Bulk {
        match self.kind() {
            Kind::Utf8 => decode_utf8(bytes, out, at_end),
            Kind::Latin1 => {
                let (read, written) = rs::mem::convert_latin1_to_utf8_partial(bytes, out);
                Bulk { read, written, stop: if read < bytes.len() { Stop::Full } else { Stop::Input } }
            }
            Kind::Ascii => {
                let read = Encoding::ascii_valid_up_to(bytes.get(..out.len()).unwrap_or(bytes));
                copy(out, bytes, read);
                let stop = match bytes.get(read) {
                    None => Stop::Input,
                    Some(byte) if byte.is_ascii() || read == out.len() => Stop::Full,
                    Some(_) => Stop::Malformed(1),
                };
                Bulk { read, written: read, stop }
            }
            Kind::Legacy(encoding) if out.len() >= ROOM => {
                let done = decode_legacy(encoding, bytes, out, at_end);
                // It stops before the last bytes that could be filled.
                if done.stop == Stop::Full { self.decode_more(done, bytes, out, at_end) } else { done }
            }
            _ => self.decode_one(bytes, out, at_end),
        }
    }

    /// One character where there is little room.
    fn decode_one(self, bytes: &[u8], out: &mut [u8], at_end: bool) -> Bulk {
        let mut written = 0;
        let mut put = |character: char| {
            let fits = out.get_mut(written..).filter(|room| room.len() >= character.len_utf8());
            written += fits.map_or(0, |room| character.encode_utf8(room).len());
        };
        let (wanted, length) = match self.step(bytes, 0, at_end) {
            Step::Incomplete | Step::Shift(..) => return Bulk { read: 0, written, stop: Stop::Input },
            Step::Malformed(length) => return Bulk { read: 0, written, stop: Stop::Malformed(length) },
            Step::Character(only, length) => {
                put(only);
                (only.len_utf8(), length)
            }
            Step::Pair(first, second, length) => {
                put(first);
                put(second);
                (first.len_utf8() + second.len_utf8(), length)
            }
        };
        if written < wanted {
            return Bulk { read: 0, written: 0, stop: Stop::Full };
        }
        self.decode_more(Bulk { read: length, written, stop: Stop::Full }, bytes, out, at_end)
    }

    fn decode_more(self, done: Bulk, bytes: &[u8], out: &mut [u8], at_end: bool) -> Bulk {
        let rest = bytes.get(done.read..).unwrap_or_default();
        let more = self.decode(rest, out.get_mut(done.written..).unwrap_or_default(), at_end);
        Bulk { read: done.read + more.read, written: done.written + more.written, stop: more.stop }
    }
}

/// Copies the first `count` bytes, which both have.
pub fn copy(to: &mut [u8], from: &[u8], count: usize) {
    if let (Some(to), Some(from)) = (to.get_mut(..count), from.get(..count)) {
        to.copy_from_slice(from);
    }
}

#[inline]
fn utf8(bytes: &[u8]) -> Step {
    let Some(first) = bytes.first() else { return Step::Incomplete };
    let length = match first {
        0..0x80 => return Step::Character((*first).into(), 1),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Step::Malformed(1),
    };
    let whole = bytes.get(..length).unwrap_or(bytes);
    match std::str::from_utf8(whole) {
        Ok(text) => {
            text.chars().next().map_or(Step::Incomplete, |character| Step::Character(character, length))
        }
        Err(error) => error.error_len().map_or(Step::Incomplete, Step::Malformed),
    }
}

fn decode_utf8(bytes: &[u8], out: &mut [u8], at_end: bool) -> Bulk {
    let window = bytes.get(..out.len()).unwrap_or(bytes);
    let cut = window.len() < bytes.len();
    let (read, stop) = match std::str::from_utf8(window) {
        Ok(_) => (window.len(), if cut { Stop::Full } else { Stop::Input }),
        Err(error) => {
            let valid = error.valid_up_to();
            let stop = match (error.error_len(), bytes.get(valid..).map(utf8)) {
                (Some(length), _) | (None, Some(Step::Malformed(length))) => Stop::Malformed(length),
                (None, Some(Step::Character(..))) => Stop::Full,
                (None, _) if at_end => Stop::Malformed(bytes.len() - valid),
                (None, _) => Stop::Input,
            };
            (valid, stop)
        }
    };
    // A character that has not come whole may be malformed: the room is looked at when it has.
    copy(out, bytes, read);
    Bulk { read, written: read, stop }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Step {
    let mut units = bytes.as_chunks::<2>().0.iter().copied().map(unit);
    match (units.next(), units.next()) {
        (Some(high @ 0xD800..0xDC00), Some(low @ 0xDC00..0xE000)) => {
            let number = 0x10000 + ((u32::from(high) - 0xD800) << 10) + (u32::from(low) - 0xDC00);
            char::from_u32(number).map_or(Step::Malformed(4), |character| Step::Character(character, 4))
        }
        (None, _) | (Some(0xD800..0xDC00), None) => Step::Incomplete,
        (Some(one), _) => {
            char::from_u32(one.into()).map_or(Step::Malformed(2), |character| Step::Character(character, 2))
        }
    }
}

fn utf16_with_mark(bytes: &[u8], shift: Shift) -> Step {
    match (shift, bytes) {
        (BIG, _) => utf16(bytes, u16::from_be_bytes),
        (LITTLE, _) => utf16(bytes, u16::from_le_bytes),
        (_, [0xFE, 0xFF, ..]) => Step::Shift(BIG, 2),
        (_, [0xFF, 0xFE, ..]) => Step::Shift(LITTLE, 2),
        (_, [_, _, ..]) => Step::Shift(LITTLE, 0),
        _ => Step::Incomplete,
    }
}

fn iso_2022_jp(bytes: &[u8], shift: Shift, at_end: bool) -> Step {
    if bytes.first() == Some(&0x1B) {
        let begins = |(escape, _): &&(&[u8; 3], Shift)| bytes.iter().zip(escape.iter()).all(|(a, b)| a == b);
        return match ESCAPES.iter().find(begins) {
            Some(_) if bytes.len() < 3 => Step::Incomplete,
            // Two of them with no character between are the WHATWG's sign of an attack: it puts an
            // error before the second.
            Some((_, to)) if shift & AFTER_ESCAPE == 0 => Step::Shift(to | AFTER_ESCAPE, 3),
            Some(_) => Step::Malformed(0),
            None => Step::Malformed(1),
        };
    }
    let escape = ESCAPES.get(usize::from(shift & !AFTER_ESCAPE)).map_or(&[][..], |(escape, _)| &escape[..]);
    legacy(rs::ISO_2022_JP, escape, bytes, at_end)
}

/// The next character of a format of encoding_rs: a decoder that knows nothing yet is given one
/// byte more each time, because only so is it known which bytes the character takes.
fn legacy(encoding: &'static Encoding, escape: &[u8], bytes: &[u8], at_end: bool) -> Step {
    for count in 1..=bytes.len().min(4) {
        let mut window = [0; 7];
        let given = escape.len() + count;
        for (to, from) in window.iter_mut().zip(escape.iter().chain(bytes).take(given)) {
            *to = *from;
        }
        let mut text = [0; 16];
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let last = at_end && count == bytes.len();
        let given = window.get(..given).unwrap_or_default();
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(given, &mut text, last);
        let text = text.get(..written).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        let mut characters = text.chars();
        match (characters.next(), characters.next(), result) {
            (Some(first), Some(second), _) => return Step::Pair(first, second, count),
            (Some(only), None, _) => return Step::Character(only, count),
            (None, _, DecoderResult::Malformed(_, after)) => {
                let length = read.saturating_sub(escape.len() + usize::from(after));
                return Step::Malformed(length.max(1));
            }
            (None, ..) => {}
        }
    }
    // No format has characters of more than four bytes.
    if bytes.len() < 4 { Step::Incomplete } else { Step::Malformed(1) }
}

fn decode_legacy(encoding: &'static Encoding, bytes: &[u8], out: &mut [u8], at_end: bool) -> Bulk {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    // Told that this is the end, the decoder says how much of it is the beginning of a character.
    let (result, read, written) = decoder.decode_to_utf8_without_replacement(bytes, out, true);
    match result {
        DecoderResult::InputEmpty => Bulk { read, written, stop: Stop::Input },
        DecoderResult::OutputFull => Bulk { read, written, stop: Stop::Full },
        DecoderResult::Malformed(length, after) => {
            let length = usize::from(length);
            let read = read.saturating_sub(length + usize::from(after));
            let rest = bytes.get(read..).unwrap_or_default();
            let unfinished = !at_end && legacy(encoding, &[], rest, false) == Step::Incomplete;
            Bulk { read, written, stop: if unfinished { Stop::Input } else { Stop::Malformed(length) } }
        }
    }
}
