//! Every device as it is known now, in memory: what lists, facets and search go through.
//!
//! It must not be written by a page: the core tells it what became of devices after each commit. It can be built from the store
//! alone, for a moment of the past too. Beside the entries it holds columns of small numbers ([`rows`]); a list goes through those
//! and looks at the entries of its page only.

mod column;
mod differences;
mod entry;
mod facet;
mod list;
mod order;
mod past;
mod query;
mod rows;
#[cfg(test)]
mod sample;
mod search;
mod summary;
#[cfg(test)]
mod tests;

pub use column::Column;
pub use differences::{Differences, differences};
pub use entry::{ADDRESSES_MAX, Entry, FindingCounts, Known, Text};
pub use facet::{Facet, UNKNOWN};
pub use list::{FACET_VALUES_MAX, FacetCounts, FacetValue, Listed, Tally};
pub use past::Past;
pub use query::{
    LIMIT_DEFAULT, LIMIT_MAX, QUERY_BYTES_MAX, Query, SEARCH_CHARS_MAX, VALUE_CHARS_MAX, VALUES_MAX, Wrong,
};
pub use summary::{FindingTotals, Summary, midnight};

use model::{DeviceId, Timestamp};
use rows::Rows;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// Changes taken over at once: readers wait for no more than these, about half a millisecond.
const CHANGES_AT_ONCE: usize = 64;
/// Times taken over at once.
const TIMES_AT_ONCE: usize = 1_024;

/// What became of a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is so now.
    Is(Box<Entry>),
    /// It is in no list any more: merged, or all its evidence is gone.
    Gone(DeviceId),
}

/// The devices of a site.
#[derive(Debug, Default)]
pub struct Inventory {
    held: RwLock<Held>,
    /// The same as it was.
    pub(crate) past: Past,
}

#[derive(Debug, Default)]
struct Held {
    rows: Rows,
    revision: u64,
}

impl Inventory {
    /// Without devices.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what became of some devices, a few at a time: a reader may see the first of them without the last.
    pub fn apply(&self, changes: Vec<Change>) {
        let mut changes = changes.into_iter().peekable();
        while changes.peek().is_some() {
            let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
            held.revision += 1;
            for change in changes.by_ref().take(CHANGES_AT_ONCE) {
                match change {
                    Change::Is(entry) => held.rows.put(entry),
                    Change::Gone(device) => held.rows.remove(device),
                }
            }
        }
    }

    /// Takes over when devices were last seen, where nothing else of them changed. Devices that are not there are passed over.
    pub fn set_last_seen(&self, times: &[(DeviceId, Timestamp)]) {
        for times in times.chunks(TIMES_AT_ONCE) {
            let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
            held.revision += 1;
            times.iter().for_each(|(device, at)| held.rows.seen(*device, *at));
        }
    }

    /// The device.
    pub fn get(&self, device: DeviceId) -> Option<Arc<Entry>> {
        let rows = self.read();
        let place = rows.places.get(&device).copied()?;
        rows.entry(place as usize).cloned()
    }

    /// All of them, by number: a copy of one moment, for what goes through everything without making lists wait.
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        let rows = self.read();
        rows.places.values().filter_map(|place| rows.entry(*place as usize).cloned()).collect()
    }

    /// Hands each to `each`, by number, while others may read and none may write: for counting, and not for anything slow.
    pub fn each(&self, each: &mut dyn FnMut(&Entry)) {
        let rows = self.read();
        rows.places.values().filter_map(|place| rows.entry(*place as usize)).for_each(|entry| each(entry));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.read().places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Grows with every change.
    pub fn revision(&self) -> u64 {
        self.held.read().unwrap_or_else(PoisonError::into_inner).revision
    }

    /// Bytes it takes, about.
    pub fn bytes(&self) -> usize {
        self.read().bytes()
    }

    fn read(&self) -> Reading<'_> {
        Reading(self.held.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The rows while they are read.
struct Reading<'h>(RwLockReadGuard<'h, Held>);

impl std::ops::Deref for Reading<'_> {
    type Target = Rows;

    fn deref(&self) -> &Rows {
        &self.0.rows
    }
}
