//! Writing characters to the output buffer: external format, end-of-line convention, and what the
//! format does not have.

use super::charset::Charset;
use super::encode::{Encoder, first_unknown};
use super::mode::{Malformed, Mode};
use super::output::Output;
use super::transport::Transport;
use crate::error::{Error, Identifier, Result};
use crate::socket::Direction;

/// Bytes that are encoded at a time, on the stack.
const PIECE: usize = 1024;

impl Output {
    /// Writes ASCII where it is written as it is.
    #[inline]
    pub fn write_plain(&mut self, link: &impl Transport, mode: Mode, text: &[u8]) -> Result<()> {
        if self.encoder.as_ref().is_some_and(|encoder| encoder.charset() != mode.charset) {
            self.leave_shift(link)?;
        }
        self.write(link, text, &mut 0)?;
        if let Some(last) = text.last() {
            self.line_start = *last == b'\n';
        }
        Ok(())
    }

    /// Writes text.
    pub fn write_text(&mut self, link: &impl Transport, mode: Mode, text: &str) -> Result<()> {
        if mode.malformed == Malformed::Refuse
            && let Some((at, character)) = first_unknown(mode.charset, text)
        {
            let name = mode.charset.name();
            let action =
                format!("writing {character:?}, byte {at} of a text, in {name} to the {}", link.describe());
            return Err(Error::new(Identifier::ENCODING_ERROR, action));
        }
        if mode.eol.written() == "\n" {
            self.encode(link, mode, text)?;
        } else {
            let mut rest = text;
            while let Some((line, next)) = rest.split_once('\n') {
                self.encode(link, mode, line)?;
                self.encode(link, mode, mode.eol.written())?;
                rest = next;
            }
            self.encode(link, mode, rest)?;
        }
        if !text.is_empty() {
            self.line_start = text.ends_with('\n');
        }
        Ok(())
    }

    #[inline]
    fn encode(&mut self, link: &impl Transport, mode: Mode, text: &str) -> Result<()> {
        if mode.charset == Charset::UTF_8 && self.encoder.is_none() {
            return self.write(link, text.as_bytes(), &mut 0);
        }
        self.encode_pieces(link, mode, text)
    }

    fn encode_pieces(&mut self, link: &impl Transport, mode: Mode, text: &str) -> Result<()> {
        if self.encoder.as_ref().is_some_and(|encoder| encoder.charset() != mode.charset) {
            self.leave_shift(link)?;
        }
        if mode.charset == Charset::UTF_8 {
            return self.write(link, text.as_bytes(), &mut 0);
        }
        let mut rest = text;
        while !rest.is_empty() {
            let mut piece = [0; PIECE];
            let encoder = self.encoder.get_or_insert_with(|| Encoder::new(mode.charset));
            let mut done = encoder.encode(rest, &mut piece);
            if let Some(unknown) = done.unknown {
                // Where there is no room for what stands for it, it is found again in the next piece.
                match piece.get_mut(done.written..).filter(|room| room.len() >= 16) {
                    Some(room) => {
                        done.written += encoder.encode("?", room).written;
                        link.replaced(Direction::Output);
                    }
                    None => done.read -= unknown.len_utf8(),
                }
            }
            self.write(link, piece.get(..done.written).unwrap_or_default(), &mut 0)?;
            rest = rest.get(done.read..).unwrap_or_default();
        }
        Ok(())
    }

    /// Goes back to the shift state that a text begins with, before bytes, another format, or
    /// the end.
    pub fn leave_shift(&mut self, link: &impl Transport) -> Result<()> {
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        let mut piece = [0; 16];
        let length = encoder.finish(&mut piece);
        self.encoder = None;
        self.write(link, piece.get(..length).unwrap_or_default(), &mut 0)
    }
}
