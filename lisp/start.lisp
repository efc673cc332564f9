;;;; Loads acl-socket into a REPL, from this source tree: sbcl --load lisp/start.lisp, ecl --load, clisp -i.

#-asdf
(handler-case (require "asdf")
  (error () (load "/usr/share/common-lisp/source/cl-asdf/build/asdf.lisp")))

#+ecl
;; Its own will do; it would compile another one that it finds.
(dolist (system '("asdf" "uiop"))
  (asdf:register-immutable-system system))

(pushnew (make-pathname :name nil :type nil :version nil :defaults *load-truename*) asdf:*central-registry*
         :test #'equal)

(let ((*compile-verbose* nil) (*load-verbose* nil))
  (handler-bind ((warning #'muffle-warning))
    (asdf:load-system "acl-socket")))

;; What is typed at the REPL finds the names of the specification.
(let ((names '()))
  (do-external-symbols (symbol "ACL-SOCKET")
    (push symbol names))
  (shadowing-import names "COMMON-LISP-USER"))
