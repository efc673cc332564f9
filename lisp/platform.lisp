;;;; What differs between Lisps: memory of vectors, interrupts, finalisers, time-outs of code.

(in-package "ACL-SOCKET")

(deftype octet () '(unsigned-byte 8))
(deftype octets () '(simple-array (unsigned-byte 8) (*)))
(deftype index () '(integer 0 #.(ash most-positive-fixnum -1)))

(defmacro fast (&body body)
  "Code that runs once per byte or character. Bounds are checked: two threads may meet in a stream."
  `(locally (declare (optimize (speed 3) (safety 1) (debug 0))
                     #+sbcl (sb-ext:muffle-conditions sb-ext:compiler-note))
     ,@body))

(declaim (inline make-octets))
(defun make-octets (size)
  (make-array size :element-type 'octet))

#-ecl
(defmacro without-interrupts (&body body)
  "Runs code that no other thread and no time-out makes leave in the middle. It must not wait."
  #+sbcl `(sb-sys:without-interrupts ,@body)
  #+ccl `(ccl:without-interrupts ,@body)
  #-(or sbcl ccl) `(progn ,@body))

#-ecl
(defmacro waiting (&body body)
  "Runs a call of the library that may wait, and that a thread may be made to leave."
  `(progn ,@body))

;;; Where a vector does not move, or can be kept from moving while others have their garbage collected, the library
;;; writes into it. CCL has no way for the latter.
#+(or sbcl ecl)
(progn
  (defmacro with-octets-pointer ((pointer octets start) &body body)
    "Runs BODY with POINTER to the octet at START of a simple octet vector."
    #+sbcl
    `(sb-sys:with-pinned-objects (,octets)
       (let ((,pointer (sb-sys:sap+ (sb-sys:vector-sap (the octets ,octets)) ,start)))
         ,@body))
    #-sbcl
    (let ((whole (gensym)))
      `(cffi:with-pointer-to-vector-data (,whole ,octets)
         (let ((,pointer (cffi:inc-pointer ,whole ,start)))
           ,@body))))

  (defmacro with-octets-to-fill ((pointer octets start count) &body body)
    "Runs BODY, which stores at POINTER what becomes COUNT octets from START on."
    (declare (ignore count))
    `(with-octets-pointer (,pointer ,octets ,start) ,@body))

  (defmacro with-octets-to-send ((pointer octets start count) &body body)
    "Runs BODY with COUNT octets from START on at POINTER."
    (declare (ignore count))
    `(with-octets-pointer (,pointer ,octets ,start) ,@body))

  (declaim (inline copy-from-pointer))
  (defun copy-from-pointer (pointer octets start count)
    "Copies COUNT octets from POINTER into a vector, from START on."
    #+sbcl
    (sb-kernel:%byte-blt (the sb-sys:system-area-pointer pointer) 0 (the octets octets)
                         (the index start) (the index (+ (the index start) (the index count))))
    #-sbcl
    (with-octets-pointer (target octets start)
      (cffi:foreign-funcall "memcpy" :pointer target :pointer pointer :size count :pointer))))

;;; Elsewhere octets are copied between the vector and foreign memory.
#-(or sbcl ecl)
(progn
  (defun copy-from-pointer (pointer octets start count)
    (unless (zerop count)
      #+clisp (replace octets (ffi:memory-as pointer (ffi:parse-c-type `(ffi:c-array ffi:uint8 ,count)))
                       :start1 start)
      #-clisp (dotimes (i count)
                (setf (aref octets (+ start i)) (cffi:mem-aref pointer :uint8 i))))
    octets)

  (defun copy-to-pointer (octets start count pointer)
    (unless (zerop count)
      #+clisp (setf (ffi:memory-as pointer (ffi:parse-c-type `(ffi:c-array ffi:uint8 ,count)))
                    (subseq octets start (+ start count)))
      #-clisp (dotimes (i count)
                (setf (cffi:mem-aref pointer :uint8 i) (aref octets (+ start i)))))
    pointer)

  (defmacro with-octets-to-fill ((pointer octets start count) &body body)
    (let ((n (gensym)))
      `(let ((,n ,count))
         (cffi:with-foreign-pointer (,pointer (max 1 ,n))
           ;; What BODY leaves alone shall stay.
           (copy-to-pointer ,octets ,start ,n ,pointer)
           (multiple-value-prog1 (progn ,@body)
             (copy-from-pointer ,pointer ,octets ,start ,n))))))

  (defmacro with-octets-to-send ((pointer octets start count) &body body)
    (let ((n (gensym)))
      `(let ((,n ,count))
         (cffi:with-foreign-pointer (,pointer (max 1 ,n))
           (copy-to-pointer ,octets ,start ,n ,pointer)
           ,@body)))))

(defun finalise (object function)
  "Has FUNCTION, which must not refer to OBJECT, called after OBJECT has gone."
  #+sbcl (sb-ext:finalize object function :dont-save t)
  #+ecl (ext:set-finalizer object (lambda (gone) (declare (ignore gone)) (funcall function)))
  #+clisp (ext:finalize object (lambda (gone) (declare (ignore gone)) (funcall function)))
  #+ccl (ccl:terminate-when-unreachable object (lambda (gone) (declare (ignore gone)) (funcall function)))
  #+abcl (ext:finalize object function)
  object)

(defun call-with-timeout (seconds late body)
  "Calls BODY, and after so many seconds leaves it and calls LATE."
  (when (> seconds 0)
    (let ((tag (list nil)))
      (catch tag
        (return-from call-with-timeout (call-and-leave tag seconds body)))))
  (funcall late))

#+sbcl
(defun call-and-leave (tag seconds body)
  (let* ((live t)
         (timer (sb-ext:make-timer (lambda () (when live (throw tag nil)))
                                   :thread sb-thread:*current-thread*)))
    (sb-ext:schedule-timer timer seconds)
    (unwind-protect (funcall body)
      (setf live nil)
      (sb-ext:unschedule-timer timer))))

#+ccl
(defun call-and-leave (tag seconds body)
  (let* ((live t)
         (process ccl:*current-process*))
    (ccl:process-run-function
     "time-out"
     (lambda ()
       (ccl:process-wait-with-timeout "time-out" (ceiling (* seconds ccl:*ticks-per-second*)) (lambda () (not live)))
       (when live
         (ccl:process-interrupt process (lambda () (when live (throw tag nil)))))))
    (unwind-protect (funcall body)
      (setf live nil))))

#-(or sbcl ecl ccl)
(defun call-and-leave (tag seconds body)
  (declare (ignore tag seconds body))
  (error "with-timeout needs a Lisp with threads. Use :read-timeout, :write-timeout and :connect-timeout."))

(defmacro with-timeout ((seconds &body timeout-body) &body body)
  "Runs BODY; where it is not done after so many seconds, leaves it and runs TIMEOUT-BODY instead.
Allegro: sys:with-timeout, mp:with-timeout."
  `(call-with-timeout ,seconds (lambda () ,@timeout-body) (lambda () ,@body)))

(defvar *epoch* 0
  "Which run of the Lisp image this is: handles of another one mean nothing here.")
(declaim (type fixnum *epoch*))

(defun call-at-start (function)
  "Has FUNCTION called when a saved image is started."
  #+sbcl (pushnew function sb-ext:*init-hooks*)
  #+clisp (pushnew function custom:*init-hooks*)
  #+ccl (pushnew function ccl:*lisp-startup-functions*)
  function)
