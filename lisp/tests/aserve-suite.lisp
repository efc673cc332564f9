;;;; AllegroServe's own tests, over the layer that ACL_SOCKET_LAYER names: "acl-socket", or "acl-compat" for the one
;;;; that Debian has with it. At its end it prints how many succeeded. lisp/tests/aserve.lisp runs both.

(load (merge-pathnames "begin.lisp" *load-truename*))

(defparameter *source* #p"/usr/share/common-lisp/source/aserve/")
(defparameter *fasls* (pathname (uiop:getenv "ACL_SOCKET_FASLS")))

(if (string= (uiop:getenv "ACL_SOCKET_LAYER") "acl-socket")
    (push (merge-pathnames "../aserve/" (make-pathname :name nil :type nil :version nil :defaults *load-truename*))
          asdf:*central-registry*)
    ;; The same files are compiled in other packages.
    (asdf:initialize-output-translations
     `(:output-translations
       ,@(loop for system in '("aserve" "acl-compat")
               collect `(,(format nil "/usr/share/common-lisp/source/~a/" system)
                         (,(merge-pathnames (format nil "over-acl-compat/~a/" system) *fasls*) :implementation)))
       (t (,*fasls* :implementation)) :ignore-inherited-configuration :disable-cache)))

(defvar cl-user::*do-aserve-test* nil)
(let ((*error-output* (make-broadcast-stream)))
  (handler-bind ((warning #'muffle-warning))
    (asdf:load-system "aserve")
    (asdf:load-system "aserve-test")))

;;; The tests look for their files beside the one that was loaded, and write into the present directory.
(defparameter *place*
  (uiop:ensure-directory-pathname (merge-pathnames (concatenate 'string "suite-" (uiop:getenv "ACL_SOCKET_LAYER")) *fasls*)))
(uiop:delete-directory-tree *place* :validate t :if-does-not-exist :ignore)
(ensure-directories-exist *place*)
(uiop:run-program (list "cp" "-r" (namestring (merge-pathnames "test/" *source*)) (namestring *place*)))
(uiop:chdir (merge-pathnames "test/" *place*))
(setf *default-pathname-defaults* (merge-pathnames "test/" *place*)
      net.aserve.test::*aserve-load-truename* (merge-pathnames "test/t-aserve.cl" *place*))

;;; This machine by another address than the loopback's, where the tests want to see two hosts.
(when (uiop:getenv "ACL_SOCKET_OTHER_ADDRESS")
  (fmakunbound 'net.aserve.test::long-site-name*)
  (defun net.aserve.test::long-site-name* ()
    (uiop:getenv "ACL_SOCKET_OTHER_ADDRESS")))

;;; The last pass is over SSL where there is a module of it. What comes with the tests expired in 2001.
(when (uiop:getenv "ACL_SOCKET_CERTIFICATE")
  (uiop:copy-file (uiop:getenv "ACL_SOCKET_CERTIFICATE") (merge-pathnames "test/server.pem" *place*))
  (provide "SSL"))

(handler-case (sb-ext:with-timeout 150 (net.aserve.test::test-aserve nil))
  (sb-ext:timeout () (format t "~&timed out~%")))
(finish-output)
(sb-ext:exit :code 0 :abort t)
