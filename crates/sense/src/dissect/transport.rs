//! TCP (RFC 9293) and UDP (RFC 768).

use super::{Content, IpPacket, Next, Transported, Walk};
use model::UnparsedReason;

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TcpSegment<'a> {
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) sequence: u32,
    pub(crate) acknowledgement: u32,
    pub(crate) flags: TcpFlags,
    /// The payload as captured.
    pub(crate) payload: &'a [u8],
    /// Payload bytes that the snapshot length cut off.
    pub(crate) cut_bytes: u32,
}

/// The control bits of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TcpFlags(pub(crate) u8);

impl TcpFlags {
    const FIN: u8 = 0x01;
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;

    pub(crate) const fn fin(self) -> bool {
        self.0 & Self::FIN != 0
    }
    pub(crate) const fn syn(self) -> bool {
        self.0 & Self::SYN != 0
    }
    pub(crate) const fn rst(self) -> bool {
        self.0 & Self::RST != 0
    }
    pub(crate) const fn ack(self) -> bool {
        self.0 & Self::ACK != 0
    }
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UdpDatagram<'a> {
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) checksum: u16,
    pub(crate) payload: &'a [u8],
    /// Payload bytes that the snapshot length cut off.
    pub(crate) cut_bytes: u32,
}

impl<'a> Walk<'a, '_> {
    #[inline]
    pub(super) fn ip_protocol(&mut self, number: u8) -> Result<Next, UnparsedReason> {
        match number {
            6 => self.tcp(),
            17 => self.udp(),
            1 => self.transport(Transported::Icmp(self.rest)),
            58 => self.transport(Transported::Icmpv6(self.rest)),
            4 => self.inner_ip(Next::Ipv4),
            41 => self.inner_ip(Next::Ipv6),
            47 => self.gre(),
            137 => {
                self.enter_tunnel();
                Ok(Next::Mpls)
            }
            0 | 43 | 44 | 51 | 59 | 60 | 135 | 139 | 140 => self.extension(number),
            _ => self.transport_other(number),
        }
    }

    pub(super) fn transport_other(&mut self, number: u8) -> Result<Next, UnparsedReason> {
        self.transport(Transported::Other(number))
    }

    #[inline]
    fn tcp(&mut self) -> Result<Next, UnparsedReason> {
        let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, _, _, _, _, _, _] =
            self.header::<20>()?;
        let options_bytes =
            (usize::from(offset >> 4) * 4).checked_sub(20).ok_or(UnparsedReason::Malformed)?;
        let cut_bytes = self.network.map_or(0, |n| n.cut_bytes);
        let payload = match self.rest.get(options_bytes..) {
            Some(payload) => payload,
            None if cut_bytes > 0 => &[],
            None => return Err(UnparsedReason::Malformed),
        };
        self.transport(Transported::Tcp(TcpSegment {
            source_port: u16::from_be_bytes([s0, s1]),
            destination_port: u16::from_be_bytes([d0, d1]),
            sequence: u32::from_be_bytes([q0, q1, q2, q3]),
            acknowledgement: u32::from_be_bytes([a0, a1, a2, a3]),
            flags: TcpFlags(flags),
            payload,
            cut_bytes,
        }))
    }

    #[inline]
    fn udp(&mut self) -> Result<Next, UnparsedReason> {
        let [s0, s1, d0, d1, l0, l1, c0, c1] = self.header::<8>()?;
        let (source_port, destination_port) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
        // A length beyond the IP packet lies; a shorter one leaves padding.
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if let Some(payload) = length.checked_sub(8).and_then(|bytes| self.rest.get(..bytes)) {
            self.rest = payload;
        }
        if let Some(next) = self.udp_tunnel(source_port, destination_port) {
            return next;
        }
        self.transport(Transported::Udp(UdpDatagram {
            source_port,
            destination_port,
            checksum: u16::from_be_bytes([c0, c1]),
            payload: self.rest,
            cut_bytes: self.network.map_or(0, |n| n.cut_bytes),
        }))
    }

    #[inline]
    fn transport(&mut self, transport: Transported<'a>) -> Result<Next, UnparsedReason> {
        let network = self.network.ok_or(UnparsedReason::Malformed)?;
        self.content = Some(Content::Ip(IpPacket {
            source: network.source,
            destination: network.destination,
            ttl: network.ttl,
            id: network.id,
            bytes: network.bytes,
            transport,
        }));
        Ok(Next::Done)
    }
}
