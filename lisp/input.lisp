;;;; Reading: the window, bytes, characters and lines.

(in-package "ACL-SOCKET")

(defun give-back (socket channel)
  "Tells the library what was read of the window, which is then empty."
  (declare (type channel channel))
  (let ((status 0) (handle (handle-of channel)))
    ;; Neither may be done without the other.
    (without-interrupts
      (let ((count (channel-index channel)))
        (setf (channel-index channel) 0 (channel-end channel) 0 (channel-unread channel) 0)
        (unless (zerop count)
          (setf status (acl-consume-input handle count)))))
    (unless (eql status 0)
      (fail status socket))))

(defun note-end-of-file (socket channel)
  "Signals the end of a chunked body, once."
  (unless (channel-end-signalled channel)
    (when (eql 1 (result (:int32 socket) (acl-socket-chunking-end-of-file (handle-of channel) %)))
      (setf (channel-end-signalled channel) t)
      (signal 'socket-chunking-end-of-file
              :format-control "The end of a chunked body was read from ~s."
              :format-arguments (list socket))))
  nil)

;;; Another thread may read too: what the library shows is copied while none can.
#+(or sbcl ecl ccl)
(defun peek-window (channel minimum)
  "Copies what the library holds into the window: the status, and how many octets."
  (declare (type channel channel) (type index minimum))
  (cffi:with-foreign-object (length :size)
    (let ((window (channel-input channel)))
      (values (with-octets-to-fill (pointer window 0 +window-size+)
                (acl-peek-vector (handle-of channel) minimum pointer +window-size+ length))
              (cffi:mem-ref length :size)))))

;;; Here only what there is is copied, by the one thread that there is.
#-(or sbcl ecl ccl)
(defun peek-window (channel minimum)
  (cffi:with-foreign-objects ((data :pointer) (length :size))
    (let* ((status (acl-peek-input (handle-of channel) minimum data length))
           (count (min +window-size+ (cffi:mem-ref length :size))))
      (when (eql status 0)
        (copy-from-pointer (cffi:mem-ref data :pointer) (channel-input channel) 0 count))
      (values status count))))

(defun refill (socket channel &optional (minimum 1))
  "Waits until the window holds MINIMUM bytes. False at the end of the file, where it may hold fewer."
  (declare (type channel channel) (type index minimum))
  (give-back socket channel)
  (when (zerop (length (channel-input channel)))
    (setf (channel-input channel) (make-octets +window-size+)))
  (multiple-value-bind (status count) (peek-window channel minimum)
    (declare (type index count))
    (cond ((eql status 0)
           (setf (channel-end channel) count)
           (>= count minimum))
          ((eql status +end-of-file+) (note-end-of-file socket channel))
          (t (fail status socket)))))

(declaim (inline channel-next-byte))
(defun channel-next-byte (socket channel)
  "The next byte, or nil at the end of the file."
  (declare (type channel channel))
  (fast
    (let ((index (channel-index channel)))
      (when (or (< index (channel-end channel))
                (and (refill socket channel)
                     (progn (setf index (channel-index channel)) t)))
        (setf (channel-unread channel) 0
              (channel-index channel) (1+ index))
        (aref (channel-input channel) index)))))

;;; Characters

(defun decode-utf-8 (octets index end)
  "The code point at INDEX and the index behind it; nil where it is malformed or not all there."
  (declare (type octets octets) (type index index end))
  (fast
    (let ((lead (aref octets index)))
      (macrolet ((tail (n) `(let ((octet (aref octets (+ index ,n))))
                              (if (= (logand octet #xc0) #x80)
                                  (logand octet #x3f)
                                  (return-from decode-utf-8 nil))))
                 (sequence-of (n least form)
                   `(when (<= (+ index ,n) end)
                      (let ((code ,form))
                        (when (and (>= code ,least) (not (<= #xd800 code #xdfff)) (<= code #x10ffff))
                          (values code (+ index ,n)))))))
        (cond ((< lead #xc2) nil)
              ((< lead #xe0)
               (sequence-of 2 #x80 (logior (ash (logand lead #x1f) 6) (tail 1))))
              ((< lead #xf0)
               (sequence-of 3 #x800 (logior (ash (logand lead #x0f) 12) (ash (tail 1) 6) (tail 2))))
              ((< lead #xf5)
               (sequence-of 4 #x10000 (logior (ash (logand lead #x07) 18) (ash (tail 1) 12) (ash (tail 2) 6)
                                              (tail 3)))))))))

(defun library-char (socket channel no-hang)
  "The next character as the library decodes it, nil at the end of the file, :none where none is there yet."
  (give-back socket channel)
  (cffi:with-foreign-object (character :uint32)
    (let ((status (if no-hang
                      (acl-read-char-no-hang (handle-of channel) character)
                      (acl-read-char (handle-of channel) character))))
      (cond ((eql status 0)
             (setf (channel-unread channel) -1)
             (code-char (cffi:mem-ref character :uint32)))
            ((eql status +end-of-file+) (note-end-of-file socket channel))
            ((eql status +would-block+) :none)
            (t (fail status socket))))))

(defun window-char (socket channel)
  "The character that the window holds next and that is more than a byte, or the library's."
  (declare (type channel channel))
  (let ((index (channel-index channel)))
    (or (when (and (< index (channel-end channel)) (eq (channel-decoder channel) :utf-8))
          (multiple-value-bind (code next) (decode-utf-8 (channel-input channel) index (channel-end channel))
            (when code
              (setf (channel-index channel) next
                    (channel-unread channel) (- next index))
              (code-char code))))
        (library-char socket channel nil))))

(declaim (inline channel-next-char))
(defun channel-next-char (socket channel)
  "The next character, or nil at the end of the file."
  (declare (type channel channel))
  (fast
    (let ((index (channel-index channel)))
      ;; A format of the library's own is not for a window.
      (when (and (= index (channel-end channel)) (plusp (channel-read-limit channel)))
        (unless (refill socket channel)
          (return-from channel-next-char nil))
        (setf index (channel-index channel)))
      (if (< index (channel-end channel))
          (let ((octet (aref (channel-input channel) index)))
            (cond ((and (< octet (channel-read-limit channel))
                        (or (/= octet 13) (channel-plain-return channel)))
                   (setf (channel-index channel) (1+ index)
                         (channel-unread channel) 1)
                   (code-char octet))
                  (t (window-char socket channel))))
          (window-char socket channel)))))

(defun channel-unread-char (socket channel character)
  (declare (type channel channel))
  (let ((count (channel-unread channel)))
    (cond ((plusp count)
           (decf (channel-index channel) count))
          ((minusp count)
           (check (socket) (acl-unread-char (handle-of channel) (char-code character))))
          (t (refuse socket "unreading ~s, which was not just read from ~a" character socket)))
    (setf (channel-unread channel) 0)
    nil))

(defun channel-next-char-no-hang (socket channel)
  "The next character, nil at the end of the file, :none where none is there yet."
  (let ((index (channel-index channel)))
    (if (and (< index (channel-end channel))
             (< (aref (channel-input channel) index) (min 128 (channel-read-limit channel))))
        (channel-next-char socket channel)
        (library-char socket channel t))))

;;; Lines

(defun position-of-newline (octets start end)
  (declare (type octets octets) (type index start end))
  #+sbcl
  (with-octets-pointer (pointer octets start)
    (let ((found (sb-alien:alien-funcall
                  (sb-alien:extern-alien "memchr" (function sb-sys:system-area-pointer sb-sys:system-area-pointer
                                                            sb-alien:int sb-alien:unsigned-long))
                  pointer 10 (- end start))))
      (unless (= (sb-sys:sap-int found) 0)
        (+ start (the index (sb-sys:sap- found pointer))))))
  #-sbcl
  (position 10 octets :start start :end end))

#+(and sbcl 64-bit little-endian)
(defun widen (octets start string count)
  "Stores octets as the characters of a string, eight at a time. Whether all were below 128."
  (declare (type octets octets) (type (simple-array character (*)) string) (type index start count))
  (when (or (> (+ start count) (length octets)) (> count (length string)))
    (error "~d octets from ~d on are more than there are." count start))
  (sb-sys:with-pinned-objects (octets string)
    (locally (declare (optimize (speed 3) (safety 0) (debug 0)))
      (let ((source (sb-sys:sap+ (sb-sys:vector-sap octets) start))
            (target (sb-sys:vector-sap string))
            (at 0) (seen 0))
        (declare (type index at) (type (unsigned-byte 64) seen))
        (loop while (<= (+ at 8) count)
              do (let ((word (sb-sys:sap-ref-64 source at)))
                   (declare (type (unsigned-byte 64) word))
                   (setf seen (logior seen word))
                   ;; Two characters of 32 bits in each store.
                   (macrolet ((store (pair)
                                `(setf (sb-sys:sap-ref-64 target (+ (* 4 at) ,(* 8 pair)))
                                       (logior (ldb (byte 8 ,(* 16 pair)) word)
                                               (ash (ldb (byte 8 ,(+ 8 (* 16 pair))) word) 32)))))
                     (store 0) (store 1) (store 2) (store 3))
                   (incf at 8)))
        (loop while (< at count)
              do (let ((octet (sb-sys:sap-ref-8 source at)))
                   (setf seen (logior seen octet)
                         (sb-sys:sap-ref-32 target (* 4 at)) octet)
                   (incf at)))
        (not (logtest seen #x8080808080808080))))))

#-(and sbcl 64-bit little-endian)
(defun widen (octets start string count)
  "Stores octets as the characters of a string. Whether all were below 128."
  (declare (type octets octets) (type (simple-array character (*)) string) (type index start count))
  (fast
    (let ((seen 0))
      (declare (type octet seen))
      (dotimes (at count (< seen 128))
        (let ((octet (aref octets (+ start at))))
          (setf seen (logior seen octet)
                (schar string at) (code-char octet)))))))

(defun ascii-string (octets start end limit)
  "The string of octets that all are characters below LIMIT; nil where one is not."
  (declare (type octets octets) (type index start end) (type (integer 0 256) limit))
  (let ((string (make-string (- end start))))
    (when (or (widen octets start string (- end start)) (= limit 256))
      string)))

(defun channel-line (socket channel)
  "The next line, and whether the end of the file ended it; nil where there is none."
  (declare (type channel channel))
  ;; Most lines are in the window as a whole.
  (when (and (channel-plain-return channel) (plusp (channel-read-limit channel))
             (or (< (channel-index channel) (channel-end channel)) (refill socket channel)))
    (let* ((start (channel-index channel))
           (end (position-of-newline (channel-input channel) start (channel-end channel)))
           (line (and end (ascii-string (channel-input channel) start end (channel-read-limit channel)))))
      (when line
        (setf (channel-index channel) (1+ end)
              (channel-unread channel) 0)
        (return-from channel-line (values line nil)))))
  (let ((line (make-array 160 :element-type 'character :adjustable t :fill-pointer 0)))
    (loop
      (let ((character (channel-next-char socket channel)))
        (cond ((null character)
               (return (if (zerop (fill-pointer line))
                           (values nil t)
                           (values (coerce line 'simple-string) t))))
              ((char= character #\Newline)
               (return (values (coerce line 'simple-string) nil)))
              (t (vector-push-extend character line)))))))
