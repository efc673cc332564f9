//! Writing what lies in many places, and files: what is buffered and the pieces leave together, from
//! where they are.

use super::buffer::BUFFER;
use super::chunks::CHUNK_END;
use super::output::{DIRECT, Output};
use super::transport::Transport;
use crate::error::Result;
use crate::sys::{self, Wait};
use std::io::IoSlice;
use std::os::fd::RawFd;

/// Places of memory that one system call sends from.
const PLACES: usize = 64;

/// Pieces that are longer together become several chunks: what the system does not take of a chunk is
/// kept, so that it is whole whatever becomes of it.
const CHUNK: usize = 16 * BUFFER;

/// Pieces of memory to be written one behind the other.
pub trait Pieces<'a> {
    /// One of them, `None` behind the last.
    fn piece(&self, index: usize) -> Option<&'a [u8]>;
}

impl<'a, F: Fn(usize) -> Option<&'a [u8]>> Pieces<'a> for F {
    fn piece(&self, index: usize) -> Option<&'a [u8]> {
        self(index)
    }
}

/// A place in the pieces: all before it has been written.
#[derive(Clone, Copy, Default)]
struct Place {
    index: usize,
    offset: usize,
}

impl Place {
    /// What lies from here to the end of the piece; `None` behind the last.
    fn rest<'a>(self, pieces: &impl Pieces<'a>) -> Option<&'a [u8]> {
        Some(pieces.piece(self.index)?.get(self.offset..).unwrap_or_default())
    }

    /// Goes on by so many bytes.
    fn advance<'a>(&mut self, pieces: &impl Pieces<'a>, mut count: usize) {
        while let Some(rest) = self.rest(pieces) {
            if count < rest.len() {
                self.offset += count;
                return;
            }
            count -= rest.len();
            *self = Place { index: self.index + 1, offset: 0 };
        }
    }

    /// The next bytes, at most so many, in at most so many places; how many those are.
    fn gather<'a: 'b, 'b>(
        self,
        pieces: &impl Pieces<'a>,
        most: usize,
        places: &mut [IoSlice<'b>],
    ) -> (usize, usize) {
        let (mut at, mut used, mut bytes) = (self, 0, 0);
        while let (Some(rest), Some(place)) = (at.rest(pieces), places.get_mut(used)) {
            let taken = rest.get(..rest.len().min(most - bytes)).unwrap_or_default();
            if !taken.is_empty() {
                *place = IoSlice::new(taken);
                used += 1;
                bytes += taken.len();
            } else if bytes == most {
                break;
            }
            at = Place { index: at.index + 1, offset: 0 };
        }
        (used, bytes)
    }
}

impl Output {
    /// Writes pieces that have `total` bytes. `taken` says at any time how many of them need not be
    /// written again.
    pub fn write_pieces<'a>(
        &mut self,
        link: &impl Transport,
        pieces: &impl Pieces<'a>,
        total: usize,
        taken: &mut usize,
    ) -> Result<()> {
        // Of bytes that go from where they are nobody knows where a call that is left was.
        if total < DIRECT || sys::leaving_is_exact() {
            if total < DIRECT && !self.has_room_for(total) {
                self.flush(link)?;
            }
            let all = (0..).map_while(|index| pieces.piece(index));
            return all.into_iter().try_for_each(|piece| self.write(link, piece, taken));
        }
        self.check_owed(link)?;
        self.send_buffered_if_sealed(link)?;
        let mut place = Place::default();
        while *taken < total {
            match self.chunking {
                true => self.send_chunk(link, pieces, &mut place, (total - *taken).min(CHUNK), taken)?,
                false => {
                    let sent = self.send_with(link, pieces, place, total - *taken, &[])?;
                    place.advance(pieces, sent);
                    *taken += sent;
                }
            }
        }
        link.finish(Wait::Yes)
    }

    /// Sends what is buffered, the next bytes, at most so many, and an end behind the last of those:
    /// how many of the bytes and of the end went.
    fn send_with<'a>(
        &mut self,
        link: &impl Transport,
        pieces: &impl Pieces<'a>,
        place: Place,
        most: usize,
        end: &[u8],
    ) -> Result<usize> {
        let mut places = [IoSlice::new(&[]); PLACES];
        let mut used = 0;
        let buffered = self.bytes.get(self.sent..).unwrap_or_default();
        if let Some(first) = places.first_mut()
            && !buffered.is_empty()
        {
            *first = IoSlice::new(buffered);
            used = 1;
        }
        let room = places.get_mut(used..PLACES - 1).unwrap_or_default();
        let (more, bytes) = place.gather(pieces, most, room);
        used += more;
        if let Some(last) = places.get_mut(used)
            && bytes == most
            && !end.is_empty()
        {
            *last = IoSlice::new(end);
            used += 1;
        }
        let count = link.send_gathered(places.get(..used).unwrap_or_default(), Wait::Yes, &mut self.note)?;
        let own = count.min(self.unsent().len());
        self.sent += own;
        if self.unsent().is_empty() && !self.chunking {
            self.release();
        }
        Ok(count - own)
    }

    /// Sends what is buffered and the next `size` bytes as one chunk.
    fn send_chunk<'a>(
        &mut self,
        link: &impl Transport,
        pieces: &impl Pieces<'a>,
        place: &mut Place,
        size: usize,
        taken: &mut usize,
    ) -> Result<()> {
        self.begin_chunk(size);
        let mut left = size;
        let sent = loop {
            match self.send_with(link, pieces, *place, left, CHUNK_END) {
                Err(error) => break Err(error),
                Ok(count) => {
                    place.advance(pieces, count.min(left));
                    self.owed -= count.min(left) as u64;
                    if count >= left {
                        let rest = CHUNK_END.get(count - left..).unwrap_or_default();
                        self.keep_chunk_end(rest);
                        *taken += size;
                        return self.send_buffered_if_sealed(link);
                    }
                    left -= count;
                }
            }
        };
        while left > 0
            && let Some(rest) = place.rest(pieces)
        {
            let rest = rest.get(..rest.len().min(left)).unwrap_or_default();
            self.bytes.extend_from_slice(rest);
            place.advance(pieces, rest.len());
            left -= rest.len();
        }
        self.bytes.extend_from_slice(CHUNK_END);
        (self.owed, self.sealed) = (0, true);
        *taken += size;
        sent
    }

    /// Sends from a file behind what is buffered, at most so many bytes: how many went, 0 at its end.
    /// `None` where that must go through the buffer.
    pub fn send_file(
        &mut self,
        link: &impl Transport,
        file: RawFd,
        offset: Option<u64>,
        most: u64,
    ) -> Result<Option<usize>> {
        if self.chunking {
            // A file that becomes shorter would leave a chunk without its end.
            return Ok(None);
        }
        self.flush(link)?;
        self.line_start = false;
        link.send_file(file, offset, most)
    }

    /// Writes a part of a file that was read, and sends it. Where the file does not have it any more,
    /// since reading took it away, what cannot be sent is kept.
    pub fn write_through(
        &mut self,
        link: &impl Transport,
        bytes: &[u8],
        keep: bool,
        taken: &mut usize,
    ) -> Result<()> {
        let written = self.write(link, bytes, taken).and_then(|()| self.flush(link));
        if written.is_err() && keep && *taken < bytes.len() && self.owed == 0 && !self.sealed {
            self.append(bytes.get(*taken..).unwrap_or_default());
            *taken = bytes.len();
        }
        written
    }
}
