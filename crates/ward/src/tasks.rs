//! Every timer of the process, in one list, run by one thread: what happens now and then is seen here and nowhere else.
//!
//! Times are monotonic: a wall clock that is set moves nothing. A task that takes longer than its interval is run again when it
//! has ended, once, and never beside itself.

use crate::measure;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest sleep: a stop is noticed by signal, this is for clocks that stand.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// Bytes of a task's error that are kept.
const ERROR_BYTES_MAX: usize = 400;

/// Time since some start, which only grows.
///
/// - `now` may be called from any thread and never goes back.
pub trait Clock: Send + Sync {
    /// Time since the start.
    fn now(&self) -> Duration;
}

/// The system's monotonic clock.
#[derive(Debug)]
pub struct Monotonic(Instant);

impl Default for Monotonic {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What a task does. An error is counted, shown in the report and logged; the task stays.
pub type Work = Box<dyn FnMut() -> anyhow::Result<()> + Send>;

/// How a task is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskReport {
    /// Its name.
    pub name: &'static str,
    /// How often it should run.
    pub interval: Duration,
    /// Runs so far.
    pub runs: u64,
    /// Runs that failed.
    pub failures: u64,
    /// How long ago the last run began.
    pub last_started_ago: Option<Duration>,
    /// How long the last finished run took.
    pub last_took: Option<Duration>,
    /// What the last finished run said when it failed.
    pub last_error: Option<String>,
    /// It runs now.
    pub running: bool,
}

struct Task {
    interval: Duration,
    due: Duration,
    /// `None` while it runs.
    work: Option<Work>,
    runs: u64,
    failures: u64,
    last_started: Option<Duration>,
    last_took: Option<Duration>,
    last_error: Option<String>,
}

#[derive(Default)]
struct List {
    tasks: BTreeMap<&'static str, Task>,
    stopped: bool,
}

struct Shared {
    clock: Arc<dyn Clock>,
    list: Mutex<List>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the task that has been due longest; `None` when none is, with the time until the next.
    fn run_one(&self) -> Result<(), Duration> {
        let started = self.clock.now();
        let (name, mut work) = {
            let mut list = self.lock();
            if list.stopped {
                return Err(SLEEP_MAX);
            }
            let next = list.tasks.iter_mut().filter(|(_, task)| task.work.is_some());
            let Some((name, task)) = next.min_by_key(|(_, task)| task.due) else { return Err(SLEEP_MAX) };
            if task.due > started {
                return Err(task.due.saturating_sub(started).min(SLEEP_MAX));
            }
            task.last_started = Some(started);
            match task.work.take() {
                Some(work) => (*name, work),
                None => return Err(SLEEP_MAX),
            }
        };
        let outcome = catch_unwind(AssertUnwindSafe(&mut work));
        let error = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(capped(&format!("{error:#}"))),
            Err(_) => Some("it panicked".to_owned()),
        };
        self.ended(name, work, started, error);
        Ok(())
    }

    fn ended(&self, name: &'static str, work: Work, started: Duration, error: Option<String>) {
        let now = self.clock.now();
        let took = now.saturating_sub(started);
        measure::task(name, took, error.is_some());
        if let Some(error) = &error {
            tracing::warn!(task = name, error = error.as_str(), "a timed task failed");
        }
        let mut list = self.lock();
        if let Some(task) = list.tasks.get_mut(name) {
            task.due = (started + task.interval).max(now);
            task.work = Some(work);
            task.runs += 1;
            task.failures += u64::from(error.is_some());
            task.last_took = Some(took);
            task.last_error = error;
        }
        drop(list);
        self.changed.notify_all();
    }
}

fn capped(text: &str) -> String {
    let mut end = text.len().min(ERROR_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// The list, and the thread that runs it.
pub struct Tasks {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new(Arc::new(Monotonic::default()))
    }
}

impl Tasks {
    /// An empty list that goes by `clock`. Nothing runs before [`Self::start`].
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let shared = Shared { clock, list: Mutex::default(), changed: Condvar::new() };
        Self { shared: Arc::new(shared), thread: None }
    }

    /// Adds a task: for the first time after `first_delay`, then every `interval` from start to start. A name stands for one
    /// task: a second one of that name replaces the first, unless that is running just now.
    pub fn every(
        &self,
        name: &'static str,
        interval: Duration,
        first_delay: Duration,
        work: impl FnMut() -> anyhow::Result<()> + Send + 'static,
    ) {
        let task = Task {
            interval,
            due: self.shared.clock.now() + first_delay,
            work: Some(Box::new(work)),
            runs: 0,
            failures: 0,
            last_started: None,
            last_took: None,
            last_error: None,
        };
        let mut list = self.shared.lock();
        if list.tasks.get(name).is_none_or(|before| before.work.is_some()) {
            list.tasks.insert(name, task);
        }
        drop(list);
        self.shared.changed.notify_all();
    }

    /// Lets a task run as soon as the thread is free. Unknown names are ignored.
    pub fn soon(&self, name: &str) {
        let now = self.shared.clock.now();
        if let Some(task) = self.shared.lock().tasks.get_mut(name) {
            task.due = task.due.min(now);
        }
        self.shared.changed.notify_all();
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn start(&mut self) -> std::io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let run = move || {
            loop {
                let Err(wait) = shared.run_one() else { continue };
                let list = shared.lock();
                if list.stopped {
                    return;
                }
                drop(shared.changed.wait_timeout(list, wait).unwrap_or_else(PoisonError::into_inner));
            }
        };
        self.thread = Some(std::thread::Builder::new().name("tasks".to_owned()).spawn(run)?);
        Ok(())
    }

    /// Runs every task that is due now, in the order in which they became due; what a run makes due again waits for the next
    /// call. For tests and for programs without a thread; does nothing useful beside [`Self::start`].
    pub fn run_due(&self) -> usize {
        let most = self.shared.lock().tasks.len();
        (0..most).take_while(|_| self.shared.run_one().is_ok()).count()
    }

    /// How each task is doing, by name.
    pub fn report(&self) -> Vec<TaskReport> {
        let now = self.shared.clock.now();
        let list = self.shared.lock();
        let report = |(name, task): (&&'static str, &Task)| TaskReport {
            name,
            interval: task.interval,
            runs: task.runs,
            failures: task.failures,
            last_started_ago: task.last_started.map(|started| now.saturating_sub(started)),
            last_took: task.last_took,
            last_error: task.last_error.clone(),
            running: task.work.is_none(),
        };
        list.tasks.iter().map(report).collect()
    }

    /// Begins no further run and waits at most `within` for the running one; the name of the task that did not end.
    pub fn stop(&mut self, within: Duration) -> Option<&'static str> {
        let until = Instant::now() + within;
        let mut list = self.shared.lock();
        list.stopped = true;
        self.shared.changed.notify_all();
        loop {
            let running = list.tasks.iter().find(|(_, task)| task.work.is_none()).map(|(name, _)| *name);
            let left = until.saturating_duration_since(Instant::now());
            match running {
                None => break,
                Some(name) if left.is_zero() => return Some(name),
                Some(_) => {
                    let waited = self.shared.changed.wait_timeout(list, left);
                    list = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        drop(list);
        if let Some(thread) = self.thread.take() {
            // It panics nowhere: tasks are caught.
            let _ = thread.join();
        }
        None
    }
}

#[cfg(test)]
#[path = "tasks/tests.rs"]
mod tests;
