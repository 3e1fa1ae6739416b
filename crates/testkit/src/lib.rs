//! What tests and measurements share. Never part of the product.

pub mod capture_file;
pub mod mix;
pub mod payload;
pub mod random;
pub mod sessions;
