//! The only system calls, and below `capi/` the only `unsafe`. Every function here is safe to
//! call, retries what a signal interrupted, and answers the raw errno. Nothing here raises SIGPIPE,
//! and every descriptor made here is close-on-exec from its first instant.

#![allow(unsafe_code)]

mod address;
mod descriptor;
mod futex;
mod interfaces;
mod md5;
mod message;
mod openssl;
mod options;
pub mod process;
mod resolver;
mod stack;

pub use address::{FileName, MAX_FILE_NAME, Name};
pub use descriptor::{
    Fd, FileIdentity, accept, adopt, bind, connect, file_identity, is_readable, listen, local_name, nature,
    replace_by_dead, set_nonblocking, shutdown, socket, unlink_if_same, wait_readable,
};
pub use futex::{wait_while, wake_one};
pub use interfaces::{Interface, interface_index, interfaces};
pub use md5::{MAX_MD5_KEY, set_md5_key};
pub use message::{Wait, arrived, receive, receive_from, receive_split, send, send_to};
pub use openssl::openssl_version;
pub use options::{Switch, set_number, set_switch};
pub use resolver::{Families, Lookup, host_addresses, host_name, service_port};
pub use stack::Stack;
