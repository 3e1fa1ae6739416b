//! One line that says what a device claims to be.

use super::FORWARDED_CONFIDENCE;
use model::{Attribute, Claim, Device, DeviceKey};

/// Longest line, in characters.
const CHARS_MAX: usize = 120;

/// What the device says it is, from its best claims: maker and model first, then type, then software. `None` when it
/// said nothing: Ward does not guess here.
pub fn says_it_is(device: &Device) -> Option<String> {
    if let DeviceKey::Equipment(_) = device.key {
        return equipment(device);
    }
    let best = |attribute: Attribute| -> Option<&str> {
        // Claims are sorted best first within an attribute.
        let own = device.claims.iter().filter(|c| c.confidence > FORWARDED_CONFIDENCE);
        own.clone().find(|c: &&Claim| c.attribute == attribute).map(|c| c.value.as_str())
    };
    let made = match (best(Attribute::Manufacturer), best(Attribute::Model)) {
        (Some(maker), Some(model)) if !model.to_lowercase().starts_with(&maker.to_lowercase()) => {
            format!("{maker} {model}")
        }
        (maker, model) => model.or(maker).unwrap_or_default().to_owned(),
    };
    let mut parts: Vec<String> = Vec::new();
    push(&mut parts, &made);
    if let Some(kind) = best(Attribute::DeviceType) {
        push(&mut parts, kind);
    }
    let software = match (best(Attribute::SoftwareName), best(Attribute::SoftwareVersion)) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        (name, version) => name.or(version).unwrap_or_default().to_owned(),
    };
    push(&mut parts, &software);
    const OTHERWISE: [Attribute; 9] = [
        Attribute::OperatingSystem,
        Attribute::SnmpDescription,
        Attribute::ImplementationVersionName,
        Attribute::ServerBanner,
        Attribute::ServiceType,
        Attribute::DhcpVendorClass,
        Attribute::UserAgent,
        Attribute::SshVersion,
        Attribute::Udi,
    ];
    for attribute in OTHERWISE {
        if parts.len() >= 2 {
            break;
        }
        if let Some(value) = best(attribute) {
            push(&mut parts, value);
        }
    }
    let line: String = parts.join(" · ").chars().take(CHARS_MAX).collect();
    (!line.is_empty()).then_some(line)
}

fn push(parts: &mut Vec<String>, part: &str) {
    let part = part.trim();
    let is_said = parts.iter().any(|known| known.to_lowercase().contains(&part.to_lowercase()));
    if !part.is_empty() && !is_said {
        parts.push(part.to_owned());
    }
}

/// What a gateway says of a device behind it: namespace and universal identifier of the HL7 EI.
fn equipment(device: &Device) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in device.claims.iter().flat_map(|claim| claim.value.split('^')) {
        let is_told = parts.contains(&part) || device.names.iter().any(|name| part.contains(name.as_str()));
        if !part.is_empty() && !is_told {
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}
