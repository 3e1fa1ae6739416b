//! Who talks to whom, by service and hour.

use crate::{DeviceId, Protocol, Timestamp, Transport};
use serde::{Deserialize, Serialize};

/// What one device exchanged with one peer over one service in one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// The client: who opened the conversations.
    pub client: TalkEnd,
    /// The server.
    pub server: TalkEnd,
    /// What was spoken.
    pub protocol: Protocol,
    /// Over which transport.
    pub transport: Transport,
    /// The server's port.
    pub service_port: u16,
    /// Start of the hour (UTC).
    pub hour: Timestamp,
    /// Packets of the client and of the server.
    pub packets: [u64; 2],
    /// Bytes of the client and of the server.
    pub bytes: [u64; 2],
    /// Messages by verb, both directions, largest first.
    pub verbs: Vec<(smol_str::SmolStr, u64)>,
}

/// One end of a talk: a device of the site, or an address outside the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TalkEnd {
    /// A device in the inventory.
    Device(DeviceId),
    /// An address off site, or a group.
    Address(crate::Address),
}
