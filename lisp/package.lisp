;;;; The packages: acl-socket, nickname socket, with the names of Allegro's package of that name, and
;;;; acl-socket.excl with those that belong to sockets and live in Allegro's excl, mp and sys, for a
;;;; compatibility layer to adopt. It shadows what Allegro's own version does more than the standard's.

(cl:defpackage "ACL-SOCKET.EXCL"
  (:use "COMMON-LISP")
  (:shadow "STREAM-EXTERNAL-FORMAT" "READ-SEQUENCE")
  (:export
   ;; conditions
   "SOCKET-ERROR" "ERRNO-STREAM-ERROR" "STREAM-CLOSED-ERROR" "SOCKET-CHUNKING-END-OF-FILE" "SSL-ERROR"
   "STREAM-ERROR-IDENTIFIER" "STREAM-ERROR-CODE" "STREAM-ERROR-ACTION"
   ;; streams
   "READ-VECTOR" "WRITE-VECTOR" "READ-SEQUENCE" "READ-NO-HANG-P" "WRITE-NO-HANG-P"
   "STREAM-EXTERNAL-FORMAT" "EOL-CONVENTION" "STREAM-INPUT-FN" "STREAM-OUTPUT-FN"
   "SOCKET-BYTES-READ" "SOCKET-BYTES-WRITTEN"
   "STREAM-INPUT-TIMEOUT" "STREAM-OUTPUT-TIMEOUT" "STREAM-READ-TIMEOUT" "STREAM-WRITE-TIMEOUT"
   ;; mp, sys
   "WAIT-FOR-INPUT-AVAILABLE" "WAIT-FOR-IO-AVAILABLE" "STREAM-LISTEN" "WITH-TIMEOUT"))

;;; CLISP's own package of the name gives it up; what it exports is exported by acl-socket too, but
;;; socket-connect, which is ext:socket-connect still.
#+clisp
(cl:eval-when (:compile-toplevel :load-toplevel :execute)
  (cl:let ((package (cl:find-package "SOCKET")))
    (cl:when (cl:and package (cl:string= (cl:package-name package) "SOCKET"))
      (cl:setf (ext:package-lock package) cl:nil)
      (cl:rename-package package "CLISP-SOCKET")
      (cl:setf (ext:package-lock package) cl:t))))

(cl:defpackage "ACL-SOCKET"
  (:nicknames "SOCKET")
  (:use "COMMON-LISP" "ACL-SOCKET.EXCL")
  (:shadowing-import-from "ACL-SOCKET.EXCL" "STREAM-EXTERNAL-FORMAT" "READ-SEQUENCE")
  #+clisp
  (:import-from "CLISP-SOCKET"
                "SOCKET-SERVER" "SOCKET-SERVER-CLOSE" "SOCKET-SERVER-PORT" "SOCKET-SERVER-HOST" "SOCKET-WAIT"
                "SOCKET-ACCEPT" "SOCKET-STATUS" "SOCKET-OPTIONS" "SOCKET-STREAM-HOST" "SOCKET-STREAM-PEER"
                "SOCKET-STREAM-PORT" "SOCKET-STREAM-LOCAL" "SOCKET-STREAM-SHUTDOWN")
  #+clisp
  (:export      "SOCKET-SERVER" "SOCKET-SERVER-CLOSE" "SOCKET-SERVER-PORT" "SOCKET-SERVER-HOST" "SOCKET-WAIT"
                "SOCKET-ACCEPT" "SOCKET-STATUS" "SOCKET-OPTIONS" "SOCKET-STREAM-HOST" "SOCKET-STREAM-PEER"
                "SOCKET-STREAM-PORT" "SOCKET-STREAM-LOCAL" "SOCKET-STREAM-SHUTDOWN")
  (:export
   ;; sockets
   "MAKE-SOCKET" "ACCEPT-CONNECTION" "WITH-PENDING-CONNECT" "SHUTDOWN" "SET-SOCKET-OPTIONS" "SOCKET-CONTROL"
   "SET-SOCKET-FORMAT" "SET-TCP-MD5-SIG" "INITIALIZE-SOCKET" "SOCKET-OS-FD" "SEND-TO" "RECEIVE-FROM"
   "LOCAL-HOST" "LOCAL-PORT" "LOCAL-FILENAME" "REMOTE-HOST" "REMOTE-PORT" "REMOTE-FILENAME"
   "SOCKET-ADDRESS-FAMILY" "SOCKET-CONNECT" "SOCKET-FORMAT" "SOCKET-TYPE" "IPV6"
   ;; addresses and names
   "DOTTED-TO-IPADDR" "DOTTED-ADDRESS-P" "IPADDR-TO-DOTTED" "IPADDR-TO-HOSTNAME" "IPADDRP" "IPADDR-EQUALP"
   "IPV6-ADDRESS" "IPV6-ADDRESS-P" "IPV6-ADDRESS-SCOPE-ID" "GET-IP-INTERFACES" "LOOKUP-HOSTNAME" "LOOKUP-PORT"
   ;; variables
   "*SOCKET-VERSION*" "*PRINT-HOSTNAME-IN-STREAM*" "*IPV6*"
   ;; classes
   "SOCKET" "SOCKET-STREAM-INTERNET-ACTIVE" "SOCKET-STREAM-INTERNET-PASSIVE" "SOCKET-STREAM-FILE-ACTIVE"
   "SOCKET-STREAM-FILE-PASSIVE" "SOCKET-DATAGRAM-INTERNET-ACTIVE" "SOCKET-DATAGRAM-FILE-ACTIVE"
   "PASSIVE-SOCKET" "DATAGRAM-SOCKET" "INTERNET-SOCKET" "FILE-SOCKET" "INTERNET-DATAGRAM-SOCKET"
   "FILE-DATAGRAM-SOCKET"
   ;; of acl-socket.excl
   "SOCKET-ERROR" "STREAM-ERROR-IDENTIFIER" "STREAM-ERROR-CODE" "STREAM-ERROR-ACTION"
   "SOCKET-BYTES-READ" "SOCKET-BYTES-WRITTEN" "WAIT-FOR-INPUT-AVAILABLE"
   ;; what Allegro does not have
   "*WARN-ABOUT-DROPPED-SOCKETS*" "WITH-INPUT-WINDOW"))
