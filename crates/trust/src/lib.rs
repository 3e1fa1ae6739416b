//! skeleton

pub mod seal;
