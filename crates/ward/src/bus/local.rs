//! The bus within one process: a queue bounded by records.

use super::{Bus, Closed, Delivery};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A queue within the process.
pub struct Local {
    queue: Mutex<Queue>,
    changed: Condvar,
    records_max: usize,
}

#[derive(Default)]
struct Queue {
    deliveries: VecDeque<Delivery>,
    records: usize,
    closed: bool,
}

impl Local {
    /// A queue that holds `records_max` records; a single larger delivery is let in when the queue is empty.
    pub fn new(records_max: usize) -> Self {
        Self { queue: Mutex::default(), changed: Condvar::new(), records_max }
    }

    /// Records waiting.
    pub fn waiting(&self) -> usize {
        self.lock().records
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_room(&self, queue: &Queue, delivery: &Delivery) -> bool {
        queue.deliveries.is_empty() || queue.records + delivery.records.len() <= self.records_max
    }

    fn push(&self, mut queue: MutexGuard<'_, Queue>, delivery: Delivery) {
        queue.records += delivery.records.len();
        queue.deliveries.push_back(delivery);
        drop(queue);
        self.changed.notify_all();
    }
}

impl Bus for Local {
    fn publish(&self, delivery: Delivery) -> Result<(), Closed> {
        let mut queue = self.lock();
        while !queue.closed && !self.has_room(&queue, &delivery) {
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.closed {
            return Err(Closed);
        }
        self.push(queue, delivery);
        Ok(())
    }

    fn offer(&self, delivery: Delivery) -> Result<(), Delivery> {
        let queue = self.lock();
        if queue.closed || !self.has_room(&queue, &delivery) {
            return Err(delivery);
        }
        self.push(queue, delivery);
        Ok(())
    }

    fn take(&self, within: Duration) -> Option<Delivery> {
        let until = Instant::now() + within;
        let mut queue = self.lock();
        loop {
            if let Some(delivery) = queue.deliveries.pop_front() {
                queue.records -= delivery.records.len();
                drop(queue);
                self.changed.notify_all();
                return Some(delivery);
            }
            let left = until.saturating_duration_since(Instant::now());
            if queue.closed || left.is_zero() {
                return None;
            }
            queue = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}
