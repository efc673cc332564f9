//! Sending a file on a stream.

use super::Element;
use crate::error::Result;
use crate::socket::Socket;
use crate::sys;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;

/// What is read of a file at once where the system does not send it by itself. It lies on the stack:
/// reading may wait, and a thread that leaves it leaves no memory behind.
const PIECE: usize = 16 * 1024;

impl Socket {
    /// Sends from a file, from an offset or from where it stands, so many bytes or to its end. `gone`
    /// is told how many went, each time that more did.
    pub fn send_file(
        &self,
        file: RawFd,
        offset: Option<u64>,
        count: Option<u64>,
        gone: impl Fn(u64),
    ) -> Result<()> {
        self.link(Some(Element::Byte), "sending a file on")?;
        let action = || format!("sending the file of descriptor {file} on the {self}");
        let waits = sys::may_wait(file).map_err(|errno| errno.during(action()))?;
        self.force_output()?;
        let mut by_system = !waits;
        let mut total = 0;
        loop {
            let most = count.map_or(u64::MAX, |count| count - total);
            let at = offset.map(|offset| offset.saturating_add(total));
            if most == 0 {
                return Ok(());
            }
            let sent = match by_system {
                true => self.send_part(file, at, most)?,
                false => None,
            };
            by_system &= sent.is_some();
            let sent = match sent {
                Some(sent) => sent,
                None => self.copy_part(file, at, most, waits, |part| gone(total + part))?,
            };
            if sent == 0 {
                return Ok(());
            }
            total += sent as u64;
            gone(total);
        }
    }

    fn send_part(&self, file: RawFd, at: Option<u64>, most: u64) -> Result<Option<usize>> {
        let link = self.link(Some(Element::Byte), "sending a file on")?;
        link.write(|output| {
            output.leave_shift(&link)?;
            output.send_file(&link, file, at, most)
        })
    }

    fn copy_part(
        &self,
        file: RawFd,
        at: Option<u64>,
        most: u64,
        waits: bool,
        gone: impl Fn(u64),
    ) -> Result<usize> {
        let action = || format!("reading the file of descriptor {file} to send it on the {self}");
        let mut room = [const { MaybeUninit::uninit() }; PIECE];
        let size = usize::try_from(most).unwrap_or(PIECE).min(PIECE);
        let room = room.get_mut(..size).unwrap_or_default();
        let bytes = loop {
            if waits {
                self.wait_for_source(file, action)?;
            }
            match sys::read_file(file, at, room) {
                // Somebody else was faster.
                Err(errno) if waits && errno.0 == libc::EAGAIN => {}
                read => break read.map_err(|errno| errno.during(action()))?,
            }
        };
        if bytes.is_empty() {
            return Ok(0);
        }
        let link = self.link(Some(Element::Byte), "sending a file on")?;
        let mut taken = 0;
        let written = link.write(|output| {
            output.leave_shift(&link)?;
            output.line_start = bytes.last() == Some(&b'\n');
            output.write_through(&link, bytes, at.is_none(), &mut taken)
        });
        if written.is_err() && taken > 0 {
            gone(taken as u64);
        }
        written.map(|()| bytes.len())
    }
}
