//! The stream over SSL: the steps of a connection, and waiting between them as plain streams wait.
//!
//! Nothing is locked while a thread waits, but for its direction of the stream. The handshake is
//! done by one thread at a time, be it a reader, a writer or neither; another one that needs it looks
//! now and then whether it is done, and goes on with it where the first gives it up.

use super::lock::{Direction as Alone, Windowed};
use super::transport::Link;
use super::window::{Moved, Side};
use super::{Input, Stream};
use crate::error::{Error, Identifier, Result};
use crate::socket::{Direction, Socket};
use crate::ssl::{AHEAD, Engine, Failure, Info, Ssl, Step};
use crate::stream::counts::Count;
use crate::sys::{self, Wait};
use std::result::Result as Outcome;

/// The SSL layer of a stream.
#[derive(Debug)]
pub(super) struct Secure {
    pub(super) ssl: Ssl,
    /// Held while waiting by who does the handshake.
    handshake: Alone<()>,
}

/// A handshake has no buffer to look into.
impl Windowed for () {
    const SIDE: Side = Side::Input;

    fn settle(&mut self, _: Moved) {}
}

impl Stream {
    /// Whether the stream is one over SSL.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure().is_some()
    }

    /// Which side of it this one is.
    pub(crate) fn ssl(&self) -> Option<&Ssl> {
        self.secure().map(|secure| &secure.ssl)
    }

    /// Puts the stream over SSL, unless another thread uses it: all that was written is sent and nothing
    /// is in the middle. `claim` makes it this call's alone.
    pub(crate) fn begin_ssl<T>(
        &self,
        socket: &Socket,
        make: impl FnOnce() -> Result<Ssl>,
        claim: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let action = || format!("beginning SSL on the {socket}");
        let refuse = |why: &str| Err(Error::argument(format!("{}, {why}", action())));
        if self.is_secure() {
            return refuse("which is one of SSL already");
        }
        socket.force_output()?;
        let busy =
            || Err(Error::new(Identifier::WOULD_BLOCK, format!("{}, which another thread uses", action())));
        let number = socket.descriptor().number();
        let begin = |input: &mut Input, written: bool, chunking: bool| {
            if written {
                return refuse("to which another thread writes");
            }
            if chunking || input.chunks().is_some_and(|chunks| chunks.is_on()) {
                return refuse("whose chunking is on");
            }
            let mut ssl = make()?;
            let claimed = claim()?;
            input.give_up(|received, swallow| ssl.begin_with(received, swallow));
            let secure = Box::new(Secure { ssl, handshake: Alone::default() });
            let beyond = self.beyond.get_or_init(Box::default);
            // Only who has claimed the stream comes here.
            let _ = beyond.secure.set(secure);
            Ok(claimed)
        };
        let both = self.output.try_with(number, |output| {
            let (written, chunking) = (!output.is_empty(), output.is_chunking());
            self.input.try_with(number, |reading| begin(&mut reading.input, written, chunking))
        });
        both.flatten().unwrap_or_else(busy)
    }
}

impl Link<'_> {
    /// Runs a step on the open descriptor.
    fn step(
        &self,
        ssl: &Ssl,
        body: impl FnOnce(&mut Engine) -> Outcome<Step, Failure>,
        action: impl Fn() -> String,
    ) -> Result<Step> {
        let descriptor = self.socket.descriptor();
        let stepped = descriptor.run(|fd| Ok(ssl.step(fd, body)), &action)?;
        stepped.map_err(|failure| match descriptor.is_closed() {
            true => Error::new(Identifier::CLOSED, action()),
            false => failure.during(action()),
        })
    }

    /// Does steps until one is done, waiting between them where that is allowed.
    fn steps(
        &self,
        ssl: &Ssl,
        (direction, wait): (Direction, Wait),
        mut body: impl FnMut(&mut Engine) -> Outcome<Step, Failure>,
        action: impl Fn() -> String,
    ) -> Result<usize> {
        loop {
            match self.step(ssl, &mut body, &action)? {
                Step::Done(count) => return Ok(count),
                Step::Wait(_) if wait == Wait::No => {
                    return Err(Error::new(Identifier::WOULD_BLOCK, action()));
                }
                Step::Wait(ready) => {
                    match direction {
                        Direction::Input => self.stream.input.beat(),
                        Direction::Output => self.stream.output.beat(),
                    }
                    self.socket.wait_ready(direction, ready, &action)?;
                }
            }
        }
    }

    /// Does the handshake, or waits until another thread has done it.
    #[cold]
    fn shake_hands(&self, secure: &Secure, direction: Direction, wait: Wait) -> Result<()> {
        let ssl = &secure.ssl;
        let action = || format!("shaking hands on the {}", self.socket);
        let mut body = |engine: &mut Engine| {
            secure.handshake.beat();
            engine.shake_hands()
        };
        loop {
            let alone = |_: &mut ()| self.steps(ssl, (direction, wait), &mut body, action);
            match secure.handshake.try_with(self.number(), alone) {
                Some(done) => return done.map(|_| ()),
                None if wait == Wait::No => return Err(Error::new(Identifier::WOULD_BLOCK, action())),
                None => self.socket.wait_a_little(direction, action)?,
            }
            if ssl.is_established() {
                return Ok(());
            }
        }
    }

    #[inline]
    fn ready_for(&self, secure: &Secure, direction: Direction, wait: Wait) -> Result<()> {
        if secure.ssl.is_established() { Ok(()) } else { self.shake_hands(secure, direction, wait) }
    }

    /// The end of what comes, where this side has shut its input down.
    fn shut_is_end(&self, received: Result<usize>) -> Result<usize> {
        match received {
            Err(error)
                if error.identifier == Identifier::SSL_TRUNCATED
                    && self.socket.descriptor().is_shut(Direction::Input) =>
            {
                Ok(0)
            }
            received => self.received(received),
        }
    }

    /// Waits for the kernel where nothing else can have something, and brings what it has into `room`:
    /// a wait that receives costs one system call instead of two.
    fn receive_ahead(
        &self,
        ssl: &Ssl,
        wait: Wait,
        receive: impl FnMut(sys::Fd, Wait) -> Outcome<usize, crate::error::Errno>,
    ) -> Result<Option<usize>> {
        if wait != Wait::Yes || !ssl.is_idle() || sys::leaving_is_exact() {
            return Ok(None);
        }
        self.run(Direction::Input, wait, receive, || self.reading()).map(Some)
    }

    #[inline(never)]
    pub(super) fn receive_secure(
        &self,
        secure: &Secure,
        buffer: &mut Vec<u8>,
        most: usize,
        wait: Wait,
    ) -> Result<usize> {
        self.ready_for(secure, Direction::Input, wait)?;
        let kept = buffer.len();
        loop {
            let ahead =
                self.receive_ahead(&secure.ssl, wait, |fd, wait| sys::receive(fd, buffer, AHEAD, wait))?;
            let read = |engine: &mut Engine| {
                if ahead.is_some() {
                    engine.feed(buffer.get(kept..).unwrap_or_default());
                    buffer.truncate(kept);
                }
                let step = engine.read_behind(buffer, most)?;
                // Who looks whether there is something looks at many.
                if wait == Wait::No && matches!(step, Step::Wait(_)) {
                    engine.rest();
                }
                Ok(step)
            };
            let step = self.step(&secure.ssl, read, || self.reading());
            match self.after_read(step, wait)? {
                Some(count) => return Ok(count),
                None => continue,
            }
        }
    }

    #[inline(never)]
    pub(super) fn receive_secure_into(&self, secure: &Secure, room: &mut [u8], wait: Wait) -> Result<usize> {
        self.ready_for(secure, Direction::Input, wait)?;
        let mut rest = Vec::new();
        loop {
            let front = room.get_mut(..AHEAD).unwrap_or_default();
            let receive = |fd, wait| sys::receive_split(fd, front, &mut rest, wait);
            let ahead = self.receive_ahead(&secure.ssl, wait, receive)?;
            let read = |engine: &mut Engine| {
                if let Some(count) = ahead {
                    engine.feed(room.get(..count).unwrap_or_default());
                }
                engine.read(room)
            };
            let step = self.step(&secure.ssl, read, || self.reading());
            if let Some(count) = self.after_read(step, wait)? {
                return Ok(count);
            }
        }
    }

    /// What a step of reading brought; `None` where it is to be tried again.
    fn after_read(&self, step: Result<Step>, wait: Wait) -> Result<Option<usize>> {
        match step {
            Ok(Step::Done(count)) => self.received(Ok(count)).map(Some),
            Err(error) => self.shut_is_end(Err(error)).map(Some),
            Ok(Step::Wait(_)) if wait == Wait::No => Err(Error::new(Identifier::WOULD_BLOCK, self.reading())),
            Ok(Step::Wait(ready)) => {
                self.stream.input.beat();
                let idle = self.stream.ssl().is_some_and(|ssl| ssl.is_idle());
                // A receive that waits comes next.
                if !idle || sys::leaving_is_exact() {
                    self.socket.wait_ready(Direction::Input, ready, || self.reading())?;
                }
                Ok(None)
            }
        }
    }

    #[inline(never)]
    pub(super) fn send_secure(&self, secure: &Secure, pieces: [&[u8]; 3], wait: Wait) -> Result<usize> {
        self.check_output_shut()?;
        self.ready_for(secure, Direction::Output, wait)?;
        let write = |engine: &mut Engine| engine.write(pieces);
        let count = self.steps(&secure.ssl, (Direction::Output, wait), write, || self.writing())?;
        self.stream.counts.add(Count::Sent, count);
        Ok(count)
    }

    fn check_output_shut(&self) -> Result<()> {
        match self.socket.descriptor().is_shut(Direction::Output) {
            true => Err(Error::new(Identifier::SHUTDOWN, self.writing())),
            false => Ok(()),
        }
    }

    #[inline(never)]
    pub(super) fn finish_secure(&self, secure: &Secure, wait: Wait) -> Result<()> {
        if !secure.ssl.is_established() || secure.ssl.is_drained() {
            return Ok(());
        }
        self.steps(&secure.ssl, (Direction::Output, wait), Engine::drain, || self.writing()).map(|_| ())
    }

    /// Tells the peer that nothing more comes, where there is something to tell and a way.
    pub(super) fn announce_end(&self) -> Result<()> {
        let Some(secure) = self.stream.secure() else { return Ok(()) };
        if !secure.ssl.is_established() || secure.ssl.is_inherited() {
            return Ok(());
        }
        let announce = (Direction::Output, Wait::Yes);
        match self.steps(&secure.ssl, announce, Engine::announce_end, || self.writing()) {
            Err(error) if error.identifier == Identifier::WRITE_TIMEOUT => Err(error),
            // A peer that has gone need not be told.
            _ => Ok(()),
        }
    }
}

impl Socket {
    fn secure_link(&self, doing: &str) -> Result<(Link<'_>, &Secure)> {
        let stream = self.stream(doing)?;
        let refused =
            || Error::new(Identifier::WRONG_KIND, format!("{doing} the {self}, which is not one of SSL"));
        let secure = stream.secure().ok_or_else(refused)?;
        Ok((Link { socket: self, stream, element: None }, secure))
    }

    /// ssl-do-handshake.
    pub fn ssl_do_handshake(&self) -> Result<()> {
        let (link, secure) = self.secure_link("shaking hands on")?;
        if !secure.ssl.is_established() {
            link.shake_hands(secure, Direction::Input, Wait::Yes)?;
        }
        // Also what ended the connection since.
        link.step(&secure.ssl, Engine::check, || format!("shaking hands on the {self}")).map(|_| ())
    }

    /// Looks at the SSL connection, whatever became of it.
    pub fn look_at_ssl<T>(&self, doing: &str, look: impl FnOnce(&mut Engine) -> T) -> Result<T> {
        let (link, secure) = self.secure_link(doing)?;
        let left = || {
            Error::new(
                Identifier::SSL_ERROR,
                format!("{doing} the {self}, which a thread left in the middle"),
            )
        };
        secure.ssl.look(link.number(), look).ok_or_else(left)
    }

    /// What was agreed upon; the handshake is done first where it was not.
    pub fn ssl_info(&self) -> Result<Info> {
        let doing = "asking for the SSL connection of";
        if !self.secure_link(doing)?.1.ssl.is_established() {
            self.ssl_do_handshake()?;
        }
        self.look_at_ssl(doing, |engine| engine.info())
    }

    /// Tells the peer that this side has shut its output down.
    pub(crate) fn announce_shutdown(&self) -> Result<()> {
        let (Ok(stream), true) = (self.stream(""), self.is_secure()) else { return Ok(()) };
        let link = Link { socket: self, stream, element: None };
        let announced = stream.output.try_with(link.number(), |_| link.announce_end());
        announced.unwrap_or(Ok(()))?;
        let silent = |engine: &mut Engine| engine.output_is_shut();
        self.look_at_ssl("shutting down", silent)
    }
}
