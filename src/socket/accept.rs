//! accept-connection, and the MD5 keys of a passive socket.

use super::{Direction, Role, Socket};
use crate::address::IpAddress;
use crate::error::{Errno, Error, Identifier, Result};
use crate::stream::Stream;
use crate::sys;

/// Errors of a connection that failed before it could be accepted: accept(2) asks to go on. So
/// many in a row are taken for the state of the network instead.
const PATIENCE: u32 = 32;

fn of_the_connection(errno: Errno) -> bool {
    matches!(
        errno.0,
        libc::ECONNABORTED
            | libc::EPROTO
            | libc::ENETDOWN
            | libc::ENOPROTOOPT
            | libc::EHOSTDOWN
            | libc::ENONET
            | libc::EHOSTUNREACH
            | libc::ENETUNREACH
    )
}

impl Socket {
    /// accept-connection. Without `wait` the answer is `WOULD_BLOCK` where nothing is pending.
    pub fn accept(&self, wait: bool) -> Result<Socket> {
        let Role::Passive(mode) = self.role else {
            return Err(self.wrong_kind("accepting a connection on"));
        };
        let action = || format!("accepting a connection on the {self}");
        if !wait {
            // Stays set: a thread that does wait polls between its attempts from now on.
            self.descriptor.run(|fd| sys::set_nonblocking(fd, true), action)?;
        }
        let mut failed = 0;
        loop {
            let accepted = match wait {
                true => self.run_waiting(Direction::Input, |fd, _| sys::accept(fd), action),
                false => self.descriptor.run(sys::accept, action),
            };
            match accepted {
                Ok((owned, remote)) => {
                    let role = Role::Stream(Stream::new(mode));
                    let mut socket = Socket::of(owned, self.family, self.format, role);
                    socket.remote = remote;
                    return Ok(socket);
                }
                Err(error) if error.code == libc::EAGAIN && !wait => {
                    return Err(Error::new(Identifier::WOULD_BLOCK, action()));
                }
                Err(error) if error.code == libc::EAGAIN => {
                    self.descriptor.run(sys::wait_readable, action)?;
                }
                Err(error) if failed < PATIENCE && of_the_connection(Errno(error.code)) => failed += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// set-tcp-md5-sig.
    pub fn set_tcp_md5_sig(&self, address: IpAddress, key: &[u8]) -> Result<()> {
        if !matches!(self.role, Role::Passive(_)) || !self.is_internet() {
            return Err(self.wrong_kind("setting an MD5 key of"));
        }
        let address = match super::make::name_for(self.family, address, 0) {
            sys::Name::Internet(address, _) => address,
            sys::Name::File(_) => address,
        };
        let action = || format!("setting the MD5 key for {address} of the {self}");
        self.descriptor.run(|fd| sys::set_md5_key(fd, address, key), action)
    }
}
