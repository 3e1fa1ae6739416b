//! The `ward` program: captures in, inventory and findings out.

pub mod capture;
