//! Sets of sockets and descriptors that are waited for together, over epoll: a wait costs by what is
//! ready. Sockets are known by the numbers of their handles, which the caller resolves.

use super::limits::{after, left_until};
use super::{Descriptor, Socket};
use crate::error::{Error, Identifier, Result};
use crate::sys::{self, Fd, Happened, Happenings};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The doorbell's key: no entry has it.
const BELL: u64 = u64::MAX;

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Watched {
    /// A socket, by the number of its handle.
    Socket(usize),
    /// A descriptor of the caller's.
    Descriptor(RawFd),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Input, or a connection, or the end of the file.
    pub input: bool,
    /// Room for output, or a connection that was begun.
    pub output: bool,
}

/// What is ready.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Which one.
    pub watched: Watched,
    /// In which directions.
    pub ready: Interest,
    /// In which directions with an error.
    pub failed: Interest,
    /// What the caller gave with it.
    pub data: usize,
}

/// What a socket's number stands for at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The handle was freed.
    Gone,
    /// Its buffer is empty.
    Empty,
    /// There are bytes in its buffer.
    Some,
}

/// Spreads keys, which are counted here and which nobody else chooses.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u64(&mut self, key: u64) {
        // The upper bits of the product depend on all of the key's, and the table uses both ends.
        let product = (self.0 ^ key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ (product >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Debug)]
struct Entry {
    watched: Watched,
    interest: Interest,
    data: usize,
    /// Over SSL: what comes need not be content.
    secure: bool,
    /// In the queue of those that may have content.
    queued: bool,
    closed: bool,
    /// The wait that reported it last, and where.
    reported: (u64, usize),
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<u64, Entry, BuildHasherDefault<Spread>>,
    keys: HashMap<Watched, u64>,
    next_key: u64,
    queue: VecDeque<u64>,
    wakes: u32,
    waits: u64,
}

/// What sockets that are watched share with the set.
#[derive(Debug)]
pub struct Shared {
    epoll: Descriptor,
    bell: Descriptor,
    waiting: AtomicU32,
    closed: AtomicBool,
    /// The kernel's part is shared with the children of a fork, who must not change it.
    process: u32,
    state: Mutex<State>,
}

/// A wait set.
#[derive(Debug)]
pub struct WaitSet(Arc<Shared>);

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn ring(&self) {
        // A set that is closed has nobody to wake.
        let _ = self.bell.run(sys::ring, String::new);
    }

    fn ring_who_waits(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.ring();
        }
    }

    fn queue(&self, key: u64, closed: bool) {
        let mut state = self.state();
        let Some(entry) = state.entries.get_mut(&key) else { return };
        entry.closed |= closed;
        if !std::mem::replace(&mut entry.queued, true) {
            state.queue.push_back(key);
        }
        drop(state);
        self.ring_who_waits();
    }

    /// A socket has content that the kernel does not know of.
    pub(super) fn content(&self, key: u64) {
        self.queue(key, false);
    }

    /// A socket was closed.
    pub(super) fn closed(&self, key: u64) {
        self.queue(key, true);
    }

    pub(super) fn unwatch_descriptor(&self, descriptor: &Descriptor) {
        if self.process != std::process::id() {
            return;
        }
        let both = |fd| self.epoll.run(|epoll| sys::unwatch(epoll, fd), String::new);
        // It may be closed by now, and then is out.
        let _ = descriptor.run(|fd| Ok(both(fd)), String::new);
    }
}

fn add(ready: Interest, more: Interest) -> Interest {
    Interest { input: ready.input || more.input, output: ready.output || more.output }
}

/// Collects what is reported; a socket is reported once, with all there is.
struct Report<'a> {
    state: &'a mut State,
    events: &'a mut [Option<Event>],
    count: usize,
}

impl Report<'_> {
    fn put(&mut self, key: u64, ready: Interest, failed: Interest) {
        let wait = self.state.waits;
        let Some(entry) = self.state.entries.get_mut(&key) else { return };
        if entry.reported.0 == wait
            && let Some(Some(event)) = self.events.get_mut(entry.reported.1)
        {
            event.ready = add(event.ready, ready);
            event.failed = add(event.failed, failed);
            return;
        }
        if let Some(place) = self.events.get_mut(self.count) {
            *place = Some(Event { watched: entry.watched, ready, failed, data: entry.data });
            entry.reported = (wait, self.count);
            self.count += 1;
        }
    }

    fn happened(&mut self, event: &Happened) {
        let Some(interest) = self.state.entries.get(&event.key).map(|entry| entry.interest) else { return };
        let mut input = interest.input && (event.input || event.error || event.hung_up);
        if input && self.state.look_first(event.key) {
            input = false;
        }
        let output = interest.output && (event.output || event.error || event.hung_up);
        let failed = Interest {
            input: interest.input && event.error,
            output: interest.output && (event.error || event.hung_up),
        };
        if input || output {
            self.put(event.key, Interest { input, output }, failed);
        }
    }

    /// Reports those that have content or were closed, each of the queue once, up to so many events.
    /// False where it did not come to all of them.
    fn queued(&mut self, most: usize, content: &impl Fn(usize) -> Content) -> bool {
        for _ in 0..self.state.queue.len() {
            if self.count >= most {
                return false;
            }
            let Some(key) = self.state.queue.pop_front() else { break };
            let Some(entry) = self.state.entries.get_mut(&key) else { continue };
            let Watched::Socket(handle) = entry.watched else { continue };
            let (interest, closed) = (entry.interest, entry.closed);
            match content(handle) {
                Content::Gone => self.state.forget(key),
                _ if closed => {
                    self.put(key, interest, interest);
                    self.state.forget(key);
                }
                Content::Some if interest.input => {
                    self.state.queue.push_back(key);
                    self.put(key, Interest { input: true, output: false }, Interest::default());
                }
                _ => entry.queued = false,
            }
        }
        true
    }
}

impl State {
    /// Queues what has to be looked at before anybody is told of its input; whether it is such.
    fn look_first(&mut self, key: u64) -> bool {
        let Some(entry) = self.entries.get_mut(&key).filter(|entry| entry.secure) else { return false };
        if !std::mem::replace(&mut entry.queued, true) {
            self.queue.push_back(key);
        }
        true
    }

    fn forget(&mut self, key: u64) {
        if let Some(entry) = self.entries.remove(&key)
            && self.keys.get(&entry.watched) == Some(&key)
        {
            self.keys.remove(&entry.watched);
        }
    }
}

impl WaitSet {
    /// An empty set.
    pub fn new() -> Result<WaitSet> {
        let action = "making a wait set";
        let epoll = Descriptor::new(sys::epoll().map_err(|errno| errno.during(action))?);
        let bell = Descriptor::new(sys::doorbell().map_err(|errno| errno.during(action))?);
        let watch = |bell| epoll.run(|epoll| sys::watch(epoll, bell, true, false, BELL), || action.into());
        bell.run(|fd| Ok(watch(fd)), || action.into())??;
        let (waiting, closed) = (AtomicU32::new(0), AtomicBool::new(false));
        let process = std::process::id();
        Ok(WaitSet(Arc::new(Shared { epoll, bell, waiting, closed, process, state: Mutex::default() })))
    }

    /// Watches a socket, or changes what is waited for; nothing ends it.
    pub fn watch(&self, socket: &Socket, handle: usize, interest: Interest, data: usize) -> Result<()> {
        let action = || format!("watching the {socket}");
        if interest == Interest::default() {
            socket.rare.watch.remove(&self.0);
            self.0.unwatch_descriptor(socket.descriptor());
            self.forget(Watched::Socket(handle));
            return Ok(());
        }
        let key = self.entry(Watched::Socket(handle), interest, data, socket.is_secure());
        socket.rare.watch.add(&self.0, key);
        socket.close_windows();
        let watched =
            socket.descriptor().run(|fd| Ok(self.watch_descriptor(fd, interest, key, action)), action);
        if let Err(error) = watched.and_then(|watched| watched) {
            socket.rare.watch.remove(&self.0);
            self.forget(Watched::Socket(handle));
            return Err(error);
        }
        // There may be content already.
        self.0.content(key);
        Ok(())
    }

    /// Watches a descriptor of the caller's, or changes what is waited for; nothing ends it.
    pub fn watch_os_fd(&self, number: RawFd, interest: Interest, data: usize) -> Result<()> {
        let action = || format!("watching the descriptor {number}");
        let watched = Watched::Descriptor(number);
        if interest == Interest::default() {
            self.0.epoll.run(|epoll| sys::unwatch(epoll, Fd(number)), action)?;
            self.forget(watched);
            return Ok(());
        }
        let key = self.entry(watched, interest, data, false);
        self.watch_descriptor(Fd(number), interest, key, action).inspect_err(|_| self.forget(watched))
    }

    fn watch_descriptor(
        &self,
        fd: Fd,
        interest: Interest,
        key: u64,
        action: impl Fn() -> String,
    ) -> Result<()> {
        self.0.epoll.run(|epoll| sys::watch(epoll, fd, interest.input, interest.output, key), action)
    }

    /// The key of what is watched, with its new interest.
    fn entry(&self, watched: Watched, interest: Interest, data: usize, secure: bool) -> u64 {
        let mut state = self.0.state();
        let key = state.keys.get(&watched).copied();
        let key = key.unwrap_or_else(|| {
            state.next_key += 1;
            state.next_key
        });
        state.keys.insert(watched, key);
        let (queued, closed, reported) = (false, false, (0, 0));
        let fresh = || Entry { watched, interest, data, secure, queued, closed, reported };
        let entry = state.entries.entry(key).or_insert_with(fresh);
        (entry.interest, entry.data) = (interest, data);
        key
    }

    fn forget(&self, watched: Watched) {
        let mut state = self.0.state();
        if let Some(key) = state.keys.get(&watched).copied() {
            state.forget(key);
        }
    }

    /// Waits until something is ready, for ever or so long. How many events there are: none after
    /// the time, and when another thread asked to wake.
    pub fn wait(
        &self,
        timeout: Option<Duration>,
        events: &mut [Option<Event>],
        content: impl Fn(usize) -> Content,
    ) -> Result<usize> {
        let end = timeout.map(after);
        loop {
            let over = timeout == Some(Duration::ZERO) || end.is_some_and(|end| left_until(end).is_none());
            // Counted before the queue is looked at: who queues later rings.
            self.0.waiting.fetch_add(1, Ordering::SeqCst);
            let mut state = self.0.state();
            state.waits += 1;
            // Neither the buffers nor the kernel shall take all the room for ever.
            let share = if events.len() == 1 { (state.waits % 2) as usize } else { events.len().div_ceil(2) };
            let mut report = Report { state: &mut state, events: &mut *events, count: 0 };
            let all = report.queued(share, &content);
            let (count, woken) = (report.count, state.wakes > 0);
            drop(state);
            let at_once = count > 0 || !all || woken || over;
            let left = end.map(|end| left_until(end).unwrap_or(Duration::ZERO));
            let at_most = if at_once { Some(Duration::ZERO) } else { left };
            let waited = self.wait_in_kernel(at_most, events, count);
            self.0.waiting.fetch_sub(1, Ordering::SeqCst);
            let (mut count, rung) = waited?;
            if self.0.is_closed() {
                return Err(Error::new(Identifier::CLOSED, "waiting for a set that another thread freed"));
            }
            let mut state = self.0.state();
            // What came over SSL is looked at now.
            if !all || (count == 0 && !state.queue.is_empty()) {
                let most = events.len();
                let mut report = Report { state: &mut state, events: &mut *events, count };
                report.queued(most, &content);
                count = report.count;
            }
            let woken = state.wakes > 0;
            state.wakes = state.wakes.saturating_sub(1);
            if rung && state.wakes == 0 {
                let _ = self.0.bell.run(sys::silence, String::new);
            }
            if count > 0 || woken || over {
                return Ok(count);
            }
        }
    }

    /// Adds what the kernel has to the events, and tells whether the doorbell rang.
    fn wait_in_kernel(
        &self,
        at_most: Option<Duration>,
        events: &mut [Option<Event>],
        count: usize,
    ) -> Result<(usize, bool)> {
        let mut happened = Happenings::none();
        // The doorbell takes the place of an event that the next wait brings.
        let most = events.len().saturating_sub(count);
        if most == 0 {
            return Ok((count, false));
        }
        let waited =
            self.0.epoll.run(|epoll| happened.wait(epoll, most, at_most), || "waiting for a set".into());
        match waited {
            Err(error) if error.code == libc::EINTR => return Ok((count, false)),
            waited => waited?,
        }
        let mut state = self.0.state();
        let mut report = Report { state: &mut state, events, count };
        let mut rung = false;
        for event in happened.iter() {
            rung |= event.key == BELL;
            report.happened(&event);
        }
        Ok((report.count, rung))
    }

    /// Ends one wait: the present one, or the next.
    pub fn wake(&self) {
        let mut state = self.0.state();
        state.wakes = state.wakes.saturating_add(1);
        drop(state);
        self.0.ring();
    }

    /// Ends all waits with `CLOSED`. The doorbell rings on, so that each who waits hears it.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.ring();
    }
}

/// When nobody waits any more.
impl Drop for WaitSet {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.epoll.close();
        self.0.bell.close();
    }
}
