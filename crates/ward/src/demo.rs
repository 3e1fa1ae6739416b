//! St Brannoc's as the demo shows it: a day of packets from real software, moved so that it ends now, and 28 days before it that are
//! derived from that day and say so.
//!
//! It must not touch the network or a file of the user's. What is simulated comes from a sensor of its own.

mod day;
mod history;

pub use day::{SAMPLE, SAMPLE_NAME, SAMPLE_README, read};
pub use history::{DAYS, History};

use model::{Duration, SensorId};

/// The sensor at the mirror.
pub const MIRROR: SensorId = SensorId(1);
/// The sensor that was not there: what it says is simulated.
pub const SIMULATED: SensorId = SensorId(2);
/// Seconds of a day.
pub const DAY: Duration = Duration::from_secs(86_400);
