//! What holds for every route: limits, headers that tell browsers to keep their hands off, names that we answer to.
//!
//! It must not depend on the route. OWASP Secure Headers; RFC 9110 §7.4 (misdirected requests).

use crate::api::{PROBLEM, Problem};
use crate::fresh::fresh;
use crate::limits::{Limits, URI_BYTES_MAX};
use crate::origin::own_pages_only;
use crate::rate::{Rates, rated};
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use std::net::IpAddr;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};

/// Headers of every answer, where the route does not set its own.
const HEADERS: [(HeaderName, &str); 6] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Not "no-referrer": a browser would hide the origin of our own forms from us, and we could not tell them from others'.
    (REFERRER_POLICY, "same-origin"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// Bytes that we read of what a layer below said.
const SAID_BYTES_MAX: usize = 4 * 1024;

/// The routes within limits and under the headers.
pub(crate) fn guarded(router: Router, limits: &Limits) -> Router {
    let late = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.request);
    let mut router = router
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(limits.body_bytes))
        .layer(RequestBodyTimeoutLayer::new(limits.body_pause))
        .layer(late)
        .layer(from_fn(problems));
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        router = router.layer(SetResponseHeaderLayer::if_not_present(name, value));
    }
    router
}

/// What holds for all pages and the API beside that: who may change something, how often, and what need not be sent again.
pub(crate) fn rooms(router: Router) -> Router {
    fresh(router.layer(from_fn(problems)))
        .layer(from_fn(own_pages_only))
        .layer(from_fn_with_state(Rates::new(), rated))
}

/// Whatever fails below `/api/` says so as a problem, whoever refused it on the way.
async fn problems(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    if uri_bytes(&request) > URI_BYTES_MAX {
        let why = format!("the address has more than {URI_BYTES_MAX} bytes: choose fewer filters");
        return Problem::new(StatusCode::URI_TOO_LONG, why).into_response();
    }
    let response = next.run(request).await;
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let media = response.headers().get(CONTENT_TYPE);
    if !is_api || !failed || media.is_some_and(|media| media == PROBLEM) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let said = to_bytes(body, SAID_BYTES_MAX).await.unwrap_or_default();
    let said = String::from_utf8_lossy(said.trim_ascii());
    let said = if said.is_empty() { unsaid(parts.status) } else { &said };
    let (problem, body) = Problem::new(parts.status, said).into_response().into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.extend(problem.headers);
    Response::from_parts(parts, body)
}

fn uri_bytes(request: &Request) -> usize {
    request.uri().path().len() + request.uri().query().map_or(0, str::len)
}

/// The way out where whoever refused said nothing.
fn unsaid(status: StatusCode) -> &'static str {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => "this path has no such method: the header allow names those it has",
        StatusCode::REQUEST_TIMEOUT => "this took too long: ask for less, or again later",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
        _ => "this could not be answered",
    }
}

/// Answers only requests for loopback by address or as `localhost`. A page that a browser fetched elsewhere cannot read
/// plaintext loopback by letting its own name point here.
pub fn local_names_only(router: Router) -> Router {
    router.layer(from_fn(local_name))
}

async fn local_name(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or("?"));
    let host = request.uri().authority().map(|authority| authority.as_str()).or(host);
    if host.is_none_or(is_local) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "ask for this by a loopback address or as localhost\n").into_response()
}

/// Whether the host of an authority, `host[:port]`, is this machine.
fn is_local(authority: &str) -> bool {
    let without_port =
        authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let host = without_port.map_or(authority, |(host, _)| host);
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for local in ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "[::1]"] {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "",
            "ward.example",
            "ward.example:80",
            "10.0.0.1:80",
            "localhost.example",
            "127.0.0.1.example",
            "?",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }
}
