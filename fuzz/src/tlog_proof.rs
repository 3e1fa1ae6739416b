//! Target: inclusion and consistency proofs: sizes, roots and hashes that a stranger chose.

use trust::tlog::{Error, TILE_WIDTH, TileReader};
use trust::tlog::{HASH_BYTES, Hash, TileSource, leaf_hash, verify_consistency, verify_inclusion};

/// Must neither panic nor hang on any bytes: two numbers, two roots, any number of hashes.
pub fn run(data: &[u8]) {
    let Some((one, rest)) = data.split_first_chunk() else { return };
    let Some((other, rest)) = rest.split_first_chunk() else { return };
    let (one, other) = (u64::from_be_bytes(*one), u64::from_be_bytes(*other));
    let (hashes, _) = rest.as_chunks::<HASH_BYTES>();
    let Some(([old_root, root], proof)) = hashes.split_first_chunk() else { return };
    let consistent = verify_consistency(one, other, proof, old_root, root);
    assert!(
        consistent.is_err() || (one > 0 && one <= other),
        "trees do not shrink, and nothing proves nothing"
    );
    let included = verify_inclusion(old_root, one, other, proof, root);
    assert!(included.is_err() || one < other, "a leaf is in its tree");
    // Nobody can find a proof for this leaf by chance, but for the tree that it is the root of.
    let leaf = leaf_hash(rest);
    assert!(leaf == *root || verify_inclusion(&leaf, one, other, proof, root).is_err(), "forged");
    read(one, other);
}

/// Proofs from tiles that are all the same hash, of trees of any size.
fn read(index: u64, size: u64) {
    let mut reader = TileReader::new(&Same, size);
    let (root, proof) = (reader.root(), reader.inclusion_proof(index));
    if let (Ok(root), Ok(proof), true) = (root, proof, size < TILE_WIDTH.into()) {
        assert_eq!(
            verify_inclusion(&[7; HASH_BYTES], index, size, &proof, &root),
            Ok(()),
            "{index} of {size}"
        );
    }
    let _ = reader.consistency_proof(index);
}

/// A source of tiles of which only level 0 is meant.
struct Same;

impl TileSource for Same {
    type Error = Error;

    fn tile(&self, _: u8, _: u64, width: u16) -> Result<Vec<Hash>, Error> {
        Ok(vec![[7; HASH_BYTES]; width.into()])
    }
}
