//! Persistence: one write path, rows in an encrypted database, and a ledger that answers for every row.
//!
//! The store decides nothing. It is synchronous and belongs on threads that may block; it never runs inside an async task.

pub mod backup;
pub mod block;
pub mod cursors;
pub mod db;
pub mod decisions;
pub mod devices;
pub mod endpoints;
mod error;
pub mod happenings;
pub mod leaf;
pub mod ledger;
pub mod migration;
pub mod past;
mod read;
pub mod retention;
mod store;
pub mod table;
pub mod talks;
pub mod tx;
pub mod vault;
pub mod verify;
pub mod word;
pub mod zones;

pub use error::{Result, StoreError};
pub use read::{Cursor, Page, Readers, Scope};
pub use store::{Committed, DATABASE_FILE, Fault, Place, Store};
pub use tx::Tx;
