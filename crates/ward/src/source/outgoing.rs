//! Records of a listener on their way to the core: numbered without gaps, and kept within a bound while the queue is full. What
//! does not fit is dropped before it gets a number, counted, and told in the next Coverage.

use super::Outlet;
use crate::bus::Delivery;
use crate::measure;
use model::{Protocol, Record, Timestamp, Unparsed, UnparsedReason};
use std::collections::VecDeque;
use std::sync::Arc;

/// Coverage records kept beyond the bound: what was lost must be said even when there is no room.
const COVERAGE_SPARE: usize = 64;

/// One source's way out.
pub(super) struct Outgoing {
    pub(super) source: Arc<str>,
    /// Number of the last record that was queued here.
    last_sequence: u64,
    /// Number of the last record handed over.
    handed_over: u64,
    waiting: VecDeque<Record>,
    records_max: usize,
    batch_records: usize,
    dropped: u64,
}

impl Outgoing {
    /// Goes on behind `durable`, the last number that the store knows.
    pub(super) fn new(source: Arc<str>, durable: u64, records_max: usize, batch_records: usize) -> Self {
        Self {
            source,
            last_sequence: durable,
            handed_over: durable,
            waiting: VecDeque::new(),
            records_max,
            batch_records: batch_records.max(1),
            dropped: 0,
        }
    }

    /// Takes in what a sensor made.
    pub(super) fn take(&mut self, records: Vec<Record>) {
        let mut dropped = 0;
        for mut record in records {
            let spare = if matches!(record, Record::Coverage(_)) { COVERAGE_SPARE } else { 0 };
            if self.waiting.len() >= self.records_max.saturating_add(spare) {
                dropped += 1;
                continue;
            }
            if let Record::Coverage(coverage) = &mut record
                && self.dropped + dropped > 0
            {
                let count = self.dropped + dropped;
                let (protocol, reason) = (Protocol::Unknown, UnparsedReason::Limit);
                match coverage.unparsed.iter_mut().find(|u| u.protocol == protocol && u.reason == reason) {
                    Some(unparsed) => unparsed.count += count,
                    None => coverage.unparsed.push(Unparsed { protocol, reason, count }),
                }
                coverage.unparsed.sort_by_key(|u| (std::cmp::Reverse(u.count), u.protocol, u.reason));
            }
            self.last_sequence += 1;
            record.header_mut().sequence = self.last_sequence;
            self.waiting.push_back(record);
        }
        if dropped > 0 {
            if self.dropped == 0 {
                tracing::warn!(
                    source = &*self.source,
                    "the core takes records too slowly: the listener has no more room for them, and what comes now is lost"
                );
            }
            self.dropped += dropped;
            measure::records_dropped(&self.source, dropped);
        }
    }

    /// Hands over what there is room for; whether nothing waits any more.
    pub(super) fn offer(&mut self, outlet: &Outlet, heard_until: Timestamp) -> bool {
        while !self.waiting.is_empty() {
            let batch = self.waiting.len().min(self.batch_records);
            let records: Vec<Record> = self.waiting.drain(..batch).collect();
            let last_sequence = records.last().map_or(self.handed_over, |record| record.header().sequence);
            let position =
                serde_json::json!({ "heard_until": heard_until.as_nanos(), "dropped_records": self.dropped });
            let delivery = Delivery {
                source: Arc::clone(&self.source),
                records,
                last_sequence,
                position: position.to_string(),
                acknowledge: None,
            };
            match outlet.bus.offer(delivery) {
                Ok(()) => self.handed_over = last_sequence,
                Err(given_back) => {
                    for record in given_back.records.into_iter().rev() {
                        self.waiting.push_front(record);
                    }
                    return false;
                }
            }
        }
        true
    }

    /// Records that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{Bus as _, local::Local};
    use model::{Coverage, Event, EventKind, Header};
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    fn events(count: usize) -> Vec<Record> {
        let endpoint = model::EndpointKey {
            site: model::SiteId(1),
            domain: model::DomainId(0),
            vlan: None,
            address: model::Address::Ip([10, 0, 0, 1].into()),
        };
        let event = Event {
            header: Header::default(),
            endpoint,
            peer: None,
            kind: EventKind::Login,
            protocol: Protocol::Unknown,
            detail: "".into(),
        };
        vec![Record::Event(event); count]
    }

    #[test]
    fn numbers_have_no_gaps_and_losses_are_told() {
        let bus = Arc::new(Local::new(4));
        let stop = Arc::new(AtomicBool::new(false));
        let outlet = Outlet { bus: bus.clone(), cursors: Arc::new(|_| None), stop };
        let mut outgoing = Outgoing::new("live:x/0".into(), 40, 6, 4);
        outgoing.take(events(5));
        assert!(!outgoing.offer(&outlet, Timestamp::ZERO), "room for one batch of four only");
        outgoing.take(events(8));
        assert_eq!(outgoing.waiting(), 6, "three of eight are dropped");
        outgoing.take(vec![Record::Coverage(Box::<Coverage>::default())]);
        let mut sequences = Vec::new();
        let mut last = None;
        while sequences.len() < 11 {
            let delivery = bus.take(Duration::from_secs(10)).unwrap();
            assert_eq!(delivery.last_sequence, delivery.records.last().unwrap().header().sequence);
            sequences.extend(delivery.records.iter().map(|record| record.header().sequence));
            last = delivery.records.last().cloned();
            outgoing.offer(&outlet, Timestamp::ZERO);
        }
        assert_eq!(sequences, (41..52).collect::<Vec<_>>());
        let Some(Record::Coverage(coverage)) = last else { panic!("the last is the Coverage") };
        let told = Unparsed { protocol: Protocol::Unknown, reason: UnparsedReason::Limit, count: 3 };
        assert_eq!(coverage.unparsed, [told]);
        assert!(outgoing.offer(&outlet, Timestamp::ZERO) && bus.waiting() == 0);
    }
}
