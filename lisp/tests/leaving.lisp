;;;; Threads that leave calls in the middle, again and again and while garbage is collected; sockets that are
;;;; dropped.

(in-package "ACL-SOCKET-TESTS")

(defvar *leavable*)
#+ecl (defvar *leaver* nil)

#-ecl
(defmacro leavable (&body body)
  "The value of BODY, or :left where the thread was made to leave it."
  `(catch 'leave
     (let ((*leavable* t))
       ,@body)))

(defun interrupt (task)
  "Makes the thread of a task leave, when it is where it may. Returns when it has been asked."
  (declare (ignorable task))
  #+(and sbcl sb-thread)
  (let ((arrived nil))
    (ignore-errors
     (sb-thread:interrupt-thread (task-thread task) (lambda ()
                                                      (setf arrived t)
                                                      (when (boundp '*leavable*)
                                                        (throw 'leave :left)))))
    ;; One at a time.
    (loop repeat 500
          until (or arrived (task-values task) (task-condition task))
          do (sleep 0.0001)))
  #+ecl
  (when *leaver*
    (acl-socket::interrupt-leaver *leaver* :waiting)))

#+ecl
(progn
  ;; As with-timeout does: an interrupt of the program's own is not sound in ECL.
  (defmacro leavable (&body body)
    `(catch 'leave
       (acl-socket::call-with-leaver 'leave (lambda (leaver)
                                              (setf *leaver* leaver)
                                              ,@body)))))

(defun collect-garbage ()
  #+sbcl (sb-ext:gc :full t)
  #+ecl (ext:gc t)
  #+clisp (ext:gc)
  #+ccl (ccl:gc))

(defvar *garbage* nil)

(defmacro under-pressure (&body body)
  "Runs BODY while another thread makes garbage and has it collected."
  `(let* ((done nil)
          (collector (thread (loop until done
                                   do (setf *garbage* (loop repeat 1000 collect (make-string 50)))
                                      #+sbcl (sb-ext:gc)
                                      #+ecl (ext:gc nil)
                                      (sleep 0.001)))))
     (unwind-protect (progn ,@body)
       (setf done t)
       (finish collector))))

(defvar *leaves* 3000)

(defmacro left-again-and-again ((task count) &body body)
  "Has the thread of TASK, which BODY makes, thrown to the tag LEAVE until COUNT is reached."
  `(let ((,task (progn ,@body)))
     (leave-again-and-again ,task ,count)
     ,task))

(defun leave-again-and-again (task count)
  (let ((end (+ (get-internal-real-time) (* 8 internal-time-units-per-second))))
    (loop repeat count
          until (or (task-values task) (task-condition task) (> (get-internal-real-time) end))
          do (interrupt task)
             (sleep 0.0002))))

(deftest (reads-left-thousands-of-times :threads)
  (with-connection (client server)
    (let* ((bytes 20000)
           (writer (thread (dotimes (i bytes)
                             (write-byte (mod i 251) client)
                             (when (zerop (mod i 7))
                               (force-output client))
                             (when (zerop (mod i 50))
                               (sleep 0.001)))
                           (force-output client)
                           (shutdown client :direction :output)
                           t))
           (reader (under-pressure
                     (left-again-and-again (reader *leaves*)
                       (thread
                         (let ((next 0) (lefts 0) (missing 0) (left nil))
                           (loop
                             (let ((byte (leavable (read-byte server nil))))
                               (case byte
                                 ((nil) (return))
                                 (:left (incf lefts) (setf left t))
                                 (t
                                  ;; The byte that a call had taken already when it was left is the program's loss.
                                  (loop until (= byte (mod next 251))
                                        do (unless left
                                             (error "byte ~d is ~d and not ~d" next byte (mod next 251)))
                                           (incf next)
                                           (when (> (incf missing) lefts)
                                             (error "~d bytes are missing after leaving ~d times" missing lefts)))
                                  (setf left nil)
                                  (incf next)))))
                           (list next lefts missing)))))))
      (is (finish writer))
      (destructuring-bind (next lefts missing) (finish reader)
        (is (<= (- bytes missing 1) next bytes))
        (is (> lefts 20))))))

(deftest (writes-left-thousands-of-times :threads)
  (with-connection (client server)
    ;; Little room and a reader that takes its time: writing waits.
    (set-socket-options client :send-buffer-size 4096)
    (set-socket-options server :receive-buffer-size 4096)
    (let* ((lines 20000)
           (reader (thread (let ((next 0) (repeated 0))
                             (loop for line = (read-line server nil)
                                   while line
                                   do (when (zerop (mod next 200))
                                        (sleep 0.005))
                                       (let ((number (parse-integer line)))
                                        (cond ((= number next) (incf next))
                                              ;; One that was written already when the call was left.
                                              ((= number (1- next)) (incf repeated))
                                              (t (error "line ~d is ~d" next number)))))
                             (list next repeated))))
           (writer (under-pressure
                     (left-again-and-again (writer *leaves*)
                       (thread
                         (let ((lefts 0) (octets (make-array 7 :element-type '(unsigned-byte 8))))
                           (dotimes (i lines)
                             (replace octets (map 'vector #'char-code (format nil "~6,'0d~%" i)))
                             ;; Whole lines go at once into the buffer.
                             (loop while (eq :left (leavable (write-sequence octets client) nil))
                                   do (incf lefts))
                             (when (zerop (mod i 100))
                               (loop while (eq :left (leavable (force-output client) nil))
                                     do (incf lefts))))
                           (force-output client)
                           (shutdown client :direction :output)
                           lefts))))))
      (is (>= (finish writer) 1))
      (destructuring-bind (next repeated) (finish reader)
        (is (= next lines))
        (is (< repeated *leaves*))))))

(deftest (timed-out-thousands-of-times :threads)
  (with-connection (client server)
    (under-pressure
      (dotimes (i #+sbcl 1500 #-sbcl 60)
        (is (eq :late (with-timeout (0.0005 :late) (read-char server))))
        (when (zerop (mod i 10))
          (send client "x")
          (is (char= (read-char server) #\x)))))))

(deftest (left-accepts-and-connects :threads)
  (with-sockets ((passive (make-socket :connect :passive :local-host "127.0.0.1")))
    (let ((before (open-descriptors)))
      (left-again-and-again (acceptor 1000)
        (thread (loop repeat 300
                      do (let ((stream (leavable (accept-connection passive))))
                           (when (streamp stream)
                             (close stream))))
                t))
      ;; It may wait for one more connection.
      (let ((clients (loop repeat 20
                           for client = (make-socket :remote-host "127.0.0.1" :remote-port (local-port passive))
                           for server = (accept-connection passive :wait nil)
                           do (send client "x")
                           collect client
                           when server collect server)))
        (mapc (lambda (client) (close client :abort t)) clients))
      (loop for stream = (accept-connection passive :wait nil)
            while stream do (close stream :abort t))
      (until (<= (open-descriptors) (+ before 2))))))

#+(and sbcl sb-thread)
(deftest (terminated-threads-leave-nothing-locked :threads)
  (with-connection (client server)
    (dotimes (i 100)
      (let ((reader (sb-thread:make-thread (lambda () (read-line server)))))
        (sleep 0.0005)
        (sb-thread:terminate-thread reader)
        (sb-thread:join-thread reader :default nil)))
    (send client (format nil "still there~%"))
    (is (string= (read-line server) "still there"))
    (let ((closer (sb-thread:make-thread (lambda () (read-char server)))))
      (sleep 0.01)
      (sb-thread:terminate-thread closer)
      (sb-thread:join-thread closer :default nil))
    (close server)
    (is (null (read-char client nil)))))

(deftest dropped-sockets-are-released
  (let ((before (open-descriptors)))
    (flet ((drop ()
             (dotimes (i 50)
               (make-socket :type :datagram))
             nil))
      (drop))
    (loop repeat 50
          ;; A conservative collector may keep one or the other.
          until (<= (open-descriptors) (+ before 5))
          do (collect-garbage)
             (sleep 0.02)
          finally (is (<= (open-descriptors) (+ before 5))))))
