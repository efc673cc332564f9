//! libacl_socket: the socket API of Allegro Common Lisp 9.0 behind a C ABI.
//!
//! How a byte travels, from the caller to the kernel; a layer calls downward only:
//!
//! - `capi` — the boundary, handles, argument structs and the condition: knows C, decides nothing;
//! - `stream` — buffers, chunks, characters and lines: knows bytes, not descriptors;
//! - `ssl` — OpenSSL: contexts, connections in steps that never wait, certificates;
//! - `socket` — making, accepting, options, datagrams, accessors: knows the kernel;
//! - `names` — hosts and ports; `address` — IP addresses: both know no socket;
//! - `hazard` — which objects each thread is inside of; over it `shared`, values that are read while they
//!   are replaced, and `kept`, what a waiting call owns;
//! - `late` — what is made at its first use; `error` — identifier, code and action: known by all;
//! - `sync` — what threads share; `sys` — the only system calls.

#![cfg_attr(loom, allow(dead_code, unused_imports))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod address;
pub mod capi;
pub mod error;
mod first_call;
mod hazard;
mod kept;
mod late;
pub mod names;
mod shared;
pub mod socket;
pub mod ssl;
pub mod stream;
mod sync;
mod sys;
