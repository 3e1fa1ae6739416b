//! What people have written through pages and API: planned on the core's thread from the store as it is, committed, and then
//! followed.

use super::Core;
use model::Timestamp;
use serve::house::{Plan, Planned};
use store::StoreError;

impl Core {
    /// Makes the plan, commits it, and lets what it concerns be drawn anew; its answer.
    ///
    /// # Errors
    /// Those of the plan and of the commit; nothing is written then, but for [`StoreError::Unsure`].
    pub fn act(&mut self, plan: Plan, now: Timestamp) -> Result<serde_json::Value, StoreError> {
        self.be_whole(now)?;
        let Planned { tx, concerns: _, answer } = plan(&mut self.store, now)?;
        if let Some(tx) = tx {
            self.commit(tx, now)?;
        }
        Ok(answer)
    }
}
