//! Tags: which there are, and giving one to a device. Giving and taking is an edit of one device, so it can be taken back.

use super::Problem;
use super::edits::{self, EditOutcome};
use super::endpoint::Endpoint;
use super::rows::Placed;
use crate::house::House;
use axum::Json;
use axum::extract::State;
use axum::routing::{delete, get, put};
use model::{DeviceId, EditChange, Tag};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tags that are listed; those of most devices first.
const TAGS_LISTED_MAX: usize = 1_000;

/// A tag.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TagItem {
    /// The tag.
    pub(crate) tag: String,
    /// How many devices have it.
    pub(crate) devices: usize,
}

/// The tags that devices have, by how many have them.
pub(crate) fn tags(house: &House) -> Vec<TagItem> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    house.inventory.each(&mut |entry| {
        for tag in &entry.tags {
            *counts.entry(tag.to_string()).or_default() += 1;
        }
    });
    let mut tags: Vec<TagItem> = counts.into_iter().map(|(tag, devices)| TagItem { tag, devices }).collect();
    tags.sort_by(|a, b| b.devices.cmp(&a.devices).then_with(|| a.tag.cmp(&b.tag)));
    tags.truncate(TAGS_LISTED_MAX);
    tags
}

async fn list(State(house): State<House>) -> Json<Vec<TagItem>> {
    Json(tags(&house))
}

fn named(placed: &Placed) -> Result<(DeviceId, Tag), Problem> {
    let no_device =
        |error: model::NotADeviceId| Problem::missing(format!("there is no such device: {error}"));
    Ok((placed.text(0).parse().map_err(no_device)?, placed.text(1).parse()?))
}

async fn said(house: &House, device: DeviceId, change: EditChange) -> Result<Json<EditOutcome>, Problem> {
    let outcome = edits::make(house, change, vec![device], "").await?;
    match outcome.skipped.first() {
        None => Ok(Json(outcome)),
        Some(skipped) => Err(model::Invalid::new("device", skipped.why.clone()).into()),
    }
}

async fn given(State(house): State<House>, placed: Placed) -> Result<Json<EditOutcome>, Problem> {
    let (device, tag) = named(&placed)?;
    said(&house, device, EditChange::AddTag(tag)).await
}

async fn taken(State(house): State<House>, placed: Placed) -> Result<Json<EditOutcome>, Problem> {
    let (device, tag) = named(&placed)?;
    said(&house, device, EditChange::RemoveTag(tag)).await
}

/// What stands in the path of a device's tag.
const IN_PATH: &[(&str, &str, &str)] =
    &[("id", "Which device.", "^d-[0-9a-f]{16}$"), ("tag", "The tag.", Tag::PATTERN)];

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let (path, tag) = ("/api/v1/devices/{id}/tags/{tag}", "tags");
    vec![
        Endpoint::get::<Vec<TagItem>>(
            "/api/v1/tags",
            "listTags",
            tag,
            "The tags that devices have.",
            get(list),
        ),
        Endpoint::new("put", path, "addTag", tag, "Gives a device a tag.", put(given))
            .at(IN_PATH)
            .answering::<EditOutcome>(200),
        Endpoint::new("delete", path, "removeTag", tag, "Takes a tag from a device.", delete(taken))
            .at(IN_PATH)
            .answering::<EditOutcome>(200),
    ]
}
