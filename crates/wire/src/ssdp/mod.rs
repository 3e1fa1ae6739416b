//! SSDP, the discovery of UPnP: printers, cameras, displays, home devices that staff bring along, and gateways that
//! should not be there.
//!
//! Reads announcements, answers and, where one passes over HTTP in one piece, the device description that names maker,
//! model and serial number. Standard: UPnP Device Architecture 2.0 §1 (discovery), §2 (description).

mod description;
mod parse;
#[cfg(test)]
mod tests;

pub use crate::wsdiscovery::unescape;
pub use description::{Description, is_description, parse_description};
pub use parse::{parse, probe};

/// Most field lines in a message.
pub const FIELDS_MAX: usize = 64;
/// Largest message, in bytes; the standard has no bound, devices stay below 1 KiB.
pub const MESSAGE_BYTES_MAX: usize = 8 * 1024;

/// One message, borrowed from its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it asks or says.
    pub kind: Kind,
    /// `NT` or `ST`: what is announced, found or looked for.
    pub target: &'a [u8],
    /// `USN`: the unique name of what is announced, `uuid:…` in front.
    pub usn: &'a [u8],
    /// `SERVER`: system, UPnP version and product of who announces.
    pub server: &'a [u8],
    /// `USER-AGENT` of who searches.
    pub user_agent: &'a [u8],
}

impl<'a> Message<'a> {
    /// The unique device name, `uuid:…`, without what follows it in the USN.
    pub fn device(&self) -> Option<&'a [u8]> {
        let end = memchr::memmem::find(self.usn, b"::").unwrap_or(self.usn.len());
        self.usn.get(..end).filter(|name| name.starts_with(b"uuid:"))
    }

    /// What the target is.
    pub fn target_kind(&self) -> TargetKind {
        let mut parts = self.target.splitn(5, |&b| b == b':');
        match (parts.next(), parts.nth(1), parts.next()) {
            (Some(b"urn"), Some(b"device"), Some(_)) => TargetKind::Device,
            (Some(b"urn"), Some(b"service"), Some(_)) => TargetKind::Service,
            _ => TargetKind::Other,
        }
    }
}

/// The kinds of message (UPnP DA §1.2, §1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// M-SEARCH: "who is there?"
    Search,
    /// NOTIFY ssdp:alive: "I am here".
    Alive,
    /// NOTIFY ssdp:byebye: "I leave".
    ByeBye,
    /// NOTIFY ssdp:update: "I have a further interface".
    Update,
    /// The answer to a search.
    Response,
    /// A NOTIFY with another subtype, such as multicast events: counted, never guessed.
    OtherNotify,
}

impl Kind {
    /// The verb under which it is counted.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Search => "M-SEARCH",
            Self::Alive => "ALIVE",
            Self::ByeBye => "BYEBYE",
            Self::Update => "UPDATE",
            Self::Response => "RESPONSE",
            Self::OtherNotify => "NOTIFY",
        }
    }

    /// Whether what it names is the sender's own.
    pub const fn describes_sender(self) -> bool {
        !matches!(self, Self::Search | Self::OtherNotify)
    }
}

/// What a search target or notification type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// `urn:<domain>:device:<type>:<version>`.
    Device,
    /// `urn:<domain>:service:<type>:<version>`.
    Service,
    /// `upnp:rootdevice`, `uuid:…`, `ssdp:all` or what no standard names.
    Other,
}
