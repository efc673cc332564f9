//! Names of sockets, to and from the kernel's `sockaddr`.

use crate::address::{IpAddress, Ipv6Address};
use socket2::SockAddr;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The longest file name a socket can have: `sun_path` less its final NUL.
pub const MAX_FILE_NAME: usize = 107;

/// The file name of a file socket; empty where the socket has none.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FileName(Box<[u8]>);

/// What a socket is called, by its address family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// An address and a port.
    Internet(IpAddress, u16),
    /// A file.
    File(FileName),
}

impl FileName {
    /// A name of 1 to 107 bytes without a NUL.
    pub fn new(bytes: &[u8]) -> Option<FileName> {
        let fits = (1..=MAX_FILE_NAME).contains(&bytes.len()) && !bytes.contains(&0);
        fits.then(|| FileName(bytes.into()))
    }

    /// The bytes of the name.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name as a path.
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

/// A name as the kernel takes it. It owns no memory.
#[derive(Debug)]
pub struct Address(pub(super) SockAddr);

impl Address {
    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        self.0.domain() == socket2::Domain::UNIX
    }

    /// The name that it is.
    pub fn name(&self) -> Option<Name> {
        Name::of_sockaddr(&self.0)
    }
}

impl Name {
    /// The name for the kernel.
    pub fn address(&self) -> Address {
        Address(self.to_sockaddr())
    }

    pub(super) fn to_sockaddr(&self) -> SockAddr {
        match self {
            Name::Internet(IpAddress::V4(bits), port) => {
                SocketAddrV4::new(Ipv4Addr::from_bits(*bits), *port).into()
            }
            Name::Internet(IpAddress::V6(v6), port) => {
                SocketAddrV6::new(Ipv6Addr::from(v6.octets), *port, 0, v6.scope_id).into()
            }
            Name::File(name) => SockAddr::unix(name.path()).unwrap_or_else(|_| unnamed()),
        }
    }

    /// `None` for an address of another family than internet and file.
    pub(super) fn of_sockaddr(address: &SockAddr) -> Option<Name> {
        if address.domain() == socket2::Domain::UNIX {
            return Some(Name::File(file_name(address)));
        }
        Some(match address.as_socket()? {
            SocketAddr::V4(v4) => Name::Internet(IpAddress::V4(v4.ip().to_bits()), v4.port()),
            SocketAddr::V6(v6) => {
                let address = Ipv6Address { octets: v6.ip().octets(), scope_id: v6.scope_id() };
                Name::Internet(IpAddress::V6(address), v6.port())
            }
        })
    }
}

/// Abstract names, which are no files, read as `@` and the name, as `ss` and `netstat` print them.
fn file_name(address: &SockAddr) -> FileName {
    if let Some(path) = address.as_pathname() {
        return FileName(path.as_os_str().as_bytes().into());
    }
    match address.as_abstract_namespace() {
        Some(name) => FileName([b"@", name].concat().into()),
        None => FileName::default(),
    }
}

fn unnamed() -> SockAddr {
    let mut storage = socket2::SockAddrStorage::zeroed();
    // SAFETY: a zeroed storage with this family and the length of the family alone is the kernel's
    // unnamed Unix address.
    unsafe {
        storage.view_as::<libc::sockaddr>().sa_family = libc::AF_UNIX as libc::sa_family_t;
        SockAddr::new(storage, size_of::<libc::sa_family_t>() as libc::socklen_t)
    }
}
