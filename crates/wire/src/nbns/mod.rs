//! NetBIOS over UDP: the name service (port 137) and the datagram service (138) with its browser announcements. Older
//! Windows-based modalities and workstations tell here their name, domain, version and link address. This module must
//! not hand out what applications send over the datagram service.
//! Standards: RFC 1001, RFC 1002; [MS-BRWS] and [MS-NBTE] for what Windows made of them.

mod browser;
mod name;
mod parse;
#[cfg(test)]
mod tests;

pub use browser::{Announcement, Browser, ServerType};
pub use name::NetbiosName;
pub use parse::{parse, probe};

use std::net::Ipv4Addr;

/// Addresses handed out of one resource record (a multihomed host or a group may have several).
pub const ADDRESSES_MAX: usize = 32;
/// Names in a node status reply: their number is one byte (RFC 1002 §4.2.18).
pub const NODE_NAMES_MAX: usize = 255;

/// One message of either service. They cannot be confused: where one has a name's length, the other has its letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Name service.
    NameService(NameService<'a>),
    /// Datagram service.
    DatagramService(DatagramService<'a>),
}

impl Message<'_> {
    /// The verb under which it is counted.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::NameService(message) => message.verb(),
            Self::DatagramService(message) => message.verb(),
        }
    }
}

/// A message of the name service (RFC 1002 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameService<'a> {
    /// Pairs replies with requests.
    pub transaction: u16,
    /// What is done.
    pub operation: Operation,
    /// A reply.
    pub is_response: bool,
    /// RA: the replier is a NetBIOS name server (WINS), not an end node.
    pub from_name_server: bool,
    /// RCODE; 0 is success.
    pub rcode: u8,
    /// The name that it is about.
    pub name: NetbiosName,
    /// Asks for or tells the status of a node, not of a name.
    pub is_node_status: bool,
    /// Data of the first resource record that is about `name`.
    data: &'a [u8],
}

impl<'a> NameService<'a> {
    /// The owners of `name` that the record lists.
    pub fn owners(&self) -> impl Iterator<Item = Owner> + use<'a> {
        let data = if self.is_node_status { &[] } else { self.data };
        data.chunks_exact(6).take(ADDRESSES_MAX).filter_map(|entry| match entry {
            [flags, _, a, b, c, d] => {
                Some(Owner { is_group: flags & 0x80 != 0, address: Ipv4Addr::new(*a, *b, *c, *d) })
            }
            _ => None,
        })
    }

    /// What a node says of itself; `None` unless this is a node status reply.
    pub fn node_status(&self) -> Option<NodeStatus<'a>> {
        if !self.is_node_status || !self.is_response {
            return None;
        }
        let (&count, rest) = self.data.split_first()?;
        let (names, statistics) = rest.split_at_checked(usize::from(count) * NodeStatus::ENTRY_BYTES)?;
        Some(NodeStatus { names, unit: statistics.first_chunk().copied().unwrap_or_default() })
    }

    /// The verb under which it is counted.
    pub const fn verb(&self) -> &'static str {
        let refused = self.rcode != 0;
        match (self.operation, self.is_response, self.is_node_status) {
            (Operation::Query, false, true) => "NODE STATUS REQUEST",
            (Operation::Query, true, true) => "NODE STATUS RESPONSE",
            (Operation::Query, false, false) => "NAME QUERY",
            (Operation::Query, true, false) if refused => "NEGATIVE NAME QUERY RESPONSE",
            (Operation::Query, true, false) => "POSITIVE NAME QUERY RESPONSE",
            (Operation::Registration, false, _) => "REGISTRATION",
            (Operation::Registration, true, _) if refused => "NEGATIVE REGISTRATION RESPONSE",
            (Operation::Registration, true, _) => "POSITIVE REGISTRATION RESPONSE",
            (Operation::Release, false, _) => "RELEASE",
            (Operation::Release, true, _) => "RELEASE RESPONSE",
            (Operation::WaitForAcknowledgement, _, _) => "WACK",
            (Operation::Refresh, false, _) => "REFRESH",
            (Operation::Refresh, true, _) => "REFRESH RESPONSE",
        }
    }
}

/// OPCODE (RFC 1002 §4.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Who has the name?
    Query,
    /// I have the name (also "multihomed registration").
    Registration,
    /// I give it up.
    Release,
    /// Wait.
    WaitForAcknowledgement,
    /// I still have it.
    Refresh,
}

/// An owner of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The name is shared by a group (a domain or workgroup), not of one machine.
    pub is_group: bool,
    /// Its address.
    pub address: Ipv4Addr,
}

/// What a node says of itself (RFC 1002 §4.2.18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeStatus<'a> {
    names: &'a [u8],
    /// Link address of its adapter; zero where the stack does not tell (Samba).
    pub unit: [u8; 6],
}

impl<'a> NodeStatus<'a> {
    const ENTRY_BYTES: usize = 18;

    /// Its names, each with whether a group shares it; names being given up or in conflict are left out.
    pub fn names(&self) -> impl Iterator<Item = (NetbiosName, bool)> + use<'a> {
        const GROUP: u8 = 0x80;
        const DEREGISTERING_OR_CONFLICT: u8 = 0x18;
        self.names.chunks_exact(Self::ENTRY_BYTES).take(NODE_NAMES_MAX).filter_map(|entry| {
            let (name, flags) = entry.split_first_chunk::<16>()?;
            let flags = flags.first()?;
            let active = flags & DEREGISTERING_OR_CONFLICT == 0;
            active.then_some((NetbiosName::new(*name), flags & GROUP != 0))
        })
    }
}

/// A message of the datagram service (RFC 1002 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramService<'a> {
    /// Address of the node where it began.
    pub source_address: Ipv4Addr,
    /// Name of its sender; `None` for errors and queries, which carry none.
    pub source: Option<NetbiosName>,
    /// To whom.
    pub destination: Option<NetbiosName>,
    /// What it tells the browser service.
    pub browser: Option<Browser<'a>>,
}

impl DatagramService<'_> {
    /// The verb under which it is counted.
    pub const fn verb(&self) -> &'static str {
        match (&self.browser, &self.source) {
            (Some(browser), _) => browser.verb(),
            (None, Some(_)) => "DATAGRAM",
            (None, None) => "DATAGRAM CONTROL",
        }
    }
}
