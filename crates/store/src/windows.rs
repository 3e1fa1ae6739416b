//! Windows: when something may be done. A window is not changed: it is ended, and another made, so that what was open when
//! stays to be told.

use crate::about;
use crate::db::{Cell, Db, Row, Value};
use crate::error::{Result, StoreError};
use crate::listing::{self, Listing};
use crate::read::{Cursor, Page, Scope};
use crate::store::Store;
use crate::table::WINDOWS;
use crate::tx::{Tx, time, timestamp};
use model::{About, Line, SiteId, Timestamp, Window};

/// Windows of a site that are not ended.
pub const WINDOWS_MAX: usize = 10_000;

/// A window and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowRow {
    /// Number of the row.
    pub id: i64,
    /// The window.
    pub window: Window,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was ended; it opens no more.
    pub ended_at: Option<Timestamp>,
}

/// Which windows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WindowFilter {
    /// For this.
    pub about: Option<About>,
    /// Those that were ended, or those that were not.
    pub ended: Option<bool>,
}

impl WindowRow {
    fn cells(&self) -> Vec<Value> {
        vec![
            self.window.name.as_str().into(),
            self.window.about.to_string().into(),
            self.window.hours.to_string().into(),
            self.created_by.clone().into(),
            time(self.created_at).into(),
            Value::optional_int(self.ended_at.map(time)),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.int(0)?;
        let hours = row.text(3)?.parse();
        let window = Window {
            name: Line::kept(row.text(1)?.to_owned()),
            about: about::read(row, 2)?,
            hours: hours.map_err(|error| StoreError::damaged(format!("table windows, row {id}: {error}")))?,
        };
        Ok(Self {
            id,
            window,
            created_by: row.text(4)?.to_owned(),
            created_at: timestamp(row.int(5)?),
            ended_at: row.optional_int(6)?.map(timestamp),
        })
    }

    /// The one of that number.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, scope: &Scope, site: SiteId, id: i64) -> Result<Option<Self>> {
        let Some(row) = listing::find(db, &WINDOWS, site, id, Self::read)? else { return Ok(None) };
        Ok(about::is_seen(db, scope, row.window.about)?.then_some(row))
    }
}

/// A page of windows, newest first.
///
/// # Errors
/// By cause.
pub fn list(
    db: &mut Db,
    scope: &Scope,
    filter: &WindowFilter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<WindowRow>> {
    let about = filter.about.map(|about| about.to_string());
    let mut listing = Listing::of(&WINDOWS, scope);
    if let Some(about) = &about {
        listing.having("t.about = ?", Cell::Text(about));
    }
    match filter.ended {
        None => {}
        Some(true) => listing.that("t.ended_at IS NOT NULL"),
        Some(false) => listing.that("t.ended_at IS NULL"),
    }
    listing.after(after);
    listing.page(db, limit, WindowRow::read, |row| row.id, Some((scope, |row: &WindowRow| row.window.about)))
}

/// A new window, to be written.
///
/// # Errors
/// [`StoreError::Refused`] when what it is about is not there, or there are too many; and by cause.
pub fn plan_create(
    store: &mut Store,
    site: SiteId,
    by: &str,
    now: Timestamp,
    window: Window,
) -> Result<(WindowRow, Tx)> {
    about::there(store.db(), site, window.about)?;
    listing::room(store.db(), &WINDOWS, site, "t.ended_at IS NULL", (WINDOWS_MAX, "windows"))?;
    let id = store.next_id(&WINDOWS);
    let created_at = now.max(store.newest());
    let row = WindowRow { id, window, created_by: by.to_owned(), created_at, ended_at: None };
    let mut tx = Tx::new(site, by, "a window is made", now);
    tx.put(&WINDOWS, id, row.cells());
    Ok((row, tx))
}

/// Window `id` opens no more.
///
/// # Errors
/// [`StoreError::Refused`] when there is none or it was ended already; and by cause.
pub fn plan_end(
    store: &mut Store,
    site: SiteId,
    by: &str,
    now: Timestamp,
    id: i64,
) -> Result<(WindowRow, Tx)> {
    let known = listing::find(store.db(), &WINDOWS, site, id, WindowRow::read)?;
    let mut row = known.ok_or_else(|| StoreError::Refused(format!("there is no window {id}")))?;
    if row.ended_at.is_some() {
        return Err(StoreError::Refused(format!("window {id} was ended already: nothing is to be done")));
    }
    row.ended_at = Some(now.max(store.newest()));
    let mut tx = Tx::new(site, by, "a window is ended", now);
    tx.put(&WINDOWS, id, row.cells());
    Ok((row, tx))
}
