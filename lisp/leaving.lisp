;;;; How a thread of ECL is made to leave what it does. An interrupt of ECL 21.2 that returns may change values of the
;;;; code that it ran in, and one that comes while memory is allocated may end in an internal error, inside of
;;;; mp:without-interrupts too. So a thread is interrupted where it waits in the library, or otherwise only when it does
;;;; not come to wait; never where it must not leave; and what it is interrupted by never returns there.

(in-package "ACL-SOCKET")

#+ecl
(progn
  (defstruct leaver
    "What makes a thread leave to a tag."
    (process mp:*current-process*)
    (tag nil)
    ;; In a list to be compared and swapped: :running; :waiting in the library; :steady where it must not leave; :sent
    ;; when the interrupt is on its way; :left; :done.
    (state (list :running))
    ;; How often it has come to wait.
    (waits 0 :type fixnum)
    ;; Whether it shall leave.
    (due nil)
    ;; Whether what it would leave has ended.
    (ended nil))

  (defvar *leavers* '()
    "Those that this thread has, the innermost first.")

  (defun change-state (leaver from to)
    (eq from (mp:compare-and-swap (car (leaver-state leaver)) from to)))

  (defun interrupt-leaver (leaver from)
    "Makes a thread leave that is in state FROM. False where it is not."
    (when (and (or (eq from :running) (waits-for-long-p leaver))
               (change-state leaver from :sent))
      (mp:interrupt-process (leaver-process leaver)
                            (lambda ()
                              (setf (car (leaver-state leaver)) :left)
                              (unless (leaver-ended leaver)
                                (throw (leaver-tag leaver) :left))))
      t))

  (defun waits-for-long-p (leaver)
    "Whether a thread is in the system: not only about to be, or just back, where it allocates."
    (let ((waits (leaver-waits leaver)))
      (and (eq (car (leaver-state leaver)) :waiting)
           (progn (sleep 0.0003) t)
           (= waits (leaver-waits leaver)))))

  (defun settle (leaver from to)
    "Changes the state; where the interrupt is on its way it waits for that."
    (loop until (change-state leaver from to)
          while (eq (car (leaver-state leaver)) :sent)
          do (mp:process-yield)))

  (defun call-in-state (state leavers body)
    (if (null leavers)
        (funcall body)
        (let ((leaver (first leavers)))
          (cond ((not (member (car (leaver-state leaver)) '(:running :sent)))
                 (call-in-state state (rest leavers) body))
                (t
                 (when (and (leaver-due leaver) (eq state :waiting))
                   (throw (leaver-tag leaver) :left))
                 (settle leaver :running state)
                 (when (eq state :waiting)
                   (setf (leaver-waits leaver) (logand most-positive-fixnum (1+ (leaver-waits leaver)))))
                 (unwind-protect (call-in-state state (rest leavers) body)
                   (settle leaver state :running)))))))

  (defmacro without-interrupts (&body body)
    "Runs code that no time-out makes leave in the middle. It must not wait."
    `(flet ((body () (mp:without-interrupts ,@body)))
       (declare (dynamic-extent #'body))
       (if *leavers* (call-in-state :steady *leavers* #'body) (body))))

  (defmacro waiting (&body body)
    "Runs a call of the library that may wait, and that a thread may be made to leave."
    `(flet ((body () ,@body))
       (declare (dynamic-extent #'body))
       (if *leavers* (call-in-state :waiting *leavers* #'body) (body))))

  (defun call-with-leaver (tag body)
    "Calls BODY with a leaver, by which another thread may make this one throw :left to TAG."
    (let* ((leaver (make-leaver :tag tag))
           (*leavers* (cons leaver *leavers*)))
      (unwind-protect (funcall body leaver)
        (setf (leaver-ended leaver) t)
        (settle leaver :running :done))))

  (defun leave-when-due (leaver seconds)
    "Makes a thread leave after so many seconds, where it waits, or else a little later."
    (let ((end (+ (get-internal-real-time) (* seconds internal-time-units-per-second))))
      (loop until (member (car (leaver-state leaver)) '(:sent :left :done))
            do (let ((left (/ (- end (get-internal-real-time)) internal-time-units-per-second)))
                 ;; ECL has no wait with a time-out, for which this would not have to look again and again.
                 (cond ((> left 0) (sleep (min left 0.02)))
                       (t (setf (leaver-due leaver) t)
                          (or (interrupt-leaver leaver :waiting)
                              (and (< left -0.05) (interrupt-leaver leaver :running))
                              (sleep 0.001))))))))

  (defun call-and-leave (tag seconds body)
    (call-with-leaver tag (lambda (leaver)
                            (mp:process-run-function "time-out" (lambda () (leave-when-due leaver seconds)))
                            (funcall body)))))
