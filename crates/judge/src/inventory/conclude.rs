//! A scan's conclusions: what [`crate::step`] folded, drawn by [`crate::site`] in one go, with the card of every device.

use super::{Inventory, SiteNetworks, VendorRegistry, card, equipment, findings, talks};
use crate::site::{Assigned, SiteView, draw};
use model::{Coverage, Device, DeviceId, Finding, Protocol, Talk, Timestamp};
use std::collections::BTreeMap;

/// The conclusions, in an order that depends on the evidence alone.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// Devices, by first seen, then key.
    pub devices: Vec<Device>,
    /// Talks, largest first.
    pub talks: Vec<Talk>,
    /// Findings, by kind, then device.
    pub findings: Vec<Finding>,
    /// What the sensors saw and missed, added up.
    pub coverage: Coverage,
    /// A router stands between the tap and some devices: they are told apart by IP address.
    pub routed_view: bool,
    /// Records dropped because a bound was reached.
    pub dropped_records: u64,
}

impl Inventory {
    /// Draws the conclusions. Repeatable: the evidence stays as it is.
    pub fn resolve(&self, networks: &SiteNetworks, vendors: &VendorRegistry) -> Resolved {
        let digests = self.subjects.iter().map(|(key, subject)| (*key, subject.digest())).collect();
        let view = SiteView { digests: &digests, assigned: &Assigned::default(), decisions: &[] };
        let site = draw(&view, Timestamp::ZERO, networks);
        let owners = site.owners();
        let subject = |key: &super::SubjectKey| self.subjects.get(key);
        let mut devices: Vec<Device> =
            site.devices.iter().map(|drawn| card::make(drawn, subject, vendors)).collect();
        let gateways = site.devices.iter().zip(&devices);
        let told = gateways.flat_map(|(drawn, card)| {
            equipment::spoken_for(drawn, card, subject, |mac| owners.contains_key(mac))
        });
        let behind_gateways = equipment::joined(told.collect::<Vec<Device>>());
        devices.extend(behind_gateways);
        devices.sort_by(|a, b| (a.first_seen, &a.key).cmp(&(b.first_seen, &b.key)));
        let owner = |key: &super::SubjectKey| -> Option<DeviceId> { owners.get(key).copied() };
        let talks = talks::between_devices(self.talks.iter(), owner);
        let routed_view = site.is_routed_view();
        let mut findings = findings::of_all(&devices, &talks, networks);
        findings.extend(site.findings);
        findings.sort_by_key(|f| (f.kind, f.protocol, f.device));
        Resolved {
            routed_view,
            coverage: sum_coverage(&self.coverage),
            dropped_records: self.dropped_records() + self.dropped_evidence(),
            devices,
            talks,
            findings,
        }
    }

    /// Claims and bindings that did not fit their bounds.
    fn dropped_evidence(&self) -> u64 {
        self.subjects.values().map(super::Subject::dropped).sum()
    }
}

fn sum_coverage(parts: &[Coverage]) -> Coverage {
    let mut sum = Coverage::default();
    let mut unparsed: BTreeMap<(Protocol, model::UnparsedReason), u64> = BTreeMap::new();
    let mut vlans: BTreeMap<u16, u64> = BTreeMap::new();
    for part in parts {
        sum.header = part.header;
        sum.frames += part.frames;
        sum.bytes += part.bytes;
        sum.cut_frames += part.cut_frames;
        sum.dropped_frames = match (sum.dropped_frames, part.dropped_frames) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        sum.duplicate_frames += part.duplicate_frames;
        sum.flows += part.flows;
        sum.flows_without_start += part.flows_without_start;
        sum.flows_one_sided += part.flows_one_sided;
        sum.flows_evicted += part.flows_evicted;
        sum.gap_bytes += part.gap_bytes;
        part.unparsed.iter().for_each(|u| *unparsed.entry((u.protocol, u.reason)).or_default() += u.count);
        part.vlans.iter().for_each(|(id, frames)| *vlans.entry(*id).or_default() += frames);
    }
    sum.unparsed = unparsed
        .into_iter()
        .map(|((protocol, reason), count)| model::Unparsed { protocol, reason, count })
        .collect();
    sum.unparsed.sort_by_key(|u| std::cmp::Reverse(u.count));
    sum.vlans = vlans.into_iter().collect();
    sum
}
