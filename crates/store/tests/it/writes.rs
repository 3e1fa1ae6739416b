//! The one write path on both engines: all or none, acts done once, order, and both ways in which a commit can fail.

use crate::support::{Ground, NOW, SITE, everything, on_both, policies, policy, rows, total};
use model::Timestamp;
use store::db::Value;
use store::leaf::{Leaf, RowChange, visit_rows};
use store::table::{ACTS, MARKS, OUTBOX, POLICIES};
use store::{Committed, Fault, Store, StoreError, Tx};

on_both!(
    all_or_none,
    an_act_is_done_once,
    numbers_are_given_once,
    leaves_are_in_order_and_time_never_goes_back,
    a_commit_that_was_not_stored,
    a_commit_that_was_stored_but_reported_failed,
    an_unsure_store_is_refused_until_it_is_read_again,
);

fn leaf(store: &mut Store, index: usize) -> Leaf {
    let Value::Blob(data) = &rows(store.db(), "leaves")[index][1] else { panic!("no leaf {index}") };
    Leaf::decode(data).unwrap()
}

fn changes(store: &mut Store, index: usize) -> Vec<RowChange> {
    let Value::Blob(data) = &rows(store.db(), "leaves")[index][2] else { panic!("no leaf {index}") };
    let mut changes = Vec::new();
    visit_rows(data, |change| changes.push(change)).unwrap();
    changes
}

fn all_or_none(ground: &Ground) {
    let mut store = ground.open();
    let first = policy(&mut store, "first", "1");
    store.commit(first).unwrap();
    let before = everything(store.db());
    for broken in ["a NUL", "a key used twice"] {
        let mut batch: Vec<Tx> =
            (0..3).map(|n| policy(&mut store, &format!("{broken} {n}"), "x").keyed(&n.to_string())).collect();
        let last = match broken {
            "a NUL" => policy(&mut store, "broken", "\0"),
            // The name is unique in the site.
            _ => policy(&mut store, "first", "again"),
        };
        batch.push(last);
        let error = store.commit_all(&batch).unwrap_err();
        assert!(!error.is_retryable() && !store.is_unsure(), "{broken}: {error}");
        assert_eq!(everything(store.db()), before, "{broken}");
        assert_eq!(store.leaves(), 1);
    }
    let batch: Vec<Tx> = (0..3).map(|n| policy(&mut store, &n.to_string(), "2")).collect();
    let done: Vec<u64> = store.commit_all(&batch).unwrap().iter().map(|committed| committed.leaf).collect();
    assert_eq!(done, [1, 2, 3]);
    assert_eq!(policies(store.db()), ["1", "2", "2", "2"]);
}

fn an_act_is_done_once(ground: &Ground) {
    let mut store = ground.open();
    let first = policy(&mut store, "a", "1").keyed("import 7");
    assert_eq!(store.commit(first).unwrap(), Committed { leaf: 0, repeated: false });
    let again = policy(&mut store, "b", "2").keyed("import 7");
    assert_eq!(store.commit(again.clone()).unwrap(), Committed { leaf: 0, repeated: true });
    // Twice in one batch, and after a restart.
    let other = policy(&mut store, "c", "3").keyed("import 8");
    let done = store.commit_all(&[other.clone(), other, again]).unwrap();
    let repeated: Vec<_> = done.iter().map(|done| (done.leaf, done.repeated)).collect();
    assert_eq!(repeated, [(1, false), (1, true), (0, true)]);
    drop(store);
    let mut store = ground.open();
    let again = policy(&mut store, "d", "4").keyed("import 8");
    assert_eq!(store.commit(again).unwrap(), Committed { leaf: 1, repeated: true });
    assert_eq!(policies(store.db()), ["1", "3"]);
    assert_eq!(rows(store.db(), "acts").len(), 2);
    // The same key is another act at another site.
    let mut elsewhere = Tx::new(model::SiteId(2), "a test", "elsewhere", NOW).keyed("import 8");
    elsewhere.put(&POLICIES, 99, vec!["c".into(), "5".into()]);
    assert_eq!(store.commit(elsewhere).unwrap(), Committed { leaf: 2, repeated: false });
    assert_eq!(changes(&mut store, 2).last().unwrap().table, ACTS.number);
}

fn numbers_are_given_once(ground: &Ground) {
    let mut store = ground.open();
    assert_eq!([store.next_id(&POLICIES), store.next_id(&POLICIES), store.next_id(&MARKS)], [1, 2, 1]);
    let tx = policy(&mut store, "three", "3");
    store.commit(tx).unwrap();
    let mut failed = policy(&mut store, "four", "4");
    failed.put(&MARKS, 1, vec!["\0".into(), Value::Int(1)]);
    store.commit(failed).unwrap_err();
    assert_eq!(store.next_id(&POLICIES), 5, "used up, although its transaction failed");
    drop(store);
    assert_eq!(ground.open().next_id(&POLICIES), 4, "what was never stored is free again");
}

fn leaves_are_in_order_and_time_never_goes_back(ground: &Ground) {
    let mut store = ground.open();
    let at =
        |seconds: i64| Timestamp::from_nanos(NOW.as_nanos().saturating_add_signed(seconds * 1_000_000_000));
    // A clock that is set back an hour, then goes on; a restart between.
    for (n, seconds) in [0, 10, -3600, 5, 20].into_iter().enumerate() {
        let id = store.next_id(&POLICIES);
        let mut tx = Tx::new(SITE, "a test", "a policy", at(seconds));
        tx.put(&POLICIES, id, vec![n.to_string().into(), "x".into()]);
        assert_eq!(store.commit(tx).unwrap().leaf, n as u64);
        if n == 2 {
            drop(store);
            store = ground.open();
            assert_eq!(store.newest(), at(10));
        }
    }
    let times: Vec<Timestamp> = (0..5).map(|n| leaf(&mut store, n).at).collect();
    assert_eq!(times, [at(0), at(10), at(10), at(10), at(20)]);
    let ids: Vec<Value> = rows(store.db(), "leaves").into_iter().map(|leaf| leaf[0].clone()).collect();
    assert_eq!(ids, (0..5).map(Value::Int).collect::<Vec<_>>());
}

/// One transaction of each kind of write, on a store that has policy 1.
fn kinds(store: &mut Store) -> Vec<(&'static str, Vec<Tx>)> {
    let tx = || Tx::new(SITE, "a test", "a kind of write", NOW);
    let new = policy(store, "new", "1");
    let mut changed = tx();
    changed.put(&POLICIES, 1, vec!["first".into(), "changed".into()]);
    let mut deleted = tx();
    deleted.delete(&POLICIES, 1);
    let mut effect = tx();
    effect.effect(store.next_id(&OUTBOX), "notify", "{}".into());
    let keyed = policy(store, "keyed", "1").keyed("an act");
    let batch = vec![policy(store, "one", "1"), policy(store, "two", "2")];
    vec![
        ("a new row", vec![new]),
        ("a changed row", vec![changed]),
        ("a deleted row", vec![deleted]),
        ("an effect", vec![effect]),
        ("an act with a key", vec![keyed]),
        ("a leaf alone", vec![tx()]),
        ("a batch", batch),
    ]
}

/// Each kind of write on a ground of its own, with a fault in its commit; `check` gets the store unsure.
fn with_fault(ground: &Ground, fault: Fault, check: impl Fn(&str, &mut Store, &[Tx])) {
    let count = kinds(&mut ground.open()).len();
    for n in 0..count {
        let fresh = ground.another();
        let mut store = fresh.open();
        let first = policy(&mut store, "first", "1");
        store.commit(first).unwrap();
        let before = everything(store.db());
        let (kind, txs) = kinds(&mut store).swap_remove(n);
        store.fail_next(fault);
        let error = store.commit_all(&txs).unwrap_err();
        assert!(matches!(error, StoreError::Unsure { .. }), "{kind}: {error:?}");
        assert!(store.is_unsure() && error.is_retryable(), "{kind}");
        assert_eq!(everything(&mut fresh.reader()) == before, fault == Fault::NotStored, "{kind}");
        store.reopen().unwrap();
        check(kind, &mut store, &txs);
    }
}

fn a_commit_that_was_not_stored(ground: &Ground) {
    with_fault(ground, Fault::NotStored, |kind, store, txs| {
        assert_eq!((store.leaves(), total(store.db())), (1, 1), "{kind}");
        let done = store.commit_all(txs).unwrap();
        assert_eq!(done[0], Committed { leaf: 1, repeated: false }, "{kind}: done again, it is done");
    });
}

fn a_commit_that_was_stored_but_reported_failed(ground: &Ground) {
    with_fault(ground, Fault::StoredButReported, |kind, store, txs| {
        let leaves = 1 + txs.len() as u64;
        assert_eq!(store.leaves(), leaves, "{kind}: its leaves are there");
        let (stored, last) = (leaf(store, store.leaves() as usize - 1), txs.last().unwrap());
        assert_eq!(stored.rows as usize, last.len() + usize::from(kind == "an act with a key"), "{kind}");
        // Whoever repeats an act under its key is told that it is done; without a key it is another act.
        let again = store.commit_all(txs).unwrap()[0];
        let expected = match kind {
            "an act with a key" => Committed { leaf: 1, repeated: true },
            _ => Committed { leaf: leaves, repeated: false },
        };
        assert_eq!(again, expected, "{kind}");
    });
}

fn an_unsure_store_is_refused_until_it_is_read_again(ground: &Ground) {
    for fault in [Fault::NotStored, Fault::StoredButReported] {
        let mut store = ground.open();
        let leaves = store.leaves();
        let tx = policy(&mut store, &format!("{fault:?}"), "1");
        store.fail_next(fault);
        store.commit(tx.clone()).unwrap_err();
        for _ in 0..2 {
            let refused = store.commit(tx.clone()).unwrap_err();
            assert!(matches!(refused, StoreError::Unsure { .. }), "{refused:?}");
        }
        store.reopen().unwrap();
        assert!(!store.is_unsure());
        assert_eq!(store.leaves(), leaves + u64::from(fault == Fault::StoredButReported));
        let tx = policy(&mut store, &format!("after {fault:?}"), "1");
        store.commit(tx).unwrap();
    }
}
