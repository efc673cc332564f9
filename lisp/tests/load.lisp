;;;; Loads the tests and runs them.

(load (merge-pathnames "begin.lisp" *load-truename*))

(handler-bind ((warning #'muffle-warning))
  (funcall (intern "LOAD-SYSTEM" "ASDF") "acl-socket/tests"))

(let ((right (funcall (intern "RUN-TESTS" "ACL-SOCKET-TESTS"))))
  (finish-output)
  #+sbcl (sb-ext:exit :code (if right 0 1) :abort t)
  #+ecl (ext:quit (if right 0 1))
  #+clisp (ext:quit (if right 0 1)))
