//! Reading everything again from the store: at the start, and after a commit that failed. The same path either way.

use super::batch::Batch;
use super::{Core, Mark, site, talks::TalkViews, views::Views, zoning::Zoning};
use model::Timestamp;
use std::time::Instant;
use store::cursors::{CursorRow, REPLAY_FROM, mark};
use store::db::{Cell, Value};
use store::decisions::DecisionRow;
use store::devices::{BindingRow, DeviceRow};
use store::endpoints::SubjectRow;
use store::happenings::FindingRow;
use store::table::{DECIDERS, MARKS};
use store::{StoreError, Tx, block, word};

/// Blocks read at once.
const BLOCKS_PER_STEP: i64 = 16;

impl Core {
    /// Forgets all and reads it again, then replays the blocks that views lack.
    pub(super) fn load(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let site_id = self.settings.site;
        self.views = Views::new(&self.settings);
        self.talks = TalkViews::new(self.settings.seed);
        self.site = site::SiteViews::default();
        self.coverage.clear();
        let db = self.store.db();
        self.cursors = CursorRow::all(db, site_id)?.into_iter().map(|c| (c.source.clone(), c)).collect();
        self.observed = self.cursors.values().map(|c| c.observed_at.min(now)).max().unwrap_or_default();
        self.newest_block = db
            .number("SELECT max(id) FROM blocks WHERE site = ?1", &[Cell::Int(site_id.0.into())])?
            .unwrap_or(0);
        let (views, site) = (&mut self.views, &mut self.site);
        SubjectRow::each(db, site_id, &mut |row| {
            site.note(row.key, row.subject.digest());
            views.load(row);
        })?;
        DeviceRow::each_current(db, site_id, &mut |row| site.load_device(row))?;
        BindingRow::each_current(db, site_id, &mut |row| site.load_binding(row))?;
        FindingRow::each_open(db, site_id, &mut |row| site.load_finding(row))?;
        site.load_decisions(DecisionRow::in_force(db, site_id)?);
        word::each_current(db, site_id, &mut |word| site.words.load(word))?;
        site.load_zoning(Zoning::read(db, site_id)?);
        site.touched.all = true;
        let found = mark(db, site_id, REPLAY_FROM)?;
        let (row, value) = match found {
            Some((row, value)) => (row, value),
            None => (self.store.next_id(&MARKS), 0),
        };
        self.mark = Mark { row, value, written: Instant::now() };
        self.replay(now)?;
        self.site.ask_look();
        self.site.all_due();
        Ok(())
    }

    /// Folds the blocks from the mark on into whatever does not reflect them.
    fn replay(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut next = self.mark.value;
        loop {
            let mut blocks: Vec<(i64, Vec<u8>)> = Vec::new();
            let parameters =
                [Cell::Int(self.settings.site.0.into()), Cell::Int(next), Cell::Int(BLOCKS_PER_STEP)];
            let sql = "SELECT id, data FROM blocks WHERE site = ?1 AND id >= ?2 ORDER BY id LIMIT ?3";
            self.store.db().query(sql, &parameters, &mut |row| {
                blocks.push((row.int(0)?, row.blob(1)?.to_vec()));
                Ok(())
            })?;
            if blocks.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::default();
            for (id, data) in blocks {
                let records = block::decode(&data)
                    .map_err(|e| StoreError::Damaged { what: format!("table blocks, row {id}: {e}") })?;
                for record in &records {
                    self.fold(record, id, &mut batch, now)?;
                }
                self.totals.replayed += records.len() as u64;
                next = id + 1;
            }
            self.views.forget_clean();
        }
    }

    /// Writes down what decides from now on, once.
    pub(super) fn note_decider(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let ward = concat!("ward ", env!("CARGO_PKG_VERSION"));
        let mut text = ward.as_bytes().to_vec();
        text.extend_from_slice(&self.catalog.hash);
        let digest = {
            use sha2::Digest as _;
            sha2::Sha256::digest(&text)
        };
        self.decider.copy_from_slice(&digest);
        let site = self.settings.site;
        let known = self.store.db().number(
            "SELECT id FROM deciders WHERE site = ?1 AND hash = ?2",
            &[Cell::Int(site.0.into()), Cell::Blob(&self.decider)],
        )?;
        if known.is_some() {
            return Ok(());
        }
        let mut tx = Tx::new(site, "ward", "another build or catalog decides", now).decided_by(self.decider);
        let id = self.store.next_id(&DECIDERS);
        let cells: Vec<Value> = vec![
            self.decider.to_vec().into(),
            ward.into(),
            self.catalog.hash.to_vec().into(),
            Vec::new().into(),
        ];
        tx.put(&DECIDERS, id, cells);
        self.store.commit(tx).map(|_| ())
    }
}
