//! An SSL connection as steps that never wait: each is one thread's turn at OpenSSL's object and answers
//! what it did or what has to be waited for.

use super::context::{Context, Side};
use super::failure::{self, Failure, Queue};
use super::ffi as more;
use super::turn::Turn;
use super::verify::{Purpose, Wishes};
use super::wire::{self, Wire};
use crate::error::{Identifier, Result};
use crate::sys::{Fd, Ready};
use openssl_sys as ffi;
use std::ffi::c_int;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The most that a record holds.
pub const RECORD: usize = 16 * 1024;

/// Answers that a peer may leave unread while it goes on asking for more.
const MOST_ANSWERS: usize = 64 * 1024;

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes were moved; of a read, 0 is the end.
    Done(usize),
    /// It goes on when the descriptor is ready.
    Wait(Ready),
}

/// A connection.
#[derive(Debug)]
pub struct Ssl {
    turn: Turn<Engine>,
    side: Side,
    established: AtomicBool,
    /// Bytes came that may be more than the kernel knows of.
    held: AtomicBool,
    queued: AtomicBool,
    /// After a fork the connection is the parent's.
    process: u32,
}

/// OpenSSL's object and what belongs to it.
#[derive(Debug)]
pub struct Engine {
    ssl: *mut ffi::SSL,
    wire: *mut Wire,
    /// What ended the connection.
    failure: Option<Failure>,
    established: bool,
    held: bool,
    /// The end was announced to the peer.
    notified: bool,
    /// OpenSSL's callbacks look at it.
    _purpose: Box<Purpose>,
}

// SAFETY: the object, the wire and the purpose are used by whoever has the turn, whatever thread it is.
unsafe impl Send for Engine {}

impl Ssl {
    /// A connection of that context, with what was received already; the handshake comes later.
    pub fn new(context: &Arc<Context>, wishes: &Wishes<'_>) -> Result<Ssl> {
        let purpose = Box::new(Purpose::new(context, wishes));
        let wire = Box::into_raw(Box::new(Wire::new()));
        let made = context.new_ssl(&purpose, &wishes.overrides, wire);
        let ssl = match made {
            Ok(ssl) => ssl,
            Err(error) => {
                // SAFETY: nobody else has it.
                drop(unsafe { Box::from_raw(wire) });
                return Err(error);
            }
        };
        let (established, held, notified) = (false, false, false);
        let engine = Engine { ssl, wire, failure: None, established, held, notified, _purpose: purpose };
        Ok(Ssl {
            turn: Turn::new(engine),
            side: context.side(),
            established: AtomicBool::new(false),
            held: AtomicBool::new(false),
            queued: AtomicBool::new(false),
            process: std::process::id(),
        })
    }

    /// Bytes that came before it began, and the line feed that belongs to what was read before them.
    pub fn begin_with(&mut self, received: &[u8], swallow: &'static [u8]) {
        self.turn.get_mut().wire().begin_with(received, swallow);
    }

    /// Client or server.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Whether the handshake is done.
    #[inline]
    pub fn is_established(&self) -> bool {
        self.established.load(Ordering::Acquire)
    }

    /// Whether a read may find something without asking the kernel.
    #[inline]
    pub fn holds(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether all that comes next comes from the kernel, and nothing waits to be sent.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.is_established() && !self.holds() && !self.queued.load(Ordering::Relaxed)
    }

    /// Whether nothing waits to be sent.
    #[inline]
    pub fn is_drained(&self) -> bool {
        !self.queued.load(Ordering::Relaxed)
    }

    /// Whether it was made by the parent of this process.
    pub fn is_inherited(&self) -> bool {
        self.process != std::process::id()
    }

    /// Runs a step on the descriptor.
    #[inline]
    pub fn step(
        &self,
        fd: Fd,
        body: impl FnOnce(&mut Engine) -> std::result::Result<Step, Failure>,
    ) -> std::result::Result<Step, Failure> {
        let run = |engine: &mut Engine| {
            engine.wire().fd = fd;
            let done = body(engine);
            engine.wire().fd = Fd(-1);
            self.held.store(engine.held, Ordering::Relaxed);
            self.queued.store(engine.wire().queued() > 0, Ordering::Relaxed);
            if engine.established && !self.is_established() {
                self.established.store(true, Ordering::Release);
            }
            done
        };
        self.turn.with(fd.0, run).unwrap_or_else(|| Err(left()))
    }

    /// Looks at the connection; `None` where a step was left in the middle.
    pub fn look<T>(&self, descriptor: RawFd, look: impl FnOnce(&mut Engine) -> T) -> Option<T> {
        self.turn.with(descriptor, look)
    }
}

fn left() -> Failure {
    Failure::new(Identifier::SSL_ERROR, "a thread left it by longjmp in the middle of its work")
}

impl Engine {
    fn wire(&mut self) -> &mut Wire {
        // SAFETY: it lives as long as this; OpenSSL, which looks at it too, is not running.
        unsafe { &mut *self.wire }
    }

    /// OpenSSL's object, for looking at it.
    pub(super) fn ssl(&self) -> *mut ffi::SSL {
        self.ssl
    }

    /// What ended the connection is told again.
    pub fn check(&mut self) -> std::result::Result<Step, Failure> {
        self.failure.clone().map_or(Ok(Step::Done(0)), Err)
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        self.failure = Some(failure.clone());
        failure
    }

    /// What a call that did not succeed means.
    fn outcome(&mut self, result: c_int) -> std::result::Result<Step, Failure> {
        // SAFETY: the object is whole, and this is the thread of the call.
        let (error, verified) =
            unsafe { (ffi::SSL_get_error(self.ssl, result), ffi::SSL_get_verify_result(self.ssl)) };
        let shaking_hands = !self.established;
        let failure = match error {
            ffi::SSL_ERROR_WANT_READ => return Ok(Step::Wait(self.input())),
            ffi::SSL_ERROR_ZERO_RETURN if shaking_hands => failure::truncated(true),
            ffi::SSL_ERROR_ZERO_RETURN => return Ok(Step::Done(0)),
            ffi::SSL_ERROR_SYSCALL => match self.wire().errno {
                0 => failure::truncated(shaking_hands),
                errno => crate::error::Errno(errno).into(),
            },
            _ => {
                let plain = !self.wire().began_with_record();
                failure::classify(&Queue::take(), verified as i32, shaking_hands, plain)
            }
        };
        Err(self.fail(failure))
    }

    /// Where something waits to be sent the peer may wait for that first.
    fn input(&mut self) -> Ready {
        if self.wire().queued() > 0 { Ready::Either } else { Ready::Input }
    }

    /// Goes on with the handshake.
    pub fn shake_hands(&mut self) -> std::result::Result<Step, Failure> {
        self.check()?;
        self.wire().drain();
        if !self.established {
            failure::clear();
            // SAFETY: the object is whole, and this thread has the turn.
            let done = unsafe { ffi::SSL_do_handshake(self.ssl) };
            if done != 1 {
                return self.outcome(done);
            }
            self.check_resumed()?;
            self.established = true;
            self.held = self.holds();
            self.wire().reads_ahead = true;
        }
        Ok(if self.wire().queued() > 0 { Step::Wait(Ready::Output) } else { Step::Done(0) })
    }

    /// OpenSSL checks nothing again when a session is resumed: what is required must have been found
    /// then.
    fn check_resumed(&mut self) -> std::result::Result<(), Failure> {
        // SAFETY: the object is whole.
        let (resumed, mode) =
            unsafe { (ffi::SSL_session_reused(self.ssl) == 1, ffi::SSL_get_verify_mode(self.ssl)) };
        if !resumed || mode & ffi::SSL_VERIFY_PEER == 0 {
            return Ok(());
        }
        let result = self.verify_result();
        if result != 0 {
            return Err(self.fail(failure::verification(result, "the resumed session was not verified")));
        }
        if mode & ffi::SSL_VERIFY_FAIL_IF_NO_PEER_CERT != 0 && self.peer_certificate().is_none() {
            let text = "the resumed session has no certificate of the peer";
            return Err(self.fail(Failure::new(Identifier::SSL_CERTIFICATE_REQUIRED, text)));
        }
        Ok(())
    }

    fn holds(&mut self) -> bool {
        // SAFETY: the object is whole.
        self.wire().held() > 0 || unsafe { more::SSL_has_pending(self.ssl) } == 1
    }

    /// Gives OpenSSL what was received elsewhere; nothing is the end.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.wire().feed(bytes);
    }

    /// Reads what one record brings.
    pub fn read(&mut self, room: &mut [u8]) -> std::result::Result<Step, Failure> {
        // SAFETY: a slice is valid for writing.
        unsafe { self.read_at(room.as_mut_ptr(), room.len()) }
    }

    /// Reads what one record brings, at most so much, behind what the buffer holds, into its spare
    /// capacity.
    pub fn read_behind(&mut self, buffer: &mut Vec<u8>, most: usize) -> std::result::Result<Step, Failure> {
        let spare = buffer.spare_capacity_mut();
        let (start, size) = (spare.as_mut_ptr().cast(), spare.len().min(most));
        // SAFETY: the place and the size describe spare capacity, of which so much is written as the
        // step says.
        unsafe {
            let step = self.read_at(start, size)?;
            if let Step::Done(count) = step {
                buffer.set_len(buffer.len() + count);
            }
            Ok(step)
        }
    }

    /// # Safety
    /// There is room for `size` bytes at `start`.
    unsafe fn read_at(&mut self, start: *mut u8, size: usize) -> std::result::Result<Step, Failure> {
        self.check()?;
        self.wire().drain();
        if self.wire().queued() > MOST_ANSWERS {
            return Ok(Step::Wait(Ready::Output));
        }
        failure::clear();
        let mut count = 0;
        // SAFETY: the caller's; this thread has the turn.
        let done = unsafe { ffi::SSL_read_ex(self.ssl, start.cast(), size, &raw mut count) };
        if done == 1 {
            self.held = self.holds();
            return Ok(Step::Done(count));
        }
        let step = self.outcome(done)?;
        // What is left is no whole record: only the kernel can have more.
        self.held = step == Step::Done(0);
        Ok(step)
    }

    /// Gives the memory back that an idle connection needs not. A reader that waits for the next record
    /// goes on with it: to take it anew would cost more than the wait.
    pub fn rest(&mut self) {
        self.wire().release();
        // SAFETY: the object is whole; it keeps what is in use.
        unsafe { more::SSL_free_buffers(self.ssl) };
    }

    /// Writes one record of the pieces. What is taken is on its way, though `drain` may have to wait
    /// for it.
    pub fn write(&mut self, pieces: [&[u8]; 3]) -> std::result::Result<Step, Failure> {
        if self.drain()? != Step::Done(0) {
            return Ok(Step::Wait(Ready::Output));
        }
        let mut there = pieces.into_iter().filter(|piece| !piece.is_empty());
        let Some(first) = there.next() else { return Ok(Step::Done(0)) };
        if first.len() >= RECORD || there.next().is_none() {
            return self.write_record(first.get(..RECORD).unwrap_or(first));
        }
        // A record of its own for each piece would cost more than copying.
        let mut record = Vec::with_capacity(RECORD);
        for piece in pieces {
            record.extend_from_slice(piece.get(..RECORD - record.len()).unwrap_or(piece));
        }
        self.write_record(&record)
    }

    fn write_record(&mut self, bytes: &[u8]) -> std::result::Result<Step, Failure> {
        failure::clear();
        let mut count = 0;
        // SAFETY: the place and the size describe `bytes`; this thread has the turn.
        let done = unsafe { ffi::SSL_write_ex(self.ssl, bytes.as_ptr().cast(), bytes.len(), &raw mut count) };
        if done != 1 {
            return self.outcome(done);
        }
        self.check_sendable()?;
        Ok(Step::Done(count))
    }

    /// Sends what waits to be sent.
    pub fn drain(&mut self) -> std::result::Result<Step, Failure> {
        self.wire().drain();
        self.check_sendable()?;
        Ok(if self.wire().queued() > 0 { Step::Wait(Ready::Output) } else { Step::Done(0) })
    }

    /// A peer that ends the connection mostly says why, before nothing can be sent to it any more. Who
    /// reads sees that it ended; who writes, that nothing can be sent.
    fn check_sendable(&mut self) -> std::result::Result<(), Failure> {
        let errno = self.wire().unsendable;
        if errno != 0 && self.failure.is_none() {
            failure::clear();
            let (mut byte, mut count) = (0_u8, 0);
            // SAFETY: there is room for the one byte; this thread has the turn.
            let done = unsafe { ffi::SSL_peek_ex(self.ssl, (&raw mut byte).cast(), 1, &raw mut count) };
            if done == 1 {
                self.held = true;
            } else {
                // A failure is remembered by this.
                let _ = self.outcome(done);
            }
        }
        match &self.failure {
            Some(failure) if failure.code == 0 && failure.identifier != Identifier::SSL_TRUNCATED => {
                Err(failure.clone())
            }
            _ if errno != 0 => Err(crate::error::Errno(errno).into()),
            Some(failure) if failure.code != 0 => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    /// Tells the peer that nothing more comes.
    pub fn announce_end(&mut self) -> std::result::Result<Step, Failure> {
        self.check()?;
        self.wire().drain();
        if self.established && !self.notified {
            self.notified = true;
            failure::clear();
            // SAFETY: the handshake is done and nothing has failed: whatever this answers, the alert is
            // with the wire. This thread has the turn.
            unsafe { ffi::SSL_shutdown(self.ssl) };
            failure::clear();
        }
        Ok(if self.wire().queued() > 0 { Step::Wait(Ready::Output) } else { Step::Done(0) })
    }

    /// Answers to the peer can no longer be sent.
    pub fn output_is_shut(&mut self) {
        self.wire().silence();
    }
}

impl Drop for Ssl {
    fn drop(&mut self) {
        if self.turn.is_broken() {
            // Nobody knows what is whole in it.
            return;
        }
        let engine = self.turn.get_mut();
        // SAFETY: nobody else has the object, which frees its BIO; then nobody has the wire.
        unsafe {
            ffi::SSL_free(engine.ssl);
            drop(Box::from_raw(engine.wire));
        }
        failure::clear();
    }
}

/// Gives a new object its BIO.
///
/// # Safety
/// `ssl` is whole and the wire outlives it.
pub(super) unsafe fn attach(ssl: *mut ffi::SSL, wire: *mut Wire) -> bool {
    let bio = wire::new_bio(wire);
    if bio.is_null() {
        return false;
    }
    // SAFETY: one BIO for both directions is owned once.
    unsafe { ffi::SSL_set_bio(ssl, bio, bio) };
    true
}
