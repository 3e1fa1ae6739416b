//! ICMP and ICMPv6: errors, echoes, and Neighbor Discovery, which is IPv6's ARP and its proof of being on the link. In
//! a hospital they show who looks for whom and which network refuses what. This module must not hand out the packets
//! that errors quote or what echoes carry: either may hold patient data. RFC 792, RFC 1256, RFC 4443, RFC 4861, RFC
//! 8106, RFC 2710, RFC 3810. The checksum of ICMPv6 covers addresses that are not here, so neither is verified.

mod nd;
mod parse;
#[cfg(test)]
mod tests;

pub use nd::{NdOption, NdOptions, Prefix};
pub use parse::{parse_v4, parse_v6, probe_v4, probe_v6};

use std::net::{Ipv4Addr, Ipv6Addr};

/// Most options in one Neighbor Discovery message, in options. Routers in the field send fewer than twenty.
pub const ND_OPTIONS_MAX: usize = 64;

/// Most records that one MLDv2 report may announce, in multicast address records: what fits a jumbo frame.
pub const MLD_RECORDS_MAX: usize = 512;

/// The IP hop limit that proves a Neighbor Discovery message was not forwarded (RFC 4861 §6.1, §7.1).
pub const ND_HOP_LIMIT: u8 = 255;

/// One ICMP message (IPv4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum V4 {
    /// Type 8.
    Echo {
        /// Tells one ping from another.
        identifier: u16,
        /// Counts the echoes of one ping.
        sequence: u16,
    },
    /// Type 0.
    EchoReply {
        /// As in the echo.
        identifier: u16,
        /// As in the echo.
        sequence: u16,
    },
    /// Type 3, by code.
    Unreachable(Unreachable),
    /// Type 4, obsolete (RFC 6633).
    SourceQuench,
    /// Type 5: another router is nearer.
    Redirect {
        /// The router to use.
        gateway: Ipv4Addr,
    },
    /// Type 9: a router announces itself (RFC 1256).
    RouterAdvertisement,
    /// Type 10.
    RouterSolicitation,
    /// Type 11.
    TimeExceeded,
    /// Type 12.
    ParameterProblem,
    /// Type 13.
    Timestamp,
    /// Type 14.
    TimestampReply,
    /// Type 17 (RFC 950), obsolete.
    AddressMask,
    /// Type 18 (RFC 950), obsolete.
    AddressMaskReply,
    /// Any other type.
    Other(u8),
}

/// Why a destination could not be reached, as far as it matters to whoever waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// No route, or the network or host does not answer.
    Host,
    /// The host is there but knows no such IP protocol.
    Protocol,
    /// The host is there but nothing listens on the port.
    Port,
    /// The packet is too big and may not be cut.
    FragmentationNeeded,
    /// A filter forbids it.
    Prohibited,
    /// Any other code.
    Other(u8),
}

/// One ICMPv6 message, borrowed from the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum V6<'a> {
    /// Type 1, by code.
    Unreachable(Unreachable),
    /// Type 2.
    PacketTooBig {
        /// The link's MTU, in bytes.
        mtu_bytes: u32,
    },
    /// Type 3.
    TimeExceeded,
    /// Type 4.
    ParameterProblem,
    /// Type 128.
    Echo {
        /// Tells one ping from another.
        identifier: u16,
        /// Counts the echoes of one ping.
        sequence: u16,
    },
    /// Type 129.
    EchoReply {
        /// As in the echo.
        identifier: u16,
        /// As in the echo.
        sequence: u16,
    },
    /// Type 130: who listens to the group? Unspecified means any.
    ListenerQuery {
        /// The group asked about.
        group: Ipv6Addr,
    },
    /// Type 131 (MLDv1): I listen to the group.
    ListenerReport {
        /// The group.
        group: Ipv6Addr,
    },
    /// Type 132 (MLDv1): I no longer do.
    ListenerDone {
        /// The group.
        group: Ipv6Addr,
    },
    /// Type 143 (MLDv2): how the sender's groups changed.
    ListenerReportV2 {
        /// Multicast address records in it.
        records: u16,
    },
    /// Type 133: is there a router?
    RouterSolicitation(NdOptions<'a>),
    /// Type 134: I am a router.
    RouterAdvertisement(RouterAdvertisement<'a>),
    /// Type 135: who has the target address?
    NeighborSolicitation {
        /// The address asked for.
        target: Ipv6Addr,
        /// Options.
        options: NdOptions<'a>,
    },
    /// Type 136: I have the target address.
    NeighborAdvertisement(NeighborAdvertisement<'a>),
    /// Type 137: a better first hop, or the destination is on this link.
    Redirect {
        /// The better first hop.
        target: Ipv6Addr,
        /// For which destination.
        destination: Ipv6Addr,
        /// Options.
        options: NdOptions<'a>,
    },
    /// Any other type.
    Other(u8),
}

/// RFC 4861 §4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterAdvertisement<'a> {
    /// Hop limit that hosts should use; 0 leaves it to them.
    pub hop_limit: u8,
    /// M: addresses come from DHCPv6.
    pub managed: bool,
    /// O: other settings come from DHCPv6.
    pub other: bool,
    /// How long it may serve as default router, in seconds; 0 means it does not offer to.
    pub lifetime_s: u16,
    /// Options.
    pub options: NdOptions<'a>,
}

/// RFC 4861 §4.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighborAdvertisement<'a> {
    /// R: the sender is a router.
    pub router: bool,
    /// S: it was asked for.
    pub solicited: bool,
    /// O: it should replace what is cached.
    pub overrides: bool,
    /// The address spoken for.
    pub target: Ipv6Addr,
    /// Options.
    pub options: NdOptions<'a>,
}

impl Unreachable {
    const fn verb(self) -> &'static str {
        match self {
            Self::Host => "HOST-UNREACHABLE",
            Self::Protocol => "PROTOCOL-UNREACHABLE",
            Self::Port => "PORT-UNREACHABLE",
            Self::FragmentationNeeded => "PACKET-TOO-BIG",
            Self::Prohibited => "PROHIBITED",
            Self::Other(_) => "UNREACHABLE",
        }
    }
}

impl V4 {
    /// The verb under which it is counted.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Echo { .. } => "ECHO",
            Self::EchoReply { .. } => "ECHO-REPLY",
            Self::Unreachable(why) => why.verb(),
            Self::SourceQuench => "SOURCE-QUENCH",
            Self::Redirect { .. } => "REDIRECT",
            Self::RouterAdvertisement => "ROUTER-ADVERTISEMENT",
            Self::RouterSolicitation => "ROUTER-SOLICITATION",
            Self::TimeExceeded => "TIME-EXCEEDED",
            Self::ParameterProblem => "PARAMETER-PROBLEM",
            Self::Timestamp => "TIMESTAMP",
            Self::TimestampReply => "TIMESTAMP-REPLY",
            Self::AddressMask => "ADDRESS-MASK",
            Self::AddressMaskReply => "ADDRESS-MASK-REPLY",
            Self::Other(_) => "OTHER",
        }
    }
}

impl V6<'_> {
    /// The verb under which it is counted.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Unreachable(why) => why.verb(),
            Self::PacketTooBig { .. } => "PACKET-TOO-BIG",
            Self::TimeExceeded => "TIME-EXCEEDED",
            Self::ParameterProblem => "PARAMETER-PROBLEM",
            Self::Echo { .. } => "ECHO",
            Self::EchoReply { .. } => "ECHO-REPLY",
            Self::ListenerQuery { .. } => "MLD-QUERY",
            Self::ListenerReport { .. } => "MLD-REPORT",
            Self::ListenerDone { .. } => "MLD-DONE",
            Self::ListenerReportV2 { .. } => "MLDV2-REPORT",
            Self::RouterSolicitation(_) => "ROUTER-SOLICITATION",
            Self::RouterAdvertisement(_) => "ROUTER-ADVERTISEMENT",
            Self::NeighborSolicitation { .. } => "NEIGHBOR-SOLICITATION",
            Self::NeighborAdvertisement(_) => "NEIGHBOR-ADVERTISEMENT",
            Self::Redirect { .. } => "REDIRECT",
            Self::Other(_) => "OTHER",
        }
    }

    /// Whether it is Neighbor Discovery, which must arrive with [`ND_HOP_LIMIT`].
    pub const fn is_neighbor_discovery(&self) -> bool {
        matches!(
            self,
            Self::RouterSolicitation(_)
                | Self::RouterAdvertisement(_)
                | Self::NeighborSolicitation { .. }
                | Self::NeighborAdvertisement(_)
                | Self::Redirect { .. }
        )
    }
}
