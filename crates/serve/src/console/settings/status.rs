//! What the running process says of itself, as far as it says it: read from its status, every field of which may be missing.

use crate::console::Visit;
use crate::console::parts::{duration, unknown};
use maud::{Markup, html};
use model::Duration;
use serde::Deserialize;

/// Seconds between two sweeps of retention.
const SWEEP_EVERY_S: u64 = 3_600;

/// What is known.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) pid: Option<u32>,
    pub(super) up_s: Option<u64>,
    pub(super) database: Option<String>,
    pub(super) folder: Option<String>,
    /// Where the key-encryption key comes from.
    pub(super) kek: Option<String>,
    /// RFC 3339.
    pub(super) backup_at: Option<String>,
    /// The configured ones.
    pub(super) witnesses: Option<Vec<WitnessTold>>,
    pub(super) integrity: Option<IntegrityTold>,
    tasks: Vec<TaskTold>,
}

/// A witness, and what it said last.
#[derive(Debug, Deserialize)]
pub(super) struct WitnessTold {
    pub(super) name: String,
    #[serde(default)]
    pub(super) url: String,
    /// Absent: it has not been asked yet.
    pub(super) cosigned: Option<bool>,
    pub(super) words: Option<String>,
}

/// What is known of the database's pages.
#[derive(Debug, Deserialize)]
pub(super) struct IntegrityTold {
    pub(super) state: String,
    pub(super) words: String,
}

#[derive(Debug, Deserialize)]
struct TaskTold {
    name: String,
    last_started_s_ago: Option<u64>,
}

/// Asks the running process.
pub(super) async fn read(visit: &Visit) -> Status {
    let control = visit.house.control.clone();
    let told = visit.house.blocking.run(move || control.status()).await;
    told.ok().and_then(|told| serde_json::from_value(told).ok()).unwrap_or_default()
}

impl Status {
    /// A value, or that it is not known.
    pub(super) fn known(&self, value: Option<String>) -> Markup {
        match value {
            Some(value) => html! { (value) },
            None => unknown("the running process does not say it"),
        }
    }

    /// When retention sweeps next, in words: `in about 12 min`.
    pub(super) fn next_sweep(&self) -> String {
        let last = self.tasks.iter().find(|task| task.name == "retention");
        match last.and_then(|task| task.last_started_s_ago) {
            Some(ago) => {
                let left = Duration::from_secs(SWEEP_EVERY_S.saturating_sub(ago).max(60));
                format!("in about {}", duration(left))
            }
            None => "within the hour".to_owned(),
        }
    }
}
