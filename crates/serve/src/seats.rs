//! Who is connected to one listener: a bounded number, where the longest idle gives way to who comes.
//!
//! It must not end a connection that has a request under way, unless all have: then who comes is turned away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The seats of one listener.
pub(crate) struct Seats {
    max: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    /// Counts comings and endings: who is idle with the lowest number is idle longest.
    tick: u64,
    // INVARIANT: at most `max`.
    seats: BTreeMap<u64, Seated>,
}

struct Seated {
    /// Requests under way, their answers' bodies included.
    busy: u32,
    idle_since: u64,
    evicted: Arc<Notify>,
}

/// One connection's place; given back when dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    evicted: Arc<Notify>,
}

/// A request under way, until dropped.
pub(crate) struct Busy {
    seats: Arc<Seats>,
    number: u64,
}

impl Seats {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max: max.max(1), taken: Mutex::default() })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for who comes; where there is none, the longest idle is told to go. `None` where all are busy.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Seat> {
        let mut taken = self.taken();
        if taken.seats.len() >= self.max {
            let idle = taken.seats.iter().filter(|(_, seated)| seated.busy == 0);
            let longest = idle.min_by_key(|(_, seated)| seated.idle_since).map(|(number, _)| *number)?;
            if let Some(seated) = taken.seats.remove(&longest) {
                seated.evicted.notify_one();
            }
        }
        taken.tick += 1;
        let (number, evicted) = (taken.tick, Arc::new(Notify::new()));
        taken.seats.insert(number, Seated { busy: 0, idle_since: number, evicted: evicted.clone() });
        drop(taken);
        Some(Seat { seats: self.clone(), number, evicted })
    }

    pub(crate) fn len(&self) -> usize {
        self.taken().seats.len()
    }
}

impl Seat {
    /// Returns when the seat is given to another.
    pub(crate) fn evicted(&self) -> impl Future<Output = ()> + use<> {
        let evicted = self.evicted.clone();
        async move { evicted.notified().await }
    }

    /// What marks the connection as busy, without holding the seat.
    pub(crate) fn usher(&self) -> Usher {
        Usher { seats: self.seats.clone(), number: self.number }
    }
}

/// Marks a seat as busy.
#[derive(Clone)]
pub(crate) struct Usher {
    seats: Arc<Seats>,
    number: u64,
}

impl Usher {
    pub(crate) fn busy(&self) -> Busy {
        if let Some(seated) = self.seats.taken().seats.get_mut(&self.number) {
            seated.busy += 1;
        }
        Busy { seats: self.seats.clone(), number: self.number }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.tick += 1;
        let tick = taken.tick;
        if let Some(seated) = taken.seats.get_mut(&self.number) {
            seated.busy = seated.busy.saturating_sub(1);
            seated.idle_since = tick;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().seats.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_idle_goes_and_the_busy_stay() {
        let seats = Seats::new(2);
        let (first, second) = (seats.take().unwrap(), seats.take().unwrap());
        let busy = first.usher().busy();
        let third = seats.take().unwrap();
        assert_eq!(seats.len(), 2);
        assert!(seats.taken().seats.contains_key(&first.number), "it is busy");
        assert!(!seats.taken().seats.contains_key(&second.number), "it was idle");
        let _busy_too = third.usher().busy();
        assert!(seats.take().is_none(), "all are busy");
        drop(busy);
        assert!(seats.take().is_some());
        drop((first, second, third));
        assert_eq!(seats.len(), 0);
    }
}
