//! Ward from the outside: through its public interface only.
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

mod acts_cli;
mod backup_cli;
mod capture_file;
mod capture_live;
mod cli;
mod config;
mod corpus;
mod demo_console;
mod doctor;
mod faults;
mod honesty;
mod json_schema;
mod keys;
mod kill;
mod ledger_cli;
mod phi;
mod sample;
mod scenarios;
mod source;
mod support;
mod up;
mod witness;
