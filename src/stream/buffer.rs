//! The memory of the buffers: taken at the first byte, given back when empty. Each thread keeps the
//! last one that it gave back.

use crate::sys;
use std::cell::RefCell;

/// Bytes that a buffer holds; measured as the knee of throughput. A read or write of at least as
/// many bypasses it.
pub const BUFFER: usize = 64 * 1024;

/// Room in front of the bytes for the size line of a chunk.
pub const HEAD: usize = 32;

/// Room behind them for the end of a chunk and of a chunked body.
pub const TAIL: usize = 16;

thread_local! {
    static KEPT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Makes what a thread keeps.
pub(super) fn make_for_thread() {
    let _ = KEPT.try_with(|_| ());
}

/// An empty buffer with its full capacity, which is not touched before it is used.
pub fn take() -> Vec<u8> {
    let kept = KEPT.try_with(|kept| kept.try_borrow_mut().ok().and_then(|mut kept| kept.take()));
    kept.ok().flatten().unwrap_or_else(allocate)
}

#[cold]
fn allocate() -> Vec<u8> {
    sys::not_left(|| Vec::with_capacity(HEAD + BUFFER + TAIL))
}

/// Gives a buffer back, leaving an empty vector without memory.
pub fn give_back(buffer: &mut Vec<u8>) {
    let mut buffer = std::mem::take(buffer);
    if buffer.capacity() != HEAD + BUFFER + TAIL {
        return;
    }
    buffer.clear();
    let _ = KEPT.try_with(|kept| kept.try_borrow_mut().map(|mut kept| kept.get_or_insert(buffer).clear()));
}
