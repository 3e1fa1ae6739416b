//! Serve from the outside: over real sockets, with other people's clients where there are any.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test that fails should stop, and a skipped one should say so"
)]
#![allow(unreachable_pub, reason = "one binary: what its modules share is public among them")]

mod conformance;
mod control;
mod crowd;
mod device;
mod devices;
mod guards;
mod health;
mod house;
mod http;
mod independent;
mod listener;
mod memory_log;
mod metrics;
mod network;
mod nouns;
mod now;
mod openapi;
mod prove;
mod slow;
mod zones;
