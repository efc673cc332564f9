//! What threads share. `make check-loom` explores the interleavings of the code that takes it from
//! here: loom's types then stand in the place of std's, statics and thread locals belong to one run
//! of a model, and `sys::model` is the kernel.

#[cfg(loom)]
pub mod model;

#[cfg(loom)]
pub use loom::sync::atomic;
#[cfg(not(loom))]
pub use std::sync::atomic;

/// Statics, whose initial values loom cannot make at compile time.
#[cfg(not(loom))]
macro_rules! statics {
    ($($(#[$attribute:meta])* static $name:ident: $kind:ty = $value:expr;)*) => {
        $($(#[$attribute])* static $name: $kind = $value;)*
    };
}
#[cfg(loom)]
macro_rules! statics {
    ($($(#[$attribute:meta])* static $name:ident: $kind:ty = $value:expr;)*) => {
        loom::lazy_static! { $($(#[$attribute])* static ref $name: $kind = $value;)* }
    };
}
pub(crate) use statics;

/// The value of a static array.
#[cfg(not(loom))]
macro_rules! array {
    ($value:expr; $length:expr) => {
        [const { $value }; $length]
    };
}
#[cfg(loom)]
macro_rules! array {
    ($value:expr; $length:expr) => {
        std::array::from_fn::<_, { $length }, _>(|_| $value)
    };
}
pub(crate) use array;

/// Thread locals.
#[cfg(not(loom))]
macro_rules! locals {
    ($($local:tt)*) => {
        thread_local! { $($local)* }
    };
}
#[cfg(loom)]
macro_rules! locals {
    ($($(#[$attribute:meta])* static $name:ident: $kind:ty = const { $value:expr };)*) => {
        $($(#[$attribute])* static $name: $crate::sync::model::LocalKey<$kind> =
            $crate::sync::model::LocalKey { initial: || $value };)*
    };
}
pub(crate) use locals;
