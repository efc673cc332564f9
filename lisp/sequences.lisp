;;;; Reading and writing many at a time: sequences, and Allegro's read-vector and write-vector.

(in-package "ACL-SOCKET")

(defun copy-window (channel octets start end)
  "Copies what the window holds, at most to END, and returns where it ends."
  (declare (type channel channel) (type octets octets) (type index start end))
  (let* ((index (channel-index channel))
         (count (min (- end start) (max 0 (- (channel-end channel) index)))))
    (unless (zerop count)
      (replace octets (channel-input channel) :start1 start :start2 index :end2 (+ index count))
      (setf (channel-index channel) (+ index count)
            (channel-unread channel) 0))
    (+ start count)))

#+(or sbcl ecl ccl)
(defun await-input (socket channel)
  "Waits until there may be something to read; where that is for the library to say, in the window."
  (declare (type channel channel))
  (if (or (channel-secure channel) (channel-read-timeout channel))
      (refill socket channel)
      (wait-by-library (list socket) nil)))

#+(or sbcl ecl ccl)
(defun read-straight (socket channel octets start end partial)
  "Reads octets from the library, or from the system, into their place. The call does not wait and is not left, so
that nothing is lost that it has taken."
  (declare (type channel channel) (type octets octets) (type index start end))
  (give-back socket channel)
  (let ((at start) (handle (handle-of channel)))
    (declare (type index at))
    (cffi:with-foreign-object (length :size)
      (loop
        (let ((status 0) (start at))
          (with-octets-to-fill (pointer octets start (- end start))
            (without-interrupts
              (setf status (acl-read-vector-no-hang handle pointer (- end start) length))
              (incf at (the index (cffi:mem-ref length :size)))))
          (cond ((eql status 0)
                 (when (or partial (= at end))
                   (return at)))
                ((eql status +would-block+)
                 (await-input socket channel)
                 ;; What the window shows is the library's still.
                 (give-back socket channel))
                ((eql status +end-of-file+)
                 (note-end-of-file socket channel)
                 (return at))
                (t (fail status socket))))))))

;;; Nobody leaves a call here, and a vector is copied for each.
#-(or sbcl ecl ccl)
(defun read-straight (socket channel octets start end partial)
  (give-back socket channel)
  (cffi:with-foreign-object (length :size)
    (let ((status (with-octets-to-fill (pointer octets start (- end start))
                    (acl-read-sequence (handle-of channel) pointer (- end start) (if partial 1 0) length))))
      (cond ((eql status 0))
            ((eql status +end-of-file+) (note-end-of-file socket channel))
            (t (fail status socket)))
      (+ start (cffi:mem-ref length :size)))))

(defun read-octets (socket channel octets start end partial)
  "Reads octets and returns where they end: END, or before it at the end of the file, and with PARTIAL after
what is there, at least one."
  (declare (type channel channel) (type octets octets) (type index start end))
  (let ((at (copy-window channel octets start end)))
    (declare (type index at))
    (cond ((or (= at end) (and partial (> at start))) at)
          ;; What is large goes straight into the vector.
          ((>= (- end at) (floor +window-size+ 2))
           (read-straight socket channel octets at end partial))
          (t
           (loop
             (unless (refill socket channel)
               (return at))
             (setf at (copy-window channel octets at end))
             (when (or partial (= at end))
               (return at)))))))

(defun read-characters (socket channel string start end partial)
  "The same of characters."
  (declare (type channel channel) (type string string) (type index start end))
  (let ((at start))
    (declare (type index at))
    (loop while (< at end)
          do (let ((character (if (and partial (> at start))
                                  (channel-next-char-no-hang socket channel)
                                  (channel-next-char socket channel))))
               (unless (characterp character)
                 (return))
               (setf (char string at) character)
               (incf at)))
    at))

(defun octet-vector-p (sequence)
  (typep sequence 'octets))

(defun element-of-octet (sequence octet)
  "What an octet is in a sequence that is no vector of octets."
  (if (and (> octet 127) (vectorp sequence) (same-type-p (array-element-type sequence) '(signed-byte 8)))
      (- octet 256)
      octet))

(defun read-elements (socket channel sequence start end partial)
  "The same of a sequence of any other kind: octets as numbers, or characters where it holds them."
  (let ((at start))
    (loop while (< at end)
          do (when (and partial (> at start) (= (channel-index channel) (channel-end channel))
                        (not (stream-listen-p socket channel)))
               (return))
             (let ((octet (channel-next-byte socket channel)))
               (unless octet
                 (return))
               (setf (elt sequence at) (element-of-octet sequence octet))
               (incf at)))
    at))

(defun read-into (socket sequence start end partial)
  (let ((channel (socket-channel socket))
        (start (or start 0))
        (end (or end (length sequence))))
    (when (or (minusp start) (> end (length sequence)) (> start end))
      (refuse socket "reading into elements ~d to ~d of ~d" start end (length sequence)))
    (cond ((= start end) start)
          ((octet-vector-p sequence) (read-octets socket channel sequence start end partial))
          ((stringp sequence) (read-characters socket channel sequence start end partial))
          (t (read-elements socket channel sequence start end partial)))))

(defun write-from (socket sequence start end)
  (let ((channel (socket-channel socket))
        (start (or start 0))
        (end (or end (length sequence))))
    (when (or (minusp start) (> end (length sequence)) (> start end))
      (refuse socket "writing elements ~d to ~d of ~d" start end (length sequence)))
    (cond ((= start end))
          ((stringp sequence) (write-characters socket channel sequence start end))
          ((octet-vector-p sequence) (write-octets socket channel sequence start end))
          (t
           (let ((index start))
             (map nil (lambda (element)
                        (incf index)
                        (if (characterp element)
                            (write-character socket channel element)
                            (write-octet socket channel (ldb (byte 8 0) (the (integer -128 255) element)))))
                  (if (and (zerop start) (= end (length sequence))) sequence (subseq sequence start end))))))
    sequence))

(defun write-octets (socket channel octets start end)
  (declare (type channel channel) (type octets octets) (type index start end))
  (let ((count (- end start)))
    (unless (zerop count)
      (when (zerop (length (channel-output channel)))
        (begin-gathering socket channel))
      (cond ((<= (+ (channel-fill channel) count) (length (channel-output channel)))
             (replace (channel-output channel) octets :start1 (channel-fill channel) :start2 start :end2 end)
             (incf (channel-fill channel) count))
            (t
             (hand-over socket channel)
             (if (< count (length (channel-output channel)))
                 (progn
                   (replace (channel-output channel) octets :start2 start :end2 end)
                   (setf (channel-fill channel) count))
                 (hand-over-octets socket channel octets start end))))
      (setf (channel-line-start channel) (eql (aref octets (1- end)) 10)))
    octets))

(defun read-sequence (sequence stream &key (start 0) end partial-fill)
  "As in the standard; with PARTIAL-FILL it waits for the first element only and takes what is there.
Allegro: the same."
  (if (typep stream 'active-stream-socket)
      (read-into stream sequence start end partial-fill)
      (cl:read-sequence sequence stream :start start :end end)))

;;; read-vector and write-vector count octets, of elements of any width.

(defun element-width (vector)
  "The octets of an element of a specialised vector."
  (loop for width in '(1 2 4 8)
        when (or (same-type-p (array-element-type vector) `(unsigned-byte ,(* 8 width)))
                 (same-type-p (array-element-type vector) `(signed-byte ,(* 8 width))))
          return width
        finally (error "~s is no vector of octets, or of integers of 16, 32 or 64 bits." (type-of vector))))

(defun same-type-p (one other)
  (and (subtypep one other) (subtypep other one)))

(defun swap-mask (endian-swap width)
  "What the address of an octet in memory is exclusive-ored with."
  (etypecase endian-swap
    (null 0)
    ((integer 0 7) endian-swap)
    ((eql :byte-8) 0)
    ((eql :byte-16) 1)
    ((eql :byte-32) 3)
    ((eql :byte-64) 7)
    ((member :network-order t) #+big-endian 0 #-big-endian (1- width))))

(defun vector-octet (vector index width mask)
  (multiple-value-bind (element octet) (floor (logxor index mask) width)
    (ldb (byte 8 (* 8 octet)) (aref vector element))))

(defun (setf vector-octet) (value vector index width mask)
  (multiple-value-bind (element octet) (floor (logxor index mask) width)
    (let* ((bits (* 8 width))
           (unsigned (dpb value (byte 8 (* 8 octet)) (ldb (byte bits 0) (aref vector element)))))
      (setf (aref vector element)
            (if (and (logbitp (1- bits) unsigned)
                     (same-type-p (array-element-type vector) `(signed-byte ,bits)))
                (- unsigned (ash 1 bits))
                unsigned))
      value)))

(defun read-vector (sequence stream &key (start 0) end endian-swap)
  "Reads what is there, waiting for the first octet only, and returns where it ends; START at the end of the
file. START and END count octets; of a string they count characters. Allegro: excl:read-vector."
  (check-type sequence vector)
  (let ((channel (socket-channel stream)))
    (cond ((stringp sequence)
           (read-characters stream channel sequence start (or end (length sequence)) t))
          ((and (octet-vector-p sequence) (member endian-swap '(nil 0 :byte-8 :network-order)))
           (read-octets stream channel sequence start (or end (length sequence)) t))
          (t
           (let* ((width (element-width sequence))
                  (mask (swap-mask endian-swap width))
                  (end (or end (* width (length sequence))))
                  (octets (make-octets (- end start)))
                  (count (read-octets stream channel octets 0 (- end start) t)))
             (dotimes (i count (+ start count))
               (setf (vector-octet sequence (+ start i) width mask) (aref octets i))))))))

(defun write-vector (sequence stream &key (start 0) end endian-swap)
  "Writes octets, or the characters of a string, and returns where it came. Allegro: excl:write-vector."
  (check-type sequence vector)
  (let ((channel (socket-channel stream)))
    (cond ((stringp sequence)
           (let ((end (or end (length sequence))))
             (write-characters stream channel sequence start end)
             end))
          ((and (octet-vector-p sequence) (member endian-swap '(nil 0 :byte-8 :network-order)))
           (let ((end (or end (length sequence))))
             (write-octets stream channel sequence start end)
             end))
          (t
           (let* ((width (element-width sequence))
                  (mask (swap-mask endian-swap width))
                  (end (or end (* width (length sequence))))
                  (octets (make-octets (- end start))))
             (dotimes (i (- end start))
               (setf (aref octets i) (vector-octet sequence (+ start i) width mask)))
             (write-octets stream channel octets 0 (- end start))
             end)))))
