//! Every capture is read: without a panic, under a memory cap, malformed and attacks too.

use crate::support;
use std::collections::BTreeMap;

/// Peak resident memory of the whole run.
const RSS_MIB_MAX: u64 = 512;

#[test]
fn every_capture_is_read_under_a_memory_cap() {
    let Some(corpus) = support::corpus("every_capture_is_read_under_a_memory_cap") else { return };
    let mut sets: BTreeMap<String, (u64, u64, u64, u64, u64)> = BTreeMap::new();
    let base = corpus.join("pcap");
    for path in support::captures_below(&base) {
        let set = path.strip_prefix(&base).unwrap().components().next().unwrap();
        let row = sets.entry(set.as_os_str().to_string_lossy().into_owned()).or_default();
        row.0 += 1;
        match ward::capture::open_file(&path) {
            Err(error) => {
                row.1 += 1;
                assert!(error.to_string().len() > 10, "{}: {error}", path.display());
            }
            Ok(mut capture) => {
                let read = support::read(capture.as_mut());
                row.2 += read.counters.frames;
                row.3 += read.resolved.devices.len() as u64;
                row.4 += read.resolved.coverage.unparsed.iter().map(|u| u.count).sum::<u64>();
                assert_eq!(read.resolved.coverage.frames, read.counters.frames, "{}", path.display());
            }
        }
    }
    eprintln!(
        "{:22} {:>6} {:>9} {:>9} {:>8} {:>9}",
        "set", "files", "unopened", "packets", "devices", "unparsed"
    );
    for (set, (files, unopened, packets, devices, unparsed)) in &sets {
        eprintln!("{set:22} {files:>6} {unopened:>9} {packets:>9} {devices:>8} {unparsed:>9}");
    }
    let packets: u64 = sets.values().map(|row| row.2).sum();
    assert!(packets > 100_000, "only {packets} packets were read");
    if let Some(peak) = support::peak_rss_mib() {
        eprintln!("peak memory {peak} MiB of {RSS_MIB_MAX}");
        assert!(peak <= RSS_MIB_MAX, "peak memory was {peak} MiB");
    }
}
