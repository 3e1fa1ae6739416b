//! How fast a step and a look are. Not timed in the test run: `cargo test --release -p judge speed -- --ignored --nocapture`.

use crate::inventory::{Digest, Subject, SubjectKey};
use crate::made_up::{activity, arp, at, catalog, fact, flow, key, sent};
use crate::site::{Assigned, SiteView, site};
use crate::step::{View, step, subjects};
use hashbrown::HashMap;
use model::{Attribute, Protocol, Record};
use std::collections::BTreeMap;
use std::time::Instant;

fn mac(n: usize) -> String {
    format!("02:00:00:{:02x}:{:02x}:{:02x}", n >> 16, (n >> 8) & 255, n & 255)
}

fn ip(n: usize) -> String {
    format!("10.{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255)
}

/// What a device is known by after a day.
fn device(n: usize) -> Vec<Record> {
    let (mac, ip) = (mac(n), ip(n));
    let mut records = vec![sent(&mac, &ip), arp(&mac, &ip)];
    for (k, attribute) in Attribute::ALL.iter().skip(3).take(18).enumerate() {
        records.push(fact(&ip, *attribute, &format!("value {k} of {n}"), Protocol::Dicom));
    }
    records.push(fact(&mac, Attribute::SerialNumber, &format!("SN-{n:07}"), Protocol::Lldp));
    records.push(fact(&mac, Attribute::Model, "Monitor 7", Protocol::Lldp));
    records
}

#[test]
#[ignore = "a measurement"]
fn speed_of_site() {
    for devices in [7_500, 50_000] {
        let mut store: BTreeMap<SubjectKey, Subject> = BTreeMap::new();
        for n in 0..devices {
            device(n).iter().for_each(|record| drop(crate::made_up::stepped(&mut store, record)));
        }
        let started = Instant::now();
        let digests: BTreeMap<SubjectKey, Digest> = store.iter().map(|(k, s)| (*k, s.digest())).collect();
        let drawn = started.elapsed();
        let mut assigned = Assigned::default();
        let catalog = catalog();
        for look in ["first", "second", "third"] {
            let started = Instant::now();
            let view = SiteView { digests: &digests, assigned: &assigned, decisions: &[] };
            let step = site(&view, crate::made_up::time(0), &catalog);
            let took = started.elapsed();
            println!(
                "site, {} subjects, {look} look: {took:?}, {} devices, {} changes (all digests: {drawn:?})",
                digests.len(),
                step.devices.len(),
                step.changes.len()
            );
            assigned.apply(&step);
        }
        let started = Instant::now();
        let step = site(
            &SiteView { digests: &digests, assigned: &assigned, decisions: &[] },
            crate::made_up::time(0),
            &catalog,
        );
        let looked = started.elapsed();
        let cards = step.devices.iter().map(|d| crate::inventory::card(d, |k| store.get(k), &catalog));
        let claims: usize = cards.map(|card| card.claims.len()).sum();
        println!("all cards: {:?} ({claims} claims)", started.elapsed() - looked);
    }
}

#[test]
#[ignore = "a measurement"]
fn speed_of_step() {
    const DEVICES: usize = 1_000;
    let catalog = catalog();
    let mut store: HashMap<SubjectKey, Subject, foldhash::fast::FixedState> =
        HashMap::with_hasher(foldhash::fast::FixedState::with_seed(1));
    let mut records: Vec<Record> = Vec::new();
    for minute in 0..20_u64 {
        for n in 0..DEVICES {
            records.extend(device(n).into_iter().map(|record| at(record, minute * 60)));
            records.extend((0..10).map(|k| at(activity(&ip(n), &ip(n + k)), minute * 60 + k as u64)));
            records.extend((0..10).map(|k| at(flow(&ip(n), &ip(n + k + 1), [9, 9]), minute * 60 + k as u64)));
        }
    }
    for (pass, skipped) in [("with look-up", false), ("step alone", true)] {
        let (mut steps, mut effects, mut in_steps) = (0_u64, 0, std::time::Duration::ZERO);
        let started = Instant::now();
        for record in &records {
            for key in subjects(record) {
                let subject = store.entry(key).or_insert_with(Subject::default);
                let now = record.header().observed_at;
                let before = skipped.then(Instant::now);
                let done = step(View::new(key, subject), record, now, &catalog);
                in_steps += before.map_or(std::time::Duration::ZERO, |before| before.elapsed());
                steps += 1;
                effects += done.effects.len();
            }
        }
        let took = if skipped { in_steps } else { started.elapsed() };
        println!("{pass}: {} ns a step, {steps} steps, {effects} effects", took.as_nanos() as u64 / steps);
    }
    let started = Instant::now();
    for _ in 0..1_000_000 {
        std::hint::black_box(Instant::now());
    }
    println!("of which the clock itself: {} ns", started.elapsed().as_nanos() / 1_000_000);
    let one = &store[&key(&ip(7))];
    let mut bytes = Vec::new();
    let started = Instant::now();
    (0..100_000).for_each(|_| {
        bytes.clear();
        one.to_bytes(&mut bytes);
    });
    let written = started.elapsed();
    let read = Instant::now();
    (0..100_000).for_each(|_| drop(std::hint::black_box(Subject::from_bytes(&bytes))));
    println!(
        "to bytes {:?}, from bytes {:?}, {} bytes",
        written / 100_000,
        read.elapsed() / 100_000,
        bytes.len()
    );
    println!(
        "hot: {} bytes; digest {} bytes",
        size_of::<Subject>() + one.heap_bytes(),
        one.digest().memory_bytes()
    );
}
