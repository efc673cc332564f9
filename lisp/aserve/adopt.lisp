;;;; What the compatibility layer defines for streams of its own and acl-socket has for its, and what AllegroServe
;;;; takes for granted.

(in-package "ACL-COMPAT.EXCL")

(defun write-vector (sequence stream &key (start 0) end endian-swap)
  (if (typep stream 'acl-socket:socket)
      (acl-socket.excl:write-vector sequence stream :start start :end end :endian-swap endian-swap)
      (progn
        (write-sequence sequence stream :start start :end end)
        (or end (length sequence)))))

;;; It ends each connection with an abort, when all is sent: a client over SSL would take what only the end of the
;;; connection ends for cut off.
(defmethod close :before ((stream acl-socket::ssl-stream-mixin) &key abort)
  (when (and abort (open-stream-p stream))
    (ignore-errors (acl-socket:shutdown stream :direction :output))))
