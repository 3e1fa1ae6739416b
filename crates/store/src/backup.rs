//! Backup and restore: every row of the store, its leaves, tiles and checkpoints, as one sealed stream that does not depend on the
//! engine. Taken from a reader's snapshot while the writer goes on; believed only when all of it has been read and checked.
//!
//! The format is specified in docs/operate/backup.md; sealing is [`trust::seal`]'s. What a restored store says is checked by
//! the caller's hook, before the store is there for anybody.

mod file;
mod header;
mod record;
mod restore;
mod write;

pub use header::{Header, KEYRING_BYTES_MAX};
pub use record::{CELL_BYTES_MAX, RECORD_BYTES_MAX};
pub use restore::{check, from_file, read};
pub use write::{to_file, write};

use crate::error::Result;
use std::path::Path;
use trust::seal::Secret32;

/// What seals a backup, and what its header carries for whoever restores it on an empty machine.
pub struct Sealing<'a> {
    /// The installation's key for backups.
    pub key: &'a Secret32,
    /// The installation's keyring as its file holds it: wrapped keys, of no use without the key-encryption key. May be empty.
    pub keyring: &'a [u8],
}

/// How far a backup or restore is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The table being copied.
    pub table: &'a str,
    /// Rows copied, of all tables.
    pub rows: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Rows of each table, in the order of their numbers; leaves, tiles and checkpoints last.
    pub rows: Vec<(String, u64)>,
    /// Leaves of the ledger.
    pub leaves: u64,
    /// The newest checkpoint, a signed note; `None` where none was signed yet.
    pub checkpoint: Option<String>,
    /// SHA-256 of all records: the same rows give the same digest, on either engine.
    pub digest: [u8; 32],
}

impl Summary {
    /// Rows of all tables.
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|(_, rows)| rows).sum()
    }
}

/// Where plaintext goes to be sealed, in order, cut anywhere.
pub trait ChunkSink {
    /// Takes the next bytes. They are durable only after [`Self::end`].
    ///
    /// # Errors
    /// By cause; the sink is of no more use.
    fn put(&mut self, plaintext: &[u8]) -> Result<()>;

    /// Marks the end: without it, whoever reads is told that the stream is cut off.
    ///
    /// # Errors
    /// By cause.
    fn end(&mut self) -> Result<()>;
}

/// Where plaintext comes from, opened.
pub trait ChunkSource {
    /// Hands over all bytes, in order, cut anywhere. They are authentic; that nothing is missing is known when this returns `Ok`.
    ///
    /// # Errors
    /// By cause, or what `each` returns.
    fn read(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;
}

/// What a backup says of itself, in clear and **not yet verified**: enough to find the keyring with the key that opens it.
///
/// # Errors
/// [`StoreError::Backup`](crate::StoreError::Backup) when it is none.
pub fn header_of(path: &Path) -> Result<Header> {
    file::SealedFile::open(path)?.header()
}
