//! The hosts file: names that are known without asking anybody. It is read again when it changes.

use crate::address::IpAddress;
use crate::names::parse_dotted;
use crate::shared::Shared;
use crate::sys::{self, FileStamp};
use std::collections::HashMap;
use std::sync::Arc;

/// So much of the file is read.
const FILE: usize = 32 << 20;

/// A file as it was.
#[derive(Debug, Default)]
pub struct Hosts {
    path: String,
    stamp: Option<FileStamp>,
    addresses: HashMap<String, Vec<IpAddress>>,
    names: HashMap<IpAddress, String>,
}

static HOSTS: Shared<Hosts> = Shared::empty();

impl Hosts {
    fn read(path: &str, stamp: Option<FileStamp>) -> Hosts {
        let text = sys::read_configuration(path, FILE).unwrap_or_default();
        let mut hosts = Hosts { path: path.into(), stamp, ..Hosts::default() };
        for line in String::from_utf8_lossy(&text).lines() {
            hosts.read_line(line);
        }
        hosts
    }

    fn read_line(&mut self, line: &str) {
        let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
        let Some(address) = words.next().and_then(parse_dotted) else { return };
        for name in words {
            self.names.entry(address).or_insert_with(|| name.to_owned());
            let addresses = self.addresses.entry(name.to_ascii_lowercase()).or_default();
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }

    /// The addresses of a host, in the order of the file.
    pub fn addresses(&self, name: &str) -> &[IpAddress] {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        self.addresses.get(&name).map_or(&[], Vec::as_slice)
    }

    /// The first name of an address.
    pub fn name(&self, address: IpAddress) -> Option<&str> {
        self.names.get(&address).map(String::as_str)
    }
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
        text.lines().for_each(|line| hosts.read_line(line));
        let shown = |name: &str| hosts.addresses(name).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shown("LOCALHOST."), ["127.0.0.1", "::1"]);
        assert_eq!(shown("a"), ["10.0.0.3", "10.0.0.4"]);
        assert_eq!(shown("no"), [""; 0]);
        assert_eq!(hosts.name(IpAddress::V4(0x0a00_0003)), Some("a"));
        assert_eq!(hosts.name(IpAddress::V4(0x0a00_0001)), None);
    }
}
