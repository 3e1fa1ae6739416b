//! Dates of people (`2026-01-31`, UTC) as times, and back.

/// Nanoseconds of a day.
pub(super) const DAY_NS: i64 = 86_400 * 1_000_000_000;
/// Nanoseconds of an hour.
pub(super) const HOUR_NS: i64 = 3_600 * 1_000_000_000;

/// Days from 1970-01-01 to a date of the Gregorian calendar; years count from March, so that leap days are at their end.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // Months from March on: 31 30 31 30 31, again and again.
    year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The start of a date, in nanoseconds since 1970. `None` when it is no date from 1970 to 2261, written `YYYY-MM-DD`.
pub(super) fn start_of(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let mut part = |digits: usize| {
        let text =
            parts.next().filter(|text| text.len() == digits && text.bytes().all(|b| b.is_ascii_digit()))?;
        text.parse::<i64>().ok()
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() || !(1970..=2261).contains(&year) || !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let next_month = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
    let number = days(year, month, day);
    (number < next_month).then(|| number * DAY_NS)
}

/// The date of a time, for people.
pub(super) fn of(at: i64) -> String {
    let number = at.div_euclid(DAY_NS);
    // The year is at most one off from that of the average length.
    let mut year = 1970 + number * 400 / 146_097;
    year += i64::from(days(year + 1, 1, 1) <= number);
    year -= i64::from(days(year, 1, 1) > number);
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= number).unwrap_or(1);
    format!("{year:04}-{month:02}-{:02}", number - days(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_since_1970_and_back() {
        // From the calendar: `date -u -d DATE +%s`, divided by 86400.
        let known =
            [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-11-16", 20_773), ("2100-03-01", 47_541)];
        for (date, number) in known {
            assert_eq!(start_of(date), Some(number * DAY_NS), "{date}");
        }
        for number in 0..106_000 {
            let date = of(number * DAY_NS + 7);
            assert_eq!(start_of(&date), Some(number * DAY_NS), "{date}");
        }
        for wrong in
            ["", "2026", "2026-1-1", "2026-13-01", "2026-02-29", "2026-04-31", "2026-00-01", "1969-12-31"]
        {
            assert_eq!(start_of(wrong), None, "{wrong}");
        }
        for wrong in ["2026-01-01T00:00", "2026-01-01-", "+026-01-01", "２026-01-01", "2262-01-01"] {
            assert_eq!(start_of(wrong), None, "{wrong}");
        }
    }
}
