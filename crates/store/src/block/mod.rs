//! Records in compact blocks: what a micro-batch commits, and the flow history (docs/design/0006-record-blocks.md).
//!
//! Columns with dictionaries, lossless for every record. Reading is total: it neither panics nor takes more memory than
//! [`RECORDS_MAX`] records need, whatever the bytes. Version 1 is specified in docs/design/0006-record-blocks.md and never
//! changes.

mod bytes;
mod column;
mod decode;
mod dictionary;
mod encode;
mod group;
mod number;
#[cfg(test)]
mod tests;

use crate::error::StoreError;
use thiserror::Error;

pub use decode::decode;
pub use encode::encode;

/// First byte of a block: the version of its layout.
pub const VERSION: u8 = 1;
/// Records in one block.
pub const RECORDS_MAX: usize = 100_000;
/// Lines of all Coverage records of one block together: what could not be read, and VLANs.
pub const LINES_MAX: usize = 1 << 20;
/// Bytes of all different texts of one block together.
pub const TEXT_BYTES_MAX: usize = 64 << 20;

/// Why bytes are not a block that this build reads.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BlockError {
    /// Nothing there.
    #[error("the block is empty")]
    Empty,
    /// Written by a later build, or no block at all.
    #[error(
        "the block has layout {found}, this ward reads {VERSION}: a newer ward wrote it, or it is no block"
    )]
    Version {
        /// First byte.
        found: u8,
    },
    /// Ends too early.
    #[error("the block is cut off at byte {at}")]
    Cut {
        /// Offset at which more was needed.
        at: usize,
    },
    /// Says something that it cannot.
    #[error("the block is malformed at byte {at}: {what}")]
    Malformed {
        /// Offset behind what was read.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// More than a block may hold.
    #[error("the block holds {found} {what}, at most {most} are read")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// As declared.
        found: u64,
        /// The bound.
        most: usize,
    },
    /// Names something that this build does not know.
    #[error("the block names {what} `{name}`, which this ward does not know: a newer ward wrote it")]
    Unknown {
        /// Kind of thing.
        what: &'static str,
        /// Number or name, capped.
        name: String,
    },
}

impl From<BlockError> for StoreError {
    fn from(error: BlockError) -> Self {
        Self::damaged(error.to_string())
    }
}
