//! The list of devices: search, filters with counts, the table, and the same as it was at a moment of the past.
//!
//! The address is the state: every link and form here makes another query of [`crate::inventory::Query`], which the API reads too.

mod filters;
mod past;
mod table;

use super::{Failed, Page, Room, Shown, Visit, parts};
use crate::api::{Devices, DevicesAsked as Asked, Problem};
use crate::house::House;
use crate::inventory::{Facet, Listed, Query};
use axum::Router;
use axum::routing::get;
use maud::{Markup, html};

/// Values of a filter that the page lists; its own page has more.
const VALUES_SHOWN: usize = 12;

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/devices", get(page))
        .route("/devices/values", get(filters::values))
        .route("/devices/changes", get(past::changes))
}

async fn page(visit: Visit, devices: Result<Devices, Problem>) -> Shown {
    let on = |problem: Problem| Failed::on(&visit, problem);
    let Devices(query) = devices.map_err(on)?;
    let asked = Asked::of(&visit.house, &query).await.map_err(on)?;
    let query = Query { facets: true, ..query };
    let listed = asked.list(&visit.house, &query).await.map_err(on)?;
    let query = Query { facets: false, ..query };
    let view = View { visit: &visit, asked: &asked, query: &query, listed: &listed };
    let list = view.list();
    if visit.wants_piece {
        // The sentence above the list is of the list.
        let piece = html! { (list) p #answer .answer hx-swap-oob="true" { (view.answer()) } };
        return Ok(Page::piece(piece));
    }
    let changes = past::counts(&visit, &asked).await.map_err(|problem| Failed::on(&visit, problem))?;
    let body = html! {
        @if let Some(at) = asked.at { (past::notice(&visit, &query, at, &changes)) }
        div #list .compact[query.compact] { (list) }
    };
    Ok(Page::new(&visit, Some(Room::Devices), "Devices", view.answer(), body))
}

/// What is drawn, of what.
struct View<'v> {
    visit: &'v Visit,
    asked: &'v Asked,
    query: &'v Query,
    listed: &'v Listed,
}

/// The search at the head of every page. On the list itself it keeps the filters, and with script it answers while one types.
pub(super) fn search(visit: &Visit) -> Markup {
    let here =
        (visit.uri.path() == "/devices").then(|| Query::parse(visit.uri.query().unwrap_or_default()).ok());
    let here = here.flatten();
    let list = here.is_some().then_some("/devices");
    html! {
        form.search role="search" action="/devices" method="get" hx-get=[list] hx-target=[list.and(Some("#list"))]
            hx-push-url=[list.and(Some("true"))] hx-trigger=[list.and(Some("submit, input delay:250ms from:#search"))]
            hx-sync=[list.and(Some("this:replace"))] {
            @if let Some(query) = &here { (hidden(query, &["q"])) }
            label {
                span.visually-hidden { "Search devices: name, any spelling of a MAC address, IP address or network such as 10.20.0.0/16, serial number, asset tag, model, maker" }
                input #search type="search" name="q" value=[here.as_ref().map(|query| &query.q)] maxlength="200" autocomplete="off"
                    spellcheck="false" placeholder="Name, MAC, IP, 10.20.0.0/16, serial, asset tag";
            }
            button type="submit" { "Search" }
        }
    }
}

/// The address of the list with this query.
fn address(query: &Query) -> String {
    let text = query.to_string();
    if text.is_empty() { "/devices".to_owned() } else { format!("/devices?{text}") }
}

/// The query as fields of a form, but for those that the form has itself.
fn hidden(query: &Query, but: &[&str]) -> Markup {
    html! {
        @for (name, value) in query.from_start().pairs() {
            @if !but.contains(&name) { input type="hidden" name=(name) value=(value); }
        }
    }
}

impl View<'_> {
    /// `411 devices: 396 known, 9 in doubt, 6 new today.`
    fn answer(&self) -> Markup {
        let Listed { total, of, tally, .. } = self.listed;
        let number = |number: u32| parts::grouped(number.into());
        html! {
            @if *of == 0 { "No device has been seen." } @else {
                (parts::count(*total, "device"))
                @if !self.query.is_everything() { " of " (parts::grouped(*of as u64)) }
                @if *total > 0 {
                    ": " (number(tally.known)) " known, " (number(tally.in_doubt)) " in doubt, "
                    (number(tally.unknown)) " unknown; " (number(tally.new_today))
                    @if self.asked.at.is_some() { " new that day" } @else { " new today" }
                }
                "."
            }
        }
    }

    /// The part that changes with search and filters.
    fn list(&self) -> Markup {
        html! {
            (filters::chips(self.query, &self.visit.house))
            @if self.listed.of == 0 { (self.nothing_seen()) } @else {
                div.split {
                    div {
                        (self.toolbar())
                        @if self.listed.total == 0 { (self.nothing_matches()) } @else { (self.table()) }
                    }
                    (filters::aside(self))
                }
            }
        }
    }

    fn nothing_seen(&self) -> Markup {
        parts::empty(
            "Nothing has been heard on the network yet.",
            html! {
                p { "Devices appear here within a minute of their first frame: Ward needs a mirror port that it can listen on, or captures in a watched folder." }
                ul {
                    @for source in &self.visit.house.site.sources { li { "Listening to the " (source.kind) " " code { (source.name) } } }
                    @if self.visit.house.site.sources.is_empty() { li { "No interface and no folder is configured." } }
                }
                p { a href="/" { "What to do on an empty site" } }
            },
        )
    }

    fn nothing_matches(&self) -> Markup {
        let without_words = Query { q: String::new(), ..self.query.from_start() };
        parts::empty(
            "No device matches.",
            html! {
                p { "Each of these leaves one condition out:" }
                ul {
                    @if !self.query.q.is_empty() {
                        li { a href=(address(&without_words)) { "without the words “" (self.query.q) "”" } }
                    }
                    @for facet in self.query.filters.keys() {
                        li { a href=(address(&without(self.query, *facet))) { "without the filter " (facet.title()) } }
                    }
                    li { a href=(address(&Query { at: self.query.at.clone(), ..Query::default() })) { "all " (parts::count(self.listed.of, "device")) } }
                }
            },
        )
    }
}

fn without(query: &Query, facet: Facet) -> Query {
    let mut query = query.from_start();
    query.filters.remove(&facet);
    query
}
