//! The smoke run: requests, material, mutation, the worker process and its supervisor.

mod material;
mod mutate;
mod request;
mod supervisor;
mod worker;

pub(crate) use material::export;
pub(crate) use request::Request;
pub(crate) use supervisor::supervise;
pub(crate) use worker::{run_file, work};

use std::path::PathBuf;

/// Slower than this on one input, in milliseconds, three times in a row: reported as a hang.
const INPUT_MS_MAX: u64 = 1_000;
/// Not back after this, in milliseconds: the worker is ended and the input reported.
const STUCK_MS: u64 = 20_000;
/// Memory of a worker, in KiB of address space. A parser borrows; its target needs next to nothing.
const WORKER_KIB_MAX: u64 = 1024 * 1024;
/// A worker says how far it is every so many milliseconds.
const HEARTBEAT_MS: u64 = 500;

/// What a worker's exit code means.
mod exit {
    pub(super) const STUCK: i32 = 3;
}

/// The folder of this crate.
fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
