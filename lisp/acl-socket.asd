;;;; The sockets of Allegro Common Lisp over libacl_socket. README.md tells how to begin;
;;;; package.lisp what is exported, streams.lisp the way of a byte.

(defsystem "acl-socket"
  :description "The socket API of Allegro Common Lisp 9.0, over the library libacl_socket"
  :version "0.1.0"
  :licence "MIT"
  :depends-on ("cffi" "trivial-gray-streams")
  :serial t
  :components ((:file "package")
               (:file "platform")
               (:file "leaving")
               (:file "library")
               (:file "foreign")
               (:file "conditions")
               (:file "calls")
               (:file "addresses")
               (:file "classes")
               (:file "channel")
               (:file "octets")
               (:file "input")
               (:file "output")
               (:file "sequences")
               (:file "streams")
               (:file "sockets")
               (:file "control")
               (:file "datagrams")
               (:file "waiting")
               (:file "ssl")
               (:file "dns"))
  :in-order-to ((test-op (test-op "acl-socket/tests"))))

(defsystem "acl-socket/tests"
  :description "The tests of acl-socket, on every Lisp it is for"
  :depends-on ("acl-socket")
  :pathname "tests"
  :serial t
  :components ((:file "harness")
               (:file "addresses")
               (:file "sockets")
               (:file "streams")
               (:file "characters")
               (:file "octets")
               (:file "chunking")
               (:file "datagrams")
               (:file "conditions")
               (:file "waiting")
               (:file "ssl")
               (:file "ssl-options")
               (:file "dns")
               (:file "leaving")
               (:file "processes"))
  :perform (test-op (operation system)
             (declare (ignore operation system))
             (uiop:symbol-call '#:acl-socket-tests '#:run-tests)))
