//! Threads as the kernel knows them: their numbers, what they are doing, the time they have used,
//! and keeping them from being cancelled inside.

use std::cell::Cell;
use std::mem::MaybeUninit;

thread_local! {
    static ID: Cell<u32> = const { Cell::new(0) };
}

/// The kernel's number of this thread.
#[inline]
pub fn thread_id() -> u32 {
    match ID.get() {
        0 => ask_thread_id(),
        id => id,
    }
}

#[cold]
fn ask_thread_id() -> u32 {
    // SAFETY: gettid takes nothing and cannot fail.
    let id = unsafe { libc::syscall(libc::SYS_gettid) } as u32;
    ID.set(id);
    id
}

/// In the child of a fork the one thread has another number.
pub fn forget_thread_id() {
    ID.set(0);
}

/// Where this thread's control block is, which no other live thread's is; 0 on other processors.
#[inline(always)]
pub fn thread_pointer() -> usize {
    let pointer: usize;
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: by the ABI of threads the control block begins with its own address.
    unsafe {
        core::arch::asm!("mov {}, fs:0", out(reg) pointer, options(nostack, preserves_flags, pure, readonly));
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: the register can be read.
    unsafe {
        core::arch::asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nostack, preserves_flags, pure, nomem));
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    {
        pointer = 0;
    }
    pointer
}

/// About where the caller is on its stack.
#[inline(always)]
pub fn stack_pointer() -> usize {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let pointer: usize;
        // SAFETY: the register can be read.
        unsafe {
            core::arch::asm!("mov {}, rsp", out(reg) pointer, options(nostack, preserves_flags, nomem));
        }
        pointer
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        let marker = 0u8;
        std::hint::black_box(&raw const marker).addr()
    }
}

/// What a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It has ended.
    Ended,
    /// It waits in that system call, with its first argument and its stack pointer.
    Waiting { call: libc::c_long, first: u64, stack: usize },
    /// It runs, or waits for a processor or for memory.
    Running,
    /// The system does not tell.
    Unknown,
}

/// What a thread of this process is doing, from /proc.
pub fn doing(thread: u32) -> Doing {
    let mut text = [0; 256];
    let read = read_task_file(thread, &mut text);
    let Some(length) = read else {
        let known = read_task_file(thread_id(), &mut text).is_some();
        return if known { Doing::Ended } else { Doing::Unknown };
    };
    let text = text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
    let mut fields = text.split_whitespace();
    let Some(call) = fields.next().and_then(|call| call.parse().ok()) else {
        return if text.starts_with("running") { Doing::Running } else { Doing::Unknown };
    };
    if call < 0 {
        return Doing::Running;
    }
    let mut hexadecimal =
        fields.map(|field| u64::from_str_radix(field.trim_start_matches("0x"), 16).unwrap_or(0));
    let first = hexadecimal.next().unwrap_or(0);
    let stack = hexadecimal.nth(5).unwrap_or(0) as usize;
    Doing::Waiting { call, first, stack }
}

/// The first descriptor that a call of `ppoll` waits for, by its first argument: memory of another
/// thread, which may be gone by now.
pub fn polled(first: u64) -> Option<i32> {
    let mut number = 0_i32;
    let size = size_of::<i32>();
    let here = libc::iovec { iov_base: (&raw mut number).cast(), iov_len: size };
    let there = libc::iovec { iov_base: std::ptr::without_provenance_mut(first as usize), iov_len: size };
    // Whole words: of a narrower argument on the stack the system would read the upper half too.
    let (one, flags) = (1_usize, 0_usize);
    let (here, there) = (&raw const here, &raw const there);
    // SAFETY: the system checks the other thread's address and writes into `number`.
    let read =
        unsafe { libc::syscall(libc::SYS_process_vm_readv, libc::getpid(), here, one, there, one, flags) };
    (read == size as libc::c_long).then_some(number)
}

/// Reads /proc/self/task/THREAD/syscall with bare system calls: they are no cancellation points.
fn read_task_file(thread: u32, room: &mut [u8]) -> Option<usize> {
    let mut path = [0u8; 48];
    let mut rest = &mut path[..];
    std::io::Write::write_fmt(&mut rest, format_args!("/proc/self/task/{thread}/syscall\0")).ok()?;
    // SAFETY: the path ends with a NUL, and the pointer and the length describe `room`.
    let length = unsafe {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC;
        let file = libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, 0);
        if file < 0 {
            return None;
        }
        let length = libc::syscall(libc::SYS_read, file, room.as_mut_ptr(), room.len());
        libc::syscall(libc::SYS_close, file);
        length
    };
    usize::try_from(length).ok().filter(|length| *length > 0)
}

/// Nanoseconds of processor time that a thread of this process has used.
pub fn processor_time(thread: u32) -> Option<u64> {
    // The clock of one thread by its number, as glibc's pthread_getcpuclockid makes it.
    let clock = ((!thread) << 3) | 6;
    clock_time(clock as libc::clockid_t)
}

/// Nanoseconds of a clock that never goes back.
#[inline]
pub fn now() -> u64 {
    clock_time(libc::CLOCK_MONOTONIC).unwrap_or(0)
}

/// The same, which goes on while the machine sleeps.
pub fn now_with_sleep() -> u64 {
    clock_time(libc::CLOCK_BOOTTIME).unwrap_or(0)
}

fn clock_time(clock: libc::clockid_t) -> Option<u64> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: clock_gettime writes one timespec where it answers 0.
    let time = unsafe {
        if libc::clock_gettime(clock, time.as_mut_ptr()) != 0 {
            return None;
        }
        time.assume_init()
    };
    Some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

unsafe extern "C" {
    fn pthread_setcancelstate(state: libc::c_int, old: *mut libc::c_int) -> libc::c_int;
}

const PTHREAD_CANCEL_DISABLE: libc::c_int = 1;

/// While this lives the thread is not cancelled: cancelling unwinds, which nothing here may do.
pub struct Uncancelled {
    before: libc::c_int,
}

impl Uncancelled {
    /// Keeps the thread from being cancelled.
    pub fn begin() -> Uncancelled {
        let mut before = 0;
        // SAFETY: the pointer is to an int.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut before) };
        Uncancelled { before }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        // SAFETY: the state is one that the same function answered; the old one is not wanted.
        unsafe { pthread_setcancelstate(self.before, std::ptr::null_mut()) };
    }
}
