//! Several sites as one stream: what a core above them takes in.

use super::{Error, Plan, Simulation, Totals};
use model::{Record, Timestamp};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Simulations side by side. Records come in order of `received_at`, those of one moment by place in the list.
#[derive(Debug)]
pub struct Fleet {
    sites: Vec<Simulation>,
    heads: Vec<Option<Record>>,
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

impl Fleet {
    /// Sets up every site.
    ///
    /// # Errors
    /// As [`Simulation::new`].
    pub fn new(plans: impl IntoIterator<Item = Plan>) -> Result<Self, Error> {
        let sites = plans.into_iter().map(Simulation::new).collect::<Result<Vec<_>, _>>()?;
        let mut fleet = Self { heads: sites.iter().map(|_| None).collect(), sites, next: BinaryHeap::new() };
        (0..fleet.sites.len()).for_each(|at| fleet.refill(at));
        Ok(fleet)
    }

    /// The sites, for their truth and totals. The records that were read ahead, one a site, are counted there already.
    pub fn sites(&self) -> &[Simulation] {
        &self.sites
    }

    /// What all sites emitted so far.
    pub fn totals(&self) -> Totals {
        self.sites.iter().fold(Totals::default(), |mut sum, site| {
            sum.merge(&site.totals());
            sum
        })
    }

    fn refill(&mut self, at: usize) {
        let record = self.sites.get_mut(at).and_then(Iterator::next);
        if let (Some(record), Some(head)) = (record, self.heads.get_mut(at)) {
            self.next.push(Reverse((record.header().received_at, at)));
            *head = Some(record);
        }
    }
}

impl Iterator for Fleet {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let Reverse((_, at)) = self.next.pop()?;
        let record = self.heads.get_mut(at)?.take();
        self.refill(at);
        record
    }
}
