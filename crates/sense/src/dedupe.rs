//! Which facts were said lately, so that a fact repeated a thousand times a second is one record a minute.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use model::{Duration, Timestamp};
use std::hash::{BuildHasher, Hash};

/// Facts remembered at once (16 bytes each). Past it the older half of a minute is forgotten: facts repeat sooner.
const FACTS_REMEMBERED_MAX: usize = 1 << 18;
/// A repeated fact is sent again in every minute of the clock: when it was last heard is then known to the minute,
/// however many share the work.
const REFRESH: Duration = Duration::from_secs(60);

/// Remembers keyed hashes of facts with the second of their last emission.
pub(crate) struct Dedupe {
    seed: FixedState,
    last_said_s: HashMap<u64, u64, FixedState>,
}

impl Dedupe {
    pub(crate) fn new(seed: u64) -> Self {
        let seed = FixedState::with_seed(seed);
        Self { last_said_s: HashMap::with_hasher(seed.clone()), seed }
    }

    /// Whether `fact` is due: never said, or not yet in this minute. If so it counts as said `now`.
    pub(crate) fn due(&mut self, fact: impl Hash, now: Timestamp) -> bool {
        let (key, now_s) = (self.seed.hash_one(fact), now.as_secs());
        let refresh_s = REFRESH.as_nanos() / 1_000_000_000;
        if let Some(last) = self.last_said_s.get_mut(&key) {
            if now_s / refresh_s == *last / refresh_s {
                return false;
            }
            *last = now_s;
            return true;
        }
        if self.last_said_s.len() >= FACTS_REMEMBERED_MAX {
            self.forget(now_s, refresh_s);
        }
        self.last_said_s.insert(key, now_s);
        true
    }

    fn forget(&mut self, now_s: u64, refresh_s: u64) {
        self.last_said_s.retain(|_, last| now_s.abs_diff(*last) < refresh_s / 2);
        if self.last_said_s.len() >= FACTS_REMEMBERED_MAX / 2 {
            self.last_said_s.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_said_once_a_minute() {
        let mut dedupe = Dedupe::new(7);
        let at = Timestamp::from_secs;
        assert!(dedupe.due("a", at(130)));
        assert!(!dedupe.due("a", at(179)));
        assert!(dedupe.due("b", at(179)));
        assert!(dedupe.due("a", at(180)));
        assert!(!dedupe.due("a", at(180)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut dedupe = Dedupe::new(7);
        for i in 0..3 * FACTS_REMEMBERED_MAX {
            dedupe.due(i, Timestamp::from_secs(1));
        }
        assert!(dedupe.last_said_s.len() <= FACTS_REMEMBERED_MAX);
    }
}
