//! Proofs that a leaf is in a tree, and that a tree grew from an earlier one: made from tiles, verified from nothing but roots.
//!
//! Verification must not trust the length, order or number of anything in a proof. RFC 9162 §2.1.3 and §2.1.4; where the RFC
//! leaves a case open (sizes of zero) we refuse, as transparency-dev/merkle does.

use super::build::read;
use super::error::Error;
use super::hash::{EMPTY_ROOT, Hash, node_hash, perfect_root};
use super::tile::{TILE_HEIGHT, TILE_WIDTH, Tile, TileSource};
use std::collections::BTreeMap;

const INCLUSION: &str = "inclusion";
const CONSISTENCY: &str = "consistency";

/// Hashes of the longest proof: one for each level of a tree of 2⁶⁴ leaves.
pub const PROOF_HASHES_MAX: usize = 64;

/// Reads hashes and proofs of one tree from its tiles; each tile is fetched once.
///
/// What it keeps is bounded by the proofs asked of it: a proof touches at most two tiles a level.
#[derive(Debug)]
pub struct TileReader<'a, S> {
    source: &'a S,
    size: u64,
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl<'a, S: TileSource> TileReader<'a, S> {
    /// A reader of the tree of `size` leaves.
    pub fn new(source: &'a S, size: u64) -> Self {
        Self { source, size, tiles: BTreeMap::new() }
    }

    /// The root of the tree.
    pub fn root(&mut self) -> Result<Hash, S::Error> {
        self.range(0, self.size)
    }

    /// The root that the tree had when it was `size` leaves.
    pub fn root_at(&mut self, size: u64) -> Result<Hash, S::Error> {
        self.within("size", size, size)?;
        self.range(0, size)
    }

    /// The hashes that prove that leaf `index` is in this tree, from its sibling upwards.
    pub fn inclusion_proof(&mut self, index: u64) -> Result<Vec<Hash>, S::Error> {
        self.within("leaf", index, index.saturating_add(1))?;
        let mut proof = Vec::new();
        let (mut start, mut end) = (0, self.size);
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(start, middle)?);
                start = middle;
            }
        }
        proof.reverse();
        Ok(proof)
    }

    /// The hashes that prove that this tree grew from its first `old_size` leaves. None for a size of zero (any tree grew from
    /// nothing) and for the size of the tree itself.
    pub fn consistency_proof(&mut self, old_size: u64) -> Result<Vec<Hash>, S::Error> {
        self.within("size", old_size, old_size)?;
        let mut proof = Vec::new();
        if old_size == 0 {
            return Ok(proof);
        }
        let (mut start, mut end) = (0, self.size);
        while end != old_size {
            let middle = start + split(end - start);
            if old_size <= middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(start, middle)?);
                start = middle;
            }
        }
        // The verifier knows the root of the old tree; it needs this subtree unless it is that tree.
        if start > 0 {
            proof.push(self.range(start, end)?);
        }
        proof.reverse();
        Ok(proof)
    }

    fn within(&self, what: &'static str, asked: u64, end: u64) -> Result<(), S::Error> {
        let size = self.size;
        if end > size { Err(Error::OutOfTree { what, asked, size }.into()) } else { Ok(()) }
    }

    /// The root over leaves `start..end`, where `start` is a multiple of a power of two no smaller than the range.
    fn range(&mut self, start: u64, end: u64) -> Result<Hash, S::Error> {
        let mut roots = Vec::new();
        let mut at = start;
        while at < end {
            let height = (end - at).ilog2();
            roots.push(self.perfect(height, at >> height)?);
            at += 1 << height;
        }
        let smallest_first = roots.into_iter().rev();
        Ok(smallest_first.reduce(|right, left| node_hash(&left, &right)).unwrap_or(EMPTY_ROOT))
    }

    /// The root of the `index`-th perfect subtree of 2^height leaves.
    fn perfect(&mut self, height: u32, index: u64) -> Result<Hash, S::Error> {
        let level = u8::try_from(height / TILE_HEIGHT).unwrap_or(u8::MAX);
        let inside = height % TILE_HEIGHT;
        let first = index << inside;
        let hashes = self.tile(level, first / u64::from(TILE_WIDTH))?;
        let offset = usize::try_from(first % u64::from(TILE_WIDTH)).unwrap_or(usize::MAX);
        let subtree = hashes.get(offset..).and_then(|rest| rest.get(..1 << inside)).and_then(perfect_root);
        subtree.ok_or_else(|| Error::OutOfTree { what: "subtree", asked: index, size: self.size }.into())
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], S::Error> {
        let Some(tile) = Tile::of_tree(self.size, level, index) else { return Ok(&[]) };
        if !self.tiles.contains_key(&(level, index)) {
            self.tiles.insert((level, index), read(self.source, tile)?);
        }
        Ok(self.tiles.get(&(level, index)).map_or(&[], Vec::as_slice))
    }
}

/// Verifies that the leaf with this hash is leaf `index` of the tree with this size and root. RFC 9162 §2.1.3.2.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Error> {
    if index >= size {
        return Err(Error::proof(INCLUSION, "the leaf is beyond the tree"));
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(Error::proof(INCLUSION, "it has too many hashes"));
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // Where the node ends the row it has no sibling until it becomes a right child.
            let skipped = if node == 0 { 0 } else { node.trailing_zeros() };
            (node, last) = (node >> skipped, last >> skipped);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(Error::proof(INCLUSION, "it has too few hashes"));
    }
    if hash == *root { Ok(()) } else { Err(Error::proof(INCLUSION, "it leads to another root")) }
}

/// Verifies that the tree of `new_size` leaves grew from that of `old_size`. RFC 9162 §2.1.4.2.
///
/// Refuses an old size of zero: nothing is proved by it. Ask [`EMPTY_ROOT`] instead.
pub fn verify_consistency(
    old_size: u64,
    new_size: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), Error> {
    if old_size == 0 {
        return Err(Error::proof(CONSISTENCY, "the empty tree proves nothing"));
    }
    if old_size > new_size {
        return Err(Error::proof(CONSISTENCY, "the tree shrank"));
    }
    if old_size == new_size {
        return verify_same(proof, old_root, new_root);
    }
    let perfect_old = old_size.is_power_of_two().then_some(old_root);
    let mut hashes = perfect_old.into_iter().chain(proof);
    let first = hashes.next().ok_or_else(|| Error::proof(CONSISTENCY, "it is empty"))?;
    let shared = (old_size - 1).trailing_ones();
    let (mut node, mut last) = ((old_size - 1) >> shared, (new_size - 1) >> shared);
    let (mut old, mut new) = (*first, *first);
    for sibling in hashes {
        if last == 0 {
            return Err(Error::proof(CONSISTENCY, "it has too many hashes"));
        }
        if node & 1 == 1 || node == last {
            (old, new) = (node_hash(sibling, &old), node_hash(sibling, &new));
            let skipped = if node == 0 { 0 } else { node.trailing_zeros() };
            (node, last) = (node >> skipped, last >> skipped);
        } else {
            new = node_hash(&new, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    match (last == 0, old == *old_root, new == *new_root) {
        (false, _, _) => Err(Error::proof(CONSISTENCY, "it has too few hashes")),
        (true, false, _) => Err(Error::proof(CONSISTENCY, "it leads to another old root")),
        (true, true, false) => Err(Error::proof(CONSISTENCY, "it leads to another new root")),
        (true, true, true) => Ok(()),
    }
}

fn verify_same(proof: &[Hash], old_root: &Hash, new_root: &Hash) -> Result<(), Error> {
    if !proof.is_empty() {
        return Err(Error::proof(CONSISTENCY, "trees of one size need none"));
    }
    if old_root == new_root {
        Ok(())
    } else {
        Err(Error::proof(CONSISTENCY, "two roots of one size: the log forked"))
    }
}

/// The largest power of two smaller than `leaves`, which is at least 2.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}
