//! Edits of many devices at once, what they would come to, and how they are taken back. Tags of one device are edits as well.

use super::Problem;
use super::endpoint::Endpoint;
use super::query::Told;
use super::rows::{self, Ended, ID, Placed, Rows, scope};
use crate::house::{Concerns, House, LOCAL, Planned};
use crate::when::rfc3339;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use model::{DeviceId, EDIT_DEVICES_MAX, EditChange, Prose, REASON_CHARS_MAX, WORD_CHARS_MAX};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::db::Db;
use store::edits::{self, EditItem as EditItemRow, EditRow, Outcome};
use store::{Cursor, Page};

/// Which edits.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditsAsked {
    /// Whether those that were taken back; all where it is left out.
    pub(crate) ended: Option<Ended>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
}

/// An edit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EditItem {
    /// Its number.
    pub(crate) id: i64,
    /// The kind of change: `add-tag`, `zone`, `x-cost-centre` …
    pub(crate) change: String,
    /// Its value.
    pub(crate) value: String,
    /// In words.
    pub(crate) words: String,
    /// How many devices it changed.
    pub(crate) devices: i64,
    /// Why.
    pub(crate) reason: String,
    /// Who.
    pub(crate) edited_by: String,
    /// When, RFC 3339.
    pub(crate) edited_at: String,
    /// Who took it back.
    pub(crate) reverted_by: Option<String>,
    /// When.
    pub(crate) reverted_at: Option<String>,
}

/// An edit to be made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditBody {
    /// `add-tag`, `remove-tag`, `name` (of one device), `zone`, `location`, `asset-id`, `accept`, `unaccept`, or a field of your
    /// own, `x-…`.
    #[schemars(length(min = 1, max = 40))]
    pub(crate) change: String,
    /// The value; empty takes back what was said.
    #[serde(default)]
    #[schemars(length(max = WORD_CHARS_MAX))]
    pub(crate) value: Option<String>,
    /// Which devices, `d-` and 16 hexadecimal digits each.
    #[schemars(length(min = 1, max = EDIT_DEVICES_MAX))]
    pub(crate) devices: Vec<String>,
    /// Why.
    #[serde(default)]
    #[schemars(length(max = REASON_CHARS_MAX))]
    pub(crate) reason: Option<String>,
    /// Only tell what would happen.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// What an edit, or its reversal, came to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EditOutcome {
    /// The edit; null where nothing was to be done, or nothing was done yet.
    pub(crate) edit: Option<EditItem>,
    /// Devices that it changes.
    pub(crate) changed: Vec<String>,
    /// Devices that are so already.
    pub(crate) unchanged: Vec<String>,
    /// Devices that it leaves alone.
    pub(crate) skipped: Vec<Skipped>,
}

/// A device that is left alone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Skipped {
    /// Which.
    pub(crate) device: String,
    /// Why.
    pub(crate) why: String,
}

/// Which devices of an edit.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ItemsAsked {
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// What an edit did to one device.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EditedDevice {
    /// Which.
    pub(crate) device: String,
    /// How many things it said anew.
    pub(crate) opened: usize,
    /// What it ended: attribute and value.
    pub(crate) closed: Vec<(String, String)>,
}

impl EditItem {
    pub(crate) fn of(row: &EditRow) -> Self {
        Self {
            id: row.id,
            change: row.change.kind().to_owned(),
            value: row.change.value().to_owned(),
            words: row.change.words(),
            devices: row.devices,
            reason: row.reason.clone(),
            edited_by: row.edited_by.clone(),
            edited_at: rfc3339(row.edited_at),
            reverted_by: row.reverted_by.clone(),
            reverted_at: row.reverted_at.map(rfc3339),
        }
    }
}

impl EditOutcome {
    fn of(edit: Option<&EditRow>, outcome: &Outcome) -> Self {
        let ids = |devices: &[DeviceId]| devices.iter().map(ToString::to_string).collect();
        let skip =
            |(device, why): &(DeviceId, String)| Skipped { device: device.to_string(), why: why.clone() };
        Self {
            edit: edit.map(EditItem::of),
            changed: ids(&outcome.changed),
            unchanged: ids(&outcome.unchanged),
            skipped: outcome.skipped.iter().map(skip).collect(),
        }
    }
}

impl EditBody {
    /// The change and the devices that were named.
    pub(crate) fn understood(&self) -> Result<(EditChange, Vec<DeviceId>), Problem> {
        let change = EditChange::new(&self.change, self.value.as_deref().unwrap_or(""))?;
        let wrong = |text: &str| {
            let why =
                format!("\"{}\" is none: write d- and 16 hexadecimal digits", crate::error::quote(text));
            model::Invalid::new("devices", why)
        };
        let read = |text: &String| text.parse().map_err(|_| wrong(text));
        if self.devices.len() > EDIT_DEVICES_MAX {
            let why = format!("name at most {EDIT_DEVICES_MAX} for one edit");
            return Err(model::Invalid::new("devices", why).into());
        }
        Ok((change, self.devices.iter().map(read).collect::<Result<_, _>>()?))
    }
}

impl Rows for EditsAsked {
    type Filter = Option<bool>;
    type Item = EditItem;
    const NOUN: &'static str = "edits";
    const COLUMNS: &'static [&'static str] =
        &["id", "words", "devices", "reason", "edited_by", "edited_at", "reverted_by", "reverted_at"];

    fn filter(&self, _: &House) -> Result<Option<bool>, Problem> {
        Ok(Ended::wanted(Some(self.ended.unwrap_or(Ended::All))))
    }

    fn place(&self) -> (Option<&str>, Option<u32>) {
        (self.after.as_deref(), self.limit)
    }

    fn read(
        house: &House,
        db: &mut Db,
        reverted: &Option<bool>,
        after: Option<Cursor>,
        limit: usize,
    ) -> store::Result<Page<EditItem>> {
        let page = edits::list(db, &scope(house), *reverted, after, limit)?;
        Ok(Page { items: page.items.iter().map(EditItem::of).collect(), next: page.next })
    }
}

impl Rows for ItemsOf {
    type Filter = i64;
    type Item = EditedDevice;
    const NOUN: &'static str = "edited-devices";
    const COLUMNS: &'static [&'static str] = &["device", "opened", "closed"];

    fn filter(&self, _: &House) -> Result<i64, Problem> {
        Ok(self.edit)
    }

    fn place(&self) -> (Option<&str>, Option<u32>) {
        (self.asked.after.as_deref(), self.asked.limit)
    }

    fn read(
        house: &House,
        db: &mut Db,
        edit: &i64,
        after: Option<Cursor>,
        limit: usize,
    ) -> store::Result<Page<EditedDevice>> {
        let page = edits::items(db, &scope(house), *edit, after, limit)?;
        let of = |item: &EditItemRow| EditedDevice {
            device: item.device.to_string(),
            opened: item.opened.len(),
            closed: item.closed.clone(),
        };
        Ok(Page { items: page.items.iter().map(of).collect(), next: page.next })
    }
}

/// The devices of one edit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
struct ItemsOf {
    edit: i64,
    asked: ItemsAsked,
}

/// Tells what an edit would come to, and writes nothing.
///
/// # Errors
/// [`Problem`] names the field.
pub(crate) async fn preview(
    house: &House,
    change: EditChange,
    devices: Vec<DeviceId>,
) -> Result<EditOutcome, Problem> {
    let site = house.site.id;
    let outcome = house.read(move |db| edits::preview(db, site, &change, &devices)).await?;
    Ok(EditOutcome::of(None, &outcome))
}

/// Has an edit made.
///
/// # Errors
/// [`Problem`] names the field.
pub(crate) async fn make(
    house: &House,
    change: EditChange,
    devices: Vec<DeviceId>,
    reason: &str,
) -> Result<EditOutcome, Problem> {
    let reason = Prose::<REASON_CHARS_MAX>::optional("reason", reason)?;
    let site = house.site.id;
    let made = house.write(move |store, now| {
        let (row, outcome, tx) =
            edits::plan_edit(store, (site, LOCAL, now), change, &devices, reason.as_ref())?;
        let answer = EditOutcome::of(row.as_ref(), &outcome);
        Ok(Planned { tx, concerns: Concerns::Devices(outcome.changed), answer })
    });
    Ok(made.await?)
}

/// Has an edit taken back.
///
/// # Errors
/// [`Problem`] where there is none, or it was taken back already.
pub(crate) async fn revert(house: &House, id: i64) -> Result<EditOutcome, Problem> {
    let _ = find(house, id).await?;
    let site = house.site.id;
    let reverted = house.write(move |store, now| {
        let (row, outcome, tx) = edits::plan_revert(store, (site, LOCAL, now), id)?;
        let answer = EditOutcome::of(Some(&row), &outcome);
        Ok(Planned { tx: Some(tx), concerns: Concerns::Devices(outcome.changed), answer })
    });
    Ok(reverted.await?)
}

/// The edit of that number.
///
/// # Errors
/// [`Problem`] 404 where there is none.
pub(crate) async fn find(house: &House, id: i64) -> Result<EditRow, Problem> {
    let site = house.site.id;
    let found = house.read(move |db| EditRow::find(db, site, id)).await?;
    found.ok_or_else(|| Problem::missing(format!("there is no edit {id}")))
}

async fn made(
    State(house): State<House>,
    Told(body): Told<EditBody>,
) -> Result<(StatusCode, Json<EditOutcome>), Problem> {
    let (change, devices) = body.understood()?;
    if body.dry_run {
        return Ok((StatusCode::OK, Json(preview(&house, change, devices).await?)));
    }
    let outcome = make(&house, change, devices, body.reason.as_deref().unwrap_or("")).await?;
    let status = if outcome.edit.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(outcome)))
}

async fn one(State(house): State<House>, placed: Placed) -> Result<Json<EditItem>, Problem> {
    Ok(Json(EditItem::of(&find(&house, placed.number(0)?).await?)))
}

async fn devices_of(
    State(house): State<House>,
    placed: Placed,
    super::query::Asked(asked): super::query::Asked<ItemsAsked>,
) -> Result<super::Listing<EditedDevice>, Problem> {
    let row = find(&house, placed.number(0)?).await?;
    rows::page(&house, ItemsOf { edit: row.id, asked }).await
}

async fn devices_as_csv(
    State(house): State<House>,
    placed: Placed,
    super::query::Asked(asked): super::query::Asked<ItemsAsked>,
) -> Result<super::Csv, Problem> {
    let row = find(&house, placed.number(0)?).await?;
    let items = rows::whole(&house, ItemsOf { edit: row.id, asked }).await?;
    Ok(rows::table::<ItemsOf>(&house, &items))
}

async fn devices_as_json(
    State(house): State<House>,
    placed: Placed,
    super::query::Asked(asked): super::query::Asked<ItemsAsked>,
) -> Result<Response, Problem> {
    let row = find(&house, placed.number(0)?).await?;
    let items = rows::whole(&house, ItemsOf { edit: row.id, asked }).await?;
    Ok(super::json_file(&house, "edited-devices", items))
}

async fn reverted(State(house): State<House>, placed: Placed) -> Result<Json<EditOutcome>, Problem> {
    Ok(Json(revert(&house, placed.number(0)?).await?))
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let (all, path, tag) = ("/api/v1/edits", "/api/v1/edits/{id}", "edits");
    let list = rows::endpoints::<EditsAsked>(
        [all, "/api/v1/edits.csv", "/api/v1/edits.json"],
        ["listEdits", "editsAsCsv", "editsAsJson"],
        [tag, "Edits of many devices, newest first."],
    );
    let own = [
        Endpoint::new("post", all, "createEdit", tag, "Edits many devices at once, all or none.", post(made))
            .taking::<EditBody>()
            .answering::<EditOutcome>(200)
            .answering::<EditOutcome>(201),
        Endpoint::get::<EditItem>(path, "getEdit", tag, "An edit.", get(one)).at(&[ID]),
        Endpoint::get::<super::Listing<EditedDevice>>(
            "/api/v1/edits/{id}/devices",
            "listEditedDevices",
            tag,
            "What an edit did, device by device.",
            get(devices_of),
        )
        .at(&[ID])
        .asking::<ItemsAsked>(),
        Endpoint::get::<super::Listing<EditedDevice>>(
            "/api/v1/edits/{id}/devices.json",
            "editedDevicesAsJson",
            tag,
            "The same whole, as a JSON file.",
            get(devices_as_json),
        )
        .at(&[ID])
        .asking::<ItemsAsked>(),
        Endpoint::new(
            "get",
            "/api/v1/edits/{id}/devices.csv",
            "editedDevicesAsCsv",
            tag,
            "The same whole, as CSV.",
            get(devices_as_csv),
        )
        .at(&[ID])
        .asking::<ItemsAsked>()
        .answering_text(200, super::CSV_PLAIN),
        Endpoint::new(
            "post",
            "/api/v1/edits/{id}/revert",
            "revertEdit",
            tag,
            "Takes an edit back, but for devices of which somebody has said something else since.",
            post(reverted),
        )
        .at(&[ID])
        .answering::<EditOutcome>(200),
    ];
    list.into_iter().chain(own).collect()
}
