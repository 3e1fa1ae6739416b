//! Calls from routes into blocking code: bounded, off the runtime's own threads.

use crate::error::{Result, ServeError};
use crate::limits::BLOCKING_MAX;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The way from one set of routes into blocking code.
#[derive(Clone)]
pub(crate) struct Blocking {
    what: &'static str,
    places: Arc<Semaphore>,
}

impl Blocking {
    /// `what` is behind it, for messages.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, places: Arc::new(Semaphore::new(BLOCKING_MAX)) }
    }

    /// Runs `work` on a blocking thread, when one of the places is free. Its place stays taken until it returns, even where
    /// the peer has gone meanwhile.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let stopped = |why: String| ServeError::Unavailable { what: self.what, why };
        let place = self.places.clone().acquire_owned().await.map_err(|error| stopped(error.to_string()))?;
        let done = tokio::task::spawn_blocking(move || {
            let answer = work();
            drop(place);
            answer
        });
        done.await.map_err(|error| stopped(error.to_string()))?
    }
}
