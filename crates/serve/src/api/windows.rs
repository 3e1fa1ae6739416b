//! Windows: when something may be done, as iCalendar by the site's clock. A window is ended and another made, never changed.

use super::Problem;
use super::endpoint::Endpoint;
use super::query::Told;
use super::rows::{self, Ended, ID, Placed, Rows, about, act, filled, scope};
use crate::house::{House, LOCAL};
use crate::site_clock;
use crate::when::rfc3339;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use model::{NAME_CHARS_MAX, Timestamp, WINDOW_BYTES_MAX, Window};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::db::Db;
use store::windows::{self, WindowFilter, WindowRow};
use store::{Cursor, Page};

/// Which windows.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowsAsked {
    /// What they are for: `site`, `device|d-…`, `finding|12`, `zone|3`.
    pub(crate) about: Option<String>,
    /// Whether those that were ended; only those that stand where it is left out.
    pub(crate) ended: Option<Ended>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
}

/// A window.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct WindowItem {
    /// Its number.
    pub(crate) id: i64,
    /// Its name.
    pub(crate) name: String,
    /// For what.
    pub(crate) about: String,
    /// When it is open, as iCalendar.
    pub(crate) ical: String,
    /// It opens again and again.
    pub(crate) repeats: bool,
    /// It is open now.
    pub(crate) open: bool,
    /// When it opens next, RFC 3339; null: not within twenty years.
    pub(crate) opens_next_at: Option<String>,
    /// Who made it.
    pub(crate) created_by: String,
    /// When.
    pub(crate) created_at: String,
    /// When it was ended.
    pub(crate) ended_at: Option<String>,
}

/// A window to be made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowBody {
    /// Its name.
    #[schemars(length(min = 1, max = NAME_CHARS_MAX))]
    pub(crate) name: String,
    /// For what: `site`, `device|d-…`, `finding|12`, `zone|3`. The site where it is left out.
    #[serde(default)]
    pub(crate) about: Option<String>,
    /// One VEVENT with DTSTART, DTEND and, if it repeats, RRULE; times by the site's clock.
    #[schemars(length(min = 1, max = WINDOW_BYTES_MAX))]
    pub(crate) ical: String,
}

impl WindowItem {
    pub(crate) fn of(row: &WindowRow, house: &House, now: Timestamp) -> Self {
        let (zone, window) = (&house.site.zone, &row.window);
        let wall = site_clock::wall(zone, now).filter(|_| row.ended_at.is_none());
        let next = wall.and_then(|wall| window.hours.next_after(wall));
        Self {
            id: row.id,
            name: window.name.to_string(),
            about: window.about.to_string(),
            ical: window.hours.to_string(),
            repeats: window.hours.repeats(),
            open: wall.is_some_and(|wall| window.hours.is_open(wall)),
            opens_next_at: next.and_then(|next| site_clock::instant(zone, next)).map(rfc3339),
            created_by: row.created_by.clone(),
            created_at: rfc3339(row.created_at),
            ended_at: row.ended_at.map(rfc3339),
        }
    }
}

impl Rows for WindowsAsked {
    type Filter = WindowFilter;
    type Item = WindowItem;
    const NOUN: &'static str = "windows";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "about",
        "ical",
        "repeats",
        "open",
        "opens_next_at",
        "created_by",
        "created_at",
        "ended_at",
    ];

    fn filter(&self, _: &House) -> Result<WindowFilter, Problem> {
        let about = filled(self.about.as_deref()).map(about).transpose()?;
        Ok(WindowFilter { about, ended: Ended::wanted(self.ended) })
    }

    fn place(&self) -> (Option<&str>, Option<u32>) {
        (self.after.as_deref(), self.limit)
    }

    fn read(
        house: &House,
        db: &mut Db,
        filter: &WindowFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> store::Result<Page<WindowItem>> {
        let (now, page) = (house.now(), windows::list(db, &scope(house), filter, after, limit)?);
        let items = page.items.iter().map(|row| WindowItem::of(row, house, now)).collect();
        Ok(Page { items, next: page.next })
    }
}

/// Has a window made.
///
/// # Errors
/// [`Problem`] names the field.
pub(crate) async fn create(house: &House, body: WindowBody) -> Result<WindowItem, Problem> {
    let what = about(filled(body.about.as_deref()).unwrap_or("site"))?;
    let window = Window::new(what, &body.name, &body.ical)?;
    let of_house = house.clone();
    act(house, move |store, now| {
        let (row, tx) = windows::plan_create(store, of_house.site.id, LOCAL, now, window)?;
        Ok((WindowItem::of(&row, &of_house, now), tx))
    })
    .await
}

/// Has a window ended.
///
/// # Errors
/// [`Problem`] where there is none, or it was ended already.
pub(crate) async fn end(house: &House, id: i64) -> Result<WindowItem, Problem> {
    let _ = find(house, id).await?;
    let of_house = house.clone();
    act(house, move |store, now| {
        let (row, tx) = windows::plan_end(store, of_house.site.id, LOCAL, now, id)?;
        Ok((WindowItem::of(&row, &of_house, now), tx))
    })
    .await
}

async fn find(house: &House, id: i64) -> Result<WindowRow, Problem> {
    let (scope, site) = (scope(house), house.site.id);
    let found = house.read(move |db| WindowRow::find(db, &scope, site, id)).await?;
    found.ok_or_else(|| Problem::missing(format!("there is no window {id}")))
}

async fn made(
    State(house): State<House>,
    Told(body): Told<WindowBody>,
) -> Result<(StatusCode, Json<WindowItem>), Problem> {
    Ok((StatusCode::CREATED, Json(create(&house, body).await?)))
}

async fn one(State(house): State<House>, placed: Placed) -> Result<Json<WindowItem>, Problem> {
    let row = find(&house, placed.number(0)?).await?;
    Ok(Json(WindowItem::of(&row, &house, house.now())))
}

async fn ended(State(house): State<House>, placed: Placed) -> Result<Json<WindowItem>, Problem> {
    Ok(Json(end(&house, placed.number(0)?).await?))
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let (all, path, tag) = ("/api/v1/windows", "/api/v1/windows/{id}", "windows");
    let list = rows::endpoints::<WindowsAsked>(
        [all, "/api/v1/windows.csv", "/api/v1/windows.json"],
        ["listWindows", "windowsAsCsv", "windowsAsJson"],
        [tag, "Windows, newest first."],
    );
    let own = [
        Endpoint::new("post", all, "createWindow", tag, "Makes a window.", post(made))
            .taking::<WindowBody>()
            .answering::<WindowItem>(201),
        Endpoint::get::<WindowItem>(path, "getWindow", tag, "A window.", get(one)).at(&[ID]),
        Endpoint::new("delete", path, "endWindow", tag, "Ends a window; it stays on record.", delete(ended))
            .at(&[ID])
            .answering::<WindowItem>(200),
    ];
    list.into_iter().chain(own).collect()
}
