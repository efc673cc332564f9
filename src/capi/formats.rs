//! External formats and eol conventions: how characters are bytes.

use super::acl_status;
use super::arguments::{choice, give_text, optional_text, out, text};
use super::boundary::boundary;
use super::make_socket::{acl_socket, socket};
use crate::error::{Error, Result};
use crate::stream::{Charset, Count, Eol, Malformed, Mode, Stream};
use std::ffi::c_char;

/// Eol convention: a newline is LF. Nothing is translated.
pub const ACL_SOCKET_EOL_UNIX: i32 = 0;
/// Eol convention: a newline is CR LF. A lone CR reads as CR, a lone LF as a newline, which it is.
pub const ACL_SOCKET_EOL_DOS: i32 = 1;
/// Eol convention: a newline is CR. A LF reads as a newline too, which it is.
pub const ACL_SOCKET_EOL_MAC: i32 = 2;
/// Eol convention: LF, CR and CR LF each read as a newline, and LF is written. A CR is a newline as
/// soon as it is there; a LF that comes next is then skipped, by functions that read bytes too.
pub const ACL_SOCKET_EOL_ANYNL_UNIX: i32 = 3;
/// Eol convention: reads as ACL_SOCKET_EOL_ANYNL_UNIX, writes CR LF.
pub const ACL_SOCKET_EOL_ANYNL_DOS: i32 = 4;
/// Eol convention: reads as ACL_SOCKET_EOL_ANYNL_UNIX, writes CR.
pub const ACL_SOCKET_EOL_ANYNL_MAC: i32 = 5;
/// Malformed policy: malformed bytes read as U+FFFD, by the rules of the WHATWG, and characters that
/// the external format does not have are written as "?". Both are counted.
pub const ACL_SOCKET_REPLACE: i32 = 0;
/// Malformed policy: they are ACL_SOCKET_DECODING_ERROR and ACL_SOCKET_ENCODING_ERROR.
pub const ACL_SOCKET_REFUSE: i32 = 1;

const CONVENTIONS: [(i32, Eol); 6] = [
    (ACL_SOCKET_EOL_UNIX, Eol::Unix),
    (ACL_SOCKET_EOL_DOS, Eol::Dos),
    (ACL_SOCKET_EOL_MAC, Eol::Mac),
    (ACL_SOCKET_EOL_ANYNL_UNIX, Eol::AnyUnix),
    (ACL_SOCKET_EOL_ANYNL_DOS, Eol::AnyDos),
    (ACL_SOCKET_EOL_ANYNL_MAC, Eol::AnyMac),
];

const POLICIES: [(i32, Malformed); 2] =
    [(ACL_SOCKET_REPLACE, Malformed::Replace), (ACL_SOCKET_REFUSE, Malformed::Refuse)];

fn charset(name: &str) -> Result<Charset> {
    Charset::named(name).ok_or_else(|| Error::argument(format!("taking {name:?} for an external format")))
}

/// The mode that keyword arguments give, `None` where they give none.
pub(super) fn mode(
    format: *const c_char,
    eol_convention: i32,
    malformed_policy: i32,
) -> Result<Option<Mode>> {
    let format = optional_text(format, "external_format")?;
    let given = format.is_some() || eol_convention != 0 || malformed_policy != 0;
    let mode = Mode {
        charset: format.map_or(Ok(Charset::UTF_8), charset)?,
        eol: choice(eol_convention, "eol_convention", CONVENTIONS)?,
        malformed: choice(malformed_policy, "malformed_policy", POLICIES)?,
    };
    Ok(given.then_some(mode))
}

fn number_of<T: PartialEq, const N: usize>(value: &T, known: &[(i32, T); N]) -> i32 {
    known.iter().find(|(_, known)| known == value).map_or(0, |(number, _)| *number)
}

fn with_stream<T>(sock: *mut acl_socket, doing: &str, body: impl FnOnce(&Stream) -> T) -> Result<T> {
    Ok(body(socket(sock)?.stream(doing)?))
}

/// The external format of a stream, by its canonical name, such as "utf-8".
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE,
/// ACL_SOCKET_INVALID_ARGUMENT. Allegro: stream-external-format.
#[unsafe(no_mangle)]
pub extern "C" fn acl_stream_external_format(
    sock: *mut acl_socket,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        let mode = with_stream(sock, "asking the external format of", Stream::mode)?;
        give_text(mode.charset.name().as_bytes(), buffer, size, length)
    })
}

/// Sets the external format, at any time: characters that are read and written from now on are in it.
/// @param name utf-8, latin-1 (ISO 8859-1, where all bytes are characters), ascii, utf-16le, utf-16be,
/// utf-16 (read in the order that a byte order mark tells which comes first, else little-endian;
/// written little-endian without a mark), or a label of the WHATWG's Encoding Standard: shift_jis,
/// euc-jp, iso-2022-jp, gbk, gb18030, big5, euc-kr, windows-1250 to 1258, iso-8859-2 to 16, koi8-r and
/// others. Case does not matter; a colon may come first.
/// @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT for other names; ACL_SOCKET_WRONG_KIND,
/// ACL_SOCKET_INVALID_HANDLE. Allegro: (setf stream-external-format).
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_stream_external_format(sock: *mut acl_socket, name: *const c_char) -> acl_status {
    boundary(|| {
        let sock = socket(sock)?;
        let charset = charset(text(name, "name")?)?;
        sock.change_mode("setting the external format of", |mode| mode.charset = charset)
    })
}

/// The eol convention of a stream.
/// @param convention ACL_SOCKET_EOL_UNIX to ACL_SOCKET_EOL_ANYNL_MAC.
/// @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: excl:eol-convention.
#[unsafe(no_mangle)]
pub extern "C" fn acl_eol_convention(sock: *mut acl_socket, convention: *mut i32) -> acl_status {
    boundary(|| {
        let place = out(convention, "convention")?;
        let mode = with_stream(sock, "asking the eol convention of", Stream::mode)?;
        place.write(number_of(&mode.eol, &CONVENTIONS));
        Ok(())
    })
}

/// Sets the eol convention, at any time. It concerns characters, never bytes.
/// @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT for another number; ACL_SOCKET_WRONG_KIND,
/// ACL_SOCKET_INVALID_HANDLE. Allegro: (setf excl:eol-convention).
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_eol_convention(sock: *mut acl_socket, convention: i32) -> acl_status {
    boundary(|| {
        let sock = socket(sock)?;
        let eol = choice(convention, "convention", CONVENTIONS)?;
        sock.change_mode("setting the eol convention of", |mode| mode.eol = eol)
    })
}

/// What becomes of malformed bytes and of characters without bytes.
/// @param policy ACL_SOCKET_REPLACE or ACL_SOCKET_REFUSE.
/// @return as acl_eol_convention.
#[unsafe(no_mangle)]
pub extern "C" fn acl_malformed_policy(sock: *mut acl_socket, policy: *mut i32) -> acl_status {
    boundary(|| {
        let place = out(policy, "policy")?;
        let mode = with_stream(sock, "asking the malformed policy of", Stream::mode)?;
        place.write(number_of(&mode.malformed, &POLICIES));
        Ok(())
    })
}

/// Says what shall become of them. @return as acl_set_eol_convention.
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_malformed_policy(sock: *mut acl_socket, policy: i32) -> acl_status {
    boundary(|| {
        let sock = socket(sock)?;
        let malformed = choice(policy, "policy", POLICIES)?;
        sock.change_mode("setting the malformed policy of", |mode| mode.malformed = malformed)
    })
}

/// How many malformed sequences were read as U+FFFD, and how many characters written as "?".
/// @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn acl_replacement_counts(
    sock: *mut acl_socket,
    input: *mut u64,
    output: *mut u64,
) -> acl_status {
    boundary(|| {
        let (input, output) = (out(input, "input")?, out(output, "output")?);
        with_stream(sock, "asking the replacements of", |stream| {
            input.write(stream.count(Count::ReplacedInput));
            output.write(stream.count(Count::ReplacedOutput));
        })
    })
}
