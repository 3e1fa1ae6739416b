//! Bytes → [`Message`].

use super::{Capabilities, Id, Inventory, Management, Message, TLVS_MAX, Tlv, med};
use crate::{Error, Probe, Reader};
use model::MacAddr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest chassis or port identifier with its subtype, in bytes (§8.5.2.1).
const ID_BYTES_MAX: usize = 256;

const END: u8 = 0;
const CHASSIS_ID: u8 = 1;
const PORT_ID: u8 = 2;
const TTL: u8 = 3;
const ORGANIZATIONALLY_SPECIFIC: u8 = 127;

const IEEE_802_1: [u8; 3] = [0x00, 0x80, 0xc2];
const IEEE_802_3: [u8; 3] = [0x00, 0x12, 0x0f];
const TIA_MED: [u8; 3] = [0x00, 0x12, 0xbb];

/// Whether `head` is an LLDPDU: the three mandatory TLVs in their order, each of an allowed length and subtype.
pub fn probe(head: &[u8]) -> Probe {
    let mut reader = Reader::new(head);
    match mandatory(&mut reader) {
        Ok(_) => Probe::Certain,
        Err(Error::Truncated { .. }) => Probe::Unsure,
        Err(_) => Probe::NotForUs,
    }
}

/// Reads the LLDPDU that `datagram`, the payload of EtherType 0x88cc, is. Whatever follows its end is padding.
///
/// # Errors
/// `Malformed` when a mandatory TLV is missing, out of order or not valid (§9.2.7.7.1), `Truncated` when a TLV runs past the
/// end, `Limit` beyond [`TLVS_MAX`]. An optional TLV that is not valid costs only itself.
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    let mut reader = Reader::new(datagram);
    let (chassis, port, ttl_s) = mandatory(&mut reader)?;
    Ok(Message { chassis, port, ttl_s, tlvs: Tlvs::read(&mut reader)? })
}

fn mandatory<'a>(reader: &mut Reader<'a>) -> Result<(Id<'a>, Id<'a>, u16), Error> {
    let chassis = id(reader, CHASSIS_ID, "chassis ID")?;
    let port = id(reader, PORT_ID, "port ID")?;
    let mut ttl = expect(reader, TTL, "time to live")?;
    Ok((chassis, port, ttl.u16_be("time to live")?))
}

fn id<'a>(reader: &mut Reader<'a>, kind: u8, what: &'static str) -> Result<Id<'a>, Error> {
    let at = reader.at();
    let mut body = expect(reader, kind, what)?;
    let subtype = body.u8(what)?;
    let value = body.rest();
    let id = match (kind, subtype) {
        (CHASSIS_ID, 4) | (PORT_ID, 3) => mac(value).map(Id::Mac),
        (CHASSIS_ID, 5) | (PORT_ID, 4) => Some(network_address(value).map_or(Id::Local(value), Id::Ip)),
        (CHASSIS_ID, 1..=3 | 6) | (PORT_ID, 1 | 2 | 5) => Some(Id::Name(value)),
        (CHASSIS_ID, 7) | (PORT_ID, 6 | 7) => Some(Id::Local(value)),
        _ => None,
    };
    id.ok_or(Error::Malformed { what, at })
}

/// The body of the TLV at the front, which must be of type `kind`.
fn expect<'a>(reader: &mut Reader<'a>, kind: u8, what: &'static str) -> Result<Reader<'a>, Error> {
    let at = reader.at();
    // Decided on the first byte: the probe runs on anything.
    if reader.peek().is_some_and(|first| first >> 1 != kind) {
        return Err(Error::Malformed { what, at });
    }
    let (_, length) = header(reader)?;
    // A subtype and at least one octet, or the two octets of the time to live.
    if length < 2 || (kind != TTL && length > ID_BYTES_MAX) {
        return Err(Error::Malformed { what, at });
    }
    reader.sub(length, what)
}

/// Type (7 bits) and length (9 bits), §8.4.
fn header(reader: &mut Reader<'_>) -> Result<(u8, usize), Error> {
    let word = reader.u16_be("TLV header")?;
    Ok(((word >> 9) as u8, usize::from(word & 0x01ff)))
}

/// The TLVs after the mandatory three. INVARIANT: each lies within the bytes, and there are at most [`TLVS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlvs<'a>(&'a [u8]);

impl<'a> Tlvs<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let start = *reader;
        for _ in 0..TLVS_MAX {
            let end = reader.at() - start.at();
            // The End Of LLDPDU TLV is optional; a frame may simply end (§8.5.1).
            if reader.is_empty() || reader.peek() == Some(END) {
                return Ok(Self(start.rest().get(..end).unwrap_or_default()));
            }
            let (_, length) = header(reader)?;
            reader.skip(length, "TLV")?;
        }
        Err(Error::Limit { what: "TLVs", max: TLVS_MAX })
    }

    /// Each TLV in turn.
    pub fn iter(self) -> impl Iterator<Item = Tlv<'a>> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || {
            let (kind, length) = header(&mut reader).ok()?;
            let body = reader.take(length, "TLV").ok()?;
            Some(tlv(kind, body).unwrap_or(Tlv::Other(kind)))
        })
    }
}

fn tlv(kind: u8, body: &[u8]) -> Option<Tlv<'_>> {
    Some(match kind {
        4 => Tlv::PortDescription(body),
        5 => Tlv::SystemName(body),
        6 => Tlv::SystemDescription(body),
        7 => {
            let mut reader = Reader::new(body);
            let supported = reader.u16_be("system capabilities").map(Capabilities).ok()?;
            let enabled = reader.u16_be("enabled capabilities").map(Capabilities).ok()?;
            Tlv::Capabilities { supported, enabled }
        }
        8 => Tlv::ManagementAddress(management(body)?),
        ORGANIZATIONALLY_SPECIFIC => organization(body)?,
        _ => return None,
    })
}

/// §8.5.9: a length that counts the family octet, the family (IANA address family numbers) and the address.
fn management(body: &[u8]) -> Option<Management> {
    let mut reader = Reader::new(body);
    let length = reader.u8("management address length").ok()?;
    match reader.take(usize::from(length), "management address").ok()? {
        [6, address @ ..] => mac(address).map(Management::Mac),
        address => network_address(address).map(Management::Ip),
    }
}

fn mac(octets: &[u8]) -> Option<MacAddr> {
    octets.try_into().ok().map(MacAddr::new)
}

/// An address behind its IANA address family number: 1 is IPv4, 2 is IPv6.
fn network_address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes {
        [1, address @ ..] => <[u8; 4]>::try_from(address).ok().map(|a| IpAddr::V4(Ipv4Addr::from(a))),
        [2, address @ ..] => <[u8; 16]>::try_from(address).ok().map(|a| IpAddr::V6(Ipv6Addr::from(a))),
        _ => None,
    }
}

fn organization(body: &[u8]) -> Option<Tlv<'_>> {
    let mut reader = Reader::new(body);
    let oui = reader.array("organizationally unique identifier").ok()?;
    let subtype = reader.u8("subtype").ok()?;
    match oui {
        IEEE_802_1 => ieee_802_1(subtype, &mut reader),
        IEEE_802_3 => ieee_802_3(subtype, &mut reader),
        TIA_MED => tia_med(subtype, &mut reader),
        _ => None,
    }
}

/// IEEE Std 802.1Q-2018 annex D.
fn ieee_802_1<'a>(subtype: u8, reader: &mut Reader<'a>) -> Option<Tlv<'a>> {
    match subtype {
        1 => reader.u16_be("port VLAN").ok().map(Tlv::PortVlan),
        3 => {
            let vlan = reader.u16_be("VLAN").ok()?;
            let length = reader.u8("VLAN name length").ok()?;
            let name = reader.take(usize::from(length), "VLAN name").ok()?;
            Some(Tlv::VlanName { vlan, name })
        }
        _ => None,
    }
}

/// IEEE Std 802.3-2018 §79.3.
fn ieee_802_3<'a>(subtype: u8, reader: &mut Reader<'a>) -> Option<Tlv<'a>> {
    match subtype {
        1 => {
            let auto_negotiation = reader.u8("auto-negotiation").ok()?;
            reader.skip(2, "advertised capability").ok()?;
            let mau_type = reader.u16_be("operational MAU type").ok()?;
            Some(Tlv::MacPhy { auto_negotiation, mau_type })
        }
        4 => reader.u16_be("maximum frame size").ok().map(Tlv::MaximumFrameBytes),
        _ => None,
    }
}

/// TIA-1057 §10.2.
fn tia_med<'a>(subtype: u8, reader: &mut Reader<'a>) -> Option<Tlv<'a>> {
    let about = match subtype {
        1 => {
            let capabilities = reader.u16_be("MED capabilities").ok()?;
            let class = reader.u8("device class").ok()?;
            return Some(Tlv::MedCapabilities { capabilities, class });
        }
        3 => return med::location(reader).ok().map(Tlv::MedLocation),
        5 => Inventory::HardwareRevision,
        6 => Inventory::FirmwareRevision,
        7 => Inventory::SoftwareRevision,
        8 => Inventory::SerialNumber,
        9 => Inventory::Manufacturer,
        10 => Inventory::Model,
        11 => Inventory::AssetId,
        _ => return None,
    };
    Some(Tlv::MedInventory(about, reader.rest()))
}
