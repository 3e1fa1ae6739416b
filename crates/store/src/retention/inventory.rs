//! Endpoints and devices whose life ended long ago. What refers to a row goes before it, so that an interruption leaves no
//! row that refers to nothing.

use super::plan::{Planner, Times};
use crate::db::Cell;
use crate::error::Result;
use crate::table::{BINDINGS, CLAIMS, DECISIONS, DEVICES, PAIRS, SUBJECTS, Table};

const RULE: &str = "inventory";

/// Endpoints last heard before ?2 of which nothing was learnt since.
const GONE_ENDPOINTS: &str = "SELECT s.id, CAST(s.domain AS TEXT) || '|' || s.address FROM subjects s \
    WHERE s.site = ?1 AND s.last_seen < ?2 \
    AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.site = s.site \
        AND c.endpoint = CAST(s.domain AS TEXT) || '|' || s.address AND (c.known_from >= ?2 OR c.known_to >= ?2)) \
    AND NOT EXISTS (SELECT 1 FROM bindings b WHERE b.site = s.site \
        AND b.endpoint = CAST(s.domain AS TEXT) || '|' || s.address AND (b.known_from >= ?2 OR b.known_to >= ?2))";

/// Rows of devices to which nothing is bound any more, of which nothing was learnt since ?2, that stand before or for no other
/// device that is there, and about which no finding is kept.
const GONE_DEVICES: &str = "SELECT d.id FROM devices d WHERE d.site = ?1 \
    AND NOT EXISTS (SELECT 1 FROM bindings b WHERE b.site = d.site AND b.device = d.device) \
    AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.site = d.site AND f.device = d.device) \
    AND NOT EXISTS (SELECT 1 FROM devices o WHERE o.site = d.site AND o.device = d.device \
        AND (o.first_seen >= ?2 OR o.known_from >= ?2 OR o.known_to >= ?2)) \
    AND NOT EXISTS (SELECT 1 FROM devices o JOIN devices t ON t.site = o.site AND t.device <> o.device \
        AND (t.device = o.behind OR t.device = o.merged_into) WHERE o.site = d.site AND o.device = d.device)";

/// Decisions about devices of which none is there any more.
const GONE_DECISIONS: &str = "SELECT x.id FROM decisions x WHERE x.site = ?1 AND x.decided_at < ?2 \
    AND (x.reverted_at IS NULL OR x.reverted_at < ?2) \
    AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.site = x.site AND (d.device = x.device OR d.device = x.other))";

/// Pairs of which nothing is told any more.
const SILENT_PAIRS: &str = "SELECT p.id FROM pairs p WHERE p.site = ?1 AND (p.client = ?2 OR p.server = ?2) \
    AND NOT EXISTS (SELECT 1 FROM talks t WHERE t.pair = p.id) \
    AND NOT EXISTS (SELECT 1 FROM talk_days t WHERE t.pair = p.id) ORDER BY p.id";

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<()> {
    endpoints(planner)?;
    let devices = Times::of("d.first_seen", "COALESCE(d.known_to, d.known_from)", 1);
    select(planner, GONE_DEVICES, "d.id", &DEVICES, devices)?;
    let decisions = Times::of("x.decided_at", "COALESCE(x.reverted_at, x.decided_at)", 1);
    select(planner, GONE_DECISIONS, "x.id", &DECISIONS, decisions)
}

fn select(
    planner: &mut Planner<'_>,
    gone: &str,
    order: &str,
    table: &'static Table,
    times: Times,
) -> Result<()> {
    if planner.left == 0 {
        return Ok(());
    }
    let (sql, parameters) = limited(planner, gone, order, times);
    let rows = planner.numbers(&sql, &parameters)?;
    planner.delete(RULE, rows.into_iter().map(|id| (table, id)).collect());
    Ok(())
}

/// The query with what is held left out, and as many rows as there is room for.
fn limited(planner: &Planner<'_>, gone: &str, order: &str, times: Times) -> (String, Vec<Cell<'static>>) {
    let (not_held, held) = planner.not_held(times, 3);
    let last = 3 + held.len();
    let cutoff = planner.policy.cutoff(RULE, planner.now);
    let mut parameters = vec![planner.site(), Cell::Int(cutoff)];
    parameters.extend(held);
    parameters.push(Cell::Int(planner.left.cast_signed() as i64));
    (format!("{gone}{not_held} ORDER BY {order} LIMIT ?{last}"), parameters)
}

/// Endpoints with their claims, bindings and silent pairs; as much of one as there is room for, the endpoint itself last.
fn endpoints(planner: &mut Planner<'_>) -> Result<()> {
    if planner.left == 0 {
        return Ok(());
    }
    let times = Times::of("s.first_seen", "s.last_seen", 1);
    let (sql, parameters) = limited(planner, GONE_ENDPOINTS, "s.id", times);
    let mut gone = Vec::new();
    planner.db.query(&sql, &parameters, &mut |row| {
        gone.push((row.int(0)?, row.text(1)?.to_owned()));
        Ok(())
    })?;
    let mut rows: Vec<(&'static Table, i64)> = Vec::new();
    for (subject, endpoint) in gone {
        let parameters = [planner.site(), Cell::Text(&endpoint)];
        for table in [&CLAIMS, &BINDINGS] {
            let sql = format!("SELECT id FROM {} WHERE site = ?1 AND endpoint = ?2 ORDER BY id", table.name);
            rows.extend(planner.numbers(&sql, &parameters)?.into_iter().map(|id| (table, id)));
        }
        rows.extend(planner.numbers(SILENT_PAIRS, &parameters)?.into_iter().map(|id| (&PAIRS, id)));
        rows.push((&SUBJECTS, subject));
        if rows.len() >= planner.left {
            break;
        }
    }
    // A pair of two that are gone is named by both.
    let mut pairs = std::collections::BTreeSet::new();
    rows.retain(|(table, id)| *table != &PAIRS || pairs.insert(*id));
    rows.truncate(planner.left);
    planner.delete(RULE, rows);
    Ok(())
}
