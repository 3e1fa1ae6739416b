//! Saved views: a page with its filters, under a name.

use super::Problem;
use super::endpoint::Endpoint;
use super::query::Told;
use super::rows::{self, Ended, ID, Placed, Rows, act, filled, scope};
use crate::house::{House, LOCAL};
use crate::when::rfc3339;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use model::{NAME_CHARS_MAX, PagePath, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::db::Db;
use store::views::{self, ViewFilter, ViewRow};
use store::{Cursor, Page};

/// Which views.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewsAsked {
    /// Of which page, such as `/devices`.
    pub(crate) page: Option<String>,
    /// Whether those that were deleted; only those that stand where it is left out.
    pub(crate) ended: Option<Ended>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
}

/// A view.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ViewItem {
    /// Its number.
    pub(crate) id: i64,
    /// Its name.
    pub(crate) name: String,
    /// The page.
    pub(crate) page: String,
    /// Its state: what stands behind the `?`.
    pub(crate) query: String,
    /// Where it leads.
    pub(crate) address: String,
    /// Who saved it.
    pub(crate) created_by: String,
    /// When, RFC 3339.
    pub(crate) created_at: String,
    /// When it was taken off the list.
    pub(crate) deleted_at: Option<String>,
}

/// A view to be saved or changed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewBody {
    /// Its name, once for each page.
    #[schemars(length(min = 1, max = NAME_CHARS_MAX))]
    pub(crate) name: String,
    /// The page, such as `/devices`.
    #[schemars(length(max = 100), regex(pattern = PagePath::PATTERN))]
    pub(crate) page: String,
    /// What stands behind the `?` of its address.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    pub(crate) query: Option<String>,
}

impl ViewItem {
    pub(crate) fn of(row: &ViewRow) -> Self {
        Self {
            id: row.id,
            name: row.view.name.to_string(),
            page: row.view.page.as_str().to_owned(),
            query: row.view.query.as_str().to_owned(),
            address: row.view.address(),
            created_by: row.created_by.clone(),
            created_at: rfc3339(row.created_at),
            deleted_at: row.deleted_at.map(rfc3339),
        }
    }
}

impl ViewBody {
    pub(crate) fn view(&self) -> Result<View, Problem> {
        Ok(View::new(&self.name, &self.page, self.query.as_deref().unwrap_or(""))?)
    }
}

impl Rows for ViewsAsked {
    type Filter = ViewFilter;
    type Item = ViewItem;
    const NOUN: &'static str = "views";
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "page", "query", "created_by", "created_at", "deleted_at"];

    fn filter(&self, _: &House) -> Result<ViewFilter, Problem> {
        let page = filled(self.page.as_deref()).map(str::to_owned);
        Ok(ViewFilter { page, deleted: Ended::wanted(self.ended) })
    }

    fn place(&self) -> (Option<&str>, Option<u32>) {
        (self.after.as_deref(), self.limit)
    }

    fn read(
        house: &House,
        db: &mut Db,
        filter: &ViewFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> store::Result<Page<ViewItem>> {
        let page = views::list(db, &scope(house), filter, after, limit)?;
        Ok(Page { items: page.items.iter().map(ViewItem::of).collect(), next: page.next })
    }
}

/// Has a view saved.
///
/// # Errors
/// [`Problem`] names the field.
pub(crate) async fn create(house: &House, body: ViewBody) -> Result<ViewItem, Problem> {
    let (view, site) = (body.view()?, house.site.id);
    act(house, move |store, now| {
        let (row, tx) = views::plan_create(store, site, LOCAL, now, view)?;
        Ok((ViewItem::of(&row), tx))
    })
    .await
}

/// Has a view taken off the list.
///
/// # Errors
/// [`Problem`] where there is none.
pub(crate) async fn end(house: &House, id: i64) -> Result<ViewItem, Problem> {
    let _ = find(house, id).await?;
    let site = house.site.id;
    act(house, move |store, now| {
        let (row, tx) = views::plan_end(store, site, LOCAL, now, id)?;
        Ok((ViewItem::of(&row), tx))
    })
    .await
}

async fn find(house: &House, id: i64) -> Result<ViewRow, Problem> {
    let site = house.site.id;
    let found = house.read(move |db| ViewRow::find(db, site, id)).await?;
    found.ok_or_else(|| Problem::missing(format!("there is no saved view {id}")))
}

async fn made(
    State(house): State<House>,
    Told(body): Told<ViewBody>,
) -> Result<(StatusCode, Json<ViewItem>), Problem> {
    Ok((StatusCode::CREATED, Json(create(&house, body).await?)))
}

async fn one(State(house): State<House>, placed: Placed) -> Result<Json<ViewItem>, Problem> {
    Ok(Json(ViewItem::of(&find(&house, placed.number(0)?).await?)))
}

async fn changed(
    State(house): State<House>,
    placed: Placed,
    Told(body): Told<ViewBody>,
) -> Result<Json<ViewItem>, Problem> {
    let (id, view, site) = (placed.number(0)?, body.view()?, house.site.id);
    let _ = find(&house, id).await?;
    let changed = act(&house, move |store, now| {
        let (row, tx) = views::plan_change(store, (site, LOCAL, now), id, view)?;
        Ok((ViewItem::of(&row), tx))
    });
    Ok(Json(changed.await?))
}

async fn ended(State(house): State<House>, placed: Placed) -> Result<Json<ViewItem>, Problem> {
    Ok(Json(end(&house, placed.number(0)?).await?))
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let (all, path, tag) = ("/api/v1/views", "/api/v1/views/{id}", "views");
    let list = rows::endpoints::<ViewsAsked>(
        [all, "/api/v1/views.csv", "/api/v1/views.json"],
        ["listViews", "viewsAsCsv", "viewsAsJson"],
        [tag, "Saved views, newest first."],
    );
    let own = [
        Endpoint::new("post", all, "createView", tag, "Saves a view.", post(made))
            .taking::<ViewBody>()
            .answering::<ViewItem>(201),
        Endpoint::get::<ViewItem>(path, "getView", tag, "A saved view.", get(one)).at(&[ID]),
        Endpoint::new("put", path, "changeView", tag, "Changes a saved view, as a whole.", put(changed))
            .at(&[ID])
            .taking::<ViewBody>()
            .answering::<ViewItem>(200),
        Endpoint::new(
            "delete",
            path,
            "deleteView",
            tag,
            "Takes a view off the list; it stays on record.",
            delete(ended),
        )
        .at(&[ID])
        .answering::<ViewItem>(200),
    ];
    list.into_iter().chain(own).collect()
}
