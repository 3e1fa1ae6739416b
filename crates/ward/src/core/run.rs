//! The core's thread: takes deliveries from the bus in micro-batches, commits them, tells their sources, and does what others
//! ask of the one writer in between.

use super::{Accepted, Core};
use crate::bus::{Bus, Delivery};
use model::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use store::StoreError;
use store::ledger::StoredCheckpoint;
use trust::tlog::NoteSigner;

/// Shortest and longest wait before a commit that failed is tried again.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Endpoints whose claims are looked through a second.
const LAPSE_PER_S: usize = 50;
/// How often somebody who waits looks whether it is time to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How soon somebody looks again whether there is room for a request.
const FULL_PAUSE: Duration = Duration::from_millis(10);
/// Requests that wait for the core.
const REQUESTS_MAX: usize = 64;
/// How soon whoever was answered asks again, if at all.
const FOLLOWS_WITHIN: Duration = Duration::from_millis(1);

/// Tries after which what the store refuses is not tried again.
const REFUSALS_MAX: u32 = 3;

/// Whether it is the rows themselves that the store refuses, and will tomorrow.
fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::Refused(_) | StoreError::Ours { .. })
}

/// How much makes a batch, and how long it is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Records of a micro-batch.
    pub batch_records: usize,
    /// How long a micro-batch is gathered.
    pub batch_within: Duration,
    /// How often tiles and a checkpoint follow the leaves.
    pub checkpoint_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch_records: 1_000,
            batch_within: Duration::from_millis(50),
            checkpoint_every: Duration::from_secs(1),
        }
    }
}

/// The signer of the log, and its name.
pub struct Log {
    /// Name of the log.
    pub origin: String,
    /// Its key.
    pub signer: Box<dyn NoteSigner + Send>,
}

/// What the core's thread tells the rest of the process.
pub trait Watcher: Send {
    /// A batch is durable.
    fn committed(&mut self, batch: &[Delivery], accepted: &Accepted, core: &Core, took: Duration);
    /// A commit failed; `again_in` tells when it is tried again.
    fn failed(&mut self, error: &StoreError, again_in: Duration);
    /// The same works again.
    fn recovered(&mut self);
    /// A checkpoint was signed.
    fn signed(&mut self, checkpoint: &StoredCheckpoint);
    /// The clock went back behind the ledger by this much.
    fn clock_set_back(&mut self, by: Duration);
    /// Once a second: how the core stands.
    fn beat(&mut self, core: &Core);
}

type Request = Box<dyn FnOnce(&mut Core) + Send>;

/// Asks the core's thread.
#[derive(Clone)]
pub struct Handle {
    requests: mpsc::SyncSender<Request>,
}

/// The core's thread has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the core has stopped")]
pub struct Stopped;

impl Handle {
    /// Runs `act` on the core's thread, between two batches, and returns what it returns.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Core) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (answer, answered) = mpsc::sync_channel(1);
        let request = Box::new(move |core: &mut Core| {
            let _ = answer.send(act(core));
        });
        self.requests.send(request).map_err(|_| Stopped)?;
        answered.recv().map_err(|_| Stopped)
    }

    /// The same for those whom a stop must not find waiting: a core whose store cannot be read answers only when it can again.
    ///
    /// # Errors
    /// [`Stopped`], also once `stop` is set and there is no answer yet; the act may be carried out all the same.
    pub fn call_until<T: Send + 'static>(
        &self,
        stop: &AtomicBool,
        act: impl FnOnce(&mut Core) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (answer, answered) = mpsc::sync_channel(1);
        let mut request: Request = Box::new(move |core: &mut Core| {
            let _ = answer.send(act(core));
        });
        while let Err(refused) = self.requests.try_send(request) {
            request = match refused {
                mpsc::TrySendError::Full(request) if !stop.load(Ordering::Relaxed) => request,
                _ => return Err(Stopped),
            };
            std::thread::sleep(LOOK_EVERY);
        }
        loop {
            match answered.recv_timeout(LOOK_EVERY) {
                Ok(done) => return Ok(done),
                Err(mpsc::RecvTimeoutError::Timeout) if !stop.load(Ordering::Relaxed) => {}
                Err(_) => return Err(Stopped),
            }
        }
    }
}

/// What was asked of the core's thread was not done in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// It has not begun, and will not be done.
    #[error("the core is busy or has stopped: nothing was done; try again")]
    Withdrawn,
    /// The core's thread ended while it was at it.
    #[error("the core stopped while it was at it")]
    Unknown,
}

/// A request that has not begun; that is being done; that nobody waits for any more.
const WAITS: u8 = 0;
const BEGUN: u8 = 1;
const WITHDRAWN: u8 = 2;

impl Handle {
    /// The same for people who wait for an answer: what has not begun `within` that time is withdrawn, what has begun is waited
    /// for, so that whoever asks always learns which.
    ///
    /// # Errors
    /// [`NotDone`].
    pub fn call_within<T: Send + 'static>(
        &self,
        within: Duration,
        act: impl FnOnce(&mut Core) -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (answer, answered) = mpsc::sync_channel(1);
        let state = Arc::new(AtomicU8::new(WAITS));
        let claimed = Arc::clone(&state);
        let claim =
            move |to| claimed.compare_exchange(WAITS, to, Ordering::AcqRel, Ordering::Acquire).is_ok();
        let begin = claim.clone();
        let mut request: Request = Box::new(move |core: &mut Core| {
            if begin(BEGUN) {
                let _ = answer.send(act(core));
            }
        });
        let until = Instant::now() + within;
        while let Err(refused) = self.requests.try_send(request) {
            request = match refused {
                mpsc::TrySendError::Full(request) if Instant::now() < until => request,
                _ => return Err(NotDone::Withdrawn),
            };
            std::thread::sleep(FULL_PAUSE);
        }
        match answered.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(done) => Ok(done),
            Err(_) if claim(WITHDRAWN) => Err(NotDone::Withdrawn),
            Err(_) => answered.recv().map_err(|_| NotDone::Unknown),
        }
    }
}

/// The core's thread in the making.
pub struct Runner {
    core: Core,
    log: Log,
    pace: Pace,
    requests: mpsc::Receiver<Request>,
    signed: Instant,
    beaten: Instant,
    failing: bool,
    newest_now: Timestamp,
}

impl Runner {
    /// A runner and the handle to it.
    pub fn new(core: Core, log: Log, pace: Pace) -> (Self, Handle) {
        let (send, requests) = mpsc::sync_channel(REQUESTS_MAX);
        let now = Instant::now();
        let past = now.checked_sub(pace.checkpoint_every).unwrap_or(now);
        let newest_now = Timestamp::ZERO;
        let runner =
            Self { core, log, pace, requests, signed: past, beaten: past, failing: false, newest_now };
        (runner, Handle { requests: send })
    }

    /// Runs until the bus is closed and empty; then writes what views are behind and signs a last checkpoint. `clock` gives
    /// the wall's time.
    ///
    /// # Errors
    /// Those of the last writes: what was acknowledged is durable all the same.
    pub fn run(
        mut self,
        bus: &dyn Bus,
        clock: &dyn Fn() -> Timestamp,
        is_closed: &dyn Fn() -> bool,
        watcher: &mut dyn Watcher,
    ) -> Result<Core, StoreError> {
        loop {
            let batch = self.gather(bus);
            let is_last = batch.is_empty() && is_closed();
            if !self.commit(batch, clock, is_closed, watcher) || is_last {
                break;
            }
            self.answer();
            self.beat(clock, watcher);
        }
        let now = self.now(clock, watcher);
        self.core.flush(now)?;
        self.sign(now, watcher)?;
        Ok(self.core)
    }

    /// Does what others ask for, as long as one request follows the other, and no longer than a batch is gathered: a folder asks
    /// for one cursor a file, and must not wait for a batch each time.
    fn answer(&mut self) {
        let until = Instant::now() + self.pace.batch_within;
        // After a request that failed the next one must not be told what is not so.
        let mut next = if self.core.is_whole() { self.requests.try_recv().ok() } else { None };
        while let Some(request) = next {
            request(&mut self.core);
            if !self.core.is_whole() {
                return;
            }
            let more = Instant::now() < until;
            next = if more { self.requests.recv_timeout(FOLLOWS_WITHIN).ok() } else { None };
        }
    }

    /// Deliveries of one micro-batch; none after a while without any.
    fn gather(&mut self, bus: &dyn Bus) -> Vec<Delivery> {
        let mut batch = Vec::new();
        let Some(first) = bus.take(self.pace.batch_within) else { return batch };
        let until = Instant::now() + self.pace.batch_within;
        let mut records = first.records.len();
        batch.push(first);
        while records < self.pace.batch_records {
            let left = until.saturating_duration_since(Instant::now());
            let Some(next) = bus.take(left) else { break };
            records += next.records.len();
            batch.push(next);
        }
        batch
    }

    /// Commits a batch however often it takes; `false`: it was given up because the process ends.
    fn commit(
        &mut self,
        batch: Vec<Delivery>,
        clock: &dyn Fn() -> Timestamp,
        is_closed: &dyn Fn() -> bool,
        watcher: &mut dyn Watcher,
    ) -> bool {
        let (mut wait, mut tries) = (RETRY_MIN, 0);
        loop {
            let now = self.now(clock, watcher);
            let begun = Instant::now();
            match self.core.accept(&batch, now) {
                Ok(accepted) => {
                    if std::mem::take(&mut self.failing) {
                        watcher.recovered();
                    }
                    watcher.committed(&batch, &accepted, &self.core, begun.elapsed());
                    break;
                }
                Err(error) => {
                    self.failing = true;
                    watcher.failed(&error, wait);
                    // What was not acknowledged comes again from its source.
                    if is_closed() {
                        return false;
                    }
                    tries += 1;
                    if tries >= REFUSALS_MAX && is_refusal(&error) {
                        return self.take_apart(batch, &error, clock, is_closed, watcher);
                    }
                    self.wait(wait, is_closed);
                    wait = (wait * 2).min(RETRY_MAX);
                }
            }
        }
        // Durable: the sources are told.
        batch.into_iter().filter_map(|delivery| delivery.acknowledge).for_each(|acknowledge| acknowledge());
        true
    }

    /// A batch that the store will never take must not hold up what it would: deliveries are committed one by one, and the one
    /// that is refused alone is set aside, which is written down.
    fn take_apart(
        &mut self,
        mut batch: Vec<Delivery>,
        error: &StoreError,
        clock: &dyn Fn() -> Timestamp,
        is_closed: &dyn Fn() -> bool,
        watcher: &mut dyn Watcher,
    ) -> bool {
        if batch.len() > 1 {
            return batch.into_iter().all(|one| self.commit(vec![one], clock, is_closed, watcher));
        }
        let Some(one) = batch.pop() else { return true };
        let now = self.now(clock, watcher);
        tracing::error!(error = %error, records = one.records.len(), "records that the store refuses are set aside");
        match self.core.set_aside(&one, now) {
            Ok(()) => {
                self.failing = false;
                watcher.recovered();
                one.acknowledge.into_iter().for_each(|acknowledge| acknowledge());
                true
            }
            // Then it is not the records.
            Err(_) => self.commit(vec![one], clock, is_closed, watcher),
        }
    }

    /// Waits before the next try, and does meanwhile what others ask: retention may make room, and a source that asks for its
    /// cursor can be stopped. What memory says is told only while it is what the store says.
    fn wait(&mut self, wait: Duration, is_closed: &dyn Fn() -> bool) {
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now()).min(LOOK_EVERY);
            if left.is_zero() || is_closed() {
                return;
            }
            if !self.core.is_whole() {
                std::thread::sleep(left);
                continue;
            }
            match self.requests.recv_timeout(left) {
                Ok(request) => request(&mut self.core),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => std::thread::sleep(left),
            }
        }
    }

    fn beat(&mut self, clock: &dyn Fn() -> Timestamp, watcher: &mut dyn Watcher) {
        let now = self.now(clock, watcher);
        if self.signed.elapsed() >= self.pace.checkpoint_every {
            self.signed = Instant::now();
            if let Err(error) = self.sign(now, watcher) {
                self.failing = true;
                watcher.failed(&error, self.pace.checkpoint_every);
            }
        }
        if self.beaten.elapsed() >= Duration::from_secs(1) {
            self.beaten = Instant::now();
            if let Err(error) = self.core.lapse_some(LAPSE_PER_S, now) {
                self.failing = true;
                watcher.failed(&error, Duration::from_secs(1));
            }
            self.core.publish(now);
            watcher.beat(&self.core);
        }
    }

    fn sign(&mut self, now: Timestamp, watcher: &mut dyn Watcher) -> Result<(), StoreError> {
        self.core.be_whole(now)?;
        if let Some(checkpoint) = self.core.store().integrate(&self.log.origin, &*self.log.signer, now)? {
            watcher.signed(&checkpoint);
        }
        Ok(())
    }

    /// The wall's time, never behind the ledger's.
    fn now(&mut self, clock: &dyn Fn() -> Timestamp, watcher: &mut dyn Watcher) -> Timestamp {
        let (told, newest) = (clock(), self.core.store().newest().max(self.newest_now));
        if told < newest {
            watcher.clock_set_back(Duration::from_nanos(newest.since(told).as_nanos()));
        }
        self.newest_now = told.max(newest);
        self.newest_now
    }
}
