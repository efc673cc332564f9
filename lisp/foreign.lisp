;;;; The functions of include/acl_socket.h that are called, its structures and its numbers.

(in-package "ACL-SOCKET")

;;; A handle is a number, checked by the library, and never memory.
(cffi:defctype handle :uint64)

(defconstant +end-of-file+ 102)
(defconstant +would-block+ 103)
(defconstant +buffer-too-small+ 107)

(cffi:defcstruct ipaddr
  (kind :int32) (ipv4 :uint32) (ipv6 :uint8 :count 16) (scope-id :uint32))

(cffi:defcstruct ip-interface
  (id :uint32) (name :char :count 16))

(cffi:defcstruct lookup-hostname-args
  (struct-size :size) (ignore-cache :int32) (ipv6 :int32))

(cffi:defcstruct make-socket-args
  (struct-size :size) (type :int32) (format :int32) (address-family :int32) (connect :int32)
  (remote-host :pointer) (remote-ipaddr :pointer) (remote-port :int32) (remote-port-name :pointer)
  (local-host :pointer) (local-ipaddr :pointer) (local-port :int32) (local-port-name :pointer)
  (remote-filename :pointer) (local-filename :pointer) (backlog :int32) (reuse-address :int32)
  (broadcast :int32) (keepalive :int32) (nodelay :int32) (ipv6 :int32) (scope-id :uint32)
  (tcp-md5-sig-key :pointer) (tcp-md5-sig-key-length :size) (external-format :pointer)
  (eol-convention :int32) (malformed-policy :int32) (connect-timeout :double) (read-timeout :double)
  (write-timeout :double))

(cffi:defcstruct set-socket-options-args
  (struct-size :size) (reuse-address :int32) (broadcast :int32) (keepalive :int32) (nodelay :int32)
  (oob-inline :int32) (receive-buffer-size :int32) (send-buffer-size :int32)
  (tcp-keepalive-idle-time :int32) (tcp-keepalive-probe-interval :int32) (tcp-keepalive-max-probes :int32))

(cffi:defcstruct socket-control-args
  (struct-size :size) (output-chunking :int32) (output-chunking-eof :int32) (input-chunking :int32)
  (read-timeout :double) (write-timeout :double))

(cffi:defcstruct send-to-args
  (struct-size :size) (remote-host :pointer) (remote-ipaddr :pointer) (remote-port :int32) (ipv6 :int32)
  (remote-port-name :pointer) (remote-filename :pointer) (scope-id :uint32))

(cffi:defcstruct received
  (length :size) (message-length :size) (remote-host (:struct ipaddr)) (remote-port :int32)
  (remote-filename :char :count 112))

(cffi:defcstruct wait-item
  (socket handle) (os-fd :int32) (available :int32))

(cffi:defcstruct wait-event
  (socket handle) (os-fd :int32) (status :int32) (data :pointer))

(cffi:defcstruct ipaddr-to-hostname-args
  (struct-size :size) (ignore-cache :int32) (timeout :double))

(cffi:defcstruct make-ssl-context-args
  (struct-size :size) (method :int32) (certificate :pointer) (certificate-pem :pointer)
  (certificate-pem-length :size) (key :pointer) (key-pem :pointer) (key-pem-length :size)
  (certificate-password :pointer) (verify :int32) (max-depth :int32) (ca-file :pointer) (ca-pem :pointer)
  (ca-pem-length :size) (ca-directory :pointer) (ciphers :pointer) (ciphersuites :pointer) (crl-check :int32)
  (crl-file :pointer) (crl-pem :pointer) (crl-pem-length :size) (prefer-server-cipher-order :int32)
  (server-name :pointer) (contexts :pointer) (context-count :size) (alpn :pointer) (resume :int32) (key-log :int32))

(cffi:defcstruct make-ssl-stream-args
  (struct-size :size) (context handle) (method :int32) (certificate :pointer) (certificate-pem :pointer)
  (certificate-pem-length :size) (key :pointer) (key-pem :pointer) (key-pem-length :size)
  (certificate-password :pointer) (verify :int32) (max-depth :int32) (ca-file :pointer) (ca-pem :pointer)
  (ca-pem-length :size) (ca-directory :pointer) (ciphers :pointer) (ciphersuites :pointer) (crl-check :int32)
  (crl-file :pointer) (crl-pem :pointer) (crl-pem-length :size) (prefer-server-cipher-order :int32)
  (alpn :pointer) (server-name :pointer) (insecure-any-host :int32) (insecure-allow-truncation :int32))

(cffi:defcstruct x509-pair (name :pointer) (value :pointer))

(cffi:defcstruct dns-text (text :pointer) (length :size))

(cffi:defcstruct dns-record
  (name :pointer) (type :int32) (rr-class :int32) (time-to-live :uint32) (preference :int32) (weight :int32)
  (port :int32) (address (:struct ipaddr)) (host :pointer) (mailbox :pointer) (serial :uint32) (refresh :uint32)
  (retry :uint32) (expire :uint32) (minimum :uint32) (texts :pointer) (text-count :size) (data :pointer)
  (data-length :size))

(cffi:defcstruct dns-query-args
  (struct-size :size) (type :int32) (nameserver :pointer) (nameserver-ipaddrs :pointer) (nameserver-count :size)
  (repeat :int32) (queue :int32) (timeout :double) (decode :int32) (search :int32) (ignore-cache :int32)
  (deadline :double))

(cffi:defcstruct configure-dns-args
  (struct-size :size) (nameserver :pointer) (nameserver-ipaddrs :pointer) (nameserver-count :size)
  (search :pointer) (domain :pointer) (automatic :int32) (rotate :int32) (resolv-conf :pointer)
  (hosts-file :pointer) (repeat :int32) (ndots :int32) (timeout :double))

(cffi:defcstruct nameserver (ipaddr (:struct ipaddr)) (port :int32) (sent :uint64) (received :uint64))

(defmacro define-foreign (name result &rest arguments)
  "Defines a function of the library under its own name with - for _."
  (let ((symbol (intern (substitute #\- #\_ (string-upcase name)))))
    `(progn
       (declaim (inline ,symbol))
       (cffi:defcfun (,name ,symbol) ,result ,@arguments))))

(defmacro define-foreign-functions (&rest definitions)
  `(progn ,@(loop for definition in definitions collect `(define-foreign ,@definition))))

;;; Those of them that may wait.
#+ecl
(progn
  ;; A call in C, which allocates nothing, so that an interrupt finds the thread in it and nowhere else. CFFI's own way
  ;; goes by lists and by memory that the next call uses.
  (eval-when (:compile-toplevel)
    (defvar *method-of-cffi* cffi-sys:*cffi-ecl-method*)
    (setf cffi-sys:*cffi-ecl-method* :dlopen))
  (defmacro define-waiting-foreign-functions (&rest definitions)
    `(progn
       ,@(loop for (name result . arguments) in definitions
               collect `(defun ,(intern (substitute #\- #\_ (string-upcase name))) ,(mapcar #'first arguments)
                          (let ((pointer (load-time-value (cffi:foreign-symbol-pointer ,name))))
                            (waiting
                              (cffi:foreign-funcall-pointer
                               pointer () ,@(loop for (argument type) in arguments collect type collect argument)
                               ,result))))))))

#-ecl
(defmacro define-waiting-foreign-functions (&rest definitions)
  `(progn
     ,@(loop for (name result . arguments) in definitions
             for symbol = (intern (substitute #\- #\_ (string-upcase name)))
             for call = (intern (format nil "%~a" symbol))
             for names = (mapcar #'first arguments)
             collect `(declaim (inline ,symbol ,call))
             collect `(cffi:defcfun (,name ,call) ,result ,@arguments)
             collect `(defun ,symbol ,names (waiting (,call ,@names))))))

(define-foreign-functions
  ("acl_stream_error_code" :int32)
  ("acl_stream_error_action" :string)
  ("acl_status_keyword" :string (status :int32))
  ("acl_status_meaning" :string (status :int32))
  ("acl_get_socket_version" :string)
  ("acl_set_print_hostname_in_stream" :int32 (value :int32))
  ("acl_free_buffer" :void (buffer :pointer)))

(define-waiting-foreign-functions
  ("acl_lookup_hostname" :int32 (host :string) (args :pointer) (address :pointer))
  ("acl_lookup_hostname_all" :int32 (host :string) (args :pointer) (addresses :pointer) (count :pointer))
  ("acl_ipaddr_to_hostname" :int32 (address :pointer) (args :pointer) (buffer :pointer) (size :size) (length :pointer))
  ("acl_make_socket" :int32 (args :pointer) (socket :pointer))
  ("acl_accept_connection" :int32 (passive handle) (wait :int32) (stream :pointer))
  ("acl_peek_input" :int32 (socket handle) (minimum :size) (data :pointer) (length :pointer))
  ("acl_peek_vector" :int32 (socket handle) (minimum :size) (buffer :pointer) (size :size) (length :pointer))
  ("acl_read_sequence" :int32 (socket handle) (buffer :pointer) (size :size) (partial-fill :int32) (length :pointer))
  ("acl_read_char" :int32 (socket handle) (character :pointer))
  ("acl_clear_input" :int32 (socket handle))
  ("acl_force_output" :int32 (socket handle))
  ("acl_send_to" :int32 (socket handle) (buffer :pointer) (size :size) (args :pointer) (sent :pointer))
  ("acl_receive_from" :int32 (socket handle) (buffer :pointer) (size :size) (received :pointer))
  ("acl_wait_for_input_available" :int32 (items :pointer) (count :size) (timeout :double) (available :pointer))
  ("acl_wait_for_io_available" :int32 (set handle) (timeout :double) (events :pointer) (room :size)
                               (count :pointer))
  ("acl_lookup_port" :int32 (port :string) (protocol :string) (number :pointer))
  ("acl_make_ssl_client_stream" :int32 (plain handle) (args :pointer) (stream :pointer))
  ("acl_make_ssl_server_stream" :int32 (plain handle) (args :pointer) (stream :pointer))
  ("acl_ssl_do_handshake" :int32 (stream handle))
  ("acl_get_ssl_peer_certificate" :int32 (stream handle) (certificate :pointer))
  ("acl_dns_query" :int32 (name :string) (args :pointer) (response :pointer))
  ("acl_dns_lookup_hostname" :int32 (name :string) (args :pointer) (response :pointer))
  ("acl_dns_ipaddr_to_hostname" :int32 (address :pointer) (args :pointer) (response :pointer)))

#+ecl
(eval-when (:compile-toplevel)
  (setf cffi-sys:*cffi-ecl-method* *method-of-cffi*))

;;; Addresses and names.
(define-foreign-functions
  ("acl_dotted_to_ipaddr" :int32 (dotted :string) (errorp :int32) (address :pointer))
  ("acl_ipaddr_to_dotted" :int32 (address :pointer) (buffer :pointer) (size :size) (length :pointer))
  ("acl_ipaddr_equalp" :int32 (address1 :pointer) (address2 :pointer) (compare-scope-id :int32))
  ("acl_get_ip_interfaces" :int32 (interfaces :pointer) (count :pointer)))

;;; Sockets.
(define-foreign-functions
  ("acl_begin_pending_connect" :int32)
  ("acl_end_pending_connect" :int32 (token :int32))
  ("acl_close" :int32 (socket handle) (abort :int32))
  ("acl_free_socket" :int32 (socket handle))
  ("acl_shutdown" :int32 (socket handle) (direction :int32))
  ("acl_set_socket_options" :int32 (socket handle) (args :pointer))
  ("acl_set_tcp_md5_sig" :int32 (socket handle) (remote-host :pointer) (remote-ipaddr :pointer) (key :pointer)
                         (key-length :size))
  ("acl_socket_os_fd" :int32 (socket handle) (value :pointer))
  ("acl_remote_host" :int32 (socket handle) (value :pointer))
  ("acl_local_host" :int32 (socket handle) (value :pointer))
  ("acl_remote_port" :int32 (socket handle) (value :pointer))
  ("acl_local_port" :int32 (socket handle) (value :pointer))
  ("acl_remote_filename" :int32 (socket handle) (buffer :pointer) (size :size) (length :pointer))
  ("acl_local_filename" :int32 (socket handle) (buffer :pointer) (size :size) (length :pointer))
  ("acl_ipv6" :int32 (socket handle) (value :pointer))
  ("acl_prin1_to_string" :int32 (socket handle) (buffer :pointer) (size :size) (length :pointer)))

;;; Streams.
(define-foreign-functions
  ("acl_consume_input" :int32 (socket handle) (count :size))
  ("acl_read_vector_no_hang" :int32 (socket handle) (buffer :pointer) (size :size) (length :pointer))
  ("acl_read_char_no_hang" :int32 (socket handle) (character :pointer))
  ("acl_unread_char" :int32 (socket handle) (character :uint32))
  ("acl_listen" :int32 (socket handle) (ready :pointer))
  ("acl_read_no_hang_p" :int32 (socket handle))
  ("acl_os_fd_read_no_hang_p" :int32 (os-fd :int32))
  ("acl_write_vector" :int32 (socket handle) (buffer :pointer) (size :size) (written :pointer))
  ("acl_write_char" :int32 (socket handle) (character :uint32))
  ("acl_write_no_hang_p" :int32 (socket handle))
  ("acl_clear_output" :int32 (socket handle))
  ("acl_set_stream_external_format" :int32 (socket handle) (name :string))
  ("acl_stream_external_format" :int32 (socket handle) (buffer :pointer) (size :size) (length :pointer))
  ("acl_eol_convention" :int32 (socket handle) (convention :pointer))
  ("acl_set_eol_convention" :int32 (socket handle) (convention :int32))
  ("acl_socket_control" :int32 (socket handle) (args :pointer))
  ("acl_socket_chunking_end_of_file" :int32 (socket handle) (at-end :pointer))
  ("acl_socket_bytes_read" :int32 (socket handle) (count :pointer))
  ("acl_set_socket_bytes_read" :int32 (socket handle) (count :uint64))
  ("acl_socket_bytes_written" :int32 (socket handle) (count :pointer))
  ("acl_set_socket_bytes_written" :int32 (socket handle) (count :uint64)))

;;; Datagrams and waiting.
(define-foreign-functions
  ("acl_make_wait_set" :int32 (set :pointer))
  ("acl_free_wait_set" :int32 (set handle))
  ("acl_wait_set_watch" :int32 (set handle) (socket handle) (interest :int32) (data :pointer))
  ("acl_wait_set_watch_os_fd" :int32 (set handle) (os-fd :int32) (interest :int32) (data :pointer)))

;;; SSL and certificates.
(define-foreign-functions
  ("acl_make_ssl_client_context" :int32 (args :pointer) (context :pointer))
  ("acl_make_ssl_server_context" :int32 (args :pointer) (context :pointer))
  ("acl_free_ssl_context" :int32 (context handle))
  ("acl_get_ssl_verify_result" :int32 (stream handle) (code :pointer) (meaning :pointer))
  ("acl_free_x509_certificate" :int32 (certificate handle))
  ("acl_x509_certificate_version" :int32 (cert handle) (version :pointer))
  ("acl_x509_certificate_serial_number" :int32 (cert handle) (buffer :pointer) (size :size) (length :pointer))
  ("acl_x509_certificate_issuer" :int32 (cert handle) (pairs :pointer) (count :pointer))
  ("acl_x509_certificate_subject" :int32 (cert handle) (pairs :pointer) (count :pointer))
  ("acl_x509_certificate_subject_alt_name" :int32 (cert handle) (pairs :pointer) (count :pointer))
  ("acl_x509_certificate_not_before" :int32 (cert handle) (seconds :pointer))
  ("acl_x509_certificate_not_after" :int32 (cert handle) (seconds :pointer)))

;;; DNS.
(define-foreign-functions
  ("acl_set_dns_mode" :int32 (value :int32))
  ("acl_set_dns_domain" :int32 (value :pointer))
  ("acl_set_domain_search_list" :int32 (value :pointer))
  ("acl_dns_response_values" :int32 (response handle) (answers :pointer) (count :pointer)
    (time-to-live :pointer) (flags :pointer))
  ("acl_dns_response_id" :int32 (response handle) (id :pointer))
  ("acl_dns_response_flags" :int32 (response handle) (flags :pointer))
  ("acl_dns_response_flags_value" :int32 (response handle) (flags-value :pointer))
  ("acl_dns_response_answer" :int32 (response handle) (records :pointer) (count :pointer))
  ("acl_dns_response_authority" :int32 (response handle) (records :pointer) (count :pointer))
  ("acl_dns_response_additional" :int32 (response handle) (records :pointer) (count :pointer))
  ("acl_free_dns_response" :int32 (response handle))
  ("acl_configure_dns" :int32 (args :pointer))
  ("acl_get_dns_configured" :int32)
  ("acl_set_dns_configured" :int32 (value :int32))
  ("acl_get_dns_domain" :int32 (buffer :pointer) (size :size) (length :pointer))
  ("acl_get_domain_search_list" :int32 (buffer :pointer) (size :size) (length :pointer))
  ("acl_get_nameservers" :int32 (nameservers :pointer) (count :pointer)))
