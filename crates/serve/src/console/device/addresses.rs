//! The device's addresses over time: a picture of bars, and the same as a table.

use super::super::parts;
use super::Shown;
use crate::dossier::address;
use maud::{Markup, html};
use model::Timestamp;
use store::device_facts::Held;

/// Addresses that the picture shows; the table has all.
const BARS_MAX: usize = 24;
/// Rows of the table on the page; the files have all.
const ROWS_MAX: usize = 200;
/// Characters of an address in the picture.
const LABEL_CHARS_MAX: usize = 30;
const WIDTH: f64 = 960.0;
const LEFT: f64 = 250.0;
const ROW: f64 = 26.0;
const AXIS: f64 = 28.0;

/// The section; a device behind a gateway has no addresses of its own.
pub(super) fn section(shown: &Shown<'_>) -> Markup {
    let held = &shown.dossier.held;
    if shown.dossier.facts.is_equipment() && held.rows.is_empty() {
        return html! {};
    }
    html! {
        section.card #addresses {
            h2 { "Addresses over time" }
            @if held.rows.is_empty() {
                (parts::empty("No address is on record.", html! { p.muted { "Addresses appear as soon as the device sends a frame." } }))
            } @else {
                div.scroll { (picture(shown)) }
                details open[held.rows.len() <= 6 || shown.state.is_open] {
                    summary { "As a table" }
                    (table(shown))
                }
                p { (parts::exports(&format!("/devices/{}/addresses{}", shown.dossier.id, shown.state.query_at()))) }
            }
        }
    }
}

fn table(shown: &Shown<'_>) -> Markup {
    let (zone, now) = (&shown.visit.house.site.zone, shown.visit.now);
    let held = &shown.dossier.held;
    html! {
        div.scroll { table.data {
            caption.visually-hidden { "Addresses over time" }
            thead { tr { th scope="col" { "Address" } th scope="col" { "Kind" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Ward knows since" } } }
            tbody { @for held in held.rows.iter().take(ROWS_MAX) {
                tr {
                    th scope="row" { code { (address(&held.endpoint)) } }
                    td { (kind(&held.endpoint)) }
                    td { (parts::when(held.true_from, now, zone)) }
                    td { @match held.true_to { Some(to) => (parts::when(to, now, zone)), None => (parts::badge("ok", "now")) } }
                    td { (parts::when(held.known_from, now, zone)) }
                }
            } }
        } }
        @if held.has_more || held.rows.len() > ROWS_MAX { p.muted { "The newest " (ROWS_MAX.min(held.rows.len())) " are shown." } }
    }
}

/// `MAC`, `IPv4` or `IPv6`.
pub(crate) fn kind(endpoint: &str) -> &'static str {
    match address(endpoint).parse() {
        Ok(std::net::IpAddr::V4(_)) => "IPv4",
        Ok(std::net::IpAddr::V6(_)) => "IPv6",
        Err(_) => "MAC",
    }
}

/// Bars: one line for each address, one bar for each time it was the device's.
fn picture(shown: &Shown<'_>) -> Markup {
    let rows = &shown.dossier.held.rows;
    let until = shown.state.at.unwrap_or(shown.visit.now);
    let mut lines: Vec<(&str, Vec<&Held>)> = Vec::new();
    for held in rows {
        match lines.iter_mut().find(|(endpoint, _)| *endpoint == held.endpoint) {
            Some((_, spans)) => spans.push(held),
            None => lines.push((&held.endpoint, vec![held])),
        }
    }
    lines.sort_by_key(|(endpoint, _)| (kind(endpoint) != "MAC", endpoint.to_owned()));
    let left_out = lines.len().saturating_sub(BARS_MAX);
    lines.truncate(BARS_MAX);
    let spans = lines.iter().flat_map(|(_, spans)| spans);
    let from = spans.map(|held| held.true_from).min().unwrap_or(until).min(until);
    let scale = Scale { from, until };
    let height = AXIS + ROW * lines.len() as f64;
    let zone = &shown.visit.house.site.zone;
    html! {
        svg.chart width=(WIDTH) height=(height) viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby="bars-title bars-desc" {
            title #bars-title { "Addresses over time" }
            desc #bars-desc { (parts::count(lines.len(), "address").replace("addresss", "addresses")) " from " (zone.show(from)) " to " (zone.show(until)) "; the table beneath says the same" }
            text x=(LEFT) y="16" font-size="12" fill="currentColor" { (zone.show(from)) }
            text x=(WIDTH) y="16" font-size="12" fill="currentColor" text-anchor="end" { (zone.show(until)) }
            line x1=(LEFT) x2=(WIDTH) y1="22" y2="22" stroke="currentColor" stroke-opacity="0.4" {}
            @for (number, (endpoint, spans)) in lines.iter().enumerate() {
                @let y = AXIS + ROW * number as f64;
                text x="0" y=(y + 17.0) font-size="13" fill="currentColor" { (kind(endpoint)) " " (cut(address(endpoint))) }
                @for held in spans {
                    @let (x, width) = scale.bar(held);
                    rect.bar.past[held.true_to.is_some()] x=(x) y=(y + 5.0) width=(width) height="16" rx="3" fill="currentColor"
                        fill-opacity=(if held.true_to.is_some() { "0.35" } else { "0.75" }) {
                        title { (address(endpoint)) ": " (zone.show(held.true_from)) " – " @match held.true_to { Some(to) => (zone.show(to)), None => "now" } }
                    }
                }
            }
        }
        @if left_out > 0 { p.muted { (left_out) " more are in the table only." } }
    }
}

/// Time from left to right.
struct Scale {
    from: Timestamp,
    until: Timestamp,
}

impl Scale {
    fn x(&self, at: Timestamp) -> f64 {
        let whole = self.until.since(self.from).as_nanos().max(1) as f64;
        let part = at.since(self.from).as_nanos() as f64;
        LEFT + (WIDTH - LEFT) * (part / whole).clamp(0.0, 1.0)
    }

    /// Where a bar starts and how wide it is, never too narrow to be seen.
    fn bar(&self, held: &Held) -> (String, String) {
        let (x, end) = (self.x(held.true_from), self.x(held.true_to.unwrap_or(self.until)));
        let width = (end - x).max(3.0);
        (format!("{:.1}", x.min(WIDTH - 3.0)), format!("{width:.1}"))
    }
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(LABEL_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
