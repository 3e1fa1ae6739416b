//! Records → verdicts and plans.
pub mod inventory;
