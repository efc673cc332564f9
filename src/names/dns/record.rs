//! What a name server answers: records, and the response that holds them.

use crate::address::IpAddress;
use std::fmt;

/// The type of a record, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordType(pub u16);

const NAMES: [(RecordType, &str); 11] = [
    (RecordType::A, "A"),
    (RecordType::NS, "NS"),
    (RecordType::CNAME, "CNAME"),
    (RecordType::SOA, "SOA"),
    (RecordType::PTR, "PTR"),
    (RecordType::MX, "MX"),
    (RecordType::TXT, "TXT"),
    (RecordType::AAAA, "AAAA"),
    (RecordType::SRV, "SRV"),
    (RecordType::ANY, "ANY"),
    (RecordType::CAA, "CAA"),
];

#[allow(missing_docs)]
impl RecordType {
    pub const A: RecordType = RecordType(1);
    pub const NS: RecordType = RecordType(2);
    pub const CNAME: RecordType = RecordType(5);
    pub const SOA: RecordType = RecordType(6);
    pub const PTR: RecordType = RecordType(12);
    pub const MX: RecordType = RecordType(15);
    pub const TXT: RecordType = RecordType(16);
    pub const AAAA: RecordType = RecordType(28);
    pub const SRV: RecordType = RecordType(33);
    pub const ANY: RecordType = RecordType(255);
    pub const CAA: RecordType = RecordType(257);
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(known, _)| known == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

/// What a record says. Names are texts without the final dot, with `\` before what is no plain
/// character of a name; the root is ".".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A and AAAA.
    Address(IpAddress),
    /// NS, CNAME and PTR.
    Host(String),
    /// MX, and the first address of the host where the response has one.
    #[allow(missing_docs)]
    Mx { preference: u16, host: String, address: Option<IpAddress> },
    /// SRV, likewise.
    #[allow(missing_docs)]
    Srv { priority: u16, weight: u16, port: u16, host: String, address: Option<IpAddress> },
    /// TXT: strings of at most 255 bytes.
    Texts(Vec<Vec<u8>>),
    /// SOA.
    Soa(Box<Soa>),
    /// CAA.
    #[allow(missing_docs)]
    Caa { flags: u8, tag: Vec<u8>, value: Vec<u8> },
    /// Anything else: only its bytes are known.
    Other,
}

/// The start of authority of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Soa {
    pub host: String,
    pub mailbox: String,
    pub serial: u32,
    pub refresh: u32,
    pub retry: u32,
    pub expire: u32,
    pub minimum: u32,
}

/// A resource record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub name: String,
    /// Its type.
    pub record_type: RecordType,
    /// Its class, 1 but for oddities.
    pub class: u16,
    /// For how many seconds it was good when it came.
    pub time_to_live: u32,
    /// What it says.
    pub data: Data,
    /// Its bytes, names written out.
    pub bytes: Vec<u8>,
}

/// A response of a name server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The number of the query.
    pub id: u16,
    /// The flags of the header, the low four bits its code.
    pub flags: u16,
    /// The code, with the bits that EDNS has for it.
    pub code: u16,
    /// The records that answer the question, aliases included.
    pub answer: Vec<Record>,
    /// Those that tell who has authority.
    pub authority: Vec<Record>,
    /// Those that may be of use besides.
    pub additional: Vec<Record>,
    /// How many bytes it had.
    pub size: usize,
}

/// No error.
pub const NO_ERROR: u16 = 0;
/// The server could not find out.
pub const SERVER_FAILURE: u16 = 2;
/// There is no such name.
pub const NO_SUCH_DOMAIN: u16 = 3;
/// The server does not answer such questions, or not to us.
pub const REFUSED: u16 = 5;

const IN: u16 = 1;
const AUTHORITATIVE: u16 = 0x0400;
const RECURSIVE: u16 = 0x0080;

/// Negative answers are not believed for longer (RFC 2308 section 5).
const LONGEST_NEGATIVE: u32 = 3 * 3600;
/// No answer is (RFC 8767 section 4 names a week at most).
const LONGEST: u32 = 24 * 3600;

impl Response {
    /// The records that answer a question about `name`, its aliases followed, best first; and for how
    /// many seconds all that is good.
    pub fn answers(&self, name: &str, wanted: RecordType) -> (Vec<Record>, u32) {
        let mut owner = name;
        let mut seconds = LONGEST;
        let mut found = Vec::new();
        // A chain is no longer than there are records.
        for _ in 0..=self.answer.len() {
            let of_owner = |record: &&Record| record.class == IN && record.name.eq_ignore_ascii_case(owner);
            let is_wanted = |record: &&Record| wanted == RecordType::ANY || record.record_type == wanted;
            found.extend(self.answer.iter().filter(of_owner).filter(is_wanted).map(|r| self.completed(r)));
            if !found.is_empty() {
                break;
            }
            let alias = self.answer.iter().filter(of_owner).find_map(|record| match &record.data {
                Data::Host(host) if record.record_type == RecordType::CNAME => {
                    Some((host.as_str(), record.time_to_live))
                }
                _ => None,
            });
            let Some((next, good)) = alias else { break };
            (owner, seconds) = (next, seconds.min(good));
        }
        found.sort_by_key(|record| match &record.data {
            Data::Mx { preference, .. } => (*preference, 0),
            Data::Srv { priority, weight, .. } => (*priority, u16::MAX - weight),
            _ => (0, 0),
        });
        let seconds = found.iter().map(|record| record.time_to_live).fold(seconds, u32::min);
        (found, seconds)
    }

    /// Whether the server neither knows nor asks others: it names those who may know.
    pub fn is_referral(&self) -> bool {
        self.code == NO_ERROR && self.answer.is_empty() && self.flags & (AUTHORITATIVE | RECURSIVE) == 0
    }

    /// The record with the address of its host.
    fn completed(&self, record: &Record) -> Record {
        let mut record = record.clone();
        if let Data::Mx { host, address, .. } | Data::Srv { host, address, .. } = &mut record.data {
            *address = self.additional.iter().find_map(|other| match other.data {
                Data::Address(found) if other.name.eq_ignore_ascii_case(host) => Some(found),
                _ => None,
            });
        }
        record
    }

    /// For how many seconds it is good that there is nothing; `None` where the server does not tell.
    pub fn negative_seconds(&self) -> Option<u32> {
        self.authority.iter().find_map(|record| match &record.data {
            Data::Soa(soa) => Some(record.time_to_live.min(soa.minimum).min(LONGEST_NEGATIVE)),
            _ => None,
        })
    }
}
