;;;; Writing: gathering bytes and characters, handing them to the library, sending.

(in-package "ACL-SOCKET")

(defun send-pending (socket channel)
  "Has the library send what it has. This waits, and may be left: what has not gone stays."
  (declare (type channel channel))
  (setf (channel-sending channel) t)
  (check (socket) (acl-force-output (handle-of channel)))
  (setf (channel-pending channel) 0
        (channel-sending channel) nil))

(defun make-room (socket channel count)
  "Sees to it that the library takes COUNT bytes without waiting."
  (declare (type channel channel) (type index count))
  (when (or (channel-sending channel)
            (> (+ (channel-pending channel) count) +library-room+))
    (send-pending socket channel)))

(defun hand-over-octets (socket channel octets start end)
  "Gives bytes to the library, sending when its buffer is full."
  (declare (type channel channel) (type octets octets) (type index start end))
  (loop while (< start end)
        do (let ((count (min (- end start) +library-room+)))
             (make-room socket channel count)
             (write-by-copy socket channel octets start count nil)
             (incf start count))))

(defun write-by-copy (socket channel octets start count gathered)
  "Writes octets for which the library has room, so that this does not wait: it is done or not done."
  (declare (type channel channel) (type octets octets) (type index start count))
  (let ((status 0) (handle (handle-of channel)) (nowhere (cffi:null-pointer)))
    (with-octets-to-send (pointer octets start count)
      (without-interrupts
        (setf status (acl-write-vector handle pointer count nowhere))
        (when (eql status 0)
          (incf (channel-pending channel) count)
          (when gathered
            (setf (channel-fill channel) 0)))))
    (unless (eql status 0)
      (fail status socket))))

(defun hand-over (socket channel)
  "Gives what was gathered to the library."
  (declare (type channel channel))
  (let ((count (channel-fill channel)))
    (unless (zerop count)
      (make-room socket channel count)
      (write-by-copy socket channel (channel-output channel) 0 count t))))

(defun force-channel-output (socket channel)
  (hand-over socket channel)
  (send-pending socket channel)
  nil)

(defun clear-channel-output (socket channel)
  (setf (channel-fill channel) 0)
  (check (socket) (acl-clear-output (handle-of channel)))
  (setf (channel-pending channel) 0)
  nil)

(defun begin-gathering (socket channel)
  "Makes room for more: hands over what was gathered, or gets the place to gather in."
  (declare (type channel channel))
  (when (car (channel-closed channel))
    ;; So that nobody writes into the void until the buffer is full.
    (check (socket) (acl-force-output (handle-of channel))))
  (if (zerop (length (channel-output channel)))
      (setf (channel-output channel) (make-octets +output-size+))
      (hand-over socket channel)))

(declaim (inline put-octet))
(defun put-octet (socket channel octet)
  (declare (type channel channel) (type octet octet))
  (fast
    (when (>= (channel-fill channel) (length (channel-output channel)))
      (begin-gathering socket channel))
    (let ((fill (channel-fill channel)))
      (setf (aref (channel-output channel) fill) octet
            (channel-fill channel) (1+ fill)))))

(defun write-octet (socket channel octet)
  (put-octet socket channel octet)
  (setf (channel-line-start channel) (eql octet 10))
  octet)

;;; Characters

(defun write-by-library (socket channel character)
  "Writes a character that only the library can encode."
  (hand-over socket channel)
  (make-room socket channel 16)
  (let ((status 0) (handle (handle-of channel)) (code (char-code character)))
    (without-interrupts
      (setf status (acl-write-char handle code))
      (incf (channel-pending channel) 16))
    (unless (eql status 0)
      (fail status socket))))

(defun put-utf-8 (socket channel code)
  (declare (type channel channel) (type (integer 128 #x10ffff) code))
  (flet ((put (octet) (put-octet socket channel octet)))
    (cond ((< code #x800)
           (put (logior #xc0 (ash code -6))))
          ((< code #x10000)
           (put (logior #xe0 (ash code -12)))
           (put (logior #x80 (ldb (byte 6 6) code))))
          (t
           (put (logior #xf0 (ash code -18)))
           (put (logior #x80 (ldb (byte 6 12) code)))
           (put (logior #x80 (ldb (byte 6 6) code)))))
    (put (logior #x80 (ldb (byte 6 0) code)))))

(defun write-other-character (socket channel character)
  "Writes a newline or a character that is not one byte."
  (declare (type channel channel))
  (let ((code (char-code character)))
    (cond ((and (= code 10) (channel-newline channel))
           (loop for octet across (the octets (channel-newline channel))
                 do (put-octet socket channel octet)))
          ((and (eq (channel-encoder channel) :utf-8) (>= code 128) (not (<= #xd800 code #xdfff)))
           (put-utf-8 socket channel code))
          (t (write-by-library socket channel character)))
    (setf (channel-line-start channel) (= code 10))))

(declaim (inline put-character))
(defun put-character (socket channel character)
  (declare (type channel channel) (type character character))
  (fast
    (let ((code (char-code character)))
      (if (and (< code (channel-write-limit channel)) (/= code 10))
          (progn (put-octet socket channel code)
                 (setf (channel-line-start channel) nil))
          (write-other-character socket channel character)))))

(defun write-character (socket channel character)
  (put-character socket channel character)
  character)

(defun write-many (socket channel string start end)
  "Writes characters of which most are single octets, and a newline is one of them."
  (declare (type channel channel) (type (simple-array character (*)) string) (type index start end))
  (loop while (< start end)
        do (when (>= (channel-fill channel) (length (channel-output channel)))
             (begin-gathering socket channel))
           (let* ((fill (channel-fill channel))
                  (count (min (- end start) (- (length (channel-output channel)) fill))))
             (if (narrow string start count (channel-output channel) fill (channel-write-limit channel))
                 (setf (channel-fill channel) (+ fill count))
                 (loop for i of-type index from start below (+ start count)
                       do (put-character socket channel (schar string i))))
             (setf start (+ start count))))
  (setf (channel-line-start channel) (char= (schar string (1- end)) #\Newline)))

(defun write-characters (socket channel string start end)
  (declare (type channel channel) (type string string) (type index start end))
  (macrolet ((each (type access)
               `(fast
                  (let ((string string))
                    (declare (type ,type string))
                    (loop for i of-type index from start below end
                          do (put-character socket channel (,access string i)))))))
    (typecase string
      ((simple-array character (*))
       (if (and (channel-plain-newline channel) (< (+ start 8) end))
           (write-many socket channel string start end)
           (each (simple-array character (*)) schar)))
      (simple-base-string (each simple-base-string schar))
      (t (each string char))))
  string)
