//! What two ends said to each other over one service: a day by the hour, six more by the day. A hundred bytes.

use super::rough::Rough;
use model::Protocol;

/// Hours kept one by one.
pub(super) const HOURS: u32 = 24;
/// Days kept, this one included.
pub(super) const DAYS: u32 = 7;

/// Two ends and a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PairKey {
    /// Places in the table of ends.
    pub(super) client: u32,
    pub(super) server: u32,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
}

/// A pair, with what it said.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) key: PairKey,
    /// The first hour told, and the newest; hours since 1970.
    pub(super) first: u32,
    pub(super) newest: u32,
    /// Hours `newest - 23 ..= newest`, each at its place modulo 24.
    hours: [Rough; HOURS as usize],
    /// Days of what has left `hours`, each at its place modulo 7.
    days: [Rough; DAYS as usize],
    /// Sums as of the hour for which they were asked last: of this hour and the one before, of a day, of seven.
    pub(super) sums: [Rough; 3],
}

impl Pair {
    pub(super) fn new(key: PairKey, hour: u32) -> Self {
        let (hours, days) = ([Rough::default(); HOURS as usize], [Rough::default(); DAYS as usize]);
        Self { key, first: hour, newest: hour, hours, days, sums: [Rough::default(); 3] }
    }

    /// In `hour` it was `bytes` so far. An hour that has left the day already is added to its day: it can be told once only.
    pub(super) fn tell(&mut self, hour: u32, bytes: u64) {
        self.first = self.first.min(hour);
        if hour > self.newest {
            self.go_on(hour);
        }
        let kept = if self.newest - hour < HOURS {
            self.hours.get_mut((hour % HOURS) as usize)
        } else if self.newest / 24 - hour / 24 < DAYS {
            let day = self.days.get_mut((hour / 24 % DAYS) as usize);
            if let Some(day) = day {
                *day = Rough::of(day.count().saturating_add(bytes));
            }
            return;
        } else {
            return;
        };
        if let Some(kept) = kept {
            *kept = Rough::of(bytes);
        }
    }

    /// Makes `hour` the newest: what leaves the hours goes into its day.
    fn go_on(&mut self, hour: u32) {
        let was = self.newest;
        self.newest = hour;
        for day in (was / 24 + 1..=hour / 24).take(DAYS as usize) {
            if let Some(kept) = self.days.get_mut((day % DAYS) as usize) {
                *kept = Rough::default();
            }
        }
        let leaving = (was.saturating_sub(HOURS - 1)..=was).filter(|old| hour - old >= HOURS);
        for old in leaving {
            let Some(slot) = self.hours.get_mut((old % HOURS) as usize) else { continue };
            let bytes = std::mem::take(slot).count();
            if hour / 24 - old / 24 < DAYS
                && let Some(day) = self.days.get_mut((old / 24 % DAYS) as usize)
            {
                *day = Rough::of(day.count().saturating_add(bytes));
            }
        }
    }

    /// Sums anew, for a clock at `now`; what is told of later hours does not count yet.
    pub(super) fn sum(&mut self, now: u32) {
        let (mut short, mut day, mut week) = (0u64, 0u64, 0u64);
        for hour in self.newest.saturating_sub(HOURS - 1)..=self.newest.min(now) {
            let bytes = self.hours.get((hour % HOURS) as usize).map_or(0, |slot| slot.count());
            let ago = now - hour;
            short += if ago < 2 { bytes } else { 0 };
            day += if ago < HOURS { bytes } else { 0 };
            week += if ago < HOURS * DAYS { bytes } else { 0 };
        }
        let newest_day = self.newest / 24;
        for day in newest_day.saturating_sub(DAYS - 1)..=newest_day {
            if day + DAYS > now / 24 && day <= now / 24 {
                week += self.days.get((day % DAYS) as usize).map_or(0, |slot| slot.count());
            }
        }
        self.sums = [short, day, week].map(Rough::of);
    }

    /// Whether nothing of it is within seven days of `now`.
    pub(super) fn is_old(&self, now: u32) -> bool {
        self.newest + HOURS * DAYS <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(hour: u32) -> Pair {
        Pair::new(PairKey { client: 0, server: 1, protocol: Protocol::Dns, port: 53 }, hour)
    }

    fn sums(pair: &mut Pair, now: u32) -> [u64; 3] {
        pair.sum(now);
        pair.sums.map(Rough::count)
    }

    #[test]
    fn an_hour_is_replaced_and_sums_move_with_the_clock() {
        let start = 24 * 20_000;
        let mut one = pair(start);
        one.tell(start, 100);
        one.tell(start, 150);
        assert_eq!(sums(&mut one, start), [150, 150, 150]);
        one.tell(start + 1, 10);
        assert_eq!(sums(&mut one, start + 1), [160, 160, 160]);
        assert_eq!(sums(&mut one, start + 2), [10, 160, 160]);
        assert_eq!(sums(&mut one, start + 24), [0, 10, 160]);
        assert_eq!(sums(&mut one, start + 24 * 7 + 2), [0, 0, 0]);
        assert!(!one.is_old(start + 24 * 7) && one.is_old(start + 24 * 7 + 1));
    }

    #[test]
    fn what_leaves_the_hours_stays_in_its_day() {
        let start = 24 * 20_000;
        let mut one = pair(start);
        (0..24 * 7).for_each(|hour| one.tell(start + hour, 5));
        let now = start + 24 * 7 - 1;
        assert_eq!(sums(&mut one, now), [10, 120, 5 * 24 * 7]);
        one.tell(now + 24 * 30, 7);
        assert_eq!(sums(&mut one, now + 24 * 30), [7, 7, 7], "after a month nothing old is left");
    }

    #[test]
    fn hours_told_late_and_clocks_ahead_do_no_harm() {
        let start = 24 * 20_000;
        let mut one = pair(start);
        one.tell(start, 5);
        one.tell(start - 3, 6);
        one.tell(start - 30, 7);
        one.tell(start - 24 * 30, 8);
        assert_eq!(sums(&mut one, start), [5, 11, 18]);
        one.tell(start + 5, 1_000);
        assert_eq!(sums(&mut one, start), [5, 11, 18], "what is ahead of the clock does not count yet");
    }

    #[test]
    fn a_pair_is_small() {
        assert!(std::mem::size_of::<Pair>() <= 100, "{}", std::mem::size_of::<Pair>());
    }
}
