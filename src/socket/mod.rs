//! Sockets: their four characteristics, and what every kind of them answers.

mod accept;
mod accessors;
mod attempt;
mod connect;
mod datagram;
mod datagrams;
mod descriptor;
#[cfg(loom)]
mod descriptor_model;
mod limits;
mod make;
mod onward;
mod options;
mod print;
mod race;
mod secure;
mod wait;
mod wait_set;
mod watch;

pub use accessors::{End, os_fd_read_no_hang_p};
pub use attempt::{begin_pending_connect, end_pending_connect, make_for_thread};
pub use datagram::{Destination, Received};
pub use datagrams::{Arrival, Datagrams, Outgoing, Target};
pub use descriptor::{Descriptor, Direction};
pub use limits::{Timeouts, after};
pub use make::{Filenames, Host, MakeSocket, Port};
pub use options::Options;
pub use print::{print_hostname_in_stream, set_print_hostname_in_stream};
pub use secure::MakeSsl;
pub use wait::{FEW, Item, wait_for_few};
pub use wait_set::{Content, Event, Interest, WaitSet, Watched};

use crate::error::{Error, Identifier, Result};
use crate::late::Late;
use crate::stream::{Mode, Stream};
use crate::sys::{self, FileIdentity, Name};
use limits::Limits;
use once_cell::race::OnceBox;
use once_cell::sync::OnceCell;
use onward::Onward;
use std::sync::Arc;
use wait_set::Shared;
use watch::Watch;

/// The format of section 4.0. Since Allegro CL 6.0 every socket is multivalent; the others keep
/// their old meaning for who asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Characters and bytes, freely mixed.
    Multivalent,
    /// Characters only.
    Text,
    /// Bytes only.
    Binary,
    /// Characters and bytes, for streams.
    Bivalent,
}

/// The address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// TCP or UDP over IPv4.
    Ipv4,
    /// TCP or UDP over IPv6.
    Ipv6,
    /// Named by a file.
    File,
}

/// What the kind of a socket gives it beyond its names.
#[derive(Debug)]
pub enum Role {
    /// An active stream socket, which is a stream.
    Stream(Stream),
    /// A passive one, which is not, and how the streams that it accepts read and write characters.
    Passive(Mode),
    /// A datagram socket.
    Datagram(Box<Datagrams>),
}

/// A socket.
#[derive(Debug)]
pub struct Socket {
    descriptor: Descriptor,
    family: Family,
    format: Format,
    role: Role,
    remote: Option<Name>,
    rare: Late<Rare>,
}

/// What most sockets do without while they are open.
#[derive(Debug, Default)]
struct Rare {
    limits: Limits,
    watch: Watch,
    local: OnceCell<Option<Name>>,
    /// The other addresses of the host, of a connection that was begun.
    onward: OnceBox<Onward>,
    /// The file that this socket made by its local name, to be removed with it.
    made_file: OnceCell<FileIdentity>,
}

impl Socket {
    /// Closes the socket, flushing buffered output first unless `abort`. Closing again does
    /// nothing. When the flush fails the socket stays open for a close with `abort`.
    pub fn close(&self, abort: bool) -> Result<()> {
        if !abort
            && !self.descriptor.is_closed()
            && let Role::Stream(stream) = &self.role
        {
            stream.flush_for_close(self)?;
        }
        self.close_descriptor();
        Ok(())
    }

    /// Shuts one half of a connection down; buffered output is not flushed. After both halves the
    /// descriptor is closed.
    pub fn shutdown(&self, direction: Direction) -> Result<()> {
        self.stream("shutting down")?;
        let half = if direction == Direction::Input { "input" } else { "output" };
        let action = || format!("shutting down the {half} of the {self}");
        if self.descriptor.is_closed() && self.descriptor.is_shut(direction) {
            return Ok(());
        }
        self.shut_ssl(direction)?;
        self.descriptor.shut(direction, action)?;
        if self.descriptor.is_shut(Direction::Input) && self.descriptor.is_shut(Direction::Output) {
            self.close_descriptor();
        }
        Ok(())
    }

    /// The file by this socket's local name is one that it made.
    fn remove_at_close(&self, made: Option<FileIdentity>) {
        if let Some(made) = made {
            // Said once.
            let _ = self.rare.made_file.set(made);
        }
    }

    /// The accessors go on answering after the close: what they need is asked for before it.
    fn close_descriptor(&self) {
        if self.descriptor.is_closed() {
            return;
        }
        let _ = self.local_name();
        let watchers = self.watchers();
        let closed = self.descriptor.close();
        self.close_windows();
        watchers.iter().for_each(|(set, key)| set.closed(*key));
        if closed
            && let Some(rare) = self.rare.made()
            && let (Some(Some(Name::File(file))), Some(made)) = (rare.local.get(), rare.made_file.get())
        {
            sys::unlink_if_same(file.path(), *made);
        }
    }

    /// The stream of an active stream socket.
    pub fn stream(&self, doing: &str) -> Result<&Stream> {
        match &self.role {
            Role::Stream(stream) => Ok(stream),
            _ => Err(self.wrong_kind(doing)),
        }
    }

    /// The same where the connection is there and not closed.
    #[inline(always)]
    pub(crate) fn open_stream(&self) -> Option<&Stream> {
        match &self.role {
            Role::Stream(stream) if self.descriptor.is_usable() => Some(stream),
            _ => None,
        }
    }

    /// Lets threads reach the stream's buffers directly by that key, which no other stream has.
    pub fn set_key(&self, key: usize) {
        if let Role::Stream(stream) = &self.role {
            stream.set_key(key);
        }
    }

    /// Makes all threads see what has been stored before they read or write again.
    fn close_windows(&self) {
        if let Role::Stream(stream) = &self.role {
            stream.close_windows(self.descriptor.number());
        }
    }

    /// Changes how its stream reads and writes characters from now on.
    pub fn change_mode(&self, doing: &str, change: impl Fn(&mut Mode)) -> Result<()> {
        self.stream(doing)?.change_mode(change);
        self.close_windows();
        Ok(())
    }

    /// What is known of sets that watch the socket, if that was ever asked.
    #[inline]
    fn watch(&self) -> Option<&Watch> {
        self.rare.made().map(|rare| &rare.watch)
    }

    /// Whether any set watches the socket.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.watch().is_some_and(Watch::is_watched)
    }

    /// Tells the sets that watch the socket that bytes stay in its buffer.
    #[inline]
    pub(crate) fn tell_of_content(&self) {
        if let Some(watch) = self.watch() {
            watch.content();
        }
    }

    fn watchers(&self) -> Vec<(Arc<Shared>, u64)> {
        self.watch().map(|watch| watch.closing(&self.descriptor)).unwrap_or_default()
    }

    /// Wait sets know the socket no longer.
    fn forget_watchers(&self) {
        let watchers = self.watchers();
        watchers.iter().for_each(|(set, key)| set.closed(*key));
    }

    /// The descriptor.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn wrong_kind(&self, doing: &str) -> Error {
        Error::new(Identifier::WRONG_KIND, format!("{doing} the {self}"))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close_descriptor();
    }
}
