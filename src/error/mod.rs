//! Errors as values: the identifier, the raw errno and the action, which together are the slots of
//! the specification's `socket-error`. Known by every layer, knows none.

mod table;

pub use table::{Identifier, Row, TABLE, row};

use std::borrow::Cow;
use std::fmt;

/// A failed operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Which error it is.
    pub identifier: Identifier,
    /// The raw errno, 0 where the system reported none; of a certificate that was not accepted, the
    /// number of OpenSSL's `X509_V`.
    pub code: i32,
    /// The operation in progress, as it continues the words "occurred while".
    pub action: Cow<'static, str>,
}

/// The result of an operation of this library.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error that the library found itself.
    pub fn new(identifier: Identifier, action: impl Into<Cow<'static, str>>) -> Error {
        Error { identifier, code: 0, action: action.into() }
    }

    /// An error that the operating system reported.
    pub fn os(errno: Errno, action: impl Into<Cow<'static, str>>) -> Error {
        Error { identifier: Identifier::of_errno(errno.0), code: errno.0, action: action.into() }
    }

    /// An argument that is out of range, missing or contradicts another.
    pub fn argument(action: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Identifier::INVALID_ARGUMENT, action)
    }
}

/// The report of the condition, in the specification's wording.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = row(self.identifier.number()).map_or("", |row| row.meaning);
        let kind = if self.identifier.is_verification() { "X509_V" } else { "errno" };
        match self.code {
            0 => write!(f, "\"{meaning}\" occurred while {}.", self.action),
            code => write!(f, "\"{meaning}\" ({kind} {code}) occurred while {}.", self.action),
        }
    }
}

impl std::error::Error for Error {}

/// A raw error number of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// Names the operation that was in progress.
    pub fn during(self, action: impl Into<Cow<'static, str>>) -> Error {
        Error::os(self, action)
    }
}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Errno {
        Errno(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourteen_identifiers_stand_in_the_order_of_the_specification() {
        let keywords: Vec<_> = TABLE.iter().take(14).map(|row| (row.number, row.keyword)).collect();
        let expected = [
            ":address-in-use",
            ":address-not-available",
            ":network-down",
            ":network-reset",
            ":connection-aborted",
            ":connection-reset",
            ":no-buffer-space",
            ":shutdown",
            ":connection-timed-out",
            ":connection-refused",
            ":host-down",
            ":host-unreachable",
            ":protocol-not-available",
            ":unknown",
        ];
        assert_eq!(keywords, (1..).zip(expected).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_ascend_and_names_follow_the_keywords() {
        assert!(TABLE.windows(2).all(|pair| pair[0].number < pair[1].number));
        for row in TABLE {
            let from_keyword = row.keyword.trim_start_matches(':').replace('-', "_").to_uppercase();
            assert_eq!(row.name, format!("ACL_SOCKET_{from_keyword}"));
        }
    }

    #[test]
    fn an_errno_belongs_to_one_identifier_and_the_rest_is_unknown() {
        let mut all: Vec<i32> = TABLE.iter().flat_map(|row| row.errnos).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(Identifier::of_errno(libc::ECONNREFUSED), Identifier::CONNECTION_REFUSED);
        assert_eq!(Identifier::of_errno(libc::EPIPE), Identifier::UNKNOWN);
    }

    #[test]
    fn a_report_reads_as_the_specification_words_it() {
        let refused = Error::os(Errno(111), "connecting to 10.0.0.1 port 80");
        assert_eq!(
            refused.to_string(),
            "\"Connection refused\" (errno 111) occurred while connecting to 10.0.0.1 port 80."
        );
        let invalid = Error::argument("taking remote_port 70000, which is over 65535");
        assert_eq!(
            invalid.to_string(),
            "\"Invalid argument\" occurred while taking remote_port 70000, which is over 65535."
        );
    }
}
