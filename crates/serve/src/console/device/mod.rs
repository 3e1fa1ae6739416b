//! The page of one device: what Ward believes of it and why, where it is, with whom it talks, what became of it.
//!
//! It must not conclude: everything on it comes out of the dossier, with its evidence beside it. Its address is its state.

mod acts;
mod addresses;
mod gateway;
mod identity;
mod state;
mod talks;
mod timeline;

use super::{Failed, Page, Room, Visit, parts, parts_about};
use crate::api::query::Asked;
use crate::api::{Day, Problem, maybe};
use crate::dossier::{self, Dossier, Found, Range, Talking};
use crate::house::House;
pub(crate) use addresses::kind as address_kind;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use model::{About, DeviceId, Timestamp};
use state::State;
pub(crate) use state::{kind as timeline_kind, range as talk_range};
use store::timeline::Moment;

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/devices/{id}", get(show))
        .route("/devices/{id}/tags", post(acts::tag))
        .route("/devices/{id}/review", post(acts::review))
        .route("/devices/{id}/decisions", post(acts::decide))
}

/// What the page was asked for.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Wanted {
    at: Option<String>,
    range: Option<String>,
    kind: Option<String>,
    after: Option<String>,
    merged: Option<String>,
    said: Option<String>,
    view: Option<String>,
}

/// Everything that the page shows.
struct Shown<'p> {
    visit: &'p Visit,
    state: &'p State,
    dossier: &'p Dossier,
    talking: &'p Talking,
    moments: &'p [Moment],
    next: Option<String>,
}

async fn show(
    visit: Visit,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
    wanted: Result<Asked<Wanted>, Problem>,
) -> Result<Response, Failed> {
    let Asked(wanted) = wanted.map_err(|problem| Failed::on(&visit, problem))?;
    let Ok(id) = path.map(|Path(id)| id).map_err(drop).and_then(|id| named_device_id(&id).ok_or(())) else {
        let said = "This address names no device: an id is written d- and 16 digits, 0 to 9 and a to f.";
        return Ok(no_device(&visit, said, None).into_response());
    };
    let state = State::read(&visit, id, &wanted).map_err(|problem| Failed::on(&visit, problem))?;
    match dossier::open(&visit.house, id, state.at).await.map_err(|error| Failed::on(&visit, error))? {
        Found::Here(dossier) => Ok(page(&visit, &state, &dossier, &wanted).await?.into_response()),
        Found::Is(survivor) => Ok(Redirect::to(&state.of_survivor(survivor)).into_response()),
        Found::NotYet(since) => Ok(not_yet(&visit, &state, since).into_response()),
        Found::Nowhere => {
            let said = format!("Ward has never seen a device {id}, or retention has forgotten it.");
            Ok(no_device(&visit, &said, Some(id)).into_response())
        }
    }
}

async fn page(visit: &Visit, state: &State, dossier: &Dossier, wanted: &Wanted) -> Result<Page, Failed> {
    let fail = |error: crate::error::ServeError| Failed::on(visit, error);
    let until = state.at.unwrap_or(visit.now);
    let talking = dossier::talking(&visit.house, dossier, state.range, until).await.map_err(fail)?;
    let about = parts_about::about(visit, About::Device(state.id)).await;
    let (moments, next) = timeline::read(visit, state, dossier).await?;
    let shown = Shown { visit, state, dossier, talking: &talking, moments: &moments, next };
    let title = dossier.facts.title().to_owned();
    let answer = answer(&shown);
    let body = html! {
        (notices(&shown, wanted))
        div.split.even {
            div { (identity::section(&shown)) }
            div {
                (findings(&shown))
                @if state.at.is_none() { (acts::section(&shown)) }
            }
        }
        (addresses::section(&shown))
        (gateway::section(&shown))
        (talks::section(&shown))
        @if state.at.is_none() { (about) }
        (timeline::section(&shown))
        @if state.at.is_none() { (acts::decisions(&shown)) }
    };
    Ok(Page::new(visit, Some(Room::Devices), &title, answer, body))
}

/// `GE Monitor B650 in zone ICU, last heard 4 min ago; 2 findings, 1 conflict; nobody has reviewed it.`
fn answer(shown: &Shown<'_>) -> Markup {
    let (facts, visit) = (&shown.dossier.facts, shown.visit);
    let zone = &visit.house.site.zone;
    let (findings, conflicts) = (shown.dossier.findings.len(), facts.conflicts.len());
    html! {
        @match facts.what() { Some(what) => (what), None => "Ward cannot tell yet what this is" }
        @match &facts.zone { Some(zone) => { "; in zone " (zone) } None => "; in no zone" }
        @if facts.is_router { ", which forwards for others" }
        @if let Some(seen) = facts.last_seen { ", last heard " (parts::when(seen, visit.now, zone)) }
        "; "
        (if findings == 0 { "no finding".to_owned() } else { parts::count(findings, "finding") })
        ", " (if conflicts == 0 { "no conflict".to_owned() } else { parts::count(conflicts, "conflict") })
        "; " (if facts.is_reviewed { "somebody has reviewed it" } else { "nobody has reviewed it" }) "."
    }
}

fn notices(shown: &Shown<'_>, wanted: &Wanted) -> Markup {
    let (state, visit) = (shown.state, shown.visit);
    let merged = wanted.merged.as_deref().and_then(named_device_id);
    html! {
        @if let Some(merged) = merged {
            p.notice role="status" { (merged) " turned out to be this device: " a href="#decisions" { "what was decided" } "." }
        }
        @if let Some(said) = wanted.said.as_deref().and_then(acts::said) { p.notice role="status" { (said) } }
        @if let Some(at) = state.at {
            p.notice role="status" {
                "As it was known on " strong { (visit.house.site.zone.show(at)) } ". " a href=(state.now()) { "See it as it is now" } "."
            }
        }
        div.toolbar {
            details.menu {
                summary { "Time travel" }
                form method="get" action=(format!("/devices/{}", state.id)) {
                    label { span { "As it was on" } input type="datetime-local" name="at" value=[state.at_field(visit)]; }
                    button type="submit" { "Show" }
                }
            }
            a.button.quiet href=(state.printed()) { "Print view" }
            (super::findings::as_json(&format!("/devices/{}{}", state.id, state.query_at())))
        }
    }
}

fn findings(shown: &Shown<'_>) -> Markup {
    let (dossier, visit) = (shown.dossier, shown.visit);
    html! {
        section.card #findings {
            h2 { "Findings" }
            @if dossier.findings.is_empty() {
                (parts::empty("Nothing found.", html! { p.muted { "That is no proof that nothing is wrong: Ward judges by what crosses the network." } }))
            } @else {
                @for known in &dossier.findings { (super::findings::summary(visit, known)) }
                p { (parts::exports(&format!("/devices/{}/findings", dossier.id))) }
            }
        }
    }
}

/// An id as it is written, and no other spelling.
pub(crate) fn named_device_id(text: &str) -> Option<DeviceId> {
    text.parse().ok().filter(|id: &DeviceId| id.to_string() == text)
}

fn no_device(visit: &Visit, said: &str, id: Option<DeviceId>) -> Page {
    let body = html! {
        section.card {
            h2 { "Look for it" }
            form.inline method="get" action="/devices" {
                label { span { "Name, address, serial number or asset tag" } input type="search" name="q"; }
                button.primary type="submit" { "Search" }
            }
            p { a href="/devices" { "All devices" } @if id.is_some() { " · " a href="/settings" { "How long Ward keeps what it saw" } } }
        }
    };
    let page = Page::new(visit, Some(Room::Devices), "No such device", html! { (said) }, body);
    page.with_status(StatusCode::NOT_FOUND)
}

fn not_yet(visit: &Visit, state: &State, since: Timestamp) -> Page {
    let zone = &visit.house.site.zone;
    let answer = html! { "Ward did not know this device then: it does since " (zone.show(since)) "." };
    let body = html! { p { a href=(state.now()) { "See it as it is now" } } };
    Page::new(visit, Some(Room::Devices), "Not known yet", answer, body).with_status(StatusCode::NOT_FOUND)
}
