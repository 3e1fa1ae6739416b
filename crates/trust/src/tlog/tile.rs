//! Tiles: where the hashes of a tree are kept and what each piece is called.
//!
//! It must not read or write them. C2SP tlog-tiles, "Merkle Tree" and "Partial Tiles".

use super::decimal;
use super::error::Error;
use super::hash::Hash;
use std::fmt::Write as _;

/// Hashes of a full tile, and entries of a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// Levels of the tree that one tile spans.
pub const TILE_HEIGHT: u32 = 8;
/// Highest level of a tile that a path can name. A tree of 2⁶³ leaves reaches level 7.
pub const LEVEL_MAX: u8 = 63;
/// Bytes of the longest path: `tile/entries/`, seven groups of three digits, `.p/255`.
pub const PATH_BYTES_MAX: usize = 64;

const WHAT: &str = "tile path";

/// One tile of hashes by its coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    // INVARIANT: 1 to 256.
    width: u16,
}

/// What a path under a log's prefix names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TilePath {
    /// `tile/<L>/<N>[.p/<W>]`: hashes.
    Hashes(Tile),
    /// `tile/entries/<N>[.p/<W>]`: the entries whose hashes are in the tile of level 0 with the same index and width.
    Entries(Tile),
}

/// Where stored tiles come from.
pub trait TileSource {
    /// What the source says when it cannot answer; carries what is wrong with the answers too.
    type Error: From<Error>;

    /// The first `width` hashes of a tile. Read-only and repeatable: two calls give the same answer.
    ///
    /// Returns fewer (or none) where the tile is not there or not whole; the caller checks, and says which tile. `Err` is for
    /// a source that could not look. A source that keeps the grown tile only may cut it: a tile never changes but at its end.
    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, Self::Error>;
}

impl Tile {
    /// A tile of 1 to 256 hashes at level 0 to 63; `None` for any other.
    pub fn new(level: u8, index: u64, width: u16) -> Option<Self> {
        let possible = level <= LEVEL_MAX && (1..=TILE_WIDTH).contains(&width);
        possible.then_some(Self { level, index, width })
    }

    /// The tile at this place of a tree of `size` leaves, as wide as it is there; `None` where it would be empty.
    pub fn of_tree(size: u64, level: u8, index: u64) -> Option<Self> {
        let hashes = hashes_at(size, level);
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let width = hashes.checked_sub(before)?.min(u64::from(TILE_WIDTH));
        Self::new(level, index, u16::try_from(width).ok()?)
    }

    /// 0 for leaf hashes; above, each hash is the root of a full tile below.
    pub fn level(self) -> u8 {
        self.level
    }

    /// Position within its level.
    pub fn index(self) -> u64 {
        self.index
    }

    /// Hashes, 1 to 256.
    pub fn width(self) -> u16 {
        self.width
    }

    /// Whether it can grow no more.
    pub fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// `tile/<L>/<N>[.p/<W>]`, without a leading slash.
    pub fn path(self) -> String {
        self.path_under(&self.level.to_string())
    }

    /// `tile/entries/<N>[.p/<W>]`: the bundle of the same index and width.
    pub fn entries_path(self) -> String {
        self.path_under("entries")
    }

    fn path_under(self, folder: &str) -> String {
        let mut path = format!("tile/{folder}/{}", grouped(self.index));
        if !self.is_full() {
            // Writing to a string cannot fail.
            let _ = write!(path, ".p/{}", self.width);
        }
        path
    }
}

impl TilePath {
    /// Reads a path without a leading slash. Each tile has one path; every other spelling is malformed.
    pub fn parse(path: &str) -> Result<Self, Error> {
        if path.len() > PATH_BYTES_MAX {
            return Err(Error::too_large(WHAT, path.len(), PATH_BYTES_MAX, "bytes"));
        }
        let malformed = |why| Error::malformed(WHAT, why, path);
        let rest = path.strip_prefix("tile/").ok_or_else(|| malformed("not under tile/"))?;
        let (folder, rest) = rest.split_once('/').ok_or_else(|| malformed("no index"))?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, partial_width(width).ok_or_else(|| malformed("not a width"))?),
            None => (rest, TILE_WIDTH),
        };
        let index = ungrouped(index).ok_or_else(|| malformed("not an index in groups of three digits"))?;
        if folder == "entries" {
            return Tile::new(0, index, width).map(Self::Entries).ok_or_else(|| malformed("no such bundle"));
        }
        let level = decimal::parse(folder, LEVEL_MAX.into()).and_then(|level| u8::try_from(level).ok());
        let tile = level.and_then(|level| Tile::new(level, index, width));
        tile.map(Self::Hashes).ok_or_else(|| malformed("not a level from 0 to 63"))
    }

    /// The path that [`Self::parse`] reads.
    pub fn path(self) -> String {
        match self {
            Self::Hashes(tile) => tile.path(),
            Self::Entries(tile) => tile.entries_path(),
        }
    }

    /// The tile, or for a bundle the tile of its leaf hashes.
    pub fn tile(self) -> Tile {
        match self {
            Self::Hashes(tile) | Self::Entries(tile) => tile,
        }
    }
}

/// Hashes at a level of a tree of `size` leaves: ⌊size / 256^level⌋.
pub(crate) fn hashes_at(size: u64, level: u8) -> u64 {
    size.checked_shr(u32::from(level) * TILE_HEIGHT).unwrap_or(0)
}

/// 1234067 → `x001/x234/067`.
fn grouped(index: u64) -> String {
    let mut groups = vec![format!("{:03}", index % 1000)];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    groups.reverse();
    groups.join("/")
}

fn ungrouped(text: &str) -> Option<u64> {
    let (above, last) = match text.rsplit_once('/') {
        Some((above, last)) => (Some(above), last),
        None => (None, text),
    };
    let above = above.into_iter().flat_map(|above| above.split('/')).map(|group| group.strip_prefix('x'));
    let mut index: u64 = 0;
    for group in above.chain([Some(last)]) {
        let group =
            group.filter(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()))?;
        index = index.checked_mul(1000)?.checked_add(group.parse().ok()?)?;
    }
    // Superfluous leading groups would be a second name for the same tile.
    (grouped(index) == text).then_some(index)
}

fn partial_width(text: &str) -> Option<u16> {
    let width = decimal::parse(text, u64::from(TILE_WIDTH) - 1)?;
    u16::try_from(width).ok().filter(|width| *width > 0)
}
