//! The API of devices.

use super::Endpoint;

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
