//! The API of zones.

use super::Endpoint;

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
