//! A card: what is concluded of a device, short enough to stand in a list and to be kept for every day of the past.
//!
//! It must not hold what grows with traffic (times, counters): a card that says the same is not written again.

use crate::{Attribute, Claim, Conflict, Device, Protocol};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Names, protocols, VLANs and conflicts of a card, each.
const ITEMS_MAX: usize = 32;

/// What is concluded of a device. `None` and empty: nothing was heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    /// Names, best first; at most 32.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<SmolStr>,
    /// What it says it is, in one line: maker and model first, then type, then software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says: Option<SmolStr>,
    /// Maker, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<SmolStr>,
    /// Model, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<SmolStr>,
    /// Serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<SmolStr>,
    /// Asset tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<SmolStr>,
    /// Software and its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<SmolStr>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<SmolStr>,
    /// Type that it announces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<SmolStr>,
    /// Where it says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<SmolStr>,
    /// Protocols it took part in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<Protocol>,
    /// VLANs it was seen in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vlans: Vec<u16>,
    /// Claims that contradict each other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Patient data was sent by it in clear.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub phi_in_clear: bool,
}

impl Card {
    /// The card of a device; what it says it is is for whoever judges to add.
    pub fn of(device: &Device) -> Self {
        let best = |attribute| best(&device.claims, attribute);
        let software = match (best(Attribute::SoftwareName), best(Attribute::SoftwareVersion)) {
            (Some(name), Some(version)) => Some(smol_str::format_smolstr!("{name} {version}")),
            (name, version) => name.or(version),
        };
        let mut vlans: Vec<u16> = device.addresses.iter().filter_map(|a| a.vlan).map(|v| v.id()).collect();
        vlans.sort_unstable();
        vlans.dedup();
        vlans.truncate(ITEMS_MAX);
        Self {
            names: device.names.iter().take(ITEMS_MAX).cloned().collect(),
            says: None,
            manufacturer: best(Attribute::Manufacturer),
            model: best(Attribute::Model),
            serial: best(Attribute::SerialNumber),
            asset: best(Attribute::AssetId),
            software,
            os: best(Attribute::OperatingSystem),
            kind: best(Attribute::DeviceType),
            location: best(Attribute::Location),
            protocols: device.protocols.iter().take(ITEMS_MAX).copied().collect(),
            vlans,
            conflicts: device.conflicts.iter().take(ITEMS_MAX).cloned().collect(),
            phi_in_clear: device.phi_in_clear,
        }
    }
}

/// The value that Ward believes most: by confidence, then the one heard first.
fn best(claims: &[Claim], attribute: Attribute) -> Option<SmolStr> {
    let of_it = claims.iter().filter(|claim| claim.attribute == attribute);
    let best = of_it.max_by(|a, b| {
        a.confidence
            .cmp(&b.confidence)
            .then_with(|| b.first_seen.cmp(&a.first_seen))
            .then_with(|| b.value.cmp(&a.value))
    });
    best.map(|claim| claim.value.clone())
}
