//! What several of these tests share: one capture through the whole line.

use judge::inventory::{Inventory, Resolved, SiteNetworks, VendorRegistry};
use model::Record;
use sense::{Config, Engine};
use std::path::{Path, PathBuf};
use ward::capture::{Block, Capture, Counters, Progress};
use ward::report::SourceRead;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The corpus, where there is one. Without it the test says so and passes; where it must run, `cargo xtask test` checks.
pub(crate) fn corpus(test: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("WARD_CORPUS").map(PathBuf::from).filter(|folder| folder.join("pcap").is_dir());
    if folder.is_none() {
        eprintln!("SKIPPED {test}: WARD_CORPUS names no folder with pcap/ in it");
    }
    folder
}

/// Everything one capture yields.
pub(crate) struct Read {
    pub(crate) records: Vec<Record>,
    pub(crate) resolved: Resolved,
    pub(crate) counters: Counters,
}

/// Reads a capture to its end through engine and inventory, alone and with a fixed seed.
pub(crate) fn read(capture: &mut dyn Capture) -> Read {
    let mut engine = Engine::new(Config { seed: 7, ..Config::default() });
    let (mut block, mut records) = (Block::new(), Vec::new());
    while capture.next_block(&mut block).unwrap() != Progress::End {
        block.frames().for_each(|frame| engine.frame(&frame));
        engine.drain_into(&mut records);
    }
    let counters = capture.counters();
    engine.finish(counters.dropped);
    engine.drain_into(&mut records);
    let mut inventory = Inventory::new(7);
    records.iter().for_each(|record| inventory.fold(record));
    let resolved = inventory.resolve(&SiteNetworks::default(), &vendors());
    Read { records, resolved, counters }
}

/// The registry that ships.
pub(crate) fn vendors() -> VendorRegistry {
    let tsv = std::fs::read_to_string(root().join("third_party/ieee-oui/oui.tsv")).unwrap();
    VendorRegistry::load(tsv).unwrap()
}

/// The document a scan of this one capture would write.
pub(crate) fn document(name: &str, read: &Read) -> ward::report::Document {
    ward::report::build(
        &read.resolved,
        &[SourceRead { name: name.to_owned(), counters: read.counters.clone() }],
    )
}

/// Capture files below a folder, sorted.
pub(crate) fn captures_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if is_capture(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_capture(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    [".pcap", ".pcapng", ".cap", ".trace", ".dmp", ".pcap.gz", ".pcapng.gz"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Peak resident memory of this process so far, in MiB; `None` where the system does not say.
pub(crate) fn peak_rss_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}
