//! Notes: what people wrote about something. Patient data does not belong there.

use super::Problem;
use super::endpoint::Endpoint;
use super::query::{Asked, Told};
use super::rows::{self, Ended, ID, Placed, Rows, about, act, filled, scope};
use crate::house::{House, LOCAL};
use crate::when::rfc3339;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use model::{NOTE_CHARS_MAX, Note};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::db::Db;
use store::notes::{self, NoteFilter, NoteRow};
use store::{Cursor, Page};

/// Which notes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotesAsked {
    /// What they are about: `site`, `device|d-…`, `finding|12`, `zone|3`.
    pub(crate) about: Option<String>,
    /// Whether those that were withdrawn; only those that stand where it is left out.
    pub(crate) ended: Option<Ended>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
}

/// A note.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct NoteItem {
    /// Its number.
    pub(crate) id: i64,
    /// About what.
    pub(crate) about: String,
    /// The words; null: they were erased.
    pub(crate) body: Option<String>,
    /// Who wrote it.
    pub(crate) written_by: String,
    /// When, RFC 3339.
    pub(crate) written_at: String,
    /// When it was withdrawn.
    pub(crate) withdrawn_at: Option<String>,
}

/// A note to be written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteBody {
    /// About what: `site`, `device|d-…`, `finding|12`, `zone|3`.
    pub(crate) about: String,
    /// The words. No patient data.
    #[schemars(length(min = 1, max = NOTE_CHARS_MAX))]
    pub(crate) body: String,
}

/// How a note is withdrawn.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    /// Erase its words as well: for what should not have been written.
    erase: Option<bool>,
}

impl NoteItem {
    pub(crate) fn of(row: &NoteRow) -> Self {
        Self {
            id: row.id,
            about: row.about.to_string(),
            body: row.body.as_ref().map(ToString::to_string),
            written_by: row.written_by.clone(),
            written_at: rfc3339(row.written_at),
            withdrawn_at: row.withdrawn_at.map(rfc3339),
        }
    }
}

impl Rows for NotesAsked {
    type Filter = NoteFilter;
    type Item = NoteItem;
    const NOUN: &'static str = "notes";
    const COLUMNS: &'static [&'static str] =
        &["id", "about", "body", "written_by", "written_at", "withdrawn_at"];

    fn filter(&self, _: &House) -> Result<NoteFilter, Problem> {
        let about = filled(self.about.as_deref()).map(about).transpose()?;
        Ok(NoteFilter { about, withdrawn: Ended::wanted(self.ended) })
    }

    fn place(&self) -> (Option<&str>, Option<u32>) {
        (self.after.as_deref(), self.limit)
    }

    fn read(
        house: &House,
        db: &mut Db,
        filter: &NoteFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> store::Result<Page<NoteItem>> {
        let page = notes::list(db, &scope(house), filter, after, limit)?;
        Ok(Page { items: page.items.iter().map(NoteItem::of).collect(), next: page.next })
    }
}

/// Has a note written.
///
/// # Errors
/// [`Problem`] names the field.
pub(crate) async fn create(house: &House, body: NoteBody) -> Result<NoteItem, Problem> {
    let (note, site) = (Note::new(about(&body.about)?, &body.body)?, house.site.id);
    act(house, move |store, now| {
        let (row, tx) = notes::plan_create(store, site, LOCAL, now, note)?;
        Ok((NoteItem::of(&row), tx))
    })
    .await
}

/// Has a note withdrawn, and with `erase` its words erased.
///
/// # Errors
/// [`Problem`] where there is none, or nothing is to be done.
pub(crate) async fn withdraw(house: &House, id: i64, erase: bool) -> Result<NoteItem, Problem> {
    let _ = find(house, id).await?;
    let site = house.site.id;
    act(house, move |store, now| {
        let (row, tx) = notes::plan_withdraw(store, (site, LOCAL, now), id, erase)?;
        Ok((NoteItem::of(&row), tx))
    })
    .await
}

async fn find(house: &House, id: i64) -> Result<NoteRow, Problem> {
    let (scope, site) = (scope(house), house.site.id);
    let found = house.read(move |db| NoteRow::find(db, &scope, site, id)).await?;
    found.ok_or_else(|| Problem::missing(format!("there is no note {id}")))
}

async fn made(
    State(house): State<House>,
    Told(body): Told<NoteBody>,
) -> Result<(StatusCode, Json<NoteItem>), Problem> {
    Ok((StatusCode::CREATED, Json(create(&house, body).await?)))
}

async fn one(State(house): State<House>, placed: Placed) -> Result<Json<NoteItem>, Problem> {
    Ok(Json(NoteItem::of(&find(&house, placed.number(0)?).await?)))
}

async fn withdrawn(
    State(house): State<House>,
    placed: Placed,
    Asked(asked): Asked<Withdrawal>,
) -> Result<Json<NoteItem>, Problem> {
    Ok(Json(withdraw(&house, placed.number(0)?, asked.erase.unwrap_or(false)).await?))
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let (all, path, tag) = ("/api/v1/notes", "/api/v1/notes/{id}", "notes");
    let list = rows::endpoints::<NotesAsked>(
        [all, "/api/v1/notes.csv", "/api/v1/notes.json"],
        ["listNotes", "notesAsCsv", "notesAsJson"],
        [tag, "Notes, newest first."],
    );
    let own = [
        Endpoint::new("post", all, "createNote", tag, "Writes a note.", post(made))
            .taking::<NoteBody>()
            .answering::<NoteItem>(201),
        Endpoint::get::<NoteItem>(path, "getNote", tag, "A note.", get(one)).at(&[ID]),
        Endpoint::new(
            "delete",
            path,
            "withdrawNote",
            tag,
            "Withdraws a note, or erases its words.",
            delete(withdrawn),
        )
        .at(&[ID])
        .asking::<Withdrawal>()
        .answering::<NoteItem>(200),
    ];
    list.into_iter().chain(own).collect()
}
