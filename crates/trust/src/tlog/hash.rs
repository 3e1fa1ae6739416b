//! Merkle tree hashing with SHA-256: leaves and nodes have different prefixes, so that neither passes for the other.
//!
//! It must not know what a leaf means. RFC 6962 §2.1, RFC 9162 §2.1.1.

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;

/// A SHA-256 hash: of a leaf, a node, or a whole tree.
pub type Hash = [u8; HASH_BYTES];

/// The root of the tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;

/// The hash of a leaf: SHA-256(0x00 ‖ entry).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[LEAF_PREFIX]);
    context.update(entry);
    sha256(context.finish())
}

/// The hash of a node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [NODE_PREFIX; 1 + 2 * HASH_BYTES];
    let children = left.iter().chain(right);
    input.iter_mut().skip(1).zip(children).for_each(|(to, from)| *to = *from);
    sha256(digest(&SHA256, &input))
}

/// The root of a perfect tree over `hashes`, whose number is a power of two. `None` for any other number.
pub fn perfect_root(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    row.first().copied()
}

/// Standard base64 with padding, as checkpoints and proofs write hashes.
pub(crate) fn to_base64(hash: &Hash) -> String {
    STANDARD.encode(hash)
}

/// The hash that 44 characters of standard base64 stand for; `None` where it is anything else.
pub(crate) fn from_base64(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn sha256(digest: Digest) -> Hash {
    let mut hash = [0; HASH_BYTES];
    hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    hash
}
