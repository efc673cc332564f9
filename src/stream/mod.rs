//! The stream that an active socket is: a buffer for each direction; bytes, characters and lines;
//! chunked bodies. How a byte comes in:
//!
//! - `transport` moves bytes between a descriptor and the buffers;
//! - `input` has what came, freed by `chunks` of its framing;
//! - `decode` makes characters of it in the external format of `charset`;
//! - `characters` and `lines` read them by the conventions of `mode`;
//! - `reading` has the functions of a socket.
//!
//! And how one goes out: `writing`, `text`, `encode`, `output`, `transport`.
//!
//! What is in a buffer already, or fits into it, goes a short way: `direct` through a `window`.

mod buffer;
mod characters;
mod charset;
mod chunks;
mod counts;
mod decode;
pub mod direct;
mod encode;
mod file;
mod gather;
mod holder;
mod input;
mod lines;
mod lock;
#[cfg(loom)]
mod lock_model;
mod mode;
mod output;
mod reading;
mod secure;
mod text;
mod transport;
mod window;
mod writing;

#[cfg(test)]
mod tests;

pub use buffer::BUFFER;
pub(crate) use holder::{BETWEEN_LOOKS, Holder, Seen, Watch as HolderWatch};

pub use characters::{CHARACTER, Ending};
pub use charset::Charset;
pub use counts::Count;
pub(crate) use lock::Direction as Turn;
pub use mode::{Eol, Malformed, Mode};
pub use writing::Chunking;

use crate::error::{Error, Identifier, Result};
use crate::late::Late;
use crate::socket::{Format, Socket};
use crate::sys;
use counts::Counts;
use input::Input;
use lock::{Direction, Windowed};
use mode::SharedMode;
use once_cell::race::OnceBox;
use output::Output;
use secure::Secure;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use transport::Link;
use window::{Moved, Side};

/// The state of the stream.
#[derive(Debug, Default)]
pub struct Stream {
    input: Late<Direction<Reading>>,
    output: Late<Direction<Output>>,
    mode: SharedMode,
    counts: Late<Counts>,
    /// What its windows are opened by, 0 for none.
    key: AtomicUsize,
    beyond: OnceBox<Beyond>,
}

/// What few streams have.
#[derive(Debug, Default)]
struct Beyond {
    /// The name that the peer was looked up by.
    host: Option<Box<str>>,
    secure: OnceBox<Secure>,
}

/// What a reader needs.
#[derive(Debug, Default)]
struct Reading {
    input: Input,
    /// The last line that was read in place and is not in the input buffer as it stands.
    line: Vec<u8>,
}

impl Windowed for Reading {
    const SIDE: Side = Side::Input;

    fn settle(&mut self, moved: Moved) {
        self.input.settle(moved);
    }
}

/// No window is ever opened on datagrams.
impl Windowed for sys::Inflow {
    const SIDE: Side = Side::Input;

    fn settle(&mut self, _: Moved) {}
}

impl Windowed for Output {
    const SIDE: Side = Side::Output;

    fn settle(&mut self, moved: Moved) {
        Output::settle(self, moved);
    }
}

/// What a function moves, for the formats that have only one of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Character,
    Byte,
}

impl Stream {
    /// A stream without buffers.
    pub fn new(mode: Mode) -> Stream {
        let stream = Stream::default();
        stream.mode.change(|new| *new = mode);
        stream
    }

    /// Runs `body` with no thread writing; `None` where one waits and this one shall not.
    pub(crate) fn alone<T>(&self, descriptor: RawFd, wait: bool, body: impl FnOnce() -> T) -> Option<T> {
        match wait {
            true => Some(self.output.with(descriptor, |_| body())),
            false => self.output.try_with(descriptor, |_| body()),
        }
    }

    /// Whether reading would find something, or an end, without asking the system.
    pub(crate) fn has_content(&self, socket: &Socket) -> bool {
        let link = Link { socket, stream: self, element: None };
        let look = |reading: &mut Reading| {
            reading.input.recover();
            // What came over SSL may be less than a record, and what is to come may want a handshake.
            reading.input.has_content(&link) || (self.is_secure() && reading.input.receives(&link))
        };
        self.input.try_with(link.number(), look).unwrap_or(false)
    }

    /// Lets threads reach the buffers directly by that key, which no other stream has.
    pub fn set_key(&self, key: usize) {
        self.key.store(key, Ordering::Relaxed);
    }

    fn key(&self) -> usize {
        self.key.load(Ordering::Relaxed)
    }

    /// Makes all threads come by the lock again, after what they shall see there has been stored.
    pub(crate) fn close_windows(&self, descriptor: RawFd) {
        // Who makes one of them later sees what has been stored.
        fence(Ordering::SeqCst);
        if let Some(input) = self.input.made() {
            input.close_window(descriptor);
        }
        if let Some(output) = self.output.made() {
            output.close_window(descriptor);
        }
    }

    /// The SSL layer, where there is one.
    #[inline]
    fn secure(&self) -> Option<&Secure> {
        self.beyond.get().and_then(|beyond| beyond.secure.get())
    }

    /// Remembers the name that the peer was looked up by, before anybody knows the stream.
    pub(crate) fn set_host(&self, host: &str) {
        let beyond = Beyond { host: Some(host.into()), secure: OnceBox::new() };
        // There is none yet.
        let _ = self.beyond.set(Box::new(beyond));
    }

    /// The name that the peer was looked up by.
    pub(crate) fn host(&self) -> Option<&str> {
        self.beyond.get().and_then(|beyond| beyond.host.as_deref())
    }

    /// How it reads and writes characters.
    pub fn mode(&self) -> Mode {
        self.mode.get()
    }

    /// Changes how it reads and writes characters from now on.
    pub(crate) fn change_mode(&self, change: impl Fn(&mut Mode)) {
        self.mode.change(change);
    }

    /// What was counted.
    pub fn count(&self, which: Count) -> u64 {
        self.counts.made().map_or(0, |counts| counts.get(which))
    }

    /// Sets a counter.
    pub fn set_count(&self, which: Count, value: u64) {
        self.counts.set(which, value);
    }
}

/// Makes what a thread keeps.
pub fn make_for_thread() {
    window::make_for_thread();
    buffer::make_for_thread();
}

/// Whether streams are exact for threads that leave calls by `longjmp`.
pub fn non_local_exits() -> bool {
    sys::leaving_is_exact()
}

/// Says whether they shall be.
pub fn set_non_local_exits(on: bool) {
    sys::make_leaving_exact(on);
}

impl Socket {
    /// The stream for an operation on elements of that kind, or on either.
    #[inline(always)]
    fn link(&self, element: Option<Element>, doing: &str) -> Result<Link<'_>> {
        let refused = match element {
            Some(Element::Character) => Some(Format::Binary),
            Some(Element::Byte) => Some(Format::Text),
            None => None,
        };
        match self.open_stream() {
            Some(stream) if refused != Some(self.format()) => Ok(Link { socket: self, stream, element }),
            _ => Err(self.refuse(doing)),
        }
    }

    /// Why there is no operation on the stream.
    #[cold]
    fn refuse(&self, doing: &str) -> Error {
        if let Err(wrong_kind) = self.stream(doing) {
            return wrong_kind;
        }
        let (identifier, why) = match self.descriptor() {
            descriptor if descriptor.is_closed() => (Identifier::CLOSED, ""),
            descriptor if descriptor.is_connecting() => (Identifier::WOULD_BLOCK, ", which is connecting"),
            _ => (Identifier::WRONG_FORMAT, ""),
        };
        Error::new(identifier, format!("{doing} the {self}{why}"))
    }
}
