//! LLDP: devices tell their neighbour who they are, by name, model, serial number, software and place. In a hospital it
//! names switches, phones, access points and bedside hubs without a question asked. It must not be taken for proof: any
//! host on the link may write what it likes. IEEE Std 802.1AB-2016; LLDP-MED is ANSI/TIA-1057, its addresses RFC 4776.

mod med;
mod parse;
#[cfg(test)]
mod tests;

pub use med::{CivicElements, Coordinates, Location};
pub use parse::{Tlvs, parse, probe};

use model::MacAddr;
use std::net::IpAddr;

/// Most TLVs in one LLDPDU, in TLVs. Devices in the field send fewer than forty.
pub const TLVS_MAX: usize = 256;

/// One LLDPDU, borrowed from the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The box (§8.5.2).
    pub chassis: Id<'a>,
    /// The port it was sent from (§8.5.3).
    pub port: Id<'a>,
    /// How long it holds, in seconds; 0 takes everything back (§8.5.4).
    pub ttl_s: u16,
    /// What else it says.
    pub tlvs: Tlvs<'a>,
}

/// A chassis or port identifier (tables 8-2 and 8-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id<'a> {
    /// A link address.
    Mac(MacAddr),
    /// A network address.
    Ip(IpAddr),
    /// ifName, ifAlias or the name of a component: made for people.
    Name(&'a [u8]),
    /// Locally assigned, circuit ID, or a network address of another family: often a bare number.
    Local(&'a [u8]),
}

/// One TLV after the mandatory three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tlv<'a> {
    /// 4: ifDescr of the port.
    PortDescription(&'a [u8]),
    /// 5: sysName.
    SystemName(&'a [u8]),
    /// 6: sysDescr.
    SystemDescription(&'a [u8]),
    /// 7: what it could be and what it is.
    Capabilities {
        /// What it can do.
        supported: Capabilities,
        /// What it does.
        enabled: Capabilities,
    },
    /// 8: where it is managed.
    ManagementAddress(Management),
    /// 802.1, subtype 1: VLAN of untagged frames; 0 means not supported.
    PortVlan(u16),
    /// 802.1, subtype 3.
    VlanName {
        /// VLAN identifier.
        vlan: u16,
        /// Its name.
        name: &'a [u8],
    },
    /// 802.3, subtype 1: auto-negotiation.
    MacPhy {
        /// Supported (bit 0) and enabled (bit 1).
        auto_negotiation: u8,
        /// The MAU type in use (RFC 4836).
        mau_type: u16,
    },
    /// 802.3, subtype 4.
    MaximumFrameBytes(u16),
    /// LLDP-MED 1: capabilities and class.
    MedCapabilities {
        /// Which MED TLVs it knows.
        capabilities: u16,
        /// 1–3 endpoint classes I–III, 4 network connectivity.
        class: u8,
    },
    /// LLDP-MED 3: where it stands.
    MedLocation(Location<'a>),
    /// LLDP-MED 5–11: what is written on its type plate.
    MedInventory(Inventory, &'a [u8]),
    /// Known to others (PROFINET, OpenFlow, MED policy and power) but not read here, or contradicting its standard.
    Other(u8),
}

/// What an LLDP-MED inventory TLV is about (TIA-1057 §10.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inventory {
    /// Subtype 5.
    HardwareRevision,
    /// Subtype 6.
    FirmwareRevision,
    /// Subtype 7.
    SoftwareRevision,
    /// Subtype 8.
    SerialNumber,
    /// Subtype 9.
    Manufacturer,
    /// Subtype 10.
    Model,
    /// Subtype 11: the owner's tag.
    AssetId,
}

/// A management address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Management {
    /// Over IP.
    Ip(IpAddr),
    /// Over the link.
    Mac(MacAddr),
}

/// System capabilities (table 8-4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(pub u16);

impl Capabilities {
    const WORDS: [(u16, &'static str); 11] = [
        (0x0001, "other"),
        (0x0002, "repeater"),
        (0x0004, "bridge"),
        (0x0008, "wlan access point"),
        (0x0010, "router"),
        (0x0020, "telephone"),
        (0x0040, "cable device"),
        (0x0080, "station only"),
        (0x0100, "c-vlan component"),
        (0x0200, "s-vlan component"),
        (0x0400, "two-port mac relay"),
    ];

    /// Each capability in a word or two, in the standard's order. Reserved bits have no word.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::WORDS.into_iter().filter(move |(bit, _)| self.0 & bit != 0).map(|(_, word)| word)
    }
}
