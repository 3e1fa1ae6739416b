//! Every device as it is known now, in memory: what lists, facets and search go through.
//!
//! It must not be written by a page: the core tells it what became of devices after each commit. It can be built from the store
//! alone, for a moment of the past too.

mod entry;
mod summary;

pub use entry::{ADDRESSES_MAX, Entry, FindingCounts, Known, Text};
pub use summary::{FindingTotals, Summary, midnight};

use model::DeviceId;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

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
}

#[derive(Debug, Default)]
struct Held {
    devices: BTreeMap<DeviceId, Arc<Entry>>,
    revision: u64,
}

impl Inventory {
    /// Without devices.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what became of some devices.
    pub fn apply(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.revision += 1;
        for change in changes {
            match change {
                Change::Is(entry) => drop(held.devices.insert(entry.id, Arc::from(entry))),
                Change::Gone(device) => drop(held.devices.remove(&device)),
            }
        }
    }

    /// The device.
    pub fn get(&self, device: DeviceId) -> Option<Arc<Entry>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).devices.get(&device).cloned()
    }

    /// Hands every device to `each`, by id. Others wait with their changes meanwhile: it must be quick.
    pub fn each(&self, each: &mut dyn FnMut(&Entry)) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.devices.values().for_each(|entry| each(entry));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.held.read().unwrap_or_else(PoisonError::into_inner).devices.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Grows with every change.
    pub fn revision(&self) -> u64 {
        self.held.read().unwrap_or_else(PoisonError::into_inner).revision
    }
}
