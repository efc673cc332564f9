;;;; Making sockets and what they tell of themselves: sections 1, 4, 5.1 and 7.

(in-package "ACL-SOCKET-TESTS")

(defun documented-names ()
  "The names that Allegro's manual has, by package."
  '((:acl-socket :function
     "ACCEPT-CONNECTION" "DOTTED-ADDRESS-P" "DOTTED-TO-IPADDR" "GET-IP-INTERFACES" "INITIALIZE-SOCKET"
     "IPADDR-EQUALP" "IPADDR-TO-DOTTED" "IPADDR-TO-HOSTNAME" "IPADDRP" "IPV6" "IPV6-ADDRESS-P" "LOCAL-FILENAME"
     "LOCAL-HOST" "LOCAL-PORT" "LOOKUP-HOSTNAME" "LOOKUP-PORT" "MAKE-SOCKET" "RECEIVE-FROM" "REMOTE-FILENAME"
     "REMOTE-HOST" "REMOTE-PORT" "SEND-TO" "SET-SOCKET-FORMAT" "SET-SOCKET-OPTIONS" "SET-TCP-MD5-SIG" "SHUTDOWN"
     "SOCKET-ADDRESS-FAMILY" "SOCKET-CONNECT" "SOCKET-CONTROL" "SOCKET-FORMAT" "SOCKET-OS-FD" "SOCKET-TYPE"
     "WITH-PENDING-CONNECT" "STREAM-ERROR-IDENTIFIER" "STREAM-ERROR-CODE" "STREAM-ERROR-ACTION"
     "WAIT-FOR-INPUT-AVAILABLE" "SOCKET-BYTES-READ" "SOCKET-BYTES-WRITTEN"
     "MAKE-SSL-CLIENT-STREAM" "MAKE-SSL-SERVER-STREAM" "MAKE-SSL-CLIENT-CONTEXT" "MAKE-SSL-SERVER-CONTEXT"
     "SSL-DO-HANDSHAKE" "GET-SSL-VERIFY-RESULT" "GET-SSL-PEER-CERTIFICATE" "X509-CERTIFICATE-VERSION"
     "X509-CERTIFICATE-SERIAL-NUMBER" "X509-CERTIFICATE-ISSUER" "X509-CERTIFICATE-SUBJECT"
     "X509-CERTIFICATE-NOT-BEFORE" "X509-CERTIFICATE-NOT-AFTER" "X509-CERTIFICATE-SUBJECT-ALT-NAME"
     "DNS-QUERY" "DNS-LOOKUP-HOSTNAME" "DNS-IPADDR-TO-HOSTNAME" "CONFIGURE-DNS" "DNS-NAMESERVER-NAME"
     "DNS-NAMESERVER-IPADDR" "DNS-NAMESERVER-SENT" "DNS-NAMESERVER-RECEIVED" "DNS-RESPONSE-ID" "DNS-RESPONSE-FLAGS"
     "DNS-RESPONSE-FLAGS-VALUE" "DNS-RESPONSE-ANSWER" "DNS-RESPONSE-AUTHORITY" "DNS-RESPONSE-ADDITIONAL"
     "DNS-RR-NAME" "DNS-RR-TYPE" "DNS-RR-CLASS" "DNS-RR-ANSWER" "DNS-RR-TIME-TO-LIVE")
    (:acl-socket :variable "*DNS-MODE*" "*DNS-CONFIGURED*" "*DNS-DOMAIN*" "*DOMAIN-SEARCH-LIST*" "*NAMESERVERS*"
     "*SSL-FEATURES*" "*IPV6*" "*PRINT-HOSTNAME-IN-STREAM*" "*SOCKET-VERSION*")
    (:acl-socket :class
     "SOCKET" "SOCKET-STREAM-INTERNET-ACTIVE" "SOCKET-STREAM-INTERNET-PASSIVE" "SOCKET-STREAM-FILE-ACTIVE"
     "SOCKET-STREAM-FILE-PASSIVE" "SOCKET-DATAGRAM-INTERNET-ACTIVE" "SOCKET-DATAGRAM-FILE-ACTIVE" "IPV6-ADDRESS"
     "PASSIVE-SOCKET" "DATAGRAM-SOCKET" "INTERNET-SOCKET" "INTERNET-DATAGRAM-SOCKET" "FILE-DATAGRAM-SOCKET"
     "SOCKET-ERROR" "X509-CERTIFICATE" "DNS-NAMESERVER" "DNS-RESPONSE" "DNS-RR")
    (:acl-socket.excl :function
     "READ-VECTOR" "WRITE-VECTOR" "READ-SEQUENCE" "READ-NO-HANG-P" "WRITE-NO-HANG-P" "STREAM-EXTERNAL-FORMAT"
     "EOL-CONVENTION" "STREAM-INPUT-FN" "STREAM-OUTPUT-FN" "SOCKET-BYTES-READ" "SOCKET-BYTES-WRITTEN"
     "STREAM-INPUT-TIMEOUT" "STREAM-OUTPUT-TIMEOUT" "STREAM-READ-TIMEOUT" "STREAM-WRITE-TIMEOUT"
     "WAIT-FOR-INPUT-AVAILABLE" "WAIT-FOR-IO-AVAILABLE" "STREAM-LISTEN" "WITH-TIMEOUT")
    (:acl-socket.excl :class
     "SOCKET-ERROR" "ERRNO-STREAM-ERROR" "STREAM-CLOSED-ERROR" "SOCKET-CHUNKING-END-OF-FILE" "SSL-ERROR"
     "SSL-CONTEXT")))

(deftest every-documented-name
  (is (eq (find-package "SOCKET") (find-package "ACL-SOCKET")))
  (loop for (package kind . names) in (documented-names)
        do (dolist (name names)
             (multiple-value-bind (symbol status) (find-symbol name package)
               (unless (and (eq status :external)
                            (ecase kind
                              (:function (fboundp symbol))
                              (:variable (boundp symbol))
                              (:class (find-class symbol nil))))
                 (error "~a of ~a is not there as a ~(~a~)" name package kind))))))

(deftest nothing-else-is-exported
  (let ((known (append '("*WARN-ABOUT-DROPPED-SOCKETS*" "WITH-INPUT-WINDOW" "IPV6-ADDRESS-SCOPE-ID") ; lisp/README.md's
                       (loop for (nil nil . names) in (documented-names) append names)))
        (packages (list (find-package "ACL-SOCKET") (find-package "ACL-SOCKET.EXCL"))))
    (dolist (package packages)
      (do-external-symbols (symbol package)
        ;; CLISP's own come along.
        (unless (or (member (symbol-name symbol) known :test #'string=)
                    (not (member (symbol-package symbol) packages)))
          (error "~s is documented nowhere" symbol))))))

(deftest every-export-is-something
  (dolist (package '("ACL-SOCKET" "ACL-SOCKET.EXCL"))
    (do-external-symbols (symbol package)
      (is (or (fboundp symbol) (boundp symbol) (find-class symbol nil)))
      (when (and (fboundp symbol) (eq (symbol-package symbol) (find-package package)))
        ;; Not every Lisp keeps what is said of accessors.
        (unless (or (documentation symbol 'function)
                    #+(or clisp ecl) (search "IPV6-ADDRESS-" (symbol-name symbol)))
          (error "~s has no documentation" symbol))))))

(deftest socket-errors-are-stream-errors
  (is (subtypep 'socket-error 'stream-error))
  (is (subtypep 'stream-closed-error 'stream-error))
  (is (subtypep 'errno-stream-error 'stream-error))
  (is (not (subtypep 'socket-chunking-end-of-file 'error))))

(deftest classes
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1"))
                 (active (make-socket :remote-host "127.0.0.1" :remote-port (local-port passive)))
                 (accepted (accept-connection passive))
                 (datagram (make-socket :type :datagram)))
    (loop for (socket class type connect stream)
            in (list (list passive 'socket-stream-internet-passive :stream :passive nil)
                     (list active 'socket-stream-internet-active :stream :active t)
                     (list accepted 'socket-stream-internet-active :stream :active t)
                     (list datagram 'socket-datagram-internet-active :datagram :active nil))
          do (is (eq (class-of socket) (find-class class)))
             (is (typep socket 'socket))
             (is (eq (socket-type socket) type))
             (is (eq (socket-connect socket) connect))
             (is (eq (socket-address-family socket) :internet))
             (is (eq (socket-format socket) :multivalent))
             (set-socket-format socket :binary)
             (is (eq (socket-format socket) :multivalent))
             (is (eq (and (streamp socket) t) stream))
             (is (not (ipv6 socket)))
             (is (> (socket-os-fd socket) 2)))
    (is (input-stream-p active))
    (is (output-stream-p active))
    (is (open-stream-p active))
    #-clisp (is (not (interactive-stream-p active))) ; CLISP says so of all streams of classes
    (is (= (remote-host active) (local-host accepted) (dotted-to-ipaddr "127.0.0.1")))
    (is (= (remote-port active) (local-port passive) (local-port accepted)))
    (is (= (local-port active) (remote-port accepted)))
    (is (= (local-host datagram) 0))
    (signals error (local-filename active))
    (signals error (remote-host 5))))

(deftest hiper-is-stream
  (with-sockets ((passive (make-socket :type :hiper :connect :passive :local-host "127.0.0.1" :format :bivalent
                                       :reuse-address t :backlog 5))
                 (active (make-socket :type :hiper :remote-host "127.1" :remote-port (local-port passive)
                                      :format :text :nodelay t :keepalive t :eol :dos)))
    (is (eq (socket-type active) :stream))
    (is (eq (socket-format passive) :multivalent))))

(deftest printed-representation
  (with-connection (client server)
    (let* ((*print-hostname-in-stream* nil)
           (here (local-port client)) (there (remote-port client)))
      (flet ((begins (text printed)
               (is (string= text (subseq printed 0 (min (length text) (length printed)))))
               (is (search " @ #x" printed))))
        (begins (format nil "#<multivalent stream socket connected from 127.0.0.1/~d to 127.0.0.1/~d @ #x" here there)
                (princ-to-string client))
        (begins (format nil "#<multivalent stream socket connected from 127.0.0.1/~d to 127.0.0.1/~d @ #x" there here)
                (prin1-to-string server))
        (with-sockets ((passive (make-socket :connect :passive))
                       (datagram (make-socket :type :datagram)))
          (begins (format nil "#<multivalent stream socket waiting for connection at */~d @ #x" (local-port passive))
                  (princ-to-string passive))
          (begins (format nil "#<multivalent datagram socket waiting for connection at */~d @ #x" (local-port datagram))
                  (princ-to-string datagram)))))
    (let ((*print-hostname-in-stream* t))
      (is (search (format nil "~a/~d" (ipaddr-to-hostname "127.0.0.1") (local-port client))
                  (princ-to-string client))))
    (close client)
    (is (stringp (princ-to-string client)))))

(deftest accept-without-waiting
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1")))
    (is (null (accept-connection passive :wait nil)))
    (with-sockets ((client (make-socket :remote-host "127.0.0.1" :remote-port (local-port passive)))
                   (server (progn (wait-for-input-available passive :timeout 5)
                                  (accept-connection passive :wait nil))))
      (is (typep server 'socket-stream-internet-active))
      (is (= (local-port client) (remote-port server))))))

(deftest ports-by-name-and-number
  (is (eql (identifier (make-socket :remote-host "127.0.0.1" :remote-port 70000)) :invalid-argument))
  (is (eql (identifier (make-socket :remote-host "127.0.0.1" :remote-port "no-such-service")) :port-not-found))
  (signals error (make-socket :connect :sideways))
  (signals error (make-socket :remote-host 127.5 :remote-port 5)))

(deftest bind-before-connect
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1"))
                 (client (make-socket :remote-host "127.0.0.1" :remote-port (local-port passive)
                                      :local-host "127.0.0.2" :reuse-address t)))
    (is (= (local-host client) (dotted-to-ipaddr "127.0.0.2")))))

(defun ipv6-there-p ()
  (handler-case (with-sockets ((socket (make-socket :connect :passive :local-host "::1"))) (ipv6 socket))
    (socket-error () nil)))

(deftest ipv6-sockets
  (when (ipv6-there-p)
    (with-sockets ((passive (make-socket :connect :passive :local-host "::1"))
                   (client (make-socket :remote-host (dotted-to-ipaddr "::1") :remote-port (local-port passive)))
                   (server (accept-connection passive)))
      (is (ipv6 client))
      (is (ipv6 server))
      (is (ipv6-address-p (remote-host server)))
      (is (string= (ipaddr-to-dotted (remote-host client)) "::1")))
    (let ((*ipv6* t))
      (with-sockets ((passive (make-socket :connect :passive))
                     (client (make-socket :remote-host "127.0.0.1" :remote-port (local-port passive)))
                     (server (accept-connection passive)))
        (is (ipv6 passive))
        (is (ipaddr-equalp (remote-host server) "127.0.0.1"))))
    (let ((address (dotted-to-ipaddr "::1")))
      (with-sockets ((passive (make-socket :connect :passive :local-host "::1"))
                     (client (make-socket :remote-host address :remote-port (local-port passive) :scope-id 1)))
        (is (= (ipv6-address-scope-id address) 1))))))

(defvar *file-number* 0)

(defun new-file ()
  "A name for a file of a socket, which is not there."
  (let ((file (format nil "/tmp/acl-socket-~a-~d-~d" (lisp-implementation-type) (random 1000000 (make-random-state t))
                      (incf *file-number*))))
    (ignore-errors (delete-file file))
    file))

(deftest file-sockets
  (let ((file (new-file)))
    (with-sockets ((passive (make-socket :address-family :file :connect :passive :local-filename file))
                   (client (make-socket :address-family :file :remote-filename file))
                   (server (accept-connection passive)))
      (is (eq (class-of passive) (find-class 'socket-stream-file-passive)))
      (is (eq (class-of client) (find-class 'socket-stream-file-active)))
      (is (eq (class-of server) (find-class 'socket-stream-file-active)))
      (is (string= (local-filename passive) file))
      (is (string= (remote-filename client) file))
      (is (eq (socket-address-family server) :file))
      (is (search "stream socket" (princ-to-string passive)))
      (send client (format nil "by a file~%"))
      (is (string= (read-line server) "by a file"))
      (signals error (local-port client))
      (is (eql (identifier (make-socket :address-family :file :connect :passive :local-filename file))
               :address-in-use)))))

(deftest options
  (with-connection (client server)
    (set-socket-options client :nodelay t :keepalive t :send-buffer-size 65536 :receive-buffer-size 65536
                               :oob-inline t :reuse-address t :tcp-keepalive-idle-time 60
                               :tcp-keepalive-probe-interval 10 :tcp-keepalive-max-probes 3)
    (set-socket-options client :nodelay nil :keepalive nil)
    (set-socket-options client)
    (is (not (null (identifier (set-socket-options client :receive-buffer-size -1)))))
    (close client)
    (is (eql (identifier (set-socket-options client :nodelay t)) :closed)))
  (with-sockets ((datagram (make-socket :type :datagram :broadcast t)))
    (set-socket-options datagram :broadcast nil)
    (set-socket-options datagram :broadcast t :send-buffer-size 100000)))

(defun option (socket level name)
  "What the system says of an option, by Linux's numbers."
  (cffi:with-foreign-objects ((value :int) (length :uint32))
    (setf (cffi:mem-ref value :int) -1 (cffi:mem-ref length :uint32) 4)
    (is (= 0 (cffi:foreign-funcall "getsockopt" :int (socket-os-fd socket) :int level :int name :pointer value
                                                :pointer length :int)))
    (cffi:mem-ref value :int)))

(deftest options-of-the-system
  (flet ((is-set (socket level name) (plusp (option socket level name))))
    (with-connection (client server :nodelay t :keepalive t)
      (is (is-set client 6 1))
      (is (is-set client 1 9))
      (is (not (is-set server 1 9)))
      ;; What is not given stays, and nil is given.
      (set-socket-options client :oob-inline t)
      (is (is-set client 6 1))
      (is (is-set client 1 10))
      (set-socket-options client :nodelay nil :keepalive nil :oob-inline nil)
      (is (not (is-set client 6 1)))
      (is (not (is-set client 1 9)))
      (is (not (is-set client 1 10)))
      (set-socket-options server :reuse-address t :tcp-keepalive-idle-time 61 :tcp-keepalive-probe-interval 11
                                 :tcp-keepalive-max-probes 4)
      (is (is-set server 1 2))
      (is (equal (list (option server 6 4) (option server 6 5) (option server 6 6)) '(61 11 4)))
      (set-socket-options server :receive-buffer-size 50000 :send-buffer-size 30000)
      (is (<= 50000 (option server 1 8) 100000))
      (is (<= 30000 (option server 1 7) 60000)))
    (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1" :reuse-address t))
                   (other (make-socket :connect :passive :local-host "127.0.0.1"))
                   (datagram (make-socket :type :datagram :broadcast t)))
      (is (is-set passive 1 2))
      (is (not (is-set other 1 2)))
      (is (is-set datagram 1 6))
      (set-socket-options datagram :broadcast nil)
      (is (not (is-set datagram 1 6))))))

(deftest addresses-of-accepted-streams
  ;; Bound to all of the machine, and what the peer has reached.
  (with-sockets ((passive (make-socket :connect :passive))
                 (client (make-socket :remote-host (dotted-to-ipaddr "127.0.0.3") :remote-port (local-port passive)))
                 (server (accept-connection passive)))
    (is (= (local-host passive) 0))
    (is (= (local-host server) (remote-host client) (dotted-to-ipaddr "127.0.0.3")))
    ;; A port may be the name of a service.
    (when (probe-file "/etc/services")
      (is (member (identifier (close (make-socket :remote-host "127.0.0.1" :remote-port "discard")))
                  '(:connection-refused nil))))))

(deftest md5-signatures
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1")))
    ;; Kernels without the option say so.
    (is (member (identifier (set-tcp-md5-sig passive "127.0.0.1" "secret")) '(nil :protocol-not-available)))
    (is (eql (identifier (set-tcp-md5-sig passive "127.0.0.1" (make-string 100 :initial-element #\a)))
             :invalid-argument))))

(deftest shutting-down
  (with-connection (client server)
    (format client "last words~%")
    (force-output client)
    (shutdown client :direction :output)
    (is (string= (read-line server) "last words"))
    (is (null (read-line server nil)))
    (send server (format nil "answer~%"))
    (is (string= (read-line client) "answer"))
    (signals error (shutdown client))
    (signals error (shutdown client :direction :both))
    (is (eql (identifier (write-string "more" client) (force-output client)) :shutdown))
    (clear-output client)
    (shutdown client :direction :input)
    (is (eql (identifier (socket-os-fd client)) :closed))
    (close client)))

(deftest closing
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1"))
                 (client (make-socket :remote-host "127.0.0.1" :remote-port (local-port passive)))
                 (server (accept-connection passive)))
    (let ((port (local-port client)))
      (write-string "flushed by close" client)
      (is (close client))
      (is (not (open-stream-p client)))
      (close client)
      (close client :abort t)
      (is (string= (read-line server) "flushed by close"))
      (is (= (local-port client) port)))
    (signals stream-closed-error (read-char client))
    (signals stream-closed-error (read-line client))
    (signals stream-closed-error (write-char #\a client) (force-output client))
    (is (eql (identifier (read-byte client)) :closed))
    (write-string "not sent" server)
    (close server :abort t)
    (close passive)
    (close passive)
    (is (eql (identifier (accept-connection passive)) :closed))))

(deftest pending-connect
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1")))
    (with-sockets ((client (with-pending-connect
                             (with-pending-connect
                               (make-socket :remote-host "127.0.0.1" :remote-port (local-port passive))))))
      (is (open-stream-p client))
      (send client "x"))
    (is (eql (catch 'out (with-pending-connect (throw 'out 5))) 5))))

(deftest (connect-is-left :threads)
  ;; Those that wait to be accepted fill the queue, after which connecting hangs, and is left.
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1" :backlog 1)))
    (let ((clients '()))
      (unwind-protect
           (let ((left 0))
             (loop repeat 50
                   until (= left 3)
                   do (let* ((before (open-descriptors))
                             (client (with-pending-connect
                                       (with-timeout (0.2 :late)
                                         (make-socket :remote-host "127.0.0.1" :remote-port (local-port passive))))))
                        (cond ((eq client :late)
                               (incf left)
                               (is (= (open-descriptors) before)))
                              (t (push client clients)))))
             (is (= left 3)))
        (dolist (client clients)
          (close client :abort t))))))

(deftest connect-timeout
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1" :backlog 1)))
    ;; Those that wait to be accepted fill the queue, after which connecting hangs.
    (let ((clients '()))
      (unwind-protect
           (let ((begin (get-internal-real-time)))
             (is (eql (identifier (loop repeat 50
                                        do (push (make-socket :remote-host "127.0.0.1" :remote-port (local-port passive)
                                                              :connect-timeout 0.2)
                                                 clients)))
                      :connect-timeout))
             (is (< (- (get-internal-real-time) begin) (* 20 internal-time-units-per-second))))
        (dolist (client clients)
          (close client :abort t))))))
