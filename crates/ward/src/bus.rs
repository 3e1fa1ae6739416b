//! The seam between those who see packets and the core that judges: deliveries of records, acknowledged once durable.

pub mod local;

use model::Record;
use std::sync::Arc;
use std::time::Duration;

/// Records of one source, in its order.
pub struct Delivery {
    /// Name of the source; its cursor in the store goes by it.
    pub source: Arc<str>,
    /// The records. Their sequence numbers run on from the source's delivery before, without gaps; may be empty when only
    /// `position` moves.
    pub records: Vec<Record>,
    /// Sequence number of the last record delivered, these included; 0 before the first.
    pub last_sequence: u64,
    /// Where the source stands after these, in its own terms (JSON): given back to it when it starts again.
    pub position: String,
    /// Called once these records are durable, on the core's thread: must not block for long.
    pub acknowledge: Option<Acknowledge>,
}

/// What a source wants to be told.
pub type Acknowledge = Box<dyn FnOnce() + Send>;

/// Nobody takes deliveries any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the core has stopped")]
pub struct Closed;

/// A bounded queue of deliveries. Order holds per source. A delivery that was taken but not acknowledged is lost with the
/// process, and its source delivers it again after the restart.
pub trait Bus: Send + Sync {
    /// Hands over a delivery; waits while the queue is full.
    ///
    /// # Errors
    /// [`Closed`] when the core has stopped: the delivery will come again from the cursor.
    fn publish(&self, delivery: Delivery) -> Result<(), Closed>;

    /// Hands over a delivery if there is room now; gives it back otherwise.
    ///
    /// # Errors
    /// The delivery itself.
    fn offer(&self, delivery: Delivery) -> Result<(), Delivery>;

    /// The next delivery, waiting for it at most `within`.
    fn take(&self, within: Duration) -> Option<Delivery>;

    /// No more deliveries are accepted; those inside can still be taken.
    fn close(&self);
}
