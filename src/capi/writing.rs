//! Writing to active sockets. Text is UTF-8 on this side, whatever the external format.

use super::acl_status;
use super::arguments::{bytes, give, some_bytes};
use super::boundary::{answer, boundary, directly};
use super::make_socket::{acl_socket, socket};
use crate::stream::direct;
use std::ffi::{c_char, c_void};

/// Writes a byte to the output buffer, which goes out when it is full, with acl_force_output or
/// with acl_close.
/// @return ACL_SOCKET_OK; ACL_SOCKET_CLOSED; ACL_SOCKET_WRONG_FORMAT on a text socket;
/// ACL_SOCKET_WRONG_KIND on a passive or datagram socket; ACL_SOCKET_SHUTDOWN after acl_shutdown of
/// the output; ACL_SOCKET_WRITE_TIMEOUT; ACL_SOCKET_WOULD_BLOCK before acl_finish_connect;
/// ACL_SOCKET_CONNECTION_RESET, or ACL_SOCKET_UNKNOWN with EPIPE, when the peer has gone;
/// ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT. Allegro: write-byte.
#[unsafe(no_mangle)]
pub extern "C" fn acl_write_byte(sock: *mut acl_socket, byte: u8) -> acl_status {
    directly(|| direct::write_bytes(sock.addr(), &[byte]), || socket(sock)?.write_byte(byte))
}

/// Writes a character in the external format; newline as the eol convention says.
/// @param character a code point; ACL_SOCKET_INVALID_ARGUMENT for a surrogate or over 0x10ffff.
/// @return as acl_write_byte; ACL_SOCKET_WRONG_FORMAT on a binary socket; ACL_SOCKET_ENCODING_ERROR
/// for a character that the external format does not have, where the malformed policy refuses it,
/// with nothing written. Allegro: write-char.
#[unsafe(no_mangle)]
pub extern "C" fn acl_write_char(sock: *mut acl_socket, character: u32) -> acl_status {
    directly(
        || direct::write_text(sock.addr(), &[u8::try_from(character).ok()?], b""),
        move || socket(sock)?.write_char(super::arguments::character(character)?),
    )
}

/// Writes a text.
/// @param text, length its bytes in UTF-8, without a NUL; text that is not UTF-8 is refused with
/// ACL_SOCKET_INVALID_ARGUMENT and nothing is written: bytes are written with acl_write_vector.
/// @return as acl_write_char. Allegro: write-string.
#[unsafe(no_mangle)]
pub extern "C" fn acl_write_string(sock: *mut acl_socket, text: *const c_char, length: usize) -> acl_status {
    directly(
        || direct::write_text(sock.addr(), some_bytes(text.cast(), length)?, b""),
        move || socket(sock)?.write_string(bytes(text.cast(), length, "text")?),
    )
}

/// Writes a text and a newline. @return as acl_write_string. Allegro: write-line.
#[unsafe(no_mangle)]
pub extern "C" fn acl_write_line(sock: *mut acl_socket, text: *const c_char, length: usize) -> acl_status {
    directly(
        || direct::write_text(sock.addr(), some_bytes(text.cast(), length)?, b"\n"),
        move || socket(sock)?.write_line(bytes(text.cast(), length, "text")?),
    )
}

/// Writes a newline. @return as acl_write_char. Allegro: terpri.
#[unsafe(no_mangle)]
pub extern "C" fn acl_terpri(sock: *mut acl_socket) -> acl_status {
    directly(|| direct::write_text(sock.addr(), b"", b"\n"), || socket(sock)?.terpri())
}

/// Writes a newline unless at the beginning of a line.
/// @param wrote 1 where one was written; may be NULL.
/// @return as acl_write_char. Allegro: fresh-line.
#[unsafe(no_mangle)]
pub extern "C" fn acl_fresh_line(sock: *mut acl_socket, wrote: *mut i32) -> acl_status {
    boundary(|| {
        give(wrote, 0);
        let fresh = socket(sock)?.fresh_line()?;
        give(wrote, fresh.into());
        Ok(())
    })
}

/// Writes bytes. @return as acl_write_byte. Allegro: write-sequence.
#[unsafe(no_mangle)]
pub extern "C" fn acl_write_sequence(
    sock: *mut acl_socket,
    buffer: *const c_void,
    size: usize,
) -> acl_status {
    boundary(|| socket(sock)?.write_bytes(bytes(buffer, size, "buffer")?, &mut 0))
}

/// Writes bytes and tells how many were taken.
/// @param written how many went to the output buffer or to the system, size unless it failed: to go
/// on after a failure, write the rest. May be NULL.
/// @return as acl_write_byte. Allegro: excl:write-vector.
#[unsafe(no_mangle)]
pub extern "C" fn acl_write_vector(
    sock: *mut acl_socket,
    buffer: *const c_void,
    size: usize,
    written: *mut usize,
) -> acl_status {
    directly(
        || {
            direct::write_bytes(sock.addr(), some_bytes(buffer, size)?)?;
            give(written, size);
            Some(())
        },
        move || {
            give(written, 0);
            let mut taken = 0;
            let done = socket(sock)?.write_bytes(bytes(buffer, size, "buffer")?, &mut taken);
            give(written, taken);
            done
        },
    )
}

/// Whether writing a byte would not wait: 1 where the output buffer has room, room could be made by
/// sending, or an error would come, such as of an invalid handle; 0 where it would, also because
/// another thread is writing. Allegro: excl:write-no-hang-p.
#[unsafe(no_mangle)]
pub extern "C" fn acl_write_no_hang_p(sock: *mut acl_socket) -> i32 {
    answer(1, || socket(sock).map_or(1, |sock| sock.write_no_hang_p().into()))
}

/// Hands the output buffer to the system. With output chunking it becomes one chunk; an empty
/// buffer sends nothing.
/// @return as acl_write_byte; what has not gone stays in the buffer. Allegro: force-output.
#[unsafe(no_mangle)]
pub extern "C" fn acl_force_output(sock: *mut acl_socket) -> acl_status {
    boundary(|| socket(sock)?.force_output())
}

/// Hands the output buffer to the system and waits until it has taken all; so does
/// acl_force_output, since sending waits. @return as acl_write_byte. Allegro: finish-output.
#[unsafe(no_mangle)]
pub extern "C" fn acl_finish_output(sock: *mut acl_socket) -> acl_status {
    boundary(|| socket(sock)?.force_output())
}

/// Forgets what was written and not sent. The rest of a chunk whose beginning was sent stays.
/// @return ACL_SOCKET_OK, ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE.
/// Allegro: clear-output.
#[unsafe(no_mangle)]
pub extern "C" fn acl_clear_output(sock: *mut acl_socket) -> acl_status {
    boundary(|| socket(sock)?.clear_output())
}
