//! What happened, what is worth attention, and what could not be seen.

use crate::db::{Cell, Db, Row, Value};
use crate::devices::{device_id, stored_id};
use crate::endpoints;
use crate::error::{Result, StoreError};
use crate::tx::{time, timestamp};
use judge::inventory::SubjectKey;
use model::{Coverage, DeviceId, Event, Finding, FindingKind, SensorId, SiteId, Timestamp};
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
            each(Self::read(row)?);
            Ok(())
        })
    }

    fn read(row: &Row<'_>) -> Result<Self> {
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
        Ok(Self { id, finding, known_from: timestamp(row.int(8)?) })
    }
}

/// Whether a finding still stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    #[default]
    Open,
    /// It did.
    Closed,
    /// Either.
    Any,
}

/// Which findings are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingsAsked {
    /// Of these kinds.
    pub kinds: Vec<FindingKind>,
    /// Of this device only.
    pub device: Option<DeviceId>,
    /// Open, closed or either.
    pub standing: Standing,
    /// Last seen then or later.
    pub since: Option<Timestamp>,
    /// With smaller numbers than this one: where the page before ended.
    pub before: Option<i64>,
    /// As they were known then: found by then, and closed only if closed by then.
    pub known_at: Option<Timestamp>,
    /// First seen by then.
    pub seen_by: Option<Timestamp>,
}

/// A finding and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFinding {
    /// The row.
    pub row: FindingRow,
    /// Known until here; `None`: it is open.
    pub known_to: Option<Timestamp>,
}

impl KnownFinding {
    const COLUMNS: &'static str =
        "id, device, kind, protocol, summary, evidence, first_seen, last_seen, known_from, known_to";

    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self { row: FindingRow::read(row)?, known_to: row.optional_int(9)?.map(timestamp) })
    }

    /// Those asked for, newest first, at most `limit`.
    ///
    /// # Errors
    /// By cause.
    pub fn list(db: &mut Db, site: SiteId, asked: &FindingsAsked, limit: usize) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        // One kind at a time: the index of kinds hands them out newest first.
        for kind in &asked.kinds {
            Self::of_kind(db, site, asked, (*kind, limit), &mut found)?;
            // After each kind, so that never more than two lists are in memory.
            found.sort_by_key(|known| std::cmp::Reverse(known.row.id));
            found.truncate(limit);
        }
        Ok(found)
    }

    fn of_kind(
        db: &mut Db,
        site: SiteId,
        asked: &FindingsAsked,
        (kind, limit): (FindingKind, usize),
        found: &mut Vec<Self>,
    ) -> Result<()> {
        let mut parameters = vec![
            Cell::Int(site.0.into()),
            Cell::Text(kind.name()),
            Cell::Int(asked.before.unwrap_or(i64::MAX)),
            Cell::Int(asked.since.map_or(0, time)),
        ];
        let mut conditions = String::new();
        let mut also = |condition: &str, cell| {
            parameters.push(cell);
            conditions.push_str(&condition.replace("{}", &format!("?{}", parameters.len())));
        };
        if let Some(device) = asked.device {
            also(" AND device = {}", Cell::Int(stored_id(device)));
        }
        if let Some(at) = asked.known_at {
            also(" AND known_from <= {} AND (known_to IS NULL OR known_to > {})", Cell::Int(time(at)));
        }
        if let Some(by) = asked.seen_by {
            also(" AND first_seen <= {}", Cell::Int(time(by)));
        }
        match asked.standing {
            Standing::Open => conditions.push_str(" AND known_to IS NULL"),
            Standing::Closed => conditions.push_str(" AND known_to IS NOT NULL"),
            Standing::Any => {}
        }
        parameters.push(Cell::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
        let sql = format!(
            "SELECT {} FROM findings WHERE site = ?1 AND kind = ?2 AND id < ?3 AND last_seen >= ?4{conditions} \
             ORDER BY id DESC LIMIT ?{}",
            Self::COLUMNS,
            parameters.len()
        );
        db.query(&sql, &parameters, &mut |row| {
            found.push(Self::read(row)?);
            Ok(())
        })
    }

    /// The one of that number.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, site: SiteId, id: i64) -> Result<Option<Self>> {
        let mut found = None;
        let sql = format!("SELECT {} FROM findings WHERE site = ?1 AND id = ?2", Self::COLUMNS);
        db.query(&sql, &[Cell::Int(site.0.into()), Cell::Int(id)], &mut |row| {
            found = Some(Self::read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// How many are open, by kind.
    ///
    /// # Errors
    /// By cause.
    pub fn open_by_kind(db: &mut Db, site: SiteId) -> Result<Vec<(FindingKind, u64)>> {
        let mut counts = Vec::new();
        let sql = "SELECT kind, count(*) FROM findings WHERE site = ?1 AND known_to IS NULL GROUP BY kind";
        db.query(sql, &[Cell::Int(site.0.into())], &mut |row| {
            counts.push((from_word(row.text(0)?, "findings", 0)?, row.int(1)?.cast_unsigned()));
            Ok(())
        })?;
        counts.sort_unstable();
        Ok(counts)
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
