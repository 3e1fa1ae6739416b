//! What happened, what is worth attention, and what could not be seen.

use crate::db::{Cell, Db, Value};
use crate::devices::{device_id, stored_id};
use crate::endpoints;
use crate::error::{Result, StoreError};
use crate::tx::{time, timestamp};
use judge::inventory::SubjectKey;
use model::{Coverage, Event, Finding, SensorId, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

/// The columns of an event's row.
pub fn event_cells(event: &Event) -> Vec<Value> {
    let peer = event.peer.as_ref().map(|peer| endpoints::text(&SubjectKey::from(peer)));
    vec![
        endpoints::text(&SubjectKey::from(&event.endpoint)).into(),
        Value::optional_text(peer.as_deref()),
        word(&event.kind).into(),
        event.protocol.name().into(),
        event.detail.as_str().into(),
        time(event.header.observed_at).into(),
    ]
}

/// A finding and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRow {
    /// Number of the row.
    pub id: i64,
    /// The finding.
    pub finding: Finding,
    /// Known from here on.
    pub known_from: Timestamp,
}

impl FindingRow {
    /// The columns of the row.
    pub fn cells(&self) -> Vec<Value> {
        let finding = &self.finding;
        vec![
            stored_id(finding.device).into(),
            word(&finding.kind).into(),
            finding.protocol.name().into(),
            finding.summary.clone().into(),
            serde_json::to_string(&finding.evidence).unwrap_or_default().into(),
            time(finding.first_seen).into(),
            time(finding.last_seen).into(),
            time(self.known_from).into(),
            Value::Null,
        ]
    }

    /// The open findings of a site, each handed to `each`.
    ///
    /// # Errors
    /// By cause.
    pub fn each_open(db: &mut Db, site: SiteId, each: &mut dyn FnMut(Self)) -> Result<()> {
        let sql = "SELECT id, device, kind, protocol, summary, evidence, first_seen, last_seen, known_from \
                   FROM findings WHERE site = ?1 AND known_to IS NULL ORDER BY id";
        db.query(sql, &[Cell::Int(site.0.into())], &mut |row| {
            let id = row.int(0)?;
            let evidence = serde_json::from_str(row.text(5)?)
                .map_err(|e| StoreError::damaged(format!("table findings, row {id}: {e}")))?;
            let finding = Finding {
                kind: from_word(row.text(2)?, "findings", id)?,
                device: device_id(row.int(1)?),
                summary: row.text(4)?.to_owned(),
                evidence,
                protocol: from_word(row.text(3)?, "findings", id)?,
                first_seen: timestamp(row.int(6)?),
                last_seen: timestamp(row.int(7)?),
            };
            each(Self { id, finding, known_from: timestamp(row.int(8)?) });
            Ok(())
        })
    }
}

/// The columns of a row of what a sensor saw and missed until the end of an hour.
pub fn coverage_cells(sensor: SensorId, hour: u32, coverage: &Coverage) -> Vec<Value> {
    vec![sensor.0.into(), hour.into(), serde_json::to_string(coverage).unwrap_or_default().into()]
}

/// Number of the row of a sensor's hour.
///
/// # Errors
/// By cause.
pub fn find_coverage(db: &mut Db, site: SiteId, sensor: SensorId, hour: u32) -> Result<Option<i64>> {
    let sql = "SELECT id FROM coverage WHERE site = ?1 AND sensor = ?2 AND hour = ?3";
    db.number(sql, &[Cell::Int(site.0.into()), Cell::Int(sensor.0.into()), Cell::Int(hour.into())])
}

/// The columns of a row that says that nobody listened.
pub fn gap_cells(source: &str, from: Timestamp, to: Timestamp, reason: &str) -> Vec<Value> {
    vec![source.into(), time(from).into(), time(to).into(), reason.into()]
}

/// The name that serde gives a variant.
fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn from_word<T: for<'d> Deserialize<'d>>(word: &str, table: &str, row: i64) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|e| StoreError::damaged(format!("table {table}, row {row}: {e}")))
}
