//! What tests and measurements share. Never part of the product.

pub mod capture_file;
pub mod mix;
pub mod packet;
pub mod payload;
pub mod random;
pub mod schema;
pub mod sessions;
pub mod simulation;
