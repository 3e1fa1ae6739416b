//! Filters of the list of devices: what is set, as chips that can be taken away, and what can be set, with counts.

use super::super::{Failed, Page, Room, Shown, Visit, parts};
use super::{VALUES_SHOWN, View, address};
use crate::api::{DevicesAsked as Asked, Problem};
use crate::house::House;
use crate::inventory::{Facet, FacetCounts, FacetValue, Query, UNKNOWN, Wrong};
use maud::{Markup, html};

/// Filters that are open without a value.
const OPEN: [Facet; 4] = [Facet::State, Facet::Class, Facet::Zone, Facet::Severity];

/// What is set, each with a link that takes it away.
pub(super) fn chips(query: &Query, house: &House) -> Markup {
    if query.is_everything() {
        return html! {};
    }
    let without_words = Query { q: String::new(), ..query.from_start() };
    html! {
        ul.chips aria-label="Filters that are set" {
            @if !query.q.is_empty() { li { (chip(&without_words, "Words", &query.q)) } }
            @for (facet, values) in &query.filters {
                @for value in values {
                    li { (chip(&query.toggled(*facet, value), facet.title(), &label(*facet, value, house))) }
                }
            }
            li { a href=(address(&Query { q: String::new(), filters: Default::default(), ..query.from_start() })) { "Clear all" } }
        }
    }
}

fn chip(without: &Query, title: &str, value: &str) -> Markup {
    html! {
        a.chip href=(address(without)) {
            (title) ": " (value) " " span aria-hidden="true" { "×" } span.visually-hidden { " (take away)" }
        }
    }
}

/// A value for people; a device it is reached through, by its name.
fn label(facet: Facet, value: &str, house: &House) -> String {
    let gateway = || value.parse().ok().and_then(|device| house.inventory.get(device));
    match facet {
        Facet::Behind if value != UNKNOWN => {
            gateway().map_or_else(|| value.to_owned(), |entry| entry.title().to_string())
        }
        _ => facet.label(value).to_string(),
    }
}

/// All filters that can tell these devices apart.
pub(super) fn aside(view: &View<'_>) -> Markup {
    html! {
        aside.facets #filters aria-label="Filters" {
            @for counts in view.listed.facets.iter().filter(|counts| tells_apart(counts)) { (facet(view, counts)) }
        }
    }
}

fn tells_apart(counts: &FacetCounts) -> bool {
    match counts.values.as_slice() {
        [] => false,
        [only] => only.chosen || only.value != UNKNOWN,
        _ => true,
    }
}

fn facet(view: &View<'_>, counts: &FacetCounts) -> Markup {
    let is_open = OPEN.contains(&counts.facet) || counts.values.iter().any(|value| value.chosen);
    let more = counts.values.len().saturating_sub(VALUES_SHOWN) + counts.left_out;
    html! {
        details open[is_open] {
            summary { (counts.facet.title()) }
            ul {
                @for value in counts.values.iter().take(VALUES_SHOWN) { (item(view.query, counts.facet, value, &view.visit.house)) }
            }
            @if more > 0 {
                p { a href=(more_address(view.query, counts.facet)) { (parts::grouped(more as u64)) " more" } }
            }
        }
    }
}

fn more_address(query: &Query, facet: Facet) -> String {
    let query = query.from_start().to_string();
    let rest = if query.is_empty() { String::new() } else { format!("&{query}") };
    format!("/devices/values?of={}{rest}", facet.name())
}

fn item(query: &Query, facet: Facet, value: &FacetValue, house: &House) -> Markup {
    let words = label(facet, &value.value, house);
    let is_unknown = value.value == UNKNOWN && facet.is_unknown_when_nothing();
    html! {
        li {
            a href=(address(&query.toggled(facet, &value.value))) aria-current=[value.chosen.then_some("true")] {
                @if is_unknown { span.unknown { (words) } } @else { (words) }
                @if value.chosen { " " span aria-hidden="true" { "×" } span.visually-hidden { " (set: take away)" } }
            }
            span.count { (parts::grouped(value.count.into())) }
        }
    }
}

/// All values of one filter: `/devices/values?of=zone&…`.
pub(super) async fn values(visit: Visit) -> Shown {
    let on = |problem: Problem| Failed::on(&visit, problem);
    let (facet, query) = read(visit.uri.query().unwrap_or_default()).map_err(|wrong| on(wrong.into()))?;
    let asked = Asked::of(&visit.house, &query).await.map_err(on)?;
    let counted = Query { facets: true, limit: 1, ..query.from_start() };
    let listed = asked.list(&visit.house, &counted).await.map_err(on)?;
    let counts = listed.facets.iter().find(|counts| counts.facet == facet);
    let values = counts.map_or(&[][..], |counts| &counts.values);
    let left_out = counts.map_or(0, |counts| counts.left_out);
    let answer = html! {
        (parts::count(values.len() + left_out, "value")) " of " (facet.title()) " among these devices."
    };
    let body = html! {
        p { a href=(address(&query)) { "Back to the list" } }
        section.card.facets {
            ul { @for value in values { (item(&query, facet, value, &visit.house)) } }
        }
        @if left_out > 0 {
            p.muted { (parts::grouped(left_out as u64)) " more are not listed: search for words of them, or set other filters first." }
        }
    };
    let title = format!("{} of devices", facet.title());
    Ok(Page::new(&visit, Some(Room::Devices), &title, answer, body))
}

fn read(text: &str) -> Result<(Facet, Query), Wrong> {
    let is_of = |pair: &&str| pair.starts_with("of=");
    let facet = text.split('&').find(is_of).and_then(|pair| pair.strip_prefix("of=")).and_then(Facet::named);
    let rest: Vec<&str> = text.split('&').filter(|pair| !is_of(pair)).collect();
    let names = || Facet::ALL.iter().map(|facet| facet.name()).collect::<Vec<_>>().join(", ");
    let facet = facet.ok_or_else(|| Wrong(format!("of says of which filter: one of {}", names())))?;
    Ok((facet, Query::parse(&rest.join("&"))?))
}
