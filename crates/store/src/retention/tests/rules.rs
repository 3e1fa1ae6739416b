use super::*;
use crate::table::{
    ACTS, BINDINGS, BLOCKS, CLAIMS, COVERAGE, CURSORS, DECISIONS, DEVICES, EVENTS, FINDINGS, GAPS, MARKS,
    OUTBOX, PAIRS, SUBJECTS, TALK_DAYS,
};

/// Writes a row on either side of each boundary; those that must go.
fn fill(h: &mut Hospital) -> BTreeMap<&'static str, Vec<i64>> {
    let mut gone: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
    let mut row = |h: &mut Hospital, table: &'static Table, goes: bool, cells: Vec<Value>| {
        let id = h.put(table, cells);
        if goes {
            gone.entry(table.name).or_default().push(id);
        }
    };
    for (days, goes) in [(91, true), (89, false), (1, false)] {
        let at = h.days_ago(days);
        row(h, &BLOCKS, goes, block(at - HOUR_NS, at));
        let counters = r#"{"frames":1}"#.into();
        row(h, &COVERAGE, goes, vec![Value::Int(1), Value::Int(at / HOUR_NS), counters]);
    }
    for (days, goes) in [(366, true), (364, false)] {
        let at = h.days_ago(days);
        row(h, &EVENTS, goes, event(at));
        let mut sum = vec![Value::Int(1), Value::Int(at / DAY_NS)];
        sum.extend([1; 5].map(Value::Int));
        sum.push("[]".into());
        row(h, &TALK_DAYS, goes, sum);
    }
    for (days, goes) in [(2_193, true), (2_191, false)] {
        let at = h.days_ago(days);
        row(h, &GAPS, goes, vec!["eth1".into(), Value::Int(at - HOUR_NS), Value::Int(at), "no power".into()]);
        row(h, &FINDINGS, goes, finding(77, at, at, None));
        // Seen long ago, but changed of late.
        row(h, &FINDINGS, false, finding(77, h.days_ago(4_000), h.days_ago(4_000), Some(h.days_ago(5))));
    }
    for (days, goes) in [(31, true), (29, false)] {
        let at = h.days_ago(days);
        let done = |state: &str| {
            let due = Value::Int(at);
            vec!["notify".into(), "{}".into(), state.into(), due, Value::Int(1), Value::Null]
        };
        row(h, &OUTBOX, goes, done("done"));
        row(h, &OUTBOX, false, done("due"));
        for (source, is_there) in [("gone.pcap", false), ("eth1", true)] {
            let source = format!("{source} {days}");
            let cells = vec![source.into(), Value::Int(5), "at 5".into(), Value::Int(at)];
            row(h, &CURSORS, goes && !is_there, cells);
        }
    }
    h.put(&MARKS, mark(i64::MAX));
    gone
}

fn sources() -> Vec<String> {
    vec!["eth1 31".into(), "eth1 29".into()]
}

#[test]
fn every_rule_takes_what_is_older_and_nothing_else() {
    let mut hospital = Hospital::new();
    let expected = fill(&mut hospital);
    let policy = hospital.policy(&[]).with_sources(sources());
    let leaves = hospital.store.leaves();
    assert_eq!(hospital.sweep(&policy), expected);
    assert!(hospital.store.leaves() > leaves, "deletions have leaves");
    // The last leaf says why.
    let last = (hospital.store.leaves() - 1).cast_signed();
    let mut cause = String::new();
    let sql = "SELECT data FROM leaves WHERE id = ?1";
    hospital
        .store
        .db()
        .query(sql, &[Cell::Int(last)], &mut |row| {
            cause = crate::leaf::Leaf::decode(row.blob(0)?).unwrap().cause;
            Ok(())
        })
        .unwrap();
    assert_eq!(cause, "retention: cursors");
    let after = hospital.everything();
    assert!(hospital.sweep(&policy).is_empty());
    assert_eq!(hospital.everything(), after, "done is done");
}

#[test]
fn what_a_site_says_holds_instead_of_the_default() {
    let mut hospital = Hospital::new();
    fill(&mut hospital);
    let policy = hospital.policy(&[("retention:flows", r#"{"days": 30}"#)]);
    let gone = hospital.sweep(&policy);
    assert_eq!((gone["blocks"].len(), gone["coverage"].len()), (2, 2), "{gone:?}");
    assert!(!gone.contains_key("cursors"), "nobody said which sources are there");
}

/// A clock that was set back makes everything younger; one that was set back while records came makes those look old.
#[test]
fn a_clock_set_back_deletes_nothing_it_should_not() {
    let mut hospital = Hospital::new();
    fill(&mut hospital);
    let policy = hospital.policy(&[]).with_sources(sources());
    let before = hospital.everything();
    for back in [nanos(hospital.now), 4_000 * DAY_NS, 3 * DAY_NS] {
        let now = at(nanos(hospital.now) - back);
        assert!(plan(hospital.store.db(), &policy, now, 1_000).unwrap().is_empty(), "{back} ns back");
    }
    assert_eq!(hospital.everything(), before);

    // The clock of a sensor whose battery is dead: records of today, of 1970 by their time. The hour after it is right again.
    let young = [
        (&BLOCKS, block(1, 2)),
        (&EVENTS, event(5)),
        (&COVERAGE, vec![Value::Int(2), Value::Int(3), r#"{"frames":1}"#.into()]),
    ];
    let ids: Vec<(&Table, i64)> = young.into_iter().map(|(t, cells)| (t, hospital.put(t, cells))).collect();
    let newest = hospital.days_ago(0);
    hospital.put(&BLOCKS, block(newest, newest));
    hospital.sweep(&policy);
    for (table, id) in ids {
        assert!(hospital.ids(table).contains(&id), "{} {id} was written a moment ago", table.name);
    }
}

#[test]
fn blocks_that_views_need_stay_and_so_does_the_newest() {
    let mut hospital = Hospital::new();
    let old = hospital.days_ago(200);
    let blocks: Vec<i64> = (0..6).map(|n| hospital.put(&BLOCKS, block(old + n, old + n))).collect();
    let policy = hospital.policy(&[]);
    assert!(hospital.sweep(&policy).is_empty(), "without a mark nobody knows what is needed");
    hospital.put(&MARKS, mark(blocks[3]));
    assert_eq!(hospital.sweep(&policy)["blocks"], blocks[..3]);
}

#[test]
fn the_newest_block_stays_so_that_numbers_go_on() {
    let mut hospital = Hospital::new();
    let old = hospital.days_ago(200);
    let blocks: Vec<i64> = (0..3).map(|n| hospital.put(&BLOCKS, block(old + n, old + n))).collect();
    hospital.put(&MARKS, mark(blocks[2] + 1));
    let policy = hospital.policy(&[]);
    assert_eq!(hospital.sweep(&policy)["blocks"], blocks[..2]);
    let Hospital { store, now, folder } = hospital;
    drop(store);
    let mut store = Store::open(Place::folder(folder.path(), KEY), now).unwrap();
    assert_eq!(store.next_id(&BLOCKS), blocks[2] + 1, "a number is never another block's");
}

#[test]
fn acts_go_by_the_time_of_their_leaf() {
    let mut hospital = Hospital::new();
    let now = hospital.now;
    for (key, days) in [("first", 40), ("second", 31), ("third", 29), ("fourth", 0)] {
        let at = at(hospital.days_ago(days));
        let mut tx = Tx::new(SITE, "admin", "a setting", at).keyed(key);
        let id = hospital.store.next_id(&GAPS);
        tx.put(&GAPS, id, vec!["s".into(), Value::Int(nanos(now)), Value::Int(nanos(now)), "x".into()]);
        hospital.store.commit(tx).unwrap();
    }
    let policy = hospital.policy(&[]);
    assert_eq!(hospital.sweep(&policy)["acts"], [1, 2]);
    assert_eq!(hospital.ids(&ACTS), [3, 4]);
    // Whoever repeats a young one is still told that it is done.
    let tx = Tx::new(SITE, "admin", "a setting", now).keyed("third");
    assert!(hospital.store.commit(tx).unwrap().repeated);
}

/// What a hold covers, even in part, stays; what it does not goes.
#[test]
fn a_hold_keeps_what_lies_in_its_time() {
    let hold = |h: &Hospital, from: i64, to: i64| {
        let [from, to] = [from, to].map(|days| super::super::date::of(h.days_ago(days)));
        format!(r#"{{"from": "{from}", "to": "{to}", "reason": "letter of counsel, case 12"}}"#)
    };
    let mut hospital = Hospital::new();
    let mut expected = fill(&mut hospital);
    // Covers the old block, coverage hour and nothing else.
    let text = hold(&hospital, 95, 91);
    let policy = hospital.policy(&[("hold:case-12", &text)]).with_sources(sources());
    expected.remove("blocks");
    expected.remove("coverage");
    assert_eq!(hospital.sweep(&policy), expected);

    // Everything there was is covered by one without an end.
    let mut hospital = Hospital::new();
    fill(&mut hospital);
    let text = r#"{"from": "1970-01-01", "reason": "letter of counsel, case 13"}"#;
    let policy = hospital.policy(&[("hold:case-13", text)]);
    assert!(hospital.sweep(&policy).is_empty());

    // Lifted, they go.
    let mut tx = Tx::new(SITE, "counsel", "case 13 is over", hospital.now);
    tx.delete(&crate::table::POLICIES, 1);
    hospital.store.commit(tx).unwrap();
    let policy = Policy::read(hospital.store.db(), SITE).unwrap();
    assert_eq!(hospital.sweep(&policy)["blocks"].len(), 1);
}

#[test]
fn talks_under_a_hold_stay_hours() {
    let mut hospital = Hospital::new();
    let hour = hospital.days_ago(100) / HOUR_NS;
    let held = hospital.put(&crate::table::TALKS, talk(1, hour, 1, 1, "[]"));
    let free = hospital.put(&crate::table::TALKS, talk(1, hour - 96, 1, 1, "[]"));
    let day = super::super::date::of(hour * HOUR_NS);
    let text = format!(r#"{{"from": "{day}", "to": "{day}", "reason": "letter of counsel"}}"#);
    let policy = hospital.policy(&[("hold:day", &text)]);
    assert_eq!(hospital.sweep(&policy)["talks"], [free]);
    assert_eq!(hospital.ids(&crate::table::TALKS), [held]);
}

#[test]
fn a_device_stays_for_its_life_and_six_years() {
    let mut h = Hospital::new();
    let [gone, then, life] = [h.days_ago(2_300), h.days_ago(2_500), h.days_ago(10)];
    // A pump that was retired, and all that is known of it.
    let pump = h.put(&SUBJECTS, subject("00:1a:2b:3c:4d:5e", then, gone));
    let of_pump = [
        (&CLAIMS, h.put(&CLAIMS, claim("0|00:1a:2b:3c:4d:5e", then, Some(gone)))),
        (&CLAIMS, h.put(&CLAIMS, claim("0|00:1a:2b:3c:4d:5e", gone, None))),
        (&BINDINGS, h.put(&BINDINGS, binding("0|00:1a:2b:3c:4d:5e", 500, then))),
        (&DEVICES, h.put(&DEVICES, device(500, None, then, Some(gone)))),
        (&DEVICES, h.put(&DEVICES, device(500, None, gone, None))),
        (&PAIRS, h.put(&PAIRS, pair("0|00:1a:2b:3c:4d:5e", "0|10.0.0.9"))),
        (&DECISIONS, h.put(&DECISIONS, decision(500, None, then))),
        (&SUBJECTS, pump),
    ];
    // A monitor that is alive, with claims that ended long ago.
    h.put(&SUBJECTS, subject("10.0.0.9", then, life));
    h.put(&CLAIMS, claim("0|10.0.0.9", then, Some(gone)));
    h.put(&BINDINGS, binding("0|10.0.0.9", 600, then));
    h.put(&DEVICES, device(600, None, then, None));
    h.put(&DECISIONS, decision(600, Some(500), then));
    // One that was last heard long ago, in a capture that was read of late.
    h.put(&SUBJECTS, subject("10.0.0.7", then, gone));
    h.put(&CLAIMS, claim("0|10.0.0.7", life, None));
    // One behind a gateway, never heard itself: it lives as long as its gateway.
    h.put(&DEVICES, device(601, Some(600), then, None));
    // One that is gone, but of which a finding is kept.
    let kept = h.put(&DEVICES, device(700, None, then, None));
    h.put(&FINDINGS, finding(700, life, life, None));

    let policy = h.policy(&[]);
    let mut expected: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
    of_pump.iter().for_each(|(table, id)| expected.entry(table.name).or_default().push(*id));
    assert_eq!(h.sweep(&policy), expected);
    assert!(h.ids(&DEVICES).contains(&kept));
}

/// Wherever it is interrupted, nothing refers to a row that is gone.
#[test]
fn what_refers_to_a_row_goes_before_it() {
    let mut hospital = Hospital::new();
    let gone = hospital.days_ago(2_300);
    for n in 0..40 {
        let address = format!("10.0.1.{n}");
        let endpoint = format!("0|{address}");
        hospital.put(&SUBJECTS, subject(&address, gone, gone));
        hospital.put(&BINDINGS, binding(&endpoint, n, gone));
        hospital.put(&DEVICES, device(n, None, gone, None));
        for _ in 0..n % 5 {
            hospital.put(&CLAIMS, claim(&endpoint, gone, None));
        }
    }
    let policy = hospital.policy(&[]);
    let orphans = "SELECT count(*) FROM claims c WHERE NOT EXISTS (SELECT 1 FROM subjects s \
                   WHERE c.endpoint = CAST(s.domain AS TEXT) || '|' || s.address)";
    let strays = "SELECT count(*) FROM bindings b WHERE NOT EXISTS (SELECT 1 FROM devices d WHERE d.device = b.device)";
    let mut rounds = 0;
    while sweep(&mut hospital.store, &policy, hospital.now, 32).unwrap().transactions > 0 {
        rounds += 1;
        assert_eq!(numbers(hospital.store.db(), orphans), [0]);
        assert_eq!(numbers(hospital.store.db(), strays), [0]);
    }
    assert!(rounds >= 6, "{rounds} rounds of 32 rows");
    for table in [&SUBJECTS, &BINDINGS, &DEVICES, &CLAIMS] {
        assert!(hospital.ids(table).is_empty(), "{}", table.name);
    }
}

#[test]
fn transactions_are_bounded() {
    let mut hospital = Hospital::new();
    let old = hospital.days_ago(400);
    let rows = ROWS_A_TX + 7;
    let mut tx = Tx::new(SITE, "test", "events", hospital.now);
    for n in 0..rows as i64 {
        let id = hospital.store.next_id(&EVENTS);
        tx.put(&EVENTS, id, event(old + n));
    }
    hospital.store.commit(tx).unwrap();
    let policy = hospital.policy(&[]);
    let sizes = |steps: Vec<Step>| steps.iter().map(|step| step.changes.len()).collect::<Vec<_>>();
    let steps = plan(hospital.store.db(), &policy, hospital.now, 1_000_000).unwrap();
    assert_eq!(sizes(steps), [ROWS_A_TX, 7]);
    let steps = plan(hospital.store.db(), &policy, hospital.now, 600).unwrap();
    assert_eq!(sizes(steps), [600]);
    // Another site's rows are not ours.
    let other = Policy::of(SiteId(2));
    assert!(plan(hospital.store.db(), &other, hospital.now, 1_000).unwrap().is_empty());
}
