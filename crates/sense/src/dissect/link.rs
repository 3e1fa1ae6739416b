//! Link layers: Ethernet (IEEE 802.3, 802.1Q, 802.1ad), LLC/SNAP (802.2), Linux cooked, null, raw; MPLS and PPPoE.

use super::{Content, Link, Next, Walk};
use crate::frame::LinkType;
use model::{MacAddr, UnparsedReason, Vlan};

/// EtherTypes below this are lengths (IEEE 802.3 §3.2.6).
const ETHERTYPE_MIN: u16 = 0x0600;

impl<'a> Walk<'a, '_> {
    pub(super) fn link_layer(&mut self, link: LinkType) -> Result<Next, UnparsedReason> {
        match link {
            LinkType::Ethernet => self.ethernet(),
            LinkType::RawIp => Ok(Next::Ip),
            // The address family's number differs between systems; the IP version tells as much.
            LinkType::Null | LinkType::Loop => {
                self.header::<4>()?;
                Ok(Next::Ip)
            }
            LinkType::LinuxSll => self.cooked_v1(),
            LinkType::LinuxSll2 => self.cooked_v2(),
            LinkType::Other(_) => Err(UnparsedReason::LinkType),
        }
    }

    #[inline]
    pub(super) fn ethernet(&mut self) -> Result<Next, UnparsedReason> {
        let [a, b, c, d, e, f, g, h, i, j, k, l, t0, t1] = self.header::<14>()?;
        self.link.destination = Some(MacAddr::new([a, b, c, d, e, f]));
        self.link.source = Some(MacAddr::new([g, h, i, j, k, l]));
        Ok(Next::EtherType(u16::from_be_bytes([t0, t1])))
    }

    /// <https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html>
    fn cooked_v1(&mut self) -> Result<Next, UnparsedReason> {
        let [_, packet_type, _, _, l0, l1, a, b, c, d, e, f, _, _, p0, p1] = self.header::<16>()?;
        self.cooked(packet_type, u16::from_be_bytes([l0, l1]), [a, b, c, d, e, f]);
        Ok(Next::EtherType(u16::from_be_bytes([p0, p1])))
    }

    /// <https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html>
    fn cooked_v2(&mut self) -> Result<Next, UnparsedReason> {
        let [p0, p1, _, _, _, _, _, _, _, _, packet_type, length, a, b, c, d, e, f, _, _] =
            self.header::<20>()?;
        self.cooked(packet_type, u16::from(length), [a, b, c, d, e, f]);
        Ok(Next::EtherType(u16::from_be_bytes([p0, p1])))
    }

    /// The address field is the sender's. Packet type 4 was sent by the capturing host itself.
    fn cooked(&mut self, _packet_type: u8, address_bytes: u16, address: [u8; 6]) {
        let mac = MacAddr::new(address);
        self.link.source = (address_bytes == 6 && mac.is_unicast()).then_some(mac);
    }

    pub(super) fn ethertype(&mut self, ethertype: u16) -> Result<Next, UnparsedReason> {
        match ethertype {
            // 802.1Q, 802.1ad and two numbers used before it was agreed.
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                let [t0, t1, e0, e1] = self.header::<4>()?;
                if let Some(vlan) = Vlan::new(u16::from_be_bytes([t0, t1]) & 0x0fff) {
                    self.link.vlan = Some(vlan);
                }
                Ok(Next::EtherType(u16::from_be_bytes([e0, e1])))
            }
            0x8847 | 0x8848 => Ok(Next::Mpls),
            0x8864 => self.pppoe_session(),
            0..ETHERTYPE_MIN => self.llc(usize::from(ethertype)),
            _ => self.link_protocol(ethertype),
        }
    }

    fn link_protocol(&mut self, ethertype: u16) -> Result<Next, UnparsedReason> {
        self.content = Some(Content::Link { ethertype, payload: self.rest });
        Ok(Next::Done)
    }

    /// IEEE 802.2 LLC, with SNAP (RFC 1042) inside where both SAPs say so. `length` excludes padding.
    fn llc(&mut self, length: usize) -> Result<Next, UnparsedReason> {
        if let (true, Some(kept)) = (length > 0, self.rest.get(..length)) {
            self.rest = kept;
        }
        let Some(([0xaa, 0xaa, 0x03, o0, o1, o2, t0, t1], rest)) = self.rest.split_first_chunk::<8>() else {
            // Spanning tree, IPX, NetBEUI …: the DSAP names it; numbers below 0x600 cannot collide with EtherTypes.
            let dsap = self.rest.first().copied().unwrap_or(0);
            return self.link_protocol(u16::from(dsap));
        };
        self.rest = rest;
        let number = u16::from_be_bytes([*t0, *t1]);
        match [*o0, *o1, *o2] {
            // RFC 1042, and 802.1H for bridged tunnels: an EtherType follows.
            [0, 0, 0] | [0, 0, 0xf8] if number >= ETHERTYPE_MIN => Ok(Next::EtherType(number)),
            _ => self.link_protocol(number),
        }
    }

    /// PPPoE session (RFC 2516 §4) carrying PPP (RFC 1661): only IP is followed.
    fn pppoe_session(&mut self) -> Result<Next, UnparsedReason> {
        let [version_type, code, _, _, _, _, p0, p1] = self.header::<8>()?;
        if version_type != 0x11 || code != 0 {
            return Err(UnparsedReason::Malformed);
        }
        match u16::from_be_bytes([p0, p1]) {
            0x0021 => Ok(Next::Ipv4),
            0x0057 => Ok(Next::Ipv6),
            _ => self.link_protocol(0x8864),
        }
    }

    /// MPLS label stack (RFC 3032 §2.1); what lies below has no number, so its first nibble is asked (RFC 4928).
    pub(super) fn mpls(&mut self) -> Result<Next, UnparsedReason> {
        for _ in 0..super::HEADERS_MAX {
            let [_, _, bottom, _] = self.header::<4>()?;
            if bottom & 1 == 0 {
                continue;
            }
            return match self.rest.first().map(|b| b >> 4) {
                Some(4) => Ok(Next::Ipv4),
                Some(6) => Ok(Next::Ipv6),
                Some(0) => {
                    // A pseudowire control word (RFC 4385 §3), then Ethernet.
                    self.header::<4>()?;
                    self.inner_ethernet()
                }
                Some(_) => self.inner_ethernet(),
                None => Err(UnparsedReason::Truncated),
            };
        }
        Err(UnparsedReason::TooDeep)
    }

    /// A whole Ethernet frame inside: its addresses replace those of the carrier.
    pub(super) fn inner_ethernet(&mut self) -> Result<Next, UnparsedReason> {
        self.enter_tunnel();
        self.link = Link::default();
        Ok(Next::Ethernet)
    }
}
