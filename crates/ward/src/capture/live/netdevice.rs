//! What the system knows of an interface, and how it is told to be silent: netdevice(7), getifaddrs(3).
//! Control requests only. Nothing here touches a frame.
#![expect(
    unsafe_code,
    reason = "interface requests have no safe interface; every call here states why it is sound"
)]

use std::ffi::{CStr, CString, c_int};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InterfaceAddress {
    /// The interface's name, or for IPv4 a label that starts with it (`eth0:1`).
    pub(super) label: String,
    pub(super) address: IpAddr,
}

/// The number of an interface, if it exists.
pub(super) fn number(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` is a C string that outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => None,
        number => Some(number),
    }
}

/// The names of all interfaces.
pub(super) fn names() -> Vec<String> {
    let mut names = Vec::new();
    // SAFETY: the list ends with an entry whose name is null, and is freed once, after the last use.
    unsafe {
        let list = libc::if_nameindex();
        let mut entry = list;
        while !entry.is_null() && !(*entry).if_name.is_null() {
            names.push(CStr::from_ptr((*entry).if_name).to_string_lossy().into_owned());
            entry = entry.add(1);
        }
        if !list.is_null() {
            libc::if_freenameindex(list);
        }
    }
    names
}

/// All addresses of all interfaces.
pub(super) fn addresses() -> io::Result<Vec<InterfaceAddress>> {
    let mut found = Vec::new();
    let mut list = std::ptr::null_mut();
    // SAFETY: getifaddrs fills `list` with a linked list that is valid until it is freed, once, after the last use.
    unsafe {
        if libc::getifaddrs(&raw mut list) < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut entry: *const libc::ifaddrs = list;
        while let Some(interface) = entry.as_ref() {
            if let Some(address) = ip_address(interface.ifa_addr) {
                let label = CStr::from_ptr(interface.ifa_name).to_string_lossy().into_owned();
                found.push(InterfaceAddress { label, address });
            }
            entry = interface.ifa_next;
        }
        libc::freeifaddrs(list);
    }
    Ok(found)
}

/// SAFETY: `address` is null or points at a socket address that is as long as its family says.
unsafe fn ip_address(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: by the caller's promise; reads are unaligned-safe.
    unsafe {
        match c_int::from(address.as_ref()?.sa_family) {
            libc::AF_INET => {
                let v4 = address.cast::<libc::sockaddr_in>().read_unaligned();
                Some(Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr)).into())
            }
            libc::AF_INET6 => {
                let v6 = address.cast::<libc::sockaddr_in6>().read_unaligned();
                Some(Ipv6Addr::from(v6.sin6_addr.s6_addr).into())
            }
            _ => None,
        }
    }
}

/// A socket that carries interface requests and nothing else.
#[derive(Debug)]
pub(super) struct Control {
    descriptor: OwnedFd,
}

impl Control {
    pub(super) fn open() -> io::Result<Self> {
        // SAFETY: no pointers; the result is checked before it is used.
        let raw = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `raw` was just opened and nobody else has it.
        Ok(Self { descriptor: unsafe { OwnedFd::from_raw_fd(raw) } })
    }

    /// IFF_ flags.
    pub(super) fn flags(&self, name: &str) -> io::Result<i32> {
        let mut request = request(name)?;
        self.ask(libc::SIOCGIFFLAGS as libc::c_ulong, &mut request)?;
        // SAFETY: the kernel filled the flags.
        Ok(i32::from(unsafe { request.ifr_ifru.ifru_flags }) & 0xFFFF)
    }

    pub(super) fn set_flags(&self, name: &str, flags: i32) -> io::Result<()> {
        let mut request = request(name)?;
        request.ifr_ifru.ifru_flags = flags as i16;
        self.ask(libc::SIOCSIFFLAGS as libc::c_ulong, &mut request)
    }

    /// ARPHRD_ number: how its frames begin.
    pub(super) fn hardware(&self, name: &str) -> io::Result<u16> {
        let mut request = request(name)?;
        self.ask(libc::SIOCGIFHWADDR as libc::c_ulong, &mut request)?;
        // SAFETY: the kernel filled the hardware address.
        Ok(unsafe { request.ifr_ifru.ifru_hwaddr.sa_family })
    }

    /// Removes the first IPv4 address with this label: setting 0.0.0.0 does that (devinet.c, SIOCSIFADDR).
    pub(super) fn remove_ipv4(&self, label: &str) -> io::Result<()> {
        let mut request = request(label)?;
        // SAFETY: all-zero is a valid sockaddr: family and address 0.0.0.0 with port 0.
        let mut nothing: libc::sockaddr = unsafe { std::mem::zeroed() };
        nothing.sa_family = libc::AF_INET as u16;
        request.ifr_ifru.ifru_addr = nothing;
        self.ask(libc::SIOCSIFADDR as libc::c_ulong, &mut request)
    }

    fn ask(&self, what: libc::c_ulong, request: &mut libc::ifreq) -> io::Result<()> {
        // SAFETY: `request` is a whole ifreq, all these requests read and write one, and it outlives the call.
        let result = unsafe { libc::ioctl(self.descriptor.as_raw_fd(), what as _, &raw mut *request) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// A request about the interface `name`.
fn request(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: all-zero is a valid ifreq: an empty name and no value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays the terminator.
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    Ok(request)
}
