//! The condition of the last failed call, one for each thread.

use crate::error::Error;
use std::cell::RefCell;
use std::ffi::{CString, c_char};

#[derive(Default)]
struct Condition {
    identifier: i32,
    code: i32,
    action: CString,
    report: CString,
}

thread_local! {
    static LAST: RefCell<Condition> = RefCell::default();
}

/// Makes what a thread keeps.
pub(super) fn make_for_thread() {
    let _ = LAST.try_with(|_| ());
}

/// Keeps the error for the readers and answers its number.
pub(super) fn record(error: &Error) -> i32 {
    let identifier = error.identifier.number();
    let condition = Condition {
        identifier,
        code: error.code,
        action: c_string(error.action.to_string()),
        report: c_string(error.to_string()),
    };
    // While a thread ends there is no place left for it; the number is still answered.
    let _ = LAST.try_with(|last| last.replace(condition));
    identifier
}

/// A text with a NUL in it could only come from a name that was refused for it.
pub(super) fn c_string(text: String) -> CString {
    CString::new(text.replace('\0', "\u{FFFD}")).unwrap_or_default()
}

fn read<T>(slot: impl FnOnce(&Condition) -> T, none: T) -> T {
    LAST.try_with(|last| slot(&last.borrow())).unwrap_or(none)
}

pub(super) fn identifier() -> i32 {
    read(|last| last.identifier, 0)
}

pub(super) fn code() -> i32 {
    read(|last| last.code, 0)
}

pub(super) fn action() -> *const c_char {
    read(|last| last.action.as_ptr(), c"".as_ptr())
}

pub(super) fn report() -> *const c_char {
    read(|last| last.report.as_ptr(), c"".as_ptr())
}
