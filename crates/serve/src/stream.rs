//! What open pages are told while they are open: one message for all of them, rendered once.
//!
//! It must not keep what was said before: a page that was slow gets the newest only. WHATWG HTML §9.2 (server-sent events).

use crate::limits::TOLD_MAX;
use crate::metrics;
use axum::body::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// The newest message.
#[derive(Debug)]
pub struct Stream {
    newest: watch::Sender<Told>,
    open: Arc<AtomicUsize>,
}

/// A message, and the frame that carries it to every page.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    number: u64,
    message: Arc<str>,
    /// As it goes over the wire; clones share its bytes.
    pub(crate) frame: Bytes,
}

impl Told {
    fn new(number: u64, message: &str) -> Self {
        // A line break would end the field, and what follows would be read as fields of its own.
        let line = message.replace(['\r', '\n'], " ");
        let frame = Bytes::from(format!("id: {number}\ndata: {line}\n\n"));
        Self { number, message: line.into(), frame }
    }
}

impl Stream {
    /// A stream that has said nothing yet.
    pub fn new() -> Self {
        Self { newest: watch::Sender::new(Told::new(0, "{}")), open: Arc::default() }
    }

    /// Tells all, where it is not what they know already. `message` is one line of JSON.
    pub fn tell(&self, message: &str) {
        self.newest.send_if_modified(|newest| {
            let is_news = *newest.message != *message;
            if is_news {
                *newest = Told::new(newest.number + 1, message);
            }
            is_news
        });
    }

    /// The newest message, for a page that is drawn now.
    pub fn newest(&self) -> Arc<str> {
        Arc::clone(&self.newest.borrow().message)
    }

    /// A place to listen from; `None` where all are taken.
    pub(crate) fn listen(&self) -> Option<(watch::Receiver<Told>, Place)> {
        let place = Place(Arc::clone(&self.open));
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        metrics::told(open);
        // Dropping the place counts down again.
        (open <= TOLD_MAX).then(|| (self.newest.subscribe(), place))
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

/// An open page's place, until dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        metrics::told(self.0.fetch_sub(1, Ordering::Relaxed).saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_not_told_again_and_no_message_breaks_the_frame() {
        let stream = Stream::new();
        let (mut listener, _place) = stream.listen().unwrap();
        stream.tell("{\"a\":1}");
        assert!(listener.has_changed().unwrap());
        assert_eq!(listener.borrow_and_update().frame, "id: 1\ndata: {\"a\":1}\n\n");
        stream.tell("{\"a\":1}");
        assert!(!listener.has_changed().unwrap(), "the same again is no news");
        stream.tell("x\n\ndata: forged\r\rid: 9");
        let frame = listener.borrow_and_update().frame.clone();
        assert_eq!(frame.iter().filter(|byte| **byte == b'\n').count(), 3, "{frame:?}");
        assert!(!frame.contains(&b'\r'));
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let stream = Stream::new();
        let places: Vec<_> = (0..TOLD_MAX).map(|_| stream.listen().unwrap()).collect();
        assert!(stream.listen().is_none());
        drop(places);
        assert!(stream.listen().is_some());
    }
}
