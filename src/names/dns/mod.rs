//! Allegro's own DNS client: a stub resolver, which asks recursive name servers. No lock is held in it,
//! so that no look-up waits for another one's, and a thread may leave it at any time.

mod cache;
mod channel;
mod config;
mod exchange;
mod message;
mod query;
mod record;

#[cfg(test)]
mod tests;

pub use cache::{clear as clear_cache, set_stale_seconds, stale_seconds};
pub use config::{Config, Server, Settings, change, domain_name, present, read_system, server_address};
pub use query::{Answer, Miss, Outcome, Query, Search, query};
pub use record::{Data, Record, RecordType, Response, Soa};

use crate::address::IpAddress;

/// The name under which the name of a host is recorded.
pub fn pointer_name(address: IpAddress) -> String {
    match address.canonical() {
        IpAddress::V4(number) => {
            let [a, b, c, d] = number.to_be_bytes();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddress::V6(v6) => {
            let digits = v6.octets.iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            digits.map(|digit| format!("{digit:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}
