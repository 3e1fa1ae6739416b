//! Devices that a gateway speaks for: they have an equipment identifier (HL7 v2 EI: id^namespace^universal id^type, from
//! OBX-18 and PRT-10) and no address of their own.
//!
//! One device may be named in several ways (by serial number in one field, by UDI in another): the universal identifier
//! joins them. A device that names itself is no second device.

use super::identity;
use super::subject::{Heard, Subject, SubjectKey};
use crate::site::Drawn;
use model::{Address, Attribute, Device, DeviceId, DeviceKey, DomainId, MacAddr};
use smol_str::SmolStr;
use std::collections::{BTreeMap, btree_map};

/// Own names shorter than this do not tell that an identifier is one's own.
const OWN_NAME_CHARS_MIN: usize = 3;

/// One EI as spoken.
struct Identifier<'v> {
    id: &'v str,
    universal: Option<&'v str>,
}

impl<'v> Identifier<'v> {
    fn new(value: &'v str) -> Self {
        let mut parts = value.split('^').map(str::trim);
        let id = parts.next().unwrap_or_default();
        // Its place differs between EI and the UDI forms of PRT-10; its shape does not.
        let universal =
            parts.clone().find(|part| is_eui(part)).or_else(|| parts.nth(1)).filter(|text| !text.is_empty());
        Self { id, universal }
    }

    /// What all spellings of one device share.
    fn key(&self) -> SmolStr {
        match self.universal {
            Some(universal) => SmolStr::new(universal.to_ascii_uppercase()),
            None => SmolStr::new(self.id),
        }
    }

    /// The link address inside an EUI-48 or an EUI-64 made of one (IEEE guidelines: FFFE in the middle).
    fn mac(&self) -> Option<MacAddr> {
        let digits: String = self.universal?.chars().filter(char::is_ascii_hexdigit).collect();
        match digits.len() {
            12 => digits.parse().ok(),
            16 => {
                let (front, rest) = digits.split_at_checked(6)?;
                let back = rest.strip_prefix("FFFE").or_else(|| rest.strip_prefix("fffe"))?;
                format!("{front}{back}").parse().ok()
            }
            _ => None,
        }
    }
}

/// An EUI-48 or EUI-64 in hexadecimal.
fn is_eui(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    matches!(digits, 12 | 16) && text.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '-' | ':' | '.'))
}

/// What one gateway says of the devices it speaks for, each as far as this gateway tells: [`joined`] puts together what
/// several gateways say. `card` is the gateway's own; `owns` tells whether a link address belongs to some device of the
/// site, for who has an address here is known by it.
///
/// Claims that have ended still tell of the device; their times say when.
pub fn spoken_for<'s>(
    gateway: &Drawn,
    card: &Device,
    subjects: impl Fn(&SubjectKey) -> Option<&'s Subject>,
    owns: impl Fn(&SubjectKey) -> bool,
) -> Vec<Device> {
    let mut told: BTreeMap<(DomainId, SmolStr), Device> = BTreeMap::new();
    for key in &gateway.subjects {
        let claims = subjects(key).into_iter().flat_map(|subject| &subject.claims);
        for heard in claims.filter(|c| c.attribute == Attribute::EquipmentId) {
            let identifier = Identifier::new(&heard.value);
            let names_itself = identifier.universal.is_none() && is_own_name(card, identifier.id);
            let mac =
                identifier.mac().map(|mac| SubjectKey { domain: key.domain, address: Address::Mac(mac) });
            if names_itself || mac.is_some_and(|mac| owns(&mac)) {
                continue;
            }
            let name = identifier.key();
            let part = named(key.domain, DeviceKey::Equipment(name.clone()), gateway.id, heard);
            match told.entry((key.domain, name)) {
                btree_map::Entry::Occupied(mut known) => add(known.get_mut(), part),
                btree_map::Entry::Vacant(free) => drop(free.insert(part)),
            }
        }
    }
    told.into_values().collect()
}

/// One device for each id out of what the gateways say, by id. The order of `told` does not matter.
pub fn joined(told: impl IntoIterator<Item = Device>) -> Vec<Device> {
    let mut devices: BTreeMap<DeviceId, Device> = BTreeMap::new();
    for part in told {
        match devices.entry(part.id) {
            btree_map::Entry::Occupied(mut known) => add(known.get_mut(), part),
            btree_map::Entry::Vacant(free) => drop(free.insert(part)),
        }
    }
    devices.values_mut().for_each(finish);
    devices.into_values().collect()
}

/// Adds what another claim or another gateway says of the same device.
fn add(device: &mut Device, part: Device) {
    device.first_seen = device.first_seen.min(part.first_seen);
    device.last_seen = device.last_seen.max(part.last_seen);
    // Several gateways may speak for one device; the choice must not depend on the order.
    device.behind = device.behind.min(part.behind);
    device.protocols.extend(part.protocols);
    device.protocols.sort_unstable();
    device.protocols.dedup();
    for claim in part.claims {
        match device
            .claims
            .iter_mut()
            .find(|known| known.value == claim.value && known.source == claim.source)
        {
            Some(known) => {
                known.first_seen = known.first_seen.min(claim.first_seen);
                known.last_seen = known.last_seen.max(claim.last_seen);
            }
            None => device.claims.push(claim),
        }
    }
}

/// Its claims in order, and its best name: the shortest identifier is the one people use.
fn finish(device: &mut Device) {
    device.claims.sort_by(|a, b| a.value.cmp(&b.value).then_with(|| a.source.cmp(&b.source)));
    let ids = device.claims.iter().map(|claim| Identifier::new(&claim.value).id);
    let shortest = ids.filter(|id| !id.is_empty()).min_by_key(|id| (id.len(), *id));
    device.names = shortest.map(SmolStr::new).into_iter().collect();
    super::card::round_last_seen(device);
}

fn is_own_name(gateway: &Device, id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    let begins_with = |name: &str| {
        let rest = id.strip_prefix(&name.to_ascii_lowercase());
        rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    gateway.names.iter().any(|name| name.len() >= OWN_NAME_CHARS_MIN && begins_with(name))
        || gateway
            .claims
            .iter()
            .any(|c| c.attribute == Attribute::SerialNumber && c.value.eq_ignore_ascii_case(&id))
}

fn named(domain: DomainId, key: DeviceKey, gateway: DeviceId, heard: &Heard) -> Device {
    Device {
        id: identity::device_id(domain, &key, 0),
        key,
        addresses: Vec::new(),
        names: Vec::new(),
        vendor: None,
        is_router: false,
        behind: Some(gateway),
        protocols: vec![heard.source],
        claims: vec![super::card::claim(heard, identity::confidence(heard.attribute, heard.source))],
        conflicts: Vec::new(),
        phi_in_clear: false,
        first_seen: heard.first_seen,
        last_seen: heard.last_seen,
        packets_sent: 0,
        bytes_sent: 0,
    }
}
