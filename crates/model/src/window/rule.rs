//! The part of RRULE that is understood (RFC 5545 §3.3.10): FREQ of DAILY, WEEKLY, MONTHLY; INTERVAL; BYDAY; BYMONTHDAY; COUNT or
//! UNTIL. Weeks begin on Monday.

use super::ical::wrong;
use crate::wall::{Wall, Weekday, date_of, days_of, month_days, weekday_of};
use crate::words::Invalid;
use std::fmt;
use std::str::FromStr;

/// Greatest interval, in days, weeks or months.
const INTERVAL_MAX: i64 = 99;
/// Greatest number of openings.
const COUNT_MAX: u32 = 1_000;

/// When it opens again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    every: Every,
    interval: i64,
    end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Every {
    Day,
    /// On these days; none: on the weekday of the start.
    Week(Vec<Weekday>),
    Month(OfMonth),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum OfMonth {
    /// On the day of the month of the start.
    Start,
    /// On this day; months without it are left out.
    Day(u32),
    /// On the n-th such weekday; negative from the end.
    Nth(i64, Weekday),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Never,
    Count(u32),
    Until(Wall),
}

impl Rule {
    /// Whether it opens on `day`, if it began at `start`; its end is not looked at.
    pub(super) fn falls_on(&self, start: Wall, day: i64) -> bool {
        match &self.every {
            Every::Day => (day - start.day()).rem_euclid(self.interval) == 0,
            Every::Week(days) => {
                let weekday = weekday_of(day);
                let is_day =
                    if days.is_empty() { weekday == start.weekday() } else { days.contains(&weekday) };
                is_day && (week_of(day) - week_of(start.day())).rem_euclid(self.interval) == 0
            }
            Every::Month(of) => {
                let (year, month, _) = date_of(day);
                let apart = month_number(year, month) - month_number(start.date().0, start.date().1);
                apart.rem_euclid(self.interval) == 0 && of.day_in(start, year, month) == Some(day)
            }
        }
    }

    /// The last day on which it opens; `None`: there is none.
    pub(super) fn last_day(&self, start: Wall) -> Option<i64> {
        match self.end {
            End::Never => None,
            End::Until(until) if start.second() > until.second() => Some(until.day() - 1),
            End::Until(until) => Some(until.day()),
            End::Count(count) => self.counted(start, i64::from(count)),
        }
    }

    /// The day of the `count`-th opening. Bounded: by the count, and by the years that are told.
    fn counted(&self, start: Wall, count: i64) -> Option<i64> {
        let mut left = count;
        let mut take = |day: i64| {
            left -= i64::from(day >= start.day());
            left == 0
        };
        match &self.every {
            Every::Day => Some(start.day() + (count - 1) * self.interval),
            Every::Week(days) => {
                let only = [start.weekday()];
                let days = if days.is_empty() { &only[..] } else { days.as_slice() };
                let weeks = (0..=count).map(|n| week_of(start.day()) + n * self.interval);
                weeks
                    .flat_map(|week| days.iter().map(move |day| first_of(week) + *day as i64))
                    .find(|day| take(*day))
            }
            Every::Month(of) => {
                let first = month_number(start.date().0, start.date().1);
                let months = (0..).map(|n| first + n * self.interval);
                let told = months.take_while(|month| month / 12 <= Wall::YEAR_MAX);
                told.filter_map(|number| {
                    let month = u32::try_from(number % 12 + 1).ok()?;
                    of.day_in(start, number / 12, month)
                })
                .find(|day| take(*day))
            }
        }
    }
}

impl OfMonth {
    fn day_in(&self, start: Wall, year: i64, month: u32) -> Option<i64> {
        let length = month_days(year, month);
        match *self {
            Self::Start | Self::Day(_) => {
                let day = if let Self::Day(day) = *self { day } else { start.date().2 };
                (day <= length).then(|| days_of(year, month, day))
            }
            Self::Nth(n, weekday) => {
                let first = days_of(year, month, 1);
                let end = first + i64::from(length);
                let day = if n > 0 {
                    first + (weekday as i64 - weekday_of(first) as i64).rem_euclid(7) + (n - 1) * 7
                } else {
                    end - 1 - (weekday_of(end - 1) as i64 - weekday as i64).rem_euclid(7) + (n + 1) * 7
                };
                (first..end).contains(&day).then_some(day)
            }
        }
    }
}

fn month_number(year: i64, month: u32) -> i64 {
    year * 12 + i64::from(month) - 1
}

/// Weeks since that of 1970-01-01, from Monday.
fn week_of(day: i64) -> i64 {
    (day + 3).div_euclid(7)
}

fn first_of(week: i64) -> i64 {
    week * 7 - 3
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frequency = match self.every {
            Every::Day => "DAILY",
            Every::Week(_) => "WEEKLY",
            Every::Month(_) => "MONTHLY",
        };
        write!(f, "FREQ={frequency}")?;
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        match &self.every {
            Every::Week(days) if !days.is_empty() => {
                let days: Vec<&str> = days.iter().map(|day| day.ical()).collect();
                write!(f, ";BYDAY={}", days.join(","))?;
            }
            Every::Month(OfMonth::Day(day)) => write!(f, ";BYMONTHDAY={day}")?,
            Every::Month(OfMonth::Nth(n, day)) => write!(f, ";BYDAY={n}{}", day.ical())?,
            _ => {}
        }
        match self.end {
            End::Never => Ok(()),
            End::Count(count) => write!(f, ";COUNT={count}"),
            End::Until(until) => write!(f, ";UNTIL={until}"),
        }
    }
}

/// The parts of a rule as they are written.
#[derive(Default)]
struct Parts<'t> {
    frequency: Option<&'t str>,
    interval: Option<&'t str>,
    by_day: Option<&'t str>,
    by_month_day: Option<&'t str>,
    count: Option<&'t str>,
    until: Option<&'t str>,
}

impl<'t> Parts<'t> {
    fn read(text: &'t str) -> Result<Self, Invalid> {
        let mut parts = Self::default();
        for part in text.split(';') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let place = match name {
                "FREQ" => &mut parts.frequency,
                "INTERVAL" => &mut parts.interval,
                "BYDAY" => &mut parts.by_day,
                "BYMONTHDAY" => &mut parts.by_month_day,
                "COUNT" => &mut parts.count,
                "UNTIL" => &mut parts.until,
                "WKST" if value == "MO" => continue,
                _ => {
                    let why = "is not understood in an RRULE: write FREQ, INTERVAL, BYDAY, BYMONTHDAY, COUNT or UNTIL";
                    return Err(Invalid::quoting("ical", part, why));
                }
            };
            if place.replace(value).is_some() {
                return Err(Invalid::quoting("ical", part, "stands twice in its RRULE: write it once"));
            }
        }
        Ok(parts)
    }

    fn every(&self) -> Result<Every, Invalid> {
        match (self.frequency, self.by_day, self.by_month_day) {
            (Some("DAILY"), None, None) => Ok(Every::Day),
            (Some("WEEKLY"), days, None) => Ok(Every::Week(days.map_or(Ok(Vec::new()), weekdays)?)),
            (Some("MONTHLY"), None, None) => Ok(Every::Month(OfMonth::Start)),
            (Some("MONTHLY"), Some(day), None) => Ok(Every::Month(nth(day)?)),
            (Some("MONTHLY"), None, Some(day)) => {
                Ok(Every::Month(OfMonth::Day(within(day, "BYMONTHDAY", 1, 31)?)))
            }
            (Some("DAILY" | "WEEKLY" | "MONTHLY"), ..) => {
                Err(wrong("has a BYDAY or BYMONTHDAY that does not go with its FREQ: leave it out"))
            }
            (other, ..) => {
                let why = "is no FREQ that is understood: write DAILY, WEEKLY or MONTHLY";
                Err(Invalid::quoting("ical", other.unwrap_or(""), why))
            }
        }
    }

    fn end(&self) -> Result<End, Invalid> {
        match (self.count, self.until) {
            (None, None) => Ok(End::Never),
            (Some(count), None) => Ok(End::Count(within(count, "COUNT", 1, COUNT_MAX)?)),
            (None, Some(until)) => Wall::parse_ical(until).map(End::Until).ok_or_else(|| {
                let why = "is no UNTIL: write it by the site's clock, as in UNTIL=20271122T020000";
                Invalid::quoting("ical", until, why)
            }),
            _ => Err(wrong("has COUNT and UNTIL: write one of them")),
        }
    }
}

impl FromStr for Rule {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.to_ascii_uppercase();
        let parts = Parts::read(&text)?;
        let interval = match parts.interval {
            None => 1,
            Some(digits) => within(digits, "INTERVAL", 1, INTERVAL_MAX)?,
        };
        Ok(Self { every: parts.every()?, interval, end: parts.end()? })
    }
}

/// Days in the order of the week, each once.
fn weekdays(text: &str) -> Result<Vec<Weekday>, Invalid> {
    let mut days = text.split(',').map(weekday).collect::<Result<Vec<_>, _>>()?;
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

fn weekday(text: &str) -> Result<Weekday, Invalid> {
    let found = Weekday::ALL.into_iter().find(|day| day.ical() == text);
    found.ok_or_else(|| Invalid::quoting("ical", text, "is no weekday: write MO, TU, WE, TH, FR, SA or SU"))
}

/// `2TU`, `-1SU`.
fn nth(text: &str) -> Result<OfMonth, Invalid> {
    let why = "is no weekday of a month: write its number and the day, such as 2TU or -1SU";
    let refused = || Invalid::quoting("ical", text, why);
    let at = text.len().checked_sub(2).filter(|at| text.is_char_boundary(*at)).ok_or_else(refused)?;
    let (number, day) = text.split_at(at);
    let number = number.strip_prefix('+').unwrap_or(number);
    let number: i64 = number.parse().map_err(|_| refused())?;
    if number == 0 || number.abs() > 5 {
        return Err(refused());
    }
    Ok(OfMonth::Nth(number, weekday(day)?))
}

fn within<N: FromStr + PartialOrd + Copy + fmt::Display>(
    text: &str,
    name: &str,
    least: N,
    most: N,
) -> Result<N, Invalid> {
    let number = text.parse().ok().filter(|number: &N| *number >= least && *number <= most);
    number.ok_or_else(|| Invalid::quoting("ical", text, &format!("is no {name}: write {least} to {most}")))
}
