//! ARP: which link address answers for an IPv4 address. In a hospital it is the one place where a device that speaks
//! nothing else still ties its MAC to its IP. This module reads Ethernet/IPv4 ARP only and believes nothing: whether a
//! claim may stand is for the observer to say. RFC 826, RFC 5227 (probe, announcement), RFC 5944 §4.6 (gratuitous).

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{parse, probe};

use model::MacAddr;
use std::net::Ipv4Addr;

/// Size of an ARP message for Ethernet and IPv4, in bytes; what follows in the frame is padding.
pub const MESSAGE_BYTES: usize = 28;

/// One ARP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// ar$op.
    pub operation: Operation,
    /// ar$sha: the link address the sender gives for itself.
    pub sender_mac: MacAddr,
    /// ar$spa: the IP address the sender gives for itself; 0.0.0.0 in a probe.
    pub sender_ip: Ipv4Addr,
    /// ar$tha: whom it is addressed to; meaningless in a request.
    pub target_mac: MacAddr,
    /// ar$tpa: the IP address asked for, or that of whoever asked.
    pub target_ip: Ipv4Addr,
}

/// ar$op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// 1: who has the target address?
    Request,
    /// 2: the sender has it.
    Reply,
    /// RARP, InARP and what else IANA lists: counted, never guessed.
    Other(u16),
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asks who has an address.
    Request,
    /// Answers that.
    Reply,
    /// A reply about oneself that nobody asked for (RFC 5944 §4.6): start-up, fail-over, or cache poisoning.
    Gratuitous,
    /// A request about oneself with a settled address (RFC 5227 §2.3).
    Announcement,
    /// A request without a sender address (RFC 5227 §2.1.1): is the target address still free?
    Probe,
    /// Any other operation.
    Other,
}

impl Message {
    /// What the message is for, by the addresses in it.
    pub fn kind(&self) -> Kind {
        let about_itself = self.sender_ip == self.target_ip;
        match self.operation {
            Operation::Request if self.sender_ip.is_unspecified() => Kind::Probe,
            Operation::Request if about_itself => Kind::Announcement,
            Operation::Request => Kind::Request,
            Operation::Reply if about_itself => Kind::Gratuitous,
            Operation::Reply => Kind::Reply,
            Operation::Other(_) => Kind::Other,
        }
    }
}

impl Kind {
    /// The verb under which it is counted; both ways of speaking about oneself unasked share one.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Reply => "REPLY",
            Self::Gratuitous | Self::Announcement => "GRATUITOUS",
            Self::Probe => "PROBE",
            Self::Other => "OTHER",
        }
    }
}
