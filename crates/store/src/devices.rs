//! Devices, the endpoints bound to them and what is claimed: as they are, and as they were known on a date.
//!
//! Bitemporal: *true* from–to is the world's time, *known* from–to is Ward's. Nothing is overwritten: what turns out to be
//! otherwise is closed in known time and written anew.

use crate::db::{Cell, Db, Row, Value};
use crate::endpoints;
use crate::error::{Result, StoreError};
use crate::read::{Cursor, Page, Scope};
use crate::tx::{time, timestamp};
use judge::inventory::SubjectKey;
use model::{Attribute, Card, DeviceId, Protocol, SiteId, Timestamp};

/// What a device is called that nobody has looked at.
pub const UNREVIEWED: &str = "unreviewed";
/// Rows of one page.
pub const PAGE_MAX: usize = 500;

/// A device as the site sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DeviceRow {
    /// Number of the row.
    #[serde(skip)]
    pub id: i64,
    /// Identity.
    pub device: DeviceId,
    /// What names it: an endpoint, or `equipment|` and an identifier behind a gateway.
    pub key: String,
    /// Its best name.
    pub name: Option<String>,
    /// Maker of its interface.
    pub vendor: Option<String>,
    /// Its class; `None`: not known.
    pub class: Option<String>,
    /// The zone it is in; `None`: unzoned.
    pub zone: Option<String>,
    /// `unreviewed`, or what a person or a rule made of it.
    pub review: String,
    /// Forwards for others.
    pub router: bool,
    /// Reached through this one.
    pub behind: Option<DeviceId>,
    /// At rest, because it turned out to be this one.
    pub merged_into: Option<DeviceId>,
    /// What is concluded of it.
    pub card: Card,
    /// First frame.
    pub first_seen: Timestamp,
    /// Known from here on.
    pub known_from: Timestamp,
}

impl DeviceRow {
    pub(crate) const COLUMNS: &'static str = "d.id, d.device, d.device_key, d.name, d.vendor, \
        d.class, d.zone, d.review, d.router, d.behind, d.merged_into, d.card, d.first_seen, d.known_from";

    /// The columns of the row; `known_to` closes it.
    pub fn cells(&self, known_to: Option<Timestamp>) -> Vec<Value> {
        vec![
            stored_id(self.device).into(),
            self.key.clone().into(),
            Value::optional_text(self.name.as_deref()),
            Value::optional_text(self.vendor.as_deref()),
            Value::optional_text(self.class.as_deref()),
            Value::optional_text(self.zone.as_deref()),
            self.review.clone().into(),
            self.router.into(),
            Value::optional_int(self.behind.map(stored_id)),
            Value::optional_int(self.merged_into.map(stored_id)),
            Value::optional_text((self.card != Card::default()).then(|| card(&self.card)).as_deref()),
            time(self.first_seen).into(),
            time(self.known_from).into(),
            Value::optional_int(known_to.map(time)),
        ]
    }

    pub(crate) fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.int(0)?,
            device: device_id(row.int(1)?),
            key: row.text(2)?.to_owned(),
            name: row.optional_text(3)?.map(str::to_owned),
            vendor: row.optional_text(4)?.map(str::to_owned),
            class: row.optional_text(5)?.map(str::to_owned),
            zone: row.optional_text(6)?.map(str::to_owned),
            review: row.text(7)?.to_owned(),
            router: row.int(8)? != 0,
            behind: row.optional_int(9)?.map(device_id),
            merged_into: row.optional_int(10)?.map(device_id),
            card: match row.optional_text(11)? {
                None => Card::default(),
                Some(json) => serde_json::from_str(json).map_err(|e| {
                    StoreError::damaged(format!("table devices, row {}: {e}", row.int(0).unwrap_or(0)))
                })?,
            },
            first_seen: timestamp(row.int(12)?),
            known_from: timestamp(row.int(13)?),
        })
    }

    /// Those of a site that are known now, each handed to `each`.
    ///
    /// # Errors
    /// By cause.
    pub fn each_current(db: &mut Db, site: SiteId, each: &mut dyn FnMut(Self)) -> Result<()> {
        let sql = format!(
            "SELECT {} FROM devices d WHERE d.site = ?1 AND d.known_to IS NULL ORDER BY d.id",
            Self::COLUMNS
        );
        db.query(&sql, &[Cell::Int(site.0.into())], &mut |row| {
            each(Self::read(row)?);
            Ok(())
        })
    }
}

/// An endpoint that belongs to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingRow {
    /// Number of the row.
    pub id: i64,
    /// Which endpoint.
    pub endpoint: SubjectKey,
    /// Whose.
    pub device: DeviceId,
    /// True from here on.
    pub true_from: Timestamp,
    /// True until here; `None`: still.
    pub true_to: Option<Timestamp>,
    /// Known from here on.
    pub known_from: Timestamp,
}

impl BindingRow {
    /// The columns of the row; `known_to` closes it.
    pub fn cells(&self, known_to: Option<Timestamp>) -> Vec<Value> {
        vec![
            endpoints::text(&self.endpoint).into(),
            stored_id(self.device).into(),
            time(self.true_from).into(),
            Value::optional_int(self.true_to.map(time)),
            time(self.known_from).into(),
            Value::optional_int(known_to.map(time)),
        ]
    }

    /// Those of a site that hold now, each handed to `each`.
    ///
    /// # Errors
    /// By cause.
    pub fn each_current(db: &mut Db, site: SiteId, each: &mut dyn FnMut(Self)) -> Result<()> {
        let sql = "SELECT id, endpoint, device, true_from, true_to, known_from FROM bindings \
                   WHERE site = ?1 AND known_to IS NULL AND true_to IS NULL ORDER BY id";
        db.query(sql, &[Cell::Int(site.0.into())], &mut |row| {
            each(Self {
                id: row.int(0)?,
                endpoint: endpoints::parse(row.text(1)?)?,
                device: device_id(row.int(2)?),
                true_from: timestamp(row.int(3)?),
                true_to: row.optional_int(4)?.map(timestamp),
                known_from: timestamp(row.int(5)?),
            });
            Ok(())
        })
    }

    /// The device of `endpoint` at `at`, as known now: bind (DESIGN §4, step 6).
    ///
    /// # Errors
    /// By cause.
    pub fn device_at(
        db: &mut Db,
        site: SiteId,
        endpoint: &SubjectKey,
        at: Timestamp,
    ) -> Result<Option<DeviceId>> {
        let endpoint = endpoints::text(endpoint);
        let parameters = [Cell::Int(site.0.into()), Cell::Text(&endpoint), Cell::Int(time(at))];
        let sql = "SELECT device FROM bindings WHERE site = ?1 AND endpoint = ?2 AND known_to IS NULL \
                   AND true_from <= ?3 AND (true_to IS NULL OR true_to > ?3) ORDER BY id DESC LIMIT 1";
        Ok(db.number(sql, &parameters)?.map(device_id))
    }
}

/// A claim as it stands in the table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ClaimRow {
    /// Number of the row.
    #[serde(skip)]
    pub id: i64,
    /// Of which endpoint, as tables name it.
    pub endpoint: String,
    /// What is claimed.
    pub attribute: String,
    /// The value.
    pub value: String,
    /// Which protocol carried it.
    pub source: String,
    /// 0–100.
    pub confidence: i64,
    /// True from here on.
    pub true_from: Timestamp,
    /// True until here; `None`: still.
    pub true_to: Option<Timestamp>,
    /// Known from here on.
    pub known_from: Timestamp,
}

impl ClaimRow {
    pub(crate) const COLUMNS: &'static str =
        "id, endpoint, attribute, value, source, confidence, true_from, true_to, known_from";

    /// The columns of the row; `known_to` closes it.
    pub fn cells(&self, known_to: Option<Timestamp>) -> Vec<Value> {
        vec![
            self.endpoint.clone().into(),
            self.attribute.clone().into(),
            self.value.clone().into(),
            self.source.clone().into(),
            self.confidence.into(),
            time(self.true_from).into(),
            Value::optional_int(self.true_to.map(time)),
            time(self.known_from).into(),
            Value::optional_int(known_to.map(time)),
        ]
    }

    pub(crate) fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.int(0)?,
            endpoint: row.text(1)?.to_owned(),
            attribute: row.text(2)?.to_owned(),
            value: row.text(3)?.to_owned(),
            source: row.text(4)?.to_owned(),
            confidence: row.int(5)?,
            true_from: timestamp(row.int(6)?),
            true_to: row.optional_int(7)?.map(timestamp),
            known_from: timestamp(row.int(8)?),
        })
    }

    /// The claim of that row, if it is open.
    ///
    /// # Errors
    /// By cause.
    pub(crate) fn open_numbered(db: &mut Db, site: SiteId, id: i64) -> Result<Option<Self>> {
        let sql = format!(
            "SELECT {} FROM claims WHERE site = ?1 AND id = ?2 AND true_to IS NULL AND known_to IS NULL",
            Self::COLUMNS
        );
        let mut found = None;
        db.query(&sql, &[Cell::Int(site.0.into()), Cell::Int(id)], &mut |row| {
            found = Some(Self::read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The open claim of `endpoint` that says this.
    ///
    /// # Errors
    /// By cause.
    pub fn open(
        db: &mut Db,
        site: SiteId,
        endpoint: &SubjectKey,
        (attribute, value, source): (Attribute, &str, Protocol),
    ) -> Result<Option<Self>> {
        let (endpoint, mut found) = (endpoints::text(endpoint), None);
        let parameters = [
            Cell::Int(site.0.into()),
            Cell::Text(&endpoint),
            Cell::Text(attribute.name()),
            Cell::Text(value),
            Cell::Text(source.name()),
        ];
        let sql = format!(
            "SELECT {} FROM claims WHERE site = ?1 AND endpoint = ?2 AND attribute = ?3 AND value = ?4 \
             AND source = ?5 AND true_to IS NULL AND known_to IS NULL ORDER BY id DESC LIMIT 1",
            Self::COLUMNS
        );
        db.query(&sql, &parameters, &mut |row| {
            found = Some(Self::read(row)?);
            Ok(())
        })?;
        Ok(found)
    }
}

/// A moment to ask for: what was true then, as it was known at another (or the same) moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// In the world.
    pub true_at: Timestamp,
    /// To Ward.
    pub known_at: Timestamp,
}

impl AsOf {
    /// What was true at `at`, by all that is known now.
    pub fn now_known(at: Timestamp) -> Self {
        Self { true_at: at, known_at: Timestamp::from_nanos(i64::MAX.cast_unsigned()) }
    }
}

/// A device as it was.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DeviceAt {
    /// The device.
    #[serde(flatten)]
    pub device: DeviceRow,
    /// Its endpoints.
    pub endpoints: Vec<String>,
    /// What was claimed of them.
    pub claims: Vec<ClaimRow>,
}

/// A page of the inventory as it was, by device row.
///
/// # Errors
/// By cause.
pub fn inventory(
    db: &mut Db,
    scope: &Scope,
    at: AsOf,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<DeviceAt>> {
    let limit = limit.clamp(1, PAGE_MAX);
    let mut parameters = vec![
        Cell::Int(after.map_or(0, |cursor| cursor.0)),
        Cell::Int(time(at.true_at)),
        Cell::Int(time(at.known_at)),
        Cell::Int(limit as i64 + 1),
    ];
    let condition = scope.condition("d", true, &mut parameters);
    let sql = format!(
        "SELECT {}, d.site FROM devices d WHERE {condition} AND d.id > ?1 AND d.first_seen <= ?2 \
         AND d.merged_into IS NULL AND d.known_from <= ?3 AND (d.known_to IS NULL OR d.known_to > ?3) \
         ORDER BY d.id LIMIT ?4",
        DeviceRow::COLUMNS
    );
    let mut rows = Vec::new();
    db.query(&sql, &parameters, &mut |row| {
        rows.push((row.int(14)?, DeviceRow::read(row)?));
        Ok(())
    })?;
    let next = if rows.len() > limit {
        rows.truncate(limit);
        rows.last().map(|(_, device)| Cursor(device.id))
    } else {
        None
    };
    let mut items = Vec::with_capacity(rows.len());
    for (site, device) in rows {
        let endpoints = endpoints_at(db, site, device.device, at)?;
        let mut claims = Vec::new();
        for endpoint in &endpoints {
            claims_at(db, site, endpoint, at, &mut claims)?;
        }
        items.push(DeviceAt { device, endpoints, claims });
    }
    Ok(Page { items, next })
}

fn endpoints_at(db: &mut Db, site: i64, device: DeviceId, at: AsOf) -> Result<Vec<String>> {
    let mut endpoints = Vec::new();
    let parameters = [
        Cell::Int(site),
        Cell::Int(stored_id(device)),
        Cell::Int(time(at.true_at)),
        Cell::Int(time(at.known_at)),
    ];
    let sql = "SELECT DISTINCT endpoint FROM bindings WHERE site = ?1 AND device = ?2 AND true_from <= ?3 \
               AND (true_to IS NULL OR true_to > ?3) AND known_from <= ?4 \
               AND (known_to IS NULL OR known_to > ?4) ORDER BY endpoint";
    db.query(sql, &parameters, &mut |row| {
        endpoints.push(row.text(0)?.to_owned());
        Ok(())
    })?;
    Ok(endpoints)
}

fn claims_at(db: &mut Db, site: i64, endpoint: &str, at: AsOf, claims: &mut Vec<ClaimRow>) -> Result<()> {
    let parameters =
        [Cell::Int(site), Cell::Text(endpoint), Cell::Int(time(at.true_at)), Cell::Int(time(at.known_at))];
    let sql = format!(
        "SELECT {} FROM claims WHERE site = ?1 AND endpoint = ?2 AND true_from <= ?3 \
         AND (true_to IS NULL OR true_to > ?3) AND known_from <= ?4 AND (known_to IS NULL OR known_to > ?4) \
         ORDER BY attribute, confidence DESC, value, id",
        ClaimRow::COLUMNS
    );
    db.query(&sql, &parameters, &mut |row| {
        claims.push(ClaimRow::read(row)?);
        Ok(())
    })
}

fn card(card: &Card) -> String {
    serde_json::to_string(card).unwrap_or_default()
}

/// A device id as tables keep it.
pub fn stored_id(device: DeviceId) -> i64 {
    device.0.cast_signed()
}

/// A device id out of a table.
pub fn device_id(stored: i64) -> DeviceId {
    DeviceId(stored.cast_unsigned())
}

impl From<std::num::TryFromIntError> for StoreError {
    fn from(error: std::num::TryFromIntError) -> Self {
        Self::damaged(error.to_string())
    }
}
