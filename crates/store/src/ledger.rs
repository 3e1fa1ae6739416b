//! Tiles and checkpoints: derived from the leaves after they are committed, and rebuilt from them when lost.
//!
//! Commit points: a leaf is true once its transaction is; a tile or checkpoint may lag behind it and is made up by the next
//! call of [`Store::integrate`], also after a kill. No checkpoint is signed before its leaves are durable. Tiles and new
//! checkpoints are written without a flush of their own, together: a power cut may take the latest of them, never a leaf that one
//! covers, so what is made up agrees with what was published.

use crate::db::{Cell, Db};
use crate::error::{Result, StoreError};
use crate::store::Store;
use crate::tx::time;
use model::Timestamp;
use std::cell::RefCell;
use trust::tlog::{
    self, Checkpoint, Hash, NoteSigner, TILE_WIDTH, Tile, TileBuilder, TileHashes, TileReader, TileSource,
};

/// Leaves integrated in one transaction.
const LEAVES_PER_STEP: u64 = 16 * 1024;

/// A checkpoint as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// Leaves it covers.
    pub size: u64,
    /// The signed note, with the cosignatures gathered so far.
    pub note: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// Cosignatures of witnesses on it.
    pub witnesses: u64,
}

impl From<tlog::Error> for StoreError {
    fn from(error: tlog::Error) -> Self {
        Self::Trust(error.to_string())
    }
}

/// The stored tiles of a connection.
pub struct Tiles<'d>(RefCell<&'d mut Db>);

impl<'d> Tiles<'d> {
    /// Reads tiles over `db`.
    pub fn new(db: &'d mut Db) -> Self {
        Self(RefCell::new(db))
    }
}

impl TileSource for Tiles<'_> {
    type Error = StoreError;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>> {
        let bytes = tile(&mut self.0.borrow_mut(), level, index, width)?.unwrap_or_default();
        Ok(bytes.as_chunks().0.to_vec())
    }
}

/// The bytes of a tile, 32 a hash: as stored, or the beginning of the wider one that took its place.
///
/// # Errors
/// By cause.
pub fn tile(db: &mut Db, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>> {
    let mut found = None;
    let parameters = [Cell::Int(level.into()), Cell::Int(index.cast_signed()), Cell::Int(width.into())];
    let sql =
        "SELECT data FROM tiles WHERE level = ?1 AND number = ?2 AND width >= ?3 ORDER BY width LIMIT 1";
    db.query(sql, &parameters, &mut |row| {
        found = row.blob(0)?.get(..usize::from(width) * tlog::HASH_BYTES).map(<[u8]>::to_vec);
        Ok(())
    })?;
    Ok(found)
}

/// An entry bundle: `width` leaves from 256 × `index`; `None` where a checkpoint does not cover them all.
///
/// # Errors
/// By cause.
pub fn entries(db: &mut Db, index: u64, width: u16) -> Result<Option<Vec<u8>>> {
    let covered = newest(db)?.map_or(0, |checkpoint| checkpoint.size);
    let Some(first) = index.checked_mul(u64::from(TILE_WIDTH)) else { return Ok(None) };
    if width == 0 || width > TILE_WIDTH || first.saturating_add(u64::from(width)) > covered {
        return Ok(None);
    }
    let mut bundle = Vec::new();
    let parameters = [Cell::Int(first.cast_signed()), Cell::Int((first + u64::from(width)).cast_signed())];
    db.query("SELECT data FROM leaves WHERE id >= ?1 AND id < ?2 ORDER BY id", &parameters, &mut |row| {
        Ok(tlog::entries::push_entry(&mut bundle, row.blob(0)?)?)
    })?;
    Ok(Some(bundle))
}

/// How many leaves the stored tiles stand for, by their numbers and widths. More than the newest checkpoint's while one is being
/// made, and after a kill in between.
pub(crate) fn tiled(db: &mut Db) -> Result<u64> {
    let full = "SELECT max(number) FROM tiles WHERE level = 0 AND width = 256";
    let tiles = db.number(full, &[])?.map_or(0, |number| number.cast_unsigned().saturating_add(1));
    let partial = "SELECT max(width) FROM tiles WHERE level = 0 AND number = ?1";
    let width = db.number(partial, &[Cell::Int(tiles.cast_signed())])?.unwrap_or(0);
    Ok(tiles.saturating_mul(u64::from(TILE_WIDTH)).saturating_add(width.cast_unsigned()))
}

/// The newest checkpoint.
///
/// # Errors
/// By cause.
pub fn newest(db: &mut Db) -> Result<Option<StoredCheckpoint>> {
    checkpoint(db, "ORDER BY size DESC LIMIT 1", &[])
}

/// The newest checkpoint that a witness has cosigned.
///
/// # Errors
/// By cause.
pub fn newest_witnessed(db: &mut Db) -> Result<Option<StoredCheckpoint>> {
    checkpoint(db, "WHERE witnesses > 0 ORDER BY size DESC LIMIT 1", &[])
}

fn checkpoint(db: &mut Db, which: &str, parameters: &[Cell<'_>]) -> Result<Option<StoredCheckpoint>> {
    let mut found = None;
    let sql = format!("SELECT size, note, signed_at, witnesses FROM checkpoints {which}");
    db.query(&sql, parameters, &mut |row| {
        found = Some(StoredCheckpoint {
            size: row.int(0)?.cast_unsigned(),
            note: row.text(1)?.to_owned(),
            signed_at: crate::tx::timestamp(row.int(2)?),
            witnesses: row.int(3)?.cast_unsigned(),
        });
        Ok(())
    })?;
    Ok(found)
}

impl Store {
    /// Brings tiles up to the leaves and signs a checkpoint over them, if there are leaves that none covers yet.
    ///
    /// # Errors
    /// By cause; what was integrated stays, the rest is made up by the next call.
    pub fn integrate(
        &mut self,
        origin: &str,
        signer: &dyn NoteSigner,
        now: Timestamp,
    ) -> Result<Option<StoredCheckpoint>> {
        if self.is_unsure() {
            return Err(StoreError::Unsure { detail: "the store has not been read again".into() });
        }
        let before = newest(&mut self.db)?;
        let covered = before.as_ref().map_or(0, |checkpoint| checkpoint.size);
        let is_reopened = self.builder.is_none();
        let mut builder = self.builder()?;
        let known = covered.max(builder.size());
        if self.leaves() < known {
            let leaves = self.leaves();
            return Err(StoreError::damaged(format!(
                "{known} leaves were in the ledger, {leaves} are there"
            )));
        }
        let signed_before = before.filter(|_| is_reopened);
        // After a reopening all tiles are written before anything is signed: the fork is looked for in them.
        let left_over = if signed_before.is_some() { 0 } else { LEAVES_PER_STEP };
        while self.leaves() > builder.size() + left_over {
            let end = self.leaves().min(builder.size() + LEAVES_PER_STEP);
            let tiles = self.next_tiles(&mut builder, end)?;
            self.derive(|store| store.write_tiles(&tiles))?;
        }
        if let Some(before) = signed_before {
            self.refuse_fork(&before, builder.size(), origin, signer)?;
        }
        let end = self.leaves();
        let tiles = if end > builder.size() { self.next_tiles(&mut builder, end)? } else { Vec::new() };
        let (size, root) = (builder.size(), builder.root());
        let mut stored = None;
        if size > covered {
            let note = Checkpoint::new(origin, size, root)?.sign(&[signer])?.to_string();
            stored = Some(StoredCheckpoint { size, note, signed_at: now, witnesses: 0 });
        }
        if tiles.is_empty() && stored.is_none() {
            self.builder = Some(builder);
            return Ok(None);
        }
        self.derive(|store| {
            store.write_tiles(&tiles)?;
            let Some(stored) = &stored else { return Ok(()) };
            store.keep(stored)?;
            // One a second would be most of the store: of those that nobody cosigned the last two stay.
            let outgrown = [Cell::Int(covered.cast_signed())];
            store.db.execute("DELETE FROM checkpoints WHERE witnesses = 0 AND size < ?1", &outgrown)?;
            Ok(())
        })?;
        self.builder = Some(builder);
        Ok(stored)
    }

    /// One transaction over what derives from leaves: it is ordered behind them, and not flushed by itself.
    fn derive(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.db.begin_derived()?;
        match work(self) {
            Ok(()) => self.db.commit(),
            Err(error) => {
                self.db.roll_back();
                Err(error)
            }
        }
    }

    /// What is signed goes on from what was signed before, or nothing is: two trees under one key are proof that the log lied.
    fn refuse_fork(
        &mut self,
        before: &StoredCheckpoint,
        size: u64,
        origin: &str,
        signer: &dyn NoteSigner,
    ) -> Result<()> {
        // One under another name or key is not ours to answer for; `verify` names it.
        let Ok(signed) = Checkpoint::open(before.note.as_bytes(), origin, &[signer.key().clone()]) else {
            return Ok(());
        };
        let root = TileReader::new(&Tiles::new(&mut self.db), size).root_at(before.size)?;
        if signed.checkpoint.size() == before.size && root == *signed.checkpoint.root() {
            return Ok(());
        }
        Err(StoreError::damaged(format!(
            "the first {} leaves are not those that were signed: nothing further is signed",
            before.size
        )))
    }

    /// Keeps a checkpoint, or the cosignatures that came in for it.
    ///
    /// # Errors
    /// By cause.
    pub fn keep(&mut self, checkpoint: &StoredCheckpoint) -> Result<()> {
        let sql = "INSERT INTO checkpoints (size, note, signed_at, witnesses) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (size) DO UPDATE SET note = excluded.note, witnesses = excluded.witnesses";
        let parameters = [
            Cell::Int(checkpoint.size.cast_signed()),
            Cell::Text(&checkpoint.note),
            Cell::Int(time(checkpoint.signed_at)),
            Cell::Int(checkpoint.witnesses.cast_signed()),
        ];
        self.db.execute(sql, &parameters).map(|_| ())
    }

    /// The tree as far as tiles are stored.
    fn builder(&mut self) -> Result<TileBuilder> {
        if let Some(builder) = self.builder.take() {
            return Ok(builder);
        }
        let size = tiled(&mut self.db)?;
        TileBuilder::open(&Tiles::new(&mut self.db), size)
    }

    /// The tiles that the leaves up to `end` make or change.
    fn next_tiles(&mut self, builder: &mut TileBuilder, end: u64) -> Result<Vec<TileHashes>> {
        let start = builder.size();
        let hashes = match self.take_hashes(start, end) {
            Some(hashes) => hashes,
            None => self.read_hashes(start, end)?,
        };
        if hashes.len() as u64 != end - start {
            return Err(StoreError::damaged(format!("leaves are missing between {start} and {end}")));
        }
        Ok(builder.append(&hashes)?)
    }

    fn read_hashes(&mut self, start: u64, end: u64) -> Result<Vec<Hash>> {
        let mut hashes: Vec<Hash> = Vec::new();
        let range = [Cell::Int(start.cast_signed()), Cell::Int(end.cast_signed())];
        let sql = "SELECT data FROM leaves WHERE id >= ?1 AND id < ?2 ORDER BY id";
        self.db.query(sql, &range, &mut |row| {
            hashes.push(tlog::leaf_hash(row.blob(0)?));
            Ok(())
        })?;
        Ok(hashes)
    }

    fn write_tiles(&mut self, tiles: &[TileHashes]) -> Result<()> {
        tiles.iter().try_for_each(|tile| self.write_tile(tile.tile, tile.hashes.as_flattened()))
    }

    /// Only the widest of a partial tile is kept: the narrower ones are its beginnings.
    fn write_tile(&mut self, tile: Tile, data: &[u8]) -> Result<()> {
        let (level, number) = (Cell::Int(tile.level().into()), Cell::Int(tile.index().cast_signed()));
        self.db.execute("DELETE FROM tiles WHERE level = ?1 AND number = ?2", &[level, number])?;
        let sql = "INSERT INTO tiles (level, number, width, data) VALUES (?1, ?2, ?3, ?4)";
        self.db.execute(sql, &[level, number, Cell::Int(tile.width().into()), Cell::Blob(data)]).map(|_| ())
    }
}
