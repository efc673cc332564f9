//! Tests of addresses: tables of forms and refusals, and generated inputs against the standard
//! library and the C library where their grammars are the same.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::ffi::CString;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

/// The interfaces of the tests.
fn interface(name: &str) -> Option<u32> {
    match name {
        "lo" => Some(1),
        "eth0" => Some(2),
        "eth0:1" => Some(3),
        "zero" => Some(0),
        _ => None,
    }
}

fn parse(text: &str) -> Option<IpAddress> {
    dotted_to_ipaddr(text.as_bytes(), interface)
}

fn v6(groups: [u16; 8], scope_id: u32) -> IpAddress {
    let octets = Ipv6Addr::from(groups).octets();
    IpAddress::V6(Ipv6Address { octets, scope_id })
}

/// A generator of the same numbers each time (xorshift64).
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }

    /// An octet of one, two or three digits, each as often.
    fn octet(&mut self) -> u8 {
        let (first, count) = [(0, 10), (10, 90), (100, 156)][self.below(3) as usize];
        (first + self.below(count)) as u8
    }

    fn quad(&mut self) -> u32 {
        u32::from_be_bytes([self.octet(), self.octet(), self.octet(), self.octet()])
    }

    /// A number whose groups are often zero or short.
    fn ipv6(&mut self) -> u128 {
        if self.below(8) == 0 {
            return V4_MAPPED | u128::from(self.quad());
        }
        (0..8).fold(0, |bits, _| {
            let group = (self.next() >> 32) as u16 >> (4 * self.below(4));
            let kept = if self.below(2) == 0 { 0 } else { group };
            bits << 16 | u128::from(kept)
        })
    }

    /// One or two changes of a text, most of which spoil it.
    fn spoil(&mut self, text: &mut Vec<u8>) {
        const OCTETS: &[u8] = b"0123456789.:%afxF -+\0\x1e\x8e\xb1\xff/;";
        for _ in 0..=self.below(2) {
            let octet = OCTETS[self.below(OCTETS.len() as u64) as usize];
            let place = self.below(text.len() as u64 + 1) as usize;
            match self.below(3) {
                0 => text.insert(place, octet),
                1 if place < text.len() => text[place] = octet,
                _ if place < text.len() => drop(text.remove(place)),
                _ => {}
            }
        }
    }
}

#[test]
fn ipv4_forms() {
    let forms = [
        ("192.132.95.84", 3229900628),
        ("0.0.0.0", 0),
        ("1.2.3.4", 0x01020304),
        ("255.255.255.255", u32::MAX),
        ("10.20.30.40", 0x0a141e28),
        ("100.1.10.200", 0x64010ac8),
        ("23.3", 0x17000003),
        ("128.1.3", 0x80010003),
        ("127.1", 0x7f000001),
        ("0.0", 0),
        ("127.16777215", 0x7fffffff),
        ("1.256", 0x01000100),
        ("1.2.65535", 0x0102ffff),
        ("0.0.0", 0),
    ];
    for (text, number) in forms {
        assert_eq!(parse(text), Some(IpAddress::V4(number)), "{text}");
    }
}

#[test]
fn ipv4_refusals() {
    let refusals = "
        . .. ... .... 1 15190 3229900628 1. .1 1..2 1.2. 1.2.3. 1.2.33. 1.22.33. 1.2.333.
        .1.2.3 .1.2.3.4 1..2.3 1.2..3.4 1.2.3..4 1.2.3.4. 1.2.3.4.5 1.2.3.4.5.6
        12.34.56.78.9 256.1.1.1 1.256.1.1 1.1.256.1 1.1.1.256 1.1.1.300 1.1.1.999 1.1.1.1000
        1000.1.1.1 1.1.1000.1 1234567 12345678 123456789012345 1234.5.6 256.1 1.16777216
        1.99999999 1.4294967295 1.4294967297 256.1.1 1.256.1 1.2.65536 010.0.0.1 1.010.1.1
        1.1.010.1 1.1.1.010 1.1.1.00 1.1.1.01 01.1.1.1 00.0.0.0 127.01 127.0.01 0177.1
        0x7f.1 0x7f.0.0.1 1.2.3.0x4 1.2.3.a +1.2.3.4 -1.2.3.4 1.2.3.+4 1.-2 1.+2 1,2,3,4
        1.2.3.4%1 1.2.3.4%lo 1.2.3.4/8 localhost
    ";
    // The escaped ones have digits of other scripts, and zeros.
    let odd = [
        "",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1 .2.3.4",
        "1.2.3.4\n",
        "1.2.3.4\0",
        "1.2.3\0",
        "\u{661}.2.3.4",
        "1.2.3.\u{ff14}",
    ];
    for text in refusals.split_whitespace().chain(odd) {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(dotted_to_ipaddr(b"1.2.3.\xff", interface), None);
    assert_eq!(dotted_to_ipaddr(b"\xb1.2.3.4", interface), None);
}

#[test]
fn ipv6_forms() {
    let link = [0xfe80, 0, 0, 0, 0x209, 0x5bff, 0xfe8e, 0x61c1];
    let forms = [
        ("fe80::209:5bff:fe8e:61c1", v6(link, 0)),
        ("FE80::209:5BFF:FE8E:61C1", v6(link, 0)),
        ("fe80::209:5bff:fe8e:61c1%2", v6(link, 2)),
        ("fe80::209:5bff:fe8e:61c1%eth0", v6(link, 2)),
        ("fe80::209:5bff:fe8e:61c1%eth0:1", v6(link, 3)),
        ("fe80::209:5bff:fe8e:61c1%0", v6(link, 0)),
        ("fe80::209:5bff:fe8e:61c1%4294967295", v6(link, u32::MAX)),
        ("::", v6([0; 8], 0)),
        ("::%lo", v6([0; 8], 1)),
        ("::1", v6([0, 0, 0, 0, 0, 0, 0, 1], 0)),
        ("1::", v6([1, 0, 0, 0, 0, 0, 0, 0], 0)),
        ("1:2:3:4:5:6:7:8", v6([1, 2, 3, 4, 5, 6, 7, 8], 0)),
        ("0001:0:00:000:0000:6:7:8", v6([1, 0, 0, 0, 0, 6, 7, 8], 0)),
        ("1:2:3:4:5:6:7::", v6([1, 2, 3, 4, 5, 6, 7, 0], 0)),
        ("::2:3:4:5:6:7:8", v6([0, 2, 3, 4, 5, 6, 7, 8], 0)),
        ("1:2:3::5:6:7:8", v6([1, 2, 3, 0, 5, 6, 7, 8], 0)),
        ("::ffff:192.168.0.1", v6([0, 0, 0, 0, 0, 0xffff, 0xc0a8, 1], 0)),
        ("::ffff:c0a8:1", v6([0, 0, 0, 0, 0, 0xffff, 0xc0a8, 1], 0)),
        ("::FFFF:1.2.3.4%7", v6([0, 0, 0, 0, 0, 0xffff, 0x102, 0x304], 7)),
        ("::1.2.3.4", v6([0, 0, 0, 0, 0, 0, 0x102, 0x304], 0)),
        ("1:2:3:4:5:6:1.2.3.4", v6([1, 2, 3, 4, 5, 6, 0x102, 0x304], 0)),
        ("64:ff9b::1.2.3.4", v6([0x64, 0xff9b, 0, 0, 0, 0, 0x102, 0x304], 0)),
        ("1:2:3:4:5::1.2.3.4", v6([1, 2, 3, 4, 5, 0, 0x102, 0x304], 0)),
    ];
    for (text, address) in forms {
        assert_eq!(parse(text), Some(address), "{text}");
    }
}

#[test]
fn ipv6_refusals() {
    let refusals = "
        : ::: :::: 1 1: :1 1:2 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7:8:
        :1:2:3:4:5:6:7:8 1:2:3:4:5:6:7: :2:3:4:5:6:7:8 1:2:3:4::5:6:7:8 1:2:3:4:5:6:7:8::
        ::1:2:3:4:5:6:7:8 1::2::3 1:::2 ::1: :1:: 12345:: ::12345 ::00001 ::g ::-1 ::+1
        ::0x1 [::1] ::1] ::1.2.3 ::1.2 ::1.2.3.4.5 ::1.2.3.256 ::01.2.3.4 ::1.2.3.4:5
        1.2.3.4:: 1.2.3.4:5:: ::1.2.3.4:1.2.3.4 1:2:3:4:5:6:7:1.2.3.4 1:2:3:4:5:1.2.3.4
        1:2:3:4:5:6::1.2.3.4 1.2.3.4:80 ::1% ::1%nosuch ::1%zero ::1%4294967296 ::1%-1
        ::1%+1 ::1%eth0%1 ::1%% %1 %eth0 %eth0:1 1.2.3.4%eth0:1 ::1/64
    ";
    // The escaped ones have digits of other scripts, and zeros.
    let odd = [":: 1", " ::1", "::1 ", "::1% 1", "::1%1 ", "::1%\u{661}", "::1\0", "\u{ff11}::"];
    for text in refusals.split_whitespace().chain(odd) {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(dotted_to_ipaddr(b"::1%\xff", |_| Some(1)), None);
    assert_eq!(dotted_to_ipaddr(b"::\xb1", interface), None);
}

#[test]
fn texts() {
    let texts = [
        (IpAddress::V4(3229900628), "192.132.95.84"),
        (IpAddress::V4(0), "0.0.0.0"),
        (IpAddress::V4(0x17000003), "23.0.0.3"),
        (IpAddress::V4(u32::MAX), "255.255.255.255"),
        (v6([0; 8], 0), "::"),
        (v6([0; 8], 5), "::%5"),
        (v6([0, 0, 0, 0, 0, 0, 0, 1], 0), "::1"),
        (v6([1, 0, 0, 0, 0, 0, 0, 0], 0), "1::"),
        // A single group of zeros stays.
        (v6([1, 0, 3, 4, 5, 6, 7, 8], 0), "1:0:3:4:5:6:7:8"),
        (v6([0, 2, 3, 4, 5, 6, 7, 0], 0), "0:2:3:4:5:6:7:0"),
        // The longest run, and the first of equals.
        (v6([0x2001, 0, 0, 1, 0, 0, 0, 1], 0), "2001:0:0:1::1"),
        (v6([0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], 0), "2001:db8::1:0:0:1"),
        (v6([0, 0, 3, 4, 5, 6, 0, 0], 0), "::3:4:5:6:0:0"),
        (v6([0xabcd, 0xef, 0x10, 0x1000, 1, 1, 0, 0], 0), "abcd:ef:10:1000:1:1::"),
        (v6([0, 0, 0, 0, 0, 0xffff, 0xc0a8, 1], 0), "::ffff:192.168.0.1"),
        (v6([0, 0, 0, 0, 0, 0xffff, 0xc0a8, 1], 9), "::ffff:192.168.0.1%9"),
        (v6([0, 0, 0, 0, 0, 0, 0xc0a8, 1], 0), "::c0a8:1"),
        (v6([0, 0, 0, 0, 1, 0xffff, 0xc0a8, 1], 0), "::1:ffff:c0a8:1"),
        (v6([0xfe80, 0, 0, 0, 0, 0, 0, 1], 10), "fe80::1%10"),
        (v6([0xffff; 8], u32::MAX), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295"),
    ];
    for (address, text) in texts {
        assert_eq!(ipaddr_to_dotted(&address).as_str(), text);
        assert_eq!(ipaddr_to_dotted(&address).as_bytes(), text.as_bytes());
        assert_eq!(address.to_string(), text);
        assert_eq!(parse(text), Some(address));
    }
    assert_eq!(
        format!("{:>9}|{:?}", IpAddress::V4(1), ipaddr_to_dotted(&IpAddress::V4(1))),
        "  0.0.0.1|\"0.0.0.1\""
    );
}

#[test]
fn methods() {
    let loopback = IpAddress::V4(0x7f000001);
    let mapped = parse("::ffff:127.0.0.1").unwrap();
    let scoped = parse("::ffff:127.0.0.1%3").unwrap();
    let other = parse("fe80::1").unwrap();

    assert_eq!(IpAddress::V4(3229900628).octets4(), Some([192, 132, 95, 84]));
    assert_eq!(mapped.octets4(), None);

    for (text, unspecified) in [
        ("0.0.0.0", true),
        ("0.0.0.1", false),
        ("::", true),
        ("::%2", true),
        ("::1", false),
        ("::ffff:0.0.0.0", false),
    ] {
        assert_eq!(parse(text).unwrap().is_unspecified(), unspecified, "{text}");
    }

    assert_eq!(IpAddress::V6(loopback.to_v6_mapped()), mapped);
    assert_eq!(IpAddress::V6(scoped.to_v6_mapped()), scoped);
    assert_eq!(mapped.canonical(), loopback);
    assert_eq!(loopback.canonical(), loopback);
    assert_eq!(scoped.canonical(), scoped);
    assert_eq!(other.canonical(), other);
    assert_eq!(parse("::127.0.0.1").unwrap().canonical(), parse("::127.0.0.1").unwrap());
}

#[test]
fn equality() {
    let cases = [
        // Texts, equal without and with scope ids.
        ("127.0.0.1", "127.1", true, true),
        ("127.0.0.1", "127.0.0.2", false, false),
        ("127.0.0.1", "::ffff:127.0.0.1", true, true),
        ("127.0.0.1", "::ffff:127.0.0.1%2", true, false),
        ("127.0.0.1", "::127.0.0.1", false, false),
        ("127.0.0.1", "::1", false, false),
        ("0.0.0.0", "::", false, false),
        ("fe80::1%2", "fe80::1%eth0", true, true),
        ("fe80::1%2", "fe80::1%3", true, false),
        ("fe80::1%2", "fe80::1", true, false),
        ("fe80::1", "fe80::2", false, false),
    ];
    for (a, b, plain, scoped) in cases {
        let (first, second) = (parse(a).unwrap(), parse(b).unwrap());
        assert_eq!(ipaddr_equalp(first, second, false), plain, "{a} {b}");
        assert_eq!(ipaddr_equalp(second, first, false), plain, "{b} {a}");
        assert_eq!(ipaddr_equalp(first, second, true), scoped, "{a} {b}");
        assert_eq!(ipaddr_equalp(second, first, true), scoped, "{b} {a}");
    }
}

/// What the crate `libc` does not declare.
#[allow(unsafe_code)]
mod c {
    use libc::{c_char, c_int, c_void};

    unsafe extern "C" {
        pub fn inet_aton(text: *const c_char, address: *mut u32) -> c_int;
        pub fn inet_pton(family: c_int, text: *const c_char, address: *mut c_void) -> c_int;
    }
}

/// The C library's reading of a text, by `inet_pton`; `None` also for a text with a zero octet.
#[allow(unsafe_code)]
fn pton<const SIZE: usize>(family: libc::c_int, text: &[u8]) -> Option<[u8; SIZE]> {
    let text = CString::new(text).ok()?;
    let mut octets = [0; SIZE];
    // SAFETY: the text ends in a zero, and the callers' arrays have the size of the family.
    let status = unsafe { c::inet_pton(family, text.as_ptr(), octets.as_mut_ptr().cast()) };
    (status == 1).then_some(octets)
}

/// The C library's reading of a text with the Berkeley shorthand.
#[allow(unsafe_code)]
fn aton(text: &[u8]) -> Option<u32> {
    let text = CString::new(text).ok()?;
    let mut address = 0;
    // SAFETY: the text ends in a zero, and `struct in_addr` is one 32-bit number.
    let status = unsafe { c::inet_aton(text.as_ptr(), &mut address) };
    (status != 0).then(|| u32::from_be(address))
}

/// The reading of the standard library, which has the same grammar for four components and for
/// IPv6 without scope.
fn standard(text: &[u8]) -> Option<IpAddress> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(IpAddress::V4(address.into()));
    }
    let octets = text.parse::<Ipv6Addr>().ok()?.octets();
    Some(IpAddress::V6(Ipv6Address { octets, scope_id: 0 }))
}

#[test]
fn generated_quads() {
    let mut generator = Generator(0x9e37_79b9_7f4a_7c15);
    for _ in 0..70_000 {
        let number = generator.quad();
        let expected = Ipv4Addr::from(number).to_string();
        let text = ipaddr_to_dotted(&IpAddress::V4(number));
        assert_eq!(text.as_str(), expected);
        assert_eq!(dotted_to_ipaddr(text.as_bytes(), interface), Some(IpAddress::V4(number)));

        let mut text = expected.into_bytes();
        generator.spoil(&mut text);
        let dots = text.iter().filter(|&&octet| octet == b'.').count();
        if dots == 3 && !text.contains(&b':') {
            let parsed = dotted_to_ipaddr(&text, interface);
            assert_eq!(parsed, standard(&text), "{}", text.escape_ascii());
            let octets = parsed.and_then(IpAddress::octets4);
            assert_eq!(octets, pton(libc::AF_INET, &text), "{}", text.escape_ascii());
        }
    }
}

#[test]
fn generated_shorthand() {
    let mut generator = Generator(0x2545_f491_4f6c_dd1d);
    for _ in 0..30_000 {
        // Around the limits of the last component, and anywhere.
        let rest = match generator.below(3) {
            0 => 0xff_fff0 + generator.below(32),
            1 => 0xfff0 + generator.below(32),
            _ => generator.next() >> (32 + generator.below(32)),
        };
        let first = generator.below(300);
        let text = match generator.below(2) {
            0 => format!("{first}.{rest}"),
            _ => format!("{first}.{}.{rest}", generator.below(300)),
        };
        assert_eq!(parse(&text), aton(text.as_bytes()).map(IpAddress::V4), "{text}");
    }
}

#[test]
fn generated_ipv6() {
    let mut generator = Generator(0xd1b5_4a32_d192_ed03);
    for _ in 0..50_000 {
        let bits = generator.ipv6();
        let plain = Ipv6Address { octets: bits.to_be_bytes(), scope_id: 0 };
        let expected = Ipv6Addr::from(bits).to_string();
        assert_eq!(ipaddr_to_dotted(&IpAddress::V6(plain)).as_str(), expected);

        let scope_id = (generator.next() >> 32) as u32 >> generator.below(32);
        let scoped = IpAddress::V6(Ipv6Address { scope_id, ..plain });
        assert_eq!(parse(ipaddr_to_dotted(&scoped).as_str()), Some(scoped));

        let mut text = expected.into_bytes();
        generator.spoil(&mut text);
        // The others have no scope, and no shorthand.
        if text.contains(&b':') && !text.contains(&b'%') {
            let parsed = dotted_to_ipaddr(&text, interface);
            assert_eq!(parsed, standard(&text), "{}", text.escape_ascii());
            let octets = parsed.map(|address| address.to_v6_mapped().octets);
            assert_eq!(octets, pton(libc::AF_INET6, &text), "{}", text.escape_ascii());
        }
    }
}

/// Texts of the characters of addresses, and any octets at all: nothing panics, and what is
/// accepted has a text that gives the same address again.
#[test]
fn generated_garbage() {
    const OCTETS: &[u8] = b"0123456789.:%af.:0";
    let mut generator = Generator(0xa076_1d64_78bd_642f);
    for case in 0..50_000 {
        let length = generator.below(24);
        let text: Vec<u8> = (0..length)
            .map(|_| match case % 2 {
                0 => OCTETS[generator.below(OCTETS.len() as u64) as usize],
                _ => generator.next() as u8,
            })
            .collect();
        if let Some(address) = dotted_to_ipaddr(&text, interface) {
            let again = parse(ipaddr_to_dotted(&address).as_str());
            assert_eq!(again, Some(address), "{}", text.escape_ascii());
        }
        if let Some(address) = standard(&text) {
            assert_eq!(dotted_to_ipaddr(&text, interface), Some(address), "{}", text.escape_ascii());
        }
    }
}
