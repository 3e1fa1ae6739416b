//! The API of tasks.

use super::Endpoint;

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
