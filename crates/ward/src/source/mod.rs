//! Where records come from: folders with captures and records, and interfaces. A source numbers its records without gaps, hands
//! them over in order, and after a restart goes on behind what is durable. It decides nothing about devices.

mod file;
pub mod folder;
pub mod given;
mod hear;
pub mod live;
mod outgoing;
mod told;

pub use hear::{Said, hear};

use crate::bus::{Bus, Delivery};
pub(crate) use crate::clock::now;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the store knows of a source by its name: the last sequence number that is durable, and the position that came with it.
pub type Cursors = Arc<dyn Fn(&str) -> Option<(u64, String)> + Send + Sync>;

/// How long a source waits before it tries again to hand over, while the queue is full.
const RETRY: Duration = Duration::from_millis(5);

/// What a source is connected to.
#[derive(Clone)]
pub struct Outlet {
    /// Where deliveries go.
    pub bus: Arc<dyn Bus>,
    /// What is durable already.
    pub cursors: Cursors,
    /// Set when the source should finish and return.
    pub stop: Arc<AtomicBool>,
}

/// The source was told to stop while it waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

impl Outlet {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Hands over, waiting while the queue is full; `meanwhile` is called while it waits.
    fn hand_over(&self, mut delivery: Delivery, meanwhile: &mut dyn FnMut()) -> Result<(), Stopped> {
        loop {
            match self.bus.offer(delivery) {
                Ok(()) => return Ok(()),
                Err(given_back) if self.is_stopped() => {
                    drop(given_back);
                    return Err(Stopped);
                }
                Err(given_back) => delivery = given_back,
            }
            meanwhile();
            std::thread::sleep(RETRY);
        }
    }
}
