//! Which devices are there, and what is known of them.
pub mod vendor;
