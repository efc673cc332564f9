//! Small files of the system's configuration, read by bare system calls, which are no cancellation
//! points.

use super::descriptor::{Closing, uninterrupted};
use crate::error::Errno;
use std::ffi::CString;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;

/// What changes when a file is written or another one takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

/// The stamp of a file, `None` where there is none.
pub fn file_stamp(path: &str) -> Option<FileStamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(FileStamp {
        inode: metadata.ino(),
        size: metadata.len(),
        seconds: metadata.mtime(),
        nanoseconds: metadata.mtime_nsec(),
    })
}

/// The first bytes of a file, at most so many. A pipe that nobody writes to is not waited for.
pub fn read_configuration(path: &str, most: usize) -> Result<Vec<u8>, Errno> {
    let path = CString::new(path).map_err(|_| Errno(libc::EINVAL))?;
    let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    // SAFETY: the path ends with a NUL; the descriptor that comes back has no other owner.
    let number = uninterrupted(|| unsafe {
        libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, 0) as isize
    })?;
    let file = Closing::new(number as RawFd);
    let mut bytes = Vec::new();
    while bytes.len() < most {
        bytes.reserve(4096);
        let spare = bytes.spare_capacity_mut();
        // SAFETY: the pointer and the length describe spare capacity.
        let count = uninterrupted(|| unsafe {
            libc::syscall(libc::SYS_read, file.fd().0, spare.as_mut_ptr(), spare.len()) as isize
        })?;
        if count == 0 {
            break;
        }
        // SAFETY: the kernel has written `count` bytes there.
        unsafe { bytes.set_len(bytes.len() + count) };
    }
    bytes.truncate(most);
    Ok(bytes)
}
