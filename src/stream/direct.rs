//! What is read and written directly through the window of a thread: `None` where it has none or
//! where it does not reach, and the functions of a socket do it. Nothing is also left to them, since it
//! may be an error.

use super::decode::copy;
use super::window::{self, Cursor, Side, within};
use crate::sys;

/// To be called where nothing was reached.
#[inline]
pub fn not_reached() {
    window::forget_left_calls();
}

/// A byte.
#[inline(always)]
pub fn read_byte(key: usize) -> Option<u8> {
    within(Side::Input, key, |cursor| {
        let byte = cursor.content(false).first().copied()?;
        cursor.advance(1);
        Some(byte)
    })
}

/// A character.
#[inline(always)]
pub fn read_char(key: usize) -> Option<u8> {
    within(Side::Input, key, |cursor| {
        let character = cursor.content(true).first().copied()?;
        cursor.advance(1);
        cursor.remember_character(true);
        Some(character)
    })
}

/// The next character, which stays.
#[inline(always)]
pub fn peek_char(key: usize) -> Option<u8> {
    within(Side::Input, key, |cursor| {
        let character = cursor.content(true).first().copied()?;
        cursor.remember_character(false);
        Some(character)
    })
}

/// Puts the last character back.
#[inline(always)]
pub fn unread_char(key: usize, character: u32) -> Option<()> {
    let character = u8::try_from(character).ok()?;
    within(Side::Input, key, |cursor| cursor.put_back(character).then_some(()))
}

/// The next line with its newline.
#[inline(always)]
fn line(cursor: &Cursor) -> Option<&[u8]> {
    let content = cursor.content(true);
    let end = sys::position(b'\n', content)?;
    content.get(..=end)
}

/// A line, its length stored, without its newline but with a NUL instead.
#[inline(always)]
pub fn read_line(key: usize, room: &mut [u8]) -> Option<usize> {
    within(Side::Input, key, |cursor| {
        let line = line(cursor)?;
        if line.len() > room.len() {
            return None;
        }
        copy(room, line, line.len());
        let (newline, _) = room.get_mut(..line.len())?.split_last_mut()?;
        *newline = 0;
        cursor.advance(line.len());
        Some(line.len() - 1)
    })
}

/// A line where it stands.
#[inline(always)]
pub fn read_line_view(key: usize) -> Option<(*const u8, usize)> {
    within(Side::Input, key, |cursor| {
        let line = line(cursor)?;
        cursor.advance(line.len());
        Some((line.as_ptr(), line.len() - 1))
    })
}

/// As many bytes as there is room for, which is at least one.
#[inline(always)]
pub fn read_bytes(key: usize, room: &mut [u8]) -> Option<()> {
    within(Side::Input, key, |cursor| {
        let bytes = cursor.content(false).get(..room.len())?;
        room.copy_from_slice(bytes);
        cursor.advance(bytes.len());
        Some(())
    })
}

/// Takes so many bytes.
#[inline(always)]
pub fn consume(key: usize, count: usize) -> Option<()> {
    within(Side::Input, key, |cursor| {
        (1..=cursor.content(false).len()).contains(&count).then(|| {
            cursor.advance(count);
            cursor.remember_character(false);
        })
    })
}

/// Writes bytes.
#[inline(always)]
pub fn write_bytes(key: usize, bytes: &[u8]) -> Option<()> {
    within(Side::Output, key, |cursor| {
        (1..=cursor.room(false)).contains(&bytes.len()).then(|| cursor.put(bytes))
    })
}

/// Whether there is only ASCII, found by words: short texts are what is written most.
#[inline(always)]
fn is_ascii(text: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (words, rest) = text.as_chunks::<8>();
    let all = words.iter().fold(0, |all, word| all | u64::from_ne_bytes(*word));
    let last = text.last_chunk::<8>().map_or_else(
        || rest.iter().fold(0, |all, byte| all | u64::from(*byte)),
        |last| u64::from_ne_bytes(*last),
    );
    (all | last) & HIGH == 0
}

/// Writes ASCII, and `end` behind it.
#[inline(always)]
pub fn write_text(key: usize, text: &[u8], end: &[u8]) -> Option<()> {
    if !is_ascii(text) {
        return None;
    }
    within(Side::Output, key, |cursor| {
        (1..=cursor.room(true)).contains(&(text.len() + end.len())).then(|| {
            cursor.put(text);
            if !end.is_empty() {
                cursor.put(end);
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::is_ascii;

    #[test]
    fn ascii_is_what_has_no_high_bit() {
        for length in 0..70 {
            let mut text = vec![0x7f; length];
            assert!(is_ascii(&text));
            for at in 0..length {
                text[at] = 0x80;
                assert!(!is_ascii(&text), "byte {at} of {length}");
                text[at] = b'x';
            }
        }
    }
}
