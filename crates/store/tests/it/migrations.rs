//! Schemas: forward only, each released one with an image that must open, and a newer one refused.
//!
//! `released/NNNN.db` is a SQLite store and `released/NNNN.backup` a backup, both made by the first build of schema NNNN with the
//! keys of these tests; `released/NNNN.rows` is what must be read from either after migration. An image is made once, by
//! `WARD_FREEZE=1 cargo nextest run -p store migrations`, and never again after its release: then only rows are blessed anew
//! (`BLESS=1`), and the difference is read.

use crate::backup::{no_check, no_progress, sealing};
use crate::support::{Ground, KEY, NOW, everything, fill_with, on_both, policy, rows};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use store::db::{Db, Value};
use store::migration::{self, SCHEMA};
use store::{DATABASE_FILE, Place, Store, StoreError, Tx, backup};

on_both!(
    a_store_is_made_from_nothing,
    a_newer_schema_is_refused,
    a_migration_that_fails_leaves_the_schema_before,
    released_backups_are_readable
);

fn a_store_is_made_from_nothing(ground: &Ground) {
    let mut store = ground.open();
    assert_eq!(migration::version(store.db()).unwrap(), SCHEMA);
    let steps: Vec<Value> = rows(store.db(), "schema").into_iter().map(|step| step[0].clone()).collect();
    assert_eq!(steps, (1..=SCHEMA).map(Value::Int).collect::<Vec<_>>());
    // Again is nothing to do.
    migration::migrate(store.db(), NOW).unwrap();
    assert_eq!(rows(store.db(), "schema").len(), steps.len());
}

fn a_newer_schema_is_refused(ground: &Ground) {
    let mut store = ground.open();
    let newer = SCHEMA + 1;
    store.db().define(&format!("INSERT INTO schema VALUES ({newer}, '9.9.9', 0);")).unwrap();
    drop(store);
    match Store::open(ground.place.clone(), NOW).err() {
        Some(StoreError::NewerSchema { found, known }) => assert_eq!((found, known), (newer, SCHEMA)),
        other => panic!("{other:?}"),
    }
    // Nor is it backed up by a ward that does not know its tables.
    let file = tempfile::tempdir().unwrap();
    let refused = backup::to_file(&ground.place, &sealing(), &file.path().join("b"), NOW, &mut no_progress());
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
}

fn a_migration_that_fails_leaves_the_schema_before(ground: &Ground) {
    // A table of the first schema is in the way.
    let mut db = ground.place.connect(store::db::Mode::Writer).unwrap();
    db.define("CREATE TABLE sealed (id {id}) {strict};").unwrap();
    assert!(migration::migrate(&mut db, NOW).is_err());
    assert_eq!(migration::version(&mut db).unwrap(), 0);
    assert_eq!(db.tables().unwrap(), ["sealed"]);
    db.define("DROP TABLE sealed;").unwrap();
    migration::migrate(&mut db, NOW).unwrap();
    assert_eq!(migration::version(&mut db).unwrap(), SCHEMA);
}

fn released(schema: i64, what: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/released/{schema:04}.{what}"))
}

/// What an image holds: rows of every kind in every table, a deletion, an act with a key, tiles and a checkpoint.
fn content(store: &mut Store) {
    // Small, for the image is kept for ever.
    fill_with(store, 256);
    let keyed = policy(store, "retention.talks", "90 days").keyed("first settings");
    store.commit(keyed).unwrap();
    let mut gone = Tx::new(model::SiteId(0), "a test", "a deletion", NOW);
    gone.delete(&store::table::SEALED, 2);
    store.commit(gone).unwrap();
    let ledger = "INSERT INTO tiles (level, number, width, data) VALUES (0, 0, 5, ?1)";
    store.db().execute(ledger, &[store::db::Cell::Blob(&[0xab; 160])]).unwrap();
    let checkpoint = "INSERT INTO checkpoints (size, note, signed_at, witnesses) VALUES (5, ?1, 1, 0)";
    store.db().execute(checkpoint, &[store::db::Cell::Text("ward.example/ledger\n5\n")]).unwrap();
}

/// Makes the image of this build's schema.
#[test]
fn images_are_frozen_on_demand() {
    if std::env::var("WARD_FREEZE").as_deref() != Ok("1") {
        assert!(released(SCHEMA, "db").exists(), "schema {SCHEMA} has no image: WARD_FREEZE=1 makes it");
        return;
    }
    let ground = Ground::sqlite();
    let mut store = ground.open();
    content(&mut store);
    let told = told(store.db());
    store.db().empty_log().unwrap();
    let file = released(SCHEMA, "backup");
    let _ = std::fs::remove_file(&file);
    backup::to_file(&ground.place, &sealing(), &file, NOW, &mut no_progress()).unwrap();
    drop(store);
    std::fs::copy(ground.folder().join(DATABASE_FILE), released(SCHEMA, "db")).unwrap();
    std::fs::write(released(SCHEMA, "rows"), told).unwrap();
}

/// Every row of every table, a line each.
fn told(db: &mut Db) -> String {
    let mut out = String::new();
    for (table, rows) in everything(db) {
        for row in rows {
            let cells: Vec<String> = row.iter().map(cell).collect();
            writeln!(out, "{table} {}", cells.join(" ")).unwrap();
        }
    }
    out
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::Int(int) => int.to_string(),
        Value::Text(text) if text.len() > 100 => {
            format!("text:{}:{}", text.len(), text.chars().take(20).collect::<String>())
        }
        Value::Text(text) => format!("{text:?}"),
        Value::Blob(blob) => {
            let digits: String = blob.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            let sum = blob.iter().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
            format!("{}:{digits}:{sum:08x}", blob.len())
        }
    }
}

fn golden(schema: i64, found: &str) {
    let file = released(schema, "rows");
    if std::env::var("BLESS").as_deref() == Ok("1") {
        std::fs::write(&file, found).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap();
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "schema {schema}");
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "schema {schema}");
}

#[test]
fn released_databases_open_and_migrate() {
    for schema in 1..=SCHEMA {
        let ground = Ground::sqlite();
        std::fs::copy(released(schema, "db"), ground.folder().join(DATABASE_FILE)).unwrap();
        let mut store = ground.open();
        assert_eq!(migration::version(store.db()).unwrap(), SCHEMA);
        golden(schema, &told(store.db()));
        assert_eq!(store.leaves(), 5);
        let tx = policy(&mut store, "after", "migration");
        assert_eq!(store.commit(tx).unwrap().leaf, 5);
        // A released script never changes: what it makes today is what it made then.
        let fresh = Ground::sqlite();
        let mut now = fresh.place.connect(store::db::Mode::Writer).unwrap();
        migration::migrate_to(&mut now, schema, NOW).unwrap();
        let then = tempfile::tempdir().unwrap();
        std::fs::copy(released(schema, "db"), then.path().join(DATABASE_FILE)).unwrap();
        let mut then = Place::folder(then.path(), KEY).connect(store::db::Mode::Writer).unwrap();
        assert_eq!(definitions(&mut now), definitions(&mut then), "script {schema:04} is not what it was");
    }
}

/// The SQL that made each table and index.
fn definitions(db: &mut Db) -> Vec<String> {
    let mut found = Vec::new();
    db.query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name", &[], &mut |row| {
        found.push(row.text(0)?.to_owned());
        Ok(())
    })
    .unwrap();
    found
}

fn released_backups_are_readable(ground: &Ground) {
    for schema in 1..=SCHEMA {
        let fresh = ground.another();
        let file = released(schema, "backup");
        backup::from_file(&file, sealing().key, &fresh.place, NOW, &mut no_check(), &mut no_progress())
            .unwrap();
        let mut store = fresh.open();
        assert_eq!(migration::version(store.db()).unwrap(), SCHEMA);
        golden(schema, &told(store.db()));
    }
}
