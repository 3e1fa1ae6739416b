//! The ledger's leaves as lists show them: newest first, with how many rows each wrote of which table.
//!
//! It must not read more than a bound for one answer, however little a filter lets through: the list says where it stopped.

use crate::db::{Cell, Db};
use crate::error::Result;
use crate::leaf::{self, Leaf, RowChange};
use crate::ledger::{self, StoredCheckpoint, Tiles};
use crate::table::Table;
use model::Timestamp;
use std::collections::BTreeMap;
use trust::tlog::{Hash, TileReader, leaf_hash};

/// Leaves read at once.
const STEP_LEAVES: usize = 512;
/// Leaves looked at for one answer.
pub const LOOKED_AT_MAX: usize = 16 * 1024;
/// Rows of one leaf that are named; the others are counted.
pub const ROWS_NAMED_MAX: usize = 1_000;

/// Which leaves are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only before this leaf.
    pub before: Option<u64>,
    /// Only by this actor.
    pub actor: Option<String>,
    /// Only those that wrote rows of this table.
    pub table: Option<String>,
    /// Only from then on.
    pub since: Option<Timestamp>,
}

/// A leaf of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number, from 0.
    pub number: u64,
    /// What it says, or why it cannot be read: the ledger is damaged then, and `verify` says how.
    pub said: Result<Said, String>,
}

/// What a leaf of a list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The leaf.
    pub leaf: Leaf,
    /// How many rows it wrote or deleted, by table.
    pub tables: BTreeMap<String, u64>,
}

/// Leaves, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The leaves.
    pub leaves: Vec<Listed>,
    /// `before` of what follows; `None` where nothing does.
    pub next: Option<u64>,
}

/// One leaf in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The leaf as in a list.
    pub listed: Listed,
    /// Its bytes: the entry of the log.
    pub entry: Vec<u8>,
    /// Its hash in the tree.
    pub hash: Hash,
    /// The first of its rows, [`ROWS_NAMED_MAX`] at most.
    pub rows: Vec<RowChange>,
    /// The newest checkpoint and the proof that this leaf is under it, from its sibling upwards; `None` while none covers it.
    pub proof: Option<(StoredCheckpoint, Vec<Hash>)>,
}

/// At most `limit` leaves that are wanted, newest first. There may be fewer although more follow.
///
/// # Errors
/// By cause.
pub fn list(db: &mut Db, wanted: &Wanted, limit: usize) -> Result<Found> {
    let mut found = Found::default();
    let mut before = wanted.before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    for _ in 0..LOOKED_AT_MAX / STEP_LEAVES {
        let mut step = Vec::with_capacity(STEP_LEAVES);
        let sql = "SELECT id, data, changes FROM leaves WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
        db.query(sql, &[Cell::Int(before), Cell::Int(STEP_LEAVES as i64)], &mut |row| {
            step.push(listed(row.int(0)?.cast_unsigned(), row.blob(1)?, row.blob(2)?));
            Ok(())
        })?;
        let is_last = step.len() < STEP_LEAVES;
        for listed in step {
            if found.leaves.len() == limit {
                found.next = found.leaves.last().map(|last| last.number);
                return Ok(found);
            }
            before = listed.number.cast_signed();
            match wanted.judge(&listed) {
                Judged::In => found.leaves.push(listed),
                Judged::Out => {}
                Judged::OutWithAllBefore => return Ok(found),
            }
        }
        if is_last {
            return Ok(found);
        }
    }
    found.next = Some(before.cast_unsigned());
    Ok(found)
}

/// A leaf in full; `None` where there is none of that number.
///
/// # Errors
/// By cause.
pub fn whole(db: &mut Db, number: u64) -> Result<Option<Whole>> {
    let Ok(id) = i64::try_from(number) else { return Ok(None) };
    let mut found = None;
    db.query("SELECT data, changes FROM leaves WHERE id = ?1", &[Cell::Int(id)], &mut |row| {
        let (entry, changes) = (row.blob(0)?.to_vec(), row.blob(1)?);
        let mut rows = Vec::new();
        // What cannot be read is said by `listed`.
        let _ = leaf::visit_rows(changes, |change| {
            if rows.len() < ROWS_NAMED_MAX {
                rows.push(change);
            }
        });
        found = Some((listed(number, &entry, changes), entry, rows));
        Ok(())
    })?;
    let Some((listed, entry, rows)) = found else { return Ok(None) };
    let hash = leaf_hash(&entry);
    Ok(Some(Whole { listed, entry, hash, rows, proof: proof(db, number)? }))
}

/// How many leaves there are.
///
/// # Errors
/// By cause.
pub fn count(db: &mut Db) -> Result<u64> {
    Ok(db.number("SELECT max(id) FROM leaves", &[])?.map_or(0, |newest| newest.cast_unsigned() + 1))
}

fn proof(db: &mut Db, number: u64) -> Result<Option<(StoredCheckpoint, Vec<Hash>)>> {
    let Some(newest) = ledger::newest(db)?.filter(|newest| number < newest.size) else { return Ok(None) };
    let tiles = Tiles::new(db);
    let hashes = TileReader::new(&tiles, newest.size).inclusion_proof(number)?;
    Ok(Some((newest, hashes)))
}

fn listed(number: u64, data: &[u8], changes: &[u8]) -> Listed {
    let said = Leaf::decode(data).and_then(|leaf| {
        let mut tables = BTreeMap::new();
        leaf::visit_rows(changes, |change| *tables.entry(table_name(change.table)).or_insert(0) += 1)?;
        Ok(Said { leaf, tables })
    });
    Listed { number, said: said.map_err(|error| error.to_string()) }
}

/// The name of a table by its number, or the number where this build does not know it.
pub fn table_name(number: u16) -> String {
    Table::numbered(number).map_or_else(|| format!("number {number}"), |table| table.name.to_owned())
}

enum Judged {
    In,
    Out,
    /// Leaves are ordered by time: nothing before this one is wanted either.
    OutWithAllBefore,
}

impl Wanted {
    /// What cannot be read is shown to whoever asks without a filter, and to none who does.
    fn judge(&self, listed: &Listed) -> Judged {
        let is_filtered = self.actor.is_some() || self.table.is_some();
        let Ok(said) = &listed.said else { return if is_filtered { Judged::Out } else { Judged::In } };
        if self.since.is_some_and(|since| said.leaf.at < since) {
            return Judged::OutWithAllBefore;
        }
        let fits = self.actor.as_ref().is_none_or(|actor| said.leaf.actor == *actor)
            && self.table.as_ref().is_none_or(|table| said.tables.contains_key(table));
        if fits { Judged::In } else { Judged::Out }
    }
}
