//! What goes wrong around a running Ward: disks, keys, clocks, files. Each says what it is and the way out, nothing acknowledged
//! is lost, and what can be mended goes on by itself.

use crate::cli::scenario;
use crate::up::{Files, Installation, Running, records_once_each, wait_until};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use store::DATABASE_FILE;
use ward::keys::KEYRING_FILE;

/// Says why a test cannot run here; fails where none may be left out.
fn cannot(test: &str, why: &str) {
    assert!(std::env::var_os("WARD_TEST_STRICT").is_none(), "{test}: {why}");
    eprintln!("SKIPPED {test}: {why}");
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Shorter transactions, so that there are more of them to go wrong.
const SMALL: &str = "[limits]\nbatch_records = 100\n";

/// A store with some records and tables, at rest.
fn at_rest(files: &mut Files) -> Installation {
    let installation = Installation::new(SMALL);
    let file = files.drop_into(&installation.watched());
    let running = installation.start();
    installation.wait_until_done(&file);
    running.stop();
    installation
}

/// Everything that was dropped is there, once, under a ledger that tells the truth.
fn all_is_there(installation: &Installation, files: &Files) {
    let stored = records_once_each(&mut installation.db());
    assert_eq!(stored.values().map(|(count, _)| count).sum::<u64>(), files.records());
    installation.verify();
}

/// A small disk of its own for a store, mounted in a namespace that lives as long as this.
struct SmallDisk {
    holder: Child,
    store: PathBuf,
}

impl SmallDisk {
    fn new(store: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(store).unwrap();
        let script = "mount -t tmpfs -o size=$1,mode=0700 tmpfs \"$0\" && echo mounted && exec sleep 3600";
        let mut holder = Command::new("unshare")
            .args(["--mount", "sh", "-c", script, store.to_str().unwrap(), size])
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(holder.stdout.take()?), &mut line).ok()?;
        let disk = Self { holder, store: store.to_path_buf() };
        (line == "mounted\n").then_some(disk)
    }

    /// Where the disk is seen from outside.
    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.holder.id(), self.store.display()))
    }

    /// `command`, inside.
    fn enter(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--mount", "--target", &self.holder.id().to_string()]);
        inside.arg(command.get_program()).args(command.get_args());
        inside.stdin(Stdio::null()).stdout(Stdio::null());
        inside
    }

    /// Fills what is left.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.path().join("filler")).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[test]
fn a_full_disk_stops_acknowledgements_and_nothing_else() {
    let test = "a_full_disk";
    let (installation, mut files) = (Installation::new(SMALL), Files::new(11, 40, 3_000));
    let disk = is_root().then(|| SmallDisk::new(&installation.store(), "64m")).flatten();
    let Some(disk) = disk else { return cannot(test, "a small disk needs root and mount namespaces") };
    let running = Running::of(disk.enter(&installation.command()));
    let first = files.drop_into(&installation.watched());
    installation.wait_until_done(&first);
    disk.fill();
    let second = files.drop_into(&installation.watched());
    wait_until("a commit that fails", || running.health("store").1 == "failing");
    let (code, _, detail) = running.health("store");
    assert_eq!(code, 503);
    assert!(detail.contains("no room left for the store") && detail.contains("free space"), "{detail}");
    let (durable, told) = (running.metric("ward_records_durable_total"), installation.told());
    assert!(told.iter().all(|line| line["file"] != second.as_str() || line["done"] == false), "{told:?}");
    let failures = running.metric("ward_commit_failures_total").unwrap();
    wait_until("another try", || running.metric("ward_commit_failures_total").unwrap() > failures);
    assert_eq!(running.metric("ward_records_durable_total"), durable, "made durable on a full disk");
    assert_eq!(installation.told(), told, "acknowledged on a full disk");
    disk.free();
    installation.wait_until_done(&second);
    wait_until("health", || running.health("store").1 == "ok");
    // Asked to end while nothing can be written: it ends.
    disk.fill();
    files.drop_into(&installation.watched());
    files.drop_into(&installation.watched());
    wait_until("a commit that fails", || running.health("store").1 == "failing");
    running.signal("-TERM");
    let mut running = running;
    assert_eq!(running.ended(), 3, "{}", running.said());
    assert!(running.said().contains("what was acknowledged is durable"), "{}", running.said());
    disk.free();
    let running = Running::of(disk.enter(&installation.command()));
    for (file, _) in &files.written {
        installation.wait_until_done(file);
    }
    running.stop();
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&disk.path(), copy.path());
    drop(disk);
    copy_folder(copy.path(), &installation.store());
    all_is_there(&installation, &files);
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        if entry.metadata().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// `ward up` by a user whom permissions bind: root is not one, unless it gives up the right to pass them by.
fn bound(installation: &Installation) -> Command {
    let command = installation.command();
    if !is_root() {
        return command;
    }
    let mut bound = Command::new("setpriv");
    bound.args([
        "--bounding-set",
        "-dac_override,-dac_read_search",
        "--inh-caps",
        "-dac_override,-dac_read_search",
    ]);
    bound.arg(command.get_program()).args(command.get_args());
    bound.stdin(Stdio::null()).stdout(Stdio::null());
    bound
}

fn permit(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let mut files = Files::new(12, 20, 500);
    let installation = at_rest(&mut files);
    for file in std::fs::read_dir(installation.store()).unwrap().flatten() {
        permit(&file.path(), 0o400);
    }
    permit(&installation.store(), 0o500);
    let mut running = Running::of(bound(&installation));
    let (code, said) = (running.ended(), running.said());
    permit(&installation.store(), 0o700);
    assert_eq!(code, 3, "{said}");
    let folder = installation.store().display().to_string();
    assert!(said.contains(&folder) && said.contains("make its folder or database writable"), "{said}");
    for file in std::fs::read_dir(installation.store()).unwrap().flatten() {
        permit(&file.path(), 0o600);
    }
    installation.start().stop();
    all_is_there(&installation, &files);
}

#[test]
fn a_second_ward_on_a_store_is_turned_away_and_the_first_goes_on() {
    let (installation, mut files) = (Installation::new(SMALL), Files::new(13, 20, 500));
    let running = installation.start();
    let (code, said) = installation.fails();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("is in use by another ward"), "{said}");
    let file = files.drop_into(&installation.watched());
    installation.wait_until_done(&file);
    assert_eq!(running.health("store").1, "ok");
    running.stop();
    all_is_there(&installation, &files);
}

#[test]
fn keys_that_do_not_fit_or_are_gone_are_named_and_nothing_is_made_anew() {
    let mut files = Files::new(14, 20, 500);
    let installation = at_rest(&mut files);
    let key = std::fs::read(installation.key()).unwrap();
    std::fs::write(installation.key(), [7; 32]).unwrap();
    let (code, said) = installation.fails();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("keyring.json: this is not the keyring's key"), "{said}");
    std::fs::remove_file(installation.key()).unwrap();
    let (code, said) = installation.fails();
    assert_eq!(code, 3, "{said}");
    assert!(!installation.key().exists(), "a new key beside an old store opens nothing: {said}");
    std::fs::write(installation.key(), key).unwrap();
    permit(&installation.key(), 0o600);
    let keyring = installation.store().join(KEYRING_FILE);
    let away = installation.root.join("keyring.away");
    std::fs::rename(&keyring, &away).unwrap();
    let (code, said) = installation.fails();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("keyring") && !keyring.exists(), "{said}");
    std::fs::rename(&away, &keyring).unwrap();
    installation.start().stop();
    all_is_there(&installation, &files);
}

/// Turns bytes of a file over.
fn damage(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at..at + 8].iter_mut().for_each(|byte| *byte = !*byte);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_page_keeps_ward_from_starting_and_is_told() {
    let mut files = Files::new(15, 40, 3_000);
    let installation = at_rest(&mut files);
    let database = installation.store().join(DATABASE_FILE);
    let whole = std::fs::read(&database).unwrap();
    let pages = whole.len() / 4096;
    for page in [pages / 3, pages / 2, pages - 2] {
        damage(&database, page * 4096 + 100);
        let (code, said) = installation.fails();
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(&format!("page {}", page + 1)), "page {}: {said}", page + 1);
        assert!(said.contains("lost") && said.contains("ward restore"), "{said}");
        std::fs::write(&database, &whole).unwrap();
    }
    // The first page is what the key is tried on.
    damage(&database, 100);
    let (code, said) = installation.fails();
    assert_eq!(code, 3, "{said}");
    std::fs::write(&database, &whole).unwrap();
    installation.start().stop();
    all_is_there(&installation, &files);
}

#[test]
fn a_log_that_is_damaged_after_a_kill_costs_its_end_and_the_files_make_it_up() {
    let (installation, mut files) = (Installation::new(SMALL), Files::new(16, 40, 3_000));
    let running = installation.start();
    for _ in 0..2 {
        let file = files.drop_into(&installation.watched());
        installation.wait_until_done(&file);
    }
    running.kill();
    let log = installation.store().join(format!("{DATABASE_FILE}-wal"));
    let length = std::fs::metadata(&log).unwrap().len() as usize;
    damage(&log, length / 2);
    // The engine takes a log to where its sums end: what comes after is as if it had not been.
    installation.verify();
    let kept: u64 = records_once_each(&mut installation.db()).values().map(|(count, _)| count).sum();
    assert!(kept < files.records(), "nothing was damaged");
    let (code, said) = installation.fails();
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("has lost its end") && said.contains("ward restore") && said.contains("origin"),
        "{said}"
    );
    // Under a new name, because two histories under one would be a lie.
    let origin = "[ledger]\norigin = \"after-the-loss\"\n\n";
    let watch = format!("[[watch]]\nfolder = {:?}\nsettle_s = 0\n\n", installation.watched());
    installation.configure(&format!("{origin}{watch}{SMALL}"));
    let running = installation.start();
    wait_until("all again", || {
        records_once_each(&mut installation.db()).values().map(|(count, _)| count).sum::<u64>()
            == files.records()
    });
    running.stop();
    all_is_there(&installation, &files);
}

/// Ubuntu's and Debian's package `libfaketime`.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

#[test]
fn a_clock_that_is_set_back_is_told_and_no_leaf_goes_back() {
    if !Path::new(FAKETIME).exists() {
        return cannot("a_clock_that_is_set_back", "install libfaketime");
    }
    let (installation, mut files) = (Installation::new(SMALL), Files::new(17, 20, 500));
    let clock = installation.root.join("clock");
    let set = |offset: &str| {
        std::fs::write(clock.with_extension("new"), offset).unwrap();
        std::fs::rename(clock.with_extension("new"), &clock).unwrap();
    };
    set("+0");
    let mut command = installation.command();
    command.env("LD_PRELOAD", FAKETIME).env("FAKETIME_TIMESTAMP_FILE", &clock);
    command
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    let running = Running::of(command);
    running.wait_for("ward is up. ");
    let file = files.drop_into(&installation.watched());
    installation.wait_until_done(&file);
    assert_eq!(running.health("clock").1, "ok");
    set("-2h");
    wait_until("the clock's health", || running.health("clock").1 == "degraded");
    let (_, _, detail) = running.health("clock");
    assert!(detail.contains("behind the ledger"), "{detail}");
    running.wait_for("the clock is behind the ledger");
    assert!(running.metric("ward_clock_set_back_total").unwrap() >= 1.0);
    let file = files.drop_into(&installation.watched());
    installation.wait_until_done(&file);
    set("+0");
    wait_until("the clock's health", || running.health("clock").1 == "ok");
    running.stop();
    let mut times = Vec::new();
    let mut db = installation.db();
    db.query("SELECT data FROM leaves ORDER BY id", &[], &mut |row| {
        times.push(store::leaf::Leaf::decode(row.blob(0)?).unwrap().at);
        Ok(())
    })
    .unwrap();
    assert!(times.len() > 10 && times.is_sorted(), "a leaf went back");
    all_is_there(&installation, &files);
}

#[test]
fn files_of_every_bad_kind_hold_up_none_of_the_good() {
    let (installation, mut files) = (Installation::new(SMALL), Files::new(18, 20, 500));
    let watched = installation.watched();
    let capture = std::fs::read(scenario("dicom-store")).unwrap();
    std::fs::write(watched.join("cut.pcap"), &capture[..capture.len() - 7]).unwrap();
    std::fs::write(watched.join("letter.pcap"), "Dear Sirs, this is no capture.").unwrap();
    std::fs::write(watched.join("empty.pcap"), "").unwrap();
    std::fs::write(watched.join("closed.pcap"), &capture).unwrap();
    permit(&watched.join("closed.pcap"), 0o000);
    let running = Running::of(bound(&installation));
    running.wait_for("ward is up. ");
    let good = files.drop_into(&watched);
    installation.wait_until_done(&good);
    let last = |file: &str| installation.told().into_iter().rfind(|line| line["file"] == file);
    wait_until("the others", || {
        ["cut.pcap", "letter.pcap", "closed.pcap"]
            .iter()
            .all(|file| last(file).is_some_and(|l| l["done"] == true))
    });
    assert!(
        last("cut.pcap").unwrap()["last_sequence"].as_u64() > Some(0),
        "what was before the damage counts"
    );
    assert!(last("letter.pcap").unwrap()["refused"].is_string());
    let refused = last("closed.pcap").unwrap()["refused"].as_str().unwrap().to_owned();
    assert!(refused.contains("cannot be opened"), "{refused}");
    assert_eq!(last("empty.pcap"), None);
    // Grown after it was read: said, and not read again.
    let mut grown = std::fs::OpenOptions::new().append(true).open(watched.join(&good)).unwrap();
    std::io::Write::write_all(&mut grown, b"{}\n").unwrap();
    running.wait_for("a file changed after it was read");
    std::fs::write(watched.join("empty.pcap"), &capture).unwrap();
    installation.wait_until_done("empty.pcap");
    assert!(running.metric("ward_files_total").unwrap() >= 6.0);
    running.stop();
    let stored = records_once_each(&mut installation.db());
    let source = |file: &str| format!("folder:{}", watched.join(file).display());
    assert_eq!(stored[&source(&good)].0, 500);
    installation.verify();
}

#[test]
fn a_stop_under_load_is_orderly_and_the_next_start_replays_nothing() {
    let (installation, mut files) = (Installation::new(SMALL), Files::new(19, 60, 40_000));
    files.drop_into(&installation.watched());
    let running = installation.start();
    wait_until("records", || running.metric("ward_records_durable_total").unwrap_or(0.0) > 1_000.0);
    let (_, took) = running.stop();
    let durable: u64 = records_once_each(&mut installation.db()).values().map(|(count, _)| count).sum();
    eprintln!("{durable} of {} records durable when it was stopped, which took {took:?}", files.records());
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(durable < files.records(), "it was not under load");
    let store = store::Store::open(installation.ground().place, ward::up::now()).unwrap();
    let catalog = ward::catalog::load(judge::inventory::SiteNetworks::default()).unwrap();
    let settings = ward::core::Settings::new(model::SiteId(1), 7);
    let core = ward::core::Core::open(store, settings, catalog, ward::up::now()).unwrap();
    assert_eq!(core.totals().replayed, 0);
    drop(core);
    let running = installation.start();
    installation.wait_until_done("records-00001.jsonl");
    running.stop();
    all_is_there(&installation, &files);
}
