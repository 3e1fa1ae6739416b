//! Activities added up to talks: who, with whom, over which service, in which hour.

use hashbrown::HashMap;
use model::{Activity, Address, Protocol, Role, Transport};
use smol_str::SmolStr;

/// Talks kept; further ones are counted and dropped.
const TALKS_MAX: usize = 1 << 20;
/// Services of one pair kept apart; the rest is added up as "various" (port 0).
const SERVICES_PER_PAIR_MAX: usize = 16;
/// Verbs of one talk kept apart; the rest is added up as `OTHER`.
const VERBS_MAX: usize = 48;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TalkKey {
    pub(super) client: Address,
    pub(super) server: Address,
    pub(super) protocol: Protocol,
    pub(super) transport: Transport,
    pub(super) service_port: u16,
    pub(super) hour: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub(super) packets: [u64; 2],
    pub(super) bytes: [u64; 2],
    pub(super) verbs: Vec<(SmolStr, u64)>,
}

/// What is offered on a port.
type Service = (Protocol, Transport, u16);

#[derive(Debug, Default)]
pub(super) struct TalkTable {
    sums: HashMap<TalkKey, Sums, foldhash::fast::FixedState>,
    services: HashMap<(Address, Address), Vec<Service>, foldhash::fast::FixedState>,
    dropped: u64,
}

impl TalkTable {
    pub(super) fn new(seed: u64) -> Self {
        let state = || foldhash::fast::FixedState::with_seed(seed);
        Self { sums: HashMap::with_hasher(state()), services: HashMap::with_hasher(state()), dropped: 0 }
    }

    pub(super) fn activity(&mut self, activity: &Activity) {
        let (client, server, sender) = match activity.role {
            Role::Client => (activity.endpoint.address, activity.peer.address, 0),
            Role::Server => (activity.peer.address, activity.endpoint.address, 1),
        };
        let mut key = TalkKey {
            client,
            server,
            protocol: activity.protocol,
            transport: activity.transport,
            service_port: activity.service_port,
            hour: activity.header.observed_at.hour(),
        };
        // Dynamic ports (RFC 6335 §6) name no service.
        if key.service_port >= 49_152 && key.protocol == Protocol::Unknown {
            key.service_port = 0;
        }
        if !self.sums.contains_key(&key) {
            if self.sums.len() >= TALKS_MAX {
                self.dropped += 1;
                return;
            }
            self.keep_services_few(&mut key);
        }
        self.sums.entry(key).or_default().add(activity, sender);
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

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&TalkKey, &Sums)> {
        self.sums.iter()
    }
}

impl Sums {
    fn add(&mut self, activity: &Activity, sender: usize) {
        if activity.verb.is_empty() {
            if let (Some(packets), Some(bytes)) = (self.packets.get_mut(sender), self.bytes.get_mut(sender)) {
                *packets += activity.count;
                *bytes += activity.bytes;
            }
            return;
        }
        self.verb(&activity.verb, activity.count);
    }

    pub(super) fn verb(&mut self, verb: &SmolStr, count: u64) {
        let other = SmolStr::new_static("OTHER");
        let is_known = self.verbs.iter().any(|(known, _)| known == verb);
        let verb = if is_known || self.verbs.len() + 1 < VERBS_MAX { verb } else { &other };
        match self.verbs.iter_mut().find(|(known, _)| known == verb) {
            Some((_, sum)) => *sum += count,
            None => self.verbs.push((verb.clone(), count)),
        }
    }
}
