//! The pairs and their ends, found by key, summed by the clock.

use super::pair::{Pair, PairKey};
use super::{Heard, PAIRS_MAX, Range};
use hashbrown::HashTable;
use model::{Protocol, TalkEnd};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Everything that is held.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Who talks: pairs name ends by their place here.
    pub(super) ends: Vec<TalkEnd>,
    places: HashMap<TalkEnd, u32>,
    pub(super) pairs: Vec<Pair>,
    /// Places in `pairs`, found by key under a secret seed.
    found: HashTable<u32>,
    seed: RandomState,
    /// The hour that sums are of; 0: none yet.
    pub(super) hour: u32,
    pub(super) dropped: u64,
    pub(super) revision: u64,
    /// Grows when ends get other places.
    pub(super) generation: u64,
}

impl Held {
    pub(super) fn tell(&mut self, heard: &Heard) {
        let client = self.place(heard.client);
        let server = self.place(heard.server);
        let key = PairKey { client, server, protocol: heard.protocol, port: heard.port };
        let hash = self.seed.hash_one(key);
        let pairs = &self.pairs;
        let is_it = |place: &u32| pairs.get(*place as usize).is_some_and(|pair| pair.key == key);
        let place = match self.found.find(hash, is_it) {
            Some(place) => *place as usize,
            None if self.pairs.len() >= PAIRS_MAX => {
                self.dropped += 1;
                return;
            }
            None => {
                let place = self.pairs.len();
                self.pairs.push(Pair::new(key, heard.hour));
                self.index(place);
                place
            }
        };
        let hour = self.hour;
        if let Some(pair) = self.pairs.get_mut(place) {
            pair.tell(heard.hour, heard.bytes);
            pair.sum(hour);
        }
    }

    fn index(&mut self, place: usize) {
        let (Some(pair), Ok(place)) = (self.pairs.get(place), u32::try_from(place)) else { return };
        let hash = self.seed.hash_one(pair.key);
        let (pairs, seed) = (&self.pairs, &self.seed);
        let rehash = |place: &u32| pairs.get(*place as usize).map_or(0, |pair| seed.hash_one(pair.key));
        self.found.insert_unique(hash, place, rehash);
    }

    /// Ends are bounded by pairs: a pair for which there is no room brings none, but for those it would have had.
    fn place(&mut self, end: TalkEnd) -> u32 {
        if let Some(place) = self.places.get(&end) {
            return *place;
        }
        if self.pairs.len() >= PAIRS_MAX {
            return u32::MAX;
        }
        let place = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.ends.push(end);
        self.places.insert(end, place);
        place
    }

    /// The clock shows another hour: sums are made anew, and once a day what is older than a week goes.
    pub(super) fn strike(&mut self, hour: u32) {
        if hour <= self.hour {
            return;
        }
        let was = std::mem::replace(&mut self.hour, hour);
        if was / 24 != hour / 24 && self.pairs.iter().any(|pair| pair.is_old(hour)) {
            self.forget(hour);
        }
        self.pairs.iter_mut().for_each(|pair| pair.sum(hour));
        self.revision += 1;
    }

    fn forget(&mut self, hour: u32) {
        let mut pairs = std::mem::take(&mut self.pairs);
        let ends = std::mem::take(&mut self.ends);
        self.places.clear();
        self.found.clear();
        self.generation += 1;
        pairs.retain(|pair| !pair.is_old(hour));
        for mut pair in pairs {
            let moved = [pair.key.client, pair.key.server].map(|place| ends.get(place as usize).copied());
            let [Some(client), Some(server)] = moved else { continue };
            (pair.key.client, pair.key.server) = (self.place(client), self.place(server));
            let place = self.pairs.len();
            self.pairs.push(pair);
            self.index(place);
        }
    }

    /// The pair of these ends over this service, and the places of the ends.
    pub(super) fn find(
        &self,
        client: TalkEnd,
        server: TalkEnd,
        protocol: Protocol,
        port: u16,
    ) -> Option<(&Pair, [u32; 2])> {
        let (client, server) = (*self.places.get(&client)?, *self.places.get(&server)?);
        let key = PairKey { client, server, protocol, port };
        let is_it = |place: &u32| self.pairs.get(*place as usize).is_some_and(|pair| pair.key == key);
        let place = self.found.find(self.seed.hash_one(key), is_it)?;
        Some((self.pairs.get(*place as usize)?, [client, server]))
    }

    /// Each pair that said something in `range`: its place, its ends and the bytes.
    pub(super) fn said(&self, range: Range) -> impl Iterator<Item = (&Pair, u64)> {
        let of = range.place();
        let said = self.pairs.iter().map(move |pair| (pair, pair.sums.get(of).map_or(0, |sum| sum.count())));
        said.filter(|(_, bytes)| *bytes > 0)
    }
}
