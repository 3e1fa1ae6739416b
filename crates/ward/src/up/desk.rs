//! The desk of the house: what pages and API have written goes to the core's thread, which is the one writer.

use super::ground;
use crate::core::run::{Handle, NotDone};
use model::Timestamp;
use serve::house::{Desk, Plan};
use std::time::Duration;
use store::StoreError;

/// How long a write waits for the core to begin with it: shorter than a request may take.
const WITHIN: Duration = Duration::from_secs(15);

/// Asks the core.
pub(super) struct CoreDesk(pub(super) Handle);

impl Desk for CoreDesk {
    fn write(&self, plan: Plan) -> Result<serde_json::Value, StoreError> {
        let done = self.0.call_within(WITHIN, move |core| core.act(plan, ground::now()));
        done.map_err(|not_done| match not_done {
            NotDone::Withdrawn => StoreError::Unreachable { detail: not_done.to_string() },
            NotDone::Unknown => StoreError::Unsure { detail: not_done.to_string() },
        })?
    }

    fn now(&self) -> Timestamp {
        ground::now()
    }
}
