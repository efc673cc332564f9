//! The TCP MD5 signature option of RFC 2385 (Linux).

use super::descriptor::last_errno;
use super::{Fd, Name};
use crate::address::IpAddress;
use crate::error::Errno;

/// The longest key.
pub const MAX_MD5_KEY: usize = 80;

/// The kernel's `struct tcp_md5sig`.
#[repr(C)]
struct TcpMd5Sig {
    address: libc::sockaddr_storage,
    flags: u8,
    prefix_length: u8,
    key_length: u16,
    interface: i32,
    key: [u8; MAX_MD5_KEY],
}

/// Signs the segments to and from `address` with `key`, at most 80 bytes.
pub fn set_md5_key(fd: Fd, address: IpAddress, key: &[u8]) -> Result<(), Errno> {
    let name = Name::Internet(address, 0).to_sockaddr();
    // SAFETY: all bytes zero is a valid sockaddr_storage.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    // SAFETY: a socket2 address is at most as long as a sockaddr_storage, and both are disjoint.
    unsafe {
        let bytes = (&raw mut storage).cast::<u8>();
        bytes.copy_from_nonoverlapping(name.as_ptr().cast(), name.len() as usize);
    }
    let mut signature = TcpMd5Sig {
        address: storage,
        flags: 0,
        prefix_length: 0,
        key_length: u16::try_from(key.len()).map_err(|_| Errno(libc::EINVAL))?,
        interface: 0,
        key: [0; MAX_MD5_KEY],
    };
    let room = signature.key.get_mut(..key.len()).ok_or(Errno(libc::EINVAL))?;
    room.copy_from_slice(key);
    // SAFETY: the pointer and the length describe `signature`, which has the kernel's layout.
    let done = unsafe {
        libc::setsockopt(
            fd.0,
            libc::IPPROTO_TCP,
            libc::TCP_MD5SIG,
            (&raw const signature).cast(),
            size_of::<TcpMd5Sig>() as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(last_errno()) }
}
