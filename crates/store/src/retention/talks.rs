//! Hourly talks that are no longer hot become sums by day, in one transaction with their deletion: nothing is counted twice or
//! not at all, wherever it is interrupted.
//!
//! Column `hour` counts hours since 1970 (UTC), `day` days; `verbs` is a JSON list of `[verb, messages]`, largest first.

use super::date::{DAY_NS, HOUR_NS};
use super::plan::{Change, Planner, ROWS_A_TX, Times};
use crate::db::{Cell, Row, Value};
use crate::error::{Result, StoreError};
use crate::table::{BLOCKS, TALK_DAYS, TALKS};
use std::collections::{BTreeMap, BTreeSet};

const HOURS: i64 = 24;
/// Rows of one pair's day: its hours and their sum.
const DAY_ROWS: usize = HOURS as usize + 1;
/// The columns that are summed, of both tables.
const SUMS: &str = "client_packets, server_packets, client_bytes, server_bytes, flows, verbs";
const TIMES: Times = Times::of("hour", "hour", HOUR_NS);

/// What one pair exchanged.
#[derive(Default)]
struct Sum {
    counters: [i64; 5],
    verbs: BTreeMap<String, u64>,
}

impl Sum {
    /// Adds a row whose columns from number `first` on are [`SUMS`].
    fn add(&mut self, row: &Row<'_>, first: usize, place: &str) -> Result<()> {
        for (offset, counter) in self.counters.iter_mut().enumerate() {
            let sum = counter.checked_add(row.int(first + offset)?);
            *counter = sum.ok_or_else(|| StoreError::damaged(format!("{place}: a sum beyond 63 bits")))?;
        }
        let verbs: Vec<(String, u64)> = serde_json::from_str(row.text(first + self.counters.len())?)
            .map_err(|error| StoreError::damaged(format!("{place}: verbs: {error}")))?;
        for (verb, count) in verbs {
            let sum = self.verbs.entry(verb).or_default();
            *sum = sum.saturating_add(count);
        }
        Ok(())
    }

    fn cells(self, pair: i64, day: i64) -> Result<Vec<Value>> {
        let mut verbs: Vec<(String, u64)> = self.verbs.into_iter().collect();
        verbs.sort_by(|(a, few), (b, many)| many.cmp(few).then_with(|| a.cmp(b)));
        let verbs = serde_json::to_string(&verbs).map_err(|e| StoreError::Ours { detail: e.to_string() })?;
        let mut cells = vec![Value::Int(pair), Value::Int(day)];
        cells.extend(self.counters.map(Value::Int));
        cells.push(verbs.into());
        Ok(cells)
    }
}

/// Which talks are no longer hot.
struct Old {
    /// Hours before this one; the first of a day.
    before: i64,
    /// Reflecting no block from this one on: a block of the hot time may still add to them.
    folded: i64,
}

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<()> {
    let cutoff = planner.policy.cutoff("flows", planner.now);
    let folded = planner.first_young(&BLOCKS, "observed_to", cutoff, 1)?;
    let old = Old { before: cutoff / DAY_NS * HOURS, folded };
    let mut changes = Vec::new();
    for (day, pair) in days(planner, &old)? {
        if planner.left < changes.len() + DAY_ROWS {
            break;
        }
        if changes.len() + DAY_ROWS > ROWS_A_TX {
            planner.step("flows", std::mem::take(&mut changes));
        }
        changes.extend(sum_up(planner, &old, pair, day)?);
    }
    planner.step("flows", changes);
    Ok(())
}

/// Days of pairs that have old talks, oldest first.
fn days(planner: &mut Planner<'_>, old: &Old) -> Result<BTreeSet<(i64, i64)>> {
    // Every pair has one talk in an hour: so many rows name so many pairs, most of them the oldest hour's.
    let limit = Cell::Int((planner.left / DAY_ROWS).cast_signed() as i64);
    let (not_held, held) = planner.not_held(TIMES, 4);
    let last = 4 + held.len();
    let sql = format!(
        "SELECT hour, pair FROM talks WHERE site = ?1 AND hour < ?2 AND folded < ?3{not_held} \
         ORDER BY hour, id LIMIT ?{last}"
    );
    let mut parameters = vec![planner.site(), Cell::Int(old.before), Cell::Int(old.folded)];
    parameters.extend(held);
    parameters.push(limit);
    let mut days = BTreeSet::new();
    planner.db.query(&sql, &parameters, &mut |row| {
        days.insert((row.int(0)?.div_euclid(HOURS), row.int(1)?));
        Ok(())
    })?;
    Ok(days)
}

/// The changes that make one day of a pair a sum.
fn sum_up(planner: &mut Planner<'_>, old: &Old, pair: i64, day: i64) -> Result<Vec<Change>> {
    let mut sum = Sum::default();
    let mut id = None;
    let sql = format!("SELECT id, {SUMS} FROM talk_days WHERE pair = ?1 AND day = ?2");
    planner.db.query(&sql, &[Cell::Int(pair), Cell::Int(day)], &mut |row| {
        id = Some(row.int(0)?);
        sum.add(row, 1, &format!("table talk_days, row {}", row.int(0)?))
    })?;
    let (not_held, held) = planner.not_held(TIMES, 5);
    let sql = format!(
        "SELECT id, {SUMS} FROM talks WHERE pair = ?1 AND hour >= ?2 AND hour < ?3 AND folded < ?4{not_held}"
    );
    let hours = [day * HOURS, (day + 1) * HOURS].map(Cell::Int);
    let mut parameters = vec![Cell::Int(pair)];
    parameters.extend(hours);
    parameters.push(Cell::Int(old.folded));
    parameters.extend(held);
    let mut changes = Vec::new();
    planner.db.query(&sql, &parameters, &mut |row| {
        let talk = row.int(0)?;
        sum.add(row, 1, &format!("table talks, row {talk}"))?;
        changes.push(Change::Delete { table: &TALKS, id: talk });
        Ok(())
    })?;
    changes.push(Change::Put { table: &TALK_DAYS, id, cells: sum.cells(pair, day)? });
    Ok(changes)
}
