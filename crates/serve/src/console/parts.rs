//! Pieces that all pages are made of. Each has one look, one name for screen readers, and one place.

use crate::when::{Zone, ago, rfc3339};
use maud::{Markup, html};
use model::{Severity, Timestamp};

/// A time: relative in words, absolute on hover.
pub(crate) fn when(at: Timestamp, now: Timestamp, zone: &Zone) -> Markup {
    html! { time datetime=(rfc3339(at)) data-ago title=(zone.show(at)) { (ago(at, now)) } }
}

/// Something that Ward does not know, with why; hatched, neither good nor bad.
pub(crate) fn unknown(why: &str) -> Markup {
    html! { span.unknown title=(why) { "unknown" span.visually-hidden { ": " (why) } } }
}

/// A severity: shape, word and colour.
pub(crate) fn severity(severity: Severity) -> Markup {
    html! { span class={ "badge " (severity.name()) } { (severity.name()) } }
}

/// A word that stands for a state: `kind` is `ok`, `warn`, `bad`, `plain` or `unknown`.
pub(crate) fn badge(kind: &str, word: &str) -> Markup {
    html! { span class={ "badge " (kind) } { (word) } }
}

/// A value that Ward decided, which opens into its evidence.
pub(crate) fn why(value: Markup, evidence: Markup) -> Markup {
    html! { details.why { summary { (value) } div.evidence { (evidence) } } }
}

/// An empty place: what would fill it, and how to start.
pub(crate) fn empty(what: &str, start: Markup) -> Markup {
    html! { div.empty { p { strong { (what) } } (start) } }
}

/// The same table for programs: CSV, JSON, and the request as curl. `path` is below `/api/v1`, with its query.
pub(crate) fn exports(path: &str) -> Markup {
    let (bare, query) =
        path.split_once('?').map_or((path, String::new()), |(bare, query)| (bare, format!("?{query}")));
    let of = |ending: &str| format!("/api/v1{bare}{ending}{query}");
    html! {
        span.exports {
            a href=(of(".csv")) download { "CSV" } " "
            a href=(of(".json")) { "JSON" } " "
            button type="button" data-curl=(of("")) { "Copy as curl" }
        }
    }
}

/// `1 device`, `2 devices`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(number as u64)) }
}

/// `1 234 567`, with thin spaces.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// `1.2 GB`: three digits at most, powers of ten.
pub(crate) fn bytes(number: u64) -> String {
    let (mut value, mut unit) = (number as f64, "B");
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if value < 1_000.0 {
            break;
        }
        value /= 1_000.0;
        unit = next;
    }
    if unit == "B" || value >= 10.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}
