//! What messages tell about the endpoints that sent them: one file per protocol.
//!
//! A datagram protocol is a function `datagram(cx, payload) -> Datagram`. A stream protocol is a type that implements
//! [`Stream`]; it is fed the bytes of each direction in order and keeps only what it needs between messages. Both speak
//! through a [`Context`]. An observer states what the wire says; what it means for a device is for `judge`.

mod context;
mod value;
mod verbs;

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
pub mod llmnr;
pub mod mdns;
pub mod mqtt;
pub mod nbns;
pub mod ntp;
pub mod smb;
pub mod snmp;
pub mod ssdp;
pub mod ssh;
pub mod template;
#[cfg(test)]
pub(crate) mod testing;
pub mod tls;
pub mod wsdiscovery;

pub use context::{Context, Party, Side};
pub use verbs::VerbCounts;

use model::{Protocol, UnparsedReason};

/// An observer's answer to a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datagram {
    /// Read and counted.
    Read,
    /// Ours by its shape, but it breaks the standard or a bound.
    Broken(UnparsedReason),
    /// Not this protocol after all: another observer may try.
    NotOurs,
}

/// A stream observer's answer to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// This many bytes are dealt with, at least 1. More than were given means: skip the rest of the message unseen.
    Took(usize),
    /// Nothing dealt with yet; call again when this many bytes are at hand, counted from the same place.
    Need(usize),
    /// No need to see more of this conversation: what follows is encrypted or bulk. Never for a protocol whose
    /// messages are counted by verb (HL7, DICOM, MQTT, OT).
    Enough,
    /// These bytes break the standard or a bound; the feeder counts it and tries again at a later segment.
    Broken(UnparsedReason),
}

/// A conversation over TCP, as one protocol sees it.
///
/// Contract: `take` is called with bytes of one direction in stream order, never with a gap inside; bytes it did not take
/// are given again, with more behind them, up to [`CARRY_BYTES_MAX`]. It must not allocate in proportion to a length field.
pub trait Stream {
    /// Deals with the bytes at the front of what `side` sent.
    fn take(&mut self, cx: &mut Context<'_>, side: Side, input: &[u8]) -> Step;

    /// Bytes of `side` are missing; what comes next starts at an unknown place. Forget what hung in the air.
    fn gap(&mut self, side: Side) {
        let _ = side;
    }

    /// Whether bytes after a gap (or the start of a capture in mid-stream) begin a message, so that reading may resume.
    fn resumes(&self, side: Side, head: &[u8]) -> bool {
        let _ = (side, head);
        false
    }
}

/// Most bytes of one direction that are kept because a message is not whole yet.
pub const CARRY_BYTES_MAX: usize = 64 * 1024;

/// A protocol directly on the link.
pub(crate) struct LinkProtocol {
    pub(crate) protocol: Protocol,
    pub(crate) frame: fn(&mut Context<'_>, &[u8]) -> Datagram,
}

/// Who reads a link protocol, by EtherType or SNAP number.
pub(crate) fn link(ethertype: u16) -> Option<LinkProtocol> {
    let (protocol, frame): (_, fn(&mut Context<'_>, &[u8]) -> Datagram) = match ethertype {
        0x0806 => (Protocol::Arp, arp::frame),
        0x88cc => (Protocol::Lldp, lldp::frame),
        0x2000 => (Protocol::Cdp, cdp::frame),
        _ => return None,
    };
    Some(LinkProtocol { protocol, frame })
}
