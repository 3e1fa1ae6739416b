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

/// Every byte that rooms were told of in the week before `now`.
fn told_bytes(rooms: &Rooms, now: Timestamp) -> u64 {
    let between = serve::network::Between::default();
    let page = (serve::network::Range::Week, None, 100_000);
    rooms.network.talks(&rooms.inventory, &between, page, now).iter().map(|talk| talk.bytes).sum()
}

#[test]
fn who_talks_to_whom_is_told_as_it_goes_on_and_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut core, rooms) = heard(folder.path());
    let now = core.observed();
    let sql = "SELECT sum(client_bytes + server_bytes) FROM talks";
    let stored = core.store().db().number(sql, &[]).unwrap().unwrap() as u64;
    assert!(stored > 100_000, "{stored}");
    // Maps keep three digits of each.
    let is_about = |told: u64| told.abs_diff(stored) < stored / 200;
    let told = told_bytes(&rooms, now);
    assert!(is_about(told), "{told} of {stored}");
    drop(core);
    let mut core = open(folder.path(), settings());
    let rooms = self::rooms();
    core.publish_to(rooms.clone(), NOW);
    for _ in 0..400 {
        core.publish(NOW);
    }
    let told = told_bytes(&rooms, now);
    assert!(is_about(told), "{told} of {stored} after a restart");
}

#[test]
fn a_clock_that_is_ahead_hides_no_talks() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = records(40, 8_000);
    let now = records.iter().map(|record| record.header().observed_at).max().unwrap();
    let is_talk = |record: &Record| matches!(record, Record::Activity(_));
    let ahead = records.iter().position(is_talk).unwrap();
    let (mut core, rooms) = (open(folder.path(), settings()), rooms());
    core.publish_to(rooms.clone(), now);
    records[ahead].header_mut().observed_at = Timestamp::from_secs(4_000_000_000);
    feed(&mut core, &records, 1000);
    core.flush(NOW).unwrap();
    (0..100).for_each(|_| core.publish(now));
    let sql = "SELECT sum(client_bytes + server_bytes) FROM talks WHERE hour < 1000000";
    let stored = core.store().db().number(sql, &[]).unwrap().unwrap() as u64;
    let is_about = |told: u64| told.abs_diff(stored) < stored / 200;
    assert!(is_about(told_bytes(&rooms, now)), "{} of {stored}", told_bytes(&rooms, now));
    drop(core);
    let (mut core, rooms) = (open(folder.path(), settings()), self::rooms());
    core.publish_to(rooms.clone(), now);
    (0..400).for_each(|_| core.publish(now));
    assert!(is_about(told_bytes(&rooms, now)), "{} of {stored} again", told_bytes(&rooms, now));
}

#[test]
fn open_pages_are_told_that_nothing_was_missed_only_where_that_was_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (mut core, rooms) = (open(folder.path(), settings()), rooms());
    core.publish_to(rooms.clone(), NOW);
    let header = *records(1, 1)[0].header();
    let mut told = |hours_ago: u64, frames: u64, dropped: Option<u64>| {
        let at = Timestamp::from_secs(NOW.as_secs() - hours_ago * 3_600);
        let header = model::Header { observed_at: at, received_at: at, ..header };
        let coverage = model::Coverage { header, frames, dropped_frames: dropped, ..Default::default() };
        let last = frames as usize;
        core.accept(&[delivery(&[Record::Coverage(Box::new(coverage))], last)], NOW).unwrap();
        core.publish(NOW);
        let newest: serde_json::Value = serde_json::from_str(&rooms.stream.newest()).unwrap();
        newest["coverage_complete"].as_bool()
    };
    assert_eq!(told(1, 10, None), None, "the source cannot tell of drops");
    assert_eq!(told(1, 20, Some(7)), Some(false));
    assert_eq!(told(0, 30, Some(7)), Some(true), "those were of the hour before");
    assert_eq!(told(0, 40, Some(8)), Some(false));
}

#[test]
fn rules_of_zones_put_devices_into_them_and_a_person_knows_better() {
    use judge::segment::ZoneChange;
    use model::{ZoneName, ZoneRule, ZoneSource};
    let folder = tempfile::tempdir().unwrap();
    let (mut core, rooms) = heard(folder.path());
    let change = |core: &mut Core, changes: Vec<ZoneChange>| {
        let plan: Plan = Box::new(move |store, now| {
            let act = store::zones::Act { site: SiteId(1), by: BY, cause: "zones", now };
            let tx = store::zones::plan_zone_changes(store, act, &changes)?;
            Ok(Planned { tx, concerns: Concerns::Zones, answer: serde_json::Value::Null })
        });
        core.act(plan, NOW).unwrap();
    };
    let name = || ZoneName::new("ICU").unwrap();
    let source = ZoneSource::ALL[0];
    let rule = ZoneRule::read("vlan", "10").unwrap();
    let create = ZoneChange::Create { name: name(), purpose: "beds".into(), source };
    change(&mut core, vec![create, ZoneChange::AddRule { zone: name(), rule, source }]);
    settle(&mut core);
    let zoned = |rooms: &Rooms| -> Vec<DeviceId> {
        let its = |entry: &Entry| entry.zone.as_deref() == Some("ICU");
        all(&rooms.inventory).values().filter(|entry| its(entry)).map(|entry| entry.id).collect()
    };
    let (found, listed) = (zoned(&rooms), all(&rooms.inventory));
    let expected: Vec<DeviceId> =
        listed.values().filter(|entry| entry.vlans == [10]).map(|entry| entry.id).collect();
    assert!(expected.len() > 2, "{expected:?}");
    assert_eq!(found, expected);
    let row = say(&mut core, expected[0], word::ZONE, "Loan pool");
    assert_eq!(zoned(&rooms), expected[1..]);
    unsay(&mut core, expected[0], row);
    assert_eq!(zoned(&rooms), expected);
    change(&mut core, vec![ZoneChange::Delete { zone: name() }]);
    settle(&mut core);
    assert_eq!(zoned(&rooms), []);
}
