;;;; SSL streams, contexts and certificates.

(in-package "ACL-SOCKET-TESTS")

(defun ssl-there-p ()
  (and (cffi:foreign-symbol-pointer "acl_make_ssl_client_stream") t))

(defvar *certificate* nil)

(defun certificate ()
  "The file of a certificate for localhost and its key, made anew."
  (or *certificate*
      (let ((key (target-file "key.pem")) (certificate (target-file "certificate.pem")) (both (target-file "both.pem")))
        (uiop:run-program (list "openssl" "req" "-x509" "-newkey" "ec" "-pkeyopt" "ec_paramgen_curve:P-256" "-nodes"
                                "-keyout" key "-out" certificate "-days" "30" "-subj" "/CN=localhost/O=Frisky"
                                "-addext" "subjectAltName=DNS:localhost,IP:127.0.0.1"))
        (with-open-file (out both :direction :output :if-exists :supersede)
          (dolist (file (list key certificate))
            (write-string (uiop:read-file-string file) out)))
        (setf *certificate* both))))

(defmacro define-ssl-test (name &body body)
  "A test with threads, because one thread cannot be both ends of a handshake."
  `(deftest (,name :threads :ssl) ,@body))

(defmacro with-ssl ((client server &key client-arguments server-arguments) &body body)
  "Runs BODY with the plain ends, of which SERVER is made one over SSL; CLIENT is made so by CLIENT-ARGUMENTS."
  (let ((passive (gensym)) (plain-client (gensym)) (plain-server (gensym)))
    `(with-sockets ((,passive (make-socket :connect :passive :local-host "127.0.0.1"))
                    (,plain-client (make-socket :remote-host "localhost" :remote-port (local-port ,passive)))
                    (,plain-server (accept-connection ,passive))
                    (,server (make-ssl-server-stream ,plain-server ,@(or server-arguments
                                                                         '(:certificate (certificate)))))
                    (,client (make-ssl-client-stream ,plain-client ,@client-arguments)))
       ,@body)))

(define-ssl-test ssl-streams
  (with-ssl (client server :client-arguments (:ca-file (certificate)))
    (let ((echo (thread (let ((line (read-line server)))
                          (write-line (string-upcase line) server)
                          (force-output server)
                          (get-ssl-peer-certificate server)))))
      (is (typep client 'socket-stream-internet-active))
      (write-line (text "over ssl " 233) client)
      (force-output client)
      (is (string= (read-line client) (string-upcase (text "over ssl " 233))))
      (is (null (finish echo))))
    (is (equal (multiple-value-list (get-ssl-verify-result client)) '(0 "ok")))
    (let ((certificate (get-ssl-peer-certificate client)))
      (is (eq certificate (get-ssl-peer-certificate client)))
      (is (typep certificate 'x509-certificate))
      (is (eq (x509-certificate-version certificate) :v3))
      (is (plusp (x509-certificate-serial-number certificate)))
      (is (equal (x509-certificate-subject certificate) '(("CN" . "localhost") ("O" . "Frisky"))))
      (is (equal (x509-certificate-issuer certificate) (x509-certificate-subject certificate)))
      (is (equal (x509-certificate-subject-alt-name certificate) '(("DNS" . "localhost") ("IP Address" . "127.0.0.1"))))
      (is (< (- (get-universal-time) 86500) (x509-certificate-not-before certificate) (1+ (get-universal-time))))
      (is (= (- (x509-certificate-not-after certificate) (x509-certificate-not-before certificate)) (* 30 86400)))
      (setf (x509-certificate-version certificate) :v1)
      (is (eq (x509-certificate-version certificate) :v1)))
    (let ((data (pattern 300000)) (got (make-array 300000 :element-type '(unsigned-byte 8))))
      (let ((writer (thread (write-sequence data server) (force-output server))))
        (is (= (cl:read-sequence got client) 300000))
        (finish writer)
        (is (equalp data got))))
    (close server)
    (is (null (read-char client nil)))))

(define-ssl-test ssl-verification
  (with-ssl (client server)
    ;; The system does not trust the test's certificate.
    (let ((task (thread (identifier (ssl-do-handshake server)))))
      (signals ssl-error (ssl-do-handshake client))
      (is (not (null (finish task))))))
  (with-ssl (client server :client-arguments (:verify nil))
    (let ((task (thread (ssl-do-handshake server))))
      (is (eq (ssl-do-handshake client) t))
      (is (eq (finish task) t))
      (is (/= 0 (get-ssl-verify-result client)))))
  (with-ssl (client server :client-arguments (:ca-file (certificate) :server-name "other.example"))
    (let ((task (thread (identifier (ssl-do-handshake server)))))
      (is (eq (stream-error-identifier (signals ssl-error (ssl-do-handshake client))) :ssl-host-mismatch))
      (finish task))))

(define-ssl-test ssl-contexts
  (let ((server-context (make-ssl-server-context :certificate (certificate) :method :tlsv1.2+))
        (client-context (make-ssl-client-context :ca-file (certificate) :method '(:tlsv1.3))))
    (is (typep server-context 'ssl-context))
    (dotimes (i 3)
      (with-ssl (client server :server-arguments (:context server-context) :client-arguments (:context client-context))
        (let ((task (thread (read-line server))))
          (write-line "by contexts" client)
          (force-output client)
          (is (string= (finish task) "by contexts")))))
    (with-connection (client server)
      (signals socket-error (make-ssl-client-stream client :context server-context))
      (signals socket-error (make-ssl-client-stream client :context client-context :ca-file "/x"))
      (signals ssl-error (make-ssl-server-stream server :certificate "/no/such/file.pem"))
      (signals socket-error (make-ssl-client-stream client :method :tlsv9))
      ;; What failed left them as they were.
      (send client "plain")
      (is (char= (read-char server) #\p)))))

(define-ssl-test ssl-takes-over
  ;; What was gathered goes out before, and the plain stream has ended.
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1"))
                 (client (make-socket :remote-host "localhost" :remote-port (local-port passive) :read-timeout 5))
                 (server (accept-connection passive)))
    (write-line "STARTTLS" client)
    (let* ((secure (make-ssl-client-stream client :ca-file (certificate)))
           (task (thread (list (read-line server)
                               (with-sockets ((stream (make-ssl-server-stream server :certificate (certificate))))
                                 (prog1 (read-line stream)
                                   (write-line "bye" stream)
                                   (close stream)))))))
      (is (eql (identifier (write-string "x" client) (force-output client)) :closed))
      (is (= (stream-input-timeout secure) 5))
      (socket-control secure :output-chunking t)
      (socket-control secure :output-chunking nil)
      (write-line "secret" secure)
      (force-output secure)
      (is (equal (finish task) '("STARTTLS" "secret")))
      (is (string= (read-line secure) "bye"))
      (close secure)
      (is (not (open-stream-p secure))))))
