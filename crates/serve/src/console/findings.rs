//! Findings: all of them as a list, and each with what it means and what to do first.
//!
//! It must not judge anew: kind and severity are the judge's; words about a kind are data (`advice`).

use super::{Failed, Page, Room, Shown, Visit, parts, parts_about};
use crate::advice::advice;
use crate::api::findings::{FindingsQuery, ask, finding_number};
use crate::api::query::Asked;
use crate::api::{Problem, cursor};
use crate::house::House;
use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use maud::{Markup, html};
use model::{About, DeviceId, FindingKind, Severity};
use std::collections::BTreeMap;
use store::happenings::{FindingsAsked, KnownFinding, Standing};

/// Rows of one page.
const PAGE_ROWS: usize = 100;
/// Findings of the same device named on the page of one.
const NEIGHBOURS_MAX: usize = 20;

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new().route("/findings", get(list)).route("/findings/{id}", get(one))
}

/// What the list was asked for.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Wanted {
    kind: Option<String>,
    severity: Option<String>,
    device: Option<String>,
    state: Option<String>,
    since: Option<String>,
    after: Option<String>,
    group: Option<String>,
}

impl Wanted {
    fn filters(&self) -> FindingsQuery {
        let Self { kind, severity, device, state, since, after, .. } = self.clone();
        FindingsQuery { kind, severity, device, state, since, after, limit: None }
    }

    /// The same with one part changed; what the list goes on behind holds for no other list.
    fn with(&self, name: &str, value: &str) -> Self {
        let mut with = self.clone();
        with.after = None;
        let field = match name {
            "kind" => &mut with.kind,
            "severity" => &mut with.severity,
            "device" => &mut with.device,
            "state" => &mut with.state,
            "group" => &mut with.group,
            _ => &mut with.after,
        };
        *field = Some(value.to_owned());
        with
    }

    fn query(&self, parts: &[(&str, &Option<String>)]) -> String {
        let given = parts.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        // The list was read by these before: they are words of ours, a time, an id or a cursor.
        let is_plain =
            |value: &str| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte));
        let given = given.filter(|(_, value)| !value.is_empty() && is_plain(value));
        let query: Vec<String> = given.map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) }
    }

    fn filter_parts(&self) -> [(&'static str, &Option<String>); 5] {
        let Self { kind, severity, device, state, since, .. } = self;
        [("kind", kind), ("severity", severity), ("device", device), ("state", state), ("since", since)]
    }

    /// The list's address.
    fn address(&self) -> String {
        let mut parts = self.filter_parts().to_vec();
        parts.extend([("group", &self.group), ("after", &self.after)]);
        format!("/findings{}", self.query(&parts))
    }

    /// The same rows below `/api/v1`.
    fn export(&self) -> String {
        format!("/findings{}", self.query(&self.filter_parts()))
    }
}

async fn list(visit: Visit, asked: Result<Asked<Wanted>, Problem>) -> Shown {
    let Asked(query) = asked.map_err(|problem| Failed::on(&visit, problem))?;
    let asked = ask(&visit.house, &query.filters()).map_err(|problem| Failed::on(&visit, problem))?;
    let site = visit.house.site.id;
    let read = visit.house.read(move |db| {
        let rows = KnownFinding::list(db, site, &asked, PAGE_ROWS + 1)?;
        Ok((rows, KnownFinding::open_by_kind(db, site)?))
    });
    let (mut rows, open) = read.await.map_err(|error| Failed::on(&visit, error))?;
    let next = (rows.len() > PAGE_ROWS).then(|| {
        rows.truncate(PAGE_ROWS);
        rows.last().map(|last| cursor(&last.row.id))
    });
    let is_grouped = query.group.as_deref() == Some("kind");
    let body = html! {
        div.split {
            div {
                (toolbar(&query))
                @if rows.is_empty() { (nothing(&query)) }
                @else if is_grouped { (grouped(&visit, &rows)) }
                @else { (table(&visit, &rows)) }
                @if let Some(Some(next)) = next { p { a rel="next" href=(query.with("after", &next).address()) { "Older" } } }
            }
            aside.facets aria-label="Filters" { (facets(&query, &open)) }
        }
    };
    Ok(Page::new(&visit, Some(Room::Now), "Findings", answer(&open), body))
}

fn answer(open: &[(FindingKind, u64)]) -> Markup {
    let total: u64 = open.iter().map(|(_, count)| count).sum();
    let by = |severity| {
        open.iter().filter(|(kind, _)| kind.severity() == severity).map(|(_, count)| count).sum::<u64>()
    };
    html! {
        @if total == 0 { "Nothing is found now. Ward judges by what crosses the network; what it cannot see it cannot find." }
        @else {
            (parts::count(usize::try_from(total).unwrap_or(usize::MAX), "finding")) (if total == 1 { " is" } else { " are" }) " open"
            @for severity in Severity::ALL { @let count = by(severity); @if count > 0 { ", " (parts::grouped(count)) " " (severity.name()) } }
            "."
        }
    }
}

fn toolbar(query: &Wanted) -> Markup {
    let standing = query.state.as_deref().unwrap_or("open");
    let group = query.group.as_deref().unwrap_or("flat");
    html! {
        div.toolbar {
            nav.chips aria-label="State" { @for (name, title) in [("open", "Open"), ("closed", "Closed"), ("all", "All")] {
                a.chip href=(query.with("state", name).address()) aria-current=[(standing == name).then_some("true")] { (title) }
            } }
            nav.chips aria-label="Order" { @for (name, title) in [("flat", "Newest first"), ("kind", "By kind")] {
                a.chip href=(query.with("group", name).address()) aria-current=[(group == name).then_some("true")] { (title) }
            } }
            (parts::exports(&query.export()))
        }
        @if let Some(device) = &query.device { p { "Of device " a href=(format!("/devices/{device}")) { (device) } ". " a href=(query.with("device", "").address()) { "Of all devices" } } }
    }
}

fn nothing(query: &Wanted) -> Markup {
    let start = html! {
        @if query.address() == "/findings" { p { "Findings appear here as soon as Ward hears something that a person should know of." } }
        @else { p { "No finding fits these filters. " a href="/findings" { "Show all that are open" } } }
    };
    parts::empty("No findings.", start)
}

fn facets(query: &Wanted, open: &[(FindingKind, u64)]) -> Markup {
    let severities = Severity::ALL.into_iter().map(|severity| {
        let count: u64 =
            open.iter().filter(|(kind, _)| kind.severity() == severity).map(|(_, count)| count).sum();
        (severity, count)
    });
    let is = |asked: &Option<String>, name: &str| asked.as_deref() == Some(name);
    html! {
        h2 { "Severity" }
        ul { @for (severity, count) in severities.filter(|(_, count)| *count > 0) {
            @let chosen = is(&query.severity, severity.name());
            li { a href=(query.with("severity", if chosen { "" } else { severity.name() }).address()) aria-current=[chosen.then_some("true")] { (parts::severity(severity)) } span.count { (parts::grouped(count)) } }
        } }
        h2 { "Kind" }
        ul { @for (kind, count) in open {
            @let chosen = is(&query.kind, kind.name());
            li { a href=(query.with("kind", if chosen { "" } else { kind.name() }).address()) aria-current=[chosen.then_some("true")] { (advice(*kind).title) } span.count { (parts::grouped(*count)) } }
        } }
        p.muted { "Counts are of open findings." }
    }
}

fn table(visit: &Visit, rows: &[KnownFinding]) -> Markup {
    let (zone, now) = (&visit.house.site.zone, visit.now);
    html! {
        div.scroll { table.data {
            caption.visually-hidden { "Findings, newest first" }
            thead { tr { th scope="col" { "Severity" } th scope="col" { "Finding" } th scope="col" { "Device" } th scope="col" { "First seen" } th scope="col" { "Last seen" } } }
            tbody { @for known in rows {
                @let finding = &known.row.finding;
                tr {
                    td { (parts::severity(finding.kind.severity())) @if known.known_to.is_some() { " " (parts::badge("plain", "closed")) } }
                    th scope="row" { a href=(format!("/findings/{}", known.row.id)) { (advice(finding.kind).title) } br; span.muted { (finding.summary) } }
                    td { (device(visit, finding.device)) }
                    td { (parts::when(finding.first_seen, now, zone)) }
                    td { (parts::when(finding.last_seen, now, zone)) }
                }
            } }
        } }
    }
}

fn grouped(visit: &Visit, rows: &[KnownFinding]) -> Markup {
    let mut kinds: BTreeMap<FindingKind, Vec<KnownFinding>> = BTreeMap::new();
    rows.iter().for_each(|known| kinds.entry(known.row.finding.kind).or_default().push(known.clone()));
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(kind, _)| std::cmp::Reverse(kind.severity()));
    html! {
        @for (kind, rows) in &kinds {
            section.card {
                h2 { (advice(*kind).title) " " (parts::severity(kind.severity())) }
                p lang=(advice(*kind).lang) { (advice(*kind).why) }
                (table(visit, rows))
            }
        }
    }
}

fn device(visit: &Visit, id: DeviceId) -> Markup {
    html! { a href=(format!("/devices/{id}")) { @match visit.house.inventory.get(id) { Some(entry) => (entry.title()), None => (id) } } }
}

/// A finding on the page of its device.
pub(super) fn summary(visit: &Visit, known: &KnownFinding) -> Markup {
    let (finding, zone) = (&known.row.finding, &visit.house.site.zone);
    let advice = advice(finding.kind);
    html! {
        details.why {
            summary { (parts::severity(finding.kind.severity())) " " (advice.title) @if known.known_to.is_some() { " " (parts::badge("plain", "closed")) } }
            div.evidence {
                p { (finding.summary) }
                ul { @for line in &finding.evidence { li { (line) } } }
                p.muted { "Last seen " (parts::when(finding.last_seen, visit.now, zone)) ", in " (finding.protocol.title()) "." }
                @if let Some(step) = advice.steps.first() { p lang=(advice.lang) { strong { "First: " } (step) } }
                p { a href=(format!("/findings/{}", known.row.id)) { "All about this finding" } }
            }
        }
    }
}

async fn one(visit: Visit, path: Result<Path<String>, axum::extract::rejection::PathRejection>) -> Shown {
    let number = finding_number(path.ok().map(|Path(id)| id));
    let missing = |why: String| Failed::on(&visit, Problem::missing(why));
    let Some(number) = number else {
        return Err(missing("this address names no finding: it ends with the number of one".into()));
    };
    let site = visit.house.site.id;
    let read = visit.house.read(move |db| {
        let Some(known) = KnownFinding::find(db, site, number)? else { return Ok(None) };
        let asked = FindingsAsked {
            kinds: FindingKind::ALL.to_vec(),
            device: Some(known.row.finding.device),
            standing: Standing::Any,
            ..FindingsAsked::default()
        };
        let others = KnownFinding::list(db, site, &asked, NEIGHBOURS_MAX + 1)?;
        Ok(Some((known, others)))
    });
    let Some((known, mut others)) = read.await.map_err(|error| Failed::on(&visit, error))? else {
        return Err(missing(format!(
            "there is no finding {number}, or retention has forgotten it: /findings lists those there are"
        )));
    };
    others.retain(|other| other.row.id != number);
    let finding = &known.row.finding;
    let advice = advice(finding.kind);
    let about = parts_about::about(&visit, About::Finding(number)).await;
    let body = html! {
        div.split {
            div {
                section.card {
                    h2 { "What to do first" }
                    ol lang=(advice.lang) { @for step in advice.steps { li { (step) } } }
                    p.muted lang=(advice.lang) { strong { "It is settled when: " } (advice.settled) }
                }
                section.card {
                    h2 { "Why it matters" }
                    p lang=(advice.lang) { (advice.why) }
                }
                (evidence(&visit, &known))
                (about)
            }
            aside { (beside(&visit, &known, &others)) }
        }
    };
    Ok(Page::new(&visit, Some(Room::Now), advice.title, one_answer(&visit, &known), body))
}

fn one_answer(visit: &Visit, known: &KnownFinding) -> Markup {
    let (finding, zone) = (&known.row.finding, &visit.house.site.zone);
    html! {
        (finding.summary) " " (parts::severity(finding.kind.severity())) " on " (device(visit, finding.device)) ", "
        @match known.known_to {
            None => { "last seen " (parts::when(finding.last_seen, visit.now, zone)) },
            Some(to) => { "closed " (parts::when(to, visit.now, zone)) },
        }
        "."
    }
}

fn evidence(visit: &Visit, known: &KnownFinding) -> Markup {
    let (finding, zone, now) = (&known.row.finding, &visit.house.site.zone, visit.now);
    html! {
        section.card #evidence {
            h2 { "Evidence" }
            @if finding.evidence.is_empty() { p { (parts::unknown("this finding was stored without evidence")) } }
            ul { @for line in &finding.evidence { li { (line) } } }
            dl.facts {
                dt { "Protocol" } dd { (finding.protocol.title()) }
                dt { "First seen" } dd { (parts::when(finding.first_seen, now, zone)) }
                dt { "Last seen" } dd { (parts::when(finding.last_seen, now, zone)) span.muted { ", to the hour" } }
                dt { "Ward knows since" } dd { (parts::when(known.row.known_from, now, zone)) }
                dt { "State" } dd { @match known.known_to {
                    None => (parts::badge("warn", "open")),
                    Some(to) => { (parts::badge("ok", "closed")) " " (parts::when(to, now, zone)) },
                } }
            }
            p { (as_json(&format!("/findings/{}", known.row.id))) }
        }
    }
}

fn beside(visit: &Visit, known: &KnownFinding, others: &[KnownFinding]) -> Markup {
    let id = known.row.finding.device;
    let entry = visit.house.inventory.get(id);
    html! {
        section.card {
            h2 { "Device" }
            p { (device(visit, id)) }
            @match entry {
                None => p { (parts::unknown("it is in no list now: merged with another, or not heard for long")) },
                Some(entry) => dl.facts {
                    dt { "Zone" } dd { @match &entry.zone { Some(zone) => (zone), None => (parts::unknown("no rule covers it")) } }
                    dt { "Location" } dd { @match &entry.location { Some(place) => (place), None => (parts::unknown("nobody has said")) } }
                    dt { "Last heard" } dd { (parts::when(entry.last_seen, visit.now, &visit.house.site.zone)) }
                },
            }
        }
        @if !others.is_empty() {
            section.card {
                h2 { "Also found on it" }
                ul { @for other in others.iter().take(NEIGHBOURS_MAX) {
                    li { a href=(format!("/findings/{}", other.row.id)) { (advice(other.row.finding.kind).title) } @if other.known_to.is_some() { " " (parts::badge("plain", "closed")) } }
                } }
                @if others.len() >= NEIGHBOURS_MAX { p { a href=(format!("/findings?device={id}&state=all")) { "All of them" } } }
            }
        }
    }
}

/// One thing for programs: as JSON, and the request as curl. `path` is below `/api/v1`.
pub(super) fn as_json(path: &str) -> Markup {
    let path = format!("/api/v1{path}");
    html! {
        span.exports {
            a href=(path) { "JSON" } " "
            button type="button" data-curl=(path) { "Copy as curl" }
        }
    }
}
