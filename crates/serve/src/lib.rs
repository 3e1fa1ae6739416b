//! Listeners: what others ask of Ward over HTTP, and how much of it they may ask.
//!
//! It must not decide and must not store: every route reads or acts through a small trait that the binary implements. Until
//! sign-in and TLS are there it listens on loopback and on Unix sockets only.
//! Standards: RFC 9110 to 9113 (HTTP); C2SP tlog-tiles and tlog-witness (the ledger's routes).

pub mod address;
mod advice;
pub mod api;
mod blocking;
mod connection;
pub mod console;
pub mod control;
mod dossier;
pub mod error;
mod guard;
pub mod health;
pub mod house;
pub mod inventory;
pub mod ledger;
pub mod limits;
pub mod listen;
pub mod metrics;
pub mod network;
mod paced;
mod seats;
mod site_clock;
pub mod stream;
pub mod when;
pub mod witness;

pub use address::Address;
pub use axum::Router;
pub use error::{Result, ServeError};
pub use guard::local_names_only;
pub use house::House;
pub use limits::Limits;
pub use listen::{Listening, listen, listen_within};

/// All pages and the API.
pub fn rooms(house: House) -> Router {
    let nowhere = axum::routing::any(nowhere).with_state::<()>(house.clone());
    console::routes(house.clone()).merge(api::routes(house)).fallback_service(nowhere)
}

/// What is not there: a page for people, a problem for programs.
async fn nowhere(visit: console::Visit) -> axum::response::Response {
    use axum::response::IntoResponse as _;
    if visit.uri.path().starts_with("/api/") {
        return api::no_route().await.into_response();
    }
    console::no_page(visit).await.into_response()
}
