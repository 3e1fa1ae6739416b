//! Devices that a gateway speaks for: they have an equipment identifier (HL7 v2 EI: id^namespace^universal id^type, from
//! OBX-18 and PRT-10) and no address of their own.
//!
//! One device may be named in several ways (by serial number in one field, by UDI in another): the universal identifier
//! joins them. A device that names itself is no second device.

use super::evidence::Heard;
use super::identity;
use model::{Attribute, Claim, Device, DeviceId, DeviceKey, MacAddr};
use smol_str::SmolStr;
use std::collections::BTreeMap;

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

/// The devices behind gateways, collected from what the gateways said.
#[derive(Default)]
pub(super) struct Equipment(BTreeMap<SmolStr, Device>);

impl Equipment {
    /// Adds what `gateway` said, unless it names the gateway itself or a device that has its own link address here.
    pub(super) fn add(&mut self, gateway: &Device, heard: &Heard, has_own_address: impl Fn(MacAddr) -> bool) {
        let identifier = Identifier::new(&heard.value);
        let names_itself = identifier.universal.is_none() && is_own_name(gateway, identifier.id);
        if names_itself || identifier.mac().is_some_and(has_own_address) {
            return;
        }
        let key = identifier.key();
        let claim = Claim { confidence: 95, ..super::conclude::claim(heard, 95) };
        let device =
            self.0.entry(key.clone()).or_insert_with(|| named(DeviceKey::Equipment(key), gateway.id, heard));
        device.first_seen = device.first_seen.min(heard.first_seen);
        device.last_seen = device.last_seen.max(heard.last_seen);
        // Several gateways may speak for one device; the choice must not depend on the order.
        device.behind = device.behind.min(Some(gateway.id));
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

    /// The devices, with their best name: the shortest identifier is the one people use.
    pub(super) fn into_devices(self) -> impl Iterator<Item = Device> {
        self.0.into_values().map(|mut device| {
            device.claims.sort_by(|a, b| a.value.cmp(&b.value).then_with(|| a.source.cmp(&b.source)));
            let ids = device.claims.iter().map(|claim| Identifier::new(&claim.value).id);
            let shortest = ids.filter(|id| !id.is_empty()).min_by_key(|id| (id.len(), *id));
            device.names = shortest.map(SmolStr::new).into_iter().collect();
            device
        })
    }
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

fn named(key: DeviceKey, gateway: DeviceId, heard: &Heard) -> Device {
    Device {
        id: identity::device_id(&key),
        key,
        addresses: Vec::new(),
        names: Vec::new(),
        vendor: None,
        is_router: false,
        behind: Some(gateway),
        protocols: vec![heard.source],
        claims: Vec::new(),
        conflicts: Vec::new(),
        phi_in_clear: false,
        first_seen: heard.first_seen,
        last_seen: heard.last_seen,
        packets_sent: 0,
        bytes_sent: 0,
    }
}
