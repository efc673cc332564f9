//! The C ABI: boundary, handles, argument structs and the condition. It knows C and decides
//! nothing. The modules stand in the order of the manual; `include/acl_socket.h` is made of them.

#![allow(unsafe_code, non_camel_case_types)]

mod errors;
mod addresses;
mod names;
mod dns_responses;
mod dns;
mod dns_settings;
mod make_socket;
mod connections;
mod reading;
mod writing;
mod formats;
mod chunking;
mod datagrams;
mod waiting;
mod ssl_contexts;
mod ssl;
mod certificates;
mod accessors;
mod variables;

mod arguments;
mod boundary;
mod condition;
mod handle;
#[cfg(loom)]
mod handle_model;

pub use accessors::*;
pub use addresses::*;
pub use certificates::*;
pub use chunking::*;
pub use connections::*;
pub use datagrams::*;
pub use dns::*;
pub use dns_responses::*;
pub use dns_settings::*;
pub use errors::*;
pub use formats::*;
pub use make_socket::*;
pub use names::*;
pub use reading::*;
pub use ssl::*;
pub use ssl_contexts::*;
pub use variables::*;
pub use waiting::*;
pub use writing::*;
