//! Edits of many devices at once: what a person says of all of them, as words of that person, and how to take it back.
//!
//! An edit is one transaction, and so is its reversal: either all devices have it or none, nothing is half done after a crash, and
//! [`model::EDIT_DEVICES_MAX`] keeps it to some ten thousand rows. What somebody else has said since is never overwritten.

use crate::db::{Cell, Db, Row, Value};
use crate::devices::{device_id, stored_id};
use crate::error::{Result, StoreError};
use crate::listing::{self, Listing};
use crate::read::{Cursor, Page, Scope};
use crate::store::Store;
use crate::table::{EDIT_ITEMS, EDITS};
use crate::tx::{Tx, time, timestamp};
use crate::word::{self, Word};
use model::{DeviceId, EDIT_DEVICES_MAX, EditChange, Prose, REASON_CHARS_MAX, SiteId, TAGS_MAX, Timestamp};
use std::collections::BTreeSet;

/// An edit and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditRow {
    /// Number of the row.
    pub id: i64,
    /// What was said of each device.
    pub change: EditChange,
    /// How many devices it changed.
    pub devices: i64,
    /// Why.
    pub reason: String,
    /// Who.
    pub edited_by: String,
    /// When.
    pub edited_at: Timestamp,
    /// Who took it back.
    pub reverted_by: Option<String>,
    /// When.
    pub reverted_at: Option<Timestamp>,
}

/// What an edit did to one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditItem {
    /// Number of the row.
    pub id: i64,
    /// Which device.
    pub device: DeviceId,
    /// Rows of words that it opened.
    pub opened: Vec<i64>,
    /// Words that it closed: attribute and value.
    pub closed: Vec<(String, String)>,
}

/// What an edit comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Devices that it changes.
    pub changed: Vec<DeviceId>,
    /// Devices that are so already.
    pub unchanged: Vec<DeviceId>,
    /// Devices that it leaves alone, and why.
    pub skipped: Vec<(DeviceId, String)>,
}

/// What is to be done with the words about one device.
enum Step {
    /// Close those, open this.
    Change { close: Vec<Word>, open: Option<(String, String)> },
    /// It is so already.
    Nothing,
    /// It cannot be, because.
    Skip(String),
}

impl EditRow {
    fn cells(&self) -> Vec<Value> {
        vec![
            self.change.to_string().into(),
            self.devices.into(),
            self.reason.clone().into(),
            self.edited_by.clone().into(),
            time(self.edited_at).into(),
            Value::optional_text(self.reverted_by.as_deref()),
            Value::optional_int(self.reverted_at.map(time)),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.int(0)?;
        let change = row.text(1)?.parse();
        Ok(Self {
            id,
            change: change.map_err(|error| StoreError::damaged(format!("table edits, row {id}: {error}")))?,
            devices: row.int(2)?,
            reason: row.text(3)?.to_owned(),
            edited_by: row.text(4)?.to_owned(),
            edited_at: timestamp(row.int(5)?),
            reverted_by: row.optional_text(6)?.map(str::to_owned),
            reverted_at: row.optional_int(7)?.map(timestamp),
        })
    }

    /// The one of that number.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, site: SiteId, id: i64) -> Result<Option<Self>> {
        listing::find(db, &EDITS, site, id, Self::read)
    }
}

impl EditItem {
    fn cells(&self, edit: i64) -> Vec<Value> {
        let json = |value: Result<String, serde_json::Error>| Value::Text(value.unwrap_or_default());
        vec![
            edit.into(),
            stored_id(self.device).into(),
            json(serde_json::to_string(&self.opened)),
            json(serde_json::to_string(&self.closed)),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.int(0)?;
        let damaged = |error| StoreError::damaged(format!("table edit_items, row {id}: {error}"));
        Ok(Self {
            id,
            device: device_id(row.int(2)?),
            opened: serde_json::from_str(row.text(3)?).map_err(damaged)?,
            closed: serde_json::from_str(row.text(4)?).map_err(damaged)?,
        })
    }
}

/// A page of edits, newest first.
///
/// # Errors
/// By cause.
pub fn list(
    db: &mut Db,
    scope: &Scope,
    reverted: Option<bool>,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<EditRow>> {
    let mut listing = Listing::of(&EDITS, scope);
    match reverted {
        None => {}
        Some(true) => listing.that("t.reverted_at IS NOT NULL"),
        Some(false) => listing.that("t.reverted_at IS NULL"),
    }
    listing.after(after);
    listing.page(db, limit, EditRow::read, |row| row.id, None)
}

/// A page of what an edit did, device by device.
///
/// # Errors
/// By cause.
pub fn items(
    db: &mut Db,
    scope: &Scope,
    edit: i64,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<EditItem>> {
    let mut listing = Listing::of(&EDIT_ITEMS, scope);
    listing.having("t.edit = ?", Cell::Int(edit));
    listing.after(after);
    let about: fn(&EditItem) -> model::About = |item| model::About::Device(item.device);
    listing.page(db, limit, EditItem::read, |item| item.id, Some((scope, about)))
}

/// What `change` would come to for these devices, without writing anything.
///
/// # Errors
/// [`StoreError::Refused`] when it may not be made of so many; and by cause.
pub fn preview(db: &mut Db, site: SiteId, change: &EditChange, devices: &[DeviceId]) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for device in asked(change, devices)? {
        match step(db, site, change, device)? {
            Step::Change { .. } => outcome.changed.push(device),
            Step::Nothing => outcome.unchanged.push(device),
            Step::Skip(why) => outcome.skipped.push((device, why)),
        }
    }
    Ok(outcome)
}

/// An edit, to be written; `None` where no device would be changed.
///
/// # Errors
/// [`StoreError::Refused`] when it may not be made of so many devices; and by cause.
pub fn plan_edit(
    store: &mut Store,
    (site, by, now): (SiteId, &str, Timestamp),
    change: EditChange,
    devices: &[DeviceId],
    reason: Option<&Prose<REASON_CHARS_MAX>>,
) -> Result<(Option<EditRow>, Outcome, Option<Tx>)> {
    let mut outcome = Outcome::default();
    let mut tx = Tx::new(site, by, "devices are edited", now);
    let edit = store.next_id(&EDITS);
    for device in asked(&change, devices)? {
        match step(store.db(), site, &change, device)? {
            Step::Change { close, open } => {
                let opened = open.as_ref().map(|(attribute, value)| (attribute.as_str(), value.as_str()));
                let opened = replace(&mut tx, store, device, &close, opened.as_slice(), by, now)?;
                let closed = close.into_iter().map(|word| (word.attribute, word.value)).collect();
                let item = EditItem { id: store.next_id(&EDIT_ITEMS), device, opened, closed };
                tx.put(&EDIT_ITEMS, item.id, item.cells(edit));
                outcome.changed.push(device);
            }
            Step::Nothing => outcome.unchanged.push(device),
            Step::Skip(why) => outcome.skipped.push((device, why)),
        }
    }
    if outcome.changed.is_empty() {
        return Ok((None, outcome, None));
    }
    let row = EditRow {
        id: edit,
        change,
        devices: i64::try_from(outcome.changed.len())?,
        reason: reason.map_or("", Prose::as_str).to_owned(),
        edited_by: by.to_owned(),
        edited_at: now.max(store.newest()),
        reverted_by: None,
        reverted_at: None,
    };
    tx.put(&EDITS, edit, row.cells());
    Ok((Some(row), outcome, Some(tx)))
}

/// Edit `id` taken back: the words as they were before it, but for devices of which somebody has said something else since.
///
/// # Errors
/// [`StoreError::Refused`] when there is no such edit or it was taken back already; and by cause.
pub fn plan_revert(
    store: &mut Store,
    (site, by, now): (SiteId, &str, Timestamp),
    id: i64,
) -> Result<(EditRow, Outcome, Tx)> {
    let known = EditRow::find(store.db(), site, id)?;
    let mut row = known.ok_or_else(|| StoreError::Refused(format!("there is no edit {id}")))?;
    if row.reverted_at.is_some() {
        return Err(StoreError::Refused(format!("edit {id} was taken back already: nothing is to be done")));
    }
    let mut outcome = Outcome::default();
    let mut tx = Tx::new(site, by, "an edit of devices is taken back", now);
    for item in all_items(store.db(), site, id)? {
        let words = word::current(store.db(), site, item.device)?;
        if let Some(why) = changed_since(&item, &words) {
            outcome.skipped.push((item.device, why));
            continue;
        }
        let close: Vec<Word> = words.into_iter().filter(|word| item.opened.contains(&word.row)).collect();
        let open: Vec<(&str, &str)> =
            item.closed.iter().map(|(attribute, value)| (attribute.as_str(), value.as_str())).collect();
        replace(&mut tx, store, item.device, &close, &open, by, now)?;
        outcome.changed.push(item.device);
    }
    row.reverted_by = Some(by.to_owned());
    row.reverted_at = Some(now.max(store.newest()));
    tx.put(&EDITS, id, row.cells());
    Ok((row, outcome, tx))
}

/// The devices, each once, in order; refuses too many.
fn asked(change: &EditChange, devices: &[DeviceId]) -> Result<BTreeSet<DeviceId>> {
    let devices: BTreeSet<DeviceId> = devices.iter().copied().collect();
    let refuse = |why: String| Err(StoreError::Refused(why));
    if devices.is_empty() {
        return refuse("devices: name at least one".into());
    }
    if devices.len() > EDIT_DEVICES_MAX {
        let count = devices.len();
        return refuse(format!(
            "devices: {count} are too many for one edit: name at most {EDIT_DEVICES_MAX}"
        ));
    }
    if matches!(change, EditChange::Name(Some(_))) && devices.len() > 1 {
        return refuse("change: a name is for one device: name one, or give them a tag".into());
    }
    Ok(devices)
}

fn step(db: &mut Db, site: SiteId, change: &EditChange, device: DeviceId) -> Result<Step> {
    let sql = "SELECT count(*) FROM devices WHERE site = ?1 AND device = ?2 AND known_to IS NULL \
               AND merged_into IS NULL";
    let found = db.number(sql, &[Cell::Int(site.0.into()), Cell::Int(stored_id(device))])?;
    if found.is_none_or(|count| count == 0) {
        return Ok(Step::Skip("there is no such device, or it turned out to be another".into()));
    }
    Ok(decide(change, word::current(db, site, device)?))
}

/// What `change` comes to where these words are open.
fn decide(change: &EditChange, words: Vec<Word>) -> Step {
    let one = |attribute: &str, value: Option<&str>| {
        let mut close: Vec<Word> = words.iter().filter(|word| word.attribute == attribute).cloned().collect();
        let already = |word: &Word| Some(word.value.as_str()) == value;
        match value {
            None if close.is_empty() => Step::Nothing,
            Some(_) if close.len() == 1 && close.iter().all(already) => Step::Nothing,
            _ => {
                let is_kept = close.iter().position(already);
                let open = value.filter(|_| is_kept.is_none());
                if let Some(kept) = is_kept {
                    close.remove(kept);
                }
                Step::Change { close, open: open.map(|value| (attribute.to_owned(), value.to_owned())) }
            }
        }
    };
    let tags = || words.iter().filter(|word| word.attribute == word::TAG);
    match change {
        EditChange::AddTag(tag) if tags().any(|word| word.value == tag.as_str()) => Step::Nothing,
        EditChange::AddTag(_) if tags().count() >= TAGS_MAX => {
            Step::Skip(format!("it has {TAGS_MAX} tags already: remove one first"))
        }
        EditChange::AddTag(tag) => {
            Step::Change { close: Vec::new(), open: Some((word::TAG.to_owned(), tag.to_string())) }
        }
        EditChange::RemoveTag(tag) => {
            let close: Vec<Word> = tags().filter(|word| word.value == tag.as_str()).cloned().collect();
            if close.is_empty() { Step::Nothing } else { Step::Change { close, open: None } }
        }
        EditChange::Name(value) => one(word::NAME, value.as_ref().map(model::Line::as_str)),
        EditChange::Zone(value) => one(word::ZONE, value.as_ref().map(model::Line::as_str)),
        EditChange::Location(value) => one(word::LOCATION, value.as_ref().map(model::Line::as_str)),
        EditChange::AssetId(value) => one(word::ASSET, value.as_ref().map(model::Line::as_str)),
        EditChange::Accept(accept) => one(word::REVIEW, accept.then_some(word::ACCEPTED)),
        EditChange::Custom(name, value) => one(name.as_str(), value.as_ref().map(model::Line::as_str)),
    }
}

/// Closes and opens words; the rows that were opened.
fn replace(
    tx: &mut Tx,
    store: &mut Store,
    device: DeviceId,
    close: &[Word],
    open: &[(&str, &str)],
    by: &str,
    now: Timestamp,
) -> Result<Vec<i64>> {
    for word in close {
        word::close(tx, store, word.row, now)?;
    }
    Ok(open
        .iter()
        .map(|(attribute, value)| word::open(tx, store, device, attribute, value, by, now))
        .collect())
}

/// Why what an edit did to a device cannot be taken back without overwriting what came after it.
fn changed_since(item: &EditItem, words: &[Word]) -> Option<String> {
    let is_open = |row: &i64| words.iter().any(|word| word.row == *row);
    if !item.opened.iter().all(is_open) {
        return Some("somebody has changed it since".into());
    }
    let others = || words.iter().filter(|word| !item.opened.contains(&word.row));
    for (attribute, value) in &item.closed {
        let contradicts =
            |word: &Word| word.attribute == *attribute && (attribute != word::TAG || word.value == *value);
        if others().any(contradicts) {
            return Some("somebody has said it anew since".into());
        }
        if attribute == word::TAG && others().filter(|word| word.attribute == word::TAG).count() >= TAGS_MAX {
            return Some(format!("it has {TAGS_MAX} tags by now"));
        }
    }
    None
}

fn all_items(db: &mut Db, site: SiteId, edit: i64) -> Result<Vec<EditItem>> {
    let mut items = Vec::new();
    let sql =
        "SELECT id, edit, device, opened, closed FROM edit_items WHERE site = ?1 AND edit = ?2 ORDER BY id";
    db.query(sql, &[Cell::Int(site.0.into()), Cell::Int(edit)], &mut |row| {
        items.push(EditItem::read(row)?);
        Ok(())
    })?;
    Ok(items)
}
