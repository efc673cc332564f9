//! set-socket-options: what is omitted stays as it is.

use super::Socket;
use crate::error::Result;
use crate::sys::{self, Fd, Switch};

/// The options to change.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lets a local address be bound again at once.
    pub reuse_address: Option<bool>,
    /// Lets a datagram socket send to a broadcast address.
    pub broadcast: Option<bool>,
    /// Probes an idle peer.
    pub keepalive: Option<bool>,
    /// Sends small segments without waiting for what is under way.
    pub nodelay: Option<bool>,
    /// Leaves urgent data in the stream.
    pub oob_inline: Option<bool>,
    /// Bytes.
    pub receive_buffer_size: Option<i32>,
    /// Bytes.
    pub send_buffer_size: Option<i32>,
    /// Seconds.
    pub tcp_keepalive_idle_time: Option<i32>,
    /// Seconds.
    pub tcp_keepalive_probe_interval: Option<i32>,
    /// Probes.
    pub tcp_keepalive_max_probes: Option<i32>,
}

impl Options {
    pub(super) fn apply(&self, fd: Fd, action: impl Fn() -> String) -> Result<()> {
        const TCP: i32 = libc::IPPROTO_TCP;
        const SOCKET: i32 = libc::SOL_SOCKET;
        let switch = |on: Option<bool>| on.map(i32::from);
        let wanted: [(&str, Switch, Option<i32>); 10] = [
            ("reuse_address", (SOCKET, libc::SO_REUSEADDR), switch(self.reuse_address)),
            ("broadcast", (SOCKET, libc::SO_BROADCAST), switch(self.broadcast)),
            ("keepalive", (SOCKET, libc::SO_KEEPALIVE), switch(self.keepalive)),
            ("nodelay", (TCP, libc::TCP_NODELAY), switch(self.nodelay)),
            ("oob_inline", (SOCKET, libc::SO_OOBINLINE), switch(self.oob_inline)),
            ("receive_buffer_size", (SOCKET, libc::SO_RCVBUF), self.receive_buffer_size),
            ("send_buffer_size", (SOCKET, libc::SO_SNDBUF), self.send_buffer_size),
            ("tcp_keepalive_idle_time", (TCP, libc::TCP_KEEPIDLE), self.tcp_keepalive_idle_time),
            ("tcp_keepalive_probe_interval", (TCP, libc::TCP_KEEPINTVL), self.tcp_keepalive_probe_interval),
            ("tcp_keepalive_max_probes", (TCP, libc::TCP_KEEPCNT), self.tcp_keepalive_max_probes),
        ];
        for (name, option, value) in wanted {
            let Some(value) = value else { continue };
            sys::set_number(fd, option, value)
                .map_err(|errno| errno.during(format!("setting {name} to {value}, {}", action())))?;
        }
        Ok(())
    }
}

impl Socket {
    /// set-socket-options.
    pub fn set_options(&self, options: &Options) -> Result<()> {
        let action = || format!("setting options of the {self}");
        let mut applied = Ok(());
        self.descriptor.run(
            |fd| {
                applied = options.apply(fd, action);
                Ok(())
            },
            action,
        )?;
        applied
    }
}
