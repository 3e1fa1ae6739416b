//! What is sealed opens, and what is shredded is gone: from every key of the keyring, every page of the database and its log.

use super::*;
use crate::db::Mode;
use crate::store::{DATABASE_FILE, Fault, Place};
use crate::table::{EVENTS, TABLES};
use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use std::path::Path;
use trust::seal::{KekHint, Keyring, Secret32, SecretKek};

const SITE: SiteId = SiteId(1);
const KEY: [u8; 32] = [9; 32];
const NOW: Timestamp = Timestamp::from_secs(1_794_787_200);

struct Clinic {
    store: Store,
    keyring: Keyring,
    vault: Vault,
    folder: tempfile::TempDir,
}

fn kek() -> SecretKek {
    SecretKek::new(&Secret32::take(&mut [3; 32]), KekHint::File {}).unwrap()
}

fn entropy() -> Entropy {
    let mut bytes = [0; 64];
    fill(&mut bytes).unwrap();
    Entropy::take(&mut bytes)
}

impl Clinic {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Place::folder(folder.path(), KEY), NOW).unwrap();
        let keyring = Keyring::create(&kek(), entropy()).unwrap();
        let vault = Vault::new(keyring.masters().clone());
        Self { store, keyring, vault, folder }
    }

    fn seal(&mut self, subject: &str, values: &[(&str, &str)]) {
        let mut tx = tx();
        for (name, value) in values {
            self.vault.seal(&mut self.store, &mut tx, subject, name, value.as_bytes()).unwrap();
        }
        self.store.commit(tx).unwrap();
    }

    fn open(&mut self, subject: &str, name: &str) -> Opened {
        self.vault.open(self.store.db(), SITE, subject, name).unwrap()
    }

    fn rotate(&mut self) {
        self.keyring = self.keyring.rotate_seal(&kek(), entropy()).unwrap();
        self.vault.replace_masters(self.keyring.masters().clone());
    }

    fn wrapped(&mut self, subject: &str) -> Vec<u8> {
        key_row(self.store.db(), SITE, subject).unwrap().unwrap().1
    }

    fn event(&mut self) {
        let mut tx = Tx::new(SITE, "sensor 1", "records", NOW);
        let mut cells: Vec<Value> = vec!["0|10.0.0.1".into(), Value::Null];
        cells.extend(["login", "mqtt", ""].map(Value::from));
        cells.push(Value::Int(time(NOW)));
        tx.put(&EVENTS, self.store.next_id(&EVENTS), cells);
        self.store.commit(tx).unwrap();
    }
}

fn tx() -> Tx {
    Tx::new(SITE, "ward", "personal values", NOW)
}

fn value(text: &str) -> Opened {
    Opened::Value(Zeroizing::new(text.as_bytes().to_vec()))
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn what_is_sealed_opens_and_is_nowhere_in_clear() {
    let mut clinic = Clinic::new();
    clinic.seal("person 7", &[("name", "Jane Doe"), ("mail", "jane@hospital.example"), ("empty", "")]);
    clinic.seal("person 8", &[("name", "John Roe")]);
    clinic.seal("person 7", &[("name", "Jane Roe")]);
    assert_eq!(clinic.open("person 7", "name"), value("Jane Roe"), "replaced");
    assert_eq!(clinic.open("person 7", "mail"), value("jane@hospital.example"));
    assert_eq!(clinic.open("person 7", "empty"), value(""));
    assert_eq!(clinic.open("person 8", "name"), value("John Roe"));
    assert_eq!(clinic.open("person 8", "mail"), Opened::Absent);
    assert_eq!(clinic.open("person 9", "name"), Opened::Absent);
    let rows = |db: &mut Db, table: &str| db.number(&format!("SELECT count(*) FROM {table}"), &[]).unwrap();
    assert_eq!(rows(clinic.store.db(), "subject_keys"), Some(2), "one key a subject, in one transaction too");
    assert_eq!(rows(clinic.store.db(), "sealed"), Some(4));
    let dump = dump(&mut clinic.store);
    assert!(holds(&dump, b"person 7") && !holds(&dump, b"Jane") && !holds(&dump, b"Roe"));
}

#[test]
fn patient_data_goes_from_custody_to_ciphertext() {
    let mut clinic = Clinic::new();
    let mut tx = tx();
    let phi = Phi::new("DOE^JANE");
    clinic.vault.seal_phi(&mut clinic.store, &mut tx, "patient 4", "name", &phi).unwrap();
    assert!(!format!("{tx:?}").contains("DOE"), "a transaction can be shown");
    clinic.store.commit(tx).unwrap();
    assert_eq!(clinic.open("patient 4", "name"), value("DOE^JANE"));
}

/// A value copied to another row, or a key given to another subject, opens nothing.
#[test]
fn a_value_opens_only_where_it_was_sealed() {
    let mut clinic = Clinic::new();
    clinic.seal("person 7", &[("name", "Jane Doe"), ("ward", "3 West")]);
    clinic.seal("person 8", &[("name", "John Roe")]);
    for (sql, says) in [
        (
            "UPDATE sealed SET data = (SELECT data FROM sealed WHERE name = 'ward') WHERE id = 1",
            "table sealed, row 1",
        ),
        (
            "UPDATE subject_keys SET wrapped = (SELECT wrapped FROM subject_keys WHERE id = 2) WHERE id = 1",
            "table subject_keys, row 1",
        ),
    ] {
        clinic.store.db().execute(sql, &[]).unwrap();
        let error = clinic.vault.open(clinic.store.db(), SITE, "person 7", "name").unwrap_err();
        assert!(matches!(&error, StoreError::Trust(what) if what.starts_with(says)), "{error}");
    }
    for text in ["", &"x".repeat(TEXT_BYTES_MAX + 1)] {
        let error = clinic.vault.seal(&mut clinic.store, &mut tx(), text, "name", b"x").unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
    }
}

#[test]
fn a_shredded_subject_is_gone_from_every_page_and_every_key() {
    let mut clinic = Clinic::new();
    clinic.seal("person 7", &[("name", "Jane Doe")]);
    clinic.seal("person 8", &[("name", "John Roe")]);
    let old = clinic.wrapped("person 7");
    clinic.rotate();
    while clinic.vault.rewrap(&mut clinic.store, NOW, 1).unwrap().left > 0 {}
    let new = clinic.wrapped("person 7");
    assert_ne!(old, new);
    // The oracle sees what is there: the key in a page, its copies in the log.
    assert!(empty_log(&mut clinic.store).unwrap());
    assert!(holds(&pages(clinic.folder.path(), DATABASE_FILE), &new[10..]));
    assert!(holds(&dump(&mut clinic.store), &new));

    let request =
        Tx::new(SITE, "data protection officer", "erasure, GDPR article 17", NOW).keyed("erasure 1");
    let shredded = shred(&mut clinic.store, request.clone(), "person 7").unwrap();
    assert!(shredded.is_log_empty && shredded.committed.is_some_and(|done| !done.repeated));
    assert_eq!(clinic.open("person 7", "name"), Opened::Shredded);
    assert_eq!(clinic.open("person 8", "name"), value("John Roe"), "the others stay");

    // The ciphertext is still there, and no key of the keyring opens it: the data key is nowhere to be had from.
    let dump = dump(&mut clinic.store);
    let pages = pages(clinic.folder.path(), DATABASE_FILE);
    for wrapped in [&old, &new] {
        assert!(!holds(&dump, &wrapped[10..]), "in a table");
        assert!(!holds(&pages, &wrapped[10..]), "in a page, used or free");
    }
    assert!(holds(&dump, b"person 7"), "the sealed row stays for the ledger");
    let log = clinic.folder.path().join(format!("{DATABASE_FILE}-wal"));
    assert_eq!(std::fs::metadata(log).map_or(0, |log| log.len()), 0, "the log is empty");
    for version in clinic.keyring.masters().versions().collect::<Vec<_>>() {
        let wrapped = clinic.wrapped("person 8");
        assert!(
            clinic.keyring.masters().open_data_key(&wrapped, &subject_context(SITE, "person 7")).is_err(),
            "{version}"
        );
    }
    // Repeated, nothing happens; sealed again, the subject has a new key, and what was sealed before stays closed.
    let again = shred(&mut clinic.store, request, "person 7").unwrap();
    assert_eq!((again.committed, again.is_log_empty), (None, true));
    clinic.seal("person 7", &[("mail", "jane@hospital.example")]);
    assert_eq!(clinic.open("person 7", "mail"), value("jane@hospital.example"));
    assert!(clinic.vault.open(clinic.store.db(), SITE, "person 7", "name").is_err(), "another key");
}

/// Failing both ways: not stored, the subject opens; stored but reported failed, it does not.
#[test]
fn shredding_is_whole_or_not_at_all() {
    let mut clinic = Clinic::new();
    clinic.seal("person 7", &[("name", "Jane Doe")]);
    for (fault, expected) in
        [(Fault::NotStored, value("Jane Doe")), (Fault::StoredButReported, Opened::Shredded)]
    {
        clinic.store.fail_next(fault);
        assert!(shred(&mut clinic.store, tx(), "person 7").is_err());
        clinic.store.reopen().unwrap();
        assert_eq!(clinic.open("person 7", "name"), expected);
    }
    assert_eq!(shred(&mut clinic.store, tx(), "person 7").unwrap().committed, None);
}

/// A reader that holds an older state keeps its copy in the log: that is said, and the next try succeeds.
#[test]
fn a_log_that_somebody_reads_is_said_to_be_there() {
    let mut clinic = Clinic::new();
    clinic.seal("person 7", &[("name", "Jane Doe")]);
    let mut reader = clinic.store.place().connect(Mode::Reader).unwrap();
    // The writer would wait for the reader as long as for another writer.
    clinic.store.db().query("PRAGMA busy_timeout = 1", &[], &mut |_| Ok(())).unwrap();
    reader.begin().unwrap();
    reader.number("SELECT count(*) FROM sealed", &[]).unwrap();
    let shredded = shred(&mut clinic.store, tx(), "person 7").unwrap();
    assert!(shredded.committed.is_some() && !shredded.is_log_empty);
    reader.roll_back();
    assert!(empty_log(&mut clinic.store).unwrap());
}

#[test]
fn keys_move_to_the_newest_master_while_others_write() {
    let mut clinic = Clinic::new();
    let people: Vec<String> = (0..23).map(|n| format!("person {n}")).collect();
    for person in &people {
        clinic.seal(person, &[("name", person)]);
    }
    clinic.rotate();
    let mut rounds = 0;
    loop {
        let done = clinic.vault.rewrap(&mut clinic.store, NOW, 5).unwrap();
        assert!(done.moved <= 5);
        if done.moved == 0 {
            break;
        }
        // In between: records, new people, new values of old ones, and one who is shredded.
        clinic.event();
        clinic.seal(&format!("new {rounds}"), &[("name", "new")]);
        clinic.seal(&people[12 + rounds], &[("mail", "later")]);
        if rounds == 1 {
            shred(&mut clinic.store, tx(), "person 20").unwrap();
        }
        for person in people.iter().filter(|person| *person != "person 20" || rounds == 0) {
            assert_eq!(clinic.open(person, "name"), value(person), "round {rounds}");
        }
        rounds += 1;
    }
    // 23 less the one who was shredded before it was its turn, five at a time.
    assert_eq!(rounds, 5);
    assert_eq!(masters_in_use(clinic.store.db()).unwrap(), BTreeMap::from([(2, 22 + 5)]));
    // The old master key can go, and everything still opens.
    clinic.keyring = clinic.keyring.retire_seal(1).unwrap();
    clinic.vault.replace_masters(clinic.keyring.masters().clone());
    for person in people.iter().filter(|person| *person != "person 20") {
        assert_eq!(clinic.open(person, "name"), value(person));
    }
    assert_eq!(clinic.open(&people[12], "mail"), value("later"));
    assert_eq!(clinic.open("person 20", "name"), Opened::Shredded);
    assert_eq!(clinic.vault.rewrap(&mut clinic.store, NOW, 5).unwrap(), Rewrapped { moved: 0, left: 0 });
}

#[test]
fn a_rotation_can_be_interrupted_and_is_of_every_site() {
    let mut clinic = Clinic::new();
    for site in [1, 2] {
        for n in 0..4 {
            let mut tx = Tx::new(SiteId(site), "ward", "personal values", NOW);
            let subject = format!("person {n}");
            clinic.vault.seal(&mut clinic.store, &mut tx, &subject, "name", subject.as_bytes()).unwrap();
            clinic.store.commit(tx).unwrap();
        }
    }
    clinic.rotate();
    for fault in [Fault::NotStored, Fault::StoredButReported] {
        clinic.store.fail_next(fault);
        assert!(clinic.vault.rewrap(&mut clinic.store, NOW, 3).is_err());
        clinic.store.reopen().unwrap();
    }
    while clinic.vault.rewrap(&mut clinic.store, NOW, 3).unwrap().left > 0 {}
    assert_eq!(masters_in_use(clinic.store.db()).unwrap(), BTreeMap::from([(2, 8)]));
    for site in [1, 2] {
        let opened = clinic.vault.open(clinic.store.db(), SiteId(site), "person 3", "name").unwrap();
        assert_eq!(opened, value("person 3"));
    }
}

/// Everything in every table, as the engine gives it.
fn dump(store: &mut Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    let tables = TABLES.iter().map(|table| table.name).chain(["leaves", "tiles", "checkpoints"]);
    for table in tables {
        let mut columns = 0;
        let info = format!("PRAGMA table_info({table})");
        let mut count = |_: &crate::db::Row<'_>| {
            columns += 1;
            Ok(())
        };
        store.db().query(&info, &[], &mut count).unwrap();
        assert!(columns > 1, "{table}");
        store
            .db()
            .query(&format!("SELECT * FROM {table}"), &[], &mut |row| {
                for column in 0..columns {
                    match row.cell(column)? {
                        Cell::Null | Cell::Int(_) => {}
                        Cell::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                        Cell::Blob(blob) => bytes.extend_from_slice(blob),
                    }
                    bytes.push(0);
                }
                Ok(())
            })
            .unwrap();
    }
    bytes
}

/// Every page of the file in clear, free ones too: SQLCipher 4 with a raw key has AES-256-CBC over pages of 4,096 bytes, of which
/// the last 48 are the initial vector and an authentication code; the first 16 of the file are a salt
/// (<https://www.zetetic.net/sqlcipher/design/>).
fn pages(folder: &Path, file: &str) -> Vec<u8> {
    const PAGE: usize = 4096;
    const RESERVED: usize = 48;
    const BLOCK: usize = 16;
    let file = std::fs::read(folder.join(file)).unwrap();
    let key = DecryptingKey::ecb(UnboundCipherKey::new(&AES_256, &KEY).unwrap()).unwrap();
    let mut clear = Vec::with_capacity(file.len());
    for (number, page) in file.chunks_exact(PAGE).enumerate() {
        let start = if number == 0 { BLOCK } else { 0 };
        let (encrypted, reserved) = page.split_at(PAGE - RESERVED);
        let mut before = &reserved[..BLOCK];
        for block in encrypted[start..].chunks_exact(BLOCK) {
            let mut plain = block.to_vec();
            key.decrypt(&mut plain, DecryptionContext::None).unwrap();
            plain.iter_mut().zip(before).for_each(|(byte, mask)| *byte ^= mask);
            clear.extend_from_slice(&plain);
            before = block;
        }
    }
    assert!(holds(&clear, b"CREATE TABLE subject_keys"), "the pages are decrypted");
    clear
}
