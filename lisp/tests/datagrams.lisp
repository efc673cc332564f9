;;;; Datagrams: send-to and receive-from.

(in-package "ACL-SOCKET-TESTS")

(deftest specification-datagrams
  (with-sockets ((s (make-socket :type :datagram))
                 (x (make-socket :type :datagram)))
    (is (= (send-to x "foo-the-bar" 11 :remote-host "localhost" :remote-port (local-port s)) 11))
    (is (equal (multiple-value-list (receive-from s 100 :extract t))
               (list "foo-the-bar" 11 (dotted-to-ipaddr "127.0.0.1") (local-port x))))))

(defmacro with-datagrams ((one other) &body body)
  `(with-sockets ((,one (make-socket :type :datagram :local-host "127.0.0.1"))
                  (,other (make-socket :type :datagram :remote-host "127.0.0.1" :remote-port (local-port ,one))))
     ,@body))

(deftest datagram-buffers
  (with-datagrams (one other)
    (let ((buffer (make-array 20 :element-type '(unsigned-byte 8) :initial-element 7)))
      (is (= (send-to other (octets 1 2 3 4) 3) 3))
      (multiple-value-bind (got count host port) (receive-from one 20 :buffer buffer)
        (is (eq got buffer))
        (is (= count 3))
        (is (= host (dotted-to-ipaddr "127.0.0.1")))
        (is (= port (local-port other)))
        (is (equalp (subseq buffer 0 5) (octets 1 2 3 7 7))))
      (send-to other (octets 5 6) 2)
      (is (equalp (receive-from one 20 :buffer buffer :extract t) (octets 5 6)))
      (signals socket-error (receive-from one 21 :buffer buffer)))
    (let ((buffer (make-string 10 :initial-element #\-)))
      (send-to other "text" 4)
      (is (eq (receive-from one 10 :buffer buffer) buffer))
      (is (string= buffer "text------")))
    (send-to other "abc" 3)
    (multiple-value-bind (got count) (receive-from one 10)
      (is (= (length got) 10))
      (is (= count 3))
      (is (string= (subseq got 0 3) "abc")))
    ;; A message of no bytes is one; a longer one than expected is cut.
    (send-to other "" 0)
    (is (equal (subseq (multiple-value-list (receive-from one 10 :extract t)) 0 2) '("" 0)))
    (send-to other "0123456789" 10)
    (is (equal (subseq (multiple-value-list (receive-from one 4 :extract t)) 0 2) '("0123" 4)))))

(deftest datagram-formats
  (with-sockets ((one (make-socket :type :datagram :local-host "127.0.0.1" :format :binary))
                 (other (make-socket :type :datagram :remote-host "localhost" :remote-port (local-port one))))
    (send-to other "abc" 3)
    (is (equalp (receive-from one 10 :extract t) (octets 97 98 99)))
    (send-to other (text 233) 2)
    (is (equalp (receive-from one 10 :extract t) (octets 195 169)))
    (send-to other (make-array 2 :element-type '(unsigned-byte 16) :initial-contents '(258 1027)) 4)
    (is (= (length (receive-from one 10 :extract t)) 4))))

(deftest datagram-destinations
  (with-sockets ((one (make-socket :type :datagram :local-host "127.0.0.1"))
                 (other (make-socket :type :datagram)))
    (is (eql (identifier (send-to other "x" 1)) :invalid-argument))
    (is (= (remote-port other) 0))
    (is (null (remote-host other)))
    (send-to other "x" 1 :remote-host (dotted-to-ipaddr "127.0.0.1") :remote-port (local-port one))
    (is (equal (receive-from one 5 :extract t) "x"))
    (signals socket-error (send-to other "abc" 5 :remote-host "127.0.0.1" :remote-port (local-port one)))
    (is (eql (identifier (read-no-hang-p (socket-os-fd one))) nil))))

(deftest file-datagrams
  (let ((here (new-file)) (there (new-file)))
    (with-sockets ((one (make-socket :type :datagram :address-family :file :local-filename here))
                   (other (make-socket :type :datagram :address-family :file :local-filename there
                                       :remote-filename here))
                   (nameless (make-socket :type :datagram :address-family :file)))
      (is (eq (class-of one) (find-class 'socket-datagram-file-active)))
      (is (= (send-to other "abc" 3) 3))
      (is (equal (multiple-value-list (receive-from one 10 :extract t)) (list "abc" 3 there)))
      (is (= (send-to nameless "de" 2 :remote-filename here) 2))
      (is (equal (multiple-value-list (receive-from one 10 :extract t)) (list "de" 2 ""))))))

(deftest datagrams-over-ipv6
  (when (ipv6-there-p)
    (with-sockets ((one (make-socket :type :datagram :local-host "::1"))
                   (other (make-socket :type :datagram :ipv6 t)))
      (is (ipv6 one))
      (is (ipv6 other))
      (let ((address (dotted-to-ipaddr "::1")))
        (is (= (send-to other "abc" 3 :remote-host address :remote-port (local-port one) :scope-id 1) 3))
        ;; It is stored there.
        (is (= (ipv6-address-scope-id address) 1)))
      (multiple-value-bind (message count host port) (receive-from one 10 :extract t)
        (is (equal (list message count port) (list "abc" 3 (local-port other))))
        (is (ipaddr-equalp host "::1"))))))

(deftest datagram-time-outs
  (with-sockets ((one (make-socket :type :datagram :local-host "127.0.0.1" :read-timeout 0.05)))
    (is (eql (identifier (receive-from one 10)) :read-timeout))
    (socket-control one :read-timeout 0.02)
    (is (eql (identifier (receive-from one 10)) :read-timeout))))
