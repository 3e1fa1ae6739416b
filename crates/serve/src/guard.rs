//! What holds for every route: limits, headers that tell browsers to keep their hands off, names that we answer to.
//!
//! It must not depend on the route. OWASP Secure Headers; RFC 9110 §7.4 (misdirected requests).

use crate::limits::Limits;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
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
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// The routes within limits and under the headers.
pub(crate) fn guarded(router: Router, limits: &Limits) -> Router {
    let late = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.request);
    let mut router = router
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(limits.body_bytes))
        .layer(RequestBodyTimeoutLayer::new(limits.body_pause))
        .layer(late);
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        router = router.layer(SetResponseHeaderLayer::if_not_present(name, value));
    }
    router
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
