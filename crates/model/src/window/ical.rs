//! Reading a VEVENT: total, bounded, and exact about what it does not understand.

use super::rule::Rule;
use crate::wall::Wall;
use crate::words::Invalid;

/// Bytes of a window's text.
pub const WINDOW_BYTES_MAX: usize = 4_000;

/// Properties that describe and do not decide.
const DESCRIBING: [&str; 16] = [
    "UID",
    "DTSTAMP",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "CREATED",
    "LAST-MODIFIED",
    "SEQUENCE",
    "TRANSP",
    "CLASS",
    "ORGANIZER",
    "CATEGORIES",
    "PRIORITY",
    "URL",
    "VERSION",
    "PRODID",
];

/// What a VEVENT says.
type Event = (Wall, Wall, Option<Rule>);

/// Reads one VEVENT, with or without its VCALENDAR.
pub(super) fn read(text: &str) -> Result<Event, Invalid> {
    if text.len() > WINDOW_BYTES_MAX {
        return Err(wrong(format!(
            "is longer than {WINDOW_BYTES_MAX} bytes: write one VEVENT with its RRULE"
        )));
    }
    let (mut start, mut end, mut rule) = (None, None, None);
    let mut place = Place::Before;
    for line in unfolded(text) {
        let Some((name, value)) = line.split_once(':') else {
            return Err(Invalid::quoting("ical", &line, "is no line of iCalendar: write NAME:value"));
        };
        let (name, value) = (name.to_ascii_uppercase(), value.trim());
        if let Some(next) = place.after(&name, value)? {
            place = next;
            continue;
        }
        match name.as_str() {
            "DTSTART" => once(&mut start, &name, when(&name, value)?)?,
            "DTEND" => once(&mut end, &name, when(&name, value)?)?,
            "RRULE" => once(&mut rule, &name, value.parse()?)?,
            _ => describing(&name, value)?,
        }
    }
    if place != Place::Behind {
        return Err(wrong("has no whole event: write BEGIN:VEVENT, DTSTART, DTEND, END:VEVENT"));
    }
    let missing = |name: &str| wrong(format!("has no {name}: write {name}:20261122T020000"));
    Ok((start.ok_or_else(|| missing("DTSTART"))?, end.ok_or_else(|| missing("DTEND"))?, rule))
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Before,
    Inside,
    Behind,
}

impl Place {
    /// The place behind a line that begins or ends something; `None` for any other line.
    fn after(self, name: &str, value: &str) -> Result<Option<Self>, Invalid> {
        let value = value.to_ascii_uppercase();
        match (self, name, value.as_str()) {
            (Self::Before | Self::Behind, "BEGIN" | "END", "VCALENDAR") => Ok(Some(self)),
            (Self::Before, "BEGIN", "VEVENT") => Ok(Some(Self::Inside)),
            (Self::Inside, "END", "VEVENT") => Ok(Some(Self::Behind)),
            (Self::Behind, "BEGIN", "VEVENT") => Err(wrong("has several events: make a window of each")),
            (_, "BEGIN" | "END", other) => Err(Invalid::quoting(
                "ical",
                other,
                "does not belong here: write one VEVENT and nothing in it",
            )),
            (Self::Inside, ..) => Ok(None),
            _ => describing(name, &value).map(|()| Some(self)),
        }
    }
}

/// Lines without ends; what begins with a blank goes on with the line before (RFC 5545 §3.1).
fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.retain(|line| !line.trim().is_empty());
    lines
}

fn describing(name: &str, value: &str) -> Result<(), Invalid> {
    let bare = name.split(';').next().unwrap_or(name);
    if bare.starts_with("X-") || DESCRIBING.contains(&bare) || (bare, value) == ("STATUS", "CONFIRMED") {
        return Ok(());
    }
    let known = "is not understood, and leaving it out would change the window: write DTSTART, DTEND and RRULE without it; \
                 times by the site's clock, without TZID and Z";
    Err(Invalid::quoting("ical", name, known))
}

fn when(name: &str, value: &str) -> Result<Wall, Invalid> {
    let why = format!(
        "is no {name}: write it by the site's clock, as in {name}:20261122T020000 (no Z, years to {})",
        Wall::YEAR_MAX
    );
    Wall::parse_ical(value).ok_or_else(|| Invalid::quoting("ical", value, &why))
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), Invalid> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(wrong(format!("has {name} twice: write it once"))),
    }
}

pub(super) fn wrong(why: impl Into<String>) -> Invalid {
    Invalid::new("ical", why)
}
