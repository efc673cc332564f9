//! The DNS client: queries.

use super::addresses::{acl_ipaddr, value};
use super::arguments::{Keywords, boolean, keywords, optional_number, out, text, timeout, tri_state};
use super::boundary::boundary;
use super::dns_responses::{ACL_SOCKET_DNS_A, acl_dns_response, publish};
use super::{acl_status, dns_settings};
use crate::error::{Error, Identifier, Result};
use crate::names::dns::{self, Answer, Outcome, Query, RecordType, Search};
use crate::{names, socket};
use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

/// Keyword arguments of acl_dns_query and its relatives.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_dns_query_args {
    /// ACL_SOCKET_ARGS(acl_dns_query_args).
    pub struct_size: usize,
    /// What is asked for: ACL_SOCKET_DNS_A, which is the default, or the like, or another number up to
    /// 65535, of whose records only the data is known.
    pub r#type: i32,
    /// The name servers of this query: addresses in dotted or colon hex form, each with "#" and a port
    /// behind it where that is not 53, separated by blanks or commas. The configured ones where not given.
    pub nameserver: *const c_char,
    /// The same as an array of addresses; only one of both.
    pub nameserver_ipaddrs: *const acl_ipaddr,
    /// How many.
    pub nameserver_count: usize,
    /// How often it is tried, all servers together; what is configured where 0, which is 5 at first.
    pub repeat: i32,
    /// Tri-state, on: answers are taken from the cache and put there. Off where nameserver is given or
    /// decode is off.
    pub queue: i32,
    /// Seconds that each try waits; what is configured where 0 or negative, which is 5 at first.
    pub timeout: f64,
    /// Tri-state, on: the answers are found in the response, and its errors are answered as such. Off:
    /// any response is taken as it is.
    pub decode: i32,
    /// Tri-state, off: a name with fewer dots than configured (one at first) is tried with the domain and
    /// the search list behind it, the next only where there is no such name, then by itself.
    pub search: i32,
    /// 1 to ask anew. The answer is kept for others all the same.
    pub ignore_cache: i32,
    /// Seconds that all of it may take; repeat times timeout where 0 or negative.
    pub deadline: f64,
}

// SAFETY: repr(C), its size first, zero is valid.
unsafe impl Keywords for acl_dns_query_args {
    const NAME: &'static str = "acl_dns_query_args";
}

/// The type that a keyword stands for.
fn record_type(number: i32) -> Result<RecordType> {
    let number = if number == 0 { ACL_SOCKET_DNS_A } else { number };
    let refused = |_| Error::argument(format!("taking {number} for the type of a record"));
    u16::try_from(number).map(RecordType).map_err(refused)
}

fn query(name: &str, args: &acl_dns_query_args, wanted: RecordType, search: Search) -> Result<Arc<Answer>> {
    names::forget_left();
    let servers = dns_settings::servers(args.nameserver, args.nameserver_ipaddrs, args.nameserver_count)?;
    let repeat = optional_number(args.repeat, "repeat")?;
    let outcomes = dns::query(
        name,
        &Query {
            types: [Some(wanted), None],
            servers: &servers,
            repeat: repeat.map(i32::unsigned_abs),
            timeout: timeout(args.timeout, "timeout")?.flatten(),
            end: timeout(args.deadline, "deadline")?.flatten().map(socket::after),
            queue: tri_state(args.queue, "queue")?.unwrap_or(true),
            raw: !tri_state(args.decode, "decode")?.unwrap_or(true),
            search,
            ignore_cache: boolean(args.ignore_cache, "ignore_cache")?,
        },
    )?;
    let action = || format!("asking for {wanted} records of {name:?}");
    let nothing = || Error::new(Identifier::INTERNAL, action());
    let outcome: Option<Outcome> = outcomes.into_iter().next();
    outcome.ok_or_else(nothing)?.map_err(|miss| miss.error(action()))
}

/// Asks a name server, or the cache, for records of a name. The hosts file is not looked at. A response
/// that was cut off is asked for again by TCP. Each query has a random number and a port of its own;
/// what comes from elsewhere or answers another question is passed over.
/// @param name the name, with at most 63 characters between two dots and 253 in all. For
/// ACL_SOCKET_DNS_PTR an address in dotted or colon hex form stands for the name under which its host is
/// recorded.
/// @param args NULL for the defaults.
/// @param response where the new handle is stored, NULL after a failure. Free it with
/// acl_free_dns_response.
/// @return ACL_SOCKET_OK where there is an answer, or with decode off any response; ACL_SOCKET_HOST_NOT_FOUND
/// where there is no such name; ACL_SOCKET_NO_DATA where it has no record of the type;
/// ACL_SOCKET_NAMESERVER_TIMEOUT, ACL_SOCKET_NAMESERVER_INTERNAL_ERROR, ACL_SOCKET_NAMESERVER_REFUSED,
/// ACL_SOCKET_NAMESERVER_ERROR as the most telling of the servers; ACL_SOCKET_CONNECTION_REFUSED,
/// ACL_SOCKET_HOST_UNREACHABLE and the like where none could be reached; ACL_SOCKET_NO_NAMESERVER;
/// ACL_SOCKET_INVALID_ADDRESS for a nameserver that is no address; ACL_SOCKET_INVALID_ARGUMENT;
/// ACL_SOCKET_NO_BUFFER_SPACE. Allegro: dns-query.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dns_query(
    name: *const c_char,
    args: *const acl_dns_query_args,
    response: *mut *mut acl_dns_response,
) -> acl_status {
    boundary(|| {
        let place = out(response, "response")?;
        place.write(ptr::null_mut());
        let (name, args) = (text(name, "name")?, keywords(args)?);
        let wanted = record_type(args.r#type)?;
        let search = tri_state(args.search, "search")? == Some(true);
        let search = if search { Search::Query } else { Search::No };
        let address = names::parse_dotted(name).filter(|_| wanted == RecordType::PTR);
        let pointer = address.map(dns::pointer_name);
        publish(place, query(pointer.as_deref().unwrap_or(name), &args, wanted, search)?)
    })
}

/// Asks for the addresses of a host: acl_dns_query for ACL_SOCKET_DNS_A (or another type that is given) of
/// the name itself, then, where that has none and has fewer dots than configured, with each domain of the
/// search list behind it.
/// @param args as of acl_dns_query, without search.
/// @return as acl_dns_query. Allegro: dns-lookup-hostname.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dns_lookup_hostname(
    name: *const c_char,
    args: *const acl_dns_query_args,
    response: *mut *mut acl_dns_response,
) -> acl_status {
    boundary(|| {
        let place = out(response, "response")?;
        place.write(ptr::null_mut());
        let (name, args) = (text(name, "name")?, keywords(args)?);
        publish(place, query(name, &args, record_type(args.r#type)?, Search::NameFirst)?)
    })
}

/// Asks for the name of the host with an address: acl_dns_query for ACL_SOCKET_DNS_PTR.
/// @param args as of acl_dns_query, without type and search.
/// @return as acl_dns_query; ACL_SOCKET_INVALID_ADDRESS. Allegro: dns-ipaddr-to-hostname.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dns_ipaddr_to_hostname(
    address: *const acl_ipaddr,
    args: *const acl_dns_query_args,
    response: *mut *mut acl_dns_response,
) -> acl_status {
    boundary(|| {
        let place = out(response, "response")?;
        place.write(ptr::null_mut());
        let name = dns::pointer_name(value(address, "address")?);
        publish(place, query(&name, &keywords(args)?, RecordType::PTR, Search::No)?)
    })
}
