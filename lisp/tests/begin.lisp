;;;; Makes ASDF ready in any Lisp, as the environment says that lisp/tests/run sets. ASDF is the Lisp's own, or
;;;; Debian's, compiled once.

(setf *compile-verbose* nil *compile-print* nil *load-verbose* nil)

(flet ((variable (name)
         #+sbcl (sb-ext:posix-getenv name)
         #+(or ecl clisp) (ext:getenv name)))
  (let ((fasls (variable "ACL_SOCKET_FASLS")))
    #+clisp
    (let ((asdf (concatenate 'string fasls "asdf.fas")))
      (unless (probe-file asdf)
        (compile-file (variable "ACL_SOCKET_ASDF") :output-file asdf))
      (load asdf))
    #-clisp
    (require "asdf")
    #+ecl
    ;; Otherwise it would compile Debian's first.
    (dolist (system '("asdf" "uiop"))
      (funcall (intern "REGISTER-IMMUTABLE-SYSTEM" "ASDF") system))
    (set (intern "*CENTRAL-REGISTRY*" "ASDF")
         (list (merge-pathnames "../" (make-pathname :name nil :type nil :version nil :defaults *load-truename*))))
    (funcall (intern "INITIALIZE-OUTPUT-TRANSLATIONS" "ASDF")
             `(:output-translations (t (,(pathname fasls) :implementation)) :ignore-inherited-configuration
                                    :disable-cache))
    (funcall (intern "INITIALIZE-SOURCE-REGISTRY" "ASDF")
             '(:source-registry (:tree "/usr/share/common-lisp/source/") :ignore-inherited-configuration))))
