//! When something may be done: maintenance, updates, silence. As iCalendar writes it (RFC 5545), by the site's clock.
//!
//! Understood is one VEVENT with DTSTART, DTEND and an RRULE of days, weeks or months. What would change its meaning and is not
//! understood is refused with its name; what only describes it is left out.

mod ical;
mod rule;

pub use ical::WINDOW_BYTES_MAX;

use crate::About;
use crate::wall::Wall;
use crate::words::{Invalid, Line, NAME_CHARS_MAX};
use rule::Rule;
use std::fmt;
use std::str::FromStr;

/// Seconds that a window is open at a stretch.
const OPEN_S_MAX: i64 = 7 * 86_400;
/// Days that are looked through for the next opening.
const NEXT_DAYS_MAX: i64 = 20 * 366;

/// When a window is open. INVARIANT: it ends after it begins, within a week, and begins on a day of its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    start: Wall,
    end: Wall,
    rule: Option<Rule>,
    /// The last day on which it opens.
    last_day: Option<i64>,
}

impl Hours {
    fn new(start: Wall, end: Wall, rule: Option<Rule>) -> Result<Self, Invalid> {
        let open_s = end.seconds() - start.seconds();
        if open_s <= 0 {
            return Err(Invalid::new("ical", "DTEND is not after DTSTART: write when it closes"));
        }
        if open_s > OPEN_S_MAX {
            return Err(Invalid::new(
                "ical",
                "it is open for more than a week at a stretch: write shorter ones",
            ));
        }
        let last_day = match &rule {
            None => Some(start.day()),
            Some(rule) if !rule.falls_on(start, start.day()) => {
                return Err(Invalid::new(
                    "ical",
                    "DTSTART is not on a day of its RRULE: begin on the first such day",
                ));
            }
            Some(rule) => rule.last_day(start),
        };
        Ok(Self { start, end, rule, last_day })
    }

    /// Whether it is open when the wall clock shows `at`. Its first second is inside, its last is not.
    pub fn is_open(&self, at: Wall) -> bool {
        let open_s = self.end.seconds() - self.start.seconds();
        let began = |day: i64| at.seconds() - Wall::on(day, self.start.second()).seconds();
        (at.day() - OPEN_S_MAX / 86_400..=at.day())
            .any(|day| (0..open_s).contains(&began(day)) && self.opens_on(day))
    }

    /// When it opens next after `at`; `None`: not within twenty years.
    pub fn next_after(&self, at: Wall) -> Option<Wall> {
        let from = at.day().max(self.start.day());
        let to = self.last_day.unwrap_or(i64::MAX).min(from.saturating_add(NEXT_DAYS_MAX));
        (from..=to)
            .find(|day| Wall::on(*day, self.start.second()) > at && self.opens_on(*day))
            .map(|day| Wall::on(day, self.start.second()))
    }

    fn opens_on(&self, day: i64) -> bool {
        let is_within = day >= self.start.day() && self.last_day.is_none_or(|last| day <= last);
        is_within && self.rule.as_ref().map_or(day == self.start.day(), |rule| rule.falls_on(self.start, day))
    }

    /// When it opens first.
    pub fn start(&self) -> Wall {
        self.start
    }

    /// When it closes for the first time.
    pub fn end(&self) -> Wall {
        self.end
    }

    /// It opens again and again.
    pub fn repeats(&self) -> bool {
        self.rule.is_some()
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BEGIN:VEVENT\r\nDTSTART:{}\r\nDTEND:{}\r\n", self.start, self.end)?;
        if let Some(rule) = &self.rule {
            write!(f, "RRULE:{rule}\r\n")?;
        }
        f.write_str("END:VEVENT\r\n")
    }
}

impl FromStr for Hours {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (start, end, rule) = ical::read(text)?;
        Self::new(start, end, rule)
    }
}

/// A window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its name.
    pub name: Line<NAME_CHARS_MAX>,
    /// For what.
    pub about: About,
    /// When it is open.
    pub hours: Hours,
}

impl Window {
    /// A window.
    ///
    /// # Errors
    /// [`Invalid`] names the field.
    pub fn new(about: About, name: &str, ical: &str) -> Result<Self, Invalid> {
        Ok(Self { name: Line::new("name", name)?, about, hours: ical.parse()? })
    }
}

#[cfg(test)]
mod tests;
