//! The ports of well-known services, for systems without a services file (registry of the IANA).

/// A name, its port, and whether it is one of TCP, of UDP.
type Service = (&'static str, u16, bool, bool);

const SERVICES: &[Service] = &[
    ("echo", 7, true, true),
    ("discard", 9, true, true),
    ("daytime", 13, true, true),
    ("qotd", 17, true, false),
    ("chargen", 19, true, true),
    ("ftp-data", 20, true, false),
    ("ftp", 21, true, false),
    ("ssh", 22, true, false),
    ("telnet", 23, true, false),
    ("smtp", 25, true, false),
    ("mail", 25, true, false),
    ("time", 37, true, true),
    ("whois", 43, true, false),
    ("domain", 53, true, true),
    ("bootps", 67, false, true),
    ("bootpc", 68, false, true),
    ("tftp", 69, false, true),
    ("gopher", 70, true, false),
    ("finger", 79, true, false),
    ("http", 80, true, false),
    ("www", 80, true, false),
    ("kerberos", 88, true, true),
    ("pop3", 110, true, false),
    ("sunrpc", 111, true, true),
    ("auth", 113, true, false),
    ("nntp", 119, true, false),
    ("ntp", 123, false, true),
    ("imap", 143, true, false),
    ("imap2", 143, true, false),
    ("snmp", 161, true, true),
    ("snmp-trap", 162, true, true),
    ("bgp", 179, true, false),
    ("irc", 194, true, true),
    ("ldap", 389, true, true),
    ("https", 443, true, true),
    ("microsoft-ds", 445, true, true),
    ("submissions", 465, true, false),
    ("isakmp", 500, false, true),
    ("syslog", 514, false, true),
    ("shell", 514, true, false),
    ("printer", 515, true, false),
    ("submission", 587, true, false),
    ("ipp", 631, true, false),
    ("ldaps", 636, true, true),
    ("domain-s", 853, true, true),
    ("rsync", 873, true, false),
    ("ftps-data", 989, true, false),
    ("ftps", 990, true, false),
    ("telnets", 992, true, false),
    ("imaps", 993, true, false),
    ("pop3s", 995, true, false),
    ("socks", 1080, true, false),
    ("openvpn", 1194, true, true),
    ("nfs", 2049, true, true),
    ("mysql", 3306, true, false),
    ("svn", 3690, true, false),
    ("epmd", 4369, true, false),
    ("sip", 5060, true, true),
    ("sip-tls", 5061, true, true),
    ("xmpp-client", 5222, true, false),
    ("mdns", 5353, false, true),
    ("postgresql", 5432, true, false),
    ("amqps", 5671, true, false),
    ("amqp", 5672, true, false),
    ("x11", 6000, true, false),
    ("redis", 6379, true, false),
    ("http-alt", 8080, true, true),
    ("git", 9418, true, false),
];

/// The port of a service over TCP, or over UDP.
pub fn well_known(name: &str, stream: bool) -> Option<u16> {
    let known = |service: &&Service| service.0 == name && if stream { service.2 } else { service.3 };
    SERVICES.iter().find(known).map(|service| service.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_its_protocols() {
        assert_eq!((well_known("https", true), well_known("domain", false)), (Some(443), Some(53)));
        assert_eq!((well_known("tftp", true), well_known("Http", true)), (None, None));
    }

    /// Where this system has a services file it says the same.
    #[test]
    fn the_ports_are_those_of_the_system() {
        let system = std::fs::read_to_string("/etc/services").unwrap_or_default();
        for line in system.lines() {
            let mut words = line.split('#').next().unwrap().split_ascii_whitespace();
            let (Some(name), Some(port)) = (words.next(), words.next()) else { continue };
            let (port, protocol) = port.split_once('/').unwrap();
            for name in words.chain([name]) {
                let known = well_known(name, protocol == "tcp").map(|known| known.to_string());
                let internet = ["tcp", "udp"].contains(&protocol);
                assert!(!internet || known.is_none_or(|known| known == port), "{line}");
            }
        }
    }
}
