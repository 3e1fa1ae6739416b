//! Persistence: one write path, rows in an encrypted database, and a ledger that answers for every row.
//!
//! The store decides nothing. It is synchronous and belongs on threads that may block; it never runs inside an async task.

pub mod block;
pub mod db;
mod error;
pub mod leaf;
pub mod migration;
pub mod retention;
mod store;
pub mod table;
pub mod tx;
pub mod vault;

pub use error::{Result, StoreError};
pub use store::{Committed, DATABASE_FILE, Fault, Place, Store};
pub use tx::Tx;
