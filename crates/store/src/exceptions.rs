//! Exceptions: what is allowed for a while. An exception that ended or was revoked stays.

use crate::about;
use crate::db::{Cell, Db, Row, Value};
use crate::error::{Result, StoreError};
use crate::listing::{self, Listing};
use crate::read::{Cursor, Page, Scope};
use crate::store::Store;
use crate::table::EXCEPTIONS;
use crate::tx::{Tx, time, timestamp};
use model::{About, Exception, SiteId, Timestamp};

/// Exceptions of a site that hold.
pub const EXCEPTIONS_MAX: usize = 100_000;

/// An exception and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionRow {
    /// Number of the row.
    pub id: i64,
    /// The exception.
    pub exception: Exception,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
}

/// How an exception stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionState {
    /// It holds.
    InForce,
    /// Its time has passed.
    Expired,
    /// It was ended before its time.
    Revoked,
}

impl ExceptionState {
    /// All.
    pub const ALL: [Self; 3] = [Self::InForce, Self::Expired, Self::Revoked];

    /// Its name in JSON and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// Which exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExceptionFilter {
    /// That stand so at that moment.
    pub state: Option<(ExceptionState, Timestamp)>,
    /// For this.
    pub about: Option<About>,
    /// From this rule.
    pub rule: Option<String>,
}

impl ExceptionRow {
    /// How it stands.
    pub fn state(&self, now: Timestamp) -> ExceptionState {
        match self.revoked_at {
            Some(_) => ExceptionState::Revoked,
            None if self.exception.expires_at() <= now => ExceptionState::Expired,
            None => ExceptionState::InForce,
        }
    }

    fn cells(&self) -> Vec<Value> {
        let exception = &self.exception;
        vec![
            exception.about().to_string().into(),
            exception.rule().as_str().into(),
            exception.reason().as_str().into(),
            exception.asked_by().as_str().into(),
            exception.approver().as_str().into(),
            time(self.created_at).into(),
            time(exception.expires_at()).into(),
            Value::optional_int(self.revoked_at.map(time)),
            Value::optional_text(self.revoked_by.as_deref()),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let text = |column| row.text(column).map(str::to_owned);
        let (words, people) = ((text(2)?, text(3)?), (text(4)?, text(5)?));
        Ok(Self {
            id: row.int(0)?,
            exception: Exception::kept(about::read(row, 1)?, words, people, timestamp(row.int(7)?)),
            created_at: timestamp(row.int(6)?),
            revoked_at: row.optional_int(8)?.map(timestamp),
            revoked_by: row.optional_text(9)?.map(str::to_owned),
        })
    }

    /// The one of that number.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, scope: &Scope, site: SiteId, id: i64) -> Result<Option<Self>> {
        let Some(row) = listing::find(db, &EXCEPTIONS, site, id, Self::read)? else { return Ok(None) };
        Ok(about::is_seen(db, scope, row.exception.about())?.then_some(row))
    }
}

/// A page of exceptions, newest first.
///
/// # Errors
/// By cause.
pub fn list(
    db: &mut Db,
    scope: &Scope,
    filter: &ExceptionFilter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<ExceptionRow>> {
    let about = filter.about.map(|about| about.to_string());
    let mut listing = Listing::of(&EXCEPTIONS, scope);
    if let Some(about) = &about {
        listing.having("t.about = ?", Cell::Text(about));
    }
    if let Some(rule) = &filter.rule {
        listing.having("t.rule = ?", Cell::Text(rule));
    }
    match filter.state {
        None => {}
        Some((ExceptionState::Revoked, _)) => listing.that("t.revoked_at IS NOT NULL"),
        Some((state, now)) => {
            listing.that("t.revoked_at IS NULL");
            let holds =
                if state == ExceptionState::InForce { "t.expires_at > ?" } else { "t.expires_at <= ?" };
            listing.having(holds, Cell::Int(time(now)));
        }
    }
    listing.after(after);
    let about: fn(&ExceptionRow) -> About = |row| row.exception.about();
    listing.page(db, limit, ExceptionRow::read, |row| row.id, Some((scope, about)))
}

/// A new exception, to be written.
///
/// # Errors
/// [`StoreError::Refused`] when what it is about is not there, or there are too many; and by cause.
pub fn plan_create(
    store: &mut Store,
    site: SiteId,
    by: &str,
    now: Timestamp,
    exception: Exception,
) -> Result<(ExceptionRow, Tx)> {
    about::there(store.db(), site, exception.about())?;
    let created_at = now.max(store.newest());
    // Those whose time has passed cannot be ended to make room.
    let holds = format!("t.revoked_at IS NULL AND t.expires_at > {}", time(created_at));
    listing::room(store.db(), &EXCEPTIONS, site, &holds, (EXCEPTIONS_MAX, "exceptions"))?;
    let id = store.next_id(&EXCEPTIONS);
    let row = ExceptionRow { id, exception, created_at, revoked_at: None, revoked_by: None };
    let mut tx = Tx::new(site, by, "an exception is made", now);
    tx.put(&EXCEPTIONS, id, row.cells());
    Ok((row, tx))
}

/// Exception `id` ends now.
///
/// # Errors
/// [`StoreError::Refused`] when there is none or it does not hold any more; and by cause.
pub fn plan_revoke(
    store: &mut Store,
    site: SiteId,
    by: &str,
    now: Timestamp,
    id: i64,
) -> Result<(ExceptionRow, Tx)> {
    let known = listing::find(store.db(), &EXCEPTIONS, site, id, ExceptionRow::read)?;
    let mut row = known.ok_or_else(|| StoreError::Refused(format!("there is no exception {id}")))?;
    let at = now.max(store.newest());
    if row.state(at) != ExceptionState::InForce {
        let why = format!("exception {id} holds no longer: nothing is to be done");
        return Err(StoreError::Refused(why));
    }
    row.revoked_at = Some(at);
    row.revoked_by = Some(by.to_owned());
    let mut tx = Tx::new(site, by, "an exception is revoked", now);
    tx.put(&EXCEPTIONS, id, row.cells());
    Ok((row, tx))
}
