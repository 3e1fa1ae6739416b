//! A view that is written out on a schedule, as a file to keep.

use crate::view::View;
use crate::wall::{Wall, Weekday, date_of, days_of, weekday_of};
use crate::words::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The form of a report's copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// RFC 4180, for spreadsheets.
    Csv,
    /// For programs.
    Json,
}

impl Format {
    /// All.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Json];

    /// Its name, which is also the ending of a file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// When copies are made, by the site's clock: `daily 06:00`, `weekly mon 06:00`, `monthly 1 06:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    every: Every,
    /// Minutes since midnight.
    minute: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Every {
    Day,
    Week(Weekday),
    /// 1–28, which every month has.
    Month(u32),
}

impl Schedule {
    /// What a schedule looks like, as a pattern for documentation.
    pub const PATTERN: &'static str = "^(daily|weekly (mon|tue|wed|thu|fri|sat|sun)|monthly ([1-9]|1[0-9]|2[0-8])) ([01][0-9]|2[0-3]):[0-5][0-9]$";

    /// The first time after `after`.
    pub fn next_after(self, after: Wall) -> Wall {
        let second = self.minute * 60;
        // A month has at most 31 days, so one of the next 32 is it.
        let day = (after.day()..after.day() + 33)
            .find(|day| self.falls_on(*day) && Wall::on(*day, second) > after)
            .unwrap_or(after.day() + 1);
        Wall::on(day, second)
    }

    fn falls_on(self, day: i64) -> bool {
        match self.every {
            Every::Day => true,
            Every::Week(weekday) => weekday_of(day) == weekday,
            Every::Month(wanted) => {
                let (year, month, _) = date_of(day);
                days_of(year, month, wanted) == day
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.every {
            Every::Day => f.write_str("daily")?,
            Every::Week(day) => write!(f, "weekly {}", day.name())?,
            Every::Month(day) => write!(f, "monthly {day}")?,
        }
        write!(f, " {:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

impl FromStr for Schedule {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let why = "is no schedule: write daily 06:00, weekly mon 06:00 or monthly 1 06:00 (day 1 to 28)";
        let schedule = parse(text);
        // One spelling each.
        schedule
            .filter(|schedule| schedule.to_string() == text)
            .ok_or_else(|| Invalid::quoting("schedule", text, why))
    }
}

fn parse(text: &str) -> Option<Schedule> {
    let (every, time) = text.rsplit_once(' ')?;
    let (hour, minute) = time.split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    if hour > 23 || minute > 59 {
        return None;
    }
    let every = match every.split_once(' ') {
        None if every == "daily" => Every::Day,
        Some(("weekly", day)) => Every::Week(Weekday::ALL.into_iter().find(|one| one.name() == day)?),
        Some(("monthly", day)) => Every::Month(day.parse().ok().filter(|day| (1..=28).contains(day))?),
        _ => return None,
    };
    Some(Schedule { every, minute: hour * 60 + minute })
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name, and what is in it.
    pub view: View,
    /// The form of its copies.
    pub format: Format,
    /// When they are made.
    pub schedule: Schedule,
}

impl Report {
    /// A report of `view`.
    ///
    /// # Errors
    /// [`Invalid`] names the field.
    pub fn new(view: View, format: &str, schedule: &str) -> Result<Self, Invalid> {
        let format = Format::named(format)
            .ok_or_else(|| Invalid::quoting("format", format, "is no format: write csv or json"))?;
        Ok(Self { view, format, schedule: schedule.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(date: (i64, u32, u32), time: (u32, u32, u32)) -> Wall {
        Wall::new(date, time).unwrap()
    }

    #[test]
    fn the_next_time_is_always_later() {
        // A Sunday.
        let now = wall((2026, 11, 22), (6, 0, 0));
        for (schedule, next) in [
            ("daily 06:00", wall((2026, 11, 23), (6, 0, 0))),
            ("daily 06:01", wall((2026, 11, 22), (6, 1, 0))),
            ("weekly sun 06:00", wall((2026, 11, 29), (6, 0, 0))),
            ("weekly mon 23:59", wall((2026, 11, 23), (23, 59, 0))),
            ("monthly 1 00:00", wall((2026, 12, 1), (0, 0, 0))),
            ("monthly 22 06:00", wall((2026, 12, 22), (6, 0, 0))),
            ("monthly 28 06:00", wall((2026, 11, 28), (6, 0, 0))),
        ] {
            assert_eq!(schedule.parse::<Schedule>().unwrap().next_after(now), next, "{schedule}");
        }
    }

    #[test]
    fn nothing_else_is_a_schedule() {
        for text in [
            "",
            "daily",
            "daily 6:00",
            "daily 24:00",
            "weekly 06:00",
            "weekly Mon 06:00",
            "monthly 29 06:00",
            "monthly 0 06:00",
            "monthly 01 06:00",
            "hourly 06:00",
            "daily +6:00",
            " daily 06:00",
        ] {
            assert!(text.parse::<Schedule>().is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn shown_and_read_is_the_same(text in "(daily|weekly [a-z]{3}|monthly [0-9]{1,2}) [0-9]{2}:[0-9]{2}|.{0,20}", day in 0i64..80_000, second in 0u32..86_400) {
            if let Ok(schedule) = text.parse::<Schedule>() {
                proptest::prop_assert_eq!(schedule.to_string(), text);
                let after = Wall::on(day, second);
                let next = schedule.next_after(after);
                proptest::prop_assert!(next > after && next.day() - after.day() <= 31);
            }
        }
    }
}
