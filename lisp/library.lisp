;;;; Finding, loading and checking the library itself.

(in-package "ACL-SOCKET")

(eval-when (:compile-toplevel :load-toplevel :execute)
  (defparameter *library-version* "0.1"
    "The version of the library that this system is for: its first two numbers."))

(defvar *library* nil
  "The file of the library that was loaded.")

(defun library-candidates ()
  "Where the library is looked for: the file that ACL_SOCKET_LIBRARY names, or this source tree and the
system's places."
  (let ((named (uiop:getenv "ACL_SOCKET_LIBRARY")))
    (if (and named (string/= named ""))
        (list named)
        (let ((built (ignore-errors
                      (probe-file (asdf:system-relative-pathname "acl-socket"
                                                                 "../target/dist/libacl_socket.so.0")))))
          (append (when built (list (uiop:native-namestring built)))
                  (list "libacl_socket.so.0"))))))

(defmacro call-by-pointer (name &rest arguments)
  "Calls a function that may not be there when this is loaded."
  `(cffi:foreign-funcall-pointer (cffi:foreign-symbol-pointer ,name) () ,@arguments))

(defun check-library-version ()
  (let* ((number (call-by-pointer "acl_library_version" :uint32))
         (version (format nil "~d.~d" (ldb (byte 8 16) number) (ldb (byte 8 8) number))))
    (unless (string= version *library-version*)
      (error "~a is version ~a.~d of libacl_socket, and this system is for version ~a. Install that one, ~
              or name it by the environment variable ACL_SOCKET_LIBRARY."
             *library* version (ldb (byte 8 0) number) *library-version*))))

(defun load-library ()
  (let ((reasons '()))
    (dolist (candidate (library-candidates)
                       (error "libacl_socket was not found. Build it with `make`, install it with `make install`, ~
                               or name it by the environment variable ACL_SOCKET_LIBRARY. Tried:~{~%  ~a~}"
                              (nreverse reasons)))
      (handler-case
          (progn (cffi:load-foreign-library candidate)
                 (setf *library* candidate)
                 (return))
        (cffi:load-foreign-library-error (problem)
          (push (format nil "~a: ~a" candidate (substitute #\Space #\Newline (princ-to-string problem)))
                reasons)))))
  (unless (cffi:foreign-symbol-pointer "acl_library_version")
    (error "~a is no libacl_socket: it has no acl_library_version." *library*))
  (begin-run))

(defun begin-run ()
  "What is to be done when the library is new to this process."
  (check-library-version)
  ;; Here threads do leave calls in the middle.
  (call-by-pointer "acl_set_non_local_exits" :int32 1 :int32)
  (incf *epoch*))

;;; SBCL opens the libraries of a saved image by itself.
(unless *library*
  (load-library)
  (call-at-start #+sbcl 'begin-run #-sbcl 'load-library))
