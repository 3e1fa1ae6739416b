//! Reports with their copies, and saved views.

use super::form::Filled;
use super::parts::{count, empty, exports};
use super::parts_about::{next, time};
use super::{Failed, Page, Room, Shown, Visit};
use crate::api::Problem;
use crate::api::reports::{self, CopyItem, RENDERERS, ReportBody, ReportItem, ReportsAsked};
use crate::api::rows;
use crate::api::views::{self, ViewBody, ViewsAsked};
use crate::house::House;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use model::NAME_CHARS_MAX;
use serde::Deserialize;

/// Copies of a report that its page shows.
const COPIES_SHOWN: usize = 5;

/// What a page was opened with: a list to be kept, and which part of the own list.
#[derive(Debug, Default, Deserialize)]
struct Opened {
    /// The page that is to be written out or saved.
    page: Option<String>,
    /// Its query.
    query: Option<String>,
    /// Goes on after.
    after: Option<String>,
}

fn opened(visit: &Visit) -> Result<Opened, Failed> {
    let read = Query::<Opened>::try_from_uri(&visit.uri);
    read.map(|Query(opened)| opened).map_err(|error| Failed::on(visit, Problem::bad(error.body_text())))
}

async fn page(visit: Visit) -> Shown {
    let on = |problem: Problem| Failed::on(&visit, problem);
    let opened = opened(&visit)?;
    let asked = ReportsAsked { after: opened.after.clone(), ..ReportsAsked::default() };
    let list = rows::page(&visit.house, asked).await.map_err(on)?;
    let mut shown = Vec::with_capacity(list.items.len());
    for report in &list.items {
        shown.push((report, reports::copies(&visit.house, report.id).await.map_err(on)?));
    }
    let body = html! {
        nav.chips aria-label="What is kept" { a.chip href="/reports" aria-current="true" { "Reports" } a.chip href="/views" { "Saved views" } }
        @if shown.is_empty() {
            (empty("No report is made yet.", html! { p { "Choose “Make a report” above any list, or fill in the form below: Ward then writes the list out by itself." } }))
        } @else { div.toolbar { (exports("/reports")) } }
        @for (report, copies) in &shown { (card(&visit, report, copies)) }
        @if let Some(cursor) = &list.next { p { a href=(super::parts_link::with(&visit.uri, "after", cursor)) rel="next" { "More" } } }
        (new_form(&visit, &opened))
    };
    let answer = match shown.len() {
        0 => html! { "Nothing is written out by schedule." },
        reports => {
            html! { (count(reports, "report")) " written out by schedule; the newest " (store::reports::COPIES_MAX) " copies of each are kept." }
        }
    };
    Ok(Page::new(&visit, Some(Room::Prove), "Reports", answer, body))
}

fn card(visit: &Visit, report: &ReportItem, copies: &[CopyItem]) -> Markup {
    let button = |action: &str, word: &str| {
        html! {
            form.inline method="post" action=(action) {
                (next(visit)) input type="hidden" name="id" value=(report.id);
                button.quiet aria-label={ (word) ": " (report.name) } { (word) }
            }
        }
    };
    let address = if report.query.is_empty() {
        report.page.clone()
    } else {
        format!("{}?{}", report.page, report.query)
    };
    html! {
        section.card {
            h2 { (report.name) }
            dl.facts {
                dt { "What" } dd { a href=(address) { (address) } " as " (report.format) }
                dt { "When" } dd { (report.schedule) ", by the site's clock" }
                dt { "Next" } dd { @if let Some(next) = &report.next_at { (time(visit, next)) } @else { "not planned" } }
            }
            @if copies.is_empty() { p.muted { "No copy was made yet." } }
            ul {
                @for copy in copies.iter().take(COPIES_SHOWN) {
                    li { a href={ "/api/v1/reports/" (report.id) "/copies/" (copy.id) } download { "Copy " (copy.id) } " · " (time(visit, &copy.made_at)) " · " (count(usize::try_from(copy.rows).unwrap_or(0), "row")) }
                }
            }
            @if copies.len() > COPIES_SHOWN { p { a href={ "/api/v1/reports/" (report.id) "/copies" } { "All " (copies.len()) " copies (JSON)" } } }
            (button("/reports/copy", "Make a copy now")) (button("/reports/end", "End"))
        }
    }
}

fn new_form(visit: &Visit, opened: &Opened) -> Markup {
    let chosen = opened.page.as_deref().unwrap_or("");
    html! {
        section.card {
            h2 { "Make a report" }
            form method="post" action="/reports/new" {
                (next(visit))
                label { span { "Name" } input name="name" required maxlength=(NAME_CHARS_MAX); }
                label { span { "List" } select name="page" {
                    @for (page, _) in RENDERERS { option value=(page) selected[*page == chosen] { (page) } }
                } }
                label { span { "Its filters: what stands behind the ? of its address" } input name="query" maxlength="2000" value=(opened.query.as_deref().unwrap_or("")); }
                label { span { "Format" } select name="format" { option value="csv" { "CSV" } option value="json" { "JSON" } } }
                label { span { "When" } input name="schedule" required value="weekly mon 06:00" aria-describedby="when-help"; }
                p.muted id="when-help" { "daily 06:00, weekly mon 06:00, or monthly 1 06:00 (day 1 to 28); by the site's clock." }
                button.primary { "Make the report" }
            }
        }
    }
}

async fn new(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let text = |name| form.text(name).to_owned();
    let body = ReportBody {
        name: text("name"),
        page: text("page"),
        query: form.maybe("query"),
        format: text("format"),
        schedule: text("schedule"),
    };
    let made = reports::create(&visit.house, body).await;
    made.map(|_| form.back("/reports")).map_err(|problem| Failed::on(&visit, problem))
}

async fn copy(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let on = |problem| Failed::on(&visit, problem);
    reports::copy_now(&visit.house, form.number("id").map_err(on)?).await.map_err(on)?;
    Ok(form.back("/reports"))
}

async fn end(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let on = |problem| Failed::on(&visit, problem);
    reports::end(&visit.house, form.number("id").map_err(on)?).await.map_err(on)?;
    Ok(form.back("/reports"))
}

async fn views_page(visit: Visit) -> Shown {
    let on = |problem: Problem| Failed::on(&visit, problem);
    let opened = opened(&visit)?;
    let asked = ViewsAsked { after: opened.after.clone(), ..ViewsAsked::default() };
    let list = rows::page(&visit.house, asked).await.map_err(on)?;
    let body = html! {
        nav.chips aria-label="What is kept" { a.chip href="/reports" { "Reports" } a.chip href="/views" aria-current="true" { "Saved views" } }
        @if list.items.is_empty() {
            (empty("No view is saved yet.", html! { p { "Filter any list as you need it, then choose “Save as a view” above it." } }))
        } @else {
            div.scroll { table.data {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Page" } th scope="col" { "Saved" } th scope="col" { "Act" } } }
                tbody { @for view in &list.items { tr {
                    th scope="row" { a href=(view.address) { (view.name) } }
                    td { (view.page) }
                    td { (time(&visit, &view.created_at)) " by " (view.created_by) }
                    td { form.inline method="post" action="/views/end" {
                        (next(&visit)) input type="hidden" name="id" value=(view.id);
                        button.quiet aria-label={ "Delete view " (view.name) } { "Delete" }
                    } }
                } } }
            } }
        }
        @if let Some(cursor) = &list.next { p { a href=(super::parts_link::with(&visit.uri, "after", cursor)) rel="next" { "More" } } }
        section.card {
            h2 { "Save a view" }
            form method="post" action="/views/new" {
                input type="hidden" name="next" value="/views";
                label { span { "Name" } input name="name" required maxlength=(NAME_CHARS_MAX); }
                label { span { "Page" } input name="page" required maxlength="100" value=(opened.page.as_deref().unwrap_or("/devices")); }
                label { span { "Its filters: what stands behind the ? of its address" } input name="query" maxlength="2000" value=(opened.query.as_deref().unwrap_or("")); }
                button.primary { "Save" }
            }
        }
    };
    let answer =
        html! { "Saved views are pages with their filters, under a name; everybody at this site has them." };
    Ok(Page::new(&visit, Some(Room::Prove), "Saved views", answer, body))
}

async fn view_new(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let text = |name| form.text(name).to_owned();
    let body = ViewBody { name: text("name"), page: text("page"), query: form.maybe("query") };
    let made = views::create(&visit.house, body).await;
    made.map(|_| form.back("/views")).map_err(|problem| Failed::on(&visit, problem))
}

async fn view_end(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let on = |problem| Failed::on(&visit, problem);
    views::end(&visit.house, form.number("id").map_err(on)?).await.map_err(on)?;
    Ok(form.back("/views"))
}

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/reports", get(page))
        .route("/reports/new", post(new))
        .route("/reports/copy", post(copy))
        .route("/reports/end", post(end))
        .route("/views", get(views_page))
        .route("/views/new", post(view_new))
        .route("/views/end", post(view_end))
}
