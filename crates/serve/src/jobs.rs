//! Long work that somebody asked for from a page: it goes on when the page is left, and what became of it can be asked for.
//!
//! It must not run one kind twice at once, and it must not outlive the process: what was under way at a stop is not done, and
//! says nothing after it. Kept in memory, a bounded number.

use crate::house::Desk;
use model::Timestamp;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Jobs whose outcome is kept; the oldest that has ended goes first.
pub(crate) const JOBS_KEPT_MAX: usize = 50;
/// Characters of the sentence that says why a job failed.
const WHY_CHARS_MAX: usize = 2_000;

/// A piece of long work.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Job {
    /// Its number, from 1 at each start of Ward.
    pub(crate) number: u64,
    /// What is done.
    pub(crate) kind: &'static str,
    /// Who asked.
    pub(crate) asked_by: String,
    /// Since when.
    pub(crate) started_at: Timestamp,
    /// How it stands.
    pub(crate) state: State,
    /// What it said last of how far it is.
    pub(crate) progress: Option<Value>,
}

/// How a job stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    /// It goes on.
    Running,
    /// It ended well: when, and with what.
    Done(Timestamp, Value),
    /// It did not: when, and why.
    Failed(Timestamp, String),
}

/// The jobs of this Ward since its start.
#[derive(Default)]
pub(crate) struct Jobs(Mutex<Known>);

#[derive(Default)]
struct Known {
    last: u64,
    // INVARIANT: at most JOBS_KEPT_MAX that have ended, and one running of each kind.
    jobs: VecDeque<Job>,
}

impl Jobs {
    /// Starts `work` on a thread of its own. `Err` with the job of this kind that is under way.
    pub(crate) fn start<W>(
        self: &Arc<Self>,
        desk: &Arc<dyn Desk>,
        kind: &'static str,
        asked_by: &str,
        work: W,
    ) -> Result<Job, Box<Job>>
    where
        W: FnOnce(&mut dyn FnMut(Value)) -> Result<Value, String> + Send + 'static,
    {
        let job = self.enter(kind, asked_by, desk.now())?;
        let (jobs, desk, number) = (Arc::clone(self), Arc::clone(desk), job.number);
        tokio::spawn(async move {
            let said = Arc::clone(&jobs);
            let mut progress = move |now: Value| said.change(number, |job| job.progress = Some(now));
            let outcome = tokio::task::spawn_blocking(move || work(&mut progress)).await;
            let outcome = outcome.unwrap_or_else(|error| Err(format!("it broke off: {error}")));
            let at = desk.now();
            tracing::info!(kind, done = outcome.is_ok(), "a job has ended");
            jobs.change(number, |job| {
                job.state = match outcome {
                    Ok(answer) => State::Done(at, answer),
                    Err(why) => State::Failed(at, why.chars().take(WHY_CHARS_MAX).collect()),
                }
            });
        });
        Ok(job)
    }

    /// All that are kept, newest first.
    pub(crate) fn all(&self) -> Vec<Job> {
        self.known().jobs.iter().rev().cloned().collect()
    }

    /// The one of that number.
    pub(crate) fn find(&self, number: u64) -> Option<Job> {
        self.known().jobs.iter().find(|job| job.number == number).cloned()
    }

    fn enter(&self, kind: &'static str, asked_by: &str, started_at: Timestamp) -> Result<Job, Box<Job>> {
        let mut known = self.known();
        if let Some(running) = known.jobs.iter().find(|job| job.kind == kind && job.state == State::Running) {
            return Err(Box::new(running.clone()));
        }
        if known.jobs.len() >= JOBS_KEPT_MAX {
            let ended = known.jobs.iter().position(|job| job.state != State::Running);
            ended.map(|place| known.jobs.remove(place));
        }
        known.last += 1;
        let (number, asked_by) = (known.last, asked_by.to_owned());
        let job = Job { number, kind, asked_by, started_at, state: State::Running, progress: None };
        known.jobs.push_back(job.clone());
        Ok(job)
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.known().jobs.iter_mut().find(|job| job.number == number) {
            change(job);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_at_once_and_a_bounded_history() {
        let jobs = Jobs::default();
        let first = jobs.enter("verify", "a", Timestamp::ZERO).unwrap();
        assert_eq!(jobs.enter("verify", "b", Timestamp::ZERO).unwrap_err().number, first.number);
        for _ in 0..3 * JOBS_KEPT_MAX {
            let other = jobs.enter("checkpoint", "a", Timestamp::ZERO).unwrap();
            jobs.change(other.number, |job| job.state = State::Failed(Timestamp::ZERO, String::new()));
        }
        assert_eq!(jobs.all().len(), JOBS_KEPT_MAX);
        assert_eq!(jobs.find(first.number).unwrap().state, State::Running, "what goes on is never forgotten");
        assert!(jobs.find(2).is_none(), "the oldest that ended is");
    }
}
