//! What lists are told: what was heard, what people said, and never what a failed commit took back.

use super::*;
use judge::site::Decision;
use serve::house::{Concerns, Plan, Planned};
use serve::inventory::{Entry, Inventory as Lists, Summary};
use serve::when::Zone;
use std::collections::BTreeMap;
use store::word;

const BY: &str = "local:console";

fn rooms() -> Rooms {
    Rooms { inventory: Arc::default(), network: Arc::default(), stream: Arc::default(), zone: Zone::UTC }
}

/// A core that has heard of some devices and tells rooms of them.
fn heard(folder: &std::path::Path) -> (Core, Rooms) {
    let mut core = open(folder, settings());
    let rooms = rooms();
    core.publish_to(rooms.clone(), NOW);
    feed(&mut core, &records(40, 8_000), 1000);
    settle(&mut core);
    (core, rooms)
}

/// Until all is drawn and told.
fn settle(core: &mut Core) {
    core.flush(NOW).unwrap();
    for _ in 0..100 {
        core.publish(NOW);
    }
}

fn all(lists: &Lists) -> BTreeMap<DeviceId, Entry> {
    let mut found = BTreeMap::new();
    lists.each(&mut |entry| drop(found.insert(entry.id, entry.clone())));
    found
}

/// Says something of a device as pages do.
fn say(core: &mut Core, device: DeviceId, attribute: &'static str, value: &'static str) -> i64 {
    try_say(core, device, attribute, value).unwrap()
}

fn try_say(
    core: &mut Core,
    device: DeviceId,
    attribute: &'static str,
    value: &'static str,
) -> Result<i64, StoreError> {
    let plan: Plan = Box::new(move |store, now| {
        let mut tx = Tx::new(SiteId(1), BY, "something is said", now);
        let row = word::open(&mut tx, store, device, attribute, value, BY, now);
        Ok(Planned { tx: Some(tx), concerns: Concerns::Devices(vec![device]), answer: row.into() })
    });
    core.act(plan, NOW).map(|answer| answer.as_i64().unwrap())
}

fn unsay(core: &mut Core, device: DeviceId, row: i64) -> bool {
    let plan: Plan = Box::new(move |store, now| {
        let mut tx = Tx::new(SiteId(1), BY, "something is said no longer", now);
        let closed = word::close(&mut tx, store, row, now)?;
        Ok(Planned { tx: Some(tx), concerns: Concerns::Devices(vec![device]), answer: closed.into() })
    });
    core.act(plan, NOW).unwrap().as_bool().unwrap()
}

#[test]
fn what_is_heard_is_listed_with_names_and_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let (mut core, rooms) = heard(folder.path());
    let listed = all(&rooms.inventory);
    let mut expected = 0;
    let endpoints: BTreeMap<DeviceId, Vec<SubjectKey>> = core.site.by_device().into_iter().collect();
    store::devices::DeviceRow::each_current(core.store().db(), SiteId(1), &mut |row| {
        if row.merged_into.is_some() {
            return assert!(!listed.contains_key(&row.device));
        }
        let Some(its) = endpoints.get(&row.device) else {
            return assert_eq!(listed.contains_key(&row.device), row.key.starts_with("equipment|"));
        };
        expected += 1;
        let entry = &listed[&row.device];
        assert_eq!(entry.name.as_deref(), row.name.as_deref());
        assert_eq!((&entry.manufacturer, &entry.vlans), (&row.card.manufacturer, &row.card.vlans));
        assert_eq!(entry.macs.len() + entry.ips.len(), its.len());
        assert!(entry.last_seen.as_secs() + 60 > entry.first_seen.as_secs());
        assert_eq!(entry.last_seen, entry.last_seen.minute_start());
    })
    .unwrap();
    assert!(expected > 25, "{expected}");
    assert!(listed.values().any(|entry| entry.name.is_some() && !entry.ips.is_empty()));
    assert!(listed.values().any(|entry| entry.findings.total() > 0));
    let summary = Summary::of(&rooms.inventory, &Zone::UTC, NOW);
    assert_eq!(summary.known + summary.in_doubt + summary.unknown, summary.devices);
    assert_eq!(summary.devices, listed.len() as u64);
    // Who comes later is told the same from what is stored.
    drop(core);
    let mut core = open(folder.path(), settings());
    let again = self::rooms();
    core.publish_to(again.clone(), NOW);
    let before: BTreeMap<_, _> = all(&again.inventory);
    assert_eq!(before.len(), listed.len());
    for (device, entry) in &listed {
        if !entry.key.starts_with("equipment|") {
            assert_eq!(before[device], *entry);
        }
    }
}

#[test]
fn devices_that_are_one_are_listed_once_and_take_their_words_along() {
    let folder = tempfile::tempdir().unwrap();
    let (mut core, rooms) = heard(folder.path());
    let ids: Vec<DeviceId> =
        all(&rooms.inventory).values().filter(|e| !e.macs.is_empty() && !e.is_router).map(|e| e.id).collect();
    let (a, b) = (ids[0], ids[1]);
    say(&mut core, a, word::TAG, "icu");
    say(&mut core, b, word::TAG, "spare");
    let decided = core.decide(Decision::Merge { a, b }, "two ports of one", BY, NOW).unwrap();
    settle(&mut core);
    let (into, from) = if rooms.inventory.get(a).is_some() { (a, b) } else { (b, a) };
    assert!(rooms.inventory.get(from).is_none(), "at rest");
    let entry = rooms.inventory.get(into).unwrap();
    assert_eq!(entry.tags, ["icu", "spare"]);
    core.revert(decided.decision, BY, NOW).unwrap();
    settle(&mut core);
    assert_eq!(rooms.inventory.get(a).unwrap().tags, ["icu"]);
    assert_eq!(rooms.inventory.get(b).unwrap().tags, ["spare"]);
}

#[test]
fn what_people_say_is_shown_at_once_and_after_a_restart_and_until_they_say_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let (mut core, rooms) = heard(folder.path());
    let listed = all(&rooms.inventory);
    let (device, before) = listed.iter().find(|(_, entry)| entry.name.is_some()).unwrap();
    say(&mut core, *device, word::TAG, "loaner");
    let named = say(&mut core, *device, word::NAME, "Monitor bed 4");
    say(&mut core, *device, word::LOCATION, "Ward 3");
    say(&mut core, *device, word::ASSET, "A-77");
    say(&mut core, *device, word::ZONE, "ICU");
    say(&mut core, *device, word::REVIEW, word::ACCEPTED);
    let said = (*rooms.inventory.get(*device).unwrap()).clone();
    assert_eq!(said.tags, ["loaner"]);
    let words = [&said.name, &said.location, &said.asset, &said.zone];
    assert_eq!(words.map(|word| word.as_deref().unwrap()), ["Monitor bed 4", "Ward 3", "A-77", "ICU"]);
    assert!(said.reviewed && !before.reviewed);
    let row = |core: &mut Core| {
        let mut found = None;
        store::devices::DeviceRow::each_current(core.store().db(), SiteId(1), &mut |row| {
            if row.device == *device {
                found = Some((row.name, row.zone, row.review));
            }
        })
        .unwrap();
        found.unwrap()
    };
    let kept = (Some("Monitor bed 4".to_owned()), Some("ICU".to_owned()), word::ACCEPTED.to_owned());
    assert_eq!(row(&mut core), kept);
    drop(core);

    let mut core = open(folder.path(), settings());
    let rooms = self::rooms();
    core.publish_to(rooms.clone(), NOW);
    assert_eq!(*rooms.inventory.get(*device).unwrap(), said);
    settle(&mut core);
    assert_eq!(*rooms.inventory.get(*device).unwrap(), said);
    assert_eq!(row(&mut core), kept);
    assert!(unsay(&mut core, *device, named));
    assert!(!unsay(&mut core, *device, named), "once");
    assert_eq!(rooms.inventory.get(*device).unwrap().name, before.name);
    verify(&mut core);
}

#[test]
fn a_commit_that_fails_tells_nothing_that_is_not_so() {
    let records = records(40, 8_000);
    for fault in [Fault::NotStored, Fault::StoredButReported] {
        let folder = tempfile::tempdir().unwrap();
        let mut core = open(folder.path(), settings());
        let rooms = rooms();
        core.publish_to(rooms.clone(), NOW);
        feed(&mut core, &records[..4_000], 1000);
        settle(&mut core);
        let before = all(&rooms.inventory);
        let device = *before.keys().next().unwrap();
        core.store().fail_next(fault);
        assert!(try_say(&mut core, device, word::TAG, "lost").is_err());
        core.publish(NOW);
        let is_stored = fault == Fault::StoredButReported;
        assert_eq!(rooms.inventory.get(device).unwrap().tags.len(), usize::from(is_stored), "{fault:?}");
        core.store().fail_next(fault);
        assert!(core.accept(&[delivery(&records[4_000..], 8_000)], NOW).is_err());
        for _ in 0..100 {
            core.publish(NOW);
        }
        // What is listed is what somebody is told who asks the store alone.
        let reread = self::rooms();
        core.recover(NOW).unwrap();
        core.publish_to(reread.clone(), NOW);
        let listed = all(&rooms.inventory);
        if !is_stored {
            let other: Vec<_> =
                listed.iter().filter(|(id, entry)| before.get(id) != Some(entry)).take(3).collect();
            assert!(other.is_empty() && listed.len() == before.len(), "{fault:?}: {other:#?}");
        }
        assert_eq!(listed.len(), all(&reread.inventory).len());
    }
}

#[test]
fn what_cannot_be_read_again_is_told_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (mut core, rooms) = heard(folder.path());
    let revision = rooms.inventory.revision();
    core.store().db().execute("UPDATE subjects SET evidence = x'00' WHERE id = 3", &[]).unwrap();
    core.store().fail_next(Fault::NotStored);
    let more = records(60, 10_000);
    assert!(core.accept(&[delivery(&more[8_000..], 10_000)], NOW).is_err());
    assert!(!core.is_whole());
    core.publish(NOW);
    core.publish_changes(NOW);
    assert_eq!(rooms.inventory.revision(), revision);
}
