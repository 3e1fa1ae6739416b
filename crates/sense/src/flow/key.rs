//! The two ends of a conversation, in an order that both directions share.

use crate::dissect::Ip;

/// Transport and both ends; the smaller (address, port) comes first. VLAN and link addresses are not part of it: a
/// conversation crosses VLANs at a router and is still one (docs/design/0003-endpoint-keys.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FlowKey {
    low: Ip,
    high: Ip,
    low_port: u16,
    high_port: u16,
    protocol: u8,
}

/// Which end of a [`FlowKey`] sent a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Low,
    High,
}

impl End {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

impl FlowKey {
    /// The key of a packet, and which end sent it.
    #[inline]
    pub(crate) fn new(source: (Ip, u16), destination: (Ip, u16), protocol: u8) -> (Self, End) {
        if source <= destination {
            (Self::ordered(source, destination, protocol), End::Low)
        } else {
            (Self::ordered(destination, source, protocol), End::High)
        }
    }

    const fn ordered(low: (Ip, u16), high: (Ip, u16), protocol: u8) -> Self {
        Self { low: low.0, high: high.0, low_port: low.1, high_port: high.1, protocol }
    }

    /// Address and port of one end.
    pub(crate) const fn end(&self, end: End) -> (Ip, u16) {
        match end {
            End::Low => (self.low, self.low_port),
            End::High => (self.high, self.high_port),
        }
    }

    /// The IP protocol number.
    pub(crate) const fn protocol(&self) -> u8 {
        self.protocol
    }

    /// One word per 8 bytes for the hash.
    #[inline]
    pub(crate) const fn words(&self) -> [u64; 5] {
        let ports = (self.low_port as u64) << 32 | (self.high_port as u64) << 16 | self.protocol as u64;
        [(self.low.0 >> 64) as u64, self.low.0 as u64, (self.high.0 >> 64) as u64, self.high.0 as u64, ports]
    }
}
