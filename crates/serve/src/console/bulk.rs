//! Editing many devices at once: first what will happen, to which devices and how to undo it; then the button. And the edits that
//! were made, to be taken back.

use super::form::Filled;
use super::parts::{badge, count, empty, exports, unknown};
use super::parts_about::{next, time};
use super::{Failed, Page, Room, Shown, Visit};
use crate::api::edits::{self, EditBody, EditItem, EditOutcome, EditsAsked};
use crate::api::{Problem, rows};
use crate::house::House;
use crate::inventory::Query;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use model::{DeviceId, EDIT_DEVICES_MAX, EditChange, REASON_CHARS_MAX, WORD_CHARS_MAX};

/// Devices that are named before the button.
const SAMPLE_MAX: usize = 10;
/// The next page that a form without `next` leads to.
const EDITS: &str = "/edits";

/// The changes that a form offers, and what they are called.
const CHANGES: [(&str, &str); 8] = [
    ("add-tag", "add the tag"),
    ("remove-tag", "remove the tag"),
    ("zone", "set the zone"),
    ("location", "set the location"),
    ("asset-id", "set the asset tag"),
    ("name", "set the name (one device only)"),
    ("accept", "accept as reviewed"),
    ("unaccept", "take back that it was reviewed"),
];

/// The fields of an edit, for a form that has devices chosen (`name="device"`) and goes to `/devices/edit`.
pub(crate) fn fields() -> Markup {
    html! {
        label { span { "Change" } select name="change" { @for (name, word) in CHANGES { option value=(name) { (word) } } } }
        label { span { "A field of your own, instead" } input name="custom" maxlength="40" placeholder="x-cost-centre" pattern="x-[a-z0-9\\-]{1,38}"; }
        label { span { "Value (empty takes back what was said)" } input name="value" maxlength=(WORD_CHARS_MAX); }
        button.primary { "Show what will happen" }
    }
}

async fn edit(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let on = |problem: Problem| Failed::on(&visit, problem);
    let body = EditBody {
        change: form.maybe("custom").unwrap_or_else(|| form.text("change").to_owned()),
        value: form.maybe("value"),
        devices: chosen(&visit, &form).map_err(on)?,
        reason: form.maybe("reason"),
        dry_run: false,
    };
    let (change, devices) = body.understood().map_err(on)?;
    if form.text("confirmed") == "yes" {
        let outcome = edits::make(&visit.house, change, devices, form.text("reason")).await.map_err(on)?;
        return Ok(done(&visit, &form, &outcome).into_response());
    }
    let outcome = edits::preview(&visit.house, change.clone(), devices).await.map_err(on)?;
    Ok(foreseen(&visit, &form, &change, &outcome).into_response())
}

/// The devices that are ticked, or all that the list's query finds where that was asked for. Never all by an empty selection.
fn chosen(visit: &Visit, form: &Filled) -> Result<Vec<String>, Problem> {
    let ticked = form.all("device");
    if form.text("all") != "yes" {
        if ticked.is_empty() {
            return Err(Problem::bad("no device is chosen: go back, tick some in the list, then edit them"));
        }
        return Ok(ticked);
    }
    let query = Query::parse(form.text("query"))?;
    let found = visit.house.inventory.matching(&query, visit.now, &visit.house.site.zone);
    if found.len() > EDIT_DEVICES_MAX {
        let why = format!(
            "{} devices match, and an edit is of {EDIT_DEVICES_MAX} at most: choose fewer with filters",
            found.len()
        );
        return Err(Problem::bad(why));
    }
    Ok(found.iter().map(|entry| entry.id.to_string()).collect())
}

/// What will happen, before the button.
fn foreseen(visit: &Visit, form: &Filled, change: &EditChange, outcome: &EditOutcome) -> Page {
    let changed = outcome.changed.len();
    let back = Some(form.text("next")).filter(|next| next.starts_with('/')).unwrap_or("/devices");
    let body = html! {
        section.card {
            h2 { "What will happen" }
            dl.facts {
                dt { "Change" } dd { strong { (change.words()) } }
                dt { "Changed" } dd { (count(changed, "device")) }
                dt { "So already" } dd { (count(outcome.unchanged.len(), "device")) }
                dt { "Left alone" } dd { (count(outcome.skipped.len(), "device")) }
                dt { "In use now" } dd { (count(changed, "device")) ": " (unknown("whether a device is in use is not known yet")) ". Nothing is sent to any device: only what Ward says of it changes." }
                dt { "To undo" } dd { "“Revert” on the page of edits brings back what was said before, but for devices that somebody has changed again by then." }
            }
            (sample(visit, "These among others will be changed:", &outcome.changed))
            (skipped(visit, outcome))
            @if changed > 0 {
                form method="post" action="/devices/edit" {
                    input type="hidden" name="next" value=(EDITS);
                    input type="hidden" name="confirmed" value="yes";
                    input type="hidden" name="change" value=(change.kind());
                    input type="hidden" name="value" value=(change.value());
                    @for device in &outcome.changed { input type="hidden" name="device" value=(device); }
                    label { span { "Why (kept with the edit)" } input name="reason" maxlength=(REASON_CHARS_MAX); }
                    button.primary { "Change " (count(changed, "device")) }
                }
            }
            p { a href=(back) { "Back, change nothing" } }
        }
    };
    let answer = match changed {
        0 => html! { "Nothing would change." },
        _ => {
            html! { (count(changed, "device")) " would be changed: " (change.words()) ". Nothing is done yet." }
        }
    };
    Page::new(visit, Some(Room::Devices), "Edit devices", answer, body)
}

fn sample(visit: &Visit, title: &str, devices: &[String]) -> Markup {
    html! {
        @if !devices.is_empty() {
            p { (title) }
            ul { @for device in devices.iter().take(SAMPLE_MAX) { li { (device_link(visit, device)) } } }
            @if devices.len() > SAMPLE_MAX {
                details { summary { "All " (devices.len()) } p { @for device in devices.iter().take(EDIT_DEVICES_MAX) { (device) " " } } }
            }
        }
    }
}

fn skipped(visit: &Visit, outcome: &EditOutcome) -> Markup {
    html! {
        @if !outcome.skipped.is_empty() {
            p { "Left alone:" }
            ul { @for skipped in outcome.skipped.iter().take(SAMPLE_MAX) { li { (device_link(visit, &skipped.device)) ": " (skipped.why) } } }
            @if outcome.skipped.len() > SAMPLE_MAX { p.muted { "and " (outcome.skipped.len() - SAMPLE_MAX) " more" } }
        }
    }
}

fn device_link(visit: &Visit, device: &str) -> Markup {
    let entry = device.parse::<DeviceId>().ok().and_then(|device| visit.house.inventory.get(device));
    html! { a href={ "/devices/" (device) } { @if let Some(entry) = entry { (entry.title()) } @else { (device) } } }
}

/// What has happened.
fn done(visit: &Visit, form: &Filled, outcome: &EditOutcome) -> Response {
    if outcome.skipped.is_empty() {
        return form.back(EDITS);
    }
    let title = "Edited";
    let answer = html! { (count(outcome.changed.len(), "device")) " changed, " (count(outcome.skipped.len(), "device")) " left alone." };
    let body = html! { section.card { h2 { "What was left alone" } (skipped(visit, outcome)) p { a href=(EDITS) { "All edits" } } } };
    Page::new(visit, Some(Room::Devices), title, answer, body).into_response()
}

async fn list(visit: Visit) -> Shown {
    let on = |problem: Problem| Failed::on(&visit, problem);
    let asked: EditsAsked = rows::understood(visit.uri.query().unwrap_or("")).map_err(on)?;
    let list = rows::page(&visit.house, asked).await.map_err(on)?;
    let body = html! {
        @if list.items.is_empty() {
            (empty("No edit was made yet.", html! { p { "Choose devices in the list of " a href="/devices" { "devices" } ", then what to change." } }))
        } @else {
            div.toolbar { (exports("/edits")) }
            div.scroll { table.data {
                thead { tr { th scope="col" { "Change" } th.num scope="col" { "Devices" } th scope="col" { "Why" } th scope="col" { "Who" } th scope="col" { "When" } th scope="col" { "State" } } }
                tbody { @for edit in &list.items { (row(&visit, edit)) } }
            } }
        }
        @if let Some(cursor) = &list.next { p { a href=(super::parts_link::with(&visit.uri, "after", cursor)) rel="next" { "More" } } }
    };
    let answer = html! { "What people have said of many devices at once. Each edit can be taken back." };
    Ok(Page::new(&visit, Some(Room::Devices), "Edits", answer, body))
}

fn row(visit: &Visit, edit: &EditItem) -> Markup {
    html! {
        tr {
            th scope="row" { (edit.words) }
            td.num { a href={ "/api/v1/edits/" (edit.id) "/devices" } { (edit.devices) } }
            td { (edit.reason) }
            td { (edit.edited_by) }
            td { (time(visit, &edit.edited_at)) }
            td {
                @if let Some(at) = &edit.reverted_at { (badge("plain", "taken back")) " " (time(visit, at)) }
                @else {
                    form.inline method="post" action="/edits/revert" {
                        (next(visit)) input type="hidden" name="id" value=(edit.id);
                        button.quiet title="Brings back what was said before, but for devices that were changed since." aria-label={ "Revert: " (edit.words) } { "Revert" }
                    }
                }
            }
        }
    }
}

async fn revert(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let on = |problem: Problem| Failed::on(&visit, problem);
    let outcome = edits::revert(&visit.house, form.number("id").map_err(on)?).await.map_err(on)?;
    Ok(done(&visit, &form, &outcome))
}

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/devices/edit", post(edit))
        .route("/edits", get(list))
        .route("/edits/revert", post(revert))
}
