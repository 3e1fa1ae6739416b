//! Talks of the hours that are going on, and their rows.

use super::{Map, Set};
use judge::inventory::{TalkKey, Talks};
use model::{Record, SiteId};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use store::table::{PAIRS, TALKS};
use store::talks::{TalkRow, find_pair, pair_cells};
use store::{Store, StoreError, Tx};

/// Hours before the newest that stay in memory: late records still belong to them.
const HOURS_KEPT: u32 = 1;
/// Shortest time between two looks through all talks for those whose hour is over.
const CLOSE_EVERY: Duration = Duration::from_secs(10);

/// Talks in memory, with the rows of those that have one.
pub(super) struct TalkViews {
    talks: Talks,
    rows: Map<TalkKey, Place>,
    /// Rows of `pairs`, by a talk of hour 0.
    pairs: Map<TalkKey, i64>,
    /// For each block, how many talks had become dirty by its end: what is taken is taken in that order.
    pushed: VecDeque<(i64, u64)>,
    taken: u64,
    newest_hour: u32,
    closed: Instant,
    /// Talks that went on since they were last told.
    went_on: Set<TalkKey>,
}

/// Where a talk is kept.
#[derive(Clone, Copy)]
struct Place {
    id: i64,
    pair: i64,
    folded: i64,
}

impl TalkViews {
    pub(super) fn new(seed: u64) -> Self {
        let state = || foldhash::fast::FixedState::with_seed(seed);
        Self {
            talks: Talks::new(seed),
            rows: Map::with_hasher(state()),
            pairs: Map::with_hasher(state()),
            pushed: VecDeque::new(),
            taken: 0,
            newest_hour: 0,
            closed: Instant::now(),
            went_on: Set::with_hasher(state()),
        }
    }

    /// Adds a record of `block`, unless the row has it; whether a talk came up that was not in memory.
    pub(super) fn fold(
        &mut self,
        record: &Record,
        block: i64,
        site: SiteId,
        store: &mut Store,
    ) -> Result<Option<TalkKey>, StoreError> {
        let rows = &self.rows;
        let is_held = |key: &TalkKey| rows.get(key).is_some_and(|place| place.folded >= block);
        let folded = match record {
            Record::Activity(activity) => self.talks.fold_unless(activity, is_held),
            Record::Flow(flow) => self.talks.fold_flow_unless(flow, is_held),
            _ => return Ok(None),
        };
        let Some((key, is_new)) = folded else { return Ok(None) };
        self.newest_hour = self.newest_hour.max(key.hour);
        self.went_on.insert(key);
        if is_new {
            self.join_row(key, block, site, store)?;
        }
        let dirty = self.taken + self.talks.dirty_len() as u64;
        match self.pushed.back_mut() {
            Some((last, total)) if *last == block => *total = dirty,
            _ => self.pushed.push_back((block, dirty)),
        }
        Ok(is_new.then_some(key))
    }

    /// A talk that is new in memory may have a row from before a restart, or from before its hour was closed.
    fn join_row(
        &mut self,
        key: TalkKey,
        block: i64,
        site: SiteId,
        store: &mut Store,
    ) -> Result<(), StoreError> {
        let known = self.pairs.get(&pair_of(key)).copied();
        let pair = match known {
            Some(pair) => Some(pair),
            None => find_pair(store.db(), site, &key)?,
        };
        let Some(pair) = pair else { return Ok(()) };
        self.pairs.insert(pair_of(key), pair);
        let Some(row) = TalkRow::find(store.db(), pair, key.hour)? else {
            self.rows.insert(key, Place { id: 0, pair, folded: 0 });
            return Ok(());
        };
        self.rows.insert(key, Place { id: row.id, pair, folded: row.folded });
        let mut sums = row.sums;
        let has_it = row.folded >= block;
        if !has_it && let Some(now) = self.talks.get(&key) {
            sums.add(now);
        }
        // In its place: what was counted just now is in the sum, or was in the row.
        self.talks.insert(key, sums);
        if !has_it {
            self.talks.mark_dirty(key);
        }
        Ok(())
    }

    /// Writes at most `max` talks that are behind, the longest first, as of `block`.
    pub(super) fn put_behind(&mut self, tx: &mut Tx, max: usize, block: i64, store: &mut Store) -> usize {
        let due = self.talks.take_dirty(max);
        self.taken += due.len() as u64;
        for (key, sums) in &due {
            let place = self.rows.entry(*key).or_insert(Place { id: 0, pair: 0, folded: 0 });
            if place.pair == 0 {
                place.pair = *self.pairs.entry(pair_of(*key)).or_insert_with(|| {
                    let pair = store.next_id(&PAIRS);
                    tx.put(&PAIRS, pair, pair_cells(key));
                    pair
                });
            }
            if place.id == 0 {
                place.id = store.next_id(&TALKS);
            }
            place.folded = block;
            tx.put(&TALKS, place.id, TalkRow::cells(place.pair, key.hour, block, sums));
        }
        while self.pushed.front().is_some_and(|(_, total)| *total <= self.taken) {
            self.pushed.pop_front();
        }
        due.len()
    }

    /// At most `max` talks that went on since they were taken so, in no order.
    pub(super) fn take_went_on(&mut self, max: usize) -> Vec<TalkKey> {
        let taken: Vec<TalkKey> = self.went_on.iter().take(max).copied().collect();
        for key in &taken {
            self.went_on.remove(key);
        }
        taken
    }

    /// The first block that some row does not reflect.
    pub(super) fn behind_since(&self) -> Option<i64> {
        if self.talks.dirty_len() == 0 {
            return None;
        }
        self.pushed.front().map(|(block, _)| *block)
    }

    /// Forgets written talks of hours that are over, now and then: every talk is looked at for it.
    pub(super) fn close_hours(&mut self) {
        if self.closed.elapsed() < CLOSE_EVERY {
            return;
        }
        self.closed = Instant::now();
        let hour = self.newest_hour.saturating_sub(HOURS_KEPT);
        if self.talks.close_hours_before(hour) > 0 {
            let talks = &self.talks;
            self.went_on.retain(|key| talks.get(key).is_some());
            self.rows.retain(|key, _| talks.get(key).is_some());
            let mut pairs = std::mem::replace(&mut self.pairs, Map::with_hasher(self.rows.hasher().clone()));
            for key in talks.iter().map(|(key, _)| pair_of(*key)) {
                if let Some(pair) = pairs.remove(&key) {
                    self.pairs.insert(key, pair);
                }
            }
        }
    }

    pub(super) fn talks(&self) -> &Talks {
        &self.talks
    }

    pub(super) fn dirty(&self) -> usize {
        self.talks.dirty_len()
    }

    /// Memory of talks and their places, bytes, about.
    pub(super) fn bytes(&self) -> usize {
        self.talks.len() * 192 + self.rows.len() * (size_of::<TalkKey>() + size_of::<Place>() + 8)
    }
}

/// The ends and the service of a talk, whatever the hour.
fn pair_of(key: TalkKey) -> TalkKey {
    TalkKey { hour: 0, ..key }
}
