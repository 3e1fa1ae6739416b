//! What a process cost: processor time and largest memory, as the kernel counted them.
//!
//! `xtask measure` is a process of its own with one child, so that the kernel's sums over "children" are that child's.

use anyhow::{Context as _, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// One run of a tool.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) user_s: f64,
    pub(crate) system_s: f64,
    pub(crate) wall_s: f64,
    pub(crate) rss_kib: u64,
    /// It exited with 0.
    pub(crate) ok: bool,
    /// The last thing it complained of.
    pub(crate) complaint: String,
}

impl Measured {
    /// Processor seconds, user and system.
    pub(crate) fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }

    pub(crate) fn shown(&self, capture: &super::capture::Capture) -> String {
        let per_packet = self.cpu_s() * 1e9 / capture.packets.max(1) as f64;
        let verdict = if self.ok { String::new() } else { format!("  FAILED: {}", self.complaint) };
        let rss_mib = self.rss_kib / 1024;
        format!(
            "{:.2} s CPU, {:.2} s wall, {rss_mib} MiB, {per_packet:.0} ns/packet{verdict}",
            self.cpu_s(),
            self.wall_s
        )
    }
}

/// Runs `command` under `xtask measure`.
pub(super) fn run(command: &[String]) -> Result<Measured> {
    let this = std::env::current_exe().context("where am I?")?;
    let output = Command::new(this)
        .arg("measure")
        .args(command)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not measure {}", command.join(" ")))?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<f64> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [user_s, system_s, wall_s, rss_kib, code] = *numbers.as_slice() else {
        anyhow::bail!(
            "could not measure {}: {}",
            command.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    };
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let complaint = complaints.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("").trim().to_owned();
    Ok(Measured { user_s, system_s, wall_s, rss_kib: rss_kib as u64, ok: code == 0.0, complaint })
}

/// `xtask measure PROGRAM ARGUMENT…`: runs it, its output thrown away, and prints user s, system s, wall s, KiB, exit code.
pub(crate) fn measure(command: &[String]) -> Result<bool> {
    let (program, arguments) = command.split_first().context("measure what?")?;
    ensure!(Path::new(program).is_absolute(), "{program}: give the whole path");
    let start = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("could not start {program}"))?;
    let wall_s = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("getrusage")?;
    let seconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1e6;
    println!(
        "{} {} {wall_s} {} {}",
        seconds(usage.user_time()),
        seconds(usage.system_time()),
        usage.max_rss(),
        status.code().unwrap_or(-1)
    );
    Ok(true)
}
