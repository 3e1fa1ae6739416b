//! Tasks: what somebody has to do.

use super::endpoint::Endpoint;
use super::query::Told;
use super::rows::{self, ID, Placed, Rows, about, act, filled, scope};
use super::{Day, Problem, maybe, moment};
use crate::house::{House, LOCAL};
use crate::when::rfc3339;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use model::{Duration, PERSON_CHARS_MAX, REASON_CHARS_MAX, TITLE_CHARS_MAX, Task, TaskState, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::db::Db;
use store::tasks::{self, TaskFilter, TaskRow};
use store::{Cursor, Page};

/// Seconds of a week, for what is due in it.
const WEEK_S: u64 = 7 * 86_400;

/// How tasks stand that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StateAsked {
    /// To be done.
    Open,
    /// Done.
    Done,
    /// Not to be done.
    Dropped,
    /// All.
    All,
}

/// When tasks are due that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DueAsked {
    /// They should have been done.
    Overdue,
    /// Within seven days, or overdue.
    Week,
    /// Whenever.
    Any,
}

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderAsked {
    /// The newest first.
    Newest,
    /// As they are due; what has no time comes last.
    Due,
}

/// Which tasks.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TasksAsked {
    /// How they stand; open where it is left out.
    pub(crate) state: Option<StateAsked>,
    /// What they are about: `site`, `device|d-…`, `finding|12`, `zone|3`.
    pub(crate) about: Option<String>,
    /// Who does them.
    pub(crate) owner: Option<String>,
    /// Only those that nobody has taken.
    pub(crate) unowned: Option<bool>,
    /// When they are due.
    pub(crate) due: Option<DueAsked>,
    /// In which order; as they are due where it is left out.
    pub(crate) order: Option<OrderAsked>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
}

/// A task.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TaskItem {
    /// Its number.
    pub(crate) id: i64,
    /// What, in a line.
    pub(crate) title: String,
    /// What, at length.
    pub(crate) detail: Option<String>,
    /// About what.
    pub(crate) about: String,
    /// Who does it; null: nobody has taken it.
    pub(crate) owner: Option<String>,
    /// Until when, RFC 3339.
    pub(crate) due_at: Option<String>,
    /// Its number in the hospital's ticket system.
    pub(crate) ticket: Option<String>,
    /// `open`, `done` or `dropped`.
    pub(crate) state: String,
    /// It should have been done by now.
    pub(crate) overdue: bool,
    /// Who made it.
    pub(crate) created_by: String,
    /// When.
    pub(crate) created_at: String,
    /// When it was changed last.
    pub(crate) changed_at: String,
}

/// A task to be made or changed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskBody {
    /// What, in a line.
    #[schemars(length(min = 1, max = TITLE_CHARS_MAX))]
    pub(crate) title: String,
    /// What, at length.
    #[serde(default)]
    #[schemars(length(max = REASON_CHARS_MAX))]
    pub(crate) detail: Option<String>,
    /// About what: `site`, `device|d-…`, `finding|12`, `zone|3`. The site where it is left out.
    #[serde(default)]
    pub(crate) about: Option<String>,
    /// Who does it.
    #[serde(default)]
    #[schemars(length(max = PERSON_CHARS_MAX))]
    pub(crate) owner: Option<String>,
    /// Until when: a date of the site (its end), or RFC 3339.
    #[serde(default)]
    pub(crate) due_at: Option<String>,
    /// Its number in the hospital's ticket system.
    #[serde(default)]
    #[schemars(length(max = TITLE_CHARS_MAX))]
    pub(crate) ticket: Option<String>,
    /// How it stands; open where it is left out.
    #[serde(default)]
    #[schemars(regex(pattern = "^(open|done|dropped)$"))]
    pub(crate) state: Option<String>,
    /// `changed_at` as it was read: refused where somebody has changed it since. For a change only.
    #[serde(default)]
    pub(crate) if_changed_at: Option<String>,
}

impl TaskItem {
    pub(crate) fn of(row: &TaskRow, now: Timestamp) -> Self {
        let task = &row.task;
        Self {
            id: row.id,
            title: task.title.to_string(),
            detail: task.detail.as_ref().map(ToString::to_string),
            about: task.about.to_string(),
            owner: task.owner.as_ref().map(ToString::to_string),
            due_at: task.due_at.map(rfc3339),
            ticket: task.ticket.as_ref().map(ToString::to_string),
            state: task.state.name().to_owned(),
            overdue: task.is_overdue(now),
            created_by: row.created_by.clone(),
            created_at: rfc3339(row.created_at),
            changed_at: rfc3339(row.changed_at),
        }
    }
}

impl TaskBody {
    fn task(&self, house: &House) -> Result<Task, Problem> {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let due_at = maybe("due_at", filled(self.due_at.as_deref()), &house.site.zone, Day::Ends)?;
        let what = about(filled(self.about.as_deref()).unwrap_or("site"))?;
        let mut task = Task::new(
            what,
            &self.title,
            &text(&self.detail),
            &text(&self.owner),
            due_at,
            &text(&self.ticket),
        )?;
        if let Some(state) = filled(self.state.as_deref()) {
            task.state = TaskState::named(state)
                .ok_or_else(|| model::Invalid::new("state", "is none: write open, done or dropped"))?;
        }
        Ok(task)
    }
}

impl Rows for TasksAsked {
    type Filter = TaskFilter;
    type Item = TaskItem;
    const NOUN: &'static str = "tasks";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "title",
        "detail",
        "about",
        "owner",
        "due_at",
        "overdue",
        "ticket",
        "state",
        "created_by",
        "created_at",
        "changed_at",
    ];

    fn filter(&self, house: &House) -> Result<TaskFilter, Problem> {
        let now = house.now();
        Ok(TaskFilter {
            state: match self.state.unwrap_or(StateAsked::Open) {
                StateAsked::Open => Some(TaskState::Open),
                StateAsked::Done => Some(TaskState::Done),
                StateAsked::Dropped => Some(TaskState::Dropped),
                StateAsked::All => None,
            },
            about: filled(self.about.as_deref()).map(about).transpose()?,
            owner: filled(self.owner.as_deref()).map(str::to_owned),
            unowned: self.unowned.unwrap_or(false),
            due_before: match self.due.unwrap_or(DueAsked::Any) {
                DueAsked::Overdue => Some(now),
                DueAsked::Week => Some(now.plus(Duration::from_secs(WEEK_S))),
                DueAsked::Any => None,
            },
            by_due: self.order.unwrap_or(OrderAsked::Due) == OrderAsked::Due,
        })
    }

    fn place(&self) -> (Option<&str>, Option<u32>) {
        (self.after.as_deref(), self.limit)
    }

    fn read(
        house: &House,
        db: &mut Db,
        filter: &TaskFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> store::Result<Page<TaskItem>> {
        let (now, page) = (house.now(), tasks::list(db, &scope(house), filter, after, limit)?);
        Ok(Page { items: page.items.iter().map(|row| TaskItem::of(row, now)).collect(), next: page.next })
    }
}

/// Has a task made.
///
/// # Errors
/// [`Problem`] names the field.
pub(crate) async fn create(house: &House, body: TaskBody) -> Result<TaskItem, Problem> {
    let (task, site) = (body.task(house)?, house.site.id);
    act(house, move |store, now| {
        let (row, tx) = tasks::plan_create(store, site, LOCAL, now, task)?;
        Ok((TaskItem::of(&row, now), tx))
    })
    .await
}

/// Has a task changed as `change` says; with `seen`, only if it was not changed since.
///
/// # Errors
/// [`Problem`] where there is none, or somebody else was first.
pub(crate) async fn change(
    house: &House,
    id: i64,
    seen: Option<Timestamp>,
    change: impl FnOnce(&mut Task) + Send + 'static,
) -> Result<TaskItem, Problem> {
    let _ = find(house, id).await?;
    let site = house.site.id;
    act(house, move |store, now| {
        let (row, tx) = tasks::plan_change(store, (site, LOCAL, now), id, seen, change)?;
        Ok((TaskItem::of(&row, now), tx))
    })
    .await
}

/// The task of that number.
///
/// # Errors
/// [`Problem`] 404 where there is none.
pub(crate) async fn find(house: &House, id: i64) -> Result<TaskRow, Problem> {
    let (scope, site) = (scope(house), house.site.id);
    let found = house.read(move |db| TaskRow::find(db, &scope, site, id)).await?;
    found.ok_or_else(|| Problem::missing(format!("there is no task {id}")))
}

async fn made(
    State(house): State<House>,
    Told(body): Told<TaskBody>,
) -> Result<(StatusCode, Json<TaskItem>), Problem> {
    Ok((StatusCode::CREATED, Json(create(&house, body).await?)))
}

async fn one(State(house): State<House>, placed: Placed) -> Result<Json<TaskItem>, Problem> {
    let row = find(&house, placed.number(0)?).await?;
    Ok(Json(TaskItem::of(&row, house.now())))
}

async fn changed(
    State(house): State<House>,
    placed: Placed,
    Told(body): Told<TaskBody>,
) -> Result<Json<TaskItem>, Problem> {
    let task = body.task(&house)?;
    let seen = filled(body.if_changed_at.as_deref());
    let seen = seen.map(|seen| moment("if_changed_at", seen, &house.site.zone, Day::Starts)).transpose()?;
    Ok(Json(change(&house, placed.number(0)?, seen, move |known| *known = task).await?))
}

async fn dropped(State(house): State<House>, placed: Placed) -> Result<Json<TaskItem>, Problem> {
    let dropped = |task: &mut Task| task.state = TaskState::Dropped;
    Ok(Json(change(&house, placed.number(0)?, None, dropped).await?))
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let list = rows::endpoints::<TasksAsked>(
        ["/api/v1/tasks", "/api/v1/tasks.csv", "/api/v1/tasks.json"],
        ["listTasks", "tasksAsCsv", "tasksAsJson"],
        ["tasks", "Tasks, in the order in which they are due."],
    );
    let path = "/api/v1/tasks/{id}";
    let own = [
        Endpoint::new("post", "/api/v1/tasks", "createTask", "tasks", "Makes a task.", post(made))
            .taking::<TaskBody>()
            .answering::<TaskItem>(201),
        Endpoint::get::<TaskItem>(path, "getTask", "tasks", "A task.", get(one)).at(&[ID]),
        Endpoint::new("put", path, "changeTask", "tasks", "Changes a task, as a whole.", put(changed))
            .at(&[ID])
            .taking::<TaskBody>()
            .answering::<TaskItem>(200),
        Endpoint::new(
            "delete",
            path,
            "dropTask",
            "tasks",
            "Drops a task; it stays on record.",
            axum::routing::delete(dropped),
        )
        .at(&[ID])
        .answering::<TaskItem>(200),
    ];
    list.into_iter().chain(own).collect()
}
