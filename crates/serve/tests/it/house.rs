//! A house for tests of pages and API: a store of its own, a writer, and devices of which some say hostile things.

use model::{DeviceId, Protocol, SiteId, Timestamp};
use serve::house::{Desk, Plan, SiteInfo};
use serve::inventory::{Change, Entry, FindingCounts, Inventory};
use serve::network::Network;
use serve::stream::Stream;
use serve::when::Zone;
use serve::{House, Router};
use std::sync::{Arc, Mutex};
use store::{Place, Readers, Store, StoreError};

/// When it is, in these tests: 22 November 2026, 14:20 UTC.
pub const NOW: Timestamp = Timestamp::from_secs(1_795_357_200);

/// Words that must come out as text wherever they are shown.
pub const HOSTILE: &str = "\"><script>alert(1)</script>&amp;{{7*7}}'";

/// A writer without a core: it commits and draws nothing anew.
pub struct Writer(Mutex<Store>);

impl Desk for Writer {
    fn write(&self, plan: Plan) -> Result<serde_json::Value, StoreError> {
        let mut store = self.0.lock().unwrap();
        let planned = plan(&mut store, NOW)?;
        if let Some(tx) = planned.tx {
            store.commit(tx)?;
        }
        Ok(planned.answer)
    }

    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A house and the folder it lives in.
pub struct Built {
    pub house: House,
    _folder: tempfile::TempDir,
}

impl Built {
    /// With these devices.
    pub fn with(entries: Vec<Entry>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::folder(folder.path(), [3; 32]);
        let store = Store::open(place.clone(), NOW).unwrap();
        let inventory = Arc::new(Inventory::new());
        inventory.apply(entries.into_iter().map(|entry| Change::Is(Box::new(entry))).collect());
        let site = SiteInfo {
            id: SiteId(0),
            name: format!("St Brannoc's {HOSTILE}"),
            zone: Zone::UTC,
            notice: None,
            sources: Vec::new(),
            origin: "ward.example/test".into(),
        };
        let house = House::new(
            site,
            (inventory, Arc::new(Network::new())),
            Arc::new(Readers::new(place, 2)),
            Arc::new(Writer(Mutex::new(store))),
            Arc::new(crate::control::Quiet),
            Arc::new(Stream::new()),
        );
        Self { house, _folder: folder }
    }

    /// Its pages and its API.
    pub fn router(&self) -> Router {
        serve::rooms(self.house.clone())
    }
}

/// Device `number`, which says nothing of itself.
pub fn plain(number: u8) -> Entry {
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

/// Device `number`, every word of which is hostile.
pub fn hostile(number: u8) -> Entry {
    let word = || Some(HOSTILE.into());
    Entry {
        name: word(),
        vendor: word(),
        manufacturer: word(),
        model: word(),
        serial: word(),
        asset: word(),
        software: word(),
        os: word(),
        says: word(),
        kind: word(),
        location: word(),
        zone: word(),
        tags: vec![HOSTILE.into()],
        ..plain(number)
    }
}

#[test]
fn every_page_that_is_not_there_says_so() {
    let built = Built::with(vec![plain(1), hostile(2)]);
    let server = crate::http::Server::start(built.router());
    let page = crate::http::get(&server, "/no/such/page");
    assert_eq!(page.status, 404);
    assert!(page.text().contains("there is no page here") && !page.text().contains("<script>alert"));
    let problem = crate::http::get(&server, "/api/v1/no-such-thing");
    assert_eq!((problem.status, problem.header("content-type")), (404, "application/problem+json"));
}
