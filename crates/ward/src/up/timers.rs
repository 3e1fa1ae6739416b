//! Every timer of the platform, in one list.

use super::cosign::Cosigning;
use super::ground::now;
use super::perform::perform_due;
use super::state::{Integrity, Shared};
use crate::config::Config;
use crate::core::run::Handle;
use crate::measure;
use crate::tasks::Tasks;
use anyhow::{Result, bail};
use metrics_exporter_prometheus::PrometheusHandle;
use model::Timestamp;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use store::db::{Db, Mode};
use store::retention::{Change, Policy};
use store::verify::{Expectation, verify};
use store::{Place, Readers, StoreError};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Rows that retention takes at once, so that records need not wait.
const RETENTION_ROWS: usize = 5_000;
/// Steps of retention in one run; the rest comes with the next.
const RETENTION_STEPS: usize = 200;
/// A clock may be set right by so much without anybody looking.
const LEAP_MAX: Duration = Duration::from_secs(24 * 3600);
/// A store may stand still for so long without anybody looking.
const AWAY_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Kinds of damage named in a message.
const DAMAGE_NAMED: usize = 5;

/// Puts all timers on the list.
#[expect(clippy::too_many_arguments, reason = "each timer takes what it works on; they meet only here")]
pub(super) fn register(
    tasks: &Tasks,
    config: &Arc<Config>,
    readers: &Arc<Readers>,
    core: &Handle,
    state: &Shared,
    metrics: &PrometheusHandle,
    clock: WallClock,
    mut cosigning: Cosigning,
) {
    let site = config.site.id;
    add(tasks, "witnesses", MINUTE, 5 * SECOND, move || cosigning.ask_all());
    let (of_readers, of_core) = (Arc::clone(readers), core.clone());
    add(tasks, "effects", SECOND, SECOND, move || perform_due(&of_readers, &of_core, site).map(|_| ()));
    let (of_core, of_config) = (core.clone(), Arc::clone(config));
    add(tasks, "retention", HOUR, 5 * MINUTE, move || {
        clock.refuse_leap(now(), clock.began.elapsed())?;
        retain(&of_core, &of_config)
    });
    let (of_readers, of_state) = (Arc::clone(readers), state.clone());
    let is_unchecked = matches!(state.lock().integrity, Integrity::Unchecked(_));
    let first_look = if is_unchecked { MINUTE } else { 24 * HOUR };
    add(tasks, "integrity", 24 * HOUR, first_look, move || integrity(&of_readers, &of_state));
    let (of_state, of_metrics, of_readers) = (state.clone(), metrics.clone(), Arc::clone(readers));
    add(tasks, "measure", 10 * SECOND, Duration::ZERO, move || {
        gauge(&of_state, &of_readers)?;
        of_metrics.run_upkeep();
        Ok(())
    });
}

/// Makes the copies of reports that are due, apart from the other timers: a large one takes its time.
pub(super) fn reports(tasks: &Tasks, house: serve::House) {
    let make = move || Ok(serve::api::reports::make_due(&house).map(|_| ())?);
    add(tasks, "reports", MINUTE, MINUTE, apart("reports", make));
}

/// Work on a thread of its own, never twice at once. What came of it is told when it is due again.
fn apart(
    name: &'static str,
    work: impl Fn() -> Result<()> + Send + Sync + 'static,
) -> impl FnMut() -> Result<()> + Send + 'static {
    let work = Arc::new(work);
    let mut running = Apart(None);
    move || {
        if running.0.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        let last = running.ended();
        let work = Arc::clone(&work);
        running.0 = Some(std::thread::Builder::new().name(name.into()).spawn(move || work())?);
        last
    }
}

/// A thread that is waited for at the end: it must not outlive the database.
struct Apart(Option<JoinHandle<Result<()>>>);

impl Apart {
    fn ended(&mut self) -> Result<()> {
        self.0.take().map_or(Ok(()), |thread| thread.join().unwrap_or_else(|_| bail!("it panicked")))
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        if let Err(error) = self.ended() {
            tracing::warn!(error = %format_args!("{error:#}"), "what a timed task did last has failed");
        }
    }
}

/// A task that also measures itself.
fn add(
    tasks: &Tasks,
    name: &'static str,
    interval: Duration,
    first_delay: Duration,
    mut work: impl FnMut() -> Result<()> + Send + 'static,
) {
    tasks.every(name, interval, first_delay, move || {
        let begun = Instant::now();
        let result = work();
        measure::task(name, begun.elapsed(), result.is_err());
        if let Err(error) = &result {
            tracing::warn!(name, error = %format_args!("{error:#}"), "a timed task failed");
        }
        result
    });
}

/// The wall clock at the start. A clock that leaps ahead makes everything look past its time, and what retention deletes is gone.
#[derive(Clone, Copy)]
pub(super) struct WallClock {
    began: Instant,
    wall: Timestamp,
    /// Of the newest leaf that the store had then.
    newest: Timestamp,
}

impl WallClock {
    /// Of a store whose newest leaf is of that time, now.
    pub(super) fn new(newest: Timestamp) -> Self {
        Self { began: Instant::now(), wall: now(), newest }
    }

    fn refuse_leap(&self, now: Timestamp, up: Duration) -> Result<()> {
        let ahead =
            |later: Timestamp, earlier: Timestamp| Duration::from_nanos(later.since(earlier).as_nanos());
        let leapt = ahead(now, self.wall).saturating_sub(up);
        if leapt > LEAP_MAX {
            bail!(
                "the clock went ahead by {} s while ward ran: nothing is deleted; set it right and restart",
                leapt.as_secs()
            );
        }
        let away = ahead(self.wall, self.newest);
        if self.newest > Timestamp::ZERO && away > AWAY_MAX && up < 24 * HOUR {
            bail!(
                "the clock is {} days ahead of the ledger: nothing is deleted on the first day",
                away.as_secs() / 86_400
            );
        }
        Ok(())
    }
}

/// Deletes what is past its time, between batches of records.
fn retain(core: &Handle, config: &Arc<Config>) -> Result<()> {
    let site = config.site.id;
    for _ in 0..RETENTION_STEPS {
        let swept = core.call(move |core| {
            let present: Vec<String> =
                core.cursors().map(|c| c.source.clone()).filter(|s| is_present(s)).collect();
            let policy = Policy::read(core.store().db(), site)?.with_sources(present);
            core.sweep(&policy, now(), RETENTION_ROWS)
        })??;
        for step in &swept.steps {
            for change in &step.changes {
                if let Change::Delete { table, .. } = change {
                    measure::retention(table.name, 1);
                }
            }
        }
        if swept.transactions == 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether a source may come again: an interface always, a file as long as it is there.
fn is_present(source: &str) -> bool {
    source.strip_prefix("folder:").is_none_or(|file| Path::new(file).exists())
}

fn integrity(readers: &Readers, state: &Shared) -> Result<()> {
    // One of the readers: they know the key of today, and a change of it waits for them.
    let pages = match readers.read(pages_of) {
        Err(StoreError::Damaged { what }) => Pages::Damaged(vec![what]),
        other => other?,
    };
    if let Pages::Damaged(damage) = &pages {
        tracing::error!(
            count = damage.len(),
            "the database is damaged: see ward ledger verify, and restore a backup"
        );
    }
    state.lock().integrity = pages.found();
    Ok(())
}

fn gauge(state: &Shared, readers: &Readers) -> Result<()> {
    measure::process();
    let (backup, checkpoint) = {
        let state = state.lock();
        (state.backup, state.checkpoint)
    };
    measure::backup(backup.map(|at| Duration::from_nanos(now().since(at).as_nanos())));
    if let Some((leaves, at)) = checkpoint {
        measure::checkpoint(leaves, Duration::from_nanos(now().since(at).as_nanos()));
    }
    let due = readers.read(|db| db.number("SELECT count(*) FROM outbox WHERE state = 'due'", &[]))?;
    measure::outbox_due(due.unwrap_or(0).cast_unsigned());
    Ok(())
}

/// What a look through the pages of the database found.
pub(super) enum Pages {
    /// All are as they were written; how that is known.
    Whole(&'static str),
    /// These are not.
    Damaged(Vec<String>),
    /// It cannot be told; why.
    Unchecked(&'static str),
}

impl Pages {
    /// For the health page: `None` is "not checked".
    pub(super) fn found(&self) -> Integrity {
        match self {
            Self::Whole(how) => Integrity::Whole(how),
            Self::Damaged(damage) => Integrity::Damaged(format!("damaged: {}", named(damage))),
            Self::Unchecked(why) => Integrity::Unchecked(why),
        }
    }
}

/// Looks through the pages of a database of at most `bytes_max`. A server looks after its own, if it was told to.
///
/// # Errors
/// When it cannot be opened at all.
pub(super) fn look_through(place: &Place, bytes_max: u64) -> Result<Pages> {
    let bytes = place.file().and_then(|file| std::fs::metadata(file).ok()).map_or(0, |file| file.len());
    if bytes > bytes_max {
        return Ok(Pages::Unchecked(
            "the database is large: it is looked through in the first minutes of the run",
        ));
    }
    match place.connect(Mode::Reader).and_then(|mut db| pages_of(&mut db)) {
        Ok(pages) => Ok(pages),
        Err(StoreError::Damaged { what }) => Ok(Pages::Damaged(vec![what])),
        Err(error) => Err(error.into()),
    }
}

fn pages_of(db: &mut Db) -> Result<Pages, StoreError> {
    match db {
        Db::Sqlite(db) => Ok(match db.damage()? {
            damage if damage.is_empty() => Pages::Whole("every page of the database is as it was written"),
            damage => Pages::Damaged(damage),
        }),
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => {
            let sql = "SELECT count(*) FROM pg_settings WHERE name = 'data_checksums' AND setting = 'on'";
            Ok(match db.number(sql, &[])? {
                Some(1) => Pages::Whole("the server checks every page it reads (data_checksums)"),
                _ => Pages::Unchecked("the server keeps no checksums of its pages: switch data_checksums on"),
            })
        }
    }
}

/// What a damaged store has lost, in words.
pub(super) fn what_is_lost(place: &Place, expectation: &Expectation, damage: &[String]) -> String {
    let mut text = format!("the store is damaged, so Ward does not start on it.\n  {}", named(damage));
    let verified = place.connect(Mode::Reader).and_then(|mut db| {
        db.begin()?;
        verify(&mut db, expectation, &mut |_, _| {})
    });
    match verified {
        Ok(verified) => {
            let _ = write!(text, "\n{} rows can be read as they were written; lost or wrong:", verified.rows);
            for lie in verified.lies.iter().take(2 * DAMAGE_NAMED) {
                let _ = write!(text, "\n  {lie}");
            }
            if verified.lies_total == 0 {
                text.push_str("\n  no row that the ledger knows of (the page was in an index, or free)");
            }
        }
        Err(error) => {
            let _ = write!(text, "\nwhat is lost cannot be told: {error}");
        }
    }
    text.push_str("\nThe way out: restore the newest backup into an empty folder with `ward restore FILE`; keep this folder for the record.");
    text
}

fn named(damage: &[String]) -> String {
    let mut text = damage.iter().take(DAMAGE_NAMED).cloned().collect::<Vec<_>>().join("; ");
    if damage.len() > DAMAGE_NAMED {
        let _ = write!(text, "; and {} more", damage.len() - DAMAGE_NAMED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_apart_keeps_nobody_waiting_and_tells_what_came_of_it() {
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let (done, ends) = std::sync::mpsc::channel::<()>();
        let gate = std::sync::Mutex::new((gate, done));
        let mut tick = apart("a test", move || {
            let gate = gate.lock().unwrap();
            let _ = gate.0.recv();
            gate.1.send(())?;
            bail!("the disk is full")
        });
        tick().unwrap();
        tick().unwrap();
        go.send(()).unwrap();
        ends.recv().unwrap();
        let failed = loop {
            match tick() {
                Ok(()) => std::thread::yield_now(),
                Err(error) => break error,
            }
        };
        assert_eq!(failed.to_string(), "the disk is full");
        assert!(ends.try_recv().is_err(), "it ran once: the second waits");
        drop(go);
    }

    #[test]
    fn a_clock_that_leaps_ahead_deletes_nothing() {
        let at = Timestamp::from_secs;
        let day = 86_400;
        let clock =
            |newest| WallClock { began: Instant::now(), wall: at(1000 * day), newest: at(newest * day) };
        let refused = |clock: WallClock, now, up| clock.refuse_leap(at(now * day), up).is_err();
        assert!(!refused(clock(999), 1000, Duration::ZERO));
        assert!(!refused(clock(999), 1100, 2400 * HOUR), "it ran for long");
        assert!(refused(clock(999), 1100, HOUR), "it leapt");
        assert!(!refused(clock(999), 900, HOUR), "it was set back");
        assert!(refused(clock(900), 1000, HOUR), "it was wrong at the start, or ward was away");
        assert!(!refused(clock(900), 1001, 25 * HOUR));
        assert!(!refused(clock(0), 1000, HOUR), "a new store");
    }
}
