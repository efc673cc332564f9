//! System calls that leave a note of how much they moved, for calls that a signal handler leaves by
//! `longjmp`: the kernel writes the note before any handler can run, and the next call reads it.
//! `sendmmsg` does so; for one message it is as good as `sendmsg`.

use super::Fd;
use super::message::Wait;
use super::signals::not_left;
use crate::error::Errno;
use std::io::IoSlice;
use std::sync::atomic::{Ordering, compiler_fence};

/// The note of the last such call of one direction of a stream. It has no memory before the first.
#[derive(Default)]
pub struct Note {
    open: bool,
    header: Option<Box<libc::mmsghdr>>,
}

impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Note").field("open", &self.open).finish()
    }
}

// SAFETY: the pointers in it are the kernel's and used during a call only; what is read later is a
// number.
unsafe impl Send for Note {}

impl Note {
    /// Whether the last call was left.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// How much the call moved that was left.
    pub fn take(&mut self) -> usize {
        let open = std::mem::take(&mut self.open);
        let header = self.header.as_ref().filter(|_| open);
        // The kernel wrote it.
        header.map_or(0, |header| header.msg_len as usize)
    }

    fn run(
        &mut self,
        fd: Fd,
        pieces: &[libc::iovec],
        call: libc::c_long,
        flags: libc::c_int,
        wait: Wait,
    ) -> Result<usize, Errno> {
        // SAFETY: integers and pointers, for which zero is valid.
        let header = self.header.get_or_insert_with(|| not_left(|| Box::new(unsafe { std::mem::zeroed() })));
        header.msg_hdr.msg_iov = pieces.as_ptr().cast_mut();
        header.msg_hdr.msg_iovlen = pieces.len() as _;
        header.msg_len = 0;
        let header = &raw mut **header;
        self.open = true;
        compiler_fence(Ordering::SeqCst);
        let none = std::ptr::null::<libc::c_void>();
        // SAFETY: the header names the pieces, which describe memory that is borrowed for the call.
        let moved = wait.run(|| unsafe { libc::syscall(call, fd.0, header, 1, flags, none) as isize });
        compiler_fence(Ordering::SeqCst);
        let length = self.take();
        moved.map(|_| length)
    }
}

fn piece(start: *const u8, length: usize) -> libc::iovec {
    libc::iovec { iov_base: start.cast_mut().cast(), iov_len: length }
}

/// As `send`, leaving a note.
pub fn send_noted(fd: Fd, pieces: [&[u8]; 3], wait: Wait, note: &mut Note) -> Result<usize, Errno> {
    let pieces = pieces.map(|bytes| piece(bytes.as_ptr(), bytes.len()));
    note.run(fd, &pieces, libc::SYS_sendmmsg, libc::MSG_NOSIGNAL | wait.flag(), wait)
}

/// The same from many places.
pub fn send_gathered_noted(
    fd: Fd,
    pieces: &[IoSlice<'_>],
    wait: Wait,
    note: &mut Note,
) -> Result<usize, Errno> {
    // SAFETY: a slice for input and output is an iovec to the system, which only reads it here.
    let pieces = unsafe { std::slice::from_raw_parts(pieces.as_ptr().cast::<libc::iovec>(), pieces.len()) };
    note.run(fd, pieces, libc::SYS_sendmmsg, libc::MSG_NOSIGNAL | wait.flag(), wait)
}
