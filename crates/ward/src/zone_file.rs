//! The system's table of a time zone (tzdata, RFC 9636), by its IANA name.

use std::io::Read as _;
use std::path::{Component, Path};

/// Where the system keeps its time zones.
const ZONES: &str = "/usr/share/zoneinfo";
/// Bytes of the largest time zone that is read.
const ZONE_BYTES_MAX: u64 = 1 << 20;

/// The bytes of its file; `None` where the system does not know the name (`ward doctor` says so).
pub fn read(name: &str) -> Option<Vec<u8>> {
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let file = std::fs::File::open(Path::new(ZONES).join(name)).ok()?;
    let mut bytes = Vec::new();
    file.take(ZONE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
