//! The part of a frame that a parser would be given: enough dissection to seed fuzzers and checks, no more.

use crate::capture_file::{ETHERNET, Record};

const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// Below this the field is a length and an LLC header follows (IEEE 802.3, 3.2.6).
const ETHERTYPE_MIN: u16 = 0x0600;

/// What a TCP, UDP or ICMP header, an LLC/SNAP header or the Ethernet header carries; `None` for other links or when empty.
pub fn payload(record: &Record) -> Option<&[u8]> {
    if record.link != ETHERNET {
        return None;
    }
    let mut ethertype = u16_be(&record.bytes, 12)?;
    let mut rest = record.bytes.get(14..)?;
    while ethertype == ETHERTYPE_VLAN {
        ethertype = u16_be(rest, 2)?;
        rest = rest.get(4..)?;
    }
    let found = match ethertype {
        ETHERTYPE_IPV4 => ipv4(rest)?,
        ETHERTYPE_IPV6 => {
            let length = usize::from(u16_be(rest, 4)?);
            transport(*rest.get(6)?, rest.get(40..40 + length)?)?
        }
        length if length < ETHERTYPE_MIN => rest.get(8..usize::from(length))?,
        _ => rest,
    };
    (!found.is_empty()).then_some(found)
}

/// Both ends of a TCP or UDP frame's conversation, the lesser first, so that its two directions are one; `None` for others.
pub fn conversation(record: &Record) -> Option<[(Vec<u8>, u16); 2]> {
    let mut ethertype = u16_be(&record.bytes, 12)?;
    let mut rest = record.bytes.get(14..)?;
    while ethertype == ETHERTYPE_VLAN {
        ethertype = u16_be(rest, 2)?;
        rest = rest.get(4..)?;
    }
    let (protocol, source, target, segment) = match ethertype {
        ETHERTYPE_IPV4 => {
            let header = usize::from(rest.first()? & 15) * 4;
            (*rest.get(9)?, rest.get(12..16)?, rest.get(16..20)?, rest.get(header..)?)
        }
        ETHERTYPE_IPV6 => (*rest.get(6)?, rest.get(8..24)?, rest.get(24..40)?, rest.get(40..)?),
        _ => return None,
    };
    let mut ends = [(source.to_vec(), u16_be(segment, 0)?), (target.to_vec(), u16_be(segment, 2)?)];
    ends.sort();
    matches!(protocol, 6 | 17).then_some(ends)
}

fn ipv4(packet: &[u8]) -> Option<&[u8]> {
    let header = usize::from(packet.first()? & 15) * 4;
    let total = usize::from(u16_be(packet, 2)?);
    let is_later_fragment = u16_be(packet, 6)? & 0x1fff != 0;
    if is_later_fragment { None } else { transport(*packet.get(9)?, packet.get(header..total)?) }
}

fn transport(protocol: u8, segment: &[u8]) -> Option<&[u8]> {
    match protocol {
        6 => segment.get(usize::from(segment.get(12)? >> 4) * 4..),
        17 => segment.get(8..),
        _ => Some(segment),
    }
}

fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(ethertype: u16, rest: &[u8]) -> Record {
        let bytes = [&[0; 12][..], &ethertype.to_be_bytes(), rest].concat();
        Record { at_ns: 0, link: ETHERNET, wire_bytes: 0, bytes }
    }

    #[test]
    fn finds_the_payload_behind_each_header() {
        let udp =
            [&[0x45, 0, 0, 31, 0, 0, 0, 0, 64, 17, 0, 0][..], &[0; 8], &[0; 8], b"dns", b"pad"].concat();
        assert_eq!(payload(&frame(0x0800, &udp)), Some(&b"dns"[..]));
        let tagged = [&[0, 7, 0x08, 0x00][..], &udp].concat();
        assert_eq!(payload(&frame(0x8100, &tagged)), Some(&b"dns"[..]));
        let tcp =
            [&[0x45, 0, 0, 44, 0, 0, 0, 0, 64, 6, 0, 0][..], &[0; 20], &[0x50], &[0; 7], b"hl7!"].concat();
        assert_eq!(payload(&frame(0x0800, &tcp)), Some(&b"hl7!"[..]));
        assert_eq!(payload(&frame(0x88cc, b"lldp")), Some(&b"lldp"[..]));
        assert_eq!(payload(&frame(11, b"LLCSNAP!cdppad")), Some(&b"cdp"[..]));
        assert_eq!(payload(&frame(0x0800, &udp[..20])), None);
    }

    #[test]
    fn both_directions_are_one_conversation() {
        let udp = |source: [u8; 4], target: [u8; 4], ports: [u8; 4]| {
            let ip = [&[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0][..], &source, &target].concat();
            frame(0x0800, &[&ip[..], &ports, &[0; 4]].concat())
        };
        let there = conversation(&udp([10, 0, 0, 1], [10, 0, 0, 2], [0x9c, 0x40, 0, 53])).unwrap();
        let back = conversation(&udp([10, 0, 0, 2], [10, 0, 0, 1], [0, 53, 0x9c, 0x40])).unwrap();
        assert_eq!(there, back);
        assert_eq!((there[0].1, there[1].1), (40_000, 53));
        assert_eq!(conversation(&frame(0x0806, &[0; 28])), None);
    }
}
