//! Models of closing a descriptor under threads that are inside of it. `sys::model` refuses an
//! operation on a number that was given back, a second give-back, and a give-back that does not come
//! after the operations.

use super::Descriptor;
use crate::error::Identifier;
use crate::hazard;
use crate::sync::model::explore;
use crate::sys::model::{is_given_back, operate, spawn};
use crate::sys::{Closing, Fd};

const NUMBER: Fd = Fd(1);
const OTHER: Fd = Fd(2);

/// Never dropped: a model that fails would close it outside of the model.
fn descriptor(number: Fd) -> &'static Descriptor {
    Box::leak(Box::new(Descriptor::new(Closing::new(number.0))))
}

fn run(descriptor: &Descriptor) {
    let operation = |fd| {
        operate(fd);
        Ok(())
    };
    if let Err(error) = descriptor.run(operation, String::new) {
        assert_eq!(error.identifier, Identifier::CLOSED);
    }
}

/// As a call from outside would.
fn call(descriptor: &Descriptor) {
    let _inside = hazard::enter_from_outside(1);
    run(descriptor);
}

fn close(descriptor: &Descriptor) {
    assert!(descriptor.close());
}

/// The threads run those bodies; then the number was given back.
fn model<const N: usize>(preemptions: usize, bodies: [fn(&Descriptor); N]) {
    explore(preemptions, move || {
        let shared = descriptor(NUMBER);
        let threads = bodies.map(|body| spawn(move || body(shared)));
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(is_given_back(NUMBER), "the number was kept");
    });
}

#[test]
fn a_number_is_given_back_after_the_last_operation() {
    model(3, [close, run]);
    model(2, [close, run, run]);
}

#[test]
fn nested_calls_keep_the_number() {
    model(
        3,
        [close, |descriptor| {
            call(descriptor);
            call(descriptor);
        }],
    );
}

#[test]
fn one_of_two_closes_closes() {
    model(
        2,
        [
            |descriptor| {
                descriptor.close();
            },
            |descriptor| {
                descriptor.close();
            },
            run,
        ],
    );
}

/// The frames that a thread has left are forgotten at its next call.
#[test]
fn a_call_that_was_left_keeps_the_number_until_the_next_one() {
    model(
        3,
        [close, |descriptor| {
            std::mem::forget(hazard::enter_from_outside(descriptor.key()));
            drop(hazard::enter_from_outside(1));
            // Nothing is kept while the thread lives on.
        }],
    );
}

/// Or when it ends.
#[test]
fn a_call_that_was_left_keeps_the_number_until_the_thread_ends() {
    model(3, [close, |descriptor| std::mem::forget(hazard::enter(descriptor.key()))]);
}

/// Another object takes the place of the one that was left.
#[test]
fn a_frame_goes_from_object_to_object() {
    model(
        3,
        [close, |descriptor| {
            run(descriptor);
            drop(hazard::enter(2));
        }],
    );
}

/// More objects than one record has room for.
#[test]
fn a_second_record_keeps_the_number() {
    model(
        3,
        [close, |descriptor| {
            let _others = [hazard::enter(2), hazard::enter(4)];
            run(descriptor);
        }],
    );
}

/// A record that another thread had before.
#[test]
fn a_record_goes_from_thread_to_thread() {
    explore(3, || {
        let shared = descriptor(NUMBER);
        let users = spawn(move || {
            spawn(move || run(shared)).join().unwrap();
            run(shared);
        });
        let closer = spawn(move || close(shared));
        users.join().unwrap();
        closer.join().unwrap();
        assert!(is_given_back(NUMBER), "the number was kept");
    });
}

/// What is off the stack of retired objects for a moment is not forgotten.
#[test]
fn two_numbers_are_collected_at_once() {
    explore(2, || {
        let (one, other) = (descriptor(NUMBER), descriptor(OTHER));
        let threads = [spawn(move || run(one)), spawn(move || run(other))];
        close(one);
        close(other);
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(is_given_back(NUMBER) && is_given_back(OTHER), "a number was kept");
    });
}
