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
    (setf (channel-input channel) (make-octets (+ +window-size+ +octets-behind+))))
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

(defun utf-8-string (octets start end)
  "The string of octets in UTF-8; nil where they are malformed."
  (declare (type octets octets) (type index start end))
  (fast
    (let ((string (make-string (- end start))) (count 0))
      (declare (type index count))
      (loop while (< start end)
            do (let ((octet (aref octets start)))
                 (if (< octet 128)
                     (setf (schar string count) (code-char octet)
                           start (1+ start))
                     (multiple-value-bind (code next) (decode-utf-8 octets start end)
                       (unless code
                         (return-from utf-8-string nil))
                       (setf (schar string count) (code-char (the (integer 0 #x10ffff) code))
                             start (the index next))))
                 (incf count)))
      (subseq string 0 count))))

(defun window-line (socket channel)
  "The next line where the window holds it, or comes to, as a whole and translates it; nil otherwise."
  (declare (type channel channel))
  (loop
    (let* ((start (channel-index channel))
           (end (channel-end channel))
           (octets (channel-input channel)))
      (multiple-value-bind (found ascii) (if (< start end) (find-line-end octets start end) nil)
        (when found
          (let ((line (cond ((or ascii (= (channel-read-limit channel) 256))
                             (octets-string octets start found))
                            ((eq (channel-decoder channel) :utf-8)
                             (utf-8-string octets start found)))))
            (when line
              (setf (channel-index channel) (1+ (the index found))
                    (channel-unread channel) 0))
            (return line)))
        ;; Its end may be to come.
        (unless (and (< (- end start) +window-size+)
                     (refill socket channel (1+ (- end start))))
          (return nil))))))

(defun channel-line (socket channel)
  "The next line, and whether the end of the file ended it; nil where there is none."
  (declare (type channel channel))
  (let ((line (and (channel-plain-return channel) (plusp (channel-read-limit channel))
                   (window-line socket channel))))
    (if line
        (values line nil)
        (line-by-characters socket channel))))

(defun line-by-characters (socket channel)
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
