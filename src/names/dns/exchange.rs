//! One question, asked of the servers one after the other until one of them tells. It never waits:
//! `advance` does what can be done now, and the caller waits for what `polls` names.

use super::channel::{Channel, Progress};
use super::config::Server;
use super::message::{Asked, Reply};
use super::record::{NO_ERROR, NO_SUCH_DOMAIN, REFUSED, Response, SERVER_FAILURE};
use crate::address::IpAddress;
use crate::error::Errno;
use crate::sys;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Tries whose answers are still taken when later ones have begun.
pub const CHANNELS: usize = 4;

/// Why a server did not tell; the more it tells the later it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It did not answer in the time.
    Silent,
    /// It cannot be reached.
    Unreachable(Errno),
    /// What it answered is not to be understood.
    Malformed,
    /// It answered an error of that number.
    Code(u16),
    /// It does not answer such questions, or not to us.
    Refused,
    /// It could not find out.
    Failed,
}

impl Why {
    fn rank(self) -> u8 {
        match self {
            Why::Silent => 0,
            Why::Unreachable(_) => 1,
            Why::Malformed => 2,
            Why::Code(_) => 3,
            Why::Refused => 4,
            Why::Failed => 5,
        }
    }
}

/// A server that did not tell.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// Why not.
    pub why: Why,
    /// Its address and port.
    pub server: (IpAddress, u16),
}

/// How a question is asked.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    /// How often, all servers together.
    pub count: u32,
    /// How long each waits.
    pub each: Duration,
}

#[derive(Debug)]
struct Asking {
    server: Arc<Server>,
    edns: bool,
    tried: bool,
    /// It has said all that it will.
    done: bool,
}

/// A question that is being asked.
#[derive(Debug)]
pub struct Exchange {
    asked: Asked,
    servers: Vec<Asking>,
    next: usize,
    tries: Tries,
    begun: u32,
    try_end: u64,
    channels: Vec<Channel>,
    failure: Option<Failure>,
    refusal: Option<Box<Response>>,
}

/// What has come of it.
#[derive(Debug)]
pub enum Told {
    /// Nothing yet.
    Waits,
    /// A response that says yes or no.
    Response(Box<Response>),
    /// No server told.
    Failure(Failure),
}

impl Exchange {
    /// Begins nothing yet.
    pub fn new(asked: Asked, servers: &[Arc<Server>], tries: Tries) -> Exchange {
        let asking = |server: &Arc<Server>| Asking {
            server: Arc::clone(server),
            edns: true,
            tried: false,
            done: false,
        };
        Exchange {
            asked,
            servers: servers.iter().map(asking).collect(),
            next: 0,
            tries,
            begun: 0,
            try_end: 0,
            channels: Vec::new(),
            failure: None,
            refusal: None,
        }
    }

    /// The last response that says neither yes nor no.
    pub fn refusal(&mut self) -> Option<Box<Response>> {
        self.refusal.take()
    }

    /// What is asked.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Does what can be done without waiting.
    pub fn advance(&mut self) -> Told {
        loop {
            if let Some(response) = self.take_replies() {
                return Told::Response(response);
            }
            if !self.channels.is_empty() && sys::now() < self.try_end {
                return Told::Waits;
            }
            for channel in &self.channels {
                channel.server.answered(false);
            }
            if !self.next_try() {
                return Told::Failure(self.failure.unwrap_or_else(|| self.silent()));
            }
        }
    }

    /// What to wait for, and until when.
    pub fn polls(&self) -> (impl Iterator<Item = libc::pollfd>, u64) {
        (self.channels.iter().map(Channel::poll), self.try_end)
    }

    /// The failure of servers that said nothing, the last one asked for them all.
    pub fn silent(&self) -> Failure {
        let last = self.channels.last().map(|channel| &channel.server);
        let server = last.or(self.servers.first().map(|asking| &asking.server));
        let none = (IpAddress::V4(0), 0);
        let known = self.failure.filter(|failure| failure.why.rank() > Why::Silent.rank());
        known.unwrap_or(Failure {
            why: Why::Silent,
            server: server.map_or(none, |server| (server.address, server.port)),
        })
    }

    fn fail(&mut self, server: &Server, why: Why) {
        if self.failure.is_none_or(|failure| failure.why.rank() <= why.rank()) {
            self.failure = Some(Failure { why, server: (server.address, server.port) });
        }
    }

    /// Begins the next try: false where there is none.
    fn next_try(&mut self) -> bool {
        while self.begun < self.tries.count {
            let Some(index) = self.next_server() else { return false };
            self.begun += 1;
            if let Some(asking) = self.servers.get_mut(index) {
                // There are networks that drop queries with EDNS.
                asking.edns &= !asking.tried || asking.server.received.load(Ordering::Relaxed) > 0;
                asking.tried = true;
            }
            if self.open(index, false) {
                return true;
            }
        }
        false
    }

    /// The next server in turn that may tell yet.
    fn next_server(&mut self) -> Option<usize> {
        let count = self.servers.len();
        let index = (0..count)
            .map(|step| (self.next + step) % count)
            .find(|index| self.servers.get(*index).is_some_and(|asking| !asking.done))?;
        self.next = index + 1;
        Some(index)
    }

    fn open(&mut self, index: usize, stream: bool) -> bool {
        let Some(asking) = self.servers.get_mut(index) else { return false };
        let server = Arc::clone(&asking.server);
        match Channel::open(&server, &self.asked, asking.edns, stream) {
            Ok(channel) => {
                if self.channels.len() >= CHANNELS {
                    self.channels.remove(0);
                }
                self.channels.push(channel);
                self.try_end = sys::now().saturating_add(self.tries.each.as_nanos() as u64);
                true
            }
            Err(errno) => {
                asking.done = true;
                server.answered(false);
                self.fail(&server, Why::Unreachable(errno));
                false
            }
        }
    }

    fn take_replies(&mut self) -> Option<Box<Response>> {
        let mut index = 0;
        while let Some(channel) = self.channels.get_mut(index) {
            let progress = channel.progress(&self.asked);
            if matches!(progress, Progress::Waits) {
                index += 1;
                continue;
            }
            let channel = self.channels.remove(index);
            if index == self.channels.len() {
                // The present try is over; what comes of it may begin another.
                self.try_end = 0;
            }
            if let Some(response) = self.take(&channel, progress) {
                return Some(response);
            }
        }
        None
    }

    /// Takes what came of a try, which is over with it.
    fn take(&mut self, channel: &Channel, progress: Progress) -> Option<Box<Response>> {
        let server = &channel.server;
        let of_server = |asking: &Asking| Arc::ptr_eq(&asking.server, server);
        let index = self.servers.iter().position(of_server)?;
        let why = match progress {
            Progress::Waits => return None,
            Progress::Reply(Reply::Whole(response)) => {
                server.answered(true);
                let why = match response.code {
                    NO_ERROR if response.is_referral() => Why::Refused,
                    NO_ERROR | NO_SUCH_DOMAIN => return Some(response),
                    SERVER_FAILURE => Why::Failed,
                    REFUSED => Why::Refused,
                    code => Why::Code(code),
                };
                self.refusal = Some(response);
                why
            }
            Progress::Reply(Reply::Truncated) | Progress::Guessed => {
                self.open(index, true);
                return None;
            }
            Progress::Reply(Reply::NotUnderstood(code)) => {
                if channel.edns
                    && let Some(asking) = self.servers.get_mut(index)
                {
                    asking.edns = false;
                    self.open(index, false);
                    return None;
                }
                Why::Code(code)
            }
            Progress::Reply(Reply::Malformed | Reply::Foreign) => Why::Malformed,
            Progress::Failed(errno) => {
                server.answered(false);
                Why::Unreachable(errno)
            }
        };
        if let Some(asking) = self.servers.get_mut(index) {
            asking.done = true;
        }
        self.fail(server, why);
        None
    }
}
