//! Pages that explain: the keys, and how each switch maker mirrors a port.

use super::{Page, Shown, Visit, layout};
use crate::house::House;
use axum::Router;
use axum::routing::get;
use maud::html;

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new().route("/help/keys", get(keys))
}

async fn keys(visit: Visit) -> Shown {
    let answer = html! { "Everything can be reached by keyboard; these are the short ways." };
    let body = html! { section.card { h2 { "Keys" } (layout::keys()) } };
    Ok(Page::new(&visit, None, "Keys", answer, body))
}
