;;;; Addresses and names: sections 3 and 5.2 of the specification.

(in-package "ACL-SOCKET-TESTS")

(deftest dotted-texts
  (is (= (dotted-to-ipaddr "192.132.95.84") 3229900628))
  (is (= (dotted-to-ipaddr "23.3") (dotted-to-ipaddr "23.0.0.3")))
  (is (= (dotted-to-ipaddr "128.1.3") (dotted-to-ipaddr "128.1.0.3")))
  (is (= (dotted-to-ipaddr "127.1") 2130706433))
  (is (string= (ipaddr-to-dotted 3229900628) "192.132.95.84"))
  (is (string= (ipaddr-to-dotted 0) "0.0.0.0"))
  (is (string= (ipaddr-to-dotted #xffffffff) "255.255.255.255"))
  (is (string= (ipaddr-to-dotted #x0a640105) "10.100.1.5"))
  (is (equal (multiple-value-list (ipaddr-to-dotted 3229900628 :values t)) '(192 132 95 84)))
  (loop for i below 1000
        for address = (mod (* i 2654435761) (expt 2 32))
        do (is (= (dotted-to-ipaddr (ipaddr-to-dotted address)) address))))

(deftest no-dotted-texts
  (dolist (text '("a.b.c.d" "1.2.3.4.5" "1.2.3.256" "" "frisky" "1..2" "::g" "1::2::3"))
    (is (null (dotted-to-ipaddr text :errorp nil)))
    (is (null (dotted-address-p text)))
    (signals socket-error (dotted-to-ipaddr text)))
  (is (null (dotted-address-p 5)))
  (is (null (dotted-address-p nil)))
  (is (eq (dotted-address-p "127.1") t))
  (is (eq (dotted-address-p "fe80::1") t)))

(deftest ipv6-addresses
  (let ((address (dotted-to-ipaddr "FE80:0:0:0:209:5bff:fe8e:61c1%1")))
    (is (ipv6-address-p address))
    (is (ipaddrp address))
    (is (= (ipv6-address-scope-id address) 1))
    (is (string= (ipaddr-to-dotted address) "fe80::209:5bff:fe8e:61c1%1"))
    (is (search "fe80::209:5bff:fe8e:61c1%1" (princ-to-string address)))
    (is (ipaddr-equalp address "fe80::209:5bff:fe8e:61c1"))
    (is (not (ipaddr-equalp address "fe80::209:5bff:fe8e:61c1" :compare-scope-id t)))
    (is (ipaddr-equalp address "fe80::209:5bff:fe8e:61c1%1" :compare-scope-id t))
    (setf (ipv6-address-scope-id address) 0)
    (is (string= (ipaddr-to-dotted address) "fe80::209:5bff:fe8e:61c1")))
  (is (ipv6-address-p (dotted-to-ipaddr "::ffff:192.168.0.1")))
  (is (ipaddr-equalp "::ffff:127.0.0.1" 2130706433))
  (is (not (ipaddr-equalp "127.0.0.1" "127.0.0.2"))))

(deftest ipaddr-predicates
  (is (ipaddrp 0))
  (is (ipaddrp (1- (expt 2 32))))
  (is (not (ipaddrp (expt 2 32))))
  (is (not (ipaddrp -1)))
  (is (not (ipaddrp "127.0.0.1")))
  (is (not (ipv6-address-p 5))))

(deftest interfaces
  (let ((interfaces (get-ip-interfaces)))
    (is (consp (rassoc "lo" interfaces :test #'string=)))
    (is (integerp (car (first interfaces))))))

(deftest names
  (is (= (lookup-hostname "localhost" :ipv6 nil) 2130706433))
  (is (= (lookup-hostname "127.0.0.1" :ignore-cache t) 2130706433))
  (is (= (lookup-hostname 5) 5))
  (is (member 2130706433 (lookup-hostname "localhost" :all t :ipv6 nil)))
  (let ((*ipv6* t))
    (is (ipv6-address-p (lookup-hostname "::1"))))
  (is (eql (identifier (lookup-hostname "no.such.host.invalid")) :host-not-found))
  (is (stringp (ipaddr-to-hostname 2130706433)))
  (is (string= (ipaddr-to-hostname "127.0.0.1") (ipaddr-to-hostname 2130706433 :ignore-cache t)))
  (is (null (ipaddr-to-hostname "192.0.2.1"))))

(deftest ports
  (is (= (lookup-port "80" "tcp") 80))
  (is (= (lookup-port 443 "tcp") 443))
  (when (probe-file "/etc/services")
    (is (= (lookup-port "http" "tcp") 80))
    (is (= (lookup-port "domain" "udp") 53)))
  (is (eql (identifier (lookup-port "no-such-service" "tcp")) :port-not-found)))
