//! Waiting for many descriptors, and a doorbell that ends the wait.

use super::Fd;
use super::descriptor::{Closing, last_errno, once};
use crate::error::Errno;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::time::Duration;

/// Events that one wait can bring.
const EVENTS: usize = 128;

/// What the kernel said of one descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Happened {
    /// What the descriptor was added with.
    pub key: u64,
    /// There is input, or the end of it.
    pub input: bool,
    /// There is room for output.
    pub output: bool,
    /// There is an error.
    pub error: bool,
    /// Nothing goes any more in either direction.
    pub hung_up: bool,
}

/// A new epoll instance.
pub fn epoll() -> Result<Closing, Errno> {
    // SAFETY: the call takes an integer.
    once(|| unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) } as isize).map(|fd| Closing::new(fd as RawFd))
}

/// A new doorbell.
pub fn doorbell() -> Result<Closing, Errno> {
    // SAFETY: the call takes integers.
    once(|| unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) } as isize)
        .map(|fd| Closing::new(fd as RawFd))
}

/// Rings it: it is readable until it is silenced.
pub fn ring(bell: Fd) -> Result<(), Errno> {
    let one = 1u64;
    // SAFETY: an eventfd is written eight bytes. Only a full counter refuses, which is ringing.
    unsafe { libc::syscall(libc::SYS_write, bell.0, &raw const one, size_of::<u64>()) };
    Ok(())
}

/// Silences it.
pub fn silence(bell: Fd) -> Result<(), Errno> {
    let mut count = 0u64;
    // SAFETY: an eventfd is read eight bytes; one that does not ring says EAGAIN.
    unsafe { libc::syscall(libc::SYS_read, bell.0, &raw mut count, size_of::<u64>()) };
    Ok(())
}

/// Adds a descriptor, or changes what is waited for.
pub fn watch(epoll: Fd, fd: Fd, input: bool, output: bool, key: u64) -> Result<(), Errno> {
    let events = [(input, libc::EPOLLIN | libc::EPOLLRDHUP), (output, libc::EPOLLOUT)];
    let events = events.iter().filter(|(wanted, _)| *wanted).fold(0, |all, (_, event)| all | event);
    let mut event = libc::epoll_event { events: events as u32, u64: key };
    // SAFETY: the pointer is to an event.
    let mut control = |operation| unsafe { libc::epoll_ctl(epoll.0, operation, fd.0, &raw mut event) };
    // Another thread may add or take it out between the two.
    loop {
        for (operation, other) in [(libc::EPOLL_CTL_MOD, libc::ENOENT), (libc::EPOLL_CTL_ADD, libc::EEXIST)] {
            if control(operation) == 0 {
                return Ok(());
            }
            match last_errno() {
                errno if errno.0 == other => {}
                errno => return Err(errno),
            }
        }
    }
}

/// Takes a descriptor out; one that is not there is out.
pub fn unwatch(epoll: Fd, fd: Fd) -> Result<(), Errno> {
    // SAFETY: the event may be NULL for this operation.
    unsafe { libc::epoll_ctl(epoll.0, libc::EPOLL_CTL_DEL, fd.0, std::ptr::null_mut()) };
    Ok(())
}

/// Room for what the kernel says, which is not touched before it does.
pub struct Happenings {
    events: [MaybeUninit<libc::epoll_event>; EVENTS],
    count: usize,
}

impl Happenings {
    /// None.
    pub fn none() -> Happenings {
        Happenings { events: [const { MaybeUninit::uninit() }; EVENTS], count: 0 }
    }

    /// Waits for at most `most`, for ever or so long. `EINTR` is answered.
    pub fn wait(&mut self, epoll: Fd, most: usize, at_most: Option<Duration>) -> Result<(), Errno> {
        let most = most.clamp(1, EVENTS) as libc::c_int;
        // Rounded up: who wakes early would only wait again.
        let milliseconds = at_most.map_or(-1, |time| {
            libc::c_int::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX)
        });
        let start = self.events.as_mut_ptr();
        // SAFETY: the pointer is to as many events as `most` says. No signal mask is given; a bare system
        // call is no cancellation point.
        self.count = once(|| unsafe {
            let none = std::ptr::null::<libc::c_void>();
            libc::syscall(libc::SYS_epoll_pwait, epoll.0, start, most, milliseconds, none, 0_usize) as isize
        })?;
        Ok(())
    }

    /// What happened.
    pub fn iter(&self) -> impl Iterator<Item = Happened> {
        self.events.iter().take(self.count).map(|event| {
            // SAFETY: the kernel has written so many.
            let event = unsafe { event.assume_init_read() };
            let (events, key) = (event.events as libc::c_int, event.u64);
            Happened {
                key,
                input: events & (libc::EPOLLIN | libc::EPOLLRDHUP) != 0,
                output: events & libc::EPOLLOUT != 0,
                error: events & libc::EPOLLERR != 0,
                hung_up: events & libc::EPOLLHUP != 0,
            }
        })
    }
}
