;;;; Portable AllegroServe over acl-socket: a system that takes the place of its compatibility layer's own,
;;;; acl-compat. Threads, regular expressions and the like are that layer's files, where Debian's package
;;;; cl-acl-compat or ACL_COMPAT_SOURCE has them; sockets, chunking and SSL are acl-socket's. For SBCL.

(defsystem "acl-compat"
  :description "AllegroServe's compatibility layer with acl-socket's sockets"
  :depends-on ("acl-socket" "puri" "cl-ppcre" "ironclad" "cl-fad" "sb-posix")
  :serial t
  :components ((:file "packages")
               (:module "layer"
                :pathname #.(pathname (or (uiop:getenv "ACL_COMPAT_SOURCE")
                                         "/usr/share/common-lisp/source/acl-compat/"))
                :serial t
                :components ((:file "acl-mp" :pathname "sbcl/acl-mp")
                             (:file "acl-excl-common")
                             (:file "acl-excl" :pathname "sbcl/acl-excl")
                             (:file "acl-sys" :pathname "sbcl/acl-sys")))
               (:file "adopt"))
  :perform (load-op :after (operation system)
             (declare (ignore operation system))
             (pushnew :acl-compat *features*)))
