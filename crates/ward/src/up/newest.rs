//! The newest checkpoint, kept beside the database: so that a store that lost its end says so.
//!
//! A database whose log was damaged after a kill is whole again, only shorter: what was acknowledged at its end is gone without a
//! trace in it. And a ledger that went on from there under its name would be two histories under one key.

use anyhow::{Context, Result, bail};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use store::Store;
use store::ledger::StoredCheckpoint;
use trust::tlog::{Checkpoint, VerifierKey};

/// Name of the file in the store's folder: a signed note.
const NEWEST_FILE: &str = "checkpoint";

/// Where it is kept.
#[derive(Clone)]
pub struct Newest(PathBuf);

impl Newest {
    /// Beside the store in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self(folder.join(NEWEST_FILE))
    }

    /// Keeps a checkpoint that was signed. The leaves under it are durable already, so this need not be: after a loss of power
    /// an older one is there, which says less and nothing wrong.
    ///
    /// # Errors
    /// Those of the file.
    pub fn keep(&self, checkpoint: &StoredCheckpoint) -> std::io::Result<()> {
        let fresh = self.0.with_extension("new");
        std::fs::File::create(&fresh)?.write_all(checkpoint.note.as_bytes())?;
        std::fs::rename(&fresh, &self.0)
    }

    /// Holds the store against the checkpoint that was kept.
    ///
    /// # Errors
    /// When the store has fewer leaves than were signed, with what that means and the ways out; and when the file cannot be read.
    pub fn check(&self, store: &Store, origin: &str, key: &VerifierKey) -> Result<()> {
        let note = match std::fs::read(&self.0) {
            Ok(note) => note,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", self.0.display())),
        };
        // One of another name is of a ledger that ended; one that was cut off says nothing.
        let Ok(opened) = Checkpoint::open(&note, origin, std::slice::from_ref(key)) else { return Ok(()) };
        let (signed, there) = (opened.checkpoint.size(), store.leaves());
        if signed <= there {
            return Ok(());
        }
        let newest = newest_leaf_time(store);
        bail!(
            "the store has lost its end: {signed} leaves were signed ({}), {there} are there, the newest of {newest}. \
             What was acknowledged after that is lost; watched folders are read again from there.\n\
             A ledger must not go on under its name after a loss. The ways out:\n  \
             restore a backup with `ward restore FILE` into an empty folder, or\n  \
             go on with what is there under a new name: set [ledger] origin to \"{origin}-2\", and give its key to your witnesses",
            self.0.display()
        )
    }
}

/// Time of the newest leaf, for people.
fn newest_leaf_time(store: &Store) -> String {
    let nanos = i128::from(store.newest().as_nanos());
    jiff::Timestamp::from_nanosecond(nanos).map_or_else(|_| "an unknown time".into(), |at| format!("{at:.0}"))
}
