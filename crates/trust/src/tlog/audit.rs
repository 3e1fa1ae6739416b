//! Auditing stored tiles against the leaves: the first tile that differs is named, and the root that the leaves have.
//!
//! It must not trust a stored hash for anything but the comparison. It holds one unfinished tile a level. C2SP tlog-tiles.

use super::build::{LEVELS_MAX, TileBuilder};
use super::hash::{Hash, perfect_root};
use super::tile::{TILE_HEIGHT, TILE_WIDTH, Tile, TileSource};
use std::ops::Range;

/// An audit under way: push every leaf hash in order, then finish.
#[derive(Debug)]
pub struct Audit<'a, S> {
    source: &'a S,
    leaves: u64,
    // INVARIANT: rows[level] holds the hashes after the last full tile of that level, fewer than 256.
    rows: Vec<Vec<Hash>>,
    first: Option<Difference>,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Leaves pushed.
    pub size: u64,
    /// The root that these leaves have; compare it with the newest witnessed checkpoint.
    pub root: Hash,
    /// The first stored tile that is not what the leaves make it; all tiles before it agree.
    pub difference: Option<Difference>,
}

/// A stored tile that is not what the leaves make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The tile; [`Tile::path`] names it.
    pub tile: Tile,
    /// The first hash in it that differs.
    pub position: u16,
    /// Hashes that were stored, at most the width of the tile; 0 where the tile is missing.
    pub stored: u16,
}

impl Difference {
    /// The leaves that the first differing hash stands for: one at level 0.
    pub fn leaves(&self) -> Range<u64> {
        let shift = u32::from(self.tile.level()) * TILE_HEIGHT;
        let hash = self.tile.index() * u64::from(TILE_WIDTH) + u64::from(self.position);
        let place = |hash: u64| hash.checked_mul(1_u64.checked_shl(shift)?);
        place(hash).unwrap_or(u64::MAX)..place(hash + 1).unwrap_or(u64::MAX)
    }
}

impl<'a, S: TileSource> Audit<'a, S> {
    /// An audit of the tiles of this source.
    pub fn new(source: &'a S) -> Self {
        Self { source, leaves: 0, rows: vec![Vec::new(); LEVELS_MAX.into()], first: None }
    }

    /// The next leaf, by its hash. After the first difference tiles are no longer read; the root is still computed.
    pub fn push(&mut self, leaf: Hash) -> Result<(), S::Error> {
        self.leaves += 1;
        let mut carried = leaf;
        for level in 0..LEVELS_MAX {
            let Some(row) = self.rows.get_mut(usize::from(level)) else { break };
            row.push(carried);
            if row.len() < TILE_WIDTH.into() {
                break;
            }
            let full = std::mem::take(row);
            self.compare(level, &full)?;
            let Some(root) = perfect_root(&full) else { break };
            carried = root;
        }
        Ok(())
    }

    /// Compares the partial tiles at the right edge, lowest first.
    pub fn finish(mut self) -> Result<Audited, S::Error> {
        let rows = std::mem::take(&mut self.rows);
        for (level, row) in (0..LEVELS_MAX).zip(&rows) {
            self.compare(level, row)?;
        }
        let root = TileBuilder::from_edge(self.leaves, rows).root();
        Ok(Audited { size: self.leaves, root, difference: self.first })
    }

    /// `row` is the last tile of its level so far.
    fn compare(&mut self, level: u8, row: &[Hash]) -> Result<(), S::Error> {
        let before = self.leaves.checked_shr(u32::from(level) * TILE_HEIGHT).unwrap_or(0).saturating_sub(1);
        let width = u16::try_from(row.len()).unwrap_or(u16::MAX);
        let Some(tile) = Tile::new(level, before / u64::from(TILE_WIDTH), width) else { return Ok(()) };
        if self.first.is_some() {
            return Ok(());
        }
        let stored = self.source.tile(level, tile.index(), width)?;
        if stored != row {
            let same = stored.iter().zip(row).take_while(|(stored, made)| stored == made).count();
            let count = |hashes: usize| u16::try_from(hashes).unwrap_or(u16::MAX).min(width);
            let position = count(same).min(width - 1);
            self.first = Some(Difference { tile, position, stored: count(stored.len()) });
        }
        Ok(())
    }
}
