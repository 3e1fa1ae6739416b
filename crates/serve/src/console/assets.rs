//! The files that pages load: ours and those of others, all inside the binary.

use crate::house::House;
use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

const CSS: &str = include_str!("../assets/ward.css");
const SCRIPT: &str = include_str!("../assets/ward.js");

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/assets/ward.css", get(|| file("text/css; charset=utf-8", CSS)))
        .route("/assets/ward.js", get(|| file("text/javascript; charset=utf-8", SCRIPT)))
}

async fn file(media: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, media), (CACHE_CONTROL, "no-cache")], text)
}
