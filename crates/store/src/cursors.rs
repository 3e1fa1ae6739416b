//! How far each source is durable, and from which block on views must be replayed.

use crate::db::{Cell, Db, Value};
use crate::error::Result;
use crate::tx::{time, timestamp};
use model::{SiteId, Timestamp};

/// Name of the mark that says which block is the oldest whose records views do not all reflect.
pub const REPLAY_FROM: &str = "replay_from";

/// How far one source is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorRow {
    /// Number of the row.
    pub id: i64,
    /// The source.
    pub source: String,
    /// Sequence number of its newest durable record.
    pub sequence: u64,
    /// Where it stood, in its own terms.
    pub position: String,
    /// Time of that record.
    pub observed_at: Timestamp,
}

impl CursorRow {
    /// The columns of the row.
    pub fn cells(&self) -> Vec<Value> {
        vec![
            self.source.clone().into(),
            self.sequence.cast_signed().into(),
            self.position.clone().into(),
            time(self.observed_at).into(),
        ]
    }

    /// All of a site.
    ///
    /// # Errors
    /// By cause.
    pub fn all(db: &mut Db, site: SiteId) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        let sql =
            "SELECT id, source, sequence, position, observed_at FROM cursors WHERE site = ?1 ORDER BY id";
        db.query(sql, &[Cell::Int(site.0.into())], &mut |row| {
            all.push(Self {
                id: row.int(0)?,
                source: row.text(1)?.to_owned(),
                sequence: row.int(2)?.cast_unsigned(),
                position: row.text(3)?.to_owned(),
                observed_at: timestamp(row.int(4)?),
            });
            Ok(())
        })?;
        Ok(all)
    }
}

/// A mark: number of its row, and value.
///
/// # Errors
/// By cause.
pub fn mark(db: &mut Db, site: SiteId, name: &str) -> Result<Option<(i64, i64)>> {
    let mut found = None;
    let sql = "SELECT id, value FROM marks WHERE site = ?1 AND name = ?2";
    db.query(sql, &[Cell::Int(site.0.into()), Cell::Text(name)], &mut |row| {
        found = Some((row.int(0)?, row.int(1)?));
        Ok(())
    })?;
    Ok(found)
}
