//! The one formatter for times, sizes and counts: never more digits than known, always a unit.

use jiff::Timestamp as Instant;
use jiff::fmt::temporal::DateTimePrinter;
use model::Timestamp;

/// To the second; faster than a format string, and a report holds many instants.
const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(0));

/// RFC 3339 in UTC, to the second; empty for "never".
pub(super) fn rfc3339(at: Timestamp) -> String {
    match Instant::from_second(i64::try_from(at.as_secs()).unwrap_or(i64::MAX)) {
        Ok(instant) if at != Timestamp::ZERO => PRINTER.timestamp_to_string(&instant),
        _ => String::new(),
    }
}

/// `831 B`, `12.4 KB`, `1.3 GB`: powers of ten, as disks and links are sold.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = "B";
    for next in UNITS.iter().skip(1) {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") }
}

/// `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 device`, `2 devices`.
pub(super) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `18 min`, `14.3 h`, `3 s`.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_300_000_000), "1.3 GB");
        assert_eq!(span(51_480.0), "14.3 h");
        assert_eq!(plural(1, "device", "devices"), "1 device");
        assert_eq!(rfc3339(Timestamp::from_secs(1_790_000_000)), "2026-09-21T14:13:20Z");
    }
}
