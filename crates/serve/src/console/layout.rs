//! What every page has: head, rail, search, notice, live line, foot, dialogs, and where the page itself goes.

use super::assets::ADDRESSES;
use super::rooms::Room;
use super::visit::{DENSITY_COOKIE, Density, Visit, encoded, way_back};
use crate::house::House;
use crate::when::rfc3339;
use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::post;
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

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
        let zone = site.zone.time_zone().iana_name().unwrap_or("UTC");
        let markup = html! {
            (DOCTYPE)
            html lang="en" data-now=(rfc3339(visit.now)) data-zone=(zone) {
                (head(title, &site.name))
                body class=[(visit.density == Density::Compact).then_some("compact")] {
                    a.skip href="#main" { "Skip to the page" }
                    (rail(visit, room))
                    (top(visit))
                    @if let Some(notice) = &site.notice { aside.notice aria-label="About this site" { (notice) } }
                    main #main tabindex="-1" {
                        div.print-head aria-hidden="true" {
                            span { (site.name) " · Ward" }
                            span { (site.zone.show(visit.now)) }
                        }
                        h1 { (title) }
                        p #answer .answer { (answer) }
                        (body)
                    }
                    (foot(visit, zone))
                    (dialogs())
                    p #said .visually-hidden role="status" aria-live="polite" {}
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

/// htmx without anything that the policy forbids, and without a copy of pages in the browser's storage.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyCacheSize":0,"refreshOnHistoryMiss":true}"#;

fn head(title: &str, site: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="robots" content="noindex";
            meta name="htmx-config" content=(HTMX);
            title { (title) " · " (site) " · Ward" }
            link rel="icon" type="image/svg+xml" href=(ADDRESSES.icon);
            link rel="stylesheet" href=(ADDRESSES.css);
            script src=(ADDRESSES.htmx) defer {}
            script src=(ADDRESSES.script) defer {}
        }
    }
}

fn rail(visit: &Visit, room: Option<Room>) -> Markup {
    let current = visit.uri.path();
    html! {
        nav.rail aria-label="Rooms" {
            a.brand href="/" { "Ward" }
            p.site { (visit.house.site.name) }
            ul {
                @for one in Room::ALL {
                    @let is_here = Some(one) == room;
                    li class=[is_here.then_some("current")] {
                        a href=(one.path()) aria-current=[is_here.then_some(if current == one.path() { "page" } else { "true" })]
                            data-key=(one.key()) data-name=(one.name()) {
                            span { (one.name()) }
                            @if let Some(count) = one.count(&visit.house) { span.count { (super::parts::grouped(count)) } }
                        }
                        @if is_here && !one.pages().is_empty() {
                            ul {
                                @for (name, path) in one.pages() {
                                    li { a href=(path) aria-current=[(current == *path).then_some("page")] data-name=(name) { (name) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn top(visit: &Visit) -> Markup {
    let devices = visit.house.inventory.len();
    html! {
        header.top {
            (super::devices::search(visit))
            button.palette.needs-script type="button" data-open="palette" { "Go to… " kbd { "Ctrl K" } }
            div.live data-live="/api/v1/stream" data-revision=(visit.house.inventory.revision()) {
                span data-live-words { (super::parts::count(devices, "device")) " · drawn " (visit.house.site.zone.clock(visit.now)) }
                button.quiet type="button" data-live-show hidden { "Show changes" }
            }
        }
    }
}

fn foot(visit: &Visit, zone: &str) -> Markup {
    let (other, words) = match visit.density {
        Density::Comfortable => ("compact", "Compact rows"),
        Density::Compact => ("comfortable", "Comfortable rows"),
    };
    let action = format!("/preferences?density={other}&back={}", encoded(visit.here()));
    html! {
        footer.foot {
            p { "Only this machine can open this: there is no sign-in yet." }
            p { "Ward " (env!("CARGO_PKG_VERSION")) }
            p { "Times in " (zone) }
            p { a href="/help/keys" data-open="help" { "Keys" } " · " a href="/help/mirror" { "Mirror ports" } }
            form action=(action) method="post" { button.quiet type="submit" { (words) } }
        }
    }
}

/// Where the palette finds acts: name and page.
const ACTS: [(&str, &str); 8] = [
    ("Open findings", "/findings"),
    ("Tasks", "/tasks"),
    ("Zones", "/settings/zones"),
    ("Reports", "/reports"),
    ("Verify the ledger", "/prove"),
    ("Retention: what Ward stores and for how long", "/settings"),
    ("Mirror ports: recipes per switch maker", "/help/mirror"),
    ("What needs me now", "/"),
];

fn dialogs() -> Markup {
    html! {
        dialog #palette aria-label="Go to a room, a view, an act or a device" {
            input type="search" role="combobox" aria-expanded="true" aria-controls="options" aria-autocomplete="list"
                aria-label="Room, view, act or device" placeholder="Room, view, act, or any name or address of a device" autocomplete="off" spellcheck="false";
            ul #options role="listbox" aria-label="What fits" {}
            div #commands hidden { @for (name, path) in ACTS { a href=(path) { (name) } } }
        }
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { "Keys" }
            (keys())
            label { input type="checkbox" data-keys checked; span { "Single keys are on in this browser" } }
            div.toolbar { button.primary type="button" data-close { "Close" } }
        }
        dialog #confirm aria-labelledby="confirm-title" {
            h2 #confirm-title { "Please confirm" }
            p data-confirm-words {}
            div.toolbar {
                button type="button" data-close { "Cancel" }
                button.primary type="button" data-confirm-go { "Go on" }
            }
        }
    }
}

/// The keys of the console.
pub(super) fn keys() -> Markup {
    html! {
        dl.keys.facts {
            dt { kbd { "/" } } dd { "Search devices" }
            dt { kbd { "Ctrl" } " " kbd { "K" } } dd { "Go to a room, a view, an act or a device" }
            @for room in Room::ALL { dt { kbd { "g" } " " kbd { (room.key()) } } dd { (room.name()) } }
            dt { kbd { "j" } " " kbd { "k" } } dd { "Next and previous row; " kbd { "Enter" } " opens it" }
            dt { kbd { "x" } } dd { "Select the row" }
            dt { kbd { "?" } } dd { "This list" }
            dt { kbd { "Esc" } } dd { "Close, or leave a field" }
        }
    }
}

/// Pages load nothing but our own files, run no inline script, and go to nobody else's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_SECURITY_POLICY, POLICY),
            (CACHE_CONTROL, "private, no-cache"),
            (REFERRER_POLICY, "same-origin"),
        ];
        (self.status, headers, Html(self.markup.into_string())).into_response()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preferences {
    density: Choice,
    back: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Comfortable,
    Compact,
}

/// What a browser is to remember for itself.
pub(crate) fn routes() -> Router<House> {
    Router::new().route("/preferences", post(prefer))
}

async fn prefer(Query(preferences): Query<Preferences>) -> Response {
    let density = match preferences.density {
        Choice::Comfortable => "comfortable",
        Choice::Compact => "compact",
    };
    let cookie = format!("{DENSITY_COOKIE}={density}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Strict");
    ([(SET_COOKIE, cookie)], Redirect::to(way_back(&preferences.back))).into_response()
}
