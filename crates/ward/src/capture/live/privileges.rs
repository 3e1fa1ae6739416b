//! Giving up the rights that opening the interface needed: capabilities(7), credentials(7), no_new_privs.
//! One way only, and verified: a sensor that reads hostile bytes must not be root while it does.
#![expect(unsafe_code, reason = "credentials have no safe interface; every call here states why it is sound")]

use std::ffi::c_int;
use std::fs;
use std::io;

use super::super::CaptureError;

/// `nobody` and `nogroup` wherever they are not renumbered.
const NOBODY: u32 = 65_534;

/// `_LINUX_CAPABILITY_VERSION_3`: two words of each set.
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: c_int,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct CapabilitySets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Gives everything up, then looks whether it is gone in every thread.
pub(super) fn drop_all() -> Result<(), CaptureError> {
    no_new_privileges().map_err(|error| failed("giving up the way back to privileges", error))?;
    // SAFETY: no arguments, cannot fail.
    if unsafe { libc::geteuid() } == 0 {
        become_user().map_err(|error| failed("becoming an ordinary user", error))?;
    }
    drop_capabilities().map_err(|error| failed("dropping capabilities", error))?;
    verify().map_err(|error| failed("verifying that privileges are gone", error))
}

/// No program started from here gains rights again.
fn no_new_privileges() -> io::Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })
}

/// The person behind sudo, so that reports belong to them; else nobody. In this order: each step needs the next one's
/// right. The C library applies them to every thread.
fn become_user() -> io::Result<()> {
    let (user, group) = user_behind_sudo().unwrap_or((NOBODY, NOBODY));
    // SAFETY: an empty list is allowed with a null pointer.
    check(unsafe { libc::setgroups(0, std::ptr::null()) })?;
    // SAFETY: takes numbers only.
    check(unsafe { libc::setresgid(group, group, group) })?;
    // SAFETY: takes numbers only.
    check(unsafe { libc::setresuid(user, user, user) })
}

fn user_behind_sudo() -> Option<(u32, u32)> {
    let number = |name| std::env::var(name).ok()?.parse().ok().filter(|&id: &u32| id != 0);
    Some((number("SUDO_UID")?, number("SUDO_GID")?))
}

/// Of this thread; later threads inherit it.
fn drop_capabilities() -> io::Result<()> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION_3, pid: 0 };
    let nothing = [CapabilitySets { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: header and both sets are laid out as linux/capability.h has them for version 3, and outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, nothing.as_ptr()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Reads back, for every thread, that no capability and no root is left.
fn verify() -> io::Result<()> {
    for task in fs::read_dir("/proc/self/task")? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        if let Some(left) = privileges_left(&status) {
            return Err(io::Error::other(format!("a thread still has {left}")));
        }
    }
    Ok(())
}

/// The line of /proc/PID/status that shows a privilege, if any does.
fn privileges_left(status: &str) -> Option<&str> {
    status.lines().find(|line| {
        let mut fields = line.split_whitespace();
        match fields.next() {
            Some("Uid:" | "Gid:") => fields.any(|id| id == "0"),
            Some("CapInh:" | "CapPrm:" | "CapEff:" | "CapAmb:") => {
                fields.any(|set| set.bytes().any(|digit| digit != b'0'))
            }
            _ => false,
        }
    })
}

fn check(result: c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn failed(doing: &'static str, source: io::Error) -> CaptureError {
    CaptureError::System {
        interface: "this process".to_owned(),
        doing,
        source,
        way_out: "privileges are dropped from the only thread of a process, with /proc mounted",
    }
}

#[cfg(test)]
mod tests {
    use super::privileges_left;

    #[test]
    fn a_status_without_privileges_passes() {
        let status = "Name:\tward\nUid:\t1000\t1000\t1000\t1000\nGid:\t100\t100\t100\t100\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n";
        assert_eq!(privileges_left(status), None);
    }

    #[test]
    fn one_capability_or_one_root_id_is_found() {
        assert_eq!(privileges_left("CapPrm:\t0000000000002000\n"), Some("CapPrm:\t0000000000002000"));
        assert_eq!(privileges_left("Uid:\t1000\t0\t1000\t1000\n"), Some("Uid:\t1000\t0\t1000\t1000"));
    }
}
