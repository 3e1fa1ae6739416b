use super::*;
use model::{DeviceId, Subnet, Vlan, Zone, ZoneId, ZoneName, ZoneRule, ZoneSource};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

fn rule(text: &str) -> ZoneRule {
    let (kind, value) = text.split_once(' ').unwrap();
    ZoneRule::read(kind, value).unwrap()
}

fn zone(id: i64, name: &str, rules: &[&str]) -> Zone {
    Zone {
        id: Some(ZoneId(id)),
        name: ZoneName::new(name).unwrap(),
        purpose: "".into(),
        source: ZoneSource::Person,
        rules: rules.iter().map(|text| (rule(text), ZoneSource::Person)).collect(),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn vlan(id: u16) -> Vlan {
    Vlan::new(id).unwrap()
}

fn seen(number: u64, name: &str, address: &str, vlans: &[u16]) -> Seen {
    Seen {
        device: DeviceId(number),
        name: (!name.is_empty()).then(|| name.into()),
        kind: None,
        addresses: vec![ip(address)],
        vlans: vlans.iter().map(|id| vlan(*id)).collect(),
        is_router: false,
    }
}

#[test]
fn the_most_specific_subnet_wins_then_the_vlan() {
    let rules = Rules::new(&[
        zone(1, "hospital", &["subnet 10.0.0.0/8"]),
        zone(2, "ICU", &["subnet 10.0.20.0/24", "vlan 20"]),
        zone(3, "pumps", &["dhcp-scope 10.0.20.100-10.0.20.149", "subnet fd00:20::/64"]),
        zone(4, "guests", &["vlan 90"]),
    ]);
    let of = |ips: &[&str], vlans: &[u16]| {
        let ips: Vec<IpAddr> = ips.iter().map(|text| ip(text)).collect();
        let vlans: Vec<Vlan> = vlans.iter().map(|id| vlan(*id)).collect();
        rules.zone_of(&ips, &vlans).zone().map(ToString::to_string)
    };
    assert_eq!(of(&["10.9.9.9"], &[]).as_deref(), Some("hospital"));
    assert_eq!(of(&["10.0.20.7"], &[]).as_deref(), Some("ICU"));
    assert_eq!(
        of(&["10.0.20.120"], &[]).as_deref(),
        Some("pumps"),
        "a scope of fifty is more specific than a /24"
    );
    assert_eq!(of(&["::ffff:10.0.20.7"], &[]).as_deref(), Some("ICU"));
    assert_eq!(of(&["10.0.20.7"], &[90]).as_deref(), Some("ICU"), "addresses go before VLANs");
    assert_eq!(of(&["192.168.1.1"], &[90]).as_deref(), Some("guests"));
    assert_eq!(of(&["fd00:20::5"], &[]).as_deref(), Some("pumps"));
    assert_eq!(of(&[], &[]), None);
    let both = rules.zone_of(&[], &[vlan(20), vlan(90)]);
    assert!(matches!(both, Placement::Contradicted(_)));
    let said = both.to_string();
    assert!(
        said.starts_with("rules contradict: it was seen in VLAN 20") && said.contains("guests"),
        "{said}"
    );
    let why = rules.zone_of(&[ip("10.0.20.7")], &[]).to_string();
    assert_eq!(why, "10.0.20.7 is in subnet 10.0.20.0/24 of zone ICU");
}

#[test]
fn a_vlan_is_proposed_with_its_subnets_and_a_name_of_what_lives_there() {
    let mut devices: Vec<Seen> =
        (0..6).map(|n| seen(n, &format!("icu-mon-{n}"), &format!("10.0.20.{n}"), &[20])).collect();
    devices.extend((6..9).map(|n| seen(n, "", &format!("10.0.21.{n}"), &[20])));
    devices.extend((20..23).map(|n| seen(n, "", &format!("10.0.77.{n}"), &[])));
    let relays = [Relay { address: ip("10.0.77.1"), clients: 3 }];
    let proposals = propose(Evidence { devices: &devices, relays: &relays, zones: &[] });
    assert_eq!(proposals.len(), 2, "{proposals:#?}");
    assert_eq!(proposals[0].name.as_str(), "ICU");
    assert_eq!(proposals[0].rules, [rule("vlan 20"), rule("subnet 10.0.20.0/23")]);
    assert_eq!((proposals[0].devices, proposals[0].examples.len()), (9, 5));
    assert_eq!(proposals[1].rules, [rule("subnet 10.0.77.0/24")]);
    assert_eq!(proposals[1].name.as_str(), "10.0.77.0/24");
    assert!(proposals[1].because.iter().any(|why| why.contains("DHCP relay 10.0.77.1 spoke for 3 devices")));
}

#[test]
fn what_is_placed_is_not_proposed_again_and_neighbours_are_added_to_their_zone() {
    let zones = [zone(1, "ICU", &["vlan 20"])];
    let mut devices: Vec<Seen> = (0..6).map(|n| seen(n, "", &format!("10.0.20.{n}"), &[20])).collect();
    assert_eq!(propose(Evidence { devices: &devices, zones: &zones, relays: &[] }), []);
    devices.extend((6..9).map(|n| seen(n, "", &format!("10.0.20.{n}"), &[])));
    let proposals = propose(Evidence { devices: &devices, zones: &zones, relays: &[] });
    assert_eq!(proposals.len(), 1);
    assert_eq!(proposals[0].into.as_ref().unwrap().as_str(), "ICU");
    assert_eq!(proposals[0].rules, [rule("subnet 10.0.20.0/24")]);
    assert_eq!(proposals[0].devices, 3);
}

#[test]
fn an_import_makes_moves_and_describes_and_deletes_nothing() {
    let zones = [zone(1, "ICU", &["vlan 20", "subnet 10.0.20.0/24"]), zone(2, "Lab", &["vlan 30"])];
    let wanted = [
        Wanted::new("icu", "beds", vec![rule("vlan 20"), rule("vlan 30")]).unwrap(),
        Wanted::new("Radiology", "", vec![rule("vlan 40")]).unwrap(),
    ];
    let changes = import(&zones, &wanted, ZoneSource::Csv).unwrap();
    let said: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let expected = [
        "change the purpose of zone ICU",
        "take VLAN 30 out of zone Lab",
        "put VLAN 30 into zone ICU",
        "make zone Radiology",
        "put VLAN 40 into zone Radiology",
    ];
    assert_eq!(said, expected);
    let mut after = zones.to_vec();
    changes.iter().for_each(|change| apply(&mut after, change).unwrap());
    assert_eq!(
        import(&after, &wanted, ZoneSource::Csv).unwrap(),
        [],
        "the second time nothing is left to do"
    );
    assert_eq!(after.iter().map(|zone| zone.rules.len()).collect::<Vec<_>>(), [3, 0, 1]);
    let twice = [
        Wanted::new("a", "", vec![rule("vlan 5")]).unwrap(),
        Wanted::new("b", "", vec![rule("vlan 5")]).unwrap(),
    ];
    assert!(
        import(&zones, &twice, ZoneSource::Csv)
            .unwrap_err()
            .contains("VLAN 5 is given to zone a and to zone b")
    );
}

#[test]
fn changes_that_cannot_be_made_change_nothing() {
    let mut zones = vec![zone(1, "ICU", &["vlan 20"])];
    let before = zones.clone();
    let name = |text: &str| ZoneName::new(text).unwrap();
    let source = ZoneSource::Person;
    for change in [
        ZoneChange::Create { name: name("icu"), purpose: "".into(), source },
        ZoneChange::Rename { zone: name("Lab"), to: name("Laboratory") },
        ZoneChange::AddRule { zone: name("ICU"), rule: rule("vlan 20"), source },
        ZoneChange::RemoveRule { zone: name("ICU"), rule: rule("vlan 21") },
        ZoneChange::Delete { zone: name("Lab") },
    ] {
        assert!(apply(&mut zones, &change).is_err(), "{change}");
        assert_eq!(zones, before);
    }
}

fn rules() -> impl Strategy<Value = ZoneRule> {
    let subnet = (any::<u16>(), 8u8..=32).prop_map(|(host, bits)| {
        let address = Ipv4Addr::from_bits(0x0a00_0000 | u32::from(host));
        ZoneRule::Subnet(Subnet::around(address.into(), bits).unwrap())
    });
    prop_oneof![(1u16..40).prop_map(|id| ZoneRule::Vlan(vlan(id))), subnet]
}

fn devices() -> impl Strategy<Value = Vec<Seen>> {
    let one = (any::<u16>(), proptest::collection::vec(1u16..40, 0..3), any::<bool>());
    proptest::collection::vec(one, 0..60).prop_map(|all| {
        let draw = |(number, (host, vlans, is_router)): (usize, (u16, Vec<u16>, bool))| {
            let address = Ipv4Addr::from_bits(0x0a00_0000 | u32::from(host)).to_string();
            Seen { is_router, ..seen(number as u64, "", &address, &vlans) }
        };
        all.into_iter().enumerate().map(draw).collect()
    })
}

proptest! {
    /// The index says what going through every rule says.
    #[test]
    fn the_index_is_the_plain_reading(rules in proptest::collection::vec(rules(), 1..40), host in any::<u16>(), tag in 1u16..40) {
        let zones: Vec<Zone> = rules.iter().enumerate().map(|(at, one)| {
            Zone { rules: vec![(*one, ZoneSource::Person)], ..zone(at as i64, &format!("z{at}"), &[]) }
        }).collect();
        let address = IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 | u32::from(host)));
        let found = Rules::new(&zones).zone_of(&[address], &[vlan(tag)]);
        let hits = |rule: &ZoneRule| matches!(rule, ZoneRule::Subnet(subnet) if subnet.contains(address));
        let span = |rule: &ZoneRule| rule.addresses().unwrap().span();
        let least = rules.iter().filter(|rule| hits(rule)).map(span).min();
        let best: Vec<usize> = match least {
            Some(least) => (0..rules.len()).filter(|at| hits(&rules[*at]) && span(&rules[*at]) == least).collect(),
            None => (0..rules.len()).filter(|at| rules[*at] == ZoneRule::Vlan(vlan(tag))).collect(),
        };
        match (best.as_slice(), found) {
            ([], Placement::NoRule) => {}
            ([one], Placement::In(zoned)) => prop_assert_eq!(zoned.id, Some(ZoneId(*one as i64))),
            (many, Placement::Contradicted(_)) => prop_assert!(many.len() > 1),
            (best, found) => prop_assert!(false, "{best:?} but {found:?}"),
        }
    }

    /// What is proposed overlaps neither what there is nor itself, and can be accepted as it is.
    #[test]
    fn proposals_overlap_nothing(devices in devices(), held in proptest::collection::vec(rules(), 0..6)) {
        let mut zones = Vec::new();
        for (at, rule) in held.iter().enumerate() {
            if !held[..at].iter().any(|other| other.overlaps(rule)) {
                zones.push(Zone { rules: vec![(*rule, ZoneSource::Person)], ..zone(at as i64, &format!("z{at}"), &[]) });
            }
        }
        let proposals = propose(Evidence { devices: &devices, zones: &zones, relays: &[] });
        let mut given: Vec<ZoneRule> = zones.iter().flat_map(|zone| zone.rules.iter().map(|(rule, _)| *rule)).collect();
        let mut after = zones.clone();
        for proposal in &proposals {
            prop_assert!(!proposal.rules.is_empty() && proposal.devices > 0);
            if proposal.into.is_none() {
                let (name, source) = (proposal.name.clone(), ZoneSource::Proposed);
                apply(&mut after, &ZoneChange::Create { name, purpose: "".into(), source }).unwrap();
            }
            for rule in &proposal.rules {
                prop_assert!(!given.iter().any(|other| other.overlaps(rule)), "{rule} overlaps");
                given.push(*rule);
                let (zone, source) = (proposal.name.clone(), ZoneSource::Proposed);
                apply(&mut after, &ZoneChange::AddRule { zone, rule: *rule, source }).unwrap();
            }
        }
        prop_assert_eq!(&propose(Evidence { devices: &devices, zones: &zones, relays: &[] }), &proposals);
    }
}

/// `cargo nextest run -p judge --run-ignored only -E 'test(measure_zone_of)' --no-capture`
#[test]
#[ignore = "a measurement"]
fn measure_zone_of() {
    let zones: Vec<Zone> = (0..100)
        .map(|at: i64| {
            let rules: Vec<String> = (0..20).map(|n| format!("subnet 10.{at}.{n}.0/24")).collect();
            zone(at, &format!("z{at}"), &rules.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .collect();
    let rules = Rules::new(&zones);
    let from = std::time::Instant::now();
    let placed = (0..100_000u32)
        .filter(|n| {
            let address = Ipv4Addr::from_bits(0x0a00_0000 | (n.wrapping_mul(2_654_435_761) & 0x00ff_ffff));
            rules.zone_of(&[address.into()], &[]).zone().is_some()
        })
        .count();
    println!("100,000 devices by 2,000 rules: {placed} placed in {:?}", from.elapsed());
}
