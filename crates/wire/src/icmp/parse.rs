//! Bytes → [`V4`] or [`V6`].

use super::{MLD_RECORDS_MAX, NdOptions, NeighborAdvertisement, RouterAdvertisement, Unreachable, V4, V6};
use crate::{Error, Probe, Reader};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Type, code, checksum and the word that each type defines for itself.
const HEADER_BYTES: usize = 8;

/// Whether `head` is an ICMP message: a known type whose checksum is right over all of it.
pub fn probe_v4(head: &[u8]) -> Probe {
    match parse_v4(head) {
        Ok(V4::Other(_)) => Probe::NotForUs,
        Ok(_) if checksum_holds(head) => Probe::Certain,
        Ok(_) | Err(Error::Truncated { .. }) => Probe::Unsure,
        Err(_) => Probe::NotForUs,
    }
}

/// Whether `head` is an ICMPv6 message. Its checksum covers the IP addresses, so only Neighbor Discovery with all its
/// fields in order is certain.
pub fn probe_v6(head: &[u8]) -> Probe {
    match parse_v6(head) {
        Ok(V6::NeighborSolicitation { options, .. }) if options.source_link_address().is_some() => {
            Probe::Certain
        }
        Ok(V6::NeighborAdvertisement(na)) if na.options.target_link_address().is_some() => Probe::Certain,
        Ok(V6::RouterAdvertisement(ra)) if ra.options.source_link_address().is_some() => Probe::Certain,
        Ok(V6::Other(_)) => Probe::NotForUs,
        Ok(_) | Err(Error::Truncated { .. }) => Probe::Unsure,
        Err(_) => Probe::NotForUs,
    }
}

/// RFC 1071: the one's-complement sum over a message with its checksum is all ones.
fn checksum_holds(bytes: &[u8]) -> bool {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let last = odd.first().map_or(0, |&byte| u64::from(byte) << 8);
    let mut sum = pairs.iter().fold(last, |sum, &pair| sum + u64::from(u16::from_be_bytes(pair)));
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum == 0xffff
}

/// Reads the ICMP message that `datagram`, the payload of IP protocol 1, is.
///
/// # Errors
/// `Truncated` when the header of its type is cut off.
pub fn parse_v4(datagram: &[u8]) -> Result<V4, Error> {
    let mut reader = Reader::new(datagram);
    let kind = reader.u8("type")?;
    let code = reader.u8("code")?;
    reader.skip(2, "checksum")?;
    Ok(match kind {
        0 => echo(&mut reader).map(|(identifier, sequence)| V4::EchoReply { identifier, sequence })?,
        8 => echo(&mut reader).map(|(identifier, sequence)| V4::Echo { identifier, sequence })?,
        5 => V4::Redirect { gateway: reader.array::<4>("gateway address").map(Ipv4Addr::from)? },
        _ => {
            reader.skip(HEADER_BYTES - reader.at(), "rest of header")?;
            without_fields_v4(kind, code)
        }
    })
}

const fn without_fields_v4(kind: u8, code: u8) -> V4 {
    match kind {
        3 => V4::Unreachable(unreachable_v4(code)),
        4 => V4::SourceQuench,
        9 => V4::RouterAdvertisement,
        10 => V4::RouterSolicitation,
        11 => V4::TimeExceeded,
        12 => V4::ParameterProblem,
        13 => V4::Timestamp,
        14 => V4::TimestampReply,
        17 => V4::AddressMask,
        18 => V4::AddressMaskReply,
        other => V4::Other(other),
    }
}

/// RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1.
const fn unreachable_v4(code: u8) -> Unreachable {
    match code {
        0 | 1 | 5..=8 | 11 | 12 => Unreachable::Host,
        2 => Unreachable::Protocol,
        3 => Unreachable::Port,
        4 => Unreachable::FragmentationNeeded,
        9 | 10 | 13 => Unreachable::Prohibited,
        other => Unreachable::Other(other),
    }
}

/// Reads the ICMPv6 message that `datagram`, the payload of IPv6 next header 58, is.
///
/// # Errors
/// `Truncated` when the header of its type is cut off; `Malformed` when a Neighbor Discovery message must be discarded
/// (RFC 4861 §6.1, §7.1, §8.1); `Limit` beyond [`super::ND_OPTIONS_MAX`] or [`MLD_RECORDS_MAX`].
pub fn parse_v6(datagram: &[u8]) -> Result<V6<'_>, Error> {
    let mut reader = Reader::new(datagram);
    let kind = reader.u8("type")?;
    let code = reader.u8("code")?;
    reader.skip(2, "checksum")?;
    if matches!(kind, 133..=137) && code != 0 {
        return Err(Error::Malformed { what: "code", at: 1 });
    }
    Ok(match kind {
        2 => V6::PacketTooBig { mtu_bytes: reader.u32_be("mtu")? },
        128 => echo(&mut reader).map(|(identifier, sequence)| V6::Echo { identifier, sequence })?,
        129 => echo(&mut reader).map(|(identifier, sequence)| V6::EchoReply { identifier, sequence })?,
        130 => V6::ListenerQuery { group: listener_group(&mut reader)? },
        131 => V6::ListenerReport { group: listener_group(&mut reader)? },
        132 => V6::ListenerDone { group: listener_group(&mut reader)? },
        143 => V6::ListenerReportV2 { records: listener_records(&mut reader)? },
        133 => {
            reader.skip(4, "reserved")?;
            V6::RouterSolicitation(NdOptions::read(&mut reader)?)
        }
        134 => V6::RouterAdvertisement(router_advertisement(&mut reader)?),
        135 => {
            reader.skip(4, "reserved")?;
            let target = unicast(&mut reader, "target address")?;
            V6::NeighborSolicitation { target, options: NdOptions::read(&mut reader)? }
        }
        136 => V6::NeighborAdvertisement(neighbor_advertisement(&mut reader)?),
        137 => redirect(&mut reader)?,
        _ => {
            reader.skip(HEADER_BYTES - reader.at(), "rest of header")?;
            match kind {
                1 => V6::Unreachable(unreachable_v6(code)),
                3 => V6::TimeExceeded,
                4 => V6::ParameterProblem,
                other => V6::Other(other),
            }
        }
    })
}

/// RFC 4443 §3.1.
const fn unreachable_v6(code: u8) -> Unreachable {
    match code {
        0 | 2 | 3 => Unreachable::Host,
        1 | 5 | 6 => Unreachable::Prohibited,
        4 => Unreachable::Port,
        other => Unreachable::Other(other),
    }
}

fn echo(reader: &mut Reader<'_>) -> Result<(u16, u16), Error> {
    Ok((reader.u16_be("identifier")?, reader.u16_be("sequence number")?))
}

/// RFC 2710 §3. The longer query of MLDv2 begins alike (RFC 3810 §5.1).
fn listener_group(reader: &mut Reader<'_>) -> Result<Ipv6Addr, Error> {
    reader.skip(4, "maximum response delay")?;
    let at = reader.at();
    let group = reader.array::<16>("multicast address").map(Ipv6Addr::from)?;
    if group.is_unspecified() || group.is_multicast() {
        Ok(group)
    } else {
        Err(Error::Malformed { what: "multicast address", at })
    }
}

/// RFC 3810 §5.2. The records name groups, not devices: they are counted and checked to be there, not read.
fn listener_records(reader: &mut Reader<'_>) -> Result<u16, Error> {
    const RECORD_BYTES: usize = 20;
    const SOURCE_BYTES: usize = 16;
    const AUXILIARY_UNIT_BYTES: usize = 4;
    reader.skip(2, "reserved")?;
    let records = reader.u16_be("number of records")?;
    if usize::from(records) > MLD_RECORDS_MAX {
        return Err(Error::Limit { what: "number of records", max: MLD_RECORDS_MAX });
    }
    for _ in 0..records {
        let mut record = reader.sub(RECORD_BYTES, "multicast address record")?;
        record.skip(1, "record type")?;
        let auxiliary = usize::from(record.u8("auxiliary data length")?) * AUXILIARY_UNIT_BYTES;
        let sources = usize::from(record.u16_be("number of sources")?) * SOURCE_BYTES;
        reader.skip(sources + auxiliary, "multicast address record")?;
    }
    Ok(records)
}

fn router_advertisement<'a>(reader: &mut Reader<'a>) -> Result<RouterAdvertisement<'a>, Error> {
    const MANAGED: u8 = 0x80;
    const OTHER: u8 = 0x40;
    let hop_limit = reader.u8("current hop limit")?;
    let flags = reader.u8("flags")?;
    let lifetime_s = reader.u16_be("router lifetime")?;
    reader.skip(8, "reachable time and retransmission timer")?;
    let options = NdOptions::read(reader)?;
    let (managed, other) = (flags & MANAGED != 0, flags & OTHER != 0);
    Ok(RouterAdvertisement { hop_limit, managed, other, lifetime_s, options })
}

fn neighbor_advertisement<'a>(reader: &mut Reader<'a>) -> Result<NeighborAdvertisement<'a>, Error> {
    const ROUTER: u8 = 0x80;
    const SOLICITED: u8 = 0x40;
    const OVERRIDE: u8 = 0x20;
    let flags = reader.u8("flags")?;
    reader.skip(3, "reserved")?;
    Ok(NeighborAdvertisement {
        router: flags & ROUTER != 0,
        solicited: flags & SOLICITED != 0,
        overrides: flags & OVERRIDE != 0,
        target: unicast(reader, "target address")?,
        options: NdOptions::read(reader)?,
    })
}

fn redirect<'a>(reader: &mut Reader<'a>) -> Result<V6<'a>, Error> {
    reader.skip(4, "reserved")?;
    let target = unicast(reader, "target address")?;
    let destination = unicast(reader, "destination address")?;
    Ok(V6::Redirect { target, destination, options: NdOptions::read(reader)? })
}

/// RFC 4861 §7.1, §8.1: a target or redirected destination is never a group.
fn unicast(reader: &mut Reader<'_>, what: &'static str) -> Result<Ipv6Addr, Error> {
    let at = reader.at();
    let address = reader.array::<16>(what).map(Ipv6Addr::from)?;
    if address.is_multicast() { Err(Error::Malformed { what, at }) } else { Ok(address) }
}
