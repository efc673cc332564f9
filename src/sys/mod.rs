//! The only system calls, and below `capi/` the only `unsafe`. Every function here is safe to
//! call, retries what a signal interrupted, and answers the raw errno. Nothing here raises SIGPIPE,
//! and every descriptor made here is close-on-exec from its first instant.

#![allow(unsafe_code)]

mod address;
mod batch;
mod configuration_file;
mod descriptor;
mod epoll;
mod file;
mod futex;
mod interfaces;
mod md5;
mod memory;
mod message;
#[cfg(loom)]
pub mod model;
mod note;
mod options;
pub mod process;
mod resolver;
mod signals;
mod stack;
mod threads;
mod time;

pub use address::{Address, FileName, MAX_FILE_NAME, Name};
pub use batch::{Inbox, Inflow, Outbox, cannot_cut, cuts_messages, gather_received};
pub use configuration_file::{FileStamp, file_stamp, read_configuration};
pub use descriptor::{
    Closing, Fd, FileIdentity, accept, adopt, begin_connect, bind, connect, connected, disconnect,
    file_identity, is_readable, listen, local_name, nature, set_nonblocking, socket, unlink_if_same,
    wait_readable,
};
pub use epoll::{Happened, Happenings, doorbell, epoll, ring, silence, unwatch, watch};
pub use file::{may_wait, read_file, send_file, wait_for_source};
pub use interfaces::{Interface, interface_index, interfaces};
pub use md5::{MAX_MD5_KEY, set_md5_key};
pub use memory::position;
pub use message::{Wait, arrived, receive, receive_from, receive_into, receive_split, send, send_to};
pub use note::{Note, send_gathered_noted, send_noted};
pub use options::{Switch, set_number, set_switch};
pub use resolver::{Families, Lookup, host_addresses, host_name, service_port};
pub use signals::{are_held, hold, leaving_is_exact, make_leaving_exact, not_left};
pub use stack::Stack;
pub use threads::{Doing, Uncancelled, now, now_with_sleep, polled, stack_pointer, thread_pointer};
pub use time::{Ready, poll_all, set_timeout, sleep, wait_for};

// What models have a kernel of their own for.
#[cfg(loom)]
pub use model::{
    doing, forget_thread_id, processor_time, replace_by_dead, shutdown, thread_id, wait_while, wake_one,
};
#[cfg(not(loom))]
pub use {
    descriptor::{replace_by_dead, shutdown},
    futex::{wait_while, wake_one},
    threads::{doing, forget_thread_id, processor_time, thread_id},
};
