use super::*;
use crate::db::Value;
use crate::table::{FINDINGS, MARKS, SEALED, SITES};
use crate::{Fault, Place, Store, Tx};
use model::{SiteId, Timestamp};
use trust::tlog::{Algorithm, Ed25519Signer, NoteSigner};

const ORIGIN: &str = "ward.example.org/st-brannocs";

struct Fixture {
    _folder: tempfile::TempDir,
    store: Store,
    signer: Ed25519Signer,
}

fn signer(seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, Algorithm::Ed25519, &[seed; 32]).unwrap()
}

/// A store with 700 leaves of two rows each, some overwritten, some deleted, integrated in three steps.
fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(Place::folder(folder.path(), [7; 32]), Timestamp::from_secs(1)).unwrap();
    let signer = signer(1);
    for n in 0..700i64 {
        let mut tx = Tx::new(SiteId(1), "test", "rows", Timestamp::from_secs(100 + n.cast_unsigned()));
        tx.put(&MARKS, n / 2 + 1, vec![format!("mark {}", n / 2).into(), n.into()]);
        let text = |n: i64| Value::Text(format!("icu-pump-{n:04}"));
        let time = Value::Int(n);
        let cells = vec![
            n.into(),
            text(n),
            "dicom".into(),
            text(n),
            "[]".into(),
            time.clone(),
            time.clone(),
            time,
            Value::Null,
        ];
        tx.put(&FINDINGS, n + 1, cells);
        if n % 10 == 9 {
            tx.delete(&FINDINGS, n);
        }
        store.commit(tx).unwrap();
        if n % 300 == 299 {
            store.integrate(ORIGIN, &signer, Timestamp::from_secs(2)).unwrap().unwrap();
        }
    }
    store.integrate(ORIGIN, &signer, Timestamp::from_secs(3)).unwrap().unwrap();
    assert!(store.integrate(ORIGIN, &signer, Timestamp::from_secs(3)).unwrap().is_none(), "nothing new");
    Fixture { _folder: folder, store, signer }
}

impl Fixture {
    fn expectation(&self) -> Expectation {
        Expectation { origin: ORIGIN.into(), keys: vec![self.signer.key().clone()], ..Expectation::default() }
    }

    fn verify(&mut self) -> Verified {
        let expectation = self.expectation();
        verify(self.store.db(), &expectation, &mut |_, _| {}).unwrap()
    }

    /// Changes the database behind the write path's back, with the right key.
    fn tamper(&mut self, sql: &str) {
        assert!(self.store.db().execute(sql, &[]).unwrap() > 0, "{sql} changed nothing");
    }

    fn only_lie(&mut self) -> Lie {
        let verified = self.verify();
        assert_eq!(verified.lies_total, 1, "{:?}", verified.lies);
        verified.lies.into_iter().next().unwrap()
    }
}

#[test]
fn what_was_written_verifies_in_one_pass_and_in_many() {
    let mut fixture = fixture();
    let verified = fixture.verify();
    assert_eq!(verified.lies, []);
    assert_eq!((verified.leaves, verified.rows, verified.checkpoint), (700, 350 + 700 - 70, 700));
    assert_eq!(verified.witnessed, Witnessed::NotWitnessed);
    let expectation = fixture.expectation();
    let many = verify_holding(fixture.store.db(), &expectation, 100, &mut |_, _| {}).unwrap();
    assert_eq!((many.lies, many.rows, many.root), (Vec::new(), verified.rows, verified.root));
}

#[test]
fn a_row_changed_by_hand_is_named() {
    let mut fixture = fixture();
    fixture.tamper("UPDATE findings SET summary = 'nothing to see' WHERE id = 42");
    assert_eq!(fixture.only_lie(), Lie::Changed { table: "findings", row: 42, leaf: 41 });
}

#[test]
fn a_row_put_back_to_what_it_was_is_named() {
    let mut fixture = fixture();
    // Mark 100 was written by leaves 198 and 199: the salt and value of the first are not those of the last.
    let mut tx = Tx::new(SiteId(1), "test", "old", Timestamp::from_secs(5));
    tx.put(&SITES, 1, vec!["a".into(), "UTC".into()]);
    fixture.store.commit(tx).unwrap();
    let mut old = (Vec::new(), 0);
    fixture
        .store
        .db()
        .query("SELECT salt, site FROM sites WHERE id = 1", &[], &mut |row| {
            old = (row.blob(0)?.to_vec(), row.int(1)?);
            Ok(())
        })
        .unwrap();
    let mut tx = Tx::new(SiteId(1), "test", "new", Timestamp::from_secs(6));
    tx.put(&SITES, 1, vec!["b".into(), "UTC".into()]);
    fixture.store.commit(tx).unwrap();
    assert_eq!(fixture.verify().lies, []);
    let parameters = [Cell::Blob(&old.0)];
    fixture.store.db().execute("UPDATE sites SET salt = ?1, name = 'a' WHERE id = 1", &parameters).unwrap();
    assert_eq!(fixture.only_lie(), Lie::Changed { table: "sites", row: 1, leaf: 701 });
}

#[test]
fn a_deleted_row_an_added_row_and_one_brought_back_are_named() {
    let mut fixture = fixture();
    fixture.tamper("DELETE FROM marks WHERE id = 7");
    assert_eq!(fixture.only_lie(), Lie::Missing { table: "marks", row: 7, leaf: 13 });
    let mut fixture = self::fixture();
    fixture.tamper("INSERT INTO marks (id, site, salt, name, value) VALUES (9000, 1, x'00', 'x', 1)");
    assert_eq!(fixture.only_lie(), Lie::Unknown { table: "marks", row: 9000 });
    let mut fixture = self::fixture();
    fixture.tamper("UPDATE findings SET id = 9 WHERE id = 8");
    let lies = fixture.verify().lies;
    let expected =
        [Lie::Missing { table: "findings", row: 8, leaf: 7 }, Lie::Unknown { table: "findings", row: 9 }];
    assert_eq!(lies, expected);
}

#[test]
fn a_replaced_tile_is_named() {
    let mut fixture = fixture();
    fixture.tamper("UPDATE tiles SET data = zeroblob(8192) WHERE level = 0 AND number = 1");
    assert_eq!(fixture.only_lie(), Lie::Tile { path: "tile/0/001".into(), leaf: 256 });
    let mut fixture = self::fixture();
    fixture.tamper("DELETE FROM tiles WHERE level = 0 AND number = 2");
    assert_eq!(fixture.only_lie(), Lie::Tile { path: "tile/0/002.p/188".into(), leaf: 512 });
    let mut fixture = self::fixture();
    fixture.tamper("INSERT INTO tiles (level, number, width, data) VALUES (1, 1, 1, zeroblob(32))");
    assert!(matches!(fixture.only_lie(), Lie::Tile { .. }));
}

#[test]
fn tiles_ahead_of_their_checkpoint_are_no_lie_and_are_looked_at() {
    let mut fixture = fixture();
    for n in 0..100 {
        let mut tx = Tx::new(SiteId(1), "test", "rows", Timestamp::from_secs(900));
        tx.put(&MARKS, 1000 + n, vec![format!("later {n}").into(), n.into()]);
        fixture.store.commit(tx).unwrap();
    }
    fixture.store.integrate(ORIGIN, &fixture.signer, Timestamp::from_secs(900)).unwrap().unwrap();
    // As after a kill between the tiles and the checkpoint over them.
    fixture.tamper("DELETE FROM checkpoints WHERE size = 800");
    let verified = fixture.verify();
    assert_eq!((verified.lies, verified.checkpoint, verified.leaves), (vec![], 700, 800));
    fixture.tamper("UPDATE tiles SET data = zeroblob(1024) WHERE level = 0 AND number = 3");
    assert_eq!(fixture.only_lie(), Lie::Tile { path: "tile/0/003.p/32".into(), leaf: 768 });
}

#[test]
fn a_leaf_changed_with_its_list_is_named_by_tile_and_checkpoint() {
    let mut fixture = fixture();
    // A forger who knows the format rewrites a row, its commitment, the list and the leaf; the tree gives him away.
    let mut leaf = Vec::new();
    fixture
        .store
        .db()
        .query("SELECT data FROM leaves WHERE id = 300", &[], &mut |row| {
            leaf = row.blob(0)?.to_vec();
            Ok(())
        })
        .unwrap();
    let mut forged = Leaf::decode(&leaf).unwrap();
    forged.actor = "somebody else".into();
    let data = forged.encode();
    fixture.store.db().execute("UPDATE leaves SET data = ?1 WHERE id = 300", &[Cell::Blob(&data)]).unwrap();
    let lies = fixture.verify().lies;
    assert_eq!(lies.first(), Some(&Lie::Tile { path: "tile/0/001".into(), leaf: 300 }));
    assert!(lies.iter().any(|lie| matches!(lie, Lie::Checkpoint { size: 700, .. })), "{lies:?}");
    let mut fixture = self::fixture();
    fixture.tamper("UPDATE leaves SET changes = x'' WHERE id = 5");
    assert!(matches!(fixture.verify().lies.first(), Some(Lie::Leaf { leaf: 5, .. })));
    let mut fixture = self::fixture();
    fixture.tamper("DELETE FROM leaves WHERE id = 5");
    assert_eq!(fixture.verify().lies.first(), Some(&Lie::Leaf { leaf: 5, why: "it is gone".into() }));
}

#[test]
fn history_cut_off_is_seen_by_a_checkpoint_kept_elsewhere() {
    let mut fixture = fixture();
    let kept = crate::ledger::newest(fixture.store.db()).unwrap().unwrap();
    let outside = Expectation { outside: Some(kept.note.clone()), ..fixture.expectation() };
    assert_eq!(verify(fixture.store.db(), &outside, &mut |_, _| {}).unwrap().lies, []);
    // The last leaf, its rows, its tiles and its checkpoint are taken away and all is signed anew.
    for sql in [
        "DELETE FROM leaves WHERE id = 699",
        "DELETE FROM findings WHERE id = 700",
        "DELETE FROM marks WHERE id = 350",
        "DELETE FROM tiles",
        "DELETE FROM checkpoints",
    ] {
        fixture.tamper(sql);
    }
    fixture.store.reopen().unwrap();
    let signer = signer(1);
    fixture.store.integrate(ORIGIN, &signer, Timestamp::from_secs(9)).unwrap().unwrap();
    let lies = verify(fixture.store.db(), &outside, &mut |_, _| {}).unwrap().lies;
    assert!(matches!(lies.first(), Some(Lie::Checkpoint { size: 700, .. })), "{lies:?}");
}

#[test]
fn a_checkpoint_under_another_key_or_of_another_root_is_named() {
    let mut fixture = fixture();
    let expectation = Expectation { keys: vec![signer(2).key().clone()], ..fixture.expectation() };
    let lies = verify(fixture.store.db(), &expectation, &mut |_, _| {}).unwrap().lies;
    assert!(matches!(lies.last(), Some(Lie::Checkpoint { size: 700, .. })), "{lies:?}");
    let forged = Checkpoint::new(ORIGIN, 700, [5; 32]).unwrap().sign(&[&signer(1)]).unwrap().to_string();
    let sql = "UPDATE checkpoints SET note = ?1 WHERE size = 700";
    fixture.store.db().execute(sql, &[Cell::Text(&forged)]).unwrap();
    assert!(matches!(fixture.only_lie(), Lie::Checkpoint { size: 700, .. }));
}

#[test]
fn lost_tiles_are_rebuilt_from_the_leaves() {
    let mut fixture = fixture();
    fixture.tamper("DELETE FROM tiles");
    fixture.store.reopen().unwrap();
    let signer = signer(1);
    assert!(
        fixture.store.integrate(ORIGIN, &signer, Timestamp::from_secs(4)).unwrap().is_none(),
        "the checkpoint stands"
    );
    assert_eq!(fixture.verify().lies, []);
}

#[test]
fn both_ways_of_failing_leave_a_ledger_that_verifies() {
    for (fault, stored) in [(Fault::NotStored, false), (Fault::StoredButReported, true)] {
        let mut fixture = fixture();
        let act = || {
            let mut tx = Tx::new(SiteId(1), "test", "act", Timestamp::from_secs(1)).keyed("act-1");
            tx.put(&SITES, 3, vec!["a".into(), "UTC".into()]);
            tx
        };
        fixture.store.fail_next(fault);
        assert!(matches!(fixture.store.commit(act()), Err(StoreError::Unsure { .. })));
        assert!(fixture.store.commit(act()).is_err(), "refused until it is read again");
        fixture.store.reopen().unwrap();
        let done = fixture.store.commit(act()).unwrap();
        assert_eq!((done.repeated, done.leaf), (stored, 700), "{fault:?}");
        assert_eq!(
            fixture.store.newest(),
            Timestamp::from_secs(799),
            "a clock set back does not set the ledger back"
        );
        let verified = fixture.verify();
        assert_eq!((verified.lies, verified.leaves), (Vec::new(), 701), "{fault:?}");
    }
}

#[test]
fn tiles_ahead_of_the_checkpoint_are_no_lie() {
    let mut fixture = fixture();
    let mut tx = Tx::new(SiteId(1), "test", "one more", Timestamp::from_secs(900));
    tx.put(&SITES, 1, vec!["a".into(), "UTC".into()]);
    fixture.store.commit(tx).unwrap();
    let signer = signer(1);
    fixture.store.integrate(ORIGIN, &signer, Timestamp::from_secs(9)).unwrap().unwrap();
    // As when Ward is killed between the tiles and the checkpoint over them.
    fixture.tamper("DELETE FROM checkpoints WHERE size = 701");
    assert_eq!(fixture.verify().lies, []);
    fixture.tamper("UPDATE tiles SET data = zeroblob(6048) WHERE level = 0 AND number = 2");
    assert!(matches!(fixture.only_lie(), Lie::Tile { .. }));
}

#[test]
fn a_row_below_all_others_and_a_salt_of_another_length_are_named() {
    let mut fixture = fixture();
    let lowest = i64::MIN;
    fixture.tamper(&format!(
        "INSERT INTO findings SELECT {lowest}, site, salt, device, kind, protocol, summary, evidence, first_seen, last_seen, \
         known_from, known_to FROM findings WHERE id = 42"
    ));
    assert_eq!(fixture.only_lie(), Lie::Unknown { table: "findings", row: lowest });
    let mut fixture = self::fixture();
    fixture.tamper("INSERT INTO leaves SELECT -1, data, changes FROM leaves WHERE id = 0");
    assert!(matches!(fixture.only_lie(), Lie::Leaf { leaf: 0, .. }));
}

/// Whoever may choose what is sealed writes the image of another row into it, and later cuts the same bytes elsewhere.
#[test]
fn one_image_is_one_row() {
    let mut fixture = fixture();
    let text = |text: &str| [&[2][..], &(text.len() as u64).to_be_bytes(), text.as_bytes()].concat();
    let blob = |bytes: &[u8]| [&[3][..], &(bytes.len() as u64).to_be_bytes(), bytes].concat();
    let head = [&SEALED.number.to_be_bytes()[..], &1i64.to_be_bytes(), &1i64.to_be_bytes()].concat();
    let data = [head.clone(), text("x"), text("y"), blob(b"other")].concat();
    let mut tx = Tx::new(SiteId(1), "test", "sealed", Timestamp::from_secs(900));
    tx.put(&SEALED, 1, vec!["a".into(), "b".into(), data.clone().into(), 5i64.into()]);
    fixture.store.commit(tx).unwrap();
    assert_eq!(fixture.verify().lies, []);
    let prefix = [head, text("a"), text("b"), vec![3], (data.len() as u64).to_be_bytes().to_vec()].concat();
    let prefix: String = prefix.iter().map(|byte| format!("{byte:02x}")).collect();
    fixture.tamper(&format!(
        "UPDATE sealed SET salt = CAST(salt || x'{prefix}' AS BLOB), subject = 'x', name = 'y', data = x'6f74686572' WHERE id = 1"
    ));
    assert_eq!(fixture.only_lie(), Lie::Changed { table: "sealed", row: 1, leaf: 700 });
}

#[test]
fn what_stands_beside_the_schema_is_named() {
    for (sql, object) in [
        ("CREATE VIEW quiet AS SELECT * FROM findings WHERE id < 0", "view quiet"),
        (
            "CREATE TRIGGER hush AFTER INSERT ON findings BEGIN DELETE FROM findings WHERE id = new.id; END",
            "trigger hush",
        ),
        ("DROP INDEX findings_device", "index findings_device"),
        ("CREATE TABLE aside (id INTEGER)", "table aside"),
    ] {
        let mut fixture = fixture();
        fixture.store.db().execute(sql, &[]).unwrap();
        let lie = fixture.only_lie();
        assert!(matches!(&lie, Lie::Schema { object: named, .. } if named == object), "{lie:?}");
    }
}

#[test]
fn nothing_is_signed_that_does_not_go_on_from_what_was() {
    let signer = signer(1);
    let more = |fixture: &mut Fixture| {
        let mut tx = Tx::new(SiteId(1), "test", "more", Timestamp::from_secs(900));
        tx.put(&SITES, 1, vec!["a".into(), "UTC".into()]);
        fixture.store.commit(tx).unwrap();
        fixture.store.integrate(ORIGIN, &signer, Timestamp::from_secs(9))
    };
    // A leaf is forged, and the tiles with it: they are made anew.
    let mut fixture = fixture();
    fixture.tamper("UPDATE leaves SET data = (SELECT data FROM leaves WHERE id = 299) WHERE id = 300");
    fixture.tamper("DELETE FROM tiles");
    fixture.store.reopen().unwrap();
    let refused = more(&mut fixture).unwrap_err().to_string();
    assert!(refused.contains("the first 700 leaves are not those that were signed"), "{refused}");
    // The last leaves are gone: others must not take their numbers.
    let mut fixture = self::fixture();
    fixture.tamper("DELETE FROM leaves WHERE id > 690");
    fixture.store.reopen().unwrap();
    let refused = more(&mut fixture).unwrap_err().to_string();
    assert!(refused.contains("700 leaves were in the ledger, 692 are there"), "{refused}");
}
