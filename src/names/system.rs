//! Looking up by the C library. It waits as long as it likes, in the calling thread.

use super::Ipv6;
use crate::address::IpAddress;
use crate::error::{Error, Identifier, Result};
use crate::sys::{self, Families, Lookup};

/// The addresses of a host.
pub fn addresses(host: &str, ipv6: Ipv6) -> Result<Vec<IpAddress>> {
    let families = match ipv6 {
        Ipv6::Nil => Families::V4,
        Ipv6::T => Families::Both,
        Ipv6::Only => Families::V6,
    };
    let failed =
        |failure| error(failure, Identifier::HOST_NOT_FOUND, format!("looking up the host {host:?}"));
    match sys::host_addresses(host, families) {
        Ok(found) if found.is_empty() => Err(failed(Lookup::NoData)),
        found => found.map_err(failed),
    }
}

/// The name of the host with that address.
pub fn name(address: IpAddress) -> Result<String> {
    let failed = |failure| {
        let action = format!("looking up the name of the host {address}");
        error(failure, Identifier::HOST_NOT_FOUND, action)
    };
    sys::host_name(address).map_err(failed)?.ok_or_else(|| failed(Lookup::NotFound))
}

/// The error of a failure, with the identifier of that there is no such thing.
pub fn error(failure: Lookup, absent: Identifier, action: String) -> Error {
    match failure {
        Lookup::NotFound => Error::new(absent, action),
        Lookup::NoData => Error::new(Identifier::NO_DATA, action),
        Lookup::Again => Error::new(Identifier::NAMESERVER_TIMEOUT, action),
        Lookup::System(errno) => errno.during(action),
        Lookup::Failed(reason) => Error::new(Identifier::NAMESERVER_ERROR, format!("{action} ({reason})")),
    }
}

/// Whether the C library takes names of hosts from other sources than the hosts file and name servers.
pub fn has_other_sources() -> bool {
    const FILE: usize = 64 * 1024;
    let text = sys::read_configuration("/etc/nsswitch.conf", FILE).unwrap_or_default();
    names_other_sources(&String::from_utf8_lossy(&text))
}

fn names_other_sources(nsswitch: &str) -> bool {
    let lines = nsswitch.lines().map(|line| line.split('#').next().unwrap_or_default());
    let sources = lines.filter_map(|line| line.trim_start().strip_prefix("hosts:")).next_back();
    // What is in brackets is no source but what to do behind one.
    let mut inside = false;
    sources.unwrap_or_default().split_ascii_whitespace().any(|word| {
        let action = inside || word.starts_with('[');
        inside = action && !word.ends_with(']');
        !action && !["files", "dns"].contains(&word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sources_are_those_that_this_library_does_not_ask() {
        for (text, others) in [
            ("", false),
            ("hosts: files dns", false),
            ("# hosts: mdns\npasswd: nis\nhosts:\tfiles [ NOTFOUND = continue ] dns # nis", false),
            ("hosts: files mdns4_minimal [NOTFOUND=return] dns", true),
            ("  hosts:files dns myhostname", true),
        ] {
            assert_eq!(names_other_sources(text), others, "{text}");
        }
    }
}
