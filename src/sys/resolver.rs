//! The resolver of the C library.

use super::descriptor::last_errno;
use super::{Name, Uncancelled};
use crate::address::IpAddress;
use crate::error::Errno;
use socket2::SockAddr;
use std::ffi::{CStr, CString};
use std::ptr;

/// Which addresses of a host are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// Both.
    Both,
}

/// Why a look-up has no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup {
    /// There is no such name.
    NotFound,
    /// It has no address of the family.
    NoData,
    /// No name server answered.
    Again,
    /// The system failed.
    System(Errno),
    /// The resolver's own words, for everything else.
    Failed(String),
}

/// The addresses of a host, in the resolver's order, each once.
pub fn host_addresses(host: &str, families: Families) -> Result<Vec<IpAddress>, Lookup> {
    let family = match families {
        Families::V4 => libc::AF_INET,
        Families::V6 => libc::AF_INET6,
        Families::Both => libc::AF_UNSPEC,
    };
    let mut addresses = Vec::new();
    for name in look_up(Some(host), None, family, libc::SOCK_STREAM)? {
        if let Name::Internet(address, _) = name
            && !addresses.contains(&address)
        {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// The number of a service.
pub fn service_port(service: &str, stream: bool) -> Result<u16, Lookup> {
    let kind = if stream { libc::SOCK_STREAM } else { libc::SOCK_DGRAM };
    let names = look_up(None, Some(service), libc::AF_INET, kind)?;
    names
        .iter()
        .find_map(|name| match name {
            Name::Internet(_, port) => Some(*port),
            Name::File(_) => None,
        })
        .ok_or(Lookup::NotFound)
}

fn look_up(
    host: Option<&str>,
    service: Option<&str>,
    family: libc::c_int,
    kind: libc::c_int,
) -> Result<Vec<Name>, Lookup> {
    let c_text = |text: Option<&str>| text.map(CString::new).transpose();
    let (Ok(host), Ok(service)) = (c_text(host), c_text(service)) else {
        return Err(Lookup::NotFound);
    };
    let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    // SAFETY: all bytes zero is a valid addrinfo.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_family = family;
    hints.ai_socktype = kind;
    let mut list = ptr::null_mut();
    let _uncancelled = Uncancelled::begin();
    // SAFETY: the texts are NUL-terminated or NULL, not both NULL, and outlive the call.
    let status =
        unsafe { libc::getaddrinfo(pointer(&host), pointer(&service), &raw const hints, &raw mut list) };
    if status != 0 {
        return Err(failure(status));
    }
    let mut names = Vec::new();
    let mut entry = list;
    // SAFETY: the list is the kernel's answer: linked by ai_next up to NULL, each address valid
    // for ai_addrlen bytes; nothing is used after freeaddrinfo.
    unsafe {
        while let Some(info) = entry.as_ref() {
            let length = info.ai_addrlen;
            let address = SockAddr::try_init(|storage, room| {
                storage.cast::<u8>().copy_from_nonoverlapping(info.ai_addr.cast(), length as usize);
                *room = length;
                Ok(())
            });
            names.extend(address.ok().and_then(|((), address)| Name::of_sockaddr(&address)));
            entry = info.ai_next;
        }
        libc::freeaddrinfo(list);
    }
    Ok(names)
}

/// The name of a host; `None` where no name is recorded for the address.
pub fn host_name(address: IpAddress) -> Result<Option<String>, Lookup> {
    let name = Name::Internet(address, 0).to_sockaddr();
    let mut host: [libc::c_char; libc::NI_MAXHOST as usize] = [0; libc::NI_MAXHOST as usize];
    let _uncancelled = Uncancelled::begin();
    // SAFETY: the pointers and lengths describe `name` and `host`.
    let status = unsafe {
        libc::getnameinfo(
            name.as_ptr().cast(),
            name.len(),
            host.as_mut_ptr(),
            libc::NI_MAXHOST,
            ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    match status {
        // SAFETY: getnameinfo stored a NUL-terminated name.
        0 => Ok(Some(unsafe { CStr::from_ptr(host.as_ptr()) }.to_string_lossy().into_owned())),
        libc::EAI_NONAME => Ok(None),
        status => Err(failure(status)),
    }
}

fn failure(status: libc::c_int) -> Lookup {
    match status {
        libc::EAI_NONAME | libc::EAI_SERVICE => Lookup::NotFound,
        libc::EAI_NODATA => Lookup::NoData,
        libc::EAI_AGAIN => Lookup::Again,
        libc::EAI_SYSTEM => Lookup::System(last_errno()),
        status => {
            // SAFETY: gai_strerror answers a NUL-terminated text of static life.
            let text = unsafe { CStr::from_ptr(libc::gai_strerror(status)) };
            Lookup::Failed(text.to_string_lossy().into_owned())
        }
    }
}
