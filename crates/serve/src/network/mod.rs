//! Who talks to whom, in memory: what the map and the matrix of zones are drawn from.
//!
//! It must not be written by a page: the core tells it what it heard. Bounded in pairs; what does not fit is counted and shown.

use model::{DeviceId, Protocol};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// Pairs of devices kept; more are counted and shown.
pub const PAIRS_MAX: usize = 1_000_000;

/// How much one device said to another over one service in one hour, so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who asked.
    pub client: DeviceId,
    /// Who answered.
    pub server: DeviceId,
    /// Over what.
    pub protocol: Protocol,
    /// Port of the service; 0: none.
    pub port: u16,
    /// Hours since 1970.
    pub hour: u32,
    /// Bytes of both directions.
    pub bytes: u64,
    /// Conversations.
    pub flows: u64,
}

/// Who talks to whom.
#[derive(Debug, Default)]
pub struct Network {
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    pairs: HashMap<(DeviceId, DeviceId, Protocol, u16), Heard>,
    dropped: u64,
}

impl Network {
    /// Nobody talks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what was heard; it replaces what was told of the same hour before.
    pub fn apply(&self, heard: &[Heard]) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        for one in heard {
            let key = (one.client, one.server, one.protocol, one.port);
            if held.pairs.len() >= PAIRS_MAX && !held.pairs.contains_key(&key) {
                held.dropped += 1;
                continue;
            }
            held.pairs.insert(key, *one);
        }
    }
}
