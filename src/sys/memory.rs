//! Looking at memory, by the C library, which has a way for each processor.

/// Where the byte is first.
#[inline]
pub fn position(byte: u8, bytes: &[u8]) -> Option<usize> {
    // SAFETY: the pointer and the length describe `bytes`.
    let found = unsafe { libc::memchr(bytes.as_ptr().cast(), byte.into(), bytes.len()) };
    (!found.is_null()).then(|| found.addr() - bytes.as_ptr().addr())
}
