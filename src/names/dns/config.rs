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

/// What can be said about queries; `None` where nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The domain of this machine.
    pub domain: Option<String>,
    /// The domains that are put behind a short name.
    pub search: Option<Vec<String>>,
    /// A name with fewer dots is short.
    pub ndots: Option<u32>,
    /// How long one try waits.
    pub timeout: Option<Duration>,
    /// How often a query is tried, all servers together.
    pub tries: Option<u32>,
    /// Whether queries begin with one server after the other.
    pub rotate: Option<bool>,
}

/// What is configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether there is a name server, and nobody asked to look again.
    pub configured: bool,
    /// The name servers in the order in which they are asked.
    pub servers: Vec<Arc<Server>>,
    /// What is said by hand, which counts before what is found.
    pub given: Settings,
    /// What is found in the system's file.
    found: Settings,
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
const ROUNDS: u32 = 5;
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
            given: Settings::default(),
            found: Settings::default(),
            resolv_conf: "/etc/resolv.conf".into(),
            hosts_file: "/etc/hosts".into(),
            origin: None,
            generation: 0,
        }
    }
}

/// Where nothing is said; the times are Allegro's.
const TIMEOUT: Duration = Duration::from_secs(5);
const TRIES: u32 = 5;

impl Config {
    /// The domain of this machine, where it is known.
    pub fn domain(&self) -> Option<&str> {
        self.given.domain.as_deref().or(self.found.domain.as_deref()).filter(|domain| !domain.is_empty())
    }

    /// The domains that are put behind a short name.
    pub fn search(&self) -> &[String] {
        self.given.search.as_deref().or(self.found.search.as_deref()).unwrap_or_default()
    }

    /// A name with fewer dots is short.
    pub fn ndots(&self) -> u32 {
        self.given.ndots.or(self.found.ndots).unwrap_or(1)
    }

    /// How long one try waits.
    pub fn timeout(&self) -> Duration {
        self.given.timeout.or(self.found.timeout).unwrap_or(TIMEOUT)
    }

    /// How often a query is tried: without a word about it at least once for each server.
    pub fn tries(&self) -> u32 {
        let servers = u32::try_from(self.servers.len()).unwrap_or(TRIES);
        self.given.tries.or(self.found.tries).unwrap_or(TRIES.max(servers))
    }

    /// The servers in the order of one query: those that do not answer come last.
    pub fn in_turn(&self) -> Vec<Arc<Server>> {
        let mut servers = self.servers.clone();
        let rotate = self.given.rotate.or(self.found.rotate).unwrap_or(false);
        if rotate && !servers.is_empty() {
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
        let (mut found, mut servers, mut rounds) = (Settings::default(), Vec::new(), None);
        for line in text.lines() {
            // Within a word it is no comment: a port stands behind it.
            let mut words = line.split_ascii_whitespace().take_while(|word| !word.starts_with(['#', ';']));
            match words.next() {
                Some("nameserver") => servers.extend(words.next().and_then(server_address)),
                Some("domain") => {
                    found.domain = words.next().and_then(domain_name);
                    found.search = Some(found.domain.iter().cloned().collect());
                }
                Some("search") => {
                    found.search = Some(words.filter_map(domain_name).take(DOMAINS).collect());
                }
                Some("options") => words.for_each(|word| found.read_option(word, &mut rounds)),
                _ => {}
            }
        }
        if !servers.is_empty() {
            self.set_servers(&servers);
        }
        let servers = u32::try_from(self.servers.len()).unwrap_or(1).max(1);
        found.tries = rounds.map(|rounds: u32| rounds * servers);
        self.found = found;
    }

    /// What is found counts from now on, whatever was said by hand about the same.
    fn prefer_found(&mut self) {
        let (given, found) = (&mut self.given, &self.found);
        given.domain = given.domain.take().filter(|_| found.domain.is_none());
        given.search = given.search.take().filter(|_| found.search.is_none());
        given.ndots = given.ndots.filter(|_| found.ndots.is_none());
        given.timeout = given.timeout.filter(|_| found.timeout.is_none());
        given.tries = given.tries.filter(|_| found.tries.is_none());
        given.rotate = given.rotate.filter(|_| found.rotate.is_none());
    }

    /// The servers are given by hand from now on.
    pub fn by_hand(&mut self) {
        self.origin = None;
        self.configured = !self.servers.is_empty();
    }
}

impl Settings {
    fn read_option(&mut self, word: &str, rounds: &mut Option<u32>) {
        let (name, value) = word.split_once(':').unwrap_or((word, ""));
        let number = value.parse::<u32>().ok();
        match (name, number) {
            ("ndots", Some(number)) => self.ndots = Some(number.min(NDOTS)),
            ("timeout", Some(number)) => {
                self.timeout = Some(Duration::from_secs(number.clamp(1, LONGEST_TRY).into()));
            }
            ("attempts", Some(number)) => *rounds = Some(number.clamp(1, ROUNDS)),
            ("rotate", _) => self.rotate = Some(true),
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

/// Takes the servers and settings of the system's file, where `over` also over what was said by hand.
/// True where a server is known then.
pub fn read_system(over: bool) -> Result<bool> {
    change(|config| {
        // The stamp is taken first: a change while it is read is seen later.
        let stamp = sys::file_stamp(&config.resolv_conf);
        // A file that is not there, as while it is written anew, says nothing.
        if let Ok(text) = sys::read_configuration(&config.resolv_conf, FILE) {
            config.read(&String::from_utf8_lossy(&text));
        }
        if over {
            config.prefer_found();
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
    if !read_system(false)? {
        let action = format!("looking for a name server in {}", present.resolv_conf);
        return Err(Error::new(Identifier::NO_NAMESERVER, action));
    }
    Ok(self::present())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Config {
        let mut config = Config::default();
        config.read(text);
        config
    }

    fn numbers(config: &Config) -> (u32, u64, u32) {
        (config.ndots(), config.timeout().as_secs(), config.tries())
    }

    #[test]
    fn what_is_said_by_hand_counts_until_somebody_prefers_what_is_found() {
        let mut config = read("search a.example\noptions ndots:3");
        config.given =
            Settings { ndots: Some(2), timeout: Some(Duration::from_secs(9)), ..Settings::default() };
        config.given.search = Some(vec![]);
        assert_eq!((numbers(&config), config.search().len()), ((2, 9, 5), 0));
        config.read("nameserver 10.0.0.1\nsearch b.example\noptions ndots:4");
        assert_eq!((numbers(&config), config.search().len()), ((2, 9, 5), 0));
        config.prefer_found();
        assert_eq!((numbers(&config), config.search()), ((4, 9, 5), &["b.example".to_string()][..]));
        config.read("");
        assert_eq!((numbers(&config), config.servers.len()), ((1, 9, 5), 1));
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
        assert_eq!(config.search(), ["a.example", "B.example"]);
        assert_eq!(numbers(&config), (3, 2, 9));
        assert!(config.found.rotate == Some(true) && config.servers.iter().all(|server| server.port == 53));
    }

    #[test]
    fn the_last_of_domain_and_search_counts_and_options_are_limited() {
        let config = read("search a b\ndomain c.example\noptions ndots:99 timeout:0 attempts:77\n");
        assert_eq!((config.search(), config.domain()), (&["c.example".to_string()][..], Some("c.example")));
        assert_eq!(numbers(&config), (15, 1, 5));
        let config = read("domain c.example\nsearch a b\noptions ndots:x timeout: attempts:-1");
        assert_eq!(config.search(), ["a", "b"]);
        assert_eq!(numbers(&config), (1, 5, 5));
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
