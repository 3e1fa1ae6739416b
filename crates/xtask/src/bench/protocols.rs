//! `cargo xtask bench protocols`: what one more packet of each class costs, so that a regression has an address.
//!
//! Instructions are counted by valgrind's callgrind, which gives the same number for the same binary and input, whatever
//! else the machine does. Two captures of a class are read, one three times as long: the difference is free of what every
//! run costs (starting, the vendor registry, the report's frame).

use super::{Request, capture, measure, report, tools};
use crate::run::{first_line, target_dir};
use crate::tidy;
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::Command;
use testkit::mix::CLASSES;

/// Packets of the shorter capture under callgrind.
const COUNTED_PACKETS: u64 = 20_000;
/// Packets of the capture that is timed.
const TIMED_PACKETS: u64 = 400_000;
const MARKERS: (&str, &str) = ("<!-- bench protocols: begin -->", "<!-- bench protocols: end -->");

pub(super) fn protocols(request: &Request) -> Result<bool> {
    let root = tidy::root()?;
    tools::build(&root)?;
    std::fs::create_dir_all(&request.out)?;
    let ward = target_dir(&root).join("release/ward");
    let has_valgrind = first_line("valgrind", &["--version"]).starts_with("valgrind");
    let mut table = String::from("| class | instructions a packet | ns a packet, CPU |\n|---|---|---|\n");
    for (class, _) in CLASSES {
        let instructions = match has_valgrind {
            true => format!("{:.0}", counted(&root, &request.out, &ward, class)?),
            false => "valgrind is not installed".to_owned(),
        };
        let nanos = timed(&root, request, &ward, class)?;
        table.push_str(&format!("| {class} | {instructions} | {nanos:.0} |\n"));
    }
    let _ = std::fs::remove_dir(&request.out);
    let head = "`cargo xtask bench protocols`: one more packet of each class, whole scan, one thread. Instructions repeat; times move \
                with the machine.";
    let block = format!("{head}\n\n{table}");
    println!("{block}");
    report::write_between(&root, MARKERS, &block)?;
    Ok(true)
}

/// Instructions that one more packet costs.
fn counted(root: &Path, out: &Path, ward: &Path, class: &str) -> Result<f64> {
    let mut points = Vec::new();
    for packets in [COUNTED_PACKETS, 3 * COUNTED_PACKETS] {
        let capture = capture::of_class(root, out, class, packets)?;
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(ward);
        command.args(["scan", "--threads", "1", "--quiet", "--json"]).arg(&capture.path);
        let told = command.output().context("could not start valgrind")?;
        let _ = std::fs::remove_file(&capture.path);
        ensure!(told.status.success(), "callgrind failed on {class}");
        let complaints = String::from_utf8_lossy(&told.stderr);
        let count = |line: &str| line.split_once("Collected : ")?.1.trim().parse::<f64>().ok();
        let collected = complaints.lines().rev().find_map(count);
        points.push((capture.packets, collected.context("callgrind told no count")?));
    }
    let [(few, less), (many, more)] = points.as_slice() else { return Ok(0.0) };
    ensure!(many > few, "{class}: the longer capture is not longer");
    Ok((more - less) / (many - few) as f64)
}

/// CPU nanoseconds a packet, median of the rounds.
fn timed(root: &Path, request: &Request, ward: &Path, class: &str) -> Result<f64> {
    let capture = capture::of_class(root, &request.out, class, TIMED_PACKETS)?;
    let mut command = vec![ward.to_string_lossy().into_owned()];
    command.extend(["scan", "--threads", "1", "--quiet", "--json"].map(str::to_owned));
    command.push(capture.path.to_string_lossy().into_owned());
    let mut nanos = Vec::new();
    for _ in 0..request.rounds {
        let measured = measure::run(&command)?;
        ensure!(measured.ok, "ward failed on {class}: {}", measured.complaint);
        nanos.push(measured.cpu_s() * 1e9 / capture.packets.max(1) as f64);
    }
    let _ = std::fs::remove_file(&capture.path);
    nanos.sort_by(f64::total_cmp);
    Ok(nanos.get(nanos.len() / 2).copied().unwrap_or(0.0))
}
