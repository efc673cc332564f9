;;;; The tests' frame: tests with names, connections to test on, threads where the Lisp has them.

(defpackage "ACL-SOCKET-TESTS"
  (:use "COMMON-LISP" "ACL-SOCKET" "ACL-SOCKET.EXCL")
  (:shadowing-import-from "ACL-SOCKET.EXCL" "STREAM-EXTERNAL-FORMAT" "READ-SEQUENCE")
  #+clisp (:shadowing-import-from "ACL-SOCKET" "SOCKET-CONNECT")
  (:export "RUN-TESTS" "DEFTEST" "IS" "SIGNALS"))

(in-package "ACL-SOCKET-TESTS")

(defvar *tests* '())

(defmacro deftest (name &body body)
  "Defines a test, which fails when it signals an error, as IS does for what is not so. A name is
(NAME NEED...) where the test needs :THREADS, the certificates of a :PKI or a :NAMESERVER."
  (destructuring-bind (name &rest needs) (if (listp name) name (list name))
    `(progn
       (setf *tests* (append (remove ',name *tests* :key #'first)
                             (list (list ',name ',needs (lambda () ,@body)))))
       ',name)))

(defmacro is (form)
  "Fails unless FORM is true; tells what its arguments are."
  (if (and (consp form) (member (first form) '(= eql equal equalp string= eq > < >= <= typep)))
      (let ((values (loop for nil in (rest form) collect (gensym))))
        `(let ,(mapcar #'list values (rest form))
           (unless (,(first form) ,@values)
             (error "not so: ~s, where the arguments are~{ ~s~}" ',form (list ,@values)))))
      `(unless ,form
         (error "not so: ~s" ',form))))

(defmacro signals (condition &body body)
  "The condition of that type that BODY signals; fails where it signals none."
  `(block nil
     (handler-case (progn ,@body)
       (,condition (condition) (return condition)))
     (error "~s was not signalled by ~s" ',condition ',body)))

(defun identifier-of (thunk)
  (handler-case (progn (funcall thunk) nil)
    (stream-error (condition) (stream-error-identifier condition))))

(defmacro identifier (&body body)
  "The identifier of the error that BODY signals, nil for none."
  `(identifier-of (lambda () ,@body)))

(defun takes-keywords (function required keywords others)
  "Fails unless FUNCTION takes KEYWORDS, each of which may be nil, and neither OTHERS nor what is none."
  (flet ((refusal (keywords)
           (handler-case (progn (apply function (append required (loop for keyword in keywords collect keyword collect nil)))
                                nil)
             (stream-error () nil)
             (error (condition) condition))))
    (let ((condition (refusal keywords)))
      (when condition
        (error "~s does not take ~s: ~a" function keywords condition)))
    (dolist (keyword (cons :no-such-keyword others))
      (unless (refusal (list keyword))
        (error "~s takes ~s" function keyword)))))

;;; Threads

(defparameter *threads* #+(or (and sbcl sb-thread) (and ecl threads) ccl) t
                        #-(or (and sbcl sb-thread) (and ecl threads) ccl) nil)

(defstruct task thread values condition)

(defun in-thread (function)
  "Runs FUNCTION in a thread; FINISH waits for it."
  (declare (ignorable function))
  (let* ((task (make-task))
         (body (lambda ()
                 (handler-case (setf (task-values task) (multiple-value-list (funcall function)))
                   (error (condition) (setf (task-condition task) condition))))))
    (declare (ignorable body))
    (setf (task-thread task)
          #+(and sbcl sb-thread) (sb-thread:make-thread body)
          #+(and ecl threads) (mp:process-run-function "test" body)
          #+ccl (ccl:process-run-function "test" body)
          #-(or (and sbcl sb-thread) (and ecl threads) ccl) (error "no threads"))
    task))

(defun finish (task)
  "The values of a task; signals what it signalled."
  #+(and sbcl sb-thread) (sb-thread:join-thread (task-thread task) :default nil)
  #+(and ecl threads) (mp:process-join (task-thread task))
  #+ccl (ccl:join-process (task-thread task))
  (when (task-condition task)
    (error (task-condition task)))
  (values-list (task-values task)))

(defmacro thread (&body body)
  `(in-thread (lambda () ,@body)))

(defmacro within ((seconds) &body body)
  "Runs BODY, and fails when it takes longer, where the Lisp can tell."
  `(call-within ,seconds (lambda () ,@body)))

(defun call-within (seconds body)
  (if *threads*
      (with-timeout (seconds (error "not done in ~d seconds" seconds))
        (funcall body))
      (funcall body)))

;;; Sockets to test on

(defmacro with-sockets ((&rest bindings) &body body)
  "As LET*, with the sockets closed at the end."
  (if (null bindings)
      `(progn ,@body)
      (let ((socket (first (first bindings))))
        `(let (,(first bindings))
           (unwind-protect (with-sockets ,(rest bindings) ,@body)
             (when ,socket
               (ignore-errors (close ,socket :abort t))))))))

(defmacro with-connection ((client server &rest arguments) &body body)
  "Runs BODY with both ends of a TCP connection."
  (let ((passive (gensym "PASSIVE")))
    `(with-sockets ((,passive (make-socket :connect :passive :local-host "127.0.0.1"))
                    (,client (make-socket :remote-host "127.0.0.1" :remote-port (local-port ,passive) ,@arguments))
                    (,server (accept-connection ,passive)))
       ,@body)))

(defun send (stream text)
  (write-string text stream)
  (force-output stream))

(defun octets (&rest numbers)
  (make-array (length numbers) :element-type '(unsigned-byte 8) :initial-contents numbers))

(defun text (&rest parts)
  "A string of strings and codes of characters."
  (apply #'concatenate 'string
         (mapcar (lambda (part) (if (integerp part) (string (code-char part)) part)) parts)))

(defvar *crlf* (text 13 10))

(defmacro until (form)
  "Waits, at most 5 seconds, until FORM is true."
  `(loop repeat 500
         do (when ,form (return t))
            (sleep 0.01)
         finally (error "it did not come about: ~s" ',form)))

(defun target-file (name)
  "A file for the tests to write."
  (namestring (merge-pathnames name (pathname (uiop:getenv "ACL_SOCKET_FASLS")))))

(defun pki (name)
  "A file of the certificates that c-tests/make-pki makes, nil where there is none."
  (let ((directory (uiop:getenv "ACL_TEST_PKI")))
    (when directory
      (let ((file (format nil "~a/~a" directory name)))
        (and (probe-file file) file)))))

(defun open-descriptors ()
  "How many descriptors this process has open."
  (loop for descriptor below 1024
        count (>= (cffi:foreign-funcall "fcntl" :int descriptor :int 1 :int) 0)))

;;; Running

(defun run-tests (&optional (names nil))
  "Runs the tests and prints the totals in the last line. False where one failed."
  (let ((passed 0) (failed 0) (skipped 0) (begin (get-internal-real-time)))
    (loop for (name needs body) in *tests*
          do (cond ((and names (not (member name names))))
                   ((and (member :threads needs) (not *threads*))
                    (incf skipped)
                    (format t "~&SKIP ~(~a~): no threads in this ~a~%" name (lisp-implementation-type)))
                   ((and (member :pki needs) (not (pki "made")))
                    (incf skipped)
                    (format t "~&SKIP ~(~a~): no certificates in ACL_TEST_PKI~%" name))
                   ((and (member :nameserver needs) (not (uiop:getenv "ACL_SOCKET_NAMESERVER")))
                    (incf skipped)
                    (format t "~&SKIP ~(~a~): no nsd, the name server~%" name))
                   (t
                    ;; So that the last one is known when the whole does not end.
                    (format t "~&~(~a~)~%" name)
                    (force-output)
                    (handler-case (progn (within (60) (funcall body))
                                         (incf passed))
                      (error (condition)
                        (incf failed)
                        (format t "~&FAIL ~(~a~): ~a~%" name condition)))
                    (force-output))))
    (format t "~&~d passed, ~d failed~@[, ~d skipped~] in ~,1f s on ~a ~a~%"
            passed failed (and (plusp skipped) skipped)
            (/ (- (get-internal-real-time) begin) internal-time-units-per-second)
            (lisp-implementation-type) (subseq (lisp-implementation-version) 0
                                               (position #\Space (lisp-implementation-version))))
    (zerop failed)))
