//! Frames → records. Dissects headers, follows flows, reassembles TCP, probes by content, reads messages, and says what
//! they tell about the endpoints that sent them.
//!
//! Pure: no files, sockets, clock or randomness; times come with the frames and the hash seed from the caller. This
//! crate knows endpoints, never devices: that an address is a pump is for `judge` to say.

mod activity;
mod dedupe;
mod dissect;
mod emit;
mod engine;
mod flow;
mod frame;
pub mod observe;
mod probe;
#[cfg(test)]
mod tests;

pub use emit::{Emitter, FACT_VALUE_BYTES_MAX};
pub use engine::{Config, Engine, FLOWS_MAX_DEFAULT};
pub use frame::{Frame, LinkType};
