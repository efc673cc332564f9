//! Responses as servers write them, as attackers would, and as chance does.

use super::message::{Asked, Reply};
use super::*;
use domain::base::iana::{Class, Rcode};
use domain::base::name::Name;
use domain::base::{Message, MessageBuilder, Serial, Ttl};
use domain::rdata as wire;
use std::str::FromStr;

type WireName = Name<Vec<u8>>;

fn name(text: &str) -> WireName {
    WireName::from_str(text).unwrap()
}

fn asked(text: &str, record_type: RecordType) -> Asked {
    Asked::new(text, record_type).unwrap()
}

/// A response to the query with one record of each kind, as compressed as a server makes it.
fn response(asked: &Asked, id: u16, code: Rcode) -> Vec<u8> {
    let query = asked.query(id, true);
    let query = Message::from_octets(query).unwrap();
    let target = domain::base::TreeCompressor::new(Vec::new());
    let mut answer = MessageBuilder::from_target(target).unwrap().start_answer(&query, code).unwrap();
    let owner = name(&asked.text);
    let ttl = Ttl::from_secs(300);
    let mut push = |data: wire::AllRecordData<Vec<u8>, WireName>| {
        answer.push((owner.clone(), Class::IN, ttl, data)).unwrap();
    };
    push(wire::A::from_octets(10, 1, 2, 3).into());
    push(wire::Aaaa::new("2001:db8::7".parse().unwrap()).into());
    push(wire::Mx::new(20, name("second.example.test")).into());
    push(wire::Mx::new(10, name("mail.example.test")).into());
    push(wire::Txt::from_octets(b"\x05hello\x00\x06 world".to_vec()).unwrap().into());
    push(wire::Srv::new(1, 2, 389, name("mail.example.test")).into());
    push(wire::Srv::new(1, 9, 390, name("mail.example.test")).into());
    push(wire::Ns::new(name("ns.example.test")).into());
    push(wire::Ptr::new(name("host.example.test")).into());
    let mut authority = answer.authority();
    let [refresh, retry, expire, minimum] = [3600, 60, 7200, 77].map(Ttl::from_secs);
    let (mname, rname) = (name("ns.example.test"), name("admin.example.test"));
    let soa = wire::Soa::new(mname, rname, Serial(2026), refresh, retry, expire, minimum);
    authority.push((owner.clone(), ttl, soa)).unwrap();
    let mut additional = authority.additional();
    additional.push((name("mail.example.test"), ttl, wire::A::from_octets(10, 9, 9, 9))).unwrap();
    additional
        .opt(|opt| {
            opt.set_udp_payload_size(1232);
            Ok(())
        })
        .unwrap();
    additional.finish().into_target()
}

fn whole(reply: Reply) -> Response {
    match reply {
        Reply::Whole(response) => *response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn records_of_each_type_are_read() {
    let read = |record_type| {
        let asked = asked("Example.TEST.", record_type);
        let response = whole(asked.read(7, &response(&asked, 7, Rcode::NOERROR), false));
        assert_eq!((response.id, response.code, response.answer.len()), (7, 0, 9));
        assert_eq!((response.authority.len(), response.additional.len()), (1, 1));
        let (records, seconds) = response.answers("example.test", record_type);
        assert!(seconds == 300 || records.is_empty());
        records.into_iter().map(|record| record.data).collect::<Vec<_>>()
    };
    assert_eq!(read(RecordType::A), [Data::Address(IpAddress::V4(0x0a01_0203))]);
    assert!(matches!(&read(RecordType::AAAA)[..], [Data::Address(IpAddress::V6(v6))] if v6.octets[15] == 7));
    assert_eq!(
        read(RecordType::TXT),
        [Data::Texts(vec![b"hello".to_vec(), b"".to_vec(), b" world".to_vec()])]
    );
    let mail = Some(IpAddress::V4(0x0a09_0909));
    let host = || "mail.example.test".to_string();
    assert_eq!(
        read(RecordType::MX),
        [
            Data::Mx { preference: 10, host: host(), address: mail },
            Data::Mx { preference: 20, host: "second.example.test".into(), address: None },
        ]
    );
    let srv = |weight, port| Data::Srv { priority: 1, weight, port, host: host(), address: mail };
    assert_eq!(read(RecordType::SRV), [srv(9, 390), srv(2, 389)]);
    assert_eq!(read(RecordType::PTR), [Data::Host("host.example.test".into())]);
    assert_eq!(read(RecordType::ANY).len(), 9);
    assert_eq!(read(RecordType::CAA), []);
}

#[test]
fn the_time_of_what_there_is_not_is_that_of_the_start_of_authority() {
    let asked = asked("example.test", RecordType::CAA);
    let response = whole(asked.read(7, &response(&asked, 7, Rcode::NXDOMAIN), false));
    assert_eq!((response.code, response.negative_seconds()), (3, Some(77)));
}

#[test]
fn what_does_not_belong_to_the_query_is_foreign() {
    let ours = asked("example.test", RecordType::A);
    let good = response(&ours, 7, Rcode::NOERROR);
    assert!(matches!(ours.read(7, &good, false), Reply::Whole(_)));
    assert_eq!(ours.read(8, &good, false), Reply::Foreign);
    assert_eq!(asked("example.tesT", RecordType::AAAA).read(7, &good, false), Reply::Foreign);
    assert_eq!(asked("other.test", RecordType::A).read(7, &good, false), Reply::Foreign);
    assert_eq!(ours.read(7, &ours.query(7, true), false), Reply::Foreign);
    assert_eq!(ours.read(7, &[], false), Reply::Foreign);
    let mut without_question = good.clone();
    without_question[5] = 0;
    assert_eq!(ours.read(7, &without_question, false), Reply::Foreign);
    let mut of_another_class = good.clone();
    let class = ours.query(7, false).len() - 1;
    of_another_class[class] = 3;
    assert_eq!(ours.read(7, &of_another_class, false), Reply::Foreign);
    let mut truncated = good;
    truncated[2] |= 2;
    assert_eq!(ours.read(7, &truncated, false), Reply::Truncated);
    assert_eq!(ours.read(7, &truncated, true), Reply::Malformed);
    assert_eq!(ours.read(7, &response(&ours, 7, Rcode::FORMERR), false), Reply::NotUnderstood(1));
}

#[test]
fn pointers_that_go_round_and_names_that_grow_are_malformed() {
    let ours = asked("example.test", RecordType::A);
    let header = |query: &[u8]| {
        let mut message = query.to_vec();
        (message[2], message[7]) = (0x81, 1);
        message
    };
    let query = ours.query(7, false);
    let at = u8::try_from(query.len()).unwrap();
    let record = [0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1];
    // To itself, forward, beyond the end, a label of a kind that is not there.
    for pointer in [[0xc0, at], [0xc0, at + 2], [0xff, 0xff], [0x40, 0x00]] {
        let message = [&header(&query), &pointer[..], &record[..]].concat();
        assert_eq!(ours.read(7, &message, false), Reply::Malformed, "{pointer:?}");
    }
    // A name of 63 octets in front of itself grows without end.
    let label = [&[63][..], &[b'x'; 63], &[0xc0, at]].concat();
    let message = [&header(&query), &label[..], &record[..]].concat();
    assert_eq!(ours.read(7, &message, false), Reply::Malformed);
    // An address of three octets; a record longer than the message.
    let short = [&header(&query), &[0xc0, 12][..], &record[..8], &[0, 3, 1, 2, 3]].concat();
    assert_eq!(ours.read(7, &short, false), Reply::Malformed);
    let long = [&header(&query), &[0xc0, 12][..], &record[..8], &[0xff, 0xff, 1, 2, 3]].concat();
    assert_eq!(ours.read(7, &long, false), Reply::Malformed);
}

fn host(owner: &str, record_type: RecordType, host: &str, time_to_live: u32) -> Record {
    let (name, data, bytes) = (owner.into(), Data::Host(host.into()), Vec::new());
    Record { name, record_type, class: 1, time_to_live, data, bytes }
}

fn of_records(answer: Vec<Record>) -> Response {
    Response { id: 1, flags: 0, code: 0, answer, authority: vec![], additional: vec![], size: 0 }
}

#[test]
fn aliases_are_followed_and_circles_end() {
    let alias = |from, to, ttl| host(from, RecordType::CNAME, to, ttl);
    let chain = of_records(vec![
        alias("b.test", "C.test", 20),
        host("c.test", RecordType::PTR, "found.test", 900),
        alias("a.test", "b.test", 500),
        host("other.test", RecordType::PTR, "wrong.test", 1),
    ]);
    let (found, seconds) = chain.answers("A.TEST", RecordType::PTR);
    assert_eq!((found.len(), seconds, &found[0].data), (1, 20, &Data::Host("found.test".into())));
    let circle = of_records(vec![alias("a.test", "b.test", 5), alias("b.test", "a.test", 5)]);
    assert_eq!(circle.answers("a.test", RecordType::A).0, []);
    assert_eq!(circle.answers("a.test", RecordType::CNAME).0.len(), 1);
}

#[test]
fn names_are_read_and_shown() {
    assert_eq!(asked("a.Example.", RecordType::A).text, "a.Example");
    assert_eq!(asked(".", RecordType::NS).text, ".");
    assert_eq!(asked(r"a\.b.c", RecordType::A).text, r"a\.b.c");
    let long = ["x".repeat(63).as_str(); 4].join(".");
    for wrong in ["", "a..b", ".a", &"x".repeat(64), &long, r"a\", "b\u{fc}cher.test"] {
        assert!(Asked::new(wrong, RecordType::A).is_none(), "{wrong:?}");
    }
    let v4 = pointer_name(IpAddress::V4(0x0102_0304));
    assert_eq!(v4, "4.3.2.1.in-addr.arpa");
    assert_eq!(pointer_name(IpAddress::V6(IpAddress::V4(0x0102_0304).to_v6_mapped())), v4);
    let v6 = crate::names::parse_dotted("2001:db8::567:89ab").unwrap();
    let digits = "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    assert_eq!(pointer_name(v6), digits);
}

/// The generator of Marsaglia, for the same run each time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Whatever came in, what is made of it can be used.
fn check(asked: &Asked, bytes: &[u8]) -> bool {
    let reply = asked.read(7, bytes, false);
    let Reply::Whole(response) = &reply else { return false };
    assert_eq!(asked.read(7, bytes, false), reply);
    let records = || response.answer.iter().chain(&response.authority).chain(&response.additional);
    assert!(records().count() <= bytes.len() / 11 && response.size == bytes.len());
    for record in records() {
        // 255 octets, each as long as \ddd.
        assert!(record.name.len() <= 4 * 255 && record.name.is_ascii());
        assert!(record.bytes.len() <= usize::from(u16::MAX) && record.time_to_live <= i32::MAX as u32);
        // A name that was shown can be asked for, and is the same.
        assert_eq!(Asked::new(&record.name, RecordType::A).unwrap().text, record.name);
        if let Data::Host(host) = &record.data {
            assert_eq!(&Asked::new(host, RecordType::A).unwrap().text, host);
        }
    }
    for record_type in [RecordType::A, RecordType::MX, RecordType::SRV, RecordType::ANY] {
        let (records, seconds) = response.answers(&asked.text, record_type);
        assert!(records.len() <= response.answer.len() && seconds <= 24 * 3600);
    }
    assert!(response.negative_seconds().unwrap_or(0) <= 3 * 3600);
    true
}

#[test]
fn no_bytes_harm_the_reader() {
    let ours = asked("example.test", RecordType::A);
    let good = response(&ours, 7, Rcode::NOERROR);
    assert!(check(&ours, &good));
    (0..good.len()).for_each(|length| assert!(!check(&ours, &good[..length])));
    let header = ours.query(7, false).len();
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let mut read = 0;
    // More of them where somebody has the time.
    let rounds = std::env::var("ACL_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    for round in 0..rounds.unwrap_or(60_000) {
        let mut bytes = good.clone();
        for _ in 0..=chance.below(8) {
            // The header and the question stay most of the time: else nothing is read at all.
            let place = if round % 8 == 0 { 0 } else { header };
            let place = place + chance.below(bytes.len() - place);
            match chance.below(5) {
                0 => bytes[place] = chance.next() as u8,
                1 => bytes[place] ^= 1 << chance.below(8),
                2 => bytes[place] = 0xc0,
                3 => drop(bytes.drain(place..(place + chance.below(9)).min(bytes.len()))),
                _ => {
                    let from = chance.below(bytes.len());
                    let piece = bytes[from..(from + 12).min(bytes.len())].to_vec();
                    bytes.splice(place..place, piece);
                }
            }
            if bytes.len() <= header {
                break;
            }
        }
        read += usize::from(check(&ours, &bytes));
    }
    // It would prove nothing if none were read.
    assert!(read > 1000, "{read}");
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..chance.below(600)).map(|_| chance.next() as u8).collect();
        let framed = [&good[..header], &bytes].concat();
        check(&ours, &bytes);
        check(&ours, &framed);
    }
}

#[test]
fn the_cache_keeps_to_its_time_and_size() {
    use super::cache::{Absent, Key, look_up, store};
    use crate::sys::now_with_sleep;
    let key = |name: &str| Key::new(u64::MAX, name, RecordType::A);
    let second = 1_000_000_000;
    store(key("Kept.test"), Err(Absent::Name), now_with_sleep() + 100 * second);
    assert!(matches!(look_up(&key("kept.TEST"), false), Some(Err(Absent::Name))));
    assert!(look_up(&Key::new(u64::MAX - 1, "kept.test", RecordType::A), false).is_none());
    assert!(look_up(&Key::new(u64::MAX, "kept.test", RecordType::AAAA), false).is_none());
    store(key("short.test"), Err(Absent::Name), now_with_sleep() + second / 100);
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert!(look_up(&key("short.test"), true).is_none());
    store(key("past.test"), Err(Absent::Record), now_with_sleep());
    assert!(look_up(&key("past.test"), true).is_none());
    let many = 5000;
    let names: Vec<_> = (0..many).map(|number| format!("host{number}.test")).collect();
    for name in &names {
        store(key(name), Err(Absent::Name), now_with_sleep() + 100 * second);
    }
    let kept = names.iter().filter(|name| look_up(&key(name), false).is_some()).count();
    assert!((500..=1024).contains(&kept), "{kept}");
}
