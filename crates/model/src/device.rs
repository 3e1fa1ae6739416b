//! Devices, and what is claimed of them. A device is not an address.

use crate::{Address, Attribute, MacAddr, Protocol, Timestamp, Vlan};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::{fmt, net::IpAddr};

/// Identity of a device within one inventory, derived from what first named it (never from order or chance).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u64);

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d-{:016x}", self.0)
    }
}

/// The text is no device id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADeviceId;

impl fmt::Display for NotADeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a device id is written d- and 16 hexadecimal digits")
    }
}

impl std::error::Error for NotADeviceId {}

impl std::str::FromStr for DeviceId {
    type Err = NotADeviceId;

    fn from_str(text: &str) -> Result<Self, NotADeviceId> {
        let digits = text.strip_prefix("d-").ok_or(NotADeviceId)?;
        u64::from_str_radix(digits, 16).map(Self).map_err(|_| NotADeviceId)
    }
}

impl Serialize for DeviceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One value of one attribute, with where it comes from and since when it has been heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed.
    pub attribute: Attribute,
    /// The value in the speaker's own words.
    pub value: SmolStr,
    /// The protocol that carried it.
    pub source: Protocol,
    /// First heard.
    pub first_seen: Timestamp,
    /// Last heard.
    pub last_seen: Timestamp,
    /// 0–100, from the kind of evidence (domain: protocol-native identity > banner > DHCP > prefix).
    pub confidence: u8,
}

/// Claims of one device that cannot all be true; the losers stay visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What they disagree about.
    pub attribute: Attribute,
    /// The value that Ward shows, and why it won.
    pub chosen: SmolStr,
    /// The values that lost.
    pub others: Vec<SmolStr>,
    /// Why the chosen one won, in words.
    pub reason: SmolStr,
}

/// An address under which a device was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAddress {
    /// The link address, where the device is on a captured link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// The network address, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// The VLAN, where frames were tagged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<Vlan>,
    /// First seen so.
    pub first_seen: Timestamp,
    /// Last seen so.
    pub last_seen: Timestamp,
}

/// One device and everything claimed of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Identity.
    pub id: DeviceId,
    /// What first named it: its MAC, its IP behind a router, or an equipment identifier behind a gateway.
    pub key: DeviceKey,
    /// Addresses, by first seen.
    pub addresses: Vec<DeviceAddress>,
    /// Best names, best first.
    pub names: Vec<SmolStr>,
    /// Maker of the network interface by the IEEE registry; `None` for randomised or unlisted prefixes.
    pub vendor: Option<SmolStr>,
    /// Forwards for others.
    pub is_router: bool,
    /// Reached through this device (gateway that speaks for it, or router in front of it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<DeviceId>,
    /// Protocols it took part in.
    pub protocols: Vec<Protocol>,
    /// Every claim, winners and losers.
    pub claims: Vec<Claim>,
    /// Claims that contradict each other.
    pub conflicts: Vec<Conflict>,
    /// Patient data was sent by it in clear.
    pub phi_in_clear: bool,
    /// First frame.
    pub first_seen: Timestamp,
    /// Last frame.
    pub last_seen: Timestamp,
    /// Packets it sent.
    pub packets_sent: u64,
    /// Bytes it sent.
    pub bytes_sent: u64,
}

/// What named a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKey {
    /// An address on the link or behind a router.
    Address(Address),
    /// An equipment identifier that a gateway spoke for (HL7 OBX-18, PRT-10).
    Equipment(SmolStr),
}
