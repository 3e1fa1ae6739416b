//! The devices of a site as they were known at a moment: read table by table, each row handed on as it comes.
//!
//! It must not use what Ward learned later: known time decides, and what was true then by what was known then. When an endpoint was
//! last seen is kept only as it is now, so it is told only where it has not been seen since that moment.

use crate::db::{Cell, Db};
use crate::devices::{DeviceRow, device_id};
use crate::endpoints;
use crate::error::Result;
use crate::tx::{time, timestamp};
use crate::word::{PERSON, Word};
use judge::inventory::SubjectKey;
use model::{About, DeviceId, FindingKind, SiteId, Timestamp};

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

/// When the first device of a site was known; `None`: none ever was.
///
/// # Errors
/// By cause.
pub fn begins(db: &mut Db, site: SiteId) -> Result<Option<Timestamp>> {
    let sql = "SELECT min(known_from) FROM devices WHERE site = ?1";
    Ok(db.number(sql, &[Cell::Int(site.0.into())])?.map(timestamp))
}

/// Everything that was known of devices at `at`, each handed to `each`: devices first, then their endpoints, words and findings.
///
/// # Errors
/// By cause, or what `each` returns.
pub fn each(
    db: &mut Db,
    site: SiteId,
    at: Timestamp,
    each: &mut dyn FnMut(Piece) -> Result<()>,
) -> Result<()> {
    devices(db, site, at, each)?;
    endpoints_of(db, site, at, each)?;
    last_seen(db, site, at, each)?;
    words(db, site, at, each)?;
    findings(db, site, at, each)
}

type Each<'e> = &'e mut dyn FnMut(Piece) -> Result<()>;

fn devices(db: &mut Db, site: SiteId, at: Timestamp, each: Each<'_>) -> Result<()> {
    let sql = format!(
        "SELECT {} FROM devices d WHERE d.site = ?1 AND d.first_seen <= ?2 AND d.merged_into IS NULL \
         AND d.known_from <= ?2 AND (d.known_to IS NULL OR d.known_to > ?2) ORDER BY d.id",
        DeviceRow::COLUMNS
    );
    db.query(&sql, &moment(site, at), &mut |row| each(Piece::Device(Box::new(DeviceRow::read(row)?))))
}

fn endpoints_of(db: &mut Db, site: SiteId, at: Timestamp, each: Each<'_>) -> Result<()> {
    let sql = "SELECT device, endpoint FROM bindings WHERE site = ?1 AND true_from <= ?2 \
               AND (true_to IS NULL OR true_to > ?2) AND known_from <= ?2 \
               AND (known_to IS NULL OR known_to > ?2) ORDER BY id";
    db.query(sql, &moment(site, at), &mut |row| {
        each(Piece::Endpoint(device_id(row.int(0)?), endpoints::parse(row.text(1)?)?))
    })
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

fn findings(db: &mut Db, site: SiteId, at: Timestamp, each: Each<'_>) -> Result<()> {
    let sql = "SELECT device, kind FROM findings WHERE site = ?1 AND first_seen <= ?2 AND known_from <= ?2 \
               AND (known_to IS NULL OR known_to > ?2) ORDER BY id";
    db.query(sql, &moment(site, at), &mut |row| {
        let (device, name) = (device_id(row.int(0)?), row.text(1)?);
        let kind = FindingKind::ALL.into_iter().find(|kind| kind.name() == name);
        kind.map_or(Ok(()), |kind| each(Piece::Finding(device, kind)))
    })
}

fn moment(site: SiteId, at: Timestamp) -> [Cell<'static>; 2] {
    [Cell::Int(site.0.into()), Cell::Int(time(at))]
}
