//! `ward up`: everything that runs as long as Ward does, started in order and stopped in the reverse.

pub mod ground;

pub use ground::{Ground, now};
