//! The BIO between OpenSSL and the descriptor: it never waits and never raises SIGPIPE.
//!
//! What OpenSSL writes it always takes: what the kernel has no room for stays in a queue, so that no
//! record has to be written again and an alert or an answer to the peer never stops a reader. What
//! is small is read ahead, so that a record costs one system call and not one for its head as well.

use crate::error::Errno;
use crate::sys::{self, Fd, Wait};
use openssl_sys as ffi;
use std::ffi::{c_char, c_int, c_long, c_void};
use std::ptr;

/// So much is read ahead. What lies behind it in a large record goes straight to OpenSSL's buffer.
pub const AHEAD: usize = 4096;

/// The state of the BIO.
#[derive(Debug)]
pub struct Wire {
    /// The descriptor during a step, -1 else.
    pub fd: Fd,
    /// What was received and OpenSSL has not taken yet, from `taken` on.
    ahead: Vec<u8>,
    taken: usize,
    /// Reading ahead would take from the other direction's thread during the handshake.
    pub reads_ahead: bool,
    ended: bool,
    /// The first byte that came.
    first: Option<u8>,
    /// What OpenSSL wrote and the kernel has not taken yet, from `gone` on.
    queue: Vec<u8>,
    gone: usize,
    /// Nothing can be sent any more, for that errno, or by this side's wish; what is written is
    /// forgotten. OpenSSL is not told: what the peer said before it went can still be read.
    mute: bool,
    pub unsendable: i32,
    /// The errno of a receive that failed, 0 for none.
    pub errno: i32,
    /// The line feed of a newline that was read before the first record.
    swallow: &'static [u8],
}

impl Wire {
    /// A wire on which nothing has come.
    pub fn new() -> Wire {
        Wire {
            fd: Fd(-1),
            ahead: Vec::new(),
            taken: 0,
            reads_ahead: false,
            ended: false,
            first: None,
            queue: Vec::new(),
            gone: 0,
            mute: false,
            unsendable: 0,
            errno: 0,
            swallow: &[],
        }
    }

    /// Bytes that have been received already, and the line feed of a newline before them that may
    /// still come.
    pub fn begin_with(&mut self, received: &[u8], swallow: &'static [u8]) {
        self.ahead.extend_from_slice(received);
        self.swallow = swallow;
    }

    /// Bytes that were received elsewhere; none are the end.
    pub fn feed(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            self.ended = true;
        }
        if self.taken == self.ahead.len() {
            self.ahead.clear();
            self.taken = 0;
        }
        self.ahead.extend_from_slice(bytes);
    }

    /// Bytes that OpenSSL has not taken yet.
    pub fn held(&self) -> usize {
        self.ahead.len() - self.taken
    }

    /// Bytes that the kernel has not taken yet.
    pub fn queued(&self) -> usize {
        self.queue.len() - self.gone
    }

    fn send(&mut self, bytes: &[u8]) -> usize {
        match sys::send(self.fd, [bytes, &[], &[]], Wait::No) {
            Ok(count) => count,
            Err(Errno(libc::EAGAIN)) => 0,
            Err(errno) => {
                self.unsendable = errno.0;
                self.silence();
                bytes.len()
            }
        }
    }

    /// Sends what is queued, as far as it goes.
    pub fn drain(&mut self) {
        let queue = std::mem::take(&mut self.queue);
        while let Some(rest) = queue.get(self.gone..).filter(|rest| !rest.is_empty()) {
            match self.send(rest) {
                0 => {
                    self.queue = queue;
                    return;
                }
                count => self.gone += count,
            }
        }
        self.gone = 0;
    }

    /// Forgets what cannot be sent.
    pub fn silence(&mut self) {
        self.mute = true;
        self.queue = Vec::new();
        self.gone = 0;
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.mute {
            return;
        }
        let sent = if self.queued() == 0 { self.send(bytes) } else { 0 };
        self.queue.extend_from_slice(bytes.get(sent..).unwrap_or_default());
    }

    fn take(&mut self, room: &mut [u8]) -> usize {
        let there = self.ahead.get(self.taken..).unwrap_or_default();
        let count = there.len().min(room.len());
        for (to, from) in room.iter_mut().zip(there) {
            *to = *from;
        }
        self.taken += count;
        if self.held() == 0 {
            self.taken = 0;
            // What came before SSL began may be larger.
            if self.ahead.capacity() > AHEAD { self.ahead = Vec::new() } else { self.ahead.clear() }
        }
        count
    }

    fn read(&mut self, room: &mut [u8]) -> Result<usize, Errno> {
        let count = self.receive(room)?;
        if count > 0 && self.first.is_none() {
            self.first = room.first().copied();
        }
        Ok(count)
    }

    /// Whether the first that came could be a record: of a change of ciphers, an alert, a handshake,
    /// data, a heartbeat.
    pub fn began_with_record(&self) -> bool {
        self.first.is_none_or(|first| (20..=24).contains(&first))
    }

    fn receive(&mut self, room: &mut [u8]) -> Result<usize, Errno> {
        if self.held() > 0 {
            return Ok(self.take(room));
        }
        if self.ended {
            return Ok(0);
        }
        // The memory is kept for the next record; an idle connection gives it back.
        if self.reads_ahead && room.len() < AHEAD {
            self.ahead.reserve_exact(AHEAD);
            if sys::receive(self.fd, &mut self.ahead, AHEAD, Wait::No)? == 0 {
                self.ended = true;
            }
            return Ok(self.take(room));
        }
        let count = sys::receive_into(self.fd, room)?;
        self.ended = count == 0;
        if let [expected, ..] = self.swallow
            && room.first() == Some(expected)
            && count > 0
        {
            self.swallow = self.swallow.get(1..).unwrap_or_default();
            room.copy_within(1..count, 0);
            return if count > 1 { Ok(count - 1) } else { self.receive(room) };
        }
        self.swallow = &[];
        Ok(count)
    }

    /// Gives memory back that nothing is in.
    pub fn release(&mut self) {
        if self.held() == 0 {
            self.ahead = Vec::new();
            self.taken = 0;
        }
    }
}

/// Runs the body of a callback: nothing may unwind into OpenSSL.
pub fn guarded<T>(none: T, body: impl FnOnce() -> T) -> T {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(none)
}

/// # Safety
/// `bio` is one that `new_bio` made, inside of a call of OpenSSL.
unsafe fn wire<'a>(bio: *mut ffi::BIO) -> Option<&'a mut Wire> {
    // SAFETY: the data is the wire that `new_bio` was given, which outlives the BIO and which nobody
    // else looks at while OpenSSL runs.
    unsafe { ffi::BIO_get_data(bio).cast::<Wire>().as_mut() }
}

unsafe extern "C" fn bio_write(bio: *mut ffi::BIO, bytes: *const c_char, length: c_int) -> c_int {
    guarded(-1, || {
        // SAFETY: OpenSSL calls this with its own BIO and so many bytes.
        let (wire, bytes) = unsafe {
            ffi::BIO_clear_retry_flags(bio);
            let length = usize::try_from(length).unwrap_or(0);
            (wire(bio), std::slice::from_raw_parts(bytes.cast::<u8>(), length))
        };
        let Some(wire) = wire else { return -1 };
        wire.write(bytes);
        length
    })
}

unsafe extern "C" fn bio_read(bio: *mut ffi::BIO, room: *mut c_char, length: c_int) -> c_int {
    guarded(-1, || {
        // SAFETY: OpenSSL calls this with its own BIO and room for so many bytes.
        let (wire, room) = unsafe {
            ffi::BIO_clear_retry_flags(bio);
            let length = usize::try_from(length).unwrap_or(0);
            (wire(bio), std::slice::from_raw_parts_mut(room.cast::<u8>(), length))
        };
        let Some(wire) = wire else { return -1 };
        match wire.read(room) {
            Ok(count) => c_int::try_from(count).unwrap_or(-1),
            Err(Errno(libc::EAGAIN)) => {
                // SAFETY: as above.
                unsafe { ffi::BIO_set_retry_read(bio) };
                -1
            }
            Err(errno) => {
                wire.errno = errno.0;
                -1
            }
        }
    })
}

/// What is not known is refused: a false yes to the kernel's own encryption would corrupt the stream.
unsafe extern "C" fn bio_ctrl(bio: *mut ffi::BIO, what: c_int, _: c_long, _: *mut c_void) -> c_long {
    guarded(0, || match what {
        super::ffi::BIO_CTRL_FLUSH => 1,
        super::ffi::BIO_CTRL_EOF => {
            // SAFETY: as in `bio_write`.
            let wire = unsafe { wire(bio) };
            wire.is_some_and(|wire| wire.ended && wire.held() == 0).into()
        }
        _ => 0,
    })
}

unsafe extern "C" fn bio_create(bio: *mut ffi::BIO) -> c_int {
    // SAFETY: OpenSSL calls this with the BIO that it makes.
    unsafe { ffi::BIO_set_init(bio, 1) };
    1
}

struct Method(*mut ffi::BIO_METHOD);
// SAFETY: a method is only read once it is made.
unsafe impl Send for Method {}
// SAFETY: the same.
unsafe impl Sync for Method {}

static METHOD: once_cell::race::OnceBox<Method> = once_cell::race::OnceBox::new();

fn method() -> *mut ffi::BIO_METHOD {
    const SOURCE_SINK: c_int = 0x0400;
    let make = || {
        // SAFETY: the functions have the types that OpenSSL wants; a method that could not be made is
        // NULL, which makes no BIO.
        let method = unsafe {
            let method =
                ffi::BIO_meth_new(super::ffi::BIO_get_new_index() | SOURCE_SINK, c"acl_socket".as_ptr());
            if !method.is_null() {
                ffi::BIO_meth_set_write__fixed_rust(method, Some(bio_write));
                ffi::BIO_meth_set_read__fixed_rust(method, Some(bio_read));
                ffi::BIO_meth_set_ctrl__fixed_rust(method, Some(bio_ctrl));
                ffi::BIO_meth_set_create__fixed_rust(method, Some(bio_create));
            }
            method
        };
        Box::new(Method(method))
    };
    METHOD.get_or_init(make).0
}

/// A BIO over a wire, which must outlive it; NULL where there is no memory.
pub fn new_bio(wire: *mut Wire) -> *mut ffi::BIO {
    let method = method();
    if method.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: the method is whole; the data is taken back by `wire` alone.
    unsafe {
        let bio = ffi::BIO_new(method);
        if !bio.is_null() {
            ffi::BIO_set_data(bio, wire.cast());
        }
        bio
    }
}
