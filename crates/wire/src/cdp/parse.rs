//! Bytes → [`Message`].

use super::{ADDRESSES_MAX, Capabilities, Duplex, Message, TLVS_MAX, Tlv};
use crate::{Error, Probe, Reader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Type and length; the length counts both.
const TLV_HEADER_BYTES: usize = 4;

/// Whether `head` is a CDP message: a known version, then a device ID and two more TLVs, all in bounds.
pub fn probe(head: &[u8]) -> Probe {
    match lead(head) {
        Ok(()) => Probe::Certain,
        Err(Error::Truncated { .. }) => Probe::Unsure,
        Err(_) => Probe::NotForUs,
    }
}

/// Devices send the device ID first. Further types are small numbers, or 0x1000 and a little for wireless.
fn lead(head: &[u8]) -> Result<(), Error> {
    const DEVICE_ID: u16 = 0x0001;
    const KNOWN_TYPE_MAX: u16 = 0x001f;
    const WIRELESS_TYPES: std::ops::RangeInclusive<u16> = 0x1000..=0x100f;
    const DEVICE_ID_BYTES_MAX: usize = 256;
    let mut reader = Reader::new(head);
    version(&mut reader)?;
    reader.skip(3, "time to live and checksum")?;
    let (kind, body) = tlv_header(&mut reader)?;
    if kind != DEVICE_ID || !(1..=DEVICE_ID_BYTES_MAX).contains(&body) {
        return Err(reader.malformed("device ID"));
    }
    reader.skip(body, "device ID")?;
    for _ in 0..2 {
        let (kind, body) = tlv_header(&mut reader)?;
        if !(1..=KNOWN_TYPE_MAX).contains(&kind) && !WIRELESS_TYPES.contains(&kind) {
            return Err(reader.malformed("TLV type"));
        }
        reader.skip(body, "TLV")?;
    }
    Ok(())
}

/// Reads the CDP message that `datagram`, the payload behind a SNAP header, is. The checksum is not verified: devices
/// compute it in two ways for odd lengths, and a wrong one would be lost on the link before it is lost here.
///
/// # Errors
/// `Malformed` for an unknown version or a TLV shorter than its header, `Truncated` when a TLV runs past the end, `Limit`
/// beyond [`TLVS_MAX`]. A known TLV whose value is not valid costs only itself.
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    let mut reader = Reader::new(datagram);
    let version = version(&mut reader)?;
    let ttl_s = reader.u8("time to live")?;
    reader.skip(2, "checksum")?;
    Ok(Message { version, ttl_s, tlvs: Tlvs::read(&mut reader)? })
}

fn version(reader: &mut Reader<'_>) -> Result<u8, Error> {
    match reader.u8("version")? {
        version @ 1..=2 => Ok(version),
        _ => Err(Error::Malformed { what: "version", at: 0 }),
    }
}

/// Type, and length of the value.
fn tlv_header(reader: &mut Reader<'_>) -> Result<(u16, usize), Error> {
    let at = reader.at();
    let kind = reader.u16_be("TLV type")?;
    let length = usize::from(reader.u16_be("TLV length")?);
    let body =
        length.checked_sub(TLV_HEADER_BYTES).ok_or(Error::Malformed { what: "TLV length", at: at + 2 })?;
    Ok((kind, body))
}

/// The TLVs of one message. INVARIANT: each lies within the bytes, and there are at most [`TLVS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlvs<'a>(&'a [u8]);

impl<'a> Tlvs<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let tlvs = Self(reader.rest());
        for _ in 0..TLVS_MAX {
            if reader.is_empty() {
                return Ok(tlvs);
            }
            let (_, body) = tlv_header(reader)?;
            reader.skip(body, "TLV")?;
        }
        if reader.is_empty() { Ok(tlvs) } else { Err(Error::Limit { what: "TLVs", max: TLVS_MAX }) }
    }

    /// Each TLV in turn.
    pub fn iter(self) -> impl Iterator<Item = Tlv<'a>> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || {
            let (kind, length) = tlv_header(&mut reader).ok()?;
            let body = reader.take(length, "TLV").ok()?;
            Some(tlv(kind, body).unwrap_or(Tlv::Other(kind)))
        })
    }
}

fn tlv(kind: u16, body: &[u8]) -> Option<Tlv<'_>> {
    let mut reader = Reader::new(body);
    Some(match kind {
        0x0001 => Tlv::DeviceId(body),
        0x0002 => Tlv::Addresses(Addresses::read(reader)?),
        0x0003 => Tlv::PortId(body),
        0x0004 => Tlv::Capabilities(Capabilities(reader.u32_be("capabilities").ok()?)),
        0x0005 => Tlv::SoftwareVersion(body),
        0x0006 => Tlv::Platform(body),
        0x000a => Tlv::NativeVlan(reader.u16_be("native VLAN").ok()?),
        0x000b => Tlv::Duplex(if reader.u8("duplex").ok()? == 0 { Duplex::Half } else { Duplex::Full }),
        0x0010 => Tlv::PowerConsumptionMilliwatts(reader.u16_be("power consumption").ok()?),
        0x0014 => Tlv::SystemName(body),
        0x0016 => Tlv::ManagementAddresses(Addresses::read(reader)?),
        // One octet says how the text is meant; it is 0 in all that is known.
        0x0017 => Tlv::Location(body.get(1..)?),
        _ => return None,
    })
}

/// A list of addresses, of which IPv4 and IPv6 are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses<'a> {
    count: u32,
    entries: &'a [u8],
}

impl<'a> Addresses<'a> {
    fn read(mut reader: Reader<'a>) -> Option<Self> {
        let count = reader.u32_be("number of addresses").ok()?;
        Some(Self { count, entries: reader.rest() })
    }

    /// Each IP address in turn, up to [`ADDRESSES_MAX`] entries or one that is cut off. The count is no more than a bound.
    pub fn iter(self) -> impl Iterator<Item = IpAddr> {
        let mut reader = Reader::new(self.entries);
        let entries = usize::try_from(self.count).unwrap_or(ADDRESSES_MAX).min(ADDRESSES_MAX);
        (0..entries).map_while(move |_| entry(&mut reader).ok()).flatten()
    }
}

/// One address with the protocol it belongs to; `None` for CLNP, AppleTalk, DECnet and their kin.
fn entry(reader: &mut Reader<'_>) -> Result<Option<IpAddr>, Error> {
    const NLPID: u8 = 1;
    const IEEE_802_2: u8 = 2;
    const NLPID_IPV4: [u8; 1] = [0xcc];
    const SNAP_IPV6: [u8; 8] = [0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00, 0x86, 0xdd];
    let kind = reader.u8("protocol type")?;
    let length = usize::from(reader.u8("protocol length")?);
    let protocol = reader.take(length, "protocol")?;
    let length = usize::from(reader.u16_be("address length")?);
    let address = reader.take(length, "address")?;
    Ok(match kind {
        NLPID if protocol == NLPID_IPV4 => {
            <[u8; 4]>::try_from(address).ok().map(|a| IpAddr::V4(Ipv4Addr::from(a)))
        }
        IEEE_802_2 if protocol == SNAP_IPV6 => {
            <[u8; 16]>::try_from(address).ok().map(|a| IpAddr::V6(Ipv6Addr::from(a)))
        }
        _ => None,
    })
}
