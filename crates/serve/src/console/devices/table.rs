//! The table of devices: columns that can be chosen and sorted by, rows that can be selected and edited together.

use super::super::parts;
use super::{View, address, hidden};
use crate::inventory::{Column, Entry, Query, UNKNOWN};
use maud::{Markup, html};
use model::Timestamp;
use std::net::IpAddr;

/// Characters of a saved view's name.
const VIEW_NAME_CHARS_MAX: usize = 80;
/// Protocols and VLANs that a cell shows.
const ITEMS_SHOWN: usize = 3;

impl View<'_> {
    /// What can be done with the list as it stands.
    pub(super) fn toolbar(&self) -> Markup {
        let query = self.query;
        html! {
            div.toolbar {
                (self.columns())
                (self.time_travel())
                (self.save())
                a.narrow href="#filters" { "Filters" }
                (parts::exports(&format!("/devices?{}", query.from_start())))
            }
        }
    }

    fn columns(&self) -> Markup {
        html! {
            details.menu {
                summary { "Columns" }
                form method="get" action="/devices" {
                    (hidden(self.query, &["columns"]))
                    fieldset {
                        legend { "Columns to show" }
                        @for column in Column::ALL {
                            label {
                                input type="checkbox" name="columns" value=(column.name()) checked[self.query.shown().contains(&column)];
                                " " (column.title())
                            }
                        }
                    }
                    button type="submit" { "Show these" }
                    p {
                        a href=(address(&Query { compact: !self.query.compact, ..self.query.from_start() })) {
                            @if self.query.compact { "More space between rows" } @else { "Rows closer together" }
                        }
                    }
                }
            }
        }
    }

    fn save(&self) -> Markup {
        let query = self.query.from_start();
        html! {
            details.menu {
                summary { "Save this view" }
                form method="post" action="/views/new" {
                    input type="hidden" name="page" value="/devices";
                    input type="hidden" name="query" value=(query);
                    label { span { "Name of the view" } input name="name" required maxlength=(VIEW_NAME_CHARS_MAX); }
                    button.primary type="submit" { "Save" }
                }
            }
        }
    }

    /// The table with what can be done to selected rows, and the way to the next page.
    pub(super) fn table(&self) -> Markup {
        html! {
            @if self.asked.at.is_some() {
                (self.rows(false))
            } @else {
                form method="post" action="/devices/edit" {
                    input type="hidden" name="next" value=(address(self.query));
                    input type="hidden" name="query" value=(self.query.selection());
                    details.menu.edit {
                        summary { "Edit devices " span.muted data-selected {} }
                        div.inline {
                            (super::super::bulk::fields())
                            @if self.listed.total > self.listed.entries.len() {
                                button.quiet type="submit" name="all" value="yes" {
                                    "Show it for all " (parts::grouped(self.listed.total as u64)) " that match"
                                }
                            }
                        }
                    }
                    (self.rows(true))
                }
            }
            (self.pager())
        }
    }

    fn rows(&self, is_selectable: bool) -> Markup {
        let columns = self.query.shown();
        html! {
            div.scroll {
                table.data data-select[is_selectable] {
                    caption.visually-hidden { "Devices, sorted by " (self.query.sort.title()) }
                    thead {
                        tr {
                            @if is_selectable {
                                th scope="col" { input type="checkbox" data-select-all aria-label="Select all on this page"; }
                            }
                            @for column in columns { (self.head(*column)) }
                        }
                    }
                    tbody {
                        @for entry in &self.listed.entries {
                            tr {
                                @if is_selectable {
                                    td { input type="checkbox" name="device" value=(entry.id) aria-label={ "Select " (entry.title()) }; }
                                }
                                @for (place, column) in columns.iter().enumerate() { (self.cell(*column, entry, place == 0)) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The head of a column: sorts by it, or the other way.
    fn head(&self, column: Column) -> Markup {
        let is_sorted = self.query.sort == column;
        let descending = if is_sorted { !self.query.descending } else { column.begins_descending() };
        let sorted = Query { sort: column, descending, ..self.query.from_start() };
        let word = if self.query.descending { "descending" } else { "ascending" };
        html! {
            th scope="col" .num[column == Column::Findings] aria-sort=[is_sorted.then_some(word)] {
                a href=(address(&sorted)) { (column.title()) }
            }
        }
    }

    fn cell(&self, column: Column, entry: &Entry, is_first: bool) -> Markup {
        let content = self.content(column, entry);
        html! {
            @if is_first || column == Column::Name {
                th scope="row" { a href=(self.device(entry)) { @if column == Column::Name { (entry.title()) } @else { (content) } } }
            } @else if column == Column::Findings {
                td.num { (content) }
            } @else {
                td { (content) }
            }
        }
    }

    fn device(&self, entry: &Entry) -> String {
        match &self.query.at {
            Some(_) => {
                format!("/devices/{}?{}", entry.id, Query { at: self.query.at.clone(), ..Query::default() })
            }
            None => format!("/devices/{}", entry.id),
        }
    }

    fn content(&self, column: Column, entry: &Entry) -> Markup {
        match column {
            Column::State => state(entry),
            Column::Findings => findings(entry),
            Column::LastSeen if entry.last_seen == Timestamp::ZERO => {
                parts::unknown("it has been seen since, and only the newest time is kept")
            }
            Column::LastSeen => parts::when(entry.last_seen, self.asked.now, &self.visit.house.site.zone),
            Column::FirstSeen => parts::when(entry.first_seen, self.asked.now, &self.visit.house.site.zone),
            Column::Review if entry.reviewed => parts::badge("ok", "accepted"),
            Column::Review => parts::badge("plain", "unreviewed"),
            Column::Phi if entry.phi_in_clear => parts::badge("bad", "yes"),
            Column::Router if entry.is_router => html! { "yes" },
            Column::Phi | Column::Router => html! { span.muted { "no" } },
            Column::Ip => match entry.behind.filter(|_| entry.ips.is_empty()) {
                Some(gateway) => {
                    html! { span.muted { "behind " a href={ "/devices/" (gateway) } { (self.title_of(gateway)) } } }
                }
                None => first(ips(entry), column),
            },
            Column::Mac => first(entry.macs.iter().map(ToString::to_string).collect(), column),
            Column::Manufacturer if entry.manufacturer.is_none() => match &entry.vendor {
                Some(vendor) => html! {
                    span.muted title="the maker of its network interface by the IEEE registry: it does not say its own" { (vendor) " (interface)" }
                },
                None => first(Vec::new(), column),
            },
            Column::Tags => html! { @for tag in &entry.tags { span.chip { (tag) } " " } },
            Column::Protocols => {
                some(entry.protocols.iter().map(|one| one.title().to_owned()).collect(), column)
            }
            Column::Behind => match entry.behind {
                Some(device) => html! { a href={ "/devices/" (device) } { (self.title_of(device)) } },
                None => html! { span.muted { "no" } },
            },
            _ => some(
                Some(column.cell(entry).to_string()).filter(|text| !text.is_empty()).into_iter().collect(),
                column,
            ),
        }
    }

    fn title_of(&self, device: model::DeviceId) -> String {
        let known = self.asked.inventory.get(device);
        known.map_or_else(|| device.to_string(), |entry| entry.title().to_string())
    }

    fn pager(&self) -> Markup {
        let shown = self.listed.entries.len();
        html! {
            nav.pager aria-label="Pages" {
                span { (parts::count(shown, "device")) " shown of " (parts::grouped(self.listed.total as u64)) }
                @if self.query.after.is_some() { a href=(address(&self.query.from_start())) { "First page" } }
                @if let Some(next) = &self.listed.next {
                    a rel="next" href=(address(&Query { after: Some(next.clone()), ..self.query.clone() })) { "Next page" }
                }
            }
        }
    }
}

fn state(entry: &Entry) -> Markup {
    match entry.conflicts.first() {
        Some(conflict) => html! {
            span.badge.warn title={ "what it says of its " (conflict.attribute.name()) " contradicts itself" } { "in doubt" }
        },
        None if entry.is_known() => parts::badge("ok", "known"),
        None => parts::unknown("neither its class nor its maker and model have been heard"),
    }
}

fn findings(entry: &Entry) -> Markup {
    match entry.findings.worst() {
        Some(worst) => html! { (parts::severity(worst)) " " (parts::grouped(entry.findings.total().into())) },
        None => html! { span.muted { "0" } },
    }
}

/// The addresses, those first that people know a device by.
fn ips(entry: &Entry) -> Vec<String> {
    let is_local = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let mut ips = entry.ips.clone();
    ips.sort_by_key(|ip| (is_local(ip), ip.is_ipv6()));
    ips.iter().map(ToString::to_string).collect()
}

/// The first, and how many there are beside it.
fn first(words: Vec<String>, column: Column) -> Markup {
    let Some(first) = words.first() else { return some(words, column) };
    let more = words.len() - 1;
    html! {
        span.nowrap { (first) @if more > 0 { " " span.muted title=(words.join(", ")) { "+" (more) } } }
    }
}

/// The first few, and how many there are beside them; nothing is unknown, or there is none.
fn some(words: Vec<String>, column: Column) -> Markup {
    if words.is_empty() {
        return match column {
            Column::Zone => {
                html! { span.unknown title="no rule and no person puts it into a zone" { "unzoned" } }
            }
            _ => html! { span.unknown title={ "no " (column.title()) " has been heard" } { (UNKNOWN) } },
        };
    }
    let more = words.len().saturating_sub(ITEMS_SHOWN);
    let all = words.join(", ");
    html! {
        @for (place, word) in words.iter().take(ITEMS_SHOWN).enumerate() { @if place > 0 { ", " } (word) }
        @if more > 0 { " " span.muted title=(all) { "+" (more) } }
    }
}
