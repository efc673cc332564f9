//! Section 10: what is known of an SSL connection and of its peer.

use super::arguments::{allocated, give, give_text, out};
use super::boundary::boundary;
use super::make_socket::{acl_socket, socket};
use super::{acl_status, handle};
use crate::error::{Error, Result};
use crate::ssl::{Certificate, Pair, verify_text};
use std::ffi::c_char;
use std::ptr;

/// A certificate, for reading. The pointer is a checked handle.
pub struct acl_x509_certificate {
    _private: [u8; 0],
}

/// Room for texts of an acl_ssl_connection.
const SHORT: usize = 32;
const LONG: usize = 256;

/// What both sides have agreed upon. Texts that would not fit are cut, which no known one is. This struct
/// never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_ssl_connection {
    /// Such as "TLSv1.3".
    pub version: [c_char; 32],
    /// Such as "TLS_AES_256_GCM_SHA384".
    pub cipher: [c_char; 256],
    /// The application protocol (ALPN), empty without one.
    pub alpn: [c_char; 256],
    /// The name that the client asked for (SNI), empty without one.
    pub server_name: [c_char; 256],
    /// 1 where a session was resumed.
    pub resumed: i32,
    /// 1 where the peer has shown a certificate that was verified and is good.
    pub verified: i32,
}

/// An attribute of a name, or a name of a certificate. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_x509_pair {
    /// Such as "CN", "O", "C"; or "DNS", "IP Address", "email", "URI", "DirName".
    pub name: *const c_char,
    /// In UTF-8. A NUL in it, by which somebody wants another name to be read, is U+FFFD.
    pub value: *const c_char,
}

fn text<const N: usize>(text: &str) -> [c_char; N] {
    let mut room = [0; N];
    for (place, byte) in room.iter_mut().zip(text.bytes().take(N - 1)) {
        *place = byte as c_char;
    }
    room
}

/// What both sides of a stream over SSL have agreed upon. Does the handshake where it is not done.
/// @param connection where it is stored.
/// @return ACL_SOCKET_OK; as acl_ssl_do_handshake; ACL_SOCKET_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_ssl_connection(
    stream: *mut acl_socket,
    connection: *mut acl_ssl_connection,
) -> acl_status {
    boundary(|| {
        let place = out(connection, "connection")?;
        let info = socket(stream)?.ssl_info()?;
        place.write(acl_ssl_connection {
            version: text::<SHORT>(&info.version),
            cipher: text::<LONG>(&info.cipher),
            alpn: text::<LONG>(&info.alpn),
            server_name: text::<LONG>(&info.server_name),
            resumed: info.resumed.into(),
            verified: info.verified.into(),
        });
        Ok(())
    })
}

/// How the verification of the peer's certificate ended, also where nothing was enforced or the handshake
/// failed. Does no handshake: before it, and where the peer has shown no certificate, the code is 0, so that
/// 0 alone proves nothing; acl_get_ssl_connection has verified for that.
/// @param code OpenSSL's number, X509_V_OK (0) or X509_V_ERR_...
/// @param meaning OpenSSL's words for it, "ok" for 0; static. May be NULL.
/// @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND on a plain stream, ACL_SOCKET_INVALID_HANDLE,
/// ACL_SOCKET_INVALID_ARGUMENT. Allegro: get-ssl-verify-result.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_ssl_verify_result(
    stream: *mut acl_socket,
    code: *mut i32,
    meaning: *mut *const c_char,
) -> acl_status {
    boundary(|| {
        let place = out(code, "code")?;
        let doing = "asking for the verification of";
        let result = socket(stream)?.look_at_ssl(doing, |engine| engine.verify_result())?;
        place.write(result);
        give(meaning, verify_text(result).as_ptr());
        Ok(())
    })
}

/// The certificates from the peer's own to the root that was trusted, as PEM; those that the peer sent,
/// where nothing was verified or the session was resumed; empty where it has shown none. Does the
/// handshake where it is not done.
/// @param pem where the text is stored, with a NUL behind it; free it with acl_free_buffer.
/// @param length its length without the NUL; may be NULL.
/// @return ACL_SOCKET_OK; as acl_ssl_do_handshake; ACL_SOCKET_NO_BUFFER_SPACE, ACL_SOCKET_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_ssl_peer_chain(
    stream: *mut acl_socket,
    pem: *mut *mut c_char,
    length: *mut usize,
) -> acl_status {
    boundary(|| {
        let place = out(pem, "pem")?;
        place.write(ptr::null_mut());
        let stream = socket(stream)?;
        stream.ssl_info()?;
        let mut chain = stream.look_at_ssl("asking for the certificates of", |engine| engine.peer_chain())?;
        give(length, chain.len());
        chain.push(0);
        place.write(allocated(&chain)?.cast());
        Ok(())
    })
}

/// The certificate that the peer has shown. Does the handshake where it is not done.
/// @param certificate where the handle is stored, NULL where the peer has shown none and after a failure. Free
/// it with acl_free_x509_certificate; the stream may be freed before it.
/// @return ACL_SOCKET_OK, also without a certificate; as acl_ssl_do_handshake; ACL_SOCKET_NO_BUFFER_SPACE,
/// ACL_SOCKET_INVALID_ARGUMENT. Allegro: get-ssl-peer-certificate.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_ssl_peer_certificate(
    stream: *mut acl_socket,
    certificate: *mut *mut acl_x509_certificate,
) -> acl_status {
    boundary(|| {
        let place = out(certificate, "certificate")?;
        place.write(ptr::null_mut());
        let stream = socket(stream)?;
        stream.ssl_info()?;
        let found =
            stream.look_at_ssl("asking for the certificate of", |engine| engine.peer_certificate())?;
        if let Some(found) = found {
            place.write(ptr::without_provenance_mut(handle::publish(found)?));
        }
        Ok(())
    })
}

/// Frees a certificate; NULL is a no-op.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub extern "C" fn acl_free_x509_certificate(certificate: *mut acl_x509_certificate) -> acl_status {
    boundary(|| {
        if certificate.is_null() {
            return Ok(());
        }
        handle::release::<Certificate>(certificate.addr())
    })
}

fn certificate(handle: *mut acl_x509_certificate) -> Result<handle::Held<Certificate>> {
    handle::get(handle.addr())
}

/// The version of a certificate: 1, 2 or, of nearly all, 3.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: x509-certificate-version.
#[unsafe(no_mangle)]
pub extern "C" fn acl_x509_certificate_version(
    cert: *mut acl_x509_certificate,
    version: *mut i32,
) -> acl_status {
    boundary(|| {
        out(version, "version")?.write(certificate(cert)?.version());
        Ok(())
    })
}

/// The serial number of a certificate in hexadecimal, as `openssl x509 -serial` shows it; it may have any size.
/// @param buffer, size, length the room and the length of the text, as in the header's convention.
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: x509-certificate-serial-number.
#[unsafe(no_mangle)]
pub extern "C" fn acl_x509_certificate_serial_number(
    cert: *mut acl_x509_certificate,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| give_text(certificate(cert)?.serial_number().as_bytes(), buffer, size, length))
}

/// Hands pairs out in one block of memory, their texts behind them.
fn give_pairs(pairs: &[Pair], place: *mut *mut acl_x509_pair, count: *mut usize) -> Result<()> {
    let place = out(place, "pairs")?;
    place.write(ptr::null_mut());
    let texts: usize = pairs.iter().map(|pair| pair.name.len() + pair.value.len() + 2).sum();
    let places = pairs.len() * size_of::<acl_x509_pair>();
    let words = (places + texts).div_ceil(size_of::<usize>());
    let memory: *mut usize = allocated(&vec![0; words])?;
    let first: *mut acl_x509_pair = memory.cast();
    // SAFETY: the block has room for the pairs, and behind them for their texts with a NUL each.
    unsafe {
        let mut next = memory.cast::<u8>().add(places);
        let mut put = |text: &str| {
            let start = next;
            start.copy_from_nonoverlapping(text.as_ptr(), text.len());
            next = start.add(text.len() + 1);
            start.cast::<c_char>().cast_const()
        };
        for (index, pair) in pairs.iter().enumerate() {
            let (name, value) = (put(&pair.name), put(&pair.value));
            first.add(index).write(acl_x509_pair { name, value });
        }
    }
    place.write(first);
    give(count, pairs.len());
    Ok(())
}

/// Who signed a certificate, as attributes and values in their order; attributes may come again.
/// @param pairs where the array is stored; free it with acl_free_buffer, which frees the texts too.
/// @param count how many there are; may be NULL.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_NO_BUFFER_SPACE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: x509-certificate-issuer.
#[unsafe(no_mangle)]
pub extern "C" fn acl_x509_certificate_issuer(
    cert: *mut acl_x509_certificate,
    pairs: *mut *mut acl_x509_pair,
    count: *mut usize,
) -> acl_status {
    boundary(|| give_pairs(&certificate(cert)?.issuer(), pairs, count))
}

/// Whom a certificate is for, as attributes and values in their order.
/// @param pairs, count as of acl_x509_certificate_issuer.
/// @return as acl_x509_certificate_issuer. Allegro: x509-certificate-subject.
#[unsafe(no_mangle)]
pub extern "C" fn acl_x509_certificate_subject(
    cert: *mut acl_x509_certificate,
    pairs: *mut *mut acl_x509_pair,
    count: *mut usize,
) -> acl_status {
    boundary(|| give_pairs(&certificate(cert)?.subject(), pairs, count))
}

/// The names that a certificate is for: kinds such as "DNS" and "IP Address", and names in their order; none
/// where it has no such extension. IPv6 addresses are written in full, as in "0:0:0:0:0:0:0:1".
/// @param pairs, count as of acl_x509_certificate_issuer.
/// @return as acl_x509_certificate_issuer. Allegro: x509-certificate-subject-alt-name.
#[unsafe(no_mangle)]
pub extern "C" fn acl_x509_certificate_subject_alt_name(
    cert: *mut acl_x509_certificate,
    pairs: *mut *mut acl_x509_pair,
    count: *mut usize,
) -> acl_status {
    boundary(|| give_pairs(&certificate(cert)?.subject_alt_name(), pairs, count))
}

fn give_time(time: Option<i64>, place: *mut i64) -> Result<()> {
    let unreadable = || Error::argument("reading a time of a certificate that is malformed");
    let time = time.ok_or_else(unreadable)?;
    out(place, "seconds")?.write(time);
    Ok(())
}

/// Since when a certificate is valid.
/// @param seconds since 1970-01-01 UTC; Lisp's universal time is 2,208,988,800 more.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: x509-certificate-not-before.
#[unsafe(no_mangle)]
pub extern "C" fn acl_x509_certificate_not_before(
    cert: *mut acl_x509_certificate,
    seconds: *mut i64,
) -> acl_status {
    boundary(|| give_time(certificate(cert)?.not_before(), seconds))
}

/// Until when a certificate is valid.
/// @param seconds since 1970-01-01 UTC.
/// @return as acl_x509_certificate_not_before. Allegro: x509-certificate-not-after.
#[unsafe(no_mangle)]
pub extern "C" fn acl_x509_certificate_not_after(
    cert: *mut acl_x509_certificate,
    seconds: *mut i64,
) -> acl_status {
    boundary(|| give_time(certificate(cert)?.not_after(), seconds))
}
