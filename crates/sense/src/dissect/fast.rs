//! The shape of nearly every frame, in one step: Ethernet, at most one 802.1Q tag, IPv4 without options or fragments,
//! TCP or UDP. Anything else is left to the walk. INVARIANT: where this answers, the walk answers the same (tests).

use super::{Content, Ip, IpPacket, Link, Packet, TcpFlags, TcpSegment, Transported, UdpDatagram};
use model::{MacAddr, Vlan};

/// Ports that may lead to a tunnel.
const TUNNEL_PORTS: [u16; 4] = [4789, 8472, 6081, 3544];

#[inline]
pub(super) fn dissect(bytes: &[u8]) -> Option<Packet<'_>> {
    let (&[d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1], rest) =
        bytes.split_first_chunk::<14>()?;
    let (vlan, rest) = match [t0, t1] {
        [0x08, 0x00] => (None, rest),
        [0x81, 0x00] => {
            let (&[v0, v1, 0x08, 0x00], rest) = rest.split_first_chunk::<4>()? else { return None };
            (Vlan::new(u16::from_be_bytes([v0, v1]) & 0x0fff), rest)
        }
        _ => return None,
    };
    let link = Link {
        source: Some(MacAddr::new([s0, s1, s2, s3, s4, s5])),
        destination: Some(MacAddr::new([d0, d1, d2, d3, d4, d5])),
        vlan,
    };
    let content = Content::Ip(ipv4(rest)?);
    Some(Packet { link, carrier: None, content })
}

#[inline]
fn ipv4(packet: &[u8]) -> Option<IpPacket<'_>> {
    let (header, body) = packet.split_first_chunk::<20>()?;
    let &[0x45, _, t0, t1, i0, i1, f0, f1, ttl, protocol, _, _, a, b, c, d, e, f, g, h] = header else {
        return None;
    };
    let total = usize::from(u16::from_be_bytes([t0, t1]));
    // More fragments, or an offset.
    if u16::from_be_bytes([f0, f1]) & 0x3fff != 0 {
        return None;
    }
    let body = body.get(..total.checked_sub(20)?)?;
    let transport = match protocol {
        6 => tcp(body)?,
        17 => udp(body)?,
        _ => return None,
    };
    Some(IpPacket {
        source: Ip::v4([a, b, c, d]),
        destination: Ip::v4([e, f, g, h]),
        ttl,
        id: u16::from_be_bytes([i0, i1]),
        bytes: total as u32,
        transport,
    })
}

#[inline]
fn tcp(segment: &[u8]) -> Option<Transported<'_>> {
    let (header, _) = segment.split_first_chunk::<20>()?;
    let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, _, _, _, _, _, _] = header;
    let header_bytes = usize::from(offset >> 4) * 4;
    if header_bytes < 20 {
        return None;
    }
    Some(Transported::Tcp(TcpSegment {
        source_port: u16::from_be_bytes([s0, s1]),
        destination_port: u16::from_be_bytes([d0, d1]),
        sequence: u32::from_be_bytes([q0, q1, q2, q3]),
        acknowledgement: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: TcpFlags(flags),
        payload: segment.get(header_bytes..)?,
        cut_bytes: 0,
    }))
}

#[inline]
fn udp(datagram: &[u8]) -> Option<Transported<'_>> {
    let (&[s0, s1, d0, d1, l0, l1, c0, c1], payload) = datagram.split_first_chunk::<8>()?;
    let (source_port, destination_port) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    if TUNNEL_PORTS.contains(&destination_port) || source_port == 3544 {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([l0, l1])).checked_sub(8)?;
    Some(Transported::Udp(UdpDatagram {
        source_port,
        destination_port,
        checksum: u16::from_be_bytes([c0, c1]),
        payload: payload.get(..length)?,
        cut_bytes: 0,
    }))
}
