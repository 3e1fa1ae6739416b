//! What to simulate, and what may go wrong while it is watched. Numbers only: what devices are and do is in the roster.

use model::{Duration, SiteId, Timestamp};
use std::fmt;

/// Most devices of one site: what a 10/8 holds at eleven /24 networks a hundred devices.
pub const DEVICES_MAX: usize = 500_000;
/// Most sensors of one site.
pub const SENSORS_MAX: u32 = 64;
/// The most that the clock of a sensor is ever set back.
pub const CLOCK_STEP_BACK_MAX: Duration = Duration::from_secs(2);

/// One simulated site over some days.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Everything follows from it: the same seed gives the same bytes.
    pub seed: u64,
    /// Which site. Addresses are the same at every site, names, serial numbers and link addresses are not.
    pub site: SiteId,
    /// Devices by the roster's proportions, [`DEVICES_MAX`] at most. Guests come on top, four to a hundred.
    pub devices: usize,
    /// The first moment; rounded down to the minute.
    pub start: Timestamp,
    /// How long, in days of 24 hours.
    pub days: u32,
    /// Seconds that local time is ahead of UTC.
    pub utc_offset_s: i32,
    /// Sensors that share the site by building, 1 to [`SENSORS_MAX`].
    pub sensors: u32,
    /// Who comes and goes.
    pub churn: Churn,
    /// What goes wrong.
    pub faults: Faults,
}

impl Plan {
    /// A site with one sensor, in UTC, with the usual churn and faults.
    pub fn new(seed: u64, site: SiteId, devices: usize, start: Timestamp, days: u32) -> Self {
        Self {
            seed,
            site,
            devices,
            start,
            days,
            utc_offset_s: 0,
            sensors: 1,
            churn: Churn::default(),
            faults: Faults::default(),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.devices == 0 || self.devices > DEVICES_MAX {
            return Err(Error::Devices(self.devices));
        }
        if self.sensors == 0 || self.sensors > SENSORS_MAX {
            return Err(Error::Sensors(self.sensors));
        }
        if self.faults.clock_step_back > CLOCK_STEP_BACK_MAX {
            return Err(Error::ClockStep(self.faults.clock_step_back));
        }
        Ok(())
    }
}

/// Who comes and goes.
#[derive(Clone, Copy, Debug)]
pub struct Churn {
    /// Days after which a movable device (cart, phone, pump, ultrasound) leaves and another takes its place, on average;
    /// 0: nobody leaves.
    pub replace_days: u32,
    /// Hours after which carts get other addresses, which another cart had before; 0: addresses stay.
    pub lease_hours: u32,
    /// Some carts are docked in office hours and speak through the second network interface of the dock.
    pub docks: bool,
    /// Visitors with randomised link addresses.
    pub guests: bool,
}

impl Default for Churn {
    fn default() -> Self {
        Self { replace_days: 30, lease_hours: 24, docks: true, guests: true }
    }
}

impl Churn {
    /// Everybody stays where they are.
    pub const NONE: Self = Self { replace_days: 0, lease_hours: 0, docks: false, guests: false };
}

/// What goes wrong. Each happens once a local day at each sensor, at a time drawn from the seed; 0: never.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Minutes in which a sensor sees nothing: no records, and its Coverage counts dropped frames.
    pub gap_minutes: u32,
    /// Minutes in which a tenth of the TCP payload is sent again.
    pub retransmission_minutes: u32,
    /// Minutes in which every frame comes from two taps.
    pub duplicate_minutes: u32,
    /// How far the clock of the first sensor is set back for half an hour, [`CLOCK_STEP_BACK_MAX`] at most.
    pub clock_step_back: Duration,
    /// A power dip: every device of one building starts anew within two minutes.
    pub reboot_storms: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            gap_minutes: 4,
            retransmission_minutes: 10,
            duplicate_minutes: 15,
            clock_step_back: Duration::from_millis(1200),
            reboot_storms: true,
        }
    }
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        gap_minutes: 0,
        retransmission_minutes: 0,
        duplicate_minutes: 0,
        clock_step_back: Duration::from_secs(0),
        reboot_storms: false,
    };
}

/// Why a plan was refused. Whoever made the plan, or the roster, erred; never retryable as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not 1 to [`DEVICES_MAX`] devices.
    Devices(usize),
    /// Not 1 to [`SENSORS_MAX`] sensors.
    Sensors(u32),
    /// A clock set back by more than [`CLOCK_STEP_BACK_MAX`].
    ClockStep(Duration),
    /// The roster cannot be read as one.
    Roster(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Devices(n) => write!(f, "`{n}` devices: a site has 1 to {DEVICES_MAX}"),
            Self::Sensors(n) => write!(f, "`{n}` sensors: a site has 1 to {SENSORS_MAX}"),
            Self::ClockStep(by) => {
                let max = CLOCK_STEP_BACK_MAX.as_secs_f64();
                write!(f, "a clock set back by `{}` s: at most {max} s", by.as_secs_f64())
            }
            Self::Roster(why) => write!(f, "crates/testkit/hospital/roster.toml: {why}"),
        }
    }
}

impl std::error::Error for Error {}
