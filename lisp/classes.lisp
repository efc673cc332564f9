;;;; The classes of sockets, and what every socket has: a handle that lives and dies with it.

(in-package "ACL-SOCKET")

(defvar *warn-about-dropped-sockets* nil
  "Whether a socket that was never closed is reported when the garbage collector finds it. Its handle and its
descriptor are released in any case.")

(defvar *print-hostname-in-stream* t
  "Whether a socket is printed with the names of hosts, which can take long, rather than with their
addresses. Allegro: the same.")

(defstruct (reference (:copier nil))
  "A handle of the library and the run of the Lisp image it belongs to."
  (handle 0 :type (unsigned-byte 64))
  (epoch *epoch* :type fixnum)
  ;; In a list for the finaliser, which must not see this object.
  (closed (list nil) :type cons))

(defmacro handle-of (reference)
  "The handle, or 0, which the library answers as invalid, in another run than its own."
  (let ((r (gensym)))
    `(let ((,r ,reference))
       (if (= (reference-epoch ,r) *epoch*) (reference-handle ,r) 0))))

;;; The mix-ins are the parameters that Allegro's pages name.
(defclass socket ()
  ((reference :initarg :reference :reader socket-reference :type reference))
  (:documentation "Every socket. Made by make-socket and accept-connection only. Allegro: the same."))

(defclass internet-socket (socket) ()
  (:documentation "Named by an IP address and a port."))
(defclass file-socket (socket) ()
  (:documentation "Named by a file of this machine."))
(defclass passive-socket (socket) ()
  (:documentation "Waits for connections; no stream."))
(defclass datagram-socket (socket)
  ((binary :initarg :binary :initform nil :reader datagram-socket-binary))
  (:documentation "Sends and receives messages; no stream."))
(defclass internet-datagram-socket (internet-socket datagram-socket) ())
(defclass file-datagram-socket (file-socket datagram-socket) ())

(defclass active-stream-socket
    (socket
     trivial-gray-streams:fundamental-character-input-stream
     trivial-gray-streams:fundamental-character-output-stream
     trivial-gray-streams:fundamental-binary-input-stream
     trivial-gray-streams:fundamental-binary-output-stream)
  ((plist :initform nil :accessor stream-property-list))
  (:documentation "A stream of characters and bytes."))

(defclass socket-stream-internet-active (active-stream-socket internet-socket) ()
  (:documentation "A TCP connection, a stream. Allegro: the same."))
(defclass socket-stream-internet-passive (passive-socket internet-socket) ()
  (:documentation "Waits for TCP connections. Allegro: the same."))
(defclass socket-stream-file-active (active-stream-socket file-socket) ()
  (:documentation "A connection by a file, a stream. Allegro: the same."))
(defclass socket-stream-file-passive (passive-socket file-socket) ()
  (:documentation "Waits for connections by a file. Allegro: the same."))
(defclass socket-datagram-internet-active (internet-datagram-socket) ()
  (:documentation "UDP. Allegro: the same."))
(defclass socket-datagram-file-active (file-datagram-socket) ()
  (:documentation "Datagrams by files. Allegro: the same."))

(defmacro socket-handle (socket)
  `(handle-of (socket-reference ,socket)))

(defun adopt-handle (class reference &rest initargs)
  "A new socket that owns the handle of REFERENCE."
  (let ((socket (apply #'make-instance class :reference reference initargs))
        (handle (reference-handle reference))
        (epoch (reference-epoch reference))
        (closed (reference-closed reference)))
    (finalise socket
              (lambda ()
                (when (= epoch *epoch*)
                  (unless (car closed)
                    (when *warn-about-dropped-sockets*
                      (ignore-errors
                       ;; Nobody waits for a resolver here.
                       (let ((*print-hostname-in-stream* nil))
                         (format *error-output* "~&;; A socket was dropped without being closed: ~a~%"
                                 (printed-socket handle))))))
                  (acl-free-socket handle))))
    socket))

(defmacro with-new-handle ((handle call) &body body)
  "Makes CALL, in which % is where the library stores a new handle, then runs BODY. A handle that BODY does
not come to own, because the thread leaves in between, is freed."
  (let ((place (gensym "PLACE")) (owned (gensym "OWNED")))
    `(cffi:with-foreign-object (,place 'handle)
       (setf (cffi:mem-ref ,place 'handle) 0)
       (let ((,owned nil))
         (unwind-protect
              (progn
                ,(subst place '% call)
                (let ((,handle (cffi:mem-ref ,place 'handle)))
                  (multiple-value-prog1 (progn ,@body)
                    (setf ,owned t))))
           (unless (or ,owned (eql 0 (cffi:mem-ref ,place 'handle)))
             (acl-free-socket (cffi:mem-ref ,place 'handle))))))))

;;; Printing

(defun printed-socket (handle)
  (acl-set-print-hostname-in-stream (if *print-hostname-in-stream* 1 0))
  (text-result (200 nil) (acl-prin1-to-string handle %buffer %size %length)))

(defmethod print-object ((socket socket) stream)
  (let ((text (handler-case (printed-socket (socket-handle socket))
                (socket-error () nil))))
    (if text
        (write-string text stream)
        (print-unreadable-object (socket stream :type t :identity t)
          (write-string "of another run" stream)))))

;;; Closing

(defgeneric forget-buffers (socket)
  (:documentation "Forgets what the Lisp side holds of a socket that is closed.")
  (:method ((socket socket)) nil))

(defun close-socket (socket abort)
  (let* ((reference (socket-reference socket))
         (handle (handle-of reference)))
    (unless (or (eql handle 0) (car (reference-closed reference)))
      (check (socket) (acl-close handle (if abort 1 0)))
      (setf (car (reference-closed reference)) t)
      (forget-buffers socket))
    t))

(defmethod close ((socket passive-socket) &key abort)
  (close-socket socket abort))

(defmethod close ((socket datagram-socket) &key abort)
  (close-socket socket abort))

(defmethod open-stream-p ((socket socket))
  (let ((reference (socket-reference socket)))
    (not (or (car (reference-closed reference)) (eql 0 (handle-of reference))))))
