//! The past on both engines: by what was known then, and, of devices that were not known then, by what was learned since.

use crate::support::{Ground, NOW, SITE, on_both};
use judge::inventory::SubjectKey;
use model::{DeviceId, Finding, FindingKind, Protocol, Timestamp};
use store::devices::{BindingRow, DeviceRow, UNREVIEWED};
use store::happenings::FindingRow;
use store::past::{self, Piece};
use store::table::{BINDINGS, DEVICES, FINDINGS};
use store::{Store, Tx, device_facts};

on_both!(what_was_learned_later_is_told_of_devices_that_were_not_known_then);

const DAY_S: u64 = 86_400;

/// So many days before now.
fn ago(days: u64) -> Timestamp {
    Timestamp::from_secs(NOW.as_secs() - days * DAY_S)
}

/// A device that was there since one moment, and known as `name` from another on until a third.
fn device(number: u64, name: &str, (first_seen, known_from): (Timestamp, Timestamp)) -> DeviceRow {
    DeviceRow {
        id: 0,
        device: DeviceId(number),
        key: format!("0|10.0.0.{number}"),
        name: Some(name.into()),
        vendor: None,
        class: None,
        zone: None,
        review: UNREVIEWED.into(),
        router: false,
        behind: None,
        merged_into: None,
        card: model::Card::default(),
        first_seen,
        known_from,
    }
}

fn put(store: &mut Store, row: DeviceRow, known_to: Option<Timestamp>) {
    let mut tx = Tx::new(SITE, "a test", "a device of the past", NOW);
    let endpoint: SubjectKey = store::endpoints::parse(&row.key).unwrap();
    let (device, known_from, true_from) = (row.device, row.known_from, row.first_seen);
    tx.put(&DEVICES, store.next_id(&DEVICES), row.cells(known_to));
    let binding = BindingRow { id: 0, endpoint, device, true_from, true_to: None, known_from };
    tx.put(&BINDINGS, store.next_id(&BINDINGS), binding.cells(known_to));
    let finding = Finding {
        kind: FindingKind::WeakProtocol,
        device,
        summary: "a finding".into(),
        evidence: Vec::new(),
        protocol: Protocol::Tls,
        first_seen: true_from,
        last_seen: true_from,
    };
    let found = FindingRow { id: 0, finding, known_from };
    tx.put(&FINDINGS, store.next_id(&FINDINGS), found.cells());
    store.commit(tx).unwrap();
}

/// Names, endpoints and findings at a moment.
fn told(store: &mut Store, at: Timestamp) -> (Vec<String>, usize, usize) {
    let (mut names, mut endpoints, mut findings) = (Vec::new(), 0, 0);
    past::each(store.db(), SITE, at, &mut |piece| {
        match piece {
            Piece::Device(row) => names.push(row.name.unwrap_or_default()),
            Piece::Endpoint(..) => endpoints += 1,
            Piece::Finding(..) => findings += 1,
            Piece::LastSeen(..) | Piece::Word(_) => {}
        }
        Ok(())
    })
    .unwrap();
    (names, endpoints, findings)
}

fn what_was_learned_later_is_told_of_devices_that_were_not_known_then(ground: &Ground) {
    let mut store = ground.open();
    assert_eq!(past::begins(store.db(), SITE).unwrap(), None);
    // It was heard and known ten days ago, and is called otherwise since five days.
    put(&mut store, device(1, "then", (ago(10), ago(10))), Some(ago(5)));
    put(&mut store, device(1, "since", (ago(10), ago(5))), None);
    // Records of four weeks were read in today; the device has changed its name on the way.
    put(&mut store, device(2, "on the way", (ago(28), NOW)), Some(NOW));
    put(&mut store, device(2, "read in", (ago(28), NOW)), None);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(past::begins(store.db(), SITE).unwrap(), Some(ago(28)));
    // Each row of the second device has brought a finding, which the tables keep open.
    assert_eq!(told(&mut store, ago(29)), (names(&[]), 0, 0));
    assert_eq!(told(&mut store, ago(14)), (names(&["read in"]), 1, 2));
    assert_eq!(told(&mut store, ago(7)), (names(&["then", "read in"]), 2, 3));
    assert_eq!(told(&mut store, ago(3)), (names(&["since", "read in"]), 2, 4));
    let known = device_facts::row_at(store.db(), SITE, DeviceId(2), ago(14)).unwrap().unwrap();
    assert_eq!((known.0.name.as_deref(), known.1), (Some("read in"), Timestamp::MAX));
    let known = device_facts::row_at(store.db(), SITE, DeviceId(1), ago(7)).unwrap().unwrap();
    assert_eq!((known.0.name.as_deref(), known.1), (Some("then"), ago(7)));
    assert_eq!(device_facts::row_at(store.db(), SITE, DeviceId(2), ago(29)).unwrap(), None);
}
