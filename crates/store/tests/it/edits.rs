//! Edits of many devices on both engines, and taking them back.

use crate::nouns::device;
use crate::support::{Ground, NOW, SITE, on_both};
use model::{DeviceId, Duration, EditChange, TAGS_MAX, Timestamp};
use store::edits::{self, EditRow, Outcome};
use store::{Scope, Store, StoreError, word};

on_both!(
    an_edit_is_taken_back,
    what_others_said_since_is_left_alone,
    what_is_so_already_is_not_said_again,
    tags_of_a_device_are_bounded,
    an_edit_is_bounded_and_of_devices_that_are_there,
);

const BY: &str = "local:console";

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn edit(
    store: &mut Store,
    seconds: u64,
    kind: &str,
    value: &str,
    devices: &[DeviceId],
) -> (Option<EditRow>, Outcome) {
    let change = EditChange::new(kind, value).unwrap();
    let foreseen = edits::preview(store.db(), SITE, &change, devices).unwrap();
    let (row, outcome, tx) = edits::plan_edit(store, (SITE, BY, at(seconds)), change, devices, None).unwrap();
    assert_eq!(outcome, foreseen, "what was foreseen is what is done");
    if let Some(tx) = tx {
        store.commit(tx).unwrap();
    }
    (row, outcome)
}

fn revert(store: &mut Store, seconds: u64, row: &EditRow) -> Outcome {
    let (row, outcome, tx) = edits::plan_revert(store, (SITE, BY, at(seconds)), row.id).unwrap();
    store.commit(tx).unwrap();
    assert_eq!(row.reverted_at, Some(at(seconds)));
    outcome
}

/// `attribute=value` of what is said of a device, in order.
fn said(store: &mut Store, device: DeviceId) -> Vec<String> {
    let words = word::current(store.db(), SITE, device).unwrap();
    let mut said: Vec<String> =
        words.iter().map(|word| format!("{}={}", word.attribute, word.value)).collect();
    said.sort();
    said
}

fn an_edit_is_taken_back(ground: &Ground) {
    let mut store = ground.open();
    let devices: Vec<DeviceId> = (1..4).map(|number| device(&mut store, number, None)).collect();
    edit(&mut store, 1, "zone", "old", &devices[..1]);
    let (row, outcome) = edit(&mut store, 2, "zone", "icu", &devices);
    let row = row.unwrap();
    assert_eq!((row.devices, outcome.changed.len()), (3, 3));
    assert_eq!(said(&mut store, devices[0]), ["zone=icu"]);
    let items = edits::items(store.db(), &Scope::site(SITE), row.id, None, 9).unwrap().items;
    assert_eq!(items.len(), 3);
    assert_eq!(items[2].closed, [("zone".to_owned(), "old".to_owned())]);

    assert_eq!(revert(&mut store, 3, &row).changed, devices);
    assert_eq!(said(&mut store, devices[0]), ["zone=old"]);
    assert_eq!(said(&mut store, devices[1]), [""; 0]);
    let again = edits::plan_revert(&mut store, (SITE, BY, at(4)), row.id);
    assert!(matches!(again, Err(StoreError::Refused(_))));
    let scope = Scope::site(SITE);
    let taken_back = edits::list(&mut ground.reader(), &scope, Some(true), None, 9).unwrap().items;
    assert_eq!(taken_back.iter().map(|row| row.id).collect::<Vec<_>>(), [row.id]);
}

fn what_others_said_since_is_left_alone(ground: &Ground) {
    let mut store = ground.open();
    let devices: Vec<DeviceId> = (1..5).map(|number| device(&mut store, number, None)).collect();
    edit(&mut store, 1, "location", "store room", &devices);
    let (moved, _) = edit(&mut store, 2, "location", "ICU", &devices);
    edit(&mut store, 3, "location", "OR 2", &devices[..1]);
    edit(&mut store, 3, "location", "", &devices[1..2]);
    edit(&mut store, 3, "add-tag", "checked", &devices[2..3]);
    let outcome = revert(&mut store, 4, &moved.unwrap());
    assert_eq!(outcome.changed, devices[2..]);
    assert_eq!(outcome.skipped.iter().map(|(device, _)| *device).collect::<Vec<_>>(), devices[..2]);
    assert_eq!(said(&mut store, devices[0]), ["location=OR 2"]);
    assert_eq!(said(&mut store, devices[1]), [""; 0]);
    assert_eq!(said(&mut store, devices[2]), ["location=store room", "tag=checked"]);

    // A removal, where the tag is there again.
    let (removed, _) = edit(&mut store, 5, "remove-tag", "checked", &devices);
    edit(&mut store, 6, "add-tag", "checked", &devices[2..3]);
    assert_eq!(revert(&mut store, 7, &removed.unwrap()).skipped.len(), 1);
    assert_eq!(said(&mut store, devices[2]), ["location=store room", "tag=checked"]);
}

fn what_is_so_already_is_not_said_again(ground: &Ground) {
    let mut store = ground.open();
    let devices = [device(&mut store, 1, None), device(&mut store, 2, None)];
    for (kind, value) in [("add-tag", "icu"), ("accept", ""), ("x-cost-centre", "4711"), ("asset-id", "A-1")]
    {
        assert_eq!(edit(&mut store, 1, kind, value, &devices[..1]).1.changed, devices[..1]);
        let (row, outcome) = edit(&mut store, 2, kind, value, &devices);
        assert_eq!((outcome.changed, outcome.unchanged), (devices[1..].to_vec(), devices[..1].to_vec()));
        assert!(row.is_some());
        assert_eq!(edit(&mut store, 3, kind, value, &devices).0, None, "nothing is to be done");
    }
    assert_eq!(
        said(&mut store, devices[1]),
        ["asset-id=A-1", "review=accepted", "tag=icu", "x-cost-centre=4711"]
    );
    edit(&mut store, 4, "unaccept", "", &devices);
    edit(&mut store, 4, "x-cost-centre", "", &devices);
    assert_eq!(said(&mut store, devices[1]), ["asset-id=A-1", "tag=icu"]);
}

fn tags_of_a_device_are_bounded(ground: &Ground) {
    let mut store = ground.open();
    let devices = [device(&mut store, 1, None), device(&mut store, 2, None)];
    for n in 0..TAGS_MAX {
        edit(&mut store, 1, "add-tag", &format!("t{n}"), &devices[..1]);
    }
    let (_, outcome) = edit(&mut store, 2, "add-tag", "more", &devices);
    assert_eq!((outcome.changed.as_slice(), outcome.skipped[0].0), (&devices[1..], devices[0]));
    let (removed, _) = edit(&mut store, 3, "remove-tag", "t0", &devices);
    edit(&mut store, 4, "add-tag", "more", &devices);
    assert_eq!(revert(&mut store, 5, &removed.unwrap()).skipped.len(), 1);
    assert_eq!(said(&mut store, devices[0]).len(), TAGS_MAX);
}

fn an_edit_is_bounded_and_of_devices_that_are_there(ground: &Ground) {
    let mut store = ground.open();
    let there = device(&mut store, 1, None);
    let (_, outcome) = edit(&mut store, 1, "add-tag", "icu", &[there, there, DeviceId(99)]);
    assert_eq!((outcome.changed, outcome.skipped.len()), (vec![there], 1));
    let refused = |devices: &[DeviceId], change: &str, store: &mut Store| {
        let change = change.parse().unwrap();
        matches!(edits::preview(store.db(), SITE, &change, devices), Err(StoreError::Refused(_)))
    };
    let many: Vec<DeviceId> = (0..=model::EDIT_DEVICES_MAX as u64).map(DeviceId).collect();
    assert!(refused(&[], "add-tag|icu", &mut store));
    assert!(refused(&many, "add-tag|icu", &mut store));
    assert!(refused(&many[..2], "name|pump", &mut store));
    assert!(!refused(&many[..1], "name|pump", &mut store));
}
