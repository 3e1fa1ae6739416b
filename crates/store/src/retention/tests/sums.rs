use super::*;
use crate::table::{BLOCKS, MARKS, TALK_DAYS, TALKS};

const DAY: i64 = 24;

/// Hours since 1970, so many days ago at midnight.
fn midnight(hospital: &Hospital, days: i64) -> i64 {
    nanos(hospital.now) / DAY_NS * DAY - days * DAY
}

/// Every counter of all talks and sums together, and messages by verb: what must not change.
fn totals(hospital: &mut Hospital) -> (Vec<i64>, BTreeMap<String, u64>) {
    let mut counters = vec![0; 5];
    let mut verbs: BTreeMap<String, u64> = BTreeMap::new();
    for table in ["talks", "talk_days"] {
        let sql = format!(
            "SELECT client_packets, server_packets, client_bytes, server_bytes, flows, verbs FROM {table}"
        );
        hospital
            .store
            .db()
            .query(&sql, &[], &mut |row| {
                for (column, counter) in counters.iter_mut().enumerate() {
                    *counter += row.int(column)?;
                }
                let told: Vec<(String, u64)> = serde_json::from_str(row.text(5)?).unwrap();
                told.into_iter().for_each(|(verb, count)| *verbs.entry(verb).or_default() += count);
                Ok(())
            })
            .unwrap();
    }
    (counters, verbs)
}

fn fill(hospital: &mut Hospital) -> usize {
    let mut talks = 0;
    for days in [89, 90, 91, 120] {
        for pair in 1..=3 {
            for hour in 0..24 {
                let (verbs, n) = match hour % 3 {
                    0 => ("[]", 1),
                    1 => (r#"[["ORU^R01",7],["ACK^R01",3]]"#, hour + pair),
                    _ => (r#"[["ADT^A01",5],["ORU^R01",1]]"#, i64::from(u32::MAX) << 10),
                };
                let start = midnight(hospital, days);
                hospital.put(&TALKS, talk(pair, start + hour, 1, n, verbs));
                talks += 1;
            }
        }
    }
    talks
}

#[test]
fn hours_become_days_and_no_sum_changes() {
    let mut hospital = Hospital::new();
    let policy = hospital.policy(&[]);
    let talks = fill(&mut hospital);
    let before = totals(&mut hospital);
    let gone = hospital.sweep(&policy);
    assert_eq!(totals(&mut hospital), before);
    // It is noon: the day that began 90 days and 12 hours ago is still hot in part, so it stays whole.
    assert_eq!(gone["talks"].len(), talks / 2, "{gone:?}");
    assert_eq!(hospital.ids(&TALK_DAYS).len(), 2 * 3);
    let day = midnight(&hospital, 120) / DAY;
    let sql = format!("SELECT verbs FROM talk_days WHERE pair = 2 AND day = {day}");
    let mut verbs = String::new();
    hospital
        .store
        .db()
        .query(&sql, &[], &mut |row| {
            verbs = row.text(0)?.to_owned();
            Ok(())
        })
        .unwrap();
    assert_eq!(verbs, r#"[["ORU^R01",64],["ADT^A01",40],["ACK^R01",24]]"#, "merged, largest first");
    assert!(hospital.sweep(&policy).is_empty(), "done is done");
}

/// Killed between any two transactions, and asked for different amounts each time: the same in the end, whole at every moment.
#[test]
fn it_can_be_interrupted_anywhere() {
    let mut whole = Hospital::new();
    fill(&mut whole);
    let policy = whole.policy(&[]);
    whole.sweep(&policy);

    let mut broken = Hospital::new();
    fill(&mut broken);
    broken.policy(&[]);
    let before = totals(&mut broken);
    for round in 0.. {
        let steps = plan(broken.store.db(), &policy, broken.now, 30 + round % 7).unwrap();
        let Some(step) = steps.into_iter().next() else { break };
        if round % 2 == 0 {
            // Not stored: the next plan asks for the same again.
            broken.store.fail_next(crate::Fault::NotStored);
            let tx = step.clone().into_tx(&mut broken.store, broken.now);
            broken.store.commit(tx).unwrap_err();
            broken.store.reopen().unwrap();
            assert_eq!(totals(&mut broken), before);
        } else {
            // Stored, and reported as failed.
            broken.store.fail_next(crate::Fault::StoredButReported);
            let tx = step.into_tx(&mut broken.store, broken.now);
            broken.store.commit(tx).unwrap_err();
            // A kill and a start.
            let Hospital { store, now, folder } = broken;
            drop(store);
            let store = Store::open(Place::folder(folder.path(), KEY), now).unwrap();
            broken = Hospital { store, now, folder };
        }
        assert_eq!(totals(&mut broken), before, "round {round}");
    }
    let days = |hospital: &mut Hospital| {
        let sql = "SELECT pair * 100000 + day FROM talk_days ORDER BY pair, day";
        (numbers(hospital.store.db(), sql), hospital.ids(&TALKS).len(), totals(hospital))
    };
    assert_eq!(days(&mut broken), days(&mut whole));
}

/// Talks of a day that arrive after its sum was made (a late capture) are added to it.
#[test]
fn what_comes_late_is_added() {
    let mut hospital = Hospital::new();
    let policy = hospital.policy(&[]);
    let hour = midnight(&hospital, 100) + 5;
    hospital.put(&TALKS, talk(9, hour, 1, 10, r#"[["GET",1]]"#));
    hospital.sweep(&policy);
    hospital.put(&TALKS, talk(9, hour, 1, 5, r#"[["GET",2],["SET",9]]"#));
    hospital.sweep(&policy);
    let (counters, verbs) = totals(&mut hospital);
    assert_eq!(counters, [15, 30, 1_500, 3_000, 2]);
    assert_eq!(verbs, BTreeMap::from([("GET".into(), 3), ("SET".into(), 9)]));
    assert_eq!((hospital.ids(&TALKS).len(), hospital.ids(&TALK_DAYS).len()), (0, 1));
}

/// A talk that a block of the hot time added to is hot, whatever its hour says: a sensor's clock was wrong, or a capture old.
#[test]
fn a_talk_is_old_when_its_blocks_are() {
    let mut hospital = Hospital::new();
    let policy = hospital.policy(&[]);
    let (old, hot) = (hospital.days_ago(100), hospital.days_ago(2));
    let old = hospital.put(&BLOCKS, block(old, old + 1));
    let hot = hospital.put(&BLOCKS, block(hot, hot + 1));
    hospital.put(&MARKS, mark(hot));
    let hour = midnight(&hospital, 200);
    let done = hospital.put(&TALKS, talk(1, hour, old, 1, "[]"));
    let open = hospital.put(&TALKS, talk(2, hour, hot, 1, "[]"));
    let gone = hospital.sweep(&policy);
    assert_eq!(gone["talks"], [done]);
    assert_eq!(hospital.ids(&TALKS), [open]);
}

#[test]
fn sums_that_cannot_be_read_stop_with_their_row() {
    let mut hospital = Hospital::new();
    let policy = hospital.policy(&[]);
    let hour = midnight(&hospital, 100);
    let id = hospital.put(&TALKS, talk(1, hour, 1, 1, "GET 7"));
    let error = sweep(&mut hospital.store, &policy, hospital.now, 100).unwrap_err().to_string();
    assert!(error.contains(&format!("table talks, row {id}: verbs")), "{error}");
    assert_eq!(hospital.ids(&TALKS), [id]);
}
