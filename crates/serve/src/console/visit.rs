//! Somebody looks at a page: its address, which is its whole state, and what this browser prefers.
//!
//! It must not hold what a link cannot carry: two people with one address see one page.

use super::Failed;
use crate::house::House;
use axum::extract::{FromRequestParts, Query};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use model::Timestamp;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::fmt::Write as _;

/// Name of the cookie that says how dense tables are; it says nothing else, of nobody.
pub(super) const DENSITY_COOKIE: &str = "ward-density";

/// How much room a row has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Density {
    /// As designed.
    #[default]
    Comfortable,
    /// More rows on a screen.
    Compact,
}

/// Somebody looks at a page: what every page needs to be drawn.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) house: House,
    /// The page's address with its query: its state.
    pub(crate) uri: Uri,
    /// The clock.
    pub(crate) now: Timestamp,
    /// htmx asks for a piece of the page only.
    pub(crate) wants_piece: bool,
    /// How dense tables are in this browser.
    pub(crate) density: Density,
}

impl FromRequestParts<House> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Infallible> {
        let headers = &parts.headers;
        let wants_piece = headers.contains_key("hx-request") && !headers.contains_key("hx-boosted");
        let (uri, now, density) = (parts.uri.clone(), house.now(), density(headers));
        Ok(Self { house: house.clone(), uri, now, wants_piece, density })
    }
}

impl Visit {
    /// The page's state, read from its address; what cannot be understood is said on a page.
    ///
    /// # Errors
    /// The query has a field that the page does not know, or a value it cannot read.
    pub(crate) fn state<T: DeserializeOwned>(&self) -> Result<T, Failed> {
        let read = Query::<T>::try_from_uri(&self.uri);
        read.map(|Query(state)| state).map_err(|error| {
            let detail = format!("the address of this page cannot be understood: {error}");
            Failed::on(self, crate::api::Problem::bad(detail))
        })
    }

    /// The address of this page with these parameters instead: `None` removes one. Order and all others stay, but for `cursor`,
    /// which belongs to the list as it was.
    pub(crate) fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let query = self.uri.query().unwrap_or("");
        let stays = |name: &str| name != "cursor" && changes.iter().all(|(changed, _)| *changed != name);
        let mut parts: Vec<String> = query
            .split('&')
            .filter(|part| !part.is_empty() && stays(part.split('=').next().unwrap_or("")))
            .map(str::to_owned)
            .collect();
        parts.extend(
            changes.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded((*value)?)))),
        );
        let path = self.uri.path();
        if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
    }

    /// The address of this page, path and query, to come back to.
    pub(crate) fn here(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }
}

/// A value as it stands in a query or in one segment of a path. RFC 3986 §2.3: all but the unreserved is escaped.
pub(crate) fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A way back that stays in this house: a path of ours, else the first page.
pub(crate) fn way_back(path: &str) -> &str {
    let is_ours = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if is_ours { path } else { "/" }
}

fn density(headers: &HeaderMap) -> Density {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    match pairs.any(|pair| pair == (DENSITY_COOKIE, "compact")) {
        true => Density::Compact,
        false => Density::Comfortable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_here() {
        for ours in ["/", "/devices?q=a%20b&sort=-name"] {
            assert_eq!(way_back(ours), ours);
        }
        for other in ["//example.org", "https://example.org", "/\\example.org", "", "/a\r\nset-cookie: x=y"] {
            assert_eq!(way_back(other), "/", "{other}");
        }
    }

    #[test]
    fn words_are_escaped_for_addresses() {
        assert_eq!(encoded("a b&c=d/é"), "a%20b%26c%3Dd%2F%C3%A9");
    }
}
