//! Pieces that all pages are made of. Each has one look, one name for screen readers, and one place.

use crate::when::{Zone, ago, rfc3339};
use maud::{Markup, html};
use model::{Duration, Severity, Timestamp};

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
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
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

/// `12 %`, `0.3 %`; of nothing: a dash. Never 0 % for some, nor 100 % for not all.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    match percent {
        _ if part == 0 => "0 %".to_owned(),
        _ if percent < 0.1 => "< 0.1 %".to_owned(),
        _ if percent < 10.0 => format!("{percent:.1} %"),
        _ if part < whole && percent > 99.0 => "> 99 %".to_owned(),
        _ => format!("{percent:.0} %"),
    }
}

/// `45 s`, `12 min`, `3 h 20 min`, `4 days 6 h`: two units at most.
pub(crate) fn duration(of: Duration) -> String {
    let seconds = of.as_nanos() / 1_000_000_000;
    let two = |big: u64, big_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match seconds {
        0 => "less than a second".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "days", seconds % 86_400 / 3_600, "h"),
    }
}

/// A bar beside its number: `part` of `whole`. The number stands in the table, so readers need not hear the bar.
pub(crate) fn bar(part: u64, whole: u64) -> Markup {
    const WIDTH: u64 = 120;
    let width = if whole == 0 { 0 } else { (part.min(whole) * WIDTH).div_ceil(whole) };
    html! {
        svg.chart.spark width="120" height="8" viewBox="0 0 120 8" aria-hidden="true" {
            rect.group width="120" height="8" rx="2" {}
            rect.bar width=(width) height="8" rx="2" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_say_none_for_some() {
        let said = |part, whole| share(part, whole);
        assert_eq!(said(0, 0), "–");
        assert_eq!(said(0, 9), "0 %");
        assert_eq!(said(1, 100_000), "< 0.1 %");
        assert_eq!(said(1, 30), "3.3 %");
        assert_eq!(said(999, 1_000), "> 99 %");
        assert_eq!(said(7, 7), "100 %");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let said = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!([said(0), said(59), said(60)], ["less than a second", "59 s", "1 min"]);
        assert_eq!([said(3_600), said(12_000), said(367_200)], ["1 h", "3 h 20 min", "4 days 6 h"]);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(
            (bytes(999), bytes(1_200), bytes(12_000_000)),
            ("999 B".into(), "1.2 kB".into(), "12 MB".into())
        );
    }
}
