//! St Brannoc's as the demo shows it: a day of packets from real software, moved so that it ends now, and 28 days before it that are
//! derived from that day and say so.
//!
//! It must not touch the network or a file of the user's. What is simulated comes from a sensor of its own.

mod day;
mod furnish;
mod history;
mod open;

pub use day::{SAMPLE, SAMPLE_NAME, read};
use furnish::furnish;
pub use history::{DAYS, History};
pub use open::{Wanted, open};

use model::{Duration, SensorId};

/// The sensor at the mirror.
pub const MIRROR: SensorId = SensorId(1);
/// The sensor that was not there: what it says is simulated.
pub const SIMULATED: SensorId = SensorId(2);
/// Seconds of a day.
pub const DAY: Duration = Duration::from_secs(86_400);
/// The zones of St Brannoc's, as its network engineers keep them.
pub const ZONES: &str = include_str!("../../../data/samples/zones.csv");

/// The files that a newcomer may want, by name.
pub const FILES: [(&str, &[u8]); 4] = [
    (SAMPLE_NAME, SAMPLE),
    ("zones.csv", ZONES.as_bytes()),
    ("netbox-prefixes.csv", include_bytes!("../../../data/samples/netbox-prefixes.csv")),
    ("README.md", day::SAMPLE_README.as_bytes()),
];
