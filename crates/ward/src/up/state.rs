//! How the platform stands, as its threads tell it: for `/healthz`, the control socket and logs.

use super::newest::Newest;
use crate::bus::Delivery;
use crate::core::run::Watcher;
use crate::core::{Accepted, Core};
use crate::measure::{self, Stage};
use model::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::StoreError;
use store::ledger::StoredCheckpoint;

/// What is known at the moment.
#[derive(Clone, Debug)]
pub struct State {
    /// When the platform started.
    pub started: Instant,
    /// The core's last sign of life.
    pub beat: Instant,
    /// Why commits fail, since when.
    pub failing: Option<(Instant, String)>,
    /// Records made durable since the start.
    pub records: u64,
    /// Devices of the site.
    pub devices: usize,
    /// View rows behind what was heard.
    pub behind: usize,
    /// The newest checkpoint's size, and when it was signed.
    pub checkpoint: Option<(u64, Timestamp)>,
    /// What each witness answered last: its name, whether it cosigned, in words.
    pub witnesses: Vec<(String, bool, String)>,
    /// What the last look through the database found.
    pub integrity: Integrity,
    /// The clock is behind the ledger by this.
    pub clock_behind: Option<Duration>,
    /// Sources that ended although nobody asked.
    pub sources_gone: Vec<String>,
    /// Sources that run.
    pub sources: usize,
    /// When the last backup was taken through this process.
    pub backup: Option<Timestamp>,
}

/// What is known of the database's pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// Whole; how that is known.
    Whole(&'static str),
    /// Damaged; what.
    Damaged(String),
    /// Not known; why.
    Unchecked(&'static str),
}

/// The state, shared.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<State>>);

impl Shared {
    /// Nothing is known yet.
    pub fn new() -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(State {
            started: now,
            beat: now,
            failing: None,
            records: 0,
            devices: 0,
            behind: 0,
            checkpoint: None,
            witnesses: Vec::new(),
            integrity: Integrity::Unchecked("the database is not looked through yet"),
            clock_behind: None,
            sources_gone: Vec::new(),
            sources: 0,
            backup: None,
        })))
    }

    /// To read or change it.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells state, metrics and log what the core does.
pub struct Teller {
    state: Shared,
    newest: Newest,
    evicted: u64,
    waiting: Box<dyn Fn() -> usize + Send>,
    clock_told: bool,
    /// The clock was behind since the last beat.
    clock_seen: bool,
}

impl Teller {
    /// A teller; `newest` keeps what is signed, `waiting` counts the records in the queue.
    pub fn new(state: Shared, newest: Newest, waiting: Box<dyn Fn() -> usize + Send>) -> Self {
        Self { state, newest, evicted: 0, waiting, clock_told: false, clock_seen: false }
    }
}

impl Watcher for Teller {
    fn committed(&mut self, batch: &[Delivery], accepted: &Accepted, core: &Core, took: Duration) {
        for delivery in batch {
            measure::delivery((self.waiting)());
            measure::records(Stage::Received, &delivery.records);
        }
        // Which of a batch were durable before is told by number, not one by one: they come first.
        let mut repeated = accepted.repeated;
        for delivery in batch {
            let known = repeated.min(delivery.records.len());
            repeated -= known;
            let (before, fresh) = delivery.records.split_at_checked(known).unwrap_or_default();
            measure::records(Stage::Replayed, before);
            measure::records(Stage::Durable, fresh);
        }
        if !accepted.rows.is_empty() {
            measure::commit(1, 1, took);
        }
        accepted.rows.iter().for_each(|(table, rows)| measure::rows_written(table, *rows));
        if let Some(took) = accepted.look {
            measure::site_pass(core.devices(), took);
        }
        self.state.lock().records += accepted.records as u64;
    }

    fn failed(&mut self, error: &StoreError, again_in: Duration) {
        measure::commit_failed(cause(error));
        let wait_ms = u64::try_from(again_in.as_millis()).unwrap_or(u64::MAX);
        tracing::error!(error = %error, interval_ms = wait_ms, "the store cannot be written; nothing is acknowledged until it can");
        let mut state = self.state.lock();
        let since = state.failing.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        state.failing = Some((since, error.to_string()));
    }

    fn recovered(&mut self) {
        self.state.lock().failing = None;
        tracing::info!("the store is written again");
    }

    fn signed(&mut self, checkpoint: &StoredCheckpoint) {
        measure::checkpoint(checkpoint.size, Duration::ZERO);
        if let Err(error) = self.newest.keep(checkpoint) {
            tracing::warn!(error = %error, "the newest checkpoint could not be kept beside the store");
        }
        self.state.lock().checkpoint = Some((checkpoint.size, checkpoint.signed_at));
    }

    fn clock_set_back(&mut self, by: Duration) {
        if !std::mem::replace(&mut self.clock_told, true) {
            measure::clock_set_back();
            tracing::warn!(
                gap_s = by.as_secs(),
                "the clock is behind the ledger: times stand still until it has caught up"
            );
        }
        self.clock_seen = true;
        self.state.lock().clock_behind = Some(by);
    }

    fn beat(&mut self, core: &Core) {
        let (hot, bytes, _) = core.views();
        let evicted = core.totals().evicted;
        measure::views(hot, bytes, evicted - self.evicted);
        self.evicted = evicted;
        measure::queue((self.waiting)());
        let mut state = self.state.lock();
        state.beat = Instant::now();
        state.devices = core.devices();
        state.behind = core.behind();
        if !std::mem::take(&mut self.clock_seen) {
            state.clock_behind = None;
            self.clock_told = false;
        }
    }
}

/// The metric's word for a failure.
fn cause(error: &StoreError) -> &'static str {
    match error {
        StoreError::Full { .. } => "full",
        StoreError::ReadOnly { .. } => "read-only",
        StoreError::Unreachable { .. } => "unreachable",
        StoreError::Unsure { .. } => "unsure",
        StoreError::Damaged { .. } | StoreError::WrongKey { .. } => "damaged",
        _ => "ours",
    }
}
