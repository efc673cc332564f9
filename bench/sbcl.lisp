;;;; The rows of SBCL: acl-socket's streams against SBCL's own, sb-bsd-sockets' fd-streams, side by side.
;;;; make bench-sbcl; README.md tells how to read it.

(load (merge-pathnames "../lisp/tests/begin.lisp" *load-truename*))
(require "sb-bsd-sockets")
(handler-bind ((warning #'muffle-warning))
  (asdf:load-system "acl-socket"))

;; The floor of the row over SSL, where it is there with all that it needs.
(eval-when (:compile-toplevel :load-toplevel :execute)
  (when (handler-case (handler-bind ((warning #'muffle-warning))
                        (let ((*standard-output* (make-broadcast-stream)))
                          (asdf:load-system "cl+ssl")))
          (error () nil))
    (pushnew :acl-socket-bench-cl+ssl *features*)))

(defpackage "ACL-SOCKET-BENCH"
  (:use "COMMON-LISP"))
(in-package "ACL-SOCKET-BENCH")

(declaim (optimize (speed 3) (safety 1)))
(declaim (sb-ext:muffle-conditions sb-ext:compiler-note))

(deftype octets () '(simple-array (unsigned-byte 8) (*)))

(defparameter *rounds* 5)
(defparameter *seconds* 0.4d0)

;;; The peers: other processes, until they are killed: one sends lines of 80 bytes to whom it accepts, one reads and
;;; drops, one drops what comes over SSL.

(defun peer (then)
  "A program in Perl, which the Makefile wants anyway. It ends by itself when nobody does end it."
  (format nil "use Socket; alarm 600; $SIG{PIPE} = 'IGNORE'; socket(my $l, PF_INET, SOCK_STREAM, 0); ~
               bind($l, sockaddr_in(0, INADDR_LOOPBACK)); listen($l, 5); my ($p) = sockaddr_in(getsockname($l)); ~
               $| = 1; print \"$p\\n\"; my $t = ('x' x 79 . \"\\n\") x 4096; while (accept(my $c, $l)) { 1 while ~a }"
          then))

(defvar *peers* '())
(defvar *port* 0 "Where lines come from.")
(defvar *drain* 0 "Where what is sent is dropped.")
(defvar *secure-drain* 0 "The same over SSL.")

(defun start-peer (then)
  "The port of a new peer."
  (let ((process (sb-ext:run-program "perl" (list "-e" (peer then)) :search t :wait nil :output :stream)))
    (push process *peers*)
    (parse-integer (read-line (sb-ext:process-output process)))))

(defun free-port ()
  (let ((socket (acl-socket:make-socket :connect :passive :local-host "127.0.0.1")))
    (prog1 (acl-socket:local-port socket)
      (close socket))))

(defun start-secure-peer (directory)
  (let ((key (format nil "~abench-key.pem" directory)) (certificate (format nil "~abench-certificate.pem" directory))
        (port (free-port)))
    (sb-ext:run-program "openssl" (list "req" "-x509" "-newkey" "ec" "-pkeyopt" "ec_paramgen_curve:P-256" "-nodes"
                                        "-keyout" key "-out" certificate "-days" "1" "-subj" "/CN=localhost")
                        :search t)
    ;; It ends with its standard input.
    (push (sb-ext:run-program "openssl" (list "s_server" "-quiet" "-4" "-accept" (format nil "127.0.0.1:~d" port)
                                              "-key" key "-cert" certificate)
                              :search t :wait nil :input :stream)
          *peers*)
    (loop repeat 500
          until (ignore-errors (close (acl-socket:make-socket :remote-host "127.0.0.1" :remote-port port)))
          do (sleep 0.01))
    port))

;;; The contenders

(defun sb-stream (element-type &optional (port *port*))
  (let ((socket (make-instance 'sb-bsd-sockets:inet-socket :type :stream :protocol :tcp)))
    (sb-bsd-sockets:socket-connect socket #(127 0 0 1) port)
    (sb-bsd-sockets:socket-make-stream socket :input t :output t :buffering :full :element-type element-type
                                              :external-format :utf-8 :serve-events nil)))

(defun acl-stream (&optional (port *port*))
  (acl-socket:make-socket :remote-host "127.0.0.1" :remote-port port))

#+acl-socket-bench-cl+ssl
(defun sb-secure-stream ()
  (cl+ssl:make-ssl-client-stream (sb-stream '(unsigned-byte 8) *secure-drain*) :hostname nil :verify nil))

(defun acl-secure-stream ()
  (acl-socket:make-ssl-client-stream (acl-stream *secure-drain*) :verify nil))

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

(defun receive-pieces (stream n)
  "The same by the system's call, into a pinned vector: what no stream passes by much."
  (declare (type fixnum n))
  (let ((octets (make-array 65536 :element-type '(unsigned-byte 8)))
        (descriptor (acl-socket:socket-os-fd stream)))
    (declare (type fixnum descriptor))
    (sb-sys:with-pinned-objects (octets)
      (dotimes (i n)
        (let ((at 0))
          (declare (type (integer 0 65536) at))
          (loop while (< at 65536)
                do (let ((count (sb-alien:alien-funcall
                                 (sb-alien:extern-alien "recv" (function sb-alien:long sb-alien:int
                                                                         sb-sys:system-area-pointer
                                                                         sb-alien:unsigned-long sb-alien:int))
                                 descriptor (sb-sys:sap+ (sb-sys:vector-sap octets) at) (- 65536 at) 0)))
                     (unless (plusp count)
                       (error "no more bytes"))
                     (incf at (the (integer 0 65536) count)))))))))

(defun write-lines (stream n)
  (declare (type fixnum n))
  (let ((line (concatenate '(simple-array character (*)) (make-string 79 :initial-element #\x) '(#\Newline))))
    (dotimes (i n)
      (write-string line stream))))

(defun write-bytes (stream n)
  (declare (type fixnum n))
  (dotimes (i n)
    (write-byte (logand i 255) stream)))

(defun write-pieces (stream n)
  (declare (type fixnum n))
  (let ((octets (make-array 16384 :element-type '(unsigned-byte 8) :initial-element 120)))
    (dotimes (i n)
      (write-sequence octets stream))))

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
  "Nanoseconds of CPU time of an operation, and of time."
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
             (values (/ (* 1000d0 (- (the fixnum (cpu-microseconds)) (the fixnum before))) count)
                     (/ (* (/ 1d9 internal-time-units-per-second)
                           (- (the fixnum (get-internal-real-time)) begin))
                        count))))
      (finish-socket socket))))

(defun median (numbers)
  (nth (floor (length numbers) 2) (sort (copy-list numbers) #'<)))

(defun row (name floor goal batch floor-make floor-loop make loop)
  "Measures floor, ours, floor, ours ... and prints the row."
  (let ((floors '()) (ours '()) (ratios '()) (rates '()))
    (multiple-value-bind (floor-cpu floor-time) (measure floor-make floor-loop batch)
      (dotimes (i *rounds*)
        (multiple-value-bind (cpu time) (measure make loop batch)
          (multiple-value-bind (next-cpu next-time) (measure floor-make floor-loop batch)
            (push floor-cpu floors)
            (push cpu ours)
            (push (/ (* 2 cpu) (+ floor-cpu next-cpu)) ratios)
            (push (/ (+ floor-time next-time) (* 2 time)) rates)
            (setf floor-cpu next-cpu floor-time next-time)))))
    (let ((ratio (median ratios)))
      (format t "~17a~8a~10@a  ~9,3f ~17a~6,2f ~10,1f ~10,1f  ~a~%"
              name floor (if goal (format nil "~,2f" goal) "") ratio
              (format nil "[~,3f..~,3f]" (reduce #'min ratios) (reduce #'max ratios))
              (median rates) (median floors) (median ours)
              (cond ((null goal) "") ((<= ratio goal) "met") (t "missed")))
      (finish-output))))

(defun rows (directory)
  (setf *port* (start-peer "defined syswrite($c, $t)")
        *drain* (start-peer "sysread($c, my $b, 1 << 20)"))
  (format t "~17a~8a~10@a  ~9@a ~17a~6@a ~10@a ~10@a  ~a~%"
          "workload" "floor" "goal" "cpu ratio" "[least..most]" "rate" "floor ns" "ours ns" "verdict")
  (flet ((characters () (sb-stream 'character))
         (bytes () (sb-stream '(unsigned-byte 8)))
         (sb-drain () (sb-stream :default *drain*))
         (acl-drain () (acl-stream *drain*)))
    (row "sbcl_lines" "sb" 0.1 5000 #'characters #'read-lines #'acl-stream #'read-lines)
    (row "sbcl_getc" "sb" 0.2 100000 #'bytes #'read-bytes #'acl-stream #'read-bytes)
    (row "sbcl_getc_place" "sb" 0.2 100000 #'bytes #'read-bytes #'acl-stream #'read-bytes-in-place)
    (row "sbcl_rune" "sb" nil 100000 #'characters #'read-characters #'acl-stream #'read-characters)
    (row "sbcl_recv64k" "sb" 0.45 50 #'bytes #'read-pieces #'acl-stream #'read-pieces)
    (row "sbcl_recv64k_raw" "sb" nil 50 #'bytes #'read-pieces #'acl-stream #'receive-pieces)
    (row "sbcl_wline" "sb" nil 5000 #'sb-drain #'write-lines #'acl-drain #'write-lines)
    (row "sbcl_putc" "sb" nil 100000 #'sb-drain #'write-bytes #'acl-drain #'write-bytes)
    (row "sbcl_udp" "sb" 0.55 500 #'sb-datagram-socket #'sb-datagrams #'acl-datagram-socket #'acl-datagrams)
    #+acl-socket-bench-cl+ssl
    (progn
      (setf *secure-drain* (start-secure-peer directory))
      (row "sbcl_tls_send16k" "cl+ssl" 0.3 50 #'sb-secure-stream #'write-pieces #'acl-secure-stream #'write-pieces))
    #-acl-socket-bench-cl+ssl
    (progn
      directory
      (format t "~17aSKIP: no cl+ssl (Debian: cl-plus-ssl, cl-usocket)~%" "sbcl_tls_send16k"))))

(unwind-protect (rows (sb-ext:posix-getenv "ACL_SOCKET_FASLS"))
  (dolist (process *peers*)
    (sb-ext:process-kill process 15)))
(sb-ext:exit :code 0 :abort t)
