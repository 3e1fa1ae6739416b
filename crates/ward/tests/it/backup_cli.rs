//! `ward backup` and `ward restore`, as somebody does it who has one file and one key; and what a thief finds in either.

use crate::ledger_cli::{Site, code, devices, plan};
use std::fs;
use std::path::Path;
use store::DATABASE_FILE;
use testkit::simulation::Simulation;
use ward::keys::KEYRING_FILE;

/// Names in a folder that matter: the lock stays where somebody looked.
fn left(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "lock")
        .collect()
}

#[test]
fn a_backup_and_its_key_make_the_same_site_on_an_empty_machine() {
    let site = Site::with("backup-whole", plan(40), 10);
    let expected = devices(&site, &[]);
    assert!(expected.len() > 20, "{}", expected.len());
    let file = site.folder.path("a.wbk");
    let file = file.to_str().unwrap();
    let made = site.json(&["backup", file]);
    assert!(made["rows"].as_u64().unwrap() > 100 && made["digest"].as_str().unwrap().len() == 64, "{made}");
    let (status, told) = code(&site.ward(&["backup", file]));
    assert!(status == 3 && told.contains("is there already, and a backup overwrites nothing"), "{told}");

    let store = site.folder.path("elsewhere");
    let at = ["--store", store.to_str().unwrap()];
    let restore = || code(&site.ward(&[&["restore", file], &at[..]].concat()));
    let (status, told) = restore();
    assert_eq!(status, 0, "{told}");
    assert!(
        told.contains("all verified against it") && told.contains(" ago: ") && told.contains("ward doctor"),
        "{told}"
    );
    assert_eq!(devices(&site, &at), expected);
    assert_eq!(code(&site.ward(&[&["ledger", "verify"], &at[..]].concat())).0, 0);
    let (status, told) = restore();
    assert!(
        status == 3 && told.contains("there is a store in ") && told.contains("overwrites nothing"),
        "{told}"
    );

    // Killed before its last step: the next try completes it.
    fs::remove_file(store.join(KEYRING_FILE)).unwrap();
    assert_eq!(code(&site.ward(&[&["devices"], &at[..]].concat())).0, 3);
    assert_eq!(restore().0, 0);
    assert_eq!(devices(&site, &at), expected);
    // But not where the store is another's.
    let other = Site::with("backup-other", plan(20), 1);
    fs::remove_file(other.config.store.folder.join(KEYRING_FILE)).unwrap();
    let at = ["--store", other.config.store.folder.to_str().unwrap()];
    let (status, told) = code(&site.ward(&[&["restore", file], &at[..]].concat()));
    assert!(status == 3 && told.contains("is not this backup's"), "{told}");
    assert!(!other.config.store.folder.join(KEYRING_FILE).exists());
}

#[test]
fn what_is_not_a_whole_backup_restores_nothing() {
    let site = Site::with("backup-broken", plan(20), 3);
    let file = site.folder.path("a.wbk");
    assert_eq!(code(&site.ward(&["backup", file.to_str().unwrap()])).0, 0);
    let whole = fs::read(&file).unwrap();
    let store = site.folder.path("elsewhere");
    let refused = |file: &Path, more: &[&str]| {
        let arguments = ["restore", file.to_str().unwrap(), "--store", store.to_str().unwrap()];
        let (status, told) = code(&site.ward(&[&arguments, more].concat()));
        assert_eq!(status, 3, "{told}");
        assert_eq!(left(&store), [] as [String; 0], "{told}");
        told
    };
    let half = site.folder.write("half.wbk", &whole[..whole.len() / 2]);
    assert!(refused(&half, &[]).contains("half.wbk"));
    let header = site.folder.write("header.wbk", &whole[..100]);
    assert!(refused(&header, &[]).contains("not a whole backup"));
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let told = refused(&site.folder.write("flipped.wbk", &flipped), &[]);
    assert!(told.contains("damaged at chunk"), "{told}");
    let told =
        refused(&site.folder.write("none.wbk", b"nothing of the kind, but long enough to look at"), &[]);
    assert!(told.contains("none.wbk"), "{told}");
    assert!(refused(Path::new("/none.wbk"), &[]).contains("there is no backup /none.wbk"));
    let other = site.folder.write("other", &[1; 32]);
    fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let told = refused(&file, &["--set", &format!("keys.file={}", other.display())]);
    assert!(told.contains("this is not the keyring's key"), "{told}");
    let told = refused(&file, &["--set", "ledger.origin=ward.example/other"]);
    assert!(told.contains("--set ledger.origin=localhost/site-1"), "{told}");

    site.tamper("UPDATE devices SET name = 'somebody else' WHERE id = 1");
    let lying = site.folder.path("lying.wbk");
    assert_eq!(code(&site.ward(&["backup", lying.to_str().unwrap()])).0, 0, "a backup is what is there");
    let told = refused(&lying, &[]);
    assert!(
        told.contains("not what its ledger says (1 lie found)") && told.contains("table devices, row 1"),
        "{told}"
    );
}

#[test]
fn a_thief_of_disk_or_backup_reads_no_name() {
    let site = Site::with("backup-thief", plan(60), 120);
    let file = site.folder.path("a.wbk");
    // Beside a ward that writes, so that there is a log.
    let held = site.db(store::db::Mode::Writer);
    assert_eq!(code(&site.ward(&["backup", file.to_str().unwrap()])).0, 0);
    let (status, shown) = code(&site.ward(&["devices", "--limit", "500", "--json"]));
    assert_eq!(status, 0);
    let names: Vec<String> = Simulation::new(plan(60))
        .unwrap()
        .hostnames()
        .map(|name| name.to_string())
        .filter(|n| n.len() > 4)
        .collect();
    let seen = names.iter().filter(|name| shown.to_lowercase().contains(&name.to_lowercase())).count();
    assert!(seen > 20, "`ward devices` shows {seen} of {} names", names.len());
    let folder = &site.config.store.folder;
    // A short one is found in ciphertext by chance: four letters of either case once in some hundred MB.
    let wanted: Vec<Vec<u8>> =
        names.iter().filter(|name| name.len() >= 7).map(|name| name.to_lowercase().into_bytes()).collect();
    assert!(wanted.len() > 20, "only {} long names", wanted.len());
    let log = folder.join(format!("{DATABASE_FILE}-wal"));
    for place in [folder.join(DATABASE_FILE), log, folder.join(KEYRING_FILE), file] {
        let bytes = fs::read(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
        let lower = bytes.to_ascii_lowercase();
        for name in &wanted {
            let found = lower.windows(name.len()).any(|window| window == &name[..]);
            assert!(!found, "{} in {}", String::from_utf8_lossy(name), place.display());
        }
    }
    drop(held);
}
