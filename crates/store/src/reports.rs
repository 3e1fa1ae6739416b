//! Reports and their copies. When the next copy is due is worked out by who knows the site's clock; the store only keeps it.

use crate::db::{Cell, Db, Row, Value};
use crate::error::{Result, StoreError};
use crate::listing::{self, Listing};
use crate::read::{Cursor, Page, Scope};
use crate::store::Store;
use crate::table::{REPORT_COPIES, REPORTS};
use crate::tx::{Tx, time, timestamp};
use model::{Format, Line, PagePath, PageQuery, Report, SiteId, Timestamp, View};

/// Reports of a site that are not ended.
pub const REPORTS_MAX: usize = 200;
/// Copies of a report; the oldest goes when another comes.
pub const COPIES_MAX: usize = 30;
/// Bytes of a copy as it is kept.
pub const COPY_BYTES_MAX: usize = 8 << 20;

/// A report and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    /// Number of the row.
    pub id: i64,
    /// The report.
    pub report: Report,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When its next copy is due.
    pub next_at: Option<Timestamp>,
    /// When it was ended; its copies stay.
    pub ended_at: Option<Timestamp>,
}

/// A copy, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyRow {
    /// Number of the row.
    pub id: i64,
    /// Of which report.
    pub report: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// Rows in it.
    pub rows: i64,
}

impl ReportRow {
    fn cells(&self) -> Vec<Value> {
        let Report { view, format, schedule } = &self.report;
        vec![
            view.name.as_str().into(),
            view.page.as_str().into(),
            view.query.as_str().into(),
            format.name().into(),
            schedule.to_string().into(),
            self.created_by.clone().into(),
            time(self.created_at).into(),
            Value::optional_int(self.next_at.map(time)),
            Value::optional_int(self.ended_at.map(time)),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.int(0)?;
        let damaged = |what: &str| StoreError::damaged(format!("table reports, row {id}: its {what}"));
        let view = View {
            name: Line::kept(row.text(1)?.to_owned()),
            page: PagePath::kept(row.text(2)?.to_owned()),
            query: PageQuery::kept(row.text(3)?.to_owned()),
        };
        let report = Report {
            view,
            format: Format::named(row.text(4)?).ok_or_else(|| damaged("format"))?,
            schedule: row.text(5)?.parse().map_err(|_| damaged("schedule"))?,
        };
        Ok(Self {
            id,
            report,
            created_by: row.text(6)?.to_owned(),
            created_at: timestamp(row.int(7)?),
            next_at: row.optional_int(8)?.map(timestamp),
            ended_at: row.optional_int(9)?.map(timestamp),
        })
    }

    /// The one of that number.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, site: SiteId, id: i64) -> Result<Option<Self>> {
        listing::find(db, &REPORTS, site, id, Self::read)
    }

    /// Those whose next copy is due, longest first.
    ///
    /// # Errors
    /// By cause.
    pub fn due(db: &mut Db, site: SiteId, now: Timestamp) -> Result<Vec<Self>> {
        let scope = Scope::site(site);
        let mut listing = Listing::of(&REPORTS, &scope);
        listing.that("t.ended_at IS NULL");
        listing.having("t.next_at <= ?", Cell::Int(time(now)));
        listing.by("t.next_at, t.id");
        Ok(listing.page(db, REPORTS_MAX, Self::read, |row| row.id, None)?.items)
    }
}

/// A page of reports, newest first; those that were ended, or those that were not.
///
/// # Errors
/// By cause.
pub fn list(
    db: &mut Db,
    scope: &Scope,
    ended: Option<bool>,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<ReportRow>> {
    let mut listing = Listing::of(&REPORTS, scope);
    match ended {
        None => {}
        Some(true) => listing.that("t.ended_at IS NOT NULL"),
        Some(false) => listing.that("t.ended_at IS NULL"),
    }
    listing.after(after);
    listing.page(db, limit, ReportRow::read, |row| row.id, None)
}

/// The copies of a report, newest first; never more than [`COPIES_MAX`].
///
/// # Errors
/// By cause.
pub fn copies(db: &mut Db, site: SiteId, report: i64) -> Result<Vec<CopyRow>> {
    let mut copies = Vec::new();
    let sql = "SELECT id, report, made_at, rows FROM report_copies WHERE site = ?1 AND report = ?2 ORDER BY id DESC";
    db.query(sql, &[Cell::Int(site.0.into()), Cell::Int(report)], &mut |row| {
        copies.push(CopyRow {
            id: row.int(0)?,
            report: row.int(1)?,
            made_at: timestamp(row.int(2)?),
            rows: row.int(3)?,
        });
        Ok(())
    })?;
    Ok(copies)
}

/// The bytes of a copy.
///
/// # Errors
/// By cause.
pub fn copy_data(db: &mut Db, site: SiteId, report: i64, copy: i64) -> Result<Option<Vec<u8>>> {
    let mut data = None;
    let sql = "SELECT data FROM report_copies WHERE site = ?1 AND report = ?2 AND id = ?3";
    db.query(sql, &[Cell::Int(site.0.into()), Cell::Int(report), Cell::Int(copy)], &mut |row| {
        data = Some(row.blob(0)?.to_vec());
        Ok(())
    })?;
    Ok(data)
}

/// A new report, to be written.
///
/// # Errors
/// [`StoreError::Refused`] when there are too many; and by cause.
pub fn plan_create(
    store: &mut Store,
    (site, by, now): (SiteId, &str, Timestamp),
    report: Report,
    next_at: Option<Timestamp>,
) -> Result<(ReportRow, Tx)> {
    listing::room(store.db(), &REPORTS, site, "t.ended_at IS NULL", (REPORTS_MAX, "reports"))?;
    let id = store.next_id(&REPORTS);
    let created_at = now.max(store.newest());
    let row = ReportRow { id, report, created_by: by.to_owned(), created_at, next_at, ended_at: None };
    let mut tx = Tx::new(site, by, "a report is made", now);
    tx.put(&REPORTS, id, row.cells());
    Ok((row, tx))
}

/// Report `id` as `report` is.
///
/// # Errors
/// [`StoreError::Refused`] when there is none; and by cause.
pub fn plan_change(
    store: &mut Store,
    (site, by, now): (SiteId, &str, Timestamp),
    id: i64,
    report: Report,
    next_at: Option<Timestamp>,
) -> Result<(ReportRow, Tx)> {
    let row = ReportRow { report, next_at, ..standing(store.db(), site, id)? };
    let mut tx = Tx::new(site, by, "a report is changed", now);
    tx.put(&REPORTS, id, row.cells());
    Ok((row, tx))
}

/// Report `id` makes no more copies; those that it made stay.
///
/// # Errors
/// [`StoreError::Refused`] when there is none; and by cause.
pub fn plan_end(
    store: &mut Store,
    site: SiteId,
    by: &str,
    now: Timestamp,
    id: i64,
) -> Result<(ReportRow, Tx)> {
    let ended_at = Some(now.max(store.newest()));
    let row = ReportRow { next_at: None, ended_at, ..standing(store.db(), site, id)? };
    let mut tx = Tx::new(site, by, "a report is ended", now);
    tx.put(&REPORTS, id, row.cells());
    Ok((row, tx))
}

/// A copy of report `id`, or none where it could not be made, and when the next is due. The oldest beyond [`COPIES_MAX`] go.
///
/// # Errors
/// [`StoreError::Refused`] when there is no such report, or the copy is too large; and by cause.
pub fn plan_copy(
    store: &mut Store,
    (site, by, now): (SiteId, &str, Timestamp),
    id: i64,
    copy: Option<(i64, Vec<u8>)>,
    next_at: Option<Timestamp>,
) -> Result<(Option<CopyRow>, Tx)> {
    let row = ReportRow { next_at, ..standing(store.db(), site, id)? };
    let mut tx = Tx::new(site, by, "a copy of a report", now);
    tx.put(&REPORTS, id, row.cells());
    let Some((rows, data)) = copy else { return Ok((None, tx)) };
    if data.len() > COPY_BYTES_MAX {
        let why = format!("report {id} is larger than {COPY_BYTES_MAX} bytes: filter its view by more");
        return Err(StoreError::Refused(why));
    }
    for old in copies(store.db(), site, id)?.iter().skip(COPIES_MAX - 1) {
        tx.delete(&REPORT_COPIES, old.id);
    }
    let copy =
        CopyRow { id: store.next_id(&REPORT_COPIES), report: id, made_at: now.max(store.newest()), rows };
    let cells = vec![id.into(), time(copy.made_at).into(), rows.into(), data.into()];
    tx.put(&REPORT_COPIES, copy.id, cells);
    Ok((Some(copy), tx))
}

fn standing(db: &mut Db, site: SiteId, id: i64) -> Result<ReportRow> {
    let known = ReportRow::find(db, site, id)?.filter(|row| row.ended_at.is_none());
    known.ok_or_else(|| StoreError::Refused(format!("there is no report {id} that goes on")))
}
