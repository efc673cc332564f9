;;;; Portable AllegroServe over acl-socket, on SBCL: it serves pages to curl, plain and over SSL, and passes all of its
;;;; own tests, of which its own layer passes fewer.

(load (merge-pathnames "begin.lisp" *load-truename*))
(push (merge-pathnames "../aserve/" (make-pathname :name nil :type nil :version nil :defaults *load-truename*))
      asdf:*central-registry*)

(let ((*error-output* (make-broadcast-stream)))
  (handler-bind ((warning #'muffle-warning))
    (asdf:load-system "aserve")))

(defpackage "ACL-SOCKET-ASERVE-TESTS"
  (:use "COMMON-LISP" "NET.ASERVE" "NET.HTML.GENERATOR"))
(in-package "ACL-SOCKET-ASERVE-TESTS")

(defvar *passed* 0)
(defvar *failed* 0)

(defun judge (name right &optional said)
  (if right
      (incf *passed*)
      (progn (incf *failed*)
             (format t "~&FAIL ~a: ~a~%" name said))))

(defun curl (&rest arguments)
  "What curl gets; where it is not content with how that came, what it says."
  (multiple-value-bind (got said status)
      (uiop:run-program (list* "curl" "-sS" "--max-time" "20" arguments)
                        :output :string :error-output :string :ignore-error-status t)
    (if (zerop status) got said)))

(defun try-server (name scheme wserver arguments)
  (let ((url (format nil "~a://localhost:~d" scheme (acl-socket:local-port (wserver-socket wserver)))))
    (flet ((get-page (path &rest more)
             (apply #'curl (append arguments more (list (concatenate 'string url path))))))
      (let ((said (get-page "/hello")))
        (judge (format nil "a page ~a" name) (search "Hello, curl" said) said))
      (let ((said (get-page "/long")))
        (judge (format nil "a long page ~a" name) (= (length said) 1000000) (length said)))
      ;; This one ends with the connection.
      (let ((said (get-page "/long" "--http1.0")))
        (judge (format nil "a long page of HTTP/1.0 ~a" name) (= (length said) 1000000) said))
      (let ((said (get-page "/echo" "--data" "question=42")))
        (judge (format nil "a form ~a" name) (search "42" said) said))
      (let ((said (get-page "/nowhere" "-o" "/dev/null" "-w" "%{http_code}")))
        (judge (format nil "no page ~a" name) (string= said "404") said)))))

(defun publish-pages (server)
  (publish :path "/hello" :content-type "text/plain" :server server
           :function (lambda (req ent)
                       (with-http-response (req ent)
                         (with-http-body (req ent)
                           (write-line "Hello, curl" (request-reply-stream req))))))
  (publish :path "/long" :content-type "text/plain" :server server
           :function (lambda (req ent)
                       (with-http-response (req ent)
                         (with-http-body (req ent)
                           (dotimes (i 10000)
                             (write-string (make-string 99 :initial-element #\x) (request-reply-stream req))
                             (terpri (request-reply-stream req)))))))
  (publish :path "/echo" :content-type "text/plain" :server server
           :function (lambda (req ent)
                       (with-http-response (req ent)
                         (with-http-body (req ent)
                           (format (request-reply-stream req) "~a" (request-query-value "question" req)))))))

(defun certificate (&rest addresses)
  "Two files, the first with the key too: a certificate for localhost, and for those addresses."
  (let ((directory (uiop:getenv "ACL_SOCKET_FASLS")))
    (flet ((file (name) (concatenate 'string directory name)))
      (uiop:run-program (list "openssl" "req" "-x509" "-newkey" "ec" "-pkeyopt" "ec_paramgen_curve:P-256" "-nodes"
                              "-keyout" (file "key.pem") "-out" (file "certificate.pem") "-days" "30"
                              "-subj" "/CN=localhost" "-addext"
                              (format nil "subjectAltName=DNS:localhost~{,IP:~a~}" addresses)))
      (with-open-file (out (file "both.pem") :direction :output :if-exists :supersede)
        (dolist (name '("key.pem" "certificate.pem"))
          (write-string (uiop:read-file-string (file name)) out)))
      (values (file "both.pem") (file "certificate.pem")))))

(let ((plain (start :port nil :host "127.0.0.1" :server :new :listeners 3)))
  (publish-pages plain)
  (try-server "plain" "http" plain '())
  (shutdown :server plain))

(multiple-value-bind (both certificate) (certificate)
  (let ((secure (start :port nil :host "127.0.0.1" :server :new :listeners 3 :ssl both)))
    (publish-pages secure)
    (try-server "over SSL" "https" secure (list "--cacert" certificate))
    (shutdown :server secure)))

;;; Its own tests, over both layers. They tell hosts apart by their addresses: 192.0.2.1 is a second one of this machine,
;;; in a network of the test's.
(defparameter *suite* (namestring (merge-pathnames "aserve-suite.lisp" *load-truename*)))
(defparameter *network* "ip link set lo up && ip address add 192.0.2.1/32 dev lo && exec \"$@\"")

(defun run-suite (layer network)
  (multiple-value-bind (both certificate) (certificate "127.0.0.1" "192.0.2.1")
    (uiop:run-program
     (append (and network (list "unshare" "-Urn" "sh" "-c" *network* "sh"))
             (list "env" (concatenate 'string "ACL_SOCKET_LAYER=" layer))
             (and network (list "ACL_SOCKET_OTHER_ADDRESS=192.0.2.1"))
             ;; The other layer has no SSL on SBCL.
             (and (string= layer "acl-socket")
                  (list (concatenate 'string "ACL_SOCKET_CERTIFICATE=" both)
                        (concatenate 'string "SSL_CERT_FILE=" certificate)))
             (list "timeout" "250" "sbcl" "--noinform" "--no-sysinit" "--no-userinit" "--non-interactive"
                   "--load" *suite*))
     :output :string :error-output :output :ignore-error-status t)))

(defun number-behind (words said)
  (let ((at (search words said :from-end t)))
    (if at
        (parse-integer said :start (+ at (length words)) :junk-allowed t)
        (error "it does not say ~s, but: ~a" words (subseq said (max 0 (- (length said) 2000)))))))

(let* ((network (eql 0 (nth-value 2 (ignore-errors
                                     (uiop:run-program (list "unshare" "-Urn" "sh" "-c" *network* "sh" "true")
                                                       :ignore-error-status t)))))
       (theirs (number-behind "Successes this test:" (run-suite "acl-compat" network)))
       (said (run-suite "acl-socket" network))
       (ours (number-behind "Successes this test:" said)))
  (format t "~&AllegroServe's own tests: ~d succeed, and over its own layer ~d~%" ours theirs)
  (judge "as many of AllegroServe's own tests as over its own layer" (>= ours theirs) said)
  (if network
      (judge "all of AllegroServe's own tests"
             (and (eql 0 (number-behind "Errors detected in this test:" said))
                  (search "test through ssl" said)
                  (notany (lambda (words) (search words said)) '("aborted by signalling" "timed out")))
             said)
      (format t "~&SKIP all of AllegroServe's own tests: no network of the test's own (unshare, ip)~%")))

(format t "~&~d passed, ~d failed in aserve~%" *passed* *failed*)
(finish-output)
(sb-ext:exit :code (if (zerop *failed*) 0 1) :abort t)
