//! The records that sensors emit and the core folds.

use crate::{Activity, Coverage, Event, Fact, Flow, SensorId, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

/// Version of the record layout. Golden records of every released version stay readable (`golden/`).
pub const SCHEMA_VERSION: u16 = 1;

/// What every record carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Layout version, [`SCHEMA_VERSION`] when written by this build.
    pub schema: u16,
    /// Where.
    pub site: SiteId,
    /// By which sensor.
    pub sensor: SensorId,
    /// Number of the record at that sensor, from 1, without gaps.
    pub sequence: u64,
    /// Time of the packet that gave rise to it.
    pub observed_at: Timestamp,
    /// Time at which the sensor or core took it in; equals `observed_at` when a file is replayed.
    pub received_at: Timestamp,
}

/// Anything a sensor emits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub enum Record {
    /// What an endpoint says it is.
    Fact(Fact),
    /// Something that happened once.
    Event(Event),
    /// How much was done, by verb.
    Activity(Box<Activity>),
    /// One closed conversation.
    Flow(Box<Flow>),
    /// What could not be seen.
    Coverage(Box<Coverage>),
}

impl Record {
    /// The header, whatever the kind.
    pub fn header(&self) -> &Header {
        match self {
            Self::Fact(r) => &r.header,
            Self::Event(r) => &r.header,
            Self::Activity(r) => &r.header,
            Self::Flow(r) => &r.header,
            Self::Coverage(r) => &r.header,
        }
    }

    /// The header, to be stamped by whoever numbers the records.
    pub fn header_mut(&mut self) -> &mut Header {
        match self {
            Self::Fact(r) => &mut r.header,
            Self::Event(r) => &mut r.header,
            Self::Activity(r) => &mut r.header,
            Self::Flow(r) => &mut r.header,
            Self::Coverage(r) => &mut r.header,
        }
    }
}
