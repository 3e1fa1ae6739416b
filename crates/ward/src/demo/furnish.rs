//! What people at St Brannoc's have done in the console already: zones, tags, tasks, notes.

use anyhow::Result;
use serve::House;

/// Does it, by the same plans as the pages.
///
/// # Errors
/// Those of the store.
pub fn furnish(_house: &House) -> Result<()> {
    Ok(())
}
