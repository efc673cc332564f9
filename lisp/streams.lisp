;;;; An active socket as a stream of its Lisp. A byte travels: the library's buffer, the window (input.lisp),
;;;; the program; and back: the gathered output (output.lisp), the library's buffer, the system.

(in-package "ACL-SOCKET")

(defmacro define-stream-method (name (&rest arguments) &body body)
  "Defines the method of a stream function for an active socket, with CHANNEL bound."
  `(defmethod ,name ((socket active-stream-socket) ,@arguments)
     ;; SBCL makes an access of slot-value here, and would call a reader.
     (let ((channel (the channel #+sbcl (slot-value socket 'reference) #-sbcl (socket-reference socket))))
       ,@body)))

(define-stream-method trivial-gray-streams:stream-read-byte ()
  (or (channel-next-byte socket channel) :eof))

(define-stream-method trivial-gray-streams:stream-read-char ()
  (or (channel-next-char socket channel) :eof))

(define-stream-method trivial-gray-streams:stream-unread-char (character)
  (channel-unread-char socket channel character))

(define-stream-method trivial-gray-streams:stream-peek-char ()
  (let ((character (channel-next-char socket channel)))
    (cond (character
           (channel-unread-char socket channel character)
           character)
          (t :eof))))

(define-stream-method trivial-gray-streams:stream-read-char-no-hang ()
  (let ((character (channel-next-char-no-hang socket channel)))
    (case character
      ((nil) :eof)
      (:none nil)
      (t character))))

(define-stream-method trivial-gray-streams:stream-read-line ()
  (multiple-value-bind (line end) (channel-line socket channel)
    ;; ECL takes nil for no line, other Lisps no characters and the end of the file.
    (values (or line #-ecl "") end)))

(defun stream-listen-p (socket channel)
  (or (< (channel-index channel) (channel-end channel))
      (progn
        (give-back socket channel)
        (let ((ready nil))
          (cffi:with-foreign-object (flag :int32)
            (let ((status (acl-listen (handle-of channel) flag)))
              (cond ((eql status 0) (setf ready (eql 1 (cffi:mem-ref flag :int32))))
                    ((eql status +end-of-file+))
                    (t (fail status socket)))))
          ready))))

(define-stream-method trivial-gray-streams:stream-listen ()
  (stream-listen-p socket channel))

(define-stream-method trivial-gray-streams:stream-clear-input ()
  (give-back socket channel)
  (let ((status (acl-clear-input (handle-of channel))))
    (unless (or (eql status 0) (eql status +end-of-file+))
      (fail status socket)))
  nil)

(define-stream-method trivial-gray-streams:stream-read-sequence (sequence start end &key)
  (declare (ignorable channel))
  (read-into socket sequence start end nil))

(define-stream-method trivial-gray-streams:stream-write-byte (octet)
  (write-octet socket channel octet))

(define-stream-method trivial-gray-streams:stream-write-char (character)
  (write-character socket channel character))

(define-stream-method trivial-gray-streams:stream-write-string (string &optional (start 0) end)
  (write-characters socket channel string start (or end (length string))))

(define-stream-method trivial-gray-streams:stream-write-sequence (sequence start end &key)
  (declare (ignorable channel))
  (write-from socket sequence start end))

(define-stream-method trivial-gray-streams:stream-terpri ()
  (write-character socket channel #\Newline)
  nil)

(define-stream-method trivial-gray-streams:stream-start-line-p ()
  (channel-line-start channel))

(define-stream-method trivial-gray-streams:stream-line-column ()
  ;; Bytes have no columns; the beginning of a line is known.
  (if (channel-line-start channel) 0 nil))

(define-stream-method trivial-gray-streams:stream-fresh-line ()
  (unless (channel-line-start channel)
    (write-character socket channel #\Newline)
    t))

(define-stream-method trivial-gray-streams:stream-force-output ()
  (force-channel-output socket channel))

(define-stream-method trivial-gray-streams:stream-finish-output ()
  (force-channel-output socket channel))

(define-stream-method trivial-gray-streams:stream-clear-output ()
  (clear-channel-output socket channel))

(defmethod stream-element-type ((socket active-stream-socket))
  '(or character (unsigned-byte 8)))

(define-stream-method close (&key abort)
  (when (and (not abort) (open-stream-p socket))
    (hand-over socket channel))
  (close-socket socket abort)
  (call-next-method))

#+sbcl
(defmethod interactive-stream-p ((socket active-stream-socket)) nil)
#+ecl
(defmethod gray::stream-interactive-p ((socket active-stream-socket)) nil)

;;; In place

(defmacro with-input-window ((octets index end) stream &body body)
  "Runs BODY with OCTETS bound to a vector of octets, of which those from INDEX to END have arrived at STREAM,
an active socket, and are to be read: at least one, or none at the end of the file. BODY takes octets by
setting INDEX, in a loop that calls nothing. It costs a call for thousands of octets rather than one for each."
  (let ((socket (gensym "SOCKET")) (channel (gensym "CHANNEL")))
    `(let* ((,socket ,stream)
            (,channel (socket-channel ,socket)))
       (when (>= (channel-index ,channel) (channel-end ,channel))
         (refill ,socket ,channel))
       (let* ((,octets (channel-input ,channel))
              (,index (channel-index ,channel))
              (,end (channel-end ,channel)))
         (declare (type octets ,octets) (type index ,index ,end) (ignorable ,octets ,end))
         (multiple-value-prog1 (progn ,@body)
           (setf (channel-unread ,channel) 0
                 (channel-index ,channel) (max (channel-index ,channel) (min ,index (channel-end ,channel)))))))))
