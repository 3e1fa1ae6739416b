use super::*;
use model::{
    Activity, Address, Attribute, DeviceKey, DomainId, Duration, EndpointKey, Fact, FindingKind, Header,
    Protocol, Role, SiteId, Timestamp, Transport,
};

fn header() -> Header {
    Header { observed_at: Timestamp::from_secs(1_000_000), ..Header::default() }
}

fn fact(address: &str, attribute: Attribute, value: &str, source: Protocol) -> Record {
    Record::Fact(Fact { header: header(), endpoint: key(address), attribute, value: value.into(), source })
}

fn key(address: &str) -> EndpointKey {
    let address = match address.parse() {
        Ok(mac) => Address::Mac(mac),
        Err(_) => Address::Ip(address.parse().unwrap()),
    };
    EndpointKey { site: SiteId(1), domain: DomainId(0), vlan: None, address }
}

/// The link address sent from `ip`, `hops` routers away.
fn sent(mac: &str, ip: &str, hops: u8) -> Record {
    match hops {
        0 => fact(mac, Attribute::Ipv4Address, ip, Protocol::Ip),
        n => fact(mac, Attribute::RoutedAddress, &format!("{ip} hops={n}"), Protocol::Ip),
    }
}

fn arp(mac: &str, ip: &str) -> Record {
    fact(mac, Attribute::Ipv4Address, ip, Protocol::Arp)
}

fn activity(from: &str, to: &str, protocol: Protocol) -> Record {
    Record::Activity(Box::new(Activity {
        header: header(),
        endpoint: key(from),
        peer: key(to),
        role: Role::Client,
        protocol,
        transport: Transport::Tcp,
        service_port: 104,
        verb: "C-STORE-RQ".into(),
        span: Duration::from_secs(1),
        count: 3,
        bytes: 300,
        retransmitted_bytes: 0,
        gap_bytes: 0,
    }))
}

fn resolve(records: &[Record]) -> Resolved {
    let mut inventory = Inventory::new(1);
    records.iter().for_each(|r| inventory.fold(r));
    let resolved = inventory.resolve(&SiteNetworks::default(), &VendorRegistry::load("").unwrap());
    // Order must not matter.
    let mut backwards = Inventory::new(2);
    records.iter().rev().for_each(|r| backwards.fold(r));
    let again = backwards.resolve(&SiteNetworks::default(), &VendorRegistry::load("").unwrap());
    assert_eq!(resolved.devices, again.devices);
    assert_eq!(resolved.talks, again.talks);
    assert_eq!(resolved.findings, again.findings);
    resolved
}

/// `key: addresses` of each device, sorted.
fn drawn(resolved: &Resolved) -> Vec<String> {
    let mut lines: Vec<String> = resolved
        .devices
        .iter()
        .map(|d| {
            let key = match &d.key {
                DeviceKey::Address(address) => address.to_string(),
                DeviceKey::Equipment(id) => id.to_string(),
            };
            let ips: Vec<String> = d.addresses.iter().filter_map(|a| a.ip).map(|ip| ip.to_string()).collect();
            format!("{key}: {}{}", ips.join(" "), if d.is_router { " router" } else { "" })
        })
        .collect();
    lines.sort();
    lines
}

const A: &str = "02:00:00:00:00:0a";
const B: &str = "02:00:00:00:00:0b";
const R: &str = "02:00:00:00:00:ff";

#[test]
fn one_device_behind_several_addresses() {
    let resolved = resolve(&[sent(A, "10.0.0.1", 0), sent(A, "10.0.0.2", 0), arp(A, "10.0.0.1")]);
    assert_eq!(drawn(&resolved), [format!("{A}: 10.0.0.1 10.0.0.2")]);
}

#[test]
fn a_gateway_to_the_internet_is_one_router_and_its_peers_are_no_devices() {
    let resolved = resolve(&[
        arp(R, "10.0.0.254"),
        sent(R, "8.8.8.8", 6),
        sent(R, "1.1.1.1", 0),
        sent(A, "10.0.0.1", 0),
    ]);
    assert_eq!(drawn(&resolved), [format!("{A}: 10.0.0.1"), format!("{R}: 10.0.0.254 router")]);
    assert!(!resolved.routed_view);
}

#[test]
fn a_capture_past_a_router_lists_every_device_behind_it() {
    let mut records: Vec<Record> = (1..=20).map(|n| sent(R, &format!("10.7.0.{n}"), 1)).collect();
    records.push(sent(A, "10.0.0.1", 0));
    let resolved = resolve(&records);
    assert_eq!(resolved.devices.len(), 22);
    assert!(resolved.routed_view);
    let router = resolved.devices.iter().find(|d| d.is_router).unwrap();
    let behind = resolved.devices.iter().filter(|d| d.behind == Some(router.id)).count();
    assert_eq!(behind, 20);
}

#[test]
fn a_host_seen_on_both_sides_of_a_router_is_one_device() {
    let resolved = resolve(&[
        sent(A, "10.0.0.1", 0),
        sent(R, "10.0.0.1", 1),
        sent(B, "10.1.0.1", 0),
        sent(R, "10.1.0.1", 1),
    ]);
    assert_eq!(
        drawn(&resolved),
        [format!("{A}: 10.0.0.1"), format!("{B}: 10.1.0.1"), format!("{R}:  router")]
    );
}

#[test]
fn an_odd_start_value_does_not_make_a_router() {
    let resolved = resolve(&[sent(A, "10.0.0.9", 28)]);
    assert_eq!(drawn(&resolved), [format!("{A}: 10.0.0.9")]);
}

#[test]
fn who_is_only_spoken_of_is_no_device() {
    let resolved = resolve(&[
        sent(A, "10.0.0.1", 0),
        fact(B, Attribute::HostName, "ghost", Protocol::Dhcpv4),
        fact(B, Attribute::Ipv4Address, "10.0.0.50", Protocol::Dhcpv4),
    ]);
    assert_eq!(drawn(&resolved), [format!("{A}: 10.0.0.1")]);
}

#[test]
fn a_relayed_lease_names_the_device_behind_the_router() {
    let resolved = resolve(&[
        sent(R, "10.7.0.5", 1),
        sent(R, "10.7.0.6", 1),
        fact(B, Attribute::HostName, "pump-5", Protocol::Dhcpv4),
        fact(B, Attribute::Ipv4Address, "10.7.0.5", Protocol::Dhcpv4),
    ]);
    let pump = resolved.devices.iter().find(|d| d.names.first().is_some_and(|n| n == "pump-5")).unwrap();
    assert_eq!(pump.addresses[0].mac.unwrap().to_string(), B);
    assert_eq!(pump.addresses[0].ip.unwrap().to_string(), "10.7.0.5");
}

#[test]
fn several_devices_behind_one_address() {
    let resolved = resolve(&[
        sent(A, "10.0.0.1", 0),
        fact("10.0.0.1", Attribute::EquipmentId, "PUMP1^^00:11^EUI-64", Protocol::Hl7v2),
        fact("10.0.0.1", Attribute::EquipmentId, "PUMP2^^00:12^EUI-64", Protocol::Hl7v2),
    ]);
    assert_eq!(resolved.devices.len(), 3);
    let gateway = resolved.devices.iter().find(|d| !d.addresses.is_empty()).unwrap().id;
    assert_eq!(resolved.devices.iter().filter(|d| d.behind == Some(gateway)).count(), 2);
}

#[test]
fn two_interfaces_with_one_serial_number_are_one_device() {
    let with_serial = |mac: &str| {
        [
            sent(mac, if mac == A { "10.0.0.1" } else { "10.1.0.1" }, 0),
            fact(mac, Attribute::SerialNumber, "SN-12345", Protocol::Lldp),
            fact(mac, Attribute::Model, "CT 9000", Protocol::Lldp),
        ]
    };
    let resolved = resolve(&[with_serial(A), with_serial(B)].concat());
    assert_eq!(resolved.devices.len(), 1);
    let placeholders = |mac: &str| {
        [
            sent(mac, if mac == A { "10.0.0.1" } else { "10.1.0.1" }, 0),
            fact(mac, Attribute::SerialNumber, "000000", Protocol::Lldp),
            fact(mac, Attribute::Model, "CT 9000", Protocol::Lldp),
        ]
    };
    assert_eq!(resolve(&[placeholders(A), placeholders(B)].concat()).devices.len(), 2);
}

#[test]
fn an_archive_is_not_the_scanner_whose_images_it_forwards() {
    let image = |address: &str, serial: &str, model: &str| {
        [
            fact(address, Attribute::SerialNumber, serial, Protocol::Dicom),
            fact(address, Attribute::Model, model, Protocol::Dicom),
        ]
    };
    let records = [
        vec![sent(A, "10.0.0.1", 0), sent(B, "10.0.0.2", 0)],
        image("10.0.0.1", "CT-55123", "Helix").to_vec(),
        image("10.0.0.2", "CT-55123", "Helix").to_vec(),
        image("10.0.0.2", "US-77321", "Clarity").to_vec(),
    ];
    let resolved = resolve(&records.concat());
    assert_eq!(resolved.devices.len(), 2);
    assert!(resolved.devices.iter().all(|d| d.conflicts.is_empty()), "{:?}", resolved.devices);
}

#[test]
fn a_pump_named_by_serial_number_and_by_udi_is_one_device() {
    let resolved = resolve(&[
        sent(A, "10.0.0.1", 0),
        fact("10.0.0.1", Attribute::EquipmentId, "CP4-1^CALDER^00A0C9FFFE7A101D^EUI-64", Protocol::Hl7v2),
        fact(
            "10.0.0.1",
            Attribute::EquipmentId,
            "(01)0506(21)CP4-1^00A0C9FFFE7A101D^EUI-64^CALDER",
            Protocol::Hl7v2,
        ),
        fact("10.0.0.1", Attribute::EquipmentId, "SELF^X^02000000000A^MAC", Protocol::Hl7v2),
    ]);
    assert_eq!(resolved.devices.len(), 2);
    assert_eq!(resolved.devices.iter().find(|d| d.behind.is_some()).unwrap().names, ["CP4-1"]);
}

#[test]
fn a_lease_that_moves_on_takes_its_claims_along_and_is_no_conflict() {
    let later = |record: Record, s: u64| {
        let mut record = record;
        record.header_mut().observed_at = Timestamp::from_secs(1_000_000 + s);
        record
    };
    let resolved = resolve(&[
        sent(A, "10.0.0.1", 0),
        arp(A, "10.0.0.1"),
        later(sent(B, "10.0.0.1", 0), 86_400),
        later(arp(B, "10.0.0.1"), 86_400),
        later(fact("10.0.0.1", Attribute::ServiceInstance, "urn:uuid:1111", Protocol::WsDiscovery), 86_400),
    ]);
    assert_eq!(resolved.devices.len(), 2);
    assert!(resolved.findings.is_empty(), "{:?}", resolved.findings);
    let by_mac = |mac: &str| resolved.devices.iter().find(|d| drawn_key(d) == mac).unwrap();
    assert!(by_mac(A).claims.is_empty() && !by_mac(A).addresses.is_empty());
    assert_eq!(by_mac(B).claims.len(), 1);
}

fn drawn_key(device: &model::Device) -> String {
    match &device.key {
        DeviceKey::Address(address) => address.to_string(),
        DeviceKey::Equipment(id) => id.to_string(),
    }
}

#[test]
fn many_serial_numbers_are_nobody_s_identity() {
    let mut records = vec![sent(A, "10.0.0.1", 0)];
    for n in 0..200 {
        records.push(fact(A, Attribute::SerialNumber, &format!("SN-{n:05}"), Protocol::Lldp));
        records.push(fact(A, Attribute::Model, &format!("Model {n}"), Protocol::Lldp));
    }
    assert_eq!(resolve(&records).devices.len(), 1);
}

#[test]
fn a_capture_without_link_layer_lists_its_site_addresses() {
    let resolved = resolve(&[
        activity("10.0.0.1", "8.8.8.8", Protocol::Tls),
        activity("8.8.8.8", "10.0.0.1", Protocol::Tls),
    ]);
    assert_eq!(drawn(&resolved), ["10.0.0.1: 10.0.0.1"]);
}

#[test]
fn losers_stay_visible_as_conflicts() {
    let resolved = resolve(&[
        sent(A, "10.0.0.1", 0),
        fact("10.0.0.1", Attribute::Model, "SCAN-9000", Protocol::Dicom),
        fact("10.0.0.1", Attribute::Model, "LaserJet", Protocol::Http),
        fact("10.0.0.1", Attribute::Model, "Scan 9000", Protocol::Snmp),
    ]);
    let [conflict] = &resolved.devices[0].conflicts[..] else {
        panic!("{:?}", resolved.devices[0].conflicts)
    };
    assert_eq!(conflict.chosen, "SCAN-9000");
    assert_eq!(conflict.others, ["LaserJet"]);
    assert!(conflict.reason.contains("dicom"));
}

#[test]
fn findings_name_what_and_why() {
    let resolved = resolve(&[
        sent(A, "10.0.0.1", 0),
        arp(A, "10.0.0.1"),
        sent(B, "10.0.0.1", 0),
        arp(B, "10.0.0.1"),
        fact("10.0.0.1", Attribute::PhiInClear, "hl7v2 PID-3", Protocol::Hl7v2),
        fact("10.0.0.1", Attribute::TlsVersion, "TLS 1.0", Protocol::Tls),
        fact("10.0.0.1", Attribute::BasicAuth, "basic", Protocol::Http),
        activity("10.0.0.1", "8.8.8.8", Protocol::Dicom),
    ]);
    let kinds: std::collections::BTreeSet<FindingKind> = resolved.findings.iter().map(|f| f.kind).collect();
    let expected = [
        FindingKind::PhiInClear,
        FindingKind::CredentialsInClear,
        FindingKind::DuplicateAddress,
        FindingKind::WeakProtocol,
        FindingKind::LeavesSite,
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    assert!(resolved.findings.iter().all(|f| !f.evidence.is_empty() && f.summary.ends_with('.')));
}

#[test]
fn talks_add_up_per_hour_and_name_their_ends() {
    let resolved = resolve(&[
        sent(A, "10.0.0.1", 0),
        activity("10.0.0.1", "8.8.8.8", Protocol::Dicom),
        activity("10.0.0.1", "8.8.8.8", Protocol::Dicom),
    ]);
    let [talk] = &resolved.talks[..] else { panic!("{:?}", resolved.talks) };
    assert_eq!(talk.verbs, [("C-STORE-RQ".into(), 6)]);
    assert_eq!(talk.hour, Timestamp::from_secs(1_000_000 / 3600 * 3600));
    assert_eq!(talk.client, model::TalkEnd::Device(resolved.devices[0].id));
}

/// Every subject through its stored form, as after a restart at every record.
fn restarted(inventory: &mut Inventory) {
    for subject in inventory.subjects.values_mut() {
        let mut bytes = Vec::new();
        subject.to_bytes(&mut bytes);
        *subject = Subject::from_bytes(&bytes).unwrap();
    }
}

proptest::proptest! {
    #[test]
    fn stepping_storing_and_loading_judges_as_in_one_go(records in crate::made_up::records()) {
        let (networks, vendors) = (SiteNetworks::default(), VendorRegistry::load("").unwrap());
        let catalog = crate::made_up::catalog();
        let (mut whole, mut stored) = (Inventory::new(1), Inventory::new(2));
        for record in &records {
            whole.fold(record);
            for key in crate::step::subjects(record) {
                let subject = stored.subjects.entry(key).or_default();
                let view = crate::step::View::new(key, subject);
                crate::step::step(view, record, record.header().observed_at, &catalog);
            }
            if let Record::Activity(activity) = record {
                stored.talks.fold(activity);
            }
            restarted(&mut stored);
        }
        let (whole, stored) = (whole.resolve(&networks, &vendors), stored.resolve(&networks, &vendors));
        proptest::prop_assert_eq!(whole.devices, stored.devices);
        proptest::prop_assert_eq!(whole.talks, stored.talks);
        proptest::prop_assert_eq!(whole.findings, stored.findings);
        proptest::prop_assert_eq!(whole.dropped_records, stored.dropped_records);
    }
}

#[test]
fn one_address_in_two_domains_is_two_devices_with_talks_of_their_own() {
    let one = [sent(A, "10.0.0.5", 0), arp(A, "10.0.0.5"), activity("10.0.0.5", "8.8.8.8", Protocol::Dicom)];
    let two = [sent(B, "10.0.0.5", 0), arp(B, "10.0.0.5"), activity("10.0.0.5", "8.8.8.8", Protocol::Dicom)];
    let two = two.map(|record| crate::made_up::in_domain(record, 1));
    let pump = "PUMP1^^00:11:22:33:44:55^EUI-48";
    let pumps = [0, 1].map(|domain| {
        crate::made_up::in_domain(fact("10.0.0.5", Attribute::EquipmentId, pump, Protocol::Hl7v2), domain)
    });
    let resolved = resolve(&[one, two].concat().into_iter().chain(pumps).collect::<Vec<_>>());
    assert_eq!(resolved.devices.len(), 4);
    let ids: std::collections::BTreeSet<_> = resolved.devices.iter().map(|device| device.id).collect();
    assert_eq!(ids.len(), 4);
    assert_eq!(resolved.talks.len(), 2);
    assert!(resolved.talks.iter().all(|talk| talk.verbs == [("C-STORE-RQ".into(), 3)]));
    let kinds: Vec<FindingKind> = resolved.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::LeavesSite, FindingKind::LeavesSite], "and no duplicate address");
}

#[test]
fn equipment_told_by_several_gateways_is_one_device_in_any_order() {
    let pump = "PUMP1^^00:11:22:33:44:55^EUI-48";
    let mut inventory = Inventory::new(1);
    for (mac, ip) in [(A, "10.0.0.1"), (B, "10.0.0.2")] {
        inventory.fold(&sent(mac, ip, 0));
        inventory.fold(&fact(ip, Attribute::EquipmentId, pump, Protocol::Hl7v2));
    }
    let digests = inventory.subjects.iter().map(|(key, subject)| (*key, subject.digest())).collect();
    let assigned = crate::site::Assigned::default();
    let view = crate::site::SiteView { digests: &digests, assigned: &assigned, decisions: &[] };
    let catalog = crate::made_up::catalog();
    let step = crate::site::site(&view, Timestamp::ZERO, &catalog);
    let subject = |key: &SubjectKey| inventory.subjects.get(key);
    let told =
        |drawn: &crate::site::Drawn| spoken_for(drawn, &card(drawn, subject, &catalog), subject, |_| false);
    let [first, second] = &step.devices[..] else { panic!("{:?}", step.devices) };
    let forwards = joined([told(first), told(second)].concat());
    assert_eq!(forwards, joined([told(second), told(first)].concat()));
    assert_eq!((forwards.len(), forwards[0].behind), (1, Some(first.id.min(second.id))));
    assert_eq!(forwards[0].names, ["PUMP1"]);
}

#[test]
fn a_card_keeps_what_a_silent_device_said_and_drops_what_a_speaking_one_stopped_saying() {
    use crate::made_up::{DAY_S, at, folded, serial, time};
    let records = [sent(A, "10.0.0.1", 0), fact(A, Attribute::HostName, "ct-1", Protocol::Dhcpv4)];
    let later = |mut record: Record| {
        record.header_mut().observed_at = time(0);
        record
    };
    let mut store = folded(&records.map(later));
    let shown = |store: &std::collections::BTreeMap<SubjectKey, Subject>| {
        let digests = store.iter().map(|(key, subject)| (*key, subject.digest())).collect();
        let assigned = crate::site::Assigned::default();
        let view = crate::site::SiteView { digests: &digests, assigned: &assigned, decisions: &[] };
        let catalog = crate::made_up::catalog();
        let step = crate::site::site(&view, Timestamp::ZERO, &catalog);
        card(&step.devices[0], |key| store.get(key), &catalog).names
    };
    let key = *store.keys().next().unwrap();
    assert_eq!(crate::step::lapse(store.get_mut(&key).unwrap(), time(40 * DAY_S)).len(), 1);
    assert_eq!(shown(&store), ["ct-1"], "switched off, it is still called so");
    for record in serial(A, "SN-12345") {
        crate::made_up::stepped(&mut store, &at(record, 40 * DAY_S));
    }
    assert!(shown(&store).is_empty(), "it speaks, and does not call itself so any more");
}

#[test]
fn a_name_heard_of_an_address_stays_with_who_had_it_then() {
    let later = |mut record: Record| {
        record.header_mut().observed_at = header().observed_at.plus(Duration::from_secs(3 * 86_400));
        record
    };
    let (first, second, ip) = ("02:00:00:00:00:01", "02:00:00:00:00:02", "10.0.0.9");
    let records = [
        arp(first, ip),
        sent(first, ip, 0),
        fact(ip, Attribute::HostName, "first-holder", Protocol::Dns),
        // The lease has moved on; nobody names the address since.
        later(arp(second, ip)),
        later(sent(second, ip, 0)),
        later(fact(second, Attribute::HostName, "second-holder", Protocol::Dhcpv4)),
    ];
    let resolved = resolve(&records);
    let second =
        resolved.devices.iter().find(|d| d.key == DeviceKey::Address(Address::Mac(second.parse().unwrap())));
    assert_eq!(second.unwrap().names, ["second-holder"]);
}
