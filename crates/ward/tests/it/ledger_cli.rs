//! `ward ledger`, `ward devices` and `ward keys` on a store that the core has filled with a simulated hospital.

use crate::cli::{Folder, command, text};
use model::{Record, SiteId, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use store::Store;
use store::db::{Cell, Db, Mode};
use testkit::simulation::{Churn, Faults, Plan, Simulation};
use ward::bus::Delivery;
use ward::config::{self, Config, Flags};
use ward::core::{Core, Settings};
use ward::up::Ground;

pub const START: Timestamp = Timestamp::from_secs(1_779_958_800);
const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

/// An installation in a folder of its own, made through the core.
pub struct Site {
    pub folder: Folder,
    pub toml: PathBuf,
    pub config: Config,
}

pub fn plan(devices: usize) -> Plan {
    Plan { faults: Faults::NONE, ..Plan::new(5, SiteId(1), devices, START, 1) }
}

impl Site {
    /// Configured, and empty.
    pub fn empty(test: &str) -> Self {
        let folder = Folder::new(test);
        let text = format!(
            "[site]\ntime_zone = \"UTC\"\n[store]\nfolder = {:?}\n[keys]\nfile = {:?}\n",
            folder.path("store"),
            folder.path("kek")
        );
        let toml = folder.write("ward.toml", text.as_bytes());
        let config = config::parse(Some((&text, &toml)), &[], &Flags::default()).unwrap();
        Self { folder, toml, config }
    }

    /// With the records of `plan`'s first `minutes`.
    pub fn with(test: &str, plan: Plan, minutes: u64) -> Self {
        let site = Self::empty(test);
        let end = Timestamp::from_secs(START.as_secs() + minutes * 60);
        let records: Vec<Record> =
            Simulation::new(plan).unwrap().take_while(|record| record.header().received_at < end).collect();
        let ground = Ground::open_or_create(&site.config).unwrap();
        let store = Store::open(ground.place.clone(), NOW).unwrap();
        let settings = Settings { site_every: std::time::Duration::ZERO, ..Settings::new(SiteId(1), 7) };
        let catalog = ward::catalog::load(judge::inventory::SiteNetworks::default()).unwrap();
        let mut core = Core::open(store, settings, catalog, NOW).unwrap();
        let mut last_sequence = 0;
        for batch in records.chunks(1000) {
            last_sequence += batch.len() as u64;
            let delivery = Delivery {
                source: Arc::from("test:records"),
                records: batch.to_vec(),
                last_sequence,
                position: "{}".to_owned(),
                acknowledge: None,
            };
            core.accept(&[delivery], NOW).unwrap();
        }
        core.flush(NOW).unwrap();
        let signer = ground.signer(&site.config).unwrap();
        core.store().integrate(&site.config.ledger.origin, &signer, NOW).unwrap().unwrap();
        site
    }

    pub fn ward(&self, arguments: &[&str]) -> Output {
        command().args(arguments).arg("--config").arg(&self.toml).output().unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.ward(&[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)))
    }

    /// The rows behind the ledger's back, with the right key.
    pub fn tamper(&self, sql: &str) {
        let mut db = self.db(Mode::Writer);
        assert!(db.execute(sql, &[]).unwrap() > 0, "{sql}");
    }

    pub fn db(&self, mode: Mode) -> Db {
        Ground::look(&self.config).unwrap().place.connect(mode).unwrap()
    }
}

pub fn code(output: &Output) -> (i32, String) {
    (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
}

/// Names in `ward devices --json`, over all pages.
pub fn devices(site: &Site, arguments: &[&str]) -> Vec<Value> {
    let (mut found, mut after): (Vec<Value>, Option<String>) = (Vec::new(), None);
    loop {
        let mut given = vec!["devices", "--limit", "50"];
        given.extend(arguments);
        given.extend(after.iter().flat_map(|after| ["--after", after]));
        let page = site.json(&given);
        found.extend(page["devices"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => return found,
        }
    }
}

#[test]
fn a_store_as_it_was_written_is_whole_and_every_lie_is_named() {
    let site = Site::with("ledger-verify", plan(60), 20);
    let (status, told) = code(&site.ward(&["ledger", "verify"]));
    assert_eq!(status, 0, "{told}");
    assert!(told.contains("not witnessed: whoever holds the keys could have rewritten all of it"), "{told}");
    assert!(told.contains("WHOLE: leaves, tiles, checkpoints and rows"), "{told}");
    let whole = site.json(&["ledger", "verify"]);
    assert_eq!((&whole["whole"], &whole["lies_total"]), (&Value::Bool(true), &Value::from(0)));
    assert!(whole["rows"].as_u64().unwrap() > 100 && whole["leaves"] == whole["checkpoint"], "{whole}");

    // An auditor's copy agrees; one of another history does not.
    let note = site.json(&["ledger", "show"])["checkpoint"]["note"].as_str().unwrap().to_owned();
    let kept = site.folder.write("kept.note", note.as_bytes());
    let kept = kept.to_str().unwrap();
    let (status, told) = code(&site.ward(&["ledger", "verify", "--checkpoint", kept]));
    assert!(status == 0 && told.contains("the leaves agree with the checkpoint in "), "{told}");
    let (status, told) = code(&site.ward(&["ledger", "verify", "--checkpoint", "/none"]));
    assert!(status == 3 && told.contains("cannot read the checkpoint /none"), "{told}");

    site.tamper("UPDATE devices SET name = 'somebody else' WHERE id = 3");
    let (status, told) = code(&site.ward(&["ledger", "verify"]));
    assert_eq!(status, 1, "{told}");
    assert!(told.contains("NOT WHOLE: 1 lie found"), "{told}");
    assert!(told.contains("first: table devices, row 3 was changed outside the ledger"), "{told}");
    let lies = site.json(&["ledger", "verify"]);
    assert_eq!(lies["lies"][0]["lie"], "changed");
    assert_eq!((&lies["lies"][0]["table"], &lies["lies"][0]["row"]), (&"devices".into(), &3.into()));

    site.tamper("DELETE FROM claims WHERE id = 2");
    site.tamper("UPDATE tiles SET data = zeroblob(length(data)) WHERE level = 0 AND number = 0");
    let lies = site.json(&["ledger", "verify"]);
    let kinds: Vec<&str> =
        lies["lies"].as_array().unwrap().iter().map(|lie| lie["lie"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "tile", "the ledger's own lies first: {lies}");
    assert!(kinds.contains(&"missing") && kinds.contains(&"changed"), "{lies}");
    let (_, told) = code(&site.ward(&["ledger", "verify"]));
    assert!(told.contains("table claims, row 2 is gone"), "{told}");
}

#[test]
fn leaves_are_shown_in_short_and_in_full() {
    let site = Site::with("ledger-show", plan(20), 5);
    let (status, told) = code(&site.ward(&["ledger", "show", "--last", "3"]));
    assert_eq!(status, 0, "{told}");
    assert!(told.contains("LEAVES: the newest 3 of ") && told.contains("2026-09-21"), "{told}");
    assert!(told.contains("CHECKPOINT over ") && told.contains("not witnessed"), "{told}");
    let shown = site.json(&["ledger", "show", "--last", "2"]);
    let key = text(&site.ward(&["ledger", "show", "--key"]).stdout);
    assert_eq!(key.trim_end(), shown["key"].as_str().unwrap());
    assert!(key.starts_with("localhost/site-1+"), "{key}");
    assert_eq!(shown["newest"].as_array().unwrap().len(), 2);
    let newest = shown["newest"][0]["leaf"].as_u64().unwrap();
    assert_eq!(newest + 1, shown["leaves"].as_u64().unwrap());

    let leaf = site.json(&["ledger", "show", "--leaf", "1"]);
    let mut db = site.db(Mode::Reader);
    let (mut hash, mut listed) = (String::new(), 0);
    db.query("SELECT data, changes FROM leaves WHERE id = ?1", &[Cell::Int(1)], &mut |row| {
        hash = trust::tlog::leaf_hash(row.blob(0)?).iter().map(|byte| format!("{byte:02x}")).collect();
        listed = store::leaf::visit_rows(row.blob(1)?, |_| {}).unwrap();
        Ok(())
    })
    .unwrap();
    assert_eq!(leaf["hash"], hash.as_str());
    assert!(listed > 0 && leaf["rows"].as_array().unwrap().len() as u64 == listed);
    let (status, told) = code(&site.ward(&["ledger", "show", "--leaf", "1"]));
    assert!(status == 0 && told.contains(&hash) && told.contains("blocks"), "{told}");
    let (status, told) = code(&site.ward(&["ledger", "show", "--leaf", "999999"]));
    assert!(
        status == 3 && told.contains(&format!("there is no leaf 999999: the newest is {newest}")),
        "{told}"
    );
    assert_eq!(code(&site.ward(&["ledger", "show", "--last", "0"])).0, 2);
}

/// Link addresses of devices.
fn macs(devices: &[Value]) -> BTreeSet<String> {
    let endpoints = devices.iter().flat_map(|device| device["endpoints"].as_array().unwrap());
    let addresses =
        endpoints.map(|endpoint| endpoint.as_str().unwrap().split_once('|').unwrap().1.to_owned());
    addresses.filter(|address| address.parse::<model::MacAddr>().is_ok()).collect()
}

#[test]
fn the_inventory_is_asked_for_as_it_was_and_as_it_was_known() {
    let minutes = 120;
    let plan = Plan { churn: Churn { docks: false, ..Churn::default() }, ..plan(150) };
    let site = Site::with("devices-at", plan.clone(), minutes);
    let simulation = Simulation::new(plan).unwrap();
    let at = |minute: u64| Timestamp::from_secs(START.as_secs() + minute * 60);
    let rfc3339 = |at: Timestamp| jiff::Timestamp::from_second(at.as_secs() as i64).unwrap().to_string();
    let there = |minute: u64| -> BTreeSet<String> {
        let devices = simulation.truth(at(minute));
        devices.iter().flat_map(|device| device.macs.first()).map(ToString::to_string).collect()
    };
    let (early, late) = (there(10), there(minutes - 1));
    let newcomers: BTreeSet<&String> = late.difference(&early).collect();
    assert!(newcomers.len() > 2, "the plan has no churn to see: {newcomers:?}");
    let before = macs(&devices(&site, &["--at", &rfc3339(at(10))]));
    let after = macs(&devices(&site, &["--at", &rfc3339(at(minutes))]));
    for mac in &newcomers {
        assert!(!before.contains(*mac), "{mac} came later");
        assert!(after.contains(*mac), "{mac} is there");
    }
    assert!(early.is_subset(&before), "{:?}", early.difference(&before).collect::<Vec<_>>());
    assert_eq!(macs(&devices(&site, &[])), after, "now is after all of it");
    // Ward learnt of all this at NOW.
    let (status, told) = code(&site.ward(&["devices", "--known-at", "2026-09-01"]));
    assert!(
        status == 0 && told.contains("No device of site 1 is known at 2026-09-01 00:00:00 UTC"),
        "{told}"
    );
    assert!(told.contains("Ward may not have watched yet"), "{told}");
    let (_, told) = code(&site.ward(&["devices", "--limit", "2"]));
    assert!(
        told.contains("Maker of interface") && told.contains("repeat the command with --after c1-"),
        "{told}"
    );
    for wrong in ["yesterday", "2026-13-01", "1960-01-01", ""] {
        let (status, told) = code(&site.ward(&["devices", "--at", wrong]));
        assert!(
            status == 2 && told.contains("write 2026-05-01 (the beginning of that day"),
            "{wrong}: {told}"
        );
    }
    assert_eq!(code(&site.ward(&["devices", "--after", "c1-zz"])).0, 2);
    assert_eq!(code(&site.ward(&["devices", "--limit", "501"])).0, 2);
}

#[test]
fn a_newcomer_is_told_what_to_do() {
    let site = Site::empty("cli-newcomer");
    for verb in
        [&["devices"][..], &["ledger", "show"], &["ledger", "verify"], &["keys", "show"], &["backup", "x"]]
    {
        let (status, told) = code(&site.ward(verb));
        assert!(
            status == 3 && told.contains("there is no store in ") && told.contains("`ward up` makes one"),
            "{told}"
        );
        assert!(!site.folder.path("store").exists(), "{verb:?} made something");
    }
    let empty = Site::with("cli-empty", plan(20), 0);
    let (status, told) = code(&empty.ward(&["devices"]));
    assert!(
        status == 0 && told.contains("No device of site 1 is known now.") && told.contains("`ward up`"),
        "{told}"
    );
    let other = empty.folder.write("other", &[1; 32]);
    std::fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let set = format!("keys.file={}", other.display());
    let (status, told) = code(&empty.ward(&["devices", "--set", &set]));
    assert!(status == 3 && told.contains("this is not the keyring's key"), "{told}");
}

#[test]
fn keys_are_listed_and_replaced_and_never_shown() {
    let site = Site::with("keys-cli", plan(20), 5);
    let rows = devices(&site, &[]);
    assert!(!rows.is_empty());
    let before = site.json(&["keys", "show"]);
    assert_eq!((&before["kek"]["kind"], &before["masters"]), (&"file".into(), &serde_json::json!([1])));
    let (status, told) = code(&site.ward(&["keys", "show"]));
    let id = before["kek"]["id"].as_str().unwrap();
    assert!(status == 0 && told.contains(&format!("file, id {id}")), "{told}");
    let look = || Ground::look(&site.config).unwrap().keyring;
    let hex = |key: &[u8]| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(!told.contains(&hex(look().database_key().expose())));

    let key = *look().database_key().expose();
    let rotated = site.json(&["keys", "rotate", "--data"]);
    assert_eq!(rotated["database"], "encrypted anew", "{rotated}");
    assert_ne!(*look().database_key().expose(), key);
    assert!(look().next_database_key().is_none());
    assert_eq!(site.json(&["keys", "show"])["masters"], serde_json::json!([2]));
    assert_eq!(devices(&site, &[]), rows);
    assert!(
        store::Place::folder(&site.config.store.folder, key).connect(Mode::Reader).is_err(),
        "the old key"
    );

    let next = site.folder.path("kek-2");
    let next = next.to_str().unwrap();
    let (status, told) = code(&site.ward(&["keys", "rotate", "--kek", "--to-file", next]));
    assert!(status == 0 && told.contains(&format!("[keys]\nkind = \"file\"\nfile = {next:?}")), "{told}");
    let (status, told) = code(&site.ward(&["devices"]));
    assert!(status == 3 && told.contains("this is not the keyring's key"), "{told}");
    let set = format!("keys.file={next}");
    let (status, told) = code(&site.ward(&["ledger", "verify", "--set", &set]));
    assert_eq!(status, 0, "{told}");
    let again = ["keys", "rotate", "--kek", "--to-file", next, "--set", &set];
    let (status, told) = code(&site.ward(&again));
    assert!(status == 3 && told.contains("the new key is the one"), "{told}");
    for wrong in
        [&["--kek"][..], &[], &["--data", "--to-file", next], &["--kek", "--data", "--to-file", next]]
    {
        assert_eq!(code(&site.ward(&[&["keys", "rotate"], wrong].concat())).0, 2, "{wrong:?}");
    }
}

#[test]
fn rotation_waits_for_nobody_who_holds_the_store_and_readers_look_on() {
    let site = Site::with("keys-held", plan(20), 2);
    let ground = Ground::look(&site.config).unwrap();
    let held = Store::open(ground.place, NOW).unwrap();
    let (status, told) = code(&site.ward(&["keys", "rotate", "--data"]));
    assert!(status == 3 && told.contains("does not answer at its control socket"), "{told}");
    assert_eq!(code(&site.ward(&["ledger", "verify"])).0, 0);
    assert_eq!(code(&site.ward(&["devices"])).0, 0);
    drop(held);
    let doctor = site.json(&["doctor"]);
    let checks = doctor["checks"].as_array().unwrap();
    let keyring = checks.iter().find(|check| check["name"] == "keyring").unwrap();
    assert_eq!(keyring["answer"], "ok");
    assert!(Path::new(&site.config.store.folder).join("store.db").exists());
}
