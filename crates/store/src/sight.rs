//! What could be seen and what could not, read back: counters of sensors by the hour, gaps when nobody listened, and open findings
//! by kind. What follows from them is for `judge::sight` to say.

use crate::db::{Cell, Db};
use crate::devices::device_id;
use crate::error::{Result, StoreError};
use crate::read::Scope;
use crate::tx::{time, timestamp};
use judge::sight::{Gap, SensorHour};
use model::{DeviceId, FindingKind, SensorId, Timestamp};

/// Rows of hours that are read at most: a day of many sensors.
pub const HOURS_MAX: u32 = 20_000;
/// Gaps that are read at most, newest first.
pub const GAPS_MAX: u32 = 200;
/// Devices that are named for a kind of finding.
pub const EXAMPLES_MAX: u32 = 3;

/// What sensors told from `from_hour` on, and the last that each told before, so that their counters, which only grow, can be
/// compared; ordered by sensor and hour.
///
/// # Errors
/// By cause.
pub fn hours(db: &mut Db, scope: &Scope, from_hour: u32) -> Result<Vec<SensorHour>> {
    let mut parameters = vec![Cell::Int(from_hour.into()), Cell::Int(HOURS_MAX.into())];
    let seen = scope.condition("c", false, &mut parameters);
    let sql = format!(
        "SELECT c.sensor, c.hour, c.counters FROM coverage c WHERE {seen} AND (c.hour >= ?1 OR c.hour = \
         (SELECT max(b.hour) FROM coverage b WHERE b.site = c.site AND b.sensor = c.sensor AND b.hour < ?1)) \
         ORDER BY c.sensor, c.hour LIMIT ?2"
    );
    let mut hours = Vec::new();
    db.query(&sql, &parameters, &mut |row| {
        let (sensor, hour) = (row.int(0)?, row.int(1)?);
        let damaged = || StoreError::damaged(format!("table coverage, sensor {sensor}, hour {hour}: no counters"));
        let coverage = serde_json::from_str(row.text(2)?).map_err(|_| damaged())?;
        let (number, hour_number) = (u32::try_from(sensor), u32::try_from(hour));
        let (Ok(number), Ok(hour)) = (number, hour_number) else { return Err(damaged()) };
        hours.push(SensorHour { sensor: SensorId(number), hour, coverage });
        Ok(())
    })?;
    Ok(hours)
}

/// Gaps that reach beyond `from`, newest first.
///
/// # Errors
/// By cause.
pub fn gaps(db: &mut Db, scope: &Scope, from: Timestamp) -> Result<Vec<Gap>> {
    let mut parameters = vec![Cell::Int(time(from)), Cell::Int(GAPS_MAX.into())];
    let seen = scope.condition("g", false, &mut parameters);
    let sql = format!(
        "SELECT g.source, g.gap_from, g.gap_to, g.reason FROM gaps g WHERE {seen} AND g.gap_to > ?1 \
         ORDER BY g.gap_to DESC, g.id DESC LIMIT ?2"
    );
    let mut gaps = Vec::new();
    db.query(&sql, &parameters, &mut |row| {
        gaps.push(Gap {
            source: row.text(0)?.to_owned(),
            from: timestamp(row.int(1)?),
            to: timestamp(row.int(2)?),
            reason: row.text(3)?.to_owned(),
        });
        Ok(())
    })?;
    Ok(gaps)
}

/// Open findings of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenKind {
    /// Which.
    pub kind: FindingKind,
    /// Devices that have it.
    pub devices: u64,
    /// The newest time it was seen.
    pub last_seen: Timestamp,
    /// Some of the devices.
    pub examples: Vec<DeviceId>,
}

/// Open findings by kind. A kind that this build does not know is left out: a newer one wrote it.
///
/// # Errors
/// By cause.
pub fn open_kinds(db: &mut Db, scope: &Scope) -> Result<Vec<OpenKind>> {
    let mut parameters = Vec::new();
    let seen = scope.condition("f", false, &mut parameters);
    let sql = format!(
        "SELECT f.kind, count(DISTINCT f.device), max(f.last_seen) FROM findings f \
         WHERE {seen} AND f.known_to IS NULL GROUP BY f.kind ORDER BY f.kind"
    );
    let mut kinds = Vec::new();
    db.query(&sql, &parameters, &mut |row| {
        let word = row.text(0)?;
        let Some(kind) = FindingKind::ALL.into_iter().find(|kind| kind.name() == word) else { return Ok(()) };
        let devices = u64::try_from(row.int(1)?).unwrap_or(0);
        kinds.push(OpenKind { kind, devices, last_seen: timestamp(row.int(2)?), examples: Vec::new() });
        Ok(())
    })?;
    for kind in &mut kinds {
        kind.examples = examples(db, scope, kind.kind)?;
    }
    Ok(kinds)
}

fn examples(db: &mut Db, scope: &Scope, kind: FindingKind) -> Result<Vec<DeviceId>> {
    let mut parameters = vec![Cell::Text(kind.name()), Cell::Int(EXAMPLES_MAX.into())];
    let seen = scope.condition("f", false, &mut parameters);
    let sql = format!(
        "SELECT DISTINCT f.device FROM findings f WHERE {seen} AND f.known_to IS NULL AND f.kind = ?1 \
         ORDER BY f.device LIMIT ?2"
    );
    let mut devices = Vec::new();
    db.query(&sql, &parameters, &mut |row| {
        devices.push(device_id(row.int(0)?));
        Ok(())
    })?;
    Ok(devices)
}
