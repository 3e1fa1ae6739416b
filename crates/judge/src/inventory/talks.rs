//! Activities added up to talks: who, with whom, over which service, in which hour. A store loads and saves them by the
//! hour; what changed since it last asked is known ([`Talks::take_dirty`]).

use super::subject::SubjectKey;
use hashbrown::{HashMap, HashSet};
use model::{Activity, DeviceId, Flow, Protocol, Role, Talk, TalkEnd, Timestamp, Transport};
use smol_str::SmolStr;
use std::collections::{BTreeMap, VecDeque};

/// Talks kept; further ones are counted and dropped.
pub const TALKS_MAX: usize = 1 << 20;
/// Services of one pair kept apart; the rest is added up as "various" (port 0).
const SERVICES_PER_PAIR_MAX: usize = 16;
/// Verbs of one talk kept apart; the rest is added up as `OTHER`.
const VERBS_MAX: usize = 48;
/// From here on ports are dynamic and name no service (RFC 6335 §6).
const PORT_DYNAMIC_MIN: u16 = 49_152;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Which talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TalkKey {
    /// Who opened the conversations.
    pub client: SubjectKey,
    /// Who was asked.
    pub server: SubjectKey,
    /// What was spoken.
    pub protocol: Protocol,
    /// Over which transport.
    pub transport: Transport,
    /// The server's port; 0 for various.
    pub service_port: u16,
    /// Hours since the epoch.
    pub hour: u32,
}

/// What was exchanged. All are sums: folding a record twice counts it twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TalkSums {
    /// Packets of the client and of the server.
    pub packets: [u64; 2],
    /// Bytes of the client and of the server.
    pub bytes: [u64; 2],
    /// Conversations that were closed in this hour.
    pub flows: u64,
    /// Messages by verb, in the order first heard; 48 at most, the last of which is `OTHER`.
    pub verbs: Vec<(SmolStr, u64)>,
}

#[derive(Debug, Default)]
struct Entry {
    sums: TalkSums,
    is_dirty: bool,
}

/// What is offered on a port.
type Service = (Protocol, Transport, u16);

/// The talks in memory.
#[derive(Debug, Default)]
pub struct Talks {
    sums: Map<TalkKey, Entry>,
    services: Map<(SubjectKey, SubjectKey), Vec<Service>>,
    /// INVARIANT: the keys of exactly the dirty entries, the longest dirty first.
    dirty: VecDeque<TalkKey>,
    dropped: u64,
}

impl Talks {
    /// No talks. `seed` is secret entropy for the maps; nothing else depends on it.
    pub fn new(seed: u64) -> Self {
        let state = || foldhash::fast::FixedState::with_seed(seed);
        Self { sums: Map::with_hasher(state()), services: Map::with_hasher(state()), ..Self::default() }
    }

    /// Adds an activity: which talk it is part of, and whether that is new. `None`: there was no room, and it is counted
    /// in [`Talks::dropped`].
    pub fn fold(&mut self, activity: &Activity) -> Option<(TalkKey, bool)> {
        self.fold_unless(activity, |_| false)
    }

    /// The same, unless `is_held` says that the talk has this activity already (a restart replays what a store may hold).
    pub fn fold_unless(
        &mut self,
        activity: &Activity,
        is_held: impl FnOnce(&TalkKey) -> bool,
    ) -> Option<(TalkKey, bool)> {
        let (endpoint, peer) = (SubjectKey::from(&activity.endpoint), SubjectKey::from(&activity.peer));
        let (client, server, sender) = match activity.role {
            Role::Client => (endpoint, peer, 0),
            Role::Server => (peer, endpoint, 1),
        };
        let key = TalkKey {
            client,
            server,
            protocol: activity.protocol,
            transport: activity.transport,
            service_port: activity.service_port,
            hour: activity.header.observed_at.hour(),
        };
        self.add(key, is_held, |sums| sums.activity(activity, sender))
    }

    /// Counts a closed flow; its packets and bytes came as activities. Answers as [`Talks::fold`] does.
    pub fn fold_flow(&mut self, flow: &Flow) -> Option<(TalkKey, bool)> {
        self.fold_flow_unless(flow, |_| false)
    }

    /// The same, unless `is_held` says that the talk has this flow already.
    pub fn fold_flow_unless(
        &mut self,
        flow: &Flow,
        is_held: impl FnOnce(&TalkKey) -> bool,
    ) -> Option<(TalkKey, bool)> {
        let key = TalkKey {
            client: SubjectKey::from(&flow.client),
            server: SubjectKey::from(&flow.server),
            protocol: flow.protocol,
            transport: flow.transport,
            service_port: flow.server_port,
            hour: flow.header.observed_at.hour(),
        };
        self.add(key, is_held, |sums| sums.flows = sums.flows.saturating_add(1))
    }

    fn add(
        &mut self,
        mut key: TalkKey,
        is_held: impl FnOnce(&TalkKey) -> bool,
        change: impl FnOnce(&mut TalkSums),
    ) -> Option<(TalkKey, bool)> {
        if key.service_port >= PORT_DYNAMIC_MIN && key.protocol == Protocol::Unknown {
            key.service_port = 0;
        }
        if !self.sums.contains_key(&key) {
            if self.sums.len() >= TALKS_MAX {
                self.dropped += 1;
                return None;
            }
            self.keep_services_few(&mut key);
        }
        if is_held(&key) {
            return Some((key, false));
        }
        let before = self.sums.len();
        let entry = self.sums.entry(key).or_default();
        change(&mut entry.sums);
        if !std::mem::replace(&mut entry.is_dirty, true) {
            self.dirty.push_back(key);
        }
        Some((key, self.sums.len() > before))
    }

    /// Beyond the first services of a pair, port 0 stands for all others.
    fn keep_services_few(&mut self, key: &mut TalkKey) {
        let services = self.services.entry((key.client, key.server)).or_default();
        let service = (key.protocol, key.transport, key.service_port);
        if services.contains(&service) {
            return;
        }
        if services.len() < SERVICES_PER_PAIR_MAX {
            services.push(service);
        } else {
            key.service_port = 0;
        }
    }

    /// Puts back a talk that a store kept, in the place of what is here. It is not dirty. `false`: there is no room.
    pub fn insert(&mut self, key: TalkKey, sums: TalkSums) -> bool {
        if !self.sums.contains_key(&key) && self.sums.len() >= TALKS_MAX {
            self.dropped += 1;
            return false;
        }
        self.keep_services_few(&mut key.clone());
        let known = self.sums.insert(key, Entry { sums, is_dirty: false });
        if known.is_none_or(|known| !known.is_dirty) {
            return true;
        }
        // Mostly it has just come up, and is the last: looking through all of them for each is what a replay would spend its time on.
        if self.dirty.back() == Some(&key) {
            self.dirty.pop_back();
        } else {
            self.dirty.retain(|dirty| *dirty != key);
        }
        true
    }

    /// At most `max` talks that changed since they were last taken, the longest changed first, as they stand. They count
    /// as written from now on: a caller whose write fails marks them with [`Talks::mark_dirty`].
    pub fn take_dirty(&mut self, max: usize) -> Vec<(TalkKey, TalkSums)> {
        let taken = self.dirty.drain(..max.min(self.dirty.len()));
        let mut talks = Vec::with_capacity(taken.len());
        for key in taken {
            if let Some(entry) = self.sums.get_mut(&key) {
                entry.is_dirty = false;
                talks.push((key, entry.sums.clone()));
            }
        }
        talks
    }

    /// A talk that was taken could not be written.
    pub fn mark_dirty(&mut self, key: TalkKey) {
        if let Some(entry) = self.sums.get_mut(&key)
            && !std::mem::replace(&mut entry.is_dirty, true)
        {
            self.dirty.push_back(key);
        }
    }

    /// Forgets the talks of hours before `hour` that are written; how many. Those that are still dirty stay.
    pub fn close_hours_before(&mut self, hour: u32) -> usize {
        let before = self.sums.len();
        self.sums.retain(|key, entry| key.hour >= hour || entry.is_dirty);
        let pairs: HashSet<(SubjectKey, SubjectKey), _> = {
            let mut pairs = HashSet::with_hasher(self.sums.hasher().clone());
            pairs.extend(self.sums.keys().map(|key| (key.client, key.server)));
            pairs
        };
        self.services.retain(|pair, _| pairs.contains(pair));
        before - self.sums.len()
    }

    /// Activities and flows that found no room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many talks are in memory.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// How many of them changed since they were taken.
    pub fn dirty_len(&self) -> usize {
        self.dirty.len()
    }

    /// The talk of this key, if it is in memory.
    pub fn get(&self, key: &TalkKey) -> Option<&TalkSums> {
        self.sums.get(key).map(|entry| &entry.sums)
    }

    /// The talks in memory, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&TalkKey, &TalkSums)> {
        self.sums.iter().map(|(key, entry)| (key, &entry.sums))
    }
}

impl TalkSums {
    fn activity(&mut self, activity: &Activity, sender: usize) {
        if !activity.verb.is_empty() {
            self.verb(&activity.verb, activity.count);
        } else if let (Some(packets), Some(bytes)) =
            (self.packets.get_mut(sender), self.bytes.get_mut(sender))
        {
            *packets = packets.saturating_add(activity.count);
            *bytes = bytes.saturating_add(activity.bytes);
        }
    }

    fn verb(&mut self, verb: &SmolStr, count: u64) {
        let other = SmolStr::new_static("OTHER");
        let is_known = self.verbs.iter().any(|(known, _)| known == verb);
        let verb = if is_known || self.verbs.len() + 1 < VERBS_MAX { verb } else { &other };
        match self.verbs.iter_mut().find(|(known, _)| known == verb) {
            Some((_, sum)) => *sum = sum.saturating_add(count),
            None => self.verbs.push((verb.clone(), count)),
        }
    }

    /// Adds what was counted elsewhere of the same talk.
    pub fn add(&mut self, part: &Self) {
        self.flows = self.flows.saturating_add(part.flows);
        for (total, part) in self.packets.iter_mut().zip(part.packets) {
            *total = total.saturating_add(part);
        }
        for (total, part) in self.bytes.iter_mut().zip(part.bytes) {
            *total = total.saturating_add(part);
        }
        let mut verbs: Vec<_> = part.verbs.iter().collect();
        verbs.sort();
        verbs.into_iter().for_each(|(verb, count)| self.verb(verb, *count));
    }
}

/// An end of a talk before its domain is left out: one address in two domains is two ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Device(DeviceId),
    Address(SubjectKey),
}

impl From<End> for TalkEnd {
    fn from(end: End) -> Self {
        match end {
            End::Device(id) => Self::Device(id),
            End::Address(SubjectKey { address, .. }) => Self::Address(address),
        }
    }
}

type SumKey = (End, End, Protocol, Transport, u16, u32);

/// Talks between devices out of talks between addresses, largest first. `owner` tells the device of an address.
pub fn between_devices<'t>(
    talks: impl Iterator<Item = (&'t TalkKey, &'t TalkSums)>,
    owner: impl Fn(&SubjectKey) -> Option<DeviceId>,
) -> Vec<Talk> {
    let end = |key: SubjectKey| owner(&key).map_or(End::Address(key), End::Device);
    // In an order that does not depend on the map: where verbs are many, the first ones keep their names.
    let mut parts: Vec<_> = talks.collect();
    parts.sort_unstable_by_key(|(key, _)| *key);
    let mut sums: BTreeMap<SumKey, TalkSums> = BTreeMap::new();
    for (key, part) in parts {
        let ends =
            (end(key.client), end(key.server), key.protocol, key.transport, key.service_port, key.hour);
        sums.entry(ends).or_default().add(part);
    }
    let mut talks: Vec<Talk> = sums.into_iter().map(|(key, sum)| talk(key, sum)).collect();
    talks.sort_by_cached_key(|t| {
        let bytes = t.bytes.iter().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes));
        (std::cmp::Reverse(bytes), t.client, t.server, t.service_port, t.hour)
    });
    talks
}

fn talk((client, server, protocol, transport, service_port, hour): SumKey, sum: TalkSums) -> Talk {
    let mut verbs = sum.verbs;
    verbs.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    let hour = Timestamp::from_secs(u64::from(hour) * 3600);
    let (client, server) = (client.into(), server.into());
    let (packets, bytes) = (sum.packets, sum.bytes);
    Talk { client, server, protocol, transport, service_port, hour, packets, bytes, verbs }
}

#[cfg(test)]
mod tests;
