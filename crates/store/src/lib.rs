//! Persistence: one write path, rows in an encrypted database, and a ledger that answers for every row.
//!
//! The store decides nothing. It is synchronous and belongs on threads that may block; it never runs inside an async task.

mod about;
pub mod backup;
pub mod block;
pub mod cursors;
pub mod db;
pub mod decisions;
pub mod device_facts;
pub mod device_talks;
pub mod devices;
pub mod edits;
pub mod endpoints;
mod error;
pub mod exceptions;
pub mod happenings;
pub mod leaf;
pub mod ledger;
mod listing;
pub mod migration;
pub mod notes;
mod read;
pub mod reports;
pub mod retention;
mod store;
pub mod table;
pub mod talks;
pub mod tasks;
pub mod timeline;
pub mod tx;
pub mod vault;
pub mod verify;
pub mod views;
pub mod windows;
pub mod word;
pub mod zones;

pub use error::{Result, StoreError};
pub use read::{Cursor, Page, Readers, Scope};
pub use store::{Committed, DATABASE_FILE, Fault, Place, Store};
pub use tx::Tx;
