//! Sending from files: the system's own way, and reading them.

use super::Fd;
use super::message::Wait;
use super::signals::{change_mask, set_of};
use super::time::poll_all;
use crate::error::Errno;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::ptr;
use std::time::Duration;

/// The most that one call sends.
const MOST: u64 = 0x7fff_f000;

/// Whether reading may have to wait: nobody knows of what is not a file on a disk.
pub fn may_wait(file: RawFd) -> Result<bool, Errno> {
    // SAFETY: fstat writes a `stat`, for which zero is valid.
    let (failed, stat) = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        (libc::fstat(file, &raw mut stat) != 0, stat)
    };
    if failed {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(![libc::S_IFREG, libc::S_IFBLK].contains(&(stat.st_mode & libc::S_IFMT)))
}

/// Sends from a file, from an offset or from where it stands, without the bytes coming here. `None`
/// where the system cannot do that with this file.
pub fn send_file(
    fd: Fd,
    file: RawFd,
    offset: Option<u64>,
    most: u64,
    wait: Wait,
) -> Result<Option<usize>, Errno> {
    let most = most.min(MOST);
    let mut at = offset.unwrap_or(0).cast_signed();
    let place = if offset.is_some() { &raw mut at } else { ptr::null_mut() };
    let quiet = NoSigpipe::begin();
    // SAFETY: the place is NULL or that of an offset.
    let sent = wait.run(|| unsafe { libc::syscall(libc::SYS_sendfile, fd.0, file, place, most) as isize });
    // A connection that broke in the middle answers what went before, and has made the signal too.
    quiet.end(sent != usize::try_from(most).map_err(|_| Errno(libc::EINVAL)));
    match sent {
        Err(Errno(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP)) => Ok(None),
        sent => sent.map(Some),
    }
}

/// Reads of a file into `room`: what was read, nothing at its end.
pub fn read_file(file: RawFd, offset: Option<u64>, room: &mut [MaybeUninit<u8>]) -> Result<&[u8], Errno> {
    let (start, size) = (room.as_mut_ptr(), room.len());
    // SAFETY: the pointer and the size describe the room.
    let count = Wait::Yes.run(|| unsafe {
        match offset {
            Some(offset) => libc::syscall(libc::SYS_pread64, file, start, size, offset) as isize,
            None => libc::syscall(libc::SYS_read, file, start, size) as isize,
        }
    })?;
    // SAFETY: the kernel has written `count` bytes there.
    Ok(unsafe { std::slice::from_raw_parts(start.cast(), count.min(size)) })
}

/// Waits until a file can be read, at most so long where that is given: false when it is not. `EPIPE`
/// where the socket breaks or is closed meanwhile.
pub fn wait_for_source(socket: Fd, file: RawFd, at_most: Option<Duration>) -> Result<bool, Errno> {
    let mut both = [
        libc::pollfd { fd: file, events: libc::POLLIN, revents: 0 },
        libc::pollfd { fd: socket.0, events: 0, revents: 0 },
    ];
    let count = poll_all(&mut both, at_most)?;
    match both {
        [_, socket] if socket.revents != 0 => Err(Errno(libc::EPIPE)),
        _ => Ok(count > 0),
    }
}

/// sendfile has no flag against SIGPIPE, so the signal is blocked meanwhile, and taken out where the
/// call has made one.
struct NoSigpipe {
    before: u64,
    pending: bool,
}

const SIGPIPE_SET: u64 = set_of(libc::SIGPIPE);

impl NoSigpipe {
    fn begin() -> NoSigpipe {
        let before = change_mask(libc::SIG_BLOCK, SIGPIPE_SET);
        let mut waiting = 0_u64;
        if before & SIGPIPE_SET != 0 {
            // One that waits is the caller's.
            // SAFETY: the pointer describes a mask of 8 bytes.
            unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut waiting, size_of::<u64>()) };
        }
        NoSigpipe { before, pending: waiting & SIGPIPE_SET != 0 }
    }

    fn end(self, perhaps_made_one: bool) {
        if perhaps_made_one && !self.pending {
            let (set, now) = (SIGPIPE_SET, libc::timespec { tv_sec: 0, tv_nsec: 0 });
            let none = ptr::null::<libc::c_void>();
            // SAFETY: the pointers describe a mask of 8 bytes and a time.
            unsafe {
                libc::syscall(
                    libc::SYS_rt_sigtimedwait,
                    &raw const set,
                    none,
                    &raw const now,
                    size_of::<u64>(),
                )
            };
        }
        if self.before & SIGPIPE_SET == 0 {
            change_mask(libc::SIG_UNBLOCK, SIGPIPE_SET);
        }
    }
}
