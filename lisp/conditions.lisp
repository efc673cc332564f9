;;;; The conditions, and how a status of the library becomes one.

(in-package "ACL-SOCKET")

(defgeneric stream-error-identifier (condition)
  (:documentation "The keyword that tells which error it is, :unknown where only the code does. Allegro: the same.")
  (:method ((condition stream-error)) :unknown))

(defgeneric stream-error-code (condition)
  (:documentation "The errno, or nil where the system reported none. Allegro: the same.")
  (:method ((condition stream-error)) nil))

(defgeneric stream-error-action (condition)
  (:documentation "What was being done, such as \"connecting to 10.0.0.1 port 80\". Allegro: the same.")
  (:method ((condition stream-error)) nil))

(defun report-stream-error (condition stream)
  (format stream "~s~@[ (errno ~d)~] occurred~@[ while ~a~]."
          (or (slot-value condition 'meaning)
              (let ((words (substitute #\Space #\- (string-downcase (stream-error-identifier condition)))))
                (string-capitalize words :end (min 1 (length words)))))
          (stream-error-code condition)
          (stream-error-action condition)))

(define-condition described-stream-error (stream-error)
  ((identifier :initarg :identifier :initform :unknown :reader stream-error-identifier)
   (code :initarg :code :initform nil :reader stream-error-code)
   (action :initarg :action :initform nil :reader stream-error-action)
   (meaning :initarg :meaning :initform nil))
  (:default-initargs :stream nil)
  (:report report-stream-error))

(define-condition socket-error (described-stream-error) ()
  (:documentation "What the operating system or the library reports of a socket. Allegro: the same."))

(define-condition errno-stream-error (described-stream-error) ()
  (:documentation "A failure for which only the errno tells the reason. Allegro: the same."))

(define-condition socket-errno-error (socket-error errno-stream-error) ()
  (:documentation "Both: programs look for such failures as the one or as the other."))

(define-condition stream-closed-error (socket-error) ()
  (:documentation "The socket has been closed, here or by another thread. Allegro: the same."))

(define-condition ssl-error (socket-error) ()
  (:documentation "What SSL reports. Allegro: excl::ssl-error."))

(define-condition socket-chunking-end-of-file (simple-condition) ()
  (:documentation "Signalled, once, where the end of a chunked body is read. Its format arguments are the stream.")
  (:report (lambda (condition stream)
             (apply #'format stream (simple-condition-format-control condition)
                    (simple-condition-format-arguments condition)))))

(defconstant +unknown+ 14)
(defconstant +invalid-handle+ 100)
(defconstant +closed+ 101)

(defun keyword-of (status)
  (let ((text (acl-status-keyword status)))
    (if text (intern (string-upcase (subseq text 1)) "KEYWORD") :unknown)))

(defun ssl-status-p (status)
  "Whether a status is one of SSL: their keywords say so."
  (let ((text (acl-status-keyword status)))
    (and text (or (search ":ssl" text) (search "certificate" text)))))

(defun condition-of (status)
  (cond ((= status +closed+) 'stream-closed-error)
        ((= status +unknown+) 'socket-errno-error)
        ((ssl-status-p status) 'ssl-error)
        (t 'socket-error)))

(defun fail (status socket)
  "Signals the failure of the call of the library that this thread has just made."
  (let ((code (acl-stream-error-code))
        (action (acl-stream-error-action))
        ;; A handle is not valid any more where its socket has gone.
        (status (if (= status +invalid-handle+) +closed+ status)))
    (error (condition-of status)
           :stream socket :identifier (keyword-of status) :meaning (acl-status-meaning status)
           :code (if (zerop code) nil code) :action action)))

(defun refuse (socket control &rest arguments)
  "Signals an argument that cannot be, before the library is called."
  (error 'socket-error :stream socket :identifier :invalid-argument :meaning "Invalid argument"
                       :action (apply #'format nil control arguments)))

(defmacro check ((socket) call)
  "Makes a call of the library and signals its failure."
  (let ((status (gensym "STATUS")))
    `(let ((,status ,call))
       (unless (eql ,status 0)
         (fail ,status ,socket)))))
