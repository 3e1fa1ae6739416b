//! Records that are at hand already: a sample, a replay. Handed over in order and in batches; somebody is told when all are durable.

use super::{Outlet, Stopped};
use crate::bus::Delivery;
use model::Record;
use std::sync::Arc;

/// Records of one sensor, numbered without gaps from 1.
pub struct Given {
    /// Name of the source.
    pub name: Arc<str>,
    /// The records.
    pub records: Vec<Record>,
    /// Records of a delivery at most.
    pub batch_records: usize,
    /// Called when the last of them is durable; not where the run was stopped before.
    pub durable: Box<dyn FnOnce() + Send>,
}

impl Given {
    /// Hands them over, behind what is durable from before.
    pub fn run(self, outlet: &Outlet) {
        let Self { name, mut records, batch_records, durable } = self;
        let done = (outlet.cursors)(&name).map_or(0, |(sequence, _)| sequence);
        records.retain(|record| record.header().sequence > done);
        let mut rest = records.into_iter().peekable();
        let mut last_sequence = done;
        let mut durable = Some(durable);
        loop {
            let records: Vec<Record> = rest.by_ref().take(batch_records.max(1)).collect();
            last_sequence = records.last().map_or(last_sequence, |record| record.header().sequence);
            let is_last = rest.peek().is_none();
            let delivery = Delivery {
                source: Arc::clone(&name),
                records,
                last_sequence,
                position: "{}".into(),
                acknowledge: durable.take_if(|_| is_last).map(|told| told as crate::bus::Acknowledge),
            };
            match outlet.hand_over(delivery, &mut || {}) {
                Err(Stopped) => return,
                Ok(()) if is_last => return,
                Ok(()) => {}
            }
        }
    }
}
