//! Times for the kernel, waiting on one descriptor, and the time-outs of a socket.

use super::Fd;
use super::descriptor::{last_errno, once};
use super::signals::let_through;
use crate::error::Errno;
use std::time::Duration;

/// A time as the kernel's calls take it.
pub(super) struct Time(libc::timespec);

impl Time {
    pub(super) fn of(duration: Duration) -> Time {
        Time(libc::timespec {
            tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: duration.subsec_nanos() as _,
        })
    }

    pub(super) fn as_ptr(&self) -> *const libc::timespec {
        &raw const self.0
    }
}

/// Half of a socket that can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Input, an end of file or an error.
    Input,
    /// Room for output, or an error.
    Output,
    /// One of both.
    Either,
}

/// Waits until the descriptor is ready, at most so long where that is given. False when it is not;
/// `EINTR` is answered.
pub fn wait_for(fd: Fd, ready: Ready, at_most: Option<Duration>) -> Result<bool, Errno> {
    let events = match ready {
        Ready::Input => libc::POLLIN,
        Ready::Output => libc::POLLOUT,
        Ready::Either => libc::POLLIN | libc::POLLOUT,
    };
    let mut poll = libc::pollfd { fd: fd.0, events, revents: 0 };
    poll_all(std::slice::from_mut(&mut poll), at_most).map(|count| count > 0)
}

/// Waits until one of them has an event; how many have. `EINTR` is answered.
pub fn poll_all(descriptors: &mut [libc::pollfd], at_most: Option<Duration>) -> Result<usize, Errno> {
    let mut time = at_most.map(Time::of);
    // The system call writes what is left of the time.
    let time = time.as_mut().map_or(std::ptr::null_mut(), |time| &raw mut time.0);
    // SAFETY: the pointer and the count describe the descriptors; the time outlives the call, and
    // it is a bare system call, which is no cancellation point.
    let poll = || unsafe {
        let none = std::ptr::null::<libc::c_void>();
        libc::syscall(libc::SYS_ppoll, descriptors.as_mut_ptr(), descriptors.len(), time, none, 0_usize)
            as isize
    };
    let_through(|| once(poll))
}

/// Sleeps so long, or until a signal comes.
pub fn sleep(time: Duration) {
    // Failing to sleep is waking early.
    let _ = poll_all(&mut [], Some(time));
}

/// Sets how long one wait of the kernel's receiving or sending calls may last.
pub fn set_timeout(fd: Fd, ready: Ready, timeout: Option<Duration>) -> Result<(), Errno> {
    // Zero means none to the kernel.
    let timeout = timeout.map_or(Duration::ZERO, |time| time.max(Duration::from_micros(1)));
    let value = libc::timeval {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_usec: timeout.subsec_micros() as _,
    };
    let option = if ready == Ready::Input { libc::SO_RCVTIMEO } else { libc::SO_SNDTIMEO };
    // SAFETY: the pointer and the length describe `value`.
    let done = unsafe {
        libc::setsockopt(
            fd.0,
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            size_of::<libc::timeval>() as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(last_errno()) }
}
