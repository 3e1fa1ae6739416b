//! Dates and times in queries and bodies, read in one place: RFC 3339, or what the wall clock and calendar of the site say.

use super::Problem;
use crate::error::quote;
use crate::when::Zone;
use jiff::civil;
use model::Timestamp;

/// Characters of the longest time: `2026-11-22T14:20:00.000000000+01:00`.
const CHARS_MAX: usize = 40;

/// Which moment a day without a time stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    /// Its beginning: for `since`.
    Starts,
    /// Its last nanosecond: for `until` and `at`, where a person means "as it was that day".
    Ends,
}

/// Reads `2026-11-22T13:20:00Z`, `2026-11-22T14:20:00+01:00`, and, by the site's clock, `2026-11-22T14:20` or `2026-11-22`.
/// `name` is the parameter's, for the message.
///
/// # Errors
/// [`Problem`] where it is none of these, or outside of the years that Ward counts.
pub(crate) fn moment(name: &str, asked: &str, zone: &Zone, day: Day) -> Result<Timestamp, Problem> {
    let read = (asked.len() <= CHARS_MAX).then(|| read(asked.trim(), zone, day)).flatten();
    // Tables count to the year 2262.
    read.filter(|at| i64::try_from(at.as_nanos()).is_ok()).ok_or_else(|| {
        Problem::bad(format!(
            "{name} is \"{}\": it is a date (2026-11-22), a time of the site (2026-11-22T14:20), or with its offset \
             (2026-11-22T13:20:00Z)",
            quote(asked)
        ))
    })
}

/// As [`moment`], where it may be left out.
///
/// # Errors
/// As [`moment`].
pub(crate) fn maybe(
    name: &str,
    asked: Option<&str>,
    zone: &Zone,
    day: Day,
) -> Result<Option<Timestamp>, Problem> {
    asked.filter(|asked| !asked.is_empty()).map(|asked| moment(name, asked, zone, day)).transpose()
}

fn read(asked: &str, zone: &Zone, day: Day) -> Option<Timestamp> {
    if let Ok(instant) = plus_again(asked).parse::<jiff::Timestamp>() {
        return u64::try_from(instant.as_nanosecond()).ok().map(Timestamp::from_nanos);
    }
    if asked.len() == "2026-11-22".len() {
        let date: civil::Date = asked.parse().ok()?;
        return match day {
            Day::Starts => zone.instant(date.at(0, 0, 0, 0)),
            Day::Ends => {
                let next = zone.instant(date.tomorrow().ok()?.at(0, 0, 0, 0))?;
                Some(Timestamp::from_nanos(next.as_nanos().checked_sub(1)?))
            }
        };
    }
    // Something that names an offset or a zone is not a time of the wall clock.
    let is_local = asked.bytes().all(|byte| byte.is_ascii_digit() || b"-:.T ".contains(&byte));
    zone.instant(asked.parse::<civil::DateTime>().ok().filter(|_| is_local)?)
}

/// A plus in a query that nobody escaped arrives as a space.
fn plus_again(asked: &str) -> String {
    match asked.rsplit_once(' ') {
        Some((time, offset)) if time.contains('T') => format!("{time}+{offset}"),
        _ => asked.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(asked: &str, day: Day) -> Option<u64> {
        moment("at", asked, &Zone::UTC, day).ok().map(Timestamp::as_nanos)
    }

    #[test]
    fn every_form_says_the_same_moment() {
        let noon = Some(1_795_348_800_000_000_000);
        for form in [
            "2026-11-22T12:00:00Z",
            "2026-11-22T13:00:00+01:00",
            "2026-11-22T13:00:00 01:00",
            "2026-11-22T12:00",
            "2026-11-22 12:00:00",
        ] {
            assert_eq!(at(form, Day::Starts), noon, "{form}");
        }
        let (starts, ends) = (at("2026-11-22", Day::Starts).unwrap(), at("2026-11-22", Day::Ends).unwrap());
        assert_eq!(ends - starts + 1, 86_400_000_000_000);
    }

    #[test]
    fn what_is_no_time_is_a_plain_message() {
        for wrong in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "22.11.2026",
            "1795348800",
            "1960-01-01",
            "9999-12-31",
            "2300-01-01",
            "2262-04-12",
            "2026-11-22T25:00",
            "２０２６-11-22",
            &"9".repeat(400),
        ] {
            let problem = moment("since", wrong, &Zone::UTC, Day::Ends).unwrap_err();
            assert!(problem.status == 400 && problem.detail.starts_with("since is "), "{wrong}");
        }
        assert_eq!(maybe("at", Some(""), &Zone::UTC, Day::Ends), Ok(None), "a form with an empty field");
    }
}
