//! `ward doctor` on folders, keys and files as they are found in life; and the unit, by systemd's own tools.

use crate::cli::{Folder, command, text};
use crate::support;
use model::Timestamp;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use ward::config::{self, Config, Flags};
use ward::doctor::{Answer, Check, Options, examine};

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A place where everything is as it should be, apart from what the machine is.
fn sound(test: &Folder) -> String {
    let (store, watched, kek) = (test.path("store"), test.path("in"), test.write("kek", &[7; 32]));
    fs::create_dir(&store).unwrap();
    fs::create_dir(&watched).unwrap();
    mode(&store, 0o700);
    mode(&kek, 0o600);
    format!(
        "[store]\nfolder = {store:?}\n[keys]\nfile = {kek:?}\n[[watch]]\nfolder = {watched:?}\n[http]\naddress = \"127.0.0.1:0\"\n"
    )
}

fn configuration(text: &str) -> Config {
    config::parse(Some((text, Path::new("ward.toml"))), &[], &Flags::default()).unwrap()
}

fn checks(text: &str) -> Vec<Check> {
    let options = Options { online: false, now: Timestamp::from_secs(4_000_000_000), open_keyring: None };
    examine(&configuration(text), &options)
}

fn answer(checks: &[Check], name: &str) -> (Answer, String) {
    let check =
        checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("{name} in {checks:?}"));
    if check.answer == Answer::Failed || check.answer == Answer::Warning {
        assert!(check.way_out.as_ref().is_some_and(|way_out| !way_out.is_empty()), "no way out: {check:?}");
    }
    (check.answer, check.detail.clone())
}

#[test]
fn a_sound_place_has_nothing_that_failed() {
    let test = Folder::new("doctor-sound");
    let checks = checks(&sound(&test));
    let failed: Vec<_> = checks.iter().filter(|check| check.answer == Answer::Failed).collect();
    assert!(failed.is_empty(), "{failed:?}");
    for name in
        ["configuration", "key-encryption key", "store", "flush", "watched folder", "HTTP address", "clock"]
    {
        assert!(matches!(answer(&checks, name).0, Answer::Ok | Answer::Warning), "{name}");
    }
    assert_eq!(fs::read_dir(test.path("store")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn keys_that_others_can_read_or_that_are_no_keys_are_found() {
    let test = Folder::new("doctor-keys");
    let text = sound(&test);
    let kek = test.path("kek");
    mode(&kek, 0o640);
    let (found, detail) = answer(&checks(&text), "key-encryption key");
    assert_eq!(found, Answer::Failed);
    assert!(detail.ends_with("can be read by others (mode 0640)"), "{detail}");
    mode(&kek, 0o600);
    fs::write(&kek, [7; 31]).unwrap();
    let (found, detail) = answer(&checks(&text), "key-encryption key");
    assert_eq!(found, Answer::Failed);
    assert!(detail.ends_with("has 31 bytes instead of 32"), "{detail}");
    fs::remove_file(&kek).unwrap();
    assert_eq!(answer(&checks(&text), "key-encryption key").0, Answer::Failed);
}

#[test]
fn folders_that_others_can_write_are_found() {
    let test = Folder::new("doctor-folders");
    let text = sound(&test);
    mode(&test.path("store"), 0o777);
    assert_eq!(answer(&checks(&text), "store folder").0, Answer::Failed);
    mode(&test.path("store"), 0o750);
    assert_eq!(answer(&checks(&text), "store folder").0, Answer::Warning);
    fs::remove_dir(test.path("store")).unwrap();
    assert_eq!(answer(&checks(&text), "store folder").0, Answer::Failed);
    fs::remove_dir(test.path("in")).unwrap();
    assert_eq!(answer(&checks(&text), "watched folder").0, Answer::Failed);
}

#[test]
fn a_store_is_opened_with_its_keyring_and_left_alone_while_it_is_in_use() {
    let test = Folder::new("doctor-store");
    let config = configuration(&sound(&test));
    let folder = test.path("store");
    let now = Timestamp::from_secs(4_000_000_000);
    let opened = store::Store::open(store::Place::folder(&folder, [1; 32]), now).unwrap();
    let place = |key: [u8; 32]| {
        let folder = folder.clone();
        move |_: &Config| Ok(store::Place::folder(&folder, key))
    };
    let (right, wrong) = (place([1; 32]), place([2; 32]));
    let look = |open: &dyn Fn(&Config) -> Result<store::Place, String>| {
        examine(&config, &Options { online: false, now, open_keyring: Some(open) })
    };
    let (found, detail) = answer(&look(&|_| panic!("asked while in use")), "store");
    assert_eq!(found, Answer::Ok);
    assert!(detail.starts_with("in use by a ward that runs"), "{detail}");
    drop(opened);
    let (found, detail) = answer(&look(&right), "store");
    assert_eq!((found, detail.as_str()), (Answer::Ok, "opens; schema 1"));
    assert_eq!(answer(&look(&wrong), "store").0, Answer::Failed);
    let (found, detail) = answer(&look(&|_| Err("the keyring does not open".to_owned())), "keyring");
    assert_eq!((found, detail.as_str()), (Answer::Failed, "the keyring does not open"));
    let without = examine(&config, &Options { online: false, now, open_keyring: None });
    assert_eq!(answer(&without, "store").0, Answer::CouldNotCheck);
    fs::write(folder.join("store.db"), b"SQLite format 3\0 and more").unwrap();
    let (found, detail) = answer(&look(&right), "store");
    assert!(found == Answer::Failed && detail.contains("is not encrypted"), "{detail}");
}

#[test]
fn ports_and_interfaces_are_looked_at() {
    let test = Folder::new("doctor-ports");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = sound(&test).replace("127.0.0.1:0", &listener.local_addr().unwrap().to_string());
    let checks = checks(&format!("{taken}[[listen]]\ninterface = \"ward-none0\"\n"));
    assert_eq!(answer(&checks, "HTTP address").0, Answer::Failed);
    let (found, detail) = answer(&checks, "interface");
    assert_eq!((found, detail.as_str()), (Answer::Failed, "no such interface"));
}

#[test]
fn the_verb_tells_people_and_programs_and_its_exit_code_is_the_answer() {
    let test = Folder::new("doctor-verb");
    let sound = sound(&test);
    let path = test.write("ward.toml", sound.as_bytes());
    let run = |arguments: &[&str]| {
        let output = command().args(["doctor", "--config"]).arg(&path).args(arguments).output().unwrap();
        (output.status.code().unwrap(), text(&output.stdout))
    };
    let (code, page) = run(&[]);
    assert_eq!(code, 0, "{page}");
    assert!(page.contains("ok                key-encryption key: "), "{page}");
    let (code, json) = run(&["--json"]);
    assert_eq!(code, 0);
    let json: Value = serde_json::from_str(&json).unwrap();
    let answers = ["ok", "warning", "could-not-check"];
    let checks = json["checks"].as_array().unwrap();
    assert!(
        checks.len() > 10 && checks.iter().all(|check| answers.contains(&check["answer"].as_str().unwrap()))
    );
    mode(&test.path("kek"), 0o644);
    let (code, page) = run(&[]);
    assert_eq!(code, 1);
    assert!(page.contains("FAILED            key-encryption key: ") && page.contains("→ "), "{page}");
    fs::write(&path, "nonsense = 1\n").unwrap();
    let (code, page) = run(&[]);
    assert_eq!(code, 1);
    assert!(page.contains("there is no `nonsense`"), "{page}");
    fs::remove_file(&path).unwrap();
    assert_eq!(run(&[]).0, 3);
    assert_eq!(command().args(["doctor", "--nonsense"]).output().unwrap().status.code(), Some(2));
}

/// Exposure by `systemd-analyze security`, in tenths: 0 is sealed, 100 is root.
const EXPOSURE_MAX: u32 = 20;

#[test]
fn the_unit_is_one_that_systemd_understands_and_rates_well() {
    let unit = fs::read_to_string(support::root().join("packaging/ward.service")).unwrap();
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        assert!(
            std::env::var_os("WARD_TEST_STRICT").is_none(),
            "systemd-analyze is missing: apt install systemd"
        );
        return eprintln!("SKIPPED: the unit is checked by systemd-analyze (apt install systemd)");
    }
    let test = Folder::new("doctor-unit");
    // It looks whether the program is there.
    let path =
        test.write("ward.service", unit.replace("/usr/bin/ward", env!("CARGO_BIN_EXE_ward")).as_bytes());
    let output = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let told = text(&output.stdout) + &text(&output.stderr);
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("ward.service")).collect();
    assert!(ours.is_empty(), "{told}");
    let arguments = ["security", "--offline=true", "--no-pager"];
    let output = Command::new("systemd-analyze").args(arguments).arg(&path).output().unwrap();
    let told = text(&output.stdout) + &text(&output.stderr);
    let Some(line) = told.lines().find(|line| line.contains("Overall exposure level")) else {
        assert!(std::env::var_os("WARD_TEST_STRICT").is_none(), "{told}");
        return eprintln!("SKIPPED: this systemd-analyze rates no files: {told}");
    };
    let rated = line.rsplit(": ").next().unwrap().split(' ').next().unwrap();
    let tenths: u32 = rated.replace('.', "").parse().unwrap();
    assert!(tenths <= EXPOSURE_MAX, "{line}");
}
