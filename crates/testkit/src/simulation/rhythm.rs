//! When devices talk: hours of the day and days of the week, by class. Quotas of a day are met exactly: a curve says which
//! share of them falls before each minute.

/// Minutes of a day.
pub(super) const DAY_MINUTES: u64 = 1440;

/// How a day is spread over its 24 hours, as relative weights of each hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    /// Around the clock, with a rise at the three changes of shift.
    Shifts,
    /// Machines that are always on and a little busier by day.
    AlwaysOn,
    /// Appointments from eight to five.
    Clinic,
    /// Samples of the morning round, then a trickle.
    MorningRound,
    /// Three patients a day at each machine.
    Dialysis,
    /// Medication rounds.
    Rounds,
    /// Emergencies come in the evening.
    Evening,
    /// Before breakfast and before bed.
    Home,
}

const CURVES: usize = 8;

impl Curve {
    const fn hours(self) -> [u16; 24] {
        match self {
            Self::Shifts => {
                [9, 9, 9, 9, 9, 10, 12, 14, 11, 10, 10, 10, 10, 10, 12, 14, 11, 10, 10, 10, 10, 11, 14, 12]
            }
            Self::AlwaysOn => {
                [8, 8, 8, 8, 8, 9, 10, 11, 12, 12, 12, 12, 11, 12, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8]
            }
            Self::Clinic => {
                [1, 1, 1, 1, 1, 1, 4, 20, 40, 50, 50, 45, 30, 45, 50, 45, 30, 12, 6, 4, 3, 2, 2, 1]
            }
            Self::MorningRound => {
                [4, 4, 4, 5, 10, 30, 50, 50, 40, 30, 25, 22, 20, 20, 18, 16, 14, 12, 10, 9, 8, 6, 5, 4]
            }
            Self::Dialysis => {
                [0, 0, 0, 0, 0, 4, 30, 40, 40, 40, 30, 20, 40, 40, 40, 40, 20, 30, 40, 40, 30, 10, 2, 0]
            }
            Self::Rounds => {
                [5, 3, 3, 3, 3, 5, 15, 30, 45, 35, 25, 25, 40, 25, 20, 20, 20, 25, 40, 25, 20, 30, 15, 8]
            }
            Self::Evening => {
                [14, 11, 9, 7, 6, 6, 8, 10, 13, 16, 18, 19, 19, 19, 19, 20, 22, 25, 28, 30, 28, 25, 21, 17]
            }
            Self::Home => [3, 3, 3, 3, 3, 5, 14, 30, 25, 12, 8, 6, 6, 6, 6, 6, 8, 10, 14, 22, 28, 20, 8, 4],
        }
    }
}

/// How much of it, beside the steady background.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    /// Of what is always said.
    pub(super) background: Curve,
    /// Of what is said because people work.
    pub(super) clinic: Curve,
    /// Minutes of talk because people work, on a weekday, a Saturday and a Sunday.
    pub(super) clinic_talks: [u16; 3],
}

/// The rhythm of a class of the roster.
pub(super) fn of_class(class: &str) -> Rhythm {
    let (background, clinic, clinic_talks) = match class {
        "ventilator" | "patient-monitor" | "infusion-pump" | "infusion-gateway" | "serial-server" => {
            (Curve::Shifts, Curve::Shifts, [0, 0, 0])
        }
        "ct" | "mr" | "ultrasound" | "diagnostic-workstation" | "pacs" | "worklist-server" => {
            (Curve::AlwaysOn, Curve::Clinic, [44, 12, 6])
        }
        "lab-analyser" | "poct-dock" | "lis" | "integration-engine" => {
            (Curve::AlwaysOn, Curve::MorningRound, [30, 18, 15])
        }
        "dialysis-machine" | "water-treatment" => (Curve::AlwaysOn, Curve::Dialysis, [40, 40, 2]),
        "ecg-cart" | "ecg-server" => (Curve::AlwaysOn, Curve::Evening, [20, 23, 22]),
        "clinical-workstation" => (Curve::AlwaysOn, Curve::Rounds, [30, 18, 16]),
        "sip-phone" | "printer" => (Curve::AlwaysOn, Curve::Clinic, [18, 7, 5]),
        "blood-pressure-cuff" => (Curve::Home, Curve::Home, [0, 0, 0]),
        "server" => (Curve::AlwaysOn, Curve::Clinic, [16, 8, 6]),
        _ => (Curve::AlwaysOn, Curve::AlwaysOn, [0, 0, 0]),
    };
    Rhythm { background, clinic, clinic_talks }
}

/// The curves added up: which share of the day lies before each minute.
#[derive(Debug)]
pub(super) struct Curves(Vec<f32>);

impl Curves {
    pub(super) fn new() -> Self {
        let all = [
            Curve::Shifts,
            Curve::AlwaysOn,
            Curve::Clinic,
            Curve::MorningRound,
            Curve::Dialysis,
            Curve::Rounds,
            Curve::Evening,
            Curve::Home,
        ];
        debug_assert!(all.len() == CURVES && all.iter().enumerate().all(|(i, c)| *c as usize == i));
        Self(all.into_iter().flat_map(cumulative).collect())
    }

    /// How many of `quota` things fall into a minute of the day. The sum over the day is `quota`, give or take one;
    /// `phase`, 0 to 1, shifts where they fall.
    pub(super) fn due(&self, curve: Curve, quota: u16, minute_of_day: u64, phase: f32) -> u32 {
        if quota == 0 {
            return 0;
        }
        let row = curve as usize * (DAY_MINUTES as usize + 1) + minute_of_day as usize;
        let share = |at: usize| self.0.get(at).copied().unwrap_or(1.0);
        let before = (f32::from(quota) * share(row) + phase) as u32;
        let after = (f32::from(quota) * share(row + 1) + phase) as u32;
        after.saturating_sub(before)
    }
}

fn cumulative(curve: Curve) -> impl Iterator<Item = f32> {
    let hours = curve.hours();
    let total: f64 = hours.iter().map(|h| f64::from(*h) * 60.0).sum();
    let each_minute = hours.into_iter().flat_map(|hour| std::iter::repeat_n(f64::from(hour), 60));
    let mut sum = 0.0;
    let running = each_minute.map(move |weight| {
        sum += weight;
        (sum / total) as f32
    });
    std::iter::once(0.0).chain(running)
}

/// A minute as people at the site count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocalMinute {
    /// Minutes since the epoch, UTC.
    pub(super) minute: u64,
    /// Local days since 1970-01-01.
    pub(super) day: u64,
    /// Local minutes since midnight.
    pub(super) of_day: u64,
    /// 0 weekday, 1 Saturday, 2 Sunday.
    pub(super) kind: usize,
}

impl LocalMinute {
    pub(super) fn new(minute: u64, utc_offset_s: i32) -> Self {
        let local = (minute * 60).saturating_add_signed(i64::from(utc_offset_s)) / 60;
        let day = local / DAY_MINUTES;
        // 1970-01-01 was a Thursday.
        let kind = match (day + 3) % 7 {
            5 => 1,
            6 => 2,
            _ => 0,
        };
        Self { minute, day, of_day: local % DAY_MINUTES, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_of_a_day_are_met() {
        let curves = Curves::new();
        for (curve, quota, phase) in
            [(Curve::Shifts, 198, 0.0), (Curve::Clinic, 44, 0.7), (Curve::Home, 3, 0.99)]
        {
            let sum: u32 = (0..DAY_MINUTES).map(|m| curves.due(curve, quota, m, phase)).sum();
            assert!(sum.abs_diff(u32::from(quota)) <= 1, "{curve:?} {sum}");
        }
    }

    #[test]
    fn weekends_fall_on_weekends_in_local_time() {
        // 2026-11-20T23:30:00Z is a Friday; in Berlin it is Saturday already.
        let friday = 1_795_217_400 / 60;
        assert_eq!(LocalMinute::new(friday, 0).kind, 0);
        assert_eq!(
            LocalMinute::new(friday, 3600),
            LocalMinute { minute: friday, day: 20_778, of_day: 30, kind: 1 }
        );
        assert_eq!(LocalMinute::new(friday + DAY_MINUTES, 3600).kind, 2);
    }
}
