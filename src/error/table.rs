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

    /// Whether it tells of a certificate that was not accepted: the code then is that of `X509_V`.
    pub const fn is_verification(self) -> bool {
        self.0 >= Identifier::SSL_CERTIFICATE_INVALID.0 && self.0 <= Identifier::SSL_WEAK_CERTIFICATE.0
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
        "There is no such name."
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
    NO_DATA 119 ":no-data" []
        "No such record"
        "The name exists but has no record of this type, or the host no address of this family."
    NAMESERVER_INTERNAL_ERROR 120 ":nameserver-internal-error" []
        "Name server failed"
        "The name server says that it could not find out (SERVFAIL), which may pass."
    NAMESERVER_REFUSED 121 ":nameserver-refused" []
        "Name server refused"
        "The name server does not answer such questions, or not to this machine (REFUSED)."
    NAMESERVER_ERROR 122 ":nameserver-error" []
        "Name server error"
        "The name server answered another error, or something that is no answer; the action tells which."
    NAMESERVER_TIMEOUT 123 ":nameserver-timeout" []
        "No answer from a name server"
        "No name server answered in the time given for it."
    NO_NAMESERVER 124 ":no-nameserver" []
        "No name server known"
        "Neither acl_configure_dns nor the system's configuration names a name server."
    SSL_ERROR 140 ":ssl-error" []
        "SSL error"
        "An error of the protocol or of OpenSSL that no other identifier is for; the report has OpenSSL's words."
    SSL_HANDSHAKE_FAILURE 141 ":ssl-handshake-failure" []
        "SSL handshake failed"
        "The two sides have no cipher, group or signature in common, or one of them ended the handshake."
    SSL_PROTOCOL_VERSION 142 ":ssl-protocol-version" []
        "No common version of SSL"
        "The peer speaks none of the versions that the method allows, or the other way round."
    SSL_TRUNCATED 143 ":ssl-truncated" []
        "SSL connection ended without notice"
        "The connection ended and the peer had not said that it would: what was read may not be all."
    SSL_METHOD_UNSUPPORTED 144 ":ssl-method-unsupported" []
        "SSL method not supported"
        "The method is or has SSL 2 or SSL 3, which nothing should speak, or one that this OpenSSL lacks."
    SSL_INVALID_FILE 145 ":ssl-invalid-file" []
        "Invalid certificate, key, CA or CRL"
        "A file, directory or text of PEM cannot be read, or does not have what it should have."
    SSL_WRONG_PASSWORD 146 ":ssl-wrong-password" []
        "Wrong or missing password of a key"
        "The private key is encrypted, and the password does not open it or was not given."
    SSL_KEY_MISMATCH 147 ":ssl-key-mismatch" []
        "Private key is not that of the certificate"
        "The private key and the certificate do not belong together, or cannot be used."
    SSL_PLAIN_PEER 148 ":ssl-plain-peer" []
        "Peer does not speak SSL"
        "What came is no SSL: mostly the wrong port, or a server that wants to be asked first."
    SSL_CERTIFICATE_REQUIRED 149 ":ssl-certificate-required" []
        "Certificate required"
        "The server wants a certificate of the client, who has shown none."
    SSL_CERTIFICATE_REFUSED 150 ":ssl-certificate-refused" []
        "Certificate refused by the peer"
        "The peer does not accept the certificate that this side has shown."
    SSL_NO_APPLICATION_PROTOCOL 151 ":ssl-no-application-protocol" []
        "No common application protocol"
        "The server speaks none of the protocols of ALPN that the client offered."
    SSL_UNRECOGNIZED_NAME 152 ":ssl-unrecognized-name" []
        "Server name not recognized"
        "The server has no certificate for the name that the client asked for."
    SSL_CERTIFICATE_INVALID 153 ":ssl-certificate-invalid" []
        "Certificate not valid"
        "The peer's certificate was not accepted for a reason that no other identifier is for."
    SSL_CERTIFICATE_EXPIRED 154 ":ssl-certificate-expired" []
        "Certificate expired"
        "The peer's certificate, or one of its chain, is no longer valid."
    SSL_CERTIFICATE_NOT_YET_VALID 155 ":ssl-certificate-not-yet-valid" []
        "Certificate not yet valid"
        "The peer's certificate, or one of its chain, is not valid yet; is the clock right?"
    SSL_CERTIFICATE_SELF_SIGNED 156 ":ssl-certificate-self-signed" []
        "Self-signed certificate"
        "The chain ends in a certificate that signed itself and is not trusted."
    SSL_UNKNOWN_ISSUER 157 ":ssl-unknown-issuer" []
        "Issuer of the certificate not known"
        "No trusted certificate has signed it: the CA is not trusted, or an intermediate was not sent."
    SSL_CERTIFICATE_REVOKED 158 ":ssl-certificate-revoked" []
        "Certificate revoked"
        "The peer's certificate, or one of its chain, is on a revocation list."
    SSL_NO_CRL 159 ":ssl-no-crl" []
        "No revocation list"
        "A certificate was to be looked up in a revocation list of its issuer, and there is none."
    SSL_INVALID_CRL 160 ":ssl-invalid-crl" []
        "Revocation list not valid"
        "The revocation list has expired, is not valid yet, or is not signed as it should be."
    SSL_HOST_MISMATCH 161 ":ssl-host-mismatch" []
        "Certificate is for another host"
        "The server's certificate is good, but not for the name or address that was connected to."
    SSL_CHAIN_TOO_LONG 162 ":ssl-chain-too-long" []
        "Certificate chain too long"
        "There are more intermediate certificates than max_depth or a certificate allows."
    SSL_WRONG_PURPOSE 163 ":ssl-wrong-purpose" []
        "Certificate has another purpose"
        "The certificate must not be used for this: not by a server, not by a client, not to sign."
    SSL_WEAK_CERTIFICATE 164 ":ssl-weak-certificate" []
        "Certificate too weak"
        "A key or a digest of the chain is weaker than this system accepts."
}
