//! Reading from active sockets. Text is UTF-8 on this side, whatever the external format.

use super::acl_status;
use super::arguments::{boolean, give, out, place, room, some_room};
use super::boundary::{answer, boundary, directly};
use super::make_socket::{acl_socket, socket};
use crate::error::{Error, Identifier, Result};
use crate::socket::os_fd_read_no_hang_p;
use crate::stream::{CHARACTER, Ending, direct};
use std::ffi::{c_char, c_void};

/// Reads a byte. @return ACL_SOCKET_OK; ACL_SOCKET_END_OF_FILE, at the end of a chunked body too;
/// ACL_SOCKET_CONNECTION_RESET; ACL_SOCKET_READ_TIMEOUT; ACL_SOCKET_CLOSED; ACL_SOCKET_WOULD_BLOCK before
/// acl_finish_connect; ACL_SOCKET_CHUNKING_ERROR while the chunked
/// coding of the input is not what it must be; ACL_SOCKET_WRONG_FORMAT on a text socket;
/// ACL_SOCKET_WRONG_KIND on a passive or datagram socket; ACL_SOCKET_INVALID_HANDLE;
/// ACL_SOCKET_INVALID_ARGUMENT; ACL_SOCKET_UNKNOWN with the errno. Allegro: read-byte.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_byte(sock: *mut acl_socket, byte: *mut u8) -> acl_status {
    directly(
        || Some(place(byte)?.write(direct::read_byte(sock.addr())?)),
        move || {
            let place = out(byte, "byte")?;
            place.write(socket(sock)?.read_byte()?);
            Ok(())
        },
    )
}

/// Reads a character: the code point that the external format and the eol convention make of the
/// next bytes.
/// @return as acl_read_byte; ACL_SOCKET_WRONG_FORMAT on a binary socket; ACL_SOCKET_DECODING_ERROR
/// for malformed bytes, which are taken, where the malformed policy refuses them. Allegro: read-char.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_char(sock: *mut acl_socket, character: *mut u32) -> acl_status {
    directly(
        || Some(place(character)?.write(direct::read_char(sock.addr())?.into())),
        move || {
            let place = out(character, "character")?;
            place.write(socket(sock)?.read_char()?.into());
            Ok(())
        },
    )
}

/// The same without waiting.
/// @return as acl_read_char; ACL_SOCKET_WOULD_BLOCK where no whole character has arrived, or
/// another thread is reading. Allegro: read-char-no-hang.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_char_no_hang(sock: *mut acl_socket, character: *mut u32) -> acl_status {
    directly(
        || Some(place(character)?.write(direct::read_char(sock.addr())?.into())),
        move || {
            let place = out(character, "character")?;
            place.write(socket(sock)?.read_char_no_hang()?.into());
            Ok(())
        },
    )
}

/// Looks at the next character and leaves it there. @return as acl_read_char. Allegro: peek-char.
#[unsafe(no_mangle)]
pub extern "C" fn acl_peek_char(sock: *mut acl_socket, character: *mut u32) -> acl_status {
    directly(
        || Some(place(character)?.write(direct::peek_char(sock.addr())?.into())),
        move || {
            let place = out(character, "character")?;
            place.write(socket(sock)?.peek_char()?.into());
            Ok(())
        },
    )
}

/// Puts the character that was read last back, and with it its bytes.
/// @param character the one that acl_read_char or acl_read_char_no_hang gave, with no other read since.
/// @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT for another one, and the second time;
/// ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_FORMAT, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE.
/// Allegro: unread-char.
#[unsafe(no_mangle)]
pub extern "C" fn acl_unread_char(sock: *mut acl_socket, character: u32) -> acl_status {
    directly(
        || direct::unread_char(sock.addr(), character),
        move || socket(sock)?.unread_char(super::arguments::character(character)?),
    )
}

/// Room for text with its NUL, which is put there.
fn text_room<'a>(buffer: *mut c_char, size: usize) -> Result<&'a mut [u8]> {
    let room = room(buffer.cast(), size, "buffer")?;
    let too_small = || Error::argument(format!("reading text into a buffer of {size} bytes, fewer than 5"));
    let (end, text) =
        room.split_last_mut().filter(|(_, text)| text.len() >= CHARACTER).ok_or_else(too_small)?;
    *end = 0;
    Ok(text)
}

/// Reads text by `read`, ends it with a NUL and tells its length, after an error too.
fn read_text(
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
    read: impl FnOnce(&mut [u8], &mut usize) -> Result<Ending>,
) -> Result<Ending> {
    give(length, 0);
    let text = text_room(buffer, size)?;
    let mut stored = 0;
    let ending = read(text, &mut stored);
    if let Some(end) = text.get_mut(stored) {
        *end = 0;
    }
    give(length, stored);
    ending
}

fn status_of_line(ending: Ending, room: usize) -> Result<()> {
    match ending {
        Ending::Complete => Ok(()),
        Ending::EndOfFile => Err(Error::new(Identifier::END_OF_FILE, "reading a line")),
        Ending::Cut => {
            let action = format!("reading a line into a buffer of {room} bytes");
            Err(Error::new(Identifier::BUFFER_TOO_SMALL, action))
        }
    }
}

/// Reads a line into a buffer, NUL-terminated and without its newline. A last line that the end of
/// the file ends is a line too.
/// @param size of the buffer, at least 5: room for any character and the NUL.
/// @param length how many bytes were stored, without the NUL, whatever the answer; may be NULL.
/// @return ACL_SOCKET_OK; ACL_SOCKET_BUFFER_TOO_SMALL with the beginning of the line, cut between
/// characters, which calling again continues; ACL_SOCKET_END_OF_FILE; else as acl_read_char: after
/// ACL_SOCKET_DECODING_ERROR calling again continues the line, and what came of a line before the
/// connection broke is stored. Allegro: read-line.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_line(
    sock: *mut acl_socket,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    directly(
        || {
            let stored = direct::read_line(sock.addr(), some_room(buffer.cast(), size, CHARACTER + 1)?)?;
            give(length, stored);
            Some(())
        },
        move || {
            let read = |text: &mut [u8], stored: &mut usize| socket(sock)?.read_line(text, stored);
            status_of_line(read_text(buffer, size, length, read)?, size)
        },
    )
}

/// Reads a line in place: nothing is copied where the line is UTF-8 already.
/// @param line, length the line, without newline and without NUL. It is valid until the next
/// function that reads or listens on this stream, by any thread, and until acl_free_socket.
/// @return as acl_read_line; ACL_SOCKET_BUFFER_TOO_SMALL for each part of a line of more than 65536
/// bytes but the last.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_line_view(
    sock: *mut acl_socket,
    line: *mut *const c_char,
    length: *mut usize,
) -> acl_status {
    directly(
        || {
            let (line, length) = (place(line)?, place(length)?);
            let (start, count) = direct::read_line_view(sock.addr())?;
            line.write(start.cast());
            length.write(count);
            Some(())
        },
        move || {
            let (line, length) = (out(line, "line")?, out(length, "length")?);
            // Not NULL: memcpy does not take it even for no bytes.
            line.write(c"".as_ptr());
            length.write(0);
            let (start, count, ending) = socket(sock)?.read_line_view()?;
            if ending != Ok(Ending::EndOfFile) {
                line.write(start.cast());
                length.write(count);
            }
            status_of_line(ending?, crate::stream::BUFFER)
        },
    )
}

/// Reads characters into a buffer, NUL-terminated, newlines among them.
/// @param size of the buffer, at least 5.
/// @param partial_fill 0 to read until no further character fits; 1 to wait for the first one only
/// and take what is there.
/// @param length how many bytes were stored, without the NUL, whatever the answer; may be NULL.
/// @return ACL_SOCKET_OK; ACL_SOCKET_END_OF_FILE where the end came first, length telling what came
/// before it; else as acl_read_char. Allegro: read-sequence with a string.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_string(
    sock: *mut acl_socket,
    buffer: *mut c_char,
    size: usize,
    partial_fill: i32,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        let full = !boolean(partial_fill, "partial_fill")?;
        let read = |text: &mut [u8], stored: &mut usize| socket(sock)?.read_string(text, full, stored);
        match read_text(buffer, size, length, read)? {
            Ending::EndOfFile => Err(Error::new(Identifier::END_OF_FILE, "reading a string")),
            Ending::Complete | Ending::Cut => Ok(()),
        }
    })
}

fn read_bytes(
    sock: *mut acl_socket,
    buffer: *mut c_void,
    size: usize,
    full: bool,
    length: *mut usize,
) -> Result<()> {
    storing(length, |stored| {
        let sock = socket(sock)?;
        let buffer: &mut [u8] = if full && size == 0 { &mut [] } else { room(buffer, size, "buffer")? };
        sock.read_bytes(buffer, full, stored)
    })
}

/// Tells how many bytes were stored, whatever came of it.
fn storing(length: *mut usize, read: impl FnOnce(&mut usize) -> Result<()>) -> Result<()> {
    let place = out(length, "length")?;
    place.write(0);
    let mut stored = 0;
    let done = read(&mut stored);
    place.write(stored);
    done
}

/// Reads bytes.
/// @param partial_fill 0 to fill the buffer; 1 to wait for the first byte only and take what is
/// there, at most size.
/// @param length how many were stored, whatever the answer.
/// @return ACL_SOCKET_OK; ACL_SOCKET_END_OF_FILE where the end came first, length telling what came
/// before it; else as acl_read_byte. Allegro: read-sequence.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_sequence(
    sock: *mut acl_socket,
    buffer: *mut c_void,
    size: usize,
    partial_fill: i32,
    length: *mut usize,
) -> acl_status {
    directly(
        || {
            let stored = place(length).filter(|_| matches!(partial_fill, 0 | 1))?;
            direct::read_bytes(sock.addr(), some_room(buffer, size, 1)?)?;
            stored.write(size);
            Some(())
        },
        move || {
            give(length, 0);
            let full = !boolean(partial_fill, "partial_fill")? || size == 0;
            read_bytes(sock, buffer, size, full, length)
        },
    )
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
    directly(
        || {
            let stored = place(length)?;
            direct::read_bytes(sock.addr(), some_room(buffer, size, 1)?)?;
            stored.write(size);
            Some(())
        },
        move || read_bytes(sock, buffer, size, false, length),
    )
}

/// Takes the bytes that are there, at most size, and never waits, not for another thread that reads either.
/// They come from the stream's own buffer, and where that is empty straight from the system, a call for
/// each: a function for large pieces. They do so after acl_set_non_local_exits(1) too: a thread that may be
/// made to leave holds that back during the call, which is short, as a Lisp does without interrupts.
/// @param length how many were stored.
/// @return ACL_SOCKET_OK; ACL_SOCKET_WOULD_BLOCK where nothing is there yet; else as acl_read_byte.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_vector_no_hang(
    sock: *mut acl_socket,
    buffer: *mut c_void,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        storing(length, |stored| socket(sock)?.read_bytes_no_hang(room(buffer, size, "buffer")?, stored))
    })
}

/// Whether there is something to read, which is received if need be without waiting.
/// @param ready 1 where a byte is there; 0 where none is yet, and at the end of the file.
/// @return ACL_SOCKET_OK or the error of reading, as acl_read_byte. Allegro: listen.
#[unsafe(no_mangle)]
pub extern "C" fn acl_listen(sock: *mut acl_socket, ready: *mut i32) -> acl_status {
    boundary(|| {
        let place = out(ready, "ready")?;
        place.write(0);
        place.write(socket(sock)?.listen()?.into());
        Ok(())
    })
}

/// Whether reading would not wait: 1 for something to read, the end of the file, or an error, such as
/// an invalid handle; 0 where it would, also because another thread is reading.
/// Allegro: excl:read-no-hang-p.
#[unsafe(no_mangle)]
pub extern "C" fn acl_read_no_hang_p(sock: *mut acl_socket) -> i32 {
    answer(1, || socket(sock).map_or(1, |sock| sock.read_no_hang_p().into()))
}

/// The same of any descriptor, without looking into a stream's buffer.
/// Allegro: excl:read-no-hang-p with a number.
#[unsafe(no_mangle)]
pub extern "C" fn acl_os_fd_read_no_hang_p(os_fd: i32) -> i32 {
    answer(1, || (os_fd < 0 || os_fd_read_no_hang_p(os_fd)).into())
}

/// Forgets what has arrived and was not read.
/// @return ACL_SOCKET_OK or the error of reading, as acl_read_byte. Allegro: clear-input.
#[unsafe(no_mangle)]
pub extern "C" fn acl_clear_input(sock: *mut acl_socket) -> acl_status {
    boundary(|| socket(sock)?.clear_input())
}

/// Shows the bytes that have arrived, in place.
/// @param minimum waits until there are so many, at most 65536; 0 counts as 1. There are fewer only
/// where the end of the file comes first.
/// @param data, length the bytes. They are valid until the next function that reads, consumes or listens
/// on this stream, by any thread, and until acl_free_socket.
/// @return ACL_SOCKET_OK; ACL_SOCKET_END_OF_FILE where nothing is left; else as acl_read_byte.
#[unsafe(no_mangle)]
pub extern "C" fn acl_peek_input(
    sock: *mut acl_socket,
    minimum: usize,
    data: *mut *const c_void,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        let (data, length) = (out(data, "data")?, out(length, "length")?);
        data.write(c"".as_ptr().cast());
        length.write(0);
        let (start, count) = socket(sock)?.peek_input(minimum)?;
        data.write(start.cast());
        length.write(count);
        Ok(())
    })
}

/// Copies bytes that have arrived and leaves them there: what acl_peek_input does, for threads that share a
/// stream, because no other one can take what is being looked at away.
/// @param minimum waits until there are so many, at most size and 65536; 0 counts as 1. There are fewer only
/// where the end of the file comes first.
/// @param length how many were copied, at most size. acl_consume_input takes them.
/// @return as acl_peek_input; ACL_SOCKET_INVALID_ARGUMENT for a minimum of more than size.
#[unsafe(no_mangle)]
pub extern "C" fn acl_peek_vector(
    sock: *mut acl_socket,
    minimum: usize,
    buffer: *mut c_void,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        let length = out(length, "length")?;
        length.write(0);
        let sock = socket(sock)?;
        length.write(sock.peek_bytes(minimum, room(buffer, size, "buffer")?)?);
        Ok(())
    })
}

/// Takes bytes that acl_peek_input or acl_peek_vector showed.
/// @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT, and nothing taken, for more than there are;
/// ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_FORMAT, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub extern "C" fn acl_consume_input(sock: *mut acl_socket, count: usize) -> acl_status {
    directly(|| direct::consume(sock.addr(), count), || socket(sock)?.consume_input(count))
}
