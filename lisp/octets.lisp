;;;; Octets many at a time: finding the end of a line, octets as characters and characters as octets. Where
;;;; SBCL compiles for x86-64 that is sixteen in a few instructions, elsewhere one after the other.

(in-package "ACL-SOCKET")

(defconstant +octets-behind+ 16
  "How many octets more than there are a vector has in which the end of a line is looked for.")

#+(and sbcl x86-64)
(eval-when (:compile-toplevel :execute)
  ;; Only what is compiled in this file uses them.
  (sb-c:defknown %newlines-of-16 (sb-sys:system-area-pointer (unsigned-byte 64)) (unsigned-byte 32) ()
    :overwrite-fndb-silently t)
  (sb-c:defknown %widen-16 (sb-sys:system-area-pointer sb-sys:system-area-pointer) (values) () :overwrite-fndb-silently t)
  (sb-c:defknown %narrow-16 (sb-sys:system-area-pointer sb-sys:system-area-pointer) (unsigned-byte 64) ()
    :overwrite-fndb-silently t)

  ;; A bit for each octet that is the one that PATTERN repeats, and behind these one for each from 128 on.
  (sb-c:define-vop (%newlines-of-16)
    (:translate %newlines-of-16)
    (:policy :fast-safe)
    (:args (source :scs (sb-vm::sap-reg)) (pattern :scs (sb-vm::unsigned-reg)))
    (:arg-types sb-sys:system-area-pointer sb-vm::unsigned-num)
    (:results (bits :scs (sb-vm::unsigned-reg) :from :eval))
    (:result-types sb-vm::unsigned-num)
    (:temporary (:sc sb-vm::int-sse-reg) octets newlines)
    (:temporary (:sc sb-vm::unsigned-reg) high)
    (:generator 6
      (sb-assem:inst movdqu octets (sb-vm::ea source))
      (sb-assem:inst pmovmskb high octets)
      (sb-assem:inst movq newlines pattern)
      (sb-assem:inst punpcklqdq newlines newlines)
      (sb-assem:inst pcmpeqb newlines octets)
      (sb-assem:inst pmovmskb bits newlines)
      (sb-assem:inst shl :dword high 16)
      (sb-assem:inst or :dword bits high)))

  ;; Sixteen octets become sixteen characters of 32 bits.
  (sb-c:define-vop (%widen-16)
    (:translate %widen-16)
    (:policy :fast-safe)
    (:args (source :scs (sb-vm::sap-reg)) (target :scs (sb-vm::sap-reg)))
    (:arg-types sb-sys:system-area-pointer sb-sys:system-area-pointer)
    (:temporary (:sc sb-vm::int-sse-reg) a b c zero)
    (:generator 10
      (sb-assem:inst movdqu a (sb-vm::ea source))
      (sb-assem:inst pxor zero zero)
      (sb-assem:inst movdqa b a)
      (sb-assem:inst punpcklbw a zero)
      (sb-assem:inst punpckhbw b zero)
      (sb-assem:inst movdqa c a)
      (sb-assem:inst punpcklwd a zero)
      (sb-assem:inst punpckhwd c zero)
      (sb-assem:inst movdqu (sb-vm::ea target) a)
      (sb-assem:inst movdqu (sb-vm::ea 16 target) c)
      (sb-assem:inst movdqa c b)
      (sb-assem:inst punpcklwd b zero)
      (sb-assem:inst punpckhwd c zero)
      (sb-assem:inst movdqu (sb-vm::ea 32 target) b)
      (sb-assem:inst movdqu (sb-vm::ea 48 target) c)))

  ;; Sixteen characters become octets, right where they are below 256; all of them or-ed, in two halves.
  (sb-c:define-vop (%narrow-16)
    (:translate %narrow-16)
    (:policy :fast-safe)
    (:args (source :scs (sb-vm::sap-reg)) (target :scs (sb-vm::sap-reg)))
    (:arg-types sb-sys:system-area-pointer sb-sys:system-area-pointer)
    (:results (seen :scs (sb-vm::unsigned-reg)))
    (:result-types sb-vm::unsigned-num)
    (:temporary (:sc sb-vm::int-sse-reg) a b c d all)
    (:generator 12
      (sb-assem:inst movdqu a (sb-vm::ea source))
      (sb-assem:inst movdqu b (sb-vm::ea 16 source))
      (sb-assem:inst movdqu c (sb-vm::ea 32 source))
      (sb-assem:inst movdqu d (sb-vm::ea 48 source))
      (sb-assem:inst movdqa all a)
      (sb-assem:inst por all b)
      (sb-assem:inst por all c)
      (sb-assem:inst por all d)
      (sb-assem:inst packssdw a b)
      (sb-assem:inst packssdw c d)
      (sb-assem:inst packuswb a c)
      (sb-assem:inst movdqu (sb-vm::ea target) a)
      (sb-assem:inst movdqa a all)
      (sb-assem:inst psrldq a 8)
      (sb-assem:inst por all a)
      (sb-assem:inst movq seen all))))

(defmacro without-checks (&body body)
  "BODY without any check: those that it needs have been made."
  `(locally (declare (optimize (speed 3) (safety 0) (debug 0))) ,@body))

(defun no-such-piece (start count size)
  (error "~d elements from ~d on are more than the ~d that there are." count start size))

(declaim (inline check-piece))
(defun check-piece (start count size)
  (declare (type index start count size))
  (when (> (+ start count) size)
    (no-such-piece start count size)))

(defun find-line-end (octets start end)
  "Where the first newline is, and whether all octets before it are below 128; nil where there is none. OCTETS
goes on for +octets-behind+ more than END."
  (declare (type octets octets) (type index start end))
  (check-piece end +octets-behind+ (length octets))
  #+(and sbcl x86-64)
  (sb-sys:with-pinned-objects (octets)
    (without-checks
      (let ((source (sb-sys:vector-sap octets)) (at start) (high 0))
        (declare (type index at) (type (unsigned-byte 32) high))
        (loop
          (when (>= at end)
            (return nil))
          (let* ((bits (%newlines-of-16 (sb-sys:sap+ source at) #x0a0a0a0a0a0a0a0a))
                 (newlines (ldb (byte 16 0) bits)))
            (declare (type (unsigned-byte 32) bits))
            (unless (zerop newlines)
              (let* ((before (1- (integer-length (logand newlines (- newlines)))))
                     (found (+ at before)))
                (declare (type (integer 0 15) before) (type index found))
                (return (when (< found end)
                          (values found
                                  (zerop (logior high (ldb (byte before 16) bits))))))))
            (setf high (logior high (ash bits -16))
                  at (+ at 16)))))))
  #-(and sbcl x86-64)
  (let ((found (position 10 octets :start start :end end)))
    (when found
      (values found
              (fast (loop for at of-type index from start below found
                          always (< (aref octets at) 128)))))))

(defun octets-string (octets start end)
  "A string of the characters whose codes the octets are."
  (declare (type octets octets) (type index start end))
  (check-piece start (- end start) (length octets))
  (let* ((count (- end start))
         (string (make-string count)))
    (declare (type index count))
    #+(and sbcl x86-64)
    (sb-sys:with-pinned-objects (octets string)
      (without-checks
        (let ((source (sb-sys:sap+ (sb-sys:vector-sap octets) start))
              (target (sb-sys:vector-sap string)))
          (flet ((widen (at)
                   (declare (type index at))
                   (%widen-16 (sb-sys:sap+ source at) (sb-sys:sap+ target (* 4 at)))))
            (declare (inline widen))
            (if (< count 16)
                (dotimes (at count)
                  (setf (sb-sys:sap-ref-32 target (* 4 at)) (sb-sys:sap-ref-8 source at)))
                (loop for at of-type index from 0 by 16
                      while (<= (+ at 16) count)
                      do (widen at)
                      ;; The last ones lie over those before.
                      finally (when (< at count)
                                (widen (- count 16)))))))))
    #-(and sbcl x86-64)
    (fast (dotimes (at count)
            (setf (schar string at) (code-char (aref octets (+ start at))))))
    string))

(defun narrow (string start count octets at limit)
  "Stores COUNT characters of a string as octets from AT on. False, with anything stored, where the code of one is
not below LIMIT, which is 128 or 256."
  (declare (type (simple-array character (*)) string) (type octets octets) (type index start count at)
           (type (integer 128 256) limit))
  (check-piece start count (length string))
  (check-piece at count (length octets))
  #+(and sbcl x86-64)
  (sb-sys:with-pinned-objects (octets string)
    (without-checks
      (let ((source (sb-sys:sap+ (sb-sys:vector-sap string) (* 4 start)))
            (target (sb-sys:sap+ (sb-sys:vector-sap octets) at))
            (done 0) (seen 0))
        (declare (type index done) (type (unsigned-byte 64) seen))
        (loop while (<= (+ done 16) count)
              do (setf seen (logior seen (%narrow-16 (sb-sys:sap+ source (* 4 done)) (sb-sys:sap+ target done)))
                       done (+ done 16)))
        (loop while (< done count)
              do (let ((code (sb-sys:sap-ref-32 source (* 4 done))))
                   (setf seen (logior seen code)
                         (sb-sys:sap-ref-8 target done) (ldb (byte 8 0) code)
                         done (1+ done))))
        (not (logtest seen (if (= limit 128) #xffffff80ffffff80 #xffffff00ffffff00))))))
  #-(and sbcl x86-64)
  (fast (dotimes (i count t)
          (let ((code (char-code (schar string (+ start i)))))
            (unless (< code limit)
              (return nil))
            (setf (aref octets (+ at i)) code)))))
