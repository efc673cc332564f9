;;;; SSL streams, contexts and certificates.

(in-package "ACL-SOCKET")

;;; How programs ask whether there is SSL, and make sure that it is loaded.
(pushnew :ssl-support *features*)
(provide "SSL")

(defvar *ssl-features* '(:sni)
  "What SSL can do besides. Allegro: the same.")

(defclass ssl-stream-mixin ()
  ((certificate :initform nil :accessor ssl-stream-certificate)
   (certificate-known :initform nil :accessor ssl-stream-certificate-known))
  (:documentation "A stream over SSL."))
(defclass ssl-internet-stream (ssl-stream-mixin socket-stream-internet-active) ())
(defclass ssl-file-stream (ssl-stream-mixin socket-stream-file-active) ())

(defclass ssl-context ()
  ((reference :initarg :reference :reader socket-reference)
   (server :initarg :server :reader ssl-context-server))
  (:documentation "What many SSL streams have in common. Allegro: excl::ssl-context."))

(defparameter *ssl-methods*
  '((:sslv2 . 1) (:sslv3 . 2) (:tlsv1 . 4) (:tlsv1.1 . 8) (:tlsv1.2 . 16) (:tlsv1.3 . 32) (:tlsv1+ . 60)
    (:tlsv1.1+ . 56) (:tlsv1.2+ . 48) (:tlsv1.3+ . 32) (:sslv23 . 256) (:sslv3+ . 512)))

(defun ssl-method-number (method)
  (if (listp method)
      (reduce #'logior (mapcar #'ssl-method-number method) :initial-value 0)
      (or (cdr (assoc method *ssl-methods*))
          (refuse nil "taking the SSL method ~s" method))))

(defun ssl-verify-number (verify given server)
  "Where it is not given the library's default: a client verifies, a server does not."
  (cond ((not given) 0)
        (t (case verify
             ((nil) (if server -1 -2))
             (:optional 1)
             ((:required t) 2)
             (t (refuse nil "taking the SSL verification ~s" verify))))))

(defun crl-check-number (crl-check)
  (case crl-check
    ((nil) 0)
    (:peer 1)
    ((t :chain) 2)
    (t (refuse nil "checking for revocation as ~s" crl-check))))

(defmacro with-ssl-arguments ((pointer struct &rest fields) &body body)
  "As with-arguments, with the keywords of contexts and streams, which are variables here."
  `(with-texts ((certificate-file (and certificate (native-file certificate)))
                (key-file (and key (native-file key)))
                (password certificate-password)
                (ca-file-name (and ca-file (native-file ca-file)))
                (ca-directory-name (and ca-directory (native-file ca-directory)))
                (cipher-list ciphers)
                (ciphersuite-list ciphersuites)
                (crl-file-name (and crl-file (native-file crl-file)))
                (name server-name))
     (with-arguments (,pointer ,struct
                               (method (ssl-method-number method))
                               (certificate certificate-file)
                               (key key-file)
                               (certificate-password password)
                               (verify (ssl-verify-number verify verify-given server))
                               (max-depth (case max-depth ((nil) 0) (0 -1) (t max-depth)))
                               (ca-file ca-file-name)
                               (ca-directory ca-directory-name)
                               (ciphers cipher-list)
                               (ciphersuites ciphersuite-list)
                               (crl-check (crl-check-number crl-check))
                               (crl-file crl-file-name)
                               (server-name name)
                               ,@fields)
       ,@body)))

(defun make-ssl-context (server &key method certificate key certificate-password (verify nil verify-given) max-depth
                                  ca-file ca-directory ciphers ciphersuites crl-check crl-file
                                  (prefer-server-cipher-order nil preferred) server-name)
  (with-ssl-arguments (args make-ssl-context-args
                            (prefer-server-cipher-order (if preferred (tri-state prefer-server-cipher-order) 0)))
    (cffi:with-foreign-object (place 'handle)
      (setf (cffi:mem-ref place 'handle) 0)
      (check (nil) (if server (acl-make-ssl-server-context args place) (acl-make-ssl-client-context args place)))
      (let* ((handle (cffi:mem-ref place 'handle))
             (reference (make-reference :handle handle))
             (epoch (reference-epoch reference))
             (context (make-instance 'ssl-context :reference reference :server server)))
        (finalise context (lambda ()
                            (when (= epoch *epoch*)
                              (acl-free-ssl-context handle))))
        context))))

(defun make-ssl-client-context (&rest arguments &key method certificate key certificate-password verify max-depth
                                                  ca-file ca-directory ciphers ciphersuites crl-check crl-file
                                                  prefer-server-cipher-order)
  "What many client streams have in common, with all files read. Allegro: the same."
  (declare (ignore method certificate key certificate-password verify max-depth ca-file ca-directory ciphers
                   ciphersuites crl-check crl-file prefer-server-cipher-order))
  (apply #'make-ssl-context nil arguments))

(defun make-ssl-server-context (&rest arguments &key method certificate key certificate-password verify max-depth
                                                  ca-file ca-directory ciphers ciphersuites crl-check crl-file
                                                  prefer-server-cipher-order server-name)
  "What many server streams have in common, with all files read. Allegro: the same."
  (declare (ignore method certificate key certificate-password verify max-depth ca-file ca-directory ciphers
                   ciphersuites crl-check crl-file prefer-server-cipher-order server-name))
  (apply #'make-ssl-context t arguments))

(defun make-ssl-stream (server socket &key context method certificate key certificate-password
                                        (verify nil verify-given) max-depth ca-file ca-directory ciphers ciphersuites
                                        crl-check crl-file (prefer-server-cipher-order nil preferred) server-name)
  (check-type socket active-stream-socket)
  (when (and context (not (eq server (ssl-context-server context))))
    (refuse socket "taking the context of a ~:[client~;server~]" (ssl-context-server context)))
  (let ((channel (socket-channel socket)))
    ;; What is on the Lisp side is the library's again.
    (hand-over socket channel)
    (give-back socket channel)
    (with-ssl-arguments (args make-ssl-stream-args
                              (context (if context (socket-handle context) 0))
                              (prefer-server-cipher-order (if preferred (tri-state prefer-server-cipher-order) 0))
                              ;; A client that does not verify has nobody to name.
                              (insecure-any-host (if (and (not server) verify-given (null verify)) 1 0)))
      (let ((handle (handle-of channel)))
        (with-new-handle (new (check (socket) (if server
                                                  (acl-make-ssl-server-stream handle args %)
                                                  (acl-make-ssl-client-stream handle args %))))
          ;; The plain stream has ended; what it knows goes on.
          (setf (car (channel-closed channel)) t
                (channel-handle channel) 0)
          (let ((copy (copy-structure channel)))
            (setf (channel-handle copy) new
                  (channel-closed copy) (list nil)
                  (channel-secure copy) t
                  (channel-input copy) *no-octets* (channel-output copy) *no-octets*
                  (channel-index copy) 0 (channel-end copy) 0 (channel-fill copy) 0
                  (channel-pending copy) 0 (channel-sending copy) nil)
            (forget-buffers socket)
            (adopt-handle (if (typep socket 'file-socket) 'ssl-file-stream 'ssl-internet-stream) copy)))))))

(defun make-ssl-client-stream (socket &rest arguments
                               &key context method certificate key certificate-password verify max-depth ca-file
                                 ca-directory ciphers ciphersuites crl-check crl-file server-name)
  "A stream over SSL, as the client, in place of SOCKET, a connected stream. The first operation that reads or writes
does the handshake, or ssl-do-handshake. Unless VERIFY is given as nil the server must show a certificate that is
trusted, for SERVER-NAME or the host that was connected to. Allegro: the same, which does not verify by default."
  (declare (ignore context method certificate key certificate-password verify max-depth ca-file ca-directory ciphers
                   ciphersuites crl-check crl-file server-name))
  (apply #'make-ssl-stream nil socket arguments))

(defun make-ssl-server-stream (socket &rest arguments
                               &key context method certificate key certificate-password verify max-depth ca-file
                                 ca-directory ciphers ciphersuites crl-check crl-file prefer-server-cipher-order
                                 server-name)
  "A stream over SSL, as the server, in place of SOCKET; with a certificate or a context. Allegro: the same."
  (declare (ignore context method certificate key certificate-password verify max-depth ca-file ca-directory ciphers
                   ciphersuites crl-check crl-file prefer-server-cipher-order server-name))
  (apply #'make-ssl-stream t socket arguments))

(defgeneric ssl-do-handshake (stream)
  (:documentation "Does the handshake now, and returns t. Allegro: the same.")
  (:method ((stream ssl-stream-mixin))
    (check (stream) (acl-ssl-do-handshake (socket-handle stream)))
    t))

(defgeneric get-ssl-verify-result (stream)
  (:documentation "OpenSSL's number of what came of verifying the peer, 0 for nothing wrong, and its text.
Allegro: the same.")
  (:method ((stream ssl-stream-mixin))
    (cffi:with-foreign-objects ((code :int32) (meaning :pointer))
      (check (stream) (acl-get-ssl-verify-result (socket-handle stream) code meaning))
      (values (cffi:mem-ref code :int32)
              (cffi:foreign-string-to-lisp (cffi:mem-ref meaning :pointer))))))

;;; Certificates

(defclass x509-certificate ()
  ((version :initarg :version :accessor x509-certificate-version)
   (serial-number :initarg :serial-number :accessor x509-certificate-serial-number)
   (issuer :initarg :issuer :accessor x509-certificate-issuer)
   (subject :initarg :subject :accessor x509-certificate-subject)
   (not-before :initarg :not-before :accessor x509-certificate-not-before)
   (not-after :initarg :not-after :accessor x509-certificate-not-after)
   (subject-alt-name :initarg :subject-alt-name :accessor x509-certificate-subject-alt-name))
  (:documentation "A certificate, made by get-ssl-peer-certificate. Allegro: the same."))

(loop for (name . documentation) in '((x509-certificate-version . ":v1, :v2 or :v3")
                                      (x509-certificate-serial-number . "An integer")
                                      (x509-certificate-issuer . "A list of (attribute . value)")
                                      (x509-certificate-subject . "A list of (attribute . value)")
                                      (x509-certificate-not-before . "A universal time")
                                      (x509-certificate-not-after . "A universal time")
                                      (x509-certificate-subject-alt-name . "A list of (type . value)"))
      do (setf (documentation name 'function)
               (format nil "~a. Setf-able, without effect on anything. Allegro: the same." documentation)))

(defun certificate-pairs (function handle)
  (cffi:with-foreign-objects ((pairs :pointer) (count :size))
    (check (nil) (funcall function handle pairs count))
    (let ((array (cffi:mem-ref pairs :pointer)))
      (unwind-protect
           (loop for i below (cffi:mem-ref count :size)
                 for pair = (cffi:mem-aptr array '(:struct x509-pair) i)
                 collect (cons (cffi:foreign-string-to-lisp
                                (cffi:foreign-slot-value pair '(:struct x509-pair) 'name))
                               (cffi:foreign-string-to-lisp
                                (cffi:foreign-slot-value pair '(:struct x509-pair) 'value) :encoding :utf-8)))
        (unless (cffi:null-pointer-p array)
          (acl-free-buffer array))))))

(defconstant +unix-epoch+ 2208988800)

(defun read-certificate (handle)
  (make-instance 'x509-certificate
                 :version (let ((version (result (:int32 nil) (acl-x509-certificate-version handle %))))
                            (intern (format nil "V~d" version) "KEYWORD"))
                 :serial-number (parse-integer
                                 (remove #\: (text-result (64 nil) (acl-x509-certificate-serial-number
                                                                    handle %buffer %size %length)))
                                 :radix 16)
                 :issuer (certificate-pairs #'acl-x509-certificate-issuer handle)
                 :subject (certificate-pairs #'acl-x509-certificate-subject handle)
                 :subject-alt-name (certificate-pairs #'acl-x509-certificate-subject-alt-name handle)
                 :not-before (+ +unix-epoch+ (result (:int64 nil) (acl-x509-certificate-not-before handle %)))
                 :not-after (+ +unix-epoch+ (result (:int64 nil) (acl-x509-certificate-not-after handle %)))))

(defgeneric get-ssl-peer-certificate (stream)
  (:documentation "The peer's certificate, always the same object, or nil where it showed none. Does the handshake if that
was not done. Allegro: the same.")
  (:method ((stream ssl-stream-mixin))
    (unless (ssl-stream-certificate-known stream)
      (cffi:with-foreign-object (place 'handle)
        (setf (cffi:mem-ref place 'handle) 0)
        (check (stream) (acl-get-ssl-peer-certificate (socket-handle stream) place))
        (let ((handle (cffi:mem-ref place 'handle)))
          (unless (eql handle 0)
            (unwind-protect (setf (ssl-stream-certificate stream) (read-certificate handle))
              (acl-free-x509-certificate handle)))))
      (setf (ssl-stream-certificate-known stream) t))
    (ssl-stream-certificate stream)))
