;;;; Chunking, time-outs, external formats, ends of lines, counters.

(in-package "ACL-SOCKET")

(defgeneric socket-control (sock &key &allow-other-keys)
  (:documentation "Switches the chunked coding of HTTP/1.1 and sets time-outs in seconds, nil for none; what is not
given stays. Allegro: the same."))

(defmethod socket-control ((sock socket)
                           &key (output-chunking nil output-chunking-p) output-chunking-eof
                             (input-chunking nil input-chunking-p)
                             (read-timeout nil read-timeout-p) (write-timeout nil write-timeout-p))
  (let* ((reference (socket-reference sock))
         (stream (typep reference 'channel)))
    (when stream
      (when (or output-chunking-p output-chunking-eof)
        ;; What was written before is in the buffer before.
        (hand-over sock reference))
      (when input-chunking-p
        (give-back sock reference)))
    (with-arguments (args socket-control-args
                          (output-chunking (if output-chunking-p (tri-state output-chunking) 0))
                          (output-chunking-eof (if output-chunking-eof 1 0))
                          (input-chunking (if input-chunking-p (tri-state input-chunking) 0))
                          (read-timeout (if read-timeout-p (seconds-or-none read-timeout) 0d0))
                          (write-timeout (if write-timeout-p (seconds-or-none write-timeout) 0d0)))
      (check (sock) (acl-socket-control (handle-of reference) args)))
    (when stream
      (when input-chunking-p
        (setf (channel-end-signalled reference) nil))
      (when read-timeout-p
        (setf (channel-read-timeout reference) read-timeout))
      (when write-timeout-p
        (setf (channel-write-timeout reference) write-timeout)))
    nil))

(macrolet ((define-timeout (name slot keyword documentation)
             `(progn
                (defun ,name (stream)
                  ,documentation
                  (,slot (socket-channel stream)))
                (defun (setf ,name) (seconds stream)
                  (socket-control stream ,keyword seconds)
                  seconds))))
  (define-timeout stream-input-timeout channel-read-timeout :read-timeout
    "The seconds that a wait of reading may last, nil for no limit. Setf-able. Allegro: excl:stream-input-timeout.")
  (define-timeout stream-read-timeout channel-read-timeout :read-timeout
    "The same. Allegro: excl::stream-read-timeout.")
  (define-timeout stream-output-timeout channel-write-timeout :write-timeout
    "The seconds that a wait of writing may last, nil for no limit. Setf-able. Allegro: excl:stream-output-timeout.")
  (define-timeout stream-write-timeout channel-write-timeout :write-timeout
    "The same. Allegro: excl::stream-write-timeout."))

;;; Formats

(defun external-format-name (designator)
  "The library's name of an external format: of a keyword, a string, a list that begins with one, or what this
Lisp itself calls an external format."
  (typecase designator
    ((member nil :default) "utf-8")
    (symbol (canonical-format (string-downcase designator)))
    (string (canonical-format (string-downcase designator)))
    (cons (external-format-name (first designator)))
    (t #+clisp (canonical-format (string-downcase (format nil "~a" (slot-value designator 'charset))))
       #-clisp (error "~s is no external format." designator))))

(defun canonical-format (name)
  (cond ((string= name "") (error "The external format has no name."))
        ((member name '("utf8" "utf-8-base") :test #'string=) "utf-8")
        ((member name '("latin1" "latin1-base" "latin-1-base" "iso8859-1" "iso-8859-1" "8bit-base" "octets-base")
                 :test #'string=)
         "latin-1")
        ((member name '("us-ascii" "7bit-base" "ansi_x3.4-1968") :test #'string=) "ascii")
        (t name)))

(defgeneric stream-external-format (stream)
  (:documentation "The external format of a stream, a keyword such as :utf-8. Setf-able at any time: characters that
are read and written from then on are in it. Allegro: the same.")
  (:method ((stream stream)) (cl:stream-external-format stream))
  (:method ((stream active-stream-socket)) (channel-external-format (socket-channel stream))))

(defgeneric (setf stream-external-format) (external-format stream)
  (:method (external-format (stream stream))
    (declare (ignore external-format))
    (error "The external format of ~s cannot be set." stream))
  (:method (external-format (stream active-stream-socket))
    (let ((channel (socket-channel stream)))
      (hand-over stream channel)
      (give-back stream channel)
      (check (stream) (acl-set-stream-external-format (handle-of channel) (external-format-name external-format)))
      (read-format stream)
      external-format)))

(defgeneric eol-convention (stream)
  (:documentation ":unix, :dos, :mac, :anynl-unix, :anynl-dos or :anynl-mac, and the external format without it.
Setf-able; it concerns characters, never bytes. Allegro: excl:eol-convention.")
  (:method ((stream active-stream-socket))
    (let ((channel (socket-channel stream)))
      (values (channel-eol-convention channel) (channel-external-format channel)))))

(defgeneric (setf eol-convention) (convention stream)
  (:method (convention (stream active-stream-socket))
    (let ((channel (socket-channel stream))
          (number (position convention *eol-conventions*)))
      (unless number
        (refuse stream "taking the eol convention ~s" convention))
      (hand-over stream channel)
      (give-back stream channel)
      (check (stream) (acl-set-eol-convention (handle-of channel) number))
      (read-format stream)
      convention)))

;;; Counters

(defun socket-bytes-read (stream &optional set)
  "How many octets a stream has received; with SET that becomes the count. Allegro: excl::socket-bytes-read."
  (let ((handle (socket-handle stream)))
    (prog1 (result (:uint64 stream) (acl-socket-bytes-read handle %))
      (when set
        (check (stream) (acl-set-socket-bytes-read handle set))))))

(defun socket-bytes-written (stream &optional set)
  "How many octets a stream has sent; with SET that becomes the count. Allegro: excl::socket-bytes-written."
  (let ((handle (socket-handle stream)))
    (prog1 (result (:uint64 stream) (acl-socket-bytes-written handle %))
      (when set
        (check (stream) (acl-set-socket-bytes-written handle set))))))
