//! Devices that are reached through another: the page of either leads to the other.

use super::super::parts;
use super::Shown;
use crate::dossier::{BEHIND_MAX, address};
use maud::{Markup, html};

/// The section; nothing where there is nothing before and nothing behind.
pub(super) fn section(shown: &Shown<'_>) -> Markup {
    let dossier = shown.dossier;
    let facts = &dossier.facts;
    html! {
        @if let Some(gateway) = facts.behind {
            @let entry = shown.visit.house.inventory.get(gateway);
            section.card #gateway {
                h2 { (if facts.is_equipment() { "Its gateway" } else { "Reached through" }) }
                p {
                    a href=(format!("/devices/{gateway}{}", shown.state.query_at())) {
                        @match entry { Some(entry) => (entry.title()), None => (gateway) }
                    }
                    @if facts.is_equipment() {
                        " speaks for it: Ward never hears the device itself. What is known of it is what the gateway says in its messages."
                    } @else {
                        " stands between it and the place where Ward listens."
                    }
                }
            }
        }
        @if !dossier.behind.rows.is_empty() {
            section.card #behind {
                h2 { "Devices behind it" }
                p {
                    @if dossier.behind.has_more { "More than " (BEHIND_MAX) " devices are" } @else { (parts::count(dossier.behind.rows.len(), "device")) (if dossier.behind.rows.len() == 1 { " is" } else { " are" }) }
                    " reached through this one."
                }
                div.scroll { table.data {
                    caption.visually-hidden { "Devices behind it" }
                    thead { tr { th scope="col" { "Device" } th scope="col" { "Maker and model" } th scope="col" { "Known by" } th scope="col" { "Zone" } } }
                    tbody { @for row in &dossier.behind.rows {
                        tr {
                            th scope="row" { a href=(format!("/devices/{}{}", row.device, shown.state.query_at())) { (row.name.as_deref().unwrap_or(address(&row.key))) } }
                            td { @match (&row.card.manufacturer, &row.card.model) {
                                (None, None) => (parts::unknown("neither it nor its gateway says so")),
                                (maker, model) => { (maker.as_deref().unwrap_or_default()) " " (model.as_deref().unwrap_or_default()) }
                            } }
                            td { code { (address(&row.key)) } }
                            td { @match &row.zone { Some(zone) => (zone), None => span.muted { "none" } } }
                        }
                    } }
                } }
            }
        }
    }
}
