//! The store from the outside: one contract, held by both engines.
//!
//! PostgreSQL's half needs a server: `cargo xtask test` starts one and says where in `WARD_TEST_POSTGRES`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that fails should stop, and a skipped one should say so"
)]
#![allow(unreachable_pub, reason = "modules of one test binary")]

mod backup;
mod contract;
mod edits;
mod migrations;
mod nouns;
mod past;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;
mod support;
mod writes;
