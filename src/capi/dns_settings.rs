//! The DNS client: name servers, modes and the variables.

use super::acl_status;
use super::addresses::acl_ipaddr;
use super::arguments::{
    self, Keywords, boolean, choice, give_text, keywords, optional_number, optional_text, out, timeout,
    tri_state,
};
use super::boundary::{answer, boundary};
use crate::address::IpAddress;
use crate::error::{Error, Identifier, Result};
use crate::names::dns::{self, Config};
use crate::names::{self, Mode};
use std::ffi::c_char;
use std::sync::atomic::Ordering;

/// DNS mode: this library's own resolver.
pub const ACL_SOCKET_ACLDNS: i32 = 1;
/// DNS mode: the C library.
pub const ACL_SOCKET_CLIB: i32 = 2;

/// A name server that is configured. This struct never grows. Allegro: class dns-nameserver.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_dns_nameserver {
    /// Its address.
    pub ipaddr: acl_ipaddr,
    /// Its port.
    pub port: i32,
    /// How many queries were sent to it.
    pub sent: u64,
    /// How many responses came from it: far fewer tell that it is of no use.
    pub received: u64,
}

/// Keyword arguments of acl_configure_dns. What is not given stays as it is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_configure_dns_args {
    /// ACL_SOCKET_ARGS(acl_configure_dns_args).
    pub struct_size: usize,
    /// The name servers, as in acl_dns_query_args; at most 16 are taken.
    pub nameserver: *const c_char,
    /// The same as an array of addresses; only one of both.
    pub nameserver_ipaddrs: *const acl_ipaddr,
    /// How many.
    pub nameserver_count: usize,
    /// The search list: domains separated by blanks; "" for none.
    pub search: *const c_char,
    /// The domain of this machine; "" for none.
    pub domain: *const c_char,
    /// 1 to take what resolv.conf says over the other arguments, and again whenever it changes. Allegro:
    /// the keyword auto.
    pub automatic: i32,
    /// Tri-state, off: queries begin with one server after the other.
    pub rotate: i32,
    /// The file of the name servers instead of /etc/resolv.conf, for programs with a root of their own.
    pub resolv_conf: *const c_char,
    /// The file of known hosts instead of /etc/hosts; "" for none. Read again whenever it changes.
    pub hosts_file: *const c_char,
    /// How often queries are tried.
    pub repeat: i32,
    /// Names with fewer dots are short, see search in acl_dns_query_args.
    pub ndots: i32,
    /// Seconds that each try waits.
    pub timeout: f64,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_configure_dns_args {
    const NAME: &'static str = "acl_configure_dns_args";
}

/// Name servers that are given by text or by address.
pub(super) fn servers(
    text: *const c_char,
    addresses: *const acl_ipaddr,
    count: usize,
) -> Result<Vec<(IpAddress, u16)>> {
    let text = optional_text(text, "nameserver")?;
    if text.is_some() && count > 0 {
        return Err(Error::argument("taking nameserver both as a text and as addresses"));
    }
    let refused = |text: &str| {
        Error::new(Identifier::INVALID_ADDRESS, format!("taking {text:?} for the address of a name server"))
    };
    let words = text.unwrap_or_default().split([' ', '\t', '\n', ',']).filter(|word| !word.is_empty());
    let mut servers = Vec::new();
    for word in words {
        servers.push(dns::server_address(word).ok_or_else(|| refused(word))?);
    }
    for address in arguments::structs(addresses.cast_mut(), count, "nameserver_ipaddrs")? {
        servers.push((address.value()?, 53));
    }
    match text {
        Some(text) if servers.is_empty() => Err(refused(text)),
        _ => Ok(servers),
    }
}

/// Domains in a text.
fn domains(text: &str, name: &str) -> Result<Vec<String>> {
    let domain = |word: &str| {
        let refused = || Error::argument(format!("taking {word:?} for a domain in {name}"));
        dns::domain_name(word).ok_or_else(refused)
    };
    text.split_ascii_whitespace().map(domain).collect()
}

/// One domain, or the empty text.
fn domain(text: &str) -> Result<String> {
    match domains(text, "domain")?.as_slice() {
        [] => Ok(String::new()),
        [one] => Ok(one.clone()),
        _ => Err(Error::argument(format!("taking {text:?} for one domain"))),
    }
}

/// Says which name servers are asked, and how. Without it the first query takes what resolv.conf says,
/// its options ndots, timeout, attempts and rotate too, and takes it again whenever the file has changed;
/// a nameserver given here ends that. What else is given here counts before what the file says. The
/// cache is emptied.
/// @param args NULL changes nothing.
/// @return ACL_SOCKET_OK; ACL_SOCKET_NO_NAMESERVER where automatic finds none; ACL_SOCKET_INVALID_ADDRESS,
/// ACL_SOCKET_INVALID_ARGUMENT. Allegro: configure-dns.
#[unsafe(no_mangle)]
pub extern "C" fn acl_configure_dns(args: *const acl_configure_dns_args) -> acl_status {
    boundary(|| {
        let args = keywords(args)?;
        let automatic = boolean(args.automatic, "automatic")?;
        configure(&args)?;
        if automatic && !dns::read_system(true)? {
            let file = &dns::present().resolv_conf;
            let action = format!("looking for a name server in {file}");
            return Err(Error::new(Identifier::NO_NAMESERVER, action));
        }
        if dns::present().configured {
            names::servers_are_known();
        }
        Ok(())
    })
}

fn configure(args: &acl_configure_dns_args) -> Result<()> {
    let servers = servers(args.nameserver, args.nameserver_ipaddrs, args.nameserver_count)?;
    let search = optional_text(args.search, "search")?.map(|text| domains(text, "search")).transpose()?;
    let domain = optional_text(args.domain, "domain")?.map(domain).transpose()?;
    let rotate = tri_state(args.rotate, "rotate")?;
    let resolv_conf = optional_text(args.resolv_conf, "resolv_conf")?;
    let hosts_file = optional_text(args.hosts_file, "hosts_file")?;
    let repeat = optional_number(args.repeat, "repeat")?;
    let ndots = optional_number(args.ndots, "ndots")?;
    let each = timeout(args.timeout, "timeout")?.flatten();
    dns::change(|config: &mut Config| {
        if !servers.is_empty() {
            config.set_servers(&servers);
            config.by_hand();
        }
        let given = &mut config.given;
        given.search = search.clone().or(given.search.take());
        given.domain = domain.clone().or(given.domain.take());
        given.rotate = rotate.or(given.rotate);
        given.tries = repeat.map(i32::unsigned_abs).or(given.tries);
        given.ndots = ndots.map(i32::unsigned_abs).or(given.ndots);
        given.timeout = each.or(given.timeout);
        config.resolv_conf = resolv_conf.unwrap_or(&config.resolv_conf).to_owned();
        config.hosts_file = hosts_file.unwrap_or(&config.hosts_file).to_owned();
        Ok(())
    })
}

/// Who looks up for acl_lookup_hostname, acl_ipaddr_to_hostname and what takes names of hosts:
/// ACL_SOCKET_ACLDNS, ACL_SOCKET_CLIB, or both or-ed (initially). Allegro: *dns-mode*.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_dns_mode() -> i32 {
    answer(0, || match names::mode() {
        Mode::Acldns => ACL_SOCKET_ACLDNS,
        Mode::Clib => ACL_SOCKET_CLIB,
        Mode::Both => ACL_SOCKET_ACLDNS | ACL_SOCKET_CLIB,
    })
}

/// Says who looks names of hosts up, for the whole process.
/// @param value ACL_SOCKET_ACLDNS: this library, by the hosts file and the name servers, within the times
/// that are given. ACL_SOCKET_CLIB: the C library (getaddrinfo, getnameinfo), which waits in the calling
/// thread as long as it likes: no time-out and no deadline ends that. Both or-ed: this library first, and
/// the C library where that fails: where the name servers did not tell, unless there is a time-out or
/// deadline, which it would not heed; where there is no such name, if /etc/nsswitch.conf names sources
/// for hosts that this library does not have (other than files and dns). Where no name server is known
/// it becomes ACL_SOCKET_CLIB, until acl_configure_dns tells one.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT. Allegro: (setf *dns-mode*).
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_dns_mode(value: i32) -> acl_status {
    boundary(|| {
        let both = ACL_SOCKET_ACLDNS | ACL_SOCKET_CLIB;
        let modes = [(ACL_SOCKET_ACLDNS, Mode::Acldns), (ACL_SOCKET_CLIB, Mode::Clib), (both, Mode::Both)];
        names::set_mode(choice(value, "dns_mode", modes)?);
        Ok(())
    })
}

/// Whether a name server is known: 1 or 0 (initially; the first query looks for one).
/// Allegro: *dns-configured*.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_dns_configured() -> i32 {
    answer(0, || i32::from(dns::present().configured))
}

/// Sets it: with 0 the next query takes what resolv.conf says, as on a machine that has moved.
/// @param value 0, or 1 where name servers are known.
/// @return ACL_SOCKET_OK, ACL_SOCKET_NO_NAMESERVER, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: (setf *dns-configured*).
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_dns_configured(value: i32) -> acl_status {
    boundary(|| {
        let configured = boolean(value, "dns_configured")?;
        dns::change(|config| {
            if configured && config.servers.is_empty() {
                return Err(Error::new(Identifier::NO_NAMESERVER, "setting dns_configured"));
            }
            config.configured = configured;
            Ok(())
        })
    })
}

/// The domain of this machine, where it is known; the empty text where not.
/// @param buffer, size, length the room and the length of the text, as in the header's convention.
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: *dns-domain*.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_dns_domain(buffer: *mut c_char, size: usize, length: *mut usize) -> acl_status {
    boundary(|| {
        let config = dns::present();
        give_text(config.domain().unwrap_or_default().as_bytes(), buffer, size, length)
    })
}

/// Sets the domain of this machine, for the whole process.
/// @param value a domain; NULL or "" for none.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT. Allegro: (setf *dns-domain*).
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_dns_domain(value: *const c_char) -> acl_status {
    boundary(|| {
        let value = domain(optional_text(value, "dns_domain")?.unwrap_or_default())?;
        dns::change(|config| {
            config.given.domain = Some(value.clone());
            Ok(())
        })
    })
}

/// The domains that are put behind short names, separated by blanks.
/// @param buffer, size, length the room and the length of the text, as in the header's convention.
/// @return ACL_SOCKET_OK, ACL_SOCKET_BUFFER_TOO_SMALL, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: *domain-search-list*.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_domain_search_list(
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> acl_status {
    boundary(|| give_text(dns::present().search().join(" ").as_bytes(), buffer, size, length))
}

/// Sets the domains that are put behind short names, for the whole process.
/// @param value domains separated by blanks; NULL or "" for none.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT. Allegro: (setf *domain-search-list*).
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_domain_search_list(value: *const c_char) -> acl_status {
    boundary(|| {
        let text = optional_text(value, "domain_search_list")?.unwrap_or_default();
        let search = domains(text, "domain_search_list")?;
        dns::change(|config| {
            config.given.search = Some(search.clone());
            Ok(())
        })
    })
}

/// The name servers, with their counters. Those that queries were given are not among them.
/// @param nameservers an array to be freed with acl_free_buffer; NULL after a failure.
/// @param count how many.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT, ACL_SOCKET_NO_BUFFER_SPACE.
/// Allegro: *nameservers*.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_nameservers(
    nameservers: *mut *mut acl_dns_nameserver,
    count: *mut usize,
) -> acl_status {
    boundary(|| {
        let place = out(nameservers, "nameservers")?;
        place.write(std::ptr::null_mut());
        let room = out(count, "count")?;
        let config = dns::present();
        let shown: Vec<_> = config.servers.iter().map(|server| shown(server)).collect();
        place.write(arguments::allocated(&shown)?);
        room.write(shown.len());
        Ok(())
    })
}

fn shown(server: &dns::Server) -> acl_dns_nameserver {
    acl_dns_nameserver {
        ipaddr: acl_ipaddr::of(Some(server.address)),
        port: server.port.into(),
        sent: server.sent.load(Ordering::Relaxed),
        received: server.received.load(Ordering::Relaxed),
    }
}

/// For how many seconds after its time an answer is used where no name server tells anything; 0
/// (initially) for never. Allegro: the internal *stale-entry-remove-time*.
#[unsafe(no_mangle)]
pub extern "C" fn acl_get_stale_entry_remove_time() -> i64 {
    answer(0, || i64::try_from(dns::stale_seconds()).unwrap_or(i64::MAX))
}

/// Sets for how many seconds after its time an answer is used where no name server tells anything, for
/// the whole process. Its time_to_live is negative then.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_ARGUMENT for a negative number.
/// Allegro: (setf the internal *stale-entry-remove-time*).
#[unsafe(no_mangle)]
pub extern "C" fn acl_set_stale_entry_remove_time(seconds: i64) -> acl_status {
    boundary(|| {
        let refused = |_| Error::argument(format!("taking {seconds} for stale_entry_remove_time"));
        dns::set_stale_seconds(u64::try_from(seconds).map_err(refused)?);
        Ok(())
    })
}
