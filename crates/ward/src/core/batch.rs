//! One micro-batch: records into views, and what follows into rows.

use super::{Changed, Core, Due, MARK_EVERY, Seen, VIEW_ROWS_PER_TX_MAX};
use crate::bus::Delivery;
use judge::inventory::SubjectKey;
use judge::step::{Changed as Extent, Effect, View, lapse, step, subjects};
use model::{Event, Record, Timestamp};
use std::time::Instant;
use store::cursors::{CursorRow, REPLAY_FROM};
use store::devices::ClaimRow;
use store::table::{BLOCKS, CLAIMS, COVERAGE, CURSORS, EVENTS, MARKS};
use store::tx::time;
use store::{StoreError, Tx, block, endpoints, happenings};

/// What a batch leaves to be written.
#[derive(Default)]
pub(super) struct Batch {
    /// Endpoints whose evidence changed: their rows must not wait.
    evidence: Changed,
    effects: Vec<(SubjectKey, Effect)>,
    events: Vec<Event>,
    pub(super) due: Due,
    /// The newest block of the batch.
    block: i64,
}

impl Core {
    /// The records of a delivery that are not durable yet.
    pub(super) fn admit<'d>(&mut self, delivery: &'d Delivery) -> &'d [Record] {
        let durable = self.cursors.get(&*delivery.source).map_or(0, |cursor| cursor.sequence);
        let before = delivery.last_sequence.saturating_sub(delivery.records.len() as u64);
        self.totals.skipped += before.saturating_sub(durable);
        let known = usize::try_from(durable.saturating_sub(before)).unwrap_or(usize::MAX);
        delivery.records.get(known.min(delivery.records.len())..).unwrap_or_default()
    }

    /// Keeps the records as they came; the number of their block.
    pub(super) fn put_block(
        &mut self,
        tx: &mut Tx,
        delivery: &Delivery,
        fresh: &[Record],
    ) -> Result<i64, StoreError> {
        if fresh.is_empty() {
            return Ok(self.newest_block());
        }
        let id = self.store.next_id(&BLOCKS);
        let times = || fresh.iter().map(|record| record.header().observed_at);
        let (from, to) = (times().min().unwrap_or_default(), times().max().unwrap_or_default());
        let last = delivery.last_sequence;
        let data = block::encode(fresh).map_err(|e| StoreError::Ours { detail: e.to_string() })?;
        let cells = vec![
            (&*delivery.source).into(),
            (last.saturating_add(1).saturating_sub(fresh.len() as u64)).cast_signed().into(),
            last.cast_signed().into(),
            (fresh.len() as i64).into(),
            time(from).into(),
            time(to).into(),
            data.into(),
        ];
        tx.put(&BLOCKS, id, cells);
        self.newest_block = id;
        Ok(id)
    }

    /// Moves the cursor of the delivery's source.
    pub(super) fn put_cursor(&mut self, tx: &mut Tx, delivery: &Delivery, fresh: &[Record]) {
        let observed = fresh.iter().map(|record| record.header().observed_at).max();
        let known = self.cursors.get(&*delivery.source).cloned();
        let mut cursor = known.unwrap_or_else(|| CursorRow {
            id: self.store.next_id(&CURSORS),
            source: delivery.source.to_string(),
            sequence: 0,
            position: String::new(),
            observed_at: Timestamp::ZERO,
        });
        let before = cursor.clone();
        if delivery.last_sequence >= cursor.sequence {
            cursor.sequence = delivery.last_sequence;
            cursor.position.clone_from(&delivery.position);
        }
        cursor.observed_at = cursor.observed_at.max(observed.unwrap_or_default());
        if cursor != before {
            tx.put(&CURSORS, cursor.id, cursor.cells());
        }
        self.cursors.insert(cursor.source.clone(), cursor);
    }

    /// One record into the views it concerns.
    pub(super) fn fold(
        &mut self,
        record: &Record,
        block: i64,
        batch: &mut Batch,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        batch.block = batch.block.max(block);
        // A sensor whose clock is ahead must not end what others say by making it look old.
        self.observed = self.observed.max(record.header().observed_at.min(now));
        for key in subjects(record) {
            if !self.views.bring(&key, &mut self.store)? {
                self.totals.unjudged += 1;
                continue;
            }
            let Some(held) = self.views.get_mut(&key) else { continue };
            if held.folded >= block {
                continue;
            }
            let seen = held.subject.last_seen();
            let done = step(View::new(key, &mut held.subject), record, now, &self.catalog);
            match done.changed {
                Extent::Nothing => {}
                Extent::Counters => self.views.note_behind(&key, block),
                Extent::Evidence => {
                    self.views.note_behind(&key, block);
                    batch.evidence.insert(key);
                }
            }
            if self.views.note_seen(&key, seen) {
                self.site.note_seen(&key);
            }
            if done.effects.contains(&Effect::Happened)
                && let Record::Event(event) = record
            {
                batch.events.push(event.clone());
            }
            batch.effects.extend(done.effects.into_iter().map(|effect| (key, effect)));
        }
        if let Some(talk) = self.talks.fold(record, block, self.settings.site, &mut self.store)? {
            // A peer that was not there before may be off site.
            batch.due.extend([talk.client, talk.server].iter().filter_map(|end| self.site.owner(end)));
        }
        if let Record::Coverage(coverage) = record {
            let of = (coverage.header.sensor, coverage.header.observed_at.hour());
            let known = self.coverage.remove(&of);
            let (row, since) = known.map_or((None, None), |seen| (seen.row, seen.dirty_since));
            let dirty_since = since.or(Some(block));
            self.coverage.insert(of, Seen { coverage: (**coverage).clone(), row, dirty_since });
        }
        Ok(())
    }

    /// Ends claims of one endpoint.
    pub(super) fn lapse(&mut self, key: SubjectKey, batch: &mut Batch) -> Result<(), StoreError> {
        let block = self.newest_block();
        if !self.views.bring(&key, &mut self.store)? {
            return Ok(());
        }
        let Some(held) = self.views.get_mut(&key) else { return Ok(()) };
        let effects = lapse(&mut held.subject, self.observed);
        if !effects.is_empty() {
            self.views.note_behind(&key, block);
            batch.evidence.insert(key);
            batch.block = block;
        }
        batch.effects.extend(effects.into_iter().map(|effect| (key, effect)));
        Ok(())
    }

    /// The rows that must not wait.
    pub(super) fn put_batch(&mut self, tx: &mut Tx, batch: Batch, now: Timestamp) -> Result<(), StoreError> {
        for key in &batch.evidence {
            self.views.put(tx, key, batch.block);
            if let Some(subject) = self.views.peek(key) {
                self.site.note(*key, subject.digest());
            }
        }
        for (key, effect) in &batch.effects {
            self.put_effect(tx, key, effect, now)?;
        }
        for event in &batch.events {
            let id = self.store.next_id(&EVENTS);
            tx.put(&EVENTS, id, happenings::event_cells(event));
        }
        self.site.note_due(batch.due);
        Ok(())
    }

    fn put_effect(
        &mut self,
        tx: &mut Tx,
        key: &SubjectKey,
        effect: &Effect,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let known_from = now.max(self.store.newest());
        match effect {
            Effect::ClaimHeard { attribute, value, source, confidence, from } => {
                let id = self.store.next_id(&CLAIMS);
                let claim = ClaimRow {
                    id,
                    endpoint: endpoints::text(key),
                    attribute: attribute.name().into(),
                    value: value.to_string(),
                    source: source.name().into(),
                    confidence: (*confidence).into(),
                    true_from: *from,
                    true_to: None,
                    known_from,
                };
                tx.put(&CLAIMS, id, claim.cells(None));
                self.site.note_claim(key);
            }
            Effect::ClaimEnded { attribute, value, source, last_heard } => {
                let says = (*attribute, value.as_str(), *source);
                let open = ClaimRow::open(self.store.db(), self.settings.site, key, says)?;
                if let Some(open) = open {
                    tx.put(&CLAIMS, open.id, open.cells(Some(known_from)));
                    let id = self.store.next_id(&CLAIMS);
                    let ended = ClaimRow { id, true_to: Some(*last_heard), known_from, ..open };
                    tx.put(&CLAIMS, id, ended.cells(None));
                }
                self.site.note_claim(key);
            }
            Effect::LookAtSite(_) => self.site.ask_look(),
            Effect::Happened => {}
        }
        Ok(())
    }

    /// A share of the rows that may wait, as the allowance goes.
    pub(super) fn put_views(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let elapsed = self.last_work.elapsed().as_secs_f64();
        self.last_work = Instant::now();
        let most = VIEW_ROWS_PER_TX_MAX as f64;
        self.allowance = (self.allowance + elapsed * self.settings.view_rows_per_s).min(most);
        let block = self.newest_block();
        // Whole rows, first of endpoints and then of talks, each their half while both are behind.
        let whole = self.allowance as usize;
        let half = whole.div_ceil(2);
        let talks = self.talks.put_behind(tx, half, block, &mut self.store);
        let endpoints = self.views.put_behind(tx, whole - talks, block);
        let rest = self.talks.put_behind(tx, whole - talks - endpoints, block, &mut self.store);
        let seen = if whole > 0 { self.put_coverage(tx)? } else { 0 };
        self.allowance -= (talks + endpoints + rest + seen) as f64;
        self.talks.close_hours();
        if self.mark.written.elapsed() >= MARK_EVERY {
            self.put_mark(tx);
        }
        Ok(())
    }

    fn put_coverage(&mut self, tx: &mut Tx) -> Result<usize, StoreError> {
        let mut written = 0;
        let site = self.settings.site;
        let newest = self.coverage.keys().map(|(_, hour)| *hour).max().unwrap_or(0);
        for ((sensor, hour), seen) in self.coverage.iter_mut().filter(|(_, seen)| seen.dirty_since.is_some())
        {
            let known = match seen.row {
                Some(row) => Some(row),
                None => happenings::find_coverage(self.store.db(), site, *sensor, *hour)?,
            };
            let row = known.unwrap_or_else(|| self.store.next_id(&COVERAGE));
            seen.row = Some(row);
            seen.dirty_since = None;
            tx.put(&COVERAGE, row, happenings::coverage_cells(*sensor, *hour, &seen.coverage));
            written += 1;
        }
        // Those that are written and over are not needed any more.
        self.coverage.retain(|(_, hour), seen| seen.dirty_since.is_some() || *hour + 1 >= newest);
        Ok(written)
    }

    /// Moves the replay mark to the oldest block that some row does not reflect.
    pub(super) fn put_mark(&mut self, tx: &mut Tx) {
        let next = self.newest_block() + 1;
        let seen = self.coverage.values().filter_map(|seen| seen.dirty_since).min();
        let behind = [self.views.behind_since(), self.talks.behind_since(), seen];
        let value = behind.into_iter().flatten().min().unwrap_or(next);
        self.mark.written = Instant::now();
        if value != self.mark.value {
            self.mark.value = value;
            tx.put(&MARKS, self.mark.row, vec![REPLAY_FROM.into(), value.into()]);
        }
    }

    /// When memory is full: rows of endpoints that leave it.
    pub(super) fn put_victims(&mut self, tx: &mut Tx) -> Vec<SubjectKey> {
        let block = self.newest_block();
        self.views.put_victims(tx, block)
    }

    pub(super) fn newest_block(&self) -> i64 {
        self.newest_block
    }
}
