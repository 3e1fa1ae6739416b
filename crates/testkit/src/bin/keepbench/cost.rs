//! What work costs: wall and processor time, bytes handed to the disk, memory; as the kernel counts them.

use anyhow::{Context as _, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::ops::AddAssign;
use std::path::Path;
use std::time::Instant;

/// What some work cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
    pub(crate) written: f64,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.wall_s += other.wall_s;
        self.cpu_s += other.cpu_s;
        self.written += other.written;
    }
}

/// Does `work`; what it gave and cost.
pub(crate) fn of<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Cost)> {
    let (written, cpu, begun) = (written()?, cpu_s()?, Instant::now());
    let done = work()?;
    let wall_s = begun.elapsed().as_secs_f64();
    Ok((done, Cost { wall_s, cpu_s: cpu_s()? - cpu, written: self::written()? - written }))
}

/// Processor seconds of this process, user and system.
pub(crate) fn cpu_s() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).context("getrusage")?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(micros as f64 / 1e6)
}

/// Bytes that this process handed to the disk.
fn written() -> Result<f64> {
    field("/proc/self/io", "write_bytes:")
}

/// Memory of this process now, bytes.
pub(crate) fn memory() -> Result<f64> {
    Ok(field("/proc/self/status", "VmRSS:")? * 1024.0)
}

fn field(file: &str, name: &str) -> Result<f64> {
    let told = std::fs::read_to_string(file)?;
    let line = told.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("{file} has no {name}"))
}

/// Bytes of a file; 0 where there is none.
pub(crate) fn length(path: &Path) -> f64 {
    std::fs::metadata(path).map_or(0.0, |found| found.len() as f64)
}
