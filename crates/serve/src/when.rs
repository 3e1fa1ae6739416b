//! Times as people read them, in one place: by the site's clock, as "4 min ago", and exact for programs.

use jiff::tz::TimeZone;
use model::Timestamp;

/// A site's time zone.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// From the bytes of a TZif file; `None` where they are none.
    pub fn tzif(name: &str, bytes: &[u8]) -> Option<Self> {
        TimeZone::tzif(name, bytes).ok().map(Self)
    }

    /// UTC.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// `22 Nov 2026, 08:30:00 CET`.
    pub fn show(&self, at: Timestamp) -> String {
        match instant(at) {
            Some(instant) => instant.to_zoned(self.0.clone()).strftime("%-d %b %Y, %H:%M:%S %Z").to_string(),
            None => "never".to_owned(),
        }
    }

    /// `14:20:05`.
    pub fn clock(&self, at: Timestamp) -> String {
        let zoned = instant(at).map(|instant| instant.to_zoned(self.0.clone()));
        zoned.map_or_else(|| "never".to_owned(), |zoned| zoned.strftime("%H:%M:%S").to_string())
    }

    /// When a clock on the site's wall shows `local`.
    pub fn instant(&self, local: jiff::civil::DateTime) -> Option<Timestamp> {
        let instant = self.0.to_ambiguous_timestamp(local).compatible().ok()?;
        u64::try_from(instant.as_nanosecond()).ok().map(Timestamp::from_nanos)
    }

    /// The zone, for arithmetic with days.
    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}

/// RFC 3339 in UTC, for programs.
pub fn rfc3339(at: Timestamp) -> String {
    instant(at).map_or_else(String::new, |instant| instant.to_string())
}

/// `just now`, `4 min ago`, `3 h ago`, `12 days ago`; `in 4 min` for what is to come.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let (is_past, apart) = if at <= now { (true, now.since(at)) } else { (false, at.since(now)) };
    let seconds = apart.as_nanos() / 1_000_000_000;
    let words = match seconds {
        0..10 => return "just now".to_owned(),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    if is_past { format!("{words} ago") } else { format!("in {words}") }
}

fn instant(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos())).ok().filter(|_| at != Timestamp::ZERO)
}
