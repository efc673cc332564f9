//! External formats and their names. UTF-8, Latin-1, ASCII and the UTF-16s are this library's; the
//! others are the WHATWG's, which encoding_rs has.

use super::decode::{BIG, Shift};
use encoding_rs as rs;
use encoding_rs::Encoding;

/// An external format: an index into the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(u8);

/// How a format is read and written.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Utf8,
    Latin1,
    Ascii,
    /// Little-endian unless a byte order mark that comes first says otherwise.
    Utf16,
    Utf16Le,
    Utf16Be,
    Legacy(&'static Encoding),
}

static TABLE: [Kind; 41] = [
    Kind::Utf8,
    Kind::Latin1,
    Kind::Ascii,
    Kind::Utf16,
    Kind::Utf16Le,
    Kind::Utf16Be,
    Kind::Legacy(&rs::BIG5_INIT),
    Kind::Legacy(&rs::EUC_JP_INIT),
    Kind::Legacy(&rs::EUC_KR_INIT),
    Kind::Legacy(&rs::GB18030_INIT),
    Kind::Legacy(&rs::GBK_INIT),
    Kind::Legacy(&rs::IBM866_INIT),
    Kind::Legacy(&rs::ISO_2022_JP_INIT),
    Kind::Legacy(&rs::ISO_8859_2_INIT),
    Kind::Legacy(&rs::ISO_8859_3_INIT),
    Kind::Legacy(&rs::ISO_8859_4_INIT),
    Kind::Legacy(&rs::ISO_8859_5_INIT),
    Kind::Legacy(&rs::ISO_8859_6_INIT),
    Kind::Legacy(&rs::ISO_8859_7_INIT),
    Kind::Legacy(&rs::ISO_8859_8_INIT),
    Kind::Legacy(&rs::ISO_8859_8_I_INIT),
    Kind::Legacy(&rs::ISO_8859_10_INIT),
    Kind::Legacy(&rs::ISO_8859_13_INIT),
    Kind::Legacy(&rs::ISO_8859_14_INIT),
    Kind::Legacy(&rs::ISO_8859_15_INIT),
    Kind::Legacy(&rs::ISO_8859_16_INIT),
    Kind::Legacy(&rs::KOI8_R_INIT),
    Kind::Legacy(&rs::KOI8_U_INIT),
    Kind::Legacy(&rs::MACINTOSH_INIT),
    Kind::Legacy(&rs::SHIFT_JIS_INIT),
    Kind::Legacy(&rs::WINDOWS_1250_INIT),
    Kind::Legacy(&rs::WINDOWS_1251_INIT),
    Kind::Legacy(&rs::WINDOWS_1252_INIT),
    Kind::Legacy(&rs::WINDOWS_1253_INIT),
    Kind::Legacy(&rs::WINDOWS_1254_INIT),
    Kind::Legacy(&rs::WINDOWS_1255_INIT),
    Kind::Legacy(&rs::WINDOWS_1256_INIT),
    Kind::Legacy(&rs::WINDOWS_1257_INIT),
    Kind::Legacy(&rs::WINDOWS_1258_INIT),
    Kind::Legacy(&rs::WINDOWS_874_INIT),
    Kind::Legacy(&rs::X_MAC_CYRILLIC_INIT),
];

/// Names that are not labels of the WHATWG, or that mean something else there.
const NAMES: [(&str, u8); 23] = [
    ("utf-8", 0),
    ("utf8", 0),
    ("latin-1", 1),
    ("latin1", 1),
    ("iso-8859-1", 1),
    ("iso8859-1", 1),
    ("iso_8859-1", 1),
    ("l1", 1),
    ("iso88591", 1),
    ("iso_8859-1:1987", 1),
    ("iso-ir-100", 1),
    ("csisolatin1", 1),
    ("cp819", 1),
    ("ibm819", 1),
    ("ascii", 2),
    ("us-ascii", 2),
    ("ansi_x3.4-1968", 2),
    ("utf-16", 3),
    ("utf16", 3),
    ("utf-16le", 4),
    ("utf16le", 4),
    ("utf-16be", 5),
    ("utf16be", 5),
];

impl Charset {
    /// UTF-8, which is the default.
    pub const UTF_8: Charset = Charset(0);

    /// The format of that name. Case and a colon in front do not matter.
    pub fn named(name: &str) -> Option<Charset> {
        let name = name.strip_prefix(':').unwrap_or(name).to_ascii_lowercase();
        if let Some((_, index)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(Charset(*index));
        }
        let encoding = Encoding::for_label(name.as_bytes())?;
        if encoding == rs::UTF_8 {
            return Some(Charset::UTF_8);
        }
        let place =
            TABLE.iter().position(|kind| matches!(kind, Kind::Legacy(known) if *known == encoding))?;
        u8::try_from(place).ok().map(Charset)
    }

    /// The canonical name.
    pub fn name(self) -> String {
        match self.kind() {
            Kind::Legacy(encoding) => encoding.name().to_ascii_lowercase(),
            _ => NAMES.iter().find(|(_, index)| *index == self.0).map_or("", |(name, _)| name).into(),
        }
    }

    /// The index in the table.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The format of an index that `number` answered.
    pub fn of_number(number: u8) -> Charset {
        Charset(number)
    }

    pub(super) fn kind(self) -> Kind {
        TABLE.get(usize::from(self.0)).copied().unwrap_or(Kind::Utf8)
    }

    /// Whether a byte below 0x80 that begins a character is that character.
    pub fn has_ascii(self) -> bool {
        !matches!(self.kind(), Kind::Utf16 | Kind::Utf16Le | Kind::Utf16Be) && !self.shifts()
    }

    /// Whether text in this format is text in UTF-8 too.
    pub fn is_within_utf8(self) -> bool {
        matches!(self.kind(), Kind::Utf8 | Kind::Ascii)
    }

    /// ISO-2022-JP, the only one whose bytes mean what an escape sequence before them says.
    pub fn shifts(self) -> bool {
        matches!(self.kind(), Kind::Legacy(encoding) if encoding == rs::ISO_2022_JP)
    }

    /// The bytes of a newline.
    pub fn newline(self, shift: Shift) -> &'static [u8] {
        match (self.kind(), shift) {
            (Kind::Utf16Be, _) | (Kind::Utf16, BIG) => b"\0\n",
            (Kind::Utf16Le | Kind::Utf16, _) => b"\n\0",
            _ => b"\n",
        }
    }
}
