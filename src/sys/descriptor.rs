//! Descriptors: making, naming, connecting, accepting, shutting down.

#[cfg(loom)]
use super::model::close;
use super::time::{Ready, wait_for};
use super::{Address, Name};
use crate::error::Errno;
use libc::c_int;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, IntoRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

/// A descriptor that somebody else owns and keeps open while it is used.
#[derive(Clone, Copy, Debug)]
pub struct Fd(pub RawFd);

impl Fd {
    /// Runs `body` with the descriptor as a socket2 socket, which does not close it.
    pub(super) fn with<T>(self, body: impl FnOnce(SockRef<'_>) -> std::io::Result<T>) -> Result<T, Errno> {
        // SAFETY: the caller of every function here keeps the descriptor open for the call; an
        // invalid number only makes the system call fail.
        let borrowed = unsafe { BorrowedFd::borrow_raw(self.0) };
        Ok(body(SockRef::from(&borrowed))?)
    }
}

/// A descriptor that this value owns. It is closed with a bare system call, which is no cancellation
/// point.
#[derive(Debug)]
pub struct Closing(RawFd);

impl Closing {
    /// Takes the descriptor over, which nobody else closes.
    pub fn new(number: RawFd) -> Closing {
        Closing(number)
    }

    /// The descriptor, to be used while this lives.
    pub fn fd(&self) -> Fd {
        Fd(self.0)
    }

    /// Gives the descriptor up to the caller.
    pub fn release(self) -> RawFd {
        let number = self.0;
        std::mem::forget(self);
        number
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        close(self.0);
    }
}

#[cfg(not(loom))]
fn close(number: RawFd) {
    // SAFETY: close takes an integer, which was given up to the caller.
    unsafe { libc::syscall(libc::SYS_close, number) };
}

/// The errno of the system call that just failed in this thread.
pub(super) fn last_errno() -> Errno {
    std::io::Error::last_os_error().into()
}

/// A system call whose failure is answered, `EINTR` too.
#[inline]
pub(super) fn once(mut call: impl FnMut() -> isize) -> Result<usize, Errno> {
    usize::try_from(call()).map_err(|_| last_errno())
}

/// Repeats a system call until no signal interrupts it.
#[inline]
pub(super) fn uninterrupted(mut call: impl FnMut() -> isize) -> Result<usize, Errno> {
    loop {
        if let Ok(count) = usize::try_from(call()) {
            return Ok(count);
        }
        match last_errno() {
            Errno(libc::EINTR) => {}
            errno => return Err(errno),
        }
    }
}

/// A new socket.
pub fn socket(domain: Domain, kind: Type) -> Result<Closing, Errno> {
    Ok(Closing(Socket::new(domain, kind, None)?.into_raw_fd()))
}

/// Names a socket.
pub fn bind(fd: Fd, name: &Name) -> Result<(), Errno> {
    fd.with(|socket| socket.bind(&name.to_sockaddr()))
}

/// Makes a bound socket passive.
pub fn listen(fd: Fd, backlog: c_int) -> Result<(), Errno> {
    fd.with(|socket| socket.listen(backlog))
}

/// Connects. A connection that a signal interrupts goes on in the kernel: a second `connect` would
/// be wrong, so its end is waited for.
pub fn connect(fd: Fd, address: &Address) -> Result<(), Errno> {
    loop {
        match begin_connect(fd, address) {
            // To a file nothing has begun yet.
            Err(Errno(libc::EINTR)) if address.is_file() => {}
            Err(Errno(libc::EINTR)) => break,
            done => return done,
        }
    }
    while wait_for(fd, Ready::Output, None) == Err(Errno(libc::EINTR)) {}
    connected(fd)
}

/// Begins to connect: `EINPROGRESS` or `EINTR` where that goes on in the kernel.
pub fn begin_connect(fd: Fd, address: &Address) -> Result<(), Errno> {
    let address = &address.0;
    // SAFETY: the pointer and the length describe `address`. A bare system call is no cancellation
    // point.
    once(|| unsafe {
        libc::syscall(libc::SYS_connect, fd.0, address.as_ptr().cast::<libc::c_void>(), address.len())
            as isize
    })
    .map(|_| ())
}

/// Makes a descriptor whose connection failed as it was before, for the next one.
pub fn disconnect(fd: Fd) -> Result<(), Errno> {
    // SAFETY: all bytes zero is a valid sockaddr.
    let none: libc::sockaddr = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer and the length describe `none`, whose family is AF_UNSPEC.
    uninterrupted(|| unsafe {
        libc::syscall(libc::SYS_connect, fd.0, &raw const none, size_of::<libc::sockaddr>()) as isize
    })
    .map(|_| ())
}

/// How a connection that was begun has ended.
pub fn connected(fd: Fd) -> Result<(), Errno> {
    match fd.with(|socket| socket.take_error())? {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// Accepts a connection. `EAGAIN` is answered only by a non-blocking descriptor.
pub fn accept(fd: Fd) -> Result<(Closing, Option<Name>), Errno> {
    // SAFETY: accept4 writes an address into the storage and its length beside it; the descriptor
    // that it answers is new and has no other owner.
    let accepted = unsafe {
        SockAddr::try_init(|storage, length| {
            let new = uninterrupted(|| {
                libc::syscall(libc::SYS_accept4, fd.0, storage, length, libc::SOCK_CLOEXEC) as isize
            });
            new.map(|new| Closing(new as RawFd)).map_err(|errno| std::io::Error::from_raw_os_error(errno.0))
        })
    };
    let (new, address) = accepted?;
    Ok((new, Name::of_sockaddr(&address)))
}

/// Waits until the descriptor has input, an end of file or an error.
pub fn wait_readable(fd: Fd) -> Result<(), Errno> {
    loop {
        match wait_for(fd, Ready::Input, None) {
            Err(Errno(libc::EINTR)) => {}
            done => return done.map(|_| ()),
        }
    }
}

/// Whether reading would not wait: there is input, an end of file or an error, such as a
/// descriptor that is not open.
pub fn is_readable(fd: Fd) -> bool {
    wait_for(fd, Ready::Input, Some(Duration::ZERO)) != Ok(false)
}

/// The local name.
pub fn local_name(fd: Fd) -> Result<Option<Name>, Errno> {
    fd.with(|socket| socket.local_addr()).map(|address| Name::of_sockaddr(&address))
}

/// The name of the peer of a connected socket.
fn remote_name(fd: Fd) -> Result<Option<Name>, Errno> {
    fd.with(|socket| socket.peer_addr()).map(|address| Name::of_sockaddr(&address))
}

/// Shuts down one half or both.
pub fn shutdown(fd: Fd, how: Shutdown) -> Result<(), Errno> {
    fd.with(|socket| socket.shutdown(how))
}

/// Makes a descriptor answer `EAGAIN` in place of waiting.
pub fn set_nonblocking(fd: Fd, nonblocking: bool) -> Result<(), Errno> {
    fd.with(|socket| socket.set_nonblocking(nonblocking))
}

/// Puts a socket that is good for nothing in the place of `fd`: what was open there is let go of
/// now, while the number stays taken.
pub fn replace_by_dead(fd: Fd) -> Result<(), Errno> {
    let dead = socket(Domain::UNIX, Type::STREAM)?;
    // SAFETY: dup3 takes integers only; the caller owns the number `fd`.
    uninterrupted(|| unsafe { libc::dup3(dead.0, fd.0, libc::O_CLOEXEC) } as isize).map(|_| ())
}

/// What an adopted descriptor turns out to be.
#[derive(Debug)]
pub struct Nature {
    /// Stream rather than datagram.
    pub stream: bool,
    /// Waiting for connections.
    pub passive: bool,
    /// An IPv6 socket, an IPv4 one, or none of both.
    pub family: Option<Domain>,
    /// The name of the peer, where it has one.
    pub remote: Option<Name>,
    /// The local name.
    pub local: Option<Name>,
}

/// Examines a descriptor that was made elsewhere.
pub fn nature(fd: Fd) -> Result<Nature, Errno> {
    let kind = fd.with(|socket| socket.r#type())?;
    let domain = fd.with(|socket| socket.domain())?;
    let passive = fd.with(|socket| socket.is_listener())?;
    let known = [Domain::IPV4, Domain::IPV6, Domain::UNIX].contains(&domain);
    let usable = known && (kind == Type::STREAM || kind == Type::DGRAM);
    let remote = match remote_name(fd) {
        Ok(name) => name,
        Err(Errno(libc::ENOTCONN | libc::EINVAL)) => None,
        Err(errno) => return Err(errno),
    };
    Ok(Nature {
        stream: kind == Type::STREAM,
        passive,
        family: usable.then_some(domain),
        remote,
        local: local_name(fd)?,
    })
}

/// Takes a descriptor over: it becomes close-on-exec, and the caller's answer closes it.
pub fn adopt(fd: Fd) -> Result<Closing, Errno> {
    fd.with(|socket| socket.set_cloexec(true))?;
    Ok(Closing(fd.0))
}

/// What tells the file that a socket made from another one put in its place later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
    process: u32,
}

/// The identity of the socket file of that name, which this process made.
pub fn file_identity(path: &Path) -> Option<FileIdentity> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    metadata.file_type().is_socket().then(|| FileIdentity {
        device: metadata.dev(),
        inode: metadata.ino(),
        process: std::process::id(),
    })
}

/// Removes the file if it still is the one this process made: not one that took its place since,
/// and not in the child of a fork, whose parent goes on with it.
pub fn unlink_if_same(path: &Path, identity: FileIdentity) {
    if file_identity(path) == Some(identity) {
        // A file that somebody removed in this instant is gone as wanted.
        let _ = std::fs::remove_file(path);
    }
}
