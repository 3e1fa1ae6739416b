//! `ward up` from the outside: a real process on a store and a watched folder of its own, started, asked, stopped and killed.

mod ledger;
mod metrics;
mod rooms;

use ward::config::{Config, Flags};
use ward::up::Ground;

use model::{Record, SensorId, SiteId, Timestamp};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use store::db::{Db, Mode};
use tempfile::TempDir;
use testkit::simulation::{Plan, Simulation};

/// Longest wait for something that happens within seconds, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until it is so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A configuration, a key, a folder to watch and a place for the store.
pub struct Installation {
    pub root: PathBuf,
    _folder: Option<TempDir>,
}

impl Installation {
    /// With the watched folder, no settling, and what `more` says.
    pub fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let installation = Self { root: folder.path().to_path_buf(), _folder: Some(folder) };
        installation.lay_out(&installation.watched(), more);
        installation
    }

    /// Another one beside others: in `root`, watching `watched`.
    pub fn beside(root: &Path, watched: &Path, more: &str) -> Self {
        let installation = Self { root: root.to_path_buf(), _folder: None };
        std::fs::create_dir_all(root).unwrap();
        installation.lay_out(watched, more);
        installation
    }

    fn lay_out(&self, watched: &Path, more: &str) {
        std::fs::create_dir_all(watched).unwrap();
        self.configure(&format!("[[watch]]\nfolder = {watched:?}\nsettle_s = 0\n\n{more}"));
    }

    /// Writes the configuration; `more` is all but store, key and address.
    pub fn configure(&self, more: &str) {
        let text = format!(
            "[store]\nfolder = {:?}\n\n[keys]\nkind = \"file\"\nfile = {:?}\n\n[http]\naddress = \"127.0.0.1:0\"\n\n{more}",
            self.store(),
            self.key()
        );
        std::fs::write(self.root.join("ward.toml"), text).unwrap();
    }

    pub fn watched(&self) -> PathBuf {
        self.root.join("watched")
    }

    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    pub fn key(&self) -> PathBuf {
        self.root.join("kek")
    }

    pub fn config(&self) -> Config {
        ward::config::load(Some(&self.root.join("ward.toml")), &Flags::default()).unwrap()
    }

    pub fn ground(&self) -> Ground {
        Ground::open(&self.config()).unwrap()
    }

    /// The stored rows, for reading: beside a process that runs, or after one that ended.
    pub fn db(&self) -> Db {
        self.ground().place.connect(Mode::Reader).unwrap()
    }

    /// `ward up`, to be started.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ward"));
        command.arg("up").arg("--config").arg(self.root.join("ward.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).env_remove("RUST_BACKTRACE");
        command
    }

    /// Starts it; does not wait.
    pub fn spawn(&self) -> Running {
        Running::of(self.command())
    }

    /// Starts it, and waits until it is up.
    pub fn start(&self) -> Running {
        let running = self.spawn();
        running.wait_for("ward is up. ");
        running
    }

    /// Runs it to its end, which comes by itself; exit code and what it said.
    pub fn fails(&self) -> (i32, String) {
        let mut running = self.spawn();
        let code = running.ended();
        (code, running.said())
    }

    /// What no row may lie about: every table against the ledger. Tiles may lag behind leaves.
    pub fn verify(&self) -> store::verify::Verified {
        let ground = self.ground();
        let expectation = ground.expectation(&self.config()).unwrap();
        let mut db = ground.place.connect(Mode::Reader).unwrap();
        db.begin().unwrap();
        let verified = store::verify::verify(&mut db, &expectation, &mut |_, _| {}).unwrap();
        assert_eq!(verified.lies, []);
        verified
    }

    /// The lines that tell how far the files of the watched folder are durable.
    pub fn told(&self) -> Vec<Value> {
        told(&self.watched())
    }

    /// Waits until the watched file is told to be done.
    pub fn wait_until_done(&self, file: &str) {
        wait_until(&format!("{file} done"), || {
            self.told().iter().any(|line| line["file"] == file && line["done"] == true)
        });
    }
}

/// The whole lines of a folder's cursor file; what a crash cut is no JSON.
pub fn told(watched: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(watched.join(".ward-cursor.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A process that was started; killed when dropped.
pub struct Running {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (said, stderr) = (Arc::clone(&lines), child.stderr.take().unwrap());
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                said.lock().unwrap().push(line);
            }
        });
        Self { child, lines, reader: Some(reader) }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written to standard error so far.
    pub fn said(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    pub fn wait_for(&self, text: &str) {
        let began = Instant::now();
        while !self.said().contains(text) {
            // A process that has ended says nothing more; its reader ends with it.
            let is_over = self.reader.as_ref().is_none_or(std::thread::JoinHandle::is_finished);
            assert!(!is_over || self.said().contains(text), "no {text:?} in:\n{}", self.said());
            assert!(began.elapsed() < PATIENCE, "no {text:?} in:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// `kill -9`.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.ended();
        self.said()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end: the exit code, or -1 after a signal.
    pub fn ended(&mut self) -> i32 {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        };
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        status.code().unwrap_or(-1)
    }

    /// SIGTERM; what it said, and how long its end took. The code must be 0.
    pub fn stop(mut self) -> (String, Duration) {
        let began = Instant::now();
        self.signal("-TERM");
        let code = self.ended();
        assert_eq!(code, 0, "{}", self.said());
        (self.said(), began.elapsed())
    }

    /// Where it answers.
    pub fn address(&self) -> String {
        self.wait_for("ward is up. ");
        let said = self.said();
        let after = said.split("health, metrics and ledger at ").nth(1).unwrap();
        after.split(';').next().unwrap().trim_start_matches("http://").to_owned()
    }

    pub fn get_bytes(&self, path: &str) -> (u16, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut reply = agent.get(format!("http://{}{path}", self.address())).call().unwrap();
        (reply.status().as_u16(), reply.body_mut().read_to_vec().unwrap())
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let (status, body) = self.get_bytes(path);
        (status, String::from_utf8(body).unwrap())
    }

    /// One check of `/healthz`: HTTP status of the whole, the check's own status, its detail.
    pub fn health(&self, check: &str) -> (u16, String, String) {
        let (code, body) = self.get("/healthz");
        let body: Value = serde_json::from_str(&body).unwrap();
        let checks = body["checks"].as_array().unwrap();
        let found = checks.iter().find(|one| one["name"] == check).unwrap_or_else(|| panic!("{body}"));
        let text = |name: &str| found[name].as_str().unwrap().to_owned();
        (code, text("status"), text("detail"))
    }

    /// Sum of a metric over all its series, `None` where there is none.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics");
        let of = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let values: Vec<f64> =
            text.lines().filter(of).map(|l| l.rsplit(' ').next().unwrap().parse().unwrap()).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Files of simulated records, in the order of their time; each under a sensor and numbers of its own.
pub struct Files {
    simulation: Simulation,
    pub written: Vec<(String, u64)>,
    records_per_file: usize,
}

impl Files {
    pub fn new(seed: u64, devices: usize, records_per_file: usize) -> Self {
        let plan = Plan::new(seed, SiteId(1), devices, Timestamp::from_secs(1_780_000_000), 7);
        Self { simulation: Simulation::new(plan).unwrap(), written: Vec::new(), records_per_file }
    }

    pub fn records(&self) -> u64 {
        self.written.iter().map(|(_, records)| records).sum()
    }

    /// Drops the next file into a folder: whole from the first moment on.
    pub fn drop_into(&mut self, folder: &Path) -> String {
        let number = self.written.len() as u32 + 1;
        let mut lines = Vec::new();
        for (sequence, mut record) in (1_u64..).zip(self.simulation.by_ref().take(self.records_per_file)) {
            let header = record.header_mut();
            (header.sensor, header.sequence) = (SensorId(100 + number), sequence);
            serde_json::to_writer(&mut lines, &record).unwrap();
            lines.push(b'\n');
        }
        let name = format!("records-{number:05}.jsonl");
        let part = folder.join(format!("{name}.part"));
        std::fs::write(&part, lines).unwrap();
        std::fs::rename(part, folder.join(&name)).unwrap();
        self.written.push((name.clone(), self.records_per_file as u64));
        name
    }
}

/// Every record of the store, by source; its blocks must number each source from 1 to where its cursor stands, once each.
pub fn records_once_each(db: &mut Db) -> std::collections::BTreeMap<String, (u64, Vec<Record>)> {
    let mut found = std::collections::BTreeMap::new();
    for cursor in store::cursors::CursorRow::all(db, SiteId(1)).unwrap() {
        found.insert(cursor.source, (cursor.sequence, Vec::new()));
    }
    db.query("SELECT source, first_sequence, last_sequence, data FROM blocks ORDER BY id", &[], &mut |row| {
        let source = row.text(0)?.to_owned();
        let records = store::block::decode(row.blob(3)?).unwrap();
        let (_, all) =
            found.get_mut(&source).unwrap_or_else(|| panic!("a block of {source}, which has no cursor"));
        assert_eq!(
            row.int(1)?.cast_unsigned(),
            all.len() as u64 + 1,
            "{source}: its next block begins elsewhere"
        );
        for record in records {
            all.push(record);
            assert_eq!(record_number(all), all.len() as u64, "{source}: a record is missing or there twice");
        }
        assert_eq!(row.int(2)?.cast_unsigned(), all.len() as u64, "{source}");
        Ok(())
    })
    .unwrap();
    for (source, (sequence, records)) in &found {
        assert_eq!(*sequence, records.len() as u64, "{source}: its cursor says otherwise than its blocks");
    }
    found
}

fn record_number(records: &[Record]) -> u64 {
    records.last().map_or(0, |record| record.header().sequence)
}
