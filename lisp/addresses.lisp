;;;; IP addresses: integers and ipv6-address structures, their texts, and looking names up.

(in-package "ACL-SOCKET")

(defvar *ipv6* nil
  "The default of every ipv6 keyword: nil for IPv4, t to prefer IPv6, :ipv6 for IPv6 only. Allegro: the same.")

(defstruct (ipv6-address (:predicate ipv6-address-p) (:copier nil))
  "An IPv6 address. Allegro: the same."
  (octets (make-octets 16) :type octets)
  (scope-id 0 :type (unsigned-byte 32)))

(setf (documentation 'ipv6-address-p 'function)
      "Whether an object is an ipv6-address structure. Allegro: the same."
      (documentation 'ipv6-address-scope-id 'function)
      "The number of the interface that an IPv6 address is meant on, 0 for none. Setf-able. Allegro: the same.")

(defmethod print-object ((address ipv6-address) stream)
  (print-unreadable-object (address stream)
    (format stream "ipv6-address ~a" (ipaddr-to-dotted address))))

(defun ipaddrp (object)
  "Whether OBJECT is an IP address: an integer of 32 bits or an ipv6-address. Allegro: the same."
  (or (typep object '(unsigned-byte 32)) (ipv6-address-p object)))

(defun store-ipaddr (address pointer)
  (macrolet ((slot (name) `(cffi:foreign-slot-value pointer '(:struct ipaddr) ',name)))
    (zero-memory pointer (cffi:foreign-type-size '(:struct ipaddr)))
    (etypecase address
      (null)
      ((unsigned-byte 32) (setf (slot kind) 4 (slot ipv4) address))
      (ipv6-address
       (setf (slot kind) 6 (slot scope-id) (ipv6-address-scope-id address))
       (let ((octets (cffi:foreign-slot-pointer pointer '(:struct ipaddr) 'ipv6)))
         (dotimes (i 16)
           (setf (cffi:mem-aref octets :uint8 i) (aref (ipv6-address-octets address) i))))))
    pointer))

(defun fetch-ipaddr (pointer)
  (macrolet ((slot (name) `(cffi:foreign-slot-value pointer '(:struct ipaddr) ',name)))
    (ecase (slot kind)
      (0 nil)
      (4 (slot ipv4))
      (6 (let ((octets (make-octets 16))
               (source (cffi:foreign-slot-pointer pointer '(:struct ipaddr) 'ipv6)))
           (dotimes (i 16)
             (setf (aref octets i) (cffi:mem-aref source :uint8 i)))
           (make-ipv6-address :octets octets :scope-id (slot scope-id)))))))

(defmacro with-ipaddr ((pointer address) &body body)
  `(cffi:with-foreign-object (,pointer '(:struct ipaddr))
     (store-ipaddr ,address ,pointer)
     ,@body))

(defun dotted-to-ipaddr (dotted &key (errorp t))
  "The address that a text such as \"192.132.95.84\", \"127.1\" or \"fe80::1%2\" stands for. Where it is
none, an error, or nil if ERRORP is nil. Allegro: the same."
  (check-type dotted string)
  (with-ipaddr (address nil)
    (check (nil) (acl-dotted-to-ipaddr dotted (if errorp 1 0) address))
    (fetch-ipaddr address)))

(defun dotted-address-p (object)
  "Whether OBJECT is a string that dotted-to-ipaddr understands. Allegro: the same."
  (and (stringp object)
       (not (find (code-char 0) object))
       (dotted-to-ipaddr object :errorp nil)
       t))

(defun ipaddr-to-dotted (addr &key values)
  "The text of an address; for an integer with VALUES true, its four octets. Allegro: the same."
  (check-type addr (satisfies ipaddrp))
  (cond ((ipv6-address-p addr)
         (with-ipaddr (address addr)
           (text-result (64 nil) (acl-ipaddr-to-dotted address %buffer %size %length))))
        (values
         (values (ldb (byte 8 24) addr) (ldb (byte 8 16) addr) (ldb (byte 8 8) addr) (ldb (byte 8 0) addr)))
        (t (ipv4-text addr))))

(defun ipv4-text (address)
  ;; format takes microseconds, and servers write an address per request.
  (let ((text (make-string 15)) (end 0))
    (declare (type (unsigned-byte 32) address) (type (integer 0 15) end))
    (flet ((put (digit) (setf (char text end) (code-char (+ 48 digit))) (incf end)))
      (loop for shift from 24 downto 0 by 8
            do (let ((octet (ldb (byte 8 0) (ash address (- shift)))))
                 (when (> octet 99) (put (floor octet 100)))
                 (when (> octet 9) (put (mod (floor octet 10) 10)))
                 (put (mod octet 10))
                 (when (plusp shift)
                   (setf (char text end) #\.)
                   (incf end)))))
    (subseq text 0 end)))

(defun address-designator (host)
  (if (stringp host) (dotted-to-ipaddr host) host))

(defun ipaddr-equalp (addr1 addr2 &key compare-scope-id)
  "Whether two addresses, each an address or a dotted text, are the same. Allegro: the same."
  (with-ipaddr (one (address-designator addr1))
    (with-ipaddr (other (address-designator addr2))
      (eql 1 (acl-ipaddr-equalp one other (if compare-scope-id 1 0))))))

(defun get-ip-interfaces ()
  "A list of (id . name) of this machine's interfaces. Allegro: the same."
  (cffi:with-foreign-objects ((interfaces :pointer) (count :size))
    (check (nil) (acl-get-ip-interfaces interfaces count))
    (let ((array (cffi:mem-ref interfaces :pointer)))
      (unwind-protect
           (loop for i below (cffi:mem-ref count :size)
                 for interface = (cffi:mem-aptr array '(:struct ip-interface) i)
                 collect (cons (cffi:foreign-slot-value interface '(:struct ip-interface) 'id)
                               (cffi:foreign-string-to-lisp
                                (cffi:foreign-slot-pointer interface '(:struct ip-interface) 'name))))
        (acl-free-buffer array)))))

(defvar *dns-mode* '(:acldns :clib)
  "Who looks names up: :acldns, the library's own client, :clib, the C library, or a list of both. Allegro: the same.")
(defvar *dns-domain* nil
  "The domain of this machine, or nil. Allegro: the same.")
(defvar *domain-search-list* nil
  "A list of domains that are put behind short names. Allegro: the same.")

(defvar *told* (list '(:acldns :clib) nil nil)
  "The values of these variables that the library knows of.")

(defun prepare-lookup ()
  "Tells the library what was set since the last time."
  (let ((known *told*) (now (list *dns-mode* *dns-domain* *domain-search-list*)))
    (unless (equal known now)
      (unless (equal (first known) *dns-mode*)
        (let ((modes (if (listp *dns-mode*) *dns-mode* (list *dns-mode*))))
          (check (nil) (acl-set-dns-mode (logior (if (member :acldns modes) 1 0) (if (member :clib modes) 2 0))))))
      (unless (equal (second known) *dns-domain*)
        (with-texts ((domain *dns-domain*))
          (check (nil) (acl-set-dns-domain domain))))
      (unless (equal (third known) *domain-search-list*)
        (with-texts ((domains (format nil "~{~a~^ ~}" *domain-search-list*)))
          (check (nil) (acl-set-domain-search-list domains))))
      (setf *told* now))))

(defun lookup-hostname (host &key ignore-cache (ipv6 *ipv6*) all)
  "The address of a host that is given by name, dotted text or address; with ALL the list of its addresses.
Allegro: the same."
  (if (ipaddrp host)
      (if all (list host) host)
      (with-arguments (args lookup-hostname-args
                            (ignore-cache (if ignore-cache 1 0))
                            (ipv6 (ipv6-mode ipv6)))
        (check-type host string)
        (prepare-lookup)
        (if all
            (cffi:with-foreign-objects ((addresses :pointer) (count :size))
              (check (nil) (acl-lookup-hostname-all host args addresses count))
              (let ((array (cffi:mem-ref addresses :pointer)))
                (unwind-protect
                     (loop for i below (cffi:mem-ref count :size)
                           collect (fetch-ipaddr (cffi:mem-aptr array '(:struct ipaddr) i)))
                  (acl-free-buffer array))))
            (with-ipaddr (address nil)
              (check (nil) (acl-lookup-hostname host args address))
              (fetch-ipaddr address))))))

(defun ipaddr-to-hostname (ipaddr &key ignore-cache)
  "The name of the host with an address, which is one or its text; nil where it has none. Allegro: the same."
  (prepare-lookup)
  (with-ipaddr (address (address-designator ipaddr))
    (with-arguments (args ipaddr-to-hostname-args (ignore-cache (if ignore-cache 1 0)))
      (let ((name (text-result (256 nil) (acl-ipaddr-to-hostname address args %buffer %size %length))))
        (if (string= name "") nil name)))))

(defun lookup-port (port protocol)
  "The number of a port by the name of a service and \"tcp\" or \"udp\". Allegro: the same."
  (if (integerp port)
      port
      (result (:int32 nil) (acl-lookup-port port (string-downcase protocol) %))))
