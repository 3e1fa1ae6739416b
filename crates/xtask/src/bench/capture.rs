//! The captures that the tools read: one large, its head, and the pair that shows growth.

use super::tools::{Reads, Tool};
use crate::run::{first_line, run, target_dir};
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packets of the head, for tools that are slow.
const HEAD_PACKETS: u64 = 500_000;
/// What a packet takes in a mixed capture, in bytes, rounded up.
const PACKET_BYTES: u64 = 400;
/// Memory that must stay free beside captures in it, in KiB.
const MEMORY_KIB_MIN: u64 = 4 * 1024 * 1024;

/// A capture file.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) packets: u64,
    /// Bytes of frames.
    pub(crate) bytes: u64,
}

/// The large capture and its head.
pub(super) struct Captures {
    big: Capture,
    mid: Capture,
    /// What the mixer said of its classes.
    mix: Vec<String>,
}

impl Captures {
    /// What a tool is given to read.
    pub(super) fn for_tool(&self, tool: &Tool) -> Vec<&Capture> {
        match tool.reads {
            Reads::Both => vec![&self.big, &self.mid],
            Reads::Big => vec![&self.big],
            Reads::Mid => vec![&self.mid],
        }
    }

    /// The first packets of the large capture.
    pub(super) const fn head(&self) -> &Capture {
        &self.mid
    }

    /// Lines that say what was read.
    pub(super) fn about(&self) -> Result<Vec<String>> {
        let mut about = Vec::new();
        for capture in [&self.big, &self.mid] {
            let sum = first_line("sha256sum", &[&capture.path.to_string_lossy()]);
            let sum = sum.split_whitespace().next().unwrap_or("").to_owned();
            let mean = capture.bytes as f64 / capture.packets.max(1) as f64;
            about.push(format!(
                "`{}`: {} packets, {} bytes of frames, mean {mean:.1}, sha256 `{sum}`",
                capture.name, capture.packets, capture.bytes
            ));
        }
        about.push(format!("mix: {}", self.mix.join("; ")));
        Ok(about)
    }

    pub(super) fn remove(&self, keep: bool) {
        for capture in [&self.big, &self.mid] {
            if keep {
                println!("kept {}", capture.path.display());
            } else {
                let _ = std::fs::remove_file(&capture.path);
            }
        }
    }
}

/// In memory when there is room for the captures, else in target/.
pub(super) fn place(packets: u64) -> PathBuf {
    let free = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = free
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.split_whitespace().next()?.parse().ok());
    let needed_kib = packets * 2 * PACKET_BYTES / 1024 + MEMORY_KIB_MIN;
    if available.is_some_and(|available: u64| available > needed_kib) && Path::new("/dev/shm").is_dir() {
        PathBuf::from(format!("/dev/shm/ward-bench-{}", std::process::id()))
    } else {
        PathBuf::from("target/bench")
    }
}

/// What the mixer is asked for.
struct Order<'a> {
    name: &'static str,
    path: PathBuf,
    packets: u64,
    window_s: u64,
    /// Sets of hosts that the copies of a session share.
    host_sets: u64,
    /// The first packets, also as a file of their own.
    head: Option<(u64, &'a Path)>,
    /// Only sessions of this class.
    only: Option<&'a str>,
}

pub(super) fn main_pair(root: &Path, out: &Path, packets: u64, window_s: u64) -> Result<Captures> {
    let mid = out.join("mid.pcap");
    let head = HEAD_PACKETS.min(packets);
    let order = Order {
        name: "big",
        path: out.join("big.pcap"),
        packets,
        window_s,
        host_sets: 8,
        head: Some((head, &mid)),
        only: None,
    };
    let (big, mix) = mixed(root, order)?;
    let bytes = std::fs::metadata(&mid).context("the head was not written")?.len() - 24 - 16 * head;
    Ok(Captures { big, mid: Capture { name: "mid", path: mid, packets: head, bytes }, mix })
}

/// One set of hosts, so that a longer capture has the same ones.
pub(super) fn single(root: &Path, out: &Path, packets: u64, window_s: u64) -> Result<Capture> {
    let path = out.join("long.pcap");
    let order = Order { name: "long", path, packets, window_s, host_sets: 1, head: None, only: None };
    Ok(mixed(root, order)?.0)
}

/// Sessions of one class.
pub(super) fn of_class(root: &Path, out: &Path, class: &str, packets: u64) -> Result<Capture> {
    let path = out.join(format!("{class}-{packets}.pcap"));
    let only = Some(class);
    let order = Order { name: "class", path, packets, window_s: 60, host_sets: 1, head: None, only };
    Ok(mixed(root, order)?.0)
}

/// Runs the mixer on the corpus when there is one, and on our samples otherwise.
fn mixed(root: &Path, order: Order<'_>) -> Result<(Capture, Vec<String>)> {
    let mut command = Command::new(target_dir(root).join("release/pcapmix"));
    command.arg(&order.path);
    for (name, value) in
        [("--packets", order.packets), ("--window", order.window_s), ("--hosts", order.host_sets)]
    {
        command.args([name, &value.to_string()]);
    }
    match std::env::var_os("WARD_CORPUS") {
        Some(corpus) => command.arg("--corpus").arg(Path::new(&corpus).join("pcap")),
        None => {
            println!("WARD_CORPUS is not set: made-up medical sessions and data/samples only");
            let samples = root.join("data/samples");
            if samples.is_dir() { command.arg("--samples").arg(samples) } else { &mut command }
        }
    };
    if let Some(class) = order.only {
        command.args(["--only", class]);
    }
    if let Some((packets, path)) = order.head {
        command.args(["--head", &packets.to_string()]).arg(path);
    }
    let told = run(&mut command)?;
    ensure!(told.ok, "the capture could not be mixed");
    let number = |key: &str| {
        let words = told.output.split_whitespace();
        words
            .filter_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
            .next_back()
            .unwrap_or(0)
    };
    let classes =
        told.output.lines().filter(|line| line.contains("copies each")).map(str::to_owned).collect();
    let capture =
        Capture { name: order.name, path: order.path, packets: number("packets"), bytes: number("bytes") };
    Ok((capture, classes))
}
