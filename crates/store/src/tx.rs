//! The one write path: a [`Tx`] says who acts, why and what becomes of which rows; [`Store::commit`](crate::Store::commit)
//! makes rows, outbox and ledger leaf true together, or none of them.

use crate::db::Value;
use crate::table::{OUTBOX, Table};
use model::{SiteId, Timestamp};

/// What becomes of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Its table.
    pub table: &'static Table,
    /// Its number within the table.
    pub id: i64,
    /// Its site.
    pub site: SiteId,
    /// The columns after `salt`; `None` deletes the row.
    pub cells: Option<Vec<Value>>,
}

/// A transaction in the making: plain data that can be read before it is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tx {
    pub(crate) site: SiteId,
    pub(crate) actor: String,
    pub(crate) cause: String,
    pub(crate) key: String,
    pub(crate) now: Timestamp,
    pub(crate) decided: [u8; 32],
    pub(crate) writes: Vec<Write>,
}

impl Tx {
    /// A transaction by `actor` because of `cause` (words without personal data: leaves are public). `now` is the clock's;
    /// the ledger never goes back behind its newest leaf.
    pub fn new(site: SiteId, actor: &str, cause: &str, now: Timestamp) -> Self {
        Self {
            site,
            actor: actor.into(),
            cause: cause.into(),
            key: String::new(),
            now,
            decided: [0; 32],
            writes: Vec::new(),
        }
    }

    /// Names the act, so that repeating it changes nothing and returns the leaf of the first time.
    #[must_use]
    pub fn keyed(mut self, key: &str) -> Self {
        self.key = key.into();
        self
    }

    /// Names what decided (row of table `deciders`, by hash).
    #[must_use]
    pub fn decided_by(mut self, hash: [u8; 32]) -> Self {
        self.decided = hash;
        self
    }

    /// Writes a row whole, new or changed. `cells` are the columns after `salt`, in the table's order.
    pub fn put(&mut self, table: &'static Table, id: i64, cells: Vec<Value>) {
        debug_assert_eq!(cells.len(), table.columns.len(), "cells of {}", table.name);
        self.writes.push(Write { table, id, site: self.site, cells: Some(cells) });
    }

    /// Deletes a row.
    pub fn delete(&mut self, table: &'static Table, id: i64) {
        self.writes.push(Write { table, id, site: self.site, cells: None });
    }

    /// Asks for an effect, performed after the commit, at least once. `payload` is JSON.
    pub fn effect(&mut self, id: i64, kind: &str, payload: String) {
        let due_at = Value::Int(time(self.now));
        let cells = vec![kind.into(), payload.into(), "due".into(), due_at, Value::Int(0), Value::Null];
        self.put(&OUTBOX, id, cells);
    }

    /// Rows to be written or deleted.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// The same, by table, in the order of the tables.
    pub fn by_table(&self) -> Vec<(&'static str, u64)> {
        let mut counts = std::collections::BTreeMap::new();
        self.writes
            .iter()
            .for_each(|write| *counts.entry((write.table.number, write.table.name)).or_default() += 1);
        counts.into_iter().map(|((_, name), count)| (name, count)).collect()
    }

    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}

/// A time as the tables keep it: nanoseconds since 1970, which 63 bits hold until 2262.
pub fn time(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanos()).unwrap_or(i64::MAX)
}

/// A time out of a table.
pub fn timestamp(at: i64) -> Timestamp {
    Timestamp::from_nanos(u64::try_from(at).unwrap_or(0))
}
