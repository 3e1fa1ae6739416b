//! Building tiles as the tree grows: from new leaf hashes, exactly the tiles that are new or wider than before.
//!
//! It must not store them. It holds the right edge only, at most 8 partial tiles. C2SP tlog-tiles, "Partial Tiles".

use super::error::Error;
use super::hash::{Hash, perfect_root};
use super::tile::{TILE_HEIGHT, TILE_WIDTH, Tile, TileSource, hashes_at};
use super::tree::{Frontier, LEAVES_MAX};

/// Levels of tiles in the largest tree ([`LEAVES_MAX`] leaves).
pub(crate) const LEVELS_MAX: u8 = 8;

/// A tile and its hashes, as stored and served: the hashes one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileHashes {
    /// Which tile; its width is the number of hashes.
    pub tile: Tile,
    /// The hashes, left to right.
    pub hashes: Vec<Hash>,
}

/// The right edge of a tiled tree.
///
/// A failed commit leaves the builder ahead of the store: drop it and [`TileBuilder::open`] again, or append to a clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TileBuilder {
    size: u64,
    // INVARIANT: edge[level] holds the hashes_at(size, level) % 256 hashes of the partial tile of that level; 8 levels or fewer.
    edge: Vec<Vec<Hash>>,
}

impl TileBuilder {
    /// The edge of the stored tree of `size` leaves: reads its partial tiles, at most one a level.
    pub fn open<S: TileSource>(source: &S, size: u64) -> Result<Self, S::Error> {
        if size > LEAVES_MAX {
            return Err(Error::OutOfTree { what: "size", asked: size, size: LEAVES_MAX }.into());
        }
        let mut edge = Vec::new();
        for level in 0..LEVELS_MAX {
            let index = hashes_at(size, level) / u64::from(TILE_WIDTH);
            edge.push(match Tile::of_tree(size, level, index) {
                Some(tile) => read(source, tile)?,
                None => Vec::new(),
            });
        }
        Ok(Self { size, edge })
    }

    /// The builder with these partial tiles, lowest level first.
    pub(super) fn from_edge(size: u64, edge: Vec<Vec<Hash>>) -> Self {
        Self { size, edge }
    }

    /// Leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root hash.
    pub fn root(&self) -> Hash {
        self.frontier().root()
    }

    /// The same edge as single hashes.
    pub fn frontier(&self) -> Frontier {
        let rows = self.edge.iter().rev();
        let hashes = rows.flat_map(|row| perfect_roots(row)).collect();
        Frontier::from_parts(self.size, hashes).unwrap_or_default()
    }

    /// Appends leaves by their hashes and returns every tile that is new or wider than before, by level and index; none where
    /// there are no new leaves. Refused, without change, where the tree would pass [`LEAVES_MAX`].
    pub fn append(&mut self, leaves: &[Hash]) -> Result<Vec<TileHashes>, Error> {
        let room = LEAVES_MAX - self.size;
        if leaves.len() as u64 > room {
            return Err(Error::too_large(
                "batch",
                leaves.len(),
                usize::try_from(room).unwrap_or(usize::MAX),
                "leaves",
            ));
        }
        self.edge.resize(LEVELS_MAX.into(), Vec::new());
        let mut tiles = Vec::new();
        let mut new = leaves.to_vec();
        for (level, row) in (0..LEVELS_MAX).zip(&mut self.edge) {
            let first = hashes_at(self.size, level) / u64::from(TILE_WIDTH);
            new = grow(level, first, row, &new, &mut tiles);
        }
        self.size += leaves.len() as u64;
        Ok(tiles)
    }
}

/// Grows one level by its new hashes, adds its tiles, leaves its new partial tile in `row`, and returns the roots of the tiles
/// that became full: the new hashes of the level above.
fn grow(level: u8, first: u64, row: &mut Vec<Hash>, new: &[Hash], tiles: &mut Vec<TileHashes>) -> Vec<Hash> {
    if new.is_empty() {
        return Vec::new();
    }
    row.extend(new);
    let (mut roots, mut partial) = (Vec::new(), Vec::new());
    for (index, hashes) in (first..).zip(row.chunks(TILE_WIDTH.into())) {
        let Some(tile) = u16::try_from(hashes.len()).ok().and_then(|width| Tile::new(level, index, width))
        else {
            continue;
        };
        match perfect_root(hashes).filter(|_| tile.is_full()) {
            Some(root) => roots.push(root),
            None => partial = hashes.to_vec(),
        }
        tiles.push(TileHashes { tile, hashes: hashes.to_vec() });
    }
    *row = partial;
    roots
}

/// The roots of the perfect subtrees that a row splits into, largest first.
fn perfect_roots(row: &[Hash]) -> Vec<Hash> {
    let mut roots = Vec::new();
    let mut rest = row;
    for height in (0..TILE_HEIGHT).rev() {
        let width = 1 << height;
        if rest.len() & width == 0 {
            continue;
        }
        if let Some((subtree, after)) = rest.split_at_checked(width) {
            roots.extend(perfect_root(subtree));
            rest = after;
        }
    }
    roots
}

/// A tile that must be whole.
pub(crate) fn read<S: TileSource>(source: &S, tile: Tile) -> Result<Vec<Hash>, S::Error> {
    let hashes = source.tile(tile.level(), tile.index(), tile.width())?;
    let needed = usize::from(tile.width());
    if hashes.len() != needed {
        return Err(Error::Tile { path: tile.path(), found: hashes.len(), needed }.into());
    }
    Ok(hashes)
}
