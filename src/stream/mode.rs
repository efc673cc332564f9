//! How a stream reads and writes characters, which may be changed while it is in use.

use super::charset::Charset;
use std::sync::atomic::{AtomicU32, Ordering};

/// What stands for a newline, for characters only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eol {
    /// LF.
    Unix,
    /// CR LF.
    Dos,
    /// CR.
    Mac,
    /// Any of them is read, LF is written.
    AnyUnix,
    /// Any of them is read, CR LF is written.
    AnyDos,
    /// Any of them is read, CR is written.
    AnyMac,
}

impl Eol {
    const ALL: [Eol; 6] = [Eol::Unix, Eol::Dos, Eol::Mac, Eol::AnyUnix, Eol::AnyDos, Eol::AnyMac];

    /// What is written for a newline.
    pub fn written(self) -> &'static str {
        match self {
            Eol::Unix | Eol::AnyUnix => "\n",
            Eol::Dos | Eol::AnyDos => "\r\n",
            Eol::Mac | Eol::AnyMac => "\r",
        }
    }

    /// Whether each of LF, CR and CR LF is read as a newline.
    pub fn is_any(self) -> bool {
        matches!(self, Eol::AnyUnix | Eol::AnyDos | Eol::AnyMac)
    }
}

/// What becomes of bytes that are no character and of characters that have no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// They are replaced and counted.
    Replace,
    /// They are an error.
    Refuse,
}

/// The way characters are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// The external format.
    pub charset: Charset,
    /// The end-of-line convention.
    pub eol: Eol,
    /// What to do about errors.
    pub malformed: Malformed,
}

impl Mode {
    /// Whether ASCII is written as it is.
    #[inline]
    pub fn is_plain(self) -> bool {
        self.charset.is_within_utf8() && matches!(self.eol, Eol::Unix | Eol::AnyUnix)
    }
}

impl Default for Mode {
    fn default() -> Mode {
        Mode { charset: Charset::UTF_8, eol: Eol::Unix, malformed: Malformed::Replace }
    }
}

/// A mode that any thread may look at and change.
#[derive(Debug, Default)]
pub struct SharedMode(AtomicU32);

impl SharedMode {
    /// The mode as it is now.
    #[inline]
    pub fn get(&self) -> Mode {
        let [charset, eol, refuse, _] = self.0.load(Ordering::Relaxed).to_le_bytes();
        Mode {
            charset: Charset::of_number(charset),
            eol: Eol::ALL.get(usize::from(eol)).copied().unwrap_or(Eol::Unix),
            malformed: if refuse == 0 { Malformed::Replace } else { Malformed::Refuse },
        }
    }

    /// Changes it.
    pub fn change(&self, change: impl Fn(&mut Mode)) {
        let changed = |packed: u32| {
            let mut mode = SharedMode(packed.into()).get();
            change(&mut mode);
            let refuse = u8::from(mode.malformed == Malformed::Refuse);
            Some(u32::from_le_bytes([mode.charset.number(), mode.eol as u8, refuse, 0]))
        };
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed);
    }
}
