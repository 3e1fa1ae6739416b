//! DHCPv4: how a device asks for its address, and the best passive evidence of what a generic device is (vendor class,
//! parameter list, host name). This module must not decide whose message it is: a relay or a server may have sent it.
//! Standards: RFC 2131, 2132 (options), 3004 (user class), 3046 (relay agent), 3396, 3925 (vendor), 4702 (FQDN).

mod options;
mod parse;
#[cfg(test)]
mod tests;

pub use options::{Fqdn, Options, SubOptions, UserClasses, Vendors, option, relay_option};
pub use parse::{parse, probe};

use options::OptionFields;
use std::net::Ipv4Addr;

/// Bytes before the options: the BOOTP fields and the magic cookie.
pub const HEADER_BYTES: usize = 240;
/// Options handed out of one message; an empty one takes two bytes, so a full datagram could hold thousands.
pub const OPTIONS_MAX: usize = 512;

/// One message, borrowed from the datagram it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// From a client or to one.
    pub op: Op,
    /// Hardware type of the client (1 is Ethernet).
    pub htype: u8,
    /// Length of its hardware address.
    pub hlen: u8,
    /// Relays passed.
    pub hops: u8,
    /// Transaction.
    pub xid: u32,
    /// Address the client already uses.
    pub ciaddr: Ipv4Addr,
    /// Address the server gives.
    pub yiaddr: Ipv4Addr,
    /// Relay that speaks for the client; 0.0.0.0 when there is none.
    pub giaddr: Ipv4Addr,
    /// Hardware address of the client, `hlen` bytes of it.
    pub chaddr: [u8; 16],
    /// What the message type option says; `None` for plain BOOTP.
    pub kind: Option<MessageType>,
    fields: OptionFields<'a>,
}

impl<'a> Message<'a> {
    /// All options in the order of RFC 2131 §4.1: the options field, then `file`, then `sname` where overloaded.
    pub const fn options(&self) -> Options<'a> {
        Options::new(&self.fields)
    }

    /// The first option with `code`. Options split by RFC 3396 are not put together: the first part is given.
    pub fn option(&self, code: u8) -> Option<&'a [u8]> {
        self.options().find(|&(found, _)| found == code).map(|(_, value)| value)
    }

    /// An option that is one IPv4 address.
    pub fn address_option(&self, code: u8) -> Option<Ipv4Addr> {
        let octets: [u8; 4] = self.option(code)?.try_into().ok()?;
        Some(octets.into())
    }

    /// The client's Ethernet address, where `chaddr` holds one.
    pub const fn ethernet(&self) -> Option<[u8; 6]> {
        let [a, b, c, d, e, f, ..] = self.chaddr;
        match (self.htype, self.hlen) {
            (1, 6) => Some([a, b, c, d, e, f]),
            _ => None,
        }
    }

    /// The verb under which it is counted.
    pub const fn verb(&self) -> &'static str {
        match (self.kind, self.op) {
            (Some(kind), _) => kind.verb(),
            (None, Op::Request) => "BOOTREQUEST",
            (None, Op::Reply) => "BOOTREPLY",
        }
    }
}

/// Direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// BOOTREQUEST: from a client, perhaps through a relay.
    Request,
    /// BOOTREPLY: to a client.
    Reply,
}

/// DHCP message types (RFC 2132 §9.6; IANA).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// A client looks for servers.
    Discover,
    /// A server offers an address.
    Offer,
    /// A client asks for an address, or to keep it.
    Request,
    /// A client found its address in use by another.
    Decline,
    /// A server grants.
    Ack,
    /// A server refuses.
    Nak,
    /// A client gives its address back.
    Release,
    /// A client with an address asks for settings only.
    Inform,
    /// Any other: counted, never guessed.
    Other(u8),
}

impl MessageType {
    const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Discover,
            2 => Self::Offer,
            3 => Self::Request,
            4 => Self::Decline,
            5 => Self::Ack,
            6 => Self::Nak,
            7 => Self::Release,
            8 => Self::Inform,
            other => Self::Other(other),
        }
    }

    /// The verb under which it is counted.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Discover => "DISCOVER",
            Self::Offer => "OFFER",
            Self::Request => "REQUEST",
            Self::Decline => "DECLINE",
            Self::Ack => "ACK",
            Self::Nak => "NAK",
            Self::Release => "RELEASE",
            Self::Inform => "INFORM",
            Self::Other(_) => "OTHER",
        }
    }
}
