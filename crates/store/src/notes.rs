//! Notes: what people wrote. A note is not changed; it can be withdrawn, and its words erased where they should not have been
//! written: that it was there, whose and when, stays.

use crate::about;
use crate::db::{Cell, Db, Row, Value};
use crate::error::{Result, StoreError};
use crate::listing::{self, Listing};
use crate::read::{Cursor, Page, Scope};
use crate::store::Store;
use crate::table::NOTES;
use crate::tx::{Tx, time, timestamp};
use model::{About, NOTE_CHARS_MAX, Note, Prose, SiteId, Timestamp};

/// Notes of a site that are not withdrawn.
pub const NOTES_MAX: usize = 1_000_000;

/// A note and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteRow {
    /// Number of the row.
    pub id: i64,
    /// About what.
    pub about: About,
    /// The words; `None`: they were erased.
    pub body: Option<Prose<NOTE_CHARS_MAX>>,
    /// Who wrote it.
    pub written_by: String,
    /// When.
    pub written_at: Timestamp,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}

/// Which notes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoteFilter {
    /// About this.
    pub about: Option<About>,
    /// Those that were withdrawn, or those that were not.
    pub withdrawn: Option<bool>,
}

impl NoteRow {
    fn cells(&self) -> Vec<Value> {
        vec![
            self.about.to_string().into(),
            self.body.as_ref().map_or("", Prose::as_str).into(),
            self.written_by.clone().into(),
            time(self.written_at).into(),
            Value::optional_int(self.withdrawn_at.map(time)),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.int(0)?,
            about: about::read(row, 1)?,
            body: Some(row.text(2)?.to_owned()).filter(|text| !text.is_empty()).map(Prose::kept),
            written_by: row.text(3)?.to_owned(),
            written_at: timestamp(row.int(4)?),
            withdrawn_at: row.optional_int(5)?.map(timestamp),
        })
    }

    /// The one of that number.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, scope: &Scope, site: SiteId, id: i64) -> Result<Option<Self>> {
        let Some(row) = listing::find(db, &NOTES, site, id, Self::read)? else { return Ok(None) };
        Ok(about::is_seen(db, scope, row.about)?.then_some(row))
    }
}

/// A page of notes, newest first.
///
/// # Errors
/// By cause.
pub fn list(
    db: &mut Db,
    scope: &Scope,
    filter: &NoteFilter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<NoteRow>> {
    let about = filter.about.map(|about| about.to_string());
    let mut listing = Listing::of(&NOTES, scope);
    if let Some(about) = &about {
        listing.having("t.about = ?", Cell::Text(about));
    }
    match filter.withdrawn {
        None => {}
        Some(true) => listing.that("t.withdrawn_at IS NOT NULL"),
        Some(false) => listing.that("t.withdrawn_at IS NULL"),
    }
    listing.after(after);
    listing.page(db, limit, NoteRow::read, |row| row.id, Some((scope, |row: &NoteRow| row.about)))
}

/// A new note, to be written.
///
/// # Errors
/// [`StoreError::Refused`] when what it is about is not there, or there are too many; and by cause.
pub fn plan_create(
    store: &mut Store,
    site: SiteId,
    by: &str,
    now: Timestamp,
    note: Note,
) -> Result<(NoteRow, Tx)> {
    about::there(store.db(), site, note.about)?;
    listing::room(store.db(), &NOTES, site, "t.withdrawn_at IS NULL", (NOTES_MAX, "notes"))?;
    let id = store.next_id(&NOTES);
    let row = NoteRow {
        id,
        about: note.about,
        body: Some(note.body),
        written_by: by.to_owned(),
        written_at: now.max(store.newest()),
        withdrawn_at: None,
    };
    let mut tx = Tx::new(site, by, "a note is written", now);
    tx.put(&NOTES, id, row.cells());
    Ok((row, tx))
}

/// Note `id` is withdrawn, and with `erase` its words are gone. What was withdrawn before can still be erased.
///
/// # Errors
/// [`StoreError::Refused`] when there is none or nothing is to be done; and by cause.
pub fn plan_withdraw(
    store: &mut Store,
    (site, by, now): (SiteId, &str, Timestamp),
    id: i64,
    erase: bool,
) -> Result<(NoteRow, Tx)> {
    let known = listing::find(store.db(), &NOTES, site, id, NoteRow::read)?;
    let mut row = known.ok_or_else(|| StoreError::Refused(format!("there is no note {id}")))?;
    let erases = erase && row.body.is_some();
    if row.withdrawn_at.is_some() && !erases {
        return Err(StoreError::Refused(format!("note {id} was withdrawn already: nothing is to be done")));
    }
    row.withdrawn_at = row.withdrawn_at.or_else(|| Some(now.max(store.newest())));
    if erases {
        row.body = None;
    }
    let cause = if erases { "a note is erased" } else { "a note is withdrawn" };
    let mut tx = Tx::new(site, by, cause, now);
    tx.put(&NOTES, id, row.cells());
    Ok((row, tx))
}
