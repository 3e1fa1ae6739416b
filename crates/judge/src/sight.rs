//! What Ward could see, and whether that is all there was: complete, not complete, or not checked. Each answer says why.
//!
//! It must not call silence clean: a sensor that tells nothing is "could not check".

use model::{Coverage, SensorId, Timestamp, Unparsed};
use std::collections::BTreeMap;

/// Hours a sensor may tell nothing before it counts as silent: it tells at least once a minute while it lives.
const SILENT_HOURS: u32 = 2;
/// One-sided flows per hundred from which the mirror is said to show one direction only: scans and lost answers stay below.
const ONE_SIDED_PERCENT: u64 = 20;
/// Flows below which nothing is said of their directions.
const FLOWS_MIN: u64 = 50;

/// What a sensor had told by the end of an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorHour {
    /// The sensor.
    pub sensor: SensorId,
    /// The hour, from 1970.
    pub hour: u32,
    /// Its counters, since it started.
    pub coverage: Coverage,
}

/// When nobody listened, or what was heard could not be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The source.
    pub source: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Why.
    pub reason: String,
}

/// One sensor over the time that is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SensorSight {
    /// Its counters over that time: what it had counted before is taken off. `dropped_frames` is `None` where it cannot tell.
    pub counted: Coverage,
    /// The newest hour it told of.
    pub newest_hour: u32,
    /// It has told nothing for some hours.
    pub is_silent: bool,
}

/// Why capture is not complete, or could not be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Frames were dropped before Ward had them.
    Dropped(SensorId, u64),
    /// Frames were cut.
    Cut(SensorId, u64),
    /// Bytes of TCP streams never came by.
    StreamGaps(SensorId, u64),
    /// Flows were forgotten because too many were open.
    Evicted(SensorId, u64),
    /// Of so many flows out of all, one direction was seen only.
    OneSided(SensorId, u64, u64),
    /// Nobody listened, so often.
    Gaps(usize),
    /// The source cannot tell whether frames were dropped.
    CannotTell(SensorId),
    /// The sensor has told nothing since that hour.
    Silent(SensorId, u32),
    /// No sensor has told anything in this time.
    Nobody,
}

/// Whether all was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Checked: nothing was missed.
    Complete,
    /// Checked: something was missed.
    NotComplete(Vec<Cause>),
    /// It could not be checked.
    Unchecked(Vec<Cause>),
}

/// What could be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// By sensor.
    pub sensors: BTreeMap<SensorId, SensorSight>,
    /// Gaps of that time, newest first.
    pub gaps: Vec<Gap>,
    /// Whether that was all.
    pub completeness: Completeness,
}

impl Sight {
    /// Looks at `hours` from `from_hour` on; older ones say what was counted before. `hours` is ordered by sensor and hour.
    pub fn of(hours: Vec<SensorHour>, gaps: Vec<Gap>, from_hour: u32, now: Timestamp) -> Self {
        let mut sensors: BTreeMap<SensorId, SensorSight> = BTreeMap::new();
        let mut before: BTreeMap<SensorId, Coverage> = BTreeMap::new();
        for SensorHour { sensor, hour, coverage } in hours {
            let sight = sensors.entry(sensor).or_default();
            sight.newest_hour = hour;
            sight.is_silent = hour.saturating_add(SILENT_HOURS) <= now.hour();
            if hour >= from_hour {
                let grown = grown(before.get(&sensor), &coverage);
                add(&mut sight.counted, grown);
            }
            before.insert(sensor, coverage);
        }
        let completeness = judged(&sensors, &gaps, from_hour);
        Self { sensors, gaps, completeness }
    }

    /// Of all sensors together.
    pub fn total(&self) -> Coverage {
        // Without a sensor nobody knows of drops.
        let known = (!self.sensors.is_empty()).then_some(0);
        let mut total = Coverage { dropped_frames: known, ..Coverage::default() };
        for sight in self.sensors.values() {
            let dropped = total.dropped_frames.zip(sight.counted.dropped_frames).map(|(a, b)| a + b);
            add(&mut total, sight.counted.clone());
            total.dropped_frames = dropped;
        }
        total
    }
}

fn judged(sensors: &BTreeMap<SensorId, SensorSight>, gaps: &[Gap], from_hour: u32) -> Completeness {
    let (mut missed, mut unchecked) = (Vec::new(), Vec::new());
    if !gaps.is_empty() {
        missed.push(Cause::Gaps(gaps.len()));
    }
    for (sensor, sight) in sensors {
        missed.extend(missed_by(*sensor, &sight.counted));
        if sight.is_silent {
            unchecked.push(Cause::Silent(*sensor, sight.newest_hour));
        } else if sight.counted.dropped_frames.is_none() {
            unchecked.push(Cause::CannotTell(*sensor));
        }
    }
    if sensors.values().all(|sight| sight.newest_hour < from_hour) {
        unchecked = vec![Cause::Nobody];
    }
    match (missed.is_empty(), unchecked.is_empty()) {
        (false, _) => {
            missed.extend(unchecked);
            Completeness::NotComplete(missed)
        }
        (true, false) => Completeness::Unchecked(unchecked),
        (true, true) => Completeness::Complete,
    }
}

fn missed_by(sensor: SensorId, counted: &Coverage) -> Vec<Cause> {
    let dropped = counted.dropped_frames.unwrap_or(0);
    let one_sided = counted.flows >= FLOWS_MIN
        && counted.flows_one_sided.saturating_mul(100) >= counted.flows.saturating_mul(ONE_SIDED_PERCENT);
    [
        (dropped > 0).then_some(Cause::Dropped(sensor, dropped)),
        (counted.cut_frames > 0).then_some(Cause::Cut(sensor, counted.cut_frames)),
        (counted.gap_bytes > 0).then_some(Cause::StreamGaps(sensor, counted.gap_bytes)),
        (counted.flows_evicted > 0).then_some(Cause::Evicted(sensor, counted.flows_evicted)),
        one_sided.then_some(Cause::OneSided(sensor, counted.flows_one_sided, counted.flows)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What was counted between two tellings. Counters that shrank are of a sensor that started anew: all of them are new.
fn grown(before: Option<&Coverage>, after: &Coverage) -> Coverage {
    let Some(before) = before.filter(|before| before.frames <= after.frames) else { return after.clone() };
    let less = |a: u64, b: u64| a.saturating_sub(b);
    let unparsed_before = |of: &Unparsed| {
        let same = |other: &&Unparsed| (other.protocol, other.reason) == (of.protocol, of.reason);
        before.unparsed.iter().find(same).map_or(0, |found| found.count)
    };
    let vlan_before =
        |vlan: u16| before.vlans.iter().find(|(one, _)| *one == vlan).map_or(0, |(_, count)| *count);
    let unparsed =
        after.unparsed.iter().map(|of| Unparsed { count: less(of.count, unparsed_before(of)), ..*of });
    let vlans = after.vlans.iter().map(|(vlan, count)| (*vlan, less(*count, vlan_before(*vlan))));
    Coverage {
        header: after.header,
        frames: less(after.frames, before.frames),
        bytes: less(after.bytes, before.bytes),
        cut_frames: less(after.cut_frames, before.cut_frames),
        dropped_frames: after.dropped_frames.map(|dropped| less(dropped, before.dropped_frames.unwrap_or(0))),
        duplicate_frames: less(after.duplicate_frames, before.duplicate_frames),
        flows: less(after.flows, before.flows),
        flows_without_start: less(after.flows_without_start, before.flows_without_start),
        flows_one_sided: less(after.flows_one_sided, before.flows_one_sided),
        flows_evicted: less(after.flows_evicted, before.flows_evicted),
        gap_bytes: less(after.gap_bytes, before.gap_bytes),
        unparsed: unparsed.filter(|of| of.count > 0).collect(),
        vlans: vlans.filter(|(_, count)| *count > 0).collect(),
    }
}

fn add(sum: &mut Coverage, more: Coverage) {
    sum.header = more.header;
    sum.frames += more.frames;
    sum.bytes += more.bytes;
    sum.cut_frames += more.cut_frames;
    sum.dropped_frames = match (sum.dropped_frames, more.dropped_frames) {
        (Some(a), Some(b)) => Some(a + b),
        (None, b) => b,
        (a, None) => a,
    };
    sum.duplicate_frames += more.duplicate_frames;
    sum.flows += more.flows;
    sum.flows_without_start += more.flows_without_start;
    sum.flows_one_sided += more.flows_one_sided;
    sum.flows_evicted += more.flows_evicted;
    sum.gap_bytes += more.gap_bytes;
    for one in more.unparsed {
        let same = |other: &&mut Unparsed| (other.protocol, other.reason) == (one.protocol, one.reason);
        match sum.unparsed.iter_mut().find(same) {
            Some(found) => found.count += one.count,
            None => sum.unparsed.push(one),
        }
    }
    for (vlan, count) in more.vlans {
        match sum.vlans.iter_mut().find(|(other, _)| *other == vlan) {
            Some((_, sum)) => *sum += count,
            None => sum.vlans.push((vlan, count)),
        }
    }
    sum.unparsed.sort_by_key(|one| std::cmp::Reverse(one.count));
    sum.vlans.sort_unstable();
}

#[cfg(test)]
mod tests;
