//! Listeners: what others ask of Ward over HTTP, and how much of it they may ask.
//!
//! It must not decide and must not store: every route reads or acts through a small trait that the binary implements. Until
//! sign-in and TLS are there it listens on loopback and on Unix sockets only.
//! Standards: RFC 9110 to 9113 (HTTP); C2SP tlog-tiles and tlog-witness (the ledger's routes).

pub mod address;
mod blocking;
mod connection;
pub mod control;
pub mod error;
mod guard;
pub mod health;
pub mod ledger;
pub mod limits;
pub mod listen;
pub mod metrics;
mod paced;
mod seats;
pub mod witness;

pub use address::Address;
pub use axum::Router;
pub use error::{Result, ServeError};
pub use guard::local_names_only;
pub use limits::Limits;
pub use listen::{Listening, listen, listen_within};
