//! The writing functions of an active socket, and switching its chunking.

use super::output::Output;
use super::transport::{Link, Transport as _};
use super::{BUFFER, Element, Stream};
use crate::error::{Error, Identifier, Result};
use crate::socket::Socket;

/// The keywords of socket-control: `None` is not given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chunking {
    /// Whether each flush is a chunk.
    pub output: Option<bool>,
    /// Send the end of the chunked body.
    pub output_end: bool,
    /// Whether what comes is chunked.
    pub input: Option<bool>,
}

impl Chunking {
    /// Whether anything is to be changed.
    pub fn is_given(&self) -> bool {
        self.output.is_some() || self.output_end || self.input.is_some()
    }
}

impl Stream {
    /// Flushes for a close, and ends a chunked body. A thread that is still writing is woken by
    /// the close instead.
    pub(crate) fn flush_for_close(&self, socket: &Socket) -> Result<()> {
        if self.output.made().is_none() && !self.is_secure() {
            return Ok(());
        }
        let link = Link { socket, stream: self, element: None };
        let flush = |output: &mut Output| {
            output.recover(&link);
            output.leave_shift(&link)?;
            if output.is_chunking() { output.end_chunks(&link) } else { output.flush(&link) }?;
            link.announce_end()
        };
        self.output.try_with(socket.descriptor().number(), flush).unwrap_or(Ok(()))
    }
}

impl Link<'_> {
    /// Runs a function of the writer, alone in its direction.
    #[inline]
    pub(super) fn write<T>(&self, body: impl FnOnce(&mut Output) -> Result<T>) -> Result<T> {
        self.write_in_place(|output| {
            output.forget_shown();
            body(output)
        })
    }

    /// The same for those that hand the buffer's room out and take it back.
    #[inline]
    fn write_in_place<T>(&self, body: impl FnOnce(&mut Output) -> Result<T>) -> Result<T> {
        let mode = self.stream.mode();
        let done = self.stream.output.with_window(
            self.number(),
            true,
            self.stream.key(),
            |output| {
                output.recover(self);
                body(output)
            },
            |output| output.view(mode, self.socket.format()),
            || self.allows_window(mode),
        );
        done.unwrap_or_else(|| Err(Error::new(Identifier::WOULD_BLOCK, self.writing())))
    }
}

fn write_bytes(output: &mut Output, link: &Link<'_>, bytes: &[u8], taken: &mut usize) -> Result<()> {
    if output.encoder.is_some() {
        output.leave_shift(link)?;
    }
    if let Some(last) = bytes.last() {
        output.line_start = *last == b'\n';
    }
    output.write(link, bytes, taken)
}

impl Socket {
    fn write_text(&self, doing: &str, texts: [&str; 2]) -> Result<()> {
        let link = self.link(Some(Element::Character), doing)?;
        link.write(|output| {
            let mode = link.stream.mode();
            texts.iter().try_for_each(|text| output.write_text(&link, mode, text))
        })
    }

    /// write-byte.
    pub fn write_byte(&self, byte: u8) -> Result<()> {
        let link = self.link(Some(Element::Byte), "writing a byte to")?;
        link.write(|output| write_bytes(output, &link, &[byte], &mut 0))
    }

    /// write-char.
    pub fn write_char(&self, character: char) -> Result<()> {
        let mut text = [0; 4];
        self.write_text("writing a character to", [character.encode_utf8(&mut text), ""])
    }

    /// write-string of UTF-8.
    pub fn write_string(&self, text: &[u8]) -> Result<()> {
        let doing = "writing a string to";
        if text.is_ascii() {
            let link = self.link(Some(Element::Character), doing)?;
            let mode = link.stream.mode();
            // Most text is this.
            if mode.is_plain() {
                return link.write(|output| output.write_plain(&link, mode, text));
            }
        }
        self.write_text(doing, [self.utf8(doing, text)?, ""])
    }

    /// write-line of UTF-8.
    pub fn write_line(&self, text: &[u8]) -> Result<()> {
        let doing = "writing a line to";
        self.write_text(doing, [self.utf8(doing, text)?, "\n"])
    }

    fn utf8<'a>(&self, doing: &str, text: &'a [u8]) -> Result<&'a str> {
        std::str::from_utf8(text).map_err(|error| {
            let (length, at) = (text.len(), error.valid_up_to());
            Error::argument(format!("{doing} the {self}: it has {length} bytes, which are not UTF-8 at {at}"))
        })
    }

    /// terpri.
    pub fn terpri(&self) -> Result<()> {
        self.write_text("ending a line of", ["\n", ""])
    }

    /// fresh-line: true where a newline was written.
    pub fn fresh_line(&self) -> Result<bool> {
        let link = self.link(Some(Element::Character), "ending a line of")?;
        link.write(|output| {
            let wrote = !output.line_start;
            if wrote {
                output.write_text(&link, link.stream.mode(), "\n")?;
            }
            Ok(wrote)
        })
    }

    /// write-sequence and write-vector of bytes. `taken` says how many went to the buffer or the
    /// system, also after an error.
    pub fn write_bytes(&self, bytes: &[u8], taken: &mut usize) -> Result<()> {
        let link = self.link(Some(Element::Byte), "writing bytes to")?;
        link.write(|output| write_bytes(output, &link, bytes, taken))
    }

    /// The same for pieces that have `total` bytes.
    pub fn write_pieces<'a>(
        &self,
        pieces: impl Fn(usize) -> Option<&'a [u8]>,
        total: usize,
        taken: &mut usize,
    ) -> Result<()> {
        let link = self.link(Some(Element::Byte), "writing pieces to")?;
        link.write(|output| {
            output.leave_shift(&link)?;
            let last = (0..).map_while(&pieces).filter_map(<[u8]>::last).last();
            if let Some(last) = last {
                output.line_start = *last == b'\n';
            }
            output.write_pieces(&link, &pieces, total, taken)
        })
    }

    /// Room in the output buffer for at least so many bytes. Good until the next write.
    pub fn reserve_output(&self, least: usize) -> Result<(*mut u8, usize)> {
        let doing = "reserving output of";
        let link = self.link(Some(Element::Byte), doing)?;
        if least > BUFFER {
            let action = format!("{doing} the {self}: {least} bytes are more than {BUFFER}");
            return Err(Error::argument(action));
        }
        link.write_in_place(|output| output.show_room(&link, least.max(1)))
    }

    /// Writes what was put into that room.
    pub fn commit_output(&self, count: usize) -> Result<()> {
        let doing = "committing output of";
        let link = self.link(Some(Element::Byte), doing)?;
        let taken = link.write_in_place(|output| Ok(output.take_shown(count)))?;
        let more =
            || Error::argument(format!("{doing} the {self}: {count} bytes are more than were reserved"));
        if taken { Ok(()) } else { Err(more()) }
    }

    /// force-output and finish-output: hands what is buffered to the kernel.
    pub fn force_output(&self) -> Result<()> {
        let link = self.link(None, "forcing the output of")?;
        link.write(|output| output.flush(&link))
    }

    /// clear-output.
    pub fn clear_output(&self) -> Result<()> {
        let link = self.link(None, "clearing the output of")?;
        link.write(|output| {
            output.clear();
            Ok(())
        })
    }

    /// write-no-hang-p: whether a byte could be written without waiting, be it for an error.
    pub fn write_no_hang_p(&self) -> bool {
        let Ok(link) = self.link(None, "asking for room in") else { return true };
        let room = |output: &mut Output| {
            output.recover(&link);
            output.has_room() || output.try_flush(&link).unwrap_or(true)
        };
        link.stream.output.try_with(link.number(), room).unwrap_or(false)
    }

    /// socket-control.
    pub fn control(&self, chunking: Chunking) -> Result<()> {
        let doing = "controlling the chunking of";
        let link = self.link(None, doing)?;
        let refused = |why: &str| Err(Error::argument(format!("{doing} the {}: {why}", link.describe())));
        if chunking.output == Some(false) && chunking.output_end {
            return refused("its output chunks are to be ended and switched off at once");
        }
        if chunking.output.is_some() || chunking.output_end {
            link.write(|output| {
                if chunking.output_end && !output.is_chunking() && chunking.output.is_none() {
                    return refused("there are no output chunks to end");
                }
                if let Some(on) = chunking.output {
                    output.set_chunking(&link, on)?;
                }
                if chunking.output_end {
                    output.leave_shift(&link)?;
                    output.end_chunks(&link)?;
                }
                Ok(())
            })?;
        }
        if let Some(on) = chunking.input {
            link.stream.input.with(link.number(), |reading| {
                reading.input.recover();
                reading.input.set_chunking(on);
            });
        }
        Ok(())
    }
}
