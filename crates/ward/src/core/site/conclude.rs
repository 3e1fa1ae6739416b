//! What follows for a device from what others say of it: people's words, the zones' rules, who it turned out to be; and what
//! lists are told of it then.

use super::SiteViews;
use crate::core::views::Views;
use crate::core::zoning::Zoning;
use crate::core::{Core, Due};
use judge::inventory::SubjectKey;
use model::{Address, DeviceId, FindingKind, Protocol, Timestamp};
use serve::inventory::{Entry, FindingCounts, Known};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use store::Tx;
use store::devices::{DeviceRow, UNREVIEWED};
use store::word::Said;

/// Devices concluded anew in one transaction because of people's words or the zones' rules; the others wait for the next.
const CONCLUDED_PER_TX: usize = 1_000;
/// Devices that turned out to be another that turned out to be another, followed so far.
const MERGES_FOLLOWED: usize = 64;

impl SiteViews {
    pub(in crate::core) fn load_zoning(&mut self, zoning: Zoning) {
        self.zoning = zoning;
    }

    /// An endpoint was seen in another minute than before.
    pub(in crate::core) fn note_seen(&mut self, key: &SubjectKey) {
        if let Some(device) = self.owner(key) {
            self.touched.seen.insert(device);
        }
    }

    /// What people say bears on this device, or on the one that it turned out to be.
    pub(in crate::core) fn note_word(&mut self, device: DeviceId) {
        let device = self.survivor(device);
        self.unconcluded.insert(device);
        self.touched.devices.insert(device);
    }

    /// The rules of zones are others now.
    pub(in crate::core) fn all_unconcluded(&mut self) {
        self.unconcluded.extend(self.devices.keys());
    }

    /// The device that goes on for `device`: itself, or the one it turned out to be.
    pub(in crate::core) fn survivor(&self, device: DeviceId) -> DeviceId {
        let mut at = device;
        for _ in 0..MERGES_FOLLOWED {
            match self.devices.get(&at).and_then(|row| row.merged_into) {
                Some(into) => at = into,
                None => break,
            }
        }
        at
    }

    /// A device and all that turned out to be it.
    fn family(&self, device: DeviceId) -> Due {
        let (mut all, mut next) = (Due::from([device]), vec![device]);
        while let Some(one) = next.pop() {
            let merged = self.merged.get(&one).into_iter().flatten();
            next.extend(merged.copied().filter(|from| all.insert(*from)));
        }
        all
    }

    /// What people say of a device and of all that turned out to be it.
    pub(in crate::core) fn said(&self, device: DeviceId) -> Said {
        if self.words.is_empty() {
            return Said::default();
        }
        self.words.said(&self.family(device))
    }

    /// Open findings of a device and of all that turned out to be it: each kind and protocol once.
    fn finding_counts(&self, device: DeviceId) -> FindingCounts {
        let mut open = BTreeSet::new();
        for one in self.family(device) {
            // The first kind and the first protocol: nothing of this device is before them.
            let from = (one, FindingKind::PhiInClear, Protocol::Unknown);
            let its = self.findings.range(from..).take_while(|((of, ..), _)| *of == one);
            open.extend(its.map(|((_, kind, protocol), _)| (*kind, *protocol)));
        }
        let mut counts = FindingCounts::default();
        open.into_iter().for_each(|(kind, _)| counts.add(kind.severity()));
        counts
    }

    /// Every device row, by id.
    pub(in crate::core) fn rows(&self) -> impl Iterator<Item = &DeviceRow> {
        self.devices.values()
    }

    /// The endpoints of each device, where devices have not been drawn yet.
    pub(in crate::core) fn by_device(&self) -> HashMap<DeviceId, Vec<SubjectKey>> {
        let mut all: HashMap<DeviceId, Vec<SubjectKey>> = HashMap::new();
        self.assigned.subjects.iter().for_each(|(key, device)| all.entry(*device).or_default().push(*key));
        all
    }

    /// The endpoints of one device; after the first look.
    pub(in crate::core) fn endpoints_of(&self, device: DeviceId) -> &[SubjectKey] {
        self.drawn.get(&device).map_or(&[], |drawn| &drawn.subjects)
    }

    /// Devices have been drawn since they were read.
    pub(in crate::core) fn is_drawn(&self) -> bool {
        !self.drawn.is_empty() || self.assigned.subjects.is_empty()
    }

    /// What became of a device, for lists; `None`: nothing is known of it.
    pub(in crate::core) fn published(
        &self,
        device: DeviceId,
        endpoints: &[SubjectKey],
        views: &Views,
    ) -> Option<Entry> {
        let row = self.devices.get(&device)?;
        let known = Known {
            row,
            endpoints,
            said: &self.said(device),
            findings: self.finding_counts(device),
            last_seen: self.last_seen(row, endpoints, views),
        };
        known.is_listed().then(|| Entry::of(&known))
    }

    /// When a device was last seen: by its own frames, else by what others said of it.
    fn last_seen(&self, row: &DeviceRow, endpoints: &[SubjectKey], views: &Views) -> Timestamp {
        let sent = |key: &&SubjectKey| self.digests.get(key).is_some_and(|digest| digest.sent);
        let newest =
            |keys: &mut dyn Iterator<Item = &SubjectKey>| keys.filter_map(|key| views.last_seen(key)).max();
        let seen = newest(&mut endpoints.iter().filter(sent)).or_else(|| newest(&mut endpoints.iter()));
        seen.or_else(|| self.spoken.get(&row.device).copied()).unwrap_or(row.first_seen)
    }

    /// When a device that has been drawn was last seen; `None`: nothing is known of it.
    pub(in crate::core) fn seen_at(&self, device: DeviceId, views: &Views) -> Option<Timestamp> {
        let row = self.devices.get(&device)?;
        Some(self.last_seen(row, self.endpoints_of(device), views).minute_start())
    }

    /// The row of a device with what follows from people's words and the zones' rules.
    pub(super) fn concluded(&self, row: DeviceRow, ips: &[IpAddr]) -> DeviceRow {
        let said = self.said(row.device);
        DeviceRow {
            name: said.name.or_else(|| row.card.names.first().map(ToString::to_string)),
            zone: said.zone.or_else(|| self.zoning.zone_of(ips, &row.card.vlans)),
            review: said.review.unwrap_or_else(|| UNREVIEWED.to_owned()),
            ..row
        }
    }
}

impl Core {
    /// Who turned out to be another, or is a device of its own again, takes what people said of it along.
    pub(super) fn note_merged(&mut self, next: &DeviceRow) {
        let before = self.site.devices.get(&next.device).and_then(|known| known.merged_into);
        if before == next.merged_into {
            return;
        }
        let device = next.device;
        if let Some(merged) = before.and_then(|into| self.site.merged.get_mut(&into)) {
            merged.remove(&device);
        }
        if let Some(into) = next.merged_into {
            self.site.merged.entry(into).or_default().insert(device);
        }
        [before, next.merged_into, Some(device)]
            .into_iter()
            .flatten()
            .for_each(|one| self.site.note_word(one));
    }

    /// Draws what follows from people's words and the zones' rules, a share at a time. Cards need not be drawn anew for it.
    pub(in crate::core) fn conclude(&mut self, tx: &mut Tx, known_from: Timestamp) {
        for _ in 0..CONCLUDED_PER_TX {
            let Some(device) = self.site.unconcluded.pop_first() else { return };
            let Some(row) = self.site.devices.get(&device).cloned() else { continue };
            if row.merged_into.is_some() {
                continue;
            }
            let ips = ips(self.site.endpoints_of(device));
            let next = self.site.concluded(row, &ips);
            self.revise(tx, next, known_from);
        }
    }
}

pub(super) fn ips(endpoints: &[SubjectKey]) -> Vec<IpAddr> {
    let ip = |key: &SubjectKey| if let Address::Ip(ip) = key.address { Some(ip) } else { None };
    endpoints.iter().filter_map(ip).collect()
}
