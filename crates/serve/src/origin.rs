//! What may change something: only what our own pages send, or a program that is no browser. In one place for pages and API.
//!
//! It must not let a page of elsewhere act with the rights of whoever looks at it (CWE-352). W3C Fetch Metadata; RFC 6454.

use crate::api::Problem;
use crate::error::quote;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Types of bodies that the API takes: none that a form of a page elsewhere could send.
const API_TYPES: &[&str] = &["application/json", "text/csv"];
/// Types of bodies that pages send.
const FORM_TYPES: &[&str] = &["application/x-www-form-urlencoded", "multipart/form-data"];

/// Refuses what would change something for a page of elsewhere, and bodies of a type that nothing here reads.
pub(crate) async fn own_pages_only(request: Request, next: Next) -> Response {
    if is_read(request.method()) {
        return next.run(request).await;
    }
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let host = authority.or_else(|| Some(request.headers().get(HOST)?.to_str().ok()?.to_owned()));
    let types = if request.uri().path().starts_with("/api/") { API_TYPES } else { FORM_TYPES };
    let refused =
        foreign(request.headers(), host.as_deref()).or_else(|| wrong_type(request.headers(), types));
    match refused {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

/// Whether a method asks only.
pub(crate) fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Browsers say where a request comes from, and no page can say otherwise. What says nothing is no browser of our days.
fn foreign(headers: &HeaderMap, host: Option<&str>) -> Option<Problem> {
    let word = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = word("sec-fetch-site");
    let origin = word(ORIGIN.as_str());
    let is_own = match (site, origin) {
        (Some(site), _) if !matches!(site, "same-origin" | "none") => false,
        // A browser that hides the origin of its own page still says that it is the same.
        (Some(_), Some("null")) | (_, None) => true,
        (_, Some(origin)) => origin
            .split_once("://")
            .is_some_and(|(_, from)| host.is_some_and(|host| from.eq_ignore_ascii_case(host))),
    };
    let said = origin.or(site).unwrap_or_default();
    (!is_own).then(|| {
        let why = format!("this came from \"{}\", and only this Ward's own pages may act here", quote(said));
        Problem::new(StatusCode::FORBIDDEN, why)
    })
}

/// No type at all is for whoever reads the body: there may be none.
fn wrong_type(headers: &HeaderMap, types: &[&str]) -> Option<Problem> {
    let given = headers.get(CONTENT_TYPE)?.to_str().unwrap_or("?");
    let essence = given.split(';').next().unwrap_or_default().trim();
    if types.iter().any(|one| one.eq_ignore_ascii_case(essence)) {
        return None;
    }
    let why = format!("the body is \"{}\": send {}", quote(essence), types.join(" or "));
    Some(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn is_foreign(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        foreign(&headers.collect(), Some("localhost:8090")).is_some()
    }

    #[test]
    fn only_our_own_pages_and_programs_act() {
        let own: &[&[(&str, &str)]] = &[
            &[],
            &[("origin", "http://localhost:8090")],
            &[("sec-fetch-site", "same-origin"), ("origin", "http://LOCALHOST:8090")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
        ];
        let others: &[&[(&str, &str)]] = &[
            &[("origin", "null")],
            &[("origin", "http://localhost")],
            &[("origin", "http://localhost:8091")],
            &[("origin", "https://evil.example")],
            &[("origin", "localhost:8090")],
            &[("origin", "")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", "http://localhost:8090")],
            &[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")],
            &[("sec-fetch-site", "")],
        ];
        assert!(own.iter().all(|headers| !is_foreign(headers)));
        for headers in others {
            assert!(is_foreign(headers), "{headers:?}");
        }
    }
}
