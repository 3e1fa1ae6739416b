//! Frames → records. Dissects headers, follows flows, reassembles TCP, probes by content, reads messages, and says what
//! they tell about the endpoints that sent them.
//!
//! Pure: no files, sockets, clock or randomness; times come with the frames and the hash seed from the caller. This
//! crate knows endpoints, never devices: that an address is a pump is for `judge` to say.

mod activity;
mod dedupe;
mod emit;
mod frame;
pub mod observe;

pub use emit::{Emitter, FACT_VALUE_BYTES_MAX};
pub use frame::{Frame, LinkType};
