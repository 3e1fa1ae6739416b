//! For tests and benches only: packet builders, capture writers, the scenario runner, and the sample hospital.
//!
//! Nothing here ships. Builders make what the standards say; what real software says comes from real captures.
#![expect(clippy::indexing_slicing, reason = "runs in tests only, where a panic is a failed test")]

pub mod packet;
pub mod schema;
