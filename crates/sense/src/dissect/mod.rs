//! Frame → packet: walks link, tunnel and network headers to the innermost transport payload.
//!
//! Total and bounded: at most [`HEADERS_MAX`] headers deep, fragments held within [`fragment`]'s limits. It decides
//! nothing by port alone: a tunnel over UDP must also look like one.

mod fast;
mod fragment;
mod link;
mod network;
mod transport;
mod tunnel;

pub(crate) use fragment::Fragments;
pub(crate) use transport::{TcpFlags, TcpSegment, UdpDatagram};

use crate::frame::{Frame, LinkType};
use model::{IpClass, MacAddr, Timestamp, UnparsedReason, Vlan};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Headers walked in one frame (tags, labels, tunnels, extensions): past it the frame is "too deep".
pub(crate) const HEADERS_MAX: u32 = 24;

/// The link layer of the innermost packet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Link {
    pub(crate) source: Option<MacAddr>,
    pub(crate) destination: Option<MacAddr>,
    pub(crate) vlan: Option<Vlan>,
}

/// An IP address as one number; IPv4 is mapped (`::ffff:a.b.c.d`), so that both families share tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ip(pub(crate) u128);

/// The prefix 100::/64 as a number.
const UNADDRESSED: u128 = 0x0100 << 112;

impl Ip {
    pub(crate) const fn v4(octets: [u8; 4]) -> Self {
        Self(0xffff_0000_0000 | u32::from_be_bytes(octets) as u128)
    }

    pub(crate) const fn v6(octets: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(octets))
    }

    /// Stands for a host that has no address yet, told apart by its link address, in a prefix that no packet carries
    /// (RFC 6666, 100::/64).
    pub(crate) fn without_address(self, mac: MacAddr) -> Self {
        let [a, b, c, d, e, f] = mac.octets();
        let family = u8::from(self.is_v4());
        Self(UNADDRESSED | u128::from(u64::from_be_bytes([family, 0, a, b, c, d, e, f])))
    }

    #[inline]
    pub(crate) const fn addr(self) -> IpAddr {
        if self.0 & !0xffff_ffff_ffff_ffff == UNADDRESSED {
            return match self.0 >> 56 & 1 {
                1 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                _ => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
        }
        match self.is_v4() {
            true => IpAddr::V4(Ipv4Addr::from_bits(self.0 as u32)),
            false => IpAddr::V6(Ipv6Addr::from_bits(self.0)),
        }
    }

    /// 0.0.0.0 or ::, a host without an address yet.
    #[inline]
    pub(crate) const fn is_unspecified(self) -> bool {
        self.0 == 0 || self.0 == 0xffff_0000_0000 || self.0 & !0xffff_ffff_ffff_ffff == UNADDRESSED
    }

    pub(crate) fn class(self) -> IpClass {
        model::classify_ip(self.addr())
    }

    pub(crate) const fn is_v4(self) -> bool {
        self.0 >> 32 == 0xffff
    }
}

/// The innermost IP packet of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IpPacket<'a> {
    pub(crate) source: Ip,
    pub(crate) destination: Ip,
    /// Time to live or hop limit.
    pub(crate) ttl: u8,
    /// IPv4 identification; 0 for IPv6.
    pub(crate) id: u16,
    /// Bytes of the packet as its header says, at least those captured.
    pub(crate) bytes: u32,
    pub(crate) transport: Transported<'a>,
}

/// What the IP packet carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transported<'a> {
    Tcp(TcpSegment<'a>),
    Udp(UdpDatagram<'a>),
    Icmp(&'a [u8]),
    Icmpv6(&'a [u8]),
    /// Any other IP protocol, by number.
    Other(u8),
}

/// What a frame turned out to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'a> {
    Ip(IpPacket<'a>),
    /// A link protocol by EtherType; `payload` follows the last header.
    Link {
        ethertype: u16,
        payload: &'a [u8],
    },
    /// A fragment that waits for its fellows.
    FragmentHeld,
}

/// A host that carried the packet inside a tunnel: it is on the link, the inner sender need not be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carrier {
    pub(crate) link: Link,
    pub(crate) source: Ip,
    pub(crate) ttl: u8,
    pub(crate) multicast: bool,
}

/// A dissected frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) link: Link,
    pub(crate) carrier: Option<Carrier>,
    pub(crate) content: Content<'a>,
}

/// Why a frame could not be dissected, and what was learnt before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Undissected {
    pub(crate) reason: UnparsedReason,
    pub(crate) link: Link,
}

/// The next header to read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    Ethernet,
    EtherType(u16),
    Ip,
    Ipv4,
    Ipv6,
    IpProtocol(u8),
    Mpls,
    Done,
}

/// Walks one frame.
pub(crate) struct Walk<'a, 'f> {
    pub(crate) rest: &'a [u8],
    pub(crate) link: Link,
    pub(crate) carrier: Option<Carrier>,
    pub(crate) network: Option<network::Network>,
    pub(crate) content: Option<Content<'a>>,
    fragments: &'f mut Fragments,
    scratch: Option<&'a mut Vec<u8>>,
    now: Timestamp,
}

/// Dissects `frame`. `scratch` receives a datagram put together from fragments, and lends its bytes to the packet.
#[inline]
pub(crate) fn dissect<'a>(
    frame: &Frame<'a>,
    fragments: &mut Fragments,
    scratch: &'a mut Vec<u8>,
) -> Result<Packet<'a>, Undissected> {
    match fast::dissect(frame.bytes) {
        Some(packet) if frame.link == LinkType::Ethernet => Ok(packet),
        _ => walk(frame, fragments, scratch),
    }
}

/// The same, header by header.
fn walk<'a>(
    frame: &Frame<'a>,
    fragments: &mut Fragments,
    scratch: &'a mut Vec<u8>,
) -> Result<Packet<'a>, Undissected> {
    let mut walk = Walk {
        rest: frame.bytes,
        link: Link::default(),
        carrier: None,
        network: None,
        content: None,
        fragments,
        scratch: Some(scratch),
        now: frame.at,
    };
    match walk.run(frame) {
        Ok(content) => Ok(Packet { link: walk.link, carrier: walk.carrier, content }),
        Err(reason) => Err(Undissected { reason, link: walk.link }),
    }
}

impl<'a> Walk<'a, '_> {
    fn run(&mut self, frame: &Frame<'a>) -> Result<Content<'a>, UnparsedReason> {
        let mut next = self.link_layer(frame.link)?;
        for _ in 0..=HEADERS_MAX {
            next = match next {
                Next::EtherType(0x0800) | Next::Ipv4 => self.ipv4()?,
                Next::IpProtocol(number) => self.ip_protocol(number)?,
                Next::Ethernet => self.ethernet()?,
                Next::EtherType(0x86dd) | Next::Ipv6 => self.ipv6()?,
                Next::EtherType(number) => self.ethertype(number)?,
                Next::Ip => self.ip_version()?,
                Next::Mpls => self.mpls()?,
                Next::Done => return self.content.ok_or(UnparsedReason::Malformed),
            };
        }
        Err(UnparsedReason::TooDeep)
    }

    fn ip_version(&self) -> Result<Next, UnparsedReason> {
        match self.rest.first().map(|b| b >> 4) {
            Some(4) => Ok(Next::Ipv4),
            Some(6) => Ok(Next::Ipv6),
            Some(_) => Err(UnparsedReason::Malformed),
            None => Err(UnparsedReason::Truncated),
        }
    }

    /// Takes `N` bytes off the front.
    #[inline]
    pub(crate) fn header<const N: usize>(&mut self) -> Result<[u8; N], UnparsedReason> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(UnparsedReason::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Result<(), UnparsedReason> {
        self.rest = self.rest.get(count..).ok_or(UnparsedReason::Truncated)?;
        Ok(())
    }

    /// What was walked so far becomes the carrier of what follows. The outermost carrier is kept: it is on the link.
    pub(crate) fn enter_tunnel(&mut self) {
        if let (None, Some(network)) = (self.carrier, self.network) {
            let multicast = self.link.destination.is_some_and(MacAddr::is_group);
            let (source, ttl) = (network.source, network.ttl);
            self.carrier = Some(Carrier { link: self.link, source, ttl, multicast });
        }
        self.link = Link::default();
        self.network = None;
    }
}

#[cfg(test)]
mod tests;
