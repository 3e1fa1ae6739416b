mod acts;
mod publish;

use super::*;
use crate::bus::Delivery;
use judge::inventory::{Inventory, SiteNetworks};
use model::Record;
use std::sync::Arc;
use store::db::Db;
use store::{Fault, Place};
use testkit::simulation::{Plan, Simulation};

const SOURCE: &str = "test:records";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn settings() -> Settings {
    Settings { site_every: Duration::ZERO, ..Settings::new(SiteId(1), 7) }
}

fn catalog() -> Catalog {
    crate::catalog::load(SiteNetworks::default()).unwrap()
}

fn open(folder: &std::path::Path, settings: Settings) -> Core {
    let store = Store::open(Place::folder(folder, [9; 32]), NOW).unwrap();
    Core::open(store, settings, catalog(), NOW).unwrap()
}

fn records(devices: usize, count: usize) -> Vec<Record> {
    let plan = Plan::new(3, SiteId(1), devices, Timestamp::from_secs(1_780_000_000), 1);
    Simulation::new(plan).unwrap().take(count).collect()
}

fn delivery(records: &[Record], last_sequence: usize) -> Delivery {
    Delivery {
        source: Arc::from(SOURCE),
        records: records.to_vec(),
        last_sequence: last_sequence as u64,
        position: format!("{{\"at\":{last_sequence}}}"),
        acknowledge: None,
    }
}

/// Feeds `records` in batches of `size`, beginning behind what is durable.
fn feed(core: &mut Core, records: &[Record], size: usize) {
    let durable = core.cursor(SOURCE).map_or(0, |cursor| cursor.sequence as usize);
    let mut last = durable;
    for batch in records[durable.min(records.len())..].chunks(size) {
        last += batch.len();
        core.accept(&[delivery(batch, last)], NOW).unwrap();
    }
}

/// Everything that the store says, without what may differ between runs: row numbers, salts, block numbers, known times.
fn state(core: &mut Core) -> Vec<String> {
    core.flush(NOW).unwrap();
    let mut lines = Vec::new();
    let db = core.store().db();
    let mut list = |db: &mut Db, sql: &str| {
        db.query(sql, &[], &mut |row| {
            let mut line = String::new();
            for column in 0..row_width(sql) {
                line.push_str(&format!("{:?} ", row.cell(column)?));
            }
            lines.push(line);
            Ok(())
        })
        .unwrap();
    };
    list(db, "SELECT domain, address, evidence FROM subjects");
    list(
        db,
        "SELECT p.client, p.server, p.protocol, p.transport, p.service_port, t.hour, t.client_packets, \
         t.server_packets, t.client_bytes, t.server_bytes, t.flows FROM talks t JOIN pairs p ON p.id = t.pair",
    );
    // When the site is looked at is a matter of time, so which id a device has may differ; what it is and has may not.
    list(db, "SELECT name, vendor, router FROM devices WHERE known_to IS NULL AND merged_into IS NULL");
    list(db, "SELECT endpoint, attribute, value, source, true_from FROM claims WHERE known_to IS NULL");
    let current = "known_to IS NULL AND true_to IS NULL";
    list(
        db,
        &format!(
            "SELECT b.endpoint, (SELECT min(o.endpoint) FROM bindings o WHERE o.device = b.device AND o.{}) FROM bindings b \
             WHERE b.{}",
            current.replace("AND ", "AND o."),
            current.replace("AND ", "AND b.")
        ),
    );
    list(db, "SELECT endpoint, peer, kind, protocol, detail, happened_at FROM events");
    list(db, "SELECT sensor, hour, counters FROM coverage");
    list(db, "SELECT source, sequence, position FROM cursors");
    list(db, "SELECT kind, protocol, summary FROM findings");
    lines.sort();
    lines
}

/// Equal, or the first lines that only one side has.
fn same(found: &[String], expected: &[String]) {
    let only =
        |a: &[String], b: &[String]| a.iter().filter(|l| !b.contains(l)).take(3).cloned().collect::<Vec<_>>();
    let (more, less) = (only(found, expected), only(expected, found));
    assert!(more.is_empty() && less.is_empty(), "found only: {more:#?}\nexpected only: {less:#?}");
    assert_eq!(found.len(), expected.len());
}

fn row_width(sql: &str) -> usize {
    let outer = sql.split(" (SELECT").next().unwrap().split(" FROM ").next().unwrap();
    outer.matches(',').count() + 1
}

fn verify(core: &mut Core) {
    let expectation = store::verify::Expectation::default();
    let verified = store::verify::verify(core.store().db(), &expectation, &mut |_, _| {}).unwrap();
    assert_eq!(verified.lies, []);
    assert!(verified.rows > 0);
}

#[test]
fn the_platform_finds_the_devices_that_a_scan_finds() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(100, 30_000);
    let mut core = open(folder.path(), settings());
    feed(&mut core, &records, 1000);
    core.accept(&[delivery(&[], records.len())], NOW).unwrap();
    let mut scanned = Inventory::new(1);
    records.iter().for_each(|record| scanned.fold(record));
    let resolved = scanned.resolve(&SiteNetworks::default(), &catalog().vendors);
    let mut expected: Vec<String> =
        resolved.devices.iter().map(|d| format!("{:?} {:?}", d.names.first(), d.vendor)).collect();
    expected.sort();
    state(&mut core);
    let mut found = Vec::new();
    store::devices::DeviceRow::each_current(core.store().db(), SiteId(1), &mut |row| {
        if row.merged_into.is_none() {
            found.push(format!("{:?} {:?}", row.name, row.vendor));
        }
    })
    .unwrap();
    found.sort();
    assert!(expected.len() > 90, "{}", expected.len());
    assert_eq!(found, expected);
    verify(&mut core);
}

#[test]
fn restarts_repeats_and_little_memory_change_nothing() {
    let records = records(60, 12_000);
    let whole = tempfile::tempdir().unwrap();
    let mut core = open(whole.path(), settings());
    feed(&mut core, &records, 500);
    let expected = state(&mut core);
    assert!(expected.len() > 500, "{}", expected.len());

    let pieces = tempfile::tempdir().unwrap();
    // Nothing that may wait is written, and memory holds some ten endpoints.
    let scarce = Settings { view_rows_per_s: 0.0, views_bytes_max: 8 << 10, ..settings() };
    let mut evicted = 0;
    for end in [700, 3_000, 3_001, 9_000, 12_000] {
        let mut core = open(pieces.path(), scarce.clone());
        let durable = core.cursor(SOURCE).map_or(0, |cursor| cursor.sequence as usize);
        // As a source does that was not told of the last ones: it begins a little before.
        let from = durable.saturating_sub(250);
        for (n, batch) in records[from..end].chunks(313).enumerate() {
            let last = from + n * 313 + batch.len();
            core.accept(&[delivery(batch, last)], NOW).unwrap();
        }
        assert_eq!(core.totals().skipped, 0);
        evicted += core.totals().evicted;
        // Dropped without a flush, as by a kill: views are behind.
    }
    let mut core = open(pieces.path(), scarce);
    assert!(core.totals().replayed > 0);
    assert!(evicted > 100, "memory was not scarce: {evicted}");
    same(&state(&mut core), &expected);
    verify(&mut core);
}

#[test]
fn every_commit_that_fails_either_way_loses_and_doubles_nothing() {
    let records = records(40, 4_000);
    let whole = tempfile::tempdir().unwrap();
    let mut core = open(whole.path(), settings());
    feed(&mut core, &records, 400);
    let expected = state(&mut core);
    for fault in [Fault::NotStored, Fault::StoredButReported] {
        let folder = tempfile::tempdir().unwrap();
        let mut core = open(folder.path(), settings());
        for (n, batch) in records.chunks(400).enumerate() {
            let delivery = delivery(batch, n * 400 + batch.len());
            core.store().fail_next(fault);
            assert!(core.accept(std::slice::from_ref(&delivery), NOW).is_err(), "{fault:?}");
            let again = core.accept(std::slice::from_ref(&delivery), NOW).unwrap();
            assert_eq!(again.repeated > 0, fault == Fault::StoredButReported, "{fault:?}");
        }
        same(&state(&mut core), &expected);
        verify(&mut core);
    }
}

#[test]
fn a_damaged_block_is_named_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = open(folder.path(), Settings { view_rows_per_s: 0.0, ..settings() });
    feed(&mut core, &records(20, 500), 100);
    core.store().db().execute("UPDATE blocks SET data = x'0102' WHERE id = 3", &[]).unwrap();
    drop(core);
    let store = Store::open(Place::folder(folder.path(), [9; 32]), NOW).unwrap();
    let error = Core::open(store, settings(), catalog(), NOW).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("table blocks, row 3"), "{error}");
}

/// A commit fails, and the store cannot be read again either: nothing may be called durable that is not.
#[test]
fn what_cannot_be_read_again_acknowledges_nothing() {
    let records = records(20, 600);
    for hidden in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mut core = open(folder.path(), settings());
        feed(&mut core, &records[..300], 100);
        let batch = delivery(&records[300..], 600);
        let (there, away) = (folder.path().join("store.db"), folder.path().join("away"));
        if hidden {
            // Fails before its commit point, and no connection can be made.
            let pages = core.store().db().number("PRAGMA page_count", &[]).unwrap().unwrap();
            match core.store().db() {
                Db::Sqlite(db) => db.limit_pages(pages).unwrap(),
                #[cfg(feature = "postgres")]
                Db::Postgres(_) => panic!("a folder is SQLite's"),
            }
            std::fs::rename(&there, &away).unwrap();
        } else {
            // Fails at it, and a row cannot be read.
            core.store().db().execute("UPDATE subjects SET evidence = x'00' WHERE id = 3", &[]).unwrap();
            core.store().fail_next(Fault::NotStored);
        }
        for _ in 0..3 {
            let answer = core.accept(std::slice::from_ref(&batch), NOW);
            assert!(answer.is_err(), "hidden: {hidden}: {answer:?}");
            assert!(!core.is_whole());
        }
        assert!(core.lapse_some(10, NOW).is_err() && core.flush(NOW).is_err());
        if hidden {
            std::fs::rename(&away, &there).unwrap();
            let accepted = core.accept(std::slice::from_ref(&batch), NOW).unwrap();
            assert_eq!((accepted.records, accepted.repeated), (300, 0));
            verify(&mut core);
        }
    }
}

#[test]
fn a_clock_that_is_ahead_ends_no_claims() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = records(20, 600);
    let mut core = open(folder.path(), settings());
    let open_claims = |core: &mut Core| {
        let sql = "SELECT count(*) FROM claims WHERE true_to IS NULL AND known_to IS NULL";
        core.store().db().number(sql, &[]).unwrap().unwrap()
    };
    let now = records.iter().map(|record| record.header().observed_at).max().unwrap();
    let last = records.len();
    records[last - 1].header_mut().observed_at = Timestamp::from_secs(4_000_000_000);
    core.accept(&[delivery(&records, last)], now).unwrap();
    let before = open_claims(&mut core);
    assert!(before > 20, "{before}");
    for _ in 0..2 {
        core.lapse_some(10_000, now).unwrap();
        assert_eq!(open_claims(&mut core), before);
        drop(core);
        let store = Store::open(Place::folder(folder.path(), [9; 32]), now).unwrap();
        core = Core::open(store, settings(), catalog(), now).unwrap();
    }
}

/// Counts failures; the rest is of no interest.
struct Failures(Arc<std::sync::atomic::AtomicUsize>);

impl run::Watcher for Failures {
    fn committed(&mut self, _: &[Delivery], _: &Accepted, _: &Core, _: Duration) {}
    fn failed(&mut self, _: &StoreError, _: Duration) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
    fn recovered(&mut self) {}
    fn signed(&mut self, _: &store::ledger::StoredCheckpoint) {}
    fn clock_set_back(&mut self, _: Duration) {}
    fn beat(&mut self, _: &Core) {}
}

/// A stop waits for the sources, and a source may be asking for its cursor just then.
#[test]
fn a_core_whose_commits_fail_still_answers() {
    use crate::bus::{Bus as _, local::Local};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    let folder = tempfile::tempdir().unwrap();
    let core = open(folder.path(), settings());
    let mut records = records(20, 600);
    for record in &mut records {
        if let Record::Fact(fact) = record {
            fact.value = "a\0b".into();
        }
    }
    let signer =
        trust::tlog::Ed25519Signer::from_seed("a.example", trust::tlog::Algorithm::Ed25519, &[1; 32]);
    let log = run::Log { origin: "a.example".into(), signer: Box::new(signer.unwrap()) };
    let (runner, handle) = run::Runner::new(core, log, run::Pace::default());
    let (bus, closed, failures) =
        (Arc::new(Local::new(10_000)), Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    bus.publish(delivery(&records, 600)).unwrap();
    let (of_bus, of_closed, mut watcher) = (bus.clone(), closed.clone(), Failures(failures.clone()));
    let thread = std::thread::spawn(move || {
        runner.run(&*of_bus, &|| NOW, &|| of_closed.load(Ordering::SeqCst), &mut watcher).map(|_| ())
    });
    while failures.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(handle.call(|core| core.cursor(SOURCE).cloned()).unwrap(), None, "nothing is durable");
    closed.store(true, Ordering::SeqCst);
    bus.close();
    thread.join().unwrap().unwrap();
    assert_eq!(handle.call_until(&AtomicBool::new(false), |_| ()), Err(run::Stopped));
}

/// Tells nobody.
struct Nobody;

impl run::Watcher for Nobody {
    fn committed(&mut self, _: &[Delivery], _: &Accepted, _: &Core, _: Duration) {}
    fn failed(&mut self, _: &StoreError, _: Duration) {}
    fn recovered(&mut self) {}
    fn signed(&mut self, _: &store::ledger::StoredCheckpoint) {}
    fn clock_set_back(&mut self, _: Duration) {}
    fn beat(&mut self, _: &Core) {}
}

#[test]
fn what_the_store_will_never_take_is_set_aside_and_holds_up_nothing() {
    use crate::bus::{Bus as _, local::Local};
    let folder = tempfile::tempdir().unwrap();
    let core = open(folder.path(), settings());
    let records = records(20, 900);
    let mut poisoned = records[300..600].to_vec();
    // A text that no engine of ours takes; sources never let it through.
    poisoned.iter_mut().for_each(|record| {
        if let Record::Fact(fact) = record {
            fact.value = "a\0b".into();
            fact.attribute = model::Attribute::HostName;
        }
    });
    assert!(poisoned.iter().any(|record| matches!(record, Record::Fact(_))));
    let bus = Local::new(10_000);
    let told = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    for (n, part) in [records[..300].to_vec(), poisoned, records[600..].to_vec()].into_iter().enumerate() {
        let told = Arc::clone(&told);
        let acknowledge = Box::new(move || {
            told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        let of = Delivery { acknowledge: Some(acknowledge), ..delivery(&part, (n + 1) * 300) };
        assert!(bus.publish(of).is_ok());
    }
    let signer =
        trust::tlog::Ed25519Signer::from_seed("t/1", trust::tlog::Algorithm::Ed25519, &[1; 32]).unwrap();
    let log = run::Log { origin: "t/1".into(), signer: Box::new(signer) };
    let (runner, _handle) = run::Runner::new(core, log, run::Pace::default());
    // Closed once all are told: the runner ends when the queue is empty.
    let is_closed = || told.load(std::sync::atomic::Ordering::Relaxed) == 3;
    let mut core = runner.run(&bus, &|| NOW, &is_closed, &mut Nobody).unwrap();
    assert_eq!(core.cursor(SOURCE).unwrap().sequence, 900);
    let db = core.store().db();
    assert_eq!(db.number("SELECT sum(records) FROM blocks", &[]).unwrap(), Some(600));
    assert_eq!(
        db.number("SELECT count(*) FROM gaps WHERE reason LIKE '300 records%'", &[]).unwrap(),
        Some(1)
    );
}
