//! Devices as they were: the way there and back, and what has become of them since.

use super::super::{Failed, Page, Room, Shown, Visit, parts};
use super::{View, address, hidden};
use crate::api::{Devices, DevicesAsked as Asked, Problem};
use crate::error::ServeError;
use crate::inventory::{Differences, Entry, Query, differences};
use maud::{Markup, html};
use model::Timestamp;
use std::sync::Arc;

/// Devices listed of each kind of change.
const LISTED_MAX: usize = 500;

/// How many appeared, went and changed since.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    appeared: usize,
    gone: usize,
    changed: usize,
}

/// What has become of the devices of the moment asked for; nothing where it is now.
pub(super) async fn counts(visit: &Visit, asked: &Asked) -> Result<Counts, Problem> {
    if asked.at.is_none() {
        return Ok(Counts::default());
    }
    let found = since(visit, asked).await?;
    Ok(Counts { appeared: found.appeared.len(), gone: found.gone.len(), changed: found.changed.len() })
}

async fn since(visit: &Visit, asked: &Asked) -> Result<Differences, Problem> {
    let (then, now) = (Arc::clone(&asked.inventory), Arc::clone(&visit.house.inventory));
    let found = tokio::task::spawn_blocking(move || differences(&then, &now)).await;
    Ok(found.map_err(|error| ServeError::Unavailable {
        what: "the comparison of devices",
        why: error.to_string(),
    })?)
}

/// Says that this is not now.
pub(super) fn notice(visit: &Visit, query: &Query, at: Timestamp, counts: &Counts) -> Markup {
    let to = |kind: &str| changes_address(query, kind);
    html! {
        div.notice role="note" {
            p {
                strong { "As it was at " (visit.house.site.zone.show(at)) ", by what Ward knew then. " }
                a href=(address(&Query { at: None, ..query.from_start() })) { "Back to now" }
            }
            p {
                "Since then: "
                a href=(to("appeared")) { (parts::grouped(counts.appeared as u64)) " appeared" } ", "
                a href=(to("gone")) { (parts::grouped(counts.gone as u64)) " gone" } ", "
                a href=(to("changed")) { (parts::grouped(counts.changed as u64)) " changed" } "."
            }
        }
    }
}

fn changes_address(query: &Query, kind: &str) -> String {
    let at = Query { at: query.at.clone(), ..Query::default() };
    format!("/devices/changes?{at}#{kind}")
}

impl View<'_> {
    /// The form that goes to a moment.
    pub(super) fn time_travel(&self) -> Markup {
        let at = self.query.at.as_deref().unwrap_or_default();
        html! {
            details.menu open[self.query.at.is_some()] {
                summary { "Time travel" }
                form method="get" action="/devices" {
                    (hidden(self.query, &["at"]))
                    label {
                        span { "Devices as they were on" }
                        input name="at" value=(at) maxlength="40" placeholder="2026-11-01 or 2026-11-01T14:30" aria-describedby="at-means";
                    }
                    p #at-means .muted { "A date means its midnight by the site's clock." }
                    button type="submit" { "Show" }
                    @if self.query.at.is_some() { " " a href=(address(&Query { at: None, ..self.query.from_start() })) { "Back to now" } }
                }
            }
        }
    }
}

/// What has become of the devices of a moment: `/devices/changes?at=…`.
pub(super) async fn changes(visit: Visit, devices: Result<Devices, Problem>) -> Shown {
    let on = |problem: Problem| Failed::on(&visit, problem);
    let Devices(query) = devices.map_err(on)?;
    let Some(at) = query.at.clone() else {
        return Err(on(Problem::bad("at says since when: a date such as 2026-11-01, or a time")));
    };
    let asked = Asked::of(&visit.house, &query).await.map_err(on)?;
    let found = since(&visit, &asked).await.map_err(on)?;
    let then = Query { at: Some(at), ..Query::default() };
    let shown = asked.at.map(|at| visit.house.site.zone.show(at)).unwrap_or_default();
    let answer = html! {
        "Since " (shown) ", by what Ward knew then: " (parts::count(found.appeared.len(), "device")) " appeared, "
        (parts::grouped(found.gone.len() as u64)) " gone, " (parts::grouped(found.changed.len() as u64)) " changed."
    };
    let was = |entry: &Entry| format!("/devices/{}?{then}", entry.id);
    let is = |entry: &Entry| format!("/devices/{}", entry.id);
    let appeared = found.appeared.iter().map(|entry| (is(entry), &**entry, "not there then".to_owned()));
    let gone = found.gone.iter().map(|entry| {
        (was(entry), &**entry, "no longer listed: merged, or forgotten by retention".to_owned())
    });
    let changed =
        found.changed.iter().map(|(then, now)| (is(now), &**now, Differences::names(then, now).join(", ")));
    let body = html! {
        p { a href=(address(&then)) { "Devices as they were" } " · " a href="/devices" { "Devices now" } }
        (section("appeared", "Appeared", appeared.collect()))
        (section("gone", "Gone", gone.collect()))
        (section("changed", "Changed", changed.collect()))
    };
    Ok(Page::new(&visit, Some(Room::Devices), "What became of devices", answer, body))
}

fn section(id: &str, title: &str, rows: Vec<(String, &Entry, String)>) -> Markup {
    let left_out = rows.len().saturating_sub(LISTED_MAX);
    html! {
        section.card id=(id) {
            h2 { (title) " (" (parts::grouped(rows.len() as u64)) ")" }
            @if rows.is_empty() { p.muted { "None." } } @else {
                div.scroll {
                    table.data {
                        thead { tr { th scope="col" { "Device" } th scope="col" { "Number" } th scope="col" { "What" } } }
                        tbody {
                            @for (link, entry, what) in rows.into_iter().take(LISTED_MAX) {
                                tr { th scope="row" { a href=(link) { (entry.title()) } } td { code { (entry.id) } } td { (what) } }
                            }
                        }
                    }
                }
                @if left_out > 0 { p.muted { (parts::grouped(left_out as u64)) " more are not listed; choose a later moment." } }
            }
        }
    }
}
