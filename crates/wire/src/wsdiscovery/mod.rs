//! WS-Discovery over UDP 3702: how SDC medical devices, printers, cameras and Windows hosts announce themselves. An SDC
//! device says what it is and at which bed it stands.
//!
//! Must not let a patient context scope out. Standards: OASIS WS-Discovery 1.1 and its 2005/04 draft, DPWS 1.1,
//! IEEE 11073-20702 (MDPWS) and 11073-20701 (scopes), ONVIF Core §7.3.

mod parse;
mod scope;
#[cfg(test)]
mod tests;
pub(crate) mod xml;

use std::net::IpAddr;

pub use parse::{parse, probe};
pub use scope::{Location, Onvif, SCOPE_BYTES_MAX, Scope, percent_decoded};
pub use xml::unescape;

/// Most scopes or types looked at in one message.
pub const LIST_ITEMS_MAX: usize = 64;

/// One message, borrowed from its datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it asks or says.
    pub kind: Kind,
    /// The endpoint it speaks of (of several, the first); empty in a Probe that names none.
    pub endpoint: Endpoint<'a>,
    /// How many endpoints it speaks of; a discovery proxy answers for many.
    pub endpoints: usize,
}

/// The messages of the standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// "I am here".
    Hello,
    /// "I leave".
    Bye,
    /// "Who is of these types, in these scopes?"
    Probe,
    /// The answer.
    ProbeMatches,
    /// "Where is this endpoint?"
    Resolve,
    /// The answer.
    ResolveMatches,
    /// Another action (a fault, an extension): counted, never guessed.
    #[default]
    Other,
}

impl Kind {
    /// The verb under which it is counted.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Hello => "HELLO",
            Self::Bye => "BYE",
            Self::Probe => "PROBE",
            Self::ProbeMatches => "PROBE-MATCHES",
            Self::Resolve => "RESOLVE",
            Self::ResolveMatches => "RESOLVE-MATCHES",
            Self::Other => "OTHER",
        }
    }

    /// Whether the endpoint in it is the sender's own (or one it speaks for), not one that is looked for.
    pub const fn describes_sender(self) -> bool {
        matches!(self, Self::Hello | Self::Bye | Self::ProbeMatches | Self::ResolveMatches)
    }
}

/// An endpoint as it describes itself; raw text, see [`unescape`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// Its stable address, most often `urn:uuid:…`.
    pub address: &'a [u8],
    types: &'a [u8],
    scopes: &'a [u8],
    transports: &'a [u8],
}

impl<'a> Endpoint<'a> {
    /// Local names of its types: `MedicalDevice`, `NetworkVideoTransmitter`, `Computer`, …
    pub fn types(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        items(self.types).map(xml::local)
    }

    /// Its scopes, each to be unescaped and read by [`Scope::of`].
    pub fn scopes(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        items(self.scopes)
    }

    /// The addresses in its XAddrs, where hosts are addresses; never the rest of the URLs.
    pub fn transport_addresses(&self) -> impl Iterator<Item = IpAddr> + use<'a> {
        items(self.transports).filter_map(host_address)
    }
}

fn items(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(u8::is_ascii_whitespace).filter(|item| !item.is_empty()).take(LIST_ITEMS_MAX)
}

/// The address in `scheme://address:port/path`.
fn host_address(url: &[u8]) -> Option<IpAddr> {
    let after = memchr::memmem::find(url, b"://").and_then(|at| url.get(at + 3..))?;
    let host = match after.strip_prefix(b"[") {
        Some(literal) => literal.split(|b| matches!(b, b']' | b'%')).next()?,
        None => after.split(|b| matches!(b, b':' | b'/' | b'?')).next()?,
    };
    std::str::from_utf8(host).ok()?.parse().ok()
}
