//! What both engines do alike below the write path: cells, transactions, snapshots, who may do what.

use crate::support::{Ground, NOW, Shape, columns, fill, on_both, policies, policy, rows};
use store::db::{Cell, Mode, Value};
use store::leaf::{Leaf, commit_to, rows_hash, visit_rows};
use store::table::TABLES;
use store::{Store, StoreError, Tx};

on_both!(
    tables_are_the_schemas,
    rows_of_every_table_come_back,
    a_store_is_made_once_and_found_again,
    long_values_are_kept,
    text_with_a_nul_is_refused,
    a_failed_transaction_can_only_be_undone,
    a_question_ended_early_leaves_the_connection_usable,
    more_statements_than_are_kept,
    a_second_instance_is_refused,
    a_reader_cannot_write,
    a_reader_sees_one_moment,
    answers_of_another_kind_are_named,
);

/// Tables that the ledger does not answer for: it is made of them.
const LEDGER: [&str; 4] = ["checkpoints", "leaves", "schema", "tiles"];

fn tables_are_the_schemas(ground: &Ground) {
    let mut store = ground.open();
    let mut expected: Vec<String> =
        TABLES.iter().map(|table| table.name).chain(LEDGER).map(str::to_owned).collect();
    expected.sort();
    assert_eq!(store.db().tables().unwrap(), expected);
    for table in TABLES {
        let columns = columns(store.db(), table.name);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, [&["id", "site", "salt"], table.columns].concat(), "{}", table.name);
    }
}

fn rows_of_every_table_come_back(ground: &Ground) {
    let mut store = ground.open();
    let shapes: Vec<_> = TABLES.iter().map(|table| columns(store.db(), table.name)).collect();
    fill(&mut store);
    drop(store);

    let mut store = ground.open();
    for (table, columns) in TABLES.iter().zip(&shapes) {
        let found = rows(store.db(), table.name);
        assert_eq!(found.len(), 3, "{}", table.name);
        for ((row, shape), id) in found.iter().zip(Shape::ALL).zip(1..) {
            assert_eq!(row[0], Value::Int(id), "{}", table.name);
            assert_eq!(row[1], Value::Int(i64::from(shape.site().0)), "{}", table.name);
            assert_eq!(row[3..], shape.cells(columns), "{} {shape:?}", table.name);
        }
    }
    committed_to(&mut store);
    changed_and_deleted(&mut store, &shapes);
}

/// Each leaf's commitments are those of the rows as they are stored.
fn committed_to(store: &mut Store) {
    let leaves = rows(store.db(), "leaves");
    for (leaf, index) in leaves.iter().zip(0..) {
        let [Value::Blob(data), Value::Blob(changes)] = &leaf[1..] else { panic!("{leaf:?}") };
        let leaf = Leaf::decode(data).unwrap();
        let mut changed = Vec::new();
        assert_eq!(visit_rows(changes, |change| changed.push(change)), Ok(leaf.rows));
        assert_eq!((changed.len(), rows_hash(changes)), (TABLES.len(), leaf.rows_hash));
        for (change, table) in changed.iter().zip(TABLES) {
            let row = &rows(store.db(), table.name)[index];
            let Value::Blob(salt) = &row[2] else { panic!("{row:?}") };
            let site = i64::from(leaf.site.0);
            let commitment = commit_to(table, change.id, site, salt, row[3..].iter().map(Value::cell));
            assert_eq!(change.commitment, Some(commitment), "{}", table.name);
        }
    }
}

fn changed_and_deleted(store: &mut Store, shapes: &[Vec<crate::support::Column>]) {
    let mut tx = Tx::new(Shape::Plain.site(), "a test", "changes", NOW);
    for (table, columns) in TABLES.iter().zip(shapes) {
        // The row of site 0 goes; the plain row takes the large one's values.
        tx.delete(table, 2);
        tx.put(table, 3, Shape::Large.cells(columns));
    }
    // Where the large row would be in the way of a unique key that knows no site, it goes first.
    let mut away = Tx::new(Shape::Large.site(), "a test", "out of the way", NOW);
    for table in TABLES {
        away.delete(table, 1);
    }
    store.commit_all(&[away, tx]).unwrap();
    for (table, columns) in TABLES.iter().zip(shapes) {
        let found = rows(store.db(), table.name);
        assert_eq!(found.len(), 1, "{}", table.name);
        assert_eq!(found[0][0], Value::Int(3));
        assert_eq!(found[0][3..], Shape::Large.cells(columns), "{}", table.name);
    }
}

fn a_store_is_made_once_and_found_again(ground: &Ground) {
    let mut store = ground.open();
    assert_eq!((store.leaves(), store.is_unsure()), (0, false));
    let tx = policy(&mut store, "retention", "90 days");
    store.commit(tx).unwrap();
    let applied = rows(store.db(), "schema");
    drop(store);

    let mut store = ground.open();
    assert_eq!((store.leaves(), store.newest()), (1, NOW));
    assert_eq!(policies(store.db()), ["90 days"]);
    assert_eq!(rows(store.db(), "schema"), applied, "no migration ran twice");
    assert_eq!(store.next_id(&store::table::POLICIES), 2);
}

fn long_values_are_kept(ground: &Ground) {
    let mut store = ground.open();
    let long = "ß心🫀 ".repeat(1 << 17);
    let tx = policy(&mut store, "long", &long);
    store.commit(tx).unwrap();
    drop(store);
    assert_eq!(policies(&mut ground.reader()), [long]);
}

fn text_with_a_nul_is_refused(ground: &Ground) {
    let mut store = ground.open();
    let tx = policy(&mut store, "nul", "ab\0cd");
    let error = store.commit(tx).unwrap_err();
    assert!(matches!(&error, StoreError::Refused(_)), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(r"ab\0cd") && message.contains("at byte 2"), "{message}");
    // In a question as well, and the store goes on.
    let asked = store.db().number("SELECT count(*) FROM policies WHERE value = ?1", &[Cell::Text("\0")]);
    assert!(matches!(asked, Err(StoreError::Refused(_))), "{asked:?}");
    let tx = policy(&mut store, "fine", "abcd");
    store.commit(tx).unwrap();
    assert_eq!(policies(store.db()), ["abcd"]);
}

fn a_failed_transaction_can_only_be_undone(ground: &Ground) {
    let mut store = ground.open();
    let tx = policy(&mut store, "first", "1");
    store.commit(tx).unwrap();
    let db = store.db();
    let insert = "INSERT INTO policies (id, site, salt, name, value) VALUES (?1, 1, ?2, ?3, ?4)";
    let row = |id, name| [Cell::Int(id), Cell::Blob(&[0; 16]), Cell::Text(name), Cell::Text("2")];

    // The second insert breaks a unique key; what came before it must not become durable by a commit.
    db.begin().unwrap();
    db.execute(insert, &row(10, "second")).unwrap();
    assert!(matches!(db.execute(insert, &row(10, "third")), Err(StoreError::Ours { .. })));
    assert!(matches!(db.commit(), Err(StoreError::Ours { .. })));
    assert_eq!(policies(db), ["1"]);

    // Undone, the connection and what was prepared on it go on.
    db.begin().unwrap();
    assert!(db.execute("INSERT INTO nowhere (id) VALUES (1)", &[]).is_err());
    db.roll_back();
    db.begin().unwrap();
    db.execute(insert, &row(10, "second")).unwrap();
    assert!(db.begin().is_err(), "no transaction within a transaction");
    db.roll_back();
    db.begin().unwrap();
    db.execute(insert, &row(10, "second")).unwrap();
    db.commit().unwrap();
    assert_eq!(policies(db), ["1", "2"]);
}

fn a_question_ended_early_leaves_the_connection_usable(ground: &Ground) {
    let mut store = ground.open();
    let txs: Vec<Tx> = (0..500).map(|n| policy(&mut store, &n.to_string(), &"x".repeat(10_000))).collect();
    store.commit_all(&txs).unwrap();
    let mut seen = 0;
    let ended = store.db().query("SELECT id, value FROM policies ORDER BY id", &[], &mut |row| {
        assert_eq!(row.text(1)?.len(), 10_000);
        seen += 1;
        if seen == 3 { Err(StoreError::Refused("enough".into())) } else { Ok(()) }
    });
    assert!(matches!(ended, Err(StoreError::Refused(why)) if why == "enough"));
    assert_eq!(seen, 3);
    assert_eq!(store.db().number("SELECT count(*) FROM policies", &[]).unwrap(), Some(500));
}

fn more_statements_than_are_kept(ground: &Ground) {
    let mut store = ground.open();
    for round in 0..2 {
        for n in 0..600 {
            let sql = format!("SELECT count(*) + {n} FROM policies WHERE id > ?1");
            assert_eq!(store.db().number(&sql, &[Cell::Int(round)]).unwrap(), Some(n));
        }
    }
}

fn a_second_instance_is_refused(ground: &Ground) {
    let mut first = ground.open();
    let second = Store::open(ground.place.clone(), NOW);
    let Err(error) = second else { panic!("two writers") };
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    // The first is not harmed, another place is free, and so is this one once the first is gone.
    let tx = policy(&mut first, "still", "here");
    first.commit(tx).unwrap();
    drop(ground.another().open());
    drop(first);
    assert_eq!(ground.open().leaves(), 1);
}

fn a_reader_cannot_write(ground: &Ground) {
    let store = ground.open();
    let mut reader = ground.reader();
    let insert = "INSERT INTO checkpoints (size, note, signed_at, witnesses) VALUES (1, 'x', 1, 0)";
    for write in [insert, "DELETE FROM checkpoints"] {
        let refused = reader.execute(write, &[]);
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{write}: {refused:?}");
    }
    reader.begin().unwrap();
    assert!(matches!(reader.execute(insert, &[]), Err(StoreError::ReadOnly { .. })));
    reader.roll_back();
    assert!(reader.define("CREATE TABLE more (id {id}) {strict};").is_err());
    assert_eq!(reader.number("SELECT count(*) FROM checkpoints", &[]).unwrap(), Some(0));
    drop(store);
}

fn a_reader_sees_one_moment(ground: &Ground) {
    let mut store = ground.open();
    let tx = policy(&mut store, "a", "1");
    store.commit(tx).unwrap();
    let mut reader = ground.reader();
    reader.begin().unwrap();
    assert_eq!(policies(&mut reader), ["1"]);
    for n in 2..50 {
        let tx = policy(&mut store, &n.to_string(), "2");
        store.commit(tx).unwrap();
        assert_eq!(policies(&mut reader), ["1"], "after commit {n}");
    }
    assert_eq!(reader.number("SELECT count(*) FROM leaves", &[]).unwrap(), Some(1));
    reader.roll_back();
    assert_eq!(policies(&mut reader).len(), 49);
    assert_eq!(
        ground.place.connect(Mode::Reader).unwrap().number("SELECT count(*) FROM leaves", &[]).unwrap(),
        Some(49)
    );
}

fn answers_of_another_kind_are_named(ground: &Ground) {
    let mut store = ground.open();
    let tx = policy(&mut store, "a", "1");
    store.commit(tx).unwrap();
    let wrong = store.db().query("SELECT name, value, id FROM policies", &[], &mut |row| {
        assert!(matches!(row.int(0), Err(StoreError::Damaged { .. })));
        assert!(matches!(row.blob(1), Err(StoreError::Damaged { .. })));
        assert!(matches!(row.optional_text(2), Err(StoreError::Damaged { .. })));
        assert!(matches!(row.cell(3), Err(StoreError::Ours { .. })));
        Ok(())
    });
    wrong.unwrap();
    let sum = store.db().number("SELECT CAST(sum(id) AS BIGINT) FROM policies", &[]).unwrap();
    assert_eq!(sum, Some(1));
}
