use super::*;
use crate::inventory::device_findings;
use crate::made_up::{
    A, B, C, DAY_S, HOUR_S, Platform, R, arp, at, catalog, event, fact, in_domain, key, lease, records,
    routed, sent, serial, time,
};
use model::{Attribute, DomainId, EventKind, FindingKind, Protocol, Record};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn uuid(whose: &str, uuid: &str) -> Record {
    fact(whose, Attribute::ServiceInstance, &format!("urn:uuid:{uuid}"), Protocol::WsDiscovery)
}

/// Three hosts, one address each.
fn three() -> Platform {
    let mut platform = Platform::default();
    platform.hears(&[sent(A, "10.0.0.1"), sent(B, "10.0.0.2"), sent(C, "10.0.0.3")]);
    platform.looks();
    platform
}

impl Platform {
    fn id(&self, whose: &str) -> DeviceId {
        self.assigned.subjects[&key(whose)]
    }

    fn are_one(&self, a: &str, b: &str) -> bool {
        self.id(a) == self.id(b)
    }
}

/// Where a subject went, as told.
fn moves(step: &SiteStep) -> Vec<(SubjectKey, DeviceId)> {
    let bound = step.changes.iter().filter_map(|change| match change {
        Change::Bound { subject, device, .. } => Some((*subject, *device)),
        _ => None,
    });
    bound.collect()
}

#[test]
fn devices_appear_once_and_stay() {
    let mut platform = Platform::default();
    platform.hears(&[sent(A, "10.0.0.1")]);
    let step = platform.looks();
    let id = platform.id(A);
    assert_eq!(
        step.changes,
        [
            Change::Appeared { device: id, key: key(A) },
            Change::Bound { subject: key(A), device: id, from: None },
            Change::Bound { subject: key("10.0.0.1"), device: id, from: None },
        ]
    );
    assert_eq!(step.devices[0].since, time(60));
    let again = platform.looks();
    assert_eq!((again.changes, again.devices), (vec![], step.devices));
}

#[test]
fn one_address_in_two_domains_is_two_devices() {
    let mut platform = Platform::default();
    let here = [sent(A, "10.0.0.5"), arp(A, "10.0.0.5")];
    let there = [sent(B, "10.0.0.5"), arp(B, "10.0.0.5")].map(|record| in_domain(record, 1));
    platform.hears(&[here, there].concat());
    // The same box in a laboratory's twin of the network; and without a link layer.
    platform.hears(&[serial(A, "SN-12345"), serial(B, "SN-12345").map(|r| in_domain(r, 1))].concat());
    let alone = fact("10.0.0.9", Attribute::Presence, "ip", Protocol::Ip);
    platform.hears(&[alone.clone(), in_domain(alone, 1)]);
    let step = platform.looks();
    assert_eq!(step.devices.len(), 4);
    assert!(step.findings.is_empty(), "{:?}", step.findings);
    let ids: BTreeSet<DeviceId> = step.devices.iter().map(|drawn| drawn.id).collect();
    assert_eq!(ids.len(), 4);
    assert!(step.devices.iter().all(|d| d.subjects.iter().all(|s| s.domain == d.key.domain)));
}

#[test]
fn joining_is_transitive() {
    let mut platform = three();
    // C tells with A by its UUID and with B by its serial number; A and B have nothing in common.
    platform.hears(&[serial(B, "SN-12345"), serial(C, "SN-12345")].concat());
    platform.hears(&[uuid(A, "1"), uuid(C, "1")]);
    let step = platform.looks();
    assert_eq!(step.devices.len(), 1);
    let merged = |change: &&Change| matches!(change, Change::Merged { into, .. } if *into == platform.id(A));
    assert_eq!(step.changes.iter().filter(merged).count(), 2);
}

#[test]
fn ids_stay_through_merge_split_and_merging_again() {
    let mut platform = three();
    let (a, b) = (platform.id(A), platform.id(B));
    platform.hears(&[serial(A, "SN-12345"), serial(B, "SN-12345")].concat());
    let step = platform.looks();
    assert!(platform.are_one(A, B) && platform.id(A) == a);
    let why = MergedBecause::Identity("CT 9000\u{1f}SN-12345".into());
    assert!(step.changes.contains(&Change::Merged { from: b, into: a, why }), "{:?}", step.changes);
    assert!(platform.looks().changes.is_empty());
    // One of the cards goes into another box, which says so for more than a day.
    let says = |number, seconds| serial(B, number).map(|record| at(record, seconds));
    let other = [says("SN-67890", 0), says("SN-67890", 2 * DAY_S)];
    platform.hears(&other.concat());
    crate::step::lapse(platform.subjects.get_mut(&key(B)).unwrap(), time(2 * DAY_S));
    let step = platform.looks();
    assert_eq!((platform.id(A), platform.id(B)), (a, b));
    assert_eq!(step.changes[0], Change::SplitOff { device: b, key: key(B), from: a });
    assert_eq!(moves(&step), [(key(B), b), (key("10.0.0.2"), b)]);
    // And back.
    platform.hears(&says("SN-12345", 4 * DAY_S));
    platform.looks();
    assert_eq!((platform.id(A), platform.id(B)), (a, a));
    assert!(platform.looks().changes.is_empty());
}

#[test]
fn the_older_of_two_devices_keeps_its_id() {
    let mut platform = Platform::default();
    platform.hears(&[sent(B, "10.0.0.2")]);
    platform.looks();
    let b = platform.id(B);
    platform.hears(&[sent(A, "10.0.0.1")]);
    platform.looks();
    platform.hears(&[uuid(A, "1"), uuid(B, "1")]);
    platform.looks();
    assert_eq!((platform.id(A), platform.id(B)), (b, b));
}

#[test]
fn a_lease_that_moves_takes_no_id_along() {
    let mut platform = three();
    let (a, b) = (platform.id(A), platform.id(B));
    platform.hears(&[at(arp(B, "10.0.0.1"), DAY_S)]);
    let step = platform.looks();
    assert_eq!((platform.id(A), platform.id(B), platform.id("10.0.0.1")), (a, b, b));
    assert_eq!(
        step.changes,
        [
            Change::Unbound { subject: key("10.0.0.1"), device: a, to: Some(b) },
            Change::Bound { subject: key("10.0.0.1"), device: b, from: Some(a) },
        ]
    );
    let former = step.devices.iter().find(|d| d.id == a).unwrap();
    assert_eq!(former.former, [key("10.0.0.1")]);
    assert!(step.findings.is_empty(), "{:?}", step.findings);
    // A stranger takes it next: a new device, not a part of the last holder.
    const NEW: &str = "02:00:00:00:00:01";
    platform.hears(&[at(arp(NEW, "10.0.0.1"), 2 * DAY_S), at(sent(NEW, "10.0.0.1"), 2 * DAY_S)]);
    let step = platform.looks();
    let new = platform.id(NEW);
    assert_eq!(platform.id(B), b);
    assert_eq!(step.changes[0], Change::Appeared { device: new, key: key(NEW) });
}

#[test]
fn a_relayed_lease_that_moves_leaves_the_device_its_name() {
    let mut platform = Platform::default();
    platform.hears(&[routed(R, "10.7.0.5"), routed(R, "10.7.0.6")]);
    platform.hears(&[lease(B, "10.7.0.5")]);
    platform.looks();
    let b = platform.id(B);
    assert!(platform.are_one(B, "10.7.0.5"));
    platform.hears(&[at(lease(B, "10.7.0.6"), DAY_S), at(lease(C, "10.7.0.5"), DAY_S)]);
    platform.looks();
    assert_eq!(platform.id(B), b);
    assert!(platform.are_one(C, "10.7.0.5") && !platform.are_one(B, C));
    assert!(platform.looks().changes.is_empty());
}

#[test]
fn an_address_behind_a_router_gets_its_link_address_and_keeps_its_id() {
    let mut platform = Platform::default();
    platform.hears(&[fact("10.0.0.5", Attribute::Presence, "ip", Protocol::Ip)]);
    platform.looks();
    let id = platform.id("10.0.0.5");
    platform.hears(&[sent(A, "10.0.0.5")]);
    let step = platform.looks();
    assert_eq!(platform.id(A), id);
    assert_eq!(step.changes[0], Change::Rekeyed { device: id, key: key(A) });
    assert!(platform.looks().changes.is_empty());
}

#[test]
fn a_contested_address_is_found_and_does_not_change_hands_at_every_look() {
    let mut platform = Platform::default();
    platform.hears(&[arp(A, "10.0.0.1"), sent(A, "10.0.0.1")]);
    platform.looks();
    let a = platform.id(A);
    for minute in 1..10_u64 {
        let whose = if minute % 2 == 0 { A } else { B };
        platform.hears(&[at(arp(whose, "10.0.0.1"), minute * 60), at(sent(whose, "10.0.0.1"), minute * 60)]);
        let step = platform.looks();
        assert_eq!(platform.id("10.0.0.1"), a);
        let accused: BTreeSet<DeviceId> = step.findings.iter().map(|f| f.device).collect();
        assert_eq!(accused, BTreeSet::from([a, platform.id(B)]));
        assert!(
            step.findings.iter().all(|f| f.kind == FindingKind::DuplicateAddress && !f.evidence.is_empty())
        );
    }
    // When the first one falls silent, it is the other's.
    platform.hears(&[at(arp(B, "10.0.0.1"), 2 * HOUR_S)]);
    platform.looks();
    assert!(platform.are_one("10.0.0.1", B));
}

#[test]
fn spoofing_is_told_with_its_evidence() {
    let mut platform = three();
    let details: Vec<String> =
        (0..12).map(|n| format!("10.0.0.{n:02} announced as 02:00:00:00:00:99")).collect();
    platform.hears(&details.iter().map(|d| event(A, EventKind::AddressConflict, d)).collect::<Vec<_>>());
    let step = platform.looks();
    let [finding] = &step.findings[..] else { panic!("{:?}", step.findings) };
    assert_eq!((finding.kind, finding.device), (FindingKind::AddressSpoofing, platform.id(A)));
    assert_eq!(finding.evidence.len(), 9);
    assert_eq!(finding.evidence[0], details[0]);
    assert_eq!(finding.evidence[8], "and 4 more");
}

#[test]
fn a_decision_to_merge_holds_and_can_be_taken_back() {
    let mut platform = three();
    let (a, b, c) = (platform.id(A), platform.id(B), platform.id(C));
    platform.decisions = vec![Decision::Merge { a, b }, Decision::Merge { a: c, b }];
    let step = platform.looks();
    assert!(platform.are_one(A, B) && platform.are_one(B, C));
    let into = platform.id(A);
    let merged = |change: &&Change| matches!(change, Change::Merged { into: i, why: MergedBecause::Decision(_), .. } if *i == into);
    assert_eq!(step.changes.iter().filter(merged).count(), 2);
    assert!(step.unheeded.is_empty());
    assert!(platform.looks().changes.is_empty(), "a decision that holds changes nothing more");
    platform.decisions.clear();
    platform.looks();
    assert_eq!((platform.id(A), platform.id(B), platform.id(C)), (a, b, c));
}

#[test]
fn a_decision_joins_across_domains_which_nothing_else_does() {
    let mut platform = three();
    platform.hears(&[in_domain(sent(B, "10.0.0.1"), 1)]);
    platform.looks();
    let there = SubjectKey { domain: DomainId(1), ..key(B) };
    let (a, b) = (platform.id(A), platform.assigned.subjects[&there]);
    platform.decisions = vec![Decision::Merge { a, b }];
    let step = platform.looks();
    assert_eq!(platform.assigned.subjects[&there], platform.id(A));
    let drawn = step.devices.iter().find(|d| d.has(&there)).unwrap();
    let card = crate::inventory::card(drawn, |key| platform.subjects.get(key), &catalog());
    assert_eq!(card.addresses.len(), 2);
    assert!(device_findings(&card, &[], &catalog()).is_empty());
}

#[test]
fn a_decision_to_split_keeps_apart_what_an_identity_would_join() {
    let mut platform = three();
    let (a, b) = (platform.id(A), platform.id(B));
    // A, B and C have one UUID: B is another device's clone.
    platform.hears(&[uuid(A, "1"), uuid(B, "1"), uuid(C, "1")]);
    platform.looks();
    assert!(platform.are_one(A, B) && platform.are_one(A, C));
    platform.decisions = vec![Decision::Split { device: a, subject: key(B) }];
    platform.looks();
    assert_eq!((platform.id(A), platform.id(B), platform.id(C)), (a, b, a));
    assert!(platform.looks().changes.is_empty());
    platform.decisions.clear();
    platform.looks();
    assert!(platform.are_one(A, B));
}

#[test]
fn an_address_is_split_from_its_link_address_by_decision() {
    let mut platform = three();
    let a = platform.id(A);
    platform.hears(&[sent(A, "10.0.0.7")]);
    platform.looks();
    platform.decisions = vec![Decision::Split { device: a, subject: key("10.0.0.7") }];
    let step = platform.looks();
    let part = platform.id("10.0.0.7");
    assert_ne!(part, a);
    assert_eq!(step.changes[0], Change::SplitOff { device: part, key: key("10.0.0.7"), from: a });
    assert!(platform.looks().changes.is_empty());
    // Merging them again later holds against the split before it.
    platform.decisions.push(Decision::Merge { a, b: part });
    platform.looks();
    assert!(platform.are_one(A, "10.0.0.7"));
    platform.decisions.clear();
    let step = platform.looks();
    assert!(step.changes.is_empty(), "{:?}", step.changes);
}

#[test]
fn of_two_decisions_that_contradict_each_other_the_later_holds() {
    let mut platform = three();
    let (a, b) = (platform.id(A), platform.id(B));
    let (merge, split) = (Decision::Merge { a, b }, Decision::Split { device: a, subject: key(B) });
    for (decisions, are_one, contradicted) in [
        (vec![merge, split], false, 0),
        (vec![split, merge], true, 0),
        (vec![merge, split, merge], true, 1),
        (vec![split, merge, split], false, 1),
    ] {
        platform.decisions = decisions;
        let step = platform.looks();
        assert_eq!(step.unheeded, [contradicted], "{:?}", platform.decisions);
        assert_eq!(platform.are_one(A, B), are_one, "{:?}", platform.decisions);
        assert!(platform.looks().changes.is_empty(), "{:?}", platform.decisions);
    }
}

#[test]
fn a_link_address_that_is_split_from_both_its_addresses_is_neither_device_s() {
    let mut platform = Platform::default();
    platform.hears(&[routed(R, "10.7.0.5"), routed(R, "10.7.0.6")]);
    platform.looks();
    let (five, six) = (platform.id("10.7.0.5"), platform.id("10.7.0.6"));
    platform.hears(&[lease(B, "10.7.0.5"), lease(B, "10.7.0.6")]);
    platform.looks();
    assert!(platform.are_one("10.7.0.5", "10.7.0.6"));
    platform.decisions = [five, six].map(|device| Decision::Split { device, subject: key(B) }).to_vec();
    let step = platform.looks();
    assert!(step.devices.iter().all(|drawn| !drawn.subjects.is_empty()), "{:?}", step.devices);
    assert!(!platform.are_one("10.7.0.5", "10.7.0.6"));
    assert!(step.unheeded.is_empty(), "{:?}", step.unheeded);
    assert_eq!(platform.id("10.7.0.5"), five);
    assert!(![five, six].contains(&platform.id(B)));
    let step = platform.looks();
    assert!(step.changes.is_empty(), "{:?}", step.changes);
}

#[test]
fn decisions_about_what_is_not_there_are_named() {
    let mut platform = three();
    let (a, nobody) = (platform.id(A), DeviceId(7));
    platform.decisions = vec![
        Decision::Merge { a, b: nobody },
        Decision::Split { device: a, subject: key("10.9.9.9") },
        Decision::Split { device: nobody, subject: key(B) },
        // The address that names it: the others can be split off, not this one.
        Decision::Split { device: a, subject: key(A) },
    ];
    let step = platform.looks();
    assert_eq!(step.unheeded, [0, 1, 2, 3]);
    assert!(step.changes.is_empty());
}

/// What must hold of every look.
fn check(before: &Assigned, step: &SiteStep, after: &Assigned) -> Result<(), TestCaseError> {
    let ids: BTreeSet<DeviceId> = step.devices.iter().map(|d| d.id).collect();
    prop_assert_eq!(ids.len(), step.devices.len(), "an id was given twice");
    prop_assert!(step.devices.iter().all(|d| !d.subjects.is_empty()), "a device without an endpoint");
    let subjects: Vec<SubjectKey> = step.devices.iter().flat_map(|d| d.subjects.clone()).collect();
    let distinct: BTreeSet<SubjectKey> = subjects.iter().copied().collect();
    prop_assert_eq!(distinct.len(), subjects.len(), "an endpoint is in two devices");
    prop_assert_eq!(&after.subjects, &step.owners(), "the changes do not lead to what was drawn");
    let mut told = before.subjects.clone();
    for change in &step.changes {
        match change {
            Change::Unbound { subject, device, to } => {
                prop_assert_eq!(told.remove(subject), Some(*device));
                prop_assert_eq!(step.owners().get(subject).copied(), *to);
            }
            Change::Bound { subject, device, from } => {
                prop_assert_eq!(told.insert(*subject, *device), None);
                prop_assert_eq!(before.subjects.get(subject).copied(), *from);
            }
            Change::Appeared { device, .. } => prop_assert!(!before.devices.contains_key(device)),
            Change::Merged { from, into, .. } => {
                prop_assert!(ids.contains(into) && !ids.contains(from) && before.devices.contains_key(from));
            }
            Change::SplitOff { device, from, .. } => {
                prop_assert!(ids.contains(device) && before.devices.contains_key(from));
            }
            Change::Rekeyed { device, .. } => prop_assert!(before.devices.contains_key(device)),
        }
    }
    prop_assert!(step.devices.iter().all(|d| d.behind != Some(d.id)));
    prop_assert!(step.devices.iter().all(|d| d.former.iter().all(|key| !d.has(key))));
    Ok(())
}

proptest! {
    #[test]
    fn a_look_does_not_depend_on_the_order_of_records(records in records()) {
        let mut forwards = Platform::default();
        forwards.hears(&records);
        let mut backwards = Platform::default();
        backwards.hears(&records.iter().rev().cloned().collect::<Vec<_>>());
        prop_assert_eq!(forwards.looks(), backwards.looks());
    }

    #[test]
    fn whatever_is_heard_a_second_look_finds_nothing_new(records in records()) {
        let mut platform = Platform::default();
        for part in records.chunks(7) {
            platform.hears(part);
            looks_once(&mut platform)?;
        }
        let step = platform.looks();
        prop_assert_eq!(&step.changes, &vec![]);
        prop_assert_eq!(platform.looks().devices, step.devices);
    }

    /// Decisions at random, about addresses that change hands: all comes to rest, and no look is unsound.
    #[test]
    fn whatever_is_decided_comes_to_rest(
        records in records(),
        decisions in prop::collection::vec((any::<bool>(), 0..8_usize, 0..8_usize), 1..5),
    ) {
        let mut platform = Platform::default();
        for part in records.chunks(records.len() / 2 + 1) {
            platform.hears(part);
            looks_once(&mut platform)?;
            let ids: Vec<DeviceId> = platform.assigned.devices.keys().copied().collect();
            let subjects: Vec<SubjectKey> = platform.subjects.keys().copied().collect();
            platform.decisions.extend(decisions.iter().filter_map(|(merges, x, y)| {
                let device = *ids.get(*x)?;
                Some(match merges {
                    true => Decision::Merge { a: device, b: *ids.get(*y)? },
                    false => Decision::Split { device, subject: *subjects.get(*y)? },
                })
            }));
        }
        looks_once(&mut platform)?;
        let step = platform.looks();
        prop_assert!(step.changes.is_empty(), "{:?}\n{:?}\n{:?}", step.changes, platform.decisions, platform.assigned);
    }
}

/// Looks, and checks what must hold of every look.
fn looks_once(platform: &mut Platform) -> Result<(), TestCaseError> {
    let before = platform.assigned.clone();
    let step = platform.looks();
    check(&before, &step, &platform.assigned)
}
