//! Steps 6 to 9 of the straight line for one site: bind, step, site, commit. One thread owns it; everything it knows can be
//! read again from the store, and is, after a start and after every commit that failed.
//!
//! A micro-batch of records becomes one transaction: the records as a block, the rows that must not wait, a share of the rows
//! that may, the cursors of the sources, and one leaf (docs/design/0006-record-blocks.md).

mod act;
mod batch;
mod decide;
mod heard;
mod load;
mod publish;
pub mod run;
mod site;
pub use decide::Decided;
pub use publish::Rooms;
pub use site::EFFECT_NOTIFY;
mod talks;
mod views;
mod words;
mod zoning;

#[cfg(test)]
mod tests;

use crate::bus::Delivery;
use batch::Batch;
use hashbrown::HashMap;
use judge::Catalog;
use judge::inventory::SubjectKey;
use model::{Coverage, DeviceId, SensorId, SiteId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use store::cursors::CursorRow;
use store::db::Cell;
use store::retention::{self, Change, Policy, Swept};
use store::table::{GAPS, SITES};
use store::{Store, StoreError, Tx, happenings};
use talks::TalkViews;
use views::Views;

/// Rows of views that a transaction writes at most.
const VIEW_ROWS_PER_TX_MAX: usize = 2_000;
/// Tables whose rows are also views in memory.
const VIEWED: &[&str] =
    &["talks", "pairs", "subjects", "cursors", "devices", "bindings", "findings", "decisions"];
/// Longest wait between two moves of the replay mark.
const MARK_EVERY: Duration = Duration::from_secs(10);

/// What the core is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The site it judges.
    pub site: SiteId,
    /// Memory for what is known of endpoints, bytes.
    pub views_bytes_max: usize,
    /// Endpoints kept; records of further ones are counted and not judged.
    pub subjects_max: usize,
    /// Rows of views written a second, on average: bounds what the disk and the ledger grow by.
    pub view_rows_per_s: f64,
    /// Shortest time between two looks at the whole site.
    pub site_every: Duration,
    /// Secret entropy for maps.
    pub seed: u64,
}

impl Settings {
    /// The defaults for `site`.
    pub fn new(site: SiteId, seed: u64) -> Self {
        Self {
            site,
            views_bytes_max: 256 << 20,
            subjects_max: 1 << 20,
            view_rows_per_s: 40.0,
            site_every: Duration::from_secs(1),
            seed,
        }
    }
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Records made durable now.
    pub records: usize,
    /// Records that were durable before.
    pub repeated: usize,
    /// Rows written, by table.
    pub rows: Vec<(&'static str, u64)>,
    /// The look at the site that was part of it.
    pub look: Option<Duration>,
}

/// Counters since the start, for `/metrics` and `ward doctor`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Records made durable.
    pub records: u64,
    /// Records replayed into views at the start.
    pub replayed: u64,
    /// Records whose endpoint found no room.
    pub unjudged: u64,
    /// Sequence numbers that a source skipped.
    pub skipped: u64,
    /// Transactions.
    pub commits: u64,
    /// Rows written.
    pub rows: u64,
    /// Looks at the whole site.
    pub looks: u64,
    /// Views written out to make room.
    pub evicted: u64,
}

/// One site's judgement and its store.
pub struct Core {
    store: Store,
    settings: Settings,
    catalog: Catalog,
    decider: [u8; 32],
    views: Views,
    talks: TalkViews,
    site: site::SiteViews,
    cursors: BTreeMap<String, CursorRow>,
    coverage: BTreeMap<(SensorId, u32), Seen>,
    mark: Mark,
    /// Number of the newest block of the site.
    newest_block: i64,
    /// Newest time that any record told.
    observed: Timestamp,
    /// View rows that may be written now.
    allowance: f64,
    last_work: Instant,
    /// What is in memory is what the store says. `false` from the moment that it is read again until that has succeeded: memory may
    /// then say of records that they are durable although they are not.
    whole: bool,
    totals: Totals,
    /// Whom it tells what became of devices.
    publication: Option<publish::Publication>,
}

/// The latest that a sensor told in an hour of what it saw.
#[derive(Clone, Debug)]
struct Seen {
    coverage: Coverage,
    row: Option<i64>,
    dirty_since: Option<i64>,
}

/// From which block on a restart replays.
#[derive(Clone, Copy, Debug)]
struct Mark {
    row: i64,
    value: i64,
    written: Instant,
}

impl Core {
    /// Opens the core over a store, and replays what views lack.
    ///
    /// # Errors
    /// By cause; a damaged row says which.
    pub fn open(
        store: Store,
        settings: Settings,
        catalog: Catalog,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut core = Self {
            views: Views::new(&settings),
            talks: TalkViews::new(settings.seed),
            site: site::SiteViews::default(),
            cursors: BTreeMap::new(),
            coverage: BTreeMap::new(),
            mark: Mark { row: 0, value: 0, written: Instant::now() },
            newest_block: 0,
            observed: Timestamp::ZERO,
            allowance: 0.0,
            last_work: Instant::now(),
            whole: false,
            totals: Totals::default(),
            decider: [0; 32],
            publication: None,
            store,
            settings,
            catalog,
        };
        core.note_decider(now)?;
        core.load(now)?;
        core.whole = true;
        Ok(core)
    }

    /// The store, for what others do through the one writer.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// The store, when the core is done.
    pub fn into_store(self) -> Store {
        self.store
    }

    /// Counters since the start.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Devices that have an endpoint now.
    pub fn devices(&self) -> usize {
        self.site.devices()
    }

    /// Endpoints in memory, their bytes, and endpoints in all.
    pub fn views(&self) -> (usize, usize, usize) {
        (self.views.hot(), self.views.bytes(), self.views.known())
    }

    /// Bytes of digests and talks in memory, about.
    pub fn other_bytes(&self) -> usize {
        self.site.bytes() + self.talks.bytes()
    }

    /// View rows that are behind what was heard.
    pub fn behind(&self) -> usize {
        self.views.dirty() + self.talks.dirty()
    }

    /// How far `source` is durable: sequence number and position.
    pub fn cursor(&self, source: &str) -> Option<&CursorRow> {
        self.cursors.get(source)
    }

    /// All cursors.
    pub fn cursors(&self) -> impl Iterator<Item = &CursorRow> {
        self.cursors.values()
    }

    /// Newest time that any record told.
    pub fn observed(&self) -> Timestamp {
        self.observed
    }

    /// Judges and commits a batch. What was durable before is passed over; order holds per source.
    ///
    /// # Errors
    /// Nothing of the batch is durable, or it is not known ([`StoreError::Unsure`]); the core has read the store again where
    /// that was possible, and takes the same deliveries once more.
    pub fn accept(&mut self, deliveries: &[Delivery], now: Timestamp) -> Result<Accepted, StoreError> {
        self.be_whole(now)?;
        let result = self.try_accept(deliveries, now);
        if result.is_err() {
            // Views hold what is not stored. Reading again is what a restart does.
            let _ = self.recover(now);
        }
        result
    }

    /// Reads the store again, as after a restart.
    ///
    /// # Errors
    /// By cause; to be tried again.
    pub fn recover(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.whole = false;
        self.store.reopen()?;
        self.load(now)?;
        self.whole = true;
        Ok(())
    }

    /// Whether memory is what the store says; if not, only [`Self::recover`] helps, and what the core tells may be wrong.
    pub fn is_whole(&self) -> bool {
        self.whole && !self.store.is_unsure()
    }

    /// Reads the store again where that was tried before and failed.
    ///
    /// # Errors
    /// As [`Self::recover`].
    pub fn be_whole(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.is_whole() { Ok(()) } else { self.recover(now) }
    }

    fn try_accept(&mut self, deliveries: &[Delivery], now: Timestamp) -> Result<Accepted, StoreError> {
        let mut tx = Tx::new(self.settings.site, "ward", "records", now).decided_by(self.decider);
        let mut batch = Batch::default();
        let mut accepted = Accepted::default();
        for delivery in deliveries {
            let fresh = self.admit(delivery);
            accepted.records += fresh.len();
            accepted.repeated += delivery.records.len() - fresh.len();
            let block = self.put_block(&mut tx, delivery, fresh)?;
            for record in fresh {
                self.fold(record, block, &mut batch, now)?;
            }
            self.put_cursor(&mut tx, delivery, fresh);
        }
        self.put_batch(&mut tx, batch, now)?;
        self.look(&mut tx, now)?;
        self.put_views(&mut tx)?;
        let victims = self.put_victims(&mut tx);
        accepted.look = self.site.take_look();
        if tx.is_empty() {
            return Ok(accepted);
        }
        accepted.rows = tx.by_table();
        let rows = tx.len() as u64;
        self.store.commit(tx)?;
        self.totals.evicted += self.views.forget(&victims) as u64;
        self.totals.commits += 1;
        self.totals.records += accepted.records as u64;
        self.totals.rows += rows;
        Ok(accepted)
    }

    /// Looks at the site once more and writes every view that is behind, so that the next start replays nothing.
    ///
    /// # Errors
    /// By cause; what was written stays written.
    pub fn flush(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.be_whole(now)?;
        while self.site.is_restless() {
            let mut tx =
                Tx::new(self.settings.site, "ward", "a look at the site", now).decided_by(self.decider);
            self.look_now(&mut tx, now)?;
            if !tx.is_empty() {
                self.commit_or_recover(tx, now)?;
            }
        }
        while self.behind() > 0 || self.coverage.values().any(|seen| seen.dirty_since.is_some()) {
            let mut tx = Tx::new(self.settings.site, "ward", "views", now).decided_by(self.decider);
            self.allowance = VIEW_ROWS_PER_TX_MAX as f64;
            self.mark.written = self.mark.written.checked_sub(MARK_EVERY).unwrap_or(self.mark.written);
            self.put_views(&mut tx)?;
            self.commit_or_recover(tx, now)?;
        }
        let mut tx = Tx::new(self.settings.site, "ward", "views", now).decided_by(self.decider);
        self.put_mark(&mut tx);
        if tx.is_empty() { Ok(()) } else { self.commit_or_recover(tx, now) }
    }

    fn commit_or_recover(&mut self, tx: Tx, now: Timestamp) -> Result<(), StoreError> {
        self.store.commit(tx).map(|_| ()).inspect_err(|_| {
            let _ = self.recover(now);
        })
    }

    /// Ends claims that were not heard for long, of some endpoints at a time; the next call goes on behind them.
    ///
    /// # Errors
    /// By cause.
    pub fn lapse_some(&mut self, endpoints: usize, now: Timestamp) -> Result<(), StoreError> {
        self.be_whole(now)?;
        self.try_lapse(endpoints, now).inspect_err(|_| {
            // Views hold ends of claims that are not stored.
            let _ = self.recover(now);
        })
    }

    fn try_lapse(&mut self, endpoints: usize, now: Timestamp) -> Result<(), StoreError> {
        let keys = self.site.next_keys(endpoints);
        let mut batch = Batch::default();
        for key in keys {
            self.lapse(key, &mut batch)?;
        }
        let mut tx = Tx::new(self.settings.site, "ward", "claims that were not heard for long", now)
            .decided_by(self.decider);
        self.put_batch(&mut tx, batch, now)?;
        if tx.is_empty() { Ok(()) } else { self.store.commit(tx).map(|_| ()) }
    }
}

impl Core {
    /// Writes down the name and time zone of the site, where they are not known so.
    ///
    /// # Errors
    /// By cause.
    pub fn note_site(&mut self, name: &str, time_zone: &str, now: Timestamp) -> Result<(), StoreError> {
        self.be_whole(now)?;
        let site = self.settings.site;
        let mut known = None;
        let parameters = [Cell::Int(site.0.into())];
        self.store.db().query(
            "SELECT id, name, time_zone FROM sites WHERE site = ?1",
            &parameters,
            &mut |row| {
                known = Some((row.int(0)?, row.text(1)? == name && row.text(2)? == time_zone));
                Ok(())
            },
        )?;
        let id = match known {
            Some((_, true)) => return Ok(()),
            Some((id, false)) => id,
            None => self.store.next_id(&SITES),
        };
        let mut tx = Tx::new(site, "ward", "the site's name or time zone, as configured", now);
        tx.put(&SITES, id, vec![name.into(), time_zone.into()]);
        self.commit_or_recover(tx, now)
    }

    /// Writes down that nobody listened for `source` from its newest durable record to `until`; how long that was.
    ///
    /// # Errors
    /// By cause.
    pub fn note_gap(
        &mut self,
        source: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Duration, StoreError> {
        self.be_whole(now)?;
        let Some(from) = self.cursors.get(source).map(|cursor| cursor.observed_at) else {
            return Ok(Duration::ZERO);
        };
        let gap = Duration::from_nanos(until.since(from).as_nanos());
        if !gap.is_zero() {
            let mut tx = Tx::new(self.settings.site, "ward", "nobody listened", now);
            let id = self.store.next_id(&GAPS);
            let why = "ward was not running, or its interface was gone";
            tx.put(&GAPS, id, happenings::gap_cells(source, from, until, why));
            self.commit_or_recover(tx, now)?;
        }
        Ok(gap)
    }

    /// Moves a source's cursor past a delivery that the store refuses, and writes down what is not kept.
    ///
    /// # Errors
    /// By cause.
    pub fn set_aside(&mut self, delivery: &Delivery, now: Timestamp) -> Result<(), StoreError> {
        self.be_whole(now)?;
        let mut tx = Tx::new(self.settings.site, "ward", "records that the store refuses are set aside", now);
        let times = || delivery.records.iter().map(|record| record.header().observed_at);
        let (from, to) = (times().min().unwrap_or_default(), times().max().unwrap_or_default());
        let id = self.store.next_id(&GAPS);
        let why = format!("{} records were refused by the store and set aside", delivery.records.len());
        tx.put(&GAPS, id, happenings::gap_cells(&delivery.source, from, to, &why));
        self.put_cursor(&mut tx, delivery, &[]);
        self.commit_or_recover(tx, now)
    }

    /// Commits a transaction of others. Views are read again when it failed.
    ///
    /// # Errors
    /// By cause.
    pub fn commit(&mut self, tx: Tx, now: Timestamp) -> Result<(), StoreError> {
        self.be_whole(now)?;
        if tx.is_empty() { Ok(()) } else { self.commit_or_recover(tx, now) }
    }

    /// Deletes some of what is past its time; `false`: there is no more for now.
    ///
    /// # Errors
    /// By cause.
    pub fn sweep(&mut self, policy: &Policy, now: Timestamp, max_rows: usize) -> Result<Swept, StoreError> {
        self.be_whole(now)?;
        let swept = retention::sweep(&mut self.store, policy, now, max_rows);
        // A view whose row is gone must not write it again.
        let is_viewed = |swept: &Swept| {
            let changes = swept.steps.iter().flat_map(|step| &step.changes);
            changes.into_iter().any(|change| match change {
                Change::Delete { table, .. } | Change::Put { table, .. } => VIEWED.contains(&table.name),
            })
        };
        if swept.as_ref().map_or(true, is_viewed) {
            self.recover(now)?;
        }
        swept
    }
}

/// A map keyed by input, under the core's seed.
type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;
/// A set of the same.
type Set<K> = hashbrown::HashSet<K, foldhash::fast::FixedState>;
/// Devices whose card is due.
type Due = BTreeSet<DeviceId>;
/// Endpoints whose evidence changed.
type Changed = BTreeSet<SubjectKey>;
