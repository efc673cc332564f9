//! Moving bytes: one system call each, never a SIGPIPE.

use super::descriptor::uninterrupted;
use super::{Fd, Name};
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
    /// No: `EAGAIN` where it would.
    No,
}

impl Wait {
    fn flag(self) -> libc::c_int {
        if self == Wait::Yes { 0 } else { libc::MSG_DONTWAIT }
    }
}

/// Receives from a stream at most so many bytes behind what `buffer` holds, into its spare
/// capacity; 0 is the end.
#[inline]
pub fn receive(fd: Fd, buffer: &mut Vec<u8>, most: usize, wait: Wait) -> Result<usize, Errno> {
    let spare = buffer.spare_capacity_mut();
    let (start, size) = (spare.as_mut_ptr(), spare.len().min(most));
    // SAFETY: the pointer and the size describe spare capacity.
    let count = uninterrupted(|| unsafe { libc::recv(fd.0, start.cast(), size, wait.flag()) })?;
    // SAFETY: the kernel has written `count` bytes there, which are at most `size`.
    unsafe { buffer.set_len(buffer.len() + count) };
    Ok(count)
}

/// Receives from a stream into `first`, and what does not fit there into the spare capacity of
/// `then`; 0 is the end.
#[inline]
pub fn receive_split(fd: Fd, first: &mut [u8], then: &mut Vec<u8>) -> Result<usize, Errno> {
    let spare = then.spare_capacity_mut();
    let mut pieces = [
        libc::iovec { iov_base: first.as_mut_ptr().cast(), iov_len: first.len() },
        libc::iovec { iov_base: spare.as_mut_ptr().cast(), iov_len: spare.len() },
    ];
    let used = if spare.is_empty() { 1 } else { 2 };
    // SAFETY: each piece describes memory that is borrowed here for writing.
    let count = uninterrupted(|| unsafe { libc::readv(fd.0, pieces.as_mut_ptr(), used) })?;
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
        return uninterrupted(|| unsafe { libc::send(fd.0, only.as_ptr().cast(), only.len(), flags) });
    }
    let mut vectors =
        pieces.map(|piece| libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() });
    // SAFETY: a message header is integers and pointers, for which zero is valid.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = vectors.as_mut_ptr();
    message.msg_iovlen = vectors.len() as _;
    // SAFETY: the header names the vectors, which describe the pieces; the kernel only reads them.
    uninterrupted(|| unsafe { libc::sendmsg(fd.0, &raw const message, flags) })
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
pub fn send_to(fd: Fd, bytes: &[u8], destination: &Name) -> Result<usize, Errno> {
    let address = destination.to_sockaddr();
    // SAFETY: the pointers and lengths describe `bytes` and `address`.
    uninterrupted(|| unsafe {
        libc::sendto(
            fd.0,
            bytes.as_ptr().cast(),
            bytes.len(),
            libc::MSG_NOSIGNAL,
            address.as_ptr().cast(),
            address.len(),
        )
    })
}

/// Receives a datagram.
#[inline]
pub fn receive_from(fd: Fd, buffer: &mut [u8]) -> Result<Arrived, Errno> {
    // SAFETY: recvfrom writes an address into the storage, its length beside it, and at most
    // `buffer.len()` bytes into `buffer`.
    let received = unsafe {
        SockAddr::try_init(|storage, length| {
            uninterrupted(|| {
                libc::recvfrom(
                    fd.0,
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    libc::MSG_TRUNC,
                    storage.cast(),
                    length,
                )
            })
            .map_err(|errno| std::io::Error::from_raw_os_error(errno.0))
        })
    };
    let (length, address) = received?;
    Ok(Arrived { length, sender: Name::of_sockaddr(&address) })
}
