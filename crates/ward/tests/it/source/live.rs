//! Listening through the process that does it: on loopback, which needs root; and what its parent does when it misbehaves, with
//! programs that misbehave.

use super::Core;
use crate::cli::Folder as TestFolder;
use model::{Record, SiteId};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use ward::bus::Bus as _;
use ward::config::Listen;
use ward::source::live::{Live, LiveError, OnStart, Settings, Started};

/// Longest wait for something that happens within seconds.
const PATIENCE: Duration = Duration::from_secs(60);

fn settings(program: &Path) -> Settings {
    Settings {
        program: program.to_path_buf(),
        listen: Listen {
            interface: "lo".to_owned(),
            sensor: model::SensorId(1000),
            domain: model::DomainId(0),
            workers: 2,
            ring_bytes: 8 * 1024 * 1024,
            own_interface: true,
            prepare_interface: false,
        },
        site: SiteId(7),
        flows_max: 10_000,
        pending_records: 10_000,
        batch_records: 100,
    }
}

fn ward() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_ward"))
}

fn noting() -> (OnStart, Arc<Mutex<Vec<Started>>>) {
    let started = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&started);
    (Arc::new(move |start| noted.lock().unwrap().push(start)), started)
}

/// A program that says `lines` and then does `last`.
fn program(test: &TestFolder, lines: &str, last: &str) -> PathBuf {
    let path = test.path("listener.sh");
    std::fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{lines}\nEND\n{last}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Datagrams to a port that is ours, until an Activity about them is durable.
fn is_heard(core: &Core, port: u16) -> bool {
    core.commit();
    core.records().iter().any(|(_, record)| matches!(record, Record::Activity(a) if a.service_port == port))
}

#[test]
fn what_loopback_carries_is_heard_and_numbers_go_on_after_a_restart() {
    let core = Core::new(1_000_000);
    let (on_start, started) = noting();
    let live = match Live::open(settings(&ward()), core.outlet(), on_start) {
        Ok(live) => live,
        Err(error) => {
            let strict = std::env::var_os("WARD_TEST_STRICT").is_some();
            assert!(!strict, "{error}");
            return eprintln!("SKIPPED: listening on loopback needs root: {error}");
        }
    };
    // Bound, so that nobody answers with an error; a registered port, so that it is the server's.
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (port, sender) = (ours.local_addr().unwrap().port(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let running = std::thread::spawn(move || live.run());
    let send = || drop(sender.send_to(b"pulse 72", ("127.0.0.1", port)));
    wait_until("an Activity", || {
        send();
        is_heard(&core, port) || is_heard(&core, sender.local_addr().unwrap().port())
    });
    core.stop.store(true, Ordering::Relaxed);
    running.join().unwrap();
    core.commit();
    let records = core.records();
    let of = |worker: &str| -> Vec<u64> {
        let own = records.iter().filter(|(source, _)| source == &format!("live:lo/{worker}"));
        own.map(|(_, record)| record.header().sequence).collect()
    };
    for worker in ["0", "1"] {
        assert_eq!(of(worker), (1..=of(worker).len() as u64).collect::<Vec<_>>(), "worker {worker}");
    }
    // The stop ends the flows and states the coverage of each worker, under its own sensor.
    let coverage = records.iter().filter_map(|(_, record)| match record {
        Record::Coverage(coverage) => Some((coverage.header.sensor.0, coverage.dropped_frames)),
        _ => None,
    });
    let mut sensors: Vec<u32> = coverage.map(|(sensor, dropped)| (sensor, dropped.unwrap()).0).collect();
    sensors.sort_unstable();
    assert_eq!(sensors, [1000, 1001]);
    assert!(records.iter().any(|(_, record)| matches!(record, Record::Flow(_))));
    let sources: Vec<String> = started.lock().unwrap().iter().map(|start| start.source.to_string()).collect();
    assert_eq!(sources, ["live:lo/0", "live:lo/1"]);

    let again = core.restarted();
    let (on_start, _) = noting();
    let live = Live::open(settings(&ward()), again.outlet(), on_start).unwrap();
    let running = std::thread::spawn(move || live.run());
    again.stop.store(true, Ordering::Relaxed);
    running.join().unwrap();
    // `make_durable` refuses a number that comes again.
    again.commit();
    let last = again.durable.lock().unwrap().cursors["live:lo/0"].0;
    assert!(last > of("0").len() as u64, "at least another Coverage");
}

#[test]
fn an_interface_that_cannot_be_opened_is_refused_with_the_way_out() {
    let core = Core::new(1000);
    let mut settings = settings(&ward());
    settings.listen.interface = "ward-none0".to_owned();
    let error = Live::open(settings, core.outlet(), noting().0).err().unwrap();
    assert!(matches!(error, LiveError::Refused { .. }));
    assert!(error.to_string().starts_with("ward-none0: no such interface; there are: "), "{error}");
}

#[test]
fn a_program_that_is_missing_or_says_nonsense_is_an_error() {
    let core = Core::new(1000);
    let open = |program: &Path| Live::open(settings(program), core.outlet(), noting().0).err().unwrap();
    let missing = open(Path::new("/nonexistent/ward"));
    assert!(matches!(missing, LiveError::Process { .. }), "{missing}");
    let test = TestFolder::new("live-nonsense");
    let nonsense = open(&program(&test, "hello", "exit 4"));
    assert!(matches!(&nonsense, LiveError::Ended { how, .. } if how.contains('4')), "{nonsense}");
}

#[test]
fn a_listener_that_dies_is_started_again_and_the_pause_is_told() {
    let test = TestFolder::new("live-dies");
    let event = r#"{"record":"event","schema":1,"site":7,"sensor":1000,"sequence":1,"observed_at":5,"received_at":5,"endpoint":{"site":7,"domain":0,"vlan":null,"address":{"ip":"10.0.0.1"}},"kind":"login","protocol":"mqtt","detail":""}"#;
    let lines = format!(
        "{{\"started\":{{\"workers\":1}}}}\n{{\"heard\":{{\"worker\":0,\"records\":[{event},{event}],\"frames\":2,\"bytes\":9,\"dropped\":0}}}}"
    );
    let core = Core::new(1_000);
    let (on_start, started) = noting();
    let live = Live::open(settings(&program(&test, &lines, "exit 1")), core.outlet(), on_start).unwrap();
    let running = std::thread::spawn(move || live.run());
    wait_until("two lives of the listener", || {
        core.commit();
        core.records().len() >= 4
    });
    core.stop.store(true, Ordering::Relaxed);
    running.join().unwrap();
    core.commit();
    let sequences: Vec<u64> = core.records().iter().map(|(_, record)| record.header().sequence).collect();
    assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<_>>(), "numbers go on over both lives");
    assert!(started.lock().unwrap().len() >= 2);
}

#[test]
fn a_stop_closes_the_listeners_input_and_takes_its_last_words() {
    let test = TestFolder::new("live-last");
    let last = r#"cat > /dev/null
echo '{"heard":{"worker":0,"records":[{"record":"event","schema":1,"site":7,"sensor":1000,"sequence":1,"observed_at":5,"received_at":5,"endpoint":{"site":7,"domain":0,"vlan":null,"address":{"ip":"10.0.0.1"}},"kind":"login","protocol":"mqtt","detail":"last"}],"frames":1,"bytes":9,"dropped":0}}'"#;
    let core = Core::new(1_000);
    let listener = program(&test, r#"{"started":{"workers":1}}"#, last);
    let live = Live::open(settings(&listener), core.outlet(), noting().0).unwrap();
    let running = std::thread::spawn(move || live.run());
    core.stop.store(true, Ordering::Relaxed);
    running.join().unwrap();
    let delivery = core.bus.take(Duration::ZERO).unwrap();
    assert!(matches!(&delivery.records[..], [Record::Event(event)] if event.detail == "last"));
    assert_eq!(&*delivery.source, "live:lo/0");
}
