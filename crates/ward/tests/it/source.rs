//! Sources through the real bus: what is read, in which order and under which numbers, what is told, and what a restart repeats.

use crate::cli::{Folder as TestFolder, scenario};
use model::Record;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ward::bus::{Bus, Delivery, local::Local};
use ward::source::Outlet;
use ward::source::folder::{Folder, Settings};

mod live;

/// A core that makes everything durable that it is told to, and nothing else.
#[derive(Clone)]
struct Core {
    bus: Arc<Local>,
    stop: Arc<AtomicBool>,
    durable: Arc<Mutex<Durable>>,
}

#[derive(Default)]
struct Durable {
    cursors: BTreeMap<String, (u64, String)>,
    records: Vec<(String, Record)>,
}

impl Core {
    fn new(queue_records: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        Self { bus: Arc::new(Local::new(queue_records)), stop, durable: Arc::default() }
    }

    /// After a crash: what is durable stays, what was in the queue is gone.
    fn restarted(&self) -> Self {
        Self { durable: Arc::clone(&self.durable), ..Self::new(1_000_000) }
    }

    fn outlet(&self) -> Outlet {
        let durable = Arc::clone(&self.durable);
        let cursors = move |source: &str| durable.lock().unwrap().cursors.get(source).cloned();
        Outlet { bus: self.bus.clone(), cursors: Arc::new(cursors), stop: self.stop.clone() }
    }

    fn make_durable(&self, delivery: Delivery) {
        let mut durable = self.durable.lock().unwrap();
        let source = delivery.source.to_string();
        let (last, _) = durable.cursors.get(&source).cloned().unwrap_or_default();
        assert!(delivery.last_sequence >= last);
        for record in delivery.records {
            assert!(record.header().sequence > last, "{source}: {} came again", record.header().sequence);
            durable.records.push((source.clone(), record));
        }
        durable.cursors.insert(source, (delivery.last_sequence, delivery.position));
        drop(durable);
        delivery.acknowledge.into_iter().for_each(|acknowledge| acknowledge());
    }

    /// Makes all durable that waits.
    fn commit(&self) -> usize {
        let mut deliveries = 0;
        while let Some(delivery) = self.bus.take(Duration::ZERO) {
            self.make_durable(delivery);
            deliveries += 1;
        }
        deliveries
    }

    fn records(&self) -> Vec<(String, Record)> {
        self.durable.lock().unwrap().records.clone()
    }

    fn position(&self, source: &str) -> Value {
        serde_json::from_str(&self.durable.lock().unwrap().cursors[source].1).unwrap()
    }
}

fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.to_path_buf(),
        settle: Duration::from_secs(2),
        site: model::SiteId(7),
        sensor: model::SensorId(70),
        domain: model::DomainId(3),
        flows_max: 10_000,
        batch_records: 10,
        seed: 1,
    }
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A watched folder within a test's folder.
fn watched(test: &TestFolder) -> std::path::PathBuf {
    let folder = test.path("watched");
    std::fs::create_dir(&folder).unwrap();
    folder
}

/// The scenario with enough records for several deliveries.
fn copy_capture(to: &Path) {
    std::fs::copy(scenario("mqtt-gateway"), to).unwrap();
}

fn told(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(".ward-cursor.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn source(folder: &Path, file: &str) -> String {
    format!("folder:{}", folder.join(file).display())
}

#[test]
fn a_capture_is_read_once_it_has_settled_and_told_once_it_is_durable() {
    let test = TestFolder::new("source-capture");
    let folder = watched(&test);
    copy_capture(&folder.join("a.pcap"));
    let core = Core::new(1_000_000);
    let mut watch = Folder::new(settings(&folder), core.outlet());
    assert_eq!(watch.look(seconds(0)), 0);
    assert_eq!(watch.look(seconds(1)), 0, "it has not settled");
    assert_eq!(watch.look(seconds(2)), 1);
    assert_eq!(watch.look(seconds(3)), 0, "it is read once");
    assert_eq!(told(&folder), [] as [Value; 0], "nothing is durable yet");
    assert!(core.commit() >= 2, "several deliveries of at most ten records");
    drop(watch);
    let records = core.records();
    let sequences: Vec<u64> = records.iter().map(|(_, record)| record.header().sequence).collect();
    assert_eq!(sequences, (1..=records.len() as u64).collect::<Vec<_>>());
    assert!(records.iter().all(|(_, r)| r.header().site.0 == 7 && r.header().sensor.0 == 70));
    assert!(matches!(records.last(), Some((_, Record::Coverage(_)))));
    let lines = told(&folder);
    let last = lines.last().unwrap();
    assert_eq!(last["file"], "a.pcap");
    assert_eq!(last["done"], true);
    assert_eq!(last["last_sequence"], records.len() as u64);
    assert_eq!(last["bytes"], std::fs::metadata(folder.join("a.pcap")).unwrap().len());
    assert_eq!(core.position(&source(&folder, "a.pcap"))["done"], true);
}

#[test]
fn after_a_crash_anywhere_every_record_is_durable_once() {
    let whole = {
        let test = TestFolder::new("source-whole");
        let folder = watched(&test);
        copy_capture(&folder.join("a.pcap"));
        let core = Core::new(1_000_000);
        let mut watch = Folder::new(settings(&folder), core.outlet());
        watch.look(seconds(0));
        watch.look(seconds(2));
        core.commit();
        core.records().into_iter().map(|(_, record)| record).collect::<Vec<_>>()
    };
    let deliveries = whole.len().div_ceil(10);
    assert!(deliveries >= 3, "{} records are too few", whole.len());
    for durable in 0..=deliveries {
        let test = TestFolder::new(&format!("source-crash-{durable}"));
        let folder = watched(&test);
        copy_capture(&folder.join("a.pcap"));
        let before = Core::new(1_000_000);
        let mut watch = Folder::new(settings(&folder), before.outlet());
        watch.look(seconds(0));
        watch.look(seconds(2));
        for _ in 0..durable {
            before.make_durable(before.bus.take(Duration::ZERO).unwrap());
        }
        // A crash writes nothing: the watch is not dropped but forgotten.
        std::mem::forget(watch);
        let after = before.restarted();
        let mut watch = Folder::new(Settings { seed: 99, ..settings(&folder) }, after.outlet());
        watch.look(seconds(0));
        watch.look(seconds(2));
        after.commit();
        drop(watch);
        let records: Vec<Record> = after.records().into_iter().map(|(_, record)| record).collect();
        assert_eq!(records, whole, "crash after {durable} deliveries");
        assert_eq!(told(&folder).last().unwrap()["done"], true);
    }
}

#[test]
fn what_is_done_is_not_read_again_and_told_again_if_the_line_was_lost() {
    let test = TestFolder::new("source-done");
    let folder = watched(&test);
    copy_capture(&folder.join("a.pcap"));
    let core = Core::new(1_000_000);
    let mut watch = Folder::new(settings(&folder), core.outlet());
    watch.look(seconds(0));
    watch.look(seconds(2));
    core.commit();
    drop(watch);
    let lines = told(&folder);
    // The crash cut the last line.
    std::fs::write(folder.join(".ward-cursor.jsonl"), "{\"file\":\"a.pc").unwrap();
    let again = core.restarted();
    let mut watch = Folder::new(settings(&folder), again.outlet());
    assert_eq!(watch.look(seconds(0)) + watch.look(seconds(5)), 0);
    drop(watch);
    let text = std::fs::read_to_string(folder.join(".ward-cursor.jsonl")).unwrap();
    let (cut, rest) = text.split_once('\n').unwrap();
    assert_eq!(cut, "{\"file\":\"a.pc");
    assert_eq!(serde_json::from_str::<Value>(rest).unwrap(), *lines.last().unwrap());
}

#[test]
fn files_come_oldest_first_and_what_cannot_be_read_holds_up_nobody() {
    let test = TestFolder::new("source-order");
    let folder = watched(&test);
    let at = |name: &str, seconds: u64| {
        let file = std::fs::File::options().write(true).open(folder.join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)).unwrap();
    };
    copy_capture(&folder.join("z.pcap"));
    copy_capture(&folder.join("b.pcap"));
    copy_capture(&folder.join("a.pcap"));
    std::fs::write(folder.join("notes.txt"), "patient Doe in bed 7").unwrap();
    let whole = std::fs::read(folder.join("a.pcap")).unwrap();
    std::fs::write(folder.join("cut.pcap"), &whole[..whole.len() / 2]).unwrap();
    for (name, age) in [("z.pcap", 1), ("notes.txt", 2), ("cut.pcap", 3), ("a.pcap", 4), ("b.pcap", 4)] {
        at(name, age);
    }
    // None of these is anybody's business.
    std::fs::write(folder.join(".hidden.pcap"), &whole).unwrap();
    std::fs::write(folder.join("copying.pcap.part"), &whole).unwrap();
    std::fs::write(folder.join("empty.pcap"), "").unwrap();
    std::fs::create_dir(folder.join("inner")).unwrap();
    std::os::unix::fs::symlink(folder.join("a.pcap"), folder.join("link.pcap")).unwrap();
    let core = Core::new(1_000_000);
    let mut watch = Folder::new(settings(&folder), core.outlet());
    watch.look(seconds(0));
    assert_eq!(watch.look(seconds(2)), 5);
    core.commit();
    let mut order: Vec<String> = core.records().into_iter().map(|(source, _)| source).collect();
    order.dedup();
    let expected = ["z.pcap", "cut.pcap", "a.pcap", "b.pcap"].map(|file| source(&folder, file));
    assert_eq!(order, expected);
    let refused = core.position(&source(&folder, "notes.txt"));
    assert_eq!(refused["done"], true);
    let reason = refused["reason"].as_str().unwrap();
    assert!(reason.contains("not a capture") && !reason.contains("Doe"), "{reason}");
    let cut = core.position(&source(&folder, "cut.pcap"));
    assert!(cut["reason"].as_str().unwrap().starts_with("file ends inside a record at byte "), "{cut}");
    assert_eq!(watch.look(seconds(60)), 0, "never tried again");
    drop(watch);
    let refused = told(&folder).into_iter().find(|line| line["file"] == "notes.txt").unwrap();
    assert!(refused["refused"].as_str().unwrap().contains("not a capture"));
}

#[test]
fn a_file_that_changes_settles_anew_before_and_is_left_alone_after_it_was_read() {
    let test = TestFolder::new("source-change");
    let folder = watched(&test);
    let path = folder.join("a.pcap");
    copy_capture(&path);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..100]).unwrap();
    let core = Core::new(1_000_000);
    let mut watch = Folder::new(settings(&folder), core.outlet());
    watch.look(seconds(0));
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(watch.look(seconds(2)), 0, "it grew");
    assert_eq!(watch.look(seconds(3)), 0);
    assert_eq!(watch.look(seconds(4)), 1);
    core.commit();
    let (records, position) = (core.records(), core.position(&source(&folder, "a.pcap")));
    std::fs::write(&path, [&whole[..], &whole[24..]].concat()).unwrap();
    assert_eq!(watch.look(seconds(5)) + watch.look(seconds(9)), 0);
    // Nor after a restart.
    let again = core.restarted();
    let mut watch = Folder::new(settings(&folder), again.outlet());
    assert_eq!(watch.look(seconds(0)) + watch.look(seconds(9)), 0);
    assert_eq!(again.commit(), 0);
    assert_eq!(again.records(), records);
    assert_eq!(again.position(&source(&folder, "a.pcap")), position);
}

#[test]
fn a_file_that_changed_while_half_of_it_was_durable_is_refused() {
    let test = TestFolder::new("source-half");
    let folder = watched(&test);
    let path = folder.join("a.pcap");
    copy_capture(&path);
    let before = Core::new(1_000_000);
    let mut watch = Folder::new(settings(&folder), before.outlet());
    watch.look(seconds(0));
    watch.look(seconds(2));
    before.make_durable(before.bus.take(Duration::ZERO).unwrap());
    std::fs::write(&path, [std::fs::read(&path).unwrap(), vec![0; 10]].concat()).unwrap();
    let after = before.restarted();
    let mut watch = Folder::new(settings(&folder), after.outlet());
    watch.look(seconds(0));
    assert_eq!(watch.look(seconds(2)), 1);
    after.commit();
    assert_eq!(after.records().len(), 10);
    let position = after.position(&source(&folder, "a.pcap"));
    assert!(position["reason"].as_str().unwrap().starts_with("it changed while"), "{position}");
    assert_eq!(watch.look(seconds(9)), 0);
}

/// Records as a sensor that was offline wrote them.
fn record_lines() -> Vec<String> {
    let mut capture = ward::capture::open_file(&scenario("mqtt-gateway")).unwrap();
    let records = crate::support::read(capture.as_mut()).records;
    let lines = records.into_iter().zip(501..).map(|(mut record, sequence)| {
        let header = record.header_mut();
        (header.sensor.0, header.sequence) = (44, sequence);
        serde_json::to_string(&record).unwrap()
    });
    lines.collect()
}

#[test]
fn records_keep_their_sensor_and_number_and_broken_lines_are_left_out() {
    let test = TestFolder::new("source-records");
    let folder = watched(&test);
    let mut lines = record_lines();
    let records = lines.len();
    lines.insert(3, "{\"record\":\"fact\"}".to_owned());
    lines.insert(9, "not json: Doe^John".to_owned());
    lines.insert(12, "x".repeat(1024 * 1024 + 5));
    lines.insert(14, String::new());
    std::fs::write(folder.join("s.jsonl"), lines.join("\n")).unwrap();
    for durable in [0, 1, 2, 1000] {
        let before = Core::new(1_000_000);
        let mut watch = Folder::new(settings(&folder), before.outlet());
        watch.look(seconds(0));
        assert_eq!(watch.look(seconds(2)), 1);
        for _ in 0..durable {
            if let Some(delivery) = before.bus.take(Duration::ZERO) {
                before.make_durable(delivery);
            }
        }
        let after = before.restarted();
        let mut watch = Folder::new(settings(&folder), after.outlet());
        watch.look(seconds(0));
        watch.look(seconds(2));
        after.commit();
        let found: Vec<(u32, u64)> =
            after.records().iter().map(|(_, r)| (r.header().sensor.0, r.header().sequence)).collect();
        assert_eq!(found, (501..501 + records as u64).map(|n| (44, n)).collect::<Vec<_>>());
        let position = after.position(&source(&folder, "s.jsonl"));
        assert_eq!(position["broken_lines"], 3, "{position}");
        assert_eq!(position["line"], lines.len() as u64);
        assert!(position["reason"].as_str().unwrap().starts_with("3 of "), "{position}");
    }
}

#[test]
fn records_of_several_sensors_are_counted_by_the_file_and_nul_is_left_out() {
    let test = TestFolder::new("source-sensors");
    let folder = watched(&test);
    let lines = record_lines();
    let records = lines.len() as u64;
    // Two sensors that number alike, one after the other line by line, and the same record over and over.
    let mut both: Vec<String> = lines
        .iter()
        .flat_map(|line| [line.clone(), line.replace("\"sensor\":44", "\"sensor\":45")])
        .collect();
    both.extend(std::iter::repeat_n(lines[0].clone(), 20));
    let nul = lines[0].replacen('{', "{\"note\":\"a\\u0000b\",", 1);
    both.push(nul);
    std::fs::write(folder.join("s.jsonl"), both.join("\n")).unwrap();
    let core = Core::new(1_000_000);
    let mut watch = Folder::new(settings(&folder), core.outlet());
    watch.look(seconds(0));
    assert_eq!(watch.look(seconds(2)), 1);
    let mut last = 0;
    while let Some(delivery) = core.bus.take(Duration::ZERO) {
        assert_eq!(delivery.last_sequence, last + delivery.records.len() as u64);
        last = delivery.last_sequence;
        core.make_durable(delivery);
    }
    assert_eq!(last, 2 * records + 20);
    assert_eq!(core.position(&source(&folder, "s.jsonl"))["broken_lines"], 1);
}

#[test]
fn a_stop_is_heeded_while_the_queue_is_full() {
    let test = TestFolder::new("source-full");
    let folder = watched(&test);
    copy_capture(&folder.join("a.pcap"));
    let core = Core::new(15);
    let settings = Settings { settle: Duration::ZERO, ..settings(&folder) };
    let watch = Folder::new(settings.clone(), core.outlet());
    let running = std::thread::spawn(move || watch.run());
    // Full as soon as a second delivery does not fit.
    while core.bus.waiting() < 10 {
        std::thread::yield_now();
    }
    core.stop.store(true, Ordering::Relaxed);
    running.join().unwrap();
    core.commit();
    // What was in the queue is durable and told, although the watch has ended.
    assert_eq!(core.records().len(), 10);
    assert_eq!(told(&folder).last().unwrap()["last_sequence"], 10);
    let after = core.restarted();
    let mut watch = Folder::new(settings, after.outlet());
    assert_eq!(watch.look(seconds(0)), 1);
    after.commit();
    assert!(after.records().len() > 10);
}

#[test]
fn a_folder_that_cannot_be_written_is_read_all_the_same() {
    let test = TestFolder::new("source-readonly");
    let folder = watched(&test);
    copy_capture(&folder.join("a.pcap"));
    // A folder of that name cannot be opened as a file, not even by root.
    std::fs::create_dir(folder.join(".ward-cursor.jsonl")).unwrap();
    let core = Core::new(1_000_000);
    let mut watch = Folder::new(settings(&folder), core.outlet());
    watch.look(seconds(0));
    assert_eq!(watch.look(seconds(2)), 1);
    core.commit();
    drop(watch);
    assert!(core.records().len() > 10);
}
