//! Bytes ⇄ messages: one folder per protocol, all alike.
//!
//! ```text
//! wire/src/<protocol>/mod.rs     what the protocol is, its limits, its message types, its probe
//! wire/src/<protocol>/parse.rs   bytes → message; total: no panic, no unbounded work, no allocation from a length field
//! wire/src/<protocol>/tests.rs   what it must read, what it must refuse, every prefix of a valid message
//! ```
//!
//! No I/O, no clock, no state between calls: a parser sees the bytes it is given and borrows from them. What a message
//! *means* for a device is said in `sense/src/observe/<protocol>.rs`. Patient data leaves a parser only as [`model::Phi`].
//! To add a protocol: `cargo xtask new-protocol <name>` copies [`template`] and lists what else is due
//! (docs/guides/add-a-protocol.md).

mod error;
mod framing;
mod reader;

pub mod arp;
pub mod cdp;
pub mod dhcpv4;
pub mod dhcpv6;
pub mod dicom;
pub mod dns;
pub mod hl7v2;
pub mod http;
pub mod icmp;
pub mod lldp;
pub mod mqtt;
pub mod nbns;
pub mod ntp;
pub mod smb;
pub mod snmp;
pub mod ssdp;
pub mod ssh;
pub mod template;
pub mod tls;
pub mod wsdiscovery;

pub use error::Error;
pub use framing::{Framed, Probe};
pub use reader::Reader;
