;;;; The chunked coding of HTTP/1.1: socket-control.

(in-package "ACL-SOCKET-TESTS")

(defun received-text (stream count)
  (let ((string (make-string count)))
    (is (= (cl:read-sequence string stream) count))
    string))

(deftest writing-chunks
  (with-connection (client server)
    (send client (text "head" *crlf*))
    (socket-control client :output-chunking t)
    (send client "hello")
    (force-output client)
    (write-string (make-string 26 :initial-element #\z) client)
    (socket-control client :output-chunking-eof t)
    (send client "after")
    (let ((wanted (text "head" *crlf* "5" *crlf* "hello" *crlf* "1A" *crlf* (make-string 26 :initial-element #\z) *crlf*
                        "0" *crlf* *crlf* "after")))
      (is (string-equal (received-text server (length wanted)) wanted)))
    (is (eql (identifier (socket-control client :output-chunking-eof t)) :invalid-argument))))

(deftest what-is-buffered-goes-into-the-first-chunk
  (with-connection (client server)
    (write-string "before" client)
    (socket-control client :output-chunking t)
    (send client "after")
    (socket-control client :output-chunking nil)
    (send client "plain")
    (is (string-equal (received-text server 21) (text "B" *crlf* "beforeafter" *crlf* "plain")))))

(deftest reading-chunks
  (with-connection (client server)
    ;; The head, the body and the next request are in the buffer when chunking begins.
    (send client (text "head" *crlf* "5;ext=1" *crlf* "hello" *crlf* "6" *crlf* " world" *crlf* "0" *crlf* "T: x" *crlf*
                       *crlf* "next" *crlf*))
    (is (string= (read-line server) (text "head" 13)))
    (socket-control server :input-chunking t)
    (let ((signalled 0))
      (handler-bind ((socket-chunking-end-of-file
                       (lambda (condition)
                         (incf signalled)
                         (is (equal (simple-condition-format-arguments condition) (list server)))
                         (is (stringp (princ-to-string condition))))))
        (let ((body (make-string 100)))
          (is (= (cl:read-sequence body server) 11))
          (is (string= (subseq body 0 11) "hello world")))
        (is (= signalled 1))
        (is (null (read-char server nil)))
        (is (null (read-byte server nil)))
        (is (eq (read-line server nil :end) :end))
        (signals end-of-file (read-char server))
        (is (= signalled 1))))
    (socket-control server :input-chunking nil)
    (is (string= (read-line server) (text "next" 13)))))

(deftest chunk-end-by-non-local-exit
  ;; A handler may leave, as servers do, and switch chunking off.
  (with-connection (client server)
    (send client (text "3" *crlf* "abc" *crlf* "0" *crlf* *crlf* "rest"))
    (socket-control server :input-chunking t)
    (let ((got '()))
      (block body
        (handler-bind ((socket-chunking-end-of-file
                         (lambda (condition)
                           (declare (ignore condition))
                           (socket-control server :input-chunking nil)
                           (return-from body))))
          (loop (push (read-char server) got))))
      (is (equal (reverse got) '(#\a #\b #\c)))
      (is (char= (read-char server) #\r)))))

(deftest two-bodies
  (with-connection (client server)
    (send client (text "3" *crlf* "abc" *crlf* "0" *crlf* *crlf* "2" *crlf* "de" *crlf* "0" *crlf* *crlf*))
    (let ((signalled 0) (got (make-array 10 :element-type '(unsigned-byte 8))))
      (handler-bind ((socket-chunking-end-of-file (lambda (c) (declare (ignore c)) (incf signalled))))
        (socket-control server :input-chunking t)
        (is (= (cl:read-sequence got server) 3))
        (socket-control server :input-chunking t)
        (is (= (cl:read-sequence got server) 2))
        (is (= signalled 2))))))

(deftest malformed-chunks
  (with-connection (client server)
    (send client (text "zz" *crlf* "abc"))
    (socket-control server :input-chunking t)
    (is (eql (identifier (read-char server)) :chunking-error)))
  (with-connection (client server)
    (send client (text "5" *crlf* "ab"))
    (close client)
    (socket-control server :input-chunking t)
    (is (eql (identifier (read-line server)) :chunking-error))))

(deftest large-body-in-chunks
  (with-connection (client server)
    (set-socket-options client :send-buffer-size 400000)
    (socket-control client :output-chunking t)
    (socket-control server :input-chunking t)
    (let ((body (pattern 90000)) (got (make-array 100000 :element-type '(unsigned-byte 8))))
      (write-sequence body client)
      (socket-control client :output-chunking-eof t)
      (let ((signalled 0))
        (handler-bind ((socket-chunking-end-of-file (lambda (c) (declare (ignore c)) (incf signalled))))
          (is (= (cl:read-sequence got server) 90000))
          (is (= (cl:read-sequence got server :start 90000) 90000)))
        (is (= signalled 1)))
      (is (null (mismatch body got :end2 90000))))))
