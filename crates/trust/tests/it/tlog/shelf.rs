//! A place for tiles in memory, trees to put there, and keys to sign them with.

use std::collections::BTreeMap;
use trust::tlog::{
    Algorithm, Ed25519Signer, Error, Hash, NoteSigner as _, TileBuilder, TileHashes, TileSource, VerifierKey,
    leaf_hash, node_hash,
};

/// Stored tiles by level and index; each as wide as last written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shelf(pub BTreeMap<(u8, u64), Vec<Hash>>);

impl TileSource for Shelf {
    type Error = Error;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, Error> {
        let stored = self.0.get(&(level, index)).cloned().unwrap_or_default();
        Ok(stored.into_iter().take(width.into()).collect())
    }
}

impl Shelf {
    pub fn put(&mut self, tiles: Vec<TileHashes>) {
        for TileHashes { tile, hashes } in tiles {
            assert_eq!(usize::from(tile.width()), hashes.len(), "a tile is as wide as it says");
            self.0.insert((tile.level(), tile.index()), hashes);
        }
    }

    /// The tree of these leaves, built at once.
    pub fn of(leaves: &[Hash]) -> Self {
        let mut shelf = Self::default();
        shelf.put(TileBuilder::default().append(leaves).unwrap());
        shelf
    }
}

/// The hashes of `count` different leaves.
pub fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

/// The root by its definition, without tiles or edges. RFC 9162 §2.1.1.
pub fn root_by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => leaf_hash_of_nothing(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root_by_definition(left), &root_by_definition(right))
        }
    }
}

fn leaf_hash_of_nothing() -> Hash {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"");
    digest.as_ref().try_into().unwrap()
}

pub const ORIGIN: &str = "ledger.example/mercy-general";

pub fn log_signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, Algorithm::Ed25519, &[1; 32]).unwrap()
}

pub fn log_keys() -> Vec<VerifierKey> {
    vec![log_signer().key().clone()]
}

pub fn witness_signer() -> Ed25519Signer {
    Ed25519Signer::from_seed("witness.example/w1", Algorithm::CosignatureV1, &[2; 32]).unwrap()
}

pub fn witness_keys() -> Vec<VerifierKey> {
    vec![witness_signer().key().clone()]
}

pub fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
