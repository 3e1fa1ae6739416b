//! What sensors saw and what they missed, hour by hour, and when nobody listened: what an empty place on a page is worth.
//!
//! It must not turn counters into a verdict: they grow from a sensor's start, and the reader is given them as they are.

use crate::db::{Cell, Db};
use crate::error::{Result, StoreError};
use crate::tx::timestamp;
use model::{Coverage, SensorId, SiteId, Timestamp};

/// What one sensor had counted by the end of an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenHour {
    /// Number of the row.
    pub id: i64,
    /// Who.
    pub sensor: SensorId,
    /// Hours since 1970.
    pub hour: u32,
    /// What it had counted since it started.
    pub counters: Coverage,
}

/// A time in which a source was not heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Number of the row.
    pub id: i64,
    /// Whose: `live:<interface>/<worker>`.
    pub source: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Why, in a sentence.
    pub reason: String,
}

impl SeenHour {
    /// Rows of a site before row `before` and not before `since`, newest row first.
    ///
    /// # Errors
    /// By cause.
    pub fn newest(
        db: &mut Db,
        site: SiteId,
        before: Option<i64>,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Self>> {
        let sql = "SELECT id, sensor, hour, counters FROM coverage WHERE site = ?1 AND id < ?2 AND hour >= ?3 \
                   ORDER BY id DESC LIMIT ?4";
        let parameters = [
            Cell::Int(site.0.into()),
            Cell::Int(before.unwrap_or(i64::MAX)),
            Cell::Int(since.hour().into()),
            Cell::Int(limit as i64),
        ];
        let mut rows = Vec::new();
        db.query(sql, &parameters, &mut |row| {
            let id = row.int(0)?;
            let wrong =
                |why: &dyn std::fmt::Display| StoreError::damaged(format!("table coverage, row {id}: {why}"));
            rows.push(Self {
                id,
                sensor: SensorId(row.int(1)?.try_into().map_err(|error| wrong(&error))?),
                hour: row.int(2)?.try_into().map_err(|error| wrong(&error))?,
                counters: serde_json::from_str(row.text(3)?).map_err(|error| wrong(&error))?,
            });
            Ok(())
        })?;
        Ok(rows)
    }
}

impl Gap {
    /// Gaps of a site before row `before` that reach beyond `since`, newest row first.
    ///
    /// # Errors
    /// By cause.
    pub fn newest(
        db: &mut Db,
        site: SiteId,
        before: Option<i64>,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Self>> {
        let sql = "SELECT id, source, gap_from, gap_to, reason FROM gaps WHERE site = ?1 AND id < ?2 AND gap_to >= ?3 \
                   ORDER BY id DESC LIMIT ?4";
        let parameters = [
            Cell::Int(site.0.into()),
            Cell::Int(before.unwrap_or(i64::MAX)),
            Cell::Int(crate::tx::time(since)),
            Cell::Int(limit as i64),
        ];
        let mut rows = Vec::new();
        db.query(sql, &parameters, &mut |row| {
            rows.push(Self {
                id: row.int(0)?,
                source: row.text(1)?.to_owned(),
                from: timestamp(row.int(2)?),
                to: timestamp(row.int(3)?),
                reason: row.text(4)?.to_owned(),
            });
            Ok(())
        })?;
        Ok(rows)
    }
}
