//! What every page has: head, rail, search, notice, live line, and where the page itself goes.

use super::rooms::Room;
use crate::house::House;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use model::Timestamp;
use std::convert::Infallible;

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
}

impl FromRequestParts<House> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Infallible> {
        let wants_piece =
            parts.headers.contains_key("hx-request") && !parts.headers.contains_key("hx-boosted");
        Ok(Self { house: house.clone(), uri: parts.uri.clone(), now: house.now(), wants_piece })
    }
}

/// A page, ready to be sent.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) markup: Markup,
}

impl Page {
    /// A page in `room`; `answer` is the sentence it opens with, `body` the evidence.
    pub(crate) fn new(visit: &Visit, room: Option<Room>, title: &str, answer: Markup, body: Markup) -> Self {
        let site = &visit.house.site;
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " · " (site.name) " · Ward" }
                    link rel="stylesheet" href="/assets/ward.css";
                    script src="/assets/htmx.js" defer {}
                    script src="/assets/ward.js" defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the page" }
                    nav.rail aria-label="Rooms" {
                        a.brand href="/" { "Ward" }
                        ul {
                            @for one in Room::ALL {
                                li { a href=(one.path()) aria-current=[(Some(one) == room).then_some("page")] data-key=(one.key()) { (one.name()) } }
                            }
                        }
                    }
                    @if let Some(notice) = &site.notice { p.notice role="note" { (notice) } }
                    main #main tabindex="-1" {
                        h1 { (title) }
                        p.answer { (answer) }
                        (body)
                    }
                }
            }
        };
        Self { status: StatusCode::OK, markup }
    }

    /// A piece of a page, for htmx.
    pub(crate) fn piece(markup: Markup) -> Self {
        Self { status: StatusCode::OK, markup }
    }

    /// The same under another status.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

/// Pages load nothing but our own files, run no inline script, and go to nobody else's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let headers = [(axum::http::header::CONTENT_SECURITY_POLICY, POLICY)];
        (self.status, headers, Html(self.markup.into_string())).into_response()
    }
}
