//! DHCPv6: how a device asks for an IPv6 address, with an identifier (DUID) that often carries a link address, a maker's
//! number or a UUID. This module must not decide whose message it is: relays wrap one message into another.
//! Standards: RFC 8415, 4649 (remote identifier), 4704 (FQDN), 6355 (DUID-UUID), 6939 (client link address), 8520 (MUD).

mod options;
mod parse;
#[cfg(test)]
mod tests;

pub use options::{Address, Duid, Options, Strings, VendorData, option};
pub use parse::{parse, probe};

use std::net::Ipv6Addr;

/// Relays that may wrap one message: HOP_COUNT_LIMIT of RFC 8415 §7.6.
pub const RELAY_DEPTH_MAX: usize = 8;
/// Options handed out of one message.
pub const OPTIONS_MAX: usize = 256;
/// Addresses handed out of one message, over all its identity associations.
pub const ADDRESSES_MAX: usize = 16;

/// One message, borrowed from the datagram it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is.
    pub kind: MessageType,
    /// What stands before the options.
    pub head: Head,
    options: &'a [u8],
}

/// The fixed part behind the message type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Between client and server (RFC 8415 §8).
    ClientServer {
        /// Transaction, 24 bits.
        transaction: u32,
    },
    /// Between relay and server (RFC 8415 §9).
    Relay {
        /// Relays passed before this one.
        hops: u8,
        /// An address on the client's link.
        link: Ipv6Addr,
        /// The client, or the relay nearer to it.
        peer: Ipv6Addr,
    },
}

impl<'a> Message<'a> {
    /// Its options, in order.
    pub const fn options(&self) -> Options<'a> {
        Options::new(self.options)
    }

    /// The first option with `code`.
    pub fn option(&self, code: u16) -> Option<&'a [u8]> {
        self.options().find(|&(found, _)| found == code).map(|(_, value)| value)
    }

    /// The message that a relay wrapped.
    pub fn relayed(&self) -> Option<Message<'a>> {
        match self.head {
            Head::Relay { .. } => parse::message(self.option(option::RELAY_MESSAGE)?).ok(),
            Head::ClientServer { .. } => None,
        }
    }

    /// This message and those wrapped in it, outermost first, at most [`RELAY_DEPTH_MAX`] wrappers.
    pub fn layers(&self) -> impl Iterator<Item = Message<'a>> + use<'a> {
        std::iter::successors(Some(*self), Message::relayed).take(RELAY_DEPTH_MAX + 1)
    }

    /// The client's identifier.
    pub fn client(&self) -> Option<Duid<'a>> {
        self.option(option::CLIENT_ID).and_then(Duid::new)
    }

    /// The addresses in its identity associations (IA_NA, IA_TA), at most [`ADDRESSES_MAX`].
    pub fn addresses(&self) -> impl Iterator<Item = Address> + use<'a> {
        self.options().flat_map(|(code, value)| options::association(code, value)).take(ADDRESSES_MAX)
    }
}

/// Message types (RFC 8415 §7.3; IANA).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// A client looks for servers.
    Solicit,
    /// A server offers.
    Advertise,
    /// A client asks for addresses.
    Request,
    /// A client asks whether its addresses still fit the link.
    Confirm,
    /// A client extends its leases with its server.
    Renew,
    /// A client extends its leases with any server.
    Rebind,
    /// A server grants or answers.
    Reply,
    /// A client gives addresses back.
    Release,
    /// A client found an address in use by another.
    Decline,
    /// A server tells a client to ask anew.
    Reconfigure,
    /// A client asks for settings only.
    InformationRequest,
    /// A relay passes a message on to a server.
    RelayForward,
    /// A server answers through a relay.
    RelayReply,
    /// Any other: counted, never guessed.
    Other(u8),
}

impl MessageType {
    const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Solicit,
            2 => Self::Advertise,
            3 => Self::Request,
            4 => Self::Confirm,
            5 => Self::Renew,
            6 => Self::Rebind,
            7 => Self::Reply,
            8 => Self::Release,
            9 => Self::Decline,
            10 => Self::Reconfigure,
            11 => Self::InformationRequest,
            12 => Self::RelayForward,
            13 => Self::RelayReply,
            other => Self::Other(other),
        }
    }

    /// One that only clients send.
    pub const fn is_of_client(self) -> bool {
        matches!(
            self,
            Self::Solicit
                | Self::Request
                | Self::Confirm
                | Self::Renew
                | Self::Rebind
                | Self::Release
                | Self::Decline
                | Self::InformationRequest
        )
    }

    /// One that only servers send.
    pub const fn is_of_server(self) -> bool {
        matches!(self, Self::Advertise | Self::Reply | Self::Reconfigure)
    }

    /// The verb under which it is counted.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Solicit => "SOLICIT",
            Self::Advertise => "ADVERTISE",
            Self::Request => "REQUEST",
            Self::Confirm => "CONFIRM",
            Self::Renew => "RENEW",
            Self::Rebind => "REBIND",
            Self::Reply => "REPLY",
            Self::Release => "RELEASE",
            Self::Decline => "DECLINE",
            Self::Reconfigure => "RECONFIGURE",
            Self::InformationRequest => "INFORMATION-REQUEST",
            Self::RelayForward => "RELAY-FORW",
            Self::RelayReply => "RELAY-REPL",
            Self::Other(_) => "OTHER",
        }
    }
}
