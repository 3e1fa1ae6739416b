//! Acts of people: decisions that last, are taken back and leave a history; a policy that deletes what it says.

use super::*;
use crate::acts::{Asked, Decide};
use judge::site::Decision;
use model::Address;
use std::collections::BTreeSet;
use store::decisions::DecisionRow;
use store::endpoints;
use store::retention::Amendment;

const BY: &str = "os:ana";
const WHY: &str = "two ports of one monitor";
/// Rows of a binding's history: device, true from and to, known from and to.
type Binding = (DeviceId, i64, Option<i64>, i64, Option<i64>);

fn later(seconds: u64) -> Timestamp {
    Timestamp::from_secs(NOW.as_secs() + seconds)
}

fn endpoints_of(core: &Core, device: DeviceId) -> BTreeSet<SubjectKey> {
    core.site.subjects_of(device).collect()
}

/// Devices with a link address of their own, in the order of their ids.
fn by_link(core: &mut Core) -> Vec<DeviceId> {
    let mut ids = Vec::new();
    store::devices::DeviceRow::each_current(core.store().db(), SiteId(1), &mut |row| {
        if row.merged_into.is_none() && !row.router {
            ids.push(row.device);
        }
    })
    .unwrap();
    ids.sort_unstable();
    ids.retain(|id| endpoints_of(core, *id).iter().any(|key| matches!(key.address, Address::Mac(_))));
    ids
}

fn history(core: &mut Core, key: &SubjectKey) -> Vec<Binding> {
    let sql = "SELECT device, true_from, true_to, known_from, known_to FROM bindings WHERE endpoint = ?1 ORDER BY id";
    let mut rows = Vec::new();
    let key = endpoints::text(key);
    core.store()
        .db()
        .query(sql, &[Cell::Text(&key)], &mut |row| {
            let device = store::devices::device_id(row.int(0)?);
            rows.push((device, row.int(1)?, row.optional_int(2)?, row.int(3)?, row.optional_int(4)?));
            Ok(())
        })
        .unwrap();
    rows
}

fn merged_into(core: &mut Core, device: DeviceId) -> Option<DeviceId> {
    let mut found = None;
    store::devices::DeviceRow::each_current(core.store().db(), SiteId(1), &mut |row| {
        if row.device == device {
            found = row.merged_into;
        }
    })
    .unwrap();
    found
}

fn actors(core: &mut Core) -> Vec<(String, String)> {
    let mut found = Vec::new();
    core.store()
        .db()
        .query("SELECT data FROM leaves ORDER BY id", &[], &mut |row| {
            let leaf = store::leaf::Leaf::decode(row.blob(0)?).unwrap();
            found.push((leaf.actor.to_string(), leaf.cause.to_string()));
            Ok(())
        })
        .unwrap();
    found
}

/// Twice, unknown, without a reason: refused, and nothing written.
fn refuses(core: &mut Core, (a, b): (DeviceId, DeviceId), other: DeviceId, number: i64) {
    let leaves = core.store().leaves();
    let mut refused =
        |a, b, why: &str| core.decide(Decision::Merge { a, b }, why, BY, later(200)).unwrap_err().to_string();
    assert_eq!(refused(b, a, WHY), format!("decision {number} says so already"));
    assert!(refused(a, a, WHY).contains("one device already"));
    assert!(refused(a, DeviceId(77), WHY).contains("there is no device d-000000000000004d"));
    assert!(refused(a, other, " x ").contains("say why"));
    assert_eq!(core.store().leaves(), leaves);
}

/// What was true and known when stays: whose each endpoint was, was taken for, and is.
fn tells_history(core: &mut Core, moved: &BTreeSet<SubjectKey>, (rests, goes_on): (DeviceId, DeviceId)) {
    let known = |at: Timestamp| Some(store::tx::time(at));
    for key in moved {
        let rows = history(core, key);
        let devices: Vec<DeviceId> = rows.iter().map(|row| row.0).collect();
        assert_eq!(devices, [rests, rests, goes_on, goes_on, rests], "{rows:?}");
        // As it was first known; the same, ended when it was decided; and so on.
        assert_eq!((rows[0].2, rows[0].4), (None, known(later(100))), "{rows:?}");
        assert_eq!((rows[1].2.is_some(), rows[1].4), (true, None), "{rows:?}");
        assert_eq!((Some(rows[2].3), rows[2].4), (known(later(100)), known(later(300))), "{rows:?}");
        assert_eq!((Some(rows[4].3), rows[4].2, rows[4].4), (known(later(300)), None, None), "{rows:?}");
    }
}

#[test]
fn a_merge_lasts_over_a_restart_and_is_taken_back_with_the_old_ids() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = open(folder.path(), settings());
    feed(&mut core, &records(40, 6_000), 1000);
    core.flush(NOW).unwrap();
    let ids = by_link(&mut core);
    let (a, b) = (ids[3], ids[7]);
    let before = (core.devices(), endpoints_of(&core, a), endpoints_of(&core, b));
    assert!(!before.1.is_empty() && !before.2.is_empty());

    let merged = core.decide(Decision::Merge { a, b }, WHY, BY, later(100)).unwrap();
    assert_eq!((merged.heeded, merged.unheeded.as_slice()), (true, &[][..]));
    let one = |core: &mut Core| {
        assert_eq!(core.devices(), before.0 - 1);
        let goes_on = if endpoints_of(core, a).is_empty() { b } else { a };
        let rests = if goes_on == a { b } else { a };
        assert_eq!(merged_into(core, rests), Some(goes_on));
        assert_eq!(endpoints_of(core, goes_on), before.1.union(&before.2).copied().collect());
        (goes_on, rests)
    };
    let (goes_on, rests) = one(&mut core);
    core.flush(later(100)).unwrap();
    drop(core);
    let mut core = open(folder.path(), settings());
    // The first look after a start draws the same.
    core.accept(&[], later(200)).unwrap();
    assert_eq!(one(&mut core), (goes_on, rests));

    refuses(&mut core, (a, b), ids[9], merged.decision);

    let reverted = core.revert(merged.decision, BY, later(300)).unwrap();
    assert_eq!((reverted.decision, reverted.heeded), (merged.decision, false));
    core.flush(later(300)).unwrap();
    assert_eq!((core.devices(), endpoints_of(&core, a), endpoints_of(&core, b)), before);
    assert_eq!((merged_into(&mut core, a), merged_into(&mut core, b)), (None, None));
    assert!(core.revert(merged.decision, BY, later(300)).unwrap_err().to_string().contains("already"));
    let row = DecisionRow::find(core.store().db(), SiteId(1), merged.decision).unwrap().unwrap();
    assert_eq!((row.decided_at, row.reverted_at), (later(100), Some(later(300))));
    assert_eq!((row.reason.as_str(), row.decided_by.as_str()), (WHY, BY));

    let moved = if rests == a { &before.1 } else { &before.2 };
    tells_history(&mut core, moved, (rests, goes_on));
    drop(core);
    let mut core = open(folder.path(), settings());
    core.accept(&[], later(400)).unwrap();
    assert_eq!((core.devices(), endpoints_of(&core, a), endpoints_of(&core, b)), before);
    let people: Vec<(String, String)> = actors(&mut core).into_iter().filter(|(by, _)| by == BY).collect();
    let causes: Vec<&str> = people.iter().map(|(_, cause)| cause.as_str()).collect();
    assert_eq!(causes, ["two devices are one, by decision", "a decision about devices is taken back"]);
    verify(&mut core);
}

#[test]
fn a_split_takes_an_endpoint_out_until_it_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = open(folder.path(), settings());
    feed(&mut core, &records(40, 6_000), 1000);
    core.flush(NOW).unwrap();
    let found = by_link(&mut core).into_iter().find_map(|device| {
        let keys = endpoints_of(&core, device);
        let ip = keys.iter().find(|key| matches!(key.address, Address::Ip(_))).copied();
        ip.filter(|ip| core.site.known(device).unwrap().key != *ip).map(|ip| (device, ip))
    });
    let (device, ip) = found.unwrap();
    let before = (core.devices(), endpoints_of(&core, device));
    let asked = |ask| Asked { by: BY.to_owned(), ask };
    let split = |endpoint: String| {
        asked(Decide::Split { device, endpoint, reason: "a neighbour's lease".to_owned() })
    };
    let naming = endpoints::text(&core.site.known(device).unwrap().key);
    let why = split(naming).carry_out(&mut core, later(1)).unwrap_err().to_string();
    assert!(why.contains("is what names d-"), "{why}");
    let why = split("192.0.2.250".to_owned()).carry_out(&mut core, later(1)).unwrap_err().to_string();
    assert!(why.contains("is no endpoint of d-") && why.contains(&ip.address.to_string()), "{why}");

    let done = split(ip.address.to_string()).carry_out(&mut core, later(1)).unwrap();
    assert_eq!(done["heeded"], true, "{done}");
    assert!(!endpoints_of(&core, device).contains(&ip));
    let number = done["decision"].as_i64().unwrap();
    drop(core);
    let mut core = open(folder.path(), settings());
    core.accept(&[], later(2)).unwrap();
    assert!(!endpoints_of(&core, device).contains(&ip));
    asked(Decide::Revert { decision: number }).carry_out(&mut core, later(3)).unwrap();
    assert_eq!((core.devices(), endpoints_of(&core, device)), before);
    core.flush(later(3)).unwrap();
    verify(&mut core);
}

#[test]
fn a_decision_whose_commit_fails_is_whole_or_not_there() {
    for fault in [Fault::NotStored, Fault::StoredButReported] {
        let folder = tempfile::tempdir().unwrap();
        let mut core = open(folder.path(), settings());
        feed(&mut core, &records(20, 2_000), 1000);
        core.flush(NOW).unwrap();
        let ids = by_link(&mut core);
        let decision = Decision::Merge { a: ids[0], b: ids[1] };
        core.store().fail_next(fault);
        assert!(core.decide(decision, WHY, BY, later(1)).is_err(), "{fault:?}");
        let again = core.decide(decision, WHY, BY, later(2));
        match fault {
            Fault::NotStored => assert!(again.unwrap().heeded),
            Fault::StoredButReported => assert!(again.unwrap_err().to_string().contains("says so already")),
        }
        assert_eq!(DecisionRow::in_force(core.store().db(), SiteId(1)).unwrap().len(), 1, "{fault:?}");
        core.flush(later(3)).unwrap();
        verify(&mut core);
    }
}

fn count(core: &mut Core, table: &str) -> i64 {
    core.store().db().number(&format!("SELECT count(*) FROM {table}"), &[]).unwrap().unwrap()
}

/// Sweeps by the policy of the store until there is nothing more; how many rows went.
fn sweep(core: &mut Core, now: Timestamp) -> usize {
    let mut gone = 0;
    loop {
        let policy = Policy::read(core.store().db(), SiteId(1)).unwrap();
        let swept = core.sweep(&policy, now, 5_000).unwrap();
        if swept.transactions == 0 {
            return gone;
        }
        let changes = swept.steps.iter().flat_map(|step| &step.changes);
        gone += changes.filter(|change| matches!(change, Change::Delete { .. })).count();
    }
}

fn at(days: u64) -> Timestamp {
    Timestamp::from_secs(1_780_000_000 + days * 86_400)
}

fn ask(core: &mut Core, ask: Amendment) -> Result<serde_json::Value, String> {
    let asked = Asked { by: BY.to_owned(), ask };
    asked.carry_out(core, SiteId(1), at(40)).map_err(|error| error.to_string())
}

fn set(rule: &str, days: u32, reason: Option<&str>) -> Amendment {
    Amendment::Set { rule: rule.to_owned(), days, reason: reason.map(str::to_owned) }
}

fn refuses_what_cannot_be(core: &mut Core) {
    let leaves = core.store().leaves();
    for (wrong, says) in [
        (set("flows", 0, None), "0 days; from 1 to 36525"),
        (set("flow", 9, None), "no such rule; there are: flows"),
        (set("aggregates", 9, None), "fewer than the 90 of flows"),
        (set("findings", 9, None), "fewer than 2192 (45 CFR 164.316(b)(2)(i)"),
        (set("flows", 400, None), "fewer than the 400 of flows: sums"),
        (Amendment::Default { rule: "flow".to_owned() }, "no such rule"),
        (Amendment::Release { name: "case".to_owned() }, "no such hold; there is none"),
    ] {
        let why = ask(core, wrong).unwrap_err();
        assert!(why.contains(says), "{why}");
    }
    assert_eq!(core.store().leaves(), leaves, "nothing is written");
    assert_eq!(ask(core, Amendment::Default { rule: "flows".to_owned() }).unwrap()["changed"], false);
}

#[test]
fn a_shorter_rule_deletes_with_the_next_sweep_unless_a_hold_says_no() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(Place::folder(folder.path(), [9; 32]), at(0)).unwrap();
    let mut core = Core::open(store, settings(), catalog(), at(0)).unwrap();
    let records = records(30, 4_000);
    for (n, batch) in records.chunks(500).enumerate() {
        core.accept(&[delivery(batch, n * 500 + batch.len())], at(0)).unwrap();
    }
    core.flush(at(0)).unwrap();
    // The newest block stays whatever the rules say.
    core.accept(&[delivery(&records[..1], records.len() + 1)], at(40)).unwrap();
    core.flush(at(40)).unwrap();
    let blocks = count(&mut core, "blocks");
    assert_eq!(sweep(&mut core, at(40)), 0, "90 days by default");
    assert_eq!(count(&mut core, "blocks"), blocks);

    refuses_what_cannot_be(&mut core);
    let day = |text: &str| text.to_owned();
    let hold = Amendment::Hold {
        name: day("case-12"),
        from: day("2026-05-01"),
        to: Some(day("2026-06-30")),
        reason: day("letter of counsel"),
    };
    assert_eq!(ask(&mut core, hold.clone()).unwrap()["changed"], true);
    assert_eq!(ask(&mut core, hold).unwrap()["changed"], false);
    let shorter = Amendment::Hold {
        name: day("case-12"),
        from: day("2026-06-01"),
        to: None,
        reason: day("letter of counsel"),
    };
    assert!(ask(&mut core, shorter).unwrap_err().contains("release it first"));
    assert_eq!(ask(&mut core, set("flows", 30, None)).unwrap()["changed"], true);
    sweep(&mut core, at(40));
    assert_eq!(count(&mut core, "blocks"), blocks, "held");
    verify(&mut core);

    assert_eq!(ask(&mut core, Amendment::Release { name: day("case-12") }).unwrap()["changed"], true);
    assert!(sweep(&mut core, at(40)) > 0);
    assert_eq!(count(&mut core, "blocks"), 1);
    assert_eq!(count(&mut core, "talks"), 0);
    assert!(count(&mut core, "talk_days") > 0);
    verify(&mut core);
    assert_eq!(ask(&mut core, Amendment::Default { rule: "flows".to_owned() }).unwrap()["changed"], true);
    assert_eq!(count(&mut core, "policies"), 0);
    let people: Vec<String> =
        actors(&mut core).into_iter().filter(|(by, _)| by == BY).map(|(_, cause)| cause).collect();
    assert_eq!(
        people,
        [
            "retention: a legal hold was placed",
            "retention: a rule was set",
            "retention: a legal hold was lifted",
            "retention: a rule is as by default again"
        ]
    );
    verify(&mut core);
}
