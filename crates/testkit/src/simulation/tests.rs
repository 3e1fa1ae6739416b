//! The simulation is what it says: the same again, in order, without gaps, with the counts and rhythms that are promised.

use super::*;
use model::{Address, Attribute, DeviceKey, Duration, Fact, Protocol, SiteId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// 2026-11-16T00:00:00Z, a Monday.
const MONDAY: u64 = 20_773 * 86_400;
const HOUR: u64 = 3600;

fn plan(devices: usize, days: u32) -> Plan {
    Plan::new(7, SiteId(3), devices, Timestamp::from_secs(MONDAY), days)
}

fn simulation(plan: Plan) -> Simulation {
    Simulation::new(plan).unwrap()
}

fn minutes(plan: Plan, minutes: u64) -> impl Iterator<Item = Record> {
    let end = Timestamp::from_secs(plan.start.as_secs() + minutes * 60);
    simulation(plan).take_while(move |record| record.header().received_at < end)
}

fn bytes(records: impl Iterator<Item = Record>) -> String {
    records.map(|record| serde_json::to_string(&record).unwrap() + "\n").collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let run = |seed| bytes(minutes(Plan { seed, ..plan(200, 1) }, 30));
    let first = run(1);
    assert!(first.lines().count() > 500);
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));
    let macs = |seed| {
        let run = simulation(Plan { seed, ..plan(100, 1) });
        let now = Timestamp::from_secs(MONDAY + HOUR);
        run.truth(now).into_iter().flat_map(|device| device.macs).collect::<BTreeSet<_>>()
    };
    assert!(macs(1).is_disjoint(&macs(2)));
}

#[test]
fn a_start_within_a_day_plans_the_same_minutes() {
    let noon = Timestamp::from_secs(MONDAY + 12 * HOUR);
    let churn = Churn { replace_days: 0, ..Churn::default() };
    let faults = Faults::NONE;
    let whole = Plan { churn, faults, ..plan(100, 1) };
    let late = Plan { start: noon, ..whole.clone() };
    let flows = |plan| {
        let from_noon = simulation(plan).filter(|r| r.header().received_at >= noon);
        let end = Timestamp::from_secs(MONDAY + 13 * HOUR);
        from_noon
            .take_while(|r| r.header().received_at < end)
            .filter(|r| matches!(r, Record::Flow(_)))
            .count()
    };
    let (whole, late) = (flows(whole), flows(late));
    assert!(whole.abs_diff(late) * 200 < whole, "{whole} and {late}: only who just came may differ");
}

#[test]
fn records_come_in_order_and_sequences_have_no_gaps() {
    let mut sequences: BTreeMap<u32, u64> = BTreeMap::new();
    let (mut latest, mut steps_back) = (Timestamp::ZERO, 0);
    let mut observed: BTreeMap<u32, Timestamp> = BTreeMap::new();
    let mut run = simulation(Plan { sensors: 3, ..plan(400, 1) });
    for record in run.by_ref() {
        let header = *record.header();
        assert_eq!((header.schema, header.site), (model::SCHEMA_VERSION, SiteId(3)));
        assert!(header.received_at >= latest);
        latest = header.received_at;
        let sequence = sequences.entry(header.sensor.0).or_default();
        *sequence += 1;
        assert_eq!(header.sequence, *sequence);
        assert!(header.received_at.since(header.observed_at) <= CLOCK_STEP_BACK_MAX);
        assert!(header.observed_at <= header.received_at);
        let last = observed.insert(header.sensor.0, header.observed_at).unwrap_or_default();
        if header.observed_at < last {
            assert_eq!(header.sensor.0, 1, "only the first sensor has a bad clock");
            steps_back += 1;
        }
        if let Record::Flow(flow) = &record {
            assert!(flow.first_seen <= header.observed_at);
            assert!(flow.first_seen.plus(CLOCK_STEP_BACK_MAX) >= run_start());
        }
    }
    assert_eq!(steps_back, 1);
    assert_eq!(sequences.into_values().collect::<Vec<_>>(), run.records_by_sensor());
    assert_eq!(run.now(), Timestamp::from_secs(MONDAY + 24 * HOUR));
}

fn run_start() -> Timestamp {
    Timestamp::from_secs(MONDAY)
}

#[test]
fn without_faults_the_order_is_that_of_observation() {
    let mut latest = Timestamp::ZERO;
    for record in minutes(Plan { faults: Faults::NONE, ..plan(500, 1) }, 120) {
        assert_eq!(record.header().observed_at, record.header().received_at);
        assert!(record.header().observed_at >= latest);
        latest = record.header().observed_at;
    }
}

/// Counts again, from the records alone, what the totals say.
#[test]
fn every_class_has_its_records_a_day_and_the_totals_lose_nothing() {
    // A Monday and a Sunday: nothing falls below on the quietest day.
    for day in [0, 6] {
        let start = Timestamp::from_secs(MONDAY + day * 24 * HOUR);
        let mut run = simulation(Plan { start, ..plan(100, 1) });
        let (mut counted, mut coverage) = (Totals::default(), 0);
        for record in run.by_ref() {
            coverage += u64::from(matches!(record, Record::Coverage(_)));
            counted.add(&record);
        }
        assert_eq!(counted, run.totals());
        assert_eq!(counted.records() + coverage, run.records_by_sensor().iter().sum::<u64>());
        assert!(run.unseen() > 0, "there was a gap");
        for (class, (places, totals)) in run.totals_by_class() {
            let places = places as u64;
            if class == "guest" {
                continue; // they stay for some hours
            }
            let (flows, told) = (totals.flows / places, (totals.facts + totals.activities) / places);
            assert!(flows >= 5000, "{class}: {flows} flows on day {day}");
            assert!(told >= 1000, "{class}: {told} facts and activities on day {day}");
            assert!(flows < 7000 && told < 1600, "{class}: {flows} and {told}: far more than promised");
        }
    }
}

fn flows_by(records: impl Iterator<Item = Record>, group: impl Fn(&model::Flow) -> bool) -> [u64; 24] {
    let mut hours = [0; 24];
    for record in records {
        if let Record::Flow(flow) = &record
            && group(flow)
        {
            hours[((flow.header.received_at.as_secs() / HOUR) % 24) as usize] += 1;
        }
    }
    hours
}

#[test]
fn nights_and_weekends_are_quiet_where_people_work() {
    let is_image = |flow: &model::Flow| flow.protocol == Protocol::Dicom && flow.server_port != 0;
    let is_notification = |flow: &model::Flow| flow.server_port == 6464;
    let day =
        |day: u64| simulation(Plan { start: Timestamp::from_secs(MONDAY + day * 24 * HOUR), ..plan(100, 1) });
    let weekday = flows_by(day(0), is_image);
    let sunday = flows_by(day(6), is_image);
    let (night, morning): (u64, u64) = (weekday[0..6].iter().sum(), weekday[8..14].iter().sum());
    assert!(night * 3 < morning, "images at night {night}, in the morning {morning}");
    let (weekday, sunday) = (weekday.iter().sum::<u64>(), sunday.iter().sum::<u64>());
    assert!(sunday * 10 < weekday * 8, "images on a weekday {weekday}, on Sunday {sunday}");
    let (weekday, sunday) = (flows_by(day(0), is_notification), flows_by(day(6), is_notification));
    let sums = [weekday.iter().sum::<u64>(), sunday.iter().sum::<u64>()];
    assert!(sums[0].abs_diff(sums[1]) * 10 < sums[0], "patients do not leave the ICU on Sundays: {sums:?}");
    assert!(weekday.iter().all(|hour| *hour > 0), "monitors never sleep: {weekday:?}");
    // In Auckland the morning of the same site comes thirteen hours earlier.
    let offset = Plan { utc_offset_s: 13 * 3600, ..plan(100, 1) };
    let away = flows_by(simulation(offset), is_image);
    assert!(away[19..24].iter().sum::<u64>() > away[7..12].iter().sum::<u64>() * 2, "{away:?}");
}

/// What an inventory makes of a day must be what was there: whoever is missed or made up is named here.
fn compare(
    run: &Simulation,
    inventory: &judge::inventory::Inventory,
    at: Timestamp,
) -> (f64, f64, Vec<String>) {
    let vendors = judge::inventory::VendorRegistry::load("").unwrap();
    let resolved = inventory.resolve(&judge::inventory::SiteNetworks::default(), &vendors);
    let truth = run.truth(at);
    let by_key: HashMap<&DeviceKey, &TrueDevice> = truth.iter().map(|device| (&device.key, device)).collect();
    let by_mac: HashMap<_, &TrueDevice> =
        truth.iter().flat_map(|device| device.macs.iter().map(move |mac| (*mac, device))).collect();
    let (mut reasons, mut found) = (Vec::new(), BTreeSet::new());
    for device in &resolved.devices {
        let macs: BTreeSet<_> = device.addresses.iter().filter_map(|a| a.mac).collect();
        let owner = macs.first().and_then(|mac| by_mac.get(mac)).or_else(|| by_key.get(&device.key));
        match owner {
            Some(owner) if macs == owner.macs.iter().copied().collect() && found.insert(&owner.key) => {}
            Some(owner) => reasons.push(format!("{:?} has {macs:?}, is {owner:?}", device.key)),
            None => reasons.push(format!("{:?} {:?} is not there", device.key, device.names)),
        }
    }
    for missed in truth.iter().filter(|device| !found.contains(&device.key)) {
        reasons.push(format!("missed: {missed:?}"));
    }
    (found.len() as f64 / resolved.devices.len() as f64, found.len() as f64 / truth.len() as f64, reasons)
}

#[test]
fn an_inventory_of_a_day_finds_who_is_there_and_nobody_else() {
    for seed in [7, 8, 9] {
        let mut run = simulation(Plan { seed, sensors: 2, ..plan(300, 1) });
        let mut inventory = judge::inventory::Inventory::new(1);
        run.by_ref().for_each(|record| inventory.fold(&record));
        assert_eq!(inventory.dropped_records(), 0);
        let (precision, recall, reasons) = compare(&run, &inventory, run.now());
        println!("precision {precision:.4}, recall {recall:.4}");
        reasons.iter().for_each(|reason| println!("{reason}"));
        assert!(precision >= 0.99 && recall >= 0.99, "precision {precision}, recall {recall}: {reasons:#?}");
        // The comparison is one that can fail: only what is known by address alone is alike elsewhere.
        let elsewhere = simulation(Plan { seed: seed + 10, ..plan(300, 1) });
        let (_, recall, _) = compare(&elsewhere, &inventory, run.now());
        assert!(recall < 0.1, "{recall}");
    }
}

#[test]
fn an_inventory_as_of_noon_is_the_truth_as_of_noon() {
    let noon = Timestamp::from_secs(MONDAY + 12 * HOUR);
    let mut run = simulation(Plan { faults: Faults::NONE, ..plan(100, 2) });
    let mut inventory = judge::inventory::Inventory::new(1);
    for record in run.by_ref().take_while(|record| record.header().received_at <= noon) {
        inventory.fold(&record);
    }
    let (precision, recall, reasons) = compare(&run, &inventory, noon);
    assert!(precision >= 0.98 && recall >= 0.98, "precision {precision}, recall {recall}: {reasons:#?}");
}

#[test]
fn truth_knows_first_and_last_to_the_nanosecond() {
    let noon = Timestamp::from_secs(MONDAY + 12 * HOUR);
    let mut seen: HashMap<Address, (Timestamp, Timestamp)> = HashMap::new();
    let run = simulation(Plan { faults: Faults::NONE, ..plan(100, 1) });
    let truth = run.truth(noon);
    for record in run.take_while(|record| record.header().received_at <= noon) {
        if let Record::Fact(Fact { header, endpoint, attribute: Attribute::Presence, .. }) = &record {
            let span = seen.entry(endpoint.address).or_insert((header.observed_at, header.observed_at));
            span.1 = header.observed_at;
        }
    }
    let mut checked = 0;
    for device in truth.iter().filter(|device| device.macs.len() == 1) {
        let (first, last) = seen[&Address::Mac(device.macs[0])];
        assert_eq!(device.first_seen, first, "{device:?}");
        assert!(
            last <= device.last_seen && device.last_seen.since(last) < Duration::from_secs(60),
            "{device:?}"
        );
        checked += 1;
    }
    assert!(checked > 60, "{checked}");
}

#[test]
fn devices_come_go_and_change_their_addresses() {
    let churn = Churn { replace_days: 4, ..Churn::default() };
    let run = simulation(Plan { churn, ..plan(100, 7) });
    let week = run.truth(Timestamp::from_secs(MONDAY + 7 * 24 * HOUR));
    let of_class = |class: &str| week.iter().filter(|device| device.class == class).count();
    assert!((12..=30).contains(&of_class("clinical-workstation")), "{}", of_class("clinical-workstation"));
    assert!(of_class("infusion-pump") > 30);
    assert_eq!(of_class("ventilator"), 4, "what is bolted down stays");
    assert_eq!(of_class("guest"), 4 * 3 * 7);
    assert!(week.iter().any(|device| device.macs.len() == 2), "a dock");
    assert!(week.iter().any(|device| device.ips.len() >= 3), "leases");
    let mut holders: BTreeMap<IpAddr, usize> = BTreeMap::new();
    week.iter().flat_map(|device| &device.ips).for_each(|ip| *holders.entry(*ip).or_default() += 1);
    assert!(holders.values().filter(|count| **count > 1).count() > 10, "addresses move on");
    let guests = || week.iter().filter(|device| device.class == "guest");
    assert!(guests().all(|device| device.macs[0].is_local()), "randomised");
    let macs: BTreeSet<_> = week.iter().flat_map(|device| &device.macs).collect();
    assert_eq!(macs.len(), week.iter().map(|device| device.macs.len()).sum::<usize>(), "no address twice");
    assert!(week.iter().any(|device| matches!(device.key, DeviceKey::Address(Address::Ip(_)))), "routed");
    assert_eq!(simulation(Plan { churn: Churn::NONE, ..plan(100, 7) }).truth(run_end(7)).len(), 100);
}

fn run_end(days: u64) -> Timestamp {
    Timestamp::from_secs(MONDAY + days * 24 * HOUR)
}

#[test]
fn host_names_are_all_that_is_said_and_belong_to_one_site() {
    let run = simulation(plan(200, 1));
    let names: BTreeSet<SmolStr> = run.hostnames().collect();
    assert!(names.contains("s3-icu-mon-0007"), "{names:?}");
    let other: BTreeSet<SmolStr> = simulation(Plan { site: SiteId(4), ..plan(200, 1) }).hostnames().collect();
    assert!(names.is_disjoint(&other));
    let mut said = BTreeSet::new();
    for record in run {
        if let Record::Fact(fact) = record
            && fact.attribute == Attribute::HostName
        {
            assert!(names.contains(&fact.value), "{}", fact.value);
            said.insert(fact.value);
        }
    }
    assert!(said.len() * 10 > names.len() * 6, "{} of {} said", said.len(), names.len());
}

#[test]
fn faults_leave_their_marks() {
    let mut run = simulation(Plan { sensors: 2, ..plan(200, 1) });
    let (mut leases_in_storm, mut resent, mut doubled) = (BTreeMap::<u64, u64>::new(), 0, 0);
    let (mut dropped, mut counted) = (BTreeMap::new(), BTreeMap::new());
    for record in run.by_ref() {
        match &record {
            Record::Flow(flow) => {
                resent += u64::from(flow.from_client.retransmitted_bytes > 0);
                doubled += flow.duplicate_packets;
            }
            Record::Event(event) if event.kind == model::EventKind::Lease => {
                *leases_in_storm.entry(event.header.received_at.as_secs() / 120).or_default() += 1;
            }
            Record::Coverage(coverage) => {
                let sensor = coverage.header.sensor;
                let before = dropped.insert(sensor, coverage.dropped_frames.unwrap()).unwrap_or_default();
                assert!(coverage.dropped_frames.unwrap() >= before, "counters only grow");
                counted.insert(sensor, coverage.duplicate_frames);
                assert!(!coverage.vlans.is_empty() && coverage.flows > 0 || before == 0);
            }
            _ => {}
        }
    }
    assert!(resent > 100 && doubled > 1000 && run.unseen() > 100);
    assert!(dropped.values().all(|frames| *frames > 0), "both sensors had a gap: {dropped:?}");
    assert!(counted.values().sum::<u64>() >= doubled);
    assert!(leases_in_storm.values().max() > Some(&15), "a storm of leases: {leases_in_storm:?}");
}

#[test]
fn fifteen_thousand_devices_speak_within_bounded_memory() {
    let plan = Plan { sensors: 4, ..plan(15_000, 1) };
    let start = plan.start.as_secs();
    let mut run = simulation(plan);
    let (mut records, mut most) = (0u64, 0);
    while let Some(record) = run.next()
        && record.header().received_at.as_secs() < start + 120
    {
        records += 1;
        most = most.max(run.memory_bytes());
    }
    assert!((80_000..250_000).contains(&records), "{records} in two minutes");
    assert!(most / 15_000 <= 2048, "{} bytes a device", most / 15_000);
    println!("{records} records, {} bytes a device", most / 15_000);
}

#[test]
fn half_a_million_devices_have_addresses_of_their_own() {
    let site = Site::new(plan(DEVICES_MAX, 1)).unwrap();
    let mut addresses = BTreeSet::new();
    for slot in (0..site.places.len() as u32).step_by(97) {
        if let Some(stay) = site.stay(slot, site.start) {
            let key = site.key(slot, &stay).unwrap();
            assert!(addresses.insert(key), "{:?}", site.places[slot as usize]);
        }
    }
    assert!(Simulation::new(plan(DEVICES_MAX + 1, 1)).is_err());
    assert!(Simulation::new(plan(0, 1)).is_err());
    assert!(Simulation::new(Plan { sensors: 0, ..plan(1, 1) }).is_err());
}

#[test]
fn small_and_odd_sites_work() {
    for devices in [1, 2, 5, 37, 99, 101, 250] {
        let mut run = simulation(plan(devices, 1));
        assert_eq!(run.site.places.iter().filter(|p| usize::from(p.entry) < 100).count(), devices);
        assert!(run.by_ref().take(5000).count() > 100, "{devices}");
    }
    // Three quarters of a hospital have three quarters of its pumps, give or take one.
    let run = simulation(plan(175, 1));
    let (pumps, _) = run.totals_by_class()["infusion-pump"];
    assert!(pumps.abs_diff(42) <= 1, "{pumps}");
}

#[test]
fn a_fleet_merges_its_sites_in_order() {
    let plans = [1, 2, 5].map(|site| Plan { site: SiteId(site), ..plan(50, 1) });
    let end = Timestamp::from_secs(MONDAY + HOUR);
    let mut latest = Timestamp::ZERO;
    let mut of_site: BTreeMap<SiteId, Vec<Record>> = BTreeMap::new();
    for record in Fleet::new(plans.clone()).unwrap().take_while(|r| r.header().received_at < end) {
        assert!(record.header().received_at >= latest);
        latest = record.header().received_at;
        of_site.entry(record.header().site).or_default().push(record);
    }
    assert_eq!(of_site.len(), 3);
    for plan in plans {
        let alone: Vec<Record> = minutes(plan.clone(), 60).collect();
        assert!(of_site[&plan.site] == alone, "a site does not depend on its neighbours");
    }
}

#[test]
fn files_hold_every_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { sensors: 2, ..plan(200, 1) };
    let written = write_jsonl(minutes(plan.clone(), 20), folder.path(), 500).unwrap();
    let expected: Vec<Record> = minutes(plan, 20).collect();
    assert_eq!(written.records, expected.len() as u64);
    assert!(folder.path().join("sim-3-1-00001.jsonl").exists());
    let mut read: Vec<Record> = Vec::new();
    for file in &written.files {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.lines().count() <= 500);
        read.extend(text.lines().map(|line| serde_json::from_str::<Record>(line).unwrap()));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), written.files.len(), "no part is left");
    read.sort_by_key(|record| (record.header().sensor.0, record.header().sequence));
    let mut expected = expected;
    expected.sort_by_key(|record| (record.header().sensor.0, record.header().sequence));
    assert!(read == expected);
}
