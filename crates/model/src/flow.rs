//! One conversation.

use crate::{EndpointKey, Header, Protocol, Timestamp};
use serde::{Deserialize, Serialize};

/// The transport of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
    /// ICMP or ICMPv6.
    Icmp,
    /// Any other IP protocol, by number.
    Ip(u8),
    /// No IP at all: the EtherType or LLC service.
    Link(u16),
}

/// Why a flow was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowEnd {
    /// FIN in both directions, or RST.
    Closed,
    /// Nothing for the idle time.
    Idle,
    /// Thrown out because the table was full: the record is incomplete.
    Evicted,
    /// The capture ended.
    CaptureEnd,
}

/// One direction of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowSide {
    /// Packets sent by this side.
    pub packets: u64,
    /// Bytes of IP packets sent by this side.
    pub bytes: u64,
    /// TCP payload bytes sent again.
    pub retransmitted_bytes: u64,
    /// TCP payload bytes that the capture never saw.
    pub gap_bytes: u64,
}

/// One conversation between a client and a server, closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Version, origin and times. `observed_at` is the time of the last packet.
    #[serde(flatten)]
    pub header: Header,
    /// Who opened it.
    pub client: EndpointKey,
    /// Who was asked.
    pub server: EndpointKey,
    /// The network addresses, where the endpoints are keyed by MAC.
    pub client_ip: std::net::IpAddr,
    /// See `client_ip`.
    pub server_ip: std::net::IpAddr,
    /// Port of the client; 0 where the transport has none.
    pub client_port: u16,
    /// Port of the server; 0 where the transport has none.
    pub server_port: u16,
    /// Transport.
    pub transport: Transport,
    /// What was spoken, by content.
    pub protocol: Protocol,
    /// Time of the first packet.
    pub first_seen: Timestamp,
    /// What the client sent.
    pub from_client: FlowSide,
    /// What the server sent.
    pub from_server: FlowSide,
    /// The start was captured (TCP: SYN seen; UDP: always).
    pub complete_start: bool,
    /// Only one direction was captured.
    pub one_sided: bool,
    /// Frames seen twice (two taps, or both sides of a router), not counted again.
    pub duplicate_packets: u64,
    /// Why it was closed.
    pub end: FlowEnd,
}
