//! The one table of identifiers. The constants here, the macros of the C header, the texts of
//! reports and the tests all derive from it. A number never changes once released and is never
//! used again; new rows go to the end of their block.

use libc::{
    EADDRINUSE, EADDRNOTAVAIL, ECONNABORTED, ECONNREFUSED, ECONNRESET, EHOSTDOWN, EHOSTUNREACH, ENETDOWN,
    ENETRESET, ENETUNREACH, ENOBUFS, ENOPROTOOPT, ESHUTDOWN, ETIMEDOUT,
};

/// What a failed operation answers: 1 to 14 are the identifiers of section 8.0 of the
/// specification in its order, those from 100 up are this library's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identifier(i32);

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// The value of `acl_status`.
    pub number: i32,
    /// The C name.
    pub name: &'static str,
    /// The Lisp keyword.
    pub keyword: &'static str,
    /// What a report says in double quotes.
    pub meaning: &'static str,
    /// The errno values that are translated to it.
    pub errnos: &'static [i32],
    /// The sentence of the manual.
    pub doc: &'static str,
}

impl Identifier {
    /// The value of `acl_status`.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The identifier of an operating system error, `UNKNOWN` where the table has none.
    pub fn of_errno(errno: i32) -> Identifier {
        TABLE
            .iter()
            .find(|row| row.errnos.contains(&errno))
            .map_or(Identifier::UNKNOWN, |row| Identifier(row.number))
    }
}

/// The row of a status, `None` for `ACL_SOCKET_OK` and numbers that are no status.
pub fn row(number: i32) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.number == number)
}

macro_rules! identifiers {
    ($($name:ident $number:literal $keyword:literal $errnos:tt $meaning:literal $doc:literal)*) => {
        impl Identifier {
            $(#[doc = $doc] pub const $name: Identifier = Identifier($number);)*
        }

        /// Every identifier, in the order of its number.
        pub const TABLE: &[Row] = &[$(Row {
            number: $number,
            name: concat!("ACL_SOCKET_", stringify!($name)),
            keyword: $keyword,
            meaning: $meaning,
            errnos: &$errnos,
            doc: $doc,
        }),*];
    };
}

identifiers! {
    ADDRESS_IN_USE 1 ":address-in-use" [EADDRINUSE]
        "Local socket address already in use"
        "Another socket is bound to this local address, or the file of a file socket exists already."
    ADDRESS_NOT_AVAILABLE 2 ":address-not-available" [EADDRNOTAVAIL]
        "Local socket address not available"
        "No interface of this machine has the local address, or no local port is left."
    NETWORK_DOWN 3 ":network-down" [ENETDOWN]
        "Network is down"
        "The interface that leads there is down."
    NETWORK_RESET 4 ":network-reset" [ENETRESET]
        "Network has been reset"
        "The connection was dropped because the network was reset."
    CONNECTION_ABORTED 5 ":connection-aborted" [ECONNABORTED]
        "Connection aborted"
        "The connection was aborted on this side."
    CONNECTION_RESET 6 ":connection-reset" [ECONNRESET]
        "Connection reset by peer"
        "The peer ended the connection without an orderly close."
    NO_BUFFER_SPACE 7 ":no-buffer-space" [ENOBUFS]
        "No buffer space"
        "The system, or this library's table of handles, has no room left."
    SHUTDOWN 8 ":shutdown" [ESHUTDOWN]
        "Connection shut down"
        "This direction of the connection has been shut down here."
    CONNECTION_TIMED_OUT 9 ":connection-timed-out" [ETIMEDOUT]
        "Connection timed out"
        "The peer did not answer in the time the system allows."
    CONNECTION_REFUSED 10 ":connection-refused" [ECONNREFUSED]
        "Connection refused"
        "Nobody listens at the remote address."
    HOST_DOWN 11 ":host-down" [EHOSTDOWN]
        "Host is down"
        "The system knows that the host is down."
    HOST_UNREACHABLE 12 ":host-unreachable" [EHOSTUNREACH, ENETUNREACH]
        "Host is unreachable"
        "No route leads to the host or to its network."
    PROTOCOL_NOT_AVAILABLE 13 ":protocol-not-available" [ENOPROTOOPT]
        "Protocol not available"
        "The system does not know this option at this kind of socket."
    UNKNOWN 14 ":unknown" []
        "Unknown error"
        "Not a common socket error: the code (errno) tells which it is."

    INVALID_HANDLE 100 ":invalid-handle" []
        "Invalid handle"
        "The handle is NULL, freed, of another type, or was never a handle."
    CLOSED 101 ":closed" []
        "Socket is closed"
        "The socket was closed, here or by another thread."
    END_OF_FILE 102 ":end-of-file" []
        "End of file"
        "The peer sends no more; everything it sent has been read. Not an error."
    WOULD_BLOCK 103 ":would-block" []
        "Nothing there yet"
        "The operation was asked not to wait and there is nothing there yet. Not an error."
    INVALID_ARGUMENT 104 ":invalid-argument" []
        "Invalid argument"
        "An argument is NULL, out of range, contradicts another one or is missing; the action names it."
    WRONG_KIND 105 ":wrong-kind" []
        "Wrong kind of socket"
        "The operation does not apply to this kind of socket."
    WRONG_FORMAT 106 ":wrong-format" []
        "Wrong format of socket"
        "A byte operation on a text socket, or a character operation on a binary one."
    BUFFER_TOO_SMALL 107 ":buffer-too-small" []
        "Buffer too small"
        "The result does not fit; what fits has been stored, and the length says how much room it takes."
    INVALID_ADDRESS 108 ":invalid-address" []
        "Invalid address"
        "The text is not an IP address in dotted or colon hex form, or the structure is of no known kind."
    HOST_NOT_FOUND 109 ":host-not-found" []
        "Host not found"
        "The name has no address of the wanted family, or the resolver could not tell."
    PORT_NOT_FOUND 110 ":port-not-found" []
        "Port not found"
        "No such service is known for the protocol."
    NOT_SUPPORTED 111 ":not-supported" []
        "Not supported"
        "This system, or this build of the library, cannot do it."
    INTERNAL 112 ":internal" []
        "Internal error"
        "A bug in this library; the action names the place. Please report it."
    CHUNKING_ERROR 113 ":chunking-error" []
        "Malformed chunked coding"
        "The input is not the chunked coding of RFC 9112, or the connection ended within it."
    DECODING_ERROR 114 ":decoding-error" []
        "Malformed bytes"
        "Bytes that are no character in the external format, where the malformed policy refuses them."
    ENCODING_ERROR 115 ":encoding-error" []
        "Character not in the external format"
        "A character that has no bytes in the external format, where the malformed policy refuses it."
    READ_TIMEOUT 116 ":read-timeout" []
        "Read timed out"
        "Nothing came in the time that the socket allows; nothing is lost."
    WRITE_TIMEOUT 117 ":write-timeout" []
        "Write timed out"
        "The peer took nothing in the time that the socket allows; what is not sent stays."
    CONNECT_TIMEOUT 118 ":connect-timeout" []
        "Connecting timed out"
        "No connection came about in the time given for it."
}
