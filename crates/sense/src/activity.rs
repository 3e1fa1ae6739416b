//! Adds up who did how much of what within a minute.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use model::{Activity, Address, Duration, EndpointKey, Header, Protocol, Role, Timestamp, Transport};
use smol_str::SmolStr;

/// Longest interval an Activity covers: a minute of the clock, so that what falls into one does not depend on what else
/// the sensor sees or on how many share the work.
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

/// The running interval, by key and minute: flows that end late report into the minute they belong to.
pub(crate) struct Activities {
    started: Option<Timestamp>,
    amounts: HashMap<(Key, u64), Sum, FixedState>,
}

/// How much of one key in one minute, and when.
#[derive(Clone, Copy, Debug)]
struct Sum {
    amount: Amount,
    first: Timestamp,
    last: Timestamp,
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
        let minute = now.as_nanos() / INTERVAL.as_nanos();
        let fresh = Sum { amount: Amount::default(), first: now, last: now };
        let sum = self.amounts.entry((key, minute)).or_insert(fresh);
        (sum.first, sum.last) = (sum.first.min(now), sum.last.max(now));
        sum.amount.count += amount.count;
        sum.amount.bytes += amount.bytes;
        sum.amount.retransmitted_bytes += amount.retransmitted_bytes;
        sum.amount.gap_bytes += amount.gap_bytes;
    }

    /// Ends the interval: its Activities, in an order that does not depend on the map.
    pub(crate) fn drain(&mut self, key_of: impl Fn(Address) -> EndpointKey) -> Vec<Activity> {
        self.started = None;
        let mut ended: Vec<((Key, u64), Sum)> = self.amounts.drain().collect();
        ended.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let record = |((key, _), Sum { amount, first, last }): ((Key, u64), Sum)| Activity {
            header: Header { observed_at: last, ..Header::default() },
            endpoint: key_of(key.sender),
            peer: key_of(key.receiver),
            role: key.role,
            protocol: key.protocol,
            transport: key.transport,
            service_port: key.service_port,
            verb: key.verb,
            span: last.since(first),
            count: amount.count,
            bytes: amount.bytes,
            retransmitted_bytes: amount.retransmitted_bytes,
            gap_bytes: amount.gap_bytes,
        };
        ended.into_iter().map(record).collect()
    }
}
