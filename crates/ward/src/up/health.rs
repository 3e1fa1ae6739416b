//! What `/healthz` checks.

use super::ground::now;
use super::state::{Integrity, Shared, State};
use serve::health::{Health, Status};
use std::time::Duration;

/// Silence of the core after which it is not well: a commit takes milliseconds, a look at a large site a second.
const BEAT_LATE: Duration = Duration::from_secs(15);
/// Age of the newest checkpoint after which leaves are not covered as they should be.
const CHECKPOINT_LATE: Duration = Duration::from_secs(60);

const NAMES: &[&str] = &["core", "store", "integrity", "ledger", "witnesses", "sources", "clock"];

/// The checks, over the shared state.
pub(super) struct Checks {
    /// The state.
    pub(super) state: Shared,
    /// Witnesses in the configuration.
    pub(super) witnesses: usize,
    /// Sources in the configuration.
    pub(super) sources: usize,
}

impl Health for Checks {
    fn names(&self) -> &'static [&'static str] {
        NAMES
    }

    fn check(&self, name: &'static str) -> (Status, String) {
        let state = self.state.lock().clone();
        match name {
            "core" => core(&state),
            "store" => match &state.failing {
                None => (Status::Ok, format!("{} records durable since the start", state.records)),
                Some((since, why)) => {
                    (Status::Failing, format!("cannot be written for {} s: {why}", since.elapsed().as_secs()))
                }
            },
            "integrity" => match &state.integrity {
                Integrity::Whole(how) => (Status::Ok, (*how).into()),
                Integrity::Damaged(what) => (Status::Failing, what.clone()),
                Integrity::Unchecked(why) => (Status::Unchecked, (*why).into()),
            },
            "ledger" => ledger(&state),
            "witnesses" => self.witnesses(&state),
            "sources" => self.sources(&state),
            "clock" => match state.clock_behind {
                None => (Status::Ok, "not behind the ledger".into()),
                Some(by) => (Status::Degraded, format!("{} s behind the ledger: set it right", by.as_secs())),
            },
            _ => (Status::Unchecked, "no such check".into()),
        }
    }
}

fn core(state: &State) -> (Status, String) {
    let silence = state.beat.elapsed();
    if silence > BEAT_LATE && state.failing.is_none() {
        return (Status::Failing, format!("silent for {} s", silence.as_secs()));
    }
    (Status::Ok, format!("{} devices, {} rows of views to be written", state.devices, state.behind))
}

fn ledger(state: &State) -> (Status, String) {
    let Some((size, at)) = state.checkpoint else {
        let status = if state.started.elapsed() < CHECKPOINT_LATE { Status::Ok } else { Status::Degraded };
        return (status, "no checkpoint is signed yet".into());
    };
    let age = now().since(at).as_secs_f64();
    (Status::Ok, format!("{size} leaves under a checkpoint signed {age:.0} s ago"))
}

impl Checks {
    fn witnesses(&self, state: &State) -> (Status, String) {
        if self.witnesses == 0 {
            return (Status::Ok, "none configured: the ledger is not witnessed".into());
        }
        if state.witnesses.is_empty() {
            return (Status::Unchecked, "not asked yet".into());
        }
        let refused: Vec<&str> =
            state.witnesses.iter().filter(|(_, cosigned, _)| !cosigned).map(|(_, _, why)| &**why).collect();
        if refused.is_empty() {
            return (Status::Ok, format!("{} cosigned", state.witnesses.len()));
        }
        (Status::Degraded, refused.join("; "))
    }

    fn sources(&self, state: &State) -> (Status, String) {
        if self.sources == 0 {
            return (Status::Degraded, "none configured: nothing is seen ([[listen]] or [[watch]])".into());
        }
        if state.sources_gone.is_empty() {
            return (Status::Ok, format!("{} running", state.sources));
        }
        (Status::Failing, format!("ended: {}", state.sources_gone.join(", ")))
    }
}
