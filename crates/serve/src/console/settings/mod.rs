//! Settings: how this Ward is set and what it keeps, in one place, with the way to each change.
//!
//! It must not guess: what only the running process knows comes from its status, and what that does not say is shown as unknown.

mod people;
mod retention;
mod safety;
mod sources;
mod status;

use self::status::Status;
use super::form::Filled;
use super::parts::{count, exports, grouped};
use super::{Failed, Page, Room, Shown, Visit, job};
use crate::api::{retention as policy, zones};
use crate::house::House;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use store::zones::SiteZones;

/// Where the room is.
const PATH: &str = "/settings";

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route(PATH, get(page))
        .route("/settings/stored", get(people::stored))
        .route("/settings/retention", get(retention::page).post(retention::amend))
        .route("/settings/backup", post(backup))
}

/// How the page was opened.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opened {
    /// The piece of work that was begun here.
    job: Option<String>,
}

async fn page(visit: Visit) -> Shown {
    let opened: Opened = visit.state()?;
    let asked = job::asked(&visit, opened.job.as_deref())?.filter(|job| job.kind == "backup");
    let backup = asked.or_else(|| job::newest(&visit, "backup"));
    let on = |problem| Failed::on(&visit, problem);
    let (status, policy) = (status::read(&visit).await, policy::policy(&visit.house).await);
    let zones = zones::read(&visit.house).await.map_err(on)?;
    let cursors = sources::cursors(&visit).await.map_err(on)?;
    let kept = match &policy {
        Ok(policy) => retention::in_short(policy),
        Err(_) => html! { strong { "retention stands still, because its rules cannot be understood" } },
    };
    let answer = html! {
        @match visit.house.site.sources.len() {
            0 => { (visit.house.site.name) " has no source configured; " }
            sources => { (visit.house.site.name) " listens on " (count(sources, "source")) "; " }
        }
        (kept) "; "
        (safety::in_short(&status)) ". Nothing that Ward stores leaves this machine by itself."
    };
    let body = html! {
        (people::card(html! { p { a href="/settings/stored" { "How many rows of what, and for how long" } } }))
        div.grid {
            (retention::card(&policy))
            (zones_card(&visit, &zones))
            (sources::card(&visit, &cursors))
            (safety::witnesses(&visit, &status))
            (safety::keys(&status))
            (safety::backup(&visit, &status, backup.as_ref()))
            (lists())
            (about(&visit, &status))
        }
    };
    Ok(Page::new(&visit, Some(Room::Settings), "Settings", answer, body))
}

fn zones_card(visit: &Visit, zones: &SiteZones) -> Markup {
    let (_, unzoned) = zones::counts(&visit.house);
    html! {
        section.card {
            h2 { "Zones" }
            @if zones.zones.is_empty() { p { "There are none yet; Ward proposes some from VLANs and subnets." } }
            @else { p { (count(zones.zones.len(), "zone")) "; " a href="/devices?zone=unzoned" { (count(unzoned, "device")) " in none" } "." } }
            p { a href="/settings/zones" { "Zones, their rules, proposals and imports" } }
        }
    }
}

fn lists() -> Markup {
    html! {
        section.card {
            h2 { "What people keep here" }
            ul {
                li { a href="/views" { "Saved views" } ": lists with their filters, under a name" }
                li { a href="/reports" { "Reports" } ": lists that are written out by schedule" }
                li { a href="/edits" { "Edits" } " of many devices, and how to take them back" }
                li { a href="/devices" { "Tags" } " stand beside the list of devices; as a file: " (exports("/tags")) }
                li { a href="/tasks" { "Tasks" } ", " a href="/exceptions" { "exceptions" } ", " a href="/windows" { "windows" } }
            }
        }
    }
}

fn about(visit: &Visit, status: &Status) -> Markup {
    let site = &visit.house.site;
    html! {
        section.card {
            h2 { "About" }
            dl.facts {
                dt { "Ward" } dd { (env!("CARGO_PKG_VERSION")) @if let Some(pid) = status.pid { ", process " (pid) } }
                dt { "Running for" } dd { (status.known(status.up_s.map(|s| super::parts::duration(model::Duration::from_secs(s))))) }
                dt { "Site" } dd { (site.name) ", number " (site.id.0) }
                dt { "Time zone" } dd { (site.zone.time_zone().iana_name().unwrap_or("UTC")) ": " (site.zone.show(visit.now)) }
                dt { "Devices" } dd { (grouped(visit.house.inventory.len() as u64)) }
                dt { "Database" } dd { (status.known(status.database.as_deref().map(safety::database))) @if let Some(folder) = &status.folder { " in " span.mono { (folder) } } }
                dt { "Whole or damaged" } dd { (safety::integrity(status)) }
                dt { "Open to" } dd { "this machine only; there is no sign-in yet" }
            }
            p.muted { "The site, its sources and its keys are set in " code { "ward.toml" } "; " code { "ward config check" } " says what holds and where it comes from." }
        }
    }
}

async fn backup(visit: Visit, form: Filled) -> Result<Response, Failed> {
    job::start(&visit, "backup", Some(form.text("path").trim().to_owned()), PATH)
}
