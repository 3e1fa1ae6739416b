//! Names, confidences, conflicts and identities drawn from claims. The weights are those of docs/design/0004-evidence.md:
//! protocol-native identity before banner, banner before DHCP, DHCP before address prefix.

use super::conclude::claim;
use super::evidence::Heard;
use model::{Attribute, Claim, Conflict, Device, DeviceId, DeviceKey, Protocol};
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeMap;

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
    claims.sort_by(|a, b| {
        let rank = |c: &Claim| (c.attribute, std::cmp::Reverse(c.confidence));
        rank(a).cmp(&rank(b)).then_with(|| a.value.cmp(&b.value)).then_with(|| a.source.cmp(&b.source))
    });
    claims
}

/// How much a claim weighs, 0–100.
const fn confidence(attribute: Attribute, source: Protocol) -> u8 {
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
        for claim in claims.iter().filter(|c| c.attribute == attribute && is_a_name(&c.value)) {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(&claim.value)) {
                names.push(claim.value.clone());
            }
        }
    }
    names.truncate(16);
    names
}

/// Identifiers made for machines are no names.
fn is_a_name(value: &str) -> bool {
    !value.starts_with("urn:") && !value.starts_with("uuid:") && value.len() <= 64
}

/// Claims that cannot all be true, with the one Ward shows and why.
pub(super) fn conflicts(claims: &[Claim]) -> Vec<Conflict> {
    const SINGLE: [Attribute; 3] = [Attribute::Manufacturer, Attribute::Model, Attribute::SerialNumber];
    let mut conflicts = Vec::new();
    for attribute in SINGLE {
        // Sorted best first by `claims`.
        let mut rivals = claims.iter().filter(|c| c.attribute == attribute);
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
    a == b || (a.len().min(b.len()) >= 3 && (a.starts_with(&b) || b.starts_with(&a)))
}

/// Identities that no two devices share: a serial number with its maker or model, a device UUID it announces.
pub(super) fn strong_identities<'h>(heard: impl Iterator<Item = &'h Heard>) -> Vec<String> {
    let mut serials: Vec<&SmolStr> = Vec::new();
    let mut models: Vec<&SmolStr> = Vec::new();
    let mut identities: Vec<String> = Vec::new();
    for heard in heard {
        match heard.attribute {
            Attribute::SerialNumber if is_telling(&heard.value) => serials.push(&heard.value),
            Attribute::Model => models.push(&heard.value),
            Attribute::ServiceInstance if heard.value.starts_with("urn:uuid:") => {
                identities.push(heard.value.to_ascii_lowercase());
            }
            _ => {}
        }
    }
    models.sort();
    for serial in serials {
        identities.extend(models.iter().map(|model| format!("{model}\u{1f}{serial}")));
    }
    identities.sort();
    identities.dedup();
    identities
}

/// A serial number that is more than a placeholder.
fn is_telling(serial: &str) -> bool {
    let digits = serial.chars().filter(char::is_ascii_alphanumeric).count();
    let first = serial.chars().next();
    digits >= 5 && serial.chars().any(|c| Some(c) != first)
}

/// Derived from what named the device, so that two runs over one capture agree. FNV-1a, 64 bits: it need not be secret.
pub(super) fn device_id(key: &DeviceKey) -> DeviceId {
    let text = match key {
        DeviceKey::Address(address) => format_smolstr!("address {address}"),
        DeviceKey::Equipment(id) => format_smolstr!("equipment {id}"),
    };
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    DeviceId(text.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// A device known only through the gateway that speaks for it. The identifier is HL7's EI: id^namespace^universal^type.
pub(super) fn equipment_device(key: &DeviceKey, gateway: DeviceId, heard: &Heard) -> Device {
    let name = heard.value.split('^').next().unwrap_or_default();
    Device {
        id: device_id(key),
        key: key.clone(),
        addresses: Vec::new(),
        names: if name.is_empty() { Vec::new() } else { vec![SmolStr::new(name)] },
        vendor: None,
        is_router: false,
        behind: Some(gateway),
        protocols: vec![heard.source],
        claims: vec![claim(heard, confidence(heard.attribute, heard.source))],
        conflicts: Vec::new(),
        phi_in_clear: false,
        first_seen: heard.first_seen,
        last_seen: heard.last_seen,
        packets_sent: 0,
        bytes_sent: 0,
    }
}
