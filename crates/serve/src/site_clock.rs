//! Between moments and what the clock on the site's wall shows, which schedules and windows are kept in.

use crate::when::Zone;
use jiff::civil::DateTime;
use model::{Timestamp, Wall};

/// What the wall shows at `at`; `None` outside of the years that are told.
pub(crate) fn wall(zone: &Zone, at: Timestamp) -> Option<Wall> {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos())).ok()?;
    let shown = instant.to_zoned(zone.time_zone().clone()).datetime();
    let small = |number: i8| u32::try_from(number).ok();
    Wall::new(
        (shown.year().into(), small(shown.month())?, small(shown.day())?),
        (small(shown.hour())?, small(shown.minute())?, small(shown.second())?),
    )
}

/// When the wall shows `wall`: where the clock is put back the first time, where it leaps ahead right after.
pub(crate) fn instant(zone: &Zone, wall: Wall) -> Option<Timestamp> {
    let ((year, month, day), (hour, minute, second)) = (wall.date(), wall.time());
    let small = |number: u32| i8::try_from(number).ok();
    let local = DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    );
    zone.instant(local.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let at = Timestamp::from_secs(1_795_357_200);
        let shown = wall(&Zone::UTC, at).unwrap();
        assert_eq!(shown.to_string(), "20261122T142000");
        assert_eq!(instant(&Zone::UTC, shown), Some(at));
    }
}
