;;;; Other processes of the same Lisp: saved images, and a library of another version.

(in-package "ACL-SOCKET-TESTS")

(defparameter *tests-directory* (asdf:system-relative-pathname "acl-socket" "tests/"))

(defun run-lisp (&rest forms)
  "Runs another Lisp that evaluates FORMS, texts, after tests/begin.lisp. Returns its output."
  (let ((script (target-file "script.lisp")))
    (with-open-file (out script :direction :output :if-exists :supersede)
      (format out "(load ~s)~%~{(handler-bind ((warning (function muffle-warning))) ~a)~%~}"
              (namestring (merge-pathnames "begin.lisp" *tests-directory*)) forms))
    (run #+sbcl (list "sbcl" "--noinform" "--no-sysinit" "--no-userinit" "--non-interactive" "--load" script)
         #+ecl (list "ecl" "--norc" "--load" script "--eval" "(ext:quit 2)")
         #+clisp (list "clisp" "-norc" "-q" "-on-error" "exit" script))))

(defun run (command)
  (uiop:run-program (cons "timeout" (cons "60" command))
                    :output :string :error-output :output :ignore-error-status t))

;;; ECL saves no images.
#-ecl
(deftest saved-images
  (let* ((image (target-file "image.mem"))
         (output
           (progn
             (ignore-errors (delete-file image))
             (run-lisp
              "(asdf:load-system \"acl-socket\")"
              "(defvar cl-user::*p* (acl-socket:make-socket :connect :passive :local-host \"127.0.0.1\"))"
              "(defvar cl-user::*c* (acl-socket:make-socket :remote-host \"127.0.0.1\"
                                                            :remote-port (acl-socket:local-port cl-user::*p*)))"
              "(defvar cl-user::*s* (acl-socket:accept-connection cl-user::*p*))"
              "(write-line \"one\" cl-user::*c*) (write-line \"two\" cl-user::*c*) (force-output cl-user::*c*)"
              "(read-line cl-user::*s*) (write-string \"gathered\" cl-user::*s*)"
              #+sbcl (format nil "(sb-ext:save-lisp-and-die ~s)" image)
              #+clisp (format nil "(ext:saveinitmem ~s :quiet t :norc t)" image)))))
    (unless (probe-file image)
      (error "no image was saved: ~a" output))
    (let* ((forms "(progn
  (flet ((answer (function) (handler-case (progn (funcall function) :nothing)
                              (stream-error (c) (acl-socket:stream-error-identifier c)))))
    (print (list :old (answer (lambda () (read-line cl-user::*c*)))
                 (answer (lambda () (write-line \"x\" cl-user::*s*) (force-output cl-user::*s*)))
                 (answer (lambda () (acl-socket:accept-connection cl-user::*p*)))
                 (stringp (princ-to-string cl-user::*c*)))))
  (let* ((p (acl-socket:make-socket :connect :passive :local-host \"127.0.0.1\"))
         (c (acl-socket:make-socket :remote-host \"127.0.0.1\" :remote-port (acl-socket:local-port p)))
         (s (acl-socket:accept-connection p)))
    (write-line \"new\" c)
    (close c)
    ;; The run is another one: a handle of before is none of the new ones, and calls may be left.
    (print (list :got (read-line s) (cffi:foreign-funcall \"acl_get_non_local_exits\" :int32)
                 (handler-case (acl-socket:local-port cl-user::*p*) (stream-error () :closed)))))
  (finish-output)
  #+sbcl (sb-ext:exit :abort t) #+clisp (ext:quit 0))")
           (answer #+sbcl (run (list "sbcl" "--noinform" "--core" image "--no-sysinit" "--no-userinit"
                                     "--non-interactive" "--eval" forms))
                   #+clisp (run (list "clisp" "-q" "-norc" "-M" image "-x" forms))))
      (ignore-errors (delete-file image))
      (unless (and (search "(:OLD :CLOSED :CLOSED :CLOSED T)" (substitute #\Space #\Newline answer))
                   (search "(:GOT \"new\" 1 :CLOSED)" answer))
        (error "the image said: ~a" answer)))))

(deftest dropped-sockets-are-reported
  ;; Another process, because a thread of its own may do it, with the global values.
  (flet ((said (warn)
           (run-lisp
            "(asdf:load-system \"acl-socket\")"
            (format nil "(setf acl-socket:*warn-about-dropped-sockets* ~s acl-socket:*print-hostname-in-stream* nil)" warn)
            "(progn
               (defun cl-user::drop ()
                 (dotimes (i 50) (acl-socket:make-socket :type :datagram))
                 (close (acl-socket:make-socket :connect :passive))
                 nil)
               (cl-user::drop)
               (dotimes (i 20)
                 (make-list 100000)
                 #+sbcl (sb-ext:gc :full t) #+ecl (ext:gc t) #+clisp (ext:gc)
                 (sleep 0.02))
               (format t \"~&done~%\") (finish-output)
               #+sbcl (sb-ext:exit :abort t) #+ecl (ext:quit 0) #+clisp (ext:quit 0))")))
    (let ((output (said t)))
      (unless (and (search "A socket was dropped without being closed: #<multivalent datagram socket" output)
                   (search "done" output)
                   (not (search "stream socket" output)))
        (error "it said: ~a" output)))
    (let ((output (said nil)))
      (unless (and (search "done" output) (not (search "dropped" output)))
        (error "it said: ~a" output)))))

(deftest library-of-another-version
  (let ((source (target-file "other.c")) (library (target-file "libother.so")))
    (with-open-file (out source :direction :output :if-exists :supersede)
      (format out "unsigned acl_library_version(void) { return 0x00630100; }~%"))
    (uiop:run-program (list "cc" "-shared" "-fPIC" "-o" library source))
    (let ((output (run-lisp
                   (format nil "(setf (uiop:getenv \"ACL_SOCKET_LIBRARY\") ~s)" library)
                   "(handler-case (asdf:load-system \"acl-socket\")
                      (error (c) (print :refused) (princ c) (terpri) (finish-output)
                        #+sbcl (sb-ext:exit :abort t) #+ecl (ext:quit 0) #+clisp (ext:quit 0)))")))
      (unless (and (search ":REFUSED" output) (search "is version 99.1.0 of libacl_socket" output))
        (error "it said: ~a" output)))))

(deftest library-that-is-missing
  (let ((output (run-lisp
                 "(setf (uiop:getenv \"ACL_SOCKET_LIBRARY\") \"/no/such/library.so\")"
                 "(handler-case (asdf:load-system \"acl-socket\")
                    (error (c) (princ c) (terpri) (finish-output)
                      #+sbcl (sb-ext:exit :abort t) #+ecl (ext:quit 0) #+clisp (ext:quit 0)))")))
    (unless (search "was not found" output)
      (error "it said: ~a" output))))
