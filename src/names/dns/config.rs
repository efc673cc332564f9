//! What the resolver knows of its surroundings: name servers, domains and options, given by hand or
//! read from the system's resolv.conf, which is read again when it changes.

use crate::address::IpAddress;
use crate::error::{Error, Identifier, Result};
use crate::names::parse_dotted;
use crate::shared::Shared;
use crate::sys::{self, FileStamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A name server. Its counters live as long as it is configured.
#[derive(Debug)]
pub struct Server {
    /// Its address.
    pub address: IpAddress,
    /// Its port, for UDP and TCP.
    pub port: u16,
    /// Queries that were sent to it.
    pub sent: AtomicU64,
    /// Responses that came from it.
    pub received: AtomicU64,
    /// When it last did not answer, 0 for never.
    failed: AtomicU64,
}

/// What is configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether there is a name server, and nobody asked to look again.
    pub configured: bool,
    /// The name servers in the order in which they are asked.
    pub servers: Vec<Arc<Server>>,
    /// The domain of this machine.
    pub domain: Option<String>,
    /// The domains that are put behind a short name.
    pub search: Vec<String>,
    /// A name with fewer dots is short.
    pub ndots: u32,
    /// How long one try waits.
    pub timeout: Duration,
    /// How often a query is tried, at the least as often as there are servers.
    pub tries: u32,
    /// Whether queries begin with one server after the other.
    pub rotate: bool,
    /// The file that servers are read from.
    pub resolv_conf: String,
    /// The file of names that are known without a server; empty for none.
    pub hosts_file: String,
    /// Whether it came from that file, and from which state of it.
    origin: Option<Option<FileStamp>>,
    /// What was cached under another one does not count.
    pub generation: u64,
}

/// The most name servers, domains, and bytes of the file that are taken.
const SERVERS: usize = 16;
const DOMAINS: usize = 32;
const FILE: usize = 64 * 1024;
const TRIES: u32 = 5;
const NDOTS: u32 = 15;
const LONGEST_TRY: u32 = 30;

/// For so long a server that did not answer is asked behind the others.
const PENALTY: u64 = 30_000_000_000;

static CONFIG: Shared<Config> = Shared::empty();
static GENERATION: AtomicU64 = AtomicU64::new(1);
static TURN: AtomicU64 = AtomicU64::new(0);

impl Server {
    /// A server that nobody has asked yet.
    pub fn new(address: IpAddress, port: u16) -> Server {
        let zero = || AtomicU64::new(0);
        Server { address, port, sent: zero(), received: zero(), failed: zero() }
    }

    /// Notes that it did, or did not, answer.
    pub fn answered(&self, answered: bool) {
        self.failed.store(if answered { 0 } else { sys::now() }, Ordering::Relaxed);
    }

    fn is_failing(&self) -> bool {
        let failed = self.failed.load(Ordering::Relaxed);
        failed != 0 && sys::now().saturating_sub(failed) < PENALTY
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            configured: false,
            servers: Vec::new(),
            domain: None,
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            tries: TRIES,
            rotate: false,
            resolv_conf: "/etc/resolv.conf".into(),
            hosts_file: "/etc/hosts".into(),
            origin: None,
            generation: 0,
        }
    }
}

impl Config {
    /// The servers in the order of one query: those that do not answer come last.
    pub fn in_turn(&self) -> Vec<Arc<Server>> {
        let mut servers = self.servers.clone();
        if self.rotate && !servers.is_empty() {
            let turn = TURN.fetch_add(1, Ordering::Relaxed) % servers.len() as u64;
            servers.rotate_left(turn as usize);
        }
        servers.sort_by_key(|server| server.is_failing());
        servers
    }

    /// Takes other servers; those that stay keep their counters.
    pub fn set_servers(&mut self, addresses: &[(IpAddress, u16)]) {
        let same = |server: &Arc<Server>, wanted: &(IpAddress, u16)| (server.address, server.port) == *wanted;
        let servers = addresses.iter().take(SERVERS).map(|wanted| {
            let known = self.servers.iter().find(|server| same(server, wanted));
            known.cloned().unwrap_or_else(|| Arc::new(Server::new(wanted.0, wanted.1)))
        });
        self.servers = servers.collect();
    }

    /// Takes what resolv.conf says: servers replace those there were.
    fn read(&mut self, text: &str) {
        let defaults = Config::default();
        (self.ndots, self.timeout, self.tries) = (defaults.ndots, defaults.timeout, defaults.tries);
        self.rotate = false;
        let (mut servers, mut rounds) = (Vec::new(), None);
        for line in text.lines() {
            // Within a word it is no comment: a port stands behind it.
            let mut words = line.split_ascii_whitespace().take_while(|word| !word.starts_with(['#', ';']));
            match words.next() {
                Some("nameserver") => servers.extend(words.next().and_then(server_address)),
                Some("domain") => {
                    self.domain = words.next().and_then(domain_name);
                    self.search = self.domain.iter().cloned().collect();
                }
                Some("search") => self.search = words.filter_map(domain_name).take(DOMAINS).collect(),
                Some("options") => words.for_each(|word| self.read_option(word, &mut rounds)),
                _ => {}
            }
        }
        if !servers.is_empty() {
            self.set_servers(&servers);
        }
        if let Some(rounds) = rounds {
            self.tries = rounds * u32::try_from(self.servers.len()).unwrap_or(1).max(1);
        }
    }

    fn read_option(&mut self, word: &str, rounds: &mut Option<u32>) {
        let (name, value) = word.split_once(':').unwrap_or((word, ""));
        let number = value.parse::<u32>().ok();
        match (name, number) {
            ("ndots", Some(number)) => self.ndots = number.min(NDOTS),
            ("timeout", Some(number)) => {
                self.timeout = Duration::from_secs(number.clamp(1, LONGEST_TRY).into());
            }
            ("attempts", Some(number)) => *rounds = Some(number.clamp(1, TRIES)),
            ("rotate", _) => self.rotate = true,
            _ => {}
        }
    }
}

/// The address of a name server: a dotted or colon hex text, with `#` and a port behind it where that
/// is not 53.
pub fn server_address(text: &str) -> Option<(IpAddress, u16)> {
    let (address, port) = match text.split_once('#') {
        Some((address, port)) => (address, port.parse().ok().filter(|port| *port != 0)?),
        None => (text, 53),
    };
    Some((parse_dotted(address)?, port))
}

/// A domain as it is put behind a name: `None` where it is the root or no name.
pub fn domain_name(text: &str) -> Option<String> {
    let asked = super::message::Asked::new(text, super::record::RecordType::A)?;
    (asked.text != ".").then_some(asked.text)
}

/// The configuration as it is, without looking at the system.
pub fn present() -> Arc<Config> {
    CONFIG.get().unwrap_or_default()
}

/// Changes the configuration as one step. What was cached under the old one is forgotten.
pub fn change<T>(mut change: impl FnMut(&mut Config) -> Result<T>) -> Result<T> {
    loop {
        let old = CONFIG.get();
        let mut new = old.as_deref().cloned().unwrap_or_default();
        let changed = change(&mut new)?;
        new.generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        if CONFIG.exchange(old.as_ref(), Arc::new(new)) {
            super::cache::clear();
            return Ok(changed);
        }
    }
}

/// Takes what the system's file says, over what is there. True where a server is known then.
pub fn read_system() -> Result<bool> {
    change(|config| {
        // The stamp is taken first: a change while it is read is seen later.
        let stamp = sys::file_stamp(&config.resolv_conf);
        // A file that is not there, as while it is written anew, says nothing.
        if let Ok(text) = sys::read_configuration(&config.resolv_conf, FILE) {
            config.read(&String::from_utf8_lossy(&text));
        }
        config.origin = Some(stamp);
        config.configured = !config.servers.is_empty();
        Ok(config.configured)
    })
}

/// The configuration for a query: the system's where none was given, as it is now.
pub fn current() -> Result<Arc<Config>> {
    let present = present();
    let stale = match &present.origin {
        Some(stamp) => sys::file_stamp(&present.resolv_conf) != *stamp,
        None => false,
    };
    if present.configured && !stale {
        return Ok(present);
    }
    if !read_system()? {
        let action = format!("looking for a name server in {}", present.resolv_conf);
        return Err(Error::new(Identifier::NO_NAMESERVER, action));
    }
    Ok(self::present())
}

impl Config {
    /// It is given by hand from now on.
    pub fn by_hand(&mut self) {
        self.origin = None;
        self.configured = !self.servers.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Config {
        let mut config = Config::default();
        config.read(text);
        config
    }

    #[test]
    fn resolv_conf_is_read_as_the_c_library_does() {
        let config = read(
            "# comment\nnameserver 10.0.0.1\nnameserver ::1 ; more\n nameserver fe80::1%1\n\
             nameserver nonsense\nsearch a.example B.example. .\n\
             options ndots:3 timeout:2 attempts:3 rotate edns0 unknown:7\n",
        );
        let servers: Vec<_> = config.servers.iter().map(|server| server.address.to_string()).collect();
        assert_eq!(servers, ["10.0.0.1", "::1", "fe80::1%1"]);
        assert_eq!(config.search, ["a.example", "B.example"]);
        assert_eq!((config.ndots, config.timeout.as_secs(), config.tries), (3, 2, 9));
        assert!(config.rotate && config.servers.iter().all(|server| server.port == 53));
    }

    #[test]
    fn the_last_of_domain_and_search_counts_and_options_are_limited() {
        let config = read("search a b\ndomain c.example\noptions ndots:99 timeout:0 attempts:77\n");
        assert_eq!((config.search, config.domain), (vec!["c.example".into()], Some("c.example".into())));
        assert_eq!((config.ndots, config.timeout.as_secs(), config.tries), (15, 1, 5));
        let config = read("domain c.example\nsearch a b\noptions ndots:x timeout: attempts:-1");
        assert_eq!(config.search, ["a", "b"]);
        assert_eq!((config.ndots, config.timeout.as_secs(), config.tries), (1, 5, 5));
    }

    #[test]
    fn servers_that_stay_keep_their_counters_and_failing_ones_come_last() {
        let mut config = read("nameserver 10.0.0.1\nnameserver 10.0.0.2");
        config.servers[0].sent.store(7, Ordering::Relaxed);
        config.servers[0].answered(false);
        config.read("nameserver 10.0.0.1\nnameserver 10.0.0.3");
        assert_eq!(config.servers[0].sent.load(Ordering::Relaxed), 7);
        assert_eq!(config.in_turn()[0].address.to_string(), "10.0.0.3");
        config.servers[0].answered(true);
        assert_eq!(config.in_turn()[0].address.to_string(), "10.0.0.1");
    }

    #[test]
    fn a_server_may_have_a_port() {
        assert_eq!(server_address("127.1#5353"), Some((IpAddress::V4(0x7f00_0001), 5353)));
        for wrong in ["127.1#", "127.1#0", "127.1#65536", "name", "", "#53"] {
            assert_eq!(server_address(wrong), None, "{wrong}");
        }
    }
}
