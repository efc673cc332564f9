;;;; What the compatibility layer defines for streams of its own and acl-socket has for its.

(in-package "ACL-COMPAT.EXCL")

(defun write-vector (sequence stream &key (start 0) end endian-swap)
  (if (typep stream 'acl-socket:socket)
      (acl-socket.excl:write-vector sequence stream :start start :end end :endian-swap endian-swap)
      (progn
        (write-sequence sequence stream :start start :end end)
        (or end (length sequence)))))
