;;;; The DNS client.

(in-package "ACL-SOCKET")

(provide "ACLDNS")

(defclass dns-nameserver ()
  ((name :initarg :name :initform nil :reader dns-nameserver-name)
   (ipaddr :initarg :ipaddr :reader dns-nameserver-ipaddr)
   (sent :initarg :sent :reader dns-nameserver-sent)
   (received :initarg :received :reader dns-nameserver-received))
  (:documentation "A name server and how many messages it was sent and has sent. Allegro: the same."))

(defclass dns-response ()
  ((id :initarg :id :reader dns-response-id)
   (flags :initarg :flags :reader dns-response-flags)
   (flags-value :initarg :flags-value :reader dns-response-flags-value)
   (answer :initarg :answer :reader dns-response-answer)
   (authority :initarg :authority :reader dns-response-authority)
   (additional :initarg :additional :reader dns-response-additional))
  (:documentation "A response as it came, with lists of dns-rr. Allegro: the same."))

(defclass dns-rr ()
  ((name :initarg :name :reader dns-rr-name)
   (type :initarg :type :reader dns-rr-type)
   (class :initarg :class :reader dns-rr-class)
   (answer :initarg :answer :reader dns-rr-answer)
   (time-to-live :initarg :time-to-live :reader dns-rr-time-to-live))
  (:documentation "A record of a response. Allegro: the same."))

(loop for (name . text) in '((dns-nameserver-name . "A string or nil") (dns-nameserver-ipaddr . "An address")
                             (dns-nameserver-sent . "Messages sent to it") (dns-nameserver-received . "Messages it sent")
                             (dns-response-id . "The number of the query") (dns-response-flags . "A list of keywords")
                             (dns-response-flags-value . "The flags as a number") (dns-response-answer . "A list of dns-rr")
                             (dns-response-authority . "A list of dns-rr") (dns-response-additional . "A list of dns-rr")
                             (dns-rr-name . "Whose record it is") (dns-rr-type . "A keyword, or a number")
                             (dns-rr-class . "1 for the internet") (dns-rr-answer . "An address, a host, or what the type has")
                             (dns-rr-time-to-live . "Seconds for which it is good"))
      do (setf (documentation name 'function) (format nil "~a. Allegro: the same." text)))

(defvar *dns-configured* nil
  "Whether a name server is known; set to nil, the next query looks for one. Allegro: the same.")
(defvar *nameservers* '()
  "A list of the name servers. Allegro: the same.")

(defvar *configured-told* nil
  "The value of *dns-configured* that the library knows of.")

(defparameter *dns-types*
  '((:a . 1) (:ns . 2) (:cname . 5) (:soa . 6) (:ptr . 12) (:mx . 15) (:txt . 16) (:aaaa . 28) (:srv . 33) (:any . 255)
    (:caa . 257)))

(defparameter *dns-flags*
  '((32768 . :is-response) (1024 . :authoritative) (512 . :truncated) (256 . :recursion-desired)
    (128 . :recursion-available) (32 . :authentic-data) (16 . :checking-disabled) (65536 . :no-such-domain)
    (131072 . :nameserver-internal-error) (262144 . :error) (524288 . :cached) (1048576 . :stale)))

(defun flag-keywords (number)
  (loop for (bit . keyword) in *dns-flags*
        when (logtest bit number) collect keyword))

(defun text-or-nil (pointer)
  (if (cffi:null-pointer-p pointer) nil (cffi:foreign-string-to-lisp pointer :encoding :utf-8)))

(defun record-answer (record type pairs)
  "What a record says: with PAIRS as dns-query answers, otherwise as dns-rr-answer does."
  (macrolet ((slot (name) `(cffi:foreign-slot-value record '(:struct dns-record) ',name)))
    (let ((host (text-or-nil (slot host)))
          (address (fetch-ipaddr (cffi:foreign-slot-pointer record '(:struct dns-record) 'address))))
      (case type
        ((:a :aaaa) address)
        (:mx (if pairs (list host address (slot preference)) host))
        (:srv (list host address (slot preference) (slot weight) (slot port)))
        ((:txt :caa)
         (loop for i below (slot text-count)
               for text = (cffi:mem-aptr (slot texts) '(:struct dns-text) i)
               collect (cffi:foreign-string-to-lisp (cffi:foreign-slot-value text '(:struct dns-text) 'text)
                                                    :count (cffi:foreign-slot-value text '(:struct dns-text) 'length)
                                                    :encoding :latin-1)))
        (t host)))))

(defun record-type (record)
  (let ((number (cffi:foreign-slot-value record '(:struct dns-record) 'type)))
    (or (car (rassoc number *dns-types*)) number)))

(defun read-records (function response)
  (cffi:with-foreign-objects ((records :pointer) (count :size))
    (check (nil) (funcall function response records count))
    (loop for i below (cffi:mem-ref count :size)
          for record = (cffi:mem-aptr (cffi:mem-ref records :pointer) '(:struct dns-record) i)
          for type = (record-type record)
          collect (make-instance 'dns-rr
                                 :name (text-or-nil (cffi:foreign-slot-value record '(:struct dns-record) 'name))
                                 :type type
                                 :class (cffi:foreign-slot-value record '(:struct dns-record) 'rr-class)
                                 :answer (record-answer record type nil)
                                 :time-to-live (cffi:foreign-slot-value record '(:struct dns-record) 'time-to-live)))))

(defun read-response (response)
  (make-instance 'dns-response
                 :id (result (:int32 nil) (acl-dns-response-id response %))
                 :flags (flag-keywords (result (:int32 nil) (acl-dns-response-flags response %)))
                 :flags-value (result (:int32 nil) (acl-dns-response-flags-value response %))
                 :answer (read-records #'acl-dns-response-answer response)
                 :authority (read-records #'acl-dns-response-authority response)
                 :additional (read-records #'acl-dns-response-additional response)))

(defun read-values (response)
  (cffi:with-foreign-objects ((answers :pointer) (count :size) (time-to-live :int64) (flags :int32))
    (check (nil) (acl-dns-response-values response answers count time-to-live flags))
    (let ((all (loop for i below (cffi:mem-ref count :size)
                     for record = (cffi:mem-aptr (cffi:mem-ref answers :pointer) '(:struct dns-record) i)
                     collect (record-answer record (record-type record) t))))
      (values (first all) (cffi:mem-ref time-to-live :int64) (rest all)
              (flag-keywords (cffi:mem-ref flags :int32))))))

(defun tell-configured ()
  "Tells the library that *dns-configured* was set to nil."
  (prepare-lookup)
  (when (and *configured-told* (null *dns-configured*))
    (check (nil) (acl-set-dns-configured 0))))

(defun learn-configuration ()
  "What the library has found out."
  (setf *dns-configured* (eql 1 (acl-get-dns-configured))
        *configured-told* *dns-configured*)
  (cffi:with-foreign-objects ((nameservers :pointer) (count :size))
    (check (nil) (acl-get-nameservers nameservers count))
    (let ((array (cffi:mem-ref nameservers :pointer)))
      (unwind-protect
           (setf *nameservers*
                 (loop for i below (cffi:mem-ref count :size)
                       for server = (cffi:mem-aptr array '(:struct nameserver) i)
                       collect (make-instance
                                'dns-nameserver
                                :ipaddr (fetch-ipaddr (cffi:foreign-slot-pointer server '(:struct nameserver) 'ipaddr))
                                :sent (cffi:foreign-slot-value server '(:struct nameserver) 'sent)
                                :received (cffi:foreign-slot-value server '(:struct nameserver) 'received))))
        (unless (cffi:null-pointer-p array)
          (acl-free-buffer array))))))

(defun nameserver-text (nameserver)
  "One address, or a list of them, as the library takes them: \"127.0.0.1#5353\" names a port too."
  (and nameserver
       (format nil "~{~a~^ ~}"
               (mapcar (lambda (one) (if (stringp one) one (ipaddr-to-dotted one)))
                       (if (listp nameserver) nameserver (list nameserver))))))

(defun configure-dns (&key nameserver search domain auto)
  "Says which name servers are asked, an address or a list of them, and the domains; with AUTO what resolv.conf says.
Allegro: the same."
  (with-texts ((nameservers (nameserver-text nameserver))
               (domains (and search (format nil "~{~a~^ ~}" search)))
               (own-domain domain))
    (with-arguments (args configure-dns-args
                          (nameserver nameservers) (search domains) (domain own-domain) (automatic (if auto 1 0)))
      (let ((status (acl-configure-dns args)))
        (learn-configuration)
        (unless (eql status 0)
          (fail status nil))))
    (flet ((text (value) (if (string= value "") nil value)))
      (setf *dns-domain* (text (text-result (256 nil) (acl-get-dns-domain %buffer %size %length)))
            *domain-search-list* (remove "" (uiop:split-string
                                             (text-result (256 nil)
                                               (acl-get-domain-search-list %buffer %size %length)))
                                         :test #'string=)
            *told* (list (first *told*) *dns-domain* *domain-search-list*)))
    *dns-configured*))

(defun ask-dns (call name &key (type :a) nameserver repeat timeout (queue t) (decode t) search ignore-cache)
  "Calls one of the three that ask, and makes Lisp values of the response."
  (tell-configured)
  (with-texts ((servers (nameserver-text nameserver)))
    (with-arguments (args dns-query-args
                          (type (if (integerp type) type (or (cdr (assoc type *dns-types*))
                                                             (refuse nil "asking for records of type ~s" type))))
                          (nameserver servers)
                          (repeat (or repeat 0))
                          (queue (tri-state queue))
                          ;; To the library 0 means what is configured, to programs not to wait.
                          (timeout (if timeout (float (max timeout 1/1000000) 1d0) 0d0))
                          (decode (if decode 0 -1))
                          (search (if search 1 0))
                          (ignore-cache (if ignore-cache 1 0)))
      (cffi:with-foreign-object (place 'handle)
        (setf (cffi:mem-ref place 'handle) 0)
        (unwind-protect
             (let* ((status (funcall call name args place))
                    (response (cffi:mem-ref place 'handle))
                    (keyword (keyword-of status)))
               (prog1
                   (cond ((eql status 0)
                          (multiple-value-list (if decode (read-values response) (read-response response))))
                         ((eq keyword :host-not-found) (list nil nil nil '(:no-such-domain)))
                         ((eq keyword :no-data) (list nil nil nil nil))
                         ((eq keyword :nameserver-internal-error) (list nil nil nil '(:nameserver-internal-error)))
                         ((member keyword '(:nameserver-refused :nameserver-error)) (list nil nil nil '(:error)))
                         ((member keyword '(:nameserver-timeout :connection-refused :host-unreachable)) (list nil))
                         (t (fail status nil)))
                 (learn-configuration)))
          (unless (eql 0 (cffi:mem-ref place 'handle))
            (acl-free-dns-response (cffi:mem-ref place 'handle))))))))

(defun dns-query (name &rest arguments &key (type :a) nameserver repeat timeout queue decode search ignore-cache)
  "Asks a name server, or the cache, for records of a name. Values: the first answer or nil, the seconds for which it is
good, the other answers, and a list of flags; with DECODE nil a dns-response. REPEAT and TIMEOUT are 5, or what
resolv.conf says; a TIMEOUT of 0 only asks, and gets what the cache has. Allegro: the same."
  (declare (ignore nameserver repeat timeout queue decode search ignore-cache))
  (if (and (eq type :ptr) (ipaddrp name))
      (apply #'dns-ipaddr-to-hostname name arguments)
      (values-list (apply #'ask-dns #'acl-dns-query name arguments))))

(defun dns-lookup-hostname (name &rest rest)
  "As dns-query for addresses, trying the domains of *domain-search-list* behind a short name. Allegro: the same."
  (values-list (apply #'ask-dns #'acl-dns-lookup-hostname name rest)))

(defun dns-ipaddr-to-hostname (name &rest rest)
  "As dns-query for the name of the host with an address. Allegro: the same."
  (with-ipaddr (address (address-designator name))
    (values-list (apply #'ask-dns
                        (lambda (ignored args place)
                          (declare (ignore ignored))
                          (acl-dns-ipaddr-to-hostname address args place))
                        name rest))))
