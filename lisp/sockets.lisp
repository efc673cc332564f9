;;;; Making sockets, accepting connections, options, and what a socket tells of itself.

(in-package "ACL-SOCKET")

;;; For programs that make sure that sockets are loaded.
(provide "SOCK")

(defparameter *socket-version* (acl-get-socket-version)
  "The version of the library and of its OpenSSL, to be quoted in questions. Allegro: the same.")

(defun initialize-socket (&key menup)
  "Does nothing: the library needs no beginning. Allegro: the same."
  (declare (ignore menup))
  nil)

(defun port-number (port)
  (etypecase port (null 0) (integer (check-port port)) (string 0)))

(defun check-port (port)
  (unless (<= 0 port 65535)
    (refuse nil "taking the port ~d, which is not between 0 and 65535" port))
  port)

(defun key-octets (key external-format)
  "The octets of a key that is a string or octets."
  (etypecase key
    (string (cffi:with-foreign-string ((pointer size)
                                       key :encoding (if (member external-format '(nil :default)) :utf-8
                                                         external-format)
                                           :null-terminated-p nil)
              (let ((octets (make-octets size)))
                (dotimes (i size octets)
                  (setf (aref octets i) (cffi:mem-aref pointer :uint8 i))))))
    (vector (coerce key 'octets))))

(defun make-socket (&key type format (connect :active) (address-family :internet) eol (ipv6 *ipv6*)
                      scope-id tcp-md5-sig-key (tcp-md5-sig-key-ef :default)
                      remote-host remote-port local-host local-port remote-filename local-filename
                      backlog reuse-address broadcast keepalive nodelay
                      connect-timeout read-timeout write-timeout external-format)
  "A new socket: a stream connected to REMOTE-HOST and REMOTE-PORT; with CONNECT :passive one that waits for
connections at LOCAL-PORT, which the system chooses where it is not given; with TYPE :datagram one that sends
and receives messages. Hosts are names, dotted texts or addresses, ports numbers or names of services. With
ADDRESS-FAMILY :file they are files: REMOTE-FILENAME, LOCAL-FILENAME. Time-outs are seconds. FORMAT, but of
datagrams that are received, and EOL are ignored. Allegro: the same."
  (declare (ignore eol))
  (when (and (integerp backlog) (minusp backlog))
    (refuse nil "taking the backlog ~d, which is negative" backlog))
  (when (stringp remote-host)
    (prepare-lookup))
  (let* ((datagram (ecase type ((nil :stream :hiper) nil) (:datagram t)))
         (passive (ecase connect (:active nil) (:passive t)))
         (file (ecase address-family (:internet nil) (:file t)))
         (key (and tcp-md5-sig-key (key-octets tcp-md5-sig-key tcp-md5-sig-key-ef))))
    (with-texts ((remote-host-name (and (stringp remote-host) remote-host))
                 (remote-port-name (and (stringp remote-port) remote-port))
                 (local-host-name (and (stringp local-host) local-host))
                 (local-port-name (and (stringp local-port) local-port))
                 (remote-file (and remote-filename (native-file remote-filename)))
                 (local-file (and local-filename (native-file local-filename)))
                 (format-name (and external-format (external-format-name external-format))))
      (with-ipaddr (remote-address (and (not (stringp remote-host)) remote-host))
        (with-ipaddr (local-address (and (not (stringp local-host)) local-host))
          (with-octets-to-send (key-pointer (or key *no-octets*) 0 (length key))
            (with-arguments (args make-socket-args
                                  (type (if datagram 1 0))
                                  (address-family (if file 1 0))
                                  (connect (if (and passive (not datagram)) 1 0))
                                  (remote-host remote-host-name)
                                  (remote-ipaddr (if (and remote-host (not (stringp remote-host)))
                                                     remote-address (cffi:null-pointer)))
                                  (remote-port (port-number remote-port))
                                  (remote-port-name remote-port-name)
                                  (local-host local-host-name)
                                  (local-ipaddr (if (and local-host (not (stringp local-host)))
                                                    local-address (cffi:null-pointer)))
                                  (local-port (port-number local-port))
                                  (local-port-name local-port-name)
                                  (remote-filename remote-file)
                                  (local-filename local-file)
                                  (backlog (or backlog 0))
                                  (reuse-address (if reuse-address 1 0))
                                  (broadcast (if broadcast 1 0))
                                  (keepalive (if keepalive 1 0))
                                  (nodelay (if nodelay 1 0))
                                  (ipv6 (ipv6-mode ipv6))
                                  (scope-id (or scope-id 0))
                                  (tcp-md5-sig-key (if key key-pointer (cffi:null-pointer)))
                                  (tcp-md5-sig-key-length (length key))
                                  (external-format format-name)
                                  (connect-timeout (seconds-or-none connect-timeout))
                                  (read-timeout (seconds-or-none read-timeout))
                                  (write-timeout (seconds-or-none write-timeout)))
              (with-new-handle (handle (check (nil) (acl-make-socket args %)))
                (when (and scope-id (ipv6-address-p remote-host))
                  (setf (ipv6-address-scope-id remote-host) scope-id))
                (cond (datagram
                       (adopt-handle (if file 'socket-datagram-file-active 'socket-datagram-internet-active)
                                     (make-reference :handle handle)
                                     :binary (eq format :binary)))
                      (passive
                       (adopt-handle (if file 'socket-stream-file-passive 'socket-stream-internet-passive)
                                     (make-reference :handle handle)))
                      (t (adopt-stream handle file external-format read-timeout write-timeout)))))))))))

(defun adopt-stream (handle file formats read-timeout write-timeout)
  "A new stream; FORMATS tells whether it may have others than the usual ones."
  (let* ((channel (make-channel :handle handle :read-timeout read-timeout :write-timeout write-timeout))
         (stream (adopt-handle (if file 'socket-stream-file-active 'socket-stream-internet-active) channel)))
    (when formats
      (read-format stream))
    stream))

(defgeneric accept-connection (sock &key wait)
  (:documentation "A stream for the next connection that a passive socket gets. With WAIT nil, nil where none is
there yet. Allegro: the same."))

(defmethod accept-connection ((sock passive-socket) &key (wait t))
  (let ((handle (socket-handle sock)))
    (with-new-handle (new (let ((status (acl-accept-connection handle (if wait 1 0) %)))
                            (cond ((eql status 0))
                                  ((and (not wait) (eql status +would-block+))
                                   (return-from accept-connection nil))
                                  (t (fail status sock)))))
      ;; A passive socket's formats are those of its streams.
      (adopt-stream new (typep sock 'file-socket) t nil nil))))

(defmacro with-pending-connect (&body body)
  "Runs BODY. A connection that make-socket was making in it when control left it is closed. It stands outside
of with-timeout. Allegro: the same."
  (let ((token (gensym "TOKEN")))
    `(let ((,token (acl-begin-pending-connect)))
       (unwind-protect (progn ,@body)
         (acl-end-pending-connect ,token)))))

(defgeneric shutdown (sock &key direction)
  (:documentation "Ends one half of a connection, :input or :output. Output that was not forced is not sent; when
both halves are shut the socket is closed. Allegro: the same."))

(defmethod shutdown ((sock active-stream-socket) &key direction)
  (let ((channel (socket-channel sock)))
    (check (sock) (acl-shutdown (handle-of channel)
                                (ecase direction (:input 1) (:output 2))))
    (when (eq direction :output)
      (setf (channel-fill channel) 0 (channel-pending channel) 0 (channel-sending channel) nil))
    nil))

(defgeneric set-socket-options (sock &key &allow-other-keys)
  (:documentation "Changes options of a socket; those that are not given stay. Allegro: the same."))

(defmethod set-socket-options ((sock socket)
                               &key (reuse-address nil reuse-address-p) (broadcast nil broadcast-p)
                                 (keepalive nil keepalive-p) (nodelay nil nodelay-p) (oob-inline nil oob-inline-p)
                                 (receive-buffer-size 0) (send-buffer-size 0) (tcp-keepalive-idle-time 0)
                                 (tcp-keepalive-probe-interval 0) (tcp-keepalive-max-probes 0))
  (flet ((given (given value) (if given (tri-state value) 0)))
    (with-arguments (args set-socket-options-args
                          (reuse-address (given reuse-address-p reuse-address))
                          (broadcast (given broadcast-p broadcast))
                          (keepalive (given keepalive-p keepalive))
                          (nodelay (given nodelay-p nodelay))
                          (oob-inline (given oob-inline-p oob-inline))
                          (receive-buffer-size receive-buffer-size)
                          (send-buffer-size send-buffer-size)
                          (tcp-keepalive-idle-time tcp-keepalive-idle-time)
                          (tcp-keepalive-probe-interval tcp-keepalive-probe-interval)
                          (tcp-keepalive-max-probes tcp-keepalive-max-probes))
      (check (sock) (acl-set-socket-options (socket-handle sock) args))
      nil)))

(defgeneric set-tcp-md5-sig (sock address key &key external-format)
  (:documentation "Sets the key of RFC 2385 for connections from ADDRESS. Allegro: the same."))

(defmethod set-tcp-md5-sig ((sock passive-socket) address key &key (external-format :default))
  (let ((octets (key-octets key external-format)))
    (with-texts ((name (and (stringp address) address)))
      (with-ipaddr (ipaddr (and (not (stringp address)) address))
        (with-octets-to-send (pointer octets 0 (length octets))
          (check (sock) (acl-set-tcp-md5-sig (socket-handle sock) name
                                             (if (stringp address) (cffi:null-pointer) ipaddr)
                                             pointer (length octets))))))
    nil))

;;; Accessors

(defmacro define-accessor (name class documentation (socket) form)
  `(defgeneric ,name (,socket)
     (:documentation ,documentation)
     (:method ((,socket ,class)) ,form)))

(defun ask-address (function socket)
  (with-ipaddr (address nil)
    (check (socket) (funcall function (socket-handle socket) address))
    (fetch-ipaddr address)))

(define-accessor remote-host internet-socket
  "The address of the peer, or where a datagram socket sends by default; nil where there is none. Allegro: the same."
  (sock) (ask-address #'acl-remote-host sock))

(define-accessor local-host internet-socket
  "The address that a socket is bound to; 0, or ::, for all of this machine. Allegro: the same."
  (sock) (ask-address #'acl-local-host sock))

(define-accessor remote-port internet-socket
  "The port of the peer, or where a datagram socket sends by default; 0 where there is none. Allegro: the same."
  (sock) (result (:int32 sock) (acl-remote-port (socket-handle sock) %)))

(define-accessor local-port internet-socket
  "The port that a socket is bound to. Allegro: the same."
  (sock) (result (:int32 sock) (acl-local-port (socket-handle sock) %)))

(define-accessor remote-filename file-socket
  "The file of the peer, or where a datagram socket sends by default. Allegro: the same."
  (sock) (text-result (120 sock) (acl-remote-filename (socket-handle sock) %buffer %size %length)))

(define-accessor local-filename file-socket
  "The file that a socket is bound to. Allegro: the same."
  (sock) (text-result (120 sock) (acl-local-filename (socket-handle sock) %buffer %size %length)))

(define-accessor ipv6 internet-socket
  "Whether a socket is an IPv6 one. Allegro: the same."
  (sock) (eql 1 (result (:int32 sock) (acl-ipv6 (socket-handle sock) %))))

(define-accessor socket-address-family socket
  ":internet or :file. Allegro: the same."
  (sock) (if (typep sock 'file-socket) :file :internet))

(define-accessor socket-type socket
  ":stream or :datagram. Allegro: the same."
  (sock) (if (typep sock 'datagram-socket) :datagram :stream))

(define-accessor socket-connect socket
  ":active or :passive. Allegro: the same."
  (sock) (if (typep sock 'passive-socket) :passive :active))

(define-accessor socket-format socket
  ":multivalent. Allegro: the same, since 6.0."
  (sock) (progn sock :multivalent))

(define-accessor socket-os-fd socket
  "The descriptor of a socket, for foreign code; what is buffered is not there any more, or not yet. Allegro: the same."
  (sock) (result (:int32 sock) (acl-socket-os-fd (socket-handle sock) %)))

(defgeneric set-socket-format (sock to)
  (:documentation "Does nothing. Allegro: the same, since 6.0.")
  (:method ((sock socket) to) (declare (ignore to)) nil))

(defun stream-input-fn (stream)
  "The descriptor of a socket; nil for other streams. Allegro: excl::stream-input-fn."
  (if (typep stream 'socket) (socket-os-fd stream) nil))

(defun stream-output-fn (stream)
  "The same. Allegro: excl::stream-output-fn."
  (stream-input-fn stream))
