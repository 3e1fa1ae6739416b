//! `GET /metrics`: what this process counts, in Prometheus' text format; and what serve itself counts.
//!
//! It must not carry anything about patients or devices in a label: names and labels are fixed here and in the code.
//! Prometheus text exposition format 0.0.4.

use crate::error::{Result, ServeError};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusBuilder;
pub use metrics_exporter_prometheus::PrometheusHandle;

/// Content type of the format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A metric that serve keeps.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name; the unit last, `_total` for counters.
    pub name: &'static str,
    /// What it counts and what its labels mean.
    pub help: &'static str,
}

const CONNECTIONS: Metric =
    Metric { name: "ward_serve_connections", help: "Connections open now on the listener that spoke last." };
const ACCEPTED: Metric =
    Metric { name: "ward_serve_connections_accepted_total", help: "Connections accepted." };
const ENDED: Metric = Metric {
    name: "ward_serve_connections_ended_total",
    help: "Connections ended, by why: closed, broken, slow, evicted (its place was needed), old, stopped.",
};
const TURNED_AWAY: Metric = Metric {
    name: "ward_serve_connections_turned_away_total",
    help: "Connections turned away because all places were busy.",
};
const REQUESTS: Metric =
    Metric { name: "ward_serve_requests_total", help: "Requests answered, by class of status: 2xx to 5xx." };

const STREAMS: Metric = Metric { name: "ward_serve_streams", help: "Open pages that are told of changes." };

/// Gauges of serve.
pub const GAUGES: &[Metric] = &[CONNECTIONS, STREAMS];
/// Counters of serve.
pub const COUNTERS: &[Metric] = &[ACCEPTED, ENDED, TURNED_AWAY, REQUESTS];

/// Installs the recorder of this process: once, early. Call [`PrometheusHandle::run_upkeep`] every few seconds.
///
/// # Errors
/// [`ServeError::Recorder`] where one is installed already.
pub fn install() -> Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new().install_recorder().map_err(|_| ServeError::Recorder)?;
    describe();
    Ok(handle)
}

fn describe() {
    for metric in GAUGES {
        metrics::describe_gauge!(metric.name, metric.help);
    }
    for metric in COUNTERS {
        metrics::describe_counter!(metric.name, metric.help);
    }
    // Visible at zero: that nobody was turned away can be told from "not measured".
    metrics::counter!(TURNED_AWAY.name).absolute(0);
    metrics::gauge!(STREAMS.name).set(0.0);
}

/// `GET /metrics`.
pub fn routes(handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(show)).with_state(handle)
}

async fn show(State(handle): State<PrometheusHandle>) -> impl IntoResponse {
    (StatusCode::OK, [(CONTENT_TYPE, TEXT)], handle.render())
}

pub(crate) fn connected(open: usize) {
    metrics::counter!(ACCEPTED.name).increment(1);
    metrics::gauge!(CONNECTIONS.name).set(open as f64);
}

pub(crate) fn ended(why: &'static str, open: usize) {
    metrics::counter!(ENDED.name, "why" => why).increment(1);
    metrics::gauge!(CONNECTIONS.name).set(open as f64);
}

pub(crate) fn told(open: usize) {
    metrics::gauge!(STREAMS.name).set(open as f64);
}

pub(crate) fn turned_away() {
    metrics::counter!(TURNED_AWAY.name).increment(1);
}

pub(crate) fn requested(status: StatusCode) {
    let class = match status.as_u16() {
        ..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    metrics::counter!(REQUESTS.name, "status" => class).increment(1);
}
