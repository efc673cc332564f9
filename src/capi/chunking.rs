//! Section 4.2: socket-control, the chunked coding of HTTP/1.1, and the counters of a stream.

use super::acl_status;
use super::arguments::{Keywords, give_text, keywords, null, out, timeout, tri_state};
use super::boundary::boundary;
use super::make_socket::{acl_socket, socket};
use crate::socket::Direction;
use crate::stream::{Chunking, Count};
use std::ffi::c_char;

/// Keyword arguments of acl_socket_control. What is 0 stays as it is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_socket_control_args {
    /// ACL_SOCKET_ARGS(acl_socket_control_args).
    pub struct_size: usize,
    /// Tri-state. On: from now on each time the output buffer is sent, by itself or by
    /// acl_force_output, it goes as one chunk; bytes that are in it already go into the first one, so
    /// call acl_force_output before. Off: sends what is buffered as a chunk and no end of the body.
    pub output_chunking: i32,
    /// On: sends what is buffered as a chunk, then the end of the body (0 CR LF CR LF), and switches
    /// output chunking off; the connection goes on.
    pub output_chunking_eof: i32,
    /// Tri-state. On: what is read next, be it in the buffer already, is a chunked body; again on
    /// after its end, the next one. Off: what is read next are plain bytes.
    pub input_chunking: i32,
    /// Seconds, fractions allowed, that one wait of reading may last; progress begins it anew. Of a
    /// passive socket: of accepting; of a datagram socket: of receiving. ACL_SOCKET_NO_TIMEOUT takes it
    /// away. After ACL_SOCKET_READ_TIMEOUT the socket is as before: nothing is lost, and reading goes on
    /// where it was.
    pub read_timeout: f64,
    /// The same of writing, flushing and sending: ACL_SOCKET_WRITE_TIMEOUT; what is not sent stays.
    pub write_timeout: f64,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_socket_control_args {
    const NAME: &'static str = "acl_socket_control_args";
}

/// Switches the chunked coding of HTTP/1.1 (RFC 9112) of a stream, and sets the time-outs of a socket of
/// any kind.
///
/// Chunked input ends with ACL_SOCKET_END_OF_FILE, which stays until input_chunking is given again:
/// acl_socket_chunking_end_of_file tells it from the end of the connection. Extensions are skipped,
/// up to 4096 bytes a chunk; the trailer section is consumed, up to 16384 bytes, and kept for
/// acl_socket_chunking_trailers. Whatever RFC 9112 does not allow, sizes over 2^63 - 1, and a
/// connection that ends within the body are ACL_SOCKET_CHUNKING_ERROR, at each read.
/// @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT, where there are no output chunks to end too;
/// ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE; ACL_SOCKET_CHUNKING_ERROR where
/// a chunk that was begun by a write that failed lacks bytes; or the error of sending, as
/// acl_force_output. Allegro: socket-control.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_control(
    sock: *mut acl_socket,
    args: *const acl_socket_control_args,
) -> acl_status {
    boundary(|| {
        let sock = socket(sock)?;
        if args.is_null() {
            return Err(null("args"));
        }
        let args = keywords(args)?;
        let chunking = Chunking {
            output: tri_state(args.output_chunking, "output_chunking")?,
            output_end: tri_state(args.output_chunking_eof, "output_chunking_eof")? == Some(true),
            input: tri_state(args.input_chunking, "input_chunking")?,
        };
        let timeouts = [
            (Direction::Input, timeout(args.read_timeout, "read_timeout")?),
            (Direction::Output, timeout(args.write_timeout, "write_timeout")?),
        ];
        for (direction, timeout) in timeouts {
            timeout.map_or(Ok(()), |timeout| sock.set_timeout(direction, timeout))?;
        }
        if chunking.is_given() { sock.control(chunking) } else { Ok(()) }
    })
}

/// A time-out that is none.
pub const ACL_SOCKET_NO_TIMEOUT: f64 = -1.0;

/// Sets when all waits of operations on a socket must end, whatever progress they make: for a group of
/// operations that shall take no longer together. An operation that would wait then answers
/// ACL_SOCKET_READ_TIMEOUT or ACL_SOCKET_WRITE_TIMEOUT; one that needs no waiting still succeeds.
/// @param seconds from now, fractions allowed; ACL_SOCKET_NO_TIMEOUT takes the limit away.
/// @return ACL_SOCKET_OK, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT for NaN.
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_socket_deadline(sock: *mut acl_socket, seconds: f64) -> acl_status {
    boundary(|| {
        let sock = socket(sock)?;
        sock.set_deadline(super::arguments::seconds(seconds, "seconds")?)
    })
}

/// Whether the last ACL_SOCKET_END_OF_FILE was the end of a chunked body.
/// @param at_end 1 from the end of the body until input_chunking is given again, else 0.
/// @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: the condition excl::socket-chunking-end-of-file.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_chunking_end_of_file(sock: *mut acl_socket, at_end: *mut i32) -> acl_status {
    boundary(|| {
        let place = out(at_end, "at_end")?;
        place.write(socket(sock)?.chunking_end_of_file()?.into());
        Ok(())
    })
}

/// The trailer section of the chunked body that was read last, its lines as they came, each with
/// CR LF; empty without one.
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE,
/// ACL_SOCKET_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_chunking_trailers(
    sock: *mut acl_socket,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| socket(sock)?.chunking_trailers(|text| give_text(text, buffer, size, length))?)
}

/// How many octets the stream has received from the system, the framing of chunks included.
/// @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: excl::socket-bytes-read.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_bytes_read(sock: *mut acl_socket, count: *mut u64) -> acl_status {
    boundary(|| {
        let place = out(count, "count")?;
        place.write(socket(sock)?.stream("asking the bytes read of")?.count(Count::Received));
        Ok(())
    })
}

/// Sets that counter. @return as acl_socket_bytes_read. Allegro: excl::socket-bytes-read with set.
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_socket_bytes_read(sock: *mut acl_socket, count: u64) -> acl_status {
    boundary(|| {
        socket(sock)?.stream("setting the bytes read of")?.set_count(Count::Received, count);
        Ok(())
    })
}

/// How many octets the stream has handed to the system, the framing of chunks included.
/// @return as acl_socket_bytes_read. Allegro: excl::socket-bytes-written.
#[unsafe(no_mangle)]
pub extern "C" fn acl_socket_bytes_written(sock: *mut acl_socket, count: *mut u64) -> acl_status {
    boundary(|| {
        let place = out(count, "count")?;
        place.write(socket(sock)?.stream("asking the bytes written of")?.count(Count::Sent));
        Ok(())
    })
}

/// Sets that counter. @return as acl_socket_bytes_read. Allegro: excl::socket-bytes-written with set.
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_socket_bytes_written(sock: *mut acl_socket, count: u64) -> acl_status {
    boundary(|| {
        socket(sock)?.stream("setting the bytes written of")?.set_count(Count::Sent, count);
        Ok(())
    })
}
