//! The hosts file: names that are known without asking anybody. It is read again when it changes.

use crate::address::IpAddress;
use crate::names::parse_dotted;
use crate::shared::Shared;
use crate::sys::{self, FileStamp};
use std::sync::Arc;

/// So much of the file is read.
const FILE: usize = 32 << 20;

/// A file as it was.
#[derive(Debug, Default)]
pub struct Hosts {
    path: String,
    stamp: Option<FileStamp>,
    /// By name, in small letters, and for each in the order of the file.
    addresses: Vec<(String, IpAddress)>,
    /// By address, likewise.
    names: Vec<(IpAddress, String)>,
}

static HOSTS: Shared<Hosts> = Shared::empty();

impl Hosts {
    fn read(path: &str, stamp: Option<FileStamp>) -> Hosts {
        let text = sys::read_configuration(path, FILE).unwrap_or_default();
        let mut hosts = Hosts { path: path.into(), stamp, ..Hosts::default() };
        hosts.read_lines(&String::from_utf8_lossy(&text));
        hosts
    }

    fn read_lines(&mut self, text: &str) {
        text.lines().for_each(|line| self.read_line(line));
        self.addresses.sort_by(|one, other| one.0.cmp(&other.0));
        self.names.sort_by_key(|(address, _)| key(*address));
    }

    fn read_line(&mut self, line: &str) {
        let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
        let Some(address) = words.next().and_then(parse_dotted) else { return };
        for name in words {
            self.names.push((address, name.to_owned()));
            self.addresses.push((name.to_ascii_lowercase(), address));
        }
    }

    /// The addresses of a host, in the order of the file.
    pub fn addresses(&self, name: &str) -> Vec<IpAddress> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let from = self.addresses.partition_point(|(known, _)| *known < name);
        let mut found = Vec::new();
        for (_, address) in self.addresses.iter().skip(from).take_while(|(known, _)| *known == name) {
            if !found.contains(address) {
                found.push(*address);
            }
        }
        found
    }

    /// The first name of an address.
    pub fn name(&self, address: IpAddress) -> Option<&str> {
        let from = self.names.partition_point(|(known, _)| key(*known) < key(address));
        self.names.get(from).filter(|(known, _)| *known == address).map(|(_, name)| name.as_str())
    }
}

/// What addresses are ordered by.
fn key(address: IpAddress) -> (bool, [u8; 16], u32) {
    let v6 = address.to_v6_mapped();
    (matches!(address, IpAddress::V6(_)), v6.octets, v6.scope_id)
}

/// The file of that path as it is now; without a path no host is known.
pub fn current(path: &str) -> Arc<Hosts> {
    let stamp = sys::file_stamp(path);
    if let Some(hosts) = HOSTS.get()
        && hosts.path == path
        && hosts.stamp == stamp
    {
        return hosts;
    }
    let hosts = Arc::new(Hosts::read(path, stamp));
    HOSTS.set(Some(Arc::clone(&hosts)));
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_c_library_does() {
        let mut hosts = Hosts::default();
        let text = "127.0.0.1 localhost # here\n\n::1\tLocalHost ip6\n#10.0.0.1 no\nnonsense x\n10.0.0.2\n\
                    10.0.0.3 a b\n10.0.0.4 a\n10.0.0.3 a";
        hosts.read_lines(text);
        let shown = |name: &str| hosts.addresses(name).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shown("LOCALHOST."), ["127.0.0.1", "::1"]);
        assert_eq!(shown("a"), ["10.0.0.3", "10.0.0.4"]);
        assert_eq!(shown("no"), [""; 0]);
        assert_eq!(hosts.name(IpAddress::V4(0x0a00_0003)), Some("a"));
        assert_eq!(hosts.name(IpAddress::V4(0x0a00_0001)), None);
    }
}
