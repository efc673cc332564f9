;;;; The keywords of SSL streams and contexts, each seen in what comes of it, and certificates.

(in-package "ACL-SOCKET-TESTS")

(defun ca (&rest more)
  "The keywords of who trusts the root of the test's certificates, and others."
  (list* :ca-file (pki "root.crt") more))

(defun own (name &rest more)
  "The keywords of who shows a certificate of the test's, and others."
  (list* :certificate (pki (format nil "~a.pem" name)) :key (pki (format nil "~a.key" name)) more))

(defun outcome (stream)
  "T, or the identifier of what the handshake fails with."
  (handler-case (ssl-do-handshake stream)
    (stream-error (condition)
      (close stream :abort t)
      (stream-error-identifier condition))))

(defun agreed (stream)
  "The version and the cipher that both sides have agreed upon, and the name that the client asked for."
  (cffi:with-foreign-pointer (connection 1000)
    (cffi:foreign-funcall "acl_get_ssl_connection" :uint64 (acl-socket::socket-handle stream) :pointer connection :int32)
    (loop for at in '(0 32 544)
          collect (cffi:foreign-string-to-lisp (cffi:inc-pointer connection at)))))

(defun shake (client-arguments server-arguments &optional (check (lambda (client server) client server)))
  "Does the handshake of a connection to localhost. What comes of it for the client, and for the server; CHECK is
called with both when it is well."
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1"))
                 (plain-client (make-socket :remote-host "localhost" :remote-port (local-port passive)))
                 (plain-server (accept-connection passive))
                 (server (apply #'make-ssl-server-stream plain-server server-arguments))
                 (client (apply #'make-ssl-client-stream plain-client client-arguments)))
    (let* ((task (thread (outcome server)))
           (said (outcome client))
           (answered (finish task)))
      (when (and (eq said t) (eq answered t))
        (funcall check client server))
      (list said answered))))

(defun is-well (client-arguments server-arguments &rest check)
  (is (equal (apply #'shake client-arguments server-arguments check) '(t t))))

(defun client-fails (identifier client-arguments server-arguments)
  (is (equal (shake client-arguments server-arguments) (list identifier :ssl-certificate-refused))))

(defun server-fails (identifier client-arguments server-arguments)
  ;; Whether the client has heard of it by then is a matter of the version.
  (is (eq (second (shake client-arguments server-arguments)) identifier)))

(defun version-agreed (client-arguments server-arguments)
  (let (version)
    (is-well client-arguments server-arguments
             (lambda (client server) server (setf version (first (agreed client)))))
    version))

(defun cipher-agreed (client-arguments server-arguments)
  (let (cipher)
    (is-well client-arguments server-arguments
             (lambda (client server) server (setf cipher (second (agreed client)))))
    cipher))

;;; Lambda lists

(deftest ssl-keywords
  (let ((context '(:method :certificate :key :certificate-password :verify :max-depth :ca-file :ca-directory :ciphers
                   :ciphersuites :crl-check :crl-file)))
    (takes-keywords #'make-ssl-client-context '() `(:prefer-server-cipher-order ,@context) '(:server-name :context))
    (takes-keywords #'make-ssl-server-context '() `(:prefer-server-cipher-order :server-name ,@context) '(:context))
    (with-connection (client server)
      (takes-keywords #'make-ssl-client-stream (list client) `(:context :server-name ,@context)
                      '(:prefer-server-cipher-order))
      (takes-keywords #'make-ssl-server-stream (list server)
                      `(:context :prefer-server-cipher-order :server-name ,@context) '()))))

(deftest modules-and-features
  (dolist (module '(:sock :ssl :acldns))
    (require module))
  (is (member :ssl-support *features*)))

;;; Whom a client trusts

(deftest (ssl-trusted-roots :threads :pki)
  (let ((server (own "server")))
    (is-well (ca) server)
    (is-well (list :ca-file (pathname (pki "root.crt"))) server)
    (is-well (list :ca-directory (pki "hashed")) server)
    (is-well (list :ca-directory (pathname (format nil "~a/" (pki "hashed")))) server)
    (client-fails :ssl-unknown-issuer '() server)
    (client-fails :ssl-unknown-issuer '(:verify :optional) server)
    (client-fails :ssl-unknown-issuer '(:verify :required) server)
    (is-well '(:verify nil) server
             (lambda (client server)
               server
               (is (equal (multiple-value-list (get-ssl-verify-result client))
                          '(20 "unable to get local issuer certificate")))))
    ;; What AllegroServe gives: nil for the default.
    (is-well (ca :verify :required :max-depth nil :method nil) (append server '(:verify nil :max-depth nil :method nil)))))

(deftest (ssl-refused-servers :threads :pki)
  (client-fails :ssl-certificate-expired (ca) (own "expired"))
  (client-fails :ssl-certificate-not-yet-valid (ca) (own "future"))
  (client-fails :ssl-host-mismatch (ca) (own "other"))
  (is-well (ca :server-name "other.example") (own "other"))
  (client-fails :ssl-host-mismatch (ca :server-name "another.example") (own "other"))
  ;; The intermediate certificates count, not the root.
  (client-fails :ssl-chain-too-long (ca :max-depth 0) (own "server"))
  (is-well (ca :max-depth 1) (own "server")))

(deftest (ssl-revocation :threads :pki)
  (let ((leaf (pki "sub.crl")) (all (pki "both.crl")))
    (is-well (ca) (own "revoked"))
    (dolist (check '(:peer t :chain))
      (client-fails :ssl-certificate-revoked (ca :crl-check check :crl-file all) (own "revoked"))
      (is-well (ca :crl-check check :crl-file all) (own "server")))
    (is-well (ca :crl-check :peer :crl-file (pathname leaf)) (own "server"))
    ;; One that revokes nothing has to be there for all that is checked.
    (client-fails :ssl-no-crl (ca :crl-check t :crl-file leaf) (own "server"))
    (server-fails :ssl-certificate-revoked (own "revoked-client" :ca-file (pki "root.crt"))
                  (own "server" :verify :required :ca-file (pki "root.crt") :crl-check :peer :crl-file leaf))))

;;; What a server asks of its clients

(deftest (ssl-client-certificates :threads :pki)
  (flet ((server (verify) (own "server" :verify verify :ca-file (pki "root.crt")))
         (client (name) (own name :ca-file (pki "root.crt")))
         (shown (name)
           (lambda (client server)
             client
             (let ((certificate (get-ssl-peer-certificate server)))
               (is (equal name (and certificate (cdr (assoc "CN" (x509-certificate-subject certificate)
                                                            :test #'string=)))))))))
    (is-well (client "client") (server :required) (shown "A Client"))
    (server-fails :ssl-certificate-required (ca) (server :required))
    (server-fails :ssl-certificate-self-signed (client "self") (server :required))
    (is-well (client "client") (server :optional) (shown "A Client"))
    (is-well (ca) (server :optional) (shown nil))
    (server-fails :ssl-certificate-self-signed (client "self") (server :optional))
    ;; It is not asked for one.
    (is-well (client "self") (server nil) (shown nil))
    (is-well (client "client") (own "server") (shown nil))))

;;; Files

(deftest (ssl-keys :threads :pki)
  (is-well (ca) (list :certificate (pki "both.pem")))
  (is-well (ca) (list :certificate (pathname (pki "server.pem")) :key (pathname (pki "server.key"))))
  (is-well (ca) (list :certificate (pki "encrypted.pem") :certificate-password "secret"))
  (is-well (ca) (list :certificate (pki "server.pem") :key (pki "encrypted.key") :certificate-password "secret")))

(deftest (ssl-files-that-are-wrong :pki)
  ;; All is read, and refused, before a handshake, and leaves the plain streams as they are.
  (with-connection (client server)
    (flet ((refused (identifier maker socket &rest arguments)
             (let ((condition (signals stream-error (apply maker socket arguments))))
               (is (eq (stream-error-identifier condition) identifier))
               (unless (eq identifier :invalid-argument)
                 (is (typep condition 'ssl-error))))))
      (dolist (wrong (list (list :ssl-wrong-password :certificate (pki "encrypted.pem") :certificate-password "wrong")
                           (list :ssl-wrong-password :certificate (pki "encrypted.pem"))
                           (list :ssl-key-mismatch :certificate (pki "server.pem") :key (pki "rsa.key"))
                           (list :ssl-invalid-file :certificate (pki "junk.pem"))
                           (list :ssl-invalid-file :certificate "/no/such/file.pem")
                           (list :invalid-argument)))
        (apply #'refused (first wrong) #'make-ssl-server-stream server (rest wrong))
        (is (eq (identifier (apply #'make-ssl-server-context (rest wrong))) (first wrong))))
      (dolist (wrong (list (list :ssl-invalid-file :ca-file (pki "junk.pem"))
                           (list :ssl-invalid-file :ca-directory "/no/such/directory")
                           (list :ssl-invalid-file :crl-check :peer :crl-file (pki "junk.pem"))
                           (list :invalid-argument :crl-check :peer)
                           (list :invalid-argument :crl-file (pki "sub.crl"))
                           (list :invalid-argument :crl-check :some)
                           (list :invalid-argument :verify :some)
                           (list :invalid-argument :method :tlsv9)
                           (list :ssl-method-unsupported :method :sslv2)
                           (list :ssl-method-unsupported :method :sslv3)
                           (list :invalid-argument :ciphers "NO-SUCH")
                           (list :invalid-argument :ciphersuites "NO-SUCH")))
        (apply #'refused (first wrong) #'make-ssl-client-stream client (rest wrong))
        (is (eq (identifier (apply #'make-ssl-client-context (rest wrong))) (first wrong))))
      (signals error (make-ssl-client-stream client :ciphers 5)))
    (send client "plain")
    (is (char= (read-char server) #\p))))

;;; What is spoken

(deftest (ssl-methods :threads :pki)
  (loop for (method version) in '((:tlsv1+ "TLSv1.3") (:tlsv1.1+ "TLSv1.3") (:tlsv1.2+ "TLSv1.3") (:tlsv1.3+ "TLSv1.3")
                                  (:sslv23 "TLSv1.3") (:sslv3+ "TLSv1.3") (:tlsv1.2 "TLSv1.2") (:tlsv1.3 "TLSv1.3")
                                  ((:tlsv1.2) "TLSv1.2") ((:tlsv1.3 :tlsv1.2) "TLSv1.3") (nil "TLSv1.3"))
        do (is (equal (version-agreed (ca :method method) (own "server")) version))
           (is (equal (version-agreed (ca) (own "server" :method method)) version)))
  ;; What is old only where both want it.
  (dolist (method '(:tlsv1 :tlsv1.1))
    (is (equal (shake (ca :method method) (own "server")) '(:ssl-protocol-version :ssl-protocol-version)))
    (is (string= (version-agreed (ca :method method) (own "server" :method :tlsv1+))
                 (if (eq method :tlsv1) "TLSv1" "TLSv1.1"))))
  (is (equal (shake (ca :method :tlsv1.2) (own "server" :method :tlsv1.3))
             '(:ssl-protocol-version :ssl-protocol-version))))

(deftest (ssl-ciphers :threads :pki)
  (let* ((one "ECDHE-ECDSA-AES128-GCM-SHA256")
         (other "ECDHE-ECDSA-AES256-GCM-SHA384")
         (client (ca :method :tlsv1.2 :ciphers (format nil "~a:~a" one other)))
         (servers (format nil "~a:~a" other one)))
    (is (string= (cipher-agreed (ca :method :tlsv1.2 :ciphers one) (own "server")) one))
    (is (string= (cipher-agreed client (own "server" :ciphers servers)) other))
    (is (string= (cipher-agreed client (own "server" :ciphers servers :prefer-server-cipher-order t)) other))
    (is (string= (cipher-agreed client (own "server" :ciphers servers :prefer-server-cipher-order nil)) one))
    (flet ((by-context (preferred)
             (cipher-agreed client (list :context (apply #'make-ssl-server-context
                                                         (own "server" :ciphers servers
                                                                       :prefer-server-cipher-order preferred))))))
      (is (string= (by-context t) other))
      (is (string= (by-context nil) one)))
    (dolist (suite '("TLS_CHACHA20_POLY1305_SHA256" "TLS_AES_128_GCM_SHA256"))
      (is (string= (cipher-agreed (ca :ciphersuites suite) (own "server")) suite))
      (is (string= (cipher-agreed (ca) (own "server" :ciphersuites suite)) suite)))))

(deftest (ssl-server-names :threads :pki)
  (flet ((asked-for (&rest arguments)
           (let (name)
             (is-well (append '(:verify nil) arguments) (own "server")
                      (lambda (client server) client (setf name (third (agreed server)))))
             name)))
    (is (equal *ssl-features* '(:sni)))
    (is (string= (asked-for :server-name "frisky.example") "frisky.example"))
    (is (member (asked-for) '("" "localhost") :test #'string=))))

;;; Contexts

(deftest (ssl-context-overrides :threads :pki)
  (let ((client (apply #'make-ssl-client-context (ca)))
        (stranger (make-ssl-client-context))
        (server (apply #'make-ssl-server-context (own "server" :ca-file (pki "root.crt"))))
        (cipher "ECDHE-ECDSA-AES128-GCM-SHA256") (suite "TLS_AES_128_GCM_SHA256"))
    (flet ((client (&rest more) (list* :context client more))
           (server (&rest more) (list* :context server more)))
      (is-well (client) (server))
      ;; For this one stream.
      (is (string= (version-agreed (client :method :tlsv1.2) (server)) "TLSv1.2"))
      (is (string= (version-agreed (client) (server :method :tlsv1.2)) "TLSv1.2"))
      (is (string= (cipher-agreed (client :method :tlsv1.2 :ciphers cipher) (server)) cipher))
      (is (string= (cipher-agreed (client :ciphersuites suite) (server)) suite))
      (client-fails :ssl-chain-too-long (client :max-depth 0) (server))
      (client-fails :ssl-unknown-issuer (list :context stranger) (server))
      (is-well (list :context stranger :verify nil) (server))
      (server-fails :ssl-certificate-required (client) (server :verify :required))
      (is (string= (cipher-agreed (client :method :tlsv1.2 :ciphers (format nil "~a:ECDHE-ECDSA-AES256-GCM-SHA384" cipher))
                                  (server :prefer-server-cipher-order nil))
                   cipher))
      (is (string= (version-agreed (client) (server)) "TLSv1.3"))
      ;; What is read from files belongs to the context.
      (with-connection (one other)
        (dolist (arguments (list (list :certificate (pki "server.pem")) (list :key (pki "server.key"))
                                 (list :certificate-password "secret") (list :ca-file (pki "root.crt"))
                                 (list :ca-directory (pki "hashed")) (list :crl-file (pki "sub.crl"))
                                 (list :crl-check :peer)))
          (is (eq (identifier (apply #'make-ssl-client-stream one (apply #'client arguments))) :invalid-argument))
          (is (eq (identifier (apply #'make-ssl-server-stream other (apply #'server arguments))) :invalid-argument)))))))

;;; Handshakes and certificates

(deftest (ssl-handshakes :threads :pki)
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1"))
                 (plain-client (make-socket :remote-host "localhost" :remote-port (local-port passive)))
                 (plain-server (accept-connection passive))
                 (server (apply #'make-ssl-server-stream plain-server (own "server")))
                 (client (apply #'make-ssl-client-stream plain-client (ca))))
    ;; Before one, with nobody there to do it with: nothing wrong is known.
    (is (equal (multiple-value-list (get-ssl-verify-result client)) '(0 "ok")))
    (is (not (open-stream-p plain-client)))
    (let ((task (thread (get-ssl-peer-certificate server))))
      ;; This does one.
      (is (typep (get-ssl-peer-certificate client) 'x509-certificate))
      (is (null (finish task))))
    (is (eq (ssl-do-handshake client) t))
    (is (eq (ssl-do-handshake client) t))
    (signals error (ssl-do-handshake passive))
    (signals error (make-ssl-client-stream passive))
    (let ((descriptor (socket-os-fd client)))
      (close client)
      (is (= -1 (cffi:foreign-funcall "fcntl" :int descriptor :int 1 :int))))))

(deftest (ssl-by-files :threads :pki)
  (let ((file (target-file "ssl.socket")))
    (ignore-errors (delete-file file))
    (with-sockets ((passive (make-socket :connect :passive :address-family :file :local-filename file))
                   (plain-client (make-socket :address-family :file :remote-filename file))
                   (plain-server (accept-connection passive))
                   (server (apply #'make-ssl-server-stream plain-server (own "server")))
                   (client (apply #'make-ssl-client-stream plain-client (ca :server-name "localhost"))))
      (is (typep client 'socket-stream-file-active))
      (let ((task (thread (read-line server))))
        (write-line "by a file" client)
        (force-output client)
        (is (string= (finish task) "by a file"))))))

(deftest (x509-certificates :threads :pki)
  (flet ((certificate (name)
           (let (certificate)
             (is-well '(:verify nil) (own name)
                      (lambda (client server) server (setf certificate (get-ssl-peer-certificate client))))
             certificate)))
    (let ((certificate (certificate "names")))
      (is (equal (x509-certificate-subject certificate)
                 `(("C" . "XX") ("O" . "Test") ("OU" . "One") ("OU" . "Two")
                   ("CN" . ,(text "N" 228 "me, with / and =")))))
      (is (equal (x509-certificate-issuer certificate) '(("O" . "Test") ("CN" . "Test Intermediate"))))
      (is (equal (subseq (x509-certificate-subject-alt-name certificate) 0 4)
                 '(("DNS" . "one.example") ("DNS" . "*.two.example") ("IP Address" . "10.1.2.3")
                   ("IP Address" . "2001:DB8:0:0:0:0:0:1")))))
    (let ((certificate (certificate "expired")))
      (is (= (x509-certificate-not-before certificate) (encode-universal-time 0 0 0 1 1 2020 0)))
      (is (= (x509-certificate-not-after certificate) (encode-universal-time 0 0 0 1 1 2021 0))))
    (let ((certificate (certificate "self")))
      (is (= (x509-certificate-serial-number certificate) #x123456789ABCDEF0123456789ABCDEF012345678))
      (is (eq (x509-certificate-version certificate) :v3))
      (macrolet ((settable (&rest accessors)
                   `(progn ,@(loop for accessor in accessors
                                   collect `(is (eql (setf (,accessor certificate) 7) (,accessor certificate)))))))
        (settable x509-certificate-version x509-certificate-serial-number x509-certificate-issuer
                  x509-certificate-subject x509-certificate-not-before x509-certificate-not-after
                  x509-certificate-subject-alt-name)))))
