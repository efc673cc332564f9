;;;; Datagrams.

(in-package "ACL-SOCKET")

(defun octets-to-text (octets count)
  "The text of octets in UTF-8; what is malformed becomes U+FFFD."
  (let ((text (make-array count :element-type 'character :fill-pointer 0)) (at 0))
    (loop while (< at count)
          do (let ((octet (aref octets at)))
               (multiple-value-bind (code next)
                   (if (< octet 128) (values octet (1+ at)) (decode-utf-8 octets at count))
                 (vector-push (code-char (or code #xfffd)) text)
                 (setf at (or next (1+ at))))))
    (coerce text 'simple-string)))

(defun text-to-octets (text)
  (let ((octets (make-array (length text) :element-type 'octet :adjustable t :fill-pointer 0)))
    (flet ((put (octet) (vector-push-extend octet octets)))
      (loop for character across text
            do (let ((code (char-code character)))
                 (cond ((< code #x80) (put code))
                       ((< code #x800)
                        (put (logior #xc0 (ash code -6))) (put (logior #x80 (ldb (byte 6 0) code))))
                       ((< code #x10000)
                        (put (logior #xe0 (ash code -12))) (put (logior #x80 (ldb (byte 6 6) code)))
                        (put (logior #x80 (ldb (byte 6 0) code))))
                       (t
                        (put (logior #xf0 (ash code -18))) (put (logior #x80 (ldb (byte 6 12) code)))
                        (put (logior #x80 (ldb (byte 6 6) code))) (put (logior #x80 (ldb (byte 6 0) code))))))))
    (coerce octets 'octets)))

(defun message-octets (buffer size)
  "The octets of a message: a string, in UTF-8, or a vector of integers of up to 64 bits, as they are in memory."
  (let ((octets (cond ((octet-vector-p buffer) buffer)
                      ((stringp buffer) (text-to-octets buffer))
                      (t (let* ((width (element-width buffer))
                                (octets (make-octets (min size (* width (length buffer))))))
                           (dotimes (i (length octets) octets)
                             (setf (aref octets i) (vector-octet buffer i width 0))))))))
    (if (<= 0 size (length octets))
        octets
        (refuse nil "sending ~d bytes of a message that has ~d" size (length octets)))))

(defgeneric send-to (sock buffer size &key &allow-other-keys)
  (:documentation "Sends a message of SIZE bytes of BUFFER, a string or a vector of octets. Where to is what make-socket
was given, unless said otherwise. Returns how many bytes went. Allegro: the same."))

(defun send-message (sock buffer size host port file ipv6 scope-id)
  (when (stringp host)
    (prepare-lookup))
  (let ((octets (message-octets buffer size)))
    (with-texts ((host-name (and (stringp host) host))
                 (port-name (and (stringp port) port))
                 (file-name (and file (native-file file))))
      (with-ipaddr (address (and (not (stringp host)) host))
        (with-arguments (args send-to-args
                              (remote-host host-name)
                              (remote-ipaddr (if (and host (not (stringp host))) address (cffi:null-pointer)))
                              (remote-port (port-number port))
                              (ipv6 (ipv6-mode ipv6))
                              (remote-port-name port-name)
                              (remote-filename file-name)
                              (scope-id (or scope-id 0)))
          (with-octets-to-send (pointer octets 0 size)
            (prog1 (result (:size sock) (acl-send-to (socket-handle sock) pointer size args %))
              (when (and scope-id (ipv6-address-p host))
                (setf (ipv6-address-scope-id host) scope-id)))))))))

(defmethod send-to ((sock internet-datagram-socket) buffer size
                    &key remote-host remote-port (ipv6 *ipv6*) scope-id)
  (send-message sock buffer size remote-host remote-port nil ipv6 scope-id))

(defmethod send-to ((sock file-datagram-socket) buffer size &key remote-filename)
  (send-message sock buffer size nil nil remote-filename nil nil))

(defgeneric receive-from (sock size &key buffer extract)
  (:documentation "Waits for a message of at most SIZE bytes. Values: BUFFER, or a new string (octets where the socket's
format is :binary), or with EXTRACT just the message; the number of bytes; the sender's address and port, or its file.
Allegro: the same."))

(defmethod receive-from ((sock datagram-socket) size &key buffer extract)
  (check-type size (integer 0))
  (when (and buffer (< (length buffer) size))
    (refuse sock "receiving ~d bytes into a buffer of ~d" size (length buffer)))
  (let ((octets (if (octet-vector-p buffer) buffer (make-octets size))))
    (cffi:with-foreign-object (received '(:struct received))
      (with-octets-to-fill (pointer octets 0 size)
        (check (sock) (acl-receive-from (socket-handle sock) pointer size received)))
      (macrolet ((slot (name) `(cffi:foreign-slot-value received '(:struct received) ',name))
                 (place (name) `(cffi:foreign-slot-pointer received '(:struct received) ',name)))
        (let* ((count (slot length))
               (message (received-message sock octets count size buffer extract)))
          (if (typep sock 'file-socket)
              (values message count
                      (cffi:foreign-string-to-lisp (place remote-filename) :encoding :utf-8))
              (values message count (fetch-ipaddr (place remote-host)) (slot remote-port))))))))

(defun received-message (sock octets count size buffer extract)
  "The first value of receive-from."
  (cond ((eq octets buffer)
         (if extract (subseq octets 0 count) buffer))
        ((and buffer (not (stringp buffer)))
         (let ((width (element-width buffer)))
           (dotimes (i count)
             (setf (vector-octet buffer i width 0) (aref octets i)))
           (if extract (subseq buffer 0 (ceiling count width)) buffer)))
        ((and (null buffer) (datagram-socket-binary sock))
         (if extract (subseq octets 0 count) octets))
        (t
         (let ((text (octets-to-text octets count)))
           (if extract
               text
               (replace (or buffer (make-string size :initial-element (code-char 0))) text))))))
