//! The devices of a site as they were at a moment: read table by table, each row handed on as it comes.
//!
//! It must not use what Ward learned later of a device that it knew then: what was true then is told by what was known then. A device
//! of which Ward learned only later that it was there (records that came late, a history that was read in) is told by what is known
//! of it now. When an endpoint was last seen is kept only as it is now, so it is told only where it has not been seen since.

use crate::db::{Cell, Db};
use crate::devices::{DeviceRow, device_id};
use crate::endpoints;
use crate::error::Result;
use crate::tx::{time, timestamp};
use crate::word::{PERSON, Word};
use judge::inventory::SubjectKey;
use model::{About, DeviceId, FindingKind, SiteId, Timestamp};
use std::collections::HashSet;

/// Something that was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A device.
    Device(Box<DeviceRow>),
    /// An endpoint was this device's.
    Endpoint(DeviceId, SubjectKey),
    /// An endpoint was last seen then, and not since.
    LastSeen(SubjectKey, Timestamp),
    /// A person's word about a device.
    Word(Word),
    /// A device had this open finding.
    Finding(DeviceId, FindingKind),
}

/// Devices of which Ward learned only later that they were there. Bounded by the devices of the site.
type Late = HashSet<DeviceId>;

/// When the first device of a site was there, as far as is known; `None`: none ever was.
///
/// # Errors
/// By cause.
pub fn begins(db: &mut Db, site: SiteId) -> Result<Option<Timestamp>> {
    let sql = "SELECT min(first_seen) FROM devices WHERE site = ?1";
    Ok(db.number(sql, &[Cell::Int(site.0.into())])?.map(timestamp))
}

/// Everything that is told of devices at `at`, each handed to `each`: devices first, then their endpoints, words and findings.
///
/// # Errors
/// By cause, or what `each` returns.
pub fn each(
    db: &mut Db,
    site: SiteId,
    at: Timestamp,
    each: &mut dyn FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let mut late = Late::new();
    devices(db, site, at, &mut late, each)?;
    endpoints_of(db, site, at, &late, each)?;
    last_seen(db, site, at, each)?;
    words(db, site, at, each)?;
    findings(db, site, at, &late, each)
}

type Each<'e> = &'e mut dyn FnMut(Piece) -> Result<()>;

fn devices(db: &mut Db, site: SiteId, at: Timestamp, late: &mut Late, each: Each<'_>) -> Result<()> {
    let sql = format!(
        "SELECT {} FROM devices d WHERE d.site = ?1 AND d.first_seen <= ?2 AND d.merged_into IS NULL \
         AND ((d.known_from <= ?2 AND (d.known_to IS NULL OR d.known_to > ?2)) \
         OR (d.known_from > ?2 AND d.known_to IS NULL AND NOT EXISTS (SELECT 1 FROM devices e \
         WHERE e.site = d.site AND e.device = d.device AND e.known_from <= ?2))) ORDER BY d.id",
        DeviceRow::COLUMNS
    );
    db.query(&sql, &moment(site, at), &mut |row| {
        let device = DeviceRow::read(row)?;
        if device.known_from > at {
            late.insert(device.device);
        }
        each(Piece::Device(Box::new(device)))
    })
}

fn endpoints_of(db: &mut Db, site: SiteId, at: Timestamp, late: &Late, each: Each<'_>) -> Result<()> {
    let sql = format!(
        "SELECT device, known_from, endpoint FROM bindings WHERE site = ?1 AND true_from <= ?2 \
         AND (true_to IS NULL OR true_to > ?2) AND {THEN_OR_NOW} ORDER BY id"
    );
    db.query(&sql, &moment(site, at), &mut |row| {
        let device = device_id(row.int(0)?);
        if is_told(device, row.int(1)?, at, late) {
            each(Piece::Endpoint(device, endpoints::parse(row.text(2)?)?))?;
        }
        Ok(())
    })
}

/// What was known at `?2`, and what has come to be known since and still is.
const THEN_OR_NOW: &str =
    "((known_from <= ?2 AND (known_to IS NULL OR known_to > ?2)) OR (known_from > ?2 AND known_to IS NULL))";

/// What was known then is told of devices that were known then, and what is known now of the others.
fn is_told(device: DeviceId, known_from: i64, at: Timestamp, late: &Late) -> bool {
    known_from <= time(at) || late.contains(&device)
}

fn last_seen(db: &mut Db, site: SiteId, at: Timestamp, each: Each<'_>) -> Result<()> {
    let sql =
        "SELECT domain, address, last_seen FROM subjects WHERE site = ?1 AND last_seen <= ?2 ORDER BY id";
    db.query(sql, &moment(site, at), &mut |row| {
        let endpoint = endpoints::parse(&format!("{}|{}", row.int(0)?, row.text(1)?))?;
        each(Piece::LastSeen(endpoint, timestamp(row.int(2)?)))
    })
}

fn words(db: &mut Db, site: SiteId, at: Timestamp, each: Each<'_>) -> Result<()> {
    // Words are about devices: the index of endpoints finds them among all claims.
    let sql = "SELECT id, endpoint, attribute, value, true_from FROM claims WHERE site = ?1 \
               AND endpoint >= 'device' AND endpoint < 'devicf' AND source = ?3 AND true_from <= ?2 \
               AND (true_to IS NULL OR true_to > ?2) AND known_from <= ?2 \
               AND (known_to IS NULL OR known_to > ?2) ORDER BY id";
    let [of, then] = moment(site, at);
    db.query(sql, &[of, then, Cell::Text(PERSON)], &mut |row| {
        let Ok(About::Device(device)) = row.text(1)?.parse() else { return Ok(()) };
        let (attribute, value) = (row.text(2)?.to_owned(), row.text(3)?.to_owned());
        each(Piece::Word(Word { row: row.int(0)?, device, attribute, value, since: timestamp(row.int(4)?) }))
    })
}

fn findings(db: &mut Db, site: SiteId, at: Timestamp, late: &Late, each: Each<'_>) -> Result<()> {
    let sql = format!(
        "SELECT device, known_from, kind FROM findings WHERE site = ?1 AND first_seen <= ?2 AND {THEN_OR_NOW} \
         ORDER BY id"
    );
    db.query(&sql, &moment(site, at), &mut |row| {
        let (device, name) = (device_id(row.int(0)?), row.text(2)?);
        let kind = FindingKind::ALL.into_iter().find(|kind| kind.name() == name);
        let known_from = row.int(1)?;
        match kind.filter(|_| is_told(device, known_from, at, late)) {
            Some(kind) => each(Piece::Finding(device, kind)),
            None => Ok(()),
        }
    })
}

fn moment(site: SiteId, at: Timestamp) -> [Cell<'static>; 2] {
    [Cell::Int(site.0.into()), Cell::Int(time(at))]
}
