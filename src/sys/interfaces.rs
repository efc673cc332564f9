//! Network interfaces, by number and by name.

use super::Uncancelled;
use super::descriptor::last_errno;
use crate::error::Errno;
use std::ffi::{CStr, CString};

/// An interface of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its number, as after the `%` of a scoped address.
    pub id: u32,
    /// Its name.
    pub name: CString,
}

/// The number of the interface of that name.
pub fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    let _uncancelled = Uncancelled::begin();
    // SAFETY: the pointer is to a NUL-terminated string that outlives the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

/// All interfaces.
pub fn interfaces() -> Result<Vec<Interface>, Errno> {
    let _uncancelled = Uncancelled::begin();
    // SAFETY: the call takes nothing; its answer is read below and freed.
    let list = unsafe { libc::if_nameindex() };
    if list.is_null() {
        return Err(last_errno());
    }
    let mut found = Vec::new();
    let mut entry = list;
    // SAFETY: the list ends with an entry of index 0 and NULL name; each name before it is a
    // NUL-terminated string; nothing is used after if_freenameindex.
    unsafe {
        while (*entry).if_index != 0 && !(*entry).if_name.is_null() {
            found
                .push(Interface { id: (*entry).if_index, name: CStr::from_ptr((*entry).if_name).to_owned() });
            entry = entry.add(1);
        }
        libc::if_freenameindex(list);
    }
    Ok(found)
}
