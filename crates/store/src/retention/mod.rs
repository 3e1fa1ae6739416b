//! How long rows stay: a policy that is data, and the steps that follow from it. Deletions are writes like any other, with a
//! leaf each, so that the ledger answers for them too.
//!
//! Nothing here runs by itself, and nothing reads the clock. Defaults and their reasons: docs/operate/retention.md.

mod amend;
mod date;
mod inventory;
mod plan;
mod policy;
mod talks;
#[cfg(test)]
mod tests;

pub use amend::Amendment;
pub use plan::{Change, ROWS_A_TX, Step, Swept, plan, sweep};
pub use policy::{HOLDS_MAX, Keep, LegalHold, Policy, RULES, Rule};
