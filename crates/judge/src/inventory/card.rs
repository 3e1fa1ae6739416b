//! The card of one device: everything its endpoints say, put together. Only what the site drew as one device is asked, so
//! a device whose endpoints did not change keeps its card.

use super::join::speaks;
use super::subject::{Heard, Subject, SubjectKey};
use super::{MOVED_ON, VendorRegistry, identity};
use crate::catalog::Catalog;
use crate::site::Drawn;
use model::{Address, Attribute, Claim, Device, DeviceAddress, DeviceKey, Protocol, Timestamp};

/// The card of `drawn`. `subjects` hands out its endpoints; those that are not known on their own are left out.
pub fn card<'s>(
    drawn: &Drawn,
    subjects: impl Fn(&SubjectKey) -> Option<&'s Subject>,
    catalog: &Catalog,
) -> Device {
    make(drawn, subjects, &catalog.vendors)
}

pub(super) fn make<'s>(
    drawn: &Drawn,
    subjects: impl Fn(&SubjectKey) -> Option<&'s Subject>,
    vendors: &VendorRegistry,
) -> Device {
    let has_link = drawn.macs().next().is_some();
    let heard_of: Vec<&Subject> =
        drawn.subjects.iter().filter(|key| speaks(key, has_link)).filter_map(&subjects).collect();
    let held_since = |key: &SubjectKey| held_since(key, drawn, &subjects);
    let of_its_time = drawn.subjects.iter().filter(|key| speaks(key, has_link)).flat_map(|key| {
        let since = held_since(key);
        let shown = subjects(key).into_iter().flat_map(Subject::shown);
        shown.filter(move |heard| since.is_none_or(|since| heard.last_seen.plus(MOVED_ON) >= since))
    });
    let claims = identity::claims(of_its_time);
    let mut protocols: Vec<Protocol> = heard_of.iter().flat_map(|subject| subject.protocols()).collect();
    protocols.sort_unstable();
    protocols.dedup();
    let sent = || heard_of.iter().filter(|subject| subject.sent);
    let mut device = Device {
        id: drawn.id,
        key: drawn.device_key(),
        addresses: addresses(drawn, subjects),
        names: identity::names(&claims),
        vendor: drawn.macs().find_map(|(_, mac)| vendors.vendor(mac)).map(Into::into),
        is_router: drawn.is_router,
        behind: drawn.behind,
        phi_in_clear: claims.iter().any(|c| c.attribute == Attribute::PhiInClear),
        conflicts: identity::conflicts(&claims),
        protocols,
        claims,
        first_seen: sent().map(|e| e.first_seen).min().unwrap_or_default(),
        last_seen: sent().map(|e| e.last_seen).max().unwrap_or_default(),
        packets_sent: sent().map(|e| e.packets).fold(0, u64::saturating_add),
        bytes_sent: sent().map(|e| e.bytes).fold(0, u64::saturating_add),
    };
    round_last_seen(&mut device);
    device
}

/// Since when this device has an IP address that others may have had before it: what was heard of the address until long before
/// was said by them. `None` for addresses that do not move.
fn held_since<'s>(
    key: &SubjectKey,
    drawn: &Drawn,
    subjects: impl Fn(&SubjectKey) -> Option<&'s Subject>,
) -> Option<Timestamp> {
    let Address::Ip(ip) = key.address else { return None };
    let macs = drawn.macs().filter(|(mac, _)| mac.domain == key.domain);
    macs.filter_map(|(mac, _)| subjects(&mac)?.bindings.get(&ip)).map(|binding| binding.first_seen).min()
}

fn addresses<'s>(drawn: &Drawn, subjects: impl Fn(&SubjectKey) -> Option<&'s Subject>) -> Vec<DeviceAddress> {
    let mut addresses = Vec::new();
    let mut has_link = false;
    for (key, mac) in drawn.macs() {
        has_link = true;
        let Some(subject) = subjects(&key) else { continue };
        let vlan = subject.vlans.first().copied().filter(|_| subject.vlans.len() == 1);
        let before = addresses.len();
        for (ip, b) in &subject.bindings {
            let ip_key = SubjectKey { domain: key.domain, address: Address::Ip(*ip) };
            let is_now = drawn.has(&ip_key);
            if !is_now && drawn.former.binary_search(&ip_key).is_err() {
                continue;
            }
            // A binding is stated once a minute; the packets themselves tell more exactly.
            let heard = Some(&ip_key).filter(|_| is_now).and_then(&subjects);
            addresses.push(DeviceAddress {
                mac: Some(mac),
                ip: Some(*ip),
                vlan: b.vlan.or(vlan),
                first_seen: heard.map_or(b.first_seen, |e| e.first_seen.min(b.first_seen)),
                last_seen: heard.map_or(b.last_seen, |e| e.last_seen.max(b.last_seen)),
            });
        }
        if addresses.len() == before {
            let (first_seen, last_seen) = (subject.first_seen, subject.last_seen);
            addresses.push(DeviceAddress { mac: Some(mac), ip: None, vlan, first_seen, last_seen });
        }
    }
    for (key, ip) in drawn.ips().filter(|_| !has_link) {
        let seen = subjects(&key);
        let (first_seen, last_seen) = seen.map_or_else(Default::default, |e| (e.first_seen, e.last_seen));
        addresses.push(DeviceAddress { mac: None, ip: Some(ip), vlan: None, first_seen, last_seen });
    }
    addresses.sort_by_key(|a| (a.first_seen, a.mac, a.ip));
    addresses
}

/// When a claim was last heard is known to the minute, because facts are repeated once a minute; more would depend on how
/// many workers shared the capture.
pub(super) fn round_last_seen(device: &mut Device) {
    let round = |first: Timestamp, last: &mut Timestamp| *last = last.minute_start().max(first);
    device.claims.iter_mut().for_each(|c| round(c.first_seen, &mut c.last_seen));
    device.addresses.iter_mut().for_each(|a| round(a.first_seen, &mut a.last_seen));
    match device.key {
        DeviceKey::Equipment(_) => round(device.first_seen, &mut device.last_seen),
        DeviceKey::Address(_) => device.last_seen = device.last_seen.max(device.first_seen),
    }
}

/// A claim from what was heard.
pub(super) fn claim(heard: &Heard, confidence: u8) -> Claim {
    Claim {
        attribute: heard.attribute,
        value: heard.value.clone(),
        source: heard.source,
        first_seen: heard.first_seen,
        last_seen: heard.last_seen,
        confidence,
    }
}
