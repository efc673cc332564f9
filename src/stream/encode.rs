//! From characters to bytes.

use super::charset::{Charset, Kind};
use super::decode::copy;
use encoding_rs as rs;

/// How far encoding came.
#[derive(Clone, Copy, Debug)]
pub struct Encoded {
    pub read: usize,
    pub written: usize,
    /// The next character does not exist in the format; it has been read.
    pub unknown: Option<char>,
}

/// Writes the characters of one format; keeps the shift state of ISO-2022-JP.
#[derive(Debug)]
pub struct Encoder {
    charset: Charset,
    legacy: Option<Box<rs::Encoder>>,
}

impl Encoder {
    /// At the beginning of a text.
    pub fn new(charset: Charset) -> Encoder {
        let legacy = match charset.kind() {
            Kind::Legacy(encoding) => Some(Box::new(encoding.new_encoder())),
            _ => None,
        };
        Encoder { charset, legacy }
    }

    /// The format.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// Encodes as much as fits into `out`, which has at least 16 bytes.
    pub fn encode(&mut self, text: &str, out: &mut [u8]) -> Encoded {
        if let Some(encoder) = &mut self.legacy {
            let (result, read, written) = encoder.encode_from_utf8_without_replacement(text, out, false);
            let unknown =
                if let rs::EncoderResult::Unmappable(character) = result { Some(character) } else { None };
            return Encoded { read, written, unknown };
        }
        let mut done = Encoded { read: 0, written: 0, unknown: None };
        for character in text.chars() {
            let mut bytes = [0; 4];
            let Some(length) = self.bytes_of(character, &mut bytes) else {
                done.read += character.len_utf8();
                done.unknown = Some(character);
                break;
            };
            let Some(room) = out.get_mut(done.written..).filter(|room| room.len() >= length) else { break };
            copy(room, &bytes, length);
            done.read += character.len_utf8();
            done.written += length;
        }
        done
    }

    fn bytes_of(&self, character: char, bytes: &mut [u8; 4]) -> Option<usize> {
        let number = u32::from(character);
        let limit = match self.charset.kind() {
            Kind::Latin1 => 0x100,
            Kind::Ascii => 0x80,
            Kind::Utf8 | Kind::Legacy(_) => return Some(character.encode_utf8(bytes).len()),
            Kind::Utf16Be => return Some(units_of(character, bytes, u16::to_be_bytes)),
            Kind::Utf16 | Kind::Utf16Le => return Some(units_of(character, bytes, u16::to_le_bytes)),
        };
        if let (true, Some(first)) = (number < limit, bytes.first_mut()) {
            *first = number as u8;
            return Some(1);
        }
        None
    }

    /// Goes back to what a text begins with.
    pub fn finish(&mut self, out: &mut [u8]) -> usize {
        let Some(mut encoder) = self.legacy.take() else { return 0 };
        let (_, _, written) = encoder.encode_from_utf8_without_replacement("", out, true);
        written
    }
}

fn units_of(character: char, bytes: &mut [u8; 4], unit: fn(u16) -> [u8; 2]) -> usize {
    let mut units = [0; 2];
    let units = character.encode_utf16(&mut units);
    for (to, from) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(units.iter()) {
        *to = unit(*from);
    }
    units.len() * 2
}

/// The first character of a text that the format does not have, and its place.
pub fn first_unknown(charset: Charset, text: &str) -> Option<(usize, char)> {
    let mut encoder = Encoder::new(charset);
    let mut out = [0; 1024];
    let mut at = 0;
    while at < text.len() {
        let done = encoder.encode(text.get(at..).unwrap_or_default(), &mut out);
        at += done.read;
        if let Some(character) = done.unknown {
            return Some((at - character.len_utf8(), character));
        }
        if done.read == 0 {
            break;
        }
    }
    None
}
