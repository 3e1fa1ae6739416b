//! Different values by first mention: a block says each once, and its place from then on.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use std::hash::{BuildHasher as _, Hash, Hasher as _};

/// The values of one kind.
pub(super) struct Dictionary<K> {
    places: HashMap<K, i64, FixedState>,
    values: Vec<K>,
    /// Many records follow one that says the same.
    last: Option<(K, i64)>,
}

/// A seed that nobody knows: what a sensor hears must not choose its place in a map. Blocks do not depend on it.
pub(super) fn secret_seed() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

impl<K: Copy + Eq + Hash> Dictionary<K> {
    /// With room for so many.
    pub(super) fn new(seed: u64, room: usize) -> Self {
        let places = HashMap::with_capacity_and_hasher(room, FixedState::with_seed(seed));
        Self { places, values: Vec::with_capacity(room), last: None }
    }

    /// The place of `key`, and whether it was not there yet.
    pub(super) fn place_of(&mut self, key: K) -> (i64, bool) {
        if let Some((last, place)) = self.last
            && last == key
        {
            return (place, false);
        }
        let next = self.values.len() as i64;
        let (place, is_new) = match self.places.entry(key) {
            Entry::Occupied(there) => (*there.get(), false),
            Entry::Vacant(free) => (*free.insert(next), true),
        };
        if is_new {
            self.values.push(key);
        }
        self.last = Some((key, place));
        (place, is_new)
    }

    /// The place of `key`.
    pub(super) fn place(&mut self, key: K) -> i64 {
        self.place_of(key).0
    }

    /// All, by place.
    pub(super) fn values(&self) -> &[K] {
        &self.values
    }
}
