//! The seal: a system-call filter (seccomp(2)) under which this process cannot send, whatever bytes make its parsers do.
//!
//! Denied with EPERM, everything else allowed, for all threads and for good: whatever sends on a socket or brings a new
//! one to sending; asynchronous submission, which goes around this filter; reaching into other processes; and on the
//! packet sockets themselves every write, duplication and change.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

use super::super::CaptureError;

/// Denied on every descriptor.
const DENIED: &[libc::c_long] = &[
    // Sending.
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    // New sockets and new peers.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Submitted work runs outside this filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_setup,
    libc::SYS_io_submit,
    // Having another process do it, or taking its descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_setns,
    libc::SYS_bpf,
];

/// Denied when the argument with this number is a packet socket.
const DENIED_ON_PACKET_SOCKETS: &[(libc::c_long, u8)] = &[
    (libc::SYS_write, 0),
    (libc::SYS_writev, 0),
    (libc::SYS_pwrite64, 0),
    (libc::SYS_pwritev, 0),
    (libc::SYS_pwritev2, 0),
    (libc::SYS_sendfile, 0),
    (libc::SYS_splice, 2),
    // A copy under another number, or handed to a child.
    (libc::SYS_dup, 0),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_dup2, 0),
    (libc::SYS_dup3, 0),
    (libc::SYS_fcntl, 0),
    // A transmit ring, another interface, the interface's flags.
    (libc::SYS_setsockopt, 0),
    (libc::SYS_ioctl, 0),
];

/// Seals the process; `packet_sockets` are its captures' descriptors.
pub(super) fn deny_sending(packet_sockets: &[RawFd]) -> Result<(), CaptureError> {
    let failed = |error: seccompiler::Error| CaptureError::System {
        interface: "this process".to_owned(),
        doing: "sealing against sending",
        source: std::io::Error::other(error),
        way_out: "a kernel with seccomp filters on x86-64, AArch64 or RISC-V is needed",
    };
    if let Some(foreign) = foreign_numbers() {
        apply_filter_all_threads(&foreign).map_err(failed)?;
    }
    let program = filter(packet_sockets).map_err(|error| failed(error.into()))?;
    apply_filter_all_threads(&program).map_err(failed)
}

fn filter(packet_sockets: &[RawFd]) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = DENIED.iter().map(|&call| (call, Vec::new())).collect();
    // A call without conditions would be denied on every descriptor.
    let on_packet_sockets = if packet_sockets.is_empty() { &[] } else { DENIED_ON_PACKET_SOCKETS };
    for &(call, argument) in on_packet_sockets {
        let on_each = packet_sockets.iter().map(|&socket| on(argument, socket));
        rules.insert(call, on_each.collect::<Result<_, _>>()?);
    }
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, denied, architecture)?.try_into()
}

/// Descriptors are 32 bits: the kernel ignores what stands above them, so the filter must, too.
fn on(argument: u8, socket: RawFd) -> Result<SeccompRule, BackendError> {
    let number = u64::from(socket.cast_unsigned());
    SeccompRule::new(vec![SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        number,
    )?])
}

/// On x86-64 the x32 numbers name the same calls over again, from 2³⁰ up: none of them.
#[cfg(target_arch = "x86_64")]
fn foreign_numbers() -> Option<BpfProgram> {
    use seccompiler::sock_filter;
    const X32_BIT: u32 = 0x4000_0000;
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    Some(vec![
        sock_filter { code: LOAD_NUMBER, jt: 0, jf: 0, k: 0 },
        sock_filter { code: JUMP_IF_AT_LEAST, jt: 0, jf: 1, k: X32_BIT },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: u32::from(SeccompAction::Errno(libc::EPERM as u32)) },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: u32::from(SeccompAction::Allow) },
    ])
}

#[cfg(not(target_arch = "x86_64"))]
fn foreign_numbers() -> Option<BpfProgram> {
    None
}
