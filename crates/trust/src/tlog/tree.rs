//! The right edge of a Merkle tree: all that appending and the root need, at most 64 hashes.
//!
//! It must not keep leaves or inner nodes. RFC 9162 §2.1.1.

use super::error::Error;
use super::hash::{EMPTY_ROOT, HASH_BYTES, Hash, node_hash};

/// Leaves of the largest tree: sizes are signed 64-bit numbers in databases and in most implementations.
pub const LEAVES_MAX: u64 = i64::MAX as u64;

/// The roots of the perfect subtrees that a tree splits into, largest first.
///
/// ```
/// use trust::tlog::{EMPTY_ROOT, Frontier, leaf_hash};
/// let mut tree = Frontier::default();
/// assert_eq!(tree.root(), EMPTY_ROOT);
/// tree.push(leaf_hash(b"entry"));
/// assert_eq!(Frontier::from_bytes(&tree.to_bytes()), Ok(tree));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    // INVARIANT: one hash for each one-bit of `size`, from the highest bit to the lowest.
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The tree of `size` leaves whose perfect subtrees have these roots, largest first; `None` where their number is not
    /// that of the one-bits of `size`, or `size` is over [`LEAVES_MAX`].
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Option<Self> {
        let fits = size <= LEAVES_MAX && hashes.len() == size.count_ones() as usize;
        fits.then_some(Self { size, hashes })
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.hashes.pop() else { break };
            node = node_hash(&left, &node);
        }
        self.hashes.push(node);
        self.size += 1;
    }

    /// Leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root hash; [`EMPTY_ROOT`] without leaves.
    pub fn root(&self) -> Hash {
        let smallest_first = self.hashes.iter().rev().copied();
        smallest_first.reduce(|right, left| node_hash(&left, &right)).unwrap_or(EMPTY_ROOT)
    }

    /// Size as eight bytes, big-endian, then the hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend(self.hashes.as_flattened());
        bytes
    }

    /// What [`Self::to_bytes`] wrote; anything else is malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = || Error::malformed("frontier", "not a size and its hashes", []);
        let (size, hashes) = bytes.split_first_chunk().ok_or_else(malformed)?;
        let (hashes, rest) = hashes.as_chunks::<HASH_BYTES>();
        let whole = rest.is_empty() && hashes.len() <= u64::BITS as usize;
        let frontier = whole.then(|| Self::from_parts(u64::from_be_bytes(*size), hashes.to_vec()));
        frontier.flatten().ok_or_else(malformed)
    }
}
