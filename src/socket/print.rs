//! The printed representation of section 1.3, without the object's address, which the C layer adds.

use super::{Format, Role, Socket};
use crate::names::{self, Ipv6, Lookup};
use crate::ssl::Side;
use crate::sys::Name;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

static PRINT_HOSTNAME_IN_STREAM: AtomicBool = AtomicBool::new(true);

/// `*print-hostname-in-stream*`.
pub fn print_hostname_in_stream() -> bool {
    PRINT_HOSTNAME_IN_STREAM.load(Ordering::Relaxed)
}

/// Sets `*print-hostname-in-stream*`.
pub fn set_print_hostname_in_stream(on: bool) {
    PRINT_HOSTNAME_IN_STREAM.store(on, Ordering::Relaxed);
}

impl Socket {
    /// What stands between `#<` and ` @`: hosts by name where the variable says so.
    pub fn printed(&self) -> String {
        self.described(print_hostname_in_stream())
    }

    fn described(&self, hostnames: bool) -> String {
        let format = match self.format {
            Format::Multivalent => "multivalent",
            Format::Text => "text",
            Format::Binary => "binary",
            Format::Bivalent => "bivalent",
        };
        let kind = match self.ssl_side() {
            Some(Side::Client) => "SSL client stream",
            Some(Side::Server) => "SSL server stream",
            None if self.is_stream() => "stream",
            None => "datagram",
        };
        let local = match self.local_name() {
            Ok(name) => place(name, hostnames),
            Err(_) => "*".into(),
        };
        let state = match self.role {
            Role::Stream(_) => {
                format!("connected from {local} to {}", place(self.remote_name(), hostnames))
            }
            _ => format!("waiting for connection at {local}"),
        };
        let closed = if self.descriptor.is_closed() { "closed " } else { "" };
        format!("{closed}{format} {kind} socket {state}")
    }
}

/// Nobody gave a time.
const HOW: Lookup = Lookup { ipv6: Ipv6::T, ignore_cache: false, end: None };

fn place(name: Option<&Name>, hostnames: bool) -> String {
    match name {
        Some(Name::Internet(address, port)) if address.is_unspecified() => format!("*/{port}"),
        Some(Name::Internet(address, port)) => {
            let name = if hostnames { names::ipaddr_to_hostname(*address, HOW).ok().flatten() } else { None };
            format!("{}/{port}", name.unwrap_or_else(|| address.to_string()))
        }
        Some(Name::File(file)) if !file.bytes().is_empty() => {
            String::from_utf8_lossy(file.bytes()).into_owned()
        }
        _ => "*".into(),
    }
}

/// For reports, which must not wait for a resolver.
impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.described(false))
    }
}
