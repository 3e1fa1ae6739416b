//! The simulated side of St Brannoc's: hospitals of any size by the roster's proportions, from one seed, as the records that
//! sensors would emit. No packets, no clock of its own, and no plans of wards: see `docs/guides/simulate-a-hospital.md`.
//!
//! A minute is planned for all devices, put in order, and spoken record by record; who is where follows from the plan
//! (`site`), so nothing is remembered but counters. What a device says was taken from `sense::observe`.

mod facts;
mod files;
mod fleet;
mod minute;
mod plan;
mod rhythm;
mod roster;
mod sensor;
mod site;
mod speak;
mod talk;
mod truth;

#[cfg(test)]
mod tests;

pub use files::{Written, write_jsonl};
pub use fleet::Fleet;
pub use plan::{CLOCK_STEP_BACK_MAX, Churn, DEVICES_MAX, Error, Faults, Plan, SENSORS_MAX};
pub use truth::TrueDevice;

use minute::{Deed, MINUTE, Planned};
use model::{Record, Timestamp};
use sensor::Sensor;
use site::Site;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Every so many minutes each sensor says what it saw.
pub const COVERAGE_EVERY_MINUTES: u64 = 1;

/// What was emitted so far, of one device or of many. Coverage belongs to sensors and is counted there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Flows.
    pub flows: u64,
    /// Facts.
    pub facts: u64,
    /// Activities.
    pub activities: u64,
    /// Events.
    pub events: u64,
    /// Bytes of its flows, both directions.
    pub bytes: u64,
}

impl Totals {
    fn add(&mut self, record: &Record) {
        match record {
            Record::Flow(flow) => {
                self.flows += 1;
                self.bytes += flow.from_client.bytes + flow.from_server.bytes;
            }
            Record::Fact(_) => self.facts += 1,
            Record::Activity(_) => self.activities += 1,
            Record::Event(_) => self.events += 1,
            Record::Coverage(_) => {}
        }
    }

    fn merge(&mut self, other: &Self) {
        self.flows += other.flows;
        self.facts += other.facts;
        self.activities += other.activities;
        self.events += other.events;
        self.bytes += other.bytes;
    }

    /// Records of every kind.
    pub const fn records(&self) -> u64 {
        self.flows + self.facts + self.activities + self.events
    }
}

/// The records of one site, in the order in which they reach the core: by `received_at`. A sensor whose clock is right has the
/// same `observed_at`; one whose clock was set back is behind by [`CLOCK_STEP_BACK_MAX`] at most.
#[derive(Debug)]
pub struct Simulation {
    site: Site,
    sensors: Vec<Sensor>,
    totals: Vec<Totals>,
    unseen: u64,
    next_minute: u64,
    /// The minute being spoken, latest first.
    planned: Vec<Planned>,
}

impl Simulation {
    /// Sets up a site.
    ///
    /// # Errors
    /// When the plan is out of its bounds, or the roster cannot be read.
    pub fn new(plan: Plan) -> Result<Self, Error> {
        let site = Site::new(plan)?;
        Ok(Self {
            sensors: (0..site.plan.sensors).map(Sensor::new).collect(),
            totals: vec![Totals::default(); site.places.len()],
            unseen: 0,
            next_minute: site.start,
            planned: Vec::new(),
            site,
        })
    }

    /// The sensor that watches a place: buildings in turn.
    fn sensor_of(&self, slot: u32) -> usize {
        let building = self.site.places.get(slot as usize).map_or(0, |place| place.building);
        (building % self.site.plan.sensors) as usize
    }

    fn plan_minute(&mut self) {
        let local = self.site.local(self.next_minute);
        for (number, sensor) in (0..).zip(&mut self.sensors) {
            sensor.begin(&self.site, number, &local);
        }
        self.planned.clear();
        for slot in 0..self.site.places.len() as u32 {
            let building = self.site.places.get(slot as usize).map_or(0, |place| place.building);
            let troubles = self.sensors.get(self.sensor_of(slot)).map(Sensor::troubles);
            let storm = troubles.is_some_and(|t| t.is_storm(local.minute, building, slot));
            self.site.plan_place(slot, &local, storm, &mut self.planned);
        }
        self.next_minute += 1;
        if self.next_minute.is_multiple_of(COVERAGE_EVERY_MINUTES) {
            let at = self.next_minute * MINUTE - 1;
            let sensors = 0..self.sensors.len() as u32;
            self.planned.extend(sensors.map(|slot| Planned { at, slot, number: 0, deed: Deed::Coverage }));
        }
        self.planned.sort_unstable_by(|a, b| b.cmp(a));
    }

    fn speak(&mut self, planned: Planned) -> Option<Record> {
        if planned.deed == Deed::Coverage {
            let sensor = self.sensors.get_mut(planned.slot as usize)?;
            return Some(Record::Coverage(Box::new(sensor.coverage(&self.site, planned.at))));
        }
        let sensor = self.sensor_of(planned.slot);
        let sensor = self.sensors.get_mut(sensor)?;
        let mut record = self.site.speak(planned, sensor.troubles())?;
        let is_dark = sensor.troubles().is_dark(planned.at / MINUTE);
        let (frames, bytes) = match &record {
            Record::Flow(flow) => (
                flow.from_client.packets + flow.from_server.packets,
                flow.from_client.bytes + flow.from_server.bytes,
            ),
            _ => (1, 120),
        };
        sensor.count(frames, bytes, speak::vlan_of(&record), is_dark);
        if is_dark {
            self.unseen += 1;
            return None;
        }
        if let Record::Flow(flow) = &record {
            sensor.count_flow(flow);
        }
        *record.header_mut() = sensor.header(&self.site, planned.at);
        let back = Timestamp::from_nanos(planned.at).since(record.header().observed_at);
        speak::shift(&mut record, back);
        self.totals.get_mut(planned.slot as usize)?.add(&record);
        Some(record)
    }

    /// The plan it follows.
    pub fn plan(&self) -> &Plan {
        &self.site.plan
    }

    /// The moment before which everything has been emitted.
    pub fn now(&self) -> Timestamp {
        let at = self.planned.last().map_or(self.next_minute * MINUTE, |planned| planned.at);
        Timestamp::from_nanos(at)
    }

    /// What was emitted so far, of all devices and guests.
    pub fn totals(&self) -> Totals {
        self.totals.iter().fold(Totals::default(), |mut sum, totals| {
            sum.merge(totals);
            sum
        })
    }

    /// What was emitted so far by class of the roster (guests are `guest`), with the number of places of that class. Devices that
    /// follow each other at one place count as one.
    pub fn totals_by_class(&self) -> BTreeMap<SmolStr, (usize, Totals)> {
        let mut classes: BTreeMap<SmolStr, (usize, Totals)> = BTreeMap::new();
        for (slot, totals) in (0..).zip(&self.totals) {
            let Some((_, template)) = self.site.place(slot) else { continue };
            let (places, sum) = classes.entry(template.class.clone()).or_default();
            *places += 1;
            sum.merge(totals);
        }
        classes
    }

    /// Records emitted by each sensor, Coverage included: its last sequence number.
    pub fn records_by_sensor(&self) -> Vec<u64> {
        self.sensors.iter().map(Sensor::records).collect()
    }

    /// Records that no sensor emitted because it saw nothing then.
    pub const fn unseen(&self) -> u64 {
        self.unseen
    }

    /// Bytes that the simulation holds, by counting.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.site.places.capacity() * size_of::<site::Place>()
            + self.totals.capacity() * size_of::<Totals>()
            + self.planned.capacity() * size_of::<Planned>()
            + self.sensors.iter().map(Sensor::memory_bytes).sum::<usize>()
    }
}

impl Iterator for Simulation {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            while let Some(planned) = self.planned.pop() {
                if let Some(record) = self.speak(planned) {
                    return Some(record);
                }
            }
            if self.next_minute >= self.site.end {
                return None;
            }
            self.plan_minute();
        }
    }
}
