//! What can go wrong between Ward and its store, by who has to act.

use thiserror::Error;

/// Failure of the store.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds the store.
    #[error(
        "{store} is in use by another ward (its lock is held): stop that one first, or give this one its own folder"
    )]
    InUse {
        /// Folder or database.
        store: String,
    },
    /// The key does not open the database, or the file is no database at all.
    #[error(
        "{store} does not open with this key: wrong keyring or key-encryption key, or the file is not a Ward store"
    )]
    WrongKey {
        /// The database.
        store: String,
    },
    /// The database holds what it cannot have been given.
    #[error(
        "the store is damaged: {what}; restore a backup with `ward restore`, or see `ward ledger verify` for what is lost"
    )]
    Damaged {
        /// Which page, table or row.
        what: String,
    },
    /// The database was written by a newer Ward.
    #[error(
        "the store has schema {found}, this ward knows {known}: run the newer ward, or restore a backup made by this one"
    )]
    NewerSchema {
        /// Version found.
        found: i64,
        /// Version this build writes.
        known: i64,
    },
    /// No room left.
    #[error(
        "no room left for the store ({detail}): free space; nothing acknowledged is lost, and Ward goes on by itself"
    )]
    Full {
        /// The engine's words.
        detail: String,
    },
    /// The medium cannot be written.
    #[error("the store cannot be written ({detail}): make its folder or database writable for this user")]
    ReadOnly {
        /// The engine's words.
        detail: String,
    },
    /// The medium or the connection failed.
    #[error("the store cannot be reached: {detail}")]
    Unreachable {
        /// The engine's words.
        detail: String,
    },
    /// What was asked for cannot be: an argument is wrong.
    #[error("{0}")]
    Refused(String),
    /// Whether the last commit is stored is not known; the store must be reopened before it is written again.
    #[error("the last commit was reported failed ({detail}); the store is read again before it goes on")]
    Unsure {
        /// The engine's words.
        detail: String,
    },
    /// A statement of ours is wrong.
    #[error("the store did not understand us: {detail}")]
    Ours {
        /// The engine's words.
        detail: String,
    },
    /// A backup cannot be used.
    #[error("{0}")]
    Backup(String),
    /// Encryption, signing or the tree failed.
    #[error("{0}")]
    Trust(String),
}

impl StoreError {
    /// Whether the same act may succeed later without anybody changing it.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Full { .. } | Self::ReadOnly { .. } | Self::Unreachable { .. } | Self::Unsure { .. }
        )
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// Result of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
