;;;; The buffers of a stream on the Lisp side. What is read is a window: a copy of bytes that the library
;;;; still has, so that a switch of chunking or format finds them where they are; bytes that were read are
;;;; given back to the library before it is asked for anything. What is written is gathered here and
;;;; handed over in pieces.

(in-package "ACL-SOCKET")

(defconstant +window-size+ 8192)
(defconstant +output-size+ 4096)
;;; The library's output buffer holds 65536 bytes, and may owe an encoder some at its end.
(defconstant +library-room+ 65000)

(defparameter *no-octets* (make-octets 0))
(declaim (type octets *no-octets*))

(defstruct (channel (:include reference) (:copier nil))
  "The buffers of an active stream socket."
  ;; Bytes from INDEX to END of INPUT are there to be read, those before INDEX have been.
  (input *no-octets* :type octets)
  (index 0 :type index)
  (end 0 :type index)
  ;; What unread-char puts back: so many bytes of the window, or -1 for a character of the library's.
  (unread 0 :type (integer -1 4))
  ;; Bytes up to FILL of OUTPUT were written and not handed over.
  (output *no-octets* :type octets)
  (fill 0 :type index)
  ;; How many bytes the library has at most that are not sent.
  (pending 0 :type index)
  ;; Whether sending was left in the middle: the library then wants to go on with it first.
  (sending nil)
  (line-start t)
  ;; Which characters are translated here: codes below READ-LIMIT are single bytes that mean themselves; the
  ;; other ones are decoded here if DECODER is :utf-8.
  (read-limit 128 :type (integer 0 256))
  (decoder :utf-8)
  ;; The same of writing, where NEWLINE is what is written for one, nil where the library does it.
  (write-limit 128 :type (integer 0 256))
  (encoder :utf-8)
  (newline #.(coerce #(10) '(simple-array (unsigned-byte 8) (*))) :type (or null octets))
  ;; Whether a newline that is written is the octet of its code.
  (plain-newline t)
  ;; Whether CR is a byte like others in what is read.
  (plain-return t)
  ;; Whether input is more than the system knows of: it comes over SSL.
  (secure nil)
  (external-format :utf-8)
  (eol-convention :unix)
  (read-timeout nil)
  (write-timeout nil)
  ;; Whether the end of the present chunked body was signalled.
  (end-signalled nil))

(defmacro socket-channel (socket)
  `(the channel (socket-reference ,socket)))

(defparameter *eol-conventions* #(:unix :dos :mac :anynl-unix :anynl-dos :anynl-mac))

(defun note-format (channel name eol)
  "Decides which characters are translated in Lisp."
  (let* ((reads (cond ((string= name "utf-8") 128)
                      ((string= name "latin-1") 256)
                      ((string= name "ascii") 128)
                      (t 0)))
         (utf-8 (when (string= name "utf-8") :utf-8))
         (octets (ecase eol
                   ((0 3) '(10))
                   ((1 4) '(13 10))
                   ((2 5) '(13)))))
    (setf (channel-read-limit channel) reads
          (channel-write-limit channel) reads
          (channel-decoder channel) utf-8
          (channel-encoder channel) utf-8
          (channel-newline channel) (unless (zerop reads) (coerce octets 'octets))
          (channel-plain-newline channel) (and (plusp reads) (equal octets '(10)))
          (channel-plain-return channel) (zerop eol)
          (channel-external-format channel) (intern (string-upcase name) "KEYWORD")
          (channel-eol-convention channel) (aref *eol-conventions* eol))))

(defun read-format (socket)
  "Asks the library for the formats of a stream."
  (let* ((channel (socket-channel socket))
         (handle (handle-of channel)))
    (note-format channel
                 (text-result (40 socket) (acl-stream-external-format handle %buffer %size %length))
                 (result (:int32 socket) (acl-eol-convention handle %)))))

#+sbcl
(defun forget-channels ()
  "Closes what an image that is saved cannot take with it, so that its streams answer so when it runs."
  (dolist (channel (sb-vm:list-allocated-objects :all :test #'channel-p))
    (setf (car (channel-closed channel)) t
          (channel-index channel) 0 (channel-end channel) 0 (channel-fill channel) 0
          (channel-input channel) *no-octets* (channel-output channel) *no-octets*)))

#+sbcl
(pushnew 'forget-channels sb-ext:*save-hooks*)

(defmethod forget-buffers ((socket active-stream-socket))
  (let ((channel (socket-channel socket)))
    (setf (channel-index channel) 0 (channel-end channel) 0 (channel-fill channel) 0
          (channel-unread channel) 0
          (channel-input channel) *no-octets* (channel-output channel) *no-octets*)))
