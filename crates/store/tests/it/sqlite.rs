//! SQLite alone: what is wrong with a file, a folder or a disk is told apart, and nothing is stored in clear.

use crate::support::{Ground, KEY, NOW, cannot_run, everything, fill, policies, policy};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use store::db::{Db, Mode};
use store::{DATABASE_FILE, Place, Store, StoreError};

/// Bytes of a page.
const PAGE_BYTES: usize = 4096;

/// A store with rows in every table, closed: its whole content is in one file.
fn filled() -> Ground {
    let ground = Ground::sqlite();
    let mut store = ground.open();
    fill(&mut store);
    store.db().empty_log().unwrap();
    drop(store);
    ground
}

fn file(ground: &Ground) -> std::path::PathBuf {
    ground.folder().join(DATABASE_FILE)
}

fn opened(place: &Place) -> Result<Store, StoreError> {
    Store::open(place.clone(), NOW)
}

#[test]
fn a_wrong_key_changes_nothing() {
    let ground = filled();
    let before = std::fs::read(file(&ground)).unwrap();
    let wrong = Place::folder(&ground.folder(), [1; 32]);
    for refused in [opened(&wrong).err(), wrong.connect(Mode::Reader).err()] {
        let refused = refused.unwrap();
        assert!(
            matches!(&refused, StoreError::WrongKey { store } if store.ends_with(DATABASE_FILE)),
            "{refused:?}"
        );
        assert!(!refused.is_retryable());
    }
    assert_eq!(std::fs::read(file(&ground)).unwrap(), before);
    assert_eq!(ground.open().leaves(), 3);
}

#[test]
fn what_is_no_database_is_not_overwritten() {
    let plain = [&b"SQLite format 3\0\x10\x00\x01\x01\x00\x40\x20\x20"[..], &[0; 4072]].concat();
    for content in [b"a letter\n".repeat(1000), vec![0; 2 * PAGE_BYTES], plain] {
        let ground = Ground::sqlite();
        std::fs::write(file(&ground), &content).unwrap();
        let refused = opened(&ground.place).err().unwrap();
        assert!(matches!(refused, StoreError::WrongKey { .. }), "{refused:?}");
        assert_eq!(std::fs::read(file(&ground)).unwrap(), content);
    }
}

/// Everything that is in the store, or why it cannot be read.
fn read_all(place: &Place) -> Result<(), StoreError> {
    let mut store = opened(place)?;
    for table in store.db().tables()? {
        store.db().query(&format!("SELECT * FROM {table}"), &[], &mut |row| row.cell(0).map(|_| ()))?;
    }
    Ok(())
}

fn damage(place: &Place) -> Vec<String> {
    match place.connect(Mode::Reader).unwrap() {
        Db::Sqlite(mut sqlite) => sqlite.damage().unwrap(),
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => Vec::new(),
    }
}

#[test]
fn a_changed_page_is_found_and_named() {
    let ground = filled();
    assert_eq!(damage(&ground.place), Vec::<String>::new());
    let whole = std::fs::read(file(&ground)).unwrap();
    let pages = whole.len() / PAGE_BYTES;
    assert!(pages > 60, "{pages} pages");
    for page in [1, 2, 3, pages / 2, pages] {
        for at in [17, PAGE_BYTES / 2, PAGE_BYTES - 1] {
            let mut changed = whole.clone();
            changed[(page - 1) * PAGE_BYTES + at] ^= 1;
            std::fs::write(file(&ground), changed).unwrap();
            if page == 1 {
                assert!(matches!(opened(&ground.place), Err(StoreError::WrongKey { .. })));
                continue;
            }
            let named = damage(&ground.place);
            assert_eq!(named.len(), 1, "page {page}, byte {at}: {named:?}");
            assert!(named[0].ends_with(&format!("page {page}")), "{named:?}");
            // A free page holds nothing that could be read.
            match read_all(&ground.place) {
                Err(StoreError::Damaged { what }) => assert!(what.contains(DATABASE_FILE), "{what}"),
                Err(other) => panic!("page {page}, byte {at}: {other:?}"),
                Ok(()) => assert!(page > 3, "page {page}, byte {at} was read"),
            }
        }
    }
}

#[test]
fn a_file_that_is_cut_off_is_damaged() {
    let ground = filled();
    let whole = std::fs::read(file(&ground)).unwrap();
    for pages in [1, 2, 10, whole.len() / PAGE_BYTES - 1] {
        for more in [0, 1000] {
            std::fs::write(file(&ground), &whole[..pages * PAGE_BYTES + more]).unwrap();
            let error = read_all(&ground.place).err();
            assert!(
                matches!(error, Some(StoreError::Damaged { .. })),
                "{pages} pages and {more} bytes: {error:?}"
            );
        }
    }
    for bytes in [1, 100, PAGE_BYTES - 1] {
        std::fs::write(file(&ground), &whole[..bytes]).unwrap();
        let error = read_all(&ground.place).err();
        assert!(matches!(error, Some(StoreError::Damaged { .. })), "{bytes} bytes: {error:?}");
        assert_eq!(std::fs::metadata(file(&ground)).unwrap().len(), bytes as u64, "nothing was begun anew");
    }
}

#[test]
fn a_log_without_its_database_is_not_thrown_away() {
    let ground = Ground::sqlite();
    let mut store = ground.open();
    let tx = policy(&mut store, "a", "in the log");
    store.commit(tx).unwrap();
    let log = std::fs::read(ground.folder().join("store.db-wal")).unwrap();
    drop(store);
    std::fs::write(ground.folder().join("store.db-wal"), &log).unwrap();
    for emptied in [true, false] {
        if emptied {
            std::fs::write(file(&ground), b"").unwrap();
        } else {
            std::fs::remove_file(file(&ground)).unwrap();
        }
        assert!(matches!(opened(&ground.place), Err(StoreError::Damaged { .. })));
        assert_eq!(std::fs::read(ground.folder().join("store.db-wal")).unwrap(), log);
    }
}

#[test]
fn nothing_is_stored_in_clear() {
    let ground = Ground::sqlite();
    let mut store = ground.open();
    let secrets = ["ward7-infusion-pump.hospital.example", "Frau Ünal, Zimmer 12"];
    for secret in secrets {
        let mut tx = policy(&mut store, secret, &secret.repeat(100));
        let id = store.next_id(&store::table::OUTBOX);
        tx.effect(id, "notify", secret.into());
        store.commit(tx.keyed(secret)).unwrap();
    }
    let search = |when: &str| {
        let mut searched = 0;
        for entry in std::fs::read_dir(ground.folder()).unwrap().map(Result::unwrap) {
            let bytes = std::fs::read(entry.path()).unwrap();
            searched += bytes.len();
            for needle in secrets.iter().map(|secret| secret.as_bytes()).chain([
                &b"policies"[..],
                b"CREATE TABLE",
                b"SQLite",
            ]) {
                let found = bytes.windows(needle.len()).any(|window| window == needle);
                assert!(
                    !found,
                    "{when}: {:?} is in {}",
                    String::from_utf8_lossy(needle),
                    entry.path().display()
                );
            }
        }
        assert!(searched > 100_000, "{when}: {searched} bytes");
    };
    assert!(std::fs::metadata(ground.folder().join("store.db-wal")).unwrap().len() > 0);
    search("in the log");
    store.db().empty_log().unwrap();
    search("in the database");
    drop(store);
    search("closed");
}

#[test]
fn a_full_database_says_so_and_goes_on_when_there_is_room() {
    let ground = Ground::sqlite();
    let mut store = ground.open();
    let limit = |store: &mut Store, pages: i64| match store.db() {
        Db::Sqlite(sqlite) => sqlite.limit_pages(pages).unwrap(),
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => {}
    };
    limit(&mut store, 1);
    let large = policy(&mut store, "large", &"x".repeat(1 << 20));
    let error = store.commit(large.clone()).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }) && error.is_retryable(), "{error:?}");
    if store.is_unsure() {
        store.reopen().unwrap();
    }
    assert_eq!(store.leaves(), 0);
    limit(&mut store, 1 << 20);
    assert_eq!(store.commit(large).unwrap().leaf, 0);
    assert_eq!(policies(store.db())[0].len(), 1 << 20);
}

/// Runs `test` of this binary, one that is ignored otherwise, in another process.
fn other_process(wrapper: &[&str], test: &str, folder: &Path) -> Command {
    let binary = std::env::current_exe().unwrap();
    let mut command = match wrapper.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(binary);
            command
        }
        None => Command::new(binary),
    };
    command.args(["--exact", test, "--ignored", "--nocapture"]).env("WARD_TEST_FOLDER", folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn folder_told() -> std::path::PathBuf {
    std::env::var_os("WARD_TEST_FOLDER").expect("run by another test").into()
}

#[test]
fn a_second_process_is_refused_until_the_first_is_killed() {
    let ground = Ground::sqlite();
    let mut holder = other_process(&[], "sqlite::holds_the_store", &ground.folder()).spawn().unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("holding")));
    assert!(matches!(opened(&ground.place), Err(StoreError::InUse { .. })));
    // Readers are welcome meanwhile.
    assert_eq!(policies(&mut ground.reader()), ["of another process"]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let mut store = ground.open();
    assert_eq!((store.leaves(), policies(store.db()).len()), (1, 1));
}

#[test]
#[ignore = "run by a_second_process_is_refused_until_the_first_is_killed"]
fn holds_the_store() {
    let mut store = opened(&Place::folder(&folder_told(), KEY)).unwrap();
    let tx = policy(&mut store, "a", "of another process");
    store.commit(tx).unwrap();
    println!("holding");
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// What only root can arrange, and how a test runs without being root.
fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").unwrap().lines().any(|line| line.starts_with("Uid:\t0\t0"))
}

fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
    assert!(String::from_utf8_lossy(&told).contains("1 passed"), "{}", String::from_utf8_lossy(&told));
}

#[test]
fn a_folder_that_may_not_be_written_is_read_only() {
    use std::os::unix::fs::PermissionsExt;
    let ground = filled();
    let mode = |mode| std::fs::set_permissions(ground.folder(), PermissionsExt::from_mode(mode)).unwrap();
    for entry in std::fs::read_dir(ground.folder()).unwrap().map(Result::unwrap) {
        std::fs::set_permissions(entry.path(), PermissionsExt::from_mode(0o444)).unwrap();
    }
    mode(0o555);
    let wrapper: &[&str] =
        if is_root() { &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] } else { &[] };
    passes(&mut other_process(wrapper, "sqlite::cannot_write_the_folder", &ground.folder()));
    mode(0o755);
}

#[test]
#[ignore = "run by a_folder_that_may_not_be_written_is_read_only"]
fn cannot_write_the_folder() {
    let error = opened(&Place::folder(&folder_told(), KEY)).err().unwrap();
    assert!(matches!(error, StoreError::ReadOnly { .. }) && error.is_retryable(), "{error:?}");
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let ground = Ground::sqlite();
    let folder = ground.folder();
    let mount = format!("mount -t tmpfs -o size=2m ward-test {0} && exec \"$0\" \"$@\"", folder.display());
    let may_mount = Command::new("unshare").args(["-m", "sh", "-c", &mount, "true"]).output();
    if !may_mount.is_ok_and(|output| output.status.success()) {
        cannot_run("no small file system can be mounted here: that takes root and CAP_SYS_ADMIN");
        return;
    }
    passes(&mut other_process(&["unshare", "-m", "sh", "-c", &mount], "sqlite::fills_the_disk", &folder));
}

#[test]
#[ignore = "run by a_full_disk_loses_nothing_that_was_acknowledged"]
fn fills_the_disk() {
    let place = Place::folder(&folder_told(), KEY);
    let ballast = folder_told().join("ballast");
    std::fs::write(&ballast, vec![0; 256 * 1024]).unwrap();
    let mut store = opened(&place).unwrap();
    let mut acknowledged = 0;
    let error = loop {
        let tx = policy(&mut store, &format!("{acknowledged}"), &"x".repeat(20_000));
        match store.commit(tx) {
            Ok(done) => assert_eq!(done.leaf, acknowledged),
            Err(error) => break error,
        }
        acknowledged += 1;
        assert!(acknowledged < 1000, "the disk does not get full");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(acknowledged > 10, "{acknowledged}");
    assert_eq!(policies(&mut place.connect(Mode::Reader).unwrap()).len() as u64, acknowledged);
    // With room again it goes on by itself, and a restart finds the same.
    std::fs::remove_file(&ballast).unwrap();
    if store.is_unsure() {
        store.reopen().unwrap();
    }
    assert_eq!(store.leaves(), acknowledged);
    let tx = policy(&mut store, "room", "again");
    store.commit(tx).unwrap();
    let before = everything(store.db());
    drop(store);
    assert_eq!(everything(opened(&place).unwrap().db()), before);
}

#[test]
fn tiles_are_not_flushed_and_every_other_commit_is() {
    const FULL: Option<i64> = Some(2);
    const NORMAL: Option<i64> = Some(1);
    let ground = Ground::sqlite();
    let mut store = ground.open();
    let synchronous = |store: &mut Store| store.db().number("PRAGMA synchronous", &[]).unwrap();
    fill(&mut store);
    assert_eq!(synchronous(&mut store), FULL);
    for ends_well in [true, false] {
        store.db().begin_derived().unwrap();
        assert_eq!(synchronous(&mut store), NORMAL);
        if ends_well {
            store.db().commit().unwrap()
        } else {
            store.db().roll_back()
        }
        assert_eq!(synchronous(&mut store), FULL);
    }
    let key = trust::tlog::Ed25519Signer::from_seed("ward.example", trust::tlog::Algorithm::Ed25519, &KEY);
    let signer = key.unwrap();
    let size = store.leaves();
    let first = store.integrate("ward.example", &signer, NOW).unwrap().unwrap();
    assert_eq!((first.size, synchronous(&mut store)), (size, FULL));

    // A power cut may take the latest tiles and checkpoints: they are made again, from the stored leaves, the same.
    store.db().execute("DELETE FROM tiles", &[]).unwrap();
    store.db().execute("DELETE FROM checkpoints", &[]).unwrap();
    store.reopen().unwrap();
    assert_eq!(store.integrate("ward.example", &signer, NOW).unwrap().unwrap(), first);
}
