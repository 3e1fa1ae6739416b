//! A hospital of any size for tests and pictures: plausible devices, the same each time.

use model::{Attribute, Conflict, DeviceId, Protocol, Timestamp};
use serve::inventory::{Change, Entry, FindingCounts, Inventory, Text};

/// Class, maker, models, type, protocols, VLAN.
type Kind = (&'static str, &'static str, [&'static str; 3], &'static str, &'static [Protocol], u16);

const KINDS: [Kind; 8] = [
    (
        "infusion pump",
        "BD Alaris",
        ["8015", "8100", "8110"],
        "pump",
        &[Protocol::Dhcpv4, Protocol::Hl7v2],
        20,
    ),
    (
        "patient monitor",
        "Philips",
        ["MX450", "MX750", "X3"],
        "monitor",
        &[Protocol::Dhcpv4, Protocol::Hl7v2, Protocol::Mdns],
        21,
    ),
    (
        "ventilator",
        "Dräger",
        ["Evita V500", "Evita V800", "Savina 300"],
        "ventilator",
        &[Protocol::WsDiscovery, Protocol::Tls],
        21,
    ),
    (
        "CT scanner",
        "Siemens Healthineers",
        ["SOMATOM go.Up", "SOMATOM Force", "SOMATOM X.cite"],
        "CT",
        &[Protocol::Dicom, Protocol::Smb],
        30,
    ),
    (
        "ultrasound",
        "GE HealthCare",
        ["LOGIQ E10", "Vivid E95", "Voluson E10"],
        "US",
        &[Protocol::Dicom, Protocol::Dhcpv4],
        30,
    ),
    (
        "workstation",
        "Dell",
        ["OptiPlex 7010", "Latitude 5440", "Precision 3660"],
        "workstation",
        &[Protocol::Smb, Protocol::Dns, Protocol::Tls],
        40,
    ),
    ("printer", "Zebra", ["ZD421", "ZT231", "ZQ630"], "printer", &[Protocol::Snmp, Protocol::Http], 41),
    (
        "building controller",
        "Siemens",
        ["PXC4", "PXC7", "DXR2"],
        "controller",
        &[Protocol::Ip, Protocol::Arp],
        60,
    ),
];
const ZONES: [&str; 7] =
    ["ICU", "Emergency", "Radiology", "Wards North", "Wards South", "Offices", "Building"];

/// Numbers that look like chance and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn often(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

/// `count` devices as they stand at `now`.
pub fn entries(count: u64, now: Timestamp) -> impl Iterator<Item = Entry> {
    let mut dice = Dice(count);
    (0..count).map(move |number| entry(number, now, &mut dice))
}

/// The same in an inventory.
pub fn inventory(count: u64, now: Timestamp) -> Inventory {
    let inventory = Inventory::new();
    inventory.apply(entries(count, now).map(|entry| Change::Is(Box::new(entry))).collect());
    inventory
}

fn entry(number: u64, now: Timestamp, dice: &mut Dice) -> Entry {
    let (class, maker, models, kind, protocols, vlan) = KINDS[dice.roll(KINDS.len() as u64) as usize];
    let (is_known, zone) = (dice.often(92), ZONES[dice.roll(7) as usize]);
    let model = models[dice.roll(3) as usize];
    let known = |text: &str| is_known.then(|| Text::from(text));
    let [.., a, b, c] = number.to_be_bytes();
    let conflict = Conflict {
        attribute: Attribute::Model,
        chosen: model.into(),
        others: vec!["unknown model".into()],
        reason: "its own protocol is believed before a banner".into(),
    };
    Entry {
        id: DeviceId(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        key: format!("0|00:1a:2b:{a:02x}:{b:02x}:{c:02x}").into(),
        name: dice
            .often(80)
            .then(|| format!("{}-{}-{number:05}", zone.to_lowercase().replace(' ', ""), kind).into()),
        vendor: Some(maker.into()),
        manufacturer: known(maker),
        model: known(model),
        serial: dice.often(60).then(|| format!("SN{:08}", number * 37).into()),
        asset: dice.often(50).then(|| format!("A-{:06}", number * 3).into()),
        software: known(&format!("{}.{}.{}", dice.roll(9), dice.roll(9), dice.roll(40))),
        os: dice.often(30).then(|| "Windows 10 22H2".into()),
        says: known(model),
        kind: known(kind),
        location: dice.often(40).then(|| format!("{zone}, room {}", dice.roll(60)).into()),
        class: known(class),
        zone: dice.often(95).then(|| zone.into()),
        reviewed: dice.often(70),
        is_router: dice.often(1),
        behind: None,
        macs: vec![format!("00:1a:2b:{a:02x}:{b:02x}:{c:02x}").parse().unwrap()],
        ips: vec![[10, 20 + a, b, c].into()],
        vlans: vec![vlan],
        protocols: protocols.to_vec(),
        tags: if dice.often(10) { vec!["loan".into()] } else { Vec::new() },
        conflicts: if dice.often(2) { vec![conflict] } else { Vec::new() },
        findings: FindingCounts {
            high: u16::from(dice.often(3)),
            medium: u16::from(dice.often(6)),
            low: u16::from(dice.often(15)),
            ..FindingCounts::default()
        },
        phi_in_clear: dice.often(3),
        first_seen: Timestamp::from_secs(now.as_secs() - dice.roll(28 * 86_400)),
        last_seen: Timestamp::from_secs(now.as_secs() - dice.roll(7_200)).minute_start(),
    }
}
