;;;; Octets many at a time, against doing it one by one.

(in-package "ACL-SOCKET-TESTS")

(defun octets-of-size (size)
  (let ((octets (make-array size :element-type '(unsigned-byte 8))))
    (dotimes (i size octets)
      (setf (aref octets i) (+ 32 (mod (* i 7) 90))))))

(deftest ends-of-lines-in-octets
  (let ((octets (octets-of-size (+ 64 16))))
    (flet ((found (start end)
             (multiple-value-list (acl-socket::find-line-end octets start end))))
      (dotimes (start 20)
        (loop for end from start to 64
              do (is (null (first (found start end))))
                 ;; One that is behind the end is none.
                 (setf (aref octets end) 10)
                 (is (null (first (found start end))))
                 (setf (aref octets end) 33)))
      (loop for newline from 0 below 64
            do (setf (aref octets newline) 10)
               (loop for start from 0 to newline
                     do (is (equal (found start 64) (list newline t)))
                        (is (equal (found start (1+ newline)) (list newline t))))
               (when (< newline 63)
                 (is (null (first (found (1+ newline) 64))))
                 ;; The first of two.
                 (setf (aref octets 63) 10)
                 (is (equal (found 0 64) (list newline t)))
                 (setf (aref octets 63) 200)
                 (is (equal (found 0 64) (list newline t)))
                 (setf (aref octets 63) 33))
               (dotimes (high newline)
                 (let ((before (aref octets high)))
                   (setf (aref octets high) 128)
                   (is (equal (found 0 64) (list newline nil)))
                   (is (equal (found (1+ high) 64) (list newline t)))
                   (setf (aref octets high) before)))
               (setf (aref octets newline) 33)))
    (signals error (acl-socket::find-line-end octets 0 65))))

(deftest octets-as-strings
  (let ((octets (octets-of-size 90)))
    (setf (aref octets 30) 255 (aref octets 17) 128 (aref octets 3) 0)
    (dotimes (start 20)
      (loop for end from start to 90
            do (is (string= (acl-socket::octets-string octets start end)
                            (map 'string #'code-char (subseq octets start end))))))
    (signals error (acl-socket::octets-string octets 80 91))))

(deftest strings-as-octets
  (let ((string (map '(simple-array character (*)) #'code-char (octets-of-size 90)))
        (room (make-array 100 :element-type '(unsigned-byte 8))))
    (flet ((narrow (start count at limit)
             (fill room 7)
             (acl-socket::narrow string start count room at limit)))
      (dotimes (start 18)
        (loop for count from 0 to 70
              for at = (mod count 5)
              do (is (narrow start count at 128))
                 (is (equalp (subseq room at (+ at count)) (map 'vector #'char-code (subseq string start (+ start count)))))
                 ;; What is around stays.
                 (is (every (lambda (octet) (= octet 7)) (subseq room (+ at count))))))
      (dolist (code '(127 128 255 256 8364 #x7fff #x8000 #xffff #x10000 #x10ffff))
        (dotimes (at 50)
          (let ((before (char string at)))
            (setf (char string at) (code-char code))
            (is (eq (narrow 0 50 0 128) (< code 128)))
            (is (eq (narrow 0 50 0 256) (< code 256)))
            (when (< code 256)
              (is (= (aref room at) code)))
            (is (narrow (1+ at) 20 0 128))
            (setf (char string at) before))))
      (signals error (narrow 80 11 0 128))
      (signals error (narrow 0 20 90 128)))))

(deftest lines-of-every-length
  (with-connection (client server)
    (let ((lines '()))
      (dotimes (length 70)
        (push (make-string length :initial-element #\a) lines)
        (loop for at below length by 5
              do (let ((line (make-string length :initial-element #\b)))
                   (setf (char line at) (code-char (case (mod at 4) (0 228) (1 8364) (2 #x1f600) (t 13))))
                   (push line lines))))
      (dolist (line lines)
        (write-line line client))
      (write-string "no newline" client)
      (close client)
      (dolist (line lines)
        (multiple-value-bind (read missing) (read-line server)
          (is (string= read line))
          (is (null missing))
          (is (typep read '(simple-array character (*))))))
      (is (equal (multiple-value-list (read-line server)) '("no newline" t)))
      (is (equal (multiple-value-list (read-line server nil :end)) '(:end t))))))

(deftest strings-of-every-length
  ;; Written with what was gathered before at every place, and read as octets.
  (with-connection (client server)
    (loop for (format . limit) in '((:utf-8 . 128) (:latin-1 . 256))
          do (setf (stream-external-format client) format)
             (dotimes (length 60)
               (let ((string (make-string length :initial-element #\x)))
                 (when (> length 20)
                   (setf (char string 5) #\Newline
                         (char string 20) (code-char (1- limit))))
                 (when (and (plusp length) (evenp length))
                   (setf (char string (1- length)) #\Newline))
                 (write-byte 1 client)
                 (write-string string client)
                 (is (eq (not (fresh-line client)) (and (plusp length) (evenp length))))
                 (write-byte 2 client)
                 (force-output client)
                 (is (= (read-byte server) 1))
                 (is (equalp (received-octets server length) (map 'vector #'char-code string)))
                 (unless (and (plusp length) (evenp length))
                   (is (= (read-byte server) 10)))
                 (is (= (read-byte server) 2)))))
    (setf (stream-external-format client) :utf-8)
    ;; Longer than what is gathered at once, with some that are more than an octet here and there.
    (let ((string (make-string 20000 :initial-element #\y)))
      (loop for at from 100 below 20000 by 997
            do (setf (char string at) (code-char 8364)))
      (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1"))
                     (other (make-socket :remote-host "127.0.0.1" :remote-port (local-port passive)))
                     (there (accept-connection passive)))
        (write-string string other)
        (close other)
        (let ((read (make-string 20000)))
          (is (= (cl:read-sequence read there) 20000))
          (is (string= read string)))))))
