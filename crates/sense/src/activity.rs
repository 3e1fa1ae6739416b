//! Adds up who did how much of what within a minute.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use model::{Activity, Address, Duration, EndpointKey, Header, Protocol, Role, Timestamp, Transport};
use smol_str::SmolStr;

/// Longest interval an Activity covers.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);
/// Distinct (sender, receiver, service, verb) kept at once; past it the interval ends early.
const KEYS_MAX: usize = 1 << 15;

/// What an Activity is counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) sender: Address,
    pub(crate) receiver: Address,
    pub(crate) role: Role,
    pub(crate) protocol: Protocol,
    pub(crate) transport: Transport,
    pub(crate) service_port: u16,
    pub(crate) verb: SmolStr,
}

/// How much.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    pub(crate) retransmitted_bytes: u64,
    pub(crate) gap_bytes: u64,
}

/// The running interval.
pub(crate) struct Activities {
    started: Option<Timestamp>,
    amounts: HashMap<Key, Amount, FixedState>,
}

impl Activities {
    pub(crate) fn new(seed: u64) -> Self {
        Self { started: None, amounts: HashMap::with_hasher(FixedState::with_seed(seed)) }
    }

    /// The interval is over, by time or because too much is in it.
    pub(crate) fn due(&self, now: Timestamp) -> bool {
        self.amounts.len() >= KEYS_MAX || self.started.is_some_and(|start| now.since(start) >= INTERVAL)
    }

    pub(crate) fn add(&mut self, key: Key, amount: Amount, now: Timestamp) {
        self.started.get_or_insert(now);
        let sum = self.amounts.entry(key).or_default();
        sum.count += amount.count;
        sum.bytes += amount.bytes;
        sum.retransmitted_bytes += amount.retransmitted_bytes;
        sum.gap_bytes += amount.gap_bytes;
    }

    /// Ends the interval: its Activities, in an order that does not depend on the map.
    pub(crate) fn drain(&mut self, now: Timestamp, key_of: impl Fn(Address) -> EndpointKey) -> Vec<Activity> {
        let started = self.started.take().unwrap_or(now);
        let mut ended: Vec<(Key, Amount)> = self.amounts.drain().collect();
        ended.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let header = Header { observed_at: now, ..Header::default() };
        let record = |(key, amount): (Key, Amount)| Activity {
            header,
            endpoint: key_of(key.sender),
            peer: key_of(key.receiver),
            role: key.role,
            protocol: key.protocol,
            transport: key.transport,
            service_port: key.service_port,
            verb: key.verb,
            span: now.since(started),
            count: amount.count,
            bytes: amount.bytes,
            retransmitted_bytes: amount.retransmitted_bytes,
            gap_bytes: amount.gap_bytes,
        };
        ended.into_iter().map(record).collect()
    }
}
