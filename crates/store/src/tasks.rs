//! Tasks: what somebody has to do. A task that is done or dropped stays.

use crate::about;
use crate::db::{Cell, Db, Row, Value};
use crate::error::{Result, StoreError};
use crate::listing::{self, Listing};
use crate::read::{Cursor, Page, Scope};
use crate::store::Store;
use crate::table::TASKS;
use crate::tx::{Tx, time, timestamp};
use model::{About, Duration, Line, Prose, SiteId, Task, TaskState, Timestamp};

/// Open tasks of a site.
pub const TASKS_OPEN_MAX: usize = 100_000;

/// A task and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Number of the row, by which people name it.
    pub id: i64,
    /// The task.
    pub task: Task,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub changed_at: Timestamp,
}

/// Which tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// That stand so.
    pub state: Option<TaskState>,
    /// About this.
    pub about: Option<About>,
    /// Of this owner.
    pub owner: Option<String>,
    /// That nobody has taken.
    pub unowned: bool,
    /// Due before then.
    pub due_before: Option<Timestamp>,
    /// In the order in which they are due, instead of the newest first.
    pub by_due: bool,
}

/// When a task is due for ordering: those without a time come last.
const DUE: &str = "COALESCE(t.due_at, 9223372036854775807)";

impl TaskRow {
    fn cells(&self) -> Vec<Value> {
        let task = &self.task;
        vec![
            task.title.as_str().into(),
            task.detail.as_ref().map_or("", Prose::as_str).into(),
            task.about.to_string().into(),
            Value::optional_text(task.owner.as_ref().map(Line::as_str)),
            Value::optional_int(task.due_at.map(time)),
            Value::optional_text(task.ticket.as_ref().map(Line::as_str)),
            task.state.name().into(),
            self.created_by.clone().into(),
            time(self.created_at).into(),
            time(self.changed_at).into(),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.int(0)?;
        let state = TaskState::named(row.text(7)?);
        let task = Task {
            title: Line::kept(row.text(1)?.to_owned()),
            detail: Some(row.text(2)?.to_owned()).filter(|text| !text.is_empty()).map(Prose::kept),
            about: about::read(row, 3)?,
            owner: row.optional_text(4)?.map(|text| Line::kept(text.to_owned())),
            due_at: row.optional_int(5)?.map(timestamp),
            ticket: row.optional_text(6)?.map(|text| Line::kept(text.to_owned())),
            state: state.ok_or_else(|| StoreError::damaged(format!("table tasks, row {id}: its state")))?,
        };
        Ok(Self {
            id,
            task,
            created_by: row.text(8)?.to_owned(),
            created_at: timestamp(row.int(9)?),
            changed_at: timestamp(row.int(10)?),
        })
    }

    /// The one of that number.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, scope: &Scope, site: SiteId, id: i64) -> Result<Option<Self>> {
        let Some(row) = listing::find(db, &TASKS, site, id, Self::read)? else { return Ok(None) };
        Ok(about::is_seen(db, scope, row.task.about)?.then_some(row))
    }
}

impl TaskFilter {
    fn listing<'q>(&'q self, scope: &'q Scope, about: &'q Option<String>) -> Listing<'q> {
        let mut listing = Listing::of(&TASKS, scope);
        if let Some(state) = self.state {
            listing.having("t.state = ?", Cell::Text(state.name()));
        }
        if let Some(about) = about {
            listing.having("t.about = ?", Cell::Text(about));
        }
        if let Some(owner) = &self.owner {
            listing.having("t.owner = ?", Cell::Text(owner));
        }
        if self.unowned {
            listing.that("t.owner IS NULL");
        }
        if let Some(before) = self.due_before {
            listing.having("t.due_at < ?", Cell::Int(time(before)));
        }
        listing
    }
}

/// A page of tasks.
///
/// # Errors
/// By cause; [`StoreError::Refused`] for a cursor that no list gave out.
pub fn list(
    db: &mut Db,
    scope: &Scope,
    filter: &TaskFilter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<TaskRow>> {
    let about = filter.about.map(|about| about.to_string());
    let mut listing = filter.listing(scope, &about);
    if filter.by_due {
        listing.by("COALESCE(t.due_at, 9223372036854775807), t.id");
        if let Some(Cursor(id)) = after {
            let due = db.number(&format!("SELECT {DUE} FROM tasks t WHERE t.id = ?1"), &[Cell::Int(id)])?;
            let gone = || StoreError::Refused("the cursor is of no task: begin the list again".into());
            let due = due.ok_or_else(gone)?;
            listing.having(&format!("{DUE} >= ?"), Cell::Int(due));
            listing.having(&format!("({DUE} > {due} OR t.id > ?)"), Cell::Int(id));
        }
    } else {
        listing.after(after);
    }
    listing.page(db, limit, TaskRow::read, |row| row.id, Some((scope, |row: &TaskRow| row.task.about)))
}

/// How many tasks there are.
///
/// # Errors
/// By cause.
pub fn count(db: &mut Db, scope: &Scope, filter: &TaskFilter) -> Result<usize> {
    let about = filter.about.map(|about| about.to_string());
    filter.listing(scope, &about).count(db)
}

/// A new task, to be written.
///
/// # Errors
/// [`StoreError::Refused`] when what it is about is not there, or there are too many; and by cause.
pub fn plan_create(
    store: &mut Store,
    site: SiteId,
    by: &str,
    now: Timestamp,
    task: Task,
) -> Result<(TaskRow, Tx)> {
    about::there(store.db(), site, task.about)?;
    has_room(store.db(), site)?;
    let at = now.max(store.newest());
    let id = store.next_id(&TASKS);
    let row = TaskRow { id, task, created_by: by.to_owned(), created_at: at, changed_at: at };
    let mut tx = Tx::new(site, by, "a task is made", now);
    tx.put(&TASKS, id, row.cells());
    Ok((row, tx))
}

fn has_room(db: &mut Db, site: SiteId) -> Result<()> {
    listing::room(db, &TASKS, site, "t.state = 'open'", (TASKS_OPEN_MAX, "open tasks"))
}

/// Task `id` as `change` makes it. With `seen`, only if it was not changed since then.
///
/// # Errors
/// [`StoreError::Refused`] when there is no such task or somebody else has changed it; and by cause.
pub fn plan_change(
    store: &mut Store,
    (site, by, now): (SiteId, &str, Timestamp),
    id: i64,
    seen: Option<Timestamp>,
    change: impl FnOnce(&mut Task),
) -> Result<(TaskRow, Tx)> {
    let known = listing::find(store.db(), &TASKS, site, id, TaskRow::read)?;
    let mut row = known.ok_or_else(|| StoreError::Refused(format!("there is no task {id}")))?;
    if seen.is_some_and(|seen| seen != row.changed_at) {
        let why = format!("task {id} was changed meanwhile: read it again, then change it");
        return Err(StoreError::Refused(why));
    }
    let (about, was_open) = (row.task.about, row.task.state == TaskState::Open);
    change(&mut row.task);
    if row.task.state == TaskState::Open && !was_open {
        has_room(store.db(), site)?;
    }
    if row.task.about != about {
        about::there(store.db(), site, row.task.about)?;
    }
    // Later than the change before, also where the clock stands or was put back: by this time others see that it was changed.
    row.changed_at = now.max(store.newest()).max(row.changed_at.plus(Duration::from_nanos(1)));
    let mut tx = Tx::new(site, by, "a task is changed", now);
    tx.put(&TASKS, id, row.cells());
    Ok((row, tx))
}
