;;;; Waiting for several sockets and descriptors, and asking whether an operation would wait.

(in-package "ACL-SOCKET")

(defun read-no-hang-p (stream)
  "Whether reading would not wait: there is something, the end of the file, or an error. STREAM may be a
descriptor. Allegro: excl:read-no-hang-p."
  (if (integerp stream)
      (eql 1 (acl-os-fd-read-no-hang-p stream))
      (let ((channel (socket-channel stream)))
        (or (< (channel-index channel) (channel-end channel))
            (progn (give-back stream channel)
                   (eql 1 (acl-read-no-hang-p (handle-of channel))))))))

(defun write-no-hang-p (stream)
  "Whether writing would not wait. Allegro: excl:write-no-hang-p."
  (let ((channel (socket-channel stream)))
    (or (< (channel-fill channel) (length (channel-output channel)))
        (eql 1 (acl-write-no-hang-p (handle-of channel))))))

(defun descriptor-of (item)
  "The descriptor of something that is waited for and no socket; nil for what never has to wait."
  (typecase item
    (integer item)
    #+sbcl (sb-sys:fd-stream (sb-sys:fd-stream-fd item))
    #+ecl (file-stream (ignore-errors (ext:file-stream-fd item)))
    (t nil)))

(defgeneric stream-listen (item)
  (:documentation "Whether something is there to be read, the end of the file included. The default of the
WAIT-FUNCTION of wait-for-input-available.")
  (:method ((item t)) (if (integerp item) (read-no-hang-p item) (listen item)))
  (:method ((item active-stream-socket)) (read-no-hang-p item))
  (:method ((item socket)) (and (wait-for-items (list item) 0) t)))

(defun ready-at-once-p (item)
  "Whether ITEM needs no waiting: its window holds bytes, or it is no socket and has no descriptor. What was read
of a window is given back, so that the library does not count it."
  (typecase item
    (active-stream-socket
     (let ((channel (socket-channel item)))
       (or (< (channel-index channel) (channel-end channel))
           (progn (give-back item channel) nil))))
    (socket nil)
    (t (null (descriptor-of item)))))

(defun wait-by-library (items timeout)
  "Those of ITEMS, sockets and what has a descriptor, that have input, after TIMEOUT seconds, nil for ever."
  (let ((count (length items)))
    (cffi:with-foreign-object (array '(:struct wait-item) (max 1 count))
      (macrolet ((slot (i name)
                   `(cffi:foreign-slot-value (cffi:mem-aptr array '(:struct wait-item) ,i) '(:struct wait-item)
                                             ',name)))
        (loop for item in items
              for i from 0
              for socket = (typep item 'socket)
              do (setf (slot i socket) (if socket (socket-handle item) 0)
                       (slot i os-fd) (if socket -1 (descriptor-of item))
                       (slot i available) 0))
        (check (nil) (acl-wait-for-input-available array count (if timeout (float timeout 1d0) -1d0)
                                                   (cffi:null-pointer)))
        (loop for item in items
              for i from 0
              when (eql 1 (slot i available))
                collect item)))))

(defun wait-for-items (items timeout)
  "Those of ITEMS that have input, after TIMEOUT seconds, nil for ever."
  (let* ((at-once (remove-if-not #'ready-at-once-p items))
         (others (wait-by-library (set-difference items at-once) (if at-once 0 timeout))))
    (remove-if-not (lambda (item) (or (member item at-once) (member item others))) items)))

(defun wait-for-input-available (stream-or-fds &key wait-function whostate timeout)
  "Waits until one or more of a list of sockets, streams and descriptors have input, a connection to accept or
the end of the file, and returns the list of those; nil after TIMEOUT seconds. WAIT-FUNCTION tells of an item
whether it is to be returned, by default whatever has input. Allegro: mp:wait-for-input-available."
  (declare (ignore whostate))
  (let ((items (if (listp stream-or-fds) stream-or-fds (list stream-or-fds)))
        (end (and timeout (+ (get-internal-real-time) (* timeout internal-time-units-per-second)))))
    (cond ((null items) nil)
          ((or (null wait-function) (eq wait-function 'stream-listen) (eq wait-function #'stream-listen))
           (wait-for-items items timeout))
          (t
           (loop
             (let ((ready (remove-if-not wait-function items))
                   (left (and end (/ (- end (get-internal-real-time)) internal-time-units-per-second))))
               (when (or ready (and left (<= left 0)))
                 (return ready))
               (unless (wait-for-items items left)
                 (return nil))
               ;; Input that the function does not count is there still: not to spin.
               (sleep 0.005)))))))

(defmacro with-wait-set ((set) &body body)
  `(call-with-wait-set (lambda (,set) ,@body)))

(defun wait-for-io-available (input-streams output-streams &key input-wait-function output-wait-function whostate
                                                             timeout)
  "Waits until sockets and descriptors can be read, or written, and returns a list of (item . status), where the
status is :in, :in-error, :out or :out-error; nil after TIMEOUT seconds. Allegro: mp:wait-for-io-available."
  (declare (ignore input-wait-function output-wait-function whostate))
  (let ((inputs (if (listp input-streams) input-streams (list input-streams)))
        (outputs (if (listp output-streams) output-streams (list output-streams)))
        (ready '()))
    (when (or inputs outputs)
      (dolist (item inputs)
        (when (ready-at-once-p item)
          (push (cons item :in) ready)))
      (with-wait-set (set)
        (let ((all (union inputs outputs)))
          (loop for item in all
                for i from 1
                for interest = (logior (if (and (member item inputs) (not (assoc item ready))) 1 0)
                                       (if (member item outputs) 4 0))
                unless (zerop interest)
                  do (watch-item set item interest i))
          (append (reverse ready)
                  (wait-for-events set (length all) (if ready 0 timeout) (lambda (i) (nth (1- i) all)))))))))

(defun call-with-wait-set (body)
  (cffi:with-foreign-object (place 'handle)
    (setf (cffi:mem-ref place 'handle) 0)
    (unwind-protect
         (progn
           (check (nil) (acl-make-wait-set place))
           (funcall body (cffi:mem-ref place 'handle)))
      (unless (eql 0 (cffi:mem-ref place 'handle))
        (acl-free-wait-set (cffi:mem-ref place 'handle))))))

(defun watch-item (set item interest number)
  (let ((data (cffi:make-pointer number)))
    (if (typep item 'socket)
        (check (item) (acl-wait-set-watch set (socket-handle item) interest data))
        (check (nil) (acl-wait-set-watch-os-fd set (descriptor-of item) interest data)))))

(defun wait-for-events (set room timeout item-of)
  (cffi:with-foreign-objects ((events '(:struct wait-event) room) (count :size))
    (check (nil) (acl-wait-for-io-available set (if timeout (float timeout 1d0) -1d0) events room count))
    (loop for i below (cffi:mem-ref count :size)
          for event = (cffi:mem-aptr events '(:struct wait-event) i)
          for item = (funcall item-of (cffi:pointer-address
                                       (cffi:foreign-slot-value event '(:struct wait-event) 'data)))
          nconc (loop for (bit status) in '((1 :in) (2 :in-error) (4 :out) (8 :out-error))
                      when (logtest bit (cffi:foreign-slot-value event '(:struct wait-event) 'status))
                        collect (cons item status)))))
