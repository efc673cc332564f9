//! Whether the holder of a lock is still inside of its call. A thread may have left it by `longjmp` or
//! ended; who waits for it looks in /proc what it does. Nothing of this costs the holder anything.

use crate::sys::{self, Doing};
use std::ffi::c_long;
use std::os::fd::RawFd;
use std::time::Duration;

/// How often a holder that seems to have left is looked at before that is believed, and how long
/// lies between. A holder between two system calls is there for microseconds only.
const FEW_LOOKS: u32 = 3;
const LOOKS: u32 = 8;
const LONG_LOOKS: u32 = 50;
pub const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Processor time that nobody uses between two system calls.
const LONG: u64 = 100_000_000;

/// Processor time that no step of a handshake takes, on a slow machine.
const VERY_LONG: u64 = 10_000_000_000;

/// Places further apart than this are on different stacks.
const ONE_STACK: usize = 64 << 20;

/// System calls that a holder makes on the descriptor, which is their first argument.
const CALLS: [c_long; 7] = [
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_recvmmsg,
    libc::SYS_sendmmsg,
    libc::SYS_sendfile,
];

/// A holder at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// The number of the thread.
    pub thread: u32,
    /// Changes whenever it takes the lock or goes into the system.
    pub turn: u32,
    /// Where on its stack it took the lock.
    pub place: usize,
}

/// What can be said of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It waits in the system.
    Inside,
    /// It will not come back by itself.
    Left,
    /// It cannot be told yet.
    Unsure,
}

/// What a waiting thread has seen of the holder.
#[derive(Default)]
pub struct Watch {
    holder: Holder,
    /// How often in a row it seemed to have left.
    away: u32,
    used: u64,
    /// A holder may compute, and not only go from one system call to the next.
    computes: bool,
}

impl Watch {
    /// Of a holder that computes.
    pub fn of_computing() -> Watch {
        Watch { computes: true, ..Watch::default() }
    }

    /// Looks at the holder of a stream on that descriptor.
    pub fn look(&mut self, holder: Holder, descriptor: RawFd) -> Seen {
        let used = || sys::processor_time(holder.thread).unwrap_or(0);
        if holder != self.holder {
            *self = Watch { holder, away: 0, used: used(), ..*self };
        }
        match sys::doing(holder.thread) {
            Doing::Ended => return Seen::Left,
            Doing::Unknown => return Seen::Inside,
            Doing::Running => {
                let long = if self.computes { VERY_LONG } else { LONG };
                self.away = if used().saturating_sub(self.used) > long { self.away + 1 } else { 0 };
            }
            Doing::Waiting { call, first, stack } => {
                let same_stack = stack.abs_diff(holder.place) < ONE_STACK;
                if same_stack && stack > holder.place {
                    // Unless a handler runs on a stack of its own.
                    self.away += 1;
                    return if self.away >= FEW_LOOKS { Seen::Left } else { Seen::Unsure };
                }
                let own = match call {
                    // Where the system does not tell it is believed.
                    libc::SYS_ppoll => sys::polled(first).is_none_or(|polled| polled == descriptor),
                    call => CALLS.contains(&call) && i32::try_from(first) == Ok(descriptor),
                };
                if own {
                    self.away = 0;
                    return Seen::Inside;
                }
                self.away += 1;
                // Allocating memory may wait there too, though not for long.
                if call == libc::SYS_futex && self.away < LONG_LOOKS {
                    return Seen::Unsure;
                }
            }
        }
        if self.away >= LOOKS { Seen::Left } else { Seen::Unsure }
    }
}
