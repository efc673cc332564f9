//! The library's decoder of chunks, which no function exports, for bench/decoding.c. picohttpparser comes along.

#[allow(dead_code)]
#[path = "../../../src/stream/chunks.rs"]
mod chunks;

pub use picohttpparser_sys::phr_decode_chunked;

use chunks::Chunks;

/// As much as a receive brings at most.
const SLICE: usize = 65536;

/// Decodes a whole body, that comes in slices, into `out`: how many bytes there were; 0 where it is malformed.
///
/// # Safety
/// The pointers are to so many bytes, `out` to as many as there can be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bench_decode(
    encoded: *const u8,
    length: usize,
    slice: *mut u8,
    out: *mut u8,
) -> usize {
    // SAFETY: the caller's promise.
    let (encoded, slice, out) = unsafe {
        (
            std::slice::from_raw_parts(encoded, length),
            std::slice::from_raw_parts_mut(slice, SLICE),
            std::slice::from_raw_parts_mut(out, length),
        )
    };
    let mut decoder = Chunks::new(false);
    let mut decoded = 0;
    for piece in encoded.chunks(SLICE) {
        let received = &mut slice[..piece.len()];
        received.copy_from_slice(piece);
        let mut at = 0;
        while at < received.len() {
            at += decoder.advance(&received[at..]);
            let count = usize::try_from(decoder.left()).unwrap_or(usize::MAX).min(received.len() - at);
            if count == 0 {
                break;
            }
            out[decoded..decoded + count].copy_from_slice(&received[at..at + count]);
            decoder.took(count);
            at += count;
            decoded += count;
        }
    }
    if decoder.is_ended() { decoded } else { 0 }
}
