//! MQTT 3.1, 3.1.1 and 5: how pumps' gateways, fridge sensors, wearables and location tags report to a broker.
//!
//! Topics, payloads, user names and passwords never leave this module: topics name patients and beds. Standards: OASIS
//! mqtt-v3.1.1-os, mqtt-v5.0-os; MQTT V3.1 (IBM, 2010).

mod parse;
mod probe;
#[cfg(test)]
mod tests;

pub use parse::parse;
pub use probe::{begins_packets, probe};

/// Bytes of a CONNECT that are read; a client identifier beyond them is not reported.
pub const CONNECT_HEAD_BYTES_MAX: usize = 1024;
/// Bytes of a SUBSCRIBE whose topic filters are looked at.
pub const SUBSCRIBE_HEAD_BYTES_MAX: usize = 4096;
/// Largest acknowledgement that is believed, in bytes: identifiers, reason codes and one or two long v5 properties.
pub const ACKNOWLEDGEMENT_BYTES_MAX: usize = 256 * 1024;
/// Packets that a probe looks at in one head.
pub const PROBE_PACKETS_MAX: usize = 16;

/// One control packet: what Ward may know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A client asks for a session.
    Connect(Connect<'a>),
    /// The broker answers: 0 accepts, anything else is the reason for refusal (§3.2.2.3; v5 §3.2.2.2).
    ConnAck(u8),
    /// An application message. Topic and payload stay unseen.
    Publish(Publish),
    /// QoS 1 acknowledgement with its reason code (0 before v5).
    PubAck(u8),
    /// QoS 2, first part, with its reason code (0 before v5).
    PubRec(u8),
    /// QoS 2, second part.
    PubRel,
    /// QoS 2, third part.
    PubComp,
    /// A client subscribes.
    Subscribe {
        /// One of its filters matches every topic: `#`, `+/#` and so on, also behind `$share/<group>/`.
        everything: bool,
    },
    /// The broker answers with one code a filter; this is the last, at or above 0x80 when refused.
    SubAck(u8),
    /// A client unsubscribes.
    Unsubscribe,
    /// The broker answers.
    UnsubAck,
    /// "Are you there?"
    PingReq,
    /// "I am."
    PingResp,
    /// One side leaves, with its reason code (0 before v5).
    Disconnect(u8),
    /// Extended authentication (v5).
    Auth,
}

/// What a PUBLISH says in its fixed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Quality of service, 0–2.
    pub qos: u8,
    /// The broker keeps it for later subscribers.
    pub retain: bool,
}

/// A request for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// Protocol level: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5. The bridge bit (0x80) is taken off.
    pub level: u8,
    /// Seconds of silence the client allows itself.
    pub keep_alive_s: u16,
    /// A user name follows in clear.
    pub user_name: bool,
    /// A password follows in clear.
    pub password: bool,
    /// The client's name for itself; empty when the broker is to choose, or beyond [`CONNECT_HEAD_BYTES_MAX`].
    pub client_id: &'a [u8],
}

impl Packet<'_> {
    /// The verb under which it is counted: the packet's name in the standard, and apart the subscription to everything.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Connect(_) => "CONNECT",
            Self::ConnAck(_) => "CONNACK",
            Self::Publish(_) => "PUBLISH",
            Self::PubAck(_) => "PUBACK",
            Self::PubRec(_) => "PUBREC",
            Self::PubRel => "PUBREL",
            Self::PubComp => "PUBCOMP",
            Self::Subscribe { everything: false } => "SUBSCRIBE",
            Self::Subscribe { everything: true } => "SUBSCRIBE #",
            Self::SubAck(_) => "SUBACK",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::UnsubAck => "UNSUBACK",
            Self::PingReq => "PINGREQ",
            Self::PingResp => "PINGRESP",
            Self::Disconnect(_) => "DISCONNECT",
            Self::Auth => "AUTH",
        }
    }
}

impl Connect<'_> {
    /// The version as people write it.
    pub const fn version(&self) -> &'static str {
        match self.level {
            3 => "3.1",
            4 => "3.1.1",
            5 => "5.0",
            _ => "other",
        }
    }
}
