//! Names, confidences, conflicts and identities drawn from claims. The weights are those of docs/design/0004-evidence.md:
//! protocol-native identity before banner, banner before DHCP, DHCP before address prefix.

use super::card::claim;
use super::subject::Heard;
use model::{Attribute, Claim, Conflict, DeviceId, DeviceKey, DomainId, Protocol};
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeMap;

/// Weight of a claim that is most likely about another device. It is shown, but it neither names nor contradicts.
pub const FORWARDED_CONFIDENCE: u8 = 10;

/// The claims of a device: the same value from one source once, with the span over all its addresses; best first
/// within an attribute.
pub(super) fn claims<'h>(heard: impl Iterator<Item = &'h Heard>) -> Vec<Claim> {
    let mut merged: BTreeMap<(Attribute, SmolStr, Protocol), Claim> = BTreeMap::new();
    for heard in heard {
        let fresh = claim(heard, confidence(heard.attribute, heard.source));
        merged
            .entry((heard.attribute, heard.value.clone(), heard.source))
            .and_modify(|known| {
                known.first_seen = known.first_seen.min(fresh.first_seen);
                known.last_seen = known.last_seen.max(fresh.last_seen);
            })
            .or_insert(fresh);
    }
    let mut claims: Vec<Claim> = merged.into_values().collect();
    weigh_forwarded(&mut claims);
    claims.sort_by(|a, b| {
        let rank = |c: &Claim| (c.attribute, std::cmp::Reverse(c.confidence));
        rank(a).cmp(&rank(b)).then_with(|| a.value.cmp(&b.value)).then_with(|| a.source.cmp(&b.source))
    });
    claims
}

/// An archive that forwards images repeats what the images say of the scanners that made them. Several serial numbers or
/// models out of images mean that none of them is the sender's own.
fn weigh_forwarded(claims: &mut [Claim]) {
    const OF_THE_IMAGE: [Attribute; 6] = [
        Attribute::Manufacturer,
        Attribute::Model,
        Attribute::SerialNumber,
        Attribute::StationName,
        Attribute::SoftwareVersion,
        Attribute::DeviceType,
    ];
    let is_image = |c: &Claim| c.source == Protocol::Dicom && OF_THE_IMAGE.contains(&c.attribute);
    let several = [Attribute::Model, Attribute::SerialNumber]
        .into_iter()
        .any(|attribute| claims.iter().filter(|c| is_image(c) && c.attribute == attribute).count() > 1);
    if several {
        claims.iter_mut().filter(|c| is_image(c)).for_each(|c| c.confidence = FORWARDED_CONFIDENCE);
    }
}

/// How much a claim weighs, 0–100.
pub(crate) const fn confidence(attribute: Attribute, source: Protocol) -> u8 {
    match (attribute, source) {
        (Attribute::Udi | Attribute::EquipmentId, _) => 95,
        (Attribute::SerialNumber, _) => 90,
        (_, Protocol::Dicom | Protocol::Hl7v2) => 90,
        (_, Protocol::Lldp | Protocol::Cdp | Protocol::Snmp) => 85,
        (_, Protocol::WsDiscovery) => 80,
        (_, Protocol::Mdns | Protocol::Ssdp | Protocol::Smb) => 75,
        (_, Protocol::Ssh | Protocol::Tls | Protocol::Mqtt) => 70,
        (_, Protocol::Http) => 60,
        (_, Protocol::Dhcpv4 | Protocol::Dhcpv6) => 55,
        (_, Protocol::Nbns | Protocol::Llmnr) => 50,
        _ => 40,
    }
}

/// Names listed of one device.
const NAMES_MAX: usize = 16;

/// What a person would call it, best first: its own host names, then names within protocols.
pub(super) fn names(claims: &[Claim]) -> Vec<SmolStr> {
    const NAMING: [Attribute; 9] = [
        Attribute::HostName,
        Attribute::SnmpName,
        Attribute::DhcpFqdn,
        Attribute::StationName,
        Attribute::AeTitle,
        Attribute::Hl7Application,
        Attribute::MqttClientId,
        Attribute::ServiceInstance,
        Attribute::CertificateSubject,
    ];
    let mut names: Vec<SmolStr> = Vec::new();
    for attribute in NAMING {
        for claim in claims.iter().filter(|c| c.attribute == attribute && is_a_name(c)) {
            if names.len() < NAMES_MAX && !names.iter().any(|known| known.eq_ignore_ascii_case(&claim.value))
            {
                names.push(claim.value.clone());
            }
        }
    }
    names
}

/// Identifiers made for machines are no names, and neither is what others are called.
fn is_a_name(claim: &Claim) -> bool {
    let value = claim.value.as_str();
    let is_for_machines = value.starts_with("urn:") || value.starts_with("uuid:") || value.len() > 64;
    !is_for_machines && claim.confidence > FORWARDED_CONFIDENCE
}

/// Claims that cannot all be true, with the one Ward shows and why.
pub(super) fn conflicts(claims: &[Claim]) -> Vec<Conflict> {
    const SINGLE: [Attribute; 3] = [Attribute::Manufacturer, Attribute::Model, Attribute::SerialNumber];
    let mut conflicts = Vec::new();
    for attribute in SINGLE {
        // Sorted best first by `claims`.
        let mut rivals =
            claims.iter().filter(|c| c.attribute == attribute && c.confidence > FORWARDED_CONFIDENCE);
        let Some(chosen) = rivals.next() else { continue };
        let mut others: Vec<SmolStr> =
            rivals.filter(|c| !is_same(&c.value, &chosen.value)).map(|c| c.value.clone()).collect();
        others.sort();
        others.dedup();
        if !others.is_empty() {
            let reason = format_smolstr!("{} weighs most ({} of 100)", chosen.source, chosen.confidence);
            conflicts.push(Conflict { attribute, chosen: chosen.value.clone(), others, reason });
        }
    }
    conflicts
}

/// Spelling and company suffixes apart ("ACME Medical" and "ACME Medical GmbH" agree).
fn is_same(a: &str, b: &str) -> bool {
    let fold = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let (a, b) = (fold(a), fold(b));
    a == b || (a.len().min(b.len()) >= 3 && (a.contains(&b) || b.contains(&a)))
}

/// Models, and serial numbers, that one device may have for itself.
const OWN_IDENTITIES_MAX: usize = 4;
/// Identities of one device; more are those of others.
const STRONG_IDENTITIES_MAX: usize = OWN_IDENTITIES_MAX * OWN_IDENTITIES_MAX;

/// What an endpoint says that may tell it from all others, each list ascending, without repetition, and cut one beyond
/// what a device may have for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identities {
    serials: Vec<SmolStr>,
    models: Vec<SmolStr>,
    uuids: Vec<SmolStr>,
}

/// The part that a claim can play in an identity.
enum Part {
    Serial,
    Model,
    Uuid,
}

/// Images and messages tell of other devices: an archive is not the scanner whose images it forwards.
fn part(attribute: Attribute, source: Protocol, value: &str) -> Option<Part> {
    match attribute {
        _ if matches!(source, Protocol::Dicom | Protocol::Hl7v2) => None,
        Attribute::SerialNumber if is_telling(value) => Some(Part::Serial),
        Attribute::Model => Some(Part::Model),
        Attribute::ServiceInstance if value.starts_with("urn:uuid:") => Some(Part::Uuid),
        _ => None,
    }
}

/// Whether such a claim can make two endpoints one device.
pub(crate) fn bears_on_identity(attribute: Attribute, source: Protocol, value: &str) -> bool {
    part(attribute, source, value).is_some()
}

/// Whether such a claim makes a router of who says it.
pub(crate) fn says_it_routes(attribute: Attribute, value: &str) -> bool {
    attribute == Attribute::ServiceType && value == "ipv6 router"
}

impl Identities {
    pub(super) fn of<'h>(heard: impl Iterator<Item = &'h Heard>) -> Self {
        let mut found = Self::default();
        for heard in heard {
            match part(heard.attribute, heard.source, &heard.value) {
                Some(Part::Serial) => found.serials.push(heard.value.clone()),
                Some(Part::Model) => found.models.push(heard.value.clone()),
                Some(Part::Uuid) => found.uuids.push(SmolStr::new(heard.value.to_ascii_lowercase())),
                None => {}
            }
        }
        found.tidy();
        found
    }

    fn tidy(&mut self) {
        let lists = [
            (&mut self.serials, OWN_IDENTITIES_MAX),
            (&mut self.models, OWN_IDENTITIES_MAX),
            (&mut self.uuids, STRONG_IDENTITIES_MAX),
        ];
        for (list, most) in lists {
            list.sort();
            list.dedup();
            list.truncate(most + 1);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.serials.is_empty() && self.models.is_empty() && self.uuids.is_empty()
    }

    /// Adds those of another endpoint of the same device.
    pub(super) fn add(&mut self, other: &Self) {
        self.serials.extend(other.serials.iter().cloned());
        self.models.extend(other.models.iter().cloned());
        self.uuids.extend(other.uuids.iter().cloned());
        self.tidy();
    }

    /// Identities that no two devices share: a serial number with its model, a device UUID it announces.
    pub(super) fn strong(&self) -> Vec<SmolStr> {
        let mut strong = self.uuids.clone();
        // Many serial numbers are those of others, and every pair of many would be too many.
        if self.models.len() <= OWN_IDENTITIES_MAX && self.serials.len() <= OWN_IDENTITIES_MAX {
            for serial in &self.serials {
                strong.extend(self.models.iter().map(|model| format_smolstr!("{model}\u{1f}{serial}")));
            }
        }
        strong.sort();
        strong.dedup();
        if strong.len() > STRONG_IDENTITIES_MAX { Vec::new() } else { strong }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let lists = [&self.serials, &self.models, &self.uuids];
        lists.into_iter().flatten().map(|text| size_of::<SmolStr>() + text.len()).sum()
    }
}

/// A serial number that is more than a placeholder.
fn is_telling(serial: &str) -> bool {
    let digits = serial.chars().filter(char::is_ascii_alphanumeric).count();
    let first = serial.chars().next();
    digits >= 5 && serial.chars().any(|c| Some(c) != first)
}

/// Derived from what named the device, so that two runs over one capture agree. FNV-1a, 64 bits: it need not be secret.
///
/// `again` counts the ids that were taken: the address named a device before, which has moved on under its id.
pub(crate) fn device_id(domain: DomainId, key: &DeviceKey, again: u32) -> DeviceId {
    let mut text = match key {
        DeviceKey::Address(address) => format_smolstr!("address {address}"),
        DeviceKey::Equipment(id) => format_smolstr!("equipment {id}"),
    };
    if domain != DomainId::default() {
        text = format_smolstr!("{text} domain {}", domain.0);
    }
    if again > 0 {
        text = format_smolstr!("{text} again {again}");
    }
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    DeviceId(text.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}
