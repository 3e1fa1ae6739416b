//! How much an endpoint did, per peer, service and verb.

use crate::{Duration, EndpointKey, Header, Protocol, Transport};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Which end of the conversation `endpoint` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It opened the conversation.
    Client,
    /// It was asked.
    Server,
}

/// What `endpoint` sent to `peer` within one minute of the clock, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Version, origin and times. `observed_at` is the time of the last of it.
    #[serde(flatten)]
    pub header: Header,
    /// The sender.
    pub endpoint: EndpointKey,
    /// The receiver.
    pub peer: EndpointKey,
    /// Which end of the conversation the sender is.
    pub role: Role,
    /// The protocol spoken.
    pub protocol: Protocol,
    /// Its transport.
    pub transport: Transport,
    /// The server's port; 0 where the transport has none.
    pub service_port: u16,
    /// The protocol's own verb (`PUBLISH`, `C-STORE-RQ`, `ORU^R01`); empty for bytes that carry none.
    pub verb: SmolStr,
    /// Time from the first of it to the last, less than 60 s.
    pub span: Duration,
    /// Messages of this verb; for an empty verb, packets.
    pub count: u64,
    /// Bytes: of the messages for a verb, of the IP packets for an empty one.
    pub bytes: u64,
    /// TCP payload bytes sent again.
    pub retransmitted_bytes: u64,
    /// TCP payload bytes that the capture never saw.
    pub gap_bytes: u64,
}
