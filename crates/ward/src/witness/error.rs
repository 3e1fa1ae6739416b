//! What keeps a witness from starting or answering, by who has to act.

use std::io;
use std::path::Path;
use thiserror::Error;

/// Why the witness does not start, or does not cosign.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// The configuration asks for what cannot be. The operator's to fix.
    #[error("{0}")]
    Settings(String),
    /// A file cannot be read or written. The operator's to fix, or the disk's.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// The system's words.
        source: io::Error,
    },
    /// Others may read the private key.
    #[error(
        "{path} is open to others (mode {mode:03o}): chmod 600 it, and make a new key if others may have read it"
    )]
    Open {
        /// The key's file.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// The file is not a witness's private key.
    #[error("{path} is not a witness's key: {why}; `ward witness --new-key` makes one")]
    Key {
        /// The key's file.
        path: String,
        /// What is wrong; nothing of the key itself.
        why: String,
    },
    /// The key has cosigned before, or may have: what, is not known any more.
    #[error(
        "{path} is missing: without it this witness does not know what it cosigned, and must not sign with this key again. Put the \
         file back, or make a new key in a new folder with `ward witness --new-key` and give its verifier key to the logs"
    )]
    Forgotten {
        /// The state's file.
        path: String,
    },
    /// The state is not what was written.
    #[error(
        "{path} is damaged: {why}. This witness does not start from nothing: put back the newest copy only if it is not older than \
         the last cosignature, else make a new key in a new folder with `ward witness --new-key`"
    )]
    Damaged {
        /// The state's file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Another witness works on the same folder.
    #[error("{folder} is in use by another witness: two of them could cosign two histories")]
    InUse {
        /// The folder.
        folder: String,
    },
    /// Signing failed.
    #[error("the witness cannot sign: {0}")]
    Signing(#[from] trust::tlog::Error),
}

impl WitnessError {
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }

    /// Whether the same request may succeed later without anybody changing it.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::File { .. })
    }
}
