//! Active sockets as streams.

use super::acl_status;
use super::arguments::{bytes, give, out, room};
use super::boundary::boundary;
use super::make_socket::{acl_socket, socket};
use crate::error::{Error, Identifier};
use std::ffi::{c_char, c_void};

/// Reads a byte. @return ACL_SOCKET_OK, ACL_SOCKET_END_OF_FILE, ACL_SOCKET_CONNECTION_RESET,
/// ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_FORMAT on a text socket, ACL_SOCKET_WRONG_KIND,
/// ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT. Allegro: read-byte.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_byte(sock: *mut acl_socket, byte: *mut u8) -> acl_status {
    boundary(|| {
        let place = out(byte, "byte")?;
        place.write(socket(sock)?.read_byte()?);
        Ok(())
    })
}

/// Reads a character in UTF-8. Malformed bytes read as U+FFFD.
/// @param character where its code point is stored.
/// @return as acl_read_byte; ACL_SOCKET_WRONG_FORMAT on a binary socket. Allegro: read-char.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_char(sock: *mut acl_socket, character: *mut u32) -> acl_status {
    boundary(|| {
        let place = out(character, "character")?;
        place.write(socket(sock)?.read_char()?.into());
        Ok(())
    })
}

/// Reads a line into a buffer, NUL-terminated and without its newline. A line that the peer ended
/// by closing instead is a line too.
/// @param size of the buffer, at least 2.
/// @param length how many bytes were stored, without the NUL; may be NULL.
/// @return ACL_SOCKET_OK; ACL_SOCKET_BUFFER_TOO_SMALL with the beginning of the line, which calling
/// again continues; ACL_SOCKET_END_OF_FILE; else as acl_read_char. Allegro: read-line.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_line(
    sock: *mut acl_socket,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        give(length, 0);
        let sock = socket(sock)?;
        let room = room(buffer.cast(), size, "buffer")?;
        let Some((last, room)) = room.split_last_mut().filter(|(_, room)| !room.is_empty()) else {
            return Err(Error::argument("reading a line into a buffer of one byte"));
        };
        *last = 0;
        let line = sock.read_line(room)?;
        if let Some(end) = room.get_mut(line.length) {
            *end = 0;
        }
        give(length, line.length);
        if line.complete {
            return Ok(());
        }
        let action = format!("reading a line into a buffer of {size} bytes");
        Err(Error::new(Identifier::BUFFER_TOO_SMALL, action))
    })
}

/// Reads bytes: waits for the first and takes what is there, at most size.
/// @param length how many were stored.
/// @return as acl_read_byte. Allegro: excl:read-vector.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_vector(
    sock: *mut acl_socket,
    buffer: *mut c_void,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        let place = out(length, "length")?;
        place.write(0);
        let sock = socket(sock)?;
        place.write(sock.read_vector(room(buffer, size, "buffer")?)?);
        Ok(())
    })
}

/// Writes a text in UTF-8 to the output buffer, which goes out when it is full, with
/// acl_force_output or with acl_close.
/// @param text, length the bytes of the text, without a NUL.
/// @return ACL_SOCKET_OK, ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_FORMAT on a binary socket,
/// ACL_SOCKET_WRONG_KIND, ACL_SOCKET_SHUTDOWN after acl_shutdown of the output,
/// ACL_SOCKET_CONNECTION_RESET or ACL_SOCKET_UNKNOWN with EPIPE when the peer has gone,
/// ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT. Allegro: write-string.
#[unsafe(no_mangle)]
pub extern "C" fn acl_write_string(sock: *mut acl_socket, text: *const c_char, length: usize) -> acl_status {
    boundary(|| socket(sock)?.write_string(bytes(text.cast(), length, "text")?))
}

/// Writes bytes to the output buffer.
/// @return as acl_write_string; ACL_SOCKET_WRONG_FORMAT on a text socket.
/// Allegro: excl:write-vector.
#[unsafe(no_mangle)]
pub extern "C" fn acl_write_vector(sock: *mut acl_socket, buffer: *const c_void, size: usize) -> acl_status {
    boundary(|| socket(sock)?.write_vector(bytes(buffer, size, "buffer")?))
}

/// Hands the output buffer to the system.
/// @return as acl_write_string. Allegro: force-output.
#[unsafe(no_mangle)]
pub extern "C" fn acl_force_output(sock: *mut acl_socket) -> acl_status {
    boundary(|| socket(sock)?.force_output())
}
