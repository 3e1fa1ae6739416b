//! `kill -9` at any moment: what was told durable is stored, once each, under a ledger that tells the truth; and what comes out
//! in the end is what an undisturbed run gives. Ten kills; `WARD_KILLS` sets another number, `WARD_KILLS_SEED` another run.

#[cfg(target_os = "linux")]
mod live;
#[cfg(target_os = "linux")]
mod soak;

use crate::up::{Files, Installation, records_once_each, told};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use store::db::Db;
use testkit::random::Random;

/// Kills when nobody says otherwise.
const KILLS: u64 = 10;
const RECORDS_PER_FILE: usize = 4_000;
const SMALL: &str = "[limits]\nbatch_records = 100\n";
/// Records that wait to be read whenever a life begins: so that it is killed while it reads.
const BACKLOG: u64 = 30_000;
/// Records in all, at least.
const RECORDS_MIN: u64 = 24_000;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// What is durable by the cursor file: newest line of each file.
fn acknowledged(watched: &Path) -> BTreeMap<String, (u64, bool)> {
    let line = |line: serde_json::Value| {
        let file = line["file"].as_str().unwrap().to_owned();
        (file, (line["last_sequence"].as_u64().unwrap(), line["done"].as_bool().unwrap()))
    };
    told(watched).into_iter().map(line).collect()
}

/// What must hold after every kill; how many records are durable.
fn check(installation: &Installation) -> u64 {
    if !installation.store().join(store::DATABASE_FILE).exists() {
        assert!(acknowledged(&installation.watched()).is_empty(), "told durable without a store");
        return 0;
    }
    let mut db = installation.db();
    if !db.has_table("cursors").unwrap() {
        assert!(acknowledged(&installation.watched()).is_empty(), "told durable without a table");
        return 0;
    }
    db.begin().unwrap();
    let stored = records_once_each(&mut db);
    for (file, (told, done)) in acknowledged(&installation.watched()) {
        let source = format!("folder:{}", installation.watched().join(&file).display());
        let cursor = stored.get(&source).map_or(0, |(cursor, _)| *cursor);
        assert!(cursor >= told, "{file}: told durable to {told}, stored to {cursor}");
        assert!(!done || cursor == RECORDS_PER_FILE as u64, "{file}: told done, stored to {cursor}");
    }
    drop(db);
    installation.verify();
    stored.values().map(|(cursor, _)| cursor).sum()
}

/// Everything that the store says at its end, without what may differ between runs: numbers of rows, salts, blocks, the times at
/// which something became known, where the folder is, and by which look at the site a device got its id.
fn state(db: &mut Db, watched: &Path) -> Vec<String> {
    let current = "known_to IS NULL AND true_to IS NULL";
    let (own, other) = (current.replace("known_to", "b.known_to"), current.replace("known_to", "o.known_to"));
    let (own, other) = (own.replace(" true_to", " b.true_to"), other.replace(" true_to", " o.true_to"));
    let bindings = format!(
        "SELECT b.endpoint, (SELECT min(o.endpoint) FROM bindings o WHERE o.device = b.device AND {other}) FROM bindings b WHERE {own}"
    );
    let queries = [
        (4, "SELECT domain, address, evidence, first_seen FROM subjects"),
        (
            12,
            "SELECT p.client, p.server, p.protocol, p.transport, p.service_port, t.hour, t.client_packets, \
             t.server_packets, t.client_bytes, t.server_bytes, t.flows, t.verbs FROM talks t JOIN pairs p ON p.id = t.pair",
        ),
        (3, "SELECT name, vendor, router FROM devices WHERE known_to IS NULL AND merged_into IS NULL"),
        (5, "SELECT endpoint, attribute, value, source, true_from FROM claims WHERE known_to IS NULL"),
        (2, &*bindings),
        (6, "SELECT endpoint, peer, kind, protocol, detail, happened_at FROM events"),
        (3, "SELECT sensor, hour, counters FROM coverage"),
        (3, "SELECT source, sequence, position FROM cursors"),
        (3, "SELECT kind, protocol, summary FROM findings"),
    ];
    let folder = watched.display().to_string();
    let mut lines = Vec::new();
    for (kind, (width, sql)) in queries.into_iter().enumerate() {
        db.query(sql, &[], &mut |row| {
            let cells: Result<Vec<String>, _> =
                (0..width).map(|n| row.cell(n).map(|cell| format!("{cell:?}"))).collect();
            lines.push(format!("{kind}: {}", cells?.join(" ").replace(&folder, "WATCHED")));
            Ok(())
        })
        .unwrap();
    }
    lines.sort();
    lines
}

/// Reads everything to its end and stops; the state.
fn finished(installation: &Installation, files: &Files) -> Vec<String> {
    let running = installation.start();
    for (file, _) in &files.written {
        installation.wait_until_done(file);
    }
    running.stop();
    assert_eq!(check(installation), files.records());
    state(&mut installation.db(), &installation.watched())
}

/// One life of the process, ended by a kill: while it starts, at a random moment of its work, or just when it tells that more is
/// durable.
fn life(installation: &Installation, random: &mut Random) {
    let told_bytes =
        || std::fs::metadata(installation.watched().join(".ward-cursor.jsonl")).map_or(0, |file| file.len());
    let running = installation.spawn();
    let some = Duration::from_millis(20 + random.below(380) as u64);
    match random.below(3) {
        0 => std::thread::sleep(some),
        1 => {
            running.wait_for("ward is up. ");
            std::thread::sleep(some);
        }
        _ => {
            running.wait_for("ward is up. ");
            let (began, before) = (Instant::now(), told_bytes());
            while told_bytes() == before && began.elapsed() < 3 * some {
                std::thread::yield_now();
            }
        }
    }
    let said = running.kill();
    assert!(!said.contains("panic") && !said.contains("damaged"), "{said}");
}

#[test]
fn kills_lose_nothing_that_was_acknowledged_and_change_nothing() {
    let (kills, seed) = (number("WARD_KILLS", KILLS), number("WARD_KILLS_SEED", 1));
    // Small transactions: more moments between them.
    let (installation, mut random) = (Installation::new(SMALL), Random::new(seed));
    // Under a simulated day in all: claims that end are noticed by the clock on the wall, not by that of the records.
    let devices = if kills > 50 { 400 } else { 60 };
    let mut files = Files::new(seed, devices, RECORDS_PER_FILE);
    let (mut durable, mut while_reading) = (0, 0);
    for kill in 1..=kills {
        while files.records() < durable + BACKLOG {
            files.drop_into(&installation.watched());
        }
        life(&installation, &mut random);
        let before = std::mem::replace(&mut durable, check(&installation));
        assert!(durable >= before, "kill {kill}: {before} records were durable, now {durable}");
        while_reading += u64::from(durable > before && durable < files.records());
        eprintln!("kill {kill}: {} records durable since, {durable} in all", durable - before);
    }
    while files.records() < RECORDS_MIN {
        files.drop_into(&installation.watched());
    }
    let found = finished(&installation, &files);
    eprintln!(
        "in all: {kills} kills with seed {seed}, {while_reading} between commits; {durable} of {} records durable before the end, \
        {} rows of state",
        files.records(),
        found.len()
    );
    assert!(while_reading >= kills / 4, "only {while_reading} of {kills} kills came while files were read");

    let undisturbed = Installation::new(SMALL);
    for (file, _) in &files.written {
        // Linked: their times are part of where a source stands.
        std::fs::hard_link(installation.watched().join(file), undisturbed.watched().join(file)).unwrap();
    }
    let expected = finished(&undisturbed, &files);
    let only = |a: &[String], b: &[String]| {
        let known: std::collections::BTreeSet<&String> = b.iter().collect();
        a.iter().filter(|line| !known.contains(line)).take(5).cloned().collect::<Vec<_>>()
    };
    let (more, less) = (only(&found, &expected), only(&expected, &found));
    assert!(more.is_empty() && less.is_empty(), "after kills only: {more:#?}\nundisturbed only: {less:#?}");
    assert_eq!(found.len(), expected.len());
}
