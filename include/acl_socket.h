/* acl_socket.h: the socket API of Allegro Common Lisp as a C library.
 * Generated from src/capi by `make header`: change it there.
 * SPDX-License-Identifier: MIT */
#ifndef ACL_SOCKET_H
#define ACL_SOCKET_H

/**
 * @mainpage libacl_socket
 *
 * Stream and datagram sockets of the internet and file families, names and
 * addresses, and errors with documented identifiers, as Allegro Common Lisp's
 * socket module has them. A C name is the Lisp name after `acl_`, with `_` for
 * `-`; the variables have acl_get_... and acl_set_... functions.
 *
 * Errors. A function that can fail returns acl_status: ACL_SOCKET_OK (0) or the
 * identifier of the error. Results come through the trailing pointers, which a
 * failure leaves alone unless the function says otherwise. The slots of the
 * condition (identifier, errno, action, and the report that joins them) are
 * kept per thread and stay until that thread's next failure; nothing here asks
 * the caller to look at errno. Predicates return 0 or 1 and do not fail.
 *
 * Keyword arguments are structures. A field that is zero has the documented
 * default; where "nil" differs from "not given" the field says how to spell it.
 * The first field, struct_size, is the size the caller was compiled with
 * (ACL_SOCKET_ARGS sets it), so that programs and libraries of different
 * versions work together. Clear a structure before setting its fields.
 *
 * Handles. acl_socket * and the other pointers to incomplete types are numbers
 * that the library checks at each call, not addresses. NULL, a freed handle, one
 * of another type or a random one is answered by ACL_SOCKET_INVALID_HANDLE and
 * harms nothing. All other pointers must be valid or NULL, as in any C library;
 * NULL where one is needed is ACL_SOCKET_INVALID_ARGUMENT.
 *
 * Who frees what. acl_close ends the connection and releases the descriptor, and
 * may be repeated; acl_free_socket also ends the handle. Whatever else the library
 * allocates for the caller is released by the function named beside it, never by
 * free(). All releasing functions accept NULL. Strings that are passed in are
 * copied; a returned `const char *` belongs to the library, and its function says
 * how long it is valid.
 *
 * Strings out. A function that takes (char *buffer, size_t size, size_t *length)
 * stores the text with a terminating NUL, and in *length the length of the whole
 * text without the NUL. If it does not fit, what fits is stored, terminated, and
 * the answer is ACL_SOCKET_BUFFER_TOO_SMALL; (NULL, 0, &length) only measures
 * and succeeds. `length` may be NULL. Text is UTF-8 unless stated otherwise.
 *
 * Threads. Every function may be called from any thread. One reader and one
 * writer may use a stream at the same time, any number of threads a passive or
 * datagram socket; two readers of one stream take turns, and so do two writers.
 * acl_close from another thread wakes whoever waits in the socket, with
 * ACL_SOCKET_CLOSED, and its descriptor number is not used again under them. The
 * library starts no threads. Its functions are no cancellation points: a thread
 * that is cancelled while it waits in one ends behind it, so close the socket.
 *
 * Time. Time-outs are in seconds, fractions allowed. They are for each wait of an
 * operation; acl_set_socket_deadline is for all of them together. After
 * ACL_SOCKET_READ_TIMEOUT or ACL_SOCKET_WRITE_TIMEOUT nothing is lost or sent
 * twice, and the operation can go on.
 *
 * Names. Hosts are looked up by the hosts file and by this library's own DNS
 * client, which keeps to the time-outs that are given; see acl_set_dns_mode. No
 * look-up makes another thread wait.
 *
 * Signals. No call raises SIGPIPE or changes how a signal is handled. A call
 * that a signal interrupts goes on, with what is left of its time. A handler
 * may leave a waiting call by longjmp: nothing stays locked, and the stream has
 * what it had. The thread itself can use it at once; another thread that waits
 * for its turn gets it within about 100 ms (500 ms where the first waits for a
 * condition) after the first has left, which is seen in /proc; where /proc is not
 * mounted, when the first comes again. See acl_set_non_local_exits. A socket that
 * is closed after a thread left a call in it gives its descriptor number back
 * when that thread calls the library again or ends.
 *
 * Processes. Descriptors are close-on-exec. After fork the child may use and
 * close the sockets it inherited; it makes wait sets of its own.
 *
 * The library prints nothing, never exits, and lets nothing unwind into its
 * caller: a bug inside it is answered by ACL_SOCKET_INTERNAL.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** The version of this header, as numbers, as 0xMMmmpp and as text. */
#define ACL_SOCKET_VERSION_MAJOR 0
#define ACL_SOCKET_VERSION_MINOR 1
#define ACL_SOCKET_VERSION_PATCH 0
#define ACL_SOCKET_VERSION 0x00000100
#define ACL_SOCKET_VERSION_STRING "0.1.0"

/**
 * Sets the first field of a structure of arguments, as in acl_make_socket(&(acl_make_socket_args){
 * ACL_SOCKET_ARGS(acl_make_socket_args), .remote_port = 80 }, &socket). C++ before C++20 and C89
 * assign struct_size.
 */
#define ACL_SOCKET_ARGS(type) .struct_size = sizeof(type)

/**
 * :address-in-use. Another socket is bound to this local address, or the file of a file socket
 * exists already.
 */
#define ACL_SOCKET_ADDRESS_IN_USE 1

/**
 * :address-not-available. No interface of this machine has the local address, or no local port is
 * left.
 */
#define ACL_SOCKET_ADDRESS_NOT_AVAILABLE 2

/** :network-down. The interface that leads there is down. */
#define ACL_SOCKET_NETWORK_DOWN 3

/** :network-reset. The connection was dropped because the network was reset. */
#define ACL_SOCKET_NETWORK_RESET 4

/** :connection-aborted. The connection was aborted on this side. */
#define ACL_SOCKET_CONNECTION_ABORTED 5

/** :connection-reset. The peer ended the connection without an orderly close. */
#define ACL_SOCKET_CONNECTION_RESET 6

/** :no-buffer-space. The system, or this library's table of handles, has no room left. */
#define ACL_SOCKET_NO_BUFFER_SPACE 7

/** :shutdown. This direction of the connection has been shut down here. */
#define ACL_SOCKET_SHUTDOWN 8

/** :connection-timed-out. The peer did not answer in the time the system allows. */
#define ACL_SOCKET_CONNECTION_TIMED_OUT 9

/** :connection-refused. Nobody listens at the remote address. */
#define ACL_SOCKET_CONNECTION_REFUSED 10

/** :host-down. The system knows that the host is down. */
#define ACL_SOCKET_HOST_DOWN 11

/** :host-unreachable. No route leads to the host or to its network. */
#define ACL_SOCKET_HOST_UNREACHABLE 12

/** :protocol-not-available. The system does not know this option at this kind of socket. */
#define ACL_SOCKET_PROTOCOL_NOT_AVAILABLE 13

/** :unknown. Not a common socket error: the code (errno) tells which it is. */
#define ACL_SOCKET_UNKNOWN 14

/** :invalid-handle. The handle is NULL, freed, of another type, or was never a handle. */
#define ACL_SOCKET_INVALID_HANDLE 100

/** :closed. The socket was closed, here or by another thread. */
#define ACL_SOCKET_CLOSED 101

/** :end-of-file. The peer sends no more; everything it sent has been read. Not an error. */
#define ACL_SOCKET_END_OF_FILE 102

/**
 * :would-block. The operation was asked not to wait and there is nothing there yet. Not an error.
 */
#define ACL_SOCKET_WOULD_BLOCK 103

/**
 * :invalid-argument. An argument is NULL, out of range, contradicts another one or is missing; the
 * action names it.
 */
#define ACL_SOCKET_INVALID_ARGUMENT 104

/** :wrong-kind. The operation does not apply to this kind of socket. */
#define ACL_SOCKET_WRONG_KIND 105

/** :wrong-format. A byte operation on a text socket, or a character operation on a binary one. */
#define ACL_SOCKET_WRONG_FORMAT 106

/**
 * :buffer-too-small. The result does not fit; what fits has been stored, and the length says how
 * much room it takes.
 */
#define ACL_SOCKET_BUFFER_TOO_SMALL 107

/**
 * :invalid-address. The text is not an IP address in dotted or colon hex form, or the structure is
 * of no known kind.
 */
#define ACL_SOCKET_INVALID_ADDRESS 108

/** :host-not-found. There is no such name. */
#define ACL_SOCKET_HOST_NOT_FOUND 109

/** :port-not-found. No such service is known for the protocol. */
#define ACL_SOCKET_PORT_NOT_FOUND 110

/** :not-supported. This system, or this build of the library, cannot do it. */
#define ACL_SOCKET_NOT_SUPPORTED 111

/** :internal. A bug in this library; the action names the place. Please report it. */
#define ACL_SOCKET_INTERNAL 112

/**
 * :chunking-error. The input is not the chunked coding of RFC 9112, or the connection ended within
 * it.
 */
#define ACL_SOCKET_CHUNKING_ERROR 113

/**
 * :decoding-error. Bytes that are no character in the external format, where the malformed policy
 * refuses them.
 */
#define ACL_SOCKET_DECODING_ERROR 114

/**
 * :encoding-error. A character that has no bytes in the external format, where the malformed policy
 * refuses it.
 */
#define ACL_SOCKET_ENCODING_ERROR 115

/** :read-timeout. Nothing came in the time that the socket allows; nothing is lost. */
#define ACL_SOCKET_READ_TIMEOUT 116

/**
 * :write-timeout. The peer took nothing in the time that the socket allows; what is not sent stays.
 */
#define ACL_SOCKET_WRITE_TIMEOUT 117

/** :connect-timeout. No connection came about in the time given for it. */
#define ACL_SOCKET_CONNECT_TIMEOUT 118

/**
 * :no-data. The name exists but has no record of this type, or the host no address of this family.
 */
#define ACL_SOCKET_NO_DATA 119

/**
 * :nameserver-internal-error. The name server says that it could not find out (SERVFAIL), which may
 * pass.
 */
#define ACL_SOCKET_NAMESERVER_INTERNAL_ERROR 120

/**
 * :nameserver-refused. The name server does not answer such questions, or not to this machine
 * (REFUSED).
 */
#define ACL_SOCKET_NAMESERVER_REFUSED 121

/**
 * :nameserver-error. The name server answered another error, or something that is no answer; the
 * action tells which.
 */
#define ACL_SOCKET_NAMESERVER_ERROR 122

/** :nameserver-timeout. No name server answered in the time given for it. */
#define ACL_SOCKET_NAMESERVER_TIMEOUT 123

/** :no-nameserver. Neither acl_configure_dns nor the system's configuration names a name server. */
#define ACL_SOCKET_NO_NAMESERVER 124

/**
 * :ssl-error. An error of the protocol or of OpenSSL that no other identifier is for; the report
 * has OpenSSL's words.
 */
#define ACL_SOCKET_SSL_ERROR 140

/**
 * :ssl-handshake-failure. The two sides have no cipher, group or signature in common, or one of
 * them ended the handshake.
 */
#define ACL_SOCKET_SSL_HANDSHAKE_FAILURE 141

/**
 * :ssl-protocol-version. The peer speaks none of the versions that the method allows, or the other
 * way round.
 */
#define ACL_SOCKET_SSL_PROTOCOL_VERSION 142

/**
 * :ssl-truncated. The connection ended and the peer had not said that it would: what was read may
 * not be all.
 */
#define ACL_SOCKET_SSL_TRUNCATED 143

/**
 * :ssl-method-unsupported. The method is or has SSL 2 or SSL 3, which nothing should speak, or one
 * that this OpenSSL lacks.
 */
#define ACL_SOCKET_SSL_METHOD_UNSUPPORTED 144

/**
 * :ssl-invalid-file. A file, directory or text of PEM cannot be read, or does not have what it
 * should have.
 */
#define ACL_SOCKET_SSL_INVALID_FILE 145

/**
 * :ssl-wrong-password. The private key is encrypted, and the password does not open it or was not
 * given.
 */
#define ACL_SOCKET_SSL_WRONG_PASSWORD 146

/**
 * :ssl-key-mismatch. The private key and the certificate do not belong together, or cannot be used.
 */
#define ACL_SOCKET_SSL_KEY_MISMATCH 147

/**
 * :ssl-plain-peer. What came is no SSL: mostly the wrong port, or a server that wants to be asked
 * first.
 */
#define ACL_SOCKET_SSL_PLAIN_PEER 148

/** :ssl-certificate-required. The server wants a certificate of the client, who has shown none. */
#define ACL_SOCKET_SSL_CERTIFICATE_REQUIRED 149

/** :ssl-certificate-refused. The peer does not accept the certificate that this side has shown. */
#define ACL_SOCKET_SSL_CERTIFICATE_REFUSED 150

/**
 * :ssl-no-application-protocol. The server speaks none of the protocols of ALPN that the client
 * offered.
 */
#define ACL_SOCKET_SSL_NO_APPLICATION_PROTOCOL 151

/** :ssl-unrecognized-name. The server has no certificate for the name that the client asked for. */
#define ACL_SOCKET_SSL_UNRECOGNIZED_NAME 152

/**
 * :ssl-certificate-invalid. The peer's certificate was not accepted for a reason that no other
 * identifier is for.
 */
#define ACL_SOCKET_SSL_CERTIFICATE_INVALID 153

/** :ssl-certificate-expired. The peer's certificate, or one of its chain, is no longer valid. */
#define ACL_SOCKET_SSL_CERTIFICATE_EXPIRED 154

/**
 * :ssl-certificate-not-yet-valid. The peer's certificate, or one of its chain, is not valid yet; is
 * the clock right?
 */
#define ACL_SOCKET_SSL_CERTIFICATE_NOT_YET_VALID 155

/**
 * :ssl-certificate-self-signed. The chain ends in a certificate that signed itself and is not
 * trusted.
 */
#define ACL_SOCKET_SSL_CERTIFICATE_SELF_SIGNED 156

/**
 * :ssl-unknown-issuer. No trusted certificate has signed it: the CA is not trusted, or an
 * intermediate was not sent.
 */
#define ACL_SOCKET_SSL_UNKNOWN_ISSUER 157

/**
 * :ssl-certificate-revoked. The peer's certificate, or one of its chain, is on a revocation list.
 */
#define ACL_SOCKET_SSL_CERTIFICATE_REVOKED 158

/**
 * :ssl-no-crl. A certificate was to be looked up in a revocation list of its issuer, and there is
 * none.
 */
#define ACL_SOCKET_SSL_NO_CRL 159

/**
 * :ssl-invalid-crl. The revocation list has expired, is not valid yet, or is not signed as it
 * should be.
 */
#define ACL_SOCKET_SSL_INVALID_CRL 160

/**
 * :ssl-host-mismatch. The server's certificate is good, but not for the name or address that was
 * connected to.
 */
#define ACL_SOCKET_SSL_HOST_MISMATCH 161

/**
 * :ssl-chain-too-long. There are more intermediate certificates than max_depth or a certificate
 * allows.
 */
#define ACL_SOCKET_SSL_CHAIN_TOO_LONG 162

/**
 * :ssl-wrong-purpose. The certificate must not be used for this: not by a server, not by a client,
 * not to sign.
 */
#define ACL_SOCKET_SSL_WRONG_PURPOSE 163

/** :ssl-weak-certificate. A key or a digest of the chain is weaker than this system accepts. */
#define ACL_SOCKET_SSL_WEAK_CERTIFICATE 164

/** Every identifier: XX(number, name, keyword, meaning), for tables and bindings. */
#define ACL_SOCKET_STATUS_MAP(XX) \
    XX(1, ACL_SOCKET_ADDRESS_IN_USE, ":address-in-use", "Local socket address already in use") \
    XX(2, ACL_SOCKET_ADDRESS_NOT_AVAILABLE, ":address-not-available", "Local socket address not available") \
    XX(3, ACL_SOCKET_NETWORK_DOWN, ":network-down", "Network is down") \
    XX(4, ACL_SOCKET_NETWORK_RESET, ":network-reset", "Network has been reset") \
    XX(5, ACL_SOCKET_CONNECTION_ABORTED, ":connection-aborted", "Connection aborted") \
    XX(6, ACL_SOCKET_CONNECTION_RESET, ":connection-reset", "Connection reset by peer") \
    XX(7, ACL_SOCKET_NO_BUFFER_SPACE, ":no-buffer-space", "No buffer space") \
    XX(8, ACL_SOCKET_SHUTDOWN, ":shutdown", "Connection shut down") \
    XX(9, ACL_SOCKET_CONNECTION_TIMED_OUT, ":connection-timed-out", "Connection timed out") \
    XX(10, ACL_SOCKET_CONNECTION_REFUSED, ":connection-refused", "Connection refused") \
    XX(11, ACL_SOCKET_HOST_DOWN, ":host-down", "Host is down") \
    XX(12, ACL_SOCKET_HOST_UNREACHABLE, ":host-unreachable", "Host is unreachable") \
    XX(13, ACL_SOCKET_PROTOCOL_NOT_AVAILABLE, ":protocol-not-available", "Protocol not available") \
    XX(14, ACL_SOCKET_UNKNOWN, ":unknown", "Unknown error") \
    XX(100, ACL_SOCKET_INVALID_HANDLE, ":invalid-handle", "Invalid handle") \
    XX(101, ACL_SOCKET_CLOSED, ":closed", "Socket is closed") \
    XX(102, ACL_SOCKET_END_OF_FILE, ":end-of-file", "End of file") \
    XX(103, ACL_SOCKET_WOULD_BLOCK, ":would-block", "Nothing there yet") \
    XX(104, ACL_SOCKET_INVALID_ARGUMENT, ":invalid-argument", "Invalid argument") \
    XX(105, ACL_SOCKET_WRONG_KIND, ":wrong-kind", "Wrong kind of socket") \
    XX(106, ACL_SOCKET_WRONG_FORMAT, ":wrong-format", "Wrong format of socket") \
    XX(107, ACL_SOCKET_BUFFER_TOO_SMALL, ":buffer-too-small", "Buffer too small") \
    XX(108, ACL_SOCKET_INVALID_ADDRESS, ":invalid-address", "Invalid address") \
    XX(109, ACL_SOCKET_HOST_NOT_FOUND, ":host-not-found", "Host not found") \
    XX(110, ACL_SOCKET_PORT_NOT_FOUND, ":port-not-found", "Port not found") \
    XX(111, ACL_SOCKET_NOT_SUPPORTED, ":not-supported", "Not supported") \
    XX(112, ACL_SOCKET_INTERNAL, ":internal", "Internal error") \
    XX(113, ACL_SOCKET_CHUNKING_ERROR, ":chunking-error", "Malformed chunked coding") \
    XX(114, ACL_SOCKET_DECODING_ERROR, ":decoding-error", "Malformed bytes") \
    XX(115, ACL_SOCKET_ENCODING_ERROR, ":encoding-error", "Character not in the external format") \
    XX(116, ACL_SOCKET_READ_TIMEOUT, ":read-timeout", "Read timed out") \
    XX(117, ACL_SOCKET_WRITE_TIMEOUT, ":write-timeout", "Write timed out") \
    XX(118, ACL_SOCKET_CONNECT_TIMEOUT, ":connect-timeout", "Connecting timed out") \
    XX(119, ACL_SOCKET_NO_DATA, ":no-data", "No such record") \
    XX(120, ACL_SOCKET_NAMESERVER_INTERNAL_ERROR, ":nameserver-internal-error", "Name server failed") \
    XX(121, ACL_SOCKET_NAMESERVER_REFUSED, ":nameserver-refused", "Name server refused") \
    XX(122, ACL_SOCKET_NAMESERVER_ERROR, ":nameserver-error", "Name server error") \
    XX(123, ACL_SOCKET_NAMESERVER_TIMEOUT, ":nameserver-timeout", "No answer from a name server") \
    XX(124, ACL_SOCKET_NO_NAMESERVER, ":no-nameserver", "No name server known") \
    XX(140, ACL_SOCKET_SSL_ERROR, ":ssl-error", "SSL error") \
    XX(141, ACL_SOCKET_SSL_HANDSHAKE_FAILURE, ":ssl-handshake-failure", "SSL handshake failed") \
    XX(142, ACL_SOCKET_SSL_PROTOCOL_VERSION, ":ssl-protocol-version", "No common version of SSL") \
    XX(143, ACL_SOCKET_SSL_TRUNCATED, ":ssl-truncated", "SSL connection ended without notice") \
    XX(144, ACL_SOCKET_SSL_METHOD_UNSUPPORTED, ":ssl-method-unsupported", "SSL method not supported") \
    XX(145, ACL_SOCKET_SSL_INVALID_FILE, ":ssl-invalid-file", "Invalid certificate, key, CA or CRL") \
    XX(146, ACL_SOCKET_SSL_WRONG_PASSWORD, ":ssl-wrong-password", "Wrong or missing password of a key") \
    XX(147, ACL_SOCKET_SSL_KEY_MISMATCH, ":ssl-key-mismatch", "Private key is not that of the certificate") \
    XX(148, ACL_SOCKET_SSL_PLAIN_PEER, ":ssl-plain-peer", "Peer does not speak SSL") \
    XX(149, ACL_SOCKET_SSL_CERTIFICATE_REQUIRED, ":ssl-certificate-required", "Certificate required") \
    XX(150, ACL_SOCKET_SSL_CERTIFICATE_REFUSED, ":ssl-certificate-refused", "Certificate refused by the peer") \
    XX(151, ACL_SOCKET_SSL_NO_APPLICATION_PROTOCOL, ":ssl-no-application-protocol", "No common application protocol") \
    XX(152, ACL_SOCKET_SSL_UNRECOGNIZED_NAME, ":ssl-unrecognized-name", "Server name not recognized") \
    XX(153, ACL_SOCKET_SSL_CERTIFICATE_INVALID, ":ssl-certificate-invalid", "Certificate not valid") \
    XX(154, ACL_SOCKET_SSL_CERTIFICATE_EXPIRED, ":ssl-certificate-expired", "Certificate expired") \
    XX(155, ACL_SOCKET_SSL_CERTIFICATE_NOT_YET_VALID, ":ssl-certificate-not-yet-valid", "Certificate not yet valid") \
    XX(156, ACL_SOCKET_SSL_CERTIFICATE_SELF_SIGNED, ":ssl-certificate-self-signed", "Self-signed certificate") \
    XX(157, ACL_SOCKET_SSL_UNKNOWN_ISSUER, ":ssl-unknown-issuer", "Issuer of the certificate not known") \
    XX(158, ACL_SOCKET_SSL_CERTIFICATE_REVOKED, ":ssl-certificate-revoked", "Certificate revoked") \
    XX(159, ACL_SOCKET_SSL_NO_CRL, ":ssl-no-crl", "No revocation list") \
    XX(160, ACL_SOCKET_SSL_INVALID_CRL, ":ssl-invalid-crl", "Revocation list not valid") \
    XX(161, ACL_SOCKET_SSL_HOST_MISMATCH, ":ssl-host-mismatch", "Certificate is for another host") \
    XX(162, ACL_SOCKET_SSL_CHAIN_TOO_LONG, ":ssl-chain-too-long", "Certificate chain too long") \
    XX(163, ACL_SOCKET_SSL_WRONG_PURPOSE, ":ssl-wrong-purpose", "Certificate has another purpose") \
    XX(164, ACL_SOCKET_SSL_WEAK_CERTIFICATE, ":ssl-weak-certificate", "Certificate too weak")

#ifdef __cplusplus
extern "C" {
#endif

/**
 * No address: what a zeroed acl_ipaddr is.
 */
#define ACL_SOCKET_NO_ADDRESS 0

/**
 * An IPv4 address.
 */
#define ACL_SOCKET_IPV4 4

/**
 * An IPv6 address structure.
 */
#define ACL_SOCKET_IPV6 6

/**
 * Record type: the IPv4 address of a host.
 */
#define ACL_SOCKET_DNS_A 1

/**
 * Record type: a name server of a zone.
 */
#define ACL_SOCKET_DNS_NS 2

/**
 * Record type: the name that another one stands for.
 */
#define ACL_SOCKET_DNS_CNAME 5

/**
 * Record type: the start of authority of a zone.
 */
#define ACL_SOCKET_DNS_SOA 6

/**
 * Record type: the name of the host with an address.
 */
#define ACL_SOCKET_DNS_PTR 12

/**
 * Record type: a host that takes mail.
 */
#define ACL_SOCKET_DNS_MX 15

/**
 * Record type: text.
 */
#define ACL_SOCKET_DNS_TXT 16

/**
 * Record type: the IPv6 address of a host.
 */
#define ACL_SOCKET_DNS_AAAA 28

/**
 * Record type: a host and port of a service.
 */
#define ACL_SOCKET_DNS_SRV 33

/**
 * Record type, for queries: whatever the server likes to tell.
 */
#define ACL_SOCKET_DNS_ANY 255

/**
 * Record type: who may issue certificates.
 */
#define ACL_SOCKET_DNS_CAA 257

/**
 * Flag of a response: that it is one. This and the flags up to CHECKING_DISABLED are those of the
 * message.
 */
#define ACL_SOCKET_DNS_IS_RESPONSE 32768

/**
 * Flag of a response: the server itself has authority over the name.
 */
#define ACL_SOCKET_DNS_AUTHORITATIVE 1024

/**
 * Flag of a response: it was cut off. Never set: such ones are asked for again by TCP.
 */
#define ACL_SOCKET_DNS_TRUNCATED 512

/**
 * Flag of a response: the query asked the server to ask others.
 */
#define ACL_SOCKET_DNS_RECURSION_DESIRED 256

/**
 * Flag of a response: the server does so.
 */
#define ACL_SOCKET_DNS_RECURSION_AVAILABLE 128

/**
 * Flag of a response: the server says that it has verified the signatures, which means as much as the
 * way to the server can be trusted.
 */
#define ACL_SOCKET_DNS_AUTHENTIC_DATA 32

/**
 * Flag of a response: signatures were not to be verified.
 */
#define ACL_SOCKET_DNS_CHECKING_DISABLED 16

/**
 * Flag of a response: there is no such name. Lisp's keyword no-such-domain.
 */
#define ACL_SOCKET_DNS_NO_SUCH_DOMAIN 65536

/**
 * Flag of a response: the server could not find out. Lisp's keyword nameserver-internal-error.
 */
#define ACL_SOCKET_DNS_NAMESERVER_INTERNAL_ERROR 131072

/**
 * Flag of a response: any other error, such as that the server refused. Lisp's keyword error.
 */
#define ACL_SOCKET_DNS_ERROR 262144

/**
 * Flag of a response: it was in the cache.
 */
#define ACL_SOCKET_DNS_CACHED 524288

/**
 * Flag of a response: its time is over, see acl_set_stale_entry_remove_time.
 */
#define ACL_SOCKET_DNS_STALE 1048576

/**
 * DNS mode: this library's own resolver.
 */
#define ACL_SOCKET_ACLDNS 1

/**
 * DNS mode: the C library.
 */
#define ACL_SOCKET_CLIB 2

/**
 * Type: TCP, or a Unix-domain stream.
 */
#define ACL_SOCKET_STREAM 0

/**
 * Type: UDP, or Unix-domain datagrams.
 */
#define ACL_SOCKET_DATAGRAM 1

/**
 * Address family: named by an IP address and a port.
 */
#define ACL_SOCKET_INTERNET 0

/**
 * Address family: named by a file of this machine.
 */
#define ACL_SOCKET_FILE 1

/**
 * Connect: reaches out to a passive socket.
 */
#define ACL_SOCKET_ACTIVE 0

/**
 * Connect: waits for connections.
 */
#define ACL_SOCKET_PASSIVE 1

/**
 * Format: characters and bytes, freely mixed.
 */
#define ACL_SOCKET_MULTIVALENT 0

/**
 * Format: characters only.
 */
#define ACL_SOCKET_TEXT 1

/**
 * Format: bytes only.
 */
#define ACL_SOCKET_BINARY 2

/**
 * Format, for streams: characters and bytes, as before Allegro CL 6.0.
 */
#define ACL_SOCKET_BIVALENT 3

/**
 * A keyword argument that is not given.
 */
#define ACL_SOCKET_OMITTED 0

/**
 * A keyword argument that is true.
 */
#define ACL_SOCKET_ON 1

/**
 * A keyword argument that is given as nil.
 */
#define ACL_SOCKET_OFF -1

/**
 * The value of an ipv6 keyword that Lisp writes as the keyword ipv6.
 */
#define ACL_SOCKET_IPV6_ONLY 2

/**
 * Do not flush: the last argument of acl_close.
 */
#define ACL_SOCKET_ABORT 1

/**
 * Wait for a connection.
 */
#define ACL_SOCKET_WAIT 1

/**
 * Do not wait.
 */
#define ACL_SOCKET_NO_WAIT 0

/**
 * The half of a connection that is read.
 */
#define ACL_SOCKET_INPUT 1

/**
 * The half of a connection that is written.
 */
#define ACL_SOCKET_OUTPUT 2

/**
 * As offset of acl_send_file: from where the descriptor stands, moving it.
 */
#define ACL_SOCKET_FROM_HERE UINT64_MAX

/**
 * As count of acl_send_file: to the end of the file.
 */
#define ACL_SOCKET_TO_THE_END UINT64_MAX

/**
 * Eol convention: a newline is LF. Nothing is translated.
 */
#define ACL_SOCKET_EOL_UNIX 0

/**
 * Eol convention: a newline is CR LF. A lone CR reads as CR, a lone LF as a newline, which it is.
 */
#define ACL_SOCKET_EOL_DOS 1

/**
 * Eol convention: a newline is CR. A LF reads as a newline too, which it is.
 */
#define ACL_SOCKET_EOL_MAC 2

/**
 * Eol convention: LF, CR and CR LF each read as a newline, and LF is written. A CR is a newline as
 * soon as it is there; a LF that comes next is then skipped, by functions that read bytes too.
 */
#define ACL_SOCKET_EOL_ANYNL_UNIX 3

/**
 * Eol convention: reads as ACL_SOCKET_EOL_ANYNL_UNIX, writes CR LF.
 */
#define ACL_SOCKET_EOL_ANYNL_DOS 4

/**
 * Eol convention: reads as ACL_SOCKET_EOL_ANYNL_UNIX, writes CR.
 */
#define ACL_SOCKET_EOL_ANYNL_MAC 5

/**
 * Malformed policy: malformed bytes read as U+FFFD, by the rules of the WHATWG, and characters that
 * the external format does not have are written as "?". Both are counted.
 */
#define ACL_SOCKET_REPLACE 0

/**
 * Malformed policy: they are ACL_SOCKET_DECODING_ERROR and ACL_SOCKET_ENCODING_ERROR.
 */
#define ACL_SOCKET_REFUSE 1

/**
 * A time-out that is none.
 */
#define ACL_SOCKET_NO_TIMEOUT -1.0

/**
 * Waiting: there is input, a connection to accept, or the end of the file.
 */
#define ACL_SOCKET_IN 1

/**
 * Waiting: the input has an error, which reading will tell.
 */
#define ACL_SOCKET_IN_ERROR 2

/**
 * Waiting: there is room for output, or a connection that was begun has come about.
 */
#define ACL_SOCKET_OUT 4

/**
 * Waiting: the output has an error.
 */
#define ACL_SOCKET_OUT_ERROR 8

/**
 * Method: SSL 2, always refused with ACL_SOCKET_SSL_METHOD_UNSUPPORTED.
 */
#define ACL_SOCKET_SSLV2 1

/**
 * Method: SSL 3, always refused with ACL_SOCKET_SSL_METHOD_UNSUPPORTED.
 */
#define ACL_SOCKET_SSLV3 2

/**
 * Method: TLS 1.0. Broken by design: with it or TLS 1.1 in the method the weakest ciphers, keys and digests
 * of OpenSSL are let in as well, without which it could not work.
 */
#define ACL_SOCKET_TLSV1 4

/**
 * Method: TLS 1.1, as TLS 1.0.
 */
#define ACL_SOCKET_TLSV1_1 8

/**
 * Method: TLS 1.2.
 */
#define ACL_SOCKET_TLSV1_2 16

/**
 * Method: TLS 1.3.
 */
#define ACL_SOCKET_TLSV1_3 32

/**
 * Method: TLS 1.0 and all that are newer.
 */
#define ACL_SOCKET_TLSV1_PLUS 60

/**
 * Method: TLS 1.1 and all that are newer.
 */
#define ACL_SOCKET_TLSV1_1_PLUS 56

/**
 * Method: TLS 1.2 and all that are newer, which is the default.
 */
#define ACL_SOCKET_TLSV1_2_PLUS 48

/**
 * Method: TLS 1.3 and all that will be newer.
 */
#define ACL_SOCKET_TLSV1_3_PLUS 32

/**
 * Method: the best version in common, an old name of the default. No SSL 2 or SSL 3.
 */
#define ACL_SOCKET_SSLV23 256

/**
 * Method: the same.
 */
#define ACL_SOCKET_SSLV3_PLUS 512

/**
 * Verify: a server asks for no certificate. A client says ACL_SOCKET_INSECURE_VERIFY_NIL.
 */
#define ACL_SOCKET_VERIFY_NIL -1

/**
 * Verify: a certificate that is shown must be good. Servers always show one.
 */
#define ACL_SOCKET_VERIFY_OPTIONAL 1

/**
 * Verify: a certificate must be shown and be good.
 */
#define ACL_SOCKET_VERIFY_REQUIRED 2

/**
 * Verify, for clients: the server may be anybody, such as who reads everything in between.
 */
#define ACL_SOCKET_INSECURE_VERIFY_NIL -2

/**
 * CRL check: no certificate is looked up.
 */
#define ACL_SOCKET_CRL_NONE 0

/**
 * CRL check: the peer's own certificate is looked up.
 */
#define ACL_SOCKET_CRL_PEER 1

/**
 * CRL check: so are all of its chain but the root; there must be a list of each issuer.
 */
#define ACL_SOCKET_CRL_CHAIN 2

/**
 * The response of a name server. The pointer is a checked handle.
 */
typedef struct acl_dns_response acl_dns_response;

/**
 * A socket. The pointer is a checked handle, never memory: anything else is answered with
 * ACL_SOCKET_INVALID_HANDLE.
 */
typedef struct acl_socket acl_socket;

/**
 * What many SSL streams share: certificates and the ways to verify. It is not changed once it is made, and
 * any number of threads may use it. The pointer is a checked handle.
 */
typedef struct acl_ssl_context acl_ssl_context;

/**
 * A set of sockets and descriptors that are waited for together. The pointer is a checked handle.
 */
typedef struct acl_wait_set acl_wait_set;

/**
 * A certificate, for reading. The pointer is a checked handle.
 */
typedef struct acl_x509_certificate acl_x509_certificate;

/**
 * What a call answers: ACL_SOCKET_OK, or the identifier of what went wrong.
 */
typedef int32_t acl_status;

/**
 * An IP address. This struct never grows.
 */
typedef struct acl_ipaddr {
  /**
   * ACL_SOCKET_NO_ADDRESS, ACL_SOCKET_IPV4 or ACL_SOCKET_IPV6.
   */
  int32_t kind;
  /**
   * An IPv4 address in host order: 192.132.95.84 is 3229900628.
   */
  uint32_t ipv4;
  /**
   * An IPv6 address, most significant octet first.
   */
  uint8_t ipv6[16];
  /**
   * The number of the interface that a scoped IPv6 address is meant on, 0 for none.
   */
  uint32_t scope_id;
} acl_ipaddr;

/**
 * An interface of this machine. This struct never grows.
 */
typedef struct acl_ip_interface {
  /**
   * Its number, as a scope id.
   */
  uint32_t id;
  /**
   * Its name, NUL-terminated.
   */
  char name[16];
} acl_ip_interface;

/**
 * Keyword arguments of acl_lookup_hostname and acl_lookup_hostname_all.
 */
typedef struct acl_lookup_hostname_args {
  /**
   * ACL_SOCKET_ARGS(acl_lookup_hostname_args).
   */
  size_t struct_size;
  /**
   * 1 to ask anew. The answer is kept for others all the same.
   */
  int32_t ignore_cache;
  /**
   * ACL_SOCKET_OMITTED (what acl_get_ipv6 says), ACL_SOCKET_OFF, ACL_SOCKET_ON or
   * ACL_SOCKET_IPV6_ONLY.
   */
  int32_t ipv6;
  /**
   * Seconds that the look-up may take; 0 for what is configured, negative for the same. The C
   * library does not heed it: see acl_set_dns_mode.
   */
  double timeout;
} acl_lookup_hostname_args;

/**
 * Keyword arguments of acl_ipaddr_to_hostname.
 */
typedef struct acl_ipaddr_to_hostname_args {
  /**
   * ACL_SOCKET_ARGS(acl_ipaddr_to_hostname_args).
   */
  size_t struct_size;
  /**
   * 1 to ask anew. The answer is kept for others all the same.
   */
  int32_t ignore_cache;
  /**
   * As in acl_lookup_hostname_args.
   */
  double timeout;
} acl_ipaddr_to_hostname_args;

/**
 * Bytes of a record. This struct never grows.
 */
typedef struct acl_dns_text {
  /**
   * The bytes, and a NUL behind them; there may be others among them.
   */
  const char *text;
  /**
   * How many, without that NUL.
   */
  size_t length;
} acl_dns_text;

/**
 * A resource record. Names are texts without the final dot, the root is "."; what is no plain
 * character of a name stands behind a backslash, as itself or as three decimal digits. What a type of
 * record does not have is 0 or NULL. The memory is that of the response. This struct never grows.
 * Allegro: class dns-rr.
 */
typedef struct acl_dns_rr {
  /**
   * Whose record it is.
   */
  const char *name;
  /**
   * ACL_SOCKET_DNS_A and the like, or another number.
   */
  int32_t type;
  /**
   * The class, 1 for the internet.
   */
  int32_t rr_class;
  /**
   * For how many seconds it is good yet.
   */
  uint32_t time_to_live;
  /**
   * MX: the preference, the lowest first. SRV: the priority, likewise. CAA: the flags.
   */
  int32_t preference;
  /**
   * SRV: the share that it shall have among those of its priority.
   */
  int32_t weight;
  /**
   * SRV: the port.
   */
  int32_t port;
  /**
   * A and AAAA: the address. MX and SRV, in the answers of acl_dns_response_values: an address of the
   * host, of kind ACL_SOCKET_NO_ADDRESS where the response has none and it must be looked up.
   */
  struct acl_ipaddr address;
  /**
   * NS, CNAME, PTR, MX, SRV: the host. SOA: the name server of the zone.
   */
  const char *host;
  /**
   * SOA: the mail address of who answers for the zone, the first dot for the @.
   */
  const char *mailbox;
  /**
   * SOA.
   */
  uint32_t serial;
  /**
   * SOA, in seconds, as the next three.
   */
  uint32_t refresh;
  /**
   * SOA.
   */
  uint32_t retry;
  /**
   * SOA.
   */
  uint32_t expire;
  /**
   * SOA: for how long it is good that there is no such name.
   */
  uint32_t minimum;
  /**
   * TXT: its strings, which joined are the text. CAA: the tag and the value.
   */
  const struct acl_dns_text *texts;
  /**
   * How many.
   */
  size_t text_count;
  /**
   * The data of the record as it came, names written out.
   */
  const void *data;
  /**
   * How many bytes.
   */
  size_t data_length;
} acl_dns_rr;

/**
 * Keyword arguments of acl_dns_query and its relatives.
 */
typedef struct acl_dns_query_args {
  /**
   * ACL_SOCKET_ARGS(acl_dns_query_args).
   */
  size_t struct_size;
  /**
   * What is asked for: ACL_SOCKET_DNS_A, which is the default, or the like, or another number up to
   * 65535, of whose records only the data is known.
   */
  int32_t type;
  /**
   * The name servers of this query: addresses in dotted or colon hex form, each with "#" and a port
   * behind it where that is not 53, separated by blanks or commas. The configured ones where not given.
   */
  const char *nameserver;
  /**
   * The same as an array of addresses; only one of both.
   */
  const struct acl_ipaddr *nameserver_ipaddrs;
  /**
   * How many.
   */
  size_t nameserver_count;
  /**
   * How often it is tried, all servers together; what is configured where 0, which is 5 at first.
   */
  int32_t repeat;
  /**
   * Tri-state, on: answers are taken from the cache and put there. Off where nameserver is given or
   * decode is off.
   */
  int32_t queue;
  /**
   * Seconds that each try waits; what is configured where 0 or negative, which is 5 at first.
   */
  double timeout;
  /**
   * Tri-state, on: the answers are found in the response, and its errors are answered as such. Off:
   * any response is taken as it is.
   */
  int32_t decode;
  /**
   * Tri-state, off: a name with fewer dots than configured (one at first) is tried with the domain and
   * the search list behind it, the next only where there is no such name, then by itself.
   */
  int32_t search;
  /**
   * 1 to ask anew. The answer is kept for others all the same.
   */
  int32_t ignore_cache;
  /**
   * Seconds that all of it may take; repeat times timeout where 0 or negative.
   */
  double deadline;
} acl_dns_query_args;

/**
 * Keyword arguments of acl_configure_dns. What is not given stays as it is.
 */
typedef struct acl_configure_dns_args {
  /**
   * ACL_SOCKET_ARGS(acl_configure_dns_args).
   */
  size_t struct_size;
  /**
   * The name servers, as in acl_dns_query_args; at most 16 are taken.
   */
  const char *nameserver;
  /**
   * The same as an array of addresses; only one of both.
   */
  const struct acl_ipaddr *nameserver_ipaddrs;
  /**
   * How many.
   */
  size_t nameserver_count;
  /**
   * The search list: domains separated by blanks; "" for none.
   */
  const char *search;
  /**
   * The domain of this machine; "" for none.
   */
  const char *domain;
  /**
   * 1 to take what resolv.conf says over the other arguments, and again whenever it changes. Allegro:
   * the keyword auto.
   */
  int32_t automatic;
  /**
   * Tri-state, off: queries begin with one server after the other.
   */
  int32_t rotate;
  /**
   * The file of the name servers instead of /etc/resolv.conf, for programs with a root of their own.
   */
  const char *resolv_conf;
  /**
   * The file of known hosts instead of /etc/hosts; "" for none. Read again whenever it changes.
   */
  const char *hosts_file;
  /**
   * How often queries are tried.
   */
  int32_t repeat;
  /**
   * Names with fewer dots are short, see search in acl_dns_query_args.
   */
  int32_t ndots;
  /**
   * Seconds that each try waits.
   */
  double timeout;
} acl_configure_dns_args;

/**
 * A name server that is configured. This struct never grows. Allegro: class dns-nameserver.
 */
typedef struct acl_dns_nameserver {
  /**
   * Its address.
   */
  struct acl_ipaddr ipaddr;
  /**
   * Its port.
   */
  int32_t port;
  /**
   * How many queries were sent to it.
   */
  uint64_t sent;
  /**
   * How many responses came from it: far fewer tell that it is of no use.
   */
  uint64_t received;
} acl_dns_nameserver;

/**
 * Keyword arguments of acl_make_socket. A zeroed field is the documented default. NULL pointers
 * and the number 0 are not given.
 */
typedef struct acl_make_socket_args {
  /**
   * ACL_SOCKET_ARGS(acl_make_socket_args).
   */
  size_t struct_size;
  /**
   * ACL_SOCKET_STREAM or ACL_SOCKET_DATAGRAM.
   */
  int32_t type;
  /**
   * ACL_SOCKET_MULTIVALENT, ACL_SOCKET_TEXT, ACL_SOCKET_BINARY or, for streams, ACL_SOCKET_BIVALENT.
   */
  int32_t format;
  /**
   * ACL_SOCKET_INTERNET or ACL_SOCKET_FILE.
   */
  int32_t address_family;
  /**
   * ACL_SOCKET_ACTIVE or ACL_SOCKET_PASSIVE; without meaning for datagrams.
   */
  int32_t connect;
  /**
   * The host to connect to, or a datagram socket's default to send to: a host name or an
   * address in dotted or colon hex form. Ignored by passive sockets.
   */
  const char *remote_host;
  /**
   * The same as an address; only one of both. Its scope_id is set where scope_id is given.
   */
  struct acl_ipaddr *remote_ipaddr;
  /**
   * The port to connect or send to, 1 to 65535.
   */
  int32_t remote_port;
  /**
   * The same as the name of a service; only one of both.
   */
  const char *remote_port_name;
  /**
   * The address of the interface to bind to; all of them where it is not given.
   */
  const char *local_host;
  /**
   * The same as an address; only one of both.
   */
  const struct acl_ipaddr *local_ipaddr;
  /**
   * The port to bind to; the system chooses one where it is not given. An active socket given
   * a local host or port is bound before it connects.
   */
  int32_t local_port;
  /**
   * The same as the name of a service; only one of both.
   */
  const char *local_port_name;
  /**
   * The file to connect or send to, 1 to 107 bytes.
   */
  const char *remote_filename;
  /**
   * The file to bind to, 1 to 107 bytes; it is made, and removed when the socket is closed by the
   * process that made it.
   */
  const char *local_filename;
  /**
   * How many connections may wait to be accepted; the most the system allows where not given.
   */
  int32_t backlog;
  /**
   * Tri-state, off: lets a local port be bound while old connections of it linger.
   */
  int32_t reuse_address;
  /**
   * Tri-state, off: lets a datagram socket send to a broadcast address.
   */
  int32_t broadcast;
  /**
   * Tri-state, off: lets the system probe an idle peer.
   */
  int32_t keepalive;
  /**
   * Tri-state, off: sends what is flushed at once, without waiting for the answer to what was
   * sent before. Wanted by most protocols of requests and replies.
   */
  int32_t nodelay;
  /**
   * ACL_SOCKET_OMITTED (what acl_get_ipv6 says), ACL_SOCKET_OFF, ACL_SOCKET_ON or
   * ACL_SOCKET_IPV6_ONLY. An IPv6 socket is dual-stack: it shows IPv4 peers as v4-mapped.
   */
  int32_t ipv6;
  /**
   * The interface of an IPv6 remote host; where 0, that of the address itself.
   */
  uint32_t scope_id;
  /**
   * The RFC 2385 key for the connection to the remote host (active sockets, Linux).
   */
  const void *tcp_md5_sig_key;
  /**
   * Its length, 1 to 80 bytes.
   */
  size_t tcp_md5_sig_key_length;
  /**
   * For streams, and those that a passive socket accepts: a name as of
   * acl_set_stream_external_format; utf-8 where not given.
   */
  const char *external_format;
  /**
   * The same: ACL_SOCKET_EOL_UNIX and the like.
   */
  int32_t eol_convention;
  /**
   * The same: ACL_SOCKET_REPLACE or ACL_SOCKET_REFUSE.
   */
  int32_t malformed_policy;
  /**
   * Seconds that connecting may take, with looking the name up and for all its addresses together; no
   * limit but the system's where 0 or negative. The C library's look-ups do not heed it: see
   * acl_set_dns_mode.
   */
  double connect_timeout;
  /**
   * Seconds that one wait of reading, accepting or receiving may last, as of acl_socket_control; no
   * limit where 0 or negative. Streams that a passive socket accepts do not inherit it.
   */
  double read_timeout;
  /**
   * The same of writing and sending.
   */
  double write_timeout;
} acl_make_socket_args;

/**
 * Keyword arguments of acl_socket_from_os_fd.
 */
typedef struct acl_socket_from_os_fd_args {
  /**
   * ACL_SOCKET_ARGS(acl_socket_from_os_fd_args).
   */
  size_t struct_size;
  /**
   * As in acl_make_socket_args.
   */
  int32_t format;
  /**
   * As in acl_make_socket_args.
   */
  const char *external_format;
  /**
   * As in acl_make_socket_args.
   */
  int32_t eol_convention;
  /**
   * As in acl_make_socket_args.
   */
  int32_t malformed_policy;
  /**
   * As in acl_make_socket_args.
   */
  double read_timeout;
  /**
   * As in acl_make_socket_args.
   */
  double write_timeout;
} acl_socket_from_os_fd_args;

/**
 * Keyword arguments of acl_set_socket_options. What is 0 stays as it is.
 */
typedef struct acl_set_socket_options_args {
  /**
   * ACL_SOCKET_ARGS(acl_set_socket_options_args).
   */
  size_t struct_size;
  /**
   * Tri-state: SO_REUSEADDR.
   */
  int32_t reuse_address;
  /**
   * Tri-state: SO_BROADCAST.
   */
  int32_t broadcast;
  /**
   * Tri-state: SO_KEEPALIVE.
   */
  int32_t keepalive;
  /**
   * Tri-state: TCP_NODELAY.
   */
  int32_t nodelay;
  /**
   * Tri-state: SO_OOBINLINE.
   */
  int32_t oob_inline;
  /**
   * Bytes: SO_RCVBUF.
   */
  int32_t receive_buffer_size;
  /**
   * Bytes: SO_SNDBUF.
   */
  int32_t send_buffer_size;
  /**
   * Seconds of silence before the first probe.
   */
  int32_t tcp_keepalive_idle_time;
  /**
   * Seconds between probes.
   */
  int32_t tcp_keepalive_probe_interval;
  /**
   * Unanswered probes that end the connection.
   */
  int32_t tcp_keepalive_max_probes;
} acl_set_socket_options_args;

/**
 * A piece of memory to be written. This struct never grows; it has the layout of a struct iovec.
 */
typedef struct acl_piece {
  /**
   * Its bytes; NULL where it has none.
   */
  const void *buffer;
  /**
   * How many.
   */
  size_t size;
} acl_piece;

/**
 * Keyword arguments of acl_socket_control. What is 0 stays as it is.
 */
typedef struct acl_socket_control_args {
  /**
   * ACL_SOCKET_ARGS(acl_socket_control_args).
   */
  size_t struct_size;
  /**
   * Tri-state. On: from now on each time the output buffer is sent, by itself or by
   * acl_force_output, it goes as one chunk; bytes that are in it already go into the first one, so
   * call acl_force_output before. Off: sends what is buffered as a chunk and no end of the body.
   */
  int32_t output_chunking;
  /**
   * On: sends what is buffered as a chunk, then the end of the body (0 CR LF CR LF), and switches
   * output chunking off; the connection goes on.
   */
  int32_t output_chunking_eof;
  /**
   * Tri-state. On: what is read next, be it in the buffer already, is a chunked body; again on
   * after its end, the next one. Off: what is read next are plain bytes.
   */
  int32_t input_chunking;
  /**
   * Seconds, fractions allowed, that one wait of reading may last; progress begins it anew. Of a
   * passive socket: of accepting; of a datagram socket: of receiving. ACL_SOCKET_NO_TIMEOUT takes it
   * away. After ACL_SOCKET_READ_TIMEOUT the socket is as before: nothing is lost, and reading goes on
   * where it was.
   */
  double read_timeout;
  /**
   * The same of writing, flushing and sending: ACL_SOCKET_WRITE_TIMEOUT; what is not sent stays.
   */
  double write_timeout;
} acl_socket_control_args;

/**
 * Keyword arguments of acl_send_to. What is not given is taken from what acl_make_socket was given.
 */
typedef struct acl_send_to_args {
  /**
   * ACL_SOCKET_ARGS(acl_send_to_args).
   */
  size_t struct_size;
  /**
   * The host to send to: a name, or an address in dotted or colon hex form.
   */
  const char *remote_host;
  /**
   * The same as an address; only one of both. Its scope_id is set where scope_id is given.
   */
  struct acl_ipaddr *remote_ipaddr;
  /**
   * The port to send to, 1 to 65535.
   */
  int32_t remote_port;
  /**
   * As in acl_make_socket_args.
   */
  int32_t ipv6;
  /**
   * The same as the name of a service; only one of both.
   */
  const char *remote_port_name;
  /**
   * The file to send to.
   */
  const char *remote_filename;
  /**
   * The interface of an IPv6 remote host; where 0, that of the address itself.
   */
  uint32_t scope_id;
} acl_send_to_args;

/**
 * A datagram that was received. This struct never grows.
 */
typedef struct acl_received {
  /**
   * Bytes stored.
   */
  size_t length;
  /**
   * Bytes the sender sent: where it is more than length, the rest is lost.
   */
  size_t message_length;
  /**
   * The sender's address; of kind ACL_SOCKET_NO_ADDRESS on file sockets.
   */
  struct acl_ipaddr remote_host;
  /**
   * The sender's port; 0 on file sockets.
   */
  int32_t remote_port;
  /**
   * The sender's file name, empty where it has none.
   */
  char remote_filename[112];
} acl_received;

/**
 * One of the datagrams of acl_send_to_many and acl_receive_from_many. What was received can be sent
 * back as it is. Clear a structure before setting its fields. This struct never grows.
 */
typedef struct acl_datagram {
  /**
   * The bytes to send, or the memory for those that come.
   */
  void *buffer;
  /**
   * How much memory there is to receive into, at least 1. For sending it need not be given.
   */
  size_t size;
  /**
   * Bytes to send; or set to how many were stored.
   */
  size_t length;
  /**
   * Set to how many bytes the sender sent: where it is more than length, the rest is lost.
   */
  size_t message_length;
  /**
   * Where it goes, of kind ACL_SOCKET_NO_ADDRESS for where all of these go; or set to the sender's.
   */
  struct acl_ipaddr remote_host;
  /**
   * The port there, 1 to 65535; or set to the sender's.
   */
  int32_t remote_port;
  /**
   * For file sockets: the file to send to; or 112 bytes of room for the sender's file name. NULL
   * where it goes where all go, or is not wanted.
   */
  char *remote_filename;
} acl_datagram;

/**
 * One of those that acl_wait_for_input_available waits for. This struct never grows.
 */
typedef struct acl_wait_item {
  /**
   * A socket of any kind; or NULL:
   */
  struct acl_socket *socket;
  /**
   * a descriptor of the caller's.
   */
  int32_t os_fd;
  /**
   * Set to 1 where input is available, else to 0.
   */
  int32_t available;
} acl_wait_item;

/**
 * Something that is ready. This struct never grows.
 */
typedef struct acl_wait_event {
  /**
   * The socket, NULL for a descriptor of the caller's.
   */
  struct acl_socket *socket;
  /**
   * That descriptor, -1 for a socket.
   */
  int32_t os_fd;
  /**
   * ACL_SOCKET_IN, ACL_SOCKET_IN_ERROR, ACL_SOCKET_OUT and ACL_SOCKET_OUT_ERROR, or-ed.
   */
  int32_t status;
  /**
   * What was given when it was added.
   */
  void *data;
} acl_wait_event;

/**
 * Keyword arguments of acl_make_ssl_client_context and acl_make_ssl_server_context. A text of PEM is given
 * by the name of its file, or in memory with its length; not both. All of it is read by the call.
 */
typedef struct acl_make_ssl_context_args {
  /**
   * ACL_SOCKET_ARGS(acl_make_ssl_context_args).
   */
  size_t struct_size;
  /**
   * One of the methods, or several exact ones or-ed; TLS 1.2 and 1.3 where 0.
   */
  int32_t method;
  /**
   * The certificate that this side shows, and behind it those that lead to the root. Servers need one.
   */
  const char *certificate;
  /**
   * The same in memory.
   */
  const void *certificate_pem;
  /**
   * Its length.
   */
  size_t certificate_pem_length;
  /**
   * The private key, where it is not in the text of the certificate.
   */
  const char *key;
  /**
   * The same in memory.
   */
  const void *key_pem;
  /**
   * Its length.
   */
  size_t key_pem_length;
  /**
   * The password of an encrypted key, wherever that is. Nothing ever asks the terminal.
   */
  const char *certificate_password;
  /**
   * ACL_SOCKET_VERIFY_REQUIRED, ACL_SOCKET_VERIFY_OPTIONAL, of servers ACL_SOCKET_VERIFY_NIL, of clients
   * ACL_SOCKET_INSECURE_VERIFY_NIL. Where 0, clients verify (required) and servers do not (nil).
   */
  int32_t verify;
  /**
   * Intermediate certificates that a chain may have: 10 where 0, none where -1.
   */
  int32_t max_depth;
  /**
   * Certificates that are trusted, in place of those of the system.
   */
  const char *ca_file;
  /**
   * The same in memory.
   */
  const void *ca_pem;
  /**
   * Its length.
   */
  size_t ca_pem_length;
  /**
   * A directory of such certificates by their hashes, as `openssl rehash` makes it; may be given beside
   * ca_file.
   */
  const char *ca_directory;
  /**
   * Ciphers up to TLS 1.2, as OpenSSL takes them; its own choice where NULL.
   */
  const char *ciphers;
  /**
   * Ciphers of TLS 1.3, as OpenSSL takes them: "TLS_AES_128_GCM_SHA256:..."; its own choice where NULL.
   */
  const char *ciphersuites;
  /**
   * ACL_SOCKET_CRL_NONE, ACL_SOCKET_CRL_PEER or ACL_SOCKET_CRL_CHAIN; the others need a list.
   */
  int32_t crl_check;
  /**
   * Revocation lists.
   */
  const char *crl_file;
  /**
   * The same in memory.
   */
  const void *crl_pem;
  /**
   * Its length.
   */
  size_t crl_pem_length;
  /**
   * Tri-state, on: a server chooses the cipher by its own order.
   */
  int32_t prefer_server_cipher_order;
  /**
   * Of servers: the names that the certificate is for, with commas between, as in "a.example,*.b.example"; the
   * certificate itself says it where NULL. Only of meaning with contexts.
   */
  const char *server_name;
  /**
   * Of servers: contexts with certificates for other names. A client that asks for one of them gets the
   * first whose certificate is for it, with its ways to verify; who asks for none or another gets this
   * context's.
   */
  struct acl_ssl_context *const *contexts;
  /**
   * How many there are.
   */
  size_t context_count;
  /**
   * Application protocols (ALPN) in the order of preference, with commas between: "h2,http/1.1". A server that
   * has some and shares none with a client that offers some ends the handshake.
   */
  const char *alpn;
  /**
   * Tri-state, on: sessions may be resumed. A client keeps some for each server; one is kept only after the
   * server was verified, and resumed only for the same name and the same ways to verify, as long as the
   * certificates are valid that the server has shown.
   */
  int32_t resume;
  /**
   * Tri-state, off: writes the keys of connections to the file that the environment variable SSLKEYLOGFILE
   * names, for analysers. Who reads it can read the connections.
   */
  int32_t key_log;
} acl_make_ssl_context_args;

/**
 * Keyword arguments of acl_make_ssl_client_stream and acl_make_ssl_server_stream. With a context, method,
 * verify, max_depth, ciphers, ciphersuites and prefer_server_cipher_order are for this stream alone, and
 * what is read from files must not be given. Without one they make a context of one stream, whose files
 * are read each time.
 */
typedef struct acl_make_ssl_stream_args {
  /**
   * ACL_SOCKET_ARGS(acl_make_ssl_stream_args).
   */
  size_t struct_size;
  /**
   * A context of the same side, or NULL. It may be freed while streams use it.
   */
  struct acl_ssl_context *context;
  /**
   * As in acl_make_ssl_context_args.
   */
  int32_t method;
  /**
   * As in acl_make_ssl_context_args.
   */
  const char *certificate;
  /**
   * As in acl_make_ssl_context_args.
   */
  const void *certificate_pem;
  /**
   * As in acl_make_ssl_context_args.
   */
  size_t certificate_pem_length;
  /**
   * As in acl_make_ssl_context_args.
   */
  const char *key;
  /**
   * As in acl_make_ssl_context_args.
   */
  const void *key_pem;
  /**
   * As in acl_make_ssl_context_args.
   */
  size_t key_pem_length;
  /**
   * As in acl_make_ssl_context_args.
   */
  const char *certificate_password;
  /**
   * As in acl_make_ssl_context_args; the context's where 0.
   */
  int32_t verify;
  /**
   * As in acl_make_ssl_context_args; the context's where 0.
   */
  int32_t max_depth;
  /**
   * As in acl_make_ssl_context_args.
   */
  const char *ca_file;
  /**
   * As in acl_make_ssl_context_args.
   */
  const void *ca_pem;
  /**
   * As in acl_make_ssl_context_args.
   */
  size_t ca_pem_length;
  /**
   * As in acl_make_ssl_context_args.
   */
  const char *ca_directory;
  /**
   * As in acl_make_ssl_context_args.
   */
  const char *ciphers;
  /**
   * As in acl_make_ssl_context_args.
   */
  const char *ciphersuites;
  /**
   * As in acl_make_ssl_context_args.
   */
  int32_t crl_check;
  /**
   * As in acl_make_ssl_context_args.
   */
  const char *crl_file;
  /**
   * As in acl_make_ssl_context_args.
   */
  const void *crl_pem;
  /**
   * As in acl_make_ssl_context_args.
   */
  size_t crl_pem_length;
  /**
   * As in acl_make_ssl_context_args, for servers.
   */
  int32_t prefer_server_cipher_order;
  /**
   * As in acl_make_ssl_context_args.
   */
  const char *alpn;
  /**
   * Of clients: the host name or address of the server, which its certificate must be for; a name is also
   * sent to it (SNI). Where NULL it is what acl_make_socket was given as remote_host or remote_ipaddr.
   */
  const char *server_name;
  /**
   * Tri-state, off: of clients: the certificate must be good, but may be for any host.
   */
  int32_t insecure_any_host;
  /**
   * Tri-state, off: the end of the connection without the peer's word is the end of the file, in place of
   * ACL_SOCKET_SSL_TRUNCATED. For protocols that know by themselves whether all has come.
   */
  int32_t insecure_allow_truncation;
} acl_make_ssl_stream_args;

/**
 * What both sides have agreed upon. Texts that would not fit are cut, which no known one is. This struct
 * never grows.
 */
typedef struct acl_ssl_connection {
  /**
   * Such as "TLSv1.3".
   */
  char version[32];
  /**
   * Such as "TLS_AES_256_GCM_SHA384".
   */
  char cipher[256];
  /**
   * The application protocol (ALPN), empty without one.
   */
  char alpn[256];
  /**
   * The name that the client asked for (SNI), empty without one.
   */
  char server_name[256];
  /**
   * 1 where a session was resumed.
   */
  int32_t resumed;
  /**
   * 1 where the peer has shown a certificate that was verified and is good.
   */
  int32_t verified;
} acl_ssl_connection;

/**
 * An attribute of a name, or a name of a certificate. This struct never grows.
 */
typedef struct acl_x509_pair {
  /**
   * Such as "CN", "O", "C"; or "DNS", "IP Address", "email", "URI", "DirName".
   */
  const char *name;
  /**
   * In UTF-8. A NUL in it, by which somebody wants another name to be read, is U+FFFD.
   */
  const char *value;
} acl_x509_pair;

/**
 * The call did what it says.
 */
#define ACL_SOCKET_OK 0

/**
 * The identifier of the last call of this thread that did not answer ACL_SOCKET_OK; 0 when there
 * was none. Allegro: stream-error-identifier.
 */
acl_status acl_stream_error_identifier(void);

/**
 * The raw errno of the last failure of this thread, 0 where the system reported none; where a
 * certificate was not accepted (ACL_SOCKET_SSL_CERTIFICATE_INVALID to ACL_SOCKET_SSL_WEAK_CERTIFICATE)
 * OpenSSL's number of the reason, X509_V_ERR_... It does not depend on the C library's errno. Allegro: stream-error-code.
 */
int32_t acl_stream_error_code(void);

/**
 * What the last failed call of this thread was doing, such as "connecting to 10.0.0.1 port 80".
 * The text is valid until the next failure in this thread; never NULL.
 * Allegro: stream-error-action.
 */
const char *acl_stream_error_action(void);

/**
 * The whole report of the last failure of this thread:
 * "Connection refused" (errno 111) occurred while connecting to 10.0.0.1 port 80.
 * The text is valid until the next failure in this thread; never NULL, empty when there was none.
 */
const char *acl_stream_error_report(void);

/**
 * The C name of a status, such as "ACL_SOCKET_CONNECTION_REFUSED"; NULL for a number that is
 * none. Static: valid for ever.
 */
const char *acl_status_name(acl_status status);

/**
 * The Lisp keyword of a status, such as ":connection-refused"; NULL for a number that is none,
 * ":ok" for ACL_SOCKET_OK. Static.
 */
const char *acl_status_keyword(acl_status status);

/**
 * The meaning of a status, such as "Connection refused"; NULL for a number that is none. Static.
 */
const char *acl_status_meaning(acl_status status);

/**
 * The address that a text stands for: "192.132.95.84", the Berkeley forms "23.3" (23.0.0.3) and
 * "128.1.3" (128.1.0.3), or IPv6 colon hex, with a v4-mapped tail and %scope by number or by
 * interface name. Components are decimal; one with a leading zero is refused, because other
 * programs read it as octal. No name is looked up.
 * @param dotted the text.
 * @param errorp what an invalid text answers: 1 ACL_SOCKET_INVALID_ADDRESS; 0 ACL_SOCKET_OK and an
 * address of kind ACL_SOCKET_NO_ADDRESS, as Lisp answers nil.
 * @param address where the address is stored.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ADDRESS, ACL_SOCKET_INVALID_ARGUMENT (NULL, not UTF-8).
 * Allegro: dotted-to-ipaddr.
 */
acl_status acl_dotted_to_ipaddr(const char *dotted, int32_t errorp, struct acl_ipaddr *address);

/**
 * Whether a text is an IP address in one of the forms of acl_dotted_to_ipaddr.
 * @return 1 or 0; 0 for NULL. Allegro: dotted-address-p.
 */
int32_t acl_dotted_address_p(const char *dotted);

/**
 * The text of an address: "192.132.95.84", or RFC 5952 text with "%N" behind it where the scope
 * id is not 0. 57 bytes hold any.
 * @param buffer, size, length the room and the length of the text, as in the header's convention.
 * @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_INVALID_ADDRESS,
 * ACL_SOCKET_INVALID_ARGUMENT. Allegro: ipaddr-to-dotted.
 */
acl_status acl_ipaddr_to_dotted(const struct acl_ipaddr *address, char *buffer, size_t size, size_t *length);

/**
 * The four numbers of an IPv4 address, most significant first.
 * @param values room for four numbers.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ADDRESS (also for an IPv6 address),
 * ACL_SOCKET_INVALID_ARGUMENT. Allegro: ipaddr-to-dotted with :values.
 */
acl_status acl_ipaddr_to_dotted_values(const struct acl_ipaddr *address, int32_t *values);

/**
 * Whether there is an address in the struct.
 * @return 1 or 0; 0 for NULL. Allegro: ipaddrp.
 */
int32_t acl_ipaddrp(const struct acl_ipaddr *address);

/**
 * Whether there is an IPv6 address in the struct.
 * @return 1 or 0; 0 for NULL. Allegro: ipv6-address-p.
 */
int32_t acl_ipv6_address_p(const struct acl_ipaddr *address);

/**
 * Whether two addresses are the same. An IPv4 address equals its v4-mapped IPv6 form, in which
 * a dual-stack socket shows it.
 * @param compare_scope_id 1 to compare scope ids too, 0 to ignore them.
 * @return 1 or 0; 0 where one is NULL or no address. Allegro: ipaddr-equalp.
 */
int32_t acl_ipaddr_equalp(const struct acl_ipaddr *address1,
                          const struct acl_ipaddr *address2,
                          int32_t compare_scope_id);

/**
 * The interfaces of this machine.
 * @param interfaces an array to be freed with acl_free_buffer; NULL after a failure.
 * @param count how many.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT, ACL_SOCKET_NO_BUFFER_SPACE,
 * ACL_SOCKET_UNKNOWN. Allegro: get-ip-interfaces.
 */
acl_status acl_get_ip_interfaces(struct acl_ip_interface **interfaces, size_t *count);

/**
 * Frees memory that a function of this library says is to be freed with it. It comes from malloc,
 * so free() does as well. NULL is a no-op.
 */
void acl_free_buffer(void *buffer);

/**
 * The address of a host given by its name or by a dotted address. Who is asked, and in what time, is
 * said at acl_set_dns_mode: at first the hosts file, then the name servers. Domains of the search list
 * are put behind names as the C library does it. Names that end in .localhost are this machine; those
 * that end in .onion or .invalid are not told to a name server. With ACL_SOCKET_ON both families are
 * asked for at once; where one is answered, the other is waited for 2 seconds at the most.
 * @param args NULL for the defaults.
 * @return ACL_SOCKET_OK; ACL_SOCKET_HOST_NOT_FOUND where there is no such name, ACL_SOCKET_NO_DATA where it
 * has no address of the wanted family; ACL_SOCKET_NAMESERVER_TIMEOUT and the other errors of
 * acl_dns_query where no name server told; ACL_SOCKET_INVALID_ADDRESS (digits that are no address),
 * ACL_SOCKET_INVALID_ARGUMENT. Allegro: lookup-hostname.
 */
acl_status acl_lookup_hostname(const char *host,
                               const struct acl_lookup_hostname_args *args,
                               struct acl_ipaddr *address);

/**
 * All addresses of a host, with ACL_SOCKET_ON the IPv6 ones first.
 * @param addresses an array to be freed with acl_free_buffer; NULL after a failure.
 * @param count how many.
 * @return as acl_lookup_hostname. Allegro: lookup-hostname with :all.
 */
acl_status acl_lookup_hostname_all(const char *host,
                                   const struct acl_lookup_hostname_args *args,
                                   struct acl_ipaddr **addresses,
                                   size_t *count);

/**
 * The name of the host with that address, looked up as by acl_lookup_hostname. Where no name is
 * recorded the answer is ACL_SOCKET_OK and an empty text, as Lisp answers nil; so it is where the name
 * has other characters than letters, digits, "-", "_" and ".". Whoever owns an address can record any
 * name for it.
 * @param args NULL for the defaults.
 * @param buffer, size, length the room and the length of the text, as in the header's convention.
 * @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL; ACL_SOCKET_NAMESERVER_TIMEOUT and the other errors of
 * acl_dns_query where no name server told; ACL_SOCKET_INVALID_ADDRESS, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: ipaddr-to-hostname.
 */
acl_status acl_ipaddr_to_hostname(const struct acl_ipaddr *address,
                                  const struct acl_ipaddr_to_hostname_args *args,
                                  char *buffer,
                                  size_t size,
                                  size_t *length);

/**
 * The number of a port: of the system's services, or where it does not know the name, of some 70 that
 * are known everywhere.
 * @param port the name of a service, or the digits of a number.
 * @param protocol "tcp" or "udp".
 * @return ACL_SOCKET_OK, ACL_SOCKET_PORT_NOT_FOUND, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: lookup-port.
 */
acl_status acl_lookup_port(const char *port, const char *protocol, int32_t *number);

/**
 * The four values of dns-query. Any place may be NULL.
 * @param answers the records that answer the question, aliases followed: the best one first (by
 * preference, priority and weight), which is Lisp's first value, then the others, its third. They stay
 * until the response is freed; NULL where there are none.
 * @param count how many.
 * @param time_to_live for how many seconds they are good yet; negative once they are not any more.
 * @param flags ACL_SOCKET_DNS_AUTHORITATIVE and the like, or-ed.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE. Allegro: the values of dns-query.
 */
acl_status acl_dns_response_values(const struct acl_dns_response *response,
                                   const struct acl_dns_rr **answers,
                                   size_t *count,
                                   int64_t *time_to_live,
                                   int32_t *flags);

/**
 * The number of the query.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: dns-response-id.
 */
acl_status acl_dns_response_id(const struct acl_dns_response *response, int32_t *id);

/**
 * What the response says of itself: ACL_SOCKET_DNS_AUTHORITATIVE and the like, or-ed.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: dns-response-flags.
 */
acl_status acl_dns_response_flags(const struct acl_dns_response *response, int32_t *flags);

/**
 * The flags as the 16 bits of the message; the low four are the code of the response.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: dns-response-flags-value.
 */
acl_status acl_dns_response_flags_value(const struct acl_dns_response *response, int32_t *flags_value);

/**
 * The records of the answer as the server sent them, aliases included.
 * @param records the first of them, until the response is freed; NULL where there are none.
 * @param count how many.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: dns-response-answer.
 */
acl_status acl_dns_response_answer(const struct acl_dns_response *response,
                                   const struct acl_dns_rr **records,
                                   size_t *count);

/**
 * The records that tell who has authority over the name; where there is no such name, a SOA.
 * @return as acl_dns_response_answer. Allegro: dns-response-authority.
 */
acl_status acl_dns_response_authority(const struct acl_dns_response *response,
                                      const struct acl_dns_rr **records,
                                      size_t *count);

/**
 * The records that may be of use besides, such as the addresses of hosts in the answer.
 * @return as acl_dns_response_answer. Allegro: dns-response-additional.
 */
acl_status acl_dns_response_additional(const struct acl_dns_response *response,
                                       const struct acl_dns_rr **records,
                                       size_t *count);

/**
 * Frees a response, and the records that were got from it. NULL is a no-op.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE.
 */
acl_status acl_free_dns_response(struct acl_dns_response *response);

/**
 * Asks a name server, or the cache, for records of a name. The hosts file is not looked at. A response
 * that was cut off is asked for again by TCP. Each query has a random number and a port of its own;
 * what comes from elsewhere or answers another question is passed over.
 * @param name the name, with at most 63 characters between two dots and 253 in all. For
 * ACL_SOCKET_DNS_PTR an address in dotted or colon hex form stands for the name under which its host is
 * recorded.
 * @param args NULL for the defaults.
 * @param response where the new handle is stored, NULL after a failure. Free it with
 * acl_free_dns_response.
 * @return ACL_SOCKET_OK where there is an answer, or with decode off any response; ACL_SOCKET_HOST_NOT_FOUND
 * where there is no such name; ACL_SOCKET_NO_DATA where it has no record of the type;
 * ACL_SOCKET_NAMESERVER_TIMEOUT, ACL_SOCKET_NAMESERVER_INTERNAL_ERROR, ACL_SOCKET_NAMESERVER_REFUSED,
 * ACL_SOCKET_NAMESERVER_ERROR as the most telling of the servers; ACL_SOCKET_CONNECTION_REFUSED,
 * ACL_SOCKET_HOST_UNREACHABLE and the like where none could be reached; ACL_SOCKET_NO_NAMESERVER;
 * ACL_SOCKET_INVALID_ADDRESS for a nameserver that is no address; ACL_SOCKET_INVALID_ARGUMENT;
 * ACL_SOCKET_NO_BUFFER_SPACE. Allegro: dns-query.
 */
acl_status acl_dns_query(const char *name,
                         const struct acl_dns_query_args *args,
                         struct acl_dns_response **response);

/**
 * Asks for the addresses of a host: acl_dns_query for ACL_SOCKET_DNS_A (or another type that is given) of
 * the name itself, then, where that has none and has fewer dots than configured, with each domain of the
 * search list behind it.
 * @param args as of acl_dns_query, without search.
 * @return as acl_dns_query. Allegro: dns-lookup-hostname.
 */
acl_status acl_dns_lookup_hostname(const char *name,
                                   const struct acl_dns_query_args *args,
                                   struct acl_dns_response **response);

/**
 * Asks for the name of the host with an address: acl_dns_query for ACL_SOCKET_DNS_PTR.
 * @param args as of acl_dns_query, without type and search.
 * @return as acl_dns_query; ACL_SOCKET_INVALID_ADDRESS. Allegro: dns-ipaddr-to-hostname.
 */
acl_status acl_dns_ipaddr_to_hostname(const struct acl_ipaddr *address,
                                      const struct acl_dns_query_args *args,
                                      struct acl_dns_response **response);

/**
 * Says which name servers are asked, and how. Without it the first query takes what resolv.conf says,
 * its options ndots, timeout, attempts and rotate too, and takes it again whenever the file has changed;
 * a nameserver given here ends that. What else is given here counts before what the file says. The
 * cache is emptied.
 * @param args NULL changes nothing.
 * @return ACL_SOCKET_OK; ACL_SOCKET_NO_NAMESERVER where automatic finds none; ACL_SOCKET_INVALID_ADDRESS,
 * ACL_SOCKET_INVALID_ARGUMENT. Allegro: configure-dns.
 */
acl_status acl_configure_dns(const struct acl_configure_dns_args *args);

/**
 * Who looks up for acl_lookup_hostname, acl_ipaddr_to_hostname and what takes names of hosts:
 * ACL_SOCKET_ACLDNS, ACL_SOCKET_CLIB, or both or-ed (initially). Allegro: *dns-mode*.
 */
int32_t acl_get_dns_mode(void);

/**
 * Says who looks names of hosts up, for the whole process.
 * @param value ACL_SOCKET_ACLDNS: this library, by the hosts file and the name servers, within the times
 * that are given. ACL_SOCKET_CLIB: the C library (getaddrinfo, getnameinfo), which waits in the calling
 * thread as long as it likes: no time-out and no deadline ends that. Both or-ed: this library first, and
 * the C library where that fails: where the name servers did not tell, unless there is a time-out or
 * deadline, which it would not heed; where there is no such name, if /etc/nsswitch.conf names sources
 * for hosts that this library does not have (other than files and dns). Where no name server is known
 * it becomes ACL_SOCKET_CLIB, until acl_configure_dns tells one.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT. Allegro: (setf *dns-mode*).
 */
acl_status acl_set_dns_mode(int32_t value);

/**
 * Whether a name server is known: 1 or 0 (initially; the first query looks for one).
 * Allegro: *dns-configured*.
 */
int32_t acl_get_dns_configured(void);

/**
 * Sets it: with 0 the next query takes what resolv.conf says, as on a machine that has moved.
 * @param value 0, or 1 where name servers are known.
 * @return ACL_SOCKET_OK, ACL_SOCKET_NO_NAMESERVER, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: (setf *dns-configured*).
 */
acl_status acl_set_dns_configured(int32_t value);

/**
 * The domain of this machine, where it is known; the empty text where not.
 * @param buffer, size, length the room and the length of the text, as in the header's convention.
 * @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: *dns-domain*.
 */
acl_status acl_get_dns_domain(char *buffer, size_t size, size_t *length);

/**
 * Sets the domain of this machine, for the whole process.
 * @param value a domain; NULL or "" for none.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT. Allegro: (setf *dns-domain*).
 */
acl_status acl_set_dns_domain(const char *value);

/**
 * The domains that are put behind short names, separated by blanks.
 * @param buffer, size, length the room and the length of the text, as in the header's convention.
 * @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: *domain-search-list*.
 */
acl_status acl_get_domain_search_list(char *buffer, size_t size, size_t *length);

/**
 * Sets the domains that are put behind short names, for the whole process.
 * @param value domains separated by blanks; NULL or "" for none.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT. Allegro: (setf *domain-search-list*).
 */
acl_status acl_set_domain_search_list(const char *value);

/**
 * The name servers, with their counters. Those that queries were given are not among them.
 * @param nameservers an array to be freed with acl_free_buffer; NULL after a failure.
 * @param count how many.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT, ACL_SOCKET_NO_BUFFER_SPACE.
 * Allegro: *nameservers*.
 */
acl_status acl_get_nameservers(struct acl_dns_nameserver **nameservers, size_t *count);

/**
 * For how many seconds after its time an answer is used where no name server tells anything; 0
 * (initially) for never. Allegro: the internal *stale-entry-remove-time*.
 */
int64_t acl_get_stale_entry_remove_time(void);

/**
 * Sets for how many seconds after its time an answer is used where no name server tells anything, for
 * the whole process. Its time_to_live is negative then.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT for a negative number.
 * Allegro: (setf the internal *stale-entry-remove-time*).
 */
acl_status acl_set_stale_entry_remove_time(int64_t seconds);

/**
 * Makes a socket. An active stream socket is connected when this returns, which may take minutes.
 * The addresses of a host name are tried in turn, IPv6 and IPv4 alternately: the next one as soon as one
 * has failed, or has not come about for 250 ms and goes on beside it (RFC 8305), unless a local port is
 * given. Where all fail, the error is that of the address that tells the most: a machine that refused
 * before one that did not answer, and that before one that no way leads to.
 * @param args NULL for all defaults.
 * @param socket where the new handle is stored, NULL after a failure. Close it with acl_close and
 * free it with acl_free_socket.
 * @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT for arguments that are out of range, missing
 * or contradict each other; ACL_SOCKET_INVALID_ADDRESS, ACL_SOCKET_HOST_NOT_FOUND,
 * ACL_SOCKET_PORT_NOT_FOUND and what else acl_lookup_hostname answers for names; ACL_SOCKET_ADDRESS_IN_USE, ACL_SOCKET_ADDRESS_NOT_AVAILABLE
 * for the local name; ACL_SOCKET_CONNECTION_REFUSED, ACL_SOCKET_CONNECTION_TIMED_OUT,
 * ACL_SOCKET_HOST_UNREACHABLE, ACL_SOCKET_NETWORK_DOWN and the like for the remote one;
 * ACL_SOCKET_CONNECT_TIMEOUT after connect_timeout;
 * ACL_SOCKET_PROTOCOL_NOT_AVAILABLE where the system has no MD5 signatures; ACL_SOCKET_UNKNOWN with
 * the errno for the rest, such as EMFILE. Allegro: make-socket.
 */
acl_status acl_make_socket(const struct acl_make_socket_args *args,
                           struct acl_socket **socket);

/**
 * Begins to connect without waiting for the connection. Only looking a name up is waited for.
 * @param args as of acl_make_socket, for an active stream socket. Where one of a name's addresses fails,
 * acl_finish_connect goes on with the next, in the same descriptor and with the same options. The time
 * of connect_timeout is for all of that.
 * @param pending where the new handle is stored, NULL after a failure. It can be waited for with
 * ACL_SOCKET_OUT, but reading and writing answer ACL_SOCKET_WOULD_BLOCK until acl_finish_connect. To give
 * it up, close and free it.
 * @return as acl_make_socket; ACL_SOCKET_INVALID_ARGUMENT for another kind of socket.
 */
acl_status acl_begin_connect(const struct acl_make_socket_args *args, struct acl_socket **pending);

/**
 * Finishes a connection that acl_begin_connect began.
 * @param wait ACL_SOCKET_WAIT, or ACL_SOCKET_NO_WAIT to answer ACL_SOCKET_WOULD_BLOCK while it is not there.
 * @return ACL_SOCKET_OK, also when it was finished before; ACL_SOCKET_WOULD_BLOCK; ACL_SOCKET_CONNECT_TIMEOUT,
 * ACL_SOCKET_CONNECTION_REFUSED and the like as of acl_make_socket, after which the socket is only to be
 * closed; ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 */
acl_status acl_finish_connect(struct acl_socket *sock,
                              int32_t wait);

/**
 * Begins a block whose pending connections shall not outlive it, see ACL_SOCKET_WITH_PENDING_CONNECT.
 * @return a token for acl_end_pending_connect in the same thread. Allegro: with-pending-connect.
 */
int32_t acl_begin_pending_connect(void);

/**
 * Ends the block: a connection that acl_make_socket was making in it when the thread left by longjmp
 * is closed. One that was completed is untouched. Where this is not reached, the thread's next
 * acl_make_socket or acl_begin_pending_connect does it, or its end.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT for a negative token. Allegro: with-pending-connect.
 */
acl_status acl_end_pending_connect(int32_t token);

/**
 * Takes over a socket descriptor that was made elsewhere: inherited, passed, or by socket
 * activation. Type, family, connection and names are found out. The descriptor becomes
 * close-on-exec; an active stream's becomes blocking. From then on it is closed with the socket.
 * @param os_fd the descriptor; after a failure it still is the caller's.
 * @param args NULL for the defaults.
 * @return ACL_SOCKET_OK, ACL_SOCKET_NOT_SUPPORTED for another kind of socket than acl_make_socket
 * makes, ACL_SOCKET_UNKNOWN with EBADF or ENOTSOCK, ACL_SOCKET_INVALID_ARGUMENT.
 */
acl_status acl_socket_from_os_fd(int32_t os_fd,
                                 const struct acl_socket_from_os_fd_args *args,
                                 struct acl_socket **socket);

/**
 * Closes a socket. Buffered output is flushed first, unless abort is 1; when that fails the socket
 * stays open for a close with abort. Threads that wait in it are woken with ACL_SOCKET_CLOSED.
 * The handle stays valid, and the accessors answer, until acl_free_socket. Closing again does
 * nothing.
 * @param abort 0, or ACL_SOCKET_ABORT.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT, or the error of the
 * flush, such as ACL_SOCKET_WRITE_TIMEOUT. Allegro: close.
 */
acl_status acl_close(struct acl_socket *socket, int32_t abort);

/**
 * Frees a handle. A socket that is open is closed with abort: close it first to have its output
 * flushed. NULL is a no-op.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE when it is freed already or was never a handle.
 */
acl_status acl_free_socket(struct acl_socket *socket);

/**
 * Accepts a connection. Any number of threads may accept on one passive socket.
 * @param passive a passive socket.
 * @param wait ACL_SOCKET_WAIT, or ACL_SOCKET_NO_WAIT to answer ACL_SOCKET_WOULD_BLOCK where none is
 * pending.
 * @param stream where the handle of the new active socket is stored, NULL without one.
 * @return ACL_SOCKET_OK, ACL_SOCKET_WOULD_BLOCK, ACL_SOCKET_READ_TIMEOUT after the passive socket's
 * read_timeout, ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE,
 * ACL_SOCKET_INVALID_ARGUMENT, ACL_SOCKET_UNKNOWN with EMFILE or ENFILE
 * when the descriptors are used up: the connection then stays pending, so wait before trying again.
 * Allegro: accept-connection.
 */
acl_status acl_accept_connection(struct acl_socket *passive, int32_t wait, struct acl_socket **stream);

/**
 * Shuts one half of a connection down. Buffered output is not flushed: acl_force_output first.
 * When both halves are shut the descriptor is closed; acl_close is then legal and does nothing.
 * @param direction ACL_SOCKET_INPUT or ACL_SOCKET_OUTPUT.
 * @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE,
 * ACL_SOCKET_INVALID_ARGUMENT. Allegro: shutdown.
 */
acl_status acl_shutdown(struct acl_socket *sock, int32_t direction);

/**
 * Changes options of a socket of any kind. All arguments are checked first; then the options are
 * set in the order of the struct up to the first that the system refuses.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_ARGUMENT,
 * or what the system says to an option that this kind of socket does not have
 * (ACL_SOCKET_UNKNOWN with EOPNOTSUPP, ACL_SOCKET_PROTOCOL_NOT_AVAILABLE).
 * Allegro: set-socket-options.
 */
acl_status acl_set_socket_options(struct acl_socket *sock, const struct acl_set_socket_options_args *args);

/**
 * Sets the RFC 2385 key for connections that come from an address; call it for each peer.
 * @param sock a passive TCP socket.
 * @param remote_host the peer in dotted or colon hex form, or a host name; or NULL.
 * @param remote_ipaddr the same as an address; only one of both.
 * @param key, key_length 1 to 80 bytes.
 * @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_PROTOCOL_NOT_AVAILABLE where the kernel
 * has no such option, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: set-tcp-md5-sig.
 */
acl_status acl_set_tcp_md5_sig(struct acl_socket *sock,
                               const char *remote_host,
                               const struct acl_ipaddr *remote_ipaddr,
                               const void *key,
                               size_t key_length);

/**
 * The descriptor of a socket, for foreign code. Using it bypasses the buffers: bytes may be in
 * the input buffer already, or wait in the output buffer. Do not close it.
 * @return ACL_SOCKET_OK, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: socket-os-fd.
 */
acl_status acl_socket_os_fd(struct acl_socket *sock, int32_t *os_fd);

/**
 * Reads a byte. @return ACL_SOCKET_OK; ACL_SOCKET_END_OF_FILE, at the end of a chunked body too;
 * ACL_SOCKET_CONNECTION_RESET; ACL_SOCKET_READ_TIMEOUT; ACL_SOCKET_CLOSED; ACL_SOCKET_WOULD_BLOCK before
 * acl_finish_connect; ACL_SOCKET_CHUNKING_ERROR while the chunked
 * coding of the input is not what it must be; ACL_SOCKET_WRONG_FORMAT on a text socket;
 * ACL_SOCKET_WRONG_KIND on a passive or datagram socket; ACL_SOCKET_INVALID_HANDLE;
 * ACL_SOCKET_INVALID_ARGUMENT; ACL_SOCKET_UNKNOWN with the errno. Allegro: read-byte.
 */
acl_status acl_read_byte(struct acl_socket *sock, uint8_t *byte);

/**
 * Reads a character: the code point that the external format and the eol convention make of the
 * next bytes.
 * @return as acl_read_byte; ACL_SOCKET_WRONG_FORMAT on a binary socket; ACL_SOCKET_DECODING_ERROR
 * for malformed bytes, which are taken, where the malformed policy refuses them. Allegro: read-char.
 */
acl_status acl_read_char(struct acl_socket *sock, uint32_t *character);

/**
 * The same without waiting.
 * @return as acl_read_char; ACL_SOCKET_WOULD_BLOCK where no whole character has arrived, or
 * another thread is reading. Allegro: read-char-no-hang.
 */
acl_status acl_read_char_no_hang(struct acl_socket *sock, uint32_t *character);

/**
 * Looks at the next character and leaves it there. @return as acl_read_char. Allegro: peek-char.
 */
acl_status acl_peek_char(struct acl_socket *sock, uint32_t *character);

/**
 * Puts the character that was read last back, and with it its bytes.
 * @param character the one that acl_read_char or acl_read_char_no_hang gave, with no other read since.
 * @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT for another one, and the second time;
 * ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_FORMAT, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE.
 * Allegro: unread-char.
 */
acl_status acl_unread_char(struct acl_socket *sock, uint32_t character);

/**
 * Reads a line into a buffer, NUL-terminated and without its newline. A last line that the end of
 * the file ends is a line too.
 * @param size of the buffer, at least 5: room for any character and the NUL.
 * @param length how many bytes were stored, without the NUL, whatever the answer; may be NULL.
 * @return ACL_SOCKET_OK; ACL_SOCKET_BUFFER_TOO_SMALL with the beginning of the line, cut between
 * characters, which calling again continues; ACL_SOCKET_END_OF_FILE; else as acl_read_char: after
 * ACL_SOCKET_DECODING_ERROR calling again continues the line, and what came of a line before the
 * connection broke is stored. Allegro: read-line.
 */
acl_status acl_read_line(struct acl_socket *sock, char *buffer, size_t size, size_t *length);

/**
 * Reads a line in place: nothing is copied where the line is UTF-8 already.
 * @param line, length the line, without newline and without NUL. It is valid until the next
 * function that reads or listens on this stream, by any thread, and until acl_free_socket.
 * @return as acl_read_line; ACL_SOCKET_BUFFER_TOO_SMALL for each part of a line of more than 65536
 * bytes but the last.
 */
acl_status acl_read_line_view(struct acl_socket *sock, const char **line, size_t *length);

/**
 * Reads characters into a buffer, NUL-terminated, newlines among them.
 * @param size of the buffer, at least 5.
 * @param partial_fill 0 to read until no further character fits; 1 to wait for the first one only
 * and take what is there.
 * @param length how many bytes were stored, without the NUL, whatever the answer; may be NULL.
 * @return ACL_SOCKET_OK; ACL_SOCKET_END_OF_FILE where the end came first, length telling what came
 * before it; else as acl_read_char. Allegro: read-sequence with a string.
 */
acl_status acl_read_string(struct acl_socket *sock,
                           char *buffer,
                           size_t size,
                           int32_t partial_fill,
                           size_t *length);

/**
 * Reads bytes.
 * @param partial_fill 0 to fill the buffer; 1 to wait for the first byte only and take what is
 * there, at most size.
 * @param length how many were stored, whatever the answer.
 * @return ACL_SOCKET_OK; ACL_SOCKET_END_OF_FILE where the end came first, length telling what came
 * before it; else as acl_read_byte. Allegro: read-sequence.
 */
acl_status acl_read_sequence(struct acl_socket *sock,
                             void *buffer,
                             size_t size,
                             int32_t partial_fill,
                             size_t *length);

/**
 * Reads bytes: waits for the first and takes what is there, at most size.
 * @param length how many were stored.
 * @return as acl_read_byte. Allegro: excl:read-vector.
 */
acl_status acl_read_vector(struct acl_socket *sock, void *buffer, size_t size, size_t *length);

/**
 * Takes the bytes that are there, at most size, and never waits, not for another thread that reads either.
 * They come from the stream's own buffer, and where that is empty straight from the system, a call for
 * each: a function for large pieces. They do so after acl_set_non_local_exits(1) too: a thread that may be
 * made to leave holds that back during the call, which is short, as a Lisp does without interrupts.
 * @param length how many were stored.
 * @return ACL_SOCKET_OK; ACL_SOCKET_WOULD_BLOCK where nothing is there yet; else as acl_read_byte.
 */
acl_status acl_read_vector_no_hang(struct acl_socket *sock, void *buffer, size_t size, size_t *length);

/**
 * Whether there is something to read, which is received if need be without waiting.
 * @param ready 1 where a byte is there; 0 where none is yet, and at the end of the file.
 * @return ACL_SOCKET_OK or the error of reading, as acl_read_byte. Allegro: listen.
 */
acl_status acl_listen(struct acl_socket *sock, int32_t *ready);

/**
 * Whether reading would not wait: 1 for something to read, the end of the file, or an error, such as
 * an invalid handle; 0 where it would, also because another thread is reading.
 * Allegro: excl:read-no-hang-p.
 */
int32_t acl_read_no_hang_p(struct acl_socket *sock);

/**
 * The same of any descriptor, without looking into a stream's buffer.
 * Allegro: excl:read-no-hang-p with a number.
 */
int32_t acl_os_fd_read_no_hang_p(int32_t os_fd);

/**
 * Forgets what has arrived and was not read.
 * @return ACL_SOCKET_OK or the error of reading, as acl_read_byte. Allegro: clear-input.
 */
acl_status acl_clear_input(struct acl_socket *sock);

/**
 * Shows the bytes that have arrived, in place.
 * @param minimum waits until there are so many, at most 65536; 0 counts as 1. There are fewer only
 * where the end of the file comes first.
 * @param data, length the bytes. They are valid until the next function that reads, consumes or listens
 * on this stream, by any thread, and until acl_free_socket.
 * @return ACL_SOCKET_OK; ACL_SOCKET_END_OF_FILE where nothing is left; else as acl_read_byte.
 */
acl_status acl_peek_input(struct acl_socket *sock, size_t minimum, const void **data, size_t *length);

/**
 * Copies bytes that have arrived and leaves them there: what acl_peek_input does, for threads that share a
 * stream, because no other one can take what is being looked at away.
 * @param minimum waits until there are so many, at most size and 65536; 0 counts as 1. There are fewer only
 * where the end of the file comes first.
 * @param length how many were copied, at most size. acl_consume_input takes them.
 * @return as acl_peek_input; ACL_SOCKET_INVALID_ARGUMENT for a minimum of more than size.
 */
acl_status acl_peek_vector(struct acl_socket *sock,
                           size_t minimum,
                           void *buffer,
                           size_t size,
                           size_t *length);

/**
 * Takes bytes that acl_peek_input or acl_peek_vector showed.
 * @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT, and nothing taken, for more than there are;
 * ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_FORMAT, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE.
 */
acl_status acl_consume_input(struct acl_socket *sock, size_t count);

/**
 * Writes a byte to the output buffer, which goes out when it is full, with acl_force_output or
 * with acl_close.
 * @return ACL_SOCKET_OK; ACL_SOCKET_CLOSED; ACL_SOCKET_WRONG_FORMAT on a text socket;
 * ACL_SOCKET_WRONG_KIND on a passive or datagram socket; ACL_SOCKET_SHUTDOWN after acl_shutdown of
 * the output; ACL_SOCKET_WRITE_TIMEOUT; ACL_SOCKET_WOULD_BLOCK before acl_finish_connect;
 * ACL_SOCKET_CONNECTION_RESET, or ACL_SOCKET_UNKNOWN with EPIPE, when the peer has gone;
 * ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT. Allegro: write-byte.
 */
acl_status acl_write_byte(struct acl_socket *sock, uint8_t byte);

/**
 * Writes a character in the external format; newline as the eol convention says.
 * @param character a code point; ACL_SOCKET_INVALID_ARGUMENT for a surrogate or over 0x10ffff.
 * @return as acl_write_byte; ACL_SOCKET_WRONG_FORMAT on a binary socket; ACL_SOCKET_ENCODING_ERROR
 * for a character that the external format does not have, where the malformed policy refuses it,
 * with nothing written. Allegro: write-char.
 */
acl_status acl_write_char(struct acl_socket *sock, uint32_t character);

/**
 * Writes a text.
 * @param text, length its bytes in UTF-8, without a NUL; text that is not UTF-8 is refused with
 * ACL_SOCKET_INVALID_ARGUMENT and nothing is written: bytes are written with acl_write_vector.
 * @return as acl_write_char. Allegro: write-string.
 */
acl_status acl_write_string(struct acl_socket *sock, const char *text, size_t length);

/**
 * Writes a text and a newline. @return as acl_write_string. Allegro: write-line.
 */
acl_status acl_write_line(struct acl_socket *sock, const char *text, size_t length);

/**
 * Writes a newline. @return as acl_write_char. Allegro: terpri.
 */
acl_status acl_terpri(struct acl_socket *sock);

/**
 * Writes a newline unless at the beginning of a line.
 * @param wrote 1 where one was written; may be NULL.
 * @return as acl_write_char. Allegro: fresh-line.
 */
acl_status acl_fresh_line(struct acl_socket *sock, int32_t *wrote);

/**
 * Writes bytes. @return as acl_write_byte. Allegro: write-sequence.
 */
acl_status acl_write_sequence(struct acl_socket *sock, const void *buffer, size_t size);

/**
 * Writes bytes and tells how many were taken.
 * @param written how many went to the output buffer or to the system, size unless it failed: to go
 * on after a failure, write the rest. May be NULL.
 * @return as acl_write_byte. Allegro: excl:write-vector.
 */
acl_status acl_write_vector(struct acl_socket *sock, const void *buffer, size_t size, size_t *written);

/**
 * Writes bytes that lie in several places, as if they were one. What is buffered already and the
 * pieces leave in one system call, from where they lie, where they are many; few are copied to the
 * output buffer. With output chunking they are one chunk, together with what is buffered where that
 * was written before them, or chunks of 1 MiB where they are more.
 * @param pieces, count where they lie; pieces may be empty.
 * @param written as of acl_write_vector, over all pieces. May be NULL.
 * @return as acl_write_byte; ACL_SOCKET_INVALID_ARGUMENT, with nothing written, where a piece is NULL
 * and not empty.
 */
acl_status acl_write_pieces(struct acl_socket *sock,
                            const struct acl_piece *pieces,
                            size_t count,
                            size_t *written);

/**
 * Sends from a descriptor: first what is buffered, then the file, which the system sends by itself
 * (sendfile) where it can. From a pipe, with output chunking, with a deadline, or after
 * acl_set_non_local_exits(1) it is read and written piece by piece, and each piece leaves at once; with
 * output chunking each is a chunk. Characters are not converted. Others that write to the stream
 * meanwhile come between two pieces.
 * @param os_fd the descriptor of the file, or of anything else that can be read; it stays the caller's.
 * To wait for one that has nothing yet ends with the socket's deadline, and with the connection.
 * @param offset where in the file to begin, which leaves the descriptor where it stands;
 * ACL_SOCKET_FROM_HERE for where it stands, which moves it. A pipe has no other.
 * @param count how many bytes; fewer are sent where the file ends before. ACL_SOCKET_TO_THE_END; 0
 * sends none.
 * @param sent how many bytes of the file went to the system, or stay in the output buffer after a
 * failure: to go on, send from behind them. It is kept up to date while the call waits. May be NULL.
 * @return as acl_write_byte; the error of reading, such as ACL_SOCKET_UNKNOWN with EBADF, or ESPIPE for
 * an offset in a pipe.
 */
acl_status acl_send_file(struct acl_socket *sock,
                         int32_t os_fd,
                         uint64_t offset,
                         uint64_t count,
                         uint64_t *sent);

/**
 * Shows room in the output buffer, which the caller fills and writes with acl_commit_output: nothing is
 * copied.
 * @param minimum bytes of room, at most 65536; 0 counts as 1. What is buffered is sent first where there
 * are fewer.
 * @param room, size where the room is and how many bytes it has. It is valid until the next function that
 * writes to, flushes, clears or closes this stream, by any thread.
 * @return as acl_write_byte. Allegro has no such function.
 */
acl_status acl_reserve_output(struct acl_socket *sock, size_t minimum, void **room, size_t *size);

/**
 * Writes the first bytes of the room that acl_reserve_output showed, once.
 * @param count how many the caller has filled.
 * @return as acl_write_byte; ACL_SOCKET_INVALID_ARGUMENT, and nothing written, for more than were shown
 * and where something else was written since.
 */
acl_status acl_commit_output(struct acl_socket *sock, size_t count);

/**
 * Whether writing a byte would not wait: 1 where the output buffer has room, room could be made by
 * sending, or an error would come, such as of an invalid handle; 0 where it would, also because
 * another thread is writing. Allegro: excl:write-no-hang-p.
 */
int32_t acl_write_no_hang_p(struct acl_socket *sock);

/**
 * Hands the output buffer to the system. With output chunking it becomes one chunk; an empty
 * buffer sends nothing.
 * @return as acl_write_byte; what has not gone stays in the buffer. Allegro: force-output.
 */
acl_status acl_force_output(struct acl_socket *sock);

/**
 * Hands the output buffer to the system and waits until it has taken all; so does
 * acl_force_output, since sending waits. @return as acl_write_byte. Allegro: finish-output.
 */
acl_status acl_finish_output(struct acl_socket *sock);

/**
 * Forgets what was written and not sent. The rest of a chunk whose beginning was sent stays.
 * @return ACL_SOCKET_OK, ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE.
 * Allegro: clear-output.
 */
acl_status acl_clear_output(struct acl_socket *sock);

/**
 * The external format of a stream, by its canonical name, such as "utf-8".
 * @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE,
 * ACL_SOCKET_INVALID_ARGUMENT. Allegro: stream-external-format.
 */
acl_status acl_stream_external_format(struct acl_socket *sock, char *buffer, size_t size, size_t *length);

/**
 * Sets the external format, at any time: characters that are read and written from now on are in it.
 * @param name utf-8, latin-1 (ISO 8859-1, where all bytes are characters), ascii, utf-16le, utf-16be,
 * utf-16 (read in the order that a byte order mark tells which comes first, else little-endian;
 * written little-endian without a mark), or a label of the WHATWG's Encoding Standard: shift_jis,
 * euc-jp, iso-2022-jp, gbk, gb18030, big5, euc-kr, windows-1250 to 1258, iso-8859-2 to 16, koi8-r and
 * others. Case does not matter; a colon may come first.
 * @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT for other names; ACL_SOCKET_WRONG_KIND,
 * ACL_SOCKET_INVALID_HANDLE. Allegro: (setf stream-external-format).
 */
acl_status acl_set_stream_external_format(struct acl_socket *sock, const char *name);

/**
 * The eol convention of a stream.
 * @param convention ACL_SOCKET_EOL_UNIX to ACL_SOCKET_EOL_ANYNL_MAC.
 * @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: excl:eol-convention.
 */
acl_status acl_eol_convention(struct acl_socket *sock, int32_t *convention);

/**
 * Sets the eol convention, at any time. It concerns characters, never bytes.
 * @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT for another number; ACL_SOCKET_WRONG_KIND,
 * ACL_SOCKET_INVALID_HANDLE. Allegro: (setf excl:eol-convention).
 */
acl_status acl_set_eol_convention(struct acl_socket *sock, int32_t convention);

/**
 * What becomes of malformed bytes and of characters without bytes.
 * @param policy ACL_SOCKET_REPLACE or ACL_SOCKET_REFUSE.
 * @return as acl_eol_convention.
 */
acl_status acl_malformed_policy(struct acl_socket *sock, int32_t *policy);

/**
 * Says what shall become of them. @return as acl_set_eol_convention.
 */
acl_status acl_set_malformed_policy(struct acl_socket *sock, int32_t policy);

/**
 * How many malformed sequences were read as U+FFFD, and how many characters written as "?".
 * @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 */
acl_status acl_replacement_counts(struct acl_socket *sock, uint64_t *input, uint64_t *output);

/**
 * Switches the chunked coding of HTTP/1.1 (RFC 9112) of a stream, and sets the time-outs of a socket of
 * any kind.
 *
 * Chunked input ends with ACL_SOCKET_END_OF_FILE, which stays until input_chunking is given again:
 * acl_socket_chunking_end_of_file tells it from the end of the connection. Extensions are skipped,
 * up to 4096 bytes a chunk; the trailer section is consumed, up to 16384 bytes, and kept for
 * acl_socket_chunking_trailers. Whatever RFC 9112 does not allow, sizes over 2^63 - 1, and a
 * connection that ends within the body are ACL_SOCKET_CHUNKING_ERROR, at each read.
 * @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT, where there are no output chunks to end too;
 * ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE; ACL_SOCKET_CHUNKING_ERROR where
 * a chunk that was begun by a write that failed lacks bytes; or the error of sending, as
 * acl_force_output. Allegro: socket-control.
 */
acl_status acl_socket_control(struct acl_socket *sock, const struct acl_socket_control_args *args);

/**
 * Sets when all waits of operations on a socket must end, whatever progress they make: for a group of
 * operations that shall take no longer together. An operation that would wait then answers
 * ACL_SOCKET_READ_TIMEOUT or ACL_SOCKET_WRITE_TIMEOUT; one that needs no waiting still succeeds.
 * @param seconds from now, fractions allowed; ACL_SOCKET_NO_TIMEOUT takes the limit away.
 * @return ACL_SOCKET_OK, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT for NaN.
 */
acl_status acl_set_socket_deadline(struct acl_socket *sock, double seconds);

/**
 * Whether the last ACL_SOCKET_END_OF_FILE was the end of a chunked body.
 * @param at_end 1 from the end of the body until input_chunking is given again, else 0.
 * @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: the condition excl::socket-chunking-end-of-file.
 */
acl_status acl_socket_chunking_end_of_file(struct acl_socket *sock, int32_t *at_end);

/**
 * The trailer section of the chunked body that was read last, its lines as they came, each with
 * CR LF; empty without one.
 * @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE,
 * ACL_SOCKET_INVALID_ARGUMENT.
 */
acl_status acl_socket_chunking_trailers(struct acl_socket *sock, char *buffer, size_t size, size_t *length);

/**
 * How many octets the stream has received from the system, the framing of chunks included.
 * @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: excl::socket-bytes-read.
 */
acl_status acl_socket_bytes_read(struct acl_socket *sock, uint64_t *count);

/**
 * Sets that counter. @return as acl_socket_bytes_read. Allegro: excl::socket-bytes-read with set.
 */
acl_status acl_set_socket_bytes_read(struct acl_socket *sock, uint64_t count);

/**
 * How many octets the stream has handed to the system, the framing of chunks included.
 * @return as acl_socket_bytes_read. Allegro: excl::socket-bytes-written.
 */
acl_status acl_socket_bytes_written(struct acl_socket *sock, uint64_t *count);

/**
 * Sets that counter. @return as acl_socket_bytes_read. Allegro: excl::socket-bytes-written with set.
 */
acl_status acl_set_socket_bytes_written(struct acl_socket *sock, uint64_t count);

/**
 * Sends a datagram.
 * @param buffer, size its bytes; it may be empty.
 * @param args where to, NULL for the defaults that acl_make_socket was given.
 * @param sent how many bytes went; may be NULL.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT (no destination among others),
 * ACL_SOCKET_WRITE_TIMEOUT,
 * ACL_SOCKET_WRONG_KIND, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE, the errors of looking names
 * up, ACL_SOCKET_CONNECTION_REFUSED and ACL_SOCKET_HOST_UNREACHABLE, ACL_SOCKET_UNKNOWN with
 * EMSGSIZE for a datagram that is too long. Allegro: send-to.
 */
acl_status acl_send_to(struct acl_socket *sock,
                       const void *buffer,
                       size_t size,
                       const struct acl_send_to_args *args,
                       size_t *sent);

/**
 * Receives a datagram into the caller's buffer, waiting for one.
 * @param size of the buffer, more than the longest message expected: the rest of a longer one is
 * lost, and message_length tells.
 * @param received what came and from whom. A message of 0 bytes is one too.
 * @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE,
 * ACL_SOCKET_INVALID_ARGUMENT, ACL_SOCKET_READ_TIMEOUT after the socket's read_timeout,
 * ACL_SOCKET_CONNECTION_REFUSED on a connected descriptor.
 * Allegro: receive-from with :buffer.
 */
acl_status acl_receive_from(struct acl_socket *sock,
                            void *buffer,
                            size_t size,
                            struct acl_received *received);

/**
 * Receives a datagram into memory that the library makes, of just its length.
 * @param size the longest message expected.
 * @param data the bytes and a NUL behind them, to be freed with acl_free_buffer; NULL after a
 * failure.
 * @return as acl_receive_from. Allegro: receive-from with :extract.
 */
acl_status acl_receive_from_extract(struct acl_socket *sock,
                                    size_t size,
                                    void **data,
                                    struct acl_received *received);

/**
 * Sends datagrams in their order, many in a system call. Those that follow each other with the same
 * destination and of one length, of which the last may be shorter, cost the least: where the system
 * can, up to 64 of them cross it as one (UDP segmentation offload), best where they lie behind each
 * other in memory too. Where it cannot, they go all the same.
 * @param datagrams, count the buffer and the length of each, and where it goes if elsewhere than
 * all. A destination is an address: names are looked up once, for args.
 * @param args where all go that do not say so themselves, as of acl_send_to; NULL for the defaults
 * that acl_make_socket was given.
 * @param sent how many went, from the first on; it is kept up to date while the call waits. After a
 * failure the error is that of datagrams[sent], which did not go; to go on, send the rest. May be NULL.
 * @return as acl_send_to, the report naming the datagram.
 */
acl_status acl_send_to_many(struct acl_socket *sock,
                            const struct acl_datagram *datagrams,
                            size_t count,
                            const struct acl_send_to_args *args,
                            size_t *sent);

/**
 * Receives the datagrams that are there, at most count, waiting for the first only; many in a
 * system call. It never waits for the array to fill.
 *
 * On an internet socket the first such call lets the system hand datagrams of one sender and one
 * length over as one (UDP receive offload), which the library takes apart again: here, in
 * acl_receive_from, and for the waiting functions, to which datagrams that came with others and were
 * not taken yet count as input. Who reads the descriptor otherwise, or in another process, would see
 * them undivided. Such a socket holds up to 1 MiB of memory until it is freed.
 * @param datagrams, count for each the buffer and the size; length, message_length and the sender
 * are set for those that came.
 * @param received how many came; 0 after a failure.
 * @return ACL_SOCKET_OK with at least one, else as acl_receive_from; ACL_SOCKET_INVALID_ARGUMENT
 * where count is 0 or the first datagram has no room.
 */
acl_status acl_receive_from_many(struct acl_socket *sock,
                                 struct acl_datagram *datagrams,
                                 size_t count,
                                 size_t *received);

/**
 * Waits until input is available on at least one of several sockets and descriptors: reading from a
 * stream, accepting on a passive socket and receiving from a datagram socket would not wait. Bytes that
 * are in a stream's buffer count, and so do the end of the file, errors and closed sockets. acl_close
 * of one of them by another thread ends the wait.
 * @param items, count the sockets and descriptors; available is set in each.
 * @param timeout seconds, fractions allowed; negative for ever.
 * @param available how many have input, 0 after the time; may be NULL.
 * @return ACL_SOCKET_OK, at once without items; ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT;
 * ACL_SOCKET_UNKNOWN with EBADF or EPERM for a descriptor that cannot be waited for, EMFILE.
 * Allegro: mp:wait-for-input-available.
 */
acl_status acl_wait_for_input_available(struct acl_wait_item *items,
                                        size_t count,
                                        double timeout,
                                        size_t *available);

/**
 * Makes a set to wait for many sockets and descriptors again and again: a wait costs by what is
 * ready, not by what is watched. It has two descriptors. After fork the child makes its own.
 * @param set where the handle is stored, NULL after a failure. Free it with acl_free_wait_set.
 * @return ACL_SOCKET_OK, ACL_SOCKET_UNKNOWN with EMFILE, ACL_SOCKET_NO_BUFFER_SPACE,
 * ACL_SOCKET_INVALID_ARGUMENT.
 */
acl_status acl_make_wait_set(struct acl_wait_set **set);

/**
 * Frees a set; NULL is a no-op. What was in it stays as it is. A thread that waits for it gets
 * ACL_SOCKET_CLOSED.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE.
 */
acl_status acl_free_wait_set(struct acl_wait_set *set);

/**
 * Watches a socket of any kind, or changes what is waited for. A socket may be in several sets.
 * @param interest ACL_SOCKET_IN, ACL_SOCKET_OUT or both; 0 to watch it no longer. A socket that is
 * closed while it is watched is reported once and then no longer watched; a freed one is not.
 * @param data comes back with each event.
 * @return ACL_SOCKET_OK, ACL_SOCKET_CLOSED, ACL_SOCKET_INVALID_HANDLE for the set or the socket,
 * ACL_SOCKET_INVALID_ARGUMENT.
 */
acl_status acl_wait_set_watch(struct acl_wait_set *set,
                              struct acl_socket *sock,
                              int32_t interest,
                              void *data);

/**
 * Watches a descriptor of the caller's, which the caller takes out before closing it.
 * @return as acl_wait_set_watch; ACL_SOCKET_UNKNOWN with EBADF, or with EPERM for one that cannot be
 * waited for, such as a file.
 */
acl_status acl_wait_set_watch_os_fd(struct acl_wait_set *set, int32_t os_fd, int32_t interest, void *data);

/**
 * Waits until something in a set is ready. What is ready and not used is reported again, also bytes
 * that are only in a stream's buffer; several threads may wait for one set.
 * @param timeout seconds, fractions allowed; negative for ever.
 * @param events, room where what is ready is stored, at least one; one call brings at most 128.
 * @param count how many there are; 0 after the time and after acl_wake_wait_set.
 * @return ACL_SOCKET_OK; ACL_SOCKET_CLOSED where another thread frees the set; ACL_SOCKET_INVALID_HANDLE,
 * ACL_SOCKET_INVALID_ARGUMENT. Allegro: mp:wait-for-io-available.
 */
acl_status acl_wait_for_io_available(struct acl_wait_set *set,
                                     double timeout,
                                     struct acl_wait_event *events,
                                     size_t room,
                                     size_t *count);

/**
 * Ends one wait for a set with no event: the present one, or the next. From any thread.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE.
 */
acl_status acl_wake_wait_set(struct acl_wait_set *set);

/**
 * Makes a context of clients. All files are read here, so that streams cost none of it.
 * @param args NULL for all defaults: the server is verified against the certificates of the system.
 * @param context where the handle is stored, NULL after a failure. Free it with acl_free_ssl_context.
 * @return ACL_SOCKET_OK; ACL_SOCKET_INVALID_ARGUMENT for arguments that are out of range, missing or contradict
 * each other; ACL_SOCKET_SSL_METHOD_UNSUPPORTED; ACL_SOCKET_SSL_INVALID_FILE with the errno where a file cannot
 * be read; ACL_SOCKET_SSL_WRONG_PASSWORD, ACL_SOCKET_SSL_KEY_MISMATCH; ACL_SOCKET_NO_BUFFER_SPACE.
 * Allegro: make-ssl-client-context.
 */
acl_status acl_make_ssl_client_context(const struct acl_make_ssl_context_args *args,
                                       struct acl_ssl_context **context);

/**
 * Makes a context of servers. All files are read here.
 * @param args with a certificate.
 * @param context where the handle is stored, NULL after a failure. Free it with acl_free_ssl_context.
 * @return as acl_make_ssl_client_context; ACL_SOCKET_INVALID_HANDLE and ACL_SOCKET_WRONG_KIND for contexts.
 * Allegro: make-ssl-server-context.
 */
acl_status acl_make_ssl_server_context(const struct acl_make_ssl_context_args *args,
                                       struct acl_ssl_context **context);

/**
 * Frees a context; NULL is a no-op. Streams and contexts that use it go on with it.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE.
 */
acl_status acl_free_ssl_context(struct acl_ssl_context *context);

/**
 * Makes a connected stream one over SSL, as the client. The handshake is done by the first operation that
 * reads or writes, or by acl_ssl_do_handshake: whatever is wrong with the server, that one says so. Unless
 * the arguments say otherwise the server must show a certificate that the system trusts, for the host that
 * was connected to; only TLS 1.2 and newer is spoken.
 *
 * A stream over SSL is a stream like others: formats, lines, chunking, time-outs, wait sets, one reader and one
 * writer. Its format, external format and time-outs are those of the plain one; what was written is sent first,
 * and what came and was not read is taken for SSL. One thread with both ends of a connection deadlocks in the
 * handshake. Counts are of bytes within SSL. The
 * option nodelay is switched on; acl_set_socket_options can switch it off again. acl_close tells the peer that nothing more comes, with abort it
 * does not, and does not wait for its answer; acl_shutdown tells it too. Where the other side is a server
 * that refuses the client's certificate, in TLS 1.3 the first read says so, not the handshake.
 * After fork one of both processes may use the stream, and the child's acl_close tells the peer nothing.
 * @param plain the socket. After success its handle is gone, as if freed: using it is
 * ACL_SOCKET_INVALID_HANDLE. After a failure it is as it was.
 * @param args NULL for all defaults.
 * @param stream where the handle of the stream is stored, NULL after a failure; close it with acl_close and free
 * it with acl_free_socket. It closes the connection too.
 * @return ACL_SOCKET_OK; as acl_make_ssl_client_context for the arguments; ACL_SOCKET_INVALID_ARGUMENT also
 * with both a context and what belongs into one, without any name of the server, on a stream that is one over
 * SSL already or whose chunking is on; ACL_SOCKET_WRONG_KIND, ACL_SOCKET_CLOSED; ACL_SOCKET_WOULD_BLOCK while
 * another thread uses the plain stream or it is not connected; ACL_SOCKET_INVALID_HANDLE; the errors of
 * acl_force_output. The operations on it may answer ACL_SOCKET_SSL_ERROR and all that follow it.
 * Allegro: make-ssl-client-stream.
 */
acl_status acl_make_ssl_client_stream(struct acl_socket *plain,
                                      const struct acl_make_ssl_stream_args *args,
                                      struct acl_socket **stream);

/**
 * Makes a connected stream one over SSL, as the server. As acl_make_ssl_client_stream but for who the
 * server is: a certificate is needed, from the context or here, and the client is not verified unless asked.
 * @param plain the socket, mostly from acl_accept_connection; after success its handle is gone.
 * @param args with a context or a certificate.
 * @param stream where the handle of the stream is stored, NULL after a failure.
 * @return as acl_make_ssl_client_stream. Allegro: make-ssl-server-stream.
 */
acl_status acl_make_ssl_server_stream(struct acl_socket *plain,
                                      const struct acl_make_ssl_stream_args *args,
                                      struct acl_socket **stream);

/**
 * Does the handshake of a stream over SSL now, unless it is done. Its waits are limited by the read time-out,
 * and those for room by the write time-out.
 * @return ACL_SOCKET_OK; ACL_SOCKET_SSL_HANDSHAKE_FAILURE, ACL_SOCKET_SSL_PROTOCOL_VERSION,
 * ACL_SOCKET_SSL_PLAIN_PEER, ACL_SOCKET_SSL_CERTIFICATE_REFUSED, ACL_SOCKET_SSL_CERTIFICATE_EXPIRED,
 * ACL_SOCKET_SSL_CERTIFICATE_SELF_SIGNED, ACL_SOCKET_SSL_UNKNOWN_ISSUER, ACL_SOCKET_SSL_HOST_MISMATCH and the like;
 * ACL_SOCKET_READ_TIMEOUT, ACL_SOCKET_CONNECTION_RESET, ACL_SOCKET_CLOSED; ACL_SOCKET_WRONG_KIND on a plain
 * stream; ACL_SOCKET_INVALID_HANDLE. Allegro: ssl-do-handshake.
 */
acl_status acl_ssl_do_handshake(struct acl_socket *stream);

/**
 * What both sides of a stream over SSL have agreed upon. Does the handshake where it is not done.
 * @param connection where it is stored.
 * @return ACL_SOCKET_OK; as acl_ssl_do_handshake; ACL_SOCKET_INVALID_ARGUMENT.
 */
acl_status acl_get_ssl_connection(struct acl_socket *stream, struct acl_ssl_connection *connection);

/**
 * How the verification of the peer's certificate ended, also where nothing was enforced or the handshake
 * failed. Does no handshake: before it, and where the peer has shown no certificate, the code is 0, so that
 * 0 alone proves nothing; acl_get_ssl_connection has verified for that.
 * @param code OpenSSL's number, X509_V_OK (0) or X509_V_ERR_...
 * @param meaning OpenSSL's words for it, "ok" for 0; static. May be NULL.
 * @return ACL_SOCKET_OK, ACL_SOCKET_WRONG_KIND on a plain stream, ACL_SOCKET_INVALID_HANDLE,
 * ACL_SOCKET_INVALID_ARGUMENT. Allegro: get-ssl-verify-result.
 */
acl_status acl_get_ssl_verify_result(struct acl_socket *stream, int32_t *code, const char **meaning);

/**
 * The certificates from the peer's own to the root that was trusted, as PEM; those that the peer sent,
 * where nothing was verified or the session was resumed; empty where it has shown none. Does the
 * handshake where it is not done.
 * @param pem where the text is stored, with a NUL behind it; free it with acl_free_buffer.
 * @param length its length without the NUL; may be NULL.
 * @return ACL_SOCKET_OK; as acl_ssl_do_handshake; ACL_SOCKET_NO_BUFFER_SPACE, ACL_SOCKET_INVALID_ARGUMENT.
 */
acl_status acl_get_ssl_peer_chain(struct acl_socket *stream, char **pem, size_t *length);

/**
 * The certificate that the peer has shown. Does the handshake where it is not done.
 * @param certificate where the handle is stored, NULL where the peer has shown none and after a failure. Free
 * it with acl_free_x509_certificate; the stream may be freed before it.
 * @return ACL_SOCKET_OK, also without a certificate; as acl_ssl_do_handshake; ACL_SOCKET_NO_BUFFER_SPACE,
 * ACL_SOCKET_INVALID_ARGUMENT. Allegro: get-ssl-peer-certificate.
 */
acl_status acl_get_ssl_peer_certificate(struct acl_socket *stream, struct acl_x509_certificate **certificate);

/**
 * Frees a certificate; NULL is a no-op.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE.
 */
acl_status acl_free_x509_certificate(struct acl_x509_certificate *certificate);

/**
 * The version of a certificate: 1, 2 or, of nearly all, 3.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: x509-certificate-version.
 */
acl_status acl_x509_certificate_version(struct acl_x509_certificate *cert, int32_t *version);

/**
 * The serial number of a certificate in hexadecimal, as `openssl x509 -serial` shows it; it may have any size.
 * @param buffer, size, length the room and the length of the text, as in the header's convention.
 * @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: x509-certificate-serial-number.
 */
acl_status acl_x509_certificate_serial_number(struct acl_x509_certificate *cert,
                                              char *buffer,
                                              size_t size,
                                              size_t *length);

/**
 * Who signed a certificate, as attributes and values in their order; attributes may come again.
 * @param pairs where the array is stored; free it with acl_free_buffer, which frees the texts too.
 * @param count how many there are; may be NULL.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_NO_BUFFER_SPACE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: x509-certificate-issuer.
 */
acl_status acl_x509_certificate_issuer(struct acl_x509_certificate *cert,
                                       struct acl_x509_pair **pairs,
                                       size_t *count);

/**
 * Whom a certificate is for, as attributes and values in their order.
 * @param pairs, count as of acl_x509_certificate_issuer.
 * @return as acl_x509_certificate_issuer. Allegro: x509-certificate-subject.
 */
acl_status acl_x509_certificate_subject(struct acl_x509_certificate *cert,
                                        struct acl_x509_pair **pairs,
                                        size_t *count);

/**
 * The names that a certificate is for: kinds such as "DNS" and "IP Address", and names in their order; none
 * where it has no such extension. IPv6 addresses are written in full, as in "0:0:0:0:0:0:0:1".
 * @param pairs, count as of acl_x509_certificate_issuer.
 * @return as acl_x509_certificate_issuer. Allegro: x509-certificate-subject-alt-name.
 */
acl_status acl_x509_certificate_subject_alt_name(struct acl_x509_certificate *cert,
                                                 struct acl_x509_pair **pairs,
                                                 size_t *count);

/**
 * Since when a certificate is valid.
 * @param seconds since 1970-01-01 UTC; Lisp's universal time is 2,208,988,800 more.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: x509-certificate-not-before.
 */
acl_status acl_x509_certificate_not_before(struct acl_x509_certificate *cert, int64_t *seconds);

/**
 * Until when a certificate is valid.
 * @param seconds since 1970-01-01 UTC.
 * @return as acl_x509_certificate_not_before. Allegro: x509-certificate-not-after.
 */
acl_status acl_x509_certificate_not_after(struct acl_x509_certificate *cert, int64_t *seconds);

/**
 * The address of the peer, or where a datagram socket sends by default; of kind
 * ACL_SOCKET_NO_ADDRESS where there is none.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT,
 * ACL_SOCKET_WRONG_KIND on a file socket. Allegro: remote-host.
 */
acl_status acl_remote_host(struct acl_socket *sock, struct acl_ipaddr *value);

/**
 * The address the socket is bound to; 0.0.0.0 or :: for all of this machine.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT,
 * ACL_SOCKET_WRONG_KIND on a file socket. Allegro: local-host.
 */
acl_status acl_local_host(struct acl_socket *sock, struct acl_ipaddr *value);

/**
 * The port of the peer, or where a datagram socket sends by default; 0 where there is none.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT,
 * ACL_SOCKET_WRONG_KIND on a file socket. Allegro: remote-port.
 */
acl_status acl_remote_port(struct acl_socket *sock, int32_t *value);

/**
 * The port the socket is bound to.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT,
 * ACL_SOCKET_WRONG_KIND on a file socket. Allegro: local-port.
 */
acl_status acl_local_port(struct acl_socket *sock, int32_t *value);

/**
 * The file of the peer, or where a datagram socket sends by default; empty where there is none.
 * @param buffer, size, length the room and the length of the text, as in the header's convention;
 * 109 bytes hold any.
 * @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_WRONG_KIND on an internet socket,
 * ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT. Allegro: remote-filename.
 */
acl_status acl_remote_filename(struct acl_socket *sock, char *buffer, size_t size, size_t *length);

/**
 * The file the socket is bound to; empty where there is none.
 * @param buffer, size, length the room and the length of the text, as in the header's convention;
 * 109 bytes hold any.
 * @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_WRONG_KIND on an internet socket,
 * ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT. Allegro: local-filename.
 */
acl_status acl_local_filename(struct acl_socket *sock, char *buffer, size_t size, size_t *length);

/**
 * ACL_SOCKET_STREAM or ACL_SOCKET_DATAGRAM.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: socket-type.
 */
acl_status acl_socket_type(struct acl_socket *sock, int32_t *value);

/**
 * ACL_SOCKET_INTERNET or ACL_SOCKET_FILE.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: socket-address-family.
 */
acl_status acl_socket_address_family(struct acl_socket *sock, int32_t *value);

/**
 * ACL_SOCKET_ACTIVE or ACL_SOCKET_PASSIVE; every datagram socket is active.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: socket-connect.
 */
acl_status acl_socket_connect(struct acl_socket *sock, int32_t *value);

/**
 * The format the socket was made with; an accepted one has that of its passive socket.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: socket-format.
 */
acl_status acl_socket_format(struct acl_socket *sock, int32_t *value);

/**
 * Does nothing to the socket, as in Allegro CL since 6.0: the format is chosen when it is made.
 * @param format one of the formats.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
 * Allegro: set-socket-format.
 */
acl_status acl_set_socket_format(struct acl_socket *sock, int32_t format);

/**
 * 1 for an IPv6 socket, 0 for an IPv4 one.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT,
 * ACL_SOCKET_WRONG_KIND on a file socket. Allegro: ipv6.
 */
acl_status acl_ipv6(struct acl_socket *sock, int32_t *value);

/**
 * The printed representation of a socket, such as
 * #<multivalent stream socket connected from localhost/40226 to localhost/40225 @ #x71e5e09a>.
 * Looks host names up, which may take long, unless acl_set_print_hostname_in_stream(0).
 * @param buffer, size, length the room and the length of the text, as in the header's convention.
 * @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_INVALID_HANDLE,
 * ACL_SOCKET_INVALID_ARGUMENT. Allegro: prin1-to-string.
 */
acl_status acl_prin1_to_string(struct acl_socket *sock, char *buffer, size_t size, size_t *length);

/**
 * The default of every ipv6 keyword: ACL_SOCKET_OFF (initially), ACL_SOCKET_ON or
 * ACL_SOCKET_IPV6_ONLY. Allegro: *ipv6*.
 */
int32_t acl_get_ipv6(void);

/**
 * Sets the default of every ipv6 keyword, for the whole process.
 * @param value ACL_SOCKET_OFF: IPv4, unless an IPv6 address is given; ACL_SOCKET_ON: IPv6 sockets
 * (which reach IPv4 too), IPv6 addresses preferred; ACL_SOCKET_IPV6_ONLY: look-ups find IPv6 only.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT. Allegro: (setf *ipv6*).
 */
acl_status acl_set_ipv6(int32_t value);

/**
 * Whether acl_prin1_to_string looks host names up, which can take long: 1 (initially) or 0.
 * Allegro: *print-hostname-in-stream*.
 */
int32_t acl_get_print_hostname_in_stream(void);

/**
 * Sets whether acl_prin1_to_string looks host names up, for the whole process.
 * @param value 1 or 0.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT. Allegro: (setf *print-hostname-in-stream*).
 */
acl_status acl_set_print_hostname_in_stream(int32_t value);

/**
 * Whether streams are exact for threads that leave calls by longjmp: 1 or 0 (initially).
 */
int32_t acl_get_non_local_exits(void);

/**
 * Says whether threads of this process leave stream functions by longjmp out of signal handlers, as a
 * Lisp's with-timeout does. A thread may always leave so while it waits. But a handler can also come in the
 * middle of moving bytes: then bytes that arrived may be lost to the stream, bytes that were sent may be sent
 * again, and a chunked body may end in ACL_SOCKET_CHUNKING_ERROR. With 1 it cannot, and a stream goes on byte by
 * byte where it stood: signals are held back while it is moved and let through while the call waits, at two more
 * system calls for each call that finds nothing in the buffer, or no room. SIGSEGV and other faults of the
 * thread itself are never held back. A call that is left may have done its work or not: to know what was read,
 * look with acl_peek_input and take with acl_consume_input; to know what was written, keep the call that
 * fills the buffer from being left, and leave acl_force_output. To be set before streams are in use.
 * @param value 1 or 0.
 * @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT.
 */
acl_status acl_set_non_local_exits(int32_t value);

/**
 * The version of the library and of the OpenSSL it runs with, to be quoted in questions; static.
 * Allegro: *socket-version*.
 */
const char *acl_get_socket_version(void);

/**
 * The version of the library as ACL_SOCKET_VERSION has it in the header: 0x00MMmmpp.
 */
uint32_t acl_library_version(void);

#if defined(__GNUC__)
#define ACL_SOCKET_PRINTF(text, values) __attribute__((__format__(__printf__, text, values)))
#else
#define ACL_SOCKET_PRINTF(text, values)
#endif
#ifdef __cplusplus
#define ACL_SOCKET_CAST(type, value) static_cast<type>(value)
#else
#define ACL_SOCKET_CAST(type, value) ((type)(value))
#endif

/**
 * A block, as in Lisp: ACL_SOCKET_WITH_PENDING_CONNECT { ... }. A connection that acl_make_socket was
 * making in it when a signal handler left it by longjmp into the block is closed at its end. To leave
 * the block itself by break, goto or return defers that to the thread's next acl_make_socket. For C99
 * and C++11 on.
 * Allegro: with-pending-connect.
 */
#define ACL_SOCKET_WITH_PENDING_CONNECT \
    for (int32_t acl_token_ = acl_begin_pending_connect(), acl_once_ = 1; acl_once_ != 0; \
         acl_once_ = 0, acl_end_pending_connect(acl_token_))

#if (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L) || (defined(__cplusplus) && __cplusplus >= 201103L)
static inline acl_status acl_format(acl_socket *sock, const char *format, ...) ACL_SOCKET_PRINTF(2, 3);

/**
 * Writes text as printf does: acl_format(sock, "Content-Length: %zu\r\n", size). For C99 and C++11 on;
 * other callers format by themselves and call acl_write_string.
 * @return as acl_write_string; ACL_SOCKET_INVALID_ARGUMENT where the text cannot be made.
 * Allegro: format.
 */
static inline acl_status acl_format(acl_socket *sock, const char *format, ...)
{
    char space[1024];
    char *text;
    acl_status status;
    size_t size;
    int length;
    va_list arguments;
    va_start(arguments, format);
    length = vsnprintf(space, sizeof space, format, arguments);
    va_end(arguments);
    if (length < 0)
        return acl_write_string(sock, NULL, 1);
    size = ACL_SOCKET_CAST(size_t, length);
    if (size < sizeof space)
        return acl_write_string(sock, space, size);
    text = ACL_SOCKET_CAST(char *, malloc(size + 1));
    if (text != NULL) {
        va_start(arguments, format);
        vsnprintf(text, size + 1, format, arguments);
        va_end(arguments);
    }
    status = acl_write_string(sock, text, size);
    free(text);
    return status;
}
#endif

#ifdef __cplusplus
}
#endif

#endif /* ACL_SOCKET_H */
