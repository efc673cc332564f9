//! What stands between C and Rust: nothing unwinds out, nothing is printed, every failure is kept
//! in the condition.

use super::condition;
use crate::error::{Error, Identifier, Result};
use crate::stream::direct;
use crate::{first_call, hazard, kept, socket, stream};
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the body of a C function; a panic is `ACL_SOCKET_INTERNAL`.
#[inline]
pub(super) fn boundary(body: impl FnOnce() -> Result<()>) -> i32 {
    quiet_panics();
    first_call::prepare(make_what_threads_keep);
    let outer = INSIDE.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(outer);
    match outcome {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => condition::record(&error),
        Err(payload) => {
            // A payload may panic in its destructor.
            std::mem::forget(payload);
            let place = PANIC.take().unwrap_or_else(|| "an unknown place".into());
            condition::record(&Error::new(Identifier::INTERNAL, format!("running into a bug at {place}")))
        }
    }
}

/// Whatever has a destructor that runs at a thread's end.
fn make_what_threads_keep() {
    let _ = PANIC.try_with(|_| ());
    condition::make_for_thread();
    super::waiting::make_for_thread();
    hazard::make_for_thread();
    kept::make_for_thread();
    socket::make_for_thread();
    stream::make_for_thread();
}

/// Runs `reach`, which neither panics nor fails; where it does not reach, the body behind the boundary.
#[inline(always)]
pub(super) fn directly<T>(reach: impl FnOnce() -> Option<T>, body: impl FnOnce() -> Result<()>) -> i32 {
    if reach().is_some() { 0 } else { beyond(body) }
}

/// Its own frame is small, so that a call that was left in `reach` is seen to be above. By its ABI it
/// does not unwind, which lets its caller jump to it.
#[allow(improper_ctypes_definitions)]
#[inline(never)]
extern "C" fn beyond(body: impl FnOnce() -> Result<()>) -> i32 {
    direct::not_reached();
    outlined(body)
}

#[inline(never)]
fn outlined(body: impl FnOnce() -> Result<()>) -> i32 {
    boundary(body)
}

/// As `boundary` for a function that answers no status: after a panic it answers `none`.
#[inline]
pub(super) fn answer<T: Copy>(none: T, body: impl FnOnce() -> T) -> T {
    let mut given = none;
    boundary(|| {
        given = body();
        Ok(())
    });
    given
}

/// The standard hook prints; inside the boundary the place is kept for the report instead.
#[inline]
fn quiet_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let outside = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !INSIDE.get() {
                return outside(info);
            }
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let what = info.payload_as_str().unwrap_or("a panic");
            PANIC.set(Some(format!("{place}: {what}")));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn a_function_without_a_status_answers_nothing_after_a_panic() {
        assert_eq!(answer(7, || panic!("out of cheese")), 7);
        assert_eq!(answer(7, || 8), 8);
    }

    /// A panic in a function without the boundary would end the host.
    #[test]
    fn every_exported_function_stands_behind_the_boundary() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/capi");
        let mut functions = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            for function in source.split("#[unsafe(no_mangle)]\n").skip(1) {
                let body = function.split_once("{\n").unwrap().1.split("\n}\n").next().unwrap();
                let first = body.trim_start();
                let guarded = ["boundary(", "directly(", "answer(", "accessor("]
                    .iter()
                    .any(|word| first.starts_with(word));
                assert!(guarded, "{}", function.lines().next().unwrap());
                functions += 1;
            }
        }
        let listed = include_str!("../../acl_socket.symbols").lines().count();
        assert_eq!(functions, listed);
    }

    #[test]
    fn a_panic_becomes_an_identifier_and_tells_its_place() {
        let status = boundary(|| panic!("out of cheese"));
        assert_eq!(status, Identifier::INTERNAL.number());
        // SAFETY: the condition's text is valid until the next failure of this thread.
        let report = unsafe { CStr::from_ptr(condition::report()) }.to_str().unwrap();
        assert!(report.contains("boundary.rs") && report.contains("out of cheese"), "{report}");
        assert_eq!(boundary(|| Ok(())), 0);
    }
}
