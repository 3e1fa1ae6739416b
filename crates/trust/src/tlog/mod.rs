//! The ledger as a tiled Merkle tree with signed and cosigned checkpoints, in formats that other people's clients read.
//!
//! It must neither store nor fetch: tiles come through [`TileSource`], times and keys from the caller.
//! Standards: RFC 6962 and 9162 §2.1 (hashing, proofs); C2SP tlog-tiles, signed-note, tlog-checkpoint, tlog-cosignature and
//! tlog-witness (formats, protocol).

pub mod audit;
pub mod build;
pub mod checkpoint;
pub mod cosign;
pub mod decimal;
pub mod entries;
pub mod error;
pub mod hash;
pub mod key;
pub mod note;
pub mod proof;
pub mod submit;
pub mod tile;
pub mod tree;
pub mod witness;

pub use audit::{Audit, Audited, Difference};
pub use build::{TileBuilder, TileHashes};
pub use checkpoint::{Checkpoint, Opened};
pub use error::Error;
pub use hash::{EMPTY_ROOT, HASH_BYTES, Hash, leaf_hash, node_hash};
pub use key::{Algorithm, Ed25519Signer, NoteSigner, VerifierKey};
pub use note::{Note, Signature, Verified};
pub use proof::{TileReader, verify_consistency, verify_inclusion};
pub use submit::{Answer, read_answer};
pub use tile::{TILE_WIDTH, Tile, TilePath, TileSource};
pub use tree::{Frontier, LEAVES_MAX};
pub use witness::{AddCheckpoint, Head, KnownLog, Outcome, Refusal};
