use super::*;
use crate::made_up::{
    A, B, DAY_S, HOUR_S, R, activity, arp, at, catalog, event, fact, flow, folded, in_domain, key, records,
    routed, sent, serial, stepped, time,
};
use model::{Coverage, EventKind};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn host_name(name: &str) -> Record {
    fact(A, Attribute::HostName, name, Protocol::Dhcpv4)
}

fn heard(name: &str, seconds: u64) -> Effect {
    Effect::ClaimHeard {
        attribute: Attribute::HostName,
        value: name.into(),
        source: Protocol::Dhcpv4,
        confidence: 55,
        from: time(seconds),
    }
}

fn ended(name: &str, seconds: u64) -> Effect {
    Effect::ClaimEnded {
        attribute: Attribute::HostName,
        value: name.into(),
        source: Protocol::Dhcpv4,
        last_heard: time(seconds),
    }
}

fn days(number: u64) -> u64 {
    number * DAY_S
}

#[test]
fn a_record_concerns_who_is_stated_who_did_it_and_who_sent() {
    let concerned = |record: &Record| -> Vec<SubjectKey> { subjects(record).collect() };
    assert_eq!(concerned(&sent(A, "10.0.0.1")), [key(A)]);
    assert_eq!(concerned(&event(A, EventKind::Exam, "")), [key(A)]);
    assert_eq!(concerned(&activity("10.0.0.1", "10.0.0.2")), [key("10.0.0.1")]);
    assert_eq!(concerned(&flow("10.0.0.1", "10.0.0.2", [1, 1])), [key("10.0.0.1"), key("10.0.0.2")]);
    assert_eq!(concerned(&flow("10.0.0.1", "10.0.0.2", [0, 1])), [key("10.0.0.2")]);
    assert_eq!(concerned(&flow("10.0.0.1", "10.0.0.1", [1, 1])), [key("10.0.0.1")]);
    assert_eq!(concerned(&Record::Coverage(Box::default())), []);
    let there = in_domain(sent(A, "10.0.0.1"), 7);
    assert_eq!(concerned(&there), [SubjectKey { domain: model::DomainId(7), ..key(A) }]);
}

#[test]
fn a_claim_is_told_once_and_its_repetition_only_counts() {
    let mut store = BTreeMap::new();
    stepped(&mut store, &sent(A, "10.0.0.1"));
    let first = stepped(&mut store, &host_name("ct-1"));
    assert_eq!(first, Step { changed: Changed::Evidence, effects: vec![heard("ct-1", 0)] });
    assert_eq!(stepped(&mut store, &host_name("ct-1")), Step::default());
    let later = stepped(&mut store, &at(host_name("ct-1"), 60));
    assert_eq!(later, Step { changed: Changed::Counters, effects: vec![] });
    assert_eq!(later.effects.capacity(), 0);
    let other = stepped(&mut store, &at(host_name("ct-2"), 60));
    assert_eq!(other.effects, [heard("ct-2", 60)]);
}

#[test]
fn the_site_is_looked_at_when_devices_may_change() {
    let mut store = BTreeMap::new();
    let mut look = |record: &Record| {
        let effects = stepped(&mut store, record).effects;
        effects.into_iter().find_map(|e| if let Effect::LookAtSite(why) = e { Some(why) } else { None })
    };
    assert_eq!(look(&fact(A, Attribute::HostName, "ct-1", Protocol::Dhcpv4)), Some(Look::NewSubject));
    assert_eq!(look(&fact(A, Attribute::Presence, "ethernet", Protocol::Ip)), Some(Look::BeganToSend));
    assert_eq!(look(&sent(A, "10.0.0.1")), Some(Look::Binding));
    assert_eq!(look(&arp(A, "10.0.0.1")), Some(Look::Binding));
    assert_eq!(look(&at(arp(A, "10.0.0.1"), 60)), None);
    let [model, number] = serial(A, "SN-12345");
    assert_eq!(look(&model), Some(Look::Identity));
    assert_eq!(look(&number), Some(Look::Identity));
    assert_eq!(look(&fact(A, Attribute::ServiceType, "ipv6 router", Protocol::Icmpv6)), Some(Look::Routes));
    assert_eq!(look(&event(A, EventKind::AddressConflict, "x")), Some(Look::AddressConflict));
    assert_eq!(look(&event(A, EventKind::AddressConflict, "x")), None);
    assert_eq!(look(&activity("10.0.0.1", "8.8.8.8")), Some(Look::NewSubject));
    assert_eq!(look(&flow("8.8.8.8", "10.0.0.1", [1, 0])), None);
}

#[test]
fn a_router_to_the_internet_does_not_draw_the_site_for_every_peer() {
    let mut store = BTreeMap::new();
    stepped(&mut store, &arp(R, "10.0.0.254"));
    let looks = (1..=50).map(|n| stepped(&mut store, &routed(R, &format!("8.8.8.{n}"))).effects.len());
    assert_eq!(looks.sum::<usize>(), FORWARDED_OFF_SITE_TELLING);
    let on_site = stepped(&mut store, &routed(R, "10.7.0.1"));
    assert_eq!(on_site.effects, [Effect::LookAtSite(Look::Binding)]);
}

#[test]
fn the_digest_s_word_on_an_address_is_at_most_half_an_hour_old() {
    let mut store = BTreeMap::new();
    stepped(&mut store, &arp(A, "10.0.0.1"));
    let mut told = time(0);
    for minute in 1..600 {
        let step = stepped(&mut store, &at(arp(A, "10.0.0.1"), minute * 60));
        assert!(step.effects.is_empty());
        if step.changed == Changed::Evidence {
            told = time(minute * 60);
        }
        assert!(time(minute * 60).since(told) <= Duration::from_secs(HOUR_S / 2), "minute {minute}");
    }
}

#[test]
fn an_event_is_a_row_and_a_flow_only_counts() {
    let mut store = folded(&[sent(A, "10.0.0.1"), activity("10.0.0.1", "10.0.0.2")]);
    let exam = stepped(&mut store, &event(A, EventKind::Exam, "CT"));
    assert!(exam.effects.contains(&Effect::Happened));
    let step = stepped(&mut store, &flow("10.0.0.1", "10.0.0.2", [2, 0]));
    assert_eq!(step, Step { changed: Changed::Counters, effects: vec![] });
    let itself = stepped(&mut store, &flow("10.0.0.1", "10.0.0.1", [2, 3]));
    assert_eq!(itself.changed, Changed::Counters);
    let subject = &store[&key("10.0.0.1")];
    assert_eq!((subject.packets(), subject.bytes()), (7, 700));
}

#[test]
fn what_concerns_another_changes_nothing() {
    let mut subject = Subject::default();
    let view = View::new(key(B), &mut subject);
    assert_eq!(step(view, &sent(A, "10.0.0.1"), time(0), &catalog()), Step::default());
    let view = View::new(key(A), &mut subject);
    assert_eq!(step(view, &in_domain(sent(A, "10.0.0.1"), 1), time(0), &catalog()), Step::default());
    let coverage = Record::Coverage(Box::<Coverage>::default());
    assert_eq!(step(View::new(key(A), &mut subject), &coverage, time(0), &catalog()), Step::default());
    assert_eq!(subject, Subject::default());
}

#[test]
fn a_claim_ends_by_silence_and_comes_back() {
    let mut store = folded(&[sent(A, "10.0.0.1"), host_name("ct-1")]);
    let subject = store.get_mut(&key(A)).unwrap();
    assert_eq!(lapse(subject, time(days(30) - 1)), []);
    assert_eq!(lapse(subject, time(days(30))), [ended("ct-1", 0)]);
    assert_eq!(lapse(subject, time(days(31))), []);
    assert_eq!(subject.claims().count(), 0);
    // What was heard before it ended is replayed after a crash: that is no news.
    assert_eq!(stepped(&mut store, &host_name("ct-1")), Step::default());
    let again = stepped(&mut store, &at(host_name("ct-1"), days(40)));
    assert_eq!(again, Step { changed: Changed::Evidence, effects: vec![heard("ct-1", days(40))] });
}

#[test]
fn a_value_that_can_only_be_one_ends_a_day_behind_its_successor() {
    let mut store = folded(&[host_name("old"), at(host_name("new"), HOUR_S)]);
    let subject = store.get_mut(&key(A)).unwrap();
    assert_eq!(lapse(subject, time(days(2))), [], "the new one has not been heard for a day yet");
    stepped(&mut store, &at(host_name("new"), days(1)));
    let subject = store.get_mut(&key(A)).unwrap();
    assert_eq!(lapse(subject, time(days(2))), [ended("old", 0)]);
    assert_eq!(subject.claims().map(|c| c.value.to_string()).collect::<Vec<_>>(), ["new"]);
    // Another source's word is not touched.
    stepped(&mut store, &at(fact(A, Attribute::HostName, "CT1", Protocol::Nbns), days(1)));
    stepped(&mut store, &at(host_name("new"), days(3)));
    assert_eq!(lapse(store.get_mut(&key(A)).unwrap(), time(days(3))), []);
}

#[test]
fn versions_that_differ_by_peer_hold_side_by_side() {
    let tls = |version| fact(A, Attribute::TlsVersion, version, Protocol::Tls);
    let program = |version| fact(A, Attribute::SoftwareVersion, version, Protocol::Http);
    let mut store =
        folded(&[tls("TLS 1.0"), program("1.2"), at(tls("TLS 1.3"), days(2)), at(program("7"), days(2))]);
    assert_eq!(lapse(store.get_mut(&key(A)).unwrap(), time(days(2))), []);
}

#[test]
fn an_archive_keeps_the_serial_numbers_of_all_scanners() {
    let image = |serial| fact(A, Attribute::SerialNumber, serial, Protocol::Dicom);
    let station = |name| fact(A, Attribute::StationName, name, Protocol::Dicom);
    let mut archive = folded(&[
        image("CT-55123"),
        station("CT1"),
        at(image("US-77321"), days(2)),
        at(station("US1"), days(2)),
    ]);
    assert_eq!(lapse(archive.get_mut(&key(A)).unwrap(), time(days(2))), []);
    let mut scanner = folded(&[image("CT-55123"), station("CT1"), at(station("CT-NEW"), days(2))]);
    assert_eq!(lapse(scanner.get_mut(&key(A)).unwrap(), time(days(2))).len(), 1);
}

#[test]
fn a_serial_number_that_is_superseded_is_no_identity_any_more() {
    let mut records = serial(A, "SN-OLD-1").to_vec();
    records.extend(serial(A, "SN-NEW-2").map(|record| at(record, days(2))));
    let mut store = folded(&records);
    let subject = store.get_mut(&key(A)).unwrap();
    let before = subject.digest();
    assert!(lapse(subject, time(days(2))).contains(&Effect::LookAtSite(Look::Identity)));
    assert_ne!(subject.digest().identities, before.identities);
    // Silence alone takes no identity away: two network cards stay one device when it is switched off.
    let silent = subject.digest();
    assert!(!lapse(subject, time(days(60))).is_empty());
    assert_eq!(subject.digest(), silent);
}

#[test]
fn what_ended_makes_room() {
    let name = |n: usize| at(host_name(&format!("host-{n}")), n as u64);
    let mut store = folded(&(0..512).map(name).collect::<Vec<_>>());
    assert_eq!(stepped(&mut store, &name(512)).changed, Changed::Counters);
    let subject = store.get_mut(&key(A)).unwrap();
    assert_eq!((subject.claims.len(), subject.dropped()), (512, 1));
    lapse(subject, time(days(31)));
    assert_eq!(stepped(&mut store, &at(host_name("again"), days(31))).effects, [heard("again", days(31))]);
    let subject = &store[&key(A)];
    assert_eq!(subject.claims.len(), 512);
    assert!(!subject.claims.iter().any(|c| c.value == "host-0"), "the one that ended longest ago made room");
}

#[test]
fn a_typical_device_is_small() {
    let mut records = vec![sent(A, "10.0.0.1"), arp(A, "10.0.0.1"), arp(A, "169.254.1.1")];
    for (n, attribute) in Attribute::ALL.iter().skip(3).take(40).enumerate() {
        records.push(fact(A, *attribute, &format!("a value of typical length {n}"), Protocol::Dicom));
    }
    records.extend(serial(A, "SN-12345"));
    let store = folded(&records);
    let subject = &store[&key(A)];
    let (mut bytes, digest) = (Vec::new(), subject.digest());
    subject.to_bytes(&mut bytes);
    let hot = size_of::<Subject>() + subject.heap_bytes();
    println!("hot view {hot} bytes, stored {} bytes, digest {} bytes", bytes.len(), digest.memory_bytes());
    assert!(hot <= 6 * 1024, "{hot} bytes");
    assert!(digest.memory_bytes() <= 400, "{} bytes", digest.memory_bytes());
}

proptest! {
    #[test]
    fn folding_twice_changes_only_sums(records in records()) {
        let mut store = folded(&records);
        let before = store.clone();
        for record in &records {
            let step = stepped(&mut store, record);
            prop_assert!(step.changed <= Changed::Counters, "{record:?}");
            prop_assert!(step.effects.iter().all(|e| *e == Effect::Happened), "{record:?}: {:?}", step.effects);
        }
        for (key, subject) in &mut store {
            let before = &before[key];
            prop_assert_eq!(subject.packets, before.packets * 2);
            let sums = |s: &Subject| (s.packets, s.bytes, s.logins_refused(), s.claims_dropped, s.bindings_dropped);
            let (packets, bytes, _, claims_dropped, bindings_dropped) = sums(before);
            let refused = before.logins_refused();
            subject.set_sums((packets, bytes, refused, claims_dropped, bindings_dropped));
            prop_assert_eq!(&*subject, before);
        }
    }

    /// Nothing but "counters" may be lost when a subject is not saved, and no effect goes with it.
    #[test]
    fn what_may_be_saved_later_draws_nothing(records in records()) {
        let mut store = BTreeMap::new();
        for record in &records {
            let keys: Vec<SubjectKey> = subjects(record).collect();
            for key in keys {
                let before = store.get(&key).map(Subject::digest);
                let subject = store.entry(key).or_insert_with(Subject::default);
                let step = step(View::new(key, subject), record, time(0), &catalog());
                if step.changed < Changed::Evidence {
                    let mut after = subject.digest();
                    let before = before.unwrap();
                    let older = before.bindings.iter().zip(&mut after.bindings);
                    older.for_each(|((_, before), (_, after))| {
                        assert!(after.last_seen.since(before.last_seen) < Duration::from_secs(HOUR_S / 2) || !after.confirmed && !after.on_link);
                        after.last_seen = before.last_seen;
                    });
                    after.last_seen = before.last_seen;
                    prop_assert_eq!(after, before);
                    prop_assert!(!step.effects.iter().any(|e| *e != Effect::Happened));
                }
            }
        }
    }
}
