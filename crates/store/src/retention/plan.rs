//! Which rows go now: planned as data, then executed as transactions.

use super::date::{DAY_NS, HOUR_NS};
use super::policy::Policy;
use super::{inventory, talks};
use crate::db::{Cell, Db, Value};
use crate::error::{Result, StoreError};
use crate::leaf::Leaf;
use crate::store::Store;
use crate::table::{ACTS, BLOCKS, COVERAGE, CURSORS, EVENTS, FINDINGS, GAPS, OUTBOX, TALK_DAYS, Table};
use crate::tx::{Tx, time};
use model::{SiteId, Timestamp};

/// Rows that one transaction changes at most: ingest waits for no more than these.
pub const ROWS_A_TX: usize = 5_000;
/// A plan has room for this many rows at least: one pair's day.
const ROWS_MIN: usize = 32;
/// Name of the mark that says which block is the oldest that views still need.
const REPLAY_FROM: &str = "replay_from";
/// Times this far ahead of the clock are nobody's word for what is young, nanoseconds.
const AHEAD_NS: i64 = DAY_NS;

/// What becomes of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It goes.
    Delete {
        /// Its table.
        table: &'static Table,
        /// Its number.
        id: i64,
    },
    /// It is written.
    Put {
        /// Its table.
        table: &'static Table,
        /// Its number; `None` for a new one.
        id: Option<i64>,
        /// Its columns, as in [`Tx::put`].
        cells: Vec<Value>,
    },
}

/// One transaction to be: at most [`ROWS_A_TX`] rows, whole in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which rule asks for it.
    pub rule: &'static str,
    /// Where.
    pub site: SiteId,
    /// The rows.
    pub changes: Vec<Change>,
}

impl Step {
    /// The transaction.
    pub fn into_tx(self, store: &mut Store, now: Timestamp) -> Tx {
        let mut tx = Tx::new(self.site, "ward", &format!("retention: {}", self.rule), now);
        for change in self.changes {
            match change {
                Change::Delete { table, id } => tx.delete(table, id),
                Change::Put { table, id, cells } => {
                    let id = id.unwrap_or_else(|| store.next_id(table));
                    tx.put(table, id, cells);
                }
            }
        }
        tx
    }
}

/// What goes at `now`, at most about `max_rows` rows of it; nothing when all is as the policy says. Carried out or not, wholly or
/// in part, the next plan goes on from what is there.
///
/// The plan is of the rows as they are: it is carried out by whoever planned it, on the writer's thread, before anything else
/// is written ([`sweep`] does so). Views in memory of deleted rows are to be thrown away ([`Step::changes`] names them).
///
/// # Errors
/// By cause.
pub fn plan(db: &mut Db, policy: &Policy, now: Timestamp, max_rows: usize) -> Result<Vec<Step>> {
    let mut planner = Planner { db, policy, now, left: max_rows.max(ROWS_MIN), steps: Vec::new() };
    planner.blocks()?;
    talks::plan(&mut planner)?;
    planner.simple("aggregates", &TALK_DAYS, "site = ?1 AND day < ?2", Times::of("day", "day", DAY_NS))?;
    planner.in_order("events", &EVENTS, "happened_at", Times::of("happened_at", "happened_at", 1))?;
    planner.in_order("coverage", &COVERAGE, "hour", Times::of("hour", "hour", HOUR_NS))?;
    planner.in_order("gaps", &GAPS, "gap_to", Times::of("gap_from", "gap_to", 1))?;
    let old = "site = ?1 AND last_seen < ?2 AND known_from < ?2 AND (known_to IS NULL OR known_to < ?2)";
    planner.simple("findings", &FINDINGS, old, Times::of("first_seen", "last_seen", 1))?;
    inventory::plan(&mut planner)?;
    planner.acts()?;
    let done = "site = ?1 AND state = 'done' AND due_at < ?2";
    planner.simple("outbox", &OUTBOX, done, Times::of("due_at", "due_at", 1))?;
    planner.cursors()?;
    Ok(planner.steps)
}

/// What [`sweep`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Transactions.
    pub transactions: usize,
    /// Rows deleted.
    pub deleted: usize,
    /// Rows written.
    pub written: usize,
    /// What was carried out, for views in memory.
    pub steps: Vec<Step>,
}

/// Plans and carries out at most about `max_rows` rows. To be called again, between batches of records, until `transactions`
/// is 0.
///
/// # Errors
/// As [`Store::commit`]; what was committed before stays.
pub fn sweep(store: &mut Store, policy: &Policy, now: Timestamp, max_rows: usize) -> Result<Swept> {
    let mut swept = Swept::default();
    for step in plan(store.db(), policy, now, max_rows)? {
        let tx = step.clone().into_tx(store, now);
        store.commit(tx)?;
        let deleted = step.changes.iter().filter(|change| matches!(change, Change::Delete { .. })).count();
        swept.transactions += 1;
        swept.deleted += deleted;
        swept.written += step.changes.len() - deleted;
        swept.steps.push(step);
    }
    Ok(swept)
}

/// From which column to which a row lies in time, and the unit of both, for holds.
#[derive(Clone, Copy)]
pub(super) struct Times {
    from: &'static str,
    to: &'static str,
    pub(super) unit_ns: i64,
}

impl Times {
    pub(super) const fn of(from: &'static str, to: &'static str, unit_ns: i64) -> Self {
        Self { from, to, unit_ns }
    }
}

/// A plan in the making.
pub(super) struct Planner<'a> {
    pub(super) db: &'a mut Db,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    /// Rows that still have room.
    pub(super) left: usize,
    steps: Vec<Step>,
}

impl Planner<'_> {
    pub(super) fn site(&self) -> Cell<'static> {
        Cell::Int(self.policy.site.0.into())
    }

    /// `AND NOT …` for every hold, with parameters from number `first` on, and these.
    pub(super) fn not_held(&self, times: Times, first: usize) -> (String, Vec<Cell<'static>>) {
        let mut sql = String::new();
        let mut parameters = Vec::new();
        for (place, hold) in self.policy.holds.iter().enumerate() {
            let (from, to) = (first + 2 * place, first + 2 * place + 1);
            sql.push_str(&format!(" AND NOT ({} >= ?{from} AND {} < ?{to})", times.to, times.from));
            let unit = times.unit_ns;
            let end = hold.to / unit + i64::from(hold.to % unit != 0);
            parameters.extend([Cell::Int(hold.from / unit), Cell::Int(end)]);
        }
        (sql, parameters)
    }

    /// What a query with one number a row answers.
    pub(super) fn numbers(&mut self, sql: &str, parameters: &[Cell<'_>]) -> Result<Vec<i64>> {
        let mut numbers = Vec::new();
        self.db.query(sql, parameters, &mut |row| {
            numbers.push(row.int(0)?);
            Ok(())
        })?;
        Ok(numbers)
    }

    /// Plans deletions, in steps of [`ROWS_A_TX`].
    pub(super) fn delete(&mut self, rule: &'static str, rows: Vec<(&'static Table, i64)>) {
        for rows in rows.chunks(ROWS_A_TX) {
            let changes = rows.iter().map(|(table, id)| Change::Delete { table, id: *id }).collect();
            self.step(rule, changes);
        }
    }

    /// Plans one step.
    pub(super) fn step(&mut self, rule: &'static str, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.left = self.left.saturating_sub(changes.len());
            self.steps.push(Step { rule, site: self.policy.site, changes });
        }
    }

    /// The rows of a table for which `old` holds: ?1 is the site, ?2 the cutoff in the unit of `times`.
    fn simple(&mut self, rule: &'static str, table: &'static Table, old: &str, times: Times) -> Result<()> {
        let cutoff = self.policy.cutoff(rule, self.now) / times.unit_ns;
        self.select(rule, table, old, &[Cell::Int(cutoff)], times)
    }

    fn select(
        &mut self,
        rule: &'static str,
        table: &'static Table,
        old: &str,
        more: &[Cell<'_>],
        times: Times,
    ) -> Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        let (not_held, held) = self.not_held(times, more.len() + 2);
        let limit = more.len() + 2 + held.len();
        let name = table.name;
        let sql = format!("SELECT id FROM {name} WHERE {old}{not_held} ORDER BY id LIMIT ?{limit}");
        let mut parameters = vec![self.site()];
        parameters.extend_from_slice(more);
        parameters.extend(held);
        parameters.push(Cell::Int(self.left.cast_signed() as i64));
        let rows = self.numbers(&sql, &parameters)?;
        self.delete(rule, rows.into_iter().map(|id| (table, id)).collect());
        Ok(())
    }

    /// The rows of a table that are written in the order of their numbers. What was written after a row that is young is young
    /// too, whatever its time says: clocks were wrong, and old captures are read late.
    fn in_order(
        &mut self,
        rule: &'static str,
        table: &'static Table,
        column: &'static str,
        times: Times,
    ) -> Result<()> {
        let cutoff = self.policy.cutoff(rule, self.now) / times.unit_ns;
        let young = self.first_young(table, column, cutoff, times.unit_ns)?;
        let old = format!("+site = ?1 AND +{column} < ?2 AND id < ?3");
        self.select(rule, table, &old, &[Cell::Int(cutoff), Cell::Int(young)], times)
    }

    /// The first row that is not older than `cutoff` by its own time; `i64::MAX` when none is. The plus signs keep SQLite from
    /// sorting all young rows that the index by time finds: by number, it is among the first.
    pub(super) fn first_young(
        &mut self,
        table: &Table,
        column: &str,
        cutoff: i64,
        unit_ns: i64,
    ) -> Result<i64> {
        let newest = time(self.now).saturating_add(AHEAD_NS) / unit_ns;
        let name = table.name;
        let sql = format!(
            "SELECT id FROM {name} WHERE +site = ?1 AND +{column} >= ?2 AND +{column} <= ?3 ORDER BY id LIMIT 1"
        );
        let parameters = [self.site(), Cell::Int(cutoff), Cell::Int(newest)];
        Ok(self.db.number(&sql, &parameters)?.unwrap_or(i64::MAX))
    }

    /// Blocks: never one that a view still needs, and never the newest, whose number later ones count on from.
    fn blocks(&mut self) -> Result<()> {
        let sql = "SELECT value FROM marks WHERE site = ?1 AND name = ?2";
        let Some(needed) = self.db.number(sql, &[self.site(), Cell::Text(REPLAY_FROM)])? else {
            return Ok(());
        };
        let newest = self.db.number("SELECT max(id) FROM blocks", &[])?.unwrap_or(0);
        let cutoff = self.policy.cutoff("flows", self.now);
        let young = self.first_young(&BLOCKS, "observed_to", cutoff, 1)?;
        let before = needed.min(newest).min(young);
        let times = Times::of("observed_from", "observed_to", 1);
        let old = "+site = ?1 AND +observed_to < ?2 AND id < ?3";
        self.select("flows", &BLOCKS, old, &[Cell::Int(cutoff), Cell::Int(before)], times)
    }

    /// Keys of acts: by the time of their leaf.
    fn acts(&mut self) -> Result<()> {
        let cutoff = self.policy.cutoff("acts", self.now);
        let first_kept = first_leaf_from(self.db, cutoff)?;
        // Holds keep rows; of an act the leaf is the record, and no leaf goes.
        if self.left == 0 {
            return Ok(());
        }
        let sql = "SELECT id FROM acts WHERE site = ?1 AND leaf < ?2 ORDER BY id LIMIT ?3";
        let limit = Cell::Int(self.left.cast_signed() as i64);
        let rows = self.numbers(sql, &[self.site(), Cell::Int(first_kept), limit])?;
        self.delete("acts", rows.into_iter().map(|id| (&ACTS, id)).collect());
        Ok(())
    }

    fn cursors(&mut self) -> Result<()> {
        let Some(there) = &self.policy.sources else { return Ok(()) };
        let cutoff = self.policy.cutoff("cursors", self.now);
        let mut gone = Vec::new();
        let sql = "SELECT id, source FROM cursors WHERE site = ?1 AND observed_at < ?2 ORDER BY id";
        self.db.query(sql, &[Cell::Int(self.policy.site.0.into()), Cell::Int(cutoff)], &mut |row| {
            if gone.len() < self.left && !there.contains(row.text(1)?) {
                gone.push((&CURSORS, row.int(0)?));
            }
            Ok(())
        })?;
        self.delete("cursors", gone);
        Ok(())
    }
}

/// The first leaf at or after a time: their times never go back, so that halving finds it.
fn first_leaf_from(db: &mut Db, at: i64) -> Result<i64> {
    let (mut low, mut high) = (0, db.number("SELECT max(id) FROM leaves", &[])?.map_or(0, |last| last + 1));
    while low < high {
        let middle = low + (high - low) / 2;
        if leaf_time(db, middle)? < at { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

fn leaf_time(db: &mut Db, index: i64) -> Result<i64> {
    let mut at = None;
    db.query("SELECT data FROM leaves WHERE id = ?1", &[Cell::Int(index)], &mut |row| {
        let leaf = Leaf::decode(row.blob(0)?);
        at = Some(time(leaf.map_err(|e| StoreError::damaged(format!("leaf {index}: {e}")))?.at));
        Ok(())
    })?;
    at.ok_or_else(|| StoreError::damaged(format!("leaf {index} is missing")))
}
