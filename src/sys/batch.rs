//! Many datagrams in one system call. Those of one size to one address go as one message that the
//! kernel cuts up (UDP_SEGMENT), and what it has put together of such (UDP_GRO) is taken apart here.

use super::message::Wait;
use super::{Address, Fd, Name};
use crate::error::Errno;
use libc::c_int;
use socket2::{SockAddr, SockAddrStorage};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{Ordering, compiler_fence};

/// Messages of one call at the most.
const MESSAGES: usize = 32;
/// Places their bytes may lie in.
const VECTORS: usize = 256;
/// What every kernel that cuts messages up takes: so many datagrams, and so many bytes.
const SEGMENTS: usize = 64;
const LONGEST: usize = 65507;

/// Room for one ancillary number.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; 24]);

const NO_CONTROL: Control = Control([0; 24]);

fn header(
    name: *mut libc::c_void,
    name_length: usize,
    vectors: *mut libc::iovec,
    count: usize,
) -> libc::mmsghdr {
    // SAFETY: integers and pointers, for which zero is valid.
    let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
    header.msg_hdr.msg_name = name;
    header.msg_hdr.msg_namelen = name_length as libc::socklen_t;
    header.msg_hdr.msg_iov = vectors;
    header.msg_hdr.msg_iovlen = count as _;
    header
}

fn call(number: libc::c_long, fd: Fd, headers: *mut libc::mmsghdr, count: usize, flags: c_int) -> isize {
    let none = ptr::null::<libc::timespec>();
    // SAFETY: the callers here pass headers that name memory which lives for the call.
    unsafe { libc::syscall(number, fd.0, headers, count, flags, none) as isize }
}

/// Whether the kernel cuts messages of this socket up where it is told to. One that does not know
/// how would send the whole as one datagram.
pub fn cuts_messages(fd: Fd) -> bool {
    let mut value: c_int = 0;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    let place = (&raw mut value).cast();
    // SAFETY: the pointers describe `value` and `length`.
    unsafe { libc::getsockopt(fd.0, libc::SOL_UDP, libc::UDP_SEGMENT, place, &raw mut length) == 0 }
}

/// Lets the kernel put received datagrams together; only an `Inflow` can read them from then on.
pub fn gather_received(fd: Fd) -> Result<(), Errno> {
    super::set_switch(fd, (libc::SOL_UDP, libc::UDP_GRO), true)
}

/// A message to be sent: a datagram, or several of one size of which the last may be shorter.
#[derive(Clone, Copy, Default)]
struct Message {
    vectors: usize,
    datagrams: usize,
    segment: usize,
    length: usize,
    named: bool,
    /// A shorter one is in it already.
    ended: bool,
}

/// Datagrams to be sent in one call. It owns no memory but its own.
pub struct Outbox<'a> {
    messages: [Message; MESSAGES],
    count: usize,
    vectors: [MaybeUninit<libc::iovec>; VECTORS],
    used: usize,
    names: [MaybeUninit<SockAddr>; MESSAGES],
    _bytes: PhantomData<&'a [u8]>,
}

impl<'a> Outbox<'a> {
    /// An empty one.
    pub fn new() -> Outbox<'a> {
        Outbox {
            messages: [Message::default(); MESSAGES],
            count: 0,
            vectors: [const { MaybeUninit::uninit() }; VECTORS],
            used: 0,
            names: [const { MaybeUninit::uninit() }; MESSAGES],
            _bytes: PhantomData,
        }
    }

    /// Forgets what is in it.
    pub fn clear(&mut self) {
        (self.count, self.used) = (0, 0);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a datagram to that address, or to the peer of a connected socket. False where there is
    /// no room.
    pub fn push(&mut self, bytes: &'a [u8], to: Option<&Address>) -> bool {
        let room = self.messages.get_mut(self.count).zip(self.names.get_mut(self.count));
        let (Some((message, name)), Some(vector)) = (room, self.vectors.get_mut(self.used)) else {
            return false;
        };
        if let Some(to) = to {
            name.write(to.0.clone());
        }
        vector.write(libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() });
        *message = Message {
            vectors: 1,
            datagrams: 1,
            segment: bytes.len(),
            length: bytes.len(),
            named: to.is_some(),
            ended: bytes.is_empty(),
        };
        self.count += 1;
        self.used += 1;
        true
    }

    /// Adds a datagram to the last message, for the kernel to cut it off again, where that has
    /// datagrams of at most `longest` bytes. False where it does not belong there.
    pub fn join(&mut self, bytes: &'a [u8], longest: usize) -> bool {
        let last = self.count.checked_sub(1).and_then(|last| self.messages.get_mut(last));
        let Some(message) = last else { return false };
        let fits = !message.ended
            && !bytes.is_empty()
            && bytes.len() <= message.segment
            && message.segment <= longest
            && message.datagrams < SEGMENTS
            && message.length + bytes.len() <= LONGEST;
        if !fits || !self.extend_last(bytes) {
            return false;
        }
        let Some(message) = self.messages.get_mut(self.count - 1) else { return false };
        message.datagrams += 1;
        message.length += bytes.len();
        message.ended = bytes.len() < message.segment;
        true
    }

    fn extend_last(&mut self, bytes: &'a [u8]) -> bool {
        let before = self.used.checked_sub(1).and_then(|before| self.vectors.get_mut(before));
        if let Some(before) = before {
            // SAFETY: it was written when it was used.
            let vector = unsafe { before.assume_init_mut() };
            let end = vector.iov_base.cast::<u8>().cast_const().wrapping_add(vector.iov_len);
            if end == bytes.as_ptr() {
                vector.iov_len += bytes.len();
                return true;
            }
        }
        let Some(vector) = self.vectors.get_mut(self.used) else { return false };
        vector.write(libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() });
        self.used += 1;
        if let Some(message) = self.messages.get_mut(self.count - 1) {
            message.vectors += 1;
        }
        true
    }

    /// The size of the datagrams of the first message where those are several.
    pub fn first_run(&self) -> Option<usize> {
        let first = self.messages.first().filter(|_| self.count > 0)?;
        (first.datagrams > 1).then_some(first.segment)
    }

    /// How many datagrams the first so many messages are.
    pub fn datagrams(&self, messages: usize) -> usize {
        self.messages.iter().take(messages.min(self.count)).map(|message| message.datagrams).sum()
    }

    /// Sends them in their order: how many messages went, at least one.
    pub fn send(&mut self, fd: Fd, wait: Wait) -> Result<usize, Errno> {
        let mut headers = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; MESSAGES];
        let mut controls = [NO_CONTROL; MESSAGES];
        let mut vectors = self.vectors.as_mut_ptr().cast::<libc::iovec>();
        let parts = headers.iter_mut().zip(&mut controls).zip(&self.messages).zip(&self.names);
        for (((place, control), message), name) in parts.take(self.count) {
            let (name, name_length) = match message.named {
                // SAFETY: a message that is named has its name written.
                true => unsafe { (name.assume_init_ref().as_ptr(), name.assume_init_ref().len()) },
                false => (ptr::null(), 0),
            };
            let header =
                place.write(header(name.cast_mut().cast(), name_length as usize, vectors, message.vectors));
            if message.datagrams > 1 {
                put_segment(control, message.segment, &mut header.msg_hdr);
            }
            vectors = vectors.wrapping_add(message.vectors);
        }
        let (headers, flags) = (headers.as_mut_ptr().cast(), libc::MSG_NOSIGNAL | wait.flag());
        wait.run(|| call(libc::SYS_sendmmsg, fd, headers, self.count, flags))
    }
}

fn put_segment(control: &mut Control, segment: usize, header: &mut libc::msghdr) {
    let number = segment as u16;
    header.msg_control = control.0.as_mut_ptr().cast();
    // SAFETY: the control holds a header and a number, aligned for the header.
    unsafe {
        header.msg_controllen = libc::CMSG_SPACE(size_of::<u16>() as u32) as _;
        let place = libc::CMSG_FIRSTHDR(header);
        (*place).cmsg_level = libc::SOL_UDP;
        (*place).cmsg_type = libc::UDP_SEGMENT;
        (*place).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as u32) as _;
        libc::CMSG_DATA(place).cast::<u16>().write_unaligned(number);
    }
}

/// The sender of a message that the kernel has written to `storage`.
fn sender(storage: &SockAddrStorage, length: libc::socklen_t) -> Option<Name> {
    let size = length.min(size_of::<SockAddrStorage>() as libc::socklen_t);
    if (size as usize) < size_of::<libc::sa_family_t>() {
        return None;
    }
    // SAFETY: the kernel wrote an address of this length there, and the rest was zero.
    let address = unsafe { SockAddr::new(ptr::from_ref(storage).read(), size) };
    Name::of_sockaddr(&address)
}

/// Places for datagrams that are received in one call, each into the caller's memory.
pub struct Inbox<'a> {
    headers: [MaybeUninit<libc::mmsghdr>; MESSAGES],
    vectors: [MaybeUninit<libc::iovec>; MESSAGES],
    names: [SockAddrStorage; MESSAGES],
    count: usize,
    _rooms: PhantomData<&'a mut [u8]>,
}

impl<'a> Inbox<'a> {
    /// One without places.
    pub fn new() -> Inbox<'a> {
        Inbox {
            headers: [const { MaybeUninit::uninit() }; MESSAGES],
            vectors: [const { MaybeUninit::uninit() }; MESSAGES],
            names: std::array::from_fn(|_| SockAddrStorage::zeroed()),
            count: 0,
            _rooms: PhantomData,
        }
    }

    /// Adds a place; false where there can be no more.
    pub fn push(&mut self, room: &'a mut [u8]) -> bool {
        let Some(vector) = self.vectors.get_mut(self.count) else { return false };
        vector.write(libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() });
        self.count += 1;
        true
    }

    /// Receives what is there, waiting for the first where it may: how many datagrams came.
    pub fn receive(&mut self, fd: Fd, wait: Wait) -> Result<usize, Errno> {
        let parts = self.headers.iter_mut().zip(&mut self.vectors).zip(&mut self.names);
        for ((place, vector), name) in parts.take(self.count) {
            let size = size_of::<SockAddrStorage>();
            place.write(header(ptr::from_mut(name).cast(), size, vector.as_mut_ptr(), 1));
        }
        let flags = libc::MSG_TRUNC | libc::MSG_WAITFORONE | wait.flag();
        let headers = self.headers.as_mut_ptr().cast();
        wait.run(|| call(libc::SYS_recvmmsg, fd, headers, self.count, flags))
    }

    /// How long a datagram was that came, and its sender where that has a name.
    pub fn arrived(&self, index: usize) -> (usize, Option<Name>) {
        let came = self.headers.get(index).zip(self.names.get(index)).filter(|_| index < self.count);
        let Some((header, name)) = came else { return (0, None) };
        // SAFETY: `receive` has written the headers up to `count`.
        let header = unsafe { header.assume_init_ref() };
        (header.msg_len as usize, sender(name, header.msg_hdr.msg_namelen))
    }
}

/// Messages that an `Inflow` receives at once.
const SLOTS: usize = 16;
/// The longest that the kernel puts together.
const SLOT: usize = 65536;
/// The length of a message that has not come.
const NOT_THERE: u32 = u32::MAX;

struct Slots {
    headers: [libc::mmsghdr; SLOTS],
    vectors: [libc::iovec; SLOTS],
    names: [SockAddrStorage; SLOTS],
    controls: [Control; SLOTS],
    bytes: Box<[MaybeUninit<u8>]>,
    /// Slots that were offered to the kernel, and which is to be read next, from which byte on.
    offered: usize,
    next: usize,
    offset: usize,
}

/// What came of a message and is still to be read.
pub struct Rest<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The size of a datagram; the last one may be shorter.
    pub segment: usize,
    /// Who sent it, where that has a name.
    pub sender: Option<Name>,
}

/// Datagrams that came, several in a message. What the kernel has written is known from its
/// headers alone, so that nothing is lost where a call is left by `longjmp`.
#[derive(Default)]
pub struct Inflow(Option<Box<Slots>>);

// SAFETY: the pointers in it lead into its own memory and are used during a call only.
unsafe impl Send for Inflow {}

impl std::fmt::Debug for Inflow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Inflow").field(&self.has_more()).finish()
    }
}

impl Inflow {
    /// Whether there is a datagram in it.
    #[inline]
    pub fn has_more(&self) -> bool {
        self.0.as_ref().is_some_and(|slots| slots.header().is_some())
    }

    /// Receives without waiting, where there is nothing in it, at most so many messages; what was
    /// there is known from `has_more`.
    pub fn receive(&mut self, fd: Fd, most: usize) -> Result<(), Errno> {
        let slots = self.0.get_or_insert_with(Slots::new);
        slots.offer(most.clamp(1, SLOTS));
        let (headers, offered) = (slots.headers.as_mut_ptr(), slots.offered);
        compiler_fence(Ordering::SeqCst);
        let came = Wait::No.run(|| call(libc::SYS_recvmmsg, fd, headers, offered, Wait::No.flag()));
        compiler_fence(Ordering::SeqCst);
        match came {
            Err(errno) if errno != Errno(libc::EAGAIN) => Err(errno),
            _ => Ok(()),
        }
    }

    /// Forgets what is in it.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// What is to be read next.
    pub fn rest(&self) -> Option<Rest<'_>> {
        let slots = self.0.as_ref()?;
        let header = slots.header()?;
        let length = (header.msg_len as usize).min(SLOT);
        let start = slots.next * SLOT;
        let bytes = slots.bytes.get(start + slots.offset.min(length)..start + length)?;
        // SAFETY: the kernel has written `length` bytes from `start` on.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<u8>(), bytes.len()) };
        let name = slots.names.get(slots.next)?;
        let sender = sender(name, header.msg_hdr.msg_namelen);
        Some(Rest { bytes, segment: gathered_segment(&header.msg_hdr).unwrap_or(length).max(1), sender })
    }

    /// So many bytes of it were read, or the datagram without any.
    pub fn consume(&mut self, count: usize) {
        if let Some(slots) = &mut self.0 {
            slots.offset += count;
            let length = slots.header().map_or(0, |header| header.msg_len as usize);
            if slots.offset >= length {
                (slots.next, slots.offset) = (slots.next + 1, 0);
            }
        }
    }
}

impl Slots {
    fn new() -> Box<Slots> {
        // SAFETY: integers and pointers, for which zero is valid, all written before the kernel
        // sees them.
        let (headers, vectors) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        Box::new(Slots {
            headers,
            vectors,
            names: std::array::from_fn(|_| SockAddrStorage::zeroed()),
            controls: [NO_CONTROL; SLOTS],
            bytes: Box::new_uninit_slice(SLOTS * SLOT),
            offered: 0,
            next: 0,
            offset: 0,
        })
    }

    /// The message to be read next.
    #[inline]
    fn header(&self) -> Option<&libc::mmsghdr> {
        let there = self.headers.get(self.next).filter(|_| self.next < self.offered);
        there.filter(|header| header.msg_len != NOT_THERE)
    }

    fn offer(&mut self, count: usize) {
        let parts =
            self.headers.iter_mut().zip(&mut self.vectors).zip(&mut self.names).zip(&mut self.controls);
        let rooms = self.bytes.chunks_exact_mut(SLOT);
        for ((((place, vector), name), control), room) in parts.zip(rooms).take(count) {
            *vector = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
            *place = header(ptr::from_mut(name).cast(), size_of::<SockAddrStorage>(), vector, 1);
            place.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
            place.msg_hdr.msg_controllen = size_of::<Control>() as _;
            place.msg_len = NOT_THERE;
        }
        (self.offered, self.next, self.offset) = (count, 0, 0);
    }
}

/// The size of the datagrams that a received message was put together of.
fn gathered_segment(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: the kernel has written whole control messages there, as many as it says; CMSG_DATA of
    // one of this type is an int.
    unsafe {
        let mut place = libc::CMSG_FIRSTHDR(header);
        while let Some(control) = place.as_ref() {
            if (control.cmsg_level, control.cmsg_type) == (libc::SOL_UDP, libc::UDP_GRO) {
                return usize::try_from(libc::CMSG_DATA(place).cast::<c_int>().read_unaligned()).ok();
            }
            place = libc::CMSG_NXTHDR(header, place);
        }
    }
    None
}

/// The errnos by which a kernel says that it cannot cut a message up.
pub fn cannot_cut(errno: i32) -> bool {
    [libc::EIO, libc::EINVAL, libc::ENOPROTOOPT, libc::EOPNOTSUPP].contains(&errno)
}
