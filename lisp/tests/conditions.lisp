;;;; Section 8: conditions; time-outs; sockets that break.

(in-package "ACL-SOCKET-TESTS")

(deftest connection-refused
  (let* ((port (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1")))
                 (local-port passive)))
         (condition (signals socket-error (make-socket :remote-host "127.0.0.1" :remote-port port))))
    (is (eq (stream-error-identifier condition) :connection-refused))
    (is (= (stream-error-code condition) 111))
    (is (string= (stream-error-action condition) (format nil "connecting to 127.0.0.1 port ~d" port)))
    (is (string= (princ-to-string condition)
                 (format nil "\"Connection refused\" (errno 111) occurred while connecting to 127.0.0.1 port ~d."
                         port)))
    (is (null (stream-error-stream condition)))))

(deftest address-in-use
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1")))
    (let ((condition (signals socket-error (make-socket :connect :passive :local-host "127.0.0.1"
                                                        :local-port (local-port passive)))))
      (is (eq (stream-error-identifier condition) :address-in-use))
      (is (= (stream-error-code condition) 98))))
  (is (eql (identifier (make-socket :connect :passive :local-host "192.0.2.1")) :address-not-available)))

(deftest conditions-made-by-programs
  (let ((condition (make-condition 'socket-error :identifier :connection-reset :code 104 :action "reading")))
    (is (eq (stream-error-identifier condition) :connection-reset))
    (is (string= (princ-to-string condition) "\"Connection reset\" (errno 104) occurred while reading.")))
  (is (stringp (princ-to-string (make-condition 'errno-stream-error :code 32))))
  (is (stringp (princ-to-string (make-condition 'stream-closed-error))))
  (is (eq (stream-error-identifier (make-condition 'stream-error :stream nil)) :unknown)))

(defun reset (socket)
  "Ends a connection by a reset: by closing it with bytes unread."
  (until (wait-for-input-available socket :timeout 1))
  (close socket :abort t))

(deftest connection-reset
  (with-connection (client server)
    (send client "never read")
    (reset server)
    (let ((condition (signals stream-error (read-char client))))
      (is (eq (stream-error-identifier condition) :connection-reset))
      (is (eq (stream-error-stream condition) client)))))

(deftest broken-pipe
  (with-connection (client server)
    (send client "never read")
    (reset server)
    (let ((condition (signals stream-error
                       (loop repeat 100
                             do (send client "more")
                                (sleep 0.01)))))
      (is (member (stream-error-code condition) '(32 104)))
      (is (typep condition 'socket-error)))
    ;; What cannot be flushed keeps the socket open, until it is closed with abort.
    (write-string "unsent" client)
    (ignore-errors (close client))
    (close client :abort t)
    (is (not (open-stream-p client)))))

(deftest read-time-outs
  (with-connection (client server :read-timeout 0.05 :write-timeout 5)
    (is (= (stream-input-timeout client) 0.05))
    (is (= (stream-output-timeout client) 5))
    (let ((condition (signals socket-error (read-char client))))
      (is (eq (stream-error-identifier condition) :read-timeout))
      (is (null (stream-error-code condition))))
    (is (eql (identifier (read-byte client)) :read-timeout))
    (is (eql (identifier (read-line client)) :read-timeout))
    (is (eql (identifier (cl:read-sequence (make-array 10000 :element-type '(unsigned-byte 8)) client)) :read-timeout))
    (send server "ab")
    (is (char= (read-char client) #\a))
    (is (char= (read-char client) #\b))
    (socket-control server :read-timeout 0.02)
    (is (eql (identifier (read-char server)) :read-timeout))
    (setf (stream-input-timeout server) 0.03)
    (is (= (stream-read-timeout server) 0.03))
    (is (eql (identifier (read-line server)) :read-timeout))
    (setf (stream-input-timeout server) nil)
    (is (null (stream-input-timeout server)))
    ;; The beginning of a line is not lost.
    (send server "begin")
    (is (eql (identifier (read-line client)) :read-timeout))))

(deftest write-time-outs
  (with-connection (client server)
    (set-socket-options client :send-buffer-size 4096)
    (set-socket-options server :receive-buffer-size 4096)
    (socket-control client :write-timeout 0.05)
    (is (eql (identifier (loop repeat 1000
                               do (write-sequence (pattern 10000) client)
                                  (force-output client)))
             :write-timeout))
    (is (= (stream-write-timeout client) 0.05))
    (is (open-stream-p client))
    (close client :abort t)))

(deftest accept-time-out
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1" :read-timeout 0.05)))
    (is (eql (identifier (accept-connection passive)) :read-timeout))))

(deftest text-with-nul
  (is (eql (identifier (make-socket :remote-host (text "local" 0 "host") :remote-port 80)) :invalid-argument))
  (is (not (dotted-address-p (text "127.0.0.1" 0)))))
