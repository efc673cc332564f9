;;;; The rows of SBCL: acl-socket's streams against SBCL's own, sb-bsd-sockets' fd-streams, side by side.
;;;; make bench-sbcl; README.md tells how to read it.

(load (merge-pathnames "../lisp/tests/begin.lisp" *load-truename*))
(require "sb-bsd-sockets")
(handler-bind ((warning #'muffle-warning))
  (asdf:load-system "acl-socket"))

(defpackage "ACL-SOCKET-BENCH"
  (:use "COMMON-LISP"))
(in-package "ACL-SOCKET-BENCH")

(declaim (optimize (speed 3) (safety 1)))
(declaim (sb-ext:muffle-conditions sb-ext:compiler-note))

(deftype octets () '(simple-array (unsigned-byte 8) (*)))

(defparameter *rounds* 5)
(defparameter *seconds* 0.4d0)

;;; The peer: another process, which sends lines of 80 bytes to whom it accepts, until it is killed.

(defun peer ()
  "A program for the peer, in Perl, which the Makefile wants anyway."
  (format nil "use Socket; $SIG{PIPE} = 'IGNORE'; socket(my $l, PF_INET, SOCK_STREAM, 0); bind($l, sockaddr_in(0, INADDR_LOOPBACK)); ~
               listen($l, 5); my ($p) = sockaddr_in(getsockname($l)); $| = 1; print \"$p\\n\"; my $t = ('x' x 79 . \"\\n\") x 4096; ~
               while (accept(my $c, $l)) { 1 while defined syswrite($c, $t) }"))

(defvar *peer*)
(defvar *port*)

(defun start-peer ()
  (setf *peer* (sb-ext:run-program "perl" (list "-e" (peer)) :search t :wait nil :output :stream))
  (setf *port* (parse-integer (read-line (sb-ext:process-output *peer*)))))

;;; The contenders

(defun sb-stream (element-type)
  (let ((socket (make-instance 'sb-bsd-sockets:inet-socket :type :stream :protocol :tcp)))
    (sb-bsd-sockets:socket-connect socket #(127 0 0 1) *port*)
    (sb-bsd-sockets:socket-make-stream socket :input t :output t :buffering :full :element-type element-type
                                              :external-format :utf-8 :serve-events nil)))

(defun acl-stream ()
  (acl-socket:make-socket :remote-host "127.0.0.1" :remote-port *port*))

;;; The loops: each does N operations.

(declaim (type fixnum *sum*))
(defvar *sum* 0)

(defun read-lines (stream n)
  (declare (type fixnum n))
  (dotimes (i n)
    (unless (= 79 (length (the simple-string (read-line stream))))
      (error "no line of 79 characters"))))

(defun read-bytes (stream n)
  (declare (type fixnum n))
  (let ((sum 0))
    (declare (type fixnum sum))
    (dotimes (i n)
      (setf sum (logand most-positive-fixnum (+ sum (the (unsigned-byte 8) (read-byte stream))))))
    (setf *sum* sum)))

(defun read-bytes-in-place (stream n)
  (declare (type fixnum n))
  (let ((sum 0) (done 0))
    (declare (type fixnum sum done))
    (loop while (< done n)
          do (acl-socket:with-input-window (octets index end) stream
               (loop while (and (< index end) (< done n))
                     do (setf sum (logand most-positive-fixnum (+ sum (aref octets index))))
                        (incf index)
                        (incf done))))
    (setf *sum* sum)))

(defun read-characters (stream n)
  (declare (type fixnum n))
  (dotimes (i n)
    (setf *sum* (char-code (read-char stream)))))

(defun read-pieces (stream n)
  (declare (type fixnum n))
  (let ((octets (make-array 65536 :element-type '(unsigned-byte 8))))
    (dotimes (i n)
      (unless (= 65536 (the fixnum (read-sequence octets stream)))
        (error "no 65536 bytes")))))

(defun sb-datagrams (socket n)
  "Datagrams of 64 bytes, sent to the socket itself and received."
  (declare (type fixnum n))
  (let ((address (multiple-value-list (sb-bsd-sockets:socket-name socket)))
        (octets (make-array 64 :element-type '(unsigned-byte 8)))
        (room (make-array 2048 :element-type '(unsigned-byte 8))))
    (dotimes (i n)
      (sb-bsd-sockets:socket-send socket octets 64 :address address)
      (sb-bsd-sockets:socket-receive socket room nil :element-type '(unsigned-byte 8)))))

(defun acl-datagrams (socket n)
  (declare (type fixnum n))
  (let ((octets (make-array 64 :element-type '(unsigned-byte 8)))
        (room (make-array 2048 :element-type '(unsigned-byte 8))))
    (dotimes (i n)
      (acl-socket:send-to socket octets 64)
      (acl-socket:receive-from socket 2048 :buffer room))))

(defun sb-datagram-socket ()
  (let ((socket (make-instance 'sb-bsd-sockets:inet-socket :type :datagram :protocol :udp)))
    (sb-bsd-sockets:socket-bind socket #(127 0 0 1) 0)
    socket))

(defun acl-datagram-socket ()
  ;; Its own address is the one that it sends to by default.
  (let ((port (let ((socket (acl-socket:make-socket :type :datagram :local-host "127.0.0.1")))
                (prog1 (acl-socket:local-port socket)
                  (close socket)))))
    (acl-socket:make-socket :type :datagram :local-host "127.0.0.1" :local-port port
                            :remote-host "127.0.0.1" :remote-port port)))

;;; Measuring

(defun cpu-microseconds ()
  (multiple-value-bind (ok user system) (sb-unix:unix-getrusage sb-unix:rusage_self)
    (declare (ignore ok))
    (+ (the fixnum user) (the fixnum system))))

(defun finish-socket (socket)
  (if (typep socket 'sb-bsd-sockets:socket)
      (sb-bsd-sockets:socket-close socket)
      (close socket :abort t)))

(defun measure (make loop batch)
  "Nanoseconds of CPU time of an operation."
  (declare (type function make loop) (type fixnum batch))
  (let ((socket (funcall make)))
    (unwind-protect
         (progn
           (funcall loop socket batch)
           (let* ((begin (get-internal-real-time)) (before (cpu-microseconds)) (count 0)
                  (end (+ begin (round (* *seconds* internal-time-units-per-second)))))
             (declare (type fixnum count begin end))
             (loop while (< (the fixnum (get-internal-real-time)) end)
                   do (funcall loop socket batch)
                      (incf count batch))
             (/ (* 1000d0 (- (the fixnum (cpu-microseconds)) (the fixnum before))) count)))
      (finish-socket socket))))

(defun median (numbers)
  (nth (floor (length numbers) 2) (sort (copy-list numbers) #'<)))

(defun row (name goal batch sb-make sb-loop acl-make acl-loop)
  (let ((floors '()) (ours '()) (ratios '()))
    (dotimes (i *rounds*)
      (let* ((before (measure sb-make sb-loop batch))
             (acl (measure acl-make acl-loop batch))
             (after (measure sb-make sb-loop batch)))
        (push before floors)
        (push acl ours)
        (push (/ (* 2 acl) (+ before after)) ratios)))
    (let ((ratio (median ratios)))
      (format t "~18a~9a~6,2f [~,2f ~,2f]~20t~11,1f~11,1f  ~:[      ~;~:*<= ~4,2f~]  ~a~%"
              name "sb" ratio (reduce #'min ratios) (reduce #'max ratios) (median floors) (median ours) goal
              (cond ((null goal) "")
                    ((<= ratio goal) "reached")
                    ((<= (reduce #'min ratios) goal) "within the spread")
                    (t "missed")))
      (finish-output))))

(start-peer)
(unwind-protect
     (progn
       (format t "~18a~9a~22a~11a~11a~8a~a~%" "row" "floor" "cpu ratio" "floor ns" "ours ns" "goal" "verdict")
       (row "sbcl_lines" 0.1 5000 (lambda () (sb-stream 'character)) #'read-lines #'acl-stream #'read-lines)
       (row "sbcl_getc" 0.2 100000 (lambda () (sb-stream '(unsigned-byte 8))) #'read-bytes #'acl-stream #'read-bytes)
       (row "sbcl_getc_place" 0.2 100000 (lambda () (sb-stream '(unsigned-byte 8))) #'read-bytes
            #'acl-stream #'read-bytes-in-place)
       (row "sbcl_rune" nil 100000 (lambda () (sb-stream 'character)) #'read-characters #'acl-stream #'read-characters)
       (row "sbcl_recv64k" 0.45 50 (lambda () (sb-stream '(unsigned-byte 8))) #'read-pieces #'acl-stream #'read-pieces)
       (row "sbcl_udp" 0.55 500 #'sb-datagram-socket #'sb-datagrams #'acl-datagram-socket #'acl-datagrams))
  (sb-ext:process-kill *peer* 15))
(sb-ext:exit :code 0 :abort t)
