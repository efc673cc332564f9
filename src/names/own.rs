//! Looking up by this library's own resolver, and by the hosts file.

use super::dns::{self, Data, Outcome, Query, RecordType, Search};
use super::{Ipv6, Lookup, hosts};
use crate::address::{IpAddress, Ipv6Address};
use crate::error::{Error, Identifier, Result};

const LOOPBACK: [IpAddress; 2] = [
    IpAddress::V4(0x7f00_0001),
    IpAddress::V6(Ipv6Address { octets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], scope_id: 0 }),
];

/// Names under these are no names of the DNS (RFC 6761, RFC 7686), and are not told to a name server.
const NO_DNS: [&str; 2] = ["onion", "invalid"];

/// The addresses of a host.
pub fn addresses(host: &str, how: Lookup) -> Result<Vec<IpAddress>> {
    let wanted = |address: &IpAddress| match address {
        IpAddress::V4(_) => how.ipv6 != Ipv6::Only,
        IpAddress::V6(_) => how.ipv6 != Ipv6::Nil,
    };
    let found = known_addresses(host, wanted);
    if !found.is_empty() {
        return Ok(found);
    }
    let action = || format!("looking up the host {host:?}");
    if is_under(host, &NO_DNS) {
        return Err(Error::new(Identifier::HOST_NOT_FOUND, action()));
    }
    let types = match how.ipv6 {
        Ipv6::Nil => [Some(RecordType::A), None],
        Ipv6::T => [Some(RecordType::AAAA), Some(RecordType::A)],
        Ipv6::Only => [Some(RecordType::AAAA), None],
    };
    let outcomes = dns::query(host, &Query { types, search: Search::Host, ..query(how) })?;
    let answers = outcomes.iter().flatten().flat_map(|answer| &answer.records);
    let mut found = Vec::new();
    for record in answers {
        if let Data::Address(address) = record.data
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    if found.is_empty() { Err(worst(&outcomes, action())) } else { Ok(found) }
}

/// The addresses that nobody need be asked for.
fn known_addresses(host: &str, wanted: impl Fn(&IpAddress) -> bool) -> Vec<IpAddress> {
    let hosts = hosts::current(&dns::present().hosts_file);
    let listed: Vec<_> = hosts.addresses(host).into_iter().filter(&wanted).collect();
    if listed.is_empty() && is_under(host, &["localhost"]) {
        return LOOPBACK.into_iter().filter(wanted).collect();
    }
    listed
}

fn is_under(host: &str, tops: &[&str]) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let top = host.rsplit('.').next().unwrap_or_default();
    tops.iter().any(|known| known.eq_ignore_ascii_case(top))
}

fn query(how: Lookup) -> Query<'static> {
    Query { end: how.end, ignore_cache: how.ignore_cache, ..Query::of(RecordType::A) }
}

/// The error of outcomes without an answer: a server that failed tells more than that there is nothing.
fn worst(outcomes: &[Outcome], action: String) -> Error {
    let misses = || outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    let miss = misses().find(|miss| !miss.is_absent()).or_else(|| misses().next());
    match miss {
        Some(miss) => miss.error(action),
        None => Error::new(Identifier::HOST_NOT_FOUND, action),
    }
}

/// The name of the host with that address.
pub fn name(address: IpAddress, how: Lookup) -> Result<String> {
    let hosts = hosts::current(&dns::present().hosts_file);
    if let Some(name) = hosts.name(address).or_else(|| hosts.name(address.canonical())) {
        return Ok(name.to_owned());
    }
    drop(hosts);
    if LOOPBACK.contains(&address.canonical()) {
        return Ok("localhost".into());
    }
    let action = || format!("looking up the name of the host {address}");
    let asked = Query { types: [Some(RecordType::PTR), None], ..query(how) };
    let outcomes = dns::query(&dns::pointer_name(address), &asked)?;
    let answers = outcomes.iter().flatten().flat_map(|answer| &answer.records);
    let names = answers.filter_map(|record| match &record.data {
        Data::Host(host) if is_host_name(host) => Some(host.clone()),
        _ => None,
    });
    names.take(1).next().ok_or_else(|| worst(&outcomes, action()))
}

/// Whoever owns an address writes its name: what is no name of a host could be meant for somebody's
/// log or shell.
fn is_host_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.starts_with(['-', '.']) && name.bytes().all(plain)
}
