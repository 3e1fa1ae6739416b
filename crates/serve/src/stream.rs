//! What open pages are told while they are open: one message for all of them, made once.

use tokio::sync::watch;

/// The newest message; a page that was slow gets the newest only.
#[derive(Debug)]
pub struct Stream {
    newest: watch::Sender<std::sync::Arc<str>>,
}

impl Stream {
    /// A stream that has said nothing yet.
    pub fn new() -> Self {
        Self { newest: watch::Sender::new("{}".into()) }
    }

    /// Tells all. `message` is one line of JSON.
    pub fn tell(&self, message: &str) {
        self.newest.send_replace(message.into());
    }

    /// To listen with.
    pub(crate) fn listen(&self) -> watch::Receiver<std::sync::Arc<str>> {
        self.newest.subscribe()
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}
