//! A device for unit tests; `tests/it/crowd.rs` makes whole hospitals.

use super::{Entry, FindingCounts};
use model::{DeviceId, Protocol, Timestamp};

/// Device `number`, which says nothing of itself.
pub(crate) fn plain(number: u8) -> Entry {
    Entry {
        id: DeviceId(0x00f1_0000_0000_0000 + u64::from(number)),
        key: format!("0|02:00:00:00:00:{number:02x}").into(),
        name: None,
        vendor: None,
        manufacturer: None,
        model: None,
        serial: None,
        asset: None,
        software: None,
        os: None,
        says: None,
        kind: None,
        location: None,
        class: None,
        zone: None,
        reviewed: false,
        is_router: false,
        behind: None,
        macs: vec![format!("02:00:00:00:00:{number:02x}").parse().unwrap()],
        ips: vec![format!("10.0.0.{number}").parse().unwrap()],
        vlans: vec![20],
        protocols: vec![Protocol::Dhcpv4],
        tags: Vec::new(),
        conflicts: Vec::new(),
        findings: FindingCounts::default(),
        phi_in_clear: false,
        first_seen: Timestamp::from_secs(1_795_000_000),
        last_seen: Timestamp::from_secs(1_795_357_000),
    }
}
