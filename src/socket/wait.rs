//! wait-for-input-available for a few.

use super::limits::{after, left_until};
use super::{Role, Socket};
use crate::error::Result;
use crate::hazard;
use crate::sys;
use std::os::fd::RawFd;
use std::time::Duration;

/// So many are waited for by `poll`, whose cost is small for few; being inside of more sockets at
/// once would take more room than a thread has ready.
pub const FEW: usize = 6;

/// One of a list.
#[derive(Clone, Copy)]
pub enum Item<'a> {
    /// A socket.
    Socket(&'a Socket),
    /// A descriptor of the caller's.
    Descriptor(RawFd),
}

impl Socket {
    /// Whether there is something to read that the kernel does not know of.
    pub fn has_content(&self) -> bool {
        match &self.role {
            Role::Stream(stream) => stream.has_content(self),
            Role::Datagram(own) => own.has_content(self.descriptor.number()),
            Role::Passive(_) => false,
        }
    }

    /// The same, for a wait set that is told when that changes.
    pub fn look_for_content(&self) -> bool {
        self.rare.watch.look();
        let content = self.has_content();
        if content {
            self.rare.watch.keep_announced();
        }
        content
    }
}

/// Waits until one of a few has input, for ever or so long; `available` is told which have.
pub fn wait_for_few(
    items: &[Item<'_>],
    timeout: Option<Duration>,
    mut available: impl FnMut(usize),
) -> Result<usize> {
    let end = timeout.map(after);
    let mut counted = [false; FEW];
    let mut count = 0;
    for (index, item) in items.iter().enumerate() {
        if let Item::Socket(socket) = item
            && (socket.descriptor.is_closed() || socket.has_content())
        {
            available(index);
            count += 1;
            if let Some(counted) = counted.get_mut(index) {
                *counted = true;
            }
        }
    }
    // None of the descriptors can be closed and used again while this thread is inside of them.
    let inside: [_; FEW] = std::array::from_fn(|index| match items.get(index) {
        Some(Item::Socket(socket)) => Some(hazard::enter(socket.descriptor.key())),
        _ => None,
    });
    let mut polled: [libc::pollfd; FEW] = std::array::from_fn(|index| {
        let fd = match items.get(index) {
            Some(Item::Socket(socket)) if !socket.descriptor.is_closed() => socket.descriptor.number(),
            Some(Item::Descriptor(number)) => *number,
            _ => -1,
        };
        libc::pollfd { fd, events: libc::POLLIN, revents: 0 }
    });
    loop {
        let left = match (count, end) {
            (0, Some(end)) => Some(left_until(end).unwrap_or(Duration::ZERO)),
            (0, None) => None,
            _ => Some(Duration::ZERO),
        };
        match sys::poll_all(&mut polled, left) {
            Err(errno) if errno.0 == libc::EINTR => continue,
            done => done.map_err(|errno| errno.during("waiting for input"))?,
        };
        for (index, poll) in polled.iter().enumerate() {
            let closed =
                matches!(items.get(index), Some(Item::Socket(socket)) if socket.descriptor.is_closed());
            let counted = poll.fd < 0 || counted.get(index) == Some(&true);
            // What came over SSL need not be content.
            let content = || match items.get(index) {
                Some(Item::Socket(socket)) => !socket.is_secure() || socket.has_content(),
                _ => true,
            };
            if !counted && (closed || (poll.revents != 0 && content())) {
                available(index);
                count += 1;
            }
        }
        if count > 0 || left == Some(Duration::ZERO) {
            drop(inside);
            return Ok(count);
        }
    }
}
