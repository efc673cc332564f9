//! Socket options, as tables: an option is a row, not a function.

use super::Fd;
use super::descriptor::last_errno;
use crate::error::Errno;
use libc::c_int;

/// An option of the kernel: its level and its number.
pub type Switch = (c_int, c_int);

/// Turns a boolean option on or off.
pub fn set_switch(fd: Fd, option: Switch, on: bool) -> Result<(), Errno> {
    set_number(fd, option, c_int::from(on))
}

/// Sets an option that is a number.
pub fn set_number(fd: Fd, (level, option): Switch, value: c_int) -> Result<(), Errno> {
    // SAFETY: the pointer and the length describe `value`.
    let done = unsafe {
        libc::setsockopt(
            fd.0,
            level,
            option,
            (&raw const value).cast(),
            size_of::<c_int>() as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(last_errno()) }
}
