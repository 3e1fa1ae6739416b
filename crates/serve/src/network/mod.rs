//! Who talks to whom, in memory: what the map, the matrix of zones and the lists of talks are drawn from.
//!
//! It must not be written by a page: the core tells it what it heard. Bounded in pairs; what does not fit is counted and shown.

mod held;
mod pair;
mod picture;
mod rough;
mod side;
mod talking;
#[cfg(test)]
mod tests;

pub use picture::{Bubble, Map, Matrix, Sum};
pub use side::{Side, Sides};
pub use talking::{Between, TalkAfter, Talking};

use crate::inventory::Inventory;
use held::Held;
use model::{Protocol, TalkEnd, Timestamp};
use picture::Pictures;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

/// Pairs of ends and services kept; more are counted and shown.
pub const PAIRS_MAX: usize = 1_000_000;

/// How much one end said to another over one service in one hour, so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who asked.
    pub client: TalkEnd,
    /// Who answered.
    pub server: TalkEnd,
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

/// Of which time a picture is; hours are those of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Range {
    /// This hour of the clock and the one before.
    Hour,
    /// 24 hours, this one included.
    #[default]
    Day,
    /// Seven days, today included.
    Week,
}

impl Range {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    /// As addresses write it.
    pub fn token(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// The one that an address writes so.
    pub fn read(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.token() == token)
    }

    /// For sentences.
    pub fn words(self) -> &'static str {
        match self {
            Self::Hour => "in the last hour",
            Self::Day => "in the last 24 hours",
            Self::Week => "in the last 7 days",
        }
    }

    fn place(self) -> usize {
        match self {
            Self::Hour => 0,
            Self::Day => 1,
            Self::Week => 2,
        }
    }
}

/// Who talks to whom.
#[derive(Debug, Default)]
pub struct Network {
    held: RwLock<Held>,
    pictures: Mutex<Pictures>,
}

/// How much is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Pairs of ends and services.
    pub pairs: usize,
    /// Tellings of pairs for which there was no room.
    pub dropped: u64,
}

impl Network {
    /// Nobody talks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what was heard; it replaces what was told of the same hour before.
    pub fn apply(&self, heard: &[Heard]) {
        if heard.is_empty() {
            return;
        }
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        heard.iter().for_each(|one| held.tell(one));
        held.revision += 1;
    }

    /// How much is held.
    pub fn holding(&self) -> Holding {
        let held = self.read();
        Holding { pairs: held.pairs.len(), dropped: held.dropped }
    }

    /// Grows with everything heard.
    pub fn revision(&self) -> u64 {
        self.read().revision
    }

    /// Between zones.
    pub fn matrix(&self, inventory: &Inventory, range: Range, now: Timestamp) -> Arc<Matrix> {
        let held = self.at(now);
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        pictures.matrix(&held, inventory, range)
    }

    /// Between groups of devices; with `zone`, between what is in it and all other zones.
    pub fn map(&self, inventory: &Inventory, range: Range, zone: Option<&Side>, now: Timestamp) -> Arc<Map> {
        let held = self.at(now);
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        pictures.map(&held, inventory, range, zone)
    }

    /// Single talks, the most bytes first: at most `limit` after `after`.
    pub fn talks(
        &self,
        inventory: &Inventory,
        between: &Between,
        (range, after, limit): (Range, Option<&TalkAfter>, usize),
        now: Timestamp,
    ) -> Vec<Talking> {
        let held = self.at(now);
        let sides = {
            let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
            pictures.sides(&held, inventory)
        };
        talking::talks(&held, &sides, inventory, between, (range, after, limit))
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held, with its sums as of `now`.
    fn at(&self, now: Timestamp) -> RwLockReadGuard<'_, Held> {
        let hour = now.hour();
        if self.read().hour < hour {
            let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
            held.strike(hour);
        }
        self.read()
    }
}
