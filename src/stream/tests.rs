//! Properties of the stream over a transport that brings its bytes in any segments: characters,
//! lines and bodies do not depend on them. What characters there are is compared with encoding_rs
//! decoding the whole at once.

use super::characters::{Ending, Room};
use super::charset::Charset;
use super::chunks::{Chunks, size_line};
use super::input::Input;
use super::mode::{Eol, Malformed, Mode};
use super::output::Output;
use super::transport::Transport;
use crate::error::{Error, Identifier, Result};
use crate::socket::Direction;
use crate::sys::{Note, Wait};
use encoding_rs::Encoding;
use std::cell::{Cell, RefCell};

/// A small generator with a period long enough here (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 32) as usize % limit.max(1)
    }
}

struct Script {
    incoming: RefCell<Vec<u8>>,
    outgoing: RefCell<Vec<u8>>,
    random: RefCell<Random>,
    largest: usize,
    replaced: Cell<usize>,
}

impl Script {
    fn new(incoming: &[u8], seed: u64, largest: usize) -> Script {
        Script {
            incoming: RefCell::new(incoming.to_vec()),
            outgoing: RefCell::default(),
            random: RefCell::new(Random(seed * 2 + 1)),
            largest,
            replaced: Cell::new(0),
        }
    }

    fn size(&self, most: usize) -> usize {
        (1 + self.random.borrow_mut().below(self.largest)).min(most)
    }
}

impl Transport for Script {
    fn receive(&self, buffer: &mut Vec<u8>, most: usize, wait: Wait) -> Result<usize> {
        let mut incoming = self.incoming.borrow_mut();
        if wait == Wait::No && !incoming.is_empty() && self.random.borrow_mut().below(3) == 0 {
            return Err(Error::new(Identifier::WOULD_BLOCK, "reading"));
        }
        let count = self.size(incoming.len().min(most).min(buffer.capacity() - buffer.len()));
        buffer.extend(incoming.drain(..count));
        Ok(count)
    }

    fn receive_split(&self, first: &mut [u8], then: &mut Vec<u8>, _: Wait) -> Result<usize> {
        let mut incoming = self.incoming.borrow_mut();
        let count = self.size(incoming.len().min(first.len() + then.capacity() - then.len()));
        let direct = count.min(first.len());
        first[..direct].copy_from_slice(&incoming[..direct]);
        then.extend(&incoming[direct..count]);
        incoming.drain(..count);
        Ok(count)
    }

    fn recover_sent(&self, _: &mut Note) -> usize {
        0
    }

    fn send(&self, pieces: [&[u8]; 3], wait: Wait, _: &mut Note) -> Result<usize> {
        if wait == Wait::No && self.random.borrow_mut().below(2) == 0 {
            return Err(Error::new(Identifier::WOULD_BLOCK, "writing"));
        }
        let all = pieces.concat();
        let count = self.size(all.len());
        self.outgoing.borrow_mut().extend(&all[..count]);
        Ok(count)
    }

    fn arrived(&self) -> Result<usize> {
        Ok(self.incoming.borrow().len())
    }

    fn describe(&self) -> String {
        "script".into()
    }

    fn replaced(&self, _: Direction) {
        self.replaced.set(self.replaced.get() + 1);
    }
}

fn mode(name: &str, eol: Eol) -> Mode {
    Mode { charset: Charset::named(name).unwrap(), eol, malformed: Malformed::Replace }
}

const NAMES: [&str; 19] = [
    "utf-8",
    "big5",
    "euc-jp",
    "euc-kr",
    "gb18030",
    "gbk",
    "iso-2022-jp",
    "shift_jis",
    "ibm866",
    "iso-8859-2",
    "iso-8859-8-i",
    "koi8-r",
    "macintosh",
    "windows-1250",
    "windows-1252",
    "windows-1258",
    "windows-874",
    "x-mac-cyrillic",
    "utf-16be",
];

/// Bytes with many that belong together in one format or another, and newlines.
fn bytes(random: &mut Random, name: &str, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        match random.below(12) {
            0 => bytes.push(b'\n'),
            1 => bytes.extend(b"\r\n"),
            2 => bytes.push(b'\r'),
            3 => bytes.extend("é漢😀".as_bytes()),
            4 => bytes.extend([b"\x1b(B", b"\x1b(J", b"\x1b(I", b"\x1b$B", b"\x1b$@"][random.below(5)]),
            5 => bytes.extend([0x88, [0x62, 0x64, 0xA3, 0xA5][random.below(4)]]),
            6 => bytes.extend([0x81, 0x30, 0x81, 0x30 + random.below(16) as u8]),
            7 | 8 => bytes.extend(std::iter::repeat_n(b'a', random.below(6))),
            9 if name == "iso-2022-jp" => bytes.extend([0x25, 0x21 + random.below(80) as u8]),
            _ => bytes.push(random.next() as u8),
        }
    }
    bytes
}

fn whole(name: &str, bytes: &[u8]) -> String {
    let encoding = Encoding::for_label(name.as_bytes()).unwrap();
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

fn characters(bytes: &[u8], mode: Mode, seed: u64, largest: usize) -> String {
    let script = Script::new(bytes, seed, largest);
    let mut input = Input::default();
    let mut text = String::new();
    let mut random = Random(seed + 77);
    loop {
        match input.read_char(&script, mode, if random.below(2) == 0 { Wait::No } else { Wait::Yes }) {
            Ok(None) => return text,
            Ok(Some(character)) if random.below(4) == 0 => assert!(input.unread_char(character)),
            Ok(Some(character)) => text.push(character),
            Err(error) => assert_eq!(error.identifier, Identifier::WOULD_BLOCK),
        }
        input.release_if_empty();
    }
}

#[test]
fn characters_are_those_of_the_encoding_standard_in_any_segments() {
    for seed in 1..400 {
        let mut random = Random(seed);
        for name in NAMES {
            let length = random.below(60);
            let bytes = bytes(&mut random, name, length);
            let expected = whole(name, &bytes);
            let read = characters(&bytes, mode(name, Eol::Unix), seed, 1 + random.below(9));
            assert_eq!(read, expected, "{name} {bytes:02X?}");
        }
    }
}

/// What the conventions make of characters that were decoded without any.
fn with_newlines(text: &str, eol: Eol) -> String {
    match eol {
        Eol::Unix => text.to_owned(),
        Eol::Dos => text.replace("\r\n", "\n"),
        Eol::Mac => text.replace('\r', "\n"),
        _ => text.replace("\r\n", "\n").replace('\r', "\n"),
    }
}

const EOLS: [Eol; 4] = [Eol::Unix, Eol::Dos, Eol::Mac, Eol::AnyDos];

/// An escape sequence between a CR and its LF parts them, which the comparison does not know.
fn comparable(name: &str, eol: Eol) -> bool {
    name != "iso-2022-jp" || eol == Eol::Unix
}

#[test]
fn newlines_follow_the_convention_in_any_segments() {
    for seed in 1..300 {
        let mut random = Random(seed);
        for eol in EOLS {
            for name in ["utf-8", "shift_jis", "utf-16be", "windows-1252"] {
                let bytes = if name == "utf-16be" {
                    let text = ["a", "\r", "\n", "\r\n", "b\r\r\n"];
                    let text: String = (0..8).map(|_| text[random.below(5)]).collect();
                    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
                } else {
                    bytes(&mut random, name, 40)
                };
                let expected = with_newlines(&whole(name, &bytes), eol);
                let read = characters(&bytes, mode(name, eol), seed, 1 + random.below(7));
                assert_eq!(read, expected, "{name} {eol:?} {bytes:02X?}");
            }
        }
    }
}

/// Reads lines, each with its newline, in buffers of random sizes and in place.
fn lines(bytes: &[u8], mode: Mode, seed: u64, largest: usize) -> Vec<String> {
    let script = Script::new(bytes, seed, largest);
    let mut input = Input::default();
    let mut random = Random(seed + 5);
    let mut lines = Vec::new();
    let mut line = Vec::new();
    loop {
        let view = if random.below(2) == 0 { input.find_line(&script, mode).unwrap() } else { None };
        let ending = if let Some((place, ending)) = view {
            line.extend(input.at(place));
            ending.unwrap()
        } else {
            let mut buffer = vec![0; 4 + random.below(30)];
            let mut length = 0;
            let mut room = Room { bytes: &mut buffer, length: &mut length };
            let ending = input.read_line(&script, mode, &mut room).unwrap();
            line.extend(&buffer[..length]);
            ending
        };
        input.release_if_empty();
        match ending {
            Ending::EndOfFile => return lines,
            Ending::Complete => lines.push(String::from_utf8(std::mem::take(&mut line)).unwrap()),
            Ending::Cut => {}
        }
    }
}

#[test]
fn lines_are_the_characters_between_newlines_in_any_segments_and_buffers() {
    for seed in 1..300 {
        let mut random = Random(seed);
        for eol in EOLS {
            for name in NAMES.into_iter().filter(|name| *name != "utf-16be" && comparable(name, eol)) {
                let bytes = bytes(&mut random, name, 60);
                let text = with_newlines(&whole(name, &bytes), eol);
                let mut expected: Vec<_> = text.split('\n').map(str::to_owned).collect();
                if expected.last().is_some_and(String::is_empty) {
                    expected.pop();
                }
                let read = lines(&bytes, mode(name, eol), seed, 1 + random.below(20));
                assert_eq!(read, expected, "{name} {eol:?} {bytes:02X?}");
            }
        }
    }
}

#[test]
fn strings_are_the_same_characters() {
    for seed in 1..300 {
        let mut random = Random(seed);
        for eol in EOLS {
            for name in NAMES.into_iter().filter(|name| comparable(name, eol)) {
                let bytes = bytes(&mut random, name, 50);
                let expected = with_newlines(&whole(name, &bytes), eol);
                let script = Script::new(&bytes, seed, 1 + random.below(9));
                let (mut input, mut text) = (Input::default(), Vec::new());
                loop {
                    let mut buffer = vec![0; 4 + random.below(20)];
                    let mut length = 0;
                    let mut room = Room { bytes: &mut buffer, length: &mut length };
                    let ending =
                        input.read_string(&script, mode(name, eol), &mut room, random.below(2) == 0).unwrap();
                    text.extend(&buffer[..length]);
                    input.release_if_empty();
                    if ending == Ending::EndOfFile {
                        break;
                    }
                }
                assert_eq!(String::from_utf8(text).unwrap(), expected, "{name} {eol:?} {bytes:02X?}");
            }
        }
    }
}

#[test]
fn a_line_larger_than_the_buffer_comes_whole() {
    let line: String = (0..200_000).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
    let bytes = format!("{line}\nnext\n");
    for largest in [1000, 65536, 1 << 20] {
        let script = Script::new(bytes.as_bytes(), 3, largest);
        let mut input = Input::default();
        let (mut buffer, mut length) = (vec![0; 300_000], 0);
        let mut room = Room { bytes: &mut buffer, length: &mut length };
        assert_eq!(input.read_line(&script, Mode::default(), &mut room).unwrap(), Ending::Complete);
        assert_eq!(&buffer[..length], line.as_bytes());
        let (place, _) = input.find_line(&script, Mode::default()).unwrap().unwrap();
        assert_eq!(input.at(place), b"next");
    }
}

fn chunked(random: &mut Random, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let (chunk, next) = rest.split_at((1 + random.below(30)).min(rest.len()));
        let extension = ["", ";a=b", " ;q=\"x;y\""][random.below(3)];
        bytes.extend(format!("{:0width$X}{extension}\r\n", chunk.len(), width = random.below(5)).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
        rest = next;
    }
    bytes.extend(b"0\r\nName: value\r\n\r\n");
    bytes
}

#[test]
fn bodies_do_not_depend_on_chunks_and_segments() {
    for seed in 1..2000 {
        let mut random = Random(seed);
        let body: Vec<u8> = (0..random.below(200)).map(|_| random.next() as u8).collect();
        let mut bytes = chunked(&mut random, &body);
        bytes.extend(b"behind");
        let script = Script::new(&bytes, seed, 1 + random.below(60));
        let mut input = Input::default();
        input.set_chunking(true);
        let mut read: Vec<u8> = Vec::new();
        loop {
            let mut buffer = vec![0; 1 + random.below(50)];
            let mut length = 0;
            let end =
                input.read_bytes(&script, &mut buffer, random.below(2) == 0, Wait::Yes, &mut length).unwrap();
            read.extend(&buffer[..length]);
            input.release_if_empty();
            if end {
                break;
            }
        }
        assert_eq!(read, body);
        assert_eq!(input.chunks().map(Chunks::trailers), Some(&b"Name: value\r\n"[..]));
        input.set_chunking(false);
        let (mut buffer, mut length) = ([0; 20], 0);
        assert!(input.read_bytes(&script, &mut buffer, true, Wait::Yes, &mut length).unwrap());
        assert_eq!(&buffer[..length], b"behind");
    }
}

#[test]
fn large_chunks_go_straight_and_whole() {
    let body: Vec<u8> = (0..300_000_u32).map(|at| (at * 7 / 5) as u8).collect();
    let mut bytes = Vec::new();
    for chunk in body.chunks(70_000) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    for largest in [100, 20_000, 1 << 20] {
        let script = Script::new(&bytes, 9, largest);
        let mut input = Input::default();
        input.set_chunking(true);
        let (mut buffer, mut length) = (vec![0; 400_000], 0);
        assert!(input.read_bytes(&script, &mut buffer, true, Wait::Yes, &mut length).unwrap());
        assert!(buffer[..length] == body);
    }
}

#[test]
fn characters_and_lines_cross_chunks() {
    for seed in 1..500 {
        let mut random = Random(seed);
        let text = bytes(&mut random, "utf-8", 80);
        let framed = chunked(&mut random, &text);
        let script = Script::new(&framed, seed, 1 + random.below(30));
        let mut input = Input::default();
        input.set_chunking(true);
        let mut read = String::new();
        let mode = mode("utf-8", Eol::Dos);
        while let Some(character) = input.read_char(&script, mode, Wait::Yes).unwrap() {
            if random.below(3) == 0 {
                assert!(input.unread_char(character));
            } else {
                read.push(character);
            }
        }
        assert_eq!(read, with_newlines(&whole("utf-8", &text), Eol::Dos));
    }
}

#[test]
fn what_is_written_arrives_whatever_the_system_takes_at_once() {
    for seed in 1..1000 {
        let mut random = Random(seed);
        let largest = [9, 200_000][random.below(2)];
        let script = Script::new(b"", seed, 1 + random.below(largest));
        let mut output = Output::default();
        let chunking = random.below(2) == 0;
        let mut written = Vec::new();
        output.set_chunking(&script, chunking).unwrap();
        for _ in 0..random.below(6) {
            let size = [random.below(10), random.below(40_000), random.below(150_000)][random.below(3)];
            let size = if script.largest < 10 { size / 100 } else { size };
            let bytes: Vec<u8> = (0..size).map(|at| (at as u64 + seed) as u8).collect();
            let mut taken = 0;
            output.write(&script, &bytes, &mut taken).unwrap();
            assert_eq!(taken, bytes.len());
            written.extend(bytes);
            match random.below(4) {
                0 => output.flush(&script).unwrap(),
                1 => drop(output.try_flush(&script).unwrap()),
                _ => {}
            }
        }
        if !chunking {
            output.flush(&script).unwrap();
            assert!(*script.outgoing.borrow() == written);
            continue;
        }
        output.end_chunks(&script).unwrap();
        let framed = Script::new(&script.outgoing.borrow(), seed, 1000);
        let mut input = Input::default();
        input.set_chunking(true);
        let (mut buffer, mut length) = (vec![0; written.len() + 1], 0);
        assert!(input.read_bytes(&framed, &mut buffer, true, Wait::Yes, &mut length).unwrap());
        assert!(buffer[..length] == written);
        assert!(framed.incoming.borrow().is_empty());
    }
}

#[test]
fn texts_are_encoded_as_the_encoding_standard_says() {
    let text = "Grüße, мир, 漢字かな, ①\nend";
    for name in NAMES.into_iter().filter(|name| *name != "utf-16be") {
        let script = Script::new(b"", 1, 1 << 20);
        let encoding = Encoding::for_label(name.as_bytes()).unwrap();
        let known: String =
            text.chars().map(|c| if encoding.encode(&c.to_string()).2 { '?' } else { c }).collect();
        for by_characters in [false, true] {
            let mut output = Output::default();
            script.outgoing.borrow_mut().clear();
            if by_characters {
                let mode = mode(name, Eol::Unix);
                text.chars().for_each(|c| output.write_text(&script, mode, &c.to_string()).unwrap());
            } else {
                output.write_text(&script, mode(name, Eol::Unix), text).unwrap();
            }
            output.leave_shift(&script).unwrap();
            output.flush(&script).unwrap();
            assert_eq!(*script.outgoing.borrow(), encoding.encode(&known).0.into_owned(), "{name}");
        }
    }
}

/// What the WHATWG calls windows-1252 by the name of a smaller format is that smaller one here.
#[test]
fn names_mean_what_they_say() {
    let labels = "ansi_x3.4-1968 ascii us-ascii cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 \
                  iso_8859-1 iso_8859-1:1987 l1 latin1 cp1252 windows-1252 x-cp1252";
    for label in labels.split_whitespace() {
        assert_eq!(Encoding::for_label(label.as_bytes()), Some(encoding_rs::WINDOWS_1252));
        let smaller = if label.contains("asc") || label.contains("ansi") { "ascii" } else { "latin-1" };
        let name = Charset::named(&format!(":{}", label.to_uppercase())).unwrap().name();
        assert_eq!(name, if label.contains("1252") { "windows-1252" } else { smaller });
        assert_eq!(Charset::named(&name).map(Charset::name), Some(name));
    }
    assert_eq!(Charset::named("replacement"), None);
}

#[test]
fn size_lines() {
    for (size, line) in [(1, "1\r\n"), (0xabc, "abc\r\n"), (u64::MAX, "ffffffffffffffff\r\n")] {
        let (bytes, length) = size_line(size);
        assert_eq!(&bytes[18 - length..], line.as_bytes());
    }
}
