//! A query: a name with the domains that may stand behind it, one type or two at once, the cache, and
//! the one place where a thread waits for name servers.

use super::cache::{self, Absent, Key};
use super::config::{self, Config, Server};
use super::exchange::{CHANNELS, Exchange, Failure, Told, Tries, Why};
use super::message::Asked;
use super::record::{NO_ERROR, NO_SUCH_DOMAIN, Record, RecordType, Response};
use crate::error::{Error, Identifier, Result};
use crate::kept;
use crate::sys;
use std::sync::Arc;
use std::time::Duration;

/// At the most so many types are asked for at once.
const TYPES: usize = 2;

/// What a name server answered, decoded.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The response.
    pub response: Arc<Response>,
    /// The records that answer the question, best first.
    pub records: Vec<Record>,
    /// When it came and until when it is good, on the clock that goes on while the machine sleeps.
    pub came: u64,
    /// Until when it is good.
    pub expires: u64,
    /// Whether it was in the cache.
    pub cached: bool,
}

impl Answer {
    /// For how many seconds it is good yet; negative where it is not any more.
    pub fn seconds_left(&self) -> i64 {
        let now = sys::now_with_sleep();
        let seconds = |nanoseconds: u64| i64::try_from(nanoseconds / NANOSECONDS).unwrap_or(i64::MAX);
        match self.expires.checked_sub(now) {
            Some(left) => seconds(left.saturating_add(NANOSECONDS / 2)),
            None => -1 - seconds(now - self.expires),
        }
    }

    /// How many seconds ago it came.
    pub fn age(&self) -> u32 {
        let age = sys::now_with_sleep().saturating_sub(self.came) / NANOSECONDS;
        u32::try_from(age).unwrap_or(u32::MAX)
    }
}

const NANOSECONDS: u64 = 1_000_000_000;

/// Which names are asked for when one is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// The name as it is.
    No,
    /// `:search t` of dns-query: domains behind a short name first, the next one only where there is no
    /// such name, then the name itself.
    Query,
    /// dns-lookup-hostname: the name itself, then, where that has no record, the domains.
    NameFirst,
    /// As the C library looks hosts up: the domains first where the name is short, else behind it.
    Host,
}

/// The keywords of a query; `None` is what is configured.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// What is asked for; empty where there is one type only.
    pub types: [Option<RecordType>; TYPES],
    /// The name servers, or those that are configured.
    pub servers: &'a [(crate::address::IpAddress, u16)],
    /// How often it is tried.
    pub repeat: Option<u32>,
    /// How long each try waits.
    pub timeout: Option<Duration>,
    /// When all is over, on the clock of [`sys::now`].
    pub end: Option<u64>,
    /// Whether the cache is used.
    pub queue: bool,
    /// Whether responses without an answer are answers.
    pub raw: bool,
    /// Which names are asked for.
    pub search: Search,
    /// Whether cached answers are passed over.
    pub ignore_cache: bool,
}

impl Query<'_> {
    /// A query for one type by what is configured.
    pub fn of(record_type: RecordType) -> Query<'static> {
        Query {
            types: [Some(record_type), None],
            servers: &[],
            repeat: None,
            timeout: None,
            end: None,
            queue: true,
            raw: false,
            search: Search::No,
            ignore_cache: false,
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug)]
pub enum Miss {
    /// There is no such name, or no such record.
    Absent(Absent),
    /// No server told.
    Failure(Failure),
}

impl Miss {
    /// The error of it.
    pub fn error(self, action: String) -> Error {
        let Failure { why, server } = match self {
            Miss::Absent(Absent::Name) => return Error::new(Identifier::HOST_NOT_FOUND, action),
            Miss::Absent(Absent::Record) => return Error::new(Identifier::NO_DATA, action),
            Miss::Failure(failure) => failure,
        };
        let action = format!("{action} (name server {} port {})", server.0, server.1);
        match why {
            Why::Silent => Error::new(Identifier::NAMESERVER_TIMEOUT, action),
            Why::Unreachable(errno) => errno.during(action),
            Why::Malformed => {
                Error::new(Identifier::NAMESERVER_ERROR, format!("{action}: malformed response"))
            }
            Why::Code(code) => Error::new(Identifier::NAMESERVER_ERROR, format!("{action}: code {code}")),
            Why::Refused => Error::new(Identifier::NAMESERVER_REFUSED, action),
            Why::Failed => Error::new(Identifier::NAMESERVER_INTERNAL_ERROR, action),
        }
    }

    /// Whether there certainly is none.
    pub fn is_absent(self) -> bool {
        matches!(self, Miss::Absent(_))
    }
}

/// There are servers that answer for the addresses of one family and are silent about the other: who asks
/// for both gets those of the one after so many nanoseconds.
const GRACE: u64 = 2 * NANOSECONDS;

/// What came of each type.
pub type Outcome = std::result::Result<Arc<Answer>, Miss>;

enum Part {
    Over(Outcome),
    Asking(Box<Exchange>, Key),
}

/// A query that is going on. It owns all there is to it, and is not in any frame.
struct Running {
    config: Arc<Config>,
    servers: Vec<Arc<Server>>,
    names: std::vec::IntoIter<String>,
    types: Vec<RecordType>,
    tries: Tries,
    search: Search,
    cache: bool,
    read_cache: bool,
    raw: bool,
    end: u64,
    parts: Vec<Part>,
    /// When the other type is not waited for any more, where one has been answered.
    grace: Option<u64>,
    /// The best that there is of the names so far.
    best: Option<Vec<Outcome>>,
}

/// Asks for the records of a name: one outcome for each type.
pub fn query(name: &str, query: &Query<'_>) -> Result<Vec<Outcome>> {
    let running = Running::new(name, query)?;
    Ok(kept::keep(running, wait))
}

/// The only place where the resolver waits. No frame owns anything here: see `kept`.
fn wait(running: &mut Running) -> Vec<Outcome> {
    loop {
        let nothing = libc::pollfd { fd: -1, events: 0, revents: 0 };
        let mut polls = [nothing; TYPES * CHANNELS];
        let Some((count, until)) = running.advance(&mut polls) else {
            return running.take();
        };
        let left = Duration::from_nanos(until.saturating_sub(sys::now()));
        // Whatever it fails with, there is a time to go on at, and what is not ready answers so.
        let _ = sys::poll_all(polls.get_mut(..count).unwrap_or_default(), Some(left));
    }
}

impl Running {
    fn new(name: &str, query: &Query<'_>) -> Result<Running> {
        let config = if query.servers.is_empty() { config::current()? } else { config::present() };
        let servers = match query.servers {
            [] => config.in_turn(),
            given => given.iter().map(|(address, port)| Arc::new(Server::new(*address, *port))).collect(),
        };
        // Each of those that were given is asked.
        let least = u32::try_from(query.servers.len()).unwrap_or(1);
        let tries = Tries {
            count: query.repeat.unwrap_or(config.tries().max(least)).max(1),
            each: query.timeout.unwrap_or(config.timeout()),
        };
        let longest = tries.each.saturating_mul(tries.count);
        let longest = sys::now().saturating_add(u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX));
        let cache = query.queue && query.servers.is_empty() && !query.raw;
        let names = names(name, query.search, &config)?;
        Ok(Running {
            names: names.into_iter(),
            types: query.types.iter().flatten().copied().collect(),
            search: query.search,
            cache,
            read_cache: cache && !query.ignore_cache,
            raw: query.raw,
            end: query.end.map_or(longest, |end| end.min(longest)),
            parts: Vec::new(),
            grace: None,
            best: None,
            tries,
            servers,
            config,
        })
    }

    /// Does what can be done without waiting; what to wait for, and until when, or `None` where all is
    /// done.
    fn advance(&mut self, polls: &mut [libc::pollfd]) -> Option<(usize, u64)> {
        loop {
            if self.parts.is_empty() && !self.next_name() {
                return None;
            }
            for index in 0..self.parts.len() {
                self.advance_part(index);
            }
            let mut places = polls.iter_mut();
            let (mut count, mut until) = (0, self.part_end());
            for part in &self.parts {
                let Part::Asking(exchange, _) = part else { continue };
                let (wanted, try_end) = exchange.polls();
                until = until.min(try_end);
                // In this order: at the end of the second a place would be lost.
                for (poll, place) in wanted.zip(places.by_ref()) {
                    *place = poll;
                    count += 1;
                }
            }
            if count > 0 {
                return Some((count, until));
            }
            if self.name_is_last() {
                return None;
            }
        }
    }

    fn advance_part(&mut self, index: usize) {
        let over = sys::now() >= self.part_end();
        let Some(Part::Asking(exchange, key)) = self.parts.get_mut(index) else { return };
        let outcome = match exchange.advance() {
            Told::Waits if !over => return,
            Told::Waits => Err(Miss::Failure(exchange.silent())),
            Told::Failure(failure) => match exchange.refusal().filter(|_| self.raw) {
                Some(response) => taken(exchange.asked(), *response, true, None),
                None => Err(Miss::Failure(failure)),
            },
            Told::Response(response) => {
                let cache = self.cache.then(|| key.clone());
                taken(exchange.asked(), *response, self.raw, cache)
            }
        };
        let stale = |key: &Key| cache::look_up(key, true).and_then(std::result::Result::ok);
        let outcome = match outcome {
            Err(Miss::Failure(failure)) if self.read_cache => stale(key).ok_or(Miss::Failure(failure)),
            outcome => outcome,
        };
        if outcome.is_ok() && self.grace.is_none() {
            self.grace = Some(sys::now().saturating_add(GRACE));
        }
        if let Some(part) = self.parts.get_mut(index) {
            *part = Part::Over(outcome);
        }
    }

    /// When what is being asked for must be over.
    fn part_end(&self) -> u64 {
        self.grace.map_or(self.end, |grace| grace.min(self.end))
    }

    /// Begins with the next name: false where there is none.
    fn next_name(&mut self) -> bool {
        let Some(name) = self.names.next() else { return false };
        let parts = self.types.iter().filter_map(|wanted| {
            let asked = Asked::new(&name, *wanted)?;
            let key = Key::new(self.config.generation, &asked.text, *wanted);
            let known = if self.read_cache { cache::look_up(&key, false) } else { None };
            Some(match known {
                Some(cached) => Part::Over(cached.map_err(Miss::Absent)),
                None => Part::Asking(Box::new(Exchange::new(asked, &self.servers, self.tries)), key),
            })
        });
        self.parts = parts.collect();
        let answered = self.parts.iter().any(|part| matches!(part, Part::Over(Ok(_))));
        self.grace = answered.then(|| sys::now().saturating_add(GRACE));
        true
    }

    /// Takes what there is of a name; whether no other one is asked for.
    fn name_is_last(&mut self) -> bool {
        let outcomes = std::mem::take(&mut self.parts).into_iter().filter_map(|part| match part {
            Part::Over(outcome) => Some(outcome),
            Part::Asking(..) => None,
        });
        let outcomes: Vec<_> = outcomes.collect();
        let failed = |outcome: &Outcome| matches!(outcome, Err(Miss::Failure(_)));
        let no_record = |outcome: &Outcome| matches!(outcome, Err(Miss::Absent(Absent::Record)));
        let last = outcomes.iter().any(|outcome| outcome.is_ok() || failed(outcome))
            || self.search == Search::Query && outcomes.iter().any(no_record);
        // That a name is there tells more than that another one is not.
        if last || outcomes.iter().any(no_record) || self.best.is_none() {
            self.best = Some(outcomes);
        }
        last
    }

    fn take(&mut self) -> Vec<Outcome> {
        self.best.take().unwrap_or_default()
    }
}

/// The names that are asked for, in their order.
fn names(name: &str, search: Search, config: &Config) -> Result<Vec<String>> {
    let refused = || Error::argument(format!("taking {name:?} for a name of the DNS"));
    let asked = Asked::new(name, RecordType::A).ok_or_else(refused)?;
    let dots = asked.text.matches('.').count();
    let (short, whole) = (dots < config.ndots() as usize, name.ends_with('.'));
    let mut domains = config.search().to_vec();
    if search == Search::Query
        && let Some(domain) = config.domain()
    {
        domains.retain(|other| other != domain);
        domains.insert(0, domain.to_owned());
    }
    let behind = domains.iter().map(|domain| format!("{}.{domain}", asked.text));
    // One that is too long is no name.
    let behind = behind.filter(|name| Asked::new(name, RecordType::A).is_some());
    let itself = std::iter::once(asked.text.clone());
    Ok(match search {
        _ if whole => itself.collect(),
        Search::Query if short => behind.chain(itself).collect(),
        Search::NameFirst if short => itself.chain(behind).collect(),
        Search::Host if short => behind.chain(itself).collect(),
        Search::Host => itself.chain(behind).collect(),
        _ => itself.collect(),
    })
}

/// Decodes a response, and keeps it.
fn taken(asked: &Asked, response: Response, raw: bool, cache: Option<Key>) -> Outcome {
    let came = sys::now_with_sleep();
    let until = |seconds: u32| came.saturating_add(u64::from(seconds) * NANOSECONDS);
    let (records, seconds) = response.answers(&asked.text, asked.record_type);
    let negative = response.negative_seconds();
    let absent = match response.code {
        NO_SUCH_DOMAIN => Absent::Name,
        _ => Absent::Record,
    };
    let there = response.code == NO_ERROR && !records.is_empty();
    if !there && !raw {
        if let (Some(key), Some(seconds)) = (cache, negative) {
            cache::store(key, Err(absent), until(seconds));
        }
        return Err(Miss::Absent(absent));
    }
    let seconds = if there { seconds } else { negative.unwrap_or(0) };
    let expires = until(seconds);
    let answer = Answer { response: Arc::new(response), records, came, expires, cached: false };
    if let Some(key) = cache {
        let kept = Answer { cached: true, ..answer.clone() };
        cache::store(key, Ok(Arc::new(kept)), expires);
    }
    Ok(Arc::new(answer))
}
