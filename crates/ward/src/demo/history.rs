//! The 28 days before the day of packets, derived from it: the same devices say and do about the same at the same hours, less at
//! weekends, some of them only since a while ago, some with the software they had before an update.
//!
//! It must not pretend: every record comes from [`super::SIMULATED`], and no verdict rests on it alone that the day does not show.

use super::{DAY, SIMULATED};
use model::{
    Activity, Attribute, Duration, EndpointKey, Fact, Header, Protocol, Record, Role, SCHEMA_VERSION, SiteId,
    Timestamp, Transport,
};
use smol_str::{SmolStr, format_smolstr};
use std::collections::{BTreeMap, BTreeSet};

/// Days before the day of packets.
pub const DAYS: u64 = 28;
/// Parts that a day is told in.
const PARTS: u64 = 6;
/// Conversations that are told, the largest of the day.
const KEYS_MAX: usize = 1_500;
/// Out of so many devices one came to the house within the 28 days, or on the day after them.
const NEWCOMER_ONE_IN: u64 = 12;
/// Days on which a newcomer may have come: the last few are the day of packets.
const NEWCOMER_DAYS: u64 = DAYS + 20;
/// Out of so many that tell a software version one was updated within the 28 days.
const UPDATED_ONE_IN: u64 = 3;

/// Who does what with whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    endpoint: EndpointKey,
    peer: EndpointKey,
    role: Role,
    protocol: Protocol,
    transport: Transport,
    port: u16,
    verb: SmolStr,
}

/// How much of it, in each part of the day.
type Sums = [(u64, u64); PARTS as usize];

/// What the days before are made from.
pub struct History {
    begin: Timestamp,
    facts: BTreeSet<(EndpointKey, Attribute, SmolStr, Protocol)>,
    sums: Vec<(Key, Sums)>,
    sequence: u64,
}

impl History {
    /// Learns from the records of the day, which begins 24 hours before its newest record.
    pub fn of(day: &[Record]) -> Self {
        let newest = day.iter().map(|record| record.header().observed_at).max().unwrap_or_default();
        let begin = Timestamp::from_nanos(newest.as_nanos().saturating_sub(DAY.as_nanos()));
        let (mut facts, mut sums) = (BTreeSet::new(), BTreeMap::<Key, Sums>::new());
        for record in day {
            match record {
                Record::Fact(fact) => {
                    facts.insert((fact.endpoint, fact.attribute, fact.value.clone(), fact.source));
                }
                Record::Activity(activity) => {
                    let part = part_of(begin, activity.header.observed_at);
                    let sums = sums.entry(Key::of(activity)).or_default();
                    if let Some((count, sent)) = sums.get_mut(part) {
                        *count += activity.count;
                        *sent += activity.bytes;
                    }
                }
                // Nobody watched then: nothing is said of what was seen and missed.
                Record::Coverage(_) | Record::Event(_) | Record::Flow(_) => {}
            }
        }
        let mut sums: Vec<(Key, Sums)> = sums.into_iter().collect();
        sums.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.iter().map(|(_, bytes)| bytes).sum::<u64>()));
        sums.truncate(KEYS_MAX);
        Self { begin, facts, sums, sequence: 0 }
    }

    /// When the day of packets begins.
    pub fn day_begins(&self) -> Timestamp {
        self.begin
    }

    /// The records of the days before, oldest first.
    pub fn records(mut self) -> Vec<Record> {
        let mut records = Vec::new();
        for day in 0..DAYS {
            self.day(day, &mut records);
        }
        records
    }

    /// Day `day` of [`DAYS`], each part of it in turn: first what devices say, then what they do.
    fn day(&mut self, day: u64, records: &mut Vec<Record>) {
        let begin = before(self.begin, DAYS - day);
        let share = if is_weekend(begin) { 45 } else { 100 };
        let facts = std::mem::take(&mut self.facts);
        for (endpoint, attribute, value, source) in facts.iter().filter(|fact| is_here(&fact.0, day)) {
            let header = self.header(begin);
            let value = as_it_was(endpoint, *attribute, value, day);
            records.push(Record::Fact(Fact {
                header,
                endpoint: *endpoint,
                attribute: *attribute,
                value,
                source: *source,
            }));
        }
        self.facts = facts;
        let sums = std::mem::take(&mut self.sums);
        for part in 0..PARTS {
            let end = begin.plus(Duration::from_nanos((part + 1) * DAY.as_nanos() / PARTS - 1));
            for (key, sums) in
                sums.iter().filter(|(key, _)| is_here(&key.endpoint, day) && is_here(&key.peer, day))
            {
                let (count, bytes) = sums.get(part as usize).copied().unwrap_or_default();
                let share = share * (85 + chance(key, day * PARTS + part) % 31) / 100;
                let (count, bytes) = (count * share / 100, bytes * share / 100);
                if count > 0 {
                    let header = self.header(end);
                    records.push(Record::Activity(Box::new(key.activity(header, count, bytes))));
                }
            }
        }
        self.sums = sums;
    }

    fn header(&mut self, at: Timestamp) -> Header {
        self.sequence += 1;
        Header {
            schema: SCHEMA_VERSION,
            site: SiteId::default(),
            sensor: SIMULATED,
            sequence: self.sequence,
            observed_at: at,
            received_at: at,
        }
    }
}

impl Key {
    fn of(activity: &Activity) -> Self {
        Self {
            endpoint: activity.endpoint,
            peer: activity.peer,
            role: activity.role,
            protocol: activity.protocol,
            transport: activity.transport,
            port: activity.service_port,
            verb: activity.verb.clone(),
        }
    }

    fn activity(&self, header: Header, count: u64, bytes: u64) -> Activity {
        Activity {
            header,
            endpoint: self.endpoint,
            peer: self.peer,
            role: self.role,
            protocol: self.protocol,
            transport: self.transport,
            service_port: self.port,
            verb: self.verb.clone(),
            span: Duration::from_secs(59),
            count,
            bytes,
            retransmitted_bytes: 0,
            gap_bytes: 0,
        }
    }
}

fn before(at: Timestamp, days: u64) -> Timestamp {
    Timestamp::from_nanos(at.as_nanos().saturating_sub(days * DAY.as_nanos()))
}

fn part_of(begin: Timestamp, at: Timestamp) -> usize {
    (at.since(begin).as_nanos() / (DAY.as_nanos() / PARTS)).min(PARTS - 1) as usize
}

/// 1 January 1970 was a Thursday.
fn is_weekend(at: Timestamp) -> bool {
    matches!((at.as_secs() / 86_400 + 4) % 7, 0 | 6)
}

/// Whether the endpoint's device had come to the house by `day`.
fn is_here(endpoint: &EndpointKey, day: u64) -> bool {
    let chance = chance(endpoint, 0);
    !chance.is_multiple_of(NEWCOMER_ONE_IN) || day >= chance / NEWCOMER_ONE_IN % NEWCOMER_DAYS
}

/// What it said on `day`: a version that ends in a number above 0 was one lower before the update.
fn as_it_was(endpoint: &EndpointKey, attribute: Attribute, value: &SmolStr, day: u64) -> SmolStr {
    let chance = chance(endpoint, 1);
    let is_updated = attribute == Attribute::SoftwareVersion && chance.is_multiple_of(UPDATED_ONE_IN);
    if !is_updated || day >= chance / UPDATED_ONE_IN % DAYS {
        return value.clone();
    }
    let digits = value.bytes().rev().take_while(u8::is_ascii_digit).count();
    let Some((stem, last)) = value.split_at_checked(value.len() - digits) else { return value.clone() };
    match last.parse::<u32>() {
        Ok(number) if number > 0 => format_smolstr!("{stem}{}", number - 1),
        _ => value.clone(),
    }
}

/// A number that follows from what it is asked for, and looks like chance: the same on every machine.
fn chance<T: std::fmt::Debug>(of: &T, salt: u64) -> u64 {
    let text = format!("{of:?}");
    text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    }) >> 11
}

#[cfg(test)]
mod tests {
    use super::super::day::read;
    use super::*;

    const END: Timestamp = Timestamp::from_secs(1_795_357_200);

    #[test]
    fn the_days_before_end_where_the_day_begins_and_say_who_made_them() {
        let day = read(END, 1).unwrap();
        let history = History::of(&day);
        let begins = history.day_begins();
        let records = history.records();
        eprintln!("{} records of the day, {} before it", day.len(), records.len());
        assert!(records.iter().all(|record| record.header().sensor == SIMULATED));
        assert!(records.iter().all(|record| record.header().observed_at < begins));
        assert!(records.iter().map(|r| r.header().observed_at).min() == Some(before(begins, DAYS)));
        let numbers: Vec<u64> = records.iter().map(|record| record.header().sequence).collect();
        assert!(numbers.iter().copied().eq(1..=records.len() as u64));
        assert_eq!(day.iter().map(|r| r.header().observed_at).max(), Some(END));
    }

    #[test]
    fn some_devices_are_new_and_some_were_updated() {
        let day = read(END, 1).unwrap();
        let records = History::of(&day).records();
        let first = |day: u64| before(END, DAYS + 1 - day);
        let here = |from: Timestamp| -> BTreeSet<EndpointKey> {
            let facts = records.iter().filter(|r| r.header().observed_at < from.plus(DAY));
            facts
                .filter_map(|r| if let Record::Fact(fact) = r { Some(fact.endpoint) } else { None })
                .collect()
        };
        assert!(here(first(0)).len() < here(first(27)).len());
        let versions: BTreeSet<(EndpointKey, Protocol, SmolStr)> = records
            .iter()
            .filter_map(|r| match r {
                Record::Fact(fact) if fact.attribute == Attribute::SoftwareVersion => {
                    Some((fact.endpoint, fact.source, fact.value.clone()))
                }
                _ => None,
            })
            .collect();
        let speakers: BTreeSet<(EndpointKey, Protocol)> = versions.iter().map(|(e, s, _)| (*e, *s)).collect();
        assert!(versions.len() > speakers.len(), "nobody was updated");
    }

    #[test]
    fn the_same_day_gives_the_same_days_before() {
        let day = read(END, 1).unwrap();
        assert_eq!(History::of(&day).records(), History::of(&day).records());
    }
}
