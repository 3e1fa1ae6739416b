//! The JSON API under `/api/v1`: for programs, and for people who copy a request as curl.
//!
//! An endpoint is data ([`Endpoint`]): what is served and what `openapi/ward.json` says come from the same list, so a route without
//! a description cannot be. Types that go over HTTP stand beside their handler; nouns never go as they are. RFC 9457 for errors.

mod coverage;
mod csv;
mod dates;
mod device;
mod devices;
pub(crate) mod edits;
mod endpoint;
pub(crate) mod exceptions;
pub(crate) mod findings;
pub(crate) mod jobs;
pub(crate) mod ledger;
mod listing;
mod network;
pub(crate) mod notes;
pub mod openapi;
mod problem;
pub(crate) mod query;
pub mod reports;
pub(crate) mod retention;
pub(crate) mod rows;
mod site;
mod stream;
pub(crate) mod tags;
pub(crate) mod tasks;
pub(crate) mod views;
pub(crate) mod windows;
pub(crate) mod zones;

pub(crate) use csv::{CSV_PLAIN, Csv, bounded, json_file};
pub(crate) use dates::{Day, maybe, moment};
pub(crate) use devices::{Asked as DevicesAsked, Devices};
pub(crate) use endpoint::Endpoint;
pub(crate) use listing::{EXPORT_ROWS_MAX, LIMIT_MAX, Listing, after, cursor, limit};
pub(crate) use network::{range, side};
pub(crate) use openapi::PATH as OPENAPI_PATH;
pub(crate) use problem::{PROBLEM, Problem, no_route};

pub(crate) use zones::Proposed;

use crate::house::House;
use axum::Router;

/// Every endpoint.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    [
        site::endpoints(),
        devices::endpoints(),
        device::endpoints(),
        findings::endpoints(),
        network::endpoints(),
        zones::endpoints(),
        tags::endpoints(),
        notes::endpoints(),
        tasks::endpoints(),
        exceptions::endpoints(),
        windows::endpoints(),
        views::endpoints(),
        reports::endpoints(),
        edits::endpoints(),
        coverage::endpoints(),
        ledger::endpoints(),
        jobs::endpoints(),
        retention::endpoints(),
        stream::endpoints(),
        openapi::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The routes of the API.
pub fn routes(house: House) -> Router {
    let mut router = Router::new();
    for endpoint in endpoints() {
        router = router.route(endpoint.path, endpoint.handler);
    }
    router.with_state(house)
}
