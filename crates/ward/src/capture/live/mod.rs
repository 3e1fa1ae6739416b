//! Listening on an interface: a mirror port that the sensor is plugged into.
//!
//! Never sends. Four walls stand behind each other: the code has no send path; the interface is refused when the system
//! itself could send on it; the process loses its privileges; and a system-call filter denies sending for good.
//! Linux only: packet(7), Documentation/networking/packet_mmap.rst.

#[cfg(target_os = "linux")]
mod interface;
#[cfg(target_os = "linux")]
mod netdevice;
#[cfg(target_os = "linux")]
mod privileges;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(target_os = "linux")]
mod seal;
#[cfg(target_os = "linux")]
mod socket;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
#[cfg(target_os = "linux")]
mod worker;

use super::{Capture, CaptureError};

/// Memory of the kernel's ring, in bytes over all workers: a second of 500 Mbit/s.
pub const RING_BYTES_DEFAULT: usize = 64 * 1024 * 1024;

/// Most workers that share an interface.
pub const WORKERS_MAX: usize = 64;

/// How to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// Take from the interface what could transmit: IPv6 off, addresses flushed, ARP off; then bring it up.
    pub prepare_interface: bool,
    /// Listen although the interface can transmit: a newcomer's laptop. Ward still sends nothing.
    pub own_interface: bool,
    /// Captures that share the traffic by flow, 1..=[`WORKERS_MAX`]; both directions of a flow go to one.
    pub workers: usize,
    /// Memory of the kernel's ring in bytes, over all workers; rounded to whole blocks.
    pub ring_bytes: usize,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { prepare_interface: false, own_interface: false, workers: 1, ring_bytes: RING_BYTES_DEFAULT }
    }
}

/// Opens an interface for listening, one [`Capture`] a worker, **and seals the process**: from here on no thread of it
/// can open, bind or connect a socket, send on any, or write to the capture's (EPERM), until it exits. Open
/// everything that must talk to the network before, or capture in a process of its own.
///
/// Call [`drop_privileges`] next. Refuses an interface that could transmit by itself unless
/// `LiveOptions::own_interface`; with `prepare_interface` changes it first (that stays so after Ward has gone).
pub fn open_live(name: &str, options: LiveOptions) -> Result<Vec<Box<dyn Capture>>, CaptureError> {
    #[cfg(target_os = "linux")]
    return worker::open(name, &options);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = options;
        Err(CaptureError::LiveNeedsLinux { interface: name.to_owned() })
    }
}

/// Whether [`open_live`] would open the interface now, without opening, changing or sealing anything.
pub fn check_live(name: &str, own_interface: bool) -> Result<(), CaptureError> {
    #[cfg(target_os = "linux")]
    return worker::check(name, own_interface);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = own_interface;
        Err(CaptureError::LiveNeedsLinux { interface: name.to_owned() })
    }
}

/// Gives up what opening the interface needed: all capabilities, and root for the user behind sudo (else `nobody`),
/// with no way back. Open captures go on working. Does nothing where there is nothing to give up.
///
/// Call from the only thread of the process: capabilities belong to threads. Verified afterwards over all threads;
/// an error means that the process still has them and should end.
pub fn drop_privileges() -> Result<(), CaptureError> {
    #[cfg(target_os = "linux")]
    return privileges::drop_all();
    #[cfg(not(target_os = "linux"))]
    Ok(())
}
