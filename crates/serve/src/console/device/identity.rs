//! What Ward believes of the device, each value with its claims, why it won, and what would change it.

use super::super::parts;
use super::Shown;
use crate::dossier::{Belief, Word, address};
use maud::{Markup, html};
use model::Attribute;
use store::devices::ClaimRow;

/// Claims that one page shows; all of them are in its table for programs.
const CLAIMS_SHOWN_MAX: usize = 300;
/// Claims shown beneath one value.
const BENEATH_MAX: usize = 20;

/// The section.
pub(super) fn section(shown: &Shown<'_>) -> Markup {
    let dossier = shown.dossier;
    let facts = &dossier.facts;
    let all = format!("/devices/{}/claims{}", dossier.id, shown.state.query_at());
    html! {
        section.card #identity {
            h2 { "Identity" }
            dl.facts {
                @for word in Word::ALL {
                    @let belief = dossier.belief(word);
                    dt { (word.title()) }
                    dd { (opened(shown, &belief)) }
                }
                dt { "Tags" }
                dd { @if facts.tags.is_empty() { span.muted { "none" } } @for tag in &facts.tags { span.chip { (tag) } " " } }
                dt { "Protocols" }
                dd { @if facts.protocols.is_empty() { (parts::unknown("no message of a protocol that Ward reads was heard")) }
                     @for protocol in &facts.protocols { span.badge.plain { (protocol.title()) } " " } }
                dt { "VLANs" }
                dd { @if facts.vlans.is_empty() { (parts::unknown("its frames had no VLAN tag")) }
                     @for vlan in &facts.vlans { span.num { (vlan) } " " } }
                dt { "First heard" }
                dd { (parts::when(facts.first_seen, shown.visit.now, &shown.visit.house.site.zone)) }
                dt { "Ward calls it" }
                dd { code { (dossier.id) } " " span.muted { "because of " (key(&facts.key)) } }
            }
            @if !facts.conflicts.is_empty() { (conflicts(shown)) }
            details.why open[shown.state.is_open] {
                summary { "Everything that is claimed of it (" (parts::count(dossier.claims.rows.len(), "claim")) (if dossier.claims.has_more { " and more" } else { "" }) ")" }
                (claims(shown, &dossier.claims.rows.iter().take(CLAIMS_SHOWN_MAX).collect::<Vec<_>>(), None))
                @if dossier.claims.rows.len() > CLAIMS_SHOWN_MAX { p.muted { "The first " (CLAIMS_SHOWN_MAX) " are shown; the files have all." } }
                p { (parts::exports(&all)) }
            }
        }
    }
}

/// What named the device, in words.
fn key(key: &str) -> Markup {
    match key.strip_prefix("equipment|") {
        Some(name) => html! { "equipment " code { (name) } ", which a gateway speaks for" },
        None => html! { code { (address(key)) } },
    }
}

fn opened(shown: &Shown<'_>, belief: &Belief<'_>) -> Markup {
    html! {
        details.why open[shown.state.is_open] {
            summary {
                @match belief.value {
                    Some(value) => (value),
                    None => (parts::unknown(belief.word.why_unknown())),
                }
                @if belief.conflict.is_some() { " " (parts::badge("warn", "conflict")) }
            }
            div.evidence {
                p { (belief.why()) }
                @if !belief.claims.is_empty() {
                    @let most: Vec<&ClaimRow> = belief.claims.iter().copied().take(BENEATH_MAX).collect();
                    (claims(shown, &most, Some(belief)))
                    @if belief.claims.len() > BENEATH_MAX { p.muted { "and " (belief.claims.len() - BENEATH_MAX) " more, below" } }
                }
                @if belief.word == Word::Zone { p { a href="/settings/zones" { "Zones and their rules" } } }
                p.muted { strong { "What would change it: " } (belief.word.what_changes_it()) }
            }
        }
    }
}

fn conflicts(shown: &Shown<'_>) -> Markup {
    html! {
        h3 #conflicts { "Conflicts" }
        div.scroll { table.data {
            caption.visually-hidden { "Claims that contradict each other" }
            thead { tr { th scope="col" { "About" } th scope="col" { "Shown" } th scope="col" { "Also claimed" } th scope="col" { "Why" } } }
            tbody { @for conflict in &shown.dossier.facts.conflicts {
                tr {
                    th scope="row" { (spoken(conflict.attribute.name())) }
                    td { (conflict.chosen) }
                    td { @for other in &conflict.others { span.chip { (other) } " " } }
                    td { (conflict.reason) }
                }
            } }
        } }
        p.muted { "A person's word settles a conflict; the claims stay visible." }
    }
}

/// A table of claims; with a belief, it says which of them won.
fn claims(shown: &Shown<'_>, rows: &[&ClaimRow], belief: Option<&Belief<'_>>) -> Markup {
    let (zone, now) = (&shown.visit.house.site.zone, shown.visit.now);
    html! {
        div.scroll { table.data {
            caption.visually-hidden { "Claims" }
            thead { tr {
                th scope="col" { "What" } th scope="col" { "Value" } th scope="col" { "Said by" } th.num scope="col" { "Weight of 100" }
                th scope="col" { "First heard" } th scope="col" { "Until" } th scope="col" { "Of address" }
            } }
            tbody { @for claim in rows {
                tr {
                    td title=[meaning(&claim.attribute)] { (spoken(&claim.attribute)) }
                    td { (claim.value)
                        @if belief.is_some_and(|belief| belief.is_chosen(claim)) { " " (parts::badge("ok", "shown")) }
                    }
                    td { (if claim.source == store::word::PERSON { "a person" } else { claim.source.as_str() }) }
                    td.num { (claim.confidence) }
                    td { (parts::when(claim.true_from, now, zone)) }
                    td { @match claim.true_to { Some(to) => (parts::when(to, now, zone)), None => "still" } }
                    td { @if claim.endpoint.starts_with("device|") { span.muted { "the device" } } @else { code { (address(&claim.endpoint)) } } }
                }
            } }
        } }
    }
}

/// `serial-number` as people say it.
fn spoken(attribute: &str) -> String {
    attribute.replace('-', " ")
}

fn meaning(attribute: &str) -> Option<&'static str> {
    Attribute::ALL.iter().find(|known| known.name() == attribute).map(|known| known.meaning())
}
