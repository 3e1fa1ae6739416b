//! A timing wheel: which flows to look at in which second.

use model::Timestamp;

/// Seconds the wheel covers; deadlines beyond are looked at early and put back.
const SLOTS: usize = 512;

/// Entries taken out at once when room must be made.
const EVICTED_AT_ONCE_MAX: usize = 64;

/// An entry: a slab index and the generation it was made for, so that a reused slot is not mistaken for the old flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Slots by second. Insertion and firing are O(1) per entry.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<Due>>,
    entries: usize,
    now_s: u64,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), entries: 0, now_s: 0 }
    }

    /// Schedules a look `after_s` seconds from the wheel's now.
    pub(crate) fn insert(&mut self, due: Due, after_s: u64) {
        let at = (self.now_s + after_s.clamp(1, SLOTS as u64 - 1)) as usize % SLOTS;
        if let Some(slot) = self.slots.get_mut(at) {
            slot.push(due);
            self.entries += 1;
        }
    }

    /// Turns the wheel to `now`; entries that became due go to `fired`. Time that stands still or runs back fires none.
    pub(crate) fn advance(&mut self, now: Timestamp, fired: &mut Vec<Due>) {
        let now_s = now.as_secs();
        if self.now_s == 0 {
            self.now_s = now_s;
        }
        // After a long silence every slot is due once.
        let steps = now_s.saturating_sub(self.now_s).min(SLOTS as u64);
        for step in 1..=steps {
            let at = (now_s - steps + step) as usize % SLOTS;
            if let Some(slot) = self.slots.get_mut(at) {
                self.entries -= slot.len();
                fired.append(slot);
                // A burst must not keep its memory for ever.
                slot.shrink_to(64);
            }
        }
        self.now_s = self.now_s.max(now_s);
    }

    /// Time went back to `now`: entries keep their slots and are looked at within one turn of the wheel.
    pub(crate) fn step_back(&mut self, now: Timestamp) {
        self.now_s = now.as_secs();
    }

    /// Entries scheduled, those for flows that are gone included.
    pub(crate) const fn len(&self) -> usize {
        self.entries
    }

    /// Drops the entries that `keep` refuses.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Due) -> bool) {
        self.slots.iter_mut().for_each(|slot| slot.retain(&keep));
        self.entries = self.slots.iter().map(Vec::len).sum();
    }

    /// The slot that would fire next and is not empty, for eviction; its entries go to `fired`.
    pub(crate) fn pop_soonest(&mut self, fired: &mut Vec<Due>) {
        for step in 1..=SLOTS as u64 {
            let at = (self.now_s + step) as usize % SLOTS;
            if let Some(slot) = self.slots.get_mut(at).filter(|slot| !slot.is_empty()) {
                let kept = slot.len().saturating_sub(EVICTED_AT_ONCE_MAX);
                fired.extend(slot.drain(kept..));
                self.entries -= fired.len();
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(wheel: &mut Wheel, at_s: u64) -> Vec<u32> {
        let mut due = Vec::new();
        wheel.advance(Timestamp::from_secs(at_s), &mut due);
        due.iter().map(|d| d.index).collect()
    }

    #[test]
    fn entries_fire_once_in_their_second() {
        let mut wheel = Wheel::new();
        assert!(fired(&mut wheel, 1000).is_empty());
        wheel.insert(Due { index: 1, generation: 0 }, 5);
        wheel.insert(Due { index: 2, generation: 0 }, 10_000);
        assert!(fired(&mut wheel, 1004).is_empty());
        assert_eq!(fired(&mut wheel, 1005), [1]);
        assert!(fired(&mut wheel, 1000).is_empty());
        assert_eq!(fired(&mut wheel, 1600), [2]);
    }
}
