//! The ledger's pages for others' clients, out of the store.

use serve::ServeError;
use serve::ledger::LedgerPages;
use std::sync::Arc;
use store::{Readers, ledger};

/// Pages over the pool of readers.
pub(super) struct Pages(pub(super) Arc<Readers>);

impl LedgerPages for Pages {
    fn checkpoint(&self) -> Result<Option<String>, ServeError> {
        Ok(self.0.read(ledger::newest)?.map(|checkpoint| checkpoint.note))
    }

    fn tile(&self, level: u8, number: u64, width: u16) -> Result<Option<Vec<u8>>, ServeError> {
        Ok(self.0.read(|db| ledger::tile(db, level, number, width))?)
    }

    fn entries(&self, number: u64, width: u16) -> Result<Option<Vec<u8>>, ServeError> {
        Ok(self.0.read(|db| ledger::entries(db, number, width))?)
    }
}
