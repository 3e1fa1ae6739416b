//! What people decided about devices: that two are one, or that an endpoint is not a device's. A decision is never deleted to be
//! taken back: it stays, with the time of its reversal. Which of them can be followed is for `judge::site` to say.

use crate::db::{Cell, Db, Row, Value};
use crate::devices::{device_id, stored_id};
use crate::endpoints;
use crate::error::{Result, StoreError};
use crate::tx::{time, timestamp};
use judge::site::Decision;
use model::{DeviceId, SiteId, Timestamp};

const MERGE: &str = "merge";
const SPLIT: &str = "split";
const COLUMNS: &str = "id, kind, device, other, subject, reason, decided_by, decided_at, reverted_at";

/// A decision and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// Number of the row, by which people name it.
    pub id: i64,
    /// What was decided.
    pub decision: Decision,
    /// Why.
    pub reason: String,
    /// Who: `os:NAME`.
    pub decided_by: String,
    /// When.
    pub decided_at: Timestamp,
    /// When it was taken back; who did is in that leaf. `None`: it holds.
    pub reverted_at: Option<Timestamp>,
}

impl DecisionRow {
    /// The columns of the row.
    pub fn cells(&self) -> Vec<Value> {
        let (kind, device, other, subject) = match &self.decision {
            Decision::Merge { a, b } => (MERGE, *a, Some(stored_id(*b)), None),
            Decision::Split { device, subject } => (SPLIT, *device, None, Some(endpoints::text(subject))),
        };
        vec![
            kind.into(),
            stored_id(device).into(),
            Value::optional_int(other),
            Value::optional_text(subject.as_deref()),
            self.reason.clone().into(),
            self.decided_by.clone().into(),
            time(self.decided_at).into(),
            Value::optional_int(self.reverted_at.map(time)),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.int(0)?;
        let device = device_id(row.int(2)?);
        let decision = match (row.text(1)?, row.optional_int(3)?, row.optional_text(4)?) {
            (MERGE, Some(other), None) => Decision::Merge { a: device, b: device_id(other) },
            (SPLIT, None, Some(subject)) => Decision::Split { device, subject: endpoints::parse(subject)? },
            _ => return Err(StoreError::damaged(format!("table decisions, row {id}: no decision"))),
        };
        Ok(Self {
            id,
            decision,
            reason: row.text(5)?.to_owned(),
            decided_by: row.text(6)?.to_owned(),
            decided_at: timestamp(row.int(7)?),
            reverted_at: row.optional_int(8)?.map(timestamp),
        })
    }

    /// Those of a site that hold, oldest first.
    ///
    /// # Errors
    /// By cause.
    pub fn in_force(db: &mut Db, site: SiteId) -> Result<Vec<Self>> {
        let sql =
            format!("SELECT {COLUMNS} FROM decisions WHERE site = ?1 AND reverted_at IS NULL ORDER BY id");
        Self::select(db, &sql, &[Cell::Int(site.0.into())])
    }

    /// The newest `limit` of a site, newest first, with those that were taken back.
    ///
    /// # Errors
    /// By cause.
    pub fn newest(db: &mut Db, site: SiteId, limit: u32) -> Result<Vec<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM decisions WHERE site = ?1 ORDER BY id DESC LIMIT ?2");
        Self::select(db, &sql, &[Cell::Int(site.0.into()), Cell::Int(limit.into())])
    }

    /// Those that name `device` as one of the two, newest first, at most `limit`, with those that were taken back.
    ///
    /// # Errors
    /// By cause.
    pub fn about(db: &mut Db, site: SiteId, device: DeviceId, limit: u32) -> Result<Vec<Self>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM decisions WHERE site = ?1 AND (device = ?2 OR other = ?2) ORDER BY id DESC LIMIT ?3"
        );
        let parameters = [Cell::Int(site.0.into()), Cell::Int(stored_id(device)), Cell::Int(limit.into())];
        Self::select(db, &sql, &parameters)
    }

    /// The one of that number.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, site: SiteId, id: i64) -> Result<Option<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM decisions WHERE site = ?1 AND id = ?2");
        Ok(Self::select(db, &sql, &[Cell::Int(site.0.into()), Cell::Int(id)])?.pop())
    }

    fn select(db: &mut Db, sql: &str, parameters: &[Cell<'_>]) -> Result<Vec<Self>> {
        let mut rows = Vec::new();
        db.query(sql, parameters, &mut |row| {
            rows.push(Self::read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }
}
