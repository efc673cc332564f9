;;;; What calls of the library have in common: keyword arguments, texts and results by pointer.

(in-package "ACL-SOCKET")

(defun zero-memory (pointer size)
  (cffi:foreign-funcall "memset" :pointer pointer :int 0 :size size :pointer))

(defmacro with-arguments ((pointer struct &rest fields) &body body)
  "Runs BODY with POINTER to a structure of keyword arguments, whose FIELDS are (NAME VALUE)."
  `(cffi:with-foreign-object (,pointer '(:struct ,struct))
     (zero-memory ,pointer (cffi:foreign-type-size '(:struct ,struct)))
     (setf (cffi:foreign-slot-value ,pointer '(:struct ,struct) 'struct-size)
           (cffi:foreign-type-size '(:struct ,struct)))
     ,@(loop for (name value) in fields
             collect `(setf (cffi:foreign-slot-value ,pointer '(:struct ,struct) ',name) ,value))
     ,@body))

(defmacro with-texts (bindings &body body)
  "Runs BODY with each variable bound to a C string, or to NULL where its text is nil."
  (if (null bindings)
      `(progn ,@body)
      (destructuring-bind ((variable text) &rest others) bindings
        `(let ((,variable (text-to-foreign ,text)))
           (unwind-protect (with-texts ,others ,@body)
             (unless (cffi:null-pointer-p ,variable)
               (cffi:foreign-string-free ,variable)))))))

(defun text-to-foreign (text)
  (cond ((null text) (cffi:null-pointer))
        ((find (code-char 0) (the string text))
         (refuse nil "taking the text ~s, which has a NUL" text))
        (t (cffi:foreign-string-alloc text :encoding :utf-8))))

(defmacro result ((type socket) call)
  "Makes a call whose last argument, written %, is where a number is stored, and returns that number."
  (let ((pointer (gensym "POINTER")))
    `(cffi:with-foreign-object (,pointer ,type)
       (check (,socket) ,(subst pointer '% call))
       (cffi:mem-ref ,pointer ,type))))

(defmacro text-result ((size socket) call)
  "Makes a call whose last arguments, written %buffer %size %length, are room for a text; returns it."
  (let ((buffer (gensym "BUFFER")) (length (gensym "LENGTH")) (room (gensym "ROOM")))
    `(flet ((ask (,room)
              (cffi:with-foreign-object (,length :size)
                (cffi:with-foreign-pointer (,buffer ,room)
                  (let ((status ,(sublis `((%buffer . ,buffer) (%size . ,room) (%length . ,length)) call)))
                    (cond ((eql status 0)
                           (cffi:foreign-string-to-lisp ,buffer :count (cffi:mem-ref ,length :size)
                                                               :encoding :utf-8))
                          ((eql status +buffer-too-small+) (1+ (cffi:mem-ref ,length :size)))
                          (t (fail status ,socket))))))))
       (let ((text (ask ,size)))
         (if (stringp text) text (ask text))))))

(defun tri-state (value)
  "A boolean keyword that was given."
  (if value 1 -1))

(defun ipv6-mode (value)
  (case value ((nil) -1) (:ipv6 2) (t 1)))

(defun seconds-or-none (seconds)
  "A time-out as the library takes it; nil is none."
  (if seconds (float seconds 1d0) -1d0))

(defun native-file (file)
  "The name of a file as the system has it."
  (if (pathnamep file) (uiop:native-namestring file) file))
