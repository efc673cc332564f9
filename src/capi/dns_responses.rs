//! The DNS client: what name servers answered.

use super::acl_status;
use super::addresses::acl_ipaddr;
use super::arguments::{give, null, out};
use super::boundary::boundary;
use super::handle::{self, Held, Kind};
use crate::error::Result;
use crate::names::dns::{Answer, Data, Record};
use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::Arc;

/// The response of a name server. The pointer is a checked handle.
pub struct acl_dns_response {
    _private: [u8; 0],
}

/// Record type: the IPv4 address of a host.
pub const ACL_SOCKET_DNS_A: i32 = 1;
/// Record type: a name server of a zone.
pub const ACL_SOCKET_DNS_NS: i32 = 2;
/// Record type: the name that another one stands for.
pub const ACL_SOCKET_DNS_CNAME: i32 = 5;
/// Record type: the start of authority of a zone.
pub const ACL_SOCKET_DNS_SOA: i32 = 6;
/// Record type: the name of the host with an address.
pub const ACL_SOCKET_DNS_PTR: i32 = 12;
/// Record type: a host that takes mail.
pub const ACL_SOCKET_DNS_MX: i32 = 15;
/// Record type: text.
pub const ACL_SOCKET_DNS_TXT: i32 = 16;
/// Record type: the IPv6 address of a host.
pub const ACL_SOCKET_DNS_AAAA: i32 = 28;
/// Record type: a host and port of a service.
pub const ACL_SOCKET_DNS_SRV: i32 = 33;
/// Record type, for queries: whatever the server likes to tell.
pub const ACL_SOCKET_DNS_ANY: i32 = 255;
/// Record type: who may issue certificates.
pub const ACL_SOCKET_DNS_CAA: i32 = 257;

/// Flag of a response: that it is one. This and the flags up to CHECKING_DISABLED are those of the
/// message.
pub const ACL_SOCKET_DNS_IS_RESPONSE: i32 = 0x8000;
/// Flag of a response: the server itself has authority over the name.
pub const ACL_SOCKET_DNS_AUTHORITATIVE: i32 = 0x0400;
/// Flag of a response: it was cut off. Never set: such ones are asked for again by TCP.
pub const ACL_SOCKET_DNS_TRUNCATED: i32 = 0x0200;
/// Flag of a response: the query asked the server to ask others.
pub const ACL_SOCKET_DNS_RECURSION_DESIRED: i32 = 0x0100;
/// Flag of a response: the server does so.
pub const ACL_SOCKET_DNS_RECURSION_AVAILABLE: i32 = 0x0080;
/// Flag of a response: the server says that it has verified the signatures, which means as much as the
/// way to the server can be trusted.
pub const ACL_SOCKET_DNS_AUTHENTIC_DATA: i32 = 0x0020;
/// Flag of a response: signatures were not to be verified.
pub const ACL_SOCKET_DNS_CHECKING_DISABLED: i32 = 0x0010;
/// Flag of a response: there is no such name. Lisp's keyword no-such-domain.
pub const ACL_SOCKET_DNS_NO_SUCH_DOMAIN: i32 = 0x0001_0000;
/// Flag of a response: the server could not find out. Lisp's keyword nameserver-internal-error.
pub const ACL_SOCKET_DNS_NAMESERVER_INTERNAL_ERROR: i32 = 0x0002_0000;
/// Flag of a response: any other error, such as that the server refused. Lisp's keyword error.
pub const ACL_SOCKET_DNS_ERROR: i32 = 0x0004_0000;
/// Flag of a response: it was in the cache.
pub const ACL_SOCKET_DNS_CACHED: i32 = 0x0008_0000;
/// Flag of a response: its time is over, see acl_set_stale_entry_remove_time.
pub const ACL_SOCKET_DNS_STALE: i32 = 0x0010_0000;

/// Bytes of a record. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_dns_text {
    /// The bytes, and a NUL behind them; there may be others among them.
    pub text: *const c_char,
    /// How many, without that NUL.
    pub length: usize,
}

/// A resource record. Names are texts without the final dot, the root is "."; what is no plain
/// character of a name stands behind a backslash, as itself or as three decimal digits. What a type of
/// record does not have is 0 or NULL. The memory is that of the response. This struct never grows.
/// Allegro: class dns-rr.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct acl_dns_rr {
    /// Whose record it is.
    pub name: *const c_char,
    /// ACL_SOCKET_DNS_A and the like, or another number.
    pub r#type: i32,
    /// The class, 1 for the internet.
    pub rr_class: i32,
    /// For how many seconds it is good yet.
    pub time_to_live: u32,
    /// MX: the preference, the lowest first. SRV: the priority, likewise. CAA: the flags.
    pub preference: i32,
    /// SRV: the share that it shall have among those of its priority.
    pub weight: i32,
    /// SRV: the port.
    pub port: i32,
    /// A and AAAA: the address. MX and SRV, in the answers of acl_dns_response_values: an address of the
    /// host, of kind ACL_SOCKET_NO_ADDRESS where the response has none and it must be looked up.
    pub address: acl_ipaddr,
    /// NS, CNAME, PTR, MX, SRV: the host. SOA: the name server of the zone.
    pub host: *const c_char,
    /// SOA: the mail address of who answers for the zone, the first dot for the @.
    pub mailbox: *const c_char,
    /// SOA.
    pub serial: u32,
    /// SOA, in seconds, as the next three.
    pub refresh: u32,
    /// SOA.
    pub retry: u32,
    /// SOA.
    pub expire: u32,
    /// SOA: for how long it is good that there is no such name.
    pub minimum: u32,
    /// TXT: its strings, which joined are the text. CAA: the tag and the value.
    pub texts: *const acl_dns_text,
    /// How many.
    pub text_count: usize,
    /// The data of the record as it came, names written out.
    pub data: *const c_void,
    /// How many bytes.
    pub data_length: usize,
}

/// What a handle stands for: the response, and the records as C sees them.
pub(super) struct DnsResponse {
    answer: Arc<Answer>,
    values: Vec<acl_dns_rr>,
    sections: [Vec<acl_dns_rr>; 3],
    _memory: Memory,
}

// SAFETY: the pointers in it are to its own memory, which nobody changes.
unsafe impl Send for DnsResponse {}
// SAFETY: as above.
unsafe impl Sync for DnsResponse {}

impl Kind for DnsResponse {
    const MARK: usize = 0b1101;
    const NAME: &'static str = "DNS response";
}

/// What the records point to.
#[derive(Default)]
struct Memory {
    names: Vec<CString>,
    bytes: Vec<Box<[u8]>>,
    texts: Vec<Box<[acl_dns_text]>>,
}

impl Memory {
    fn name(&mut self, name: &str) -> *const c_char {
        // A name has no NUL: it would stand there as \000.
        let name = CString::new(name).unwrap_or_default();
        let start = name.as_ptr();
        self.names.push(name);
        start
    }

    fn bytes(&mut self, bytes: &[u8]) -> acl_dns_text {
        let kept: Box<[u8]> = [bytes, &[0]].concat().into();
        let text = acl_dns_text { text: kept.as_ptr().cast(), length: bytes.len() };
        self.bytes.push(kept);
        text
    }

    fn texts(&mut self, texts: &[&[u8]]) -> (*const acl_dns_text, usize) {
        let texts: Box<[_]> = texts.iter().map(|text| self.bytes(text)).collect();
        let list = (texts.as_ptr(), texts.len());
        self.texts.push(texts);
        list
    }

    fn record(&mut self, record: &Record, age: u32) -> acl_dns_rr {
        let data = self.bytes(&record.bytes);
        let mut rr = acl_dns_rr {
            name: self.name(&record.name),
            r#type: record.record_type.0.into(),
            rr_class: record.class.into(),
            time_to_live: record.time_to_live.saturating_sub(age),
            preference: 0,
            weight: 0,
            port: 0,
            address: acl_ipaddr::default(),
            host: ptr::null(),
            mailbox: ptr::null(),
            serial: 0,
            refresh: 0,
            retry: 0,
            expire: 0,
            minimum: 0,
            texts: ptr::null(),
            text_count: 0,
            data: data.text.cast(),
            data_length: data.length,
        };
        match &record.data {
            Data::Address(address) => rr.address = acl_ipaddr::of(Some(*address)),
            Data::Host(host) => rr.host = self.name(host),
            Data::Mx { preference, host, address } => {
                (rr.preference, rr.host) = ((*preference).into(), self.name(host));
                rr.address = acl_ipaddr::of(*address);
            }
            Data::Srv { priority, weight, port, host, address } => {
                (rr.preference, rr.weight) = ((*priority).into(), (*weight).into());
                (rr.port, rr.host) = ((*port).into(), self.name(host));
                rr.address = acl_ipaddr::of(*address);
            }
            Data::Texts(texts) => {
                let texts: Vec<_> = texts.iter().map(Vec::as_slice).collect();
                (rr.texts, rr.text_count) = self.texts(&texts);
            }
            Data::Soa(soa) => {
                (rr.host, rr.mailbox) = (self.name(&soa.host), self.name(&soa.mailbox));
                (rr.serial, rr.refresh, rr.retry) = (soa.serial, soa.refresh, soa.retry);
                (rr.expire, rr.minimum) = (soa.expire, soa.minimum);
            }
            Data::Caa { flags, tag, value } => {
                rr.preference = (*flags).into();
                (rr.texts, rr.text_count) = self.texts(&[tag, value]);
            }
            Data::Other => {}
        }
        rr
    }
}

impl DnsResponse {
    fn new(answer: Arc<Answer>) -> DnsResponse {
        let (mut memory, age) = (Memory::default(), answer.age());
        let mut records =
            |records: &[Record]| records.iter().map(|record| memory.record(record, age)).collect();
        let response = &answer.response;
        DnsResponse {
            values: records(&answer.records),
            sections: [&response.answer, &response.authority, &response.additional]
                .map(|section| records(section)),
            _memory: memory,
            answer,
        }
    }

    fn flags(&self) -> i32 {
        let told = match self.answer.response.code {
            0 => 0,
            2 => ACL_SOCKET_DNS_NAMESERVER_INTERNAL_ERROR,
            3 => ACL_SOCKET_DNS_NO_SUCH_DOMAIN,
            _ => ACL_SOCKET_DNS_ERROR,
        };
        let cached = if self.answer.cached { ACL_SOCKET_DNS_CACHED } else { 0 };
        let stale = self.answer.cached && self.answer.seconds_left() < 0;
        let message = i32::from(self.answer.response.flags) & MESSAGE_FLAGS;
        message | told | cached | if stale { ACL_SOCKET_DNS_STALE } else { 0 }
    }
}

/// Without the operation and the code, which are numbers.
const MESSAGE_FLAGS: i32 = 0x87b0;

fn response(handle: *const acl_dns_response) -> Result<Held<DnsResponse>> {
    handle::get(handle.addr())
}

pub(super) fn publish(
    place: &mut std::mem::MaybeUninit<*mut acl_dns_response>,
    answer: Arc<Answer>,
) -> Result<()> {
    let handle = handle::publish(DnsResponse::new(answer))?;
    place.write(ptr::without_provenance_mut(handle));
    Ok(())
}

/// The four values of dns-query. Any place may be NULL.
/// @param answers the records that answer the question, aliases followed: the best one first (by
/// preference, priority and weight), which is Lisp's first value, then the others, its third. They stay
/// until the response is freed; NULL where there are none.
/// @param count how many.
/// @param time_to_live for how many seconds they are good yet; negative once they are not any more.
/// @param flags ACL_SOCKET_DNS_AUTHORITATIVE and the like, or-ed.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE. Allegro: the values of dns-query.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dns_response_values(
    response: *const acl_dns_response,
    answers: *mut *const acl_dns_rr,
    count: *mut usize,
    time_to_live: *mut i64,
    flags: *mut i32,
) -> acl_status {
    boundary(|| {
        let held = self::response(response)?;
        give_records(&held.values, answers, count);
        give(time_to_live, held.answer.seconds_left());
        give(flags, held.flags());
        Ok(())
    })
}

fn give_records(records: &[acl_dns_rr], place: *mut *const acl_dns_rr, count: *mut usize) {
    give(place, if records.is_empty() { ptr::null() } else { records.as_ptr() });
    give(count, records.len());
}

fn give_section(
    handle: *const acl_dns_response,
    section: impl FnOnce(&[Vec<acl_dns_rr>; 3]) -> &Vec<acl_dns_rr>,
    place: *mut *const acl_dns_rr,
    count: *mut usize,
) -> Result<()> {
    if place.is_null() {
        return Err(null("records"));
    }
    if count.is_null() {
        return Err(null("count"));
    }
    give_records(section(&response(handle)?.sections), place, count);
    Ok(())
}

/// The number of the query.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: dns-response-id.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dns_response_id(response: *const acl_dns_response, id: *mut i32) -> acl_status {
    boundary(|| {
        let place = out(id, "id")?;
        place.write(self::response(response)?.answer.response.id.into());
        Ok(())
    })
}

/// What the response says of itself: ACL_SOCKET_DNS_AUTHORITATIVE and the like, or-ed.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: dns-response-flags.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dns_response_flags(response: *const acl_dns_response, flags: *mut i32) -> acl_status {
    boundary(|| {
        let place = out(flags, "flags")?;
        place.write(self::response(response)?.flags());
        Ok(())
    })
}

/// The flags as the 16 bits of the message; the low four are the code of the response.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: dns-response-flags-value.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dns_response_flags_value(
    response: *const acl_dns_response,
    flags_value: *mut i32,
) -> acl_status {
    boundary(|| {
        let place = out(flags_value, "flags_value")?;
        place.write(self::response(response)?.answer.response.flags.into());
        Ok(())
    })
}

/// The records of the answer as the server sent them, aliases included.
/// @param records the first of them, until the response is freed; NULL where there are none.
/// @param count how many.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_INVALID_ARGUMENT.
/// Allegro: dns-response-answer.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dns_response_answer(
    response: *const acl_dns_response,
    records: *mut *const acl_dns_rr,
    count: *mut usize,
) -> acl_status {
    boundary(|| give_section(response, |[answer, _, _]| answer, records, count))
}

/// The records that tell who has authority over the name; where there is no such name, a SOA.
/// @return as acl_dns_response_answer. Allegro: dns-response-authority.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dns_response_authority(
    response: *const acl_dns_response,
    records: *mut *const acl_dns_rr,
    count: *mut usize,
) -> acl_status {
    boundary(|| give_section(response, |[_, authority, _]| authority, records, count))
}

/// The records that may be of use besides, such as the addresses of hosts in the answer.
/// @return as acl_dns_response_answer. Allegro: dns-response-additional.
#[unsafe(no_mangle)]
pub extern "C" fn acl_dns_response_additional(
    response: *const acl_dns_response,
    records: *mut *const acl_dns_rr,
    count: *mut usize,
) -> acl_status {
    boundary(|| give_section(response, |[_, _, additional]| additional, records, count))
}

/// Frees a response, and the records that were got from it. NULL is a no-op.
/// @return ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub extern "C" fn acl_free_dns_response(response: *mut acl_dns_response) -> acl_status {
    boundary(|| if response.is_null() { Ok(()) } else { handle::release::<DnsResponse>(response.addr()) })
}
