//! Messages of the DNS: the query that goes out, and the response read from untrusted bytes.

use super::record::{Data, Record, RecordType, Response, Soa};
use crate::address::{IpAddress, Ipv6Address};
use domain::base::iana::{Class, Opcode};
use domain::base::name::{Name, ParsedName, ToName};
use domain::base::rdata::ComposeRecordData;
use domain::base::{Message, MessageBuilder, ParsedRecord, Question, Rtype, UnknownRecordData};
use domain::rdata::AllRecordData;
use std::str::FromStr;

/// What this resolver takes in one datagram (the DNS flag day of 2020): it passes any network whole.
const DATAGRAM: u16 = 1232;

/// What is asked: a name and a type.
#[derive(Clone, Debug)]
pub struct Asked {
    name: Name<Vec<u8>>,
    /// The name as text, without the final dot.
    pub text: String,
    /// The type.
    pub record_type: RecordType,
}

/// What a datagram or a message over TCP turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The response to the query.
    Whole(Box<Response>),
    /// It does not fit into a datagram.
    Truncated,
    /// The server does not understand the query, perhaps its EDNS.
    NotUnderstood(u16),
    /// From the server, but not to be understood.
    Malformed,
    /// Not the response to the query.
    Foreign,
}

type Read<'a> = AllRecordData<&'a [u8], ParsedName<&'a [u8]>>;

impl Asked {
    /// The question about a name in the text form of the DNS; `None` where it is no such name.
    pub fn new(name: &str, record_type: RecordType) -> Option<Asked> {
        let name = Name::<Vec<u8>>::from_str(name).ok()?;
        let text = shown(&name);
        Some(Asked { name, text, record_type })
    }

    /// The query. With EDNS larger datagrams are taken.
    pub fn query(&self, id: u16, edns: bool) -> Vec<u8> {
        let mut message = MessageBuilder::new_vec();
        message.header_mut().set_id(id);
        message.header_mut().set_rd(true);
        let mut message = message.question();
        // Neither can fail: a vector grows.
        let _ = message.push(Question::new_in(&self.name, Rtype::from_int(self.record_type.0)));
        let mut message = message.additional();
        if edns {
            let _ = message.opt(|opt| {
                opt.set_udp_payload_size(DATAGRAM);
                Ok(())
            });
        }
        message.finish()
    }

    /// Reads what came back for the query of that number.
    pub fn read(&self, id: u16, bytes: &[u8], stream: bool) -> Reply {
        let Ok(message) = Message::from_octets(bytes) else {
            return Reply::Foreign;
        };
        let header = message.header();
        if header.id() != id || !header.qr() || header.opcode() != Opcode::QUERY {
            return Reply::Foreign;
        }
        let code = message.opt_rcode().to_int();
        let about_query = match message.sole_question() {
            Ok(question) => {
                question.qtype().to_int() == self.record_type.0
                    && question.qclass() == Class::IN
                    && question.qname().name_eq(&self.name)
            }
            // A server that could not read the query may not repeat it.
            Err(_) => message.header_counts().qdcount() == 0 && NOT_UNDERSTOOD.contains(&code),
        };
        if !about_query {
            return Reply::Foreign;
        }
        if NOT_UNDERSTOOD.contains(&code) {
            return Reply::NotUnderstood(code);
        }
        if header.tc() && !stream {
            return Reply::Truncated;
        }
        match response(&message, code) {
            Some(response) if !header.tc() => Reply::Whole(Box::new(response)),
            _ => Reply::Malformed,
        }
    }
}

/// The codes of a server that does not know this kind of query: a format error, one that it does
/// not implement, a version of EDNS.
const NOT_UNDERSTOOD: [u16; 3] = [1, 4, 16];

fn response(message: &Message<&[u8]>, code: u16) -> Option<Response> {
    let (_, answer, authority, additional) = message.sections().ok()?;
    let bytes = *message.as_octets();
    let flags = bytes.get(2..4)?.try_into().ok().map(u16::from_be_bytes)?;
    Some(Response {
        id: message.header().id(),
        flags,
        code,
        answer: answer.map(|record| read(&record.ok()?)).collect::<Option<_>>()?,
        authority: authority.map(|record| read(&record.ok()?)).collect::<Option<_>>()?,
        additional: additional
            .filter(|record| record.as_ref().map_or(true, |record| record.rtype() != Rtype::OPT))
            .map(|record| read(&record.ok()?))
            .collect::<Option<_>>()?,
        size: bytes.len(),
    })
}

/// Reads one record; `None` where it is malformed and of a type that has a meaning here.
fn read(record: &ParsedRecord<'_, &[u8]>) -> Option<Record> {
    let record_type = RecordType(record.rtype().to_int());
    let (data, bytes) = match record.to_any_record::<Read<'_>>() {
        Ok(read) => {
            let mut bytes = Vec::new();
            let _ = read.data().compose_rdata(&mut bytes);
            (data(read.data())?, bytes)
        }
        Err(_) if is_read(record_type) => return None,
        Err(_) => {
            let raw = record.to_record::<UnknownRecordData<&[u8]>>().ok()??;
            (Data::Other, raw.data().data().to_vec())
        }
    };
    Some(Record {
        name: shown(&record.owner()),
        record_type,
        class: record.class().to_int(),
        time_to_live: seconds(record.ttl().as_secs()),
        data,
        bytes,
    })
}

fn is_read(record_type: RecordType) -> bool {
    let read = [
        RecordType::A,
        RecordType::AAAA,
        RecordType::NS,
        RecordType::CNAME,
        RecordType::PTR,
        RecordType::SOA,
        RecordType::MX,
        RecordType::SRV,
        RecordType::TXT,
        RecordType::CAA,
    ];
    read.contains(&record_type)
}

/// A time to live with its highest bit set is none (RFC 2181 section 8).
fn seconds(time_to_live: u32) -> u32 {
    if i32::try_from(time_to_live).is_ok() { time_to_live } else { 0 }
}

fn data(read: &Read<'_>) -> Option<Data> {
    Some(match read {
        AllRecordData::A(a) => Data::Address(IpAddress::V4(a.addr().to_bits())),
        AllRecordData::Aaaa(aaaa) => {
            let octets = aaaa.addr().octets();
            Data::Address(IpAddress::V6(Ipv6Address { octets, scope_id: 0 }))
        }
        AllRecordData::Ns(ns) => Data::Host(shown(ns.nsdname())),
        AllRecordData::Cname(cname) => Data::Host(shown(cname.cname())),
        AllRecordData::Ptr(ptr) => Data::Host(shown(ptr.ptrdname())),
        AllRecordData::Mx(mx) => {
            Data::Mx { preference: mx.preference(), host: shown(mx.exchange()), address: None }
        }
        AllRecordData::Srv(srv) => Data::Srv {
            priority: srv.priority(),
            weight: srv.weight(),
            port: srv.port(),
            host: shown(srv.target()),
            address: None,
        },
        AllRecordData::Txt(txt) => Data::Texts(txt.iter().map(<[u8]>::to_vec).collect()),
        AllRecordData::Soa(soa) => Data::Soa(Box::new(Soa {
            host: shown(soa.mname()),
            mailbox: shown(soa.rname()),
            serial: soa.serial().into_int(),
            refresh: soa.refresh().as_secs(),
            retry: soa.retry().as_secs(),
            expire: soa.expire().as_secs(),
            minimum: soa.minimum().as_secs(),
        })),
        AllRecordData::Caa(caa) => Data::Caa {
            flags: caa.flags().bits(),
            tag: caa.tag().to_string().into_bytes(),
            value: caa.value().to_vec(),
        },
        _ => Data::Other,
    })
}

/// The text of a name, without the final dot.
fn shown(name: &impl ToName) -> String {
    let labels = name.iter_labels().filter(|label| !label.is_root());
    let text = labels.map(ToString::to_string).collect::<Vec<_>>().join(".");
    if text.is_empty() { ".".into() } else { text }
}
