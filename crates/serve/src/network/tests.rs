use super::*;
use crate::inventory::{Change, Entry, FindingCounts};
use model::{Address, DeviceId};

const NOW: Timestamp = Timestamp::from_secs(1_795_357_200);

fn entry(number: u64, zone: Option<&str>, kind: Option<&str>) -> Entry {
    Entry {
        id: DeviceId(number),
        key: "".into(),
        name: Some(smol_str::format_smolstr!("device {number}")),
        says: None,
        vendor: None,
        manufacturer: None,
        model: None,
        serial: None,
        asset: None,
        software: None,
        os: None,
        kind: kind.map(Into::into),
        location: None,
        class: None,
        zone: zone.map(Into::into),
        reviewed: false,
        is_router: false,
        behind: None,
        macs: Vec::new(),
        ips: Vec::new(),
        vlans: Vec::new(),
        protocols: Vec::new(),
        tags: Vec::new(),
        conflicts: Vec::new(),
        findings: FindingCounts::default(),
        phi_in_clear: false,
        first_seen: NOW,
        last_seen: NOW,
    }
}

fn inventory(entries: impl IntoIterator<Item = Entry>) -> Inventory {
    let inventory = Inventory::new();
    inventory.apply(entries.into_iter().map(|entry| Change::Is(Box::new(entry))).collect());
    inventory
}

fn device(number: u64) -> TalkEnd {
    TalkEnd::Device(DeviceId(number))
}

fn address(text: &str) -> TalkEnd {
    TalkEnd::Address(Address::Ip(text.parse().unwrap()))
}

fn heard(client: TalkEnd, server: TalkEnd, hours_ago: u32, bytes: u64) -> Heard {
    Heard {
        client,
        server,
        protocol: Protocol::Dicom,
        port: 104,
        hour: NOW.hour() - hours_ago,
        bytes,
        flows: 1,
    }
}

fn small() -> (Inventory, Network) {
    let inventory = inventory([
        entry(1, Some("ICU"), Some("monitor")),
        entry(2, Some("ICU"), Some("pump")),
        entry(3, Some("Radiology"), Some("CT")),
        entry(4, None, None),
    ]);
    let network = Network::new();
    network.apply(&[
        heard(device(1), device(3), 0, 1_000),
        heard(device(2), device(3), 5, 500),
        heard(device(3), address("203.0.113.9"), 0, 7),
        heard(device(4), address("224.0.0.251"), 50, 9),
        heard(device(4), address("10.9.9.9"), 0, 11),
        heard(device(99), device(1), 0, 13),
    ]);
    (inventory, network)
}

fn said(matrix: &Matrix) -> Vec<String> {
    let name = |at: usize| matrix.sides[at].0.title();
    matrix
        .said()
        .map(|(a, b, sum)| format!("{} > {}: {} in {}", name(a), name(b), sum.bytes, sum.talks))
        .collect()
}

#[test]
fn sides_are_zones_and_what_is_no_zone() {
    let (inventory, network) = small();
    let day = network.matrix(&inventory, Range::Day, NOW);
    let expected = [
        "ICU > Radiology: 1500 in 2",
        "Radiology > Internet: 7 in 1",
        "Unzoned > Unknown private addresses: 11 in 1",
        "Unknown private addresses > ICU: 13 in 1",
    ];
    assert_eq!(said(&day), expected);
    assert_eq!(said(&network.matrix(&inventory, Range::Hour, NOW))[0], "ICU > Radiology: 1000 in 1");
    let week = said(&network.matrix(&inventory, Range::Week, NOW));
    assert!(week.contains(&"Unzoned > Multicast and broadcast: 9 in 1".to_owned()), "{week:?}");
}

#[test]
fn a_picture_is_kept_until_something_changes() {
    let (inventory, network) = small();
    let first = network.matrix(&inventory, Range::Day, NOW);
    assert!(Arc::ptr_eq(&first, &network.matrix(&inventory, Range::Day, NOW)));
    network.apply(&[heard(device(1), device(3), 0, 4_000)]);
    assert_eq!(said(&network.matrix(&inventory, Range::Day, NOW))[0], "ICU > Radiology: 4500 in 2");
    inventory.apply(vec![Change::Is(Box::new(entry(2, Some("Pumps"), None)))]);
    assert_eq!(said(&network.matrix(&inventory, Range::Day, NOW))[0], "ICU > Radiology: 4000 in 1");
    let tomorrow = Timestamp::from_secs(NOW.as_nanos() / 1_000_000_000 + 86_400);
    assert_eq!(said(&network.matrix(&inventory, Range::Day, tomorrow)), Vec::<String>::new());
}

#[test]
fn a_map_has_a_bubble_for_each_kind_and_side() {
    let (inventory, network) = small();
    let map = network.map(&inventory, Range::Day, None, NOW);
    let names: Vec<String> =
        map.bubbles.iter().map(|one| format!("{}/{}", map.sides[one.side].0.title(), one.label)).collect();
    let expected = [
        "ICU/monitor",
        "ICU/pump",
        "Radiology/CT",
        "Unzoned/unknown type",
        "Unknown private addresses/Unknown private addresses",
        "Internet/Internet",
    ];
    assert_eq!(names, expected);
    assert_eq!(map.edges[0], (0, 2, Sum { bytes: 1_000, talks: 1 }));
    let zone = network.map(&inventory, Range::Day, Side::read("zone:ICU").as_ref(), NOW);
    let names: Vec<&str> = zone.bubbles.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(&names[..3], ["device 1", "device 2", "Radiology"]);
    assert_eq!(zone.edges.len(), 3, "only what touches the zone: {:?}", zone.edges);
}

#[test]
fn talks_are_paged_by_key_without_loss_or_repetition() {
    let inventory = inventory((0..40).map(|n| entry(n, Some(if n < 20 { "a" } else { "b" }), None)));
    let network = Network::new();
    for client in 0..20 {
        network.apply(&[heard(device(client), device(client + 20), 0, 100 + client / 4)]);
        network.apply(&[heard(device(client + 20), device(client), 0, 5)]);
    }
    let between = Between { from: Side::read("zone:a"), to: Side::read("zone:b"), ..Between::default() };
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = network.talks(&inventory, &between, (Range::Day, after.as_ref(), 7), NOW);
        let Some(last) = page.last() else { break };
        after = Some(last.after());
        seen.extend(page.iter().map(|one| (std::cmp::Reverse(one.bytes), one.client)));
    }
    assert_eq!(seen.len(), 20);
    assert!(seen.is_sorted());
    let of_one = Between { device: Some(DeviceId(3)), ..Between::default() };
    assert_eq!(network.talks(&inventory, &of_one, (Range::Day, None, 100), NOW).len(), 2);
    let nowhere = Between { from: Side::read("zone:gone"), ..Between::default() };
    assert_eq!(network.talks(&inventory, &nowhere, (Range::Day, None, 100), NOW), []);
}

#[test]
fn what_is_old_goes_and_its_place_is_found_again() {
    let (inventory, network) = small();
    network.apply(&[heard(device(1), device(2), 24 * 9, 1)]);
    assert_eq!(network.holding().pairs, 7);
    let _ = network.matrix(&inventory, Range::Week, NOW);
    let next_week = Timestamp::from_secs(NOW.as_nanos() / 1_000_000_000 + 7 * 86_400 - 3_600);
    let matrix = network.matrix(&inventory, Range::Week, next_week);
    assert_eq!(network.holding().pairs, 4, "what was said in this hour is left, and no more");
    assert_eq!(matrix.said().count(), 4);
    network.apply(&[heard(device(1), device(3), 0, 2_000)]);
    assert_eq!(network.holding().pairs, 4, "the same pair is found in its new place");
}

#[test]
fn sides_are_read_as_they_are_written() {
    for side in [Side::Zone("outside".into()), Side::Unzoned, Side::Outside, Side::Elsewhere, Side::Groups] {
        assert_eq!(Side::read(&side.token()), Some(side));
    }
    assert_eq!((Side::read("zone:"), Side::read("ICU")), (None, None));
}

/// 100,000 devices, 500,000 pairs.
pub(crate) fn large(devices: u64) -> (Inventory, Network) {
    const KINDS: [&str; 12] = [
        "Infusion pump",
        "Patient monitor",
        "Ventilator",
        "CT scanner",
        "Ultrasound",
        "Workstation",
        "Printer",
        "IP camera",
        "Analyser",
        "Refrigerator",
        "Phone",
        "Server",
    ];
    let zones = if devices > 1_000 { 40 } else { 9 };
    let spread = |n: u64, salt: u64| (n ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    let all = inventory((0..devices).map(|n| {
        let zone = spread(n, 1) % (zones + 1);
        let zone = (zone < zones).then(|| format!("Zone {zone}"));
        entry(n, zone.as_deref(), Some(KINDS[(spread(n, 2) % 12) as usize]))
    }));
    let network = Network::new();
    let told: Vec<Heard> = (0..devices * 5)
        .map(|n| {
            let server = if n % 50 == 0 { address("203.0.113.9") } else { device(spread(n, 4) % devices) };
            heard(device(spread(n, 3) % devices), server, (n % 20) as u32, spread(n, 5) % 1_000_000)
        })
        .collect();
    network.apply(&told);
    (all, network)
}

/// `cargo nextest run -p serve --run-ignored only -E 'test(measure_pictures)' --no-capture`
#[test]
#[ignore = "a measurement"]
fn measure_pictures() {
    let (inventory, network) = large(100_000);
    let timed = |what: &str, act: &mut dyn FnMut()| {
        let from = std::time::Instant::now();
        act();
        println!("{what}: {:?}", from.elapsed());
    };
    timed("the hour strikes", &mut || drop(network.matrix(&inventory, Range::Hour, NOW)));
    timed("matrix", &mut || drop(network.matrix(&inventory, Range::Day, NOW)));
    timed("map", &mut || drop(network.map(&inventory, Range::Day, None, NOW)));
    timed("map of a zone", &mut || {
        drop(network.map(&inventory, Range::Day, Side::read("zone:Zone 3").as_ref(), NOW))
    });
    let between = Between { from: Side::read("zone:Zone 3"), ..Between::default() };
    timed("talks", &mut || drop(network.talks(&inventory, &between, (Range::Day, None, 100), NOW)));
    inventory.apply(vec![Change::Is(Box::new(entry(5, None, None)))]);
    timed("matrix after a change of the inventory", &mut || {
        drop(network.matrix(&inventory, Range::Day, NOW))
    });
}
