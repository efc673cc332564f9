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

/// Receives from a stream; 0 is its end.
#[inline]
pub fn receive(fd: Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the pointer and the length describe `buffer`.
    uninterrupted(|| unsafe { libc::recv(fd.0, buffer.as_mut_ptr().cast(), buffer.len(), 0) })
}

/// Sends on a connected socket; fewer bytes than given may go.
#[inline]
pub fn send(fd: Fd, bytes: &[u8]) -> Result<usize, Errno> {
    // SAFETY: the pointer and the length describe `bytes`.
    uninterrupted(|| unsafe { libc::send(fd.0, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) })
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
