//! Writing to active sockets. Text is UTF-8 on this side, whatever the external format.

use super::acl_status;
use super::arguments::{bytes, give, out, some_bytes, structs};
use super::boundary::{answer, boundary, directly};
use super::make_socket::{acl_socket, socket};
use crate::error::{Error, Result};
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
    directly(
        || direct::write_bytes(sock.addr(), some_bytes(buffer, size)?),
        move || socket(sock)?.write_bytes(bytes(buffer, size, "buffer")?, &mut 0),
    )
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

/// A piece of memory to be written. This struct never grows; it has the layout of a struct iovec.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_piece {
    /// Its bytes; NULL where it has none.
    pub buffer: *const c_void,
    /// How many.
    pub size: usize,
}

impl acl_piece {
    fn bytes(&self) -> Result<&[u8]> {
        bytes(self.buffer, self.size, "buffer")
    }
}

/// Writes bytes that lie in several places, as if they were one. What is buffered already and the
/// pieces leave in one system call, from where they lie, where they are many; few are copied to the
/// output buffer. With output chunking they are one chunk, together with what is buffered where that
/// was written before them, or chunks of 1 MiB where they are more.
/// @param pieces, count where they lie; pieces may be empty.
/// @param written as of acl_write_vector, over all pieces. May be NULL.
/// @return as acl_write_byte; ACL_SOCKET_INVALID_ARGUMENT, with nothing written, where a piece is NULL
/// and not empty.
#[unsafe(no_mangle)]
pub extern "C" fn acl_write_pieces(
    sock: *mut acl_socket,
    pieces: *const acl_piece,
    count: usize,
    written: *mut usize,
) -> acl_status {
    boundary(|| {
        give(written, 0);
        let sock = socket(sock)?;
        let pieces: &[acl_piece] = structs(pieces.cast_mut(), count, "pieces")?;
        let total = pieces.iter().try_fold(0, |total: usize, piece| {
            let more = piece.bytes()?.len();
            total.checked_add(more).ok_or_else(|| Error::argument("writing more bytes than memory has"))
        })?;
        let mut taken = 0;
        let piece = |index: usize| pieces.get(index).map(|piece| piece.bytes().unwrap_or_default());
        let done = sock.write_pieces(piece, total, &mut taken);
        give(written, taken);
        done
    })
}

/// As offset of acl_send_file: from where the descriptor stands, moving it.
pub const ACL_SOCKET_FROM_HERE: u64 = u64::MAX;
/// As count of acl_send_file: to the end of the file.
pub const ACL_SOCKET_TO_THE_END: u64 = u64::MAX;

/// Sends from a descriptor: first what is buffered, then the file, which the system sends by itself
/// (sendfile) where it can. From a pipe, with output chunking, with a deadline, or after
/// acl_set_non_local_exits(1) it is read and written piece by piece, and each piece leaves at once; with
/// output chunking each is a chunk. Characters are not converted. Others that write to the stream
/// meanwhile come between two pieces.
/// @param os_fd the descriptor of the file, or of anything else that can be read; it stays the caller's.
/// To wait for one that has nothing yet ends with the socket's deadline, and with the connection.
/// @param offset where in the file to begin, which leaves the descriptor where it stands;
/// ACL_SOCKET_FROM_HERE for where it stands, which moves it. A pipe has no other.
/// @param count how many bytes; fewer are sent where the file ends before. ACL_SOCKET_TO_THE_END; 0
/// sends none.
/// @param sent how many bytes of the file went to the system, or stay in the output buffer after a
/// failure: to go on, send from behind them. It is kept up to date while the call waits. May be NULL.
/// @return as acl_write_byte; the error of reading, such as ACL_SOCKET_UNKNOWN with EBADF, or ESPIPE for
/// an offset in a pipe.
#[unsafe(no_mangle)]
pub extern "C" fn acl_send_file(
    sock: *mut acl_socket,
    os_fd: i32,
    offset: u64,
    count: u64,
    sent: *mut u64,
) -> acl_status {
    boundary(|| {
        give(sent, 0);
        let offset = Some(offset).filter(|offset| *offset != ACL_SOCKET_FROM_HERE);
        let count = Some(count).filter(|count| *count != ACL_SOCKET_TO_THE_END);
        socket(sock)?.send_file(os_fd, offset, count, |gone| give(sent, gone))
    })
}

/// Shows room in the output buffer, which the caller fills and writes with acl_commit_output: nothing is
/// copied.
/// @param minimum bytes of room, at most 65536; 0 counts as 1. What is buffered is sent first where there
/// are fewer.
/// @param room, size where the room is and how many bytes it has. It is valid until the next function that
/// writes to, flushes, clears or closes this stream, by any thread.
/// @return as acl_write_byte. Allegro has no such function.
#[unsafe(no_mangle)]
pub extern "C" fn acl_reserve_output(
    sock: *mut acl_socket,
    minimum: usize,
    room: *mut *mut c_void,
    size: *mut usize,
) -> acl_status {
    boundary(|| {
        let (room, size) = (out(room, "room")?, out(size, "size")?);
        room.write(std::ptr::null_mut());
        size.write(0);
        let (start, count) = socket(sock)?.reserve_output(minimum)?;
        room.write(start.cast());
        size.write(count);
        Ok(())
    })
}

/// Writes the first bytes of the room that acl_reserve_output showed, once.
/// @param count how many the caller has filled.
/// @return as acl_write_byte; ACL_SOCKET_INVALID_ARGUMENT, and nothing written, for more than were shown
/// and where something else was written since.
#[unsafe(no_mangle)]
pub extern "C" fn acl_commit_output(sock: *mut acl_socket, count: usize) -> acl_status {
    boundary(|| socket(sock)?.commit_output(count))
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
