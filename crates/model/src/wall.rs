//! What a clock on the site's wall shows: a date and a time of day, without a zone. Schedules and windows are kept in it, so
//! that 02:00 stays 02:00 when summer time begins; when that is exactly, the site's zone says at the edges.
//!
//! The proleptic Gregorian calendar of RFC 5545 (ISO 8601); days are counted from 1970-01-01, a Thursday.

use std::fmt;

/// A reading of the wall clock, from 1970 to [`Wall::YEAR_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall {
    day: i64,
    second: u32,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    /// Monday, the first.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// All, from Monday.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// As schedules write it: `mon`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }

    /// As iCalendar writes it: `MO`.
    pub const fn ical(self) -> &'static str {
        match self {
            Self::Mon => "MO",
            Self::Tue => "TU",
            Self::Wed => "WE",
            Self::Thu => "TH",
            Self::Fri => "FR",
            Self::Sat => "SA",
            Self::Sun => "SU",
        }
    }
}

/// Seconds of a day.
const DAY_S: u32 = 86_400;

impl Wall {
    /// The last year that is told.
    pub const YEAR_MAX: i64 = 2199;

    /// A date and a time of day; `None` where there is no such.
    pub fn new((year, month, day): (i64, u32, u32), (hour, minute, second): (u32, u32, u32)) -> Option<Self> {
        let is_date = (1970..=Self::YEAR_MAX).contains(&year)
            && (1..=12).contains(&month)
            && (1..=month_days(year, month)).contains(&day);
        let is_time = hour < 24 && minute < 60 && second < 60;
        (is_date && is_time)
            .then(|| Self { day: days_of(year, month, day), second: hour * 3_600 + minute * 60 + second })
    }

    /// Midnight at which day `day` since 1970-01-01 begins, moved by `second`.
    pub(crate) fn on(day: i64, second: u32) -> Self {
        Self { day: day + i64::from(second / DAY_S), second: second % DAY_S }
    }

    /// Days since 1970-01-01.
    pub fn day(self) -> i64 {
        self.day
    }

    /// Seconds since midnight.
    pub fn second(self) -> u32 {
        self.second
    }

    /// Year, month from 1, day from 1.
    pub fn date(self) -> (i64, u32, u32) {
        date_of(self.day)
    }

    /// Hour, minute, second.
    pub fn time(self) -> (u32, u32, u32) {
        (self.second / 3_600, self.second / 60 % 60, self.second % 60)
    }

    /// The day of the week.
    pub fn weekday(self) -> Weekday {
        weekday_of(self.day)
    }

    /// Seconds since 1970-01-01T00:00:00 by this clock.
    pub fn seconds(self) -> i64 {
        self.day * i64::from(DAY_S) + i64::from(self.second)
    }

    /// iCalendar's form: `20261122T020000`.
    pub fn parse_ical(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T')?;
        if date.len() != 8 || time.len() != 6 {
            return None;
        }
        let number = |text: &str, from: usize, to: usize| -> Option<u32> {
            text.get(from..to).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
        };
        Self::new(
            (number(date, 0, 4)?.into(), number(date, 4, 6)?, number(date, 6, 8)?),
            (number(time, 0, 2)?, number(time, 2, 4)?, number(time, 4, 6)?),
        )
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((year, month, day), (hour, minute, second)) = (self.date(), self.time());
        write!(f, "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}")
    }
}

/// Days of a month.
pub(crate) fn month_days(year: i64, month: u32) -> u32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date. Years are counted from March, so that the day that may be missing comes last.
pub(crate) fn days_of(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = i64::from((month + 9) % 12);
    let year_days = (153 * month + 2) / 5 + i64::from(day) - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + year_days - 719_468
}

/// The date, `days` after 1970-01-01.
pub(crate) fn date_of(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// The day of the week, `days` after a Thursday.
pub(crate) fn weekday_of(days: i64) -> Weekday {
    let index = usize::try_from((days + 3).rem_euclid(7)).unwrap_or(0);
    Weekday::ALL.get(index).copied().unwrap_or(Weekday::Mon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_are_known() {
        let at = Wall::new((2026, 11, 22), (14, 20, 0)).unwrap();
        assert_eq!(
            (at.seconds(), at.weekday(), at.to_string().as_str()),
            (1_795_357_200, Weekday::Sun, "20261122T142000")
        );
        assert_eq!(Wall::new((1970, 1, 1), (0, 0, 0)).unwrap().weekday(), Weekday::Thu);
        for (date, time) in [
            ((2026, 2, 29), (0, 0, 0)),
            ((2100, 2, 29), (0, 0, 0)),
            ((2026, 4, 31), (0, 0, 0)),
            ((1969, 1, 1), (0, 0, 0)),
            ((2200, 1, 1), (0, 0, 0)),
            ((2026, 1, 1), (24, 0, 0)),
            ((2026, 0, 1), (0, 0, 0)),
        ] {
            assert_eq!(Wall::new(date, time), None);
        }
    }

    #[test]
    fn every_day_there_and_back() {
        let mut expected = (1970, 1, 1);
        for day in 0..84_006 {
            assert_eq!(date_of(day), expected);
            assert_eq!(days_of(expected.0, expected.1, expected.2), day);
            expected.2 += 1;
            if expected.2 > month_days(expected.0, expected.1) {
                expected =
                    if expected.1 == 12 { (expected.0 + 1, 1, 1) } else { (expected.0, expected.1 + 1, 1) };
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(text in ".{0,20}") {
            if let Some(wall) = Wall::parse_ical(&text) {
                proptest::prop_assert_eq!(wall.to_string(), text);
            }
        }
    }
}
