//! Everything the tables say of one device: its row, its addresses over time, what is claimed of it, now and as it was known then.
//!
//! It must not conclude: which of two claims is believed is the judge's to say. Each answer has a bound, and says where it was met.

use crate::db::{Cell, Db};
use crate::devices::{AsOf, ClaimRow, DeviceRow, device_id, stored_id};
use crate::error::Result;
use crate::tx::{time, timestamp};
use model::{About, DeviceId, SiteId, Timestamp};

/// Addresses over time of one device that are read, newest first.
pub const BINDINGS_MAX: usize = 500;
/// Claims of one device that are read.
pub const CLAIMS_MAX: usize = 5_000;
/// Merges followed from a device to the one it turned out to be.
const MERGES_MAX: usize = 16;

/// Rows up to a bound, and whether there are more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounded<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// There are more than these.
    pub has_more: bool,
}

/// An address that was the device's for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Number of the row.
    pub id: i64,
    /// Which endpoint, as tables name it.
    pub endpoint: String,
    /// True from here on.
    pub true_from: Timestamp,
    /// True until here; `None`: still.
    pub true_to: Option<Timestamp>,
    /// Known from here on.
    pub known_from: Timestamp,
}

/// The device as it was known at `known_at`; `None`: it was not.
///
/// # Errors
/// By cause.
pub fn row(db: &mut Db, site: SiteId, device: DeviceId, known_at: Timestamp) -> Result<Option<DeviceRow>> {
    let sql = format!(
        "SELECT {} FROM devices d WHERE d.site = ?1 AND d.device = ?2 AND d.known_from <= ?3 \
         AND (d.known_to IS NULL OR d.known_to > ?3) ORDER BY d.id DESC LIMIT 1",
        DeviceRow::COLUMNS
    );
    let parameters = [Cell::Int(site.0.into()), Cell::Int(stored_id(device)), Cell::Int(time(known_at))];
    let mut found = None;
    db.query(&sql, &parameters, &mut |row| {
        found = Some(DeviceRow::read(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// The device as it was at `at`, and by what is known when that is told: by what was known then; where Ward learned only later that it
/// was there, by what is known now. `None`: it was not there. As `past` tells all devices.
///
/// # Errors
/// By cause.
pub fn row_at(
    db: &mut Db,
    site: SiteId,
    device: DeviceId,
    at: Timestamp,
) -> Result<Option<(DeviceRow, Timestamp)>> {
    if let Some(row) = row(db, site, device, at)? {
        return Ok(Some((row, at)));
    }
    let sql = "SELECT min(known_from) FROM devices WHERE site = ?1 AND device = ?2";
    let first = db.number(sql, &[Cell::Int(site.0.into()), Cell::Int(stored_id(device))])?;
    if first.is_none_or(|first| first <= time(at)) {
        return Ok(None);
    }
    let now = row(db, site, device, Timestamp::MAX)?;
    Ok(now.filter(|row| row.first_seen <= at).map(|row| (row, Timestamp::MAX)))
}

/// Since when the device is there, as far as Ward knows; `None`: there is none.
///
/// # Errors
/// By cause.
pub fn begins(db: &mut Db, site: SiteId, device: DeviceId) -> Result<Option<Timestamp>> {
    let sql = "SELECT min(first_seen) FROM devices WHERE site = ?1 AND device = ?2";
    Ok(db.number(sql, &[Cell::Int(site.0.into()), Cell::Int(stored_id(device))])?.map(timestamp))
}

/// The device that `row` turned out to be, through all merges known at `known_at`; `None`: it is itself.
///
/// # Errors
/// By cause.
pub fn survivor(
    db: &mut Db,
    site: SiteId,
    device: &DeviceRow,
    known_at: Timestamp,
) -> Result<Option<DeviceId>> {
    let mut next = device.merged_into;
    let mut survivor = None;
    for _ in 0..MERGES_MAX {
        let Some(device) = next else { break };
        survivor = Some(device);
        next = row(db, site, device, known_at)?.and_then(|row| row.merged_into);
    }
    Ok(survivor)
}

/// The addresses of the device over time until `at.true_at`, newest first.
///
/// # Errors
/// By cause.
pub fn held(db: &mut Db, site: SiteId, device: DeviceId, at: AsOf) -> Result<Bounded<Held>> {
    let sql = "SELECT id, endpoint, true_from, true_to, known_from FROM bindings WHERE site = ?1 AND device = ?2 \
               AND true_from <= ?3 AND known_from <= ?4 AND (known_to IS NULL OR known_to > ?4) \
               ORDER BY true_from DESC, id DESC LIMIT ?5";
    let parameters = [
        Cell::Int(site.0.into()),
        Cell::Int(stored_id(device)),
        Cell::Int(time(at.true_at)),
        Cell::Int(time(at.known_at)),
        Cell::Int(BINDINGS_MAX as i64 + 1),
    ];
    let mut rows = Vec::new();
    db.query(sql, &parameters, &mut |row| {
        rows.push(Held {
            id: row.int(0)?,
            endpoint: row.text(1)?.to_owned(),
            true_from: timestamp(row.int(2)?),
            true_to: row.optional_int(3)?.map(timestamp).filter(|to| *to <= at.true_at),
            known_from: timestamp(row.int(4)?),
        });
        Ok(())
    })?;
    Ok(bounded(rows, BINDINGS_MAX))
}

/// What is claimed of the device: by its addresses while they were its own, and by people. Of what was claimed by `at.true_at`, with
/// what had ended by then; by attribute, the most believed first.
///
/// # Errors
/// By cause.
pub fn claims(
    db: &mut Db,
    site: SiteId,
    device: DeviceId,
    held: &[Held],
    at: AsOf,
) -> Result<Bounded<ClaimRow>> {
    let mut rows = Vec::new();
    let about = About::Device(device).to_string();
    claims_of(db, (site, &about, at), &mut |claim| rows.push(claim))?;
    let mut endpoints: Vec<&str> = held.iter().map(|held| held.endpoint.as_str()).collect();
    endpoints.sort_unstable();
    endpoints.dedup();
    for endpoint in endpoints {
        if rows.len() > CLAIMS_MAX {
            break;
        }
        let spans: Vec<&Held> = held.iter().filter(|held| held.endpoint == endpoint).collect();
        // What was said of an address before or after it was this device's is another's.
        let is_its = |claim: &ClaimRow| {
            spans.iter().any(|span| {
                span.true_to.is_none_or(|to| claim.true_from < to)
                    && claim.true_to.is_none_or(|to| to >= span.true_from)
            })
        };
        claims_of(db, (site, endpoint, at), &mut |claim| {
            if is_its(&claim) {
                rows.push(claim);
            }
        })?;
    }
    rows.sort_by(|a, b| {
        let rank = |claim: &ClaimRow| {
            (claim.true_to.is_some(), std::cmp::Reverse(claim.confidence), claim.true_from)
        };
        a.attribute.cmp(&b.attribute).then_with(|| rank(a).cmp(&rank(b))).then_with(|| a.value.cmp(&b.value))
    });
    Ok(bounded(rows, CLAIMS_MAX))
}

fn claims_of(
    db: &mut Db,
    (site, endpoint, at): (SiteId, &str, AsOf),
    each: &mut dyn FnMut(ClaimRow),
) -> Result<()> {
    let sql = format!(
        "SELECT {} FROM claims WHERE site = ?1 AND endpoint = ?2 AND true_from <= ?3 AND known_from <= ?4 \
         AND (known_to IS NULL OR known_to > ?4) ORDER BY id DESC LIMIT ?5",
        ClaimRow::COLUMNS
    );
    let parameters = [
        Cell::Int(site.0.into()),
        Cell::Text(endpoint),
        Cell::Int(time(at.true_at)),
        Cell::Int(time(at.known_at)),
        Cell::Int(CLAIMS_MAX as i64 + 1),
    ];
    db.query(&sql, &parameters, &mut |row| {
        let claim = ClaimRow::read(row)?;
        // What ended after that moment had not ended at it.
        each(ClaimRow { true_to: claim.true_to.filter(|to| *to <= at.true_at), ..claim });
        Ok(())
    })
}

/// Devices that are reached through `gateway`, as known at `known_at`, at most `limit`.
///
/// # Errors
/// By cause.
pub fn behind(
    db: &mut Db,
    site: SiteId,
    gateway: DeviceId,
    known_at: Timestamp,
    limit: usize,
) -> Result<Bounded<DeviceRow>> {
    let sql = format!(
        "SELECT {} FROM devices d WHERE d.site = ?1 AND d.behind = ?2 AND d.known_from <= ?3 \
         AND (d.known_to IS NULL OR d.known_to > ?3) AND d.merged_into IS NULL ORDER BY d.id LIMIT ?4",
        DeviceRow::COLUMNS
    );
    let parameters = [
        Cell::Int(site.0.into()),
        Cell::Int(stored_id(gateway)),
        Cell::Int(time(known_at)),
        Cell::Int(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)),
    ];
    let mut rows = Vec::new();
    db.query(&sql, &parameters, &mut |row| {
        rows.push(DeviceRow::read(row)?);
        Ok(())
    })?;
    Ok(bounded(rows, limit))
}

/// Whose `endpoint` was at `at`, by all that is known now.
///
/// # Errors
/// By cause.
pub fn holder(db: &mut Db, site: SiteId, endpoint: &str, at: Timestamp) -> Result<Option<DeviceId>> {
    let sql = "SELECT device FROM bindings WHERE site = ?1 AND endpoint = ?2 AND known_to IS NULL \
               AND (true_to IS NULL OR true_to > ?3) ORDER BY true_from LIMIT 1";
    let parameters = [Cell::Int(site.0.into()), Cell::Text(endpoint), Cell::Int(time(at))];
    Ok(db.number(sql, &parameters)?.map(device_id))
}

fn bounded<T>(mut rows: Vec<T>, most: usize) -> Bounded<T> {
    let has_more = rows.len() > most;
    rows.truncate(most);
    Bounded { rows, has_more }
}
