//! Moving bytes: one system call each, never a SIGPIPE.

use super::descriptor::{once, uninterrupted};
use super::{Address, Fd, Name};
use crate::error::Errno;
use socket2::SockAddr;

/// A datagram that came in.
#[derive(Debug)]
pub struct Arrived {
    /// How long it was; more than the buffer holds means that the rest is lost.
    pub length: usize,
    /// Who sent it, where that has a name.
    pub sender: Option<Name>,
}

/// Whether a call may wait in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until there is something to answer.
    Yes,
    /// Until then or until a signal comes: `EINTR` is answered.
    Once,
    /// No: `EAGAIN` where it would.
    No,
}

impl Wait {
    #[inline]
    pub(super) fn flag(self) -> libc::c_int {
        if self == Wait::No { libc::MSG_DONTWAIT } else { 0 }
    }

    /// Makes a system call, again where signals shall not be noticed.
    #[inline]
    pub(super) fn run(self, call: impl FnMut() -> isize) -> Result<usize, Errno> {
        if self == Wait::Once { once(call) } else { uninterrupted(call) }
    }
}

/// Bare system calls, because the C library's functions are cancellation points: a thread that is
/// cancelled there would unwind through this library.
const NONE: *const libc::c_void = std::ptr::null();

/// Receives from a stream at most so many bytes behind what `buffer` holds, into its spare
/// capacity; 0 is the end.
#[inline]
pub fn receive(fd: Fd, buffer: &mut Vec<u8>, most: usize, wait: Wait) -> Result<usize, Errno> {
    let spare = buffer.spare_capacity_mut();
    let (start, size) = (spare.as_mut_ptr(), spare.len().min(most));
    // SAFETY: the pointer and the size describe spare capacity.
    let count = wait.run(|| unsafe {
        libc::syscall(libc::SYS_recvfrom, fd.0, start, size, wait.flag(), NONE, NONE) as isize
    })?;
    // SAFETY: the kernel has written `count` bytes there, which are at most `size`.
    unsafe { buffer.set_len(buffer.len() + count) };
    Ok(count)
}

/// Receives from a stream into `room` what is there; 0 is the end.
#[inline]
pub fn receive_into(fd: Fd, room: &mut [u8]) -> Result<usize, Errno> {
    let (start, size) = (room.as_mut_ptr(), room.len());
    // SAFETY: the pointer and the size describe `room`.
    Wait::No.run(|| unsafe {
        libc::syscall(libc::SYS_recvfrom, fd.0, start, size, libc::MSG_DONTWAIT, NONE, NONE) as isize
    })
}

/// Receives from a stream into `first`, and what does not fit there into the spare capacity of
/// `then`; 0 is the end.
#[inline]
pub fn receive_split(fd: Fd, first: &mut [u8], then: &mut Vec<u8>, wait: Wait) -> Result<usize, Errno> {
    let spare = then.spare_capacity_mut();
    let mut pieces = [
        libc::iovec { iov_base: first.as_mut_ptr().cast(), iov_len: first.len() },
        libc::iovec { iov_base: spare.as_mut_ptr().cast(), iov_len: spare.len() },
    ];
    let used = if spare.is_empty() { 1 } else { 2 };
    let mut message = message(&mut pieces);
    message.msg_iovlen = used as _;
    // SAFETY: each piece describes memory that is borrowed here for writing.
    let count = wait
        .run(|| unsafe { libc::syscall(libc::SYS_recvmsg, fd.0, &raw mut message, wait.flag()) as isize })?;
    let behind = count.saturating_sub(first.len());
    // SAFETY: the kernel has filled `first` and written `behind` bytes to the spare capacity.
    unsafe { then.set_len(then.len() + behind) };
    Ok(count)
}

/// Sends the pieces one behind the other on a connected socket; fewer bytes may go.
#[inline]
pub fn send(fd: Fd, pieces: [&[u8]; 3], wait: Wait) -> Result<usize, Errno> {
    let flags = libc::MSG_NOSIGNAL | wait.flag();
    if let [only, [], []] = pieces {
        // SAFETY: the pointer and the length describe `only`.
        return wait.run(|| unsafe {
            libc::syscall(libc::SYS_sendto, fd.0, only.as_ptr(), only.len(), flags, NONE, 0_usize) as isize
        });
    }
    let mut vectors =
        pieces.map(|piece| libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() });
    let message = message(&mut vectors);
    // SAFETY: the header names the vectors, which describe the pieces; the kernel only reads them.
    wait.run(|| unsafe { libc::syscall(libc::SYS_sendmsg, fd.0, &raw const message, flags) as isize })
}

fn message(pieces: &mut [libc::iovec]) -> libc::msghdr {
    // SAFETY: a message header is integers and pointers, for which zero is valid.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = pieces.as_mut_ptr();
    message.msg_iovlen = pieces.len() as _;
    message
}

/// Bytes that have arrived and wait in the kernel.
pub fn arrived(fd: Fd) -> Result<usize, Errno> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int.
    uninterrupted(|| unsafe { libc::ioctl(fd.0, libc::FIONREAD, &raw mut count) } as isize)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Sends a datagram.
#[inline]
pub fn send_to(fd: Fd, bytes: &[u8], destination: &Address, wait: Wait) -> Result<usize, Errno> {
    let address = &destination.0;
    let flags = libc::MSG_NOSIGNAL | wait.flag();
    let name = address.as_ptr().cast::<libc::c_void>();
    // SAFETY: the pointers and lengths describe `bytes` and `address`.
    wait.run(|| unsafe {
        libc::syscall(libc::SYS_sendto, fd.0, bytes.as_ptr(), bytes.len(), flags, name, address.len())
            as isize
    })
}

/// Receives a datagram.
#[inline]
pub fn receive_from(fd: Fd, buffer: &mut [u8], wait: Wait) -> Result<Arrived, Errno> {
    let (start, size, flags) = (buffer.as_mut_ptr(), buffer.len(), libc::MSG_TRUNC | wait.flag());
    // SAFETY: recvfrom writes an address into the storage, its length beside it, and at most `size`
    // bytes into the buffer.
    let received = unsafe {
        SockAddr::try_init(|storage, length| {
            wait.run(|| libc::syscall(libc::SYS_recvfrom, fd.0, start, size, flags, storage, length) as isize)
                .map_err(|errno| std::io::Error::from_raw_os_error(errno.0))
        })
    };
    let (length, address) = received?;
    Ok(Arrived { length, sender: Name::of_sockaddr(&address) })
}
