//! The page of zones: what is proposed first, with its evidence; then the zones; then what can be imported.

use super::visit::encoded;
use super::{Failed, Page, Room, Shown, Visit, parts};
use crate::api::Problem;
use crate::api::zones::{
    Preview, accept, add_zone_rule, change, counts, creation, delete_zone, edit_zone, import_document,
    preview, proposals, read, remove_zone_rule,
};
use crate::house::House;
use axum::Form;
use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::FormRejection;
use axum::response::Redirect;
use axum::routing::{get, post};
use judge::segment::Proposal;
use maud::{Markup, html};
use model::{ZoneId, ZoneRule};
use serde::Deserialize;
use store::zones::{SiteZones, ZoneRow};

/// Where the page is.
const PATH: &str = "/settings/zones";
/// Proposals shown at once; the others when these are settled.
const PROPOSALS_SHOWN_MAX: usize = 20;
/// Changes of an import that its preview lists.
const CHANGES_SHOWN_MAX: usize = 200;

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route(PATH, get(show).post(create))
        .route("/settings/zones/accept", post(accept_one))
        .route("/settings/zones/import", post(import))
        .route("/settings/zones/{zone}", post(edit))
        .route("/settings/zones/{zone}/delete", post(delete))
        .route("/settings/zones/{zone}/rules", post(add_rule))
        .route("/settings/zones/{zone}/rules/{rule}/remove", post(remove_rule))
}

async fn show(visit: Visit) -> Shown {
    let told = |problem: Problem| Failed::on(&visit, problem);
    let zones = read(&visit.house).await.map_err(told)?;
    let proposed = proposals(&visit.house).await.map_err(told)?;
    let (counts, unzoned) = counts(&visit.house);
    let devices = visit.house.inventory.len();
    let answer = html! {
        @if devices == 0 { "No device has been seen yet; zones can be made or imported all the same." }
        @else if zones.zones.is_empty() { "There are no zones yet: all " (parts::count(devices, "device")) " are unzoned." }
        @else { (parts::count(zones.zones.len(), "zone")) " hold " (parts::grouped((devices - unzoned.min(devices)) as u64)) " of " (parts::count(devices, "device")) "; "
            @if unzoned == 0 { "none is unzoned." } @else { a href="/devices?zone=unknown" { (parts::grouped(unzoned as u64)) " unzoned" } "." } }
        @if !proposed.is_empty() { " " (parts::count(proposed.len(), "proposal")) " " @if proposed.len() == 1 { "waits" } @else { "wait" } " for you." }
    };
    let body = html! {
        @if !proposed.is_empty() { (proposals_card(&proposed)) }
        section.card {
            header { h2 { "Zones" } (parts::exports("/zones")) }
            @if zones.zones.is_empty() {
                (parts::empty("No zones yet", html! { p { "Accept a proposal, make one below, or import what you have." } }))
            } @else {
                p.muted { "The most specific subnet or scope decides, then the VLAN. Where two zones claim a device equally, it is in none, and its page says why. A person's word goes before all rules: choose devices in the list and set their zone." }
                @for zone in &zones.zones { (zone_part(&zones, zone, counts.get(zone.name.as_str()).copied().unwrap_or(0))) }
            }
        }
        (new_zone())
        (import_form(""))
    };
    Ok(Page::new(&visit, Some(Room::Network), "Zones", answer, body))
}

fn proposals_card(proposed: &[Proposal]) -> Markup {
    html! {
        section.card { h2 { "Proposed" }
            p.muted { "From VLANs seen, addresses that lie together, routers and DHCP relays. Nothing is a zone before you accept; what is accepted can be changed or deleted." }
            div.scroll { table.data {
                thead { tr { th scope="col" { "Zone" } th scope="col" { "Rules" } th.num scope="col" { "Devices" } th scope="col" { "Why" } } }
                tbody { @for one in proposed.iter().take(PROPOSALS_SHOWN_MAX) {
                    tr {
                        td {
                            form.inline method="post" action="/settings/zones/accept" {
                                input type="hidden" name="key" value=(one.key);
                                @if let Some(zone) = &one.into {
                                    button.primary { "Add to " (zone) }
                                } @else {
                                    label { span.visually-hidden { "Name" } input name="name" value=(one.name) maxlength="64" required; }
                                    " " button.primary { "Accept" }
                                }
                            }
                        }
                        td { @for rule in &one.rules { div { (rule) } } }
                        td.num { (parts::grouped(one.devices as u64)) }
                        td { (parts::why(html! { (one.because.first().map(String::as_str).unwrap_or_default()) }, html! {
                            ul { @for why in &one.because { li { (why) } } }
                            p { "For example " @for device in &one.examples { a href={ "/devices/" (device) } { (device) } " " } }
                        })) }
                    }
                } }
            } }
            @if proposed.len() > PROPOSALS_SHOWN_MAX { p.muted { (proposed.len() - PROPOSALS_SHOWN_MAX) " more come when these are settled." } }
        }
    }
}

fn zone_part(zones: &SiteZones, zone: &ZoneRow, devices: usize) -> Markup {
    let path = format!("{PATH}/{}", zone.id.0);
    let rules: Vec<_> = zones.rules_of(zone.id).collect();
    html! {
        details.zone id={ "zone-" (zone.id.0) } {
            summary {
                strong { (zone.name) } " · " (parts::count(devices, "device")) " · "
                @if rules.is_empty() { span.unknown { "no rule" } } @else { (parts::count(rules.len(), "rule")) }
                @if !zone.purpose.is_empty() { " · " span.muted { (zone.purpose) } }
            }
            p { a href={ "/devices?zone=" (encoded(zone.name.as_str())) } { "Its devices" } " · " a href={ "/network?zone=" (encoded(&format!("zone:{}", zone.name))) } { "Its network" } }
            table.data {
                thead { tr { th scope="col" { "Rule" } th scope="col" { "From" } th scope="col" { span.visually-hidden { "Act" } } } }
                tbody { @for row in &rules {
                    tr { td { (row.rule) } td { (row.source.name()) } td {
                        form.inline method="post" action={ (path) "/rules/" (row.id) "/remove" } { button.quiet aria-label={ "Remove " (row.rule) } { "Remove" } }
                    } }
                } }
            }
            form.inline method="post" action={ (path) "/rules" } { (rule_fields(true)) button { "Add rule" } }
            form.inline method="post" action=(path) {
                label { span { "Name" } input name="name" value=(zone.name) maxlength="64" required; }
                label { span { "Purpose" } input name="purpose" value=(zone.purpose) maxlength="400"; }
                button { "Save" }
            }
            form.inline method="post" action={ (path) "/delete" } {
                button.quiet data-confirm={ "Zone " (zone.name) " and its " (parts::count(rules.len(), "rule")) " go; " (parts::count(devices, "device")) " fall back to other rules or become unzoned. The ledger keeps what it was." } { "Delete zone" }
            }
        }
    }
}

fn rule_fields(is_required: bool) -> Markup {
    html! {
        label { span { "Kind" } select name="kind" { @for kind in ZoneRule::KINDS { option value=(kind) { (kind) } } } }
        label { span { "Value" } input name="value" placeholder="20 · 10.20.0.0/16 · 10.0.1.10-10.0.1.99" maxlength="100" required[is_required]; }
    }
}

fn new_zone() -> Markup {
    html! {
        section.card { h2 { "Make a zone" }
            form.inline method="post" action=(PATH) {
                label { span { "Name" } input name="name" maxlength="64" required; }
                label { span { "Purpose" } input name="purpose" maxlength="400"; }
                (rule_fields(false))
                button.primary { "Make zone" }
            }
        }
    }
}

fn import_form(document: &str) -> Markup {
    html! {
        section.card { h2 { "Import" }
            p { "A table with the columns name, purpose, vlan, subnet; or what NetBox exports of prefixes or VLANs (CSV, or JSON of its API). You see what would change before anything does; nothing is deleted." }
            form method="post" action="/settings/zones/import" {
                label { span { "Table or export" } textarea name="document" rows="8" required spellcheck="false" data-file { (document) } }
                button.primary name="act" value="preview" { "Show what would change" }
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewZone {
    name: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    key: String,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    name: String,
    #[serde(default)]
    purpose: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    kind: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    document: String,
    act: Option<String>,
}

type Told<T> = Result<Form<T>, FormRejection>;
type Done = Result<Redirect, Failed>;

/// What a form says.
fn said<T>(visit: &Visit, form: Told<T>) -> Result<T, Failed> {
    form.map(|Form(said)| said)
        .map_err(|error| Failed::on(visit, Problem::new(error.status(), error.body_text())))
}

/// Back to the page, once it is done.
fn done(visit: &Visit, outcome: Result<Vec<String>, Problem>) -> Done {
    outcome.map(|_| Redirect::to(PATH)).map_err(|problem| Failed::on(visit, problem))
}

fn zone_id(visit: &Visit, text: &str) -> Result<i64, Failed> {
    let missing = || Failed::on(visit, Problem::missing("there is no such zone: it may have been deleted"));
    text.parse().ok().filter(|number: &i64| *number > 0).ok_or_else(missing)
}

async fn create(visit: Visit, form: Told<NewZone>) -> Done {
    let told = said(&visit, form)?;
    let rules = Some((&*told.kind, &*told.value)).filter(|(_, value)| !value.trim().is_empty());
    let rules: Vec<(&str, &str)> = rules.into_iter().collect();
    let outcome = match creation(&told.name, &told.purpose, &rules) {
        Ok(changes) => change(&visit.house, "make a zone", |_| Ok(changes)).await,
        Err(problem) => Err(problem),
    };
    done(&visit, outcome)
}

async fn accept_one(visit: Visit, form: Told<Acceptance>) -> Done {
    let told = said(&visit, form)?;
    done(&visit, accept(&visit.house, &told.key, told.name.as_deref()).await)
}

async fn edit(visit: Visit, Path(zone): Path<String>, form: Told<Edit>) -> Done {
    let (told, id) = (said(&visit, form)?, ZoneId(zone_id(&visit, &zone)?));
    done(&visit, edit_zone(&visit.house, id, Some(&told.name), Some(&told.purpose)).await)
}

async fn delete(visit: Visit, Path(zone): Path<String>) -> Done {
    let id = ZoneId(zone_id(&visit, &zone)?);
    done(&visit, delete_zone(&visit.house, id).await)
}

async fn add_rule(visit: Visit, Path(zone): Path<String>, form: Told<Rule>) -> Done {
    let (told, id) = (said(&visit, form)?, ZoneId(zone_id(&visit, &zone)?));
    done(&visit, add_zone_rule(&visit.house, id, &told.kind, &told.value).await)
}

async fn remove_rule(visit: Visit, Path((zone, rule)): Path<(String, String)>) -> Done {
    let (id, rule) = (ZoneId(zone_id(&visit, &zone)?), zone_id(&visit, &rule)?);
    done(&visit, remove_zone_rule(&visit.house, id, rule).await)
}

/// First shows what an import would do, with a button that does it.
async fn import(visit: Visit, form: Told<Import>) -> Result<axum::response::Response, Failed> {
    use axum::response::IntoResponse as _;
    let told = said(&visit, form)?;
    if told.act.as_deref() == Some("import") {
        let outcome = import_document(&visit.house, told.document).await;
        return done(&visit, outcome).map(axum::response::IntoResponse::into_response);
    }
    let page = match preview(&visit.house, told.document.clone()).await {
        Ok(preview) => preview_page(&visit, &preview, &told.document),
        Err(problem) => {
            let mistakes: Vec<&str> = problem.detail.split("; ").collect();
            let body = html! {
                section.card { h2 { "What is wrong" } ul { @for mistake in mistakes { li { (mistake) } } } }
                (import_form(&told.document))
            };
            let answer = html! { "Nothing was imported: the document has mistakes." };
            Page::new(&visit, Some(Room::Network), "Import zones", answer, body).with_status(problem.status())
        }
    };
    Ok(page.into_response())
}

fn preview_page(visit: &Visit, preview: &Preview, document: &str) -> Page {
    let moving: usize = preview.moves.iter().map(|(_, _, devices, _)| devices).sum();
    let answer = html! {
        @if preview.changes.is_empty() { "This changes nothing: all of it is so already." }
        @else { "This makes " (parts::count(preview.changes.len(), "change")) " and moves " (parts::count(moving, "device")) ". Nothing is written yet." }
    };
    let word = |zone: &Option<crate::inventory::Text>| html! { @match zone { Some(zone) => (zone), None => span.unknown { "no zone" } } };
    let body = html! {
        @if !preview.moves.is_empty() {
            section.card { h2 { "Devices that move" }
                div.scroll { table.data {
                    thead { tr { th scope="col" { "From" } th scope="col" { "To" } th.num scope="col" { "Devices" } th scope="col" { "For example" } } }
                    tbody { @for (from, to, devices, some) in &preview.moves {
                        tr { td { (word(from)) } td { (word(to)) } td.num { (parts::grouped(*devices as u64)) } td { @for device in some { a href={ "/devices/" (device) } { (device) } " " } } }
                    } }
                } }
            }
        }
        @if !preview.changes.is_empty() {
            section.card { h2 { "Changes" }
                ol { @for change in preview.changes.iter().take(CHANGES_SHOWN_MAX) { li { (change) } } }
                @if preview.changes.len() > CHANGES_SHOWN_MAX { p.muted { "and " (preview.changes.len() - CHANGES_SHOWN_MAX) " more" } }
                @if preview.skipped > 0 { p.muted { (parts::count(preview.skipped, "line")) " left out: containers and deprecated prefixes are no place for devices." } }
                form method="post" action="/settings/zones/import" {
                    input type="hidden" name="document" value=(document);
                    button.primary name="act" value="import" { "Import" } " " a href=(PATH) { "Do nothing" }
                }
            }
        }
        (import_form(document))
    };
    Page::new(visit, Some(Room::Network), "Import zones", answer, body)
}
