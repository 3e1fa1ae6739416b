//! `GET /healthz`: whether this Ward does its work, check by check.
//!
//! It must not say ok about what was not checked: a check without an answer is "unchecked", and that is not ok.

use crate::error::quote;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Seconds that all checks together may take.
const CHECKS_S_MAX: u64 = 5;
/// Checks at most.
const CHECKS_MAX: usize = 64;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Checked, and fine.
    Ok,
    /// Could not be checked; why is in the detail.
    Unchecked,
    /// Checked: it works with less than it should have.
    Degraded,
    /// Checked: it does not work.
    Failing,
}

/// One check's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it came out.
    pub status: Status,
    /// A sentence: the figure that decided, and the way out where it is not ok. No names of patients, people or devices.
    pub detail: String,
}

/// What can be asked about this Ward's health.
pub trait Health: Send + Sync + 'static {
    /// The names of all checks, in the order to show. The same at every call: a check that cannot run now keeps its name.
    fn names(&self) -> &'static [&'static str];

    /// Runs one check: its outcome and the detail. May block, for well under a second; called from one thread at a time. A
    /// check that cannot be run is [`Status::Unchecked`], never [`Status::Ok`].
    fn check(&self, name: &'static str) -> (Status, String);
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The worst of the checks; what is unchecked counts as degraded, and so does a Ward without checks.
    pub status: Status,
    /// Every check.
    pub checks: Vec<Check>,
}

impl Report {
    /// Draws the conclusion.
    pub fn new(checks: Vec<Check>) -> Self {
        let worst = checks.iter().map(|check| check.status).max().unwrap_or(Status::Unchecked);
        let status = if worst == Status::Unchecked { Status::Degraded } else { worst };
        Self { status, checks }
    }

    fn of(health: &dyn Health) -> Self {
        let names = health.names().iter().take(CHECKS_MAX);
        let checks = names.map(|&name| {
            let (status, detail) = health.check(name);
            Check { name, status, detail }
        });
        Self::new(checks.collect())
    }

    /// What is known where the checks themselves do not answer.
    fn stuck(names: &[&'static str], why: &str) -> Self {
        let unchecked = |name: &&'static str| {
            let detail = "its check did not answer in time".to_owned();
            Check { name, status: Status::Unchecked, detail }
        };
        let mut checks = vec![Check { name: "checks", status: Status::Failing, detail: quote(why) }];
        checks.extend(names.iter().take(CHECKS_MAX).map(unchecked));
        Self::new(checks)
    }
}

impl IntoResponse for Report {
    fn into_response(self) -> Response {
        let code = match self.status {
            Status::Failing => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        };
        (code, Json(self)).into_response()
    }
}

#[derive(Clone)]
struct Desk {
    health: Arc<dyn Health>,
    /// One at a time: a check that hangs must not gather threads.
    turn: Arc<Semaphore>,
}

/// `GET /healthz`: 200 where Ward works, if with less than it should have; 503 where it does not.
pub fn routes(health: Arc<dyn Health>) -> Router {
    let desk = Desk { health, turn: Arc::new(Semaphore::new(1)) };
    Router::new().route("/healthz", get(answer)).with_state(desk)
}

async fn answer(State(desk): State<Desk>) -> Report {
    let names = desk.health.names();
    match timeout(Duration::from_secs(CHECKS_S_MAX), look(desk)).await {
        Ok(Ok(report)) => report,
        Ok(Err(why)) => Report::stuck(names, &why),
        Err(_) => Report::stuck(names, "the checks do not return: something they look at hangs"),
    }
}

async fn look(desk: Desk) -> Result<Report, String> {
    let turn = desk.turn.acquire_owned().await.map_err(|error| error.to_string())?;
    let looked = tokio::task::spawn_blocking(move || {
        let report = Report::of(desk.health.as_ref());
        drop(turn);
        report
    });
    looked.await.map_err(|error| format!("a check broke off: {error}"))
}
