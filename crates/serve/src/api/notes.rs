//! The API of notes.

use super::Endpoint;

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
