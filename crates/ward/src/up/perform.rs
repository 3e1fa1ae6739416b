//! Step 10: performs the effects that transactions asked for, at least once, and marks them done through the same write path.

use super::ground::now;
use crate::core::run::Handle;
use crate::measure;
use anyhow::Result;
use model::{Duration, SiteId};
use std::sync::Arc;
use store::db::{Cell, Value};
use store::table::OUTBOX;
use store::tx::{time, timestamp};
use store::{Readers, Tx};

/// Effects taken at once.
const EFFECTS_PER_ROUND: i64 = 500;
/// Tries before an effect is given up and shown as failed.
const ATTEMPTS_MAX: i64 = 10;

/// An effect that is due.
struct Due {
    id: i64,
    kind: String,
    payload: String,
    due_at: i64,
    attempts: i64,
}

/// Performs what is due, once round; how many effects.
///
/// Killed between an effect and its mark, it is performed again: each is one that may be.
///
/// # Errors
/// Those of the store; the effects stay due.
pub(super) fn perform_due(readers: &Arc<Readers>, core: &Handle, site: SiteId) -> Result<usize> {
    let at = now();
    let due = due(readers, site, time(at))?;
    let count = due.len();
    if count == 0 {
        measure::outbox_due(0);
        return Ok(0);
    }
    let mut tx = Tx::new(site, "ward", "effects performed", at);
    for effect in due {
        let result = perform(&effect);
        let attempts = effect.attempts + 1;
        let (state, due_at, error) = match result {
            Ok(()) => ("done", effect.due_at, Value::Null),
            Err(error) => {
                measure::outbox_failed(&effect.kind);
                let again = timestamp(time(at)).plus(Duration::from_secs(1 << attempts.clamp(0, 12)));
                let state = if attempts >= ATTEMPTS_MAX { "failed" } else { "due" };
                (state, time(again), Value::Text(error))
            }
        };
        let cells = vec![
            effect.kind.into(),
            effect.payload.into(),
            state.into(),
            due_at.into(),
            attempts.into(),
            error,
        ];
        tx.put(&OUTBOX, effect.id, cells);
    }
    core.call(move |core| core.commit(tx, at))??;
    Ok(count)
}

fn due(readers: &Readers, site: SiteId, at: i64) -> Result<Vec<Due>> {
    let mut due = Vec::new();
    let parameters = [Cell::Int(site.0.into()), Cell::Int(at), Cell::Int(EFFECTS_PER_ROUND)];
    let sql = "SELECT id, kind, payload, due_at, attempts FROM outbox \
               WHERE state = 'due' AND site = ?1 AND due_at <= ?2 ORDER BY due_at, id LIMIT ?3";
    readers.read(|db| {
        db.query(sql, &parameters, &mut |row| {
            due.push(Due {
                id: row.int(0)?,
                kind: row.text(1)?.to_owned(),
                payload: row.text(2)?.to_owned(),
                due_at: row.int(3)?,
                attempts: row.int(4)?,
            });
            Ok(())
        })
    })?;
    Ok(due)
}

/// Who performs which kind. The log is the first notifier; others come with their capabilities.
fn perform(effect: &Due) -> Result<(), String> {
    match effect.kind.as_str() {
        crate::core::EFFECT_NOTIFY => {
            let payload: serde_json::Value =
                serde_json::from_str(&effect.payload).map_err(|error| error.to_string())?;
            let word = |name: &str| payload.get(name).and_then(|v| v.as_str()).unwrap_or("?").to_owned();
            tracing::warn!(kind = word("kind"), device = word("device"), "a finding needs attention");
            Ok(())
        }
        other => Err(format!("this ward does not know how to perform \"{other}\"")),
    }
}
