//! Backups on both engines and across them: taken under load, restored elsewhere, refused when anything is wrong with them.

use crate::support::{Ground, NOW, everything, fill, on_both, policies, policy};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use store::backup::{self, Progress, Sealing, Summary};
use store::db::{Cell, Db};
use store::{DATABASE_FILE, Place, Result, Store, StoreError};
use tempfile::TempDir;
use trust::seal::Secret32;

on_both!(
    a_backup_restores_to_the_same,
    a_backup_of_an_empty_store,
    a_backup_taken_under_load_is_one_moment,
    a_place_that_is_not_empty_is_refused,
    what_is_wrong_is_said_and_nothing_is_left,
    what_the_check_refuses_is_not_restored,
    a_backup_overwrites_nothing,
    a_missing_leaf_is_not_backed_up,
    a_restored_store_is_backed_up_the_same,
);

fn key(byte: u8) -> Secret32 {
    Secret32::take(&mut [byte; 32])
}

pub fn sealing() -> Sealing<'static> {
    static KEY: std::sync::LazyLock<Secret32> = std::sync::LazyLock::new(|| key(0x42));
    Sealing { key: &KEY, keyring: b"a keyring" }
}

pub fn no_progress() -> impl FnMut(&Progress<'_>) {
    |_| {}
}

pub fn no_check() -> impl FnMut(&mut Db) -> Result<()> {
    |_| Ok(())
}

fn save(place: &Place, path: &Path) -> Result<Summary> {
    backup::to_file(place, &sealing(), path, NOW, &mut no_progress())
}

fn restore(path: &Path, place: &Place) -> Result<Summary> {
    backup::from_file(path, sealing().key, place, NOW, &mut no_check(), &mut no_progress())
}

/// A store with rows in every table, leaves, a tile and a checkpoint.
fn filled(ground: &Ground) -> Store {
    let mut store = ground.open();
    fill(&mut store);
    let tile = "INSERT INTO tiles (level, number, width, data) VALUES (?1, 0, 3, ?2)";
    store.db().execute(tile, &[Cell::Int(0), Cell::Blob(&[1; 96])]).unwrap();
    store.db().execute(tile, &[Cell::Int(1), Cell::Blob(&[2; 32])]).unwrap();
    let checkpoint = "INSERT INTO checkpoints (size, note, signed_at, witnesses) VALUES (?1, ?2, 1, 0)";
    store.db().execute(checkpoint, &[Cell::Int(2), Cell::Text("ledger\n2\n")]).unwrap();
    store.db().execute(checkpoint, &[Cell::Int(3), Cell::Text("ledger\n3\n")]).unwrap();
    store
}

fn file() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ward.backup");
    (folder, path)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn a_backup_restores_to_the_same(ground: &Ground) {
    let mut store = filled(ground);
    let before = everything(store.db());
    let (folder, path) = file();
    let mut seen = Vec::new();
    let summary =
        backup::to_file(&ground.place, &sealing(), &path, NOW, &mut |progress| seen.push(progress.rows))
            .unwrap();
    assert_eq!(names(folder.path()), ["ward.backup"]);
    assert_eq!(summary.total(), before.iter().map(|(_, rows)| rows.len() as u64).sum::<u64>());
    assert_eq!((summary.leaves, summary.checkpoint.as_deref()), (3, Some("ledger\n3\n")));
    assert_eq!(seen.last(), Some(&summary.total()));

    let header = backup::header_of(&path).unwrap();
    assert_eq!((header.created, header.keyring.as_slice()), (NOW, &b"a keyring"[..]));
    assert_eq!(backup::check(&path, sealing().key).unwrap(), (header, summary.clone()));
    assert_private(&path);

    let fresh = ground.another();
    assert_eq!(restore(&path, &fresh.place).unwrap(), summary);
    let mut restored = fresh.open();
    assert_eq!(everything(restored.db()), before);
    assert_eq!((restored.leaves(), restored.newest()), (3, store.newest()));
    let tx = policy(&mut restored, "goes on", "1");
    assert_eq!(restored.commit(tx).unwrap().leaf, 3);
    if let Place::Folder { path, .. } = &fresh.place {
        drop(restored);
        assert_eq!(names(path), ["lock", DATABASE_FILE]);
    }
}

/// Nobody else may read it, and nothing of the rows is in it in clear.
fn assert_private(path: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    assert_eq!(std::fs::metadata(path).unwrap().mode() & 0o777, 0o600);
    let bytes = std::fs::read(path).unwrap();
    for needle in ["policies", "of a row", "Überwachung", "ledger\n3"] {
        assert!(!bytes.windows(needle.len()).any(|window| window == needle.as_bytes()), "{needle}");
    }
}

fn a_backup_of_an_empty_store(ground: &Ground) {
    drop(ground.open());
    let (_folder, path) = file();
    let summary = save(&ground.place, &path).unwrap();
    assert_eq!((summary.total(), summary.leaves, &summary.checkpoint), (0, 0, &None));
    let fresh = ground.another();
    restore(&path, &fresh.place).unwrap();
    assert_eq!(fresh.open().leaves(), 0);
}

fn a_backup_taken_under_load_is_one_moment(ground: &Ground) {
    let mut store = filled(ground);
    let txs: Vec<_> =
        (0..200).map(|n| policy(&mut store, &format!("before {n}"), &"x".repeat(5_000))).collect();
    store.commit_all(&txs).unwrap();
    let (_folder, path) = file();
    let (stop, committed) = (AtomicBool::new(false), AtomicU64::new(0));
    let (summary, before, after) = std::thread::scope(|scope| {
        let (stop, committed) = (&stop, &committed);
        scope.spawn(move || {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                // A new row, and an old one changed: a torn backup would hold the one and not the other.
                let mut tx = policy(&mut store, &format!("during {n}"), "new");
                tx.put(&store::table::POLICIES, 3, vec!["counter".into(), n.to_string().into()]);
                store.commit(tx).unwrap();
                committed.store(store.leaves(), Ordering::Relaxed);
                n += 1;
            }
        });
        let leaves = |least| {
            while committed.load(Ordering::Relaxed) < least {
                std::thread::yield_now();
            }
            committed.load(Ordering::Relaxed)
        };
        let before = leaves(204);
        // The load goes on between the first row and the last: progress waits for commits.
        let mut waited = 0;
        let summary = backup::to_file(&ground.place, &sealing(), &path, NOW, &mut |_| {
            if waited < 5 {
                waited += 1;
                leaves(committed.load(Ordering::Relaxed) + 2);
            }
        });
        let after = leaves(0);
        stop.store(true, Ordering::Relaxed);
        (summary.unwrap(), before, after)
    });
    assert!((before..after - 8).contains(&summary.leaves), "{before} ≤ {} ≪ {after}", summary.leaves);

    let fresh = ground.another();
    restore(&path, &fresh.place).unwrap();
    let mut restored = fresh.open();
    assert_eq!(restored.leaves(), summary.leaves);
    // As many commits as leaves: the new rows, and the counter that each of them set.
    let during = summary.leaves - 203;
    let count = |db: &mut Db, sql: &str| db.number(sql, &[]).unwrap().unwrap();
    let new = count(restored.db(), "SELECT count(*) FROM policies WHERE value = 'new'");
    assert_eq!(new as u64, during);
    let counter = &policies(restored.db())[2];
    assert_eq!(counter.parse::<u64>().unwrap() + 1, during);
    // What the backup holds is what that moment's rows are in the store that went on.
    let mut went_on = ground.reader();
    for (table, rows) in everything(restored.db()) {
        if table == "leaves" {
            let all = crate::support::rows(&mut went_on, &table);
            assert_eq!(rows[..], all[..rows.len()]);
        }
    }
}

fn a_place_that_is_not_empty_is_refused(ground: &Ground) {
    let store = filled(ground);
    let (_folder, path) = file();
    save(&ground.place, &path).unwrap();
    let other = ground.another();
    let mut there = other.open();
    let tx = policy(&mut there, "mine", "kept");
    there.commit(tx).unwrap();
    // While it is in use, and after.
    assert!(matches!(restore(&path, &other.place), Err(StoreError::InUse { .. })));
    drop(there);
    let refused = restore(&path, &other.place).unwrap_err();
    assert!(matches!(&refused, StoreError::Refused(why) if why.contains("not empty")), "{refused:?}");
    assert_eq!(policies(other.open().db()), ["kept"]);
    drop(store);
}

/// `change` makes a wrong backup of a right one; the message of its refusal, which leaves nothing behind.
fn refusal(ground: &Ground, path: &Path, key: &Secret32, change: impl Fn(&mut Vec<u8>)) -> String {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    let (_folder, wrong) = file();
    std::fs::write(&wrong, bytes).unwrap();
    let error =
        backup::from_file(&wrong, key, &ground.place, NOW, &mut no_check(), &mut no_progress()).unwrap_err();
    assert!(matches!(error, StoreError::Backup(_)), "{error:?}");
    assert!(!error.is_retryable());
    nothing_there(ground);
    error.to_string()
}

fn nothing_there(ground: &Ground) {
    match &ground.place {
        Place::Folder { path, .. } => {
            let found = names(path);
            assert!(found.is_empty() || found == ["lock"], "{found:?}");
        }
        #[cfg(feature = "postgres")]
        Place::Postgres { .. } => assert_eq!(ground.reader().tables().unwrap(), Vec::<String>::new()),
    }
}

fn what_is_wrong_is_said_and_nothing_is_left(ground: &Ground) {
    drop(filled(ground));
    let (folder, path) = file();
    save(&ground.place, &path).unwrap();
    let fresh = ground.another();
    let right = sealing().key;
    let size = std::fs::read(&path).unwrap().len();
    // Prologue, then chunks of 12 bytes, 64 KiB and 16 bytes.
    let prologue = 8 + 32 + 4 + (4 + 4 + 8 + 1 + env!("CARGO_PKG_VERSION").len() + 4 + 9) + 32;
    let chunk = 12 + 65_536 + 16;
    assert!(size > prologue + 3 * chunk, "{size}");
    let mut told = std::collections::BTreeSet::new();
    let mut said = |wanted: &str, message: String| {
        assert!(message.contains(wanted), "{wanted}: {message}");
        told.insert(wanted.to_owned());
    };
    said("does not open with this key", refusal(&fresh, &path, &key(1), |_| {}));
    said("does not open with this key", refusal(&fresh, &path, right, |bytes| bytes[60] ^= 1));
    said("begins with other bytes", refusal(&fresh, &path, right, |bytes| bytes[0] ^= 1));
    said("within its header", refusal(&fresh, &path, right, |bytes| bytes.truncate(50)));
    said("within its header", refusal(&fresh, &path, right, Vec::clear));
    for whole in [0, 1, 2] {
        for more in [0, 5, 40_000] {
            let message =
                refusal(&fresh, &path, right, |bytes| bytes.truncate(prologue + whole * chunk + more));
            said(&format!("ends at chunk {whole}, before its last"), message);
        }
    }
    said("ends at chunk", refusal(&fresh, &path, right, |bytes| bytes.truncate(size - 1)));
    for at in [prologue + 12, prologue + chunk + 500, size - 1] {
        said("damaged at chunk", refusal(&fresh, &path, right, |bytes| bytes[at] ^= 0x80));
    }
    let swapped = refusal(&fresh, &path, right, |bytes| {
        let (one, two) = bytes[prologue..].split_at_mut(chunk);
        one.swap_with_slice(&mut two[..chunk]);
    });
    said("out of order: chunk 1 stands where chunk 0 belongs", swapped);
    let twice = refusal(&fresh, &path, right, |bytes| {
        let first = bytes[prologue..prologue + chunk].to_vec();
        bytes.splice(prologue..prologue, first);
    });
    said("out of order: chunk 0 stands where chunk 1 belongs", twice);
    said("goes on after", refusal(&fresh, &path, right, |bytes| bytes.push(0)));
    assert_eq!(told.len(), 11, "each wrong has words of its own: {told:?}");
    let absent = restore(&folder.path().join("absent"), &fresh.place).unwrap_err();
    assert!(absent.to_string().contains("there is no backup"), "{absent}");
    nothing_there(&fresh);
    restore(&path, &fresh.place).unwrap();
}

fn what_the_check_refuses_is_not_restored(ground: &Ground) {
    drop(filled(ground));
    let (_folder, path) = file();
    save(&ground.place, &path).unwrap();
    let fresh = ground.another();
    let mut refuse = |db: &mut Db| -> Result<()> {
        // It sees the rows, may ask in a transaction of its own, and finds one that lies.
        db.begin()?;
        assert_eq!(db.number("SELECT count(*) FROM leaves", &[])?, Some(3));
        db.roll_back();
        Err(StoreError::Damaged { what: "row 2 of sealed lies".into() })
    };
    let refused = backup::from_file(&path, sealing().key, &fresh.place, NOW, &mut refuse, &mut no_progress())
        .unwrap_err();
    assert!(refused.to_string().contains("row 2 of sealed lies"), "{refused}");
    nothing_there(&fresh);
    let mut accept = |db: &mut Db| -> Result<()> {
        db.begin()?;
        assert_eq!(db.number("SELECT count(*) FROM sealed", &[])?, Some(3));
        db.commit()?;
        // Nobody else sees a store yet.
        match &fresh.place {
            Place::Folder { path, .. } => assert!(!path.join(DATABASE_FILE).exists()),
            #[cfg(feature = "postgres")]
            Place::Postgres { .. } => nothing_there(&fresh),
        }
        Ok(())
    };
    backup::from_file(&path, sealing().key, &fresh.place, NOW, &mut accept, &mut no_progress()).unwrap();
    assert_eq!(fresh.open().leaves(), 3);
}

fn a_backup_overwrites_nothing(ground: &Ground) {
    let store = filled(ground);
    let (folder, path) = file();
    std::fs::write(&path, "something else").unwrap();
    let refused = save(&ground.place, &path).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Refused(why) if why.contains("overwrites nothing")),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"something else");
    assert_eq!(names(folder.path()), ["ward.backup"]);
    // What a killed backup left is no hindrance; a folder that is not there is.
    let second = folder.path().join("second");
    std::fs::write(folder.path().join("second.part"), vec![7; 1 << 20]).unwrap();
    save(&ground.place, &second).unwrap();
    backup::check(&second, sealing().key).unwrap();
    assert_eq!(names(folder.path()), ["second", "ward.backup"]);
    assert!(matches!(save(&ground.place, &folder.path().join("no/b")), Err(StoreError::Unreachable { .. })));
    drop(store);
}

fn a_missing_leaf_is_not_backed_up(ground: &Ground) {
    let mut store = filled(ground);
    store.db().define("DELETE FROM leaves WHERE id = 1;").unwrap();
    let (folder, path) = file();
    let refused = save(&ground.place, &path).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Damaged { what } if what.contains("leaf 1 is missing")),
        "{refused:?}"
    );
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

fn a_restored_store_is_backed_up_the_same(ground: &Ground) {
    drop(filled(ground));
    let (_folder, path) = file();
    let first = save(&ground.place, &path).unwrap();
    let fresh = ground.another();
    restore(&path, &fresh.place).unwrap();
    let (_folder, path) = file();
    assert_eq!(save(&fresh.place, &path).unwrap(), first);
}

#[cfg(feature = "postgres")]
#[test]
fn a_backup_moves_a_store_from_one_engine_to_the_other_and_back() {
    let Some(postgres) = Ground::postgres() else { return };
    let (sqlite, back) = (Ground::sqlite(), Ground::sqlite());
    let mut store = filled(&sqlite);
    let before = everything(store.db());
    drop(store);
    let (_one, path) = file();
    let summary = save(&sqlite.place, &path).unwrap();
    restore(&path, &postgres.place).unwrap();
    let mut moved = postgres.open();
    let by_name = |mut all: Vec<(String, Vec<Vec<store::db::Value>>)>| {
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    };
    assert_eq!(by_name(everything(moved.db())), by_name(before.clone()));
    let tx = policy(&mut moved, "on the way", "1");
    moved.commit(tx).unwrap();
    let (_two, path) = file();
    let changed = save(&postgres.place, &path).unwrap();
    assert_eq!(changed.total(), summary.total() + 2);
    restore(&path, &back.place).unwrap();
    let mut store = back.open();
    assert_eq!((store.leaves(), store.newest()), (4, NOW));
    assert_eq!(by_name(everything(store.db())), by_name(everything(moved.db())));
}

#[test]
fn a_killed_restore_leaves_what_the_next_one_clears_away() {
    let ground = Ground::sqlite();
    drop(filled(&ground));
    let (_folder, path) = file();
    save(&ground.place, &path).unwrap();
    let fresh = Ground::sqlite();
    let unfinished = fresh.folder().join("restore.tmp");
    std::fs::create_dir(&unfinished).unwrap();
    std::fs::write(unfinished.join(DATABASE_FILE), vec![9; 9000]).unwrap();
    restore(&path, &fresh.place).unwrap();
    assert_eq!(names(&fresh.folder()), ["lock", DATABASE_FILE]);
    // And a folder that is not there is made.
    let deep = fresh.folder().join("a/b");
    let place = Place::folder(&deep, crate::support::KEY);
    restore(&path, &place).unwrap();
    assert_eq!(names(&deep), ["lock", DATABASE_FILE]);
}
