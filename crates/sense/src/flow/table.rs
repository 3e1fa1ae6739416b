//! The flow table: bounded, keyed by a secret seed, expired by a timing wheel.

use super::key::{End, FlowKey};
use super::wheel::{Due, Wheel};
use super::{Flow, Lifetime};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use model::Timestamp;
use std::hash::{BuildHasher, Hasher};

/// Wheel entries kept per slab place before those of ended flows are swept out.
const ENTRIES_PER_FLOW_MAX: usize = 8;
/// Entries that a nearly empty table may have on top.
const ENTRIES_SPARE: usize = 1024;

/// Flows and the ways to find and expire them. INVARIANT: every live slab entry is in `index` once and in the wheel at
/// least once with its current generation.
pub(crate) struct FlowTable {
    seed: FixedState,
    index: HashTable<u32>,
    slab: Vec<Slot>,
    free: Vec<u32>,
    wheel: Wheel,
    fired: Vec<Due>,
    flows_max: usize,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    flow: Option<Flow>,
}

/// A flow found or made.
pub(crate) struct Entry {
    pub(crate) index: u32,
    pub(crate) is_new: bool,
}

impl FlowTable {
    pub(crate) fn new(seed: u64, flows_max: usize) -> Self {
        Self {
            seed: FixedState::with_seed(seed),
            index: HashTable::new(),
            slab: Vec::new(),
            free: Vec::new(),
            wheel: Wheel::new(),
            fired: Vec::new(),
            flows_max: flows_max.max(1),
        }
    }

    #[inline]
    fn hash(seed: &FixedState, key: &FlowKey) -> u64 {
        let mut hasher = seed.build_hasher();
        for word in key.words() {
            hasher.write_u64(word);
        }
        hasher.finish()
    }

    /// The flow of `key`, made if need be. A full table first evicts (see [`Self::is_full`]).
    #[inline]
    pub(crate) fn entry(&mut self, key: FlowKey, sender: End, now: Timestamp) -> Entry {
        let hash = Self::hash(&self.seed, &key);
        let slab = &self.slab;
        let is_it =
            |&i: &u32| slab.get(i as usize).and_then(|s| s.flow.as_ref()).is_some_and(|f| f.key == key);
        if let Some(&index) = self.index.find(hash, is_it) {
            return Entry { index, is_new: false };
        }
        Entry { index: self.insert(hash, Flow::new(key, sender, now)), is_new: true }
    }

    #[cold]
    fn insert(&mut self, hash: u64, flow: Flow) -> u32 {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slab.push(Slot { generation: 0, flow: None });
                (self.slab.len() - 1) as u32
            }
        };
        let mut generation = 0;
        if let Some(slot) = self.slab.get_mut(index as usize) {
            slot.flow = Some(flow);
            generation = slot.generation;
        }
        let (seed, slab) = (&self.seed, &self.slab);
        let rehash = |&i: &u32| match slab.get(i as usize).and_then(|s| s.flow.as_ref()) {
            Some(flow) => Self::hash(seed, &flow.key),
            None => 0,
        };
        self.index.insert_unique(hash, index, rehash);
        self.schedule(Due { index, generation }, Lifetime::FIRST_LOOK_S);
        index
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut Flow> {
        self.slab.get_mut(index as usize)?.flow.as_mut()
    }

    /// Looks at the flow again in `after_s` seconds, besides any look already due.
    pub(crate) fn look_again(&mut self, index: u32, after_s: u64) {
        if let Some(generation) = self.slab.get(index as usize).map(|slot| slot.generation) {
            self.schedule(Due { index, generation }, after_s);
        }
    }

    /// Flows that end before their time leave entries behind. Where time stands still they would pile up for ever.
    fn schedule(&mut self, due: Due, after_s: u64) {
        self.wheel.insert(due, after_s);
        if self.wheel.len() > ENTRIES_PER_FLOW_MAX * (self.slab.len() + ENTRIES_SPARE) {
            let slab = &self.slab;
            let is_live =
                |due: &Due| slab.get(due.index as usize).is_some_and(|s| s.generation == due.generation);
            self.wheel.retain(is_live);
        }
    }

    /// Time went back to `now`.
    pub(crate) fn step_back(&mut self, now: Timestamp) {
        self.wheel.step_back(now);
    }

    #[cfg(test)]
    pub(crate) const fn scheduled(&self) -> usize {
        self.wheel.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.index.len() >= self.flows_max
    }

    /// Flows that live now.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Removes the flows whose time is over at `now` and hands them to `ended`.
    pub(crate) fn expire(&mut self, now: Timestamp, mut ended: impl FnMut(Flow)) {
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.advance(now, &mut fired);
        for due in fired.drain(..) {
            self.look(due, now, &mut ended);
        }
        self.fired = fired;
    }

    fn look(&mut self, due: Due, now: Timestamp, ended: &mut impl FnMut(Flow)) {
        let slot = self.slab.get(due.index as usize).filter(|s| s.generation == due.generation);
        let Some(flow) = slot.and_then(|s| s.flow.as_ref()) else { return };
        let deadline = flow.deadline();
        if now < deadline {
            let after_s = deadline.as_secs().saturating_sub(now.as_secs()) + 1;
            self.wheel.insert(due, after_s);
        } else if let Some(flow) = self.remove(due.index) {
            ended(flow);
        }
    }

    /// Makes room by removing the flows that would expire soonest; hands them to `ended`.
    pub(crate) fn evict(&mut self, mut ended: impl FnMut(Flow)) {
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.pop_soonest(&mut fired);
        for due in fired.drain(..) {
            if self.slab.get(due.index as usize).is_some_and(|s| s.generation == due.generation) {
                self.remove(due.index).into_iter().for_each(&mut ended);
            }
        }
        self.fired = fired;
    }

    /// Removes every flow, in slab order, and hands them to `ended`.
    pub(crate) fn drain(&mut self, mut ended: impl FnMut(Flow)) {
        for index in 0..self.slab.len() as u32 {
            self.remove(index).into_iter().for_each(&mut ended);
        }
    }

    /// Removes one flow.
    pub(crate) fn take(&mut self, index: u32) -> Option<Flow> {
        self.remove(index)
    }

    fn remove(&mut self, index: u32) -> Option<Flow> {
        let slot = self.slab.get_mut(index as usize)?;
        let flow = slot.flow.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        if let Ok(entry) = self.index.find_entry(Self::hash(&self.seed, &flow.key), |&i| i == index) {
            entry.remove();
        }
        self.free.push(index);
        Some(flow)
    }
}
