//! Saved views: a page with its filters, under a name.

use crate::db::{Cell, Db, Row, Value};
use crate::error::{Result, StoreError};
use crate::listing::{self, Listing};
use crate::read::{Cursor, Page, Scope};
use crate::store::Store;
use crate::table::SAVED_VIEWS;
use crate::tx::{Tx, time, timestamp};
use model::{Line, PagePath, PageQuery, SiteId, Timestamp, View};

/// Views of a site.
pub const VIEWS_MAX: usize = 1_000;

/// A view and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewRow {
    /// Number of the row.
    pub id: i64,
    /// The view.
    pub view: View,
    /// Who saved it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was taken off the list.
    pub deleted_at: Option<Timestamp>,
}

/// Which views.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewFilter {
    /// Of this page.
    pub page: Option<String>,
    /// Those that were taken off the list, or those that were not.
    pub deleted: Option<bool>,
}

impl ViewRow {
    fn cells(&self) -> Vec<Value> {
        vec![
            self.view.name.as_str().into(),
            self.view.page.as_str().into(),
            self.view.query.as_str().into(),
            self.created_by.clone().into(),
            time(self.created_at).into(),
            Value::optional_int(self.deleted_at.map(time)),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.int(0)?,
            view: View {
                name: Line::kept(row.text(1)?.to_owned()),
                page: PagePath::kept(row.text(2)?.to_owned()),
                query: PageQuery::kept(row.text(3)?.to_owned()),
            },
            created_by: row.text(4)?.to_owned(),
            created_at: timestamp(row.int(5)?),
            deleted_at: row.optional_int(6)?.map(timestamp),
        })
    }

    /// The one of that number.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, site: SiteId, id: i64) -> Result<Option<Self>> {
        listing::find(db, &SAVED_VIEWS, site, id, Self::read)
    }
}

/// A page of views, newest first.
///
/// # Errors
/// By cause.
pub fn list(
    db: &mut Db,
    scope: &Scope,
    filter: &ViewFilter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<ViewRow>> {
    let mut listing = Listing::of(&SAVED_VIEWS, scope);
    if let Some(page) = &filter.page {
        listing.having("t.page = ?", Cell::Text(page));
    }
    match filter.deleted {
        None => {}
        Some(true) => listing.that("t.deleted_at IS NOT NULL"),
        Some(false) => listing.that("t.deleted_at IS NULL"),
    }
    listing.after(after);
    listing.page(db, limit, ViewRow::read, |row| row.id, None)
}

/// A new view, to be written.
///
/// # Errors
/// [`StoreError::Refused`] when its page has one of that name, or there are too many; and by cause.
pub fn plan_create(
    store: &mut Store,
    site: SiteId,
    by: &str,
    now: Timestamp,
    view: View,
) -> Result<(ViewRow, Tx)> {
    listing::room(store.db(), &SAVED_VIEWS, site, "t.deleted_at IS NULL", (VIEWS_MAX, "saved views"))?;
    refuse_twins(store.db(), site, 0, &view)?;
    let id = store.next_id(&SAVED_VIEWS);
    let created_at = now.max(store.newest());
    let row = ViewRow { id, view, created_by: by.to_owned(), created_at, deleted_at: None };
    let mut tx = Tx::new(site, by, "a view is saved", now);
    tx.put(&SAVED_VIEWS, id, row.cells());
    Ok((row, tx))
}

/// View `id` as `view` is.
///
/// # Errors
/// [`StoreError::Refused`] when there is none, or its page has another of that name; and by cause.
pub fn plan_change(
    store: &mut Store,
    (site, by, now): (SiteId, &str, Timestamp),
    id: i64,
    view: View,
) -> Result<(ViewRow, Tx)> {
    refuse_twins(store.db(), site, id, &view)?;
    let row = ViewRow { view, ..standing(store.db(), site, id)? };
    let mut tx = Tx::new(site, by, "a saved view is changed", now);
    tx.put(&SAVED_VIEWS, id, row.cells());
    Ok((row, tx))
}

/// View `id` is taken off the list.
///
/// # Errors
/// [`StoreError::Refused`] when there is none; and by cause.
pub fn plan_end(store: &mut Store, site: SiteId, by: &str, now: Timestamp, id: i64) -> Result<(ViewRow, Tx)> {
    let row = ViewRow { deleted_at: Some(now.max(store.newest())), ..standing(store.db(), site, id)? };
    let mut tx = Tx::new(site, by, "a saved view is taken off the list", now);
    tx.put(&SAVED_VIEWS, id, row.cells());
    Ok((row, tx))
}

fn standing(db: &mut Db, site: SiteId, id: i64) -> Result<ViewRow> {
    let known = ViewRow::find(db, site, id)?.filter(|row| row.deleted_at.is_none());
    known.ok_or_else(|| StoreError::Refused(format!("there is no saved view {id}")))
}

fn refuse_twins(db: &mut Db, site: SiteId, id: i64, view: &View) -> Result<()> {
    let sql = "SELECT count(*) FROM saved_views WHERE site = ?1 AND page = ?2 AND name = ?3 AND id <> ?4 \
               AND deleted_at IS NULL";
    let named = [
        Cell::Int(site.0.into()),
        Cell::Text(view.page.as_str()),
        Cell::Text(view.name.as_str()),
        Cell::Int(id),
    ];
    match db.number(sql, &named)? {
        Some(0) | None => Ok(()),
        Some(_) => {
            let why = format!(
                "name: {} has a saved view \"{}\" already: choose another name",
                view.page.as_str(),
                view.name
            );
            Err(StoreError::Refused(why))
        }
    }
}
