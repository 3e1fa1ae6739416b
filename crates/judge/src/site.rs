//! The devices of a whole site, drawn from digests, with ids that stay (docs/design/0007-step-and-site.md).
//!
//! [`site`] is pure, repeatable and independent of order: the same digests, assignments and decisions draw the same
//! devices. It never forgets a device: one that joined another is known as such and takes its id again when they part.

mod assign;
mod settle;

use crate::catalog::Catalog;
use crate::inventory::{Digest, MOVED_ON, SiteNetworks, SubjectKey, draft, findings};
use model::{Address, DeviceId, DeviceKey, Finding, IpClass, MacAddr, Timestamp, classify_ip};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Decisions that are followed; later ones beyond it are reported as unheeded.
pub const DECISIONS_MAX: usize = 10_000;

/// All that the devices of a site are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct SiteView<'a> {
    /// Every endpoint of the site, whatever its domain.
    pub digests: &'a BTreeMap<SubjectKey, Digest>,
    /// What the last look drew.
    pub assigned: &'a Assigned,
    /// What people and rules decided, oldest first. To reverse a decision is to leave it out.
    pub decisions: &'a [Decision],
}

/// Which endpoint belongs to which device, and which devices there have ever been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// Endpoints that belong to a device now.
    pub subjects: BTreeMap<SubjectKey, DeviceId>,
    /// Every device that was ever drawn, also those without an endpoint by now.
    pub devices: BTreeMap<DeviceId, Known>,
}

/// What is remembered of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The address that names it.
    pub key: SubjectKey,
    /// When it was first drawn. The older of two devices that turn out to be one keeps its id.
    pub since: Timestamp,
}

/// A person's or rule's word on which endpoints are one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These two are one device, across domains too.
    Merge {
        /// One.
        a: DeviceId,
        /// The other.
        b: DeviceId,
    },
    /// This endpoint is not of this device. The address that names the device cannot be split off: split off the others.
    Split {
        /// The device.
        device: DeviceId,
        /// The endpoint.
        subject: SubjectKey,
    },
}

/// What a look at the site found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteStep {
    /// Every device that has an endpoint, by the smallest address of each.
    pub devices: Vec<Drawn>,
    /// What is different from [`SiteView::assigned`], in the order in which it can be written: devices before what is
    /// bound to them, the end of a binding before its beginning elsewhere.
    pub changes: Vec<Change>,
    /// Duplicate addresses and spoofing, by kind, protocol and device.
    pub findings: Vec<Finding>,
    /// Decisions that are not followed, by index: they name what is not there (or not there any more), or others
    /// contradict them and hold.
    pub unheeded: Vec<usize>,
}

/// A device as the site sees it: which endpoints it consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Its id.
    pub id: DeviceId,
    /// The address that names it.
    pub key: SubjectKey,
    /// When it was first drawn.
    pub since: Timestamp,
    /// Its endpoints, ascending. Not every one of them need be known as a subject of its own.
    pub subjects: Vec<SubjectKey>,
    /// Addresses it had and another device has by now, ascending.
    pub former: Vec<SubjectKey>,
    /// It forwards for others.
    pub is_router: bool,
    /// The router in front of it.
    pub behind: Option<DeviceId>,
}

/// A difference to what was assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A device that had not been known.
    Appeared {
        /// Its id.
        device: DeviceId,
        /// The address that names it.
        key: SubjectKey,
    },
    /// A part of a device is a device of its own; perhaps again.
    SplitOff {
        /// The part.
        device: DeviceId,
        /// The address that names the part.
        key: SubjectKey,
        /// What it was a part of.
        from: DeviceId,
    },
    /// A better address names the device.
    Rekeyed {
        /// The device.
        device: DeviceId,
        /// The address that names it now.
        key: SubjectKey,
    },
    /// An endpoint belongs to this device no longer.
    Unbound {
        /// The endpoint.
        subject: SubjectKey,
        /// The device.
        device: DeviceId,
        /// The device it belongs to now; the same is told as [`Change::Bound`].
        to: Option<DeviceId>,
    },
    /// An endpoint belongs to this device from now on.
    Bound {
        /// The endpoint.
        subject: SubjectKey,
        /// The device.
        device: DeviceId,
        /// The device it belonged to; the same is told as [`Change::Unbound`].
        from: Option<DeviceId>,
    },
    /// Two devices turned out to be one. Nothing of `from` is lost: it comes back when they part.
    Merged {
        /// The id that is at rest now.
        from: DeviceId,
        /// The id that goes on.
        into: DeviceId,
        /// Why.
        why: MergedBecause,
    },
}

/// Why two devices are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergedBecause {
    /// Both say this, which no two devices share: a device UUID, or model and serial number (U+001F between them).
    Identity(SmolStr),
    /// DHCP gave both addresses to this link address.
    LinkAddress(SubjectKey),
    /// The addresses of one turned out to be the other's own.
    Address(SubjectKey),
    /// By this decision, by index.
    Decision(usize),
}

impl Drawn {
    /// The address that names it, as the inventory shows it.
    pub fn device_key(&self) -> DeviceKey {
        DeviceKey::Address(self.key.address)
    }

    /// Whether `subject` is one of its endpoints.
    pub fn has(&self, subject: &SubjectKey) -> bool {
        self.subjects.binary_search(subject).is_ok()
    }

    /// Its link addresses with their domains, ascending.
    pub fn macs(&self) -> impl Iterator<Item = (SubjectKey, MacAddr)> + '_ {
        self.subjects.iter().filter_map(|key| match key.address {
            Address::Mac(mac) => Some((*key, mac)),
            Address::Ip(_) => None,
        })
    }

    /// Its network addresses with their domains, ascending.
    pub fn ips(&self) -> impl Iterator<Item = (SubjectKey, IpAddr)> + '_ {
        self.subjects.iter().filter_map(|key| match key.address {
            Address::Ip(ip) => Some((*key, ip)),
            Address::Mac(_) => None,
        })
    }
}

fn owners(devices: &[Drawn]) -> BTreeMap<SubjectKey, DeviceId> {
    devices.iter().flat_map(|d| d.subjects.iter().map(|subject| (*subject, d.id))).collect()
}

impl Decision {
    /// The devices that it names.
    fn devices(&self) -> impl Iterator<Item = DeviceId> {
        let (one, other) = match self {
            Self::Merge { a, b } => (*a, Some(*b)),
            Self::Split { device, .. } => (*device, None),
        };
        std::iter::once(one).chain(other)
    }
}

impl SiteStep {
    /// The device of every endpoint that belongs to one.
    pub fn owners(&self) -> BTreeMap<SubjectKey, DeviceId> {
        owners(&self.devices)
    }

    /// A router stands between the tap and some devices: they are told apart by IP address.
    pub fn is_routed_view(&self) -> bool {
        self.devices.iter().any(|device| device.behind.is_some() && device.macs().next().is_none())
    }
}

impl Assigned {
    /// Takes over what a look changed.
    pub fn apply(&mut self, step: &SiteStep) {
        for change in &step.changes {
            if let Change::Unbound { subject, .. } = change {
                self.subjects.remove(subject);
            }
        }
        for drawn in &step.devices {
            self.devices.insert(drawn.id, Known { key: drawn.key, since: drawn.since });
        }
        for change in &step.changes {
            if let Change::Bound { subject, device, .. } = change {
                self.subjects.insert(*subject, *device);
            }
        }
    }
}

/// Draws the devices of a site: which endpoints are one device, under which id, and what changed since the last look.
///
/// `now` dates devices that appear. To be called on demand ([`crate::step::Effect::LookAtSite`]), after a changed
/// decision, and from a timer; one caller per site.
pub fn site(view: &SiteView<'_>, now: Timestamp, catalog: &Catalog) -> SiteStep {
    draw(view, now, &catalog.networks)
}

pub(crate) fn draw(view: &SiteView<'_>, now: Timestamp, networks: &SiteNetworks) -> SiteStep {
    let decisions = view.decisions.get(..DECISIONS_MAX).unwrap_or(view.decisions);
    let settled = settle::settle(&SiteView { decisions, ..*view }, now, networks);
    let mut unheeded = settled.unheeded;
    unheeded.extend(decisions.len()..view.decisions.len());
    let changes = assign::changes(&settled.groups, &settled.devices, view.assigned);
    let mut step = SiteStep { devices: settled.devices, changes, findings: Vec::new(), unheeded };
    let owners = step.owners();
    step.findings = findings::duplicate_addresses(&conflicting_addresses(view.digests, &owners));
    step.findings.extend(spoofing(view.digests, &owners));
    step.findings.sort_by_key(|f| (f.kind, f.protocol, f.device));
    step
}

/// Devices that announce addresses under a foreign link address.
fn spoofing(digests: &draft::Digests, owners: &BTreeMap<SubjectKey, DeviceId>) -> Vec<Finding> {
    let accused = digests.iter().filter_map(|(key, digest)| Some((key, digest.address_conflicts.as_ref()?)));
    accused.filter_map(|(key, conflicts)| Some(findings::spoofing(*owners.get(key)?, conflicts))).collect()
}

/// IP addresses that two devices of one domain call their own, with both.
fn conflicting_addresses(
    digests: &draft::Digests,
    owners: &BTreeMap<SubjectKey, DeviceId>,
) -> Vec<(DeviceId, IpAddr, MacAddr, Timestamp)> {
    struct Claimant {
        owner: Option<DeviceId>,
        mac: MacAddr,
        first: Timestamp,
        last: Timestamp,
    }
    let mut confirmed: BTreeMap<(model::DomainId, IpAddr), Vec<Claimant>> = BTreeMap::new();
    for (key, mac, digest) in draft::senders(digests) {
        for (ip, bound) in digest.bindings.iter().filter(|(_, b)| b.confirmed) {
            if !matches!(classify_ip(*ip), IpClass::Unspecified | IpClass::LinkLocal) {
                let owner = owners.get(key).copied();
                let (first, last) = (bound.first_seen, bound.last_seen.minute_start());
                confirmed.entry((key.domain, *ip)).or_default().push(Claimant { owner, mac, first, last });
            }
        }
    }
    let mut conflicts = Vec::new();
    for ((_, ip), claimants) in confirmed.into_iter().filter(|(_, claimants)| claimants.len() > 1) {
        for Claimant { owner, mac, first, last } in &claimants {
            let Some(owner) = *owner else { continue };
            // A lease that moved on is no conflict; a change of hands within the hour is.
            let is_contested = claimants.iter().any(|other| {
                let together = other.first <= last.plus(MOVED_ON) && *first <= other.last.plus(MOVED_ON);
                other.owner.is_some_and(|other| other != owner) && together
            });
            if is_contested {
                conflicts.push((owner, ip, *mac, *last));
            }
        }
    }
    conflicts
}

#[cfg(test)]
mod tests;
